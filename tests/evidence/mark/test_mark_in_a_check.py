"""A check asks the mark where the seal is lost, and says of both."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import ndimage

from evidence.marked_scans import LUNG, chest, tampered
from evidence.sealed_scans import KEY, OTHER_KEY
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.evidence.check import verify
from napari_mits_gan.evidence.seal import seal
from napari_mits_gan.evidence.verdict import Kind, State

SEALED = seal(chest(), KEY, with_copy=False, mark=True)


def _filtered(volume: CTVolume) -> CTVolume:
    hu = ndimage.gaussian_filter(volume.hu.astype(np.float64), 0.5)
    return replace(volume, hu=np.rint(hu).astype(np.int16))


def test_a_marked_and_sealed_scan_is_intact_and_says_what_was_done() -> None:
    verdict = verify(SEALED, KEY)

    assert [step.kind for step in SEALED.history] == ["mark", "seal"]
    assert verdict.is_intact
    assert verdict.mark is None


def test_a_filtered_scan_has_lost_its_seal_but_not_its_mark() -> None:
    verdict = verify(_filtered(SEALED), KEY)

    assert verdict.state is State.NO_SEAL
    assert verdict.headline == "No seal of this key was found; its mark is there in all of the lungs."
    assert [finding.kind for finding in verdict.findings] == [Kind.NO_SEAL]


def test_tampering_before_a_filter_is_named_with_its_place() -> None:
    verdict = verify(_filtered(tampered(SEALED, LUNG, 14, 30)), KEY)

    place = next(finding for finding in verdict.findings if finding.kind is Kind.MARK_MISSING)
    assert place.box is not None
    assert all(first <= at < stop for at, (first, stop) in zip(LUNG, place.box, strict=True))
    assert place.sentence.endswith("mm (x, y, z): the mark is missing.")
    assert verdict.as_json()["mark"]["missing_places"] == 1


def test_where_the_seal_is_there_and_the_tampering_small_the_mark_is_not_asked() -> None:
    verdict = verify(tampered(SEALED, LUNG, 14, 30), KEY)

    assert verdict.state is State.TAMPERED
    assert verdict.mark is None


def test_another_key_finds_neither() -> None:
    verdict = verify(SEALED, OTHER_KEY)

    assert verdict.headline == "No seal of this key was found."
    assert verdict.notes == ("No mark of this key was found either.",)
    assert not verdict.as_json()["mark"]["found"]

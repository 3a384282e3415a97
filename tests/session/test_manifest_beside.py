"""A check in a session asks the manifest beside the opened files as well."""

from __future__ import annotations

import numpy as np
import pytest

import napari_mits_gan as mg
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.evidence.key import SealKey
from napari_mits_gan.evidence.manifest import MANIFEST_NAME, signed_manifest, signer_of
from napari_mits_gan.session import Session
from napari_mits_gan.session.examination import examine

KEY = SealKey(bytes(range(32)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    hu = np.random.default_rng(0).normal(-300, 60, (12, 96, 96)).astype(np.int16)
    sealed = mg.seal(CTVolume(hu, (2.5, 0.8, 0.8)), KEY)
    folder = tmp_path_factory.mktemp("received") / "series"
    mg.write_dicom(sealed, folder)
    (folder / MANIFEST_NAME).write_bytes(signed_manifest(mg.read_ct(folder), signer_of(KEY), None))
    return folder


def opened(folder):
    session = Session()
    session.open(mg.read_ct(folder))
    return session


def test_a_scan_as_it_was_signed_is_intact(folder):
    found = examine(opened(folder), "original", KEY)
    assert (found.manifest, found.state, found.sentences) == ((), "intact", ())


def test_another_sealed_series_in_its_place_is_seen_by_the_manifest_alone(folder, tmp_path):
    other = np.random.default_rng(1).normal(-300, 60, (12, 96, 96)).astype(np.int16)
    mg.write_dicom(mg.seal(CTVolume(other, (2.5, 0.8, 0.8)), KEY), tmp_path / "series")
    (tmp_path / "series" / MANIFEST_NAME).write_bytes((folder / MANIFEST_NAME).read_bytes())
    found = examine(opened(tmp_path / "series"), "original", KEY)
    assert found.verdict.is_intact
    assert found.state == "tampered"
    assert found.headline.startswith("The seal is intact, but")
    assert found.sentences == tuple(f"Manifest: {told}" for told in found.manifest)
    assert "another series" in found.sentences[0]


def test_an_edited_manifest_is_a_finding(folder, tmp_path):
    mg.write_dicom(mg.read_ct(folder), tmp_path / "series")
    text = (folder / MANIFEST_NAME).read_text().replace("2.5", "2.4")
    (tmp_path / "series" / MANIFEST_NAME).write_text(text)
    assert examine(opened(tmp_path / "series"), "original", KEY).manifest


def test_without_a_manifest_nothing_is_said_of_one(folder, tmp_path):
    mg.write_dicom(mg.read_ct(folder), tmp_path / "series")
    assert examine(opened(tmp_path / "series"), "original", KEY).manifest is None

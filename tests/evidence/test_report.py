"""The page of a check: each finding in words, with the slice it lies in and what was there."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from evidence.sealed_scans import KEY, OTHER_KEY, body, with_hu
from napari_mits_gan.evidence.check import verify
from napari_mits_gan.evidence.recover import recover
from napari_mits_gan.evidence.report import MOST_PICTURED, report_page
from napari_mits_gan.evidence.seal import seal


@pytest.fixture(scope="module")
def sealed():
    return seal(body((24, 128, 128)), KEY, bits=2)


@pytest.fixture(scope="module")
def tampered(sealed):
    hu = sealed.hu.copy()
    hu[9:12, 40:48, 70:80] = 400
    return with_hu(sealed, hu)


def pictures(page):
    return [np.asarray(Image.open(io.BytesIO(base64.b64decode(p)))) for p in re.findall(r'base64,([^"]+)"', page)]


def captions(page):
    return re.findall(r"<figcaption>(.*?)</figcaption>", page)


def test_a_healed_finding_is_shown_as_it_is_as_it_was_and_as_difference(tampered):
    recovery = recover(tampered, KEY)
    page = report_page(tampered, recovery.verdict, recovery)
    assert recovery.verdict.findings[0].sentence in page
    assert recovery.verdict.headline in page
    assert re.match(r"Slice (9|10|11);", captions(page)[0])
    whole, now, healed, difference = pictures(page)
    assert (whole == (255, 64, 48)).all(axis=2).any()
    assert np.abs(now.astype(int) - healed.astype(int)).max() > 150
    assert (difference[..., 0].astype(int) - difference[..., 2]).max() > 100


def test_without_a_recovery_the_place_is_shown(tampered):
    verdict = verify(tampered, KEY)
    page = report_page(tampered, verdict)
    assert captions(page) == ["Slice 10; outlined: not as sealed", "As it is now"]


def test_an_intact_scan_has_no_findings_and_a_missing_manifest_is_told(sealed):
    page = report_page(sealed, verify(sealed, KEY))
    assert "Intact" in page
    assert "Findings" not in page
    assert "would not be seen" in page


def test_a_manifest_that_disagrees_makes_the_headline_an_alarm(sealed):
    verdict = verify(sealed, KEY)
    assert 'class="headline good"' in report_page(sealed, verdict, manifest=[])
    page = report_page(sealed, verdict, manifest=["Slice 3 is missing."])
    assert 'class="headline alarm"' in page
    assert "Slice 3 is missing." in page


def test_a_scan_without_a_seal_of_the_key_is_told_without_pictures(sealed):
    page = report_page(sealed, verify(sealed, OTHER_KEY))
    assert "No seal" in page
    assert not pictures(page)


def test_of_many_findings_the_first_are_pictured_and_the_rest_told(sealed):
    hu = sealed.hu.copy()
    for z in range(0, 24, 2):
        hu[z, 40, 40] ^= 4
        hu[z, 90, 100] ^= 4
    scan = with_hu(sealed, hu)
    verdict = verify(scan, KEY)
    assert len(verdict.findings) == 24
    page = report_page(scan, verdict)
    assert len(pictures(page)) == 2 * MOST_PICTURED
    assert "4 more findings are told without a picture" in page
    assert all(finding.sentence in page for finding in verdict.findings)


def test_a_scan_that_lies_the_other_way_round_is_not_set_beside_the_healed_one(tampered):
    turned = with_hu(tampered, tampered.hu[:, ::-1].copy())
    recovery = recover(turned, KEY)
    page = report_page(turned, recovery.verdict, recovery)
    assert not any("Healed" in caption for caption in captions(page))

"""docs/results.md is what the committed weights give: a small part of it, made anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from napari_mits_gan.attack.ctgan.attacker import CTGAN
from napari_mits_gan.ct.anatomy import body_mask
from napari_mits_gan.ct.read import read_ct
from napari_mits_gan.evaluation.disruption.fourier_sensitivity import FourierSensitivity, fourier_sensitivity
from napari_mits_gan.evaluation.evaluate import load_attackers
from napari_mits_gan.evaluation.measures.change import measure_change
from napari_mits_gan.evaluation.sites.lung_clicks import random_lung_clicks
from napari_mits_gan.protection.protect import protect
from napari_mits_gan.protection.weights import shipped_protector
from napari_mits_gan.weights_file import digest

DOCUMENT = Path(__file__).parents[2] / "docs" / "results.md"
SCAN, BUDGET_HU = "RIDER-Pilot-0117", 20


def section() -> str:
    text = DOCUMENT.read_text(encoding="utf-8")
    start = text.index(f"### mits-gan at {BUDGET_HU} HU: {SCAN}")
    return text[start : text.find("\n## ", start)].split("\n### ")[0]


def test_the_document_names_the_weights_that_ship():
    assert f"{shipped_protector().name} {digest(shipped_protector())}" in section()
    for attacker in load_attackers(device="cpu").values():
        assert attacker.name in section()


def test_the_change_of_a_scan_is_the_one_in_the_document(shared_ct):
    path = shared_ct / f"{SCAN}.nii.gz"
    if not path.is_file():
        pytest.skip(f"{path.name} is not among the real scans here")
    scan = read_ct(path)
    found = measure_change(scan, protect(scan, "mits-gan", BUDGET_HU, device="cpu"), body_mask(scan))
    row = next(line for line in section().splitlines() if line.startswith("| mits-gan |"))
    largest, rms, psnr, ssim, mean = (float(cell) for cell in row.split("|")[2:7])
    assert found.fidelity.max_change_hu == largest
    assert found.fidelity.rms_hu == pytest.approx(rms, abs=0.02)
    assert found.fidelity.psnr_db == pytest.approx(psnr, abs=0.1)
    assert found.fidelity.ssim == pytest.approx(ssim, abs=2e-4)
    assert found.local_mean_95_hu == pytest.approx(mean, abs=0.02)


def test_the_comparison_gives_the_same_figures_as_the_results():
    """Both are written by their own command; the share of injections over the threshold stands in each."""
    comparison = DOCUMENT.with_name("comparison.md").read_text(encoding="utf-8")
    results = DOCUMENT.read_text(encoding="utf-8")
    aims = next(line for line in results.splitlines() if line.startswith("| injections over 0.0125"))
    for budget, cell in zip((10, 20, 40), aims.split("|")[2:5], strict=True):
        if budget == 10:
            continue
        row = next(line for line in comparison.splitlines() if line.startswith(f"| mits-gan, {budget} HU |"))
        assert row.split("|")[2].split()[0] == cell.split()[0]


def test_the_upper_bound_is_what_the_comparison_says(shared_ct):
    names = ("LIDC-IDRI-0001", f"{SCAN}.nii.gz")
    if not all((shared_ct / name).exists() for name in names):
        pytest.skip("the scans of the comparison are not among the real scans here")
    injector = CTGAN.load("inject", "cpu")
    parts = []
    for name in names:
        scan = read_ct(shared_ct / name)
        parts.append(fourier_sensitivity(injector, scan, random_lung_clicks(scan, 20, 0)))
    found = FourierSensitivity.pooled(parts)
    comparison = DOCUMENT.with_name("comparison.md").read_text(encoding="utf-8")
    table = comparison[comparison.index("## Upper bound without knowledge of the click") :]
    row = next(line for line in table.splitlines() if line.startswith("| inject |")).split("|")
    wave = found.strongest_wave(keep_local_mean=True)
    assert ", ".join(f"{cycles:g}" for cycles in wave) == row[4].strip()
    assert found.upper_bound(BUDGET_HU) == pytest.approx(float(row[3]), rel=0.02)
    assert found.upper_bound(BUDGET_HU, keep_local_mean=True) == pytest.approx(float(row[5]), rel=0.02)

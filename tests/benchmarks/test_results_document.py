"""docs/results.md and docs/comparison.md are what the committed weights give: small parts of them, measured again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import comparison, results
from napari_mits_gan.attack.ctgan.attacker import CTGAN
from napari_mits_gan.ct.read import read_ct
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.evaluation.evaluate import load_attackers
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


@pytest.fixture(scope="module")
def scan(shared_ct: Path) -> CTVolume:
    path = shared_ct / f"{SCAN}.nii.gz"
    if not path.is_file():
        pytest.skip(f"{path.name} is not among the real scans here")
    return replace(read_ct(path), name=SCAN)


def row(document: Path, heading: str, first: str) -> list[str]:
    """The cells of a row in the section with this heading."""
    text = document.read_text(encoding="utf-8")
    lines = text[text.index(f"## {heading}") :].splitlines()
    return [cell.strip() for cell in next(line for line in lines if line.startswith(f"| {first} |")).split("|")[2:-1]]


def test_the_change_of_the_middle_slices_is_the_one_in_the_document(scan):
    ((name, found),) = results.check_of(scan, "mits-gan", "cpu").items()
    largest, rms, psnr, ssim, mean = (float(cell) for cell in row(DOCUMENT, "The middle 16 slices alone, 20 HU", name))
    assert found.fidelity.max_change_hu == largest
    assert found.fidelity.rms_hu == pytest.approx(rms, abs=0.02)
    assert found.fidelity.psnr_db == pytest.approx(psnr, abs=0.1)
    assert found.fidelity.ssim == pytest.approx(ssim, abs=2e-4)
    assert found.local_mean_95_hu == pytest.approx(mean, abs=0.02)


def test_the_upper_bound_at_a_few_sites_is_the_one_in_the_document(scan):
    found = comparison.check_of(CTGAN.load("inject", "cpu"), scan)
    ((_, *cells),) = comparison.check_table({SCAN: found}).rows
    wave, *bounds = row(DOCUMENT.with_name("comparison.md"), "Upper bound at 4 sites of each scan", SCAN)
    assert cells[0] == wave
    assert [float(cell) for cell in cells[1:]] == pytest.approx([float(bound) for bound in bounds], rel=0.02)


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

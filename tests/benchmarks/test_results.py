"""The summary of docs/results.md from figures made by hand."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.results import summary_table
from napari_mits_gan.evaluation.disruption.deviation import Disruption
from napari_mits_gan.evaluation.measures.change import Change
from napari_mits_gan.evaluation.measures.fidelity import Fidelity
from napari_mits_gan.evaluation.result import Evaluation


def _disruption(*deviations: float) -> Disruption:
    n = len(deviations)
    return Disruption(deviations, n * (30.0,), n * (10.0,), n * (-100.0,), n * (1.0,))


def _change(rms_hu: float) -> Change:
    return Change(Fidelity.from_rms(max_change_hu=20.0, rms_hu=rms_hu, ssim=0.98), 1.0, 100)


def test_the_summary_has_a_row_for_each_protection_and_attacker_and_a_column_for_each_control():
    first_budget = Evaluation(
        scan="a chest",
        method="mits-gan",
        protection={"max_change_hu": 20},
        attackers={"inject": "injector"},
        seed=0,
        sites=((1, 2, 3), (4, 5, 6)),
        changes={"mits-gan": _change(12.0), "gaussian-noise": _change(12.0)},
        disruptions={"inject": {"mits-gan": _disruption(0.01, 0.02), "gaussian-noise": _disruption(0.002, 0.004)}},
    )
    second_budget = replace(
        first_budget,
        protection={"max_change_hu": 40},
        changes={"mits-gan": _change(24.0), "slice-shift": _change(24.0)},
        disruptions={"inject": {"mits-gan": _disruption(0.1, 0.2), "slice-shift": _disruption(0.05, 0.01)}},
    )
    table = summary_table([first_budget, second_budget])
    assert [row[0] for row in table.rows] == ["mits-gan at 20 HU, inject", "mits-gan at 40 HU, inject"]
    first, second = (dict(zip(table.header, row, strict=True)) for row in table.rows)
    # 20 log10(4095 / 12) = 50.66.
    assert first == {
        "protection, attacker": "mits-gan at 20 HU, inject",
        "RMS, HU": "12.00",
        "PSNR, dB": "50.7",
        "SSIM": "0.9800",
        "10 mm mean, 95 %, HU": "1.00",
        "median deviation": "0.01500",
        "95 % interval": "0.01000 – 0.02000",
        "over 0.0125": "50 %",
        "gain": "3.00",
        "nodule seen": "–",
        "÷ gaussian-noise": "5.0 (5.0 – 5.0)",
        "÷ slice-shift": "",
        "gaussian-noise over 0.0125": "0 %",
        "slice-shift over 0.0125": "",
    }
    assert second["÷ slice-shift"].startswith("5.0 (")
    assert second["slice-shift over 0.0125"] == "50 %"

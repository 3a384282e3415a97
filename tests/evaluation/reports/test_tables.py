"""Tables from figures made by hand: every cell is worked out here."""

from __future__ import annotations

import math

from napari_mits_gan.evaluation.disruption.deviation import Disruption
from napari_mits_gan.evaluation.measures.change import Change
from napari_mits_gan.evaluation.measures.fidelity import Fidelity
from napari_mits_gan.evaluation.outcomes.outcome import ClassifiedAttack, Outcome, Outcomes
from napari_mits_gan.evaluation.reports.disruption import attacks_table, change_table, disruption_table
from napari_mits_gan.evaluation.reports.outcomes import outcome_table
from napari_mits_gan.evaluation.reports.robustness import robustness_table
from napari_mits_gan.evaluation.reports.table import Table, before_and_after, percent, percent_interval
from napari_mits_gan.evaluation.robustness.robustness import Robustness

FOUND = Disruption(
    deviations=(0.01, 0.02, 0.04),
    tampered_rms_hu=(30.0, 40.0, 50.0),
    change_rms_hu=(10.0, 10.0, 10.0),
    core_mean_hu=(-100.0, -200.0, -300.0),
    original_core_mean_hu=(0.0, 30.0, 60.0),
    scores=(0.9, 0.1, 0.2),
    original_scores=(0.9, 0.8, 0.1),
    seen_from=0.5,
)


def test_a_table_in_markdown_and_in_columns():
    table = Table(("name", "figures"), (("a", "1.5"), ("longer", "10")))
    assert table.markdown() == "| name | figures |\n| --- | ---: |\n| a | 1.5 |\n| longer | 10 |"
    assert table.plain_text() == "name    figures\na           1.5\nlonger       10"


def test_proportions_in_words():
    assert [percent(p) for p in (0.0, 0.254, 1.0, math.nan)] == ["0 %", "25 %", "100 %", "–"]
    assert percent_interval((0.104, 0.9)) == "10 – 90 %"
    assert percent_interval((math.nan, math.nan)) == "–"
    assert before_and_after(0.5, 0.25) == "50 % → 25 %"
    assert before_and_after(None, 0.25) == before_and_after(0.5, None) == "–"


def test_the_change_to_the_scan():
    change = Change(Fidelity(19.6, 12.349, 50.44, 0.97654), 1.234, 100)
    assert change_table({"mine": change}).rows == (("mine", "20", "12.35", "50.4", "0.9765", "1.23"),)


def test_the_disruption_of_each_attacker_by_each_version():
    table = disruption_table({"inject": {"mine": FOUND, "noise": FOUND}}, {"inject": {"noise": "1.0 (0.9 – 1.1)"}})
    # RMS of 30, 40 and 50 is 40.8; over an RMS of 10 that is a gain of 4.08.
    cells = ("0.02000", "0.01000 – 0.04000", "67 %", "40.8", "4.08", "30 → -200", "67 % → 33 %")
    assert table.rows == (("inject, mine", *cells, ""), ("inject, noise", *cells, "1.0 (0.9 – 1.1)"))
    assert len(table.header) == 9


def test_sets_of_attacks():
    (cells,) = attacks_table([("pleura", FOUND)]).rows
    assert cells == ("pleura", "3", "0.02000", "0.01000 – 0.04000", "67 %", "4.08", "67 % → 33 %")


def test_outcomes():
    ended = [Outcome.NULL, Outcome.FAILED, Outcome.CONSPICUOUS, Outcome.CONSPICUOUS, *4 * [Outcome.CONVINCING]]
    features = {2: ("texture", "edge_mm"), 3: ("texture",), 4: ("core_hu",)}
    attacks = tuple(ClassifiedAttack(o, 0.5, {}, features.get(i, ())) for i, o in enumerate(ended))
    ((name, null, conspicuous, convincing, thwarted, by),) = outcome_table([("all", Outcomes("inject", attacks))]).rows
    assert (name, null, conspicuous, convincing) == ("all", "25 %", "25 %", "50 %")
    assert thwarted.startswith("50 % (")
    # Features of attacks that are not conspicuous do not count.
    assert by == "texture 2, edge_mm 1"


def test_no_conspicuous_feature_is_a_dash():
    attacks = (ClassifiedAttack(Outcome.CONVINCING, 0.9, {}, ()),)
    assert outcome_table([("one", Outcomes("inject", attacks))]).rows == (
        ("one", "0 %", "0 %", "100 %", "0 % (0 – 0)", "–"),
    )


def test_attacks_that_all_fail_are_thwarted_without_doubt():
    attacks = 3 * (ClassifiedAttack(Outcome.NULL, 0.1, {}, ()),)
    assert outcome_table([("all", Outcomes("inject", attacks))]).rows[0][4] == "100 % (100 – 100)"


def test_what_purification_leaves():
    # All sites alike, so that the intervals have no width.
    found = Robustness((0.02, 0.02), {"blur-1": (0.015, 0.015), "median-3": (0.005, 0.005)})
    rows = robustness_table({"inject": found}).rows
    same = ("0.02000", "0.02000 – 0.02000", "100 %", "100 – 100 %")
    assert rows == (
        ("inject, unpurified", *same, "", "", "", ""),
        (
            "inject, blur-1",
            "0.01500",
            "0.01500 – 0.01500",
            "100 %",
            "100 – 100 %",
            "75 %",
            "75 – 75 %",
            "100 %",
            "100 – 100 %",
        ),
        ("inject, median-3", "0.00500", "0.00500 – 0.00500", "0 %", "0 – 0 %", "25 %", "25 – 25 %", "0 %", "0 – 0 %"),
        ("inject, worst case", "0.00500", "0.00500 – 0.00500", "0 %", "0 – 0 %", "25 %", "25 – 25 %", "0 %", "0 – 0 %"),
    )

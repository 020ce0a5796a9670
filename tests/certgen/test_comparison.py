"""Shares beside the published figures."""

from __future__ import annotations

import pytest

from certgen.comparison import PUBLISHED, Shares, count_shares, describe_sweeps, round_down
from certgen.row import fail_row
from tests.certgen.sweep_work import make_row, make_task

ROWS = [
    make_row("1.pt", cost_by_argument=0.01),
    make_row("2.pt", bound_by_argument=0.99, cost_by_argument=0.03),
    make_row("3.pt", bound_by_argument=0.95, cost_by_argument=0.08, cost=None),
    make_row("4.pt", bound_by_argument=0.94, cost_by_argument=0.5, bound_by_rho_sets=0.0, why_not="merging"),
    make_row("5.pt", bound_by_argument=0.0, cost_by_argument=None, cost=0.9, why_not="memorised_pairs"),
]


def test_shares_by_hand() -> None:
    """Five models; costs are medians over the models that have one."""
    assert count_shares(ROWS) == Shares(5, 3, 2, 1, 1, pytest.approx(3.88 / 5), 0.055, 0.02)
    rows = [make_row(bound_by_rho_sets=bound, cost_by_rho_sets=0.01) for bound in (1.0, 0.5)]
    assert count_shares(rows, "rho_sets") == Shares(2, 1, 1, 1, 0, 0.75, 0.01, 0.02)


def test_the_published_figures_are_those_of_the_paper() -> None:
    """45, 17 and 11 of 100 at 95 % and more; 46, 49, 78 at 0; means 0.510, 0.420, 0.165; time 30, 48, 45 %."""
    found = {group: (p.at_least_95, p.zero, p.mean, p.time, p.models) for group, p in PUBLISHED.items()}
    assert found == {
        "S5": (45, 46, 0.510, 0.30, 100),
        "S4": (17, 49, 0.420, 0.48, 100),
        "A5": (11, 78, 0.165, 0.45, 100),
    }


def test_the_table_has_a_line_for_each_group_and_sweep() -> None:
    """Beside the published ones, in the order of the groups; groups without a name have their order."""
    other = make_row("6.pt", group=None, order=10)
    lines = describe_sweeps({"ours": ROWS, "theirs": [ROWS[0], other]})
    rows = [line.split() for line in lines]
    assert ["S4", "ours", "5", "3", "2", "1", "1", "0.776", "5.50%", "2.00%"] in rows
    assert ["S4", "theirs", "1", "1", "1", "1", "0", "1.000", "1.00%", "2.00%"] in rows
    assert ["by", "circuits", "alone", "5", "4", "4", "4", "1", "0.800", "-"] in rows
    assert ["the", "paper", "100", "17", "49", "0.420", "48%", "(time)"] in rows
    assert ["order", "10", "theirs", "1", "1", "1", "1", "0", "1.000", "2.00%", "2.00%"] in rows
    assert any("arXiv 2410.07476" in line for line in lines)


def test_what_is_proved_beside_the_accuracy_is_told_of_accurate_models() -> None:
    """By hand: of three models that are right on all pairs the argument proves two whole."""
    rows = [
        make_row("1.pt", float32_correct_pairs_at_least=576, argument_cross_entropy=0.25),
        make_row("2.pt", float32_correct_pairs_at_least=575, argument_cross_entropy=0.125),
        make_row("3.pt", float32_correct_pairs_at_least=None, argument_pairs=500, argument_cross_entropy=9.0),
        make_row("4.pt", float32_correct_pairs_at_least=1, accuracy=0.5),
        make_row("5.pt", float32_correct_pairs_at_least=1, accuracy_is_sample=True),
    ]
    lines = [line.split() for line in describe_sweeps({"ours": rows, "others": rows[3:4], "old": [make_row("6.pt")]})]
    assert ["S4", "ours", "3", "0.00%", "66.60%", "2", "0.1875", "0.2500"] in lines
    assert ["S4", "others", "0", "-", "-", "0", "-", "-"] in lines
    assert ["S4", "old", "1", "0.00%", "0.00%", "1", "-", "-"] in lines


def test_what_is_not_explained_is_told_model_by_model() -> None:
    """The classes counted, and a line for each model below 95 %; models without a result, too."""
    lines = describe_sweeps({"ours": [*ROWS, fail_row(make_task("7.pt"), "MODEL", "it is broken")], "good": ROWS[:1]})
    assert "why the argument proves less than 95 % (why_not):" in lines
    rows = [line.split() for line in lines]
    assert ["group", "models", "of", "memorised_pairs", "merging"] in rows
    assert ["S4", "ours", "1", "1"] in rows
    assert not [row for row in rows if row[:2] == ["S4", "good"] and len(row) == 4]
    assert ["S4", "good", "1"] in rows
    assert ["4.pt", "94.00%", "merging", "missing_cells", "100.00%", "100.00%"] in rows
    assert "1 of 7 models have no result:" in lines
    assert "  7.pt: MODEL, it is broken" in lines
    assert describe_sweeps({"ours": [fail_row(make_task("7.pt"), "MODEL", "x")]})[1].startswith("1 of 1 models")


def test_a_bound_is_printed_rounded_down() -> None:
    """Never as more than was proved."""
    assert round_down(0.99999) == "99.99%"
    assert [round_down(k / 100) for k in range(101)] == [f"{k}.00%" for k in range(101)]

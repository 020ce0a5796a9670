"""Shares beside the published figures, and the figure."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from certgen.comparison import PUBLISHED, Shares, count_shares, describe_sweeps, draw_figure, gather, plot, round_down
from certgen.failure import ExitCode, Failure
from certgen.row import Row, fail_row
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


def test_the_figure_has_the_distribution_and_the_published_points() -> None:
    """A step for each model, at its bound; the paper's shares at 0 and below 95 %."""
    figure = plot({"ours": ROWS, "theirs": ROWS[:1]})
    (axis,) = figure.axes
    ours, alone, theirs, _, published = axis.get_lines()
    assert ours.get_xdata().tolist() == [0.0, 0.0, 0.94, 0.95, 0.99, 1.0, 1.0]
    assert ours.get_ydata().tolist() == pytest.approx([0.0, 0.2, 0.4, 0.6, 0.8, 1.0, 1.0])
    assert alone.get_xdata().tolist() == [0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    assert theirs.get_xdata().tolist() == [0.0, 1.0, 1.0]
    assert published.get_xydata().ravel().tolist() == pytest.approx([0.0, 0.49, 0.95, 0.83])
    labels = [line.get_label() for line in (ours, alone, theirs, published)]
    source = "published: Wu, Jaburi, Drori, Gross (arXiv 2410.07476)"
    assert labels == ["ours", "ours, by circuits alone", "theirs", source]
    assert axis.get_title() == "S4"
    assert [text.get_text() for text in axis.texts] == [
        "ours: 5 models",
        "theirs: 1 models",
        "49 of 100 at 0",
        "17 of 100 at 95 % or more",
    ]
    several = plot({"ours": [*ROWS, *(make_row(f"{n}.pt", group=f"C{n}") for n in (5, 7, 11))]})
    assert [axis.get_title() for axis in several.axes] == ["C5", "C7", "C11", "S4"]


def test_a_bound_is_printed_rounded_down() -> None:
    """Never as more than was proved."""
    assert round_down(0.99999) == "99.99%"
    assert [round_down(k / 100) for k in range(101)] == [f"{k}.00%" for k in range(101)]


def test_the_figure_is_written_in_the_format_of_its_name(tmp_path: Path) -> None:
    """The same rows give the same bytes."""
    for suffix, head in ((".svg", b"<?xml"), (".png", b"\x89PNG"), (".pdf", b"%PDF")):
        draw_figure({"ours": ROWS}, tmp_path / f"a{suffix}")
        draw_figure({"ours": ROWS}, tmp_path / f"b{suffix}")
        data = (tmp_path / f"a{suffix}").read_bytes()
        assert data.startswith(head)
        assert data == (tmp_path / f"b{suffix}").read_bytes()
    ET.parse(tmp_path / "a.svg")  # noqa: S314 - our own file


def test_nothing_to_draw_is_refused() -> None:
    """Models without a result have no bound."""
    rows: list[Row] = [fail_row(make_task(), "MODEL", "x")]
    assert gather({"ours": rows}) == {}
    with pytest.raises(Failure, match="nothing to draw") as caught:
        plot({"ours": rows})
    assert caught.value.code is ExitCode.RESULTS

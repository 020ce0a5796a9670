"""The figure of sweeps: the distribution of bounds, and the published points."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from certgen.comparison import gather
from certgen.failure import ExitCode, Failure
from certgen.figure import Figure, write_image
from certgen.row import Row, fail_row
from certgen.sweep_figures import draw_bounds
from tests.certgen.sweep_work import make_row, make_task
from tests.certgen.test_comparison import ROWS


def list_steps(figure: Figure, name: str, kind: str) -> list[tuple[float, float]]:
    """The corners of one line: bound, share."""
    columns = figure.tables["bounds"]
    each = zip(*(columns[key] for key in ("models of", "bound is", "bound", "share")), strict=True)
    return [
        (float(bound or 0), float(share or 0)) for sweep, what, bound, share in each if (sweep, what) == (name, kind)
    ]


def test_the_figure_has_the_distribution_and_the_published_points() -> None:
    """A step for each model, at its bound; the paper's shares at 0 and below 95 %."""
    figure = draw_bounds({"ours": ROWS, "theirs": ROWS[:1]})
    steps = list_steps(figure, "ours", "by the argument")
    assert [bound for bound, _ in steps] == [0.0, 0.0, 0.94, 0.95, 0.99, 1.0, 1.0]
    assert [share for _, share in steps] == pytest.approx([0.0, 0.2, 0.4, 0.6, 0.8, 1.0, 1.0])
    alone = list_steps(figure, "ours", "by circuits alone")
    assert [bound for bound, _ in alone] == [0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    assert list_steps(figure, "theirs", "by the argument") == [(0.0, 0.0), (1.0, 1.0), (1.0, 1.0)]
    published = figure.tables["published"]
    assert published["group"] == ["S4", "S4"]
    assert list(zip(published["bound"], published["share"], strict=True)) == [(0.0, 0.49), (0.95, 0.83)]
    assert published["what"] == ["49 of 100 at 0", "17 of 100 at 95 % or more"]
    assert "Wu, Jaburi, Drori, Gross (arXiv 2410.07476)" in figure.caption


def test_each_group_has_a_panel_in_the_order_of_the_groups() -> None:
    """With the number of its models; a group that the paper has not has no points."""
    figure = draw_bounds({"ours": [*ROWS, *(make_row(f"{n}.pt", group=f"C{n}") for n in (5, 7, 11))]})
    panels = figure.chart.to_dict()["concat"]
    titles = [(panel["title"]["text"], panel["title"]["subtitle"]) for panel in panels]
    assert titles == [("C5", "ours: 1"), ("C7", "ours: 1"), ("C11", "ours: 1"), ("S4", "ours: 5")]
    assert set(figure.tables["published"]["group"]) == {"S4"}


def test_the_figure_is_written_in_the_format_of_its_name() -> None:
    """The same rows give the same bytes, but in PDF; a group's name is no formula, whatever it is."""
    hostile = make_row("8.pt", group="' || alert(1) || '")
    for suffix, head in ((".svg", b"<svg"), (".png", b"\x89PNG"), (".pdf", b"%PDF")):
        first, second = (write_image(draw_bounds({"ours": [*ROWS, hostile]}), suffix) for _ in range(2))
        assert first.startswith(head)
        assert first == second or suffix == ".pdf"
    svg = write_image(draw_bounds({"ours": [*ROWS, hostile]}), ".svg")
    assert "' || alert(1) || '" in {element.text for element in ET.fromstring(svg).iter()}  # noqa: S314 - our own


def test_nothing_to_draw_is_refused() -> None:
    """Models without a result have no bound."""
    rows: list[Row] = [fail_row(make_task(), "MODEL", "x")]
    assert gather({"ours": rows}) == {}
    with pytest.raises(Failure, match="nothing to draw") as caught:
        draw_bounds({"ours": rows})
    assert caught.value.code is ExitCode.RESULTS

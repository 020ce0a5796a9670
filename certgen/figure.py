"""A figure: a chart and its numbers, the same for a page and for a paper."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import altair as alt
import vl_convert

# Told apart in black and white too; edges are seen on a light and on a dark page.
LIGHT, MIDDLE, DARK, EDGE = "#bdd7e7", "#4292c6", "#08306b", "gray"

Value = str | int | float | None
Columns = Mapping[str, Sequence[Value]]


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart that takes its numbers from named tables, each the columns of numbers and words that can be downloaded.

    is_proved: whether they are certcheck's, or float64. circuit: the index of the circuit whose points it shows.
    """

    key: str
    title: str
    caption: str
    chart: alt.TopLevelMixin
    tables: dict[str, Columns] = field(repr=False)
    is_proved: bool = True
    circuit: int | None = None


def write_spec(figure: Figure) -> dict[str, Any]:
    """The chart in Vega-Lite, without the tables that it names."""
    spec: dict[str, Any] = figure.chart.to_dict()
    return spec


def write_image(figure: Figure, suffix: str) -> bytes:
    """The figure as .svg, .png or .pdf; the same numbers give the same bytes, but in PDF."""
    tables = {name: _list_rows(columns) for name, columns in figure.tables.items()}
    spec = write_spec(figure) | {"datasets": tables}
    if suffix == ".png":
        return vl_convert.vegalite_to_png(spec, scale=2)
    return (
        vl_convert.vegalite_to_pdf(spec) if suffix == ".pdf" else _renumber(vl_convert.vegalite_to_svg(spec)).encode()
    )


def _renumber(svg: str) -> str:
    """The same picture; what it defines is counted from 0, not from where the library's count is."""
    numbers: dict[str, int] = {}
    return re.sub(
        r"\b(gradient_|clip)(\d+)\b", lambda match: f"{match[1]}{numbers.setdefault(match[0], len(numbers))}", svg
    )


def _list_rows(columns: Columns) -> list[dict[str, Value]]:
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]

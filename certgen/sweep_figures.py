"""The figure of sweeps: how the bounds of many models are distributed, beside the published points."""

from __future__ import annotations

from typing import TYPE_CHECKING

import altair as alt

from certgen.comparison import PUBLISHED, SOURCE, gather
from certgen.failure import ExitCode, Failure
from certgen.figure import DARK, MIDDLE, Figure
from certgen.shortfall import EXPLAINED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from certgen.row import Row

# Panels in a row, and the pixels of one.
PANELS, PANEL = 3, 230
KINDS = {"argument": "by the argument", "rho_sets": "by circuits alone"}
COLOURS = (DARK, MIDDLE, "#a63603", "#31a354", "#756bb1", "#636363")


def draw_bounds(sweeps: Mapping[str, Sequence[Row]]) -> Figure:
    """The cumulative distribution of the bounds, by the argument and by circuits alone, and the published points.

    Errors: Failure (RESULTS).
    """
    gathered = gather(sweeps)
    if not gathered:
        raise Failure(ExitCode.RESULTS, "no model has a result: there is nothing to draw")
    bounds: dict[str, list[str | float]] = {name: [] for name in ("group", "models of", "bound is", "bound", "share")}
    points: dict[str, list[str | float]] = {name: [] for name in ("group", "bound", "share", "what")}
    for group, parts in gathered.items():
        for name, rows in parts.items():
            for column, kind in KINDS.items():
                found = sorted(row[f"bound_by_{column}"] for row in rows)
                # At each bound the share of the models with at most that bound.
                steps = [(0.0, 0.0), *((b, (i + 1) / len(found)) for i, b in enumerate(found)), (1.0, 1.0)]
                for bound, share in steps:
                    _add(bounds, group, name, kind, bound, share)
        p = PUBLISHED.get(group)
        if p is not None:
            _add(points, group, 0.0, p.zero / p.models, f"{p.zero} of {p.models} at 0")
            share = 1 - p.at_least_95 / p.models
            _add(points, group, EXPLAINED, share, f"{p.at_least_95} of {p.models} at 95 % or more")
    panels = [_draw_panel(group, parts, list(sweeps)) for group, parts in gathered.items()]
    return Figure(
        "bounds",
        "Bounds of the models",
        "For each bound without cases the share of the models with at most that bound: the further right the line "
        f"rises, the more is proved. Points: published, {SOURCE}.",
        alt.concat(*panels, columns=PANELS),
        {"bounds": bounds, "published": points},
    )


def _add(columns: dict[str, list[str | float]], *row: str | float) -> None:
    for column, value in zip(columns.values(), row, strict=True):
        column.append(value)


def _draw_panel(group: str, parts: Mapping[str, Sequence[Row]], names: list[str]) -> alt.LayerChart | alt.FacetChart:
    """The distribution of one group: a colour for each sweep, a dash for each kind of bound."""
    own = alt.FieldEqualPredicate(field="group", equal=group)
    scale = alt.Scale(domain=[-0.02, 1.02], nice=False)
    x = alt.X("bound:Q", scale=scale, title="bound without cases", axis=alt.Axis(format="%"))
    y = alt.Y("share:Q", scale=scale, title="share of models with at most this", axis=alt.Axis(format="%"))
    below = alt.Legend(orient="bottom", labelLimit=400)
    lines = (
        alt.Chart(alt.NamedData("bounds"))
        .transform_filter(own)
        .mark_line(interpolate="step-after", strokeWidth=2)
        .encode(
            x=x,
            y=y,
            color=alt.Color("models of:N", scale=alt.Scale(domain=names, range=COLOURS), title=None, legend=below),
            strokeDash=alt.StrokeDash("bound is:N", sort=list(KINDS.values()), title=None, legend=below),
            tooltip=["models of:N", "bound is:N", "bound:Q", "share:Q"],
        )
    )
    published = alt.Chart(alt.NamedData("published")).transform_filter(own).encode(x=x, y=y, tooltip=["what:N"])
    dots = published.mark_point(color="gray", filled=True, size=70, shape="diamond")
    # To the inner side of the points.
    left, right = published.transform_filter("datum.bound < 0.5"), published.transform_filter("datum.bound >= 0.5")
    words = (
        left.mark_text(color="gray", dy=14, align="left").encode(text="what:N"),
        right.mark_text(color="gray", dy=14, align="right").encode(text="what:N"),
    )
    counts = ", ".join(f"{name}: {len(rows)}" for name, rows in parts.items())
    title = alt.Title(group, subtitle=counts)
    return alt.layer(lines, dots, *words).properties(title=title, width=PANEL, height=PANEL)

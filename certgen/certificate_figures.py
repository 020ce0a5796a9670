"""The figures of a certificate."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import altair as alt
import numpy as np

from certcheck.verdict import round_down, round_up
from certgen.figure import DARK, EDGE, LIGHT, MIDDLE, Columns, Figure
from certgen.portrait import BY_ARGUMENT, BY_CASES, to_float

if TYPE_CHECKING:
    from certgen.inspection import IrrepShares, KeyIrrep
    from certgen.portrait import PairMap, PointSet, Portrait

# Pixels: of a chart's width, of a bar, of a cell of a map, of a whole map, of a picture of points.
WIDTH, BAR, CELL, MAP, SQUARE = 560, 22, 20, 480, 320
# Coordinates of points, and the angle at which solids are seen from above.
AXES, TILT = ("a", "b", "c"), 0.35
# Parts of the tightest margin below this share of the largest are not labelled.
LABELLED = 0.08
# Irreps with less than this share of every layer are in the table only.
LEAST_SHARE = 0.01


def draw_certificate(portrait: Portrait) -> list[Figure]:
    """The figures of a certificate, as far as there is something to draw."""
    figures = []
    if portrait.pairs is not None:
        figures += draw_maps(portrait, portrait.pairs)
    figures.append(draw_margins(portrait))
    if portrait.proof.tightest is not None:
        figures.append(draw_budget(portrait.proof.tightest))
    figures.append(draw_cost(portrait))
    if portrait.irreps:
        figures.append(draw_irreps(portrait.irreps))
    if portrait.key_irreps:
        figures.append(draw_residuals(portrait.key_irreps))
    figures += [draw_points(points, i) for i, points in enumerate(portrait.point_sets)]
    return figures


def draw_maps(portrait: Portrait, pairs: PairMap) -> list[Figure]:
    """What proves each pair, and by how much its answer leads."""
    n, labels = len(portrait.labels), portrait.labels
    words = {BY_ARGUMENT: "by the argument", BY_CASES: "by cases"}
    other = "not correct" if portrait.is_with_cases else "not proved"
    xs, ys = (side.ravel().tolist() for side in np.indices((n, n)))
    products = portrait.table.ravel().tolist()
    columns: Columns = {
        "x": xs,
        "y": ys,
        "xy": products,
        "x is": [labels[x] for x in xs],
        "y is": [labels[y] for y in ys],
        "xy is": [labels[z] for z in products],
        "proved": [words.get(state, other) for state in pairs.states.ravel().tolist()],
        "margin": [None if np.isnan(margin) else margin for margin in pairs.margins.ravel().tolist()],
        "nearest wrong label": pairs.rivals.ravel().tolist(),
    }
    scale = alt.Scale(domain=[*words.values(), other], range=[LIGHT, MIDDLE, DARK])
    states = alt.Color("proved:N", scale=scale, title=None, legend=alt.Legend(orient="top"))
    shades = alt.Scale(range=[DARK, MIDDLE, LIGHT], interpolate="lab")
    legend = alt.Legend(title="margin at least, in logits", orient="top", gradientLength=200)
    margins = alt.Color("margin:Q", scale=shades, legend=legend)
    of_other = " What is not correct was evaluated exactly and is wrong, or tied." if portrait.is_with_cases else ""
    return [
        Figure(
            "pairs",
            "What proves each pair",
            "Row x, column y: the pair (x, y) of group elements by their indices. A pair by the argument is proved "
            f"without an activation of it; one by cases by evaluating it.{of_other}",
            _draw_map(n, columns, states),
            {"pairs": columns},
        ),
        Figure(
            "margin-map",
            "By how much the right answer leads",
            "For each pair a certified lower bound of its margin over every other label: by the method's own bounds, "
            "or, for a case, as evaluated. A pair without a colour is not proved correct.",
            _draw_map(n, columns, margins),
            {"pairs": columns},
        ),
    ]


def _draw_map(n: int, columns: Columns, colour: alt.Color) -> alt.TopLevelMixin:
    """A square of all pairs; the signals picked_x and picked_y frame one of them."""
    side = MAP if n > MAP // CELL else CELL * n
    base = alt.Chart(alt.NamedData("pairs")).encode(
        x=alt.X("y:O", title="y", axis=alt.Axis(labelOverlap=True, labelSeparation=4, labelAngle=0)),
        y=alt.Y("x:O", title="x", axis=alt.Axis(labelOverlap=True)),
    )
    tooltip = [alt.Tooltip(f"{name}:N") for name in columns]
    picked = [alt.param(name=f"picked_{side}", value=-1) for side in "xy"]
    frame = base.mark_rect(fill=None, stroke="#d94801", strokeWidth=3).transform_filter(
        "datum.x === picked_x && datum.y === picked_y"
    )
    cells = base.mark_rect().encode(color=colour, tooltip=tooltip)
    return alt.layer(cells, frame).add_params(*picked).properties(width=side, height=side)


def draw_margins(portrait: Portrait) -> Figure:
    """The histogram of certified margins, as certcheck counts them."""
    counts = portrait.proof.certified_margins
    filled = [i for i, count in enumerate(counts.values()) if count]
    shown = slice(filled[0], filled[-1] + 1) if filled else slice(0, 1)
    edges = [str(float(Fraction(edge))).removesuffix(".0") for edge in counts]
    columns: Columns = {
        "from": edges[shown],
        "to": [*edges[1:], "more"][shown],
        "pairs": list(counts.values())[shown],
    }
    base = alt.Chart(alt.NamedData("margins")).encode(
        x=alt.X("from:N", title="margin from, in logits", sort=None, axis=alt.Axis(labelAngle=-45)),
        y=alt.Y("pairs:Q", title="pairs"),
    )
    bars = base.mark_bar(color=MIDDLE, stroke=EDGE).encode(tooltip=["from:N", "to:N", "pairs:Q"])
    counted = base.mark_text(dy=-7, color="gray").encode(text="pairs:Q")
    return Figure(
        "margins",
        "Certified margins",
        "The pairs that are proved correct, by the lower bound of their margin at which the check stopped; it stops at "
        "a coarser one than in the map where that is enough. Each bar reaches from the number below it to the next.",
        (bars + counted).properties(width=WIDTH, height=220),
        {"margins": columns},
    )


def draw_budget(tightest: dict[str, Any]) -> Figure:
    """The tightest triple: what each term of its bound adds or takes, as stacked bars."""
    terms = {name: to_float(Fraction(term)) for name, term in tightest["terms"].items()}
    ordered = sorted(terms.items(), key=lambda item: -abs(item[1]))
    columns: Columns = {
        "term": [name for name, _ in ordered],
        "logits": [term for _, term in ordered],
        "does": ["adds" if term >= 0 else "takes" for _, term in ordered],
        "size": [abs(term) for _, term in ordered],
        "rank": list(range(len(ordered))),
    }
    base = alt.Chart(alt.NamedData("terms")).encode(
        y=alt.Y("does:N", title=None, sort=["adds", "takes"]),
        x=alt.X("size:Q", stack="zero", title="logits"),
        order=alt.Order("rank:Q"),
        detail="term:N",
        tooltip=["term:N", "logits:Q"],
    )
    fill = alt.Color("does:N", scale=alt.Scale(domain=["adds", "takes"], range=[LIGHT, MIDDLE]), legend=None)
    bars = base.mark_bar(stroke=EDGE, strokeWidth=1.5).encode(color=fill)
    # A transparent label leaves its place in the stack.
    least = LABELLED * max((abs(term) for term in terms.values()), default=0.0)
    words = base.mark_text(color="black").encode(
        x=alt.X("size:Q", stack="zero", bandPosition=0.5),
        text="term:N",
        opacity=alt.condition(f"datum.size >= {least!r}", alt.value(1), alt.value(0)),
    )
    where = ", ".join(f"{letter} = {tightest[letter]}" for letter in "xyz")
    bound = round_down(Fraction(tightest["bound"]))
    return Figure(
        "budget",
        "The tightest pair",
        f"At {where} the method leaves least: a margin of at least {bound} logits, what is added less what is "
        f"taken. What costs most is {tightest['costliest']}: {tightest['advice']}.",
        (bars + words).properties(width=WIDTH, height=110),
        {"terms": columns},
    )


def draw_cost(portrait: Portrait) -> Figure:
    """The multiply-adds of the proof beside those of trying every input."""
    proof = portrait.proof
    costs = {
        "the proof": proof.multiply_adds,
        "the cross-entropy alone": proof.multiply_adds_cross_entropy,
        "every input": proof.multiply_adds_exhaustive,
    }
    shown = {name: count for name, count in costs.items() if count}
    columns: Columns = {
        "of": list(shown),
        "multiply-adds": list(shown.values()),
        "part": [round_up(Fraction(100 * count, proof.multiply_adds_exhaustive)) + " %" for count in shown.values()],
    }
    base = alt.Chart(alt.NamedData("cost")).encode(
        y=alt.Y("of:N", title=None, sort=None),
        x=alt.X("multiply-adds:Q", scale=alt.Scale(type="log", domainMin=1), axis=alt.Axis(tickCount=5, format="~s")),
        tooltip=["of:N", alt.Tooltip("multiply-adds:Q", format=","), "part:N"],
    )
    # A logarithmic scale has no 0.
    bars = base.mark_bar(color=LIGHT, stroke=EDGE).encode(x2=alt.datum(1))
    parts = base.mark_text(align="right", dx=-6, color="black").encode(text="part:N")
    return Figure(
        "cost",
        "Cost",
        "Multiply-adds of the check, beside those of evaluating the network on every pair; the scale is logarithmic.",
        (bars + parts).properties(width=WIDTH, height=alt.Step(BAR)),
        {"cost": columns},
    )


def draw_irreps(rows: list[IrrepShares]) -> Figure:
    """The shares of the energy of each layer in each irrep."""
    layers = ("left", "right", "unembedding")
    each = [(row, layer) for row in rows for layer in layers]
    columns: Columns = {
        "irrep": [row.name for row, _ in each],
        "dimension": [row.dimension for row, _ in each],
        "type": [row.type for row, _ in each],
        "layer": [layer for _, layer in each],
        "share": [getattr(row, layer) for row, layer in each],
        "largest": [max(row.left, row.right, row.unembedding) for row, _ in each],
    }
    chart = (
        alt.Chart(alt.NamedData("irreps"))
        .transform_filter(f"datum.largest >= {LEAST_SHARE}")
        .mark_bar(stroke=EDGE, strokeWidth=1)
        .encode(
            y=alt.Y("irrep:N", title=None, sort=None),
            yOffset=alt.YOffset("layer:N", sort=list(layers)),
            x=alt.X("share:Q", title="share of the layer's energy", axis=alt.Axis(format="%")),
            color=alt.Color(
                "layer:N",
                scale=alt.Scale(domain=list(layers), range=[LIGHT, MIDDLE, DARK]),
                title=None,
                legend=alt.Legend(orient="top"),
            ),
            tooltip=["irrep:N", "dimension:N", "type:N", "layer:N", alt.Tooltip("share:Q", format=".2%")],
        )
        .properties(width=WIDTH, height=alt.Step(9))
    )
    caption = (
        "The energy of each layer, without its mean, that lies in each irreducible representation; those with less "
        f"than {LEAST_SHARE:.0%} of every layer are in the table only."
    )
    return Figure("irreps", "Irreps of each layer", caption, chart, {"irreps": columns}, is_proved=False)


def draw_residuals(rows: list[KeyIrrep]) -> Figure:
    """How far what each key irrep reads is from equivariant."""
    columns: Columns = {
        "irrep": [row.name for row in rows],
        "share of the unembedding": [row.share for row in rows],
        "mean": [row.residual_mean for row in rows],
        "largest": [row.residual_max for row in rows],
        "part of the energy": [row.residual for row in rows],
        "part that is bi-equivariant": [row.bi_equivariant for row in rows],
    }
    base = alt.Chart(alt.NamedData("residuals")).encode(
        y=alt.Y("irrep:N", title=None, sort=None), tooltip=["irrep:N", "mean:Q", "largest:Q"]
    )
    bars = base.mark_bar(color=LIGHT, stroke=EDGE).encode(x=alt.X("largest:Q", title="|E|, in logits"))
    ticks = base.mark_tick(color=DARK, thickness=4, size=BAR - 4).encode(x="mean:Q")
    return Figure(
        "residuals",
        "Equivariance residuals",
        "For each irrep that carries the unembedding, how far what it reads is from equivariant, over all pairs: the "
        "bar reaches to the largest residual, the mark is at the mean.",
        (bars + ticks).properties(width=WIDTH, height=alt.Step(BAR)),
        {"residuals": columns},
        is_proved=False,
    )


def draw_points(points: PointSet, index: int) -> Figure:
    """The points of a rho-set, placed where the representation has them if that has at most 3 dimensions."""
    (d, k), phi = points.positions.shape, points.phi
    if points.is_drawn:
        positions = np.pad(points.positions, ((0, 0), (0, len(AXES) - k)))
        how = f"the points are the vectors of a rho-set in {k} {'dimension' if k == 1 else 'dimensions'}"
    else:
        turns = 2 * np.pi * np.arange(d) / d
        positions = np.stack([np.sin(turns), np.cos(turns), 0 * turns], axis=1)
        how = f"the rho-set has {k} dimensions: its points are on a circle here"
    is_solid = points.is_drawn and k == len(AXES)
    ends = np.array(points.edges, dtype=int).reshape(-1, 2)
    corners: dict[str, list[float]] = {"point": list(range(d)), "phi": phi.tolist()}
    edges: dict[str, list[float]] = {"from": ends[:, 0].tolist(), "to": ends[:, 1].tolist()}
    for axis, name in enumerate(AXES):
        corners[name] = positions[:, axis].tolist()
        for end, suffix in enumerate(("", "2")):
            edges[name + suffix] = positions[ends[:, end], axis].tolist()
    reach = 1.25 * float(np.linalg.norm(positions, axis=1).max())
    scale = alt.Scale(domain=[-reach, reach])
    x, y = alt.X("right:Q", scale=scale, axis=None), alt.Y("up:Q", scale=scale, axis=None)
    turned, turned_end = _turn("", is_solid=is_solid), _turn("2", is_solid=is_solid)
    dots = alt.Chart(alt.NamedData(f"points {index}")).transform_calculate(**turned)
    lines = alt.Chart(alt.NamedData(f"edges {index}")).transform_calculate(**turned, **turned_end)
    # What is behind is fainter.
    depth = alt.Scale(domain=[-reach, reach], range=[0.15, 0.9])
    shades = alt.Scale(range=[DARK, LIGHT], interpolate="lab")
    chart = (
        lines.mark_rule(color="gray", strokeWidth=2).encode(
            x=x, y=y, x2="right2:Q", y2="up2:Q", opacity=alt.Opacity("depth:Q", scale=depth, legend=None)
        )
        + dots.mark_circle(size=350, stroke=EDGE, opacity=1).encode(
            x=x,
            y=y,
            color=alt.Color("phi:Q", scale=shades, title="phi"),
            order=alt.Order("depth:Q"),
            tooltip=["point:N", "phi:Q"],
        )
        + dots.mark_text(dy=-18, color="gray", fontWeight="bold").encode(x=x, y=y, text="point:N")
    ).properties(width=SQUARE, height=SQUARE)
    slider = alt.param(name="turn", value=25, bind=alt.binding_range(min=0, max=360, step=1, name="turn "))
    return Figure(
        f"points-{index}",
        points.name[0].upper() + points.name[1:],
        f"{points.neurons} neurons are functions of these points; {how}, nearest ones joined, each with the value of "
        "phi, in units of the pre-activation.",
        chart.add_params(slider) if is_solid else chart,
        {f"points {index}": corners, f"edges {index}": edges},
        is_proved=False,
        circuit=points.circuit,
    )


def _turn(suffix: str, *, is_solid: bool) -> dict[str, str]:
    """Where a point is on the page: turned about the upright axis by the signal `turn`, seen from a little above."""
    a, b, c = (f"datum.{name}{suffix}" for name in AXES)
    if not is_solid:
        return {f"right{suffix}": a, f"up{suffix}": b, f"depth{suffix}": "0"}
    cosine, sine = "cos(turn * PI / 180)", "sin(turn * PI / 180)"
    deep = f"({cosine} * {c} - {sine} * {a})"
    return {
        f"right{suffix}": f"{cosine} * {a} + {sine} * {c}",
        f"up{suffix}": f"{np.cos(TILT)} * {b} - {np.sin(TILT)} * {deep}",
        f"depth{suffix}": f"{np.sin(TILT)} * {b} + {np.cos(TILT)} * {deep}",
    }

"""Run by mkdocs: the pictures of theorem.md, computed from the groups S3 and S4 and from networks.

The elements of a group are all permutations of the points 0, 1, ... in lexicographic order, and xy is x after y, as in
docs/worked_example.md, whose network two of the pictures show; the last is of the shipped one, examples/S4.pt.
Nothing is told by colour alone: cells have numbers, marks have shapes, and colours differ in lightness.
"""

from __future__ import annotations

import io
import itertools
import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import altair as alt
import mkdocs_gen_files
import torch

if TYPE_CHECKING:
    from collections.abc import Callable

Permutation = tuple[int, ...]
Picture = alt.LayerChart | alt.FacetChart | alt.HConcatChart
Rows = list[dict[str, int | float | str | bool]]

INK, PALE, STRONG = "#333333", "#dddddd", "#1f5fa8"
# The lightness of this scale falls from its first colour to its last.
SCALE = alt.Scale(range=["#fff7c4", "#c7e4a8", "#7cc8a6", "#3f9fb5", "#2f6ba8", "#2c3a7d"], type="linear")
EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
# A neuron that adds less to any logit than this part of what the strongest adds.
DEAD = 0.01
PHI = (-9, 0, 9)
WEIGHT = 5
PAIR, RIVAL = (1, 5), 0


@dataclass(frozen=True, slots=True)
class Permutations:
    """All permutations of some points as a group."""

    elements: list[Permutation]

    def multiply(self, x: int, y: int) -> int:
        """The index of x after y."""
        return self.elements.index(tuple(self.elements[x][i] for i in self.elements[y]))

    def invert(self, x: int) -> int:
        """The index of the inverse."""
        return next(y for y in range(len(self.elements)) if self.multiply(x, y) == 0)


S3, S4 = (Permutations(list(itertools.permutations(range(points)))) for points in (3, 4))


def draw_table(group: Permutations, title: str, *, has_numbers: bool) -> Picture:
    """The multiplication table, coloured by the product."""
    n = len(group.elements)
    rows: Rows = [{"x": x, "y": y, "xy": group.multiply(x, y)} for x in range(n) for y in range(n)]
    # A dark cell has a light number.
    for row in rows:
        row["is_dark"] = int(row["xy"]) > n // 2
    some = list(range(n)) if has_numbers else [0, 5, 11, 17, 23]
    base = alt.Chart(alt.InlineData(values=rows), title=title).encode(
        x=alt.X("y:O", axis=alt.Axis(orient="top", labelAngle=0, values=some), title="y"),
        y=alt.Y("x:O", axis=alt.Axis(labelAngle=0, values=some), title="x"),
    )
    legend = None if has_numbers else alt.Legend(title="xy", values=some)
    cells = base.mark_rect(stroke="white", strokeWidth=1 if has_numbers else 0.3)
    layers = [cells.encode(color=alt.Color("xy:Q", scale=SCALE.copy(), legend=legend))]
    if has_numbers:
        color = alt.condition("datum.is_dark", alt.value("white"), alt.value("black"))
        layers.append(base.mark_text(fontSize=15).encode(text="xy:N", color=color))
    return alt.layer(*layers).properties(width=250, height=250)


def draw_products() -> Picture:
    """The multiplication tables of S3 and S4."""
    small = draw_table(S3, "S3: 6 elements, 36 products", has_numbers=True)
    large = draw_table(S4, "S4: 24 elements, 576 products", has_numbers=False)
    both: alt.HConcatChart = alt.hconcat(small, large, spacing=40).resolve_scale(color="independent")
    return both


def find_entries() -> dict[str, Callable[[int, int, int], tuple[int, ...]]]:
    """For each table the entry that a triple uses."""
    multiply, invert = S3.multiply, S3.invert
    return {
        "P[x, z]": lambda x, y, z: (x, z),  # noqa: ARG005 - a table that does not know y
        "Q[y, z]": lambda x, y, z: (y, z),  # noqa: ARG005
        "L[y, x⁻¹z]": lambda x, y, z: (y, multiply(invert(x), z)),
        "R[x, zy⁻¹]": lambda x, y, z: (x, multiply(z, invert(y))),
        "M[xy, z]": lambda x, y, z: (multiply(x, y), z),
        "F[x⁻¹zy⁻¹]": lambda x, y, z: (multiply(multiply(invert(x), z), invert(y)),),
    }


def draw_entries() -> Picture:
    """For each table the triples of S3 that use the same entry as one of them."""
    chosen = (*PAIR, RIVAL)
    rows: Rows = []
    for (name, entry), x, y, z in itertools.product(find_entries().items(), range(6), range(6), range(6)):
        kind = "this triple" if (x, y, z) == chosen else "the same entry" if entry(x, y, z) == entry(*chosen) else ""
        is_right = z == S3.multiply(x, y)
        rows.append({"table": name, "slice": f"x = {x}", "y": y, "z": z, "kind": kind, "is_right": is_right})
    shown = alt.Scale(domain=["the same entry", "this triple", ""], range=[STRONG, "#111111", "#eeeeee"])
    # `facet` takes the data; each layer is a part of every panel.
    base = alt.Chart().encode(
        x=alt.X("y:O", title=None, axis=alt.Axis(labelAngle=0, labelFontSize=9, ticks=False, domain=False)),
        y=alt.Y("z:O", title=None, axis=alt.Axis(labelFontSize=9, ticks=False, domain=False)),
    )
    cells = base.mark_rect(stroke="white", strokeWidth=1).encode(color=alt.Color("kind:N", scale=shown, legend=None))
    crosses = base.transform_filter("datum.kind == 'this triple'").mark_point(
        shape="cross", size=50, color="white", filled=True
    )
    rights = base.transform_filter("datum.is_right").mark_point(
        shape="circle", size=34, filled=True, color=INK, stroke="white", strokeWidth=1.5
    )
    return (
        alt.layer(cells, crosses, rights)
        .properties(width=84, height=84)
        .facet(
            data=alt.InlineData(values=rows),
            row=alt.Row(
                "table:N",
                sort=list(find_entries()),
                header=alt.Header(title=None, labelAngle=0, labelAlign="left", labelFontSize=13, labelPadding=6),
            ),
            column=alt.Column("slice:N", header=alt.Header(title="in each panel: y to the right, z down")),
            spacing=8,
        )
    )


def compute_input(x: int, y: int, b: int, c: int) -> int:
    """The input of neuron (b, c): phi(x^-1 b) - phi(yc)."""
    return PHI[S3.elements[S3.invert(x)][b]] - PHI[S3.elements[y][c]]


def draw_cells() -> Picture:
    """The activations of the nine neurons for four pairs: the same numbers, with rows and columns permuted."""
    pairs = [(0, 0), (1, 0), (0, 5), PAIR]
    rows: Rows = []
    for (x, y), b, c in itertools.product(pairs, range(3), range(3)):
        value = max(compute_input(x, y, b, c), 0)
        pair = f"x = {x}, y = {y}"
        rows.append({"pair": pair, "b": b, "c": c, "value": value, "is_dark": value > max(PHI)})
    base = alt.Chart().encode(
        x=alt.X("c:O", title="b\N{PRIME}", axis=alt.Axis(orient="top", labelAngle=0)),
        y=alt.Y("b:O", title="b", axis=alt.Axis(labelAngle=0)),
    )
    cells = base.mark_rect(stroke="white", strokeWidth=2).encode(
        color=alt.Color("value:Q", scale=SCALE.copy(), legend=None)
    )
    numbers = base.mark_text(fontSize=15).encode(
        text="value:N", color=alt.condition("datum.is_dark", alt.value("white"), alt.value("black"))
    )
    order = [f"x = {x}, y = {y}" for x, y in pairs]
    return (
        alt.layer(cells, numbers)
        .properties(width=125, height=125)
        .facet(
            data=alt.InlineData(values=rows),
            column=alt.Column("pair:N", sort=order, header=alt.Header(title=None, labelFontSize=13)),
            spacing=16,
        )
    )


def compute_explained(w: int) -> int:
    """F[w]: what the circuit adds to the logit of z with w = x^-1 z y^-1."""
    moved = S3.elements[w]
    return -WEIGHT * sum(max(PHI[moved[q]] - PHI[q], 0) for q in range(len(PHI)))


def draw_explained() -> Picture:
    """The table F by w."""
    rows: Rows = [
        {"w": f"{w}: {' '.join(map(str, element))}", "F": compute_explained(w)} for w, element in enumerate(S3.elements)
    ]
    base = alt.Chart(alt.InlineData(values=rows)).encode(
        x=alt.X("F:Q", title="F[w], in logits", scale=alt.Scale(domain=[-105, 5])),
        y=alt.Y("w:N", title="w: images of 0 1 2", sort=None),
    )
    bars = base.mark_bar(color=STRONG, height=14)
    ends = base.mark_tick(color=INK, thickness=3, size=18)
    numbers = base.mark_text(align="right", dx=-7, fontSize=12).encode(text="F:Q")
    return alt.layer(bars, ends, numbers).properties(width=420, height=170)


def find_actions() -> dict[str, list[list[int]]]:
    """The points to which the inverses of the elements of S4 move the points of two G-sets, by their sizes.

    The four points themselves, and the three ways to part them into two pairs.
    """
    pairings = [frozenset({frozenset({0, i}), frozenset({1, 2, 3} - {i})}) for i in (1, 2, 3)]
    fours = [[element.index(b) for b in range(4)] for element in S4.elements]
    threes = [
        [pairings.index(frozenset(frozenset(moved[i] for i in pair) for pair in pairing)) for pairing in pairings]
        for moved in fours
    ]
    return {"3 points: the pairings of 0 1 2 3": threes, "4 points": fours}


def read_left_inputs() -> list[list[float]]:
    """What x adds to each neuron of the shipped network that is not dead, a list for each neuron."""
    weights = torch.load(EXAMPLES / "S4.pt", weights_only=True)
    inputs = weights["embedding_left"].double() @ weights["linear_left"].double()
    sizes = inputs.abs().amax(0) * weights["unembedding"].double().norm(dim=1)
    rows: list[list[float]] = inputs[:, sizes > DEAD * sizes.max()].T.tolist()
    return rows


def fit_points(inputs: list[float], moved: list[list[int]], b: int) -> tuple[float, list[float]]:
    """How far inputs are from a function of x^-1 b, and this function."""
    values: list[list[float]] = [[] for _ in moved[0]]
    for x, value in enumerate(inputs):
        values[moved[x][b]].append(value)
    means = [statistics.fmean(each) for each in values]
    return sum((v - mean) ** 2 for each, mean in zip(values, means, strict=True) for v in each), means


def draw_learned() -> Picture:
    """The inputs of the neurons of the shipped network, by the point x^-1 b; each neuron in the G-set that fits it."""
    actions, rows = find_actions(), []
    for inputs in read_left_inputs():
        fits = {
            (name, b): fit_points(inputs, moved, b) for name, moved in actions.items() for b in range(len(moved[0]))
        }
        (name, b), (_, phi) = min(fits.items(), key=lambda item: item[1][0])
        # Neurons of one circuit differ by a scale: each is divided by its value at point 1.
        unit = phi[1]
        for x, value in enumerate(inputs):
            rows.append({"set": name, "point": actions[name][x][b], "x": x, "value": value / unit})
    panels = []
    for name, moved in actions.items():
        own = [row for row in rows if row["set"] == name]
        title = f"{name}; {len(own) // len(S4.elements)} neurons"
        base = alt.Chart(alt.InlineData(values=own), title=title).mark_point(size=26, color=STRONG, opacity=0.6)
        panel = base.encode(
            x=alt.X("point:O", title="the point x⁻¹b", axis=alt.Axis(labelAngle=0)),
            xOffset=alt.XOffset("x:O"),
            y=alt.Y("value:Q", title="input from x, by that at point 1"),
        )
        panels.append(panel.properties(width=75 * len(moved[0]), height=220))
    return alt.hconcat(*panels, spacing=30)


PICTURES = {
    "products": draw_products,
    "entries": draw_entries,
    "cells": draw_cells,
    "explained": draw_explained,
    "learned": draw_learned,
}


def render(draw: Callable[[], Picture]) -> str:
    """The picture in SVG, on a clear ground."""
    chart = draw().configure(background="transparent", font="sans-serif").configure_view(stroke=None)
    chart = chart.configure_axis(labelColor=INK, titleColor=INK, domainColor=INK, grid=False, labelFontSize=11)
    with io.StringIO() as file:
        chart.save(file, format="svg")  # by vl-convert
        return file.getvalue()


def main() -> None:
    """Every picture, in figures/."""
    for name, draw in PICTURES.items():
        with mkdocs_gen_files.open(f"figures/{name}.svg", "w") as file:
            file.write(render(draw))


if __name__ in ("__main__", "<run_path>"):
    main()

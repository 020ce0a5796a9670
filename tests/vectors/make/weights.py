"""Networks, as the matrices of their roles.

Two kinds are right on all pairs. *Points*: a neuron for each two points b, b' with inputs phi(x^-1 b), -phi(y b') and
output `weight` where zb' = b, weight < 0; the logit of z is weight times how far x^-1 z y^-1 moves the points upwards,
0 for z = xy alone. *Detectors*: a neuron for each pair, whose output is its product; every margin is 1.
"""

from __future__ import annotations

import itertools
from typing import Any

from tests.vectors.make.document import Matrix
from tests.vectors.make.groups import Action, Group

Weights = dict[str, Any]


def make_points(
    G: Group, phi: list[int], *, action: Action | None = None, weight: float = -1, scales: tuple[float, ...] = (1,)
) -> Weights:
    """left, right, out of the first kind, each cell computed by a neuron for each scale."""
    action = list(G.elements) if action is None else action
    cells = [(b, c, s) for b in range(len(phi)) for c in range(len(phi)) for s in scales]
    return {
        "left": [[s * phi[action[x][b]] for b, _, s in cells] for x in G.inverse],
        "right": [[-s * phi[y[c]] for _, c, s in cells] for y in action],
        "out": [[weight * (z[c] == b) / abs(s) / len(scales) for z in action] for b, c, s in cells],
    }


def make_detectors(G: Group) -> Weights:
    """left, right, out of the second kind."""
    n, every = G.order, range(G.order)
    return {
        "left": [[float(x == u) for u in every for _ in every] for x in every],
        "right": [[float(y == v) - 1 for _ in every for v in every] for y in every],
        "out": [[float(z == G.table[k // n][k % n]) for z in every] for k in range(n * n)],
    }


def make_clock(n: int) -> tuple[list[int], list[Matrix]]:
    """The cyclic group in the order of its exponents, by s = x + y: thresholds j of relu(s - j), and out, out_bias.

    [s = z mod n] is 0 or 1 at every integer s, and linear between them: its second differences are the outputs.
    """
    thresholds, wanted = list(range(2 * n - 2)), [[float(s % n == z) for z in range(n)] for s in range(2 * n - 1)]
    bias, out = wanted[0], []
    for j in thresholds:
        before = wanted[j - 1] if j else wanted[0]
        out.append([wanted[j + 1][z] - 2 * wanted[j][z] + before[z] for z in range(n)])
    return thresholds, [out, [bias]]


def join(*parts: Weights) -> Weights:
    """Neurons of networks side by side: the logits add up."""
    sides = {side: zip(*(p[side] for p in parts), strict=True) for side in ("left", "right")}
    joined: Weights = {side: [list(itertools.chain(*rows)) for rows in columns] for side, columns in sides.items()}
    return joined | {"out": [row for p in parts for row in p["out"]]}


def make_neuron(left: list[float], right: list[float], out: list[float]) -> Weights:
    """One neuron, to be joined."""
    return {"left": [[v] for v in left], "right": [[v] for v in right], "out": [out]}


def scale(weights: Weights, **factors: float) -> Weights:
    """Some roles multiplied by a number."""
    return {
        role: [[v * factors[role] for v in row] for row in values] if role in factors else values
        for role, values in weights.items()
    }


def transpose(matrix: Matrix) -> Matrix:
    """Rows for columns."""
    return [list(column) for column in zip(*matrix, strict=True)]


def factor(G: Group, phi: list[int]) -> tuple[Matrix, Matrix, Matrix, Matrix, Matrix]:
    """The points again: embeddings of x and y in phi on the points, maps of both to the cells, out."""
    d = len(phi)
    left = [[float(phi[G.elements[x][b]]) for b in range(d)] for x in G.inverse]
    right = [[-float(phi[y[c]]) for c in range(d)] for y in G.elements]
    left_map = [[float(k // d == b) for k in range(d * d)] for b in range(d)]
    right_map = [[float(k % d == c) for k in range(d * d)] for c in range(d)]
    return left, right, left_map, right_map, make_points(G, phi)["out"]


def tie(G: Group, phi: list[int]) -> tuple[Matrix, Matrix, Matrix, Matrix]:
    """One embedding of both, with maps that each read their half, and out."""
    left, right, left_map, right_map, out = factor(G, phi)
    embedding = [x + y for x, y in zip(left, right, strict=True)]
    nothing = [[0.0] * len(left_map[0]) for _ in left_map]
    return embedding, left_map + nothing, nothing + right_map, out

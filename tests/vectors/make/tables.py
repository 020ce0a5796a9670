"""Sections of the methods `equivariant` and `rho-set` for networks of points, in exact rationals.

g(b, b') = relu(phi(b) - phi(b')) less its row and column means is the matrix G0, and in the cell (b, b') of the pair
(x, y) it is G0(x^-1 b, y b'): as matrices rho(x) G0 rho(y). So L(y) = C G0 rho(y) explains all of it, C the
coefficient, and R = N = 0.
"""

from __future__ import annotations

from fractions import Fraction
from math import isqrt
from typing import Any

from tests.vectors.make.document import Document, write_array
from tests.vectors.make.groups import Action, Group

Rational = list[list[Fraction]]

BITS = {"activation_bits": 12, "unembedding_bits": 12, "scale_bits": 10}
FINE = {"representation_bits": 20, "coefficient_bits": 16, "table_bits": 10}
T, UNIT = 10, 256
IDENTITY, TURN = [[1, 0], [0, 1]], [[0, -1], [1, 0]]


def nearest(value: Fraction) -> int:
    """The nearest integer, ties upwards."""
    return (2 * value.numerator + value.denominator) // (2 * value.denominator)


def root(square: Fraction) -> Fraction:
    """Its root to 2^-80, from below."""
    return Fraction(isqrt(square.numerator * 4**80 // square.denominator), 2**80)


def centre(phi: list[int]) -> Rational:
    """G0."""
    d = len(phi)
    g = [[Fraction(max(v - w, 0)) for w in phi] for v in phi]
    rows, columns = [sum(row) / d for row in g], [sum(row[c] for row in g) / d for c in range(d)]
    return [[g[b][c] - rows[b] - columns[c] + sum(rows) / d for c in range(d)] for b in range(d)]


def product(first: Any, second: Any) -> Any:
    """The product of two matrices."""
    return [
        [sum((v * second[i][k] for i, v in enumerate(row)), Fraction(0)) for k in range(len(second[0]))]
        for row in first
    ]


def in_units(matrix: Any, bits: int = T) -> list[list[int]]:
    """Entries as integers."""
    return [[nearest(Fraction(v) * 2**bits) for v in row] for row in matrix]


def constant(n: int, d: int, diagonal: int = 0) -> Document:
    """n multiples of the unit matrix."""
    return write_array([[[diagonal * (b == c) for c in range(d)] for b in range(d)] for _ in range(n)])


def make_representation(n: int, d: int, cells: list[int], left: Any, **more: Any) -> Document:
    """What both kinds have in common; R = 0, and N a small multiple of the unit matrix where `middle` says so."""
    middle = more.pop("middle", 0)
    absent = dict.fromkeys(("permutations", "signs", "matrices", "positions", "coefficients", "basis"))
    fields: Document = {"name": None} | absent | {"cells": write_array(cells, [len(cells)])} | more
    tables = {"left": write_array(left), "right": constant(n, d), "middle": constant(n, d, middle)}
    order = ("name", "permutations", "signs", "matrices", "cells", "positions", "coefficients", "basis")
    return {key: fields[key] for key in order} | tables | {"constants_to": more.get("constants_to")}


def make_permutations(
    G: Group, phi: list[int], coefficient: int, *, action: Action | None = None, cells: int = 0, **more: Any
) -> Document:
    """The permutation matrices of points for their cells, of which the first has the number `cells`."""
    action = list(G.elements) if action is None else action
    d, G0 = len(phi), centre(phi)
    left = [in_units([[coefficient * G0[b][y[c]] for c in range(d)] for b in range(d)]) for y in action]
    positions = [[b, c, coefficient * UNIT] for b in range(d) for c in range(d)]
    generators = write_array([list(action[g]) for g in G.generators], [len(G.generators), d])
    fields = {"permutations": generators, "signs": write_array([1 for _ in G.generators], [len(G.generators)])}
    fields |= {"positions": write_array(positions)}
    return make_representation(G.order, d, list(range(cells, cells + d * d)), left, **fields, **more)


def make_plane(G: Group, phi: list[int], coefficient: int, basis: list[list[list[int]]] | None = None) -> Document:
    """2 x 2 matrices: permutations of three points on the plane of vectors that add up to 0.

    [zb' = b] = 1/3 + <rho(z), e_b e_b'^T> with e_b, e_b' taken to the plane. A basis of matrices of norm 2 that commute
    with all rho(x) is enough.
    """
    short, long = root(Fraction(1, 2)), root(Fraction(1, 6))
    P = [[short, -short, Fraction(0)], [long, long, -2 * long]]
    PT = [list(column) for column in zip(*P, strict=True)]
    full = basis or [[[int((b, c) == (i, k)) for c in range(2)] for b in range(2)] for i in range(2) for k in range(2)]
    norm = sum(v * v for row in full[0] for v in row)

    def read(M: Rational) -> list[Fraction]:
        return [sum(M[b][c] * B[b][c] for b in range(2) for c in range(2)) / norm for B in full]

    def project(M: Rational) -> Rational:
        parts = list(zip(read(M), full, strict=True))
        return [[sum((v * B[b][c] for v, B in parts), Fraction(0)) for c in range(2)] for b in range(2)]

    G0, three = centre(phi), range(3)
    left = [
        in_units(project(product(product(P, [[coefficient * G0[b][y[c]] for c in three] for b in three]), PT)))
        for y in G.elements
    ]
    cells = [
        read([[P[i][b] * P[k][c] * coefficient for k in range(2)] for i in range(2)]) for b in three for c in three
    ]
    matrices = [
        in_units(product(product(P, [[int(G.elements[g][c] == b) for c in three] for b in three]), PT), 20)
        for g in G.generators
    ]
    fields = {"matrices": write_array(matrices), "coefficients": write_array(in_units(cells, 16))}
    fields |= {"basis": write_array(basis) if basis else None, "name": "plane"}
    return make_representation(G.order, 2, list(range(9)), left, **fields)


def make_section(
    neurons: list[list[int]], representations: list[Document], error_terms: list[int], **more: Any
) -> Document:
    """A section of method `equivariant`; cells are as many as the neurons name."""
    names = ("merging", "rounding", "homomorphism", "equivariance", "remainder")
    return {
        "name": "equivariant", **BITS, **FINE,
        "cells": max(row[0] for row in neurons) + 1,
        "neurons": write_array(neurons),
        "representations": representations,
        "error_terms": dict(zip(names, error_terms, strict=True)),
        "cases": None,
    } | more  # fmt: skip


def make_circuit(
    phi: list[int], psi: list[int], kernels: list[Any], *, sides: tuple[int, int] = (0, 0), **more: Any
) -> Document:
    """A circuit; functions and kernels K, j_L, j_R in whole numbers, here in units."""
    functions = [write_array([v << BITS["activation_bits"] for v in f]) for f in (phi, psi)]
    packed = [k and write_array([[v << BITS["unembedding_bits"] for v in row] for row in k]) for k in kernels]
    return {
        "left": sides[0], "right": sides[1], "phi": functions[0], "phi_prime": functions[1],
        "kernel": packed[0], "left_kernel": packed[1], "right_kernel": packed[2], "middle": False,
    } | more  # fmt: skip


def make_rho_set(
    G: Group,
    actions: list[Action],
    circuits: list[Document],
    neurons: list[list[int]],
    error_terms: list[int],
    **more: Any,
) -> Document:
    """A section of method `rho-set`."""
    names = ("merging", "rounding", "remainder")
    return {
        "name": "rho-set", **BITS, "table_bits": T,
        "gsets": [write_array([list(action[g]) for g in G.generators]) for action in actions],
        "circuits": circuits,
        "neurons": write_array(neurons),
        "error_terms": dict(zip(names, error_terms, strict=True)),
        "remaining": None,
        "cases": None,
    } | more  # fmt: skip


def list_cells(circuit: int, d: int, scales: tuple[int, ...] = (1024,)) -> list[list[int]]:
    """The neurons of `make_points`: circuit, b, b' and scale of each."""
    return [[circuit, b, c, s] for b in range(d) for c in range(d) for s in scales]

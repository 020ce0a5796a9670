"""Merging, and the lower bound of every margin from tables and errors (claims 14, 17 and 21)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from certcheck.specification.decision import reject
from certcheck.specification.document import MAX_TERM, Node
from certcheck.specification.exact import Matrix, Vector, add, add_vectors, round_nearest, to_integers, zeros
from certcheck.specification.group import Group


@dataclass(frozen=True, slots=True)
class Argument:
    """A lower bound of every margin of a network, or of some of its neurons: claim 17's l, by its terms.

    The tables are P[x,z], Q[y,z], Lt[y, z/x], Rt[x, z/y] and Mt[xy,z], with z/x the product of the inverse of x and z;
    the errors are those of x and of y; each of `rests` is a distance of v and z and a norm of (x,y).
    """

    P: Matrix
    Q: Matrix
    Lt: Matrix
    Rt: Matrix
    Mt: Matrix
    errors_x: Vector
    errors_y: Vector
    rests: list[tuple[Matrix, Matrix]]

    def plus(self, other: Argument) -> Argument:
        """The argument for the neurons of both (claim 21)."""
        return Argument(
            add(self.P, other.P),
            add(self.Q, other.Q),
            add(self.Lt, other.Lt),
            add(self.Rt, other.Rt),
            add(self.Mt, other.Mt),
            add_vectors(self.errors_x, other.errors_x),
            add_vectors(self.errors_y, other.errors_y),
            self.rests + other.rests,
        )


def find_proved(argument: Argument, group: Group) -> list[tuple[int, int]]:
    """The pairs (x,y) with l > 0 for all z but xy: all their margins are positive (claim 17)."""
    errors = [argument.errors_x], [argument.errors_y]
    tables = [argument.P, argument.Q, argument.Lt, argument.Rt, argument.Mt, *errors]
    tables += [table for rest in argument.rests for table in rest]
    # All numbers over one denominator, the unit: a product of two is then in units of its square.
    integers, unit = to_integers([row for table in tables for row in table])
    rows = iter(integers)
    P, Q, Lt, Rt, Mt, (errors_x,), (errors_y,), *rests = [[next(rows) for _ in table] for table in tables]
    proved = []
    for x in range(group.n):
        for y in range(group.n):
            v = group.products[x][y]
            norms = [norm[x][y] for norm in rests[1::2]]
            left_of, right_of = group.products[group.inverses[x]], [row[group.inverses[y]] for row in group.products]
            own = P[x][v] + Q[y][v] + Lt[y][y] + Rt[x][x] + Mt[v][v] - errors_x[x] - errors_y[y]
            ells = (
                (own - (P[x][z] + Q[y][z] + Lt[y][left_of[z]] + Rt[x][right_of[z]] + Mt[v][z])) * unit
                - sum(distance[v][z] * norm for distance, norm in zip(rests[::2], norms, strict=True))
                for z in range(group.n)
                if z != v
            )
            if all(ell > 0 for ell in ells):
                proved.append((x, y))
    return proved


def gather(rows: Matrix, cells: Sequence[int], weights: Sequence[Fraction], count: int) -> Matrix:
    """Row by row the sums over each of so many cells of weight times entry; cell -1 is none."""
    gathered = zeros(len(rows), count)
    for row, sums in zip(rows, gathered, strict=True):
        for value, cell, weight in zip(row, cells, weights, strict=True):
            if cell >= 0:
                sums[cell] += weight * value
    return gathered


def round_matrix(matrix: Matrix, bits: int) -> Matrix:
    """Every entry rounded to the nearest."""
    return [[round_nearest(value, bits) for value in row] for row in matrix]


def compute_merging(inputs: Matrix, approximations: Matrix, kept: Sequence[bool], widths: Vector) -> Vector:
    """The errors of x (or of y): what neurons differ by from what they are taken for, or are, if dropped (claim 14)."""
    return [
        sum(
            (
                width * (abs(value - approximation) if keep else max(value, Fraction(0)))
                for value, approximation, keep, width in zip(row, approximation_row, kept, widths, strict=True)
            ),
            Fraction(0),
        )
        for row, approximation_row in zip(inputs, approximations, strict=True)
    ]


def check_error_terms(section: Node, values: dict[str, Fraction], bits: int) -> None:
    """Each claimed error term, in units of 2^-bits, is not below its value."""
    for (name, value), claimed in zip(values.items(), section.members(*values), strict=True):
        if claimed.integer(0, MAX_TERM) < value * 2**bits:
            reject(f"{section.where}.{name}", f"below the error, {math.ceil(value * 2**bits)}")

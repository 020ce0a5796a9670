"""Merging, and the lower bound of every margin from tables and errors (claims 14, 17 and 21)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from certcheck.specification.decision import reject
from certcheck.specification.document import MAX_TERM, Node
from certcheck.specification.exact import Matrix, Vector, add, to_integers, total, zeros
from certcheck.specification.group import Group
from certcheck.specification.margin import Margins


@dataclass(frozen=True, slots=True)
class Argument:
    """A lower bound of every margin of a network, or of some of its neurons: claim 17's l, by its terms.

    The tables are P[x,z], Q[y,z], Lt[y, x^-1 z], Rt[x, z y^-1], Mt[xy,z], and last the errors, a row of x and one of y;
    each of `rests` is a distance of v and z and a norm of (x,y), whose product is subtracted.
    """

    tables: list[Matrix]
    rests: list[tuple[Matrix, Matrix]]

    def plus(self, other: Argument) -> Argument:
        """The argument for the neurons of both (claim 21)."""
        tables = [add(left, right) for left, right in zip(self.tables, other.tables, strict=True)]
        return Argument(tables, self.rests + other.rests)


def bound_margins_lower(argument: Argument, group: Group) -> Margins:
    """The bounds l of all margins (claim 17)."""
    tables = argument.tables + [table for rest in argument.rests for table in rest]
    # All numbers over one denominator, the unit: a product of two is then in units of its square.
    integers, unit = to_integers([row for table in tables for row in table])
    rows = iter(integers)
    P, Q, Lt, Rt, Mt, (errors_x, errors_y), *rests = [[next(rows) for _ in table] for table in tables]
    ells = {}
    for x in range(group.n):
        for y in range(group.n):
            v = group.products[x][y]
            norms = [norm[x][y] for norm in rests[1::2]]
            left_of, right_of = group.products[group.inverses[x]], [row[group.inverses[y]] for row in group.products]
            own = P[x][v] + Q[y][v] + Lt[y][y] + Rt[x][x] + Mt[v][v] - errors_x[x] - errors_y[y]
            ells[x, y] = [
                (own - (P[x][z] + Q[y][z] + Lt[y][left_of[z]] + Rt[x][right_of[z]] + Mt[v][z])) * unit
                - sum(distance[v][z] * norm for distance, norm in zip(rests[::2], norms, strict=True))
                for z in range(group.n)
                if z != v
            ]
    return Margins(ells, unit**2, are_exact=False)


def gather(rows: Matrix, cells: Sequence[int], weights: Sequence[Fraction], count: int) -> Matrix:
    """Row by row the sums over each of so many cells of weight times entry; cell -1 is none."""
    gathered = zeros(len(rows), count)
    for row, sums in zip(rows, gathered, strict=True):
        for value, cell, weight in zip(row, cells, weights, strict=True):
            if cell >= 0:
                sums[cell] += weight * value
    return gathered


def compute_merging(inputs: Matrix, approximations: Matrix, kept: Sequence[bool], widths: Vector) -> Vector:
    """The errors of x (or of y): what neurons differ by from what they are taken for, or are, if dropped (claim 14)."""
    return [
        total(
            width * (abs(value - approximation) if keep else max(value, Fraction(0)))
            for value, approximation, keep, width in zip(row, approximated, kept, widths, strict=True)
        )
        for row, approximated in zip(inputs, approximations, strict=True)
    ]


def check_error_terms(section: Node, values: dict[str, Fraction], bits: int) -> None:
    """Each claimed error term, in units of 2^-bits, is not below its value."""
    for (name, value), claimed in zip(values.items(), section.members(*values), strict=True):
        if claimed.integer(0, MAX_TERM) < value * 2**bits:
            reject(f"{section.where}.{name}", f"below the error, {math.ceil(value * 2**bits)}")

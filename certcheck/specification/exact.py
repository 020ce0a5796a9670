"""Rational matrices, the roundings, upper bounds of roots."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from fractions import Fraction
from operator import mul

Vector = list[Fraction]
Matrix = list[Vector]

ROOT_BITS = 200


def at_bits(values: Sequence[int], bits: int) -> Vector:
    """The integers in units of 2^-bits."""
    return [Fraction(value, 2**bits) for value in values]


def round_down(value: Fraction, bits: int) -> Fraction:
    """The largest multiple of 2^-bits that is not larger."""
    return Fraction(math.floor(value * 2**bits), 2**bits)


def round_nearest(value: Fraction, bits: int) -> Fraction:
    """The nearest multiple of 2^-bits, the larger of two."""
    return round_down(value + Fraction(1, 2 ** (bits + 1)), bits)


def round_matrix(matrix: Matrix, bits: int) -> Matrix:
    """Every entry rounded to the nearest multiple of 2^-bits."""
    return [[round_nearest(value, bits) for value in row] for row in matrix]


def zeros(rows: int, columns: int) -> Matrix:
    """The matrix of zeros."""
    return [[Fraction(0)] * columns for _ in range(rows)]


def transpose(matrix: Sequence[Sequence[Fraction]]) -> Matrix:
    """Rows to columns."""
    return [list(column) for column in zip(*matrix, strict=True)]


def flatten(matrix: Sequence[Sequence[Fraction]]) -> Vector:
    """The rows one after the other."""
    return [value for row in matrix for value in row]


def total(values: Iterable[Fraction]) -> Fraction:
    """The sum, 0 of nothing."""
    return sum(values, Fraction(0))


def add(left: Matrix, right: Matrix) -> Matrix:
    """The sum, entry by entry."""
    return [[a + b for a, b in zip(*rows, strict=True)] for rows in zip(left, right, strict=True)]


def subtract(left: Matrix, right: Matrix) -> Matrix:
    """The difference, entry by entry."""
    return [subtract_vectors(*rows) for rows in zip(left, right, strict=True)]


def subtract_vectors(left: Vector, right: Vector) -> Vector:
    """The difference, entry by entry."""
    return [a - b for a, b in zip(left, right, strict=True)]


def to_integers(matrix: Sequence[Sequence[Fraction]]) -> tuple[list[list[int]], int]:
    """The numerators over the least common denominator, and it."""
    denominator = math.lcm(*{value.denominator for row in matrix for value in row})
    return [[value.numerator * (denominator // value.denominator) for value in row] for row in matrix], denominator


def inner_products(left: Sequence[Vector], right: Sequence[Vector]) -> Matrix:
    """The inner product of every row of one with every row of the other, by integers: ten times as fast."""
    rows, rows_denominator = to_integers(left)
    columns, columns_denominator = to_integers(right)
    unit = rows_denominator * columns_denominator
    return [[Fraction(sum(map(mul, row, column)), unit) for column in columns] for row in rows]


def product(left: Matrix, right: Matrix) -> Matrix:
    """The product of two matrices."""
    return inner_products(left, transpose(right))


def root_upper(square: Fraction) -> Fraction:
    """The root of the square of a rational; else a rational larger than the root by less than 2^-200."""
    numerator, denominator = math.isqrt(square.numerator), math.isqrt(square.denominator)
    if numerator**2 == square.numerator and denominator**2 == square.denominator:
        return Fraction(numerator, denominator)
    return Fraction(math.isqrt(math.floor(square * 4**ROOT_BITS)) + 1, 2**ROOT_BITS)


def norm_upper(vector: Vector) -> Fraction:
    """An upper bound of the Euclidean norm; of the Frobenius norm of a matrix row by row."""
    (integers,), denominator = to_integers([vector])
    return root_upper(Fraction(sum(map(mul, integers, integers)), denominator**2))


def distances_upper(rows: Matrix) -> Matrix:
    """Upper bounds of the distances of any two rows."""
    inner = inner_products(rows, rows)
    squares = [row[z] for z, row in enumerate(inner)]
    return [
        [root_upper(square + other - 2 * mixed) for other, mixed in zip(squares, row, strict=True)]
        for square, row in zip(squares, inner, strict=True)
    ]

"""Exact numbers: dyadic matrices, rounding to fixed point, products that cannot overflow.

No float is used here but as a container of an integer that it represents exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from flint import fmpz_mat
from numpy.typing import NDArray

from certcheck.verdict import Reason, reject

# Every integer of absolute value up to 2^53 is a float64, up to 2^24 a float32; half of it, to be far from the edge.
FLOAT64_EXACT = 2**52
FLOAT32_EXACT = 2**23
INT64_EXACT = 2**62

Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class DyadicMatrix:
    """The rational matrix `numerators / 2**bits`, exact; bits >= 0."""

    numerators: fmpz_mat
    bits: int

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.numerators.nrows(), self.numerators.ncols()


def compute_dyadic(values: NDArray[np.float64]) -> DyadicMatrix:
    """The matrix of these finite float64 values; shape (rows, columns).

    Claim 1: given frexp, value = mantissa * 2^(exponent - 53) with an integer mantissa, therefore no entry is
    rounded, because shifting out trailing zeros and multiplying by a power of two lose nothing.
    """
    fraction, exponent = np.frexp(values)
    mantissa = np.ldexp(fraction, 53).astype(np.int64)
    # Trailing zeros go into the exponent, so that a float32 costs 24 bits and not 53.
    lowest = mantissa & -mantissa
    zeros = np.where(mantissa == 0, 0, np.frexp(lowest.astype(np.float64))[1] - 1)
    mantissa >>= zeros
    exponent = np.where(mantissa == 0, 0, exponent - 53 + zeros)
    bits = max(0, -int(exponent.min()))
    shifted = [m << s for m, s in zip(mantissa.ravel().tolist(), (exponent + bits).ravel().tolist(), strict=True)]
    rows, columns = values.shape
    return DyadicMatrix(fmpz_mat(rows, columns, shifted), bits)


def count_words(values: NDArray[np.float64]) -> int:
    """How many words of 64 bits the longest numerator of these values takes, at most."""
    exponents = np.frexp(values[values != 0])[1]
    largest, smallest = int(exponents.max(initial=0)), int(exponents.min(initial=0))
    return 1 + (largest + 53 - smallest) // 64


def compute_transpose(matrix: DyadicMatrix) -> DyadicMatrix:
    """The transpose."""
    return DyadicMatrix(matrix.numerators.transpose(), matrix.bits)


def compute_product(left: DyadicMatrix, right: DyadicMatrix) -> DyadicMatrix:
    """The matrix product."""
    return DyadicMatrix(left.numerators * right.numerators, left.bits + right.bits)


def compute_sum(left: DyadicMatrix, right: DyadicMatrix) -> DyadicMatrix:
    """The sum of two matrices of one shape."""
    bits = max(left.bits, right.bits)
    return DyadicMatrix(compute_numerators(left, bits) + compute_numerators(right, bits), bits)


def compute_numerators(matrix: DyadicMatrix, bits: int) -> fmpz_mat:
    """The numerators over 2**bits, for bits >= matrix.bits."""
    return matrix.numerators if bits == matrix.bits else matrix.numerators * 2 ** (bits - matrix.bits)


def compute_integers(matrix: fmpz_mat) -> list[list[int]]:
    """The rows as Python integers."""
    columns = matrix.ncols()
    entries = [int(v) for v in matrix.entries()]
    return [entries[i : i + columns] for i in range(0, len(entries), columns)]


@dataclass(frozen=True, slots=True)
class FixedPointMatrix:
    """A dyadic matrix V rounded to `integers / 2**bits`.

    For every entry, |V * 2**source_bits - integers * 2**(source_bits - bits)| <= residuals[its column]:
    the residuals are exact integers in units of 2**-source_bits.
    """

    integers: Integers
    bits: int
    residuals: list[int]


def round_to_fixed_point(matrix: DyadicMatrix, bits: int, where: str) -> FixedPointMatrix:
    """The matrix rounded to nearest at 2**-bits, with what the rounding moved; bits may be negative.

    Errors: SCALE_TOO_FINE if an entry would not fit.
    """
    drop = matrix.bits - bits
    values = np.array(compute_integers(matrix.numerators), dtype=object)
    if drop > 0:
        near = values + (1 << (drop - 1)) >> drop
        residuals = np.abs(values - (near << drop)).max(axis=0).tolist()
    else:
        near, residuals = values << -drop, [0] * values.shape[1]
    if near.max() >= INT64_EXACT or near.min() <= -INT64_EXACT:
        reject(Reason.SCALE_TOO_FINE, where, "a scale at which every entry is below 2^62", f"{bits} bits")
    return FixedPointMatrix(near.astype(np.int64), bits, residuals)


def compute_largest(integers: Integers) -> int:
    """The largest absolute value, as a Python integer; right for -2^63 as well."""
    return max(int(integers.max()), -int(integers.min())) if integers.size else 0


def shift_up(value: int, bits: int) -> int:
    """value * 2**bits, rounded up: as an error bound, a larger one is safe."""
    return value << bits if bits >= 0 else -(-value >> -bits)


def shift_down(value: int, bits: int) -> int:
    """value / 2**bits, rounded down: as a certified margin, a smaller one is safe."""
    return value >> bits if bits >= 0 else value << -bits


def divide_up(values: Integers, bits: int) -> Integers:
    """Values / 2**bits, rounded up: as error bounds, larger ones are safe."""
    return -(-values >> bits)


def ceil_fraction(value: Fraction) -> int:
    """The smallest integer that is not below a rational."""
    return -(-value.numerator // value.denominator)


def ceil_sqrt(values: Integers) -> Integers:
    """Roots of integers from 0 to 2^62, rounded up.

    Claim 15: the float root is only a guess; the two corrections make r*r >= value, or the check is refused.
    """
    if values.size and int(values.min()) < 0:
        reject(Reason.INTERNAL, "exact", "roots of numbers from 0 to 2^62", "others")
    roots = np.sqrt(values.astype(np.float64)).astype(np.int64)
    for _ in range(2):
        roots += roots * roots < values
    if (roots * roots < values).any():
        reject(Reason.INTERNAL, "exact", "roots of numbers from 0 to 2^62", "others")
    return roots


@dataclass(frozen=True, slots=True)
class RightFactor:
    """A matrix of integers to multiply by, (k, n), in float64 or int64, and a bound on the l1 norms of its columns."""

    entries: NDArray[np.float64] | Integers
    l1: int


def prepare_right_factor(integers: Integers, arithmetic: str) -> RightFactor:
    """The factor for products in float64 (BLAS on integers) or in int64.

    The l1 norms cannot wrap: they are below 2^62, or sums of Python integers, which take much memory.
    """
    fits = compute_largest(integers) * len(integers) < INT64_EXACT
    l1 = max(np.abs(integers if fits else integers.astype(object)).sum(axis=0), default=0)
    return RightFactor(integers.astype(arithmetic), int(l1))


def select_columns(factor: RightFactor, columns: NDArray[np.intp]) -> RightFactor:
    """Some of its columns, which lie in one piece each if the factor was made of a transpose."""
    return RightFactor(factor.entries.T[columns].T, factor.l1)


def multiply(left: Integers, right: RightFactor, where: str) -> Integers:
    """left @ right, exactly.

    Claim 5: given |left| <= t and column l1 norms <= l1 with t * l1 < 2^52, therefore every partial sum in
    any order is an integer below 2^52, because float64 represents those no addition rounds, with or without
    fused multiply-add; int64 holds them too.
    Errors: SCALE_TOO_FINE where the bound fails.
    """
    bound = compute_largest(left) * right.l1
    if bound >= FLOAT64_EXACT:
        reject(Reason.SCALE_TOO_FINE, where, "products below 2^52", f"a bound of {bound.bit_length()} bits")
    return (left.astype(right.entries.dtype) @ right.entries).astype(np.int64)

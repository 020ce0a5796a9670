"""exact: dyadic matrices against fractions.Fraction, rounding to fixed point, products at the edge of what is exact."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any, Literal

import numpy as np
import pytest
from flint import fmpz_mat
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from certcheck.exact import (
    DyadicMatrix,
    ceil_fraction,
    ceil_sqrt,
    compute_dyadic,
    compute_integers,
    compute_largest,
    compute_numerators,
    compute_product,
    compute_sum,
    compute_transpose,
    count_words,
    multiply,
    prepare_right_factor,
    round_to_fixed_point,
    select_columns,
    shift_up,
)
from certcheck.verdict import Reason, Refusal

FractionRows = list[list[Fraction]]

LARGEST_FLOAT64 = (2**53 - 1) * 2**971  # IEEE 754 binary64
SMALLEST_FLOAT64_BITS = 1074


def refused(call: Callable[..., object], *arguments: object) -> tuple[Reason, str]:
    """The reason and the place of the refusal that the call ends in."""
    with pytest.raises(Refusal) as caught:
        call(*arguments)
    return caught.value.reason, caught.value.where


def to_fractions(matrix: DyadicMatrix) -> FractionRows:
    """The entries, read one by one."""
    rows, columns = matrix.shape
    return [[Fraction(int(matrix.numerators[i, j]), 2**matrix.bits) for j in range(columns)] for i in range(rows)]


def transpose(rows: FractionRows) -> FractionRows:
    """The columns as rows."""
    return [list(column) for column in zip(*rows, strict=True)]


def multiply_slowly(left: Sequence[Sequence[Any]], right: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """The matrix product of integers or fractions, term by term."""
    columns = list(zip(*right, strict=True))
    return [[sum(u * v for u, v in zip(row, column, strict=True)) for column in columns] for row in left]


def is_exact(values: NDArray[np.floating]) -> bool:
    """Whether one row of these values becomes the same rationals; Fraction reads a float exactly."""
    expected = [Fraction(float(value)) for value in values]
    return to_fractions(compute_dyadic(values.reshape(1, -1).astype(np.float64))) == [expected]


@st.composite
def dyadic_matrices(draw: st.DrawFn, rows: int, columns: int) -> DyadicMatrix:
    """Small and large numerators over small and large powers of two."""
    size = rows * columns
    numerators = draw(st.lists(st.integers(-(2**70), 2**70) | st.integers(-9, 9), min_size=size, max_size=size))
    return DyadicMatrix(fmpz_mat(rows, columns, numerators), draw(st.integers(0, 80)))


@settings(deadline=None)
@given(values=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=6))
@example(values=[2.0**1023, 2.0**-1074])
@example(values=[-0.0])
def test_a_float64_is_held_exactly(values: list[float]) -> None:
    """Claim 1: every finite float64, subnormal or huge, keeps its value."""
    assert is_exact(np.array(values))


@settings(deadline=None)
@given(values=st.lists(st.floats(allow_nan=False, allow_infinity=False, width=32), min_size=1, max_size=6))
@example(values=[2.0**127, -(2.0**-149)])
def test_a_float32_is_held_exactly(values: list[float]) -> None:
    """Claim 1: so does every finite float32."""
    assert is_exact(np.array(values, dtype=np.float32))


def test_every_float16_is_held_exactly() -> None:
    """Claim 1: so do all 63488 finite float16."""
    values = np.arange(2**16, dtype=np.uint16).view(np.float16)
    finite = values[np.isfinite(values)]
    assert len(finite) == 2 * 31 * 2**10
    assert is_exact(finite)


def test_every_bfloat16_is_held_exactly() -> None:
    """Claim 1: so do all 65280 finite bfloat16."""
    values = (np.arange(2**16, dtype=np.uint32) << 16).view(np.float32)
    finite = values[np.isfinite(values)]
    assert len(finite) == 2 * 255 * 2**7
    assert is_exact(finite)


def test_the_extremes_of_float64_are_the_integers_that_they_should_be() -> None:
    """The largest and the smallest float64, by their definitions."""
    matrix = compute_dyadic(np.array([[float(LARGEST_FLOAT64), -(2.0**1023)], [2.0**-1074, 0.0]]))
    assert matrix.bits == SMALLEST_FLOAT64_BITS
    assert compute_integers(matrix.numerators) == [[LARGEST_FLOAT64 << 1074, -(2 ** (1023 + 1074))], [1, 0]]


@settings(deadline=None)
@given(values=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=4))
@example(values=[0.0])
@example(values=[2.0**60])
def test_the_power_of_two_is_the_least_one(values: list[float]) -> None:
    """Either no denominator is needed or some numerator is odd."""
    matrix = compute_dyadic(np.array([values]))
    assert matrix.bits >= 0
    assert matrix.bits == 0 or any(numerator % 2 for numerator in compute_integers(matrix.numerators)[0])


def test_rows_and_columns_stay_where_they_are() -> None:
    """A matrix that is not square keeps its layout, also when it is not contiguous."""
    values = np.array([[0.5, 1.0, 1.5], [2.0, 2.5, 3.0]])
    matrix = compute_dyadic(values)
    assert matrix.shape == (2, 3)
    assert compute_integers(matrix.numerators) == [[1, 2, 3], [4, 5, 6]]
    assert compute_integers(compute_dyadic(values.T).numerators) == [[1, 4], [2, 5], [3, 6]]


@settings(deadline=None)
@given(matrix=dyadic_matrices(2, 3))
def test_the_transpose_swaps_rows_and_columns(matrix: DyadicMatrix) -> None:
    """Entry (i, j) becomes entry (j, i)."""
    assert to_fractions(compute_transpose(matrix)) == transpose(to_fractions(matrix))


@settings(deadline=None)
@given(left=dyadic_matrices(2, 3), right=dyadic_matrices(3, 2))
def test_the_product_is_that_of_rationals(left: DyadicMatrix, right: DyadicMatrix) -> None:
    """Row times column, in Fraction."""
    expected = multiply_slowly(to_fractions(left), to_fractions(right))
    assert to_fractions(compute_product(left, right)) == expected


@settings(deadline=None)
@given(left=dyadic_matrices(2, 2), right=dyadic_matrices(2, 2))
def test_the_sum_is_that_of_rationals(left: DyadicMatrix, right: DyadicMatrix) -> None:
    """Entry plus entry, in Fraction, whichever power of two is larger."""
    u, v, total = map(to_fractions, (left, right, compute_sum(left, right)))
    assert total == [[u[i][j] + v[i][j] for j in range(2)] for i in range(2)]


@settings(deadline=None)
@given(matrix=dyadic_matrices(2, 2), more=st.integers(0, 90))
def test_a_larger_power_of_two_keeps_the_values(matrix: DyadicMatrix, more: int) -> None:
    """The numerators over a larger power of two are the same rationals."""
    bits = matrix.bits + more
    assert to_fractions(DyadicMatrix(compute_numerators(matrix, bits), bits)) == to_fractions(matrix)


@settings(deadline=None)
@given(matrix=dyadic_matrices(3, 2), bits=st.integers(-75, -8) | st.integers(-10, 60))
@example(matrix=DyadicMatrix(fmpz_mat([[3, -3], [8, 5], [-5, 0]]), 1), bits=-1)
@example(matrix=DyadicMatrix(fmpz_mat([[2**70, 0], [0, 0], [0, 0]]), 8), bits=0)
def test_rounding_goes_to_the_nearest_integer_and_its_residual_is_exact(matrix: DyadicMatrix, bits: int) -> None:
    """Entries go to floor(v 2^bits + 1/2), or are refused from 2^62 on; a residual is the largest error of its column.

    A smaller residual would be unsound and a larger one wasteful; none is above half a unit. `bits` may be negative.
    """
    unit = Fraction(2) ** -bits
    exact = to_fractions(matrix)
    nearest = [[math.floor(value / unit + Fraction(1, 2)) for value in row] for row in exact]
    if any(abs(integer) >= 2**62 for row in nearest for integer in row):
        assert refused(round_to_fixed_point, matrix, bits, "place") == (Reason.SCALE_TOO_FINE, "place")
        return
    rounded = round_to_fixed_point(matrix, bits, "place")
    assert rounded.bits == bits
    assert rounded.integers.tolist() == nearest
    errors = [[abs(exact[i][j] - nearest[i][j] * unit) for i in range(3)] for j in range(2)]
    residuals = [Fraction(residual, 2**matrix.bits) for residual in rounded.residuals]
    assert residuals == [max(column) for column in errors]
    assert max(residuals) <= (unit / 2 if bits < matrix.bits else 0)


def test_a_half_is_rounded_up() -> None:
    """5/2, -5/2, 3/2 and -3/2 on the integers, and 12 and -12 on the multiples of 8."""
    halves = round_to_fixed_point(DyadicMatrix(fmpz_mat([[5, -5, 3, -3]]), 1), 0, "here")
    assert halves.integers.tolist() == [[3, -2, 2, -1]]
    assert halves.residuals == [1, 1, 1, 1]
    twelves = round_to_fixed_point(DyadicMatrix(fmpz_mat([[12, -12]]), 0), -3, "here")
    assert twelves.integers.tolist() == [[2, -1]]
    assert twelves.residuals == [4, 4]


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(("source_bits", "bits"), [(0, 0), (0, 5), (3, 1)])
def test_an_entry_of_2_to_the_62_is_too_fine(source_bits: int, bits: int, sign: int) -> None:
    """2^62 - 1 is the last integer that is held, whether the grid is refined, kept or coarsened."""

    def round_units(units: int) -> Any:
        # `units` of the target grid, over the source's power of two; the target is finer by at most 5 bits.
        numerator = Fraction(units * 2**source_bits, 2**bits)
        assert numerator.denominator == 1
        matrix = DyadicMatrix(fmpz_mat([[0, sign * numerator.numerator]]), source_bits)
        return round_to_fixed_point(matrix, bits, "place").integers.tolist()

    step = 2 ** max(0, bits - source_bits)
    assert round_units(2**62 - step) == [[0, sign * (2**62 - step)]]
    assert refused(round_units, 2**62) == (Reason.SCALE_TOO_FINE, "place")


def test_an_entry_that_rounds_up_to_2_to_the_62_is_too_fine() -> None:
    """2^62 - 1/2 is refused although it is below 2^62 itself; 2^62 - 3/4 is not."""
    too_large = DyadicMatrix(fmpz_mat([[2**63 - 1]]), 1)
    assert refused(round_to_fixed_point, too_large, 0, "place") == (Reason.SCALE_TOO_FINE, "place")
    assert round_to_fixed_point(DyadicMatrix(fmpz_mat([[2**64 - 3]]), 2), 0, "place").integers.tolist() == [[2**62 - 1]]


def test_any_scale_holds_zero() -> None:
    """Zero has no scale."""
    rounded = round_to_fixed_point(DyadicMatrix(fmpz_mat(1, 2), 7), 4096, "here")
    assert rounded.integers.tolist() == [[0, 0]]
    assert rounded.residuals == [0, 0]


def test_the_norm_is_that_of_the_largest_column() -> None:
    """Columns of norm 4, 6 and 3."""
    integers = np.array([[1, -6, 0], [-3, 0, 3]], dtype=np.int64)
    assert prepare_right_factor(integers, "int64").l1 == 6


def test_the_norm_does_not_wrap() -> None:
    """Four entries of nearly 2^62 sum to nearly 2^64, which int64 cannot hold."""
    column = np.full((4, 1), 1 - 2**62, dtype=np.int64)
    assert prepare_right_factor(column, "float64").l1 == 4 * (2**62 - 1)


def test_a_factor_without_columns_has_norm_zero() -> None:
    """There is no column to bound."""
    factor = prepare_right_factor(np.zeros((2, 0), dtype=np.int64), "float64")
    assert factor.l1 == 0
    assert multiply(np.ones((3, 2), dtype=np.int64), factor, "here").shape == (3, 0)


def test_a_factor_holds_its_entries_in_its_arithmetic() -> None:
    """`int64` does without floats altogether."""
    integers = np.array([[3]], dtype=np.int64)
    for arithmetic in ("float64", "int64"):
        entries = prepare_right_factor(integers, arithmetic).entries
        assert (entries.dtype, entries.tolist()) == (arithmetic, [[3]])


@pytest.mark.parametrize("order", ["C", "F"])
def test_selected_columns_come_in_the_order_asked_for(order: Literal["C", "F"]) -> None:
    """Columns 2, 0, 2 of a matrix; the bound is that of all columns."""
    factor = prepare_right_factor(np.array([[1, 2, 3], [4, 5, -6]], order=order), "float64")
    some = select_columns(factor, np.array([2, 0, 2]))
    assert (some.entries.tolist(), some.l1) == ([[3, 1, 3], [-6, 4, -6]], 9)


@pytest.mark.parametrize("arithmetic", ["float64", "int64"])
@settings(deadline=None)
@given(data=st.data())
def test_a_product_of_integers_is_exact_or_refused(arithmetic: str, data: st.DataObject) -> None:
    """Claim 5: the product is that of Python integers, and it is refused exactly where the bound reaches 2^52."""
    size = data.draw(st.integers(0, 27))
    entries = st.lists(st.integers(-(2**size), 2**size), min_size=6, max_size=6)
    left = np.array(data.draw(entries), dtype=np.int64).reshape(2, 3)
    right = np.array(data.draw(entries), dtype=np.int64).reshape(3, 2)
    expected = multiply_slowly(left.tolist(), right.tolist())
    bound = max(abs(u) for row in left.tolist() for u in row) * max(sum(map(abs, v)) for v in right.T.tolist())
    factor = prepare_right_factor(right, arithmetic)
    if bound < 2**52:
        product = multiply(left, factor, "here")
        assert product.dtype == np.int64
        assert product.tolist() == expected
    else:
        assert refused(multiply, left, factor, "here") == (Reason.SCALE_TOO_FINE, "here")


@pytest.mark.parametrize("arithmetic", ["float64", "int64"])
def test_a_product_just_below_2_to_the_52_is_exact(arithmetic: str) -> None:
    """Claim 5: 2^52 - 1 comes out to the last unit, from one term or three; it is divisible by 15."""
    edge = 2**52 - 1
    for left, right in (
        ([[1]], [[edge]]),
        ([[-edge]], [[1]]),
        ([[1, 1, 1]], [[edge // 3]] * 3),
        ([[-5, 5, -5]], [[edge // 15], [-edge // 15], [edge // 15]]),
    ):
        product = multiply(np.array(left), prepare_right_factor(np.array(right), arithmetic), "here")
        assert abs(int(product[0, 0])) == edge


@pytest.mark.parametrize("arithmetic", ["float64", "int64"])
@pytest.mark.parametrize(
    ("left", "right"),
    [
        ([[1]], [[2**52]]),
        ([[2**26, 0]], [[0], [-(2**26)]]),
        ([[0], [-4]], [[2**50]]),
        # The bound counts, not the product: it is 0 here.
        ([[1, -1]], [[2**51], [2**51]]),
    ],
)
def test_a_bound_of_2_to_the_52_is_refused(left: list[list[int]], right: list[list[int]], arithmetic: str) -> None:
    """Claim 5: the first bound that is too large is refused, in both arithmetics."""
    factor = prepare_right_factor(np.array(right), arithmetic)
    assert refused(multiply, np.array(left), factor, "place") == (Reason.SCALE_TOO_FINE, "place")


@pytest.mark.parametrize("arithmetic", ["float64", "int64"])
def test_a_factor_of_zeros_makes_any_product_exact(arithmetic: str) -> None:
    """Claim 5: integers that float64 does not represent do no harm where the other factor is zero."""
    large = np.array([[2**62 - 1, 2**53 + 1]])
    assert multiply(large, prepare_right_factor(np.zeros((2, 1), dtype=np.int64), arithmetic), "here").tolist() == [[0]]
    zeros = np.zeros((1, 1), dtype=np.int64)
    assert multiply(zeros, prepare_right_factor(large, arithmetic), "here").tolist() == [[0, 0]]


@settings(deadline=None)
@given(value=st.integers(-(2**70), 2**70), bits=st.integers(-80, 80))
@example(value=1, bits=-80)
@example(value=-1, bits=-1)
def test_a_shift_is_rounded_up(value: int, bits: int) -> None:
    """value 2^bits, or the integer above it."""
    assert shift_up(value, bits) == math.ceil(Fraction(value) * Fraction(2) ** bits)


@settings(deadline=None)
@given(value=st.fractions())
@example(value=Fraction(-1, 2))
@example(value=Fraction(3))
def test_the_ceiling_of_a_fraction_is_the_integer_above_it(value: Fraction) -> None:
    """The smallest integer that is not below."""
    integer = ceil_fraction(value)
    assert integer - 1 < value <= integer


# Squares and their neighbours, where a float root is off by one.
NEAR_SQUARES = st.builds(lambda r, d: min(max(r * r + d, 0), 2**62), st.integers(0, 2**31), st.integers(-1, 1))


@settings(deadline=None)
@given(values=st.lists(st.integers(0, 2**62) | NEAR_SQUARES, min_size=1, max_size=6))
@example(values=[0, 1, 2, 2**62, 2**62 - 1, (2**31 - 1) ** 2, (2**31 - 1) ** 2 + 1, (2**31 - 1) ** 2 - 1])
def test_a_root_is_rounded_up(values: list[int]) -> None:
    """Claim 15: r r >= value, and r is at most one unit above the root, rounded up by integers alone."""
    for root, value in zip(ceil_sqrt(np.array(values, dtype=np.int64)).tolist(), values, strict=True):
        exact = math.isqrt(value) + (math.isqrt(value) ** 2 < value)
        assert exact <= root <= exact + 1


def test_a_root_whose_square_does_not_fit_is_refused() -> None:
    """Claim 15: just below 2^63 no r that int64 can square is large enough."""
    assert refused(ceil_sqrt, np.array([4, 2**63 - 1])) == (Reason.INTERNAL, "exact")
    assert refused(ceil_sqrt, np.array([4, -1])) == (Reason.INTERNAL, "exact")
    assert ceil_sqrt(np.zeros((0, 3), dtype=np.int64)).shape == (0, 3)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([0.0], 1),
        ([1.0], 1),
        ([2.0**9], 1),
        ([2.0**10], 2),
        ([2.0**-11], 1),
        ([-(2.0**-12)], 2),
        ([-1.0, 2.0**-11], 2),
        ([1.0, 2.0**-11], 2),
        ([2.0**10, 2.0**-64], 2),
        ([2.0**10, 2.0**-65], 3),
    ],
)
def test_words_are_counted_from_the_largest_to_the_smallest_place(values: list[float], words: int) -> None:
    """From 53 places below the smallest exponent, or below 1, to the largest, or to 1: never less than a numerator."""
    array = np.array([values])
    assert count_words(array) == words
    assert max(int(v).bit_length() for v in compute_dyadic(array).numerators.entries()) <= 64 * words


@pytest.mark.parametrize(("values", "largest"), [([], 0), ([0], 0), ([-5, 3], 5), ([-3, 5], 5), ([-(2**63), 1], 2**63)])
def test_the_largest_absolute_value_is_a_python_integer(values: list[int], largest: int) -> None:
    """Of nothing it is 0, and that of -2^63 does not wrap."""
    assert compute_largest(np.array(values, dtype=np.int64)) == largest
    assert type(compute_largest(np.array(values, dtype=np.int64))) is int

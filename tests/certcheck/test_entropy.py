"""entropy: the table, sums and means against decimals, and against the same sums one exponential at a time."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np
import pytest
from flint import arb
from hypothesis import given, settings
from hypothesis import strategies as st

import certcheck.entropy
from certcheck.entropy import (
    STEPS,
    EntropySum,
    add_up,
    bound_by_smallest,
    bound_mean,
    prepare_exponentials,
    sum_exponentials,
)
from certcheck.verdict import Reason, Refusal
from tests.certcheck.test_exact import refused

UNIT = 2**48
EXPONENTIALS = prepare_exponentials(5, 7)
TABLE = EXPONENTIALS.table.tolist()
BITS = (-3, 0, 7, 8, 9, 20, 50)
# In steps: around 0, in the table, and beyond its end on both sides.
STEP_SIZES = st.one_of(st.integers(-600, 600), st.integers(-20_000, 20_000))


def add_exponentials(margins: list[Decimal]) -> Decimal:
    """log(1 + sum e^-margin), in 50 digits."""
    with localcontext(prec=50):
        return (1 + sum(((-margin).exp() for margin in margins), Decimal(0))).ln()


def to_decimal(value: Fraction) -> Decimal:
    """The quotient, in 50 digits."""
    with localcontext(prec=50):
        return Decimal(value.numerator) / Decimal(value.denominator)


def sum_slowly(margins: list[int], bits: int) -> tuple[int, int]:
    """Shift and s of one pair: claim 26, one table entry at a time."""
    steps = [min(int(Fraction(margin) / Fraction(2) ** (bits - 8) // 1), STEPS) for margin in margins]
    shift = max([0, *(-step for step in steps)])
    entries = [TABLE[min(step + shift, STEPS)] for step in steps]
    return shift, sum(entries) + TABLE[min(shift, STEPS)] - TABLE[0]


def test_the_table_is_above_each_exponential_by_less_than_two_units_in_10_to_the_12() -> None:
    """Claim 25: in decimals of 50 digits; a whole unit is rounded up at most, and nothing is lost on the way."""
    assert len(TABLE) == STEPS + 1 == 34 * 256 + 1
    assert (TABLE[0], TABLE[-1]) == (UNIT, 1)
    with localcontext(prec=50):
        for j, entry in enumerate(TABLE):
            exact = (Decimal(-j) / 256).exp() * UNIT
            assert exact <= entry < exact * (1 + Decimal("2e-12")) + 1, j


def test_what_is_asked_is_kept() -> None:
    """From which sums on a pair is looked at more closely."""
    assert (EXPONENTIALS.scan_above, EXPONENTIALS.evaluate_above) == (5, 7)


@settings(deadline=None, max_examples=200)
@given(data=st.data(), bits=st.sampled_from(BITS), rivals=st.integers(0, 4), pairs=st.integers(1, 3))
def test_sums_are_those_of_the_definition(data: st.DataObject, bits: int, rivals: int, pairs: int) -> None:
    """Claim 26: at any unit, with margins of either sign, or no rival; entry by entry, and above the decimals."""
    sizes = data.draw(st.lists(STEP_SIZES, min_size=rivals * pairs, max_size=rivals * pairs))
    # Not only whole steps.
    finer = data.draw(st.integers(0, 2 ** max(0, bits - 8) - 1))
    scaled = [(size << max(0, bits - 8)) + finer if bits > 8 else size >> (8 - bits) for size in sizes]
    margins = np.array(scaled, dtype=np.int64).reshape(pairs, rivals)
    shift, sums = sum_exponentials(EXPONENTIALS, margins, bits)
    assert list(zip(shift.tolist(), sums.tolist(), strict=True)) == [sum_slowly(row, bits) for row in margins.tolist()]
    for row, t, s in zip(margins.tolist(), shift.tolist(), sums.tolist(), strict=True):
        with localcontext(prec=50):
            exact = add_exponentials([to_decimal(margin / Fraction(2) ** bits) for margin in row])
            bound = Decimal(t) / 256 + (1 + Decimal(s) / UNIT).ln()
            # A step is 1/256, and what is beyond the table's end counts as a unit.
            assert exact <= bound <= exact + Decimal(1) / 256 + Decimal("1e-11")


@settings(deadline=None, max_examples=100)
@given(smallest=st.lists(STEP_SIZES, min_size=1, max_size=4), rivals=st.integers(1, 5), bits=st.sampled_from(BITS[3:]))
def test_the_smallest_margin_stands_for_all(smallest: list[int], rivals: int, bits: int) -> None:
    """Shift and s are those of as many margins that are equal."""
    margins = np.array(smallest, dtype=np.int64) << (bits - 8)
    shift, sums = bound_by_smallest(EXPONENTIALS, margins, rivals, bits)
    same = np.repeat(margins[:, None], rivals, axis=1)
    for first, second in zip((shift, sums), sum_exponentials(EXPONENTIALS, same, bits), strict=True):
        assert first.tolist() == second.tolist()


def test_one_element_has_no_cross_entropy() -> None:
    """Order 1: no rival, and whatever stands for the smallest margin, at any unit, adds nothing."""
    for bits in (-4096, 0, 8, 20, 70, 4096):
        shift, sums = bound_by_smallest(EXPONENTIALS, np.array([2**62 - 1]), 0, bits)
        assert (shift.tolist(), sums.tolist()) == ([0], [0])
        assert bound_mean(add_up(shift, sums), 1) == 0
    shift, sums = sum_exponentials(EXPONENTIALS, np.zeros((2, 0), dtype=np.int64), 20)
    assert (shift.tolist(), sums.tolist()) == ([0, 0], [0, 0])


@pytest.mark.parametrize(
    ("bits", "last"),
    [
        (8, 2**44 - 1),
        (5, 2**41 - 1),
        (18, (2**44 - 1) << 10),
        (26, (2**44 - 1) << 18),
        (-40, 0),
        (-54, 0),
        (-55, 0),
        (-99, 0),
    ],
)
def test_margins_of_minus_2_to_the_36_nats_are_refused(bits: int, last: int) -> None:
    """The last that is read, and the next; as much on the other side is beyond the table, and as good as its end."""
    for evaluate in (
        lambda margin: bound_by_smallest(EXPONENTIALS, np.array([margin]), 1, bits),
        lambda margin: sum_exponentials(EXPONENTIALS, np.array([[margin]]), bits),
    ):
        shift, sums = evaluate(-last)
        steps = min(last << 8 >> bits if bits > 0 else 0, 2**44 - 1)
        assert (shift.tolist(), sums.tolist()) == ([steps], [TABLE[min(steps, STEPS)]])
        assert refused(evaluate, -last - 1) == (Reason.SCALE_TOO_FINE, "method")
        shift, sums = evaluate(2**62 - 1)
        assert (shift.tolist(), sums.tolist()) == ([0], [1])


@pytest.mark.parametrize("bits", [0, 8, 9, 20])
def test_a_margin_is_cut_at_the_end_of_the_table_and_not_before(bits: int) -> None:
    """The last step but one is 1.0 units and more, one unit is the end."""
    for steps, entry in ((STEPS - 256, TABLE[-257]), (STEPS, 1), (STEPS + 256, 1)):
        margin = steps << bits >> 8
        assert sum_exponentials(EXPONENTIALS, np.array([[margin]]), bits)[1].tolist() == [entry]
        # A shift moves what is cut: then it counts for more.
        found = sum_exponentials(EXPONENTIALS, np.array([[margin, -(2**bits)]]), bits)
        assert [v.tolist() for v in found] == [
            [256],
            [TABLE[min(steps, STEPS) + 256 if steps < STEPS else -1] + TABLE[256]],
        ]


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(st.integers(0, 2**44), st.integers(0, 2**61)), min_size=1, max_size=9))
def test_pairs_of_one_size_are_taken_together(pairs: list[tuple[int, int]]) -> None:
    """Each s with its number of digits, exactly; pairs that are added up later are the same."""
    shift, sums = (np.array(side, dtype=np.int64) for side in zip(*pairs, strict=True))
    entropy = add_up(shift, sums)
    assert entropy.steps == sum(t for t, _ in pairs)
    # A float64 may take a number for the next power of two.
    sizes = [int(np.frexp(float(s))[1]) for _, s in pairs]
    assert all(size - s.bit_length() in (0, 1) for size, (_, s) in zip(sizes, pairs, strict=True))
    assert entropy.pairs == Counter(sizes)
    for size in set(sizes):
        assert entropy.sums[size] == sum(s for k, (_, s) in zip(sizes, pairs, strict=True) if k == size)
    parts = [add_up(shift[i : i + 1], sums[i : i + 1]) for i in range(len(pairs))]
    total = EntropySum()
    for part in parts:
        total += part
    assert (total.steps, total.pairs, +total.sums) == (entropy.steps, entropy.pairs, +entropy.sums)


def test_ten_thousand_of_the_largest_sums_add_up_exactly() -> None:
    """2^62 - 1 and numbers near: neither half of them loses a unit in a float64."""
    sums = 2**62 - 1 - np.arange(10**4, dtype=np.int64) % 200
    entropy = add_up(sums * 0 + 2**44, sums)
    assert entropy == EntropySum(2**44 * 10**4, Counter({63: 10**4}), Counter({63: sum(sums.tolist())}))


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 2**50)), min_size=1, max_size=6), st.integers(0, 3))
def test_the_mean_is_above_that_of_the_logarithms(pairs: list[tuple[int, int]], more: int) -> None:
    """Claim 27: above the mean of t + log(1 + s) in decimals, and as near as numbers of one size allow."""
    shift, sums = (np.array(side, dtype=np.int64) for side in zip(*pairs, strict=True))
    entropy = add_up(shift, sums)
    n = len(pairs) + more
    with localcontext(prec=50):
        bound = to_decimal(bound_mean(entropy, n))
        exact = sum(Decimal(t) / 256 + (1 + Decimal(s) / UNIT).ln() for t, s in pairs) / n
        taken = Decimal(entropy.steps) / 256
        for size, count in entropy.pairs.items():
            taken += count * (1 + Decimal(entropy.sums[size]) / UNIT / count).ln()
        assert exact - Decimal("1e-40") <= taken / n <= bound <= taken / n * (1 + Decimal("1e-14"))


def test_the_mean_of_equal_pairs_is_their_own() -> None:
    """log 2, from s = 1, and 3/256 more; of four pairs of which nothing is known of two, half of it."""
    for count in (1, 7):
        entropy = add_up(np.full(count, 3), np.full(count, UNIT))
        for pairs in (count, 2 * count):
            bound = bound_mean(entropy, pairs) * pairs / count - Fraction(3, 256)
            assert 0 < to_decimal(bound) - Decimal(2).ln() < Decimal("1e-14")
    assert bound_mean(EntropySum(), 1) == 0


@settings(deadline=None, max_examples=30)
@given(st.lists(st.lists(st.floats(-30, 60), min_size=3, max_size=3), min_size=1, max_size=5))
def test_the_whole_is_above_the_mean_of_the_cross_entropies(logits: list[list[float]]) -> None:
    """From margins to the mean, in decimals, whatever the signs."""
    margins = np.floor(np.array(logits) * 2**20).astype(np.int64)
    bound = bound_mean(add_up(*sum_exponentials(EXPONENTIALS, margins, 20)), len(logits))
    with localcontext(prec=50):
        exact = sum(add_exponentials([Decimal(v) for v in row]) for row in logits) / len(logits)
        assert exact <= to_decimal(bound) <= exact + Decimal("0.07")


def test_what_is_no_number_is_no_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """An exponential or a logarithm without an end is a bug, not a value."""
    entropy = add_up(np.array([0]), np.array([1]))
    monkeypatch.setattr(certcheck.entropy, "arb", lambda _: arb("nan"))
    for evaluate in (lambda: prepare_exponentials(0, 0), lambda: bound_mean(entropy, 1)):
        with pytest.raises(Refusal, match=re.escape("entropy: expected a finite")) as caught:
            evaluate()
        assert caught.value.reason is Reason.INTERNAL


def test_sizes_of_sums_do_not_mix() -> None:
    """1 and 2^40 apart: together they would be bounded by much more than their mean."""
    entropy = add_up(np.zeros(2, dtype=np.int64), np.array([1, 2**54]))
    assert entropy.pairs == {1: 1, 55: 1}
    apart = bound_mean(entropy, 2)
    mixed = bound_mean(EntropySum(0, Counter({55: 2}), Counter({55: 2**54 + 1})), 2)
    # Half of log 65 = 4.17, and log 33 = 3.50.
    assert apart < Fraction(209, 100) < Fraction(349, 100) < mixed
    for first, second in itertools.pairwise(2**i for i in range(10)):
        assert add_up(np.zeros(2, dtype=np.int64), np.array([first, second])).pairs == Counter(
            (first.bit_length(), second.bit_length())
        )

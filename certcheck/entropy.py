"""Cross-entropy: from lower bounds of margins to an upper bound of the mean of -log softmax, in nats."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
from flint import arb, fmpq

from certcheck.exact import INT64_EXACT, Integers, ceil_fraction, compute_largest, shift_up
from certcheck.verdict import Reason, reject

# Margins are rounded down to steps of 2^-8 nats, and exponentials up to units of 2^-48.
STEP_BITS = 8
UNIT_BITS = 48
# While the table is made, its entries have so many places more.
GUARD_BITS = 32
# From here on e^-t is below a unit: 48 log 2 is below 34.
STEPS = 34 << STEP_BITS
# Sums of so many steps over the pairs of a row, below 2^15, stay below 2^62.
MAX_STEPS = 2**44
# Sums over a row are split here, so that what fewer than 2^15 of them add up to fits a float64.
HALF_BITS = 31


@dataclass(frozen=True, slots=True)
class Exponentials:
    """How the cross-entropy is bounded.

    table: (STEPS + 1,), at j an upper bound of e^-j/256, in units of 2^-48. In such units, scan_above: a pair whose sum
    of exponentials is larger by its smallest margin alone is looked at label by label; evaluate_above: if it still is
    larger than this, the pair is evaluated, where cases are.
    """

    table: Integers
    scan_above: int
    evaluate_above: int


@dataclass(frozen=True, slots=True)
class EntropySum:
    """What bounds the cross-entropy of some pairs: the sum over them of shift + log(1 + s).

    steps: the sum of the shifts in steps; pairs, sums: by size, how many pairs there are and what their s add up to, in
    units of 2^-48.
    """

    steps: int = 0
    pairs: Counter[int] = field(default_factory=Counter)
    sums: Counter[int] = field(default_factory=Counter)

    def __add__(self, other: EntropySum) -> EntropySum:
        """That of both."""
        return EntropySum(self.steps + other.steps, self.pairs + other.pairs, self.sums + other.sums)


def prepare_exponentials(scan_above: int, evaluate_above: int) -> Exponentials:
    """The table.

    Claim 25: given q >= e^-1/256, from a ball, and T >= e^-j/256, therefore q T rounded up is at least e^-(j+1)/256.
    """
    one = 1 << UNIT_BITS + GUARD_BITS
    q = arb(fmpq(-1, 1 << STEP_BITS)).exp()
    if not q.is_finite():
        reject(Reason.INTERNAL, "entropy", "a finite exponential", "another")
    ratio = ceil_fraction(_to_fraction(q.upper().fmpq()) * one)
    entries = [one]
    for _ in range(STEPS):
        entries.append(-(-entries[-1] * ratio >> UNIT_BITS + GUARD_BITS))
    table = np.array([-(-entry >> GUARD_BITS) for entry in entries], dtype=np.int64)
    return Exponentials(table, scan_above, evaluate_above)


def _to_fraction(value: fmpq) -> Fraction:
    return Fraction(int(value.p), int(value.q))


def _find_steps(margins: Integers, bits: int) -> Integers:
    """Margins in units of 2**-bits in steps of 2^-8, rounded down, and at most STEPS.

    Errors: SCALE_TOO_FINE where a sum of steps could wrap.
    """
    shift = bits - STEP_BITS
    if shift_up(compute_largest(np.minimum(margins, 0)), -shift) >= MAX_STEPS:
        reject(Reason.SCALE_TOO_FINE, "method", "margins above -2^36 nats", "smaller ones")
    # What is beyond the last step is cut there, before it could wrap: order 1 has the largest margins of all.
    margins = np.minimum(margins, min(shift_up(STEPS, shift), INT64_EXACT))
    steps: Integers = np.minimum(margins >> shift if shift >= 0 else margins << min(-shift, 62), STEPS)
    return steps


def bound_by_smallest(
    exponentials: Exponentials, smallest: Integers, rivals: int, bits: int
) -> tuple[Integers, Integers]:
    """Shift and s for pairs with these smallest margins over so many rivals, in units of 2**-bits."""
    steps, table = _find_steps(smallest, bits), exponentials.table
    shift = np.maximum(-steps, 0)
    return shift, rivals * table[steps + shift] + table[np.minimum(shift, STEPS)] - table[0]


def sum_exponentials(exponentials: Exponentials, margins: Integers, bits: int) -> tuple[Integers, Integers]:
    """Shift and s for pairs with these margins over the rivals, (pairs, rivals), in units of 2**-bits.

    Claim 26: -log softmax = log(1 + sum_z e^-mu_z) = t + log(e^-t + sum_z e^-(mu_z + t)) for any t, and with t the
    largest -mu_z, if one is positive, one of the terms is 1: the others are s.
    """
    steps = _find_steps(margins, bits)
    shift = np.maximum(-steps.min(axis=1, initial=0), 0)
    table = exponentials.table
    terms = table[np.minimum(steps + shift[:, None], STEPS)].sum(axis=1)
    return shift, terms + table[np.minimum(shift, STEPS)] - table[0]


def add_up(shift: Integers, sums: Integers) -> EntropySum:
    """The pairs together, those of one size at a time; any sizes will do."""
    size = np.frexp(sums.astype(np.float64))[1]
    # Each half of fewer than 2^15 numbers below 2^63 adds up to less than 2^47, exactly.
    high = np.bincount(size, weights=sums >> HALF_BITS)
    low = np.bincount(size, weights=sums & ((1 << HALF_BITS) - 1))
    pairs = {i: int(count) for i, count in enumerate(np.bincount(size)) if count}
    totals = {i: (int(high[i]) << HALF_BITS) + int(low[i]) for i in pairs}
    return EntropySum(int(shift.sum()), Counter(pairs), Counter(totals))


def bound_mean(entropy: EntropySum, pairs: int) -> Fraction:
    """An upper bound of the mean over all pairs, in nats.

    Claim 27: log is concave, therefore the sum of log(1 + s) over N pairs is at most N log(1 + mean of s), because of
    Jensen's inequality, whichever pairs are taken together.
    """
    total = Fraction(entropy.steps, 1 << STEP_BITS)
    for size, count in entropy.pairs.items():
        bound = arb(fmpq(entropy.sums[size], count << UNIT_BITS)).log1p()
        if not bound.is_finite():
            reject(Reason.INTERNAL, "entropy", "a finite logarithm", "another")
        total += count * _to_fraction(bound.upper().fmpq())
    return total / pairs

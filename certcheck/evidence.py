"""What a certificate asks of the margins of pairs, and what is found of them."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from certcheck.entropy import EntropySum, Exponentials
from certcheck.exact import INT64_EXACT, Integers, ceil_fraction
from certcheck.float32 import Float32Errors, scale_errors
from certcheck.limits import LIMITS, Limits, check_limit

# Of the bins of certified margins, in logits: 0, and two for each power of two.
EDGES = (Fraction(0), *(Fraction(2) ** i * half for i in range(-8, 9) for half in (Fraction(1), Fraction(3, 2))))


@dataclass(frozen=True, slots=True)
class Demands:
    """What is claimed beside correct pairs; None: nothing of this kind."""

    float32: Float32Errors | None = None
    exponentials: Exponentials | None = None


NO_DEMANDS = Demands()


@dataclass(frozen=True, slots=True)
class Margins:
    """Certified margins of pairs that are proved correct, in logits.

    counts: of those from EDGES[i] to EDGES[i + 1], by i; smallest: the least of all, None if there are none.
    """

    counts: Counter[int] = field(default_factory=Counter)
    smallest: Fraction | None = None

    def __add__(self, other: Margins) -> Margins:
        """Those of both."""
        both = (m.smallest for m in (self, other) if m.smallest is not None)
        return Margins(self.counts + other.counts, min(both, default=None))


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is found of some pairs: the correct ones, by the argument and by cases; the same as evaluated in binary32.

    cost: multiply_adds, exact_multiply_adds, additions, and, as cross_entropy, the multiply-adds of that alone.
    margins: of the correct pairs. error_terms: bounds on errors, in units of a logit.
    """

    by_argument: int
    by_cases: int
    cost: Counter[str]
    float32_by_argument: int = 0
    float32_by_cases: int = 0
    margins: Margins = field(default_factory=Margins)
    entropy: EntropySum = field(default_factory=EntropySum)
    error_terms: dict[str, Fraction] = field(default_factory=dict)

    def __add__(self, other: Evidence) -> Evidence:
        """That of both, about other pairs each."""
        return Evidence(
            self.by_argument + other.by_argument,
            self.by_cases + other.by_cases,
            self.cost + other.cost,
            self.float32_by_argument + other.float32_by_argument,
            self.float32_by_cases + other.float32_by_cases,
            self.margins + other.margins,
            self.entropy + other.entropy,
            self.error_terms | other.error_terms,
        )


def collect(rows: Iterable[Evidence], start: Evidence, limits: Limits = LIMITS) -> Evidence:
    """The evidence of all rows, beside that of the start. Errors: WORK_TOO_LARGE."""
    for row in rows:
        start += row
        check_cost(start.cost, limits)
    return start


def check_cost(cost: Mapping[str, int], limits: Limits = LIMITS) -> None:
    """Nothing, if what was done so far is not too much work. Errors: WORK_TOO_LARGE."""
    check_limit(limits, "multiply_adds", cost["multiply_adds"] + cost["cross_entropy"], "method")
    for what in ("exact_multiply_adds", "additions"):
        check_limit(limits, what, cost[what], "method")


def count_margins(margins: Integers, bits: int) -> Margins:
    """Lower bounds of margins in units of 2**-bits, 0 or more, one for each pair."""
    if not margins.size:
        return Margins()
    bins = np.searchsorted(_scale_edges(bits), margins, side="right") - 1
    counts = Counter({i: int(count) for i, count in enumerate(np.bincount(bins)) if count})
    return Margins(counts, int(margins.min()) / (Fraction(2) ** bits))


@functools.cache
def _scale_edges(bits: int) -> Integers:
    """EDGES in units of 2**-bits, rounded up: an integer is there or beyond if and only if it is so of the rational."""
    # No margin reaches 2^62.
    edges = [min(ceil_fraction(edge * Fraction(2) ** bits), INT64_EXACT) for edge in EDGES]
    return np.array(edges, dtype=np.int64)


def scale_demands(demands: Demands, n: int, bits: int) -> tuple[Integers, Integers]:
    """What margins must exceed as evaluated in binary32, a part of x and one of y, (n,) each, in units of 2**-bits."""
    if demands.float32 is None:
        return np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
    return scale_errors(demands.float32, bits)

"""evidence: it adds up, its margins are counted in the right bins at any unit, and all work counts."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certcheck.entropy import EntropySum
from certcheck.evidence import (
    EDGES,
    NO_DEMANDS,
    Demands,
    Evidence,
    Margins,
    check_cost,
    collect,
    count_margins,
    scale_demands,
)
from certcheck.float32 import bound_float32_errors, scale_errors
from certcheck.limits import Limits
from certcheck.verdict import Reason
from tests.certcheck.test_exact import refused
from tests.certcheck.test_exhaustive import make_network

HALF = Fraction(1, 2)


def make_evidence(seed: int) -> Evidence:
    """All fields filled, each with other numbers."""
    k = 10**seed
    return Evidence(
        by_argument=k,
        by_cases=2 * k,
        cost=Counter(multiply_adds=3 * k, cross_entropy=4 * k, additions=5 * k),
        float32_by_argument=6 * k,
        float32_by_cases=7 * k,
        margins=Margins(Counter({1: k, seed: k}), Fraction(1, k)),
        entropy=EntropySum(k, Counter({seed: k}), Counter({seed: 8 * k})),
        error_terms={f"term {seed}": Fraction(k)},
    )


def test_evidence_adds_up_field_by_field() -> None:
    """Numbers and counts are added, the smaller margin is kept, error terms stand side by side."""
    assert make_evidence(2) + make_evidence(3) == Evidence(
        by_argument=1100,
        by_cases=2200,
        cost=Counter(multiply_adds=3300, cross_entropy=4400, additions=5500),
        float32_by_argument=6600,
        float32_by_cases=7700,
        margins=Margins(Counter({1: 1100, 2: 100, 3: 1000}), Fraction(1, 1000)),
        entropy=EntropySum(1100, Counter({2: 100, 3: 1000}), Counter({2: 800, 3: 8000})),
        error_terms={"term 2": Fraction(100), "term 3": Fraction(1000)},
    )


def test_nothing_found_changes_nothing() -> None:
    """Evidence of no pair beside any other, on either side; a margin of 0 is one, and none is none."""
    some, none = make_evidence(2), Evidence(0, 0, Counter())
    assert some + none == none + some == some
    assert none + none == none
    assert (Margins(Counter({0: 1}), Fraction(0)) + Margins()).smallest == 0
    assert (Margins() + Margins()).smallest is None


def test_rows_are_collected_beside_the_start() -> None:
    """All of them."""
    assert collect(iter(map(make_evidence, (2, 3, 4))), make_evidence(1)) == sum(
        map(make_evidence, (2, 3, 4)), make_evidence(1)
    )


@pytest.mark.parametrize(
    ("cost", "limit"),
    [
        (Counter(multiply_adds=7), "multiply_adds"),
        (Counter(cross_entropy=7), "multiply_adds"),
        (Counter(multiply_adds=3, cross_entropy=4, additions=100), "multiply_adds"),
        (Counter(exact_multiply_adds=7, multiply_adds=100), "exact_multiply_adds"),
        (Counter(additions=7, cross_entropy=100), "additions"),
    ],
)
def test_what_the_cross_entropy_takes_is_work_too(cost: Counter[str], limit: str) -> None:
    """Its multiply-adds and the others share one limit; a limit as large passes, one less does not."""
    check_cost(cost, Limits(**{limit: 7}))
    assert refused(check_cost, cost, Limits(**{limit: 6})) == (Reason.WORK_TOO_LARGE, "method")
    # After the row that goes beyond it, and no later.
    rows = iter([Evidence(0, 0, Counter()), Evidence(0, 0, cost), Evidence(1, 0, Counter())])
    assert refused(collect, rows, Evidence(0, 0, Counter()), Limits(**{limit: 6})) == (Reason.WORK_TOO_LARGE, "method")
    assert [row.by_argument for row in rows] == [1]


def test_the_bins_are_halves_of_powers_of_two() -> None:
    """From 1/256 to 384, two for each power of two, and 0."""
    exact = [Fraction(0)]
    for i in range(-8, 9):
        exact += [Fraction(2) ** i, 3 * Fraction(2) ** (i - 1)]
    assert list(EDGES) == exact == sorted(exact)
    assert (len(EDGES), EDGES[1], EDGES[2], EDGES[-1]) == (35, Fraction(1, 256), Fraction(3, 512), 384)


@settings(deadline=None, max_examples=200)
@given(st.lists(st.integers(0, 2**62 - 1) | st.integers(0, 2000), max_size=9), st.integers(-70, 70))
def test_margins_are_counted_in_the_bins_of_their_values(margins: list[int], bits: int) -> None:
    """At units that hold the edges and at units that do not."""
    values = [margin / Fraction(2) ** bits for margin in margins]
    expected = Counter(max(i for i, edge in enumerate(EDGES) if edge <= value) for value in values)
    found = count_margins(np.array(margins, dtype=np.int64), bits)
    assert found == Margins(expected, min(values, default=None))


@pytest.mark.parametrize("bits", [-9, -8, 0, 1, 8, 9, 10, 40, 53, 54, 62, 71, 100])
def test_an_edge_belongs_to_the_bin_above_it(bits: int) -> None:
    """The least integer from each edge on, and the one before, wherever they fit."""
    for edge in EDGES:
        least = -(-edge * Fraction(2) ** bits // 1)
        for margin in (least, least - 1):
            if 0 <= margin < 2**62:
                (bin_,) = count_margins(np.array([margin]), bits).counts
                assert EDGES[bin_] <= margin / Fraction(2) ** bits
                assert bin_ + 1 == len(EDGES) or margin / Fraction(2) ** bits < EDGES[bin_ + 1]


def test_demands_are_those_of_the_errors_or_none() -> None:
    """In the unit of the margins, a part of x and one of y; without a claim 0."""
    network = make_network([[1], [2], [3]], [[4], [5], [6]], [[7, 8, 9]])
    for demands in (NO_DEMANDS, Demands()):
        assert [side.tolist() for side in scale_demands(demands, 3, 20)] == [[0] * 3] * 2
    errors = bound_float32_errors(network, 24)
    for bits in (3, 40):
        found, expected = scale_demands(Demands(float32=errors), 3, bits), scale_errors(errors, bits)
        assert [side.tolist() for side in found] == [side.tolist() for side in expected]
        assert len(set(found[0].tolist())) == (1 if bits == 3 else 3)

"""Pairs with one product by the argument, and cases: what lower bounds of their margins prove, and what they leave."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from certcheck.document import ExhaustiveSection
from certcheck.entropy import EntropySum, add_up, bound_by_smallest, sum_exponentials
from certcheck.evidence import NO_DEMANDS, Demands, Evidence, count_margins, scale_demands
from certcheck.exact import INT64_EXACT, Integers
from certcheck.exhaustive import (
    Booleans,
    Decided,
    Indices,
    Pairs,
    RoundedNetwork,
    bound_slack,
    compute_decision_cost,
    decide_pairs,
    evaluate_pairs,
    evaluate_triples,
    round_network,
)
from certcheck.limits import LIMITS, Limits
from certcheck.network import Network

# Up to so many products of cases in all, an n-th for each v, are made one by one: fewer than in pieces, but slow.
GATHER = 2**28
# Pairs with one product are evaluated in so many pieces, each against every label that is open for one of its pairs.
PIECES = 8


@dataclass(frozen=True, slots=True)
class Inquiry:
    """What is asked of lower bounds of margins in units of 2**-bits, and who evaluates what they leave open.

    rounded: None where the argument alone is claimed. x_demand, y_demand: (n,), what a margin must exceed for float32.
    """

    rounded: RoundedNetwork | None
    demands: Demands
    bits: int
    x_demand: Integers
    y_demand: Integers

    def compute_demands(self, pairs: Pairs) -> Integers:
        """What the margins of these pairs must exceed: 0 where nothing is claimed of float32."""
        wanted: Integers = self.x_demand[pairs[0]] + self.y_demand[pairs[1]]
        return wanted


def prepare_cases(
    network: Network,
    section: ExhaustiveSection | None,
    arithmetic: str,
    limits: Limits = LIMITS,
    demands: Demands = NO_DEMANDS,
) -> RoundedNetwork | None:
    """The network as cases evaluate it; None where the argument alone is claimed. Errors: those of `round_network`."""
    return None if section is None else round_network(network, section, arithmetic, limits, demands)


def prepare_inquiry(rounded: RoundedNetwork | None, demands: Demands, n: int, bits: int) -> Inquiry:
    """The inquiry for a group of order n."""
    return Inquiry(rounded, demands, bits, *scale_demands(demands, n, bits))


def accept_by_smallest(inquiry: Inquiry, pairs: Pairs, low: Integers) -> tuple[Evidence, Indices, int]:
    """The evidence of those pairs for which lower bounds of their smallest margins, one a pair, are enough.

    Then the indices of the others, and how many of these only the cross-entropy leaves.
    """
    n, exponentials = len(inquiry.x_demand), inquiry.demands.exponentials
    is_open = low <= inquiry.compute_demands(pairs)
    is_left, entropy = is_open, EntropySum()
    if exponentials is not None:
        shift, sums = bound_by_smallest(exponentials, low, n - 1, inquiry.bits)
        is_left = is_open | (sums > exponentials.scan_above)
        entropy = add_up(shift[~is_left], sums[~is_left])
    accepted = low[~is_left]
    evidence = Evidence(
        by_argument=len(accepted),
        by_cases=0,
        cost=Counter(),
        float32_by_argument=len(accepted),
        margins=count_margins(accepted, inquiry.bits),
        entropy=entropy,
    )
    return evidence, np.flatnonzero(is_left), int(np.count_nonzero(is_left & ~is_open))


def settle(network: Network, inquiry: Inquiry, v: int, pairs: Pairs, ell: Integers) -> Evidence:
    """Pairs with xy = v by lower bounds of their margins over every label, (number of pairs, n); the others by cases.

    What is in ell at v is not read.
    """
    # The right answer is no rival of itself.
    ell[:, v] = INT64_EXACT - 1
    wanted, smallest = inquiry.compute_demands(pairs), ell.min(axis=1)
    is_proved, is_open = smallest > 0, ell <= wanted[:, None]
    # Even where more is demanded than any margin is.
    is_open[:, v] = False
    is_correct, cost = is_proved.copy(), Counter[str]()
    by_argument, cases = np.count_nonzero(is_proved), np.flatnonzero(is_open.any(axis=1))
    is_float32 = np.zeros(0, dtype=bool)
    if inquiry.rounded is not None and cases.size:
        own = pairs[0][cases], pairs[1][cases]
        decided, cost = _evaluate_cases(network, inquiry.rounded, v, own, is_open[cases])
        is_correct[cases] = decided.is_correct
        is_float32 = decided.is_float32
        # What was evaluated, the smallest margin over the open labels, bounds each of these.
        opened = _coarsen(decided.margins, inquiry.rounded.bits - inquiry.bits)
        ell[cases] = np.maximum(ell[cases], np.where(is_open[cases], opened[:, None], -INT64_EXACT))
        smallest[cases] = ell[cases].min(axis=1)
    entropy, entropy_cost = _bound_entropy(inquiry, v, pairs, ell)
    return Evidence(
        by_argument=int(by_argument),
        by_cases=int(np.count_nonzero(is_correct) - by_argument),
        cost=cost + Counter(cross_entropy=entropy_cost),
        float32_by_argument=len(pairs[0]) - len(cases),
        float32_by_cases=int(np.count_nonzero(is_float32)),
        margins=count_margins(smallest[is_correct], inquiry.bits),
        entropy=entropy,
    )


def _evaluate_cases(
    network: Network, rounded: RoundedNetwork, v: int, pairs: Pairs, is_open: Booleans
) -> tuple[Decided, Counter[str]]:
    """Pairs with xy = v whose margins are known to be > 0, and large enough, but over the open labels, one at least.

    Where there are many cases, a few groups of them are evaluated over all labels open in the group.
    """
    m, (count, n) = network.a.shape[1], is_open.shape
    triples = int(np.count_nonzero(is_open)) + count
    if triples * m * n <= GATHER:
        found = [decide_pairs(network, rounded, v, pairs, *evaluate_triples(rounded, v, pairs, is_open))]
    else:
        starts = np.arange(0, count, -(-count // PIECES))
        rivals = map(np.flatnonzero, np.logical_or.reduceat(is_open, starts, axis=0))
        found, triples = [], 0
        for xs, ys, zs in zip(*(np.split(side, starts[1:]) for side in pairs), rivals, strict=True):
            activations, margins = evaluate_pairs(rounded, v, (xs, ys), zs)
            found.append(decide_pairs(network, rounded, v, (xs, ys), activations, margins.min(axis=1)))
            triples += len(xs) * (len(zs) + 1)
    decided = Decided(
        np.concatenate([part.is_correct for part in found]),
        np.concatenate([part.is_float32 for part in found]),
        np.concatenate([part.margins for part in found]),
        sum(part.exact_pairs for part in found),
        sum(part.tight_pairs for part in found),
    )
    return decided, compute_decision_cost(network, decided) + Counter(multiply_adds=triples * m)


def _coarsen(margins: Integers, excess: int) -> Integers:
    """Margins in a unit with so many binary places less, rounded down; cut where they would not fit."""
    if excess >= 0:
        return margins >> min(excess, 63)
    most = INT64_EXACT - 1 >> min(-excess, 63)
    # What is below all that fits says nothing.
    return np.where(margins < -most, -INT64_EXACT, np.minimum(margins, most) << min(-excess, 63))


def _bound_entropy(inquiry: Inquiry, v: int, pairs: Pairs, ell: Integers) -> tuple[EntropySum, int]:
    """What bounds the cross-entropy of pairs with xy = v, and the multiply-adds of those that are evaluated for it."""
    exponentials, rounded = inquiry.demands.exponentials, inquiry.rounded
    if exponentials is None:
        return EntropySum(), 0
    shift, sums = sum_exponentials(exponentials, np.delete(ell, v, axis=1), inquiry.bits)
    loose = np.flatnonzero((shift > 0) | (sums > exponentials.evaluate_above))
    if rounded is None or not loose.size:
        return add_up(shift, sums), 0
    rivals = np.delete(np.arange(ell.shape[1]), v)
    activations, margins = evaluate_pairs(rounded, v, (pairs[0][loose], pairs[1][loose]), rivals)
    margins -= bound_slack(rounded, activations)[:, None]
    shift[loose], sums[loose] = sum_exponentials(exponentials, margins, rounded.bits)
    return add_up(shift, sums), activations.size * ell.shape[1]

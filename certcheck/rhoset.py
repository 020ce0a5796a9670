"""Method `rho-set`: circuits prove the margins, without an activation of any pair."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from certcheck.argument import Argument, prepare_argument
from certcheck.circuits import REMAINING, check_circuits
from certcheck.document import RhoSetSection
from certcheck.equivariant import Evidence, Row, check_error_terms, collect, evaluate_argument, prepare_scan, settle
from certcheck.exact import Integers
from certcheck.exhaustive import Booleans, Indices, Pairs, check_work, round_network
from certcheck.explanation import Explanation, Table, bound_rest_distances, explain
from certcheck.limits import LIMITS, Limits
from certcheck.network import take_neurons
from certcheck.verdict import Reason, Refusal, reject

if TYPE_CHECKING:
    from collections.abc import Iterator

    from certcheck.group import Group
    from certcheck.network import Network

# Triples that are scanned at once.
BLOCK = 2**21


@dataclass(frozen=True, slots=True)
class PairTest:
    """ell(x, y, z) >= P[x, v] + Q[y, v] + of_x[x] + of_y[y] + of_product[v] for v = xy and every z != v."""

    of_x: Integers
    of_y: Integers
    of_product: Integers


def check_rho_set(
    network: Network, G: Group, section: RhoSetSection, arithmetic: str, limits: Limits = LIMITS
) -> Evidence:
    """The pairs that the circuits prove, with representations for the neurons left to them, and the others by cases.

    Errors: those of the steps and of a limit, ERROR_TERM_TOO_LOW.
    """
    explanation, cost, terms = prepare_explanation(network, G, section, arithmetic, limits)
    error_terms = check_error_terms(terms, section.error_terms, section.table_bits, "method")
    if section.remaining is None:
        rows = evaluate_explanation(network, G, section, explanation, arithmetic, limits)
        return collect(rows, cost, error_terms, limits)
    argument, more_cost, terms = prepare_remaining(network, G, section, explanation, arithmetic, limits)
    scan, more_terms = prepare_scan(G, argument)
    claimed = section.remaining.error_terms
    remaining = check_error_terms(terms | more_terms, claimed, section.table_bits, "method.remaining")
    error_terms |= {f"remaining {key}": term for key, term in remaining.items()}
    rounded = None if section.cases is None else round_network(network, section.cases, arithmetic, limits)
    return collect(evaluate_argument(network, scan, rounded), cost + more_cost, error_terms, limits)


def prepare_remaining(
    network: Network,
    G: Group,
    section: RhoSetSection,
    explanation: Explanation,
    arithmetic: str,
    limits: Limits = LIMITS,
) -> tuple[Argument, Counter[str], dict[str, int]]:
    """The argument of method `equivariant` for the remaining neurons, with the circuits' tables and errors added.

    Claim 21: given that the logits are those of two groups of neurons, therefore tables and errors of both add up; F is
    a table of L's kind, and what the rests take from every z, and nothing at z = xy, one of M's.
    Errors: CELLS_WRONG, SCALE_TOO_FINE; those of `prepare_argument` and of a limit.
    """
    check_work(network, G, limits)
    neurons = np.flatnonzero(section.neurons[:, 0] == REMAINING).tolist()
    if section.remaining is None or not neurons or section.remaining.table_bits != section.table_bits:
        bits = None if section.remaining is None else section.remaining.table_bits
        expected = f"neurons left to it, and {section.table_bits} table_bits"
        reject(Reason.CELLS_WRONG, "method.remaining", expected, f"{len(neurons)} neurons, {bits} table_bits")
    own = replace(section.remaining, cases=section.cases)
    try:
        argument, cost, terms = prepare_argument(take_neurons(network, neurons), G, own, arithmetic, limits)
    except Refusal as refusal:
        # It speaks of a section of its own.
        where = refusal.where.replace("method", "method.remaining", 1)
        reject(refusal.reason, where, refusal.expected, refusal.got)
    distances, distance_cost = bound_rest_distances(explanation, arithmetic)
    distance_cost["additions"] += 7 * G.order**2
    # Tables and errors of the argument are below 2^62 and grow by less than 2^30 and 2^49; the scan bounds their sums.
    added = replace(
        argument,
        P=argument.P + explanation.P,
        Q=argument.Q + explanation.Q,
        L=argument.L + explanation.L + explanation.F[G.table[:, G.inverse].T],
        R=argument.R + explanation.R,
        M=argument.M + explanation.M + distances,
        x_error=argument.x_error + explanation.x_error + explanation.rounding,
        y_error=argument.y_error + explanation.y_error,
    )
    return added, cost + distance_cost, terms


def prepare_explanation(
    network: Network, G: Group, section: RhoSetSection, arithmetic: str, limits: Limits = LIMITS
) -> tuple[Explanation, Counter[str], dict[str, int]]:
    """The circuits' tables, what they cost, and the error terms."""
    circuits = check_circuits(network, G, section, limits)
    shift = section.activation_bits + section.unembedding_bits - section.table_bits
    explanation, cost = explain(circuits, shift, arithmetic)
    cost["multiply_adds"] += circuits.multiply_adds
    terms = {
        "merging": int(explanation.x_error.max() + explanation.y_error.max()),
        "rounding": explanation.rounding,
        "remainder": int(explanation.rest_bounds.max()),
    }
    return explanation, cost, terms


def prepare_pair_test(explanation: Explanation, identity: int) -> PairTest:
    """The least that each table adds to ell over all z, and the most that the errors take.

    Claim 20: ell >= P[x, v] - max_z P[x, z] + Q[y, v] - max_z Q[y, z] + min over t != y of L[y, y] - L[y, t] + the same
    of R, M, F - errors, because z != v makes x^-1 z != y, z y^-1 != x and x^-1 z y^-1 != e.
    """
    e = explanation
    return PairTest(
        _lead(e.R) - e.P.max(axis=1) - e.x_error + _lead(e.F[None], identity) - e.rounding,
        _lead(e.L) - e.Q.max(axis=1) - e.y_error,
        _lead(e.M) - e.rest_bounds,
    )


def _lead(table: Table, own: int | None = None) -> Integers:
    """By how much one entry of every row, that on the diagonal if none is given, exceeds the others of its row."""
    lead = np.zeros(len(table), dtype=np.int64)
    for i, row in enumerate(table):
        k = i if own is None else own
        rivals = np.delete(row, k)
        lead[i] = int(row[k]) - int(rivals.max()) if rivals.size else 0
    return lead


def evaluate_explanation(
    network: Network,
    G: Group,
    section: RhoSetSection,
    explanation: Explanation,
    arithmetic: str,
    limits: Limits = LIMITS,
) -> Iterator[Row]:
    """The evidence of the pairs with one product after the other: one number a pair, then all z, then cases."""
    n, test = G.order, prepare_pair_test(explanation, G.identity)
    rounded = None if section.cases is None else round_network(network, section.cases, arithmetic, limits)
    # Made when a pair needs them.
    distances: Table = np.zeros((0, 0), dtype=np.int32)
    step = max(1, BLOCK // n)
    for v in range(n):
        ys = G.table[G.inverse, v].astype(np.intp)
        left = np.flatnonzero(bound_pairs(explanation, test, v, ys) <= 0)
        cost = Counter(additions=5 * n)
        if left.size and not distances.size:
            distances, distance_cost = bound_rest_distances(explanation, arithmetic)
            cost += distance_cost
        by_argument, by_cases = n - len(left), 0
        for start in range(0, len(left), step):
            pairs = left[start : start + step], ys[left[start : start + step]]
            is_open = _scan(G, explanation, distances, v, pairs)
            row = settle(network, rounded, v, pairs, is_open)
            by_argument, by_cases = by_argument + row.by_argument, by_cases + row.by_cases
            cost += row.cost + Counter(additions=8 * is_open.size)
        yield Row(by_argument, by_cases, cost)


def bound_pairs(explanation: Explanation, test: PairTest, v: int, ys: Indices) -> Integers:
    """A lower bound of ell(x, y, z) over z != v for every x and the y with xy = v, (n,)."""
    low: Integers = test.of_x + test.of_y[ys] + test.of_product[v]
    low += explanation.P[:, v] + explanation.Q[ys, v]
    return low


def _scan(G: Group, explanation: Explanation, distances: Table, v: int, pairs: Pairs) -> Booleans:
    """Whether ell(x, y, z) is not proved positive, for these pairs and all z: (number of pairs, n), False at z = v.

    Claim 17, with the tables of claim 19 and the distances of the rests.
    """
    e, (xs, ys) = explanation, pairs
    rows, from_x, of_quotients = np.arange(len(ys))[:, None], G.table[G.inverse[xs]], G.table[:, G.inverse[ys]].T
    both = from_x[rows, of_quotients]
    # Six entries below 2^28: their sum fits 32 bits.
    sums = e.P[xs] + e.Q[ys] + e.L[ys[:, None], from_x] + e.R[xs[:, None], of_quotients] + e.M[v] + e.F[both]
    lead = sums[:, v, None].astype(np.int64) - sums - distances[v]
    is_open: Booleans = lead <= (e.x_error[xs] + e.y_error[ys] + e.rounding)[:, None]
    is_open[:, v] = False
    return is_open

"""Method `rho-set`: circuits prove the margins, without an activation of any pair."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from certcheck.argument import Argument, prepare_argument
from certcheck.cases import Inquiry, accept_by_smallest, prepare_cases, prepare_inquiry, settle
from certcheck.circuits import REMAINING, check_circuits
from certcheck.document import RhoSetSection
from certcheck.equivariant import check_error_terms, evaluate_argument, prepare_scan
from certcheck.evidence import NO_DEMANDS, Demands, Evidence, collect
from certcheck.exact import Integers
from certcheck.exhaustive import Indices, Pairs, check_work
from certcheck.explanation import Explanation, Table, bound_rest_distances, explain
from certcheck.group import Group
from certcheck.limits import LIMITS, Limits
from certcheck.network import Network, take_neurons
from certcheck.verdict import Reason, Refusal, reject

# Triples that are scanned at once.
BLOCK = 2**21


@dataclass(frozen=True, slots=True)
class PairTest:
    """ell(x, y, z) >= P[x, v] + Q[y, v] + of_x[x] + of_y[y] + of_product[v] for v = xy and every z != v."""

    of_x: Integers
    of_y: Integers
    of_product: Integers


def check_rho_set(
    network: Network,
    G: Group,
    section: RhoSetSection,
    arithmetic: str,
    limits: Limits = LIMITS,
    demands: Demands = NO_DEMANDS,
) -> Evidence:
    """The pairs that the circuits prove, with representations for the neurons left to them, and the others by cases.

    Errors: those of the steps and of a limit, ERROR_TERM_TOO_LOW.
    """
    explanation, cost, terms = prepare_explanation(network, G, section, arithmetic, limits)
    error_terms = check_error_terms(terms, section.error_terms, section.table_bits, "method")
    cases = prepare_cases(network, section.cases, arithmetic, limits, demands)
    if section.remaining is None:
        inquiry = prepare_inquiry(cases, demands, G.order, section.table_bits)
        rows = evaluate_explanation(network, G, explanation, inquiry, arithmetic)
        return collect(rows, Evidence(0, 0, cost, error_terms=error_terms), limits)
    argument, more_cost, terms = prepare_remaining(network, G, section, explanation, arithmetic, limits)
    scan, more_terms = prepare_scan(G, argument)
    claimed = section.remaining.error_terms
    remaining = check_error_terms(terms | more_terms, claimed, section.table_bits, "method.remaining")
    error_terms |= {f"remaining {key}": term for key, term in remaining.items()}
    start = Evidence(0, 0, cost + more_cost, error_terms=error_terms)
    return collect(evaluate_argument(network, scan, cases, demands), start, limits)


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
    network: Network, G: Group, explanation: Explanation, inquiry: Inquiry, arithmetic: str
) -> Iterator[Evidence]:
    """The evidence of the pairs with one product after the other: one number a pair, then all z, then cases."""
    n, test = G.order, prepare_pair_test(explanation, G.identity)
    # Made when a pair needs them; to the account of the cross-entropy where nothing else does.
    distances: Table = np.zeros((0, 0), dtype=np.int32)
    distance_cost, account, step = Counter[str](), "cross_entropy", max(1, BLOCK // n)
    for v in range(n):
        ys = G.table[G.inverse, v].astype(np.intp)
        low = bound_pairs(explanation, test, v, ys)
        evidence, left, beside = accept_by_smallest(inquiry, (np.arange(n), ys), low)
        evidence += Evidence(0, 0, Counter(additions=5 * n))
        if left.size and not distances.size:
            distances, distance_cost = bound_rest_distances(explanation, arithmetic)
        account = "multiply_adds" if len(left) > beside else account
        for start in range(0, len(left), step):
            pairs = left[start : start + step], ys[left[start : start + step]]
            ell = _scan(G, explanation, distances, v, pairs)
            evidence += Evidence(0, 0, Counter(additions=8 * ell.size))
            evidence += settle(network, inquiry, v, pairs, ell)
        yield evidence
    products = Counter({account: distance_cost["multiply_adds"], "additions": distance_cost["additions"]})
    yield Evidence(0, 0, products)


def bound_pairs(explanation: Explanation, test: PairTest, v: int, ys: Indices) -> Integers:
    """A lower bound of ell(x, y, z) over z != v for every x and the y with xy = v, (n,)."""
    low: Integers = test.of_x + test.of_y[ys] + test.of_product[v]
    low += explanation.P[:, v] + explanation.Q[ys, v]
    return low


def _scan(G: Group, explanation: Explanation, distances: Table, v: int, pairs: Pairs) -> Integers:
    """ell(x, y, z) for these pairs and all z: (number of pairs, n); what is at z = v means nothing.

    Claim 17, with the tables of claim 19 and the distances of the rests.
    """
    e, (xs, ys) = explanation, pairs
    rows, from_x, of_quotients = np.arange(len(ys))[:, None], G.table[G.inverse[xs]], G.table[:, G.inverse[ys]].T
    both = from_x[rows, of_quotients]
    # Six entries below 2^28: their sum fits 32 bits.
    sums = e.P[xs] + e.Q[ys] + e.L[ys[:, None], from_x] + e.R[xs[:, None], of_quotients] + e.M[v] + e.F[both]
    ell: Integers = sums[:, v, None].astype(np.int64) - sums - distances[v]
    ell -= (e.x_error[xs] + e.y_error[ys] + e.rounding)[:, None]
    return ell

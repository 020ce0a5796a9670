"""Method `exhaustive`: every pair evaluated.

At fixed point first; what its slack leaves undecided is evaluated with the exact weights.
"""

from __future__ import annotations

import os
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeVar

import numpy as np
from flint import fmpz_mat
from numpy.typing import NDArray

from certcheck.document import ExhaustiveSection
from certcheck.entropy import EntropySum, add_up, bound_by_smallest, sum_exponentials
from certcheck.evidence import NO_DEMANDS, Demands, Evidence, check_cost, collect, count_margins, scale_demands
from certcheck.exact import (
    INT64_EXACT,
    Integers,
    RightFactor,
    compute_integers,
    compute_largest,
    multiply,
    prepare_right_factor,
    round_to_fixed_point,
    select_columns,
    shift_down,
    shift_up,
)
from certcheck.float32 import bound_pair
from certcheck.group import Group, compute_quotients
from certcheck.limits import LIMITS, Limits, check_limit
from certcheck.network import Network
from certcheck.verdict import Reason, reject

# Numbers of 8 bytes that are held at once by a thread, a few copies of them: they stay in the cache.
BLOCK = 2**17
# Each holds a block of logits.
MAX_THREADS = 4

# What Python does with a long integer takes as long as so many multiply-adds of words.
OBJECT_WORDS = 2**8

T = TypeVar("T")
Indices = NDArray[np.intp]
Booleans = NDArray[np.bool_]
Pairs = tuple[Indices, Indices]


@dataclass(frozen=True, slots=True)
class RoundedNetwork:
    """The network at fixed point, and how far a margin can be from the true one.

    a, c: (n, m) in units of 2**-activation_bits. out: U transposed in units of 2**-unembedding_bits.
    beta: (n,) in units of the logits, 2**-bits.
    slack: in units of the logits; slack_per_activation: the same for each unit of a pair's summed activations.
    demands: what is claimed beside correct pairs; x_demand, y_demand: (n,), what a margin must exceed for float32, in
    units of the logits. limits: what the exact evaluation of one product's pairs is held to.
    """

    a: Integers
    c: Integers
    out: RightFactor
    beta: Integers
    bits: int
    slack: int
    slack_per_activation: int
    demands: Demands
    x_demand: Integers
    y_demand: Integers
    limits: Limits


@dataclass(frozen=True, slots=True)
class Decided:
    """Which of some pairs are correct, and which as evaluated in binary32: (pairs,).

    margins: (pairs,), lower bounds of the smallest margins of the correct ones, in units of the logits; exact_pairs,
    tight_pairs: how many needed the exact weights, and the tighter bound of what rounding takes.
    """

    is_correct: Booleans
    is_float32: Booleans
    margins: Integers
    exact_pairs: int
    tight_pairs: int


def check_exhaustive(
    network: Network,
    G: Group,
    section: ExhaustiveSection,
    arithmetic: str,
    limits: Limits = LIMITS,
    demands: Demands = NO_DEMANDS,
) -> Evidence:
    """The correct pairs, exactly.

    Errors: SCALE_TOO_FINE; those of a limit.
    """
    check_work(network, G, limits)
    rounded = round_network(network, section, arithmetic, limits, demands)
    return collect(evaluate_rows(network, G, rounded), Evidence(0, 0, Counter()), limits)


def check_work(network: Network, G: Group, limits: Limits = LIMITS) -> None:
    """Nothing, if evaluating every pair is not too much work. Errors: those of a limit."""
    cost = Counter(multiply_adds=compute_exhaustive_cost(network, G), additions=compute_additions(network, G))
    check_cost(cost, limits)
    # The table of products, that of quotients, and what sorts it.
    check_limit(limits, "numbers", 3 * G.order**2, "group")


def compute_exhaustive_cost(network: Network, G: Group) -> int:
    """The multiply-adds of trying every input: m n^3."""
    return network.a.shape[1] * G.order**3


def compute_exact_cost(network: Network) -> int:
    """The multiply-adds of words for one pair with the exact weights, and what Python does with each number of it."""
    n, m = network.a.shape
    return network.words * n * m + OBJECT_WORDS * (n + m)


def compute_additions(network: Network, G: Group) -> int:
    """The additions of `exhaustive` outside multiply-adds.

    A pair takes m for a + c, m for the sum of the activations, n for beta and 1 for the margin.
    """
    return G.order**2 * (2 * network.a.shape[1] + G.order + 1)


def round_network(
    network: Network,
    section: ExhaustiveSection,
    arithmetic: str,
    limits: Limits = LIMITS,
    demands: Demands = NO_DEMANDS,
) -> RoundedNetwork:
    """The network rounded to the section's fixed point, with its slack.

    Claim 6: with activations h = relu(a + c), rounded ones h', and U' the rounded U,
    sum (U_v - U_z) h - sum (U'_v - U'_z) h' = sum (U_v - U_z)(h - h') + sum ((U_v - U'_v) - (U_z - U'_z)) h'.
    Given |h_i - h'_i| <= e_i (relu moves no distance further apart) and |U - U'| <= half a unit, therefore the
    first sum is at most sum e_i (max_z U_zi - min_z U_zi), rounded up here, and the second at most one unit
    of U' for every unit of h'; beta adds two halves.
    """
    activation_bits, unembedding_bits = section.activation_bits, section.unembedding_bits
    a = round_to_fixed_point(network.a, activation_bits, "method.activation_bits")
    c = round_to_fixed_point(network.c, activation_bits, "method.activation_bits")
    U = round_to_fixed_point(network.U, unembedding_bits, "method.unembedding_bits")
    beta = round_to_fixed_point(network.beta, activation_bits + unembedding_bits, "method")
    columns = compute_integers(network.U.numerators.transpose())
    widths = [max(column) - min(column) for column in columns]
    moved = sum(w * (r + s) for w, r, s in zip(widths, a.residuals, c.residuals, strict=True))
    bits = activation_bits + unembedding_bits
    x_demand, y_demand = scale_demands(demands, len(a.integers), bits)
    return RoundedNetwork(
        a=a.integers,
        c=c.integers,
        out=prepare_right_factor(U.integers.T, arithmetic),
        beta=beta.integers[0],
        bits=bits,
        slack=shift_up(moved, bits - network.beta.bits) + int(any(beta.residuals)),
        slack_per_activation=int(any(U.residuals)),
        demands=demands,
        x_demand=x_demand,
        y_demand=y_demand,
        limits=limits,
    )


def evaluate_rows(network: Network, G: Group, rounded: RoundedNetwork) -> Iterator[Evidence]:
    """The evidence of the pairs with xy = v, one v after the other."""
    block, quotients = max(1, BLOCK // G.order), compute_quotients(G.table)

    def evaluate(v: int) -> Evidence:
        ys, rivals = quotients[:, v], np.delete(np.arange(G.order), v)
        evidence = Evidence(0, 0, Counter())
        for x in range(0, G.order, block):
            xs = np.arange(x, min(x + block, G.order))
            evidence += _evaluate_block(network, rounded, v, (xs, ys[xs]), rivals)
        return evidence

    return evaluate_each(evaluate, G.order)


def _evaluate_block(network: Network, rounded: RoundedNetwork, v: int, pairs: Pairs, rivals: Indices) -> Evidence:
    """The evidence of these pairs, all with xy = v, from all their margins."""
    activations, margins = evaluate_pairs(rounded, v, pairs, rivals)
    # Order 1 has no rival.
    smallest = margins.min(axis=1, initial=INT64_EXACT - 1)
    decided = decide_pairs(network, rounded, v, pairs, activations, smallest)
    (count, m), n = activations.shape, len(rounded.beta)
    additions = Counter(additions=count * (2 * m + n + 1))
    return Evidence(
        by_argument=0,
        by_cases=int(np.count_nonzero(decided.is_correct)),
        cost=Counter(multiply_adds=count * m * n) + compute_decision_cost(network, decided) + additions,
        float32_by_cases=int(np.count_nonzero(decided.is_float32)),
        margins=count_margins(decided.margins[decided.is_correct], rounded.bits),
        entropy=_bound_entropy(rounded, margins, smallest, bound_slack(rounded, activations)),
    )


def _bound_entropy(rounded: RoundedNetwork, margins: Integers, smallest: Integers, slack: Integers) -> EntropySum:
    """What bounds the cross-entropy of pairs with these margins, each of which may be so much smaller."""
    exponentials = rounded.demands.exponentials
    if exponentials is None:
        return EntropySum()
    shift, sums = bound_by_smallest(exponentials, smallest - slack, margins.shape[1], rounded.bits)
    loose = np.flatnonzero((shift > 0) | (sums > exponentials.scan_above))
    shift[loose], sums[loose] = sum_exponentials(exponentials, margins[loose] - slack[loose, None], rounded.bits)
    return add_up(shift, sums)


def evaluate_each(evaluate: Callable[[int], T], n: int) -> Iterator[T]:
    """The values at 0..n-1 in order; several at once if BLAS is kept to one thread: its threads and ours would wait."""
    several = os.environ.get("OPENBLAS_NUM_THREADS") == "1"
    threads = min(MAX_THREADS, os.cpu_count() or 1) if several else 1
    begun: deque[Future[T]] = deque()
    pool = ThreadPoolExecutor(threads)
    try:
        for i in range(n):
            # No further ahead: the process ends only when what is at work is done, after a refusal too.
            if len(begun) == 2 * threads:
                yield begun.popleft().result()
            begun.append(pool.submit(evaluate, i))
        while begun:
            yield begun.popleft().result()
    finally:
        # Without waiting: where a refusal leaves this to the collector of garbage, it can run on a thread that holds
        # what the end of another takes.
        pool.shutdown(wait=False, cancel_futures=True)


def evaluate_pairs(rounded: RoundedNetwork, v: int, pairs: Pairs, rivals: Indices) -> tuple[Integers, Integers]:
    """Activations (number of pairs, m) and margins over these rivals, (number of pairs, rivals), where all xy = v."""
    activations = np.maximum(rounded.a[pairs[0]] + rounded.c[pairs[1]], 0)
    columns = np.append(rivals, v)
    logits = multiply(activations, select_columns(rounded.out, columns), "method")
    _check_sums(activations, logits, rounded)
    logits += rounded.beta[columns]
    return activations, logits[:, -1:] - logits[:, :-1]


def evaluate_triples(rounded: RoundedNetwork, v: int, pairs: Pairs, is_open: Booleans) -> tuple[Integers, Integers]:
    """Activations and smallest margins where each pair has rivals of its own, one at least: (number of pairs, n)."""
    activations = np.maximum(rounded.a[pairs[0]] + rounded.c[pairs[1]], 0)
    # The bound of claim 5 is that of all columns, those of the rivals too.
    answers = multiply(activations, select_columns(rounded.out, np.array([v])), "method")[:, 0]
    U, (pair, z) = rounded.out.entries.T, np.nonzero(is_open)
    logits = np.einsum("ti,ti->t", activations.astype(U.dtype)[pair], U[z]).astype(np.int64)
    _check_sums(activations, np.append(answers, logits), rounded)
    largest = np.maximum.reduceat(logits + rounded.beta[z], np.flatnonzero(np.diff(pair, prepend=-1)))
    return activations, answers + rounded.beta[v] - largest


def bound_slack(rounded: RoundedNetwork, activations: Integers) -> Integers:
    """How much smaller than at fixed point the true margins of pairs with these activations can be: (pairs,)."""
    slack: Integers = rounded.slack + rounded.slack_per_activation * activations.sum(axis=1)
    return slack


def decide_pairs(
    network: Network, rounded: RoundedNetwork, v: int, pairs: Pairs, activations: Integers, margins: Integers
) -> Decided:
    """Which pairs with these smallest margins are correct, if their margins over all other labels are known to be > 0.

    Claim 7: given a margin m' at fixed point and the slack s of claim 6, m' > s proves a margin > 0 and
    m' <= -s proves one <= 0, therefore only pairs whose smallest m' lies between them need the exact weights.
    Claim 24: where the bound of all pairs leaves it open whether a correct one is so in binary32, its own may tell.
    """
    slack = bound_slack(rounded, activations)
    certified, limits = margins - slack, rounded.limits
    is_correct = certified > 0
    undecided = np.flatnonzero(~is_correct & (margins > -slack))
    # What the certificate's scales leave undecided can be much: it is known before it is done.
    check_limit(limits, "exact_multiply_adds", undecided.size * compute_exact_cost(network), "method")
    if undecided.size:
        exact = _evaluate_exactly(network, v, *(side[undecided].tolist() for side in pairs))
        is_correct[undecided] = [margin > 0 for margin in exact]
        # Rounded down, and cut below 2^62, where demands are cut: a smaller margin is certified then.
        excess = network.beta.bits - rounded.bits
        certified[undecided] = [min(shift_down(margin, excess), INT64_EXACT - 1) for margin in exact]
    is_float32 = is_correct & (certified > rounded.x_demand[pairs[0]] + rounded.y_demand[pairs[1]])
    errors, tight = rounded.demands.float32, np.zeros(0, dtype=np.intp)
    if errors is not None:
        tight = np.flatnonzero(is_correct & ~is_float32)
        check_limit(limits, "exact_multiply_adds", tight.size * OBJECT_WORDS * activations.shape[1], "method")
        for i in tight.tolist():
            margin = int(certified[i]) / Fraction(2) ** rounded.bits
            is_float32[i] = margin > bound_pair(errors, int(pairs[0][i]), int(pairs[1][i]))
    return Decided(is_correct, is_float32, certified, int(undecided.size), int(tight.size))


def compute_decision_cost(network: Network, decided: Decided) -> Counter[str]:
    """What was done beside the products at fixed point."""
    n, m = network.a.shape
    exact = decided.exact_pairs * compute_exact_cost(network) + decided.tight_pairs * OBJECT_WORDS * m
    # The tighter bound takes two products a neuron.
    products = (decided.exact_pairs * n + 2 * decided.tight_pairs) * m
    return Counter(multiply_adds=products, exact_multiply_adds=exact)


def _check_sums(activations: Integers, logits: Integers, rounded: RoundedNetwork) -> None:
    """Refuse where a sum of int64 outside `multiply` could wrap, unless it is multiplied by zero."""
    slack = rounded.slack + rounded.slack_per_activation * activations.shape[1] * int(activations.max())
    largest = compute_largest(logits) + compute_largest(rounded.beta)
    if slack >= INT64_EXACT or largest >= INT64_EXACT // 2:
        reject(Reason.SCALE_TOO_FINE, "method", "sums below 2^61", "larger ones")


def _evaluate_exactly(network: Network, v: int, xs: list[int], ys: list[int]) -> list[int]:
    """The smallest margins of these pairs, all with xy = v, in units of 2**-beta.bits, of the exact weights.

    A tie is not correct.
    """
    a, c, width = network.a.numerators, network.c.numerators, network.a.shape[1]
    pairs = zip(xs, ys, strict=True)
    activations = fmpz_mat([[max(int(a[x, i] + c[y, i]), 0) for i in range(width)] for x, y in pairs])
    biases = fmpz_mat([[1]] * len(xs)) * network.beta.numerators
    logits = activations * network.U.numerators.transpose() + biases
    margins = []
    for row in compute_integers(logits):
        answer = row.pop(v)
        # Order 1 has no rival.
        margins.append(answer - max(row, default=answer - 1))
    return margins

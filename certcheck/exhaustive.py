"""Method `exhaustive`: every pair evaluated.

At fixed point first; what its slack leaves undecided is evaluated with the exact weights.
"""

from __future__ import annotations

import os
from collections import Counter, deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from flint import fmpz_mat
from numpy.typing import NDArray

from certcheck.document import ExhaustiveSection
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
    shift_up,
)
from certcheck.group import Group, compute_quotients
from certcheck.limits import LIMITS, Limits, check_limit
from certcheck.verdict import Reason, reject

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from certcheck.network import Network

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
    beta: (n,) in units of the logits, 2**-(activation_bits + unembedding_bits).
    slack: in units of the logits; slack_per_activation: the same for each unit of a pair's summed activations.
    limits: what the exact evaluation of one product's pairs is held to.
    """

    a: Integers
    c: Integers
    out: RightFactor
    beta: Integers
    slack: int
    slack_per_activation: int
    limits: Limits


@dataclass(frozen=True, slots=True)
class Tally:
    """Correct pairs among some pairs, and how many needed the exact weights."""

    correct: int
    exact_pairs: int


def check_exhaustive(
    network: Network, G: Group, section: ExhaustiveSection, arithmetic: str, limits: Limits = LIMITS
) -> Tally:
    """The number of correct pairs, exactly.

    Errors: SCALE_TOO_FINE; those of a limit.
    """
    check_work(network, G, limits)
    correct = exact_pairs = 0
    for tally in evaluate_rows(network, G, round_network(network, section, arithmetic, limits)):
        correct += tally.correct
        exact_pairs += tally.exact_pairs
        check_limit(limits, "exact_multiply_adds", exact_pairs * compute_exact_cost(network), "method")
    return Tally(correct, exact_pairs)


def check_cost(cost: Mapping[str, int], limits: Limits = LIMITS) -> None:
    """Nothing, if what was done so far is not too much work. Errors: WORK_TOO_LARGE."""
    for what in ("multiply_adds", "exact_multiply_adds", "additions"):
        check_limit(limits, what, cost[what], "method")


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
    network: Network, section: ExhaustiveSection, arithmetic: str, limits: Limits = LIMITS
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
    return RoundedNetwork(
        a.integers,
        c.integers,
        prepare_right_factor(U.integers.T, arithmetic),
        beta.integers[0],
        shift_up(moved, activation_bits + unembedding_bits - network.beta.bits) + int(any(beta.residuals)),
        int(any(U.residuals)),
        limits,
    )


def evaluate_rows(network: Network, G: Group, rounded: RoundedNetwork) -> Iterator[Tally]:
    """The tally of the pairs with xy = v, one v after the other."""
    block, quotients = max(1, BLOCK // G.order), compute_quotients(G.table)

    def evaluate(v: int) -> Tally:
        ys, rivals = quotients[:, v], np.delete(np.arange(G.order), v)
        blocks = [np.arange(x, min(x + block, G.order)) for x in range(0, G.order, block)]
        parts = [evaluate_pairs(network, rounded, v, (xs, ys[xs]), rivals) for xs in blocks]
        return Tally(sum(t.correct for t in parts), sum(t.exact_pairs for t in parts))

    return evaluate_each(evaluate, G.order)


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


def evaluate_pairs(network: Network, rounded: RoundedNetwork, v: int, pairs: Pairs, rivals: Indices) -> Tally:
    """The tally of these pairs, all with xy = v, if their margins over all but these rivals are known to be > 0."""
    activations = np.maximum(rounded.a[pairs[0]] + rounded.c[pairs[1]], 0)
    columns = np.append(rivals, v)
    logits = multiply(activations, select_columns(rounded.out, columns), "method")
    _check_sums(activations, logits, rounded)
    logits += rounded.beta[columns]
    # Order 1 has no rival.
    margins = logits[:, -1] - logits[:, :-1].max(axis=1, initial=-INT64_EXACT)
    return _decide(network, rounded, v, pairs, activations, margins)


def evaluate_triples(network: Network, rounded: RoundedNetwork, v: int, pairs: Pairs, is_open: Booleans) -> Tally:
    """The same where each pair has rivals of its own, one at least: (number of pairs, n), false at v."""
    activations = np.maximum(rounded.a[pairs[0]] + rounded.c[pairs[1]], 0)
    # The bound of claim 5 is that of all columns, those of the rivals too.
    answers = multiply(activations, select_columns(rounded.out, np.array([v])), "method")[:, 0]
    U, (pair, z) = rounded.out.entries.T, np.nonzero(is_open)
    logits = np.einsum("ti,ti->t", activations.astype(U.dtype)[pair], U[z]).astype(np.int64)
    _check_sums(activations, np.append(answers, logits), rounded)
    largest = np.maximum.reduceat(logits + rounded.beta[z], np.flatnonzero(np.diff(pair, prepend=-1)))
    return _decide(network, rounded, v, pairs, activations, answers + rounded.beta[v] - largest)


def _decide(
    network: Network, rounded: RoundedNetwork, v: int, pairs: Pairs, activations: Integers, margins: Integers
) -> Tally:
    """The tally of pairs with these smallest margins.

    Claim 7: given a margin m' at fixed point and the slack s of claim 6, m' > s proves a margin > 0 and
    m' <= -s proves one <= 0, therefore only pairs whose smallest m' lies between them need the exact weights.
    """
    slack = rounded.slack + rounded.slack_per_activation * activations.sum(axis=1)
    correct = int(np.count_nonzero(margins > slack))
    undecided = np.flatnonzero((margins <= slack) & (margins > -slack))
    # What the certificate's scales leave undecided can be much: it is known before it is done.
    check_limit(rounded.limits, "exact_multiply_adds", undecided.size * compute_exact_cost(network), "method")
    if undecided.size:
        correct += _count_correct_exactly(network, v, *(side[undecided].tolist() for side in pairs))
    return Tally(correct, int(undecided.size))


def _check_sums(activations: Integers, logits: Integers, rounded: RoundedNetwork) -> None:
    """Refuse where a sum of int64 outside `multiply` could wrap, unless it is multiplied by zero."""
    slack = rounded.slack + rounded.slack_per_activation * activations.shape[1] * int(activations.max())
    largest = compute_largest(logits) + compute_largest(rounded.beta)
    if slack >= INT64_EXACT or largest >= INT64_EXACT // 2:
        reject(Reason.SCALE_TOO_FINE, "method", "sums below 2^61", "larger ones")


def _count_correct_exactly(network: Network, v: int, xs: list[int], ys: list[int]) -> int:
    """How many of these pairs, all with xy = v, are correct, with the exact weights and every logit.

    A tie is not correct.
    """
    a, c, width = network.a.numerators, network.c.numerators, network.a.shape[1]
    pairs = zip(xs, ys, strict=True)
    activations = fmpz_mat([[max(int(a[x, i] + c[y, i]), 0) for i in range(width)] for x, y in pairs])
    biases = fmpz_mat([[1]] * len(xs)) * network.beta.numerators
    logits = activations * network.U.numerators.transpose() + biases
    correct = 0
    for row in compute_integers(logits):
        answer = row.pop(v)
        correct += all(answer > other for other in row)
    return correct

"""Method `exhaustive`: every pair evaluated.

At fixed point first; what its slack leaves undecided is evaluated with the exact weights.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from flint import fmpz_mat

from certcheck.document import ExhaustiveSection
from certcheck.exact import (
    FLOAT64_EXACT,
    INT64_EXACT,
    Integers,
    RightFactor,
    compute_integers,
    multiply,
    prepare_right_factor,
    round_to_fixed_point,
    shift_up,
)
from certcheck.verdict import Reason, reject

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from certcheck.group import Group
    from certcheck.network import Network

MAX_MULTIPLY_ADDS = 10**13
MAX_ADDITIONS = 10**11
MAX_EXACT_MULTIPLY_ADDS = 10**10
# Logits that are held at once: 4 M of 8 bytes, a few copies of them.
BLOCK = 2**22
# Numbers that are gathered at once for single triples: they stay in the cache.
GATHER = 2**16


@dataclass(frozen=True, slots=True)
class RoundedNetwork:
    """The network at fixed point, and how far a margin can be from the true one.

    a, c: (n, m) in units of 2**-activation_bits. out: U transposed in units of 2**-unembedding_bits.
    beta: (n,) in units of the logits, 2**-(activation_bits + unembedding_bits).
    slack: in units of the logits; slack_per_activation: the same for each unit of a pair's summed activations.
    """

    a: Integers
    c: Integers
    out: RightFactor
    beta: Integers
    slack: int
    slack_per_activation: int


@dataclass(frozen=True, slots=True)
class Tally:
    """Correct pairs among some pairs, and how many needed the exact weights."""

    correct: int
    exact_pairs: int


def check_exhaustive(network: Network, G: Group, section: ExhaustiveSection, arithmetic: str) -> Tally:
    """The number of correct pairs, exactly.

    Errors: WORK_TOO_LARGE, SCALE_TOO_FINE.
    """
    check_work(network, G)
    correct = exact_pairs = 0
    for tally in evaluate_rows(network, G, round_network(network, section, arithmetic)):
        correct += tally.correct
        exact_pairs += tally.exact_pairs
        check_exact_work(exact_pairs * network.a.shape[1] * G.order)
    return Tally(correct, exact_pairs)


def check_exact_work(multiply_adds: int) -> None:
    """Nothing, if the exact weights were not needed too often. Errors: WORK_TOO_LARGE."""
    if multiply_adds > MAX_EXACT_MULTIPLY_ADDS:
        expected = f"scales that leave at most {MAX_EXACT_MULTIPLY_ADDS} exact multiply-adds"
        reject(Reason.WORK_TOO_LARGE, "method", expected, "more")


def check_cost(cost: Mapping[str, int]) -> None:
    """Nothing, if what was done so far is not too much work. Errors: WORK_TOO_LARGE."""
    check_exact_work(cost["exact_multiply_adds"])
    for what, limit in (("multiply_adds", MAX_MULTIPLY_ADDS), ("additions", MAX_ADDITIONS)):
        if cost[what] > limit:
            reject(Reason.WORK_TOO_LARGE, "method", f"at most {limit} {what.replace('_', '-')}", f"{cost[what]}")


def check_work(network: Network, G: Group) -> None:
    """Nothing, if evaluating every pair is not too much work. Errors: WORK_TOO_LARGE."""
    check_cost(Counter(multiply_adds=compute_exhaustive_cost(network, G), additions=compute_additions(network, G)))


def compute_exhaustive_cost(network: Network, G: Group) -> int:
    """The multiply-adds of trying every input: m n^3."""
    return network.a.shape[1] * G.order**3


def compute_additions(network: Network, G: Group) -> int:
    """The additions of `exhaustive` outside multiply-adds.

    A pair takes m for a + c, m for the sum of the activations, n for beta and 1 for the margin.
    """
    return G.order**2 * (2 * network.a.shape[1] + G.order + 1)


def round_network(network: Network, section: ExhaustiveSection, arithmetic: str) -> RoundedNetwork:
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
        prepare_right_factor(np.ascontiguousarray(U.integers.T), arithmetic),
        beta.integers[0],
        shift_up(moved, activation_bits + unembedding_bits - network.beta.bits) + int(any(beta.residuals)),
        int(any(U.residuals)),
    )


def evaluate_rows(network: Network, G: Group, rounded: RoundedNetwork) -> Iterator[Tally]:
    """The tally of one x after the other."""
    block = max(1, BLOCK // G.order)
    for x in range(G.order):
        starts = range(0, G.order, block)
        parts = [_evaluate_block(network, G, rounded, x, np.arange(y, min(y + block, G.order))) for y in starts]
        yield Tally(sum(t.correct for t in parts), sum(t.exact_pairs for t in parts))


def _evaluate_block(network: Network, G: Group, rounded: RoundedNetwork, x: int, ys: NDArray[np.intp]) -> Tally:
    """The tally of the pairs (x, y) for these y.

    Claim 7: given a margin m' at fixed point and the slack s of claim 6, m' > s proves a margin > 0 and
    m' <= -s proves one <= 0, therefore only pairs whose smallest m' lies between them need the exact weights.
    """
    activations = np.maximum(rounded.a[x] + rounded.c[ys], 0)
    logits = multiply(activations, rounded.out, "method")
    _check_sums(activations, logits, rounded)
    logits += rounded.beta
    rows, products = np.arange(len(ys)), G.table[x, ys]
    answers = logits[rows, products].copy()
    # The right answer is no rival of itself; order 1 has no rival.
    logits[rows, products] = -INT64_EXACT
    margins = answers - logits.max(axis=1)
    slack = rounded.slack + rounded.slack_per_activation * activations.sum(axis=1)
    correct = int(np.count_nonzero(margins > slack))
    undecided = np.flatnonzero((margins <= slack) & (margins > -slack))
    if undecided.size:
        correct += _count_correct_exactly(network, x, ys[undecided].tolist(), products[undecided])
    return Tally(correct, int(undecided.size))


def evaluate_triples(
    network: Network, G: Group, rounded: RoundedNetwork, x: int, ys: NDArray[np.intp], is_open: NDArray[np.bool_]
) -> tuple[Tally, int]:
    """The pairs (x, y) that are correct if the margins of the triples that are not open are known to be > 0.

    is_open: (number of ys, n), False at z = xy. Also the number of triples evaluated: the open ones, or all where many
    are open. Claim 7, for the open triples alone.
    """
    activations = np.maximum(rounded.a[x] + rounded.c[ys], 0)
    products = G.table[x, ys].astype(np.intp)
    U, rows = np.ascontiguousarray(rounded.out.integers.T), np.arange(len(ys))
    margins = np.full(is_open.shape, INT64_EXACT >> 1)
    if 4 * np.count_nonzero(is_open) > 3 * is_open.size:
        triples = is_open.size
        logits = multiply(activations, rounded.out, "method.cases")
        _check_sums(activations, logits, rounded)
        logits += rounded.beta
        margins[is_open] = (logits[rows, products][:, None] - logits)[is_open]
    else:
        triples = int(np.count_nonzero(is_open))
        largest = int(activations.max()) * rounded.out.l1
        if largest >= FLOAT64_EXACT:
            reject(Reason.SCALE_TOO_FINE, "method.cases", "products below 2^52", f"{largest.bit_length()} bits")
        _check_sums(activations, np.array([[largest]]), rounded)
        pair, z = np.nonzero(is_open)
        step = max(1, GATHER // U.shape[1])
        for start in range(0, triples, step):
            i, wrong = pair[start : start + step], z[start : start + step]
            right = products[i]
            margins[i, wrong] = np.einsum("ti,ti->t", activations[i], U[right] - U[wrong])
            margins[i, wrong] += rounded.beta[right] - rounded.beta[wrong]
    smallest = margins.min(axis=1)
    slack = rounded.slack + rounded.slack_per_activation * activations.sum(axis=1)
    correct = int(np.count_nonzero(smallest > slack))
    undecided = np.flatnonzero((smallest <= slack) & (smallest > -slack))
    if undecided.size:
        correct += _count_correct_exactly(network, x, ys[undecided].tolist(), products[undecided])
    return Tally(correct, int(undecided.size)), triples


def _check_sums(activations: Integers, logits: Integers, rounded: RoundedNetwork) -> None:
    """Refuse where a sum of int64 outside `multiply` could wrap, unless it is multiplied by zero."""
    slack = rounded.slack + rounded.slack_per_activation * activations.shape[1] * int(activations.max())
    largest = int(np.abs(logits).max()) + int(np.abs(rounded.beta).max())
    if slack >= INT64_EXACT or largest >= INT64_EXACT // 2:
        reject(Reason.SCALE_TOO_FINE, "method", "sums below 2^61", "larger ones")


def _count_correct_exactly(network: Network, x: int, ys: list[int], products: NDArray[np.integer[Any]]) -> int:
    """How many of the pairs (x, y) are correct, with the exact weights and every logit.

    A tie is not correct.
    """
    a, c, width = network.a.numerators, network.c.numerators, network.a.shape[1]
    activations = fmpz_mat([[max(int(a[x, i] + c[y, i]), 0) for i in range(width)] for y in ys])
    biases = fmpz_mat([[1]] * len(ys)) * network.beta.numerators
    logits = activations * network.U.numerators.transpose() + biases
    correct = 0
    for row, product in zip(compute_integers(logits), products.tolist(), strict=True):
        answer = row.pop(product)
        correct += all(answer > other for other in row)
    return correct

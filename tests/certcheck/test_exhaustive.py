"""exhaustive: the tally against every logit in Fraction, at scales that are fine, coarse, and too fine."""

from __future__ import annotations

import dataclasses
import itertools
import threading
import time
from concurrent.futures import Future
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import certcheck.exhaustive
from certcheck.document import ExhaustiveSection
from certcheck.evidence import NO_DEMANDS, Demands, Evidence
from certcheck.exact import INT64_EXACT, Integers, RightFactor, multiply, prepare_right_factor
from certcheck.exhaustive import (
    RoundedNetwork,
    check_exhaustive,
    compute_additions,
    compute_exact_cost,
    compute_exhaustive_cost,
    decide_pairs,
    evaluate_each,
    evaluate_pairs,
    evaluate_rows,
    evaluate_triples,
    round_network,
)
from certcheck.float32 import bound_float32_errors, bound_pair
from certcheck.group import Group, check_group
from certcheck.limits import Limits
from certcheck.named_group import compute_named_elements
from certcheck.network import Network, check_network
from certcheck.verdict import Reason, Refusal, reject
from tests.certcheck.test_exact import refused
from tests.certcheck.test_network import compute_folded, make_section, store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ARITHMETICS = ("float64", "int64")
GROUPS = {name: check_group(compute_named_elements(name, ""), "") for name in ("C1", "C2", "C3", "C2xC2", "S3")}
EXACT = ExhaustiveSection(0, 0)  # for weights that are integers


class Tally(NamedTuple):
    """How many pairs are correct, and how many of all needed the exact weights."""

    correct: int
    exact_pairs: int


def count_pairs(network: Network, evidence: Evidence) -> Tally:
    """The tally that this evidence is: no pair by the argument, and exact work for whole pairs."""
    exact_pairs, rest = divmod(evidence.cost["exact_multiply_adds"], compute_exact_cost(network))
    assert (evidence.by_argument, rest) == (0, 0)
    return Tally(evidence.by_cases, exact_pairs)


def make_network(left: Any, right: Any, out: Any, **biases: Any) -> Network:
    """The network relu(left[x] + right[y] + hidden_bias) @ out + out_bias; out has a row for each hidden unit."""
    tensors = {"left": store(left), "right": store(right), "out": store(out)}
    tensors |= {name: store(bias) for name, bias in biases.items()}
    return check_network(make_section("direct", tensors), len(left))


def make_biased(*out_bias: float, n: int = 2) -> Network:
    """A network whose logits are its output bias, whatever it is given."""
    return make_network([[0]] * n, [[0]] * n, [[0] * n], out_bias=out_bias)


def count_slowly(network: Network, G: Group) -> int:
    """The pairs whose right answer is above every other one, logit by logit."""
    correct = 0
    for x in range(G.order):
        for y in range(G.order):
            logits = compute_folded(network, x, y)
            answer = logits.pop(int(G.table[x, y]))
            correct += all(answer > other for other in logits)
    return correct


def tally_all(network: Network, G: Group, section: ExhaustiveSection) -> Tally:
    """The tally, the same in both arithmetics."""
    first, second = (check_exhaustive(network, G, section, arithmetic) for arithmetic in ARITHMETICS)
    assert first == second
    return count_pairs(network, first)


def refused_as(network: Network, G: Group, section: ExhaustiveSection) -> tuple[Reason, str, str]:
    """Reason, place and expectation of the refusal, the same in both arithmetics."""
    caught = set()
    for arithmetic in ARITHMETICS:
        with pytest.raises(Refusal) as refusal:
            check_exhaustive(network, G, section, arithmetic)
        caught.add((refusal.value.reason, refusal.value.where, refusal.value.expected))
    (only,) = caught
    return only


# Small integers over small powers of two make ties; floats of any size make close decisions.
TIES = st.builds(lambda k, bits: k / 2**bits, st.integers(-3, 3), st.sampled_from([0, 1, 3]))
CLOSE = st.floats(-4, 4, width=32)


@st.composite
def networks(draw: st.DrawFn, group: str) -> Network:
    """Up to three hidden units, all weights of one kind, biases or none."""
    n, width = GROUPS[group].order, draw(st.integers(1, 3))
    weights = draw(st.sampled_from([TIES, CLOSE]))

    def draw_matrix(rows: int, columns: int) -> list[list[float]]:
        values = draw(st.lists(weights, min_size=rows * columns, max_size=rows * columns))
        return [values[i : i + columns] for i in range(0, len(values), columns)]

    biases = {}
    if draw(st.booleans()):
        biases = {"hidden_bias": draw_matrix(1, width)[0], "out_bias": draw_matrix(1, n)[0]}
    return make_network(draw_matrix(n, width), draw_matrix(n, width), draw_matrix(width, n), **biases)


SCALES = st.builds(ExhaustiveSection, st.integers(-4, 20), st.integers(-4, 20))


@pytest.mark.parametrize("group", GROUPS)
@settings(deadline=None, max_examples=60)
@given(data=st.data(), section=SCALES)
def test_the_tally_is_the_number_of_correct_pairs(group: str, data: st.DataObject, section: ExhaustiveSection) -> None:
    """Claims 6 and 7: at any scales and in both arithmetics, as many as by the stored weights in Fraction."""
    network = data.draw(networks(group))
    assert tally_all(network, GROUPS[group], section).correct == count_slowly(network, GROUPS[group])


@pytest.mark.parametrize("group", ["C2", "S3"])
@settings(deadline=None, max_examples=60)
@given(data=st.data(), section=SCALES)
def test_no_margin_is_further_from_its_rounded_value_than_the_slack(
    group: str, data: st.DataObject, section: ExhaustiveSection
) -> None:
    """Claim 6: every margin, of the right answer or of a wrong one, lies within the slack of its pair."""
    network, n = data.draw(networks(group)), GROUPS[group].order
    rounded = round_network(network, section, "int64")
    unit = Fraction(2) ** -(section.activation_bits + section.unembedding_bits)
    out = rounded.out.entries.tolist()
    for x in range(n):
        for y in range(n):
            hidden = np.maximum(rounded.a[x] + rounded.c[y], 0).tolist()
            near = [
                sum(h * row[z] for h, row in zip(hidden, out, strict=True)) + int(rounded.beta[z]) for z in range(n)
            ]
            slack = rounded.slack + rounded.slack_per_activation * sum(hidden)
            logits = compute_folded(network, x, y)
            for v in range(n):
                for z in range(n):
                    assert abs((logits[v] - logits[z]) / unit - (near[v] - near[z])) <= slack


def test_the_slack_is_no_larger_than_a_computation_by_hand() -> None:
    """Claim 6: 5/8 goes to 3/4, by 1/8; the row of out is 2 wide; 1/4 is one unit of 2^-2, and is attained."""
    network = make_network([[0.625], [0]], [[0], [0]], [[1, -1]])
    rounded = round_network(network, ExhaustiveSection(2, 0), "int64")
    assert rounded.a.tolist() == [[3], [0]]
    assert (rounded.slack, rounded.slack_per_activation) == (1, 0)
    # The true margin is 2 * 5/8 = 5 units of 2^-2, the rounded one 2 * 3.
    assert rounded.out.entries.tolist() == [[1, -1]]


def test_the_slack_is_rounded_up() -> None:
    """Claim 6: at integers, 1/8 times 2 is a quarter of a unit, and counts as one."""
    network = make_network([[0.125], [0]], [[0], [0]], [[1, -1]])
    assert round_network(network, EXACT, "int64").slack == 1


def test_the_slack_of_a_fine_scale_keeps_its_unit() -> None:
    """Claim 6: 1/8 times 1024 is 128 units of 1, and twice that in halves."""
    network = make_network([[0.125], [0]], [[0], [0]], [[1024, 0]])
    assert round_network(network, EXACT, "int64").slack == 128
    assert round_network(network, ExhaustiveSection(0, 1), "int64").slack == 256


def test_each_source_of_error_has_its_slack() -> None:
    """Claim 6: left and right add, times the width of each unit; one unit for beta; one per activation for out."""
    network = make_network([[0.5, 0], [0, 0]], [[0, 0.25], [0, 0]], [[3, -1], [2, 10]])
    # 1/2 * 4 + 1/4 * 8 = 4.
    assert round_network(network, EXACT, "int64").slack == 4
    network = make_network([[0], [0]], [[0], [0]], [[0, 0]], out_bias=[0.25, 0])
    assert round_network(network, EXACT, "int64").slack == 1
    network = make_network([[0], [0]], [[0], [0]], [[0.5, 0]])
    rounded = round_network(network, EXACT, "int64")
    assert (rounded.slack, rounded.slack_per_activation) == (0, 1)


def test_a_scale_that_holds_the_weights_has_no_slack() -> None:
    """Claim 6: halves at one binary place, thirds of nothing."""
    network = make_network([[0.5], [1.5]], [[1], [2]], [[0.5, -3]], out_bias=[0.25, 1])
    rounded = round_network(network, ExhaustiveSection(1, 1), "float64")
    assert (rounded.slack, rounded.slack_per_activation) == (0, 0)
    assert (rounded.a.tolist(), rounded.c.tolist()) == ([[1], [3]], [[2], [4]])
    assert (rounded.out.entries.tolist(), rounded.beta.tolist()) == ([[1, -6]], [1, 4])


@pytest.mark.parametrize("section", [EXACT, ExhaustiveSection(-9, -9), ExhaustiveSection(9, 9)])
def test_a_tie_is_not_correct(section: ExhaustiveSection) -> None:
    """All logits equal: no pair is correct, at fixed point or exactly."""
    network = make_network([[1], [2], [3]], [[4], [5], [6]], [[7, 7, 7]], out_bias=[2, 2, 2])
    assert tally_all(network, GROUPS["C3"], section).correct == 0


def test_a_tie_with_one_rival_is_not_correct() -> None:
    """The answer 0 is above 1 but equal to 2; without 2 it is right on the pairs whose product it is."""
    assert tally_all(make_biased(5, 1, 5, n=3), GROUPS["C3"], EXACT) == Tally(0, 0)
    assert tally_all(make_biased(5, 1, 4, n=3), GROUPS["C3"], EXACT) == Tally(3, 0)


def test_a_slack_of_zero_decides_a_tie() -> None:
    """Claim 7: where nothing was rounded, m' = 0 proves a tie, and no pair is evaluated exactly."""
    assert tally_all(make_biased(1, 1), GROUPS["C2"], EXACT) == Tally(0, 0)


def test_a_margin_equal_to_the_slack_is_evaluated_exactly() -> None:
    """Claim 7: 3/4 and 1/4 round to 1 and 0, with a slack of 1: m' = 1 proves nothing, m' = -1 an error."""
    network = make_biased(0.75, 0.25)
    assert tally_all(network, GROUPS["C2"], EXACT) == Tally(2, 2)


def test_coarse_scales_leave_every_pair_to_the_exact_weights() -> None:
    """Claim 7: where everything rounds to zero nothing is decided at fixed point, and the count is still right."""
    identity = np.eye(3).tolist()
    # relu(left + right - 1) is 1 for the one unit 3x + y, which points to x + y.
    left = [[float(i // 3 == x) for i in range(9)] for x in range(3)]
    right = [[float(i % 3 == y) for i in range(9)] for y in range(3)]
    out = [identity[(i // 3 + i % 3) % 3] for i in range(9)]
    network = make_network(left, right, out, hidden_bias=[-1] * 9)
    G = GROUPS["C3"]
    assert G.table.tolist() == [[0, 1, 2], [1, 2, 0], [2, 0, 1]]
    assert tally_all(network, G, EXACT) == Tally(9, 0)
    assert tally_all(network, G, ExhaustiveSection(-10, -10)) == Tally(9, 9)


@pytest.mark.parametrize(("bias", "correct"), [((2.0**-1074, 0), 2), ((0, -(2.0**-1074)), 2), ((1, 1), 0)])
def test_the_smallest_margin_counts(bias: tuple[float, float], correct: int) -> None:
    """One float64 subnormal above is above; a tie is not; both by the exact weights."""
    network = make_network([[1], [2]], [[3], [4]], [[0.5, 0.5]], out_bias=bias)
    assert tally_all(network, GROUPS["C2"], EXACT) == Tally(correct, 4)


def test_weights_of_any_size_are_compared_exactly() -> None:
    """2^1023 beside 2^-1074: the sum is not rounded, so the smaller one decides."""
    network = make_network([[2.0**1023]] * 2, [[2.0**-1074]] * 2, [[1, 1]], out_bias=[0, 2.0**-1074])
    assert tally_all(network, GROUPS["C2"], ExhaustiveSection(-1000, 0)) == Tally(2, 4)


@pytest.mark.parametrize("section", [EXACT, ExhaustiveSection(-8, -8)])
@pytest.mark.parametrize("bias", [-(2.0**40), 0, 2.0**40])
def test_a_group_of_one_element_has_one_correct_pair(bias: float, section: ExhaustiveSection) -> None:
    """The right answer has no rival, whatever its logit."""
    network = make_network([[1]], [[-3]], [[5]], out_bias=[bias])
    assert tally_all(network, GROUPS["C1"], section) == Tally(1, 0)


def test_one_element_is_right_at_the_largest_sums() -> None:
    """A bias of 2^61 - 1 stays clear of int64's end; with as large a slack the exact weights decide."""
    # 2^61 - 2^8 is the largest float64 below 2^61.
    network = make_network([[0]], [[0]], [[0]], out_bias=[2.0**61 - 2.0**8])
    assert tally_all(network, GROUPS["C1"], EXACT) == Tally(1, 0)
    network = make_network([[1]], [[0]], [[0.25]], out_bias=[-(2.0**61) + 2.0**8])
    assert tally_all(network, GROUPS["C1"], ExhaustiveSection(61, -61)) == Tally(1, 0)


def test_activations_beyond_int64_in_sum_do_no_harm_where_out_is_zero() -> None:
    """Two units of nearly 2^63 each: their sum would wrap, but nothing is multiplied by it."""
    largest = 2.0**62 - 2.0**9
    network = make_network([[largest] * 2] * 2, [[largest] * 2] * 2, [[0, 0]] * 2, out_bias=[1, 0])
    assert tally_all(network, GROUPS["C2"], EXACT) == Tally(2, 0)


@pytest.mark.parametrize("block", [1, 6, 11, 12, 13, 24, 35, 36, 1000])
def test_blocks_of_pairs_change_nothing(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Six pairs with one product in blocks of 1, 2, 4, 5 or 6, with a shorter last one; a tally for each product."""
    rng = np.random.default_rng(7)
    network = make_network(rng.normal(size=(6, 3)), rng.normal(size=(6, 3)), rng.normal(size=(3, 6)))
    G, section = GROUPS["S3"], ExhaustiveSection(1, 2)
    rows = list(evaluate_rows(network, G, round_network(network, section, "float64")))
    assert len(rows) == 6
    assert sum(row.by_cases for row in rows) == count_slowly(network, G)
    assert sum(count_pairs(network, row).exact_pairs for row in rows) > 0
    monkeypatch.setattr(certcheck.exhaustive, "BLOCK", block)
    assert list(evaluate_rows(network, G, round_network(network, section, "float64"))) == rows


@pytest.mark.parametrize(("block", "sizes"), [(1, [1] * 6), (12, [2, 2, 2]), (29, [4, 2]), (36, [6]), (1000, [6])])
def test_a_block_holds_no_more_logits_than_it_may(
    block: int, sizes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Six logits a pair, at least one pair at a time."""
    taken: list[int] = []

    def multiply_and_count(left: Integers, right: RightFactor, where: str) -> Integers:
        taken.append(len(left))
        return multiply(left, right, where)

    monkeypatch.setattr(certcheck.exhaustive, "BLOCK", block)
    monkeypatch.setattr(certcheck.exhaustive, "multiply", multiply_and_count)
    assert tally_all(make_biased(*range(6), n=6), GROUPS["S3"], EXACT) == Tally(6, 0)
    # Threads take them in any order.
    assert sorted(taken) == sorted(sizes * 6 * len(ARITHMETICS))


def test_a_tally_counts_the_pairs_with_one_product() -> None:
    """With a bias towards 4, the six pairs with xy = 4 are right, and no others."""
    G = GROUPS["S3"]
    network = make_biased(*(float(z == 4) for z in range(6)), n=6)
    expected = [Tally(6 * (v == 4), 0) for v in range(6)]
    rows = evaluate_rows(network, G, round_network(network, EXACT, "float64"))
    assert [count_pairs(network, row) for row in rows] == expected


@pytest.mark.parametrize("threads", ["1", "2"])
def test_values_come_in_order(threads: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One after the other where BLAS has threads of its own, several at once where it has one; the first slowly."""
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", threads)
    monkeypatch.setattr("os.cpu_count", lambda: 3)
    seen: set[int] = set()

    def evaluate(v: int) -> int:
        time.sleep(0.05 * (v == 0))
        seen.add(threading.get_ident())
        return v * v

    assert list(evaluate_each(evaluate, 20)) == [v * v for v in range(20)]
    assert (len(seen) == 1) == (threads == "2")


class Begun:
    """In place of a pool of threads: does what it is given at once, and keeps what was asked of it."""

    def __init__(self, threads: int) -> None:
        self.threads, self.values, self.end = threads, list[int](), dict[str, bool]()

    def submit(self, evaluate: Callable[[int], int], v: int) -> Future[int]:
        """The value, which is there."""
        future: Future[int] = Future()
        future.set_result(evaluate(v))
        self.values.append(v)
        return future

    def shutdown(self, **how: bool) -> None:
        """How it was ended."""
        self.end = how


@pytest.mark.parametrize(
    ("blas", "processors", "threads"), [("1", 3, 3), ("1", 64, 4), ("1", None, 1), ("1", 1, 1), ("2", 3, 1)]
)
def test_no_more_is_begun_than_two_values_a_thread(
    blas: str, processors: int | None, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thread a processor, four at most; what is not begun when the caller leaves never is."""
    pools: list[Begun] = []

    def make(count: int) -> Begun:
        pools.append(Begun(count))
        return pools[0]

    monkeypatch.setattr("certcheck.exhaustive.ThreadPoolExecutor", make)
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", blas)
    monkeypatch.setattr("os.cpu_count", lambda: processors)
    values = evaluate_each(lambda v: v * v, 100)
    assert [next(values), next(values)] == [0, 1]
    values.close()
    (pool,) = pools
    assert (pool.threads, pool.values) == (threads, [*range(2 * threads + 1)])
    assert pool.end == {"wait": False, "cancel_futures": True}


def test_a_refusal_ends_the_evaluation() -> None:
    """What is left is not evaluated once one value is refused, or once the caller has enough."""
    seen: list[int] = []

    def evaluate(v: int) -> int:
        seen.append(v)
        time.sleep(0.01)
        return 1 // (3 - v)

    with pytest.raises(ZeroDivisionError):
        list(evaluate_each(evaluate, 1000))
    values = evaluate_each(evaluate, 1000)
    assert next(values) == 0
    values.close()
    assert len(seen) < 20


def test_a_refusal_of_the_caller_ends_the_evaluation() -> None:
    """Even where its traceback keeps the values alive, as that of a limit does: only what was begun is ended."""
    seen: list[int] = []

    def evaluate(v: int) -> int:
        seen.append(v)
        return v

    def take(values: Iterator[int]) -> None:
        next(values)
        reject(Reason.WORK_TOO_LARGE, "rows", "few", "many")

    with pytest.raises(Refusal) as kept:
        take(evaluate_each(evaluate, 1000))
    time.sleep(0.1)
    assert kept.value.__traceback__ is not None
    assert len(seen) < 20


def test_leaving_an_evaluation_waits_for_no_thread() -> None:
    """It may be the collector of garbage that leaves it, on a thread that the others wait for: for ever, once."""
    begun, done, ended = threading.Event(), threading.Event(), []

    def evaluate(v: int) -> int:
        if v > 0:
            begun.set()
            done.wait(20)
            ended.append(v)
        return v

    values = evaluate_each(evaluate, 3)
    assert next(values) == 0
    assert begun.wait(20)
    values.close()
    assert not ended
    done.set()


def test_left_and_right_are_not_confused() -> None:
    """S3 does not commute: the exact table as one hidden unit a pair is right on 36 pairs, its transpose on 18."""
    G = GROUPS["S3"]
    left = [[float(i // 6 == x) for i in range(36)] for x in range(6)]
    right = [[float(i % 6 == y) for i in range(36)] for y in range(6)]
    for table, correct in ((G.table, 36), (G.table.T, 18)):
        out = [[float(z == table[i // 6, i % 6]) for z in range(6)] for i in range(36)]
        network = make_network(left, right, out, hidden_bias=[-1] * 36)
        assert tally_all(network, G, EXACT) == Tally(correct, 0)


def test_the_cost_is_that_of_every_input() -> None:
    """m n^3 = 5 * 3^3 multiply-adds; 9 pairs of 5 + 5 + 3 + 1 additions."""
    network = make_network([[0] * 5] * 3, [[0] * 5] * 3, [[0] * 3] * 5)
    assert compute_exhaustive_cost(network, GROUPS["C3"]) == 135
    assert compute_additions(network, GROUPS["C3"]) == 126


@pytest.mark.parametrize(
    ("limit", "edge", "where", "reason"),
    [
        ("multiply_adds", 135, "method", Reason.WORK_TOO_LARGE),
        ("additions", 126, "method", Reason.WORK_TOO_LARGE),
        ("numbers", 27, "group", Reason.NUMBERS_TOO_MANY),
    ],
)
def test_too_much_work_is_refused(limit: str, edge: int, where: str, reason: Reason) -> None:
    """The cost of the test above passes a limit as large, and not one that is smaller by one."""
    network = make_network([[0] * 5] * 3, [[0] * 5] * 3, [[0] * 3] * 5)
    evidence = check_exhaustive(network, GROUPS["C3"], EXACT, "int64", Limits(**{limit: edge}))
    assert (evidence.by_argument, evidence.by_cases) == (0, 0)
    assert evidence.cost == {"multiply_adds": 135, "additions": 126}
    with pytest.raises(Refusal) as caught:
        check_exhaustive(network, GROUPS["C3"], EXACT, "int64", Limits(**{limit: edge - 1}))
    assert (caught.value.reason, caught.value.where) == (reason, where)
    assert caught.value.expected.startswith(f"at most {edge - 1} ")
    assert caught.value.expected.endswith(f"(limit {limit})")
    assert caught.value.got == f"{edge}"


def test_too_much_exact_work_is_refused() -> None:
    """9 pairs with the exact weights: 9 m n = 54 products of three words, 9 (n + m) numbers; row by row and in all."""
    network = make_network([[0.25, 0]] * 3, [[0, 0]] * 3, [[1, 0, 0]] * 2)
    network = dataclasses.replace(network, words=3)
    evidence = check_exhaustive(network, GROUPS["C3"], EXACT, "int64", Limits(exact_multiply_adds=11682))
    assert count_pairs(network, evidence) == Tally(3, 9)
    for limit in (11681, 3893):
        with pytest.raises(Refusal) as caught:
            check_exhaustive(network, GROUPS["C3"], EXACT, "int64", Limits(exact_multiply_adds=limit))
        assert (caught.value.reason, caught.value.where) == (Reason.WORK_TOO_LARGE, "method")
        assert caught.value.got == ("11682" if limit == 11681 else "3894")
    assert tally_all(network, GROUPS["C3"], ExhaustiveSection(2, 0)) == Tally(3, 0)
    # The pairs of one product alone, before any is evaluated.
    for limit in (3894, 3893):
        rounded = round_network(network, EXACT, "int64", Limits(exact_multiply_adds=limit))
        first = partial(next, evaluate_rows(network, GROUPS["C3"], rounded))
        if limit == 3894:
            assert count_pairs(network, first()) == Tally(3, 3)
        else:
            assert refused(first) == (Reason.WORK_TOO_LARGE, "method")


ENTRY = "a scale at which every entry is below 2^62"
PRODUCT = "products below 2^52"
SUM = "sums below 2^61"


@pytest.mark.parametrize(
    ("weights", "section", "where", "expected"),
    [
        ({"left": 1.0}, (62, 0), "method.activation_bits", ENTRY),
        ({"right": -1.0}, (62, 0), "method.activation_bits", ENTRY),
        ({"left": 1.0}, (4096, -4096), "method.activation_bits", ENTRY),
        ({"out": 1.0}, (0, 62), "method.unembedding_bits", ENTRY),
        ({"out": -(2.0**10)}, (0, 52), "method.unembedding_bits", ENTRY),
        ({"bias": 1.0}, (31, 31), "method", ENTRY),
        ({"bias": 2.0**62}, (0, 0), "method", ENTRY),
        ({"left": 1.0, "out": 1.0}, (26, 26), "method", PRODUCT),
        ({"left": 1.0, "out": 1.0}, (52, 0), "method", PRODUCT),
        ({"left": 2.0**51, "right": 2.0**51, "out": -1.0}, (0, 0), "method", PRODUCT),
        ({"bias": 1.0}, (31, 30), "method", SUM),
        ({"bias": -1.0}, (0, 61), "method", SUM),
        # U rounds to zero: no product is too large, but a unit of slack for each activation is.
        ({"left": 2.0**61, "right": 2.0**61, "out": 0.25}, (0, 0), "method", SUM),
    ],
)
def test_a_scale_that_is_too_fine_is_refused(
    weights: dict[str, float], section: tuple[int, int], where: str, expected: str
) -> None:
    """Each entry, product and sum that int64 or float64 might not hold has its own refusal."""
    left, right, out = ([[weights.get(role, 0.0)], [0.0]] for role in ("left", "right", "out"))
    network = make_network(left, right, [[out[0][0], 0.0]], out_bias=[weights.get("bias", 0.0), 0.0])
    found = refused_as(network, GROUPS["C2"], ExhaustiveSection(*section))
    assert found == (Reason.SCALE_TOO_FINE, where, expected)


def test_a_slack_of_2_to_the_62_is_refused() -> None:
    """-1/2 and -1/2 round to 0, with errors that add up to 1: the slack is the width of out, from 2^62 on too large."""
    largest = 2.0**62 - 2.0**9
    halves = [[-0.5], [-0.5]]
    assert tally_all(make_network(halves, halves, [[largest, 0]]), GROUPS["C2"], EXACT) == Tally(0, 4)
    found = refused_as(make_network(halves, halves, [[largest, -(2.0**9)]]), GROUPS["C2"], EXACT)
    assert found == (Reason.SCALE_TOO_FINE, "method", SUM)


@pytest.mark.parametrize(
    ("slack", "per_activation", "beta", "is_refused"),
    [
        (2**62 - 1, 0, 0, False),
        (2**62, 0, 0, True),
        # Two activations of at most 5, counted as 5 each.
        (2**62 - 11, 1, 0, False),
        (2**62 - 10, 1, 0, True),
        # The largest logit is 7.
        (0, 0, 2**61 - 8, False),
        (0, 0, 2**61 - 7, True),
        (0, 0, 7 - 2**61, True),
    ],
)
def test_sums_are_refused_from_their_first_bad_value_on(
    slack: int, per_activation: int, beta: int, *, is_refused: bool
) -> None:
    """Slack below 2^62, logit and beta together below 2^61."""
    zeros = np.zeros((1, 2), dtype=np.int64)
    out = prepare_right_factor(zeros.T, "int64")
    bias, none = np.array([0, beta]), zeros[:, 0]
    rounded = RoundedNetwork(zeros, zeros, out, bias, 0, slack, per_activation, NO_DEMANDS, none, none, Limits())
    arguments = (np.array([[5, 2]]), np.array([[-7, 3]]), rounded)
    if is_refused:
        assert refused(certcheck.exhaustive._check_sums, *arguments) == (Reason.SCALE_TOO_FINE, "method")
    else:
        certcheck.exhaustive._check_sums(*arguments)


def find_known_pairs(network: Network, v: int, rivals: Any) -> tuple[list[tuple[int, int]], list[bool]]:
    """The pairs of S3 with xy = v whose margins over others than the rivals of (x, y) are > 0; which are correct."""
    known, correct = [], []
    for x, y in itertools.product(range(6), range(6)):
        logits = compute_folded(network, x, y)
        wrong = {z for z in range(6) if z != v and logits[z] >= logits[v]}
        if GROUPS["S3"].table[x, y] == v and wrong <= set(rivals(x)):
            known.append((x, y))
            correct.append(not wrong)
    return known, correct


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
@settings(deadline=None, max_examples=40)
@given(data=st.data(), section=SCALES, seed=st.integers(0, 2**32 - 1))
def test_rivals_decide_a_pair_whose_others_are_known(
    share: float, data: st.DataObject, section: ExhaustiveSection, seed: int
) -> None:
    """Pairs are correct if their margins over common rivals are > 0, in any order, or none."""
    rng = np.random.default_rng(seed)
    network = data.draw(networks("S3"))
    v = data.draw(st.integers(0, 5))
    rivals = [z for z in rng.permutation(6).tolist() if z != v and rng.random() < share]
    known, correct = find_known_pairs(network, v, lambda _: rivals)
    for arithmetic in ARITHMETICS if known else ():
        rounded = round_network(network, section, arithmetic)
        xs, ys = np.array(known, dtype=np.intp).T
        activations, margins = evaluate_pairs(rounded, v, (xs, ys), np.array(rivals, dtype=np.intp))
        smallest = margins.min(axis=1, initial=INT64_EXACT - 1)
        decided = decide_pairs(network, rounded, v, (xs, ys), activations, smallest)
        assert decided.is_correct.tolist() == correct


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
@settings(deadline=None, max_examples=40)
@given(data=st.data(), section=SCALES, seed=st.integers(0, 2**32 - 1))
def test_open_triples_decide_a_pair_whose_others_are_known(
    share: float, data: st.DataObject, section: ExhaustiveSection, seed: int
) -> None:
    """Pairs are correct if their margins over rivals of their own are > 0; one rival at least."""
    rng = np.random.default_rng(seed)
    network = data.draw(networks("S3"))
    v = data.draw(st.integers(0, 5))
    is_open = rng.random((6, 6)) < share
    is_open[range(6), (v + rng.integers(1, 6, 6)) % 6] = True
    is_open[:, v] = False
    known, correct = find_known_pairs(network, v, lambda x: np.flatnonzero(is_open[x]))
    for arithmetic in ARITHMETICS if known else ():
        rounded = round_network(network, section, arithmetic)
        xs, ys = np.array(known, dtype=np.intp).T
        activations, margins = evaluate_triples(rounded, v, (xs, ys), is_open[xs])
        decided = decide_pairs(network, rounded, v, (xs, ys), activations, margins)
        assert decided.is_correct.tolist() == correct


def test_a_scale_of_cases_that_is_too_fine_is_refused() -> None:
    """Products of 2^52 and sums of 2^61, whether few or many triples are evaluated."""
    pairs, is_open = (np.array([0]), np.array([1])), np.array([[True] + [False] * 5])
    for left, bias in ((2.0**52, 0.0), (1.0, 2.0**61)):
        network = make_network([[left]] * 6, [[0]] * 6, [[1] + [0] * 5], out_bias=[bias] + [0] * 5)
        rounded = round_network(network, EXACT, "int64")
        for evaluate, rivals in ((evaluate_pairs, np.array([0])), (evaluate_triples, is_open)):
            found = refused(evaluate, rounded, 1, pairs, rivals)
            assert found == (Reason.SCALE_TOO_FINE, "method")


def test_a_margin_beyond_2_to_the_62_proves_nothing_of_binary32() -> None:
    """False claim: a margin of 1.39 * 2^62 units exceeds a demand of 3.1 * 2^62, which is cut below 2^62.

    At integers 0.375 becomes 0 with a slack of 1.406 * 2^61, and biases leave 1.375 * 2^61, so that the exact weights
    decide; with a unit roundoff of 1/16 the hidden bias of -1 makes the rounding of 1.375 larger than the margin.
    """
    weights: list[list[list[float]]] = [[[1.375], [0]], [[0], [0]], [[1.875, -1.875]]]
    network = make_network(*weights, hidden_bias=[-1], out_bias=[0.6875, -0.6875])
    errors = bound_float32_errors(network, 4)
    demands, pairs = Demands(float32=errors), (np.array([0]), np.array([0]))
    for arithmetic in ARITHMETICS:
        rounded = round_network(network, ExhaustiveSection(0, 61), arithmetic, demands=demands)
        assert (rounded.x_demand[0], rounded.y_demand[0]) == (2**62 - 1, 0)
        activations, margins = evaluate_pairs(rounded, 0, pairs, np.array([1]))
        decided = decide_pairs(network, rounded, 0, pairs, activations, margins[:, 0])
        logits = compute_folded(network, 0, 0)
        assert logits[0] - logits[1] < bound_pair(errors, 0, 0)
        assert (decided.is_correct.tolist(), decided.is_float32.tolist()) == ([True], [False])
        assert (decided.exact_pairs, decided.tight_pairs, decided.margins.tolist()) == (1, 1, [2**62 - 1])


def test_a_margin_must_exceed_what_its_own_pair_demands() -> None:
    """x and y have their own parts; as much as both is not enough, and without errors nothing tells more."""
    network = make_network([[0]] * 3, [[0]] * 3, [[0] * 3], out_bias=[9, 0, 0])
    xs, ys = np.array([0, 1, 2]), GROUPS["C3"].table[GROUPS["C3"].inverse, 0].astype(np.intp)
    assert len({*zip(xs.tolist(), ys.tolist(), strict=True)} - {(1, 1), (2, 2)}) == 3
    rounded = round_network(network, EXACT, "int64")
    for more, expected in ((-1, [True] * 3), (0, [False] * 3)):
        # 9 is 7 + 2, 4 + 5 and 6 + 3 for the pairs themselves.
        own = dataclasses.replace(rounded, x_demand=np.array([7, 4, 6]) + more, y_demand=np.array([2, 3, 5]))
        activations, margins = evaluate_pairs(own, 0, (xs, ys), np.array([1, 2]))
        decided = decide_pairs(network, own, 0, (xs, ys), activations, margins.min(axis=1))
        assert ys.tolist() == [0, 2, 1]
        assert (decided.is_correct.tolist(), decided.is_float32.tolist()) == ([True] * 3, expected)
        assert decided.tight_pairs == 0


@pytest.mark.parametrize(("constant", "is_proved"), [(26, True), (27, False), (28, False)])
def test_a_margin_must_exceed_the_tighter_bound(constant: int, *, is_proved: bool) -> None:
    """9 against 27/3: equality is no proof. What holds for all pairs demands more."""
    network = make_network([[0]] * 2, [[0]] * 2, [[0, 0]], out_bias=[9, 0])
    errors = bound_float32_errors(network, 24)
    errors = dataclasses.replace(errors, of_magnitude=[0], of_activation=[0], constant=constant, denominator=3)
    errors = dataclasses.replace(errors, x=[100, 100], y=[0, 0])
    rounded = round_network(network, EXACT, "int64", demands=Demands(float32=errors))
    pairs = np.array([0]), np.array([0])
    activations, margins = evaluate_pairs(rounded, 0, pairs, np.array([1]))
    decided = decide_pairs(network, rounded, 0, pairs, activations, margins[:, 0])
    assert (decided.is_float32.tolist(), decided.tight_pairs) == ([is_proved], 1)


def test_the_exact_weights_find_one_element_right() -> None:
    """Without a rival its margin is above 0, whatever its logit."""
    network = make_network([[1]], [[-3]], [[5]], out_bias=[-7])
    assert certcheck.exhaustive._evaluate_exactly(network, 0, [0], [0]) == [1]

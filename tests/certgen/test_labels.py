"""certgen.labels: the group table that the model's answers form."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certcheck.limits import LIMITS
from certgen import labels as module
from certgen.failure import ExitCode, Failure
from certgen.labels import WITNESSES, Answers, find_labels, prepare_answers
from tests.certgen.small_models import (
    Table,
    alternating,
    compute_logits,
    cyclic,
    cyclic_weights,
    detector_weights,
    dicyclic,
    dihedral,
    direct_product,
    metacyclic,
    network_of,
    relabel,
    symmetric,
)

GROUPS = {
    "C1": cyclic(1),
    "C2": cyclic(2),
    "C5": cyclic(5),
    "S3": symmetric(3),
    "Q8": dicyclic(2),
    "C2xC2xC2": direct_product(cyclic(2), cyclic(2), cyclic(2)),
    "A4": alternating(4),
    "F20": metacyclic(5, 4, 2),
    "S4": symmetric(4),
    "D30": dihedral(30),
}
# Subtraction has no left identity; the loop has one, but every element is its own inverse, in no group of order 5.
SUBTRACTION = np.array([[(x - y) % 5 for y in range(5)] for x in range(5)], dtype=np.int32)
LOOP = np.array([[0, 1, 2, 3, 4], [1, 0, 3, 4, 2], [2, 4, 0, 1, 3], [3, 2, 4, 0, 1], [4, 3, 1, 2, 0]], dtype=np.int32)
HOPELESS = {
    "one answer for all": np.zeros((6, 6), dtype=np.int32),
    "one answer for all, without an identity": np.ones((6, 6), dtype=np.int32),
    "the left factor": np.repeat(np.arange(6, dtype=np.int32)[:, None], 6, axis=1),
    "random": np.random.default_rng(0).integers(0, 12, (12, 12), dtype=np.int32),
    "subtraction": SUBTRACTION,
    "a loop": LOOP,
    "maximum": np.maximum.outer(np.arange(7, dtype=np.int32), np.arange(7, dtype=np.int32)),
}


def draw_integers(seed: int) -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float64]]]:
    """A `direct` network with biases and small integers: float64 evaluates it exactly, and ties happen."""
    generator = np.random.default_rng(seed)
    shapes = {"left": (5, 7), "right": (5, 7), "out": (7, 5), "hidden_bias": (7,), "out_bias": (5,)}
    return {role: generator.integers(-2, 3, shape).astype(np.float64) for role, shape in shapes.items()}


def answers_of(table: Table) -> Answers:
    """Answers that come from a table, right or wrong."""
    return Answers(len(table), lambda x: table[x])


def read_all(answers: Answers) -> Table:
    """All answers, (n, n)."""
    return np.array([answers.read(x) for x in range(answers.order)], dtype=np.int32)


@pytest.mark.parametrize("block", [module.BLOCK, 7])
@pytest.mark.parametrize("seed", range(10))
def test_answers_are_the_first_largest_logits(seed: int, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer for a pair is the arg-max of its logits, evaluated from the formula; also some y at a time."""
    monkeypatch.setattr(module, "BLOCK", block)
    w = draw_integers(seed)
    logits = compute_logits(w["left"] + w["hidden_bias"], w["right"], w["out"].T, w["out_bias"]).tolist()
    slow = [[row.index(max(row)) for row in rows] for rows in logits]
    assert read_all(prepare_answers(network_of("direct", w))).tolist() == slow


@pytest.mark.parametrize("name", ["C1", "C5", "S3", "Q8", "A4"])
def test_answers_of_a_correct_network_are_the_table(name: str) -> None:
    """A network that is right on every pair answers the group's table."""
    table = relabel(GROUPS[name], 1)
    assert (read_all(prepare_answers(network_of("direct", detector_weights(table)))) == table).all()


def test_a_row_is_evaluated_once() -> None:
    """What was read is kept."""
    asked: list[int] = []
    answers = Answers(5, lambda x: (asked.append(x), cyclic(5)[x])[1])
    find_labels(answers)
    read_all(answers)
    assert sorted(asked) == list(range(5))


@pytest.mark.parametrize("exponent", [0, 20, 300, -300])
def test_answers_do_not_depend_on_the_scale_of_the_weights(exponent: int) -> None:
    """Weights times a power of two give the same answers, as long as float64 holds the products of three."""
    weights = {role: np.ldexp(values, exponent) for role, values in cyclic_weights("mapped", 4).items()}
    assert (read_all(prepare_answers(network_of("mapped", weights))) == cyclic(4)).all()


@pytest.mark.parametrize("name", GROUPS)
def test_right_answers_need_no_repair_and_few_rows(name: str) -> None:
    """Answers that are a group table give that group, wherever its identity is, from some random rows and generators.

    Each generator at least doubles the subgroup that those before it generate.
    """
    for seed in range(3):
        table = relabel(GROUPS[name], seed)
        answers = answers_of(table)
        labels = find_labels(answers)
        assert (labels.G.table == table).all()
        assert labels.repaired == 0
        n = len(table)
        assert set(labels.G.generators) <= set(answers.rows)
        assert labels.read == n * len(answers.rows) <= n * (WITNESSES + n.bit_length() - 1)


@given(st.data())
@settings(deadline=None, max_examples=60)
def test_few_wrong_answers_are_repaired(data: st.DataObject) -> None:
    """With fewer than n/10 wrong answers the group's own table comes back, and the wrong ones are counted.

    In the last round all n rows r vote on gy, and gy itself: a wrong answer spoils the vote of at most three of them
    (it is r(sy), or sy, or it hides s or pretends to be it), so more than half of the votes are right. Of the n
    answers x = xe all but the wrong ones speak for e.
    """
    name = data.draw(st.sampled_from(["A4", "F20", "S4", "D30"]))
    table = relabel(GROUPS[name], data.draw(st.integers(0, 5)))
    n = len(table)
    places = data.draw(st.lists(st.tuples(*[st.integers(0, n - 1)] * 2), max_size=(n - 1) // 10, unique=True))
    answers = table.copy()
    for x, y in places:
        answers[x, y] = (answers[x, y] + data.draw(st.integers(1, n - 1))) % n
    read = answers_of(answers)
    labels = find_labels(read)
    assert (labels.G.table == table).all()
    assert labels.repaired == sum(x in read.rows for x, _ in places)


def test_many_scattered_wrong_answers_are_repaired() -> None:
    """Three answers in ten of S5, wrong at random, are repaired, and those among the answers read are counted.

    A vote needs three right answers, so a third of them is right; the others scatter over 120 elements.
    """
    table = relabel(symmetric(5), 3)
    generator = np.random.default_rng(0)
    answers = table.copy()
    wrong = generator.random(table.shape) < 0.3
    answers[wrong] = (answers[wrong] + generator.integers(1, 120, wrong.sum(), dtype=np.int32)) % 120
    read = answers_of(answers)
    labels = find_labels(read)
    assert (labels.G.table == table).all()
    assert labels.read == 120 * len(read.rows)
    assert labels.repaired == wrong[list(read.rows)].sum()


@pytest.mark.parametrize("name", HOPELESS)
def test_hopeless_answers_are_refused_with_advice(name: str) -> None:
    """Answers that are near to no group table end the run, and the user is told what to give."""
    with pytest.raises(Failure, match="do not form a group table") as caught:
        find_labels(answers_of(HOPELESS[name]))
    assert caught.value.code is ExitCode.GROUP
    assert "--group FILE" in str(caught.value)


def test_a_group_that_half_of_the_answers_contradict_is_not_theirs() -> None:
    """Votes on x - y say x + y, since r - (s - y) = g + y where r - s = g; but the answers read say otherwise."""
    answers = answers_of(SUBTRACTION)
    for x in range(5):
        answers.read(x)
    G = module._find_group(answers, list(range(5)))
    assert G is not None
    assert (G.table == cyclic(5)).all()
    assert np.count_nonzero(G.table == SUBTRACTION) == 5
    with pytest.raises(Failure):
        find_labels(answers)


def test_the_hopeless_quasigroups_are_no_groups() -> None:
    """Subtraction modulo 5 and the loop are Latin squares that are not associative."""

    def is_associative(t: Table) -> bool:
        return all(t[t[x, y], z] == t[x, t[y, z]] for x, y, z in itertools.product(range(5), repeat=3))

    for square in (SUBTRACTION, LOOP):
        assert all(sorted(line) == list(range(5)) for line in (*square.tolist(), *square.T.tolist()))
        assert not is_associative(square)
    assert is_associative(cyclic(5))


def test_more_labels_than_a_group_may_have_are_refused() -> None:
    """Beyond the checker's largest order nothing is tried."""
    with pytest.raises(Failure, match="do not form a group table"):
        find_labels(Answers(LIMITS.order + 1, lambda x: pytest.fail(f"row {x} was read")))

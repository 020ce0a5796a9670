"""Training: each seed as a textbook would train it alone, whatever is trained beside it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
import torch
from torch.nn import functional

from certgen import training
from certgen.recipe import RECIPES, Plan, Wishes, choose_plan
from certgen.training import (
    Batch,
    SeedState,
    Task,
    count_correct_pairs,
    draw_initial,
    measure_movement,
    one_thread,
    pad,
    pad_weights,
    start_seed,
    train,
    unpad_weights,
)
from tests.certgen.small_models import cyclic, dihedral

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.certgen.small_models import Table

Weights = dict[str, torch.Tensor]


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """As training itself has it; more are slower on numbers this small."""
    with one_thread():
        yield


def task_of(table: Table, recipe: str, hidden: int, part: float, epochs: int = 1000) -> Task:
    """A task of a small group."""
    plan = choose_plan(RECIPES[recipe], "", len(table), Wishes(hidden, part, epochs))
    return Task(torch.from_numpy(table.astype("int64")), plan)


def run_epochs(task: Task, seeds: Iterable[int], epochs: int) -> dict[int, Weights]:
    """The published weights of seeds that are trained together."""
    batch = Batch(task, [start_seed(task, seed) for seed in seeds], "cpu")
    for _ in range(epochs):
        batch.run_epoch()
    batch.update_states()
    return {state.seed: unpad_weights(task, state.weights) for state in batch.states}


def are_same(one: Weights, other: Weights) -> bool:
    """Bit by bit."""
    return list(one) == list(other) and all(torch.equal(one[name], other[name]) for name in one)


def textbook_logits(plan: Plan, weights: Weights, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """As the two papers write them."""
    if plan.architecture == "concatenated":
        hidden = torch.cat((weights["W_x"][x], weights["W_y"][y]), dim=1) @ weights["W"]
        return torch.relu(hidden) @ weights["W_U"]
    left = weights["embedding_left"][x] @ weights["linear_left"]
    right = weights["embedding_right"][y] @ weights["linear_right"]
    return torch.relu(left + right) @ weights["unembedding"] + weights["unembed_bias"]


def train_by_textbook(task: Task, seed: int, epochs: int) -> tuple[Weights, float]:
    """One seed by torch's own optimiser, without padding or batches; the loss after the last step."""
    plan = task.plan
    initial, pairs = draw_initial(task, seed)
    weights = {name: weight.clone().requires_grad_() for name, weight in initial.items()}
    matrices = {"params": [w for name, w in weights.items() if name != "unembed_bias"]}
    bias = {"params": [w for name, w in weights.items() if name == "unembed_bias"], "weight_decay": 0.0}
    kind = torch.optim.AdamW if plan.architecture == "concatenated" else torch.optim.Adam
    optimiser = kind([matrices, bias], lr=plan.learning_rate, betas=plan.betas, weight_decay=plan.weight_decay)
    x, y = pairs // task.order, pairs % task.order
    for _ in range(epochs):
        optimiser.zero_grad()
        loss = functional.cross_entropy(textbook_logits(plan, weights, x, y), task.table[x, y])
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    trained = {name: weight.detach() for name, weight in weights.items()}
    return trained, float(functional.cross_entropy(textbook_logits(plan, trained, x, y), task.table[x, y]))


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_seed_is_trained_as_by_a_textbook(recipe: str) -> None:
    """The loss of a plain loop, its optimiser, its decay (none on the bias), for sizes that need padding."""
    task = task_of(dihedral(3), recipe, 9, 0.8)
    together = run_epochs(task, (3, 1, 4), 30)
    for seed, weights in together.items():
        expected, _ = train_by_textbook(task, seed, 30)
        for name, weight in weights.items():
            assert torch.allclose(weight, expected[name], rtol=1e-4, atol=1e-5), name


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_check_sees_the_loss_the_norm_and_all_pairs(recipe: str) -> None:
    """As a textbook counts them, of each seed alone."""
    task = task_of(cyclic(5), recipe, 8, 0.6)
    batch = Batch(task, [start_seed(task, seed) for seed in range(3)], "cpu")
    for _ in range(40):
        batch.run_epoch()
    batch.check()
    for state in batch.states:
        weights, loss = train_by_textbook(task, state.seed, 40)
        (point,) = state.curve
        x, y = torch.meshgrid(torch.arange(5), torch.arange(5), indexing="ij")
        answers = textbook_logits(task.plan, weights, x.flatten(), y.flatten()).argmax(dim=1)
        assert (point.epoch, point.correct) == (40, int((answers == task.table.flatten()).sum()))
        assert point.loss == pytest.approx(loss, rel=1e-3)
        norm = math.sqrt(sum(float(weight.square().sum()) for weight in weights.values()))
        assert point.norm == pytest.approx(norm, rel=1e-4)


SIZES = [
    ("wu", cyclic(3), 4, 0.8),
    ("wu", cyclic(7), 33, 0.8),
    ("wu", cyclic(7), 32, 0.8),
    ("wu", dihedral(5), 50, 0.77),
    ("chughtai", dihedral(3), 9, 1.0),
    ("chughtai", cyclic(13), 30, 0.61),
]


@pytest.mark.parametrize(("recipe", "table", "hidden", "part"), SIZES)
def test_the_seeds_beside_a_seed_change_no_bit_of_it(recipe: str, table: Table, hidden: int, part: float) -> None:
    """Whatever their number and order, for sizes whose rows begin within cache lines too."""
    task = task_of(table, recipe, hidden, part)
    together = run_epochs(task, range(7), 40)
    for others in ([0], [5], [1, 2], [6, 4, 2, 0], [5, 4, 3, 2, 1, 0]):
        for seed, weights in run_epochs(task, others, 40).items():
            assert are_same(weights, together[seed]), (seed, others)


def test_seeds_that_leave_the_batch_change_no_bit_of_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """They leave at different epochs; each alone gives the same state, curve and epoch."""
    monkeypatch.setattr(training, "CHECK", 20)
    monkeypatch.setattr(training, "WINDOW", 20)
    monkeypatch.setattr(training, "MOVEMENT", 0.1)
    task = task_of(cyclic(5), "wu", 8, 1.0, epochs=400)

    def finish(seeds: Iterable[int]) -> dict[int, SeedState]:
        states = [start_seed(task, seed) for seed in seeds]
        return {s.seed: s for finished in train(task, states, "cpu", lambda _: None) for s in finished}

    together = finish(range(6))
    assert len({state.epoch for state in together.values()}) > 2
    for seed, state in together.items():
        alone = finish([seed])[seed]
        assert (alone.epoch, alone.curve, alone.movement) == (state.epoch, state.curve, state.movement)
        assert are_same(alone.weights, state.weights)


@pytest.mark.parametrize("recipe", RECIPES)
def test_padding_is_undone_and_stays_zero(recipe: str) -> None:
    """Weights of neurons that are not there get no gradient."""
    task = task_of(cyclic(5), recipe, 7, 0.8)
    initial, _ = draw_initial(task, 2)
    assert are_same(unpad_weights(task, pad_weights(task, initial)), initial)
    batch = Batch(task, [start_seed(task, 2)], "cpu")
    for _ in range(20):
        batch.run_epoch()
    assert all(weight[0].numel() % training.LINE == 0 for weight in batch.weights.values())
    assert [pad(size) for size in (1, 16, 17)] == [16, 16, 32]
    for name, weight in batch.weights.items():
        rest = weight[0].detach().clone()
        rest[tuple(map(slice, {"bias": (5,), "out": (7, 5)}.get(name, (batch.task.plan.embedding, 7))))] = 0
        if name not in ("left", "right"):
            assert not rest.any(), name


def test_a_seed_draws_from_a_generator_of_its_own() -> None:
    """The same numbers whatever torch has drawn before; other seeds draw others; each pair is drawn once."""
    task = task_of(dihedral(4), "wu", 16, 0.8)
    weights, pairs = draw_initial(task, 3)
    torch.rand(5)
    again, same_pairs = draw_initial(task, 3)
    assert are_same(weights, again)
    assert torch.equal(pairs, same_pairs)
    assert len(pairs.unique()) == len(pairs) == task.pairs == 51
    assert not torch.equal(draw_initial(task, 4)[1], pairs)


def test_initial_weights_are_those_of_the_published_codes() -> None:
    """Their distributions, and that they are filled to the ends of it."""
    wu, _ = draw_initial(task_of(cyclic(50), "wu", 200, 0.8), 0)
    for name, bound in (("linear_left", 400**-0.5), ("linear_right", 400**-0.5), ("unembedding", 200**-0.5)):
        assert 0.99 * bound < float(wu[name].abs().max()) <= bound, name
        assert float(wu[name].mean()) == pytest.approx(0, abs=bound / 20), name
    assert float(wu["unembed_bias"].abs().max()) <= 200**-0.5
    chughtai, _ = draw_initial(task_of(cyclic(50), "chughtai", 100, 0.8), 0)
    deviations = {"W_x": 200**-0.5, "W_y": 200**-0.5, "W": 400**-0.5, "W_U": 100**-0.5}
    deviations = {**deviations, "embedding_left": 1.0, "embedding_right": 1.0}
    for name, deviation in deviations.items():
        assert float((wu | chughtai)[name].std()) == pytest.approx(deviation, rel=0.05), name


def state_of(epoch: int, movement: float, right_for: int) -> SeedState:
    """A state of which only the progress counts."""
    return SeedState(0, epoch, {}, {}, {}, {}, movement, right_for)


def test_a_seed_is_settled_by_the_documented_rule() -> None:
    """All pairs right at both ends of 1,000 epochs and at every check between, and moved by less than 2 %."""
    assert (training.CHECK, training.WINDOW, training.MOVEMENT) == (100, 1000, 0.02)
    assert state_of(3000, 0.019, 11).is_settled
    assert not state_of(3000, 0.02, 11).is_settled
    assert not state_of(3000, 0.019, 10).is_settled
    assert not state_of(3100, 0.019, 11).is_settled
    assert not state_of(3000, math.nan, 11).is_settled
    assert not state_of(1000, math.inf, 10).is_settled


def test_movement_is_the_largest_relative_change() -> None:
    """Of the three matrices; of a matrix of zeros it is not known."""
    before = {"left": torch.ones(2, 2), "right": torch.ones(2, 2), "out": torch.ones(2, 2)}
    now = {"left": torch.ones(2, 2), "right": 2 * torch.ones(2, 2), "out": torch.ones(2, 2) * 1.25}
    assert measure_movement(before, now) == pytest.approx(0.5)
    assert math.isnan(
        measure_movement(dict.fromkeys(before, torch.zeros(1, 1)), dict.fromkeys(before, torch.zeros(1, 1)))
    )


def test_a_wrong_pair_starts_the_count_anew_and_the_curve_thins_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """right_for counts checks in a row; points of the curve are at least 5 % apart."""
    task = task_of(cyclic(3), "wu", 4, 1.0)
    batch = Batch(task, [start_seed(task, 0)], "cpu")
    (state,) = batch.states
    seen = []
    for epoch, correct in ((100, 9), (200, 9), (300, 8), (2000, 9), (2050, 9), (2100, 9)):
        monkeypatch.setattr(Batch, "_evaluate", lambda *_, correct=correct: (0.5, correct))
        batch.epoch = epoch
        batch.check()
        seen.append(state.right_for)
    assert seen == [1, 2, 0, 1, 2, 3]
    assert [point.epoch for point in state.curve] == [100, 200, 300, 2000, 2100]


@pytest.mark.parametrize("early_stop", [True, False])
def test_the_ceiling_ends_the_training(*, early_stop: bool) -> None:
    """Also where it is no multiple of the epochs between checks."""
    plan = choose_plan(RECIPES["wu"], "", 3, Wishes(4, 1.0, 130, early_stop))
    task = Task(torch.from_numpy(cyclic(3).astype("int64")), plan)
    saved: list[int] = []
    (finished,) = train(task, [start_seed(task, 0)], "cpu", lambda batch: saved.append(batch.epoch))
    assert [(state.epoch, state.is_settled) for state in finished] == [(130, False)]
    assert saved == [100]


def test_a_tie_is_not_correct() -> None:
    """The product must have the largest logit alone."""
    task = task_of(cyclic(3), "wu", 4, 1.0)
    state = start_seed(task, 0)
    zeros = {name: torch.zeros_like(weight) for name, weight in state.weights.items()}
    assert count_correct_pairs(task, zeros) == 0
    zeros["bias"][1] = 1.0
    assert count_correct_pairs(task, zeros) == 3


def test_large_groups_are_evaluated_in_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same count and loss."""
    task = task_of(cyclic(7), "wu", 16, 0.8)
    batch = Batch(task, [start_seed(task, 0)], "cpu")
    whole = count_correct_pairs(task, batch.states[0].weights)
    monkeypatch.setattr(training, "ENTRIES_AT_ONCE", 2 * 7 * 16 + 1)
    assert count_correct_pairs(task, batch.states[0].weights) == whole
    batch.check()
    assert batch.states[0].curve[0].loss == pytest.approx(train_by_textbook(task, 0, 0)[1], rel=1e-4)


def test_the_number_of_threads_is_given_back() -> None:
    """Also after a failure."""
    torch.set_num_threads(2)
    with one_thread():
        assert torch.get_num_threads() == 1
    with pytest.raises(ZeroDivisionError), one_thread():
        _ = 1 / 0
    assert torch.get_num_threads() == 2

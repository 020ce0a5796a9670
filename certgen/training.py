"""Training: many seeds at once as one batched tensor program, each as if it were alone.

Every tensor has a leading axis of seeds. A seed has a generator of its own for its initial weights and its training
pairs; the loss is the sum over the seeds of each one's mean cross-entropy, so that no gradient mixes seeds, and Adam
works number by number. That floating point does not mix them either, bit by bit, takes two more things on the CPU:

- one thread, so that sums have one order;
- blocks of whole cache lines: a library may take another path for the numbers before and behind a boundary of 64
  bytes, and where these lie in a tensor depends on how many seeds come before. So the hidden width, the embeddings,
  the bias and the pairs are filled up with zeros to multiples of 16. Neurons of zero weights get a gradient of zero,
  and stay so; pairs without a label have no loss.
"""

from __future__ import annotations

import contextlib
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch.nn import functional

from certgen.progress import follow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from certgen.recipe import Plan

# Floats in a cache line.
LINE = 16
NO_LABEL = -100
# Every so many epochs the pairs are counted.
CHECK = 100
# Every so many epochs the weights are compared with those of so many epochs ago.
WINDOW = 1000
# Settled: the folded network has moved by less than this part of its norm.
MOVEMENT = 0.02
# A point of the curve is at least this much later than the one before.
CURVE_RATIO = 1.05
# Activations of a check that are held at once.
ENTRIES_AT_ONCE = 1 << 22

PARTS = ("left", "right", "left_map", "right_map", "out", "bias")

Tensors = dict[str, torch.Tensor]


@dataclass(frozen=True, slots=True)
class Task:
    """What is learned and how: the multiplication table (n, n) and the plan."""

    table: torch.Tensor
    plan: Plan

    @property
    def order(self) -> int:
        """The number n of elements."""
        return len(self.table)

    @property
    def pairs(self) -> int:
        """How many pairs each seed is trained on."""
        return max(1, round(self.plan.part * self.order**2))


class Point(NamedTuple):
    """What is seen of one seed at one epoch: mean loss of the training pairs, correct pairs of all, weight norm."""

    epoch: int
    loss: float
    correct: int
    norm: float


@dataclass(slots=True, eq=False)
class SeedState:
    """One seed after some epochs: all that its further training depends on, padded, without the axis of seeds.

    folded: the network at the last epoch that is a multiple of WINDOW, movement: how far it had moved since the one
    before; right_for: at how many checks in a row all pairs were right.
    """

    seed: int
    epoch: int
    weights: Tensors
    first: Tensors
    second: Tensors
    folded: Tensors = field(default_factory=dict)
    movement: float = math.inf
    right_for: int = 0
    curve: list[Point] = field(default_factory=list)

    @property
    def is_settled(self) -> bool:
        """Whether training may stop: all pairs right for a whole window, in which the network hardly moved."""
        return self.epoch % WINDOW == 0 and self.right_for > WINDOW // CHECK and self.movement < MOVEMENT


def pad(size: int) -> int:
    """The size filled up to whole cache lines."""
    return -size % LINE + size


def draw_initial(task: Task, seed: int) -> tuple[Tensors, torch.Tensor]:
    """The initial weights under their published names, and the training pairs x n + y in increasing order.

    As in the code published with each recipe. wu: embeddings are normal with variance 1, the rest is uniform within
    1/sqrt(2 width) for the maps and 1/sqrt(m) for unembedding and bias. chughtai: normal with variance 1 over a
    width, that of the embedding, of both together for W, m for W_U.
    """
    generator = torch.Generator().manual_seed(seed)
    plan, n = task.plan, task.order
    width, m = plan.embedding, plan.hidden

    def normal(*shape: int, over: int) -> torch.Tensor:
        return torch.randn(shape, generator=generator) / math.sqrt(over)

    def uniform(*shape: int, over: int) -> torch.Tensor:
        return (2 * torch.rand(shape, generator=generator) - 1) / math.sqrt(over)

    # The order of the entries is that of the draws.
    if plan.architecture == "mapped":
        weights = {
            "embedding_left": normal(n, width, over=1),
            "embedding_right": normal(n, width, over=1),
            "linear_left": uniform(width, m, over=2 * width),
            "linear_right": uniform(width, m, over=2 * width),
            "unembedding": uniform(m, n, over=m),
            "unembed_bias": uniform(n, over=m),
        }
    else:
        weights = {
            "W_x": normal(n, width, over=width),
            "W_y": normal(n, width, over=width),
            "W": normal(2 * width, m, over=2 * width),
            "W_U": normal(m, n, over=m),
        }
    pairs = torch.randperm(n * n, generator=generator)[: task.pairs]
    return weights, pairs.sort()[0]


def pad_weights(task: Task, published: Tensors) -> Tensors:
    """The same network by two embeddings, two maps, unembedding and bias, filled up with zeros."""
    plan, n = task.plan, task.order
    width, m = pad(plan.embedding), pad(plan.hidden)
    if plan.architecture == "mapped":
        parts = dict(zip(PARTS, published.values(), strict=True))
    else:
        top, bottom = published["W"][: plan.embedding], published["W"][plan.embedding :]
        parts = {"left": published["W_x"], "right": published["W_y"], "left_map": top, "right_map": bottom}
        parts["out"] = published["W_U"]
    shapes = {"left": (n, width), "right": (n, width), "left_map": (width, m), "right_map": (width, m), "out": (m, n)}
    padded = {name: torch.zeros(shapes.get(name, (pad(n),))) for name in parts}
    for name, part in parts.items():
        padded[name][tuple(map(slice, part.shape))] = part
    return padded


def unpad_weights(task: Task, padded: Tensors) -> Tensors:
    """The tensors under their published names: what `pad_weights` makes is undone."""
    plan, n = task.plan, task.order
    width, m = plan.embedding, plan.hidden
    left, right = padded["left"][:, :width], padded["right"][:, :width]
    left_map, right_map = padded["left_map"][:width, :m], padded["right_map"][:width, :m]
    published = {"embedding_left": left, "embedding_right": right, "linear_left": left_map, "linear_right": right_map}
    if plan.architecture == "mapped":
        published["unembedding"] = padded["out"][:m]
        published["unembed_bias"] = padded["bias"][:n]
    else:
        published = {"W_x": left, "W_y": right, "W": torch.cat((left_map, right_map)), "W_U": padded["out"][:m]}
    return {name: tensor.contiguous().clone() for name, tensor in published.items()}


def start_seed(task: Task, seed: int) -> SeedState:
    """A seed before its first epoch."""
    published, _ = draw_initial(task, seed)
    weights = pad_weights(task, published)
    first, second = ({name: torch.zeros_like(v) for name, v in weights.items()} for _ in range(2))
    return SeedState(seed, 0, weights, first, second)


class Batch:
    """Seeds of the same epoch under training. What becomes of a seed does not depend on the others."""

    def __init__(self, task: Task, states: Sequence[SeedState], device: str) -> None:
        self.task, self.device = task, torch.device(device)
        self.epoch = states[0].epoch
        self.states = list(states)
        self._stack()

    def _stack(self) -> None:
        """Tensors with a leading axis of seeds, and the optimiser, from the states."""
        plan = self.task.plan

        def stack(tensors: Iterable[torch.Tensor]) -> torch.Tensor:
            return torch.stack(list(tensors)).to(self.device)

        names = list(self.states[0].weights)
        self.weights = {name: stack(s.weights[name] for s in self.states).requires_grad_() for name in names}
        decayed = [weight for name, weight in self.weights.items() if name != "bias"]
        groups: list[dict[str, Any]] = [{"params": decayed, "weight_decay": plan.weight_decay}]
        if "bias" in self.weights:
            groups.append({"params": [self.weights["bias"]], "weight_decay": 0.0})
        kind = {"Adam": torch.optim.Adam, "AdamW": torch.optim.AdamW}[plan.optimiser]
        self.optimiser = kind(groups, lr=plan.learning_rate, betas=plan.betas, fused=True)
        for name, weight in self.weights.items():
            self.optimiser.state[weight] = {
                "step": torch.tensor(float(self.epoch), device=self.device),
                "exp_avg": stack(s.first[name] for s in self.states),
                "exp_avg_sq": stack(s.second[name] for s in self.states),
            }
        self._stack_pairs()

    def _stack_pairs(self) -> None:
        """Rows of the embeddings and labels of all training pairs, seed after seed."""
        n, table = self.task.order, self.task.table.flatten()
        self.pairs = torch.stack([draw_initial(self.task, state.seed)[1] for state in self.states])
        filled = (0, pad(self.task.pairs) - self.task.pairs)
        pairs = functional.pad(self.pairs, filled)
        rows = n * torch.arange(len(pairs))[:, None]
        self.x, self.y = ((rows + side).flatten().to(self.device) for side in (pairs // n, pairs % n))
        self.labels = functional.pad(table[self.pairs], filled, value=NO_LABEL).flatten().to(self.device)

    def fold(self) -> tuple[torch.Tensor, torch.Tensor]:
        """What x and what y put into the neurons, (seeds, n, m) each."""
        weights = self.weights
        return torch.bmm(weights["left"], weights["left_map"]), torch.bmm(weights["right"], weights["right_map"])

    def run_epoch(self) -> None:
        """One step of the optimiser on all training pairs."""
        n, out, bias = self.task.order, self.weights["out"], self.weights.get("bias")
        left, right = (side.flatten(0, 1) for side in self.fold())
        inputs = functional.embedding(self.x, left) + functional.embedding(self.y, right)
        active = torch.relu(inputs).view(len(out), -1, out.shape[1])
        logits = torch.bmm(active, out) if bias is None else torch.baddbmm(bias[:, None, :n], active, out)
        loss = functional.cross_entropy(logits.flatten(0, 1), self.labels, ignore_index=NO_LABEL, reduction="sum")
        self.optimiser.zero_grad()
        (loss / self.task.pairs).backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        self.epoch += 1

    @torch.no_grad()
    def check(self) -> None:
        """Write the epoch, and what is seen of each seed, into its state."""
        left, right = self.fold()
        for i, state in enumerate(self.states):
            # Seed by seed: a sum over many at once might be taken in another order.
            weights = {name: weight[i] for name, weight in self.weights.items()}
            folded = {"left": left[i], "right": right[i], "out": weights["out"]}
            loss, correct = self._evaluate(folded, weights.get("bias"), self.pairs[i])
            norm = math.sqrt(sum(float(weight.square().sum()) for weight in weights.values()))
            state.epoch = self.epoch
            state.right_for = state.right_for + 1 if correct == self.task.order**2 else 0
            if self.epoch % WINDOW == 0:
                state.movement = measure_movement(state.folded, folded) if state.folded else math.inf
                state.folded = {name: tensor.clone() for name, tensor in folded.items()}
            point = Point(self.epoch, loss, correct, norm)
            if not state.curve or point.epoch >= CURVE_RATIO * state.curve[-1].epoch:
                state.curve.append(point)

    def _evaluate(self, folded: Tensors, bias: torch.Tensor | None, pairs: torch.Tensor) -> tuple[float, int]:
        """The mean loss of the training pairs and the number of correct pairs of all, in float32."""
        n = self.task.order
        losses = torch.empty(n, n, device=self.device)
        correct = 0
        for x, logits in compute_logits(folded, None if bias is None else bias[:n]):
            labels = self.task.table[x].to(self.device)
            losses[x] = functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none").view(-1, n)
            correct += int((logits.argmax(dim=2) == labels).sum())
        return float(losses.flatten()[pairs.to(self.device)].mean()), correct

    def update_states(self) -> None:
        """Write the weights and the optimiser's moments into the states."""
        moments = {name: self.optimiser.state[weight] for name, weight in self.weights.items()}
        for i, state in enumerate(self.states):
            state.epoch = self.epoch
            state.weights = {name: weight[i].detach().cpu().clone() for name, weight in self.weights.items()}
            state.first = {name: moment["exp_avg"][i].cpu().clone() for name, moment in moments.items()}
            state.second = {name: moment["exp_avg_sq"][i].cpu().clone() for name, moment in moments.items()}

    def take_finished(self) -> list[SeedState]:
        """The states of the seeds that need no more training; they leave the batch."""
        plan = self.task.plan
        finished = [s for s in self.states if self.epoch >= plan.epochs or (plan.early_stop and s.is_settled)]
        if finished:
            self.update_states()
            self.states = [state for state in self.states if state not in finished]
            if self.states:
                self._stack()
        return finished


def compute_logits(folded: Tensors, bias: torch.Tensor | None) -> Iterator[tuple[slice, torch.Tensor]]:
    """All logits of one network, (some x, n, n), a slice of x at a time."""
    left, right, out = folded["left"], folded["right"], folded["out"]
    n, m = left.shape
    rows = max(1, ENTRIES_AT_ONCE // (n * m))
    for start in range(0, n, rows):
        x = slice(start, min(n, start + rows))
        logits = torch.relu(left[x, None] + right) @ out
        yield x, logits if bias is None else logits + bias


def measure_movement(before: Tensors, now: Tensors) -> float:
    """How far a folded network has moved, relative to its norm: the largest of what holds for its three matrices."""
    return max(float((now[name] - before[name]).norm() / now[name].norm()) for name in now)


def count_correct_pairs(task: Task, weights: Tensors) -> int:
    """How many of all pairs have the largest logit, alone, at their product; in float64, of padded weights."""
    wide = {name: weight.double() for name, weight in weights.items()}
    folded = {"left": wide["left"] @ wide["left_map"], "right": wide["right"] @ wide["right_map"], "out": wide["out"]}
    correct = 0
    for x, logits in compute_logits(folded, wide["bias"][: task.order] if "bias" in wide else None):
        products = task.table[x, :, None]
        right = logits.gather(2, products)
        others = logits.scatter(2, products, -math.inf).amax(dim=2, keepdim=True)
        correct += int((right > others).sum())
    return correct


def train(
    task: Task, states: Sequence[SeedState], device: str, save: Callable[[Batch], None]
) -> Iterator[list[SeedState]]:
    """The states of the seeds that are finished, as they come; `save` is called after each check of the others."""
    batch = Batch(task, states, device)
    epochs = range(batch.epoch, task.plan.epochs)
    seeds = f"{len(states)} seeds" if len(states) > 1 else f"seed {states[0].seed}"
    with one_thread():
        for _ in follow(epochs, f"training {seeds}", len(epochs)):
            batch.run_epoch()
            if batch.epoch % CHECK == 0 or batch.epoch == task.plan.epochs:
                batch.check()
                if finished := batch.take_finished():
                    yield finished
                if not batch.states:
                    return
                save(batch)


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Sums have one order, so that a seed gives the same weights; more threads are slower, too, at these sizes."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)

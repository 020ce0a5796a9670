"""The group whose table the model's answers form, read off through generators: a few rows of the n by n answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from certcheck.group import Group, check_group
from certcheck.limits import LIMITS
from certcheck.verdict import Refusal
from certgen.failure import ExitCode, Failure
from certgen.model import approximate
from certgen.progress import follow

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from certcheck.network import Network

# Random rows that are read first: they say which label is e, and whether a group found is that of the answers.
WITNESSES = 8
# Random rows that vote on a generator, round by round; in the first the answers are taken as they are.
VOTERS = (0, 7, 31, 127)
# Logits that are held at once.
BLOCK = 2**22


@dataclass(slots=True)
class Answers:
    """The answers to n^2 pairs, evaluated as they are asked for.

    evaluate: from x to the answers for all y, (n,) int32; rows: those read so far.
    """

    order: int
    evaluate: Callable[[int], NDArray[np.int32]]
    rows: dict[int, NDArray[np.int32]] = field(default_factory=dict)

    def read(self, x: int) -> NDArray[np.int32]:
        """The answers for (x, y) and all y, (n,)."""
        if x not in self.rows:
            self.rows[x] = self.evaluate(x)
        return self.rows[x]


@dataclass(frozen=True, slots=True)
class Labels:
    """The group of a model's answers, how many answers were read, and how many of these differ from its table."""

    G: Group
    read: int
    repaired: int


def prepare_answers(network: Network) -> Answers:
    """The network's arg-max in float64: m n^2 multiply-adds a row."""
    a, c, U, beta = (approximate(v) for v in (network.a, network.c, network.U, network.beta))
    n = len(a)
    blocks = np.array_split(c, -(-n * n // BLOCK))

    def evaluate(x: int) -> NDArray[np.int32]:
        with np.errstate(all="ignore"):  # huge weights overflow here; the answers are only a guess
            answers = [np.argmax(np.maximum(a[x] + block, 0) @ U.T + beta, axis=1) for block in blocks]
        return np.concatenate(answers).astype(np.int32)

    return Answers(n, evaluate)


def find_labels(answers: Answers) -> Labels:
    """The group whose table agrees with more than half of the answers read; wrong ones are repaired by votes.

    Errors: Failure (GROUP) if no group is found.
    """
    n = answers.order
    rows: list[int] = np.random.default_rng(0).permutation(n).tolist()
    for voters in VOTERS if n <= LIMITS.order else ():
        first = rows[: max(voters, WITNESSES)]
        for x in follow(first, "reading the answers", len(first)):
            answers.read(x)
        G = _find_group(answers, rows[:voters])
        if G is not None:
            repaired = sum(int(np.count_nonzero(G.table[x] != row)) for x, row in answers.rows.items())
            read = n * len(answers.rows)
            if 2 * repaired < read:
                return Labels(G, read, repaired)
    raise Failure(
        ExitCode.GROUP,
        f"the model's answers on {n} x {n} inputs do not form a group table, even after repair: "
        "give the group and its labels with --group FILE",
    )


def _find_group(answers: Answers, voters: list[int]) -> Group | None:
    """The group that the rows of generators generate; each generator is the first label not reached before."""
    n = answers.order
    labels = np.arange(n)
    # xy = x for y = e.
    candidates = np.concatenate([np.flatnonzero(row == x) for x, row in answers.rows.items()])
    identity = int(np.bincount(candidates, minlength=n).argmax())
    table = np.full((n, n), -1, dtype=np.int16)
    table[identity] = labels
    reached = [identity]
    generators: list[NDArray[np.int32]] = []
    while len(reached) < n:
        g = int(np.argmax(table[:, 0] < 0))
        left = _vote(answers, g, voters)
        generators.append(left)
        # In a group each generator reaches at least twice as many elements as those before it.
        if left[identity] != g or 2 ** len(generators) > n or (np.sort(left) != labels).any():
            return None
        for x in reached:
            for left in generators:
                gx = int(left[x])
                if table[gx, 0] < 0:
                    table[gx] = left[table[x]]
                    reached.append(gx)
    try:
        G = check_group(table.astype(np.int32), "answers")
    except Refusal:
        return None
    return G if (G.table == table).all() else None


def _vote(answers: Answers, g: int, voters: list[int]) -> NDArray[np.int32]:
    """For every y the most frequent value of r(sy) over the voters r, where rs = g, and of gy itself; (n,)."""
    votes = [answers.read(g)]
    for r in follow(voters, "repairing the answers", len(voters)):
        left = answers.read(r)
        votes += [left[answers.read(s)] for s in np.flatnonzero(left == g)[:1].tolist()]
    return np.array([np.bincount(values).argmax() for values in np.array(votes).T], dtype=np.int32)

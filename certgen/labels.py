"""The group table that the model's answers form."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from certcheck.group import MAX_ORDER, Group, check_group
from certcheck.verdict import Refusal
from certgen.failure import ExitCode, Failure
from certgen.model import approximate
from certgen.progress import follow

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from certcheck.network import Network

VOTERS = 101
ROUNDS = 3


def compute_answers(network: Network) -> NDArray[np.int32]:
    """The network's arg-max for every pair, in float64; shape (n, n)."""
    a, c, U, beta = (approximate(v) for v in (network.a, network.c, network.U, network.beta))
    answers = np.empty((len(a), len(a)), dtype=np.int32)
    with np.errstate(all="ignore"):  # huge weights overflow here; the answers are only a guess
        for x, row in enumerate(follow(a, "reading the answers", len(a))):
            answers[x] = np.argmax(np.maximum(row + c, 0) @ U.T + beta, axis=1)
    return answers


def find_group_of_answers(answers: NDArray[np.int32]) -> tuple[Group, int]:
    """The group whose table the answers are or nearly are, and how many answers differ from it.

    Wrong answers are repaired by a vote: xy = (xu)(u'y) for every u with inverse u'.
    Errors: Failure (GROUP) if no group table is found.
    """
    n = len(answers)
    table = answers
    if n <= MAX_ORDER:
        for votes in range(ROUNDS + 1):
            table = _vote(table) if votes else answers
            G = _group_of_table(table)
            if G is not None:
                return G, int(np.count_nonzero(G.table != answers))
    raise Failure(
        ExitCode.GROUP,
        f"the model's answers on {n} x {n} inputs do not form a group table, even after repair: "
        "give the group and its labels with --group FILE",
    )


def _group_of_table(table: NDArray[np.int32]) -> Group | None:
    try:
        G = check_group(np.ascontiguousarray(table), "answers")
    except Refusal:
        return None
    return G if (G.table == table).all() else None


def _vote(table: NDArray[np.int32]) -> NDArray[np.int32]:
    """For every x, y the most frequent value of (xu)(u'y)."""
    n = len(table)
    indices = np.arange(n)
    identity = int(np.argmax((table == indices).sum(axis=1) + (table == indices[:, None]).sum(axis=0)))
    is_inverse = (table == identity).astype(np.int8) + (identity == table.T)
    inverse = is_inverse.argmax(axis=1)
    voters = np.flatnonzero(is_inverse.max(axis=1))[:VOTERS]
    if not voters.size:
        return table
    voted = np.empty_like(table)
    for x in range(n):
        votes = table[table[x, voters][:, None], table[inverse[voters]]]
        counts = np.bincount((votes + n * indices).ravel(), minlength=n * n)
        voted[x] = counts.reshape(n, n).argmax(axis=1)
    return voted

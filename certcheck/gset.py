"""G-sets: what a group does to a few points, given by what its generators do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from certcheck.group import Group
from certcheck.verdict import Reason, reject

MAX_POINTS = 2**10


@dataclass(frozen=True, slots=True)
class GSet:
    """A transitive G-set of d points. action: (n, d), action[x, b] = xb; inverse_action: (n, d), those of x^-1."""

    action: NDArray[np.intp]
    inverse_action: NDArray[np.intp]

    @property
    def points(self) -> int:
        """The number d of points."""
        return int(self.action.shape[1])


def check_gset(permutations: NDArray[np.int64], G: Group, where: str) -> GSet:
    """The transitive G-set in which the generators act like this. Errors: GSET_WRONG."""
    action = check_action(permutations, G, where)
    if len(set(action[:, 0].tolist())) < action.shape[1]:
        reject(Reason.GSET_WRONG, where, "a transitive action", "more than one orbit")
    # The inverse permutation of each row.
    return GSet(action, np.argsort(action, axis=1))


def check_action(permutations: NDArray[np.int64], G: Group, where: str) -> NDArray[np.intp]:
    """What every element does to the points, (n, d), from what the generators do.

    Claim 12: given pi(gx) = pi(g) pi(x) for all generators g and all x, therefore pi is an action, because every
    element is a product of generators.
    Errors: GSET_WRONG.
    """
    count, d = permutations.shape
    if count != len(G.generators) or not 1 <= d <= MAX_POINTS:
        expected = f"{len(G.generators)} generators and 1 to {MAX_POINTS} points"
        reject(Reason.GSET_WRONG, where, expected, f"{count} and {d}")
    if (np.sort(permutations, axis=1) != np.arange(d)).any():
        reject(Reason.GSET_WRONG, where, f"permutations of {d} points", "others")
    action = np.zeros((G.order, d), dtype=np.intp)
    action[G.identity] = np.arange(d)
    for gx, generator, x in G.tree:
        action[gx] = permutations[generator][action[x]]
    for i, g in enumerate(G.generators):
        if (action[G.table[g]] != permutations[i][action]).any():
            reject(Reason.GSET_WRONG, where, "an action of the group", f"none at the generator [{g}]")
    return action

"""Transitive G-sets of few points and characters with values 1 and -1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from certgen.group import act_on_cosets, generate_subgroup

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from certcheck.group import Group

SUBGROUPS_TRIED = 1500
# A subgroup of index 2 is the kernel of a sign.
SIGN_POINTS = 2


@dataclass(frozen=True, slots=True)
class SignedGSet:
    """A transitive G-set with a sign: action (n, d), images of the points under each element; signs (n,)."""

    action: NDArray[np.int64]
    signs: NDArray[np.int64]

    @property
    def degree(self) -> int:
        """The number of points."""
        return int(self.action.shape[1])

    @property
    def is_signed(self) -> bool:
        """Whether a sign is -1."""
        return bool((self.signs < 0).any())

    def is_sign_of(self, signs: set[bytes]) -> bool:
        """Whether it is the representation of dimension 1 with one of these signs."""
        return self.degree == 1 and self.signs.tobytes() in signs

    @property
    def matrices(self) -> NDArray[np.float64]:
        """The signed permutation matrices, (n, d, d)."""
        n, d = self.action.shape
        matrices = np.zeros((n, d, d))
        elements, points = np.ogrid[:n, :d]
        matrices[elements, self.action, points] = self.signs[:, None]
        return matrices


def find_gsets(G: Group, largest: int) -> list[SignedGSet]:
    """G-sets of 2 to `largest` points, one for each class of subgroups found, with each sign; then the signs alone.

    Subgroups with two generators are tried, at random with a fixed seed.
    """
    generator = np.random.default_rng(0)
    found: dict[tuple[int, ...], NDArray[np.int64]] = {}
    tried: set[tuple[int, ...]] = set()
    for _ in range(SUBGROUPS_TRIED):
        H = generate_subgroup(G, generator.integers(0, G.order, 2).tolist(), G.order)
        if H in tried or not SIGN_POINTS <= G.order // len(H) <= largest:
            continue
        conjugates = {tuple(sorted(G.table[G.table[g, list(H)], G.inverse[g]].tolist())) for g in range(G.order)}
        tried |= conjugates
        found[min(conjugates)] = act_on_cosets(G, H)
    actions = sorted(found.values(), key=lambda action: action.shape[1])
    signs = [np.where(action[:, 0] == 0, 1, -1) for action in actions if action.shape[1] == SIGN_POINTS]
    trivial = np.ones(G.order, dtype=np.int64)
    point = np.zeros((G.order, 1), dtype=np.int64)
    sets = [
        SignedGSet(action, sign) for action in actions if action.shape[1] > SIGN_POINTS for sign in (trivial, *signs)
    ]
    return sets + [SignedGSet(point, sign) for sign in signs]

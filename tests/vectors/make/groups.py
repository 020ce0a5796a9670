"""Groups of permutations, composed one pair at a time."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

Permutation = tuple[int, ...]
Action = list[Permutation]


def compose(x: Sequence[int], y: Sequence[int]) -> Permutation:
    """x after y."""
    return tuple(x[i] for i in y)


@dataclass(frozen=True)
class Group:
    """Permutations in the order of the labels."""

    elements: tuple[Permutation, ...]

    @property
    def order(self) -> int:
        """The number n of elements."""
        return len(self.elements)

    @cached_property
    def table(self) -> list[list[int]]:
        """[x][y] is xy."""
        index = {x: i for i, x in enumerate(self.elements)}
        return [[index[compose(x, y)] for y in self.elements] for x in self.elements]

    @property
    def identity(self) -> int:
        """The index of e."""
        return self.elements.index(tuple(range(len(self.elements[0]))))

    @property
    def inverse(self) -> list[int]:
        """The index of the inverse of every element."""
        return [row.index(self.identity) for row in self.table]

    @cached_property
    def generators(self) -> list[int]:
        """As docs/format.md has them: each element that those before it do not generate."""
        chosen: list[int] = []
        reached = {self.identity}
        for g in range(self.order):
            if g not in reached:
                chosen.append(g)
                reached = self._reach(chosen)
        return chosen

    def _reach(self, steps: list[int]) -> set[int]:
        """What products of these are."""
        found = [self.identity]
        for x in found:
            found += [self.table[g][x] for g in steps if self.table[g][x] not in found]
        return set(found)

    def act(self, points: Sequence[int]) -> Action:
        """What every element does to a union of orbits of its points, which get the numbers 0, 1, ... in turn."""
        return [tuple(points.index(x[b]) for b in points) for x in self.elements]

    def compute_signs(self) -> list[int]:
        """1 for even permutations, -1 for odd ones."""
        pairs = list(itertools.combinations(range(len(self.elements[0])), 2))
        return [(-1) ** sum(x[i] > x[j] for i, j in pairs) for x in self.elements]


def generate(*generators: Permutation) -> Group:
    """The group that these generate, its elements sorted."""
    found = {tuple(range(len(generators[0])))}
    queue = list(found)
    for x in queue:
        new = {compose(g, x) for g in generators} - found
        found |= new
        queue += new
    return Group(tuple(sorted(found)))


def multiply(*factors: Group) -> Group:
    """The direct product on disjoint sets of points."""
    elements: list[Permutation] = [()]
    for G in factors:
        elements = [x + tuple(len(x) + i for i in y) for x in elements for y in G.elements]
    return Group(tuple(sorted(elements)))


def rotate(*lengths: int) -> Permutation:
    """Cycles of these lengths."""
    return tuple(sum(lengths[:k]) + (i + 1) % size for k, size in enumerate(lengths) for i in range(size))


def reflect(*lengths: int) -> Permutation:
    """i to -i on each cycle."""
    return tuple(sum(lengths[:k]) + -i % size for k, size in enumerate(lengths) for i in range(size))


def list_powers(generator: Permutation) -> Group:
    """The cyclic group in the order of the exponents."""
    powers = [tuple(range(len(generator)))]
    while (x := compose(generator, powers[-1])) != powers[0]:
        powers.append(x)
    return Group(tuple(powers))


C1, C2, C3, C4, C6, C7, C12 = (list_powers(rotate(*k)) for k in ((1,), (2,), (3,), (4,), (2, 3), (7,), (4, 3)))
S3, S4 = generate((1, 2, 0), (1, 0, 2)), generate((1, 2, 3, 0), (1, 0, 2, 3))
A4 = generate((1, 2, 0, 3), (0, 2, 3, 1))
D4, D6 = generate(rotate(4), reflect(4)), generate(rotate(2, 3), reflect(2, 3))
Q8 = generate((1, 4, 3, 6, 5, 0, 7, 2), (2, 7, 4, 1, 6, 3, 0, 5))
S3xC2, C2xC2 = multiply(S3, C2), multiply(C2, C2)
# <a, b | a^4 = b^4 = e, bab^-1 = a^-1> of order 16 has as many elements of each order as Q8xC2.
TWISTED = generate((1, 2, 3, 0, 4, 5, 6, 7), (0, 3, 2, 1, 5, 6, 7, 4))
ORDER_64 = multiply(TWISTED, C2, C2)

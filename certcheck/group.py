"""A finite group, given by its elements as permutations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from certcheck.limits import LIMITS, Limits, check_limit
from certcheck.verdict import Reason, reject

# Indices of elements have 16 bits, with a sign.
MAX_ORDER = 2**15 - 1


@dataclass(frozen=True, slots=True)
class Group:
    """A verified group with elements 0..n-1.

    elements: (n, degree), row x the images of the points under x; (xy)(i) = x(y(i)).
    table: (n, n) int16, table[x, y] = xy. generators: the first elements that generate G, each the first one that
    those before it do not generate; identity: the index of e; inverse: (n,), inverse[x] = x^-1.
    tree: (gx, index of the generator g, x), every element but e once, after its x; depth: the longest way from e.
    """

    elements: NDArray[np.int32]
    table: NDArray[np.int16]
    generators: tuple[int, ...]
    identity: int
    inverse: NDArray[np.intp]
    tree: tuple[tuple[int, int, int], ...]
    depth: int

    @property
    def order(self) -> int:
        """The number of elements, n."""
        return len(self.elements)

    @property
    def degree(self) -> int:
        """The number of points."""
        return int(self.elements.shape[1])


def check_group(elements: NDArray[np.int32], where: str, limits: Limits = LIMITS) -> Group:
    """The group that these permutations form.

    Claim 3: given distinct permutations, e among them, that stay inside under left multiplication by some of
    them (the generators) and are all reached from e by it, therefore they are the group generated, because
    each is a product of generators and so left multiplication by each stays inside.
    Errors: ORDER_TOO_LARGE, NUMBERS_TOO_MANY, NOT_A_PERMUTATION, ELEMENTS_REPEAT, IDENTITY_MISSING, GROUP_NOT_CLOSED.
    """
    n, degree = elements.shape
    check_limit(limits, "order", n, where)
    check_limit(limits, "numbers", n * n, where)
    points = np.arange(degree, dtype=np.int32)
    not_bijective = np.flatnonzero((np.sort(elements, axis=1) != points).any(axis=1))
    if not_bijective.size:
        reject(Reason.NOT_A_PERMUTATION, f"{where}[{not_bijective[0]}]", f"a permutation of {degree} points", "none")
    index: dict[bytes, int] = {}
    for x, row in enumerate(elements):
        first = index.setdefault(row.tobytes(), x)
        if first != x:
            reject(Reason.ELEMENTS_REPEAT, f"{where}[{x}]", "a new element", f"that of [{first}]")
    identity = index.get(points.tobytes())
    if identity is None:
        reject(Reason.IDENTITY_MISSING, where, "the identity", "none")
    table = np.full((n, n), -1, dtype=np.int16)
    table[identity] = np.arange(n)
    reached = [identity]
    generators: dict[int, NDArray[np.int16]] = {}
    for g in range(n):
        if table[g, 0] >= 0:
            continue
        generators[g] = _left_multiplication(elements, index, g, where)
        reached = _spread(table, reached, generators)
    tree, depth = _span(identity, list(generators.values()))
    inverse = np.argmax(table == identity, axis=1)
    return Group(elements, table, tuple(generators), identity, inverse, tree, depth)


def _span(identity: int, steps: list[NDArray[np.int16]]) -> tuple[tuple[tuple[int, int, int], ...], int]:
    """A shortest way to every element, by left multiplication with generators."""
    distance = {identity: 0}
    tree = []
    for x in (queue := [identity]):
        for i, left in enumerate(steps):
            gx = int(left[x])
            if gx not in distance:
                distance[gx] = distance[x] + 1
                tree.append((gx, i, x))
                queue.append(gx)
    return tuple(tree), max(distance.values())


def _left_multiplication(elements: NDArray[np.int32], index: dict[bytes, int], g: int, where: str) -> NDArray[np.int16]:
    """The map y -> gy on indices."""
    images = []
    for y, product in enumerate(elements[g][elements]):
        image = index.get(product.tobytes())
        if image is None:
            reject(Reason.GROUP_NOT_CLOSED, where, f"the product of [{g}] and [{y}]", "no such element")
        images.append(image)
    return np.array(images, dtype=np.int16)


def _spread(table: NDArray[np.int16], reached: list[int], generators: dict[int, NDArray[np.int16]]) -> list[int]:
    """Fill the rows of all products of generators, and list them.

    Claim 4: given row x = (y -> xy), therefore row gx = (y -> g(xy)), because the product of permutations is
    associative.
    """
    queue = list(reached)
    for x in queue:
        for left in generators.values():
            gx = int(left[x])
            if table[gx, 0] < 0:
                table[gx] = left[table[x]]
                queue.append(gx)
    return queue


def compute_quotients(table: NDArray[np.int16]) -> NDArray[np.intp]:
    """The solutions of products: (n, n), [x, z] is the y with table[x, y] = z."""
    return np.argsort(table, axis=1)

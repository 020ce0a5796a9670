"""Permutations, their table, generators and tree, names (claims 3, 4 and 9)."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from certcheck.specification.decision import Status, reject
from certcheck.specification.document import MAX_SIDE, Node

MAX_ORDER = 60
QUATERNIONS = ((0, 1, 2, 3), (1, 4, 3, 6), (2, 7, 4, 1), (3, 2, 5, 4))  # 1, i, j, k times 1, i, j, k; + 4 is minus

Permutation = tuple[int, ...]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Group:
    """Elements 0..n-1, their products and inverses, the generators, and the tree: (gx, place of g, x) as found."""

    n: int
    products: list[list[int]]
    inverses: list[int]
    e: int
    generators: list[int]
    tree: list[tuple[int, int, int]]

    def extend(self, images: Sequence[T], identity: T, compose: Callable[[T, T], T]) -> list[T]:
        """The image of every element: the identity's, and that of gx is g's after x's along the tree."""
        values = [identity] * self.n
        for gx, place, x in self.tree:
            values[gx] = compose(images[place], values[x])
        return values

    def check_homomorphism(self, images: Sequence[T], identity: T, compose: Callable[[T, T], T], where: str) -> list[T]:
        """The image of every element: the images are a homomorphism, by claim 12."""
        values = self.extend(images, identity, compose)
        for image, g in zip(images, self.generators, strict=True):
            if any(values[self.products[g][x]] != compose(image, values[x]) for x in range(self.n)):
                reject(where, "not a homomorphism")
        return values

    def check_action(self, images: list[list[int]], d: int, where: str) -> list[Permutation]:
        """The permutation of d points for every element: those of the generators are permutations and an action."""
        if any(sorted(image) != list(range(d)) for image in images):
            reject(where, "not a permutation")
        return self.check_homomorphism([tuple(image) for image in images], tuple(range(d)), compose_permutations, where)


def compose_permutations(left: Permutation, right: Permutation) -> Permutation:
    """Left after right."""
    return tuple([left[point] for point in right])


def check_group(section: Node) -> Group:
    """The group of the certificate: distinct permutations with the identity and all products, named rightly."""
    name, labels_from, degree_node, elements_node = section.members("name", "labels_from", "degree", "elements")
    labels_from.one_of("given", "model_answers")
    degree = degree_node.integer(1, MAX_SIDE)
    n = len(elements_node.items())
    if n > MAX_ORDER:
        reject(elements_node.where, f"more than {MAX_ORDER} elements", Status.LIMIT)
    elements = [tuple(image.integer(0, degree - 1) for image in node.items()) for node in elements_node.items()]
    if any(sorted(element) != list(range(degree)) for element in elements):
        reject(elements_node.where, f"not permutations of {degree} points")
    index = {element: x for x, element in enumerate(elements)}
    if len(index) != n:
        reject(elements_node.where, "not distinct")
    if tuple(range(degree)) not in index:
        reject(elements_node.where, "the identity is missing")
    products = [[index.get(compose_permutations(x, y), -1) for y in elements] for x in elements]
    if any(-1 in row for row in products):
        reject(elements_node.where, "a product is missing")
    if not name.is_null() and set(elements) != compute_named(name.name()):
        reject(name.where, "not the permutations that the name stands for")
    return _compute_group(products, index[tuple(range(degree))])


def _compute_group(products: list[list[int]], e: int) -> Group:
    """The group of a multiplication table, with its generators and tree as docs/format.md fixes them."""
    n = len(products)
    generators: list[int] = []
    found = [e]
    tree: list[tuple[int, int, int]] = []
    for candidate in range(n):
        if candidate in found:
            continue
        generators.append(candidate)
        found, tree = [e], []
        for x in found:  # the list grows as it is read: breadth first
            for place, g in enumerate(generators):
                if products[g][x] not in found:
                    found.append(products[g][x])
                    tree.append((products[g][x], place, x))
    return Group(n, products, [row.index(e) for row in products], e, generators, tree)


def compute_named(name: str) -> set[Permutation]:
    """The permutations that a name stands for; none if it stands for nothing, or for more than order 60."""
    group: set[Permutation] = {()}
    for factor in name.split("x"):
        match = re.fullmatch(r"([SACD])([1-9][0-9]{0,4})|Q8", factor)
        if match is None:
            reject("certificate.group.name", "not the name of a group")
        family, size = match[1] or "Q", int(match[2] or 8)
        factor_group = _compute_factor(family, size)
        group = {(*left, *(len(left) + point for point in right)) for left in group for right in factor_group}
        if len(group) > MAX_ORDER:
            return set()
    return group


def _compute_factor(family: str, size: int) -> set[Permutation]:
    """The permutations of one factor, or none if they are more than 60."""
    order = {"S": math.factorial(min(size, 9)), "A": math.factorial(min(size, 9)) // 2, "D": 2 * size}.get(family, size)
    if order > MAX_ORDER:
        return set()
    if family == "Q":
        units = [(*row, *((point + 4) % 8 for point in row)) for row in QUATERNIONS]
        return {*units, *(tuple((point + 4) % 8 for point in unit) for unit in units)}
    if family in "SA":
        permutations = set(itertools.permutations(range(size)))
        return permutations if family == "S" else {p for p in permutations if _is_even(p)}
    if family == "D" and size <= 2:  # noqa: PLR2004  # where i -> -i is no reflection
        return compute_named("C2" if size == 1 else "C2xC2")
    lengths = _compute_prime_powers(size)
    signs = (1, -1) if family == "D" else (1,)
    return {_compute_turn(lengths, sign, turn) for sign in signs for turn in range(size)}


def _compute_turn(lengths: list[int], sign: int, turn: int) -> Permutation:
    """The permutation i -> sign i + turn on each of disjoint cycles."""
    starts = [sum(lengths[:cycle]) for cycle in range(len(lengths))]
    return tuple(
        start + (sign * i + turn) % length for start, length in zip(starts, lengths, strict=True) for i in range(length)
    )


def _compute_prime_powers(size: int) -> list[int]:
    """The prime powers that divide the size exactly, those of smaller primes first; [1] for 1."""
    powers = []
    for p in range(2, size + 1):
        power = 1
        while size % p == 0:
            size, power = size // p, power * p
        if power > 1:
            powers.append(power)
    return powers or [1]


def _is_even(permutation: Permutation) -> bool:
    """The number of inversions is even."""
    return sum(a > b for a, b in itertools.combinations(permutation, 2)) % 2 == 0

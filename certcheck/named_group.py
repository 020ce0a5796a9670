"""Groups that have a name here: their permutations, and whether another group is isomorphic to one.

Names: `S<n>`, `A<n>`, `C<n>`, `D<n>` (of order 2n), `Q8`, and direct products of them as `S3xC2`.
"""

from __future__ import annotations

import math
import re

import numpy as np
from numpy.typing import NDArray

from certcheck.group import Group
from certcheck.limits import LIMITS, Limits, check_limit
from certcheck.verdict import Reason, reject

_FACTOR = re.compile(r"([SACD])([1-9][0-9]{0,4})|Q8")


def is_group_name(name: str) -> bool:
    """Whether the text has the form of a name; the group may still be too large."""
    return all(_FACTOR.fullmatch(factor) for factor in name.split("x"))


def compute_named_order(name: str, where: str, limits: Limits = LIMITS) -> int:
    """The order of a named group, before anything is built. Errors: INPUT_INVALID, ORDER_TOO_LARGE."""
    order = 1
    for factor in name.split("x"):
        match = _FACTOR.fullmatch(factor)
        if match is None:
            reject(Reason.INPUT_INVALID, where, "S<n>, A<n>, C<n>, D<n>, Q8 or a product as S3xC2", ascii(name)[:99])
        order *= _factor_order(match)
        check_limit(limits, "order", order, where)
    return order


def _factor_order(match: re.Match[str]) -> int:
    kind, size = match[1], int(match[2] or 8)
    if kind in ("S", "A"):
        factorial = math.factorial(min(size, 20))
        return factorial if kind == "S" else max(1, factorial // 2)
    return 2 * size if kind == "D" else size


def compute_named_elements(name: str, where: str, limits: Limits = LIMITS) -> NDArray[np.int32]:
    """The permutations that a name stands for, on few points; sorted. Errors: as `compute_named_order`."""
    order = compute_named_order(name, where, limits)
    generators: list[tuple[int, ...]] = []
    degree = 0
    for factor in name.split("x"):
        # A direct product acts on disjoint sets of points.
        block = _factor_generators(factor[0], int(factor[1:]))
        size = len(block[0])
        generators = [g + tuple(range(degree, degree + size)) for g in generators]
        generators += [tuple(range(degree)) + tuple(degree + point for point in g) for g in block]
        degree += size
    check_limit(limits, "numbers", 4 * order * degree, where)
    elements = [tuple(range(degree))]
    known = set(elements)
    for element in elements:
        new = {tuple(g[point] for point in element) for g in generators} - known
        known |= new
        elements += new
    if len(elements) != order:
        reject(Reason.INTERNAL, where, f"{order} elements of {name}", f"{len(elements)}")
    return np.array(sorted(elements), dtype=np.int32)


def _factor_generators(kind: str, size: int) -> list[tuple[int, ...]]:
    points = tuple(range(size))
    if kind == "S":
        return [points[1:] + points[:1], (*points[1::-1], *points[2:])]
    if kind == "A":
        return [points] + [(1, i, *points[2:i], 0, *points[i + 1 :]) for i in points[2:]]
    if kind == "Q":
        # i and j on 1, i, j, k, -1, -i, -j, -k from the left.
        return [(1, 4, 3, 6, 5, 0, 7, 2), (2, 7, 4, 1, 6, 3, 0, 5)]
    if kind == "D" and size <= 2:  # noqa: PLR2004 - D1 and D2 have no faithful action on cycles of their own
        return [(1, 0)] if size == 1 else [(1, 0, 2, 3), (0, 1, 3, 2)]
    rotation: tuple[int, ...] = ()
    reflection: tuple[int, ...] = ()
    for length in _cycle_lengths(size):
        start = len(rotation)
        rotation += tuple(start + (i + 1) % length for i in range(length))
        reflection += tuple(start + -i % length for i in range(length))
    return [rotation, reflection] if kind == "D" else [rotation]


def _cycle_lengths(size: int) -> list[int]:
    """The prime powers of a number: a cyclic group acts faithfully on cycles of these lengths."""
    lengths, rest, p = [], size, 2
    while rest > 1:
        power = math.gcd(rest, p**14)
        if power > 1:
            lengths.append(power)
        rest //= power
        p += 1
    return lengths or [1]


def compute_element_orders(G: Group) -> NDArray[np.int32]:
    """The order of every element."""
    indices = np.arange(G.order)
    orders = np.ones(G.order, dtype=np.int32)
    power = indices.astype(np.int16)
    while (running := power != G.identity).any():
        orders[running] += 1
        power = np.where(running, G.table[power, indices], power)
    return orders


def find_isomorphism(G: Group, H: Group, limits: Limits = LIMITS) -> list[int] | None:
    """An isomorphism as the list of images of G's elements, or None if there is none.

    Claim 10: given images of generators such that the map extends along every edge of the Cayley graph without
    contradiction and is injective, therefore it is an isomorphism of the subgroups generated, because
    phi(gx) = phi(g)phi(x) for all generators g and all x gives phi(xy) = phi(x)phi(y).
    Errors: WORK_TOO_LARGE.
    """
    if G.order != H.order:
        return None
    kinds_G, kinds_H = _compute_kinds(G), _compute_kinds(H)
    if (np.sort(kinds_G) != np.sort(kinds_H)).any():
        return None
    steps = 0

    def extend(images: list[int]) -> dict[int, int] | None:
        nonlocal steps
        phi, taken_steps = _extend_to_subgroup(G, H, images)
        steps += taken_steps
        check_limit(limits, "steps", steps, "group")
        if phi is None or len(images) == len(G.generators):
            return phi
        taken = set(phi.values())
        candidates = np.flatnonzero(kinds_H == kinds_G[G.generators[len(images)]]).tolist()
        longer = (extend([*images, h]) for h in candidates if h not in taken)
        return next((found for found in longer if found is not None), None)

    phi = extend([])
    return None if phi is None else [phi[x] for x in range(G.order)]


def _compute_kinds(G: Group) -> NDArray[np.int64]:
    """What an isomorphism keeps of an element: its order and how many elements it commutes with."""
    commuting = np.count_nonzero(G.table == G.table.T, axis=1)
    kinds: NDArray[np.int64] = compute_element_orders(G).astype(np.int64) * (G.order + 1) + commuting
    return kinds


def _extend_to_subgroup(G: Group, H: Group, images: list[int]) -> tuple[dict[int, int] | None, int]:
    """The map on the subgroup that the first generators generate, or None; and the steps taken."""
    phi = {G.identity: H.identity}
    steps = [(G.table[g], H.table[h]) for g, h in zip(G.generators[: len(images)], images, strict=True)]
    for x in (queue := [G.identity]):
        for left_G, left_H in steps:
            gx, image = int(left_G[x]), int(left_H[phi[x]])
            if gx not in phi:
                phi[gx] = image
                queue.append(gx)
            elif phi[gx] != image:
                return None, len(queue) * len(steps)
    injective = len(set(phi.values())) == len(phi)
    return phi if injective else None, len(queue) * len(steps)

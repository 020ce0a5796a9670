"""Names of subgroups: the isomorphism type of the stabiliser of a point."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from certcheck.group import Group, check_group
from certcheck.named_group import compute_element_orders, compute_named_elements, find_isomorphism
from certcheck.verdict import Refusal
from certgen.group import find_names

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

# Larger subgroups are only compared with symmetric and alternating groups on their points.
LARGEST_COMPARED = 200
# A Frobenius group C_p : C_2 is dihedral.
LEAST_COMPLEMENT = 3


def name_subgroup(G: Group, H: Sequence[int]) -> str:
    """The subgroup's isomorphism type: S4, S3xS2, A5, D4, F20, C3xC3, ...; `order k` where none was recognised.

    S3xS2 is written only for all permutations of two sets of G's points; the same group elsewhere is D6.
    F<pk> is the Frobenius group x -> ax + b over the field of p elements with a^k = 1.
    """
    order = len(H)
    if order == 1:
        return "trivial"
    elements = np.asarray(G.elements[np.asarray(H)], dtype=np.int32)
    orbits = sorted((len(orbit) for orbit in _find_orbits(elements)), reverse=True)
    moved = [size for size in orbits if size > 1]
    # H lies in the product of the symmetric groups of its orbits: with its order it is that product.
    whole = math.prod(math.factorial(size) for size in moved)
    if order == whole and moved[0] > 2:  # noqa: PLR2004 - S2 alone is C2
        return "x".join(f"S{size}" for size in moved)
    if len(moved) == 1 and 2 * order == whole and moved[0] > 3:  # noqa: PLR2004 - A3 is C3
        # The only subgroup of index 2 of a symmetric group.
        return f"A{moved[0]}"
    if order <= LARGEST_COMPARED:
        own = check_group(elements, "subgroup")
        orders = np.sort(compute_element_orders(own))
        for name, candidate in _find_candidates(order):
            other = check_group(candidate, "subgroup")
            if (np.sort(compute_element_orders(other)) == orders).all() and _are_isomorphic(other, own):
                return name
    return f"order {order}"


def _find_orbits(elements: NDArray[np.int32]) -> set[tuple[int, ...]]:
    return {tuple(np.unique(elements[:, point]).tolist()) for point in range(elements.shape[1])}


def _are_isomorphic(G: Group, H: Group) -> bool:
    try:
        return find_isomorphism(G, H) is not None
    except Refusal:
        # Not decided in the steps allowed.
        return False


def _find_candidates(order: int) -> Iterator[tuple[str, NDArray[np.int32]]]:
    """The groups of this order with a name, as permutations: those of certgen, then Frobenius groups and products."""
    for name in find_names(order):
        yield name, compute_named_elements(name, "subgroup")
    for p, k in _find_frobenius_orders(order):
        frobenius = _compute_frobenius(p, k)
        if p * k == order:
            yield f"F{order}", frobenius
        else:
            for name in find_names(order // (p * k)):
                yield f"F{p * k}x{name}", _multiply(frobenius, compute_named_elements(name, "subgroup"))


def _find_frobenius_orders(order: int) -> Iterator[tuple[int, int]]:
    """Every prime p and k > 2 with k | p - 1 and pk a divisor of the order, the largest pk first."""
    primes = [p for p in range(5, order) if order % p == 0 and all(p % q for q in range(2, math.isqrt(p) + 1))]
    pairs = [(p, k) for p in primes for k in range(LEAST_COMPLEMENT, p) if (p - 1) % k == 0 and order % (p * k) == 0]
    yield from sorted(pairs, key=math.prod, reverse=True)


def _compute_frobenius(p: int, k: int) -> NDArray[np.int32]:
    """The maps x -> ax + b of the residues modulo p with a^k = 1, (pk, p)."""
    factors = [a for a in range(1, p) if pow(a, k, p) == 1]
    x = np.arange(p)
    return np.array([(a * x + b) % p for a in factors for b in range(p)], dtype=np.int32)


def _multiply(A: NDArray[np.int32], B: NDArray[np.int32]) -> NDArray[np.int32]:
    """The direct product, on disjoint sets of points."""
    left = np.repeat(A, len(B), axis=0)
    right = np.tile(B + A.shape[1], (len(A), 1))
    return np.hstack([left, right]).astype(np.int32)

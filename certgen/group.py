"""Which group it is, and few points for it to act on."""

from __future__ import annotations

import functools
import itertools
import math
import os
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from certcheck.document import GroupSection
from certcheck.group import Group, check_group
from certcheck.group_file import check_table, read_group
from certcheck.limits import LIMITS
from certcheck.named_group import (
    compute_element_orders,
    compute_named_elements,
    compute_named_order,
    find_isomorphism,
    is_group_name,
)
from certcheck.strict_json import MAX_SIDE, parse_integer_rows
from certcheck.verdict import Reason, Refusal
from certgen.failure import ExitCode, Failure, failing_as

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import ArrayLike, NDArray

# `auto`, a name, a file, a multiplication table (n, n), or n permutations (n, degree).
GroupLike: TypeAlias = "str | os.PathLike[str] | ArrayLike"

SUBGROUPS_TRIED = 2000


def find_group(wanted: GroupLike, order: int, read_answers: Callable[[], Group]) -> GroupSection:
    """The group section for `auto`, a name, a file or an array, for a model with this many labels.

    `read_answers` gives the group that the model's answers form; a file or an array does without it.
    Errors: Failure (GROUP).
    """
    with failing_as(ExitCode.GROUP):
        if not isinstance(wanted, str) or (wanted != "auto" and not is_group_name(wanted)):
            where, G = _take_group(wanted)
            _expect_order(where, G.order, order)
            return _section(G, "given", None)
        if wanted != "auto":
            _expect_order(wanted, compute_named_order(wanted, "--group"), order)
        return _section(read_answers(), "model_answers", None if wanted == "auto" else wanted)


def _take_group(given: GroupLike) -> tuple[str, Group]:
    """A group as it was given, and what to call it. Errors: Failure (GROUP), refusals."""
    if isinstance(given, str | os.PathLike):
        return os.fspath(given), read_group(os.fspath(given))
    try:
        array = np.asarray(given)
    except ValueError as error:
        raise Failure(ExitCode.GROUP, f"--group: expected rows of one length: {error}") from error
    # Permutations of n points would be a table of the same group, but with its labels perhaps in another order.
    if array.ndim == 2 and array.shape[0] == array.shape[1]:  # noqa: PLR2004 - a table has rows and columns
        return "table", check_table(array, "the table", LIMITS)
    rows = parse_integer_rows(array.tolist(), "the permutations", 0, MAX_SIDE)
    return "permutations", check_group(rows, "the permutations")


def _expect_order(wanted: str, order: int, labels: int) -> None:
    if order != labels:
        sentence = f"--group {wanted}: expected a group of order {labels}, as many as the model's labels, got {order}"
        raise Failure(ExitCode.GROUP, sentence)


def _section(G: Group, labels_from: str, wanted: str | None) -> GroupSection:
    """The group on few points, with the labels of G, under a name if it has one."""
    for name in find_likely_names(G) if wanted is None else (wanted,):
        elements = _find_named_elements(name, G)
        if elements is not None:
            return GroupSection(name, labels_from, elements)
    if wanted is not None:
        raise Failure(
            ExitCode.GROUP,
            f"--group {wanted}: the model's answers form a group that was not found to be isomorphic to {wanted}; "
            "try --group auto, or give the group's table with --group FILE",
        )
    return GroupSection(None, labels_from, min(find_few_points(G), G.elements, key=lambda e: e.shape[1]))


def _find_named_elements(name: str, G: Group) -> NDArray[np.int32] | None:
    """The permutations of a named group in the order of G's labels, if G is that group."""
    named = check_group(compute_named_elements(name, "group"), "group")
    try:
        images = find_isomorphism(named, G)
    except Refusal as refusal:
        if refusal.reason is Reason.WORK_TOO_LARGE:
            return None
        raise
    if images is None:
        return None
    elements = np.empty_like(named.elements)
    elements[images] = named.elements
    return elements


def find_likely_names(G: Group) -> list[str]:
    """The names of groups with as many elements of each order as G, the simplest first.

    Told by the number of x with x^d = e, for every d that divides n: it is a product over the factors of a name, so
    nothing is built.
    """
    orders = compute_element_orders(G)
    roots = {d: int(np.count_nonzero(d % orders == 0)) for d in range(1, G.order + 1) if G.order % d == 0}
    return [
        name
        for name in find_names(G.order)
        if all(math.prod(count_roots(factor, d) for factor in name.split("x")) == roots[d] for d in roots)
    ]


@functools.cache
def count_roots(factor: str, d: int) -> int:
    """How many elements x of a named group, no product, have x^d = e."""
    kind, size = factor[0], int(factor[1:])
    if kind == "Q":
        return {1: 1, 2: 2, 4: 8}[math.gcd(d, 4)]
    if kind in "CD":
        reflections = size if kind == "D" and d % 2 == 0 else 0
        return math.gcd(d, size) + reflections
    every, signed = _sum_signs(size, d, 1), _sum_signs(size, d, -1)
    return every if kind == "S" or size == 1 else (every + signed) // 2


def _sum_signs(points: int, d: int, sign: int) -> int:
    """Over the permutations x with x^d = e: a factor `sign` for each transposition of which x is made, summed."""
    sums = [1]
    for k in range(1, points + 1):
        # The last of k points lies in a cycle of length j; its other points come in an order.
        cycles = (j for j in range(1, k + 1) if d % j == 0)
        sums.append(sum(math.perm(k - 1, j - 1) * sign ** (j - 1) * sums[k - j] for j in cycles))
    return sums[points]


def find_names(order: int) -> list[str]:
    """The names of groups of this order, the simplest first."""
    names = [f"S{k}" for k in range(3, 9)] + [f"A{k}" for k in range(4, 9)] + ["Q8"]
    names += [f"C{k}" for k in range(2, order + 1)] + [f"D{k}" for k in range(4, order // 2 + 1)]
    sizes = [(size, name) for name in names if (size := _order_of_factor(name)) and order % size == 0]
    products = sorted(_find_products(order, sizes), key=len)
    return ["x".join(factors) for factors in products] if order > 1 else ["C1"]


def _order_of_factor(name: str) -> int | None:
    try:
        return compute_named_order(name, "group")
    except Refusal:
        return None


def _find_products(order: int, factors: list[tuple[int, str]]) -> Iterator[tuple[str, ...]]:
    """Every way to write the order as a product of factors that keep their order."""
    if order == 1:
        yield ()
    for i, (size, name) in enumerate(factors):
        if order % size == 0:
            for rest in _find_products(order // size, factors[i:]):
                yield (name, *rest)


def find_few_points(G: Group) -> NDArray[np.int32]:
    """Permutations for G on as few points as a search among its small subgroups gives; never more than n.

    G acts faithfully on the cosets of one subgroup, or of two together, if no element but e lies in all their
    conjugates; subgroups with one or two generators are tried.
    """
    # The largest subgroup found for each normal core.
    largest: dict[frozenset[int], tuple[int, ...]] = {frozenset([G.identity]): (G.identity,)}
    for H in dict.fromkeys(generate_subgroup(G, pair, G.order) for pair in _choose_pairs(G)):
        core = frozenset(_normal_core(G, H))
        if len(H) > len(largest.get(core, ())):
            largest[core] = H
    choices = [cores for some in (1, 2) for cores in itertools.combinations(largest, some)]
    choices.sort(key=lambda cores: sum(G.order // len(largest[core]) for core in cores))
    best = next(cores for cores in choices if len(frozenset.intersection(*cores)) == 1)
    degree, blocks = 0, []
    for core in best:
        blocks.append(degree + act_on_cosets(G, largest[core]))
        degree += blocks[-1].shape[1]
    return np.hstack(blocks).astype(np.int32)


def _choose_pairs(G: Group) -> Iterable[tuple[int, int]]:
    """Generators for the subgroups to try: cyclic ones first, whatever the labels; where there are many, at random."""
    every = itertools.chain(((G.identity, x) for x in range(G.order)), itertools.combinations(range(G.order), 2))
    if math.comb(G.order + 1, 2) <= SUBGROUPS_TRIED:
        return every
    cyclic, *pairs = np.random.default_rng(0).integers(0, G.order, (3, SUBGROUPS_TRIED // 2)).tolist()
    return itertools.chain(((G.identity, x) for x in cyclic), zip(*pairs, strict=True))


def generate_subgroup(G: Group, generators: Iterable[int], most: int) -> tuple[int, ...]:
    """The subgroup that some elements generate, sorted; no more than so many of its elements."""
    lefts = [G.table[g].tolist() for g in generators]
    reached = [G.identity]
    known = {G.identity}
    for x in reached:
        for left in lefts:
            if left[x] not in known and len(known) < most:
                known.add(left[x])
                reached.append(left[x])
    return tuple(sorted(reached))


def act_on_cosets(G: Group, H: Sequence[int]) -> NDArray[np.int64]:
    """The images, (n, d), of the cosets of a subgroup under each element; the cosets by their first elements."""
    representatives, point = np.unique(_find_cosets(G, H), return_inverse=True)
    action: NDArray[np.int64] = point[G.table[:, representatives]]
    return action


def _find_cosets(G: Group, H: Sequence[int]) -> NDArray[np.intp]:
    """The first element of xH, for every x; (n,)."""
    first, members = np.full(G.order, -1), np.asarray(H)
    for x in range(G.order):
        if first[x] < 0:
            first[G.table[x, members]] = x
    return first


def _normal_core(G: Group, H: Sequence[int]) -> list[int]:
    """The elements of H that lie in every conjugate of H: those that leave every xH where it is."""
    first = _find_cosets(G, H)
    representatives = np.unique(first)
    leaves = (first[G.table[np.ix_(np.asarray(H), representatives)]] == representatives).all(axis=1)
    return [h for h, is_left in zip(H, leaves, strict=True) if is_left]

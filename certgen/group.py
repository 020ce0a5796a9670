"""Which group it is, and few points for it to act on."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from certcheck.document import GroupSection
from certcheck.group import Group, check_group
from certcheck.group_file import read_group
from certcheck.named_group import (
    compute_named_elements,
    compute_named_order,
    find_isomorphism,
    is_group_name,
)
from certcheck.verdict import Reason, Refusal
from certgen.failure import ExitCode, Failure, failing_as

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

SUBGROUPS_TRIED = 2000


def find_group(wanted: str, order: int, read_answers: Callable[[], Group]) -> GroupSection:
    """The group section for `auto`, a name, or a file, for a model with this many labels.

    `read_answers` gives the group that the model's answers form; a file does without it.
    Errors: Failure (GROUP).
    """
    with failing_as(ExitCode.GROUP):
        if wanted != "auto" and not is_group_name(wanted):
            G = read_group(wanted)
            _expect_order(wanted, G.order, order)
            return _section(G, "given", None)
        if wanted != "auto":
            _expect_order(wanted, compute_named_order(wanted, "--group"), order)
        return _section(read_answers(), "model_answers", None if wanted == "auto" else wanted)


def _expect_order(wanted: str, order: int, labels: int) -> None:
    if order != labels:
        sentence = f"--group {wanted}: expected a group of order {labels}, as many as the model's labels, got {order}"
        raise Failure(ExitCode.GROUP, sentence)


def _section(G: Group, labels_from: str, wanted: str | None) -> GroupSection:
    """The group on few points, with the labels of G, under a name if it has one."""
    for name in find_names(G.order) if wanted is None else (wanted,):
        elements = _find_named_elements(name, G)
        if elements is not None:
            return GroupSection(name, labels_from, elements)
    if wanted is not None:
        raise Failure(
            ExitCode.GROUP,
            f"--group {wanted}: the model's answers form a group that was not found to be isomorphic to {wanted}; "
            "try --group auto, or give the group's table with --group FILE",
        )
    return GroupSection(None, labels_from, find_few_points(G))


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
    largest = {frozenset([G.identity]): [G.identity]}
    # Cyclic subgroups first, whatever the labels.
    cyclic = ((G.identity, x) for x in range(G.order))
    pairs = itertools.chain(cyclic, itertools.combinations(range(G.order), 2))
    for subgroup in {tuple(_generate(G, pair)) for pair in itertools.islice(pairs, SUBGROUPS_TRIED)}:
        core = frozenset(_normal_core(G, list(subgroup)))
        if len(subgroup) > len(largest.get(core, ())):
            largest[core] = list(subgroup)
    choices = [cores for some in (1, 2) for cores in itertools.combinations(largest, some)]
    faithful = (cores for cores in choices if len(frozenset.intersection(*cores)) == 1)
    best = min(faithful, key=lambda cores: sum(G.order // len(largest[core]) for core in cores))
    degree, blocks = 0, []
    for H in (largest[core] for core in best):
        representatives = np.unique(G.table[:, H].min(axis=1))
        point = np.searchsorted(representatives, G.table[:, H].min(axis=1))
        blocks.append(degree + point[G.table[:, representatives]])
        degree += len(representatives)
    return np.hstack(blocks).astype(np.int32)


def _generate(G: Group, generators: tuple[int, ...]) -> list[int]:
    """The subgroup that some elements generate, sorted."""
    reached = [G.identity]
    known = {G.identity}
    for x in reached:
        for g in generators:
            gx = int(G.table[g, x])
            if gx not in known:
                known.add(gx)
                reached.append(gx)
    return sorted(reached)


def _normal_core(G: Group, H: list[int]) -> list[int]:
    """The elements of H that lie in every conjugate of H."""
    conjugates = G.table[G.table[:, H], G.inverse[:, None]]
    in_all: NDArray[np.bool_] = np.all(np.isin(conjugates, H), axis=0)
    return [h for i, h in enumerate(H) if in_all[i]]

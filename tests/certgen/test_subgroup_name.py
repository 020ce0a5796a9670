"""Names of subgroups, against groups built here and invariants counted by hand."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pytest

from certcheck.group import Group, check_group
from certgen.group import generate_subgroup
from certgen.subgroup_name import name_subgroup
from tests.certgen.small_models import (
    Table,
    alternating,
    cyclic,
    dihedral,
    direct_product,
    group_of,
    inverting_plane_of_3,
    metacyclic,
    permutations,
    relabel,
    special_linear_of_3,
    symmetric,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

# What each name stands for, from constructions that share no code with certgen.
MEANING: dict[str, Table] = {
    "trivial": cyclic(1),
    "C2": cyclic(2),
    "C3": cyclic(3),
    "C4": cyclic(4),
    "C5": cyclic(5),
    "C6": cyclic(6),
    "C2xC2": direct_product(cyclic(2), cyclic(2)),
    "S3": symmetric(3),
    "D4": dihedral(4),
    "D5": dihedral(5),
    "D6": dihedral(6),
    "S3xS2": direct_product(symmetric(3), cyclic(2)),
    "A4": alternating(4),
    "S4": symmetric(4),
    "F20": metacyclic(5, 4, 2),
    "A5": alternating(5),
    "S5": symmetric(5),
}


def invariants_of(table: Table) -> tuple[int, Counter[int], int, int]:
    """The order, the orders of the elements, the size of the derived subgroup and of the centre; all counted."""
    n = len(table)
    e = next(x for x in range(n) if (table[x] == np.arange(n)).all())
    inverse = [next(y for y in range(n) if table[x, y] == e) for x in range(n)]
    orders: Counter[int] = Counter()
    for x in range(n):
        power, order = x, 1
        while power != e:
            power, order = int(table[power, x]), order + 1
        orders[order] += 1
    derived = {int(table[table[x, y], table[inverse[x], inverse[y]]]) for x in range(n) for y in range(n)}
    while len(larger := derived | {int(table[x, y]) for x in derived for y in derived}) > len(derived):
        derived = larger
    centre = sum(all(table[x, y] == table[y, x] for y in range(n)) for x in range(n))
    return n, orders, len(derived), centre


def table_of_subgroup(G: Group, H: Sequence[int]) -> Table:
    """The multiplication table of a subgroup, in the order of H."""
    position = {h: i for i, h in enumerate(H)}
    return np.array([[position[int(G.table[x, y])] for y in H] for x in H], dtype=np.int32)


def test_all_subgroups_of_s5_with_two_generators_have_the_invariants_of_their_name() -> None:
    """Every isomorphism type that S5 has is met, and all have a name."""
    G = check_group(permutations(5), "S5")
    subgroups = {generate_subgroup(G, [x, y], G.order) for x in range(G.order) for y in range(0, G.order, 3)}
    known = {name: invariants_of(table) for name, table in MEANING.items()}
    named = {H: name_subgroup(G, H) for H in subgroups}
    # D6 acts on 3 + 2 points as S3xS2.
    assert set(named.values()) == set(MEANING) - {"D6"}
    for H, name in named.items():
        assert invariants_of(table_of_subgroup(G, H)) == known[name], name


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("F20", metacyclic(5, 4, 2)),
        ("F21", metacyclic(7, 3, 2)),
        ("F42", metacyclic(7, 6, 3)),
        ("F20xC2", direct_product(metacyclic(5, 4, 2), cyclic(2))),
        ("C3xC3", direct_product(cyclic(3), cyclic(3))),
        ("D6", direct_product(symmetric(3), cyclic(2))),
        ("S5", symmetric(5)),
        ("order 24", special_linear_of_3()),
        ("order 18", inverting_plane_of_3()),
        # C5 by C4 with a kernel is no Frobenius group.
        ("order 20", metacyclic(5, 4, 4)),
    ],
)
def test_a_group_by_its_table_has_the_name(name: str, table: Table) -> None:
    """On its regular representation, whatever the labels; what is not on the list has its order for a name."""
    G = group_of(relabel(table, 1))
    assert name_subgroup(G, range(G.order)) == name


def test_large_symmetric_and_alternating_stabilisers_are_named_without_a_search() -> None:
    """In S7 the stabiliser of a point is S6, of a pair S5xS2, and the even permutations are A7."""
    G = check_group(permutations(7), "S7")
    elements = G.elements
    fixing = np.flatnonzero(elements[:, 0] == 0)
    pair = np.flatnonzero(elements[:, :2].sum(axis=1) == 1)
    inversions = sum((elements[:, i] > elements[:, j]).astype(int) for i in range(7) for j in range(i + 1, 7))
    even = np.flatnonzero(np.asarray(inversions) % 2 == 0)
    assert [name_subgroup(G, H.tolist()) for H in (fixing, pair, even)] == ["S6", "S5xS2", "A7"]

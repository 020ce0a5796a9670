"""group: what is verified of a list of permutations, and every way in which it can fail to be a group."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from certcheck.group import MAX_ORDER, Group, check_group
from certcheck.limits import LIMITS, Limits
from certcheck.verdict import Reason, Refusal
from tests.certcheck.test_exact import refused

Permutation = tuple[int, ...]
Label = TypeVar("Label")


def compose(x: Sequence[int], y: Sequence[int]) -> Permutation:
    """The permutation i -> x(y(i))."""
    return tuple(x[i] for i in y)


def is_even(permutation: Sequence[int]) -> bool:
    """Whether the number of inversions is even."""
    return sum(u > v for u, v in itertools.combinations(permutation, 2)) % 2 == 0


def close(generators: Sequence[Permutation], degree: int) -> set[Permutation]:
    """The group generated, by multiplying until nothing is new."""
    found = {tuple(range(degree))}
    while new := {compose(g, x) for g in generators for x in found} - found:
        found |= new
    return found


def to_rows(elements: Iterable[Sequence[int]]) -> NDArray[np.int32]:
    """Permutations as the checker takes them."""
    return np.array(list(elements), dtype=np.int32)


def make_regular(labels: Sequence[Label], multiply: Callable[[Label, Label], Label]) -> NDArray[np.int32]:
    """The multiplication table of a group whose product is a formula; its rows are the regular representation."""
    index = {label: i for i, label in enumerate(labels)}
    return to_rows([index[multiply(x, y)] for y in labels] for x in labels)


def compute_slow_table(elements: NDArray[np.int32]) -> list[list[int]]:
    """The table by composing every pair and looking the product up."""
    rows = [tuple(row) for row in elements.tolist()]
    return [[rows.index(compose(x, y)) for y in rows] for x in rows]


S3 = to_rows(itertools.permutations(range(3)))
A4 = to_rows(p for p in itertools.permutations(range(4)) if is_even(p))


def is_group(G: Group, elements: NDArray[np.int32]) -> bool:
    """Whether every field of the proved group is what the slow way gives."""
    rows = [tuple(row) for row in elements.tolist()]
    generators = [rows[g] for g in G.generators]
    return (
        G.elements.tolist() == elements.tolist()
        and G.table.tolist() == compute_slow_table(elements)
        and rows[G.identity] == tuple(range(elements.shape[1]))
        and close(generators, elements.shape[1]) == set(rows)
        and (G.order, G.degree) == elements.shape
    )


@settings(deadline=None, max_examples=50)
@given(
    generators=st.integers(1, 5).flatmap(lambda n: st.lists(st.permutations(range(n)), min_size=1, max_size=3)),
    seed=st.integers(0, 2**32 - 1),
)
@example(generators=[(0,)], seed=0)
@example(generators=[(1, 0, 3, 2), (2, 3, 0, 1)], seed=0)
def test_a_group_is_verified_in_any_order_of_its_elements(generators: list[Sequence[int]], seed: int) -> None:
    """Claims 3 and 4: table, identity and generators are right for the group that any permutations generate."""
    elements = close([tuple(g) for g in generators], len(generators[0]))
    rows = np.random.default_rng(seed).permutation(to_rows(elements))
    assert is_group(check_group(rows, "here"), rows)


def test_the_product_takes_the_right_factor_first() -> None:
    """With x = (0 1) and y = (1 2) in cycles, xy sends 0 to 1, 1 to 2 and 2 to 0."""
    rows = [tuple(row) for row in S3.tolist()]
    product = check_group(S3, "here").table[rows.index((1, 0, 2)), rows.index((0, 2, 1))]
    assert rows[product] == (1, 2, 0)


def test_the_trivial_group_needs_no_generators() -> None:
    """One element, on one point or on three."""
    for degree in (1, 3):
        G = check_group(to_rows([range(degree)]), "here")
        assert (G.order, G.degree, G.identity, G.generators, G.table.tolist()) == (1, degree, 0, (), [[0]])


def test_each_generator_is_the_first_element_not_yet_reached() -> None:
    """C4 = {e, g, g^2, g^3} has the generator 1 in this order; with g^2 first it has 1 and 2."""
    e, g, gg, ggg = (0, 1, 2, 3), (1, 2, 3, 0), (2, 3, 0, 1), (3, 0, 1, 2)
    assert check_group(to_rows([e, g, gg, ggg]), "here").generators == (1,)
    assert check_group(to_rows([gg, e, g, ggg]), "here").generators == (0, 2)


@pytest.mark.parametrize("image", [-1, 0, 1, 2, 3, 4, 2**31 - 1])
@pytest.mark.parametrize("point", range(4))
@pytest.mark.parametrize("x", [0, 7])
def test_an_image_that_changes_makes_no_permutation(x: int, point: int, image: int) -> None:
    """Another image in one place appears twice or is no point."""
    elements = A4.copy()
    elements[x, point] = image
    if image == A4[x, point]:
        assert check_group(elements, "elements").order == 12
    else:
        assert refused(check_group, elements, "elements") == (Reason.NOT_A_PERMUTATION, f"elements[{x}]")


def test_the_first_row_that_is_no_permutation_is_named() -> None:
    """Rows 2 and 4 of S3 are spoilt."""
    elements = S3.copy()
    elements[[2, 4]] = 0
    assert refused(check_group, elements, "elements") == (Reason.NOT_A_PERMUTATION, "elements[2]")


@pytest.mark.parametrize("copied", range(12))
def test_an_element_that_repeats_is_refused(copied: int) -> None:
    """One more row, equal to an earlier one; the refusal names both."""
    elements = to_rows([*A4, A4[copied]])
    with pytest.raises(Refusal) as caught:
        check_group(elements, "elements")
    assert (caught.value.reason, caught.value.where) == (Reason.ELEMENTS_REPEAT, "elements[12]")
    assert caught.value.got == f"that of [{copied}]"


@pytest.mark.parametrize("absent", range(12))
def test_a_group_without_one_of_its_elements_is_refused(absent: int) -> None:
    """Without the identity for that reason, without another because the order no longer divides."""
    elements = np.delete(A4, absent, axis=0)
    is_identity = A4[absent].tolist() == [0, 1, 2, 3]
    expected = Reason.IDENTITY_MISSING if is_identity else Reason.GROUP_NOT_CLOSED
    assert refused(check_group, elements, "elements") == (expected, "elements")


@pytest.mark.parametrize("replaced", range(1, 12))
def test_a_group_with_a_foreign_element_is_refused(replaced: int) -> None:
    """A4 is the only subgroup of order 12 of S4, so an odd permutation in place of an even one gives none."""
    for odd in (p for p in itertools.permutations(range(4)) if not is_even(p)):
        elements = A4.copy()
        elements[replaced] = odd
        assert refused(check_group, elements, "elements") == (Reason.GROUP_NOT_CLOSED, "elements")


def test_two_subgroups_together_are_not_closed() -> None:
    """The product of the two transpositions is missing; the refusal names it."""
    elements = to_rows([(0, 1, 2), (1, 0, 2), (0, 2, 1)])
    with pytest.raises(Refusal) as caught:
        check_group(elements, "elements")
    assert (caught.value.reason, caught.value.where) == (Reason.GROUP_NOT_CLOSED, "elements")
    assert caught.value.expected == "the product of [1] and [2]"


def test_a_coset_has_no_identity() -> None:
    """The odd permutations of three points."""
    assert refused(check_group, to_rows(p for p in S3 if not is_even(p)), "e") == (Reason.IDENTITY_MISSING, "e")


def test_an_order_above_the_limit_is_refused_before_anything_else() -> None:
    """S3 passes a limit of 6 and not one of 5; rows that are no permutations are not even looked at."""
    assert check_group(S3, "elements", Limits(order=6)).order == 6
    assert refused(check_group, S3, "elements", Limits(order=5)) == (Reason.ORDER_TOO_LARGE, "elements")
    assert refused(check_group, np.zeros_like(S3), "elements", Limits(order=5)) == (Reason.ORDER_TOO_LARGE, "elements")


def test_a_table_that_would_fill_the_memory_is_not_made() -> None:
    """36 products of S3."""
    assert check_group(S3, "elements", Limits(numbers=36)).order == 6
    assert refused(check_group, S3, "elements", Limits(numbers=35)) == (Reason.NUMBERS_TOO_MANY, "elements")


def test_the_limit_on_the_order_is_10000_and_a_table_of_int16_holds_it() -> None:
    """One element too many is refused as it stands; the largest index fits, with room for the mark -1."""
    elements = np.zeros((10_001, 1), dtype=np.int32)
    assert refused(check_group, elements, "elements") == (Reason.ORDER_TOO_LARGE, "elements")
    assert refused(check_group, elements[1:], "elements") == (Reason.ELEMENTS_REPEAT, "elements[1]")
    assert np.iinfo(np.int16).max >= MAX_ORDER > LIMITS.order


def test_a_regular_representation_is_its_own_table() -> None:
    """Row x of the table of Z/6 is the permutation y -> x + y."""
    table = make_regular(range(6), lambda x, y: (x + y) % 6)
    G = check_group(table, "here")
    assert G.table.tolist() == table.tolist()
    assert G.generators == (1,)


def is_spanned(G: Group) -> bool:
    """Whether the tree reaches every element once, after the element it comes from, by a shortest way."""
    distance = {G.identity: 0}
    for gx, i, x in G.tree:
        if gx in distance or x not in distance or gx != G.table[G.generators[i], x]:
            return False
        distance[gx] = distance[x] + 1
    # Shortest: no generator leads further than one step, by relaxing until nothing changes.
    shortest = all(
        distance[int(G.table[g, x])] <= distance[x] + 1 for g in G.generators for x in range(G.order) if x in distance
    )
    return shortest and len(distance) == G.order and max(distance.values()) == G.depth


@settings(deadline=None, max_examples=40)
@given(
    generators=st.integers(1, 4).flatmap(lambda n: st.lists(st.permutations(range(n)), min_size=1, max_size=2)),
    seed=st.integers(0, 2**32 - 1),
)
@example(generators=[(0,)], seed=0)
def test_the_tree_reaches_every_element_by_a_shortest_way(generators: list[Sequence[int]], seed: int) -> None:
    """Each element but e once, as generator times an element before it; the depth is the longest way."""
    elements = close([tuple(g) for g in generators], len(generators[0]))
    assert is_spanned(check_group(np.random.default_rng(seed).permutation(to_rows(elements)), "here"))


def test_the_depth_of_a_cycle_is_its_length_less_one() -> None:
    """Z/6 by steps of 1: 5 is 5 steps away; one element has depth 0."""
    G = check_group(make_regular(range(6), lambda x, y: (x + y) % 6), "here")
    assert G.tree == tuple((x + 1, 0, x) for x in range(5))
    assert G.depth == 5
    G = check_group(to_rows([range(3)]), "here")
    assert (G.tree, G.depth) == ((), 0)

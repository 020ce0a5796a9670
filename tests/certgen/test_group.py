"""certgen.group: which group it is, and few points for it to act on."""

from __future__ import annotations

import functools
import itertools
from typing import TYPE_CHECKING, NoReturn

import numpy as np
import pytest

from certcheck.decision import check_group_name
from certcheck.group import check_group
from certcheck.named_group import compute_element_orders, compute_named_elements, find_isomorphism
from certcheck.verdict import Reason, reject
from certgen import group as module
from certgen.failure import ExitCode, Failure
from certgen.group import count_roots, find_few_points, find_group, find_likely_names, find_names
from tests.certgen.small_models import (
    Table,
    alternating,
    cyclic,
    dicyclic,
    dihedral,
    direct_product,
    expect_group,
    group_of,
    inverting_plane_of_3,
    linear_of_2,
    metacyclic,
    never,
    permutations,
    relabel,
    special_linear_of_3,
    symmetric,
)

if TYPE_CHECKING:
    from collections.abc import Callable


# Every group of order at most 24 that is C_n, D_n, S_n, A_n, Q8 or a direct product of them, by the classification of
# the small groups; each under its name with the fewest factors.
NAMED_BY_ORDER = {
    1: ["C1"],
    2: ["C2"],
    3: ["C3"],
    4: ["C4", "C2xC2"],
    5: ["C5"],
    6: ["C6", "S3"],
    7: ["C7"],
    8: ["C8", "C2xC4", "C2xC2xC2", "D4", "Q8"],
    9: ["C9", "C3xC3"],
    10: ["C10", "D5"],
    11: ["C11"],
    12: ["C12", "C2xC6", "A4", "D6"],
    13: ["C13"],
    14: ["C14", "D7"],
    15: ["C15"],
    16: ["C16", "C2xC8", "C4xC4", "C2xC2xC4", "C2xC2xC2xC2", "D8", "C2xD4", "Q8xC2"],
    17: ["C17"],
    18: ["C18", "C3xC6", "D9", "S3xC3"],
    19: ["C19"],
    20: ["C20", "C2xC10", "D10"],
    21: ["C21"],
    22: ["C22", "D11"],
    23: ["C23"],
    24: ["C24", "C2xC12", "C2xC2xC6", "S4", "A4xC2", "D12", "C2xD6", "C3xD4", "Q8xC3", "S3xC4"],
}
NAMED_UP_TO_24 = [name for names in NAMED_BY_ORDER.values() for name in names]
NAMED_LARGER = ["S5", "A5", "S3xS3", "A4xS3", "D30", "C113", "D59", "Q8xQ8", "C2xC2xC2xC2xC2"]

# Groups without a name here, the fewest points on which each acts faithfully, and why these are the fewest.
UNNAMED: dict[str, tuple[Table, int]] = {
    # The involution of Dic_n lies in every subgroup of even order, so it moves points only in an orbit as long as the
    # 2-part of the order; each odd prime power needs its own points, since the former orbit can be spared them.
    "Dic3 (order 12)": (dicyclic(3), 4 + 3),
    "Dic4 (order 16)": (dicyclic(4), 16),
    "Dic5 (order 20)": (dicyclic(5), 4 + 5),
    "Dic6 (order 24)": (dicyclic(6), 8 + 3),
    # An element of order 8 needs an orbit of 8 points or more; one of order 3 that commutes with its square, 3 more.
    "modular, order 16": (metacyclic(8, 2, 5), 8),
    "semidihedral, order 16": (metacyclic(8, 2, 3), 8),
    "C3 by C8 (order 24)": (metacyclic(3, 8, 2), 8 + 3),
    # Affine maps of a line over a prime field: an element of order p needs p points.
    "Frobenius, order 20": (metacyclic(5, 4, 2), 5),
    "Frobenius, order 21": (metacyclic(7, 3, 2), 7),
    # 9 divides the order of the permutations of 6 points but not of 5.
    "C3xC3 inverted (order 18)": (inverting_plane_of_3(), 6),
    # Every subgroup of even order holds -1; the largest of odd order has 3 elements.
    "SL(2,3) (order 24)": (special_linear_of_3(), 8),
}


def table_of_name(name: str) -> Table:
    """The multiplication table of a name, from the definition of each factor."""
    builders: dict[str, Callable[[int], Table]] = {
        "C": cyclic,
        "D": dihedral,
        "S": symmetric,
        "A": alternating,
        "Q": lambda n: dicyclic(n // 4),
    }
    return direct_product(*(builders[factor[0]](int(factor[1:])) for factor in name.split("x")))


@pytest.mark.parametrize("name", NAMED_UP_TO_24)
def test_every_named_group_up_to_order_24_is_recognised(name: str) -> None:
    """Whatever its labels, a group gets the name with the fewest factors, and keeps its labels."""
    for seed in range(3):
        table = relabel(table_of_name(name), seed)
        section = find_group("auto", len(table), functools.partial(group_of, table))
        assert section.name is not None
        assert sorted(section.name.split("x")) == sorted(name.split("x"))
        assert section.labels_from == "model_answers"
        expect_group(section, table)
        assert check_group_name(section, group_of(section.elements)) == section.name


@pytest.mark.parametrize("name", NAMED_LARGER)
def test_larger_named_groups_are_recognised(name: str) -> None:
    """The same for orders of trained models."""
    table = relabel(table_of_name(name), 0)
    section = find_group("auto", len(table), lambda: group_of(table))
    assert section.name is not None
    assert sorted(section.name.split("x")) == sorted(name.split("x"))
    assert (group_of(section.elements).table == table).all()
    assert check_group_name(section, group_of(section.elements)) == section.name


@pytest.mark.parametrize("order", NAMED_BY_ORDER)
def test_the_names_of_an_order_stand_for_the_listed_groups_and_these_differ(order: int) -> None:
    """No two groups on the list are isomorphic, and the names that are tried reach each of them and no other."""
    listed = [group_of(table_of_name(name)) for name in NAMED_BY_ORDER[order]]
    assert {G.order for G in listed} == {order}
    assert not [pair for pair in itertools.combinations(listed, 2) if find_isomorphism(*pair)]
    tried = [group_of(table_of_name(name)) for name in find_names(order)]
    # One place on the list for every name, or the unpacking fails.
    reached = {place for G in tried for (place,) in [[i for i, H in enumerate(listed) if find_isomorphism(G, H)]]}
    assert reached == set(range(len(listed)))


def test_the_list_of_named_groups_is_complete() -> None:
    """Of the numbers of groups of orders 1 to 24, those without a name are taken away.

    These are the dicyclic groups but Q8 (orders 12, 16, 20, 24), the Frobenius groups of order 20 and 21, five more
    of order 16, C3 x C3 inverted of order 18, and of order 24 SL(2,3), C3 by C8, C2 x Dic3 and C2 x C6 by C2.
    """
    groups = [1, 1, 1, 2, 1, 2, 1, 5, 2, 2, 1, 5, 1, 2, 1, 14, 1, 5, 1, 5, 2, 2, 1, 15]
    unnamed = {12: 1, 16: 6, 18: 1, 20: 2, 21: 1, 24: 5}
    assert [len(names) for names in NAMED_BY_ORDER.values()] == [
        count - unnamed.get(order, 0) for order, count in enumerate(groups, start=1)
    ]


@pytest.mark.parametrize("order", [8, 24, 36, 120])
def test_names_come_with_the_fewest_factors_first(order: int) -> None:
    """No name is tried before one with fewer factors."""
    factors = [name.count("x") for name in find_names(order)]
    assert factors == sorted(factors)


@pytest.mark.parametrize("name", ["C1", "C2", "C60", "D1", "D2", "D7", "D12", "Q8", *map("S{}".format, range(1, 7))])
def test_roots_are_counted_without_the_group(name: str) -> None:
    """The number of x with x^d = e, against the orders of the elements."""
    orders = compute_element_orders(group_of(table_of_name(name)))
    for d in range(1, 61):
        assert count_roots(name, d) == np.count_nonzero(d % orders == 0)


@pytest.mark.parametrize("degree", range(1, 8))
def test_roots_among_even_permutations_are_counted_without_the_group(degree: int) -> None:
    """The same for A_n, up to A7 of order 2520."""
    orders = compute_element_orders(check_group(permutations(degree, even=True), "elements"))
    for d in range(1, 43):
        assert count_roots(f"A{degree}", d) == np.count_nonzero(d % orders == 0)


@pytest.mark.parametrize("order", [*range(1, 61), 64, 72, 96])
def test_a_likely_name_is_one_with_the_same_orders_of_elements(order: int) -> None:
    """Against every name's group: so each name that the group may have stays, in its place."""
    groups = {name: check_group(compute_named_elements(name, "group"), "group") for name in find_names(order)}
    orders = {name: sorted(compute_element_orders(G)) for name, G in groups.items()}
    for name, G in groups.items():
        assert find_likely_names(G) == [other for other in groups if orders[other] == orders[name]]


@pytest.mark.parametrize(
    ("name", "simplest"),
    [("A7", "A7"), ("C2520", "C2520"), ("D1260", "D1260"), ("S3xC420", "S3xC420"), ("C2xC2xC2xC315", "C2xC2xC630")],
)
def test_groups_of_order_2520_are_recognised(name: str, simplest: str) -> None:
    """Of 577 names of this order few are built."""
    elements = compute_named_elements(name, "group")
    G = check_group(elements[np.random.default_rng(0).permutation(len(elements))], "elements")
    section = find_group("auto", 2520, lambda: G)
    assert section.name == simplest
    H = check_group(section.elements, "group")
    assert (H.table == G.table).all()
    assert check_group_name(section, H) == section.name


@pytest.mark.parametrize("name", UNNAMED)
def test_a_group_without_a_name_here_acts_on_few_points(name: str) -> None:
    """It gets no name, keeps its labels, and acts on the fewest points that are possible."""
    table, degree = UNNAMED[name]
    for seed in range(3):
        renamed = relabel(table, seed)
        section = find_group("auto", len(table), functools.partial(group_of, renamed))
        assert section.name is None
        assert section.elements.shape == (len(table), degree)
        expect_group(section, renamed)


@pytest.mark.parametrize("name", ["C6", "C2xC2", "S3", "D4", "A4", "S4", "S5", "A5"])
def test_few_points_are_never_more_than_elements_and_faithful(name: str) -> None:
    """Also for named groups, which do not need them, the permutations found form the same group."""
    G = group_of(relabel(table_of_name(name), 1))
    elements = find_few_points(G)
    assert elements.shape[1] <= G.order
    assert (group_of(elements).table == G.table).all()


def test_few_points_of_a_cyclic_group_are_cycles_of_prime_powers() -> None:
    """C12 acts on a cycle of 3 and a cycle of 4."""
    assert find_few_points(group_of(relabel(cyclic(12), 1))).shape == (12, 7)


def test_few_points_of_a_larger_group_come_from_random_subgroups() -> None:
    """GL(3,2) acts on the 7 vectors that are not 0, and on no fewer points, as 7 divides its order.

    Such a stabilizer has 24 elements: too many for a cyclic subgroup.
    """
    table = relabel(linear_of_2(), 0)
    section = find_group("auto", 168, lambda: group_of(table))
    assert section.name is None
    assert section.elements.shape == (168, 7)
    assert (group_of(section.elements).table == table).all()


def test_points_that_were_given_stay_where_no_fewer_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without subgroups to try the search ends with n points, so the 7 points of GL(3,2) are kept."""
    G = check_group(find_few_points(group_of(linear_of_2())), "elements")
    monkeypatch.setattr(module, "SUBGROUPS_TRIED", 0)
    assert find_few_points(G).shape == (168, 168)
    assert (find_group("auto", 168, lambda: G).elements == G.elements).all()


def test_a_name_that_takes_too_long_to_decide_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the search for an isomorphism gives up, the group goes without a name, but with its labels."""

    def give_up(*_: object) -> NoReturn:
        reject(Reason.WORK_TOO_LARGE, "group", "little work", "more")

    monkeypatch.setattr(module, "find_isomorphism", give_up)
    table = relabel(symmetric(3), 0)
    section = find_group("auto", 6, lambda: group_of(table))
    assert section.name is None
    expect_group(section, table)


@pytest.mark.parametrize("name", ["S3", "C6", "D4", "C4xC2", "A4"])
def test_a_wanted_name_is_kept_as_it_was_written(name: str) -> None:
    """A name given by the user names the answers' group, if it is that group."""
    table = relabel(table_of_name(name), 4)
    section = find_group(name, len(table), lambda: group_of(table))
    assert section.name == name
    assert section.labels_from == "model_answers"
    expect_group(section, table)


@pytest.mark.parametrize(("wanted", "true"), [("C6", "S3"), ("S3", "C6"), ("D4", "Q8"), ("C2xC2xC2", "C8")])
def test_a_wrong_name_is_refused_with_advice(wanted: str, true: str) -> None:
    """A group of the right order that is another one is refused, and the user is told what to try."""
    table = table_of_name(true)
    with pytest.raises(Failure, match=f"not found to be isomorphic to {wanted}") as caught:
        find_group(wanted, len(table), lambda: group_of(table))
    assert caught.value.code is ExitCode.GROUP
    assert "--group auto" in str(caught.value)
    assert "--group FILE" in str(caught.value)


@pytest.mark.parametrize("wanted", ["S4", "C5", "S3xC2", "D6"])
def test_a_name_of_the_wrong_order_is_refused_before_the_answers_are_read(wanted: str) -> None:
    """As many elements as labels, or nothing is computed."""
    with pytest.raises(Failure, match="expected a group of order 6") as caught:
        find_group(wanted, 6, never)
    assert caught.value.code is ExitCode.GROUP


@pytest.mark.parametrize("wanted", ["S8", "C10001", "C99999", "S20", "A99999", "S7xS3", "D5001"])
def test_a_name_of_a_group_that_is_too_large_is_refused(wanted: str) -> None:
    """Nothing is built for a group beyond the checker's largest order."""
    with pytest.raises(Failure, match="the group is too large") as caught:
        find_group(wanted, 6, never)
    assert caught.value.code is ExitCode.GROUP

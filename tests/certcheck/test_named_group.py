"""named_group: names against textbook products, and isomorphism against groups that only look alike."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import certcheck.named_group
from certcheck.group import Group, check_group
from certcheck.limits import Limits
from certcheck.named_group import (
    compute_element_orders,
    compute_named_elements,
    compute_named_order,
    find_isomorphism,
    is_group_name,
)
from certcheck.verdict import Reason, Refusal
from tests.certcheck.test_exact import refused
from tests.certcheck.test_group import is_even, make_regular

Dihedral = tuple[int, int]

# The quaternion units 1, i, j, k, -1, -i, -j, -k are the points 0..7; products of i, j, k by Hamilton's table.
UNITS = (
    (0, 1, 2, 3),
    (1, 4, 3, 6),
    (2, 7, 4, 1),
    (3, 2, 5, 4),
)


def multiply_quaternions(x: int, y: int) -> int:
    """The product of two units, the signs apart."""
    negative = (x >= 4) != (y >= 4)
    return (UNITS[x % 4][y % 4] + 4 * negative) % 8


def multiply_dihedral(n: int) -> Callable[[Dihedral, Dihedral], Dihedral]:
    """(k, s) stands for the map i -> k + s i on Z/n."""
    return lambda x, y: ((x[0] + x[1] * y[0]) % n, x[1] * y[1])


def name_group(name: str) -> Group:
    """The named group, verified."""
    return check_group(compute_named_elements(name, "here"), "here")


def list_cycle_lengths(n: int) -> list[int]:
    """The largest power in n of each of its primes, smallest prime first; [1] for 1."""
    primes = [p for p in range(2, n + 1) if n % p == 0 and all(p % q for q in range(2, p))]
    return [max(p**k for k in range(1, 16) if n % p**k == 0) for p in primes] or [1]


def is_isomorphism(phi: list[int] | None, G: Group, H: Group) -> bool:
    """Whether phi is a bijection with phi(xy) = phi(x) phi(y) for all pairs."""
    if phi is None or sorted(phi) != list(range(H.order)) or G.order != H.order:
        return False
    images = np.array(phi)
    return bool((images[G.table] == H.table[np.ix_(images, images)]).all())


def relabel(G: Group, seed: int) -> Group:
    """The same group with its elements in another order and its points renamed."""
    rng = np.random.default_rng(seed)
    order, points = rng.permutation(G.order), rng.permutation(G.degree)
    renamed = np.empty_like(G.elements)
    renamed[:, points] = points[G.elements]
    return check_group(np.ascontiguousarray(renamed[order]), "here")


@pytest.mark.parametrize("n", range(1, 6))
def test_a_symmetric_group_is_all_permutations_in_order(n: int) -> None:
    """S<n> is what itertools lists."""
    assert list(map(tuple, compute_named_elements(f"S{n}", "here").tolist())) == list(itertools.permutations(range(n)))


@pytest.mark.parametrize("n", range(1, 7))
def test_an_alternating_group_is_the_even_permutations_in_order(n: int) -> None:
    """A<n> is what itertools lists, without the odd ones."""
    expected = [p for p in itertools.permutations(range(n)) if is_even(p)]
    assert list(map(tuple, compute_named_elements(f"A{n}", "here").tolist())) == expected


@pytest.mark.parametrize("n", [*range(1, 17), 30, 49, 60, 113])
def test_a_cyclic_group_is_addition_of_residues(n: int) -> None:
    """C<n> turns cycles whose lengths are the prime powers of n; the turns are a residue, and products add them."""
    G = name_group(f"C{n}")
    lengths = list_cycle_lengths(n)
    starts = [sum(lengths[:i]) for i in range(len(lengths))]
    assert G.degree == sum(lengths)
    turns = [tuple(row[start] - start for start in starts) for row in G.elements.tolist()]
    residues = [
        next(k for k in range(n) if all(k % q == t for q, t in zip(lengths, row, strict=True))) for row in turns
    ]
    assert sorted(residues) == list(range(n))
    labels = np.array(residues)
    assert (labels[G.table] == np.add.outer(labels, labels) % n).all()


@pytest.mark.parametrize("n", [*range(3, 13), 30, 59])
def test_a_dihedral_group_is_the_maps_of_residues(n: int) -> None:
    """D<n> has the 2n maps i -> k + s i of Z/n, on cycles of prime power lengths; products compose them."""
    G = name_group(f"D{n}")
    lengths = list_cycle_lengths(n)
    starts = [sum(lengths[:i]) for i in range(len(lengths))]

    def write(label: Dihedral) -> tuple[int, ...]:
        k, s = label
        return tuple(start + (k + s * i) % q for start, q in zip(starts, lengths, strict=True) for i in range(q))

    labels = {write((k, s)): (k, s) for k in range(n) for s in (1, -1)}
    assert len(labels) == 2 * n
    found = [labels[tuple(row)] for row in G.elements.tolist()]
    multiply = multiply_dihedral(n)
    assert len(found) == 2 * n
    for x, y in itertools.product(range(2 * n), repeat=2):
        assert found[G.table[x, y]] == multiply(found[x], found[y])


@pytest.mark.parametrize("n", [1, 2])
def test_the_smallest_dihedral_groups_have_exponent_2(n: int) -> None:
    """D1 has two elements and D2 is Klein's group: every square is the identity."""
    G = name_group(f"D{n}")
    assert G.order == 2 * n
    assert (np.diagonal(G.table) == G.identity).all()


def test_the_quaternion_group_is_hamiltons() -> None:
    """Q8 acts on its units from the left: x is known by the image of 1, and xy = z as quaternions."""
    G = name_group("Q8")
    units = G.elements[:, 0].tolist()
    assert sorted(units) == list(range(8))
    for x, y in itertools.product(range(8), repeat=2):
        assert units[G.table[x, y]] == multiply_quaternions(units[x], units[y])
    assert (G.elements == [[multiply_quaternions(x, point) for point in range(8)] for x in units]).all()


@pytest.mark.parametrize("name", ["S3xC2", "C2xS3xC2", "Q8xC3", "C1xC1", "A4xD2xC1", "C2xC2xC2"])
def test_a_direct_product_multiplies_factor_by_factor(name: str) -> None:
    """A product acts on disjoint blocks of points, on each as the factor does, with every combination once."""
    G = name_group(name)
    blocks, start = [], 0
    for factor in map(name_group, name.split("x")):
        rows = [tuple(row) for row in factor.elements.tolist()]
        block = G.elements[:, start : start + factor.degree] - start
        blocks.append((factor, np.array([rows.index(tuple(row)) for row in block.tolist()])))
        start += factor.degree
    assert start == G.degree
    assert len(set(zip(*(part.tolist() for _, part in blocks), strict=True))) == G.order
    assert math.prod(factor.order for factor, _ in blocks) == G.order
    for factor, part in blocks:
        assert (part[G.table] == factor.table[np.ix_(part, part)]).all()


@pytest.mark.parametrize(
    ("name", "order"),
    [
        ("S1", 1),
        ("S2", 2),
        ("S6", 720),
        ("S7", 5040),
        ("A1", 1),
        ("A2", 1),
        ("A3", 3),
        ("A7", 2520),
        ("C1", 1),
        ("C10000", 10_000),
        ("D1", 2),
        ("D2", 4),
        ("D5000", 10_000),
        ("Q8", 8),
        ("Q8xQ8", 64),
        ("S3xC2xA4", 144),
        ("C100xC100", 10_000),
    ],
)
def test_the_order_is_known_by_the_name(name: str, order: int) -> None:
    """n!, n!/2, n, 2n, 8 and their products, up to the limit."""
    assert is_group_name(name)
    assert compute_named_order(name, "here") == order


@pytest.mark.parametrize("name", ["C1", "A2", "C6", "C7", "C12", "D1", "D2", "D6", "D9", "Q8", "S4", "A5", "D4xC3"])
def test_as_many_elements_are_built_as_the_name_says(name: str) -> None:
    """Distinct, and sorted."""
    rows = list(map(tuple, compute_named_elements(name, "here").tolist()))
    assert rows == sorted(set(rows))
    assert len(rows) == compute_named_order(name, "here")


@pytest.mark.parametrize("compute", [compute_named_order, compute_named_elements])
@pytest.mark.parametrize("name", ["S8", "A8", "S99999", "A20", "C10001", "D5001", "C101xC100", "C9999xS3", "S7xC2"])
def test_a_name_of_a_group_too_large_is_refused(name: str, compute: Callable[[str, str], object]) -> None:
    """It is a name, but nothing is built."""
    assert is_group_name(name)
    assert refused(compute, name, "--group") == (Reason.ORDER_TOO_LARGE, "--group")


@pytest.mark.parametrize("compute", [compute_named_order, compute_named_elements])
@pytest.mark.parametrize(
    "name",
    [
        *("", "S", "S0", "S03", "s3", "Z3", "Q4", "Q16", "Q88", "Q", "8", "S-1", "C100000", "C\u0663"),
        *("S3x", "xS3", "S3xxC2", "S3*C2", "S3\u00d7C2", "S3xZ2", "S3 ", "S3\n", "group.json"),
    ],
)
def test_what_is_no_name_is_refused(name: str, compute: Callable[[str, str], object]) -> None:
    """Capital letter, digits in ASCII without a leading zero, joined by a small x."""
    assert not is_group_name(name)
    assert refused(compute, name, "--group") == (Reason.INPUT_INVALID, "--group")


def test_a_long_name_is_quoted_in_part() -> None:
    """The refusal stays readable, and ASCII."""
    with pytest.raises(Refusal) as caught:
        compute_named_order("\u00e9" * 500, "--group")
    assert caught.value.got.isascii()
    assert len(caught.value.got) == 99


def test_generators_of_another_group_are_a_bug_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Were A3's generators used for S3, the count of the elements would say so."""
    monkeypatch.setattr(certcheck.named_group, "_factor_generators", lambda _kind, _size: [(1, 2, 0)])
    with pytest.raises(Refusal) as caught:
        compute_named_elements("S3", "group.name")
    assert (caught.value.reason, caught.value.where) == (Reason.INTERNAL, "group.name")
    assert (caught.value.expected, caught.value.got) == ("6 elements of S3", "3")


@pytest.mark.parametrize("name", ["C1", "C12", "S4", "D9", "Q8xC3", "A5"])
def test_the_order_of_an_element_is_the_first_power_that_is_the_identity(name: str) -> None:
    """By multiplying permutations until nothing moves."""
    G = relabel(name_group(name), seed=5)
    for x, row in enumerate(G.elements.tolist()):
        power, order = row, 1
        while power != list(range(G.degree)):
            power, order = [power[point] for point in row], order + 1
        assert compute_element_orders(G)[x] == order


NAMES = (
    "C1",
    "C2",
    "C7",
    "C12",
    "C2xC2xC2",
    "C4xC4",
    "Q8xC2",
    "S3",
    "S3xC2",
    "S4",
    "A4",
    "A5",
    "D2",
    "D4",
    "D15",
    "C9xC3",
)


@settings(deadline=None, max_examples=60)
@given(name=st.sampled_from(NAMES), seed=st.integers(0, 2**32 - 1))
def test_a_relabelled_group_is_recognised(name: str, seed: int) -> None:
    """Claim 10: an isomorphism is found whatever the order of the elements and the names of the points."""
    G = name_group(name)
    H = relabel(G, seed)
    assert is_isomorphism(find_isomorphism(G, H), G, H)
    assert is_isomorphism(find_isomorphism(H, G), H, G)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("C6", "C2xC3"),
        ("S3", "D3"),
        ("D6", "S3xC2"),
        ("D2", "C2xC2"),
        ("C1", "A2"),
        ("C3", "A3"),
        ("C12xC2", "C6xC4"),
        ("S2xS2", "D1xC2"),
    ],
)
def test_one_group_under_two_names_is_recognised(left: str, right: str) -> None:
    """Textbook isomorphisms between groups that act on different points."""
    G, H = relabel(name_group(left), seed=1), relabel(name_group(right), seed=2)
    assert is_isomorphism(find_isomorphism(G, H), G, H)


def test_a_group_is_isomorphic_to_its_regular_representation() -> None:
    """S4 on 24 points."""
    G = name_group("S4")
    H = relabel(check_group(G.table.astype(np.int32), "here"), seed=3)
    assert is_isomorphism(find_isomorphism(G, H), G, H)


def make_heisenberg() -> NDArray[np.int32]:
    """Upper unitriangular 3 x 3 matrices over Z/3, written (a, b, c); order 27, exponent 3, not abelian."""
    labels = list(itertools.product(range(3), repeat=3))
    return make_regular(labels, lambda x, y: ((x[0] + y[0]) % 3, (x[1] + y[1]) % 3, (x[2] + y[2] + x[0] * y[1]) % 3))


def make_semidirect(n: int, m: int, power: int) -> NDArray[np.int32]:
    """Z/m acting on Z/n by multiplication: (a, b)(c, d) = (a + power^b c, b + d)."""
    labels = list(itertools.product(range(n), range(m)))
    return make_regular(labels, lambda x, y: ((x[0] + power ** x[1] * y[0]) % n, (x[1] + y[1]) % m))


def make_product(left: NDArray[np.int32], right: NDArray[np.int32]) -> NDArray[np.int32]:
    """The direct product, on the points of both."""
    degree = left.shape[1]
    return np.array([[*x, *(y + degree)] for x in left for y in right], dtype=np.int32)


C4_BY_C4 = make_semidirect(4, 4, -1)
# Pairs with as many elements of each order; the last two agree even in how many elements commute with each.
LOOK_ALIKES = {
    "order 27, exponent 3": ("C3xC3xC3", make_heisenberg()),
    "order 16, 12 elements of order 4": ("C4xC4", C4_BY_C4),
    "order 16, 8 elements of order 8": ("C8xC2", make_semidirect(8, 2, 5)),
    "order 16, centre of order 4": ("Q8xC2", C4_BY_C4),
    "order 48, centre of order 12": ("Q8xC6", make_product(C4_BY_C4, compute_named_elements("C3", ""))),
}


def count_kinds(G: Group) -> Counter[tuple[int, int]]:
    """How many elements have this order and commute with so many, by looking at all pairs."""
    T = G.table.tolist()
    commuting = [sum(T[x][y] == T[y][x] for y in range(G.order)) for x in range(G.order)]
    return Counter(zip(compute_element_orders(G).tolist(), commuting, strict=True))


@pytest.mark.parametrize("pair", LOOK_ALIKES.values(), ids=LOOK_ALIKES)
def test_groups_that_only_look_alike_are_told_apart(pair: tuple[str, NDArray[np.int32]]) -> None:
    """Claim 10: equal orders of elements are not enough, whatever the order in which the elements are listed."""
    G, H = name_group(pair[0]), check_group(pair[1], "here")
    assert Counter(compute_element_orders(G).tolist()) == Counter(compute_element_orders(H).tolist())
    for seed in range(3):
        assert find_isomorphism(relabel(G, seed), H) is None
        assert find_isomorphism(relabel(H, seed), G) is None
        for K in (G, H):
            L = relabel(K, seed)
            assert is_isomorphism(find_isomorphism(K, L), K, L)


@pytest.mark.parametrize("name", ["order 16, centre of order 4", "order 48, centre of order 12"])
def test_the_search_itself_tells_twins_apart(name: str) -> None:
    """Claim 10: these agree in every count that could settle the question before the search."""
    left, right = LOOK_ALIKES[name]
    assert count_kinds(name_group(left)) == count_kinds(check_group(right, "here"))


@pytest.mark.parametrize(
    ("left", "right"), [("C2", "C3"), ("C6", "S3"), ("C4", "C2xC2"), ("D4", "Q8"), ("S4", "A4xC2")]
)
def test_groups_with_other_orders_are_told_apart(left: str, right: str) -> None:
    """Another number of elements, or elements of other orders."""
    assert find_isomorphism(name_group(left), name_group(right)) is None
    assert find_isomorphism(name_group(right), name_group(left)) is None


def test_a_search_is_cut_short_after_its_steps() -> None:
    """C5 takes a step for each element and the one generator."""
    G = name_group("C5")
    H = relabel(G, seed=1)
    assert is_isomorphism(find_isomorphism(G, H, Limits(steps=5)), G, H)
    assert refused(find_isomorphism, G, H, Limits(steps=4)) == (Reason.WORK_TOO_LARGE, "group")


def test_a_search_that_is_cut_short_says_nothing_about_isomorphism() -> None:
    """It is refused, which is not the answer that there is none."""
    left, right = LOOK_ALIKES["order 16, centre of order 4"]
    found = refused(find_isomorphism, name_group(left), check_group(right, "here"), Limits(steps=200))
    assert found == (Reason.WORK_TOO_LARGE, "group")


@pytest.mark.parametrize(("name", "entries"), [("S3", 6 * 3), ("C2xS3", 12 * 5), ("C6", 6 * 5), ("Q8", 8 * 8)])
def test_permutations_that_would_fill_the_memory_are_not_made(name: str, entries: int) -> None:
    """Four numbers an image, as objects of Python."""
    assert compute_named_elements(name, "place", Limits(numbers=4 * entries)).size == entries
    found = refused(compute_named_elements, name, "place", Limits(numbers=4 * entries - 1))
    assert found == (Reason.NUMBERS_TOO_MANY, "place")


@pytest.mark.parametrize("n", [*range(1, 200), 2**14, 3 * 2**13, 3**9, 30030, 32749])
def test_cycles_are_the_prime_powers_of_a_number(n: int) -> None:
    """Those of smaller primes first, as the format lists the points; no order that fits has more than 14 twos."""
    lengths = certcheck.named_group._cycle_lengths(n)
    assert lengths == list_cycle_lengths(n)
    assert math.prod(lengths) == n
    assert all(math.gcd(a, b) == 1 for a, b in itertools.combinations(lengths, 2))

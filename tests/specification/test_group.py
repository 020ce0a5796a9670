"""The group, its name, its generators and tree; and every refusal of permutations."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from certcheck.specification.certificate import specify
from certcheck.specification.decision import RefusalError, Status
from certcheck.specification.document import Node
from certcheck.specification.group import check_group, compute_named
from tests.certificates import C1, C3, S3, certificate, encode
from tests.specification.documents import compare, set_value

Elements = list[list[int]]


def turns(*lengths: int, signs: tuple[int, ...] = (1,), order: int) -> Elements:
    """i -> sign i + k on each of disjoint cycles, for k below the order."""
    starts = [sum(lengths[:j]) for j in range(len(lengths))]
    return [
        [start + (s * i + k) % length for start, length in zip(starts, lengths, strict=True) for i in range(length)]
        for s in signs
        for k in range(order)
    ]


def multiply_quaternions(x: int, y: int) -> int:
    """The product of 1, i, j, k, -1, -i, -j, -k as points 0 to 7: ij = k, jk = i, ki = j, and squares are -1."""
    a, b = x % 4, y % 4
    negative = (x >= 4) ^ (y >= 4) ^ (a > 0 and (a == b or (b > 0 and (b - a) % 3 == 2)))
    unit = a ^ b  # the unit of a product, as 1 xor 2 = 3
    return unit + 4 * negative


Q8 = [[multiply_quaternions(x, y) for y in range(8)] for x in range(8)]
EVEN = [p for p in itertools.permutations(range(5)) if sum(a > b for a, b in itertools.combinations(p, 2)) % 2 == 0]


def group_section(elements: Elements, name: str | None = None) -> Node:
    """The section of these permutations."""
    return Node(certificate(elements)["group"] | {"name": name}, "group")


@pytest.mark.parametrize(
    ("name", "elements"),
    [
        ("C1", C1),
        ("S1", C1),
        ("A1", C1),
        ("A2", [[0, 1]]),
        ("C3", C3),
        ("A3", C3),
        ("S3", S3),
        ("D3", S3),
        ("D1", turns(2, order=2)),
        ("D2", [[0, 1, 2, 3], [1, 0, 2, 3], [0, 1, 3, 2], [1, 0, 3, 2]]),
        ("C2xC2", [[0, 1, 2, 3], [1, 0, 2, 3], [0, 1, 3, 2], [1, 0, 3, 2]]),
        ("C4", turns(4, order=4)),
        ("C6", turns(2, 3, order=6)),
        ("C12", turns(4, 3, order=12)),
        ("C2xC3", turns(2, 3, order=6)),
        ("C3xC2", turns(3, 2, order=6)),
        ("D4", turns(4, signs=(1, -1), order=4)),
        ("D6", turns(2, 3, signs=(1, -1), order=6)),
        ("Q8", Q8),
        ("S3xC2", [[*x, *y] for x in S3 for y in ([3, 4], [4, 3])]),
        ("A5", [list(p) for p in EVEN]),
        ("C1xC1", [[0, 1]]),
    ],
)
def test_a_name_stands_for_its_permutations(name: str, elements: Elements) -> None:
    """As the format says, and certcheck reads it so."""
    assert compute_named(name) == {tuple(x) for x in elements}
    assert check_group(group_section(elements, name)).n == len(elements)
    if 1 < len(elements) < 60:
        document = certificate(elements)
        document["group"]["name"] = name
        assert compare(document)[1].status is Status.VERIFIED


@pytest.mark.parametrize("name", ["S5", "A6", "D31", "C61", "S9", "S99999", "C60xC2", "S4xS4"])
def test_what_is_too_large_is_no_group_of_this_order(name: str) -> None:
    """Nothing is listed that is above order 60."""
    assert compute_named(name) == set()


@pytest.mark.parametrize("name", ["", "x", "S", "S0", "S03", "s3", "S3x", "Q", "Q16", "B3", "S100000", "S3 xC2"])
def test_other_names_are_refused(name: str) -> None:
    """Names of nothing."""
    with pytest.raises(RefusalError) as caught:
        compute_named(name)
    assert caught.value.decision.status is Status.REJECTED


def test_generators_tree_and_inverses() -> None:
    """S3 in lexicographic order: e, then 1 and 2 generate; breadth first from e by left multiplication."""
    G = check_group(group_section(S3))
    assert (G.e, G.generators, G.inverses) == (0, [1, 2], [0, 1, 2, 4, 3, 5])
    # 1 and 2 from e; then 1*1 = e is known, 2*1 = 3; 1*2 = 4; 1*3 = 5.
    assert G.tree == [(1, 0, 0), (2, 1, 0), (3, 1, 1), (4, 0, 2), (5, 0, 3)]
    assert check_group(group_section(C1)).generators == []
    # 2 is in what 1 generates; e need not be first.
    assert check_group(group_section([C3[1], C3[0], C3[2]])).generators == [0]


@pytest.mark.parametrize(
    ("path", "value", "status"),
    [
        ("name", "C6", Status.REJECTED),
        ("name", "", Status.MALFORMED),
        ("name", "S\x1b[2J", Status.MALFORMED),
        ("name", 3, Status.MALFORMED),
        ("degree", 0, Status.MALFORMED),
        ("degree", 2, Status.MALFORMED),
        ("degree", 4, Status.REJECTED),
        ("elements", {}, Status.MALFORMED),
        ("elements", [], Status.REJECTED),
        ("elements", [[0, 1, 2]] * 61, Status.LIMIT),
        ("elements", [[0, 1, 2]] * 60, Status.REJECTED),
        ("elements", S3[:5], Status.REJECTED),
        ("elements", S3[1:], Status.REJECTED),
        ("elements.5", [0, 0, 1], Status.REJECTED),
        ("elements.5", [0, 1, 3], Status.MALFORMED),
        ("elements.5", S3[4], Status.REJECTED),
        ("elements.5", [False, True, 2], Status.MALFORMED),
    ],
)
def test_what_is_not_a_group_is_refused(path: str, value: Any, status: Status) -> None:
    """Each false set of permutations, by both checkers."""
    document = set_value(certificate(S3), f"group.{path}", value)
    assert specify(encode(document)).status is status
    assert status is Status.LIMIT or compare(document)[0].reason is not None

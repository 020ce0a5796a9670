"""gset: actions of every element from those of the generators, and each refusal."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from certcheck.group import Group
from certcheck.gset import MAX_POINTS, check_action, check_gset
from certcheck.named_group import compute_named_elements
from certcheck.verdict import Reason
from tests.certcheck.test_exact import refused
from tests.equivariant_sections import C2, C3, D4, S3, make_group
from tests.rhoset_sections import find_actions, invert

C1 = make_group([[0]])
GROUPS = {"C1": C1, "C2": C2, "C3": C3, "S3": S3, "D4": D4, "Q8": make_group(compute_named_elements("Q8", "").tolist())}


def make(rows: Any) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Permutations of the generators."""
    return np.array(rows, dtype=np.int64)


@pytest.mark.parametrize("name", GROUPS)
def test_every_transitive_action_is_extended_to_every_element(name: str) -> None:
    """On the cosets of each subgroup: e moves nothing, (xy)b = x(yb), and x^-1 undoes x."""
    G = GROUPS[name]
    for action in find_actions(G):
        gset = check_gset(action[list(G.generators)], G, "place")
        d = action.shape[1]
        assert gset.points == d
        assert gset.action.tolist() == action.tolist()
        for x in range(G.order):
            assert gset.inverse_action[x].tolist() == action[invert(G, x)].tolist()
            for y in range(G.order):
                assert action[G.table[x, y]].tolist() == action[x][action[y]].tolist()


def test_the_trivial_group_has_one_transitive_set() -> None:
    """No generator, one point."""
    assert check_gset(make([]).reshape(0, 1), C1, "place").action.tolist() == [[0]]
    assert refused(check_gset, make([]).reshape(0, 2), C1, "place") == (Reason.GSET_WRONG, "place")


@pytest.mark.parametrize(
    ("permutations", "G"),
    [
        ([[1, 0, 2]], C3),
        ([[1, 2, 3, 0]], C3),
        ([[1, 2, 0]], C2),
        ([[1, 2, 0, 3], [1, 0, 2, 3]], S3),
        # The first generator multiplies rightly everywhere, only the second does not.
        ([[0, 1], [1, 0]], S3),
        ([[0, 1, 2], [1, 2, 0]], D4),
        (D4.elements[list(D4.generators)][::-1], D4),
    ],
)
def test_an_action_that_is_none_is_refused(permutations: Any, G: Group) -> None:
    """Claim 12: permutations that break a relation of the group would give a pair of elements two products."""
    assert refused(check_action, make(permutations), G, "place") == (Reason.GSET_WRONG, "place")
    assert refused(check_gset, make(permutations), G, "place") == (Reason.GSET_WRONG, "place")


@pytest.mark.parametrize(
    "permutations",
    [
        [[1, 2, 2]],
        [[1, 2, 3]],
        [[-1, 0, 1]],
        [[1, 2, 0]] * 2,
        np.zeros((0, 3)),
        np.zeros((1, 0)),
        [list(range(MAX_POINTS + 1))],
    ],
)
def test_what_is_no_permutation_of_each_generator_is_refused(permutations: Any) -> None:
    """One permutation for the one generator of C3, on 1 to 1024 points."""
    assert refused(check_action, make(permutations), C3, "place") == (Reason.GSET_WRONG, "place")


@pytest.mark.parametrize("permutations", [[[0, 1]], [[1, 2, 0, 3]], [[1, 2, 0, 4, 5, 3]]])
def test_more_than_one_orbit_is_refused(permutations: Any) -> None:
    """An action, but not a transitive one: sums over b would not be those over x^-1 b of one x."""
    assert check_action(make(permutations), C3, "place").shape == (3, len(permutations[0]))
    assert refused(check_gset, make(permutations), C3, "place") == (Reason.GSET_WRONG, "place")


def test_as_many_points_as_are_allowed() -> None:
    """1024 fixed points are an action; 1024 points that a cycle of order 1024 moves are transitive."""
    assert check_action(make([list(range(MAX_POINTS))]), C2, "place").shape == (2, MAX_POINTS)
    cycle = np.roll(np.arange(MAX_POINTS), -1)
    large = make_group([np.roll(np.arange(MAX_POINTS), -k).tolist() for k in range(MAX_POINTS)])
    assert check_gset(cycle[None], large, "place").points == MAX_POINTS

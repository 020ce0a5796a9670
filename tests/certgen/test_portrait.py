"""What is shown of a certificate agrees with what certcheck says of it."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from certcheck.group import Group, check_group
from certcheck.named_group import compute_named_elements
from certgen.failure import ExitCode, Failure
from certgen.group import act_on_cosets, generate_subgroup
from certgen.portrait import BY_ARGUMENT, BY_CASES, OPEN, label_element, place_points, portray, round_margin

VALID = sorted((Path(__file__).parents[1] / "vectors" / "valid").glob("*.json"))
INVALID = Path(__file__).parents[1] / "vectors" / "invalid"
# Here a claim on binary32 has pairs evaluated whose margins the argument bounds lower.
EVALUATED_FOR_FLOAT32 = {"float32_by_cases_alone"}


def make_group(name: str) -> Group:
    """The named group."""
    elements = compute_named_elements(name, "here")
    assert elements is not None
    return check_group(elements, "here")


@pytest.mark.parametrize("path", VALID, ids=lambda path: path.stem)
def test_as_many_pairs_of_each_state_as_certcheck_counts(path: Path) -> None:
    """And every margin that is shown is at least the smallest that is certified, and no more than true."""
    portrait = portray(path.read_bytes())
    proof, pairs = portrait.proof, portrait.pairs
    if proof.order == 1:
        assert pairs is None
        return
    assert pairs is not None
    counts = [int((pairs.states == state).sum()) for state in (OPEN, BY_ARGUMENT, BY_CASES)]
    rest = proof.pairs - proof.pairs_by_argument - proof.pairs_by_cases
    assert counts == [rest, proof.pairs_by_argument, proof.pairs_by_cases]
    assert np.array_equal(np.isnan(pairs.margins), pairs.states == OPEN)
    assert (pairs.rivals != portrait.table).all()
    if proof.smallest_certified_margin is not None and path.stem not in EVALUATED_FOR_FLOAT32:
        assert np.nanmin(pairs.margins) >= float(Fraction(proof.smallest_certified_margin)) - 1e-6


def test_what_certcheck_refuses_is_not_shown() -> None:
    """With its sentence."""
    with pytest.raises(Failure, match="fewer pairs are proved correct") as caught:
        portray((INVALID / "labels_exchanged.json").read_bytes())
    assert caught.value.code is ExitCode.NOT_VERIFIED


def test_margins_are_rounded_down() -> None:
    """To six digits, or to the number before where that would be 0: never more than was proved."""
    assert round_margin(1, 1) == 0.5
    assert round_margin(2**20 + 1, 20) == 1.0
    for margin, bits in (
        (1, 40),
        (3, 70),
        (12345678901, 33),
        (1, 0),
        (2**61 + 1, 3),
        (2**62 - 1, 9),
        (2**62 - 1, -1000),
    ):
        assert 0 < Fraction(round_margin(margin, bits)) <= Fraction(margin) / Fraction(2) ** bits


def test_elements_are_labelled_by_their_cycles() -> None:
    """Fixed points are left out, the identity is e, and a long product is named by its index."""
    assert label_element([0, 1, 2], 0) == "e"
    assert label_element([1, 0, 3, 2], 7) == "(0 1)(2 3)"
    assert label_element([2, 0, 1], 1) == "(0 2 1)"
    assert label_element([*range(1, 40), 0], 1) == "element 1"


def place(name: str, generators: list[str], phi: list[float]) -> tuple[Group, np.ndarray, list[tuple[int, int]], bool]:
    """The points of the cosets of the subgroup that the elements with these labels generate."""
    G = make_group(name)
    labels = [label_element(row.tolist(), x) for x, row in enumerate(G.elements)]
    H = generate_subgroup(G, [labels.index(label) for label in generators], G.order)
    positions, edges, is_drawn = place_points(G, act_on_cosets(G, H), np.array(phi))
    return G, positions, edges, is_drawn


def test_four_points_of_s4_are_a_tetrahedron() -> None:
    """All six distances are equal, whatever phi is."""
    _, positions, edges, is_drawn = place("S4", ["(1 2)", "(1 2 3)"], [3.0, -1.0, 0.5, -2.0])
    assert is_drawn
    assert positions.shape == (4, 3)
    assert len(edges) == 6


def test_twelve_points_of_a5_are_an_icosahedron() -> None:
    """30 edges, five at each point, and six pairs of opposite points, if phi is in an irrep of dimension 3."""
    G = make_group("A5")
    labels = [label_element(row.tolist(), x) for x, row in enumerate(G.elements)]
    H = generate_subgroup(G, [labels.index("(0 1 2 3 4)")], 60)
    action = act_on_cosets(G, H)
    # Both irreps of dimension 3 are in the functions on the points; an odd function has no others.
    antipode = next(
        point for point in range(1, 12) if all((action[x, point] == point) == (action[x, 0] == 0) for x in range(60))
    )
    values = np.random.default_rng(0).normal(size=12)
    opposite = np.array([int(action[np.flatnonzero(action[:, 0] == b)[0], antipode]) for b in range(12)])
    odd = values - values[opposite]
    # Neighbours of a point in one of the two icosahedra: an orbit of five points of its stabiliser.
    near = sorted({int(action[h, next(b for b in range(12) if b not in (0, antipode))]) for h in H})
    adjacency = np.zeros((12, 12))
    for x in range(60):
        adjacency[action[x, 0], action[x, near]] = 1
    values, vectors = np.linalg.eigh(adjacency)
    largest = vectors[:, values > 2]
    largest = largest[:, np.abs(largest.sum(axis=0)) < 1e-9]
    phi = largest @ (largest.T @ odd)
    positions, edges, is_drawn = place_points(G, action, phi)
    assert is_drawn
    assert positions.shape == (12, 3)
    assert len(edges) == 30
    assert [sum(b in edge for edge in edges) for b in range(12)] == [5] * 12
    assert positions[opposite] == pytest.approx(-positions)


def test_five_points_of_s5_are_not_drawn_in_space() -> None:
    """They have four dimensions; all are neighbours."""
    _, positions, edges, is_drawn = place("S5", ["(1 2)", "(1 2 3 4)"], [1.0, 0.0, 0.0, -1.0, 0.5])
    assert not is_drawn
    assert positions.shape == (5, 4)
    assert len(edges) == 10


def test_points_of_a_cyclic_group_are_a_polygon() -> None:
    """A wave of frequency 2 on seven points: each is next to two others."""
    phi = np.cos(2 * np.pi * 2 * np.arange(7) / 7).tolist()
    _, positions, edges, is_drawn = place("C7", [], phi)
    assert is_drawn
    assert positions.shape == (7, 2)
    assert [sum(b in edge for edge in edges) for b in range(7)] == [2] * 7


def test_points_in_one_place_and_constant_functions_are_not_drawn_in_space() -> None:
    """A function that does not tell all points apart puts some of them in one place."""
    assert not place("C4", [], [1.0, -1.0, 1.0, -1.0])[3]
    assert not place("S3", ["(1 2)"], [1.0, 1.0, 1.0])[3]

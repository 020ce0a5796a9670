"""find_circuits on networks made of circuits: every neuron with its points, its scale and its functions."""

from __future__ import annotations

import numpy as np
import pytest

from certcheck.group import Group
from certgen.circuits import Circuit, Found, find_circuits
from certgen.group import act_on_cosets, generate_subgroup
from tests.certgen.circuit_networks import Made, build, make_circuit, make_noise, named
from tests.certgen.small_models import cyclic, group_of

TOLERANCE = 2e-4
# A group, and generators of stabilisers on both sides of each circuit.
NETWORKS = {
    "S3 on three points": ("S3", [([1], [1])]),
    "S3 on three points and on two": ("S3", [([1], [1]), ([3], [3]), ([1], [3])]),
    "D4 on two sets of four points": ("D4", [([4], [4]), ([5], [5])]),
    "S4 on four points and on six": ("S4", [([1, 2], [1, 2]), ([1, 2], [1, 6])]),
    "C6 on two points and on three": ("C6", [([2], [2]), ([3], [3])]),
    "Q8 on itself": ("Q8", [([], [])]),
    "the same points twice": ("S4", [([1, 2], [1, 2]), ([1, 2], [1, 2])]),
    "A5 on five points and on six": ("A5", [([1, 2], [1, 2]), ([1], [1])]),
}


def make_side(G: Group, generators: list[int]) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    """The action on the cosets of the subgroup that these elements generate."""
    return act_on_cosets(G, list(generate_subgroup(G, generators, G.order)))


def make_circuits(name: str, share: float = 1.0) -> tuple[Group, list[Made]]:
    """The circuits of a network, the first one the heaviest."""
    group, sides = NETWORKS[name]
    G, rng = named(group), np.random.default_rng(3)
    return G, [
        make_circuit(make_side(G, left), make_side(G, right), rng, share=share, scale=8.0 / (i + 1))
        for i, (left, right) in enumerate(sides)
    ]


def is_relabelled(given: object, found: object) -> bool:
    """Whether the points found are those given under other labels."""
    pairs = set(zip(np.asarray(given).tolist(), np.asarray(found).tolist(), strict=True))
    return len(pairs) == len({b for b, _ in pairs}) == len({b for _, b in pairs})


def match(found: Found, neurons: list[int]) -> Circuit:
    """The circuit found for these neurons."""
    return next(circuit for circuit in found.circuits if set(circuit.neurons.tolist()) == set(neurons))


def expect_circuit(G: Group, circuit: Circuit, made: Made, neurons: list[int]) -> None:
    """Points, scales and functions as made: up to the points' labels, and one factor for phi, phi' and sigma."""
    assert (circuit.left.points, circuit.right.points) == (made.left.shape[1], made.right.shape[1])
    place = [circuit.neurons.tolist().index(i) for i in neurons]
    b, b_prime, sigma = circuit.b[place], circuit.b_prime[place], circuit.sigma[place]
    assert is_relabelled(made.b, b)
    assert is_relabelled(made.b_prime, b_prime)
    assert circuit.cells_covered == len(neurons)
    # One factor, of either sign.
    np.testing.assert_allclose(sigma / made.sigma, sigma[0] / made.sigma[0], rtol=1e-5)
    again = Made(circuit.left.action, circuit.right.action, circuit.phi, circuit.phi_prime, b, b_prime, sigma)
    for side, expected in zip(again.predict(G), made.predict(G), strict=True):
        np.testing.assert_allclose(side, expected, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("share", [1.0, 0.8])
@pytest.mark.parametrize("name", NETWORKS)
def test_circuits_are_found_as_they_were_made(name: str, share: float) -> None:
    """All neurons in their circuits, also where cells are empty; none is loose or dead."""
    G, made = make_circuits(name, share)
    network, neurons = build(G, made)
    found = find_circuits(network, G, TOLERANCE)
    assert (found.loose, found.dead) == ([], [])
    assert sorted(sorted(c.neurons.tolist()) for c in found.circuits) == sorted(map(sorted, neurons))
    for circuit, own in zip(made, neurons, strict=True):
        expect_circuit(G, match(found, own), circuit, own)


def test_a_stabiliser_fixes_its_point() -> None:
    """Each side is a transitive action, and its stabiliser the elements that fix point 0."""
    G, made = make_circuits("S4 on four points and on six")
    found = find_circuits(build(G, made)[0], G, TOLERANCE)
    for side in {id(s): s for c in found.circuits for s in (c.left, c.right)}.values():
        fixing = np.flatnonzero(side.action[:, 0] == 0).tolist()
        assert sorted(side.stabiliser) == fixing
        assert set(side.action[:, 0].tolist()) == set(range(side.points))
    # The circuits share the G-set of four points.
    assert len({id(c.left) for c in found.circuits}) == 1


def test_noise_within_the_tolerance_changes_no_circuit() -> None:
    """Inputs off by a thousandth: the same neurons, points and scales, phi to a thousandth."""
    G, made = make_circuits("S4 on four points and on six")
    noise = make_noise(G, 40)
    rng = np.random.default_rng(1)
    blocks = []
    for circuit in made:
        a, c = circuit.predict(G)
        k = len(circuit.b)
        size = 1e-3 * np.sqrt((a**2).mean())
        blocks.append(
            {
                "left": a + size * rng.normal(size=a.shape),
                "right": c + size * rng.normal(size=c.shape),
                "out": noise["out"][:k],
            }
        )
    network, neurons = build(G, [], *blocks)
    found = find_circuits(network, G, TOLERANCE)
    assert (found.loose, found.dead) == ([], [])
    for circuit, own in zip(made, neurons, strict=True):
        place = [match(found, own).neurons.tolist().index(i) for i in own]
        assert is_relabelled(circuit.b, match(found, own).b[place])
        sigma = match(found, own).sigma[place] / circuit.sigma
        np.testing.assert_allclose(sigma, sigma[0], rtol=3e-3)


def test_neurons_without_a_stabiliser_are_loose_and_silent_ones_dead() -> None:
    """C70: 70 x 70 cells are too many; an output that is the same for all z, or no input, carries nothing."""
    G = group_of(cyclic(70))
    rng = np.random.default_rng(2)
    # The subgroups of order 14 and 10: 5 and 7 points.
    made = [
        make_circuit(make_side(G, [5]), make_side(G, [5]), rng, scale=4.0),
        make_circuit(make_side(G, [7]), make_side(G, [7]), rng),
    ]
    noise, dead, deaf = make_noise(G, 3), make_noise(G, 2), make_noise(G, 1)
    dead["out"][:] = 7.0
    deaf["left"][:] = deaf["right"][:] = 0
    network, (*neurons, loose, same, silent) = build(G, made, noise, dead, deaf)
    found = find_circuits(network, G, TOLERANCE)
    assert (sorted(found.loose), found.dead) == (sorted(loose), sorted([*same, *silent]))
    assert sorted(c.left.points for c in found.circuits) == [5, 7]
    for circuit, own in zip(made, neurons, strict=True):
        expect_circuit(G, match(found, own), circuit, own)


def test_an_input_that_is_constant_is_a_set_of_one_point() -> None:
    """relu(phi(x^-1 b) + 1/4) reads x alone."""
    G = named("S3")
    points, one = make_side(G, [1]), np.zeros((6, 1), dtype=np.int64)
    circuit = Made(
        points, one, np.array([1.0, -2.0, 0.5]), np.array([0.25]), np.arange(3), np.zeros(3, int), np.ones(3)
    )
    network, (own,) = build(G, [circuit])
    found = find_circuits(network, G, TOLERANCE)
    expect_circuit(G, match(found, own), circuit, own)

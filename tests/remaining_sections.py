"""Small networks of circuits, a dropped neuron and neurons of a section of method `equivariant`, and their sections."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from certcheck.circuits import REMAINING
from certcheck.document import EquivariantSection
from certcheck.group import Group
from tests.certcheck.test_exhaustive import make_network
from tests.equivariant_sections import (
    C3,
    D4,
    S3,
    UNIT,
    Circuit,
    compute_cells,
    compute_centred,
    compute_signs,
    join,
    make_circuit,
    make_group,
    make_matrix_part,
    make_permutation_part,
    make_sign_circuit,
    make_sign_example,
    make_sign_part,
)
from tests.equivariant_sections import Example as Remaining
from tests.equivariant_sections import make_section as make_remaining_section
from tests.rhoset_sections import Example, Wiring, find_actions, invert, make_section, make_weights, make_wiring

Floats = NDArray[np.float64]
Weights = tuple[Floats, Floats, Floats]
V4 = make_group([[0, 1, 2, 3], [1, 0, 2, 3], [0, 1, 3, 2], [1, 0, 3, 2]])


@dataclass(frozen=True, slots=True)
class Composition:
    """The whole; its weights; its circuits and dropped neurons with the biases alone, and its other neurons alone."""

    whole: Example
    weights: Weights
    circuits: Example
    rest: Remaining


def compose(
    G: Group, wirings: list[Wiring], weights: Weights, section: EquivariantSection, *, damage: float = 0.0, **more: Any
) -> Composition:
    """Circuits, a dropped neuron, and neurons of a section of method `equivariant`, in a mixed order."""
    rng, n = np.random.default_rng(8), G.order
    own = make_weights(G, wirings) if wirings else (np.zeros((n, 0)), np.zeros((n, 0)), np.zeros((0, n)))
    faint = (rng.normal(size=(n, 1)), rng.normal(size=(n, 1)), rng.normal(size=(1, n)) / 2**7)
    known = [np.concatenate(pair, axis=k) for pair, k in zip(zip(own, faint, strict=True), (1, 1, 0), strict=True)]
    known, weights = ([v + damage * rng.normal(size=v.shape) for v in part] for part in (known, weights))
    biases = {"out_bias": rng.integers(-4, 5, n) / 64}
    circuits = make_section(G, wirings, dropped=1, **more)
    m, k = len(circuits.neurons) + len(section.neurons), len(section.neurons)
    # The remaining neurons keep their order among themselves.
    rows = np.concatenate([circuits.neurons, np.tile([REMAINING, 0, 0, 0], (k, 1))])
    places = np.argsort(rng.permutation(m))
    places[m - k :] = np.sort(places[m - k :])
    order = np.argsort(places)
    left, right, out = (
        np.take(np.concatenate([v, w], axis=axis), order, axis=axis)
        for v, w, axis in zip(known, weights, (1, 1, 0), strict=True)
    )
    whole = dataclasses.replace(circuits, neurons=rows[order], remaining=section)
    return Composition(
        Example(make_network(left, right, out, **biases), G, whole),
        (left, right, out),
        Example(make_network(*known, **biases), G, circuits),
        Remaining(make_network(*weights), G, section),
    )


def take(circuit: Circuit) -> Weights:
    """Its weights."""
    return circuit.left, circuit.right, circuit.out


def make_points(G: Group, **more: Any) -> Composition:
    """The circuit on the points in both parts, by permutation matrices in the second."""
    circuit = make_circuit(G, (1.0, -2.0))
    part, _ = make_permutation_part(G, circuit, range(len(circuit.positions)), weight=2.0)
    return compose(G, [make_wiring(G)], take(circuit), make_remaining_section(circuit, part), **more)


def make_matrices(wirings: list[Wiring]) -> Composition:
    """Circuits of S3, and the circuit on its points by 2 x 2 matrices."""
    circuit = make_circuit(S3)
    part = make_matrix_part(S3, circuit, range(len(circuit.positions)))
    return compose(S3, wirings, take(circuit), make_remaining_section(circuit, part))


def make_signed() -> Composition:
    """A circuit with a kernel of one side, and the points of S3 with and without the sign."""
    copies = [(b, c) for b in range(3) for c in range(3)]
    circuit = join(make_circuit(S3), make_sign_circuit(S3, copies, weight=2.0))
    wiring, j = make_wiring(S3), np.array([[0, 1, 0], [0, 0, -1], [1, 0, 0]]) / 16
    U = wiring.U + j[wiring.left[[invert(S3, x) for x in range(6)]]]
    wiring = dataclasses.replace(wiring, U=U, kernels=(wiring.kernels[0], j, None), middle=True)
    return compose(S3, [wiring], take(circuit), make_sign_example(S3).section)


def make_halves() -> Composition:
    """V4: a circuit tells what it does to the points 0 and 1, and the sign of four cells whether it is even."""
    s = compute_signs(V4).astype(np.float64)
    circuit = Circuit(
        np.array([s, -s, s, -s]).T,
        np.array([s, -s, -s, s]).T,
        np.array([s, s, -s, -s]),
        [(j, 1.0, 1.0) for j in range(4)],
        [(0, 0)] * 4,
    )
    C = np.array([1, 1, -1, -1])
    V = compute_centred(*compute_cells(circuit)) @ C
    positions = np.array([(0, 0, UNIT * c) for c in C])
    part = dataclasses.replace(make_sign_part(V4, V), cells=np.arange(4), positions=positions)
    return compose(
        V4, [make_wiring(V4, V4.elements[:, :2].astype(np.int64))], take(circuit), make_remaining_section(circuit, part)
    )


COMPOSITIONS = {
    "C3": make_points(C3),
    "S3": make_points(S3),
    "D4": make_points(D4),
    "S3 matrices beside two circuits": make_matrices(
        [make_wiring(S3, scales=(2.0, -0.5)), make_wiring(S3, find_actions(S3)[1])]
    ),
    "S3 matrices alone": make_matrices([]),
    "S3 sign": make_signed(),
    "V4 half each": make_halves(),
}


def make_rough() -> Composition:
    """S3: in the circuit all tables are full, the rests and the errors are large, and little is proved."""
    rng = np.random.default_rng(11)
    d, wiring = 3, make_wiring(S3, scales=(1.0, -0.5), middle=True)
    wiring.phi, wiring.phi_prime = rng.normal(size=d) * 2, rng.normal(size=d) * 2
    left, right = (rng.integers(-4, 5, (d, d)) / 4 for _ in range(2))
    wiring.U = 2 * wiring.U + left[wiring.left[[invert(S3, x) for x in range(6)]]]
    wiring.U += right[:, wiring.right].transpose(1, 0, 2) + rng.integers(-4, 5, (6, d, d)) / 8
    wiring.kernels = (-2 * np.eye(d), left, right)
    circuit = make_circuit(S3, (1.0, -2.0))
    part = make_matrix_part(S3, circuit, range(len(circuit.positions)))
    return compose(S3, [wiring], take(circuit), make_remaining_section(circuit, part), damage=0.03)


ROUGH = COMPOSITIONS | {"S3 rough": make_rough()}

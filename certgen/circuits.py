"""Circuits of rho-sets in a trained network: which neurons are functions on the points of which G-sets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from certgen.cells import DEAD
from certgen.group import act_on_cosets, generate_subgroup
from certgen.model import approximate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from certcheck.group import Group
    from certcheck.network import Network

# A translate of a function is the function itself if their correlation is within one of these of 1.
STABILISER_TOLERANCES = (0.05, 0.02, 0.005)
# Below this part of a neuron's energy its input on one side counts as constant.
CONSTANT = 1e-4
# Scales of either sign that fit equally well to this part.
EVEN = 1e-3
LARGEST_POINTS = 128
LARGEST_CELLS = 2**12
ROUNDS = 3


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """A transitive G-set as the cosets of the stabiliser of its point 0; action: (n, d); stabiliser: its elements."""

    action: NDArray[np.int64]
    stabiliser: tuple[int, ...]

    @property
    def points(self) -> int:
        """The number d of points."""
        return int(self.action.shape[1])


@dataclass(slots=True)
class Circuit:
    """Neurons i with a_xi near to sigma_i phi(x^-1 b_i) and c_yi near to sigma_i phi_prime(y b'_i).

    phi: (d,), phi_prime: (d',); neurons, b, b_prime, sigma: (k,).
    """

    left: Side
    right: Side
    phi: NDArray[np.float64]
    phi_prime: NDArray[np.float64]
    neurons: NDArray[np.int64]
    b: NDArray[np.int64]
    b_prime: NDArray[np.int64]
    sigma: NDArray[np.float64]

    @property
    def cells_covered(self) -> int:
        """The number of cells that have a neuron."""
        return len(set(zip(self.b.tolist(), self.b_prime.tolist(), strict=True)))

    @property
    def cells(self) -> int:
        """The number of all cells."""
        return self.left.points * self.right.points


@dataclass(frozen=True, slots=True)
class Found:
    """Circuits, the heaviest neuron's first; neurons that are in none (loose), and those that carry nothing (dead)."""

    circuits: list[Circuit]
    loose: list[int]
    dead: list[int]


def find_circuits(network: Network, G: Group, tolerance: float) -> Found:
    """Circuits whose functions leave less than `tolerance` of the energy of each of their neurons' inputs."""
    a, c, U = (approximate(v) for v in (network.a, network.c, network.U))
    energy = (a**2).sum(axis=0) + (c**2).sum(axis=0)
    weight = np.sqrt(energy) * np.linalg.norm(U - U.mean(axis=0), axis=0)
    todo = weight > DEAD * weight.max()
    dead = np.flatnonzero(~todo).tolist()
    circuits, loose = [], []
    sides: list[Side] = []
    for i in np.argsort(-weight):
        if not todo[i]:
            continue
        circuit = _start(G, a[:, i], c[:, i], sides)
        if circuit is not None:
            for _ in range(ROUNDS):
                _collect(circuit, G, a, c, todo, tolerance)
                if len(circuit.neurons):
                    _refit(circuit, G, a, c)
        todo[i] = False
        if circuit is None or i not in circuit.neurons:
            loose.append(int(i))
        else:
            todo[circuit.neurons] = False
            circuits.append(circuit)
    return Found(circuits, loose, dead)


def _start(G: Group, a: NDArray[np.float64], c: NDArray[np.float64], sides: list[Side]) -> Circuit | None:
    """The circuit of one neuron's inputs, if each has a large stabiliser. Adds to the G-sets seen so far."""
    energy = (a**2).sum() + (c**2).sum()
    found = []
    # a(hx) = a(x) for h in the stabiliser of b where a(x) = phi(x^-1 b); c(yh) = c(y) of b' where c(y) = phi'(y b').
    for values, table in ((a, G.table), (c, G.table.T)):
        centred = values - values.mean()
        if (centred**2).sum() < CONSTANT * energy:
            stabiliser = tuple(range(G.order))
        else:
            correlation = np.array([centred[moved] @ centred for moved in table]) / (centred**2).sum()
            stabiliser = _find_stabiliser(G, correlation)
        points = G.order // len(stabiliser)
        if points > LARGEST_POINTS:
            return None
        found.append(_find_side(G, stabiliser, sides))
    (left, base), (right, base_prime) = found
    if left.points * right.points > LARGEST_CELLS:
        return None
    phi = _average(left, base, a[G.inverse])
    phi_prime = _average(right, base_prime, c)
    nothing = np.zeros(0, dtype=np.int64)
    return Circuit(left, right, phi, phi_prime, nothing, nothing, nothing, np.zeros(0))


def _find_stabiliser(G: Group, correlation: NDArray[np.float64]) -> tuple[int, ...]:
    """The elements whose translates correlate, if they are a subgroup at some tolerance; else e alone."""
    for tolerance in STABILISER_TOLERANCES:
        near = np.flatnonzero(correlation > 1 - tolerance)
        if G.order % len(near) == 0:
            H = generate_subgroup(G, near.tolist(), len(near) + 1)
            if len(H) == len(near):
                return H
    return (G.identity,)


def _find_side(G: Group, stabiliser: tuple[int, ...], sides: list[Side]) -> tuple[Side, int]:
    """The G-set with this stabiliser of a point, and the point: one seen before if there is one."""
    for side in sides:
        if G.order == side.points * len(stabiliser):
            # The points that the whole stabiliser fixes.
            fixed = np.flatnonzero((side.action[list(stabiliser)] == np.arange(side.points)).all(axis=0))
            if fixed.size:
                return side, int(fixed[0])
    sides.append(Side(act_on_cosets(G, stabiliser), stabiliser))
    # Point 0 is the coset with the smallest label.
    side = sides[-1]
    fixed = np.flatnonzero((side.action[list(stabiliser)] == np.arange(side.points)).all(axis=0))
    return side, int(fixed[0])


def _average(side: Side, base: int, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The function f on points with values[k] near to f(k base)."""
    points = side.action[:, base]
    sums = np.bincount(points, values, side.points)
    return sums / np.bincount(points, minlength=side.points)


def _collect(
    circuit: Circuit,
    G: Group,
    a: NDArray[np.float64],
    c: NDArray[np.float64],
    todo: NDArray[np.bool_],
    tolerance: float,
) -> None:
    """Take the neurons that fit the circuit's functions, with their points and scales."""
    candidates = np.flatnonzero(todo)
    left = circuit.phi[circuit.left.action[G.inverse]].T @ a[:, candidates]
    right = circuit.phi_prime[circuit.right.action].T @ c[:, candidates]
    size = (circuit.phi**2).mean() * G.order + (circuit.phi_prime**2).mean() * G.order
    energy = (a[:, candidates] ** 2).sum(axis=0) + (c[:, candidates] ** 2).sum(axis=0)
    positive, negative = left.max(axis=0) + right.max(axis=0), left.min(axis=0) + right.min(axis=0)
    # Where phi is near to an odd function both fit, and a negative scale costs tables of its own.
    is_positive = positive >= -negative * (1 - EVEN)
    overlap = np.where(is_positive, positive, negative)
    fits = energy - overlap**2 / size < tolerance * energy
    circuit.neurons = candidates[fits]
    circuit.b = np.where(is_positive, left.argmax(axis=0), left.argmin(axis=0))[fits]
    circuit.b_prime = np.where(is_positive, right.argmax(axis=0), right.argmin(axis=0))[fits]
    circuit.sigma = (overlap / size)[fits]


def _refit(circuit: Circuit, G: Group, a: NDArray[np.float64], c: NDArray[np.float64]) -> None:
    """Functions and scales that fit the neurons best, in turn."""
    n, total = G.order, (circuit.sigma**2).sum()
    left = circuit.left.action[G.inverse][:, circuit.b]
    right = circuit.right.action[:, circuit.b_prime]
    for side, points, values in ((0, left, a), (1, right, c)):
        size = (circuit.left, circuit.right)[side].points
        sums = np.bincount(points.ravel(), (values[:, circuit.neurons] * circuit.sigma).ravel(), size)
        fitted = sums / (total * n / size)
        if side:
            circuit.phi_prime = fitted
        else:
            circuit.phi = fitted
    predicted = np.concatenate([circuit.phi[left], circuit.phi_prime[right]])
    inputs = np.concatenate([a[:, circuit.neurons], c[:, circuit.neurons]])
    circuit.sigma = (predicted * inputs).sum(axis=0) / (predicted**2).sum(axis=0)

"""What can be shown of a certificate: each pair, what the network has learned, and what the proof rests on.

Only what is taken from certcheck's verdict is proved; the rest is float64, to look at.
"""

from __future__ import annotations

import hashlib
import math
import sys
import time
from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from certcheck.circuits import check_circuits
from certcheck.comparison import Auditor
from certcheck.decision import check
from certcheck.document import Certificate, ExhaustiveSection, MethodSection, RhoSetSection, parse_certificate
from certcheck.exhaustive import decide_pairs, evaluate_pairs, round_network
from certcheck.group import Group, check_group, compute_quotients
from certcheck.limits import LIMITS
from certcheck.network import Network, check_network
from certcheck.tightest import list_rows
from certcheck.verdict import Proof
from certgen.cells import is_moderate
from certgen.equivariant import LARGEST_ORDER
from certgen.failure import ExitCode, failing_as
from certgen.inspection import IrrepShares, KeyIrrep, compute_irrep_shares, find_inspected_circuits, find_key_irreps
from certgen.progress import follow
from certgen.representation import find_irreps
from certgen.subgroup_name import name_subgroup

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Up to this order every pair is shown.
MAP_ORDER = 256
# States of a pair.
OPEN, BY_ARGUMENT, BY_CASES = 0, 1, 2
# Circuits that are shown, and the eigenvalues of a function's translates that count as one.
MOST_CIRCUITS = 8
SAME = 1e-6
LARGEST_DIMENSION = 3
# A longer product of cycles is no label.
LONGEST_LABEL = 24


@dataclass(frozen=True, slots=True)
class PairMap:
    """For every pair, (n, n) at [x, y]: its state, its margin, and the wrong label that comes nearest.

    margins: certified lower bounds in logits, rounded down, NaN for a pair that is not proved correct.
    """

    states: NDArray[np.int8]
    margins: NDArray[np.float64]
    rivals: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class PointSet:
    """The points of a G-set with the function that the neurons of a circuit, by its index, are on it.

    phi: (d,) in units of the pre-activation. positions: (d, k), the orbit of a vector of one irreducible representation
    of dimension k; edges: the pairs of points that are nearest to each other there. is_drawn: whether k <= 3 and no
    two points are in one place.
    """

    circuit: int
    name: str
    neurons: int
    phi: NDArray[np.float64]
    positions: NDArray[np.float64]
    edges: list[tuple[int, int]]
    is_drawn: bool


@dataclass(frozen=True, slots=True)
class Portrait:
    """A certificate that certcheck has verified, and what is shown of it; None: not for a group of this size.

    sha256: of the certificate file. labels: each element as a product of cycles, where that is short; table: (n, n).
    circuits: of the certificate, or, if its method has none, found in the network; point_sets: of the first of them.
    """

    certificate: Certificate
    proof: Proof
    sha256: str
    seconds: float
    labels: list[str]
    table: NDArray[np.int16]
    pairs: PairMap | None
    irreps: list[IrrepShares] | None
    key_irreps: list[KeyIrrep] | None
    circuits: int
    point_sets: list[PointSet]

    @property
    def is_large(self) -> bool:
        """Whether there are more pairs than are shown."""
        return self.proof.order > MAP_ORDER

    @property
    def is_with_cases(self) -> bool:
        """Whether each pair that the argument leaves was evaluated."""
        method = self.certificate.method
        return isinstance(method, ExhaustiveSection) or method.cases is not None


def portray(data: bytes) -> Portrait:
    """What is shown of a certificate that certcheck verifies. Errors: Failure (NOT_VERIFIED)."""
    with failing_as(ExitCode.NOT_VERIFIED):
        certificate = parse_certificate(data)
        is_large = len(certificate.group.elements) > MAP_ORDER
        start = time.perf_counter()
        proof = check(data, Auditor(explain=not is_large))
        seconds = time.perf_counter() - start
        G = check_group(certificate.group.elements, "group.elements")
        network = check_network(certificate.network, G.order)
        pairs = None if is_large or G.order == 1 else map_pairs(network, G, certificate.method)
        circuits = list_circuits(network, G, certificate.method)
    is_told = is_moderate(network) and G.order <= LARGEST_ORDER
    irreps = find_irreps(G, certificate.group.name) if is_told else None
    return Portrait(
        certificate=certificate,
        proof=proof,
        sha256=hashlib.sha256(data).hexdigest(),
        seconds=seconds,
        labels=[label_element(row.tolist(), x) for x, row in enumerate(G.elements)],
        table=G.table,
        pairs=pairs,
        irreps=None if irreps is None else compute_irrep_shares(network, irreps),
        key_irreps=None if irreps is None else find_key_irreps(network, G, irreps),
        circuits=len(circuits),
        point_sets=[p for i, c in enumerate(circuits[:MOST_CIRCUITS]) for p in place_circuit(G, c, i)],
    )


def label_element(permutation: list[int], index: int) -> str:
    """The permutation as a product of cycles; its index, if that is long."""
    cycles, seen = "", set[int]()
    for first in range(len(permutation)):
        cycle, point = [], first
        while point not in seen:
            seen.add(point)
            cycle.append(point)
            point = permutation[point]
        if len(cycle) > 1:
            cycles += f"({' '.join(map(str, cycle))})"
    return (cycles or "e") if len(cycles) <= LONGEST_LABEL else f"element {index}"


def map_pairs(network: Network, G: Group, method: MethodSection) -> PairMap:
    """The state of every pair: as many of each as certcheck counts. Errors: those of the method."""
    n = G.order
    rows, bits = list_rows(network, G, method, "float64", LIMITS)
    cases = method if isinstance(method, ExhaustiveSection) else method.cases
    rounded = None if cases is None else round_network(network, cases, "float64")
    states, margins, rivals = np.full((n, n), OPEN, np.int8), np.full((n, n), np.nan), np.zeros((n, n), np.int64)
    xs, quotients = np.arange(n), compute_quotients(G.table)
    for v, terms in enumerate(follow(rows, "mapping pairs", n)):
        ys, others = quotients[:, v], np.delete(xs, v)
        ell = np.sum(list(terms.values()), axis=0)[:, others]
        low, nearest = ell.min(axis=1), ell.argmin(axis=1)
        is_proved = low > 0 if method is not cases else np.zeros(n, dtype=bool)
        states[xs[is_proved], ys[is_proved]] = BY_ARGUMENT
        margins[xs[is_proved], ys[is_proved]] = [round_margin(int(value), bits) for value in low[is_proved]]
        left = np.flatnonzero(~is_proved)
        if rounded is not None and left.size:
            pairs = left, ys[left]
            activations, differences = evaluate_pairs(rounded, v, pairs, others)
            decided = decide_pairs(network, rounded, v, pairs, activations, differences.min(axis=1))
            nearest[left] = differences.argmin(axis=1)
            right = np.flatnonzero(decided.is_correct)
            states[left[right], ys[left[right]]] = BY_CASES
            certified = decided.margins[right].tolist()
            margins[left[right], ys[left[right]]] = [round_margin(value, rounded.bits) for value in certified]
        rivals[xs, ys] = others[nearest]
    return PairMap(states, margins, rivals)


def round_margin(margin: int, bits: int) -> float:
    """In logits, rounded down: to six digits after the point, or to a number below where that would be 0 or above."""
    exact = Fraction(margin) / Fraction(2) ** bits
    rounded = to_float(Fraction(math.floor(exact * 10**6), 10**6))
    return rounded if 0 < rounded <= exact else math.nextafter(to_float(exact), 0)


def to_float(value: Fraction) -> float:
    """The nearest number, or the largest where the value is beyond them all."""
    largest = sys.float_info.max
    return float(min(max(value, Fraction(-largest)), Fraction(largest)))


@dataclass(frozen=True, slots=True)
class ShownCircuit:
    """A circuit of a certificate, or one found: what the group does to its points, (n, d), and phi, (d,), on each side.

    neurons: how many.
    """

    neurons: int
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    phi: NDArray[np.float64]
    phi_prime: NDArray[np.float64]


def list_circuits(network: Network, G: Group, method: MethodSection) -> list[ShownCircuit]:
    """The circuits of the certificate, or, if its method has none, those found in the network. Errors: of circuits."""
    if isinstance(method, RhoSetSection):
        unit, neurons = np.float64(2) ** -method.activation_bits, Counter(method.neurons[:, 0].tolist())
        return [
            ShownCircuit(neurons[i], c.left.action, c.right.action, unit * c.section.phi, unit * c.section.phi_prime)
            for i, c in enumerate(check_circuits(network, G, method).circuits)
        ]
    if not is_moderate(network):
        return []
    return [
        ShownCircuit(len(c.neurons), c.left.action, c.right.action, c.phi, c.phi_prime)
        for c in find_inspected_circuits(network, G).circuits
    ]


def place_circuit(G: Group, circuit: ShownCircuit, index: int) -> list[PointSet]:
    """The points of B, and of B' if that is another G-set, with phi and phi'; none for a side of one point."""
    sides = [("B", circuit.left, circuit.phi), ("B'", circuit.right, circuit.phi_prime)]
    if np.array_equal(circuit.left, circuit.right):
        sides = sides[:1]
    found = []
    for side, action, phi in sides:
        if action.shape[1] > 1:
            stabiliser = tuple(np.flatnonzero(action[:, 0] == 0).tolist())
            name = f"circuit {index}, {side}: {action.shape[1]} points, stabiliser {name_subgroup(G, stabiliser)}"
            positions, edges, is_drawn = place_points(G, action, phi)
            found.append(PointSet(index, name, circuit.neurons, phi, positions, edges, is_drawn))
    return found


def place_points(
    G: Group, action: NDArray[np.int64], phi: NDArray[np.float64]
) -> tuple[NDArray[np.float64], list[tuple[int, int]], bool]:
    """Positions of the points, the pairs that are nearest to each other, and whether they can be drawn in 3 dimensions.

    The translates of phi span invariant spaces of functions, the eigenspaces of their Gram matrix; the point b goes to
    the values at b of an orthonormal basis of the space that carries most. As phi is a function b -> <a, rho(b) v>,
    these are the vectors of its rho-set (arXiv 2410.07476, section 4), up to a rotation.
    """
    d = action.shape[1]
    translates = (phi - phi.mean())[action]
    values, vectors = np.linalg.eigh(translates.T @ translates / G.order)
    # A constant function has no translate but itself.
    k = int((values > values[-1] * (1 - SAME)).sum()) if values[-1] > 0 else 0
    positions = vectors[:, d - k :] * np.sqrt(d / max(1, k))
    distances = np.linalg.norm(positions[:, None] - positions, axis=2)
    distances[np.tril_indices(d)] = np.inf
    least = float(distances.min())
    is_drawn = k <= LARGEST_DIMENSION and least > SAME
    edges = [(int(b), int(c)) for b, c in np.argwhere(distances <= least + SAME)]
    return positions, edges, is_drawn

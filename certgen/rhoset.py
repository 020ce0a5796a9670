"""Method `rho-set`: kernels for the circuits found, everything rounded, and the cheapest certificate."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from certcheck.cases import prepare_cases, prepare_inquiry
from certcheck.circuits import DROPPED
from certcheck.document import RHO_SET_ERROR_TERMS, CircuitSection, ExhaustiveSection, RhoSetSection
from certcheck.evidence import NO_DEMANDS, Evidence, collect
from certcheck.rhoset import bound_pairs, evaluate_explanation, prepare_explanation, prepare_pair_test
from certcheck.verdict import Refusal
from certgen.cells import is_moderate
from certgen.circuits import Circuit, Found, Side, find_circuits
from certgen.fixed_point import choose_bits, round_to_integers
from certgen.model import approximate
from certgen.progress import follow
from certgen.proposal import LARGE_ORDER, Proposal

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from certcheck.explanation import Explanation
    from certcheck.group import Group
    from certcheck.network import Network

# Energy that a circuit may leave of its neurons' inputs.
TOLERANCES = (2e-4, 4e-3)
# One-sided kernels cost tables of their own: a circuit takes them if they leave less than this part of what K leaves.
ONE_SIDED = (0.0, 0.5, 1.0)
# A circuit whose kernels leave more than this part of the unembedding explains nothing: dropping it may be cheaper.
UNCLEAR = 0.9
SCALE_BITS = 20
# Magnitudes that leave certcheck's products room below 2^52.
ACTIVATION_MAGNITUDE = 24
UNEMBEDDING_MAGNITUDE = 17
TABLE_MAGNITUDE = 26
# Finer tables than this gain nothing.
FINEST_TABLE_BITS = 20
# On large groups so many rows must have most of their pairs proved by the argument, or the others are not tried.
PROBE = 8
# Triples that a certificate may leave to the scan.
MAX_SCAN = 4 * 10**9


@dataclass(frozen=True, slots=True)
class Kernels:
    """What explains the unembedding of a circuit's cells: K, j_L, j_R on pairs of points, None for zero.

    rest: the share of the energy of the centred unembedding that they leave.
    """

    kernel: NDArray[np.float64] | None
    left_kernel: NDArray[np.float64] | None
    right_kernel: NDArray[np.float64] | None
    rest: float


@dataclass(frozen=True, slots=True)
class RhoSetResult(Proposal):
    """A proposal with the circuits found and their kernels."""

    section: RhoSetSection
    found: Found
    kernels: list[Kernels]


def find_rho_sets(network: Network, G: Group, cases: ExhaustiveSection | None) -> RhoSetResult | None:
    """The certificate by circuits that proves most, and the cheapest of those; None if there are no circuits."""
    if G.order == 1 or not is_moderate(network):
        return None
    best: RhoSetResult | None = None
    for tolerance in TOLERANCES:
        found = find_circuits(network, G, tolerance)
        U = approximate(network.U)
        fits = [fit_kernels(G, circuit, gather_unembedding(U, circuit)) for circuit in found.circuits]
        for worthwhile in ONE_SIDED if fits else ():
            kernels = [sided if sided.rest < worthwhile * plain.rest else plain for plain, sided in fits]
            clear = [i for i, kernel in enumerate(kernels) if kernel.rest < UNCLEAR]
            for chosen in _distinct(clear, list(range(len(kernels)))):
                result = complete(network, G, choose(found, chosen), [kernels[i] for i in chosen], cases)
                if result is not None and (best is None or result.rank > best.rank):
                    best = result
                if best is not None and best.by_argument == G.order**2:
                    return best
    return best


def _distinct(*choices: list[int]) -> list[list[int]]:
    return [choice for i, choice in enumerate(choices) if choice and choice not in choices[:i]]


def choose(found: Found, chosen: list[int]) -> Found:
    """These circuits only; the neurons of the others become loose."""
    left_out = [c for i, c in enumerate(found.circuits) if i not in chosen]
    loose = [*found.loose, *(int(neuron) for circuit in left_out for neuron in circuit.neurons)]
    return Found([found.circuits[i] for i in chosen], loose, found.dead)


def gather_unembedding(U: NDArray[np.float64], circuit: Circuit) -> NDArray[np.float64]:
    """What reads the cells: (n, d, d'), the sum of |sigma_i| U_zi over the neurons of each cell."""
    U = U[:, circuit.neurons]
    gathered = np.zeros((len(U), circuit.left.points, circuit.right.points))
    for i, (b, b_prime) in enumerate(zip(circuit.b, circuit.b_prime, strict=True)):
        gathered[:, b, b_prime] += U[:, i] * abs(circuit.sigma[i])
    return gathered


def fit_kernels(G: Group, circuit: Circuit, U: NDArray[np.float64]) -> tuple[Kernels, Kernels]:
    """Kernels by averages over the group: K for the bi-equivariant part alone, and j_L, j_R for the one-sided ones.

    The averages commute, so that taking one after the other is the least-squares fit.
    """
    n, left, right = len(U), circuit.left.action, circuit.right.action
    U = U - U.mean(axis=2, keepdims=True)
    U -= U.mean(axis=1, keepdims=True)
    energy = (U**2).sum() + 1e-300
    left_kernel, right_kernel = np.zeros(U.shape[1:]), np.zeros(U.shape[1:])
    for z in range(n):
        # j_L(z^-1 b, b') and j_R(b, zb') are U_bb'(z) on average over z.
        left_kernel[left[G.inverse[z]]] += U[z] / n
        right_kernel[:, right[z]] += U[z] / n
    kernel = sum(right_kernel[left[g][:, None], right[g]] for g in range(n)) / n
    U -= kernel[:, right].transpose(1, 0, 2)
    plain = float((U**2).sum() / energy)
    U -= left_kernel[left[G.inverse]] - kernel[:, right].transpose(1, 0, 2)
    U -= (right_kernel - kernel)[:, right].transpose(1, 0, 2)
    both = float((U**2).sum() / energy)
    return Kernels(kernel, None, None, plain), Kernels(None, left_kernel, right_kernel - kernel, both)


def complete(
    network: Network, G: Group, found: Found, kernels: list[Kernels], cases: ExhaustiveSection | None
) -> RhoSetResult | None:
    """The rounded section with its error terms, evaluated by certcheck's own code; None if no scale fits it."""
    section = round_section(network, G, found, kernels, cases)
    try:
        explanation, cost, terms = prepare_explanation(network, G, section, "float64")
        if _count_left(G, explanation) * G.order > MAX_SCAN:
            return None
        rounded = prepare_cases(network, cases, "float64")
        inquiry = prepare_inquiry(rounded, NO_DEMANDS, G.order, section.table_bits)
        rows = follow(evaluate_explanation(network, G, explanation, inquiry, "float64"), "testing pairs", G.order)
        first = list(itertools.islice(rows, PROBE)) if G.order > LARGE_ORDER else []
        if 2 * sum(row.by_argument for row in first) < len(first) * G.order:
            return None
        evidence = collect(itertools.chain(first, rows), Evidence(0, 0, cost))
    except Refusal:
        return None
    section = replace(section, error_terms=terms)
    return RhoSetResult(section, evidence.by_argument, evidence.by_cases, evidence.cost, found, kernels)


def _count_left(G: Group, explanation: Explanation) -> int:
    """Pairs that the first test leaves to the scan."""
    test, left = prepare_pair_test(explanation, G.identity), 0
    for v in range(G.order):
        left += int((bound_pairs(explanation, test, v, G.table[G.inverse, v]) <= 0).sum())
    return left


def round_section(
    network: Network, G: Group, found: Found, kernels: list[Kernels], cases: ExhaustiveSection | None
) -> RhoSetSection:
    """The section without error terms; neurons in no circuit are dropped."""
    a, c, U, beta = (approximate(v) for v in (network.a, network.c, network.U, network.beta))
    cells = [gather_unembedding(U, circuit) for circuit in found.circuits]
    inputs = [max(np.abs(circuit.phi).max(), np.abs(circuit.phi_prime).max()) for circuit in found.circuits]
    activation_bits = choose_bits(max(np.abs(a).max(), np.abs(c).max(), *inputs), ACTIVATION_MAGNITUDE, 30)
    unembedding_bits = choose_bits(max(np.abs(u).max() for u in (U, *cells)), UNEMBEDDING_MAGNITUDE, 30)
    # No table is larger than all that all cells add up.
    largest = sum(4 * np.abs(u).sum(axis=(1, 2)).max() * size for u, size in zip(cells, inputs, strict=True))
    finest = min(FINEST_TABLE_BITS, activation_bits + unembedding_bits)
    sides: list[Side] = []
    neurons = np.zeros((a.shape[1], 4), dtype=np.int64)
    neurons[:, 0] = DROPPED
    sections = []
    for index, (circuit, fitted) in enumerate(zip(found.circuits, kernels, strict=True)):
        for side in (circuit.left, circuit.right):
            if side not in sides:
                sides.append(side)
        sigma = round_to_integers(circuit.sigma, SCALE_BITS)
        # A scale is not 0, however small.
        sigma[sigma == 0] = 1
        which = np.full(len(sigma), index)
        neurons[circuit.neurons] = np.stack([which, circuit.b, circuit.b_prime, sigma], axis=1)
        kernel, left_kernel, right_kernel = (
            None if k is None else round_to_integers(k, unembedding_bits)
            for k in (fitted.kernel, fitted.left_kernel, fitted.right_kernel)
        )
        sections.append(
            CircuitSection(
                left=sides.index(circuit.left),
                right=sides.index(circuit.right),
                phi=round_to_integers(circuit.phi, activation_bits),
                phi_prime=round_to_integers(circuit.phi_prime, activation_bits),
                kernel=kernel,
                left_kernel=left_kernel,
                right_kernel=right_kernel,
                middle=kernel is None,
            )
        )
    return RhoSetSection(
        activation_bits=activation_bits,
        unembedding_bits=unembedding_bits,
        scale_bits=SCALE_BITS,
        table_bits=choose_bits(largest + np.abs(beta).max(), TABLE_MAGNITUDE, finest),
        gsets=tuple(side.action[list(G.generators)] for side in sides),
        circuits=tuple(sections),
        neurons=neurons,
        error_terms=dict.fromkeys(RHO_SET_ERROR_TERMS, 0),
        remaining=None,
        cases=cases,
    )

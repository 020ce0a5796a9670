"""Circuits of rho-sets: neurons whose inputs are functions on the points of two G-sets, and what that leaves out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from certcheck.cells import bound_merging, sum_unembeddings
from certcheck.document import CircuitSection, RhoSetSection
from certcheck.exact import (
    INT64_EXACT,
    Integers,
    compute_integers,
    compute_largest,
    round_to_fixed_point,
    shift_up,
)
from certcheck.group import Group
from certcheck.gset import GSet, check_gset
from certcheck.limits import LIMITS, Limits, check_limit
from certcheck.network import Network
from certcheck.verdict import Reason, reject

# What a neuron that belongs to no circuit has in place of its circuit's index.
DROPPED = -1
REMAINING = -2
# Cells of one circuit: with entries of 32 bits, sums over them stay below 2^62.
MAX_CELLS_OF_CIRCUIT = 2**14


@dataclass(frozen=True, slots=True)
class Circuit:
    """What the cells (b, b') of d x d' points compute, and what reads them.

    A cell computes relu(phi(x^-1 b) + phi_prime(y b')) = r(x^-1 b) + c(y b') + Gamma_N(x^-1 b, y b') +
    Gamma_M(x^-1 b, y b'), where all row and column sums of Gamma_N are 0 and Gamma_M is invariant.
    row, column, gamma, middle: r, c, Gamma_N, Gamma_M rounded to nearest, (d,), (d',), (d, d'), (d, d'); gamma_norm:
    |Gamma_N| rounded up; in units of 2**-activation_bits.
    U: (n, d, d'), the cells' unembedding; negative_left: (n, d), negative_right: (n, d'), the same of the neurons with
    negative scale, summed over the other side; rounded to nearest at 2**-unembedding_bits.
    rounding: what all these roundings move in the difference of two logits, in units of the logits.
    """

    section: CircuitSection
    left: GSet
    right: GSet
    row: Integers
    column: Integers
    gamma: Integers
    middle: Integers
    gamma_norm: int
    U: Integers
    negative_left: Integers
    negative_right: Integers
    rounding: int


@dataclass(frozen=True, slots=True)
class Circuits:
    """All circuits. beta: (n,). x_error, y_error: (n,), rounding: for all z, z' the difference of the logits of the

    neurons in circuits and of the dropped ones is that of the circuits plus beta, to within x_error[x] + y_error[y] +
    rounding. In units of the logits, 2**-(activation_bits + unembedding_bits).
    """  # noqa: D400, D415 - the fields come first

    circuits: tuple[Circuit, ...]
    beta: Integers
    x_error: Integers
    y_error: Integers
    rounding: int
    multiply_adds: int


def check_circuits(network: Network, G: Group, section: RhoSetSection, limits: Limits = LIMITS) -> Circuits:
    """The circuits of a certificate, whatever they gather: the error terms measure it.

    Claim 14 and claim 18, with sigma phi(x^-1 b) for sigma alpha_xj and sigma phi'(y b') for sigma gamma_yj.
    Errors: GSET_WRONG, CIRCUIT_WRONG, CELLS_WRONG, SCALE_TOO_FINE, NUMBERS_TOO_MANY.
    """
    # Actions and their inverses, and six tables of half the size.
    points = sum(permutations.shape[1] for permutations in section.gsets)
    check_limit(limits, "numbers", (3 * points + 3 * G.order) * G.order, "method.gsets")
    gsets = [check_gset(g, G, f"method.gsets[{i}]") for i, g in enumerate(section.gsets)]
    for i, circuit in enumerate(section.circuits):
        _check_functions(circuit, gsets, G, f"method.circuits[{i}]")
    sizes = [(len(circuit.phi), len(circuit.phi_prime)) for circuit in section.circuits]
    # A few copies of what reads the cells.
    check_limit(limits, "numbers", 8 * sum(d * d_prime for d, d_prime in sizes) * G.order, "method.circuits")
    _check_neurons(section, sizes, network.a.shape[1])
    columns = compute_integers(network.U.numerators.transpose())
    circuits = tuple(
        _prepare_circuit(columns, section, i, (gsets[circuit.left], gsets[circuit.right]), network.U.bits)
        for i, circuit in enumerate(section.circuits)
    )
    x_error, y_error = _bound_inputs(network, section, circuits, columns)
    scale = section.activation_bits + section.unembedding_bits
    beta = round_to_fixed_point(network.beta, scale, "method")
    rounding = sum(circuit.rounding for circuit in circuits) + int(any(beta.residuals))
    # sigma U, for negative sigma three times, and the widths times what the inputs are off; sigma phi for each point.
    m, points = network.a.shape[1], max((d + d_prime for d, d_prime in sizes), default=0)
    cost = m * (3 * G.order + points) + 2 * G.order * int((section.neurons[:, 3] < 0).sum())
    return Circuits(circuits, beta.integers[0], x_error, y_error, rounding, cost)


def _check_functions(circuit: CircuitSection, gsets: list[GSet], G: Group, where: str) -> None:
    """Refuse functions that do not fit their points, and a kernel K that is not invariant."""
    if max(circuit.left, circuit.right) >= len(gsets):
        reject(Reason.CIRCUIT_WRONG, where, f"G-sets from 0 to {len(gsets) - 1}", f"{circuit.left}, {circuit.right}")
    left, right = gsets[circuit.left], gsets[circuit.right]
    shape = (left.points, right.points)
    fits = (len(circuit.phi), len(circuit.phi_prime)) == shape and all(k.shape == shape for k in circuit.kernels)
    if not fits or left.points * right.points > MAX_CELLS_OF_CIRCUIT:
        expected = f"functions and kernels on {shape} points, at most {MAX_CELLS_OF_CIRCUIT} cells"
        reject(Reason.CIRCUIT_WRONG, where, expected, "others")
    if circuit.kernel is not None:
        for g in G.generators:
            if (circuit.kernel[left.action[g][:, None], right.action[g]] != circuit.kernel).any():
                expected = f"a kernel with K(gb, gb') = K(b, b') for the generator [{g}]"
                reject(Reason.CIRCUIT_WRONG, f"{where}.kernel", expected, "another")


def _check_neurons(section: RhoSetSection, sizes: list[tuple[int, int]], m: int) -> None:
    """Refuse unless every neuron has one circuit, points of its G-sets and a scale, or none of them."""
    lowest = DROPPED if section.remaining is None else REMAINING
    if len(section.neurons) != m:
        reject(Reason.CELLS_WRONG, "method.neurons", f"a row for each of {m} neurons", f"{len(section.neurons)}")
    for i, (circuit, left, right, scale) in enumerate(section.neurons.tolist()):
        if lowest <= circuit < 0 and not left and not right and not scale:
            continue
        inside = 0 <= circuit < len(sizes) and 0 <= left < sizes[circuit][0] and 0 <= right < sizes[circuit][1]
        if not inside or not scale:
            expected = f"a circuit below {len(sizes)}, a cell of it and a scale that is not 0, or {lowest}..-1, 0, 0, 0"
            reject(Reason.CELLS_WRONG, f"method.neurons[{i}]", expected, f"{circuit}, {left}, {right}, {scale}")


def _prepare_circuit(
    columns: list[list[int]], section: RhoSetSection, index: int, sides: tuple[GSet, GSet], own_bits: int
) -> Circuit:
    circuit, (left, right) = section.circuits[index], sides
    d, d_prime, n = left.points, right.points, len(columns[0])
    g = np.maximum(circuit.phi[:, None] + circuit.phi_prime, 0)
    row, column, (gamma, middle, denominator) = _split(g, circuit, left, right)
    members = np.flatnonzero(section.neurons[:, 0] == index)
    _, b, b_prime, sigma = section.neurons[members].T
    own = [columns[i] for i in members.tolist()]
    shift = section.unembedding_bits - own_bits - section.scale_bits

    def gather(cell: Integers, factors: Integers, p: int) -> Integers:
        sums = np.zeros((n, p), dtype=np.int64)
        if own:
            # Long integers for the cells that have neurons only: there can be many more cells than neurons.
            used, place = np.unique(cell, return_inverse=True)
            sums[:, used] = sum_unembeddings(own, place, factors, len(used), shift)
        return sums

    U = gather(b * d_prime + b_prime, np.abs(sigma), d * d_prime).reshape(n, d, d_prime)
    negative = np.where(sigma < 0, -sigma, 0)
    gamma_norm = -(-_root_up(sum(int(v) ** 2 for v in gamma.ravel())) // denominator)
    # Each U is off by half a unit and r, c, Gamma by half a unit, and the difference of two outputs by twice that.
    rounding = int(g.sum()) + sum(int(np.abs(k).sum()) for k in circuit.kernels)
    rounding += int(np.ptp(U.sum(axis=2), axis=0).sum()) + int(np.ptp(U.sum(axis=1), axis=0).sum())
    if circuit.middle:
        rounding += int(np.abs(U).sum(axis=(1, 2)).max())
    if (sigma < 0).any():
        rounding += int(np.abs(circuit.phi).sum()) + int(np.abs(circuit.phi_prime).sum())
    return Circuit(
        circuit, left, right, row, column, _round(gamma, denominator), _round(middle, denominator), gamma_norm,
        U, gather(b, negative, d), gather(b_prime, negative, d_prime), rounding,
    )  # fmt: skip


def _split(
    g: Integers, circuit: CircuitSection, left: GSet, right: GSet
) -> tuple[Integers, Integers, tuple[NDArray[Any], NDArray[Any], int]]:
    """r and c rounded, and Gamma_N, Gamma_M with their common denominator, exact.

    Claim 18: given means over rows, columns and all, and the mean over the orbits of G on pairs of points, therefore
    all row and column sums of Gamma_N are 0, because those of every translate of Gamma are.
    """
    d, d_prime = g.shape
    over_rows, over_columns, total = g.sum(axis=1), g.sum(axis=0), g.sum()
    cells = d * d_prime
    # Half of the grand mean each.
    row = _round(2 * d * over_rows - total, 2 * cells)
    column = _round(2 * d_prime * over_columns - total, 2 * cells)
    centred = (cells * g - d * over_rows[:, None] - d_prime * over_columns + total).astype(object)
    if not circuit.middle:
        return row, column, (centred, np.zeros_like(centred), cells)
    n = len(left.action)
    pairs = left.action[:, :, None] * d_prime + right.action[:, None, :]
    _, orbit, size = np.unique(pairs.min(axis=0), return_inverse=True, return_counts=True)
    sums = np.zeros(len(size), dtype=object)
    np.add.at(sums, orbit.ravel(), centred.ravel())
    # The size of an orbit divides n.
    middle = (sums * (n // size))[orbit.reshape(g.shape)]
    return row, column, (n * centred - middle, middle, n * cells)


def _round(numerators: NDArray[Any], denominator: int) -> Integers:
    """Quotients rounded to nearest."""
    rounded: Integers = ((2 * numerators + denominator) // (2 * denominator)).astype(np.int64)
    return rounded


def _root_up(value: int) -> int:
    """The smallest integer whose square is not below."""
    root = math.isqrt(value)
    return root + (root * root < value)


def _bound_inputs(
    network: Network, section: RhoSetSection, circuits: tuple[Circuit, ...], columns: list[list[int]]
) -> tuple[Integers, Integers]:
    """What the inputs are off from the functions on points: x_error and y_error."""
    A, S = section.activation_bits, section.scale_bits
    shift = section.unembedding_bits - network.U.bits
    widths = [shift_up(max(u) - min(u), shift) for u in columns]
    of, _, _, sigma = section.neurons.T
    kept, dropped = np.flatnonzero(of >= 0), np.flatnonzero(of == DROPPED)
    errors = []
    for side, matrix in enumerate((network.a, network.c)):
        inputs = round_to_fixed_point(matrix, A, "method.activation_bits")
        if compute_largest(inputs.integers) << S >= INT64_EXACT >> 1:
            reject(Reason.SCALE_TOO_FINE, "method.scale_bits", "inputs below 2^61", "larger ones")
        predicted = np.zeros((len(inputs.integers), len(of)), dtype=np.int64)
        for index, circuit in enumerate(circuits):
            members = np.flatnonzero(of == index)
            phi = circuit.section.phi_prime if side else circuit.section.phi
            points = circuit.right.action if side else circuit.left.inverse_action
            # Below 2^62: both have 32 bits.
            values = sigma[members, None] * phi
            predicted[:, members] = values[np.arange(len(members)), points[:, section.neurons[members, 1 + side]]]
        errors.append(bound_merging(inputs, widths, kept, dropped, predicted[:, kept], S))
    return errors[0], errors[1]

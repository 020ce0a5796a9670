"""Step 1: neurons with nearly proportional inputs are gathered into cells."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from certcheck.document import EquivariantSection
from certcheck.exact import INT64_EXACT, FixedPointMatrix, Integers, compute_integers, round_to_fixed_point, shift_up
from certcheck.network import Network
from certcheck.verdict import Reason, reject

MAX_ACTIVATION = 2**40


@dataclass(frozen=True, slots=True)
class Cells:
    """g_j(x, y) = relu(alpha_xj + gamma_yj) for cells j, and what they leave out.

    alpha, gamma: (n, p) in units of 2**-activation_bits. U: (n, p), the cells' unembedding in units of
    2**-unembedding_bits. negative: (n, q), the same of the neurons with negative scale, for the cells `negative_cells`.
    beta: (n,); x_error, y_error: (n,): for every z, z' the logits' difference is that of
    sum_j U_zj g_j - sum_j negative_zj (alpha_xj + gamma_yj) + beta_z, to within x_error[x] + y_error[y]. In units of
    2**-(activation_bits + unembedding_bits).
    """

    alpha: Integers
    gamma: Integers
    U: Integers
    negative: Integers
    negative_cells: list[int]
    beta: Integers
    x_error: Integers
    y_error: Integers
    multiply_adds: int


def check_cells(network: Network, section: EquivariantSection) -> Cells:
    """The cells of a certificate, whatever it gathers: the error terms measure it.

    Claim 14: as relu(sigma s) = |sigma| relu(s) - [sigma < 0] |sigma| s and relu moves nothing further apart, a neuron
    with scale sigma in cell j differs from that by at most |a_xi - sigma alpha_xj| + |c_yi - sigma gamma_yj|, and a
    dropped one from 0 by at most max(a_xi, 0) + max(c_yi, 0); times the width of its unembedding, and the roundings of
    U times what they multiply.
    Errors: CELLS_WRONG, SCALE_TOO_FINE.
    """
    n, m = network.a.shape
    p, S = section.cells, section.scale_bits
    cell, sigma, share = section.neurons.T
    if len(cell) != m or not 1 <= p <= m or cell.min() < -1 or cell.max() >= p or (sigma[cell >= 0] == 0).any():
        expected = f"at most {m} cells, and for each of {m} neurons a cell from -1 to {p - 1} and a scale"
        reject(Reason.CELLS_WRONG, "method.neurons", expected, "others")
    kept, dropped = np.flatnonzero(cell >= 0), np.flatnonzero(cell < 0)
    a, c = (round_to_fixed_point(v, section.activation_bits, "method.activation_bits") for v in (network.a, network.c))
    largest = max(int(np.abs(v.integers).max()) for v in (a, c))
    factors = max(1 << S, int(np.abs(sigma).max()), int(np.abs(share).max()))
    if largest * factors * factors * m >= INT64_EXACT << S:
        reject(Reason.SCALE_TOO_FINE, "method.scale_bits", "scales whose products stay below 2^62", "larger ones")
    alpha, gamma = (_gather(v.integers * share, cell, p) >> S for v in (a, c))
    if max(int(np.abs(alpha).max()), int(np.abs(gamma).max())) >= MAX_ACTIVATION:
        reject(Reason.SCALE_TOO_FINE, "method.activation_bits", "cells below 2^40", "larger ones")
    columns = compute_integers(network.U.numerators.transpose())
    B, own = section.unembedding_bits, network.U.bits
    U, negative_all = (
        sum_unembeddings(columns, cell, np.abs(sigma) * which, p, B - own - S) for which in (1, sigma < 0)
    )
    negative_cells = sorted(set(cell[kept][sigma[kept] < 0].tolist()))
    beta = round_to_fixed_point(network.beta, section.activation_bits + B, "method")
    widths = [shift_up(max(u) - min(u), B - own) for u in columns]
    errors = []
    for side, cells in ((a, alpha), (c, gamma)):
        rounding = np.maximum(cells, 0).sum(axis=1) + np.abs(cells[:, negative_cells]).sum(axis=1)
        predicted = sigma[kept] * cells[:, cell[kept]]
        errors.append(bound_merging(side, widths, kept, dropped, predicted, S) + rounding)
    x_error = errors[0] + int(any(beta.residuals))
    cost = n * (2 * m + 2 * len(kept) + 2 * m + len(kept) + int((sigma[kept] < 0).sum()))
    negative = negative_all[:, negative_cells]
    return Cells(alpha, gamma, U, negative, negative_cells, beta.integers[0], x_error, errors[1], cost)


def bound_merging(
    side: FixedPointMatrix,
    widths: list[int],
    kept: NDArray[np.intp],
    dropped: NDArray[np.intp],
    predicted: Integers,
    scale_bits: int,
) -> Integers:
    """What one side of the inputs adds to the difference of two logits if some neurons are replaced, others dropped.

    For each row sum_i w_i |side - predicted| over the kept neurons and sum_i w_i max(side, 0) over the dropped ones,
    with the widths w_i of their unembeddings, rounded up; predicted: (n, kept) in units of `scale_bits` places more.
    Errors: SCALE_TOO_FINE.
    """
    moved = np.zeros(side.integers.shape, dtype=np.int64)
    # Rounded up: a unit more is safe.
    moved[:, kept] = -(-np.abs((side.integers[:, kept] << scale_bits) - predicted) >> scale_bits)
    moved[:, dropped] = np.maximum(side.integers[:, dropped], 0)
    touched = np.zeros(len(widths), dtype=np.int64)
    touched[[*kept, *dropped]] = 1
    moved += touched * np.array([residual > 0 for residual in side.residuals], dtype=np.int64)
    error = moved.astype(object) @ np.array(widths, dtype=object)
    if max(error) >= INT64_EXACT >> 4:
        reject(Reason.SCALE_TOO_FINE, "method", "error terms below 2^58", "larger ones")
    bound: Integers = error.astype(np.int64)
    return bound


def _gather(values: Integers, cell: Integers, p: int) -> Integers:
    """Column sums over the neurons of each cell; shape (n, p)."""
    sums = np.zeros((p, len(values)), dtype=np.int64)
    np.add.at(sums, cell[cell >= 0], values.T[cell >= 0])
    return sums.T


def sum_unembeddings(columns: list[list[int]], cell: Integers, factors: Integers, p: int, shift: int) -> Integers:
    """Sum of factor times U over the neurons of each cell, exact, then rounded to nearest once."""
    sums = np.zeros((p, len(columns[0])), dtype=object)
    for column, j, factor in zip(columns, cell.tolist(), factors.tolist(), strict=True):
        if j >= 0 and factor:
            sums[j] += np.array(column, dtype=object) * factor
    rounded = sums << shift if shift >= 0 else (sums + (1 << -shift >> 1)) >> -shift
    if np.abs(rounded).max() >= INT64_EXACT >> 16:
        reject(Reason.SCALE_TOO_FINE, "method.unembedding_bits", "an unembedding below 2^46", "a larger one")
    return rounded.astype(np.int64).T.copy()

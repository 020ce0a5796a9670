"""What circuits say of every margin: tables of two group elements, and distances of outputs for the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from certcheck.circuits import Circuit, Circuits
from certcheck.exact import (
    FLOAT64_EXACT,
    INT64_EXACT,
    Integers,
    ceil_sqrt,
    compute_largest,
    divide_up,
    multiply,
    prepare_right_factor,
)
from certcheck.verdict import Reason, reject

# Differences of two entries of six tables, each rounded down to a unit.
TABLE_ROUNDING = 6
# Sums of six entries below this fit 32 bits.
MAX_TABLE = 2**28
MAX_ERROR = 2**48
# Entries of a table that are made at once.
BLOCK = 2**20

Table = NDArray[np.int32]
Rests = tuple[tuple[Integers, int], ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Tables (n, n): P[x, z], Q[y, z], L[y, x^-1 z], R[x, z y^-1], M[xy, z]; F: (n,), F[x^-1 z y^-1].

    For every z, z' the difference of two logits is that of their sum, to within x_error[x] + y_error[y] + rounding +
    the distance of z and z' in `rests`. Tables and errors in units of 2**-table_bits.
    rests: for each circuit D, (n, d d'), in units of 2**-unembedding_bits, and |Gamma_N|; their product has `shift`
    places more than the tables. rest_bounds: (n,), for every z a bound on its distance from any other z'.
    """

    P: Table
    Q: Table
    L: Table
    R: Table
    M: Table
    F: Table
    x_error: Integers
    y_error: Integers
    rounding: int
    rests: Rests
    rest_bounds: Integers
    shift: int


def explain(circuits: Circuits, shift: int, arithmetic: str) -> tuple[Explanation, Counter[str]]:
    """The tables of circuits whose logits have `shift` places more, and what they cost.

    Claim 19: given sum_bb' U_bb'(z) times what the cells compute, with U = K(b, zb') + j_L(z^-1 b, b') + j_R(b, zb') +
    D + functions of b or of b' alone, therefore the terms are these tables, because substituting points turns each
    into a function of two elements, and sums of Gamma_N over b or b' vanish.
    Errors: SCALE_TOO_FINE.
    """
    n, each = len(circuits.beta), circuits.circuits
    zero = np.zeros(n, dtype=np.int64)
    if shift < 0 or compute_largest(circuits.beta) >= INT64_EXACT >> 2:
        reject(Reason.SCALE_TOO_FINE, "method.table_bits", "no finer scale than that of the logits", "a finer one")
    P, P_cost = _tabulate_side(_read_left(each), circuits.beta, shift, arithmetic)
    Q, Q_cost = _tabulate_side(_read_right(each), zero, shift, arithmetic)
    L, L_cost = _tabulate(list(_read_left_kernels(each)), zero, shift, arithmetic)
    R, R_cost = _tabulate(list(_read_right_kernels(each)), zero, shift, arithmetic)
    M, M_cost = _tabulate(list(_read_middle(each)), zero, shift, arithmetic)
    F = sum((_sum_bi_equivariant(circuit) for circuit in each), start=zero) >> shift
    _check_entries(F)
    rests = tuple((_compute_rest(circuit), circuit.gamma_norm) for circuit in each)
    numbers = sum(D.size for D, _ in rests)
    bi_equivariant = sum(c.U.size for c in each if c.section.kernel is not None)
    cost = Counter(
        # F, the norms of the rests, and their products with |Gamma_N|.
        multiply_adds=P_cost + Q_cost + L_cost + R_cost + M_cost + bi_equivariant + numbers + n * len(each),
        additions=5 * n * n + 5 * numbers,
    )
    x_error, y_error = (divide_up(error, shift) for error in (circuits.x_error, circuits.y_error))
    rounding = TABLE_ROUNDING - (-circuits.rounding >> shift)
    if rounding + compute_largest(x_error) + compute_largest(y_error) >= MAX_ERROR:
        reject(Reason.SCALE_TOO_FINE, "method.table_bits", "error terms below 2^48", "larger ones")
    return Explanation(
        P, Q, L, R, M, F.astype(np.int32), x_error, y_error, rounding, rests, bound_rests(rests, n, shift), shift
    ), cost


# A function on points, the point of every element and base point, (n, d), and what reads the cells there, (n, d).
Reader = tuple[Integers, NDArray[np.intp], Integers]


def _read_left(circuits: tuple[Circuit, ...]) -> Iterator[Reader]:
    """r(x^-1 b) and, for neurons with negative scale, -phi(x^-1 b)."""
    for circuit in circuits:
        yield circuit.row, circuit.left.inverse_action, circuit.U.sum(axis=2)
        if circuit.negative_left.any():
            yield -circuit.section.phi, circuit.left.inverse_action, circuit.negative_left


def _read_right(circuits: tuple[Circuit, ...]) -> Iterator[Reader]:
    """c(y b') and, for neurons with negative scale, -phi'(y b')."""
    for circuit in circuits:
        yield circuit.column, circuit.right.action, circuit.U.sum(axis=1)
        if circuit.negative_right.any():
            yield -circuit.section.phi_prime, circuit.right.action, circuit.negative_right


def _tabulate_side(readers: Iterable[Reader], constant: Integers, shift: int, arithmetic: str) -> tuple[Table, int]:
    """Sum over the readers of sum_b f(x^-1 b) V_b(z), plus a constant of z.

    As f(x^-1 b) takes every value once, it is sum_b f(b) V_0(z) + sum_{b > 0} f(x^-1 b) (V_b(z) - V_0(z)).
    """
    factors = []
    for f, points, V in readers:
        if int(np.abs(f).sum()) * compute_largest(V) >= INT64_EXACT >> 9:
            reject(Reason.SCALE_TOO_FINE, "method.activation_bits", "tables below 2^53", "larger ones")
        constant = constant + f.sum() * V[:, 0]
        factors.append((f[points][:, 1:], V[:, 1:] - V[:, :1]))
    return _tabulate(factors, constant, shift, arithmetic)


def _read_left_kernels(circuits: tuple[Circuit, ...]) -> Iterator[tuple[Integers, Integers]]:
    """L[y, t] = sum j_L(t^-1 b, b') Gamma(b, yb')."""
    for c in circuits:
        if c.section.left_kernel is not None:
            n = len(c.U)
            gamma = c.gamma[:, c.right.action].transpose(1, 0, 2)
            yield gamma.reshape(n, -1), c.section.left_kernel[c.left.inverse_action].reshape(n, -1)


def _read_right_kernels(circuits: tuple[Circuit, ...]) -> Iterator[tuple[Integers, Integers]]:
    """R[x, s] = sum j_R(b, sb') Gamma(x^-1 b, b')."""
    for c in circuits:
        if c.section.right_kernel is not None:
            n = len(c.U)
            kernel = c.section.right_kernel[:, c.right.action].transpose(1, 0, 2)
            yield c.gamma[c.left.inverse_action].reshape(n, -1), kernel.reshape(n, -1)


def _read_middle(circuits: tuple[Circuit, ...]) -> Iterator[tuple[Integers, Integers]]:
    """M[w, z] = sum U_bb'(z) Gamma_M(w^-1 b, b')."""
    for c in circuits:
        if c.section.middle:
            yield c.middle[c.left.inverse_action].reshape(len(c.U), -1), c.U.reshape(len(c.U), -1)


def _sum_bi_equivariant(circuit: Circuit) -> Integers:
    """F[t] = sum K(b, tb') Gamma(b, b')."""
    K, n = circuit.section.kernel, len(circuit.U)
    if K is None:
        return np.zeros(n, dtype=np.int64)
    if int(np.abs(K).sum()) * compute_largest(circuit.gamma) >= INT64_EXACT >> 9:
        reject(Reason.SCALE_TOO_FINE, "method.activation_bits", "tables below 2^53", "larger ones")
    moved = K[:, circuit.right.action].transpose(1, 0, 2)
    F: Integers = (moved * circuit.gamma).sum(axis=(1, 2))
    return F


def _compute_rest(circuit: Circuit) -> Integers:
    """D, (n, d d'): what the kernels leave of U, less its means over rows and columns, rounded in any way."""
    s, rest = circuit.section, circuit.U.copy()
    if s.kernel is not None:
        rest -= s.kernel[:, circuit.right.action].transpose(1, 0, 2)
    if s.left_kernel is not None:
        rest -= s.left_kernel[circuit.left.inverse_action]
    if s.right_kernel is not None:
        rest -= s.right_kernel[:, circuit.right.action].transpose(1, 0, 2)
    rest -= (rest.sum(axis=2) // rest.shape[2])[:, :, None]
    rest -= (rest.sum(axis=1) // rest.shape[1])[:, None, :]
    flat = rest.reshape(len(rest), -1)
    if 4 * flat.shape[1] * compute_largest(flat) ** 2 >= FLOAT64_EXACT:
        reject(Reason.SCALE_TOO_FINE, "method.unembedding_bits", "remainders whose squares stay below 2^52", "larger")
    return flat


def _tabulate(
    factors: list[tuple[Integers, Integers]], constant: Integers, shift: int, arithmetic: str
) -> tuple[Table, int]:
    """Sum over the factors (X, W), each (n, k), of X W^T, plus a constant of the column; rounded down to tables."""
    n = len(constant)
    if not factors:
        _check_entries(row := constant >> shift)
        return np.broadcast_to(row.astype(np.int32), (n, n)), 0
    X = np.hstack([left for left, _ in factors])
    factor = prepare_right_factor(np.hstack([right for _, right in factors]).T.copy(), arithmetic)
    table = np.empty((n, n), dtype=np.int32)
    step = max(1, BLOCK // n)
    for start in range(0, n, step):
        block = multiply(X[start : start + step], factor, "method") + constant >> shift
        _check_entries(block)
        table[start : start + step] = block
    return table, X.size * n


def _check_entries(entries: Integers) -> None:
    if compute_largest(entries) >= MAX_TABLE:
        reject(Reason.SCALE_TOO_FINE, "method.table_bits", "tables below 2^28", "larger ones")


def bound_rests(rests: Rests, n: int, shift: int) -> Integers:
    """For every z a bound on its distance from any other z' in the rests, (n,), in units of 2**-table_bits."""
    total = np.zeros(n, dtype=np.int64)
    for D, gamma_norm in rests:
        norms = ceil_sqrt((D**2).sum(axis=1))
        total += _scale(norms + norms.max(), gamma_norm, shift)
    return total


def bound_rest_distances(explanation: Explanation, arithmetic: str) -> tuple[Table, Counter[str]]:
    """For every z and z' a bound on their distance in the rests, (n, n), in units of 2**-table_bits; what it costs."""
    n = len(explanation.F)
    table, step = np.zeros((n, n), dtype=np.int32), max(1, BLOCK // n)
    for D, gamma_norm in explanation.rests:
        factor, squares = prepare_right_factor(D.T.copy(), arithmetic), (D**2).sum(axis=1)
        for start in range(0, n, step):
            rows = slice(start, start + step)
            distances = squares[rows, None] + squares - 2 * multiply(D[rows], factor, "method")
            block = table[rows] + _scale(ceil_sqrt(distances), gamma_norm, explanation.shift)
            _check_entries(block)
            table[rows] = block
    products = n * n * (1 + sum(D.shape[1] for D, _ in explanation.rests))
    return table, Counter(multiply_adds=products, additions=3 * n * n * len(explanation.rests))


def _scale(distances: Integers, gamma_norm: int, shift: int) -> Integers:
    """distances * gamma_norm in units of the tables, rounded up."""
    if compute_largest(distances) * gamma_norm >= INT64_EXACT >> 9:
        reject(Reason.SCALE_TOO_FINE, "method.activation_bits", "remainders below 2^53", "larger ones")
    return divide_up(distances * gamma_norm, shift)

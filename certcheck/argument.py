"""What the argument reads of a certificate, the same for all pairs: tables, distances, errors (steps 1 to 4)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from certcheck.cells import Cells, check_cells
from certcheck.document import EquivariantSection, RepresentationSection
from certcheck.evidence import check_cost
from certcheck.exact import (
    INT64_EXACT,
    Integers,
    RightFactor,
    ceil_fraction,
    ceil_sqrt,
    compute_largest,
    divide_up,
    multiply,
    prepare_right_factor,
)
from certcheck.group import Group
from certcheck.limits import LIMITS, Limits, check_limit
from certcheck.network import Network
from certcheck.representation import DISTANCE_BITS, MAX_NORM_ENTRY, Representation, check_representation
from certcheck.verdict import Reason, reject

# Differences of two entries of five tables, each rounded down to a unit.
TABLE_ROUNDING = 5
MAX_BASIS_ENTRY = 2**7
# The coefficients in signed permutation matrices are 2**-POSITION_BITS times powers of two, so that V takes shifts
# and additions and no product.
POSITION_BITS = 8


@dataclass(frozen=True, slots=True)
class Part:
    """One representation with all that the argument reads of it.

    positions: (k, 3), of signed permutation matrices; of matrices, empty. For matrices only, as right factors:
    coefficients (k, q), their basis (q, d * d) if there is one, left and right, L and rho, (d, n d).
    V_error: how far the norm of V is moved by its rounding, in units of 2**-table_bits.
    """

    section: RepresentationSection
    rho: Representation
    positions: Integers
    coefficients: RightFactor
    basis: RightFactor | None
    left: RightFactor | None
    right: RightFactor | None
    V_error: int


@dataclass(frozen=True, slots=True)
class Argument:
    """What is the same for all pairs. Tables (n, n): P[x, z], Q[y, z], L[y, x^-1 z], R[x, z y^-1], M[xy, z].

    Tables and errors in units of 2**-table_bits; u, v: (n, p), the reference vectors, in units of the cells.
    remainders: (n, n), |U_res_v - U_res_z| in units of 2**-unembedding_bits.
    """

    section: EquivariantSection
    cells: Cells
    parts: tuple[Part, ...]
    u: Integers
    v: Integers
    P: Integers
    Q: Integers
    L: Integers
    R: Integers
    M: Integers
    x_error: Integers
    y_error: Integers
    remainders: Integers
    arithmetic: str


def prepare_argument(
    network: Network, G: Group, section: EquivariantSection, arithmetic: str, limits: Limits = LIMITS
) -> tuple[Argument, Counter[str], dict[str, int]]:
    """Steps 1 to 4 as far as they are the same for all pairs; the cost; the error terms so far."""
    T, A, B = section.table_bits, section.activation_bits, section.unembedding_bits
    finest = min(A + POSITION_BITS, A + B - DISTANCE_BITS, A + section.coefficient_bits)
    if finest < T or not POSITION_BITS <= B <= section.representation_bits + section.coefficient_bits:
        reject(Reason.SCALE_TOO_FINE, "method.table_bits", "no finer scale than the activations", f"{T}")
    # Tables and norms of all pairs, and their copies as the scan reads them.
    K = len(section.representations)
    check_limit(limits, "numbers", (2 * K + 18) * G.order**2, "method.representations")
    # For all pairs the cells of each representation are picked out, which takes as long as 8 additions.
    carried = sum(len(r.cells) for r in section.representations)
    check_limit(limits, "additions", 8 * carried * G.order**2, "method.representations")
    cells = check_cells(network, section)
    cost = Counter(multiply_adds=cells.multiply_adds)
    n, p = cells.alpha.shape
    parts = tuple(
        _prepare_part(r, G, section, arithmetic, f"method.representations[{i}]", limits)
        for i, r in enumerate(section.representations)
    )
    _check_constants(parts)
    cost["multiply_adds"] += 2 * n * n * (p + len(cells.negative_cells)) + p * n * n
    cost["multiply_adds"] += sum(_count_part(part, n) for part in parts)
    check_cost(cost, limits)
    u, v = _center(cells)
    U = prepare_right_factor(cells.U.T.copy(), arithmetic)
    negative = prepare_right_factor(cells.negative.T.copy(), arithmetic)
    P, Q = (
        multiply(means, U, "method") - multiply(linear[:, cells.negative_cells], negative, "method")
        for means, linear in ((u, cells.alpha), (v, cells.gamma))
    )
    L, R, M = (
        _sum_tables(parts, side, n, section.representation_bits, arithmetic) for side in ("left", "right", "middle")
    )
    remainders = _bound_remainders(cells, parts, section, arithmetic)
    cost["additions"] += 4 * n * n * p + sum(
        3 * n * n * part.rho.degree for part in parts if part.rho.action is not None
    )
    merging = [divide_up(error, A + B - T) for error in (cells.x_error, cells.y_error)]
    homomorphism = [np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)]
    for part in parts:
        eta = ceil_fraction(2 * part.rho.homomorphism * 2**24)
        homomorphism[0] += divide_up(eta * bound_norms(part.section.right), 24)
        homomorphism[1] += divide_up(eta * bound_norms(part.section.left), 24)
    terms = {
        "merging": sum(int(e.max()) for e in merging),
        "rounding": TABLE_ROUNDING,
        "homomorphism": sum(int(e.max()) for e in homomorphism),
        "equivariance": 0,
        "remainder": 0,
    }
    x_error, y_error = (m + h for m, h in zip(merging, homomorphism, strict=True))
    P += cells.beta
    shifted = (P >> (A + B - T), Q >> (A + B - T), L, R, M)
    argument = Argument(section, cells, parts, u, v, *shifted, x_error, y_error, remainders, arithmetic)
    return argument, cost, terms


def _prepare_part(
    section: RepresentationSection, G: Group, whole: EquivariantSection, arithmetic: str, where: str, limits: Limits
) -> Part:
    rho = check_representation(section, G, whole.representation_bits, where, limits)
    d, k = rho.degree, len(section.cells)
    shape = (G.order, d, d)
    fits = section.left.shape == section.right.shape == section.middle.shape == shape
    # Each cell once: what is rounded for it is rounded once in each representation.
    fits = fits and bool((np.diff(section.cells) > 0).all())
    fits = fits and bool(((section.cells >= 0) & (section.cells < whole.cells)).all())
    fits = fits and (_fit_positions(section, k, d) if rho.action is not None else _fit_coefficients(section, k, d))
    if not fits:
        expected = f"cells below {whole.cells} in order, coefficients and tables of size {d}"
        reject(Reason.COEFFICIENTS_WRONG, where, expected, "others")
    V_error = _bound_rounding(section.basis, d)
    nothing = np.zeros((0, 3), dtype=np.int64)
    positions = nothing if section.positions is None else section.positions
    given = nothing if section.coefficients is None else section.coefficients
    coefficients = prepare_right_factor(given, arithmetic)
    if rho.action is not None:
        return Part(section, rho, positions, coefficients, None, None, None, V_error)
    left, right = (
        prepare_right_factor(m.transpose(1, 0, 2).reshape(d, -1).copy(), arithmetic)
        for m in (section.left, rho.matrices)
    )
    basis = None if section.basis is None else prepare_right_factor(section.basis.reshape(-1, d * d), arithmetic)
    return Part(section, rho, positions, coefficients, basis, left, right, V_error)


def _fit_positions(section: RepresentationSection, k: int, d: int) -> bool:
    """Whether the coefficients of signed permutation matrices are entries of theirs, with powers of two as values."""
    if section.positions is None or section.positions.shape != (k, 3):
        return False
    entries, values = section.positions[:, :2], np.abs(section.positions[:, 2])
    powers = (values >= 1) & (values <= 1 << 2 * POSITION_BITS) & (values & (values - 1) == 0)
    return bool(((entries >= 0) & (entries < d)).all() and powers.all())


def _fit_coefficients(section: RepresentationSection, k: int, d: int) -> bool:
    """Whether the coefficients of matrices have the size of their basis, and this has small entries."""
    basis, coefficients = section.basis, section.coefficients
    if coefficients is None or coefficients.ndim != 2:  # noqa: PLR2004 - cells and coordinates
        return False
    if basis is None:
        return coefficients.shape == (k, d * d)
    q = len(basis)
    fits = coefficients.shape == (k, q) and basis.shape == (q, d, d) and q <= d * d
    return fits and compute_largest(basis) < MAX_BASIS_ENTRY


def _bound_rounding(basis: Integers | None, d: int) -> int:
    """What rounding down the coordinates of V, then the entries of E, each by less than a unit, adds to the norm of E.

    Without a basis the coordinates are the d * d entries.
    """
    coordinates = d if basis is None else int(ceil_sqrt((np.abs(basis).sum(axis=0) ** 2).sum()))
    return coordinates + d


def _check_constants(parts: tuple[Part, ...]) -> None:
    """Refuse constants that go to a representation that is not the sign of theirs, or came before."""
    for i, part in enumerate(parts):
        to = part.section.constants_to
        if to is None:
            continue
        fits = i < to < len(parts) and part.rho.action is not None and parts[to].rho.action is not None
        # Constants are passed on once only.
        fits = fits and part.rho.degree > 1 and parts[to].rho.degree == 1
        if not fits or (parts[to].rho.signs != part.rho.signs).any():
            where = f"method.representations[{i}].constants_to"
            reject(Reason.COEFFICIENTS_WRONG, where, "a later representation of size 1 with the same signs", f"{to}")


def _center(cells: Cells) -> tuple[Integers, Integers]:
    """Step 2: reference vectors u, v near to the means of g over y and x. Any vectors would do."""
    n, p = cells.alpha.shape
    u, v = np.zeros((n, p), dtype=np.int64), np.zeros((n, p), dtype=np.int64)
    for x in range(n):
        g = np.maximum(cells.alpha[x] + cells.gamma, 0)
        u[x] = g.sum(axis=0) // n
        v += g
    v //= n
    grand = u.sum(axis=0) // n
    return u - grand // 2, v - (grand - grand // 2)


def _sum_tables(parts: tuple[Part, ...], side: str, n: int, bits: int, arithmetic: str) -> Integers:
    """Sum of <rho(w), L(y)> over the representations: (n, n), [y, w], in units of 2**-table_bits, rounded down."""
    total, largest = np.zeros((n, n), dtype=np.int64), 0
    for part in parts:
        d = part.rho.degree
        features = prepare_right_factor(part.rho.matrices.reshape(n, d * d).T.copy(), arithmetic)
        table = multiply(getattr(part.section, side).reshape(n, d * d), features, "method.table_bits")
        largest += compute_largest(table) << (bits - part.rho.bits)
        if largest >= INT64_EXACT:
            reject(Reason.SCALE_TOO_FINE, "method.table_bits", "tables below 2^62", "larger ones")
        total += table << (bits - part.rho.bits)
    return total >> bits


def _bound_remainders(cells: Cells, parts: tuple[Part, ...], section: EquivariantSection, arithmetic: str) -> Integers:
    """|U_res_v - U_res_z| rounded up, (n, n), in units of 2**-unembedding_bits.

    What the parts carry of a cell is rounded down once for each part of matrices that carries it, by less than a unit:
    the difference of two entries of U_res is off by less than the number of these parts.
    """
    rest = cells.U.copy()
    n, p = rest.shape
    B, times = section.unembedding_bits, np.zeros(p, dtype=np.int64)
    for part in parts:
        s = part.section
        flat = part.rho.matrices.reshape(n, -1)
        if part.rho.action is not None:
            rows, columns, values = part.positions.T
            # At most 2^16 * 2^32.
            keys = flat[:, rows * part.rho.degree + columns] * (values << (B - POSITION_BITS))
        else:
            C = expand(part.coefficients.entries.astype(np.int64), part.basis)
            keys = multiply(flat, prepare_right_factor(C.T.copy(), arithmetic), "method.coefficient_bits")
            keys >>= part.rho.bits + section.coefficient_bits - B
            times[s.cells] += 1
        rest[:, s.cells] -= keys
    products = multiply(rest, prepare_right_factor(rest.T.copy(), arithmetic), "method.unembedding_bits")
    squares = np.diagonal(products)
    return ceil_sqrt(squares[:, None] + squares - 2 * products) + ceil_sqrt((times**2).sum(keepdims=True))


def expand(coordinates: Integers, basis: RightFactor | None) -> Integers:
    """Coordinates (k, q) as flat matrices (k, d * d)."""
    return coordinates if basis is None else multiply(coordinates, basis, "method")


def _count_part(part: Part, n: int) -> int:
    """Multiply-adds for one representation: V, norms, and for matrices rho L, R rho, tables and residuals."""
    d, entries = part.rho.degree, part.coefficients.entries.size
    if part.rho.action is not None:
        return n * n * d * d + 2 * n * d * d
    expansion = 0 if part.section.basis is None else entries * d * d
    # rho of every element from the generators, delta, tau, distances.
    generators = 0 if part.section.matrices is None else len(part.section.matrices)
    residuals = n * ((2 + generators) * d**3 + 3 * d * d)
    per_pair = entries + d * d + 2 * d**3 + 3 * d * d
    return n * n * per_pair + n * len(part.section.cells) * d * d + expansion + residuals


def bound_norms(matrices: Integers) -> Integers:
    """Frobenius norms over the last two axes, rounded up."""
    if compute_largest(matrices) >= MAX_NORM_ENTRY:
        reject(Reason.SCALE_TOO_FINE, "method.table_bits", "tables and residuals below 2^25", "larger ones")
    return ceil_sqrt((matrices**2).sum(axis=(-2, -1)))

"""Method `equivariant`: tables of two group elements and residuals by Cauchy-Schwarz prove the margins."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from certcheck.argument import POSITION_BITS, TABLE_ROUNDING, Argument, Part, bound_norms, expand, prepare_argument
from certcheck.document import EquivariantSection
from certcheck.exact import (
    INT64_EXACT,
    Integers,
    ceil_sqrt,
    compute_largest,
    divide_up,
    multiply,
    prepare_right_factor,
)
from certcheck.exhaustive import (
    RoundedNetwork,
    check_cost,
    check_work,
    evaluate_triples,
    round_network,
)
from certcheck.representation import DISTANCE_BITS, MAX_NORM_ENTRY
from certcheck.verdict import Reason, reject

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from certcheck.group import Group
    from certcheck.network import Network


@dataclass(frozen=True, slots=True)
class Evidence:
    """Correct pairs by the argument and by cases, the cost, and bounds on the error terms, in units of a logit."""

    by_argument: int
    by_cases: int
    cost: Counter[str]
    error_terms: dict[str, Fraction]


@dataclass(frozen=True, slots=True)
class Row:
    """The same for the pairs of one x; error terms in units of 2**-table_bits."""

    by_argument: int
    by_cases: int
    cost: Counter[str]
    error_terms: dict[str, int]


def check_equivariant(network: Network, G: Group, section: EquivariantSection, arithmetic: str) -> Evidence:
    """The pairs that the argument proves, and the others by cases.

    Errors: those of the steps, WORK_TOO_LARGE, ERROR_TERM_TOO_LOW.
    """
    check_work(network, G)
    argument, cost, terms = prepare_argument(network, G, section, arithmetic)
    rows = evaluate_argument(network, G, argument)
    return collect(rows, cost, terms, section.error_terms, section.table_bits)


def collect(
    rows: Iterable[Row], cost: Counter[str], terms: dict[str, int], claimed: dict[str, int], table_bits: int
) -> Evidence:
    """The evidence of all rows, if no error term is larger than claimed. Errors: WORK_TOO_LARGE, ERROR_TERM_TOO_LOW."""
    by_argument = by_cases = 0
    for row in rows:
        by_argument += row.by_argument
        by_cases += row.by_cases
        cost += row.cost
        check_cost(cost)
        terms = {key: max(term, row.error_terms.get(key, 0)) for key, term in terms.items()}
    for key, term in terms.items():
        if term > claimed[key]:
            reject(Reason.ERROR_TERM_TOO_LOW, f"method.error_terms.{key}", f"at least {term}", f"{claimed[key]}")
    bounds = {key: Fraction(term, 1 << table_bits) for key, term in claimed.items()}
    return Evidence(by_argument, by_cases, cost, bounds)


def evaluate_argument(network: Network, G: Group, argument: Argument) -> Iterator[Row]:
    """The evidence of one x after the other."""
    cases = argument.section.cases
    rounded = None if cases is None else round_network(network, cases, argument.arithmetic)
    for x in range(G.order):
        yield _evaluate_row(network, G, argument, rounded, x)


def _evaluate_row(network: Network, G: Group, argument: Argument, rounded: RoundedNetwork | None, x: int) -> Row:
    """The pairs (x, y) for all y.

    Claim 17: ell = the tables' differences - sum_k |rho_k(xy) - rho_k(z)| |E_k| - |U_res_xy - U_res_z| |g~| - errors
    is a lower bound of the margin, therefore a pair whose every ell is > 0 is correct.
    """
    n, p = argument.cells.alpha.shape
    products = G.table[x].astype(np.intp)
    residuals, g_norms = _bound_residuals(G, argument, x)
    scale = argument.section.activation_bits + argument.section.unembedding_bits
    scale -= argument.section.table_bits + DISTANCE_BITS
    sums = argument.P[x] + argument.Q + argument.L[:, G.table[G.inverse[x]]]
    sums += argument.R[x][argument.quotients] + argument.M[products]
    rows = np.arange(n)
    differences = sums[rows, products][:, None] - sums
    differences -= (argument.x_error[x] + argument.y_error + TABLE_ROUNDING)[:, None]
    # The right answer is no rival of itself.
    differences[rows, products] = np.iinfo(np.int64).max >> 20
    # The cheap test first: the smallest difference against the largest distances.
    farthest = argument.remainders.max(axis=1)[products] * g_norms
    penalty = divide_up(farthest, scale)
    for part, residual in zip(argument.parts, residuals, strict=True):
        penalty += int(part.rho.distances.max()) * residual
    left = np.flatnonzero(differences.min(axis=1) << DISTANCE_BITS <= penalty)
    bounds = differences[left] << DISTANCE_BITS
    bounds -= divide_up(argument.remainders[products[left]] * g_norms[left][:, None], scale)
    between = G.table[G.inverse[products[left]]].astype(np.intp)
    for part, residual in zip(argument.parts, residuals, strict=True):
        bounds -= part.rho.distances[between] * residual[left][:, None]
    bounds[np.arange(len(left)), products[left]] = 1
    is_open = bounds <= 0
    K = len(argument.parts)
    cost = Counter(
        multiply_adds=n * (p + K + 1) + len(left) * n * (K + 1),
        additions=n * n * TABLE_ROUNDING + 4 * n * p,
    )
    proved, by_cases, settling_cost = settle(network, G, rounded, x, left, is_open)
    terms = {
        "equivariance": max((int(residual.max()) for residual in residuals), default=0),
        "remainder": int(divide_up(farthest, scale + DISTANCE_BITS).max()),
    }
    return Row(n - len(left) + proved, by_cases, cost + settling_cost, terms)


def settle(
    network: Network, G: Group, rounded: RoundedNetwork | None, x: int, ys: NDArray[np.intp], is_open: NDArray[np.bool_]
) -> tuple[int, int, Counter[str]]:
    """Pairs (x, y) without an open triple, correct ones among the others by cases, and what these cost."""
    unproved = np.flatnonzero(is_open.any(axis=1))
    proved = len(ys) - len(unproved)
    if rounded is None or not unproved.size:
        return proved, 0, Counter()
    tally, triples = evaluate_triples(network, G, rounded, x, ys[unproved], is_open[unproved])
    exact = tally.exact_pairs * G.order * network.a.shape[1]
    multiply_adds = triples * network.a.shape[1] + exact
    return proved, tally.correct, Counter(multiply_adds=multiply_adds, exact_multiply_adds=exact)


def _bound_residuals(G: Group, argument: Argument, x: int) -> tuple[list[Integers], Integers]:
    """Steps 3 and 4 for all y: |E_k(x, y)| in units of 2**-table_bits, and |g~(x, y)| in those of the cells."""
    cells, section = argument.cells, argument.section
    g = np.maximum(cells.alpha[x] + cells.gamma, 0) - argument.u[x] - argument.v
    # What signed permutation matrices add up, with their row and column sums and what those pass on.
    sums = sum(int(np.abs(part.positions[:, 2]).sum()) * (4 * part.rho.degree + 2) for part in argument.parts)
    if max(compute_largest(g) * g.shape[1], sums) * compute_largest(g) >= INT64_EXACT:
        reject(Reason.SCALE_TOO_FINE, "method.activation_bits", "activations whose squares stay below 2^62", "larger")
    constants: dict[int, Integers] = {}
    residuals = []
    for i, part in enumerate(argument.parts):
        s = part.section
        if part.rho.action is not None:
            V = _add_up(part, g)
            if i in constants:
                V += constants[i][:, None, None]
            moved = _remove_constants(part, V)
            if s.constants_to is not None:
                constants[s.constants_to] = constants.get(s.constants_to, 0) + moved
            E = (V >> (section.activation_bits + POSITION_BITS - section.table_bits)) - s.middle[G.table[x]]
            # (rho(x) L)[x b, b'] = s(x) L[b, b'] and (R rho(y))[b, b'] = s(y) R[b, y b'].
            E -= part.rho.signs[x] * s.left[:, np.argsort(part.rho.action[x])]
            E -= part.rho.signs[:, None, None] * s.right[x][:, part.rho.action].transpose(1, 0, 2)
        else:
            E = _subtract_products(G, part, _combine(part, g, section, argument.arithmetic), x)
        residuals.append(bound_norms(E) + part.V_error)
    return residuals, ceil_sqrt((g**2).sum(axis=1))


def _add_up(part: Part, g: Integers) -> Integers:
    """V for signed permutation matrices, (n, d, d): a sum of cells for each entry, no product."""
    d = part.rho.degree
    V = np.zeros((len(g), d * d), dtype=np.int64)
    if len(part.positions):
        entry = part.positions[:, 0] * d + part.positions[:, 1]
        order = np.argsort(entry, kind="stable")
        distinct, starts = np.unique(entry[order], return_index=True)
        V[:, distinct] = np.add.reduceat(g[:, part.section.cells[order]] * part.positions[order, 2], starts, axis=1)
    return V.reshape(len(g), d, d)


def _remove_constants(part: Part, V: Integers) -> Integers:
    """Subtract row and column constants in place, and say what they are in the coordinate of the sign.

    Claim 16: <s P, r 1^T + 1 c^T> = s (sum r + sum c) for a permutation matrix P with sign s: a constant for all z
    where s = 1, else a multiple of the sign. Rounding them down changes nothing: any r and c may be subtracted.
    """
    d = part.rho.degree
    if part.section.constants_to is None and (d == 1 or (part.rho.signs < 0).any()):
        return np.zeros(len(V), dtype=np.int64)
    r = V.sum(axis=2) // d
    V -= r[:, :, None]
    c = V.sum(axis=1) // d
    V -= c[:, None, :]
    constants: Integers = r.sum(axis=1) + c.sum(axis=1)
    return constants


def _combine(part: Part, g: Integers, section: EquivariantSection, arithmetic: str) -> Integers:
    """V for matrices, (n, d, d), in units of 2**-table_bits, each coordinate rounded down."""
    d = part.rho.degree
    factor = prepare_right_factor(part.coefficients, arithmetic)
    coordinates = multiply(g[:, part.section.cells], factor, "method.coefficient_bits")
    coordinates >>= section.activation_bits + section.coefficient_bits - section.table_bits
    return expand(coordinates, part.section.basis, arithmetic).reshape(len(g), d, d)


def _subtract_products(G: Group, part: Part, V: Integers, x: int) -> Integers:
    """E = V - rho(x) L(y) - R(x) rho(y) - N(xy) for all y, in units of 2**-table_bits, rounded down."""
    n, d, bits = len(V), part.rho.degree, part.rho.bits
    if part.left is None or part.right is None or compute_largest(V) >= MAX_NORM_ENTRY:
        reject(Reason.SCALE_TOO_FINE, "method.table_bits", "residuals below 2^25", "larger ones")
    products = multiply(part.rho.matrices[x], part.left, "method") + multiply(
        part.section.right[x], part.right, "method"
    )
    products = products.reshape(d, n, d).transpose(1, 0, 2)
    E: Integers = ((V - part.section.middle[G.table[x]]) << bits) - products >> bits
    return E

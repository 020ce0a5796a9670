"""Method `equivariant`: tables of two group elements and residuals by Cauchy-Schwarz prove the margins."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import partial

import numpy as np

from certcheck.argument import POSITION_BITS, TABLE_ROUNDING, Argument, Part, bound_norms, expand, prepare_argument
from certcheck.cases import Inquiry, accept_by_smallest, prepare_cases, prepare_inquiry, settle
from certcheck.document import EquivariantSection
from certcheck.evidence import NO_DEMANDS, Demands, Evidence, collect
from certcheck.exact import (
    FLOAT32_EXACT,
    INT64_EXACT,
    Integers,
    ceil_sqrt,
    compute_largest,
    divide_up,
    multiply,
    shift_up,
)
from certcheck.exhaustive import BLOCK, Indices, RoundedNetwork, check_work, evaluate_each
from certcheck.group import Group, compute_quotients
from certcheck.limits import LIMITS, Limits
from certcheck.network import Network
from certcheck.representation import DISTANCE_BITS, MAX_NORM_ENTRY
from certcheck.verdict import Reason, reject


@dataclass(frozen=True, slots=True)
class Scan:
    """What the bound adds and multiplies for pairs with one product v: integers in float32, or in int64.

    Tables (n, n) in one unit, transposed and by quotients: P[z, x], Q[z, y], L[w, y] for z = vw, in the argument
    L[y, x^-1 z], R[w, x] for z = wv, there R[x, z y^-1], M[v, z], errors[x, y]. In that unit too are the products of
    norms (K + 1, n, n), [k, x, y], with distances (K, n), by v^-1 z, and last with remainders, [v, z].
    left, right: (n, n), x^-1 z and z x^-1 at [x, z]. cells: their number. The unit is 2**-bits.
    """

    P: Integers
    Q: Integers
    L: Integers
    R: Integers
    M: Integers
    errors: Integers
    distances: Integers
    remainders: Integers
    norms: Integers
    left: Indices
    right: Indices
    cells: int
    bits: int


def check_equivariant(
    network: Network,
    G: Group,
    section: EquivariantSection,
    arithmetic: str,
    limits: Limits = LIMITS,
    demands: Demands = NO_DEMANDS,
) -> Evidence:
    """The pairs that the argument proves, and the others by cases.

    Errors: those of the steps and of a limit, ERROR_TERM_TOO_LOW.
    """
    check_work(network, G, limits)
    argument, cost, terms = prepare_argument(network, G, section, arithmetic, limits)
    scan, more = prepare_scan(G, argument)
    error_terms = check_error_terms(terms | more, section.error_terms, section.table_bits, "method")
    cases = prepare_cases(network, section.cases, arithmetic, limits, demands)
    start = Evidence(0, 0, cost, error_terms=error_terms)
    return collect(evaluate_argument(network, scan, cases, demands), start, limits)


def check_error_terms(terms: dict[str, int], claimed: dict[str, int], bits: int, where: str) -> dict[str, Fraction]:
    """The claimed bounds in units of a logit, if no term is larger; both in units of 2**-bits.

    Errors: ERROR_TERM_TOO_LOW.
    """
    for key, term in terms.items():
        if term > claimed[key]:
            reject(Reason.ERROR_TERM_TOO_LOW, f"{where}.error_terms.{key}", f"at least {term}", f"{claimed[key]}")
    return {key: Fraction(term, 1 << bits) for key, term in claimed.items()}


def prepare_scan(G: Group, argument: Argument) -> tuple[Scan, dict[str, int]]:
    """Steps 3 and 4 for all pairs, in the finest unit in which the bound fits a float32; their error terms.

    Errors: SCALE_TOO_FINE.
    """
    section, n, K = argument.section, G.order, len(argument.parts)
    norms = np.empty((K + 1, n, n), dtype=np.int64)
    widest = max([argument.v.shape[1], *(part.rho.degree**2 for part in argument.parts)])
    blocks = np.array_split(np.arange(n), min(n, -(-widest * n * n // BLOCK)))
    residuals = evaluate_each(lambda i: _bound_residuals(G, argument, blocks[i]), len(blocks))
    for xs, found in zip(blocks, residuals, strict=True):
        norms[:, xs] = found
    # Both factors of the remainder are rounded up, the first to as many bits as the distances.
    excess = section.activation_bits + section.unembedding_bits - section.table_bits - DISTANCE_BITS
    coarser = min(excess, max(0, compute_largest(argument.remainders).bit_length() - DISTANCE_BITS - 2))
    remainders = divide_up(argument.remainders, coarser)
    norms[K] = divide_up(norms[K], excess - coarser)
    distances = np.array([part.rho.distances for part in argument.parts], dtype=np.int64).reshape(K, n)
    terms = {
        "equivariance": compute_largest(norms[:K]),
        "remainder": compute_largest(divide_up(remainders.max(axis=1)[G.table] * norms[K], DISTANCE_BITS)),
    }
    tables = [argument.P.T, argument.Q.T, argument.L[np.arange(n), G.table.T], argument.R[np.arange(n), G.table]]
    tables += [argument.M, argument.x_error[:, None] + argument.y_error + TABLE_ROUNDING]
    largest = sum(map(compute_largest, tables))
    products = [(compute_largest(d), compute_largest(m)) for d, m in zip((*distances, remainders), norms, strict=True)]
    for drop in range(DISTANCE_BITS + 1):
        half = drop // 2
        bound = sum(shift_up(d, -half) * shift_up(norm, half - drop) for d, norm in products)
        if bound + (largest << DISTANCE_BITS - drop) < FLOAT32_EXACT:
            break
    else:
        reject(Reason.SCALE_TOO_FINE, "method.table_bits", "tables and products below 2^23", "larger ones")
    kind = "float32" if argument.arithmetic == "float64" else "int64"
    P, Q, L, R, M, errors = ((table << DISTANCE_BITS - drop).astype(kind, order="C") for table in tables)
    distances, remainders = (divide_up(d, half).astype(kind) for d in (distances, remainders))
    norms = divide_up(norms, drop - half).astype(kind)
    left, right, cells = compute_quotients(G.table), compute_quotients(G.table.T), argument.v.shape[1]
    bits = section.table_bits + DISTANCE_BITS - drop
    return Scan(P, Q, L, R, M, errors, distances, remainders, norms, left, right, cells, bits), terms


def evaluate_argument(
    network: Network, scan: Scan, rounded: RoundedNetwork | None, demands: Demands = NO_DEMANDS
) -> Iterator[Evidence]:
    """The evidence of the pairs with xy = v, one v after the other."""
    inquiry = prepare_inquiry(rounded, demands, len(scan.M), scan.bits)
    return evaluate_each(partial(_evaluate_product, network, scan, inquiry), len(scan.M))


def _evaluate_product(network: Network, scan: Scan, inquiry: Inquiry, v: int) -> Evidence:
    """The pairs with xy = v.

    Claim 17: ell = the tables' differences - sum_k |rho_k(xy) - rho_k(z)| |E_k| - |U_res_xy - U_res_z| |g~| - errors
    is a lower bound of the margin, therefore a pair whose every ell is > 0 is correct.
    """
    K, n = scan.distances.shape
    xs, ys = np.arange(n), scan.left[:, v]
    sums, others = scan.R[scan.right[v]], scan.L[scan.left[v]]
    sums += scan.P
    others += scan.Q
    sums += others.take(ys, axis=1, mode="clip")
    sums += scan.M[v][:, None]
    answers = sums[v] - scan.errors[xs, ys]
    # The right answer is no rival of itself.
    sums[v] = -FLOAT32_EXACT
    distances, norms = np.vstack((scan.distances[:, scan.left[v]], scan.remainders[v])), scan.norms[:, xs, ys]
    # The cheap test first: the smallest difference against the largest distances.
    farthest = distances.max(axis=1) @ norms
    # Each of the two is below 2^24, what is left may be not.
    low = (answers - sums.max(axis=0)).astype(np.int64) - farthest.astype(np.int64)
    evidence, left, beside = accept_by_smallest(inquiry, (xs, ys), low)
    # Pairs with like penalties together: they have more of their open labels in common.
    left = left[np.argsort(farthest[left])]
    ell = answers[left] - (sums.take(left, axis=1, mode="clip") + distances.T @ norms[:, left])
    cost = Counter(
        multiply_adds=n * (scan.cells + K + 1) + (len(left) - beside) * n * (K + 1),
        cross_entropy=beside * n * (K + 1),
        additions=n * n * TABLE_ROUNDING + 4 * n * scan.cells,
    )
    return evidence + settle(network, inquiry, v, (left, ys[left]), ell.T.astype(np.int64)) + Evidence(0, 0, cost)


def _bound_residuals(G: Group, argument: Argument, xs: Indices) -> list[Integers]:
    """Steps 3 and 4 for these x and all y: (number of xs, n).

    |E_k(x, y)| in units of 2**-table_bits, and last |g~(x, y)| in those of the cells.
    """
    cells, section, shape = argument.cells, argument.section, (len(xs), G.order)
    g = np.maximum(cells.alpha[xs, None] + cells.gamma, 0) - argument.u[xs, None] - argument.v
    g = g.reshape(-1, g.shape[2])
    # What signed permutation matrices add up, with their row and column sums and what those pass on.
    sums = sum(int(np.abs(part.positions[:, 2]).sum()) * (4 * part.rho.degree + 2) for part in argument.parts)
    largest = compute_largest(g)
    if max(largest * g.shape[1], sums) * largest >= INT64_EXACT:
        reject(Reason.SCALE_TOO_FINE, "method.activation_bits", "activations whose squares stay below 2^62", "larger")
    constants: dict[int, Integers] = {}
    residuals = []
    for i, part in enumerate(argument.parts):
        s, d = part.section, part.rho.degree
        if part.rho.action is not None:
            V = _add_up(part, g)
            if i in constants:
                V += constants[i][:, None, None]
            moved = _remove_constants(part, V)
            if s.constants_to is not None:
                constants[s.constants_to] = constants.get(s.constants_to, 0) + moved
            E = (V >> (section.activation_bits + POSITION_BITS - section.table_bits)).reshape(*shape, d, d)
            E -= s.middle[G.table[xs]]
            # (rho(x) L)[x b, b'] = s(x) L[b, b'] and (R rho(y))[b, b'] = s(y) R[b, y b'].
            left = s.left[:, np.argsort(part.rho.action[xs], axis=1)].transpose(1, 0, 2, 3)
            E -= part.rho.signs[xs][:, None, None, None] * left
            E -= part.rho.signs[:, None, None] * s.right[xs][:, :, part.rho.action].transpose(0, 2, 1, 3)
        else:
            E = _subtract_products(G, part, _combine(part, g, section).reshape(*shape, d, d), xs)
        residuals.append(bound_norms(E) + part.V_error)
    return [*residuals, ceil_sqrt(np.einsum("yj,yj->y", g, g)).reshape(shape)]


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


def _combine(part: Part, g: Integers, section: EquivariantSection) -> Integers:
    """V for matrices, flat, in units of 2**-table_bits, each coordinate rounded down."""
    coordinates = multiply(g.take(part.section.cells, axis=1), part.coefficients, "method.coefficient_bits")
    coordinates >>= section.activation_bits + section.coefficient_bits - section.table_bits
    return expand(coordinates, part.basis)


def _subtract_products(G: Group, part: Part, V: Integers, xs: Indices) -> Integers:
    """E = V - rho(x) L(y) - R(x) rho(y) - N(xy) for these x and all y, in units of 2**-table_bits, rounded down."""
    n, d, bits = G.order, part.rho.degree, part.rho.bits
    if part.left is None or part.right is None or compute_largest(V) >= MAX_NORM_ENTRY:
        reject(Reason.SCALE_TOO_FINE, "method.table_bits", "residuals below 2^25", "larger ones")
    products = multiply(part.rho.matrices[xs].reshape(-1, d), part.left, "method")
    products += multiply(part.section.right[xs].reshape(-1, d), part.right, "method")
    products = products.reshape(len(xs), d, n, d).transpose(0, 2, 1, 3)
    E: Integers = ((V - part.section.middle[G.table[xs]]) << bits) - products >> bits
    return E

"""The tightest triple: where the method leaves least, what each term adds or takes there, and what would help."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import partial

import numpy as np

from certcheck.argument import prepare_argument
from certcheck.document import EquivariantSection, ExhaustiveSection, MethodSection, RhoSetSection
from certcheck.equivariant import Scan, prepare_scan
from certcheck.exact import Integers, ceil_sqrt, divide_up
from certcheck.exhaustive import Indices, bound_slack, evaluate_pairs, round_network
from certcheck.explanation import Explanation
from certcheck.group import Group, compute_quotients
from certcheck.limits import LIMITS, Limits, check_limit
from certcheck.network import Network
from certcheck.rhoset import prepare_explanation, prepare_remaining
from certcheck.verdict import quote_name

# What takes from a margin begins with one of these words; the rest of its name says of what.
HELP = {
    "residual": "this representation is not equivariant in the neurons that it carries: cells of theirs are missing",
    "remainder": "no representation carries this part of the unembedding: more of them, or more of their cells",
    "rest": "the circuit's kernels leave this part of its unembedding: cells are missing, or kernels of one side",
    "errors": "neurons that are dropped, or merged though not proportional; then the rounding of the tables",
    "slack": "the fixed point is coarse: more activation_bits or unembedding_bits",
}

Terms = dict[str, Integers]


@dataclass(frozen=True, slots=True)
class Tightest:
    """The triple with the smallest lower bound of its margin, of all pairs, and the terms that add up to the bound.

    In logits, as fractions. costliest: the term that takes most; advice: what would have to improve.
    """

    x: int
    y: int
    z: int
    bound: str
    terms: dict[str, str]
    costliest: str
    advice: str


def find_tightest(
    network: Network, G: Group, section: MethodSection, arithmetic: str, limits: Limits = LIMITS
) -> Tightest | None:
    """The triple, from every bound of the method, term by term; None for order 1, which has no wrong label.

    Errors: those of the method and of a limit.
    """
    if G.order == 1:
        return None
    parts = _count_parts(section)
    check_limit(limits, "additions", (16 + 2 * parts) * G.order**3, "--explain")
    check_limit(limits, "numbers", (24 + 2 * parts) * G.order**2, "--explain")
    rows, bits = list_rows(network, G, section, arithmetic, limits)
    quotients = compute_quotients(G.table)
    _, x, y, z, found = min((_find_least(quotients, v, terms) for v, terms in enumerate(rows)), key=lambda row: row[0])
    losses = {key: -term for key, term in found.items() if key.split()[0] in HELP}
    costliest = max(losses, key=lambda key: losses[key])
    unit = Fraction(2) ** -bits
    quoted = {key: str(term * unit) for key, term in found.items()}
    return Tightest(x, y, z, str(sum(found.values()) * unit), quoted, costliest, HELP[costliest.split()[0]])


def _count_parts(section: MethodSection | None) -> int:
    """Representations and circuits, each of which has a term."""
    if isinstance(section, RhoSetSection):
        return len(section.circuits) + _count_parts(section.remaining)
    return len(section.representations) if isinstance(section, EquivariantSection) else 0


def _find_least(quotients: Indices, v: int, terms: Terms) -> tuple[int, int, int, int, dict[str, int]]:
    """The smallest bound of the pairs with xy = v, where it is, and its terms."""
    ell: Integers = sum(terms.values(), np.zeros(quotients.shape, dtype=np.int64))
    # The right answer is no rival of itself.
    ell[:, v] = np.iinfo(np.int64).max
    x, z = (int(i) for i in np.unravel_index(int(ell.argmin()), ell.shape))
    return int(ell[x, z]), x, int(quotients[x, v]), z, {key: int(term[x, z]) for key, term in terms.items()}


def list_rows(
    network: Network, G: Group, section: MethodSection, arithmetic: str, limits: Limits
) -> tuple[Iterator[Terms], int]:
    """For each product v the terms of the bound, (n, n) each, at [x, z] for y = x^-1 v; their unit is 2**-bits."""
    each = range(G.order)
    if isinstance(section, ExhaustiveSection):
        rounded = round_network(network, section, arithmetic, limits)
        quotients = compute_quotients(G.table)

        def evaluate(v: int) -> Terms:
            pairs = np.arange(G.order), quotients[:, v]
            activations, margins = evaluate_pairs(rounded, v, pairs, np.arange(G.order))
            slack = bound_slack(rounded, activations)[:, None]
            return {"margin": margins, "slack": np.broadcast_to(-slack, margins.shape)}

        return map(evaluate, each), rounded.bits
    if isinstance(section, EquivariantSection):
        scan, _ = prepare_scan(G, prepare_argument(network, G, section, arithmetic, limits)[0])
        return map(partial(_list_of_scan, scan, section), each), scan.bits
    explanation, _, _ = prepare_explanation(network, G, section, arithmetic, limits)
    if section.remaining is None:
        return map(partial(_list_of_circuits, G, explanation), each), section.table_bits
    scan, _ = prepare_scan(G, prepare_remaining(network, G, section, explanation, arithmetic, limits)[0])
    remaining = section.remaining

    def combine(v: int) -> Terms:
        terms = _list_of_scan(scan, remaining, v)
        rests = {key: term << (scan.bits - section.table_bits) for key, term in _list_rests(explanation, v).items()}
        # The scan has them in M.
        return terms | rests | {"M": terms["M"] - sum(rests.values())}

    return map(combine, each), scan.bits


def _list_of_scan(scan: Scan, section: EquivariantSection, v: int) -> Terms:
    """Claim 17's terms."""
    n = len(scan.M)
    xs, ys = np.arange(n), scan.left[:, v]
    # v^-1 z and z v^-1 for every z.
    after, before = scan.left[v], scan.right[v]
    P, Q, L, R, M, errors, distances, remainders = (
        table.astype(np.int64)
        for table in (scan.P, scan.Q, scan.L, scan.R, scan.M, scan.errors, scan.distances, scan.remainders)
    )
    of_pairs = scan.norms[:, xs, ys].astype(np.int64)
    # By their places: the names are the certificate's, and two may be one.
    names = [f"residual of representation {k} ({quote_name(r.name)})" for k, r in enumerate(section.representations)]
    residuals = {name: -np.outer(of_pairs[k], distances[k][after]) for k, name in enumerate(names)}
    return {
        "P": (P[v] - P).T,
        "Q": (Q[v] - Q).T[ys],
        "L": (L[after[v]] - L[after]).T[ys],
        "R": (R[before[v]] - R[before]).T,
        "M": np.broadcast_to(M[v, v] - M[v], (n, n)),
        **residuals,
        "remainder": -np.outer(of_pairs[-1], remainders[v]),
        "errors": np.broadcast_to(-errors[xs, ys][:, None], (n, n)),
    }


def _list_of_circuits(G: Group, e: Explanation, v: int) -> Terms:
    """Claim 19's tables, and what claim 20 takes from them."""
    n, table, inverse = G.order, G.table.astype(np.intp), G.inverse
    xs, zs = np.arange(n), np.arange(n)
    ys = table[inverse, v]
    from_x, of_quotients = table[inverse], table[:, inverse[ys]].T
    P, Q, L, R, M, F = (side.astype(np.int64) for side in (e.P, e.Q, e.L, e.R, e.M, e.F))
    return {
        "P": P[xs, v][:, None] - P,
        "Q": Q[ys, v][:, None] - Q[ys],
        "L": L[ys, ys][:, None] - L[ys[:, None], from_x],
        "R": R[xs, xs][:, None] - R[xs[:, None], of_quotients],
        "M": np.broadcast_to(M[v, v] - M[v], (n, n)),
        "F": F[G.identity] - F[table[from_x[:, zs], inverse[ys][:, None]]],
        **_list_rests(e, v),
        "errors": np.broadcast_to(-(e.x_error[xs] + e.y_error[ys] + e.rounding)[:, None], (n, n)),
    }


def _list_rests(e: Explanation, v: int) -> Terms:
    """For each circuit what the distance of v and z in its rest takes."""
    n = len(e.F)
    return {
        f"rest of circuit {i}": np.broadcast_to(
            -divide_up(ceil_sqrt(((D - D[v]) ** 2).sum(axis=1)) * gamma_norm, e.shift), (n, n)
        )
        for i, (D, gamma_norm) in enumerate(e.rests)
    }

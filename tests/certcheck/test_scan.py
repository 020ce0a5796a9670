"""The scan of method `equivariant` on any numbers, against the bound by its definition; and cases in groups."""

from __future__ import annotations

import dataclasses
import itertools
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest

import certcheck.cases
from certcheck.argument import POSITION_BITS, TABLE_ROUNDING, Argument, prepare_argument
from certcheck.cases import prepare_inquiry, settle
from certcheck.document import ExhaustiveSection
from certcheck.equivariant import Scan, _bound_residuals, _subtract_products, evaluate_argument, prepare_scan
from certcheck.evidence import NO_DEMANDS, Evidence
from certcheck.exact import Integers
from certcheck.exhaustive import Booleans, Pairs, RoundedNetwork, round_network
from certcheck.group import Group, compute_quotients
from certcheck.network import Network
from certcheck.representation import DISTANCE_BITS
from certcheck.verdict import Reason
from tests.certcheck.test_argument import make_any_example, nearest_root_above
from tests.certcheck.test_exact import refused
from tests.certcheck.test_exhaustive import make_network
from tests.certcheck.test_network import compute_folded
from tests.certcheck.test_representation import Rows, multiply_rows
from tests.equivariant_sections import (
    C2,
    C3,
    D4,
    S3,
    Example,
    edit,
    edit_part,
    make_matrix_example,
    make_permutation_example,
)

EXAMPLES = {"S3": make_matrix_example(S3), "D4": make_permutation_example(D4)}
SEEDS = range(3)
# The size of the tables, and the least number of the distances' units in one of the scan.
SIZES = {2**9: 1, 2**14: 2}
# For the unit alone: the size of the tables, and how much larger remainders are.
UNITS = [(2**9, 1), (2**9, 2**8), (2**14, 1), (2**16, 1), (2**17, 1)]


def make_argument(example: Example, size: int, seed: int) -> Argument:
    """Random tables, distances and remainders; the right answers lead by `size`."""
    rng, n = np.random.default_rng(seed), example.G.order
    argument, _, _ = prepare_argument(example.network, example.G, example.section, "float64")
    tables = {name: rng.integers(-size // 4, size // 4 + 1, (n, n)) for name in ("P", "Q", "L", "R", "M")}
    tables["M"] += size * np.eye(n, dtype=np.int64)
    # The norms that multiply them are about 2^12 and 2^14 units, and leave 2^14 of these in one of the tables.
    remainders = np.triu(rng.integers(1, size // 4, (n, n)), 1)
    rhos = [dataclasses.replace(p.rho, distances=rng.integers(1, 2 * size, n)) for p in argument.parts]
    parts = tuple(dataclasses.replace(p, rho=rho) for p, rho in zip(argument.parts, rhos, strict=True))
    return dataclasses.replace(argument, **tables, parts=parts, remainders=remainders + remainders.T)


def compute_ell(G: Group, argument: Argument) -> dict[tuple[int, int, int], Fraction]:
    """Ell for every x, y and z != xy by its definition, in units of 2**-(table_bits + DISTANCE_BITS)."""
    s, n, table, inverse = argument.section, G.order, G.table.tolist(), G.inverse.tolist()
    finer = Fraction(1, 2 ** (s.activation_bits + s.unembedding_bits - s.table_bits - DISTANCE_BITS))
    *residuals, norms = _bound_residuals(G, argument, np.arange(n))
    ell = {}
    for x, y in itertools.product(range(n), repeat=2):
        v = table[x][y]

        def add(z: int, x: int = x, y: int = y, v: int = v) -> int:
            left, right = table[inverse[x]][z], table[z][inverse[y]]
            entries = (argument.P[x, z], argument.Q[y, z], argument.L[y, left], argument.R[x, right], argument.M[v, z])
            return sum(map(int, entries))

        errors = int(argument.x_error[x]) + int(argument.y_error[y]) + TABLE_ROUNDING
        for z in set(range(n)) - {v}:
            between = table[inverse[v]][z]
            penalties = [
                int(p.rho.distances[between]) * int(E[x, y]) for p, E in zip(argument.parts, residuals, strict=True)
            ]
            rest = int(argument.remainders[v, z]) * int(norms[x, y]) * finer
            ell[x, y, z] = ((add(v) - add(z) - errors) << DISTANCE_BITS) - sum(penalties) - rest
    return ell


def compute_scanned(G: Group, scan: Scan) -> dict[tuple[int, int, int], int]:
    """The same of the scan's own numbers, in its unit, one triple after the other."""
    n, table, inverse, bounds = G.order, G.table.tolist(), G.inverse.tolist(), {}
    for x, y in itertools.product(range(n), repeat=2):
        v = table[x][y]

        def add(z: int, x: int = x, y: int = y, v: int = v) -> int:
            left, right = table[inverse[v]][z], table[z][inverse[v]]
            return sum(map(int, (scan.P[z, x], scan.Q[z, y], scan.L[left, y], scan.R[right, x], scan.M[v, z])))

        for z in set(range(n)) - {v}:
            distances = [*scan.distances[:, table[inverse[v]][z]], scan.remainders[v, z]]
            penalty = sum(int(d) * int(norm) for d, norm in zip(distances, scan.norms[:, x, y], strict=True))
            bounds[x, y, z] = add(v) - add(z) - int(scan.errors[x, y]) - penalty
    return bounds


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", EXAMPLES)
def test_the_scan_proves_no_more_than_ell_and_all_of_its_own(name: str, size: int, seed: int) -> None:
    """Its numbers are rounded up where they are subtracted, so that they bound ell; each product's pairs are theirs."""
    example, G = EXAMPLES[name], EXAMPLES[name].G
    argument = make_argument(example, size, seed)
    scan, _ = prepare_scan(G, argument)
    unit = int(np.abs(scan.P).max()) // int(np.abs(argument.P).max())
    coarser = 2**DISTANCE_BITS // unit
    assert coarser == 1 if SIZES[size] == 1 else coarser > 1
    ell, scanned = compute_ell(G, argument), compute_scanned(G, scan)
    assert all(scanned[triple] * coarser <= ell[triple] for triple in ell)
    proved = np.zeros(G.order, dtype=np.int64)
    for x, y in itertools.product(range(G.order), repeat=2):
        v = int(G.table[x, y])
        proved[v] += all(scanned[x, y, z] > 0 for z in set(range(G.order)) - {v})
    rows = list(evaluate_argument(example.network, scan, None))
    assert [row.by_argument for row in rows] == proved.tolist()
    assert 0 < proved.sum() < G.order**2


def take_constants(V: Rows, passes: int | None, *, is_plain: bool) -> tuple[Rows, int]:
    """V less the means of its rows, then of the columns of what is left, each rounded down; and the sum of these."""
    d = len(V)
    if passes is None and (d == 1 or not is_plain):
        return V, 0
    rows = [sum(row) // d for row in V]
    V = [[entry - r for entry in row] for row, r in zip(V, rows, strict=True)]
    columns = [sum(column) // d for column in zip(*V, strict=True)]
    return [[entry - c for entry, c in zip(row, columns, strict=True)] for row in V], sum(rows) + sum(columns)


def compute_residuals_slowly(argument: Argument, G: Group, x: int, y: int) -> list[int]:
    """|E_k(x, y)| with what V is rounded by, and last |g~(x, y)|: docs/format.md and claim 17, one entry at a time."""
    section, cells = argument.section, argument.cells
    A, bits, table_bits = section.activation_bits, section.coefficient_bits, section.table_bits
    alpha, gamma, u, v = (values.tolist() for values in (cells.alpha[x], cells.gamma[y], argument.u[x], argument.v[y]))
    g = [max(a + c, 0) - s - t for a, c, s, t in zip(alpha, gamma, u, v, strict=True)]
    passed: dict[int, int] = {}
    norms = []
    for i, part in enumerate(argument.parts):
        s, d, rho = part.section, part.rho.degree, part.rho.matrices.tolist()
        V = [[0] * d for _ in range(d)]
        if part.rho.action is not None:
            for j, (b, c, value) in zip(s.cells.tolist(), part.positions.tolist(), strict=True):
                V[b][c] += g[j] * value
            V = [[entry + passed.get(i, 0) for entry in row] for row in V]
            V, constants = take_constants(V, s.constants_to, is_plain=bool((part.rho.signs > 0).all()))
            if s.constants_to is not None:
                passed[s.constants_to] = passed.get(s.constants_to, 0) + constants
            V = [[entry // 2 ** (A + POSITION_BITS - table_bits) for entry in row] for row in V]
        else:
            assert s.coefficients is not None
            basis = np.eye(d * d, dtype=np.int64).reshape(-1, d, d) if s.basis is None else s.basis
            for q, matrix in enumerate(basis.tolist()):
                coordinate = sum(g[j] * int(s.coefficients[k, q]) for k, j in enumerate(s.cells.tolist()))
                coordinate //= 2 ** (A + bits - table_bits)
                V = [[e + coordinate * m for e, m in zip(*rows, strict=True)] for rows in zip(V, matrix, strict=True)]
        unit, xy = 2**part.rho.bits, int(G.table[x, y])
        left = multiply_rows(rho[x], s.left[y].tolist())
        right = multiply_rows(s.right[x].tolist(), rho[y])
        E = [(V[b][c] - int(s.middle[xy, b, c])) * unit - left[b][c] - right[b][c] for b in range(d) for c in range(d)]
        norms.append(nearest_root_above(sum((entry // unit) ** 2 for entry in E)) + part.V_error)
    return [*norms, nearest_root_above(sum(value * value for value in g))]


@pytest.mark.parametrize("table_bits", [10, 20])
@pytest.mark.parametrize("constants_to", [None, 3])
@pytest.mark.parametrize("seed", SEEDS)
def test_residuals_are_those_of_the_format(seed: int, constants_to: int | None, table_bits: int) -> None:
    """Of all kinds of representations together: signed ones, plain ones that lose their constants, and matrices.

    At 20 places nothing is rounded off, and those of size 1 show every unit.
    """
    example = edit_part(make_any_example(seed), 0, constants_to=constants_to)
    example = edit(example, table_bits=table_bits, unembedding_bits=max(12, table_bits - 2))
    points, *_, sign = example.section.representations
    plain = [dataclasses.replace(part, signs=np.ones(2, dtype=np.int64), constants_to=None) for part in (points, sign)]
    example = edit(example, representations=(*example.section.representations, *plain))
    argument, _, _ = prepare_argument(example.network, S3, example.section, "float64")
    xs = np.array([1, 2, 5])
    found = np.array(_bound_residuals(S3, argument, xs))
    for i, x in enumerate(xs.tolist()):
        for y in range(S3.order):
            assert found[:, i, y].tolist() == compute_residuals_slowly(argument, S3, x, y)


def make_loud(g: int, *parts: tuple[int, int]) -> Argument:
    """An argument in which all 4 cells are g for each pair, and parts of S3 of size d with one coefficient each."""
    example = make_any_example()
    argument, _, _ = prepare_argument(example.network, S3, example.section, "int64")
    zero = np.zeros((6, 4), dtype=np.int64)
    cells = dataclasses.replace(argument.cells, alpha=zero, gamma=zero)
    known = {part.rho.degree: part for part in argument.parts if part.rho.action is not None}
    own = tuple(dataclasses.replace(known[d], positions=np.array([[0, 0, value]] * 2)) for d, value in parts)
    return dataclasses.replace(argument, cells=cells, parts=own, u=zero - g, v=zero)


@pytest.mark.parametrize(
    ("parts", "least"),
    [
        ((), 2**30),
        (((1, 2**31),), -(-(2**62) // (2**32 * 6))),
        (((3, -(2**31)),), -(-(2**62) // (2**32 * 14))),
        (((1, 2**31), (3, 2**31)), -(-(2**62) // (2**32 * 20))),
    ],
)
def test_the_least_activations_that_could_overflow(parts: tuple[tuple[int, int], ...], least: int) -> None:
    """Four squares, or what signed permutations add up with their constants: 4 d + 2 times each coefficient."""
    found = refused(_bound_residuals, S3, make_loud(least, *parts), np.arange(6))
    assert found == (Reason.SCALE_TOO_FINE, "method.activation_bits")
    if parts:
        found = refused(_bound_residuals, S3, make_loud(least - 1, *parts), np.arange(6))
        assert found == (Reason.SCALE_TOO_FINE, "method.table_bits")
    else:
        assert (_bound_residuals(S3, make_loud(least - 1), np.arange(6))[0] == 2 * (least - 1)).all()


def test_the_least_residual_that_is_too_large() -> None:
    """V of 2^25 is refused before it is shifted, on either side of zero."""
    example = make_any_example()
    argument, _, _ = prepare_argument(example.network, S3, example.section, "int64")
    part, xs = argument.parts[1], np.arange(2)
    for sign in (1, -1):
        V = np.full((2, 6, 2, 2), sign * 2**25)
        assert refused(_subtract_products, S3, part, V, xs) == (Reason.SCALE_TOO_FINE, "method.table_bits")
        assert _subtract_products(S3, part, V - sign, xs).shape == V.shape


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("size", "factor"), UNITS)
@pytest.mark.parametrize("name", EXAMPLES)
def test_the_scan_is_in_the_finest_unit_that_fits(name: str, size: int, factor: int, seed: int) -> None:
    """Tables gain what places remain; both factors of a product lose half of the others each, rounded up."""
    G, argument = EXAMPLES[name].G, make_argument(EXAMPLES[name], size, seed)
    argument = dataclasses.replace(argument, remainders=argument.remainders * factor)
    scan, terms = prepare_scan(G, argument)
    s, n = argument.section, G.order
    excess = s.activation_bits + s.unembedding_bits - s.table_bits - DISTANCE_BITS
    *norms, last = np.array(_bound_residuals(G, argument, np.arange(n)))
    distances = [part.rho.distances for part in argument.parts]
    coarser = min(excess, max(0, int(argument.remainders.max()).bit_length() - DISTANCE_BITS - 2))
    factors = [*zip(distances, norms, strict=True)]
    factors.append((raise_all(argument.remainders, coarser), raise_all(last, excess - coarser)))
    pairs = [
        (int(G.table[x, y]), int(factors[-1][0][G.table[x, y]].max() * factors[-1][1][x, y]))
        for x in range(n)
        for y in range(n)
    ]
    assert terms == {
        "equivariance": max(int(norm.max()) for norm in norms),
        "remainder": max(-(-product // 2**DISTANCE_BITS) for _, product in pairs),
    }
    errors = argument.x_error[:, None] + argument.y_error + TABLE_ROUNDING
    tables = [argument.P, argument.Q, argument.L, argument.R, argument.M, errors]
    largest = sum(int(np.abs(table).max()) for table in tables)
    for drop in range(DISTANCE_BITS + 1):
        lost = [(raise_all(d, drop // 2), raise_all(norm, drop - drop // 2)) for d, norm in factors]
        bound = sum(int(d.max()) * int(norm.max()) for d, norm in lost)
        if bound + largest * 2 ** (DISTANCE_BITS - drop) < 2**23:
            break
    assert scan.bits == s.table_bits + DISTANCE_BITS - drop
    assert (argument.P.T * 2 ** (DISTANCE_BITS - drop) == scan.P).all()
    assert (scan.errors == errors * 2 ** (DISTANCE_BITS - drop)).all()
    found = zip((*scan.distances, scan.remainders), scan.norms, strict=True)
    for (d, norm), (other_d, other_norm) in zip(lost, found, strict=True):
        assert (d == other_d).all()
        assert (norm == other_norm).all()


def make_blank(distance: int, norm: int) -> Argument:
    """No cells, no tables: one representation with this distance and, as what V is rounded by, this norm."""
    example = edit_part(
        make_permutation_example(S3),
        0,
        **dict.fromkeys(("left", "right", "middle"), np.zeros((6, 3, 3), dtype=np.int64)),
        cells=np.zeros(0, dtype=np.int64),
        positions=np.zeros((0, 3), dtype=np.int64),
    )
    argument, _, _ = prepare_argument(example.network, S3, example.section, "float64")
    (part,), zero = argument.parts, np.zeros((6, 6), dtype=np.int64)
    rho = dataclasses.replace(part.rho, distances=np.full(6, distance))
    parts = (dataclasses.replace(part, rho=rho, V_error=norm),)
    return dataclasses.replace(argument, parts=parts, P=zero, Q=zero, x_error=zero[0], y_error=zero[0], remainders=zero)


@pytest.mark.parametrize(
    ("distance", "norm", "places"),
    [
        (1, 2**24, 3),
        (2**24, 1, 4),
        (2**12, 2**11, 1),
        (2**12, 2**11 - 16, 0),
        (2**16, 2**16, 10),
        (1, 2**23 - 5120, 1),
        (1, 2**23 - 5121, 0),
    ],
)
def test_what_is_rounded_up_counts_in_the_bound_of_the_sums(distance: int, norm: int, places: int) -> None:
    """1 stays 1 when it loses places; products and errors of 5 units add up to less than 2^23."""
    scan, _ = prepare_scan(S3, make_blank(distance, norm))
    assert set(scan.errors.ravel().tolist()) == {TABLE_ROUNDING * 2 ** (DISTANCE_BITS - places)}
    assert set(scan.distances.ravel().tolist()) == {-(-distance // 2 ** (places // 2))}
    assert set(scan.norms[0].ravel().tolist()) == {-(-norm // 2 ** (places - places // 2))}


def test_products_that_no_unit_makes_small_are_refused() -> None:
    """2^17 times 2^16 loses ten places and is 2^23."""
    assert refused(prepare_scan, S3, make_blank(2**17, 2**16)) == (Reason.SCALE_TOO_FINE, "method.table_bits")


@pytest.mark.parametrize("parts", [0, 2])
@pytest.mark.parametrize(("errors", "proved"), [(0, 4), (1, 0)])
def test_a_bound_of_zero_proves_nothing(errors: int, proved: int, parts: int) -> None:
    """The right answers lead by one unit, of which the errors take none or all; and what each pair costs."""
    zero = np.zeros((2, 2), dtype=np.int64)
    scan = Scan(
        zero, zero, zero, zero, np.eye(2, dtype=np.int64), zero + errors, np.zeros((parts, 2), dtype=np.int64), zero,
        np.zeros((parts + 1, 2, 2), dtype=np.int64), compute_quotients(C2.table), compute_quotients(C2.table.T), 3, 0,
    )  # fmt: skip
    rows = list(evaluate_argument(make_permutation_example(C3).network, scan, None))
    assert sum(row.by_argument for row in rows) == proved
    left = 0 if proved else 2
    cost = Counter(multiply_adds=2 * (3 + parts + 1) + left * 2 * (parts + 1), additions=2 * 2 * 5 + 4 * 2 * 3)
    assert [row.cost for row in rows] == [cost, cost]


def settle_open(network: Network, rounded: RoundedNetwork, v: int, pairs: Pairs, is_open: Booleans) -> Evidence:
    """What `settle` finds where the bound of a margin is 0, if it is open, or one unit."""
    inquiry = prepare_inquiry(rounded, NO_DEMANDS, D4.order, 0)
    return settle(network, inquiry, v, pairs, (~is_open).astype(np.int64))


@pytest.mark.parametrize("gather", [0, 2**28])
def test_cases_that_the_scales_leave_undecided_cost_all_logits(gather: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two pairs of D4 with 1 and 2 open labels, or in one group with both: their products, and 8 labels exactly."""
    monkeypatch.setattr(certcheck.cases, "GATHER", gather)
    monkeypatch.setattr(certcheck.cases, "PIECES", 1)
    rng = np.random.default_rng(0)
    network = make_network(*(rng.integers(-3, 4, shape) for shape in ((8, 5), (8, 5), (5, 8))))
    rounded = round_network(network, ExhaustiveSection(-20, -20), "float64")
    is_open = np.zeros((8, 8), dtype=bool)
    is_open[3, 1] = is_open[6, 1] = is_open[6, 2] = True
    ys = D4.table[D4.inverse, 0].astype(np.intp)
    row = settle_open(network, rounded, 0, (np.arange(8), ys), is_open)
    assert row.by_argument == 6
    triples = (1 + 2) + 2 if gather else 2 * (2 + 1)
    assert row.cost["multiply_adds"] == (triples + 2 * 8) * 5
    # Products of words, and what Python does with each number of a pair.
    assert row.cost["exact_multiply_adds"] == 2 * (network.words * 8 * 5 + 256 * (8 + 5))


def raise_all(values: Integers, bits: int) -> Integers:
    """Values / 2**bits, rounded up."""
    return (values + 2**bits - 1) // 2**bits


@pytest.mark.parametrize(("gather", "pieces"), [(2**28, 1), *((0, pieces) for pieces in range(1, 9))])
@pytest.mark.parametrize("right", [(), (1,), (4,), (7,), (2, 3, 6)])
def test_a_label_that_is_open_for_one_case_alone_decides_it(
    gather: int, pieces: int, right: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seven cases of D4, each with an open label of its own, which answers more than the product, or less if right."""
    monkeypatch.setattr(certcheck.cases, "GATHER", gather)
    monkeypatch.setattr(certcheck.cases, "PIECES", pieces)
    out = np.zeros((8, 8))
    out[:, 0] = 2
    out[np.arange(1, 8), np.arange(1, 8)] = [1 if x in right else 3 for x in range(1, 8)]
    network = make_network(np.eye(8), np.zeros((8, 8)), out)
    rounded = round_network(network, ExhaustiveSection(0, 0), "float64")
    row = settle_open(
        network, rounded, 0, (np.arange(8), D4.table[D4.inverse, 0].astype(np.intp)), np.diag([False, *[True] * 7])
    )
    assert (row.by_argument, row.by_cases) == (1, len(right))


@pytest.mark.parametrize("gather", [0, 2**28])
@pytest.mark.parametrize("seed", SEEDS)
def test_cases_one_by_one_and_in_groups_are_decided_alike(
    gather: int, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each wrong answer is open in its own pair, and few are open in two: none may be missed."""
    monkeypatch.setattr(certcheck.cases, "GATHER", gather)
    monkeypatch.setattr(certcheck.cases, "PIECES", 2)
    rng, n = np.random.default_rng(seed), D4.order
    network = make_network(*(rng.integers(-3, 4, (n, n)) for _ in range(3)), out_bias=rng.integers(-9, 10, n))
    rounded = round_network(network, ExhaustiveSection(0, 0), "float64")
    total = 0
    for v in range(n):
        xs, ys = np.arange(n), D4.table[D4.inverse, v].astype(np.intp)
        logits = np.array([compute_folded(network, x, y) for x, y in zip(xs.tolist(), ys.tolist(), strict=True)])
        margins = logits[:, [v]] - logits
        is_open = (margins <= 0) | (rng.random((n, n)) < 0.1)
        is_open[:, v] = False
        correct = (np.delete(margins, v, axis=1) > 0).all(axis=1)
        by_argument = ~is_open.any(axis=1)
        row = settle_open(network, rounded, v, (xs, ys), is_open)
        assert (row.by_argument, row.by_cases) == (by_argument.sum(), (correct & ~by_argument).sum())
        total += int(correct.sum())
    assert 0 < total < n * n

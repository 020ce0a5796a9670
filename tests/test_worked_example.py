"""docs/worked_example.md: every number in it by hand from the claims, and once more by certcheck."""

from __future__ import annotations

import functools
import itertools
import json
import re
from fractions import Fraction
from math import isqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from certcheck.argument import Argument, prepare_argument
from certcheck.comparison import Auditor
from certcheck.decision import check
from certcheck.document import Certificate, EquivariantSection, parse_certificate
from certcheck.equivariant import _bound_residuals, evaluate_argument, prepare_scan
from certcheck.exhaustive import compute_exhaustive_cost
from certcheck.group import Group, check_group
from certcheck.network import Network, check_network
from certcheck.verdict import Proof
from tests.certificates import certificate, encode
from tests.equivariant_sections import write_array

DOCS = Path(__file__).parents[1] / "docs"
TEXT = (DOCS / "worked_example.md").read_text()
BLOCK = re.compile(r"^```json\n(.*?)^```\n", re.MULTILINE | re.DOTALL)
CLAIMS = re.compile(r"[Cc]laims? (\d+)(?: (?:to|and) (\d+))?")

Matrix = list[list[int]]

ORDER, POINTS, UNIT = 6, 3, 1024
ALL, EVERY = range(ORDER), range(POINTS)
ELEMENTS = list(itertools.permutations(EVERY))
PHI, WEIGHT, COEFFICIENT, BIAS = [-9, 0, 9], -5, -4, [0, 0, 0, 0, 0, 8]
PATTERN = [[1, 0, -1], [0, 0, 0], [-1, 0, 1]]
MULTIPLES = {"L": 6, "R": 5, "E": 1, "N": 12, "constant": -4}
PAIR, RIVAL = (1, 5), 5


def read_document(text: str) -> dict[str, Any]:
    """The blocks of the document as one object, decimals exact; no key is in two of them."""
    found: dict[str, Any] = {}
    for block in BLOCK.findall(text):
        for key, value in json.loads(block, parse_float=Fraction).items():
            assert key not in found
            found[key] = value
    return found


def multiply(x: int, y: int) -> int:
    """The index of xy, (xy)(i) = x(y(i))."""
    return ELEMENTS.index(tuple(ELEMENTS[x][i] for i in ELEMENTS[y]))


def invert(x: int) -> int:
    """The index of the inverse of x."""
    return next(y for y in ALL if multiply(x, y) == 0)


def ceil_root(value: int) -> int:
    """The smallest integer whose square is not below."""
    return isqrt(value) + (isqrt(value) ** 2 < value)


def get_matrix(x: int) -> Matrix:
    """rho(x): 1 in row xb of column b."""
    return [[int(ELEMENTS[x][c] == b) for c in EVERY] for b in EVERY]


def compute_product(left: Matrix, right: Matrix, factor: int = 1) -> Matrix:
    """factor times the product of two matrices."""
    return [[factor * sum(left[b][i] * right[i][c] for i in EVERY) for c in EVERY] for b in EVERY]


def compute_inner(left: Matrix, right: Matrix) -> int:
    """The sum of the products of entries."""
    return sum(p * q for r, s in zip(left, right, strict=True) for p, q in zip(r, s, strict=True))


def compute_mean(values: list[int]) -> int:
    """The mean, which must be an integer."""
    mean = Fraction(sum(values), len(values))
    assert mean.denominator == 1
    return int(mean)


def in_units(matrix: Matrix) -> Matrix:
    """Logits, or activations, in units."""
    return [[UNIT * value for value in row] for row in matrix]


def compute_activation(x: int, y: int, b: int, c: int) -> int:
    """What the neuron (b, c) gives to the pair (x, y)."""
    return max(PHI[ELEMENTS[invert(x)][b]] - PHI[ELEMENTS[y][c]], 0)


def compute_logit(x: int, y: int, z: int) -> int:
    """The network by its formula: the neurons (b, c) with zc = b."""
    return BIAS[z] + WEIGHT * sum(compute_activation(x, y, ELEMENTS[z][c], c) for c in EVERY)


def compute_margin(x: int, y: int, z: int) -> int:
    """The true margin."""
    return compute_logit(x, y, multiply(x, y)) - compute_logit(x, y, z)


@functools.cache
def compute_pair(x: int, y: int) -> dict[str, Any]:
    """Steps 2 to 4 for one pair: the centred activations, V, what L, R and N explain, and what is left."""
    g = [[compute_activation(x, y, b, c) for c in EVERY] for b in EVERY]
    u = [[compute_mean([compute_activation(x, t, b, c) for t in ALL]) - 2 for c in EVERY] for b in EVERY]
    v = [[compute_mean([compute_activation(s, y, b, c) for s in ALL]) - 2 for c in EVERY] for b in EVERY]
    centred = [[g[b][c] - u[b][c] - v[b][c] for c in EVERY] for b in EVERY]
    V = [[COEFFICIENT * value for value in row] for row in centred]
    # Claim 17: there is no constant to remove.
    assert not any(map(sum, V))
    assert not any(map(sum, zip(*V, strict=True)))
    L, R, N = compute_left(y), compute_right(x), compute_middle(multiply(x, y))
    models = compute_product(get_matrix(x), L), compute_product(R, get_matrix(y)), N
    E = [[V[b][c] - sum(model[b][c] for model in models) for c in EVERY] for b in EVERY]
    return {"u": u, "v": v, "centred": centred, "V": V, "E": E}


def compute_left(y: int) -> Matrix:
    """L(y)."""
    return compute_product(PATTERN, get_matrix(y), MULTIPLES["L"])


def compute_right(x: int) -> Matrix:
    """R(x)."""
    return compute_product(get_matrix(x), PATTERN, MULTIPLES["R"])


def compute_middle(w: int) -> Matrix:
    """N(w)."""
    return [[MULTIPLES["N"] * value + MULTIPLES["constant"] for value in row] for row in get_matrix(w)]


@functools.cache
def compute_tables() -> dict[str, Matrix]:
    """The five tables in units, from the definitions of claim 16 and not from their closed forms."""
    U = [[[WEIGHT * value for value in row] for row in get_matrix(z)] for z in ALL]
    u, v = [compute_pair(x, 0)["u"] for x in ALL], [compute_pair(0, y)["v"] for y in ALL]
    rho = [get_matrix(w) for w in ALL]
    tables = {
        "P": [[compute_inner(u[x], U[z]) + BIAS[z] for z in ALL] for x in ALL],
        "Q": [[compute_inner(v[y], U[z]) for z in ALL] for y in ALL],
        "Lt": [[compute_inner(rho[w], compute_left(y)) for w in ALL] for y in ALL],
        "Rt": [[compute_inner(rho[w], compute_right(x)) for w in ALL] for x in ALL],
        "Mt": [[compute_inner(rho[z], compute_middle(w)) for z in ALL] for w in ALL],
    }
    return {name: in_units(table) for name, table in tables.items()}


def compute_distance(v: int, z: int) -> int:
    """The norm of rho(v) - rho(z) in units, rounded up."""
    squares = sum(
        (p - q) ** 2 for r, s in zip(get_matrix(v), get_matrix(z), strict=True) for p, q in zip(r, s, strict=True)
    )
    return ceil_root(squares * UNIT**2)


def bound_norm(matrix: Matrix) -> int:
    """The norm of a matrix in units, rounded up."""
    return ceil_root(compute_inner(matrix, matrix) * UNIT**2)


def sum_cell_errors(values: list[int]) -> int:
    """Claim 14: a unit times the positive part of every cell's input, for the neurons (b, c) of one side."""
    return POINTS * sum(max(value, 0) for value in values)


def compute_terms(x: int, y: int, z: int) -> dict[str, int]:
    """Each term of ell in units of its own: differences and errors in units, penalties in squared ones."""
    v, t = multiply(x, y), compute_tables()
    pair, distance = compute_pair(x, y), compute_distance(v, z)
    into, out_of = multiply(invert(x), z), multiply(z, invert(y))
    # U_res = (weight - coefficient) [zc = b], so that its distances are those of rho.
    assert abs(WEIGHT - COEFFICIENT) == 1
    return {
        "P": t["P"][x][v] - t["P"][x][z],
        "Q": t["Q"][y][v] - t["Q"][y][z],
        "Lt": t["Lt"][y][y] - t["Lt"][y][into],
        "Rt": t["Rt"][x][x] - t["Rt"][x][out_of],
        "Mt": t["Mt"][v][v] - t["Mt"][v][z],
        "equivariance": distance * (bound_norm(pair["E"]) + 2 * POINTS),
        "remainder": distance * bound_norm(pair["centred"]),
        "merging": sum(sum_cell_errors(PHI if side == "x" else [-value for value in PHI]) for side in "xy"),
        "rounding": 5,
    }


def combine_terms(terms: dict[str, int]) -> int:
    """ell in squared units."""
    gained = sum(terms[table] for table in ("P", "Q", "Lt", "Rt", "Mt"))
    return UNIT * (gained - terms["merging"] - terms["rounding"]) - terms["equivariance"] - terms["remainder"]


def round_down(ell: int) -> Fraction:
    """ell in logits, rounded down to three places."""
    return Fraction(1000 * ell // UNIT**2, 1000)


TRIPLES = [(x, y, z) for x in ALL for y in ALL for z in ALL if z != multiply(x, y)]


@functools.cache
def compute_bounds() -> dict[tuple[int, int, int], int]:
    """ell of every triple in squared units."""
    return {triple: combine_terms(compute_terms(*triple)) for triple in TRIPLES}


def is_decided_first(x: int, y: int) -> bool:
    """Whether the smallest difference of the tables beats the largest distance."""
    v = multiply(x, y)
    farthest = max(compute_distance(0, w) for w in ALL)
    worst = []
    for z in ALL:
        if z != v:
            terms = compute_terms(x, y, z)
            scale = Fraction(farthest, compute_distance(v, z))
            worst.append(combine_terms(terms) - (scale - 1) * (terms["equivariance"] + terms["remainder"]))
    # The same penalty for every z: the smallest difference against the largest distance.
    return min(worst) > 0


def compute_row(w: int) -> dict[str, Any]:
    """The true margin, what the tables say, the penalties and ell of a rival z = xwy, all without the biases."""
    x, y = PAIR
    v, z = multiply(x, y), multiply(multiply(x, w), y)
    terms = compute_terms(x, y, z)
    assert terms["P"] == UNIT * (BIAS[v] - BIAS[z])
    return {
        "w": w,
        "margin": compute_margin(x, y, z) - BIAS[v] + BIAS[z],
        "tables": Fraction(sum(terms[table] for table in ("Q", "Lt", "Rt", "Mt")), UNIT),
        "equivariance": round_up(terms["equivariance"]),
        "remainder": round_up(terms["remainder"]),
        "ell": round_down(combine_terms(terms | {"P": 0})),
    }


def round_up(penalty: int) -> Fraction:
    """A penalty in logits, rounded up to three places."""
    return Fraction(-(-1000 * penalty // UNIT**2), 1000)


@functools.cache
def compute_document() -> dict[str, Any]:
    """All that the document shows, from the claims alone, in Python's integers and rationals."""
    x, y = PAIR
    triple = (x, y, RIVAL)
    pair, terms, bounds = compute_pair(x, y), compute_terms(*triple), compute_bounds()
    first = sum(is_decided_first(s, t) for s in ALL for t in ALL)
    n, m, p, d, K = ORDER, 9, 9, POINTS, 1
    products = {
        "cells": n * 7 * m,
        "P and Q": 2 * n * n * p,
        "distances of U_res": p * n * n,
        "norms of E": n * n * d * d,
        "norms of L and R": 2 * n * d * d,
        "norms of centred": n * n * p,
        "first test": n * n * (K + 1),
        "second test": (n * n - first) * n * (K + 1),
    }
    additions = {
        "u and v": 4 * n * n * p,
        "centred and V": 4 * n * n * p,
        "constants and E": 3 * n * n * d,
        "tables": 5 * n**3,
    }
    return compute_tables() | {
        "elements": [list(e) for e in ELEMENTS],
        "products": [[multiply(s, t) for t in ALL] for s in ALL],
        "inverses": [invert(s) for s in ALL],
        "phi": PHI,
        "a": [[PHI[ELEMENTS[invert(s)][b]] for b in EVERY] for s in ALL],
        "c": [[-PHI[ELEMENTS[t][c]] for c in EVERY] for t in ALL],
        "U": [[WEIGHT * value for row in get_matrix(z) for value in row] for z in ALL],
        "bias": BIAS,
        "margin_by_w": [-WEIGHT * sum(max(PHI[ELEMENTS[w][q]] - PHI[q], 0) for q in EVERY) for w in ALL],
        "unit": Fraction(1, UNIT),
        "bits": UNIT.bit_length() - 1,
        "neurons": [[j, UNIT, UNIT] for j in range(m)],
        "merging_of_x": [sum_cell_errors([PHI[ELEMENTS[invert(s)][b]] for b in EVERY]) for s in ALL],
        "merging_of_y": [sum_cell_errors([-PHI[ELEMENTS[t][c]] for c in EVERY]) for t in ALL],
        "u": [[row[0] for row in compute_pair(s, 0)["u"]] for s in ALL],
        "v": [compute_pair(0, t)["v"][0] for t in ALL],
        "centred_at_e": compute_pair(0, 0)["centred"],
        "coefficient": COEFFICIENT,
        "pair": list(PAIR),
        "product": multiply(x, y),
        "g": [[compute_activation(x, y, b, c) for c in EVERY] for b in EVERY],
        "centred": pair["centred"],
        "V": pair["V"],
        "pattern": PATTERN,
        "multiples": MULTIPLES,
        "L": [compute_left(t) for t in ALL],
        "R": [compute_right(s) for s in ALL],
        "N": [compute_middle(w) for w in ALL],
        "E": pair["E"],
        "E_squared": compute_inner(pair["E"], pair["E"]),
        "E_bound": bound_norm(pair["E"]) + 2 * d,
        "pattern_by_w": [compute_inner(get_matrix(w), PATTERN) for w in ALL],
        "fixed_by_w": [sum(int(i == q) for q, i in enumerate(ELEMENTS[w])) for w in ALL],
        "U_res_weight": WEIGHT - COEFFICIENT,
        "distance_by_w": [compute_distance(0, w) for w in ALL],
        "centred_squared": compute_inner(pair["centred"], pair["centred"]),
        "centred_bound": bound_norm(pair["centred"]),
        "z": RIVAL,
        "x_inverse_z": multiply(invert(x), RIVAL),
        "z_y_inverse": multiply(RIVAL, invert(y)),
        "differences": {table: terms[table] for table in ("P", "Q", "Lt", "Rt", "Mt")},
        "errors": terms["merging"] + terms["rounding"],
        "distance": compute_distance(multiply(x, y), RIVAL),
        "ell_squared_units": bounds[triple],
        "ell": round_down(bounds[triple]),
        "margin": compute_margin(*triple),
        "without_bias": [compute_row(w) for w in ALL[1:]],
        "smallest_ell": round_down(min(bounds.values())),
        "smallest_margin": min(compute_margin(*t) for t in TRIPLES),
        "pairs_by_the_first_test": first,
        "pairs_by_the_second_test": n * n - first,
        "pairs_by_the_argument": sum(
            all(bounds[s, t, z] > 0 for z in ALL if z != multiply(s, t)) for s in ALL for t in ALL
        ),
        "error_terms": {
            "merging": terms["merging"],
            "rounding": 5,
            "homomorphism": 0,
            "equivariance": bound_norm(pair["E"]) + 2 * d,
            "remainder": -(-max(compute_distance(0, w) for w in ALL) * bound_norm(pair["centred"]) // UNIT),
        },
        "multiply_adds": products,
        "multiply_adds_in_all": sum(products.values()),
        "multiply_adds_exhaustive": m * n**3,
        "additions": additions,
        "additions_in_all": sum(additions.values()),
    }


def make_certificate(shown: dict[str, Any], bias: list[float] | None = None) -> bytes:
    """A certificate made of the document's numbers, and of nothing else."""
    repeated = {
        "left": np.repeat(np.array(shown["a"], dtype=np.float32), POINTS, axis=1),
        "right": np.tile(np.array(shown["c"], dtype=np.float32), POINTS),
        "out": np.array(shown["U"], dtype=np.float32).T.copy(),
        "out_bias": np.array(shown["bias"] if bias is None else bias, dtype=np.float32),
    }
    # The elements 1 and 2 generate: no earlier one does.
    generators = [shown["elements"][1], shown["elements"][2]]
    positions = [[b, c, shown["coefficient"] * 2**8] for b in EVERY for c in EVERY]
    tables = {
        side: write_array(np.array(shown[key], dtype=np.int64) * UNIT)
        for side, key in (("left", "L"), ("right", "R"), ("middle", "N"))
    }
    bits = dict.fromkeys(("activation", "unembedding", "scale", "representation", "table"), shown["bits"])
    representation = {
        "name": "points",
        "permutations": write_array(np.array(generators)),
        "signs": write_array(np.ones(2, dtype=np.int64)),
        "matrices": None,
        "cells": write_array(np.arange(9)),
        "positions": write_array(np.array(positions)),
        "coefficients": None,
        "basis": None,
        **tables,
        "constants_to": None,
    }
    method = {
        "name": "equivariant",
        **{f"{name}_bits": value for name, value in bits.items()},
        "coefficient_bits": 0,
        "cells": 9,
        "neurons": write_array(np.array(shown["neurons"])),
        "representations": [representation],
        "error_terms": dict(shown["error_terms"]),
        "cases": None,
    }
    return encode(certificate(shown["elements"], repeated, correct=7) | {"method": method})


def check_example(shown: dict[str, Any], arithmetic: str = "int64", bias: list[float] | None = None) -> Proof:
    """What certcheck says of the document's certificate."""
    return check(make_certificate(shown, bias), Auditor(arithmetic=arithmetic))


def prepare(shown: dict[str, Any]) -> tuple[Certificate, Network, Group, Argument]:
    """What certcheck makes of the document's certificate before it looks at pairs."""
    parsed = parse_certificate(make_certificate(shown))
    G = check_group(parsed.group.elements, "group.elements")
    network = check_network(parsed.network, G.order)
    assert isinstance(parsed.method, EquivariantSection)
    return parsed, network, G, prepare_argument(network, G, parsed.method, "int64")[0]


SHOWN = read_document(TEXT)


def test_the_document_shows_what_the_claims_say() -> None:
    """Every number of the blocks is the one that is computed here from the claims, and none is missing."""
    expected = compute_document()
    assert SHOWN.keys() == expected.keys()
    for key, value in expected.items():
        assert SHOWN[key] == value, key


def test_any_number_that_is_changed_is_noticed() -> None:
    """One number after the other is raised by one; the document no longer shows what the claims say."""
    expected, numbers = compute_document(), 0
    for block in BLOCK.finditer(TEXT):
        for found in re.finditer(r'(?<![\w"])\d+(?![\w"])', block[1]):
            start, end = (block.start(1) + position for position in found.span())
            changed = TEXT[:start] + str(int(found[0]) + 1).zfill(len(found[0])) + TEXT[end:]
            assert read_document(changed) != expected, found
            numbers += 1
    assert numbers > 500


def test_the_words_between_the_blocks_hold_no_numbers() -> None:
    """Outside the blocks a number is a claim's, and soundness.md has that claim."""
    words = BLOCK.sub("", TEXT)
    known = re.findall(r"^### Claim (\d+):", (DOCS / "soundness.md").read_text(), re.MULTILINE)
    claims = {number for pair in CLAIMS.findall(words) for number in pair if number}
    assert claims <= set(known)
    assert not re.search(r"\d", CLAIMS.sub("", words))


def test_certcheck_prepares_what_the_document_shows() -> None:
    """Group, cells, u, v, the tables, the errors, the distances and U_res, from the certificate it describes."""
    _, _, G, argument = prepare(SHOWN)
    assert G.table.tolist() == SHOWN["products"]
    assert G.inverse.tolist() == SHOWN["inverses"]
    assert G.generators == (1, 2)
    cells = argument.cells
    assert (cells.alpha.reshape(6, 3, 3) == UNIT * np.array(SHOWN["a"])[:, :, None]).all()
    assert (cells.gamma.reshape(6, 3, 3) == UNIT * np.array(SHOWN["c"])[:, None, :]).all()
    assert (UNIT * np.array(SHOWN["U"]) == cells.U).all()
    assert (argument.u.reshape(6, 3, 3) == UNIT * np.array(SHOWN["u"])[:, :, None]).all()
    assert (argument.v.reshape(6, 3, 3) == UNIT * np.array(SHOWN["v"])[:, None, :]).all()
    tables = {"P": argument.P, "Q": argument.Q, "Lt": argument.L, "Rt": argument.R, "Mt": argument.M}
    for name, table in tables.items():
        assert table.tolist() == SHOWN[name], name
    assert argument.x_error.tolist() == SHOWN["merging_of_x"]
    assert argument.y_error.tolist() == SHOWN["merging_of_y"]
    (part,) = argument.parts
    assert part.rho.distances.tolist() == SHOWN["distance_by_w"]
    differences = G.table[G.inverse]
    assert (argument.remainders == np.array(SHOWN["distance_by_w"])[differences]).all()


def test_certcheck_bounds_the_residuals_that_the_document_shows() -> None:
    """|E| and the norm of the centred activations are the same for all pairs, and those shown."""
    _, _, G, argument = prepare(SHOWN)
    for x in ALL:
        residual, norms = _bound_residuals(G, argument, np.array([x]))
        assert residual.tolist() == [[SHOWN["E_bound"]] * 6]
        assert norms.tolist() == [[SHOWN["centred_bound"]] * 6]
    for x, y in itertools.product(ALL, ALL):
        assert compute_inner(compute_pair(x, y)["E"], compute_pair(x, y)["E"]) == SHOWN["E_squared"]


def test_certcheck_subtracts_its_numbers_to_the_same_bounds() -> None:
    """Claim 16 on what certcheck prepared: ell of all triples is the one computed here from the claims."""
    _, _, G, argument = prepare(SHOWN)
    for x in ALL:
        (residual,), (norms,) = _bound_residuals(G, argument, np.array([x]))
        for y in ALL:
            v = int(G.table[x, y])
            for z in ALL:
                if z == v:
                    continue
                s, t = G.table[G.inverse[x], z], G.table[z, G.inverse[y]]
                ell = int(argument.P[x, v] - argument.P[x, z] + argument.Q[y, v] - argument.Q[y, z])
                ell += int(argument.L[y, y] - argument.L[y, s] + argument.R[x, x] - argument.R[x, t])
                ell += int(argument.M[v, v] - argument.M[v, z] - argument.x_error[x] - argument.y_error[y] - 5)
                distance = argument.parts[0].rho.distances[G.table[G.inverse[v], z]]
                penalty = int(distance * residual[y] + argument.remainders[v, z] * norms[y])
                assert UNIT * ell - penalty == compute_bounds()[x, y, z]


@pytest.mark.parametrize("arithmetic", ["float64", "int64"])
def test_certcheck_gives_the_verdict_that_the_document_shows(arithmetic: str) -> None:
    """All pairs by the argument, the error terms, and the cost."""
    proof = check_example(SHOWN, arithmetic)
    assert (proof.pairs_by_argument, proof.pairs_by_cases) == (SHOWN["pairs_by_the_argument"], 0)
    assert proof.multiply_adds == SHOWN["multiply_adds_in_all"]
    assert proof.multiply_adds_exhaustive == SHOWN["multiply_adds_exhaustive"]
    assert proof.additions == SHOWN["additions_in_all"]
    terms = {key: str(Fraction(term, UNIT)) for key, term in SHOWN["error_terms"].items()}
    assert proof.error_terms == terms


def test_certcheck_finds_the_cost_and_the_terms_row_by_row() -> None:
    """The parts that differ from pair to pair: the second test's multiply-adds, |E| and the remainder."""
    _, network, G, argument = prepare(SHOWN)
    scan, terms = prepare_scan(G, argument)
    rows = list(evaluate_argument(network, scan, None))
    costs = SHOWN["multiply_adds"]
    scans = costs["norms of centred"] + costs["first test"] + costs["second test"]
    assert sum(row.cost["multiply_adds"] for row in rows) == scans
    assert compute_exhaustive_cost(network, G) == SHOWN["multiply_adds_exhaustive"]
    for key in ("equivariance", "remainder"):
        assert terms[key] == SHOWN["error_terms"][key]


def compute_coarse_bound(x: int, y: int, z: int, drop: int) -> int:
    """ell in units of 2^drop squared units, from distances and norms with so many bits less, rounded up."""
    terms, half = compute_terms(x, y, z), drop // 2
    norms = [terms[key] // compute_distance(multiply(x, y), z) for key in ("equivariance", "remainder")]
    distance = -(-compute_distance(multiply(x, y), z) >> half)
    gained = combine_terms(terms | {"equivariance": 0, "remainder": 0})
    return (gained >> drop) - sum(distance * -(-norm >> drop - half) for norm in norms)


def test_certcheck_draws_the_line_at_the_smallest_bound() -> None:
    """The bias is raised by as many units as leave the smallest ell above 0, then by one more.

    Products of these distances and norms have 25 bits and the tables 27 between them: five less, and all fits 23 bits.
    """
    drop = 5
    unit = UNIT >> drop
    coarse = {triple: compute_coarse_bound(*triple, drop) for triple in TRIPLES}
    assert all(coarse[triple] << drop <= ell for triple, ell in compute_bounds().items())
    units = (min(coarse.values()) - 1) // unit
    for more, proved in ((units, True), (units + 1, False)):
        bias = [float(value) for value in SHOWN["bias"]]
        bias[5] += more / UNIT
        assert (check_example(SHOWN, bias=bias).pairs_by_argument == 36) == proved


def test_the_residual_is_the_multiple_that_is_left() -> None:
    """E = rho(x) S rho(y) for all pairs, times the multiple shown."""
    for x, y in itertools.product(ALL, ALL):
        left_over = compute_product(compute_product(get_matrix(x), PATTERN), get_matrix(y), SHOWN["multiples"]["E"])
        assert compute_pair(x, y)["E"] == left_over


def test_no_bound_is_above_its_margin() -> None:
    """Claim 16: ell <= the true margin of the network by its formula, for all triples."""
    for triple, ell in compute_bounds().items():
        assert ell <= compute_margin(*triple) * UNIT**2
        assert ell > 0


def test_the_margins_are_those_of_the_closed_form() -> None:
    """The true margin is that of w = x^-1 z y^-1, with the difference of the biases."""
    for x, y, z in TRIPLES:
        w = multiply(multiply(invert(x), z), invert(y))
        assert compute_margin(x, y, z) == SHOWN["margin_by_w"][w] + BIAS[multiply(x, y)] - BIAS[z]


def test_the_document_stays_short() -> None:
    """Below 150 lines."""
    assert len(TEXT.splitlines()) < 150

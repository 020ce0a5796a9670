"""equivariant: the bound against a slow textbook version of it, the count against every logit, and each refusal."""

from __future__ import annotations

import dataclasses
import itertools
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray

import certcheck.cases
import certcheck.exhaustive
from certcheck.argument import prepare_argument
from certcheck.cells import check_cells
from certcheck.document import ERROR_TERMS, ExhaustiveSection
from certcheck.equivariant import check_equivariant, evaluate_argument, prepare_scan
from certcheck.evidence import Evidence, collect
from certcheck.exact import Integers, RightFactor, multiply
from certcheck.limits import Limits
from certcheck.verdict import Reason, Refusal
from tests.certcheck.test_exact import refused
from tests.certcheck.test_exhaustive import count_slowly
from tests.certcheck.test_network import compute_folded
from tests.equivariant_sections import (
    C3,
    D4,
    S3,
    TURNS,
    UNIT,
    Circuit,
    Example,
    T,
    build_network,
    compute_cells,
    compute_centred,
    edit,
    edit_part,
    make_circuit,
    make_matrix_example,
    make_permutation_example,
    make_permutation_part,
    make_section,
    make_sign_example,
    remove_constants,
)

CASES = ExhaustiveSection(10, 10)
EXAMPLES = {
    "C3 permutations": make_permutation_example(C3),
    "S3 permutations": make_permutation_example(S3),
    "D4 permutations": make_permutation_example(D4),
    "S3 scales 1 and -2": make_permutation_example(S3, (1.0, -2.0)),
    "S3 scales -1 and -1/2": make_permutation_example(S3, (-1.0, -0.5)),
    "S3 matrices": make_matrix_example(S3),
    "C3 matrices": make_matrix_example(C3),
    "C3 complex type": make_matrix_example(C3, TURNS),
    "S3 sign": make_sign_example(S3),
}
Floats = NDArray[np.float64]


def check_both(example: Example) -> Evidence:
    """The evidence, the same in both arithmetics."""
    first, second = (
        check_equivariant(example.network, example.G, example.section, arithmetic)
        for arithmetic in ("float64", "int64")
    )
    assert first == second
    return first


def refusal_of(example: Example) -> tuple[Reason, str]:
    """Reason and place of the refusal, the same in both arithmetics."""
    caught = set()
    for arithmetic in ("float64", "int64"):
        with pytest.raises(Refusal) as refusal:
            check_equivariant(example.network, example.G, example.section, arithmetic)
        caught.add((refusal.value.reason, refusal.value.where))
    (only,) = caught
    return only


def count_proved(example: Example) -> int:
    """The pairs that are proved, or 0 where the section is refused; checked against the true count."""
    evidence = check_both(example)
    assert evidence.by_argument + evidence.by_cases <= count_slowly(example.network, example.G)
    return evidence.by_argument + evidence.by_cases


def compute_rho(example: Example, index: int) -> Floats:
    """The matrices of all elements, one product with a generator after the other, not rounded."""
    G, part = example.G, example.section.representations[index]
    if part.permutations is None or part.signs is None:
        assert part.matrices is not None
        generators = part.matrices / 2.0**example.section.representation_bits
    else:
        d = part.permutations.shape[1]
        generators = np.array([s * np.eye(d)[:, p] for p, s in zip(part.permutations, part.signs, strict=True)])
    rho = {G.identity: np.eye(generators.shape[1])}
    while len(rho) < G.order:
        for i, g in enumerate(G.generators):
            for x in list(rho):
                rho.setdefault(int(G.table[g, x]), generators[i] @ rho[x])
    return np.array([rho[x] for x in range(G.order)])


def compute_margins(example: Example) -> Floats:
    """mu(x, y, z) from the exact logits: (n, n, n), 0 at z = xy."""
    n = example.G.order
    logits = np.array([[list(map(float, compute_folded(example.network, x, y))) for y in range(n)] for x in range(n)])
    rows, columns = np.ogrid[:n, :n]
    margins: Floats = logits[rows, columns, example.G.table][:, :, None] - logits
    return margins


def compute_lower_bounds(example: Example) -> Floats:  # noqa: C901 - it reads like the formula
    """ell(x, y, z) of DESIGN 2.2 step 5 in floats, triple by triple: no cheap test, no rounding, no tables."""
    section, G, n = example.section, example.G, example.G.order
    cells = check_cells(example.network, section)
    alpha, gamma = cells.alpha / 2.0**section.activation_bits, cells.gamma / 2.0**section.activation_bits
    U, unit = cells.U / 2.0**section.unembedding_bits, 2.0 ** -(section.activation_bits + section.unembedding_bits)
    negative = cells.negative / 2.0**section.unembedding_bits
    beta, x_error, y_error = cells.beta * unit, cells.x_error * unit, cells.y_error * unit
    g = np.maximum(alpha[:, None] + gamma[None], 0)
    u = g.mean(axis=1) - g.mean(axis=(0, 1)) / 2
    v = g.mean(axis=0) - g.mean(axis=(0, 1)) / 2
    centred = g - u[:, None] - v[None]
    P = u @ U.T - alpha[:, cells.negative_cells] @ negative.T + beta
    Q = v @ U.T - gamma[:, cells.negative_cells] @ negative.T
    rest = U.copy()
    constants: dict[int | None, Floats] = {}
    explained, parts = np.zeros((n, n, n)), []
    for i, part in enumerate(section.representations):
        rho, d = compute_rho(example, i), compute_rho(example, i).shape[1]
        C = np.zeros((len(part.cells), d, d))
        if part.positions is not None:
            for k, (b, c, value) in enumerate(part.positions):
                C[k, b, c] = value / UNIT
        else:
            assert part.coefficients is not None
            basis = np.eye(d * d).reshape(-1, d, d) if part.basis is None else part.basis
            C = np.einsum("kq,qab->kab", part.coefficients / 2.0**section.coefficient_bits, basis)
        V = np.zeros((n, n, d, d))
        for k, j in enumerate(part.cells):
            rest[:, j] -= np.einsum("zab,ab->z", rho, C[k])
            V += centred[:, :, j, None, None] * C[k]
        V += constants.get(i, 0)
        if part.constants_to is not None or (part.positions is not None and d > 1 and (rho >= 0).all()):
            rows = V.mean(axis=3, keepdims=True)
            columns = (V - rows).mean(axis=2, keepdims=True)
            V = V - rows - columns
            constants[part.constants_to] = rows.sum(axis=2, keepdims=True) + columns.sum(axis=3, keepdims=True)
        L, R, N = (table / 2.0**section.table_bits for table in (part.left, part.right, part.middle))
        E = V - np.einsum("xab,ybc->xyac", rho, L) - np.einsum("xab,ybc->xyac", R, rho) - N[G.table]
        for x in range(n):
            for y in range(n):
                model = rho[x] @ L[y] + R[x] @ rho[y] + N[G.table[x, y]]
                explained[x, y] += np.einsum("zab,ab->z", rho, model)
        parts.append((rho, np.sqrt((E**2).sum(axis=(2, 3)))))
    bounds = np.zeros((n, n, n))
    for x in range(n):
        for y in range(n):
            v_ = G.table[x, y]
            for z in range(n):
                bounds[x, y, z] = P[x, v_] - P[x, z] + Q[y, v_] - Q[y, z] + explained[x, y, v_] - explained[x, y, z]
                bounds[x, y, z] -= sum(np.sqrt(((rho[v_] - rho[z]) ** 2).sum()) * E[x, y] for rho, E in parts)
                bounds[x, y, z] -= np.sqrt(((rest[v_] - rest[z]) ** 2).sum() * (centred[x, y] ** 2).sum())
                bounds[x, y, z] -= x_error[x] + y_error[y]
            bounds[x, y, v_] = np.inf
    return bounds


def count_rows(example: Example) -> list[int]:
    """The pairs by the argument for each product."""
    argument, _, _ = prepare_argument(example.network, example.G, example.section, "int64")
    scan, _ = prepare_scan(example.G, argument)
    return [row.by_argument for row in evaluate_argument(example.network, scan, None)]


def agrees_with_the_textbook(example: Example) -> bool:
    """Whether ell <= mu for every triple, and no product has more pairs than by the textbook, which does not round."""
    bounds, margins = compute_lower_bounds(example), compute_margins(example)
    wrong = np.isfinite(bounds)
    positive = np.bincount(example.G.table[(bounds > 0).all(axis=2)], minlength=example.G.order)
    proved = count_rows(example)
    below = bool((bounds[wrong] <= margins[wrong] + 2.0**-40).all())
    return below and all(p <= q for p, q in zip(proved, positive.tolist(), strict=True))


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_argument_proves_every_pair_of_a_circuit(name: str) -> None:
    """Each example is correct on all pairs, by exact evaluation, and the argument needs no case for it."""
    example = EXAMPLES[name]
    pairs = example.G.order**2
    assert count_slowly(example.network, example.G) == pairs
    evidence = check_both(example)
    assert (evidence.by_argument, evidence.by_cases) == (pairs, 0)
    assert evidence.error_terms == {key: Fraction(t, 2**T) for key, t in example.section.error_terms.items()}


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_bound_is_below_every_margin(name: str) -> None:
    """Claim 16: ell <= mu for every triple, by the textbook version, and the checker proves no more than it."""
    assert agrees_with_the_textbook(EXAMPLES[name])


def measure_terms(example: Example) -> dict[str, int]:
    """The smallest error terms that are accepted, read off the refusals one after the other."""
    terms = dict.fromkeys(ERROR_TERMS, 0)
    while True:
        try:
            check_equivariant(example.network, example.G, edit(example, error_terms=terms).section, "int64")
        except Refusal as refusal:
            key = refusal.where.removeprefix("method.error_terms.")
            assert terms[key] == 0
            terms[key] = int(refusal.expected.removeprefix("at least "))
        else:
            return terms


@pytest.mark.parametrize("key", ERROR_TERMS)
@pytest.mark.parametrize("name", ["S3 matrices", "S3 sign"])
def test_an_error_term_that_is_too_low_by_one_is_refused(name: str, key: str) -> None:
    """Each error term is accepted as it is, and refused one unit below; exact permutations have none of one kind."""
    example = EXAMPLES[name]
    terms = measure_terms(example)
    quoted = check_both(edit(example, error_terms=terms)).error_terms
    assert quoted == {key: Fraction(term, 2**T) for key, term in terms.items()}
    assert terms["rounding"] == 5
    assert (terms["homomorphism"] > 0) == (name == "S3 matrices")
    if terms[key]:
        too_low = edit(example, error_terms=terms | {key: terms[key] - 1})
        assert refusal_of(too_low) == (Reason.ERROR_TERM_TOO_LOW, f"method.error_terms.{key}")


def test_the_error_terms_are_no_smaller_than_what_they_bound() -> None:
    """By the textbook: the merging of a dropped neuron, the residual |E| and the remainder, in units of 2^-T."""
    example = EXAMPLES["S3 permutations"]
    rows = example.section.neurons.copy()
    rows[0, 0] = -1
    dropped = edit(example, neurons=rows)
    # Neuron 0 has phi = -1 at its largest 1 on the left, -1 .. 1 less 1 on the right, and outputs of width 1.
    left, right, out = (np.array(v) for v in dataclasses.astuple(make_circuit(S3))[:3])
    largest = max(left[:, 0].max(), 0) + max(right[:, 0].max(), 0)
    assert measure_terms(dropped)["merging"] >= largest * (out[0].max() - out[0].min()) * 2**T
    # Cell 0 without its coefficient: U_res is [z b' = b] there, 1 apart for some outputs; the rest is explained.
    part = example.section.representations[0]
    assert part.positions is not None
    lost = edit_part(example, 0, cells=part.cells[1:], positions=part.positions[1:])
    centred = compute_centred(*compute_cells(make_circuit(S3)))
    norm = np.sqrt((centred**2).sum(axis=2)).max()
    assert measure_terms(example)["remainder"] == 0
    assert norm * 2**T <= measure_terms(lost)["remainder"] <= norm * 2**T + 18
    # Without tables E is all of V.
    zero = np.zeros((6, 3, 3), dtype=np.int64)
    V = np.zeros((6, 6, 3, 3))
    for j, (b, c) in enumerate(make_circuit(S3).positions):
        V[:, :, b, c] += centred[:, :, j]
    norm = np.sqrt((remove_constants(V)[0] ** 2).sum(axis=(2, 3))).max()
    blind = measure_terms(edit_part(example, 0, left=zero, right=zero, middle=zero))["equivariance"]
    assert norm * 2**T <= blind <= norm * 2**T + 9


def test_the_cost_is_the_sum_of_its_products() -> None:
    """C3 on three points: n = 3, m = p = 18, one part of d = 3, no negative scale; nothing is left to the scan.

    Merging: the residuals of both sides multiply sigma, share and width: as often as `Cells` counts; P, Q: 2 n^2 p;
    U_res by its Gram matrix: n^2 p; |E|: n^2 d^2 and |L|, |R|: 2 n d^2; |g|: n^2 p; cheap test: K + 1 a pair.
    """
    example = EXAMPLES["C3 permutations"]
    n, p, d = 3, 18, 3
    merging = check_cells(example.network, example.section).multiply_adds
    assert merging == n * (2 * p + 2 * p + 2 * p + p)
    total = merging + 3 * n * n * p + n * n * d * d + 2 * n * d * d + n * n * p + 2 * n * n
    evidence = check_both(example)
    assert evidence.cost["multiply_adds"] == total
    # Sums of cells to V and centring: 4 n^2 p twice; constants and residuals: 3 n^2 d; five tables a triple: 5 n^3.
    assert evidence.cost["additions"] == 8 * n * n * p + 3 * n * n * d + 5 * n**3


@pytest.mark.parametrize(("gather", "pieces"), [(0, 1), (0, 2), (0, 8), (2**28, 8)])
def test_a_case_costs_a_product_for_each_triple_and_neuron(
    gather: int, pieces: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With tables of zeros nothing is proved by the argument; m products for each triple evaluated come on top.

    Six pairs a product in pieces of 6, 3 and 1; gathered, each has its open labels, as in pieces of 1.
    """
    monkeypatch.setattr(certcheck.cases, "GATHER", gather)
    monkeypatch.setattr(certcheck.cases, "PIECES", pieces)
    taken: list[int] = []

    def multiply_and_count(left: Integers, right: RightFactor, where: str) -> Integers:
        taken.append(len(left) * right.entries.shape[1])
        return multiply(left, right, where)

    example = edit(EXAMPLES["S3 permutations"], cases=CASES)
    zero = np.zeros((6, 3, 3), dtype=np.int64)
    blind = edit_part(example, 0, left=zero, right=zero, middle=zero)
    plain = check_both(edit(blind, cases=None))
    monkeypatch.setattr(certcheck.exhaustive, "multiply", multiply_and_count)
    evidence = check_both(blind)
    assert (evidence.by_argument, evidence.by_cases, plain.by_cases) == (plain.by_argument, 36 - plain.by_argument, 0)
    more = evidence.cost["multiply_adds"] - plain.cost["multiply_adds"]
    open_triples = int((compute_lower_bounds(blind) <= 0).sum())
    assert 18 * open_triples <= more <= 18 * 6**3
    if gather:
        # The right answer of a case is a product too; the bound's roundings open no other triple.
        assert more == 18 * (open_triples + evidence.by_cases)
    else:
        assert more == 18 * sum(taken) // 2


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_float32_holds_every_sum_of_the_scan(name: str) -> None:
    """Claim 17: the largest terms add up to less than 2^23; both arithmetics scan the same integers."""
    example, scans = EXAMPLES[name], []
    for arithmetic in ("float64", "int64"):
        prepared, _, _ = prepare_argument(example.network, example.G, example.section, arithmetic)
        scans.append(prepare_scan(example.G, prepared)[0])
    numbers = ("P", "Q", "L", "R", "M", "errors", "distances", "remainders", "norms")
    first, second = ([getattr(scan, number) for number in numbers] for scan in scans)
    assert {v.dtype.name for v in first} == {"float32"}
    assert {v.dtype.name for v in second} == {"int64"}
    assert all((v == w).all() for v, w in zip(first, second, strict=True))
    *tables, distances, remainders, norms = second
    largest = sum(int(np.abs(table).max()) for table in tables)
    products = zip((*distances, remainders), norms, strict=True)
    assert largest + sum(int(d.max()) * int(norm.max()) for d, norm in products) < 2**23


def test_tables_that_would_fill_the_memory_are_not_made() -> None:
    """Norms and tables of all pairs, (2 K + 18) n^2 = 720; matrices of all elements or cells, 16 * 18 d^2 = 1152."""
    example = EXAMPLES["S3 matrices"]
    prepare_argument(example.network, example.G, example.section, "int64", Limits(numbers=1152))
    for numbers, where in ((1151, "method.representations[0]"), (719, "method.representations")):
        with pytest.raises(Refusal) as caught:
            prepare_argument(example.network, example.G, example.section, "int64", Limits(numbers=numbers))
        assert (caught.value.reason, caught.value.where) == (Reason.NUMBERS_TOO_MANY, where)


def test_cells_that_many_representations_carry_are_work() -> None:
    """18 cells, picked out for 36 pairs: 8 * 18 * 36 = 5184 additions before anything is made."""
    example = EXAMPLES["S3 matrices"]
    prepare_argument(example.network, example.G, example.section, "int64", Limits(additions=5184))
    with pytest.raises(Refusal) as caught:
        prepare_argument(example.network, example.G, example.section, "int64", Limits(additions=5183))
    assert (caught.value.reason, caught.value.where) == (Reason.WORK_TOO_LARGE, "method.representations")


def test_the_scan_takes_the_tables_by_quotients() -> None:
    """Each table at the place where the bound of (x, y, z) needs it, for all triples of a group that is not abelian."""
    example = EXAMPLES["S3 matrices"]
    table, n = example.G.table, example.G.order
    prepared, _, _ = prepare_argument(example.network, example.G, example.section, "int64")
    scan, _ = prepare_scan(example.G, prepared)
    unit = np.abs(scan.P).max() // np.abs(prepared.P).max()
    for x, y, s, t in itertools.product(range(n), repeat=4):
        v, z = table[x, y], table[x, s]
        if table[t, y] == z:
            assert (scan.left[x, z], scan.left[x, v]) == (s, y)
            assert scan.L[scan.left[v, z], y] == unit * prepared.L[y, s]
            assert scan.R[scan.right[v, z], x] == unit * prepared.R[x, t]
            assert (scan.P[z, x], scan.Q[z, y]) == (unit * prepared.P[x, z], unit * prepared.Q[y, z])


@pytest.mark.parametrize("side", ["left", "right", "middle"])
@pytest.mark.parametrize("name", ["S3 permutations", "S3 matrices", "D4 permutations"])
def test_a_permuted_table_proves_less(name: str, side: str) -> None:
    """A table with its labels inverted is another table: the residual shows it, and the bound stays true."""
    example = EXAMPLES[name]
    inverse = np.argmax(example.G.table == example.G.identity, axis=1)
    table = getattr(example.section.representations[0], side)
    permuted = edit_part(example, 0, **{side: np.roll(table[inverse], 1, axis=0)})
    assert agrees_with_the_textbook(permuted)
    assert count_proved(permuted) <= example.G.order**2
    if side == "left":
        assert count_proved(permuted) < example.G.order**2


def test_swapped_tables_prove_less() -> None:
    """L in place of R is no explanation of a group that does not commute."""
    example = EXAMPLES["S3 permutations"]
    part = example.section.representations[0]
    swapped = edit_part(example, 0, left=part.right, right=part.left)
    assert agrees_with_the_textbook(swapped)
    assert count_proved(swapped) < 36


def test_a_wrong_sign_of_a_scale_proves_less() -> None:
    """sigma = 1 where it is -2: the merging error swallows the margins."""
    example = EXAMPLES["S3 scales 1 and -2"]
    rows = example.section.neurons.copy()
    rows[:, 1] = np.abs(rows[:, 1])
    wrong = edit(example, neurons=rows)
    assert agrees_with_the_textbook(wrong)
    assert count_proved(wrong) == 0


def test_a_dropped_neuron_that_lives_proves_less() -> None:
    """A neuron that is not dead costs all that it can add; every pair is still decided by cases."""
    example = EXAMPLES["S3 permutations"]
    rows = example.section.neurons.copy()
    rows[9:, 0] = -1
    dropped = edit(example, neurons=rows)
    assert agrees_with_the_textbook(dropped)
    assert count_proved(dropped) < 36
    assert count_proved(edit(dropped, cases=CASES)) == 36


def test_a_dead_neuron_costs_nothing() -> None:
    """A neuron that never fires, dropped: all pairs are proved."""
    circuit = make_circuit(S3)
    part, _ = make_permutation_part(S3, circuit, range(18))
    dead = Circuit(np.full((6, 1), -9.0), np.full((6, 1), 1.0), np.ones((1, 6)) * np.arange(6), [(-1, 0.0, 0.0)], [])
    joined = Circuit(
        np.concatenate([circuit.left, dead.left], axis=1),
        np.concatenate([circuit.right, dead.right * 0], axis=1),
        np.concatenate([circuit.out, dead.out]),
        circuit.neurons + dead.neurons,
        circuit.positions,
    )
    assert count_proved(Example(build_network(joined), S3, make_section(joined, part))) == 36


def test_the_sign_circuit_is_explained_by_the_sign_alone() -> None:
    """Claim 17: its matrices are constants; without a place for them to go they stay and are explained there."""
    example = EXAMPLES["S3 sign"]
    signed, sign = example.section.representations[1:]
    assert np.abs(signed.left).max() <= 1
    assert np.abs(sign.left).max() > 2**T
    assert check_both(make_sign_example(S3, constants_to=None)).by_argument == 36
    lost = edit_part(example, 2, left=sign.left * 0)
    assert agrees_with_the_textbook(lost)
    assert count_proved(lost) < 36


def test_no_representation_leaves_everything_to_the_remainder() -> None:
    """Without representations the argument is P, Q and Cauchy-Schwarz; cases decide."""
    example = edit(EXAMPLES["S3 permutations"], representations=(), cases=CASES)
    evidence = check_both(example)
    assert evidence.by_argument < 36
    assert evidence.by_argument + evidence.by_cases == 36
    assert agrees_with_the_textbook(example)


def test_a_part_may_have_no_cells() -> None:
    """Its V is zero, in both kinds."""
    empty = np.zeros(0, dtype=np.int64)
    zero = np.zeros((6, 3, 3), dtype=np.int64)
    tables = {"left": zero, "right": zero, "middle": zero}
    unexplained = edit_part(EXAMPLES["S3 permutations"], 0, cells=empty, positions=empty.reshape(0, 3), **tables)
    tables = dict.fromkeys(tables, zero[:, :2, :2])
    matrices = edit_part(EXAMPLES["S3 matrices"], 0, cells=empty, coefficients=empty.reshape(0, 4), **tables)
    for example in (unexplained, matrices):
        assert agrees_with_the_textbook(example)
        assert check_both(edit(example, cases=CASES)).by_cases > 0


def test_coefficients_of_the_other_kind_do_not_fit() -> None:
    """Matrices without coefficients carry nothing: a section that no file can hold is refused as well."""
    example = edit_part(EXAMPLES["S3 matrices"], 0, coefficients=None)
    assert refusal_of(example) == (Reason.COEFFICIENTS_WRONG, "method.representations[0]")


def test_what_the_rows_prove_and_cost_adds_up() -> None:
    """On top of what was done before them, and no further than the limit."""
    rows = [Evidence(2, 1, Counter(multiply_adds=5)), Evidence(3, 4, Counter(multiply_adds=7, additions=1))]
    terms = {"merging": Fraction(1, 2)}
    start = Evidence(0, 0, Counter(additions=2), error_terms=terms)
    evidence = collect(rows, start, Limits(multiply_adds=12, additions=3))
    assert evidence == Evidence(5, 5, Counter(multiply_adds=12, additions=3), error_terms=terms)
    for limits in (Limits(multiply_adds=11), Limits(additions=2)):
        assert refused(collect, rows, start, limits) == (Reason.WORK_TOO_LARGE, "method")


def test_what_every_method_does_is_limited_first() -> None:
    """Tables of products and quotients, 3 n^2 numbers, and a network that is evaluated at every pair."""
    example = EXAMPLES["S3 permutations"]
    given = (example.network, example.G, example.section, "int64")
    assert refused(check_equivariant, *given, Limits(numbers=107)) == (Reason.NUMBERS_TOO_MANY, "group")
    assert refused(check_equivariant, *given, Limits(numbers=108)) != (Reason.NUMBERS_TOO_MANY, "group")


def test_too_much_work_is_refused_before_it_is_done() -> None:
    """What the representations cost counts, not only the network's m n^3."""
    example = EXAMPLES["S3 matrices"]
    with pytest.raises(Refusal) as caught:
        prepare_argument(example.network, example.G, example.section, "int64", Limits(multiply_adds=1000))
    assert (caught.value.reason, caught.value.where) == (Reason.WORK_TOO_LARGE, "method")

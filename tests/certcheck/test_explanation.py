"""explanation: every table, distance and rounding against its definition, and each scale that is too fine."""

from __future__ import annotations

import dataclasses
import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from certcheck import explanation
from certcheck.circuits import Circuits, check_circuits
from certcheck.exact import INT64_EXACT
from certcheck.explanation import MAX_TABLE, Explanation, bound_rest_distances, bound_rests, explain
from certcheck.verdict import Reason, Refusal
from tests.certcheck.test_exact import refused
from tests.certcheck.test_exhaustive import make_network
from tests.equivariant_sections import C2, C3, D4, S3, make_group
from tests.rhoset_sections import (
    A,
    B,
    Example,
    Textbook,
    Wiring,
    edit_circuit,
    find_actions,
    invert,
    make_example,
    make_section,
    make_weights,
    make_wiring,
)

C1 = make_group([[0]])


def make_mixed(G: Any, *, middle: bool, seed: int = 0) -> Example:
    """Two circuits on different G-sets, with every kernel, scales of either sign, empty cells and a bias."""
    rng = np.random.default_rng(seed)
    actions = find_actions(G)
    left, right = actions[-2], actions[1]
    d, d_prime = left.shape[1], right.shape[1]
    start = np.round(rng.normal(size=(d, d_prime)) * 64) / 64
    kernels = (
        sum(start[left[g][:, None], right[g]] for g in range(G.order)),
        *(np.round(rng.normal(size=(d, d_prime)) * 64) / 64 for _ in range(2)),
    )
    U = np.round(rng.normal(size=(G.order, d, d_prime)) * 64) / 64
    phi, psi = (np.round(rng.normal(size=k) * 64) / 64 for k in (d, d_prime))
    second = Wiring(left, right, phi, psi, U, (-0.5, 2.0), ((0, 0),), kernels, middle=middle)
    return make_example(G, make_wiring(G), second, out_bias=rng.integers(-64, 64, G.order) / 64)


def explain_example(example: Example, arithmetic: str = "int64") -> tuple[Explanation, Circuits]:
    """The tables, and the circuits that they are of."""
    circuits = check_circuits(example.network, example.G, example.section)
    shift = example.section.activation_bits + example.section.unembedding_bits - example.section.table_bits
    return explain(circuits, shift, arithmetic)[0], circuits


def refusal_of(circuits: Circuits, shift: int = 10) -> tuple[Reason, str]:
    """Reason and place, the same in both arithmetics."""
    caught = {refused(explain, circuits, shift, arithmetic) for arithmetic in ("float64", "int64")}
    (only,) = caught
    return only


@pytest.mark.parametrize("middle", [False, True])
@pytest.mark.parametrize("G", [C2, C3, S3, D4])
def test_every_entry_of_the_tables_is_its_sum(G: Any, *, middle: bool) -> None:  # noqa: C901 - it is the formula
    """Claim 19, P to F in Python integers from the circuits, element by element, rounded down once."""
    example = make_mixed(G, middle=middle)
    e, circuits = explain_example(example)
    n, product = G.order, G.table.tolist()
    P, Q, L, R, M = ([[0] * n for _ in range(n)] for _ in range(5))
    F = [0] * n
    for circuit in circuits.circuits:
        s, left, right = circuit.section, circuit.left.action.tolist(), circuit.right.action.tolist()
        for x in range(n):
            for z in range(n):
                for b, b_prime in np.ndindex(circuit.gamma.shape):
                    U, back = int(circuit.U[z, b, b_prime]), left[invert(G, x)][b]
                    P[x][z] += U * int(circuit.row[back])
                    Q[x][z] += U * int(circuit.column[right[x][b_prime]])
                    M[x][z] += U * int(circuit.middle[back, b_prime])
                    if s.left_kernel is not None:
                        entry = int(s.left_kernel[left[invert(G, z)][b], b_prime])
                        L[x][z] += entry * int(circuit.gamma[b, right[x][b_prime]])
                    if s.right_kernel is not None:
                        R[x][z] += int(s.right_kernel[b, right[z][b_prime]]) * int(circuit.gamma[back, b_prime])
                    if s.kernel is not None and x == 0:
                        F[z] += int(s.kernel[b, right[z][b_prime]]) * int(circuit.gamma[b, b_prime])
                for b in range(len(circuit.row)):
                    P[x][z] -= int(s.phi[left[invert(G, x)][b]]) * int(circuit.negative_left[z, b])
                for b in range(len(circuit.column)):
                    Q[x][z] -= int(s.phi_prime[right[x][b]]) * int(circuit.negative_right[z, b])
    for x in range(n):
        for z in range(n):
            P[x][z] += int(circuits.beta[z])
    for table, expected in ((e.P, P), (e.Q, Q), (e.L, L), (e.R, R), (e.M, M), (e.F[None], [F])):
        assert table.tolist() == [[value >> e.shift for value in row] for row in expected]
    assert product[G.identity] == list(range(n))


@pytest.mark.parametrize("middle", [False, True])
@pytest.mark.parametrize("G", [C3, S3])
def test_the_rests_are_what_the_kernels_leave(G: Any, *, middle: bool) -> None:
    """By fractions: distances and their bounds are no smaller, and larger by the roundings of the means alone."""
    example = make_mixed(G, middle=middle)
    e, circuits = explain_example(example)
    book, n = Textbook(example), G.order
    distances, _ = bound_rest_distances(e, "int64")
    bounds = bound_rests(e.rests, len(e.F), e.shift)
    unit = Fraction(1, 2**example.section.table_bits)
    # D is off by at most 3 units an entry, U by half a unit; root and norm by a unit.
    slack = 2 * unit
    for D, norm in e.rests:
        slack += (4 * math.isqrt(4 * D.shape[1]) + 2) * Fraction(norm, 2 ** (A + B)) + unit
        slack += Fraction(2 * int(np.abs(D).max()) * math.isqrt(4 * D.shape[1]), 2 ** (A + B))
    for v in range(n):
        for z in range(n):
            # The outputs of the circuits are exact at this scale.
            assert book.distances[v][z] <= int(distances[v, z]) * unit <= book.distances[v][z] + slack
            assert v == z or distances[v, z] <= bounds[v]
    assert (distances == distances.T).all()
    assert not np.diag(distances).any()
    assert circuits.circuits[1].negative_left.any()


def test_constants_of_rows_and_columns_leave_no_rest() -> None:
    """U = f_z(b) + f'_z(b') is nothing to Gamma: no distance, whatever f is."""
    rng = np.random.default_rng(1)
    f, f_prime = (rng.integers(-99, 99, (6, 3)) / 2**B for _ in range(2))
    U = f[:, :, None] + f_prime[:, None, :]
    e, _ = explain_example(make_example(S3, make_wiring(S3, U=U, kernels=(None, None, None))))
    assert max(int(np.abs(D).max()) for D, _ in e.rests) <= 1


def test_a_cell_without_neurons_is_part_of_the_rest() -> None:
    """K is there for every cell: what an empty one lacks is a distance, and the distance counts its entries."""
    full, _ = explain_example(make_example(S3))
    example = make_example(S3, make_wiring(S3, empty=((1, 2),)))
    e, circuits = explain_example(example)
    assert not circuits.circuits[0].U[:, 1, 2].any()
    assert not any(D.any() for D, _ in full.rests)
    (D, _), book = e.rests[0], Textbook(example)
    assert D[:, 5].any()
    distances, _ = bound_rest_distances(e, "int64")
    unit = 2**example.section.table_bits
    for v in range(6):
        for z in range(6):
            assert distances[v, z] >= book.distances[v][z] * unit
    # The element that takes 2 to 1 is apart from those that do not.
    v, z = (int(np.flatnonzero(S3.elements[:, 2] == b)[0]) for b in (1, 0))
    assert book.distances[v][z] > 1 / 2


@pytest.mark.parametrize("block", [1, 7, 12, 2**20])
def test_blocks_change_nothing(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of tables and distances are made some at a time: one, two or six."""
    example = make_mixed(S3, middle=True)
    e, _ = explain_example(example)
    distances, cost = bound_rest_distances(e, "float64")
    monkeypatch.setattr(explanation, "BLOCK", block)
    again, _ = explain_example(example, "float64")
    for key in "PQLRMF":
        assert (getattr(e, key) == getattr(again, key)).all()
    other, other_cost = bound_rest_distances(again, "int64")
    assert (distances == other).all()
    assert cost == other_cost


def test_no_circuit_leaves_the_bias_and_no_rest() -> None:
    """P is beta at the scale of the tables, rounded down; everything else is 0."""
    network = make_network([[1], [-1]], [[2], [3]], [[0, 0]], out_bias=[-1 / 3, 5])
    section = make_section(C2, [], dropped=1)
    e, circuits = explain_example(Example(network, C2, section))
    assert e.P.tolist() == [[math.floor(-1024 / 3), 5 * 1024]] * 2
    assert not any(table.any() for table in (e.Q, e.L, e.R, e.M, e.F))
    assert (e.rests, circuits.rounding) == ((), 1)
    # A unit of a table for the rounding of beta, and one each for six differences.
    assert e.rounding == 7
    assert e.rest_bounds.tolist() == bound_rests(e.rests, 2, e.shift).tolist() == [0, 0]
    assert bound_rest_distances(e, "int64")[0].tolist() == [[0, 0]] * 2


def test_one_element_has_tables_of_one_entry() -> None:
    """The trivial group and a G-set of one point: P and Q hold half of the only activation each."""
    action = np.zeros((1, 1), dtype=np.int64)
    wiring = Wiring(action, action, np.array([3.0]), np.array([-1.0]), np.array([[[2.0]]]), middle=True)
    e, circuits = explain_example(make_example(C1, wiring))
    assert (e.P.tolist(), e.Q.tolist()) == ([[2 * 2**10]], [[2 * 2**10]])
    assert not any(table.any() for table in (e.L, e.R, e.M, e.F, e.rests[0][0]))
    assert circuits.circuits[0].gamma_norm == 0


@pytest.mark.parametrize("shift", [0, 1, 63, 64, 80])
def test_any_shift_rounds_down(shift: int) -> None:
    """Table scales that are fine or so coarse that a shift passes 63 places: a negative entry becomes -1, not 0."""
    network = make_network([[0], [0]], [[0], [0]], [[0, 0]], out_bias=[-0.5, 0.5])
    circuits = check_circuits(network, C2, make_section(C2, [], dropped=1, activation_bits=4, unembedding_bits=4))
    e, _ = explain(circuits, shift, "int64")
    assert e.P[0].tolist() == [-128 >> shift, 128 >> shift]


def test_errors_are_rounded_up() -> None:
    """One unit of a logit is a unit of a table."""
    errors = {"x_error": np.array([1, 0, 1024, 1025, 1023, 2]), "y_error": np.full(6, 2049), "rounding": 1025}
    e, _ = explain(change(PLAIN, **errors), 10, "int64")
    assert (e.x_error.tolist(), e.y_error.tolist(), e.rounding) == ([1, 0, 1, 2, 1, 1], [3] * 6, 6 + 2)


def change(circuits: Circuits, **fields: Any) -> Circuits:
    """The same with other numbers; those of the first circuit are named `of_FIELD`."""
    own = {key.removeprefix("of_"): value for key, value in fields.items() if key.startswith("of_")}
    first = dataclasses.replace(circuits.circuits[0], **own)
    rest = {key: value for key, value in fields.items() if not key.startswith("of_")}
    return dataclasses.replace(circuits, circuits=(first, *circuits.circuits[1:]), **rest)


PLAIN = check_circuits(*(getattr(make_example(S3), field) for field in ("network", "G", "section")))
NINE = (6, 3, 3)


@pytest.mark.parametrize(
    ("fields", "shift", "where"),
    [
        ({}, -1, "method.table_bits"),
        ({"beta": np.full(6, 2**60)}, 40, "method.table_bits"),
        ({"of_row": np.full(3, 2**51)}, 40, "method.activation_bits"),
        ({"of_column": np.full(3, -(2**51))}, 40, "method.activation_bits"),
        ({"of_gamma": np.full((3, 3), 2**42)}, 40, "method.activation_bits"),
        ({"of_U": np.arange(54).reshape(NINE) ** 5 % 2**24 * 2**4}, 40, "method.unembedding_bits"),
        ({"beta": np.full(6, (MAX_TABLE + 2**12) << 10)}, 10, "method.table_bits"),
        ({"beta": np.full(6, -MAX_TABLE << 10)}, 10, "method.table_bits"),
        ({"rounding": INT64_EXACT << 8}, 10, "method.table_bits"),
        ({"x_error": np.full(6, 2**58), "rounding": INT64_EXACT - 2**57}, 2, "method.table_bits"),
        (
            {"of_row": np.arange(3) << 40, "of_U": np.full(NINE, 5) * np.arange(6)[:, None, None]},
            3,
            "method.table_bits",
        ),
    ],
)
def test_a_number_that_is_too_large_is_refused(fields: dict[str, Any], shift: int, where: str) -> None:
    """False claim: bias, readers, kernels, rests, tables or errors that leave 64 or 32 bits come back as others."""
    reason, found = refusal_of(change(PLAIN, **fields), shift)
    assert (reason, found) == (Reason.SCALE_TOO_FINE, where)


FIRST_POINT = np.array([1, 0, 0])
CORNER = FIRST_POINT * FIRST_POINT[:, None]
ONE_CELL = dataclasses.replace(PLAIN.circuits[0].section, kernel=-CORNER << B)


@pytest.mark.parametrize(
    ("fields", "least", "shift", "where"),
    [
        (lambda v: {"beta": np.full(6, v)}, 2**60, 40, "method.table_bits"),
        (lambda v: {"beta": np.full(6, -v)}, 2**60, 40, "method.table_bits"),
        # PLAIN's U is -2^10 in one cell of each row and column, and so is K: row sums of 2^10.
        (lambda v: {"of_row": v * FIRST_POINT}, 2**43, 40, "method.activation_bits"),
        (lambda v: {"of_row": -v * FIRST_POINT}, 2**43, 40, "method.activation_bits"),
        (lambda v: {"of_column": v * FIRST_POINT}, 2**43, 40, "method.activation_bits"),
        # A K of 2^10 at one cell alone.
        (lambda v: {"of_gamma": v * CORNER, "of_section": ONE_CELL}, 2**43, 40, "method.activation_bits"),
        # F[e] is -2^10 times the trace.
        (lambda v: {"of_gamma": -v * CORNER}, 2**21, 3, "method.table_bits"),
        (lambda v: {"x_error": np.full(6, 2**47), "y_error": np.full(6, v)}, 2**47 - 6, 0, "method.table_bits"),
        (lambda v: {"x_error": np.full(6, v), "y_error": np.full(6, 2**47)}, 2**47 - 6, 0, "method.table_bits"),
        (lambda v: {"x_error": np.full(6, 0), "rounding": v}, 2**48 - 6, 0, "method.table_bits"),
    ],
)
def test_the_least_number_that_is_too_large(fields: Any, least: int, shift: int, where: str) -> None:
    """It is refused at its place, and one less is not."""
    plain = change(PLAIN, rounding=0)
    assert refusal_of(change(plain, **fields(least)), shift) == (Reason.SCALE_TOO_FINE, where)
    for arithmetic in ("float64", "int64"):
        assert explain(change(plain, **fields(least - 1)), shift, arithmetic)


def test_the_least_rest_that_is_too_large() -> None:
    """4 * 16 squares of 2^23 are 2^52; of 2^23 - 1 they are less. Rows and columns add up to 0, so nothing is taken."""
    example = make_example(D4, make_wiring(D4, kernels=(None, None, None)))
    circuits = check_circuits(example.network, D4, example.section)
    turn = np.array([[1, -1], [-1, 1]])
    U = np.zeros((8, 4, 4), dtype=np.int64)
    U[3, :2, 1:3] = turn * 2**23
    assert refusal_of(change(circuits, of_U=U), 40) == (Reason.SCALE_TOO_FINE, "method.unembedding_bits")
    U[3, :2, 1:3] = turn * (2**23 - 1)
    e, _ = explain(change(circuits, of_U=U), 40, "int64")
    assert e.rests[0][0].reshape(8, 4, 4).tolist() == U.tolist()


@pytest.mark.parametrize(
    "evaluate", [lambda e: bound_rests(e.rests, 6, 40), lambda e: bound_rest_distances(e, "int64")]
)
def test_the_least_distance_that_is_too_large(evaluate: Any) -> None:
    """|D| of 1 and its largest, added or apart by 2: products with |Gamma| from 2^53 on are refused."""
    e, _ = explain_example(make_example(S3))
    D = np.zeros((6, 9), dtype=np.int64)
    D[:, 0] = [1, -1, 1, 1, 1, 1]
    found = []
    for norm in (2**52, 2**52 - 1):
        try:
            evaluate(dataclasses.replace(e, rests=((D, norm),), shift=40))
        except Refusal as refusal:
            found.append((norm, refusal.reason, refusal.where))
    assert found == [(2**52, Reason.SCALE_TOO_FINE, "method.activation_bits")]


def test_a_table_may_be_as_large_as_28_bits() -> None:
    """Sums of six such entries fit 32 bits."""
    for entry in (MAX_TABLE, -MAX_TABLE):
        assert refused(explanation._check_entries, np.array([entry])) == (Reason.SCALE_TOO_FINE, "method.table_bits")
    explanation._check_entries(np.array([MAX_TABLE - 1, 1 - MAX_TABLE]))
    e, _ = explain(change(PLAIN, beta=np.full(6, (MAX_TABLE << 10) - (1 << 20))), 10, "int64")
    assert int(e.P.max()) < MAX_TABLE
    assert 6 * MAX_TABLE < 2**31


@pytest.mark.parametrize(
    "evaluate", [lambda e: bound_rests(e.rests, len(e.F), e.shift), lambda e: bound_rest_distances(e, "int64")]
)
def test_a_distance_that_is_too_large_is_refused(evaluate: Any) -> None:
    """False claim: a distance times |Gamma| that leaves 64 bits comes back as a small one."""
    e, _ = explain_example(make_mixed(S3, middle=False))
    (D, _), second = e.rests[1], e.rests[0]
    huge = dataclasses.replace(e, rests=(second, (D, 2**53)))
    assert refused(evaluate, huge) == (Reason.SCALE_TOO_FINE, "method.activation_bits")


def test_a_sum_of_distances_that_is_too_large_is_refused() -> None:
    """The table of distances is one of 32 bits; the bounds for all z at once have 64."""
    e, _ = explain_example(make_mixed(S3, middle=False))
    D, norm = e.rests[1]
    large = dataclasses.replace(e, rests=((D, norm),) * 3, shift=0)
    many = dataclasses.replace(large, rests=((D, (MAX_TABLE >> 1) // int(np.sqrt((D**2).sum(axis=1)).max())),) * 3)
    assert int(bound_rests(many.rests, len(many.F), many.shift).max()) > MAX_TABLE
    assert refused(bound_rest_distances, many, "int64") == (Reason.SCALE_TOO_FINE, "method.table_bits")


def test_kernels_are_read_where_the_neurons_are() -> None:
    """A kernel of one circuit moves nothing in the tables of another."""
    example = make_mixed(S3, middle=False)
    without = edit_circuit(example, 1, kernel=None, left_kernel=None, right_kernel=None)
    e, _ = explain_example(without)
    assert not e.L.any()
    assert not e.R.any()
    alone, _ = explain_example(make_example(S3))
    assert (e.F == alone.F).all()
    assert make_weights(S3, [make_wiring(S3)])[0].shape == (6, 9)

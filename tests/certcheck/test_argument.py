"""argument: everything that is the same for all pairs, against sums and roots written out one entry at a time."""

from __future__ import annotations

import dataclasses
import math
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from certcheck.argument import MAX_BASIS_ENTRY, POSITION_BITS, _sum_tables, bound_norms, prepare_argument
from certcheck.cells import Cells, check_cells
from certcheck.document import RepresentationSection
from certcheck.limits import Limits
from certcheck.representation import Representation, check_representation
from certcheck.verdict import Reason
from tests.certcheck.test_exact import refused
from tests.certcheck.test_exhaustive import make_network
from tests.equivariant_sections import (
    PLANE,
    S3,
    Example,
    compute_permutation_matrices,
    compute_signs,
    edit,
    edit_part,
    make_matrix_example,
    make_permutation_example,
)

N = S3.order
GENERATORS = list(S3.generators)
CELLS = [0, 2]


def make_part(rng: np.random.Generator, d: int, **fields: Any) -> RepresentationSection:
    """A representation that carries two cells, with tables of any numbers."""
    whole = make_permutation_example(S3).section.representations[0]
    empty = dict.fromkeys(("permutations", "signs", "matrices", "positions", "coefficients", "basis"))
    tables = {side: rng.integers(-(2**12), 2**12, (N, d, d)) for side in ("left", "right", "middle")}
    return dataclasses.replace(whole, cells=np.array(CELLS), constants_to=None, **(empty | tables | fields))


def make_any_example(seed: int = 0) -> Example:
    """A network of no use on S3, with every kind of representation: nothing is proved, but all numbers are there."""
    rng = np.random.default_rng(seed)
    draw = rng.normal
    network = make_network(draw(size=(N, 4)), draw(size=(N, 4)), draw(size=(4, N)), out_bias=draw(size=N))
    plane = np.round((PLANE @ compute_permutation_matrices(S3) @ PLANE.T)[GENERATORS] * 2.0**20).astype(np.int64)
    # Off by a hundredth, so that the residuals of the homomorphism are felt.
    plane[0, 0, 0] += 2**13
    basis = rng.integers(-3, 4, (3, 2, 2))
    points = {"permutations": S3.elements[GENERATORS].astype(np.int64), "signs": compute_signs(S3)[GENERATORS]}
    sign = {"permutations": np.zeros((2, 1), dtype=np.int64), "signs": compute_signs(S3)[GENERATORS]}
    parts = (
        make_part(rng, 3, **points, positions=np.array([[0, 1, 256], [2, 1, -512]])),
        make_part(rng, 2, matrices=plane, coefficients=rng.integers(-(2**17), 2**17, (2, 4))),
        make_part(rng, 2, matrices=plane, coefficients=rng.integers(-(2**17), 2**17, (2, 3)), basis=basis),
        make_part(rng, 1, **sign, positions=np.array([[0, 0, 128], [0, 0, 1]])),
    )
    parts = (*parts[:1], dataclasses.replace(parts[1], cells=np.array([1, 2])), *parts[2:])
    section = make_permutation_example(S3).section
    neurons = [[0, 2**10, 2**10], [1, -(2**9), -(2**11)], [2, -700, 300], [-1, 0, 0]]
    section = dataclasses.replace(section, cells=3, neurons=np.array(neurons), representations=parts)
    return Example(network, S3, section)


def nearest_root_above(square: int) -> int:
    """The smallest integer whose square is not below."""
    return math.isqrt(square - 1) + 1 if square else 0


def inner(left: NDArray[np.int64], right: NDArray[np.int64]) -> int:
    """The sum of the products of the entries, in long integers."""
    return sum(int(u) * int(v) for u, v in zip(left.ravel(), right.ravel(), strict=True))


def center_slowly(cells: Cells) -> tuple[list[list[int]], list[list[int]]]:
    """u and v as docs/format.md gives them."""
    n, p = cells.alpha.shape
    u: list[list[int]] = [[0] * p for _ in range(n)]
    v: list[list[int]] = [[0] * p for _ in range(n)]
    for j in range(p):
        g = [[max(int(cells.alpha[x, j]) + int(cells.gamma[y, j]), 0) for y in range(n)] for x in range(n)]
        rows = [math.floor(Fraction(sum(row), n)) for row in g]
        columns = [math.floor(Fraction(sum(column), n)) for column in zip(*g, strict=True)]
        h = math.floor(Fraction(sum(rows), n))
        for i in range(n):
            u[i][j], v[i][j] = rows[i] - h // 2, columns[i] - (h - h // 2)
    return u, v


def read_coefficients(part: RepresentationSection, k: int, bits: int) -> list[Fraction]:
    """C of the k-th cell of a representation, flat."""
    d = part.left.shape[1]
    C = [Fraction(0)] * (d * d)
    if part.positions is not None:
        b, c, value = part.positions[k].tolist()
        C[b * d + c] = Fraction(value, 2**8)
    else:
        assert part.coefficients is not None
        basis = np.eye(d * d, dtype=np.int64) if part.basis is None else part.basis.reshape(-1, d * d)
        for coefficient, matrix in zip(part.coefficients[k].tolist(), basis.tolist(), strict=True):
            C = [entry + Fraction(coefficient * m, 2**bits) for entry, m in zip(C, matrix, strict=True)]
    return C


def carry_slowly(example: Example, rhos: list[Representation], cells: Cells) -> NDArray[Any]:
    """|U_res_v - U_res_z| and what rounding takes, both rounded up: claim 17's roundings."""
    section = example.section
    B = section.unembedding_bits
    rest = [[int(entry) for entry in row] for row in cells.U]
    times = [0] * section.cells
    for part, rho in zip(section.representations, rhos, strict=True):
        for k, j in enumerate(part.cells.tolist()):
            C = read_coefficients(part, k, section.coefficient_bits)
            for z in range(N):
                entries = [Fraction(int(entry), 2**rho.bits) for entry in rho.matrices[z].ravel()]
                key = sum(c * entry for c, entry in zip(C, entries, strict=True)) * 2**B
                rest[z][j] -= math.floor(key)
            times[j] += part.positions is None
    more = nearest_root_above(sum(t * t for t in times))
    square = lambda v, z: sum((s - t) ** 2 for s, t in zip(rest[v], rest[z], strict=True))  # noqa: E731 - a formula
    return np.array([[nearest_root_above(square(v, z)) + more for z in range(N)] for v in range(N)])


@pytest.mark.parametrize("arithmetic", ["float64", "int64"])
@pytest.mark.parametrize(("seed", "size"), [(0, 1), (1, 1), (2, 2**12)])
def test_what_is_the_same_for_all_pairs_is_what_the_claims_say(seed: int, size: int, arithmetic: str) -> None:
    """Tables rounded down, errors and distances up, of all kinds of representations together, of any size."""
    example = make_any_example(seed)
    based = example.section.representations[BASED]
    example = edit_part(example, BASED, left=based.left * size, right=based.right * size)
    section = example.section
    argument, _, terms = prepare_argument(example.network, S3, section, arithmetic)
    cells = check_cells(example.network, section)
    bits = section.representation_bits
    rhos = [check_representation(part, S3, bits, "") for part in section.representations]
    u, v = center_slowly(cells)
    assert (argument.u.tolist(), argument.v.tolist()) == (u, v)
    shift = section.activation_bits + section.unembedding_bits - section.table_bits
    for table, means, inputs, beta in (
        (argument.P, u, cells.alpha, cells.beta),
        (argument.Q, v, cells.gamma, cells.beta * 0),
    ):
        for x in range(N):
            linear = inputs[x, cells.negative_cells]
            logits = [inner(np.array(means[x]), cells.U[z]) - inner(linear, cells.negative[z]) for z in range(N)]
            assert table[x].tolist() == [(f + int(b)) // 2**shift for f, b in zip(logits, beta, strict=True)]
    for table, side in ((argument.L, "left"), (argument.R, "right"), (argument.M, "middle")):
        for y in range(N):
            for w in range(N):
                pairs = zip(section.representations, rhos, strict=True)
                terms_of = (
                    Fraction(inner(getattr(part, side)[y], rho.matrices[w]), 2**rho.bits) for part, rho in pairs
                )
                assert table[y, w] == math.floor(sum(terms_of))
    assert (argument.remainders == carry_slowly(example, rhos, cells)).all()
    errors = {}
    for side, error in (("right", cells.x_error), ("left", cells.y_error)):
        merging = [-(-e // 2**shift) for e in error.tolist()]
        moved = [0] * N
        for part, rho in zip(section.representations, rhos, strict=True):
            for x in range(N):
                eta = math.ceil(2 * rho.homomorphism * 2**24)
                norm = nearest_root_above(inner(getattr(part, side)[x], getattr(part, side)[x]))
                moved[x] += math.ceil(Fraction(eta * norm, 2**24))
        errors[side] = merging, moved
    for found, (merging, moved) in ((argument.x_error, errors["right"]), (argument.y_error, errors["left"])):
        assert found.tolist() == [a + b for a, b in zip(merging, moved, strict=True)]
        assert max(merging) > 0 < max(moved)
    assert errors["left"] != errors["right"]
    assert terms == {
        "merging": max(errors["left"][0]) + max(errors["right"][0]),
        "rounding": 5,
        "homomorphism": max(errors["left"][1]) + max(errors["right"][1]),
        "equivariance": 0,
        "remainder": 0,
    }


def test_what_is_made_once_is_counted() -> None:
    """6 elements, 4 neurons, 3 cells of which 2 with a linear term, and of each representation what it multiplies."""
    example = make_any_example()
    _, cost, _ = prepare_argument(example.network, S3, example.section, "int64")
    cells = check_cells(example.network, example.section).multiply_adds
    # P, Q with linear terms; the products U_res_v U_res_z.
    tables = 2 * 36 * (3 + 2) + 3 * 36
    # Signed permutations: the norms of E and the tables' norms.
    signed = sum(36 * d * d + 2 * 6 * d * d for d in (3, 1))
    # Matrices: V by coordinates, the norm of E, rho L and R rho, three tables; what the cells carry; residuals: rho
    # along the tree, of 2 generators delta, tau, and distances; then the basis.
    plane = [36 * (2 * q + 4 + 2 * 8 + 3 * 4) + 6 * 2 * 4 + 6 * ((2 + 2) * 8 + 3 * 4) for q in (4, 3)]
    assert cost["multiply_adds"] == cells + tables + signed + sum(plane) + 2 * 3 * 4
    # u, v, and g~ of every pair; three subtractions an entry of the signed permutations.
    assert cost["additions"] == 4 * 36 * 3 + 3 * 36 * (3 + 1)


def test_constants_are_passed_to_the_sign_of_their_own() -> None:
    """To a later representation of size 1 with the same signs, by signed permutations of more points."""
    example = make_any_example()
    assert prepare_argument(example.network, S3, edit_part(example, 0, constants_to=3).section, "int64")
    tables = dict.fromkeys(("left", "right", "middle"), np.zeros((6, 2, 2), dtype=np.int64))
    two = edit_part(example, 0, permutations=np.array([[1, 0]] * 2), positions=np.array([[0, 1, 1]] * 2), **tables)
    assert prepare_argument(example.network, S3, edit_part(two, 0, constants_to=3).section, "int64")
    plain = np.ones(2, dtype=np.int64)
    wrong = [
        (0, edit_part(example, 0, constants_to=0)),
        (0, edit_part(example, 0, constants_to=1)),
        (0, edit_part(example, 0, constants_to=4)),
        (0, edit_part(edit_part(example, 0, constants_to=3), 3, signs=plain)),
        (1, edit_part(example, 1, constants_to=3)),
        (1, edit_part(edit_part(example, 1, constants_to=3), 3, signs=plain)),
        (3, edit_part(example, 3, constants_to=0)),
    ]
    one = dict.fromkeys(("left", "right", "middle"), np.zeros((6, 1, 1), dtype=np.int64))
    ones = np.ones((2, 1), dtype=np.int64)
    rounded = edit_part(example, 1, matrices=ones[:, :, None] << 20, coefficients=ones, **one)
    wrong.append((0, edit_part(rounded, 0, constants_to=1, signs=plain)))
    first, *others, last = example.section.representations
    wrong += [
        (1, edit(example, representations=(last, dataclasses.replace(first, constants_to=0), *others))),
        (0, edit(example, representations=(dataclasses.replace(last, constants_to=1), last))),
        (0, edit(example, representations=(dataclasses.replace(first, constants_to=1), first))),
    ]
    for index, section in ((index, case.section) for index, case in wrong):
        where = f"method.representations[{index}].constants_to"
        assert refused(prepare_argument, example.network, S3, section, "int64") == (Reason.COEFFICIENTS_WRONG, where)


ANY = make_any_example()
SIGNED, FULL, BASED = 0, 1, 2
BASIS = ANY.section.representations[BASED].basis
assert BASIS is not None


@pytest.mark.parametrize(
    ("index", "changes"),
    [
        (SIGNED, {"positions": None}),
        (SIGNED, {"positions": np.array([[0, 1, 256]])}),
        (SIGNED, {"positions": np.array([[0, 1], [0, 1]])}),
        (SIGNED, {"positions": np.array([[3, 1, 256], [0, 1, 256]])}),
        (SIGNED, {"positions": np.array([[0, 3, 256], [0, 1, 256]])}),
        (SIGNED, {"positions": np.array([[-1, 0, 256], [0, 1, 256]])}),
        (SIGNED, {"positions": np.array([[0, -1, 256], [0, 1, 256]])}),
        (SIGNED, {"positions": np.array([[0, 1, 0], [0, 1, 256]])}),
        (SIGNED, {"positions": np.array([[0, 1, 3], [0, 1, 256]])}),
        (SIGNED, {"positions": np.array([[0, 1, -3], [0, 1, 256]])}),
        (SIGNED, {"positions": np.array([[0, 1, 2**17], [0, 1, 256]])}),
        (SIGNED, {"positions": np.array([[0, 1, -(2**17)], [0, 1, 256]])}),
        (SIGNED, {"cells": np.array([0, 3])}),
        (SIGNED, {"cells": np.array([-1, 0])}),
        (SIGNED, {"cells": np.array([1, 1])}),
        (SIGNED, {"cells": np.array([2, 0])}),
        (FULL, {"coefficients": np.ones((2, 3), dtype=np.int64)}),
        (FULL, {"coefficients": np.ones((1, 4), dtype=np.int64)}),
        (FULL, {"coefficients": np.ones(8, dtype=np.int64)}),
        (FULL, {"coefficients": None}),
        (BASED, {"coefficients": np.ones((2, 4), dtype=np.int64)}),
        (BASED, {"coefficients": np.ones((2, 5), dtype=np.int64), "basis": np.ones((5, 2, 2), dtype=np.int64)}),
        (BASED, {"basis": BASIS[:, :, :1]}),
        (BASED, {"basis": BASIS + MAX_BASIS_ENTRY}),
        (BASED, {"basis": BASIS - MAX_BASIS_ENTRY}),
        (BASED, {"basis": np.full((3, 2, 2), MAX_BASIS_ENTRY)}),
        *(
            (index, {side: np.zeros((6, 1, 1), dtype=np.int64)})
            for index in (0, 1, 2)
            for side in ("left", "right", "middle")
        ),
    ],
)
def test_what_a_representation_carries_fits_the_cells_and_the_group(index: int, changes: dict[str, Any]) -> None:
    """Each cell once, in order; an entry and a power of two for each, or coordinates on a basis of small matrices."""
    section = edit_part(ANY, index, **changes).section
    found = refused(prepare_argument, ANY.network, S3, section, "int64")
    assert found == (Reason.COEFFICIENTS_WRONG, f"method.representations[{index}]")


@pytest.mark.parametrize(
    ("index", "changes"),
    [
        (SIGNED, {"positions": np.array([[0, 0, 2**16], [2, 2, -(2**16)]])}),
        (SIGNED, {"positions": np.array([[0, 0, 1], [2, 2, -1]])}),
        (SIGNED, {"cells": np.array([0]), "positions": np.array([[1, 0, 1]])}),
        (BASED, {"basis": np.full((3, 2, 2), MAX_BASIS_ENTRY - 1)}),
        (BASED, {"coefficients": np.ones((2, 4), dtype=np.int64), "basis": np.ones((4, 2, 2), dtype=np.int64)}),
    ],
)
def test_the_largest_and_smallest_that_fit_are_taken(index: int, changes: dict[str, Any]) -> None:
    """Powers from 1 to 2^16, entries of a basis below 2^7, as many basis matrices as entries."""
    assert prepare_argument(ANY.network, S3, edit_part(ANY, index, **changes).section, "int64")


@pytest.mark.parametrize(
    "finer",
    [{"table_bits": 21}, {"table_bits": 15}, {"table_bits": 20, "unembedding_bits": 17}, {"unembedding_bits": 7}],
)
def test_a_scale_finer_than_what_it_is_made_of_is_refused(finer: dict[str, int]) -> None:
    """Tables at 12 + 8 and 12 + 12 - 10 places at most, U at 8 at least."""
    section = edit(ANY, **finer).section
    found = refused(prepare_argument, ANY.network, S3, section, "int64")
    assert found == (Reason.SCALE_TOO_FINE, "method.table_bits")


def test_tables_that_are_shifted_stay_below_2_to_the_62() -> None:
    """The sign at 61 places, as matrices could have them: tables of 2 are refused, tables of 1 are not."""
    sign = ANY.section.representations[3]
    for entry in (1, 2):
        tables = dict.fromkeys(("left", "right", "middle"), np.full((6, 1, 1), entry))
        section = edit(ANY, representations=(dataclasses.replace(sign, **tables),), representation_bits=61).section
        if entry == 1:
            assert set(np.abs(prepare_argument(ANY.network, S3, section, "int64")[0].L).ravel().tolist()) == {1}
        else:
            found = refused(prepare_argument, ANY.network, S3, section, "int64")
            assert found == (Reason.SCALE_TOO_FINE, "method.table_bits")


@pytest.mark.parametrize("last", [2**10 - 1, 2**10])
def test_tables_of_several_representations_stay_below_2_to_the_62_together(last: int) -> None:
    """2^61 from a sign at 10 places, -2^61 and 2^10 from another, and matrices: up to 2^62 - 1 by absolute values."""
    entries = ((2**51, 0), (1 - 2**51, 0), (last, 10))
    parts: Any = tuple(
        SimpleNamespace(
            rho=SimpleNamespace(degree=1, bits=bits, matrices=np.ones((1, 1, 1), dtype=np.int64)),
            section=SimpleNamespace(left=np.full((1, 1, 1), entry)),
        )
        for entry, bits in entries
    )
    if last < 2**10:
        # 2^10 and 2^10 - 1 units of 2^-10, rounded down.
        assert _sum_tables(parts, "left", 1, 10, "int64").tolist() == [[1]]
    else:
        assert refused(_sum_tables, parts, "left", 1, 10, "int64") == (Reason.SCALE_TOO_FINE, "method.table_bits")


def test_tables_of_all_pairs_are_few() -> None:
    """For 4 representations (2 * 4 + 18) * 36 numbers; a limit of one less is refused."""
    assert prepare_argument(ANY.network, S3, ANY.section, "int64", Limits(numbers=26 * 36))
    found = refused(prepare_argument, ANY.network, S3, ANY.section, "int64", Limits(numbers=26 * 36 - 1))
    assert found == (Reason.NUMBERS_TOO_MANY, "method.representations")


def test_norms_are_roots_of_sums_of_squares_rounded_up() -> None:
    """3, 4 gives 5; 1, 1 gives 2; entries from 2^25 on are refused, on either side of zero."""
    assert bound_norms(np.array([[[3, 0], [0, 4]], [[1, 0], [-1, 0]], [[0, 0], [0, 0]]])).tolist() == [5, 2, 0]
    assert bound_norms(np.full((1, 1, 1), 1 - 2**25)).tolist() == [2**25 - 1]
    for entry in (2**25, -(2**25)):
        found = refused(bound_norms, np.full((1, 1, 1), entry))
        assert found == (Reason.SCALE_TOO_FINE, "method.table_bits")


def test_the_error_of_a_rounded_norm_is_that_of_its_coordinates() -> None:
    """Signed or without a basis 2 d; with a basis d and the norm of the sum of its absolute values."""
    example = make_matrix_example(S3)
    argument, _, _ = prepare_argument(example.network, S3, example.section, "int64")
    assert [part.V_error for part in argument.parts] == [4]
    basis = np.array([[[1, -2], [0, 0]], [[-2, 0], [0, 1]], [[0, 0], [0, 1]]])
    section = edit_part(ANY, BASED, basis=basis).section
    argument, _, _ = prepare_argument(ANY.network, S3, section, "int64")
    # |basis| adds up to [[3, 2], [0, 2]]: the root of 17 is below 5.
    assert [part.V_error for part in argument.parts] == [6, 4, 7, 2]
    assert POSITION_BITS == 8

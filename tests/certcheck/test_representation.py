"""representation: signed permutations and rounded matrices, their residuals and distances against all pairs."""

from __future__ import annotations

import dataclasses
import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from certcheck.document import MAX_REPRESENTATION_BITS, RepresentationSection
from certcheck.group import Group
from certcheck.limits import Limits
from certcheck.representation import DISTANCE_BITS, MAX_DEGREE, Representation, check_representation
from certcheck.verdict import Reason, Refusal
from tests.certcheck.test_exact import refused
from tests.equivariant_sections import (
    C2,
    C3,
    D4,
    REPRESENTATION_BITS,
    S3,
    TURNS,
    compute_permutation_matrices,
    compute_signs,
    make_group,
    make_matrix_example,
    make_permutation_example,
)

GROUPS = {"C2": C2, "C3": C3, "S3": S3, "D4": D4}
C1 = make_group([[0]])
Rows = list[list[int]]


def make_permutations(permutations: Any, signs: Any) -> RepresentationSection:
    """A section of signed permutations; what the argument does with them plays no part here."""
    whole = make_permutation_example(C3).section.representations[0]
    return dataclasses.replace(
        whole, permutations=np.array(permutations, dtype=np.int64), signs=np.array(signs, dtype=np.int64)
    )


def make_matrices(matrices: Any) -> RepresentationSection:
    """A section of matrices."""
    whole = make_matrix_example(C3, TURNS).section.representations[0]
    return dataclasses.replace(whole, matrices=np.array(matrices, dtype=np.int64))


def natural(G: Group, *, signed: bool) -> RepresentationSection:
    """The action on the points of G, with the signs of the permutations or without."""
    generators = list(G.generators)
    signs = compute_signs(G)[generators]
    return make_permutations(G.elements[generators], signs if signed else np.abs(signs))


def multiply_rows(left: Rows, right: Rows) -> Rows:
    """The product of integer matrices, term by term."""
    columns = list(zip(*right, strict=True))
    return [[sum(u * v for u, v in zip(row, column, strict=True)) for column in columns] for row in left]


def compute_square_norm(left: Rows, right: Rows) -> int:
    """|left - right|^2."""
    return sum((u - v) ** 2 for r, s in zip(left, right, strict=True) for u, v in zip(r, s, strict=True))


def compute_inverse(G: Group, x: int) -> int:
    """The y with xy = e."""
    return next(y for y in range(G.order) if G.table[x, y] == G.identity)


def holds(G: Group, rho: Representation) -> bool:
    """Whether both bounds hold for all pairs, with integers alone."""
    unit = 2**rho.bits
    R: list[Rows] = rho.matrices.tolist()
    transposed = [[list(column) for column in zip(*matrix, strict=True)] for matrix in R]
    for x in range(G.order):
        for z in range(G.order):
            quotient = int(G.table[compute_inverse(G, x), z])
            products = (multiply_rows(transposed[x], R[z]), multiply_rows(R[z], transposed[x]))
            quotients = (quotient, int(G.table[z, compute_inverse(G, x)]))
            for product, w in zip(products, quotients, strict=True):
                scaled = [[v * unit for v in row] for row in R[w]]
                if compute_square_norm(product, scaled) > rho.homomorphism**2 * unit**4:
                    return False
            distance = Fraction(int(rho.distances[quotient]), 2**DISTANCE_BITS)
            if compute_square_norm(R[x], R[z]) > distance**2 * unit**2:
                return False
    return True


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("name", GROUPS)
def test_signed_permutations_are_an_exact_representation(name: str, *, signed: bool) -> None:
    """Claim 12: rho(x) e_b = s(x) e_xb, products are products, and the distances are the roots of 2d - 2 tr."""
    G = GROUPS[name]
    rho = check_representation(natural(G, signed=signed), G, 0, "place")
    expected = compute_permutation_matrices(G, compute_signs(G) if signed else None)
    assert rho.matrices.tolist() == expected.tolist()
    assert (rho.bits, rho.homomorphism, rho.degree) == (0, Fraction(0), G.degree)
    assert rho.action is not None
    assert rho.action.tolist() == G.elements.tolist()
    for w in range(G.order):
        square = (2 * G.degree - 2 * int(np.trace(expected[w]))) << 2 * DISTANCE_BITS
        assert rho.distances[w] == math.isqrt(square) + (math.isqrt(square) ** 2 < square)
    assert holds(G, rho)


def test_the_identity_is_no_distance_away() -> None:
    """For signed permutations it costs nothing; minus the identity is 2 sqrt(d) away."""
    rho = check_representation(make_permutations([[0, 1, 2, 3]], [-1]), C2, 0, "place")
    assert rho.distances.tolist() == [0, 4 << DISTANCE_BITS]


@pytest.mark.parametrize(
    ("permutations", "signs", "reason"),
    [
        # (0 1 2) -> (0 1) does not have order 3.
        ([[1, 0, 2]], [1], Reason.GSET_WRONG),
        ([[0, 1, 2]], [-1], Reason.REPRESENTATION_WRONG),
        ([[0]], [-1], Reason.REPRESENTATION_WRONG),
        ([[1, 2, 3, 0]], [1], Reason.GSET_WRONG),
    ],
)
def test_a_generator_of_another_order_is_refused(permutations: Any, signs: Any, reason: Reason) -> None:
    """Claim 12: in C3 the third power of the generator must be the identity, sign and all."""
    found = refused(check_representation, make_permutations(permutations, signs), C3, 0, "place")
    assert found == (reason, "place")


def test_swapped_generators_are_refused() -> None:
    """D4 by a rotation and a reflection: exchanged they keep no relation of the group."""
    permutations = D4.elements[list(D4.generators)]
    assert check_representation(make_permutations(permutations, [1, 1]), D4, 0, "place").degree == 4
    found = refused(check_representation, make_permutations(permutations[::-1], [1, 1]), D4, 0, "place")
    assert found == (Reason.GSET_WRONG, "place")


def test_signs_that_are_no_character_are_refused() -> None:
    """Both transpositions that generate S3 are odd or both even, because they are conjugate."""
    assert [compute_signs(S3)[g] for g in S3.generators] == [-1, -1]
    permutations = S3.elements[list(S3.generators)]
    found = refused(check_representation, make_permutations(permutations, [1, -1]), S3, 0, "place")
    assert found == (Reason.REPRESENTATION_WRONG, "place")


@pytest.mark.parametrize(
    ("permutations", "signs", "reason"),
    [
        ([[1, 2, 2]], [1], Reason.GSET_WRONG),
        ([[1, 2, 3]], [1], Reason.GSET_WRONG),
        ([[-1, 0, 1]], [1], Reason.GSET_WRONG),
        ([[1, 2, 0]], [2], Reason.REPRESENTATION_WRONG),
        ([[1, 2, 0]], [0], Reason.REPRESENTATION_WRONG),
        ([[1, 2, 0]], [1, 1], Reason.REPRESENTATION_WRONG),
        ([[1, 2, 0]], [], Reason.REPRESENTATION_WRONG),
        ([[1, 2, 0]] * 2, [1, 1], Reason.REPRESENTATION_WRONG),
        (np.zeros((0, 3)), [], Reason.REPRESENTATION_WRONG),
        (np.zeros((1, 0)), [1], Reason.REPRESENTATION_WRONG),
        ([list(range(MAX_DEGREE + 1))], [1], Reason.REPRESENTATION_WRONG),
    ],
)
def test_what_is_no_signed_permutation_of_each_generator_is_refused(
    permutations: Any, signs: Any, reason: Reason
) -> None:
    """One permutation and one sign, 1 or -1, for the one generator of C3, on at most 64 points."""
    found = refused(check_representation, make_permutations(permutations, signs), C3, 0, "place")
    assert found == (reason, "place")


def test_the_trivial_group_has_no_generators() -> None:
    """Its representation is the identity, exact in both kinds."""
    rho = check_representation(make_permutations(np.zeros((0, 2)), []), C1, 0, "place")
    assert rho.matrices.tolist() == [[[1, 0], [0, 1]]]
    rho = check_representation(make_matrices(np.zeros((0, 2, 2))), C1, 3, "place")
    assert rho.matrices.tolist() == [[[8, 0], [0, 8]]]
    assert holds(C1, rho)


@pytest.mark.parametrize("name", GROUPS)
def test_exact_matrices_have_small_residuals(name: str) -> None:
    """Claim 13: integer matrices that are a representation are off by the units that the bound itself rounds."""
    G = GROUPS[name]
    matrices = compute_permutation_matrices(G).astype(np.int64)
    section = make_matrices(matrices[list(G.generators)] << REPRESENTATION_BITS)
    rho = check_representation(section, G, REPRESENTATION_BITS, "place")
    assert rho.matrices.tolist() == (matrices << REPRESENTATION_BITS).tolist()
    assert rho.action is None
    assert 0 < rho.homomorphism < Fraction(1, 2**12)
    assert holds(G, rho)


@st.composite
def near_representations(draw: st.DrawFn) -> tuple[Group, NDArray[np.int64], int]:
    """A rounded orthogonal representation, turned by a rotation, with noise of a few units or many."""
    G = GROUPS[draw(st.sampled_from(sorted(GROUPS)))]
    bits = draw(st.sampled_from([8, 12, 16, MAX_REPRESENTATION_BITS]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    turn, _ = np.linalg.qr(rng.normal(size=(G.degree, G.degree)))
    signs = compute_signs(G) if draw(st.booleans()) else None
    exact = turn @ compute_permutation_matrices(G, signs)[list(G.generators)] @ turn.T
    noise = draw(st.sampled_from([0.0, 1.0, 2.0 ** (bits - 9), 2.0 ** (bits - 5)]))
    return G, np.round(exact * 2**bits + noise * rng.normal(size=exact.shape)).astype(np.int64), bits


@settings(deadline=None, max_examples=80)
@given(drawn=near_representations())
def test_the_residuals_of_the_generators_bound_those_of_all_pairs(
    drawn: tuple[Group, NDArray[np.int64], int],
) -> None:
    """Claim 13: homomorphism and distances hold for all pairs, by integers, however near the matrices are."""
    G, matrices, bits = drawn
    try:
        rho = check_representation(make_matrices(matrices), G, bits, "place")
    except Refusal as refusal:
        assert refusal.reason is Reason.RESIDUALS_TOO_LARGE  # noqa: PT017 - the other answer that is allowed
        return
    assert rho.bits == bits
    assert rho.matrices[G.identity].tolist() == (np.eye(G.degree, dtype=np.int64) << bits).tolist()
    assert holds(G, rho)


def bound_slowly(matrices: Rows, unit: int) -> Fraction:
    """The norm of a matrix in units of 1 / unit^2: entries to whole parts of 1 / unit, and one more; the root up."""
    square = sum((abs(entry) // unit + 1) ** 2 for row in matrices for entry in row)
    return Fraction(math.isqrt(square - 1) + 1, unit)


def measure_slowly(generators: NDArray[np.int64], G: Group, bits: int) -> tuple[list[Rows], Fraction, Fraction, int]:
    """Claim 13 word by word, one entry at a time: the matrices along the tree, delta, tau and the depth."""
    unit, d = 2**bits, generators.shape[1]
    one = [[unit * (a == b) for b in range(d)] for a in range(d)]
    rho, depth, queue = {G.identity: one}, {G.identity: 0}, [G.identity]
    given = [(g, matrix.tolist()) for g, matrix in zip(G.generators, generators, strict=True)]
    for x in queue:
        for g, matrix in given:
            gx = int(G.table[g, x])
            if gx not in rho:
                product = multiply_rows(matrix, rho[x])
                rho[gx] = [[math.floor(Fraction(entry, unit) + Fraction(1, 2)) for entry in row] for row in product]
                depth[gx] = depth[x] + 1
                queue.append(gx)
    delta = tau = Fraction(0)
    for x in range(G.order):
        square = multiply_rows([list(column) for column in zip(*rho[x], strict=True)], rho[x])
        off = [[u - unit * v for u, v in zip(r, s, strict=True)] for r, s in zip(square, one, strict=True)]
        tau = max(tau, bound_slowly(off, unit))
        for g in G.generators:
            pairs = zip(multiply_rows(rho[g], rho[x]), rho[int(G.table[g, x])], strict=True)
            off = [[unit * v - u for u, v in zip(r, s, strict=True)] for r, s in pairs]
            delta = max(delta, bound_slowly(off, unit))
    return [rho[x] for x in range(G.order)], delta, tau, max(depth.values())


def check_against_claim_13(generators: NDArray[np.int64], G: Group, bits: int) -> bool:
    """Whether the matrices are accepted, as the claim says, with exactly its bounds, each rounded up."""
    matrices, delta, tau, k = measure_slowly(generators, G, bits)
    M = 1 + tau
    e = k * delta * (1 + M) * M ** (k - 1) if k else Fraction(0)
    if tau >= 1 or e >= 1:
        found = refused(check_representation, make_matrices(generators), G, bits, "place")
        assert found == (Reason.RESIDUALS_TOO_LARGE, "place")
        return False
    rho = check_representation(make_matrices(generators), G, bits, "place")
    assert rho.matrices.tolist() == matrices
    assert rho.homomorphism == M * (e + tau)
    shift, scale = math.ceil(e * 2**DISTANCE_BITS), math.ceil(M * 2**20)
    for w, distance in enumerate(rho.distances.tolist()):
        square = compute_square_norm(matrices[w], matrices[G.identity])
        far = math.isqrt(square - 1) + 1 if square else 0
        assert distance == math.ceil(Fraction(far * scale, 2 ** (20 + bits - DISTANCE_BITS))) + shift
    return True


@pytest.mark.parametrize(("bits", "noise"), [(10, 0.5), (10, 4.0), (10, 8.0), (24, 2.0**10), (24, 2.0**17)])
@pytest.mark.parametrize("name", ["C1", "C2", "C3", "C5", "S3", "D4"])
def test_residuals_and_distances_are_those_of_claim_13(name: str, bits: int, noise: float) -> None:
    """On trees of depth 0 to 4, with residuals from a few units to some tenths, and entries above 1."""
    G = make_group([[(i + x) % 5 for i in range(5)] for x in range(5)]) if name == "C5" else (GROUPS | {"C1": C1})[name]
    accepted = 0
    for seed in range(6):
        rng = np.random.default_rng(seed)
        exact = compute_permutation_matrices(G)[list(G.generators)] * 2**bits
        generators = np.round(exact + noise * rng.normal(size=exact.shape)).astype(np.int64)
        accepted += check_against_claim_13(generators, G, bits)
    assert accepted > 0


@pytest.mark.parametrize(("entry", "is_accepted"), [(657, True), (658, False), (700, False), (1024, False)])
def test_a_residual_of_1_is_too_large(entry: int, *, is_accepted: bool) -> None:
    """[[1, t], [0, -1]] is an involution, off from orthogonal by the root of 2 t^2 + t^4: by 1 for t = 658 / 1024."""
    assert check_against_claim_13(np.array([[[1024, entry], [0, -1024]]]), C2, 10) == is_accepted


def test_matrices_of_another_group_are_not_taken_for_a_representation() -> None:
    """A quarter turn in C3: |rho^3 - 1| = |J^3 - 1| = 2 is far from a homomorphism."""
    with pytest.raises(Refusal) as caught:
        check_representation(make_matrices([TURNS[1] << 10]), C3, 10, "place")
    assert (caught.value.reason, caught.value.where) == (Reason.RESIDUALS_TOO_LARGE, "place")


def test_large_residuals_cannot_wrap() -> None:
    """[[1, X], [0, -1]] is an involution with |rho^T rho - 1| of about 512: its squares would leave int64."""
    d = MAX_DEGREE // 2
    block = np.eye(2 * d, dtype=np.int64) << 24
    block[d:, d:] *= -1
    block[:d, d:] = 1 << 24
    with pytest.raises(Refusal) as caught:
        check_representation(make_matrices([block]), C2, 24, "place")
    assert (caught.value.reason, caught.value.where) == (Reason.RESIDUALS_TOO_LARGE, "place")


@pytest.mark.parametrize(
    ("matrices", "bits"),
    [
        ([[[2**11 + 1]]], 10),
        ([[[-(2**11) - 1]]], 10),
        ([[[1024, 0]]], 10),
        ([[[1024]]] * 2, 10),
        (np.zeros((1, 0, 0)), 10),
        (np.zeros((1, MAX_DEGREE + 1, MAX_DEGREE + 1)), 10),
    ],
)
def test_matrices_that_do_not_fit_are_refused(matrices: Any, bits: int) -> None:
    """Entries up to 2 in at most 24 bits, d x d, one matrix for each generator."""
    found = refused(check_representation, make_matrices(matrices), C3, bits, "place")
    assert found == (Reason.REPRESENTATION_WRONG, "place")


def test_matrices_that_grow_are_refused() -> None:
    """3/2 and then 9/4 > 2."""
    found = refused(check_representation, make_matrices([[[1536]]]), C3, 10, "place")
    assert found == (Reason.RESIDUALS_TOO_LARGE, "place")


@pytest.mark.parametrize(("cells", "most"), [(0, 6), (18, 18)])
def test_matrices_that_would_fill_the_memory_are_not_made(cells: int, most: int) -> None:
    """Sixteen numbers for each entry of 3 x 3 matrices, of every element or every cell."""
    section = dataclasses.replace(natural(S3, signed=False), cells=np.arange(cells))
    assert check_representation(section, S3, 0, "place", Limits(numbers=16 * most * 9)).degree == 3
    found = refused(check_representation, section, S3, 0, "place", Limits(numbers=16 * most * 9 - 1))
    assert found == (Reason.NUMBERS_TOO_MANY, "place")


def test_the_kind_that_is_missing_is_refused() -> None:
    """Neither permutations nor matrices, or permutations without signs."""
    section = make_permutations([[1, 2, 0]], [1])
    neither = dataclasses.replace(section, permutations=None)
    assert refused(check_representation, neither, C3, 10, "place") == (Reason.REPRESENTATION_WRONG, "place")
    unsigned = dataclasses.replace(section, signs=None)
    assert refused(check_representation, unsigned, C3, 10, "place") == (Reason.REPRESENTATION_WRONG, "place")

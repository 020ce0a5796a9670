"""certgen.representation: the irreducible real representations of a group, and more precision for them."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
import time
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certcheck.group import Group, check_group
from certcheck.named_group import compute_element_orders, compute_named_elements
from certgen.representation import Irrep, compute_generator_matrices, find_irreps
from tests.certgen.small_models import (
    Table,
    cyclic,
    dicyclic,
    direct_product,
    group_of,
    metacyclic,
    relabel,
    special_linear_of_3,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Two products of orthogonal matrices of float64 differ by a few roundings; the regular representation costs more.
ROUNDING = 1e-12

NAMES = "C1 C2 C3 C6 C8 C113 D1 D2 D3 D4 D9 D10 D59 S1 S2 S3 S4 S5 A4 A5 Q8 S3xC2 Q8xC3 A4xS3 Q8xQ8"
LARGE_NAMES = ["S6", "A6", "Q8xA5"]
UNNAMED: dict[str, Table] = {
    "Dic3": dicyclic(3),
    "Dic4": dicyclic(4),
    "Dic5": dicyclic(5),
    "modular, order 16": metacyclic(8, 2, 5),
    "semidihedral, order 16": metacyclic(8, 2, 3),
    "Frobenius, order 20": metacyclic(5, 4, 2),
    "Frobenius, order 21": metacyclic(7, 3, 2),
    "SL(2,3)": special_linear_of_3(),
    "SL(2,3) x C5": direct_product(special_linear_of_3(), cyclic(5)),
    "elementary, order 32": direct_product(*[cyclic(2)] * 5),
}


@functools.cache
def named(name: str) -> Group:
    """A group under a name, with its labels in a random order."""
    return check_group(np.random.default_rng(7).permutation(compute_named_elements(name, "group")), "group")


@functools.cache
def load(case: str) -> tuple[Group, list[Irrep]]:
    """A group of the lists above, and its irreps; a name after `without name:` is not passed on."""
    if case in UNNAMED:
        G = group_of(relabel(UNNAMED[case], 5))
        return G, find_irreps(G, None)
    name = case.removeprefix("without name:")
    G = named(name)
    return G, find_irreps(G, name if name == case else None)


CASES = [*NAMES.split(), *UNNAMED, "without name:C12", "without name:D6", "without name:S4", "without name:S5"]
LARGE_CASES = [*CASES, *LARGE_NAMES]


def characters_of(irreps: list[Irrep]) -> NDArray[np.float64]:
    """The traces, (irreps, n)."""
    return np.array([np.trace(irrep.matrices, axis1=1, axis2=2) for irrep in irreps])


def find_irrep(case: str, name: str) -> Irrep:
    """The irrep under this name."""
    (found,) = (irrep for irrep in load(case)[1] if irrep.name == name)
    return found


def assert_homomorphism(G: Group, irrep: Irrep, elements: tuple[int, ...]) -> None:
    """rho(xy) = rho(x) rho(y) for these x and all y."""
    for x in elements:
        assert np.abs(irrep.matrices[x] @ irrep.matrices - irrep.matrices[G.table[x]]).max() < ROUNDING


def parity_of(permutation: list[int]) -> int:
    """1 or -1, from the inversions."""
    return 1 - 2 * (sum(a > b for a, b in itertools.combinations(permutation, 2)) % 2)


# What holds for every group.


@pytest.mark.parametrize("case", CASES)
def test_the_matrix_of_a_product_is_the_product_of_the_matrices(case: str) -> None:
    """All pairs."""
    G, irreps = load(case)
    for irrep in irreps:
        assert_homomorphism(G, irrep, tuple(range(G.order)))


@pytest.mark.parametrize("case", LARGE_NAMES)
def test_a_generator_times_any_element_is_represented(case: str) -> None:
    """For larger groups this implies the law for all pairs."""
    G, irreps = load(case)
    for irrep in irreps:
        assert_homomorphism(G, irrep, G.generators)


@pytest.mark.parametrize("case", LARGE_CASES)
def test_matrices_are_orthogonal(case: str) -> None:
    """rho(x) rho(x)^T = 1, and rho(e) = 1."""
    G, irreps = load(case)
    for irrep in irreps:
        one = np.eye(irrep.dimension)
        assert irrep.matrices.shape == (G.order, irrep.dimension, irrep.dimension)
        assert np.abs(irrep.matrices @ irrep.matrices.transpose(0, 2, 1) - one).max() < ROUNDING
        assert (irrep.matrices[G.identity] == one).all()


@pytest.mark.parametrize("case", LARGE_CASES)
def test_matrices_lie_in_the_span_of_the_basis(case: str) -> None:
    """rho(x) is the sum of <B, rho(x)> B over an orthonormal basis of d^2, d^2/2 or d^2/4 matrices, by type."""
    for irrep in load(case)[1]:
        d = irrep.dimension
        h = {"real": 1, "complex": 2, "quaternionic": 4}[irrep.type]
        assert irrep.basis.shape == (d * d // h, d, d)
        assert d % h == 0
        basis = irrep.basis.reshape(-1, d * d)
        flat = irrep.matrices.reshape(-1, d * d)
        assert np.abs(basis @ basis.T - np.eye(len(basis))).max() < ROUNDING
        assert np.abs(flat @ basis.T @ basis - flat).max() < ROUNDING


@pytest.mark.parametrize("case", LARGE_CASES)
def test_coefficients_of_all_irreps_are_an_orthogonal_basis_of_functions(case: str) -> None:
    """Schur's relations: the n functions <B, rho(z)> are orthogonal, with squares adding up to n d / q."""
    G, irreps = load(case)
    functions = [np.tensordot(irrep.matrices, irrep.basis, ((1, 2), (1, 2))) for irrep in irreps]
    squares = [np.full(len(irrep.basis), G.order * irrep.dimension / len(irrep.basis)) for irrep in irreps]
    together = np.hstack(functions)
    assert together.shape == (G.order, G.order)
    assert np.abs(together.T @ together - np.diag(np.concatenate(squares))).max() < ROUNDING * G.order


@pytest.mark.parametrize("case", LARGE_CASES)
def test_characters_are_orthogonal_and_tell_the_type(case: str) -> None:
    """<chi, chi> is the dimension of the commutant, and the mean of chi(x^2) is 1, 0 or -2."""
    G, irreps = load(case)
    characters = characters_of(irreps)
    commutant = [{"real": 1, "complex": 2, "quaternionic": 4}[irrep.type] for irrep in irreps]
    indicator = [{"real": 1, "complex": 0, "quaternionic": -2}[irrep.type] for irrep in irreps]
    assert np.abs(characters @ characters.T / G.order - np.diag(commutant)).max() < ROUNDING
    assert np.abs(characters[:, G.table.diagonal()].mean(axis=1) - indicator).max() < ROUNDING


@pytest.mark.parametrize("case", LARGE_CASES)
def test_the_trivial_one_comes_first_and_names_are_distinct(case: str) -> None:
    """Only the first is trivial."""
    _, irreps = load(case)
    assert irreps[0].name == "trivial"
    assert (irreps[0].matrices == 1).all()
    assert len({irrep.name for irrep in irreps}) == len(irreps)


@settings(deadline=None, max_examples=15)
@given(st.sampled_from(sorted(UNNAMED)), st.integers(0, 2**32 - 1))
def test_labels_do_not_matter(case: str, seed: int) -> None:
    """Dimensions and types are the same whatever the order of the labels, and the law holds."""
    G = group_of(relabel(UNNAMED[case], seed))
    irreps = find_irreps(G, None)
    assert [(i.name, i.type) for i in irreps] == [(i.name, i.type) for i in load(case)[1]]
    for irrep in irreps:
        assert_homomorphism(G, irrep, G.generators)


def test_the_result_is_the_same_every_time() -> None:
    """Random choices have fixed seeds."""
    G, irreps = load("A5")
    for first, second in zip(irreps, find_irreps(G, "A5"), strict=True):
        assert (first.matrices == second.matrices).all()


# What the textbooks say.

KNOWN: dict[str, list[tuple[int, str]]] = {
    "Q8": [(1, "real")] * 4 + [(4, "quaternionic")],
    # Through the quotients C4 and S3, and the faithful one.
    "Dic3": [(1, "real"), (1, "real"), (2, "real"), (2, "complex"), (4, "quaternionic")],
    # Induced from <a> with a -> exp(pi i k/n): quaternionic for odd k, else real by the quotient D_n; the others have
    # dimension 1 over the complex numbers.
    "Dic4": [(1, "real")] * 4 + [(2, "real")] + [(4, "quaternionic")] * 2,
    "Dic5": [(1, "real")] * 2 + [(2, "real")] * 2 + [(2, "complex")] + [(4, "quaternionic")] * 2,
    "SL(2,3)": [(1, "real"), (2, "complex"), (3, "real"), (4, "complex"), (4, "quaternionic")],
    "A4": [(1, "real"), (2, "complex"), (3, "real")],
    "A5": [(1, "real"), (3, "real"), (3, "real"), (4, "real"), (5, "real")],
    "A6": [(d, "real") for d in (1, 5, 5, 8, 8, 9, 10)],
    "Frobenius, order 21": [(1, "real"), (2, "complex"), (6, "complex")],
    "Frobenius, order 20": [(1, "real"), (1, "real"), (2, "complex"), (4, "real")],
    "semidihedral, order 16": [(1, "real")] * 4 + [(2, "real"), (4, "complex")],
    "elementary, order 32": [(1, "real")] * 32,
    "C8": [(1, "real")] * 2 + [(2, "complex")] * 3,
    "C113": [(1, "real")] + [(2, "complex")] * 56,
    "D9": [(1, "real")] * 2 + [(2, "real")] * 4,
    "D10": [(1, "real")] * 4 + [(2, "real")] * 4,
}


@pytest.mark.parametrize("case", KNOWN)
def test_dimensions_and_types_are_those_of_the_textbooks(case: str) -> None:
    """The complex character tables, with conjugate pairs taken together and quaternionic ones doubled."""
    assert sorted((i.dimension, i.type) for i in load(case)[1]) == sorted(KNOWN[case])


def hook_dimension(shape: tuple[int, ...]) -> int:
    """The number of standard tableaux by the formula of Frame, Robinson and Thrall."""
    columns = [sum(part > c for part in shape) for c in range(shape[0])]
    hooks = [part - c + columns[c] - r - 1 for r, part in enumerate(shape) for c in range(part)]
    return math.factorial(sum(shape)) // math.prod(hooks)


@pytest.mark.parametrize(("k", "number"), [(2, 2), (3, 3), (4, 5), (5, 7), (6, 11)])
def test_partitions_have_the_dimensions_of_their_hooks(k: int, number: int) -> None:
    """One irrep for each partition of k."""
    words = {"trivial": (k,), "sign": (1,) * k, "standard": (k - 1, 1), "standard x sign": (2, *[1] * (k - 2))}
    shapes = set()
    for irrep in load(f"S{k}")[1]:
        shape = words.get(irrep.name) or tuple(int(part) for part in irrep.name.strip("()").split(","))
        assert irrep.dimension == hook_dimension(shape)
        shapes.add(shape)
    assert {sum(shape) for shape in shapes} == {k}
    assert len(shapes) == number


@pytest.mark.parametrize("k", [3, 4, 5, 6])
def test_small_partitions_have_the_characters_of_permutation_representations(k: int) -> None:
    """`sign` is the parity; `standard` counts fixed points less one, (k-2,2) fixed pairs less fixed points.

    The exterior square of `standard` is (k-2,1,1).
    """
    G, irreps = load(f"S{k}")
    traces = dict(zip((irrep.name for irrep in irreps), characters_of(irreps), strict=True))
    sign = np.array([parity_of(row) for row in G.elements.tolist()])
    standard = (G.elements == np.arange(k)).sum(axis=1) - 1
    assert np.allclose(traces["sign"], sign, rtol=0, atol=ROUNDING)
    assert np.allclose(traces["standard"], standard, rtol=0, atol=ROUNDING)
    if k > 3:
        assert np.allclose(traces["standard x sign"], standard * sign, rtol=0, atol=ROUNDING)
        exterior = (standard**2 - standard[G.table.diagonal()]) / 2
        name = "standard x sign" if k == 4 else f"({k - 2},1,1)"
        assert np.allclose(traces[name], exterior, rtol=0, atol=ROUNDING)
        pairs = list(itertools.combinations(range(k), 2))
        fixed = np.array([sum({row[i], row[j]} == {i, j} for i, j in pairs) for row in G.elements.tolist()])
        assert np.allclose(traces[f"({k - 2},2)"], fixed - standard - 1, rtol=0, atol=ROUNDING)


@pytest.mark.parametrize("k", [7, 12, 30])
def test_frequencies_of_a_cyclic_group_are_cosines(k: int) -> None:
    """The rotation by one point in every cycle has trace 2 cos(2 pi f/k) at frequency f."""
    G, irreps = load(f"C{k}")
    blocks = [p**e for p in (2, 3, 5, 7) for e in (1, 2, 3) if k % p**e == 0 and k // p**e % p]
    rotation = [sum(blocks[:b]) + (i + 1) % length for b, length in enumerate(blocks) for i in range(length)]
    r = G.elements.tolist().index(rotation)
    for frequency in range(1, k // 2 + 1):
        irrep = find_irrep(f"C{k}", f"frequency {frequency}")
        assert irrep.dimension == (1 if 2 * frequency == k else 2)
        cosine = math.cos(2 * math.pi * frequency / k)
        assert abs(np.trace(irrep.matrices[r]) - irrep.dimension * cosine) < ROUNDING
    assert len(irreps) == k // 2 + 1


@pytest.mark.parametrize("k", [3, 8, 59])
def test_reflections_of_a_dihedral_group_have_sign_minus_one_and_trace_zero(k: int) -> None:
    """Elements outside the powers of an element of order k."""
    G, _ = load(f"D{k}")
    r = int(np.flatnonzero(compute_element_orders(G) == k)[0])
    rotations = [G.identity]
    while len(rotations) < k:
        rotations.append(int(G.table[rotations[-1], r]))
    is_rotation = np.isin(np.arange(G.order), rotations)
    assert (find_irrep(f"D{k}", "sign").matrices[:, 0, 0] == np.where(is_rotation, 1, -1)).all()
    for frequency in range(1, (k + 1) // 2):
        traces = np.trace(find_irrep(f"D{k}", f"frequency {frequency}").matrices, axis1=1, axis2=2)
        assert np.abs(traces[~is_rotation]).max() < ROUNDING


def test_the_icosahedron_shows_the_golden_ratio() -> None:
    """In A5 the two irreps of dimension 3 have traces (1 + sqrt 5)/2 and (1 - sqrt 5)/2 on five-cycles."""
    G, irreps = load("A5")
    five_cycles = compute_element_orders(G) == 5
    for irrep in irreps[1:3]:
        traces = np.trace(irrep.matrices, axis1=1, axis2=2)[five_cycles]
        golden = (1 + math.sqrt(5)) / 2
        distance = np.minimum(np.abs(traces - golden), np.abs(traces - 1 + golden))
        assert distance.max() < ROUNDING
        assert (traces > 0).sum() == (traces < 0).sum() == 12


def test_the_numerical_decomposition_has_the_characters_of_the_exact_forms() -> None:
    """S5 with and without its name."""
    by_name, without = (characters_of(load(case)[1]) for case in ("S5", "without name:S5"))
    inner = np.rint(by_name @ without.T / 120)
    assert np.abs(by_name @ without.T / 120 - inner).max() < ROUNDING
    assert (inner.sum(axis=0) == 1).all()
    assert (inner.sum(axis=1) == 1).all()


# More precision.

BITS = 120
PRECISE = ["C7", "C113", "D9", "S4", "S5", "A5", "Q8", "Dic3", "SL(2,3)", "Frobenius, order 21", "Q8xC3"]


def fractions_of(matrix: list[list[int]], bits: int) -> NDArray[Any]:
    """The rational matrix."""
    return np.array([[Fraction(v, 1 << bits) for v in row] for row in matrix], dtype=object)


@pytest.mark.parametrize("case", PRECISE)
def test_precise_generators_satisfy_the_relations_of_the_group(case: str) -> None:
    """Each generator and each product of two, as often as its order, is the identity up to 2^-90, exactly computed."""
    G, irreps = load(case)
    orders = compute_element_orders(G)
    for irrep in irreps[:12]:
        matrices = compute_generator_matrices(irrep, G, BITS)
        assert len(matrices) == len(G.generators)
        one = np.array([[Fraction(i == j) for j in range(irrep.dimension)] for i in range(irrep.dimension)])
        precise = {g: fractions_of(m, BITS) for g, m in zip(G.generators, matrices, strict=True)}
        words = [(g,) for g in precise] + list(itertools.permutations(precise, 2))
        for word in words:
            product = functools.reduce(lambda x, g: int(G.table[x, g]), word, G.identity)
            matrix = functools.reduce(np.matmul, [precise[g] for g in word], one)
            power = functools.reduce(np.matmul, [matrix] * int(orders[product]), one)
            assert abs(power - one).max() < Fraction(1, 2**90)
        for matrix in precise.values():
            assert abs(matrix @ matrix.T - one).max() < Fraction(1, 2**110)


@pytest.mark.parametrize("case", PRECISE)
def test_precise_generators_are_the_float64_matrices_up_to_rounding(case: str) -> None:
    """The refinement does not move to another representation."""
    G, irreps = load(case)
    for irrep in irreps:
        for g, matrix in zip(G.generators, compute_generator_matrices(irrep, G, BITS), strict=True):
            assert np.abs(fractions_of(matrix, BITS).astype(np.float64) - irrep.matrices[g]).max() < ROUNDING


def test_few_bits_are_the_many_bits_rounded_to_nearest() -> None:
    """At 20 bits every entry is within half a unit of the precise one."""
    G, _ = load("S5")
    irrep = find_irrep("S5", "(3,1,1)")
    few, many = (compute_generator_matrices(irrep, G, bits) for bits in (20, BITS))
    for coarse, fine in zip(few, many, strict=True):
        difference = fractions_of(coarse, 20) - fractions_of(fine, BITS)
        assert abs(difference).max() <= Fraction(1, 2**21) + Fraction(1, 2**100)


def test_more_than_100_bits_are_to_be_had() -> None:
    """The rotation of C8 is [[c, -c], [c, c]] with 2 c^2 = 1, up to a choice of coordinates, to 480 of 500 bits."""
    G, _ = load("C8")
    (rotation,) = (
        fractions_of(matrix, 500)
        for g, matrix in zip(
            G.generators, compute_generator_matrices(find_irrep("C8", "frequency 1"), G, 500), strict=True
        )
        if compute_element_orders(G)[g] == 8
    )
    trace = rotation[0, 0] + rotation[1, 1]
    assert abs(trace**2 - 2) < Fraction(1, 2**480)


def test_one_dimensional_generators_are_exactly_plus_or_minus_one() -> None:
    """Sign characters need no rounding."""
    G, irreps = load("Q8xQ8")
    for irrep in (irrep for irrep in irreps if irrep.dimension == 1):
        expected = [[[int(irrep.matrices[g, 0, 0]) << 20]] for g in G.generators]
        assert compute_generator_matrices(irrep, G, 20) == expected


def test_matrices_that_are_no_representation_are_refused() -> None:
    """One element's matrix is wrong: the means are far from the matrices."""
    G, _ = load("S4")
    irrep = find_irrep("S4", "standard")
    wrong = irrep.matrices.copy()
    wrong[(G.identity + 1) % 24] *= -1
    with pytest.raises(ArithmeticError, match="standard: no representation"):
        compute_generator_matrices(dataclasses.replace(irrep, matrices=wrong), G, 20)


def test_a_decomposition_that_cannot_succeed_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """After its tries."""
    monkeypatch.setattr("certgen.regular_representation.GOOD", -1.0)
    with pytest.raises(ArithmeticError, match="order 4 was not decomposed"):
        find_irreps(named("C2xC2"), "C2xC2")


@pytest.mark.parametrize(("name", "seconds"), [("S5", 1.5), ("C113", 1.5), ("D59", 1.5), ("A5", 1.5), ("S6", 30.0)])
def test_the_time_is_short(name: str, seconds: float) -> None:
    """Far less than the limit on a machine at rest."""
    G = named(name)
    start = time.process_time()
    find_irreps(G, name)
    assert time.process_time() - start < seconds


def test_largest_irrep_of_s6_is_refined() -> None:
    """Dimension 16 at order 720: every generator has its order up to 2^-90."""
    G, _ = load("S6")
    matrices = compute_generator_matrices(find_irrep("S6", "(3,2,1)"), G, BITS)
    for g, matrix in zip(G.generators, matrices, strict=True):
        precise = fractions_of(matrix, BITS)
        power = functools.reduce(lambda a, b: a @ b, [precise] * int(compute_element_orders(G)[g]))
        assert abs(power - np.eye(16, dtype=np.int64).astype(object)).max() < Fraction(1, 2**90)

"""Valid certificates of the methods `equivariant` and `rho-set`.

Error terms are claimed with room to spare, so that a checker may round differently; `rounding` of `equivariant` is 5
units by definition.
"""

from __future__ import annotations

from typing import Any

from tests.vectors.make.document import Document, write_array, write_document
from tests.vectors.make.entries import Valid
from tests.vectors.make.groups import A4, C1, C3, C4, D4, D6, S3, S4, Group
from tests.vectors.make.tables import (
    IDENTITY,
    TURN,
    T,
    constant,
    list_cells,
    make_circuit,
    make_permutations,
    make_plane,
    make_representation,
    make_rho_set,
    make_section,
)
from tests.vectors.make.weights import Weights, join, make_detectors, make_neuron, make_points

CASES = {"activation_bits": 10, "unembedding_bits": 10}
ONE = 1024  # a neuron's scale, or its share
THREE, FOUR = [-9, 0, 9], [-3, -1, 1, 3]


def write(G: Group, weights: Weights, method: Document, **more: Any) -> Document:
    """A certificate for the architecture `direct`."""
    return write_document(G, ("direct", weights), method, **more)


def list_valid() -> list[Valid]:
    """All of them."""
    return [*list_equivariant(), *list_merged(), *list_signed(), *list_rho_set(), *list_remaining()]


def own_cells(m: int) -> list[list[int]]:
    """Each neuron a cell of its own."""
    return [[j, ONE, ONE] for j in range(m)]


def list_equivariant() -> list[Valid]:
    """Permutation matrices, and matrices with and without a basis."""
    heavy = make_points(S3, THREE, weight=-5)
    permutations = make_section(own_cells(9), [make_permutations(S3, THREE, -4)], [64, 5, 0, 64, 25000])
    plane = make_section(own_cells(9), [make_plane(S3, THREE, -1)], [64, 5, 64, 64, 64])
    basis = make_section(own_cells(9), [make_plane(C3, THREE, -1, [IDENTITY, TURN])], [64, 5, 64, 64, 64])
    four = make_permutations(A4, FOUR, -1, middle=8)
    moved = make_section(own_cells(16), [four], [64, 5, 0, 64, 64])
    nothing = make_section([[-1, 0, 0]] * 8 + [[0, ONE, ONE]], [], [10**6, 5, 0, 0, 10**6], cells=1, cases=CASES)
    trivial = make_representation(1, 1, [0], [[[0]]], **make_trivial_matrices())
    one = make_section(own_cells(1), [trivial], [64, 5, 0, 64, 64])
    return [
        Valid(
            "permutation_matrices",
            "S3 by its permutation matrices, with a remainder of sqrt(540) logits",
            write(S3, heavy, permutations, name="S3"),
            36,
            0,
        ),
        Valid("matrices", "S3 by rounded 2 x 2 matrices", write(S3, make_points(S3, THREE), plane), 36, 0),
        Valid("matrices_with_a_basis", "C3 by rotations", write(C3, make_points(C3, THREE), basis, name="C3"), 9, 0),
        Valid(
            "equivariance_residuals",
            "A4 by permutation matrices, N off by 2^-7 times the unit matrix",
            write(A4, make_points(A4, FOUR), moved, name="A4"),
            144,
            0,
        ),
        Valid(
            "cases_alone", "no representation: every pair is a case", write(S3, make_points(S3, THREE), nothing), 0, 36
        ),
        Valid(
            "order_1_equivariant",
            "order 1: no generator, no rival",
            write(C1, {"left": [[1.0]], "right": [[1.0]], "out": [[1.0]]}, one),
            1,
            0,
        ),
    ]


def make_trivial_matrices() -> dict[str, Any]:
    """The fields of a 1 x 1 representation of a group without generators."""
    return {"matrices": write_array([], [0, 1, 1]), "coefficients": write_array([[0]])}


def list_merged() -> list[Valid]:
    """Several neurons a cell, negative scales, dropped neurons, cases beside the argument."""
    scales = (1, -2)
    rows = [[j, s * ONE, ONE if s == 1 else 0] for j in range(16) for s in scales]
    merged = join(make_points(D4, FOUR, scales=scales), make_neuron([1.0] * 8, [0.0] * 8, [1 / 64] + [0.0] * 7))
    section = make_section([*rows, [-1, 0, 0]], [make_permutations(D4, FOUR, -1)], [2000, 5, 0, 64, 64])
    shared = make_section([*rows, [-1, 0, 0]], [make_permutations(D4, FOUR, -1)], [2000, 5, 0, 64, 64])
    shared["neurons"] = write_array(
        [[j, s * ONE, ONE // 2 if s == 1 else -ONE // 4] for j in range(16) for s in scales] + [[-1, 0, 0]]
    )
    bump = make_neuron([0.0, *[-1.0] * 5], [1.0, *[0.0] * 5], [0.0, 0.0, 40.0, 0.0, 0.0, 0.0])
    spoiled = make_section([*own_cells(9), [-1, 0, 0]], [make_permutations(S3, THREE, -1)], [50000, 5, 0, 64, 64])
    mixed = spoiled | {"cases": CASES}
    weights = join(make_points(S3, THREE), bump)
    return [
        Valid(
            "merged_and_dropped",
            "D4: two neurons a cell, one with scale -2; a neuron dropped for 1/64",
            write(D4, merged, section, name="D4"),
            64,
            0,
        ),
        Valid(
            "shares", "the same, with alpha from both neurons, shares 1/2 and -1/4", write(D4, merged, shared), 64, 0
        ),
        Valid(
            "argument_alone",
            "S3: a dropped neuron of 40 logits spoils the bound of the six pairs with y = e",
            write(S3, weights, spoiled, correct=30),
            30,
            0,
        ),
        Valid(
            "argument_and_cases", "the same with cases: all but one pair", write(S3, weights, mixed, correct=35), 30, 5
        ),
    ]


def list_signed() -> list[Valid]:
    """Signed permutation matrices, whose constants go to the sign; and the sign alone."""
    signs, n = S3.compute_signs(), S3.order
    same = [[float(s)] * 9 for s in signs]
    signed = {
        "left": same,
        "right": same,
        "out": [
            [2.0 * s * (z[c] == b) for s, z in zip(signs, S3.elements, strict=True)] for b in range(3) for c in range(3)
        ],
    }
    of_generators = write_array([signs[g] for g in S3.generators])
    nothing = [[[0] * 3 for _ in range(3)] for _ in range(n)]
    positions = write_array([[b, c, 512] for b in range(3) for c in range(3)])
    generators = write_array([list(S3.elements[g]) for g in S3.generators])
    fields = {"permutations": generators, "signs": of_generators, "positions": positions, "constants_to": 2}
    carried = make_representation(n, 3, list(range(9, 18)), nothing, **fields)
    # Three of the nine cells speak to each z: 2 times 3 times s(x) s(y) / 2.
    of_sign = [[[3 * s << T]] for s in signs]
    fields = {"permutations": write_array([[0] for _ in S3.generators]), "signs": of_generators}
    sign = make_representation(n, 1, [], of_sign, positions=write_array([], [0, 3]), name="sign", **fields)
    parts = [make_permutations(S3, THREE, -1), carried, sign]
    section = make_section(own_cells(18), parts, [128, 5, 0, 64, 64])
    empty = sign | {"left": constant(n, 1)}
    two = make_section(own_cells(18), [empty, parts[0], carried | {"constants_to": 3}, sign], [128, 5, 0, 64, 64])
    return [
        Valid(
            "constants_to_the_sign",
            "S3: signed permutation matrices pass their constants to the sign",
            write(S3, join(make_points(S3, THREE), signed), section, name="S3"),
            36,
            0,
        ),
        Valid(
            "two_signs",
            "the same, with the sign once more before, empty",
            write(S3, join(make_points(S3, THREE), signed), two),
            36,
            0,
        ),
    ]


def list_rho_set() -> list[Valid]:
    """One and two circuits, one-sided kernels, an invariant part, negative scales, cases."""
    K = [[-int(b == c) for c in range(4)] for b in range(4)]
    K3 = [row[:3] for row in K[:3]]
    plain = make_rho_set(
        S3,
        [list(S3.elements)],
        [make_circuit(THREE, [-v for v in THREE], [K3, None, None])],
        list_cells(0, 3),
        [64, 128, 64],
    )
    two, three = D6.act([0, 1]), D6.act([2, 3, 4])
    of_two = make_circuit([-4, 4], [4, -4], [[row[:2] for row in K[:2]], None, None])
    of_three = make_circuit(THREE, [-v for v in THREE], [K3, None, None], sides=(1, 1))
    both = make_rho_set(D6, [two, three], [of_two, of_three], list_cells(0, 2) + list_cells(1, 3), [64, 256, 64])
    weights = join(make_points(D6, [-4, 4], action=two), make_points(D6, THREE, action=three))
    of_four = make_circuit(FOUR, [-v for v in FOUR], [K, None, None])
    small = make_rho_set(S4, [list(S4.elements)], [of_four], list_cells(0, 4, (-128,)), [64, 256, 64], scale_bits=7)
    turned = make_points(S4, FOUR, scales=(-1,))
    no_kernel = make_rho_set(
        S3, [list(S3.elements)], [make_circuit(THREE, [-v for v in THREE], [None, None, None])], list_cells(0, 3),
        [64, 128, 10**6], cases=CASES,
    )  # fmt: skip
    dropped = make_rho_set(C4, [], [], [[-1, 0, 0, 0]] * 16, [10**6, 64, 0], cases=CASES)
    return [
        Valid("rho_set", "S3: one circuit of 3 x 3 points", write(S3, make_points(S3, THREE), plain, name="S3"), 36, 0),
        Valid("two_circuits", "D6: circuits of 2 x 2 and of 3 x 3 points", write(D6, weights, both, name="D6"), 144, 0),
        Valid("scales_of_minus_128", "S4: scales of -128 as int8", write(S4, turned, small, name="S4"), 576, 0),
        Valid("no_kernel", "a circuit without its kernel: cases", write(S3, make_points(S3, THREE), no_kernel), 0, 36),
        Valid(
            "no_circuit", "C4: every neuron dropped, every pair a case", write(C4, make_detectors(C4), dropped), 0, 16
        ),
        list_kernels(),
    ]


def list_kernels() -> Valid:
    """U(z) = K(b, zb') + j_L(z^-1 b, b') + j_R(b, zb') on S3, with the invariant part taken apart."""
    j_left, j_right = [[0, 1, 0], [0, 0, -1], [1, 0, 0]], [[0, 0, 1], [0, 1, 0], [0, 0, -1]]
    weights, d = make_points(S3, THREE, weight=-8), range(3)
    for k, row in enumerate(weights["out"]):
        b, c = divmod(k, 3)
        for z, x in enumerate(S3.elements):
            row[z] += j_left[S3.elements[S3.inverse[z]][b]][c] + j_right[b][x[c]]
    K = [[-8 * int(b == c) for c in d] for b in d]
    circuit = make_circuit(THREE, [-v for v in THREE], [K, j_left, j_right], middle=True)
    section = make_rho_set(S3, [list(S3.elements)], [circuit], list_cells(0, 3), [64, 512, 64])
    return Valid("three_kernels", "S3: K, j_L, j_R and an invariant part", write(S3, weights, section), 36, 0)


def list_remaining() -> list[Valid]:
    """Circuits beside representations."""
    K = [[-int(b == c) for c in range(3)] for b in range(3)]
    circuit = make_circuit(THREE, [-v for v in THREE], [K, None, None])
    own = make_section(own_cells(9), [make_plane(S3, THREE, -1)], [64, 5, 64, 64, 64])
    del own["name"]
    neurons = list_cells(0, 3) + [[-2, 0, 0, 0]] * 9
    weights = join(make_points(S3, THREE), make_points(S3, THREE))
    section = make_rho_set(S3, [list(S3.elements)], [circuit], neurons, [64, 128, 64], remaining=own)
    bare = own | {"representations": [], "error_terms": own["error_terms"] | {"homomorphism": 0, "remainder": 10**5}}
    open_ = make_rho_set(S3, [list(S3.elements)], [circuit], neurons, [64, 128, 64], remaining=bare, cases=CASES)
    return [
        Valid("remaining", "S3: nine neurons in a circuit, nine by 2 x 2 matrices", write(S3, weights, section), 36, 0),
        Valid("remaining_with_cases", "the same without the matrices: cases", write(S3, weights, open_), 0, 36),
    ]

"""network: the closed list, who plays which role, and folding against each formula written out by hand."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from certcheck.document import NetworkSection, TensorSection
from certcheck.limits import Limits
from certcheck.network import (
    ARCHITECTURES,
    Assignment,
    Network,
    check_assignment,
    check_network,
    check_tensor,
    compute_weights_sha256,
    guess_roles,
)
from certcheck.verdict import Reason, Refusal
from tests.certcheck.test_exact import FractionRows, multiply_slowly, refused, to_fractions

# n = 3, l = 2, r = 4, m = 5: no two sizes agree, but that tied and added embeddings have l = r.
MATRICES: dict[str, dict[str, tuple[int, int]]] = {
    "concatenated": {"left": (3, 2), "right": (3, 4), "hidden": (6, 5), "out": (5, 3)},
    "concatenated_tied": {"embedding": (3, 2), "hidden": (4, 5), "out": (5, 3)},
    "mapped": {"left": (3, 2), "right": (3, 4), "left_map": (2, 5), "right_map": (4, 5), "out": (5, 3)},
    "mapped_tied": {"embedding": (3, 2), "left_map": (2, 5), "right_map": (2, 5), "out": (5, 3)},
    "added": {"left": (3, 2), "right": (3, 2), "shared_map": (2, 5), "out": (5, 3)},
    "added_tied": {"embedding": (3, 2), "shared_map": (2, 5), "out": (5, 3)},
    "direct": {"left": (3, 5), "right": (3, 5), "out": (5, 3)},
    "direct_tied": {"embedding": (3, 5), "out": (5, 3)},
}
BIASES = {"hidden_bias": (5,), "out_bias": (3,)}
ORDER = 3
DTYPES = ("float16", "bfloat16", "float32", "float64")


def store(values: object, dtype: str = "float64") -> TensorSection:
    """The tensor that holds these values, little-endian; bfloat16 keeps the upper half of a float32."""
    array = np.asarray(values, dtype=np.float64)
    if dtype == "bfloat16":
        data = (array.astype("<f4").view("<u4") >> 16).astype("<u2").tobytes()
    else:
        data = array.astype(np.dtype(dtype).newbyteorder("<")).tobytes()
    return TensorSection(dtype, array.shape, hashlib.sha256(data).hexdigest(), data)


def read(tensor: TensorSection) -> NDArray[np.float64]:
    """The values of a tensor, by another way than the checker's: float32 by way of bytes for bfloat16."""
    data = tensor.data
    if tensor.dtype == "bfloat16":
        data = b"".join(b"\0\0" + data[i : i + 2] for i in range(0, len(data), 2))
    dtype = {"float16": "<f2", "float64": "<f8"}.get(tensor.dtype, "<f4")
    return np.frombuffer(data, dtype).astype(np.float64).reshape(tensor.shape)


def make_section(
    architecture: str, tensors: dict[str, TensorSection], roles: dict[str, str] | None = None
) -> NetworkSection:
    """A network section whose tensors are called like their roles, unless roles are given."""
    return NetworkSection(architecture, None, roles or {name: name for name in tensors}, tensors)


def make_tensors(architecture: str, *biases: str, seed: int = 0) -> dict[str, TensorSection]:
    """Random tensors for all roles of an architecture and these biases."""
    rng = np.random.default_rng(seed)
    shapes: dict[str, tuple[int, ...]] = {**MATRICES[architecture], **{bias: BIASES[bias] for bias in biases}}
    return {role: store(rng.normal(size=shape)) for role, shape in shapes.items()}


def times(row: list[Fraction], matrix: FractionRows) -> list[Fraction]:
    """The row times the matrix."""
    return multiply_slowly([row], matrix)[0]


def plus(left: list[Fraction], right: list[Fraction]) -> list[Fraction]:
    """The sum of two rows."""
    return [u + v for u, v in zip(left, right, strict=True)]


# What each formula puts into the relu, without the bias, as one would write it on paper: W holds the rows by role.
PRE_ACTIVATIONS: dict[str, Callable[[dict[str, FractionRows], int, int], list[Fraction]]] = {
    "concatenated": lambda W, x, y: times(W["left"][x] + W["right"][y], W["hidden"]),
    "concatenated_tied": lambda W, x, y: times(W["embedding"][x] + W["embedding"][y], W["hidden"]),
    "mapped": lambda W, x, y: plus(times(W["left"][x], W["left_map"]), times(W["right"][y], W["right_map"])),
    "mapped_tied": lambda W, x, y: plus(
        times(W["embedding"][x], W["left_map"]), times(W["embedding"][y], W["right_map"])
    ),
    "added": lambda W, x, y: times(plus(W["left"][x], W["right"][y]), W["shared_map"]),
    "added_tied": lambda W, x, y: times(plus(W["embedding"][x], W["embedding"][y]), W["shared_map"]),
    "direct": lambda W, x, y: plus(W["left"][x], W["right"][y]),
    "direct_tied": lambda W, x, y: plus(W["embedding"][x], W["embedding"][y]),
}


def compute_formula(architecture: str, W: dict[str, FractionRows], x: int, y: int) -> list[Fraction]:
    """The logits of the formula; a bias is a row."""
    inputs = PRE_ACTIVATIONS[architecture](W, x, y)
    if "hidden_bias" in W:
        inputs = plus(inputs, W["hidden_bias"][0])
    logits = times([max(v, Fraction(0)) for v in inputs], W["out"])
    return plus(logits, W["out_bias"][0]) if "out_bias" in W else logits


def compute_folded(network: Network, x: int, y: int) -> list[Fraction]:
    """The logits of the folded network: beta_z + sum_i U_zi relu(a_xi + c_yi)."""
    a, c, U, beta = map(to_fractions, (network.a, network.c, network.U, network.beta))
    hidden = [max(u + v, Fraction(0)) for u, v in zip(a[x], c[y], strict=True)]
    return [beta[0][z] + sum(u * h for u, h in zip(U[z], hidden, strict=True)) for z in range(len(U))]


def test_the_list_of_architectures_is_the_one_that_is_tested_here() -> None:
    """An architecture that is added without a formula in this file fails here."""
    assert set(ARCHITECTURES) == set(MATRICES) == set(PRE_ACTIVATIONS)


@pytest.mark.parametrize("architecture", MATRICES)
@settings(deadline=None, max_examples=25)
@given(
    seed=st.integers(0, 2**32 - 1),
    biases=st.sets(st.sampled_from(sorted(BIASES))),
    transposed=st.sets(st.integers(0, 4)),
    dtypes=st.lists(st.sampled_from(DTYPES), min_size=7, max_size=7),
    exponents=st.lists(st.integers(-8, 8), min_size=7, max_size=7),
)
@example(seed=1, biases=set(BIASES), transposed=set(), dtypes=["float32"] * 7, exponents=[0] * 7)
@example(seed=2, biases=set(), transposed=set(range(5)), dtypes=["float64"] * 7, exponents=[0] * 7)
def test_folding_changes_no_logit(
    architecture: str, seed: int, biases: set[str], transposed: set[int], dtypes: list[str], exponents: list[int]
) -> None:
    """Claim 2: every logit of the folded network is that of the formula, as a rational number."""
    rng = np.random.default_rng(seed)
    shapes: dict[str, tuple[int, ...]] = MATRICES[architecture] | {bias: BIASES[bias] for bias in sorted(biases)}
    roles, tensors, weights = {}, {}, {}
    for k, (role, shape) in enumerate(shapes.items()):
        tensor = store(rng.normal(size=shape) * 2.0 ** exponents[k], dtypes[k])
        values = read(tensor)
        weights[role] = [[Fraction(v) for v in row] for row in values.reshape(-1, shape[-1]).tolist()]
        is_transposed = k in transposed and len(shape) == 2
        roles[f"{role}_transposed" if is_transposed else role] = f"tensor {k}"
        tensors[f"tensor {k}"] = store(values.T, dtypes[k]) if is_transposed else tensor
    network = check_network(make_section(architecture, tensors, roles), ORDER)
    assert network.a.shape == network.c.shape == network.U.shape == (3, 5)
    assert network.beta.shape == (1, 3)
    assert network.a.bits == network.c.bits
    assert network.beta.bits == network.a.bits + network.U.bits
    for x in range(ORDER):
        for y in range(ORDER):
            assert compute_folded(network, x, y) == compute_formula(architecture, weights, x, y)


def test_folding_follows_a_computation_by_hand() -> None:
    """Claim 2: one hidden unit, two elements: relu(1 + 2 + 1/2) = 7/2 on the way to 7/2 * 3 + 1/4 = 43/4."""
    section = make_section(
        "direct",
        {
            "left": store([[1], [-9]]),
            "right": store([[2], [0]]),
            "hidden_bias": store([0.5]),
            "out": store([[3, -1]]),
            "out_bias": store([0.25, 8]),
        },
    )
    network = check_network(section, 2)
    assert compute_folded(network, 0, 0) == [Fraction(43, 4), Fraction(9, 2)]
    assert compute_folded(network, 1, 0) == [Fraction(1, 4), Fraction(8)]


def test_a_fine_output_bias_sets_the_common_scale() -> None:
    """A bias of 2^-10 is not rounded away beside halves in `out`: a and c move to 2^-9, and no further."""
    tensors = {"embedding": store([[1]]), "out": store([[0.5]]), "out_bias": store([2.0**-10])}
    network = check_network(make_section("direct_tied", tensors), 1)
    assert (network.a.bits, network.c.bits, network.U.bits, network.beta.bits) == (9, 9, 1, 10)
    assert compute_folded(network, 0, 0) == [1 + Fraction(1, 1024)]


@pytest.mark.parametrize(
    ("architecture", "roles", "formula"),
    [
        ("concatenated", "left right hidden out", "relu(concat(left[x], right[y]) @ hidden) @ out"),
        (
            "concatenated",
            "left_transposed right hidden_transposed hidden_bias out_transposed out_bias",
            "relu(concat(left.T[x], right[y]) @ hidden.T + hidden_bias) @ out.T + out_bias",
        ),
        ("concatenated_tied", "embedding hidden out", "relu(concat(embedding[x], embedding[y]) @ hidden) @ out"),
        ("mapped", "left right left_map right_map out", "relu(left[x] @ left_map + right[y] @ right_map) @ out"),
        (
            "mapped",
            "left_transposed right left_map right_map_transposed out out_bias",
            "relu(left.T[x] @ left_map + right[y] @ right_map.T) @ out + out_bias",
        ),
        (
            "mapped_tied",
            "embedding left_map right_map hidden_bias out",
            "relu(embedding[x] @ left_map + embedding[y] @ right_map + hidden_bias) @ out",
        ),
        ("added", "left right_transposed shared_map out", "relu((left[x] + right.T[y]) @ shared_map) @ out"),
        (
            "added_tied",
            "embedding shared_map_transposed out",
            "relu((embedding[x] + embedding[y]) @ shared_map.T) @ out",
        ),
        ("direct", "left right out", "relu(left[x] + right[y]) @ out"),
        (
            "direct_tied",
            "embedding_transposed hidden_bias out_transposed",
            "relu(embedding.T[x] + embedding.T[y] + hidden_bias) @ out.T",
        ),
    ],
)
def test_the_formula_says_what_is_computed(architecture: str, roles: str, formula: str) -> None:
    """The formula names every role that is played, its transpose where that is meant, and no other."""
    names = roles.split()
    assert check_assignment(architecture, {name: name for name in names}, names).formula == formula


def test_roles_are_listed_in_the_order_of_the_formula() -> None:
    """The order in the file does not matter."""
    roles = {"out_bias": "e", "out": "d", "hidden_bias": "c", "right_transposed": "b", "left": "a"}
    assert list(check_assignment("direct", roles, "abcde").roles.items()) == [
        ("left", "a"),
        ("right_transposed", "b"),
        ("out", "d"),
        ("hidden_bias", "c"),
        ("out_bias", "e"),
    ]


@pytest.mark.parametrize(
    ("architecture", "roles", "tensors", "reason", "where"),
    [
        ("transformer", {}, "", Reason.ARCHITECTURE_UNKNOWN, "network.architecture"),
        ("direct", {"left": "a", "middle": "b"}, "ab", Reason.ROLE_UNKNOWN, "network.roles.middle"),
        ("direct", {"embedding": "a"}, "a", Reason.ROLE_UNKNOWN, "network.roles.embedding"),
        ("direct", {"_transposed": "a"}, "a", Reason.ROLE_UNKNOWN, "network.roles._transposed"),
        (
            "direct",
            {"left_transposed_transposed": "a"},
            "a",
            Reason.ROLE_UNKNOWN,
            "network.roles.left_transposed_transposed",
        ),
        (
            "direct",
            {"left": "a", "left_transposed": "b", "right": "c", "out": "d"},
            "abcd",
            Reason.ROLE_UNKNOWN,
            "network.roles.left_transposed",
        ),
        (
            "direct",
            {"left": "a", "right": "b", "out": "c", "out_bias_transposed": "d"},
            "abcd",
            Reason.ROLE_UNKNOWN,
            "network.roles.out_bias_transposed",
        ),
        (
            "direct",
            {"left": "a", "right": "a", "out": "b"},
            "ab",
            Reason.ROLES_SHARE_TENSOR,
            "network.roles.right",
        ),
        ("direct", {"left": "a", "right": "b", "out": "c"}, "ab", Reason.TENSOR_MISSING, "network.roles.out"),
        ("direct", {"left": "a", "right": "b"}, "ab", Reason.ROLE_MISSING, "network.roles"),
        ("direct", {"left": "a", "right": "b", "out_bias": "c"}, "abc", Reason.ROLE_MISSING, "network.roles"),
        ("direct", {}, "", Reason.ROLE_MISSING, "network.roles"),
        (
            "direct",
            {"left": "a", "right": "b", "out": "c"},
            "abcd",
            Reason.TENSOR_UNUSED,
            "network.tensors.d",
        ),
    ],
)
def test_what_is_no_assignment_is_refused(
    architecture: str, roles: dict[str, str], tensors: str, reason: Reason, where: str
) -> None:
    """Every role once, every tensor once, nothing else; one edit each."""
    assert refused(check_assignment, architecture, roles, tensors) == (reason, where)


def test_an_unknown_architecture_is_told_what_is_supported() -> None:
    """The refusal names the whole list."""
    with pytest.raises(Refusal) as caught:
        check_assignment("transformer", {}, ())
    assert caught.value.expected.split(", ") == list(MATRICES)


@pytest.mark.parametrize("architecture", MATRICES)
def test_each_role_is_needed_and_each_bias_may_be_absent(architecture: str) -> None:
    """Taking away a matrix is refused; taking away a bias gives another formula."""
    every = {role: role for role in (*MATRICES[architecture], *BIASES)}
    for absent in every:
        roles = {role: role for role in every if role != absent}
        if absent in BIASES:
            assert check_assignment(architecture, roles, roles).roles == roles
        else:
            assert refused(check_assignment, architecture, roles, roles) == (Reason.ROLE_MISSING, "network.roles")


@pytest.mark.parametrize(
    ("names", "architecture", "expected"),
    [
        (
            "W_x W_y W W_U",
            None,
            ("concatenated", {"left": "W_x", "right": "W_y", "hidden": "W", "out": "W_U"}),
        ),
        (
            "unembedding linear_left linear_right embedding_left embedding_right",
            None,
            (
                "mapped",
                {
                    "left": "embedding_left",
                    "right": "embedding_right",
                    "left_map": "linear_left",
                    "right_map": "linear_right",
                    "out": "unembedding",
                },
            ),
        ),
        (
            "embedding_left embedding_right linear_left linear_right unembedding unembed_bias",
            "mapped",
            (
                "mapped",
                {
                    "left": "embedding_left",
                    "right": "embedding_right",
                    "left_map": "linear_left",
                    "right_map": "linear_right",
                    "out": "unembedding",
                    "out_bias": "unembed_bias",
                },
            ),
        ),
        ("left right out", None, ("direct", {"left": "left", "right": "right", "out": "out"})),
        (
            "embedding_transposed hidden_bias out out_bias",
            None,
            (
                "direct_tied",
                {name: name for name in ("embedding_transposed", "hidden_bias", "out", "out_bias")},
            ),
        ),
        (
            "left.weight right.weight hidden.weight hidden.bias out.weight out.bias",
            None,
            (
                "concatenated",
                {
                    "left": "left.weight",
                    "right": "right.weight",
                    "hidden_transposed": "hidden.weight",
                    "hidden_bias": "hidden.bias",
                    "out_transposed": "out.weight",
                    "out_bias": "out.bias",
                },
            ),
        ),
        (
            "embedding.weight shared_map.weight out.weight",
            "added_tied",
            (
                "added_tied",
                {
                    "embedding": "embedding.weight",
                    "shared_map_transposed": "shared_map.weight",
                    "out_transposed": "out.weight",
                },
            ),
        ),
        # Not the names that are known, or not all of them, or more.
        ("W_x W_y W", None, None),
        ("W_x W_y W W_U W_V", None, None),
        ("W_x W_y W W_U", "mapped", None),
        ("left right out", "direct_tied", None),
        ("left right out extra", None, None),
        ("left left.weight right out", None, None),
        ("left left_transposed right out", None, None),
        ("model.left.weight model.right.weight model.out.weight", None, None),
        ("left.bias right.weight out.weight", None, None),
        ("", None, None),
    ],
)
def test_roles_are_guessed_by_known_names_only(
    names: str, architecture: str | None, expected: tuple[str, dict[str, str]] | None
) -> None:
    """Published names, the names of the roles, and torch modules that are called like them."""
    assert guess_roles(names.split(), architecture) == expected


@pytest.mark.parametrize("architecture", MATRICES)
def test_a_guess_is_an_assignment(architecture: str) -> None:
    """For the names of the roles themselves the guess passes the check, and is the architecture with these roles."""
    names = [*MATRICES[architecture], *BIASES]
    guess = guess_roles(names, None)
    assert guess == (architecture, {name: name for name in names})
    assert isinstance(check_assignment(*guess, names), Assignment)


def test_the_hash_is_over_formula_roles_types_shapes_and_bytes() -> None:
    """The digest of the bytes written out by hand."""
    tensors = {"u": store([[1, 2]], "float32"), "e": store([[1], [2]], "float16"), "b": store([3, 4], "bfloat16")}
    network = check_network(make_section("direct_tied", tensors, {"out": "u", "out_bias": "b", "embedding": "e"}), 2)
    written = (
        b"direct_tied\n"
        b"embedding float16 2x1\n\x00\x3c\x00\x40"
        b"out float32 1x2\n\x00\x00\x80\x3f\x00\x00\x00\x40"
        b"out_bias bfloat16 2\n\x40\x40\x80\x40"
    )
    assert network.weights_sha256 == hashlib.sha256(written).hexdigest()


def test_the_hash_depends_on_who_plays_which_role() -> None:
    """Two tensors of one shape that change places make another network; names of tensors do not matter."""
    tensors = make_tensors("direct")
    usual = check_network(make_section("direct", tensors), ORDER).weights_sha256
    swapped = {"left": "right", "right": "left", "out": "out"}
    assert check_network(make_section("direct", tensors, swapped), ORDER).weights_sha256 != usual
    renamed = {"p": tensors["left"], "q": tensors["right"], "r": tensors["out"]}
    roles = {"out": "r", "right": "q", "left": "p"}
    assert check_network(make_section("direct", renamed, roles), ORDER).weights_sha256 == usual


def test_the_hash_depends_on_transposition() -> None:
    """A square matrix and its transpose role are two networks of the same bytes."""
    tensors = {"e": store([[1, 2], [3, 4]]), "u": store([[1, 2], [3, 4]])}
    digests = {
        compute_weights_sha256(check_assignment("direct_tied", roles, tensors), tensors)
        for roles in ({"embedding": "e", "out": "u"}, {"embedding": "e", "out_transposed": "u"})
    }
    assert len(digests) == 2


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_tensor_is_read_exactly_in_its_shape(dtype: str) -> None:
    """Small dyadic numbers, a negative zero and the smallest subnormal survive in each type."""
    smallest = {"float16": 2.0**-24, "bfloat16": 2.0**-133, "float32": 2.0**-149, "float64": 2.0**-1074}[dtype]
    values = np.array([[[1.5, -0.0], [smallest, -2.0]]])
    read_back = check_tensor(store(values, dtype), "here")
    assert read_back.dtype == np.float64
    assert read_back.tobytes() == values.tobytes()
    assert read_back.shape == (1, 2, 2)


def test_a_scalar_is_a_tensor() -> None:
    """A shape without axes has one value."""
    assert check_tensor(store(2.5), "here").tolist() == 2.5


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_weight_that_is_not_finite_is_refused(dtype: str, value: float) -> None:
    """NaN and both infinities, in each type."""
    assert refused(check_tensor, store([0, value], dtype), "t") == (Reason.WEIGHT_NOT_FINITE, "t.data")


@pytest.mark.parametrize("dtype", ["int64", "F32", "float8_e4m3fn", "FLOAT32", ""])
def test_a_type_that_is_not_on_the_list_is_refused(dtype: str) -> None:
    """The names are those of the format, and no others."""
    assert refused(check_tensor, replace(store([1.0]), dtype=dtype), "t") == (Reason.DTYPE_UNKNOWN, "t.dtype")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("change", [-1, 1])
def test_bytes_that_do_not_fill_the_shape_are_refused(dtype: str, change: int) -> None:
    """One byte too few or too many, under a hash that is right."""
    data = (store([[1, 2]], dtype).data + b"\0")[: None if change > 0 else -2]
    tensor = TensorSection(dtype, (1, 2), hashlib.sha256(data).hexdigest(), data)
    assert refused(check_tensor, tensor, "t") == (Reason.TENSOR_SIZE_WRONG, "t.data")


def test_a_shape_of_another_size_is_refused() -> None:
    """The bytes of 2 x 2 do not fill 2 x 3; they do fill 4 x 1."""
    tensor = store([[1, 2], [3, 4]])
    assert refused(check_tensor, replace(tensor, shape=(2, 3)), "t") == (Reason.TENSOR_SIZE_WRONG, "t.data")
    assert check_tensor(replace(tensor, shape=(4, 1)), "t").tolist() == [[1], [2], [3], [4]]


def test_a_wrong_hash_is_refused() -> None:
    """One bit of the bytes, or one digit of the hash."""
    tensor = store([1.0])
    flipped = bytes([tensor.data[0] ^ 1]) + tensor.data[1:]
    assert refused(check_tensor, replace(tensor, data=flipped), "t") == (Reason.TENSOR_HASH_WRONG, "t.sha256")
    digest = ("1" if tensor.sha256[0] == "0" else "0") + tensor.sha256[1:]
    assert refused(check_tensor, replace(tensor, sha256=digest), "t") == (Reason.TENSOR_HASH_WRONG, "t.sha256")


@pytest.mark.parametrize(
    ("edit", "reason", "what"),
    [
        ({"dtype": "int64"}, Reason.DTYPE_UNKNOWN, "dtype"),
        ({"data": b""}, Reason.TENSOR_SIZE_WRONG, "data"),
        ({"sha256": "0" * 64}, Reason.TENSOR_HASH_WRONG, "sha256"),
    ],
)
def test_each_tensor_of_a_network_is_checked(edit: dict[str, Any], reason: Reason, what: str) -> None:
    """The refusal says which tensor."""
    for name, tensor in (tensors := make_tensors("mapped", *BIASES)).items():
        edited = tensors | {name: replace(tensor, **edit)}
        where = f"network.tensors.{name}.{what}"
        assert refused(check_network, make_section("mapped", edited), ORDER) == (reason, where)


def test_shapes_are_looked_at_before_bytes() -> None:
    """A shape that no role asks for is refused before memory is taken for it."""
    tensors = make_tensors("direct")
    tensors["out"] = replace(tensors["out"], shape=(2**24, 2**24), data=b"")
    section = make_section("direct", tensors)
    assert refused(check_network, section, ORDER) == (Reason.SHAPE_WRONG, "network.tensors.out")


def test_a_network_is_an_assignment_first() -> None:
    """A section whose roles are no assignment is refused as such."""
    tensors = make_tensors("direct")
    section = make_section("direct", tensors, {"left": "left", "right": "right"})
    assert refused(check_network, section, ORDER) == (Reason.ROLE_MISSING, "network.roles")


@pytest.mark.parametrize(
    ("architecture", "role", "shape", "expected"),
    [
        ("direct", "left", (4, 5), "(n, m) with n = 3 for the role left"),
        ("direct", "left", (3, 6), "(n, m) with m = 6 for the role right"),  # the first to be read fixes m
        ("direct", "right", (3, 6), "(n, m) with m = 5 for the role right"),
        ("direct", "out", (6, 3), "(m, n) with m = 5 for the role out"),
        ("direct", "out", (5, 4), "(m, n) with n = 3 for the role out"),
        ("direct", "left", (15,), "2 axes (n, m) for the role left"),
        ("direct", "left", (1, 3, 5), "2 axes (n, m) for the role left"),
        ("direct", "left", (), "2 axes (n, m) for the role left"),
        ("direct", "left", (3, 0), "2 axes (n, m) for the role left"),
        ("direct", "left", (0, 5), "2 axes (n, m) for the role left"),
        ("direct", "hidden_bias", (0,), "1 axes (m) for the role hidden_bias"),
        ("direct", "hidden_bias", (6,), "(m) with m = 5 for the role hidden_bias"),
        ("direct", "hidden_bias", (1, 5), "1 axes (m) for the role hidden_bias"),
        ("direct", "out_bias", (5,), "(n) with n = 3 for the role out_bias"),
        ("direct", "out_bias", (3, 1), "1 axes (n) for the role out_bias"),
        ("concatenated", "hidden", (5, 5), "(l+r, m) with l+r = 6 for the role hidden"),
        ("concatenated", "right", (2, 4), "(n, r) with n = 3 for the role right"),
        ("concatenated_tied", "hidden", (2, 5), "(l+l, m) with l+l = 4 for the role hidden"),
        ("mapped", "left_map", (4, 5), "(l, m) with l = 2 for the role left_map"),
        ("mapped", "right_map", (2, 5), "(r, m) with r = 4 for the role right_map"),
        ("mapped", "right_map", (4, 6), "(r, m) with m = 5 for the role right_map"),
        ("mapped_tied", "right_map", (4, 5), "(l, m) with l = 2 for the role right_map"),
        ("added", "right", (3, 4), "(n, l) with l = 2 for the role right"),
        ("added", "shared_map", (3, 5), "(l, m) with l = 2 for the role shared_map"),
        ("added_tied", "embedding", (2, 2), "(n, l) with n = 3 for the role embedding"),
        ("direct_tied", "embedding", (5, 3), "(n, m) with n = 3 for the role embedding"),
    ],
)
def test_a_shape_that_does_not_fit_the_formula_is_refused(
    architecture: str, role: str, shape: tuple[int, ...], expected: str
) -> None:
    """The refusal says which size the formula and the order ask for."""
    tensors = make_tensors(architecture, *BIASES) | {role: store(np.ones(shape))}
    with pytest.raises(Refusal) as caught:
        check_network(make_section(architecture, tensors), ORDER)
    # Where two tensors disagree, the later one in the formula is named.
    named = expected.rpartition(" ")[2]
    assert (caught.value.reason, caught.value.where) == (Reason.SHAPE_WRONG, f"network.tensors.{named}")
    assert caught.value.expected == expected
    assert caught.value.got == f"shape {tensors[named].shape}"


def test_a_transposed_shape_is_refused_as_such() -> None:
    """The untransposed matrix under the role of the transpose."""
    tensors = make_tensors("direct")
    roles = {"left_transposed": "left", "right": "right", "out": "out"}
    with pytest.raises(Refusal) as caught:
        check_network(make_section("direct", tensors, roles), ORDER)
    assert (caught.value.reason, caught.value.where) == (Reason.SHAPE_WRONG, "network.tensors.left")
    assert caught.value.expected == "(n, m) with n = 3 for the role left_transposed"
    assert caught.value.got == "shape (3, 5), transposed"


def test_a_network_without_hidden_units_is_refused() -> None:
    """Sides of zero fit each other, but there is nothing to fold."""
    tensors = {"left": store(np.ones((3, 0))), "right": store(np.ones((3, 0))), "out": store(np.ones((0, 3)))}
    section = make_section("direct", tensors)
    assert refused(check_network, section, ORDER) == (Reason.SHAPE_WRONG, "network.tensors.left")


@pytest.mark.parametrize("order", [2, 4])
def test_a_network_for_another_order_is_refused(order: int) -> None:
    """The order of the group is the number of rows of the first embedding."""
    section = make_section("direct", make_tensors("direct"))
    assert refused(check_network, section, order) == (Reason.SHAPE_WRONG, "network.tensors.left")


def test_only_a_weight_is_a_weight() -> None:
    """`hidden.kernel` may be stored the other way round: it is no known name."""
    assert guess_roles(["left.kernel", "right.kernel", "hidden.kernel", "out.kernel"], None) is None


@pytest.mark.parametrize(("value", "words"), [(3.0, 1), (2.0**11, 2), (2.0**-12, 2), (2.0**80, 3)])
@pytest.mark.parametrize(
    ("architecture", "inputs"), [("concatenated", 6 + 12), ("mapped_tied", 6), ("direct", 15 + 15)]
)
def test_folding_is_limited_before_it_is_done(architecture: str, inputs: int, value: float, words: int) -> None:
    """The entries of the inputs times m times the square of the words; a and c, n x m each, and what is stored."""
    tensors = {role: store(np.ones(shape)) for role, shape in MATRICES[architecture].items()}
    tensors["out"] = store(np.full((5, 3), value))
    section = make_section(architecture, tensors)
    work = inputs * 5 * words**2
    numbers = 16 * words * (2 * 3 * 5 + sum(rows * columns for rows, columns in MATRICES[architecture].values()))
    network = check_network(section, ORDER, Limits(exact_multiply_adds=work, numbers=numbers))
    assert network.words == (2 * words + 1) * words
    found = refused(check_network, section, ORDER, Limits(exact_multiply_adds=work - 1))
    assert found == (Reason.WORK_TOO_LARGE, "network")
    found = refused(check_network, section, ORDER, Limits(numbers=numbers - 1))
    assert found == (Reason.NUMBERS_TOO_MANY, "network")

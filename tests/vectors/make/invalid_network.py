"""Networks that are not what the certificate says: bytes, hashes, number types, shapes, roles."""

from __future__ import annotations

from tests.vectors.make.edits import add, drop, entry, put
from tests.vectors.make.entries import Invalid

CLAIM = "statement.correct_pairs_at_least"
LEFT, OUT = "network.tensors.left", "network.tensors.out:weight"
LEFT_WHERE, OUT_WHERE = LEFT, "network.tensors.out.weight"
NOTHING = {
    "dtype": "float32",
    "shape": [1],
    "sha256": "df3f619804a92fdb4057192dc43dd748ea778adc52bc498ce80524c014b81119",
    "data": "AAAAAA==",
}

BYTES = [
    Invalid(
        "hash_of_nothing",
        "direct",
        put(f"{LEFT}.sha256", "0" * 64),
        "TENSOR_HASH_WRONG",
        f"{LEFT_WHERE}.sha256",
        "that these are the weights with another hash",
    ),
    Invalid(
        "other_bytes_under_the_hash",
        "order_1",
        put(f"{LEFT}.data", "AAAAQA=="),
        "TENSOR_HASH_WRONG",
        f"{LEFT_WHERE}.sha256",
        "other weights under the hash of these",
    ),
    Invalid(
        "hash_in_capitals",
        "direct",
        put(f"{LEFT}.sha256", "A" * 64),
        "STRING_INVALID",
        f"{LEFT_WHERE}.sha256",
        "two spellings of one hash",
    ),
    Invalid(
        "unused_bits",
        "order_1",
        put(f"{LEFT}.data", "AACAPx=="),
        "STRING_INVALID",
        f"{LEFT_WHERE}.data",
        "two texts of one tensor: two certificates of one hash",
    ),
    Invalid(
        "padding_missing",
        "order_1",
        put(f"{LEFT}.data", "AACAPw"),
        "STRING_INVALID",
        f"{LEFT_WHERE}.data",
        "two texts of one tensor",
    ),
    Invalid(
        "space_in_base64",
        "order_1",
        put(f"{LEFT}.data", "AACA Pw=="),
        "STRING_INVALID",
        f"{LEFT_WHERE}.data",
        "characters that one reader skips and another takes for the end",
    ),
    Invalid(
        "not_a_number",
        "direct",
        entry(LEFT, [0, 0], "0000c07f"),
        "WEIGHT_NOT_FINITE",
        f"{LEFT_WHERE}.data",
        "comparisons with NaN are false, and `not (margin <= 0)` true",
    ),
    Invalid(
        "infinite",
        "direct",
        entry(OUT, [0, 0], "0000807f"),
        "WEIGHT_NOT_FINITE",
        f"{OUT_WHERE}.data",
        "a logit that is larger than any other",
    ),
    Invalid(
        "infinite_bfloat16",
        "mapped",
        entry("network.tensors.out_transposed", [0, 0], "80ff"),
        "WEIGHT_NOT_FINITE",
        "network.tensors.out_transposed.data",
        "minus infinity, the fourth number type's",
    ),
    Invalid(
        "infinite_float16",
        "concatenated_tied",
        entry("network.tensors.embedding", [0, 0], "007c"),
        "WEIGHT_NOT_FINITE",
        "network.tensors.embedding.data",
        "65536 to a reader without infinities",
    ),
    Invalid(
        "not_a_number_unread",
        "dead_neurons",
        entry(LEFT, [0, 9], "010080ff"),
        "WEIGHT_NOT_FINITE",
        f"{LEFT_WHERE}.data",
        "a neuron of NaN that the clipping at 0 hides: max(0, NaN) is 0 in some languages",
    ),
    Invalid(
        "number_type_of_twice_the_size",
        "direct",
        put(f"{LEFT}.dtype", "float64"),
        "TENSOR_SIZE_WRONG",
        f"{LEFT_WHERE}.data",
        "half of the weights, and what lies behind them in memory",
    ),
    Invalid(
        "no_data",
        "direct",
        put(f"{LEFT}.data", ""),
        "TENSOR_SIZE_WRONG",
        f"{LEFT_WHERE}.data",
        "a tensor of zeros, or of what was in memory",
    ),
    Invalid(
        "bytes_too_many",
        "order_1",
        put(f"{LEFT}.data", "AACAPwAAAAA="),
        "TENSOR_SIZE_WRONG",
        f"{LEFT_WHERE}.data",
        "bytes behind the tensor that nobody looks at",
    ),
    Invalid(
        "integers",
        "direct",
        put(f"{LEFT}.dtype", "int32"),
        "DTYPE_UNKNOWN",
        f"{LEFT_WHERE}.dtype",
        "the bits of 1.0 as the number 1065353216",
    ),
    Invalid(
        "big_endian",
        "direct",
        put(f"{LEFT}.dtype", ">f4"),
        "DTYPE_UNKNOWN",
        f"{LEFT_WHERE}.dtype",
        "the bytes of every weight in the other order",
    ),
    Invalid(
        "bfloat16_as_float16",
        "added_tied",
        put("network.tensors.embedding.dtype", "float16"),
        "BOUND_TOO_HIGH",
        CLAIM,
        "the same bytes under the same hash: the numbers 0, 1, 2, 3 become 0, 1.875, 2, 2.125",
    ),
    Invalid(
        "data_missing", "direct", drop(f"{LEFT}.data"), "KEY_MISSING", LEFT_WHERE, "weights that are somewhere else"
    ),
]

SHAPES = [
    Invalid(
        "shape_transposed",
        "direct",
        put(f"{LEFT}.shape", [9, 6]),
        "SHAPE_WRONG",
        LEFT_WHERE,
        "the same bytes in another order: another function",
    ),
    Invalid(
        "out_transposed_without_saying",
        "direct",
        put(f"{OUT}.shape", [6, 9]),
        "SHAPE_WRONG",
        OUT_WHERE,
        "the same bytes in another order",
    ),
    Invalid(
        "shape_flat", "direct", put(f"{LEFT}.shape", [54]), "SHAPE_WRONG", LEFT_WHERE, "a vector that is broadcast"
    ),
    Invalid(
        "leading_axis", "direct", put(f"{LEFT}.shape", [1, 6, 9]), "SHAPE_WRONG", LEFT_WHERE, "a stack of one network"
    ),
    Invalid(
        "bias_as_a_column",
        "concatenated",
        put("network.tensors.hidden_bias.shape", [25, 1]),
        "SHAPE_WRONG",
        "network.tensors.hidden_bias",
        "a bias that is broadcast along the labels",
    ),
    Invalid(
        "side_0",
        "direct",
        put(f"{LEFT}.shape", [6, 0]),
        "NUMBER_INVALID",
        f"{LEFT_WHERE}.shape",
        "a network of nothing",
    ),
    Invalid(
        "four_axes", "direct", put(f"{LEFT}.shape", [1, 1, 6, 9]), "TYPE_WRONG", f"{LEFT_WHERE}.shape", "axes unread"
    ),
]

ROLES = [
    Invalid(
        "architecture_unknown",
        "direct",
        put("network.architecture", "transformer"),
        "ARCHITECTURE_UNKNOWN",
        "network.architecture",
        "any function of these bytes",
    ),
    Invalid(
        "architecture_null",
        "direct",
        put("network.architecture", None),
        "TYPE_WRONG",
        "network.architecture",
        "a function left open",
    ),
    Invalid(
        "architecture_of_more_roles",
        "direct",
        put("network.architecture", "mapped"),
        "ROLE_MISSING",
        "network.roles",
        "maps that are nowhere",
    ),
    Invalid(
        "architecture_of_fewer_roles",
        "direct",
        put("network.architecture", "direct_tied"),
        "ROLE_UNKNOWN",
        "network.roles.left",
        "one embedding of both sides, and another that is not used",
    ),
    Invalid(
        "role_unknown",
        "direct",
        add("network.roles.mask", "left"),
        "ROLE_UNKNOWN",
        "network.roles.mask",
        "a mask of the hidden layer",
    ),
    Invalid(
        "role_beside_its_transpose",
        "direct",
        add("network.roles.out_transposed", "out.weight"),
        "ROLE_UNKNOWN",
        "network.roles.out_transposed",
        "out, or its transpose?",
    ),
    Invalid(
        "bias_transposed",
        "added_tied",
        put(
            "network.roles",
            {
                "embedding": "embedding",
                "shared_map": "shared_map",
                "out": "out.weight",
                "hidden_bias": "hidden_bias",
                "out_bias_transposed": "out_bias",
            },
        ),
        "ROLE_UNKNOWN",
        "network.roles.out_bias_transposed",
        "a bias that is a column",
    ),
    Invalid(
        "one_tensor_two_roles",
        "direct",
        put("network.roles.right", "left"),
        "ROLES_SHARE_TENSOR",
        "network.roles.right",
        "the left embedding on both sides",
    ),
    Invalid(
        "tensor_missing",
        "direct",
        put("network.roles.right", "Right"),
        "TENSOR_MISSING",
        "network.roles.right",
        "a tensor that the checker makes up",
    ),
    Invalid(
        "tensor_unused",
        "direct",
        add("network.tensors.mask", NOTHING),
        "TENSOR_UNUSED",
        "network.tensors.mask",
        "a network with a part that is not evaluated",
    ),
    Invalid(
        "bias_unused",
        "concatenated",
        drop("network.roles.out_bias"),
        "TENSOR_UNUSED",
        "network.tensors.out_bias",
        "the network without the bias that it has",
    ),
    Invalid(
        "role_missing",
        "direct",
        drop("network.roles.out"),
        "ROLE_MISSING",
        "network.roles",
        "a network that says nothing",
    ),
    Invalid(
        "roles_exchanged",
        "direct",
        put("network.roles", {"left": "right", "right": "left", "out": "out.weight"}),
        "BOUND_TOO_HIGH",
        CLAIM,
        "a network that computes something else from the same bytes",
    ),
    Invalid(
        "square_transposed",
        "order_2_square",
        put("network.roles", {"embedding": "embedding", "out_transposed": "out.weight", "out_bias": "out_bias"}),
        "BOUND_TOO_HIGH",
        CLAIM,
        "a square matrix fits as its transpose too, and is another function: 3 of 4 pairs",
    ),
    Invalid(
        "bias_of_the_other_layer",
        "order_2_square",
        put("network.roles", {"embedding": "embedding", "out": "out.weight", "hidden_bias": "out_bias"}),
        "BOUND_TOO_HIGH",
        CLAIM,
        "as wide as there are labels, the hidden layer takes the output's bias",
    ),
]

VECTORS = BYTES + SHAPES + ROLES

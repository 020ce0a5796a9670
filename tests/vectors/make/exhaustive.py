"""Valid certificates of method `exhaustive`: groups, architectures, number types, ties, margins of one unit."""

from __future__ import annotations

import json
from typing import Any

from tests.vectors.make.document import Document, write_document
from tests.vectors.make.entries import Valid
from tests.vectors.make.groups import A4, C1, C2, C6, C7, C12, D6, ORDER_64, Q8, S3, S4, C2xC2, Group, S3xC2
from tests.vectors.make.weights import (
    Weights,
    factor,
    join,
    make_clock,
    make_detectors,
    make_neuron,
    make_points,
    scale,
    tie,
    transpose,
)


def write(G: Group, architecture: str, weights: Weights, *, bits: tuple[int, int] = (10, 10), **more: Any) -> Document:
    """A certificate of method `exhaustive` at this fixed point of activations and unembedding."""
    method = {"name": "exhaustive", "activation_bits": bits[0], "unembedding_bits": bits[1]}
    return write_document(G, (architecture, weights), method, **more)


def list_valid() -> list[Valid]:
    """All of them."""
    return [*list_architectures(), *list_tied(), *list_groups(), *list_margins(), *list_numbers(), list_spelling()]


def list_spelling() -> Valid:
    """Another order of keys, blanks, line ends of Windows, an escape in a name, no line end at the end."""
    document = write(S3, "direct", make_points(S3, [-1, 0, 1]), name="S3")
    text = json.dumps(document, indent=2, sort_keys=True).replace("\n", "\r\n").replace('"S3"', '"\\u00533"')
    return Valid("other_spelling", "any order of keys, any white space, escapes in strings", document, 0, 36, text=text)


def list_architectures() -> list[Valid]:
    """Formulas with an embedding for each side."""
    left, right, left_map, right_map, out = factor(D6, [-1, 1, -1, 0, 1])
    biases = {"hidden_bias": [-0.25] * 25, "out_bias": [0.5] * 12}
    concatenated = {"left": left, "right": right, "hidden": left_map + right_map, "out": out} | biases
    left, right, left_map, right_map, out = factor(A4, [-3, -1, 1, 3])
    mapped = {"left_transposed": transpose(left), "right": right, "left_map_transposed": transpose(left_map)}
    mapped |= {"right_map": right_map, "out_transposed": transpose(out)}
    embedding, left_map, right_map, out = tie(S3xC2, [-1, 0, 1, -1, 1])
    none, half = [0.0] * 5, 5
    added = {"left": [row[:half] + none for row in embedding], "right": [none + row[half:] for row in embedding]}
    added |= {"shared_map": left_map[:half] + right_map[half:], "out": out}
    return [
        Valid(
            "concatenated",
            "architecture concatenated with both biases, D6 of order 12",
            write(D6, "concatenated", concatenated, name="D6"),
            0,
            144,
        ),
        Valid(
            "mapped",
            "architecture mapped with three roles transposed, A4 in bfloat16",
            write(A4, "mapped", mapped, name="A4", dtype="bfloat16"),
            0,
            144,
        ),
        Valid(
            "added",
            "architecture added in float16, the product S3xC2",
            write(S3xC2, "added", added, name="S3xC2", dtype="float16"),
            0,
            144,
        ),
        Valid(
            "direct",
            "architecture direct, S3: every entry of the margin is 1 or more",
            write(S3, "direct", make_points(S3, [-1, 0, 1]), name="S3"),
            0,
            36,
        ),
    ]


def list_tied() -> list[Valid]:
    """Formulas with one embedding for both sides."""
    embedding, left_map, right_map, out = tie(S3, [-1, 0, 1])
    hidden = transpose(left_map + right_map)
    concatenated = {"embedding": embedding, "hidden_transposed": hidden, "out": out}
    embedding, left_map, right_map, out = tie(Q8, list(range(8)))
    mapped = {"embedding": embedding, "left_map": left_map, "right_map": right_map, "out": out}
    thresholds, (out, bias) = make_clock(6)
    added = {"embedding": [[float(x)] for x in range(6)], "shared_map": [[1.0] * len(thresholds)], "out": out}
    added |= {"hidden_bias": [-float(j) for j in thresholds], "out_bias": bias[0]}
    thresholds, (out, bias) = make_clock(7)
    direct = {"embedding": [[x - j / 2 for j in thresholds] for x in range(7)], "out": out, "out_bias": bias[0]}
    entries = [
        ("concatenated_tied", "hidden transposed, S3 in float16", S3, concatenated, "S3", "float16"),
        ("mapped_tied", "Q8 in float16", Q8, mapped, "Q8", "float16"),
        ("added_tied", "both biases, C6 in bfloat16", C6, added, "C6", "bfloat16"),
        ("direct_tied", "an output bias alone, C7 in float64", C7, direct, "C7", "float64"),
    ]
    return [
        Valid(
            name,
            f"architecture {name}: {shows}",
            write(G, name, weights, name=of, dtype=dtype),
            0,
            G.order**2,
        )
        for name, shows, G, weights, of, dtype in entries
    ]


def list_groups() -> list[Valid]:
    """Groups that the others do not have: small, large, without a name."""
    one = {"left": [[1.0]], "right": [[0.0]], "out": [[1.0]]}
    # One neuron finds the pair (1, 1), whose answer is 0; the bias answers 1.
    narrow = {"left": [[0.0], [1.0]], "right": [[-1.0], [0.0]], "out": [[2.0, 0.0]], "out_bias": [0.0, 1.0]}
    thresholds, (out, bias) = make_clock(2)
    square = {"embedding": [[x - j / 2 for j in thresholds] for x in range(2)], "out": out, "out_bias": bias[0]}
    instance = write(C2xC2, "direct", make_detectors(C2xC2), dtype="float16")
    instance["network"]["instance"] = 3
    answers = write(S4, "direct", make_points(S4, [-1, 0, 1, 2]), name="S4", dtype="float16")
    answers["group"]["labels_from"] = "model_answers"
    # A bias answers 0 and is right for n pairs; one neuron finds the pair (0, 1) and answers 1.
    large = {"left": [[float(x == 0)] for x in range(64)], "right": [[float(y == 1) - 1] for y in range(64)]}
    large |= {"out": [[2.0 * (z == 1) for z in range(64)]], "out_bias": [float(z == 0) for z in range(64)]}
    clock = make_clock(12)
    twelve = {"embedding": [[x - j / 2 for j in clock[0]] for x in range(12)], "out": clock[1][0]}
    twelve["out_bias"] = clock[1][1][0]
    return [
        Valid("order_1", "the group of order 1: all 1 of 1 pairs", write(C1, "direct", one, name="C1"), 0, 1),
        Valid("width_1", "hidden width 1, 3 of 4 pairs of C2", write(C2, "direct", narrow, correct=3, name="C2"), 0, 3),
        Valid("order_2_square", "order 2, out is square", write(C2, "direct_tied", square, name="C2"), 0, 4),
        Valid("no_name", "a group without a name, instance 3 of a stack of networks", instance, 0, 16),
        Valid("model_answers", "labels read off the model's answers, S4 of order 24", answers, 0, 576),
        Valid(
            "order_64",
            "order 64, one pair better than chance",
            write(ORDER_64, "direct", large, correct=65, dtype="float16"),
            0,
            65,
        ),
        Valid("cyclic_12", "C12 on cycles of 4 and 3", write(C12, "direct_tied", twelve, name="C12"), 0, 144),
        Valid(
            "klein", "D2, which is C2xC2", write(C2xC2, "direct", make_points(C2xC2, [0, 1, 0, 1]), name="D2"), 0, 16
        ),
    ]


def list_margins() -> list[Valid]:
    """Ties, margins of one unit in the last place, margins that floating point gets wrong."""
    tied, close = make_detectors(S3), make_detectors(S3)
    tied["out"][0][5] = 1.0
    close["out"][0][5] = 1 - 2.0**-24
    dead = join(make_points(S3, [-1, 0, 1]), make_neuron([-8.0] * 6, [7.0] * 6, [2.0**-8] * 5 + [1024.0]))
    dead = join(dead, make_neuron([1.0] * 6, [1.0] * 6, [0.0] * 6))
    return [
        Valid("tie", "one pair tied, which is not correct: 35 of 36", write(S3, "direct", tied, correct=35), 0, 35),
        Valid(
            "tie_decided_exactly",
            "the same tie at the coarsest scale, where the exact weights decide",
            write(S3, "direct", tied, correct=35, bits=(-4096, -4096)),
            0,
            35,
        ),
        Valid("margin_of_one_ulp", "a margin of 2^-24 is a margin", write(S3, "direct", close), 0, 36),
        Valid(
            "dead_neurons", "a neuron that is never active, and one that is not read", write(S3, "direct", dead), 0, 36
        ),
        Valid(
            "float32_looks_right",
            "in float32 2^24 + 1 is 2^24, and so 4 of 4 pairs look right; exactly it is 3",
            write(C2, "direct", make_cancellation(2.0**24), correct=3, bits=(0, 0)),
            0,
            3,
        ),
        Valid(
            "float64_looks_right",
            "in float64 2^53 + 1 is 2^53, and so 4 of 4 pairs look right, not 3; the fixed point is coarser",
            write(C2, "direct", make_cancellation(2.0**53), correct=3, dtype="float64", bits=(-20, 0)),
            0,
            3,
        ),
        Valid(
            "claims_less",
            "a claim may be less than what is proved",
            write(S3, "direct", make_points(S3, [-1, 0, 1]), correct=7),
            0,
            36,
        ),
    ]


def make_cancellation(large: float) -> Weights:
    """Detectors of C2, and label 1 gets 2 (large + [y = 0]) - 2 large: the pair (0, 0) is wrong, by 2 against 1."""
    first = make_neuron([large] * 2, [1.0, 0.0], [0.0, 2.0])
    return join(make_detectors(C2), first, make_neuron([large] * 2, [0.0] * 2, [0.0, -2.0]))


def list_numbers() -> list[Valid]:
    """The ends of the number types."""
    points, n = make_points(S3, [-1, 0, 1]), 6
    subnormal = scale(points, left=2.0**-149, right=2.0**-149, out=2.0**-149)
    half = scale(points, left=2.0**-24, right=2.0**-24, out=2.0**-24)
    large = scale(points, left=2.0**126, right=2.0**126, out=2.0**127)
    huge = scale(points, left=2.0**1022, right=2.0**1022, out=2.0**-1074)
    mixed = join(points, make_neuron([2.0**-149] * n, [2.0**127] * n, [2.0**127] * n))
    entries: list[tuple[str, str, Weights, str, tuple[int, int]]] = [
        ("subnormal_float32", "weights of 2^-149, the smallest float32", subnormal, "float32", (149, 149)),
        ("subnormal_float16", "weights of 2^-24, the smallest float16", half, "float16", (24, 24)),
        ("large_float32", "weights of 2^126 and 2^127", large, "float32", (-120, -120)),
        ("large_bfloat16", "weights of 2^126 and 2^127 in bfloat16", large, "bfloat16", (-120, -120)),
        ("extreme_float64", "weights of 2^1022 and 2^-1074 side by side", huge, "float64", (-1010, 1074)),
        ("coarsest_scale", "no pair is decided at fixed point, all are exactly", points, "float32", (-4096, -4096)),
        ("wide_range", "2^-149 + 2^127 as a constant of all logits", mixed, "float32", (-100, -115)),
    ]
    wrong = scale(make_cancellation(1.0), left=2.0**126, right=2.0**126, out=2.0**126)
    wrong_by_much = write(C2, "direct", wrong, correct=3, bits=(-110, -110))
    return [
        *(
            Valid(name, shows, write(S3, "direct", weights, dtype=dtype, bits=bits, name="D3"), 0, 36)
            for name, shows, weights, dtype, bits in entries
        ),
        Valid("wrong_by_much", "a wrong pair, by 2^252", wrong_by_much, 0, 3),
    ]

"""Claims about margins, binary32 and the cross-entropy that are false."""

from __future__ import annotations

from typing import Any

from tests.vectors.make.edits import entry, put
from tests.vectors.make.entries import Invalid
from tests.vectors.make.invalid_network import OUT

FLOAT32, BITS = "statement.float32_correct_pairs_at_least", "statement.unit_roundoff_bits"
MARGIN, ENTROPY = "statement.smallest_certified_margin", "statement.cross_entropy_upper_bound"
EFFORT = "statement.cross_entropy_effort"
NOTHING = {"scan_above": 0, "evaluate_above": 0}


def claim_float32(pairs: int, bits: int = 24) -> tuple[Any, Any]:
    """Where nothing was claimed."""
    return put(FLOAT32, pairs), put(BITS, bits)


FLOAT32_CLAIMS = [
    Invalid(
        "float32_of_a_wrong_answer",
        "real_yes_float32_35",
        put(FLOAT32, 36),
        "FLOAT32_BOUND_TOO_HIGH",
        FLOAT32,
        "36 of 36 pairs in binary32, where 2^24 + 1 is 2^24 and the pair (0, 0) is answered wrongly",
    ),
    Invalid(
        "float32_of_real_arithmetic",
        "real_yes_float32_no",
        claim_float32(4),
        "FLOAT32_BOUND_TOO_HIGH",
        FLOAT32,
        "what is true of real numbers is said of binary32: 4 of 4 pairs, of which it gets one wrong",
    ),
    Invalid(
        "float32_of_one_more",
        "claims_by_hand",
        put(FLOAT32, 37),
        "FLOAT32_BOUND_TOO_HIGH",
        FLOAT32,
        "37 of 36 pairs",
    ),
    Invalid(
        "float32_of_a_tie", "claims_of_a_tie", put(FLOAT32, 36), "FLOAT32_BOUND_TOO_HIGH", FLOAT32, "a tie is correct"
    ),
    Invalid(
        "float32_of_the_wrong_pair",
        "claims_of_3_of_4",
        put(FLOAT32, 4),
        "FLOAT32_BOUND_TOO_HIGH",
        FLOAT32,
        "a pair that is wrong in any arithmetic",
    ),
    Invalid(
        "float32_of_eighteen_digits",
        "claims_by_hand",
        put(FLOAT32, 10**18 - 1),
        "FLOAT32_BOUND_TOO_HIGH",
        FLOAT32,
        "a claim that is compared in floats",
    ),
    Invalid(
        "float32_by_argument_of_one_more",
        "claims_by_argument_alone",
        put(FLOAT32, 31),
        "FLOAT32_BOUND_TOO_HIGH",
        FLOAT32,
        "31 pairs in binary32, where 30 are proved in real arithmetic",
    ),
    Invalid(
        "float32_by_cases_of_one_more",
        "float32_by_cases",
        put(FLOAT32, 36),
        "FLOAT32_BOUND_TOO_HIGH",
        FLOAT32,
        "the pair that is wrong in real arithmetic is right in bfloat16",
    ),
    Invalid(
        "float32_by_rho_set_of_one_more",
        "claims_by_rho_set",
        put(FLOAT32, 37),
        "FLOAT32_BOUND_TOO_HIGH",
        FLOAT32,
        "37 of 36 pairs",
    ),
    Invalid(
        "float32_by_remaining_of_one_more",
        "claims_by_remaining",
        put(FLOAT32, 37),
        "FLOAT32_BOUND_TOO_HIGH",
        FLOAT32,
        "37 of 36 pairs",
    ),
    Invalid(
        "roundoff_of_2_7",
        "unit_roundoff_8",
        put(BITS, 7),
        "FLOAT32_BOUND_TOO_HIGH",
        FLOAT32,
        "36 pairs where rounding can take more than a margin of 1 from each",
    ),
    Invalid(
        "roundoff_of_2_10",
        "unit_roundoff_11",
        put(BITS, 10),
        "FLOAT32_BOUND_TOO_HIGH",
        FLOAT32,
        "26 pairs, as many as with half of the unit roundoff",
    ),
    Invalid("float32_vacuous", "claims_by_hand", put(FLOAT32, 6), "BOUND_VACUOUS", FLOAT32, "what constants reach"),
    Invalid("float32_nothing", "claims_by_hand", put(FLOAT32, 0), "BOUND_VACUOUS", FLOAT32, "a claim about no pair"),
    Invalid(
        "float32_vacuous_order_2", "claims_of_order_2", put(FLOAT32, 2), "BOUND_VACUOUS", FLOAT32, "half, by chance"
    ),
    Invalid(
        "float32_vacuous_order_1", "claims_of_order_1", put(FLOAT32, 0), "BOUND_VACUOUS", FLOAT32, "none of one pair"
    ),
]

UNBOUNDED = [
    Invalid(
        "overflow_not_excluded",
        "large_float32",
        claim_float32(36),
        "FLOAT32_UNBOUNDED",
        BITS,
        "36 pairs by logits of 2^254, which binary32 does not have",
    ),
    Invalid(
        "overflow_in_bfloat16",
        "large_bfloat16",
        claim_float32(36, 8),
        "FLOAT32_UNBOUNDED",
        BITS,
        "36 pairs in bfloat16, whose largest number is below 2^128 too",
    ),
    Invalid(
        "overflow_of_a_constant",
        "wide_range",
        claim_float32(36),
        "FLOAT32_UNBOUNDED",
        BITS,
        "a constant of 2^254 in all logits changes no margin, and in binary32 makes all of them infinite",
    ),
    Invalid(
        "overflow_of_a_weight",
        "claims_by_hand",
        entry("network.tensors.left", [0, 0], 2.0**126),
        "FLOAT32_UNBOUNDED",
        BITS,
        "a neuron of up to 2^126, of which rounding leaves nobody knows what",
    ),
    Invalid(
        "roundoff_of_2_6",
        "unit_roundoff_8",
        put(BITS, 6),
        "FLOAT32_UNBOUNDED",
        BITS,
        "a sum of 36 products in an arithmetic that can take 64 times a 64th of it",
    ),
    Invalid(
        "roundoff_of_one_half", "claims_by_hand", put(BITS, 1), "FLOAT32_UNBOUNDED", BITS, "a bound below 0, or none"
    ),
    Invalid(
        "roundoff_of_2_3",
        "claims_of_order_1",
        put(BITS, 3),
        "FLOAT32_UNBOUNDED",
        BITS,
        "five roundings of one eighth each, which bound nothing",
    ),
]

BINARY32 = [
    Invalid(
        "finer_weight",
        "finer_than_binary32",
        claim_float32(36),
        "WEIGHT_NOT_BINARY32",
        "network.roles.out",
        "1 + 2^-40 is 1 in binary32: another network is evaluated there",
    ),
    Invalid(
        "larger_weight",
        "extreme_float64",
        claim_float32(36),
        "WEIGHT_NOT_BINARY32",
        "network.roles.left",
        "a weight of 2^1022 is infinite in binary32",
    ),
    Invalid(
        "smaller_weight",
        "claims_in_float64",
        entry("network.tensors.embedding", [0, 0], 2.0**-150),
        "WEIGHT_NOT_BINARY32",
        "network.roles.embedding",
        "a weight of 2^-150 is 0 in binary32",
    ),
    Invalid(
        "finer_bias",
        "claims_in_float64",
        entry("network.tensors.out_bias", [0], 1 - 2.0**-25),
        "WEIGHT_NOT_BINARY32",
        "network.roles.out_bias",
        "an output bias that binary32 rounds to 1",
    ),
    Invalid(
        "finer_than_the_roundoff",
        "finer_than_binary32",
        claim_float32(36, 8),
        "WEIGHT_NOT_BINARY32",
        "network.roles.out",
        "a weight that is rounded twice",
    ),
]

ENTROPIES = [
    Invalid(
        f"entropy_too_low_{name}",
        twin,
        put(ENTROPY, claimed),
        "CROSS_ENTROPY_TOO_LOW",
        ENTROPY,
        why,
    )
    for name, twin, claimed, why in [
        ("by_hand", "claims_by_hand", "1.04359177818", "less than log(1 + 5/e) by one in the last place"),
        ("of_nothing", "claims_by_hand", "0.0", "a network that is certain of all its answers"),
        ("of_a_tie", "claims_of_a_tie", "1.0491751147", "less by one in the last place; the tied pair left out"),
        ("of_correct_pairs", "claims_of_3_of_4", "0.313261687519", "the mean over the three correct pairs alone"),
        ("with_biases", "claims_with_biases", "1.082660420760", "less by one in the last place"),
        ("of_the_smallest", "smallest_stands_for_all", "0.761630130350", "less than all margins prove"),
        ("in_bits", "claims_of_order_2", "0.301029995664", "a logarithm to another base"),
        ("by_argument", "claims_by_matrices", "0.0002468", "less than the truth, by one in the seventh place"),
        ("of_correct_ones", "claims_by_argument_alone", "0.0003", "the mean without the pair that is wrong"),
        ("by_the_smallest", "claims_by_the_smallest", "0.0002468", "less than the truth"),
        ("by_argument_and_cases", "claims_by_argument_and_cases", "0.8613510894", "less by one in the last place"),
        ("by_cases", "claims_by_cases_alone", "0.00024683483", "less by one in the last place"),
        ("by_rho_set", "claims_by_rho_set", "0.0002468", "less than the truth"),
        ("by_kernels", "claims_by_kernels", "0.0", "less than the truth, which is below 10^-18"),
        ("of_no_kernel", "claims_of_no_kernel", "0.00024683483", "less by one in the last place"),
        ("of_no_circuit", "claims_of_no_circuit", "0.743668380628", "less by one in the last place"),
        ("by_remaining", "claims_by_remaining", "0.00000003", "less than the truth"),
        ("by_remaining_with_cases", "claims_by_remaining_with_cases", "0.0000000304", "less by one in the last place"),
    ]
]
ENTROPIES += [
    Invalid(
        "entropy_of_huge_logits",
        "wrong_by_much",
        (put(ENTROPY, "999999999.0"), put(EFFORT, NOTHING)),
        "SCALE_TOO_FINE",
        "method",
        "a margin that wraps where it is counted in steps of 2^-8",
    ),
    Invalid(
        "entropy_of_a_wrong_pair",
        "claims_of_3_of_4",
        (put(MARGIN, "0.5"), entry(OUT, [0, 0], 1.5)),
        "CROSS_ENTROPY_TOO_LOW",
        ENTROPY,
        "a margin of 1/2 has the cross-entropy of a margin of 1",
    ),
]

MARGINS = [
    Invalid(f"margin_too_high_{name}", twin, put(MARGIN, claimed), "MARGIN_TOO_HIGH", MARGIN, why)
    for name, twin, claimed, why in [
        ("by_hand", "claims_by_hand", "1.000000000000000001", "more than 1 by one in the last of 18 places"),
        ("of_18_places", "margin_of_18_places", "0.999996185302734376", "more by one in the last of 18 places"),
        ("of_9_digits", "margin_of_9_digits", "536870912.000000000000000001", "more, where float64 sees no difference"),
        ("at_most", "claims_by_hand", "999999999.999999999999999999", "the largest that can be written"),
        ("of_a_tie", "claims_of_a_tie", "1.000000001", "more than the margins of the correct pairs"),
        ("with_biases", "claims_with_biases", "0.76", "more by one in the last place"),
        ("by_argument", "claims_by_matrices", "9.000000000000000001", "more than the truth, in the last place"),
        ("by_permutations", "claims_by_permutations", "45.1", "more than the truth"),
        ("by_argument_alone", "claims_by_argument_alone", "9.1", "more than the truth for 6 of the 30 pairs"),
        ("by_argument_and_cases", "claims_by_argument_and_cases", "9.000000000000000001", "more than the truth"),
        ("by_cases", "claims_by_cases_alone", "9.000000000000000001", "more than the truth, in the last place"),
        ("by_rho_set", "claims_by_rho_set", "9.000000000000000001", "more than the truth, in the last place"),
        ("of_no_kernel", "claims_of_no_kernel", "9.000000000000000001", "more than the truth, in the last place"),
        ("of_no_circuit", "claims_of_no_circuit", "1.000000000000000001", "more than the truth, in the last place"),
        ("by_remaining", "claims_by_remaining", "18.000000000000000001", "more than the truth, in the last place"),
        (
            "by_remaining_with_cases",
            "claims_by_remaining_with_cases",
            "18.000000000000000001",
            "more than the truth, in the last place",
        ),
    ]
]
MARGINS += [
    Invalid(
        "margin_of_another_weight",
        "claims_by_hand",
        entry(OUT, [0, 0], 1 - 2.0**-24),
        "MARGIN_TOO_HIGH",
        MARGIN,
        "a margin of 1 - 2^-24 is one of 1",
    ),
]

VECTORS = FLOAT32_CLAIMS + UNBOUNDED + BINARY32 + ENTROPIES + MARGINS

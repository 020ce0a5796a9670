"""Claims of method `exhaustive` that are false by one pair, by a tie, or only in floating point; scales that wrap."""

from __future__ import annotations

from tests.vectors.make.edits import add, drop, entry, put
from tests.vectors.make.entries import Invalid
from tests.vectors.make.invalid_network import CLAIM, OUT

CLAIMS = [
    Invalid("one_more_than_all", "direct", put(CLAIM, 37), "BOUND_TOO_HIGH", CLAIM, "37 of 36 pairs"),
    Invalid(
        "eighteen_digits",
        "direct",
        put(CLAIM, 10**18 - 1),
        "BOUND_TOO_HIGH",
        CLAIM,
        "a claim that is compared in floats",
    ),
    Invalid(
        "one_more_than_true", "width_1", put(CLAIM, 4), "BOUND_TOO_HIGH", CLAIM, "4 of 4 pairs, of which one is wrong"
    ),
    Invalid(
        "tie_counted", "tie", put(CLAIM, 36), "BOUND_TOO_HIGH", CLAIM, "an answer that is as good as another is right"
    ),
    Invalid(
        "tie_counted_exactly",
        "tie_decided_exactly",
        put(CLAIM, 36),
        "BOUND_TOO_HIGH",
        CLAIM,
        "an answer that is as good as another is right, where the exact weights decide",
    ),
    Invalid(
        "float32_rounded",
        "float32_looks_right",
        put(CLAIM, 4),
        "BOUND_TOO_HIGH",
        CLAIM,
        "a pair that is right in float32 alone, where 2^24 + 1 is 2^24",
    ),
    Invalid(
        "float64_rounded",
        "float64_looks_right",
        put(CLAIM, 4),
        "BOUND_TOO_HIGH",
        CLAIM,
        "a pair that is right in float64 alone, where 2^53 + 1 is 2^53",
    ),
    Invalid("vacuous", "direct", put(CLAIM, 6), "BOUND_VACUOUS", CLAIM, "what every constant answer reaches"),
    Invalid("nothing_claimed", "direct", put(CLAIM, 0), "BOUND_VACUOUS", CLAIM, "a certificate of no pair"),
    Invalid("vacuous_order_2", "width_1", put(CLAIM, 2), "BOUND_VACUOUS", CLAIM, "half of the pairs of C2, by chance"),
    Invalid("vacuous_order_1", "order_1", put(CLAIM, 0), "BOUND_VACUOUS", CLAIM, "none of one pair"),
]

WEIGHTS = [
    Invalid(
        "margin_of_0",
        "margin_of_one_ulp",
        entry(OUT, [0, 5], 1.0),
        "BOUND_TOO_HIGH",
        CLAIM,
        "one unit in the last place more, and the pair (e, e) is tied: a margin of exactly 0",
    ),
    Invalid(
        "margin_below_0",
        "margin_of_one_ulp",
        entry(OUT, [0, 5], 1 + 2.0**-23),
        "BOUND_TOO_HIGH",
        CLAIM,
        "a margin of -2^-23, which is 0 at the certificate's fixed point",
    ),
    Invalid(
        "neuron_revived",
        "dead_neurons",
        entry("network.tensors.right", [3, 9], 8.0 + 2.0**-8),
        "BOUND_TOO_HIGH",
        CLAIM,
        "a neuron that looks dead gives 2^-8, and 4 to label 5",
    ),
    Invalid(
        "subnormal_difference",
        "subnormal_float32",
        entry(OUT, [1, 0], 2.0**-148),
        "BOUND_TOO_HIGH",
        CLAIM,
        "a weight that is 0 where subnormals are flushed",
    ),
    Invalid(
        "bias_of_the_answers",
        "width_1",
        entry("network.tensors.out_bias", [0], 1.0),
        "BOUND_TOO_HIGH",
        CLAIM,
        "both labels alike where the neuron is silent",
    ),
    Invalid(
        "sign_of_a_weight",
        "order_2_square",
        entry(OUT, [1, 0], -2.0),
        "BOUND_TOO_HIGH",
        CLAIM,
        "the pair (1, 1) is answered by 1",
    ),
]

SCALES = [
    Invalid(
        "activations_wrap",
        "direct",
        put("method.activation_bits", 70),
        "SCALE_TOO_FINE",
        "method.activation_bits",
        "multiples of 2^70 are 0 in 64 bits",
    ),
    Invalid(
        "unembedding_wraps",
        "direct",
        put("method.unembedding_bits", 70),
        "SCALE_TOO_FINE",
        "method.unembedding_bits",
        "multiples of 2^70 are 0 in 64 bits",
    ),
    Invalid(
        "products_wrap",
        "direct",
        (put("method.activation_bits", 40), put("method.unembedding_bits", 40)),
        "SCALE_TOO_FINE",
        "method",
        "factors of 2^40 fit, their products wrap to anything",
    ),
    Invalid(
        "products_rounded",
        "direct",
        (put("method.activation_bits", 25), put("method.unembedding_bits", 26)),
        "SCALE_TOO_FINE",
        "method",
        "products above 2^52 that float64 rounds",
    ),
    Invalid(
        "bias_wraps",
        "width_1",
        (put("method.activation_bits", -4096), put("method.unembedding_bits", 4096)),
        "SCALE_TOO_FINE",
        "method.unembedding_bits",
        "scales at both ends of their range",
    ),
    Invalid(
        "finest_scale",
        "direct",
        put("method.activation_bits", 4096),
        "SCALE_TOO_FINE",
        "method.activation_bits",
        "4096 places, of which 64 are kept",
    ),
    Invalid(
        "scale_of_a_subnormal",
        "wide_range",
        put("method.activation_bits", 149),
        "SCALE_TOO_FINE",
        "method.activation_bits",
        "the scale at which the smallest weight is an integer; the largest is 2^276",
    ),
    Invalid(
        "scale_left_open",
        "direct",
        drop("method.unembedding_bits"),
        "KEY_MISSING",
        "method",
        "a scale that the checker chooses",
    ),
    Invalid(
        "tables_unread", "direct", add("method.cases", None), "KEY_UNEXPECTED", "method", "what another method means"
    ),
]

VECTORS = CLAIMS + WEIGHTS + SCALES

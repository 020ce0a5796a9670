"""False claims of method `equivariant`: error terms, cells, cases, scales."""

from __future__ import annotations

from tests.vectors.make.edits import add, drop, entry, put
from tests.vectors.make.entries import Invalid
from tests.vectors.make.invalid_network import CLAIM, OUT

PERMUTATIONS, MATRICES, MERGED = "permutation_matrices", "matrices", "merged_and_dropped"


def term(key: str, twin: str, value: int, why: str) -> Invalid:
    """An error term below its true value."""
    where = f"method.error_terms.{key}"
    return Invalid(f"{key}_too_low", twin, put(where, value), "ERROR_TERM_TOO_LOW", where, why)


TERMS = [
    term("merging", MERGED, 15, "the dropped neuron moves a logit by 1/64, 16 units"),
    term("rounding", PERMUTATIONS, 4, "five tables are rounded down, each by less than a unit"),
    term("homomorphism", MATRICES, 0, "no rounded matrix with a root of 3 is an exact representation"),
    term(
        "equivariance", "equivariance_residuals", 15, "|E| is the norm of 8 units times the unit matrix of size 4: 16"
    ),
    Invalid(
        "equivariance_as_operator_norm",
        "equivariance_residuals",
        put("method.error_terms.equivariance", 8),
        "ERROR_TERM_TOO_LOW",
        "method.error_terms.equivariance",
        "8 is the operator norm of 8 units times the unit matrix; the traces are bounded by the Frobenius norm",
    ),
    term("remainder", PERMUTATIONS, 23795, "sqrt(6) times sqrt(90) is 23795.6 units of 2^-10: one unit too low"),
    Invalid(
        "term_negative",
        PERMUTATIONS,
        put("method.error_terms.merging", -1),
        "NUMBER_INVALID",
        "method.error_terms.merging",
        "an error that adds to the margin",
    ),
    Invalid(
        "term_true",
        PERMUTATIONS,
        put("method.error_terms.homomorphism", False),
        "TYPE_WRONG",
        "method.error_terms.homomorphism",
        "false is 0 in Python",
    ),
    Invalid(
        "term_missing",
        PERMUTATIONS,
        drop("method.error_terms.remainder"),
        "KEY_MISSING",
        "method.error_terms",
        "a remainder of nothing",
    ),
    Invalid(
        "argument_of_one_more",
        "argument_alone",
        put(CLAIM, 31),
        "BOUND_TOO_HIGH",
        CLAIM,
        "a pair that is right, but not proved",
    ),
    Invalid(
        "cases_of_one_more",
        "argument_and_cases",
        put(CLAIM, 36),
        "BOUND_TOO_HIGH",
        CLAIM,
        "the pair (e, e), which is wrong",
    ),
    Invalid(
        "cases_left_out",
        "argument_and_cases",
        put("method.cases", None),
        "BOUND_TOO_HIGH",
        CLAIM,
        "cases that nobody evaluated",
    ),
    Invalid(
        "case_wrong",
        "cases_alone",
        entry(OUT, [1, 0], 8.0),
        "BOUND_TOO_HIGH",
        CLAIM,
        "a weight that makes cases wrong, while every error term has room for it",
    ),
]

CELLS = [
    Invalid(
        "array_type_of_a_list",
        PERMUTATIONS,
        put("method.neurons.dtype", ["int16"]),
        "TYPE_WRONG",
        "method.neurons",
        "a type that no table of types can look up",
    ),
    Invalid(
        "cell_outside",
        PERMUTATIONS,
        entry("method.neurons", [8, 0], 9),
        "CELLS_WRONG",
        "method.neurons",
        "a tenth cell",
    ),
    Invalid(
        "cell_minus_2",
        PERMUTATIONS,
        entry("method.neurons", [8, 0], -2),
        "CELLS_WRONG",
        "method.neurons",
        "the last but one",
    ),
    Invalid(
        "scale_0",
        PERMUTATIONS,
        entry("method.neurons", [0, 1], 0),
        "CELLS_WRONG",
        "method.neurons",
        "a neuron divided by 0",
    ),
    Invalid(
        "cells_too_few",
        PERMUTATIONS,
        put("method.cells", 8),
        "CELLS_WRONG",
        "method.neurons",
        "a neuron without a cell",
    ),
    Invalid(
        "cells_too_many",
        PERMUTATIONS,
        put("method.cells", 10),
        "CELLS_WRONG",
        "method.neurons",
        "a cell without a neuron",
    ),
    Invalid("cells_0", PERMUTATIONS, put("method.cells", 0), "NUMBER_INVALID", "method.cells", "a network of no cells"),
    Invalid(
        "cell_of_another_neuron",
        PERMUTATIONS,
        entry("method.neurons", [0, 0], 1),
        "ERROR_TERM_TOO_LOW",
        "method.error_terms.merging",
        "two neurons with other inputs are one",
    ),
    Invalid(
        "scale_without_its_sign",
        MERGED,
        entry("method.neurons", [1, 1], 2048),
        "ERROR_TERM_TOO_LOW",
        "method.error_terms.merging",
        "relu(-2s) is 2 relu(s)",
    ),
    Invalid(
        "scale_of_minus_32768",
        MERGED,
        entry("method.neurons", [1, 1], -32768),
        "ERROR_TERM_TOO_LOW",
        "method.error_terms.merging",
        "in 16 bits the absolute value of -32768 is -32768",
    ),
    Invalid(
        "share_twice",
        MERGED,
        entry("method.neurons", [1, 2], 1024),
        "ERROR_TERM_TOO_LOW",
        "method.error_terms.merging",
        "the cell takes its input from both neurons",
    ),
    Invalid(
        "neurons_of_two_columns",
        PERMUTATIONS,
        put("method.neurons.shape", [3, 9]),
        "TYPE_WRONG",
        "method.neurons",
        "rows of nine",
    ),
    Invalid(
        "array_of_another_type",
        PERMUTATIONS,
        put("method.neurons.dtype", "int8"),
        "TYPE_WRONG",
        "method.neurons",
        "two numbers for each one",
    ),
    Invalid(
        "array_unsigned",
        PERMUTATIONS,
        put("method.neurons.dtype", "uint16"),
        "TYPE_WRONG",
        "method.neurons",
        "-1, a dropped neuron, as 65535",
    ),
]

SCALES = [
    Invalid(
        "tables_too_fine",
        PERMUTATIONS,
        put("method.table_bits", 21),
        "SCALE_TOO_FINE",
        "method.table_bits",
        "a shift to the left where one to the right is meant",
    ),
    Invalid(
        "unembedding_too_coarse",
        PERMUTATIONS,
        put("method.unembedding_bits", 7),
        "SCALE_TOO_FINE",
        "method.table_bits",
        "coefficients finer than what they explain",
    ),
    Invalid(
        "activations_too_fine",
        PERMUTATIONS,
        put("method.activation_bits", 40),
        "SCALE_TOO_FINE",
        "method.activation_bits",
        "cells of 2^43, whose squares wrap",
    ),
    Invalid(
        "cases_wrap",
        "cases_alone",
        (put("method.cases.activation_bits", 40), put("method.cases.unembedding_bits", 40)),
        "SCALE_TOO_FINE",
        "method",
        "the products of cases wrap to anything",
    ),
    Invalid(
        "cases_too_fine",
        "cases_alone",
        put("method.cases.activation_bits", 70),
        "SCALE_TOO_FINE",
        "method.activation_bits",
        "activations of cases are 0 in 64 bits",
    ),
    Invalid(
        "bits_41",
        PERMUTATIONS,
        put("method.scale_bits", 41),
        "NUMBER_INVALID",
        "method.scale_bits",
        "more places than the bounds allow for",
    ),
    Invalid(
        "bits_negative",
        PERMUTATIONS,
        put("method.activation_bits", -1),
        "NUMBER_INVALID",
        "method.activation_bits",
        "a shift by -1, or by 63",
    ),
    Invalid(
        "cases_missing", PERMUTATIONS, drop("method.cases"), "KEY_MISSING", "method", "cases as each checker likes"
    ),
    Invalid(
        "a_hint", PERMUTATIONS, add("method.hint", "trust"), "KEY_UNEXPECTED", "method", "numbers that no rule reads"
    ),
    Invalid(
        "representations_as_an_object",
        PERMUTATIONS,
        put("method.representations", {}),
        "TYPE_WRONG",
        "method.representations",
        "representations in no order",
    ),
]

VECTORS = TERMS + CELLS + SCALES

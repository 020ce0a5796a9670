"""False claims of method `rho-set` about the neurons that are left to representations."""

from __future__ import annotations

from tests.vectors.make.document import write_array
from tests.vectors.make.edits import add, entry, put
from tests.vectors.make.entries import Invalid
from tests.vectors.make.invalid_network import CLAIM

VECTORS = [
    Invalid(
        "remaining_left_out",
        "remaining",
        put("method.remaining.representations", []),
        "ERROR_TERM_TOO_LOW",
        "method.remaining.error_terms.remainder",
        "neurons that nothing explains",
    ),
    Invalid(
        "remaining_tables_of_another_unit",
        "remaining",
        put("method.remaining.table_bits", 9),
        "CELLS_WRONG",
        "method.remaining",
        "two units in one sum",
    ),
    Invalid(
        "remaining_cases",
        "remaining",
        put("method.remaining.cases", {"activation_bits": 9, "unembedding_bits": 9}),
        "TYPE_WRONG",
        "method.remaining.cases",
        "cases of a part of the network",
    ),
    Invalid(
        "remaining_named",
        "remaining",
        add("method.remaining.name", "equivariant"),
        "KEY_UNEXPECTED",
        "method.remaining",
        "a method in a method",
    ),
    Invalid(
        "remaining_cells_too_many",
        "remaining_with_cases",
        put("method.remaining.cells", 10),
        "CELLS_WRONG",
        "method.remaining.neurons",
        "a cell without a neuron",
    ),
    Invalid(
        "remaining_of_other_neurons",
        "remaining",
        put("method.remaining.neurons", write_array([[j, 1024, 1024] for j in (1, 0, *range(2, 9))])),
        "ERROR_TERM_TOO_LOW",
        "method.remaining.error_terms.equivariance",
        "two cells exchanged: nothing is merged, but the tables belong to the others",
    ),
    Invalid(
        "remaining_too_few",
        "remaining",
        put("method.remaining.neurons", write_array([[j, 1024, 1024] for j in range(8)])),
        "CELLS_WRONG",
        "method.remaining.neurons",
        "a neuron in no part",
    ),
    Invalid(
        "remaining_cell_outside",
        "remaining",
        entry("method.remaining.neurons", [0, 0], 9),
        "CELLS_WRONG",
        "method.remaining.neurons",
        "a tenth cell",
    ),
    Invalid(
        "remaining_rounding",
        "remaining",
        put("method.remaining.error_terms.rounding", 4),
        "ERROR_TERM_TOO_LOW",
        "method.remaining.error_terms.rounding",
        "five tables are rounded down",
    ),
    Invalid(
        "remaining_merging_of_the_circuits",
        "remaining",
        entry("method.neurons", [1, 2], 0),
        "ERROR_TERM_TOO_LOW",
        "method.error_terms.merging",
        "a neuron of the circuit with another input",
    ),
    Invalid(
        "remaining_matrices_of_zeros",
        "remaining",
        put("method.remaining.representations.0.matrices", write_array([[[0, 0], [0, 0]]] * 2)),
        "RESIDUALS_TOO_LARGE",
        "method.remaining.representations[0]",
        "zeros multiply as they should",
    ),
    Invalid(
        "remaining_twice",
        "remaining",
        entry("method.neurons", [0, 0], -2),
        "CELLS_WRONG",
        "method.neurons[0]",
        "a neuron in the circuit and in the rest",
    ),
    Invalid("remaining_of_one_more", "remaining_with_cases", put(CLAIM, 37), "BOUND_TOO_HIGH", CLAIM, "37 of 36 pairs"),
    Invalid(
        "remaining_cases_left_out",
        "remaining_with_cases",
        put("method.cases", None),
        "BOUND_TOO_HIGH",
        CLAIM,
        "cases that nobody evaluated",
    ),
    Invalid(
        "remaining_too_fine",
        "remaining",
        put("method.remaining.unembedding_bits", 7),
        "SCALE_TOO_FINE",
        "method.remaining.table_bits",
        "coefficients finer than what they explain",
    ),
]

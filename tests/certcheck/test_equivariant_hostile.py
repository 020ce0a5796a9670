"""equivariant against sections made to overflow, to round too little or to crash: each was once wrongly taken.

Where the network's output is zero, every logit is the same, no pair is correct, and a single proved pair is false.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from numpy.typing import NDArray

from certcheck.document import MAX_CELLS, MAX_REPRESENTATIONS, ExhaustiveSection, RepresentationSection
from certcheck.equivariant import check_equivariant
from certcheck.limits import Limits
from certcheck.representation import check_representation
from certcheck.verdict import Reason
from tests.certcheck.test_equivariant import check_both, count_proved, refusal_of
from tests.certcheck.test_exact import refused
from tests.certcheck.test_exhaustive import count_slowly, make_network
from tests.certcheck.test_representation import make_matrices
from tests.equivariant_sections import (
    C2,
    C3,
    COEFFICIENT_BITS,
    REPRESENTATION_BITS,
    S3,
    TURNS,
    Circuit,
    Example,
    T,
    build_network,
    compute_cells,
    compute_centred,
    compute_permutation_matrices,
    edit,
    edit_part,
    fit_tables,
    make_circuit,
    make_matrix_part,
    make_permutation_example,
    make_permutation_part,
    make_section,
)

FIRST = "method.representations[0]"
CIRCUIT = make_circuit(S3)
CELLS = range(len(CIRCUIT.positions))


def silence(*parts: RepresentationSection) -> Example:
    """These representations for the circuit on the points of S3, whose output is zero."""
    network = make_network(CIRCUIT.left, CIRCUIT.right, CIRCUIT.out * 0)
    assert count_slowly(network, S3) == 0
    return Example(network, S3, make_section(CIRCUIT, *parts))


def make_faint_part(copies: int, weight: float) -> RepresentationSection:
    """The points of S3 as matrices, with coefficients of 127 for `copies` of each cell and tables for the weight."""
    rho, d = compute_permutation_matrices(S3), S3.degree
    units = np.zeros((len(CELLS), d, d))
    for j, (b, c) in enumerate(CIRCUIT.positions):
        units[j, b, c] = 1
    V = weight * np.einsum("xyj,jab->xyab", compute_centred(*compute_cells(CIRCUIT)), units)
    left, right, middle = fit_tables(S3, rho, V)
    return dataclasses.replace(
        make_matrices(np.round(rho[list(S3.generators)] * 2**REPRESENTATION_BITS)),
        cells=np.tile(np.array(CELLS), copies),
        coefficients=np.tile((127 * units).reshape(-1, d * d).astype(np.int64), (copies, 1)),
        basis=None,
        left=left,
        right=right,
        middle=middle,
    )


def make_empty_part(matrices: NDArray[np.int64], n: int, entry: int) -> RepresentationSection:
    """These matrices of n elements with no cell, and tables whose entries are all the same."""
    d = matrices.shape[1]
    tables = np.full((n, d, d), entry, dtype=np.int64)
    return dataclasses.replace(
        make_matrices(matrices),
        cells=np.zeros(0, dtype=np.int64),
        coefficients=np.zeros((0, d * d), dtype=np.int64),
        basis=None,
        left=tables,
        right=tables,
        middle=tables,
    )


@pytest.mark.parametrize(("weight", "bits"), [(1 / 16, 60), (256.0, 56)])
def test_a_shifted_position_cannot_wrap(weight: float, bits: int) -> None:
    """False claim: keys of 2^4 << 60 or 2^16 << 48 are 0 mod 2^64, so a zero output is explained by a circuit."""
    part, _ = make_permutation_part(S3, CIRCUIT, CELLS, weight=weight)
    example = edit(silence(part), unembedding_bits=bits)
    assert refusal_of(example) == (Reason.SCALE_TOO_FINE, "method.table_bits")


@pytest.mark.parametrize(
    ("bits", "reason", "where"),
    [(54, Reason.SCALE_TOO_FINE, "method.table_bits"), (36, Reason.COEFFICIENTS_WRONG, FIRST)],
)
def test_a_sum_of_positions_cannot_wrap(bits: int, reason: Reason, where: str) -> None:
    """False claim: 2^10 copies of a key of 2^54 add up to 0 mod 2^64 and leave no remainder of a zero output."""
    copies = 2**10
    part, _ = make_permutation_part(S3, CIRCUIT, CELLS, weight=1.0)
    part = dataclasses.replace(
        part,
        cells=np.tile(part.cells, copies),
        positions=np.tile(np.array(part.positions), (copies, 1)),
        left=part.left * copies,
        right=part.right * copies,
        middle=part.middle * copies,
    )
    assert refusal_of(edit(silence(part), unembedding_bits=bits)) == (reason, where)


@pytest.mark.parametrize(
    ("bits", "where"),
    [(REPRESENTATION_BITS + COEFFICIENT_BITS, "method.unembedding_bits")]
    + [(bits, "method.table_bits") for bits in (48, 52, 56, 60)],
)
def test_a_shifted_coefficient_cannot_wrap(bits: int, where: str) -> None:
    """False claim: products that are multiples of 16 vanish when shifted past 2^64, and with them the remainder."""
    part = make_matrix_part(S3, CIRCUIT, CELLS)
    assert part.coefficients is not None
    assert part.matrices is not None
    coarse = {"coefficients": part.coefficients // 16 * 16, "matrices": part.matrices // 16 * 16}
    example = edit_part(silence(part), 0, **coarse)
    assert refusal_of(edit(example, unembedding_bits=bits)) == (Reason.SCALE_TOO_FINE, where)


def test_a_cell_cannot_be_carried_twice_by_one_representation() -> None:
    """False claim: keys of 127/128 of a unit round to 0, though 2^11 copies of each make V large for a zero output."""
    copies = 2**11
    example = silence(make_faint_part(copies, copies * 127 / 2**15))
    example = edit(example, unembedding_bits=8, coefficient_bits=15)
    assert refusal_of(example) == (Reason.COEFFICIENTS_WRONG, FIRST)


def test_each_representation_rounds_what_it_carries_of_a_cell() -> None:
    """False claim: keys of 127/128 of a unit round to 0 in each of 256 representations, and are taken for nothing."""
    table_bits = 14
    part = make_faint_part(1, 127 / 2**15 * 2 ** (table_bits - T))
    example = silence(*[part] * MAX_REPRESENTATIONS)
    scales = {"unembedding_bits": 8, "coefficient_bits": 15, "activation_bits": 16, "table_bits": table_bits}
    assert count_proved(edit(example, **scales)) == 0


def test_a_difference_of_biases_cannot_wrap() -> None:
    """False claim: all 4 pairs, as biases of nearly 2^52 units, less the errors, pass -2^63 and become positive."""
    bias = 1 - 2.0**-53
    network = make_network([[0], [0]], [[0], [0]], [[0, 0]], out_bias=[-bias, bias])
    circuit = Circuit(np.zeros((2, 1)), np.zeros((2, 1)), np.zeros((1, 2)), [(0, 1.0, 1.0)], [(0, 0)])
    # The second answer is always the larger: it is the product in 2 pairs of 4.
    assert count_slowly(network, C2) == 2
    scales = {"activation_bits": 44, "unembedding_bits": 18, "table_bits": 52, "coefficient_bits": 60}
    example = edit(Example(network, C2, make_section(circuit)), **scales)
    assert refusal_of(example) == (Reason.SCALE_TOO_FINE, "method.table_bits")


@pytest.mark.parametrize(("entry", "d"), [(2.0, 8), (2.0, 16), (2.0, 32), (2.0, 64), (1.2881355932203389, 32)])
def test_a_square_of_a_residual_cannot_wrap(entry: float, d: int) -> None:
    """False claim: with equal entries the squares pass 2^63; 517 was claimed in the last case, where 1698 is true."""
    part = make_matrices(np.full((1, d, d), int(entry * 2**24)))
    assert refused(check_representation, part, C2, 24, "place") == (Reason.RESIDUALS_TOO_LARGE, "place")


@pytest.mark.parametrize("entry", [1.0, 1.2, 1.5, 1.9])
@pytest.mark.parametrize("d", [2, 8, 16])
def test_a_large_residual_cannot_wrap_in_the_argument(entry: float, d: int) -> None:
    """False claim: residuals times norms, or distances times their scale, leave int64 and come out small."""
    matrices = np.full((len(S3.generators), d, d), int(entry * 2**REPRESENTATION_BITS))
    part = make_empty_part(matrices, S3.order, 2**20)
    example = Example(build_network(CIRCUIT), S3, make_section(CIRCUIT, part))
    assert refusal_of(example) == (Reason.RESIDUALS_TOO_LARGE, FIRST)


def test_the_error_of_a_basis_cannot_wrap() -> None:
    """False claim: |basis| adds up to 2^32, whose square is 0 mod 2^64: the coordinates lose nothing by rounding."""
    circuit = make_circuit(C3)
    basis = np.zeros((2, 2, 2), dtype=np.int64)
    basis[:, 0, 0] = -(2**31)
    part = make_matrix_part(C3, circuit, CELLS, TURNS)
    example = Example(build_network(circuit), C3, make_section(circuit, part))
    changed = edit_part(example, 0, basis=basis, coefficients=np.zeros((len(CELLS), 2), dtype=np.int64))
    assert refusal_of(changed) == (Reason.COEFFICIENTS_WRONG, FIRST)


def test_there_are_no_more_cells_than_neurons() -> None:
    """No false claim, but gigabytes: empty cells were laid out for each element before anything was looked at."""
    example = edit(make_permutation_example(C3), cells=MAX_CELLS)
    assert refusal_of(example) == (Reason.CELLS_WRONG, "method.neurons")


@pytest.mark.parametrize("bits", [24, 40, 50])
def test_exact_tables_do_not_depend_on_the_scale_of_matrices(bits: int) -> None:
    """False claim: tables beside permutation matrices alone, shifted there and back, prove other pairs."""
    example = make_permutation_example(S3)
    assert check_both(edit(example, representation_bits=bits)) == check_both(example)
    assert count_proved(example) == S3.order**2


@pytest.mark.parametrize("bits", [55, 60])
def test_a_shifted_table_cannot_wrap(bits: int) -> None:
    """False claim: tables shifted past 2^63 come back as others, and the differences of those are margins."""
    example = edit(make_permutation_example(S3), representation_bits=bits)
    assert refusal_of(example) == (Reason.SCALE_TOO_FINE, "method.table_bits")


def test_positions_have_three_columns() -> None:
    """No false claim, but a crash: the third column was read before the shape was looked at."""
    positions = np.zeros((len(CELLS), 2), dtype=np.int64)
    example = edit_part(make_permutation_example(S3), 0, positions=positions)
    assert refusal_of(example) == (Reason.COEFFICIENTS_WRONG, FIRST)


def test_a_residual_of_more_than_64_bits_is_refused() -> None:
    """No false claim, but a crash: the bound on the homomorphism is an integer that no int64 holds."""
    d, circuit = 16, make_circuit(C3)
    matrices = np.zeros((1, d, d), dtype=np.int64)
    matrices[0, : d // 2, d // 2 :] = 2 << REPRESENTATION_BITS
    part = make_empty_part(matrices, C3.order, 0)
    example = Example(build_network(circuit), C3, make_section(circuit, part))
    assert refusal_of(example) == (Reason.RESIDUALS_TOO_LARGE, FIRST)


def test_coarse_cases_are_limited() -> None:
    """No false claim, but hours: scales that decide nothing send every pair to products of long integers."""
    example = edit(make_permutation_example(S3), representations=(), cases=ExhaustiveSection(-20, -20))
    assert count_proved(example) == S3.order**2
    limits = Limits(exact_multiply_adds=1)
    found = refused(check_equivariant, example.network, example.G, example.section, "int64", limits)
    assert found == (Reason.WORK_TOO_LARGE, "method")

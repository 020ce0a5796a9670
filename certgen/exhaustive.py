"""Method `exhaustive`: the fixed point."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certcheck.document import ExhaustiveSection
from certcheck.exact import FLOAT64_EXACT, INT64_EXACT, compute_integers

if TYPE_CHECKING:
    from certcheck.exact import DyadicMatrix
    from certcheck.network import Network


def choose_fixed_point(network: Network) -> ExhaustiveSection:
    """The finest scales at which certcheck's products cannot overflow, shared so that the slack is small.

    The slack is about 2**-activation_bits * sum of the widths of U + 2**-unembedding_bits * sum of the activations.
    """
    U = compute_integers(network.U.numerators)
    l1 = _log2(max(sum(map(abs, row)) for row in U)) - network.U.bits
    activation = max(_largest(network.a), _largest(network.c)) + 1
    # One bit for the rounding of the activations, one for that of U.
    budget = FLOAT64_EXACT.bit_length() - 3 - activation - l1
    budget = min(budget, INT64_EXACT.bit_length() - 4 - _largest(network.beta))
    width = len(U[0])
    widths = _log2(sum(max(column) - min(column) for column in zip(*U, strict=True))) - network.U.bits
    activation_bits = (budget + widths - activation - _log2(width)) // 2
    # Beyond the weights' own bits nothing is gained.
    activation_bits = min(activation_bits, network.a.bits)
    unembedding_bits = min(budget - activation_bits, network.U.bits, _fitting_bits(network.U))
    return ExhaustiveSection(min(activation_bits, _fitting_bits(network.a), _fitting_bits(network.c)), unembedding_bits)


def _fitting_bits(matrix: DyadicMatrix) -> int:
    """The finest scale at which certcheck holds every entry."""
    return INT64_EXACT.bit_length() - 3 - _largest(matrix)


def _largest(matrix: DyadicMatrix) -> int:
    """A binary logarithm of the largest entry, rounded up."""
    return _log2(max(abs(int(v)) for v in matrix.numerators.entries())) - matrix.bits


def _log2(value: int) -> int:
    return value.bit_length()

"""What rounding can take from a margin where the network is evaluated in binary32, in any order of summation."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from operator import add, mul
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from certcheck.exact import INT64_EXACT, Integers, ceil_fraction, compute_integers
from certcheck.network import Network, count_summands, fold
from certcheck.verdict import Reason, reject

# A summand meets the additions of the others, and the reading of two operands, a product, and the bias's addition.
OTHER_ROUNDINGS = 3
# 2^5 times the smallest normal number, below which results and operands may be taken for 0: claim 22.
FLUSHED = Fraction(1, 2**121)
# No intermediate result may exceed it, in binary32 and in bfloat16.
HUGE = 2**127

Rows = list[list[int]]
Weights = dict[str, NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Float32Errors:
    """As evaluated, the logit of xy exceeds that of z != xy if the margin is more than (x[x] + y[y]) / denominator.

    x, y: (n,), integers. For one pair at a time: inputs and magnitudes, each (n, m) of x and of y: what a neuron adds
    up, and the same of absolute values, in units of 2**-a.bits; the sum as evaluated is off by at most
    (relative * magnitude + flushed) / rest of such a unit. of_magnitude, of_activation: (m,), what a unit of each
    neuron's takes from a margin, and constant: what comes to it, in units of 1 / denominator.
    """

    x: list[int]
    y: list[int]
    denominator: int
    inputs: tuple[Rows, Rows]
    magnitudes: tuple[Rows, Rows]
    relative: int
    rest: int
    flushed: int
    of_magnitude: list[int]
    of_activation: list[int]
    constant: int


def bound_float32_errors(network: Network, unit_roundoff_bits: int) -> Float32Errors:
    """The errors of an arithmetic in which what is read and what results is off by 2**-unit_roundoff_bits of itself.

    Claim 22: given that a neuron adds up J products or the like in any order, therefore its input is off by at most
    gamma_r = r u / (1 - r u), r = J + 3, times the sum of their absolute values, and by what is flushed to 0, because
    each of them meets at most r roundings.
    Claim 23: given inputs that are off by e_i, therefore the difference of two logits is off by at most
    sum_i (w_i + 2 gamma_s W_i) e_i + 2 gamma_s (sum_i W_i h_i + max |beta|), s = m + 3, and by what is flushed, with
    the widths w_i of U_zi and W_i = max_z |U_zi|; h <= relu(a) + relu(c) splits it into a part of x and one of y.
    Errors: WEIGHT_NOT_BINARY32, FLOAT32_UNBOUNDED.
    """
    _check_binary32(network)
    m, summands = network.a.shape[1], count_summands(network.weights)
    absolute = {role: np.abs(values) for role, values in network.weights.items()}
    a_bar, c_bar, _, beta_bar = fold(absolute)
    inputs = compute_integers(network.a.numerators), compute_integers(network.c.numerators)
    magnitudes = compute_integers(a_bar.numerators), compute_integers(c_bar.numerators)
    columns = compute_integers(network.U.numerators.transpose())
    heights = [max(map(abs, column)) for column in columns]
    largest_bias = max(map(abs, compute_integers(beta_bar.numerators)[0]))
    # gamma is r / rest for the inputs, and s / s_rest for the logits.
    r, s = summands + OTHER_ROUNDINGS, m + OTHER_ROUNDINGS
    rest, s_rest = 2**unit_roundoff_bits - r, 2**unit_roundoff_bits - s
    if min(rest - r, s_rest - s) < 0:
        _refuse(f"a unit roundoff of at most 1/{2 * max(r, s)}", f"1/{2**unit_roundoff_bits}")
    flushed, logit_flushed = _bound_flushed(network, absolute, magnitudes, heights, largest_bias)
    unit = Fraction(1, 2**network.a.bits)
    # In units of 2^-U.bits / (rest s_rest).
    moved = [(max(u) - min(u)) * s_rest + 2 * s * W for u, W in zip(columns, heights, strict=True)]
    of_magnitude = [r * value for value in moved]
    of_activation = [2 * s * rest * W for W in heights]
    denominator = rest * s_rest << network.beta.bits
    constant = sum(moved) * rest * flushed / unit + 2 * s * rest * largest_bias + 2 * denominator * logit_flushed
    x, y = (
        [
            sum(map(mul, bar, of_magnitude)) + sum(max(v, 0) * f for v, f in zip(row, of_activation, strict=True))
            for row, bar in zip(*side, strict=True)
        ]
        for side in zip(inputs, magnitudes, strict=True)
    )
    return Float32Errors(
        x=[value + ceil_fraction(constant) for value in x],
        y=y,
        denominator=denominator,
        inputs=inputs,
        magnitudes=magnitudes,
        relative=r,
        rest=rest,
        flushed=ceil_fraction(rest * flushed / unit),
        of_magnitude=of_magnitude,
        of_activation=of_activation,
        constant=ceil_fraction(constant),
    )


def _bound_flushed(
    network: Network, absolute: Weights, magnitudes: tuple[Rows, Rows], heights: list[int], largest_bias: int
) -> tuple[Fraction, Fraction]:
    """What flushing to 0 adds to the error of a neuron's input, and of a logit, if nothing overflows (claim 22).

    Errors: FLOAT32_UNBOUNDED.
    """
    m, summands = network.a.shape[1], count_summands(network.weights)
    # Each number is met once a neuron or logit at most, an embedding's twice.
    weight = Fraction(max(float(values.max()) for values in absolute.values()))
    flushed = FLUSHED * (2 * weight + 1) * summands
    # What a neuron can be as evaluated, and from that a logit: both gamma are at most 1. Fractions would be slow.
    largest = ([max(column) for column in zip(*side, strict=True)] for side in magnitudes)
    activations, unit = [2 * (p + q) for p, q in zip(*largest, strict=True)], Fraction(1, 2**network.a.bits)
    logit = sum(map(mul, activations, heights)) + flushed / unit * sum(heights) + largest_bias
    logit_flushed = FLUSHED * (sum(activations) * unit + m * flushed + (weight + 1) * m)
    most = max(8 * weight, max(activations) * unit + flushed, 2 * logit / 2**network.beta.bits + logit_flushed)
    if most > HUGE:
        _refuse("numbers that stay below 2^127", "larger ones")
    return flushed, logit_flushed


def _check_binary32(network: Network) -> None:
    for role, values in network.weights.items():
        with np.errstate(over="ignore"):
            if (values.astype(np.float32) != values).any():
                reject(Reason.WEIGHT_NOT_BINARY32, f"network.roles.{role}", "numbers that binary32 holds", "others")


def _refuse(expected: str, got: str) -> NoReturn:
    reject(Reason.FLOAT32_UNBOUNDED, "statement.unit_roundoff_bits", expected, got)


def scale_errors(errors: Float32Errors, bits: int) -> tuple[Integers, Integers]:
    """x and y in units of 2**-bits, rounded up; what is larger than all margins, which are below 2^62, is cut there."""
    x, y = (
        [min(ceil_fraction(Fraction(v) * Fraction(2) ** bits / errors.denominator), INT64_EXACT - 1) for v in side]
        for side in (errors.x, errors.y)
    )
    return np.array(x, dtype=np.int64), np.array(y, dtype=np.int64)


def bound_pair(errors: Float32Errors, x: int, y: int) -> Fraction:
    """What rounding can take from the margins of one pair, in logits.

    Claim 24: given a neuron whose input is at most 0, as evaluated too, therefore it adds nothing, because relu is
    exact; for the others relu(a + c) stands in place of relu(a) + relu(c).
    """
    inputs, magnitudes = (map(add, of_x[x], of_y[y]) for of_x, of_y in (errors.inputs, errors.magnitudes))
    total = errors.constant
    for own, bar, of_bar, of_own in zip(inputs, magnitudes, errors.of_magnitude, errors.of_activation, strict=True):
        if own * errors.rest + errors.relative * bar + errors.flushed > 0:
            total += of_bar * bar + of_own * max(own, 0)
    return Fraction(total, errors.denominator)

"""certgen.exhaustive: a fixed point that certcheck accepts, and the count that it claims."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certcheck.exhaustive import check_exhaustive, evaluate_rows, round_network
from certgen.exhaustive import choose_fixed_point
from tests.certgen.small_models import (
    Table,
    Weights,
    compute_logits,
    count_correct_slowly,
    cyclic,
    cyclic_weights,
    detector_weights,
    exact,
    group_of,
    network_of,
    relabel,
    symmetric,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

GROUPS = {1: [cyclic(1)], 2: [cyclic(2)], 3: [cyclic(3)], 4: [cyclic(4), np.bitwise_xor.outer(*[np.arange(4)] * 2)]}
# A model on disk has 2^-1074 and 2^1023 at worst; `mapped` multiplies two of them, and U makes it three.
SMALLEST, LARGEST = -1074, 1023


@st.composite
def wild_arrays(draw: st.DrawFn, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Float64 values near one or two powers of two anywhere in the range, zeros and equal values among them."""
    exponents = draw(st.lists(st.integers(SMALLEST, LARGEST), min_size=1, max_size=2))
    mantissas = st.one_of(st.integers(-2, 2), st.integers(-(2**53) + 1, 2**53 - 1).map(lambda v: math.ldexp(v, -53)))
    entries = draw(
        st.lists(
            st.builds(math.ldexp, mantissas, st.sampled_from(exponents).map(lambda e: min(e, LARGEST - 2))),
            min_size=math.prod(shape),
            max_size=math.prod(shape),
        )
    )
    return np.array(entries).reshape(shape)


@st.composite
def small_arrays(draw: st.DrawFn, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Small multiples of 1/2: ties are common, and so are correct pairs."""
    entries = draw(st.lists(st.integers(-3, 3), min_size=math.prod(shape), max_size=math.prod(shape)))
    return np.array(entries).reshape(shape) / 2


@st.composite
def networks(draw: st.DrawFn, arrays: Any) -> tuple[str, Weights, Table]:
    """A `direct` or `mapped` network with or without biases, and the table of a group."""
    table = draw(st.sampled_from(GROUPS[draw(st.integers(1, 4))]))
    n, m = len(table), draw(st.integers(1, 4))
    shapes: dict[str, tuple[int, ...]] = {"left": (n, m), "right": (n, m), "out": (m, n)}
    architecture = draw(st.sampled_from(["direct", "mapped"]))
    if architecture == "mapped":
        shapes |= {"left_map": (m, m), "right_map": (m, m)}
    if draw(st.booleans()):
        shapes["hidden_bias"] = (m,)
    if draw(st.booleans()):
        shapes["out_bias"] = (n,)
    return architecture, {role: draw(arrays(shape)) for role, shape in shapes.items()}, table


def evaluate(architecture: str, weights: Weights) -> NDArray[Any]:
    """The logits at [x, y, z] straight from the formula, in fractions."""
    w = {role: exact(values) for role, values in weights.items()}
    left, right = w["left"], w["right"]
    if architecture == "mapped":
        left, right = left @ w["left_map"], right @ w["right_map"]
    return compute_logits(left + w.get("hidden_bias", 0), right, w["out"].T, w.get("out_bias", np.zeros(1, object)))


@given(networks(wild_arrays))
@settings(deadline=None, max_examples=200)
def test_the_fixed_point_is_never_too_fine(case: tuple[str, Weights, Table]) -> None:
    """Whatever the magnitudes, certcheck's integers do not overflow at the scales that are chosen."""
    architecture, weights, table = case
    network = network_of(architecture, weights)
    section = choose_fixed_point(network)
    for arithmetic in ("float64", "int64"):
        # A scale that is too fine is a Refusal, raised here.
        rounded = round_network(network, section, arithmetic)
        assert len(list(evaluate_rows(network, group_of(table), rounded))) == len(table)


NARROW = {
    # The rows of U are large and all but equal: what the activations may lose is governed by their difference.
    "rows of U differ in the last place": ([[1, 1], [1, 2]], [[1.0, 1.0], [2.0**-100, 0.0]]),
    "rows of U are equal": ([[1, 1], [1, 2]], [[1.0, 1.0], [2.0**-200, 2.0**-200]]),
    "everything is zero": ([[0, 0], [0, 0]], [[0.0, 0.0], [0.0, 0.0]]),
    "U is zero": ([[1, 1], [1, 2]], [[0.0, 0.0], [0.0, 0.0]]),
    "activations are tiny": ([[2.0**-1074] * 2, [2.0**-1073] * 2], [[1.0, 0.0], [0.0, 1.0]]),
    "everything is tiny": ([[2.0**-1074] * 2, [2.0**-1073] * 2], [[2.0**-1074, 0.0], [0.0, 2.0**-1074]]),
    "everything is huge": ([[2.0**1000] * 2, [2.0**1001] * 2], [[2.0**1000, 0.0], [0.0, 2.0**1000]]),
    # Integers of 53 bits, all of them one: sums and products come as near to a power of two as they can.
    "every bit is one": ([[2 - 2.0**-52], [2 - 2.0**-52]], [[2 - 2.0**-52, 2.0**-52 - 2]]),
    "one column is huge": ([[1, 1], [1, 2]], [[2.0**1000, 0.0], [0.0, 2.0**-1000]]),
}


@pytest.mark.parametrize("out_bias", [None, 2.0**-1074, 1.0, 2.0**1000])
@pytest.mark.parametrize("name", NARROW)
def test_the_fixed_point_is_not_too_fine_at_the_edges(name: str, out_bias: float | None) -> None:
    """Equal rows, zeros and the ends of the range give a fixed point that certcheck accepts, and the right count."""
    inputs, out = (np.array(values, dtype=float) for values in NARROW[name])
    weights = {"left": inputs, "right": inputs, "out": out}
    if out_bias is not None:
        weights["out_bias"] = np.array([out_bias, 0.0])
    network = network_of("direct", weights)
    section = choose_fixed_point(network)
    expected = count_correct_slowly(evaluate("direct", weights), cyclic(2))
    for arithmetic in ("float64", "int64"):
        assert check_exhaustive(network, group_of(cyclic(2)), section, arithmetic).by_cases == expected


@given(st.one_of(networks(small_arrays), networks(wild_arrays)))
@settings(deadline=None, max_examples=200)
def test_the_count_is_that_of_a_slow_evaluation(case: tuple[str, Weights, Table]) -> None:
    """Pairs are counted as fractions count them, straight from the weights; a tie is not correct."""
    architecture, weights, table = case
    network = network_of(architecture, weights)
    found = check_exhaustive(network, group_of(table), choose_fixed_point(network), "float64")
    assert found.by_cases == count_correct_slowly(evaluate(architecture, weights), table)


@pytest.mark.parametrize("wrong", [0, 1, 5, 35])
def test_the_count_is_the_number_of_detectors(wrong: int) -> None:
    """A network with detectors for some pairs of S3 is correct on just these and ties on the others."""
    table = relabel(symmetric(3), 0)
    pairs = [(x, y) for x in range(6) for y in range(6)][wrong:]
    network = network_of("direct", detector_weights(table, pairs))
    found = check_exhaustive(network, group_of(table), choose_fixed_point(network), "float64")
    assert found.by_cases == 36 - wrong


@pytest.mark.parametrize("architecture", ["direct_tied", "mapped", "added_tied"])
def test_weights_of_few_bits_are_not_rounded(architecture: str) -> None:
    """Small multiples of 1/2 fit the fixed point, so there is no slack and no pair is evaluated twice."""
    network = network_of(architecture, cyclic_weights(architecture, 7))
    section = choose_fixed_point(network)
    assert section.activation_bits == network.a.bits
    assert section.unembedding_bits == network.U.bits
    rounded = round_network(network, section, "float64")
    assert (rounded.slack, rounded.slack_per_activation) == (0, 0)
    found = check_exhaustive(network, group_of(cyclic(7)), section, "float64")
    assert (found.by_cases, found.cost["exact_multiply_adds"]) == (49, 0)


@pytest.mark.parametrize("scale", [-900, -30, 30, 900])
def test_the_fixed_point_follows_the_scale_of_the_weights(scale: int) -> None:
    """Weights of 53 bits, all scaled by a power of two: the same pairs are decided without the exact weights."""
    generator = np.random.default_rng(0)
    weights = {
        role: values + generator.standard_normal(values.shape) / 50
        for role, values in detector_weights(symmetric(3)).items()
    }

    def tally(exponent: int) -> tuple[int, int]:
        network = network_of("direct", {role: np.ldexp(values, exponent) for role, values in weights.items()})
        found = check_exhaustive(network, group_of(symmetric(3)), choose_fixed_point(network), "float64")
        return found.by_cases, found.cost["exact_multiply_adds"]

    expected = count_correct_slowly(evaluate("direct", weights), symmetric(3))
    assert tally(0) == tally(scale) == (expected, 0)

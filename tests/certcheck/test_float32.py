"""float32: the bounds against their definition in docs/soundness.md, one product at a time in fractions."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from certcheck.exact import compute_numerators
from certcheck.float32 import bound_float32_errors, bound_pair, scale_errors
from certcheck.network import Network, check_network, count_summands, fold
from certcheck.verdict import Reason, Refusal
from tests.certcheck.test_exact import FractionRows
from tests.certcheck.test_exhaustive import make_network
from tests.certcheck.test_network import BIASES, MATRICES, ORDER, compute_folded, make_section, store

Floats = NDArray[np.float64]
SMALLEST_NORMAL = Fraction(1, 2**126)
# What an input of each architecture adds up, as n = 3, l = 2, r = 4 and m = 5 of test_network make it; docs, claim 22.
SUMMANDS = {
    "concatenated": 6,
    "concatenated_tied": 4,
    "mapped": 6,
    "mapped_tied": 4,
    "added": 3,
    "added_tied": 3,
    "direct": 2,
    "direct_tied": 2,
}


def read_weights(weights: dict[str, Floats]) -> dict[str, FractionRows]:
    """Rows of fractions by role, as the formula uses them; a bias is one row."""
    rows = {}
    for role, values in weights.items():
        matrix = values.reshape(1, -1) if values.ndim == 1 else values
        used = matrix.T if role.endswith("_transposed") else matrix
        rows[role.removesuffix("_transposed")] = [[Fraction(float(v)) for v in row] for row in used]
    return rows


@dataclass(frozen=True, slots=True)
class Products:
    """What one side of a pair adds to the input of a neuron: value, and the same of absolute values."""

    value: Fraction
    magnitude: Fraction


class Textbook:
    """Claims 22 to 24 as the document has them, for one unit roundoff u; every sum is a loop.

    left[x][i], right[y][i]: what x and y add to the input of neuron i, the bias with x.
    """

    def __init__(self, weights: dict[str, Floats], bits: int) -> None:
        W = read_weights(weights)
        self.u = Fraction(1, 2**bits)
        self.out, self.m = W["out"], len(W["out"])
        n = len(self.out[0])
        self.beta = W.get("out_bias", [[Fraction(0)] * n])[0]
        rows = [W["left"], W["right"]] if "left" in W else [W["embedding"]] * 2
        if "hidden" in W:
            split = len(rows[0][0])
            maps = [W["hidden"][:split], W["hidden"][split:]]
            self.K = len(W["hidden"])
        elif "shared_map" in W:
            maps, self.K = [W["shared_map"]] * 2, len(W["shared_map"]) + 1
        elif "left_map" in W:
            maps, self.K = [W["left_map"], W["right_map"]], len(W["left_map"]) + len(W["right_map"])
        else:
            one = [[Fraction(i == j) for j in range(self.m)] for i in range(self.m)]
            maps, self.K = [one, one], 2
        bias = W.get("hidden_bias", [[Fraction(0)] * self.m])[0]
        self.left, self.right = (
            [[self.multiply(row, side, i, b) for i, b in enumerate(biases)] for row in own]
            for own, side, biases in zip(rows, maps, (bias, [Fraction(0)] * self.m), strict=True)
        )
        self.largest = max(abs(v) for own in W.values() for row in own for v in row)
        self.n = n
        self.bound_flushing()

    @staticmethod
    def multiply(row: list[Fraction], side: FractionRows, i: int, bias: Fraction) -> Products:
        """The products of a neuron and its bias."""
        value, magnitude = bias, abs(bias)
        for p, column in zip(row, side, strict=True):
            value += p * column[i]
            magnitude += abs(p * column[i])
        return Products(value, magnitude)

    def gamma(self, count: int) -> Fraction:
        """ku / (1 - ku) for k = count + 3."""
        k = count + 3
        return k * self.u / (1 - k * self.u)

    def bound_flushing(self) -> None:
        """tau, H and tau'."""
        self.tau = 32 * SMALLEST_NORMAL * (2 * self.largest + 1) * self.K
        self.H = [
            2 * (max(row[i].magnitude for row in self.left) + max(row[i].magnitude for row in self.right)) + self.tau
            for i in range(self.m)
        ]
        self.logit_tau = 32 * SMALLEST_NORMAL * (sum(self.H) + (self.largest + 1) * self.m)
        self.logit = 2 * (sum(h * self.height(i) for i, h in enumerate(self.H)) + max(map(abs, self.beta)))
        self.all_numbers = max(8 * self.largest, *self.H, self.logit + self.logit_tau)

    def height(self, i: int) -> Fraction:
        """W_i."""
        return max(map(abs, self.out[i]))

    def width(self, i: int) -> Fraction:
        """w_i."""
        return max(self.out[i]) - min(self.out[i])

    def bound_constant(self) -> Fraction:
        """What E(x, y) has of neither x nor y: flushing, and the bias."""
        gamma = self.gamma(self.m)
        total = 2 * gamma * max(map(abs, self.beta)) + 2 * self.logit_tau
        for i in range(self.m):
            total += (self.width(i) + 2 * gamma * self.height(i)) * self.tau
        return total

    def bound_side(self, row: list[Products]) -> Fraction:
        """What E(x, y) has of x, or of y."""
        gamma, total = self.gamma(self.m), Fraction(0)
        for i, products in enumerate(row):
            total += (self.width(i) + 2 * gamma * self.height(i)) * self.gamma(self.K) * products.magnitude
            total += 2 * gamma * self.height(i) * max(products.value, Fraction(0))
        return total

    def bound_pair(self, x: int, y: int) -> Fraction:
        """E(x, y) with the activations themselves, without the neurons that stay at 0: claim 24."""
        gamma, total = self.gamma(self.m), self.bound_constant()
        for i, (a, c) in enumerate(zip(self.left[x], self.right[y], strict=True)):
            value, error = a.value + c.value, self.gamma(self.K) * (a.magnitude + c.magnitude)
            if value + error + self.tau > 0:
                total += (self.width(i) + 2 * gamma * self.height(i)) * error
                total += 2 * gamma * self.height(i) * max(value, Fraction(0))
        return total


# 24 digits and an exponent: of ordinary size, or so small that what is flushed to 0 is as large as roundings.
ORDINARY = st.floats(-4, 4, width=32)
TINY = st.builds(lambda k, e: k * 2.0**e, st.integers(-(2**12), 2**12), st.integers(-149, -100))
SHORT = st.builds(lambda k: k / 4, st.integers(-6, 6))


@st.composite
def networks(draw: st.DrawFn, architecture: str) -> Network:
    """Weights of one or of two sizes, biases or none, matrices as stored by either torch module."""
    shapes: dict[str, tuple[int, ...]] = dict(MATRICES[architecture])
    shapes |= {bias: BIASES[bias] for bias in draw(st.sets(st.sampled_from(sorted(BIASES))))}
    tensors = {}
    for role, shape in shapes.items():
        size, kind = int(np.prod(shape)), draw(st.sampled_from([ORDINARY, TINY, SHORT]))
        values = np.array(draw(st.lists(kind, min_size=size, max_size=size))).reshape(shape)
        transposed = len(shape) == 2 and draw(st.booleans())
        tensors[role + "_transposed" * transposed] = store(values.T if transposed else values)
    return check_network(make_section(architecture, tensors), ORDER)


def agrees(network: Network, bits: int) -> bool:
    """Whether every number is that of the textbook, rounded up once."""
    errors, book = bound_float32_errors(network, bits), Textbook(network.weights, bits)
    unit = Fraction(1, errors.denominator)
    good = all(0 <= errors.x[x] * unit - book.bound_side(book.left[x]) - book.bound_constant() < unit for x in range(3))
    good &= all(errors.y[y] * unit == book.bound_side(book.right[y]) for y in range(3))
    for x, y in itertools.product(range(3), repeat=2):
        good &= 0 <= bound_pair(errors, x, y) - book.bound_pair(x, y) < unit
        good &= bound_pair(errors, x, y) <= (errors.x[x] + errors.y[y]) * unit
    return good


@pytest.mark.parametrize("architecture", MATRICES)
@settings(deadline=None, max_examples=25)
@given(data=st.data(), bits=st.sampled_from([5, 8, 11, 24]))
def test_the_errors_are_those_of_the_document(architecture: str, data: st.DataObject, bits: int) -> None:
    """Claims 22, 23 and 24: gamma, flushing, widths and heights, for all pairs and pair by pair."""
    assert agrees(data.draw(networks(architecture)), bits)


@pytest.mark.parametrize("architecture", MATRICES)
def test_what_is_added_up_is_counted(architecture: str) -> None:
    """A number for each product, one more for embeddings that are added first, two numbers without products."""
    rng = np.random.default_rng(1)
    weights = {role: rng.normal(size=shape) for role, shape in MATRICES[architecture].items()}
    assert count_summands(weights) == SUMMANDS[architecture]
    assert SUMMANDS[architecture] == Textbook(weights, 24).K
    biases = {bias: rng.normal(size=shape) for bias, shape in BIASES.items()}
    turned = {f"{role}_transposed": values.T for role, values in weights.items()}
    assert count_summands(weights | biases) == count_summands(turned | biases) == SUMMANDS[architecture]


@pytest.mark.parametrize("architecture", MATRICES)
@settings(deadline=None, max_examples=10)
@given(data=st.data())
def test_absolute_values_fold_to_the_same_unit(architecture: str, data: st.DataObject) -> None:
    """Claim 22: magnitudes are read at the places of the inputs, whatever the signs."""
    network = data.draw(networks(architecture))
    absolute = fold({role: np.abs(values) for role, values in network.weights.items()})
    for matrix, other in zip(absolute, (network.a, network.c, network.U, network.beta), strict=True):
        assert matrix.bits == other.bits
        assert matrix.numerators == compute_numerators(matrix, other.bits)


def test_a_computation_by_hand() -> None:
    """One neuron 3 + 1 - 2, U = (5, -1), u = 1/64: gamma of 5 is 5/59, of 4 it is 4/60.

    w + 2 gamma' W = 6 + 2/15 * 5 = 20/3; x has 3 + 2 in magnitude and 1 in value: 20/3 * 25/59 + 2/3, y 20/3 * 5/59 and
    2/3; what is flushed comes on top of 0 for the bias. Together with activations of 2 this is 20/3 * 30/59 + 4/3.
    """
    network = make_network([[3.0]] * 2, [[1.0]] * 2, [[5.0, -1.0]], hidden_bias=[-2.0])
    errors = bound_float32_errors(network, 6)
    x, y = Fraction(20 * 25, 3 * 59) + Fraction(2, 3), Fraction(20 * 5, 3 * 59) + Fraction(2, 3)
    assert 0 < Fraction(errors.x[0], errors.denominator) - x < Fraction(1, 1000)
    assert Fraction(errors.y[1], errors.denominator) == y
    assert 0 < bound_pair(errors, 1, 0) - Fraction(20 * 30, 3 * 59) - Fraction(4, 3) < Fraction(1, 1000)


def test_a_neuron_that_stays_at_zero_costs_a_pair_nothing() -> None:
    """Claim 24: an input of -1 that is off by 15/59 is at most 0; one of -1/16 may be lifted, and costs its error."""
    for value, counts in ((-1.0, False), (-0.0625, True), (-0.015625, True), (0.0, True), (1.0, True)):
        network = make_network([[value]] * 2, [[1.0]] * 2, [[5.0, -1.0]], hidden_bias=[-1.0])
        errors, magnitude = bound_float32_errors(network, 6), abs(Fraction(value)) + 2
        found = bound_pair(errors, 0, 0) - Fraction(errors.constant, errors.denominator)
        expected = Fraction(20, 3) * Fraction(5, 59) * magnitude + Fraction(2, 3) * max(0, Fraction(value))
        assert found == (expected if counts else 0)


@pytest.mark.parametrize(("units", "counts"), [(-1, False), (0, False), (1, True)])
def test_the_edge_of_staying_at_zero_counts_what_is_flushed(units: int, *, counts: bool) -> None:
    """Claim 24: at u = 1/16 gamma is 5/11, tau 3 * 2^-120; -6 * 2^-120 + 3 * 2^-124 is -e, and not above 0 with it."""
    right = 3 * 2.0**-124 + units * 2.0**-146
    network = make_network([[-6 * 2.0**-120]] * 2, [[right]] * 2, [[1.0, 0.0]])
    errors, book = bound_float32_errors(network, 4), Textbook(network.weights, 4)
    value, magnitude = (-6 * Fraction(2) ** -120 + Fraction(right)), 6 * Fraction(2) ** -120 + Fraction(right)
    assert book.tau == 3 * Fraction(2) ** -120
    assert (value + Fraction(5, 11) * magnitude + book.tau > 0) == counts
    assert (bound_pair(errors, 0, 0) > Fraction(errors.constant, errors.denominator)) == counts
    # Of -8 + 3 all of it is gamma: what is flushed, far below a unit, lifts it.
    errors = bound_float32_errors(make_network([[-8.0]] * 2, [[3.0]] * 2, [[1.0, 0.0]]), 4)
    assert bound_pair(errors, 0, 0) > Fraction(errors.constant, errors.denominator)


def agrees_for_two(network: Network) -> bool:
    """The same as `agrees` for the first pair of an order of two."""
    errors, book = bound_float32_errors(network, 24), Textbook(network.weights, 24)
    return 0 <= bound_pair(errors, 0, 0) - book.bound_pair(0, 0) < Fraction(1, errors.denominator)


@settings(deadline=None, max_examples=40)
@given(data=st.data(), bits=st.integers(-200, 90), roundoff=st.sampled_from([5, 24]))
def test_errors_are_scaled_upwards_and_cut_below_2_to_the_62(data: st.DataObject, bits: int, roundoff: int) -> None:
    """The smallest integers that are not below them, in any unit; what is larger than a margin can be is 2^62 - 1."""
    errors = bound_float32_errors(data.draw(networks("direct")), roundoff)
    for found, side in zip(scale_errors(errors, bits), (errors.x, errors.y), strict=True):
        exact = [Fraction(v, errors.denominator) * Fraction(2) ** bits for v in side]
        assert found.dtype == np.int64
        assert found.tolist() == [min(-(-v.numerator // v.denominator), 2**62 - 1) for v in exact]


def test_scaled_errors_reach_the_cut() -> None:
    """Both below and above it."""
    errors = bound_float32_errors(make_network([[1.0], [0.0]], [[1.0], [0.0]], [[1.0, 0.0]]), 24)
    x = Fraction(errors.x[0], errors.denominator)
    bits = next(b for b in itertools.count() if x * 2**b > 2**62)
    assert scale_errors(errors, bits)[0][0] == 2**62 - 1
    assert 2**61 <= scale_errors(errors, bits - 1)[0][0] < 2**62 - 1


def refuse(weights: dict[str, Any], bits: int = 24) -> tuple[Reason, str, str, str]:
    """All that the refusal says."""
    with pytest.raises(Refusal) as caught:
        bound_float32_errors(make_network(**weights), bits)
    return caught.value.reason, caught.value.where, caught.value.expected, caught.value.got


ROLES = ("left", "right", "out", "hidden_bias", "out_bias")


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("value", [0.1, 1 + 2.0**-24, 2.0**-150, 2.0**128, -(2.0**128), 1e300])
def test_a_weight_that_binary32_does_not_hold_is_refused(role: str, value: float) -> None:
    """Digits beyond the 24th, below its subnormals, beyond its largest; where it stands."""
    weights: dict[str, Any] = {"left": [[0.0]] * 2, "right": [[0.0]] * 2, "out": [[0.0, 0.0]]}
    weights |= {"hidden_bias": [0.0], "out_bias": [0.0, 0.0]}
    assert bound_float32_errors(make_network(**weights), 24).denominator > 0
    changed = np.array(weights[role])
    changed.flat[-1] = value
    found = refuse(weights | {role: changed})
    assert found == (
        Reason.WEIGHT_NOT_BINARY32,
        f"network.roles.{role}",
        "numbers that binary32 holds",
        "others",
    )


@pytest.mark.parametrize("value", [0.5, 1 + 2.0**-23, 2.0**-149, -(2.0**-149), 2.0**-126 - 2.0**-149, 2.0**100])
def test_all_numbers_of_binary32_are_taken(value: float) -> None:
    """Down to its last subnormal."""
    network = make_network([[value]] * 2, [[0.0]] * 2, [[2.0**-20, 0.0]])
    assert agrees_for_two(network)


def make_mapped(left: int, right: int, m: int) -> Network:
    """Ones everywhere, with these sizes of the two embeddings."""
    shapes = {"left": (3, left), "right": (3, right), "left_map": (left, m), "right_map": (right, m), "out": (m, 3)}
    return check_network(make_section("mapped", {role: store(np.ones(shape)) for role, shape in shapes.items()}), 3)


@pytest.mark.parametrize(
    ("left", "right", "m", "bits", "most"),
    [(2, 3, 2, 4, None), (2, 4, 2, 4, 18), (1, 1, 5, 4, None), (1, 1, 6, 4, 18), (1, 1, 1, 1, 10), (4, 4, 6, 3, 22)],
)
def test_a_unit_roundoff_that_bounds_nothing_is_refused(
    left: int, right: int, m: int, bits: int, most: int | None
) -> None:
    """Claim 22: 2 k u <= 1, for the inputs with k = K + 3 and for the logits with k = m + 3; equality passes."""
    network = make_mapped(left, right, m)
    if most is None:
        assert agrees(network, bits)
        return
    with pytest.raises(Refusal) as caught:
        bound_float32_errors(network, bits)
    assert (caught.value.reason, caught.value.where) == (Reason.FLOAT32_UNBOUNDED, "statement.unit_roundoff_bits")
    assert (caught.value.expected, caught.value.got) == (f"a unit roundoff of at most 1/{most}", f"1/{2**bits}")


def make_large(**changes: Any) -> dict[str, Any]:
    """One neuron of two zeros, and these weights."""
    return {"left": [[0.0]] * 2, "right": [[0.0]] * 2, "out": [[0.0, 0.0]]} | changes


# Just at 2^127, and the next number of binary32 or the next that counts.
NEXT = 1 + 2.0**-23
EDGES: list[tuple[dict[str, Any], dict[str, Any]]] = [
    # Eight times a weight.
    ({"left": [[2.0**124]] * 2}, {"left": [[2.0**124 * NEXT]] * 2}),
    ({"out_bias": [-(2.0**124), 0.0]}, {"out_bias": [0.0, 2.0**124 * NEXT]}),
    # Twice the product of an activation, which counts twice itself, and of a weight.
    (
        {"left": [[2.0**61 * (2 - 2.0**-23)]] * 2, "out": [[2.0**63, 0.0]]},
        {"left": [[2.0**62]] * 2, "out": [[-(2.0**63), 0.0]]},
    ),
    # The same in units of 2^-40.
    (
        {"left": [[2.0**61 * (2 - 2.0**-23)]] * 2, "out": [[2.0**63, 2.0**-40]]},
        {"left": [[2.0**62]] * 2, "out": [[-(2.0**63), 2.0**-40]]},
    ),
    (
        {"left": [[2.0**60], [0.0]], "right": [[0.0], [2.0**60 * (1 - 2.0**-23)]], "out": [[2.0**64, 0.0]]},
        {"left": [[2.0**60], [0.0]], "right": [[0.0], [-(2.0**60)]], "out": [[0.0, 2.0**64]]},
    ),
    # A quarter of it by the bias.
    (
        {"left": [[3 * 2.0**60]] * 2, "out": [[2.0**63, 0.0]], "out_bias": [0.0, -(2.0**124) * (1 - 2.0**-24)]},
        {"left": [[3 * 2.0**60]] * 2, "out": [[2.0**63, 0.0]], "out_bias": [0.0, -(2.0**124)]},
    ),
]


@pytest.mark.parametrize(("fits", "too_large"), EDGES)
def test_what_could_overflow_is_refused(fits: dict[str, Any], too_large: dict[str, Any]) -> None:
    """Claim 22: weights, activations and logits, each from its first value on for which the bound exceeds 2^127."""
    network = make_network(**make_large(**fits))
    assert Textbook(network.weights, 24).all_numbers <= 2**127
    assert agrees_for_two(network)
    network = make_network(**make_large(**too_large))
    assert Textbook(network.weights, 24).all_numbers > 2**127
    found = refuse(make_large(**too_large))
    where = "statement.unit_roundoff_bits"
    assert found == (Reason.FLOAT32_UNBOUNDED, where, "numbers that stay below 2^127", "larger ones")


def test_an_activation_could_overflow_too() -> None:
    """Claim 22: 2^63 times 2^63, whose double is 2^127, and what is flushed; one is enough, and outputs of zero."""
    tensors = {"left": [[2.0**63]] * 3, "right": [[0.0]] * 3, "left_map": [[2.0**63, 0.0]], "right_map": [[0.0, 0.0]]}
    for scale, fits in ((1.0, False), (1 - 2.0**-24, True)):
        section = {role: store(np.array(values)) for role, values in (tensors | {"out": [[0.0] * 3] * 2}).items()}
        section["left"] = store(np.array(tensors["left"]) * scale)
        network = check_network(make_section("mapped", section), 3)
        assert (Textbook(network.weights, 24).all_numbers <= 2**127) == fits
        if fits:
            assert agrees(network, 24)
        else:
            with pytest.raises(Refusal) as caught:
                bound_float32_errors(network, 24)
            assert caught.value.reason is Reason.FLOAT32_UNBOUNDED


@settings(deadline=None, max_examples=30)
@given(data=st.data(), architecture=st.sampled_from(sorted(MATRICES)))
def test_the_textbook_reads_the_network(data: st.DataObject, architecture: str) -> None:
    """Its inputs give the logits of the folded network: the comparison is about the same function."""
    network = data.draw(networks(architecture))
    book = Textbook(network.weights, 24)
    for x, y in itertools.product(range(3), repeat=2):
        inputs = [a.value + c.value for a, c in zip(book.left[x], book.right[y], strict=True)]
        hidden = [max(v, Fraction(0)) for v in inputs]
        logits = [book.beta[z] + sum(h * row[z] for h, row in zip(hidden, book.out, strict=True)) for z in range(3)]
        assert logits == compute_folded(network, x, y)

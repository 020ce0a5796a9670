"""What networks answer in binary32, in many orders and modes, beside what is claimed of it: nothing contradicts it.

Loops of numpy evaluate every pair in orders that cancel worst, with products fused to additions, with subnormals taken
for 0, and with fewer digits; torch evaluates as a user would, on each device that is there.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from certcheck.comparison import Auditor
from certcheck.decision import check
from certcheck.document import ExhaustiveSection
from certcheck.evidence import Demands
from certcheck.exhaustive import check_exhaustive
from certcheck.float32 import bound_float32_errors, bound_pair
from certcheck.group import Group, check_group
from certcheck.network import Network, check_network
from certcheck.verdict import Reason, Refusal
from tests.certcheck.test_exhaustive import GROUPS
from tests.certcheck.test_float32 import Textbook
from tests.certcheck.test_network import MATRICES, compute_folded, make_section, store
from tests.certificates import S3 as S3_ELEMENTS
from tests.certificates import certificate, encode, pair_detectors

Single = NDArray[np.float32]
ROOT = Path(__file__).parents[2]
S3 = GROUPS["S3"]
SMALLEST_NORMAL = np.float32(2.0**-126)


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """How numbers are added and multiplied.

    is_fused: a product and its addition are rounded once. is_flushing: subnormals are 0 where they are read and where
    they result. read_bits, bits: significant digits of what a product reads, and of what results.
    """

    is_fused: bool = False
    is_flushing: bool = False
    read_bits: int = 24
    bits: int = 24

    def read(self, values: Single) -> Single:
        """What an operation sees of an operand."""
        return np.where(np.abs(values) < SMALLEST_NORMAL, np.float32(0), values) if self.is_flushing else values

    def end(self, values: Single) -> Single:
        """What results."""
        return self.read(round_to(values, self.bits))

    def multiply(self, p: Single, q: Single) -> Single:
        """The product."""
        return self.end(self.read(round_to(p, self.read_bits)) * self.read(round_to(q, self.read_bits)))

    def add(self, s: Single, t: Single) -> Single:
        """The sum."""
        return self.end(self.read(s) + self.read(t))

    def multiply_add(self, p: Single, q: Single, s: Single) -> Single:
        """The product p q added to s."""
        if not self.is_fused:
            return self.add(s, self.multiply(p, q))
        p, q = (self.read(round_to(side, self.read_bits)) for side in (p, q))
        return self.end(fuse(p, q, self.read(s)))


def round_to(values: Single, bits: int) -> Single:
    """The nearest numbers of so many binary digits, ties to even."""
    if bits == 24:
        return values
    fraction, exponent = np.frexp(values.astype(np.float64))
    return np.ldexp(np.rint(np.ldexp(fraction, bits)), exponent - bits).astype(np.float32)


def fuse(p: Single, q: Single, s: Single) -> Single:
    """P q + s rounded once: in float64 to odd, which leaves nothing in the middle of two binary32 numbers."""
    # 48 digits: exact.
    product, addend = p.astype(np.float64) * q.astype(np.float64), s.astype(np.float64)
    total = product + addend
    other = total - product
    rest = (product - (total - other)) + (addend - other)
    is_even = total.view(np.int64) % 2 == 0
    toward = np.nextafter(total, np.where(rest > 0, np.inf, -np.inf))
    return np.where((rest != 0) & is_even, toward, total).astype(np.float32)


FLOAT32 = [Arithmetic(*modes) for modes in itertools.product((False, True), repeat=2)]
# TF32 reads 11 digits; bfloat16 has 8.
COARSE = {11: Arithmetic(is_fused=True, read_bits=11), 8: Arithmetic(is_flushing=True, read_bits=8, bits=8)}

# Where each product is added, from the exact products, (..., K).
Order = Callable[[NDArray[np.float64]], NDArray[np.intp]]
RNG = np.random.default_rng(7)
ORDERS: dict[str, Order] = {
    "as stored": lambda t: np.broadcast_to(np.arange(t.shape[-1]), t.shape),
    "reversed": lambda t: np.broadcast_to(np.arange(t.shape[-1])[::-1], t.shape),
    "rising": lambda t: np.argsort(t, axis=-1),
    "falling": lambda t: np.argsort(-t, axis=-1),
    "smallest first": lambda t: np.argsort(np.abs(t), axis=-1),
    "largest first": lambda t: np.argsort(-np.abs(t), axis=-1),
    "shuffled": lambda t: np.argsort(RNG.random(t.shape), axis=-1),
}


def add_in_order(how: Arithmetic, order: str, p: Single, q: Single) -> Single:
    """The sum of the products p q over the last axis, one after the other, or by halves."""
    p, q = np.broadcast_arrays(p, q)
    if order == "by halves":
        terms = how.multiply(p, q)
        while terms.shape[-1] > 1:
            odd = terms[..., -1:] if terms.shape[-1] % 2 else terms[..., :0]
            terms = np.concatenate([how.add(terms[..., :-1:2], terms[..., 1::2]), odd], axis=-1)
        return terms[..., 0]
    places = ORDERS[order](p.astype(np.float64) * q.astype(np.float64))
    p, q = np.take_along_axis(p, places, axis=-1), np.take_along_axis(q, places, axis=-1)
    total = how.multiply(p[..., 0], q[..., 0])
    for k in range(1, p.shape[-1]):
        total = how.multiply_add(p[..., k], q[..., k], total)
    return total


def list_products(how: Arithmetic, weights: dict[str, Single], x: int) -> tuple[Single, Single]:
    """What neurons add up for one x and every y: (n, 1 or m, K) and (m, K); a bias is multiplied by 1."""
    W = weights
    left, right = (W["left"], W["right"]) if "left" in W else (W["embedding"], W["embedding"])
    m, left = len(W["out"]), np.broadcast_to(left[x], left.shape)
    if "hidden" in W:
        p, q = np.c_[left, right][:, None], W["hidden"].T
    elif "shared_map" in W:
        p, q = how.add(left, right)[:, None], W["shared_map"].T
    elif "left_map" in W:
        p, q = np.c_[left, right][:, None], np.concatenate([W["left_map"], W["right_map"]]).T
    else:
        p, q = np.stack([left, right], axis=-1), np.ones((m, 2), dtype=np.float32)
    if "hidden_bias" in W:
        p = np.broadcast_to(p, (len(left), *q.shape))
        bias = np.broadcast_to(W["hidden_bias"], p.shape[:2])[:, :, None]
        p, q = np.concatenate([p, bias], axis=2), np.c_[q, np.ones(m, dtype=np.float32)]
    return p, q


def evaluate(how: Arithmetic, order: str, weights: dict[str, Single]) -> tuple[Single, Single]:
    """The inputs of all neurons, (n, n, m), and the logits, (n, n, n), of every pair."""
    n, U = weights["out"].shape[1], weights["out"].T
    inputs = np.array([add_in_order(how, order, *list_products(how, weights, x)) for x in range(n)])
    hidden = np.maximum(inputs, np.float32(0))
    if "out_bias" in weights:
        hidden = np.concatenate([hidden, np.ones((n, n, 1), dtype=np.float32)], axis=-1)
        U = np.c_[U, weights["out_bias"]]
    return inputs, np.array([add_in_order(how, order, row[:, None], U) for row in hidden])


def make_weights(architecture: str, seed: int, kind: str) -> dict[str, Single]:
    """Random weights for the six elements of S3: as trained, of many sizes, that cancel, or that fall below 2^-126."""
    rng = np.random.default_rng(seed)
    shapes = {
        role: (6 if shape[0] == 3 else shape[0], 6 if shape[1] == 3 else shape[1])
        for role, shape in MATRICES[architecture].items()
    }
    shapes |= {bias: (size,) for bias, size in (("hidden_bias", 5), ("out_bias", 6)) if rng.random() < 0.5}
    weights = {role: rng.normal(size=shape) for role, shape in shapes.items()}
    for role, values in weights.items():
        if kind == "of many sizes":
            weights[role] = values * 2.0 ** rng.integers(-20, 20, values.shape)
        elif kind == "cancelling" and role != "out_bias":
            # Large numbers of alternating signs, whose sums are small.
            weights[role] = values + 2.0**12 * (-1.0) ** np.arange(values.size).reshape(values.shape)
        elif kind == "tiny":
            weights[role] = values * 2.0 ** rng.integers(-145, -55 if role != "out_bias" else -110, values.shape)
    return {role: values.astype(np.float32) for role, values in weights.items()}


def fold(architecture: str, weights: dict[str, Single], order: int = 6) -> Network:
    """The network of these weights."""
    tensors = {role: store(values.astype(np.float64)) for role, values in weights.items()}
    return check_network(make_section(architecture, tensors), order)


@dataclass(frozen=True, slots=True)
class Expectation:
    """What claims 22 to 24 say of a network: for each pair its product, inputs with errors, margins less errors."""

    right: NDArray[np.int64]
    inputs: list[list[list[tuple[Fraction, Fraction]]]]
    least: list[list[list[Fraction]]]
    is_proved: NDArray[np.bool_]


def expect(network: Network, G: Group, bits: int) -> Expectation:
    """By the checker's own numbers for pairs, and the textbook's for inputs."""
    n, errors, book = G.order, bound_float32_errors(network, bits), Textbook(network.weights, bits)
    inputs, least, is_proved = [], [], np.zeros((n, n), dtype=bool)
    for x in range(n):
        inputs.append(
            [
                [
                    (a.value + c.value, book.gamma(book.K) * (a.magnitude + c.magnitude) + book.tau)
                    for a, c in zip(book.left[x], book.right[y], strict=True)
                ]
                for y in range(n)
            ]
        )
        least.append([])
        for y in range(n):
            logits, v = compute_folded(network, x, y), int(G.table[x, y])
            least[x].append([logits[v] - logits[z] - bound_pair(errors, x, y) for z in range(n)])
            is_proved[x, y] = all(least[x][y][z] > 0 for z in range(n) if z != v)
    return Expectation(G.table.astype(np.int64), inputs, least, is_proved)


def contradicts(expectation: Expectation, inputs: Single, logits: Single) -> Iterator[str]:
    """Each number that is further off than it may be, and each proved pair that is answered wrongly."""
    n = len(logits)
    assert np.isfinite(logits).all()
    for x, y in itertools.product(range(n), repeat=2):
        v = int(expectation.right[x, y])
        for i, (value, error) in enumerate(expectation.inputs[x][y]):
            if abs(Fraction(float(inputs[x, y, i])) - value) > error:
                yield f"input of neuron {i} for {x}, {y}"
        row = [Fraction(float(logit)) for logit in logits[x, y]]
        for z in set(range(n)) - {v}:
            if row[v] - row[z] < expectation.least[x][y][z]:
                yield f"margin over {z} for {x}, {y}"
        if expectation.is_proved[x, y] and not all(row[v] > row[z] for z in set(range(n)) - {v}):
            yield f"answer for {x}, {y}"


@pytest.mark.parametrize("kind", ["as trained", "of many sizes", "cancelling", "tiny"])
@pytest.mark.parametrize("architecture", MATRICES)
def test_no_order_contradicts_the_bounds(architecture: str, kind: str) -> None:
    """Claims 22 to 24: inputs and margins of every pair over every label, in each order and mode."""
    weights = make_weights(architecture, 3, kind)
    expectation = expect(fold(architecture, weights), S3, 24)
    for how, order in itertools.product(FLOAT32, (*ORDERS, "by halves")):
        assert list(contradicts(expectation, *evaluate(how, order, weights))) == [], (how, order)


@pytest.mark.parametrize("bits", COARSE)
@pytest.mark.parametrize("architecture", ["mapped", "added", "direct"])
def test_no_coarser_arithmetic_contradicts_its_own_bounds(architecture: str, bits: int) -> None:
    """Operands of TF32 at 2^-11, and sums kept in bfloat16 at 2^-8; at 2^-24 they would be contradicted."""
    weights = make_weights(architecture, 4, "as trained")
    network, how = fold(architecture, weights), COARSE[bits]
    wide, narrow = expect(network, S3, bits), expect(network, S3, 24)
    found: list[str] = []
    for order in (*ORDERS, "by halves"):
        values = evaluate(how, order, weights)
        assert list(contradicts(wide, *values)) == [], order
        found += contradicts(narrow, *values)
    assert found


@settings(deadline=None, max_examples=40)
@given(
    architecture=st.sampled_from(sorted(MATRICES)),
    seed=st.integers(0, 2**32 - 1),
    kind=st.sampled_from(["as trained", "of many sizes", "cancelling", "tiny"]),
    how=st.sampled_from(FLOAT32),
    order=st.sampled_from([*ORDERS, "by halves"]),
)
def test_no_network_contradicts_the_bounds(
    architecture: str, seed: int, kind: str, how: Arithmetic, order: str
) -> None:
    """The same for networks that nobody has looked at."""
    weights = make_weights(architecture, seed, kind)
    expectation = expect(fold(architecture, weights), S3, 24)
    assert list(contradicts(expectation, *evaluate(how, order, weights))) == []


def test_orders_and_modes_differ() -> None:
    """What is tested above is not one evaluation many times; errors come within a twentieth of what is allowed."""
    weights = make_weights("mapped", 3, "cancelling")
    expectation = expect(fold("mapped", weights), S3, 24)
    seen, largest = set(), Fraction(0)
    for how, order in itertools.product(FLOAT32, (*ORDERS, "by halves")):
        inputs, logits = evaluate(how, order, weights)
        seen.add(logits.tobytes())
        for x, y, i in itertools.product(range(6), range(6), range(5)):
            value, error = expectation.inputs[x][y][i]
            largest = max(largest, abs(Fraction(float(inputs[x, y, i])) - value) / error)
    # Flushing changes nothing here.
    assert len(seen) >= 14
    assert Fraction(1, 20) < largest <= 1


@settings(deadline=None, max_examples=100)
@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=3, max_size=3), st.integers(-3, 3))
def test_a_fused_product_is_rounded_once(operands: list[float], units: int) -> None:
    """Against fractions: the nearest binary32 number to p q + s, also where s nearly cancels the product."""
    p, q, s = (np.array([v / 2.0**64 if abs(v) > 2.0**60 else v], dtype=np.float32) for v in operands)
    near = np.float32(-float(p[0]) * float(q[0]))
    for addend in (
        s,
        np.array([near], dtype=np.float32),
        np.array([near + units * np.spacing(near)], dtype=np.float32),
    ):
        exact = Fraction(float(p[0])) * Fraction(float(q[0])) + Fraction(float(addend[0]))
        found = fuse(p, q, addend)[0]
        off = abs(Fraction(float(found)) - exact)
        for other in (np.nextafter(found, np.float32(np.inf)), np.nextafter(found, np.float32(-np.inf))):
            assert off <= abs(Fraction(float(other)) - exact)


def make_forgetful() -> dict[str, Single]:
    """The pairs' detectors of S3, and two neurons that are always 1, which add 2^25 to each logit and take it away.

    The last answer has a bias of 1/4. In real numbers the right answer leads by 3/4 and more; in binary32 the 1 of the
    detectors is lost in 2^25.
    """
    weights = pair_detectors(S3_ELEMENTS)
    constant = np.ones((6, 1), dtype=np.float32)
    large = np.full((1, 6), 2.0**25, dtype=np.float32)
    return {
        "left": np.concatenate([constant, weights["left"], constant], axis=1),
        "right": np.concatenate([0 * constant, weights["right"], 0 * constant], axis=1),
        "out": np.concatenate([large, weights["out"], -large]),
        "out_bias": np.array([0, 0, 0, 0, 0, 0.25], dtype=np.float32),
    }


def claim(document: dict[str, Any], pairs: int) -> dict[str, Any]:
    """The certificate with a claim of binary32 beside its own."""
    more = {"float32_correct_pairs_at_least": pairs, "unit_roundoff_bits": 24}
    return document | {"statement": document["statement"] | more}


def test_what_is_right_in_real_numbers_may_be_wrong_in_binary32() -> None:
    """All 36 pairs are verified; 7 in binary32, one more than chance, are not, and 30 are in truth answered wrongly."""
    weights = make_forgetful()
    document = certificate(S3_ELEMENTS, weights)
    assert check(encode(document), Auditor()).pairs_by_cases == 36
    with pytest.raises(Refusal) as caught:
        check(encode(claim(document, 7)), Auditor())
    assert caught.value.reason is Reason.FLOAT32_BOUND_TOO_HIGH
    assert caught.value.expected.startswith("at most 0,")
    _, logits = evaluate(Arithmetic(), "as stored", weights)
    assert (logits.argmax(axis=2) == 5).all()
    assert int((logits.argmax(axis=2) == S3.table).sum()) == 6
    # In another order nothing is lost: what is claimed holds for all of them.
    _, logits = evaluate(Arithmetic(), "smallest first", weights)
    assert int((logits.argmax(axis=2) == S3.table).sum()) in range(6, 37)


def test_without_cancelling_binary32_is_verified() -> None:
    """The detectors alone, with the same bias, are right on 36 pairs in both."""
    weights = pair_detectors(S3_ELEMENTS) | {"out_bias": make_forgetful()["out_bias"]}
    proof = check(encode(claim(certificate(S3_ELEMENTS, weights), 36)), Auditor())
    assert (proof.float32_pairs_by_argument, proof.float32_pairs_by_cases) == (0, 36)
    for how, order in itertools.product(FLOAT32, (*ORDERS, "by halves")):
        assert (evaluate(how, order, weights)[1].argmax(axis=2) == S3.table).all()


DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
SHIPPED = {
    role: values.numpy()
    for role, values in torch.load(ROOT / "examples" / "S4.pt", map_location="cpu", weights_only=True).items()
}
ROLES = {
    "left": "embedding_left",
    "right": "embedding_right",
    "left_map": "linear_left",
    "right_map": "linear_right",
    "out": "unembedding",
    "out_bias": "unembed_bias",
}


@pytest.fixture(scope="module")
def shipped() -> tuple[Network, Group, dict[str, Single]]:
    """The shipped model, whose 576 pairs are proved in binary32 too."""
    weights = {role: SHIPPED[name] for role, name in ROLES.items()}
    elements = json.loads((ROOT / "examples" / "S4.group.json").read_text())["elements"]
    G = check_group(np.array(elements, dtype=np.int32), "elements")
    network = fold("mapped", weights, G.order)
    demands = Demands(float32=bound_float32_errors(network, 24))
    evidence = check_exhaustive(network, G, ExhaustiveSection(20, 20), "float64", demands=demands)
    assert (evidence.by_cases, evidence.float32_by_cases) == (576, 576)
    return network, G, weights


def run_torch(weights: dict[str, Single], order: list[int], inner: list[int], device: str, batch: int) -> Single:
    """The logits of all pairs as a user would compute them, with neurons and entries of embeddings in another order."""
    W = {role: torch.from_numpy(np.ascontiguousarray(values)).to(device) for role, values in weights.items()}
    for side in ("left", "right"):
        W[side], W[f"{side}_map"] = W[side][:, inner], W[f"{side}_map"][inner][:, order]
    W["out"] = W["out"][order]
    n = len(W["left"])
    xs, ys = torch.arange(n).repeat_interleave(n).to(device), torch.arange(n).repeat(n).to(device)
    parts = [
        torch.relu(W["left"][x] @ W["left_map"] + W["right"][y] @ W["right_map"]) @ W["out"] + W["out_bias"]
        for x, y in zip(xs.split(batch), ys.split(batch), strict=True)
    ]
    logits: Single = torch.cat(parts).cpu().numpy().reshape(n, n, n)
    return logits


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("batch", [1, 7, 64, 576])
@pytest.mark.parametrize("threads", [1, 2, 4])
def test_torch_never_contradicts_what_is_proved_of_the_shipped_model(
    device: str, batch: int, threads: int, shipped: tuple[Network, Group, dict[str, Single]]
) -> None:
    """In the stored order of neurons and in others; every margin is at least the true one less its error."""
    network, G, weights = shipped
    before = torch.get_num_threads()
    rng, n, m = np.random.default_rng(batch), G.order, 64
    least = compute_least(network, G)
    torch.set_num_threads(threads)
    try:
        for order, inner in (
            (list(range(m)), list(range(64))),
            (list(range(m))[::-1], list(range(64))[::-1]),
            (rng.permutation(m).tolist(), rng.permutation(64).tolist()),
            (np.argsort(np.abs(weights["out"]).sum(axis=1)).tolist(), rng.permutation(64).tolist()),
        ):
            logits = run_torch(weights, order, inner, device, batch)
            right = np.take_along_axis(logits, G.table[:, :, None].astype(np.intp), axis=2)
            # A difference of two binary32 numbers of like size is exact in float64.
            margins = right.astype(np.float64) - logits
            is_rival = np.arange(n) != G.table[:, :, None]
            assert (margins[is_rival] > 0).all()
            assert (margins >= least)[is_rival].all()
    finally:
        torch.set_num_threads(before)


LEAST: dict[str, NDArray[np.float64]] = {}


def compute_least(network: Network, G: Group) -> NDArray[np.float64]:
    """The true margins less the bounds of their errors, rounded down by less than 2^-39: (n, n, n)."""
    if not LEAST:
        errors, n = bound_float32_errors(network, 24), G.order
        U, beta = network.U.numerators.transpose(), network.beta.numerators
        found = np.zeros((n, n, n))
        for x, y in itertools.product(range(n), repeat=2):
            row = [max(a + c, 0) for a, c in zip(errors.inputs[0][x], errors.inputs[1][y], strict=True)]
            logits = [
                Fraction(sum(h * int(U[i, z]) for i, h in enumerate(row)) + int(beta[0, z]), 2**network.beta.bits)
                for z in range(n)
            ]
            error = bound_pair(errors, x, y)
            found[x, y] = [float(logits[G.table[x, y]] - logit - error) for logit in logits]
        LEAST["S4"] = found - 2.0**-40
    return LEAST["S4"]


def test_no_order_contradicts_what_is_proved_of_the_shipped_model(
    shipped: tuple[Network, Group, dict[str, Single]],
) -> None:
    """All 576 pairs, in some of the loops above: the right answer is above all others, by as much as claimed."""
    network, G, weights = shipped
    least, is_rival = compute_least(network, G), np.arange(24) != G.table[:, :, None]
    for how, order in (
        (Arithmetic(), "falling"),
        (Arithmetic(), "by halves"),
        (Arithmetic(is_fused=True), "rising"),
        (Arithmetic(is_flushing=True), "shuffled"),
    ):
        _, logits = evaluate(how, order, weights)
        right = np.take_along_axis(logits, G.table[:, :, None].astype(np.intp), axis=2)
        margins = right.astype(np.float64) - logits
        assert (margins[is_rival] > 0).all()
        assert (margins >= least)[is_rival].all()

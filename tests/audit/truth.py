"""What is true of a certificate's network and group, by a second method: Python's integers and nothing of certcheck.

The formula of docs/format.md is evaluated for every pair. Where a product is long, float64 decides the pairs whose
margin is far above its error, and integers decide the others.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Objects = NDArray[np.object_]
Floats = NDArray[np.float64]
Table = list[list[int]]

WIDTHS = {"float16": 2, "bfloat16": 2, "float32": 4, "float64": 8}
# Products of so many numbers are left to float64 where it is certain.
MANY_PRODUCTS = 2_000_000
# Numbers between these have products and sums that are normal in float64.
SMALLEST, LARGEST = 2.0**-200, 2.0**200


class NoTruthError(Exception):
    """The certificate says of itself what it must not: no group, no tensor, no formula."""


@dataclass(frozen=True, slots=True)
class Truth:
    """Of so many pairs so many are correct."""

    pairs: int
    correct: int


@dataclass(frozen=True, slots=True)
class Scaled:
    """The matrix numerators / 2**bits."""

    numerators: Objects
    bits: int

    def at(self, bits: int) -> Objects:
        """The numerators over 2**bits."""
        return self.numerators * 2 ** (bits - self.bits)


Folded = tuple[Scaled, Scaled, Scaled, Scaled]


def find_truth(document: dict[str, Any]) -> Truth:
    """How many pairs are correct, exactly. Errors: NoTruthError."""
    return _find_truth(json.dumps(document["group"]["elements"]), json.dumps(document["network"], sort_keys=True))


@lru_cache(maxsize=4096)
def _find_truth(elements: str, network: str) -> Truth:
    table = _compose(elements)
    return Truth(len(table) ** 2, _count_correct(fold(json.loads(network), len(table)), table))


@lru_cache(maxsize=4096)
def _compose(text: str) -> Table:
    """The multiplication table of permutations that are a group."""
    elements = [tuple(x) for x in json.loads(text)]
    points = tuple(range(len(elements[0])))
    index = {x: i for i, x in enumerate(elements)}
    if len(index) < len(elements) or any(tuple(sorted(x)) != points for x in elements):
        raise NoTruthError("not distinct permutations")
    # A finite set of permutations that is closed is a group.
    try:
        return [[index[tuple(x[i] for i in y)] for y in elements] for x in elements]
    except KeyError as error:
        raise NoTruthError(f"the product {error} is no element") from error


def read_tensor(tensor: dict[str, Any]) -> NDArray[np.float64]:
    """The values, in their shape, if the hash is right and all are finite."""
    data = base64.b64decode(tensor["data"])
    if hashlib.sha256(data).hexdigest() != tensor["sha256"]:
        raise NoTruthError("a hash of other bytes")
    if tensor["dtype"] == "bfloat16":
        values = np.frombuffer(b"".join(b"\0\0" + data[i : i + 2] for i in range(0, len(data), 2)), "<f4")
    else:
        values = np.frombuffer(data, f"<f{WIDTHS[tensor['dtype']]}")
    if not np.isfinite(values).all():
        raise NoTruthError("a weight that is not finite")
    return values.astype(np.float64).reshape(tensor["shape"])


def scale(values: NDArray[np.float64]) -> Scaled:
    """The same numbers over one power of two."""
    ratios = [value.as_integer_ratio() for value in values.ravel().tolist()]
    bits = max((denominator.bit_length() - 1 for _, denominator in ratios), default=0)
    numerators = np.empty(len(ratios), dtype=object)
    numerators[:] = [numerator << bits - (denominator.bit_length() - 1) for numerator, denominator in ratios]
    return Scaled(numerators.reshape(values.shape), bits)


def fold(network: dict[str, Any], n: int) -> Folded:
    """a and c (n, m), out (m, n), beta (n,) of logit = relu(a[x] + c[y]) @ out + beta. Errors: NoTruthError."""
    played: dict[str, Scaled] = {}
    for role, name in network["roles"].items():
        values = read_tensor(network["tensors"][name])
        played[role.removesuffix("_transposed")] = scale(values.T if role.endswith("_transposed") else values)
    if len(set(network["roles"].values())) != len(network["tensors"]):
        raise NoTruthError("tensors and roles do not match")
    a, c = _compute_inputs(network["architecture"], played)
    if "hidden_bias" in played:
        bias = played["hidden_bias"]
        bits = max(a.bits, bias.bits)
        a = Scaled(a.at(bits) + bias.at(bits), bits)
    out = played["out"]
    beta = played.get("out_bias", Scaled(np.zeros(n, dtype=object), 0))
    width = out.numerators.shape[0]
    if a.numerators.shape != (n, width) or c.numerators.shape != (n, width) or out.numerators.shape[1] != n:
        raise NoTruthError("shapes that do not fit")
    return a, c, out, beta


def _compute_inputs(architecture: str, played: dict[str, Scaled]) -> tuple[Scaled, Scaled]:
    kind, _, tied = architecture.partition("_")
    left, right = (played["embedding"],) * 2 if tied else (played["left"], played["right"])
    if kind == "direct":
        return left, right
    if kind == "concatenated":
        hidden, split = played["hidden"], left.numerators.shape[1]
        maps = Scaled(hidden.numerators[:split], hidden.bits), Scaled(hidden.numerators[split:], hidden.bits)
    elif kind == "mapped":
        maps = played["left_map"], played["right_map"]
    elif kind == "added":
        maps = (played["shared_map"],) * 2
    else:
        raise NoTruthError(f"no architecture {architecture}")
    first, second = (
        Scaled(v.numerators @ w.numerators, v.bits + w.bits) for v, w in zip((left, right), maps, strict=True)
    )
    return first, second


def _count_correct(folded: Folded, table: Table) -> int:
    """Pairs whose right answer has a logit above every other one."""
    a, c, out, beta = folded
    bits = max(a.bits, c.bits, beta.bits - out.bits)
    A, C, B = a.at(bits), c.at(bits), beta.at(bits + out.bits)
    n, m = A.shape
    correct, pairs = 0, itertools.product(range(n), repeat=2)
    if n**3 * m > MANY_PRODUCTS:
        correct, pairs = _decide_in_floats(folded, table)
    for x, y in pairs:
        logits = [int(value) for value in np.maximum(A[x] + C[y], 0) @ out.numerators + B]
        answer = logits.pop(table[x][y])
        correct += all(answer > other for other in logits)
    return correct


def _decide_in_floats(folded: Folded, table: Table) -> tuple[int, Iterable[tuple[int, int]]]:
    """The number of pairs that are certainly correct, and the pairs of which float64 is not certain."""
    n = len(table)
    bounds = bound_margins(folded, table)
    if bounds is None:
        return 0, itertools.product(range(n), repeat=2)
    correct, open_pairs = 0, []
    for x, (low, high) in enumerate(bounds):
        is_right = (low > 0).all(axis=1)
        correct += int(is_right.sum())
        open_pairs += [(x, int(y)) for y in np.flatnonzero(~is_right & (high >= 0).all(axis=1))]
    return correct, open_pairs


def bound_margins(folded: Folded, table: Table) -> Iterator[tuple[Floats, Floats]] | None:
    """For each x numbers below and above every margin, (n, n) at [y, z], infinite for the right z; None: not certain.

    A logit is a sum of m products of sums of rounded numbers: each term is off by at most m + 8 units of 2^-53 of
    (|a| + |c|) |U|; four times as much is allowed.
    """
    try:
        a, c, out, beta = (_divide(scaled.numerators, scaled.bits) for scaled in folded)
    except OverflowError:
        return None
    sizes = np.abs(np.concatenate([v.ravel() for v in (a, c, out, beta)]))
    sizes = sizes[sizes > 0]
    if sizes.size and not SMALLEST < sizes.min() <= sizes.max() < LARGEST:
        return None
    unit, rows = (a.shape[1] + 8) * 2.0**-51, np.arange(len(table))

    def bound(x: int) -> tuple[Floats, Floats]:
        logits = np.maximum(a[x] + c, 0) @ out + beta
        errors = unit * ((np.abs(a[x]) + np.abs(c)) @ np.abs(out) + np.abs(beta))
        v = np.array(table[x])
        margins = logits[rows, v][:, None] - logits
        errors += errors[rows, v][:, None]
        margins[rows, v] = np.inf
        return margins - errors, margins + errors

    return map(bound, range(len(table)))


def bound_claims(document: dict[str, Any], least: Fraction) -> tuple[int, float] | None:
    """At least as many pairs as have margins of so much, and at most the mean cross-entropy, in nats.

    By float64 and its error, for networks that are too large for rationals; None where it is not certain.
    """
    table = _compose(json.dumps(document["group"]["elements"]))
    bounds = bound_margins(fold(document["network"], len(table)), table)
    if bounds is None:
        return None
    count, total, below = 0, 0.0, np.nextafter(float(least), -np.inf)
    for _, high in bounds:
        count += int((high >= below).all(axis=1).sum())
        total += float(np.logaddexp.reduce(np.column_stack([np.zeros(len(table)), -high]), axis=1).sum())
    return count, total / len(table) ** 2 * (1 - 1e-9)


def _divide(values: Objects, bits: int) -> NDArray[np.float64]:
    """Values / 2**bits, each rounded once. Errors: OverflowError."""
    flat: Sequence[int] = values.ravel().tolist()
    return np.array([value / (1 << bits) for value in flat], dtype=np.float64).reshape(values.shape)

"""What is true of a certificate's network and group, by a second method: Python's integers and nothing of certcheck.

The formula of docs/format.md is evaluated for every pair. Where a product is long, float64 decides the pairs whose
margin is far above its error, and integers decide the others. What is claimed of margins and of the cross-entropy is
held against bounds that are exact, or on the safe side by float64's error: a claim beyond them is false.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

import tests.vectors.truth

Objects = NDArray[np.object_]
Table = list[list[int]]
# None: there is no rival.
Margin = Fraction | None

WIDTHS = {"float16": 2, "bfloat16": 2, "float32": 4, "float64": 8}
# Products of so many numbers are left to float64 where it is certain.
MANY_PRODUCTS = 2_000_000
# Of a large network binary32 is asked about so many rows.
ROWS = 24
# Numbers between these have products and sums that are normal in float64.
SMALLEST, LARGEST = 2.0**-200, 2.0**200


class NoTruthError(Exception):
    """The certificate says of itself what it must not: no group, no tensor, no formula."""


@dataclass(frozen=True, slots=True)
class Truth:
    """Of so many pairs so many are correct.

    margins: the smallest margin of each correct pair, or more, None where there is no rival; cross_entropy: the mean
    over all pairs, or less.
    """

    pairs: int
    correct: int
    margins: tuple[Margin, ...]
    cross_entropy: Fraction

    def count(self, least: Fraction) -> int:
        """At most so many pairs are correct by such a margin."""
        return sum(margin is None or margin >= least for margin in self.margins)


@dataclass(frozen=True, slots=True)
class Scaled:
    """The matrix numerators / 2**bits."""

    numerators: Objects
    bits: int

    def at(self, bits: int) -> Objects:
        """The numerators over 2**bits."""
        return self.numerators * 2 ** (bits - self.bits)


def find_truth(document: dict[str, Any]) -> Truth:
    """How many pairs are correct, exactly. Errors: NoTruthError."""
    return _find_truth(json.dumps(document["group"]["elements"]), json.dumps(document["network"], sort_keys=True))


@lru_cache(maxsize=4096)
def _find_truth(elements: str, network: str) -> Truth:
    table = _compose(elements)
    margins, cross_entropy = _find_margins(fold(json.loads(network), len(table)), table)
    correct = [margin for margin in margins if margin is None or margin > 0]
    return Truth(len(table) ** 2, len(correct), tuple(correct), cross_entropy)


def count_in_floats(document: dict[str, Any], bits: int) -> int:
    """The pairs that no order of summation in numbers of so many bits was found to get wrong (tests/vectors/truth.py).

    Of a large network some rows alone are looked at.
    """
    return _count_in_floats(json.dumps(document["group"]), json.dumps(document["network"]), bits)


@lru_cache(maxsize=64)
def _count_in_floats(group: str, network: str, bits: int) -> int:
    document = {"group": json.loads(group), "network": json.loads(network)}
    n = len(document["group"]["elements"])
    return tests.vectors.truth.count_in_floats(document, bits, slice(0, n, max(1, n // ROWS)))


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


def fold(network: dict[str, Any], n: int) -> tuple[Scaled, Scaled, Scaled, Scaled]:
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


def _find_margins(folded: tuple[Scaled, Scaled, Scaled, Scaled], table: Table) -> tuple[list[Margin], Fraction]:
    """The smallest margins of all pairs, or more of correct ones; their mean cross-entropy, or less."""
    a, c, out, beta = folded
    bits = max(a.bits, c.bits, beta.bits - out.bits)
    A, C, B = a.at(bits), c.at(bits), beta.at(bits + out.bits)
    n, m = A.shape
    pairs = list(itertools.product(range(n), repeat=2))
    found: list[Margin] = []
    entropy = Decimal(0)
    if n**3 * m > MANY_PRODUCTS:
        found, entropy, pairs = _decide_in_floats((A, C, out.numerators, B), bits, out.bits, table)
    unit = Fraction(1, 2 ** (bits + out.bits))
    for x, y in pairs:
        logits = [int(value) for value in np.maximum(A[x] + C[y], 0) @ out.numerators + B]
        answer = logits.pop(table[x][y])
        margins = [(answer - other) * unit for other in logits]
        found.append(min(margins, default=None))
        entropy += _compute_cross_entropy(margins)
    return found, Fraction(entropy) / n**2


def _compute_cross_entropy(margins: list[Fraction]) -> Decimal:
    """The log of 1 + sum of e^-margin to 30 digits, and less: what is below e^-200 of the largest is left out."""
    top = max([Fraction(0), *(-margin for margin in margins)])
    with localcontext() as context:
        context.prec, context.Emin, context.Emax = 40, -(10**6), 10**6
        powers = [power for power in (-top, *(-margin - top for margin in margins)) if power > -200]
        total = sum((_divide_decimal(power).exp() for power in powers), Decimal(0))
        return (_divide_decimal(top) + total.ln()) * (1 - Decimal("1e-30"))


def _divide_decimal(value: Fraction) -> Decimal:
    return Decimal(value.numerator) / Decimal(value.denominator)


def _decide_in_floats(
    integers: tuple[Objects, Objects, Objects, Objects], bits: int, out_bits: int, table: Table
) -> tuple[list[Margin], Decimal, list[tuple[int, int]]]:
    """Margins of pairs that are certainly correct or certainly not, their cross-entropies added up, the other pairs.

    A logit is a sum of m products of sums of rounded numbers: each term is off by at most m + 8 units of 2^-53 of
    (|a| + |c|) |U|; four times as much is allowed.
    """
    n, m = integers[0].shape
    everything = list(itertools.product(range(n), repeat=2))
    nothing: tuple[list[Margin], Decimal, list[tuple[int, int]]] = [], Decimal(0), everything
    try:
        places = (bits, bits, out_bits, bits + out_bits)
        a, c, out, beta = (_divide(values, p) for values, p in zip(integers, places, strict=True))
    except OverflowError:
        return nothing
    sizes = np.abs(np.concatenate([v.ravel() for v in (a, c, out, beta)]))
    sizes = sizes[sizes > 0]
    if sizes.size and not SMALLEST < sizes.min() <= sizes.max() < LARGEST:
        return nothing
    unit = (m + 8) * 2.0**-51
    found: list[Margin] = []
    entropy, open_pairs, rows = Decimal(0), [], np.arange(n)
    for x in range(n):
        logits = np.maximum(a[x] + c, 0) @ out + beta
        errors = unit * ((np.abs(a[x]) + np.abs(c)) @ np.abs(out) + np.abs(beta))
        v = np.array(table[x])
        margins = logits[rows, v][:, None] - logits
        errors += errors[rows, v][:, None]
        # The right answer is no rival of itself.
        margins[rows, v], errors[rows, v] = np.inf, 0
        is_wrong = (margins < -errors).any(axis=1)
        is_right = (margins > errors).all(axis=1)
        above = (margins + errors).min(axis=1) * (1 + 2.0**-40)
        found += [Fraction(float(value)) if np.isfinite(value) else None for value in above[is_right]]
        found += [Fraction(-1)] * int(is_wrong.sum())
        is_open = ~is_right & ~is_wrong
        # Larger margins have a lower cross-entropy; float64 is good to far more than a millionth of it.
        larger = (margins + errors)[~is_open]
        shift = np.maximum(-larger.min(axis=1), 0)
        terms = np.exp(-shift) - 1 + np.exp(-larger - shift[:, None]).sum(axis=1)
        entropy += Decimal(float((shift + np.log1p(terms)).sum()) * (1 - 1e-6))
        open_pairs += [(x, int(y)) for y in np.flatnonzero(is_open)]
    return found, entropy, open_pairs


def _divide(values: Objects, bits: int) -> NDArray[np.float64]:
    """Values / 2**bits, each rounded once. Errors: OverflowError."""
    flat: Sequence[int] = values.ravel().tolist()
    return np.array([value / (1 << bits) for value in flat], dtype=np.float64).reshape(values.shape)

"""What is true of a certificate's network, from the formulas of docs/format.md in rationals, pair by pair.

A second method: nothing of certcheck or the maker is used. No floating-point number is computed but where evaluation in
binary32 is what is asked for: there numpy adds up in orders of all kinds.
"""

from __future__ import annotations

import base64
import functools
import itertools
import json
from collections.abc import Callable, Iterator
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

Vector = list[Fraction]
Matrix = list[Vector]
Floats = NDArray[Any]

# Bytes, bits of the exponent, bits of the fraction.
FORMATS = {"float16": (2, 5, 10), "bfloat16": (2, 8, 7), "float32": (4, 8, 23), "float64": (8, 11, 52)}


def decode_number(data: bytes, dtype: str) -> Fraction:
    """The value of these bytes, by the definition of IEEE 754; no NaN, no infinity."""
    size, exponent_bits, fraction_bits = FORMATS[dtype]
    bits = int.from_bytes(data, "little")
    fraction, exponent = bits % 2**fraction_bits, bits >> fraction_bits & 2**exponent_bits - 1
    assert exponent < 2**exponent_bits - 1
    mantissa = fraction + (2**fraction_bits if exponent else 0)
    power = max(exponent, 1) - (2 ** (exponent_bits - 1) - 1) - fraction_bits
    return (-1) ** (bits >> (8 * size - 1)) * mantissa * Fraction(2) ** power


def decode_tensor(tensor: dict[str, Any]) -> Matrix:
    """Rows of numbers; a vector is one row."""
    data, size = base64.b64decode(tensor["data"]), FORMATS[tensor["dtype"]][0]
    values = [decode_number(data[i : i + size], tensor["dtype"]) for i in range(0, len(data), size)]
    columns = tensor["shape"][-1]
    return [values[i : i + columns] for i in range(0, len(values), columns)]


def multiply(row: Vector, matrix: Matrix) -> Vector:
    """row @ matrix."""
    return [sum((v * w[j] for v, w in zip(row, matrix, strict=True) if v), Fraction(0)) for j in range(len(matrix[0]))]


def add(first: Vector, second: Vector) -> Vector:
    """Entry by entry."""
    return [v + w for v, w in zip(first, second, strict=True)]


def read_roles(network: dict[str, Any]) -> dict[str, Matrix]:
    """The matrix of each role, transposed where the role says so."""
    return _read_roles(json.dumps(network))


@functools.lru_cache(maxsize=8)
def _read_roles(text: str) -> dict[str, Matrix]:
    network = json.loads(text)
    matrices = {}
    for role, name in network["roles"].items():
        matrix = decode_tensor(network["tensors"][name])
        is_transposed = role.endswith("_transposed")
        rows = [list(column) for column in zip(*matrix, strict=True)] if is_transposed else matrix
        matrices[role.removesuffix("_transposed")] = rows
    return matrices


def compute_inputs(architecture: str, w: dict[str, Matrix], x: int, y: int) -> Vector:
    """The input of the hidden layer, by its formula."""
    kind, tied = architecture.removesuffix("_tied"), architecture.endswith("_tied")
    left, right = (w["embedding"][x], w["embedding"][y]) if tied else (w["left"][x], w["right"][y])
    if kind == "concatenated":
        return multiply(left + right, w["hidden"])
    if kind == "mapped":
        return add(multiply(left, w["left_map"]), multiply(right, w["right_map"]))
    return multiply(add(left, right), w["shared_map"]) if kind == "added" else add(left, right)


def compute_hidden(architecture: str, w: dict[str, Matrix], x: int, y: int) -> Vector:
    """The hidden layer."""
    hidden = compute_inputs(architecture, w, x, y)
    if "hidden_bias" in w:
        hidden = add(hidden, w["hidden_bias"][0])
    return [max(v, Fraction(0)) for v in hidden]


def find_product(elements: list[list[int]], x: int, y: int) -> int:
    """The label of the product of two elements."""
    return elements.index([elements[x][i] for i in elements[y]])


def evaluate(certificate: dict[str, Any]) -> Iterator[tuple[Fraction, Vector, Vector]]:
    """For each pair the logit of the right answer, all others, and what the hidden neurons say."""
    elements = certificate["group"]["elements"]
    w, architecture = read_roles(certificate["network"]), certificate["network"]["architecture"]
    for x, y in itertools.product(range(len(elements)), repeat=2):
        hidden = compute_hidden(architecture, w, x, y)
        logits = multiply(hidden, w["out"])
        if "out_bias" in w:
            logits = add(logits, w["out_bias"][0])
        yield logits.pop(find_product(elements, x, y)), logits, hidden


def find_margins(certificate: dict[str, Any]) -> list[list[Fraction]]:
    """The margins of every pair over every other label."""
    return [[answer - other for other in others] for answer, others, _ in evaluate(certificate)]


def count_correct(margins: list[list[Fraction]], least: Fraction = Fraction(0)) -> int:
    """The pairs whose right answer has a logit above every other, by so much at least."""
    return sum(all(margin > 0 and margin >= least for margin in row) for row in margins)


def compute_cross_entropy(margins: list[list[Fraction]]) -> Decimal:
    """The mean of -log softmax at the right label, in nats, to 60 places, from below."""
    with localcontext() as context:
        context.prec, context.Emin, context.Emax = 80, -(10**12), 10**12
        total = Decimal(0)
        for row in margins:
            total += sum(((Decimal(-m.numerator) / m.denominator).exp() for m in row), Decimal(1)).ln()
        return total / len(margins) - Decimal("1e-60")


BINARY32 = 24
ALL = slice(None)
Settle = Callable[[Floats], Floats]


def add_pairwise(terms: list[Floats], settle: Settle) -> Floats:
    """Halves first."""
    half = len(terms) // 2
    return terms[0] if not half else settle(add_pairwise(terms[:half], settle) + add_pairwise(terms[half:], settle))


def add_one_by_one(terms: list[Floats], settle: Settle) -> Floats:
    """From the first to the last."""
    total = terms[0]
    for term in terms[1:]:
        total = settle(total + term)
    return total


def sort(terms: list[Floats]) -> list[Floats]:
    """Smallest first, entry by entry."""
    return list(np.sort(np.stack(np.broadcast_arrays(*terms)), axis=0))


ORDERS: dict[str, Callable[[list[Floats], Settle], Floats]] = {
    "forwards": add_one_by_one,
    "backwards": lambda terms, settle: add_one_by_one(terms[::-1], settle),
    "pairwise": add_pairwise,
    "ascending": lambda terms, settle: add_one_by_one(sort(terms), settle),
    "descending": lambda terms, settle: add_one_by_one(sort(terms)[::-1], settle),
}


def choose_arithmetic(bits: int, *, flushed: bool = False) -> tuple[type, Settle]:
    """The type to compute in, and what is done to each result: binary32 as it is, or numbers of so many bits."""

    def settle(values: Floats) -> Floats:
        if bits < BINARY32:
            fraction, exponent = np.frexp(values)
            values = np.ldexp(np.rint(np.ldexp(fraction, bits)), exponent - bits)
        return np.where(np.abs(values) < 2.0**-126, values * 0, values) if flushed else values

    # With 53 bits, and then rounded to fewer than half of them, is rounded once.
    return (np.float32 if bits == BINARY32 else np.float64), settle


def answer_in_floats(
    certificate: dict[str, Any], bits: int, order: str, *, flushed: bool = False, rows: slice = ALL
) -> NDArray[np.bool_]:
    """Which pairs (x, y) are right in floating point of so many bits: every result is rounded, in this order.

    Of the x of these rows alone.
    """
    add_up, (dtype, settle) = ORDERS[order], choose_arithmetic(bits, flushed=flushed)
    architecture, elements = certificate["network"]["architecture"], certificate["group"]["elements"]
    exact = read_roles(certificate["network"])
    w = {role: settle(np.array([[float(v) for v in row] for row in rows], dtype=dtype)) for role, rows in exact.items()}
    kind, tied = architecture.removesuffix("_tied"), architecture.endswith("_tied")
    left, right = (w["embedding"],) * 2 if tied else (w["left"], w["right"])
    left, right = left[rows, None], right[None]

    def products(first: Floats, second: Floats) -> list[Floats]:
        return [settle(first[..., k, None] * second[k]) for k in range(len(second))]

    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        if kind == "concatenated":
            split = left.shape[2]
            terms = products(left, w["hidden"][:split]) + products(right, w["hidden"][split:])
        elif kind == "mapped":
            terms = products(left, w["left_map"]) + products(right, w["right_map"])
        elif kind == "added":
            terms = products(settle(left + right), w["shared_map"])
        else:
            terms = [left, right]
        terms += [w["hidden_bias"][0]] if "hidden_bias" in w else []
        hidden = np.maximum(add_up(terms, settle), dtype(0))
        logits = add_up(products(hidden, w["out"]) + ([w["out_bias"][0]] if "out_bias" in w else []), settle)
    n = len(elements)
    v = np.array([[find_product(elements, x, y) for y in range(n)] for x in range(n)[rows]])
    answers = np.take_along_axis(logits, v[:, :, None], axis=2)
    others = np.where(np.arange(n) == v[:, :, None], -np.inf, logits)
    # What is no number is larger than nothing.
    return np.asarray((answers > others).all(axis=2))


def count_in_floats(certificate: dict[str, Any], bits: int, rows: slice = ALL) -> int:
    """The pairs that are right in every order, subnormal numbers flushed or not; those beyond the rows are too."""
    found = [answer_in_floats(certificate, bits, o, flushed=f, rows=rows) for o in ORDERS for f in (False, True)]
    wrong = ~np.logical_and.reduce(found)
    return len(certificate["group"]["elements"]) ** 2 - int(wrong.sum())

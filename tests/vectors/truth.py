"""How many pairs of a certificate are correct, from the formulas of docs/format.md in rationals, pair by pair.

A second method: nothing of certcheck, numpy or the maker is used, and no floating-point number is computed.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

Vector = list[Fraction]
Matrix = list[Vector]

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


def evaluate(certificate: dict[str, Any]) -> Iterator[tuple[Fraction, Vector, Vector]]:
    """For each pair the logit of the right answer, all others, and what the hidden neurons say."""
    elements = certificate["group"]["elements"]
    w, architecture = read_roles(certificate["network"]), certificate["network"]["architecture"]
    for x, g in enumerate(elements):
        for y, h in enumerate(elements):
            hidden = compute_inputs(architecture, w, x, y)
            if "hidden_bias" in w:
                hidden = add(hidden, w["hidden_bias"][0])
            activations = [max(v, Fraction(0)) for v in hidden]
            logits = multiply(activations, w["out"])
            if "out_bias" in w:
                logits = add(logits, w["out_bias"][0])
            yield logits.pop(elements.index([g[i] for i in h])), logits, activations


def count_correct(certificate: dict[str, Any]) -> int:
    """The pairs whose right answer has a logit above every other."""
    return sum(all(answer > other for other in others) for answer, others, _ in evaluate(certificate))

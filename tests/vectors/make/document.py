"""Certificates as JSON values, and their bytes."""

from __future__ import annotations

import base64
import hashlib
import struct
from typing import Any

from tests.vectors.make.groups import Group

Document = dict[str, Any]
Matrix = list[list[float]]

CODES = {"float16": "e", "bfloat16": "f", "float32": "f", "float64": "d"}
# What is claimed beside correct pairs.
NO_CLAIMS = dict.fromkeys(
    (
        *("smallest_certified_margin", "float32_correct_pairs_at_least", "unit_roundoff_bits"),
        *("cross_entropy_upper_bound", "cross_entropy_effort"),
    )
)
ENDS = {"int8": ("b", 2**7), "int16": ("h", 2**15), "int32": ("i", 2**31)}


def write_number(value: float, dtype: str) -> bytes:
    """Its bytes; a number that would be rounded is an error."""
    data = struct.pack(f"<{CODES[dtype]}", value)
    exact = struct.unpack(f"<{CODES[dtype]}", data)[0] == value
    if dtype == "bfloat16":
        exact, data = exact and data[:2] == b"\0\0", data[2:]
    if not exact:
        raise ValueError(f"{value} is no {dtype}")
    return data


def write_tensor(values: Any, dtype: str) -> Document:
    """A tensor section of nested lists of numbers."""
    shape, flat = [], values
    while isinstance(flat, list):
        shape.append(len(flat))
        flat = flat[0]
    flat = [values]
    for _ in shape:
        flat = [item for row in flat for item in row]
    data = b"".join(write_number(value, dtype) for value in flat)
    return {
        "dtype": dtype,
        "shape": shape,
        "sha256": hashlib.sha256(data).hexdigest(),
        "data": base64.b64encode(data).decode("ascii"),
    }


def write_array(values: Any, shape: list[int] | None = None) -> Document:
    """Nested lists of integers packed in the smallest type that holds them; a shape of its own where a side is 0."""
    shape, flat = shape or [], [values]
    while any(isinstance(item, list) for item in flat):
        flat = [item for row in flat for item in row]
    if not shape:
        while isinstance(values, list):
            shape = [*shape, len(values)]
            values = values[0]
    dtype = next(t for t, (_, end) in ENDS.items() if all(-end <= v < end for v in flat))
    data = struct.pack(f"<{len(flat)}{ENDS[dtype][0]}", *flat)
    return {"dtype": dtype, "shape": shape, "data": base64.b64encode(data).decode("ascii")}


def write_document(
    G: Group,
    network: tuple[str, dict[str, Any]],
    method: Document,
    *,
    correct: int | None = None,
    name: str | None = None,
    dtype: str = "float32",
) -> Document:
    """A certificate of this network, an architecture with a matrix for each role; all pairs unless it says less."""
    architecture, weights = network
    return {
        "format": "certgen certificate",
        "version": 1,
        "statement": {"correct_pairs_at_least": G.order**2 if correct is None else correct, "pairs": G.order**2}
        | NO_CLAIMS,
        "group": {
            "name": name,
            "labels_from": "given",
            "degree": len(G.elements[0]),
            "elements": [list(x) for x in G.elements],
        },
        "network": {
            "architecture": architecture,
            "instance": None,
            "roles": {role: f"{role}.weight" if role == "out" else role for role in weights},
            "tensors": {
                f"{role}.weight" if role == "out" else role: write_tensor(values, dtype)
                for role, values in weights.items()
            },
        },
        "method": method,
        "end": "end of certificate",
    }


def claim(
    document: Document,
    *,
    margin: str | None = None,
    float32: int | None = None,
    bits: int = 24,
    entropy: str | None = None,
    effort: tuple[int, int] = (0, 0),
) -> Document:
    """The certificate with these claims beside correct pairs."""
    claims = {
        "smallest_certified_margin": margin,
        "float32_correct_pairs_at_least": float32,
        "unit_roundoff_bits": None if float32 is None else bits,
        "cross_entropy_upper_bound": entropy,
        "cross_entropy_effort": None
        if entropy is None
        else dict(zip(("scan_above", "evaluate_above"), effort, strict=True)),
    }
    return document | {"statement": document["statement"] | claims}

"""Bytes to values: strict JSON, and values that have a type, a range and a form.

A file is hostile until it is checked: the parser recurses and allocates nothing before size, depth and number of values
are bounded.
"""

from __future__ import annotations

import base64
import json
import math
import re
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from certcheck.limits import LIMITS, Limits, check_limit
from certcheck.verdict import Reason, reject

# Of the format: no certificate needs more.
MAX_DEPTH = 8
MAX_DIGITS = 18
MAX_NAME = 200
MAX_SIDE = 2**24

# Possessive: no backtracking whatever the string holds.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"')
_ARRAY_TYPES = {"int8": 1, "int16": 2, "int32": 4}


def parse_json(data: bytes, limits: Limits = LIMITS) -> Any:  # noqa: ANN401 - JSON has no narrower type
    """One JSON value, with integers as the only numbers, no key twice in an object and bounded depth.

    Errors: FILE_TOO_LARGE, NESTING_TOO_DEEP, VALUES_TOO_MANY, NUMBER_TOO_LONG, NUMBER_INVALID, KEY_DUPLICATE,
    NOT_JSON, TRAILING_BYTES.
    """
    check_limit(limits, "bytes", len(data), "document")
    _check_structure(data, limits)
    try:
        value, end = _DECODER.raw_decode(text := data.decode("ascii"))
    except UnicodeDecodeError as error:
        reject(Reason.NOT_JSON, "document", "ASCII text", f"byte {data[error.start]} at offset {error.start}")
    except json.JSONDecodeError as error:
        reject(Reason.NOT_JSON, "document", "one JSON value", f"{error.msg} at offset {error.pos}")
    if text[end:] not in ("", "\n"):
        reject(
            Reason.TRAILING_BYTES, "document", "nothing but one line end after the value", f"{len(text) - end} bytes"
        )
    return value


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            reject(Reason.KEY_DUPLICATE, "document", "each key once", f"{key[:99]!a} twice")
        found[key] = value
    return found


def _plain_integer(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        reject(Reason.NUMBER_TOO_LONG, "document", f"at most {MAX_DIGITS} characters a number", f"{len(digits)}")
    return _no_number(digits) if digits == "-0" else int(digits)


def _no_number(text: str) -> NoReturn:
    reject(Reason.NUMBER_INVALID, "document", "integers", text[:40])


_DECODER = json.JSONDecoder(
    object_pairs_hook=_no_duplicates, parse_int=_plain_integer, parse_float=_no_number, parse_constant=_no_number
)


def _check_structure(data: bytes, limits: Limits) -> None:
    """Refuse deep nesting and too many values before the parser, which recurses and allocates, sees them."""
    check_limit(limits, "values", data.count(b'"'), "document")
    code = np.frombuffer(_STRING.sub(b"", data), np.uint8)
    step = np.isin(code, tuple(b"[{")).astype(np.int8) - np.isin(code, tuple(b"]}"))
    depth = int(np.cumsum(step, dtype=np.int32).max(initial=0))
    if depth > MAX_DEPTH:
        reject(Reason.NESTING_TOO_DEEP, "document", f"at most {MAX_DEPTH} levels", f"{depth}")
    check_limit(limits, "values", int(np.count_nonzero(code == ord(","))), "document")


def parse_fields(value: object, where: str, *keys: str) -> list[Any]:
    """The values of an object that has exactly these keys, in their order here."""
    if not isinstance(value, dict):
        reject(Reason.TYPE_WRONG, where, "an object", type(value).__name__)
    for key in keys:
        if key not in value:
            reject(Reason.KEY_MISSING, where, f"the key {key!r}", "none")
    for key in value:
        if key not in keys:
            reject(Reason.KEY_UNEXPECTED, where, f"only the keys {', '.join(keys)}", ascii(key[:99]))
    return [value[key] for key in keys]


def parse_integer(value: object, where: str, low: int, high: int) -> int:
    """An integer from low to high."""
    if type(value) is not int:
        reject(Reason.TYPE_WRONG, where, "an integer", type(value).__name__)
    if not low <= value <= high:
        reject(Reason.NUMBER_INVALID, where, f"an integer from {low} to {high}", f"{value}")
    return value


def parse_string(value: object, where: str, pattern: re.Pattern[str] | None = None) -> str:
    """A short printable ASCII string, or one that the pattern matches in full."""
    if not isinstance(value, str):
        reject(Reason.TYPE_WRONG, where, "a string", type(value).__name__)
    if pattern is None:
        if not (0 < len(value) <= MAX_NAME and value.isascii() and value.isprintable()):
            expected = f"1 to {MAX_NAME} printable ASCII characters"
            reject(Reason.STRING_INVALID, where, expected, ascii(value[:MAX_NAME]))
    elif not pattern.fullmatch(value):
        reject(Reason.STRING_INVALID, where, pattern.pattern, ascii(value[:99]))
    return value


def parse_integer_rows(value: object, where: str, low: int, high: int) -> NDArray[np.int32]:
    """A non-empty list of non-empty lists of equal length, integers from low to high (below 2^31)."""
    if not isinstance(value, list) or not value:
        reject(Reason.TYPE_WRONG, where, "a list that is not empty", type(value).__name__)
    width = len(value[0]) if isinstance(value[0], list) else 0
    for i, row in enumerate(value):
        if not isinstance(row, list) or not row or len(row) != width:
            reject(Reason.TYPE_WRONG, f"{where}[{i}]", "a list as long as the first, not empty", type(row).__name__)
        # A set of types settles the row at once; True and False are of type bool, not int.
        if set(map(type, row)) != {int} or min(row) < low or max(row) > high:
            reject(Reason.NUMBER_INVALID, f"{where}[{i}]", f"integers from {low} to {high}", "another value")
    return np.array(value, dtype=np.int32)


def parse_bytes(data: object, where: str) -> bytes:
    """The bytes of a base64 string, which has one spelling."""
    if not isinstance(data, str):
        reject(Reason.TYPE_WRONG, where, "a string", type(data).__name__)
    try:
        raw = base64.b64decode(data, validate=True)
    except ValueError as error:
        reject(Reason.STRING_INVALID, where, "base64", str(error))
    if base64.b64encode(raw).decode("ascii") != data:
        reject(Reason.STRING_INVALID, where, "canonical base64", "unused bits that are not zero")
    return raw


def parse_array(value: object, where: str, axes: int, columns: int | None = None) -> NDArray[np.int64]:
    """Integers packed as little-endian bytes in base64."""
    dtype, shape, data = parse_fields(value, where, "dtype", "shape", "data")
    # A list has no hash: only a string is looked up.
    if not isinstance(dtype, str) or dtype not in _ARRAY_TYPES or not isinstance(shape, list) or len(shape) != axes:
        reject(Reason.TYPE_WRONG, where, f"an array of {', '.join(_ARRAY_TYPES)} with {axes} axes", "another")
    sides = [parse_integer(side, f"{where}.shape", 0, MAX_SIDE) for side in shape]
    raw = parse_bytes(data, f"{where}.data")
    if len(raw) != math.prod(sides) * _ARRAY_TYPES[dtype] or (columns is not None and sides[-1] != columns):
        reject(Reason.TYPE_WRONG, where, f"bytes that fill a shape of {columns or 'any number of'} columns", f"{sides}")
    return np.frombuffer(raw, np.dtype(dtype).newbyteorder("<")).astype(np.int64).reshape(sides)

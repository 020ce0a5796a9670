"""strict_json: each kind of value at both ends of what it may be; the bytes are read in test_document."""

from __future__ import annotations

import base64
import re
from typing import Any

import numpy as np
import pytest

from certcheck.strict_json import (
    parse_array,
    parse_bytes,
    parse_fields,
    parse_integer,
    parse_integer_rows,
    parse_json,
    parse_string,
)
from certcheck.verdict import Reason
from tests.certcheck.test_exact import refused


def test_an_integer_is_in_its_range() -> None:
    """Both ends are, and True is no integer."""
    assert [parse_integer(v, "here", -2, 3) for v in (-2, 0, 3)] == [-2, 0, 3]
    for value, reason in ((-3, Reason.NUMBER_INVALID), (4, Reason.NUMBER_INVALID), (True, Reason.TYPE_WRONG)):
        assert refused(parse_integer, value, "here", -2, 3) == (reason, "here")
    for value in ("1", None, [1]):
        assert refused(parse_integer, value, "here", -2, 3) == (Reason.TYPE_WRONG, "here")


def test_a_string_is_short_printable_ascii() -> None:
    """1 to 200 characters from the space to the tilde."""
    for value in ("a", "x" * 200, " ~"):
        assert parse_string(value, "here") == value
    for value in ("", "x" * 201, "\x7f", "\n", "é", "a\x1f"):
        assert refused(parse_string, value, "here") == (Reason.STRING_INVALID, "here")
    assert refused(parse_string, 5, "here") == (Reason.TYPE_WRONG, "here")
    assert parse_string("aa", "here", re.compile("a+")) == "aa"
    for value in ("aab", "baa", "aa\n", ""):
        assert refused(parse_string, value, "here", re.compile("a+")) == (Reason.STRING_INVALID, "here")


@pytest.mark.parametrize(
    ("value", "reason", "where"),
    [
        ([], Reason.TYPE_WRONG, "here"),
        (None, Reason.TYPE_WRONG, "here"),
        ({"0": [1]}, Reason.TYPE_WRONG, "here"),
        ([5], Reason.TYPE_WRONG, "here[0]"),
        (["12"], Reason.TYPE_WRONG, "here[0]"),
        ([[]], Reason.TYPE_WRONG, "here[0]"),
        ([5, [1]], Reason.TYPE_WRONG, "here[0]"),
        ([[1], 5], Reason.TYPE_WRONG, "here[1]"),
        ([[1], "1"], Reason.TYPE_WRONG, "here[1]"),
        ([[1], []], Reason.TYPE_WRONG, "here[1]"),
        ([[1], [1, 2]], Reason.TYPE_WRONG, "here[1]"),
        ([[1, 2], [1]], Reason.TYPE_WRONG, "here[1]"),
        ([[1], [-1]], Reason.NUMBER_INVALID, "here[1]"),
        ([[1], [8]], Reason.NUMBER_INVALID, "here[1]"),
        ([[1, 8]], Reason.NUMBER_INVALID, "here[0]"),
        ([[1], [True]], Reason.NUMBER_INVALID, "here[1]"),
        ([[1, "1"]], Reason.NUMBER_INVALID, "here[0]"),
        ([[None, 1]], Reason.NUMBER_INVALID, "here[0]"),
    ],
)
def test_rows_of_integers_are_as_long_as_the_first(value: Any, reason: Reason, where: str) -> None:
    """One row at least, one number at least, all of them integers in the range."""
    assert refused(parse_integer_rows, value, "here", 0, 7) == (reason, where)


def test_rows_of_integers_are_read_from_the_least_to_the_largest() -> None:
    """As they stand."""
    rows = parse_integer_rows([[0, 7], [7, 0]], "here", 0, 7)
    assert (rows.dtype, rows.tolist()) == (np.int32, [[0, 7], [7, 0]])
    assert parse_integer_rows([[-5]], "here", -5, -5).tolist() == [[-5]]


def test_fields_come_in_the_order_that_is_asked_for() -> None:
    """All of them and no others."""
    assert parse_fields({"b": 1, "a": 2}, "here", "a", "b") == [2, 1]
    assert refused(parse_fields, {"a": 1}, "here", "a", "b") == (Reason.KEY_MISSING, "here")
    assert refused(parse_fields, {"a": 1, "b": 2, "c": 3}, "here", "a", "b") == (Reason.KEY_UNEXPECTED, "here")
    assert refused(parse_fields, ["a", "b"], "here", "a", "b") == (Reason.TYPE_WRONG, "here")


@pytest.mark.parametrize("text", ["QQ=", "QR==", "QQ==\n", "Q Q=", "Q", "Q===", "*", "QQ", "QQ==QQ=="])
def test_bytes_have_one_spelling(text: str) -> None:
    """Base64 with its padding, no other signs, and no bit set that says nothing."""
    assert parse_bytes("QQ==", "here") == b"A"
    assert refused(parse_bytes, text, "here") == (Reason.STRING_INVALID, "here")


def pack(dtype: Any, shape: Any, raw: bytes) -> dict[str, Any]:
    """An array as a certificate holds it."""
    return {"dtype": dtype, "shape": shape, "data": base64.b64encode(raw).decode()}


@pytest.mark.parametrize(
    ("dtype", "raw", "values"),
    [
        ("int8", b"\x01\xff", [1, -1]),
        ("int16", b"\x01\x00\xff\xff", [1, -1]),
        ("int32", b"\x00\x01\x00\x00\x00\x00\x00\x80", [256, -(2**31)]),
    ],
)
def test_an_array_is_little_endian_and_fills_its_shape(dtype: str, raw: bytes, values: list[int]) -> None:
    """Two numbers of each type, in rows, columns, or none at all."""
    for shape, axes, expected in (([2], 1, values), ([1, 2], 2, [values]), ([2, 1], 2, [[v] for v in values])):
        found = parse_array(pack(dtype, shape, raw), "here", axes)
        assert (found.dtype, found.tolist()) == (np.int64, expected)
    assert parse_array(pack(dtype, [0, 2], b""), "here", 2, columns=2).shape == (0, 2)
    assert parse_array(pack(dtype, [1, 2], raw), "here", 2, columns=2).shape == (1, 2)
    for changed in (
        pack(dtype, [2], raw + b"\0"),
        pack(dtype, [2], raw[:-1]),
        pack(dtype, [1], raw),
        pack(dtype, [3], raw),
        pack(dtype, [1, 2], raw),
        pack(dtype, [], raw),
        pack(dtype, 2, raw),
        pack("int64", [2], raw * 8),
        pack("uint8", [2], raw),
    ):
        assert refused(parse_array, changed, "here", 1) == (Reason.TYPE_WRONG, "here")
    for columns in (1, 3):
        found = refused(parse_array, pack(dtype, [1, 2], raw), "here", 2, columns)
        assert found == (Reason.TYPE_WRONG, "here")
    for side in (-1, 2**24 + 1):
        assert refused(parse_array, pack(dtype, [side], raw), "here", 1) == (Reason.NUMBER_INVALID, "here.shape")


@pytest.mark.parametrize(("text", "reason"), [("9" * 18, None), ("9" * 19, Reason.NUMBER_TOO_LONG)])
@pytest.mark.parametrize("sign", ["", "-"])
def test_a_number_has_18_characters_with_its_sign(sign: str, text: str, reason: Reason | None) -> None:
    """All of them count."""
    if reason is None and not sign:
        assert parse_json(text.encode()) == 10**18 - 1
    else:
        assert refused(parse_json, (sign + text).encode()) == (Reason.NUMBER_TOO_LONG, "document")
    assert parse_json((sign + text[:17]).encode()) == int(sign + "9" * 17)
    assert refused(parse_json, b"-0") == (Reason.NUMBER_INVALID, "document")

"""Bytes to the values of the format."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NoReturn

from certcheck.specification.decision import Status, malform, reject

MAX_BYTES = 2**26
MAX_DEPTH = 8
MAX_DIGITS = 18
MAX_SIDE = 2**24
MAX_TERM = 10**18 - 1
STRING = re.compile(r'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
DECIMAL = re.compile(r"(0|[1-9][0-9]{0,8})\.[0-9]{1,18}")
INTEGERS = {"int8": "b", "int16": "h", "int32": "i"}
FLOATS = {"float16": "e", "bfloat16": "H", "float32": "f", "float64": "d"}


@dataclass(frozen=True, slots=True)
class Node:
    """A value of the document and where it stands; every method returns what the format allows, or refuses."""

    value: object
    where: str

    def member(self, key: str) -> Node:
        """The member of an object."""
        if not isinstance(self.value, dict) or key not in self.value:
            malform(self.where, f"not an object with the key {key}")
        return Node(self.value[key], f"{self.where}.{key}")

    def members(self, *keys: str) -> list[Node]:
        """The members of an object that has exactly these keys."""
        if not isinstance(self.value, dict) or set(self.value) != set(keys):
            malform(self.where, "not an object with the keys " + ", ".join(keys))
        return [self.member(key) for key in keys]

    def named(self) -> dict[str, Node]:
        """The members of an object whose keys are names."""
        if not isinstance(self.value, dict):
            malform(self.where, "not an object")
        return {Node(key, self.where).name(): self.member(key) for key in self.value}

    def items(self) -> list[Node]:
        """The items of a list."""
        if not isinstance(self.value, list):
            malform(self.where, "not a list")
        return [Node(value, f"{self.where}[{index}]") for index, value in enumerate(self.value)]

    def integer(self, low: int, high: int) -> int:
        """An integer from low to high."""
        # A truth value is an int to Python and none to JSON, so the type is compared.
        if type(self.value) is not int or not low <= self.value <= high:
            malform(self.where, f"not an integer from {low} to {high}")
        return self.value

    def text(self) -> str:
        """A string."""
        if not isinstance(self.value, str):
            malform(self.where, "not a string")
        return self.value

    def decimal(self) -> Fraction:
        """A decimal: at most 9 digits without a leading zero, a point, 1 to 18 digits."""
        if not DECIMAL.fullmatch(self.text()):
            malform(self.where, "not a decimal")
        return Fraction(self.text())

    def name(self) -> str:
        """1 to 200 printable ASCII characters."""
        if not re.fullmatch(r"[ -~]{1,200}", self.text()):
            malform(self.where, "not a name of 1 to 200 printable ASCII characters")
        return self.text()

    def one_of(self, *values: str) -> str:
        """One of these strings."""
        if self.text() not in values:
            malform(self.where, "not " + " or ".join(values))
        return self.text()

    def truth(self) -> bool:
        """True or false."""
        if not isinstance(self.value, bool):
            malform(self.where, "not true or false")
        return self.value

    def is_null(self) -> bool:
        """The value is null."""
        return self.value is None

    def bytes(self) -> bytes:
        """The bytes of canonical base64."""
        text = self.text()
        if not re.fullmatch(r"[A-Za-z0-9+/]*={0,2}", text) or len(text) % 4:
            malform(self.where, "not base64")
        data = base64.b64decode(text)
        if base64.b64encode(data).decode() != text:
            malform(self.where, "not canonical base64")
        return data

    def sides(self) -> list[int]:
        """The shape of a packed array, 1 to 3 sides."""
        _, shape, _ = self.members("dtype", "shape", "data")
        sides = [side.integer(0, MAX_SIDE) for side in shape.items()]
        if not 1 <= len(sides) <= 3:  # noqa: PLR2004  # vectors, matrices, lists of matrices
            malform(shape.where, "not 1 to 3 sides")
        return sides

    def _flat(self, *sides: int) -> list[int]:
        """The integers of a packed array of these sides."""
        dtype, shape, data = self.members("dtype", "shape", "data")
        if self.sides() != list(sides):
            reject(shape.where, f"not {list(sides)}")
        code = INTEGERS[dtype.one_of(*INTEGERS)]
        return list(_unpack(data, code, math.prod(sides)))

    def vector(self, side: int) -> list[int]:
        """A packed array of one side."""
        return self._flat(side)

    def matrix(self, rows: int, columns: int) -> list[list[int]]:
        """A packed array of two sides."""
        flat = self._flat(rows, columns)
        return [flat[row * columns : (row + 1) * columns] for row in range(rows)]

    def matrices(self, count: int, rows: int, columns: int) -> list[list[list[int]]]:
        """A packed array of three sides."""
        flat = self._flat(count, rows, columns)
        starts = [[(k * rows + row) * columns for row in range(rows)] for k in range(count)]
        return [[flat[start : start + columns] for start in matrix] for matrix in starts]

    def tensor(self) -> tuple[list[int], list[Fraction]]:
        """The shape and the exact entries of a stored tensor, all finite (claim 1)."""
        dtype, shape, sha256, data = self.members("dtype", "shape", "sha256", "data")
        if dtype.name() not in FLOATS:
            reject(dtype.where, "an unknown dtype", Status.DECLINED)
        sides = [side.integer(1, MAX_SIDE) for side in shape.items()]
        if len(sides) > 3:  # noqa: PLR2004  # a matrix and an axis of instances
            malform(shape.where, "more than 3 sizes")
        floats = _unpack(data, FLOATS[dtype.name()], math.prod(sides))
        if not re.fullmatch("[0-9a-f]{64}", sha256.text()):
            malform(sha256.where, "not a SHA-256 in lower-case hexadecimal")
        if hashlib.sha256(data.bytes()).hexdigest() != sha256.text():
            reject(sha256.where, "not the SHA-256 of the data")
        if dtype.name() == "bfloat16":  # the upper half of a float32
            floats = struct.unpack(f"<{len(floats)}f", struct.pack(f"<{len(floats)}I", *(k << 16 for k in floats)))
        if not all(map(math.isfinite, floats)):
            reject(data.where, "not finite")
        return sides, [Fraction(value) for value in floats]


def _unpack(data: Node, code: str, count: int) -> tuple[int, ...]:
    """So many little-endian numbers of a type of `struct`."""
    raw = data.bytes()
    if len(raw) != count * struct.calcsize(f"<{code}"):
        malform(data.where, f"not {count} entries")
    return struct.unpack(f"<{count}{code}", raw)


def parse_certificate(data: bytes) -> Node:
    """The object that the bytes are, within the limits: no key twice, plain integers, one line end at most."""
    if len(data) > MAX_BYTES:
        reject("certificate", f"more than {MAX_BYTES} bytes", Status.LIMIT)
    if not data.isascii():
        malform("certificate", "not ASCII")
    text = data.decode("ascii").removesuffix("\n")
    # The depth is bounded before parsing: Python's parser is recursive.
    depth = 0
    for bracket in re.findall(r"[\[\]{}]", STRING.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        if depth > MAX_DEPTH:
            reject("certificate", f"nested more than {MAX_DEPTH} levels deep", Status.LIMIT)
    if not (text.startswith("{") and text.endswith("}")):
        malform("certificate", "not one JSON object and at most one line end")
    try:
        value = json.loads(
            text,
            object_pairs_hook=_parse_object,
            parse_int=_parse_integer,
            parse_float=_refuse_number,
            parse_constant=_refuse_number,
        )
    except json.JSONDecodeError as error:
        malform("certificate", f"not JSON at character {error.pos}")
    return Node(value, "certificate")


def _parse_object(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    """The object, which has no key twice."""
    value = dict(pairs)
    if len(value) != len(pairs):
        malform("certificate", "a key twice in one object")
    return value


def _parse_integer(text: str) -> int:
    """The integer, of at most 18 characters."""
    if len(text) > MAX_DIGITS:
        reject("certificate", f"an integer of more than {MAX_DIGITS} characters", Status.LIMIT)
    if text == "-0":
        malform("certificate", "the number -0")
    return int(text)


def _refuse_number(text: str) -> NoReturn:
    """Does not return: fractions, exponents, NaN and Infinity are no numbers of the format."""
    malform("certificate", f"the number {text[:MAX_DIGITS]}")

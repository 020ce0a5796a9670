"""Bytes to plain data: strict JSON and the sections of a certificate (docs/format.md).

A certificate is hostile until it is checked. Nothing here says that a claim is true; what is true on
return is that every value has the type, range and form that the format gives it.
"""

from __future__ import annotations

import base64
import json
import math
import re
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from certcheck.verdict import FORMAT_VERSION, Reason, reject

MAX_BYTES = 2**26
MAX_DEPTH = 8
MAX_VALUES = 2**22
MAX_AXES = 3
MAX_DIGITS = 18
MAX_NAME = 200
MAX_SCALE_BITS = 4096
MAX_SIDE = 2**24
MAX_FIXED_POINT_BITS = 40
MAX_REPRESENTATION_BITS = 24
MAX_REPRESENTATIONS = 256
MAX_CELLS = 2**20

FORMAT = "certgen certificate"
END = "end of certificate"
LABEL_SOURCES = ("given", "model_answers")

# Possessive: no backtracking whatever the string holds.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"')
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class StatementSection:
    """The claim: at least so many of so many pairs are correct."""

    correct_pairs_at_least: int
    pairs: int


@dataclass(frozen=True, slots=True)
class GroupSection:
    """Elements as rows of images of the points 0..degree-1, int32, shape (order, degree)."""

    name: str | None
    labels_from: str
    elements: NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class TensorSection:
    """A tensor as stored: little-endian bytes in row-major order."""

    dtype: str
    shape: tuple[int, ...]
    sha256: str
    data: bytes


@dataclass(frozen=True, slots=True)
class NetworkSection:
    """An architecture's name, its roles' tensors by name, and the tensors."""

    architecture: str
    instance: int | None
    roles: dict[str, str]
    tensors: dict[str, TensorSection]


@dataclass(frozen=True, slots=True)
class ExhaustiveSection:
    """Binary places of the fixed point for the pre-activations and for the unembedding; may be negative."""

    activation_bits: int
    unembedding_bits: int


@dataclass(frozen=True, slots=True)
class RepresentationSection:
    """Matrices of the generators and what the argument does with them; d is their size, n the order.

    permutations, signs: (generators, d) and (generators,), or matrices: (generators, d, d) in units of
    2**-representation_bits; the other is None. cells: (k,), the cells that it explains. positions: (k, 3), rows b,
    columns b' and signs of their coefficients in signed permutation matrices; or coefficients: (k, q) in units of
    2**-coefficient_bits, on the basis (q, d, d) of small integers. left, right, middle: (n, d, d), the tables L, R, N
    in units of 2**-table_bits. constants_to: the signed representation that takes the row and column constants.
    """

    name: str | None
    permutations: NDArray[np.int64] | None
    signs: NDArray[np.int64] | None
    matrices: NDArray[np.int64] | None
    cells: NDArray[np.int64]
    positions: NDArray[np.int64] | None
    coefficients: NDArray[np.int64] | None
    basis: NDArray[np.int64] | None
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    middle: NDArray[np.int64]
    constants_to: int | None


@dataclass(frozen=True, slots=True)
class EquivariantSection:
    """Scales, cells, representations; claimed error terms in units of 2**-table_bits; how cases are evaluated.

    neurons: (m, 3): cell (-1: dropped), scale sigma and share in its cell, both in units of 2**-scale_bits.
    """

    activation_bits: int
    unembedding_bits: int
    scale_bits: int
    representation_bits: int
    coefficient_bits: int
    table_bits: int
    cells: int
    neurons: NDArray[np.int64]
    representations: tuple[RepresentationSection, ...]
    error_terms: dict[str, int]
    cases: ExhaustiveSection | None


ERROR_TERMS = ("merging", "rounding", "homomorphism", "equivariance", "remainder")


@dataclass(frozen=True, slots=True)
class Certificate:
    """The sections of a certificate, in their order."""

    statement: StatementSection
    group: GroupSection
    network: NetworkSection
    method: ExhaustiveSection | EquivariantSection


def parse_json(data: bytes) -> Any:  # noqa: ANN401 - JSON has no narrower type
    """One JSON value, with integers as the only numbers, no key twice in an object and bounded depth.

    Errors: FILE_TOO_LARGE, NESTING_TOO_DEEP, VALUES_TOO_MANY, NUMBER_TOO_LONG, NUMBER_INVALID, KEY_DUPLICATE,
    NOT_JSON, TRAILING_BYTES.
    """
    if len(data) > MAX_BYTES:
        reject(Reason.FILE_TOO_LARGE, "document", f"at most {MAX_BYTES} bytes", "more")
    _check_structure(data)
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


def _check_structure(data: bytes) -> None:
    """Refuse deep nesting and too many values before the parser, which recurses and allocates, sees them."""
    if data.count(b'"') > MAX_VALUES:
        reject(Reason.VALUES_TOO_MANY, "document", f"at most {MAX_VALUES} quotation marks", "more")
    code = np.frombuffer(_STRING.sub(b"", data), np.uint8)
    step = np.isin(code, tuple(b"[{")).astype(np.int8) - np.isin(code, tuple(b"]}"))
    depth = int(np.cumsum(step, dtype=np.int32).max(initial=0))
    if depth > MAX_DEPTH:
        reject(Reason.NESTING_TOO_DEEP, "document", f"at most {MAX_DEPTH} levels", f"{depth}")
    values = int(np.count_nonzero(code == ord(",")))
    if values > MAX_VALUES:
        reject(Reason.VALUES_TOO_MANY, "document", f"at most {MAX_VALUES} commas", f"{values}")


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


def parse_certificate(data: bytes) -> Certificate:
    """The sections of a version 1 certificate.

    Errors: those of `parse_json`; NOT_A_CERTIFICATE, VERSION_UNKNOWN, METHOD_UNKNOWN; KEY_MISSING,
    KEY_UNEXPECTED, TYPE_WRONG, NUMBER_INVALID, STRING_INVALID where the form is not that of docs/format.md.
    """
    document = parse_json(data)
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        reject(Reason.NOT_A_CERTIFICATE, "format", repr(FORMAT), "something else")
    version = parse_integer(document.get("version"), "version", 1, 10**9)
    if version != FORMAT_VERSION:
        reject(Reason.VERSION_UNKNOWN, "version", f"{FORMAT_VERSION}", f"{version}")
    keys = ("format", "version", "statement", "group", "network", "method", "end")
    _, _, statement, group, network, method, end = parse_fields(document, "certificate", *keys)
    if end != END:
        reject(Reason.STRING_INVALID, "end", repr(END), "something else")
    return Certificate(_statement(statement), _group(group), _network(network), _method(method))


def _statement(value: object) -> StatementSection:
    correct, pairs = parse_fields(value, "statement", "correct_pairs_at_least", "pairs")
    return StatementSection(
        parse_integer(correct, "statement.correct_pairs_at_least", 0, 10**MAX_DIGITS - 1),
        parse_integer(pairs, "statement.pairs", 1, 10**MAX_DIGITS - 1),
    )


def _group(value: object) -> GroupSection:
    name, labels_from, degree, elements = parse_fields(value, "group", "name", "labels_from", "degree", "elements")
    if labels_from not in LABEL_SOURCES:
        reject(Reason.STRING_INVALID, "group.labels_from", " or ".join(LABEL_SOURCES), ascii(labels_from)[:99])
    degree = parse_integer(degree, "group.degree", 1, MAX_SIDE)
    rows = parse_integer_rows(elements, "group.elements", 0, degree - 1)
    if rows.shape[1] != degree:
        reject(Reason.TYPE_WRONG, "group.elements", f"{degree} images an element", f"{rows.shape[1]}")
    return GroupSection(None if name is None else parse_string(name, "group.name"), labels_from, rows)


def _network(value: object) -> NetworkSection:
    fields = parse_fields(value, "network", "architecture", "instance", "roles", "tensors")
    architecture, instance, roles, tensors = fields
    if not isinstance(roles, dict) or not isinstance(tensors, dict):
        reject(Reason.TYPE_WRONG, "network", "objects for roles and tensors", "another type")
    return NetworkSection(
        parse_string(architecture, "network.architecture"),
        None if instance is None else parse_integer(instance, "network.instance", 0, MAX_SIDE),
        {
            parse_string(role, "network.roles"): parse_string(name, f"network.roles.{role}")
            for role, name in roles.items()
        },
        {parse_string(name, "network.tensors"): _tensor(t, f"network.tensors.{name}") for name, t in tensors.items()},
    )


def _tensor(value: object, where: str) -> TensorSection:
    dtype, shape, sha256, data = parse_fields(value, where, "dtype", "shape", "sha256", "data")
    if not isinstance(shape, list) or len(shape) > MAX_AXES:
        reject(Reason.TYPE_WRONG, f"{where}.shape", f"a list of at most {MAX_AXES} sizes", type(shape).__name__)
    return TensorSection(
        parse_string(dtype, f"{where}.dtype"),
        tuple(parse_integer(side, f"{where}.shape", 1, MAX_SIDE) for side in shape),
        parse_string(sha256, f"{where}.sha256", _SHA256),
        _bytes(data, f"{where}.data"),
    )


def _bytes(data: object, where: str) -> bytes:
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


def _method(value: object) -> ExhaustiveSection | EquivariantSection:
    if not isinstance(value, dict):
        reject(Reason.TYPE_WRONG, "method", "an object", type(value).__name__)
    name = value.get("name")
    if name == "equivariant":
        return _equivariant(value)
    if name != "exhaustive":
        reject(Reason.METHOD_UNKNOWN, "method.name", "exhaustive or equivariant", ascii(name)[:99])
    return _exhaustive({key: item for key, item in value.items() if key != "name"}, "method")


def _exhaustive(value: object, where: str) -> ExhaustiveSection:
    activation, unembedding = parse_fields(value, where, "activation_bits", "unembedding_bits")
    return ExhaustiveSection(
        parse_integer(activation, f"{where}.activation_bits", -MAX_SCALE_BITS, MAX_SCALE_BITS),
        parse_integer(unembedding, f"{where}.unembedding_bits", -MAX_SCALE_BITS, MAX_SCALE_BITS),
    )


_SCALES = dict.fromkeys(
    ("activation_bits", "unembedding_bits", "scale_bits", "coefficient_bits", "table_bits"), MAX_FIXED_POINT_BITS
) | {"representation_bits": MAX_REPRESENTATION_BITS}
_REPRESENTATION = (
    *("name", "permutations", "signs", "matrices"),
    *("cells", "positions", "coefficients", "basis"),
    *("left", "right", "middle", "constants_to"),
)


def _equivariant(value: object) -> EquivariantSection:
    keys = ("name", *_SCALES, "cells", "neurons", "representations", "error_terms", "cases")
    fields = dict(zip(keys, parse_fields(value, "method", *keys), strict=True))
    representations, cases = fields["representations"], fields["cases"]
    if not isinstance(representations, list) or len(representations) > MAX_REPRESENTATIONS:
        expected = f"a list of at most {MAX_REPRESENTATIONS}"
        reject(Reason.TYPE_WRONG, "method.representations", expected, type(representations).__name__)
    terms = parse_fields(fields["error_terms"], "method.error_terms", *ERROR_TERMS)
    return EquivariantSection(
        **{key: parse_integer(fields[key], f"method.{key}", 0, most) for key, most in _SCALES.items()},
        cells=parse_integer(fields["cells"], "method.cells", 1, MAX_CELLS),
        neurons=_array(fields["neurons"], "method.neurons", 2, columns=3),
        representations=tuple(
            _representation(r, f"method.representations[{i}]") for i, r in enumerate(representations)
        ),
        error_terms={
            key: parse_integer(term, f"method.error_terms.{key}", 0, 10**MAX_DIGITS - 1)
            for key, term in zip(ERROR_TERMS, terms, strict=True)
        },
        cases=None if cases is None else _exhaustive(cases, "method.cases"),
    )


def _representation(value: object, where: str) -> RepresentationSection:
    fields = dict(zip(_REPRESENTATION, parse_fields(value, where, *_REPRESENTATION), strict=True))
    is_permutation = fields["matrices"] is None
    absent = ("matrices", "coefficients", "basis") if is_permutation else ("permutations", "signs", "positions")
    for key in absent:
        if fields[key] is not None:
            reject(Reason.TYPE_WRONG, f"{where}.{key}", "null beside the other kind of matrices", "a value")

    def present(key: str, axes: int) -> NDArray[np.int64]:
        return _array(fields[key], f"{where}.{key}", axes)

    def possible(key: str, axes: int) -> NDArray[np.int64] | None:
        return None if key in absent or (key == "basis" and fields[key] is None) else present(key, axes)

    name, to = fields["name"], fields["constants_to"]
    return RepresentationSection(
        name=None if name is None else parse_string(name, f"{where}.name"),
        permutations=possible("permutations", 2),
        signs=possible("signs", 1),
        matrices=possible("matrices", 3),
        cells=present("cells", 1),
        positions=possible("positions", 2),
        coefficients=possible("coefficients", 2),
        basis=possible("basis", 3),
        left=present("left", 3),
        right=present("right", 3),
        middle=present("middle", 3),
        constants_to=None if to is None else parse_integer(to, f"{where}.constants_to", 0, MAX_SIDE),
    )


_ARRAY_TYPES = {"int8": 1, "int16": 2, "int32": 4}


def _array(value: object, where: str, axes: int, columns: int | None = None) -> NDArray[np.int64]:
    """Integers packed as little-endian bytes in base64."""
    dtype, shape, data = parse_fields(value, where, "dtype", "shape", "data")
    if dtype not in _ARRAY_TYPES or not isinstance(shape, list) or len(shape) != axes:
        reject(Reason.TYPE_WRONG, where, f"an array of {', '.join(_ARRAY_TYPES)} with {axes} axes", "another")
    sides = [parse_integer(side, f"{where}.shape", 0, MAX_SIDE) for side in shape]
    raw = _bytes(data, f"{where}.data")
    if len(raw) != math.prod(sides) * _ARRAY_TYPES[dtype] or (columns is not None and sides[-1] != columns):
        reject(Reason.TYPE_WRONG, where, f"bytes that fill a shape of {columns or 'any number of'} columns", f"{sides}")
    return np.frombuffer(raw, np.dtype(dtype).newbyteorder("<")).astype(np.int64).reshape(sides)

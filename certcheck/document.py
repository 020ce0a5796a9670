"""The sections of a certificate (docs/format.md).

Nothing here says that a claim is true; what is true on return is that every value has the type, range and form that the
format gives it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from certcheck.limits import LIMITS, Limits
from certcheck.strict_json import (
    MAX_DIGITS,
    MAX_SIDE,
    parse_array,
    parse_bytes,
    parse_fields,
    parse_integer,
    parse_integer_rows,
    parse_json,
    parse_string,
)
from certcheck.verdict import BINARY32_BITS, FORMAT_VERSION, Reason, reject

MAX_AXES = 3
MAX_SCALE_BITS = 4096
MAX_FIXED_POINT_BITS = 40
MAX_REPRESENTATION_BITS = 24
MAX_REPRESENTATIONS = 256
MAX_CELLS = 2**20
MAX_CIRCUITS = 256

FORMAT = "certgen certificate"
END = "end of certificate"
LABEL_SOURCES = ("given", "model_answers")

_DECIMAL = re.compile(r"(0|[1-9][0-9]{0,8})\.[0-9]{1,18}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class EntropyEffort:
    """Sums of exponentials, in units of 2^-48, from which on the cross-entropy of a pair is looked at more closely."""

    scan_above: int
    evaluate_above: int


@dataclass(frozen=True, slots=True)
class StatementSection:
    """The claims; None: nothing is claimed of this kind.

    At least so many of so many pairs are correct, their margins at least smallest_certified_margin; at least so many as
    evaluated in binary32, or with the unit roundoff 2**-unit_roundoff_bits; the mean cross-entropy of all pairs, in
    nats, is at most so much. Margin and cross-entropy are decimals.
    """

    correct_pairs_at_least: int
    pairs: int
    smallest_certified_margin: str | None = None
    float32_correct_pairs_at_least: int | None = None
    unit_roundoff_bits: int | None = None
    cross_entropy_upper_bound: str | None = None
    cross_entropy_effort: EntropyEffort | None = None


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
RHO_SET_ERROR_TERMS = ("merging", "rounding", "remainder")


@dataclass(frozen=True, slots=True)
class CircuitSection:
    """Cells (b, b') for the points of two G-sets, given by their index.

    phi: (d,), phi_prime: (d',) in units of 2**-activation_bits. kernel, left_kernel, right_kernel: (d, d') in units of
    2**-unembedding_bits, the functions K, j_L, j_R, or None for zero. middle: whether Gamma's invariant part is apart.
    """

    left: int
    right: int
    phi: NDArray[np.int64]
    phi_prime: NDArray[np.int64]
    kernel: NDArray[np.int64] | None
    left_kernel: NDArray[np.int64] | None
    right_kernel: NDArray[np.int64] | None
    middle: bool

    @property
    def kernels(self) -> list[NDArray[np.int64]]:
        """Those that are there."""
        return [k for k in (self.kernel, self.left_kernel, self.right_kernel) if k is not None]


@dataclass(frozen=True, slots=True)
class RhoSetSection:
    """Scales, G-sets, circuits; claimed error terms in units of 2**-table_bits; who takes what the circuits leave.

    gsets: for each its permutations, (generators, points). neurons: (m, 4): circuit (-1: dropped, -2: left to
    `remaining`), points b and b', scale sigma in units of 2**-scale_bits.
    """

    activation_bits: int
    unembedding_bits: int
    scale_bits: int
    table_bits: int
    gsets: tuple[NDArray[np.int64], ...]
    circuits: tuple[CircuitSection, ...]
    neurons: NDArray[np.int64]
    error_terms: dict[str, int]
    remaining: EquivariantSection | None
    cases: ExhaustiveSection | None


MethodSection = ExhaustiveSection | EquivariantSection | RhoSetSection


@dataclass(frozen=True, slots=True)
class Certificate:
    """The sections of a certificate, in their order."""

    statement: StatementSection
    group: GroupSection
    network: NetworkSection
    method: MethodSection


def parse_certificate(data: bytes, limits: Limits = LIMITS) -> Certificate:
    """The sections of a version 1 certificate.

    Errors: those of `parse_json`; NOT_A_CERTIFICATE, VERSION_UNKNOWN, METHOD_UNKNOWN; KEY_MISSING,
    KEY_UNEXPECTED, TYPE_WRONG, NUMBER_INVALID, STRING_INVALID where the form is not that of docs/format.md.
    """
    document = parse_json(data, limits)
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


_STATEMENT = (
    *("correct_pairs_at_least", "pairs", "smallest_certified_margin"),
    *("float32_correct_pairs_at_least", "unit_roundoff_bits"),
    *("cross_entropy_upper_bound", "cross_entropy_effort"),
)


def _statement(value: object) -> StatementSection:
    fields = dict(zip(_STATEMENT, parse_fields(value, "statement", *_STATEMENT), strict=True))
    for claim, of_claim in (_STATEMENT[3:5], _STATEMENT[5:7]):
        if (fields[claim] is None) != (fields[of_claim] is None):
            reject(Reason.TYPE_WRONG, f"statement.{of_claim}", f"null if and only if {claim} is null", "another")

    def integer(key: str, low: int, high: int) -> int | None:
        return None if fields[key] is None else parse_integer(fields[key], f"statement.{key}", low, high)

    def decimal(key: str) -> str | None:
        return None if fields[key] is None else parse_string(fields[key], f"statement.{key}", _DECIMAL)

    effort = fields["cross_entropy_effort"]
    return StatementSection(
        parse_integer(fields["correct_pairs_at_least"], "statement.correct_pairs_at_least", 0, 10**MAX_DIGITS - 1),
        parse_integer(fields["pairs"], "statement.pairs", 1, 10**MAX_DIGITS - 1),
        decimal("smallest_certified_margin"),
        integer("float32_correct_pairs_at_least", 0, 10**MAX_DIGITS - 1),
        integer("unit_roundoff_bits", 1, BINARY32_BITS),
        decimal("cross_entropy_upper_bound"),
        None if effort is None else _entropy_effort(effort, "statement.cross_entropy_effort"),
    )


def _entropy_effort(value: object, where: str) -> EntropyEffort:
    scan, evaluate = parse_fields(value, where, "scan_above", "evaluate_above")
    return EntropyEffort(
        parse_integer(scan, f"{where}.scan_above", 0, 10**MAX_DIGITS - 1),
        parse_integer(evaluate, f"{where}.evaluate_above", 0, 10**MAX_DIGITS - 1),
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
        parse_bytes(data, f"{where}.data"),
    )


def _method(value: object) -> MethodSection:
    if not isinstance(value, dict):
        reject(Reason.TYPE_WRONG, "method", "an object", type(value).__name__)
    name = value.get("name")
    parsers: dict[str, Callable[[object, str], MethodSection]] = {
        "exhaustive": _exhaustive,
        "equivariant": _equivariant,
        "rho-set": _rho_set,
    }
    if not isinstance(name, str) or name not in parsers:
        reject(Reason.METHOD_UNKNOWN, "method.name", ", ".join(parsers), ascii(name)[:99])
    return parsers[name]({key: item for key, item in value.items() if key != "name"}, "method")


def _exhaustive(value: object, where: str) -> ExhaustiveSection:
    activation, unembedding = parse_fields(value, where, "activation_bits", "unembedding_bits")
    return ExhaustiveSection(
        parse_integer(activation, f"{where}.activation_bits", -MAX_SCALE_BITS, MAX_SCALE_BITS),
        parse_integer(unembedding, f"{where}.unembedding_bits", -MAX_SCALE_BITS, MAX_SCALE_BITS),
    )


_RHO_SET_SCALES = ("activation_bits", "unembedding_bits", "scale_bits", "table_bits")
_SCALES = dict.fromkeys((*_RHO_SET_SCALES, "coefficient_bits"), MAX_FIXED_POINT_BITS) | {
    "representation_bits": MAX_REPRESENTATION_BITS
}
_REPRESENTATION = (
    *("name", "permutations", "signs", "matrices"),
    *("cells", "positions", "coefficients", "basis"),
    *("left", "right", "middle", "constants_to"),
)


def _equivariant(value: object, where: str) -> EquivariantSection:
    keys = (*_SCALES, "cells", "neurons", "representations", "error_terms", "cases")
    fields = dict(zip(keys, parse_fields(value, where, *keys), strict=True))
    representations = _list(fields["representations"], f"{where}.representations", MAX_REPRESENTATIONS)
    return EquivariantSection(
        **{key: parse_integer(fields[key], f"{where}.{key}", 0, most) for key, most in _SCALES.items()},
        cells=parse_integer(fields["cells"], f"{where}.cells", 1, MAX_CELLS),
        neurons=parse_array(fields["neurons"], f"{where}.neurons", 2, columns=3),
        representations=tuple(
            _representation(r, f"{where}.representations[{i}]") for i, r in enumerate(representations)
        ),
        error_terms=_error_terms(fields["error_terms"], f"{where}.error_terms", ERROR_TERMS),
        cases=None if fields["cases"] is None else _exhaustive(fields["cases"], f"{where}.cases"),
    )


def _list(value: object, where: str, most: int) -> list[Any]:
    if not isinstance(value, list) or len(value) > most:
        reject(Reason.TYPE_WRONG, where, f"a list of at most {most}", type(value).__name__)
    return value


def _error_terms(value: object, where: str, keys: tuple[str, ...]) -> dict[str, int]:
    terms = zip(keys, parse_fields(value, where, *keys), strict=True)
    return {key: parse_integer(term, f"{where}.{key}", 0, 10**MAX_DIGITS - 1) for key, term in terms}


def _representation(value: object, where: str) -> RepresentationSection:
    fields = dict(zip(_REPRESENTATION, parse_fields(value, where, *_REPRESENTATION), strict=True))
    is_permutation = fields["matrices"] is None
    absent = ("matrices", "coefficients", "basis") if is_permutation else ("permutations", "signs", "positions")
    for key in absent:
        if fields[key] is not None:
            reject(Reason.TYPE_WRONG, f"{where}.{key}", "null beside the other kind of matrices", "a value")

    def present(key: str, axes: int) -> NDArray[np.int64]:
        return parse_array(fields[key], f"{where}.{key}", axes)

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


def _rho_set(value: object, where: str) -> RhoSetSection:
    keys = (*_RHO_SET_SCALES, "gsets", "circuits", "neurons", "error_terms", "remaining", "cases")
    fields = dict(zip(keys, parse_fields(value, where, *keys), strict=True))
    gsets = _list(fields["gsets"], f"{where}.gsets", MAX_CIRCUITS)
    circuits = _list(fields["circuits"], f"{where}.circuits", MAX_CIRCUITS)
    cases = fields["cases"]
    remaining = None if fields["remaining"] is None else _equivariant(fields["remaining"], f"{where}.remaining")
    if remaining is not None and remaining.cases is not None:
        reject(Reason.TYPE_WRONG, f"{where}.remaining.cases", f"null: {where}.cases decides for all", "a value")
    return RhoSetSection(
        **{key: parse_integer(fields[key], f"{where}.{key}", 0, MAX_FIXED_POINT_BITS) for key in _RHO_SET_SCALES},
        gsets=tuple(parse_array(g, f"{where}.gsets[{i}]", 2) for i, g in enumerate(gsets)),
        circuits=tuple(_circuit(c, f"{where}.circuits[{i}]") for i, c in enumerate(circuits)),
        neurons=parse_array(fields["neurons"], f"{where}.neurons", 2, columns=4),
        error_terms=_error_terms(fields["error_terms"], f"{where}.error_terms", RHO_SET_ERROR_TERMS),
        remaining=remaining,
        cases=None if cases is None else _exhaustive(cases, f"{where}.cases"),
    )


def _circuit(value: object, where: str) -> CircuitSection:
    keys = ("left", "right", "phi", "phi_prime", "kernel", "left_kernel", "right_kernel", "middle")
    left, right, phi, phi_prime, *kernels, middle = parse_fields(value, where, *keys)
    if type(middle) is not bool:
        reject(Reason.TYPE_WRONG, f"{where}.middle", "true or false", type(middle).__name__)
    named = zip(("kernel", "left_kernel", "right_kernel"), kernels, strict=True)
    return CircuitSection(
        parse_integer(left, f"{where}.left", 0, MAX_CIRCUITS),
        parse_integer(right, f"{where}.right", 0, MAX_CIRCUITS),
        parse_array(phi, f"{where}.phi", 1),
        parse_array(phi_prime, f"{where}.phi_prime", 1),
        **{key: None if k is None else parse_array(k, f"{where}.{key}", 2) for key, k in named},
        middle=middle,
    )

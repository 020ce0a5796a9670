"""Strict JSON and the sections of a certificate."""

from __future__ import annotations

import contextlib
import json
import tracemalloc
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certcheck.document import EntropyEffort, StatementSection, parse_certificate
from certcheck.limits import Limits
from certcheck.strict_json import parse_json
from certcheck.verdict import Reason, Refusal
from tests.certificates import C3, certificate, encode

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "certificate.schema.json").read_text())

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**16), 10**16) | st.text(st.characters(codec="ascii"), max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc", max_size=2), inner, max_size=4),
    max_leaves=12,
)


def refusal_of(data: bytes) -> Refusal:
    """The refusal of some bytes as JSON."""
    with pytest.raises(Refusal) as caught:
        parse_json(data)
    return caught.value


@settings(deadline=None, max_examples=200)
@given(json_values)
def test_plain_json_is_read_as_the_standard_library_reads_it(value: Any) -> None:
    """Without floats, the strict parser gives what json gives."""
    text = json.dumps(value)
    assert parse_json(text.encode()) == json.loads(text)
    assert parse_json(text.encode() + b"\n") == json.loads(text)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", Reason.NOT_JSON),
        (b" {}", Reason.NOT_JSON),
        (b"{", Reason.NOT_JSON),
        (b'{"a":}', Reason.NOT_JSON),
        (b'{"a":1,}', Reason.NOT_JSON),
        (b"{'a':1}", Reason.NOT_JSON),
        (b'"\x01"', Reason.NOT_JSON),
        (b'"a\\x"', Reason.NOT_JSON),
        (b'"abc', Reason.NOT_JSON),
        ("\N{BYTE ORDER MARK}{}".encode(), Reason.NOT_JSON),
        ('"é"'.encode(), Reason.NOT_JSON),
        (b"\xff\xfe{\x00}\x00", Reason.NOT_JSON),
        (b"01", Reason.TRAILING_BYTES),
        (b"{}{}", Reason.TRAILING_BYTES),
        (b"{} ", Reason.TRAILING_BYTES),
        (b"{}\n\n", Reason.TRAILING_BYTES),
        (b"{}\r\n", Reason.TRAILING_BYTES),
        (b"{}\x00", Reason.TRAILING_BYTES),
        (b'{"a":1,"a":1}', Reason.KEY_DUPLICATE),
        (b'{"a":1,"\\u0061":2}', Reason.KEY_DUPLICATE),
        (b'[{"b":{"a":1,"c":2,"a":3}}]', Reason.KEY_DUPLICATE),
        (b"NaN", Reason.NUMBER_INVALID),
        (b"[Infinity]", Reason.NUMBER_INVALID),
        (b"[-Infinity]", Reason.NUMBER_INVALID),
        (b"1.0", Reason.NUMBER_INVALID),
        (b"1e2", Reason.NUMBER_INVALID),
        (b"[1E999]", Reason.NUMBER_INVALID),
        (b"-0", Reason.NUMBER_INVALID),
        (b"1" * 19, Reason.NUMBER_TOO_LONG),
        (b"[-" + b"1" * 18 + b"]", Reason.NUMBER_TOO_LONG),
        (b"9" * 5000, Reason.NUMBER_TOO_LONG),
        (b"[" * 9 + b"]" * 9, Reason.NESTING_TOO_DEEP),
        (b"[" * 10**6, Reason.NESTING_TOO_DEEP),
        (b'{"a":' * 10**5, Reason.NESTING_TOO_DEEP),
        (b'["\\"",' * 20 + b"0", Reason.NESTING_TOO_DEEP),
    ],
)
def test_what_is_not_strict_json_is_refused(data: bytes, reason: Reason) -> None:
    """Each kind of bad JSON has its own reason."""
    refusal = refusal_of(data)
    assert (refusal.reason, refusal.where) == (reason, "document")


def test_brackets_inside_strings_are_not_nesting() -> None:
    """Depth counts structure only."""
    text = '{"[[[[[[[[[[": "{{{{{{{{{{ \\" [[[[[[[[[["}'
    assert parse_json(text.encode()) == json.loads(text)


def test_the_largest_depth_and_longest_number_are_read() -> None:
    """The caps themselves are allowed."""
    assert parse_json(b"[" * 8 + b"]" * 8) == [[[[[[[[]]]]]]]]
    assert parse_json(b"9" * 18) == 10**18 - 1
    assert parse_json(b"-" + b"9" * 17) == 1 - 10**17


def test_files_and_values_are_counted_before_they_are_parsed() -> None:
    """Too many bytes or commas are refused, and one less is not."""
    limits = Limits(bytes=10, values=3)
    assert parse_json(b"[1,2,3,4]\n", limits) == [1, 2, 3, 4]
    for text, reason in (
        (b"[1,2,3,40]\n", Reason.FILE_TOO_LARGE),
        (b"[1,2,3,,]", Reason.VALUES_TOO_MANY),
        (b'"""""', Reason.VALUES_TOO_MANY),
    ):
        with pytest.raises(Refusal) as caught:
            parse_json(text, limits)
        assert (caught.value.reason, caught.value.where) == (reason, "document")


def test_ten_million_keys_are_counted_before_any_is_made() -> None:
    """The same key, as often as a file can hold it, and other ones each time: refused with no memory but the bytes."""
    same = b"{" + b'"":0,' * 10**7 + b'"":0}'
    others = b"{" + b",".join(b'"%07d":0' % i for i in range(10**5)) * 100 + b"}"
    assert len(same) < Limits().bytes < len(others)
    tracemalloc.start()
    for data, limits in ((same, Limits()), (others, Limits(bytes=2**27))):
        tracemalloc.clear_traces()
        with pytest.raises(Refusal) as caught:
            parse_json(data, limits)
        assert (caught.value.reason, caught.value.where) == (Reason.VALUES_TOO_MANY, "document")
        assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()
    assert refusal_of(others).reason is Reason.FILE_TOO_LARGE


def test_a_certificate_is_what_the_schema_says() -> None:
    """The small certificate satisfies the published schema and is parsed into its sections."""
    value = certificate(C3)
    jsonschema.validate(value, SCHEMA)
    parsed = parse_certificate(encode(value))
    assert parsed.statement.correct_pairs_at_least == parsed.statement.pairs == 9
    assert parsed.group.elements.tolist() == C3
    assert (parsed.group.name, parsed.group.labels_from) == (None, "given")
    assert parsed.network.roles == {"left": "left", "right": "right", "out": "out"}
    assert parsed.network.tensors["out"].shape == (9, 3)
    assert (parsed.method.activation_bits, parsed.method.unembedding_bits) == (10, 10)


REMOVED = object()
EFFORT = {"scan_above": 0, "evaluate_above": 10**18 - 1}

# Path, new value, reason, place; `schema` is False where the schema cannot say it.
BAD_FORMS: list[tuple[str, Any, Reason, str]] = [
    ("format", "certgen", Reason.NOT_A_CERTIFICATE, "format"),
    ("format", REMOVED, Reason.NOT_A_CERTIFICATE, "format"),
    ("version", 2, Reason.VERSION_UNKNOWN, "version"),
    ("version", 0, Reason.NUMBER_INVALID, "version"),
    ("version", "1", Reason.TYPE_WRONG, "version"),
    ("version", True, Reason.TYPE_WRONG, "version"),
    ("version", REMOVED, Reason.TYPE_WRONG, "version"),
    ("end", REMOVED, Reason.KEY_MISSING, "certificate"),
    ("end", "end", Reason.STRING_INVALID, "end"),
    ("more", 1, Reason.KEY_UNEXPECTED, "certificate"),
    ("statement", REMOVED, Reason.KEY_MISSING, "certificate"),
    ("statement", [], Reason.TYPE_WRONG, "statement"),
    ("statement.pairs", REMOVED, Reason.KEY_MISSING, "statement"),
    ("statement.sampled", True, Reason.KEY_UNEXPECTED, "statement"),
    ("statement.correct_pairs_at_least", True, Reason.TYPE_WRONG, "statement.correct_pairs_at_least"),
    ("statement.correct_pairs_at_least", "9", Reason.TYPE_WRONG, "statement.correct_pairs_at_least"),
    ("statement.correct_pairs_at_least", None, Reason.TYPE_WRONG, "statement.correct_pairs_at_least"),
    ("statement.correct_pairs_at_least", -1, Reason.NUMBER_INVALID, "statement.correct_pairs_at_least"),
    ("statement.pairs", 0, Reason.NUMBER_INVALID, "statement.pairs"),
    *(
        (f"statement.{key}", REMOVED, Reason.KEY_MISSING, "statement")
        for key in (
            *("smallest_certified_margin", "float32_correct_pairs_at_least", "unit_roundoff_bits"),
            *("cross_entropy_upper_bound", "cross_entropy_effort"),
        )
    ),
    # One without the other.
    ("statement.float32_correct_pairs_at_least", 9, Reason.TYPE_WRONG, "statement.unit_roundoff_bits"),
    ("statement.unit_roundoff_bits", 24, Reason.TYPE_WRONG, "statement.unit_roundoff_bits"),
    ("statement.cross_entropy_upper_bound", "1.0", Reason.TYPE_WRONG, "statement.cross_entropy_effort"),
    ("statement.cross_entropy_effort", EFFORT, Reason.TYPE_WRONG, "statement.cross_entropy_effort"),
    ("group", None, Reason.TYPE_WRONG, "group"),
    ("group.name", "", Reason.STRING_INVALID, "group.name"),
    ("group.name", "S\x1b[2J", Reason.STRING_INVALID, "group.name"),
    ("group.name", "é", Reason.STRING_INVALID, "group.name"),
    ("group.name", "x" * 201, Reason.STRING_INVALID, "group.name"),
    ("group.name", 3, Reason.TYPE_WRONG, "group.name"),
    ("group.labels_from", "guessed", Reason.STRING_INVALID, "group.labels_from"),
    ("group.labels_from", ["given"], Reason.STRING_INVALID, "group.labels_from"),
    ("group.degree", 0, Reason.NUMBER_INVALID, "group.degree"),
    ("group.elements", [], Reason.TYPE_WRONG, "group.elements"),
    ("group.elements", {}, Reason.TYPE_WRONG, "group.elements"),
    ("group.elements", [3], Reason.TYPE_WRONG, "group.elements[0]"),
    ("group.elements", [[]], Reason.TYPE_WRONG, "group.elements[0]"),
    ("group.elements", [[0, 1, 2], [1, 2]], Reason.TYPE_WRONG, "group.elements[1]"),
    ("group.elements", [[0, 1, 2], [1, 2, -1]], Reason.NUMBER_INVALID, "group.elements[1]"),
    ("group.elements", [[0, 1, 2], [1, 2, "0"]], Reason.NUMBER_INVALID, "group.elements[1]"),
    ("group.elements", [[False, True, 2]], Reason.NUMBER_INVALID, "group.elements[0]"),
    ("network", REMOVED, Reason.KEY_MISSING, "certificate"),
    ("network.architecture", 1, Reason.TYPE_WRONG, "network.architecture"),
    ("network.instance", -1, Reason.NUMBER_INVALID, "network.instance"),
    ("network.instance", "0", Reason.TYPE_WRONG, "network.instance"),
    ("network.roles", [], Reason.TYPE_WRONG, "network"),
    ("network.roles.left", None, Reason.TYPE_WRONG, "network.roles.left"),
    ("network.tensors", None, Reason.TYPE_WRONG, "network"),
    ("network.tensors.left", "bytes", Reason.TYPE_WRONG, "network.tensors.left"),
    ("network.tensors.left.scale", 2, Reason.KEY_UNEXPECTED, "network.tensors.left"),
    ("network.tensors.left.shape", 27, Reason.TYPE_WRONG, "network.tensors.left.shape"),
    ("network.tensors.left.shape", [3, 0], Reason.NUMBER_INVALID, "network.tensors.left.shape"),
    ("network.tensors.left.shape", [3, 2**24 + 1], Reason.NUMBER_INVALID, "network.tensors.left.shape"),
    ("network.tensors.left.shape", [3, True], Reason.TYPE_WRONG, "network.tensors.left.shape"),
    ("network.tensors.left.sha256", "0" * 63, Reason.STRING_INVALID, "network.tensors.left.sha256"),
    ("network.tensors.left.sha256", "A" * 64, Reason.STRING_INVALID, "network.tensors.left.sha256"),
    ("network.tensors.left.sha256", 7, Reason.TYPE_WRONG, "network.tensors.left.sha256"),
    ("network.tensors.left.data", 7, Reason.TYPE_WRONG, "network.tensors.left.data"),
    ("network.tensors.left.data", "AAA", Reason.STRING_INVALID, "network.tensors.left.data"),
    ("network.tensors.left.data", "AA A", Reason.STRING_INVALID, "network.tensors.left.data"),
    ("network.tensors.left.data", "AA-_", Reason.STRING_INVALID, "network.tensors.left.data"),
    ("method", [], Reason.TYPE_WRONG, "method"),
    ("method.name", "trust", Reason.METHOD_UNKNOWN, "method.name"),
    ("method.name", REMOVED, Reason.METHOD_UNKNOWN, "method.name"),
    ("method.pairs", [], Reason.KEY_UNEXPECTED, "method"),
    ("method.activation_bits", REMOVED, Reason.KEY_MISSING, "method"),
    ("method.activation_bits", 4097, Reason.NUMBER_INVALID, "method.activation_bits"),
    ("method.unembedding_bits", -4097, Reason.NUMBER_INVALID, "method.unembedding_bits"),
]


def edited(path: str, value: Any) -> dict[str, Any]:
    """The small certificate with one value replaced or removed."""
    whole = certificate(C3)
    *parents, last = path.split(".")
    place = whole
    for key in parents:
        place = place[key]
    if value is REMOVED:
        del place[last]
    else:
        place[last] = value
    return whole


@pytest.mark.parametrize(("path", "value", "reason", "where"), BAD_FORMS)
def test_a_bad_form_is_refused_at_its_place_and_by_the_schema(
    path: str, value: Any, reason: Reason, where: str
) -> None:
    """The parser names reason and place; the published schema refuses the same file, unless lists differ in length."""
    document_ = edited(path, value)
    with pytest.raises(Refusal) as caught:
        parse_certificate(encode(document_))
    assert (caught.value.reason, caught.value.where) == (reason, where)
    beyond_schema = value == [[0, 1, 2], [1, 2]]
    assert jsonschema.Draft202012Validator(SCHEMA).is_valid(document_) == beyond_schema


def claiming(**claims: Any) -> dict[str, Any]:
    """The small certificate with all claims, and these in place of its own."""
    document = certificate(C3)
    document["statement"] |= {
        "smallest_certified_margin": "1.0",
        "float32_correct_pairs_at_least": 9,
        "unit_roundoff_bits": 24,
        "cross_entropy_upper_bound": "0.75",
        "cross_entropy_effort": dict(EFFORT),
    }
    document["statement"] |= claims
    return document


def test_all_claims_are_read() -> None:
    """Each in its place; without them all are None."""
    document = claiming()
    jsonschema.validate(document, SCHEMA)
    statement = StatementSection(9, 9, "1.0", 9, 24, "0.75", EntropyEffort(0, 10**18 - 1))
    assert parse_certificate(encode(document)).statement == statement
    assert parse_certificate(encode(certificate(C3))).statement == StatementSection(9, 9)


DECIMALS = ("smallest_certified_margin", "cross_entropy_upper_bound")


@pytest.mark.parametrize("key", DECIMALS)
@pytest.mark.parametrize("text", ["0.0", "0.1", "9.9", "10.000000000000000001", "999999999.9", "0." + "9" * 18])
def test_a_decimal_is_read_as_it_stands(key: str, text: str) -> None:
    """Nine digits before the point and 18 behind it."""
    document = claiming(**{key: text})
    jsonschema.validate(document, SCHEMA)
    assert getattr(parse_certificate(encode(document)).statement, key) == text


NO_DECIMALS = [
    "",
    "1",
    "1.",
    ".5",
    "01.0",
    "00.0",
    "-1.0",
    "+1.0",
    "1.0 ",
    " 1.0",
    "1,0",
    "1e0",
    "1.0e0",
    "1/2",
    "0x1.0",
]
NO_DECIMALS += ["1.0\n", "1234567890.0", "0." + "9" * 19, "1_0.0", "nan", "inf", "1.0.0", "\u0661.0", "0.\u0665"]


@pytest.mark.parametrize("key", DECIMALS)
@pytest.mark.parametrize("text", NO_DECIMALS)
def test_what_is_no_decimal_is_refused(key: str, text: str) -> None:
    """Signs, exponents, other digits, more of them, other characters before or behind."""
    document = claiming(**{key: text})
    with pytest.raises(Refusal) as caught:
        parse_certificate(encode(document))
    assert (caught.value.reason, caught.value.where) == (Reason.STRING_INVALID, f"statement.{key}")
    # In a pattern of Python's, unlike one of JSON Schema, $ is before a last line feed too.
    assert jsonschema.Draft202012Validator(SCHEMA).is_valid(document) == text.endswith("\n")


@pytest.mark.parametrize(
    ("key", "value", "reason", "where"),
    [
        ("smallest_certified_margin", 1, Reason.TYPE_WRONG, "smallest_certified_margin"),
        ("cross_entropy_upper_bound", 1, Reason.TYPE_WRONG, "cross_entropy_upper_bound"),
        ("float32_correct_pairs_at_least", "9", Reason.TYPE_WRONG, "float32_correct_pairs_at_least"),
        ("float32_correct_pairs_at_least", True, Reason.TYPE_WRONG, "float32_correct_pairs_at_least"),
        ("float32_correct_pairs_at_least", None, Reason.TYPE_WRONG, "unit_roundoff_bits"),
        ("unit_roundoff_bits", None, Reason.TYPE_WRONG, "unit_roundoff_bits"),
        ("unit_roundoff_bits", "24", Reason.TYPE_WRONG, "unit_roundoff_bits"),
        ("unit_roundoff_bits", 0, Reason.NUMBER_INVALID, "unit_roundoff_bits"),
        ("unit_roundoff_bits", 25, Reason.NUMBER_INVALID, "unit_roundoff_bits"),
        ("cross_entropy_upper_bound", None, Reason.TYPE_WRONG, "cross_entropy_effort"),
        ("cross_entropy_effort", None, Reason.TYPE_WRONG, "cross_entropy_effort"),
        ("cross_entropy_effort", [], Reason.TYPE_WRONG, "cross_entropy_effort"),
        ("cross_entropy_effort", {"scan_above": 0}, Reason.KEY_MISSING, "cross_entropy_effort"),
        ("cross_entropy_effort", EFFORT | {"more": 0}, Reason.KEY_UNEXPECTED, "cross_entropy_effort"),
        ("cross_entropy_effort", EFFORT | {"scan_above": None}, Reason.TYPE_WRONG, "cross_entropy_effort.scan_above"),
        (
            "cross_entropy_effort",
            EFFORT | {"evaluate_above": -1},
            Reason.NUMBER_INVALID,
            "cross_entropy_effort.evaluate_above",
        ),
    ],
)
def test_a_claim_of_a_bad_form_is_refused_at_its_place(key: str, value: Any, reason: Reason, where: str) -> None:
    """Of the wrong type or range, or without what belongs to it; the schema refuses it too."""
    document = claiming(**{key: value})
    with pytest.raises(Refusal) as caught:
        parse_certificate(encode(document))
    assert (caught.value.reason, caught.value.where) == (reason, f"statement.{where}")
    assert not jsonschema.Draft202012Validator(SCHEMA).is_valid(document)


@pytest.mark.parametrize(
    "absent",
    [
        ["smallest_certified_margin"],
        ["float32_correct_pairs_at_least", "unit_roundoff_bits"],
        ["cross_entropy_upper_bound", "cross_entropy_effort"],
    ],
)
def test_each_claim_may_be_absent(absent: list[str]) -> None:
    """With what belongs to it; the others stand."""
    document = claiming(**dict.fromkeys(absent))
    jsonschema.validate(document, SCHEMA)
    statement = parse_certificate(encode(document)).statement
    assert all((getattr(statement, name) is None) == (name in absent) for name in document["statement"])


def test_points_and_degree_agree() -> None:
    """What a schema cannot say: images below the degree, as many as the degree."""
    for degree, reason, where in (
        (2, Reason.NUMBER_INVALID, "group.elements[0]"),
        (4, Reason.TYPE_WRONG, "group.elements"),
    ):
        with pytest.raises(Refusal) as caught:
            parse_certificate(encode(edited("group.degree", degree)))
        assert (caught.value.reason, caught.value.where) == (reason, where)


def test_base64_has_one_spelling() -> None:
    """Unused bits of the last character must be zero: two files of one content would differ in bytes only."""
    with pytest.raises(Refusal) as caught:
        parse_certificate(encode(edited("network.tensors.left.data", "AB==")))
    assert (caught.value.reason, caught.value.where) == (Reason.STRING_INVALID, "network.tensors.left.data")


@pytest.mark.parametrize("value", [[], 1, None, "certgen certificate", {}])
def test_other_json_is_no_certificate(value: Any) -> None:
    """A file without the format mark is not a certificate of any version."""
    with pytest.raises(Refusal) as caught:
        parse_certificate(encode(value))
    assert (caught.value.reason, caught.value.where) == (Reason.NOT_A_CERTIFICATE, "format")


@settings(deadline=None, max_examples=150)
@given(st.binary(max_size=40), st.integers(0, 500), st.integers(0, 40))
def test_no_bytes_raise_anything_but_a_refusal(noise: bytes, position: int, removed: int) -> None:
    """Whatever is done to the bytes of a certificate, the parser answers with sections or a refusal."""
    data = encode(certificate(C3))
    with contextlib.suppress(Refusal):
        assert parse_certificate(data[:position] + noise + data[position + removed :]).statement.pairs > 0

"""What is not of the format, what is above a limit, and what the command line makes of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certcheck.specification import document
from certcheck.specification.__main__ import main
from certcheck.specification.certificate import specify
from certcheck.specification.decision import Status
from tests.certificates import C3, certificate, encode
from tests.specification.documents import set_value

PLAIN = certificate(C3)
RAW = json.dumps(PLAIN, separators=(",", ":")).encode()
LEFT = PLAIN["network"]["tensors"]["left"]


def nest(levels: int) -> bytes:
    """A value of so many levels in a certificate's first key."""
    return RAW.replace(b'"certgen certificate"', b"[" * (levels - 1) + b"]" * (levels - 1), 1)


@pytest.mark.parametrize(
    "data", [RAW, RAW + b"\n", RAW.replace(b",", b" ,\t\r\n"), RAW.replace(b'"given"', b'"\\u0067iven"')]
)
def test_spelling_within_the_object_is_free(data: bytes) -> None:
    """White space, escapes, one line end."""
    assert specify(data).status is Status.VERIFIED


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"", Status.MALFORMED),
        (b"{", Status.MALFORMED),
        (b"[]", Status.MALFORMED),
        (b"{}", Status.MALFORMED),
        (b"{\x00}", Status.MALFORMED),
        (b" " + RAW, Status.MALFORMED),
        (RAW + b" ", Status.MALFORMED),
        (RAW + b"\n\n", Status.MALFORMED),
        (RAW + b"\r\n", Status.MALFORMED),
        (RAW + RAW, Status.MALFORMED),
        (b"\xef\xbb\xbf" + RAW, Status.MALFORMED),
        (RAW.replace(b"given", "givén".encode()), Status.MALFORMED),
        (RAW.replace(b"given", b"giv\x01n"), Status.MALFORMED),
        (RAW.replace(b"{", b'{"end":"end of certificate",', 1), Status.MALFORMED),
        (RAW.replace(b'"degree":3', b'"degree":3.0'), Status.MALFORMED),
        (RAW.replace(b'"degree":3', b'"degree":3e0'), Status.MALFORMED),
        (RAW.replace(b'"degree":3', b'"degree":NaN'), Status.MALFORMED),
        (RAW.replace(b'"degree":3', b'"degree":-Infinity'), Status.MALFORMED),
        (RAW.replace(b'"degree":3', b'"degree":-0'), Status.MALFORMED),
        (RAW.replace(b'"degree":3', b'"degree":03'), Status.MALFORMED),
        (RAW.replace(b'"degree":3', b'"degree":' + b"9" * 18), Status.MALFORMED),
        (RAW.replace(b'"degree":3', b'"degree":' + b"9" * 19), Status.LIMIT),
        (RAW.replace(b'"degree":3', b'"degree":-' + b"9" * 18), Status.LIMIT),
        (RAW.replace(b'"degree":3', b'"degree":' + b"9" * 5000), Status.LIMIT),
        (nest(8), Status.MALFORMED),
        (nest(9), Status.LIMIT),
        (b"[" * 10**6, Status.LIMIT),
        (b'{"a\\"[[[[[[[[[[":' * 5, Status.MALFORMED),
    ],
)
def test_what_is_not_one_plain_object_is_refused(data: bytes, status: Status) -> None:
    """By the status of its kind, and without an exception."""
    assert specify(data).status is status


def test_a_file_above_the_limit_is_not_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit itself is allowed."""
    monkeypatch.setattr(document, "MAX_BYTES", len(RAW))
    assert specify(RAW).status is Status.VERIFIED
    assert specify(RAW + b"\n").status is Status.LIMIT


@pytest.mark.parametrize(
    ("path", "value", "status"),
    [
        ("format", "certgen", Status.MALFORMED),
        ("version", 2, Status.DECLINED),
        ("version", 0, Status.MALFORMED),
        ("version", True, Status.MALFORMED),
        ("version", "1", Status.MALFORMED),
        ("more", 1, Status.MALFORMED),
        ("end", "end", Status.MALFORMED),
        ("statement", [], Status.MALFORMED),
        ("statement.correct_pairs_at_least", -1, Status.MALFORMED),
        ("statement.correct_pairs_at_least", 3, Status.REJECTED),
        ("statement.correct_pairs_at_least", 10, Status.REJECTED),
        ("statement.pairs", 8, Status.REJECTED),
        ("group.labels_from", "guessed", Status.MALFORMED),
        ("network.roles", [], Status.MALFORMED),
        ("network.tensors.left.dtype", "int32", Status.DECLINED),
        ("network.tensors.left.dtype", "float64", Status.MALFORMED),
        ("network.tensors.left.shape", [3, 0], Status.MALFORMED),
        ("network.tensors.left.shape", [1, 1, 3, 9], Status.MALFORMED),
        ("network.tensors.left.sha256", "0" * 64, Status.REJECTED),
        ("network.tensors.left.sha256", LEFT["sha256"].upper(), Status.MALFORMED),
        ("network.tensors.left.data", 7, Status.MALFORMED),
        ("network.tensors.left.data", "AAA", Status.MALFORMED),
        ("network.tensors.left.data", "AA-_", Status.MALFORMED),
        ("network.tensors.left.data", "AB==", Status.MALFORMED),
        ("network.tensors.left.data", "A===", Status.MALFORMED),
        ("method.name", "trust", Status.DECLINED),
        ("method.name", None, Status.DECLINED),
        ("method.activation_bits", 4096, Status.VERIFIED),
        ("method.activation_bits", 4097, Status.MALFORMED),
        ("method.unembedding_bits", -4097, Status.MALFORMED),
        ("method.cases", None, Status.MALFORMED),
    ],
)
def test_a_bad_value_is_refused_at_its_place(path: str, value: Any, status: Status) -> None:
    """One value replaced gives one refusal."""
    decision = specify(encode(set_value(PLAIN, path, value)))
    assert decision.status is status
    parent = f"certificate.{path}".rpartition(".")[0]
    assert status is Status.VERIFIED or decision.where.startswith(parent)


@settings(deadline=None, max_examples=100)
@given(st.binary(max_size=40), st.integers(0, 500), st.integers(0, 40))
def test_no_bytes_raise_an_exception(noise: bytes, position: int, removed: int) -> None:
    """Whatever is done to the bytes of a certificate, there is a decision in one line of ASCII."""
    line = str(specify(RAW[:position] + noise + RAW[position + removed :]))
    assert line.isascii()
    assert line.isprintable()


def test_the_command_line_prints_a_line_each_and_returns_the_worst_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """VERIFIED 0, REJECTED 10, DECLINED 20, MALFORMED 30, LIMIT 40, ERROR 50, usage 2."""
    names = {"good": PLAIN, "high": set_value(PLAIN, "statement.correct_pairs_at_least", 10)}
    names["other"] = set_value(PLAIN, "version", 2)
    for name, value in names.items():
        (tmp_path / name).write_bytes(encode(value))
    (tmp_path / "noise").write_bytes(b"\xff")
    (tmp_path / "deep").write_bytes(nest(9))
    codes = [(("good",), 0), (("good", "high"), 10), (("other", "good"), 20), (("noise", "high"), 30), (("deep",), 40)]
    for files, code in [*codes, (("good", "missing"), 50), (("good", "null\0byte"), 50)]:
        assert main([str(tmp_path / name) for name in files]) == code
        assert len(capsys.readouterr().out.splitlines()) == len(files)
    assert main([str(tmp_path / "good")]) == 0
    assert capsys.readouterr().out == "s VERIFIED 9 of 9 pairs, 0 by the argument, 9 by cases\n"
    assert main([str(tmp_path / "high")]) == 10
    where, why = "certificate.statement.correct_pairs_at_least", "0 pairs are proved by the argument, 9 by cases"
    assert capsys.readouterr().out == f"s REJECTED {where}: {why}\n"
    for wrong in ([], ["--help"]):
        assert main(wrong) == 2


def test_the_command_line_reads_its_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the process."""
    monkeypatch.setattr("sys.argv", ["certcheck-spec"])
    assert main() == 2


def test_other_values_are_no_certificate() -> None:
    """An object of another format is one of no version."""
    assert specify(json.dumps({"format": 1}).encode()).where == "certificate.format"

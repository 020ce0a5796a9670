"""The command line of certcheck."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import runpy
import signal
import subprocess
import sys
import time
from pathlib import Path
from signal import setitimer
from typing import Any

import pytest

from certcheck import __main__ as command
from certcheck import decision
from certcheck.__main__ import main
from certcheck.limits import LIMITS
from tests.certificates import C3, S3, certificate, encode


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A certificate that is verified."""
    file = tmp_path / "certificate.json"
    file.write_bytes(encode(certificate(S3)))
    return str(file)


@pytest.mark.parametrize(("given", "left"), [(None, "1"), ("3", "3")])
def test_blas_is_kept_to_one_thread_unless_told_otherwise(
    given: str | None, left: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command line sets the variable before numpy is loaded, and not after."""
    assert command.__file__ is not None
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", given or "")
    if given is None:
        monkeypatch.delenv("OPENBLAS_NUM_THREADS")
    runpy.run_path(command.__file__)
    assert os.environ.get("OPENBLAS_NUM_THREADS") == given
    monkeypatch.delitem(sys.modules, "numpy")
    runpy.run_path(command.__file__)
    assert os.environ["OPENBLAS_NUM_THREADS"] == left


def test_one_certificate(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Verdict first, exit code 0."""
    assert main([path]) == 0
    assert capsys.readouterr().out.startswith("s VERIFIED\nbound         at least 36 of 36 pairs")


def test_several_certificates_give_a_line_each_and_the_worst_code(
    path: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A certificate that is refused does not stop the others."""
    broken, vacuous, missing = (str(tmp_path / name) for name in ("broken", "vacuous", "missing"))
    Path(broken).write_bytes(b"{")
    Path(vacuous).write_bytes(encode(certificate(C3, correct=3)))
    assert main([vacuous, path]) == 10
    assert main([broken, vacuous, path]) == 30
    capsys.readouterr()
    assert main([path, missing, broken, vacuous]) == 50
    lines = capsys.readouterr().out.splitlines()
    assert "FILE_UNREADABLE" in lines[1]
    words = [line.split()[1:3] for line in lines]
    assert words == [["VERIFIED", path], ["ERROR", missing], ["MALFORMED", broken], ["REJECTED", vacuous]]


def test_standard_input(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """`-` reads one certificate."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(encode(certificate(S3)))))
    assert main(["-", "--quiet"]) == 0
    assert capsys.readouterr().out == "s VERIFIED\n"


def test_no_standard_input_is_an_error(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A process that was started with it closed has None in its place."""
    monkeypatch.setattr(sys, "stdin", None)
    assert main(["-"]) == 50
    assert "FILE_UNREADABLE" in capsys.readouterr().out


def test_a_name_in_a_file_cannot_forge_a_verdict(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A path or key with line ends stays on its line, escaped."""
    path = tmp_path / "a\ns VERIFIED"
    path.write_bytes(encode(certificate(C3) | {"b\ns VERIFIED": 1}))
    assert main([str(path), str(path)]) == 30
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert all(line.startswith("s MALFORMED ") and line.isascii() for line in lines)


def test_a_file_that_is_too_large_is_not_read_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One byte above the cap is enough to refuse; the file is sparse."""
    with (tmp_path / "large").open("wb") as file:
        file.truncate(LIMITS.bytes + 1)
    assert main([str(tmp_path / "large")]) == 40
    assert "FILE_TOO_LARGE" in capsys.readouterr().out


def test_the_options_reach_the_check(path: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Threshold, architecture, group and arithmetic, on the command line."""
    group = tmp_path / "group.json"
    group.write_text(json.dumps({"elements": S3}))
    options = ["--architecture", "direct", "--group", str(group), "--at-least", "1", "--arithmetic", "int64", "--json"]
    assert main([path, *options]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["arithmetic"] == "int64"
    assert (result["architecture_compared"], result["group_compared"]) == (True, "table")
    assert main([path, "--group", "C6"]) == 10


@pytest.mark.parametrize(
    "text", ["", "2", "-1", "1e-3", " 1", "1/0", "3/2", "0.5/2", "nan", ".5", "\u0661/\u0662", "95%"]
)
def test_a_bound_that_is_none_is_wrong_usage(text: str, path: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2 and one sentence; never a verdict."""
    with pytest.raises(SystemExit) as caught:
        main([path, f"--at-least={text}"])
    assert caught.value.code == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "--at-least" in printed.err


@pytest.mark.parametrize(
    "arguments", [[], ["-", "-"], ["x", "--instance", "1"], ["x", "--model", "m", "--instance", "-1"], ["x", "--arith"]]
)
def test_wrong_usage_exits_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """What cannot be meant is never checked."""
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert capsys.readouterr().out == ""


def test_a_bug_is_an_error_and_no_verdict(
    path: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An exception that nobody expected is reported as a bug, for that certificate only."""

    def broken(*_: object) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(decision, "check", broken)
    assert main([path]) == 50
    out = capsys.readouterr().out
    assert out.startswith("s ERROR INTERNAL: certcheck has a bug")
    assert "ZeroDivisionError" in out


def test_refusals_do_not_need_assertions(path: str, tmp_path: Path) -> None:
    """Under python -O the same verdicts come out."""
    refused = []
    for number, correct in enumerate((37, 6, 0)):
        refused.append(str(tmp_path / f"{number}.json"))
        Path(refused[-1]).write_bytes(encode(certificate(S3, correct=correct)))
    run = subprocess.run(
        [sys.executable, "-O", "-m", "certcheck", path, *refused, "--json"], capture_output=True, text=True, check=False
    )
    assert run.returncode == 10
    reasons = [json.loads(line)["reason"] for line in run.stdout.splitlines()]
    assert reasons == [None, "BOUND_TOO_HIGH", "BOUND_VACUOUS", "BOUND_VACUOUS"]


def test_every_limit_is_printed_and_can_be_changed(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A limit below what the certificate needs refuses it and says which; those of --limits verify it."""
    assert main(["--limits"]) == 0
    printed = {line.split()[0]: int(line.split()[1]) for line in capsys.readouterr().out.splitlines()}
    assert printed == {field.name: getattr(LIMITS, field.name) for field in dataclasses.fields(LIMITS)}
    assert main([path, "--quiet", *(f"--limit={name}={number}" for name, number in printed.items())]) == 0
    for name in printed.keys() - {"steps", "seconds", "exact_multiply_adds"}:
        capsys.readouterr()
        assert main([path, f"--limit={name}=1"]) == 40, name
        assert f"(limit {name})" in capsys.readouterr().out
    assert main([path, "--limit", "exact_multiply_adds=0"]) == 40
    assert main([path, "--group", "S3", "--limit", "steps=1"]) == 40


@pytest.mark.parametrize("text", ["depth=9", "order", "order=", "order=-1", "order=1e3", "order=32768", "bytes=1 "])
def test_a_limit_that_makes_no_sense_is_wrong_usage(text: str, path: str, capsys: pytest.CaptureFixture[str]) -> None:
    """An unknown name, no plain number, or more elements than indices can count."""
    with pytest.raises(SystemExit) as caught:
        main([path, "--limit", text])
    assert caught.value.code == 2
    assert "expected" in capsys.readouterr().err


def test_a_certificate_is_needed(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing to check is wrong usage, not success."""
    with pytest.raises(SystemExit) as caught:
        main([])
    assert caught.value.code == 2
    assert "CERT" in capsys.readouterr().err


def test_what_takes_too_long_is_stopped(
    path: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No verdict on the claim, the next certificate has its own time, and nothing is stopped afterwards."""
    files = iter([lambda *_: time.sleep(60), command.read_certificate])

    def read(*arguments: Any) -> Any:
        return next(files)(*arguments)

    monkeypatch.setattr(command, "read_certificate", read)
    monkeypatch.setattr(signal, "setitimer", lambda which, seconds, every=0: setitimer(which, seconds / 20, every))
    assert main([path, path, "--limit", "seconds=1"]) == 40
    first, second = capsys.readouterr().out.splitlines()
    assert "TIME_TOO_LONG" in first
    assert second.startswith("s VERIFIED")
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)

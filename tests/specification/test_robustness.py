"""certcheck-spec where the terminal, the disk or the user does not play along: never a decision that is none."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest

from certcheck.specification import __main__ as command
from certcheck.specification.__main__ import main
from tests.certificates import C3, certificate, encode

COMMAND = [sys.executable, "-m", "certcheck.specification"]
GOOD = encode(certificate(C3))


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A certificate that is verified."""
    file = tmp_path / "certificate.json"
    file.write_bytes(GOOD)
    return str(file)


def test_a_full_standard_output_is_an_error(
    path: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """/dev/full takes nothing; closing it afterwards does not try again."""
    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        assert main([path, path]) == 50
    assert capsys.readouterr().err == "certcheck-spec: standard output cannot be written: No space left on device\n"


def test_a_closed_standard_output_is_an_error(
    path: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """print is silent then, and the exit code alone is no decision."""
    monkeypatch.setattr(sys, "stdout", None)
    assert main([path]) == 50
    assert capsys.readouterr().err == "certcheck-spec: standard output cannot be written: it is closed\n"


def test_a_broken_pipe_is_an_error_in_one_sentence(path: str) -> None:
    """Nobody saw the line; the interpreter adds nothing at its end."""
    reader, writer = os.pipe()
    os.close(reader)
    run = subprocess.run([*COMMAND, path], stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    sentence = "certcheck-spec: standard output cannot be written: Broken pipe\n"
    assert (run.returncode, run.stderr) == (50, sentence)


def test_an_interruption_is_no_decision(
    path: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Control-C: one sentence, no line, no traceback, the code that a shell gives it."""

    def interrupt(_: object) -> NoReturn:
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "specify", interrupt)
    assert main([path]) == 130
    assert capsys.readouterr() == ("", "certcheck-spec: interrupted: what has no line is not verified\n")


def test_a_signal_ends_the_process_without_a_decision(path: str, tmp_path: Path) -> None:
    """While it waits for a pipe that nobody writes to."""
    os.mkfifo(tmp_path / "pipe")
    process = subprocess.Popen(
        [*COMMAND, path, str(tmp_path / "pipe")], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    # The first line says that the process has begun.
    assert process.stdout.readline().startswith("s VERIFIED ")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    assert (process.returncode, out) == (130, "")
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (".", "Is a directory"),
        ("missing", "No such file or directory"),
        ("link", "No such file or directory"),
        ("x" * 300, "File name too long"),
        ("/proc/self/mem", "Input/output error"),
    ],
)
def test_a_file_that_cannot_be_read_is_an_error(
    name: str, words: str, path: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The operating system's words, and never another decision."""
    monkeypatch.chdir(Path(path).parent)
    Path("link").symlink_to("nowhere")
    assert main([name]) == 50
    line = capsys.readouterr().out
    assert line.startswith("s ERROR file: ")
    assert words in line


@pytest.mark.parametrize("locale", [{"LC_ALL": "C.UTF-8"}, {"LC_ALL": "C", "PYTHONUTF8": "0"}])
def test_names_may_be_any_bytes(locale: dict[str, str], tmp_path: Path) -> None:
    """Spaces, letters beyond ASCII, line ends and bytes that are no UTF-8, in every encoding."""
    names = [b"a certificate.json", "größe 🙂.json".encode(), b"\xff\xfe.json", b"x\ns VERIFIED.json"]
    paths = [os.path.join(os.fsencode(tmp_path), name) for name in names]  # noqa: PTH118 - bytes
    for path in paths:
        Path(os.fsdecode(path)).write_bytes(GOOD)
    missing = os.path.join(os.fsencode(tmp_path), b"\xff \nmissing")  # noqa: PTH118 - bytes
    run = subprocess.run([*COMMAND, *paths, missing], capture_output=True, env=os.environ | locale, check=False)
    words = [line.split()[1] for line in run.stdout.decode("ascii").splitlines()]
    assert words == ["VERIFIED"] * 4 + ["ERROR"]
    assert (run.returncode, run.stderr) == (50, b"")

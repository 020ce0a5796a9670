"""certcheck where the terminal, the disk or the user does not play along: never a verdict that is none."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

from certcheck import decision
from certcheck.__main__ import main
from tests.certificates import S3, certificate, encode

if TYPE_CHECKING:
    from collections.abc import Mapping

COMMAND = [sys.executable, "-m", "certcheck"]
GOOD = encode(certificate(S3))


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A certificate that is verified."""
    file = tmp_path / "certificate.json"
    file.write_bytes(GOOD)
    return str(file)


def run_without_reader(*arguments: str) -> tuple[int, str]:
    """Exit code and standard error of a process whose standard output is a pipe that nobody reads."""
    reader, writer = os.pipe()
    os.close(reader)
    # With it, Python's argparse itself keeps silent about its help.
    env = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    run = subprocess.run([*COMMAND, *arguments], stdout=writer, stderr=subprocess.PIPE, text=True, env=env, check=False)
    os.close(writer)
    return run.returncode, run.stderr


@pytest.mark.parametrize("options", [[], ["--json"], ["--quiet"], ["--help"]])
def test_a_broken_pipe_is_an_error_in_one_sentence(options: list[str], path: str) -> None:
    """Nobody saw the verdict, so it is none; the interpreter adds nothing at its end."""
    sentence = "certcheck: no verdict: standard output cannot be written: Broken pipe\n"
    assert run_without_reader(path, *options) == (50, sentence)


def test_a_full_standard_output_is_an_error(
    path: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """/dev/full takes nothing; closing it afterwards does not try again."""
    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        assert main([path, path]) == 50
    assert capsys.readouterr().err == (
        "certcheck: no verdict: standard output cannot be written: No space left on device\n"
    )


def test_a_closed_standard_output_is_an_error(
    path: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """print is silent then, and the exit code alone is no verdict."""
    monkeypatch.setattr(sys, "stdout", None)
    assert main([path]) == 50
    assert capsys.readouterr().err == "certcheck: no verdict: standard output cannot be written: it is closed\n"
    # Without standard error too, nothing is printed, and it is an error all the same.
    monkeypatch.setattr(sys, "stderr", None)
    assert main([path]) == 50


def test_streams_that_were_closed_at_the_start(path: str) -> None:
    """Standard input is unreadable; standard output and error leave the exit code."""
    shell = (
        f"'{sys.executable}' -m certcheck - <&-; echo $?; '{sys.executable}' -m certcheck '{path}' >&- 2>&-; echo $?"
    )
    run = subprocess.run(["/bin/sh", "-c", shell], capture_output=True, text=True, check=False)
    assert run.stdout.splitlines() == [
        "s ERROR FILE_UNREADABLE: a file cannot be read; -: expected standard input, got a closed one",
        "50",
        "50",
    ]
    assert run.stderr == ""


def test_standard_input_that_cannot_be_read_is_an_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is open, and the operating system fails to read it."""
    with Path("/proc/self/mem").open() as broken:
        monkeypatch.setattr(sys, "stdin", broken)
        assert main(["-"]) == 50
    assert "FILE_UNREADABLE: a file cannot be read; -: expected standard input, got Input" in capsys.readouterr().out


def test_an_interruption_is_no_verdict(
    path: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Control-C: one sentence, no verdict line, no traceback, the code that a shell gives it."""

    def interrupt(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    monkeypatch.setattr(decision, "check", interrupt)
    assert main([path]) == 130
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == "certcheck: interrupted: what has no verdict line is not verified\n"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, -signal.SIGTERM)])
def test_a_signal_ends_the_process_without_a_verdict(number: signal.Signals, code: int, tmp_path: Path) -> None:
    """While it waits for standard input; SIGTERM ends it in silence, as it writes no file."""
    file = tmp_path / "refused"
    file.write_bytes(b"")
    # The first verdict says that the process has begun.
    process = subprocess.Popen(
        [*COMMAND, str(file), "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith("s MALFORMED ")
    process.send_signal(number)
    out, err = process.communicate()
    assert (process.returncode, out) == (code, "")
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("name", "got"),
    [
        ("", "No such file or directory"),
        (".", "Is a directory"),
        ("missing", "No such file or directory"),
        ("link", "No such file or directory"),
        ("certificate.json/inside", "Not a directory"),
        ("x" * 300, "File name too long"),
        ("/proc/self/mem", "Input/output error"),
    ],
)
@pytest.mark.parametrize("role", ["certificate", "--group"])
def test_a_file_that_cannot_be_read_is_an_error(
    role: str, name: str, got: str, path: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each in each place: the operating system's words, and never another verdict."""
    folder = Path(path).parent
    monkeypatch.chdir(folder)
    (folder / "link").symlink_to("nowhere")
    arguments = [name] if role == "certificate" else [path, role, name]
    assert main([*arguments, "--json"]) == 50
    fields = json.loads(capsys.readouterr().out)
    assert (fields["verdict"], fields["reason"], fields["got"]) == ("ERROR", "FILE_UNREADABLE", got)
    assert fields["where"] == (name or "an empty name")


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
@pytest.mark.parametrize(
    ("name", "got"),
    [("folder", "Is a directory"), ("link", "No such file or directory"), ("x" * 300, "File name too long")],
)
def test_a_model_that_cannot_be_read_is_an_error(
    name: str, got: str, suffix: str, path: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same of a name with the suffix of a model."""
    (tmp_path / f"folder{suffix}").mkdir()
    (tmp_path / f"link{suffix}").symlink_to("nowhere")
    assert main([path, "--model", str(tmp_path / f"{name}{suffix}")]) == 50
    assert f"expected a readable file, got {got}\n" in capsys.readouterr().out


LOCALES: list[Mapping[str, str]] = [
    {"LC_ALL": "C.UTF-8"},
    {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
]


@pytest.mark.parametrize("locale", LOCALES)
def test_names_may_be_any_bytes(locale: Mapping[str, str], tmp_path: Path) -> None:
    """Spaces, letters beyond ASCII, line ends and bytes that are no UTF-8, in every encoding: escaped."""
    names = [b"a certificate.json", "größe 🙂.json".encode(), b"\xff\xfe.json", b"x\ns VERIFIED.json"]
    paths = [os.path.join(os.fsencode(tmp_path), name) for name in names]  # noqa: PTH118 - bytes
    for path in paths:
        Path(os.fsdecode(path)).write_bytes(GOOD)
    missing = os.path.join(os.fsencode(tmp_path), b"\xff missing")  # noqa: PTH118 - bytes
    for options in ([], ["--json"]):
        run = subprocess.run(
            [*COMMAND, *paths, missing, *options], capture_output=True, env=os.environ | locale, check=False
        )
        lines = run.stdout.decode("ascii").splitlines()
        words = [json.loads(line)["verdict"] if options else line.split()[1] for line in lines]
        assert words == ["VERIFIED"] * 4 + ["ERROR"]
        assert (run.returncode, run.stderr) == (50, b"")

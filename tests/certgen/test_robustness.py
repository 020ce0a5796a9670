"""certgen and the scripts of examples where disk, terminal or user do not play along: nothing lost or half-written."""

from __future__ import annotations

import errno
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

from certcheck.__main__ import main as certcheck
from certgen import certification
from certgen.__main__ import main
from certgen.ending import interruptible, run_command, say
from certgen.failure import ExitCode, Failure
from certgen.output import drafting, expect_writable, publish, write_files
from examples import construct
from tests.certgen.command import OUTPUT, Run, expect_failure
from tests.certgen.small_models import cyclic_weights, save_model

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

C5 = cyclic_weights("direct", 5)
COMMAND = [sys.executable, "-m", "certgen"]
ROOT = Path(__file__).parents[2]
ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT)}
UNPRINTED = "standard output is closed or full: not all was printed"
BUILD = ["--group", "S3", "--gset", "3"]
TRAIN = ["train", "--group", "S3", "--hidden", "8", "--epochs", "1"]


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model of C5 that can be certified, in the current folder."""
    monkeypatch.chdir(tmp_path)
    save_model(tmp_path / "model.pt", C5)
    return tmp_path / "model.pt"


def raising(number: int) -> Callable[..., NoReturn]:
    """A function that fails as the operating system does."""

    def fail(*_: object, **__: object) -> NoReturn:
        raise OSError(number, os.strerror(number))

    return fail


def names_in(folder: Path) -> list[str]:
    """What is in the folder, hidden files too."""
    return sorted(path.name for path in folder.iterdir())


def test_nobody_reads_standard_output(model: Path) -> None:
    """A broken pipe: the certificate is written all the same, the code and one sentence say what was not."""
    for arguments, sentence in (
        (["inspect", "model.pt"], UNPRINTED),
        (["model.pt", "-o", OUTPUT], f"{OUTPUT}: written and verified, but {UNPRINTED}"),
    ):
        reader, writer = os.pipe()
        os.close(reader)
        run = subprocess.run(
            [*COMMAND, *arguments], stdout=writer, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT, check=False
        )
        os.close(writer)
        assert (run.returncode, run.stderr) == (ExitCode.NOT_PRINTED, f"certgen: {sentence}\n")
    assert certcheck([OUTPUT]) == 0
    assert names_in(model.parent) == [OUTPUT, "model.pt"]


@pytest.mark.parametrize("is_full", [False, True])
@pytest.mark.parametrize("options", [[], ["--json"]])
def test_standard_output_is_full_or_closed(
    options: list[str],
    model: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *,
    is_full: bool,
) -> None:
    """As without a reader, of every command."""
    commands: dict[str, Callable[[], int]] = {
        f"certgen: {UNPRINTED}": lambda: main(["inspect", "model.pt", *options]),
        f"certgen: {OUTPUT}: written and verified, but {UNPRINTED}": lambda: main(["model.pt", "-o", OUTPUT, *options]),
        "construct: S3.pt: written, but standard output is closed or full": lambda: construct.main(
            [*BUILD, "-o", "S3.pt"]
        ),
        "certgen: t: trained and written, but standard output is closed or full": lambda: main(
            [*TRAIN, "-o", "t", "--force", *options]
        ),
        "certgen: standard output is closed or full": lambda: main(["--help"]),
    }
    for sentence, command in commands.items():
        with monkeypatch.context() as patch, Path("/dev/full").open("w") as full:
            patch.setattr(sys, "stdout", full if is_full else None)
            assert command() == ExitCode.NOT_PRINTED
        # Without standard output, argparse prints on standard error.
        assert capsys.readouterr().err.endswith(f"{sentence}\n")
    assert certcheck([OUTPUT]) == 0
    expected = ["S3.group.json", "S3.pt", OUTPUT, "model.pt", "t"]
    assert names_in(model.parent) == expected


def test_a_refused_certificate_without_a_reader_is_still_refused(
    model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The exit code is that of the refusal: nothing is printed there, so that nothing is lost."""
    monkeypatch.setattr(certification, "write_certificate", lambda *_: b"{}")
    monkeypatch.setattr(sys, "stdout", None)
    assert main([str(model), "-o", OUTPUT]) == ExitCode.NOT_VERIFIED
    assert "no certificate: its own check refused it: s MALFORMED" in capsys.readouterr().err
    assert names_in(model.parent) == ["model.pt"]


def test_standard_error_may_be_full(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The exit code is what is left."""
    with Path("/dev/full").open("w", buffering=1) as full:
        monkeypatch.setattr(sys, "stderr", full)
        assert main(["missing.pt", "-o", OUTPUT]) == ExitCode.MODEL
        monkeypatch.setattr(sys, "stderr", None)
        assert main(["missing.pt", "-o", OUTPUT]) == ExitCode.MODEL
        # What is in the buffer cannot be written when the file is closed.
        os.dup2(os.open(os.devnull, os.O_WRONLY), full.fileno())
    assert names_in(model.parent) == ["model.pt"]


@pytest.mark.parametrize("options", [[], ["--force"]])
def test_a_limit_on_the_size_of_files_is_a_full_disk(options: list[str], model: Path) -> None:
    """A real error of the kernel: exit code of the output, no draft left, an old file kept byte by byte."""
    if options:
        Path(OUTPUT).write_text("old")
    before = names_in(model.parent)

    program = (
        "import resource, sys; from certgen.__main__ import main;"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)); sys.exit(main())"
    )
    run = subprocess.run(
        [sys.executable, "-c", program, "model.pt", "-o", OUTPUT, *options],
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        check=False,
    )
    sentence = f"certgen: {OUTPUT}: cannot write the file: File too large\n"
    assert (run.returncode, run.stdout, run.stderr) == (ExitCode.OUTPUT, "", sentence)
    assert names_in(model.parent) == before
    assert not options or Path(OUTPUT).read_text() == "old"


@pytest.mark.parametrize(
    ("where", "name", "number"),
    [
        (tempfile, "mkdtemp", errno.EROFS),
        (tempfile, "mkdtemp", errno.EACCES),
        (tempfile, "mkdtemp", errno.ENOSPC),
        (os, "fsync", errno.EDQUOT),
    ],
)
def test_an_output_that_cannot_be_written_is_refused_before_the_work(
    where: object, name: str, number: int, model: Path, monkeypatch: pytest.MonkeyPatch, run: Callable[..., Run]
) -> None:
    """A read-only folder or a full disk: the model is not even read, and nothing is trained."""
    before = names_in(model.parent)
    monkeypatch.setattr(where, name, raising(number))
    words = f"cannot write the file: {os.strerror(number)}"
    expect_failure(run("missing.pt"), ExitCode.OUTPUT, words)
    for command, arguments in ((construct.main, [*BUILD, "--gset", "9"]), (main, [*TRAIN, "--epochs", "999999"])):
        assert command([*arguments, "-o", str(model.parent / "new.pt")]) == ExitCode.OUTPUT
    assert [name for name in names_in(model.parent) if name != "new.pt"] == before


@pytest.mark.parametrize("output", ["/proc/cert.json", "folder", "missing/cert.json", "model.pt/cert.json", "x" * 300])
@pytest.mark.parametrize("options", [[], ["--force"]])
def test_an_unfit_output_is_refused_before_the_work(
    output: str, options: list[str], model: Path, run: Callable[..., Run]
) -> None:
    """No folder is made and none is replaced; /proc takes no file from anybody, not even from root."""
    Path("folder").mkdir()
    expect_failure(run("missing.pt", *options, output=output), ExitCode.OUTPUT, output.partition("/")[0])
    assert names_in(model.parent) == ["folder", "model.pt"]


@pytest.mark.parametrize("kind", ["fifo", "device", "link", "broken link"])
def test_what_is_no_plain_file_is_not_replaced(kind: str, model: Path, run: Callable[..., Run]) -> None:
    """A rename would put a file in place of /dev/null, or of a link whose target the user means."""
    output = "/dev/null" if kind == "device" else OUTPUT
    if kind == "fifo":
        os.mkfifo(OUTPUT)
    elif kind != "device":
        Path(OUTPUT).symlink_to("model.pt" if kind == "link" else "nowhere")
    before = names_in(model.parent)
    expect_failure(run("model.pt", output=output), ExitCode.OUTPUT, "the file exists")
    expect_failure(run("model.pt", "--force", output=output), ExitCode.OUTPUT, "got a link, a device or a pipe")
    assert names_in(model.parent) == before
    assert not Path("/dev/null").is_file()


def test_the_decomposition_is_an_input_too(model: Path, run: Callable[..., Run]) -> None:
    """Not even --force replaces it."""
    Path("claim.json").write_text("{}")
    result = run("model.pt", "--decomposition", "claim.json", "--force", output="claim.json")
    expect_failure(result, ExitCode.OUTPUT, "the output is the input claim.json")
    assert Path("claim.json").read_text() == "{}"
    assert names_in(model.parent) == ["claim.json", "model.pt"]


@pytest.mark.parametrize(
    "name", [".", "missing.pt", "link.pt", "folder.pt", "model.pt/inside.pt", "", "x" * 300 + ".pt"]
)
def test_a_model_or_group_that_cannot_be_read_is_one_sentence(
    name: str, model: Path, run: Callable[..., Run], capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder, a link that leads nowhere, a path through a file, no name: of certgen and of inspect."""
    Path("folder.pt").mkdir()
    Path("link.pt").symlink_to("nowhere")
    expect_failure(run(name), ExitCode.MODEL, "expected")
    expect_failure(run("model.pt", "--group", name), ExitCode.GROUP, "expected a readable file")
    for arguments, code in (([name], ExitCode.MODEL), (["model.pt", "--group", name], ExitCode.GROUP)):
        assert main(["inspect", *arguments]) == code
        assert len(capsys.readouterr().err.splitlines()) == 1
    assert names_in(model.parent) == ["folder.pt", "link.pt", "model.pt"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_during_the_work_leaves_nothing(
    number: signal.Signals, model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """While certcheck runs: one sentence, 128 and the number of the signal, the folder as it was."""

    def wait(*_: object, **__: object) -> NoReturn:
        try:
            signal.raise_signal(number)
        finally:
            # Another one does not disturb the cleaning up.
            signal.raise_signal(number)
        raise AssertionError

    before = signal.getsignal(number)
    monkeypatch.setattr(subprocess, "run", wait)
    assert main(["model.pt", "-o", OUTPUT]) == 128 + number
    assert capsys.readouterr().err.endswith(", nothing was written\n")
    assert names_in(model.parent) == ["model.pt"]
    assert signal.getsignal(number) is before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_the_process_leaves_nothing(number: signal.Signals, model: Path) -> None:
    """The whole program, while its own check takes long: it and its check end."""
    # Its own check is replaced by one that does not end.
    program = (
        "import sys, time, certgen.certification as g;"
        "g.subprocess.run = lambda *_, **__: (print('checking', flush=True), time.sleep(60));"
        "from certgen.__main__ import main; sys.exit(main())"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, "model.pt", "-o", OUTPUT, "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "checking\n"
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    word = "interrupted" if number is signal.SIGINT else "terminated"
    assert (process.returncode, out, err) == (128 + number, "", f"certgen: {word}, nothing was written\n")
    assert names_in(model.parent) == ["model.pt"]


def test_a_signal_after_the_certificate_is_written_says_so(
    model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It waits while the file gets its name, and the sentence is true."""

    def link(draft: Path, output: Path) -> None:
        signal.raise_signal(signal.SIGINT)
        draft.rename(output)

    monkeypatch.setattr(os, "link", link)
    assert main(["model.pt", "-o", OUTPUT]) == ExitCode.INTERRUPTED
    assert capsys.readouterr().err == f"certgen: {OUTPUT}: written and verified before the interruption\n"
    assert certcheck([OUTPUT]) == 0
    assert names_in(model.parent) == [OUTPUT, "model.pt"]


def test_a_signal_that_is_ignored_or_handled_stays_so() -> None:
    """Under nohup, or inside another program."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with interruptible():
            signal.raise_signal(signal.SIGHUP)
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize(
    ("ending", "words"),
    [
        (subprocess.CompletedProcess([], -9, b"", b""), "ended without a verdict, by signal 9"),
        (subprocess.CompletedProcess([], -9, b'{"verdict": "VER', b""), "ended without a verdict, by signal 9"),
        (
            subprocess.CompletedProcess([], 50, b'{"verdict": "VERIFIED"}', b""),
            "ended without a verdict, by exit code 50",
        ),
        (subprocess.CompletedProcess([], 1, b"", b""), "ended without a verdict, by exit code 1"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "certcheck cannot be started: Cannot allocate memory"),
    ],
)
def test_its_own_check_may_die(
    ending: subprocess.CompletedProcess[bytes] | OSError,
    words: str,
    model: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Killed for memory, or never started: no verdict, no file, and the sentence says which."""

    def end(*_: object, **__: object) -> subprocess.CompletedProcess[bytes]:
        if isinstance(ending, OSError):
            raise ending
        return ending

    monkeypatch.setattr(subprocess, "run", end)
    for options in ([], ["--json"]):
        assert main(["model.pt", "-o", OUTPUT, *options]) == ExitCode.NOT_VERIFIED
        assert words in capsys.readouterr().err
    assert names_in(model.parent) == ["model.pt"]


@pytest.mark.parametrize("options", [[], ["--force"]])
def test_two_runs_with_one_output(
    options: list[str], model: Path, run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the first one's check runs, a second run ends: without --force it has the name, with it the last has."""
    save_model(model.parent / "other.pt", cyclic_weights("direct", 3))
    inner: list[int] = []
    real = subprocess.run

    def check(command: list[str], **keywords: object) -> object:
        if not inner:
            inner.append(-1)
            inner[0] = main(["other.pt", "-o", OUTPUT, *options])
        return real(command, **keywords)  # type: ignore[call-overload]

    monkeypatch.setattr(subprocess, "run", check)
    result = run("model.pt", *options)
    assert inner == [ExitCode.VERIFIED]
    assert result.code == (ExitCode.VERIFIED if options else ExitCode.OUTPUT)
    assert (
        options or result.err == f"certgen: {OUTPUT}: the file exists; choose another name, or --force to replace it\n"
    )
    assert json.loads(Path(OUTPUT).read_bytes())["statement"]["pairs"] == (25 if options else 9)
    assert certcheck([OUTPUT]) == 0
    assert names_in(model.parent) == [OUTPUT, "model.pt", "other.pt"]


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("has_links", [False, True])
def test_of_many_runs_at_once_one_has_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, has_links: bool, force: bool
) -> None:
    """Without --force exactly one, with and without links; with it the last; the bytes are one run's, whole."""
    if not has_links:
        monkeypatch.setattr(os, "link", raising(errno.EPERM))
    output, barrier = tmp_path / OUTPUT, threading.Barrier(8)
    won: list[bytes] = []
    codes: list[ExitCode] = []

    def finish(data: bytes) -> None:
        with drafting(output, data) as draft:
            barrier.wait()
            try:
                publish(draft, output, force=force)
            except Failure as failure:
                codes.append(failure.code)
            else:
                won.append(data)

    for _ in range(10):
        threads = [threading.Thread(target=finish, args=(bytes([i]) * 100_000,)) for i in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(won) == (8 if force else 1)
        assert codes == [ExitCode.OUTPUT] * (8 - len(won))
        assert output.read_bytes() in won
        assert names_in(tmp_path) == [OUTPUT]
        output.unlink()
        won.clear()
        codes.clear()


def test_a_name_that_was_taken_but_not_filled_is_given_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there are no links and the rename fails."""
    monkeypatch.setattr(os, "link", raising(errno.EPERM))
    monkeypatch.setattr(Path, "replace", raising(errno.EIO))
    with pytest.raises(Failure, match="Input/output error"):
        write_files({tmp_path / OUTPUT: b"new"}, force=False)
    assert names_in(tmp_path) == []


def test_two_files_are_written_both_or_neither(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second exists, or cannot be stored: the first is not there either."""
    first, second = tmp_path / "model.pt", tmp_path / "model.group.json"
    second.write_text("mine")
    with pytest.raises(Failure, match="the file exists"):
        write_files({first: b"1", second: b"2"}, force=False)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", raising(errno.EIO))
        with pytest.raises(Failure, match="Input/output error"):
            write_files({first: b"1", second: b"2"}, force=True)
    assert (names_in(tmp_path), second.read_text()) == (["model.group.json"], "mine")
    write_files({first: b"1", second: b"2"}, force=True)
    assert (first.read_bytes(), second.read_bytes()) == (b"1", b"2")


def test_the_script_keeps_what_exists_and_leaves_no_part(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """construct: refused with certgen's codes before the work; a disk that is full later leaves nothing."""
    for command, arguments in ((construct.main, BUILD),):
        Path("new.group.json").write_text("mine")
        assert command([*arguments, "-o", "new.pt"]) == ExitCode.OUTPUT
        assert Path("new.group.json").read_text() == "mine"
        assert command([*arguments, "-o", "new.pt", "--force"]) == 0
        assert names_in(model.parent) == ["model.pt", "new.group.json", "new.pt"]
        Path("new.pt").unlink()
        Path("new.group.json").unlink()
        for name in ("", ".", "new", "missing/new.pt"):
            assert command([*arguments, "-o", name]) == ExitCode.OUTPUT
        with monkeypatch.context() as patch:
            patch.setitem(vars(sys.modules[command.__module__]), "expect_writable", lambda *_, **__: None)
            patch.setattr(os, "fsync", raising(errno.ENOSPC))
            assert command([*arguments, "-o", "new.pt"]) == ExitCode.OUTPUT
        assert names_in(model.parent) == ["model.pt"]


LOCALES: list[Mapping[str, str]] = [
    {"LC_ALL": "C.UTF-8"},
    {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
]


@pytest.mark.parametrize("locale", LOCALES)
def test_names_may_be_any_bytes(locale: Mapping[str, str], model: Path) -> None:
    """Spaces, letters beyond ASCII, line ends and bytes that are no UTF-8, of every file, in every encoding."""
    folder = os.path.join(os.fsencode(model.parent), "eine größe 🙂\n".encode() + b"\xff")  # noqa: PTH118 - bytes
    Path(os.fsdecode(folder)).mkdir()
    files = {name: os.path.join(folder, name) for name in (b"-m \xfe.pt", b"-g \xfe.json", b"-c \xfe.json")}  # noqa: PTH118
    source, group, output = files.values()
    model.rename(os.fsdecode(source))
    Path(os.fsdecode(group)).write_text(json.dumps([[(x + y) % 5 for y in range(5)] for x in range(5)]))
    run = subprocess.run(
        [*COMMAND, source, "--group", group, "-o", output], capture_output=True, env=ENVIRONMENT | locale, check=False
    )
    assert (run.returncode, run.stderr) == (0, b"")
    lines = run.stdout.splitlines()
    assert lines[0].startswith(b"model         ")
    assert lines[-1].startswith(b"certificate   ")
    assert certcheck([os.fsdecode(output), "--model", os.fsdecode(source), "--group", os.fsdecode(group)]) == 0
    again = subprocess.run(
        [*COMMAND, "missing \udcff\n🙂.pt", "-o", b"x\xff"], capture_output=True, env=ENVIRONMENT | locale, check=False
    )
    assert (again.returncode, again.stdout, len(again.stderr.splitlines())) == (ExitCode.MODEL, b"", 1)
    assert len(names_in(Path(os.fsdecode(folder)))) == 3


def test_an_encoding_without_a_letter_does_not_end_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be shown is escaped."""
    stored = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(stored, encoding="latin-1"))
    assert run_command("certgen", lambda: 0 if say("größe 🙂 \udcff") else 1) == 0
    assert stored.getvalue() == "größe ".encode("latin-1") + b"\\U0001f642 \\udcff\n"


def test_the_look_before_the_work_is_short_and_leaves_nothing(tmp_path: Path) -> None:
    """One draft, removed at once."""
    start = time.perf_counter()
    expect_writable(tmp_path / OUTPUT, (), force=False)
    assert time.perf_counter() - start < 5
    assert names_in(tmp_path) == []

"""certgen.generate: from the model file to the checked certificate."""

from __future__ import annotations

import errno
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

from certcheck.comparison import Auditor
from certcheck.decision import check
from certcheck.document import GroupSection, StatementSection, parse_certificate
from certgen.certificate import write_certificate
from certgen.failure import ExitCode, Failure, failing_as
from certgen.generate import Request, certify, write_and_check
from certgen.model import load_model
from certgen.output import expect_writable
from tests.certgen.small_models import (
    constant_weights,
    cyclic,
    detector_weights,
    group_of,
    save_model,
)

if TYPE_CHECKING:
    from certcheck.group import Group
    from certgen.model import Model

PAIRS = [(x, y) for x in range(4) for y in range(4)]


def request_for(output: Path, *, force: bool = False) -> Request:
    """A request without any options."""
    return Request("model.pt", output, "auto", None, None, force=force, as_json=False)


def load_detectors(folder: Path, pairs: list[tuple[int, int]]) -> tuple[Model, GroupSection, Group]:
    """A network that is correct on these pairs of C4 and no others, with the group."""
    path = save_model(folder / "model.pt", detector_weights(cyclic(4), pairs))
    G = group_of(cyclic(4))
    return load_model(path, None, None), GroupSection(None, "given", G.elements), G


def certify_exhaustively(model: Model, group: GroupSection, G: Group) -> tuple[StatementSection, bytes]:
    """The claim of method `exhaustive` and its certificate."""
    request = Request(
        "model.pt", Path("cert.json"), "auto", None, None, force=False, as_json=False, method="exhaustive"
    )
    statement, method, account = certify(model, group, G, request)
    assert account == []
    return statement, write_certificate(statement, group, model.section, method)


@pytest.fixture
def certificate(tmp_path: Path) -> bytes:
    """A certificate that certcheck verifies."""
    _, data = certify_exhaustively(*load_detectors(tmp_path, PAIRS))
    (tmp_path / "model.pt").unlink()
    return data


@pytest.mark.parametrize("correct", [5, 6, 11, 16])
def test_the_claim_is_the_number_of_correct_pairs(correct: int, tmp_path: Path) -> None:
    """A network that is correct on k of 16 pairs by construction gets a certificate for k, and it is verified."""
    statement, data = certify_exhaustively(*load_detectors(tmp_path, PAIRS[16 - correct :]))
    assert (statement.correct_pairs_at_least, statement.pairs) == (correct, 16)
    proof = check(data, Auditor(model=str(tmp_path / "model.pt"), architecture="direct"))
    assert proof.correct_pairs_at_least == correct
    assert parse_certificate(data).statement == statement


@pytest.mark.parametrize("correct", [1, 3, 4])
def test_a_claim_that_is_not_above_chance_is_not_made(correct: int, tmp_path: Path) -> None:
    """n correct pairs of n^2 are what a constant answer gets: there is nothing to certify."""
    with pytest.raises(Failure, match=f"only {correct} of 16 pairs are proved") as caught:
        certify_exhaustively(*load_detectors(tmp_path, PAIRS[:correct]))
    assert caught.value.code is ExitCode.NOTHING_TO_PROVE


def test_a_constant_answer_is_not_certified(tmp_path: Path) -> None:
    """A network that ignores its inputs is right on one pair in n."""
    model = load_model(save_model(tmp_path / "model.pt", constant_weights(5)), None, None)
    G = group_of(cyclic(5))
    with pytest.raises(Failure, match="only 5 of 25 pairs") as caught:
        certify_exhaustively(model, GroupSection(None, "given", G.elements), G)
    assert caught.value.code is ExitCode.NOTHING_TO_PROVE


def test_a_refusal_becomes_a_failure_with_its_sentence() -> None:
    """The reason's meaning, the place, what was expected and what was found, with the caller's exit code."""
    with pytest.raises(Failure, match="expected") as caught, failing_as(ExitCode.MODEL):
        load_model_that_is_missing()
    assert caught.value.code is ExitCode.MODEL


def load_model_that_is_missing() -> NoReturn:
    """A refusal of certcheck."""
    load_model("no such file.pt", None, None)
    pytest.fail("the model was loaded")


def test_an_output_in_an_existing_folder_is_writable(tmp_path: Path) -> None:
    """Nothing is said, and nothing is created."""
    expect_writable(tmp_path / "cert.json", (), force=False)
    assert list(tmp_path.iterdir()) == []


def test_an_output_that_exists_needs_force(tmp_path: Path) -> None:
    """A file is replaced only on request, a folder never."""
    output = tmp_path / "cert.json"
    output.touch()
    expect_writable(output, (), force=True)
    with pytest.raises(Failure, match="--force to replace it") as caught:
        expect_writable(output, (), force=False)
    assert caught.value.code is ExitCode.OUTPUT
    with pytest.raises(Failure, match="got a folder") as caught:
        expect_writable(tmp_path, (), force=True)
    assert caught.value.code is ExitCode.OUTPUT


@pytest.mark.parametrize("force", [False, True])
def test_an_output_without_a_folder_is_refused(force: bool, tmp_path: Path) -> None:  # noqa: FBT001 - parametrized
    """Folders are not created, and a file is not a folder."""
    (tmp_path / "file").touch()
    for folder in ("missing", "file"):
        with pytest.raises(Failure, match="does not exist") as caught:
            expect_writable(tmp_path / folder / "cert.json", (), force=force)
        assert caught.value.code is ExitCode.OUTPUT


def test_a_name_that_is_too_long_is_refused(tmp_path: Path) -> None:
    """What the operating system will not name is an output that cannot be written."""
    with pytest.raises(Failure, match="cert") as caught:
        expect_writable(tmp_path / ("certificate" * 30), (), force=False)
    assert caught.value.code is ExitCode.OUTPUT


def test_a_verified_certificate_is_written_and_nothing_else(certificate: bytes, tmp_path: Path) -> None:
    """The folder holds the file with these bytes, and no draft of it."""
    output = tmp_path / "cert.json"
    assert write_and_check(certificate, request_for(output), {}) is ExitCode.VERIFIED
    assert list(tmp_path.iterdir()) == [output]
    assert output.read_bytes() == certificate


def test_a_certificate_that_is_refused_is_not_written(certificate: bytes, tmp_path: Path) -> None:
    """A false claim never gets its name; the verdict is shown."""
    false = certificate.replace(b'"correct_pairs_at_least":16', b'"correct_pairs_at_least":17')
    assert write_and_check(false, request_for(tmp_path / "cert.json"), {}) is ExitCode.NOT_VERIFIED
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_appears_meanwhile_is_kept(
    certificate: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without --force nothing is ever replaced, not even a file that was not there at the start."""
    output = tmp_path / "cert.json"

    def check_slowly(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        output.write_text("another program's")
        return subprocess.CompletedProcess(command, 0, "s VERIFIED\n", "")

    monkeypatch.setattr(subprocess, "run", check_slowly)
    with pytest.raises(Failure, match="the file exists") as caught:
        write_and_check(certificate, request_for(output), {})
    assert caught.value.code is ExitCode.OUTPUT
    assert list(tmp_path.iterdir()) == [output]
    assert output.read_text() == "another program's"


def test_a_file_system_without_links_is_good_enough(
    certificate: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a link cannot be made, the certificate is written all the same, and no other file is replaced."""

    def link(*_: object) -> NoReturn:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", link)
    output = tmp_path / "cert.json"
    assert write_and_check(certificate, request_for(output), {}) is ExitCode.VERIFIED
    assert list(tmp_path.iterdir()) == [output]
    assert output.read_bytes() == certificate
    with pytest.raises(Failure, match="the file exists") as caught:
        write_and_check(certificate, request_for(output), {})
    assert caught.value.code is ExitCode.OUTPUT
    assert list(tmp_path.iterdir()) == [output]


def test_force_replaces_a_file(certificate: bytes, tmp_path: Path) -> None:
    """With --force the old bytes are gone once the new certificate is verified."""
    output = tmp_path / "cert.json"
    output.write_text("old")
    assert write_and_check(certificate, request_for(output, force=True), {}) is ExitCode.VERIFIED
    assert list(tmp_path.iterdir()) == [output]
    assert output.read_bytes() == certificate


def test_force_replaces_no_file_by_a_refused_certificate(certificate: bytes, tmp_path: Path) -> None:
    """The old file stays until there is a better one."""
    output = tmp_path / "cert.json"
    output.write_text("old")
    assert write_and_check(certificate[:-30], request_for(output, force=True), {}) is ExitCode.NOT_VERIFIED
    assert list(tmp_path.iterdir()) == [output]
    assert output.read_text() == "old"


@pytest.mark.parametrize("force", [False, True])
def test_a_full_disk_is_a_failure_and_leaves_nothing(
    force: bool,  # noqa: FBT001 - parametrized
    certificate: bytes,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An error of the operating system is one sentence, and the draft is removed."""

    def store(_: int) -> NoReturn:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", store)
    with pytest.raises(Failure, match="cannot write the file: No space left on device") as caught:
        write_and_check(certificate, request_for(tmp_path / "cert.json", force=force), {})
    assert caught.value.code is ExitCode.OUTPUT
    assert list(tmp_path.iterdir()) == []


def test_an_interruption_leaves_nothing(certificate: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Control-C during the check removes the draft."""

    def interrupt(*_: object, **__: object) -> NoReturn:
        raise KeyboardInterrupt

    monkeypatch.setattr(subprocess, "run", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_and_check(certificate, request_for(tmp_path / "cert.json"), {})
    assert list(tmp_path.iterdir()) == []


def test_a_program_in_the_current_folder_does_not_play_certcheck(
    certificate: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A certcheck.py where the user happens to be says nothing about a certificate."""
    (tmp_path / "certcheck.py").write_text("print('s VERIFIED by an impostor')\n")
    monkeypatch.chdir(tmp_path)
    assert write_and_check(certificate, request_for(Path("cert.json")), {}) is ExitCode.VERIFIED
    assert "impostor" not in capfd.readouterr().out


@pytest.mark.parametrize("force", [False, True])
def test_an_input_is_never_replaced(tmp_path: Path, *, force: bool) -> None:
    """Not even with --force: the model would be lost."""
    model = tmp_path / "model.pt"
    model.write_bytes(b"weights")
    with pytest.raises(Failure) as caught:
        expect_writable(model, (str(model),), force=force)
    assert caught.value.code is ExitCode.OUTPUT
    assert model.read_bytes() == b"weights"

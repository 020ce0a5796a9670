"""certgen.generate: from the model file to the checked certificate."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import pytest

from certcheck.comparison import Auditor
from certcheck.decision import check
from certcheck.document import StatementSection, parse_certificate
from certgen.certificate import write_certificate
from certgen.failure import ExitCode, Failure, failing_as
from certgen.generate import Request, prove
from certgen.model import load_model
from certgen.output import expect_writable
from certgen.subject import Source, Subject, load_subject
from tests.certgen.small_models import (
    constant_weights,
    cyclic,
    detector_weights,
    save_model,
)

PAIRS = [(x, y) for x in range(4) for y in range(4)]


def load_detectors(folder: Path, pairs: list[tuple[int, int]]) -> Subject:
    """A network that is correct on these pairs of C4 and no others, with the group."""
    path = save_model(folder / "model.pt", detector_weights(cyclic(4), pairs))
    return load_subject(Source(path, cyclic(4), None, None))


def certify_exhaustively(subject: Subject) -> tuple[StatementSection, bytes]:
    """The claim of method `exhaustive` and its certificate."""
    statement, method, account = prove(subject, Request("exhaustive"))
    assert account == []
    return statement, write_certificate(statement, subject.section, subject.model.section, method)


@pytest.mark.parametrize("correct", [5, 6, 11, 16])
def test_the_claim_is_the_number_of_correct_pairs(correct: int, tmp_path: Path) -> None:
    """A network that is correct on k of 16 pairs by construction gets a certificate for k, and it is verified."""
    statement, data = certify_exhaustively(load_detectors(tmp_path, PAIRS[16 - correct :]))
    assert (statement.correct_pairs_at_least, statement.pairs) == (correct, 16)
    proof = check(data, Auditor(model=str(tmp_path / "model.pt"), architecture="direct"))
    assert proof.correct_pairs_at_least == correct
    assert parse_certificate(data).statement == statement


@pytest.mark.parametrize("correct", [1, 3, 4])
def test_a_claim_that_is_not_above_chance_is_not_made(correct: int, tmp_path: Path) -> None:
    """n correct pairs of n^2 are what a constant answer gets: there is nothing to certify."""
    with pytest.raises(Failure, match=f"only {correct} of 16 pairs are proved") as caught:
        certify_exhaustively(load_detectors(tmp_path, PAIRS[:correct]))
    assert caught.value.code is ExitCode.NOTHING_TO_PROVE


def test_a_constant_answer_is_not_certified(tmp_path: Path) -> None:
    """A network that ignores its inputs is right on one pair in n."""
    path = save_model(tmp_path / "model.pt", constant_weights(5))
    with pytest.raises(Failure, match="only 5 of 25 pairs") as caught:
        certify_exhaustively(load_subject(Source(path, cyclic(5), None, None)))
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


@pytest.mark.parametrize("force", [False, True])
def test_an_input_is_never_replaced(tmp_path: Path, *, force: bool) -> None:
    """Not even with --force: the model would be lost."""
    model = tmp_path / "model.pt"
    model.write_bytes(b"weights")
    with pytest.raises(Failure) as caught:
        expect_writable(model, (str(model),), force=force)
    assert caught.value.code is ExitCode.OUTPUT
    assert model.read_bytes() == b"weights"

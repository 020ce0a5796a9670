"""The command `certgen report`: what it writes, and what it refuses."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from certgen.__main__ import main
from certgen.failure import ExitCode
from certgen.sweep import CERTIFICATES
from certgen.table import write_tables
from tests.certgen.command import Run, expect_failure
from tests.certgen.sweep_work import make_row

if TYPE_CHECKING:
    from collections.abc import Callable

VECTORS = Path(__file__).parents[1] / "vectors"
VALID = VECTORS / "valid" / "claims_by_two_circuits.json"
INVALID = VECTORS / "invalid" / "labels_exchanged.json"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Run]:
    """certgen report, in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def run_here(*arguments: str) -> Run:
        code = main(["report", *arguments])
        printed = capsys.readouterr()
        return Run(code, printed.out, printed.err)

    return run_here


def make_sweep(folder: Path) -> None:
    """The folder of a sweep of two models, with the certificate of one."""
    (folder / CERTIFICATES).mkdir(parents=True)
    shutil.copy(VALID, folder / CERTIFICATES / "a_1.pt.json")
    write_tables(folder, [make_row("a/1.pt"), make_row("2.pt")])


def test_a_page_and_figures_of_a_certificate(run: Callable[..., Run], tmp_path: Path) -> None:
    """What was written is said, a line each; nothing else is left in the folder."""
    result = run(str(VALID), "-o", "page.html", "--figures", "figures")
    assert (result.code, result.err) == (0, "")
    lines = result.out.splitlines()
    assert lines[0] == "page.html: a page of the certificate"
    assert lines[1].startswith("figures: ")
    assert (tmp_path / "page.html").read_bytes().startswith(b"<!DOCTYPE html>")
    stems = {path.stem for path in (tmp_path / "figures").iterdir()}
    assert {"pairs", "margin-map", "margins", "budget", "cost"} <= stems
    assert all(
        (tmp_path / "figures" / f"{stem}{suffix}").stat().st_size for stem in stems for suffix in (".svg", ".png")
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["figures", "page.html"]


def test_the_pages_of_a_sweep_link_to_those_of_its_models(run: Callable[..., Run], tmp_path: Path) -> None:
    """For each certificate that was kept; a table alone has no certificates."""
    make_sweep(tmp_path / "results")
    result = run("results", "-o", "page.html")
    assert (result.code, result.err) == (0, "")
    assert result.out == "page.html: a page of 2 models, 1 with pages of their own in page.models\n"
    assert [path.name for path in (tmp_path / "page.models").iterdir()] == ["a_1.pt.html"]
    assert b'<a href="page.models/a_1.pt.html">a/1.pt</a>' in (tmp_path / "page.html").read_bytes()
    result = run("results/results.csv", "-o", "table.html", "--figures", "figures")
    assert result.out.startswith("table.html: a page of 2 models\n")
    assert not (tmp_path / "table.models").exists()
    assert sorted(path.name for path in (tmp_path / "figures").iterdir()) == ["bounds.png", "bounds.svg"]


def test_nothing_is_replaced_unless_it_is_asked_for(run: Callable[..., Run], tmp_path: Path) -> None:
    """Neither the page, nor an image, nor the page of a model; --force replaces them."""
    (tmp_path / "page.html").write_text("mine")
    expect_failure(run(str(VALID), "-o", "page.html"), ExitCode.OUTPUT, "the file exists")
    assert (tmp_path / "page.html").read_text() == "mine"
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "cost.svg").write_text("mine")
    expect_failure(run(str(VALID), "--figures", "figures"), ExitCode.OUTPUT, "cost.svg: the file exists")
    assert [path.name for path in (tmp_path / "figures").iterdir()] == ["cost.svg"]
    make_sweep(tmp_path / "results")
    (tmp_path / "other.models").mkdir()
    (tmp_path / "other.models" / "a_1.pt.html").write_text("mine")
    expect_failure(run("results", "-o", "other.html"), ExitCode.OUTPUT, "a_1.pt.html: the file exists")
    assert not (tmp_path / "other.html").exists()
    assert run(str(VALID), "-o", "page.html", "--figures", "figures", "--force").code == 0
    assert (tmp_path / "page.html").stat().st_size > 1000
    assert (tmp_path / "figures" / "cost.svg").stat().st_size > 1000


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ((str(INVALID), "-o", "page.html"), ExitCode.NOT_VERIFIED, "fewer pairs are proved correct than are claimed"),
        (("absent.json", "-o", "page.html"), ExitCode.NOT_VERIFIED, "absent.json"),
        (("absent.csv", "-o", "page.html"), ExitCode.RESULTS, "there is no such file"),
        ((str(VALID), "-o", "absent/page.html"), ExitCode.OUTPUT, "the folder absent does not exist"),
        ((str(VALID), "--figures", "absent/figures"), ExitCode.OUTPUT, "cannot be a folder"),
    ],
    ids=["refused", "no certificate", "no table", "no folder", "no folder of figures"],
)
def test_what_cannot_be_shown_is_refused(
    run: Callable[..., Run], tmp_path: Path, arguments: tuple[str, ...], code: ExitCode, words: str
) -> None:
    """In one sentence, with nothing written."""
    expect_failure(run(*arguments), code, words)
    assert list(tmp_path.iterdir()) == []


def test_a_package_that_is_missing_is_named(run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch) -> None:
    """With the extra that brings it."""
    monkeypatch.setitem(sys.modules, "altair", None)
    for module in ("report", "page", "figure", "certificate_figures", "sweep_figures"):
        monkeypatch.delitem(sys.modules, f"certgen.{module}", raising=False)
    words = "this needs the package altair: pip install 'certgen[report]' brings it"
    expect_failure(run(str(VALID), "-o", "page.html"), ExitCode.MISSING, words)


def test_something_is_to_be_written(run: Callable[..., Run], capsys: pytest.CaptureFixture[str]) -> None:
    """Neither page nor figures is wrong usage."""
    with pytest.raises(SystemExit) as caught:
        run(str(VALID))
    assert caught.value.code == 2
    assert "give -o PAGE, --figures DIR or both" in capsys.readouterr().err

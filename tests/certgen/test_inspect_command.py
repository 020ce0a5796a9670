"""certgen inspect: what it prints and returns, and that certifying is as it was."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from certgen.__main__ import main
from certgen.account import WIDTH
from certgen.failure import ExitCode
from examples.construct import main as construct
from tests.certgen.command import Run, expect_failure
from tests.certgen.small_models import cyclic_weights, save_model

if TYPE_CHECKING:
    from collections.abc import Callable

EXAMPLES = Path(__file__).parents[2] / "examples"
DOCUMENT = Path(__file__).parents[2] / "docs" / "inspect.md"


@pytest.fixture
def look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Run]:
    """certgen inspect, run in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def look_here(*arguments: str) -> Run:
        capsys.readouterr()
        code = main(["inspect", *arguments])
        printed = capsys.readouterr()
        return Run(code, printed.out, printed.err)

    return look_here


def test_the_report_of_a_constructed_model(look: Callable[..., Run]) -> None:
    """Model, irreps, circuit, explanation and certificate, without colour, in lines that fit."""
    assert construct(["--group", "S5", "--gset", "5", "2", "--noise", "1e-4", "-o", "S5.pt"]) == 0
    result = look("S5.pt", "--group", "S5.group.json")
    assert (result.code, result.err) == (0, "")
    lines = result.out.splitlines()
    assert lines[0].startswith("model         S5.pt: 120 labels, hidden width 29; ")
    assert lines[1] == "network       direct: relu(left[x] + right[y]) @ out"
    assert lines[2] == "group         S5, order 120, on 5 points"
    assert lines[4] == "accuracy      14400 of 14400 pairs are correct (float64)"
    rows = [line.split() for line in lines]
    assert ["25", "of", "25"] in [row[5:8] for row in rows if row[1:4] == ["5", "x", "5"]]
    assert any(row[:3] == ["standard", "4", "real"] for row in rows)
    assert any(line.startswith("explanation   complete rho-sets; ") for line in lines)
    assert any("rho-sets prove 14400 of 14400 pairs" in line for line in lines)
    assert max(map(len, lines[4:])) <= WIDTH
    assert "\x1b" not in result.out


def test_json_prints_one_object_with_the_documented_keys(look: Callable[..., Run]) -> None:
    """docs/inspect.md has every key, those of the parts too; the shipped model's numbers are there."""
    result = look(str(EXAMPLES / "S4.pt"), "--group", str(EXAMPLES / "S4.group.json"), "--json")
    assert (result.code, result.err, len(result.out.splitlines())) == (0, "", 1)
    fields = json.loads(result.out)
    assert (fields["order"], fields["architecture"], fields["labels_from"]) == (24, "mapped", "given")
    accuracy = fields["accuracy"]
    assert {key: accuracy[key] for key in accuracy if key != "cross_entropy"} == {
        "correct": 576,
        "pairs": 576,
        "is_sample": False,
    }
    assert 0.006 < accuracy["cross_entropy"] < 0.007
    neurons = [*fields["loose"]["neurons"], *fields["dead"]["neurons"]]
    neurons += [i for circuit in fields["circuits"] for i in circuit["neurons"]]
    assert sorted(neurons) == list(range(fields["width"]))
    text = DOCUMENT.read_text()
    parts = [
        fields,
        accuracy,
        fields["symmetry"],
        fields["loose"],
        fields["families"],
        fields["expectation"],
    ]
    parts += [fields[name][0] for name in ("irreps", "key_irreps", "gsets", "circuits")]
    for key in {key for part in parts for key in part}:
        assert f"`{key}`" in text, key


def test_the_group_and_the_architecture_can_be_named(look: Callable[..., Run], tmp_path: Path) -> None:
    """The options of certifying; labels that the answers give are said to be so."""
    right = cyclic_weights("mapped", 5)
    save_model(tmp_path / "model.pt", {role: np.stack((values, values)) for role, values in right.items()})
    options = ("--architecture", "mapped", "--instance", "1", "--group", "C5")
    fields = json.loads(look("model.pt", *options, "--json").out)
    assert (fields["group"], fields["labels_from"], fields["answers_repaired"]) == ("C5", "model_answers", 0)
    assert "labels        read off the model's own answers" in look("model.pt", *options).out


def test_broken_input_is_one_sentence_and_an_exit_code(look: Callable[..., Run], tmp_path: Path) -> None:
    """As when certifying: no traceback, nothing on standard output."""
    save_model(tmp_path / "model.pt", cyclic_weights("direct", 5))
    (tmp_path / "broken.pt").write_bytes(b"nothing")
    zero = {role: 0 * values for role, values in cyclic_weights("direct", 5).items()}
    save_model(tmp_path / "zero.pt", zero)
    (tmp_path / "C5.json").write_text(json.dumps([[(x + y) % 5 for y in range(5)] for x in range(5)]))
    expect_failure(look("missing.pt"), ExitCode.MODEL, "missing.pt")
    expect_failure(look("broken.pt"), ExitCode.MODEL, "broken.pt")
    expect_failure(look("model.pt", "--group", "S3"), ExitCode.GROUP, "order 5")
    expect_failure(look("zero.pt", "--group", "C5.json", "--json"), ExitCode.MODEL, "the weights are all 0")


def test_wrong_usage_is_exit_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    """An option of certifying is not one of inspect."""
    for arguments in (["inspect"], ["inspect", "model.pt", "-o", "cert.json"]):
        with pytest.raises(SystemExit) as caught:
            main(arguments)
        assert caught.value.code == 2
        assert capsys.readouterr().err.startswith("usage: certgen inspect")


def test_the_help_names_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    """certgen --help leads to it."""
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "certgen inspect what a network has learned" in " ".join(capsys.readouterr().out.split())


def test_a_model_called_inspect_can_be_certified(tmp_path: Path) -> None:
    """As ./inspect."""
    save_model(tmp_path / "model.pt", cyclic_weights("direct", 5))
    (tmp_path / "model.pt").rename(tmp_path / "inspect")
    command = [sys.executable, "-m", "certgen", "./inspect", "-o", "cert.json"]
    run = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert "inspect: " in run.stdout + run.stderr
    assert "usage" not in run.stderr

"""certgen's command line: what it prints, writes and returns for good input, and its options."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

from certcheck import __version__
from certcheck.comparison import Auditor
from certcheck.decision import check
from certcheck.document import parse_certificate
from certcheck.network import ARCHITECTURES
from certcheck.verdict import FORMAT_VERSION
from certgen import __main__ as command
from certgen.__main__ import main
from certgen.failure import ExitCode
from tests.certgen.command import OUTPUT, Run, expect_failure
from tests.certgen.small_models import (
    cyclic,
    cyclic_weights,
    detector_weights,
    dicyclic,
    metacyclic,
    relabel,
    save_model,
    symmetric,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

C5 = cyclic_weights("direct", 5)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_correct_model_of_every_architecture_is_certified(
    architecture: str, tmp_path: Path, run: Callable[..., Run]
) -> None:
    """The certificate claims every pair, and an auditor with model, architecture and group agrees."""
    save_model(tmp_path / "model.pt", cyclic_weights(architecture, 5))
    assert run("model.pt").code == ExitCode.VERIFIED
    (tmp_path / "group.json").write_text(json.dumps(cyclic(5).tolist()))
    own = Auditor(str(tmp_path / "model.pt"), architecture, group=str(tmp_path / "group.json"))
    proof = check((tmp_path / OUTPUT).read_bytes(), own)
    assert (proof.correct_pairs_at_least, proof.pairs) == (25, 25)
    assert (proof.group, proof.labels_from, proof.group_compared) == ("C5", "model_answers", "table")


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".safetensors"])
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_every_kind_of_file_is_certified(suffix: str, dtype: str, tmp_path: Path, run: Callable[..., Run]) -> None:
    """Format and number type make no difference to the claim."""
    path = save_model(tmp_path / f"model{suffix}", C5, dtype)
    assert run(path).code == ExitCode.VERIFIED
    certificate = parse_certificate((tmp_path / OUTPUT).read_bytes())
    assert certificate.statement.correct_pairs_at_least == 25
    assert {tensor.dtype for tensor in certificate.network.tensors.values()} == {dtype}


def test_the_account_names_model_network_group_labels_and_bound(tmp_path: Path, run: Callable[..., Run]) -> None:
    """What was read, what was found, certcheck's verdict, and the file that was written; errors: none."""
    save_model(tmp_path / "model.pt", detector_weights(relabel(symmetric(3), 1)))
    result = run("model.pt", "--method", "exhaustive")
    assert (result.code, result.err) == (ExitCode.VERIFIED, "")
    lines = result.out.splitlines()
    size = (tmp_path / OUTPUT).stat().st_size
    assert lines[0].startswith("model         model.pt: 6 labels, hidden width 36; left float32 [6, 36]")
    assert lines[1] == "network       direct: relu(left[x] + right[y]) @ out"
    assert lines[2] == "group         S3, order 6, on 3 points"
    assert lines[3].startswith("labels        read off the model's own answers")
    assert "repaired" not in lines[3]
    verdict = lines.index("s VERIFIED")
    assert lines[verdict - 1] == "bound         36 of 36 pairs are correct"
    assert lines[-1] == f"certificate   cert.json: {size} bytes"


def test_the_folder_holds_the_certificate_and_no_drafts(tmp_path: Path, run: Callable[..., Run]) -> None:
    """A run leaves exactly one file."""
    save_model(tmp_path / "model.pt", C5)
    (tmp_path / "certificates").mkdir()
    output = tmp_path / "certificates" / OUTPUT
    assert run("model.pt", output=str(output)).code == ExitCode.VERIFIED
    assert list(output.parent.iterdir()) == [output]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["certificates", "model.pt"]


def test_the_same_model_gives_the_same_bytes(tmp_path: Path, run: Callable[..., Run]) -> None:
    """Nothing in a certificate depends on the run, or on the order of the tensors in the file."""
    save_model(tmp_path / "model.pt", C5)
    save_model(tmp_path / "again.pt", dict(reversed(C5.items())))
    assert run("model.pt").code == run("again.pt", output="again.json").code == ExitCode.VERIFIED
    assert (tmp_path / OUTPUT).read_bytes() == (tmp_path / "again.json").read_bytes()


def test_json_prints_one_object_with_the_verdict(tmp_path: Path, run: Callable[..., Run]) -> None:
    """certcheck's fields, and the file, the model and the repairs as certgen knows them."""
    save_model(tmp_path / "model.pt", C5)
    result = run("model.pt", "--json")
    assert (result.code, result.err, len(result.out.splitlines())) == (ExitCode.VERIFIED, "", 1)
    fields = json.loads(result.out)
    expected = {
        "verdict": "VERIFIED",
        "reason": None,
        "certificate": OUTPUT,
        "model": "model.pt",
        "answers_read": 25,
        "answers_repaired": 0,
        "accuracy_lower_bound": "1",
        "correct_pairs_at_least": 25,
        "pairs": 25,
        "pairs_by_argument": 0,
        "pairs_by_cases": 25,
        "method": "exhaustive",
        "group": "C5",
        "order": 5,
        "labels_from": "model_answers",
        "architecture": "direct",
        "formula": "relu(left[x] + right[y]) @ out",
        # All margins are 1, two units of the fixed point, which the errors of x and y reach when they are rounded up:
        # what rounding takes in binary32 is bounded pair by pair, by two products a neuron.
        "multiply_adds": 11 * 5**3 + 2 * 11 * 5**2,
        "smallest_certified_margin": "1.000000",
        "float32_correct_pairs_at_least": 25,
        "unit_roundoff_bits": 24,
        "model_compared": False,
        "group_compared": "none",
    }
    assert {name: fields[name] for name in expected} == expected


def test_wrong_answers_are_repaired_counted_and_not_claimed(tmp_path: Path, run: Callable[..., Run]) -> None:
    """A network that is wrong on two pairs of S4: the group is found, two repairs are told, 574 pairs are claimed."""
    table = relabel(symmetric(4), 0)
    answers = table.copy()
    for x, y in ((0, 5), (1, 11)):  # rows of generators, or of the identity
        answers[x, y] = (answers[x, y] + 1) % 24
    save_model(tmp_path / "model.pt", detector_weights(answers))
    fields = json.loads(run("model.pt", "--json").out)
    assert (fields["verdict"], fields["correct_pairs_at_least"], fields["group"]) == ("VERIFIED", 574, "S4")
    assert fields["answers_repaired"] == 2
    assert fields["answers_read"] in range(10 * 24, 24**2 + 1, 24)
    told = f"; 2 of {fields['answers_read']} answers read differ and were repaired\n"
    assert told in run("model.pt", output="again.json").out


def test_a_group_file_gives_the_labels(tmp_path: Path, run: Callable[..., Run]) -> None:
    """With the user's own table the labels are given, and the count is against that table."""
    table = metacyclic(5, 4, 2)
    (tmp_path / "group.json").write_text(json.dumps(table.tolist()))
    pairs = [(x, y) for x in range(20) for y in range(20)][:100]
    save_model(tmp_path / "model.pt", detector_weights(table, pairs))
    fields = json.loads(run("model.pt", "--group", "group.json", "--json").out)
    assert (fields["verdict"], fields["correct_pairs_at_least"]) == ("VERIFIED", 100)
    assert (fields["labels_from"], fields["group"]) == ("given", "permutations of 5 points, no name")


def test_a_group_name_is_confirmed_by_the_answers(tmp_path: Path, run: Callable[..., Run]) -> None:
    """A right name is written into the certificate as the user wrote it."""
    save_model(tmp_path / "model.pt", detector_weights(relabel(dicyclic(2), 0)))
    assert run("model.pt", "--group", "Q8").code == ExitCode.VERIFIED
    certificate = parse_certificate((tmp_path / OUTPUT).read_bytes())
    assert (certificate.group.name, certificate.group.labels_from) == ("Q8", "model_answers")


def test_the_trivial_group_is_certified(tmp_path: Path, run: Callable[..., Run]) -> None:
    """One pair, one answer, no rival: order 1 is above a chance of nothing."""
    weights = {"left": np.ones((1, 1)), "right": np.ones((1, 1)), "out": np.full((1, 1), 2.0**70)}
    save_model(tmp_path / "model.pt", weights)
    assert run("model.pt").code == ExitCode.VERIFIED
    assert parse_certificate((tmp_path / OUTPUT).read_bytes()).statement.correct_pairs_at_least == 1


def test_an_instance_is_taken_from_several(tmp_path: Path, run: Callable[..., Run]) -> None:
    """The certificate says which network of the file it speaks of, and an auditor finds it there."""
    right = cyclic_weights("mapped", 5)
    stacked = {role: np.stack((np.zeros_like(values), values)) for role, values in right.items()}
    save_model(tmp_path / "model.pt", stacked)
    assert run("model.pt", "--instance", "1").code == ExitCode.VERIFIED
    data = (tmp_path / OUTPUT).read_bytes()
    assert parse_certificate(data).network.instance == 1
    assert check(data, Auditor(str(tmp_path / "model.pt"), instance=1)).correct_pairs_at_least == 25


def test_an_architecture_and_roles_can_be_given(tmp_path: Path, run: Callable[..., Run]) -> None:
    """Parameter names that are not known here become roles on the command line."""
    save_model(tmp_path / "model.pt", {"p": C5["left"].T, "q": C5["right"], "r": C5["out"]})
    roles = "direct:left_transposed=p,right=q,out=r"
    assert run("model.pt", "--architecture", roles).code == ExitCode.VERIFIED
    certificate = parse_certificate((tmp_path / OUTPUT).read_bytes())
    assert certificate.network.roles == {"left_transposed": "p", "right": "q", "out": "r"}


def test_force_replaces_the_output(tmp_path: Path, run: Callable[..., Run]) -> None:
    """The old file is replaced by the certificate."""
    save_model(tmp_path / "model.pt", C5)
    (tmp_path / OUTPUT).write_text("old")
    assert run("model.pt", "--force").code == ExitCode.VERIFIED
    assert parse_certificate((tmp_path / OUTPUT).read_bytes()).statement.pairs == 25


@pytest.mark.parametrize("exponent", [450, -450])
def test_products_of_weights_may_leave_the_range_of_float64(
    exponent: int, tmp_path: Path, run: Callable[..., Run]
) -> None:
    """A correct model is certified exactly when the group is given; to guess the group, floats must hold the logits."""
    weights = {role: np.ldexp(values, exponent) for role, values in cyclic_weights("mapped", 5).items()}
    save_model(tmp_path / "model.pt", weights, "float64")
    (tmp_path / "group.json").write_text(json.dumps(cyclic(5).tolist()))
    assert run("model.pt", "--group", "group.json").code == ExitCode.VERIFIED
    assert parse_certificate((tmp_path / OUTPUT).read_bytes()).statement.correct_pairs_at_least == 25
    expect_failure(run("model.pt", output="again.json"), ExitCode.GROUP, "--group FILE")


def test_rows_of_the_unembedding_may_be_all_but_equal(tmp_path: Path, run: Callable[..., Run]) -> None:
    """Logits that differ in their last place decide, whatever else the rows of U have in common."""
    # Neurons x + y, relu(x + y - 1), 1 and 1; logit 1 less logit 0 is -1, 1, -1 at x + y = 0, 1, 2, times 2^-101.
    inputs = np.array([[0, -0.5, 0.5, 0.5], [1, 0.5, 0.5, 0.5]])
    out = np.ldexp([[0.0, 2.0], [0.0, -4.0], [1.0, 0.0], [2.0**101, 2.0**101]], -101)
    save_model(tmp_path / "model.pt", {"left": inputs, "right": inputs, "out": out}, "float64")
    (tmp_path / "group.json").write_text(json.dumps(cyclic(2).tolist()))
    fields = json.loads(run("model.pt", "--group", "group.json", "--json").out)
    assert (fields["verdict"], fields["correct_pairs_at_least"]) == ("VERIFIED", 4)


@pytest.mark.parametrize(("bits", "claimed"), [("2^-24", 25), ("2^-11", 22), ("2^-5", None), ("2^-1", None)])
def test_a_coarser_arithmetic_is_claimed_as_far_as_it_goes(
    bits: str, claimed: int | None, tmp_path: Path, run: Callable[..., Run]
) -> None:
    """Most margins of 1 survive 2^-11; where rounding is not bounded nothing is claimed of it."""
    save_model(tmp_path / "model.pt", C5)
    fields = json.loads(run("model.pt", "--json", "--unit-roundoff", bits).out)
    assert (fields["verdict"], fields["float32_correct_pairs_at_least"]) == ("VERIFIED", claimed)
    assert fields["unit_roundoff_bits"] == (None if claimed is None else int(bits[3:]))


@pytest.mark.parametrize("how", ["none", "argument", "cases"])
def test_the_cross_entropy_is_claimed_as_wanted(how: str, tmp_path: Path, run: Callable[..., Run]) -> None:
    """Its line is there, or not."""
    save_model(tmp_path / "model.pt", C5)
    assert ("cross-entropy at most" in run("model.pt", "--cross-entropy", how).out) == (how != "none")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["model.pt"],
        ["-o", "cert.json"],
        ["model.pt", "-o", "cert.json", "--instance", "-1"],
        ["model.pt", "-o", "cert.json", "--instance", "one"],
        ["model.pt", "-o", "cert.json", "--method", "guess"],
        ["model.pt", "-o", "cert.json", "--forc"],
        ["model.pt", "other.pt", "-o", "cert.json"],
        ["model.pt", "-o", "cert.json", "--unit-roundoff", "2^-25"],
        ["model.pt", "-o", "cert.json", "--unit-roundoff", "24"],
        ["model.pt", "-o", "cert.json", "--cross-entropy", "cases", "--no-cases"],
    ],
)
def test_wrong_usage_is_exit_code_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """What the parser of the command line does not know is its own error, with the usage."""
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert capsys.readouterr().err.startswith("usage: certgen")


def test_the_help_lists_every_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody needs the source to know what a code means."""
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert caught.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "2 wrong usage" in text
    for code in ExitCode:
        assert f"{code.value} {code.name}" in text
    for architecture in ARCHITECTURES:
        assert architecture in text


def test_the_version_is_that_of_the_checker(capsys: pytest.CaptureFixture[str]) -> None:
    """Both programs have one version."""
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"certgen {__version__}, format {FORMAT_VERSION}\n"


def test_exit_codes_are_different_and_not_that_of_wrong_usage() -> None:
    """A script can tell every ending from every other."""
    codes = [code.value for code in ExitCode]
    assert len(set(codes)) == len(codes)
    assert 2 not in codes
    assert command.main is main


@pytest.mark.parametrize(
    ("file", "code"), [("model.pt", ExitCode.VERIFIED), ("missing.pt", ExitCode.MODEL)], ids=["good", "bad"]
)
def test_the_program_exits_with_the_code_of_main(file: str, code: ExitCode, tmp_path: Path) -> None:
    """A process of its own: the exit code, one sentence or none on standard error, never a traceback."""
    save_model(tmp_path / "model.pt", C5)
    result = subprocess.run(
        [sys.executable, "-m", "certgen", str(tmp_path / file), "-o", str(tmp_path / OUTPUT)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == code
    assert len(result.stderr.splitlines()) == (0 if code is ExitCode.VERIFIED else 1)
    assert (tmp_path / OUTPUT).exists() == (code is ExitCode.VERIFIED)

"""examples/construct.py: the networks are correct by the law of the group file beside them, and refusals are clear."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from certcheck.named_group import compute_named_elements
from certgen.__main__ import main as certgen
from certgen.failure import ExitCode
from examples.construct import SCALES, main
from tests.certgen.small_models import Table, compute_logits, table_of_permutations

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROOT = Path(__file__).parents[1]
LAWS = [
    ("S4", "4"),
    ("S4", "6"),
    ("S5", "5 2"),
    ("S6", "6"),
    ("A5", "5"),
    ("A5", "6"),
    ("D4", "4"),
    ("C6", "2 3"),
    ("C2", "2"),
    ("S3xC3", "3 3"),
]


def build(path: Path, *arguments: str) -> tuple[dict[str, NDArray[np.float32]], Table]:
    """The tensors and the elements that the command writes."""
    assert main([*arguments, "-o", str(path)]) == 0
    stored = torch.load(path, weights_only=True)
    weights = {name: tensor.numpy() for name, tensor in stored.items()}
    assert list(weights) == ["left", "right", "out"]
    assert {weight.dtype for weight in weights.values()} == {np.dtype("float32")}
    group = json.loads(path.with_suffix(".group.json").read_text())
    return weights, np.array(group["elements"], dtype=np.int32)


def expect_refusal(capsys: pytest.CaptureFixture[str], words: str, *arguments: str) -> None:
    """One sentence on standard error, nothing else, and the exit code of a bad group or output."""
    capsys.readouterr()
    assert main(arguments) in (ExitCode.GROUP, ExitCode.OUTPUT)
    printed = capsys.readouterr()
    assert words in printed.err
    assert printed.err.startswith("construct: ")
    assert printed.err.count("\n") == 1
    assert printed.out == ""


@pytest.mark.parametrize(("group", "gsets"), LAWS)
def test_every_pair_is_right_without_noise(
    group: str, gsets: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the composition of the elements in the group file; the width is the sum of the squares of the points."""
    sizes = gsets.split()
    weights, elements = build(tmp_path / "model.pt", "--group", group, "--gset", *sizes)
    table, n, m = table_of_permutations(elements), len(elements), sum(int(d) ** 2 for d in sizes)
    assert [weight.shape for weight in weights.values()] == [(n, m), (n, m), (m, n)]
    a, c, U = (weights[name].astype(np.float64) for name in ("left", "right", "out"))
    for x in range(n):
        logits = compute_logits(a[x : x + 1], c, U.T, np.zeros(n))[0]
        right = logits[np.arange(n), table[x]]
        logits[np.arange(n), table[x]] = -np.inf
        assert (right > logits.max(axis=1) + 0.4).all()
    assert f"order {n}, hidden width {m}" in capsys.readouterr().out


@pytest.mark.parametrize(("group", "gsets"), [("S4", "4"), ("A5", "5"), ("D4", "4 2"), ("C6", "2 3")])
def test_without_noise_a_logit_depends_on_one_element(group: str, gsets: str, tmp_path: Path) -> None:
    """It is the same for all (x, y, z) with the same x^-1 z y^-1."""
    weights, elements = build(tmp_path / "model.pt", "--group", group, "--gset", *gsets.split())
    table = table_of_permutations(elements)
    a, c, U = (weights[name].astype(np.float64) for name in ("left", "right", "out"))
    logits = compute_logits(a, c, U.T, np.zeros(len(table)))
    identity = int(np.flatnonzero(table.diagonal() == np.arange(len(table)))[0])
    inverse = np.argmax(table == identity, axis=1)
    t = table[table[inverse][:, None, :], inverse[None, :, None]]
    for value in range(len(table)):
        assert np.ptp(logits[t == value]) < 1e-9


def test_half_of_the_neurons_have_another_scale(tmp_path: Path) -> None:
    """phi takes the values -2..2 on 5 points, so a neuron's largest input is twice its scale."""
    weights, _ = build(tmp_path / "model.pt", "--group", "S5", "--gset", "5", "--seed", "3")
    scales = np.abs(weights["left"]).max(axis=0) / 2
    assert (np.abs(weights["right"]).max(axis=0) == 2 * scales).all()
    assert (np.abs(weights["out"]).max(axis=1) * scales == np.float32(0.8)).all()
    assert set(scales.tolist()) == {1.0, *SCALES}
    assert (scales != 1).sum() == 12


@pytest.mark.parametrize("relative", ["1e-3", "0.1"])
def test_the_noise_has_the_size_that_was_asked_for(relative: str, tmp_path: Path) -> None:
    """Relative to each tensor's root mean square; the circuits under it are those of the same seed without noise."""
    arguments = ("--group", "A5", "--gset", "5", "6", "--seed", "7")
    exact, _ = build(tmp_path / "exact.pt", *arguments)
    noisy, _ = build(tmp_path / "noisy.pt", *arguments, "--noise", relative)
    for name, weight in exact.items():
        ratio = np.sqrt(np.mean((noisy[name] - weight) ** 2) / np.mean(weight**2))
        assert ratio == pytest.approx(float(relative), rel=0.1)


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    """Whatever the file's name; another seed gives others."""
    paths = [tmp_path / f"{name}.pt" for name in ("one", "two", "three")]
    for path, seed in zip(paths, ("5", "5", "6"), strict=True):
        build(path, "--group", "S4", "--gset", "4", "3", "--noise", "1e-2", "--seed", seed)
    one, two, three = (path.read_bytes() for path in paths)
    assert one == two
    assert one != three


def test_the_group_file_is_in_the_order_of_the_labels(tmp_path: Path) -> None:
    """Label x is the x-th permutation of the named group, also where the G-set is not its own points."""
    _, elements = build(tmp_path / "model.pt", "--group", "S5", "--gset", "6")
    assert (elements == compute_named_elements("S5", "group")).all()
    assert json.loads((tmp_path / "model.group.json").read_text())["name"] == "S5"


def test_certgen_certifies_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the group file beside it: all pairs."""
    build(tmp_path / "model.pt", "--group", "S4", "--gset", "4", "--noise", "1e-3")
    capsys.readouterr()
    group, output = str(tmp_path / "model.group.json"), str(tmp_path / "cert.json")
    assert certgen([str(tmp_path / "model.pt"), "--group", group, "-o", output, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["verdict"], result["correct_pairs_at_least"]) == ("VERIFIED", 576)
    assert (result["group"], result["labels_from"], result["architecture"]) == ("S4", "given", "direct")


@pytest.mark.parametrize(
    ("group", "gsets", "words"),
    [
        ("S5", "2", "60 elements move no point of these G-sets"),
        ("S4", "3 2", "4 elements move no point"),
        ("C6", "3 3", "2 elements move no point"),
        ("S5", "7", "no transitive G-set of 7 points"),
        ("A5", "4", "no transitive G-set of 4 points"),
        ("S4", "0", "no transitive G-set of 0 points"),
        ("S4", "-4", "no transitive G-set of -4 points"),
        ("S4", "1", "no transitive G-set of 1 points"),
        ("A5", "2", "no transitive G-set of 2 points"),
        ("S9", "9", "elements of a group (limit order)"),
        ("Z4", "4", "expected S<n>"),
        ("C997", "997", "994009 neurons for 997 elements"),
    ],
)
def test_what_cannot_be_built_is_refused(
    group: str, gsets: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No file is written."""
    expect_refusal(capsys, words, "--group", group, "--gset", *gsets.split(), "-o", str(tmp_path / "model.pt"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["model.pt", "model.group.json"])
def test_an_existing_output_is_replaced_only_with_force(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Either of the two."""
    (tmp_path / name).write_text("mine")
    arguments = ("--group", "S3", "--gset", "3", "-o", str(tmp_path / "model.pt"))
    expect_refusal(capsys, f"{name}: the file exists", *arguments)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["mine"]
    assert main([*arguments, "--force"]) == 0
    assert (tmp_path / name).read_bytes() != b"mine"


@pytest.mark.parametrize("name", ["missing/model.pt", "model", "model.safetensors"])
def test_an_unfit_name_of_the_output_is_refused(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder that does not exist, or a suffix of another format."""
    expect_refusal(capsys, name, "--group", "S3", "--gset", "3", "-o", str(tmp_path / name))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("noise", ["-1", "nan", "inf", "1e9", "much"])
def test_noise_is_a_number_from_0(noise: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Anything else is wrong usage."""
    with pytest.raises(SystemExit) as ended:
        main(["--group", "S3", "--gset", "3", f"--noise={noise}", "-o", str(tmp_path / "model.pt")])
    assert ended.value.code == 2
    assert "--noise" in capsys.readouterr().err


def test_large_noise_is_counted_in_the_line_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The count is that of the file's weights: the line does not promise what noise destroyed."""
    weights, elements = build(tmp_path / "model.pt", "--group", "S4", "--gset", "4", "--noise", "0.5")
    a, c, U = (weights[name].astype(np.float64) for name in ("left", "right", "out"))
    answers = compute_logits(a, c, U.T, np.zeros(24)).argmax(axis=2)
    correct = int((answers == table_of_permutations(elements)).sum())
    assert 24 < correct < 576
    assert f": {correct} of 576 pairs are correct" in capsys.readouterr().out


def test_the_script_runs_as_the_readme_says(tmp_path: Path) -> None:
    """The order 5040 in a process of its own, with a sample of the pairs in one line."""
    text = (ROOT / "README.md").read_text()
    (command,) = [line.split() for line in text.splitlines() if line.startswith("python examples/construct.py")]
    script = [sys.executable, str(ROOT / command[1]), *command[2:]]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    run = subprocess.run(script, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.startswith("S7.pt: S7 of order 5040, hidden width 49, ")
    assert run.stdout.endswith(": 2000 of 2000 random pairs are correct in float64\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["S7.group.json", "S7.pt"]

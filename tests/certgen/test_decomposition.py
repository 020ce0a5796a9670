"""A user's claimed decomposition: verified, or refused with the claim that is false and by how much."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from certcheck.group_file import read_group
from certgen import equivariant
from certgen.cells import fit_cells
from certgen.equivariant import Search
from certgen.explanation import explain_by_irreps
from certgen.failure import ExitCode
from certgen.model import load_model
from tests.certgen.command import Run, expect_failure

if TYPE_CHECKING:
    from collections.abc import Callable

EXAMPLES = Path(__file__).parents[2] / "examples"
MODEL, GROUP = str(EXAMPLES / "S4.pt"), str(EXAMPLES / "S4.group.json")


@pytest.fixture(scope="module")
def claims() -> list[dict[str, Any]]:
    """For every neuron that is not dead, the irrep that carries most of it."""
    network = load_model(MODEL, None, None).network
    G = read_group(GROUP)
    cells = fit_cells(network, 1e-3)
    irreps = Search(network, G, "S4", None, "fast").begin(with_gsets=False).irreps
    parts = explain_by_irreps(cells, irreps, list(range(cells.U.shape[1])), 0.5, 0.5)
    return [
        {"irrep": part.irrep.name, "neurons": np.flatnonzero(np.isin(cells.cell, part.cells)).tolist()}
        for part in parts
    ]


def certify(run: Callable[..., Run], representations: Any, *options: str, **more: Any) -> Run:
    """The command with a decomposition file."""
    Path("claim.json").write_text(json.dumps({"representations": representations} | more))
    return run(MODEL, "--group", GROUP, "--decomposition", "claim.json", *options)


def test_a_true_claim_is_proved(run: Callable[..., Run], claims: list[dict[str, Any]]) -> None:
    """The certificate rests on the claimed irreps and no others."""
    result = certify(run, claims, "--json", group="S4")
    assert result.code == 0, result.err
    printed = json.loads(result.out)
    assert (printed["verdict"], printed["method"], printed["correct_pairs_at_least"]) == (
        "VERIFIED",
        "equivariant",
        576,
    )
    names = [r["name"] for r in json.loads(Path("cert.json").read_text())["method"]["representations"]]
    assert names == [claim["irrep"] for claim in claims]


def test_a_neuron_that_does_not_carry_its_irrep_is_named(run: Callable[..., Run], claims: list[dict[str, Any]]) -> None:
    """Refused with the neuron and the share of its unembedding that is there; nothing is written."""
    wrong = [dict(claim) for claim in claims]
    neuron = wrong[0]["neurons"][0]
    wrong[0]["neurons"] = wrong[0]["neurons"][1:]
    wrong[1]["neurons"] = [*wrong[1]["neurons"], neuron]
    result = certify(run, wrong)
    expect_failure(result, ExitCode.DECOMPOSITION, f"neuron {neuron} is said to carry {wrong[1]['irrep']}")
    assert re.search(r"only \d+\.\d% of its unembedding lies in it", result.err)
    assert not Path("cert.json").exists()


def test_claimed_matrices_are_used_if_they_are_a_representation(
    run: Callable[..., Run], claims: list[dict[str, Any]]
) -> None:
    """An irrep given by matrices on generators proves what its name proves; one wrong entry is refused by its size."""
    G = read_group(GROUP)
    network = load_model(MODEL, None, None).network
    irreps = {i.name: i for i in Search(network, G, "S4", None, "fast").begin(with_gsets=False).irreps}
    irrep = irreps[claims[0]["irrep"]]
    matrices = {str(g): irrep.matrices[g].tolist() for g in G.generators}
    by_matrices = [{"matrices": matrices, "neurons": claims[0]["neurons"]}, *claims[1:]]
    assert certify(run, by_matrices, "--no-cases").code in (ExitCode.VERIFIED, ExitCode.NOTHING_TO_PROVE)
    matrices[str(G.generators[0])][0][0] += 0.25
    Path("cert.json").unlink(missing_ok=True)
    expect_failure(certify(run, by_matrices), ExitCode.DECOMPOSITION, "no homomorphism: off by 0.")


@pytest.mark.parametrize(
    ("representations", "words"),
    [
        ([], "expected an object with a list `representations`, not empty"),
        ({}, "expected an object with a list `representations`, not empty"),
        ([{"neurons": [0]}], "expected `neurons` and either `irrep` or `matrices`"),
        ([{"irrep": "sign", "neurons": [0], "scale": 1}], "expected `neurons` and either `irrep` or `matrices`"),
        ([{"irrep": "sign", "neurons": 0}], "expected a list of neuron indices"),
        ([{"irrep": "sign", "neurons": [True]}], "expected a list of neuron indices"),
        ([{"irrep": "spin", "neurons": [0]}], "no irrep 'spin'; there are standard"),
        ([{"irrep": "sign", "neurons": [64]}], "expected indices from 0 to 63, each once in the file"),
        ([{"irrep": "sign", "neurons": [0, 0]}], "expected indices from 0 to 63, each once in the file"),
        ([{"matrices": {"24": [[1]]}, "neurons": []}], "expected an object from labels 0..23 to d x d matrices"),
        ([{"matrices": {"1": [[1, 0]]}, "neurons": []}], "expected an object from labels 0..23 to d x d matrices"),
        ([{"matrices": [1], "neurons": []}], "expected an object from labels 0..23 to d x d matrices"),
        ([{"matrices": {"0": [[1]]}, "neurons": []}], "the labels generate 1 of 24 elements"),
        ([{"matrices": {str(x): [[2]] for x in range(1, 24)}, "neurons": []}], "no homomorphism: off by"),
    ],
)
def test_a_claim_that_makes_no_sense_is_refused(run: Callable[..., Run], representations: Any, words: str) -> None:
    """One sentence each."""
    expect_failure(certify(run, representations), ExitCode.DECOMPOSITION, words)


def test_the_claimed_group_is_compared(run: Callable[..., Run], claims: list[dict[str, Any]]) -> None:
    """A decomposition of another group is no claim about this model."""
    expect_failure(certify(run, claims, group="D12"), ExitCode.DECOMPOSITION, "the claimed group is D12")


def test_a_claim_that_is_no_json_is_refused(run: Callable[..., Run]) -> None:
    """Neither a missing file nor a folder, nor text, nor lists without end."""
    for name in ("none.json", ".", ""):
        expect_failure(run(MODEL, "--decomposition", name), ExitCode.DECOMPOSITION, "a file cannot be read")
    for text in ("S4", "\xff", "[" * 100_000):
        Path("claim.json").write_text(text, encoding="latin-1")
        expect_failure(run(MODEL, "--decomposition", "claim.json"), ExitCode.DECOMPOSITION, "cannot be read as JSON")


@pytest.mark.parametrize("options", [["--no-cases"], ["--decomposition", "claim.json"]])
def test_options_of_the_argument_need_the_argument(run: Callable[..., Run], options: list[str]) -> None:
    """With --method exhaustive they have no meaning."""
    with pytest.raises(SystemExit) as caught:
        run(MODEL, "--method", "exhaustive", *options)
    assert caught.value.code == 2


def test_a_claim_about_a_group_that_is_too_large_for_the_fit_is_refused(
    run: Callable[..., Run], claims: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is fitted: it would take more memory than there is."""
    monkeypatch.setattr(equivariant, "LARGEST_ORDER", 23)
    result = certify(run, claims)
    expect_failure(result, ExitCode.DECOMPOSITION, "a group of order at most 23, got 24")

"""Complete circuits and representations for the other neurons: what is found, told and verified."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from certcheck.circuits import DROPPED, REMAINING
from certcheck.comparison import Auditor
from certcheck.decision import check
from certcheck.document import GroupSection, RhoSetSection, StatementSection, parse_certificate
from certcheck.exhaustive import compute_exhaustive_cost
from certgen.account import describe
from certgen.certificate import write_certificate
from certgen.composition import Composition, find_composition
from certgen.equivariant import Search, find_equivariant
from certgen.exhaustive import choose_fixed_point
from certgen.rhoset import find_rho_sets
from tests.certcheck.test_exhaustive import count_slowly
from tests.certgen.circuit_networks import join, make_complete, make_irrep_neurons, make_noise, named
from tests.certgen.command import OUTPUT, Run
from tests.certgen.small_models import Weights, network_of, save_model, section_of

if TYPE_CHECKING:
    from collections.abc import Callable

S4 = named("S4")
CIRCUIT = make_complete(S4, [4])
# The irrep that S4 has from S3, which no G-set of few points explains neuron by neuron.
IRREP = make_irrep_neurons(S4, "S4", 2, 40, 0.024)
MIXED = join(CIRCUIT, IRREP)


def compose(weights: Weights, *, cases: bool = False) -> Composition | None:
    """What is found, at little effort."""
    network = network_of("direct", weights)
    return find_composition(Search(network, S4, "S4", choose_fixed_point(network) if cases else None, "fast"))


def test_a_circuit_and_an_irrep_prove_all_pairs_together() -> None:
    """The circuit's neurons are in it, those of the irrep are left to it; neither method alone does as well."""
    network, found = network_of("direct", MIXED), compose(MIXED)
    assert found is not None
    assert (found.by_argument, found.by_cases) == (576, 0)
    assert found.section.neurons[:16, 0].tolist() == [0] * 16
    # Two of the neurons carry next to nothing.
    assert sorted(found.section.neurons[16:].tolist()) == [[REMAINING, 0, 0, 0]] * 38 + [[DROPPED, 0, 0, 0]] * 2
    assert found.section.remaining is not None
    assert [r.name for r in found.section.remaining.representations] == ["(2,2)"]
    assert found.section.remaining.table_bits == found.section.table_bits
    circuits = find_rho_sets(network, S4, None)
    assert circuits is not None
    assert circuits.by_argument < 576
    representations = find_equivariant(Search(network, S4, "S4", None, "fast"))
    assert representations is not None
    assert found.rank > representations.rank


def test_what_is_written_is_verified_as_it_was_evaluated() -> None:
    """Pairs and cost by certcheck, in the other arithmetic, from the file."""
    found = compose(MIXED)
    assert found is not None
    group = GroupSection("S4", "given", S4.elements)
    section = section_of("direct", MIXED)
    data = write_certificate(StatementSection(576, 576), group, section, found.section)
    proof = check(data, Auditor(arithmetic="int64"))
    assert (proof.method, proof.pairs_by_argument, proof.pairs_by_cases) == ("rho-set", 576, 0)
    assert proof.representations == ("rho-set of 4 x 4 points", "'(2,2)', dimension 2")
    assert proof.multiply_adds == found.cost["multiply_adds"] < proof.multiply_adds_exhaustive
    assert proof.additions == found.cost["additions"]


def test_the_account_names_both() -> None:
    """A row of the circuit, a row of the irrep, and the error terms of each."""
    found = compose(MIXED)
    assert found is not None
    lines = describe(found, compute_exhaustive_cost(network_of("direct", MIXED), S4))
    rows = [line.split() for line in lines]
    assert ["0", "4", "x", "4", "16", "of", "16", "16", "0", "K", "0.00%"] in rows
    assert "neurons       38 in no circuit, 2 dead: the former left to representations" in lines
    assert any(row[:3] == ["(2,2)", "2", "real"] for row in rows)
    assert "cells         38 of 38 neurons, 0 dropped" in lines
    assert [line.split()[:3] for line in lines if line.startswith("error terms")] == [["error", "terms", "merging"]] * 2
    assert "pairs         576 by the argument, 0 by cases" in lines


def test_cases_complete_what_the_argument_leaves() -> None:
    """A stronger irrep leaves some pairs open; with cases every correct pair is counted."""
    weights = join(CIRCUIT, make_irrep_neurons(S4, "S4", 2, 16, 0.1))
    found = compose(weights, cases=True)
    assert found is not None
    true = count_slowly(network_of("direct", weights), S4)
    assert 0 < found.by_argument < found.by_argument + found.by_cases == true < 576


@pytest.mark.parametrize("name", ["no complete circuit", "nothing is left", "only dead neurons are left"])
def test_there_is_no_composition_without_both(name: str) -> None:
    """One kind of neurons alone is for the other methods."""
    silent = make_noise(S4, 2)
    silent["out"][:] = 1
    weights = {
        "no complete circuit": IRREP,
        "nothing is left": CIRCUIT,
        "only dead neurons are left": join(CIRCUIT, silent),
    }[name]
    assert compose(weights) is None


def test_the_command_takes_it_and_its_certificate_is_verified(run: Callable[..., Run], tmp_path: Path) -> None:
    """--method auto, in a file that certcheck verifies against the model in a process of its own."""
    save_model(tmp_path / "model.pt", MIXED)
    (tmp_path / "group.json").write_text(
        json.dumps({"name": "S4", "degree": S4.degree, "elements": S4.elements.tolist()})
    )
    result = run("model.pt", "--group", "group.json", "--effort", "fast", "--no-cases")
    assert (result.code, result.err) == (0, "")
    assert "4 x 4" in result.out
    assert "left to representations" in result.out
    method = parse_certificate((tmp_path / OUTPUT).read_bytes()).method
    assert isinstance(method, RhoSetSection)
    assert method.remaining is not None
    command = [sys.executable, "-m", "certcheck", OUTPUT, "--model", "model.pt", "--group", "group.json", "--json"]
    verdict = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    fields = json.loads(verdict.stdout)
    assert (fields["verdict"], fields["correct_pairs_at_least"], fields["method"]) == ("VERIFIED", 576, "rho-set")
    assert {"merging", "remaining merging"} <= set(fields["error_terms"])

"""The mutation of certificates: the seeds pass, and a checker that is not sound is found out."""

from __future__ import annotations

import dataclasses
import json
import random
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import certcheck.cells
import certcheck.circuits
import certcheck.decision
import certcheck.equivariant
import certcheck.exhaustive
import certcheck.network
from certcheck.equivariant import check_error_terms
from certcheck.exhaustive import Decided
from certcheck.verdict import Reason
from tests.audit.certificate_mutants import Census, build_parser, conclude, main, run
from tests.audit.judgement import (
    Kind,
    _bound_claims,
    _find_false_claims,
    answer,
    judge,
    judge_arithmetics,
    judge_both,
)
from tests.audit.mutations import apply, list_mutations, write
from tests.audit.seeds import write_seeds
from tests.audit.truth import find_truth
from tests.certcheck.test_exhaustive import count_slowly
from tests.certcheck.test_rhoset import EXAMPLES
from tests.certificates import S3, certificate, encode, pair_detectors
from tests.vectors.truth import find_margins

SEEDS = write_seeds()
CLAIMING = [name for name, text in SEEDS.items() if json.loads(text)["statement"]["cross_entropy_upper_bound"]]
# Of each certificate: all seeds together take less than a minute on one core.
SAMPLE = 260


def audit(tmp_path: Path, *names: str, sample: int = SAMPLE, kind: str = "", spec: bool = False) -> Census:
    """The census of the mutants of these seeds."""
    options = ["--sample", str(sample), "--keep", str(tmp_path), *(["--spec"] if spec else [])]
    options += ["--kind", kind] if kind else []
    return run([(name, SEEDS[name]) for name in names], build_parser().parse_args(options))


@pytest.mark.parametrize("name", SEEDS)
def test_no_mutant_is_accepted_with_a_false_claim(name: str, tmp_path: Path) -> None:
    """Of every kind of change there are mutants; each is refused by its reason, or true."""
    census = audit(tmp_path, name)
    assert census.faults == []
    assert not list(tmp_path.iterdir())
    document = json.loads(SEEDS[name])
    every = list_mutations(document, random.Random(0))  # noqa: S311 - a sample, to be repeated
    assert census.total == min(SAMPLE, len(every))
    assert set(census.counts) == {mutation.kind for mutation in every}


@pytest.mark.parametrize("name", SEEDS)
def test_both_checkers_agree_on_mutants(name: str, tmp_path: Path) -> None:
    """The specification sees the same mutants, fewer of them."""
    census = audit(tmp_path, name, sample=60, spec=True)
    assert census.faults == []
    assert census.specified == 60


@pytest.mark.parametrize("name", SEEDS)
def test_each_seed_is_accepted_and_both_arithmetics_agree(name: str) -> None:
    """By itself it is equivalent to itself; without content to compare, true."""
    text = SEEDS[name]
    said = answer(text)
    assert judge(text, said).kind is Kind.SLACK
    assert judge_arithmetics(text, said) is None
    assert judge_both(text, said) is None


def test_the_seeds_are_of_every_method_with_claims_at_the_proved_number_and_below() -> None:
    """At least ten; with and without cases."""
    documents = [json.loads(text) for text in SEEDS.values()]
    methods = [d["method"]["name"] for d in documents]
    assert len(SEEDS) >= 10
    assert {name: methods.count(name) >= 3 for name in set(methods)} == dict.fromkeys(
        ("exhaustive", "equivariant", "rho-set"), True
    )
    with_cases = {d["method"]["name"] for d in documents if d["method"].get("cases")}
    assert with_cases == {"equivariant", "rho-set"}
    more = [apply_claim(d, 1) for d in documents]
    at_most = [judge(text, answer(text)).why == Reason.BOUND_TOO_HIGH.name for text in more]
    assert 3 <= sum(at_most) < len(documents)


def apply_claim(document: dict[str, Any], more: int) -> bytes:
    """The certificate with a claim of so many pairs more."""
    statement = document["statement"]
    return encode(
        document | {"statement": statement | {"correct_pairs_at_least": statement["correct_pairs_at_least"] + more}}
    )


def test_the_truth_is_that_of_other_tests() -> None:
    """Pairs counted by hand in test_decision, and logit by logit elsewhere; the float filter changes nothing."""
    weights = pair_detectors(S3)
    weights["out"][0, 5] = 1
    assert find_truth(certificate(S3, weights)).correct == 35
    swapped = certificate(S3)
    swapped["network"]["roles"] = {"left": "right", "right": "left", "out": "out"}
    assert find_truth(swapped).correct == 18
    example = EXAMPLES["S3 scales 2 and -1/2"]
    document = json.loads(SEEDS["rho-set S3"])
    assert find_truth(document).correct == count_slowly(example.network, example.G)


def test_float64_decides_only_what_is_certain(monkeypatch: pytest.MonkeyPatch) -> None:
    """With every product left to it, the truth of all seeds and of networks with ties and close margins is the same."""
    rng = np.random.default_rng(3)
    weights = pair_detectors(S3)
    rough = {role: w + np.float32(0.4) * rng.normal(size=w.shape).astype(np.float32) for role, w in weights.items()}
    documents = [*map(json.loads, SEEDS.values()), certificate(S3, rough)]
    documents.append(certificate(S3, {role: w.astype(np.float64) * 1e300 for role, w in weights.items()}))
    exact = [find_truth(d).correct for d in documents]
    monkeypatch.setattr("tests.audit.truth.MANY_PRODUCTS", 0)
    find_truth.__globals__["_find_truth"].cache_clear()
    assert [find_truth(d).correct for d in documents] == exact
    assert exact[-1] == 36 > exact[-2] > 6


@pytest.mark.parametrize("name", CLAIMING)
def test_the_claims_of_large_groups_are_judged_as_those_of_small_ones(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By float64 and its error in place of rationals: no fewer pairs, no more nats, and neither far from the truth."""
    document = json.loads(SEEDS[name])
    margins = find_margins(document)
    smallest = min(row_least for row_least in map(min, margins) if row_least > 0)
    claims = [Fraction(0), smallest, smallest * Fraction(1 + 1e-9)]
    exact = [_bound_claims(document, least) for least in claims]
    monkeypatch.setattr("tests.audit.judgement.LARGE", 0)
    fast = [_bound_claims(document, least) for least in claims]
    more = [found[0] - true[0] for found, true in zip(fast, exact, strict=True)]
    # A margin that is nearer to 0 than the error of float64 is taken for one that may be claimed.
    assert more == [1, 0, 1] if "close" in name else more == [0, 0, 0]
    assert exact[0][0] == exact[1][0] > exact[2][0]
    assert exact[0][1] * Decimal("0.99999999") < fast[0][1] < exact[0][1]
    assert all(rows == slice(None) or rows == slice(None, None, 1) for *_, rows in exact + fast)
    assert not any(_find_false_claims(document).values())


def pass_anything(*_: Any, **__: Any) -> None:
    """A check that was left out."""


def count_ties(network: Any, v: int, xs: Sequence[int], ys: Sequence[int]) -> list[int]:  # noqa: ARG001 - the true one's
    """Every pair that was not decided has a margin of a unit."""
    return [1] * len(xs)


def decide_ties(*arguments: Any) -> Decided:
    """A tie is correct."""
    *_, margins = arguments
    return Decided(margins >= 0, margins >= 0, margins, 0, 0)


def bound_nothing(side: Any, *_: Any) -> Any:
    """No error where neurons are replaced or dropped."""
    return np.zeros(len(side.integers), dtype=np.int64)


def accept_terms(terms: dict[str, int], claimed: dict[str, int], bits: int, where: str) -> Any:
    """Error terms as claimed, whatever they are."""
    return check_error_terms(dict.fromkeys(terms, 0), claimed, bits, where)


ROUGH = "equivariant S3 rough with cases, other claims"
PLANTED = {
    "the bound is not checked": (
        certcheck.decision,
        "check_bound",
        pass_anything,
        "exhaustive S3 mapped",
        "claim raised",
    ),
    "a tie is correct": (certcheck.exhaustive, "decide_pairs", decide_ties, "exhaustive S3 mapped", "weight"),
    "what is undecided is correct": (
        *(certcheck.exhaustive, "_evaluate_exactly", count_ties),
        *("exhaustive S3 close", "weight"),
    ),
    "merging is free": (
        *(certcheck.cells, "bound_merging", bound_nothing),
        *("equivariant S3 permutations, below", "weight"),
    ),
    "circuits are exact": (
        *(certcheck.circuits, "bound_merging", bound_nothing),
        *("rho-set S3 one-sided, with cases, below", "weight"),
    ),
    "chance is a bound": (certcheck.decision, "check_claim", pass_anything, "rho-set S3", "claim lowered"),
    "margins are not checked": (certcheck.decision, "check_margin", pass_anything, ROUGH, "decimal"),
    "binary32 is not checked": (certcheck.decision, "check_float32", pass_anything, ROUGH, "integer"),
    "cross-entropy is not checked": (certcheck.decision, "check_cross_entropy", pass_anything, ROUGH, "decimal"),
}


@pytest.mark.parametrize("fault", PLANTED)
def test_a_checker_that_is_not_sound_is_found_out(fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each planted fault lets a false mutant through, which is kept, and the exit code is 1."""
    module, name, stub, seed, kind = PLANTED[fault]
    monkeypatch.setattr(module, name, stub)
    census = audit(tmp_path, seed, sample=600, kind=kind)
    assert census.faults
    assert len(list(tmp_path.iterdir())) >= 1
    assert conclude(census) == 1


def test_an_error_term_that_is_not_checked_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bound stays true, the quoted term does not: the specification says so."""
    monkeypatch.setattr(certcheck.equivariant, "check_error_terms", accept_terms)
    census = audit(tmp_path, "equivariant S3 sign", kind="integer error term", sample=200, spec=True)
    assert any("certcheck VERIFIED, specification s REJECTED" in fault for fault in census.faults)


def test_a_checker_that_refuses_all_and_one_that_raises_are_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The certificate itself must be accepted; an exception is a bug wherever it comes from."""
    monkeypatch.setattr(certcheck.network, "_check_shapes", lambda *_: 1 / 0)
    census = audit(tmp_path, "exhaustive C1")
    assert "ZeroDivisionError" in census.faults[0]
    assert conclude(census) == 1


def test_no_mutant_is_no_audit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A sample of none ends with exit code 1, and says so; so does a run without certificates."""
    path = tmp_path / "S3.json"
    path.write_bytes(encode(certificate(S3)))
    assert main([str(path), "--sample", "0"]) == 1
    assert "no mutant" in capsys.readouterr().out
    assert conclude(Census()) == 1
    assert main([str(path), "--sample", "40"]) == 0


def test_parts_and_samples_for_the_specification_are_of_the_same_census(tmp_path: Path) -> None:
    """Two processes count what one does, also what they find; every fourth mutant is seen by both checkers."""
    name = "exhaustive C1"
    one, two = (
        run([(name, SEEDS[name])], build_parser().parse_args([*options, "--keep", str(tmp_path)]))
        for options in (["--spec"], ["--spec", "4", "--jobs", "2"])
    )
    assert (one.counts, one.faults) == (two.counts, two.faults)
    assert one.total == one.specified
    assert abs(4 * two.specified - one.specified) <= 8


def test_a_fault_that_another_process_finds_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is in the census, and its file is kept; so is that of a certificate that is itself refused."""
    monkeypatch.setattr(certcheck.decision, "check_bound", pass_anything)
    options = build_parser().parse_args(["--jobs", "2", "--kind", "claim raised", "--keep", str(tmp_path)])
    assert run([("S3", SEEDS["rho-set S3"])], options).faults
    assert list(tmp_path.iterdir())
    monkeypatch.setattr(certcheck.network, "_check_shapes", lambda *_: 1 / 0)
    assert "ZeroDivisionError" in run([("S3", SEEDS["rho-set S3"])], options).faults[0]


def test_mutations_are_what_they_say() -> None:
    """A key twice and `-0` are in the text; one mutation changes one place; applying none changes nothing."""
    text = SEEDS["exhaustive C1"]
    mutations = list_mutations(json.loads(text), random.Random(0))  # noqa: S311 - a sample, to be repeated
    written = {f"{m.kind}: {m.where}": apply(m, text) for m in mutations}
    assert written["key: statement: pairs twice"].count(b'"pairs": 1') == 2
    assert b'"version": -0,' in written["integer: version = '\\x01raw:-0'"]
    assert b'"version": 1.0,' in written["integer: version = '\\x01raw:1.0'"]
    assert write(json.loads(text)) == text
    assert sum(data == text for data in written.values()) == 0
    assert dataclasses.astuple(find_truth(json.loads(text))) == (1, 1)

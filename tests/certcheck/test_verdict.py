"""Verdict lines, JSON and exit codes."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from certcheck.verdict import Proof, Reason, Refusal, Status, Verdict, announce, describe, round_down, round_up

PROOF = Proof(
    correct_pairs_at_least=35,
    pairs=36,
    pairs_by_argument=0,
    pairs_by_cases=35,
    smallest_certified_margin=None,
    certified_margins={"0": 34, "1/256": 1},
    float32_correct_pairs_at_least=None,
    unit_roundoff_bits=None,
    float32_pairs_by_argument=None,
    float32_pairs_by_cases=None,
    cross_entropy_upper_bound=None,
    tightest=None,
    method="exhaustive",
    group="S3",
    order=6,
    labels_from="model_answers",
    architecture="direct",
    formula="relu(left[x] + right[y]) @ out",
    weights_sha256="0" * 64,
    arithmetic="float64",
    model_compared=False,
    architecture_compared=False,
    group_compared="none",
    representations=(),
    error_terms={},
    multiply_adds=7777,
    multiply_adds_cross_entropy=0,
    multiply_adds_exhaustive=7776,
    additions=2844,
)
VERIFIED = Verdict("a.json", PROOF, 0.25)


def refused(reason: Reason) -> Verdict:
    """A refusal as a verdict."""
    return Verdict("b.json", Refusal(reason, "here", "this", "that"), 0.5)


def test_exit_codes_are_those_of_the_design() -> None:
    """The worst status of several decides."""
    codes = [(s.name, s.value) for s in Status]
    assert codes == [
        ("VERIFIED", 0),
        ("REJECTED", 10),
        ("DECLINED", 20),
        ("MALFORMED", 30),
        ("LIMIT", 40),
        ("ERROR", 50),
    ]


@pytest.mark.parametrize("reason", list(Reason))
def test_a_refusal_is_never_verified(reason: Reason, capsys: pytest.CaptureFixture[str]) -> None:
    """Every reason leads to its status, line and exit code, alone and among verified ones."""
    outcomes = [VERIFIED, refused(reason), VERIFIED]
    assert announce(outcomes, count=3, as_json=False, quiet=False) == reason.status.value > 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == lines[2] == "s VERIFIED a.json 35 of 36 pairs"
    assert lines[1] == f"s {reason.status.name} b.json {reason.name}: {reason.meaning}; here: expected this, got that"


def test_no_outcome_is_no_success(capsys: pytest.CaptureFixture[str]) -> None:
    """An empty list must not read as verified."""
    assert announce([], count=0, as_json=False, quiet=False) == Status.ERROR.value
    assert capsys.readouterr().out == ""


def test_a_verified_line_says_its_scope(capsys: pytest.CaptureFixture[str]) -> None:
    """What was proved, of what, where the labels come from, and what was not compared."""
    assert announce([VERIFIED], count=1, as_json=False, quiet=False) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[0] == "s VERIFIED"
    # 35/36 = 97.2222... %, rounded down
    assert "at least 35 of 36 pairs are correct: accuracy >= 35/36 (97.222 %)" in out
    assert "read off the model's own answers" in out
    assert "relu(left[x] + right[y]) @ out" in out
    assert "compared      nothing\nnot compared  model, architecture, group" in out
    compared = replace(PROOF, model_compared=True, architecture_compared=True, group_compared="table")
    announce([Verdict("a.json", compared, 0.25)], count=1, as_json=False, quiet=False)
    out = capsys.readouterr().out
    assert "not compared  nothing" in out
    assert "as in the auditor's group file" in out


@pytest.mark.parametrize(
    ("part", "whole", "down", "up"),
    [
        (1, 1, "100.000", "100.000"),
        (99_999, 100_000, "99.999", "99.999"),
        (2, 3, "66.666", "66.667"),
        (1, 99_999, "0.001", "0.002"),
    ],
)
def test_percentages_err_on_the_modest_side(
    part: int, whole: int, down: str, up: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Three places: of a bound rounded down, of a cost rounded up, exact where they suffice."""
    proof = replace(PROOF, correct_pairs_at_least=part, pairs=whole)
    proof = replace(proof, multiply_adds=part, multiply_adds_exhaustive=whole)
    announce([Verdict("a.json", proof, 0.25)], count=1, as_json=False, quiet=False)
    out = capsys.readouterr().out
    assert f" ({down} %)\n" in out
    assert f" {part} multiply-adds ({up} % of exhaustive), 2844 additions, 0.25 s\n" in out


@pytest.mark.parametrize(
    ("term", "shown"), [("1", "1.000"), ("999/1000", "0.999"), ("1999/1000", "1.999"), ("2001/1000", "2.001")]
)
def test_an_error_term_of_three_places_is_shown_as_it_is(
    term: str, shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only what has more is rounded up."""
    proof = replace(PROOF, representations=("sign, dimension 1",), error_terms={"merging": term})
    announce([Verdict("a.json", proof, 0.25)], count=1, as_json=False, quiet=False)
    assert f"error terms   merging {shown}\n" in capsys.readouterr().out


def test_two_certificates_have_a_line_each_with_their_paths(capsys: pytest.CaptureFixture[str]) -> None:
    """From two on, as for more."""
    announce([VERIFIED, refused(Reason.NOT_JSON)], count=2, as_json=False, quiet=True)
    first, second = capsys.readouterr().out.splitlines()
    assert first == "s VERIFIED a.json 35 of 36 pairs"
    assert second.startswith("s MALFORMED b.json NOT_JSON: ")


@pytest.mark.parametrize("count", [1, 2])
def test_an_outcome_that_is_neither_proof_nor_refusal_is_an_error(
    count: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is verified but a proof; the line says no more."""
    nothing: Any = Verdict("a.json", None, 0.25)  # type: ignore[arg-type]
    assert announce([nothing] * count, count=count, as_json=False, quiet=False) == Status.ERROR.value
    assert set(capsys.readouterr().out.splitlines()) == {"s ERROR" if count == 1 else "s ERROR a.json"}


def test_a_line_is_out_as_soon_as_its_verdict_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever reads a pipe does not wait for the other certificates: every line is flushed."""
    seen: list[bool] = []
    monkeypatch.setattr("builtins.print", lambda _line, *, flush: seen.append(flush))
    outcomes = [VERIFIED, refused(Reason.NOT_JSON), Verdict("c", None, 0.0)]  # type: ignore[arg-type]
    for count, as_json in ((1, False), (2, False), (2, True)):
        announce(outcomes, count=count, as_json=as_json, quiet=False)
    assert seen == [True] * 9


def test_the_argument_is_quoted(capsys: pytest.CaptureFixture[str]) -> None:
    """Representations with names that nobody verified, error terms rounded up; nothing of it for exhaustive."""
    terms = {"merging": "1/4096", "equivariance": "3/2"}
    proof = replace(PROOF, representations=("permutations of 5", "'sign', dimension 1"), error_terms=terms)
    announce([Verdict("a.json", proof, 0.25)], count=1, as_json=False, quiet=False)
    out = capsys.readouterr().out
    assert "carried by    permutations of 5, 'sign', dimension 1 (names and irreducibility are not verified)" in out
    assert "error terms   merging 0.001, equivariance 1.500" in out
    announce([VERIFIED], count=1, as_json=False, quiet=False)
    assert "carried by" not in capsys.readouterr().out


def test_a_name_compares_isomorphism_only(capsys: pytest.CaptureFixture[str]) -> None:
    """The verdict does not let an isomorphism pass for a comparison of labels."""
    outcome = Verdict("a.json", replace(PROOF, group_compared="isomorphism", labels_from="given"), 0.25)
    announce([outcome], count=1, as_json=False, quiet=False)
    out = capsys.readouterr().out
    assert "up to isomorphism only: the order of the labels was not compared" in out
    assert "the certificate says that they were given" in out


def test_quiet_prints_the_line_only(capsys: pytest.CaptureFixture[str]) -> None:
    """One line, verified or not."""
    announce([VERIFIED], count=1, as_json=False, quiet=True)
    announce([refused(Reason.NOT_JSON)], count=1, as_json=False, quiet=True)
    first, second = capsys.readouterr().out.splitlines()
    assert first == "s VERIFIED"
    assert second.startswith("s MALFORMED NOT_JSON: ")


def test_json_has_every_field(capsys: pytest.CaptureFixture[str]) -> None:
    """One object a certificate, with the same keys for a proof and for a refusal."""
    outcomes = [replace(VERIFIED, seconds=0.12345), refused(Reason.TENSOR_HASH_WRONG)]
    announce(outcomes, count=2, as_json=True, quiet=False)
    proved, refusal = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert proved.keys() == refusal.keys()
    assert set(proved) >= {
        "verdict", "reason", "where", "correct_pairs_at_least", "pairs", "accuracy_lower_bound", "pairs_by_argument",
        "pairs_by_cases", "method", "group", "order", "labels_from", "architecture", "weights_sha256", "model_compared",
        "architecture_compared", "group_compared", "multiply_adds", "multiply_adds_exhaustive", "additions", "seconds",
        "format_version", "checker_version",
    }  # fmt: skip
    assert (proved["verdict"], proved["reason"], proved["accuracy_lower_bound"]) == ("VERIFIED", None, "35/36")
    assert (refusal["verdict"], refusal["reason"], refusal["where"]) == ("REJECTED", "TENSOR_HASH_WRONG", "here")
    assert (proved["seconds"], refusal["seconds"]) == (0.123, 0.5)
    assert refusal["accuracy_lower_bound"] is refusal["correct_pairs_at_least"] is None


CLAIMS: dict[str, Any] = {
    "smallest_certified_margin": "0.125",
    "float32_correct_pairs_at_least": 34,
    "unit_roundoff_bits": 24,
    "float32_pairs_by_argument": 30,
    "float32_pairs_by_cases": 5,
    "cross_entropy_upper_bound": "0.036",
}
LINES = {
    "margin": "margin        at least 0.125 over every other label, for each of these pairs",
    "float32": "float32       at least 34 of 36 pairs are correct as evaluated "
    "in binary32 (not with TF32, nor in bfloat16), sums in any order, "
    "with or without fused multiply-add, subnormals flushed or not (30 by the argument)",
    "cross-entropy": "cross-entropy at most 0.036 nats, the mean over all pairs",
}


def print_lines(proof: Proof, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The lines of a verdict."""
    assert announce([Verdict("a.json", proof, 0.25)], count=1, as_json=False, quiet=False) == 0
    return capsys.readouterr().out.splitlines()


def test_each_claim_has_a_line_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    """After what is proved of the pairs, in the order of the statement; a claim that is not made has none."""
    lines = print_lines(replace(PROOF, **CLAIMS), capsys)
    assert lines[3:6] == list(LINES.values())
    assert [line.split()[0] for line in print_lines(PROOF, capsys)] == [
        line.split()[0] for line in lines if line not in LINES.values()
    ]
    absent = {
        "margin": {"smallest_certified_margin"},
        "float32": {key for key in CLAIMS if "float32" in key or "roundoff" in key},
        "cross-entropy": {"cross_entropy_upper_bound"},
    }
    for name, keys in absent.items():
        fewer = print_lines(replace(PROOF, **CLAIMS | dict.fromkeys(keys)), capsys)
        assert fewer == [line for line in lines if line != LINES[name]]


@pytest.mark.parametrize("bits", [1, 8, 11, 23])
def test_another_arithmetic_is_not_called_binary32(bits: int, capsys: pytest.CaptureFixture[str]) -> None:
    """The verdict names its unit roundoff."""
    lines = print_lines(replace(PROOF, **CLAIMS | {"unit_roundoff_bits": bits}), capsys)
    (line,) = (line for line in lines if line.startswith("float32 "))
    assert f" as evaluated with unit roundoff 2^-{bits} and the exponents of binary32, sums in any order" in line
    assert "in binary32" not in line


def test_what_the_cross_entropy_alone_costs_is_said_beside_it(capsys: pytest.CaptureFixture[str]) -> None:
    """Rounded up, and apart from the cost of the rest."""
    lines = print_lines(replace(PROOF, **CLAIMS, multiply_adds_cross_entropy=1), capsys)
    more = "; for it alone 1 multiply-adds (0.013 % of exhaustive)"
    assert LINES["cross-entropy"] + more in lines
    assert lines[-1].startswith("cost          7777 multiply-adds (100.013 % of exhaustive), ")
    unclaimed = print_lines(replace(PROOF, multiply_adds_cross_entropy=1), capsys)
    assert not [line for line in unclaimed if "for it alone" in line]


def test_claims_are_fields_of_the_json(capsys: pytest.CaptureFixture[str]) -> None:
    """As they stand in the certificate, with the bins of margins; null where nothing is claimed."""
    outcomes = [Verdict("a.json", replace(PROOF, **CLAIMS), 0.25), VERIFIED, refused(Reason.MARGIN_TOO_HIGH)]
    announce(outcomes, count=3, as_json=True, quiet=False)
    claimed, plain, refusal = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert {key: claimed[key] for key in CLAIMS} == CLAIMS
    assert claimed["certified_margins"] == plain["certified_margins"] == {"0": 34, "1/256": 1}
    assert claimed["multiply_adds_cross_entropy"] == 0
    assert {plain[key] for key in CLAIMS} == {refusal[key] for key in CLAIMS} == {None}
    assert refusal["certified_margins"] is refusal["multiply_adds_cross_entropy"] is None


def test_a_number_is_rounded_up_to_its_places() -> None:
    """Never down, and not where it is exact: three places, or as many as are asked for."""
    assert [round_up(Fraction(*value)) for value in ((0,), (1, 3), (2, 3), (5, 2), (12345, 10), (9999, 10000))] == [
        "0.000",
        "0.334",
        "0.667",
        "2.500",
        "1234.500",
        "1.000",
    ]
    assert round_up(Fraction(1, 3), 18) == "0.333333333333333334"
    assert round_up(Fraction(10**18 + 1, 10**18), 18) == "1.000000000000000001"
    assert round_up(Fraction(10**30 + 1, 10**30), 18) == "1.000000000000000001"
    assert [round_up(Fraction(k, 2)) for k in (-1, -3)] == ["-0.500", "-1.500"]


def test_a_bound_is_rounded_down_to_its_places() -> None:
    """A margin of any size and sign: what is printed is not above it, also where a float would be."""
    assert [round_down(Fraction(*value)) for value in ((0,), (2, 3), (-2, 3), (-1, 10**9), (19999, 10**4))] == [
        "0.0000",
        "0.6666",
        "-0.6667",
        "-0.0001",
        "1.9999",
    ]
    assert round_down(Fraction(2**52 + 1, 2**11)) == "2199023255552.0004"
    assert round_down(Fraction(-(10**400))) == f"-1{'0' * 400}.0000"


def test_terms_of_any_size_are_printed_with_their_sign() -> None:
    """To the nearest of four places, from what adds most to what takes most."""
    terms = {"a": f"{10**400}", "b": "0", "c": "-2/30000", "d": "-1/30000", "e": "-3"}
    tightest = {"x": 1, "y": 2, "z": 3, "bound": "-2/30000", "terms": terms, "costliest": "e", "advice": "more"}
    assert describe(Verdict("a", replace(PROOF, tightest=tightest), 0.0)).splitlines()[-7:] == [
        "tightest      x = 1, y = 2, z = 3: the margin is at least -0.0001",
        f"              +1{'0' * 400}.0000  a",
        "                   +0.0000  b",
        "                   +0.0000  d",
        "                   -0.0001  c",
        "                   -3.0000  e",
        "costs most    e: more",
    ]

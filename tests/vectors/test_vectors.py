"""The folder of test vectors: certcheck on all of them, a lint of the index, stubs that must fail."""

from __future__ import annotations

import functools
import itertools
import json
import subprocess
import sys
from collections import Counter
from decimal import Decimal
from fractions import Fraction
from typing import Any

import jsonschema
import pytest

from certcheck.verdict import Reason
from tests.vectors import truth
from tests.vectors.edits import apply, undo, write_canonically
from tests.vectors.make import __main__ as maker
from tests.vectors.run import FOLDER, NAMES, Verdict, find_failures, read_index, read_vector, run_certcheck, run_vector

INDEX = read_index()
VALID, INVALID = INDEX["valid"], INDEX["invalid"]
EDITED = [v for v in INVALID if v["edits"]]
FILES = sorted({v["file"] for v in VALID})
SCHEMA = json.loads((FOLDER / "vectors.schema.json").read_text())
CERTIFICATE = json.loads((FOLDER.parents[1] / "docs" / "certificate.schema.json").read_text())


def name(vector: dict[str, Any]) -> str:
    """File and arguments."""
    return " ".join([vector["file"], *vector["arguments"]])


@pytest.mark.parametrize("arithmetic", ["auto", "int64"])
@pytest.mark.parametrize("vector", VALID, ids=name)
def test_a_valid_vector_is_verified_with_its_counts(vector: dict[str, Any], arithmetic: str) -> None:
    """In both arithmetics, to the pair."""
    arguments = [*vector["arguments"], "--arithmetic", arithmetic]
    verdict = run_vector(run_certcheck, vector | {"arguments": arguments})
    assert verdict["verdict"] == "VERIFIED", verdict
    assert {key: verdict[said] for key, said in NAMES.items()} == {key: vector[key] for key in NAMES}


@pytest.mark.parametrize("vector", INVALID, ids=name)
def test_an_invalid_vector_is_refused_with_its_reason_and_place(vector: dict[str, Any]) -> None:
    """Exactly these: a refusal for another reason proves nothing."""
    verdict = run_vector(run_certcheck, vector)
    said = (verdict["verdict"], verdict["reason"], verdict["where"])
    assert said == (vector["status"], vector["reason"], vector["where"])


@functools.cache
def find_margins(file: str) -> list[list[Fraction]]:
    """By the second method."""
    return truth.find_margins(json.loads(read_vector(file)))


@pytest.mark.parametrize("file", FILES)
def test_the_counts_are_true(file: str) -> None:
    """By a second method: no more than is true, and all of it where every pair was looked at."""
    method, correct = json.loads(read_vector(file))["method"], truth.count_correct(find_margins(file))
    for vector in (v for v in VALID if v["file"] == file):
        proved = vector["by_argument"] + vector["by_cases"]
        assert vector["correct_pairs_at_least"] <= proved <= correct
        if method["name"] == "exhaustive" or method["cases"] is not None:
            assert proved == correct


def is_margin_true(file: str, statement: dict[str, Any]) -> bool:
    """Whether as many pairs as are claimed have such margins."""
    least = Fraction(statement["smallest_certified_margin"])
    return truth.count_correct(find_margins(file), least) >= statement["correct_pairs_at_least"]


def is_cross_entropy_true(file: str, statement: dict[str, Any]) -> bool:
    """Whether the mean is not above the claim."""
    return Decimal(statement["cross_entropy_upper_bound"]) >= truth.compute_cross_entropy(find_margins(file))


@pytest.mark.parametrize("file", FILES)
def test_the_claims_are_true(file: str) -> None:
    """By a second method: margins and cross-entropy of the exact logits, answers in floating point of many orders."""
    document = json.loads(read_vector(file))
    statement = document["statement"]
    if statement["smallest_certified_margin"] is not None:
        assert is_margin_true(file, statement)
    if statement["cross_entropy_upper_bound"] is not None:
        assert is_cross_entropy_true(file, statement)
    if statement["float32_correct_pairs_at_least"] is not None:
        # What holds of a coarser arithmetic holds of binary32.
        for bits in {statement["unit_roundoff_bits"], truth.BINARY32}:
            assert truth.count_in_floats(document, bits) >= statement["float32_correct_pairs_at_least"]


FALSE_CLAIMS = [v for v in INVALID if v["reason"] in {"MARGIN_TOO_HIGH", "CROSS_ENTROPY_TOO_LOW"}]


@pytest.mark.parametrize("vector", FALSE_CLAIMS, ids=name)
def test_what_is_refused_as_too_high_or_too_low_is_false(vector: dict[str, Any]) -> None:
    """By the same method; where an argument is all that is checked, the claim is beyond the truth too."""
    statement = json.loads(read_vector(vector["file"]))["statement"]
    is_true = is_margin_true if vector["reason"] == "MARGIN_TOO_HIGH" else is_cross_entropy_true
    assert not is_true(vector["file"], statement)


# Of these binary32 answers so many pairs rightly, in each order.
WRONG_IN_BINARY32 = {
    "float32_of_a_wrong_answer": 35,
    "float32_of_real_arithmetic": 3,
    "float32_of_a_tie": 35,
    "float32_of_the_wrong_pair": 3,
    "overflow_of_a_constant": 0,
}


@pytest.mark.parametrize("order", truth.ORDERS)
@pytest.mark.parametrize("invalid", WRONG_IN_BINARY32)
def test_binary32_answers_wrongly_where_it_was_claimed_to_be_right(invalid: str, order: str) -> None:
    """Acceptance would say of numpy's float32 what it does not do; in real arithmetic more pairs are right."""
    document = json.loads(read_vector(f"invalid/{invalid}.json"))
    right = int(truth.answer_in_floats(document, truth.BINARY32, order).sum())
    assert right <= WRONG_IN_BINARY32[invalid] < document["statement"]["float32_correct_pairs_at_least"]


@pytest.mark.parametrize("file", FILES)
def test_a_valid_vector_has_the_form_of_a_certificate(file: str) -> None:
    """By the published schema."""
    jsonschema.validate(json.loads(read_vector(file)), CERTIFICATE)


@pytest.mark.parametrize("vector", EDITED, ids=name)
def test_an_edit_is_replayed_and_undone(vector: dict[str, Any]) -> None:
    """The twin becomes the file and the file the twin, byte for byte."""
    twin, data = read_vector(vector["twin"]), read_vector(vector["file"])
    assert apply(vector["edits"], twin) == data
    assert undo(vector["edits"], data) == twin
    assert data != twin


@pytest.mark.parametrize("vector", [v for v in INVALID if not v["edits"]], ids=name)
def test_without_an_edit_the_arguments_are_what_is_wrong(vector: dict[str, Any]) -> None:
    """The file is the twin, and it is verified without them."""
    assert vector["arguments"]
    assert vector["file"] == vector["twin"]


def test_the_index_has_its_form() -> None:
    """The schema of the folder; every reason but INTERNAL, with the status that it has; nothing twice."""
    jsonschema.validate(INDEX, SCHEMA)
    reasons = Counter(v["reason"] for v in INVALID)
    assert set(reasons) == {reason.name for reason in Reason} - {"INTERNAL"}
    assert all(v["status"] == Reason[v["reason"]].status.name for v in INVALID)
    assert {v["status"] for v in INVALID} == {s.name for s in {r.status for r in Reason}}
    unique = {json.dumps([v["twin"], v["edits"], v["arguments"]]) for v in INVALID}
    assert len(unique) == len(INVALID)
    assert len({name(v) for v in VALID + INVALID}) == len(VALID + INVALID)
    assert {v["twin"] for v in INVALID} <= set(FILES)


def test_every_file_is_in_the_index_and_every_file_of_the_index_is_there() -> None:
    """No orphans, also among the files that auditors bring; the folder stays small."""
    present = {f"{kind}/{p.name}" for kind in ("valid", "invalid", "auditor") for p in (FOLDER / kind).iterdir()}
    arguments = " ".join(a for v in VALID + INVALID for a in v["arguments"])
    brought = {file for file in present if file.startswith("auditor/")}
    assert {v["file"] for v in VALID + INVALID} == present - brought
    assert all(file in arguments for file in brought)
    assert sum((FOLDER / file).stat().st_size for file in present) < 3 * 2**20


def test_the_valid_vectors_cover_what_they_should() -> None:
    """Architectures, number types, methods, sources of labels; most of them in the canonical form."""
    documents = [json.loads(read_vector(file)) for file in FILES]
    networks = [d["network"] for d in documents]
    assert len({n["architecture"] for n in networks}) == 8
    assert {t["dtype"] for n in networks for t in n["tensors"].values()} == set(truth.FORMATS)
    assert {d["method"]["name"] for d in documents} == {"exhaustive", "equivariant", "rho-set"}
    assert {d["group"]["labels_from"] for d in documents} == {"given", "model_answers"}
    assert any(n["instance"] is not None for n in networks)
    claims = [(d["method"], d["statement"]) for d in documents]
    for key in ("smallest_certified_margin", "float32_correct_pairs_at_least", "cross_entropy_upper_bound"):
        methods = {(m["name"], m.get("cases") is not None) for m, s in claims if s[key] is not None}
        assert methods == {("exhaustive", False), *itertools.product(("equivariant", "rho-set"), (False, True))}
        assert {m["remaining"] and m["cases"] and True for m, s in claims if m.get("remaining") and s[key]} == {
            None,
            True,
        }
        assert any(s[key] is None for _, s in claims)
    canonical = sum(write_canonically(d) == read_vector(f) for d, f in zip(documents, FILES, strict=True))
    assert len(FILES) - 1 <= canonical <= len(FILES)


def test_the_valid_vectors_cover_every_family_of_groups() -> None:
    """By verified names, with orders that are no power of a prime; orders 1 and 2, and no name."""
    documents = [json.loads(read_vector(file)) for file in FILES]
    names = {d["group"]["name"] for d in documents}
    assert names >= {None, "C1", "C2", "C12", "S3", "S4", "A4", "D2", "D6", "Q8", "S3xC2"}
    assert {len(d["group"]["elements"]) for d in documents} >= {1, 2}


def test_the_valid_vectors_cover_the_ends_of_the_number_types() -> None:
    """Subnormal numbers, and of float32 and bfloat16 numbers from 2^127 on, each decoded by its definition."""
    found = set()
    for network in (json.loads(read_vector(file))["network"] for file in FILES):
        for tensor in network["tensors"].values():
            _, exponent_bits, _ = truth.FORMATS[tensor["dtype"]]
            smallest_normal = Fraction(2) ** (2 - 2 ** (exponent_bits - 1))
            values = {abs(value) for row in truth.decode_tensor(tensor) for value in row}
            found |= {("subnormal", tensor["dtype"]) for value in values if 0 < value < smallest_normal}
            found |= {("large", tensor["dtype"]) for value in values if value >= 2**127}
    assert found >= {("subnormal", dtype) for dtype in ("float16", "float32", "float64")}
    assert found >= {("large", dtype) for dtype in ("bfloat16", "float32", "float64")}


def test_the_valid_vectors_cover_ties_dead_neurons_and_width_1() -> None:
    """By the rationals: right answers that another label equals, neurons that no pair activates, one neuron alone."""
    found = set()
    for document in (json.loads(read_vector(file)) for file in FILES):
        pairs = list(truth.evaluate(document))
        found |= {"below 100 %" for answer, others, _ in pairs if max(others, default=answer - 1) > answer}
        found |= {"tie" for answer, others, _ in pairs if answer in others and answer == max(others)}
        activations = [hidden for _, _, hidden in pairs]
        found |= {"dead" for neuron in zip(*activations, strict=True) if not any(neuron)}
        found |= {"width 1" for hidden in activations if len(hidden) == 1}
    assert found == {"below 100 %", "tie", "dead", "width 1"}


def test_the_maker_reproduces_the_folder() -> None:
    """Byte for byte; packed files as they are unpacked, since packers differ."""
    files = maker.make_folder()
    for file, data in files.items():
        assert read_vector(file) == data, file
    folders = ("valid", "invalid", "auditor")
    assert set(files) == {f"{kind}/{p.name}" for kind in folders for p in (FOLDER / kind).iterdir()} | {"vectors.json"}


def always_accept(file: str, arguments: list[str]) -> Verdict:
    """A checker that verifies everything, and happens to know the right counts."""
    known = [v for v in VALID if (v["file"], v["arguments"]) == (file, arguments)]
    return {"verdict": "VERIFIED"} | {key: v[k] for v in known for k, key in NAMES.items()}


def always_reject(_file: str, _arguments: list[str]) -> Verdict:
    """A checker that refuses everything, for the most frequent reason."""
    return {"verdict": "REJECTED", "reason": "BOUND_TOO_HIGH", "where": "statement.correct_pairs_at_least"}


def test_checkers_that_look_at_nothing_fail_the_suite() -> None:
    """Always yes is wrong on every invalid vector, always no on every valid one and on most others."""
    assert [line.split(" ")[0] for line in find_failures(always_accept)] == [v["file"] for v in INVALID]
    excused = sum(v["reason"] == "BOUND_TOO_HIGH" for v in INVALID)
    assert len(find_failures(always_reject)) == len(VALID) + len(INVALID) - excused


def test_the_suite_passes_without_assert_statements() -> None:
    """In a process of its own, under -O."""
    command = [sys.executable, "-O", "-m", "tests.vectors.run"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=FOLDER.parents[1])
    assert done.stdout == f"{len(VALID)} valid, {len(INVALID)} invalid, 0 failures\n", done
    assert done.returncode == 0

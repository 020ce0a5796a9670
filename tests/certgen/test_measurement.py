"""The work on one model of a sweep: the same as the commands for one model give."""

from __future__ import annotations

import dataclasses
import json
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from certcheck.verdict import Proof
from certgen import measurement
from certgen.__main__ import main
from certgen.row import COLUMNS, TIMES, Options, Task
from tests.certgen.small_models import constant_weights, cyclic_weights, save_model
from tests.certgen.sweep_work import make_task

EXAMPLES = Path(__file__).parents[2] / "examples"


def take(path: Path, **changes: object) -> Task:
    """The task of a model file."""
    return make_task(path.name, path.read_bytes(), **changes)


@pytest.fixture
def shipped() -> Task:
    """The shipped model with its group file."""
    data = (EXAMPLES / "S4.group.json").read_bytes()
    return take(EXAMPLES / "S4.pt", group="S4.group.json", group_data=data, group_from="models.json")


def certify(tmp_path: Path, *options: str) -> bytes:
    """The certificate of the shipped model as certgen writes it."""
    path = tmp_path / "certificate.json"
    command = [str(EXAMPLES / "S4.pt"), "-o", str(path), "--group", str(EXAMPLES / "S4.group.json"), "--force"]
    assert main([*command, *options]) == 0
    return path.read_bytes()


def test_the_row_is_what_certgen_says_of_the_model(
    shipped: Task, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Byte by byte the same certificate; the numbers of certcheck's verdict on it; the same row a second time."""
    row, certificate = measurement.examine(shipped)
    again, _ = measurement.examine(shipped)
    assert {k: v for k, v in row.items() if k not in TIMES} == {k: v for k, v in again.items() if k not in TIMES}
    assert certificate == certify(tmp_path)
    capfd.readouterr()
    certify(tmp_path, "--json", "--no-cases")
    printed = json.loads(capfd.readouterr().out)
    assert row["argument_pairs"] == printed["pairs_by_argument"] == 576
    assert row["argument_cost"] == printed["multiply_adds"] / printed["multiply_adds_exhaustive"]
    assert row["error_remainder"] == pytest.approx(float(Fraction(printed["error_terms"]["remainder"])))
    assert (row["group"], row["labels_from"], row["group_from"]) == ("S4", "given", "models.json")
    assert (row["verdict"], row["bound"], row["bound_by_argument"], row["error"]) == ("VERIFIED", 1.0, 1.0, None)
    assert (row["explanation"], row["why_not"], row["why_not_rho_sets"]) == ("rho_sets", None, None)
    assert (row["accuracy"], row["structured_pairs"], row["memorised_pairs"]) == (1.0, 576, 0)
    assert sum(row[f"share_{kind}"] for kind in ("complete", "missing_cells", "no_circuit")) == pytest.approx(1)
    assert list(row) == list(COLUMNS)


def test_without_cases_the_bound_is_the_arguments(shipped: Task) -> None:
    """The certificate is that of --no-cases."""
    task = make_task(shipped.name, shipped.data, group="S4", options=Options(cases=False))
    row, certificate = measurement.examine(task)
    assert (row["bound"], row["pairs_by_cases"], row["labels_from"]) == (1.0, 0, "model_answers")
    assert certificate is not None
    assert json.loads(certificate)["method"]["cases"] is None
    assert row["seconds_certify"] is None


@pytest.mark.parametrize(
    ("name", "data", "changes", "error", "words"),
    [
        ("broken.pt", b"nothing", {}, "MODEL", "broken.pt: expected a torch state dict"),
        ("model.pt", None, {"group": "S3"}, "GROUP", "of order 5"),
        ("model.pt", None, {"group": "g.json", "group_data": b"{"}, "GROUP", "group/g.json"),
        ("model.pt", None, {"options": Options(architecture="mapped")}, "MODEL", "mapped"),
    ],
)
def test_a_model_that_cannot_be_certified_is_a_row_with_a_sentence(
    tmp_path: Path, name: str, data: bytes | None, changes: dict[str, object], error: str, words: str
) -> None:
    """The exit code's name; no folder of the worker, which would be another one every time."""
    save_model(tmp_path / "model.pt", cyclic_weights("direct", 5))
    task = make_task(name, (tmp_path / "model.pt").read_bytes() if data is None else data, **changes)
    row, certificate = measurement.examine(task)
    assert (row["error"], row["bound"], row["explanation"], certificate) == (error, None, None, None)
    assert words in row["message"]
    assert tempfile.gettempdir() not in row["message"]


def test_a_network_at_chance_has_a_bound_of_0(tmp_path: Path) -> None:
    """That is a result, not an error."""
    save_model(tmp_path / "model.pt", constant_weights(5))
    table = json.dumps([[(x + y) % 5 for y in range(5)] for x in range(5)]).encode()
    row, certificate = measurement.examine(take(tmp_path / "model.pt", group="C5.json", group_data=table))
    assert (row["verdict"], row["bound"], row["bound_by_argument"]) == ("NOTHING_TO_PROVE", 0.0, 0.0)
    assert (row["error"], row["why_not"], certificate) == (None, "not_accurate", None)


def test_an_instance_of_several_networks(tmp_path: Path) -> None:
    """certcheck compares the certificate with the instance of the file."""
    right = cyclic_weights("mapped", 5)
    save_model(tmp_path / "model.pt", {role: np.stack((0 * v, v)) for role, v in right.items()})
    task = take(tmp_path / "model.pt", group="C5", options=Options(architecture="mapped", instance=1))
    row, _ = measurement.examine(task)
    assert (row["verdict"], row["bound"], row["group"]) == ("VERIFIED", 1.0, "C5")


def test_a_bug_is_a_row(shipped: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the exception's name."""

    def fail(*_: object) -> None:
        message = "nobody expected this"
        raise ZeroDivisionError(message)

    monkeypatch.setattr(measurement, "load_subject", fail)
    row, _ = measurement.examine(shipped)
    assert (row["error"], row["message"]) == ("INTERNAL", "ZeroDivisionError: nobody expected this")


def test_no_memory_and_a_refusal_are_rows(shipped: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither is a verdict."""

    def fail(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(measurement, "load_subject", fail)
    assert measurement.examine(shipped)[0]["error"] == "WORKER_DIED"
    monkeypatch.undo()
    monkeypatch.setattr(measurement, "write_certificate", lambda *_: b"{}")
    row, certificate = measurement.examine(shipped)
    assert (row["error"], row["verdict"], certificate) == ("NOT_VERIFIED", None, None)
    assert "certcheck refuses the certificate: MALFORMED NOT_A_CERTIFICATE" in row["message"]


def test_a_model_that_takes_too_long_is_a_row(shipped: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a thread too, where no signal arrives; and one that is in time is left alone."""

    def wait(*_: object) -> None:
        end = time.monotonic() + 20
        while time.monotonic() < end:
            time.sleep(0.01)

    monkeypatch.setattr(measurement, "load_subject", wait)
    start = time.monotonic()
    task = make_task(shipped.name, shipped.data, timeout=0.2)
    row, _ = measurement.examine(task)
    assert (row["error"], row["message"]) == ("TIMEOUT", "it took more than the 0.2 seconds of --timeout")
    assert time.monotonic() - start < 10
    monkeypatch.undo()
    assert measurement.examine(make_task("x.pt", b"", timeout=600))[0]["error"] == "MODEL"


def test_a_bound_at_the_cost_of_exhaustive_or_at_chance_is_none() -> None:
    """By hand: the most pairs below the cost of exhaustive, then the least cost; not above chance is 0."""
    subject = measurement.load_subject(measurement.Source(str(EXAMPLES / "S4.pt"), "S4", None, None))
    request = measurement.Request()
    _, proof = measurement._certify({}, subject, request, measurement.Auditor())
    assert proof is not None

    def prove(pairs: int, cost: int) -> Proof:
        return dataclasses.replace(proof, pairs_by_argument=pairs, multiply_adds=cost, multiply_adds_exhaustive=1000)

    def find(*proofs: Proof | None) -> tuple[float, float | None]:
        found = measurement._find_bound(list(proofs), "argument")
        return found["bound_by_argument"], found["cost_by_argument"]

    assert find(prove(576, 1000), prove(288, 999), prove(144, 1), None) == (0.5, 0.999)
    assert find(prove(288, 9), prove(288, 8)) == (0.5, 0.008)
    assert find(prove(24, 1)) == find(None) == find(prove(576, 1000)) == (0.0, None)

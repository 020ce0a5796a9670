"""The fuzzer: a short run finds nothing, and a checker that is not sound, not careful or not alive is found out."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import certcheck.cells
import certcheck.decision
import certcheck.exhaustive
import certcheck.strict_json
import tests.audit.fuzz
from certcheck.verdict import Status
from tests.audit.fuzz import (
    RUNNERS,
    Case,
    Tally,
    conclude,
    fuzz,
    load_seeds,
    main,
    make_case,
    make_torch_file,
    run_case,
    shrink,
)
from tests.audit.hostile import CASES, Cost, measure
from tests.audit.hostile import main as measure_cases
from tests.audit.test_certificate_mutants import bound_nothing, decide_ties, pass_anything

SEEDS = load_seeds()
# Cases of the short run; about half a minute.
SHORT = 500


def run_cases(seed: str, count: int, target: str | None = None) -> Iterator[tuple[Case, str]]:
    """The first cases of a seed that fail, with their faults."""
    for index in range(count):
        case = make_case(SEEDS, f"{seed} {index}")
        if target in (None, case.target) and (fault := run_case(case)[1]) is not None:
            yield case, fault


def test_a_short_run_finds_nothing() -> None:
    """The first cases of one seed, of every target."""
    assert {make_case(SEEDS, f"short {index}").target for index in range(SHORT)} == set(RUNNERS)
    assert list(run_cases("short", SHORT)) == []


def test_a_case_is_the_same_each_time() -> None:
    """Its name says all; another name is another case."""
    first, again = ([make_case(SEEDS, f"same {index}") for index in range(40)] for _ in range(2))
    assert first == again
    assert len({case.data for case in first}) > 35


def options_for(tmp_path: Path, seconds: float) -> argparse.Namespace:
    """As the command line gives them."""
    return argparse.Namespace(seconds=seconds, seed=0, gigabytes=6.0, keep=tmp_path)


PLANTED: dict[str, tuple[Any, str, Any]] = {
    "the bound is not checked": (certcheck.decision, "check_bound", pass_anything),
    "a tie is correct": (certcheck.exhaustive, "decide_pairs", decide_ties),
    "merging is free": (certcheck.cells, "bound_merging", bound_nothing),
    "depth is not checked": (certcheck.strict_json, "_check_structure", pass_anything),
}


@pytest.mark.parametrize("fault", PLANTED)
def test_a_checker_that_is_not_sound_or_not_careful_is_found_out(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each planted fault makes a case fail."""
    module, name, stub = PLANTED[fault]
    monkeypatch.setattr(module, name, stub)
    target = "text" if module is certcheck.strict_json else "certificate"
    assert next(run_cases("planted", 2000, target))


def test_a_fault_is_made_smaller_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Edits that do not matter are left out; the input and what it did are files."""
    monkeypatch.setattr(certcheck.decision, "check_bound", pass_anything)
    case, fault = next(found for found in run_cases("planted", 2000, "certificate") if len(found[0].edits) > 2)
    smaller = shrink(case, SEEDS, fault)
    assert len(smaller.edits) < len(case.edits)
    assert run_case(smaller)[1] is not None
    line = tests.audit.fuzz.keep(tmp_path, smaller, "the name", "false")
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".json", ".txt"]
    assert "the name" in line


def die(case: Case) -> tuple[str, str | None]:
    """A reader that ends the process."""
    os._exit(len(case.data) % 2 + 3)


def hold_much(case: Case) -> tuple[str, str | None]:
    """A reader that takes memory without end."""
    held = [case.data]
    while True:
        held.append(bytes(2**28))


def wait(case: Case) -> tuple[str, str | None]:
    """A reader that does not end."""
    time.sleep(1000 + len(case.data))
    return "never", None


@pytest.mark.parametrize(
    ("reader", "seconds", "said"), [(die, 60, "died"), (hold_much, 60, "MemoryError"), (wait, 3, "no answer")]
)
def test_a_reader_that_dies_grows_or_stops_is_found_out(
    reader: Any, seconds: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process is replaced, its case is kept, and the exit code is 1; a process may be slow to begin."""
    for target in RUNNERS:
        monkeypatch.setitem(RUNNERS, target, reader)
    monkeypatch.setattr(tests.audit.fuzz, "SECONDS_A_CASE", seconds)
    tally = fuzz(options_for(tmp_path, 4))
    assert any(said in failure for failure in tally.failures)
    assert list(tmp_path.iterdir())
    assert conclude(tally) == 1


def test_no_execution_is_no_run(tmp_path: Path) -> None:
    """A run of no time fails, and a tally of nothing; one of a second does not."""
    assert main(["--seconds", "0", "--keep", str(tmp_path)]) == 1
    assert conclude(Tally()) == 1
    assert main(["--seconds", "6", "--seed", "5", "--keep", str(tmp_path)]) == 0


def test_torch_files_are_among_the_inputs() -> None:
    """They are made by torch."""
    assert make_torch_file().startswith(b"PK")


def test_what_a_check_takes_is_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The process's memory and time; a limit on either that is too low is an exit code of 1, as is no case."""
    path = tmp_path / "text.json"
    path.write_bytes(b" " * 2**22)
    cost = measure(path, 60)
    assert cost.code == Status.MALFORMED.value
    assert 2**24 < cost.memory < 2**30
    assert 0 < cost.processor_seconds < 60
    name = "4 million numbers"
    assert measure_cases([name]) == 0
    assert f"| {name} | 8.0 MiB | s MALFORMED" in capsys.readouterr().out
    assert measure_cases([name, "--gigabytes", "0.01"]) == 1
    assert measure_cases(["no such case"]) == 1


def test_an_accepted_or_broken_case_is_beyond_what_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cases claim more than is true: VERIFIED is as bad as a bug, a death and no time."""
    monkeypatch.setitem(CASES, "tiny", lambda: b"{}")
    for code, verdict, seconds in ((0, "s VERIFIED", 1), (50, "s ERROR", 1), (-9, "", 1), (40, "s LIMIT", 721)):
        cost = Cost(2, code, verdict, seconds, 0.1, 2**20)
        monkeypatch.setattr("tests.audit.hostile.measure", lambda *_, cost=cost: cost)
        assert measure_cases(["tiny"]) == 1
    monkeypatch.setattr("tests.audit.hostile.measure", lambda *_: Cost(2, 30, "s MALFORMED", 0.1, 0.1, 2**20))
    assert measure_cases(["tiny"]) == 0

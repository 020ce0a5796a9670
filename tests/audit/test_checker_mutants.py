"""The mutants of the checker: what the operators make, and that the survivors with a reason are mutants of today."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.audit.checker_mutants import MODULES, ROOT, Results, list_all, read_survivors, report
from tests.audit.checker_operators import find_function, list_mutants

REASONS = ("FALSE", "UNKNOWN")
TINY = '''"""A module."""

LIMIT: int = 3


def check(value: int, other: list[int]) -> int:
    """Text is left as it is, 5 too."""
    where = f"place {value + 1}"
    if value > LIMIT and not other:
        reject(Reason.FALSE, where, "at most 3", f"{value - 1}")
    check_limit(value)
    for each in zip(other, other, strict=True):
        value += each
    return -(-max(value, abs(other[0])) // 2)


class Kind:
    """Another."""

    FIRST = 1

    @property
    def up(self) -> int:
        """Rounded up."""
        return divide_up(self.x.T[1:], ceil_sqrt(2)) if any(v for v in self.y if v) else True
'''
# Function, line and change of every mutant of it, written down by hand.
EXPECTED = {
    ("", "LIMIT: int = 3"): {"LIMIT: int = 4", "LIMIT: int = 2"},
    ("check", "if value > LIMIT and not other:"): {
        "if value >= LIMIT and not other:",
        "if value > LIMIT or (not other):",
        "if not other:",
        "if value > LIMIT:",
        "if value > LIMIT and other:",
    },
    ("check", 'reject(Reason.FALSE, where, "at most 3", f"{value - 1}")'): {
        "pass",
        'reject(Reason.UNKNOWN, where, "at most 3", f"{value - 1}")',
    },
    ("check", "check_limit(value)"): {"pass"},
    ("check", "value += each"): {"pass", "value -= each"},
    ("check", "return -(-max(value, abs(other[0])) // 2)"): {
        "return -max(value, abs(other[0])) // 2",
        "return -(-max(value, abs(other[0])) % 2)",
        "return -(max(value, abs(other[0])) // 2)",
        "return -(-min(value, abs(other[0])) // 2)",
        "return -(-max(value, other[0]) // 2)",
        "return -(-max(value, abs(other[1])) // 2)",
        "return -(-max(value, abs(other[-1])) // 2)",
        "return -(-max(value, abs(other[0])) // 3)",
        "return -(-max(value, abs(other[0])) // 1)",
    },
    ("Kind", "FIRST = 1"): {"FIRST = 2", "FIRST = 0"},
    ("Kind.up", "return divide_up(self.x.T[1:], ceil_sqrt(2)) if any(v for v in self.y if v) else True"): {
        "return True if any((v for v in self.y if v)) else divide_up(self.x.T[1:], ceil_sqrt(2))",
        "return divide_up(self.x.T[1:], ceil_sqrt(2)) if all((v for v in self.y if v)) else True",
        "return divide_up(self.x.T[1:], ceil_sqrt(2)) if any(v for v in self.y) else True",
        "return divide_up(self.x.T[1:], ceil_sqrt(2)) if any(v for v in self.y if v) else False",
        "return -divide_up(-self.x.T[1:], ceil_sqrt(2)) if any(v for v in self.y if v) else True",
        "return divide_up(self.x[1:], ceil_sqrt(2)) if any(v for v in self.y if v) else True",
        "return divide_up(self.x.T[:], ceil_sqrt(2)) if any(v for v in self.y if v) else True",
        "return divide_up(self.x.T[2:], ceil_sqrt(2)) if any(v for v in self.y if v) else True",
        "return divide_up(self.x.T[0:], ceil_sqrt(2)) if any(v for v in self.y if v) else True",
        "return divide_up(self.x.T[1:], ceil_sqrt(2 + 1) - 1) if any(v for v in self.y if v) else True",
        "return divide_up(self.x.T[1:], ceil_sqrt(3)) if any(v for v in self.y if v) else True",
        "return divide_up(self.x.T[1:], ceil_sqrt(1)) if any(v for v in self.y if v) else True",
    },
}


def normal(line: str) -> str:
    """Without the brackets and spaces that only the printer of syntax trees adds."""
    return re.sub(r"[() ]", "", line)


def test_every_operator_makes_its_mutants_and_no_others() -> None:
    """Refusals, limits, comparisons, numbers, roundings, arms; no text, no annotation, no `strict`."""
    found: dict[tuple[str, str], set[str]] = {}
    for mutant in list_mutants("tiny", TINY, REASONS):
        found.setdefault((mutant.function, mutant.line), set()).add(normal(mutant.changed))
        assert mutant.is_inside == (mutant.function in ("check", "Kind.up"))
        assert find_function(mutant.compile(), mutant.function) is not None or not mutant.is_inside
    assert found == {place: {normal(line) for line in lines} for place, lines in EXPECTED.items()}


def test_every_survivor_with_a_reason_is_a_mutant_of_today() -> None:
    """Its line is there and the change is one of the operators'; every mutant has a name of its own."""
    mutants, places = list_all(MODULES)
    assert len(places) == len(mutants) > 3000
    assert [key for key in read_survivors() if key not in places] == []
    assert all(len(reason) > 20 for reason in read_survivors().values())


def test_a_sample_of_a_module_is_killed(tmp_path: Path) -> None:
    """The whole tool on every eighth mutant of one small module, in a process of its own: exit code 0."""
    command = [sys.executable, "-m", "tests.audit.checker_mutants", "gset", "--sample", "8"]
    run = subprocess.run(
        [*command, "--tests", "test_gset.py", "test_limits.py", "--jobs", "1", "--store", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert re.search(r"^gset +6 mutants: 6 killed$", run.stdout, re.MULTILINE)


def test_a_mutant_that_no_test_notices_needs_a_reason(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Killed ones do not; what was not run is not killed; a reason for a mutant that is killed is in vain."""
    mutants, _ = list_all(["gset"])
    results = Results(tmp_path)
    for i, mutant in enumerate(mutants):
        results.add(mutant.key, "killed" if i else "survived", "tests/certcheck/test_gset.py::test" if i else None)
    reasons = read_survivors()
    assert report(["gset"], mutants, results, whole=True) == int(mutants[0].key not in reasons)
    assert ("no reason is written" in capsys.readouterr().out) == (mutants[0].key not in reasons)
    assert report(["gset"], mutants, Results(tmp_path / "none"), whole=True) == 1
    assert capsys.readouterr().out.count("not run, and no reason") >= len(mutants) - len(reasons)

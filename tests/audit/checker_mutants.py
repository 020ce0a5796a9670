"""Mutation of the checker: every small change of certcheck's rules is noticed by a test, or has a written reason.

`python -m tests.audit.checker_mutants [MODULE ...]` runs, for every mutant of certcheck (checker_operators.py), the
tests that reach its line: the fastest first, and those of files that import the module before others. A mutant that
no test notices needs an entry in survivors.toml, and an entry needs a mutant; else the exit code is 1.

A change inside a function is put into a running process by exchanging the function's code, in a fork of a process that
has collected all tests. Any other is compiled in place of its module before anything imports it. What was found is kept
in .mutants/ and used again while the module and the tests that decided are the same.
"""

from __future__ import annotations

import argparse
import ast
import gc
import hashlib
import importlib
import importlib.abc
import importlib.util
import json
import os
import re
import resource
import signal
import sys
import time
import tomllib
from collections import Counter
from pathlib import Path
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any

import coverage
import flint  # noqa: F401 - what certcheck and its tests import is imported once, before any mutant
import hypothesis
import jsonschema  # noqa: F401
import pytest
import torch  # noqa: F401

from tests.audit.checker_operators import Mutant, find_function, list_mutants

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ROOT = Path(__file__).parents[2]
CHECKER = ROOT / "certcheck"
TESTS = ROOT / "tests" / "certcheck"
SURVIVORS = Path(__file__).with_name("survivors.toml")
STORE = ROOT / ".mutants"
# In the order of reading. The command line runs in processes of its own: its tests cannot see a mutant here.
MODULES = tuple(
    name
    for name in re.findall(r"^([a-z0-9_]+)  +\S", (CHECKER / "__init__.py").read_text(), re.MULTILINE)
    if name != "__main__"
)
OPTIONS = ["-q", "-p", "no:cacheprovider", "-o", "tmp_path_retention_policy=none", "--capture=no"]
OPTIONS += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
# Exit codes from 1 tell the index of a test, as far as they reach; OUTSIDE that no test failed, but pytest did.
MANY, OUTSIDE, CRASHED = 200, 202, 255
# A test elsewhere is taken for so many times slower than one beside the rule.
AWAY = 4
KILLED, TIMEOUT, SURVIVED, BROKEN = "killed", "timeout", "survived", "not run"
# A mutant may ask for all memory there is.
MEMORY = 3 * 2**30

Key = tuple[str, str, str, str]


class Tests:
    """Which tests reach which lines, and how long they take: made once, then again for files that changed."""

    def __init__(self, store: Path, patterns: Sequence[str]) -> None:
        self.store, self.patterns, self.path = store, patterns, store / "reach.json"
        self.files: dict[str, Any] = json.loads(self.path.read_text()) if self.path.exists() else {}

    def update(self) -> None:
        """Run the files that changed, or all if certcheck did."""
        checker = digest(*sorted(CHECKER.glob("*.py")))
        found = (path for pattern in self.patterns for path in TESTS.glob(pattern) if path.stem != "test_main")
        names = {path.relative_to(ROOT).as_posix(): path for path in found}
        fresh = {name: checker + digest(path) for name, path in names.items()}
        stale = [name for name in fresh if self.files.get(name, {}).get("digest") != fresh[name]]
        self.files = {name: self.files[name] for name in fresh if name not in stale}
        if stale and in_child(lambda: self._measure(stale)) != 0:
            sys.exit("the tests fail without any change")
        for name in stale:
            self.files[name] = json.loads((self.store / "measured.json").read_text())[name] | {"digest": fresh[name]}
        self.path.write_text(json.dumps(self.files))

    def _measure(self, names: list[str]) -> int:
        recorder = coverage.Coverage(data_file=None, source_pkgs=["certcheck"], config_file=False)
        timer = Timer(recorder)
        recorder.start()
        code = pytest.main([*OPTIONS, *names], plugins=[timer])
        recorder.stop()
        found: dict[str, Any] = {name: {"seconds": {}, "lines": {}} for name in names}
        for test, seconds in timer.seconds.items():
            found[test.split("::")[0]]["seconds"][test] = seconds
        data = recorder.get_data()
        for path in data.measured_files():
            for line, tests in data.contexts_by_lineno(path).items():
                for test in tests:
                    if test in timer.seconds:
                        lines = found[test.split("::")[0]]["lines"]
                        lines.setdefault(f"{Path(path).stem}:{line}", []).append(test)
        (self.store / "measured.json").write_text(json.dumps(found))
        return int(code)

    def reach(self, places: list[str]) -> dict[str, float]:
        """The tests that reach one of these places, with their seconds."""
        files = self.files.values()
        return {test: file["seconds"][test] for file in files for p in places for test in file["lines"].get(p, ())}

    def choose(self, mutant: Mutant, places: list[str], first: str | None, budget: float) -> dict[str, float]:
        """The tests for a mutant, in the order in which they are run, with their seconds, not many more than these."""
        own = tuple(
            name for name in self.files if f"from certcheck.{mutant.module} import" in (ROOT / name).read_text()
        )
        chosen = self.reach(places)
        if not mutant.is_inside or not chosen:
            # What is assigned at import may be read by a test alone; numbers are written out in test_limits.
            beside = (f"tests/certcheck/test_{mutant.module}", "tests/certcheck/test_limits")
            own = tuple(name for name in self.files if name.startswith(beside))
            chosen |= {test: seconds for name in own for test, seconds in self.files[name]["seconds"].items()}
        kept, total = {}, 0.0
        for test in sorted(chosen, key=lambda t: (t != first, chosen[t] * (1 if t.startswith(own) else AWAY), t)):
            total += chosen[test]
            if total > budget and kept:
                break
            kept[test] = chosen[test]
        return kept


class Timer:
    """A pytest plugin: the seconds of every test, and its name as the context of what it reaches."""

    def __init__(self, recorder: coverage.Coverage) -> None:
        self.recorder, self.seconds = recorder, dict[str, float]()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Any:
        """Around one test, which finds nothing that another one has left to be used again."""
        for module in [module for name, module in sys.modules.items() if name.startswith("certcheck.")]:
            for value in vars(module).values():
                if hasattr(value, "cache_clear"):
                    value.cache_clear()
        self.recorder.switch_context(item.nodeid)
        start = time.process_time()
        result = yield
        self.seconds[item.nodeid] = time.process_time() - start
        self.recorder.switch_context("")
        return result


class Loop:
    """A pytest plugin: instead of the tests, one fork for each mutant that runs the tests it needs."""

    def __init__(self, work: Callable[[dict[str, pytest.Item]], None]) -> None:
        self.work = work

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """All mutants."""
        self.work({item.nodeid: item for item in session.items})
        return True


class Substitute(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Imports one module from code that is given."""

    def __init__(self, name: str, code: CodeType) -> None:
        self.name, self.code = name, code

    def find_spec(self, fullname: str, *_: object) -> Any:
        """For this module only."""
        return importlib.util.spec_from_loader(fullname, self) if fullname == self.name else None

    def get_source(self, fullname: str) -> None:
        """None is needed."""

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002 - the protocol of importers
        """That of the mutant."""
        return self.code


def digest(*paths: Path) -> str:
    """A short name of what files hold."""
    return digest_of(b"".join(path.read_bytes() for path in paths))


def digest_of(data: bytes) -> str:
    """A short name of some bytes."""
    return hashlib.sha256(data).hexdigest()[:16]


def in_child(work: Callable[[], int]) -> int:
    """The exit code of a function in a fork; -n if signal n ended it."""
    # Tests put others in its place, which can be closed when they have ended.
    output = sys.stdout
    output.flush()
    child = os.fork()
    if child == 0:
        code = CRASHED
        try:
            code = work()
        finally:
            output.flush()
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def confine(seconds: float) -> None:
    """Silence this process and bound its memory and time."""
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    allow(seconds)


def allow(seconds: float) -> None:
    """So much time of the processor from now on, and many times as much by the clock, in case it waits for ever."""
    signal.setitimer(signal.ITIMER_PROF, 2 + 5 * seconds)
    signal.setitimer(signal.ITIMER_REAL, 30 + 40 * seconds)


def run_in_function(mutant: Mutant, tests: dict[str, float], items: dict[str, pytest.Item]) -> int:
    """0 if all tests pass with the function's code exchanged, else 1 more than the index of the first that fails."""
    owner: Any = importlib.import_module(f"certcheck.{mutant.module}")
    for part in mutant.function.split("."):
        owner = owner.__dict__[part]
    function = owner.fget if isinstance(owner, property) else getattr(owner, "__wrapped__", owner)
    code = find_function(mutant.compile(), mutant.function)
    if not isinstance(function, FunctionType) or code is None:
        raise TypeError(mutant.function)
    confine(0)
    function.__code__ = code
    if hasattr(owner, "cache_clear"):
        owner.cache_clear()
    for i, (test, seconds) in enumerate(tests.items()):
        allow(seconds)
        item = items[test]
        reports = pytest_reports(item)
        if any(report.failed for report in reports):
            return 1 + min(i, MANY)
    return 0


def pytest_reports(item: pytest.Item) -> list[Any]:
    """What the phases of one test report."""
    from _pytest.runner import runtestprotocol  # noqa: PLC0415 - pytest has no public name for it

    return runtestprotocol(item, log=False, nextitem=None)


def run_in_module(mutant: Mutant, tests: dict[str, float]) -> int:
    """The same for code that runs when the module is imported."""
    confine(10 + sum(tests.values()))
    sys.meta_path.insert(0, Substitute(f"certcheck.{mutant.module}", mutant.compile()))
    return OUTSIDE if pytest.main([*OPTIONS, "-x", *tests], plugins=[Stop(list(tests))]) else 0


class Stop:
    """A pytest plugin: the first test that fails ends the process, with 1 more than its index."""

    def __init__(self, tests: list[str]) -> None:
        self.tests = tests

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """After each phase of a test."""
        if report.failed:
            os._exit(1 + min(self.tests.index(report.nodeid), MANY))


class Results:
    """What was found, one line a mutant; a result holds while the files that it depends on are the same."""

    def __init__(self, store: Path) -> None:
        self.path = store / "results.jsonl"
        lines = self.path.read_text().splitlines() if self.path.exists() else []
        self.found: dict[Key, dict[str, Any]] = {tuple(r["key"]): r for r in map(json.loads, lines)}
        # As the files are before the run, which takes a while.
        self.digests = {
            path.relative_to(ROOT).as_posix(): digest(path) for path in (*CHECKER.glob("*.py"), *TESTS.glob("*.py"))
        }

    def depends(self, module: str, test: str | None) -> str:
        """The module, and the test's file, or all tests if none noticed."""
        names = [test.split("::")[0]] if test else sorted(name for name in self.digests if name.startswith("tests"))
        return digest_of("".join(self.digests.get(name, "") for name in (f"certcheck/{module}.py", *names)).encode())

    def holds(self, key: Key) -> bool:
        """Whether what was found of this mutant is still so."""
        record = self.found.get(key)
        return (
            record is not None
            and record["outcome"] != BROKEN
            and record["digest"] == self.depends(key[0], record["test"])
        )

    def add(self, key: Key, outcome: str, test: str | None) -> None:
        """One line more; written by all jobs to one file."""
        record = {"key": key, "outcome": outcome, "test": test, "digest": self.depends(key[0], test)}
        with self.path.open("a") as file:
            file.write(json.dumps(record) + "\n")
        self.found[key] = record


def judge(mutant: Mutant, tests: dict[str, float], run: Callable[[], int], results: Results) -> None:
    """Run one mutant and keep what was found."""
    names = list(tests)
    code = in_child(run) if tests else 0
    if code == OUTSIDE or (code < 0 and code != -signal.SIGPROF):
        # It waited without working, or broke down: a fork can do so whatever the mutant does.
        code = in_child(run)
    outcome = {0: SURVIVED, CRASHED: BROKEN, -signal.SIGPROF: TIMEOUT, -signal.SIGALRM: TIMEOUT}.get(code, KILLED)
    # A module that cannot be imported, or a crash, has no test of its own: the first one saw it.
    noticed = None if code == 0 else names[code - 1] if 0 < code <= len(names) else names[0]
    results.add(mutant.key, outcome, noticed)
    if outcome not in (KILLED, TIMEOUT):
        print(json.dumps(mutant.key), flush=True)


def run_job(
    mutants: Sequence[Mutant],
    places: dict[Key, list[str]],
    tests: Tests,
    results: Results,
    options: argparse.Namespace,
    job: int,
) -> int:
    """All these mutants, one after the other; those that run at import in a process that has imported nothing."""
    reasons = read_survivors()

    def choose(mutant: Mutant) -> dict[str, float]:
        first = results.found.get(mutant.key, {}).get("test")
        # What has a reason needs no long search for a test that notices it.
        budget = options.budget / 20 if mutant.key in reasons else options.budget
        return tests.choose(mutant, places[mutant.key], first, budget)

    # A method that may name its class with `super` takes only code that does so too.
    plain = (mutant for mutant in mutants if mutant.is_inside and not mutant.function.endswith("__init__"))
    inside = [mutant for mutant in plain if tests.reach(places[mutant.key])]

    def work(items: dict[str, pytest.Item]) -> None:
        gc.freeze()  # a fork that collects no garbage of this process copies less of its memory
        for mutant in inside:
            chosen = choose(mutant)
            judge(mutant, chosen, lambda m=mutant, c=chosen: run_in_function(m, c, items), results)  # type: ignore[misc]

    def run_inside() -> int:
        names = [*OPTIONS, f"--basetemp={options.store}/files{job}", *tests.files]
        return int(pytest.main(names, plugins=[Loop(work)]))

    failed = in_child(run_inside) if inside else 0
    for mutant in mutants:
        if mutant not in inside:
            chosen = choose(mutant)
            judge(mutant, chosen, lambda m=mutant, c=chosen: run_in_module(m, c), results)  # type: ignore[misc]
    return failed


def list_all(modules: Sequence[str]) -> tuple[list[Mutant], dict[Key, list[str]]]:
    """The mutants of these modules, and the places that a test must reach to notice each: its lines in a function.

    For what runs at import, the lines of any module that name what is assigned there.
    """
    sources = {path.stem: path.read_text() for path in CHECKER.glob("*.py")}
    reasons = tuple(re.findall(r"^    ([A-Z_]+) = Status\.", sources["verdict"], re.MULTILINE))
    mutants, places = [], {}
    for module in modules:
        for mutant in list_mutants(module, sources[module], reasons):
            mutants.append(mutant)
            places[mutant.key] = [f"{module}:{n}" for n in mutant.lines]
            if not mutant.is_inside:
                word = re.compile(rf"\b({'|'.join(names_assigned(sources[module], mutant.lines[0]))})\b")
                lines = (
                    (name, i, line) for name, text in sources.items() for i, line in enumerate(text.split("\n"), 1)
                )
                places[mutant.key] = [f"{name}:{i}" for name, i, line in lines if word.search(line)]
    return mutants, places


def names_assigned(source: str, line: int) -> list[str]:
    """What the statement outside of functions that has this line gives a value."""
    tree = ast.parse(source)
    bodies = [tree.body, *(node.body for node in tree.body if isinstance(node, ast.ClassDef))]
    at = [node for body in bodies for node in body if node.lineno <= line <= (node.end_lineno or 0)][-1]
    return [node.id for node in ast.walk(at) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)] or [
        "\0"
    ]


def read_survivors() -> dict[Key, str]:
    """The mutants that no test needs to notice, each with its reason."""
    groups = tomllib.loads(SURVIVORS.read_text()).get("group", [])
    listed = [(tuple(mutant), group["reason"]) for group in groups for mutant in group["mutants"]]
    twice = [key for key, count in Counter(key for key, _ in listed).items() if count > 1]
    if twice:
        sys.exit(f"listed twice: {twice}")
    return dict(listed)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the mutants whose result is not known, then compare the survivors with those that have a reason."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("modules", nargs="*", metavar="MODULE", help="of certcheck; all if none is named")
    parser.add_argument("--jobs", type=int, default=2, help="processes at once")
    parser.add_argument("--budget", type=float, default=60.0, help="seconds of tests for one mutant, at most")
    parser.add_argument(
        "--tests", nargs="+", default=["test_*.py"], metavar="FILE", help="the files of tests/certcheck to run"
    )
    parser.add_argument("--sample", type=int, default=1, metavar="N", help="every N-th mutant only")
    parser.add_argument("--store", type=Path, default=STORE, help="where results are kept")
    parser.add_argument("--all", action="store_true", help="also those whose module and tests did not change")
    options = parser.parse_args(arguments)
    modules = options.modules or MODULES
    os.chdir(ROOT)
    os.environ["OMP_NUM_THREADS"] = "1"
    options.store.mkdir(exist_ok=True)
    # The same examples each time; a failure needs no smaller example.
    phases = (hypothesis.Phase.explicit, hypothesis.Phase.generate)
    hypothesis.settings.register_profile("mutants", database=None, deadline=None, derandomize=True, phases=phases)
    hypothesis.settings.load_profile("mutants")
    tests, results = Tests(options.store, options.tests), Results(options.store)
    tests.update()
    mutants, places = list_all(modules)
    mutants = mutants[:: options.sample]
    pending = [mutant for mutant in mutants if options.all or not results.holds(mutant.key)]
    print(f"{len(mutants)} mutants, {len(pending)} to run", flush=True)
    jobs = [pending[i :: options.jobs] for i in range(options.jobs)]
    children = []
    for i, job in enumerate(jobs):
        child = os.fork()
        if child == 0:
            os._exit(run_job(job, places, tests, results, options, i))
        children.append(child)
    failed = sum(os.waitpid(child, 0)[1] != 0 for child in children)
    return report(modules, mutants, Results(options.store), whole=options.sample == 1) or failed


def report(modules: Sequence[str], mutants: list[Mutant], results: Results, *, whole: bool) -> int:
    """Print the counts, what survived without a reason and what has one in vain; 1 if there is any."""
    reasons, bad = read_survivors(), 0
    known = {mutant.key: results.found.get(mutant.key, {}).get("outcome", BROKEN) for mutant in mutants}
    for module in modules:
        counts = Counter(outcome for key, outcome in known.items() if key[0] == module)
        print(
            f"{module:16s}{sum(counts.values()):6d} mutants: {', '.join(f'{n} {o}' for o, n in sorted(counts.items()))}"
        )
    for key, outcome in known.items():
        if outcome not in (KILLED, TIMEOUT) and key not in reasons:
            print(f"{outcome}, and no reason is written: {json.dumps(key)}")
            bad += 1
    for key in reasons:
        if key[0] in modules and (whole or key in known) and known.get(key) != SURVIVED:
            print(f"a reason is written, but it is {known.get(key, 'no mutant')}: {json.dumps(key)}")
            bad += 1
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())

"""Random inputs to every reader: no exception but a refusal, no more memory or time than allowed, nothing false.

    python -m tests.audit.fuzz --seconds N [--seed S] [--gigabytes G] [--keep FOLDER]

The cases run in a process of its own, whose address space is limited and which is ended where a case takes too long.
Case i of seed S is always the same. An input that fails is made smaller where its edits can be left out, and kept.
Exit code 1 for a failure, and for no execution at all.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import importlib
import io
import json
import multiprocessing
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

from certcheck.comparison import Auditor, compare_group
from certcheck.document import parse_certificate
from certcheck.group import check_group
from certcheck.limits import Limits
from certcheck.model_file import read_model
from certcheck.strict_json import parse_json
from certcheck.verdict import Reason, Refusal
from tests.audit.judgement import SPECIFIED_ORDER, Kind, answer, judge, judge_arithmetics, judge_both
from tests.audit.mutations import write
from tests.audit.random_edits import (
    edit_document,
    edit_text,
    inflate_text,
    make_group_file,
    make_model_file,
    make_safetensors,
    repair,
)

KEPT = "fuzz-kept"
VECTORS = Path(__file__).parents[1] / "vectors"
EXIT_CODES = {0, 2, 10, 20, 30, 40, 50}
# A case is small: it must not take longer than this, whatever its scales and shapes.
SECONDS_A_CASE = 60
COMMAND_SECONDS = 20
# Of limits of the command line: nothing, little, as much as can be written, more, and what is no number.
AMOUNTS = ("0", "1", "32767", "999999999999999", f"{2**63}", f"1{'0' * 5000}", "-1", "1e3", "")


@dataclass(frozen=True, slots=True)
class Case:
    """An input: what is to read it, its bytes, and how it was made from what, if by edits that can be left out."""

    target: str
    data: bytes
    suffix: str = ".json"
    start: str = ""
    edits: tuple[str, ...] = ()


@dataclass(slots=True)
class Tally:
    """How many executions ended how, by target and outcome, and the failures."""

    outcomes: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    def describe(self) -> str:
        """A line for each outcome."""
        lines = [f"{count:8d}  {outcome}" for outcome, count in sorted(self.outcomes.items())]
        return "\n".join([*lines, f"{self.outcomes.total()} executions, {len(self.failures)} failures"])


def load_seeds() -> dict[str, bytes]:
    """The certificates of tests/audit/seeds.py and the valid vectors."""
    from tests.audit.seeds import write_seeds  # noqa: PLC0415 - the tests' networks are built on import

    vectors = sorted((VECTORS / "valid").glob("*.json")) if VECTORS.is_dir() else []
    return write_seeds() | {f"vector {path.stem}": path.read_bytes() for path in vectors}


def make_certificate(seeds: dict[str, bytes], start: str, edits: Sequence[str]) -> bytes:
    """The certificate that these edits, each a seed of its own, make of this one."""
    document = json.loads(seeds[start])
    others = list(seeds.values())
    for edit in edits:
        rng = random.Random(edit)  # noqa: S311 - to be repeated
        # What an edit would change may be gone.
        with contextlib.suppress(AttributeError, LookupError, TypeError, ValueError):
            if edit.startswith("repair"):
                repair(document, rng)
            else:
                edit_document(document, [json.loads(rng.choice(others))], rng)
    return write(document)


def make_case(seeds: dict[str, bytes], name: str) -> Case:
    """The case of this name."""
    rng = random.Random(name)  # noqa: S311 - to be repeated
    target = rng.choices(("text", "certificate", "group file", "model file", "command"), (30, 58, 6, 5.7, 0.3))[0]
    start = rng.choice(sorted(seeds))
    if target == "certificate":
        edits = tuple(f"edit {name} {k}" for k in range(rng.choice((1, 1, 2, 3, 6))))
        edits += (f"repair {name}",) if rng.random() < 0.75 else ()
        return Case(target, make_certificate(seeds, start, edits), start=start, edits=edits)
    if target == "group file":
        suffix, data = make_group_file(rng)
        return Case(target, data, suffix)
    if target == "model file":
        torch_file = make_torch_file()
        if torch_file and rng.random() < 0.5:
            return Case(target, make_model_file(torch_file, rng), ".pt")
        return Case(target, make_safetensors(rng), ".safetensors")
    text = seeds[start]
    for _ in range(rng.choice((0, 1, 1, 2, 5))):
        text = edit_text(text, rng)
    if rng.random() < (0.03 if target == "text" else 0.2):
        text = inflate_text(rng)
    return Case(target, text)


_TORCH_FILE: list[bytes] = []


def make_torch_file() -> bytes:
    """A small state dict as torch saves it; empty without torch."""
    if not _TORCH_FILE:
        try:
            torch = importlib.import_module("torch")
        except ImportError:
            return b""
        torch.save({"left": torch.zeros(2, 2), "out": torch.ones(2, 1)}, buffer := io.BytesIO())
        _TORCH_FILE.append(buffer.getvalue())
    return _TORCH_FILE[0]


def run_case(case: Case) -> tuple[str, str | None]:
    """How it ended, and what is wrong with that, if anything."""
    try:
        return RUNNERS[case.target](case)
    except Refusal as refusal:
        fault = str(refusal) if refusal.reason is Reason.INTERNAL else None
        return refusal.reason.name, fault
    except Exception as error:  # noqa: BLE001 - any other is what is looked for
        return "exception", f"{type(error).__name__}: {str(error)[:300]}"


def run_text(case: Case) -> tuple[str, str | None]:
    """What is accepted as JSON is what Python's parser reads; whatever it is, both checkers are asked."""
    with contextlib.suppress(Refusal):
        if json.dumps(parse_json(case.data)) != json.dumps(json.loads(case.data)):
            return "text", "another value than Python's parser reads"
    return run_certificate(case)


def run_certificate(case: Case) -> tuple[str, str | None]:
    """True or refused, in both arithmetics, and by both checkers."""
    said = answer(case.data)
    judgement = judge(case.data, said)
    if judgement.kind is Kind.FALSE:
        return "FALSE", judgement.why
    fault = judge_arithmetics(case.data, said)
    if fault is None and _count_elements(case.data) <= SPECIFIED_ORDER:
        fault = judge_both(case.data, said)
    return judgement.why if judgement.kind is Kind.PINNED else "accepted", fault


def _count_elements(data: bytes) -> int:
    """The order that a certificate says, if it can be read."""
    try:
        return len(parse_certificate(data).group.elements)
    except Refusal:
        return 0


def run_group_file(case: Case) -> tuple[str, str | None]:
    """A group or a refusal."""
    G = check_group(parse_certificate_elements(), "elements")
    with tempfile.NamedTemporaryFile(suffix=case.suffix) as file:
        file.write(case.data)
        file.flush()
        return compare_group(G, Auditor(group=file.name)), None


def parse_certificate_elements() -> object:
    """C3, as the file has it before it is damaged."""
    import numpy as np  # noqa: PLC0415 - after the limits of the process are set

    return np.array([[0, 1, 2], [1, 2, 0], [2, 0, 1]], dtype=np.int32)


def run_model_file(case: Case) -> tuple[str, str | None]:
    """Tensors or a refusal."""
    with tempfile.NamedTemporaryFile(suffix=case.suffix) as file:
        file.write(case.data)
        file.flush()
        tensors = read_model(file.name)
    held = sum(len(tensor.data) for tensor in tensors.values())
    return "read", f"{held} bytes of tensors" if held > Limits().bytes else None


def run_command(case: Case) -> tuple[str, str | None]:
    """One of the exit codes, a verdict line, and nothing on the error output."""
    rng = random.Random(case.data)  # noqa: S311 - to be repeated
    limit = f"{rng.choice([*Limits.__slots__, 'none'])}={rng.choice(AMOUNTS)}"
    more = (
        ["--json"],
        ["--quiet"],
        ["--explain"],
        ["--limit", limit],
        ["--group", "S3"],
        ["--at-least", "1/1"],
        ["-"],
        [],
    )
    arguments = ["-", *rng.choice(more), *rng.choice(more)]
    command = [sys.executable, "-m", "certcheck", *arguments]
    done = subprocess.run(command, input=case.data, capture_output=True, timeout=COMMAND_SECONDS, check=False)
    lines = done.stdout.decode("ascii").splitlines()
    is_usage = done.returncode == 2 and not lines
    good = is_usage or (bool(lines) and not done.stderr and b"INTERNAL" not in done.stdout)
    fault = None if good and done.returncode in EXIT_CODES else f"exit code {done.returncode}: {done.stderr[-300:]!r}"
    return f"exit code {done.returncode}", fault or run_certificate(case)[1]


RUNNERS: dict[str, Callable[[Case], tuple[str, str | None]]] = {
    "text": run_text,
    "certificate": run_certificate,
    "group file": run_group_file,
    "model file": run_model_file,
    "command": run_command,
}


def shrink(case: Case, seeds: dict[str, bytes], fault: str) -> Case:
    """The same fault with as few edits as leaving out one after the other gives."""
    kind, edits = fault.split(":", maxsplit=1)[0], list(case.edits)
    for edit in case.edits:
        fewer = [other for other in edits if other != edit]
        smaller = Case(case.target, make_certificate(seeds, case.start, fewer), start=case.start, edits=tuple(fewer))
        found = run_case(smaller)[1]
        if found is not None and found.split(":")[0] == kind:
            edits, case = fewer, smaller
    return case


def keep(folder: Path, case: Case, name: str, fault: str) -> str:
    """The input as a file, with what it did beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = folder / f"{case.target.replace(' ', '-')}-{hashlib.sha256(case.data).hexdigest()[:12]}"
    stem.with_suffix(case.suffix).write_bytes(case.data)
    line = f"{stem.name}{case.suffix} ({name}; {case.start}; {', '.join(case.edits)}): {fault}"
    stem.with_suffix(".txt").write_text(line + "\n")
    return line


def work(connection: Connection, options: argparse.Namespace, first: int) -> None:
    """Run cases from the first on and report each; a fault with the line about it."""
    resource.setrlimit(resource.RLIMIT_AS, (int(options.gigabytes * 2**30),) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    seeds = load_seeds()
    end = time.monotonic() + options.seconds
    index = first
    while time.monotonic() < end:
        name = f"{options.seed} {index}"
        case = make_case(seeds, name)
        connection.send((index, "begun", None))
        outcome, fault = run_case(case)
        if fault is not None:
            if case.edits:
                case = shrink(case, seeds, fault)
            fault = keep(options.keep, case, name, fault)
        connection.send((index, f"{case.target}: {outcome}", fault))
        index += 1
    connection.send((index, "done", None))


def fuzz(options: argparse.Namespace) -> Tally:
    """Run cases for so many seconds; a process that dies or stops is replaced, and its case is a failure."""
    tally, first, end = Tally(), 0, time.monotonic() + options.seconds
    context = multiprocessing.get_context("fork")
    while time.monotonic() < end:
        options.seconds = max(1, end - time.monotonic())
        receiver, sender = context.Pipe(duplex=False)
        worker = context.Process(target=work, args=(sender, options, first), daemon=False)
        worker.start()
        sender.close()
        index, state = _follow(receiver, tally, first)
        if state != "done":
            worker.kill()
            name = f"{options.seed} {index}"
            fault = f"{state}, exit code {worker.exitcode}"
            tally.outcomes[f"process: {state}"] += 1
            tally.failures.append(keep(options.keep, make_case(load_seeds(), name), name, fault))
            print(tally.failures[-1], flush=True)
        worker.join()
        first = index + 1
    return tally


def _follow(receiver: Connection, tally: Tally, index: int) -> tuple[int, str]:
    """Count what a process reports, until it is done, or says nothing: the last case and how it ended."""
    while True:
        try:
            if not receiver.poll(SECONDS_A_CASE):
                return index, f"no answer in {SECONDS_A_CASE} seconds"
            index, outcome, fault = receiver.recv()
        except EOFError:
            return index, "the process died"
        if outcome == "done":
            return index, outcome
        if outcome != "begun":
            tally.outcomes[outcome] += 1
        if fault is not None:
            tally.failures.append(fault)
            print(fault, flush=True)


def conclude(tally: Tally) -> int:
    """Print the tally; the exit code: 1 for a failure, and for no execution at all."""
    print(tally.describe())
    return 0 if tally.outcomes.total() and not tally.failures else 1


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(prog="fuzz", description=(__doc__ or "").split("\n\n", 1)[0])
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--gigabytes", type=float, default=6.0, help="address space of the process (default: 6)")
    parser.add_argument("--keep", type=Path, default=Path(KEPT), help="where inputs that fail are kept")
    options = parser.parse_args(arguments)
    return conclude(fuzz(options))


if __name__ == "__main__":
    sys.exit(main())

"""Many models, side by side: what is to be done, each row kept as it comes, and tables at the end."""

from __future__ import annotations

import contextlib
import fcntl
import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from certcheck.limits import LIMITS
from certcheck.model_file import read_bytes
from certcheck.named_group import is_group_name
from certgen.cluster import Place, open_client, work_on
from certgen.collection import LISTING, Entry, collect_models
from certgen.comparison import describe_sweeps, round_down
from certgen.extra import load_extra
from certgen.failure import ExitCode, Failure, failing_as
from certgen.measurement import examine
from certgen.output import write_files
from certgen.row import COLUMNS, PASSING, Options, Row, Task, fail_row
from certgen.table import CSV, PARQUET, read_table, write_tables

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from certgen.cluster import Work

ROWS, CERTIFICATES, LOCK = "rows", "certificates", ".lock"
# Seconds between two lines of progress where there is no terminal.
QUIET = 15


@dataclass(frozen=True, slots=True)
class Plan:
    """What the user asked for on the command line."""

    models: Sequence[str]
    output: Path
    group: str | None = None
    options: Options = field(default_factory=Options)
    place: Place = field(default_factory=Place)
    timeout: float | None = None
    certificates: bool = False
    retry: bool = False
    force: bool = False


def sweep(plan: Plan, work: Work = examine) -> ExitCode:
    """Certify and check the models, write the tables, print the summary. Errors: Failure.

    VERIFIED if there is a verified certificate of every model, else NOT_VERIFIED.
    """
    for module in ("distributed", "pyarrow"):
        load_extra(module)
    entries = collect_models(plan.models, plan.group)
    with _open_folder(plan.output):
        tasks = {entry.name: _identify(entry, plan) for entry in entries}
        _expect_replaceable(plan, {row["key"] for row in tasks.values()})
        rows = {name: row if row["error"] else _find_row(plan, row) for name, row in tasks.items()}
        open_entries = [entry for entry in entries if rows[entry.name] is None]
        print(f"{len(entries)} models, {len(entries) - len(open_entries)} of them done before", flush=True)
        code = ExitCode.VERIFIED
        try:
            if open_entries:
                _run(plan, open_entries, rows, work)
        except KeyboardInterrupt:
            code = ExitCode.INTERRUPTED
        done = [row for entry in entries if (row := rows[entry.name]) is not None]
        write_tables(plan.output, done)
    if code is ExitCode.INTERRUPTED:
        print(f"interrupted: {len(done)} of {len(entries)} rows are kept; the same command goes on from there")
        return code
    print("\n".join(["", *describe_sweeps({"these models": done})]))
    print(f"\n{plan.output / PARQUET}, {plan.output / CSV}: {len(done)} rows of {len(COLUMNS)} columns")
    is_verified = all(row["verdict"] == ExitCode.VERIFIED.name for row in done)
    return ExitCode.VERIFIED if is_verified else ExitCode.NOT_VERIFIED


@contextlib.contextmanager
def _open_folder(folder: Path) -> Iterator[None]:
    """The folder of the results, for this sweep alone meanwhile. Errors: Failure (OUTPUT)."""
    try:
        (folder / ROWS).mkdir(parents=True, exist_ok=True)
        lock = (folder / ROWS / LOCK).open("w")
    except OSError as error:
        raise Failure(ExitCode.OUTPUT, f"{folder}: cannot be the folder of results: {error.strerror}") from error
    with lock:
        try:
            # Given back with the process, however it ends.
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Failure(ExitCode.OUTPUT, f"{folder}: another sweep is at work in this folder") from error
        yield


def load_task(entry: Entry, plan: Plan) -> Task:
    """The files of a model, read. Errors: Failure (MODEL, GROUP)."""
    with failing_as(ExitCode.MODEL):
        data = read_bytes(str(entry.path), LIMITS)
    group_data = None
    if entry.group_from in ("card", LISTING) or not (entry.group == "auto" or is_group_name(entry.group)):
        with failing_as(ExitCode.GROUP):
            group_data = read_bytes(entry.group, LIMITS)
    group = entry.group if group_data is None else Path(entry.group).name
    return Task(entry.name, data, group, group_data, entry.group_from, plan.options, plan.timeout)


def _identify(entry: Entry, plan: Plan) -> Row:
    """The key of the model's row; or the row itself, where a file cannot be read."""
    try:
        return {"key": load_task(entry, plan).key, "error": None}
    except Failure as failure:
        nothing = Task(entry.name, b"", entry.group, None, entry.group_from, plan.options, plan.timeout)
        return fail_row(nothing, failure.code.name, str(failure)) | {"sha256": None, "key": None}


def _expect_replaceable(plan: Plan, keys: set[str | None]) -> None:
    """Nothing, if this sweep's tables will say all that those in the folder do. Errors: Failure (OUTPUT, RESULTS)."""
    if plan.force or not any((plan.output / name).exists() for name in (PARQUET, CSV)):
        return
    lost = len({row["key"] for row in read_table(plan.output)} - {None} - keys)
    if lost:
        sentence = f"{plan.output / PARQUET} has {lost} rows of other models, options or versions"
        raise Failure(ExitCode.OUTPUT, f"{sentence}; choose another folder, or --force to replace the tables")


def _find_row(plan: Plan, known: Row) -> Row | None:
    """The row of an earlier sweep, or of this one before it was killed; None if it is to be made."""
    try:
        row = json.loads((plan.output / ROWS / f"{known['key']}.json").read_bytes())
    except (OSError, ValueError):
        return None
    if not isinstance(row, dict) or set(row) != set(COLUMNS) or row["key"] != known["key"]:
        return None
    if plan.retry and row["error"] in PASSING:
        return None
    is_kept = row["verdict"] != ExitCode.VERIFIED.name or find_certificate(plan.output, row).exists()
    return row if is_kept or not plan.certificates else None


def find_certificate(folder: Path, row: Row) -> Path:
    """Where a sweep into this folder keeps the model's certificate, if it keeps it."""
    return folder / CERTIFICATES / f"{row['model'].replace('/', '_')}.json"


def _keep(plan: Plan, row: Row, certificate: bytes | None) -> None:
    """The certificate, if it is asked for, then the row: where there is a row, all of it is there."""
    if plan.certificates and certificate is not None:
        path = find_certificate(plan.output, row)
        path.parent.mkdir(exist_ok=True)
        write_files({path: certificate}, force=True)
    data = (json.dumps(row, indent=1) + "\n").encode("ascii")
    write_files({plan.output / ROWS / f"{row['key']}.json": data}, force=True)


def _run(plan: Plan, entries: list[Entry], rows: dict[str, Row | None], work: Work) -> None:
    """Make the rows of these models, and keep each as soon as it is there."""

    def load_tasks() -> Iterator[Task]:
        for entry in entries:
            with contextlib.suppress(Failure):
                yield load_task(entry, plan)

    with open_client(plan.place) as client, _Display(len(entries)) as display:
        for task, row, certificate in work_on(client, load_tasks(), work):
            _keep(plan, row, certificate)
            rows[task.name] = row
            display.add(row)
    # A file that was there at the start, and went away.
    rows |= {entry.name: _identify(entry, plan) for entry in entries if rows[entry.name] is None}


class _Display:
    """A bar and a line a model on a terminal, else a line now and then; on standard error."""

    def __init__(self, total: int) -> None:
        self.console = Console(stderr=True)
        self.progress = Progress(
            TextColumn("certifying"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[verified]} verified, {task.fields[failed]} failed"),
            TimeElapsedColumn(),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        )
        self.verified = self.failed = 0
        self.total, self.done, self.start, self.last = total, 0, time.monotonic(), time.monotonic()
        self.task = self.progress.add_task("", total=total, verified=0, failed=0)

    def __enter__(self) -> Self:
        self.progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.progress.stop()

    def add(self, row: Row) -> None:
        """Count a row, and show it."""
        self.done += 1
        self.verified += row["verdict"] == ExitCode.VERIFIED.name
        self.failed += row["error"] is not None
        now = time.monotonic()
        if self.console.is_terminal:
            self.progress.update(self.task, advance=1, verified=self.verified, failed=self.failed)
            self.progress.print(describe_row(row), markup=False, highlight=False)
        elif now - self.last > QUIET or self.done == self.total:
            self.last = now
            counts = f"{self.done} of {self.total} done, {self.verified} verified, {self.failed} failed"
            line = f"{counts}, {now - self.start:.0f} s"
            self.console.print(line, markup=False, highlight=False)


def describe_row(row: Row) -> str:
    """The row in a line."""
    if row["error"] is not None:
        return f"{row['model']}: {row['error']}, {row['message']}"
    shares = f"{round_down(row['bound_by_argument'])} by the argument, {round_down(row['bound'])} in all"
    return f"{row['model']}: {shares}, {row['why_not'] or row['explanation']}, {row['seconds']:.1f} s"

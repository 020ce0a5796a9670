"""What workers do in tests of sweeps; by name, as they are other processes."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from certgen.row import Options, Row, Task, begin_row, fail_row
from certgen.shortfall import explain_row

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path as _Path

# The folder where workers leave a mark for each call, for the counts of the tests.
MARKS = "CERTGEN_TEST_MARKS"


def make_task(name: str = "model.pt", data: bytes = b"weights", **changes: object) -> Task:
    """A task with some bytes."""
    fields = {"group": "auto", "group_data": None, "group_from": "auto", "options": Options(), "timeout": None}
    return Task(name, data, **(fields | changes))  # type: ignore[arg-type]


def make_row(name: str = "model.pt", **changes: object) -> Row:
    """A row of a model of S4 of which everything is proved by circuits, but for the changes."""
    row = begin_row(make_task(name)) | {
        "model": name,
        "group": "S4",
        "order": 24,
        "verdict": "VERIFIED",
        "pairs": 576,
        "bound_by_argument": 1.0,
        "cost_by_argument": 0.02,
        "bound_by_rho_sets": 1.0,
        "bound": 1.0,
        "cost": 0.02,
        "argument_pairs": 576,
        "accuracy": 1.0,
        "structured_pairs": 576,
        "seconds": 1.5,
    }
    row |= changes
    return row | explain_row(row) | changes


def leave_mark(task: Task) -> int:
    """The number of calls for this model so far, this one too."""
    folder = Path(os.environ[MARKS])
    (folder / f"{task.name} {os.getpid()} {os.urandom(4).hex()}").touch()
    return len(list(folder.glob(f"{task.name} *")))


def mark(task: Task) -> tuple[Row, bytes | None]:
    """A row at once."""
    leave_mark(task)
    return make_row(task.name) | {"key": task.key}, b"certificate"


def die_once(task: Task) -> tuple[Row, bytes | None]:
    """The first call for a model named so takes the worker with it."""
    if leave_mark(task) == 1 and task.name.startswith("dies_once"):
        os._exit(1)
    if task.name.startswith("dies_always"):
        os.kill(os.getpid(), signal.SIGKILL)
    return make_row(task.name), None


def freeze_once(task: Task) -> tuple[Row, bytes | None]:
    """The first call keeps all threads of the worker waiting, as a deadlock in the interpreter does."""
    if leave_mark(task) == 1:
        ctypes.PyDLL(None).sleep(100)
    return make_row(task.name), None


def count_samples(task: Task) -> tuple[Row, bytes | None]:
    """How often somebody looks at the stacks of all threads meanwhile, as the message."""
    samples: list[str] = []
    sys.addaudithook(lambda event, _: samples.append(event) if event == "sys._current_frames" else None)
    time.sleep(0.5)
    return make_row(task.name, message=str(len(samples))), None


def raise_error(task: Task) -> tuple[Row, bytes | None]:
    """A bug."""
    message = f"a bug in {task.name}"
    raise ZeroDivisionError(message)


def work_here(_client: object, tasks: Iterable[Task], work: object) -> Iterator[tuple[Task, Row, bytes | None]]:
    """In place of a cluster: in this process, one after the other."""
    for task in tasks:
        yield task, *work(task)  # type: ignore[operator]


def fail(task: Task) -> tuple[Row, bytes | None]:
    """A row with an error of the machine, the first time."""
    first = leave_mark(task) == 1
    return (fail_row(task, "WORKER_DIED", "it died") if first else make_row(task.name) | {"key": task.key}), None


def read_rows(folder: _Path) -> dict[str, bytes]:
    """The rows kept in a folder of results."""
    return {path.name: path.read_bytes() for path in (folder / "rows").glob("*.json")}

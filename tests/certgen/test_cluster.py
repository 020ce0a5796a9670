"""Work on Dask: workers that die, errors, an address of a scheduler."""

from __future__ import annotations

import logging
import os
import queue
from types import SimpleNamespace
from typing import TYPE_CHECKING

import dask
import distributed
import pytest

from certgen import cluster
from certgen.cluster import CONFIGURATION, Place, open_client, work_on
from certgen.failure import ExitCode, Failure
from tests.certgen.sweep_work import (
    MARKS,
    count_samples,
    die_once,
    freeze_once,
    leave_mark,
    make_task,
    mark,
    raise_error,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from certgen.cluster import Work
    from certgen.row import Row


@pytest.fixture(scope="module")
def marks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of the workers' marks."""
    folder = tmp_path_factory.mktemp("marks")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(MARKS, str(folder))
        yield folder


@pytest.fixture(scope="module")
def address(marks: Path) -> Iterator[str]:
    """A scheduler with two workers, as somebody else may have started it."""
    assert marks.is_dir()
    options = {
        "n_workers": 2,
        "threads_per_worker": 1,
        "dashboard_address": "127.0.0.1:0",
        "silence_logs": logging.CRITICAL,
    }
    with dask.config.set(CONFIGURATION), distributed.LocalCluster(host="127.0.0.1", **options) as local:
        yield local.scheduler_address


def run(address: str, names: list[str], work: Work) -> dict[str, Row]:
    """The rows by name."""
    with open_client(Place(scheduler=address)) as client:
        tasks = (make_task(name, name.encode()) for name in names)
        return {task.name: row for task, row, _ in work_on(client, tasks, work)}


def test_every_task_is_worked_on_once(address: str, marks: Path) -> None:
    """By more than one process, none of them this one."""
    names = [f"plain{i}" for i in range(8)]
    with open_client(Place(scheduler=address)) as client:
        found = list(work_on(client, (make_task(name) for name in names), mark))
    assert sorted(task.name for task, _, _ in found) == names
    assert all((row["model"], certificate) == (task.name, b"certificate") for task, row, certificate in found)
    assert len(list(marks.glob("plain*"))) == 8


def test_a_worker_that_dies_is_replaced_and_its_model_tried_again(address: str, marks: Path) -> None:
    """Those beside it are not blamed; one whose worker dies every time is given up."""
    rows = run(address, ["a", "dies_once", "b", "dies_always", "c"], die_once)
    errors = {name: row["error"] for name, row in rows.items()}
    assert errors == {"a": None, "b": None, "c": None, "dies_once": None, "dies_always": "WORKER_DIED"}
    assert len(list(marks.glob("dies_once *"))) == 2
    assert len(list(marks.glob("dies_always *"))) == cluster.ATTEMPTS
    assert [len(list(marks.glob(f"{name} *"))) for name in "abc"] == [1, 1, 1]
    assert "died" in rows["dies_always"]["message"]


def test_nobody_samples_the_stacks_of_a_worker(address: str) -> None:
    """A sample that sets off the collector of garbage froze the worker: 99 of 100 models were done, once."""
    assert run(address, ["sampled"], count_samples)["sampled"]["message"] == "0"


def test_a_worker_that_is_frozen_is_replaced(marks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Here after seconds: nothing in its process runs any more, and the model is tried again."""
    monkeypatch.setitem(CONFIGURATION, "distributed.scheduler.worker-ttl", "1s")
    with open_client(Place(workers=1)) as client:
        rows = [row for _, row, _ in work_on(client, iter([make_task("frozen")]), freeze_once)]
    assert [row["error"] for row in rows] == [None]
    assert len(list(marks.glob("frozen *"))) == 2


def test_an_exception_is_a_row(address: str) -> None:
    """It stops no other model."""
    rows = run(address, ["x", "y"], raise_error)
    assert {row["error"] for row in rows.values()} == {"INTERNAL"}
    assert rows["x"]["message"] == "ZeroDivisionError: a bug in x"


def test_workers_with_other_versions_are_refused(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their rows would be under a wrong key."""
    monkeypatch.setattr(cluster, "find_versions", lambda: {"process": os.getpid()})
    with pytest.raises(Failure, match="has other versions") as caught, open_client(Place(scheduler=address)):
        pass
    assert caught.value.code is ExitCode.MISSING


def test_a_scheduler_that_does_not_answer_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """And what is no address."""
    monkeypatch.setattr(cluster, "PATIENCE", 1)
    for wrong in ("tcp://127.0.0.1:9", "nothing://here"):
        with pytest.raises(Failure, match="no worker answers at") as caught, open_client(Place(scheduler=wrong)):
            pass
        assert caught.value.code is ExitCode.MISSING


def test_a_cluster_that_lost_all_its_workers_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not before they had the time to come back."""
    monkeypatch.setattr(cluster, "PATIENCE", 0.01)
    seen = [{"tcp://w": 1}, {}, {"tcp://w": 1}, {}, {}]
    client = SimpleNamespace(nthreads=lambda: seen.pop(0))
    with pytest.raises(Failure, match="no worker is left") as caught:
        cluster._wait(client, queue.SimpleQueue())
    assert (caught.value.code, seen) == (ExitCode.MISSING, [])


def test_marks_are_counted(marks: Path) -> None:
    """The tests above rest on it."""
    assert [leave_mark(make_task("counted")) for _ in range(2)] == [1, 2]
    assert len(list(marks.glob("counted *"))) == 2

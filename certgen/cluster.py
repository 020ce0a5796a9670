"""Work on many models at once, in the worker processes of Dask."""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from certgen.extra import load_extra
from certgen.failure import ExitCode, Failure
from certgen.row import INTERNAL, WORKER_DIED, Row, Task, fail_row, find_versions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Work = Callable[[Task], tuple[Row, bytes | None]]

# A model whose worker dies so often is given up.
ATTEMPTS = 3
# Seconds to reach a scheduler and to find a worker there.
PATIENCE = 30
# Bytes that a worker needs to begin; with less, none ever would.
LEAST_MEMORY = 250_000_000
CONFIGURATION = {
    "distributed.scheduler.allowed-failures": ATTEMPTS - 1,
    # A step may keep a worker from answering for minutes; one that is silent for longer is frozen, and is replaced.
    # That one has died is seen at once.
    "distributed.scheduler.worker-ttl": "30 minutes",
    # One model a worker: no other is blamed for its death.
    "distributed.scheduler.worker-saturation": 1.0,
    # Nothing is kept between two models, so there is nothing to spill or to wait for: too large is too large.
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": 0.95,
    # Samples of the stacks of all threads: in Python 3.11 a sample holds a lock, and where it sets off the collector of
    # garbage, this may wait for that lock, and every thread of the worker for it (CPython's issue 106883).
    "distributed.worker.profile.enabled": False,
    # Schedulers and workers serve pages even without a dashboard: none of them.
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    # Runs dask_setup, below.
    "distributed.worker.preload": ["certgen.cluster"],
    # BLAS sums in another order on several threads; certgen's own command uses one, too.
    "distributed.nanny.pre-spawn-environ": {
        "OMP_NUM_THREADS": 1,
        "MKL_NUM_THREADS": 1,
        "OPENBLAS_NUM_THREADS": 1,
        "MALLOC_TRIM_THRESHOLD_": 65536,
    },
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where to work: at the address of a scheduler, or on so many workers here, each with so many bytes of memory."""

    scheduler: str | None = None
    workers: int | None = None
    memory: int | None = None


def dask_setup(_worker: object) -> None:
    """Ctrl-C on the terminal is for the sweep, which then ends its workers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextlib.contextmanager
def open_client(place: Place) -> Iterator[Any]:
    """A client of Dask whose workers run this certgen. Errors: Failure (MISSING)."""
    distributed, dask = load_extra("distributed"), load_extra("dask")
    # What it tells of dying workers is in the rows, and its lines would break the display.
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    with dask.config.set(CONFIGURATION), contextlib.ExitStack() as stack:
        if place.scheduler is None:
            workers = place.workers or len(os.sched_getaffinity(0))
            cluster = distributed.LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                host="127.0.0.1",
                # Without an address it is the port that every other cluster wants, too.
                dashboard_address="127.0.0.1:0",
                scheduler_kwargs={"dashboard": False},
                memory_limit=place.memory or "auto",
                silence_logs=logging.CRITICAL,
            )
            stack.enter_context(cluster)
        try:
            address = place.scheduler or cluster
            client = stack.enter_context(distributed.Client(address, timeout=PATIENCE, set_as_default=False))
            client.wait_for_workers(1, timeout=PATIENCE)
            _expect_same_versions(client)
        except (OSError, TimeoutError, ValueError) as error:
            sentence = f"no worker answers at {place.scheduler or 'the local cluster'}: {str(error)[:200]}"
            raise Failure(ExitCode.MISSING, sentence) from error
        yield client


def _expect_same_versions(client: Any) -> None:  # noqa: ANN401 - Dask has no types
    """Nothing, if every worker has this certgen: rows of others would be under a wrong key."""
    own = find_versions()
    asked = [(address, client.submit(find_versions, workers=[address], pure=False)) for address in client.nthreads()]
    for address, future in asked:
        try:
            versions = future.result(timeout=PATIENCE)
        except ImportError as error:
            raise Failure(ExitCode.MISSING, f"the worker {address} cannot import certgen: {error}") from error
        if versions != own:
            sentence = f"the worker {address} has other versions, {versions} in place of {own}: install the same there"
            raise Failure(ExitCode.MISSING, sentence)


def work_on(client: Any, tasks: Iterator[Task], work: Work) -> Iterator[tuple[Task, Row, bytes | None]]:  # noqa: ANN401
    """What the work gives for each task, as it comes; a task is taken when a worker is free for it.

    Errors: Failure (MISSING) if the scheduler goes away, or all workers for good.
    """
    done: queue.SimpleQueue[Any] = queue.SimpleQueue()
    pending: dict[str, Task] = {}
    while True:
        capacity = max(1, sum(client.nthreads().values()))
        while len(pending) < capacity and (task := next(tasks, None)) is not None:
            future = client.submit(work, task, key=f"{work.__name__}-{task.key}", pure=False)
            pending[future.key] = task
            future.add_done_callback(done.put)
            del future
        if not pending:
            return
        future = _wait(client, done)
        yield _take(future, pending.pop(future.key))
        future.release()


def _wait(client: Any, done: queue.SimpleQueue[Any]) -> Any:  # noqa: ANN401
    """The next future that is done. Errors: Failure (MISSING) if there is no worker for long."""
    is_alone = False
    while True:
        try:
            return done.get(timeout=PATIENCE)
        except queue.Empty:
            had_none, is_alone = is_alone, not client.nthreads()
            if had_none and is_alone:
                sentence = "no worker is left; finished rows are kept: start the sweep again"
                raise Failure(ExitCode.MISSING, sentence) from None


def _take(future: Any, task: Task) -> tuple[Task, Row, bytes | None]:  # noqa: ANN401
    killed = load_extra("distributed").scheduler.KilledWorker
    if future.status in ("cancelled", "lost"):
        raise Failure(ExitCode.MISSING, "the scheduler went away; finished rows are kept: start the sweep again")
    error = future.exception() if future.status == "error" else None
    if isinstance(error, killed):
        sentence = "its worker died, again and again: out of memory (--memory allows more), or killed"
        return task, fail_row(task, WORKER_DIED, sentence), None
    if error is not None:
        return task, fail_row(task, INTERNAL, f"{type(error).__name__}: {error}"[:500]), None
    return task, *future.result()

"""The verdict on a certificate, for the command line and for Python."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Literal, NoReturn

from certcheck import decision
from certcheck.comparison import Auditor, parse_bound
from certcheck.limits import LIMITS, Limits
from certcheck.model_file import read_bytes
from certcheck.verdict import Proof, Reason, Refusal, Verdict, reject


def check(  # noqa: PLR0913 - one for each option of the command
    certificate: str | os.PathLike[str] | bytes,
    *,
    model: str | os.PathLike[str] | None = None,
    architecture: str | None = None,
    instance: int | None = None,
    group: str | os.PathLike[str] | None = None,
    at_least: str | float | Fraction | None = None,
    arithmetic: Literal["float64", "int64"] = "float64",
    limits: Limits = LIMITS,
    explain: bool = False,
) -> Verdict:
    """The verdict of `certcheck CERT` with these options, on a file or on a certificate's bytes.

    As a condition it is true only if it is VERIFIED; `str` gives the lines of the command. No file raises an exception.
    model, group: files, or a group's name; architecture: NAME or NAME:role=tensor,...; instance: an index of networks
    in the model file; at_least: an accuracy, read as it is printed: 0.95 is 19/20; explain: the tightest triple too.
    limits: in the main thread SIGALRM stops a check after `seconds`, and a timer of the caller's waits meanwhile; in
    other threads it is refused at its end. Errors: TypeError, ValueError for arguments that make no sense.
    """
    model, group = (None if file is None else os.fspath(file) for file in (model, group))
    bound = None if at_least is None else parse_bound(str(at_least))
    auditor = Auditor(model, architecture, instance, group, bound, arithmetic, limits, explain)
    if isinstance(certificate, bytes):
        return examine("<bytes>", lambda: certificate, auditor)
    path = os.fspath(certificate)
    return examine(path, lambda: read_bytes(path, limits), auditor)


def examine(path: str, read: Callable[[], bytes], auditor: Auditor) -> Verdict:
    """The verdict on the certificate of this name that `read` gives."""
    start = time.perf_counter()
    result: Proof | Refusal
    try:
        with _time_limit(auditor.limits.seconds):
            result = decision.check(read(), auditor)
    except Refusal as refusal:
        # A copy, as what was raised holds on to every array of the check.
        result = Refusal(refusal.reason, refusal.where, refusal.expected, refusal.got)
    except Exception as error:  # noqa: BLE001 - a bug of ours is reported as such, and never as a verdict
        text = f"{type(error).__name__}: {ascii(str(error))[:200]}"
        result = Refusal(Reason.INTERNAL, "certcheck", "no exception", text)
    return Verdict(path, result, time.perf_counter() - start)


@contextlib.contextmanager
def _time_limit(seconds: int) -> Iterator[None]:
    """Refuse what takes longer: as soon as the step at work is done, or at the end where no signal arrives."""

    def stop(*_: object) -> NoReturn:
        reject(Reason.TIME_TOO_LONG, "certcheck", f"at most {seconds} seconds (limit seconds)", "more")

    start = time.monotonic()
    with contextlib.ExitStack() as stack:
        # Python delivers signals to the main thread alone. A limit of 0 sets no timer, and refuses at the end.
        if threading.current_thread() is threading.main_thread():
            stack.callback(signal.setitimer, signal.ITIMER_REAL, *signal.setitimer(signal.ITIMER_REAL, 0))
            stack.callback(signal.signal, signal.SIGALRM, signal.signal(signal.SIGALRM, stop) or signal.SIG_DFL)
            stack.callback(signal.setitimer, signal.ITIMER_REAL, 0)
            # Longer than a timer can wait is for ever.
            signal.setitimer(signal.ITIMER_REAL, min(seconds, 10**9))
        yield
    if time.monotonic() - start >= seconds:
        stop()

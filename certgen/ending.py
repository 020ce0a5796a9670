"""How a command ends: one sentence on standard error and one exit code, also on a signal or without a reader."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
from typing import TYPE_CHECKING, NoReturn

from certgen.failure import ExitCode, Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run_command(name: str, command: Callable[[], int]) -> int:
    """The exit code of a command. What goes wrong is one sentence, and standard output is flushed."""
    # A name that the terminal's encoding does not have must not end the run.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    with interruptible():
        try:
            return command()
        except Failure as failure:
            complain(f"{name}: {failure}\n")
            return failure.code
        except KeyboardInterrupt as interruption:
            code = find_code(interruption)
            complain(f"{name}: {code.name.lower().replace('_', ' ')}, nothing was written\n")
            return code
        except SystemExit:
            # The parser has printed its help, its version or, on standard error, the usage.
            if not say("", end=""):
                complain(f"{name}: standard output is closed or full\n")
                return ExitCode.NOT_PRINTED
            raise


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """SIGINT, SIGTERM and SIGHUP raise KeyboardInterrupt with their number; those that follow leave the cleaning up.

    A signal that is ignored, as under nohup, or is handled by somebody else is left alone.
    """
    before = {number: signal.getsignal(number) for number in SIGNALS}
    ours = {number: old for number, old in before.items() if old in (signal.SIG_DFL, signal.default_int_handler)}

    def interrupt(number: int, _: object) -> NoReturn:
        for other in ours:
            signal.signal(other, signal.SIG_IGN)
        raise KeyboardInterrupt(number)

    for number in ours:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, old in ours.items():
            signal.signal(number, old)


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """The signals wait until this is done."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def find_code(interruption: KeyboardInterrupt) -> ExitCode:
    """128 and the number of the signal, as a shell has it."""
    (number,) = interruption.args or (signal.SIGINT,)
    return ExitCode(128 + number)


def say(text: str, end: str = "\n") -> bool:
    """Whether standard output took the text, all of it."""
    if sys.stdout is None:
        return False
    try:
        print(text, end=end, flush=True)
    except OSError:
        # What is left in the buffer would be tried again when the interpreter ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return False
    return True


def complain(text: str) -> None:
    """Print on standard error, if that can be."""
    if sys.stderr is not None:
        with contextlib.suppress(OSError):
            print(text, end="", file=sys.stderr, flush=True)

"""What can go wrong, in one sentence and one exit code each."""

from __future__ import annotations

import contextlib
import enum
from typing import TYPE_CHECKING

from certcheck.verdict import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterator


class ExitCode(enum.IntEnum):
    """Exit codes of certgen; 2 is wrong usage."""

    VERIFIED = 0
    NOT_VERIFIED = 1
    MODEL = 3
    GROUP = 4
    OUTPUT = 5
    NOTHING_TO_PROVE = 6
    DECOMPOSITION = 7
    NOT_PRINTED = 8
    MISSING = 9
    RESULTS = 10
    # 128 and the number of the signal.
    HUNG_UP = 129
    INTERRUPTED = 130
    TERMINATED = 143


class Failure(Exception):  # noqa: N818 - the command's name for it
    """Nothing can be certified, or written: one sentence for the user, and the exit code of the command."""

    def __init__(self, code: ExitCode, sentence: str) -> None:
        super().__init__(code, quote(sentence))
        self.code = code

    def __str__(self) -> str:
        return str(self.args[1])


def quote(text: str) -> str:
    """The text on one line: a name may hold line ends, or bytes that no encoding has."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


@contextlib.contextmanager
def failing_as(code: ExitCode) -> Iterator[None]:
    """Turn a refusal of certcheck's functions on the user's input into a failure with this code."""
    try:
        yield
    except Refusal as refusal:
        raise Failure(code, f"{refusal.reason.meaning}: {refusal}") from refusal

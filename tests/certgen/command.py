"""What one run of the command gives, and what a good refusal looks like."""

from __future__ import annotations

from dataclasses import dataclass

from certgen.failure import ExitCode

OUTPUT = "cert.json"


@dataclass(frozen=True)
class Run:
    """What one run of the command gave."""

    code: int
    out: str
    err: str


def expect_failure(result: Run, code: ExitCode, words: str) -> None:
    """One sentence on standard error that says why, nothing else, and the exit code."""
    assert words in result.err
    assert result.err.startswith("certgen: ")
    assert result.err.endswith("\n")
    assert len(result.err.splitlines()) == 1
    assert len(result.err) < 700
    assert result.out == ""
    assert (result.code, type(result.code)) == (code, ExitCode)

"""The command line: one line a certificate, the worst code of all."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from certcheck.specification.certificate import specify
from certcheck.specification.decision import Decision, Status
from certcheck.specification.document import MAX_BYTES

USAGE = "usage: certcheck-spec CERT..."
WRONG_USAGE = 2
INTERRUPTED = 130


def decide_file(path: str) -> Decision:
    """The decision of a file; ERROR if it cannot be read."""
    try:
        with Path(path).open("rb") as file:
            return specify(file.read(MAX_BYTES + 1))
    except (OSError, ValueError) as error:  # ValueError: a path with a null byte
        return Decision(Status.ERROR, "file", ascii(str(error)))


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code, after a line for every certificate: a decision that cannot be printed is an error."""
    paths = list(sys.argv[1:] if arguments is None else arguments)
    if not paths or any(path.startswith("-") for path in paths):
        print(USAGE, file=sys.stderr)
        return WRONG_USAGE
    trouble = "it is closed"
    # Python has None in place of a closed one, and print is silent then.
    if sys.stdout is not None:
        try:
            return _decide_all(paths)
        except KeyboardInterrupt:
            print("certcheck-spec: interrupted: what has no line is not verified", file=sys.stderr)
            return INTERRUPTED
        except OSError as error:  # of printing: no other gets here; the interpreter would try the rest at its end
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            trouble = str(error.strerror)
    print(f"certcheck-spec: standard output cannot be written: {trouble}", file=sys.stderr)
    return Status.ERROR.value


def _decide_all(paths: list[str]) -> int:
    """The worst code of all, after a line for each."""
    worst = 0
    for path in paths:
        decision = decide_file(path)
        print(decision, flush=True)
        worst = max(worst, decision.status.value)
    return worst


if __name__ == "__main__":
    sys.exit(main())

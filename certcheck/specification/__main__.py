"""The command line: one line a certificate, the worst code of all."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from certcheck.specification.certificate import specify
from certcheck.specification.decision import Decision, Status
from certcheck.specification.document import MAX_BYTES

USAGE = "usage: certcheck-spec CERT..."
WRONG_USAGE = 2


def decide_file(path: str) -> Decision:
    """The decision of a file; ERROR if it cannot be read."""
    try:
        with Path(path).open("rb") as file:
            return specify(file.read(MAX_BYTES + 1))
    except (OSError, ValueError) as error:  # ValueError: a path with a null byte
        return Decision(Status.ERROR, "file", ascii(str(error)))


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code, after a line for every certificate."""
    paths = list(sys.argv[1:] if arguments is None else arguments)
    if not paths or any(path.startswith("-") for path in paths):
        print(USAGE, file=sys.stderr)
        return WRONG_USAGE
    worst = 0
    for path in paths:
        decision = decide_file(path)
        print(decision, flush=True)
        worst = max(worst, decision.status.value)
    return worst


if __name__ == "__main__":
    sys.exit(main())

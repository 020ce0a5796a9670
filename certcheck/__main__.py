"""The command line of certcheck."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import fields
from functools import partial

# Before numpy loads BLAS: the check has threads of its own, and small products are slow on several.
if "numpy" not in sys.modules:
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from certcheck import __version__
from certcheck.comparison import Auditor, parse_bound
from certcheck.examination import examine
from certcheck.limits import Limits
from certcheck.model_file import read_bytes
from certcheck.verdict import FORMAT_VERSION, Reason, Status, announce, reject

# As a shell has it: 128 and the number of the signal.
INTERRUPTED = 130
_EPILOG = f"""examples:
  certcheck cert.json
  certcheck cert.json --model model.pt --architecture mapped --group group.json --at-least 0.99
  certcheck --json first.json second.json

exit codes: {", ".join(f"{s.value} {s.name}" for s in Status)}, 2 wrong usage, 130 interrupted"""


def parse_instance(text: str) -> int:
    """An index of instances."""
    if not re.fullmatch("[0-9]{1,6}", text, re.ASCII):
        raise argparse.ArgumentTypeError(f"expected an index from 0, got {text!r}")
    return int(text)


def parse_limit(text: str) -> tuple[str, int]:
    """The name of a limit and a number in its place."""
    name, _, number = text.partition("=")
    names = [f.name for f in fields(Limits)]
    if name not in names or not re.fullmatch("[0-9]{1,15}", number, re.ASCII):
        raise argparse.ArgumentTypeError(f"expected NAME=NUMBER with a name of {', '.join(names)}, got {text!r}")
    return name, int(number)


def build_parser() -> argparse.ArgumentParser:
    """The options of certcheck."""
    parser = argparse.ArgumentParser(
        prog="certcheck",
        description="Check in exact arithmetic that certificates prove the accuracy bounds that they claim.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("certificates", nargs="*", metavar="CERT", help="a certificate; - is standard input")
    parser.add_argument("--model", metavar="FILE", help="compare with this model (.safetensors, or .pt through torch)")
    parser.add_argument("--architecture", metavar="NAME", help="compare with this one, or with NAME:role=tensor,...")
    parser.add_argument("--instance", metavar="K", type=parse_instance, help="the network to take from --model")
    parser.add_argument("--group", metavar="NAME|FILE", help="compare with this group (a file's table, or a name)")
    parser.add_argument("--at-least", metavar="BOUND", help="reject a bound on the accuracy below this")
    parser.add_argument("--arithmetic", choices=("auto", "int64"), default="auto", help="int64: no float64, but slower")
    parser.add_argument(
        "--limit",
        metavar="NAME=N",
        type=parse_limit,
        action="append",
        default=[],
        help="allow more (or less) than --limits says; no limit decides whether a claim is true",
    )
    parser.add_argument("--limits", action="store_true", help="print the limits and exit")
    parser.add_argument(
        "--explain", action="store_true", help="show the tightest triple: what each term of its bound adds or takes"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object a certificate")
    parser.add_argument("--quiet", action="store_true", help="print the verdict line only")
    parser.add_argument("--version", action="version", version=f"certcheck {__version__}, format {FORMAT_VERSION}")
    return parser


def read_certificate(path: str, limits: Limits) -> bytes:
    """The bytes of a certificate file or of standard input; one byte more than allowed is enough to refuse."""
    if path != "-":
        return read_bytes(path, limits)
    if sys.stdin is None:
        reject(Reason.FILE_UNREADABLE, "-", "standard input", "a closed one")
    try:
        return sys.stdin.buffer.read(limits.bytes + 1)
    except OSError as error:
        reject(Reason.FILE_UNREADABLE, "-", "standard input", error.strerror or str(error))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return the exit code: a verdict that cannot be printed is an error."""
    trouble = "it is closed"
    # Python has None in place of a closed one, and print is silent then.
    if sys.stdout is not None:
        try:
            try:
                return run(arguments)
            finally:
                sys.stdout.flush()
        except KeyboardInterrupt:
            print("certcheck: interrupted: what has no verdict line is not verified", file=sys.stderr)
            return INTERRUPTED
        except OSError as error:
            # Of printing: `examine` lets no other through. The interpreter would try the rest again at its end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            trouble = str(error.strerror)
    print(f"certcheck: no verdict: standard output cannot be written: {trouble}", file=sys.stderr)
    return Status.ERROR.value


def run(arguments: Sequence[str] | None) -> int:
    """Check the certificates and return the exit code."""
    parser = build_parser()
    options = parser.parse_args(arguments)
    limits = Limits(**dict(options.limit))
    if options.limits:
        print(limits.describe())
        return 0
    if not options.certificates:
        parser.error("the following arguments are required: CERT")
    if options.certificates.count("-") > 1:
        parser.error("standard input (-) can be read once only")
    own = {name: getattr(options, name) for name in ("model", "architecture", "instance", "group", "explain")}
    arithmetic = "float64" if options.arithmetic == "auto" else options.arithmetic
    try:
        bound = None if options.at_least is None else parse_bound(options.at_least)
        auditor = Auditor(**own, at_least=bound, arithmetic=arithmetic, limits=limits)
    except ValueError as error:
        parser.error(str(error))
    verdicts = (examine(path, partial(read_certificate, path, limits), auditor) for path in options.certificates)
    return announce(verdicts, count=len(options.certificates), as_json=options.json, quiet=options.quiet)


if __name__ == "__main__":
    sys.exit(main())

"""The command line of certgen."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from certcheck import __version__
from certcheck.__main__ import parse_instance
from certcheck.network import ARCHITECTURES
from certgen.equivariant import EFFORTS
from certgen.failure import ExitCode, Failure
from certgen.generate import Request, generate

if TYPE_CHECKING:
    from collections.abc import Sequence

_EXIT_CODES = "exit codes: 2 wrong usage, " + ", ".join(f"{code.value} {code.name}" for code in ExitCode)


def build_parser() -> argparse.ArgumentParser:
    """The options of certgen."""
    parser = argparse.ArgumentParser(
        prog="certgen",
        description="Write a certificate that proves a lower bound on a model's accuracy, and check it.",
        epilog=_EXIT_CODES,
        allow_abbrev=False,
    )
    parser.add_argument("model", metavar="MODEL", help="a state dict in .pt or .pth, or a .safetensors file")
    parser.add_argument("-o", "--output", metavar="CERT", required=True, type=Path, help="the certificate to write")
    parser.add_argument(
        "--group",
        metavar="NAME|FILE|auto",
        default="auto",
        help="S<n>, A<n>, C<n>, D<n> (order 2n), Q8, products as S3xC2; a file of permutations or a multiplication "
        "table; or auto: as the model's answers say (default)",
    )
    parser.add_argument(
        "--architecture",
        metavar="NAME",
        help=f"one of {', '.join(ARCHITECTURES)}, or NAME:role=tensor,...; default: by the parameters' names",
    )
    parser.add_argument(
        "--instance", metavar="K", type=parse_instance, help="the network to take, if the file holds several"
    )
    parser.add_argument(
        "--method",
        choices=("auto", "rho-set", "equivariant", "exhaustive"),
        default="auto",
        help="how to prove it; auto: the cheapest that proves most",
    )
    parser.add_argument(
        "--no-cases", action="store_true", help="claim the pairs that the argument proves, and no others"
    )
    parser.add_argument(
        "--decomposition",
        metavar="FILE",
        help="prove it from this claimed decomposition, or refuse it (docs/format.md)",
    )
    parser.add_argument("--effort", choices=tuple(EFFORTS), default="default", help="how many decompositions to try")
    parser.add_argument("--force", action="store_true", help="replace the output if it exists")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--version", action="version", version=f"certgen {__version__}")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Certify a model and return the exit code."""
    parser = build_parser()
    options = parser.parse_args(arguments)
    if options.no_cases and options.method == "exhaustive":
        parser.error("--no-cases asks for the argument alone, --method exhaustive is cases alone: give one of them")
    if options.decomposition and options.method not in ("auto", "equivariant"):
        parser.error(f"--decomposition is for --method equivariant, not for {options.method}: give one of them")
    request = Request(
        model=options.model,
        output=options.output,
        group=options.group,
        architecture=options.architecture,
        instance=options.instance,
        force=options.force,
        as_json=options.json,
        method=options.method,
        cases=not options.no_cases,
        effort=options.effort,
        decomposition=options.decomposition,
    )
    try:
        return generate(request)
    except Failure as failure:
        print(f"certgen: {failure}", file=sys.stderr)
        return failure.code
    except KeyboardInterrupt:
        print("certgen: interrupted, nothing was written", file=sys.stderr)
        return ExitCode.INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())

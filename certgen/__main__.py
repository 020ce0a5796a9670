"""The command line of certgen."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from certcheck import __version__
from certcheck.__main__ import parse_instance
from certcheck.network import ARCHITECTURES
from certgen.ending import run_command, say
from certgen.equivariant import EFFORTS
from certgen.failure import ExitCode, Failure
from certgen.generate import Request, generate
from certgen.inspection import inspect
from certgen.inspection_report import report
from certgen.subject import Source, describe_subject, load_subject

if TYPE_CHECKING:
    from collections.abc import Sequence

# A model file of this name is certified as ./inspect.
_COMMANDS = "other commands: certgen inspect MODEL, what a network has learned"
_EXIT_CODES = "exit codes: 2 wrong usage, " + ", ".join(f"{code.value} {code.name}" for code in ExitCode)


def add_subject_options(parser: argparse.ArgumentParser) -> None:
    """The options that say which network and which group is meant."""
    parser.add_argument("model", metavar="MODEL", help="a state dict in .pt or .pth, or a .safetensors file")
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


def build_parser() -> argparse.ArgumentParser:
    """The options of certgen."""
    parser = argparse.ArgumentParser(
        prog="certgen",
        description="Write a certificate that proves a lower bound on a model's accuracy, and check it.",
        epilog=f"{_COMMANDS}; {_EXIT_CODES}",
        allow_abbrev=False,
    )
    add_subject_options(parser)
    parser.add_argument("-o", "--output", metavar="CERT", required=True, type=Path, help="the certificate to write")
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


def build_inspect_parser() -> argparse.ArgumentParser:
    """The options of certgen inspect."""
    parser = argparse.ArgumentParser(
        prog="certgen inspect",
        description="Tell what a network has learned: irreps, circuits, symmetries, and what can be proved of it.",
        epilog=_EXIT_CODES,
        allow_abbrev=False,
    )
    add_subject_options(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object (docs/inspect.md)")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return the exit code."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    commands = {"inspect": inspect_model}
    if given and given[0] in commands:
        return run_command("certgen", lambda: commands[given[0]](given[1:]))
    return run_command("certgen", lambda: certify_model(given))


def inspect_model(arguments: Sequence[str]) -> int:
    """Print the account of a network. Errors: Failure (MODEL, GROUP, NOT_PRINTED)."""
    options = build_inspect_parser().parse_args(arguments)
    subject = load_subject(Source(options.model, options.group, options.architecture, options.instance))
    if not options.json:
        _tell("\n".join(describe_subject(options.model, subject)))
    inspection = inspect(subject)
    if options.json:
        network, section = subject.model.network, subject.section
        own = {
            "model": options.model,
            "architecture": network.assignment.architecture.name,
            "formula": network.assignment.formula,
            "width": network.a.shape[1],
            "group": section.name,
            "order": subject.G.order,
            "labels_from": section.labels_from,
            "answers_read": subject.answers_read,
            "answers_repaired": subject.answers_repaired,
        }
        _tell(json.dumps(own | dataclasses.asdict(inspection)))
    else:
        _tell("\n".join(report(inspection)))
    return 0


def _tell(text: str) -> None:
    if not say(text):
        raise Failure(ExitCode.NOT_PRINTED, "standard output is closed or full: not all was printed")


def certify_model(arguments: Sequence[str]) -> int:
    """Certify a model and return the exit code. Errors: Failure."""
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
    return generate(request)


if __name__ == "__main__":
    sys.exit(main())

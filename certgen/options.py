"""The options of every command, one parser each: dispatch, completion and documents read them from here."""

from __future__ import annotations

import argparse
import re
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from certcheck import __version__
from certcheck.__main__ import parse_instance
from certcheck.network import ARCHITECTURES
from certcheck.verdict import BINARY32_BITS, FORMAT_VERSION
from certgen.claims import CROSS_ENTROPY, FACTOR
from certgen.cluster import LEAST_MEMORY
from certgen.completion import SHELLS
from certgen.equivariant import EFFORTS
from certgen.failure import ExitCode
from certgen.generate import METHODS
from certgen.recipe import RECIPES, parse_part, parse_seeds, parse_size

if TYPE_CHECKING:
    from collections.abc import Callable

FIGURE_SUFFIXES = (".svg", ".png", ".pdf")
# A number and its name stay together on a line.
_EXIT_CODES = textwrap.fill(
    "exit codes: 2\0wrong\0usage, " + ", ".join(f"{code.value}\0{code.name}" for code in ExitCode), 79
).replace("\0", " ")


def make_parser(command: str, description: str, examples: str, notes: str = "") -> argparse.ArgumentParser:
    """A parser whose help ends with examples, a line each, what else is to be known, and the exit codes."""
    return argparse.ArgumentParser(
        prog=command,
        description=description,
        epilog="\n\n".join(["examples:\n" + textwrap.indent(examples, "  "), *([notes] if notes else []), _EXIT_CODES]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


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


def parse_unit_roundoff(text: str) -> int:
    """K of 2^-K. Errors: ArgumentTypeError."""
    match = re.fullmatch(r"2\^-([1-9][0-9]?)", text)
    if match is None or int(match[1]) > BINARY32_BITS:
        raise argparse.ArgumentTypeError(f"expected 2^-K with K from 1 to {BINARY32_BITS}, got {text!r}")
    return int(match[1])


def build_parser() -> argparse.ArgumentParser:
    """The options of certgen."""
    parser = make_parser(
        "certgen",
        "Write a certificate that proves a lower bound on a model's accuracy, and check it.",
        "certgen model.pt -o cert.json\n"
        "certgen model.pt -o cert.json --group S5 --method rho-set --no-cases\n"
        "certgen model.pt -o cert.json --group table.csv --architecture mapped",
        "other commands, each with a --help of its own; a model file of such a name is ./NAME:\n"
        + "\n".join(f"  certgen {name:12}{purpose}" for name, (_, purpose) in COMMANDS.items()),
    )
    add_subject_options(parser)
    parser.add_argument("-o", "--output", metavar="CERT", required=True, type=Path, help="the certificate to write")
    parser.add_argument(
        "--method",
        choices=METHODS,
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
    parser.add_argument(
        "--cross-entropy",
        choices=CROSS_ENTROPY,
        default="argument",
        help="claim a bound on it as the argument gives it (default), or with the pairs evaluated that keep it within "
        f"{FACTOR} times the least",
    )
    parser.add_argument(
        "--unit-roundoff",
        metavar="2^-K",
        type=parse_unit_roundoff,
        default=BINARY32_BITS,
        help="of the arithmetic whose answers are claimed too (default: 2^-24, binary32); larger: TF32, bfloat16",
    )
    parser.add_argument("--force", action="store_true", help="replace the output if it exists")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--version", action="version", version=f"certgen {__version__}, format {FORMAT_VERSION}")
    return parser


def build_inspect_parser() -> argparse.ArgumentParser:
    """The options of certgen inspect."""
    parser = make_parser(
        "certgen inspect",
        "Tell what a network has learned: irreps, circuits, symmetries, and what can be proved of it.",
        "certgen inspect model.pt\ncertgen inspect model.pt --group S5 --json",
    )
    add_subject_options(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object (docs/inspect.md)")
    return parser


def parse_memory(text: str) -> int:
    """Bytes, enough for a worker: a number, with kB, MB, GB or KiB, MiB, GiB."""
    match = re.fullmatch(r"([0-9]{1,12})(?:([kKMG])(i?)B)?", text, re.ASCII)
    if match is None:
        raise argparse.ArgumentTypeError(f"expected a number of bytes such as 2GiB, got {text!r}")
    base, exponent = 1024 if match[3] else 1000, " kMG".index((match[2] or " ").replace("K", "k"))
    number = int(int(match[1]) * base**exponent)
    if number < LEAST_MEMORY:
        raise argparse.ArgumentTypeError(f"expected {LEAST_MEMORY // 10**6} MB at least, for a worker to begin")
    return number


def parse_positive(text: str) -> int:
    """A number from 1."""
    if not re.fullmatch("[1-9][0-9]{0,5}", text, re.ASCII):
        raise argparse.ArgumentTypeError(f"expected a number from 1, got {text!r}")
    return int(text)


def build_sweep_parser() -> argparse.ArgumentParser:
    """The options of certgen sweep."""
    parser = make_parser(
        "certgen sweep",
        "Certify and check many models side by side: one row a model in results.parquet and results.csv.",
        "certgen sweep models -o results\ncertgen sweep models -o results --no-cases --timeout 600 --workers 8",
        "docs/sweep.md explains the columns.",
    )
    parser.add_argument("models", metavar="DIR|FILE", nargs="+", help="model files, and folders of them")
    parser.add_argument("-o", "--output", metavar="RESULTS", required=True, type=Path, help="the folder for the rows")
    parser.add_argument(
        "--group",
        metavar="NAME|FILE|auto",
        help="as for certgen, for all models; default: each model's card, or models.json in its folder, or auto",
    )
    parser.add_argument("--architecture", metavar="NAME", help="as for certgen, for all models")
    parser.add_argument("--instance", metavar="K", type=parse_instance, help="as for certgen, for all models")
    parser.add_argument("--effort", choices=tuple(EFFORTS), default="default", help="as for certgen")
    parser.add_argument("--no-cases", action="store_true", help="as for certgen; what takes longest is left out")
    parser.add_argument("--certificates", action="store_true", help="keep them, in RESULTS/certificates")
    parser.add_argument("--timeout", metavar="S", type=parse_positive, help="seconds that one model may take")
    parser.add_argument("--workers", metavar="N", type=parse_positive, help="worker processes; default: one a core")
    parser.add_argument("--memory", metavar="BYTES", type=parse_memory, help="of a worker, as 2GiB; default: its part")
    parser.add_argument("--scheduler", metavar="tcp://HOST:PORT", help="work on the cluster of this Dask scheduler")
    parser.add_argument("--retry", action="store_true", help="try models again whose worker died or that took too long")
    parser.add_argument("--force", action="store_true", help="replace tables of other models, options or versions")
    return parser


def parse_figure(text: str) -> Path:
    """The name of a figure's file. Errors: ArgumentTypeError."""
    if Path(text).suffix not in FIGURE_SUFFIXES:
        raise argparse.ArgumentTypeError(f"expected a name that ends in one of {', '.join(FIGURE_SUFFIXES)}")
    return Path(text)


def build_compare_parser() -> argparse.ArgumentParser:
    """The options of certgen compare."""
    parser = make_parser(
        "certgen compare",
        "Print the shares of models with a bound of 95 %, 99 %, 100 % and 0 beside the published figures.",
        "certgen compare results\ncertgen compare results other/results.csv -o comparison.svg",
    )
    parser.add_argument(
        "results", metavar="RESULTS", nargs="+", help="the folders of sweeps, or their tables, Parquet or CSV"
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="FIGURE",
        type=parse_figure,
        help=f"draw the bounds' distribution: {', '.join(FIGURE_SUFFIXES)}",
    )
    parser.add_argument("--force", action="store_true", help="replace the output if it exists")
    return parser


def build_report_parser() -> argparse.ArgumentParser:
    """The options of certgen report."""
    parser = make_parser(
        "certgen report",
        "Make a page of a certificate or of a sweep: one file that opens in a browser and fetches nothing.",
        "certgen report cert.json -o report.html\n"
        "certgen report cert.json --figures figures\n"
        "certgen report results -o results.html",
        "A page is a picture, the proof is the certificate: docs/report.md.",
    )
    parser.add_argument(
        "source", metavar="CERT|RESULTS", type=Path, help="a certificate, or the folder of a sweep or its table"
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="PAGE",
        type=Path,
        help="the page; those of a sweep's models are in the folder PAGE.models beside it",
    )
    parser.add_argument("--figures", metavar="DIR", type=Path, help="write every figure there, as SVG and PNG")
    parser.add_argument("--force", action="store_true", help="replace files that exist")
    return parser


def build_train_parser() -> argparse.ArgumentParser:
    """The options of certgen train."""
    parser = make_parser(
        "certgen train",
        "Train networks on the multiplication of a group by a published recipe, many seeds at once.",
        "certgen train --group S4 --recipe wu --seeds 0-19 -o models\n"
        "certgen train --group A5 --hidden 256 --part 0.4 --device cuda -o models",
        "docs/training.md explains the recipes, the files and the stopping rule.",
    )
    parser.add_argument("--group", metavar="NAME|FILE", required=True, help="as of certgen, but not auto")
    parser.add_argument("--recipe", choices=tuple(RECIPES), default="wu", help="whose recipe (default: wu)")
    parser.add_argument("--seeds", metavar="LIST", type=parse_seeds, default=(0,), help="0-19 or 0,3,5-7 (default: 0)")
    parser.add_argument("-o", "--output", metavar="DIR", required=True, type=Path, help="the folder of the models")
    parser.add_argument("--hidden", metavar="M", type=parse_size, help="the hidden width")
    parser.add_argument("--part", metavar="PART", type=parse_part, help="of all pairs, to train on")
    parser.add_argument("--epochs", metavar="N", type=parse_size, help="the ceiling of epochs")
    parser.add_argument("--batch", metavar="N", type=parse_size, help="seeds at once (default: as memory allows)")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="auto: cuda if there is one")
    parser.add_argument("--no-early-stop", action="store_true", help="train up to the ceiling, settled or not")
    parser.add_argument("--force", action="store_true", help="train and replace models that are there")
    parser.add_argument("--json", action="store_true", help="print one JSON object (docs/training.md)")
    return parser


def build_completion_parser() -> argparse.ArgumentParser:
    """The options of certgen completion."""
    parser = make_parser(
        "certgen completion",
        "Print a script by which a shell completes the options of certgen and certcheck.",
        'eval "$(certgen completion bash)"\n'
        'eval "$(certgen completion zsh)"\n'
        "certgen completion tcsh > completion.csh; source completion.csh",
    )
    parser.add_argument("shell", choices=SHELLS, help="the shell that reads the script")
    return parser


# The commands beside that without a name, their parsers, and what each is for.
COMMANDS: dict[str, tuple[Callable[[], argparse.ArgumentParser], str]] = {
    "inspect": (build_inspect_parser, "what a network has learned"),
    "train": (build_train_parser, "make networks by a published recipe"),
    "sweep": (build_sweep_parser, "many models side by side"),
    "compare": (build_compare_parser, "the bounds of sweeps beside the published ones"),
    "report": (build_report_parser, "a page to look at, of a certificate or a sweep"),
    "completion": (build_completion_parser, "complete options in a shell"),
}

"""The command line of certgen."""

from __future__ import annotations

import argparse
import dataclasses
import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from certcheck import __version__
from certcheck.__main__ import parse_instance
from certcheck.network import ARCHITECTURES
from certcheck.verdict import BINARY32_BITS
from certgen.claims import CROSS_ENTROPY, FACTOR, Scope
from certgen.cluster import LEAST_MEMORY, Place
from certgen.comparison import describe_sweeps
from certgen.ending import run_command, say
from certgen.equivariant import EFFORTS
from certgen.extra import needing
from certgen.failure import ExitCode, Failure
from certgen.generate import Request, generate
from certgen.inspection import inspect
from certgen.inspection_report import describe_inspection
from certgen.output import expect_writable, write_files
from certgen.recipe import RECIPES, Wishes, choose_plan, parse_part, parse_seeds, parse_size
from certgen.row import Options
from certgen.subject import Source, describe_subject, load_subject
from certgen.sweep import Plan, sweep
from certgen.table import read_table

if TYPE_CHECKING:
    from collections.abc import Sequence

FIGURE_SUFFIXES = (".svg", ".png", ".pdf")
# A model file of the name of a command is certified as ./inspect.
_COMMANDS = (
    "other commands: certgen inspect MODEL, what a network has learned; certgen train, make networks; "
    "certgen sweep DIR -o RESULTS, many models; certgen compare RESULTS, their bounds beside the published ones; "
    "certgen report CERT -o PAGE, a page to look at"
)
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


def parse_unit_roundoff(text: str) -> int:
    """K of 2^-K. Errors: ArgumentTypeError."""
    match = re.fullmatch(r"2\^-([1-9][0-9]?)", text)
    if match is None or int(match[1]) > BINARY32_BITS:
        raise argparse.ArgumentTypeError(f"expected 2^-K with K from 1 to {BINARY32_BITS}, got {text!r}")
    return int(match[1])


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
    parser = argparse.ArgumentParser(
        prog="certgen sweep",
        description="Certify and check many models side by side: one row a model in results.parquet and results.csv.",
        epilog=f"docs/sweep.md explains the columns; {_EXIT_CODES}",
        allow_abbrev=False,
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
    parser = argparse.ArgumentParser(
        prog="certgen compare",
        description="Print the shares of models with a bound of 95 %, 99 %, 100 % and 0 beside the published figures.",
        epilog=_EXIT_CODES,
        allow_abbrev=False,
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
    parser = argparse.ArgumentParser(
        prog="certgen report",
        description="Make a page of a certificate or of a sweep: one file that opens in a browser and fetches nothing.",
        epilog=f"a page is a picture, the proof is the certificate; {_EXIT_CODES}",
        allow_abbrev=False,
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
    parser = argparse.ArgumentParser(
        prog="certgen train",
        description="Train networks on the multiplication of a group by a published recipe, many seeds at once.",
        epilog=f"the recipes, the files and the stopping rule: docs/training.md; {_EXIT_CODES}",
        allow_abbrev=False,
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


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return the exit code."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    commands = {
        "inspect": inspect_model,
        "train": train_networks,
        "sweep": sweep_models,
        "compare": compare_sweeps,
        "report": write_report,
    }
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
        _tell("\n".join(describe_inspection(inspection)))
    return 0


def train_networks(arguments: Sequence[str]) -> int:
    """Train and write the seeds that are not there yet. Errors: Failure (GROUP, OUTPUT, NOT_PRINTED, a signal)."""
    parser = build_train_parser()
    options = parser.parse_args(arguments)
    # torch takes a second to load, which the other commands can do without.
    from certgen.model_folder import TrainingRequest, choose_group, find_device, find_setting_name, train_models  # noqa: PLC0415

    device = find_device(options.device)
    if device is None:
        parser.error("--device cuda: torch finds no CUDA device here")
    name, G = choose_group(options.group)
    wishes = Wishes(options.hidden, options.part, options.epochs, early_stop=not options.no_early_stop)
    plan = choose_plan(RECIPES[options.recipe], find_setting_name(name, G), G.order, wishes)
    request = TrainingRequest(name, G, plan, options.seeds, options.output, device, options.batch, force=options.force)
    printed: list[bool] = []
    rows = train_models(request, lambda line: printed.append(options.json or say(line)))
    if options.json:
        printed.append(
            say(json.dumps({"folder": str(request.folder), "recipe": dataclasses.asdict(plan), "models": rows}))
        )
    if not all(printed):
        sentence = f"{request.folder}: trained and written, but standard output is closed or full"
        raise Failure(ExitCode.NOT_PRINTED, sentence)
    return 0


def _tell(text: str) -> None:
    if not say(text):
        raise Failure(ExitCode.NOT_PRINTED, "standard output is closed or full: not all was printed")


def sweep_models(arguments: Sequence[str]) -> int:
    """Certify many models and return the exit code. Errors: Failure."""
    parser = build_sweep_parser()
    options = parser.parse_args(arguments)
    if options.scheduler is not None and (options.workers or options.memory):
        parser.error("--workers and --memory are of workers here, --scheduler has its own: give one of them")
    return sweep(
        Plan(
            models=options.models,
            output=options.output,
            group=options.group,
            options=Options(options.architecture, options.instance, options.effort, not options.no_cases),
            place=Place(options.scheduler, options.workers, options.memory),
            timeout=options.timeout,
            certificates=options.certificates,
            retry=options.retry,
            force=options.force,
        )
    )


def compare_sweeps(arguments: Sequence[str]) -> int:
    """Print the shares, draw the figure, and return the exit code. Errors: Failure."""
    parser = build_compare_parser()
    options = parser.parse_args(arguments)
    if len(set(options.results)) < len(options.results):
        parser.error("each of RESULTS once")
    if options.output is not None:
        with needing("report"):
            from certgen.figure import write_image  # noqa: PLC0415 - packages of its own
            from certgen.sweep_figures import draw_bounds  # noqa: PLC0415 - the same

        expect_writable(options.output, (), force=options.force)
    sweeps = {name: read_table(Path(name)) for name in options.results}
    _tell("\n".join(describe_sweeps(sweeps)))
    if options.output is not None:
        image = write_image(draw_bounds(sweeps), options.output.suffix)
        write_files({options.output: image}, force=options.force)
        _tell(f"\nfigure        {options.output}")
    return 0


def write_report(arguments: Sequence[str]) -> int:
    """Write the page and the figures, and return the exit code. Errors: Failure."""
    parser = build_report_parser()
    options = parser.parse_args(arguments)
    if options.output is None and options.figures is None:
        parser.error("give -o PAGE, --figures DIR or both")
    with needing("report"):
        from certgen.report import Wish, report  # noqa: PLC0415 - packages of its own

    _tell("\n".join(report(Wish(options.source, options.output, options.figures, options.force))))
    return 0


def certify_model(arguments: Sequence[str]) -> int:
    """Certify a model and return the exit code. Errors: Failure."""
    parser = build_parser()
    options = parser.parse_args(arguments)
    if options.no_cases and options.method == "exhaustive":
        parser.error("--no-cases asks for the argument alone, --method exhaustive is cases alone: give one of them")
    if options.no_cases and options.cross_entropy == "cases":
        parser.error("--no-cases evaluates no pair, --cross-entropy cases some: give one of them")
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
        scope=Scope(options.unit_roundoff, options.cross_entropy),
    )
    return generate(request)


if __name__ == "__main__":
    sys.exit(main())

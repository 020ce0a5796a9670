"""The command line of certgen."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from certcheck.__main__ import build_parser as build_certcheck_parser
from certcheck.verdict import list_fields
from certgen.certification import Certificate, certify_subject
from certgen.claims import Scope
from certgen.cluster import Place
from certgen.comparison import describe_sweeps
from certgen.completion import write_script
from certgen.ending import find_code, run_command, say, uninterrupted
from certgen.extra import needing
from certgen.failure import ExitCode, Failure, quote
from certgen.generate import Request
from certgen.inspection import inspect
from certgen.inspection_report import describe_inspection
from certgen.options import COMMANDS, build_parser
from certgen.output import expect_writable, write_files
from certgen.recipe import RECIPES, Wishes, choose_plan
from certgen.row import Options
from certgen.subject import Source, describe_subject, load_subject
from certgen.sweep import Plan, sweep
from certgen.table import read_table

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return the exit code."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    runs = {
        "inspect": inspect_model,
        "train": train_networks,
        "sweep": sweep_models,
        "compare": compare_sweeps,
        "report": write_report,
        "completion": print_completion,
    }
    name = given.pop(0) if given and given[0] in COMMANDS else None

    def run() -> int:
        parser = build_parser() if name is None else COMMANDS[name][0]()
        return (certify_model if name is None else runs[name])(parser, parser.parse_args(given))

    return run_command("certgen", run)


def certify_model(parser: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    """Certify a model, write the certificate and tell of it; the exit code. Errors: Failure."""
    try:
        request = Request(
            method=options.method,
            cases=not options.no_cases,
            effort=options.effort,
            decomposition=options.decomposition,
            scope=Scope(options.unit_roundoff, options.cross_entropy),
        )
    except ValueError as error:
        parser.error(str(error))
    inputs = (options.model, options.group, options.decomposition or options.model)
    expect_writable(options.output, inputs, force=options.force)
    subject = load_subject(Source(options.model, options.group, options.architecture, options.instance))
    write(certify_subject(subject, request), options)
    return ExitCode.VERIFIED


def write(certificate: Certificate, options: argparse.Namespace) -> None:
    """Save a certificate and tell of it. Errors: Failure (OUTPUT, NOT_PRINTED and those of signals)."""
    is_written = False
    try:
        with uninterrupted():
            certificate.save(options.output, force=options.force)
            is_written = True
        if options.json:
            own = {"certificate": str(options.output), "model": options.model}
            answers = {"answers_read": certificate.answers_read, "answers_repaired": certificate.answers_repaired}
            printed = say(json.dumps(list_fields(certificate.verdict) | own | answers))
        else:
            file = f"certificate   {quote(str(options.output))}: {len(certificate.data)} bytes"
            printed = say(f"{certificate}\n{file}")
    except KeyboardInterrupt as interruption:
        if not is_written:
            raise
        sentence = f"{options.output}: written and verified before the interruption"
        raise Failure(find_code(interruption), sentence) from interruption
    if not printed:
        sentence = f"{options.output}: written and verified, but standard output is closed or full: not all was printed"
        raise Failure(ExitCode.NOT_PRINTED, sentence)


def print_completion(_: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    """Print the script for a shell. Errors: Failure (NOT_PRINTED)."""
    commands = {name: build() for name, (build, _) in COMMANDS.items()}
    _tell(write_script(build_parser(), commands, options.shell))
    _tell(write_script(build_certcheck_parser(), {}, options.shell))
    return 0


def inspect_model(_: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    """Print the account of a network. Errors: Failure (MODEL, GROUP, NOT_PRINTED)."""
    subject = load_subject(Source(options.model, options.group, options.architecture, options.instance))
    if not options.json:
        _tell("\n".join(describe_subject(subject)))
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


def train_networks(parser: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    """Train and write the seeds that are not there yet. Errors: Failure (GROUP, OUTPUT, NOT_PRINTED, a signal)."""
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


def sweep_models(parser: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    """Certify many models and return the exit code. Errors: Failure."""
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


def compare_sweeps(parser: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    """Print the shares, draw the figure, and return the exit code. Errors: Failure."""
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


def write_report(parser: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    """Write the page and the figures, and return the exit code. Errors: Failure."""
    if options.output is None and options.figures is None:
        parser.error("give -o PAGE, --figures DIR or both")
    with needing("report"):
        from certgen.report import Wish, report  # noqa: PLC0415 - packages of its own

    _tell("\n".join(report(Wish(options.source, options.output, options.figures, options.force))))
    return 0


if __name__ == "__main__":
    sys.exit(main())

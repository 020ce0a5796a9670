"""Run by mkdocs: commands.md, the command reference, made from the parsers, exit codes and reasons in the code.

The meanings of exit codes and verdicts are those of the tables in README.md.
"""

from __future__ import annotations

import argparse
import itertools
import re
from collections import Counter
from pathlib import Path

import mkdocs_gen_files

import certcheck.__main__
import certcheck.specification.__main__
from certcheck.limits import LIMITS
from certcheck.verdict import Reason, Status
from certgen.failure import ExitCode
from certgen.options import COMMANDS, build_parser

README = Path(__file__).resolve().parents[1] / "README.md"
EXIT_CODES, VERDICTS = "| exit code of certgen | meaning |", "| verdict | exit code | meaning |"
DOCUMENT = re.compile(r"docs/(\w+\.md)")
WIDTH = 80
USAGE = 2

HEAD = """\
# Command reference

Made from the code when the site is built: what is here is what `--help` says.
How the commands are used, step by step: [five minutes](start.md), [auditor's guide](auditor.md).

"""


def read_table(header: str) -> list[list[str]]:
    """The rows of README's table with this header, each a list of cells. Errors: ValueError if there is none."""
    lines = README.read_text().splitlines()
    rows = itertools.takewhile(lambda line: line.startswith("|"), lines[lines.index(header) + 2 :])
    return [row.strip("| ").split(" | ") for row in rows]


def read_meanings() -> dict[str, str]:
    """What README says of each exit code of certgen, by the code, and of each verdict, by its name."""
    meanings = {name.strip("`").removeprefix("s "): meaning for name, _, meaning in read_table(VERDICTS)}
    for codes, meaning in read_table(EXIT_CODES):
        meanings |= dict.fromkeys(codes.split(", "), meaning)
    return meanings


def escape(text: str) -> str:
    """Text in a cell of a table; a document that it names is a link."""
    plain = text.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*").replace("_", "\\_")
    return DOCUMENT.sub(r"[docs/\1](\1)", plain)


def describe_option(parser: argparse.ArgumentParser, action: argparse.Action) -> str:
    """A row: how it is given, and what it means."""
    formatter = argparse.HelpFormatter(parser.prog)
    values = formatter._format_args(action, str(action.metavar or action.dest))  # noqa: SLF001 - as --help has them
    # A choice of words has its words in the place of a value.
    if action.choices and action.metavar is None:
        values = "|".join(map(str, action.choices))
    value = f" {values}" if action.nargs != 0 else ""
    names = ", ".join(action.option_strings)
    given = f"{names}{value}" if names else values
    required = "; required" if action.required and names else ""
    meaning = formatter._expand_help(action) if action.help else ""  # noqa: SLF001
    return f"| `{given}` | {escape(meaning)}{required} |"


def describe_parser(parser: argparse.ArgumentParser) -> list[str]:
    """A section: what the command does, its usage, its options."""
    lines = [f"## {parser.prog}", "", escape(parser.description or ""), ""]
    formatter = argparse.HelpFormatter(parser.prog, width=WIDTH)
    formatter.add_usage(parser.usage, parser._actions, parser._mutually_exclusive_groups)  # noqa: SLF001
    lines += ["```text", formatter.format_help().strip(), "```", ""]
    shown = [action for action in parser._actions if action.help != argparse.SUPPRESS]  # noqa: SLF001
    lines += ["| option | meaning |", "|---|---|", *(describe_option(parser, action) for action in shown), ""]
    # Exit codes and other commands have places of their own here.
    paragraphs = (parser.epilog or "").strip().split("\n\n")
    kept = [text for text in paragraphs if not text.startswith(("exit codes", "other commands"))]
    return [*lines, "```text", "\n\n".join(kept), "```", ""] if kept else lines


def describe_specification() -> list[str]:
    """The section of certcheck-spec, which has no options."""
    usage = certcheck.specification.__main__.USAGE
    return [
        "## certcheck-spec",
        "",
        "Decide certificates a second time, from the documents alone: Python's integers and fractions, up to order 60.",
        "A line each; the exit code is the worst of all, and the codes are those of certcheck.",
        "",
        "```text",
        usage,
        "```",
        "",
    ]


def describe_codes() -> list[str]:
    """Tables of exit codes. Errors: KeyError where README says nothing of a code."""
    meanings = read_meanings()
    lines = ["## Exit codes of certgen", "", "| code | name | meaning |", "|---|---|---|"]
    names = {USAGE: ""} | {code.value: f"`{code.name}`" for code in ExitCode}
    lines += [f"| {code} | {name} | {meanings[str(code)]} |" for code, name in sorted(names.items())]
    lines += ["", "## Verdicts and exit codes of certcheck", "", "| verdict | exit code | meaning |", "|---|---|---|"]
    lines += [f"| `s {status.name}` | {status.value} | {meanings[status.name]} |" for status in Status]
    interrupted = certcheck.__main__.INTERRUPTED
    end = f"Wrong usage is {USAGE}, Control-C {interrupted}. Of several certificates the worst code is given."
    return [*lines, "", end, ""]


def describe_reasons() -> list[str]:
    """A table of every reason to refuse a certificate."""
    counts = Counter(reason.status for reason in Reason)
    listed = ", ".join(f"{counts[status]} {status.name}" for status in Status if counts[status])
    return [
        "## Reasons",
        "",
        "A certificate that is not verified is refused for one reason, which the verdict line names after the status:",
        "`s STATUS REASON: meaning; where: expected ..., got ...`.",
        f"There are {len(Reason)}: {listed}.",
        "What to do about one: [auditor's guide](auditor.md#read-a-refusal).",
        "",
        "| reason | status | meaning |",
        "|---|---|---|",
        *(f"| `{reason.name}` | {reason.status.name} | {escape(reason.meaning)} |" for reason in Reason),
        "",
    ]


def describe_limits() -> list[str]:
    """What `certcheck --limits` prints."""
    return [
        "## Limits of certcheck",
        "",
        "`certcheck --limits`; `--limit NAME=N` changes one, and none decides whether a claim is true.",
        "",
        "```text",
        LIMITS.describe(),
        "```",
        "",
    ]


def describe_commands() -> str:
    """The page."""
    lines: list[str] = []
    for build in (build_parser, *(build for build, _ in COMMANDS.values()), certcheck.__main__.build_parser):
        lines += describe_parser(build())
    lines += [*describe_specification(), *describe_codes(), *describe_reasons(), *describe_limits()]
    return HEAD + "\n".join(lines)


if __name__ in ("__main__", "<run_path>"):
    with mkdocs_gen_files.open("commands.md", "w") as page:
        page.write(describe_commands())

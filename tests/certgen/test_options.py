"""The parsers of certgen and certcheck: what their help says, and that its examples are right."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

import pytest

from certcheck.__main__ import build_parser as build_certcheck_parser
from certgen.failure import ExitCode
from certgen.options import COMMANDS, build_parser

if TYPE_CHECKING:
    import argparse

PARSERS = [build_certcheck_parser(), build_parser(), *(build() for build, _ in COMMANDS.values())]


@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.prog)
def test_the_help_ends_with_examples_that_are_right(parser: argparse.ArgumentParser) -> None:
    """A page of at most 80 lines: what it is for, options, examples a line each, exit codes; each example is parsed."""
    text = parser.format_help()
    assert parser.description is not None
    assert parser.description in text
    assert len(text.splitlines()) <= 80
    examples = re.findall(r"^  (?!certgen \w+ {2})(.*)$", text.partition("\nexamples:\n")[2], re.MULTILINE)
    assert len(examples) > 1
    for example in examples:
        command = re.sub(r'eval "\$\((.*)\)"| > .*', r"\1", example)
        own, arguments = command[: len(parser.prog)], command[len(parser.prog) :]
        assert own == parser.prog
        parser.parse_args(shlex.split(arguments))
    assert "exit codes: " in text


@pytest.mark.parametrize("parser", PARSERS[1:], ids=lambda parser: parser.prog)
def test_the_help_lists_every_exit_code_unbroken(parser: argparse.ArgumentParser) -> None:
    """A number and its name are on one line."""
    for code in ExitCode:
        assert re.search(rf"[ \n]{code.value} {code.name}[,\n]", parser.format_help())


def test_the_help_lists_every_command() -> None:
    """With what it is for."""
    for name, (build, purpose) in COMMANDS.items():
        assert build().prog == f"certgen {name}"
        assert re.search(rf"^  certgen {name} +{purpose}$", build_parser().format_help(), re.MULTILINE)

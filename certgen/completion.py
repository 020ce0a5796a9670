"""Scripts by which shells complete the options of certgen and certcheck."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

import shtab

SHELLS = ("bash", "zsh", "tcsh")
# What a metavar of ours may name.
_FILES = {"MODEL", "CERT", "FILE", "FIGURE", "DIR", "RESULTS", "PAGE"}

# Files in the place of a command, and after one the options of the program itself.
_FILES_TOO = {
    "bash": "_shtab_certgen_pos_0_COMPGEN=_shtab_compgen_files",
    "zsh": """\
_shtab_certgen_own=($_shtab_certgen_options '*: :_files')
functions[_shtab_certgen_all]=$functions[_shtab_certgen]
functions[_shtab_certgen_names]=$functions[_shtab_certgen_commands]
_shtab_certgen_commands() { _shtab_certgen_names; _files }
_shtab_certgen() {
  if (( CURRENT > 2 && ! $+parameters[_shtab_certgen_${words[2]}_options] )); then
    _arguments -s $_shtab_certgen_own
  else
    _shtab_certgen_all "$@"
  fi
}""",
}


def write_script(parser: argparse.ArgumentParser, commands: Mapping[str, argparse.ArgumentParser], shell: str) -> str:
    """The script for a program whose first argument may be one of these commands in place of a file."""
    for each in (parser, *commands.values()):
        for action in each._actions:  # noqa: SLF001 - argparse has no other list of them
            if action.choices is None and _FILES & set(str(action.metavar).split("|")):
                action.complete = shtab.FILE  # type: ignore[attr-defined]
    if not commands:
        return shtab.complete(parser, shell)
    # The commands take the place of the file: shtab knows of one or the other, so that files are added afterwards.
    whole = argparse.ArgumentParser(prog=parser.prog, description=parser.description, add_help=False)
    for action in parser._actions:  # noqa: SLF001 - the same
        if action.option_strings:
            whole._add_action(action)  # noqa: SLF001 - the same
    group = whole.add_subparsers()
    for name, command in commands.items():
        group.add_parser(name, parents=[command], add_help=False, help=command.description)
    return shtab.complete(whole, shell, preamble=_FILES_TOO.get(shell, ""))

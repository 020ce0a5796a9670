"""What shells complete, as far as a shell is here to ask."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from certgen.__main__ import main
from certgen.completion import SHELLS
from certgen.failure import ExitCode
from certgen.options import COMMANDS

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("certgen ", {"model.pt", *COMMANDS}),
        ("certgen mo", {"model.pt"}),
        ("certgen in", {"inspect"}),
        ("certgen model.pt --me", {"--method"}),
        ("certgen model.pt --method ", {"auto", "rho-set", "equivariant", "exhaustive"}),
        ("certgen model.pt --group m", {"model.pt"}),
        ("certgen inspect --js", {"--json"}),
        ("certgen inspect m", {"model.pt"}),
        ("certgen train --recipe ", {"wu", "chughtai"}),
        ("certgen completion ", set(SHELLS)),
        ("certcheck m", {"model.pt"}),
        ("certcheck model.pt --at", {"--at-least"}),
        ("certcheck --model m", {"model.pt"}),
    ],
)
def test_bash_completes(line: str, expected: set[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Commands, files, options and choices, of both programs, by a bash that has read the script."""
    bash = shutil.which("bash")
    assert bash is not None
    (tmp_path / "model.pt").touch()
    assert main(["completion", "bash"]) == ExitCode.VERIFIED
    words = line.split(" ")
    program = (
        f"{capsys.readouterr().out}\nCOMP_WORDS=({' '.join(repr(w) for w in words)}); COMP_CWORD={len(words) - 1}\n"
        f"_shtab_{words[0]}\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"\n"
    )
    command = [bash, "--norc", "--noprofile", "-c", program]
    run = subprocess.run(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True, check=True)
    assert set(run.stdout.split()) == expected


@pytest.mark.parametrize("shell", SHELLS)
def test_every_shell_gets_both_programs(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With commands, options and choices."""
    assert main(["completion", shell]) == ExitCode.VERIFIED
    script = capsys.readouterr().out
    for word in ("certcheck", "at-least", "certgen", "chughtai", *COMMANDS):
        assert word in script

"""The command, run in a folder of its own."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import pytest

from certgen.__main__ import main
from tests.certgen.command import OUTPUT, Run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Run]:
    """The command, run in a folder of its own, with -o cert.json unless it is said otherwise."""
    monkeypatch.chdir(tmp_path)

    def run_here(*arguments: str, output: str = OUTPUT) -> Run:
        capsys.readouterr()
        # A warning is a second sentence on the user's terminal.
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            code = main([*arguments, "-o", output])
        assert [str(warning.message) for warning in caught] == []
        printed = capsys.readouterr()
        return Run(code, printed.out, printed.err)

    return run_here

"""Packages that only some commands need."""

from __future__ import annotations

import importlib
from typing import Any

from certgen.failure import ExitCode, Failure


def load_extra(module: str) -> Any:  # noqa: ANN401 - a module of a package without types
    """The module of a package of the extra `sweep`. Errors: Failure (MISSING)."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        sentence = f"this needs the package {module.partition('.')[0]}: pip install 'certgen[sweep]' brings it"
        raise Failure(ExitCode.MISSING, sentence) from error

"""Packages that only some commands need."""

from __future__ import annotations

import contextlib
import importlib
from typing import TYPE_CHECKING, Any

from certgen.failure import ExitCode, Failure

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def needing(extra: str) -> Iterator[None]:
    """Imports of packages of this extra. Errors: Failure (MISSING)."""
    try:
        yield
    except ModuleNotFoundError as error:
        package = str(error.name).partition(".")[0]
        sentence = f"this needs the package {package}: pip install 'certgen[{extra}]' brings it"
        raise Failure(ExitCode.MISSING, sentence) from error


def load_extra(module: str) -> Any:  # noqa: ANN401 - a module of a package without types
    """The module of a package of the extra `sweep`. Errors: Failure (MISSING)."""
    with needing("sweep"):
        return importlib.import_module(module)

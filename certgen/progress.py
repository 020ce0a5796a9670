"""A bar on the terminal for long work."""

from __future__ import annotations

import contextlib
from contextvars import ContextVar
from typing import TYPE_CHECKING, TypeVar

from rich.console import Console
from rich.progress import track

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Item = TypeVar("Item")

_is_silent: ContextVar[bool] = ContextVar("is_silent", default=False)


def follow(items: Iterable[Item], what: str, total: int) -> Iterator[Item]:
    """The items, with a bar on standard error while they are taken, if that is a terminal."""
    console = None if _is_silent.get() else Console(stderr=True)
    if console is not None and console.is_terminal:
        items = track(items, what, total, console=console, transient=True)
    yield from items


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """No bars meanwhile: the workers of a sweep share one terminal."""
    token = _is_silent.set(True)
    try:
        yield
    finally:
        _is_silent.reset(token)

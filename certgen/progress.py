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
    console = Console(stderr=True)
    is_hidden = _is_silent.get() or not console.is_terminal
    yield from track(items, what, total, console=console, transient=True, disable=is_hidden)


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """No bars meanwhile: the workers of a sweep share one terminal."""
    token = _is_silent.set(True)
    try:
        yield
    finally:
        _is_silent.reset(token)

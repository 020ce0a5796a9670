"""What the index says of a vector."""

from __future__ import annotations

from dataclasses import dataclass

from tests.vectors.edits import write_canonically
from tests.vectors.make.document import Document
from tests.vectors.make.edits import Making


@dataclass(frozen=True)
class Valid:
    """A certificate that is verified, what it shows, and how many pairs are proved by argument and by cases.

    float32: the same in the arithmetic that it speaks of, if it claims something there.
    """

    name: str
    shows: str
    document: Document
    by_argument: int
    by_cases: int
    arguments: tuple[str, ...] = ()
    text: str | None = None
    float32: tuple[int, int] | None = None

    @property
    def data(self) -> bytes:
        """The file."""
        return write_canonically(self.document) if self.text is None else self.text.encode("ascii")


@dataclass(frozen=True)
class Invalid:
    """A certificate that is refused: its twin, the edits, reason and place, and the false claim behind it."""

    name: str
    twin: str
    edits: Making | tuple[Making, ...]
    reason: str
    where: str
    why: str
    arguments: tuple[str, ...] = ()

"""The six results, and how the others are reached than by proof."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import NoReturn


class Status(Enum):
    """The results; the values are the exit codes."""

    VERIFIED = 0
    REJECTED = 10
    DECLINED = 20
    MALFORMED = 30
    LIMIT = 40
    ERROR = 50


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided of one certificate; the numbers are those of a proof and 0 without one."""

    status: Status
    where: str = ""
    why: str = ""
    correct_pairs_at_least: int = 0
    by_argument: int = 0
    by_cases: int = 0
    pairs: int = 0
    other_claims: tuple[str, ...] = ()

    def __str__(self) -> str:
        """One line in ASCII."""
        if self.status is not Status.VERIFIED:
            return f"s {self.status.name} {self.where}: {self.why}"
        claim = f"{self.correct_pairs_at_least} of {self.pairs} pairs"
        counts = f"{self.by_argument} by the argument, {self.by_cases} by cases"
        return ", ".join((f"s VERIFIED {claim}", counts, *self.other_claims))


class RefusalError(Exception):
    """The certificate is not verified."""

    def __init__(self, status: Status, where: str, why: str) -> None:
        super().__init__(where, why)
        self.decision = Decision(status, where, why)


def reject(where: str, why: str, status: Status = Status.REJECTED) -> NoReturn:
    """Does not return: a claim is false or not proved, or the status says what else."""
    raise RefusalError(status, where, why)


def malform(where: str, why: str) -> NoReturn:
    """Does not return: the bytes are not a certificate of the format."""
    reject(where, why, Status.MALFORMED)

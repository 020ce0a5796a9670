"""What a check may use: every limit is declared here, printed by `certcheck --limits`, and raised by `--limit`.

None of them decides whether a claim is true: what exceeds one is refused as LIMIT, and a larger limit accepts nothing
that is not proved.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields

from certcheck.verdict import Reason, reject


def _limit(default: int, reason: Reason, unit: str) -> int:
    value: int = field(default=default, metadata={"reason": reason, "unit": unit})
    return value


@dataclass(frozen=True, slots=True)
class Limits:
    """The most of everything. Names are those of `--limit NAME=NUMBER`."""

    bytes: int = _limit(2**26, Reason.FILE_TOO_LARGE, "bytes in a file")
    values: int = _limit(2**22, Reason.VALUES_TOO_MANY, "commas, and quotation marks, in a JSON text")
    order: int = _limit(10_000, Reason.ORDER_TOO_LARGE, "elements of a group")
    numbers: int = _limit(2**29, Reason.NUMBERS_TOO_MANY, "numbers of 8 bytes in the arrays of one step")
    multiply_adds: int = _limit(10**13, Reason.WORK_TOO_LARGE, "multiply-adds of bulk products")
    exact_multiply_adds: int = _limit(10**11, Reason.WORK_TOO_LARGE, "multiply-adds of words of long integers")
    additions: int = _limit(2 * 10**11, Reason.WORK_TOO_LARGE, "additions outside products")
    steps: int = _limit(10**7, Reason.WORK_TOO_LARGE, "steps in search of an isomorphism")
    seconds: int = _limit(3600, Reason.TIME_TOO_LONG, "seconds for a certificate, looked at between steps")

    def describe(self) -> str:
        """A line a limit."""
        return "\n".join(f"{f.name:20s}{getattr(self, f.name):>16d}  {f.metadata['unit']}" for f in fields(self))


def check_limit(limits: Limits, name: str, amount: int, where: str) -> None:
    """Nothing, if no more is needed than the limit of this name. Errors: those that the limits name."""
    most = getattr(limits, name)
    if amount > most:
        metadata = next(f.metadata for f in fields(limits) if f.name == name)
        reject(metadata["reason"], where, f"at most {most} {metadata['unit']} (limit {name})", f"{amount}")


LIMITS = Limits()

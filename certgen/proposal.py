"""What a method proposes for a certificate."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from certcheck.document import MethodSection

# Beyond this order cases one by one take longer than evaluating every pair, and a decomposition takes minutes.
LARGE_ORDER = 300


@dataclass(frozen=True, slots=True)
class Proposal:
    """A method section, the pairs that it proves, and what it costs, as certcheck counts it."""

    section: MethodSection
    by_argument: int
    by_cases: int
    cost: Counter[str]

    @property
    def rank(self) -> tuple[int, int]:
        """More pairs are better, then less cost."""
        return self.by_argument + self.by_cases, -self.cost["multiply_adds"]

"""Margins of pairs, or lower bounds of them, against a bound."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Margins:
    """For every pair (x,y) the margins mu(x,y,z) of all z but xy, exact or bounded from below, over one denominator."""

    numerators: dict[Pair, list[int]]
    denominator: int
    are_exact: bool

    def find_correct(self) -> list[Pair]:
        """The pairs all of whose margins are positive; of order 1 there is none that is not."""
        return [pair for pair in self.numerators if self.are_above(pair, Fraction(0))]

    def are_above(self, pair: Pair, bound: Fraction) -> bool:
        """All margins of the pair are larger than the bound."""
        limit = bound * self.denominator
        return all(margin > limit for margin in self.numerators[pair])

    def are_at_least(self, pair: Pair, bound: Fraction) -> bool:
        """No margin of the pair is smaller than the bound."""
        limit = bound * self.denominator
        return all(margin >= limit for margin in self.numerators[pair])

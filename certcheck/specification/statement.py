"""What is claimed, and when it is vacuous (claim 8)."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from certcheck.specification.decision import malform, reject
from certcheck.specification.document import MAX_TERM, Node

CORRECT, PAIRS, MARGIN = "correct_pairs_at_least", "pairs", "smallest_certified_margin"
FLOAT32, ROUNDOFF = "float32_correct_pairs_at_least", "unit_roundoff_bits"
CROSS_ENTROPY, EFFORT = "cross_entropy_upper_bound", "cross_entropy_effort"
MAX_ROUNDOFF_BITS = 24


@dataclass(frozen=True, slots=True)
class Statement:
    """The claims k, n^2, s, k' with t of the unit roundoff 2^-t, and C; None is no claim."""

    correct: int
    pairs: int
    margin: Fraction | None
    float32: tuple[int, int] | None
    cross_entropy: Fraction | None
    where: str


def parse_statement(section: Node) -> Statement:
    """The claims, in the ranges of the format; k' and t are there together, or neither is; so are C and its effort."""
    keys = CORRECT, PAIRS, MARGIN, FLOAT32, ROUNDOFF, CROSS_ENTROPY, EFFORT
    correct, pairs, margin, float32, roundoff, cross_entropy, effort = section.members(*keys)
    for claim, how in ((float32, roundoff), (cross_entropy, effort)):
        if claim.is_null() != how.is_null():
            malform(how.where, "null if and only if nothing is claimed")
    if not effort.is_null():
        # They say what need not be looked at. All of it is looked at here, which is sound and proves the most.
        for threshold in effort.members("scan_above", "evaluate_above"):
            threshold.integer(0, MAX_TERM)
    return Statement(
        correct.integer(0, MAX_TERM),
        pairs.integer(1, MAX_TERM),
        None if margin.is_null() else margin.decimal(),
        None if float32.is_null() else (float32.integer(0, MAX_TERM), roundoff.integer(1, MAX_ROUNDOFF_BITS)),
        None if cross_entropy.is_null() else cross_entropy.decimal(),
        section.where,
    )


def check_statement(statement: Statement, n: int) -> None:
    """All pairs are n^2, and no claim of correct pairs is vacuous (claim 8)."""
    if statement.pairs != n**2:
        reject(f"{statement.where}.{PAIRS}", f"not {n**2}")
    claims = {CORRECT: statement.correct}
    if statement.float32 is not None:
        claims[FLOAT32] = statement.float32[0]
    for key, claimed in claims.items():
        if claimed <= (n if n > 1 else 0):
            reject(f"{statement.where}.{key}", "vacuous: a network that ignores its inputs does as well (claim 8)")

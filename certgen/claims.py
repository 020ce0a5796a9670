"""What a certificate claims: all that its method proves, evaluated by certcheck's own code."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

from certcheck.comparison import Auditor
from certcheck.decision import check_claim, check_method
from certcheck.document import EntropyEffort, ExhaustiveSection, MethodSection, StatementSection
from certcheck.entropy import bound_mean, prepare_exponentials
from certcheck.evidence import Demands, Evidence, collect
from certcheck.exhaustive import check_work, evaluate_rows, round_network
from certcheck.float32 import bound_float32_errors
from certcheck.verdict import BINARY32_BITS, Refusal, round_down, round_up
from certgen.failure import ExitCode, Failure
from certgen.progress import follow
from certgen.proposal import LARGE_ORDER

if TYPE_CHECKING:
    from certcheck.group import Group
    from certcheck.network import Network

# No sum of exponentials is larger: no pair is looked at more closely.
NEVER = 10**18 - 1
# With cases the cross-entropy is at most so many times what evaluating every pair would prove.
FACTOR = 2
# Decimal places of the claims; no larger number is claimed.
MARGIN_PLACES = 6
ENTROPY_PLACES = 12
LARGEST = 10**9


CROSS_ENTROPY = ("argument", "cases", "none")


@dataclass(frozen=True, slots=True)
class Scope:
    """What is to be claimed beside correct pairs. Errors: ValueError."""

    unit_roundoff_bits: int = BINARY32_BITS
    cross_entropy: str = "argument"

    def __post_init__(self) -> None:
        if self.unit_roundoff_bits not in range(1, BINARY32_BITS + 1):
            raise ValueError(f"expected a unit roundoff of 1 to {BINARY32_BITS} bits, got {self.unit_roundoff_bits!r}")
        if self.cross_entropy not in CROSS_ENTROPY:
            raise ValueError(f"expected cross_entropy of {', '.join(CROSS_ENTROPY)}, got {self.cross_entropy!r}")


USUAL = Scope()


def claim(network: Network, G: Group, method: MethodSection, scope: Scope) -> StatementSection:
    """The statement with the largest numbers, and the lowest cross-entropy, that the method proves.

    Errors: Failure (NOTHING_TO_PROVE), Refusal where the method cannot be evaluated.
    """
    demands = _choose_demands(network, G, method, scope)
    try:
        evidence = _evaluate(network, G, method, demands)
    except Refusal:
        # Margins that are negative beyond all measure have no cross-entropy here.
        demands = replace(demands, exponentials=None)
        evidence = _evaluate(network, G, method, demands)
    proved = evidence.by_argument + evidence.by_cases
    statement = StatementSection(proved, G.order**2)
    try:
        check_claim(statement, G)
    except Refusal as refusal:
        sentence = f"only {proved} of {G.order**2} pairs are proved, not above chance: there is nothing to certify"
        raise Failure(ExitCode.NOTHING_TO_PROVE, sentence) from refusal
    smallest, exponentials = evidence.margins.smallest, demands.exponentials
    if smallest is not None and G.order > 1:
        # Rounded down: what is claimed is itself a lower bound.
        margin = round_down(min(smallest, Fraction(LARGEST - 1)), MARGIN_PLACES)
        statement = replace(statement, smallest_certified_margin=margin)
    float32 = evidence.float32_by_argument + evidence.float32_by_cases
    if demands.float32 is not None and float32 > G.order:
        bits = scope.unit_roundoff_bits
        statement = replace(statement, float32_correct_pairs_at_least=float32, unit_roundoff_bits=bits)
    if exponentials is not None and (mean := bound_mean(evidence.entropy, G.order**2)) < LARGEST - 1:
        effort = EntropyEffort(exponentials.scan_above, exponentials.evaluate_above)
        bound = round_up(mean, ENTROPY_PLACES)
        statement = replace(statement, cross_entropy_upper_bound=bound, cross_entropy_effort=effort)
    return statement


def _evaluate(network: Network, G: Group, method: MethodSection, demands: Demands) -> Evidence:
    if not isinstance(method, ExhaustiveSection):
        return check_method(network, G, method, Auditor(), demands)
    check_work(network, G)
    rows = evaluate_rows(network, G, round_network(network, method, "float64", demands=demands))
    return collect(follow(rows, "evaluating every pair", G.order), Evidence(0, 0, Counter()))


def _choose_demands(network: Network, G: Group, method: MethodSection, scope: Scope) -> Demands:
    """What can be claimed: nothing of binary32 where rounding is not bounded."""
    try:
        float32 = bound_float32_errors(network, scope.unit_roundoff_bits)
    except Refusal:
        float32 = None
    # On large groups to look at every label takes longer than the rest of the proof.
    scan_above = 0 if G.order <= LARGE_ORDER else NEVER
    if scope.cross_entropy == "none":
        return Demands(float32)
    if scope.cross_entropy == "argument" or isinstance(method, ExhaustiveSection) or method.cases is None:
        return Demands(float32, prepare_exponentials(scan_above, NEVER))
    return Demands(float32, prepare_exponentials(0, _choose_threshold(network, G, method)))


def _choose_threshold(network: Network, G: Group, method: MethodSection) -> int:
    """The largest power of two above which evaluating the pairs keeps the cross-entropy within FACTOR of the least."""

    def bound(evaluate_above: int) -> Fraction:
        demands = Demands(None, prepare_exponentials(0, evaluate_above))
        return bound_mean(_evaluate(network, G, method, demands).entropy, G.order**2)

    if bound(NEVER) <= FACTOR * (least := bound(0)):
        return NEVER
    low, high = 0, NEVER.bit_length()
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if bound(1 << middle) <= FACTOR * least else (low, middle)
    return 1 << low if bound(1 << low) <= FACTOR * least else 0

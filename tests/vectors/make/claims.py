"""Valid certificates with claims about margins, about evaluation in binary32, and about the cross-entropy.

Where every pair is evaluated the claims are the largest that are true (evaluation.py): the next margin and the next
lower cross-entropy are false. Where an argument is all, they leave room for another checker's rounding.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from tests.vectors.make.argument import CASES
from tests.vectors.make.document import Document, claim
from tests.vectors.make.entries import Valid
from tests.vectors.make.evaluation import claim_all
from tests.vectors.make.exhaustive import write
from tests.vectors.make.groups import C2, S3
from tests.vectors.make.weights import Weights, join, make_detectors, make_neuron, make_points, scale

# An effort at its end: no sum of exponentials is above it.
NEVER = 10**18 - 1


def list_valid(others: list[Valid]) -> list[Valid]:
    """All of them; some are made of other valid certificates."""
    known = {v.name: v for v in others}
    return [*list_ends(), *list_numbers(known), *list_arithmetics(), *list_methods(known), *list_cases(known)]


def evaluate(name: str, shows: str, document: Document, *, bits: int | None = 24, effort: int = 0) -> Valid:
    """A certificate of method `exhaustive` with the largest claims; 0 or NEVER as the effort."""
    whole = claim_all(document, bits=bits, effort=(effort, effort))
    statement = whole["statement"]
    k, float32 = statement["correct_pairs_at_least"], statement["float32_correct_pairs_at_least"]
    return Valid(name, shows, whole, 0, k, float32=None if float32 is None else (0, float32))


def list_ends() -> list[Valid]:
    """Claims at the ends of what can be written."""
    thin = make_detectors(S3)
    thin["out"][0][5] = 2.0**-18
    little = claim(
        write(S3, "direct", make_detectors(S3)),
        margin="0.0", float32=7, entropy="999999999.999999999999999999", effort=(0, NEVER),
    )  # fmt: skip
    wide = scale(make_detectors(S3), out=2.0**29)
    return [
        evaluate(
            "claims_by_hand",
            "every margin is 1: the mean cross-entropy is log(1 + 5/e), rounded up",
            write(S3, "direct", make_detectors(S3), name="S3"),
        ),
        Valid("claims_of_little", "the claims may be less than what is proved", little, 0, 36, float32=(0, 36)),
        Valid(
            "margin_of_18_places",
            "a margin of 1 - 2^-18, to all its places",
            claim(write(S3, "direct", thin, bits=(10, 18)), margin="0.999996185302734375", float32=36, entropy="1.05"),
            *(0, 36),
            float32=(0, 36),
        ),
        evaluate("margin_of_9_digits", "a margin of 2^29", write(S3, "direct", wide, bits=(10, 0))),
        evaluate(
            "smallest_stands_for_all",
            "an effort of 10^18 - 1: the smallest margin of each pair stands for all of its five",
            write(S3, "direct", make_points(S3, [-1, 0, 1])),
            effort=NEVER,
        ),
    ]


def list_numbers(known: dict[str, Valid]) -> list[Valid]:
    """Orders, architectures, number types."""
    entries = [
        ("claims_of_order_1", "order 1: no rival, and a cross-entropy of 0; unit roundoff 2^-4", "order_1", 4),
        ("claims_of_order_2", "order 2, an output bias", "order_2_square", 24),
        ("claims_of_3_of_4", "the mean is over all pairs, the wrong one too", "width_1", 24),
        ("claims_of_a_tie", "35 of 36: log 2 and more for the tied pair", "tie", 24),
        ("claims_with_biases", "concatenated, a hidden and an output bias", "concatenated", 24),
        ("claims_in_bfloat16", "mapped, weights in bfloat16", "mapped", 24),
        ("claims_in_float16", "added: the sum of two embeddings rounds too; weights in float16", "added", 24),
        ("claims_in_float64", "weights in float64 that binary32 holds", "direct_tied", 24),
        ("unit_roundoff_11", "added_tied with both biases and unit roundoff 2^-11", "added_tied", 11),
    ]
    valid = [evaluate(name, shows, known[of].document, bits=bits) for name, shows, of, bits in entries]
    finer = make_detectors(S3)
    finer["out"][0][0] = 1 + 2.0**-40
    document = write(S3, "direct", finer, dtype="float64", bits=(0, 40))
    return [*valid, evaluate("finer_than_binary32", "a weight of 1 + 2^-40: nothing of binary32", document, bits=None)]


def make_cancelling(large: float) -> Weights:
    """Detectors of S3, but that of (0, 0) says 1 for a wrong label; the right one, 0, gets 2 (large + 1) - 2 large."""
    weights, rest = make_detectors(S3), [-2 * large] * 5
    weights["out"][0] = [0.0, 0.0, 0.0, 0.0, 0.0, 1.0]
    first = make_neuron([large, *rest], [1.0, *rest], [2.0, 0.0, 0.0, 0.0, 0.0, 0.0])
    return join(weights, first, make_neuron([large, *rest], [0.0, *rest], [-2.0, 0.0, 0.0, 0.0, 0.0, 0.0]))


def make_always_cancelling(large: float) -> Weights:
    """Detectors of C2; label 0 gets 2 (large + [y = 0]) - 2 large, which the pair (0, 0) needs."""
    weights = make_detectors(C2)
    weights["out"][0], weights["out"][2] = [0.0, 1.0], [0.0, 4.0]
    first = make_neuron([large] * 2, [1.0, 0.0], [2.0, 0.0])
    return join(weights, first, make_neuron([large] * 2, [0.0] * 2, [-2.0, 0.0]))


def list_arithmetics() -> list[Valid]:
    """Real arithmetic says yes and binary32 no; other arithmetics."""
    one = write(S3, "direct", make_cancelling(2.0**24), bits=(0, 0))
    every = write(C2, "direct", make_always_cancelling(2.0**24), bits=(0, 0))
    return [
        evaluate("real_yes_float32_35", "all 36 pairs, of which binary32, where 2^24 + 1 is 2^24, gets one wrong", one),
        evaluate("real_yes_float32_no", "all 4 pairs; of binary32 nothing can be claimed", every, bits=None),
        evaluate(
            "unit_roundoff_8",
            "unit roundoff 2^-8, as of sums in bfloat16",
            write(S3, "direct", make_detectors(S3)),
            bits=8,
        ),
    ]


@dataclass(frozen=True)
class Claimed:
    """Claims about a valid certificate of a method with an argument; None: by evaluation."""

    name: str
    of: str
    shows: str
    margin: str | None = None
    entropy: str | None = None
    bits: int = 24
    effort: tuple[int, int] = (0, 0)
    float32: tuple[int, int] | None = None
    cases: Document | None = None

    def make(self, known: dict[str, Valid]) -> Valid:
        """The certificate."""
        twin = known[self.of]
        method = twin.document["method"] | ({} if self.cases is None else {"cases": self.cases})
        document, float32 = twin.document | {"method": method}, self.float32 or (twin.by_argument, twin.by_cases)
        whole = claim_all(document, bits=self.bits)["statement"] if None in {self.margin, self.entropy} else {}
        margin = self.margin or whole["smallest_certified_margin"]
        entropy = self.entropy or whole["cross_entropy_upper_bound"]
        document = claim(
            document, margin=margin, float32=sum(float32), bits=self.bits, entropy=entropy, effort=self.effort
        )
        return replace(twin, name=self.name, shows=self.shows, document=document, arguments=(), float32=float32)


def list_methods(known: dict[str, Valid]) -> list[Valid]:
    """By the argument alone."""
    entries = [
        Claimed(
            *("claims_by_permutations", "permutation_matrices", "all three by permutation matrices"),
            *("16.0", "0.000001"),
        ),
        Claimed(*("claims_by_matrices", "matrices", "all three by rounded matrices"), "8.9", "0.00028"),
        Claimed(
            *("claims_by_the_smallest", "matrices", "an effort of 10^18 - 1: one number a pair"),
            *("8.9", "0.0007"), effort=(NEVER, NEVER), bits=10,
        ),
        Claimed(
            *("claims_by_argument_alone", "argument_alone", "30 of 36: the mean is over the six others too"),
            *("8.9", "5.5"),
        ),
        Claimed(
            *("argument_of_5_in_bfloat16", "argument_alone", "unit roundoff 2^-8 leaves too few pairs to claim them"),
            *("8.9", "5.5"), bits=9,
        ),
        Claimed(*("claims_of_the_sign", "constants_to_the_sign", "constants that go to the sign"), "8.8", "0.00025"),
        Claimed(*("claims_by_rho_set", "rho_set", "all three by a circuit"), "8.9", "0.00026", bits=11),
        Claimed(*("claims_by_two_circuits", "two_circuits", "all three by two circuits"), "7.9", "0.004",
                effort=(NEVER, 0)),
        Claimed(*("claims_by_kernels", "three_kernels", "all three by three kernels"), "17.0", "0.00000001"),
        Claimed(*("claims_by_remaining", "remaining", "all three by circuits and matrices"), "17.9", "0.0000001"),
    ]  # fmt: skip
    order_1 = known["order_1_equivariant"]
    one = claim(order_1.document, float32=1, entropy="0.0")
    first = replace(order_1, name="claims_of_order_1_equivariant", document=one, float32=(1, 0))
    return [first, *(entry.make(known) for entry in entries)]


def list_cases(known: dict[str, Valid]) -> list[Valid]:
    """Cases beside the argument, and alone."""
    entries = [
        Claimed(
            *("claims_by_argument_and_cases", "argument_and_cases", "the cross-entropy by evaluation of every pair"),
            *("8.9", None),
        ),
        Claimed(
            *("entropy_by_argument", "argument_and_cases", "the cross-entropy of what is proved by the argument"),
            *("8.9", "0.8615"), effort=(0, NEVER),
        ),
        Claimed(
            *("entropy_by_the_smallest", "argument_and_cases", "the same by the smallest margins"),
            *("8.9", "0.863"), effort=(NEVER, 0),
        ),
        Claimed(
            *("float32_by_cases", "argument_and_cases", "unit roundoff 2^-8: the argument is not enough for 25 pairs"),
            *("8.9", None), bits=8, float32=(5, 30),
        ),
        Claimed(
            *("float32_by_cases_alone", "permutation_matrices", "unit roundoff 2^-8: every margin is evaluated"),
            *(None, None), bits=8, float32=(0, 36), cases=CASES,
        ),
        Claimed("claims_by_cases_alone", "cases_alone", "every pair a case, by all its margins"),
        Claimed("claims_of_no_kernel", "no_kernel", "method rho-set: every pair a case"),
        Claimed("claims_of_no_circuit", "no_circuit", "every neuron dropped: every pair a case"),
        Claimed("claims_by_remaining_with_cases", "remaining_with_cases", "circuits, other neurons and cases"),
    ]  # fmt: skip
    return [entry.make(known) for entry in entries]

"""Margins, evaluation in binary32 and cross-entropy: by hand, at the edge of each claim, and against certcheck.

The network by hand is that of test_worked_numbers: margins 4 - b on (e,e) and (t,t), b on (e,t) and (t,e).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Context, Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flint import arb, ctx, fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from certcheck.specification.certificate import specify
from certcheck.specification.cross_entropy import bound_cross_entropy_upper, exp_upper, log_upper
from certcheck.specification.decision import Status
from certcheck.specification.document import Node
from certcheck.specification.float32 import (
    Evaluation,
    bound_error_upper,
    bound_errors_upper,
    check_evaluation,
    is_binary32,
)
from certcheck.specification.margin import Margins
from certcheck.specification.network import check_weights
from certcheck.verdict import Reason
from certgen.__main__ import main
from tests.certificates import C1, S3, certificate, encode, pair_detectors
from tests.specification.claims import EFFORT, claim, claim_most, to_binary32, write_decimal
from tests.specification.documents import CASES, certcheck, compare, set_least_terms, set_value
from tests.specification.test_agreement import DOCUMENTS, damage_array, damage_number, damage_weights
from tests.specification.test_worked_numbers import EQUIVARIANT, EXHAUSTIVE, write_network

EXAMPLES = Path(__file__).parents[2] / "examples"
STATEMENT = "certificate.statement."
LAMBDA = Fraction(1, 2**126)
STEP = Fraction(1, 10**18)
BELOW = 1 - 2.0**-24

Document = dict[str, Any]


def is_verified(document: Document, where: str) -> bool:
    """Whether it is; if not, it is refused at this key of the statement."""
    decision = specify(encode(document))
    assert decision.status is Status.VERIFIED or decision.where == STATEMENT + where
    return decision.status is Status.VERIFIED


# The margin


@pytest.mark.parametrize(
    ("method", "bias", "correct", "smallest"),
    [
        (EXHAUSTIVE, 1.0, 4, Fraction(1)),
        (EXHAUSTIVE, 3.0, 3, Fraction(1)),
        (EXHAUSTIVE, 2.0**-18, 4, Fraction(1, 2**18)),
        (EQUIVARIANT, 1.0, 4, 1 - Fraction(2, 2**12)),
        (EQUIVARIANT | {"cases": CASES}, 1.0, 4, Fraction(1)),
    ],
)
def test_the_smallest_margin_is_claimed_in_full(
    method: Document, bias: float, correct: int, smallest: Fraction
) -> None:
    """Of k pairs, as exact as the method; the next decimal is refused."""
    document = write_network(bias, method, correct=correct)
    assert is_verified(claim(document, margin=write_decimal(smallest)), "smallest_certified_margin")
    assert not is_verified(claim(document, margin=write_decimal(smallest + STEP)), "smallest_certified_margin")


def test_a_margin_is_claimed_of_k_pairs_only() -> None:
    """S3 with a label that is weaker by a quarter for one pair: one pair less may claim more."""
    weights = pair_detectors(S3)
    weights["out"][0, 0] = 3 / 4
    for correct, margin, verified in ((36, "0.75", True), (36, "0.76", False), (35, "1.0", True), (35, "1.01", False)):
        document = claim(certificate(S3, weights, correct=correct), margin=margin)
        assert is_verified(document, "smallest_certified_margin") == verified


def test_a_pair_that_is_wrong_has_no_certified_margin() -> None:
    """A tie is not correct, however low the claim."""
    weights = pair_detectors(S3)
    weights["out"][0, 1] = 1
    assert not is_verified(claim(certificate(S3, weights), margin="0.0"), "correct_pairs_at_least")
    assert is_verified(claim(certificate(S3, weights, correct=35), margin="0.0"), "smallest_certified_margin")


# Evaluation in binary32


def scale_inputs(document: Document, scale: float) -> Document:
    """The inputs a and c of every neuron times so much; margins are then 4 scale - b, and b."""
    inputs = np.array([[scale, -scale], [-scale, scale]])
    tensors = certificate([[0, 1], [1, 0]], {"left": inputs, "right": inputs})["network"]["tensors"]
    changed = set_value(document, "network.tensors.left", tensors["left"])
    return set_value(changed, "network.tensors.right", tensors["right"])


def evaluate(document: Document, bits: int) -> Evaluation:
    """What `check_evaluation` proves of it."""
    return check_evaluation(check_weights(Node(document["network"], "network")), 2, bits, "bits")


def compute_by_hand(scale: Fraction, bias: Fraction, bits: int) -> tuple[Fraction, Fraction, Fraction]:
    """E_32 by claim 23, and by claim 24 of (e,e) and of (e,t).

    J = m = 2, so r = r' = 5. Both neurons have a-bar = c-bar = scale, w = 2, W_i = 1; one of a_x0, a_x1 is positive.
    """
    gamma = Fraction(5, 2**bits - 5)
    W = max(Fraction(1), bias)
    nu = 32 * LAMBDA * (2 * W + 1) * 2
    nu_out = 32 * LAMBDA * (2 * (4 * scale + nu) + (W + 1) * 2)
    one = (2 + 2 * gamma) * (2 * gamma * scale + nu)  # what a neuron costs
    rest = 2 * gamma * bias + 2 * nu_out
    # (e,e): neuron 0 is 2 scale, neuron 1 has the input -2 scale. (e,t): both inputs are 0.
    return 2 * one + 4 * gamma * scale + rest, one + 4 * gamma * scale + rest, 2 * one + rest


@pytest.mark.parametrize("bits", [5, 8, 24])
@pytest.mark.parametrize("scale", [1.0, 2.0**-110])
@pytest.mark.parametrize("bias", [0.0, 0.25, 1.5, 3.0])
def test_the_error_of_evaluation_by_hand(scale: float, bias: float, bits: int) -> None:
    """Both formulas, with relative errors and with what is flushed."""
    evaluation = evaluate(scale_inputs(write_network(bias, EXHAUSTIVE), scale), bits)
    all_pairs, same, other = compute_by_hand(Fraction(scale), Fraction(bias), bits)
    assert bound_errors_upper(evaluation) == [[all_pairs] * 2] * 2
    assert [bound_error_upper(evaluation, *pair) for pair in ((0, 0), (1, 1))] == [same] * 2
    assert [bound_error_upper(evaluation, *pair) for pair in ((0, 1), (1, 0))] == [other] * 2


def test_a_neuron_that_may_be_on_counts() -> None:
    """With u = 2^-4 gamma is 5/11, so the input -2 + 3/2 of neuron 1 on (e,e) is off by 35/22, and may be on."""
    document = write_network(1.0, EXHAUSTIVE)
    document["network"] |= {"roles": document["network"]["roles"] | {"hidden_bias": "hidden_bias"}}
    bias = certificate(C1, {"hidden_bias": np.array([1.5, 1.5])})["network"]["tensors"]
    document["network"]["tensors"] |= bias
    evaluation = evaluate(document, 4)
    # The inputs on (e,e) are 7/2 and -1/2; the largest absolute inputs are 2 + 3/2.
    gamma = Fraction(5, 11)
    nu = 32 * LAMBDA * 4 * 2
    nu_out = 32 * LAMBDA * (2 * (7 + nu) + 5)
    one = (2 + 2 * gamma) * (gamma * Fraction(7, 2) + nu)
    assert bound_error_upper(evaluation, 0, 0) == 2 * one + 2 * gamma * (Fraction(7, 2) + 1) + 2 * nu_out


def find_threshold(bound: Callable[[Fraction], Fraction], size: Fraction) -> tuple[Fraction, Fraction]:
    """The largest b with b <= bound(b) and the next one, in steps of a binary32 number of this size."""
    low, high = 0, 2**24
    while high - low > 1:
        middle = (low + high) // 2
        b = middle * size / 2**24
        low, high = (middle, high) if b <= bound(b) else (low, middle)
    return low * size / 2**24, high * size / 2**24


@pytest.mark.parametrize("bits", [8, 24])
@pytest.mark.parametrize("cases", [None, CASES])
def test_the_argument_proves_a_margin_above_the_error(cases: Any, bits: int) -> None:
    """For b on (e,t), of which the argument proves 2 units less: by claim 23 without cases, else by claim 24."""
    s, lost = Fraction(1), Fraction(2, 2**12) if cases is None else Fraction(0)
    which = 0 if cases is None else 2
    low, high = find_threshold(
        lambda b: compute_by_hand(s, b, bits)[which] + lost, Fraction(1, 2 if bits == 8 else 1024)
    )
    for bias, verified in ((low, False), (high, True)):
        document = write_network(float(bias), EQUIVARIANT | {"cases": cases})
        assert is_verified(claim(document, float32=4, bits=bits), "float32_correct_pairs_at_least") == verified
    document = claim(write_network(float(low), EQUIVARIANT | {"cases": cases}, correct=3), float32=3, bits=bits)
    assert specify(encode(document)).why == "2 pairs are proved"


@pytest.mark.parametrize("bits", [8, 24])
@pytest.mark.parametrize("scale", [1.0, 2.0**-110])
def test_a_case_is_proved_with_its_own_activations(scale: float, bits: int) -> None:
    """By claim 24 for b on (e,t); the threshold of the smallest inputs is what may be flushed."""
    size = Fraction(1, 2) if (scale, bits) == (1.0, 8) else Fraction(1, 2**16 if scale == 1.0 else 2**112)
    low, high = find_threshold(lambda b: compute_by_hand(Fraction(scale), b, bits)[2], size)
    assert 0 < low < high < size
    for bias, verified in ((low, False), (high, True)):
        document = claim(scale_inputs(write_network(float(bias), EXHAUSTIVE), scale), float32=4, bits=bits)
        assert is_verified(document, "float32_correct_pairs_at_least") == verified


def test_real_arithmetic_says_yes_and_binary32_no() -> None:
    """A bias of 2^-60 decides two pairs: all 4 are correct, and in binary32 no more than 2 are proved."""
    document = write_network(2.0**-60, EXHAUSTIVE)
    assert is_verified(document, "")
    assert not is_verified(claim(document, float32=3), "float32_correct_pairs_at_least")
    assert compare(claim(document, float32=3))[0].reason is Reason.FLOAT32_BOUND_TOO_HIGH


def one_label(architecture: str, **weights: Any) -> Document:
    """The network of one label with these weights, which claims its one pair in binary32."""
    arrays = {role: np.array(values, dtype=np.float64) for role, values in weights.items()}
    return claim(certificate(C1, arrays, architecture), float32=1)


def ones(rows: int, columns: int = 1) -> list[list[float]]:
    """A matrix of ones."""
    return [[1.0] * columns] * rows


FORMS: dict[str, Callable[[int], Document]] = {
    "concatenated": lambda J: one_label(
        "concatenated", left=ones(1, 1), right=ones(1, J - 1), hidden=ones(J), out=ones(1)
    ),
    "concatenated_tied": lambda J: one_label(
        "concatenated_tied", embedding=ones(1, J // 2), hidden=ones(2 * (J // 2)), out=ones(1)
    ),
    "mapped": lambda J: one_label(
        "mapped", left=ones(1, J - 1), right=ones(1, 1), left_map=ones(J - 1), right_map=ones(1), out=ones(1)
    ),
    "mapped_tied": lambda J: one_label(
        "mapped_tied", embedding=ones(1, J // 2), left_map=ones(J // 2), right_map=ones(J // 2), out=ones(1)
    ),
    "added": lambda J: one_label(
        "added", left=ones(1, J - 1), right=ones(1, J - 1), shared_map=ones(J - 1), out=ones(1)
    ),
    "added_tied": lambda J: one_label("added_tied", embedding=ones(1, J - 1), shared_map=ones(J - 1), out=ones(1)),
    "logits": lambda J: one_label("direct", left=ones(1, J), right=ones(1, J), out=ones(J)),
}


@pytest.mark.parametrize("form", FORMS)
def test_so_many_roundings_are_bounded(form: str) -> None:
    """2 (J + 3) u <= 1: with u = 2^-4 a sum of 5 products and none of 6 (7 where they come in pairs)."""
    most, more = (4, 6) if form in ("concatenated_tied", "mapped_tied") else (5, 6)
    for J, reason in ((most, None), (more, Reason.FLOAT32_UNBOUNDED)):
        document = claim(FORMS[form](J), float32=1, bits=4)
        assert is_verified(document, "unit_roundoff_bits") == (reason is None)
        assert compare(document)[0].reason is reason


def test_a_sum_of_two_numbers_is_two_roundings() -> None:
    """`direct` counts J = 2: u = 2^-4 is bounded, 2^-3 is not, and it has one neuron."""
    assert is_verified(claim(FORMS["logits"](1), float32=1, bits=4), "unit_roundoff_bits")
    assert not is_verified(claim(FORMS["logits"](1), float32=1, bits=3), "unit_roundoff_bits")


@pytest.mark.parametrize(
    ("weights", "verified"),
    [
        ({"left": 2.0**124}, True),
        ({"left": np.nextafter(np.float32(2**124), np.float32(np.inf))}, False),  # 8W
        ({"left": -(2.0**125)}, False),
        ({"out_bias": 2.0**124}, True),
        ({"out_bias": 2.0**125}, False),
        ({"left": 2.0**63, "out": BELOW * 2.0**62}, True),
        ({"left": 2.0**63, "out": 2.0**62}, False),  # 2^127, and what is flushed
        ({"left": 2.0**62, "right": -(2.0**62), "out": BELOW * 2.0**62}, True),
        ({"left": 2.0**62, "right": -(2.0**62), "out": 2.0**62}, False),
        ({"left": 2.0**62, "hidden_bias": -(2.0**62), "out": -BELOW * 2.0**62}, True),
        ({"left": 2.0**62, "hidden_bias": -(2.0**62), "out": -(2.0**62)}, False),
        ({"left": 2.0**63, "out": 1.75 * 2.0**61, "out_bias": -BELOW * 2.0**123}, True),
        ({"left": 2.0**63, "out": 1.75 * 2.0**61, "out_bias": -(2.0**123)}, False),
        ({"left": 2.0**63, "out": 1.75 * 2.0**61, "out_bias": BELOW * 2.0**123}, True),
        ({"left": 2.0**63, "out": 1.75 * 2.0**61, "out_bias": 2.0**123}, False),
    ],
)
def test_an_overflow_is_excluded_by_a_bound(weights: dict[str, float], verified: bool) -> None:  # noqa: FBT001  # a row
    """Up to 2^127, by absolute values: H = 2 (a-bar + c-bar) + nu, logits 2 (H W + max |beta|) + nu', and 8W."""
    filled = {"left": 0.0, "right": 0.0, "out": 0.0} | weights
    arrays = {role: [value] if role.endswith("bias") else [[value]] for role, value in filled.items()}
    document = set_value(one_label("direct", **arrays), "method.activation_bits", -80)
    document = set_value(document, "method.unembedding_bits", -70)
    assert is_verified(document, "unit_roundoff_bits") == verified
    assert certcheck(document).reason in ({None, Reason.SCALE_TOO_FINE} if verified else {Reason.FLOAT32_UNBOUNDED})


def test_an_input_of_a_neuron_overflows_though_no_logit_reads_it() -> None:
    """H alone is above 2^127."""
    for factor, verified in ((BELOW, True), (1.0, False)):
        weights = {"left": [[2.0**63]], "right": [[1.0]], "hidden": [[factor * 2.0**63], [0.0]], "out": [[0.0]]}
        document = set_value(one_label("concatenated", **weights), "method.activation_bits", -80)
        assert is_verified(document, "unit_roundoff_bits") == verified
        assert certcheck(document).reason is (None if verified else Reason.FLOAT32_UNBOUNDED)


BINARY32 = [
    0.0,
    1.0,
    -(2.0**-149),
    3 * 2.0**-149,
    1 + 2.0**-23,
    -(2.0 - 2.0**-23) * 2.0**127,
    (2**24 - 1.0) * 2.0**-149,
]
OTHERS = [2.0**-150, 1.5 * 2.0**-149, 1 + 2.0**-24, 2.0**128, -(2.0**128), (2.0 - 2.0**-24) * 2.0**127, 0.1]


def test_binary32_holds_so_many_digits_between_two_ends() -> None:
    """As numpy converts; other weights are refused where k' is claimed, and there only."""
    for value in BINARY32 + OTHERS:
        with np.errstate(over="ignore"):
            assert is_binary32(Fraction(value)) == (float(np.float32(value)) == value) == (value in BINARY32)
    document = one_label("direct", left=[[0.1]], right=[[0]], out=[[0]])
    assert compare(document)[1].where == "certificate.network"
    assert is_verified(claim(document, float32=None, bits=None), "")


# Cross-entropy


def bound_by_balls(margins: list[list[Fraction]]) -> tuple[Fraction, Fraction]:
    """The ends of a ball of the mean of log(1 + sum of e^-mu)."""
    ctx.prec = 400
    total = arb(0)
    for row in margins:
        total += sum((arb(fmpq(-mu.numerator, mu.denominator)).exp() for mu in row), arb(1)).log()
    low, high = (Fraction(int(end.p), int(end.q)) for end in (total.lower().fmpq(), total.upper().fmpq()))
    ctx.prec = 53
    return low / len(margins), high / len(margins)


@pytest.mark.parametrize("bias", [1.0, 3.75, 2.0**-18])
def test_the_cross_entropy_is_claimed_in_full(bias: float) -> None:
    """The mean of log(1 + e^-(4-b)) and log(1 + e^-b), up to the last decimal; every order of effort is as good."""
    b = Fraction(bias)
    document = write_network(bias, EXHAUSTIVE)
    bound = write_decimal(bound_by_balls([[4 - b], [b]])[1], up=True)
    below = write_decimal(Fraction(bound) - STEP)
    for scan, evaluate_above in ((0, 0), (10**18 - 1, 10**18 - 1)):
        effort = {"scan_above": scan, "evaluate_above": evaluate_above}
        assert is_verified(claim(document, cross_entropy=bound, effort=effort), "cross_entropy_upper_bound")
        assert not is_verified(claim(document, cross_entropy=below, effort=effort), "cross_entropy_upper_bound")
    refusal = specify(encode(claim(document, cross_entropy=below)))
    assert refusal.why == f"below {bound}"


def test_the_argument_bounds_the_cross_entropy_by_its_own_margins() -> None:
    """Without cases margins are 2 units less, with cases they are exact."""
    for cases, lost in ((None, Fraction(2, 2**12)), (CASES, Fraction(0))):
        document = write_network(1.0, EQUIVARIANT | {"cases": cases})
        bound = bound_by_balls([[3 - lost], [1 - lost]])[1]
        assert is_verified(claim(document, cross_entropy=write_decimal(bound, up=True)), "cross_entropy_upper_bound")
        below = write_decimal(bound)
        assert not is_verified(claim(document, cross_entropy=below), "cross_entropy_upper_bound")


def test_a_wrong_pair_costs_its_negative_margin() -> None:
    """S3 with one label that is larger by 2 than the right one: margins -2 and 1 four times; 35 pairs have 1 each."""
    weights = pair_detectors(S3)
    weights["out"][0, 1] = 3
    one = Fraction(1)
    bound = bound_by_balls([[Fraction(-2), *[one] * 4]] + [[one] * 5] * 35)[1]
    document = certificate(S3, weights, correct=35)
    assert is_verified(claim(document, cross_entropy=write_decimal(bound, up=True)), "cross_entropy_upper_bound")
    assert not is_verified(claim(document, cross_entropy=write_decimal(bound)), "cross_entropy_upper_bound")


@pytest.mark.parametrize(
    "rows",
    [
        [[0]],
        [[0, 0, 0], [0, 0, 0]],
        [[1, -1], [5, 7]],
        [[-700, -701], [-700, 12]],
        [[-(10**30), 10**30]],
        [[10**5] * 59] * 60,
        [[1, 2, 3], [4, 5, 60]] * 100,
    ],
)
@pytest.mark.parametrize("denominator", [1, 7, 2**70])
def test_the_bound_is_above_the_cross_entropy_and_near(rows: list[list[int]], denominator: int) -> None:
    """Less than 10^-25 of it, or than 10^-25."""
    margins = Margins({(0, y): row for y, row in enumerate(rows)}, denominator, are_exact=True)
    low, high = bound_by_balls([[Fraction(value, denominator) for value in row] for row in rows])
    bound = bound_cross_entropy_upper(margins)
    assert low <= bound
    assert (bound - high) * 10**25 < 1 + high


def test_exponentials_and_logarithms_are_rounded_up() -> None:
    """Each of a hundred, of which about half are nearest to a number below."""
    context = Context(prec=30)
    ctx.prec = 200
    for k in range(1, 101):
        value = Decimal(k) / 8
        assert arb(str(exp_upper(-value, context))) > (-arb(k) / 8).exp()
        assert arb(str(log_upper(1 + value, context))) > (1 + arb(k) / 8).log()
    ctx.prec = 53


def test_numbers_of_any_size_are_bounded() -> None:
    """No exponent overflows: what is beyond all of them is 0 and rounded up, or the shift."""
    for huge in (10**400, 10**40000):
        assert 0 < bound_cross_entropy_upper(Margins({(0, 0): [huge]}, 1, are_exact=True)) < Fraction(1, 10**25)
        assert huge < bound_cross_entropy_upper(Margins({(0, 0): [-huge]}, 1, are_exact=True)) < huge + 1


# The trivial group, the form, both checkers


def test_order_one_has_no_rival() -> None:
    """Any margin, binary32 too, and a cross-entropy of 0; of no pair nothing is claimed."""
    document = claim(certificate(C1), margin="999999999.9", cross_entropy="0.0", float32=1)
    assert is_verified(document, "")
    assert specify(encode(claim(document, float32=0))).where.endswith("float32_correct_pairs_at_least")
    assert specify(encode(claim(document, float32=2))).why == "1 pairs are proved"


DECIMALS = ["0.0", "0.5", "10.25", "0." + "0" * 18, "999999999.999999999999999999"]
NO_DECIMALS = [
    *("", "1", "1.", ".5", "01.0", "00.0", "-1.0", "-0.0", "+1.0", "1e0", "1.0e1", "1,0", "1.0.0", "1/2", "nan", "inf"),
    *("1.0 ", " 1.0", "1.0\n", "1_0.0", "1.0_0", "0." + "0" * 19, "1234567890.0", "\u0661.\u0660", "0x1.0"),
    *(1, 0, True, [], {}, ["1.0"]),
]


@pytest.mark.parametrize("key", ["smallest_certified_margin", "cross_entropy_upper_bound"])
def test_a_decimal_is_a_string_of_one_form(key: str) -> None:
    """Digits, a point, digits; as certcheck reads it."""
    document = claim(certificate(S3), cross_entropy="0.0", margin="0.0")
    value: Any
    for value in DECIMALS:
        verdict, decision = compare(set_value(document, f"statement.{key}", value))
        assert decision.status in (Status.VERIFIED, Status.REJECTED)
        assert verdict.reason is None or verdict.reason.status.name == "REJECTED"
    for value in NO_DECIMALS:
        verdict, decision = compare(set_value(document, f"statement.{key}", value))
        assert (decision.status, decision.where) == (Status.MALFORMED, STATEMENT + key)
        assert verdict.reason is not None
        assert verdict.reason.status.name == "MALFORMED"


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"float32": None, "bits": 24}, "unit_roundoff_bits"),
        ({"float32": 36, "bits": None}, "unit_roundoff_bits"),
        ({"float32": 36, "bits": 0}, "unit_roundoff_bits"),
        ({"float32": 36, "bits": 25}, "unit_roundoff_bits"),
        ({"float32": 36, "bits": "24"}, "unit_roundoff_bits"),
        ({"float32": 36, "bits": True}, "unit_roundoff_bits"),
        ({"float32": -1}, "float32_correct_pairs_at_least"),
        ({"float32": "36"}, "float32_correct_pairs_at_least"),
        ({"float32": True}, "float32_correct_pairs_at_least"),
        ({"cross_entropy": None, "effort": EFFORT}, "cross_entropy_effort"),
        ({"cross_entropy": "1.0", "effort": None}, "cross_entropy_effort"),
        ({"effort": 0}, "cross_entropy_effort"),
        ({"effort": []}, "cross_entropy_effort"),
        ({"effort": {"scan_above": 0}}, "cross_entropy_effort"),
        ({"effort": EFFORT | {"more": 0}}, "cross_entropy_effort"),
        ({"effort": EFFORT | {"scan_above": -1}}, "cross_entropy_effort.scan_above"),
        ({"effort": EFFORT | {"evaluate_above": None}}, "cross_entropy_effort.evaluate_above"),
        ({"effort": EFFORT | {"evaluate_above": "0"}}, "cross_entropy_effort.evaluate_above"),
    ],
)
def test_claims_and_how_they_are_proved_are_there_together(changes: dict[str, Any], where: str) -> None:
    """Or neither is; each in its range, by both checkers."""
    document = claim(certificate(S3), cross_entropy="1.5", float32=36)
    assert is_verified(document, "")
    verdict, decision = compare(claim(document, **{"bits": 24} | changes))
    assert (decision.status, decision.where) == (Status.MALFORMED, STATEMENT + where)
    assert verdict.reason is not None
    assert verdict.reason.status.name == "MALFORMED"


def test_every_key_of_the_statement_is_there() -> None:
    """And no other."""
    document = certificate(S3)
    for key in document["statement"]:
        statement = {other: value for other, value in document["statement"].items() if other != key}
        assert compare(document | {"statement": statement})[1].status is Status.MALFORMED
    assert compare(set_value(document, "statement.more", None))[1].status is Status.MALFORMED


@pytest.mark.parametrize(("float32", "verified"), [(0, False), (6, False), (7, True), (36, True), (37, False)])
def test_a_claim_in_binary32_is_above_chance(float32: int, verified: bool) -> None:  # noqa: FBT001  # a row
    """More than n of n^2 pairs, and no more than there are; k may be less."""
    document = claim(certificate(S3, correct=7), float32=float32)
    assert is_verified(document, "float32_correct_pairs_at_least") == verified
    assert (compare(document)[0].reason is None) == verified


def test_the_decision_names_the_claims() -> None:
    """In the words of the format, those that are made."""
    counts = "s VERIFIED 36 of 36 pairs, 0 by the argument, 36 by cases"
    others = "smallest_certified_margin 1.0, float32_correct_pairs_at_least 36, unit_roundoff_bits 24, "
    whole = claim(certificate(S3), margin="1.0", float32=36, cross_entropy="1.5")
    assert str(specify(encode(whole))) == f"{counts}, {others}cross_entropy_upper_bound 1.5"
    assert str(specify(encode(claim(certificate(S3), margin="1.0")))) == f"{counts}, smallest_certified_margin 1.0"


@pytest.mark.parametrize("cases", [None, CASES])
@pytest.mark.parametrize("name", DOCUMENTS)
def test_all_that_certcheck_proves_is_proved(name: str, cases: Any) -> None:
    """Every example as float32, with the largest claims that certcheck accepts."""
    document = set_least_terms(set_value(to_binary32(DOCUMENTS[name]), "method.cases", cases))
    for bits, threshold in ((24, 0), (9, 2**44)):
        effort = {"scan_above": threshold, "evaluate_above": threshold}
        verdict, _ = compare(claim_most(document, bits, effort))
        assert verdict.reason is None or (name, cases) == ("both S3 rough", None)


@settings(deadline=None, max_examples=25)
@given(st.sampled_from(sorted(DOCUMENTS)), st.integers(0, 2**32 - 1))
def test_random_edits_with_all_claims_are_decided_alike(name: str, seed: int) -> None:
    """Damaged weights, arrays and numbers; the claims are the largest that certcheck accepts."""
    rng = np.random.default_rng(seed)
    document = set_value(DOCUMENTS[name], "method.cases", CASES if rng.random() < 0.5 else None)
    damage_weights(rng, document["network"])
    for damage in rng.choice(np.array([damage_array, damage_number]), rng.integers(2)):
        damage(rng, document["method"])
    document = set_least_terms(to_binary32(document))
    effort = {key: int(2.0 ** rng.uniform(0, 59)) for key in EFFORT}
    compare(claim_most(document, int(rng.integers(6, 25)), effort))


@pytest.mark.parametrize(
    "options",
    [
        "--method rho-set",
        "--method equivariant --cross-entropy cases --unit-roundoff 2^-13",
        "--method exhaustive --unit-roundoff 2^-14",
    ],
)
def test_what_certgen_claims_of_the_shipped_model_is_proved(options: str, tmp_path: Path) -> None:
    """All three claims, and none of them is far from what is proved."""
    path = tmp_path / "S4.json"
    assert main([str(EXAMPLES / "S4.pt"), "-o", str(path), *options.split()]) == 0
    document = json.loads(path.read_text())
    statement = document["statement"]
    assert None not in statement.values()
    decision = specify(path.read_bytes())
    assert (decision.status, decision.correct_pairs_at_least) == (Status.VERIFIED, 576)
    factors = {"smallest_certified_margin": Fraction(2), "cross_entropy_upper_bound": Fraction(1, 4)}
    more = {key: write_decimal(Fraction(statement[key]) * factor) for key, factor in factors.items()}
    for key, value in more.items():
        assert not is_verified(set_value(document, f"statement.{key}", value), key)

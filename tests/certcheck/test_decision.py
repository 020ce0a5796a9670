"""The whole check: valid certificates, false claims, and what each refusal says."""

from __future__ import annotations

import copy
import tracemalloc
from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from certcheck.comparison import Auditor
from certcheck.decision import check, check_margin, describe_representations
from certcheck.document import EquivariantSection, RepresentationSection, StatementSection
from certcheck.entropy import add_up, bound_by_smallest, bound_mean, prepare_exponentials
from certcheck.evidence import Evidence
from certcheck.verdict import Reason, Refusal
from tests.certificates import C1, C3, S3, certificate, encode, pair_detectors, tensor

NOBODY = Auditor()
C2 = [[0, 1], [1, 0]]
C4 = [[(i + x) % 4 for i in range(4)] for x in range(4)]


def refusal_of(document: dict[str, Any], auditor: Auditor = NOBODY) -> tuple[Reason, str]:
    """Reason and place of the refusal of a certificate."""
    with pytest.raises(Refusal) as caught:
        check(encode(document), auditor)
    return caught.value.reason, caught.value.where


@pytest.mark.parametrize("elements", [C1, C3, S3])
def test_a_true_claim_is_verified_and_one_more_is_not(elements: list[list[int]]) -> None:
    """The bound is proved exactly, and a claim of one pair more is refused."""
    document = certificate(elements)
    proof = check(encode(document), NOBODY)
    assert proof.correct_pairs_at_least == proof.pairs == proof.pairs_by_cases == len(elements) ** 2
    assert (proof.pairs_by_argument, proof.order, proof.group_compared) == (0, len(elements), "none")
    document["statement"]["correct_pairs_at_least"] += 1
    assert refusal_of(document) == (Reason.BOUND_TOO_HIGH, "statement.correct_pairs_at_least")


def test_a_lower_claim_is_verified_and_what_was_proved_is_said() -> None:
    """A certificate may claim less than is true."""
    proof = check(encode(certificate(S3, correct=20)), NOBODY)
    assert (proof.correct_pairs_at_least, proof.pairs_by_cases) == (20, 36)


def test_a_tie_is_not_correct() -> None:
    """With one logit raised to that of the right answer, the pairs that it ties are lost, and no others."""
    weights = pair_detectors(S3)
    weights["out"][0, 5] = 1  # the pair (0, 0) now answers 0 and 5 equally
    assert check(encode(certificate(S3, weights, correct=35)), NOBODY).pairs_by_cases == 35
    assert refusal_of(certificate(S3, weights)) == (Reason.BOUND_TOO_HIGH, "statement.correct_pairs_at_least")


def test_the_smallest_margin_counts() -> None:
    """A margin of one unit in the last place is a margin; one unit less is a tie."""
    weights = pair_detectors(S3)
    weights["out"][0, 5] = np.nextafter(np.float32(1), np.float32(0))
    proof = check(encode(certificate(S3, weights)), NOBODY)
    assert proof.pairs_by_cases == 36
    # 1 - 2^-24 is not a multiple of 2^-10, so the pairs near it were evaluated with the exact weights.
    assert proof.multiply_adds > proof.multiply_adds_exhaustive


def test_the_cost_is_counted_in_full() -> None:
    """Order 6, 36 neurons: 36 * 6^3 multiply-adds, and additions as compute_additions says, counted by hand."""
    proof = check(encode(certificate(S3)), NOBODY)
    assert proof.multiply_adds == proof.multiply_adds_exhaustive == 36 * 216
    assert proof.additions == 36 * (36 + 36 + 6 + 1)


def set_value(*path: str | int) -> Callable[[dict[str, Any], Any], None]:
    """An edit that replaces the value at a path."""

    def edit(document: dict[str, Any], value: Any) -> None:
        place: Any = document
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value

    return edit


def negative_zero(values: dict[str, Any]) -> dict[str, Any]:
    """The bytes of other numbers under an old hash."""
    changed = tensor(np.full(values["shape"], -0.0, dtype=np.float32))
    return values | {"data": changed["data"]}


LEFT = certificate(S3)["network"]["tensors"]["left"]
NAN = np.full((6, 36), np.nan, dtype=np.float32)
INFINITE = np.full((6, 36), np.inf, dtype=np.float32)

# Edit, new value, reason, place, and the false claim that acceptance would allow.
FALSE_CLAIMS: list[tuple[tuple[str | int, ...], Any, Reason, str]] = [
    # "all 36 pairs" of a table with 35 or 37 pairs
    (("statement", "pairs"), 35, Reason.PAIRS_WRONG, "statement.pairs"),
    (("statement", "pairs"), 37, Reason.PAIRS_WRONG, "statement.pairs"),
    # a bound that every constant answer reaches
    (("statement", "correct_pairs_at_least"), 6, Reason.BOUND_VACUOUS, "statement.correct_pairs_at_least"),
    (("statement", "correct_pairs_at_least"), 0, Reason.BOUND_VACUOUS, "statement.correct_pairs_at_least"),
    (("statement", "correct_pairs_at_least"), 37, Reason.BOUND_TOO_HIGH, "statement.correct_pairs_at_least"),
    # other weights under the hash of these
    (("network", "tensors", "left"), negative_zero(LEFT), Reason.TENSOR_HASH_WRONG, "network.tensors.left.sha256"),
    (("network", "tensors", "left", "sha256"), "0" * 64, Reason.TENSOR_HASH_WRONG, "network.tensors.left.sha256"),
    (("network", "tensors", "left", "data"), "", Reason.TENSOR_SIZE_WRONG, "network.tensors.left.data"),
    (("network", "tensors", "left", "dtype"), "float64", Reason.TENSOR_SIZE_WRONG, "network.tensors.left.data"),
    (("network", "tensors", "left", "dtype"), "int32", Reason.DTYPE_UNKNOWN, "network.tensors.left.dtype"),
    (("network", "tensors", "left"), tensor(NAN), Reason.WEIGHT_NOT_FINITE, "network.tensors.left.data"),
    (("network", "tensors", "left"), tensor(INFINITE), Reason.WEIGHT_NOT_FINITE, "network.tensors.left.data"),
    # a network of the certificate's own choice
    (("network", "architecture"), "transformer", Reason.ARCHITECTURE_UNKNOWN, "network.architecture"),
    (("network", "architecture"), "mapped", Reason.ROLE_MISSING, "network.roles"),
    (("network", "roles", "right"), "left", Reason.ROLES_SHARE_TENSOR, "network.roles.right"),
    (("network", "roles", "right"), "nothing", Reason.TENSOR_MISSING, "network.roles.right"),
    (("network", "roles", "mask"), "left", Reason.ROLE_UNKNOWN, "network.roles.mask"),
    (("network", "roles", "out_transposed"), "out", Reason.ROLE_UNKNOWN, "network.roles.out_transposed"),
    (("network", "roles", "out_bias_transposed"), "left", Reason.ROLE_UNKNOWN, "network.roles.out_bias_transposed"),
    (("network", "roles"), {"left": "left", "right": "right"}, Reason.ROLE_MISSING, "network.roles"),
    (("network", "tensors", "spare"), LEFT, Reason.TENSOR_UNUSED, "network.tensors.spare"),
    (("network", "tensors", "left", "shape"), [36, 6], Reason.SHAPE_WRONG, "network.tensors.left"),
    (("network", "tensors", "left", "shape"), [216], Reason.SHAPE_WRONG, "network.tensors.left"),
    (("network", "tensors", "left", "shape"), [1, 6, 36], Reason.SHAPE_WRONG, "network.tensors.left"),
    # a set of permutations that is no group
    (("group", "elements", 5), [0, 0, 1], Reason.NOT_A_PERMUTATION, "group.elements[5]"),
    (("group", "elements", 5), S3[4], Reason.ELEMENTS_REPEAT, "group.elements[5]"),
    (("group", "elements"), [*S3[1:], S3[0]][:5], Reason.IDENTITY_MISSING, "group.elements"),
    (("group", "elements"), S3[:5], Reason.GROUP_NOT_CLOSED, "group.elements"),
    (("group", "name"), "C6", Reason.GROUP_NAME_WRONG, "group.name"),
    (("group", "name"), "S3xC1", Reason.GROUP_NAME_WRONG, "group.name"),
    (("group", "name"), "the symmetric group", Reason.GROUP_NAME_WRONG, "group.name"),
    (("group", "name"), "S99999", Reason.ORDER_TOO_LARGE, "group.name"),
    # products that would wrap
    (("method", "activation_bits"), 70, Reason.SCALE_TOO_FINE, "method.activation_bits"),
    (("method", "unembedding_bits"), 70, Reason.SCALE_TOO_FINE, "method.unembedding_bits"),
    (("method", "unembedding_bits"), 50, Reason.SCALE_TOO_FINE, "method"),
]


@pytest.mark.parametrize(("path", "value", "reason", "where"), FALSE_CLAIMS)
def test_a_false_claim_is_refused_with_its_reason(
    path: tuple[str | int, ...], value: Any, reason: Reason, where: str
) -> None:
    """One edit of a certificate that is verified gives one refusal, with its reason and place."""
    document = certificate(S3)
    assert check(encode(document), NOBODY).pairs_by_cases == 36
    set_value(*path)(document, copy.deepcopy(value))
    assert refusal_of(document) == (reason, where)


def test_other_labels_are_another_claim() -> None:
    """Two elements exchanged: the network is right on fewer pairs of the new table, and the old bound is refused."""
    document = certificate(S3)
    elements = document["group"]["elements"]
    elements[1], elements[2] = elements[2], elements[1]
    assert refusal_of(document) == (Reason.BOUND_TOO_HIGH, "statement.correct_pairs_at_least")


def test_swapped_roles_are_another_function() -> None:
    """In a group that does not commute, the same bytes in swapped roles compute yx: fewer pairs are correct.

    xy = yx for 18 of the 36 pairs of S3 (three classes times six), so the swapped network is right on 18.
    """
    document = certificate(S3)
    document["network"]["roles"] = {"left": "right", "right": "left", "out": "out"}
    assert refusal_of(document) == (Reason.BOUND_TOO_HIGH, "statement.correct_pairs_at_least")
    document["statement"]["correct_pairs_at_least"] = 18
    assert check(encode(document), NOBODY).pairs_by_cases == 18


def test_the_name_of_the_group_is_verified() -> None:
    """S3 on three points is S3 and D3, and nothing else."""
    document = certificate(S3)
    for name in ("S3", "D3"):
        document["group"]["name"] = name
        assert check(encode(document), NOBODY).group == name
    document["group"]["name"] = None
    assert check(encode(document), NOBODY).group == "permutations of 3 points, no name"


@pytest.mark.parametrize("elements", [C1, C2, C3])
def test_a_claim_of_chance_is_vacuous(elements: list[list[int]]) -> None:
    """As many pairs as elements, and for one element none, are right whatever the network is; one more is a claim."""
    chance = len(elements) if len(elements) > 1 else 0
    refusal = refusal_of(certificate(elements, correct=chance))
    assert refusal == (Reason.BOUND_VACUOUS, "statement.correct_pairs_at_least")
    assert check(encode(certificate(elements, correct=chance + 1)), NOBODY).correct_pairs_at_least == chance + 1


def test_a_name_of_as_many_permutations_of_as_many_points_is_refused() -> None:
    """C4 and C2xC2 both have four elements on four points."""
    document = certificate(C4)
    document["group"]["name"] = "C2xC2"
    assert refusal_of(document) == (Reason.GROUP_NAME_WRONG, "group.name")
    document["group"]["name"] = "C4"
    assert check(encode(document), NOBODY).group == "C4"


def test_the_exact_weights_cost_all_logits_of_a_pair() -> None:
    """Weights that all vanish at the fixed point leave all 36 pairs to the exact weights: 36 * 6 multiply-adds each."""
    weights = {role: values / 4 for role, values in pair_detectors(S3).items()}
    document = certificate(S3, weights)
    document["method"]["activation_bits"] = 0
    proof = check(encode(document), NOBODY)
    assert proof.pairs_by_cases == 36
    assert proof.multiply_adds == 36 * 216 + 36 * (36 * 6)


def describe(d: int, **fields: Any) -> str:
    """What the verdict says of one representation of S3 in dimension d."""
    tables = np.zeros((6, d, d), dtype=np.int64)
    absent = dict.fromkeys(("name", "permutations", "signs", "matrices", "positions", "coefficients", "basis"))
    fields = absent | {"left": tables, "right": tables, "middle": tables, "cells": tables[:, 0, 0]} | fields
    part = RepresentationSection(**fields, constants_to=None)
    section = EquivariantSection(0, 0, 0, 0, 0, 0, 1, tables[0], (part,), {}, None)
    (words,) = describe_representations(section)
    return words


def test_representations_are_described_by_what_was_verified() -> None:
    """Dimension and kind; a name is only quoted."""
    points = np.zeros((2, 3), dtype=np.int64)
    assert describe(3, permutations=points, signs=np.array([1, 1])) == "permutations of 3"
    assert describe(3, permutations=points, signs=np.array([1, -1])) == "signed permutations of 3"
    assert describe(2, matrices=np.zeros((2, 2, 2), dtype=np.int64)) == "no name, dimension 2"
    assert describe(2, name="standard", matrices=np.zeros((2, 2, 2), dtype=np.int64)) == "'standard', dimension 2"


def test_a_name_cannot_pass_for_a_line_of_the_verdict() -> None:
    """Blanks to the edge of a terminal and a comparison that was not made: 24 characters are shown, in quotes."""
    matrices = np.zeros((2, 2, 2), dtype=np.int64)
    fake = "compared      model (every tensor, byte by byte)"
    assert describe(2, name=fake, matrices=matrices) == "'compared      model (eve...', dimension 2"
    assert describe(2, name="', dimension 3, '", matrices=matrices) == "\"', dimension 3, '\", dimension 2"
    assert describe(2, name="x" * 24, matrices=matrices) == f"'{'x' * 24}', dimension 2"
    assert describe(2, name="x" * 25, matrices=matrices) == f"'{'x' * 24}...', dimension 2"


def test_sizes_that_multiply_past_memory_are_compared_with_the_bytes() -> None:
    """2^24 neurons or three sides of 2^24 in a few bytes: what is allocated is what the file holds."""
    largest, valid = 2**24, certificate(C3)
    wide = copy.deepcopy(valid)
    for name, shape in (("left", [3, largest]), ("right", [3, largest]), ("out", [largest, 3])):
        wide["network"]["tensors"][name]["shape"] = shape
    deep = copy.deepcopy(valid)
    deep["network"]["tensors"]["left"]["shape"] = [largest] * 3
    packed = copy.deepcopy(valid)
    scales = dict.fromkeys(("activation_bits", "unembedding_bits", "scale_bits", "table_bits"), 8)
    neurons = {"dtype": "int32", "shape": [largest, 4], "data": "AAAA"}
    terms = dict.fromkeys(("merging", "rounding", "remainder"), 0)
    packed["method"] = {"name": "rho-set", **scales, "gsets": [], "circuits": [], "neurons": neurons}
    packed["method"] |= {"error_terms": terms, "remaining": None, "cases": None}
    tracemalloc.start()
    for document, found in (
        (wide, (Reason.TENSOR_SIZE_WRONG, "network.tensors.left.data")),
        (deep, (Reason.SHAPE_WRONG, "network.tensors.left")),
        (packed, (Reason.TYPE_WRONG, "method.neurons")),
    ):
        assert refusal_of(document) == found
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


def test_the_threshold_is_read_exactly() -> None:
    """35 of 36 reaches 35/36 and nothing above it."""
    document = certificate(S3, correct=35)
    assert check(encode(document), Auditor(at_least=Fraction(35, 36))).pairs == 36
    above = Auditor(at_least=Fraction(35, 36) + Fraction(1, 10**30))
    assert refusal_of(document, above) == (Reason.BOUND_BELOW_THRESHOLD, "statement.correct_pairs_at_least")


@pytest.mark.parametrize("arithmetic", ["float64", "int64"])
def test_both_arithmetics_give_one_verdict(arithmetic: str) -> None:
    """The proof differs in the name of the arithmetic only."""
    proof = check(encode(certificate(S3)), Auditor(arithmetic=arithmetic))
    assert (proof.arithmetic, proof.pairs_by_cases) == (arithmetic, 36)


def claim(document: dict[str, Any], **claims: Any) -> dict[str, Any]:
    """The certificate with these claims in its statement."""
    return document | {"statement": document["statement"] | claims}


def write_decimal(value: Fraction, units: int = 0) -> str:
    """The least decimal of 18 places that is not below a value, and so many units of the last place more."""
    whole, places = divmod(-(-value * 10**18 // 1) + units, 10**18)
    return f"{whole}.{places:018d}"


EFFORT = {"scan_above": 0, "evaluate_above": 0}
FLOAT32 = {"float32_correct_pairs_at_least": 36, "unit_roundoff_bits": 24}
MARGIN = {"smallest_certified_margin": "1.0"}
# All margins are 1: log(1 + 5/e) = 1.04359...
ENTROPY = {"cross_entropy_upper_bound": "1.0436", "cross_entropy_effort": EFFORT}


def test_all_claims_are_verified_together_and_quoted() -> None:
    """As the certificate has them; the bins say that all margins are 1, and the parts of binary32 are counted."""
    proof = check(encode(claim(certificate(S3), **MARGIN, **FLOAT32, **ENTROPY)), NOBODY)
    assert (proof.smallest_certified_margin, proof.cross_entropy_upper_bound) == ("1.0", "1.0436")
    assert (proof.float32_correct_pairs_at_least, proof.unit_roundoff_bits) == (36, 24)
    assert (proof.float32_pairs_by_argument, proof.float32_pairs_by_cases) == (0, 36)
    assert list(proof.certified_margins)[:3] == ["0", "1/256", "3/512"]
    assert {edge: count for edge, count in proof.certified_margins.items() if count} == {"1": 36}
    assert proof.multiply_adds == proof.multiply_adds_exhaustive
    assert proof.multiply_adds_cross_entropy == 0


def test_what_is_not_claimed_is_not_said() -> None:
    """No line of another claim, whatever could be proved; the bins are of the pairs themselves."""
    proof = check(encode(certificate(S3)), NOBODY)
    assert proof.smallest_certified_margin is proof.cross_entropy_upper_bound is None
    assert proof.float32_correct_pairs_at_least is proof.unit_roundoff_bits is None
    assert proof.float32_pairs_by_argument is proof.float32_pairs_by_cases is None
    assert sum(proof.certified_margins.values()) == 36


@pytest.mark.parametrize(
    ("margin", "is_proved"), [("0.0", True), ("1.000000000000000000", True), ("1.000000000000000001", False)]
)
def test_a_margin_is_proved_up_to_the_last_place(margin: str, *, is_proved: bool) -> None:
    """All margins are 1: that is proved, and not 10^-18 more."""
    document = claim(certificate(S3), smallest_certified_margin=margin)
    if is_proved:
        assert check(encode(document), NOBODY).smallest_certified_margin == margin
    else:
        assert refusal_of(document) == (Reason.MARGIN_TOO_HIGH, "statement.smallest_certified_margin")


def test_a_margin_is_that_of_every_proved_pair() -> None:
    """36 pairs are proved, of which one has a margin of 1/2: a claim of 35 is no claim about 35 of our choice."""
    weights = pair_detectors(S3)
    weights["out"][0, 5] = 0.5
    for margin, is_proved in (("0.5", True), ("0.6", False)):
        document = claim(certificate(S3, weights, correct=35), smallest_certified_margin=margin)
        if is_proved:
            proof = check(encode(document), NOBODY)
            assert {edge: count for edge, count in proof.certified_margins.items() if count} == {"1/2": 1, "1": 35}
        else:
            assert refusal_of(document) == (Reason.MARGIN_TOO_HIGH, "statement.smallest_certified_margin")


@pytest.mark.parametrize("elements", [C1, C3, S3])
def test_one_pair_more_is_not_proved_in_binary32(elements: list[list[int]]) -> None:
    """All pairs are; a claim of one more, or of no more than chance, is refused at its own place."""
    n = len(elements)
    where = "statement.float32_correct_pairs_at_least"
    for pairs, reason in (
        (n**2, None),
        (n**2 + 1, Reason.FLOAT32_BOUND_TOO_HIGH),
        (n if n > 1 else 0, Reason.BOUND_VACUOUS),
        (n + 1 if n > 1 else 1, None),
    ):
        document = claim(certificate(elements), float32_correct_pairs_at_least=pairs, unit_roundoff_bits=24)
        if reason is None:
            proof = check(encode(document), NOBODY)
            assert (proof.float32_correct_pairs_at_least, proof.float32_pairs_by_cases) == (pairs, n**2)
        else:
            assert refusal_of(document) == (reason, where)


def test_a_coarser_arithmetic_proves_less() -> None:
    """36 neurons: 2 * 39 u <= 1 takes 7 bits; a margin of 1 is proved from the first bits on that leave it room."""
    found = []
    for bits in (6, 7, 8, 9, 24):
        document = claim(certificate(S3), float32_correct_pairs_at_least=7, unit_roundoff_bits=bits)
        try:
            proof = check(encode(document), NOBODY)
        except Refusal as refusal:
            found.append(refusal.reason)
        else:
            assert proof.unit_roundoff_bits == bits
            found.append(proof.float32_pairs_by_cases)
    assert found == [Reason.FLOAT32_UNBOUNDED, Reason.FLOAT32_BOUND_TOO_HIGH, 36, 36, 36]


def test_weights_that_binary32_does_not_hold_are_refused_for_this_claim_alone() -> None:
    """A tenth in float64."""
    weights: dict[str, Any] = dict(pair_detectors(S3))
    weights["out"] = weights["out"].astype(np.float64) * 0.1
    document = certificate(S3, weights)
    assert check(encode(document), NOBODY).pairs_by_cases == 36
    assert refusal_of(claim(document, **FLOAT32)) == (Reason.WEIGHT_NOT_BINARY32, "network.roles.out")


@pytest.mark.parametrize("evaluate_above", [0, 10**18 - 1])
@pytest.mark.parametrize("scan_above", [0, 10**18 - 1])
def test_a_cross_entropy_is_proved_down_to_the_last_place(scan_above: int, evaluate_above: int) -> None:
    """What is proved, rounded up to 18 places, and not one unit of the last place less."""
    effort = {"scan_above": scan_above, "evaluate_above": evaluate_above}
    exponentials = prepare_exponentials(scan_above, evaluate_above)
    entropy = add_up(*bound_by_smallest(exponentials, np.full(36, 1 << 20), 5, 20))
    proved = bound_mean(entropy, 36)
    assert Fraction(104359, 10**5) < proved < Fraction(104360, 10**5)
    for units, is_proved in ((0, True), (1, True), (-1, False)):
        bound = write_decimal(proved, units)
        document = claim(certificate(S3), cross_entropy_upper_bound=bound, cross_entropy_effort=effort)
        if is_proved:
            assert check(encode(document), NOBODY).cross_entropy_upper_bound == bound
        else:
            assert refusal_of(document) == (Reason.CROSS_ENTROPY_TOO_LOW, "statement.cross_entropy_upper_bound")


def test_the_cross_entropy_is_that_of_all_pairs() -> None:
    """One pair that is wrong by 9 costs 9 / 36 of a nat, and a claim about 35 pairs does not leave it out."""
    weights = pair_detectors(S3)
    weights["out"][0, 5] = 10
    document = certificate(S3, weights, correct=35)
    for bound, is_proved in (("1.30", True), ("1.25", False), ("1.0436", False)):
        claimed = claim(document, cross_entropy_upper_bound=bound, cross_entropy_effort=EFFORT)
        if is_proved:
            assert check(encode(claimed), NOBODY).cross_entropy_upper_bound == bound
        else:
            assert refusal_of(claimed) == (Reason.CROSS_ENTROPY_TOO_LOW, "statement.cross_entropy_upper_bound")


def test_one_element_is_right_in_every_way() -> None:
    """Order 1 has no wrong answer: no cross-entropy, right in binary32, and a margin of any size."""
    claims = {"float32_correct_pairs_at_least": 1, "unit_roundoff_bits": 24, "smallest_certified_margin": "1000.0"}
    entropy = {"cross_entropy_upper_bound": "0.0", "cross_entropy_effort": EFFORT}
    proof = check(encode(claim(certificate(C1), **claims, **entropy)), NOBODY)
    assert (proof.pairs_by_cases, proof.float32_pairs_by_cases) == (1, 1)


def test_refusals_come_in_the_order_of_the_statement() -> None:
    """Vacuous claims first; then pairs, margin, binary32 and cross-entropy, each put right in turn."""
    document = claim(certificate(S3), **MARGIN, **FLOAT32, **ENTROPY)
    check(encode(document), NOBODY)
    wrong: list[tuple[str, Any, Any, Reason]] = [
        ("float32_correct_pairs_at_least", 6, 37, Reason.BOUND_VACUOUS),
        ("unit_roundoff_bits", 3, 24, Reason.FLOAT32_UNBOUNDED),
        ("correct_pairs_at_least", 37, 36, Reason.BOUND_TOO_HIGH),
        ("smallest_certified_margin", "1.1", "1.0", Reason.MARGIN_TOO_HIGH),
        ("float32_correct_pairs_at_least", 37, 36, Reason.FLOAT32_BOUND_TOO_HIGH),
        ("cross_entropy_upper_bound", "1.0", "1.0436", Reason.CROSS_ENTROPY_TOO_LOW),
    ]
    for key, value, _, _ in reversed(wrong):
        document["statement"][key] = value
    for key, _, value, reason in wrong:
        assert refusal_of(document) == (reason, f"statement.{key}")
        document["statement"][key] = value
    check(encode(document), NOBODY)


def test_nothing_proved_has_no_margin() -> None:
    """A network that is never right proves no pair, and no margin of any."""
    weights = pair_detectors(S3)
    weights["out"] = 0 * weights["out"]
    document = claim(certificate(S3, weights, correct=7), smallest_certified_margin="0.0")
    assert refusal_of(document) == (Reason.BOUND_TOO_HIGH, "statement.correct_pairs_at_least")
    statement = StatementSection(7, 36, smallest_certified_margin="0.0")
    with pytest.raises(Refusal) as caught:
        check_margin(statement, Evidence(0, 0, Counter()))
    assert (caught.value.reason, caught.value.got) == (Reason.MARGIN_TOO_HIGH, "0.0")

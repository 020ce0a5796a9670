"""The claims beside correct pairs, by every method: against the true margins, and against pairs one at a time."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections import Counter
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import certcheck.exhaustive
from certcheck.comparison import Auditor
from certcheck.decision import check_method
from certcheck.document import EquivariantSection, ExhaustiveSection, RhoSetSection
from certcheck.entropy import add_up, bound_mean
from certcheck.evidence import EDGES, NO_DEMANDS, Demands, Evidence, Margins
from certcheck.exhaustive import check_exhaustive, compute_additions, evaluate_rows, round_network
from certcheck.float32 import bound_float32_errors, bound_pair
from certcheck.group import Group
from certcheck.network import Network
from certcheck.rhoset import check_rho_set
from certcheck.verdict import Reason
from tests.certcheck.test_cases import EFFORTS, SCALES, Slowly, make_random
from tests.certcheck.test_entropy import EXPONENTIALS, add_exponentials, sum_slowly, to_decimal
from tests.certcheck.test_equivariant import EXAMPLES as REPRESENTATIONS
from tests.certcheck.test_exact import refused
from tests.certcheck.test_exhaustive import ARITHMETICS, GROUPS, make_network
from tests.certcheck.test_network import compute_folded
from tests.certcheck.test_rhoset import EXAMPLES as CIRCUITS
from tests.certcheck.test_rhoset import ROUGH as ROUGH_CIRCUIT
from tests.remaining_sections import ROUGH

S3 = GROUPS["S3"]
FINE, COARSE = ExhaustiveSection(20, 20), ExhaustiveSection(4, 3)
ALL = 10**18 - 1


def make_single(network: Network) -> Network:
    """The same with weights rounded to binary32."""
    weights = {role: values.astype(np.float32) for role, values in network.weights.items()}
    return make_network(**weights)


def make_effort(scan_above: int, evaluate_above: int) -> Demands:
    """A claim of a cross-entropy alone."""
    return Demands(exponentials=dataclasses.replace(EXPONENTIALS, scan_above=scan_above, evaluate_above=evaluate_above))


def make_demands(network: Network, roundoff: int | None, effort: tuple[int, int] | None) -> Demands:
    """Claims of these kinds."""
    exponentials = None if effort is None else make_effort(*effort).exponentials
    return Demands(None if roundoff is None else bound_float32_errors(network, roundoff), exponentials)


def list_margins(network: Network, G: Group) -> dict[tuple[int, int], list[Fraction]]:
    """The true margins of each pair over its wrong labels."""
    margins = {}
    for x, y in itertools.product(range(G.order), repeat=2):
        logits = compute_folded(network, x, y)
        answer = logits.pop(int(G.table[x, y]))
        margins[x, y] = [answer - logit for logit in logits]
    return margins


def mean_cross_entropy(margins: dict[tuple[int, int], list[Fraction]]) -> Decimal:
    """The truth, in 50 digits."""
    with localcontext(prec=50):
        return sum(add_exponentials(list(map(to_decimal, row))) for row in margins.values()) / len(margins)


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 2**32 - 1),
    scale=st.sampled_from(SCALES),
    arithmetic=st.sampled_from(ARITHMETICS),
    roundoff=st.sampled_from([None, 6, 10, 24]),
    effort=st.sampled_from(EFFORTS),
    block=st.sampled_from([1, 12, 2**17]),
)
def test_exhaustive_says_of_all_pairs_what_it_says_of_each(
    seed: int,
    scale: tuple[int, int],
    arithmetic: str,
    roundoff: int | None,
    effort: tuple[int, int] | None,
    block: int,
) -> None:
    """Count, margins, binary32, sums of exponentials and cost, in blocks of any size."""
    network = make_random(seed)
    demands, section = make_demands(network, roundoff, effort), ExhaustiveSection(*scale)
    rounded = round_network(network, section, arithmetic, demands=demands)
    correct, float32, certified, sums, cost = 0, 0, [], [], Counter[str]()
    for x, y in itertools.product(range(6), repeat=2):
        v = int(S3.table[x, y])
        # One pair of all rivals; what cases cost is known.
        slowly = Slowly(network, _Inquiry(rounded, demands), v)
        rivals = [z for z in range(6) if z != v]
        least, is_correct = slowly.decide(x, y, rivals)
        correct += is_correct
        float32 += slowly.float32_by_cases
        certified += [least] if is_correct else []
        cost += slowly.cost
        margins, slack = slowly.evaluate(x, y)
        if demands.exponentials is not None:
            units = [int((margins[z] - slack) * Fraction(2) ** rounded.bits) for z in rivals]
            shift, s = sum_slowly([min(units)] * 5, rounded.bits)
            is_loose = shift > 0 or s > demands.exponentials.scan_above
            sums.append(sum_slowly(units, rounded.bits) if is_loose else (shift, s))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(certcheck.exhaustive, "BLOCK", block)
        found = check_exhaustive(network, S3, section, arithmetic, demands=demands)
    pairs = np.array(sums, dtype=np.int64).reshape(-1, 2)
    expected = Evidence(
        by_argument=0,
        by_cases=correct,
        cost=cost + Counter(additions=compute_additions(network, S3)),
        float32_by_cases=float32,
        margins=Margins(
            Counter(max(i for i, edge in enumerate(EDGES) if edge <= margin) for margin in certified),
            min(certified, default=None),
        ),
        entropy=found.entropy if demands.exponentials is None else add_up(pairs[:, 0], pairs[:, 1]),
    )
    if demands.float32 is None:
        found = dataclasses.replace(found, float32_by_cases=0)
        expected = dataclasses.replace(expected, float32_by_cases=0)
    assert found == expected
    assert sum(found.entropy.pairs.values()) == (0 if demands.exponentials is None else 36)


@dataclasses.dataclass(slots=True)
class _Inquiry:
    """As much of an inquiry as deciding a pair reads."""

    rounded: Any
    demands: Demands


def blind(section: Any) -> Any:
    """The section with tables of zeros, or without kernels: little is proved by it."""
    if isinstance(section, EquivariantSection):
        parts = tuple(
            dataclasses.replace(p, left=0 * p.left, right=0 * p.right, middle=0 * p.middle)
            for p in section.representations
        )
        return dataclasses.replace(section, representations=parts)
    circuits = tuple(dataclasses.replace(c, kernel=None) for c in section.circuits)
    return dataclasses.replace(section, circuits=circuits)


EXAMPLES: dict[str, Any] = {
    **{f"equivariant {name}": example for name, example in REPRESENTATIONS.items()},
    **{f"rho-set {name}": CIRCUITS[name] for name in ("C2", "S3", "S3 one-sided", "D4 on two sets", "S3 middle")},
    **{f"both {name}": ROUGH[name].whole for name in ("S3 sign", "V4 half each", "S3 rough")},
    "rho-set rough": ROUGH_CIRCUIT,
}
EXAMPLES |= {
    f"{name}, blind": dataclasses.replace(example, section=blind(example.section))
    for name, example in EXAMPLES.items()
    if name in ("equivariant S3 sign", "rho-set S3", "both S3 sign")
}
EXAMPLES = {
    name: dataclasses.replace(example, network=make_single(example.network)) for name, example in EXAMPLES.items()
}


def prove(example: Any, cases: ExhaustiveSection | None, demands: Demands) -> Evidence:
    """The evidence, the same in both arithmetics."""
    section = dataclasses.replace(example.section, cases=cases)
    first, second = (
        check_method(example.network, example.G, section, Auditor(arithmetic=arithmetic), demands)
        for arithmetic in ARITHMETICS
    )
    assert first == second
    return first


@pytest.mark.parametrize("cases", [None, FINE, COARSE])
@pytest.mark.parametrize("name", EXAMPLES)
def test_no_method_claims_more_than_is_true(name: str, cases: ExhaustiveSection | None) -> None:
    """Of margins, binary32 at three roundoffs, and the cross-entropy; and with fine cases not much less."""
    example = EXAMPLES[name]
    network, G = example.network, example.G
    true, pairs = list_margins(network, G), G.order**2
    smallest = {pair: min(row) for pair, row in true.items()}
    plain = prove(example, cases, NO_DEMANDS)
    proved = plain.by_argument + plain.by_cases
    correct = sorted(margin for margin in smallest.values() if margin > 0)
    assert proved == len(correct) if cases is not None else proved <= len(correct)
    for roundoff, effort in ((24, (0, 0)), (12, (ALL, ALL)), (8, (2**48, 2**46))):
        demands = make_demands(network, roundoff, effort)
        evidence = prove(example, cases, demands)
        # Other claims change nothing for this one.
        assert (evidence.by_argument, evidence.by_cases) == (plain.by_argument, plain.by_cases)
        assert sum(evidence.margins.counts.values()) == proved
        if proved:
            assert evidence.margins.smallest is not None
            # The largest of the margins of as many pairs as are proved is as good a bound as any.
            assert 0 <= evidence.margins.smallest <= correct[len(correct) - proved]
        assert demands.float32 is not None
        in_binary32 = sum(margin > bound_pair(demands.float32, *pair) for pair, margin in smallest.items())
        float32 = evidence.float32_by_argument + evidence.float32_by_cases
        assert evidence.float32_by_argument <= evidence.by_argument
        assert float32 <= in_binary32 <= len(correct)
        assert cases is not FINE or float32 == in_binary32
        assert sum(evidence.entropy.pairs.values()) == pairs
        bound, truth = to_decimal(bound_mean(evidence.entropy, pairs)), mean_cross_entropy(true)
        assert truth <= bound
        if cases is FINE and effort == (0, 0):
            assert bound <= truth + Decimal("0.05")


@pytest.mark.parametrize("name", ["equivariant S3 sign", "rho-set S3 one-sided", "both S3 sign"])
def test_some_pairs_are_proved_in_binary32_by_the_argument_and_some_by_cases(name: str) -> None:
    """A roundoff at which the argument leaves some, and cases prove more of these."""
    example = EXAMPLES[name]
    found = []
    # From the first that bounds anything on: 2 (m + 3) u <= 1.
    first = math.ceil(math.log2(2 * (example.network.a.shape[1] + 3)))
    for roundoff in (*range(first, first + 6), 24):
        demands = make_demands(example.network, roundoff, None)
        evidence = prove(example, FINE, demands)
        found.append((evidence.float32_by_argument, evidence.float32_by_cases))
        alone = prove(example, None, demands)
        assert (alone.float32_by_argument, alone.float32_by_cases) == (evidence.float32_by_argument, 0)
    assert any(cases > 0 for _, cases in found)
    assert found[-1] == (36, 0)
    # A smaller roundoff proves no less.
    assert found == sorted(found, key=lambda pair: (sum(pair), pair[0]))


def test_looking_at_every_label_for_the_cross_entropy_is_its_own_cost() -> None:
    """S3 by permutation matrices, K = 1: 36 pairs of 6 labels in 2 products each; by circuits the distances alone."""
    for name, products, additions in (
        ("equivariant S3 permutations", 36 * 6 * 2, 0),
        ("rho-set S3", 36 * 10, 8 * 6**3),
    ):
        example = EXAMPLES[name]
        plain, loose, tight = (
            prove(example, None, demands) for demands in (NO_DEMANDS, make_effort(ALL, 0), make_effort(0, ALL))
        )
        assert plain.cost == loose.cost
        assert tight.cost["multiply_adds"] == plain.cost["multiply_adds"]
        assert tight.cost["cross_entropy"] == products
        # The distances of six elements: d d' = 9 differences an entry, of 36, less a shared half of them.
        more = tight.cost["additions"] - plain.cost["additions"]
        assert more == additions if not additions else more > additions
        assert tight.by_argument == loose.by_argument == 36
        assert bound_mean(tight.entropy, 36) < bound_mean(loose.entropy, 36)


def test_evaluating_pairs_for_the_cross_entropy_is_its_own_cost() -> None:
    """With cases each of 36 pairs takes 6 products for each of 18 neurons, or of 9."""
    for name, m, own in (("equivariant S3 permutations", 18, 36 * 6 * 2), ("rho-set S3", 9, 36 * 10)):
        example = EXAMPLES[name]
        scanned, evaluated = (prove(example, FINE, make_effort(0, evaluate)) for evaluate in (ALL, 0))
        assert scanned.cost["cross_entropy"] == own
        assert evaluated.cost["cross_entropy"] == own + 36 * 6 * m
        assert evaluated.cost["multiply_adds"] == scanned.cost["multiply_adds"]
        assert bound_mean(evaluated.entropy, 36) < bound_mean(scanned.entropy, 36)


def test_distances_that_correct_pairs_need_are_no_cost_of_the_cross_entropy() -> None:
    """Without a kernel the circuits leave every pair open: the distances are theirs, whatever else is claimed."""
    example = EXAMPLES["rho-set S3, blind"]
    plain, more = (prove(example, None, demands) for demands in (NO_DEMANDS, make_effort(0, 0)))
    assert plain.cost == more.cost
    assert more.cost["cross_entropy"] == 0


def test_a_scan_that_is_open_for_one_pair_takes_the_distances_to_its_account() -> None:
    """C3 with as much more rounding as all but the tightest pairs have room for, after others that are not."""
    example, network = ROUGH_CIRCUIT, make_single(ROUGH_CIRCUIT.network)
    assert isinstance(example.section, RhoSetSection)
    plain = check_rho_set(network, example.G, example.section, "int64")
    more = check_rho_set(network, example.G, example.section, "int64", demands=make_effort(0, 0))
    some_open = plain.cost["multiply_adds"] > 0 and plain.by_argument < 36
    assert some_open
    assert more.cost["multiply_adds"] == plain.cost["multiply_adds"]
    assert more.cost["cross_entropy"] == 0


def test_the_tighter_bound_of_many_pairs_is_work_that_is_limited() -> None:
    """Six pairs with xy = v and four neurons: 6 * 256 * 4 before any is looked at; 36 in all."""
    network = make_random(5)
    demands = make_demands(network, 8, None)
    evidence = check_exhaustive(network, S3, FINE, "int64", demands=demands)
    work = evidence.cost["exact_multiply_adds"]
    tight, rest = divmod(work, 256 * 4)
    assert (rest, tight > 6) == (0, True)
    assert evidence.cost["multiply_adds"] == 4 * 6**3 + 2 * 4 * tight
    section = FINE
    for limit, is_enough in ((work, True), (work - 1, False)):
        limits = dataclasses.replace(Auditor().limits, exact_multiply_adds=limit)
        if is_enough:
            assert check_exhaustive(network, S3, section, "int64", limits, demands) == evidence
        else:
            found = refused(check_exhaustive, network, S3, section, "int64", limits, demands)
            assert found == (Reason.WORK_TOO_LARGE, "method")


def test_the_tighter_bound_of_a_row_is_limited_before_it_is_looked_at() -> None:
    """256 products for each of four neurons and each of three pairs that need it; one less is not enough."""
    network = make_random(1)
    demands = make_demands(network, 8, None)

    def look(limit: int) -> Evidence:
        limits = dataclasses.replace(Auditor().limits, exact_multiply_adds=limit)
        return next(evaluate_rows(network, S3, round_network(network, FINE, "int64", limits, demands)))

    work = look(ALL).cost["exact_multiply_adds"]
    assert work == 256 * 4 * 3
    assert look(work) == look(ALL)
    assert refused(look, work - 1) == (Reason.WORK_TOO_LARGE, "method")


def test_a_margin_is_a_margin_in_every_unit() -> None:
    """All margins of the pairs' detectors are 1: proved as such by an exact scale, and below it by others."""
    eye = np.eye(3)
    left, right = np.repeat(eye, 3, axis=1), np.tile(eye, (1, 3)) - 1
    network = make_network(left, right, eye[GROUPS["C3"].table.ravel()])
    for scale, smallest in (((0, 0), 1), ((5, 9), 1), ((40, 9), 1), ((-1, 0), 0), ((-1, -3), 0)):
        evidence = check_exhaustive(network, GROUPS["C3"], ExhaustiveSection(*scale), "int64")
        # Of a unit of 2 or more nothing is left.
        assert evidence.margins.smallest == smallest
        assert evidence.margins.counts == {EDGES.index(Fraction(smallest)): 9}

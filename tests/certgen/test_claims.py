"""certgen.claims: what a certificate claims beside correct pairs."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import pytest

from certcheck.comparison import Auditor
from certcheck.decision import check
from certcheck.document import GroupSection
from certcheck.verdict import Reason, Refusal
from certgen.certificate import write_certificate
from certgen.claims import FACTOR, NEVER, Scope, claim
from certgen.exhaustive import choose_fixed_point
from certgen.failure import Failure
from certgen.rhoset import find_rho_sets
from tests.certgen.circuit_networks import join, make_complete, make_noise, named
from tests.certgen.small_models import cyclic, detector_weights, group_of, network_of, section_of

if TYPE_CHECKING:
    from certcheck.document import MethodSection, StatementSection
    from certcheck.group import Group
    from certcheck.verdict import Proof
    from tests.certgen.small_models import Weights

C4 = group_of(cyclic(4))


def prove(weights: Weights, G: Group, method: MethodSection, statement: StatementSection) -> Proof:
    """What certcheck says of the certificate."""
    group = GroupSection(None, "given", G.elements)
    return check(write_certificate(statement, group, section_of("direct", weights), method), Auditor())


@pytest.fixture(scope="module")
def detectors() -> Weights:
    """A network that leads by 1 on all pairs of C4."""
    return detector_weights(cyclic(4))


def test_what_is_claimed_is_verified_and_nothing_better_is(detectors: Weights) -> None:
    """All margins are 1: the cross-entropy is log(1 + 3/e); the next decimal of each claim is refused."""
    network = network_of("direct", detectors)
    method = choose_fixed_point(network)
    statement = claim(network, C4, method, Scope())
    assert statement.smallest_certified_margin == "1.000000"
    assert (statement.float32_correct_pairs_at_least, statement.unit_roundoff_bits) == (16, 24)
    assert statement.cross_entropy_upper_bound is not None
    assert 0 <= float(statement.cross_entropy_upper_bound) - np.log1p(3 / np.e) < 1e-9
    assert prove(detectors, C4, method, statement).correct_pairs_at_least == 16
    low = str(float(statement.cross_entropy_upper_bound) - 1e-9)
    for better, reason in (
        ({"smallest_certified_margin": "1.000001"}, Reason.MARGIN_TOO_HIGH),
        ({"float32_correct_pairs_at_least": 17}, Reason.FLOAT32_BOUND_TOO_HIGH),
        ({"cross_entropy_upper_bound": low}, Reason.CROSS_ENTROPY_TOO_LOW),
    ):
        fields = {name: getattr(statement, name) for name in statement.__slots__} | better
        with pytest.raises(Refusal) as caught:
            prove(detectors, C4, method, type(statement)(**fields))
        assert caught.value.reason is reason


def test_nothing_is_claimed_of_binary32_where_it_holds_not_all_weights(detectors: Weights) -> None:
    """A third in float64 is no binary32 number; the other claims stay."""
    network = network_of("direct", {**detectors, "out": np.float64(detectors["out"]) / 3})
    statement = claim(network, C4, choose_fixed_point(network), Scope())
    assert (statement.float32_correct_pairs_at_least, statement.unit_roundoff_bits) == (None, None)
    assert statement.smallest_certified_margin == "0.333333"


def test_no_cross_entropy_is_claimed_where_none_is_wanted(detectors: Weights) -> None:
    """Bound and effort are null together."""
    network = network_of("direct", detectors)
    statement = claim(network, C4, choose_fixed_point(network), Scope(cross_entropy="none"))
    assert (statement.cross_entropy_upper_bound, statement.cross_entropy_effort) == (None, None)


def test_a_wrong_pair_counts_in_the_cross_entropy_and_not_in_the_margin() -> None:
    """One pair of C4 without a detector is a tie of four labels: log 4."""
    weights = detector_weights(cyclic(4), [(x, y) for x in range(4) for y in range(4)][1:])
    network = network_of("direct", weights)
    statement = claim(network, C4, choose_fixed_point(network), Scope())
    assert (statement.correct_pairs_at_least, statement.smallest_certified_margin) == (15, "1.000000")
    assert statement.cross_entropy_upper_bound is not None
    expected = (15 * np.log1p(3 / np.e) + np.log(4)) / 16
    assert 0 <= float(statement.cross_entropy_upper_bound) - expected < 1e-9


def test_margins_beyond_all_measure_have_no_cross_entropy(detectors: Weights) -> None:
    """Wrong by 2^1000: no bound is claimed, the rest is."""
    weights = {**detectors, "out": np.float64(detectors["out"]) * 2.0**1000}
    weights["out"][0] = np.roll(weights["out"][0], 1)
    network = network_of("direct", weights)
    statement = claim(network, C4, choose_fixed_point(network), Scope())
    assert (statement.correct_pairs_at_least, statement.cross_entropy_upper_bound) == (15, None)


def test_a_claim_that_is_not_above_chance_is_not_made() -> None:
    """Four pairs of sixteen are what a constant answer gets."""
    weights = detector_weights(cyclic(4), [(0, y) for y in range(4)])
    network = network_of("direct", weights)
    with pytest.raises(Failure, match="only 4 of 16 pairs are proved"):
        claim(network, C4, choose_fixed_point(network), Scope())


def test_cases_keep_the_cross_entropy_near_the_least() -> None:
    """A noisy circuit of S3: by the argument it is loose, with cases within twice what evaluating all pairs proves."""
    G = named("S4")
    network = network_of("direct", join(make_complete(G, [4]), make_noise(G, 8)))
    cases = choose_fixed_point(network)
    found = find_rho_sets(network, G, cases)
    assert found is not None
    loose, tight = (claim(network, G, found.section, Scope(cross_entropy=how)) for how in ("argument", "cases"))
    least = claim(network, G, cases, Scope())
    bounds = [Fraction(statement.cross_entropy_upper_bound or "0") for statement in (least, tight, loose)]
    assert 0 < bounds[0] <= bounds[1] <= min(FACTOR * bounds[0], bounds[2])
    assert loose.cross_entropy_effort is not None
    assert loose.cross_entropy_effort.evaluate_above == NEVER

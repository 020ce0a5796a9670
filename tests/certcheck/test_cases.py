"""cases: what bounds of margins prove, and what they leave, against a slow definition of it pair by pair."""

from __future__ import annotations

import math

import numpy as np
import pytest

from certcheck.cases import Inquiry, prepare_inquiry, settle
from certcheck.document import ExhaustiveSection
from certcheck.entropy import bound_mean, prepare_exponentials
from certcheck.evidence import NO_DEMANDS, Demands
from certcheck.exhaustive import round_network
from certcheck.network import Network
from tests.certcheck.test_exhaustive import make_network
from tests.certcheck.test_network import compute_folded

FIRST = np.array([0]), np.array([0])
# The neuron 3/4 becomes 1 and costs 3 * 2^22 logits and as much slack: m' - s is -(3 * 2^21 + 2) units of 2.
W = 3 * 2.0**22
LARGE = [0.75 * W - 2, -0.75 * W + 2]
LOSSES = [
    (make_network([[0.75]] * 2, [[0]] * 2, [[-W, W]], out_bias=LARGE), ExhaustiveSection(0, -1)),
    # Half a unit of 2^23 less 4 becomes 0, half a unit becomes 1: m' - s is -2 units.
    (make_network([[0]] * 2, [[0]] * 2, [[0, 0]], out_bias=[2.0**22 - 4, 2.0**22]), ExhaustiveSection(0, -23)),
]


@pytest.mark.parametrize(("network", "section"), LOSSES)
def test_a_loss_that_does_not_fit_the_unit_of_the_bounds_says_nothing(
    network: Network, section: ExhaustiveSection
) -> None:
    """False claim: a cross-entropy below that of a margin of -4, as m' - s is shifted out of 64 bits at 2^-40."""
    right, wrong = compute_folded(network, 0, 0)
    assert right - wrong == -4
    demands = Demands(exponentials=prepare_exponentials(10**18 - 1, 10**18 - 1))
    rounded = round_network(network, section, "int64", demands=demands)
    inquiry = prepare_inquiry(rounded, demands, 2, 40)
    evidence = settle(network, inquiry, 0, FIRST, np.array([[0, -4 * 2**40]]))
    assert (evidence.by_argument, evidence.by_cases) == (0, 0)
    assert bound_mean(evidence.entropy, 1) >= math.log(1 + math.exp(4))


@pytest.mark.parametrize("n", [1, 2])
def test_the_right_answer_is_never_open(n: int) -> None:
    """Even where binary32 demands 2^62 units or more: it would tie with itself, or be the only rival of order 1."""
    network = make_network([[0]] * n, [[0]] * n, [[0] * n], out_bias=[1, 0][:n])
    rounded = round_network(network, ExhaustiveSection(0, 0), "int64")
    demand = np.full(n, 2**62 - 1)
    inquiry = Inquiry(rounded, NO_DEMANDS, 0, demand, demand)
    evidence = settle(network, inquiry, 0, FIRST, np.array([[-(2**40), 1]])[:, :n])
    assert (evidence.by_argument, evidence.by_cases) == (1, 0)
    assert (evidence.float32_by_argument, evidence.float32_by_cases) == (2 - n, n - 1)
    assert evidence.margins.smallest == (1 if n == 2 else 2**62 - 1)

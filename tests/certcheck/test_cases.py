"""cases: what bounds of margins prove, and what they leave, against a slow definition of it pair by pair."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import certcheck.cases
from certcheck.cases import Inquiry, accept_by_smallest, prepare_cases, prepare_inquiry, settle
from certcheck.document import ExhaustiveSection
from certcheck.entropy import EntropySum, add_up, bound_mean, prepare_exponentials
from certcheck.evidence import EDGES, NO_DEMANDS, Demands, Evidence, Margins, count_margins
from certcheck.exhaustive import compute_exact_cost, evaluate_rows, round_network
from certcheck.float32 import bound_float32_errors, bound_pair
from certcheck.limits import Limits
from certcheck.network import Network
from tests.certcheck.test_entropy import EXPONENTIALS, sum_slowly
from tests.certcheck.test_exhaustive import ARITHMETICS, GROUPS, make_network
from tests.certcheck.test_network import compute_folded

G = GROUPS["S3"]
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


@dataclass(slots=True)
class Slowly:
    """What `settle` should find, one pair after the other; counts are those of its evidence."""

    network: Network
    inquiry: Inquiry
    v: int
    by_argument: int = 0
    by_cases: int = 0
    float32_by_argument: int = 0
    float32_by_cases: int = 0
    cost: Counter[str] = field(default_factory=Counter)
    margins: list[Fraction] = field(default_factory=list)
    sums: list[tuple[int, int]] = field(default_factory=list)

    def add(self, x: int, y: int, ell: list[int]) -> None:
        """One more pair with xy = v and these bounds in units of 2**-bits."""
        unit, n = Fraction(2) ** -self.inquiry.bits, len(ell)
        errors = self.inquiry.demands.float32
        wanted = 0
        if errors is not None:
            wanted = sum(math.ceil(Fraction(e, errors.denominator) / unit) for e in (errors.x[x], errors.y[y]))
        rivals = [z for z in range(n) if z != self.v]
        opened = [z for z in rivals if ell[z] <= wanted]
        is_proved = all(ell[z] > 0 for z in rivals)
        self.by_argument += is_proved
        self.float32_by_argument += not opened
        bounds, is_correct = {z: ell[z] for z in rivals}, is_proved
        if opened and self.inquiry.rounded is not None:
            certified, is_correct = self.decide(x, y, opened)
            self.by_cases += is_correct and not is_proved
            bounds |= {z: max(ell[z], math.floor(certified / unit)) for z in opened}
        if is_correct:
            self.margins.append(min(bounds.values()) * unit)
        self.sums += self.sum_up(x, y, [bounds[z] for z in rivals])

    def evaluate(self, x: int, y: int) -> tuple[list[Fraction], Fraction]:
        """The margins over all labels at the fixed point of cases, and the slack, in logits."""
        r = self.inquiry.rounded
        assert r is not None
        hidden = np.maximum(r.a[x] + r.c[y], 0).tolist()
        out, unit = r.out.entries.tolist(), Fraction(2) ** -r.bits
        logits = [sum(int(h * row[z]) for h, row in zip(hidden, out, strict=True)) for z in range(len(r.beta))]
        logits = [logit + int(b) for logit, b in zip(logits, r.beta, strict=True)]
        slack = r.slack + r.slack_per_activation * sum(hidden)
        return [(logits[self.v] - logit) * unit for logit in logits], slack * unit

    def decide(self, x: int, y: int, opened: list[int]) -> tuple[Fraction, bool]:
        """What is certified of the margins over these labels, and whether the pair is correct; and what it costs."""
        r, errors, (n, m) = self.inquiry.rounded, self.inquiry.demands.float32, self.network.a.shape
        assert r is not None
        margins, slack = self.evaluate(x, y)
        least, unit = min(margins[z] for z in opened), Fraction(2) ** -r.bits
        self.cost["multiply_adds"] += (len(opened) + 1) * m
        certified, is_correct = least - slack, least > slack
        if -slack < least <= slack:
            logits = compute_folded(self.network, x, y)
            exact = min(logits[self.v] - logits[z] for z in range(n) if z != self.v)
            certified, is_correct = math.floor(exact / unit) * unit, exact > 0
            self.cost["multiply_adds"] += n * m
            self.cost["exact_multiply_adds"] += compute_exact_cost(self.network)
        if is_correct and errors is not None:
            both = [Fraction(e, errors.denominator) for e in (errors.x[x], errors.y[y])]
            is_float32 = certified > sum(math.ceil(e / unit) for e in both) * unit
            if not is_float32:
                is_float32 = certified > bound_pair(errors, x, y)
                self.cost["multiply_adds"] += 2 * m
                self.cost["exact_multiply_adds"] += 256 * m
            self.float32_by_cases += is_float32
        return certified, is_correct

    def sum_up(self, x: int, y: int, bounds: list[int]) -> list[tuple[int, int]]:
        """Shift and s of the pair, from its bounds or from all its margins."""
        exponentials, r = self.inquiry.demands.exponentials, self.inquiry.rounded
        if exponentials is None:
            return []
        shift, s = sum_slowly(bounds, self.inquiry.bits)
        if r is not None and (shift > 0 or s > exponentials.evaluate_above):
            margins, slack = self.evaluate(x, y)
            units = [int((margin - slack) * Fraction(2) ** r.bits) for margin in margins]
            shift, s = sum_slowly([u for z, u in enumerate(units) if z != self.v], r.bits)
            self.cost["cross_entropy"] += self.network.a.shape[1] * len(margins)
        return [(shift, s)]

    def conclude(self) -> Evidence:
        """The evidence."""
        # Without a claim nothing is said of binary32: what is counted then is not read.
        bins = Counter(max(i for i, edge in enumerate(EDGES) if edge <= margin) for margin in self.margins)
        pairs = np.array(self.sums, dtype=np.int64).reshape(-1, 2)
        return Evidence(
            by_argument=self.by_argument,
            by_cases=self.by_cases,
            cost=+self.cost,
            float32_by_argument=self.float32_by_argument,
            float32_by_cases=self.float32_by_cases,
            margins=Margins(bins, min(self.margins, default=None)),
            entropy=add_up(pairs[:, 0], pairs[:, 1]) if len(pairs) else EntropySum(),
        )


def make_random(seed: int) -> Network:
    """Four neurons for S3: three small and one that is large on both sides and cancels, or small too."""
    rng = np.random.default_rng(seed)
    left, right = rng.normal(size=(6, 4)), rng.normal(size=(6, 4))
    large = rng.choice([0.0, 40.0, 1000.0])
    left[:, 3] += large
    right[:, 3] -= large
    weights = [v.astype(np.float32) for v in (left, right, rng.normal(size=(4, 6)), rng.normal(size=6))]
    return make_network(*weights[:3], out_bias=weights[3])


UNIT = 2**48
SCALES = [(20, 20), (6, 4), (0, 1), (-3, 0), (12, -6)]
EFFORTS = [None, (0, 0), (10**18 - 1, 10**18 - 1), (UNIT // 4, UNIT // 64), (UNIT, UNIT // 4)]


@st.composite
def inquiries(draw: st.DrawFn, network: Network) -> Inquiry:
    """Claims of every kind or of none, at some units, with cases or without."""
    roundoff, effort, scale = (
        draw(st.sampled_from(values)) for values in ([None, 6, 10, 24], EFFORTS, [None, *SCALES])
    )
    demands = Demands(
        None if roundoff is None else bound_float32_errors(network, roundoff),
        None if effort is None else dataclasses.replace(EXPONENTIALS, scan_above=effort[0], evaluate_above=effort[1]),
    )
    section = None if scale is None else ExhaustiveSection(*scale)
    rounded = prepare_cases(network, section, draw(st.sampled_from(ARITHMETICS)), Limits(), demands)
    assert (rounded is None) == (scale is None)
    return prepare_inquiry(rounded, demands, 6, draw(st.sampled_from([0, 3, 10, 30, 48])))


@settings(deadline=None, max_examples=250)
@given(data=st.data(), seed=st.integers(0, 2**32 - 1), v=st.integers(0, 5))
def test_what_is_settled_is_what_each_pair_settles(data: st.DataObject, seed: int, v: int) -> None:
    """All of the evidence and its cost, for any bounds below the margins and anything in place of v."""
    network, rng = make_random(seed), np.random.default_rng(seed)
    inquiry = data.draw(inquiries(network))
    xs = rng.permutation(6)[: data.draw(st.integers(1, 6))]
    ys = G.table[G.inverse[xs], v].astype(np.intp)
    penalty = data.draw(st.sampled_from([0.0, 0.1, 1.0, 10.0, 500.0]))
    slowly, ell = Slowly(network, inquiry, v), []
    for x, y in zip(xs.tolist(), ys.tolist(), strict=True):
        logits = compute_folded(network, x, y)
        lost = rng.choice([0, 0, 1, 2], size=6) * penalty
        row = [
            math.floor((logits[v] - u - Fraction(w)) * 2**inquiry.bits)
            for u, w in zip(logits, lost.tolist(), strict=True)
        ]
        row[v] = int(rng.integers(-(2**40), 2**40))
        slowly.add(x, y, row)
        ell.append(row)
    found = settle(network, inquiry, v, (xs, ys), np.array(ell, dtype=np.int64))
    expected = slowly.conclude()
    if inquiry.demands.float32 is None:
        found = dataclasses.replace(found, float32_by_cases=0)
        expected = dataclasses.replace(expected, float32_by_cases=0)
    assert found == expected


@settings(deadline=None, max_examples=60)
@given(data=st.data(), seed=st.integers(0, 2**32 - 1), v=st.integers(0, 5))
def test_pieces_prove_no_less_than_pairs_alone(data: st.DataObject, seed: int, v: int) -> None:
    """Evaluated over labels that are open for others, the same pairs are correct; of the rest, what is true."""
    network, rng = make_random(seed), np.random.default_rng(seed)
    inquiry = data.draw(inquiries(network))
    xs = rng.permutation(6)
    ys = G.table[G.inverse[xs], v].astype(np.intp)
    logits = [compute_folded(network, x, y) for x, y in zip(xs.tolist(), ys.tolist(), strict=True)]
    ell = [
        [math.floor((row[v] - u - Fraction(w)) * 2**inquiry.bits) for u, w in zip(row, lost, strict=True)]
        for row, lost in zip(logits, rng.choice([0, 0, 1, 2], size=(6, 6)).tolist(), strict=True)
    ]
    first = settle(network, inquiry, v, (xs, ys), np.array(ell, dtype=np.int64))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(certcheck.cases, "GATHER", 0)
        patch.setattr(certcheck.cases, "PIECES", data.draw(st.integers(1, 6)))
        second = settle(network, inquiry, v, (xs, ys), np.array(ell, dtype=np.int64))
    assert (first.by_argument, first.by_cases) == (second.by_argument, second.by_cases)
    assert first.float32_by_argument == second.float32_by_argument
    assert sum(first.margins.counts.values()) == sum(second.margins.counts.values())
    assert sum(first.entropy.pairs.values()) == sum(second.entropy.pairs.values())
    margins = [min(row[v] - u for z, u in enumerate(row) if z != v) for row in logits]
    correct = [margin for margin in margins if margin > 0]
    if inquiry.rounded is not None:
        assert first.by_argument + first.by_cases == len(correct)
        for evidence in (first, second):
            assert not correct or (evidence.margins.smallest or 0) <= min(correct)


@pytest.mark.parametrize(("gather", "triples"), [(144, 3 + 3), (143, 3 * (3 + 1))])
def test_few_products_are_made_one_by_one(gather: int, triples: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three cases of S3 with 1, 1 and 1 open labels, 4 neurons: (3 + 3) * 4 * 6 = 144 is the most that is gathered."""
    monkeypatch.setattr(certcheck.cases, "GATHER", gather)
    monkeypatch.setattr(certcheck.cases, "PIECES", 1)
    network = make_random(0)
    rounded = round_network(network, ExhaustiveSection(20, 20), "int64")
    ell = np.ones((3, 6), dtype=np.int64)
    ell[0, 1] = ell[1, 2] = ell[2, 3] = 0
    xs = np.arange(3)
    inquiry = prepare_inquiry(rounded, NO_DEMANDS, 6, 0)
    evidence = settle(network, inquiry, 0, (xs, G.table[G.inverse[xs], 0].astype(np.intp)), ell)
    # In one piece three labels, and the right answer, for each of three.
    assert evidence.cost["multiply_adds"] == 4 * triples


@settings(deadline=None, max_examples=150)
@given(data=st.data(), seed=st.integers(0, 2**32 - 1))
def test_smallest_margins_are_accepted_where_they_are_enough(data: st.DataObject, seed: int) -> None:
    """Above what is demanded, and with exponentials whose sum is not above the certificate's; the others are left."""
    network, rng = make_random(seed), np.random.default_rng(seed)
    inquiry = data.draw(inquiries(network))
    pairs = rng.permutation(6), rng.permutation(6)
    demands = inquiry.compute_demands(pairs)
    assert demands.tolist() == [int(inquiry.x_demand[x] + inquiry.y_demand[y]) for x, y in zip(*pairs, strict=True)]
    low = demands + rng.choice([-1, 0, 1, 2**inquiry.bits // 3, 2**inquiry.bits, 2**inquiry.bits * 4], size=6)
    evidence, left, beside = accept_by_smallest(inquiry, pairs, low)
    exponentials, kept, only, accepted = inquiry.demands.exponentials, [], 0, []
    for i, (bound, demand) in enumerate(zip(low.tolist(), demands.tolist(), strict=True)):
        shift, s = sum_slowly([bound] * 5, inquiry.bits)
        is_loose = exponentials is not None and s > exponentials.scan_above
        if bound <= demand or is_loose:
            kept.append(i)
            only += bound > demand
        else:
            accepted.append((bound, shift, s))
    assert (left.tolist(), beside) == (kept, only)
    bounds, shifts, sums = (np.array([row[k] for row in accepted], dtype=np.int64) for k in range(3))
    assert evidence == Evidence(
        by_argument=len(accepted),
        by_cases=0,
        cost=Counter(),
        float32_by_argument=len(accepted),
        margins=count_margins(bounds, inquiry.bits),
        entropy=EntropySum() if exponentials is None else add_up(shifts, sums),
    )


@pytest.mark.parametrize("excess", [-64, -63, -62, -61, -40, -1, 0, 1, 40, 62, 63, 64, 100])
def test_margins_are_coarsened_downwards_and_cut_where_they_do_not_fit(excess: int) -> None:
    """Never above the exact quotient; off by less than a unit where it fits, else at the cut, or says nothing."""
    most = 2**62 - 1
    values = [0, 1, 2, 3, 5, 2**20 + 1, 2**61, most - 1, most]
    margins = np.array(values + [-value for value in values], dtype=np.int64)
    for margin, found in zip(margins.tolist(), certcheck.cases._coarsen(margins, excess).tolist(), strict=True):
        exact = Fraction(margin) / Fraction(2) ** excess
        if exact < -(2**62 - 1):
            # Says nothing: all that is compared with it is larger.
            assert found == -(2**62)
        else:
            assert exact / 2 - 1 < found <= exact if 0 <= exact < 2**62 else found <= exact
            assert found == math.floor(exact) or exact > 2**61


@pytest.mark.parametrize("less", [0, 1])
def test_a_sum_that_equals_the_threshold_is_not_looked_at(less: int) -> None:
    """A unit more is: by every label where the smallest margin gave it, and by evaluating where every label did."""
    network = make_network([[0]] * 6, [[0]] * 6, [[0] * 6], out_bias=[3, 2, 2, 1, 1, 0])
    s, pairs = 5 * int(EXPONENTIALS.table[256]), (np.array([0]), np.array([0]))
    v = int(G.table[0, 0])
    assert v == 0
    demands = Demands(exponentials=dataclasses.replace(EXPONENTIALS, scan_above=s - less, evaluate_above=s - less))
    rounded = round_network(network, ExhaustiveSection(0, 0), "int64", demands=demands)
    inquiry = prepare_inquiry(rounded, demands, 6, 8)
    _, left, beside = accept_by_smallest(inquiry, pairs, np.array([256]))
    assert (len(left), beside) == (less, less)
    evidence = settle(network, inquiry, v, pairs, np.full((1, 6), 256))
    exact = sum(int(EXPONENTIALS.table[256 * margin]) for margin in (1, 1, 2, 2, 3))
    assert list(evidence.entropy.sums.values()) == [exact if less else s]
    assert evidence.cost == ({"cross_entropy": 6} if less else {})
    # Where all margins are there, those of the pairs with xy = 0 are 1, 1, 2, 2, 3; others have a shift.
    row = next(evaluate_rows(network, G, rounded))
    assert sum(row.entropy.sums.values()) == 6 * (exact if less else s)

"""rho-set: the bound against its definition in fractions, the count against every logit, error terms and cost."""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certcheck import rhoset
from certcheck.cases import prepare_inquiry
from certcheck.document import RHO_SET_ERROR_TERMS, ExhaustiveSection
from certcheck.evidence import NO_DEMANDS, Evidence
from certcheck.explanation import Explanation, bound_rest_distances
from certcheck.group import Group
from certcheck.named_group import compute_named_elements
from certcheck.rhoset import bound_pairs, check_rho_set, evaluate_explanation, prepare_explanation, prepare_pair_test
from certcheck.verdict import Reason, Refusal
from tests.certcheck.test_exhaustive import count_slowly, make_network
from tests.certcheck.test_explanation import make_mixed
from tests.certcheck.test_network import compute_folded
from tests.equivariant_sections import C2, C3, D4, S3, make_group
from tests.rhoset_sections import (
    A,
    B,
    Example,
    T,
    Textbook,
    Wiring,
    compute_root,
    edit,
    edit_circuit,
    find_actions,
    invert,
    make_example,
    make_section,
    make_weights,
    make_wiring,
)

CASES = ExhaustiveSection(10, 10)
C1, Q8 = make_group([[0]]), make_group(compute_named_elements("Q8", "").tolist())


def make_one_sided(G: Group, *, middle: bool = True) -> Example:
    """The circuit on the points with a sixteenth of j_L and j_R in its unembedding, and K as a part of j_R."""
    wiring, d = make_wiring(G), G.degree
    rng = np.random.default_rng(2)
    left, right = (rng.integers(-1, 2, (d, d)) / 16 for _ in range(2))
    inverse = [invert(G, x) for x in range(G.order)]
    U = wiring.U + left[wiring.left[inverse]] + right[:, wiring.right].transpose(1, 0, 2)
    kernels = (None, left, right - np.eye(d))
    return make_example(G, dataclasses.replace(wiring, U=U, kernels=kernels, middle=middle))


EXAMPLES = {
    "C2": make_example(C2),
    "C3": make_example(C3),
    "S3": make_example(S3),
    "D4": make_example(D4),
    "S3 with e as its last element": make_example(make_group(S3.elements[::-1].tolist())),
    "Q8 on itself": make_example(Q8, make_wiring(Q8, find_actions(Q8)[-1])),
    "S3 scales 2 and -1/2": make_example(S3, make_wiring(S3, scales=(2.0, -0.5))),
    "S3 scale -1": make_example(S3, make_wiring(S3, scales=(-1.0,))),
    "S3 middle": make_example(S3, make_wiring(S3, middle=True)),
    "S3 one-sided": make_one_sided(S3, middle=False),
    "D4 one-sided and middle": make_one_sided(D4),
    "D4 on two sets": make_example(D4, make_wiring(D4), *(make_wiring(D4, a) for a in find_actions(D4)[1:3])),
}


def check_both(example: Example) -> Evidence:
    """The evidence, the same in both arithmetics."""
    first, second = (
        check_rho_set(example.network, example.G, example.section, arithmetic) for arithmetic in ("float64", "int64")
    )
    assert first == second
    return first


def refusal_of(example: Example) -> tuple[Reason, str]:
    """Reason and place of the refusal, the same in both arithmetics."""
    caught = set()
    for arithmetic in ("float64", "int64"):
        with pytest.raises(Refusal) as refusal:
            check_rho_set(example.network, example.G, example.section, arithmetic)
        caught.add((refusal.value.reason, refusal.value.where))
    (only,) = caught
    return only


def compute_ell(example: Example, e: Explanation, distances: Any, x: int, y: int, z: int) -> int:
    """ell(x, y, z) of the checker's tables, in Python integers, with the group's products one at a time."""
    product, v = example.G.table.tolist(), int(example.G.table[x, y])
    x_back, y_back = invert(example.G, x), invert(example.G, y)

    def add(w: int) -> int:
        s, t = product[x_back][w], product[w][y_back]
        entries = (e.P[x, w], e.Q[y, w], e.L[y, s], e.R[x, t], e.M[v, w], e.F[product[x_back][t]])
        return sum(int(entry) for entry in entries)

    return add(v) - add(z) - int(distances[v, z]) - int(e.x_error[x]) - int(e.y_error[y]) - e.rounding


def compute_slack(example: Example, e: Explanation) -> Fraction:
    """How far the checker's bound may be below that of fractions, which does not round.

    Twice the declared rounding; a unit for each error and rest; the rests, off by 4 units an entry; and the widths
    times two units for each side of the inputs, which the scales hold.
    """
    table, logit = Fraction(1, 2**example.section.table_bits), Fraction(1, 2 ** (A + B))
    slack = (2 * e.rounding + 2 + len(e.rests)) * table
    for D, norm in e.rests:
        farthest = int(np.sqrt((D**2).sum(axis=1)).max()) * 2 + 2
        slack += (4 * compute_root(Fraction(D.shape[1])) * (norm + 1) + norm + farthest) * logit
    U = np.array([[float(v) for v in row] for row in Textbook(example).U])
    return slack + 4 * Fraction(float(np.ptp(U, axis=0).sum() + U.shape[1])) / 2**A


def agrees_with_the_textbook(example: Example, *, exact_scales: bool = True) -> bool:
    """Whether both bounds are below every margin, near to each other, and the tests of a pair are what they say."""
    G, n = example.G, example.G.order
    e, _, _ = prepare_explanation(example.network, G, example.section, "int64")
    distances, _ = bound_rest_distances(e, "int64")
    book, unit = Textbook(example), Fraction(1, 2**example.section.table_bits)
    slack, test, everything = compute_slack(example, e), prepare_pair_test(e, G.identity), np.arange(n)
    good = True
    for v in range(n):
        ys = G.table[G.inverse, v]
        low, scanned = bound_pairs(e, test, v, ys), rhoset._scan(G, e, distances, v, (everything, ys))
        for x, y in enumerate(ys.tolist()):
            logits = compute_folded(example.network, x, y)
            for z in set(range(n)) - {v}:
                ell, bound, margin = (
                    compute_ell(example, e, distances, x, y, z),
                    book.bound(x, y, z),
                    logits[v] - logits[z],
                )
                good &= bound <= margin and ell * unit <= margin and low[x] <= ell and scanned[x, z] == ell
                good &= not exact_scales or abs(ell * unit - bound) <= slack
    return bool(good)


def measure_terms(example: Example) -> dict[str, int]:
    """The smallest error terms that are accepted, read off the refusals one after the other."""
    terms = dict.fromkeys(RHO_SET_ERROR_TERMS, 0)
    while True:
        try:
            check_rho_set(example.network, example.G, edit(example, error_terms=terms).section, "int64")
        except Refusal as refusal:
            key = refusal.where.removeprefix("method.error_terms.")
            assert terms[key] == 0
            terms[key] = int(refusal.expected.removeprefix("at least "))
        else:
            return terms


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_circuits_prove_every_pair(name: str) -> None:
    """Each example is correct on all pairs, by exact evaluation, and the argument needs no case for it."""
    example = EXAMPLES[name]
    pairs = example.G.order**2
    assert count_slowly(example.network, example.G) == pairs
    evidence = check_both(example)
    assert (evidence.by_argument, evidence.by_cases) == (pairs, 0)
    assert evidence.error_terms == {key: Fraction(t, 2**T) for key, t in example.section.error_terms.items()}


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_bound_is_below_every_margin(name: str) -> None:
    """Claims 19 and 20: pair test <= ell <= mu for every triple, and ell is near to that of the definition."""
    assert agrees_with_the_textbook(EXAMPLES[name])


@pytest.mark.parametrize("middle", [False, True])
@pytest.mark.parametrize("G", [C2, C3, S3, D4])
def test_the_bound_holds_whatever_the_kernels_are(G: Group, *, middle: bool) -> None:
    """Two G-sets of different sizes, kernels of noise, scales of either sign, an empty cell."""
    example = make_mixed(G, middle=middle)
    assert agrees_with_the_textbook(example)
    true = count_slowly(example.network, G)
    assert check_both(example).by_argument <= true
    evidence = check_both(edit(example, cases=CASES))
    assert evidence.by_argument + evidence.by_cases == true


def test_one_element_is_right() -> None:
    """n = 1: there is no other answer, with a circuit of one point or with none."""
    action = np.zeros((1, 1), dtype=np.int64)
    one = np.ones(1)
    example = make_example(C1, Wiring(action, action, one, one, np.ones((1, 1, 1))))
    assert check_both(example).by_argument == 1
    network = make_network([[5]], [[7]], [[9]])
    assert check_both(Example(network, C1, make_section(C1, [], dropped=1))).by_argument == 1


def test_a_g_set_of_one_point_tells_nothing_apart() -> None:
    """Constants on both sides: U is in P and Q alone, and a bias decides."""
    point = np.zeros((2, 1), dtype=np.int64)
    U = np.array([[[1.0]], [[3.0]]])
    example = make_example(C2, Wiring(point, point, np.ones(1), np.ones(1), U), cases=CASES)
    # The second answer is the larger by 4 for every pair: right for 2 of 4.
    assert count_slowly(example.network, C2) == 2
    evidence = check_both(example)
    assert (evidence.by_argument, evidence.by_cases) == (2, 0)


@pytest.mark.parametrize(("units", "proved"), [(6, 0), (7, 2)])
def test_a_bound_of_zero_proves_nothing(units: int, proved: int) -> None:
    """Six tables take six units of a difference of biases, and a pair is proved by a seventh."""
    network = make_network([[0], [0]], [[0], [0]], [[0, 0]], out_bias=[0, units / 2**T])
    assert check_both(Example(network, C2, make_section(C2, [], dropped=1))).by_argument == proved


def test_where_the_identity_stands_changes_nothing() -> None:
    """One number a pair proves S3, whatever the order of its elements: no scan, the same cost."""
    assert check_both(EXAMPLES["S3 with e as its last element"]) == check_both(EXAMPLES["S3"])


def test_a_pair_whose_bound_is_zero_is_left() -> None:
    """C3 with as much more rounding as the worst pair has room for."""
    example = EXAMPLES["C3"]
    e, _, _ = prepare_explanation(example.network, C3, example.section, "int64")
    test = prepare_pair_test(e, C3.identity)
    room = min(int(bound_pairs(e, test, v, C3.table[C3.inverse, v]).min()) for v in range(3))
    proved = []
    for more in (room - 1, room):
        rounded = dataclasses.replace(e, rounding=e.rounding + more)
        inquiry = prepare_inquiry(None, NO_DEMANDS, 3, example.section.table_bits)
        rows = evaluate_explanation(example.network, C3, rounded, inquiry, "int64")
        proved.append(sum(row.by_argument for row in rows))
    assert proved[0] == 9 > proved[1]


def make_rough() -> Example:
    """The circuit of S3 with noise that the scales do not hold, a cell that has no neurons, and a dropped neuron."""
    rng = np.random.default_rng(7)
    wiring = make_wiring(S3, scales=(0.75, -1.5), empty=((0, 1),))
    weights = [v + 0.004 * rng.normal(size=v.shape) for v in make_weights(S3, [wiring])]
    more = (rng.normal(size=(6, 1)), rng.normal(size=(6, 1)), 0.01 * rng.normal(size=(1, 6)))
    left, right, out = (
        np.concatenate(pair, axis=k) for pair, k in zip(zip(weights, more, strict=True), (1, 1, 0), strict=True)
    )
    network = make_network(left, right, out, out_bias=0.01 * rng.normal(size=6))
    return Example(network, S3, make_section(S3, [wiring], dropped=1))


ROUGH = make_rough()


@pytest.mark.parametrize("key", RHO_SET_ERROR_TERMS)
def test_an_error_term_that_is_too_low_by_one_is_refused(key: str) -> None:
    """Each is accepted as it is, and refused one unit below."""
    terms = measure_terms(ROUGH)
    quoted = check_both(edit(ROUGH, error_terms=terms)).error_terms
    assert quoted == {key: Fraction(term, 2**T) for key, term in terms.items()}
    assert terms[key] > 0
    too_low = edit(ROUGH, error_terms=terms | {key: terms[key] - 1})
    assert refusal_of(too_low) == (Reason.ERROR_TERM_TOO_LOW, f"method.error_terms.{key}")


def test_the_error_terms_are_the_largest_of_all_pairs() -> None:
    """Of x and of y apart; and of all z, from the one that is farthest from another."""
    e, _, terms = prepare_explanation(ROUGH.network, S3, ROUGH.section, "int64")
    merging = max(int(x) + int(y) for x in e.x_error for y in e.y_error)
    assert terms == {"merging": merging, "rounding": e.rounding, "remainder": max(map(int, e.rest_bounds))}
    assert len({*map(int, e.rest_bounds)}) > 1
    assert len({*map(int, e.x_error)}) > 1 < len({*map(int, e.y_error)})


def test_the_error_terms_are_no_smaller_than_what_they_bound() -> None:
    """By fractions: merging and the largest distance in the rests; of a full circuit at its scales both are 0."""
    terms, book = measure_terms(ROUGH), Textbook(ROUGH)
    assert Fraction(terms["merging"], 2**T) >= max(book.x_error) + max(book.y_error)
    # U of the neurons with noise is rounded by half a unit, which counts as rounding.
    farthest = max(max(row) for row in book.distances)
    assert Fraction(terms["remainder"], 2**T) >= farthest - Fraction(1, 50)
    full, lost = (measure_terms(make_example(S3, make_wiring(S3, empty=empty))) for empty in ((), ((1, 2),)))
    assert (full["merging"], full["remainder"]) == (0, 0)
    book = Textbook(make_example(S3, make_wiring(S3, empty=((1, 2),))))
    assert Fraction(lost["remainder"], 2**T) >= max(max(row) for row in book.distances) > Fraction(1, 2)
    # Rounding: six tables, and what 4 of g and 3 of K move at 2^-10 each.
    assert full["rounding"] == 6 + 7
    assert agrees_with_the_textbook(ROUGH, exact_scales=False)


def test_the_cost_is_the_sum_of_its_products() -> None:
    """C3, one circuit: n = 3, d = d' = 3, m = 9 neurons; then kernels, Gamma_M and negative scales on top.

    sigma U: nm, widths on both sides: 2nm, sigma phi: m (d + d'); P, Q: n^2 (d - 1) each; F, |D|^2: n d d' each, and a
    product with |Gamma| for each element.
    """
    n, d, m = 3, 3, 9
    plain = check_both(EXAMPLES["C3"]).cost
    total = 3 * n * m + m * 2 * d + 2 * n * n * (d - 1) + 2 * n * d * d + n
    assert plain["multiply_adds"] == total
    # Tables and rests, then five numbers a pair.
    assert plain["additions"] == 5 * n * n + 5 * n * d * d + 5 * n * n
    one_sided = check_both(make_one_sided(C3)).cost
    assert one_sided["multiply_adds"] == total - n * d * d + 3 * n * n * d * d
    # For negative scales sigma U and the reading of phi, phi' again.
    negative = check_both(make_example(C3, make_wiring(C3, scales=(-1.0,)))).cost
    assert negative["multiply_adds"] == total + 2 * n * m + 2 * n * n * (d - 1)


def test_a_scan_costs_the_distances_once_and_a_case_its_products() -> None:
    """Without its kernel nothing of S3 is proved; each triple of each pair is evaluated, m products each."""
    blind = edit_circuit(EXAMPLES["S3"], 0, kernel=None)
    plain, cases = check_both(blind), check_both(edit(blind, cases=CASES))
    assert (plain.by_argument, plain.by_cases, cases.by_argument, cases.by_cases) == (0, 0, 0, 36)
    n, d, m = 6, 3, 9
    total = 3 * n * m + m * 2 * d + 2 * n * n * (d - 1) + n * d * d + n + n * n * (d * d + 1)
    assert plain.cost["multiply_adds"] == total
    assert plain.cost["additions"] == 5 * n * n + 5 * n * d * d + 5 * n * n + 3 * n * n + 8 * n**3
    more = cases.cost["multiply_adds"] - total
    assert 0 < more <= m * n**3
    assert more % m == 0


@pytest.mark.parametrize("block", [1, 13])
def test_blocks_of_the_scan_change_nothing(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some y at a time."""
    example = edit(ROUGH, cases=CASES)
    whole = check_both(example)
    monkeypatch.setattr(rhoset, "BLOCK", block)
    assert check_both(example) == whole


@pytest.mark.parametrize(
    "changes",
    [
        {"phi": np.array([1, 0, -1]) << A},
        {"phi_prime": np.array([1, -1, 0]) << A},
        {"kernel": np.eye(3, dtype=np.int64) << B},
        {"kernel": None, "left_kernel": -np.roll(np.eye(3, dtype=np.int64), 1, axis=0) << B},
        {"kernel": None, "right_kernel": -np.ones((3, 3), dtype=np.int64) << B},
    ],
)
def test_a_wrong_circuit_proves_less(changes: dict[str, Any]) -> None:
    """Functions of other points, a kernel of the other sign or the other side: the errors show it."""
    changed = edit_circuit(EXAMPLES["S3"], 0, **changes)
    assert agrees_with_the_textbook(changed)
    assert check_both(changed).by_argument < 36
    assert check_both(edit(changed, cases=CASES)).by_cases > 0


@pytest.mark.parametrize("column", [1, 2, 3])
def test_a_neuron_of_another_cell_or_scale_proves_less(column: int) -> None:
    """b, b' or sigma of one neuron: what its inputs are off counts as merging."""
    rows = EXAMPLES["S3"].section.neurons.copy()
    rows[4, column] = -rows[4, column] if column == 3 else (rows[4, column] + 1) % 3
    changed = edit(EXAMPLES["S3"], neurons=rows)
    assert agrees_with_the_textbook(changed)
    assert measure_terms(changed)["merging"] > 2**T
    assert check_both(changed).by_argument < 36


@pytest.mark.parametrize("value", [1, 2**24, 2**31 - 1])
@pytest.mark.parametrize("bits", [0, 10, 40])
def test_a_silent_network_is_never_right(value: int, bits: int) -> None:
    """False claim: any proved pair. The output is zero, and the circuits of the certificate are large or fine."""
    wiring = make_wiring(S3)
    left, right, out = make_weights(S3, [wiring])
    network = make_network(left, right, out * 0)
    phi, kernel = np.array([-value, 0, value]), -np.eye(3, dtype=np.int64) * value
    example = edit_circuit(Example(network, S3, make_section(S3, [wiring])), 0, phi=phi, phi_prime=-phi, kernel=kernel)
    for section in (example.section, dataclasses.replace(example.section, circuits=example.section.circuits * 200)):
        for table_bits in (0, bits):
            changed = edit(Example(network, S3, section), unembedding_bits=bits, table_bits=table_bits)
            try:
                assert check_rho_set(network, S3, changed.section, "int64").by_argument == 0
            except Refusal as refusal:
                assert refusal.reason is Reason.SCALE_TOO_FINE  # noqa: PT017 - the other answer that is allowed


def test_a_finer_table_than_the_logits_is_refused() -> None:
    """There are no binary places to round off."""
    assert refusal_of(edit(EXAMPLES["S3"], table_bits=A + B + 1)) == (Reason.SCALE_TOO_FINE, "method.table_bits")


@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_no_section_proves_more_than_is_true(data: st.DataObject) -> None:
    """Circuits with damaged weights and damaged sections at any scale: below every margin, and equal to it by cases."""
    G = data.draw(st.sampled_from([C2, C3, S3]))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    base = data.draw(st.sampled_from([make_example(G), make_one_sided(G), make_mixed(G, middle=True)]))
    damage = data.draw(st.sampled_from([0.0, 0.01, 0.1, 1.0]))
    wirings = [make_wiring(G, scales=data.draw(st.sampled_from([(1.0,), (0.3, -2.0)])))]
    left, right, out = (v + damage * rng.normal(size=v.shape) for v in make_weights(G, wirings))
    bits = data.draw(st.sampled_from([(10, 10, 8, 10), (0, 0, 0, 0), (2, 3, 4, 5), (16, 12, 14, 16)]))
    scales = dict(zip(("activation_bits", "unembedding_bits", "scale_bits", "table_bits"), bits, strict=True))
    section = make_section(G, wirings, **scales)
    section.neurons[:, 3] += section.neurons[:, 3] == 0
    example = Example(make_network(left, right, out, out_bias=damage * rng.normal(size=G.order)), G, section)
    if data.draw(st.booleans()):
        example = edit_circuit(
            example, 0, middle=True, left_kernel=rng.integers(-3, 4, section.circuits[0].kernel.shape)
        )
    for checked in (example, base):
        true = count_slowly(checked.network, G)
        assert check_both(checked).by_argument <= true
        assert agrees_with_the_textbook(checked, exact_scales=False)
        evidence = check_both(edit(checked, cases=CASES))
        assert evidence.by_argument + evidence.by_cases == true

"""rho-set with remaining neurons: both parts add up, against their definitions, every logit, and one unit less."""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from typing import Any

import jsonschema
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from certcheck.argument import TABLE_ROUNDING, Argument
from certcheck.circuits import REMAINING
from certcheck.comparison import Auditor
from certcheck.decision import check
from certcheck.document import ERROR_TERMS, RHO_SET_ERROR_TERMS, parse_certificate
from certcheck.equivariant import _bound_residuals, check_equivariant
from certcheck.limits import Limits
from certcheck.representation import DISTANCE_BITS
from certcheck.rhoset import check_rho_set, prepare_explanation, prepare_remaining
from certcheck.verdict import Reason, Refusal
from tests.certcheck.test_equivariant import compute_lower_bounds
from tests.certcheck.test_exact import refused
from tests.certcheck.test_exhaustive import count_slowly, make_network
from tests.certcheck.test_network import compute_folded
from tests.certcheck.test_rhoset import CASES, check_both, refusal_of
from tests.certcheck.test_rhoset_document import SCHEMA
from tests.certificates import certificate, encode
from tests.equivariant_sections import (
    C2,
    C3,
    ENOUGH,
    S3,
    Circuit,
    T,
    make_group,
)
from tests.equivariant_sections import make_section as make_remaining_section
from tests.remaining_sections import COMPOSITIONS, ROUGH, V4, Composition, make_points
from tests.rhoset_sections import (
    Example,
    Textbook,
    edit,
    invert,
    make_section,
    write_rho_set,
)

Floats = NDArray[np.float64]
PART = "method.remaining"


def compute_ells(example: Example, argument: Argument) -> Floats:
    """ell(x, y, z) of the checker's tables, in Python integers in units of 2^-(T + DISTANCE_BITS), one by one."""
    G, s, n = example.G, argument.section, example.G.order
    finer = s.activation_bits + s.unembedding_bits - s.table_bits - DISTANCE_BITS
    product, bounds = G.table.tolist(), np.zeros((n, n, n), dtype=object)
    for x in range(n):
        *residuals, norms = (found[0] for found in _bound_residuals(G, argument, np.array([x])))
        for y in range(n):
            v = product[x][y]

            def add(w: int, x: int = x, y: int = y, v: int = v) -> int:
                t, s = product[invert(G, x)][w], product[w][invert(G, y)]
                tables = (argument.P[x, w], argument.Q[y, w], argument.L[y, t], argument.R[x, s], argument.M[v, w])
                return sum(map(int, tables))

            errors = int(argument.x_error[x]) + int(argument.y_error[y]) + TABLE_ROUNDING
            for z in range(n):
                taken = -(-int(argument.remainders[v, z]) * int(norms[y]) >> finer)
                for part, residual in zip(argument.parts, residuals, strict=True):
                    taken += int(part.rho.distances[product[invert(G, v)][z]]) * int(residual[y])
                bounds[x, y, z] = ((add(v) - add(z) - errors) << DISTANCE_BITS) - taken
    return bounds


def prepare(example: Example) -> Argument:
    """The argument of both parts."""
    explanation, _, _ = prepare_explanation(example.network, example.G, example.section, "int64")
    return prepare_remaining(example.network, example.G, example.section, explanation, "int64")[0]


def is_sound(example: Example) -> bool:
    """Whether ell <= mu for every triple and only pairs with ell > 0 for all z are proved; as by cases.

    The scan's unit can be coarser than that of ell, so that it proves less.
    """
    G, n, argument = example.G, example.G.order, prepare(example)
    ells, unit = compute_ells(example, argument), Fraction(1, 2 ** (example.section.table_bits + DISTANCE_BITS))
    proved, good = 0, True
    for x in range(n):
        for y in range(n):
            logits, v = compute_folded(example.network, x, y), int(G.table[x, y])
            rivals = [z for z in range(n) if z != v]
            good &= all(ells[x, y, z] * unit <= logits[v] - logits[z] for z in rivals)
            proved += all(ells[x, y, z] > 0 for z in rivals)
    true, evidence = count_slowly(example.network, G), check_both(example)
    by_cases = check_both(edit(example, cases=CASES))
    good &= evidence.by_argument == by_cases.by_argument <= proved and evidence.by_cases == 0
    return good and by_cases.by_argument + by_cases.by_cases == true


@pytest.mark.parametrize("name", COMPOSITIONS)
def test_both_parts_prove_every_pair(name: str) -> None:
    """Each example is right on all pairs, by exact evaluation, and the argument needs no case for it."""
    example = COMPOSITIONS[name].whole
    pairs = example.G.order**2
    assert count_slowly(example.network, example.G) == pairs
    evidence = check_both(example)
    assert (evidence.by_argument, evidence.by_cases) == (pairs, 0)
    keys = [*RHO_SET_ERROR_TERMS, *(f"remaining {key}" for key in ERROR_TERMS)]
    assert evidence.error_terms == dict.fromkeys(keys, Fraction(ENOUGH, 2**T))


@pytest.mark.parametrize("name", ROUGH)
def test_the_bound_is_below_every_margin(name: str) -> None:
    """Claim 21: ell <= mu for every triple."""
    assert is_sound(ROUGH[name].whole)


@pytest.mark.parametrize("name", ROUGH)
def test_the_bound_is_the_sum_of_those_of_the_parts(name: str) -> None:
    """By the definitions of both, which know no tables: biases once, each neuron in one part; roundings apart."""
    c = ROUGH[name]
    G, n = c.whole.G, c.whole.G.order
    book, rest = Textbook(c.circuits), compute_lower_bounds(c.rest)
    ells = compute_ells(c.whole, prepare(c.whole)) / 2.0 ** (T + DISTANCE_BITS)
    for x, y, z in np.ndindex(n, n, n):
        if z != G.table[x, y]:
            assert (
                -(0.25 if name == "S3 rough" else 0.07)
                < float(ells[x, y, z]) - float(book.bound(x, y, z)) - rest[x, y, z]
                < 0
            )


def test_neither_part_alone_proves_the_halves() -> None:
    """Each ties two answers, of which a bias can prefer one."""
    c = COMPOSITIONS["V4 half each"]
    assert count_slowly(c.circuits.network, V4) <= 8
    assert check_both(c.circuits).by_argument <= 8
    rest = check_equivariant(c.rest.network, V4, c.rest.section, "int64")
    assert (rest.by_argument, count_slowly(c.rest.network, V4)) == (0, 0)


def make_bare(units: int) -> Example:
    """C2 and a silent neuron in a cell: the biases decide."""
    section = make_remaining_section(Circuit(*np.zeros((3, 1, 1)), [(0, 1.0, 1.0)], [(0, 0)]))
    network = make_network([[0], [0]], [[0], [0]], [[0, 0]], out_bias=[0, units / 2**T])
    return Example(network, C2, make_section(C2, [], neurons=np.array([[REMAINING, 0, 0, 0]]), remaining=section))


@pytest.mark.parametrize(("units", "proved"), [(11, 0), (12, 2)])
def test_a_bound_of_zero_proves_nothing(units: int, proved: int) -> None:
    """Six tables of circuits and five of representations take eleven units, and a pair is proved by a twelfth."""
    assert check_both(make_bare(units)).by_argument == proved
    assert is_sound(make_bare(units))


def test_one_element_is_right() -> None:
    """n = 1: there is no other answer."""
    C1 = make_group([[0]])
    section = dataclasses.replace(make_bare(0).section, gsets=())
    assert check_both(Example(make_network([[5]], [[7]], [[9]]), C1, section)).by_argument == 1


def measure_terms(example: Example) -> tuple[dict[str, int], dict[str, int]]:
    """The smallest error terms of both parts that are accepted, read off the refusals one after the other."""
    terms = {"method": dict.fromkeys(RHO_SET_ERROR_TERMS, 0), PART: dict.fromkeys(ERROR_TERMS, 0)}
    while True:
        try:
            check_rho_set(example.network, example.G, claim(example, *terms.values()).section, "int64")
        except Refusal as refusal:
            where, _, key = refusal.where.partition(".error_terms.")
            assert terms[where][key] == 0
            terms[where][key] = int(refusal.expected.removeprefix("at least "))
        else:
            return terms["method"], terms[PART]


def claim(example: Example, own: dict[str, int], rest: dict[str, int]) -> Example:
    """The example with these error terms."""
    assert example.section.remaining is not None
    return edit(example, error_terms=own, remaining=dataclasses.replace(example.section.remaining, error_terms=rest))


def test_an_error_term_of_either_part_that_is_too_low_by_one_is_refused() -> None:
    """Each is accepted and quoted as it is, and refused one unit below, where it stands."""
    for name in ("S3 matrices beside two circuits", "S3 sign"):
        example = COMPOSITIONS[name].whole
        own, rest = measure_terms(example)
        quoted = own | {f"remaining {key}": term for key, term in rest.items()}
        evidence = check_both(claim(example, own, rest))
        assert evidence.error_terms == {key: Fraction(term, 2**T) for key, term in quoted.items()}
        assert own["merging"] > 0 < rest["equivariance"]
        for key in filter(own.get, own):
            low = claim(example, own | {key: own[key] - 1}, rest)
            assert refusal_of(low) == (Reason.ERROR_TERM_TOO_LOW, f"method.error_terms.{key}")
        for key in filter(rest.get, rest):
            low = claim(example, own, rest | {key: rest[key] - 1})
            assert refusal_of(low) == (Reason.ERROR_TERM_TOO_LOW, f"{PART}.error_terms.{key}")


def test_what_every_method_does_is_limited_first() -> None:
    """Tables of products and quotients, 3 n^2 numbers, before any other."""
    example = COMPOSITIONS["V4 half each"].whole
    given = (example.network, example.G, example.section)
    explanation, _, _ = prepare_explanation(*given, "int64")
    few = 3 * example.G.order**2
    for numbers, is_first in ((few - 1, True), (few, False)):
        found = refused(prepare_remaining, *given, explanation, "int64", Limits(numbers=numbers))
        assert (found == (Reason.NUMBERS_TOO_MANY, "group")) == is_first


def test_the_cost_is_that_of_both_parts() -> None:
    """And sigma U and the rest for the neurons not in circuits, the distances, and seven additions an entry."""
    c = COMPOSITIONS["C3"]
    n, d, k = 3, 3, len(c.rest.section.neurons)
    own, both = check_both(c.circuits).cost, check_both(c.whole).cost
    rest = check_equivariant(c.rest.network, C3, c.rest.section, "int64").cost
    products = own["multiply_adds"] + rest["multiply_adds"]
    assert both["multiply_adds"] == products + k * (3 * n + 2 * d) + n * n * (1 + d * d)
    # No number for each pair of the circuits' own test.
    assert both["additions"] == own["additions"] - 5 * n * n + rest["additions"] + 3 * n * n + 7 * n * n


PLAIN = COMPOSITIONS["S3"].whole
assert PLAIN.section.remaining is not None
OWN = PLAIN.section.remaining
FIRST = OWN.representations[0]
LEFT = np.flatnonzero(PLAIN.section.neurons[:, 0] == REMAINING)


def change_neurons(rows: Any, values: Any) -> NDArray[np.int64]:
    """The neurons of the plain example, some rows of them changed."""
    neurons = PLAIN.section.neurons.copy()
    neurons[rows] = values
    return neurons


@pytest.mark.parametrize(
    ("changes", "reason", "where"),
    [
        ({"neurons": change_neurons(LEFT, (-1, 0, 0, 0))}, Reason.CELLS_WRONG, PART),
        ({"remaining": dataclasses.replace(OWN, table_bits=T - 1)}, Reason.CELLS_WRONG, PART),
        ({"table_bits": T - 1}, Reason.CELLS_WRONG, PART),
        ({"remaining": dataclasses.replace(OWN, neurons=OWN.neurons[1:])}, Reason.CELLS_WRONG, f"{PART}.neurons"),
        ({"neurons": change_neurons(LEFT[0], (-1, 0, 0, 0))}, Reason.CELLS_WRONG, f"{PART}.neurons"),
        ({"neurons": change_neurons(LEFT[0], (REMAINING, 1, 0, 0))}, Reason.CELLS_WRONG, f"method.neurons[{LEFT[0]}]"),
        ({"neurons": change_neurons(LEFT[0], (-3, 0, 0, 0))}, Reason.CELLS_WRONG, f"method.neurons[{LEFT[0]}]"),
        ({"remaining": None}, Reason.CELLS_WRONG, f"method.neurons[{LEFT[0]}]"),
        (
            {"remaining": dataclasses.replace(OWN, representations=(dataclasses.replace(FIRST, left=FIRST.left[1:]),))},
            Reason.COEFFICIENTS_WRONG,
            f"{PART}.representations[0]",
        ),
        ({"remaining": dataclasses.replace(OWN, activation_bits=0)}, Reason.SCALE_TOO_FINE, f"{PART}.table_bits"),
    ],
)
def test_parts_that_do_not_fit_are_refused(changes: dict[str, Any], reason: Reason, where: str) -> None:
    """No neuron left to a section, another fixed point, a neuron more or less, one that is in both or in none."""
    assert refusal_of(edit(PLAIN, **changes)) == (reason, where)


def write_certificate(c: Composition) -> dict[str, Any]:
    """The certificate of the weights without biases."""
    weights = dict(zip(("left", "right", "out"), c.weights, strict=True))
    return certificate(c.whole.G.elements.tolist(), weights) | {"method": write_rho_set(c.whole.section)}


@pytest.mark.parametrize("arithmetic", ["float64", "int64"])
def test_the_whole_certificate_is_verified(arithmetic: str) -> None:
    """All pairs by the argument; circuits and representations are named, and the error terms of both."""
    document = write_certificate(COMPOSITIONS["V4 half each"])
    jsonschema.validate(document, SCHEMA)
    proof = check(encode(document), Auditor(arithmetic=arithmetic))
    assert (proof.method, proof.pairs_by_argument, proof.pairs_by_cases) == ("rho-set", 16, 0)
    assert proof.representations == ("rho-set of 2 x 2 points", "signed permutations of 1")
    assert list(proof.error_terms) == [*RHO_SET_ERROR_TERMS, *(f"remaining {key}" for key in ERROR_TERMS)]


def test_cases_of_the_part_are_refused() -> None:
    """One place says how cases are evaluated."""
    document = write_certificate(COMPOSITIONS["V4 half each"])
    document["method"]["remaining"]["cases"] = {"activation_bits": 10, "unembedding_bits": 10}
    with pytest.raises(Refusal) as caught:
        parse_certificate(encode(document))
    assert (caught.value.reason, caught.value.where) == (Reason.TYPE_WRONG, f"{PART}.cases")


def count_proved(example: Example) -> int:
    """Pairs by the argument; none where tables are refused as too large."""
    try:
        return check_both(example).by_argument
    except Refusal as refusal:
        if refusal.reason is not Reason.SCALE_TOO_FINE:
            raise
        return 0


@pytest.mark.parametrize("size", [0, 10, 2**16, 2**20])
def test_a_silent_network_is_never_right(size: int) -> None:
    """False claim: any proved pair. The output is zero, and the tables of both parts are anything."""
    rng = np.random.default_rng(size)
    left, right, out = COMPOSITIONS["S3"].weights
    tables = {s: rng.integers(-size, size + 1, FIRST.left.shape) for s in ("left", "right", "middle")}
    remaining = dataclasses.replace(OWN, representations=(dataclasses.replace(FIRST, **tables),) * 100)
    network = make_network(left, right, 0 * out)
    for section in (dataclasses.replace(PLAIN.section, remaining=remaining), PLAIN.section):
        example = Example(network, S3, section)
        assert count_slowly(network, S3) == 0
        assert count_proved(example) == 0


@settings(deadline=None, max_examples=12)
@given(data=st.data())
def test_no_section_proves_more_than_is_true(data: st.DataObject) -> None:
    """Damaged weights, damaged tables, neurons in the wrong part or in none."""
    G, rng = data.draw(st.sampled_from([C3, S3])), np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    scales = data.draw(st.sampled_from([{}, {"activation_bits": 3, "unembedding_bits": 8, "scale_bits": 2}]))
    whole = make_points(G, damage=data.draw(st.sampled_from([0.0, 0.01, 0.1, 1.0])), **scales).whole
    assert whole.section.remaining is not None
    neurons, own = whole.section.neurons, whole.section.remaining.neurons.copy()
    neurons[:, 3] += (neurons[:, 0] >= 0) & (neurons[:, 3] == 0)
    if data.draw(st.booleans()):
        neurons[rng.permutation(np.flatnonzero(neurons[:, 0] >= 0))[:2]] = (-1, 0, 0, 0)
        own[rng.integers(len(own), size=2), 0] = data.draw(st.sampled_from([-1, 3]))
    noise = data.draw(st.sampled_from([0, 30, 3000]))
    (part,) = whole.section.remaining.representations
    part = dataclasses.replace(part, left=part.left + rng.integers(-noise, noise + 1, part.left.shape))
    remaining = dataclasses.replace(whole.section.remaining, neurons=own, representations=(part,))
    assert is_sound(edit(whole, neurons=neurons, remaining=remaining))

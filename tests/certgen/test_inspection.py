"""What is told of networks whose circuits are known by construction."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from certcheck.document import GroupSection
from certcheck.group import check_group
from certcheck.named_group import compute_named_elements
from certgen.circuit_account import CircuitAccount
from certgen.inspection import Inspection, compute_irrep_shares, inspect
from certgen.inspection_report import describe_inspection
from certgen.model import Model, approximate
from certgen.representation import find_irreps
from certgen.subject import Source, Subject, load_subject
from examples.construct import build_circuits, find_actions
from tests.certgen.small_models import Weights, network_of, section_of

EXAMPLES = Path(__file__).parents[2] / "examples"
# Row by row: the character of S4's irrep on e, (12), (12)(34), (123), (1234), by the number of fixed points and parity.
CHARACTERS = {
    "standard": {(4, 0): 3, (2, 1): 1, (0, 0): -1, (1, 0): 0, (0, 1): -1},
    "standard x sign": {(4, 0): 3, (2, 1): -1, (0, 0): -1, (1, 0): 0, (0, 1): 1},
    "(2,2)": {(4, 0): 2, (2, 1): 0, (0, 0): 2, (1, 0): -1, (0, 1): 0},
    "sign": {(4, 0): 1, (2, 1): -1, (0, 0): 1, (1, 0): 1, (0, 1): -1},
}


def construct(name: str, sizes: list[int]) -> Weights:
    """The exact circuits of G-sets of so many points; neuron (b, b') of a set of d points is number d b + b'."""
    G = check_group(compute_named_elements(name, "group"), "group")
    built = build_circuits(G, find_actions(G, sizes), np.random.default_rng(0))
    return {role: weight.astype(np.float64) for role, weight in built.items()}


def look_into(name: str, weights: Weights) -> Inspection:
    """The inspection of a network with the labels of a named group."""
    elements = compute_named_elements(name, "group")
    model = Model("model.pt", section_of("direct", weights), network_of("direct", weights))
    G = check_group(elements, "group")
    return inspect(Subject(model, GroupSection(name, "given", elements), G, 0, 0))


def keep(weights: Weights, neurons: list[int]) -> Weights:
    """The network with these neurons only."""
    return {"left": weights["left"][:, neurons], "right": weights["right"][:, neurons], "out": weights["out"][neurons]}


def only(circuits: list[CircuitAccount]) -> CircuitAccount:
    """The one circuit that there is."""
    assert len(circuits) == 1
    return circuits[0]


def test_complete_circuits_are_told_in_full() -> None:
    """S5 on 5 and on 2 points: the neurons, cells, stabilisers and irreps that were put in, and a full proof."""
    seen = look_into("S5", construct("S5", [5, 2]))
    by_points = {circuit.points_left: circuit for circuit in seen.circuits}
    assert sorted(by_points) == [2, 5]
    for points, neurons, stabiliser, irrep in ((5, range(25), "S4", "standard"), (2, range(25, 29), "A5", "sign")):
        circuit = by_points[points]
        assert (circuit.kind, circuit.neurons, circuit.missing) == ("complete", list(neurons), [])
        assert (circuit.cells, circuit.cells_covered, circuit.size) == (points**2, points**2, f"{points} x {points}")
        assert circuit.stabiliser_left == circuit.stabiliser_right == stabiliser
        assert circuit.left == circuit.right
        assert (circuit.positive, circuit.negative) == (points**2, 0)
        assert circuit.kernel_share == pytest.approx(1)
        assert circuit.phi_irreps == {irrep: pytest.approx(1)}
        assert circuit.phi_prime_irreps == {irrep: pytest.approx(1)}
    assert [(g.points, g.stabiliser, len(g.circuits)) for g in seen.gsets].count((5, "S4", 1)) == 1
    assert len(seen.gsets) == 2
    assert sum(circuit.logit_share for circuit in seen.circuits) == pytest.approx(1)
    assert (seen.loose.neurons, seen.dead.neurons, seen.families.circuits) == ([], [], 0)
    assert seen.symmetry is not None
    assert seen.symmetry.bi_equivariant == pytest.approx(1)
    assert seen.key_irreps is not None
    assert {key.name for key in seen.key_irreps} == {"standard", "sign"}
    for key in seen.key_irreps:
        assert key.residual < 1e-9
        assert key.bi_equivariant == pytest.approx(1)
    assert (seen.explanation, seen.missing) == ("complete rho-sets", [])
    assert (seen.expectation.pairs_by_argument, seen.expectation.method) == (14400, "rho-set")
    assert (seen.accuracy.correct, seen.accuracy.pairs) == (14400, 14400)


def test_functions_and_their_values_are_those_put_in() -> None:
    """phi of S4 on 4 points takes -1.5, -0.5, 0.5, 1.5, up to one factor for the scales of the neurons."""
    circuit = only(look_into("S4", construct("S4", [4])).circuits)
    for values in (circuit.phi, circuit.phi_prime):
        ordered = np.sort(values)
        np.testing.assert_allclose(ordered / ordered[-1], [-1, -1 / 3, 1 / 3, 1], atol=1e-6)


def test_missing_cells_are_counted_and_named() -> None:
    """Without the cells (0,0), (0,1), (2,3) of 5 x 5, up to the names of the points: two in a row, one elsewhere."""
    weights = construct("S5", [5])
    present = [i for i in range(25) if i not in (0, 1, 13)]
    circuit = only(look_into("S5", keep(weights, present)).circuits)
    assert (circuit.cells_covered, circuit.cells, len(circuit.neurons)) == (22, 25, 22)
    assert sorted(Counter(b for b, _ in circuit.missing).values()) == [1, 2]
    assert sorted(Counter(b_prime for _, b_prime in circuit.missing).values()) == [1, 1, 1]
    assert circuit.kind in ("one-sided", "partial")


def test_a_missing_column_is_missing_for_all_b() -> None:
    """Without b' = 2, the argument proves less, the explanation is incomplete, and the report says (*,b')."""
    weights = construct("S5", [5])
    seen = look_into("S5", keep(weights, [i for i in range(25) if i % 5 != 2]))
    circuit = only(seen.circuits)
    assert {b for b, _ in circuit.missing} == set(range(5))
    (absent,) = {b_prime for _, b_prime in circuit.missing}
    assert circuit.kind in ("one-sided", "partial")
    assert seen.explanation != "complete rho-sets"
    assert any("5 of 25 cells have no neuron" in sentence for sentence in seen.missing)
    assert any(line.endswith(f"without a neuron: (*,{absent})") for line in describe_inspection(seen))


def test_of_two_points_one_cell_is_enough() -> None:
    """All cells of 2 x 2 points do the same, up to sign and functions of one input."""
    weights = construct("S5", [5, 2])
    seen = look_into("S5", keep(weights, list(range(26))))
    circuit = next(circuit for circuit in seen.circuits if circuit.points_left == 2)
    assert (circuit.cells_covered, circuit.cells, circuit.kind) == (1, 4, "complete")
    assert seen.explanation == "complete rho-sets"


def test_neurons_of_negative_scale_are_counted() -> None:
    """Two neurons with their inputs negated belong to the same circuit."""
    assert only(look_into("S4", construct("S4", [4])).circuits).negative == 0
    signs = np.ones(16)
    signs[[3, 7]] = -1
    skew = construct("S4", [4])
    for role in ("left", "right"):
        size = np.abs(skew[role]).max(axis=0)
        # phi + phi^2 is a function on the same points, and not odd, so that the sign can be told.
        skew[role] = signs * (skew[role] + skew[role] ** 2 / size)
    circuit = only(look_into("S4", skew).circuits)
    assert sorted((circuit.positive, circuit.negative)) == [2, 14]


def test_a_second_function_on_the_same_points_is_told() -> None:
    """Two circuits on one G-set with another phi: two in the family, all of the logits, and a sentence."""
    seen = look_into("S4", construct("S4", [4, 4]))
    first, second = seen.circuits
    assert sorted([first.neurons, second.neurons]) == [list(range(16)), list(range(16, 32))]
    assert first.left == second.left == first.right == second.right == 0
    assert (seen.families.circuits, seen.families.logit_share) == (2, pytest.approx(1))
    assert [gset.circuits for gset in seen.gsets] == [[0, 1]]
    assert any("phi is not shared: 2 circuits (100.0% of the logits)" in sentence for sentence in seen.missing)


def test_loose_and_dead_neurons_are_counted() -> None:
    """A neuron with random inputs is in no circuit; one with a constant output carries nothing."""
    weights = construct("S4", [4])
    generator = np.random.default_rng(5)
    weights["left"] = np.hstack([weights["left"], generator.standard_normal((24, 2))])
    weights["right"] = np.hstack([weights["right"], generator.standard_normal((24, 2))])
    weights["out"] = np.vstack([weights["out"], generator.standard_normal(24) / 4, np.ones(24)])
    seen = look_into("S4", weights)
    assert only(seen.circuits).neurons == list(range(16))
    assert (seen.loose.neurons, seen.dead.neurons) == ([16], [17])
    assert seen.dead.logit_share == pytest.approx(0)
    assert seen.loose.logit_share == pytest.approx(1 - only(seen.circuits).logit_share)
    assert any("1 neurons (" in sentence and "in no circuit" in sentence for sentence in seen.missing)


def test_shares_of_irreps_are_those_of_projections_by_characters() -> None:
    """The shipped model: d/n sum_g chi(g) f(gx) for each irrep of S4, from the character table."""
    subject = load_subject(Source(str(EXAMPLES / "S4.pt"), str(EXAMPLES / "S4.group.json"), None, None))
    G, network = subject.G, subject.model.network
    points = np.arange(4)
    rows = G.elements.tolist()
    kinds = [
        (int((np.array(p) == points).sum()), sum(p[i] > p[j] for i in range(4) for j in range(i + 1, 4)) % 2)
        for p in rows
    ]
    layers = [approximate(v) for v in (network.a, network.c, network.U)]
    found = {row.name: row for row in compute_irrep_shares(network, find_irreps(G, "S4"))}
    assert set(found) == set(CHARACTERS)
    for name, character in CHARACTERS.items():
        chi = np.array([character[kind] for kind in kinds], dtype=float)
        shares = []
        for layer in layers:
            centred = layer - layer.mean(axis=0)
            projected = character[4, 0] / 24 * sum(chi[g] * centred[G.table[g]] for g in range(24))
            shares.append((np.asarray(projected) ** 2).sum() / (centred**2).sum())
        np.testing.assert_allclose((found[name].left, found[name].right, found[name].unembedding), shares, atol=1e-9)
    assert sum(row.left for row in found.values()) == pytest.approx(1)


@pytest.mark.parametrize("size", [1, 2])
def test_the_smallest_groups_do_not_divide_by_zero(size: int) -> None:
    """Order 1 and 2: an account, whatever it says."""
    generator = np.random.default_rng(0)
    weights = {role: generator.standard_normal((size, size)) for role in ("left", "right", "out")}
    with np.errstate(all="raise", under="ignore"):
        seen = look_into(f"C{size}", weights)
    assert seen.accuracy.pairs == size**2
    assert describe_inspection(seen)


def test_a_network_without_structure_has_no_explanation() -> None:
    """Random weights: all neurons loose, nothing tried, and the report says so."""
    generator = np.random.default_rng(1)
    weights = {role: generator.standard_normal((24, 8)) for role in ("left", "right")}
    seen = look_into("S4", weights | {"out": generator.standard_normal((8, 24))})
    assert (seen.loose.neurons, seen.circuits) == (list(range(8)), [])
    assert seen.loose.logit_share == pytest.approx(1)
    assert (seen.explanation, seen.expectation.pairs_by_argument) == ("none", None)
    assert any("rho-sets not tried" in line for line in describe_inspection(seen))
    assert any(line.startswith("circuits      none") for line in describe_inspection(seen))

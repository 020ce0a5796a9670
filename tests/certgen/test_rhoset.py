"""The search for a certificate of method `rho-set`: kernels, the choice of circuits, the command, and its refusals."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from certcheck.circuits import DROPPED
from certcheck.document import RhoSetSection, parse_certificate
from certcheck.exhaustive import compute_exhaustive_cost
from certgen.account import describe
from certgen.circuits import Circuit, Found, Side, find_circuits
from certgen.exhaustive import choose_fixed_point
from certgen.failure import ExitCode
from certgen.group import act_on_cosets, generate_subgroup
from certgen.rhoset import choose, find_rho_sets, fit_kernels, gather_unembedding
from tests.certcheck.test_exhaustive import count_slowly
from tests.certgen.circuit_networks import build, join, make_circuit, make_complete, make_noise, named
from tests.certgen.command import OUTPUT, Run, expect_failure
from tests.certgen.small_models import cyclic, cyclic_weights, group_of, network_of, save_model

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from certcheck.group import Group

GROUPS = [("S3", [1], [3]), ("S4", [1, 2], [1, 6]), ("D4", [4], []), ("Q8", [], [])]


def make_full_circuit(G: Group, left: list[int], right: list[int]) -> Circuit:
    """A circuit on the cosets of two subgroups, without neurons."""
    stabilisers = [generate_subgroup(G, generators, G.order) for generators in (left, right)]
    sides = [Side(act_on_cosets(G, list(H)), H) for H in stabilisers]
    phi, phi_prime = (np.arange(side.points, dtype=np.float64) for side in sides)
    none = np.zeros(0, dtype=np.int64)
    return Circuit(*sides, phi, phi_prime, none, none, none, np.zeros(0))


def centre(
    values: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Less the means over rows and columns of the last two axes."""
    values = values - values.mean(axis=-1, keepdims=True)
    return values - values.mean(axis=-2, keepdims=True)


@pytest.mark.parametrize(("name", "left"), [group[:2] for group in GROUPS])
def test_a_kernel_is_fitted_as_it_was_made(name: str, left: list[int]) -> None:
    """K(b, zb') for an invariant K, with any functions of b and of b' beside it: K less its means, and nothing left."""
    G = named(name)
    circuit = make_full_circuit(G, left, left)
    d, action = circuit.left.points, circuit.left.action
    rng = np.random.default_rng(4)
    K = rng.normal(size=(d, d))
    K = np.mean([K[action[g][:, None], action[g]] for g in range(G.order)], axis=0)
    U = K[:, action].transpose(1, 0, 2) + rng.normal(size=(G.order, d, 1)) + rng.normal(size=(G.order, 1, d))
    fitted, _ = fit_kernels(G, circuit, U)
    assert fitted.rest < 1e-12
    assert fitted.kernel is not None
    assert fitted.left_kernel is fitted.right_kernel is None
    np.testing.assert_allclose(fitted.kernel, centre(K), atol=1e-12)


@pytest.mark.parametrize(("name", "left", "right"), GROUPS)
def test_one_sided_kernels_are_fitted_as_they_were_made(name: str, left: list[int], right: list[int]) -> None:
    """j_L(z^-1 b, b') + j_R(b, zb'): nothing is left by both, and by K alone what it leaves."""
    G = named(name)
    circuit = make_full_circuit(G, left, right)
    x, y = circuit.left.action, circuit.right.action
    rng = np.random.default_rng(4)
    j_L, j_R = (rng.normal(size=(x.shape[1], y.shape[1])) for _ in range(2))
    U = centre(j_L[x[G.inverse]] + j_R[:, y].transpose(1, 0, 2))
    plain, fitted = fit_kernels(G, circuit, U)
    assert fitted.kernel is None
    assert fitted.left_kernel is not None
    assert fitted.right_kernel is not None
    assert fitted.rest < 1e-12
    again = fitted.left_kernel[x[G.inverse]] + fitted.right_kernel[:, y].transpose(1, 0, 2)
    np.testing.assert_allclose(again, U, atol=1e-12)
    assert plain.kernel is not None
    assert plain.left_kernel is plain.right_kernel is None
    for g in G.generators:
        np.testing.assert_allclose(plain.kernel[x[g][:, None], y[g]], plain.kernel, atol=1e-12)
    left_over = U - plain.kernel[:, y].transpose(1, 0, 2)
    assert plain.rest == pytest.approx((left_over**2).sum() / (U**2).sum())
    # The best invariant kernel: what it leaves is orthogonal to every other.
    other = rng.normal(size=plain.kernel.shape)
    other = np.mean([other[x[g][:, None], y[g]] for g in range(G.order)], axis=0)
    assert abs((left_over * other[:, y].transpose(1, 0, 2)).sum()) < 1e-9


def test_the_unembedding_is_gathered_by_cells() -> None:
    """The sum of |sigma| U over the neurons of a cell, one after the other."""
    G = named("S3")
    circuit = make_full_circuit(G, [1], [1])
    circuit.neurons, circuit.sigma = np.array([2, 0, 3]), np.array([-2.0, 1.0, 0.5])
    circuit.b, circuit.b_prime = np.array([1, 0, 1]), np.array([2, 0, 2])
    U = make_noise(G, 4)["out"]
    expected = np.zeros((6, 3, 3))
    expected[:, 1, 2] = 2 * U[2] + 0.5 * U[3]
    expected[:, 0, 0] = U[0]
    np.testing.assert_allclose(gather_unembedding(U.T, circuit), expected)


def test_circuits_that_are_not_chosen_leave_their_neurons_loose() -> None:
    """The others stay, dead neurons are dead."""
    G = named("S4")
    circuits = [make_full_circuit(G, [1, 2], [1, 2]) for _ in range(3)]
    for i, circuit in enumerate(circuits):
        circuit.neurons = np.array([2 * i, 2 * i + 1])
    found = choose(Found(circuits, [6], [7]), [1])
    assert [c is circuits[1] for c in found.circuits] == [True]
    assert (found.loose, found.dead) == ([6, 0, 1, 4, 5], [7])


@pytest.mark.parametrize(("name", "sizes"), [("S4", [4]), ("S4", [6]), ("D4", [4, 2]), ("C6", [2, 3]), ("A5", [5])])
def test_complete_circuits_prove_every_pair(name: str, sizes: list[int]) -> None:
    """Of examples/construct.py: all by the argument, cheaply, with no neuron in no circuit."""
    G = named(name)
    network = network_of("direct", make_complete(G, sizes))
    result = find_rho_sets(network, G, None)
    assert result is not None
    assert (result.by_argument, result.by_cases) == (G.order**2, 0)
    assert [c.left.points for c in result.found.circuits] == [c.right.points for c in result.found.circuits]
    assert sorted(c.left.points for c in result.found.circuits) == sorted(sizes)
    assert (result.found.loose, result.found.dead) == ([], [])
    assert (result.section.neurons[:, 0] >= 0).all()
    lines = describe(result, compute_exhaustive_cost(network, G))
    assert "neurons       0 in no circuit, 0 dead: dropped" in lines


def test_an_unclear_circuit_is_pruned_where_that_proves_as_much() -> None:
    """Faint neurons on six points that no kernel explains: they are found, and dropped from the certificate."""
    G = named("S4")
    noise = make_circuit(*[make_full_circuit(G, [1, 2], [1, 6]).right.action] * 2, np.random.default_rng(6), share=0.2)
    a, c = noise.predict(G)
    out = 2**-9 * np.random.default_rng(7).normal(size=(a.shape[1], 24))
    network = network_of("direct", join(make_complete(G, [4]), {"left": a, "right": c, "out": out}))
    k = a.shape[1]
    assert k > 2
    assert [len(c.neurons) for c in find_circuits(network, G, 2e-4).circuits] == [16, k]
    result = find_rho_sets(network, G, None)
    assert result is not None
    assert (result.by_argument, [len(c.neurons) for c in result.found.circuits]) == (576, [16])
    assert sorted(result.found.loose) == list(range(16, 16 + k))
    assert result.section.neurons[16:].tolist() == [[DROPPED, 0, 0, 0]] * k


@pytest.mark.parametrize("name", ["one element", "no stabiliser", "zero", "huge"])
def test_there_is_none_where_there_are_no_circuits(name: str) -> None:
    """n = 1; neurons of C67 on 67 x 67 cells; weights that a fit cannot hold."""
    G = group_of(cyclic({"one element": 1, "no stabiliser": 67}.get(name, 5)))
    weights = cyclic_weights("direct", G.order) if name == "no stabiliser" else make_noise(G, 3)
    weights["left"] *= {"zero": 0.0, "huge": 1e200}.get(name, 1.0)
    weights["right"] *= {"zero": 0.0}.get(name, 1.0)
    assert find_rho_sets(network_of("direct", weights), G, None) is None


def test_cases_complete_what_the_argument_leaves() -> None:
    """Circuits with as much noise as leaves some pairs open: with cases every correct one is counted."""
    G = named("S4")
    weights = make_complete(G, [4])
    rng = np.random.default_rng(1)
    noisy = {
        role: values + 0.05 * np.sqrt((values**2).mean()) * rng.normal(size=values.shape)
        for role, values in weights.items()
    }
    network = network_of("direct", join(noisy))
    result, plain = find_rho_sets(network, G, choose_fixed_point(network)), find_rho_sets(network, G, None)
    assert result is not None
    assert plain is not None
    assert result.by_argument + result.by_cases == count_slowly(network, G) > result.by_argument >= 0 == plain.by_cases


def test_the_command_takes_the_method(run: Callable[..., Run], tmp_path: Path) -> None:
    """--method rho-set --no-cases: the certificate holds circuits alone and is verified."""
    G = named("S4")
    save_model(tmp_path / "model.pt", join(make_complete(G, [4])))
    result = run("model.pt", "--group", "S4", "--method", "rho-set", "--no-cases", "--json")
    assert (result.code, result.err) == (0, "")
    fields = json.loads(result.out)
    assert (fields["method"], fields["pairs_by_argument"], fields["pairs_by_cases"]) == ("rho-set", 576, 0)
    method = parse_certificate((tmp_path / OUTPUT).read_bytes()).method
    assert isinstance(method, RhoSetSection)
    assert (method.cases, method.remaining) == (None, None)


@pytest.mark.parametrize("options", [[], ["--no-cases"], ["--force"]])
def test_no_circuit_is_one_sentence(options: list[str], run: Callable[..., Run], tmp_path: Path) -> None:
    """A network without circuits: nothing is written, and what to do instead is said."""
    save_model(tmp_path / "model.pt", cyclic_weights("direct", 67))
    result = run("model.pt", "--group", "C67", "--method", "rho-set", *options)
    words = "no decomposition was found that the argument can use (beyond order 1000 circuits only are sought): try"
    expect_failure(result, ExitCode.NOTHING_TO_PROVE, words)
    assert result.code == 6
    assert not (tmp_path / OUTPUT).exists()


def test_circuits_that_prove_nothing_are_one_sentence(run: Callable[..., Run], tmp_path: Path) -> None:
    """Without cases a circuit that proves no pair is no certificate."""
    G = named("S4")
    network, _ = build(G, [make_circuit(*[make_full_circuit(G, [1, 2], []).left.action] * 2, np.random.default_rng(0))])
    rows = [
        np.array([[float(v) for v in row] for row in m.numerators.tolist()]) / 2.0**m.bits
        for m in (network.a, network.c, network.U)
    ]
    save_model(tmp_path / "model.pt", join({"left": rows[0], "right": rows[1], "out": rows[2].T}))
    (tmp_path / "group.json").write_text(json.dumps({"name": "S4", "degree": 4, "elements": G.elements.tolist()}))
    result = run("model.pt", "--group", "group.json", "--method", "rho-set", "--no-cases")
    expect_failure(result, ExitCode.NOTHING_TO_PROVE, "pairs are proved, not above chance")

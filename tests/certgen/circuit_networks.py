"""Networks made of circuits of G-sets, whose points, scales and functions are known by construction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from certcheck.group import Group, check_group
from certcheck.named_group import compute_named_elements
from certcheck.network import Network
from certgen.representation import find_irreps
from examples.construct import build_circuits, find_actions
from tests.certgen.small_models import Weights, network_of

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Made:
    """A circuit on two actions (n, d), (n, d'): functions, and for each neuron b, b', sigma."""

    left: Whole
    right: Whole
    phi: Floats
    phi_prime: Floats
    b: Whole
    b_prime: Whole
    sigma: Floats

    def predict(self, G: Group) -> tuple[Floats, Floats]:
        """sigma phi(x^-1 b) and sigma phi'(y b'), (n, k) each."""
        return (
            self.sigma * self.phi[self.left[G.inverse][:, self.b]],
            self.sigma * self.phi_prime[self.right[:, self.b_prime]],
        )


def named(name: str) -> Group:
    """A group by its name."""
    return check_group(compute_named_elements(name, ""), name)


def make_circuit(
    left: Whole, right: Whole, rng: np.random.Generator, *, share: float = 1.0, scale: float = 1.0
) -> Made:
    """Random functions, and a neuron for this share of the cells, with scales of both signs."""
    d, d_prime = left.shape[1], right.shape[1]
    cells = np.argwhere(rng.random((d, d_prime)) <= share)
    sigma = scale * rng.choice([-2.0, -1.0, -0.5, 0.5, 1.0, 2.0], len(cells))
    # Far from constant, and from odd: then scales of both signs would fit.
    phi, phi_prime = (rng.permutation(k) + rng.random(k) / 2 - k / 4 for k in (d, d_prime))
    return Made(left, right, phi, phi_prime, *cells.T, sigma)


def build(G: Group, circuits: Sequence[Made], *more: Weights, seed: int = 0) -> tuple[Network, list[list[int]]]:
    """The network of these circuits, with random outputs, and of other neurons; the neurons of each, mixed."""
    rng = np.random.default_rng(seed)
    blocks = [(*circuit.predict(G), rng.normal(size=(len(circuit.b), G.order))) for circuit in circuits]
    blocks += [(w["left"], w["right"], w["out"]) for w in more]
    sizes = [len(out) for _, _, out in blocks]
    order = rng.permutation(sum(sizes))
    left, right, out = (np.concatenate([b[k] for b in blocks], axis=axis) for k, axis in ((0, 1), (1, 1), (2, 0)))
    network = network_of("direct", {"left": left[:, order], "right": right[:, order], "out": out[order]})
    of = np.repeat(np.arange(len(sizes)), sizes)[order]
    # In the order in which the block has them.
    return network, [sorted(np.flatnonzero(of == i), key=lambda place: order[place]) for i in range(len(sizes))]


def join(*networks: Weights) -> Weights:
    """Weights of `direct` side by side, as float32 holds them."""
    axes = {"left": 1, "right": 1, "out": 0}
    joined = {role: np.concatenate([w[role] for w in networks], axis=axis) for role, axis in axes.items()}
    return {role: values.astype(np.float32).astype(np.float64) for role, values in joined.items()}


def make_complete(G: Group, sizes: Sequence[int], seed: int = 0) -> Weights:
    """Complete circuits of examples/construct.py."""
    weights = build_circuits(G, find_actions(G, sizes), np.random.default_rng(seed))
    return {role: values.astype(np.float64) for role, values in weights.items()}


def make_irrep_neurons(G: Group, name: str, dimension: int, k: int, weight: float) -> Weights:
    """Neurons relu(u rho(x) s + s rho(y) w) with output u rho(z) w, on an irrep of this dimension."""
    rho = next(irrep.matrices for irrep in find_irreps(G, name) if irrep.dimension == dimension)
    u, s, w = np.random.default_rng(1).normal(size=(3, k, dimension))
    return {
        "left": np.einsum("ka,xab,kb->xk", u, rho, s),
        "right": np.einsum("ka,yab,kb->yk", s, rho, w),
        "out": weight * np.einsum("ka,zab,kb->kz", u, rho, w),
    }


def make_noise(G: Group, k: int, seed: int = 5) -> Weights:
    """Neurons without any structure."""
    rng = np.random.default_rng(seed)
    return {
        "left": rng.normal(size=(G.order, k)),
        "right": rng.normal(size=(G.order, k)),
        "out": rng.normal(size=(k, G.order)),
    }

"""Cells: what is gathered and what is dropped."""

from __future__ import annotations

import numpy as np
import pytest

from certgen.cells import fit_cells
from certgen.model import approximate
from tests.certgen.small_models import network_of


def weights_of_proportional_neurons(scales: list[float]) -> dict[str, np.ndarray]:  # type: ignore[type-arg]
    """Two directions of inputs in a group of order 5, neurons that are multiples of them, and a dead one."""
    random = np.random.default_rng(0)
    a, c = random.normal(size=(2, 5, 2))
    which = np.arange(len(scales)) % 2
    left, right = a[:, which] * scales, c[:, which] * scales
    dead = np.full((5, 1), -3.0)
    out = random.normal(size=(len(scales) + 1, 5))
    out[-1] *= 1e-9
    return {"left": np.hstack([left, dead]), "right": np.hstack([right, dead]), "out": out}


@pytest.mark.parametrize("scales", [[1.0, 2.0, 0.5, 3.0, 1.5, 0.25], [1.0, -2.0, -0.5, 3.0, 1.5, -0.25]])
def test_proportional_neurons_of_either_sign_are_one_cell(scales: list[float]) -> None:
    """With exact proportions nothing is lost: the network is that of its cells and linear terms."""
    network = network_of("direct", weights_of_proportional_neurons(scales))
    cells = fit_cells(network, 1e-9)
    assert cells.U.shape == (5, 2)
    assert cells.cell[-1] == -1
    a, c, U = (approximate(v) for v in (network.a, network.c, network.U))
    U = U - U.mean(axis=0)
    kept = cells.cell >= 0
    assert np.allclose(a[:, kept], cells.sigma[kept] * cells.alpha[:, cells.cell[kept]])
    assert np.allclose(cells.alpha[:, 0], (a * cells.share)[:, cells.cell == 0].sum(axis=1))
    true = np.maximum(a[:, None] + c, 0) @ U.T
    inner = cells.alpha[:, None] + cells.gamma
    negative = np.zeros_like(cells.U)
    for i in np.flatnonzero(kept & (cells.sigma < 0)):
        negative[:, cells.cell[i]] += np.abs(cells.sigma[i]) * U[:, i]
    gathered = np.maximum(inner, 0) @ cells.U.T - inner @ negative.T
    assert np.allclose(true, gathered, atol=1e-6)


def test_rescaling_changes_nothing_but_the_scale() -> None:
    """Inputs times a factor, output divided by it; the neurons stay what they are."""
    network = network_of("direct", weights_of_proportional_neurons([1.0, 2.0, -0.5]))
    cells, scaled = fit_cells(network, 1e-9), fit_cells(network, 1e-9)
    scaled.rescale(np.array([4.0, 0.5]))
    kept = cells.cell >= 0
    assert np.allclose(scaled.alpha, cells.alpha * [4.0, 0.5])
    assert np.allclose(scaled.deviations, cells.deviations * [4.0, 0.5])
    assert np.allclose(scaled.U * [4.0, 0.5], cells.U)
    products = [v.sigma[kept] * v.alpha[:, v.cell[kept]] for v in (cells, scaled)]
    assert np.allclose(*products)


def test_a_loose_tolerance_gathers_more() -> None:
    """Neurons with cosine 0.8 are one cell at tolerance 0.21 and two at 0.19."""
    a = np.zeros((2, 2))
    c = np.array([[4.0, 5.0], [3.0, 0.0]])
    weights = {"left": a, "right": c, "out": np.array([[1.0, 0.0], [0.0, 1.0]])}
    network = network_of("direct", weights)
    # cos = 4/5 between (4, 3) and (5, 0).
    assert fit_cells(network, 0.21).U.shape[1] == 1
    assert fit_cells(network, 0.19).U.shape[1] == 2

"""The account of the logits, against arrays of all x, y, z."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
import pytest

from certgen import logits
from certgen.logits import compute_neuron_shares, compute_symmetry, count_correct_pairs
from tests.certgen.small_models import (
    Table,
    Weights,
    compute_logits,
    constant_weights,
    count_correct_slowly,
    cyclic,
    detector_weights,
    group_of,
    network_of,
    relabel,
    symmetric,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

S3 = relabel(symmetric(3), 2)


def random_weights(n: int, m: int, seed: int) -> Weights:
    """Weights without any structure."""
    generator = np.random.default_rng(seed)
    shapes = {"left": (n, m), "right": (n, m), "out": (m, n)}
    return {name: generator.standard_normal(shape) for name, shape in shapes.items()}


def centre(F: NDArray[np.float64]) -> NDArray[np.float64]:
    """Without the means over each of the axes."""
    for axis in range(3):
        F = F - F.mean(axis=axis, keepdims=True)
    return F


def logits_of(weights: Weights, neurons: list[int]) -> NDArray[np.float64]:
    """The centred logits of some neurons, at [x, y, z]."""
    a, c, U = weights["left"][:, neurons], weights["right"][:, neurons], weights["out"][neurons].T
    return centre(compute_logits(a, c, U, np.zeros(len(U))))


def test_correct_pairs_are_those_of_the_logits_and_a_tie_is_not_correct() -> None:
    """A random network has as many as a loop counts; one that is right on 7 pairs and ties elsewhere has 7."""
    weights = random_weights(6, 5, 0)
    weights["out"] += 2 * detector_weights(S3)["out"][:5]
    slow = compute_logits(weights["left"], weights["right"], weights["out"].T, np.zeros(6))
    network = network_of("direct", weights)
    assert count_correct_pairs(network, group_of(S3)).correct == count_correct_slowly(slow, S3)
    pairs = list(itertools.product(range(6), repeat=2))[:7]
    accuracy = count_correct_pairs(network_of("direct", detector_weights(S3, pairs)), group_of(S3))
    assert (accuracy.correct, accuracy.pairs, accuracy.is_sample) == (7, 36, False)


def test_large_groups_are_sampled_the_same_way_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The account says that it is a sample; half of the pairs being right, half of the sample is."""
    monkeypatch.setattr(logits, "ALL_PAIRS_ORDER", 9)
    table = cyclic(10)
    pairs = list(itertools.product(range(10), repeat=2))[::2]
    network = network_of("direct", detector_weights(table, pairs))
    first, again = (count_correct_pairs(network, group_of(table)) for _ in range(2))
    assert first == again
    assert (first.pairs, first.is_sample) == (logits.PAIRS_SAMPLED, True)
    assert abs(first.correct / first.pairs - 0.5) < 0.02


def test_neuron_shares_are_inner_products_of_the_centred_logits() -> None:
    """<F_i, F> / |F|^2 by arrays of all triples; they add up to 1. Without energy they are 0."""
    weights = random_weights(6, 9, 1)
    F = logits_of(weights, list(range(9)))
    expected = [(logits_of(weights, [i]) * F).sum() / (F**2).sum() for i in range(9)]
    shares = compute_neuron_shares(network_of("direct", weights))
    np.testing.assert_allclose(shares, expected, atol=1e-12)
    assert shares.sum() == pytest.approx(1)
    assert (compute_neuron_shares(network_of("direct", constant_weights(4))) == 0).all()


def project(F: NDArray[np.float64], labels: list[NDArray[np.intp]]) -> float:
    """The share of energy in the span of functions of these labels of the triples, by least squares."""
    features = np.hstack([np.eye(label.max() + 1)[label.ravel()] for label in labels])
    fitted = features @ np.linalg.lstsq(features, F.ravel(), rcond=None)[0]
    return float((fitted**2).sum() / (F**2).sum())


@pytest.mark.parametrize("table", [S3, cyclic(5)], ids=["S3", "C5"])
def test_symmetries_are_least_squares_projections(table: Table) -> None:
    """Onto functions of x^-1 z y^-1; of (y, x^-1 z) and (x, z y^-1); of these and (xy, z)."""
    n, G = len(table), group_of(table)
    weights = random_weights(n, 4, 3)
    F = logits_of(weights, list(range(4)))
    x, y, z = np.indices((n, n, n))
    inverse = np.array([int(np.flatnonzero(table[g] == G.identity)[0]) for g in range(n)])
    t, s = table[inverse[x], z], table[z, inverse[y]]
    both = project(F, [table[t, inverse[y]]])
    sided = project(F, [n * y + t, n * x + s])
    all_three = project(F, [n * y + t, n * x + s, n * table[x, y] + z])
    found = compute_symmetry(network_of("direct", weights), G)
    assert found is not None
    expected = (both, sided - both, all_three - sided, 1 - all_three)
    np.testing.assert_allclose(
        (found.bi_equivariant, found.one_sided, found.middle, found.residual), expected, atol=1e-9
    )


def test_symmetries_are_left_out_where_they_make_no_sense(monkeypatch: pytest.MonkeyPatch) -> None:
    """Constant logits have none; a large group would take too much memory."""
    assert compute_symmetry(network_of("direct", constant_weights(6)), group_of(S3)) is None
    monkeypatch.setattr(logits, "SYMMETRY_ORDER", 5)
    assert compute_symmetry(network_of("direct", random_weights(6, 4, 0)), group_of(S3)) is None

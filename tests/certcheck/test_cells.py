"""cells: what merging leaves out is bounded, pair by pair, by exact evaluation of the network."""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certcheck.cells import Cells, check_cells
from certcheck.document import EquivariantSection
from certcheck.network import Network
from certcheck.verdict import Reason
from tests.certcheck.test_exact import refused
from tests.certcheck.test_exhaustive import make_network
from tests.certcheck.test_network import compute_folded
from tests.equivariant_sections import C3, make_permutation_example

PLAIN = make_permutation_example(C3).section


def make_neurons(neurons: Any, cells: int, **scales: int) -> EquivariantSection:
    """A section with these neurons, at integers unless scales are given."""
    bits = {"activation_bits": 0, "unembedding_bits": 0, "scale_bits": 0} | scales
    rows = np.array(neurons, dtype=np.int64).reshape(-1, 3)
    return dataclasses.replace(PLAIN, neurons=rows, cells=cells, **bits)  # type: ignore[arg-type]


def compute_approximation(cells: Cells, section: EquivariantSection, x: int, y: int) -> list[Fraction]:
    """The logits that the cells give, term by term, in units of both fixed points."""
    unit = Fraction(2) ** -(section.activation_bits + section.unembedding_bits)
    n, p = cells.alpha.shape
    inputs = [int(cells.alpha[x, j]) + int(cells.gamma[y, j]) for j in range(p)]
    return [
        unit
        * (
            int(cells.beta[z])
            + sum(int(cells.U[z, j]) * max(inputs[j], 0) for j in range(p))
            - sum(int(cells.negative[z, k]) * inputs[j] for k, j in enumerate(cells.negative_cells))
        )
        for z in range(n)
    ]


def holds(network: Network, section: EquivariantSection, cells: Cells) -> bool:
    """Whether every difference of two logits is as near as the errors of x and y say."""
    unit = Fraction(2) ** -(section.activation_bits + section.unembedding_bits)
    n = len(cells.alpha)
    for x in range(n):
        for y in range(n):
            near = compute_approximation(cells, section, x, y)
            off = [true - value for true, value in zip(compute_folded(network, x, y), near, strict=True)]
            if max(off) - min(off) > unit * (int(cells.x_error[x]) + int(cells.y_error[y])):
                return False
    return True


def test_a_cell_of_one_neuron_is_the_neuron() -> None:
    """At scales that hold the weights nothing is left out."""
    network = make_network([[1], [-2], [3]], [[0], [4], [-5]], [[7, -8, 9]], out_bias=[1, 2, 3])
    section = make_neurons([[0, 1, 1]], 1)
    cells = check_cells(network, section)
    assert (cells.alpha.T.tolist(), cells.gamma.T.tolist()) == ([[1, -2, 3]], [[0, 4, -5]])
    assert (cells.U.T.tolist(), cells.beta.tolist()) == ([[7, -8, 9]], [1, 2, 3])
    assert cells.negative.shape == (3, 0)
    # A unit of unembedding for each unit of max(alpha, 0) and max(gamma, 0): its rounding, whether or not it rounds.
    assert (cells.x_error.tolist(), cells.y_error.tolist()) == ([1, 0, 3], [0, 4, 0])
    assert holds(network, section, cells)


def test_a_negative_scale_leaves_a_linear_term() -> None:
    """relu(-2 s) = 2 (relu(s) - s): U counts 2, and so does what multiplies s."""
    network = make_network([[-2], [4]], [[0], [-6]], [[5, -1]])
    section = make_neurons([[0, -2, -1]], 1, scale_bits=0)
    cells = check_cells(network, section)
    assert cells.alpha.T.tolist() == [[2, -4]]
    assert cells.U.T.tolist() == cells.negative.T.tolist() == [[10, -2]]
    assert cells.negative_cells == [0]
    # a = -2 alpha fails: the share makes alpha = -a, so |a - sigma alpha| = |a| in place of 0, times the width 6.
    assert cells.x_error.tolist() == [2 * 6 + 2 + 2, 4 * 6 + 0 + 4]
    assert holds(network, section, cells)


def test_a_scale_of_minus_one_unit_is_negative() -> None:
    """relu(-s) = relu(s) - s, exactly: half of it read by the linear term is an error, and none is made."""
    network = make_network([[-2], [4]], [[0], [-6]], [[5, -1]])
    section = make_neurons([[0, -1, -1]], 1)
    cells = check_cells(network, section)
    assert cells.alpha.T.tolist() == [[2, -4]]
    assert cells.U.T.tolist() == cells.negative.T.tolist() == [[5, -1]]
    assert (cells.negative_cells, cells.x_error.tolist(), cells.y_error.tolist()) == ([0], [2 + 2, 4], [0, 6 + 6])
    assert holds(network, section, cells)


def test_the_products_of_merging_are_counted() -> None:
    """For each of 2 rows: shares and widths of 3 neurons on both sides, scales of the 2 that are kept on both,
    their U, and the linear terms of one.
    """  # noqa: D205 - one sentence
    network = make_network([[1, 2, 3]] * 2, [[4, 5, 6]] * 2, [[1, 0], [0, 1], [1, 1]])
    cells = check_cells(network, make_neurons([[0, 1, 1], [1, -1, 1], [-1, -1, 1]], 2))
    assert cells.multiply_adds == 2 * (4 * 3 + 3 * 2 + 1)
    assert cells.negative_cells == [1]


def test_the_sign_of_a_scale_matters() -> None:
    """A scale of the wrong sign is a large error, not a wrong proof."""
    network = make_network([[-2], [4]], [[0], [-6]], [[5, -1]])
    right = check_cells(network, make_neurons([[0, -2, -1]], 1, scale_bits=1))
    # alpha = -a/2, sigma = -1: sigma alpha = a/2. With sigma = -4/2 and share -1/2 it is a.
    exact = check_cells(network, make_neurons([[0, -4, -1]], 1, scale_bits=1))
    wrong = check_cells(network, make_neurons([[0, 4, -1]], 1, scale_bits=1))
    assert exact.x_error.sum() < right.x_error.sum() < wrong.x_error.sum()
    assert wrong.x_error[1] >= 2 * 4 * 6


@pytest.mark.parametrize(("scale", "share"), [(0, 0), (5, 7), (-5, 7)])
def test_a_dropped_neuron_costs_what_it_can_add(scale: int, share: int) -> None:
    """max(a, 0) on the left and max(c, 0) on the right, times the width of its outputs; no cell has anything of it."""
    network = make_network([[1, 3], [0, -7]], [[0, 2], [0, 5]], [[1, 0], [4, -6]])
    section = make_neurons([[0, 1, 1], [-1, scale, share]], 1)
    cells = check_cells(network, section)
    assert [v.T.tolist() for v in (cells.alpha, cells.gamma, cells.U)] == [[[1, 0]], [[0, 0]], [[1, 0]]]
    assert cells.negative_cells == []
    assert cells.x_error.tolist() == [3 * 10 + 1, 0]
    assert cells.y_error.tolist() == [2 * 10, 5 * 10]
    assert holds(network, section, cells)


def test_what_rounding_moves_is_counted() -> None:
    """Half units of activations, output and bias, each with its unit."""
    network = make_network([[0.5], [0]], [[0.25], [0]], [[2.5, 0]], out_bias=[0.5, 0])
    section = make_neurons([[0, 1, 1]], 1)
    cells = check_cells(network, section)
    # The width 5/2 is rounded up to 3; one unit of a and c each; one for beta; alpha = 1.
    assert cells.x_error.tolist() == [3 + 1 + 1, 3 + 1]
    assert cells.y_error.tolist() == [3, 3]
    assert holds(network, section, cells)


def test_two_neurons_share_a_cell() -> None:
    """Halves of each input make the cell; U adds up."""
    network = make_network([[2, 4], [0, 2]], [[1, 3], [1, 1]], [[1, 0], [0, 1]])
    cells = check_cells(network, make_neurons([[0, 2, 1], [0, 2, 1]], 1, scale_bits=1))
    assert (cells.alpha.T.tolist(), cells.gamma.T.tolist()) == ([[3, 1]], [[2, 1]])
    assert cells.U.T.tolist() == [[1, 1]]


@settings(deadline=None, max_examples=120)
@given(data=st.data())
def test_the_errors_bound_what_the_cells_leave_out(data: st.DataObject) -> None:
    """Claim 14: whatever is gathered with whatever scales, every difference of logits is within the errors."""
    n, m = (data.draw(st.integers(1, 3)) for _ in range(2))
    p = data.draw(st.integers(1, m))
    bits = data.draw(st.integers(0, 8))
    weights = st.integers(-40, 40).map(lambda k: k / 16) | st.floats(-3, 3, width=32)

    def draw_matrix(rows: int, columns: int) -> list[list[float]]:
        values = data.draw(st.lists(weights, min_size=rows * columns, max_size=rows * columns))
        return [values[i : i + columns] for i in range(0, len(values), columns)]

    network = make_network(draw_matrix(n, m), draw_matrix(n, m), draw_matrix(m, n), out_bias=draw_matrix(1, n)[0])
    scale = st.integers(-40, 40)
    neurons = [
        (cell, data.draw(scale.filter(bool) if cell >= 0 else scale), data.draw(scale))
        for cell in data.draw(st.lists(st.integers(-1, p - 1), min_size=m, max_size=m))
    ]
    section = make_neurons(
        neurons, p, activation_bits=bits, unembedding_bits=data.draw(st.integers(0, 8)), scale_bits=4
    )
    assert holds(network, section, check_cells(network, section))


NETWORK = make_network([[1, 2], [3, 4]], [[5, 6], [7, 8]], [[1, 0], [0, 1]])


@pytest.mark.parametrize(
    "neurons",
    [
        [],
        [[0, 1, 1]],
        [[0, 1, 1]] * 3,
        [[0, 1, 1], [2, 1, 1]],
        [[0, 1, 1], [-2, 1, 1]],
        [[0, 1, 1], [1, 0, 1]],
        [[0, 0, 1], [1, 1, 1]],
    ],
)
def test_every_neuron_is_in_a_cell_with_a_scale_or_dropped(neurons: Any) -> None:
    """No neuron is left out or counted twice, no cell is beyond the last, no scale is 0."""
    section = make_neurons(neurons, 2)
    assert refused(check_cells, NETWORK, section) == (Reason.CELLS_WRONG, "method.neurons")


def test_there_is_a_cell() -> None:
    """Without cells nothing is explained."""
    section = make_neurons([[-1, 0, 0]] * 2, 0)
    assert refused(check_cells, NETWORK, section) == (Reason.CELLS_WRONG, "method.neurons")


GOOD = [[0, 1, 1], [1, 1, 1]]


@pytest.mark.parametrize(
    ("left", "out", "neurons", "scales", "where"),
    [
        (1.0, 1.0, GOOD, {"activation_bits": 61}, "method.scale_bits"),
        (8.0, 1.0, GOOD, {"activation_bits": 60}, "method.activation_bits"),
        (1.0, 1.0, [[0, 2**31 - 1, 1], [1, 1, 1]], {}, "method.scale_bits"),
        (1.0, 1.0, [[0, 1, 2**31 - 1], [1, 1, 1]], {}, "method.scale_bits"),
        (4.0, 1.0, GOOD, {"scale_bits": 60}, "method.scale_bits"),
        (2.0**40, 1.0, GOOD, {}, "method.activation_bits"),
        (1.0, 1.0, GOOD, {"unembedding_bits": 46}, "method.unembedding_bits"),
        (2.0**30, 2.0**30, [[-1, 0, 0], [1, 1, 1]], {}, "method"),
        (2.0**29, 2.0**29, [[-1, 0, 0], [1, 1, 1]], {}, "method"),
        # The same below zero.
        (-1.0, 1.0, GOOD, {"activation_bits": 61}, "method.scale_bits"),
        (1.0, 1.0, [[0, -(2**31) + 1, 1], [1, 1, 1]], {}, "method.scale_bits"),
        (1.0, 1.0, [[0, 1, -(2**31) + 1], [1, 1, 1]], {}, "method.scale_bits"),
        (-(2.0**40), 1.0, GOOD, {}, "method.activation_bits"),
        (1.0, -1.0, GOOD, {"unembedding_bits": 46}, "method.unembedding_bits"),
    ],
)
def test_a_scale_that_is_too_fine_is_refused(
    left: float, out: float, neurons: Any, scales: dict[str, int], where: str
) -> None:
    """Inputs, shares, cells, unembedding and errors that int64 might not hold, on either side, each in its place."""
    large, small = [[left, 0.0], [0.0, 0.0]], [[0.0, 0.0]] * 2
    for inputs in ((large, small), (small, large)):
        network = make_network(*inputs, [[out, 0.0], [0.0, 0.0]])
        assert refused(check_cells, network, make_neurons(neurons, 2, **scales)) == (Reason.SCALE_TOO_FINE, where)


def test_a_scale_that_is_just_not_too_fine_is_not_refused() -> None:
    """Two products of 2^60 add up to 2^61; 2^40 - 1 is a cell; an error of 2^58 - 2^29 is one."""
    nothing = [[0.0, 0.0]] * 2
    network = make_network([[1.0, 0.0], [0.0, 0.0]], nothing, nothing)
    assert not check_cells(network, make_neurons([[0, 1, 0], [1, 1, 0]], 2, activation_bits=60)).x_error.any()
    network = make_network([[2.0**40 - 1, 0.0], [0.0, 0.0]], nothing, nothing)
    assert check_cells(network, make_neurons(GOOD, 2)).alpha.max() == 2**40 - 1
    network = make_network([[1.0, 0.0], [0.0, 0.0]], nothing, [[2.0**46 - 1, 0.0], [0.0, 0.0]])
    assert check_cells(network, make_neurons(GOOD, 2)).U.max() == 2**46 - 1
    network = make_network([[2.0**29 - 1, 0.0], [0.0, 0.0]], nothing, [[2.0**29, 0.0], [0.0, 0.0]])
    assert check_cells(network, make_neurons([[-1, 0, 0], [1, 1, 1]], 2)).x_error.max() == 2**58 - 2**29

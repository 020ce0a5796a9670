"""circuits: parts of the cells, what reads them, and what the inputs are off, against fractions; each refusal."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import certcheck.circuits
from certcheck.circuits import Circuit, check_circuits
from certcheck.limits import Limits
from certcheck.verdict import Reason, Refusal
from tests.certcheck.test_exact import refused
from tests.certcheck.test_exhaustive import make_network
from tests.equivariant_sections import C2, C3, D4, S3
from tests.rhoset_sections import (
    A,
    B,
    Example,
    S,
    Textbook,
    Wiring,
    edit,
    edit_circuit,
    find_actions,
    invert,
    make_example,
    make_section,
    make_wiring,
    read_exactly,
)

UNIT = 2**A
PLAIN = make_example(S3)


def prepare(example: Example) -> Circuit:
    """The first circuit."""
    return check_circuits(example.network, example.G, example.section).circuits[0]


def refusal_of(example: Example) -> tuple[Reason, str]:
    """Reason and place."""
    return refused(check_circuits, example.network, example.G, example.section)


def make_uneven(*, middle: bool) -> Example:
    """S3 on three points and on its two signs, functions of thirds of a unit."""
    points, signs = S3.elements.astype(np.int64), next(a for a in find_actions(S3) if a.shape[1] == 2)
    rng = np.random.default_rng(5)
    U = np.round(rng.normal(size=(6, 3, 2)) * 64) / 64
    phi, phi_prime = np.array([-5, 1, 7]) / UNIT, np.array([2, -3]) / UNIT
    return make_example(S3, Wiring(points, signs, phi, phi_prime, U, middle=middle))


@pytest.mark.parametrize("middle", [False, True])
@pytest.mark.parametrize("G", [S3, D4])
def test_the_parts_of_a_cell_add_up(G: Any, *, middle: bool) -> None:
    """Claim 18: r + c + Gamma_N + Gamma_M is relu(phi + phi') to within four roundings; |Gamma_N| is no less."""
    example = make_example(G, make_wiring(G, middle=middle)) if G is D4 else make_uneven(middle=middle)
    circuit, s = prepare(example), example.section.circuits[0]
    whole = circuit.row[:, None] + circuit.column + circuit.gamma + circuit.middle
    assert np.abs(whole - np.maximum(s.phi[:, None] + s.phi_prime, 0)).max() <= 2
    book = Textbook(example)
    phi, psi = ([Fraction(int(v)) for v in f] for f in (s.phi, s.phi_prime))
    left, right = book.actions[s.left], book.actions[s.right]
    r, c, gamma, invariant = book._split(phi, psi, left, right, middle=middle)
    half = Fraction(1, 2)
    assert all(abs(v - int(w)) <= half for v, w in zip(r, circuit.row, strict=True))
    assert all(abs(v - int(w)) <= half for v, w in zip(c, circuit.column, strict=True))
    for k, j in gamma:
        assert abs(gamma[k, j] - int(circuit.gamma[k, j])) <= half
        assert abs(invariant[k, j] - int(circuit.middle[k, j])) <= half
    square = sum(v**2 for v in gamma.values())
    assert circuit.gamma_norm**2 >= square > max(circuit.gamma_norm - 2, 0) ** 2
    assert middle == bool(circuit.middle.any()) or G is S3
    for moved_left, moved_right in zip(left, right, strict=True):
        assert (circuit.middle[moved_left][:, moved_right] == circuit.middle).all()


def test_neurons_add_up_in_their_cells() -> None:
    """Scales 2 and -1/2 in every cell: U is |2| + |-1/2| times the outputs, the negative part |-1/2|; by hand."""
    wiring = make_wiring(C3, scales=(2.0, -0.5), empty=((0, 1),))
    circuit = prepare(make_example(C3, wiring))
    # out = U/(2 |scale|): both neurons together give U.
    expected = wiring.U.copy()
    expected[:, 0, 1] = 0
    assert (expected * 2**B == circuit.U).all()
    assert (circuit.negative_left == expected.sum(axis=2) * 2 ** (B - 1)).all()
    assert (circuit.negative_right == expected.sum(axis=1) * 2 ** (B - 1)).all()
    positive = prepare(make_example(C3, make_wiring(C3)))
    assert not positive.negative_left.any()
    assert not positive.negative_right.any()


def test_a_circuit_may_have_no_neurons() -> None:
    """Nothing reads its cells; the neurons of the other are where they were."""
    example = make_example(C3, make_wiring(C3), make_wiring(C3))
    rows = example.section.neurons.copy()
    rows[rows[:, 0] == 1] = (-1, 0, 0, 0)
    first, second = check_circuits(example.network, C3, edit(example, neurons=rows).section).circuits
    assert first.U.any()
    assert not second.U.any()
    assert second.U.shape == (3, 3, 3)


def test_there_may_be_no_circuit() -> None:
    """All neurons dropped: only beta is left."""
    network = make_network([[1], [-1]], [[2], [3]], [[4, 6]], out_bias=[0, 1])
    circuits = check_circuits(network, C2, make_section(C2, [], dropped=1))
    assert (circuits.circuits, circuits.rounding) == ((), 0)
    assert circuits.beta.tolist() == [0, 2 ** (A + B)]
    assert circuits.multiply_adds == 1 * 3 * 2
    assert circuits.x_error.tolist() == [2 * 2 ** (A + B), 0]
    assert circuits.y_error.tolist() == [4 * 2 ** (A + B), 6 * 2 ** (A + B)]


def test_each_rounding_is_counted() -> None:
    """U: sum of g; r, c: the widths of their readers; Gamma: sums of the kernels; Gamma_M: sum of |U|; phi; beta."""
    kernel = np.arange(9.0).reshape(3, 3) / 2**B
    plain = prepare(make_example(C3, make_wiring(C3, kernels=(None, None, None))))
    s = PLAIN.section.circuits[0]
    g = int(np.maximum(s.phi[:, None] + s.phi_prime, 0).sum())
    # Row sums of -[b = z b'] are -1 for all z.
    assert plain.rounding == g == 4 * UNIT
    for place in (1, 2):
        kernels = tuple(kernel if i == place else None for i in range(3))
        assert prepare(make_example(C3, make_wiring(C3, kernels=kernels))).rounding == g + 36
    with_K = prepare(make_example(C3, make_wiring(C3)))
    assert with_K.rounding == g + 3 * 2**B
    assert prepare(make_example(C3, make_wiring(C3, middle=True))).rounding == g + 6 * 2**B
    negative = prepare(make_example(C3, make_wiring(C3, scales=(-1.0,))))
    assert negative.rounding == g + 3 * 2**B + 2 * (UNIT + UNIT)
    uneven = np.zeros((3, 3, 3))
    uneven[1, 0, 2] = 5.0
    one_sided = prepare(make_example(C3, make_wiring(C3, U=uneven, kernels=(None, None, None))))
    assert one_sided.rounding == g + 2 * 5 * 2**B
    for bias, more in ((0.5, 0), (2.0 ** -(A + B + 1), 1)):
        example = make_example(C3, out_bias=[bias, 0, 0])
        assert check_circuits(example.network, C3, example.section).rounding == with_K.rounding + more


@pytest.mark.parametrize("scale", [1.0, -0.75])
def test_what_the_inputs_are_off_is_no_less_than_by_fractions(scale: float) -> None:
    """Claim 14: widths times residuals, of merged and dropped neurons, where the scales do not hold the weights."""
    rng = np.random.default_rng(3)
    wirings = [make_wiring(S3, scales=(scale,))]
    exact = make_example(S3, *wirings)
    noisy = [
        np.array(read_exactly(m), dtype=float) + 0.03 * rng.normal(size=m.shape)
        for m in (exact.network.a, exact.network.c, exact.network.U)
    ]
    extra = [np.concatenate([v, rng.normal(size=(6, 2))], axis=1) for v in noisy]
    network = make_network(extra[0], extra[1], extra[2].T)
    for example in (exact, Example(network, S3, make_section(S3, wirings, dropped=2))):
        circuits, book = check_circuits(example.network, S3, example.section), Textbook(example)
        unit, m = Fraction(1, 2 ** (A + B)), example.network.a.shape[1]
        widths = [max(row[i] for row in book.U) - min(row[i] for row in book.U) for i in range(m)]
        # A unit of rounding of the input and one of the quotient, the width rounded up by one unit.
        most = max(abs(v) for matrix in (book.a, book.c) for row in matrix for v in row) + 4
        slack = sum(2 * (width + Fraction(1, 2**B)) / 2**A + most / 2**B for width in widths)
        for errors, exactly in ((circuits.x_error, book.x_error), (circuits.y_error, book.y_error)):
            for error, least in zip(errors, exactly, strict=True):
                assert least <= int(error) * unit <= least + slack
    plain = check_circuits(exact.network, S3, exact.section)
    assert not plain.x_error.any()
    assert not plain.y_error.any()


def make_any_circuits(seed: int, *, middle: bool) -> Example:
    """S3 on three points and two signs beside S3 on six, and neurons of any inputs and scales, some of one unit."""
    rng, sets = np.random.default_rng(seed), [a for a in find_actions(S3) if a.shape[1] in (2, 3, 6)]
    two, three, six = (next(a for a in sets if a.shape[1] == d) for d in (2, 3, 6))
    wirings = []
    for left, right, keep in ((three, two, middle), (six, two, False)):
        d, d_prime = left.shape[1], right.shape[1]
        kernels = tuple(rng.integers(-99, 99, (d, d_prime)) / 2**B for _ in range(2))
        phi, psi = (rng.integers(-999, 999, k) / UNIT for k in (d, d_prime))
        U = rng.normal(size=(6, d, d_prime))
        wirings.append(Wiring(left, right, phi, psi, U, kernels=(None, *kernels), middle=keep))
    inputs = [rng.normal(size=(6, 20)) for _ in range(2)]
    network = make_network(*inputs, rng.normal(size=(20, 6)), out_bias=rng.normal(size=6))
    section = make_section(S3, wirings, dropped=2)
    section.neurons[:18, 3] = rng.choice([-1, 1, -700, 300], 18)
    # The first circuit reads a linear term of one neuron, by one unit.
    section.neurons[:6, 3] = [-1, 1, 300, 300, 1, 1]
    return Example(network, S3, section)


def nearest(value: Fraction) -> int:
    """The nearest integer, upwards from halves."""
    return math.floor(value + Fraction(1, 2))


@pytest.mark.parametrize("middle", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_what_circuits_read_and_lose_is_what_the_claims_say(seed: int, *, middle: bool) -> None:  # noqa: C901 - formulas
    """Sums over the neurons of a cell, rounded once; residuals times widths, rounded up; all roundings; the cost."""
    example = make_any_circuits(seed, middle=middle)
    section, found = example.section, check_circuits(example.network, S3, example.section)
    a, c, U = (read_exactly(matrix) for matrix in (example.network.a, example.network.c, example.network.U))
    of, left, right, sigma = section.neurons.T.tolist()
    rounding = 1
    for k, circuit in enumerate(found.circuits):
        d, d_prime = circuit.left.points, circuit.right.points
        own = [i for i in range(20) if of[i] == k]
        cells = np.zeros((3, 6, d, d_prime), dtype=object)
        for i in own:
            for z in range(6):
                weight = abs(Fraction(sigma[i], 2**S)) * U[z][i] * 2**B
                cells[0, z, left[i], right[i]] += weight
                cells[1, z, left[i], right[i]] += weight * (sigma[i] < 0)
        for z in range(6):
            assert circuit.U[z].tolist() == [[nearest(Fraction(u)) for u in row] for row in cells[0, z]]
            assert circuit.negative_left[z].tolist() == [nearest(Fraction(sum(row))) for row in cells[1, z]]
            assert circuit.negative_right[z].tolist() == [nearest(Fraction(sum(row))) for row in cells[1, z].T]
        s = circuit.section
        rounding += sum(max(int(v) + int(w), 0) for v in s.phi for w in s.phi_prime)
        rounding += sum(abs(int(v)) for kernel in s.kernels for v in kernel.ravel())
        rows = [[sum(map(int, circuit.U[z, b])) for z in range(6)] for b in range(d)]
        columns = [[sum(map(int, circuit.U[z, :, b])) for z in range(6)] for b in range(d_prime)]
        rounding += sum(max(sums) - min(sums) for sums in (*rows, *columns))
        rounding += max(sum(abs(int(u)) for u in circuit.U[z].ravel()) for z in range(6)) if s.middle else 0
        if any(sigma[i] < 0 for i in own):
            rounding += sum(abs(int(v)) for v in (*s.phi, *s.phi_prime))
    assert found.rounding == rounding
    widths = [math.ceil((max(u) - min(u)) * 2**B) for u in zip(*U, strict=True)]
    for errors, inputs, is_left in ((found.x_error, a, True), (found.y_error, c, False)):
        for x in range(6):
            error = 0
            for i in range(20):
                rounded = nearest(inputs[x][i] * UNIT)
                if of[i] < 0:
                    moved = max(rounded, 0)
                elif is_left:
                    circuit = found.circuits[of[i]]
                    phi = int(circuit.section.phi[circuit.left.action[invert(S3, x), left[i]]])
                    moved = math.ceil(abs(rounded - Fraction(sigma[i] * phi, 2**S)))
                else:
                    circuit = found.circuits[of[i]]
                    phi = int(circuit.section.phi_prime[circuit.right.action[x, right[i]]])
                    moved = math.ceil(abs(rounded - Fraction(sigma[i] * phi, 2**S)))
                error += widths[i] * (moved + 1)
            assert errors[x] == error
    assert found.multiply_adds == 20 * (3 * 6 + 6 + 2) + 2 * 6 * sum(scale < 0 for scale in sigma)


NEURON = "method.neurons[4]"


@pytest.mark.parametrize(
    "row",
    [
        (1, 0, 0, 256),
        (0, 3, 0, 256),
        (0, 0, 3, 256),
        (0, -1, 0, 256),
        (0, 0, -1, 256),
        (0, 0, 0, 0),
        (-1, 0, 0, 256),
        (-1, 1, 0, 0),
        (-1, 0, 1, 0),
        (-2, 0, 0, 0),
        (-3, 0, 0, 0),
    ],
)
def test_every_neuron_has_a_cell_and_a_scale_or_none_of_them(row: tuple[int, ...]) -> None:
    """Out of range it would read another cell; a scale of 0 drops without the error; a dropped one has no scale."""
    rows = PLAIN.section.neurons.copy()
    rows[4] = row
    assert refusal_of(edit(PLAIN, neurons=rows)) == (Reason.CELLS_WRONG, NEURON)


@pytest.mark.parametrize("count", [0, 8, 10])
def test_every_neuron_is_named_once(count: int) -> None:
    """One left out would count for nothing; one more would be no neuron's."""
    rows = np.tile(PLAIN.section.neurons[:1], (count, 1))
    assert refusal_of(edit(PLAIN, neurons=rows)) == (Reason.CELLS_WRONG, "method.neurons")


def test_the_cells_of_a_side_are_those_of_its_own_set() -> None:
    """3 x 2 points: (2, 1) is a cell and (1, 2) is none."""
    example = make_uneven(middle=False)
    for b, b_prime, allowed in ((2, 1, True), (1, 2, False)):
        rows = example.section.neurons.copy()
        rows[0, 1:3] = b, b_prime
        changed = edit(example, neurons=rows)
        assert allowed or refusal_of(changed) == (Reason.CELLS_WRONG, "method.neurons[0]")
        assert not allowed or prepare(changed).U[:, b, b_prime].any()


CIRCUIT = "method.circuits[0]"


@pytest.mark.parametrize(
    "changes",
    [
        {"left": 1},
        {"right": 1},
        {"phi": np.zeros(2, dtype=np.int64)},
        {"phi": np.zeros(0, dtype=np.int64)},
        {"phi_prime": np.zeros(4, dtype=np.int64)},
        *({name: np.zeros(shape, dtype=np.int64)} for name, shape in itertools.product(
            ("kernel", "left_kernel", "right_kernel"), ((2, 3), (3, 4), (1, 1), (0, 0))
        )),
    ],
)  # fmt: skip
def test_functions_that_do_not_fit_their_points_are_refused(changes: dict[str, Any]) -> None:
    """G-sets that exist, a value for each point, a number for each cell."""
    assert refusal_of(edit_circuit(PLAIN, 0, **changes)) == (Reason.CIRCUIT_WRONG, CIRCUIT)


@pytest.mark.parametrize(("b", "b_prime"), [(0, 0), (0, 2), (2, 1)])
def test_a_kernel_that_is_not_invariant_is_refused(b: int, b_prime: int) -> None:
    """False claim: F[x^-1 z y^-1] is the table of K(b, zb') only if K(gb, gb') = K(b, b')."""
    kernel = PLAIN.section.circuits[0].kernel
    assert kernel is not None
    changed = kernel.copy()
    changed[b, b_prime] += 1
    assert refusal_of(edit_circuit(PLAIN, 0, kernel=changed)) == (Reason.CIRCUIT_WRONG, f"{CIRCUIT}.kernel")
    assert prepare(edit_circuit(PLAIN, 0, kernel=kernel + 1)).section.kernel is not None
    # One-sided kernels need no invariance.
    assert prepare(edit_circuit(PLAIN, 0, kernel=None, left_kernel=changed, right_kernel=changed)).U.any()


def test_invariance_is_that_of_every_generator() -> None:
    """In D4 a circulant matrix is invariant under the rotation, but not under each reflection."""
    example = make_example(D4)
    circulant = np.array([[5, 1, 0, 2], [2, 5, 1, 0], [0, 2, 5, 1], [1, 0, 2, 5]])
    assert refusal_of(edit_circuit(example, 0, kernel=circulant)) == (Reason.CIRCUIT_WRONG, f"{CIRCUIT}.kernel")
    assert prepare(edit_circuit(example, 0, kernel=circulant + circulant.T)).section.kernel is not None


def test_an_action_that_is_none_is_refused_at_its_place() -> None:
    """The second G-set, whether or not a circuit has it."""
    sets = (PLAIN.section.gsets[0], PLAIN.section.gsets[0][::-1][:, [1, 2, 0]] * 0)
    assert refusal_of(edit(PLAIN, gsets=sets)) == (Reason.GSET_WRONG, "method.gsets[1]")
    apart = np.tile(np.arange(2), (2, 1))
    assert refusal_of(edit(PLAIN, gsets=(PLAIN.section.gsets[0], apart))) == (Reason.GSET_WRONG, "method.gsets[1]")
    assert refusal_of(edit(PLAIN, gsets=())) == (Reason.CIRCUIT_WRONG, CIRCUIT)


def test_there_are_only_so_many_cells_and_points(monkeypatch: pytest.MonkeyPatch) -> None:
    """No false claim, but gigabytes: cells of a circuit, of all circuits, and points of G-sets that no circuit has."""
    two = make_example(S3, make_wiring(S3), make_wiring(S3))
    monkeypatch.setattr(certcheck.circuits, "MAX_CELLS_OF_CIRCUIT", 9)
    assert len(check_circuits(two.network, S3, two.section).circuits) == 2
    monkeypatch.setattr(certcheck.circuits, "MAX_CELLS_OF_CIRCUIT", 8)
    assert refusal_of(two) == (Reason.CIRCUIT_WRONG, CIRCUIT)


@pytest.mark.parametrize(("where", "edge"), [("method.gsets", (18 + 18) * 6), ("method.circuits", 8 * 18 * 6)])
def test_cells_and_points_that_would_fill_the_memory_are_not_made(where: str, edge: int) -> None:
    """Actions of 3 points with their inverses, tables of pairs; 9 cells a circuit in eight copies."""
    two = make_example(S3, make_wiring(S3), make_wiring(S3))
    if where == "method.gsets":
        two = edit(two, circuits=(), neurons=np.tile([-1, 0, 0, 0], (18, 1)))
    check_circuits(two.network, S3, two.section, Limits(numbers=edge))
    with pytest.raises(Refusal) as caught:
        check_circuits(two.network, S3, two.section, Limits(numbers=edge - 1))
    assert (caught.value.reason, caught.value.where) == (Reason.NUMBERS_TOO_MANY, where)


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"activation_bits": 40, "scale_bits": 21}, "method.scale_bits"),
        ({"unembedding_bits": 46}, "method.unembedding_bits"),
        ({"activation_bits": 62}, "method.activation_bits"),
    ],
)
def test_a_scale_that_is_too_fine_is_refused(changes: dict[str, int], where: str) -> None:
    """Inputs and unembedding that int64 might not hold; inputs of 2^60 it does."""
    assert refusal_of(edit(PLAIN, **changes)) == (Reason.SCALE_TOO_FINE, where)
    assert prepare(edit(PLAIN, activation_bits=40, scale_bits=20)).U.shape == (6, 3, 3)


@pytest.mark.parametrize(("scale", "value"), [(-(2**31), -(2**31)), (-(2**31), 2**31 - 1), (2**31 - 1, -(2**31))])
def test_the_largest_scales_and_functions_do_not_wrap(scale: int, value: int) -> None:
    """False claim: a prediction of 2^62 that wraps, or comes near to inputs of a few units, is hardly off."""
    rows = PLAIN.section.neurons.copy()
    rows[:, 3] = scale
    phi = np.full(3, value)
    example = edit_circuit(edit(PLAIN, neurons=rows, unembedding_bits=0), 0, phi=phi, phi_prime=phi)
    circuits = check_circuits(example.network, S3, example.section)
    # Nine neurons of width 1; their inputs add up to 0 for every element.
    expected = 9 * abs(scale * value) >> S
    assert abs(circuits.x_error - expected).max() <= 9
    assert abs(circuits.y_error - expected).max() <= 9
    finer = edit(example, unembedding_bits=1)
    assert refusal_of(finer) == (Reason.SCALE_TOO_FINE, "method")

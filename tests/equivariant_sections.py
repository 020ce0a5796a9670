"""Small networks made of rho-set circuits, and sections of the method `equivariant` for them, fitted here.

A circuit of permutations of the points b, with phi and psi on the points: a neuron for each (b, b') with inputs
phi(x^-1 b) and psi(y b'), and output [z b' = b]. Its logit is F(x^-1 z y^-1), F(w) = sum_b relu(phi(w b) + psi(b)).
With psi = phi + t for thresholds t, one between the sums 2 phi(b) and 2 phi(b') of any two neighbours, F is largest at
w = e alone, because exchanging two values across the kink loses.
"""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from certcheck.document import ERROR_TERMS, EquivariantSection, ExhaustiveSection, RepresentationSection
from certcheck.group import Group, check_group
from certcheck.network import Network
from tests.certcheck.test_exhaustive import make_network
from tests.certificates import C3 as C3_ELEMENTS
from tests.certificates import S3 as S3_ELEMENTS

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

C2_ELEMENTS = [[0, 1], [1, 0]]
# The symmetries of a square with corners 0, 1, 2, 3: rotations first.
D4_ELEMENTS = [[(s * i + k) % 4 for i in range(4)] for s in (1, -1) for k in range(4)]

ENOUGH = 10**17  # an error term that is never exceeded
T, A, B, S = 10, 12, 12, 10  # binary places of tables, activations, unembedding and neuron scales
REPRESENTATION_BITS, COEFFICIENT_BITS = 20, 16
UNIT = 1 << 8  # of the signed permutation matrices' coefficients
PHI = {3: (-1.0, 0.0, 1.0), 4: (-3.0, -1.0, 1.0, 3.0)}
THRESHOLDS = {3: (-1.0, 1.0), 4: (-4.0, 0.0, 4.0)}


@dataclass(frozen=True, slots=True)
class Example:
    """A network, its group, and a section that is about it."""

    network: Network
    G: Group
    section: EquivariantSection


@dataclass(slots=True)
class Circuit:
    """Inputs and outputs of neurons, and the cell (t, b, b') that each belongs to with its scale sigma."""

    left: Floats
    right: Floats
    out: Floats
    neurons: list[tuple[int, float, float]]
    positions: list[tuple[int, int]]


def make_group(elements: Sequence[Sequence[int]]) -> Group:
    """The group of these permutations."""
    return check_group(np.array(elements, dtype=np.int32), "elements")


C2, C3, S3, D4 = map(make_group, (C2_ELEMENTS, C3_ELEMENTS, S3_ELEMENTS, D4_ELEMENTS))


def compute_signs(G: Group) -> Whole:
    """The sign of each permutation, by its inversions."""
    return np.array(
        [(-1) ** sum(int(p[i] > p[j]) for j in range(G.degree) for i in range(j)) for p in G.elements], dtype=np.int64
    )


def make_circuit(G: Group, scales: Sequence[float] = (1.0,), *, weight: float = 1.0) -> Circuit:
    """The circuit above on the points of G, each cell computed by a neuron for each scale."""
    phi, n = PHI[G.degree], G.order
    inverse = np.argsort(G.elements, axis=1)
    columns: list[tuple[list[float], list[float], list[float]]] = []
    neurons: list[tuple[int, float, float]] = []
    positions: list[tuple[int, int]] = []
    for t in THRESHOLDS[G.degree]:
        for b in range(G.degree):
            for c in range(G.degree):
                left = [phi[inverse[x, b]] for x in range(n)]
                right = [phi[G.elements[y, c]] + t for y in range(n)]
                out = [weight * float(G.elements[z, c] == b) for z in range(n)]
                for i, s in enumerate(scales):
                    columns.append(([s * v for v in left], [s * v for v in right], [u / abs(s) for u in out]))
                    neurons.append((len(positions), s, 1 / s if i == 0 else 0.0))
                positions.append((b, c))
    left_, right_, out_ = (np.array([column[k] for column in columns]) for k in range(3))
    return Circuit(left_.T, right_.T, out_, neurons, positions)


def make_sign_circuit(G: Group, copies: Sequence[tuple[int, int]], *, weight: float) -> Circuit:
    """A cell relu(s(x) + s(y)) for each (b, c) of `copies`, with output s(z) [z c = b]."""
    s = compute_signs(G).astype(np.float64)
    out = [weight * s * (G.elements[:, c] == b) for b, c in copies]
    same = np.repeat(s[:, None], len(copies), axis=1)
    return Circuit(same, same, np.array(out), [(j, 1.0, 1.0) for j in range(len(copies))], list(copies))


def join(first: Circuit, second: Circuit) -> Circuit:
    """Both side by side: the logits add up."""
    shift = len(first.positions)
    return Circuit(
        np.concatenate([first.left, second.left], axis=1),
        np.concatenate([first.right, second.right], axis=1),
        np.concatenate([first.out, second.out]),
        first.neurons + [(j + shift, s, share) for j, s, share in second.neurons],
        first.positions + second.positions,
    )


def build_network(circuit: Circuit, **biases: Any) -> Network:
    """The network of these neurons."""
    return make_network(circuit.left, circuit.right, circuit.out, **biases)


def compute_cells(circuit: Circuit) -> tuple[Floats, Floats]:
    """alpha and gamma: the neurons' inputs times their shares, added up a cell at a time."""
    p = len(circuit.positions)
    alpha, gamma = (np.zeros((len(circuit.left), p)) for _ in range(2))
    for i, (j, _, share) in enumerate(circuit.neurons):
        if j >= 0:
            alpha[:, j] += share * circuit.left[:, i]
            gamma[:, j] += share * circuit.right[:, i]
    return alpha, gamma


def compute_centred(alpha: Floats, gamma: Floats) -> Floats:
    """relu(alpha_xj + gamma_yj) less its means over x and over y: (n, n, p)."""
    g = np.maximum(alpha[:, None] + gamma[None], 0)
    centred: Floats = g - g.mean(axis=0)[None] - g.mean(axis=1)[:, None] + g.mean(axis=(0, 1))
    return centred


def fit_tables(G: Group, rho: Floats, V: Floats) -> tuple[Whole, Whole, Whole]:
    """L, R, N by averages over the symmetries of xy = z, one after the other, rounded."""
    n = G.order
    L = np.einsum("xba,xybc->yac", rho, V) / n
    E = V - np.einsum("xab,ybc->xyac", rho, L)
    R = np.einsum("xyab,ycb->xac", E, rho) / n
    E = E - np.einsum("xab,ybc->xyac", R, rho)
    N = np.array(
        [np.mean([E[x, y] for x in range(n) for y in range(n) if G.table[x, y] == w], axis=0) for w in range(n)]
    )
    left, right, middle = (np.round(table * 2.0**T).astype(np.int64) for table in (L, R, N))
    return left, right, middle


def compute_permutation_matrices(G: Group, signs: Whole | None = None) -> Floats:
    """signs[x] times the matrices of the action on the points: (n, d, d), rho(x) e_b = e_xb."""
    matrices = np.zeros((G.order, G.degree, G.degree))
    for x in range(G.order):
        for b in range(G.degree):
            matrices[x, G.elements[x, b], b] = 1 if signs is None else signs[x]
    return matrices


def remove_constants(V: Floats) -> tuple[Floats, Floats]:
    """V less row and column constants, and what these are in the coordinate of the sign: (n, n)."""
    rows = V.mean(axis=-1, keepdims=True)
    columns = (V - rows).mean(axis=-2, keepdims=True)
    return V - rows - columns, rows.sum(axis=(2, 3)) + columns.sum(axis=(2, 3))


def make_permutation_part(
    G: Group,
    circuit: Circuit,
    cells: Sequence[int],
    signs: Whole | None = None,
    constants_to: int | None = None,
    weight: float = 1.0,
) -> tuple[RepresentationSection, Floats]:
    """The signed permutation matrices on the points for these cells, and the constants that leave it: (n, n)."""
    g = compute_centred(*compute_cells(circuit))
    V = np.zeros((G.order, G.order, G.degree, G.degree))
    for j in cells:
        V[:, :, circuit.positions[j][0], circuit.positions[j][1]] += weight * g[:, :, j]
    moved = np.zeros((G.order, G.order))
    if signs is None or constants_to is not None:
        V, moved = remove_constants(V)
    left, right, middle = fit_tables(G, compute_permutation_matrices(G, signs), V)
    generators = list(G.generators)
    rows = [(*circuit.positions[j], round(weight * UNIT)) for j in cells]
    section = RepresentationSection(
        name=None,
        permutations=G.elements[generators].astype(np.int64),
        signs=np.ones(len(generators), dtype=np.int64) if signs is None else signs[generators],
        matrices=None,
        cells=np.array(cells, dtype=np.int64),
        positions=np.array(rows, dtype=np.int64).reshape(len(rows), 3),
        coefficients=None,
        basis=None,
        left=left,
        right=right,
        middle=middle,
        constants_to=constants_to,
    )
    return section, moved


def make_sign_part(G: Group, V: Floats) -> RepresentationSection:
    """The sign, of size 1, for what other representations leave it."""
    signs, generators = compute_signs(G), list(G.generators)
    left, right, middle = fit_tables(G, signs[:, None, None].astype(np.float64), V[:, :, None, None])
    return RepresentationSection(
        name="sign",
        permutations=np.zeros((len(generators), 1), dtype=np.int64),
        signs=signs[generators],
        matrices=None,
        cells=np.zeros(0, dtype=np.int64),
        positions=np.zeros((0, 3), dtype=np.int64),
        coefficients=None,
        basis=None,
        left=left,
        right=right,
        middle=middle,
        constants_to=None,
    )


# An orthonormal basis of the plane of vectors of three points that add up to 0.
PLANE = np.array([[1, -1, 0], [1, 1, -2]]) / np.sqrt([[2.0], [6.0]])
TURNS = np.array([[[1, 0], [0, 1]], [[0, -1], [1, 0]]], dtype=np.int64)


def make_matrix_part(
    G: Group, circuit: Circuit, cells: Sequence[int], basis: Whole | None = None
) -> RepresentationSection:
    """The action on three points, restricted to the plane: 2 x 2 matrices for these cells.

    [z c = b] = 1/3 + <rho(z), e_b e_c^T> with e_b, e_c taken to the plane. A basis of orthogonal matrices of one norm
    that holds all of these is enough.
    """
    rho = PLANE @ compute_permutation_matrices(G) @ PLANE.T
    g = compute_centred(*compute_cells(circuit))
    full = np.eye(4).reshape(4, 2, 2) if basis is None else basis
    C = np.array([np.outer(PLANE[:, b], PLANE[:, c]) for b, c in (circuit.positions[j] for j in cells)])
    coordinates = np.einsum("jab,qab->jq", C, full) / (full[0] ** 2).sum()
    V = np.einsum("xyj,jq,qab->xyab", g[:, :, list(cells)], coordinates, full)
    left, right, middle = fit_tables(G, rho, V)
    return RepresentationSection(
        name="plane",
        permutations=None,
        signs=None,
        matrices=np.round(rho[list(G.generators)] * 2.0**REPRESENTATION_BITS).astype(np.int64),
        cells=np.array(cells, dtype=np.int64),
        positions=None,
        coefficients=np.round(coordinates * 2.0**COEFFICIENT_BITS).astype(np.int64),
        basis=basis,
        left=left,
        right=right,
        middle=middle,
        constants_to=None,
    )


def make_section(
    circuit: Circuit, *parts: RepresentationSection, cases: ExhaustiveSection | None = None
) -> EquivariantSection:
    """The section of these neurons and representations, with error terms that are never exceeded."""
    neurons = [(j, round(s * 2**S), round(share * 2**S)) for j, s, share in circuit.neurons]
    return EquivariantSection(
        activation_bits=A,
        unembedding_bits=B,
        scale_bits=S,
        representation_bits=REPRESENTATION_BITS,
        coefficient_bits=COEFFICIENT_BITS,
        table_bits=T,
        cells=len(circuit.positions),
        neurons=np.array(neurons, dtype=np.int64),
        representations=parts,
        error_terms=dict.fromkeys(ERROR_TERMS, ENOUGH),
        cases=cases,
    )


def make_permutation_example(
    G: Group, scales: Sequence[float] = (1.0,), cases: ExhaustiveSection | None = None
) -> Example:
    """The circuit on the points of G, explained by their permutation matrices."""
    circuit = make_circuit(G, scales)
    part, _ = make_permutation_part(G, circuit, range(len(circuit.positions)), weight=float(len(scales)))
    return Example(build_network(circuit), G, make_section(circuit, part, cases=cases))


def make_matrix_example(G: Group, basis: Whole | None = None, cases: ExhaustiveSection | None = None) -> Example:
    """The circuit on three points, explained by 2 x 2 matrices."""
    circuit = make_circuit(G)
    part = make_matrix_part(G, circuit, range(len(circuit.positions)), basis)
    return Example(build_network(circuit), G, make_section(circuit, part, cases=cases))


def make_sign_example(G: Group, weight: float = 2.0, constants_to: int | None = 2) -> Example:
    """The circuit on the points and, weight times, its signed relative, whose constants go to the sign."""
    plain = make_circuit(G)
    copies = [(b, c) for b in range(G.degree) for c in range(G.degree)]
    circuit = join(plain, make_sign_circuit(G, copies, weight=weight))
    first, last = len(plain.positions), len(circuit.positions)
    unsigned, _ = make_permutation_part(G, circuit, range(first))
    signed, moved = make_permutation_part(
        G, circuit, range(first, last), compute_signs(G), constants_to=constants_to, weight=weight
    )
    parts = (unsigned, signed, make_sign_part(G, moved))
    return Example(build_network(circuit), G, make_section(circuit, *parts))


def edit(example: Example, **changes: Any) -> Example:
    """The example with other values in its section."""
    return dataclasses.replace(example, section=dataclasses.replace(example.section, **changes))


def edit_part(example: Example, index: int, **changes: Any) -> Example:
    """The example with other values in one representation of its section."""
    parts = list(example.section.representations)
    parts[index] = dataclasses.replace(parts[index], **changes)
    return edit(example, representations=tuple(parts))


def write_array(values: Whole, dtype: str = "int32") -> dict[str, Any]:
    """Integers as a certificate holds them."""
    data = values.astype(np.dtype(dtype).newbyteorder("<")).tobytes()
    return {"dtype": dtype, "shape": list(values.shape), "data": base64.b64encode(data).decode("ascii")}


def write_method(section: EquivariantSection) -> dict[str, Any]:
    """The section as JSON, to be edited."""
    return {"name": "equivariant", **write_section(section)}


def write_section(section: Any) -> Any:
    """A section of any method as JSON, without its name."""

    def write(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            return write_array(value)
        if isinstance(value, tuple):
            return [write(item) for item in value]
        if dataclasses.is_dataclass(value):
            return {field.name: write(getattr(value, field.name)) for field in dataclasses.fields(value)}
        return dict(value) if isinstance(value, dict) else value

    return write(section)

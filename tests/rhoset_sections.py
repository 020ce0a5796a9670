"""Small networks made of circuits of G-sets, sections of the method `rho-set` for them, and their bound by definition.

A circuit on the points of one G-set has a neuron for each (b, b') with inputs phi(x^-1 b) and -phi(y b') and output
-[b = z b']: with t = x^-1 z y^-1 its logit is minus the sum of relu(phi(tc) - phi(c)), which is 0 at t = e and below 0
where t moves a point, as phi is injective.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from certcheck.document import RHO_SET_ERROR_TERMS, CircuitSection, ExhaustiveSection, RhoSetSection
from certcheck.exact import DyadicMatrix
from certcheck.group import Group
from certcheck.network import Network
from tests.certcheck.test_exhaustive import make_network
from tests.equivariant_sections import write_section

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]
Rows = list[list[Fraction]]

ENOUGH = 10**17  # an error term that is never exceeded
A, B, S, T = 10, 10, 8, 10  # binary places of activations, unembedding, neuron scales and tables


@dataclass(frozen=True, slots=True)
class Example:
    """A network, its group, and a section that is about it."""

    network: Network
    G: Group
    section: RhoSetSection


@dataclass(slots=True)
class Wiring:
    """One circuit to be built: the G-sets' actions (n, d) and (n, d'), functions, and U, (n, d, d').

    scales: of the neurons of each cell; empty: cells without neurons. kernels: K, j_L, j_R of the section.
    """

    left: Whole
    right: Whole
    phi: Floats
    phi_prime: Floats
    U: Floats
    scales: tuple[float, ...] = (1.0,)
    empty: tuple[tuple[int, int], ...] = ()
    kernels: tuple[Floats | None, Floats | None, Floats | None] = (None, None, None)
    middle: bool = False


def invert(G: Group, x: int) -> int:
    """The y with xy = e."""
    return next(y for y in range(G.order) if G.table[x, y] == G.identity)


def act_on_cosets(G: Group, subgroup: Sequence[int]) -> Whole:
    """What every element does to the left cosets of a subgroup: (n, d)."""
    cosets: list[frozenset[int]] = []
    for x in range(G.order):
        coset = frozenset(int(G.table[x, h]) for h in subgroup)
        if coset not in cosets:
            cosets.append(coset)
    moved = [[cosets.index(frozenset(int(G.table[x, v]) for v in coset)) for coset in cosets] for x in range(G.order)]
    return np.array(moved, dtype=np.int64)


def find_actions(G: Group) -> list[Whole]:
    """The actions on the cosets of every subgroup that two elements generate."""
    subgroups = {frozenset(generate(G, pair)) for pair in itertools.product(range(G.order), repeat=2)}
    return [act_on_cosets(G, sorted(H)) for H in sorted(subgroups, key=lambda H: (-len(H), sorted(H)))]


def generate(G: Group, elements: Sequence[int]) -> list[int]:
    """The subgroup that these elements generate."""
    found = [G.identity]
    for x in found:
        found += [int(G.table[g, x]) for g in dict.fromkeys(elements) if int(G.table[g, x]) not in found]
    return list(dict.fromkeys(found))


def make_wiring(G: Group, action: Whole | None = None, **changes: Any) -> Wiring:
    """The circuit above on the points of this action, by default those that G permutes, with K = -[b = b']."""
    action = G.elements.astype(np.int64) if action is None else action
    d = action.shape[1]
    phi = np.arange(d) - (d - 1) / 2
    K = -np.eye(d)
    wiring = Wiring(action, action, phi, -phi, np.array([K[:, z] for z in action]), kernels=(K, None, None))
    return dataclasses.replace(wiring, **changes)


def list_neurons(wirings: Sequence[Wiring]) -> list[tuple[int, int, int, float]]:
    """Circuit, b, b' and scale of each neuron, in their order in the network."""
    return [
        (s, b, b_prime, scale)
        for s, wiring in enumerate(wirings)
        for b, b_prime in itertools.product(range(len(wiring.phi)), range(len(wiring.phi_prime)))
        if (b, b_prime) not in wiring.empty
        for scale in wiring.scales
    ]


def make_weights(G: Group, wirings: Sequence[Wiring]) -> tuple[Floats, Floats, Floats]:
    """left (n, m), right (n, m), out (m, n) of the circuits, exact."""
    inverse = [invert(G, x) for x in range(G.order)]
    columns: list[tuple[Floats, Floats, Floats]] = []
    for s, b, b_prime, scale in list_neurons(wirings):
        w = wirings[s]
        out = w.U[:, b, b_prime] / abs(scale) / len(w.scales)
        columns.append((scale * w.phi[w.left[inverse, b]], scale * w.phi_prime[w.right[:, b_prime]], out))
    left, right, out = (np.array([column[k] for column in columns]) for k in range(3))
    return left.T, right.T, out


def make_section(G: Group, wirings: Sequence[Wiring], dropped: int = 0, **changes: Any) -> RhoSetSection:
    """The section of these circuits, and of neurons after theirs that are dropped; error terms never exceeded."""
    bits = {"activation_bits": A, "unembedding_bits": B, "scale_bits": S, "table_bits": T}
    bits |= {key: value for key, value in changes.items() if key in bits}
    actions: list[Whole] = []
    for action in (side for w in wirings for side in (w.left, w.right)):
        actions += [] if any(action is other for other in actions) else [action]
    circuits = tuple(_make_circuit(w, actions, bits) for w in wirings)
    rows = [(s, b, c, round(scale * 2 ** bits["scale_bits"])) for s, b, c, scale in list_neurons(wirings)]
    section = RhoSetSection(
        **bits,
        gsets=tuple(action[list(G.generators)] for action in actions),
        circuits=circuits,
        neurons=np.array(rows + [(-1, 0, 0, 0)] * dropped, dtype=np.int64).reshape(-1, 4),
        error_terms=dict.fromkeys(RHO_SET_ERROR_TERMS, ENOUGH),
        remaining=None,
        cases=None,
    )
    return dataclasses.replace(section, **changes)


def _make_circuit(w: Wiring, actions: list[Whole], bits: dict[str, int]) -> CircuitSection:
    phi, phi_prime = (np.round(f * 2.0 ** bits["activation_bits"]).astype(np.int64) for f in (w.phi, w.phi_prime))
    unit = 2.0 ** bits["unembedding_bits"]
    kernels = [None if k is None else np.round(k * unit).astype(np.int64) for k in w.kernels]
    left, right = (next(i for i, a in enumerate(actions) if a is side) for side in (w.left, w.right))
    return CircuitSection(left, right, phi, phi_prime, *kernels, middle=w.middle)


def make_example(G: Group, *wirings: Wiring, cases: ExhaustiveSection | None = None, **biases: Any) -> Example:
    """The network of these circuits, or of the plain one on the points of G, and its section."""
    wirings = wirings or (make_wiring(G),)
    return Example(make_network(*make_weights(G, wirings), **biases), G, make_section(G, wirings, cases=cases))


def edit(example: Example, **changes: Any) -> Example:
    """The example with other values in its section."""
    return dataclasses.replace(example, section=dataclasses.replace(example.section, **changes))


def edit_circuit(example: Example, index: int, **changes: Any) -> Example:
    """The example with other values in one circuit of its section."""
    circuits = list(example.section.circuits)
    circuits[index] = dataclasses.replace(circuits[index], **changes)
    return edit(example, circuits=tuple(circuits))


def write_rho_set(section: RhoSetSection) -> dict[str, Any]:
    """The section as JSON, to be edited."""
    return {"name": "rho-set", **write_section(section)}


def read_exactly(matrix: DyadicMatrix) -> Rows:
    """The entries as fractions."""
    unit, (rows, columns) = Fraction(1, 2**matrix.bits), matrix.shape
    return [[int(matrix.numerators[i, j]) * unit for j in range(columns)] for i in range(rows)]


def compute_root(square: Fraction) -> Fraction:
    """Its root, too large by less than 2^-100."""
    root = math.isqrt(square.numerator * 4**100 // square.denominator)
    return Fraction(root + 1, 2**100) if square else Fraction(0)


def extend(G: Group, permutations: Whole) -> list[list[int]]:
    """What every element does to the points: products of generators, one after the other."""
    action = {G.identity: list(range(permutations.shape[1]))}
    while len(action) < G.order:
        for g, moves in zip(G.generators, permutations.tolist(), strict=True):
            for x in list(action):
                action.setdefault(int(G.table[g, x]), [moves[b] for b in action[x]])
    return [action[x] for x in range(G.order)]


class Textbook:
    """DESIGN 2.3 in fractions: no table, no rounding, every pair and z from the definition.

    explained[x][y][z]: what P, Q, the kernels and Gamma_M say of the logit. distances[v][z]: the sum over the circuits
    of |D(v) - D(z)| |Gamma_N|. x_error, y_error: what the inputs are off, times the widths.
    """

    def __init__(self, example: Example) -> None:
        self.G, self.section = example.G, example.section
        self.n = self.G.order
        self.inverse = [invert(self.G, x) for x in range(self.n)]
        self.actions = [extend(self.G, gset) for gset in self.section.gsets]
        self.a, self.c, self.U = (read_exactly(m) for m in (example.network.a, example.network.c, example.network.U))
        beta = read_exactly(example.network.beta)[0]
        everything = range(self.n)
        self.explained = [[list(beta) for _ in everything] for _ in everything]
        self.distances = [[Fraction(0)] * self.n for _ in everything]
        self.x_error, self.y_error = [Fraction(0)] * self.n, [Fraction(0)] * self.n
        for index in range(len(self.section.circuits)):
            self._add_circuit(index)
        self._add_errors()

    def _add_circuit(self, index: int) -> None:
        s, n, section = self.section.circuits[index], self.n, self.section
        left, right = self.actions[s.left], self.actions[s.right]
        phi, psi = ([Fraction(int(v), 2**section.activation_bits) for v in f] for f in (s.phi, s.phi_prime))
        points = list(itertools.product(range(len(phi)), range(len(psi))))
        r, c, gamma, middle = self._split(phi, psi, left, right, middle=s.middle)
        U = [dict.fromkeys(points, Fraction(0)) for _ in range(n)]
        linear = [dict.fromkeys(points, Fraction(0)) for _ in range(n)]
        for i, (circuit, b, b_prime, sigma) in enumerate(section.neurons.tolist()):
            for z in range(n) if circuit == index else ():
                weight = abs(Fraction(sigma, 2**section.scale_bits)) * self.U[z][i]
                U[z][b, b_prime] += weight
                linear[z][b, b_prime] += weight if sigma < 0 else 0
        said = [{p: self._read(s, p, left[self.inverse[z]][p[0]], right[z][p[1]]) for p in points} for z in range(n)]
        for x, y, z in itertools.product(range(n), repeat=3):
            for b, b_prime in points:
                k, j = left[self.inverse[x]][b], right[y][b_prime]
                self.explained[x][y][z] += U[z][b, b_prime] * (r[k] + c[j] + middle[k, j])
                self.explained[x][y][z] += said[z][b, b_prime] * gamma[k, j]
                self.explained[x][y][z] -= linear[z][b, b_prime] * (phi[k] + psi[j])
        rest = [_centre({p: U[z][p] - said[z][p] for p in points}, len(phi), len(psi)) for z in range(n)]
        norm = sum(value**2 for value in gamma.values())
        for v, z in itertools.product(range(n), repeat=2):
            self.distances[v][z] += compute_root(sum((rest[v][p] - rest[z][p]) ** 2 for p in points) * norm)

    def _read(self, s: CircuitSection, p: tuple[int, int], moved_b: int, moved_b_prime: int) -> Fraction:
        """K(b, zb') + j_L(z^-1 b, b') + j_R(b, zb')."""
        b, b_prime = p
        entries = ((s.kernel, b, moved_b_prime), (s.left_kernel, moved_b, b_prime), (s.right_kernel, b, moved_b_prime))
        total = sum(int(k[i, j]) for k, i, j in entries if k is not None)
        return Fraction(total, 2**self.section.unembedding_bits)

    def _split(
        self, phi: list[Fraction], psi: list[Fraction], left: list[list[int]], right: list[list[int]], *, middle: bool
    ) -> tuple[list[Fraction], list[Fraction], dict[tuple[int, int], Fraction], dict[tuple[int, int], Fraction]]:
        """r, c, Gamma_N and Gamma_M."""
        points = list(itertools.product(range(len(phi)), range(len(psi))))
        g = {(k, j): max(phi[k] + psi[j], Fraction(0)) for k, j in points}
        mean = sum(g.values()) / len(points)
        r = [sum(g[k, j] for j in range(len(psi))) / len(psi) - mean / 2 for k in range(len(phi))]
        c = [sum(g[k, j] for k in range(len(phi))) / len(phi) - mean / 2 for j in range(len(psi))]
        gamma = {(k, j): g[k, j] - r[k] - c[j] for k, j in points}
        fixed = {
            (k, j): sum(gamma[left[w][k], right[w][j]] for w in range(self.n)) / self.n if middle else Fraction(0)
            for k, j in points
        }
        return r, c, {p: gamma[p] - fixed[p] for p in points}, fixed

    def _add_errors(self) -> None:
        section = self.section
        for i, (circuit, b, b_prime, sigma) in enumerate(section.neurons.tolist()):
            width = max(row[i] for row in self.U) - min(row[i] for row in self.U)
            unit = Fraction(sigma, 2 ** (section.scale_bits + section.activation_bits))
            for w in range(self.n):
                if circuit < 0:
                    self.x_error[w] += width * max(self.a[w][i], 0)
                    self.y_error[w] += width * max(self.c[w][i], 0)
                else:
                    s = section.circuits[circuit]
                    phi = int(s.phi[self.actions[s.left][self.inverse[w]][b]])
                    psi = int(s.phi_prime[self.actions[s.right][w][b_prime]])
                    self.x_error[w] += width * abs(self.a[w][i] - unit * phi)
                    self.y_error[w] += width * abs(self.c[w][i] - unit * psi)

    def bound(self, x: int, y: int, z: int) -> Fraction:
        """ell(x, y, z)."""
        v = int(self.G.table[x, y])
        said = self.explained[x][y]
        return said[v] - said[z] - self.distances[v][z] - self.x_error[x] - self.y_error[y]


def _centre(values: dict[tuple[int, int], Fraction], d: int, d_prime: int) -> dict[tuple[int, int], Fraction]:
    """Less the means over rows and columns."""
    rows = [sum(values[k, j] for j in range(d_prime)) / d_prime for k in range(d)]
    columns = [sum(values[k, j] for k in range(d)) / d for j in range(d_prime)]
    mean = sum(rows) / d
    return {(k, j): value - rows[k] - columns[j] + mean for (k, j), value in values.items()}

"""The regular representation of a finite group, split into irreducible representations over the real numbers.

The commutant of an irreducible representation is the real numbers, the complex numbers or the quaternions, of
dimension h = 1, 2 or 4 (its Frobenius-Schur type). The coordinates are chosen so that the commutant acts on blocks of
h coordinates by fixed signed permutations; then every h x h block of rho(x) is known from its first column, and
q = d*d/h numbers tell the whole matrix.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from certcheck.group import Group

    Floats = NDArray[np.float64]

TRIES = 8
QUATERNIONS = 4
# Residual above which a numerical decomposition is thrown away; a good one has 1e-13 or less.
GOOD = 1e-11


@dataclass(frozen=True, slots=True)
class Step:
    """Elements whose matrix is that of a generator times one known already: targets = generator * sources."""

    generator: int
    sources: NDArray[np.int64]
    targets: NDArray[np.int64]


def find_tree(G: Group, generators: tuple[int, ...]) -> list[list[Step]]:
    """A spanning tree of the Cayley graph, level by level from the identity."""
    levels: list[list[Step]] = []
    reached = {G.identity}
    level = [G.identity]
    while level:
        steps, following = [], []
        for g in generators:
            pairs = [(x, gx) for x in level if (gx := int(G.table[g, x])) not in reached]
            if pairs:
                sources, targets = np.array(pairs).T
                steps.append(Step(g, sources, targets))
                following += targets.tolist()
                reached.update(following)
        levels += [steps] if steps else []
        level = following
    return levels


def extend_to_group(G: Group, on_generators: dict[int, Floats], tree: list[list[Step]]) -> Floats:
    """The matrices of all elements."""
    d = len(next(iter(on_generators.values()), np.eye(1)))
    matrices = np.empty((G.order, d, d))
    matrices[G.identity] = np.eye(d)
    for step in itertools.chain.from_iterable(tree):
        matrices[step.targets] = on_generators[step.generator] @ matrices[step.sources]
    return matrices


def _find_short_words(G: Group) -> tuple[int, ...]:
    """The generators and their powers with exponents 2, 4, 8, ..., so that no element is a long word in them."""
    words = dict.fromkeys(G.generators)
    for g in G.generators:
        power = int(G.table[g, g])
        while power not in words and power != G.identity:
            words[power] = None
            power = int(G.table[power, power])
    return tuple(words)


def _find_inverses(G: Group) -> NDArray[np.int64]:
    inverses: NDArray[np.int64] = np.argmax(G.table == G.identity, axis=1)
    return inverses


def compute_units(h: int) -> Floats:
    """The units of the real numbers, the complex numbers or the quaternions, acting on them from the left.

    (h, h, h): [u, :, c] is the product of unit u and unit c.
    """
    i = np.kron(np.eye(h // 2), [[0, -1], [1, 0]])
    # Columns j, ji = -k, jj = -1, jk = i.
    j = np.array([[0, 0, -1, 0], [0, 0, 0, 1], [1, 0, 0, 0], [0, -1, 0, 0]])
    units = [np.eye(h), i] if h < QUATERNIONS else [np.eye(h), i, j, i @ j]
    return np.array(units[:h], dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Component:
    """An irreducible representation by orthogonal matrices (n, d, d), with its commutant's dimension h."""

    h: int
    matrices: Floats


def decompose_regular(G: Group) -> list[Component]:
    """Every irreducible representation once, the trivial one first, then by dimension and type.

    Errors: ArithmeticError if no try gives good matrices.
    """
    for seed in range(TRIES):
        components = _decompose(G, np.random.default_rng(seed))
        if components is not None:
            return components
    raise ArithmeticError(f"the regular representation of order {G.order} was not decomposed in {TRIES} tries")


def _decompose(G: Group, rng: np.random.Generator) -> list[Component] | None:
    """All components, or None if the random choices were unlucky."""
    inverse = _find_inverses(G)
    found = []
    for f in _find_central_idempotents(G, inverse, rng):
        q = round(G.order * f[G.identity])
        # The sum of f(x^2) is the complex dimension times the Frobenius-Schur indicator.
        indicator = f[G.table.diagonal()].sum()
        h = 2 if abs(indicator) < 1 / 2 else 1 if indicator > 0 else 4
        d = math.isqrt(q * h)
        if q == 0 or d * d != q * h:
            return None
        found.append((np.ptp(f) > 1 / (2 * G.order), d, h, f))
    if sum(d * d // h for _, d, h, _ in found) != G.order:
        return None
    found.sort(key=lambda entry: entry[:3])
    generators = _find_short_words(G)
    tree = find_tree(G, generators)
    kernel = rng.standard_normal(G.order)
    # Convolution from the right by a function that takes the same value on x and its inverse: at [x, y], of x^-1 y.
    right = (kernel + kernel[inverse])[G.table[inverse]]
    components = []
    for _, d, h, f in found:
        if d == 1:
            matrices = np.rint(G.order * f)[:, None, None]
        else:
            V = _find_irreducible_subspace(f[G.table[:, inverse]], right, (d, h), rng)
            # If V is off by epsilon these are off by epsilon^2, since V^T L(g) W = 0 for W orthogonal to the true V.
            on_generators = {g: V.T @ V[G.table[G.inverse[g]]] for g in generators}
            matrices = _settle(G, on_generators, h, tree, rng)
        residuals = [np.abs(matrices[g] @ matrices - matrices[G.table[g]]).max() for g in G.generators]
        if max(residuals, default=0) > GOOD:
            return None
        components.append(Component(h, matrices))
    return components


def _find_central_idempotents(G: Group, inverse: NDArray[np.int64], rng: np.random.Generator) -> Floats:
    """(irreps, n): the functions f for which convolution by f projects onto one isotypic component.

    They are the common eigenvectors of convolution by the functions that are constant on classes and on inverses:
    as many as there are classes, if x and its inverse are taken into one.
    """
    n = G.order
    class_of = np.full(n, -1)
    classes = 0
    for x in range(n):
        if class_of[x] < 0:
            conjugates = G.table[G.table[:, x], inverse]
            class_of[conjugates] = class_of[inverse[conjugates]] = classes
            classes += 1
    sizes = np.bincount(class_of)
    indicator = np.zeros((n, classes))
    indicator[np.arange(n), class_of] = 1 / np.sqrt(sizes)[class_of]
    weights = (rng.standard_normal(classes) / np.sqrt(sizes))[class_of]
    # [x, y] is the weight of x y^-1.
    convolution = indicator.T @ weights[G.table[:, inverse]] @ indicator
    vectors: Floats = (indicator @ np.linalg.eigh(convolution)[1]).T
    # f * f = f and f(x^-1) = f(x) give sum of f(x)^2 = f(e).
    vectors *= vectors[:, [G.identity]]
    return vectors


def _find_irreducible_subspace(
    projection: Floats, right: Floats, dh: tuple[int, int], rng: np.random.Generator
) -> Floats:
    """Orthonormal columns (n, d) whose span multiplication from the left keeps.

    A self-adjoint random convolution from the right has q/d eigenvalues on an isotypic component, and each eigenspace
    is irreducible; the one is taken whose eigenvalue is farthest from the others.
    """
    d, h = dh
    isotypic = np.linalg.qr(projection @ rng.standard_normal((len(projection), d * d // h)))[0]
    values, vectors = np.linalg.eigh(isotypic.T @ right @ isotypic)
    groups = values.reshape(-1, d)
    gaps = np.concatenate([[np.inf], groups[1:, 0] - groups[:-1, -1], [np.inf]])
    best = int(np.argmax(np.minimum(gaps[1:], gaps[:-1])))
    V: Floats = isotypic @ vectors[:, best * d : (best + 1) * d]
    return V


def _settle(
    G: Group, on_generators: dict[int, Floats], h: int, tree: list[list[Step]], rng: np.random.Generator
) -> Floats:
    """All matrices, orthogonal, in coordinates in which the commutant acts by the units on blocks."""
    change = _find_block_coordinates(extend_to_group(G, on_generators, tree), h, rng)
    units = np.array([np.kron(np.eye(len(change) // h), unit) for unit in compute_units(h)])
    settled = {}
    for g, matrix in on_generators.items():
        moved = change.T @ matrix @ change
        left, _, right = np.linalg.svd(np.mean(units @ moved @ units.transpose(0, 2, 1), axis=0))
        settled[g] = left @ right
    return extend_to_group(G, settled, tree)


def _find_block_coordinates(matrices: Floats, h: int, rng: np.random.Generator) -> Floats:
    """Orthonormal columns v, iv (, jv, kv), v', iv', ... for units i, j, k of the commutant; the identity if h is 1."""
    d = matrices.shape[1]
    units = [np.eye(d)]
    while len(units) < min(h, QUATERNIONS - 1):
        antisymmetric = rng.standard_normal((d, d))
        antisymmetric -= antisymmetric.T
        unit = np.mean(matrices @ antisymmetric @ matrices.transpose(0, 2, 1), axis=0)
        # What is orthogonal to 1 and i, with norm sqrt(d), is a unit that anticommutes with i.
        unit -= sum(np.vdot(known, unit) * known for known in units) / d
        units.append(unit * math.sqrt(d) / np.linalg.norm(unit))
    if h == QUATERNIONS:
        units.append(units[1] @ units[2])
    columns = np.zeros((d, 0))
    while columns.shape[1] < d:
        residual = np.eye(d) - columns @ columns.T
        v = residual[:, np.argmax(residual.diagonal())]
        columns = np.hstack([columns, np.array([unit @ v for unit in units]).T / np.linalg.norm(v)])
    return columns

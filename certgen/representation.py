"""The irreducible representations of a finite group over the real numbers.

Exact forms for S_n (Young's orthogonal form), C_n and D_n (cosines and sines); for any other group the regular
representation is decomposed numerically. Every matrix is orthogonal, and `rho(xy) = rho(x) rho(y)` up to rounding.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from flint import fmpz, fmpz_mat

from certcheck.named_group import compute_element_orders
from certgen.regular_representation import Step, compute_units, decompose_regular, extend_to_group, find_tree

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from certcheck.group import Group

    Floats = NDArray[np.float64]
    # Fixed point numbers of any length: an array of fmpz.
    FixedPoint = NDArray[Any]

Type = Literal["real", "complex", "quaternionic"]

# By the dimension h of the commutant.
TYPES: dict[int, Type] = {1: "real", 2: "complex", 4: "quaternionic"}
STEPS = 16
# A change by more than 2**-20 means that the matrices were no representation up to rounding.
FAR_BITS = 20
EXTRA_BITS = 40
LEAST_BITS = 100


@dataclass(frozen=True, slots=True)
class Irrep:
    """An irreducible real representation by orthogonal matrices.

    matrices: (n, d, d), one for each label. basis: (q, d, d), an orthonormal basis of the span of all matrices;
    q is d*d for real type, d*d/2 for complex, d*d/4 for quaternionic.
    """

    name: str
    type: Type
    matrices: Floats
    basis: Floats

    @property
    def dimension(self) -> int:
        """The size of the matrices, d."""
        return int(self.matrices.shape[1])


def find_irreps(G: Group, name: str | None) -> list[Irrep]:
    """All irreducible real representations of G, the trivial one first; their numbers q add up to n.

    `name` is a name of G that has been verified, or None. Errors: ArithmeticError if the numerical decomposition
    fails in all of its tries.
    """
    match = re.fullmatch(r"([SCD])([0-9]+)", name or "")
    kind, size = (match[1], int(match[2])) if match else ("", 0)
    if kind == "S" and G.degree == size:
        return list(_find_symmetric(G))
    if kind == "C":
        return list(_find_cyclic(G))
    if kind == "D" and size > 2:  # noqa: PLR2004 - in D1 and D2 a reflection cannot be told from a rotation
        return list(_find_dihedral(G))
    irreps: list[Irrep] = []
    count = 0
    for component in decompose_regular(G):
        d = component.matrices.shape[1]
        count = count + 1 if irreps and irreps[-1].dimension == d else 1
        # The trivial one comes first and is not counted.
        irreps.append(_make_irrep(f"d{d}.{count - (d == 1)}", component.h, component.matrices))
    return [dataclasses.replace(irreps[0], name="trivial"), *irreps[1:]]


def _make_irrep(name: str, h: int, matrices: Floats) -> Irrep:
    return Irrep(name, TYPES[h], matrices, _compute_basis(matrices.shape[1], h))


def _compute_basis(d: int, h: int) -> Floats:
    """An orthonormal basis of the d x d matrices that commute with the units on blocks of h coordinates.

    A block is known from its image of the first unit: block(u) = u block(1). So these are multiplications from the
    right, and each entry of the basis is 0, 1/sqrt(h) or -1/sqrt(h).
    """
    right = compute_units(h).transpose(2, 1, 0) / math.sqrt(h)
    blocks = d // h
    basis = np.zeros((blocks, blocks, h, blocks, h, blocks, h))
    for i, j in itertools.product(range(blocks), repeat=2):
        basis[i, j, :, i, :, j, :] = right
    return basis.reshape(-1, d, d)


# --- Exact forms.


def _find_symmetric(G: Group) -> Iterator[Irrep]:
    """Young's orthogonal form, for S_k by all permutations of k points.

    In the basis of standard tableaux T, the transposition of i and i+1 has 1/r on the diagonal and, if T with i and
    i+1 exchanged is a standard tableau T', sqrt(1 - 1/r^2) between T and T'; r is the content of i+1 less that of i.
    """
    k = G.degree
    label = {tuple(row): x for x, row in enumerate(G.elements.tolist())}
    points = list(range(k))
    adjacent = tuple(label[(*points[:i], i + 1, i, *points[i + 2 :])] for i in range(k - 1))
    tree = find_tree(G, adjacent)
    for shape in _find_partitions(k, k):
        tableaux = list(_find_standard_tableaux(shape))
        position = {tableau: t for t, tableau in enumerate(tableaux)}
        on_generators = {}
        for i, s in enumerate(adjacent):
            matrix = np.zeros((len(tableaux), len(tableaux)))
            for t, tableau in enumerate(tableaux):
                contents = _compute_contents(tableau)
                matrix[t, t] = 1 / (contents[i + 1] - contents[i])
                other = position.get((*tableau[:i], tableau[i + 1], tableau[i], *tableau[i + 2 :]))
                if other is not None and other != t:
                    matrix[t, other] = math.sqrt(1 - matrix[t, t] ** 2)
            on_generators[s] = matrix
        yield _make_irrep(_name_partition(shape), 1, extend_to_group(G, on_generators, tree))


def _find_partitions(k: int, largest: int) -> Iterator[tuple[int, ...]]:
    """The partitions of k into parts up to a largest, in decreasing order."""
    if k == 0:
        yield ()
    for first in range(min(k, largest), 0, -1):
        yield from ((first, *rest) for rest in _find_partitions(k - first, first))


def _find_standard_tableaux(shape: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """The standard tableaux of this shape, each as the rows of the numbers 1, 2, ..."""
    if not sum(shape):
        yield ()
    for row, length in enumerate(shape):
        if length > (shape[row + 1] if row + 1 < len(shape) else 0):
            smaller = (*shape[:row], length - 1, *shape[row + 1 :])
            yield from ((*tableau, row) for tableau in _find_standard_tableaux(smaller))


def _compute_contents(tableau: tuple[int, ...]) -> list[int]:
    """Column less row of the numbers 1, 2, ..."""
    return [tableau[:i].count(row) - row for i, row in enumerate(tableau)]


def _name_partition(shape: tuple[int, ...]) -> str:
    k = sum(shape)
    known = {
        (2, *[1] * (k - 2)): "standard x sign",
        (k - 1, 1): "standard",
        (1,) * k: "sign",
        (k,): "trivial",
    }
    return known.get(shape, f"({','.join(map(str, shape))})")


def _compute_powers(G: Group, order: int) -> list[int]:
    """The labels of 1, r, r^2, ... for the element r of this order with the first permutation in the dictionary.

    For the permutations of a named group this is the rotation by one point in every cycle.
    """
    candidates = np.flatnonzero(compute_element_orders(G) == order).tolist()
    r = min(candidates, key=lambda x: G.elements[x].tolist())
    powers = [G.identity]
    while len(powers) < order:
        powers.append(int(G.table[r, powers[-1]]))
    return powers


def _compute_rotations(frequency: int, k: int) -> Floats:
    """(k, 2, 2): the rotation by e times `frequency` parts in k of the full turn, for e = 0, ..., k-1."""
    angle = 2 * np.pi * (frequency * np.arange(k) % k) / k
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array([[cos, -sin], [sin, cos]]).transpose(2, 0, 1)


def _alternate(exponent: NDArray[np.int64]) -> Floats:
    """(n, 1, 1): minus one to these powers."""
    return np.where(exponent % 2, -1.0, 1.0)[:, None, None]


def _find_cyclic(G: Group) -> Iterator[Irrep]:
    """The frequencies 0 (trivial) to k/2 of C_k."""
    k = G.order
    exponent = np.argsort(_compute_powers(G, k))
    yield _make_irrep("trivial", 1, np.ones((k, 1, 1)))
    for frequency in range(1, (k + 1) // 2):
        yield _make_irrep(f"frequency {frequency}", 2, _compute_rotations(frequency, k)[exponent])
    if k % 2 == 0:
        yield _make_irrep(f"frequency {k // 2}", 1, _alternate(exponent))


def _find_dihedral(G: Group) -> Iterator[Irrep]:
    """The frequencies of D_k, k > 2; `sign` is 1 on rotations, -1 on reflections."""
    k = G.order // 2
    rotations = _compute_powers(G, k)
    s = min(set(range(G.order)) - set(rotations), key=lambda x: G.elements[x].tolist())
    # Element r^e s^f is number e + k f of this list.
    number = np.argsort(rotations + G.table[rotations, s].tolist())
    exponent, flipped = number % k, number // k
    sign = _alternate(flipped)
    yield _make_irrep("trivial", 1, np.ones((2 * k, 1, 1)))
    yield _make_irrep("sign", 1, sign)
    for frequency in range(1, (k + 1) // 2):
        reflected = np.where(flipped[:, None, None], np.diag([1.0, -1.0]), np.eye(2))
        yield _make_irrep(f"frequency {frequency}", 1, _compute_rotations(frequency, k)[exponent] @ reflected)
    if k % 2 == 0:
        alternating = _alternate(exponent)
        yield _make_irrep(f"frequency {k // 2}", 1, alternating)
        yield _make_irrep(f"frequency {k // 2} x sign", 1, alternating * sign)


# --- More precision.


def compute_generator_matrices(irrep: Irrep, G: Group, bits: int) -> list[list[list[int]]]:
    """For each of G's generators the matrix of an orthogonal representation, rounded to nearest at scale 2**bits.

    The representation is within float64 rounding of `irrep` and exact to at least max(bits, 100) bits before it is
    rounded. One step, repeated: rho(g) becomes the orthogonal matrix nearest to the mean of rho(gx) rho(x)^T over
    all x, and all rho(x) are made anew as words in the generators. If rho is wrong by epsilon, the mean is the
    conjugate of a representation by 1 + O(epsilon), wrong by epsilon^2. The cost of a step is n products of d x d
    matrices for each generator. Errors: ArithmeticError if that does not converge.
    """
    precision = max(bits, LEAST_BITS) + EXTRA_BITS
    tree = find_tree(G, G.generators)
    matrices = _to_fixed_point(irrep.matrices, precision)
    # The error of a word is its length times that of a generator.
    small = 1 << (precision // 2) >> (len(tree) * irrep.dimension).bit_length()
    far = 1 << (precision - FAR_BITS)
    for _ in range(STEPS):
        means = {g: _compute_mean(matrices, G, g, precision) for g in G.generators}
        change = max((abs(means[g] - matrices[g]).max() for g in G.generators), default=0)
        if change < small:
            rounded = [_shift_right(means[g], precision - bits) for g in G.generators]
            return [[[int(v) for v in row] for row in matrix] for matrix in rounded]
        if change > far:
            break
        matrices = _extend_fixed_point(matrices, means, tree, precision)
    raise ArithmeticError(f"{irrep.name}: no representation found near these matrices")


def _to_fixed_point(values: Floats, precision: int) -> FixedPoint:
    """The values at scale 2**precision, exact but for what is below 2**-64."""
    integers = [fmpz(int(v)) << (precision - 64) for v in np.ldexp(values, 64).ravel().tolist()]
    return np.array(integers, dtype=object).reshape(values.shape)


def _shift_right(values: FixedPoint, bits: int) -> FixedPoint:
    """The values over 2**bits, rounded to nearest; bits >= 1."""
    shifted: FixedPoint = (values + (fmpz(1) << (bits - 1))) >> bits
    return shifted


def _multiply(A: FixedPoint, B: FixedPoint) -> FixedPoint:
    """The exact product of two matrices."""
    (rows, inner), columns = A.shape, B.shape[1]
    product = fmpz_mat(rows, inner, A.ravel().tolist()) * fmpz_mat(inner, columns, B.ravel().tolist())
    return np.array(product.entries(), dtype=object).reshape(rows, columns)


def _compute_mean(matrices: FixedPoint, G: Group, g: int, precision: int) -> FixedPoint:
    """The orthogonal matrix nearest to the mean of rho(gx) rho(x)^T."""
    n, d, _ = matrices.shape
    shifted = matrices[G.table[g]].transpose(1, 0, 2).reshape(d, n * d)
    total = _multiply(shifted, matrices.transpose(0, 2, 1).reshape(n * d, d))
    mean = _shift_right(total // n, precision)
    # One step of Newton and Schulz: X(3 - X^T X)/2 squares the distance from orthogonality.
    three = np.array([fmpz(3 * (i == j)) << precision for i in range(d) for j in range(d)], dtype=object)
    factor = three.reshape(d, d) - _shift_right(_multiply(mean.T, mean), precision)
    return _shift_right(_multiply(mean, factor), precision + 1)


def _extend_fixed_point(
    matrices: FixedPoint, on_generators: dict[int, FixedPoint], tree: list[list[Step]], precision: int
) -> FixedPoint:
    """The matrices of all elements; that of the identity stays."""
    extended = matrices.copy()
    d = matrices.shape[1]
    for step in itertools.chain.from_iterable(tree):
        sources = extended[step.sources].transpose(1, 0, 2).reshape(d, -1)
        products = _shift_right(_multiply(on_generators[step.generator], sources), precision)
        extended[step.targets] = products.reshape(d, -1, d).transpose(1, 0, 2)
    return extended

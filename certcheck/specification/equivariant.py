"""What representations prove (claims 12 to 17)."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from certcheck.specification.argument import Argument, check_error_terms, compute_merging, gather
from certcheck.specification.decision import malform, reject
from certcheck.specification.document import MAX_SIDE, Node
from certcheck.specification.exact import (
    Matrix,
    Vector,
    add,
    at_bits,
    distances_upper,
    flatten,
    inner_products,
    norm_upper,
    product,
    round_down,
    round_matrix,
    subtract,
    subtract_vectors,
    total,
    transpose,
    zeros,
)
from certcheck.specification.group import Group
from certcheck.specification.network import Network

BITS = ("activation", "unembedding", "scale", "representation", "coefficient", "table")
KEYS = (*(f"{name}_bits" for name in BITS), "cells", "neurons", "representations", "error_terms", "cases")
REPRESENTATION = ("name", "left", "right", "middle", "cells", "permutations", "signs", "positions", "constants_to")
MATRICES = ("matrices", "coefficients", "basis")
MAX_BITS = 40
MAX_REPRESENTATION_BITS = 24
MAX_REPRESENTATIONS = 256
MAX_DIMENSION = 64
MAX_BASIS = 2**7
POSITION_BITS = 8
MAX_POSITION = 2**16
CONSTANT_BITS = 8  # beyond those of the activations


@dataclass(frozen=True, slots=True)
class Bits:
    """Binary places, in the order of BITS."""

    activation: int
    unembedding: int
    scale: int
    representation: int
    coefficient: int
    table: int


@dataclass(frozen=True, slots=True)
class Cells:
    """The network of the cells: alpha, gamma, U-hat, U-hat-minus (n x p), and what it costs to take it (claim 14)."""

    alpha: Matrix
    gamma: Matrix
    U: Matrix
    U_minus: Matrix
    errors: Matrix


@dataclass(frozen=True, slots=True)
class Representation:
    """Matrices rho(x), L(y), R(x), N(w), and C of each cell that is carried, as rows of d x d entries."""

    d: int
    rho: Matrix
    L: Matrix
    R: Matrix
    N: Matrix
    cells: list[int]
    C: Matrix
    signs: list[int] | None  # of all elements, if rho is by signed permutations
    constants_to: int | None


def check_equivariant(section: Node, network: Network, group: Group) -> Argument:
    """The argument for the network (with its output bias), its claimed error terms verified."""
    bits = _parse_bits(section)
    cells = check_cells(section, network, bits)
    representations = check_representations(section.member("representations"), len(cells.alpha[0]), group, bits)
    u, v, centred = compute_centred(cells, bits)
    P = subtract(inner_products(u, cells.U), inner_products(cells.alpha, cells.U_minus))
    Q = subtract(inner_products(v, cells.U), inner_products(cells.gamma, cells.U_minus))
    none = zeros(group.n, group.n)
    argument = Argument([add(P, [network.beta] * group.n), Q, none, none, none, cells.errors], [])
    rest, homomorphism, equivariance = cells.U, zeros(2, group.n), Fraction(0)
    received = [none for _ in representations]
    for index, representation in enumerate(representations):
        E, constants = compute_residuals(representation, centred, received[index], group, bits)
        if representation.constants_to is not None:
            received[representation.constants_to] = add(received[representation.constants_to], constants)
        part = compute_part(representation, E, group)
        argument, homomorphism = argument.plus(part), add(homomorphism, part.tables[-1])
        equivariance = max(equivariance, *flatten(E))
        rest = subtract(rest, _compute_carried(representation, len(rest[0])))
    distances, norms = distances_upper(rest), [[norm_upper(vector) for vector in row] for row in centred]
    argument.rests.append((distances, norms))
    largest = [max(distance) for distance in distances]
    terms = {
        "merging": total(max(row) for row in cells.errors),
        "rounding": Fraction(0),  # nothing else is rounded here
        "homomorphism": total(max(row) for row in homomorphism),
        "equivariance": equivariance,
        "remainder": max(largest[group.products[x][y]] * norms[x][y] for x in range(group.n) for y in range(group.n)),
    }
    check_error_terms(section.member("error_terms"), terms, bits.table)
    return argument


def _parse_bits(section: Node) -> Bits:
    """The binary places, in the ranges of the format."""
    limits = {"representation": MAX_REPRESENTATION_BITS}
    bits = Bits(*(section.member(f"{name}_bits").integer(0, limits.get(name, MAX_BITS)) for name in BITS))
    if not 8 <= bits.unembedding <= bits.representation + bits.coefficient:  # noqa: PLR2004
        reject(section.member("unembedding_bits").where, "not from 8 to those of representations and coefficients")
    finest = min(bits.activation + 8, bits.activation + bits.coefficient, bits.activation + bits.unembedding - 10)
    if bits.table > finest:
        reject(section.member("table_bits").where, f"above {finest}")
    return bits


def check_cells(section: Node, network: Network, bits: Bits) -> Cells:
    """The cells of the certificate, with what merging neurons into them costs (claim 14)."""
    p = section.member("cells").integer(1, network.m)
    neurons = section.member("neurons")
    rows = neurons.matrix(network.m, 3)
    if any(not -1 <= cell < p or (cell >= 0 and scale == 0) for cell, scale, _ in rows):
        reject(neurons.where, "a cell that is none, or a scale 0")
    cell_of = [cell for cell, _, _ in rows]
    sigma, shares = at_bits([row[1] for row in rows], bits.scale), at_bits([row[2] for row in rows], bits.scale)
    kept = [cell >= 0 for cell in cell_of]
    negative = {cell for cell, scale, _ in rows if scale < 0 and cell >= 0}
    U = round_matrix(gather(network.U, cell_of, [abs(scale) for scale in sigma], p), bits.unembedding)
    minus = [max(-scale, Fraction(0)) for scale in sigma]
    U_minus = round_matrix(gather(network.U, cell_of, minus, p), bits.unembedding)
    merged: list[Matrix] = []
    errors: Matrix = []
    for inputs in (network.a, network.c):
        summed = gather(round_matrix(inputs, bits.activation), cell_of, shares, p)
        merged.append([[round_down(value, bits.activation) for value in row] for row in summed])
        taken = [[scale * row[cell] for scale, cell in zip(sigma, cell_of, strict=True)] for row in merged[-1]]
        errors.append(compute_merging(inputs, taken, kept, network.widths))
        # U-hat and U-hat-minus are rounded by half a unit, so a difference of two by one (claim 14).
        for x, row in enumerate(merged[-1]):
            charge = total(max(s, Fraction(0)) for s in row) + total(abs(row[cell]) for cell in negative)
            errors[-1][x] += charge / 2**bits.unembedding
    alpha, gamma = merged
    return Cells(alpha, gamma, U, U_minus, errors)


def compute_centred(cells: Cells, bits: Bits) -> tuple[Matrix, Matrix, list[Matrix]]:
    """The reference vectors u(x), v(y) and what they leave of g, by x and y, as docs/format.md fixes them."""
    g = [[[max(s + t, Fraction(0)) for s, t in zip(a, c, strict=True)] for c in cells.gamma] for a in cells.alpha]

    def mean(vectors: Sequence[Vector]) -> Vector:
        return [round_down(total(column) / len(vectors), bits.activation) for column in transpose(vectors)]

    u, v = [mean(row) for row in g], [mean(column) for column in zip(*g, strict=True)]
    h = mean(u)
    half = [round_down(value / 2, bits.activation) for value in h]
    u, v = subtract(u, [half] * len(u)), subtract(v, [subtract_vectors(h, half)] * len(v))
    return u, v, [subtract(subtract(row, [a] * len(v)), v) for row, a in zip(g, u, strict=True)]


def check_representations(section: Node, p: int, group: Group, bits: Bits) -> list[Representation]:
    """The representations of the certificate; a homomorphism each that is by signed permutations (claim 12)."""
    nodes = section.items()
    if len(nodes) > MAX_REPRESENTATIONS:
        malform(section.where, f"more than {MAX_REPRESENTATIONS}")
    representations = [_check_representation(node, p, group, bits) for node in nodes]
    for index, (node, representation) in enumerate(zip(nodes, representations, strict=True)):
        if representation.constants_to is None:
            continue
        if representation.signs is None or representation.d == 1:
            reject(f"{node.where}.constants_to", "not signed permutations of dimension above 1")
        if not index < representation.constants_to < len(nodes):
            reject(f"{node.where}.constants_to", "not a later representation")
        target = representations[representation.constants_to]
        if target.d != 1 or target.signs != representation.signs:
            reject(f"{node.where}.constants_to", "not of dimension 1 with the same signs")
    return representations


def _check_representation(node: Node, p: int, group: Group, bits: Bits) -> Representation:
    """One representation of the certificate."""
    by = dict(zip(REPRESENTATION + MATRICES, node.members(*REPRESENTATION, *MATRICES), strict=True))
    d = by["left"].sides()[-1]
    if not 1 <= d <= MAX_DIMENSION:
        malform(node.where, f"not of dimension 1 to {MAX_DIMENSION}")
    if not by["name"].is_null():
        by["name"].name()
    k = by["cells"].sides()[0]
    cells = by["cells"].vector(k)
    if any(not 0 <= cell < p for cell in cells) or sorted(set(cells)) != cells:
        reject(by["cells"].where, "not increasing cells")
    is_signed = by["matrices"].is_null()
    for key in MATRICES if is_signed else REPRESENTATION[5:]:
        if not by[key].is_null():
            malform(by[key].where, "not null")
    rho, signs = _check_signed(by, d, group) if is_signed else (_check_matrices(by["matrices"], d, group, bits), None)
    C = _parse_positions(by["positions"], k, d) if is_signed else _parse_coefficients(by, k, d, bits)
    tables = (by[key].matrices(group.n, d, d) for key in ("left", "right", "middle"))
    L, R, N = ([[value for row in w for value in at_bits(row, bits.table)] for w in table] for table in tables)
    constants_to = None if by["constants_to"].is_null() else by["constants_to"].integer(0, MAX_SIDE)
    return Representation(d, rho, L, R, N, cells, C, signs, constants_to)


def _check_signed(by: dict[str, Node], d: int, group: Group) -> tuple[Matrix, list[int]]:
    """The matrices rho(x) e_b = s(x) e_{pi(x)b} of all elements, and s: homomorphisms, both (claim 12)."""
    r = len(group.generators)
    images, signs = by["permutations"].matrix(r, d), by["signs"].vector(r)
    if not set(signs) <= {1, -1}:
        reject(by["signs"].where, "not 1 or -1")
    pi = group.check_action(images, d, by["permutations"].where)
    s = group.check_homomorphism(signs, 1, operator.mul, by["signs"].where)
    rho = [
        [Fraction(s[x] if pi[x][column] == row else 0) for row in range(d) for column in range(d)]
        for x in range(group.n)
    ]
    return rho, s


def _check_matrices(node: Node, d: int, group: Group, bits: Bits) -> Matrix:
    """The matrices of all elements, rounded along the tree (claim 13)."""
    images = node.matrices(len(group.generators), d, d)
    if any(abs(value) > 2 * 2**bits.representation for image in images for row in image for value in row):
        reject(node.where, "an entry above 2")
    one = [[Fraction(int(row == column)) for column in range(d)] for row in range(d)]

    def compose(left: Matrix, right: Matrix) -> Matrix:
        return round_matrix(product(left, right), bits.representation)

    exact = [[at_bits(row, bits.representation) for row in image] for image in images]
    return [flatten(matrix) for matrix in group.extend(exact, one, compose)]


def _parse_positions(node: Node, k: int, d: int) -> Matrix:
    """C of each cell: one entry, a power of two with a sign."""
    C = zeros(k, d * d)
    for coefficients, (row, column, value) in zip(C, node.matrix(k, 3), strict=True):
        if not (0 <= row < d and 0 <= column < d and 1 <= abs(value) <= MAX_POSITION and abs(value).bit_count() == 1):
            reject(node.where, "not a position and a power of two from 1 to 2^16")
        coefficients[row * d + column] = Fraction(value, 2**POSITION_BITS)
    return C


def _parse_coefficients(by: dict[str, Node], k: int, d: int, bits: Bits) -> Matrix:
    """C of each cell: a sum of the matrices of the basis."""
    if by["basis"].is_null():
        return [at_bits(row, bits.coefficient) for row in by["coefficients"].matrix(k, d * d)]
    q = by["basis"].sides()[0]
    if q > d * d:
        reject(by["basis"].where, "more than d^2 matrices")
    basis = [[value for row in matrix for value in row] for matrix in by["basis"].matrices(q, d, d)]
    if any(abs(value) >= MAX_BASIS for matrix in basis for value in matrix):
        reject(by["basis"].where, f"an entry not below {MAX_BASIS}")
    coefficients = [at_bits(row, bits.coefficient) for row in by["coefficients"].matrix(k, q)]
    return [
        [total(c * matrix[entry] for c, matrix in zip(row, basis, strict=True)) for entry in range(d * d)]
        for row in coefficients
    ]


def compute_residuals(
    representation: Representation, centred: list[Matrix], received: Matrix, group: Group, bits: Bits
) -> tuple[Matrix, Matrix]:
    """Upper bounds of the norms of E(x,y), and the constants that V gives away (claims 16 and 17)."""
    d, rho = representation.d, representation.rho
    # Without a sign the constants drop out of every margin, with one they go where the certificate says (claim 16).
    plain = d > 1 and representation.signs == [1] * group.n
    norms, constants = zeros(group.n, group.n), zeros(group.n, group.n)
    for x in range(group.n):
        V = zeros(group.n, d * d)
        if representation.cells:
            V = product([[vector[j] for j in representation.cells] for vector in centred[x]], representation.C)
        products = zip(
            _multiply_all(rho[x], representation.L, d), _multiply_all(representation.R[x], rho, d), strict=True
        )
        for y, (by_left, by_right) in enumerate(products):
            V[y][0] += received[x][y]  # 0 where d > 1
            if plain or representation.constants_to is not None:
                V[y], constants[x][y] = _subtract_constants(V[y], d, bits.activation + CONSTANT_BITS)
            rest = subtract_vectors(subtract_vectors(V[y], by_left), by_right)
            norms[x][y] = norm_upper(subtract_vectors(rest, representation.N[group.products[x][y]]))
    return norms, constants


def _subtract_constants(V: Vector, d: int, bits: int) -> tuple[Vector, Fraction]:
    """V less r1^T + 1c^T, and the sum of r and c (claim 16)."""
    r = [round_down(total(V[d * b : d * (b + 1)]) / d, bits) for b in range(d)]
    V = [value - r[entry // d] for entry, value in enumerate(V)]
    c = [round_down(total(V[b::d]) / d, bits) for b in range(d)]
    return [value - c[entry % d] for entry, value in enumerate(V)], total(r + c)


def compute_part(representation: Representation, E: Matrix, group: Group) -> Argument:
    """The tables Lt, Rt, Mt of one representation, its homomorphism residuals and its rest (claim 17)."""
    rho, n = representation.rho, group.n
    Lt, Rt, Mt = (inner_products(table, rho) for table in (representation.L, representation.R, representation.N))
    eta_left, eta_right = Fraction(0), Fraction(0)
    if representation.signs is None:
        eta_left, eta_right = _compute_homomorphism_residuals(representation, group)
    errors = [
        [2 * eta_right * norm_upper(R) for R in representation.R],
        [2 * eta_left * norm_upper(L) for L in representation.L],
    ]
    return Argument([zeros(n, n), zeros(n, n), Lt, Rt, Mt, errors], [(distances_upper(rho), E)])


def _compute_homomorphism_residuals(representation: Representation, group: Group) -> tuple[Fraction, Fraction]:
    """Upper bounds of all |rho(x)^T rho(z) - rho(x^-1 z)| and of all |rho(z) rho(y)^T - rho(z y^-1)| (claim 13)."""
    rho, d = representation.rho, representation.d
    transposed = [[value for start in range(d) for value in matrix[start::d]] for matrix in rho]
    left, right = Fraction(0), Fraction(0)
    for x in range(group.n):
        for z, (by_left, by_right) in enumerate(
            zip(_multiply_all(transposed[x], rho, d), _multiply_all(rho[x], transposed, d), strict=True)
        ):
            after, before = rho[group.products[group.inverses[x]][z]], rho[group.products[x][group.inverses[z]]]
            left = max(left, norm_upper(subtract_vectors(by_left, after)))
            right = max(right, norm_upper(subtract_vectors(by_right, before)))
    return left, right


def _multiply_all(left: Vector, rights: Matrix, d: int) -> Matrix:
    """The products of one d x d matrix with each of several, row by row."""
    rows = [left[start : start + d] for start in range(0, d * d, d)]
    beside = [[value for right in rights for value in right[start : start + d]] for start in range(0, d * d, d)]
    products = product(rows, beside)
    return [[value for row in products for value in row[d * y : d * (y + 1)]] for y in range(len(rights))]


def _compute_carried(representation: Representation, p: int) -> Matrix:
    """The inner products of rho(z) and C of each cell, 0 for a cell that is not carried."""
    carried = zeros(len(representation.rho), p)
    for row, matrix in zip(carried, representation.rho, strict=True):
        for cell, coefficients in zip(representation.cells, representation.C, strict=True):
            row[cell] = total(a * b for a, b in zip(matrix, coefficients, strict=True) if b)
    return carried

"""What circuits prove (claims 18 to 21)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from certcheck.specification.argument import Argument, check_error_terms, compute_merging, gather
from certcheck.specification.decision import malform, reject
from certcheck.specification.document import Node
from certcheck.specification.equivariant import KEYS as REMAINING_KEYS
from certcheck.specification.equivariant import check_equivariant
from certcheck.specification.exact import (
    Matrix,
    Vector,
    add,
    at_bits,
    distances_upper,
    flatten,
    inner_products,
    norm_upper,
    round_matrix,
    subtract,
    total,
    transpose,
    zeros,
)
from certcheck.specification.group import Group, Permutation
from certcheck.specification.network import Network

BITS = ("activation_bits", "unembedding_bits", "scale_bits", "table_bits")
KEYS = (*BITS, "gsets", "circuits", "neurons", "error_terms", "remaining", "cases")
CIRCUIT = ("left", "right", "phi", "phi_prime", "middle", "kernel", "left_kernel", "right_kernel")
MAX_BITS = 40
MAX_GSETS = 256
MAX_POINTS = 1024
MAX_CIRCUITS = 256
DROPPED = [-1, 0, 0, 0]
REMAINING = [-2, 0, 0, 0]


@dataclass(frozen=True, slots=True)
class Circuit:
    """Two G-sets by the permutation of every element, phi, phi', `middle`, and the kernels K, j_L, j_R (0 for none)."""

    left: list[Permutation]
    right: list[Permutation]
    phi: Vector
    phi_prime: Vector
    middle: bool
    kernel: Matrix
    left_kernel: Matrix
    right_kernel: Matrix


@dataclass(frozen=True, slots=True)
class Neurons:
    """Neurons of the circuits and dropped ones: circuit (-1: dropped), points b, b', scales, unembedding (row z)."""

    circuit: list[int]
    left: list[int]
    right: list[int]
    sigma: Vector
    U: Matrix


def check_rho_set(section: Node, network: Network, group: Group) -> Argument:
    """The argument for the network, its claimed error terms verified."""
    bits = [section.member(key).integer(0, MAX_BITS) for key in BITS]
    gsets = check_gsets(section.member("gsets"), group)
    circuits = check_circuits(section.member("circuits"), gsets, group, bits)
    rows = check_neurons(section.member("neurons"), circuits, network.m)
    part = network.part([i for i, row in enumerate(rows) if row != REMAINING], network.beta)
    own = [row for row in rows if row != REMAINING]
    sigma = at_bits([row[3] for row in own], bits[2])
    neurons = Neurons([row[0] for row in own], [row[1] for row in own], [row[2] for row in own], sigma, part.U)
    none = zeros(group.n, group.n)
    errors = _compute_merging(part, circuits, neurons, group)
    argument = Argument([[network.beta] * group.n, none, none, none, none, errors], [])
    rounding, remainder = Fraction(0), zeros(1, group.n)
    for index, circuit in enumerate(circuits):
        of_circuit, rests = compute_circuit(circuit, index, neurons, group, bits[1])
        argument, remainder = argument.plus(of_circuit), add(remainder, [rests])
        rounding += of_circuit.tables[-1][0][0]
    terms = {"merging": total(max(row) for row in errors), "rounding": rounding, "remainder": max(remainder[0])}
    check_error_terms(section.member("error_terms"), terms, bits[3])
    rest = network.part([i for i, row in enumerate(rows) if row == REMAINING], zeros(1, group.n)[0])
    return _add_remaining(section, argument, rest, group)


def check_gsets(section: Node, group: Group) -> list[list[Permutation]]:
    """The G-sets of the certificate, each by the permutation of every element: transitive actions."""
    if len(section.items()) > MAX_GSETS:
        malform(section.where, f"more than {MAX_GSETS}")
    gsets = []
    for node in section.items():
        d = node.sides()[-1]
        if not 1 <= d <= MAX_POINTS:
            malform(node.where, f"not 1 to {MAX_POINTS} points")
        gset = group.check_action(node.matrix(len(group.generators), d), d, node.where)
        if len({permutation[0] for permutation in gset}) != d:
            reject(node.where, "not transitive")
        gsets.append(gset)
    return gsets


def check_circuits(section: Node, gsets: list[list[Permutation]], group: Group, bits: list[int]) -> list[Circuit]:
    """The circuits of the certificate; every kernel K is invariant under G.

    Transitive sets have at most n points, so at order 60 no two have the 2^14 pairs of points that are the limit.
    """
    if len(section.items()) > MAX_CIRCUITS:
        malform(section.where, f"more than {MAX_CIRCUITS}")
    circuits = []
    for node in section.items():
        left_node, right_node, phi, phi_prime, middle, *kernel_nodes = node.members(*CIRCUIT)
        left = gsets[left_node.integer(0, len(gsets) - 1)]
        right = gsets[right_node.integer(0, len(gsets) - 1)]
        d, d_prime = len(left[0]), len(right[0])
        functions = at_bits(phi.vector(d), bits[0]), at_bits(phi_prime.vector(d_prime), bits[0])
        kernels = [
            zeros(d, d_prime) if kernel.is_null() else [at_bits(row, bits[1]) for row in kernel.matrix(d, d_prime)]
            for kernel in kernel_nodes
        ]
        if any(translate(kernels[0], left[g], right[g]) != flatten(kernels[0]) for g in group.generators):
            reject(f"{node.where}.kernel", "not invariant")
        circuits.append(Circuit(left, right, *functions, middle.truth(), *kernels))
    return circuits


def check_neurons(section: Node, circuits: list[Circuit], m: int) -> list[list[int]]:
    """For every neuron its circuit, points b, b' and scale; or DROPPED or REMAINING."""
    neurons = section.matrix(m, 4)
    for circuit, left, right, scale in neurons:
        if [circuit, left, right, scale] in (DROPPED, REMAINING):
            continue
        if not 0 <= circuit < len(circuits) or scale == 0:
            reject(section.where, "a circuit that is none, or a scale 0")
        phi, phi_prime = circuits[circuit].phi, circuits[circuit].phi_prime
        if not (0 <= left < len(phi) and 0 <= right < len(phi_prime)):
            reject(section.where, "a point that is none")
    return neurons


def translate(function: Matrix, left: Sequence[int], right: Sequence[int]) -> Vector:
    """The function of (left(b), right(b')), row by row."""
    return [function[b][b_prime] for b in left for b_prime in right]


def _compute_merging(network: Network, circuits: list[Circuit], neurons: Neurons, group: Group) -> Matrix:
    """The errors of x and of y of taking neurons for functions on points, or of dropping them (claims 14 and 18)."""
    left, right = zeros(group.n, network.m), zeros(group.n, network.m)
    for i, index in enumerate(neurons.circuit):
        for x in range(group.n) if index >= 0 else ():
            circuit = circuits[index]
            left[x][i] = neurons.sigma[i] * circuit.phi[circuit.left[group.inverses[x]][neurons.left[i]]]
            right[x][i] = neurons.sigma[i] * circuit.phi_prime[circuit.right[x][neurons.right[i]]]
    kept = [index >= 0 for index in neurons.circuit]
    sides = (network.a, left), (network.c, right)
    return [compute_merging(inputs, taken, kept, network.widths) for inputs, taken in sides]


def compute_split(circuit: Circuit, group: Group) -> tuple[Matrix, Vector, Vector, Matrix, Matrix]:
    """The activations g on the points, and r, c, Gamma_M and Gamma_N that they are the sum of (claim 18)."""
    g = [[max(s + t, Fraction(0)) for t in circuit.phi_prime] for s in circuit.phi]
    d, d_prime = len(g), len(g[0])
    half = total(flatten(g)) / (2 * d * d_prime)
    r, c = [total(row) / d_prime - half for row in g], [total(column) / d - half for column in transpose(g)]
    Gamma = [[value - s - t for value, t in zip(row, c, strict=True)] for row, s in zip(g, r, strict=True)]
    Gamma_M = zeros(d, d_prime)
    if circuit.middle:
        both = zip(circuit.left, circuit.right, strict=True)
        mean = [total(column) / group.n for column in zip(*(translate(Gamma, *k) for k in both), strict=True)]
        Gamma_M = [mean[d_prime * b : d_prime * (b + 1)] for b in range(d)]
    return g, r, c, Gamma_M, subtract(Gamma, Gamma_M)


def compute_circuit(circuit: Circuit, index: int, neurons: Neurons, group: Group, bits: int) -> tuple[Argument, Vector]:
    """What a circuit adds to the argument, and its remainders by v; its errors are of rounding (claims 19 and 20)."""
    n, inverses, left, right = group.n, group.inverses, circuit.left, circuit.right
    d, d_prime = len(circuit.phi), len(circuit.phi_prime)
    g, r, c, Gamma_M, Gamma_N = compute_split(circuit, group)
    U, U_left, U_right = _gather_unembedding(neurons, index, d, d_prime, bits)
    # Half a unit of U-hat and U-hat-minus in a logit is one in a difference of two.
    rounding = total(flatten(g)) / 2**bits
    if any(own == index and scale < 0 for own, scale in zip(neurons.circuit, neurons.sigma, strict=True)):
        rounding += total(map(abs, circuit.phi + circuit.phi_prime)) / 2**bits
    # P[x,z] and Q[y,z]: r and c with the sums of U-hat over rows and columns, less phi and phi' with U-hat-minus.
    sums_left = [[total(row[d_prime * b : d_prime * (b + 1)]) for b in range(d)] for row in U]
    sums_right = [[total(row[b_prime::d_prime]) for b_prime in range(d_prime)] for row in U]
    back = [left[inverses[x]] for x in range(n)]
    P = subtract(_read(r, back, sums_left), _read(circuit.phi, back, U_left))
    Q = subtract(_read(c, right, sums_right), _read(circuit.phi_prime, right, U_right))
    # M[v,z] = <U-hat(z), Gamma_M(v^-1 b, b')>, L[y,w] = <j_L(w^-1 b, b'), Gamma_N(b, yb')>,
    # R[x,w] = <j_R(b, wb'), Gamma_N(x^-1 b, b')>, F[w] = <K(b, wb'), Gamma_N>.
    stay, stay_prime = range(d), range(d_prime)
    left_kernels = [translate(circuit.left_kernel, permutation, stay_prime) for permutation in back]
    right_kernels = [translate(circuit.right_kernel, stay, permutation) for permutation in right]
    kernels = [translate(circuit.kernel, stay, permutation) for permutation in right]
    M = inner_products([translate(Gamma_M, permutation, stay_prime) for permutation in back], U)
    L = inner_products([translate(Gamma_N, stay, permutation) for permutation in right], left_kernels)
    R = inner_products([translate(Gamma_N, permutation, stay_prime) for permutation in back], right_kernels)
    (F,) = inner_products([flatten(Gamma_N)], kernels)
    # F[x^-1 z y^-1] is a function of y and t = x^-1 z (claim 21).
    L = add(L, [[F[group.products[t][inverses[y]]] for t in range(n)] for y in range(n)])
    D = subtract(subtract(subtract(U, left_kernels), right_kernels), kernels)
    D = [_centre(row, d, d_prime) for row in D]
    norm = norm_upper(flatten(Gamma_N))
    # The distance of v and z is 0 for z = v, so in M it is taken from every other margin (claim 21).
    M = add(M, [[distance * norm for distance in row] for row in distances_upper(D)])
    sizes = [norm_upper(row) for row in D]
    errors = [[rounding] * n, [Fraction(0)] * n]
    return Argument([P, Q, L, R, M, errors], []), [(size + max(sizes)) * norm for size in sizes]


def _gather_unembedding(neurons: Neurons, index: int, d: int, d_prime: int, bits: int) -> tuple[Matrix, Matrix, Matrix]:
    """U-hat by cells (b,b'), and U-hat-minus by b and by b', of the neurons of one circuit (claim 14)."""
    size, minus = [abs(scale) for scale in neurons.sigma], [max(-scale, Fraction(0)) for scale in neurons.sigma]
    points = list(zip(neurons.circuit, neurons.left, neurons.right, strict=True))
    cells = [d_prime * b + b_prime if circuit == index else -1 for circuit, b, b_prime in points]
    by_left = [b if circuit == index else -1 for circuit, b, _ in points]
    by_right = [b_prime if circuit == index else -1 for circuit, _, b_prime in points]
    wanted = (cells, size, d * d_prime), (by_left, minus, d), (by_right, minus, d_prime)
    U, U_left, U_right = (round_matrix(gather(neurons.U, *how), bits) for how in wanted)
    return U, U_left, U_right


def _read(function: Vector, permutations: Sequence[Permutation], weights: Matrix) -> Matrix:
    """The inner products of a function, its points permuted, with the weights of every z."""
    return inner_products([[function[b] for b in permutation] for permutation in permutations], weights)


def _centre(values: Vector, d: int, d_prime: int) -> Vector:
    """The d x d' matrix, row by row, less functions of b and of b' alone: all its row and column sums are 0."""
    rows = [total(values[d_prime * b : d_prime * (b + 1)]) / d_prime for b in range(d)]
    values = [value - rows[cell // d_prime] for cell, value in enumerate(values)]
    columns = [total(values[b_prime::d_prime]) / d for b_prime in range(d_prime)]
    return [value - columns[cell % d_prime] for cell, value in enumerate(values)]


def _add_remaining(section: Node, argument: Argument, network: Network, group: Group) -> Argument:
    """The argument with that for the neurons left to representations (claim 21)."""
    remaining = section.member("remaining")
    if remaining.is_null() != (network.m == 0):
        reject(remaining.where, "neurons are left to it if and only if it is there")
    if remaining.is_null():
        return argument
    remaining.members(*REMAINING_KEYS)
    if remaining.member("table_bits").value != section.member("table_bits").value:
        reject(remaining.where, "not the same table_bits")
    if not remaining.member("cases").is_null():
        malform(remaining.where, "cases are not null")
    return argument.plus(check_equivariant(remaining, network, group))

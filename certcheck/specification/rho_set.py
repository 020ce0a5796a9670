"""What circuits prove (claims 18 to 21)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from certcheck.specification.argument import Argument, check_error_terms, compute_merging, gather, round_matrix
from certcheck.specification.decision import malform, reject
from certcheck.specification.document import Node
from certcheck.specification.equivariant import KEYS as REMAINING_KEYS
from certcheck.specification.equivariant import check_equivariant
from certcheck.specification.exact import (
    Matrix,
    Vector,
    add,
    add_vectors,
    at_bits,
    distances_upper,
    flatten,
    norm_upper,
    product,
    transpose,
    zeros,
)
from certcheck.specification.group import Group, Permutation
from certcheck.specification.network import Network

KEYS = (
    "activation_bits",
    "unembedding_bits",
    "scale_bits",
    "table_bits",
    "gsets",
    "circuits",
    "neurons",
    "error_terms",
    "remaining",
    "cases",
)
MAX_BITS = 40
MAX_GSETS = 256
MAX_POINTS = 1024
MAX_CIRCUITS = 256
MAX_CELLS = 2**14
DROPPED = [-1, 0, 0, 0]
REMAINING = [-2, 0, 0, 0]


@dataclass(frozen=True, slots=True)
class Circuit:
    """Two G-sets by the permutation of every element, phi, phi', the kernels (0 where there is none), and `middle`."""

    left: list[Permutation]
    right: list[Permutation]
    phi: Vector
    phi_prime: Vector
    kernel: Matrix
    left_kernel: Matrix
    right_kernel: Matrix
    middle: bool


@dataclass(frozen=True, slots=True)
class Assigned:
    """The neurons of one circuit: their points b, b', scales, and rows of the unembedding U (n x neurons)."""

    left: list[int]
    right: list[int]
    sigma: Vector
    U: Matrix


def check_rho_set(section: Node, network: Network, group: Group) -> Argument:
    """The argument for the network, its claimed error terms verified."""
    bits = [section.member(key).integer(0, MAX_BITS) for key in KEYS[:4]]
    gsets = check_gsets(section.member("gsets"), group)
    circuits = check_circuits(section.member("circuits"), gsets, group, bits)
    neurons = check_neurons(section.member("neurons"), circuits, network.m)
    of_circuits = [i for i, row in enumerate(neurons) if row != REMAINING]
    of_rest = [i for i, row in enumerate(neurons) if row == REMAINING]
    assigned = [neurons[i] for i in of_circuits]
    part = network.part(of_circuits, network.beta)
    errors_x, errors_y = _compute_merging(part, circuits, assigned, group, bits[2])
    argument = Argument(
        [network.beta] * group.n, *(zeros(group.n, group.n) for _ in "QLRM"), errors_x, errors_y, []
    )
    rounding, remainder = Fraction(0), zeros(1, group.n)[0]
    for index, circuit in enumerate(circuits):
        own = [i for i, row in enumerate(assigned) if row[0] == index]
        circuit_neurons = Assigned(
            [assigned[i][1] for i in own],
            [assigned[i][2] for i in own],
            at_bits([assigned[i][3] for i in own], bits[2]),
            [[row[i] for i in own] for row in part.U],
        )
        of_circuit, error, rests = compute_circuit(circuit, circuit_neurons, group, bits[1])
        argument, rounding = argument.plus(of_circuit), rounding + error
        remainder = add_vectors(remainder, rests)
    terms = {
        "merging": max(errors_x) + max(errors_y),
        "rounding": rounding,
        "remainder": max(remainder),
    }
    check_error_terms(section.member("error_terms"), terms, bits[3])
    return _add_remaining(section, argument, network.part(of_rest, zeros(1, group.n)[0]), group)


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
    """The circuits of the certificate; every kernel K is invariant under G."""
    if len(section.items()) > MAX_CIRCUITS:
        malform(section.where, f"more than {MAX_CIRCUITS}")
    circuits = []
    keys = ("left", "right", "phi", "phi_prime", "kernel", "left_kernel", "right_kernel", "middle")
    for node in section.items():
        left_node, right_node, phi, phi_prime, *kernel_nodes, middle = node.members(*keys)
        left = gsets[left_node.integer(0, len(gsets) - 1)]
        right = gsets[right_node.integer(0, len(gsets) - 1)]
        d, d_prime = len(left[0]), len(right[0])
        if d * d_prime > MAX_CELLS:
            reject(node.where, f"more than {MAX_CELLS} cells")
        functions = at_bits(phi.vector(d), bits[0]), at_bits(phi_prime.vector(d_prime), bits[0])
        kernels = [
            zeros(d, d_prime) if kernel.is_null() else [at_bits(row, bits[1]) for row in kernel.matrix(d, d_prime)]
            for kernel in kernel_nodes
        ]
        if any(translate(kernels[0], left[g], right[g]) != kernels[0] for g in group.generators):
            reject(f"{node.where}.kernel", "not invariant")
        circuits.append(Circuit(left, right, *functions, *kernels, middle.truth()))
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


def translate(function: Matrix, left: Sequence[int], right: Sequence[int]) -> Matrix:
    """The function of (left(b), right(b'))."""
    return [[function[b][b_prime] for b_prime in right] for b in left]


def _compute_merging(
    network: Network, circuits: list[Circuit], neurons: list[list[int]], group: Group, scale_bits: int
) -> tuple[Vector, Vector]:
    """The errors of x and of y of taking neurons for functions on points, or of dropping them (claims 14 and 18)."""
    sigma = at_bits([row[3] for row in neurons], scale_bits)
    kept = [row != DROPPED for row in neurons]
    left, right = zeros(group.n, len(neurons)), zeros(group.n, len(neurons))
    for i, (circuit_index, b, b_prime, _) in enumerate(neurons):
        if not kept[i]:
            continue
        circuit = circuits[circuit_index]
        for x in range(group.n):
            left[x][i] = sigma[i] * circuit.phi[circuit.left[group.inverses[x]][b]]
            right[x][i] = sigma[i] * circuit.phi_prime[circuit.right[x][b_prime]]
    widths = network.widths
    return compute_merging(network.a, left, kept, widths), compute_merging(network.c, right, kept, widths)


def compute_split(circuit: Circuit, group: Group) -> tuple[Matrix, Vector, Vector, Matrix, Matrix]:
    """The activations g on the points, and r, c, Gamma_M and Gamma_N that they are the sum of (claim 18)."""
    g = [[max(s + t, Fraction(0)) for t in circuit.phi_prime] for s in circuit.phi]
    d, d_prime = len(g), len(g[0])
    half = sum(flatten(g), Fraction(0)) / (2 * d * d_prime)
    r = [sum(row, Fraction(0)) / d_prime - half for row in g]
    c = [sum(column, Fraction(0)) / d - half for column in transpose(g)]
    split = [[value - s - t for value, t in zip(row, c, strict=True)] for row, s in zip(g, r, strict=True)]
    middle = zeros(d, d_prime)
    if circuit.middle:
        for left, right in zip(circuit.left, circuit.right, strict=True):
            middle = add(middle, translate(split, left, right))
        middle = [[value / group.n for value in row] for row in middle]
    return g, r, c, middle, [[s - t for s, t in zip(*rows, strict=True)] for rows in zip(split, middle, strict=True)]


def compute_circuit(
    circuit: Circuit, neurons: Assigned, group: Group, unembedding_bits: int
) -> tuple[Argument, Fraction, Vector]:
    """What a circuit adds to the argument, the error of its roundings, and its remainders by v (claims 19 and 20)."""
    n, inverses = group.n, group.inverses
    left, right = circuit.left, circuit.right
    d, d_prime = len(circuit.phi), len(circuit.phi_prime)
    g, r, c, middle, Gamma = compute_split(circuit, group)
    cells = [d_prime * b + b_prime for b, b_prime in zip(neurons.left, neurons.right, strict=True)]
    minus = [max(-scale, Fraction(0)) for scale in neurons.sigma]
    U = round_matrix(gather(neurons.U, cells, [abs(scale) for scale in neurons.sigma], d * d_prime), unembedding_bits)
    U_left = round_matrix(gather(neurons.U, neurons.left, minus, d), unembedding_bits)
    U_right = round_matrix(gather(neurons.U, neurons.right, minus, d_prime), unembedding_bits)
    # Half a unit of U-hat and U-hat-minus in a logit is one in a difference of two (claim 19).
    rounding = sum(flatten(g), Fraction(0))
    if any(minus):
        rounding += sum(map(abs, circuit.phi + circuit.phi_prime), Fraction(0))
    rounding /= 2**unembedding_bits
    # P[x,z] and Q[y,z]: r and c with the sums of U-hat over rows and columns, less phi and phi' with U-hat-minus.
    sums_left = [[sum(row[d_prime * b : d_prime * (b + 1)], Fraction(0)) for b in range(d)] for row in U]
    sums_right = [[sum(row[b_prime::d_prime], Fraction(0)) for b_prime in range(d_prime)] for row in U]
    P = product(
        [[r[b] for b in left[inverses[x]]] + [-circuit.phi[b] for b in left[inverses[x]]] for x in range(n)],
        transpose([row + minus_row for row, minus_row in zip(sums_left, U_left, strict=True)]),
    )
    Q = product(
        [[c[b] for b in right[y]] + [-circuit.phi_prime[b] for b in right[y]] for y in range(n)],
        transpose([row + minus_row for row, minus_row in zip(sums_right, U_right, strict=True)]),
    )
    # M[v,z] = <U-hat(z), Gamma_M(v^-1 b, b')>, L[y,w] = <j_L(w^-1 b, b'), Gamma_N(b, yb')>,
    # R[x,w] = <j_R(b, wb'), Gamma_N(x^-1 b, b')>, F[w] = <K(b, wb'), Gamma_N>.
    still_left, still_right = range(d), range(d_prime)
    by_left = [flatten(translate(Gamma, left[inverses[x]], still_right)) for x in range(n)]
    by_right = [flatten(translate(Gamma, still_left, right[y])) for y in range(n)]
    left_kernels = [flatten(translate(circuit.left_kernel, left[inverses[w]], still_right)) for w in range(n)]
    right_kernels = [flatten(translate(circuit.right_kernel, still_left, right[w])) for w in range(n)]
    kernels = [flatten(translate(circuit.kernel, still_left, right[w])) for w in range(n)]
    M = product([flatten(translate(middle, left[inverses[v]], still_right)) for v in range(n)], transpose(U))
    L = product(by_right, transpose(left_kernels))
    R = product(by_left, transpose(right_kernels))
    (F,) = product([flatten(Gamma)], transpose(kernels))
    # F[x^-1 z y^-1] is a function of y and t = x^-1 z (claim 21).
    L = add(L, [[F[group.products[t][inverses[y]]] for t in range(n)] for y in range(n)])
    D = [
        _centre([s - a - b - k for s, a, b, k in zip(*entries, strict=True)], d, d_prime)
        for entries in zip(U, left_kernels, right_kernels, kernels, strict=True)
    ]
    norm = norm_upper(flatten(Gamma))
    # The distance of v and z is 0 for z = v, so in M it is taken from every other margin (claim 21).
    M = add(M, [[distance * norm for distance in row] for row in distances_upper(D)])
    sizes = [norm_upper(row) for row in D]
    remainders = [(size + max(sizes)) * norm for size in sizes]
    return Argument(P, Q, L, R, M, [rounding] * n, zeros(1, n)[0], []), rounding, remainders


def _centre(values: Vector, d: int, d_prime: int) -> Vector:
    """The d x d' matrix, row by row, less functions of b and of b' alone: all its row and column sums are 0."""
    rows = [sum(values[d_prime * b : d_prime * (b + 1)], Fraction(0)) / d_prime for b in range(d)]
    values = [value - rows[cell // d_prime] for cell, value in enumerate(values)]
    columns = [sum(values[b_prime::d_prime], Fraction(0)) / d for b_prime in range(d_prime)]
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

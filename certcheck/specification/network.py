"""Tensors, architectures, folding, the exact margins of every pair (claims 1, 2 and 7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from operator import mul

from certcheck.specification.decision import Status, reject
from certcheck.specification.document import MAX_SIDE, Node
from certcheck.specification.exact import Matrix, Vector, add, product, to_integers, transpose, zeros
from certcheck.specification.group import Group
from certcheck.specification.margin import Margins

ROLES = {
    "concatenated": ("left", "right", "hidden", "out"),
    "concatenated_tied": ("embedding", "hidden", "out"),
    "mapped": ("left", "right", "left_map", "right_map", "out"),
    "mapped_tied": ("embedding", "left_map", "right_map", "out"),
    "added": ("left", "right", "shared_map", "out"),
    "added_tied": ("embedding", "shared_map", "out"),
    "direct": ("left", "right", "out"),
    "direct_tied": ("embedding", "out"),
}
BIASES = ("hidden_bias", "out_bias")


@dataclass(frozen=True, slots=True)
class Weights:
    """The stored weights: a matrix for each role, none transposed, a bias as its only row; tied ones are no family."""

    family: str
    matrices: dict[str, Matrix]
    where: str

    @property
    def left(self) -> Matrix:
        """The left embedding."""
        return self.matrices["left" if "left" in self.matrices else "embedding"]

    @property
    def right(self) -> Matrix:
        """The right embedding."""
        return self.matrices["right" if "right" in self.matrices else "embedding"]

    def absolute(self) -> Weights:
        """The absolute value of every weight."""
        matrices = {role: [[abs(value) for value in row] for row in matrix] for role, matrix in self.matrices.items()}
        return Weights(self.family, matrices, self.where)


@dataclass(frozen=True, slots=True)
class Network:
    """The logits are beta_z + sum_i U_zi ReLU(a_xi + c_yi); a, c, U are n x m."""

    a: Matrix
    c: Matrix
    U: Matrix
    beta: Vector

    @property
    def m(self) -> int:
        """The number of neurons."""
        return len(self.U[0])

    @property
    def widths(self) -> Vector:
        """The width w_i = max_z U_zi - min_z U_zi of each neuron (claim 14)."""
        return [max(column) - min(column) for column in zip(*self.U, strict=True)]

    def part(self, neurons: Sequence[int], beta: Vector) -> Network:
        """The network of these neurons and this output bias."""
        a, c, U = ([[row[i] for i in neurons] for row in matrix] for matrix in (self.a, self.c, self.U))
        return Network(a, c, U, beta)


def check_weights(section: Node) -> Weights:
    """The weights of the certificate by their roles (claim 1)."""
    architecture, instance, roles_node, tensors_node = section.members("architecture", "instance", "roles", "tensors")
    if architecture.name() not in ROLES:
        reject(architecture.where, "an unknown architecture", Status.DECLINED)
    if not instance.is_null():
        instance.integer(0, MAX_SIDE)
    roles = {role: node.name() for role, node in roles_node.named().items()}
    tensors = tensors_node.named()
    if len(set(roles.values())) != len(roles) or set(roles.values()) != set(tensors):
        reject(roles_node.where, "not every tensor in one role")
    filled: dict[str, Matrix] = {}
    for role, name in roles.items():
        plain = role.removesuffix("_transposed")
        if plain not in ROLES[architecture.name()] and role not in BIASES:
            reject(roles_node.where, f"{role} is no role of the architecture")
        if plain in filled:
            reject(roles_node.where, f"{plain} is filled twice")
        matrix = _parse_matrix(tensors[name], is_bias=role in BIASES)
        filled[plain] = matrix if role == plain else transpose(matrix)
    if any(role not in filled for role in ROLES[architecture.name()]):
        reject(roles_node.where, "a role is missing")
    return Weights(architecture.name().removesuffix("_tied"), filled, section.where)


def _parse_matrix(tensor: Node, *, is_bias: bool) -> Matrix:
    """The tensor as a matrix, a bias as its only row."""
    sides, entries = tensor.tensor()
    if len(sides) != (1 if is_bias else 2):
        reject(tensor.where, "not a vector for a bias, a matrix for another role")
    width = sides[-1]
    return [entries[start : start + width] for start in range(0, len(entries), width)]


def fold(weights: Weights, n: int) -> Network:
    """The network, from tensors whose shapes fit the formula of the architecture (claim 2)."""
    family, tensors, left, right = weights.family, weights.matrices, weights.left, weights.right
    l, r = len(left[0]), len(right[0])  # noqa: E741  # as in the glossary
    maps: tuple[Matrix, Matrix] | None = None
    if family == "concatenated":
        maps = tensors["hidden"][:l], tensors["hidden"][l:]
    elif family == "mapped":
        maps = tensors["left_map"], tensors["right_map"]
    elif family == "added":
        maps = tensors["shared_map"], tensors["shared_map"]
    if maps is not None and (len(maps[0]), len(maps[1])) != (l, r):
        reject(weights.where, "shapes that do not fit")
    a, c = (left, right) if maps is None else (product(left, maps[0]), product(right, maps[1]))
    m = len(tensors["out"])
    bias, beta = tensors.get("hidden_bias", zeros(1, m)), tensors.get("out_bias", zeros(1, n))
    shapes = {(len(matrix), len(matrix[0])) for matrix in (a, c)}
    rest = [len(tensors["out"][0]), len(bias[0]), len(beta[0])]
    if shapes != {(n, m)} or rest != [n, m, n]:
        reject(weights.where, "shapes that do not fit")
    return Network(add(a, bias * n), c, transpose(tensors["out"]), beta[0])


def compute_margins(network: Network, group: Group) -> Margins:
    """The margins of every pair, each evaluated exactly (claim 7)."""
    # The output bias is the unembedding of one more neuron, which is always 1.
    one, zero = Fraction(1), Fraction(0)
    inputs, inputs_unit = to_integers([*([*row, one] for row in network.a), *([*row, zero] for row in network.c)])
    a, c = inputs[: group.n], inputs[group.n :]
    U, U_unit = to_integers([[*row, bias] for row, bias in zip(network.U, network.beta, strict=True)])
    margins = {}
    for x in range(group.n):
        for y in range(group.n):
            h = [max(left + right, 0) for left, right in zip(a[x], c[y], strict=True)]
            logits = [sum(map(mul, row, h)) for row in U]
            answer = logits.pop(group.products[x][y])
            margins[x, y] = [answer - logit for logit in logits]
    return Margins(margins, inputs_unit * U_unit, are_exact=True)

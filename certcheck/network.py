"""The network: a closed list of architectures, tensors that play roles, exact folding.

The list is closed because whoever could choose the folding could turn the same bytes into another function.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np
from flint import fmpz_mat
from numpy.typing import NDArray

from certcheck.document import NetworkSection, TensorSection
from certcheck.exact import (
    DyadicMatrix,
    compute_dyadic,
    compute_numerators,
    compute_product,
    compute_sum,
    compute_transpose,
    count_words,
)
from certcheck.limits import LIMITS, Limits, check_limit
from certcheck.verdict import Reason, reject

TRANSPOSED = "_transposed"
BIAS_SHAPES = {"hidden_bias": ("m",), "out_bias": ("n",)}
BYTES_PER_VALUE = {"float16": 2, "bfloat16": 2, "float32": 4, "float64": 8}


@dataclass(frozen=True, slots=True)
class Architecture:
    """One formula: logits = relu(`inputs` [+ hidden_bias]) @ out [+ out_bias].

    shapes: the matrix roles with their rows and columns as the formula uses them: n is the order, m the hidden
    width, l+r the sum of two sizes. A role may also be played by the transpose of a stored tensor, under the
    name ROLE_transposed; the biases may be absent.
    """

    name: str
    inputs: str
    shapes: dict[str, tuple[str, ...]]


def _architecture(name: str, inputs: str, *roles: str) -> Architecture:
    matrices = (role.split() for role in (*roles, "out m n"))
    return Architecture(name, inputs, {role: (rows, columns) for role, rows, columns in matrices})


_MAPS = ("left_map l m", "right_map r m")
_TIED_MAPS = ("left_map l m", "right_map l m")
_LIST = (
    _architecture("concatenated", "concat(left[x], right[y]) @ hidden", "left n l", "right n r", "hidden l+r m"),
    _architecture("concatenated_tied", "concat(embedding[x], embedding[y]) @ hidden", "embedding n l", "hidden l+l m"),
    _architecture("mapped", "left[x] @ left_map + right[y] @ right_map", "left n l", "right n r", *_MAPS),
    _architecture("mapped_tied", "embedding[x] @ left_map + embedding[y] @ right_map", "embedding n l", *_TIED_MAPS),
    _architecture("added", "(left[x] + right[y]) @ shared_map", "left n l", "right n l", "shared_map l m"),
    _architecture("added_tied", "(embedding[x] + embedding[y]) @ shared_map", "embedding n l", "shared_map l m"),
    _architecture("direct", "left[x] + right[y]", "left n m", "right n m"),
    _architecture("direct_tied", "embedding[x] + embedding[y]", "embedding n m"),
)
ARCHITECTURES = {architecture.name: architecture for architecture in _LIST}

# Parameter names of published code and the roles that they play.
_CHUGHTAI = "W_x=left W_y=right W=hidden W_U=out"  # arXiv 2302.03025
_WU = (  # arXiv 2410.07476
    "embedding_left=left embedding_right=right linear_left=left_map linear_right=right_map unembedding=out "
    "unembed_bias=out_bias"
)
PUBLISHED_NAMES = {
    name: dict(pair.split("=") for pair in names.split())
    for name, names in (("concatenated", _CHUGHTAI), ("mapped", _WU))
}


@dataclass(frozen=True, slots=True)
class Assignment:
    """An architecture and the tensor that plays each role: every role once, every tensor once."""

    architecture: Architecture
    roles: dict[str, str]

    @property
    def formula(self) -> str:
        """The function that is computed, as the verdict prints it."""
        text = f"relu({self.architecture.inputs}{self._bias('hidden')}) @ out{self._bias('out')}"
        for role in self.architecture.shapes:
            if role + TRANSPOSED in self.roles:
                text = re.sub(rf"\b{role}\b", f"{role}.T", text)
        return text

    def _bias(self, of: str) -> str:
        return f" + {of}_bias" if f"{of}_bias" in self.roles else ""


@dataclass(frozen=True, slots=True)
class Network:
    """The folded network, exact: logit(z|x,y) = beta_z + sum_i U_zi relu(a_xi + c_yi).

    a, c: n x m, with one common `bits`; U: n x m; beta: 1 x n with bits = a.bits + U.bits.
    words: how many products of 64-bit words an exact product of an activation and an entry of U takes, at most.
    weights: the stored values by role, in float64, which holds them exactly.
    """

    assignment: Assignment
    weights_sha256: str
    a: DyadicMatrix
    c: DyadicMatrix
    U: DyadicMatrix
    beta: DyadicMatrix
    words: int
    weights: dict[str, NDArray[np.float64]]


def check_assignment(architecture: str, roles: Mapping[str, str], tensors: Collection[str]) -> Assignment:
    """The assignment of tensors to roles, if it is one: injective, no role missing, no tensor unused.

    Errors: ARCHITECTURE_UNKNOWN, ROLE_UNKNOWN, ROLE_MISSING, ROLES_SHARE_TENSOR, TENSOR_MISSING, TENSOR_UNUSED.
    """
    if architecture not in ARCHITECTURES:
        reject(Reason.ARCHITECTURE_UNKNOWN, "network.architecture", ", ".join(ARCHITECTURES), architecture)
    known = ARCHITECTURES[architecture]
    played: dict[str, str] = {}
    for role, tensor in roles.items():
        base = role.removesuffix(TRANSPOSED)
        # A bias has no transpose; a role and its transpose are one role.
        if not (base in known.shapes or role in BIAS_SHAPES) or base in played:
            expected = f"each of {', '.join((*known.shapes, *BIAS_SHAPES))} at most once"
            reject(Reason.ROLE_UNKNOWN, f"network.roles.{role}", expected, role)
        if tensor in played.values():
            reject(Reason.ROLES_SHARE_TENSOR, f"network.roles.{role}", "a tensor of its own", tensor)
        if tensor not in tensors:
            reject(Reason.TENSOR_MISSING, f"network.roles.{role}", "the name of a tensor", tensor)
        played[base] = tensor
    for role in known.shapes:
        if role not in played:
            reject(Reason.ROLE_MISSING, "network.roles", f"the role {role} of {architecture}", "none")
    for tensor in tensors:
        if tensor not in played.values():
            reject(Reason.TENSOR_UNUSED, f"network.tensors.{tensor}", "a role for every tensor", "none")
    # One order, whatever the order in the file: that of the formula.
    order = [*known.shapes, *BIAS_SHAPES]
    ordered = sorted(roles.items(), key=lambda item: order.index(item[0].removesuffix(TRANSPOSED)))
    return Assignment(known, dict(ordered))


def guess_roles(names: Collection[str], architecture: str | None) -> tuple[str, dict[str, str]] | None:
    """Architecture and roles by published parameter names, or None; one architecture only, if it is named.

    Besides the names of published code: the names of the roles themselves, and those of torch modules that are
    called like the roles (`left.weight` of an Embedding, `hidden.weight`, `hidden.bias` of a Linear).
    """
    for name, published in PUBLISHED_NAMES.items():
        required = {tensor for tensor, role in published.items() if role not in BIAS_SHAPES}
        if architecture in (None, name) and required <= set(names) <= set(published):
            return name, {published[tensor]: tensor for tensor in names}
    for name in ARCHITECTURES if architecture is None else (architecture,):
        roles = {_role_of_module_parameter(tensor): tensor for tensor in names}
        played = {role.removesuffix(TRANSPOSED) for role in roles}
        required = set(ARCHITECTURES[name].shapes)
        if len(roles) == len(names) == len(played) and required <= played <= required | set(BIAS_SHAPES):
            return name, roles
    return None


def _role_of_module_parameter(tensor: str) -> str:
    module, dot, parameter = tensor.rpartition(".")
    if not dot:
        return tensor
    if parameter == "bias":
        return f"{module}_bias"
    if parameter != "weight":
        return tensor
    # torch stores an Embedding as (number, size) and a Linear as (outputs, inputs).
    is_embedding = module in ("left", "right", "embedding")
    return module if is_embedding else module + TRANSPOSED


def check_network(section: NetworkSection, order: int, limits: Limits = LIMITS) -> Network:
    """The folded network for a group of this order.

    Claim 2: given the stored tensors and the formula, therefore a, c, U, beta give its logits exactly, because
    every value is dyadic (claim 1) and matrix product and sum over the integers are exact.
    Errors: those of `check_assignment`; DTYPE_UNKNOWN, TENSOR_SIZE_WRONG, TENSOR_HASH_WRONG, WEIGHT_NOT_FINITE,
    SHAPE_WRONG; those of a limit.
    """
    assignment = check_assignment(section.architecture, section.roles, section.tensors)
    _check_shapes(assignment, section, order)
    weights = {
        role: check_tensor(section.tensors[tensor], f"network.tensors.{tensor}")
        for role, tensor in assignment.roles.items()
    }
    words = _check_folding(weights, order, limits)
    sha256 = compute_weights_sha256(assignment, section.tensors)
    return Network(assignment, sha256, *fold(weights), words, weights)


def fold(weights: dict[str, NDArray[np.float64]]) -> tuple[DyadicMatrix, DyadicMatrix, DyadicMatrix, DyadicMatrix]:
    """a, c, U and beta of what plays each role."""
    matrices = {}
    for role, values in weights.items():
        matrix = compute_dyadic(values.reshape(1, -1) if values.ndim == 1 else values)
        base = role.removesuffix(TRANSPOSED)
        matrices[base] = matrix if base == role else compute_transpose(matrix)
    a, c = _fold_inputs(matrices)
    U = compute_transpose(matrices["out"])
    order = U.shape[0]
    if "hidden_bias" in matrices:
        ones = DyadicMatrix(fmpz_mat(order, 1, [1] * order), 0)
        a = compute_sum(a, compute_product(ones, matrices["hidden_bias"]))
    zero = DyadicMatrix(fmpz_mat(1, order), 0)
    return _align(a, c, U, matrices.get("out_bias", zero))


def count_summands(weights: dict[str, NDArray[np.float64]]) -> int:
    """How many numbers the formula adds up to the input of a neuron, without its bias; a sum of embeddings is one."""
    sizes = {
        role.removesuffix(TRANSPOSED): int(values.shape[1 if role.endswith(TRANSPOSED) else 0])
        for role, values in weights.items()
    }
    if "shared_map" in sizes:
        return sizes["shared_map"] + 1
    maps = [role for role in ("hidden", "left_map", "right_map") if role in sizes]
    return sum(sizes[role] for role in maps) if maps else 2


def take_neurons(network: Network, neurons: list[int]) -> Network:
    """The network of some of the neurons alone, without output bias."""
    a, c, U = (
        DyadicMatrix(fmpz_mat([[row[i] for i in neurons] for row in v.numerators.tolist()]), v.bits)
        for v in (network.a, network.c, network.U)
    )
    nothing = DyadicMatrix(fmpz_mat(1, U.shape[0]), network.beta.bits)
    return replace(network, a=a, c=c, U=U, beta=nothing)


def check_tensor(tensor: TensorSection, where: str) -> NDArray[np.float64]:
    """The values of a tensor, all finite, in its shape. float64 holds each supported type exactly.

    Errors: DTYPE_UNKNOWN, TENSOR_SIZE_WRONG, TENSOR_HASH_WRONG, WEIGHT_NOT_FINITE.
    """
    if tensor.dtype not in BYTES_PER_VALUE:
        reject(Reason.DTYPE_UNKNOWN, f"{where}.dtype", ", ".join(BYTES_PER_VALUE), tensor.dtype)
    size = BYTES_PER_VALUE[tensor.dtype]
    for side in tensor.shape:
        size *= side
    if len(tensor.data) != size:
        reject(Reason.TENSOR_SIZE_WRONG, f"{where}.data", f"{size} bytes", f"{len(tensor.data)}")
    digest = hashlib.sha256(tensor.data).hexdigest()
    if digest != tensor.sha256:
        reject(Reason.TENSOR_HASH_WRONG, f"{where}.sha256", digest, tensor.sha256)
    if tensor.dtype == "bfloat16":
        # A bfloat16 is the upper half of a float32.
        values = (np.frombuffer(tensor.data, "<u2").astype(np.uint32) << 16).view(np.float32)
    else:
        values = np.frombuffer(tensor.data, np.dtype(tensor.dtype).newbyteorder("<"))
    if not np.isfinite(values).all():
        reject(Reason.WEIGHT_NOT_FINITE, f"{where}.data", "finite numbers", "NaN or infinity")
    return values.astype(np.float64).reshape(tensor.shape)


def _check_shapes(assignment: Assignment, section: NetworkSection, order: int) -> None:
    """Refuse tensors whose sizes do not fit the formula and the order."""
    sizes = {"n": order}
    formula_shapes = assignment.architecture.shapes | BIAS_SHAPES
    for role, tensor in assignment.roles.items():
        base = role.removesuffix(TRANSPOSED)
        symbols = formula_shapes[base]
        shape = section.tensors[tensor].shape
        used = shape if base == role else shape[::-1]
        where = f"network.tensors.{tensor}"
        if len(used) != len(symbols) or 0 in used:
            expected = f"{len(symbols)} axes ({', '.join(symbols)}) for the role {role}"
            reject(Reason.SHAPE_WRONG, where, expected, f"shape {shape}")
        for symbol, size in zip(symbols, used, strict=True):
            summands = symbol.split("+")
            if symbol not in sizes and len(summands) == 1:
                sizes[symbol] = size
            wanted = sum(sizes[s] for s in summands)
            if size != wanted:
                shown = f"shape {shape}" if base == role else f"shape {shape}, transposed"
                expected = f"({', '.join(symbols)}) with {symbol} = {wanted} for the role {role}"
                reject(Reason.SHAPE_WRONG, where, expected, shown)


def _check_folding(weights: dict[str, NDArray[np.float64]], order: int, limits: Limits) -> int:
    """The `words` of the network, if folding is not too much work, and what it makes not too much to hold."""
    sizes = {role.removesuffix(TRANSPOSED): values.size for role, values in weights.items()}
    longest = max(map(count_words, weights.values()))
    m = sizes["out"] // order
    inputs = sum(sizes.get(role, 0) for role in ("left", "right", "embedding"))
    check_limit(limits, "exact_multiply_adds", inputs * m * longest**2, "network")
    # Numerators, of the inputs twice as long, as Python integers and rounded too.
    check_limit(limits, "numbers", 16 * longest * (2 * order * m + sum(sizes.values())), "network")
    # An activation is a sum of products, and of a bias.
    return (2 * longest + 1) * longest


def _fold_inputs(weights: dict[str, DyadicMatrix]) -> tuple[DyadicMatrix, DyadicMatrix]:
    """a and c without bias. Which roles there are says which formula it is."""
    left = weights["left"] if "left" in weights else weights["embedding"]
    right = weights["right"] if "right" in weights else weights["embedding"]
    if "hidden" in weights:
        split = left.shape[1]
        left_map, right_map = _rows(weights["hidden"], 0, split), _rows(weights["hidden"], split, None)
    elif "shared_map" in weights:
        left_map = right_map = weights["shared_map"]
    elif "left_map" in weights:
        left_map, right_map = weights["left_map"], weights["right_map"]
    else:
        return left, right
    return compute_product(left, left_map), compute_product(right, right_map)


def _rows(matrix: DyadicMatrix, start: int, stop: int | None) -> DyadicMatrix:
    kept = matrix.numerators.tolist()[start:stop]
    return DyadicMatrix(fmpz_mat(kept), matrix.bits)


def _align(
    a: DyadicMatrix, c: DyadicMatrix, U: DyadicMatrix, beta: DyadicMatrix
) -> tuple[DyadicMatrix, DyadicMatrix, DyadicMatrix, DyadicMatrix]:
    """The same numbers, with a and c over one power of two and beta over that of the products."""
    activation_bits = max(a.bits, c.bits, beta.bits - U.bits)
    a, c = (DyadicMatrix(compute_numerators(v, activation_bits), activation_bits) for v in (a, c))
    bits = activation_bits + U.bits
    return a, c, U, DyadicMatrix(compute_numerators(beta, bits), bits)


def compute_weights_sha256(assignment: Assignment, tensors: Mapping[str, TensorSection]) -> str:
    """sha256 over the formula's name and, role by role, name, dtype, shape and bytes (docs/format.md)."""
    digest = hashlib.sha256(f"{assignment.architecture.name}\n".encode())
    for role, name in assignment.roles.items():
        tensor = tensors[name]
        shape = "x".join(map(str, tensor.shape))
        digest.update(f"{role} {tensor.dtype} {shape}\n".encode() + tensor.data)
    return digest.hexdigest()

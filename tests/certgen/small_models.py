"""Small groups as multiplication tables, and small networks whose answers are known by construction."""

from __future__ import annotations

import hashlib
import itertools
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import safetensors.torch
import torch

from certcheck.document import GroupSection, NetworkSection, TensorSection
from certcheck.group import Group, check_group
from certcheck.network import Network, check_network

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from certcheck.exact import DyadicMatrix

Table = np.ndarray[tuple[int, int], np.dtype[np.int32]]
Weights = dict[str, "NDArray[np.float64]"]


# Groups.


def table_of(elements: Sequence[Any], product: Callable[[Any, Any], Hashable]) -> Table:
    """The multiplication table of elements in their order."""
    index = {element: x for x, element in enumerate(elements)}
    return np.array([[index[product(x, y)] for y in elements] for x in elements], dtype=np.int32)


def cyclic(n: int) -> Table:
    """Addition modulo n."""
    return table_of(range(n), lambda x, y: (x + y) % n)


def metacyclic(m: int, n: int, r: int) -> Table:
    """The semidirect product of C_m by C_n that acts by multiplication with r, where r^n = 1 modulo m."""
    return table_of(
        list(itertools.product(range(m), range(n))),
        lambda x, y: ((x[0] + r ** x[1] * y[0]) % m, (x[1] + y[1]) % n),
    )


def dihedral(n: int) -> Table:
    """The symmetries of the regular n-gon, of order 2n."""
    return metacyclic(n, 2, n - 1)


def dicyclic(n: int) -> Table:
    """The group of order 4n of a, b with a^2n = 1, b^2 = a^n, bab^-1 = a^-1; the quaternions for n = 2."""
    return table_of(
        list(itertools.product(range(2 * n), range(2))),
        lambda x, y: ((x[0] + (-1) ** x[1] * y[0] + n * (x[1] & y[1])) % (2 * n), x[1] ^ y[1]),
    )


def permutations(degree: int, *, even: bool = False) -> Table:
    """All permutations, or the even ones, as rows of images in lexicographic order."""

    def is_even(p: tuple[int, ...]) -> bool:
        return sum(p[i] > p[j] for i in range(degree) for j in range(i + 1, degree)) % 2 == 0

    return np.array([p for p in itertools.permutations(range(degree)) if not even or is_even(p)], dtype=np.int32)


def table_of_permutations(rows: Table) -> Table:
    """The multiplication table of permutations: (xy)(i) = x(y(i))."""
    return table_of([tuple(row) for row in rows.tolist()], lambda x, y: tuple(x[i] for i in y))


def symmetric(degree: int) -> Table:
    """All permutations."""
    return table_of_permutations(permutations(degree))


def alternating(degree: int) -> Table:
    """The even permutations."""
    return table_of_permutations(permutations(degree, even=True))


def special_linear_of_3() -> Table:
    """SL(2,3): the 24 matrices (a b; c d) over the field of three elements with ad - bc = 1."""
    matrices = [m for m in itertools.product(range(3), repeat=4) if (m[0] * m[3] - m[1] * m[2]) % 3 == 1]
    return table_of(
        matrices,
        lambda x, y: (
            (x[0] * y[0] + x[1] * y[2]) % 3,
            (x[0] * y[1] + x[1] * y[3]) % 3,
            (x[2] * y[0] + x[3] * y[2]) % 3,
            (x[2] * y[1] + x[3] * y[3]) % 3,
        ),
    )


def linear_of_2() -> Table:
    """GL(3,2): the 168 invertible 3 x 3 matrices over the field of two elements, a simple group; rows as bits."""

    def apply(v: int, m: tuple[int, ...]) -> int:
        return (v & 1) * m[0] ^ (v >> 1 & 1) * m[1] ^ (v >> 2) * m[2]

    matrices = [m for m in itertools.product(range(8), repeat=3) if all(apply(v, m) for v in range(1, 8))]
    return table_of(matrices, lambda x, y: tuple(apply(row, y) for row in x))


def inverting_plane_of_3() -> Table:
    """The maps v -> v + w and v -> w - v of the plane over the field of three elements, of order 18."""
    return table_of(
        list(itertools.product(range(3), range(3), (1, -1))),
        lambda x, y: ((x[0] + x[2] * y[0]) % 3, (x[1] + x[2] * y[1]) % 3, x[2] * y[2]),
    )


def direct_product(*factors: Table) -> Table:
    """The direct product."""
    return table_of(
        list(itertools.product(*(range(len(f)) for f in factors))),
        lambda x, y: tuple(int(f[i, j]) for f, i, j in zip(factors, x, y, strict=True)),
    )


def relabel(table: Table, seed: int) -> Table:
    """The same group with its elements renamed at random."""
    new = np.random.default_rng(seed).permutation(len(table))
    renamed = np.empty_like(table)
    renamed[np.ix_(new, new)] = new[table]
    return renamed


def group_of(table: Table) -> Group:
    """The group of a table, by its regular representation."""
    return check_group(np.ascontiguousarray(table, dtype=np.int32), "table")


def expect_group(section: GroupSection, table: Table) -> None:
    """The section's permutations multiply as the table says, in its labels; composed one by one."""
    rows = [tuple(row) for row in section.elements.tolist()]
    assert len(set(rows)) == len(rows) == len(table)
    assert all(sorted(row) == list(range(len(row))) for row in rows)
    for x, y in itertools.product(range(len(table)), repeat=2):
        assert tuple(rows[x][i] for i in rows[y]) == rows[table[x, y]]


def never() -> Group:
    """The model's answers, where nobody may ask for them."""
    pytest.fail("the model's answers were read")


# Networks.


def detector_weights(table: Table, pairs: Sequence[tuple[int, int]] | None = None) -> Weights:
    """A `direct` network that is correct on the given pairs (all, if none are given) and ties on the others.

    Neuron (x0, y0) is relu([x = x0] + [y = y0] - 1): one for its own pair, zero for every other.
    """
    n = len(table)
    left, right = np.zeros((n, n, n)), np.full((n, n, n), -1.0)
    out = np.zeros((n, n, n))
    for x, y in itertools.product(range(n), repeat=2) if pairs is None else pairs:
        left[x, x, y] = 1
        right[y, x, y] = 0
        out[x, y, table[x, y]] = 1
    return {"left": left.reshape(n, -1), "right": right.reshape(n, -1), "out": out.reshape(-1, n)}


def cyclic_weights(architecture: str, n: int) -> Weights:
    """A correct network for addition modulo n in any architecture; every weight is a small multiple of 1/2.

    Neuron t is relu(x + y - t) for t = -1..2n-1; the second difference of three neighbours is one at x + y = t
    and zero at other integers. Both inputs are treated alike, so the embedding can be shared.
    """
    x, t = np.arange(n)[:, None], np.arange(-1, 2 * n)[None]
    half = x - t / 2
    out = np.zeros((2 * n + 1, n))
    for total in range(2 * n - 1):
        # Row total + 1 is the neuron with threshold t = total.
        out[total : total + 3, total % n] += (1, -2, 1)
    one = np.eye(n)
    inputs: dict[str, Weights] = {
        "concatenated": {"left": one, "right": one, "hidden": np.vstack((half, half))},
        "concatenated_tied": {"embedding": one, "hidden": np.vstack((half, half))},
        "mapped": {"left": one, "right": one, "left_map": half, "right_map": half},
        "mapped_tied": {"embedding": one, "left_map": half, "right_map": half},
        "added": {"left": one, "right": one, "shared_map": half},
        "added_tied": {"embedding": one, "shared_map": half},
        "direct": {"left": half, "right": half},
        "direct_tied": {"embedding": half},
    }
    return inputs[architecture] | {"out": out}


def constant_weights(n: int) -> Weights:
    """A `direct` network that answers 0 whatever its inputs: correct on n pairs, which is chance."""
    return {"left": np.ones((n, 1)), "right": np.ones((n, 1)), "out": np.eye(1, n)}


def tensors_of(weights: Weights, dtype: str = "float32") -> dict[str, torch.Tensor]:
    """The weights as torch tensors of a type."""
    return {name: torch.tensor(values).to(getattr(torch, dtype)) for name, values in weights.items()}


def save_model(path: Path, weights: Weights, dtype: str = "float32") -> str:
    """Write a model file in the format that its suffix says, and return its path."""
    save_tensors(path, tensors_of(weights, dtype))
    return str(path)


def save_tensors(path: Path, tensors: dict[str, torch.Tensor]) -> None:
    """Write tensors in the format that the suffix says."""
    if path.suffix == ".safetensors":
        safetensors.torch.save_file(tensors, path)
    else:
        torch.save(tensors, path)


def section_of(architecture: str, weights: Weights) -> NetworkSection:
    """The network section for float64 weights named by their roles."""
    tensors = {}
    for role, values in weights.items():
        data = values.astype("<f8").tobytes()
        tensors[role] = TensorSection("float64", values.shape, hashlib.sha256(data).hexdigest(), data)
    return NetworkSection(architecture, None, {role: role for role in weights}, tensors)


def network_of(architecture: str, weights: Weights) -> Network:
    """The folded network for float64 weights named by their roles, none of them transposed."""
    first = weights["embedding"] if "embedding" in weights else weights["left"]
    return check_network(section_of(architecture, weights), len(first))


# Slow and exact evaluation.


def fractions_of(matrix: DyadicMatrix) -> NDArray[Any]:
    """The entries as fractions in an object array."""
    rows, columns = matrix.shape
    flat = [Fraction(int(v), 1 << matrix.bits) for v in matrix.numerators.entries()]
    return np.array(flat, dtype=object).reshape(rows, columns)


def exact(values: NDArray[np.float64]) -> NDArray[Any]:
    """Floats as fractions in an object array."""
    flat = [Fraction(float(v)) for v in values.ravel()]
    return np.array(flat, dtype=object).reshape(values.shape)


def compute_logits(a: NDArray[Any], c: NDArray[Any], U: NDArray[Any], beta: NDArray[Any]) -> NDArray[Any]:
    """beta_z + sum_i U_zi relu(a_xi + c_yi) at [x, y, z], in the arithmetic of the entries."""
    hidden = np.maximum(a[:, None, :] + c[None, :, :], 0)
    logits: NDArray[Any] = hidden @ U.T + beta
    return logits


def count_correct_slowly(logits: NDArray[Any], table: Table) -> int:
    """The pairs whose product has a larger logit than every other element: a tie is not correct."""
    n = len(table)
    correct = 0
    for x, y in itertools.product(range(n), repeat=2):
        rivals = [logits[x, y, z] for z in range(n) if z != table[x, y]]
        correct += all(logits[x, y, table[x, y]] > rival for rival in rivals)
    return correct

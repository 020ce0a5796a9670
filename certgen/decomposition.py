"""A user's claim about which irreps the neurons carry: read, checked, and never silently replaced."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from certcheck.model_file import read_bytes
from certgen.explanation import IrrepPart, compute_integer_basis
from certgen.failure import ExitCode, Failure, failing_as
from certgen.representation import Irrep

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from certcheck.group import Group
    from certgen.cells import Cells

TOLERANCE = 1e-6
# More than half of a neuron's unembedding must lie in the irrep that it is said to carry.
LEAST_SHARE = 0.5


def read_decomposition(path: str, group: str | None) -> list[dict[str, Any]]:
    """The claims of a file (docs/format.md). Errors: Failure (DECOMPOSITION)."""
    with failing_as(ExitCode.DECOMPOSITION):
        data = read_bytes(path)
    try:
        value = json.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise _failure(path, f"cannot be read as JSON: {error}") from error
    claims = value.get("representations") if isinstance(value, dict) else None
    if not isinstance(claims, list) or not all(isinstance(claim, dict) for claim in claims) or not claims:
        raise _failure(path, "expected an object with a list `representations`, not empty")
    if value.get("group") not in (None, group):
        raise _failure(path, f"the claimed group is {value['group']}, that of the model is {group or 'without a name'}")
    for i, claim in enumerate(claims):
        neurons = claim.get("neurons")
        if not isinstance(neurons, list) or not all(type(k) is int for k in neurons):
            raise _failure(path, f"representations[{i}].neurons: expected a list of neuron indices")
        if ("irrep" in claim) == ("matrices" in claim) or not set(claim) <= {"irrep", "matrices", "neurons"}:
            raise _failure(path, f"representations[{i}]: expected `neurons` and either `irrep` or `matrices`")
    return claims


def apply_decomposition(
    path: str, claims: list[dict[str, Any]], G: Group, irreps: list[Irrep], cells: Cells, U: NDArray[np.float64]
) -> list[IrrepPart]:
    """The parts that the claims stand for, each claim checked; U: (n, m), the unembedding of the neurons.

    Errors: Failure (DECOMPOSITION) with the claim that is false and by how much.
    """
    named = {irrep.name: irrep for irrep in irreps}
    used: set[int] = set()
    parts = []
    for i, claim in enumerate(claims):
        where = f"representations[{i}]"
        if "irrep" in claim and claim["irrep"] not in named:
            raise _failure(path, f"{where}: no irrep {claim['irrep']!r}; there are {', '.join(named)}")
        irrep = named[claim["irrep"]] if "irrep" in claim else _read_matrices(path, where, claim["matrices"], G)
        neurons: list[int] = claim["neurons"]
        if any(not 0 <= k < U.shape[1] for k in neurons) or used & set(neurons) or len(set(neurons)) < len(neurons):
            raise _failure(path, f"{where}.neurons: expected indices from 0 to {U.shape[1] - 1}, each once in the file")
        used |= set(neurons)
        features = np.einsum("zab,qab->zq", irrep.matrices, compute_integer_basis(irrep))
        features /= np.sqrt((features**2).sum(axis=0))
        for k in neurons:
            share = float(((features.T @ U[:, k]) ** 2).sum() / max((U[:, k] ** 2).sum(), 1e-300))
            if share <= LEAST_SHARE:
                sentence = (
                    f"neuron {k} is said to carry {irrep.name}, but only {share:.1%} of its unembedding lies in it"
                )
                raise _failure(path, f"{where}: {sentence}, expected more than {LEAST_SHARE:.0%}")
        members = sorted({int(cells.cell[k]) for k in neurons if cells.cell[k] >= 0})
        scale = (np.einsum("zab,qab->zq", irrep.matrices, compute_integer_basis(irrep)) ** 2).sum(axis=0)
        fitted = np.einsum("zab,qab,zj->jq", irrep.matrices, compute_integer_basis(irrep), cells.U[:, members]) / scale
        parts.append(IrrepPart(irrep, members, fitted))
    return parts


def _read_matrices(path: str, where: str, given: Any, G: Group) -> Irrep:  # noqa: ANN401 - JSON has no narrower type
    """The representation that matrices of generating elements stand for, extended by products and checked."""
    try:
        generators = {int(label): np.array(matrix, dtype=np.float64) for label, matrix in given.items()}
        shapes = {matrix.shape for matrix in generators.values()}
        d = next(iter(shapes))[0]
        right = shapes == {(d, d)} and all(0 <= label < G.order for label in generators)
    except (AttributeError, TypeError, ValueError, StopIteration, IndexError):
        right = False
    if not right:
        raise _failure(path, f"{where}.matrices: expected an object from labels 0..{G.order - 1} to d x d matrices")
    matrices = np.full((G.order, d, d), np.nan)
    matrices[G.identity] = np.eye(d)
    for x in (queue := [G.identity]):
        for g, matrix in generators.items():
            gx = int(G.table[g, x])
            if np.isnan(matrices[gx, 0, 0]):
                matrices[gx] = matrix @ matrices[x]
                queue.append(gx)
    if len(queue) < G.order:
        raise _failure(path, f"{where}.matrices: the labels generate {len(queue)} of {G.order} elements")
    wrong = max(float(np.abs(matrices[G.table[g]] - m @ matrices).max()) for g, m in generators.items())
    skew = float(np.abs(matrices.transpose(0, 2, 1) @ matrices - np.eye(d)).max())
    for what, size in (("no homomorphism", wrong), ("not orthogonal", skew)):
        if not size <= TOLERANCE:
            raise _failure(path, f"{where}.matrices: {what}: off by {size:.3g}, expected at most {TOLERANCE:g}")
    unit = np.eye(d * d).reshape(d * d, d, d)
    return Irrep(f"claimed {where}", "real", matrices, unit)


def _failure(path: str, sentence: str) -> Failure:
    return Failure(ExitCode.DECOMPOSITION, f"{path}: {sentence}")

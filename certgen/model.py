"""The model file: tensors, architecture, exact folding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from certcheck.comparison import find_architecture, read_instance
from certcheck.document import NetworkSection
from certcheck.model_file import read_model
from certcheck.network import TRANSPOSED, Network, check_network
from certgen.failure import ExitCode, failing_as

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from certcheck.exact import DyadicMatrix


@dataclass(frozen=True, slots=True)
class Model:
    """A model file as a certificate will hold it, and the network that it folds to."""

    section: NetworkSection
    network: Network


def load_model(path: str, architecture: str | None, instance: int | None) -> Model:
    """The network of a model file. Errors: Failure (MODEL) if it is not one that can be certified."""
    with failing_as(ExitCode.MODEL):
        tensors = read_model(path)
        assignment = find_architecture(architecture, tensors, path)
        taken, tensors = read_instance(path, assignment, tensors, instance)
        section = NetworkSection(assignment.architecture.name, taken, assignment.roles, tensors)
        return Model(section, check_network(section, _find_order(section)))


def _find_order(section: NetworkSection) -> int:
    """The number of rows of the first embedding, which every architecture has as its first role."""
    role, tensor = next(iter(section.roles.items()))
    shape = section.tensors[tensor].shape or (0,)
    return shape[-1] if role.endswith(TRANSPOSED) else shape[0]


def approximate(matrix: DyadicMatrix) -> NDArray[np.float64]:
    """A dyadic matrix in float64: for guesses only. Overflow gives an infinity."""
    scale = 1 << matrix.bits
    rows = matrix.numerators.tolist()
    return np.array([[_divide(int(v), scale) for v in row] for row in rows])


def _divide(numerator: int, denominator: int) -> float:
    try:
        return numerator / denominator
    except OverflowError:
        return np.inf if numerator > 0 else -np.inf

"""The model, from a file or from torch: tensors, architecture, exact folding."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from certcheck.comparison import find_architecture, read_instance
from certcheck.document import NetworkSection
from certcheck.model_file import parse_model, read_model
from certcheck.network import TRANSPOSED, Network, check_network
from certgen.failure import ExitCode, Failure, failing_as

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from certcheck.document import TensorSection
    from certcheck.exact import DyadicMatrix

# A file, a state dict, or a module with one.
ModelLike: TypeAlias = "str | os.PathLike[str] | Mapping[str, torch.Tensor] | torch.nn.Module"


@dataclass(frozen=True, slots=True)
class Model:
    """A model as a certificate will hold it, and the network that it folds to; its file's or its class's name."""

    name: str
    section: NetworkSection
    network: Network


def load_model(given: ModelLike, architecture: str | None, instance: int | None) -> Model:
    """The network of a model. Errors: Failure (MODEL) if it cannot be certified, TypeError if it is none."""
    name = os.fspath(given) if isinstance(given, str | os.PathLike) else type(given).__name__
    with failing_as(ExitCode.MODEL):
        tensors = read_model(name) if isinstance(given, str | os.PathLike) else _read_state(given, name)
        assignment = find_architecture(architecture, tensors, name)
        taken, tensors = read_instance(name, assignment, tensors, instance)
        section = NetworkSection(assignment.architecture.name, taken, assignment.roles, tensors)
        return Model(name, section, check_network(section, _find_order(section)))


def _read_state(given: Mapping[str, torch.Tensor] | torch.nn.Module, name: str) -> dict[str, TensorSection]:
    """The tensors as they would be in the file that `torch.save` makes of the state dict, wherever they are now."""
    if not isinstance(given, Mapping) and not hasattr(given, "state_dict"):
        raise TypeError(f"expected a model file, a state dict or a torch.nn.Module, got {name}")
    # torch takes a second to load, and whoever has such a model has loaded it.
    import torch  # noqa: PLC0415

    file = io.BytesIO()
    try:
        torch.save(dict(given if isinstance(given, Mapping) else given.state_dict()), file)
    except Exception as error:
        # torch gives no closed list of what a module's parameters raise.
        sentence = (
            f"{name}: its parameters cannot be read: {type(error).__name__}: {' '.join(str(error).split())[:160]}"
        )
        raise Failure(ExitCode.MODEL, sentence) from error
    return parse_model(file.getvalue(), name)


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

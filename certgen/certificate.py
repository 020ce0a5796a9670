"""The canonical writer: the same input gives the same bytes (docs/format.md)."""

from __future__ import annotations

import base64
import dataclasses
import json
from typing import TYPE_CHECKING, Any

import numpy as np

from certcheck.document import (
    END,
    FORMAT,
    CircuitSection,
    EquivariantSection,
    ExhaustiveSection,
    GroupSection,
    MethodSection,
    NetworkSection,
    RepresentationSection,
    StatementSection,
)
from certcheck.verdict import FORMAT_VERSION

if TYPE_CHECKING:
    from numpy.typing import NDArray


def write_certificate(
    statement: StatementSection,
    group: GroupSection,
    network: NetworkSection,
    method: MethodSection,
) -> bytes:
    """The certificate's bytes: one line a section, no other white space."""
    sections: dict[str, Any] = {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "statement": dataclasses.asdict(statement),
        "group": {
            "name": group.name,
            "labels_from": group.labels_from,
            "degree": group.elements.shape[1],
            "elements": group.elements.tolist(),
        },
        "network": {
            "architecture": network.architecture,
            "instance": network.instance,
            "roles": network.roles,
            # In the order of the roles: that of the file means nothing.
            "tensors": {name: _tensor(network, name) for name in network.roles.values()},
        },
        "method": _method(method),
        "end": END,
    }
    lines = [f"{json.dumps(key)}:{json.dumps(value, separators=(',', ':'))}" for key, value in sections.items()]
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode("ascii")


def _tensor(network: NetworkSection, name: str) -> dict[str, Any]:
    tensor = network.tensors[name]
    return {
        "dtype": tensor.dtype,
        "shape": list(tensor.shape),
        "sha256": tensor.sha256,
        "data": base64.b64encode(tensor.data).decode("ascii"),
    }


def _method(method: MethodSection) -> dict[str, Any]:
    if isinstance(method, ExhaustiveSection):
        return {"name": "exhaustive", **_scales(method)}
    if isinstance(method, EquivariantSection):
        return {"name": "equivariant", **_equivariant(method)}
    return {
        "name": "rho-set",
        "activation_bits": method.activation_bits,
        "unembedding_bits": method.unembedding_bits,
        "scale_bits": method.scale_bits,
        "table_bits": method.table_bits,
        "gsets": [_array(gset) for gset in method.gsets],
        "circuits": [_circuit(circuit) for circuit in method.circuits],
        "neurons": _array(method.neurons),
        "error_terms": method.error_terms,
        "remaining": None if method.remaining is None else _equivariant(method.remaining),
        "cases": None if method.cases is None else _scales(method.cases),
    }


def _equivariant(method: EquivariantSection) -> dict[str, Any]:
    return {
        "activation_bits": method.activation_bits,
        "unembedding_bits": method.unembedding_bits,
        "scale_bits": method.scale_bits,
        "representation_bits": method.representation_bits,
        "coefficient_bits": method.coefficient_bits,
        "table_bits": method.table_bits,
        "cells": method.cells,
        "neurons": _array(method.neurons),
        "representations": [_representation(representation) for representation in method.representations],
        "error_terms": method.error_terms,
        "cases": None if method.cases is None else _scales(method.cases),
    }


def _circuit(section: CircuitSection) -> dict[str, Any]:
    return {
        "left": section.left,
        "right": section.right,
        "phi": _array(section.phi),
        "phi_prime": _array(section.phi_prime),
        "kernel": _array(section.kernel),
        "left_kernel": _array(section.left_kernel),
        "right_kernel": _array(section.right_kernel),
        "middle": section.middle,
    }


def _scales(section: ExhaustiveSection) -> dict[str, int]:
    return {"activation_bits": section.activation_bits, "unembedding_bits": section.unembedding_bits}


def _representation(section: RepresentationSection) -> dict[str, Any]:
    return {
        "name": section.name,
        "permutations": _array(section.permutations),
        "signs": _array(section.signs),
        "matrices": _array(section.matrices),
        "cells": _array(section.cells),
        "positions": _array(section.positions),
        "coefficients": _array(section.coefficients),
        "basis": _array(section.basis),
        "left": _array(section.left),
        "right": _array(section.right),
        "middle": _array(section.middle),
        "constants_to": section.constants_to,
    }


def _array(values: NDArray[np.int64] | None) -> dict[str, Any] | None:
    """Packed in the smallest type that holds every entry."""
    if values is None:
        return None
    low, high = int(values.min(initial=0)), int(values.max(initial=0))
    dtype = next(t for t in ("int8", "int16", "int32") if np.iinfo(t).min <= low and high <= np.iinfo(t).max)
    data = values.astype(np.dtype(dtype).newbyteorder("<")).tobytes()
    return {"dtype": dtype, "shape": list(values.shape), "data": base64.b64encode(data).decode("ascii")}

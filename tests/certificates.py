"""Small certificates built by hand, as JSON to be edited.

The network has a neuron for each pair (u, v): relu([x = u] + [y = v] - 1) is 1 on its pair and 0 elsewhere, and its
output is the product uv. So every margin is exactly 1, whatever the group.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

S3 = [list(p) for p in itertools.permutations(range(3))]
C3 = [[0, 1, 2], [1, 2, 0], [2, 0, 1]]
C1 = [[0]]


def multiplication_table(elements: list[list[int]]) -> NDArray[np.int64]:
    """The table of permutations, by composing them one pair at a time."""
    return np.array([[elements.index([x[i] for i in y]) for y in elements] for x in elements])


def pair_detectors(elements: list[list[int]]) -> dict[str, NDArray[np.float32]]:
    """The weights of the network above, for the architecture `direct`."""
    n = len(elements)
    table = multiplication_table(elements)
    eye = np.eye(n, dtype=np.float32)
    return {
        "left": np.repeat(eye, n, axis=1),
        "right": np.tile(eye, (1, n)) - np.float32(1),
        "out": eye[table.ravel()],
    }


def tensor(values: NDArray[Any], dtype: str | None = None) -> dict[str, Any]:
    """A tensor section; a dtype of its own says how the bytes are to be read."""
    data = values.tobytes()
    return {
        "dtype": dtype or str(values.dtype),
        "shape": list(values.shape),
        "sha256": hashlib.sha256(data).hexdigest(),
        "data": base64.b64encode(data).decode("ascii"),
    }


def certificate(
    elements: list[list[int]],
    weights: dict[str, NDArray[Any]] | None = None,
    architecture: str = "direct",
    correct: int | None = None,
) -> dict[str, Any]:
    """A certificate that all pairs are correct, of the network above or of these weights (role to tensor)."""
    weights = pair_detectors(elements) if weights is None else weights
    return {
        "format": "certgen certificate",
        "version": 1,
        "statement": {
            "correct_pairs_at_least": len(elements) ** 2 if correct is None else correct,
            "pairs": len(elements) ** 2,
            "smallest_certified_margin": None,
            "float32_correct_pairs_at_least": None,
            "unit_roundoff_bits": None,
            "cross_entropy_upper_bound": None,
            "cross_entropy_effort": None,
        },
        "group": {
            "name": None,
            "labels_from": "given",
            "degree": len(elements[0]),
            "elements": [list(x) for x in elements],
        },
        "network": {
            "architecture": architecture,
            "instance": None,
            "roles": {role: role for role in weights},
            "tensors": {role: tensor(values) for role, values in weights.items()},
        },
        "method": {"name": "exhaustive", "activation_bits": 10, "unembedding_bits": 10},
        "end": "end of certificate",
    }


def encode(document: Any) -> bytes:
    """The bytes of a certificate."""
    return json.dumps(document).encode("ascii")

"""The canonical writer: the same input gives the same bytes (docs/format.md)."""

from __future__ import annotations

import base64
import json
from typing import Any

from certcheck.document import END, FORMAT, ExhaustiveSection, GroupSection, NetworkSection, StatementSection
from certcheck.verdict import FORMAT_VERSION


def write_certificate(
    statement: StatementSection, group: GroupSection, network: NetworkSection, method: ExhaustiveSection
) -> bytes:
    """The certificate's bytes: one line a section, no other white space."""
    sections: dict[str, Any] = {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "statement": {"correct_pairs_at_least": statement.correct_pairs_at_least, "pairs": statement.pairs},
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
        "method": {
            "name": "exhaustive",
            "activation_bits": method.activation_bits,
            "unembedding_bits": method.unembedding_bits,
        },
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

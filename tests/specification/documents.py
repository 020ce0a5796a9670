"""Whole certificates, as JSON to be edited, around the sections that the other tests build."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import numpy as np

from certcheck.network import Network
from certcheck.verdict import Refusal
from certcheck.check import check
from certcheck.comparison import Auditor
from certcheck.document import EquivariantSection, ExhaustiveSection
from certcheck.group import Group
from certcheck.verdict import Reason
from certcheck.specification.certificate import specify
from certcheck.specification.decision import Decision, Status
from tests.certificates import certificate, encode
from tests.equivariant_sections import write_method
from tests.rhoset_sections import read_exactly, write_rho_set

CASES = {"activation_bits": 10, "unembedding_bits": 10}
# What certcheck may refuse of a certificate that proves its claim: its own roundings, widths of integers, and limits.
ITS_OWN = {Reason.BOUND_TOO_HIGH, Reason.ERROR_TERM_TOO_LOW, Reason.SCALE_TOO_FINE, Reason.RESIDUALS_TOO_LARGE}


def write_document(example: Any, correct: int = 0) -> dict[str, Any]:
    """The certificate of an example's network, group and section, which claims so much."""
    network: Network = example.network
    matrices = {"left": network.a, "right": network.c, "out": network.U, "out_bias": network.beta}
    weights = {
        role: np.array([[float(value) for value in row] for row in read_exactly(matrix)])
        for role, matrix in matrices.items()
    }
    weights["out"], weights["out_bias"] = weights["out"].T.copy(), weights["out_bias"][0]
    document = certificate(example.G.elements.tolist(), weights, correct=correct)
    write = write_method if isinstance(example.section, EquivariantSection) else write_rho_set
    return document | {"method": write(example.section)}

"""The claims beside correct pairs, written into certificates; the most that certcheck accepts of them."""

from __future__ import annotations

import base64
import copy
import math
from fractions import Fraction
from typing import Any

import numpy as np

from certcheck.verdict import Reason
from tests.certificates import tensor
from tests.specification.documents import certcheck

PLACES = 18
EFFORT = {"scan_above": 0, "evaluate_above": 0}


def write_decimal(value: Fraction, *, up: bool = False) -> str:
    """The value with as many places as the format has, rounded."""
    units = (math.ceil if up else math.floor)(value * 10**PLACES)
    return f"{units // 10**PLACES}.{units % 10**PLACES:0{PLACES}}"


def claim(document: dict[str, Any], **claims: Any) -> dict[str, Any]:
    """A copy with these claims: `correct`, `margin`, `float32`, `bits`, `cross_entropy`, `effort`."""
    keys = {
        "correct": "correct_pairs_at_least",
        "margin": "smallest_certified_margin",
        "float32": "float32_correct_pairs_at_least",
        "bits": "unit_roundoff_bits",
        "cross_entropy": "cross_entropy_upper_bound",
        "effort": "cross_entropy_effort",
    }
    claims = ({"bits": 24} if "float32" in claims else {}) | claims
    claims = ({"effort": EFFORT} if "cross_entropy" in claims else {}) | claims
    return document | {"statement": document["statement"] | {keys[name]: value for name, value in claims.items()}}


def to_binary32(document: dict[str, Any]) -> dict[str, Any]:
    """A copy whose weights, float64 ones, are rounded to float32."""
    changed = copy.deepcopy(document)
    for name, stored in changed["network"]["tensors"].items():
        values = np.frombuffer(base64.b64decode(stored["data"]), "<f8").reshape(stored["shape"])
        changed["network"]["tensors"][name] = tensor(values.astype(np.float32))
    return changed


def claim_most(document: dict[str, Any], bits: int, effort: dict[str, int]) -> dict[str, Any]:
    """A copy with the largest claims that certcheck accepts, read off its refusals; without those it never does."""
    n = len(document["group"]["elements"])
    verdict = certcheck(claim(document, correct=n**2 + 1))
    if verdict.reason is Reason.BOUND_TOO_HIGH and read_number(verdict.expected) > n:
        document = claim(document, correct=int(read_number(verdict.expected)))
    verdict = certcheck(claim(document, margin="999999999.0"))
    if verdict.reason is Reason.MARGIN_TOO_HIGH:
        document = claim(document, margin=write_decimal(read_number(verdict.expected)))
    verdict = certcheck(claim(document, cross_entropy="0.0", effort=effort))
    if verdict.reason is Reason.CROSS_ENTROPY_TOO_LOW:
        # The refusal quotes the bound in float64, rounded to nearest.
        bound = read_number(verdict.expected) * (1 + Fraction(1, 2**50))
        document = claim(document, cross_entropy=write_decimal(bound, up=True), effort=effort)
    verdict = certcheck(claim(document, float32=n**2 + 1, bits=bits))
    if verdict.reason is Reason.FLOAT32_BOUND_TOO_HIGH and read_number(verdict.expected) > n:
        document = claim(document, float32=int(read_number(verdict.expected)), bits=bits)
    return document


def read_number(expected: str) -> Fraction:
    """The number in `at most 3/4, all that was proved` or `at least 0.5`."""
    return Fraction(expected.split()[2].rstrip(","))

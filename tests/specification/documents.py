"""Whole certificates, as JSON to be edited, around the sections that the other tests build; both checkers on them."""

from __future__ import annotations

import copy
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from certcheck.comparison import Auditor
from certcheck.decision import check
from certcheck.document import EquivariantSection
from certcheck.specification.certificate import specify
from certcheck.specification.decision import Decision, Status
from certcheck.verdict import Reason, Refusal
from tests.certificates import certificate, encode
from tests.equivariant_sections import write_method
from tests.rhoset_sections import read_exactly, write_rho_set

CASES = {"activation_bits": 10, "unembedding_bits": 10}
KEPT = "disagreements-kept"
# What certcheck may refuse of a certificate that proves its claims: its own roundings and widths of integers.
ITS_OWN = {
    Reason.BOUND_TOO_HIGH,
    Reason.MARGIN_TOO_HIGH,
    Reason.FLOAT32_BOUND_TOO_HIGH,
    Reason.CROSS_ENTROPY_TOO_LOW,
    Reason.ERROR_TERM_TOO_LOW,
    Reason.SCALE_TOO_FINE,
    Reason.RESIDUALS_TOO_LARGE,
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What certcheck says: the reason of a refusal, or the numbers of a proof."""

    reason: Reason | None
    where: str = ""
    expected: str = ""
    by_argument: int = 0
    by_cases: int = 0


def write_document(example: Any, cases: Any = None) -> dict[str, Any]:
    """The certificate of an example's network, group and section, which claims one pair more than chance."""
    matrices = {"left": example.network.a, "right": example.network.c, "out": example.network.U}
    rows = {
        role: [[float(value) for value in row] for row in read_exactly(matrix)] for role, matrix in matrices.items()
    }
    weights = {role: np.array(values) for role, values in rows.items()}
    weights["out"] = weights["out"].T.copy()
    weights["out_bias"] = np.array([float(value) for value in read_exactly(example.network.beta)[0]])
    elements = example.G.elements.tolist()
    document = certificate(elements, weights, correct=len(elements) + 1)
    is_equivariant = isinstance(example.section, EquivariantSection)
    method = write_method(example.section) if is_equivariant else write_rho_set(example.section)
    return document | {"method": method | {"cases": cases}}


def certcheck(document: dict[str, Any], arithmetic: str = "float64") -> Verdict:
    """What certcheck says."""
    try:
        proof = check(encode(document), Auditor(arithmetic=arithmetic))
    except Refusal as refusal:
        return Verdict(refusal.reason, refusal.where, str(refusal.expected))
    return Verdict(None, "", "", proof.pairs_by_argument, proof.pairs_by_cases)


def compare(document: dict[str, Any]) -> tuple[Verdict, Decision]:
    """What both say; they agree.

    What certcheck verifies is verified, with as many pairs by the argument and as many in all; what it refuses is
    refused, but for its own roundings and limits, where nothing is known. A certificate of which that is not so is
    kept as a file.
    """
    verdict, decision = certcheck(document), specify(encode(document))
    counts_all = document["method"].get("cases", CASES) is not None
    agree = True
    if verdict.reason is None:
        in_all = decision.by_argument + decision.by_cases, verdict.by_argument + verdict.by_cases
        agree = decision.status is Status.VERIFIED and decision.by_argument >= verdict.by_argument
        agree = agree and (in_all[0] == in_all[1] or not counts_all)
    elif verdict.reason.status.name != "LIMIT":
        # Where every pair is counted, a claim above the count is refused by both.
        own = ITS_OWN - {Reason.BOUND_TOO_HIGH} if counts_all else ITS_OWN
        agree = verdict.reason in own or decision.status is not Status.VERIFIED
    assert agree, f"{keep(document)}: {verdict}, specification {decision}"
    return verdict, decision


def keep(document: dict[str, Any]) -> Path:
    """The certificate as a file, named by what it holds."""
    data = encode(document)
    path = Path(KEPT) / f"{hashlib.sha256(data).hexdigest()[:16]}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    return path


def find_place(document: dict[str, Any], path: str) -> tuple[Any, str]:
    """The object that holds the last key of a dotted path, with indices in brackets, and that key."""
    *parents, last = path.replace("[", ".").replace("]", "").split(".")
    place: Any = document
    for key in parents:
        place = place[int(key) if isinstance(place, list) else key]
    return place, last


def set_value(document: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy with another value at a dotted path, in which numbers are indices of lists."""
    changed = copy.deepcopy(document)
    place, last = find_place(changed, path)
    place[int(last) if isinstance(place, list) else last] = value
    return changed


def set_least_terms(document: dict[str, Any]) -> dict[str, Any]:
    """A copy with the smallest error terms that certcheck accepts, if it comes to asking for them."""
    changed = copy.deepcopy(document)
    for section in (changed["method"], changed["method"].get("remaining")):
        if isinstance(section, dict) and isinstance(section.get("error_terms"), dict):
            section["error_terms"] = dict.fromkeys(section["error_terms"], 0)
    while (verdict := certcheck(changed)).reason is Reason.ERROR_TERM_TOO_LOW:
        place, last = find_place(changed, verdict.where)
        place[last] = int(verdict.expected.removeprefix("at least "))
    return changed

"""What the answers of the checkers to one certificate are worth: refused for a reason, true, or a bug of ours."""

from __future__ import annotations

import dataclasses
import enum
import json
import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

import certcheck.check
import certcheck.specification.certificate
from certcheck.comparison import Auditor
from certcheck.document import parse_certificate
from certcheck.specification.decision import Status as SpecifiedStatus
from certcheck.specification.group import compute_named
from certcheck.verdict import BINARY32_BITS, Proof, Reason, Refusal, Status
from tests.audit.truth import NoTruthError, Truth, count_in_floats, find_truth
from tests.specification.documents import ITS_OWN

Answer = Proof | Refusal | Exception

NOBODY = Auditor()
BITS = "unit_roundoff_bits"
CLAIMS = ("smallest_certified_margin", "float32_correct_pairs_at_least", "cross_entropy_upper_bound")
INT64 = Auditor(arithmetic="int64")
PROVED = re.compile(r"at most ([0-9]+(?:/[0-9]+)?), all that was proved")
AT_LEAST = re.compile(r"at least ([-+.0-9e]+)")
# A number in a refusal is rounded to float64.
ROUNDED = Fraction(1, 2**52)
SPECIFIED_ORDER = 60


class Kind(enum.Enum):
    """PINNED: refused. SLACK: accepted, and true. EQUIVALENT: accepted, and what is read is what was. FALSE: a bug."""

    PINNED = "pinned"
    SLACK = "slack"
    EQUIVALENT = "equivalent"
    FALSE = "FALSE"


@dataclass(frozen=True, slots=True)
class Judgement:
    """A kind and why: the reason of a refusal, what is wrong."""

    kind: Kind
    why: str


def answer(data: bytes, auditor: Auditor = NOBODY) -> Answer:
    """What certcheck says, or the exception that it must not raise."""
    try:
        return certcheck.check.check(data, auditor)
    except Refusal as refusal:
        return refusal
    except Exception as error:  # noqa: BLE001 - any other is what is looked for
        return error


def judge(data: bytes, said: Answer, original: tuple[Any, ...] | None = None) -> Judgement:
    """What the answer to this certificate is worth; `original`: the content of the one it was made from."""
    if isinstance(said, Refusal):
        return _judge_refusal(data, said)
    if not isinstance(said, Proof):
        return Judgement(Kind.FALSE, f"{type(said).__name__}: {str(said)[:200]}")
    wrong = find_fault(said, json.loads(data))
    if wrong is not None:
        return Judgement(Kind.FALSE, wrong)
    same = original is not None and read_content(data) == original
    return Judgement(Kind.EQUIVALENT if same else Kind.SLACK, "")


def _judge_refusal(data: bytes, refusal: Refusal) -> Judgement:
    reason = refusal.reason
    if reason.status is Status.ERROR:
        return Judgement(Kind.FALSE, f"{reason.name}: {str(refusal)[:200]}")
    wrong = _find_false_offer(refusal, json.loads(data)) if reason in OFFERS else None
    return Judgement(Kind.PINNED, reason.name) if wrong is None else Judgement(Kind.FALSE, wrong)


OFFERS = {
    Reason.BOUND_TOO_HIGH,
    Reason.MARGIN_TOO_HIGH,
    Reason.FLOAT32_BOUND_TOO_HIGH,
    Reason.CROSS_ENTROPY_TOO_LOW,
}


def _find_false_offer(refusal: Refusal, document: dict[str, Any]) -> str | None:
    """What a lower claim would be accepted with is held against the truth too."""
    reason, truth, statement = refusal.reason, find_truth(document), document["statement"]
    found = (AT_LEAST if reason is Reason.CROSS_ENTROPY_TOO_LOW else PROVED).match(refusal.expected)
    if found is None:
        return None if "None" in refusal.expected else f"an unknown refusal: {refusal.expected}"
    proved = Fraction(found[1])
    if reason is Reason.CROSS_ENTROPY_TOO_LOW:
        is_false, true = proved * (1 + ROUNDED) < truth.cross_entropy, f"{float(truth.cross_entropy)} nats"
    elif reason is Reason.MARGIN_TOO_HIGH:
        count = truth.count(proved)
        is_false, true = count < statement["correct_pairs_at_least"], f"{count} pairs have such margins"
    elif reason is Reason.FLOAT32_BOUND_TOO_HIGH:
        count = _count_in_floats(document)
        is_false, true = proved > count, f"{count} pairs are correct in floating point"
    else:
        is_false, true = proved > truth.correct, f"{truth.correct} pairs are correct"
    return f"{reason.name}: {proved} is proved, {true}" if is_false else None


def _count_in_floats(document: dict[str, Any]) -> int:
    """What holds of the arithmetic that is named holds of binary32 too."""
    return min(count_in_floats(document, bits) for bits in {document["statement"]["unit_roundoff_bits"], BINARY32_BITS})


def find_fault(proof: Proof, document: dict[str, Any]) -> str | None:
    """What the proof says that is not so, if anything."""
    try:
        truth = find_truth(document)
    except (NoTruthError, ArithmeticError, LookupError, TypeError, ValueError) as error:
        return f"accepted without a truth: {type(error).__name__}: {error}"
    proved = proof.pairs_by_argument + proof.pairs_by_cases
    claim, name = document["statement"]["correct_pairs_at_least"], document["group"]["name"]
    faults = {
        f"{claim} pairs are claimed, {truth.correct} are correct": claim > truth.correct,
        f"{proved} pairs are proved, {truth.correct} are correct": proved > truth.correct,
        f"{proved} pairs by evaluation, {truth.correct} are correct": proved != truth.correct and _has_cases(document),
        "another claim is printed": (proof.correct_pairs_at_least, proof.pairs) != (claim, truth.pairs),
        "no more than chance": claim <= proof.order > 1 or claim == 0,
        f"another group's name, {name}": name is not None and not _is_name_of(name, document),
    }
    return next((fault for fault, found in faults.items() if found), None) or find_false_claim(proof, document, truth)


def find_false_claim(proof: Proof, document: dict[str, Any], truth: Truth) -> str | None:
    """What the proof says beside correct pairs that is not so, if anything."""
    statement, edges = document["statement"], list(proof.certified_margins)
    margin, float32, entropy = (statement[key] for key in CLAIMS)
    proved = (proof.float32_pairs_by_argument or 0) + (proof.float32_pairs_by_cases or 0)
    histogram = [sum(list(proof.certified_margins.values())[i:]) for i in range(len(edges))]
    faults = {
        "another claim is printed": any(getattr(proof, key) != statement[key] for key in (*CLAIMS, BITS)),
        f"margins of {margin}": margin is not None
        and truth.count(Fraction(margin)) < statement["correct_pairs_at_least"],
        f"a cross-entropy of {entropy}, it is {float(truth.cross_entropy)}": entropy is not None
        and Fraction(entropy) < truth.cross_entropy,
        "certified margins that are no true ones": any(
            truth.count(Fraction(edge)) < count for edge, count in zip(edges, histogram, strict=True)
        ),
        "margins of other pairs than those that are proved": histogram[0]
        != proof.pairs_by_argument + proof.pairs_by_cases,
        "more than chance in binary32": float32 is not None and (float32 <= proof.order > 1 or float32 == 0),
        f"{float32} of binary32, {proved} proved": float32 is not None and float32 > proved,
    }
    found = next((fault for fault, is_so in faults.items() if is_so), None)
    if found is None and float32 is not None and proved > (count := _count_in_floats(document)):
        return f"{proved} pairs proved of floating point, which gets {count} right"
    return found


def _has_cases(document: dict[str, Any]) -> bool:
    """Whether every pair is decided."""
    return document["method"]["name"] == "exhaustive" or document["method"]["cases"] is not None


def _is_name_of(name: str, document: dict[str, Any]) -> bool:
    """Whether the name stands for these permutations, by the specification; beyond its order nobody is asked."""
    elements = {tuple(x) for x in document["group"]["elements"]}
    return len(elements) > SPECIFIED_ORDER or elements == compute_named(name)


def judge_both(data: bytes, said: Answer) -> str | None:
    """Where certcheck, which said so, and its specification differ and must not, if anywhere."""
    specified = certcheck.specification.certificate.specify(data)
    is_specified = specified.status is SpecifiedStatus.VERIFIED
    if isinstance(said, Proof):
        return None if is_specified else f"certcheck VERIFIED, specification {specified}"
    if not is_specified:
        return None
    reason = said.reason if isinstance(said, Refusal) else None
    if reason in ITS_OWN or (reason is not None and reason.status is Status.LIMIT):
        return None
    return f"specification VERIFIED, certcheck {reason.name if reason else type(said).__name__}: {said}"


def judge_arithmetics(data: bytes, first: Answer) -> str | None:
    """Where float64, which gave the first answer, and int64 differ, if anywhere."""
    second = answer(data, INT64)
    if isinstance(first, Proof) and isinstance(second, Proof):
        same = dataclasses.replace(first, arithmetic="int64") == second
    elif isinstance(first, Refusal) and isinstance(second, Refusal):
        same = (first.reason, first.where, str(first)) == (second.reason, second.where, str(second))
    else:
        same = False
    return None if same else f"float64: {first!r}; int64: {second!r}"


def read_content(data: bytes) -> tuple[Any, ...]:
    """What a certificate says, less what is for the reader: names, where labels are from, the instance."""
    certificate = parse_certificate(data)
    group = dataclasses.replace(certificate.group, name=None, labels_from="")
    tensors = certificate.network.tensors
    roles = {role: tensors[name] for role, name in sorted(certificate.network.roles.items()) if name in tensors}
    network = (certificate.network.architecture, roles)
    return _freeze((certificate.statement, group, network, _drop_names(certificate.method)))


def _drop_names(method: Any) -> Any:
    if getattr(method, "remaining", None) is not None:
        return dataclasses.replace(method, remaining=_drop_names(method.remaining))
    if hasattr(method, "representations"):
        parts = tuple(dataclasses.replace(part, name=None) for part in method.representations)
        return dataclasses.replace(method, representations=parts)
    return method


def _freeze(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return tuple(_freeze(getattr(value, field.name)) for field in dataclasses.fields(value))
    if isinstance(value, np.ndarray):
        return (value.shape, value.tobytes())
    if isinstance(value, dict):
        return tuple((key, _freeze(item)) for key, item in sorted(value.items()))
    return tuple(map(_freeze, value)) if isinstance(value, tuple | list) else value

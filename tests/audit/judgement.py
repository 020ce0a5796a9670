"""What the answers of the checkers to one certificate are worth: refused for a reason, true, or a bug of ours."""

from __future__ import annotations

import dataclasses
import enum
import json
import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np

import certcheck.decision
import certcheck.specification.certificate
from certcheck.comparison import Auditor
from certcheck.document import parse_certificate
from certcheck.specification.decision import Decision
from certcheck.specification.decision import Status as SpecifiedStatus
from certcheck.specification.group import compute_named
from certcheck.verdict import Proof, Reason, Refusal, Status
from tests.audit.truth import NoTruthError, bound_claims, find_truth
from tests.specification.documents import ITS_OWN
from tests.vectors.truth import compute_cross_entropy, count_correct, count_in_floats, find_margins

Answer = Proof | Refusal | Exception

NOBODY = Auditor()
INT64 = Auditor(arithmetic="int64")
PROVED = re.compile(r"at most ([0-9]+), all that was proved")
SPECIFIED_ORDER = 60
# From this order on rationals are too slow for what is claimed of every margin.
LARGE = 24


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
        return certcheck.decision.check(data, auditor)
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
    proved = PROVED.match(refusal.expected)
    # What a lower claim would be accepted with is held against the truth too.
    if reason is Reason.BOUND_TOO_HIGH and proved is not None:
        truth = find_truth(json.loads(data))
        if int(proved[1]) > truth.correct:
            return Judgement(Kind.FALSE, f"{proved[1]} pairs are proved, {truth.correct} are correct")
    return Judgement(Kind.PINNED, reason.name)


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
    return next((fault for fault, found in (faults | _find_false_claims(document)).items() if found), None)


def _find_false_claims(document: dict[str, Any]) -> dict[str, bool]:
    """What is claimed beside correct pairs, against the rationals and the orders of summation of the vectors' truth."""
    statement = document["statement"]
    least, bits, entropy = (
        statement[key] for key in ("smallest_certified_margin", "unit_roundoff_bits", "cross_entropy_upper_bound")
    )
    if least is bits is entropy is None:
        return {}
    count, nats, rows = _bound_claims(document, Fraction(least or 0))
    claim, as_evaluated = statement["correct_pairs_at_least"], statement["float32_correct_pairs_at_least"]
    return {
        f"margins of {least}": least is not None and count < claim,
        f"a cross-entropy of {entropy}": entropy is not None and nats > Decimal(entropy),
        f"{as_evaluated} pairs with {bits} bits": bits is not None
        and count_in_floats(document, bits, rows) < as_evaluated,
    }


def _bound_claims(document: dict[str, Any], least: Fraction) -> tuple[int, Decimal, slice]:
    """As many pairs as have such margins, the cross-entropy, and the x whose pairs are evaluated in floating point.

    Of a large group no fewer pairs, no more nats, and some of the x: what is false by that is false.
    """
    elements, network = document["group"]["elements"], document["network"]
    bounds = bound_claims(document, least) if len(elements) >= LARGE else None
    if bounds is not None:
        return bounds[0], Decimal(bounds[1]), slice(None, None, 1 + len(elements) // 10)
    margins = _find_margins(json.dumps(elements), json.dumps(network, sort_keys=True))
    return count_correct(margins, least), compute_cross_entropy(margins), slice(None)


@lru_cache(maxsize=256)
def _find_margins(elements: str, network: str) -> list[list[Fraction]]:
    return find_margins({"group": {"elements": json.loads(elements)}, "network": json.loads(network)})


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
        return (
            _compare_counts(said, specified, data) if is_specified else f"certcheck VERIFIED, specification {specified}"
        )
    if not is_specified:
        return None
    reason = said.reason if isinstance(said, Refusal) else None
    if reason in ITS_OWN or (reason is not None and reason.status is Status.LIMIT):
        return None
    return f"specification VERIFIED, certcheck {reason.name if reason else type(said).__name__}: {said}"


def _compare_counts(proof: Proof, decision: Decision, data: bytes) -> str | None:
    """What rounds nothing proves as many pairs by the argument at least, and as many in all where all are decided."""
    mine = proof.pairs_by_argument, proof.pairs_by_argument + proof.pairs_by_cases
    own = decision.by_argument, decision.by_argument + decision.by_cases
    if own[0] < mine[0] or (own[1] != mine[1] and _has_cases(json.loads(data))):
        return f"certcheck proves {mine[0]} by the argument, {mine[1]} in all, specification {own[0]} and {own[1]}"
    return None


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

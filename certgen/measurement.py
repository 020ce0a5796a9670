"""The work on one model of a sweep: what is proved of it, at what cost, what explains it, and what does not."""

from __future__ import annotations

import contextlib
import ctypes
import os
import tempfile
import threading
import time
from dataclasses import asdict, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from certcheck.comparison import Auditor
from certcheck.decision import check
from certcheck.exhaustive import compute_exhaustive_cost
from certcheck.verdict import Refusal
from certgen.cells import is_moderate
from certgen.certificate import write_certificate
from certgen.claims import USUAL, claim
from certgen.equivariant import Search
from certgen.failure import ExitCode, Failure, failing_as
from certgen.generate import Request, find_proposals, prove
from certgen.logits import compute_symmetry, count_correct_pairs, count_structured_pairs
from certgen.progress import silence
from certgen.rhoset import RhoSetResult
from certgen.row import INTERNAL, NOTHING_TO_PROVE, TIMEOUT, WORKER_DIED, Row, Task, begin_row, fail_row
from certgen.shortfall import EXPLAINED, explain_row, measure_counterfactuals, measure_shares
from certgen.subject import Source, Subject, load_subject

if TYPE_CHECKING:
    from collections.abc import Iterator

    from certcheck.verdict import Proof
    from certgen.proposal import Proposal

# Longer messages would make rows that nobody can read.
MAX_MESSAGE = 500


def examine(task: Task) -> tuple[Row, bytes | None]:
    """The row of a model, and its certificate if there is one. Nothing is raised, and no file is left."""
    start, certificate = time.perf_counter(), None
    with tempfile.TemporaryDirectory(prefix="certgen-") as folder, silence():
        try:
            with _deadline(task.timeout):
                row, certificate = _work(task, folder)
        except _OutOfTimeError:
            row = fail_row(task, TIMEOUT, f"it took more than the {task.timeout:g} seconds of --timeout")
        except Failure as failure:
            row = fail_row(task, failure.code.name, _shorten(str(failure), folder))
        except MemoryError:
            row = fail_row(task, WORKER_DIED, "the worker ran out of memory")
        except Exception as error:  # noqa: BLE001 - a bug of ours is a row, and stops no other model
            row = fail_row(task, INTERNAL, _shorten(f"{type(error).__name__}: {error}", folder))
    return row | {"model": task.name, "seconds": time.perf_counter() - start}, certificate


def _shorten(message: str, folder: str) -> str:
    """The message without the worker's folder, which is another one every time."""
    return message.replace(folder + os.sep, "")[:MAX_MESSAGE]


class _OutOfTimeError(BaseException):
    """Raised from outside in the thread that works."""


@contextlib.contextmanager
def _deadline(seconds: float | None) -> Iterator[None]:
    """Raise _OutOfTimeError here after so many seconds, as soon as the step at work is done."""
    if seconds is None:
        yield
        return
    lock, thread, is_done = threading.Lock(), threading.get_ident(), False

    def stop() -> None:
        with lock:
            if not is_done:
                # No signal: a worker's task does not run in the main thread, which alone gets them.
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(_OutOfTimeError))

    timer = threading.Timer(seconds, stop)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        with lock:
            is_done = True
        timer.cancel()


def _work(task: Task, folder: str) -> tuple[Row, bytes | None]:
    """The full row, and the certificate if anything is proved. Errors: Failure."""
    model, group = Path(folder) / Path(task.name).name, task.group
    model.write_bytes(task.data)
    if task.group_data is not None:
        group_file = Path(folder) / "group" / Path(task.group).name
        group_file.parent.mkdir()
        group_file.write_bytes(task.group_data)
        group = str(group_file)
    subject = load_subject(Source(str(model), group, task.options.architecture, task.options.instance))
    network, n = subject.model.network, subject.G.order
    row = begin_row(task) | {
        "group": subject.section.name,
        "order": n,
        "width": network.a.shape[1],
        "architecture": network.assignment.architecture.name,
        "labels_from": subject.section.labels_from,
        "answers_read": subject.answers_read,
        "answers_repaired": subject.answers_repaired,
        "pairs": n * n,
        "multiply_adds_exhaustive": compute_exhaustive_cost(network, subject.G),
    }
    # certcheck compares the certificate with the model file, as an auditor would.
    auditor = Auditor(
        model=str(model),
        instance=subject.model.section.instance,
        group=group if task.group_data is not None else None,
    )
    request = Request(effort=task.options.effort)
    proposal, certificate, proofs = _argue(row, subject, request, auditor)
    if task.options.cases:
        certificate, proof = _certify(row, subject, request, auditor)
        proofs.append(proof)
    _fill_bounds(row, proofs)
    _fill_account(row, subject, proposal)
    return row | explain_row(row), certificate


def _argue(
    row: Row, subject: Subject, request: Request, auditor: Auditor
) -> tuple[Proposal | None, bytes | None, list[Proof | None]]:
    """What the argument proves, and circuits alone: the proposal, its certificate, and its proof."""
    request = replace(request, cases=False)
    start, network, G = time.perf_counter(), subject.model.network, subject.G
    with failing_as(ExitCode.MODEL):
        search = Search(network, G, subject.section.name, None, request.effort)
        proposals = find_proposals(search, request)
    best = max(proposals, key=lambda proposal: proposal.rank, default=None)
    circuits = next((proposal for proposal in proposals if isinstance(proposal, RhoSetResult)), None)
    row["seconds_argument"] = time.perf_counter() - start
    certificate, proof = _prove(subject, best, auditor)
    row["argument_pairs"] = 0 if best is None else best.by_argument
    if best is not None:
        row["argument_cost"] = best.cost["multiply_adds"] / row["multiply_adds_exhaustive"]
    if proof is not None:
        row["argument_method"] = proof.method
        row["argument_float32_pairs"] = proof.float32_correct_pairs_at_least
        row["argument_cross_entropy"] = _to_float(proof.cross_entropy_upper_bound)
        row |= _sum_error_terms(proof)
    _, by_circuits = (None, proof) if circuits is best else _prove(subject, circuits, auditor)
    row |= _find_bound([by_circuits], "rho_sets")
    return best, certificate, [proof]


def _prove(subject: Subject, proposal: Proposal | None, auditor: Auditor) -> tuple[bytes | None, Proof | None]:
    """The certificate of a proposal and what certcheck says that it proves; nothing if that is not above chance.

    Errors: Failure (NOT_VERIFIED).
    """
    n = subject.G.order
    if proposal is None or proposal.by_argument <= _count_chance(n):
        return None, None
    with failing_as(ExitCode.MODEL):
        statement = claim(subject.model.network, subject.G, proposal.section, USUAL)
    certificate = write_certificate(statement, subject.section, subject.model.section, proposal.section)
    return certificate, _check(certificate, auditor)


def _count_chance(order: int) -> int:
    """Pairs that a network is right on whatever its inputs."""
    return order if order > 1 else 0


def _check(certificate: bytes, auditor: Auditor) -> Proof:
    """certcheck's verdict. Errors: Failure (NOT_VERIFIED)."""
    try:
        return check(certificate, auditor)
    except Refusal as refusal:
        reason = refusal.reason
        sentence = f"certcheck refuses the certificate: {reason.status.name} {reason.name}, {refusal}"
        raise Failure(ExitCode.NOT_VERIFIED, sentence) from refusal


def _certify(row: Row, subject: Subject, request: Request, auditor: Auditor) -> tuple[bytes | None, Proof | None]:
    """The certificate as certgen writes it, with cases, and its proof; nothing if nothing is proved."""
    start = time.perf_counter()
    try:
        statement, method, _ = prove(subject, request)
    except Failure as failure:
        if failure.code is not ExitCode.NOTHING_TO_PROVE:
            raise
        return None, None
    finally:
        row["seconds_certify"] = time.perf_counter() - start
    certificate = write_certificate(statement, subject.section, subject.model.section, method)
    start = time.perf_counter()
    proof = _check(certificate, auditor)
    row["seconds_check"] = time.perf_counter() - start
    return certificate, proof


def _fill_bounds(row: Row, proofs: list[Proof | None]) -> None:
    """The bound of the last proof, and the bound by the argument: the most that one of them proves by it."""
    proof = proofs[-1]
    row |= _find_bound(proofs, "argument")
    row |= {"verdict": NOTHING_TO_PROVE, "bound": 0.0, "correct_pairs_at_least": 0}
    if proof is None:
        return
    row |= {
        "verdict": "VERIFIED",
        "bound": proof.correct_pairs_at_least / proof.pairs,
        "method": proof.method,
        "cost": proof.multiply_adds / proof.multiply_adds_exhaustive,
        "correct_pairs_at_least": proof.correct_pairs_at_least,
        "pairs_by_argument": proof.pairs_by_argument,
        "pairs_by_cases": proof.pairs_by_cases,
        "multiply_adds": proof.multiply_adds,
        "smallest_certified_margin": _to_float(proof.smallest_certified_margin),
        "float32_correct_pairs_at_least": proof.float32_correct_pairs_at_least,
        "float32_pairs_by_argument": proof.float32_pairs_by_argument,
        "cross_entropy_upper_bound": _to_float(proof.cross_entropy_upper_bound),
        "cross_entropy_cost": proof.multiply_adds_cross_entropy / proof.multiply_adds_exhaustive,
    }


def _to_float(decimal: str | None) -> float | None:
    return None if decimal is None else float(decimal)


def _find_bound(proofs: list[Proof | None], of: str) -> Row:
    """The most pairs proved by the argument at less than the cost of trying every input, and at which cost.

    As in a certificate, what is not above chance is nothing.
    """
    cheap = [p for p in proofs if p is not None and p.multiply_adds < p.multiply_adds_exhaustive]
    best = max(cheap, key=lambda p: (p.pairs_by_argument, -p.multiply_adds), default=None)
    if best is None or best.pairs_by_argument <= _count_chance(best.order):
        return {f"bound_by_{of}": 0.0, f"cost_by_{of}": None}
    cost = best.multiply_adds / best.multiply_adds_exhaustive
    return {f"bound_by_{of}": best.pairs_by_argument / best.pairs, f"cost_by_{of}": cost}


def _sum_error_terms(proof: Proof) -> Row:
    """The error terms in units of a logit; those of circuits and of the remaining neurons add up."""
    terms: dict[str, Fraction] = {}
    for name, term in proof.error_terms.items():
        key = f"error_{name.removeprefix('remaining ')}"
        terms[key] = terms.get(key, Fraction(0)) + Fraction(term)
    return {key: float(term) for key, term in terms.items()}


def _fill_account(row: Row, subject: Subject, proposal: Proposal | None) -> None:
    """What the network has learned, and what keeps the argument from proving more, in float64."""
    network, G = subject.model.network, subject.G
    if not is_moderate(network):
        return
    accuracy = count_correct_pairs(network, G)
    row |= {"accuracy": accuracy.correct / accuracy.pairs, "accuracy_is_sample": accuracy.is_sample}
    row["cross_entropy"] = accuracy.cross_entropy
    symmetry, structure = compute_symmetry(network, G), count_structured_pairs(network, G)
    if symmetry is not None and structure is not None:
        row |= {f"symmetry_{name}": share for name, share in asdict(symmetry).items()}
        row |= {f"{name}_pairs": count for name, count in asdict(structure).items()}
    row |= asdict(measure_shares(network, G))
    if proposal is not None and row["bound_by_argument"] < EXPLAINED:
        row |= asdict(measure_counterfactuals(network, G, proposal.section))

"""The certificate of a model, checked, for the command line and for Python."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from certcheck.verdict import BINARY32_BITS, Proof, Reason, Refusal, Status, Verdict, describe
from certgen.certificate import write_certificate
from certgen.claims import Scope
from certgen.ending import complain
from certgen.failure import ExitCode, Failure
from certgen.generate import Request, prove
from certgen.group import GroupLike
from certgen.model import ModelLike
from certgen.output import expect_writable, write_files
from certgen.subject import Source, Subject, describe_subject, load_subject


@dataclass(frozen=True, slots=True, repr=False)
class Certificate:
    """A certificate that certcheck has verified.

    data: the bytes of the file; verdict: certcheck's; account: lines on the model, the group, the labels and the
    decomposition; answers_read: of the model's answers, to find the group, and answers_repaired: those of them that
    differ from the group that was found.
    """

    data: bytes
    verdict: Verdict
    account: str
    answers_read: int
    answers_repaired: int

    @property
    def proof(self) -> Proof:
        """What is proved, as numbers."""
        if self.verdict.proof is None:
            raise Failure(ExitCode.NOT_VERIFIED, f"this certificate is not verified: {describe(self.verdict)}")
        return self.verdict.proof

    def save(self, path: str | os.PathLike[str], *, force: bool = False) -> None:
        """Write the file, whole or not at all. Errors: Failure (OUTPUT): it exists, without `force`, or is no file."""
        expect_writable(Path(path), (), force=force)
        write_files({Path(path): self.data}, force=force)

    def __str__(self) -> str:
        return f"{self.account}\n{self.verdict}"

    def __repr__(self) -> str:
        proof = self.proof
        bound = f"at least {proof.correct_pairs_at_least} of {proof.pairs} pairs"
        return f"<Certificate: {bound} of {proof.group}, {len(self.data)} bytes>"


def certify(  # noqa: PLR0913 - one for each option of the command
    model: ModelLike,
    *,
    group: GroupLike = "auto",
    architecture: str | None = None,
    instance: int | None = None,
    method: str = "auto",
    cases: bool = True,
    effort: str = "default",
    decomposition: str | os.PathLike[str] | None = None,
    cross_entropy: str = "argument",
    unit_roundoff_bits: int = BINARY32_BITS,
) -> Certificate:
    """The certificate that `certgen MODEL` writes with these options, checked; nothing is written.

    model: a file; a state dict; or a torch.nn.Module, of which the state dict alone is looked at, never `forward`: what
    is proved is about the formula that the verdict prints. group: auto, a name, a file, a multiplication table (n, n)
    with xy in row x, column y, or n permutations (n, degree). architecture: NAME or NAME:role=tensor,...; instance: an
    index along the leading axis of every tensor. method: auto, rho-set, equivariant, exhaustive; cases=False claims
    what the argument proves; effort: fast, default, thorough; decomposition: a file; cross_entropy: argument, cases,
    none; unit_roundoff_bits: K of the arithmetic with unit roundoff 2^-K.
    Errors: Failure, with one sentence and the command's exit code (MODEL, GROUP, NOTHING_TO_PROVE, DECOMPOSITION,
    NOT_VERIFIED); ValueError, TypeError for arguments that make no sense. Source: README.md, docs/soundness.md.
    """
    claimed = None if decomposition is None else os.fspath(decomposition)
    request = Request(method, cases, effort, claimed, Scope(unit_roundoff_bits, cross_entropy))
    return certify_subject(load_subject(Source(model, group, architecture, instance)), request)


def certify_subject(subject: Subject, request: Request) -> Certificate:
    """The certificate of a model and its group, checked. Errors: Failure."""
    statement, method, table = prove(subject, request)
    data = write_certificate(statement, subject.section, subject.model.section, method)
    bound = f"bound         {statement.correct_pairs_at_least} of {statement.pairs} pairs are correct"
    account = "\n".join([*describe_subject(subject), *table, bound])
    verdict = check_apart(data)
    if not verdict:
        sentence = f"{subject.model.name}: no certificate: its own check refused it: {describe(verdict)}"
        raise Failure(ExitCode.NOT_VERIFIED, sentence)
    return Certificate(data, verdict, account, subject.answers_read, subject.answers_repaired)


def check_apart(data: bytes) -> Verdict:
    """certcheck's verdict, by a process of its own, as a user would get it.

    There it has the whole time that the limits give, in any thread; memory that runs out ends it alone; and nothing
    that was done to numpy or to torch in this process reaches it. Errors: Failure (NOT_VERIFIED) if there is none.
    """
    # -P: no module of the folder that the user happens to be in.
    command = [sys.executable, "-P", "-m", "certcheck", "-", "--json"]
    try:
        run = subprocess.run(command, input=data, capture_output=True, check=False)  # noqa: S603 - our own command
    except OSError as error:
        sentence = f"no certificate: certcheck cannot be started: {error.strerror}"
        raise Failure(ExitCode.NOT_VERIFIED, sentence) from error
    complain(run.stderr.decode(errors="backslashreplace"))
    try:
        fields = json.loads(run.stdout)
    except ValueError:
        fields = {"verdict": None}
    if fields["verdict"] is None or run.returncode != Status[fields["verdict"]].value:
        ended = f"signal {-run.returncode}" if run.returncode < 0 else f"exit code {run.returncode}"
        sentence = f"no certificate: its own check ended without a verdict, by {ended}; is memory short?"
        raise Failure(ExitCode.NOT_VERIFIED, sentence)
    result: Proof | Refusal
    if fields["reason"] is None:
        proof = {name: fields[name] for name in Proof.__slots__}
        result = Proof(**proof | {"representations": tuple(proof["representations"])})
    else:
        result = Refusal(Reason[fields["reason"]], fields["where"], fields["expected"], fields["got"])
    return Verdict("<bytes>", result, fields["seconds"])

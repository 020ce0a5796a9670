"""From the model file to the checked certificate."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from certcheck.document import GroupSection, MethodSection, StatementSection
from certcheck.exhaustive import compute_exhaustive_cost
from certcheck.group import Group
from certgen.account import describe
from certgen.certificate import write_certificate
from certgen.claims import USUAL, Scope, claim
from certgen.composition import find_composition
from certgen.ending import complain, find_code, say, uninterrupted
from certgen.equivariant import LARGEST_ORDER, Search, complete_decomposition, find_equivariant
from certgen.exhaustive import choose_fixed_point
from certgen.failure import ExitCode, Failure, failing_as, quote
from certgen.model import Model
from certgen.output import drafting, expect_writable, publish
from certgen.proposal import LARGE_ORDER
from certgen.rhoset import find_rho_sets
from certgen.subject import Source, describe_subject, load_subject

if TYPE_CHECKING:
    from certgen.proposal import Proposal


@dataclass(frozen=True, slots=True)
class Request:
    """What the user asked for on the command line."""

    model: str
    output: Path
    group: str
    architecture: str | None
    instance: int | None
    force: bool
    as_json: bool
    method: str = "auto"
    cases: bool = True
    effort: str = "default"
    decomposition: str | None = None
    scope: Scope = USUAL


def generate(request: Request) -> ExitCode:
    """Certify a model, write the certificate, have certcheck check it. Errors: Failure."""
    inputs = (request.model, request.group, request.decomposition or request.model)
    expect_writable(request.output, inputs, force=request.force)
    subject = load_subject(Source(request.model, request.group, request.architecture, request.instance))
    account = describe_subject(request.model, subject)
    model, group = subject.model, subject.section
    statement, method, table = certify(model, group, subject.G, request)
    data = write_certificate(statement, group, model.section, method)
    account += table
    account.append(f"bound         {statement.correct_pairs_at_least} of {statement.pairs} pairs are correct")
    answers = {"answers_read": subject.answers_read, "answers_repaired": subject.answers_repaired}
    return write_and_check(data, request, answers, "" if request.as_json else "\n".join(account))


def certify(
    model: Model, group: GroupSection, G: Group, request: Request
) -> tuple[StatementSection, MethodSection, list[str]]:
    """The claim that the method proves, its section, and an account of the decomposition.

    Errors: Failure (NOTHING_TO_PROVE, MODEL).
    """
    network = model.network
    with failing_as(ExitCode.MODEL):
        fixed_point = choose_fixed_point(network)
        search = Search(network, G, group.name, fixed_point if request.cases else None, request.effort)
        proposal = max(find_proposals(search, request), key=lambda p: p.rank, default=None)
        exhaustive = compute_exhaustive_cost(network, G)
        free = request.cases and request.method == "auto" and request.decomposition is None
        slow = proposal is not None and G.order > LARGE_ORDER and 2 * proposal.by_argument < G.order**2
        if proposal is None or (free and (slow or proposal.cost["multiply_adds"] > exhaustive)):
            if not free and request.method != "exhaustive":
                sentence = (
                    f"no decomposition was found that the argument can use (beyond order {LARGEST_ORDER} circuits only "
                    "are sought): try --method exhaustive"
                )
                raise Failure(ExitCode.NOTHING_TO_PROVE, sentence)
            return claim(network, G, fixed_point, request.scope), fixed_point, []
        statement = claim(network, G, proposal.section, request.scope)
        return statement, proposal.section, describe(proposal, exhaustive)


def find_proposals(search: Search, request: Request) -> list[Proposal]:
    """What each of the methods asked for proposes; nothing for `exhaustive`.

    Errors: Failure (DECOMPOSITION).
    """
    if request.decomposition is not None:
        claimed = complete_decomposition(search, request.decomposition)
        return [] if claimed is None else [claimed]
    proposals: list[Proposal | None] = []
    if request.method in ("auto", "rho-set"):
        proposals.append(find_rho_sets(search.network, search.G, search.cases))
    # On large groups the other argument takes minutes.
    done = search.G.order > LARGE_ORDER and any(p and p.by_argument == search.G.order**2 for p in proposals)
    if request.method in ("auto", "equivariant") and not done:
        proposals.append(find_equivariant(search))
        proposals.append(find_composition(search) if request.method == "auto" else None)
    return [proposal for proposal in proposals if proposal is not None]


def write_and_check(data: bytes, request: Request, answers: dict[str, int], account: str = "") -> ExitCode:
    """Write beside the output, run certcheck there, and give the file its name only if it is verified.

    answers: how many were read and repaired, for the JSON object; account: is printed before the check.
    Errors: Failure (OUTPUT, NOT_VERIFIED, NOT_PRINTED and those of signals).
    """
    code, outcome = ExitCode.NOT_VERIFIED, "not written: its own check refused it"
    try:
        with drafting(request.output, data) as draft:
            # Without a reader the certificate is written all the same.
            printed = not account or say(account)
            run = _run_certcheck(draft, request)
            if run.returncode == 0:
                with uninterrupted():
                    publish(draft, request.output, force=request.force)
                    code, outcome = ExitCode.VERIFIED, f"{len(data)} bytes"
        complain(run.stderr)
        if request.as_json:
            own = {"certificate": str(request.output), "model": request.model}
            printed = say(json.dumps(json.loads(run.stdout) | own | answers)) and printed
        else:
            printed = say(f"{run.stdout}certificate   {quote(str(request.output))}: {outcome}") and printed
    except KeyboardInterrupt as interruption:
        if code is ExitCode.NOT_VERIFIED:
            raise
        sentence = f"{request.output}: written and verified before the interruption"
        raise Failure(find_code(interruption), sentence) from interruption
    if not printed:
        done = "written and verified" if code is ExitCode.VERIFIED else outcome
        sentence = f"{request.output}: {done}, but standard output is closed or full: not all was printed"
        raise Failure(ExitCode.NOT_PRINTED if code is ExitCode.VERIFIED else code, sentence)
    return code


def _run_certcheck(draft: Path, request: Request) -> subprocess.CompletedProcess[str]:
    """certcheck's verdict on the file, in a process of its own, as a user would get it.

    Errors: Failure (NOT_VERIFIED) if there is none.
    """
    # -P: no module of the folder that the user happens to be in.
    command = [sys.executable, "-P", "-m", "certcheck", str(draft), *(["--json"] if request.as_json else [])]
    try:
        run = subprocess.run(command, capture_output=True, text=True, errors="backslashreplace", check=False)  # noqa: S603 - our own command
    except OSError as error:
        sentence = f"{request.output}: not written: certcheck cannot be started: {error.strerror}"
        raise Failure(ExitCode.NOT_VERIFIED, sentence) from error
    if not run.stdout:
        ended = f"signal {-run.returncode}" if run.returncode < 0 else f"exit code {run.returncode}"
        sentence = f"{request.output}: not written: its own check ended without a verdict, by {ended}; is memory short?"
        raise Failure(ExitCode.NOT_VERIFIED, sentence)
    return run

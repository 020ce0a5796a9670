"""From a model and its group to what is claimed and what proves it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from certcheck.document import MethodSection, StatementSection
from certcheck.exhaustive import compute_exhaustive_cost
from certgen.account import describe
from certgen.claims import USUAL, Scope, claim
from certgen.composition import find_composition
from certgen.equivariant import EFFORTS, LARGEST_ORDER, Search, complete_decomposition, find_equivariant
from certgen.exhaustive import choose_fixed_point
from certgen.failure import ExitCode, Failure, failing_as
from certgen.proposal import LARGE_ORDER
from certgen.rhoset import find_rho_sets
from certgen.subject import Subject

if TYPE_CHECKING:
    from certgen.proposal import Proposal

METHODS = ("auto", "rho-set", "equivariant", "exhaustive")


@dataclass(frozen=True, slots=True)
class Request:
    """How the bound is to be proved, and what is to be claimed. Errors: ValueError where that cannot be meant."""

    method: str = "auto"
    cases: bool = True
    effort: str = "default"
    decomposition: str | None = None
    scope: Scope = USUAL

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ValueError(f"expected a method of {', '.join(METHODS)}, got {self.method!r}")
        if self.effort not in EFFORTS:
            raise ValueError(f"expected an effort of {', '.join(EFFORTS)}, got {self.effort!r}")
        if not self.cases and self.method == "exhaustive":
            raise ValueError("without cases is the argument alone, method exhaustive is cases alone: give one of them")
        if not self.cases and self.scope.cross_entropy == "cases":
            raise ValueError("without cases no pair is evaluated, for cross-entropy by cases some: give one of them")
        if self.decomposition is not None and self.method not in ("auto", "equivariant"):
            raise ValueError(f"a decomposition is for method equivariant, not for {self.method}: give one of them")


def prove(subject: Subject, request: Request) -> tuple[StatementSection, MethodSection, list[str]]:
    """The claim that the method proves, its section, and an account of the decomposition.

    Errors: Failure (NOTHING_TO_PROVE, MODEL, DECOMPOSITION).
    """
    network, G = subject.model.network, subject.G
    with failing_as(ExitCode.MODEL):
        fixed_point = choose_fixed_point(network)
        search = Search(network, G, subject.section.name, fixed_point if request.cases else None, request.effort)
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

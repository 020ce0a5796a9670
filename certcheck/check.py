"""The whole check, in the order of the certificate."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

from certcheck.comparison import Auditor, compare_group, compare_network
from certcheck.document import (
    Certificate,
    EquivariantSection,
    ExhaustiveSection,
    GroupSection,
    MethodSection,
    RhoSetSection,
    StatementSection,
    parse_certificate,
)
from certcheck.equivariant import Evidence, check_equivariant
from certcheck.exhaustive import check_exhaustive, compute_additions, compute_exhaustive_cost
from certcheck.group import Group, check_group
from certcheck.limits import LIMITS, Limits
from certcheck.named_group import compute_named_elements, compute_named_order, is_group_name
from certcheck.network import Network, check_network
from certcheck.rhoset import check_rho_set
from certcheck.verdict import Proof, Reason, reject

# A line of a verdict is longer.
MAX_QUOTED = 24

METHODS = {ExhaustiveSection: "exhaustive", EquivariantSection: "equivariant", RhoSetSection: "rho-set"}


def check(data: bytes, auditor: Auditor) -> Proof:
    """A proof that the certificate's claim holds. Errors: every Refusal."""
    certificate = parse_certificate(data, auditor.limits)
    G = check_group(certificate.group.elements, "group.elements", auditor.limits)
    group = check_group_name(certificate.group, G, auditor.limits)
    check_claim(certificate.statement, G)
    network = check_network(certificate.network, G.order, auditor.limits)
    compare_network(certificate.network, network.assignment, auditor)
    group_compared = compare_group(G, auditor)
    check_threshold(certificate, auditor)
    evidence = check_method(network, G, certificate.method, auditor)
    check_bound(certificate.statement, evidence.by_argument + evidence.by_cases)
    return Proof(
        correct_pairs_at_least=certificate.statement.correct_pairs_at_least,
        pairs=certificate.statement.pairs,
        pairs_by_argument=evidence.by_argument,
        pairs_by_cases=evidence.by_cases,
        method=METHODS[type(certificate.method)],
        group=group,
        order=G.order,
        labels_from=certificate.group.labels_from,
        architecture=network.assignment.architecture.name,
        formula=network.assignment.formula,
        weights_sha256=network.weights_sha256,
        arithmetic=auditor.arithmetic,
        model_compared=auditor.model is not None,
        architecture_compared=auditor.architecture is not None,
        group_compared=group_compared,
        representations=describe_representations(certificate.method),
        error_terms={key: str(term) for key, term in evidence.error_terms.items()},
        multiply_adds=evidence.cost["multiply_adds"],
        multiply_adds_exhaustive=compute_exhaustive_cost(network, G),
        additions=evidence.cost["additions"],
    )


def quote_name(name: str | None) -> str:
    """A name that nobody verified: in quotes and short, so that it passes for no other part of a verdict."""
    return "no name" if name is None else ascii(name if len(name) <= MAX_QUOTED else f"{name[:MAX_QUOTED]}...")


def describe_representations(section: MethodSection) -> tuple[str, ...]:
    """What the argument rests on, in words; the names are the certificate's."""
    if isinstance(section, ExhaustiveSection):
        return ()
    if isinstance(section, RhoSetSection):
        points = [(section.gsets[c.left].shape[1], section.gsets[c.right].shape[1]) for c in section.circuits]
        circuits = tuple(f"rho-set of {d} x {d_prime} points" for d, d_prime in points)
        return circuits + (() if section.remaining is None else describe_representations(section.remaining))
    return tuple(
        f"{quote_name(r.name)}, dimension {r.left.shape[1]}"
        if r.permutations is None
        else f"{'signed ' if r.signs is not None and (r.signs < 0).any() else ''}permutations of {r.left.shape[1]}"
        for r in section.representations
    )


def check_method(network: Network, G: Group, section: MethodSection, auditor: Auditor) -> Evidence:
    """What the certificate's method proves. Errors: those of the method."""
    if isinstance(section, EquivariantSection):
        return check_equivariant(network, G, section, auditor.arithmetic, auditor.limits)
    if isinstance(section, RhoSetSection):
        return check_rho_set(network, G, section, auditor.arithmetic, auditor.limits)
    tally = check_exhaustive(network, G, section, auditor.arithmetic, auditor.limits)
    multiply_adds = compute_exhaustive_cost(network, G) + tally.exact_pairs * network.a.shape[1] * G.order
    cost = Counter(multiply_adds=multiply_adds, additions=compute_additions(network, G))
    return Evidence(0, tally.correct, cost, {})


def check_group_name(section: GroupSection, G: Group, limits: Limits = LIMITS) -> str:
    """The name under which the verdict speaks of the group.

    Claim 9: given that the elements are, as a set, the permutations that the name stands for, therefore the group is
    the named one, because the product is that of permutations. Errors: GROUP_NAME_WRONG; those of a limit.
    """
    if section.name is None:
        return f"permutations of {G.degree} points, no name"
    # The order first: a name can stand for a group that takes long to build.
    right = is_group_name(section.name) and compute_named_order(section.name, "group.name", limits) == G.order
    named = compute_named_elements(section.name, "group.name", limits) if right else None
    if named is None or named.shape != G.elements.shape or set(map(bytes, named)) != set(map(bytes, G.elements)):
        reject(Reason.GROUP_NAME_WRONG, "group.name", "a name of these permutations, or null", section.name)
    return section.name


def check_claim(statement: StatementSection, G: Group) -> None:
    """Nothing, if the claim is about all pairs and says something.

    Claim 8: given n >= 2, a network that ignores its inputs is correct on n pairs at most, therefore k <= n says
    nothing. Errors: PAIRS_WRONG, BOUND_VACUOUS.
    """
    if statement.pairs != G.order**2:
        reject(Reason.PAIRS_WRONG, "statement.pairs", f"{G.order**2}", f"{statement.pairs}")
    chance = G.order if G.order > 1 else 0
    if statement.correct_pairs_at_least <= chance:
        where = "statement.correct_pairs_at_least"
        reject(Reason.BOUND_VACUOUS, where, f"more than {chance}", f"{statement.correct_pairs_at_least}")


def check_bound(statement: StatementSection, proved: int) -> None:
    """Nothing, if at least as many pairs are proved as claimed. Errors: BOUND_TOO_HIGH."""
    if statement.correct_pairs_at_least > proved:
        where = "statement.correct_pairs_at_least"
        reject(
            Reason.BOUND_TOO_HIGH,
            where,
            f"at most {proved}, all that was proved",
            f"{statement.correct_pairs_at_least}",
        )


def check_threshold(certificate: Certificate, auditor: Auditor) -> None:
    """Nothing, if the claim reaches the auditor's threshold. Errors: BOUND_BELOW_THRESHOLD."""
    statement = certificate.statement
    bound = Fraction(statement.correct_pairs_at_least, statement.pairs)
    if auditor.at_least is not None and bound < auditor.at_least:
        where = "statement.correct_pairs_at_least"
        reject(Reason.BOUND_BELOW_THRESHOLD, where, f"an accuracy of at least {auditor.at_least}", f"{bound}")

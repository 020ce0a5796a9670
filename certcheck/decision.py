"""The whole check, in the order of the certificate."""

from __future__ import annotations

from dataclasses import asdict
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
from certcheck.entropy import bound_mean, prepare_exponentials
from certcheck.equivariant import check_equivariant
from certcheck.evidence import EDGES, Demands, Evidence
from certcheck.exhaustive import check_exhaustive, compute_exhaustive_cost
from certcheck.float32 import bound_float32_errors
from certcheck.group import Group, check_group
from certcheck.limits import LIMITS, Limits
from certcheck.named_group import compute_named_elements, compute_named_order, is_group_name
from certcheck.network import Network, check_network
from certcheck.rhoset import check_rho_set
from certcheck.tightest import find_tightest
from certcheck.verdict import Proof, Reason, quote_name, reject, round_up

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
    statement = certificate.statement
    evidence = check_method(network, G, certificate.method, auditor, prepare_demands(statement, network))
    check_bound(statement, evidence.by_argument + evidence.by_cases)
    check_margin(statement, evidence)
    check_float32(statement, evidence)
    check_cross_entropy(statement, evidence)
    claimed = statement.float32_correct_pairs_at_least
    method, arithmetic = certificate.method, auditor.arithmetic
    tightest = find_tightest(network, G, method, arithmetic, auditor.limits) if auditor.explain else None
    return Proof(
        correct_pairs_at_least=statement.correct_pairs_at_least,
        pairs=statement.pairs,
        pairs_by_argument=evidence.by_argument,
        pairs_by_cases=evidence.by_cases,
        smallest_certified_margin=statement.smallest_certified_margin,
        certified_margins={str(edge): evidence.margins.counts[i] for i, edge in enumerate(EDGES)},
        float32_correct_pairs_at_least=claimed,
        unit_roundoff_bits=statement.unit_roundoff_bits,
        float32_pairs_by_argument=None if claimed is None else evidence.float32_by_argument,
        float32_pairs_by_cases=None if claimed is None else evidence.float32_by_cases,
        cross_entropy_upper_bound=statement.cross_entropy_upper_bound,
        tightest=None if tightest is None else asdict(tightest),
        method=METHODS[type(method)],
        group=group,
        order=G.order,
        labels_from=certificate.group.labels_from,
        architecture=network.assignment.architecture.name,
        formula=network.assignment.formula,
        weights_sha256=network.weights_sha256,
        arithmetic=arithmetic,
        model_compared=auditor.model is not None,
        architecture_compared=auditor.architecture is not None,
        group_compared=group_compared,
        representations=describe_representations(method),
        error_terms={key: str(term) for key, term in evidence.error_terms.items()},
        multiply_adds=evidence.cost["multiply_adds"],
        multiply_adds_cross_entropy=evidence.cost["cross_entropy"],
        multiply_adds_exhaustive=compute_exhaustive_cost(network, G),
        additions=evidence.cost["additions"],
    )


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


def prepare_demands(statement: StatementSection, network: Network) -> Demands:
    """What the claims beside correct pairs ask of margins. Errors: those of `bound_float32_errors`."""
    bits, effort = statement.unit_roundoff_bits, statement.cross_entropy_effort
    return Demands(
        None if bits is None else bound_float32_errors(network, bits),
        None if effort is None else prepare_exponentials(effort.scan_above, effort.evaluate_above),
    )


def check_method(network: Network, G: Group, section: MethodSection, auditor: Auditor, demands: Demands) -> Evidence:
    """What the certificate's method proves. Errors: those of the method."""
    if isinstance(section, EquivariantSection):
        return check_equivariant(network, G, section, auditor.arithmetic, auditor.limits, demands)
    if isinstance(section, RhoSetSection):
        return check_rho_set(network, G, section, auditor.arithmetic, auditor.limits, demands)
    return check_exhaustive(network, G, section, auditor.arithmetic, auditor.limits, demands)


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
    """Nothing, if the claims are about all pairs and say something.

    Claim 8: given n >= 2, a network that ignores its inputs is correct on n pairs at most, therefore k <= n says
    nothing. Errors: PAIRS_WRONG, BOUND_VACUOUS.
    """
    if statement.pairs != G.order**2:
        reject(Reason.PAIRS_WRONG, "statement.pairs", f"{G.order**2}", f"{statement.pairs}")
    chance = G.order if G.order > 1 else 0
    for key in ("correct_pairs_at_least", "float32_correct_pairs_at_least"):
        claimed = getattr(statement, key)
        if claimed is not None and claimed <= chance:
            reject(Reason.BOUND_VACUOUS, f"statement.{key}", f"more than {chance}", f"{claimed}")


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


def check_margin(statement: StatementSection, evidence: Evidence) -> None:
    """Nothing, if all pairs that are proved correct have margins as large as claimed. Errors: MARGIN_TOO_HIGH."""
    claimed, proved = statement.smallest_certified_margin, evidence.margins.smallest
    if claimed is not None and (proved is None or Fraction(claimed) > proved):
        where = "statement.smallest_certified_margin"
        reject(Reason.MARGIN_TOO_HIGH, where, f"at most {proved}, all that was proved", claimed)


def check_float32(statement: StatementSection, evidence: Evidence) -> None:
    """Nothing, if as many pairs are proved in the claimed arithmetic as claimed. Errors: FLOAT32_BOUND_TOO_HIGH."""
    claimed, proved = statement.float32_correct_pairs_at_least, evidence.float32_by_argument + evidence.float32_by_cases
    if claimed is not None and claimed > proved:
        where = "statement.float32_correct_pairs_at_least"
        reject(Reason.FLOAT32_BOUND_TOO_HIGH, where, f"at most {proved}, all that was proved", f"{claimed}")


def check_cross_entropy(statement: StatementSection, evidence: Evidence) -> None:
    """Nothing, if the mean over all pairs is proved to be as low as claimed. Errors: CROSS_ENTROPY_TOO_LOW."""
    claimed = statement.cross_entropy_upper_bound
    if claimed is None:
        return
    proved = bound_mean(evidence.entropy, statement.pairs)
    if Fraction(claimed) < proved:
        where = "statement.cross_entropy_upper_bound"
        reject(Reason.CROSS_ENTROPY_TOO_LOW, where, f"at least {round_up(proved, 18)}", claimed)


def check_threshold(certificate: Certificate, auditor: Auditor) -> None:
    """Nothing, if the claim reaches the auditor's threshold. Errors: BOUND_BELOW_THRESHOLD."""
    statement = certificate.statement
    bound = Fraction(statement.correct_pairs_at_least, statement.pairs)
    if auditor.at_least is not None and bound < auditor.at_least:
        where = "statement.correct_pairs_at_least"
        reject(Reason.BOUND_BELOW_THRESHOLD, where, f"an accuracy of at least {auditor.at_least}", f"{bound}")

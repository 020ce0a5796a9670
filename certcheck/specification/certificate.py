"""A whole certificate, decided."""

from __future__ import annotations

import math

from certcheck.specification import equivariant, rho_set
from certcheck.specification.argument import bound_margins_lower
from certcheck.specification.cross_entropy import bound_cross_entropy_upper
from certcheck.specification.decision import Decision, RefusalError, Status, reject
from certcheck.specification.document import MAX_TERM, Node, parse_certificate
from certcheck.specification.float32 import check_evaluation, find_correct_as_evaluated
from certcheck.specification.group import Group, check_group
from certcheck.specification.margin import Margins
from certcheck.specification.network import Network, Weights, check_weights, compute_margins, fold
from certcheck.specification.statement import (
    CORRECT,
    CROSS_ENTROPY,
    FLOAT32,
    MARGIN,
    ROUNDOFF,
    Statement,
    check_statement,
    parse_statement,
)

MAX_SCALE = 4096
KEYS = ("format", "version", "statement", "group", "network", "method", "end")
PLACES = 18  # of a decimal


def specify(data: bytes) -> Decision:
    """VERIFIED if the bytes are a certificate and it proves its claims; else why not."""
    try:
        return _verify(parse_certificate(data))
    except RefusalError as refusal:
        return refusal.decision


def _verify(root: Node) -> Decision:
    """The decision VERIFIED, of a certificate that proves its claims; any other is refused."""
    root.member("format").one_of("certgen certificate")
    if root.member("version").integer(1, MAX_TERM) != 1:
        reject("certificate.version", "another version", Status.DECLINED)
    _, _, section, group_section, network_section, method, end = root.members(*KEYS)
    end.one_of("end of certificate")
    statement = parse_statement(section)
    group = check_group(group_section)
    check_statement(statement, group.n)
    weights = check_weights(network_section)
    margins, by_argument = _bound_margins(method, fold(weights, group.n), group)
    proved = len(margins.find_correct())
    by_cases = proved - by_argument
    if statement.correct > proved:
        reject(f"{statement.where}.{CORRECT}", f"{by_argument} pairs are proved by the argument, {by_cases} by cases")
    _check_other_claims(statement, margins, weights, group.n)
    others = {key: section.member(key).value for key in (MARGIN, FLOAT32, ROUNDOFF, CROSS_ENTROPY)}
    claims = tuple(f"{key} {value}" for key, value in others.items() if value is not None)
    return Decision(Status.VERIFIED, "", "", statement.correct, by_argument, by_cases, statement.pairs, claims)


def _bound_margins(method: Node, network: Network, group: Group) -> tuple[Margins, int]:
    """The margins, or lower bounds of them where no pair is evaluated; how many pairs the argument proves."""
    name = method.member("name").value
    if name == "exhaustive":
        method.members("name", "activation_bits", "unembedding_bits")
        _check_scales(method)
        return compute_margins(network, group), 0
    if name == "equivariant":
        method.members("name", *equivariant.KEYS)
        argument = equivariant.check_equivariant(method, network, group)
    elif name == "rho-set":
        method.members("name", *rho_set.KEYS)
        argument = rho_set.check_rho_set(method, network, group)
    else:
        reject("certificate.method.name", "an unknown method", Status.DECLINED)
    cases = method.member("cases")
    ells = bound_margins_lower(argument, group)
    by_argument = len(ells.find_correct())
    if cases.is_null():
        return ells, by_argument
    cases.members("activation_bits", "unembedding_bits")
    _check_scales(cases)
    # No bound of a margin is larger than the margin, so where one pair may be evaluated, all are.
    return compute_margins(network, group), by_argument


def _check_scales(section: Node) -> None:
    """The scales are in the range of the format; nothing here depends on them (claim 7)."""
    for key in ("activation_bits", "unembedding_bits"):
        section.member(key).integer(-MAX_SCALE, MAX_SCALE)


def _check_other_claims(statement: Statement, margins: Margins, weights: Weights, n: int) -> None:
    """The margin of k pairs is proved, and the k' pairs in binary32, and the cross-entropy, each if it is claimed."""
    if statement.margin is not None:
        proved = sum(margins.are_at_least(pair, statement.margin) for pair in margins.find_correct())
        if statement.correct > proved:
            reject(f"{statement.where}.{MARGIN}", f"{proved} pairs have such margins")
    if statement.float32 is not None:
        claimed, bits = statement.float32
        evaluation = check_evaluation(weights, n, bits, f"{statement.where}.{ROUNDOFF}")
        proved = len(find_correct_as_evaluated(evaluation, margins))
        if claimed > proved:
            reject(f"{statement.where}.{FLOAT32}", f"{proved} pairs are proved")
    if statement.cross_entropy is not None:
        bound = bound_cross_entropy_upper(margins)
        if statement.cross_entropy < bound:
            units = math.ceil(bound * 10**PLACES)
            reject(f"{statement.where}.{CROSS_ENTROPY}", f"below {units // 10**PLACES}.{units % 10**PLACES:0{PLACES}}")

"""A whole certificate, decided."""

from __future__ import annotations

from certcheck.specification import equivariant, rho_set
from certcheck.specification.argument import find_proved
from certcheck.specification.decision import Decision, RefusalError, Status, reject
from certcheck.specification.document import MAX_TERM, Node, parse_certificate
from certcheck.specification.group import Group, check_group
from certcheck.specification.network import Network, check_network, find_correct

MAX_SCALE = 4096
KEYS = ("format", "version", "statement", "group", "network", "method", "end")


def specify(data: bytes) -> Decision:
    """VERIFIED if the bytes are a certificate and it proves its claim; else why not."""
    try:
        return _verify(parse_certificate(data))
    except RefusalError as refusal:
        return refusal.decision


def _verify(root: Node) -> Decision:
    """The decision VERIFIED, of a certificate that proves its claim; any other is refused."""
    root.member("format").one_of("certgen certificate")
    if root.member("version").integer(1, MAX_TERM) != 1:
        reject("certificate.version", "another version", Status.DECLINED)
    _, _, statement, group_section, network_section, method, end = root.members(*KEYS)
    end.one_of("end of certificate")
    claimed_node, pairs_node = statement.members("correct_pairs_at_least", "pairs")
    claimed, pairs = claimed_node.integer(0, MAX_TERM), pairs_node.integer(1, MAX_TERM)
    group = check_group(group_section)
    if pairs != group.n**2:
        reject(pairs_node.where, f"not {group.n**2}")
    if claimed <= (group.n if group.n > 1 else 0):
        reject(claimed_node.where, "vacuous: a network that ignores its inputs does as well (claim 8)")
    network = check_network(network_section, group.n)
    by_argument, by_cases = _prove(method, network, group)
    if claimed > by_argument + by_cases:
        reject(claimed_node.where, f"{by_argument} pairs are proved by the argument, {by_cases} by cases")
    return Decision(Status.VERIFIED, "", "", claimed, by_argument, by_cases, pairs)


def _prove(method: Node, network: Network, group: Group) -> tuple[int, int]:
    """How many pairs are correct by the argument, and how many more by cases."""
    name = method.member("name").value
    everything = [(x, y) for x in range(group.n) for y in range(group.n)]
    if name == "exhaustive":
        method.members("name", "activation_bits", "unembedding_bits")
        _check_scales(method)
        return 0, len(find_correct(network, group, everything))
    if name == "equivariant":
        method.members("name", *equivariant.KEYS)
        argument = equivariant.check_equivariant(method, network, group)
    elif name == "rho-set":
        method.members("name", *rho_set.KEYS)
        argument = rho_set.check_rho_set(method, network, group)
    else:
        reject("certificate.method.name", "an unknown method", Status.DECLINED)
    cases = method.member("cases")
    proved = set(find_proved(argument, group))
    if cases.is_null():
        return len(proved), 0
    cases.members("activation_bits", "unembedding_bits")
    _check_scales(cases)
    return len(proved), len(find_correct(network, group, [pair for pair in everything if pair not in proved]))


def _check_scales(section: Node) -> None:
    """The scales are in the range of the format; nothing here depends on them (claim 7)."""
    for key in ("activation_bits", "unembedding_bits"):
        section.member(key).integer(-MAX_SCALE, MAX_SCALE)

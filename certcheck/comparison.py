"""The certificate against what the auditor brings: a model, an architecture, a group, a threshold."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from fractions import Fraction

from certcheck.document import NetworkSection, TensorSection
from certcheck.group import MAX_ORDER, Group, check_group
from certcheck.group_file import read_group
from certcheck.limits import LIMITS, Limits
from certcheck.model_file import read_model, take_instance
from certcheck.named_group import (
    compute_named_elements,
    compute_named_order,
    find_isomorphism,
    is_group_name,
)
from certcheck.network import ARCHITECTURES, BIAS_SHAPES, TRANSPOSED, Assignment, check_assignment, guess_roles
from certcheck.verdict import Reason, Refusal, reject

_BOUND = re.compile(r"[0-9]{1,18}(\.[0-9]{1,18}|/[1-9][0-9]{0,17})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Auditor:
    """What the auditor gave; None where nothing was given. explain: the tightest triple too. Errors: ValueError."""

    model: str | None = None
    architecture: str | None = None
    instance: int | None = None
    group: str | None = None
    at_least: Fraction | None = None
    arithmetic: str = "float64"
    limits: Limits = LIMITS
    explain: bool = False

    def __post_init__(self) -> None:
        if self.instance is not None and (self.model is None or self.instance < 0):
            raise ValueError("an instance is the index of a network in the model file: give both, the index from 0")
        if self.arithmetic not in ("float64", "int64"):
            raise ValueError(f"expected arithmetic float64 or int64, got {self.arithmetic!r}")
        if self.limits.order > MAX_ORDER:
            raise ValueError(f"expected a limit on the order of at most {MAX_ORDER}, got {self.limits.order}")


def parse_bound(text: str) -> Fraction:
    """A decimal or a fraction from 0 to 1, read exactly. Errors: ValueError."""
    if not _BOUND.fullmatch(text) or Fraction(text) > 1:
        raise ValueError(f"expected an accuracy from 0 to 1, a decimal or a fraction, got {text!r}")
    return Fraction(text)


def find_architecture(text: str | None, names: Collection[str], where: str) -> Assignment:
    """The assignment that a user means by `NAME` or `NAME:role=tensor,...` for tensors of these names.

    None stands for any architecture with known parameter names. Errors: INPUT_INVALID, ARCHITECTURE_UNKNOWN.
    """
    name, colon, mapping = (text or "").partition(":")
    if text is not None and name not in ARCHITECTURES:
        reject(Reason.ARCHITECTURE_UNKNOWN, where, f"one of {', '.join(ARCHITECTURES)}", name)
    items = [item.partition("=") for item in mapping.split(",")]
    roles = {role.strip(): tensor.strip() for role, _, tensor in items}
    if len(roles) < len(items):
        reject(Reason.INPUT_INVALID, where, f"{name}:role=tensor,... with each role once", mapping)
    guess = (name, roles) if colon else guess_roles(names, name or None)
    if guess is None:
        expected = f"parameter names that are known for {name or 'an architecture'}, or NAME:role=tensor,..."
        reject(Reason.INPUT_INVALID, where, expected, ", ".join(names)[:200] or "no tensors")
    try:
        return check_assignment(*guess, names)
    except Refusal as refusal:
        reject(Reason.INPUT_INVALID, where, "each role once and every tensor used", str(refusal))


def read_instance(
    path: str, assignment: Assignment, tensors: dict[str, TensorSection], instance: int | None
) -> tuple[int | None, dict[str, TensorSection]]:
    """The tensors of one network: those of the file, or one entry along a leading axis of all of them.

    Errors: INPUT_INVALID.
    """
    shapes = assignment.architecture.shapes | BIAS_SHAPES
    extra = {
        len(tensors[tensor].shape) - len(shapes[role.removesuffix(TRANSPOSED)])
        for role, tensor in assignment.roles.items()
    }
    if extra != {1}:
        if instance is not None:
            reject(Reason.INPUT_INVALID, path, "a leading axis of instances in every tensor", "none")
        return None, tensors
    counts = {tensor.shape[0] for tensor in tensors.values()}
    if instance is None and counts != {1}:
        reject(Reason.INPUT_INVALID, path, "the instance to take (--instance)", f"{max(counts)} of them")
    return instance or 0, take_instance(tensors, instance or 0, path)


def compare_network(section: NetworkSection, assignment: Assignment, auditor: Auditor) -> None:
    """Nothing, if the certificate's network is the auditor's: architecture, roles, tensors byte by byte.

    Claim 11: given the same formula, roles and tensors, therefore the network rebuilt from the auditor's file is
    the certificate's, because folding reads nothing else. Without an architecture of the auditor's own,
    the roles are the certificate's word.
    Errors: ARCHITECTURE_DIFFERS, MODEL_DIFFERS, INPUT_INVALID; those of `read_model`.
    """
    tensors = section.tensors if auditor.model is None else read_model(auditor.model, auditor.limits)
    if auditor.architecture is not None:
        own = find_architecture(auditor.architecture, tensors, auditor.model or "--architecture")
        _compare_assignments(assignment, own)
    if auditor.model is None:
        return
    if set(tensors) != set(section.tensors):
        reject(Reason.MODEL_DIFFERS, "network.tensors", ", ".join(tensors)[:200], ", ".join(section.tensors)[:200])
    instance, tensors = read_instance(auditor.model, assignment, tensors, auditor.instance)
    if instance != section.instance:
        reject(Reason.MODEL_DIFFERS, "network.instance", f"{instance}", f"{section.instance}")
    for name, tensor in tensors.items():
        claimed = section.tensors[name]
        for what in ("dtype", "shape", "data"):
            mine, theirs = getattr(tensor, what), getattr(claimed, what)
            if mine != theirs:
                shown = ("the auditor's bytes", "others") if what == "data" else (f"{mine}", f"{theirs}")
                reject(Reason.MODEL_DIFFERS, f"network.tensors.{name}.{what}", *shown)


def _compare_assignments(claimed: Assignment, own: Assignment) -> None:
    if claimed.architecture.name != own.architecture.name:
        where = "network.architecture"
        reject(Reason.ARCHITECTURE_DIFFERS, where, own.architecture.name, claimed.architecture.name)
    for role in (*own.roles, *claimed.roles):
        mine, theirs = own.roles.get(role, "nothing"), claimed.roles.get(role, "nothing")
        if mine != theirs:
            reject(Reason.ARCHITECTURE_DIFFERS, f"network.roles.{role}", mine, theirs)


def compare_group(G: Group, auditor: Auditor) -> str:
    """How the auditor's group was found equal: `table`, `isomorphism` or `none` if there is none.

    Errors: GROUP_DIFFERS; those of `read_group` and `compute_named_elements`.
    """
    if auditor.group is None:
        return "none"
    if is_group_name(auditor.group):
        order = compute_named_order(auditor.group, "--group", auditor.limits)
        # Built only for the right order: the name is hostile to nobody, but a large group costs time.
        if order != G.order:
            reject(Reason.GROUP_DIFFERS, "group", f"order {order}", f"{G.order}")
        own = check_group(compute_named_elements(auditor.group, "--group", auditor.limits), "--group", auditor.limits)
        if find_isomorphism(own, G, auditor.limits) is None:
            reject(Reason.GROUP_DIFFERS, "group", f"a group isomorphic to {auditor.group}", "another group")
        return "isomorphism"
    own = read_group(auditor.group, auditor.limits)
    if own.order != G.order:
        reject(Reason.GROUP_DIFFERS, "group", f"order {own.order}", f"{G.order}")
    if (own.table != G.table).any():
        reject(Reason.GROUP_DIFFERS, "group.elements", "the auditor's multiplication table", "another one")
    return "table"

"""What a network has learned: irreps, circuits, symmetries, and which explanation holds. Plain numbers, all of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from certcheck.exhaustive import compute_exhaustive_cost
from certgen.cells import fit_cells, is_moderate
from certgen.circuit_account import CircuitAccount, Families, GSetAccount, describe_circuits, find_missing_cells
from certgen.circuits import Found, find_circuits
from certgen.equivariant import (
    LARGEST_ORDER,
    Problem,
    Setting,
    compute_share,
    explain,
    fit_tables,
)
from certgen.explanation import IrrepPart, project
from certgen.failure import ExitCode, Failure
from certgen.logits import Accuracy, Symmetry, compute_neuron_shares, compute_symmetry, count_correct_pairs
from certgen.model import approximate
from certgen.proposal import LARGE_ORDER
from certgen.representation import Irrep, find_irreps
from certgen.rhoset import TOLERANCES, choose, find_rho_sets

if TYPE_CHECKING:
    from certcheck.group import Group
    from certcheck.network import Network
    from certgen.subject import Subject

# Numbers that the tables of the key irreps may hold.
MAX_ENTRIES = 2**26
KEY_IRREPS = Setting(1e-3, None, 0.9)
# Circuits explain the network if they carry this part of the logits, and something if they carry that part.
EXPLAINED = 0.9
SOMETHING = 0.1
NO_EXPLANATION = "none"


@dataclass(frozen=True, slots=True)
class IrrepShares:
    """Shares of the centred energy of the left and right pre-activation and of the unembedding in an irrep."""

    name: str
    dimension: int
    type: str
    left: float
    right: float
    unembedding: float


@dataclass(frozen=True, slots=True)
class KeyIrrep:
    """An irrep that carries neurons' unembedding: its share, and how equivariant what it reads is.

    residual_mean, residual_max: of |E| over the pairs; residual: |E|^2/|V|^2; bi_equivariant: the same of that part.
    """

    name: str
    dimension: int
    type: str
    share: float
    residual_mean: float
    residual_max: float
    residual: float
    bi_equivariant: float


@dataclass(frozen=True, slots=True)
class Neurons:
    """Some neurons and their share of the logits."""

    neurons: list[int]
    logit_share: float


@dataclass(frozen=True, slots=True)
class Expectation:
    """What method `rho-set` proves by the argument alone, at which part of the cost of `exhaustive`.

    pairs_by_argument: None if it was not tried, for want of an explanation; cost: None if nothing is
    proved. method: what `--method auto` would likely take.
    """

    pairs_by_argument: int | None
    pairs: int
    cost: float | None
    method: str


@dataclass(frozen=True, slots=True)
class Inspection:
    """The account of a network; `irreps`, `key_irreps` and `symmetry` are None where the group is too large.

    explanation: complete rho-sets, one-sided rho-sets, incomplete rho-sets or none; missing: a sentence each.
    """

    accuracy: Accuracy
    irreps: list[IrrepShares] | None
    gsets: list[GSetAccount]
    circuits: list[CircuitAccount]
    families: Families
    loose: Neurons
    dead: Neurons
    symmetry: Symmetry | None
    key_irreps: list[KeyIrrep] | None
    explanation: str
    missing: list[str]
    expectation: Expectation


def inspect(subject: Subject) -> Inspection:
    """What the network has learned. Errors: Failure (MODEL) if its weights leave the range of float64."""
    network, G = subject.model.network, subject.G
    if not is_moderate(network):
        sentence = "the weights are all 0 or leave the range of float64: nothing can be told of this network"
        raise Failure(ExitCode.MODEL, sentence)
    irreps = find_irreps(G, subject.section.name) if G.order <= LARGEST_ORDER else None
    gsets, circuits, families, loose, dead = account_for_neurons(network, G, irreps)
    explanation = _judge(circuits)
    return Inspection(
        accuracy=count_correct_pairs(network, G),
        irreps=None if irreps is None else compute_irrep_shares(network, irreps),
        gsets=gsets,
        circuits=circuits,
        families=families,
        loose=loose,
        dead=dead,
        symmetry=compute_symmetry(network, G),
        key_irreps=None if irreps is None else find_key_irreps(network, G, irreps),
        explanation=explanation,
        missing=_find_missing(circuits, families, loose),
        expectation=_expect(network, G, explanation),
    )


def account_for_neurons(
    network: Network, G: Group, irreps: list[Irrep] | None
) -> tuple[list[GSetAccount], list[CircuitAccount], Families, Neurons, Neurons]:
    """The G-sets, the circuits, those that share their G-sets, the neurons in no circuit, and the dead ones."""
    found = find_inspected_circuits(network, G)
    shares = compute_neuron_shares(network)
    gsets, circuits, families = describe_circuits(network, G, found, irreps, shares)
    loose, dead = (Neurons(some, float(shares[some].sum())) for some in (sorted(found.loose), found.dead))
    return gsets, circuits, families, loose, dead


def find_inspected_circuits(network: Network, G: Group) -> Found:
    """The circuits by the wider tolerance: neurons that are nearly in a circuit are part of the account.

    Every function is one on the points of the regular G-set: a few such neurons are loose, not a circuit.
    """
    found = find_circuits(network, G, TOLERANCES[-1])
    chosen = []
    for i, circuit in enumerate(found.circuits):
        _, is_fragment, _ = find_missing_cells(circuit)
        is_regular = 1 in (len(circuit.left.stabiliser), len(circuit.right.stabiliser))
        if not (is_fragment and is_regular):
            chosen.append(i)
    return choose(found, chosen)


def compute_irrep_shares(network: Network, irreps: list[Irrep]) -> list[IrrepShares]:
    """The shares of all irreps but the trivial one, the largest first; a layer without energy has none."""
    layers = [approximate(v) for v in (network.a, network.c, network.U)]
    layers = [layer - layer.mean(axis=0) for layer in layers]
    energies = [float((layer**2).sum()) for layer in layers]
    rows = []
    for irrep in irreps:
        if irrep.name != "trivial":
            carried = [float(project(irrep, layer)[1].sum()) for layer in layers]
            parts = [own / energy if energy > 0 else 0.0 for own, energy in zip(carried, energies, strict=True)]
            rows.append(IrrepShares(irrep.name, irrep.dimension, irrep.type, *parts))
    return sorted(rows, key=lambda row: -max(row.left, row.right, row.unembedding))


def find_key_irreps(network: Network, G: Group, irreps: list[Irrep]) -> list[KeyIrrep] | None:
    """The irreps that carry the unembedding, and the residuals of method `equivariant`; None for large groups."""
    if not 1 < G.order <= LARGE_ORDER:
        return None
    cells = fit_cells(network, KEY_IRREPS.tolerance)
    if not cells.U.size:
        return []
    key = [irrep for irrep in irreps if irrep.name != "trivial"]
    problem = Problem(network, G, key, [], None)
    parts = [part for part in explain(problem, cells, KEY_IRREPS) if isinstance(part, IrrepPart)]
    if max((G.order * part.irrep.dimension for part in parts), default=0) ** 2 > MAX_ENTRIES:
        return None
    rows = []
    for part, fit in zip(parts, fit_tables(G, cells, list(parts)), strict=True):
        irrep, share = part.irrep, compute_share(part, cells)
        numbers = (share, fit.mean, fit.largest, fit.unexplained, fit.bi_equivariant)
        rows.append(KeyIrrep(irrep.name, irrep.dimension, irrep.type, *numbers))
    return sorted(rows, key=lambda row: -row.share)


def _judge(circuits: list[CircuitAccount]) -> str:
    """Which explanation carries the logits."""

    def carried(*kinds: str) -> float:
        return sum(circuit.logit_share for circuit in circuits if circuit.kind in kinds)

    if carried("complete") >= EXPLAINED:
        return "complete rho-sets"
    if carried("complete", "one-sided") >= EXPLAINED:
        return "one-sided rho-sets"
    return "incomplete rho-sets" if carried("complete", "one-sided", "partial") >= SOMETHING else NO_EXPLANATION


def _find_missing(circuits: list[CircuitAccount], families: Families, loose: Neurons) -> list[str]:
    """What keeps the network from being complete rho-sets, a sentence each."""
    sentences = []
    for circuit in circuits:
        if circuit.kind not in ("one-sided", "partial"):
            continue
        name = f"circuit {circuit.index} ({circuit.size} points, {circuit.logit_share:.1%} of the logits)"
        absent = circuit.cells - circuit.cells_covered
        cells = f"{absent} of {circuit.cells} cells have no neuron, and " if absent else ""
        rest = 1 - (circuit.kernel_share or 0)
        left = (
            f"{rest:.1%} of its unembedding is not bi-equivariant, {circuit.left_share or 0:.1%} not one-sided either"
        )
        sentences.append(f"{name}: {cells}{left}")
    fragments = [circuit for circuit in circuits if circuit.kind == "fragment"]
    if fragments:
        neurons, share = sum(len(f.neurons) for f in fragments), sum(f.logit_share for f in fragments)
        sentences.append(
            f"{neurons} neurons ({share:.1%} of the logits) are functions on the points of G-sets, but in "
            f"{len(fragments)} {'circuit' if len(fragments) == 1 else 'circuits'} with less than a quarter of all cells"
        )
    if families.circuits:
        sentences.append(
            f"phi is not shared: {families.circuits} circuits ({families.logit_share:.1%} of the logits) are on the "
            "same pair of G-sets as another one, with another phi"
        )
    if loose.neurons:
        sentences.append(f"{len(loose.neurons)} neurons ({loose.logit_share:.1%} of the logits) are in no circuit")
    return sentences


def _expect(network: Network, G: Group, explanation: str) -> Expectation:
    pairs = G.order**2
    # Without an explanation it would take up to minutes, for nothing.
    is_tried = explanation != NO_EXPLANATION
    result = find_rho_sets(network, G, None) if is_tried else None
    proved = result.by_argument if result else 0
    cost = result.cost["multiply_adds"] / compute_exhaustive_cost(network, G) if result and proved else None
    if cost is not None and cost < 1 and proved == pairs:
        method = "rho-set"
    elif cost is not None and cost < 1 and 2 * proved >= pairs:
        method = "rho-set with cases" + (", or equivariant if that is cheaper" if G.order <= LARGE_ORDER else "")
    elif G.order <= LARGE_ORDER:
        method = "equivariant, or exhaustive if that is cheaper"
    else:
        method = "equivariant or exhaustive" if G.order <= LARGEST_ORDER else "exhaustive"
    return Expectation(proved if is_tried else None, pairs, cost, method)

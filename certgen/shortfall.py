"""What explains a network, and why the argument proves no more of it: classes by formulas over measured numbers."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from certcheck.argument import prepare_argument
from certcheck.cases import prepare_inquiry
from certcheck.document import EquivariantSection, RhoSetSection
from certcheck.equivariant import Scan, evaluate_argument, prepare_scan
from certcheck.evidence import NO_DEMANDS
from certcheck.explanation import Explanation
from certcheck.rhoset import evaluate_explanation, prepare_explanation, prepare_remaining
from certgen.gset import SIGN_POINTS
from certgen.inspection import account_for_neurons

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from certcheck.document import MethodSection
    from certcheck.group import Group
    from certcheck.network import Network
    from certgen.circuit_account import CircuitAccount

# The paper's threshold for a bound that explains a network.
EXPLAINED = 0.95
EXPLANATIONS = ("rho_sets", "representations", "unexplained")
CAUSES = (
    "not_accurate",
    "memorised_pairs",
    "too_costly",
    "unembedding_remainder",
    "merging",
    "missing_cells",
    "phi_not_shared",
    "unclear_kernels",
    "no_circuit",
)
# What keeps neurons out of complete circuits: share_<cause> is the share of the logits of these neurons.
LACKS = ("missing_cells", "phi_not_shared", "unclear_kernels", "no_circuit")


@dataclass(frozen=True, slots=True)
class Shares:
    """Shares of the logits of neurons in circuits of one kind, each neuron in one; the names are those of columns.

    share_complete: complete circuits. share_phi_not_shared: others on the same pair of G-sets as another circuit.
    share_missing_cells: others without a neuron in a cell that is needed. share_unclear_kernels: others, in which K
    leaves 5 % of the unembedding or more. share_no_circuit: neurons in no circuit.
    cells, cells_covered: of the circuits that are no fragments.
    """

    share_complete: float
    share_phi_not_shared: float
    share_missing_cells: float
    share_unclear_kernels: float
    share_no_circuit: float
    circuits: int
    circuits_complete: int
    cells: int
    cells_covered: int


@dataclass(frozen=True, slots=True)
class Counterfactuals:
    """Pairs that the argument would prove if one of its error terms were zero; None where it has no such term."""

    pairs_without_remainder: int | None
    pairs_without_residual: int | None
    pairs_without_merging: int | None


def measure_shares(network: Network, G: Group) -> Shares:
    """How much of the logits is in which kind of circuit."""
    _, circuits, _, loose, _ = account_for_neurons(network, G, None)
    count = Counter((circuit.left, circuit.right) for circuit in circuits)
    shares = dict.fromkeys(("complete", *LACKS), 0.0)
    for circuit in circuits:
        # What depends on one input only tells nothing of the product.
        if circuit.kind != "one input":
            shares[_find_lack(circuit, is_family=count[circuit.left, circuit.right] > 1)] += circuit.logit_share
    shares["no_circuit"] += loose.logit_share
    whole = [circuit for circuit in circuits if circuit.kind != "fragment"]
    return Shares(
        **{f"share_{lack}": share for lack, share in shares.items()},
        circuits=len(circuits),
        circuits_complete=sum(circuit.kind == "complete" for circuit in circuits),
        cells=sum(circuit.cells for circuit in whole),
        cells_covered=sum(circuit.cells_covered for circuit in whole),
    )


def _find_lack(circuit: CircuitAccount, *, is_family: bool) -> str:
    if circuit.kind == "complete":
        return "complete"
    if is_family:
        return "phi_not_shared"
    return "missing_cells" if _lacks_cells(circuit) else "unclear_kernels"


def _lacks_cells(circuit: CircuitAccount) -> bool:
    """Whether a cell that is needed has no neuron: of a side with 2 points, one does for both."""
    if circuit.kind == "fragment":
        return True
    missing = {(b, b_prime) for b, b_prime in circuit.missing}

    def find_twins(point: int, points: int) -> Iterable[int]:
        return range(points) if points == SIGN_POINTS else (point,)

    return any(
        all(
            cell in missing
            for cell in itertools.product(find_twins(b, circuit.points_left), find_twins(b_prime, circuit.points_right))
        )
        for b, b_prime in missing
    )


def measure_counterfactuals(network: Network, G: Group, section: MethodSection) -> Counterfactuals:
    """How many pairs the argument of a certificate without cases would prove with one error term at zero."""
    if isinstance(section, EquivariantSection):
        argument, _, _ = prepare_argument(network, G, section, "float64")
        scan, _ = prepare_scan(G, argument)
        return _vary_scan(network, scan, scan)
    if not isinstance(section, RhoSetSection):
        return Counterfactuals(None, None, None)
    e, _, _ = prepare_explanation(network, G, section, "float64")
    plain = replace(e, rests=tuple((0 * D, norm) for D, norm in e.rests), rest_bounds=0 * e.rest_bounds)
    if section.remaining is not None:
        arguments = (prepare_remaining(network, G, section, one, "float64")[0] for one in (e, plain))
        scan, without_rests = (prepare_scan(G, argument)[0] for argument in arguments)
        return _vary_scan(network, scan, without_rests)

    inquiry = prepare_inquiry(None, NO_DEMANDS, G.order, section.table_bits)

    def count(varied: Explanation) -> int:
        return sum(row.by_argument for row in evaluate_explanation(network, G, varied, inquiry, "float64"))

    return Counterfactuals(count(plain), None, count(replace(e, x_error=0 * e.x_error, y_error=0 * e.y_error)))


def _vary_scan(network: Network, scan: Scan, without_rests: Scan) -> Counterfactuals:
    """The last of the norms is the remainder's, those before it are equivariance residuals.

    without_rests: the scan if the circuits beside the representations left nothing of their unembedding.
    """

    def count(varied: Scan) -> int:
        return sum(row.by_argument for row in evaluate_argument(network, varied, None))

    without_remainder, without_residual = without_rests.norms.copy(), scan.norms.copy()
    without_remainder[-1] = without_residual[:-1] = 0
    return Counterfactuals(
        count(replace(without_rests, norms=without_remainder)),
        count(replace(scan, norms=without_residual)),
        count(replace(scan, errors=0 * scan.errors)),
    )


def explain_row(row: Mapping[str, Any]) -> dict[str, str | None]:
    """The columns `explanation`, `why_not` and `why_not_rho_sets` of a row, from other columns of it.

    docs/sweep.md has the formulas.
    """
    if row["error"] is not None:
        return {"explanation": None, "why_not": None, "why_not_rho_sets": None}
    by_rho_sets, by_argument = (row[key] >= EXPLAINED for key in ("bound_by_rho_sets", "bound_by_argument"))
    explanation = "rho_sets" if by_rho_sets else "representations" if by_argument else "unexplained"
    lack = max(LACKS, key=lambda lack: row[f"share_{lack}"] or 0.0)
    basic = _find_basic_cause(row)
    return {
        "explanation": explanation,
        "why_not": None if by_argument else basic or _find_loose_term(row) or lack,
        "why_not_rho_sets": None if by_rho_sets else basic if basic in CAUSES[:2] else lack,
    }


def _find_basic_cause(row: Mapping[str, Any]) -> str | None:
    """What no explanation could help with."""
    if row["accuracy"] is not None and row["accuracy"] < EXPLAINED:
        return "not_accurate"
    if row["structured_pairs"] is not None and row["structured_pairs"] < EXPLAINED * row["pairs"]:
        return "memorised_pairs"
    return "too_costly" if row["argument_pairs"] >= EXPLAINED * row["pairs"] else None


def _find_loose_term(row: Mapping[str, Any]) -> str | None:
    """The error term that costs most pairs, unless it is the equivariance residual, or none costs any."""
    terms = {"unembedding_remainder": "remainder", "merging": "merging", "": "residual"}
    gains = {cause: (row[f"pairs_without_{term}"] or 0) - row["argument_pairs"] for cause, term in terms.items()}
    most = max(gains.values())
    # At a tie the residual: it has a cause of its own.
    return None if most <= 0 or gains[""] == most else max(gains, key=lambda cause: gains[cause])

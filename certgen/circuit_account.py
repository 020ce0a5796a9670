"""What is told of a network's circuits: their G-sets, cells, functions, kernels, and what they carry."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from certgen.explanation import project
from certgen.gset import SIGN_POINTS
from certgen.model import approximate
from certgen.rhoset import fit_kernels, gather_unembedding
from certgen.subgroup_name import name_subgroup

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from certcheck.group import Group
    from certcheck.network import Network
    from certgen.circuits import Circuit, Found, Side
    from certgen.representation import Irrep

# Kernels explain a circuit if they leave less than this part of its unembedding.
CLEAR = 0.05
# With less than this part of its cells a circuit is a fragment.
FRAGMENT = 0.25
# Irreps with less than this part of a function's energy are not named.
LEAST_SHARE = 0.005


@dataclass(frozen=True, slots=True)
class GSetAccount:
    """A transitive G-set: its points, the isomorphism type of the stabiliser of a point, the circuits that use it."""

    index: int
    points: int
    stabiliser: str
    stabiliser_order: int
    circuits: list[int]


@dataclass(frozen=True, slots=True)
class CircuitAccount:
    """A circuit on the points of the G-sets `left` and `right` (their indices).

    cells_needed: some cells do the same as others if a side has 2 points; missing: the cells without a neuron, empty
    for a fragment. phi_irreps: shares of the centred energy of phi as a function on the group. kernel_share,
    one_sided_share, left_share: parts of the unembedding that K explains, that j_L and j_R explain beyond it, and that
    is left; None if a side has 1 point. kind: complete (no needed cell is missing and K leaves little), one-sided
    (j_L, j_R leave little), partial, fragment (few cells) or one input.
    """

    index: int
    kind: str
    left: int
    right: int
    points_left: int
    points_right: int
    stabiliser_left: str
    stabiliser_right: str
    cells: int
    cells_covered: int
    missing: list[list[int]]
    neurons: list[int]
    positive: int
    negative: int
    phi: list[float]
    phi_prime: list[float]
    phi_irreps: dict[str, float]
    phi_prime_irreps: dict[str, float]
    logit_share: float
    kernel_share: float | None
    one_sided_share: float | None
    left_share: float | None

    @property
    def size(self) -> str:
        """The points of both sides."""
        return f"{self.points_left} x {self.points_right}"


@dataclass(frozen=True, slots=True)
class Families:
    """Circuits on the same pair of G-sets as another one (phi not shared): how many, and their share of the logits."""

    circuits: int
    logit_share: float


def describe_circuits(
    network: Network, G: Group, found: Found, irreps: list[Irrep] | None, shares: NDArray[np.float64]
) -> tuple[list[GSetAccount], list[CircuitAccount], Families]:
    """The G-sets and the circuits, those with the largest share of the logits first."""
    carried = [float(shares[circuit.neurons].sum()) for circuit in found.circuits]
    order = sorted(range(len(carried)), key=lambda i: -carried[i])
    sides: list[Side] = []
    where: dict[int, int] = {}
    for side in (side for i in order for side in (found.circuits[i].left, found.circuits[i].right)):
        if id(side) not in where:
            where[id(side)] = len(sides)
            sides.append(side)
    names = [name_subgroup(G, side.stabiliser) for side in sides]
    U = approximate(network.U)
    accounts = []
    for index, i in enumerate(order):
        circuit = found.circuits[i]
        left, right = where[id(circuit.left)], where[id(circuit.right)]
        kernels = _share_kernels(U, G, circuit)
        missing, is_fragment, is_whole = find_missing_cells(circuit)
        accounts.append(
            CircuitAccount(
                index=index,
                kind=_find_kind(kernels, is_fragment=is_fragment, is_whole=is_whole),
                left=left,
                right=right,
                points_left=circuit.left.points,
                points_right=circuit.right.points,
                stabiliser_left=names[left],
                stabiliser_right=names[right],
                cells=circuit.cells,
                cells_covered=circuit.cells_covered,
                missing=[] if is_fragment else missing,
                neurons=sorted(circuit.neurons.tolist()),
                positive=int((circuit.sigma > 0).sum()),
                negative=int((circuit.sigma < 0).sum()),
                phi=circuit.phi.tolist(),
                phi_prime=circuit.phi_prime.tolist(),
                phi_irreps=_share_irreps(irreps, circuit.phi[circuit.left.action[G.inverse, 0]]),
                phi_prime_irreps=_share_irreps(irreps, circuit.phi_prime[circuit.right.action[:, 0]]),
                logit_share=carried[i],
                kernel_share=kernels and kernels[0],
                one_sided_share=kernels and kernels[1],
                left_share=kernels and kernels[2],
            )
        )
    gsets = [
        GSetAccount(index, side.points, names[index], len(side.stabiliser), _find_users(accounts, index))
        for index, side in enumerate(sides)
    ]
    return gsets, accounts, _find_families(accounts)


def _find_users(circuits: list[CircuitAccount], gset: int) -> list[int]:
    return [circuit.index for circuit in circuits if gset in (circuit.left, circuit.right)]


def _find_families(circuits: list[CircuitAccount]) -> Families:
    count = Counter((circuit.left, circuit.right) for circuit in circuits)
    # Where all is constant there is no function to share.
    several = [c for c in circuits if count[c.left, c.right] > 1 and c.kind != "one input"]
    return Families(len(several), sum(circuit.logit_share for circuit in several))


def _share_kernels(U: NDArray[np.float64], G: Group, circuit: Circuit) -> tuple[float, float, float] | None:
    """Parts of the centred unembedding: in K, in j_L and j_R beyond it, and left; None if it has no centred part."""
    if 1 in (circuit.left.points, circuit.right.points):
        return None
    plain, sided = fit_kernels(G, circuit, gather_unembedding(U, circuit))
    return 1 - plain.rest, max(0.0, plain.rest - sided.rest), sided.rest


def find_missing_cells(circuit: Circuit) -> tuple[list[list[int]], bool, bool]:
    """The cells without a neuron; whether nearly all are missing; whether those that are needed are there.

    If B has 2 points, the rows of Gamma(b, b') are opposite: the cells (0, b') and (1, b') do the same. Likewise B'.
    """
    covered = np.zeros((circuit.left.points, circuit.right.points), dtype=bool)
    covered[circuit.b, circuit.b_prime] = True
    missing: list[list[int]] = np.argwhere(~covered).tolist()
    needed = covered
    if circuit.left.points == SIGN_POINTS:
        needed = np.tile(needed.any(axis=0), (SIGN_POINTS, 1))
    if circuit.right.points == SIGN_POINTS:
        needed = np.tile(needed.any(axis=1), (SIGN_POINTS, 1))
    return missing, bool(needed.mean() < FRAGMENT), bool(needed.all())


def _find_kind(kernels: tuple[float, float, float] | None, *, is_fragment: bool, is_whole: bool) -> str:
    if kernels is None:
        return "one input"
    if is_whole and 1 - kernels[0] < CLEAR:
        return "complete"
    if is_fragment:
        return "fragment"
    return "one-sided" if kernels[2] < CLEAR else "partial"


def _share_irreps(irreps: list[Irrep] | None, values: NDArray[np.float64]) -> dict[str, float]:
    """The irreps that carry a function on the group, the largest share first; none if it is constant."""
    centred = values - values.mean()
    energy = float((centred**2).sum())
    if irreps is None or energy <= 0:
        return {}
    shares = {i.name: float(project(i, centred[:, None])[1][0]) / energy for i in irreps if i.name != "trivial"}
    return {name: share for name, share in sorted(shares.items(), key=lambda item: -item[1]) if share > LEAST_SHARE}

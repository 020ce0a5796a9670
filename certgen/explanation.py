"""Which representation carries which cells: G-sets with one coefficient a cell, or irreps with all of theirs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from certcheck.argument import POSITION_BITS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from certgen.cells import Cells
    from certgen.gset import SignedGSet
    from certgen.representation import Irrep


@dataclass(frozen=True, slots=True, eq=False)
class GSetPart:
    """Cells whose unembedding is near to value * (rho(z)[row, column] - its mean); positions: (k, 3), in this order.

    The values are in units of 2**-POSITION_BITS and, up to sign, powers of two.
    """

    gset: SignedGSet
    cells: list[int]
    positions: NDArray[np.int64]

    @property
    def matrices(self) -> NDArray[np.float64]:
        """The signed permutation matrices, (n, d, d)."""
        return self.gset.matrices


@dataclass(frozen=True, slots=True, eq=False)
class IrrepPart:
    """Cells whose unembedding is near to <rho(z), sum_q coefficients_q basis_q>.

    basis: (q, d, d) with entries 0, 1, -1; coefficients: (k, q).
    """

    irrep: Irrep
    cells: list[int]
    coefficients: NDArray[np.float64]

    @property
    def matrices(self) -> NDArray[np.float64]:
        """The irrep's matrices, (n, d, d)."""
        return self.irrep.matrices

    @property
    def basis(self) -> NDArray[np.float64]:
        """The irrep's basis in small integers."""
        return compute_integer_basis(self.irrep)


Part = GSetPart | IrrepPart


def compute_integer_basis(irrep: Irrep) -> NDArray[np.float64]:
    """The orthonormal basis of an irrep times the root that makes its entries 0, 1 and -1."""
    basis: NDArray[np.float64] = irrep.basis * np.sqrt(irrep.dimension**2 / len(irrep.basis))
    return basis


def project(irrep: Irrep, values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of functions on the group, (n, p): their coefficients in an irrep's basis, (q, p), and its energy, (p,)."""
    features = np.einsum("zab,qab->zq", irrep.matrices, compute_integer_basis(irrep))
    # The matrix coefficients of an irrep are orthogonal (Schur).
    fitted = features.T @ values / (features**2).sum(axis=0)[:, None]
    return fitted, ((features @ fitted) ** 2).sum(axis=0)


def explain_by_gsets(cells: Cells, gsets: list[SignedGSet], least: float) -> list[GSetPart]:
    """Cells of which one entry of a signed permutation matrix carries more than a share `least` of the energy.

    Rescales all cells: those explained so that their coefficient is a power of two, all of them near to the scale at
    which the remainder's bound is smallest.
    """
    p = cells.U.shape[1]
    best, scale, choice = np.zeros(p), np.ones(p), np.zeros((p, 2), dtype=np.int64)
    for index, gset in enumerate(gsets):
        features = gset.matrices.reshape(len(cells.U), -1)
        features -= features.mean(axis=0)
        norms = np.linalg.norm(features, axis=0) + 1e-12
        correlation = (features / norms).T @ cells.U
        entry = np.abs(correlation).argmax(axis=0)
        value = correlation[entry, np.arange(p)]
        share = value**2 / ((cells.U**2).sum(axis=0) + 1e-300)
        # A larger G-set must explain clearly more.
        better = share > best * 1.02 + 1e-9
        best[better], scale[better] = share[better], (value / norms[entry])[better]
        choice[better] = np.stack([np.full(p, index), entry], axis=1)[better]
    taken = best > least
    wanted = 4 / np.sqrt(cells.deviations)
    powers = np.clip(np.round(np.log2(wanted / np.abs(scale))), -POSITION_BITS, POSITION_BITS)
    cells.rescale(np.where(taken, np.abs(scale) * 2.0**powers, wanted))
    values = np.sign(scale) * 2.0 ** (POSITION_BITS - powers)
    parts = []
    for index, gset in enumerate(gsets):
        members = np.flatnonzero(taken & (choice[:, 0] == index))
        rows, columns = np.divmod(choice[members, 1], gset.degree)
        positions = np.stack([rows, columns, values[members]], axis=1).astype(np.int64)
        parts.append(GSetPart(gset, members.tolist(), positions))
    # A signed G-set sends its constants to the sign, which must then be there; the signs alone come last.
    signs = {part.gset.signs.tobytes() for part in parts if part.cells}
    return [part for part in parts if part.cells or part.gset.is_sign_of(signs)]


def explain_by_irreps(
    cells: Cells, irreps: list[Irrep], members: list[int], enough: float, least: float
) -> list[IrrepPart]:
    """For each of these cells the irreps with the largest shares of its energy, at least `least`, until `enough`."""
    energy = (cells.U**2).sum(axis=0) + 1e-300
    coefficients = []
    share = np.zeros((len(irreps), cells.U.shape[1]))
    for k, irrep in enumerate(irreps):
        fitted, carried = project(irrep, cells.U)
        coefficients.append(fitted.T)
        share[k] = carried / energy
    chosen = np.zeros(share.shape, dtype=bool)
    for j in members:
        total = 0.0
        for k in np.argsort(-share[:, j]):
            if total >= enough or share[k, j] < least:
                break
            chosen[k, j] = True
            total += share[k, j]
    return [
        IrrepPart(irrep, np.flatnonzero(chosen[k]).tolist(), coefficients[k][chosen[k]])
        for k, irrep in enumerate(irreps)
        if chosen[k].any()
    ]

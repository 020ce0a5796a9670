"""Method `equivariant`: the tables, everything rounded, and the search for the cheapest certificate."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from certcheck.argument import POSITION_BITS, prepare_argument
from certcheck.cases import prepare_cases
from certcheck.document import ERROR_TERMS, EquivariantSection, ExhaustiveSection, RepresentationSection
from certcheck.equivariant import evaluate_argument, prepare_scan
from certcheck.evidence import Evidence, collect
from certcheck.representation import DISTANCE_BITS
from certcheck.verdict import Refusal
from certgen.cells import Cells, fit_cells, is_moderate
from certgen.decomposition import apply_decomposition, read_decomposition
from certgen.explanation import GSetPart, IrrepPart, Part, explain_by_gsets, explain_by_irreps
from certgen.failure import ExitCode, Failure
from certgen.fixed_point import choose_bits, round_to_integers
from certgen.gset import SignedGSet, find_gsets
from certgen.model import approximate
from certgen.progress import follow
from certgen.proposal import LARGE_ORDER, Proposal
from certgen.representation import Irrep, compute_generator_matrices, find_irreps

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from certcheck.group import Group
    from certcheck.network import Network

# Merging of neurons under a user's claim.
CLAIM_TOLERANCE = 1e-3
# A representation is left out if it carries less than `least` divided by this of the unembedding's energy.
NEGLIGIBLE = 10
# Fixed points of the certificate; the scales of cells and unembedding are chosen by their size.
SCALE_BITS = 20
REPRESENTATION_BITS = 22
COEFFICIENT_BITS = 16
# The tables' largest entry then fits 16 bits.
TABLE_MAGNITUDE = 14
# Magnitudes that leave certcheck's products room below 2^52.
ACTIVATION_MAGNITUDE = 24
UNEMBEDDING_MAGNITUDE = 18
LARGEST_GSET = 20
# Beyond this order the argument is not tried: the fit holds n * n * d * d numbers.
LARGEST_ORDER = 1000


@dataclass(frozen=True, slots=True)
class Setting:
    """One way to explain the cells.

    tolerance: of the merging. gset_share: what a G-set must carry of a cell, or None for no G-sets. irrep_share: cells
    that no G-set carries get irreps, each with at least `least`, up to this share; None for no irreps.
    """

    tolerance: float
    gset_share: float | None
    irrep_share: float | None
    least: float = 0.02


@dataclass(frozen=True, slots=True)
class Problem:
    """What every attempt starts from."""

    network: Network
    G: Group
    irreps: list[Irrep]
    gsets: list[SignedGSet]
    cases: ExhaustiveSection | None


@dataclass(frozen=True, slots=True)
class Fit:
    """Tables L, R, N, each (n, d, d); mean and largest |E|; the shares of |V|^2 in E and in the bi-equivariant part."""

    tables: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]
    mean: float
    largest: float
    unexplained: float
    bi_equivariant: float


@dataclass(frozen=True, slots=True)
class Draft:
    """A rounded section without error terms; its parts, their shares of the unembedding's energy, their fits."""

    section: EquivariantSection
    parts: list[Part]
    shares: list[float]
    fits: list[Fit]


@dataclass(frozen=True, slots=True)
class Result(Proposal):
    """A proposal with its representations."""

    section: EquivariantSection
    draft: Draft


FAST = (Setting(1e-3, 0.5, None), Setting(1e-3, None, 0.9))
DEFAULT = (
    *FAST,
    Setting(5e-3, 0.3, None),
    Setting(1e-3, 0.6, 0.9),
    Setting(1e-2, None, 0.7),
    Setting(1e-3, None, 0.7),
    Setting(1e-3, None, 0.98, 0.003),
    Setting(1e-4, None, 1.0, 1e-5),
)
THOROUGH = (
    *DEFAULT,
    Setting(1e-4, 0.5, None),
    Setting(1e-2, 0.5, 0.9),
    Setting(1e-4, None, 0.95, 0.01),
    Setting(1e-4, 0.6, 0.98, 0.003),
    Setting(5e-3, None, 0.9),
    Setting(1e-4, 0.2, None),
)
EFFORTS = {"fast": FAST, "default": DEFAULT, "thorough": THOROUGH}


# No slots: what it finds is kept, as both methods that ask for it would find the same again.
@dataclass(frozen=True)
class Search:
    """What to explain: a network, its group under a name or None, how cases may be evaluated, and how hard to try."""

    network: Network
    G: Group
    name: str | None
    cases: ExhaustiveSection | None
    effort: str

    @property
    def is_feasible(self) -> bool:
        """Whether the group is small enough and the weights are moderate enough for a fit."""
        return 1 < self.G.order <= LARGEST_ORDER and is_moderate(self.network)

    @property
    def settings(self) -> tuple[Setting, ...]:
        """What to try; few where each takes long."""
        return EFFORTS[self.effort] if self.G.order <= LARGE_ORDER or self.effort == "thorough" else FAST

    @functools.cached_property
    def irreps(self) -> list[Irrep]:
        """Those of the group but the trivial one."""
        return [irrep for irrep in find_irreps(self.G, self.name) if irrep.name != "trivial"]

    @functools.cached_property
    def gsets(self) -> list[SignedGSet]:
        """Those of few points."""
        return find_gsets(self.G, LARGEST_GSET)

    def begin(self, *, with_gsets: bool) -> Problem:
        """The problem with its irreps and G-sets."""
        return Problem(self.network, self.G, self.irreps, self.gsets if with_gsets else [], self.cases)


def complete_decomposition(search: Search, path: str) -> Result | None:
    """The certificate of a user's claimed decomposition.

    Errors: Failure (DECOMPOSITION) where a claim is false, or the group too large for the fit.
    """
    if search.G.order > LARGEST_ORDER:
        sentence = f"a decomposition is for a group of order at most {LARGEST_ORDER}, got {search.G.order}"
        raise Failure(ExitCode.DECOMPOSITION, f"{path}: {sentence}")
    claims = read_decomposition(path, search.name)
    problem = search.begin(with_gsets=False)
    cells = fit_cells(search.network, CLAIM_TOLERANCE)
    explain_by_gsets(cells, [], least=2.0)
    U = approximate(search.network.U)
    parts = apply_decomposition(path, claims, search.G, problem.irreps, cells, U - U.mean(axis=0))
    return complete(problem, draft(problem, cells, list(parts)))


def find_equivariant(search: Search) -> Result | None:
    """The certificate that proves most, and the cheapest of those, over the settings of an effort; or None."""
    if not search.is_feasible:
        return None
    network = search.network
    problem = search.begin(with_gsets=True)
    best: Result | None = None
    for setting in follow(search.settings, "trying decompositions", len(search.settings)):
        cells = fit_cells(network, setting.tolerance)
        result = complete(problem, draft(problem, cells, explain(problem, cells, setting))) if cells.U.size else None
        if result is not None and (best is None or result.rank > best.rank):
            best = result
    return best


def explain(problem: Problem, cells: Cells, setting: Setting) -> list[Part]:
    """Representations and the cells that each carries. Rescales the cells."""
    least = 2.0 if setting.gset_share is None else setting.gset_share
    parts: list[Part] = list(explain_by_gsets(cells, problem.gsets, least))
    carried = {j for part in parts for j in part.cells}
    if setting.irrep_share is not None:
        rest = [j for j in range(cells.U.shape[1]) if j not in carried]
        parts += explain_by_irreps(cells, problem.irreps, rest, setting.irrep_share, setting.least)
    # What carries next to nothing costs as much as the rest; its cells go to the remainder.
    weighty = [part for part in parts if compute_share(part, cells) > setting.least / NEGLIGIBLE]
    signs = {part.gset.signs.tobytes() for part in weighty if isinstance(part, GSetPart) and part.gset.degree > 1}
    return [p for p in parts if p in weighty or (isinstance(p, GSetPart) and p.gset.is_sign_of(signs))]


def draft(problem: Problem, cells: Cells, parts: list[Part]) -> Draft:
    """The section that these parts give for these cells."""
    fits = fit_tables(problem.G, cells, parts)
    section = _round_section(problem, cells, parts, [fit.tables for fit in fits])
    return Draft(section, parts, [compute_share(part, cells) for part in parts], fits)


def complete(problem: Problem, drafted: Draft) -> Result | None:
    """The section with its error terms, evaluated by certcheck's own code; None if no scale fits it."""
    try:
        argument, cost, terms = prepare_argument(problem.network, problem.G, drafted.section, "float64")
        scan, more = prepare_scan(problem.G, argument)
        rounded = prepare_cases(problem.network, problem.cases, "float64")
        rows = follow(evaluate_argument(problem.network, scan, rounded), "evaluating", problem.G.order)
        evidence = collect(rows, Evidence(0, 0, cost))
    except Refusal:
        return None
    section = replace(drafted.section, error_terms=terms | more)
    return Result(section, evidence.by_argument, evidence.by_cases, evidence.cost, drafted)


def compute_share(part: Part, cells: Cells) -> float:
    """The part of the unembedding's energy that a representation carries."""
    if not part.cells:
        return 0.0
    if isinstance(part, IrrepPart):
        keys = np.einsum("zab,jq,qab->zj", part.matrices, part.coefficients, part.basis, optimize=True)
    else:
        rows, columns, values = part.positions.T
        keys = part.matrices[:, rows, columns] * values / 2.0**POSITION_BITS
    centred = keys - keys.mean(axis=0)
    # Neurons of a cell may cancel each other.
    return float((centred**2).sum() / (((cells.U - cells.U.mean(axis=0)) ** 2).sum() + 1e-300))


def fit_tables(G: Group, cells: Cells, parts: list[Part]) -> list[Fit]:
    """L, R, N for each part: V averaged over the three symmetries of xy = z, one after the other."""
    g = np.maximum(cells.alpha[:, None] + cells.gamma, 0)
    g -= g.mean(axis=0) + (g.mean(axis=1) - g.mean(axis=(0, 1)))[:, None]
    constants: dict[int, NDArray[np.float64]] = {}
    fits = []
    for index, part in enumerate(parts):
        V = _compute_V(part, g)
        if index in constants:
            V += constants[index]
        to = find_sign(parts, index)
        if isinstance(part, GSetPart) and part.gset.degree > 1 and (to is not None or not part.gset.is_signed):
            r = V.mean(axis=3, keepdims=True)
            V = V - r
            c = V.mean(axis=2, keepdims=True)
            V = V - c
            if to is not None:
                moved = r.sum(axis=2, keepdims=True) + c.sum(axis=3, keepdims=True)
                constants[to] = constants.get(to, 0) + moved
        fits.append(_fit(G, part.matrices, V))
    return fits


def _compute_V(part: Part, g: NDArray[np.float64]) -> NDArray[np.float64]:
    n, d = len(g), part.matrices.shape[1]
    if isinstance(part, IrrepPart):
        coordinates = g[:, :, part.cells] @ part.coefficients
        V: NDArray[np.float64] = np.einsum("xyq,qab->xyab", coordinates, part.basis, optimize=True)
        return V
    V = np.zeros((n, n, d, d))
    for j, (row, column, value) in zip(part.cells, part.positions.tolist(), strict=True):
        V[:, :, row, column] += value / 2.0**POSITION_BITS * g[:, :, j]
    return V


def _fit(G: Group, rho: NDArray[np.float64], V: NDArray[np.float64]) -> Fit:
    n, total = G.order, float((V**2).sum()) + 1e-300
    L = np.einsum("xba,xybc->yac", rho, V, optimize=True) / n
    E = V - np.einsum("xab,ybc->xyac", rho, L, optimize=True)
    R = np.einsum("xyab,ycb->xac", E, rho, optimize=True) / n
    E -= np.einsum("xab,ybc->xyac", R, rho, optimize=True)
    N = np.zeros_like(L)
    np.add.at(N, G.table.ravel(), E.reshape(-1, *E.shape[2:]))
    N /= n
    E -= N[G.table]
    # L(y) = B rho(y) is the bi-equivariant part.
    B = np.einsum("yab,ycb->ac", L, rho) / n
    norms = np.sqrt((E**2).sum(axis=(2, 3)))
    shares = float((norms**2).sum()) / total, float((B**2).sum()) * n * n / total
    return Fit((L, R, N), float(norms.mean()), float(norms.max()), *shares)


def find_sign(parts: list[Part], index: int) -> int | None:
    """The later representation of size 1 with the same signs, for a signed G-set of several points."""
    part = parts[index]
    if not isinstance(part, GSetPart) or part.gset.degree == 1 or not part.gset.is_signed:
        return None
    for later in range(index + 1, len(parts)):
        other = parts[later]
        if isinstance(other, GSetPart) and other.gset.degree == 1 and (other.gset.signs == part.gset.signs).all():
            return later
    return None


def _round_section(
    problem: Problem, cells: Cells, parts: list[Part], tables: list[tuple[NDArray[np.float64], ...]]
) -> EquivariantSection:
    activation = max(np.abs(cells.alpha).max(), np.abs(cells.gamma).max(), 2.0**-30)
    unembedding = max(np.abs(cells.U).max(), 2.0**-30)
    activation_bits = choose_bits(activation, ACTIVATION_MAGNITUDE, 20)
    unembedding_bits = choose_bits(unembedding, UNEMBEDDING_MAGNITUDE, 18)
    largest = max((np.abs(t).max() for fitted in tables for t in fitted), default=1.0)
    finest = min(activation_bits + POSITION_BITS, activation_bits + unembedding_bits - DISTANCE_BITS)
    table_bits = choose_bits(largest, TABLE_MAGNITUDE, max(0, finest))
    scaled = [round_to_integers(v, SCALE_BITS) for v in (cells.sigma, cells.share)]
    neurons = np.stack([cells.cell, *scaled], axis=1)
    # A scale is not 0, however small.
    neurons[(cells.cell >= 0) & (neurons[:, 1] == 0), 1] = 1
    return EquivariantSection(
        activation_bits=activation_bits,
        unembedding_bits=unembedding_bits,
        scale_bits=SCALE_BITS,
        representation_bits=REPRESENTATION_BITS,
        coefficient_bits=COEFFICIENT_BITS,
        table_bits=table_bits,
        cells=cells.U.shape[1],
        neurons=neurons,
        representations=tuple(
            _round_part(problem.G, parts, index, table, table_bits) for index, table in enumerate(tables)
        ),
        error_terms=dict.fromkeys(ERROR_TERMS, 0),
        cases=problem.cases,
    )  # fmt: skip


def _round_part(
    G: Group, parts: list[Part], index: int, tables: tuple[NDArray[np.float64], ...], table_bits: int
) -> RepresentationSection:
    part, generators = parts[index], list(G.generators)
    left, right, middle = (round_to_integers(t, table_bits) for t in tables)
    cells = np.array(part.cells, dtype=np.int64)
    if isinstance(part, GSetPart):
        return RepresentationSection(
            name=None,
            permutations=part.gset.action[generators],
            signs=part.gset.signs[generators],
            matrices=None,
            cells=cells,
            positions=part.positions,
            coefficients=None,
            basis=None,
            left=left,
            right=right,
            middle=middle,
            constants_to=find_sign(parts, index),
        )
    d = part.irrep.dimension
    matrices = compute_generator_matrices(part.irrep, G, REPRESENTATION_BITS)
    return RepresentationSection(
        name=part.irrep.name,
        permutations=None,
        signs=None,
        matrices=np.array(matrices, dtype=np.int64).reshape(len(generators), d, d),
        cells=cells,
        positions=None,
        coefficients=round_to_integers(part.coefficients, COEFFICIENT_BITS),
        basis=None if len(part.basis) == d * d else np.round(part.basis).astype(np.int64),
        left=left,
        right=right,
        middle=middle,
        constants_to=None,
    )

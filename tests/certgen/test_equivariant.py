"""The search for a certificate of method `equivariant`, and what certcheck says of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from certcheck.comparison import Auditor
from certcheck.decision import check
from certcheck.document import EquivariantSection, StatementSection, parse_certificate
from certcheck.exhaustive import compute_exhaustive_cost
from certcheck.group import check_group
from certcheck.group_file import read_group
from certgen.account import describe
from certgen.cells import fit_cells
from certgen.certificate import write_certificate
from certgen.equivariant import EFFORTS, Search, Setting, complete, draft, explain, find_equivariant, fit_tables
from certgen.exhaustive import choose_fixed_point
from certgen.explanation import GSetPart, IrrepPart
from certgen.group import find_group
from certgen.model import Model, load_model
from tests.certgen.small_models import (
    constant_weights,
    cyclic,
    detector_weights,
    dicyclic,
    dihedral,
    group_of,
    network_of,
    never,
    relabel,
    symmetric,
)

EXAMPLES = Path(__file__).parents[2] / "examples"
DENSE = Setting(1e-9, None, 1.0, 0.0)


def shipped() -> Model:
    """The shipped S4 network."""
    return load_model(str(EXAMPLES / "S4.pt"), None, None)


def test_the_shipped_model_is_proved_by_the_argument_alone() -> None:
    """All 576 pairs without a case, at a fraction of exhaustive cost; the file that is written is verified as such."""
    model = shipped()
    group = find_group(str(EXAMPLES / "S4.group.json"), 24, never)
    G = check_group(group.elements, "group")
    result = find_equivariant(Search(model.network, G, "S4", None, "default"))
    assert result is not None
    assert (result.by_argument, result.by_cases) == (576, 0)
    exhaustive = compute_exhaustive_cost(model.network, G)
    assert result.cost["multiply_adds"] < exhaustive / 2
    data = write_certificate(StatementSection(576, 576), group, model.section, result.section)
    proof = check(data, Auditor(arithmetic="int64"))
    assert (proof.pairs_by_argument, proof.pairs_by_cases, proof.method) == (576, 0, "equivariant")
    assert proof.multiply_adds == result.cost["multiply_adds"]
    assert set(proof.error_terms) == {"merging", "rounding", "homomorphism", "equivariance", "remainder"}
    lines = describe(result, exhaustive)
    assert lines[-2] == "pairs         576 by the argument, 0 by cases"
    assert any(line.startswith("cells ") for line in lines)


def test_what_is_written_is_what_is_parsed() -> None:
    """Every array of the section survives the file."""
    model = shipped()
    group = find_group(str(EXAMPLES / "S4.group.json"), 24, never)
    G = check_group(group.elements, "group")
    for setting in EFFORTS["fast"]:
        problem = Search(model.network, G, "S4", choose_fixed_point(model.network), "fast").begin(with_gsets=True)
        cells = fit_cells(model.network, setting.tolerance)
        result = complete(problem, draft(problem, cells, explain(problem, cells, setting)))
        assert result is not None
        data = write_certificate(StatementSection(576, 576), group, model.section, result.section)
        parsed = parse_certificate(data).method
        assert isinstance(parsed, EquivariantSection)
        assert write_certificate(StatementSection(576, 576), group, model.section, parsed) == data
        assert result.by_argument + result.by_cases == 576


@pytest.mark.parametrize(
    ("table", "types"),
    [
        (symmetric(3), {"real"}),
        (dihedral(4), {"real"}),
        (cyclic(6), {"real", "complex"}),
        (dicyclic(2), {"real", "quaternionic"}),
        (dicyclic(3), {"real", "complex", "quaternionic"}),
    ],
)
def test_irreps_of_every_type_prove_a_network_that_they_explain(table: np.ndarray, types: set[str]) -> None:  # type: ignore[type-arg]
    """A neuron a pair: V is a function of xy alone, so the middle-equivariant table explains all of it.

    With every irrep and every cell nothing is left but rounding. An irrep of complex or quaternionic type takes a half
    or a quarter of the d * d coordinates.
    """
    table = relabel(table, 5)
    G = group_of(table)
    network = network_of("direct", detector_weights(table))
    problem = Search(network, G, None, None, "fast").begin(with_gsets=False)
    cells = fit_cells(network, DENSE.tolerance)
    parts = explain(problem, cells, DENSE)
    result = complete(problem, draft(problem, cells, parts))
    assert result is not None
    assert result.by_argument == G.order**2
    irreps = [part for part in parts if isinstance(part, IrrepPart)]
    assert {part.irrep.type for part in irreps} == types
    for part, representation in zip(irreps, result.section.representations, strict=True):
        divisor = {"real": 1, "complex": 2, "quaternionic": 4}[part.irrep.type]
        assert part.coefficients.shape[1] * divisor == part.irrep.dimension**2
        assert (representation.basis is None) == (divisor == 1)
    assert sum(result.draft.shares) == pytest.approx(1.0)
    assert all(fit.unexplained < 1e-6 and fit.mean <= fit.largest < 1e-3 for fit in result.draft.fits)


def test_without_cases_no_case_is_claimed() -> None:
    """Half of the network explained: the argument proves fewer pairs, and cases the rest."""
    model = shipped()
    G = read_group(str(EXAMPLES / "S4.group.json"))
    counts = []
    for cases in (None, choose_fixed_point(model.network)):
        problem = Search(model.network, G, "S4", cases, "fast").begin(with_gsets=True)
        cells = fit_cells(model.network, 1e-3)
        parts = explain(problem, cells, Setting(1e-3, None, 0.9))[:1]
        result = complete(problem, draft(problem, cells, parts))
        assert result is not None
        counts.append((result.by_argument, result.by_cases))
    assert counts[0][1] == 0
    assert counts[0][0] == counts[1][0] < 576
    assert sum(counts[1]) == 576


def test_a_signed_gset_comes_with_its_sign() -> None:
    """The sign takes the constants of signed permutation matrices; it stands after them."""
    model = shipped()
    G = read_group(str(EXAMPLES / "S4.group.json"))
    problem = Search(model.network, G, "S4", None, "fast").begin(with_gsets=True)
    cells = fit_cells(model.network, 1e-3)
    parts = explain(problem, cells, Setting(1e-3, 0.3, None))
    gsets = [part.gset for part in parts if isinstance(part, GSetPart)]
    for index, gset in enumerate(gsets):
        if gset.is_signed and gset.degree > 1:
            assert any(g.degree == 1 and (g.signs == gset.signs).all() for g in gsets[index + 1 :])
    for fit in fit_tables(G, cells, parts):
        assert 0 <= fit.unexplained <= 1
        assert 0 <= fit.bi_equivariant <= 1 + 1e-9


def test_a_network_that_cannot_be_explained_is_no_error() -> None:
    """Order 1 has nothing to explain; constant answers have no cells that a representation carries."""
    G = group_of(cyclic(1))
    assert find_equivariant(Search(network_of("direct", constant_weights(1)), G, "C1", None, "fast")) is None
    G = group_of(cyclic(5))
    result = find_equivariant(Search(network_of("direct", constant_weights(5)), G, "C5", None, "fast"))
    assert result is None or result.by_argument <= 5


def test_weights_of_any_size_leave_room() -> None:
    """Scaled by 2^30 or 2^-30, the same pairs are proved or nothing is."""
    table = symmetric(3)
    G = group_of(table)
    for power in (-30, 0, 30):
        weights = {role: values * 2.0**power for role, values in detector_weights(table).items()}
        network = network_of("direct", weights)
        problem = Search(network, G, "S3", None, "fast").begin(with_gsets=False)
        cells = fit_cells(network, 1e-9)
        result = complete(problem, draft(problem, cells, explain(problem, cells, DENSE)))
        assert result is None or result.by_argument in (0, 36)
        assert power != 0 or result is not None

"""Classes of what explains a network and of what does not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from certgen.equivariant import Search
from certgen.generate import Request, find_proposals
from certgen.row import Row
from certgen.shortfall import Counterfactuals, explain_row, measure_counterfactuals, measure_shares
from certgen.subject import Source, Subject, load_subject
from examples.construct import main as construct
from tests.certgen.sweep_work import make_row

EXAMPLES = Path(__file__).parents[2] / "examples"
BELOW = {"bound_by_argument": 0.5, "bound_by_rho_sets": 0.0, "argument_pairs": 288}


def classes(**changes: object) -> tuple[str, str | None, str | None]:
    """The three classes of a row that is explained in full but for the changes."""
    row: Row = make_row() | changes
    return tuple(explain_row(row).values())  # type: ignore[return-value]


def test_a_model_is_explained_by_circuits_or_by_representations() -> None:
    """From 95 % on."""
    assert classes() == ("rho_sets", None, None)
    assert classes(bound_by_rho_sets=0.95) == ("rho_sets", None, None)
    shares = {"bound_by_rho_sets": 0.9499, "share_missing_cells": 0.3, "share_phi_not_shared": 0.2}
    assert classes(**shares) == ("representations", None, "missing_cells")


@pytest.mark.parametrize(
    ("changes", "why_not", "why_not_rho_sets"),
    [
        ({"accuracy": 0.9, "structured_pairs": 0}, "not_accurate", "not_accurate"),
        ({"structured_pairs": 547}, "memorised_pairs", "memorised_pairs"),
        ({"structured_pairs": 548, "share_no_circuit": 0.4}, "no_circuit", "no_circuit"),
        ({"argument_pairs": 548, "share_phi_not_shared": 0.4}, "too_costly", "phi_not_shared"),
        ({"pairs_without_remainder": 300, "pairs_without_residual": 299}, "unembedding_remainder", "missing_cells"),
        ({"pairs_without_merging": 400, "pairs_without_remainder": 300}, "merging", "missing_cells"),
        ({"pairs_without_residual": 300, "pairs_without_remainder": 300}, "missing_cells", "missing_cells"),
        ({"pairs_without_remainder": 288, "share_unclear_kernels": 0.1}, "unclear_kernels", "unclear_kernels"),
        ({"accuracy": None, "structured_pairs": None}, "missing_cells", "missing_cells"),
    ],
)
def test_the_first_cause_that_holds_is_told(changes: dict[str, object], why_not: str, why_not_rho_sets: str) -> None:
    """By hand, from the formulas of docs/sweep.md."""
    assert classes(**(BELOW | changes)) == ("unexplained", why_not, why_not_rho_sets)


def test_a_row_with_an_error_has_no_class() -> None:
    """Nothing was measured."""
    assert classes(error="MODEL") == (None, None, None)


def build(tmp_path: Path, *options: str, without: slice | None = None) -> Subject:
    """A constructed network of circuits of S4, without some of its neurons."""
    path = tmp_path / "S4.pt"
    assert construct(["--group", "S4", *options, "-o", str(path)]) == 0
    if without is not None:
        import torch  # noqa: PLC0415 - for this alone

        weights = torch.load(path, weights_only=True)
        keep = np.delete(np.arange(weights["left"].shape[1]), without)
        torch.save(
            {"left": weights["left"][:, keep], "right": weights["right"][:, keep], "out": weights["out"][keep]}, path
        )
    return load_subject(Source(str(path), str(path.with_suffix(".group.json")), None, None))


def test_constructed_circuits_are_complete(tmp_path: Path) -> None:
    """All of the logits is in complete circuits."""
    subject = build(tmp_path, "--gset", "4", "2", "--noise", "1e-4")
    shares = measure_shares(subject.model.network, subject.G)
    assert shares.share_complete == pytest.approx(1, abs=1e-3)
    assert (shares.circuits, shares.circuits_complete) == (2, 2)
    assert shares.cells == 20


def test_cells_without_neurons_are_found(tmp_path: Path) -> None:
    """A network that lost a quarter of its neurons: its circuit lacks cells, and that is the cause."""
    subject = build(tmp_path, "--gset", "4", "--noise", "1e-4", without=slice(0, 4))
    shares = measure_shares(subject.model.network, subject.G)
    assert shares.share_missing_cells == pytest.approx(1, abs=1e-3)
    assert (shares.cells_covered, shares.cells) == (12, 16)


def argue(subject: Subject, method: str) -> tuple[int, Counterfactuals]:
    """The pairs that a method proves without cases, and those that it would."""
    request = Request(method, cases=False)
    search = Search(subject.model.network, subject.G, subject.section.name, None, "fast")
    proposal = max(find_proposals(search, request), key=lambda p: p.rank)
    return proposal.by_argument, measure_counterfactuals(subject.model.network, subject.G, proposal.section)


def test_without_an_error_term_more_is_proved(tmp_path: Path) -> None:
    """Noise costs pairs, by more than one term; circuits have no residual."""
    proved, varied = argue(build(tmp_path, "--gset", "4", "--noise", "0.008"), "rho-set")
    assert varied.pairs_without_residual is None
    assert varied.pairs_without_remainder is not None
    assert varied.pairs_without_merging is not None
    assert proved < min(varied.pairs_without_remainder, varied.pairs_without_merging) <= 576
    (tmp_path / "S4.pt").unlink()
    (tmp_path / "S4.group.json").unlink()
    proved, varied = argue(build(tmp_path, "--gset", "4", "--noise", "0.02"), "equivariant")
    assert varied.pairs_without_residual is not None
    assert varied.pairs_without_remainder is not None
    assert proved < min(varied.pairs_without_remainder, varied.pairs_without_residual) <= 576

"""certcheck.tightest: the triple where a method leaves least, and the terms that add up to its bound."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest

from certcheck.cases import settle
from certcheck.comparison import Auditor
from certcheck.decision import check, check_method, prepare_demands
from certcheck.document import EntropyEffort, ExhaustiveSection, StatementSection
from certcheck.limits import Limits
from certcheck.tightest import HELP, find_tightest
from certcheck.verdict import Reason, Refusal, Verdict, announce
from tests.certificates import C1, C3, S3, certificate, encode
from tests.equivariant_sections import Example as EquivariantExample
from tests.equivariant_sections import make_group, make_matrix_example, make_permutation_example, make_sign_example
from tests.remaining_sections import make_points
from tests.rhoset_sections import Example as RhoSetExample
from tests.rhoset_sections import make_example, make_wiring

if TYPE_CHECKING:
    from collections.abc import Callable

NEVER = 10**18 - 1
G6, G3, G1 = make_group(S3), make_group(C3), make_group(C1)
EXAMPLES: dict[str, Callable[[], EquivariantExample | RhoSetExample]] = {
    "permutations": lambda: make_permutation_example(G6),
    "signs": lambda: make_sign_example(G6),
    "matrices": lambda: make_matrix_example(G6),
    "circuits": lambda: make_example(G6, make_wiring(G6)),
    "circuits and representations": lambda: make_points(G6).whole,
}


def compute_bounds(example: Any) -> dict[tuple[int, int, int], Fraction]:
    """Every bound as the scan has it: what settle is given, in logits."""
    found: dict[tuple[int, int, int], Fraction] = {}

    def watch(network: Any, inquiry: Any, v: int, pairs: Any, ell: Any) -> Any:
        for i, (x, y) in enumerate(zip(*pairs, strict=True)):
            for z in range(len(inquiry.x_demand)):
                if z != v:
                    found[int(x), int(y), z] = int(ell[i, z]) * Fraction(2) ** -inquiry.bits
        return settle(network, inquiry, v, pairs, ell)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("certcheck.equivariant.settle", watch)
        patch.setattr("certcheck.rhoset.settle", watch)
        # A cross-entropy has every label of every pair looked at.
        statement = StatementSection(0, 0, cross_entropy_effort=EntropyEffort(0, NEVER))
        demands = prepare_demands(statement, example.network)
        check_method(example.network, example.G, example.section, Auditor(), demands)
    return found


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_terms_add_up_to_the_smallest_bound_of_all(name: str) -> None:
    """The triple's bound is the scan's, none is smaller, and its terms are what it is made of."""
    example = EXAMPLES[name]()
    bounds = compute_bounds(example)
    assert len(bounds) == example.G.order**2 * (example.G.order - 1)
    found = find_tightest(example.network, example.G, example.section, "float64")
    assert found is not None
    assert Fraction(found.bound) == min(bounds.values()) == bounds[found.x, found.y, found.z]
    assert sum(map(Fraction, found.terms.values())) == Fraction(found.bound)
    losses = {key: -Fraction(term) for key, term in found.terms.items() if key.split()[0] in HELP}
    assert losses[found.costliest] == max(losses.values())
    assert found.advice == HELP[found.costliest.split()[0]]


def test_every_kind_of_loss_is_named() -> None:
    """Residuals by the representation's name, rests by the circuit, with what would help."""
    found = {name: find_tightest(e.network, e.G, e.section, "float64") for name, e in _build_all().items()}
    kinds = {name: set() if t is None else {key.split()[0] for key in t.terms} for name, t in found.items()}
    assert kinds["matrices"] == {"P", "Q", "L", "R", "M", "residual", "remainder", "errors"}
    assert kinds["circuits"] == {"P", "Q", "L", "R", "M", "F", "rest", "errors"}
    assert kinds["circuits and representations"] == {"P", "Q", "L", "R", "M", "residual", "remainder", "rest", "errors"}


def _build_all() -> dict[str, Any]:
    return {name: build() for name, build in EXAMPLES.items()}


def test_exhaustive_has_the_margin_and_its_slack() -> None:
    """All margins of the network of detectors are 1, and nothing is rounded."""
    document = certificate(S3)
    proof = check(encode(document), Auditor(explain=True))
    assert proof.tightest is not None
    assert (proof.tightest["bound"], proof.tightest["terms"]) == ("1", {"margin": "1", "slack": "0"})
    assert check(encode(document), Auditor()).tightest is None


def test_order_one_has_no_wrong_label() -> None:
    """Nothing to explain."""
    example = make_permutation_example(G3)
    assert find_tightest(example.network, G1, ExhaustiveSection(0, 0), "float64") is None


def test_what_takes_too_many_additions_is_refused() -> None:
    """16 n^3 of them: C3 has 432."""
    example = make_permutation_example(G3)
    section = ExhaustiveSection(10, 10)
    assert find_tightest(example.network, G3, section, "float64", Limits(additions=432)) is not None
    with pytest.raises(Refusal) as caught:
        find_tightest(example.network, G3, section, "float64", Limits(additions=431))
    assert (caught.value.reason, caught.value.where) == (Reason.WORK_TOO_LARGE, "--explain")


def test_the_verdict_shows_the_terms_from_gain_to_loss(capsys: pytest.CaptureFixture[str]) -> None:
    """One line for the triple, one a term, one for what costs most."""
    proof = check(encode(certificate(S3)), Auditor(explain=True))
    assert announce([Verdict("a", proof, 0.0)], count=1, as_json=False, quiet=False) == 0
    lines = capsys.readouterr().out.splitlines()[-4:]
    assert lines[0] == "tightest      x = 0, y = 0, z = 1: the margin is at least 1.0000"
    assert lines[1:3] == ["                   +1.0000  margin", "                   +0.0000  slack"]
    assert lines[3] == f"costs most    slack: {HELP['slack']}"

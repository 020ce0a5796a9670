"""certcheck.tightest: the triple where a method leaves least, and the terms that add up to its bound."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import certcheck
from certcheck.cases import settle
from certcheck.comparison import Auditor
from certcheck.decision import check, check_method, prepare_demands
from certcheck.document import EntropyEffort, ExhaustiveSection, StatementSection, parse_certificate
from certcheck.equivariant import Scan
from certcheck.explanation import Explanation
from certcheck.group import check_group
from certcheck.limits import LIMITS, Limits
from certcheck.network import check_network
from certcheck.rhoset import prepare_explanation
from certcheck.tightest import HELP, _list_of_circuits, _list_of_scan, _list_rests, find_tightest, list_rows
from certcheck.verdict import Reason, Refusal, Verdict, announce
from tests.certcheck.test_network import compute_folded
from tests.certificates import C1, C3, S3, certificate, encode
from tests.equivariant_sections import Example as EquivariantExample
from tests.equivariant_sections import make_group, make_matrix_example, make_permutation_example, make_sign_example
from tests.remaining_sections import make_points, make_rough
from tests.rhoset_sections import Example as RhoSetExample
from tests.rhoset_sections import make_example, make_wiring

if TYPE_CHECKING:
    from collections.abc import Callable

NEVER = 10**18 - 1
VALID = Path(__file__).parents[1] / "vectors" / "valid"
G6, G3, G1 = make_group(S3), make_group(C3), make_group(C1)
EXAMPLES: dict[str, Callable[[], EquivariantExample | RhoSetExample]] = {
    "permutations": lambda: make_permutation_example(G6),
    "signs": lambda: make_sign_example(G6),
    "matrices": lambda: make_matrix_example(G6),
    "circuits": lambda: make_example(G6, make_wiring(G6)),
    "circuits and representations": lambda: make_points(G6).whole,
    "circuits with rests and representations": lambda: make_rough().whole,
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


def draw_tables(rng: np.random.Generator, n: int, names: str) -> dict[str, Any]:
    """Tables of small integers of both signs."""
    return {name: rng.integers(-999, 999, (n, n)).astype(np.int32) for name in names}


def test_each_term_of_circuits_is_a_difference_of_its_table() -> None:
    """Claim 19, entry by entry, for tables of any numbers; the rests by the distance of v and z in D, rounded up."""
    rng, n, G = np.random.default_rng(3), 6, G6
    t = draw_tables(rng, n, "PQLRM") | {"F": rng.integers(-999, 999, n).astype(np.int32)}
    rests = tuple((rng.integers(-99, 99, (n, 4)), norm) for norm in (17, 40))
    x_error, y_error = (rng.integers(1, 999, n) for _ in range(2))
    explanation = Explanation(
        **t, x_error=x_error, y_error=y_error, rounding=5, rests=rests, rest_bounds=y_error, shift=4
    )
    table, inverse = G.table.tolist(), G.inverse.tolist()
    for v in range(n):
        terms = _list_of_circuits(G, explanation, v)
        for x in range(n):
            y = table[inverse[x]][v]
            for z in range(n):
                left, right = table[inverse[x]][z], table[z][inverse[y]]
                expected = {
                    "P": t["P"][x, v] - t["P"][x, z],
                    "Q": t["Q"][y, v] - t["Q"][y, z],
                    "L": t["L"][y, y] - t["L"][y, left],
                    "R": t["R"][x, x] - t["R"][x, right],
                    "M": t["M"][v, v] - t["M"][v, z],
                    "F": t["F"][G.identity] - t["F"][table[left][inverse[y]]],
                    "errors": -(x_error[x] + y_error[y] + 5),
                }
                for i, (D, norm) in enumerate(rests):
                    root = math.isqrt(int(((D[z] - D[v]) ** 2).sum()) - 1) + 1 if (D[z] != D[v]).any() else 0
                    expected[f"rest of circuit {i}"] = math.floor(Fraction(-root * norm, 2**4))
                assert {key: term[x, z] for key, term in terms.items()} == expected


def test_each_term_of_a_scan_is_a_difference_of_its_table() -> None:
    """Claim 17, entry by entry, for tables of any numbers: P[z, x], Q[z, y], L[y^-1 x^-1 z, y], R[z y^-1 x^-1, x]."""
    rng, n, G = np.random.default_rng(4), 6, G6
    t = draw_tables(rng, n, "PQLRM") | {
        "errors": rng.integers(1, 999, (n, n)),
        "remainders": rng.integers(1, 99, (n, n)),
    }
    distances, norms = rng.integers(1, 99, (2, n)), rng.integers(1, 99, (3, n, n))
    table, inverse = G.table.tolist(), G.inverse.tolist()
    left = np.array([[table[inverse[x]][z] for z in range(n)] for x in range(n)])
    right = np.array([[table[z][inverse[x]] for z in range(n)] for x in range(n)])
    section: Any = SimpleNamespace(representations=[SimpleNamespace(name=name) for name in (None, "x" * 99)])
    scan = Scan(**t, distances=distances, norms=norms, left=left, right=right, cells=1, bits=0)
    for v in range(n):
        terms = _list_of_scan(scan, section, v)
        for x in range(n):
            y = table[inverse[x]][v]
            for z in range(n):
                after, before = table[inverse[v]][z], table[z][inverse[v]]
                assert {key: term[x, z] for key, term in terms.items()} == {
                    "P": t["P"][v, x] - t["P"][z, x],
                    "Q": t["Q"][v, y] - t["Q"][z, y],
                    "L": t["L"][G.identity, y] - t["L"][after, y],
                    "R": t["R"][G.identity, x] - t["R"][before, x],
                    "M": t["M"][v, v] - t["M"][v, z],
                    "residual of representation 0 (no name)": -norms[0, x, y] * distances[0, after],
                    f"residual of representation 1 ('{'x' * 24}...')": -norms[1, x, y] * distances[1, after],
                    "remainder": -norms[2, x, y] * t["remainders"][v, z],
                    "errors": -t["errors"][x, y],
                }


def test_rests_beside_representations_are_those_of_the_circuits() -> None:
    """In the finer unit of the scan, which has them in M, from where they are taken."""
    e: Any = make_rough().whole
    explanation, _, _ = prepare_explanation(e.network, e.G, e.section, "float64", LIMITS)
    rows, bits = list_rows(e.network, e.G, e.section, "float64", LIMITS)
    places = bits - e.section.table_bits
    assert places > 0
    for v, terms in enumerate(rows):
        (rest,) = _list_rests(explanation, v).values()
        assert (rest < 0).any()
        assert (terms["rest of circuit 0"] == rest * 2**places).all()


def test_representations_are_told_by_their_places_and_names() -> None:
    """A name is in quotes: nobody has verified it."""
    keys = {name: find_tightest(e.network, e.G, e.section, "float64").terms for name, e in _build_all().items()}
    residuals = {name: [key for key in terms if key.startswith("residual")] for name, terms in keys.items()}
    assert residuals == {
        "permutations": ["residual of representation 0 (no name)"],
        "signs": [
            "residual of representation 0 (no name)",
            "residual of representation 1 (no name)",
            "residual of representation 2 ('sign')",
        ],
        "matrices": ["residual of representation 0 ('plane')"],
        "circuits": [],
        "circuits and representations": ["residual of representation 0 (no name)"],
        "circuits with rests and representations": ["residual of representation 0 ('plane')"],
    }


@pytest.mark.parametrize("names", [["sign"] * 4, ["representation 1", None, None, None], ["margin > 99, " * 9] * 4])
def test_no_name_hides_a_term(names: list[str | None]) -> None:
    """Names are the certificate's own: whatever they are, the bound is the same, and true."""
    document = json.loads((VALID / "two_signs.json").read_bytes())
    plain = check(encode(document), Auditor(explain=True)).tightest
    for representation, name in zip(document["method"]["representations"], names, strict=True):
        representation["name"] = name
    verdict = certcheck.check(encode(document), explain=True)
    assert plain is not None
    assert verdict.proof is not None
    assert verdict.proof.tightest is not None
    assert list(verdict.proof.tightest["terms"].values()) == list(plain["terms"].values())
    assert verdict.proof.tightest["bound"] == plain["bound"]
    assert max(map(len, str(verdict).splitlines()[-12:-1])) < 100


@pytest.mark.parametrize("path", sorted(VALID.glob("*.json")), ids=lambda path: path.stem)
def test_what_is_explained_of_a_vector_is_true(path: Path) -> None:
    """The margin at the triple is at least what is said, the terms add up to it, and all of it can be printed."""
    verdict = certcheck.check(path, explain=True)
    certificate = parse_certificate(path.read_bytes())
    G = check_group(certificate.group.elements, "here")
    assert verdict.proof is not None
    tightest = verdict.proof.tightest
    assert (tightest is None) == (G.order == 1) == ("tightest" not in str(verdict))
    if tightest is not None:
        logits = compute_folded(check_network(certificate.network, G.order), tightest["x"], tightest["y"])
        bound = Fraction(tightest["bound"])
        assert bound <= logits[G.table[tightest["x"], tightest["y"]]] - logits[tightest["z"]]
        assert sum(map(Fraction, tightest["terms"].values())) == bound


@pytest.mark.parametrize("name", EXAMPLES)
def test_each_representation_and_circuit_is_work_and_memory(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """(16 + 2 K) n^3 additions and (24 + 2 K) n^2 numbers beside the method's: one less is refused before the work."""
    monkeypatch.setattr("certcheck.tightest.list_rows", lambda *given: list_rows(*given[:-1], LIMITS))
    example = EXAMPLES[name]()
    n = example.G.order
    found = find_tightest(example.network, example.G, example.section, "float64")
    assert found is not None
    parts = sum(key.split()[0] in ("residual", "rest") for key in found.terms)
    for limit, most in (("additions", (16 + 2 * parts) * n**3), ("numbers", (24 + 2 * parts) * n**2)):
        enough, few = Limits(**{limit: most}), Limits(**{limit: most - 1})
        assert find_tightest(example.network, example.G, example.section, "float64", enough) == found
        with pytest.raises(Refusal) as caught:
            find_tightest(example.network, example.G, example.section, "float64", few)
        assert (caught.value.where, caught.value.got) == ("--explain", f"{most}")


def test_the_slack_of_a_coarse_scale_is_taken_from_the_margin() -> None:
    """What rounding can have added; less of it in a finer scale."""
    e = make_rough().whole
    coarse, fine = (find_tightest(e.network, e.G, ExhaustiveSection(bits, bits), "float64") for bits in (4, 16))
    assert coarse is not None
    assert fine is not None
    assert Fraction(coarse.terms["slack"]) < Fraction(fine.terms["slack"]) < 0
    for found in (coarse, fine):
        assert Fraction(found.bound) == Fraction(found.terms["margin"]) + Fraction(found.terms["slack"])

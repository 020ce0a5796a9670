"""The method `rho-set` as a file: what is parsed, the schema, every refusal of its form, hostile sections."""

from __future__ import annotations

import copy
import dataclasses
import json
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certcheck.comparison import Auditor
from certcheck.decision import check, describe_representations
from certcheck.document import (
    MAX_CIRCUITS,
    RHO_SET_ERROR_TERMS,
    CircuitSection,
    ExhaustiveSection,
    RhoSetSection,
    parse_certificate,
)
from certcheck.rhoset import check_rho_set
from certcheck.verdict import Reason, Refusal
from tests.certcheck.test_equivariant_document import PERMUTATIONS, is_same
from tests.certcheck.test_exhaustive import count_slowly, make_network
from tests.certcheck.test_rhoset import EXAMPLES
from tests.certificates import S3 as S3_ELEMENTS
from tests.certificates import certificate, encode
from tests.equivariant_sections import C2, C3, S3, write_array
from tests.rhoset_sections import ENOUGH, edit, find_actions, make_section, make_weights, make_wiring, write_rho_set

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "certificate.schema.json").read_text())
PLAIN = EXAMPLES["S3"]
REMAINING = dataclasses.replace(PLAIN.section, remaining=PERMUTATIONS.section)


def write_certificate(section: RhoSetSection) -> dict[str, Any]:
    """A certificate of the circuit of S3 with this method."""
    weights = dict(zip(("left", "right", "out"), make_weights(S3, [make_wiring(S3)]), strict=True))
    return certificate(S3_ELEMENTS, weights) | {"method": write_rho_set(section)}


@pytest.mark.parametrize("cases", [None, ExhaustiveSection(-3, 9)])
@pytest.mark.parametrize(
    "section", [*(example.section for example in EXAMPLES.values()), REMAINING], ids=[*EXAMPLES, "remaining"]
)
def test_a_section_is_read_as_it_was_written(section: RhoSetSection, cases: ExhaustiveSection | None) -> None:
    """Numbers, arrays and what is absent; the schema has the same form."""
    written = dataclasses.replace(section, cases=cases)
    document = write_certificate(written)
    jsonschema.validate(document, SCHEMA)
    assert is_same(parse_certificate(encode(document)).method, written)


@pytest.mark.parametrize("arithmetic", ["float64", "int64"])
def test_the_whole_certificate_is_verified(arithmetic: str) -> None:
    """All pairs by the argument; the error terms are printed as claimed; the circuits in words."""
    section = dataclasses.replace(PLAIN.section, error_terms=dict.fromkeys(RHO_SET_ERROR_TERMS, 2**20 + 1))
    proof = check(encode(write_certificate(section)), Auditor(arithmetic=arithmetic))
    assert (proof.method, proof.pairs_by_argument, proof.pairs_by_cases) == ("rho-set", 36, 0)
    assert proof.error_terms == dict.fromkeys(RHO_SET_ERROR_TERMS, "1048577/1024")
    assert proof.representations == ("rho-set of 3 x 3 points",)
    assert proof.multiply_adds < proof.multiply_adds_exhaustive == 9 * 6**3


def test_a_claim_of_more_than_is_proved_is_refused() -> None:
    """One pair more than the argument proves of a circuit that has lost its kernel."""
    section = dataclasses.replace(
        PLAIN.section, circuits=(dataclasses.replace(PLAIN.section.circuits[0], kernel=None),)
    )
    with pytest.raises(Refusal) as caught:
        check(encode(write_certificate(section)), Auditor())
    assert caught.value.reason is Reason.BOUND_TOO_HIGH


def test_who_takes_the_rest_is_named_too() -> None:
    """Circuits first, then the representations of the equivariant section."""
    assert describe_representations(REMAINING) == ("rho-set of 3 x 3 points", "permutations of 3")


CIRCUIT = "method.circuits[0]"
EMPTY = write_array(np.zeros((1, 1), dtype=np.int64))
BAD_FORMS: list[tuple[str, Any, Reason, str]] = [
    ("activation_bits", -1, Reason.NUMBER_INVALID, "method.activation_bits"),
    ("unembedding_bits", 41, Reason.NUMBER_INVALID, "method.unembedding_bits"),
    ("scale_bits", None, Reason.TYPE_WRONG, "method.scale_bits"),
    ("table_bits", True, Reason.TYPE_WRONG, "method.table_bits"),
    ("hint", 0, Reason.KEY_UNEXPECTED, "method"),
    ("cells", 9, Reason.KEY_UNEXPECTED, "method"),
    ("gsets", {}, Reason.TYPE_WRONG, "method.gsets"),
    ("gsets", [EMPTY] * (MAX_CIRCUITS + 1), Reason.TYPE_WRONG, "method.gsets"),
    ("gsets", [[0]], Reason.TYPE_WRONG, "method.gsets[0]"),
    ("gsets.0.shape", [6], Reason.TYPE_WRONG, "method.gsets[0]"),
    ("circuits", None, Reason.TYPE_WRONG, "method.circuits"),
    ("circuits", [0] * (MAX_CIRCUITS + 1), Reason.TYPE_WRONG, "method.circuits"),
    ("circuits", [None], Reason.TYPE_WRONG, CIRCUIT),
    ("circuits.0.left", -1, Reason.NUMBER_INVALID, f"{CIRCUIT}.left"),
    ("circuits.0.right", 257, Reason.NUMBER_INVALID, f"{CIRCUIT}.right"),
    ("circuits.0.right", "0", Reason.TYPE_WRONG, f"{CIRCUIT}.right"),
    ("circuits.0.phi", None, Reason.TYPE_WRONG, f"{CIRCUIT}.phi"),
    ("circuits.0.phi_prime", EMPTY, Reason.TYPE_WRONG, f"{CIRCUIT}.phi_prime"),
    ("circuits.0.kernel", [], Reason.TYPE_WRONG, f"{CIRCUIT}.kernel"),
    ("circuits.0.kernel.shape", [9], Reason.TYPE_WRONG, f"{CIRCUIT}.kernel"),
    ("circuits.0.left_kernel", 0, Reason.TYPE_WRONG, f"{CIRCUIT}.left_kernel"),
    ("circuits.0.right_kernel", {}, Reason.KEY_MISSING, f"{CIRCUIT}.right_kernel"),
    ("circuits.0.middle", 1, Reason.TYPE_WRONG, f"{CIRCUIT}.middle"),
    ("circuits.0.middle", None, Reason.TYPE_WRONG, f"{CIRCUIT}.middle"),
    ("circuits.0.sign", 1, Reason.KEY_UNEXPECTED, CIRCUIT),
    ("neurons", None, Reason.TYPE_WRONG, "method.neurons"),
    ("neurons.shape", [12, 3], Reason.TYPE_WRONG, "method.neurons"),
    ("neurons.shape", [8, 4], Reason.TYPE_WRONG, "method.neurons"),
    ("neurons.dtype", "float32", Reason.TYPE_WRONG, "method.neurons"),
    ("error_terms", [], Reason.TYPE_WRONG, "method.error_terms"),
    ("error_terms.remainder", -1, Reason.NUMBER_INVALID, "method.error_terms.remainder"),
    ("error_terms.homomorphism", 0, Reason.KEY_UNEXPECTED, "method.error_terms"),
    ("remaining", {}, Reason.KEY_MISSING, "method.remaining"),
    ("cases", {}, Reason.KEY_MISSING, "method.cases"),
    (
        "cases",
        {"activation_bits": 0, "unembedding_bits": -4097},
        Reason.NUMBER_INVALID,
        "method.cases.unembedding_bits",
    ),
]


def find_place(document: dict[str, Any], path: str) -> tuple[Any, str]:
    """The object that holds the last key of a path, and that key."""
    place: Any = document["method"]
    *parents, last = path.split(".")
    for key in parents:
        place = place[int(key) if key.isdigit() else key]
    return place, last


def refusal_of(document: dict[str, Any]) -> tuple[Reason, str]:
    """Reason and place."""
    with pytest.raises(Refusal) as caught:
        parse_certificate(encode(document))
    return caught.value.reason, caught.value.where


@pytest.mark.parametrize(("path", "value", "reason", "where"), BAD_FORMS)
def test_a_bad_form_is_refused_at_its_place(path: str, value: Any, reason: Reason, where: str) -> None:
    """One value replaced gives one refusal."""
    document = copy.deepcopy(write_certificate(PLAIN.section))
    place, last = find_place(document, path)
    place[last] = value
    assert refusal_of(document) == (reason, where)


@pytest.mark.parametrize(
    "path",
    [
        *(field.name for field in dataclasses.fields(RhoSetSection)),
        *(f"circuits.0.{field.name}" for field in dataclasses.fields(CircuitSection)),
        *(f"error_terms.{key}" for key in RHO_SET_ERROR_TERMS),
    ],
)
def test_a_missing_key_is_refused(path: str) -> None:
    """None has a default; the schema requires each as well."""
    document = copy.deepcopy(write_certificate(PLAIN.section))
    place, last = find_place(document, path)
    del place[last]
    where = {"c": CIRCUIT, "e": "method.error_terms"}.get(path[0] if "." in path else "", "method")
    assert refusal_of(document) == (Reason.KEY_MISSING, where)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, SCHEMA)


def draw_integers(rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
    """Small integers, all 32 bits, or their ends."""
    most = 2 ** int(rng.choice([1, 8, 24, 31]))
    values = rng.integers(-most, most, shape)
    return np.where(rng.random(shape) < rng.choice([0.0, 0.5]), rng.choice([-(2**31), 2**31 - 1]), values)


def draw_circuit(rng: np.random.Generator, actions: list[Any]) -> CircuitSection:
    """Any functions and one-sided kernels on two of these sets, and an invariant kernel."""
    left, right = (int(i) for i in rng.integers(0, len(actions), 2))
    d, d_prime = actions[left].shape[1], actions[right].shape[1]
    orbit = (actions[left][:, :, None] * d_prime + actions[right][:, None, :]).min(axis=0)
    return CircuitSection(
        left,
        right,
        draw_integers(rng, (d,)),
        draw_integers(rng, (d_prime,)),
        draw_integers(rng, (d * d_prime,))[orbit] if rng.random() < 0.5 else None,
        *(draw_integers(rng, (d, d_prime)) if rng.random() < 0.4 else None for _ in range(2)),
        middle=bool(rng.random() < 0.5),
    )


@settings(deadline=None, max_examples=150)
@given(data=st.data())
def test_no_hostile_section_proves_a_pair_that_is_wrong(data: st.DataObject) -> None:
    """Networks all of whose logits are equal, with weights of any size: no pair is correct, and none is proved."""
    G = data.draw(st.sampled_from([C2, C3, S3]))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    actions, m = find_actions(G), data.draw(st.integers(1, 4))
    sizes = [2.0 ** data.draw(st.sampled_from([-149, -20, 0, 10, 40, 127])) for _ in range(2)]
    inputs = (rng.normal(size=(G.order, m)) * sizes[0] for _ in range(2))
    out = np.repeat(rng.normal(size=(m, 1)), G.order, axis=1) * sizes[1] * data.draw(st.sampled_from([0, 1]))
    network = make_network(*inputs, out)
    circuits = tuple(draw_circuit(rng, actions) for _ in range(data.draw(st.sampled_from([1, 3, 40]))))
    rows = []
    for s in rng.integers(-1, len(circuits), m).tolist():
        points = [int(rng.integers(len(f))) for f in (circuits[s].phi, circuits[s].phi_prime)]
        scale = int(draw_integers(rng, (1,))[0]) or 1
        rows.append((s, *points, scale) if s >= 0 else (-1, 0, 0, 0))
    most = data.draw(st.sampled_from([3, 12, 40]))
    section = RhoSetSection(
        *(int(bits) for bits in rng.integers(0, most + 1, 4)),
        tuple(action[list(G.generators)] for action in actions),
        circuits,
        np.array(rows, dtype=np.int64),
        dict.fromkeys(RHO_SET_ERROR_TERMS, ENOUGH),
        None,
        None,
    )
    assert count_slowly(network, G) == 0
    proved = set()
    for arithmetic in ("float64", "int64"):
        try:
            proved.add(check_rho_set(network, G, section, arithmetic).by_argument)
        except Refusal as refusal:
            assert refusal.reason in (Reason.SCALE_TOO_FINE, Reason.ERROR_TERM_TOO_LOW)  # noqa: PT017 - or refused
            proved.add(refusal.reason.name)
    assert len(proved) == 1
    assert proved <= {0, "SCALE_TOO_FINE", "ERROR_TERM_TOO_LOW"}


@pytest.mark.parametrize("dtype", ["int8", "int16", "int32"])
def test_every_type_of_array_is_read(dtype: str) -> None:
    """Little-endian, signed; the ends of the range keep their value."""
    document = write_certificate(PLAIN.section)
    ends = np.iinfo(dtype)
    values = np.array([[ends.min, -1, 0, 1]], dtype=np.int64)
    document["method"]["neurons"] = write_array(values, dtype)
    method = parse_certificate(encode(document)).method
    assert isinstance(method, RhoSetSection)
    assert method.neurons.tolist() == values.tolist()


def test_cases_make_the_count_that_of_every_input() -> None:
    """A certificate by argument and cases: none of the pairs is lost where a circuit is dropped whole."""
    section = make_section(S3, [], dropped=9, cases=ExhaustiveSection(10, 10))
    proof = check(encode(write_certificate(section)), Auditor())
    assert (proof.pairs_by_argument, proof.pairs_by_cases) == (0, 36)
    assert edit(PLAIN, cases=None).section.cases is None

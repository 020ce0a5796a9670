"""Both checkers on the same certificates: what certcheck verifies, the specification verifies, and nothing else.

`compare` holds the law; the tests differ in where the certificates come from.
"""

from __future__ import annotations

import base64
import copy
import dataclasses
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from certcheck.specification.certificate import specify
from certcheck.specification.decision import Decision, Status
from certcheck.verdict import Reason
from tests.certcheck.test_equivariant import EXAMPLES as EQUIVARIANT
from tests.certcheck.test_rhoset import EXAMPLES as RHO_SET
from tests.certificates import C1, certificate, encode
from tests.equivariant_sections import make_group, write_array
from tests.remaining_sections import ROUGH
from tests.rhoset_sections import Example, make_example, make_section
from tests.specification import documents
from tests.specification.documents import (
    CASES,
    certcheck,
    compare,
    find_place,
    set_least_terms,
    set_value,
    write_document,
)

Whole = NDArray[np.int64]
WIDTHS = {"int8": "<i1", "int16": "<i2", "int32": "<i4"}

DOCUMENTS = {
    **{f"equivariant {name}": write_document(example) for name, example in EQUIVARIANT.items()},
    **{f"rho-set {name}": write_document(example) for name, example in RHO_SET.items()},
    **{f"both {name}": write_document(composition.whole) for name, composition in ROUGH.items()},
}
PLAIN, SIGNED = DOCUMENTS["equivariant S3 permutations"], DOCUMENTS["equivariant S3 sign"]
MATRICES, TYPED = DOCUMENTS["equivariant S3 matrices"], DOCUMENTS["equivariant C3 complex type"]
CIRCUITS, BOTH = DOCUMENTS["rho-set S3"], DOCUMENTS["both S3"]


@pytest.mark.parametrize("cases", [None, CASES])
@pytest.mark.parametrize("name", DOCUMENTS)
def test_an_example_is_decided_alike(name: str, cases: Any) -> None:
    """With certcheck's least error terms, at the number that it proves, and one pair above."""
    document = set_least_terms(set_value(DOCUMENTS[name], "method.cases", cases))
    verdict, decision = compare(document)
    assert verdict.reason is None or name == "both S3 rough"
    proved = decision.by_argument + decision.by_cases
    if verdict.reason is None and verdict.by_argument + verdict.by_cases == proved:
        assert compare(set_value(document, "statement.correct_pairs_at_least", proved))[0].reason is None
        verdict, decision = compare(set_value(document, "statement.correct_pairs_at_least", proved + 1))
        assert (verdict.reason, decision.status) == (Reason.BOUND_TOO_HIGH, Status.REJECTED)


@pytest.mark.parametrize("name", ["equivariant S3 matrices", "rho-set S3 one-sided", "both S3 rough"])
def test_an_error_term_is_claimed_in_full(name: str) -> None:
    """Each of the least terms that certcheck accepts is accepted; far below it, it is refused here too."""
    document = set_least_terms(set_value(DOCUMENTS[name], "method.cases", CASES))
    sections = {"method": document["method"], "method.remaining": document["method"].get("remaining")}
    for path, section in sections.items():
        for key, term in section["error_terms"].items() if section else ():
            if term > 100:  # more than roundings
                decision = specify(encode(set_value(document, f"{path}.error_terms.{key}", term // 2)))
                assert decision.where == f"certificate.{path}.error_terms.{key}"


def read_array(array: dict[str, Any]) -> Whole:
    """The integers of a packed array."""
    flat = np.frombuffer(base64.b64decode(array["data"]), WIDTHS[array["dtype"]])
    return flat.reshape(array["shape"]).astype(np.int64)


def put(document: dict[str, Any], path: str, place: Any, value: Any) -> dict[str, Any]:
    """A copy with another value in a packed array of the method."""
    holder, last = find_place(document, f"method.{path}")
    values = read_array(holder[int(last) if isinstance(holder, list) else last])
    values[place] = value
    return set_value(document, f"method.{path}", write_array(values))


def replace(document: dict[str, Any], path: str, values: Any) -> dict[str, Any]:
    """A copy with another packed array in the method."""
    return set_value(document, f"method.{path}", write_array(np.array(values, dtype=np.int64)))


def set_all(document: dict[str, Any], **values: Any) -> dict[str, Any]:
    """A copy with other values in the method."""
    return document | {"method": copy.deepcopy(document["method"]) | values}


def make_trivial(document: dict[str, Any]) -> list[Any]:
    """The representations of SIGNED with the trivial one after them, to which those without a sign give constants."""
    parts = copy.deepcopy(document["method"]["representations"])
    trivial = parts[2] | {"signs": write_array(np.ones(2, dtype=np.int64))}
    return [parts[0] | {"constants_to": 3}, *parts[1:], trivial]


PART, CIRCUIT = "representations.0", "circuits.0"
TWO = 2 * 2**20  # in units of a representation
ACCEPTED: list[dict[str, Any]] = [
    PLAIN,
    put(PLAIN, "neurons", 0, [-1, 5, 7]),
    put(PLAIN, "neurons", 0, [17, 1, 1]),
    put(PLAIN, "neurons", 0, [0, 1, 0]),
    put(PLAIN, f"{PART}.positions", (4, 2), 2**16),
    put(PLAIN, f"{PART}.positions", (4, 2), -1),
    replace(replace(PLAIN, f"{PART}.cells", []), f"{PART}.positions", np.zeros((0, 3))),
    replace(PLAIN, f"{PART}.signs", [-1, -1]),
    set_value(PLAIN, f"method.{PART}.name", "points"),
    set_all(PLAIN, representations=[]),
    set_all(PLAIN, representation_bits=4, coefficient_bits=8, unembedding_bits=12),
    set_all(PLAIN, representation_bits=4, coefficient_bits=4, unembedding_bits=8, table_bits=10),
    set_value(SIGNED, "method.representations.1.constants_to", None),
    set_all(SIGNED, representations=make_trivial(SIGNED)),
    put(TYPED, f"{PART}.basis", (0, 0, 0), -127),
    replace(replace(TYPED, f"{PART}.basis", np.zeros((0, 2, 2))), f"{PART}.coefficients", np.zeros((18, 0))),
    put(CIRCUITS, "neurons", 0, [-1, 0, 0, 0]),
    set_all(CIRCUITS, circuits=[], gsets=[], neurons=write_array(np.array([[-1, 0, 0, 0]] * 9))),
    set_all(CIRCUITS, circuits=CIRCUITS["method"]["circuits"] * 2),
]
REFUSED: list[dict[str, Any]] = [
    *(put(PLAIN, "neurons", 0, row) for row in ([-2, 1, 1], [0, 0, 5], [18, 1, 1])),
    *(set_all(PLAIN, cells=p) for p in (0, 17, 19)),
    replace(PLAIN, "neurons", np.ones((17, 3))),
    replace(PLAIN, "neurons", np.ones((18, 2))),
    set_value(PLAIN, "method.neurons.dtype", "int64"),
    set_value(PLAIN, "method.neurons.data", ""),
    set_value(PLAIN, "method.neurons.shape", []),
    set_value(PLAIN, f"method.{PART}.name", "é"),
    *(set_value(PLAIN, f"method.{PART}.constants_to", index) for index in (-1, 0, 1)),
    *(put(PLAIN, f"{PART}.positions", (4, 2), value) for value in (2**17, 3, 0)),
    *(put(PLAIN, f"{PART}.positions", (4, column), value) for column, value in ((0, 3), (1, -1))),
    put(PLAIN, f"{PART}.cells", 1, 0),
    put(PLAIN, f"{PART}.cells", 17, 18),
    put(PLAIN, f"{PART}.signs", 0, 0),
    put(PLAIN, f"{PART}.signs", 0, -1),
    put(PLAIN, f"{PART}.permutations", 0, [1, 2, 0]),
    put(PLAIN, f"{PART}.permutations", 0, [1, 1, 0]),
    replace(PLAIN, f"{PART}.left", np.zeros((6, 65, 65))),
    replace(PLAIN, f"{PART}.left", np.zeros((6, 3, 0))),
    set_value(PLAIN, f"method.{PART}.basis", TYPED["method"]["representations"][0]["basis"]),
    set_value(MATRICES, f"method.{PART}.signs", PLAIN["method"]["representations"][0]["signs"]),
    set_value(MATRICES, f"method.{PART}.matrices", None),
    set_all(PLAIN, representations=PLAIN["method"]["representations"] * 257),
    set_all(PLAIN, table_bits=21),
    set_all(PLAIN, unembedding_bits=7, table_bits=8),
    set_all(PLAIN, representation_bits=4, coefficient_bits=7),
    set_all(PLAIN, representation_bits=25),
    *(set_value(SIGNED, f"method.representations.{i}.constants_to", to) for i, to in ((0, 2), (0, 1), (1, 1), (2, 2))),
    put(MATRICES, f"{PART}.matrices", (0, 0, 0), TWO + 1),
    put(TYPED, f"{PART}.basis", (0, 0, 0), 128),
    replace(TYPED, f"{PART}.basis", np.zeros((5, 2, 2))),
    *(put(CIRCUITS, "neurons", 0, row) for row in ([-1, 1, 0, 0], [-2, 0, 0, 0], [0, 0, 0, 0], [0, 3, 0, 1])),
    *(put(CIRCUITS, "neurons", 0, row) for row in ([0, 0, -1, 1], [1, 0, 0, 1])),
    *(set_value(CIRCUITS, f"method.{CIRCUIT}.left", index) for index in (-1, 1)),
    *(replace(CIRCUITS, "gsets.0", gset) for gset in ([[0, 1, 2]] * 2, [[1, 2, 0], [0, 2, 1]], [[1, 1, 0], [0, 2, 1]])),
    replace(CIRCUITS, "gsets.0", np.zeros((2, 0))),
    replace(CIRCUITS, "gsets.0", np.zeros((2, 1025))),
    put(CIRCUITS, f"{CIRCUIT}.kernel", (0, 0), 5),
    replace(CIRCUITS, f"{CIRCUIT}.phi", [0, 1]),
    set_value(CIRCUITS, f"method.{CIRCUIT}.middle", 1),
    set_all(CIRCUITS, gsets=CIRCUITS["method"]["gsets"] * 257),
    set_all(CIRCUITS, circuits=CIRCUITS["method"]["circuits"] * 257),
    set_all(CIRCUITS, remaining=BOTH["method"]["remaining"]),
    set_all(CIRCUITS, gsets=0),
    set_all(BOTH, remaining=None),
    set_value(BOTH, "method.remaining.cases", CASES),
    set_value(BOTH, "method.remaining.table_bits", 9),
    set_value(BOTH, "method.remaining.name", "equivariant"),
]


@pytest.mark.parametrize("index", range(len(ACCEPTED)))
def test_what_the_format_allows_is_verified_by_both(index: int) -> None:
    """The ends of ranges, absent parts, and what only weakens the bound: with cases all pairs are counted."""
    verdict, decision = compare(set_value(ACCEPTED[index], "method.cases", CASES))
    assert (verdict.reason, decision.status) == (None, Status.VERIFIED)


@pytest.mark.parametrize("index", range(len(REFUSED)))
def test_what_the_format_forbids_is_refused_by_both(index: int) -> None:
    """One edit of a certificate that is verified; no reason of certcheck's own but of a scale that it cannot hold."""
    document = set_value(REFUSED[index], "method.cases", CASES)
    verdict, decision = compare(document)
    assert verdict.reason is not None
    assert decision.status in (Status.REJECTED, Status.MALFORMED)
    assert decision.where.startswith("certificate.method")


def test_the_trivial_group() -> None:
    """Its one pair has no margin, so it is correct; the claim of it is not vacuous, and of none it is."""
    document = certificate(C1, {"left": np.ones((1, 1)), "right": np.ones((1, 1)), "out": np.ones((1, 1))})
    assert compare(document)[0].reason is None
    assert compare(set_value(document, "statement.correct_pairs_at_least", 0))[0].reason is Reason.BOUND_VACUOUS
    G = make_group(C1)
    section = make_section(G, [], dropped=1)
    sets = (np.zeros((0, 1), dtype=np.int64),)
    network = make_example(G).network
    written = write_document(Example(network, G, dataclasses.replace(section, gsets=sets)))
    written["statement"]["correct_pairs_at_least"] = 1
    assert compare(written)[0].by_argument == 1
    assert compare(replace(written, "gsets.0", np.zeros((0, 2))))[0].reason is Reason.GSET_WRONG


def find_arrays(value: Any) -> Iterator[dict[str, Any]]:
    """The packed arrays in a section."""
    if isinstance(value, dict) and set(value) == {"dtype", "shape", "data"}:
        yield value
        return
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from find_arrays(item)


def damage_array(rng: np.random.Generator, method: dict[str, Any]) -> None:
    """One entry of one array moved, or all by noise."""
    arrays = [array for array in find_arrays(method) if 0 not in array["shape"]]
    array = arrays[rng.integers(len(arrays))]
    values = read_array(array)
    flat = values.reshape(-1)
    kind = rng.integers(4)
    if kind == 0:
        flat += rng.integers(-(10 ** rng.integers(4)), 10 ** rng.integers(1, 4), flat.shape)
    elif kind == 1:
        flat[rng.integers(flat.size)] = rng.choice([0, 1, -1, 2, 3, 128, 2**16, 2**24, 2**31 - 1, -(2**31)])
    else:
        flat[rng.integers(flat.size)] += rng.choice([-1, 1])
    array |= write_array(values.clip(-(2**31), 2**31 - 1))


def damage_number(rng: np.random.Generator, method: dict[str, Any]) -> None:
    """One of the numbers of a method moved by one or two."""
    keys = [key for key, value in method.items() if type(value) is int]
    method[keys[rng.integers(len(keys))]] += int(rng.choice([-2, -1, 1, 2]))


def damage_weights(rng: np.random.Generator, network: dict[str, Any]) -> None:
    """Noise in some of the weights."""
    size, share = 10.0 ** -rng.integers(1, 4), rng.choice([1.0, 0.1])
    for stored in network["tensors"].values():
        values = np.frombuffer(base64.b64decode(stored["data"]), "<f8").copy()
        values += size * (rng.random(values.shape) < share) * rng.normal(size=values.shape)
        data = values.tobytes()
        stored |= {"data": base64.b64encode(data).decode(), "sha256": hashlib.sha256(data).hexdigest()}


@settings(deadline=None, max_examples=50)
@given(st.sampled_from(sorted(DOCUMENTS)), st.integers(0, 2**32 - 1), st.booleans())
def test_random_edits_are_decided_alike(name: str, seed: int, by_cases: bool) -> None:  # noqa: FBT001  # drawn
    """Damaged weights, arrays and numbers, with the least error terms that certcheck accepts."""
    rng = np.random.default_rng(seed)
    document = set_value(DOCUMENTS[name], "method.cases", CASES if by_cases else None)
    for _ in range(rng.integers(1, 4)):
        method = document["method"]
        part = method if not method.get("remaining") or rng.random() < 0.5 else method["remaining"]
        kind = rng.choice(["weights", "array", "array", "number"])
        if kind == "weights":
            damage_weights(rng, document["network"])
        else:
            (damage_array if kind == "array" else damage_number)(rng, part)
    document = set_least_terms(document)
    verdict, decision = compare(document)
    if verdict.reason is None:
        proved = verdict.by_argument + verdict.by_cases
        assert decision.by_argument + decision.by_cases >= proved
        compare(set_value(document, "statement.correct_pairs_at_least", proved))


@pytest.mark.parametrize("name", ["equivariant S3 matrices", "equivariant S3 sign", "rho-set S3 middle", "both S3"])
def test_the_last_pair_that_certcheck_proves_is_proved(name: str) -> None:
    """The bias of one label raised until certcheck's count falls: right before, the specification proves it too."""
    document = set_value(DOCUMENTS[name], "method.cases", CASES)
    bias = document["network"]["tensors"]["out_bias"]
    beta = np.frombuffer(base64.b64decode(bias["data"]), "<f8").copy()

    def raise_to(height: float) -> dict[str, Any]:
        data = (beta + height * (np.arange(6) == 3)).tobytes()
        bias.update(data=base64.b64encode(data).decode(), sha256=hashlib.sha256(data).hexdigest())
        return document

    low, high = 0.0, 64.0
    for _ in range(40):
        height = (low + high) / 2
        low, high = (height, high) if certcheck(raise_to(height)).by_argument == 36 else (low, height)
    assert 0 < low < 64
    assert compare(raise_to(low))[1].by_argument == 36
    # A little higher the bound is no longer positive here either: nothing is proved for free.
    assert specify(encode(raise_to(low + 1))).by_argument < 36


@pytest.mark.parametrize(
    "decision",
    [
        Decision(Status.REJECTED),
        Decision(Status.VERIFIED, by_argument=35, by_cases=1),
        Decision(Status.VERIFIED, by_argument=37),
    ],
)
def test_a_disagreement_is_a_failure_with_the_file_kept(
    decision: Decision, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second checker that refuses, or counts fewer pairs by the argument or others in all; one that accepts all."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(documents, "specify", lambda _: decision)
    good = set_value(PLAIN, "method.cases", CASES)
    with pytest.raises(AssertionError, match=documents.KEPT):
        compare(good)
    bad = set_value(good, f"method.{PART}.signs", 0)
    monkeypatch.setattr(documents, "specify", lambda _: Decision(Status.VERIFIED))
    with pytest.raises(AssertionError, match=documents.KEPT):
        compare(bad)
    assert {path.read_bytes() for path in (tmp_path / documents.KEPT).iterdir()} == {encode(good), encode(bad)}

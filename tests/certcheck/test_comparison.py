"""The certificate against the auditor's own model, architecture and group."""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import save_file

from certcheck.comparison import Auditor, find_architecture, parse_bound, read_instance
from certcheck.decision import check
from certcheck.document import TensorSection
from certcheck.verdict import Reason, Refusal
from tests.certificates import C3, S3, certificate, encode, multiplication_table, pair_detectors

Save = Callable[[dict[str, NDArray[Any]]], str]


@pytest.fixture
def save(tmp_path: Path) -> Save:
    """Write a model file and give its path."""

    def write(weights: dict[str, NDArray[Any]]) -> str:
        path = tmp_path / "model.safetensors"
        save_file({name: np.ascontiguousarray(values) for name, values in weights.items()}, path)
        return str(path)

    return write


def refusal_of(document: dict[str, Any], auditor: Auditor) -> tuple[Reason, str]:
    """Reason and place of the refusal of a certificate."""
    with pytest.raises(Refusal) as caught:
        check(encode(document), auditor)
    return caught.value.reason, caught.value.where


def test_the_auditors_own_model_architecture_and_group_are_compared(save: Save, tmp_path: Path) -> None:
    """Each comparison that was made is said, and none that was not."""
    group = tmp_path / "group.json"
    group.write_text(json.dumps({"elements": S3}))
    document = encode(certificate(S3))
    model = save(pair_detectors(S3))
    proof = check(document, Auditor(model=model, architecture="direct", group=str(group)))
    assert (proof.model_compared, proof.architecture_compared, proof.group_compared) == (True, True, "table")
    proof = check(document, Auditor(model=model))
    assert (proof.model_compared, proof.architecture_compared, proof.group_compared) == (True, False, "none")
    proof = check(document, Auditor(architecture="direct", group="D3"))
    assert (proof.model_compared, proof.architecture_compared, proof.group_compared) == (False, True, "isomorphism")


def test_swapped_roles_are_refused_with_the_auditors_architecture(save: Save) -> None:
    """The same bytes in swapped roles are verified as what they are, and refused as the auditor's network.

    C3 commutes, so the swapped network is as good: only the comparison with the architecture can tell.
    """
    document = certificate(C3)
    document["network"]["roles"] = {"left": "right", "right": "left", "out": "out"}
    model = save(pair_detectors(C3))
    assert not check(encode(document), Auditor(model=model)).architecture_compared
    reason = refusal_of(document, Auditor(model=model, architecture="direct"))
    assert reason == (Reason.ARCHITECTURE_DIFFERS, "network.roles.left")
    assert refusal_of(document, Auditor(architecture="direct"))[0] is Reason.ARCHITECTURE_DIFFERS
    assert refusal_of(document, Auditor(model=model, architecture="added")) == (Reason.INPUT_INVALID, model)


def test_swapped_tensors_are_refused_with_the_auditors_model(save: Save) -> None:
    """If the names are swapped with the roles, the bytes under each name differ."""
    document = certificate(C3)
    tensors = document["network"]["tensors"]
    tensors["left"], tensors["right"] = tensors["right"], tensors["left"]
    document["network"]["roles"] = {"left": "right", "right": "left", "out": "out"}
    model = save(pair_detectors(C3))
    assert refusal_of(document, Auditor(model=model)) == (Reason.MODEL_DIFFERS, "network.tensors.left.data")


def test_one_bit_of_one_weight_is_a_difference(save: Save) -> None:
    """The comparison is of bytes: even the sign of a zero counts."""
    weights = pair_detectors(C3)
    weights["left"][0, 8] = -0.0
    auditor = Auditor(model=save(weights))
    assert refusal_of(certificate(C3), auditor) == (Reason.MODEL_DIFFERS, "network.tensors.left.data")


def test_type_shape_and_names_are_compared(save: Save) -> None:
    """Equal numbers of another type or shape, or with a tensor more or less, are another model."""
    weights = pair_detectors(C3)
    document = certificate(C3)
    cases: list[tuple[dict[str, NDArray[Any]], str]] = [
        (weights | {"out": weights["out"].astype(np.float64)}, "network.tensors.out.dtype"),
        (weights | {"out": weights["out"].reshape(3, 9)}, "network.tensors.out.shape"),
        (weights | {"out_bias": np.zeros(3, dtype=np.float32)}, "network.tensors"),
        ({"left": weights["left"], "right": weights["right"]}, "network.tensors"),
    ]
    for other, where in cases:
        assert refusal_of(document, Auditor(model=save(other))) == (Reason.MODEL_DIFFERS, where)


def test_another_architecture_is_refused() -> None:
    """The auditor's formula must be the certificate's, whatever the roles are called."""
    auditor = Auditor(architecture="direct_tied:embedding=left,out=out")
    assert refusal_of(certificate(C3), auditor) == (Reason.INPUT_INVALID, "--architecture")
    weights = {"embedding": pair_detectors(C3)["left"], "out": pair_detectors(C3)["out"]}
    document = certificate(C3, weights, "direct_tied", correct=4)
    auditor = Auditor(architecture="direct:left=embedding,right=out,out=x")
    assert refusal_of(document, auditor) == (Reason.INPUT_INVALID, "--architecture")
    mapped = {"left": np.eye(3), "right": np.eye(3), "shared_map": np.eye(3), "out": np.eye(3)}
    document = certificate(C3, mapped, "added", correct=4)
    auditor = Auditor(architecture="concatenated:left=left,right=right,hidden=shared_map,out=out")
    assert refusal_of(document, auditor) == (Reason.ARCHITECTURE_DIFFERS, "network.architecture")


def test_a_transpose_is_part_of_the_role() -> None:
    """A square tensor fits either way; the auditor's word decides."""
    square = {"left": np.eye(3), "right": np.eye(3), "out_transposed": np.eye(3)}
    document = certificate(C3, square, correct=4)
    auditor = Auditor(architecture="direct:left=left,right=right,out=out_transposed")
    assert refusal_of(document, auditor) == (Reason.ARCHITECTURE_DIFFERS, "network.roles.out")


def test_an_instance_is_taken_from_the_auditors_file(save: Save) -> None:
    """The certificate speaks of entry 1 of two; entry 0, no entry, or an entry too many is refused."""
    document = certificate(C3)
    document["network"]["instance"] = 1
    model = save({name: np.stack([values * 2, values]) for name, values in pair_detectors(C3).items()})
    assert check(encode(document), Auditor(model=model, instance=1)).model_compared
    assert refusal_of(document, Auditor(model=model, instance=0)) == (Reason.MODEL_DIFFERS, "network.instance")
    assert refusal_of(document, Auditor(model=model)) == (Reason.INPUT_INVALID, model)
    assert refusal_of(document, Auditor(model=model, instance=2))[0] is Reason.INPUT_INVALID
    single = save(pair_detectors(C3))
    assert refusal_of(document, Auditor(model=single)) == (Reason.MODEL_DIFFERS, "network.instance")
    assert refusal_of(document, Auditor(model=single, instance=1)) == (Reason.INPUT_INVALID, single)


def test_the_only_instance_needs_no_number() -> None:
    """One network along a leading axis is that network."""
    sections = {
        name: TensorSection("float32", (1, *values.shape), "", values.tobytes())
        for name, values in pair_detectors(C3).items()
    }
    assignment = find_architecture(None, sections, "model")
    instance, taken = read_instance("model", assignment, sections, None)
    assert instance == 0
    assert {name: t.data for name, t in taken.items()} == {name: t.data for name, t in sections.items()}
    assert {name: t.shape for name, t in taken.items()} == {"left": (3, 9), "right": (3, 9), "out": (9, 3)}


def test_the_group_file_is_compared_index_by_index(tmp_path: Path) -> None:
    """The same group in another order of its labels is another table."""
    path = tmp_path / "group.json"
    auditor = Auditor(group=str(path))
    path.write_text(json.dumps(multiplication_table(S3).tolist()))
    assert check(encode(certificate(S3)), auditor).group_compared == "table"
    path.write_text(json.dumps({"elements": [S3[0], S3[2], S3[1], *S3[3:]]}))
    assert refusal_of(certificate(S3), auditor) == (Reason.GROUP_DIFFERS, "group.elements")
    path.write_text(json.dumps({"elements": C3}))
    assert refusal_of(certificate(S3), auditor) == (Reason.GROUP_DIFFERS, "group")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("C6", "a group isomorphic to C6"),
        ("C2xC3", "a group isomorphic to C2xC3"),
        ("S4", "order 24"),
        ("C1", "order 1"),
    ],
)
def test_another_group_by_name_is_refused(name: str, expected: str) -> None:
    """Of another order, or of order 6 and not isomorphic."""
    with pytest.raises(Refusal) as caught:
        check(encode(certificate(S3)), Auditor(group=name))
    assert (caught.value.reason, caught.value.where, caught.value.expected) == (Reason.GROUP_DIFFERS, "group", expected)


def test_a_group_that_is_too_large_is_not_built() -> None:
    """The auditor's own name can be too large as well."""
    assert refusal_of(certificate(S3), Auditor(group="S99999")) == (Reason.ORDER_TOO_LARGE, "--group")


@pytest.mark.parametrize(
    ("text", "names", "reason"),
    [
        ("transformer", ["left"], Reason.ARCHITECTURE_UNKNOWN),
        ("", ["left"], Reason.ARCHITECTURE_UNKNOWN),
        ("direct", ["W_x", "W_y"], Reason.INPUT_INVALID),
        ("direct", ["W_x", "W_y", "W", "W_U"], Reason.INPUT_INVALID),
        ("direct:left=a,left=b,out=c", ["a", "b", "c"], Reason.INPUT_INVALID),
        ("direct:left=a,left=a,right=b,out=c", ["a", "b", "c"], Reason.INPUT_INVALID),
        ("direct:left=a,left=b,right=c,out=d", ["b", "c", "d"], Reason.INPUT_INVALID),
        ("direct:left=a,right=b,out=c", ["a", "b", "c", "d"], Reason.INPUT_INVALID),
        ("direct:", ["a"], Reason.INPUT_INVALID),
        (None, ["fc1", "fc2"], Reason.INPUT_INVALID),
        (None, [], Reason.INPUT_INVALID),
    ],
)
def test_an_architecture_that_cannot_be_meant_is_refused(text: str | None, names: list[str], reason: Reason) -> None:
    """The auditor's word must give every tensor one role."""
    with pytest.raises(Refusal) as caught:
        find_architecture(text, names, "here")
    assert (caught.value.reason, caught.value.where) == (reason, "here")


@pytest.mark.parametrize(
    ("text", "names", "architecture", "roles"),
    [
        (
            None,
            ["W_y", "W_x", "W_U", "W"],
            "concatenated",
            {"left": "W_x", "right": "W_y", "hidden": "W", "out": "W_U"},
        ),
        ("direct:left=a, right=b, out=c", ["a", "b", "c"], "direct", {"left": "a", "right": "b", "out": "c"}),
        ("direct", ["right", "left", "out"], "direct", {"left": "left", "right": "right", "out": "out"}),
    ],
)
def test_roles_are_found_by_names(text: str | None, names: list[str], architecture: str, roles: dict[str, str]) -> None:
    """Published names, own names, and the user's word."""
    found = find_architecture(text, names, "here")
    assert (found.architecture.name, found.roles) == (architecture, roles)


@pytest.mark.parametrize(
    ("text", "bound"),
    [
        ("0.95", Fraction(19, 20)),
        ("19/20", Fraction(19, 20)),
        ("1", Fraction(1)),
        ("0", Fraction(0)),
        ("1.0", Fraction(1)),
    ],
)
def test_a_bound_is_read_exactly(text: str, bound: Fraction) -> None:
    """0.95 is 19/20, not the nearest float."""
    assert parse_bound(text) == bound

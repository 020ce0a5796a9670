"""Every architecture, every type of number, every refusal of roles and shapes, against certcheck and by hand."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from certcheck.specification.certificate import specify
from certcheck.specification.decision import Status
from certcheck.specification.document import Node
from certcheck.specification.network import ROLES, check_weights, fold
from tests.certificates import S3, certificate, encode, pair_detectors, tensor
from tests.specification.documents import certcheck, compare, set_value

WEIGHTS = pair_detectors(S3)
LEFT, RIGHT, OUT = WEIGHTS["left"], WEIGHTS["right"], WEIGHTS["out"]
ONE = np.eye(36, dtype=np.float32)
E = np.eye(6, dtype=np.float32)
FORMS: dict[str, dict[str, NDArray[Any]]] = {
    "concatenated": {"left": LEFT, "right": RIGHT, "hidden": np.concatenate([ONE, ONE]), "out": OUT},
    "concatenated_tied": {"embedding": E, "hidden": np.concatenate([LEFT, RIGHT]), "out": OUT},
    "mapped": {"left": LEFT, "right": RIGHT, "left_map": ONE, "right_map": ONE, "out": OUT},
    "mapped_tied": {"embedding": E, "left_map": LEFT, "right_map": RIGHT, "out": OUT},
    "added": {"left": LEFT, "right": RIGHT, "shared_map": ONE, "out": OUT},
    "added_tied": {"embedding": E, "shared_map": LEFT + RIGHT, "out": OUT},
    "direct": WEIGHTS,
    "direct_tied": {"embedding": LEFT + RIGHT, "out": OUT},
}


def transposed(weights: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """The same by transposes, with biases of zeros."""
    turned = {f"{role}_transposed": matrix.T.copy() for role, matrix in weights.items()}
    return turned | {"hidden_bias": np.zeros(36), "out_bias": np.zeros(6, dtype=np.float16)}


@pytest.mark.parametrize("architecture", ROLES)
def test_every_architecture_is_folded_to_the_same_network(architecture: str) -> None:
    """Untied ones are the network of pairs; tied ones have its sum on both sides; certcheck agrees."""
    assert set(FORMS) == set(ROLES)
    weights = FORMS[architecture]
    sums = architecture in ("added_tied", "direct_tied")
    for form in (weights, transposed(weights)):
        network = fold(check_weights(Node(certificate(S3, form, architecture)["network"], "network")), 6)
        assert network.a == ((LEFT + RIGHT) if sums else LEFT).tolist()
        assert network.c == ((LEFT + RIGHT) if sums else RIGHT).tolist()
        assert OUT.T.tolist() == network.U
        assert network.m == 36
        compare(certificate(S3, form, architecture, correct=7))


def test_the_biases_are_added() -> None:
    """That of the hidden layer to a, that of the output to the logits."""
    biases = {"hidden_bias": np.arange(36) / 4, "out_bias": np.arange(6) / 2}
    network = fold(check_weights(Node(certificate(S3, WEIGHTS | biases)["network"], "network")), 6)
    assert network.a == (LEFT + np.arange(36) / 4).tolist()
    assert network.beta == [Fraction(z, 2) for z in range(6)]


@pytest.mark.parametrize(
    ("dtype", "raw", "values"),
    [
        ("float16", b"\x00\x3c\x01\x00", [Fraction(1), Fraction(1, 2**24)]),
        ("bfloat16", b"\x80\x3f\x40\xc0", [Fraction(1), Fraction(-3)]),
        ("float32", b"\x00\x00\x80\x3f\x01\x00\x00\x00", [Fraction(1), Fraction(1, 2**149)]),
        ("float64", b"\x01" + b"\x00" * 7 + b"\x00" * 6 + b"\xf0\x3f", [Fraction(1, 2**1074), Fraction(1)]),
    ],
)
def test_every_type_of_number_is_read_exactly(dtype: str, raw: bytes, values: list[Fraction]) -> None:
    """One, the smallest positive one, or a value by its bits."""
    stored = tensor(np.frombuffer(raw, np.uint8), dtype) | {"shape": [2]}
    assert Node(stored, "tensor").tensor() == ([2], values)


NAN = tensor(np.full((6, 36), np.nan, dtype=np.float32))
INFINITE = tensor(np.full((6, 36), -np.inf, dtype=np.float32))


@pytest.mark.parametrize(
    ("path", "value", "status"),
    [
        ("architecture", "transformer", Status.DECLINED),
        ("architecture", "mapped", Status.REJECTED),
        ("architecture", "direct_tied", Status.REJECTED),
        ("instance", -1, Status.MALFORMED),
        ("instance", True, Status.MALFORMED),
        ("instance", 7, Status.VERIFIED),
        ("roles.right", "left", Status.REJECTED),
        ("roles.right", "nothing", Status.REJECTED),
        ("roles.mask", "left", Status.REJECTED),
        ("roles.out_transposed", "out", Status.REJECTED),
        ("roles.é", "out", Status.MALFORMED),
        ("roles", {"left": "left", "right": "right"}, Status.REJECTED),
        ("tensors.spare", tensor(LEFT), Status.REJECTED),
        ("tensors.left", NAN, Status.REJECTED),
        ("tensors.left", INFINITE, Status.REJECTED),
        ("tensors.left.shape", [36, 6], Status.REJECTED),
        ("tensors.left.shape", [216], Status.REJECTED),
        ("tensors.left.shape", [1, 6, 36], Status.REJECTED),
    ],
)
def test_other_networks_are_refused(path: str, value: Any, status: Status) -> None:
    """Roles and shapes that do not make the formula, by both checkers."""
    document = set_value(certificate(S3), f"network.{path}", value)
    assert compare(document)[1].status is status
    assert (certcheck(document).reason is None) == (status is Status.VERIFIED)


@pytest.mark.parametrize(
    ("architecture", "changes"),
    [
        ("concatenated", {"hidden": np.concatenate([ONE, ONE])[:71]}),
        ("concatenated", {"left": LEFT[:, :35]}),
        ("mapped", {"right_map": ONE[:35]}),
        ("mapped", {"right_map": ONE[:, :35]}),
        ("mapped", {"left": LEFT[:5]}),
        ("added", {"right": np.concatenate([RIGHT, RIGHT], axis=1)}),
        ("direct", {"out": OUT[:, :5]}),
        ("direct", {"out": OUT[:35]}),
        ("direct", {"hidden_bias": np.zeros(35)}),
        ("direct", {"hidden_bias": np.zeros((1, 36))}),
        ("direct", {"out_bias": np.zeros(5)}),
        ("direct", {"out_bias_transposed": np.zeros(6)}),
        ("direct", {"left_transposed": LEFT.T.copy()}),
    ],
)
def test_shapes_that_do_not_fit_are_refused(architecture: str, changes: dict[str, Any]) -> None:
    """By both checkers."""
    document = certificate(S3, FORMS[architecture] | changes, architecture)
    assert specify(encode(document)).status is Status.REJECTED
    assert compare(document)[0].reason is not None

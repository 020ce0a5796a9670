"""The range of every number of a certificate, as docs/format.md gives it: both ends are read, what is beyond is not."""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest

from certcheck.document import parse_certificate
from certcheck.verdict import Reason
from tests.certcheck.test_exact import refused
from tests.certificates import S3, certificate, encode
from tests.equivariant_sections import S3 as GROUP
from tests.equivariant_sections import make_permutation_example, write_method
from tests.rhoset_sections import make_example, write_rho_set

PLAIN = certificate(S3)
CLAIMS = {
    "float32_correct_pairs_at_least": 36,
    "unit_roundoff_bits": 24,
    "cross_entropy_upper_bound": "1.0",
    "cross_entropy_effort": {"scan_above": 0, "evaluate_above": 0},
}
CLAIMING = PLAIN | {"statement": PLAIN["statement"] | CLAIMS}
EQUIVARIANT = PLAIN | {"method": write_method(make_permutation_example(GROUP).section)}
RHO_SET = PLAIN | {"method": write_rho_set(make_example(GROUP).section)}
CASES = {"activation_bits": 0, "unembedding_bits": 0}
EQUIVARIANT["method"]["cases"], RHO_SET["method"]["cases"] = dict(CASES), dict(CASES)
# The longest numbers that are read at all.
MOST, LEAST = 10**18 - 1, -(10**17) + 1

RANGES: list[tuple[dict[str, Any], str, int, int]] = [
    (PLAIN, "statement.correct_pairs_at_least", 0, MOST),
    (PLAIN, "statement.pairs", 1, MOST),
    (CLAIMING, "statement.float32_correct_pairs_at_least", 0, MOST),
    (CLAIMING, "statement.unit_roundoff_bits", 1, 24),
    (CLAIMING, "statement.cross_entropy_effort.scan_above", 0, MOST),
    (CLAIMING, "statement.cross_entropy_effort.evaluate_above", 0, MOST),
    (PLAIN, "network.instance", 0, 2**24),
    (PLAIN, "method.activation_bits", -4096, 4096),
    (PLAIN, "method.unembedding_bits", -4096, 4096),
    *((EQUIVARIANT, f"method.{bits}_bits", 0, 40) for bits in ("activation", "unembedding", "scale", "table")),
    (EQUIVARIANT, "method.coefficient_bits", 0, 40),
    (EQUIVARIANT, "method.representation_bits", 0, 24),
    (EQUIVARIANT, "method.cells", 1, 2**20),
    (EQUIVARIANT, "method.error_terms.merging", 0, MOST),
    (EQUIVARIANT, "method.error_terms.remainder", 0, MOST),
    (EQUIVARIANT, "method.cases.activation_bits", -4096, 4096),
    (EQUIVARIANT, "method.cases.unembedding_bits", -4096, 4096),
    (EQUIVARIANT, "method.representations[0].constants_to", 0, 2**24),
    *((RHO_SET, f"method.{bits}_bits", 0, 40) for bits in ("activation", "unembedding", "scale", "table")),
    (RHO_SET, "method.error_terms.rounding", 0, MOST),
    (RHO_SET, "method.circuits[0].left", 0, 256),
    (RHO_SET, "method.circuits[0].right", 0, 256),
    (RHO_SET, "method.cases.activation_bits", -4096, 4096),
]


def replace_at(document: dict[str, Any], path: str, value: object) -> bytes:
    """The certificate with another value at this place."""
    changed = copy.deepcopy(document)
    *keys, last = [int(part) if part.isdigit() else part for part in re.findall(r"\w+", path)]
    place: Any = changed
    for key in keys:
        place = place[key]
    place[last] = value
    return encode(changed)


@pytest.mark.parametrize(("document", "path", "low", "high"), RANGES, ids=[f"{r[1]} {r[3]}" for r in RANGES])
def test_both_ends_of_a_range_are_read_and_no_more(document: dict[str, Any], path: str, low: int, high: int) -> None:
    """What no certificate can mean is refused where it stands, before it means anything."""
    for value in (low, high):
        assert parse_certificate(replace_at(document, path, value))
    for value in {max(low - 1, LEAST), high + 1} - {MOST + 1}:
        assert refused(parse_certificate, replace_at(document, path, value)) == (Reason.NUMBER_INVALID, path)


def test_a_version_is_a_number_that_can_be_one() -> None:
    """Others than 1 are not known up to 10^9, and no versions beyond or below."""
    for version in (2, 10**9):
        assert refused(parse_certificate, replace_at(PLAIN, "version", version)) == (Reason.VERSION_UNKNOWN, "version")
    for version in (0, 10**9 + 1):
        assert refused(parse_certificate, replace_at(PLAIN, "version", version)) == (Reason.NUMBER_INVALID, "version")


@pytest.mark.parametrize(
    ("document", "path", "item", "most"),
    [
        (PLAIN, "network.tensors.left.shape", 1, 3),
        (EQUIVARIANT, "method.representations", EQUIVARIANT["method"]["representations"][0], 256),
        (RHO_SET, "method.gsets", RHO_SET["method"]["gsets"][0], 256),
        (RHO_SET, "method.circuits", RHO_SET["method"]["circuits"][0], 256),
    ],
    ids=["shape", "representations", "gsets", "circuits"],
)
def test_a_list_is_as_long_as_the_format_allows(document: dict[str, Any], path: str, item: object, most: int) -> None:
    """And one longer is refused."""
    assert parse_certificate(replace_at(document, path, [item] * most))
    found = refused(parse_certificate, replace_at(document, path, [item] * (most + 1)))
    assert found == (Reason.TYPE_WRONG, path)


@pytest.mark.parametrize("side", [1, 2**24])
def test_the_sides_of_a_tensor_are_read(side: int) -> None:
    """From 1 to 2^24; whether the bytes fill them is another question."""
    assert parse_certificate(replace_at(PLAIN, "network.tensors.left.shape", [side]))
    for wrong in (0, 2**24 + 1):
        found = refused(parse_certificate, replace_at(PLAIN, "network.tensors.left.shape", [wrong]))
        assert found == (Reason.NUMBER_INVALID, "network.tensors.left.shape")


@pytest.mark.parametrize(
    "path",
    ["method.neurons.dtype", "method.representations[0].left.dtype", "network.tensors.left.dtype", "method.name"],
)
@pytest.mark.parametrize("value", [[], {}, [1], None, 5])
def test_a_type_that_is_no_string_is_refused(path: str, value: object) -> None:
    """Lists and objects have no hash: nothing may look them up before they are strings."""
    reason = Reason.METHOD_UNKNOWN if path == "method.name" else Reason.TYPE_WRONG
    place = path.removesuffix(".dtype") if path.startswith("method.") and reason is Reason.TYPE_WRONG else path
    assert refused(parse_certificate, replace_at(EQUIVARIANT, path, value)) == (reason, place)

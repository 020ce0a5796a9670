"""certgen.certificate: the canonical writer."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from certcheck.document import (
    Certificate,
    EntropyEffort,
    ExhaustiveSection,
    GroupSection,
    NetworkSection,
    StatementSection,
    TensorSection,
    parse_certificate,
)
from certgen.certificate import write_certificate
from tests.certgen.small_models import permutations, section_of

if TYPE_CHECKING:
    from collections.abc import Callable

STATEMENT = StatementSection(31, 36)
GROUP = GroupSection("S3", "given", permutations(3))
METHOD = ExhaustiveSection(-7, 4096)


def tensor(dtype: str, shape: tuple[int, ...], data: bytes) -> TensorSection:
    """A tensor with its true hash."""
    return TensorSection(dtype, shape, hashlib.sha256(data).hexdigest(), data)


# One tensor of each type; the bytes need not be numbers that make sense for the writer.
NETWORK = NetworkSection(
    "direct",
    5,
    {"left": 'a name, with "quotes" and \\', "right_transposed": "W_y", "out": "out", "out_bias": "~"},
    {
        'a name, with "quotes" and \\': tensor("float16", (6, 1), bytes(range(12))),
        "W_y": tensor("bfloat16", (1, 6), bytes(range(244, 256))),
        "out": tensor("float32", (1, 6), b"\xff" * 24),
        "~": tensor("float64", (6,), bytes(48)),
    },
)
CASES: dict[str, tuple[StatementSection, GroupSection, NetworkSection, ExhaustiveSection]] = {
    "all there is": (STATEMENT, GROUP, NETWORK, METHOD),
    "no name, no instance": (
        StatementSection(1, 1),
        GroupSection(None, "model_answers", np.array([[0]], dtype=np.int32)),
        dataclasses.replace(NETWORK, instance=None),
        ExhaustiveSection(0, 0),
    ),
    "largest numbers": (StatementSection(10**18 - 1, 10**18 - 1), GROUP, NETWORK, ExhaustiveSection(4096, -4096)),
}


def expect_equal(
    certificate: Certificate, sections: tuple[StatementSection, GroupSection, NetworkSection, ExhaustiveSection]
) -> None:
    """The sections of the certificate are these, value by value."""
    statement, group, network, method = sections
    assert certificate.statement == statement
    assert certificate.network == network
    assert list(certificate.network.roles.items()) == list(network.roles.items())
    assert certificate.method == method
    assert (certificate.group.name, certificate.group.labels_from) == (group.name, group.labels_from)
    assert certificate.group.elements.dtype == np.int32
    assert (certificate.group.elements == group.elements).all()


@pytest.mark.parametrize("name", CASES)
def test_what_is_written_is_what_is_parsed(name: str) -> None:
    """The checker's parser gives back the sections that went in."""
    expect_equal(parse_certificate(write_certificate(*CASES[name])), CASES[name])


@pytest.mark.parametrize("name", CASES)
def test_what_is_parsed_is_written_as_it_was(name: str) -> None:
    """Bytes to sections to bytes is the identity on what the writer writes."""
    data = write_certificate(*CASES[name])
    certificate = parse_certificate(data)
    assert write_certificate(certificate.statement, certificate.group, certificate.network, certificate.method) == data


def reorder(section: NetworkSection) -> NetworkSection:
    """The tensors in the opposite order."""
    return dataclasses.replace(section, tensors=dict(reversed(section.tensors.items())))


def widen(section: GroupSection) -> GroupSection:
    """The same permutations in another type and memory layout."""
    return dataclasses.replace(section, elements=np.asfortranarray(section.elements.astype(np.int64)))


@pytest.mark.parametrize(
    ("change_group", "change_network"), [(lambda g: g, lambda n: n), (lambda g: g, reorder), (widen, lambda n: n)]
)
def test_the_same_sections_give_the_same_bytes(
    change_group: Callable[[GroupSection], GroupSection], change_network: Callable[[NetworkSection], NetworkSection]
) -> None:
    """The order of the tensors in the model file and how the numbers lie in memory leave no trace."""
    again = write_certificate(STATEMENT, change_group(GROUP), change_network(NETWORK), METHOD)
    assert again == write_certificate(STATEMENT, GROUP, NETWORK, METHOD)


def test_a_certificate_has_one_line_a_section_and_no_other_white_space() -> None:
    """An opening brace, seven sections in the order of the format, a closing brace and a line end; ASCII."""
    data = write_certificate(STATEMENT, GROUP, dataclasses.replace(NETWORK, roles={"left": "W_y"}), METHOD)
    assert data.isascii()
    lines = data.decode().split("\n")
    keys = ["format", "version", "statement", "group", "network", "method", "end"]
    assert (lines[0], lines[-2:]) == ("{", ["}", ""])
    assert [json.loads("{" + line.rstrip(",") + "}").keys() for line in lines[1:-2]] == [{key} for key in keys]
    assert [line.endswith(",") for line in lines[1:-2]] == [True] * 6 + [False]
    # The format's own phrases have the only blanks.
    assert b" " not in data.replace(b"certgen certificate", b"").replace(b"end of certificate", b"")


def test_the_bytes_of_a_tiny_certificate_are_as_documented() -> None:
    """A certificate written out by hand from docs/format.md."""
    # 1.0, 1.0 and 0.5 in float64, high byte last.
    one, half = "AAAAAAAA8D8=", "AAAAAAAA4D8="
    assert base64.b64decode(one) == bytes([0, 0, 0, 0, 0, 0, 0xF0, 0x3F])
    assert base64.b64decode(half) == bytes([0, 0, 0, 0, 0, 0, 0xE0, 0x3F])
    ones, halves = (hashlib.sha256(base64.b64decode(text)).hexdigest() for text in (one, half))
    expected = (
        '{\n"format":"certgen certificate",\n"version":1,\n'
        '"statement":{"correct_pairs_at_least":1,"pairs":1,"smallest_certified_margin":"0.5",'
        '"float32_correct_pairs_at_least":1,"unit_roundoff_bits":24,"cross_entropy_upper_bound":"0.25",'
        '"cross_entropy_effort":{"scan_above":0,"evaluate_above":7}},\n'
        '"group":{"name":"C1","labels_from":"given","degree":1,"elements":[[0]]},\n'
        '"network":{"architecture":"direct_tied","instance":null,"roles":{"embedding":"embedding","out":"out"},'
        f'"tensors":{{"embedding":{{"dtype":"float64","shape":[1,1],"sha256":"{ones}","data":"{one}"}},'
        f'"out":{{"dtype":"float64","shape":[1,1],"sha256":"{halves}","data":"{half}"}}}}}},\n'
        '"method":{"name":"exhaustive","activation_bits":0,"unembedding_bits":1},\n'
        '"end":"end of certificate"\n}\n'
    )
    network = section_of("direct_tied", {"embedding": np.ones((1, 1)), "out": np.full((1, 1), 0.5)})
    group = GroupSection("C1", "given", np.array([[0]], dtype=np.int32))
    statement = StatementSection(1, 1, "0.5", 1, 24, "0.25", EntropyEffort(0, 7))
    data = write_certificate(statement, group, network, ExhaustiveSection(0, 1))
    assert data.decode() == expected

"""The published vectors through the specification."""

from __future__ import annotations

from typing import Any

import pytest

from certcheck.specification.certificate import specify
from certcheck.specification.decision import Status
from certcheck.verdict import Reason
from tests.specification.documents import ITS_OWN
from tests.vectors.run import read_index, read_vector

# The specification has no auditor's inputs, and ends at order 60.
VECTORS = {
    kind: [v for v in vectors if not v["arguments"] and v["file"] != "valid/order_64.json"]
    for kind, vectors in read_index().items()
}


@pytest.mark.parametrize("vector", VECTORS["valid"], ids=lambda vector: vector["file"])
def test_a_valid_vector_is_verified(vector: dict[str, Any]) -> None:
    """The same pairs in all where every pair is counted, and by the argument at least those of certcheck."""
    decision = specify(read_vector(vector["file"]))
    assert decision.status is Status.VERIFIED, decision
    assert decision.by_argument >= vector["by_argument"]
    assert decision.by_argument + decision.by_cases == vector["by_argument"] + vector["by_cases"]


@pytest.mark.parametrize("vector", VECTORS["invalid"], ids=lambda vector: vector["file"])
def test_an_invalid_vector_is_refused(vector: dict[str, Any]) -> None:
    """But for those that certcheck refuses for its own roundings; a limit may be another's."""
    decision, reason = specify(read_vector(vector["file"])), Reason[vector["reason"]]
    assert decision.status is not Status.VERIFIED or reason in ITS_OWN, decision
    assert decision.status is not Status.ERROR

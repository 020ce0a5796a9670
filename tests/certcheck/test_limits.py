"""limits: what is refused when, and every number of the checker that is written in a document or a proof."""

from __future__ import annotations

import importlib

import pytest

from certcheck.limits import LIMITS, Limits, check_limit
from certcheck.verdict import Reason
from tests.certcheck.test_exact import refused

# Default and reason of each limit, in their order.
DEFAULTS = {
    "bytes": (67_108_864, Reason.FILE_TOO_LARGE),
    "values": (4_194_304, Reason.VALUES_TOO_MANY),
    "order": (10_000, Reason.ORDER_TOO_LARGE),
    "numbers": (536_870_912, Reason.NUMBERS_TOO_MANY),
    "multiply_adds": (10_000_000_000_000, Reason.WORK_TOO_LARGE),
    "exact_multiply_adds": (100_000_000_000, Reason.WORK_TOO_LARGE),
    "additions": (200_000_000_000, Reason.WORK_TOO_LARGE),
    "steps": (10_000_000, Reason.WORK_TOO_LARGE),
    "seconds": (3600, Reason.TIME_TOO_LONG),
}

# What docs/format.md or docs/soundness.md says, and what a comment beside it derives.
NUMBERS = {
    ("argument", "MAX_BASIS_ENTRY"): 128,
    ("argument", "POSITION_BITS"): 8,
    ("argument", "TABLE_ROUNDING"): 5,
    ("cells", "MAX_ACTIVATION"): 1_099_511_627_776,
    ("circuits", "DROPPED"): -1,
    ("circuits", "MAX_CELLS_OF_CIRCUIT"): 16_384,
    ("circuits", "REMAINING"): -2,
    ("document", "MAX_AXES"): 3,
    ("document", "MAX_CELLS"): 1_048_576,
    ("document", "MAX_CIRCUITS"): 256,
    ("document", "MAX_FIXED_POINT_BITS"): 40,
    ("document", "MAX_REPRESENTATIONS"): 256,
    ("document", "MAX_REPRESENTATION_BITS"): 24,
    ("document", "MAX_SCALE_BITS"): 4096,
    # Half of the least power of two that a type does not hold all integers up to.
    ("exact", "FLOAT32_EXACT"): 8_388_608,
    ("exact", "FLOAT64_EXACT"): 4_503_599_627_370_496,
    ("exact", "INT64_EXACT"): 4_611_686_018_427_387_904,
    ("explanation", "MAX_ERROR"): 281_474_976_710_656,
    ("explanation", "MAX_TABLE"): 268_435_456,
    ("explanation", "TABLE_ROUNDING"): 6,
    ("group", "MAX_ORDER"): 32_767,
    ("gset", "MAX_POINTS"): 1024,
    ("network", "BYTES_PER_VALUE"): {"float16": 2, "bfloat16": 2, "float32": 4, "float64": 8},
    ("representation", "DISTANCE_BITS"): 10,
    ("representation", "MAX_DEGREE"): 64,
    ("representation", "MAX_NORM_ENTRY"): 33_554_432,
    ("strict_json", "MAX_DEPTH"): 8,
    ("strict_json", "MAX_DIGITS"): 18,
    ("strict_json", "MAX_NAME"): 200,
    ("strict_json", "MAX_SIDE"): 16_777_216,
    ("verdict", "FORMAT_VERSION"): 1,
}


@pytest.mark.parametrize("name", DEFAULTS)
def test_a_limit_is_the_most_that_is_allowed(name: str) -> None:
    """As much is enough, one more is refused with the limit's own reason."""
    most, reason = DEFAULTS[name]
    check_limit(LIMITS, name, most, "here")
    assert refused(check_limit, LIMITS, name, most + 1, "here") == (reason, "here")
    check_limit(Limits(**{name: most + 1}), name, most + 1, "here")


def test_every_limit_is_described() -> None:
    """A line each: name, number, unit."""
    lines = Limits(bytes=5).describe().splitlines()
    assert [(line.split()[0], int(line.split()[1])) for line in lines] == [
        (name, 5 if name == "bytes" else most) for name, (most, _) in DEFAULTS.items()
    ]
    assert lines[0] == "bytes                              5  bytes in a file"


@pytest.mark.parametrize(("module", "name"), NUMBERS)
def test_numbers_are_those_of_the_documents(module: str, name: str) -> None:
    """Tests use them by name; here they are written out."""
    assert getattr(importlib.import_module(f"certcheck.{module}"), name) == NUMBERS[module, name]

"""Where coverage is measured."""

from __future__ import annotations

import pytest

# The rules are covered by the tests beside them. Measuring the others too would double their time.
COVERING = ("certcheck", "specification")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests elsewhere run without it."""
    for item in items:
        if item.path.parent.name not in COVERING:
            item.add_marker(pytest.mark.no_cover)

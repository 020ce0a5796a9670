"""Rows of sweeps and their keys."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from certgen.row import COLUMNS, Options, fail_row
from certgen.shortfall import CAUSES, EXPLANATIONS
from tests.certgen.sweep_work import make_task

DOCUMENT = Path(__file__).parents[2] / "docs" / "sweep.md"
TYPES = {"string": "text", "int64": "integer", "double": "number", "bool": "true or false"}


def test_every_column_and_class_is_documented() -> None:
    """docs/sweep.md has a row for each column, with its type, and for each class."""
    text = DOCUMENT.read_text()
    for name, (kind, meaning) in COLUMNS.items():
        assert f"| `{name}` | {TYPES[kind]} | {meaning}" in text
    for name in (*EXPLANATIONS, *CAUSES):
        assert f"| `{name}` |" in text


@pytest.mark.parametrize(
    "changes",
    [
        {"data": b"others"},
        {"name": "other.pt"},
        {"group": "S4"},
        {"group_data": b"[[0]]"},
        {"group_from": "option"},
        {"options": Options(architecture="direct")},
        {"options": Options(instance=1)},
        {"options": Options(effort="fast")},
        {"options": Options(cases=False)},
    ],
)
def test_a_key_changes_with_all_that_a_row_depends_on(changes: dict[str, object]) -> None:
    """Bytes, group and options."""
    assert make_task(**changes).key != make_task().key  # type: ignore[arg-type]


def test_a_key_changes_with_the_versions_and_not_with_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a row does not depend on makes no other key; nor does the name of the group file."""
    task = make_task(group="a.json", group_data=b"[[0]]")
    assert task.key == dataclasses.replace(task, timeout=5.0, group="b.json").key
    before = task.key
    monkeypatch.setattr("certgen.row.find_versions", lambda: {"code": "another"})
    assert task.key != before


def test_a_failed_row_has_all_columns() -> None:
    """And nothing that was measured."""
    row = fail_row(make_task(), "MODEL", "broken")
    assert list(row) == list(COLUMNS)
    assert (row["error"], row["message"], row["bound"], row["model"]) == ("MODEL", "broken", None, "model.pt")

"""Tables of rows: Parquet and CSV."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet
import pytest

from certgen.failure import ExitCode, Failure
from certgen.row import COLUMNS, fail_row
from certgen.table import CSV, PARQUET, read_table, write_tables
from tests.certgen.sweep_work import make_row, make_task


def test_parquet_and_csv_say_the_same(tmp_path: Path) -> None:
    """Every column with its type, whatever the rows hold; nothing is told from an empty text."""
    rows = [
        make_row("a.pt", memorised_pairs=2**53 + 1, cost=0.1),
        fail_row(make_task("b,\n.pt"), "MODEL", 'a "sentence"'),
    ]
    write_tables(tmp_path, rows)
    assert read_table(tmp_path) == rows == read_table(tmp_path / PARQUET)
    schema = pyarrow.parquet.read_schema(tmp_path / PARQUET)
    assert [(field.name, str(field.type)) for field in schema] == [(name, kind) for name, (kind, _) in COLUMNS.items()]
    assert read_table(tmp_path / CSV) == rows


def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    """No time, no name of this machine."""
    written = []
    for _ in range(2):
        write_tables(tmp_path, [make_row()])
        written.append([(tmp_path / name).read_bytes() for name in (PARQUET, CSV)])
    assert written[0] == written[1]


def test_no_rows_are_a_table_too(tmp_path: Path) -> None:
    """With all its columns."""
    write_tables(tmp_path, [])
    assert read_table(tmp_path) == []


def test_what_is_no_table_of_a_sweep_is_refused(tmp_path: Path) -> None:
    """One sentence each."""
    with pytest.raises(Failure, match="no such file") as caught:
        read_table(tmp_path)
    assert caught.value.code is ExitCode.RESULTS
    (tmp_path / PARQUET).write_bytes(b"nothing")
    with pytest.raises(Failure, match="cannot be read as Parquet"):
        read_table(tmp_path)
    (tmp_path / CSV).write_bytes(b"model,order\na,b\n")
    with pytest.raises(Failure, match="cannot be read as CSV"):
        read_table(tmp_path / CSV)
    pyarrow.parquet.write_table(pyarrow.table({"model": ["a"]}), tmp_path / PARQUET)
    with pytest.raises(Failure, match="not the table of this version"):
        read_table(tmp_path)

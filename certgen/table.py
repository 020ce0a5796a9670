"""Rows as tables: Parquet and CSV with the same columns, types and order."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from certgen.extra import load_extra
from certgen.failure import ExitCode, Failure
from certgen.output import write_files
from certgen.row import COLUMNS, Row

if TYPE_CHECKING:
    from collections.abc import Sequence

PARQUET, CSV = "results.parquet", "results.csv"


def write_tables(folder: Path, rows: Sequence[Row]) -> None:
    """results.parquet and results.csv of these rows, in their order. Errors: Failure (MISSING, OUTPUT)."""
    parquet, csv = load_extra("pyarrow.parquet"), load_extra("pyarrow.csv")
    table = _make_table(rows)
    files = {folder / PARQUET: io.BytesIO(), folder / CSV: io.BytesIO()}
    for file, write in zip(files.values(), (parquet.write_table, csv.write_csv), strict=True):
        write(table, file)
    write_files({path: file.getvalue() for path, file in files.items()}, force=True)


def _make_table(rows: Sequence[Row]) -> Any:  # noqa: ANN401 - pyarrow has no types
    pyarrow = load_extra("pyarrow")
    kinds = {"string": pyarrow.string(), "int64": pyarrow.int64(), "double": pyarrow.float64(), "bool": pyarrow.bool_()}
    schema = pyarrow.schema([(name, kinds[kind]) for name, (kind, _) in COLUMNS.items()])
    return pyarrow.Table.from_pylist(list(rows), schema)


def read_table(path: Path) -> list[Row]:
    """The rows of a sweep: of its folder or of its results.parquet. Errors: Failure (MISSING, RESULTS)."""
    parquet = load_extra("pyarrow.parquet")
    file = path / PARQUET if path.is_dir() else path
    if not file.is_file():
        raise Failure(ExitCode.RESULTS, f"{file}: there is no such file; certgen sweep writes it at its end")
    try:
        rows: list[Row] = parquet.read_table(file).to_pylist()
    except (OSError, ValueError) as error:
        raise Failure(ExitCode.RESULTS, f"{file}: cannot be read as Parquet: {str(error)[:200]}") from error
    missing = set(COLUMNS) - set(rows[0] if rows else COLUMNS)
    if missing:
        sentence = f"{file}: not the table of this version's certgen sweep: without {', '.join(sorted(missing))}"
        raise Failure(ExitCode.RESULTS, sentence[:500])
    return rows

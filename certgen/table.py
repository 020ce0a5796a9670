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


def _make_schema() -> Any:  # noqa: ANN401 - pyarrow has no types
    pyarrow = load_extra("pyarrow")
    kinds = {"string": pyarrow.string(), "int64": pyarrow.int64(), "double": pyarrow.float64(), "bool": pyarrow.bool_()}
    return pyarrow.schema([(name, kinds[kind]) for name, (kind, _) in COLUMNS.items()])


def _make_table(rows: Sequence[Row]) -> Any:  # noqa: ANN401 - the same
    return load_extra("pyarrow").Table.from_pylist(list(rows), _make_schema())


def read_table(path: Path) -> list[Row]:
    """The rows of a sweep: of its folder, or of either of its two tables. Errors: Failure (MISSING, RESULTS)."""
    file = path / PARQUET if path.is_dir() else path
    kind, read = ("CSV", _read_csv) if file.suffix == ".csv" else ("Parquet", load_extra("pyarrow.parquet").read_table)
    if not file.is_file():
        raise Failure(ExitCode.RESULTS, f"{file}: there is no such file; certgen sweep writes it at its end")
    try:
        rows: list[Row] = read(file).to_pylist()
    except (OSError, ValueError) as error:
        raise Failure(ExitCode.RESULTS, f"{file}: cannot be read as {kind}: {str(error)[:200]}") from error
    missing = set(COLUMNS) - set(rows[0] if rows else COLUMNS)
    if missing:
        sentence = f"{file}: not the table of this version's certgen sweep: without {', '.join(sorted(missing))}"
        raise Failure(ExitCode.RESULTS, sentence[:500])
    return rows


def _read_csv(file: Path) -> Any:  # noqa: ANN401 - the same
    """A table as write_tables has written it: without quotes, nothing is null."""
    csv = load_extra("pyarrow.csv")
    convert = csv.ConvertOptions(
        column_types=_make_schema(), strings_can_be_null=True, quoted_strings_can_be_null=False
    )
    return csv.read_csv(file, parse_options=csv.ParseOptions(newlines_in_values=True), convert_options=convert)

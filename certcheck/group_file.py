"""An auditor's group file: permutations in JSON, or a multiplication table in JSON, `.csv` or `.npy`."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from certcheck.group import Group, check_group
from certcheck.limits import LIMITS, Limits
from certcheck.model_file import read_bytes
from certcheck.strict_json import MAX_SIDE, parse_integer_rows, parse_json
from certcheck.verdict import Reason, Refusal, Status, reject


def read_group(path: str, limits: Limits = LIMITS) -> Group:
    """The group of a file, verified.

    JSON: an object with `elements` (permutations of 0..degree-1; (xy)(i) = x(y(i))) or with `table`, or a bare
    table; other keys of the object are comments. A table has xy in row x, column y, elements 0..n-1.
    Errors: FILE_UNREADABLE, INPUT_INVALID; those of a limit.
    """
    data = read_bytes(path, limits)
    suffix = Path(path).suffix.lower()
    try:
        if suffix == ".npy":
            return check_table(_parse_npy(data), path, limits)
        if suffix == ".csv":
            return check_table(_parse_csv(data, limits), path, limits)
        value = parse_json(data.strip(), limits)
        if isinstance(value, dict) and "elements" in value and "table" not in value:
            return check_group(parse_integer_rows(value["elements"], "elements", 0, MAX_SIDE), "elements", limits)
        # With both, neither is read: they could contradict each other.
        table = value.get("table") if isinstance(value, dict) and "elements" not in value else value
        return check_table(parse_integer_rows(table, "table", 0, limits.order), path, limits)
    except Refusal as refusal:
        if refusal.reason.status is Status.LIMIT:
            raise
        reject(Reason.INPUT_INVALID, path, "permutations or a multiplication table that form a group", str(refusal))


def _parse_npy(data: bytes) -> NDArray[Any]:
    try:
        table = np.load(io.BytesIO(data), allow_pickle=False)
    except Exception as error:  # noqa: BLE001 - numpy gives no closed list of what a damaged file raises
        reject(Reason.INPUT_INVALID, "table", "an array in .npy format", f"{type(error).__name__}: {error}"[:200])
    if not isinstance(table, np.ndarray) or table.ndim != 2:  # noqa: PLR2004 - a table has rows and columns
        reject(Reason.INPUT_INVALID, "table", "a two-dimensional array in .npy format", "something else")
    return table


def _parse_csv(data: bytes, limits: Limits) -> NDArray[Any]:
    rows = [[cell.strip() for cell in line.split(b",")] for line in data.splitlines()]
    if not all(cell.isdigit() and len(cell) <= len(str(limits.order)) for row in rows for cell in row):
        reject(Reason.INPUT_INVALID, "table", "rows of elements 0..n-1 separated by commas", "something else")
    return parse_integer_rows([[int(cell) for cell in row] for row in rows], "table", 0, limits.order)


def check_table(table: NDArray[Any], path: str, limits: Limits) -> Group:
    """The group of a multiplication table, verified. Errors: INPUT_INVALID; those of `check_group`."""
    n = len(table)
    if table.shape != (n, n) or n == 0 or table.dtype.kind not in "iu" or table.min() < 0 or table.max() >= n:
        reject(Reason.INPUT_INVALID, path, "a square table of elements 0..n-1", f"shape {table.shape}, {table.dtype}")
    G = check_group(np.ascontiguousarray(table, dtype=np.int32), "table", limits)
    if (G.table != table).any():
        x, y = np.argwhere(G.table != table)[0].tolist()
        reject(Reason.INPUT_INVALID, path, "an associative table", f"a wrong product in row {x}, column {y}")
    return G

"""docs/results and the blocks of docs/results.md, made of sweeps.

    python -m tests.results RESULTS... [--models DIR]

RESULTS: folders of sweeps; the table of results/wu becomes docs/results/wu.csv, and so on. comparison.svg and the block
`compare` of docs/results.md are what certgen compare, in docs/results, makes of these tables in this order.
--models DIR: the folder of certgen train; the block `train` is made of its models.json.
"""

from __future__ import annotations

import argparse
import csv
import json
import shutil
import statistics
from pathlib import Path
from typing import TYPE_CHECKING

from certgen.account import begin_table, render
from certgen.collection import split_numbers
from certgen.comparison import describe_sweeps
from certgen.figure import write_image
from certgen.row import COLUMNS
from certgen.sweep_figures import draw_bounds
from certgen.table import CSV

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from certgen.row import Row

DOCS = Path(__file__).parents[1] / "docs"
PAGE, TABLES, FIGURE = DOCS / "results.md", DOCS / "results", "comparison.svg"
KINDS = {"string": str, "int64": int, "double": float, "bool": "true".__eq__}


def read_rows(path: Path) -> list[Row]:
    """The rows of a CSV file; what it lacks, because it is of an earlier version, is None, as what is empty."""
    with path.open(newline="") as file:
        read = [{name: text for name, text in row.items() if text} for row in csv.DictReader(file)]
    kinds = {name: KINDS[kind] for name, (kind, _) in COLUMNS.items()}
    return [dict.fromkeys(COLUMNS) | {name: kinds[name](text) for name, text in row.items()} for row in read]


def describe_training(models: Sequence[dict[str, Any]]) -> list[str]:
    """A line for each group of a models.json: its models, when they stopped, and on how many all pairs are right."""
    columns = ("group", "hidden", "models", "settled", "epochs: least", "median", "most", "all pairs right")
    table = begin_table(columns, words=("group",))
    groups = {row["group"].removesuffix(".group.json"): row["hidden"] for row in models}
    for group in sorted(groups, key=split_numbers):
        rows = [row for row in models if row["group"] == f"{group}.group.json"]
        epochs = [row["epochs"] for row in rows]
        settled = sum(row["stopped"] == "settled" for row in rows)
        right = sum(row["correct_pairs_float64"] == row["pairs"] for row in rows)
        spread = (min(epochs), statistics.median(epochs), max(epochs))
        numbers = (groups[group], len(rows), settled, *(f"{epoch:,.0f}" for epoch in spread), right)
        table.add_row(group, *map(str, numbers))
    return render(table)


def describe_results(names: Sequence[str]) -> list[str]:
    """The command, and what it prints of these tables."""
    sweeps = {name: read_rows(TABLES / name) for name in names}
    return [f"certgen compare {' '.join(names)} -o {FIGURE}", "", *describe_sweeps(sweeps)]


def replace_block(page: str, name: str, lines: Sequence[str]) -> str:
    """The page with these lines between the marks of a block."""
    before, begin, rest = page.partition(f"<!-- {name} -->\n```\n")
    _, end, after = rest.partition(f"\n```\n<!-- end of {name} -->\n")
    if not begin or not end:
        message = f"docs/results.md has no block {name}"
        raise ValueError(message)
    return before + begin + "\n".join(lines) + end + after


def main() -> None:
    """Copy the tables, draw the figure, write the blocks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", nargs="+", type=Path)
    parser.add_argument("--models", type=Path)
    options = parser.parse_args()
    TABLES.mkdir(exist_ok=True)
    for folder in options.results:
        shutil.copyfile(folder / CSV, TABLES / f"{folder.name}.csv")
    names = [f"{folder.name}.csv" for folder in options.results]
    figure = draw_bounds({name: read_rows(TABLES / name) for name in names})
    (TABLES / FIGURE).write_bytes(write_image(figure, ".svg"))
    page = replace_block(PAGE.read_text(), "compare", describe_results(names))
    if options.models is not None:
        page = replace_block(page, "train", describe_training(json.loads((options.models / "models.json").read_text())))
    PAGE.write_text(page)


if __name__ == "__main__":
    main()

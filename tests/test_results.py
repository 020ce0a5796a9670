"""docs/results.md says what the tables beside it say."""

from __future__ import annotations

import re
from pathlib import Path

from certgen.table import read_table, write_tables
from tests.certgen.sweep_work import make_row
from tests.results import FIGURE, PAGE, TABLES, describe_results, describe_training, read_rows, replace_block


def test_the_page_says_what_certgen_compare_says_of_the_tables() -> None:
    """In the order of the command that is printed above them."""
    page = PAGE.read_text()
    (names,) = re.findall(r"^certgen compare (.*) -o comparison\.svg$", page, flags=re.MULTILINE)
    assert sorted(names.split()) == sorted(path.name for path in TABLES.glob("*.csv"))
    assert replace_block(page, "compare", describe_results(names.split())) == page
    assert (TABLES / FIGURE).read_bytes().startswith(b"<svg")


def test_results_are_of_verified_certificates_and_small() -> None:
    """No bound that certcheck did not confirm; a few hundred kilobytes in all."""
    rows = [row for path in TABLES.glob("*.csv") for row in read_rows(path)]
    assert rows
    assert {row["verdict"] for row in rows if row["bound"] or row["bound_by_argument"]} == {"VERIFIED"}
    assert sum(path.stat().st_size for path in TABLES.iterdir()) < 600_000


def test_rows_are_read_as_certgen_reads_them(tmp_path: Path) -> None:
    """Without its reader, so that tables of an earlier version can be read."""
    write_tables(tmp_path, [make_row("a.pt"), make_row("b.pt", cost=None, accuracy_is_sample=False)])
    assert read_rows(tmp_path / "results.csv") == read_table(tmp_path)


def test_training_is_counted_by_group() -> None:
    """By hand."""
    rows = [
        {
            "group": f"{group}.group.json",
            "hidden": 64,
            "epochs": epochs,
            "stopped": stopped,
            "correct_pairs_float64": right,
            "pairs": 9,
        }
        for group, epochs, stopped, right in (
            ("C3", 1000, "settled", 9),
            ("C3", 2000, "settled", 9),
            ("A5", 50000, "ceiling", 8),
        )
    ]
    lines = [line.split() for line in describe_training(rows)]
    assert lines[1:] == [
        ["A5", "64", "1", "0", "50,000", "50,000", "50,000", "0"],
        ["C3", "64", "2", "2", "1,000", "1,500", "2,000", "2"],
    ]

"""certgen.group: group files of every kind, good and bad."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from certgen.failure import ExitCode, Failure
from certgen.group import find_group
from tests.certgen.small_models import (
    Table,
    cyclic,
    expect_group,
    metacyclic,
    never,
    permutations,
    special_linear_of_3,
    table_of_permutations,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def write_permutations(path: Path, rows: Table) -> None:
    """A JSON object with `elements` and a comment."""
    path.write_text(json.dumps({"comment": "ours", "elements": rows.tolist()}))


def write_json_object(path: Path, rows: Table) -> None:
    """A JSON object with `table`."""
    path.write_text(json.dumps({"name": "ours", "table": table_of_permutations(rows).tolist()}, indent=1))


def write_json_table(path: Path, rows: Table) -> None:
    """A bare JSON table."""
    path.write_text(json.dumps(table_of_permutations(rows).tolist()) + "\n\n")


def write_csv(path: Path, rows: Table) -> None:
    """Rows of a table, separated by commas."""
    path.write_text("".join(",".join(map(str, row)) + "\n" for row in table_of_permutations(rows).tolist()))


def write_npy(path: Path, rows: Table) -> None:
    """A table as numpy saves it."""
    np.save(path, table_of_permutations(rows))


def write_npy_uint8_transposed(path: Path, rows: Table) -> None:
    """A table of small unsigned integers, stored column by column."""
    np.save(path, np.asfortranarray(table_of_permutations(rows).astype(np.uint8)))


def write_npy_big_endian(path: Path, rows: Table) -> None:
    """A table of integers with the high byte first."""
    np.save(path, table_of_permutations(rows).astype(">i8"))


GROUP_FILES = {
    "permutations.json": write_permutations,
    "object.json": write_json_object,
    "table.json": write_json_table,
    "table.txt": write_json_table,
    "table.csv": write_csv,
    "table.CSV": write_csv,
    "table.npy": write_npy,
    "small.npy": write_npy_uint8_transposed,
    "big_endian.npy": write_npy_big_endian,
}


@pytest.mark.parametrize("file", GROUP_FILES)
def test_every_kind_of_group_file_gives_the_group_with_its_labels(file: str, tmp_path: Path) -> None:
    """Permutations or a table, in JSON, csv or npy: the same labels, without asking the model."""
    rows = permutations(4)[np.random.default_rng(5).permutation(24)]
    GROUP_FILES[file](tmp_path / file, rows)
    section = find_group(str(tmp_path / file), 24, never)
    assert (section.name, section.labels_from) == ("S4", "given")
    expect_group(section, table_of_permutations(rows))


@pytest.mark.parametrize(("table", "degree"), [(metacyclic(5, 4, 2), 5), (special_linear_of_3(), 8)])
def test_a_file_of_a_group_without_a_name_is_accepted(table: Table, degree: int, tmp_path: Path) -> None:
    """A name is never needed: the affine maps of a line of 5 points, and SL(2,3)."""
    (tmp_path / "group.json").write_text(json.dumps(table.tolist()))
    section = find_group(str(tmp_path / "group.json"), len(table), never)
    assert (section.name, section.labels_from, section.elements.shape[1]) == (None, "given", degree)
    expect_group(section, table)


def test_a_group_file_of_the_wrong_order_is_refused(tmp_path: Path) -> None:
    """As many elements as labels, whatever the file."""
    write_json_table(tmp_path / "group.json", permutations(3))
    with pytest.raises(Failure, match="expected a group of order 5, as many as the model's labels, got 6") as caught:
        find_group(str(tmp_path / "group.json"), 5, never)
    assert caught.value.code is ExitCode.GROUP


def dump(value: Any) -> bytes:
    """A JSON document."""
    return json.dumps(value).encode()


BAD_GROUP_FILES = {
    "empty.json": b"",
    "truncated.json": b"[[0,1],[1,",
    "number.json": b"7",
    "no_rows.json": b"[]",
    "no_table.json": dump({"comment": "nothing else"}),
    "floats.json": b"[[0,1],[1,0.0]]",
    "strings.json": dump([["0", "1"], ["1", "0"]]),
    "booleans.json": dump([[False, True], [True, False]]),
    "ragged.json": dump([[0, 1], [1]]),
    "not_square.json": dump([[0, 1]]),
    "out_of_range.json": dump([[0, 1], [1, 2]]),
    "negative.json": dump([[0, 1], [1, -1]]),
    "maximum.json": dump([[0, 1], [1, 1]]),
    "subtraction.json": dump([[(x - y) % 3 for y in range(3)] for x in range(3)]),
    # The loop of test_labels: a Latin square with an identity that is not associative.
    "loop.json": dump([[0, 1, 2, 3, 4], [1, 0, 3, 4, 2], [2, 4, 0, 1, 3], [3, 2, 4, 0, 1], [4, 3, 1, 2, 0]]),
    "not_permutations.json": dump({"elements": [[0, 1, 2], [1, 1, 0]]}),
    "not_closed.json": dump({"elements": [[0, 1, 2], [1, 2, 0]]}),
    "repeated.json": dump({"elements": [[0, 1], [0, 1]]}),
    "without_identity.json": dump({"elements": [[1, 0]]}),
    "words.csv": b"e,a\na,e\n",
    "semicolons.csv": b"0;1\n1;0\n",
    "ragged.csv": b"0,1\n1\n",
    "fractions.csv": b"0,1\n1,0.5\n",
    "large.csv": b"0,1\n1,4294967296\n",
    "umlaut.csv": "0,1\n1,ä\n".encode(),
    "empty.csv": b"",
    "empty.npy": b"",
    "truncated.npy": b"\x93NUMPY\x01\x00",
}


@pytest.mark.parametrize("file", BAD_GROUP_FILES)
def test_a_file_that_is_no_group_is_refused(file: str, tmp_path: Path) -> None:
    """One sentence that names the file, and the exit code of a bad group."""
    (tmp_path / file).write_bytes(BAD_GROUP_FILES[file])
    with pytest.raises(Failure, match=f"{file}: expected permutations or a multiplication table") as caught:
        find_group(str(tmp_path / file), 5, never)
    assert caught.value.code is ExitCode.GROUP


def save_archive(path: Path) -> None:
    """An archive of arrays under the suffix of one array."""
    with path.open("wb") as file:
        np.savez(file, table=cyclic(5))


def save_huge_header(path: Path) -> None:
    """A header that promises 10^14 integers, and none of them."""
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<i4", "fortran_order": False, "shape": (10**7, 10**7)})


BAD_ARRAYS: dict[str, Callable[[Path], None]] = {
    "floats": lambda path: np.save(path, cyclic(5).astype(float)),
    "booleans": lambda path: np.save(path, np.array([[False, True], [True, False]])),
    "objects": lambda path: np.save(path, cyclic(5).astype(object)),
    "one axis": lambda path: np.save(path, np.arange(5)),
    "three axes": lambda path: np.save(path, np.zeros((5, 5, 5), dtype=int)),
    "no rows": lambda path: np.save(path, np.zeros((0, 0), dtype=int)),
    "no axis": lambda path: np.save(path, np.array(5)),
    "an archive": save_archive,
    "a huge header": save_huge_header,
}


@pytest.mark.parametrize("name", BAD_ARRAYS)
def test_an_array_that_is_no_table_is_refused(name: str, tmp_path: Path) -> None:
    """Whatever numpy can save, only a square table of integers is read."""
    BAD_ARRAYS[name](tmp_path / "group.npy")
    with pytest.raises(Failure, match=r"group\.npy: expected permutations or a multiplication table") as caught:
        find_group(str(tmp_path / "group.npy"), 5, never)
    assert caught.value.code is ExitCode.GROUP


def test_a_group_file_that_is_missing_is_refused(tmp_path: Path) -> None:
    """What is neither a name nor a file is said to be no readable file."""
    with pytest.raises(Failure, match="No such file") as caught:
        find_group(str(tmp_path / "group.json"), 5, never)
    assert caught.value.code is ExitCode.GROUP


def test_a_folder_is_no_group_file(tmp_path: Path) -> None:
    """A folder is refused like an unreadable file."""
    with pytest.raises(Failure, match="a file cannot be read") as caught:
        find_group(str(tmp_path), 5, never)
    assert caught.value.code is ExitCode.GROUP

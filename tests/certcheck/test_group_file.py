"""group_file: one group in every format, and every file that holds none."""

from __future__ import annotations

import itertools
import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certcheck.group_file import read_group
from certcheck.limits import Limits
from certcheck.verdict import Reason, Refusal
from tests.certcheck.test_exact import refused

S3 = [list(p) for p in itertools.permutations(range(3))]
S3_TABLE = [[S3.index([x[i] for i in y]) for y in S3] for x in S3]
# Z/3 with its elements in another order: the identity is 1.
SHIFTED = [[2, 0, 1], [0, 1, 2], [1, 2, 0]]
# A Latin square with a neutral element, but (1 1) 2 = 0 2 = 2 and 1 (1 2) = 1 3 = 4: no group.
LOOP = [[0, 1, 2, 3, 4], [1, 0, 3, 4, 2], [2, 4, 0, 1, 3], [3, 2, 4, 0, 1], [4, 3, 1, 2, 0]]


def write(path: Path, content: Any) -> str:
    """The file: bytes as they are, text, an array in .npy format, or JSON."""
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif isinstance(content, str):
        path.write_text(content, encoding="utf-8")
    elif isinstance(content, np.ndarray):
        np.save(path, content, allow_pickle=True)
    else:
        path.write_text(json.dumps(content))
    return str(path)


def write_csv(table: list[list[int]], separator: str = ",") -> str:
    """Rows of numbers."""
    return "".join(separator.join(map(str, row)) + "\n" for row in table)


def refused_with(path: str) -> tuple[Reason, str, str]:
    """Reason, place and finding of the refusal to read a group."""
    with pytest.raises(Refusal) as caught:
        read_group(path)
    return caught.value.reason, caught.value.where, caught.value.got


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("s3.json", {"elements": S3}),
        ("s3.json", {"name": "S3", "comment": ["any", {"thing": None}], "elements": S3}),
        ("s3.json", {"table": S3_TABLE}),
        ("s3.json", {"table": S3_TABLE, "source": "a textbook"}),
        ("s3.json", S3_TABLE),
        ("s3.json", f"\n {S3_TABLE} \n\n"),
        ("s3", S3_TABLE),
        ("s3.txt", {"elements": S3}),
        ("s3.csv", write_csv(S3_TABLE)),
        ("s3.CSV", write_csv(S3_TABLE).rstrip()),
        ("s3.csv", write_csv(S3_TABLE, ", ").replace("\n", "\r\n")),
        ("s3.npy", np.array(S3_TABLE)),
        ("s3.NPY", np.array(S3_TABLE)),
    ],
)
def test_one_group_is_read_from_every_format(name: str, content: Any, tmp_path: Path) -> None:
    """S3 with its elements in the order of itertools, as permutations or as a table."""
    path = tmp_path / name
    if name.endswith(".NPY"):  # np.save would add its own suffix
        write(tmp_path / "s3.npy", content)
        (tmp_path / "s3.npy").rename(path)
    else:
        write(path, content)
    G = read_group(str(path))
    assert G.table.tolist() == S3_TABLE
    assert G.identity == 0


@pytest.mark.parametrize("dtype", ["i1", "u1", "<i2", ">i2", "<u4", ">i8", "<u8"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_a_table_of_any_integer_type_and_layout_is_read(dtype: str, order: Any, tmp_path: Path) -> None:
    """Signed or not, either byte order, rows or columns first."""
    path = write(tmp_path / "table.npy", np.array(S3_TABLE, dtype=dtype, order=order))
    assert read_group(path).table.tolist() == S3_TABLE


@pytest.mark.parametrize("name", ["table.json", "table.csv", "table.npy"])
def test_the_identity_may_be_any_element(name: str, tmp_path: Path) -> None:
    """The table is kept as it is, index by index."""
    content = {"table.csv": write_csv(SHIFTED), "table.npy": np.array(SHIFTED)}.get(name, SHIFTED)
    G = read_group(write(tmp_path / name, content))
    assert G.table.tolist() == SHIFTED
    assert G.identity == 1


@pytest.mark.parametrize("name", ["table.json", "table.csv", "table.npy"])
def test_the_table_of_one_element_is_a_group(name: str, tmp_path: Path) -> None:
    """A row of one zero, also where csv would make a scalar of it."""
    content = {"table.csv": "0", "table.npy": np.array([[0]])}.get(name, [[0]])
    assert read_group(write(tmp_path / name, content)).table.tolist() == [[0]]


@settings(deadline=None, max_examples=40)
@given(order=st.permutations(range(6)))
def test_a_table_in_any_order_is_read_as_it_is(order: list[int], tmp_path_factory: pytest.TempPathFactory) -> None:
    """S3 relabelled: the group's table is the file's."""
    table = [[order.index(S3_TABLE[x][y]) for y in order] for x in order]
    G = read_group(write(tmp_path_factory.mktemp("table") / "table.json", table))
    assert G.table.tolist() == table
    assert G.identity == order.index(0)


@settings(deadline=None, max_examples=60)
@given(x=st.integers(0, 5), y=st.integers(0, 5), value=st.integers(0, 5))
def test_a_table_with_one_other_entry_is_no_group(
    x: int, y: int, value: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Two entries of a row are then equal."""
    table = [row.copy() for row in S3_TABLE]
    table[x][y] = value
    path = write(tmp_path_factory.mktemp("table") / "table.json", table)
    if table == S3_TABLE:
        assert read_group(path).order == 6
        return
    reason, where, got = refused_with(path)
    assert (reason, where) == (Reason.INPUT_INVALID, path)
    assert got == f"table[{x}]: expected a permutation of 6 points, got none"


@pytest.mark.parametrize(
    ("content", "got"),
    [
        ({"elements": [[0, 0]]}, "elements[0]: expected a permutation of 2 points, got none"),
        ({"elements": [[0, 1], [0, 1]]}, "elements[1]: expected a new element, got that of [0]"),
        ({"elements": [[1, 0]]}, "elements: expected the identity, got none"),
        ({"elements": [[0, 1, 2], [1, 2, 0]]}, "elements: expected the product of [1] and [1], got no such element"),
        ({"elements": [[0, 1], [1]]}, "elements[1]: expected a list as long as the first, not empty, got list"),
        ({"elements": [[0, 1.0]]}, "document: expected integers, got 1.0"),
        ({"elements": [[False, True]]}, "elements[0]: expected integers from 0 to 16777216, got another value"),
        ({"elements": [[-1]]}, "elements[0]: expected integers from 0 to 16777216, got another value"),
        ({"elements": []}, "elements: expected a list that is not empty, got list"),
        ({"elements": None}, "elements: expected a list that is not empty, got NoneType"),
        ({"table": [[0, 1], [0, 1]]}, "table[1]: expected a new element, got that of [0]"),
        ({"table": [[10001]]}, "table[0]: expected integers from 0 to 10000, got another value"),
        ({"table": "text"}, "table: expected a list that is not empty, got str"),
        ({}, "table: expected a list that is not empty, got NoneType"),
        ([], "table: expected a list that is not empty, got list"),
        (7, "table: expected a list that is not empty, got int"),
        ("", "document: expected one JSON value, got Expecting value at offset 0"),
        ("group S3", "document: expected one JSON value, got Expecting value at offset 0"),
        ("[[0]] [[0]]", "document: expected nothing but one line end after the value, got 6 bytes"),
        ('{"table": [[0]], "table": [[0]]}', "document: expected each key once, got 'table' twice"),
        (b"\xff", "document: expected ASCII text, got byte 255 at offset 0"),
    ],
)
def test_json_that_is_no_group_is_refused(content: Any, got: str, tmp_path: Path) -> None:
    """One thing wrong each; whatever the reason within, it is the auditor's file that makes no sense."""
    path = write(tmp_path / "group.json", content)
    assert refused_with(path) == (Reason.INPUT_INVALID, path, got)


def test_json_that_exceeds_a_limit_is_refused_as_such(tmp_path: Path) -> None:
    """Nothing is said of the group that it might be."""
    path = write(tmp_path / "group.json", "[" * 9 + "]" * 9)
    assert refused(read_group, path) == (Reason.NESTING_TOO_DEEP, "document")


@pytest.mark.parametrize(
    ("table", "got"),
    [
        ([[0, 1], [1, 2]], "got shape (2, 2)"),
        ([[0, 1]], "got shape (1, 2)"),
        ([[0], [1]], "got shape (2, 1)"),
        ([[1]], "got shape (1, 1)"),
        ([[0, 1], [1, 1]], "table[1]: expected a permutation of 2 points"),
        ([[1, 0], [1, 0]], "table[1]: expected a new element, got that of [0]"),
        # Subtraction modulo 3: no row is the identity.
        ([[0, 2, 1], [1, 0, 2], [2, 1, 0]], "table: expected the identity, got none"),
        # Each row is a permutation, the identity is there, and the rows form a group; but as rows 2 and 1.
        ([[0, 1, 2], [2, 0, 1], [1, 2, 0]], "expected an associative table, got a wrong product in row 1, column 0"),
        (LOOP, "table: expected the product of [1] and [1], got no such element"),
    ],
)
@pytest.mark.parametrize("name", ["table.json", "table.csv", "table.npy"])
def test_a_table_that_is_no_group_is_refused(table: list[list[int]], got: str, name: str, tmp_path: Path) -> None:
    """For one reason, in every format."""
    content = {"table.csv": write_csv(table), "table.npy": np.array(table)}.get(name, table)
    path = write(tmp_path / name, content)
    reason, where, found = refused_with(path)
    assert (reason, where) == (Reason.INPUT_INVALID, path)
    assert got in found


def test_an_entry_below_zero_is_refused(tmp_path: Path) -> None:
    """-1 is not read as the last element."""
    path = write(tmp_path / "table.npy", np.array([[0, -1], [-1, 0]]))
    reason, where, got = refused_with(path)
    assert (reason, where) == (Reason.INPUT_INVALID, path)
    assert "expected a square table of elements 0..n-1, got shape (2, 2)" in got


@pytest.mark.parametrize(
    "content",
    [
        "\n",
        "0,1\n\n1,0\n",
        "0,1,\n1,0,\n",
        "0 1\n1 0\n",
        "0;1\n1;0\n",
        "e,a\na,e\n",
        "0.0,1.0\n1.0,0.0\n",
        "0,1.9\n1,0\n",
        "0,1e0\n1,0\n",
        "0,+1\n1,0\n",
        "0,-1\n-1,0\n",
        "0,1_0\n1,0\n",
        "0,100000\n1,0\n",
        "0,4294967297\n4294967297,0\n",
        '"0","1"\n"1","0"\n',
        "# a comment\n0\n",
        "0,1 # a comment\n1,0\n",
        "0,\u0661\n\u0661,0\n",
        "\ufeff0\n",
        b"0\x00\n",
        b"\xff",
    ],
)
def test_csv_that_is_no_table_of_digits_is_refused(content: Any, tmp_path: Path) -> None:
    """Nothing is rounded, cut off, skipped or filled in."""
    path = write(tmp_path / "table.csv", content)
    got = "table: expected rows of elements 0..n-1 separated by commas, got something else"
    assert refused_with(path) == (Reason.INPUT_INVALID, path, got)


@pytest.mark.parametrize(
    ("content", "got"),
    [
        ("", "table: expected a list that is not empty, got list"),
        ("0,1\n1\n", "table[1]: expected a list as long as the first, not empty, got list"),
        ("0,10001\n1,0\n", "table[0]: expected integers from 0 to 10000, got another value"),
    ],
)
def test_csv_whose_rows_make_no_table_is_refused(content: str, got: str, tmp_path: Path) -> None:
    """No row, rows of unequal length, or an element that no group here has."""
    path = write(tmp_path / "table.csv", content)
    assert refused_with(path) == (Reason.INPUT_INVALID, path, got)


@pytest.mark.parametrize(
    ("content", "got"),
    [
        (np.array(S3_TABLE, dtype=np.float64), "got shape (6, 6), float64"),
        (np.array([[False]]), "got shape (1, 1), bool"),
        (np.array([[0j]]), "got shape (1, 1), complex128"),
        (np.array([["0"]]), "got shape (1, 1), <U1"),
        (np.zeros((1, 1), dtype="i4,i4"), "got shape (1, 1), [("),
        (np.zeros((0, 0), dtype=np.int64), "got shape (0, 0), int64"),
        (np.zeros((0, 5), dtype=np.int64), "got shape (0, 5), int64"),
    ],
)
def test_an_array_that_is_no_table_is_refused(content: Any, got: str, tmp_path: Path) -> None:
    """Another type or another shape."""
    path = write(tmp_path / "table.npy", content)
    reason, where, found = refused_with(path)
    assert (reason, where) == (Reason.INPUT_INVALID, path)
    assert "expected a square table of elements 0..n-1" in found
    assert got in found


@pytest.mark.parametrize(
    "content",
    [np.array(0), np.zeros(1, dtype=np.int64), np.zeros((1, 1, 1), dtype=np.int64), np.zeros(3, dtype="i4,i4")],
)
def test_an_array_that_has_not_two_axes_is_refused(content: Any, tmp_path: Path) -> None:
    """A scalar, a row, a cube, and a row of records."""
    path = write(tmp_path / "table.npy", content)
    got = "table: expected a two-dimensional array in .npy format, got something else"
    assert refused_with(path) == (Reason.INPUT_INVALID, path, got)


def test_an_archive_of_arrays_is_no_table(tmp_path: Path) -> None:
    """The .npz format, which numpy also reads, under the suffix of the other."""
    path = tmp_path / "table.npz"
    np.savez(path, table=np.array([[0]]))
    path = path.rename(tmp_path / "table.npy")
    got = "table: expected a two-dimensional array in .npy format, got something else"
    assert refused_with(str(path)) == (Reason.INPUT_INVALID, str(path), got)


@pytest.mark.parametrize(
    ("header", "got"),
    [
        ("{'descr': '<i8', 'fortran_order': False, 'shape': (1099511627776, 1024)}", "Unable to allocate"),
        ("{'descr': '<i8', 'fortran_order': False, 'shape': (1, 2)}", "16 bytes got 8"),
        ("{'descr': '<i8', 'fortran_order': False, 'shape': (-1, -1)}", "ValueError"),
        ("{'descr': '<i8', 'fortran_order': False, 'shape': (True, True)}", "TypeError"),
        ("{'descr': '<i8', 'fortran_order': False}", "ValueError"),
        ("((((", "EOF"),
        ("'" * 3, "EOF"),
        ("[" * 9000, ""),
        ("__import__('os').getpid()", "ValueError"),
        ("", "ValueError"),
    ],
)
def test_a_damaged_npy_header_is_refused(header: str, got: str, tmp_path: Path) -> None:
    """Whatever numpy raises, it is refused as the file that it is."""
    length = len(header) + 1
    content = b"\x93NUMPY\x01\x00" + length.to_bytes(2, "little") + header.encode() + b"\n" + b"\0" * 8
    path = write(tmp_path / "table.npy", content)
    reason, where, found = refused_with(path)
    assert (reason, where) == (Reason.INPUT_INVALID, path)
    assert found.startswith("table: expected an array in .npy format, got")
    assert got in found


def test_a_pickle_is_not_loaded(tmp_path: Path) -> None:
    """Neither within an .npy file, as an array of objects, nor bare."""
    for content in (np.array(S3_TABLE, dtype=object), pickle.dumps(S3_TABLE)):
        path = write(tmp_path / "table.npy", content)
        reason, where, got = refused_with(path)
        assert (reason, where) == (Reason.INPUT_INVALID, path)
        assert "pickle" in got or "Object arrays cannot be loaded" in got


def test_every_truncation_of_an_npy_file_is_refused(tmp_path: Path) -> None:
    """At each length below the full one."""
    path = tmp_path / "table.npy"
    np.save(path, np.array(SHIFTED))
    whole = path.read_bytes()
    assert read_group(str(path)).table.tolist() == SHIFTED
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        reason, where, got = refused_with(str(path))
        assert (reason, where) == (Reason.INPUT_INVALID, str(path))
        assert got.startswith("table: expected an array in .npy format, got")


def test_a_good_npy_header_is_read(tmp_path: Path) -> None:
    """The valid twin of the damaged headers above."""
    header = b"{'descr': '<i8', 'fortran_order': False, 'shape': (1, 1)}\n"
    content = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + b"\0" * 8
    assert read_group(write(tmp_path / "table.npy", content)).table.tolist() == [[0]]


@pytest.mark.parametrize("name", ["group.json", "group.csv", "group.npy"])
def test_a_file_that_is_absent_is_refused(name: str, tmp_path: Path) -> None:
    """The reason is that of the file, not of the group."""
    path = str(tmp_path / name)
    assert refused(read_group, path) == (Reason.FILE_UNREADABLE, path)


@pytest.mark.parametrize(
    ("name", "content", "where"),
    [
        ("group.json", {"elements": S3}, "elements"),
        ("group.json", {"table": S3_TABLE}, "table"),
        ("group.csv", write_csv(S3_TABLE), "table"),
        ("group.npy", np.array(S3_TABLE), "table"),
    ],
)
def test_a_group_that_is_too_large_is_refused_as_such(name: str, content: Any, where: str, tmp_path: Path) -> None:
    """A limit is no fault of the file: S3 passes one of 6 and not one of 5."""
    path = write(tmp_path / name, content)
    assert read_group(path, Limits(order=6)).order == 6
    assert refused(read_group, path, Limits(order=5)) == (Reason.ORDER_TOO_LARGE, where)


def test_elements_and_a_table_in_one_file_are_refused(tmp_path: Path) -> None:
    """Nobody can say which of two groups is meant."""
    path = tmp_path / "group.json"
    path.write_text('{"elements": [[0, 1], [1, 0]], "table": [[1, 0], [0, 1]]}')
    with pytest.raises(Refusal) as caught:
        read_group(str(path))
    assert (caught.value.reason, caught.value.where) == (Reason.INPUT_INVALID, str(path))

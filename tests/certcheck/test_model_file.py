"""model_file: what the safetensors library and torch write is read back, and everything else is refused."""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import threading
import warnings
import zipfile
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from certcheck.document import TensorSection
from certcheck.limits import Limits
from certcheck.model_file import read_bytes, read_model, take_instance
from certcheck.verdict import Reason, Refusal
from tests.certcheck.test_exact import refused
from tests.certcheck.test_network import read, store

DTYPES = {
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
    "float32": torch.float32,
    "float64": torch.float64,
}
# Exact in each type; a negative zero and a number whose two bytes differ are among them.
VALUES = [[1.0, -2.0, 0.5], [-0.0, 1.5, -0.15625]]


def is_section(section: TensorSection, values: Any, dtype: str) -> bool:
    """Whether the section holds these values in this type, under its own hash."""
    array = np.array(values, dtype=np.float64)
    return (
        (section.dtype, section.shape) == (dtype, array.shape)
        and section.sha256 == hashlib.sha256(section.data).hexdigest()
        and read(section).tobytes() == array.tobytes()
    )


def write_safetensors(path: Path, header: bytes, buffer: bytes) -> str:
    """A file by the format's description: length of the header, header, buffer."""
    path.write_bytes(len(header).to_bytes(8, "little") + header + buffer)
    return str(path)


def refused_with(path: str) -> tuple[Reason, str, str]:
    """Reason, place and finding of the refusal to read a model."""
    with pytest.raises(Refusal) as caught:
        read_model(path)
    return caught.value.reason, caught.value.where, caught.value.got


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file to write."""
    return tmp_path / "model.safetensors"


def test_a_file_is_read_whole(tmp_path: Path) -> None:
    """The bytes as they are."""
    file = tmp_path / "file"
    file.write_bytes(bytes(range(256)))
    assert read_bytes(str(file)) == bytes(range(256))


def test_a_file_as_large_as_the_limit_is_read_and_a_larger_one_is_not(tmp_path: Path) -> None:
    """Ten bytes under a limit of ten, and under a limit of nine."""
    file = tmp_path / "file"
    file.write_bytes(b"0123456789")
    assert read_bytes(str(file), Limits(bytes=10)) == b"0123456789"
    assert refused(read_bytes, str(file), Limits(bytes=9)) == (Reason.FILE_TOO_LARGE, str(file))


def test_a_name_that_no_file_can_have_is_refused() -> None:
    """A zero byte ends a name for the system, so it is in none."""
    assert refused(read_bytes, "model\0.pt") == (Reason.FILE_UNREADABLE, "model\0.pt")


@pytest.mark.parametrize("name", ["absent.safetensors", "absent.pt", "folder.safetensors", "folder.pt"])
def test_a_file_that_cannot_be_opened_is_refused(name: str, tmp_path: Path) -> None:
    """Absent, or a folder; whatever would read it."""
    (tmp_path / "folder.safetensors").mkdir()
    (tmp_path / "folder.pt").mkdir()
    where = str(tmp_path / name)
    assert refused(read_bytes, where) == (Reason.FILE_UNREADABLE, where)
    assert refused(read_model, where) == (Reason.FILE_UNREADABLE, where)


@pytest.mark.parametrize("name", ["model", "model.bin", "model.onnx", "model.safetensors.json", "pt", ".pt"])
def test_a_suffix_that_is_not_known_is_refused(name: str, tmp_path: Path) -> None:
    """Before the file is touched: it need not be there."""
    where = str(tmp_path / name)
    assert refused(read_model, where) == (Reason.MODEL_FILE_UNSUPPORTED, where)


@pytest.mark.parametrize("dtype", DTYPES)
def test_what_the_safetensors_library_writes_is_read_back(dtype: str, path: Path) -> None:
    """Each type, several tensors, a scalar, and metadata that is no tensor."""
    tensors = {
        "matrix": torch.tensor(VALUES, dtype=DTYPES[dtype]),
        "row": torch.tensor([3.0, -4.0], dtype=DTYPES[dtype]),
        "scalar": torch.tensor(2.0, dtype=DTYPES[dtype]),
    }
    safetensors.torch.save_file(tensors, path, metadata={"format": "pt"})
    found = read_model(str(path))
    assert set(found) == set(tensors)
    assert is_section(found["matrix"], VALUES, dtype)
    assert is_section(found["row"], [3, -4], dtype)
    assert is_section(found["scalar"], 2, dtype)


def test_types_may_be_mixed_in_one_file(path: Path) -> None:
    """The library sorts by type; each tensor gets its own bytes."""
    safetensors.torch.save_file({name: torch.tensor(VALUES, dtype=dtype) for name, dtype in DTYPES.items()}, path)
    found = read_model(str(path))
    assert set(found) == set(DTYPES)
    assert all(is_section(found[dtype], VALUES, dtype) for dtype in DTYPES)


@settings(deadline=None, max_examples=40)
@given(values=st.lists(st.floats(width=32), min_size=1, max_size=8))
def test_bytes_are_not_interpreted(values: list[float], tmp_path_factory: pytest.TempPathFactory) -> None:
    """Any float32 has the bytes that the library wrote; NaN and infinities are for the network to refuse."""
    path = tmp_path_factory.mktemp("bytes") / "model.safetensors"
    array = np.array(values, dtype=np.float32)
    safetensors.torch.save_file({"x": torch.from_numpy(array)}, path)
    assert read_model(str(path))["x"].data == array.tobytes()


def test_a_suffix_may_be_in_capitals(tmp_path: Path) -> None:
    """As some systems write them."""
    path = tmp_path / "MODEL.SAFETENSORS"
    safetensors.torch.save_file({"x": torch.tensor(VALUES)}, path)
    assert is_section(read_model(str(path))["x"], VALUES, "float32")


def test_a_tensor_without_entries_is_read(path: Path) -> None:
    """A side of zero, no bytes."""
    safetensors.torch.save_file({"x": torch.zeros(0, 3)}, path)
    assert is_section(read_model(str(path))["x"], np.zeros((0, 3)), "float32")


def test_a_type_that_networks_do_not_have_is_refused(path: Path) -> None:
    """By the format's name."""
    safetensors.torch.save_file({"x": torch.tensor([1, 2])}, path)
    reason, where, got = refused_with(str(path))
    assert (reason, where) == (Reason.INPUT_INVALID, str(path))
    assert "'I64'" in got


def test_every_truncation_of_a_safetensors_file_is_refused(path: Path) -> None:
    """At each length below the full one."""
    safetensors.torch.save_file({"x": torch.tensor([1.0]), "y": torch.tensor([2.0])}, path)
    whole = path.read_bytes()
    assert set(read_model(str(path))) == {"x", "y"}
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        assert refused(read_model, str(path)) == (Reason.INPUT_INVALID, str(path))
    path.write_bytes(whole[:-1])
    assert f"{len(whole) - 1} bytes, a truncated one" in refused_with(str(path))[2]


GOOD = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}


def edit(**changes: Any) -> bytes:
    """The header of a file with one good tensor, with these changes; None takes a key away."""
    entry = {key: value for key, value in (GOOD | changes).items() if value is not None}
    return json.dumps({"x": entry}).encode()


@pytest.mark.parametrize(
    ("header", "got"),
    [
        (b"", "Expecting value"),
        (b"no JSON", "Expecting value"),
        (b"{", "Expecting property name"),
        (edit() + b"x", "nothing but one line end"),
        (b'{"x":1}', "not subscriptable"),
        (b"[]", "pop"),
        (b"3", "pop"),
        (b'"text"', "pop"),
        (b"null", "pop"),
        (b'{"x":{},"x":{}}', "'x' twice"),
        (b'{"\xc3\xa9":{}}', "ASCII"),
        (b"[[[[[[[[[]]]]]]]]]", "at most 8 levels"),
        (edit(shape=None), "'shape'"),
        (edit(shape=[1.0]), "expected integers"),
        (edit(shape=[True]), "expected an integer, got bool"),
        (edit(shape=[-1]), "an integer from 0 to 16777216"),
        (edit(shape=[2**24 + 1]), "an integer from 0 to 16777216"),
        (edit(shape=["1"]), "expected an integer, got str"),
        (edit(shape=1), "not iterable"),
        (edit(shape=[2]), "bytes that fill the shape [2] of 'x', got 4"),
        (edit(shape=[0]), "bytes that fill the shape [0] of 'x', got 4"),
        (edit(shape=[1, 2, 0]), "bytes that fill the shape [1, 2, 0] of 'x', got 4"),
        (edit(dtype=None), "'dtype'"),
        (edit(dtype=["F32"]), "unhashable"),
        (edit(dtype=32), "32"),
        (edit(dtype="float32"), "'float32'"),
        (edit(dtype="F8_E4M3"), "'F8_E4M3'"),
        (edit(dtype="F64"), "bytes that fill the shape [1] of 'x', got 4"),
        (edit(dtype="F16"), "bytes that fill the shape [1] of 'x', got 4"),
        (edit(data_offsets=None), "'data_offsets'"),
        (edit(data_offsets=[0]), "unpack"),
        (edit(data_offsets=[0, 2, 4]), "unpack"),
        (edit(data_offsets=4), "not iterable"),
        (edit(data_offsets=["0", "4"]), "expected an integer"),
        (edit(data_offsets=[-4, 0]), "expected an integer from 0"),
        (edit(data_offsets=[4, 0]), "a truncated one"),
        (edit(data_offsets=[1, 5]), "a truncated one"),
        (edit(dtype="F16", data_offsets=[0, 2]), "tensors that fill the file"),
        (edit(dtype="F16", data_offsets=[2, 4]), "tensors one after the other"),
        (json.dumps({"x": GOOD, "y": GOOD}).encode(), "tensors one after the other"),
        (b"{}", "tensors that fill the file"),
    ],
)
def test_a_damaged_header_is_refused(header: bytes, got: str, path: Path) -> None:
    """One thing wrong each, before a buffer of four bytes; the refusal says what."""
    reason, where, found = refused_with(write_safetensors(path, header, b"\0" * 4))
    assert (reason, where) == (Reason.INPUT_INVALID, str(path))
    assert got in found


@pytest.mark.parametrize("place", range(8))
def test_all_eight_bytes_of_the_length_count(place: int, path: Path) -> None:
    """The header is as long as they say, not as long as the lower ones say."""
    safetensors.torch.save_file({"row": torch.ones(2)}, path)
    data = bytearray(path.read_bytes())
    data[place] += 1
    path.write_bytes(data)
    assert refused(read_model, str(path)) == (Reason.INPUT_INVALID, str(path))


def test_bytes_after_the_last_tensor_are_refused(path: Path) -> None:
    """One byte more than the library wrote."""
    safetensors.torch.save_file({"x": torch.tensor(VALUES)}, path)
    path.write_bytes(path.read_bytes() + b"\0")
    reason, where, got = refused_with(str(path))
    assert (reason, where) == (Reason.INPUT_INVALID, str(path))
    assert "tensors that fill the file, got bytes that belong to none or to two" in got


NAMES = {"": "''", "a" * 201: "'aaa", "tab\t": "'tab\\t'", "line\n": "'line\\n'", "\u00e9": "'\\xe9'"}


@pytest.mark.parametrize("name", NAMES)
def test_a_tensor_without_a_plain_name_is_refused(name: str, tmp_path: Path) -> None:
    """A name is printed, so it is short and printable ASCII, as in a certificate."""
    safetensors.torch.save_file({name: torch.ones(1)}, tmp_path / "model.safetensors")
    torch.save({name: torch.ones(1)}, tmp_path / "model.pt")
    for file in ("model.safetensors", "model.pt"):
        reason, where, got = refused_with(str(tmp_path / file))
        assert (reason, where) == (Reason.INPUT_INVALID, str(tmp_path / file))
        assert NAMES[name] in got or (name == "\u00e9" and "expected ASCII text" in got)


def test_the_header_that_is_edited_above_is_good(path: Path) -> None:
    """The valid twin of the damaged headers, with the spaces that the library pads with."""
    found = read_model(write_safetensors(path, edit() + b"  ", b"\0\0\x80\x3f"))
    assert set(found) == {"x"}
    assert is_section(found["x"], [1], "float32")


@settings(deadline=None, max_examples=60)
@given(data=st.binary(max_size=60))
def test_garbage_is_refused_as_a_safetensors_file(data: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No bytes raise anything but the refusal."""
    path = tmp_path_factory.mktemp("garbage") / "model.safetensors"
    path.write_bytes(data)
    assert refused(read_model, str(path)) == (Reason.INPUT_INVALID, str(path))


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".PT"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_what_torch_writes_is_read_back(dtype: str, suffix: str, tmp_path: Path) -> None:
    """Each type, in the present format."""
    path = tmp_path / f"model{suffix}"
    torch.save({"x": torch.tensor(VALUES, dtype=DTYPES[dtype]), "y": torch.tensor(3.0)}, path)
    found = read_model(str(path))
    assert set(found) == {"x", "y"}
    assert is_section(found["x"], VALUES, dtype)
    assert is_section(found["y"], 3, "float32")


@pytest.fixture
def torch_path(tmp_path: Path) -> Path:
    """A file for torch to write."""
    return tmp_path / "model.pt"


def test_the_old_format_of_torch_is_read(torch_path: Path) -> None:
    """That of before version 1.6, without a zip."""
    torch.save({"x": torch.tensor(VALUES)}, torch_path, _use_new_zipfile_serialization=False)
    assert is_section(read_model(str(torch_path))["x"], VALUES, "float32")


@pytest.mark.parametrize(
    ("tensor", "values"),
    [
        (torch.nn.Parameter(torch.tensor(VALUES)), VALUES),
        (torch.tensor(VALUES).T, np.array(VALUES).T),
        (torch.tensor(VALUES)[:, 1], [-2, 1.5]),
        (torch.tensor(VALUES)[1:, ::2], [[-0.0, -0.15625]]),
        (torch.tensor([1.0, 2.0]).expand(3, 2), [[1, 2]] * 3),
        (torch.zeros(0, 2), np.zeros((0, 2))),
    ],
    ids=["parameter", "transpose", "column", "stride", "expanded", "empty"],
)
def test_a_tensor_is_read_in_row_major_order(tensor: torch.Tensor, values: Any, torch_path: Path) -> None:
    """However it lies in memory, and whether or not it is to be trained."""
    torch.save({"x": tensor}, torch_path)
    assert is_section(read_model(str(torch_path))["x"], values, "float32")


def test_the_state_dict_of_a_module_is_read(torch_path: Path) -> None:
    """As torch itself orders and names it."""
    module = torch.nn.Linear(2, 3)
    torch.save(module.state_dict(), torch_path)
    found = read_model(str(torch_path))
    assert list(found) == ["weight", "bias"]
    assert is_section(found["weight"], module.weight.detach().numpy(), "float32")
    assert is_section(found["bias"], module.bias.detach().numpy(), "float32")


def test_the_one_state_dict_of_a_checkpoint_is_read(torch_path: Path) -> None:
    """Beside an epoch, an empty dict and the state of an optimizer."""
    optimizer = {"state": {0: {"step": torch.tensor(1.0)}}, "param_groups": [{"lr": 0.1}]}
    checkpoint = {"epoch": 7, "model": {"x": torch.tensor(VALUES)}, "optimizer": optimizer, "extra": {}}
    torch.save(checkpoint, torch_path)
    found = read_model(str(torch_path))
    assert set(found) == {"x"}
    assert is_section(found["x"], VALUES, "float32")


@pytest.mark.parametrize(
    ("loaded", "count"),
    [
        ({"first": {"x": torch.ones(1)}, "second": {"x": torch.ones(1)}}, 2),
        ({}, 0),
        ({"x": {}}, 0),
        ([torch.ones(1)], 0),
        (torch.ones(1), 0),
        (7, 0),
        ({0: torch.ones(1)}, 0),
        ({"x": torch.ones(1), "epoch": 7}, 0),
        ({"a": {"b": {"x": torch.ones(1)}}}, 0),
    ],
)
def test_no_state_dict_or_two_are_refused(loaded: Any, count: int, torch_path: Path) -> None:
    """A state dict has names for keys and nothing but tensors; one of them, at the top or one level down."""
    torch.save(loaded, torch_path)
    assert refused_with(str(torch_path)) == (Reason.INPUT_INVALID, str(torch_path), f"{count} such dicts")


@pytest.mark.parametrize(
    ("tensor", "got"),
    [
        (torch.tensor([1, 2]), "int64"),
        (torch.tensor([True]), "bool"),
        (torch.tensor([1j]), "complex64"),
        (torch.ones(2).to(torch.float8_e4m3fn), "float8_e4m3fn"),
        (torch.eye(2).to_sparse(), "float32"),
        (torch.empty(2, device="meta"), "float32"),
    ],
    ids=["integers", "booleans", "complex", "float8", "sparse", "no storage"],
)
def test_a_tensor_of_another_kind_is_refused(tensor: torch.Tensor, got: str, torch_path: Path) -> None:
    """The refusal says which tensor and of what type."""
    torch.save({"good": torch.ones(1), "x": tensor}, torch_path)
    assert refused_with(str(torch_path)) == (Reason.INPUT_INVALID, f"{torch_path}: x", got)


def test_a_nested_tensor_is_refused(torch_path: Path) -> None:
    """Its rows have no common length."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch calls these tensors a prototype
        torch.save({"x": torch.nested.nested_tensor([torch.ones(1), torch.ones(2)])}, torch_path)
        assert refused_with(str(torch_path)) == (Reason.INPUT_INVALID, f"{torch_path}: x", "float32")


def test_a_tensor_larger_than_any_file_is_refused(torch_path: Path) -> None:
    """One stored number that torch repeats: 1000 of 4 bytes are within a limit of 4000 and not within one of 3999."""
    torch.save({"x": torch.ones(1).expand(1000)}, torch_path)
    assert is_section(read_model(str(torch_path), Limits(bytes=4000))["x"], np.ones(1000), "float32")
    with pytest.raises(Refusal) as caught:
        read_model(str(torch_path), Limits(bytes=3999))
    assert (caught.value.reason, caught.value.where) == (Reason.FILE_TOO_LARGE, f"{torch_path}: x")


def test_tensors_that_together_are_larger_than_any_file_are_refused(torch_path: Path) -> None:
    """Views of one stored number: two of 2000 bytes are within a limit of 4000 and not within one of 3999."""
    torch.save({name: torch.ones(1).expand(500) for name in "xy"}, torch_path)
    assert len(read_model(str(torch_path), Limits(bytes=4000))) == 2
    assert refused(read_model, str(torch_path), Limits(bytes=3999)) == (Reason.FILE_TOO_LARGE, f"{torch_path}: y")


def test_an_archive_that_python_cannot_list_is_refused(torch_path: Path) -> None:
    """A name that is said to be UTF-8 and is not; a version of zip to come: what it unpacks to is not known."""
    torch.save({"x": torch.ones(1)}, torch_path)
    whole = torch_path.read_bytes()
    entry = whole.index(b"PK\x01\x02")
    for offset, damage in ((6, b"\xff"), (46, b"\xff")):
        # Bit 11 of the flags says that the names are UTF-8.
        flagged = bytearray(whole)
        flagged[entry + 9] |= 8
        flagged[entry + offset : entry + offset + 1] = damage
        torch_path.write_bytes(flagged)
        assert refused(read_model, str(torch_path)) == (Reason.INPUT_INVALID, str(torch_path))


def test_a_torch_file_that_unpacks_to_more_than_a_file_may_hold_is_not_unpacked(torch_path: Path) -> None:
    """The archive of a small tensor with 100,000 packed zeros beside it."""
    torch.save({"x": torch.ones(1)}, torch_path)
    with zipfile.ZipFile(torch_path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/zeros", bytes(100_000))
    with pytest.raises(Refusal) as caught:
        read_model(str(torch_path), Limits(bytes=100_000))
    assert (caught.value.reason, caught.value.where) == (Reason.FILE_TOO_LARGE, str(torch_path))


def test_a_torch_file_is_read_once(torch_path: Path) -> None:
    """A pipe can be read once only: what torch loads is what was measured, whatever the name stands for afterwards."""
    torch.save({"x": torch.tensor(VALUES)}, torch_path)
    stored = torch_path.read_bytes()
    torch_path.unlink()
    os.mkfifo(torch_path)
    writer = threading.Thread(target=torch_path.write_bytes, args=(stored,))
    writer.start()
    assert set(read_model(str(torch_path))) == {"x"}
    writer.join()


def test_code_in_a_torch_file_is_not_run(torch_path: Path) -> None:
    """A whole module is pickled by its class: it is refused, and torch says why."""
    torch.save(torch.nn.Linear(1, 1), torch_path)
    reason, where, got = refused_with(str(torch_path))
    assert (reason, where) == (Reason.INPUT_INVALID, str(torch_path))
    assert got.startswith("UnpicklingError: Weights only load failed")


def test_a_torchscript_file_is_refused_in_silence(torch_path: Path) -> None:
    """torch would warn before it refuses; a warning is an error in these tests."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what torch says while it writes the file is not looked at
        torch.jit.save(torch.jit.script(torch.nn.Linear(1, 1)), str(torch_path))
    reason, where, got = refused_with(str(torch_path))
    assert (reason, where) == (Reason.INPUT_INVALID, str(torch_path))
    assert "TorchScript" in got


@pytest.mark.parametrize("data", [b"", b"garbage", b"PK\x03\x04garbage", b"\x80\x02}."])
def test_garbage_is_refused_as_a_torch_file(data: bytes, torch_path: Path) -> None:
    """Nothing, text, a broken zip, and a pickle that is not one of torch's."""
    torch_path.write_bytes(data)
    assert refused(read_model, str(torch_path)) == (Reason.INPUT_INVALID, str(torch_path))


def test_a_truncated_torch_file_is_refused(torch_path: Path) -> None:
    """At the half and one byte before the end."""
    torch.save({"x": torch.ones(100)}, torch_path)
    whole = torch_path.read_bytes()
    for length in (len(whole) // 2, len(whole) - 1):
        torch_path.write_bytes(whole[:length])
        assert refused(read_model, str(torch_path)) == (Reason.INPUT_INVALID, str(torch_path))


def test_a_torch_file_that_is_too_large_is_refused(torch_path: Path) -> None:
    """The limit of any file holds for it too, before torch sees it."""
    torch.save({"x": torch.ones(1)}, torch_path)
    assert refused(read_model, str(torch_path), Limits(bytes=100)) == (Reason.FILE_TOO_LARGE, str(torch_path))


def test_a_torch_file_without_torch_is_not_supported(
    torch_path: Path, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """torch is an optional extra; a safetensors file is read without it."""
    torch.save({"x": torch.tensor(VALUES)}, torch_path)
    safetensors.torch.save_file({"x": torch.tensor(VALUES)}, path)

    import_any = importlib.import_module

    def import_module(name: str) -> ModuleType:
        if name == "torch":
            raise ModuleNotFoundError(name)
        return import_any(name)

    monkeypatch.setattr(importlib, "import_module", import_module)
    assert refused_with(str(torch_path)) == (Reason.MODEL_FILE_UNSUPPORTED, str(torch_path), "no torch")
    assert is_section(read_model(str(path))["x"], VALUES, "float32")


STACKED: dict[str, NDArray[np.float64]] = {
    "matrix": np.arange(12.0).reshape(2, 2, 3),
    "row": np.array([[0.5, 1.5], [2.5, 3.5]]),
    "value": np.array([7.0, 8.0]),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("instance", [0, 1])
def test_an_instance_is_an_entry_along_the_leading_axis(instance: int, dtype: str) -> None:
    """As numpy slices it, for every tensor, under the hash of the slice."""
    taken = take_instance({name: store(values, dtype) for name, values in STACKED.items()}, instance, "model.pt")
    assert set(taken) == set(STACKED)
    assert all(is_section(taken[name], values[instance], dtype) for name, values in STACKED.items())


@pytest.mark.parametrize("instance", [2, 3])
def test_an_instance_that_is_not_there_is_refused(instance: int) -> None:
    """The refusal names the first tensor that has fewer."""
    tensors = {"long": store(np.ones((9, 1))), "short": store(np.ones((2, 1)))}
    with pytest.raises(Refusal) as caught:
        take_instance(tensors, instance, "model.pt")
    assert (caught.value.reason, caught.value.where) == (Reason.INPUT_INVALID, "model.pt: short")
    assert caught.value.expected == "an instance from 0 to 1"


@pytest.mark.parametrize("values", [3.0, np.zeros((0, 2))])
def test_a_tensor_without_instances_has_none(values: Any) -> None:
    """A scalar has no leading axis, and one of length zero has no entry."""
    assert refused(take_instance, {"x": store(values)}, 0, "p") == (Reason.INPUT_INVALID, "p: x")


def _write(path: Path, header: object, buffer: bytes) -> str:
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + buffer)
    return str(path)


@pytest.mark.parametrize(
    ("header", "size"),
    [({"x": GOOD, "y": GOOD}, 8), ({"x": GOOD | {"shape": ""}}, 4), ({"x": GOOD | {"shape": {}}}, 4)],
    ids=["overlap and gap", "shape is text", "shape is an object"],
)
def test_a_header_that_the_library_refuses_is_refused(header: object, size: int, tmp_path: Path) -> None:
    """The safetensors library itself refuses each of these files."""
    path = _write(tmp_path / "model.safetensors", header, b"\0" * size)
    with pytest.raises(Refusal) as caught:
        read_model(path)
    assert (caught.value.reason, caught.value.where) == (Reason.INPUT_INVALID, path)


def test_a_tensor_whose_sign_is_a_mark_is_refused(tmp_path: Path) -> None:
    """torch stores some negations as a mark, not in the bytes."""
    path = tmp_path / "model.pt"
    torch.save({"x": torch._neg_view(torch.tensor([1.0]))}, path)
    with pytest.raises(Refusal) as caught:
        read_model(str(path))
    assert (caught.value.reason, caught.value.where) == (Reason.INPUT_INVALID, f"{path}: x")

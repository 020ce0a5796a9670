"""An auditor's model file: named tensors as stored.

`.safetensors` is read here; `.pt` and `.pth` through torch, which is an optional extra.
"""

from __future__ import annotations

import hashlib
import importlib
import io
import math
import warnings
import zipfile
from pathlib import Path
from typing import Any, NoReturn

from certcheck.document import TensorSection
from certcheck.limits import LIMITS, Limits, check_limit
from certcheck.network import BYTES_PER_VALUE
from certcheck.strict_json import MAX_SIDE, parse_integer, parse_json, parse_string
from certcheck.verdict import Reason, Refusal, reject

SAFETENSORS_DTYPES = {"F16": "float16", "BF16": "bfloat16", "F32": "float32", "F64": "float64"}


def read_bytes(path: str, limits: Limits = LIMITS) -> bytes:
    """The bytes of a file. Errors: FILE_UNREADABLE, FILE_TOO_LARGE."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - as a Path the empty name is the current folder
            data = file.read(limits.bytes + 1)
    except (OSError, ValueError) as error:
        # A ValueError is a name that no file can have.
        reason = error.strerror if isinstance(error, OSError) else None
        reject(Reason.FILE_UNREADABLE, path or "an empty name", "a readable file", reason or str(error))
    check_limit(limits, "bytes", len(data), path)
    return data


def read_model(path: str, limits: Limits = LIMITS) -> dict[str, TensorSection]:
    """The tensors of a model file by name.

    Errors: FILE_UNREADABLE, FILE_TOO_LARGE, MODEL_FILE_UNSUPPORTED, INPUT_INVALID.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in (".pt", ".pth", ".safetensors"):
        _unsupported(path, "a .pt, .pth or .safetensors file", f"one ending in {suffix!r}")
    return parse_model(read_bytes(path, limits), path, limits, is_torch=suffix != ".safetensors")


def parse_model(data: bytes, path: str, limits: Limits = LIMITS, *, is_torch: bool = True) -> dict[str, TensorSection]:
    """The tensors by name, of the bytes of a file that torch saved, or of a .safetensors file. Errors: as above."""
    tensors = _parse_torch(data, path, limits) if is_torch else _parse_safetensors(data, path, limits)
    for name in tensors:
        try:
            parse_string(name, "a tensor's name")
        except Refusal as refusal:
            _invalid(path, "tensors with plain names", str(refusal))
    return tensors


def _parse_safetensors(data: bytes, path: str, limits: Limits) -> dict[str, TensorSection]:
    """The format of the safetensors library: header length, JSON header, one buffer."""
    start, end = 8 + int.from_bytes(data[:8], "little"), 0
    try:
        header = parse_json(data[8:start].rstrip(b" "), limits)
        header.pop("__metadata__", None)
        tensors = {}
        for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
            first, last = (parse_integer(offset, name, 0, limits.bytes) for offset in entry["data_offsets"])
            shape = tuple(parse_integer(side, name, 0, MAX_SIDE) for side in entry["shape"])
            if not first <= last <= len(data) - start or not isinstance(entry["shape"], list):
                _invalid(path, "a whole file", f"{len(data)} bytes, a truncated one")
            dtype = SAFETENSORS_DTYPES[entry["dtype"]]
            if last - first != BYTES_PER_VALUE[dtype] * math.prod(shape):
                _invalid(path, f"bytes that fill the shape {list(shape)} of {name!a}", f"{last - first}")
            tensors[name] = _tensor(dtype, shape, data[start + first : start + last])
            if first != end:
                _invalid(path, "tensors one after the other", f"offset {first} after {end}")
            end = last
        if end != len(data) - start:
            _invalid(path, "tensors that fill the file", "bytes that belong to none or to two")
    except (Refusal, AttributeError, KeyError, TypeError, ValueError) as error:
        _invalid(path, "a safetensors file", f"one that is damaged or something else ({error})")
    return tensors


def _parse_torch(data: bytes, path: str, limits: Limits) -> dict[str, TensorSection]:
    """A state dict, or the one state dict that a dict holds, without running any code of the file."""
    try:
        torch = importlib.import_module("torch")
    except ImportError:
        _unsupported(path, "torch, to read a .pt file (pip install torch), or a .safetensors file", "no torch")
    # A file in zip format could say in few bytes what fills the memory.
    _check_unpacked_size(data, path, limits)
    try:
        with warnings.catch_warnings(action="ignore"):
            loaded = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:  # noqa: BLE001 - torch gives no closed list of what a damaged file raises
        text = f"{type(error).__name__}: {' '.join(str(error).split())[:160]}"
        _invalid(path, "a torch state dict, readable without running code", text)
    tensors: dict[str, TensorSection] = {}
    size = 0
    for name, tensor in _find_state_dict(loaded, torch, path).items():
        tensors[str(name)] = _torch_tensor(tensor, torch, f"{path}: {name}", size, limits)
        # Together, as many can be views of a few bytes.
        size += len(tensors[str(name)].data)
    return tensors


def _check_unpacked_size(data: bytes, path: str, limits: Limits) -> None:
    """Nothing, if a zip archive unpacks to what a file may hold. Errors: FILE_TOO_LARGE, INPUT_INVALID."""
    # What starts otherwise, torch does not read as a zip archive.
    if not data.startswith(b"PK\x03\x04"):
        return
    try:
        size = sum(entry.file_size for entry in zipfile.ZipFile(io.BytesIO(data)).infolist())
    except Exception as error:  # noqa: BLE001 - zipfile gives no closed list of what a damaged archive raises
        _invalid(
            path,
            "a torch state dict, in a zip archive that can be read",
            f"{type(error).__name__}: {ascii(str(error))[:160]}",
        )
    check_limit(limits, "bytes", size, path)


def _find_state_dict(loaded: Any, torch: Any, path: str) -> dict[str, Any]:  # noqa: ANN401 - anything may be loaded
    def is_state_dict(value: object) -> bool:
        return (
            isinstance(value, dict)
            and bool(value)
            and all(isinstance(name, str) and isinstance(tensor, torch.Tensor) for name, tensor in value.items())
        )

    candidates = [loaded, *(loaded.values() if isinstance(loaded, dict) else ())]
    found = [value for value in candidates if is_state_dict(value)]
    if len(found) != 1:
        _invalid(path, "a dict of tensors, or a dict that holds just one", f"{len(found)} such dicts")
    state: dict[str, Any] = found[0]
    return state


def _torch_tensor(tensor: Any, torch: Any, where: str, held: int, limits: Limits) -> TensorSection:  # noqa: ANN401 - optional
    dtype = str(tensor.dtype).removeprefix("torch.")
    is_plain = (
        tensor.layout == torch.strided and tensor.device.type == "cpu" and not (tensor.is_nested or tensor.is_neg())
    )
    if dtype not in BYTES_PER_VALUE or not is_plain:
        _invalid(where, f"dense tensors of type {', '.join(BYTES_PER_VALUE)}", dtype)
    check_limit(limits, "bytes", held + tensor.numel() * tensor.element_size(), where)
    data = tensor.detach().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
    return _tensor(dtype, tuple(tensor.shape), data)


def _tensor(dtype: str, shape: tuple[int, ...], data: bytes) -> TensorSection:
    return TensorSection(dtype, shape, hashlib.sha256(data).hexdigest(), data)


def take_instance(tensors: dict[str, TensorSection], instance: int, path: str) -> dict[str, TensorSection]:
    """The entry `instance` along the leading axis of every tensor. Errors: INPUT_INVALID."""
    sliced = {}
    for name, tensor in tensors.items():
        count = tensor.shape[0] if tensor.shape else 0
        if instance >= count:
            _invalid(f"{path}: {name}", f"an instance from 0 to {count - 1}", f"{instance}")
        size = len(tensor.data) // count
        sliced[name] = _tensor(tensor.dtype, tensor.shape[1:], tensor.data[instance * size : (instance + 1) * size])
    return sliced


def _unsupported(path: str, expected: str, got: str) -> NoReturn:
    reject(Reason.MODEL_FILE_UNSUPPORTED, path, expected, got)


def _invalid(where: str, expected: str, got: str) -> NoReturn:
    reject(Reason.INPUT_INVALID, where, expected, got)

"""Edits of certificates as data (README.md): replayed, and undone by exchanging `old` and `new`."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import struct
from typing import Any

Edit = dict[str, Any]

CODES = {"int8": "b", "int16": "h", "int32": "i"}
SIZES = {"int8": 1, "int16": 2, "int32": 4, "float16": 2, "bfloat16": 2, "float32": 4, "float64": 8}


def apply(edits: list[Edit], data: bytes) -> bytes:
    """The file that the edits make of this one; ValueError if it does not hold what they replace."""
    for edit in edits:
        data = _replace_bytes(edit, data) if "offset" in edit else _replace_value(edit, data)
    return data


def undo(edits: list[Edit], data: bytes) -> bytes:
    """The file of which the edits made this one."""
    swapped = {"old": "new", "new": "old"}
    return apply([{swapped.get(key, key): value for key, value in edit.items()} for edit in reversed(edits)], data)


def write_canonically(document: dict[str, Any]) -> bytes:
    """One line a section and no other white space."""
    lines = [f"{json.dumps(key)}:{json.dumps(value, separators=(',', ':'))}" for key, value in document.items()]
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode("ascii")


def _replace_bytes(edit: Edit, data: bytes) -> bytes:
    old, new = (
        text.encode("latin-1") if isinstance(text, str) else text["repeat"].encode("latin-1") * text["times"]
        for text in (edit["old"], edit["new"])
    )
    end = edit["offset"] + len(old)
    if data[edit["offset"] : end] != old:
        raise ValueError(f"other bytes at {edit['offset']}")
    return data[: edit["offset"]] + new + data[end:]


def _replace_value(edit: Edit, data: bytes) -> bytes:
    document = json.loads(data)
    place: Any = document
    *parents, last = edit["path"]
    for key in parents:
        place = place[key]
    if "index" in edit:
        _replace_entry(edit, place[last])
        return write_canonically(document)
    is_there = last in place if isinstance(place, dict) else "old" in edit
    if is_there != ("old" in edit) or (is_there and json.dumps(place[last]) != json.dumps(edit["old"])):
        raise ValueError(f"another value at {edit['path']}")
    if "new" not in edit:
        del place[last]
    elif isinstance(place, list) and not is_there:
        place.insert(last, edit["new"])
    elif "place" in edit:
        following = list(place.items())[edit["place"] :]
        place[last] = edit["new"]
        for key, value in following:
            del place[key]
            place[key] = value
    else:
        place[last] = edit["new"]
    return write_canonically(document)


def _replace_entry(edit: Edit, array: dict[str, Any]) -> None:
    """One entry of a packed array, an integer, or of a tensor, hexadecimal; a tensor's hash follows."""
    data, dtype = bytearray(base64.b64decode(array["data"])), array["dtype"]
    flat = 0
    for i, side in zip(edit["index"], array["shape"], strict=True):
        if not 0 <= i < side:
            raise ValueError(f"no entry {edit['index']}")
        flat = flat * side + i
    size = SIZES[dtype]
    old, new = (
        struct.pack(f"<{CODES[dtype]}", value) if dtype in CODES else bytes.fromhex(value)
        for value in (edit["old"], edit["new"])
    )
    if (
        data[flat * size : (flat + 1) * size] != old
        or len(new) != size
        or len(data) != size * math.prod(array["shape"])
    ):
        raise ValueError(f"another entry at {edit['index']} of {edit['path']}")
    data[flat * size : (flat + 1) * size] = new
    array["data"] = base64.b64encode(data).decode("ascii")
    if "sha256" in array:
        array["sha256"] = hashlib.sha256(data).hexdigest()

"""Short spellings of edits: what was there before is looked up in the twin."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Callable
from typing import Any

from tests.vectors.edits import CODES, SIZES
from tests.vectors.make.document import write_number

Edit = dict[str, Any]
Making = Callable[[bytes], Edit]


def find(document: Any, path: list[str | int]) -> Any:
    """The value at a path."""
    for key in path:
        document = document[key]
    return document


def split(path: str) -> list[str | int]:
    """`a.0.b` as keys and places; a name with a dot in it is written with a colon."""
    return [int(key) if key.isdigit() else key.replace(":", ".") for key in path.split(".")]


def put(path: str, new: Any) -> Making:
    """Another value."""
    keys = split(path)
    return lambda twin: {"path": keys, "old": find(json.loads(twin), keys), "new": new}


def add(path: str, new: Any) -> Making:
    """A key, or an item of a list, that was not there."""
    return lambda _: {"path": split(path), "new": new}


def drop(path: str) -> Making:
    """A key or item less."""
    keys = split(path)

    def make(twin: bytes) -> Edit:
        *parents, last = keys
        place = find(json.loads(twin), parents)
        edit = {"path": keys, "old": place[last]}
        is_inside = isinstance(place, dict) and last != list(place)[-1]
        return edit | ({"place": list(place).index(last)} if is_inside else {})

    return make


def entry(path: str, index: list[int], new: float | str) -> Making:
    """Another entry of a packed array or of a tensor; for a tensor a number or its bytes in hexadecimal."""
    keys = split(path)

    def make(twin: bytes) -> Edit:
        array = find(json.loads(twin), keys)
        flat = 0
        for i, side in zip(index, array["shape"], strict=True):
            flat = flat * side + i
        size, dtype = SIZES[array["dtype"]], array["dtype"]
        raw = base64.b64decode(array["data"])[flat * size : (flat + 1) * size]
        old = struct.unpack(f"<{CODES[dtype]}", raw)[0] if dtype in CODES else raw.hex()
        value = new if dtype in CODES or isinstance(new, str) else write_number(new, dtype).hex()
        return {"path": keys, "index": index, "old": old, "new": value}

    return make


def text(old: str, new: Any, *, before: str = "") -> Making:
    """Other bytes in place of these, which occur once; or inserted in front of what follows."""

    def make(twin: bytes) -> Edit:
        found = (old + before).encode("latin-1")
        if twin.count(found) != 1:
            raise ValueError(f"{found!r} occurs {twin.count(found)} times")
        return {"offset": twin.index(found), "old": old, "new": new}

    return make


def prepend(new: str) -> Making:
    """Bytes in front."""
    return lambda _: {"offset": 0, "old": "", "new": new}


def append(new: str) -> Making:
    """Bytes at the end."""
    return lambda twin: {"offset": len(twin), "old": "", "new": new}


def keep(length: int) -> Making:
    """The first bytes alone."""
    return lambda twin: {"offset": length, "old": twin[length:].decode("ascii"), "new": ""}

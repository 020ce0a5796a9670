"""Random edits of certificates, of JSON texts and of the auditor's files, each repeated by its seed."""

from __future__ import annotations

import base64
import json
import random
import re
import struct
from typing import Any

import numpy as np

from tests.audit.mutations import ALTERNATIVES, ARRAY_WIDTHS, RAW, get, pack, walk
from tests.audit.truth import WIDTHS

Document = dict[str, Any]

ENOUGH = 10**17
INTEGERS = (
    *(0, 1, -1, 2, 3, 7, 8, 24, 40, 41, 64, 256, 257, 1024, 4096, -4096, 4097, 10**4, 2**14, 2**20, 2**24),
    *(2**31 - 1, 2**31, -(2**31), 2**53, 2**62, -(2**62), 2**63 - 1, 2**63, 2**64, 10**17, 10**18 - 1, -(10**17)),
)
TEXTS = ("-0", "1e9", "1E400", "-1e-999999999", "0.5", "NaN", "-Infinity", "007", "1" * 30, "1" * 5000, "true", "0x10")
TOKENS = (
    *(b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b'"a"', b"null", b"true", b"NaN", b"-Infinity", b"1e999"),
    *(b"-0", b"1.0", b"99999999999999999999", b"\\u0000", b"\\ud800", b"\xff", b"\x00", b"\n", b" ", b"\xef\xbb\xbf"),
    *(b'{"a":', b'"a":1,"a":2', b"[" * 9, b"]" * 9, b"[[[[[[[[[]]]]]]]]]", b'"' * 7, b"\\" * 8, b"1" * 5000),
)
_NUMBER = re.compile(rb"-?[0-9]+")
DECIMALS = ("0.0", "0.000000000000000001", "0.001", "0.1", "0.7", "1.0", "2.5", "20.0", "1000.0", "999999999.999")
EFFORTS = (0, 1, 2**20, 2**40, 2**48, 2**52, 10**18 - 1)
SCALES = (-4096, -64, -1, 0, 1, 2, 8, 12, 20, 24, 40, 64, 4096)


def edit_text(text: bytes, rng: random.Random) -> bytes:
    """The text with a part of it removed, repeated, moved, replaced, or a token put in."""
    if rng.random() < 0.3 and (numbers := list(_NUMBER.finditer(text))):
        number = rng.choice(numbers)
        new = rng.choice((*TEXTS, *map(str, INTEGERS))).encode()
        return text[: number.start()] + new + text[number.end() :]
    i, j = sorted(rng.randrange(len(text) + 1) for _ in range(2))
    j = min(j, i + rng.choice((1, 2, 10, 100, 10_000)))
    k = rng.randrange(len(text) + 1)
    part, token = text[i:j], rng.choice(TOKENS)
    flipped = bytes([byte ^ 1 << rng.randrange(8) for byte in part[:1]])
    return rng.choice(
        (
            text[:i] + text[j:],
            text[:j] + part * rng.choice((1, 2, 50)) + text[j:],
            text[:i] + token + text[i:],
            text[:i] + token + text[j:],
            text[:k] + part + text[k:],
            text[:i] + flipped + text[i + len(flipped) :],
        )
    )


def inflate_text(rng: random.Random) -> bytes:
    """A text that is deep, wide or long; at times just below a limit."""
    size = rng.choice((10**3, 10**5, 10**6, 4 * 10**6))
    key = b",".join(b'"%d":0' % i for i in range(size // 40))
    return rng.choice(
        (
            b"[" * size,
            b"[" * size + b"]" * size,
            b'{"a":' * (size // 8),
            b"{" + key + b"}",
            b"[" + b"0," * (size // 4) + b"0]",
            b"[" + b'"",' * (size // 8) + b"0]",
            b'"' + b"\\u0041" * (size // 8) + b'"',
            b'"' + b"\\" * size,
            b"-" * size,
            b"7" * size,
            b'{"format":"certgen certificate","version":' + b"1" * size + b"}",
            b" " * size,
            b"\xff" * size,
        )
    )


def edit_document(document: Document, others: list[Document], rng: random.Random) -> None:
    """One random edit, in place."""
    if (kind := rng.random()) < 0.08:
        _exchange_section(document, rng.choice(others), rng)
    elif kind < 0.25:
        _set_scales(document, rng)
    elif kind < 0.33:
        _relabel(document, rng)
    elif kind < 0.8:
        _edit_packed(document, rng)
    else:
        _edit_value(document, rng)


def repair(document: Document, rng: random.Random) -> None:
    """Error terms that are never exceeded and a claim just above chance, so that what is left is looked at."""
    method = document.get("method")
    for section in (method, method.get("remaining") if isinstance(method, dict) else None):
        if isinstance(section, dict) and isinstance(section.get("error_terms"), dict):
            section["error_terms"] = dict.fromkeys(section["error_terms"], ENOUGH)
    elements = document.get("group", {}).get("elements") if isinstance(document.get("group"), dict) else None
    if isinstance(elements, list) and isinstance(document.get("statement"), dict):
        n = len(elements)
        claim = rng.choice((n + 1, n + 1, n**2))
        document["statement"] = {"correct_pairs_at_least": 1 if n == 1 else claim, "pairs": n**2} | draw_claims(n, rng)


def draw_claims(n: int, rng: random.Random) -> Document:
    """Claims beside correct pairs for order n: easy ones, hard ones, none."""
    has_float32, has_entropy = rng.random() < 0.5, rng.random() < 0.5
    effort = {key: rng.choice(EFFORTS) for key in ("scan_above", "evaluate_above")}
    return {
        "smallest_certified_margin": rng.choice((*DECIMALS, "0.0", *[None] * len(DECIMALS))),
        "float32_correct_pairs_at_least": rng.choice((min(n + 1, n**2), n**2)) if has_float32 else None,
        "unit_roundoff_bits": rng.choice((24, 24, 12, 8, 4, 1)) if has_float32 else None,
        "cross_entropy_upper_bound": rng.choice(DECIMALS) if has_entropy else None,
        "cross_entropy_effort": effort if has_entropy else None,
    }


def _exchange_section(document: Document, other: Document, rng: random.Random) -> None:
    key = rng.choice(("group", "network", "method", "method"))
    document[key] = json.loads(json.dumps(other[key]))


def _set_scales(document: Document, rng: random.Random) -> None:
    """All fixed points at once, or one of them."""
    places = [path for path, _ in walk(document) if path and str(path[-1]).endswith("_bits")]
    chosen = places if rng.random() < 0.3 else rng.sample(places, min(len(places), 1))
    value = rng.choice(SCALES)
    for path in chosen:
        get(document, path[:-1])[path[-1]] = value


def _relabel(document: Document, rng: random.Random) -> None:
    """Elements in another order, conjugated, or another group."""
    group = document.get("group")
    elements = group.get("elements") if isinstance(group, dict) else None
    if not isinstance(elements, list) or not elements or not isinstance(elements[0], list):
        return
    if rng.random() < 0.5:
        rng.shuffle(elements)
    else:
        degree = rng.choice((1, 2, len(elements[0]), len(elements)))
        group["degree"] = degree
        group["elements"] = [[(i + k) % degree for i in range(degree)] for k in range(min(degree, len(elements)))]


def _edit_packed(document: Document, rng: random.Random) -> None:
    """Entries, type or shape of a tensor or of an array, with the hash repaired."""
    places = [path for path, value in walk(document) if isinstance(value, dict) and {"dtype", "data"} <= value.keys()]
    if not places:
        return
    place = get(document, rng.choice(places))
    try:
        raw = bytearray(base64.b64decode(place["data"]))
        width = (WIDTHS if "sha256" in place else ARRAY_WIDTHS)[place["dtype"]]
    except (KeyError, TypeError, ValueError):
        return
    count = len(raw) // width
    if rng.random() < 0.15:
        place["shape"] = [rng.choice((*INTEGERS[:12], 2**24, count, len(raw))) for _ in range(rng.randrange(5))]
        return
    chosen = range(count) if rng.random() < 0.2 else [rng.randrange(count) for _ in range(3 if count else 0)]
    value = _draw_entry(place, width, rng)
    for i in chosen:
        raw[i * width : (i + 1) * width] = value
        value = value if rng.random() < 0.8 else _draw_entry(place, width, rng)
    pack(place, bytes(raw))


def _draw_entry(place: Document, width: int, rng: random.Random) -> bytes:
    """The bytes of an entry at an edge of its type, or any."""
    if rng.random() < 0.2:
        return rng.randbytes(width)
    if "sha256" not in place:
        top = 1 << 8 * width - 1
        edges = (0, 1, -1, 2, -2, top - 1, -top, -top + 1, top // 2, rng.randrange(-16, 16), rng.randrange(-top, top))
        return rng.choice(edges).to_bytes(width, "little", signed=True)
    if place["dtype"] == "bfloat16":
        return rng.choice((0, 1, 0x8000, 0x7F7F, 0xFF7F, 0x3F80, 0x7F80, 0x7FC0)).to_bytes(2, "little")
    powers = (1.0, -1.0, 0.0, -0.0, 0.5, 3.0, 65504.0, 2.0**-24, 2.0**-126, 2.0**-149, 2.0**127, 1e38, 1e300, 5e-324)
    with np.errstate(over="ignore"):
        values = np.array([rng.choice((*powers, -1e308, float("nan"), rng.gauss(0, 1)))])
        return values.astype(f"<f{width}").tobytes()


def _edit_value(document: Document, rng: random.Random) -> None:
    """Any value, key or item."""
    path, value = rng.choice(list(walk(document))[1:])
    place, key = get(document, path[:-1]), path[-1]
    kind = rng.randrange(6)
    if kind == 0:
        place[key] = rng.choice((*INTEGERS, None, True, False, "", [], {}, "x" * 201, *(RAW + text for text in TEXTS)))
    elif kind == 1 and isinstance(value, int):
        place[key] = value + rng.choice((-1, 1, 2, -2, 100))
    elif kind == 2 and isinstance(place, dict):
        place[rng.choice([*place, "comment", str(key) + "_"])] = place.pop(key)
    elif kind == 3 and isinstance(place, list):
        place.insert(rng.randrange(len(place) + 1), json.loads(json.dumps(value)))
    elif kind == 4:
        del place[key]
    elif isinstance(value, str):
        place[key] = rng.choice(ALTERNATIVES.get(str(key), ("", value + "=", value[:-1], "A" * 4)))
    else:
        place[key] = rng.choice(INTEGERS)


TABLE = [[0, 1, 2], [1, 2, 0], [2, 0, 1]]


def make_group_file(rng: random.Random) -> tuple[str, bytes]:
    """The suffix and the bytes of an auditor's group file, damaged."""
    suffix = rng.choice((".json", ".csv", ".npy"))
    if suffix == ".npy":
        shape = rng.choice(("(3, 3)", "(3,)", "(4294967296, 4294967296)", "(-1, 3)", "()", "(3, 3, 0)", "(0, 0)", "3"))
        types = ("<i8", "<u1", ">i4", "|b1", "<f8", "<c16", "|O", "<M8[s]", "|V9", "[('a', '<i8')]", "<U3", "<i8")
        header = (
            f"{{'descr': '{rng.choice(types)}', 'fortran_order': {rng.choice((True, False, 7))}, 'shape': {shape}, }}"
        )
        data = b"\x93NUMPY" + bytes([rng.choice((1, 1, 2, 3, 9)), 0])
        data += struct.pack("<H", rng.choice((len(header), len(header), 0, 65535))) + header.encode()
        data += np.array(TABLE, dtype="<i8").tobytes()
    elif suffix == ".csv":
        data = "\n".join(",".join(map(str, row)) for row in TABLE).encode()
    else:
        value = rng.choice((TABLE, {"table": TABLE}, {"elements": TABLE}, {"elements": TABLE, "table": TABLE}, {}))
        data = json.dumps(value).encode()
    for _ in range(rng.randrange(4)):
        data = edit_text(data, rng) if rng.random() < 0.95 else inflate_text(rng)
    return suffix, data


def make_model_file(valid: bytes, rng: random.Random) -> bytes:
    """A .pt file in zip format, damaged at a few bytes, in its directory or anywhere."""
    data = bytearray(valid)
    for _ in range(rng.randrange(1, 5)):
        i = rng.randrange(len(data)) if rng.random() < 0.5 else len(data) - 1 - rng.randrange(min(400, len(data)))
        data[i] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, data[i] ^ 1 << rng.randrange(8)))
    return bytes(data if rng.random() < 0.9 else data[: rng.randrange(len(data))])


def make_safetensors(rng: random.Random) -> bytes:
    """A safetensors file, damaged."""
    entry = {"dtype": rng.choice(("F32", "F64", "BF16", "I64", 7, None)), "shape": [2, 2], "data_offsets": [0, 16]}
    header = rng.choice(({"left": entry}, {"left": entry, "right": entry}, {"__metadata__": {}}, [], {"left": 0}))
    text = json.dumps(header).encode()
    for _ in range(rng.randrange(3)):
        text = edit_text(text, rng)
    length = rng.choice((len(text), len(text), 0, 2**63, 2**64 - 1, 7))
    return length.to_bytes(8, "little") + text + bytes(rng.choice((16, 32, 0, 15)))

"""Every number, index, key, string and list of a certificate, changed in turn.

A mutation names its kind and place and edits a copy of the JSON; what JSON values cannot say (a key twice, `-0`, `1.0`)
is put in as a string that starts with a mark, which `write` turns into text.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import math
import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from tests.audit.truth import WIDTHS

Document = dict[str, Any]
Path = tuple[str | int, ...]
Edit = Callable[[Document], None]
Change = Callable[[bytes], bytes | None]

RAW, TWIN = "\u0001raw:", "\u0001twin:"
_RAW_TEXT = re.compile(r'"\\u0001raw:([^"]*)"')
ARRAY_WIDTHS = {"int8": 1, "int16": 2, "int32": 4}
ALTERNATIVES = {
    "dtype": (*ARRAY_WIDTHS, *WIDTHS, "int64", "uint8"),
    "architecture": ("concatenated", "mapped", "mapped_tied", "added", "direct", "direct_tied", "transformer"),
    "labels_from": ("given", "model_answers", "nowhere"),
    "name": (
        "exhaustive",
        "equivariant",
        "rho-set",
        "S3",
        "D3",
        "C6",
        "C2",
        "A3",
        "S99999",
        "C9409",
        "S3xC1",
        "\u00e9",
    ),
}
# Entries of an array of which each is changed; of a longer one a sample of so many.
ENTRIES = 256
NEVER = 10**18 - 1
EFFORT = {"scan_above": 0, "evaluate_above": NEVER}
_DECIMAL = re.compile(r"[0-9]+\.[0-9]+")
INTEGERS = (10**18 - 1, -(10**17), 2**31, 2**53 + 1, 4096, 40)


@dataclass(frozen=True, slots=True)
class Mutation:
    """One change of a certificate. kind: what is changed; where: its place in words; edit: makes it, in place."""

    kind: str
    where: str
    edit: Edit


def write(document: Any) -> bytes:
    """The JSON text, with what is marked put in as it stands."""
    text = json.dumps(document).replace(json.dumps(TWIN)[:-1], '"')
    return _RAW_TEXT.sub(lambda match: match[1].replace("\\\\", "\\"), text).encode("ascii")


def apply(mutation: Mutation, text: bytes) -> bytes:
    """The certificate with this change."""
    document = json.loads(text)
    mutation.edit(document)
    return write(document)


def list_mutations(document: Document, rng: random.Random, entries: int = ENTRIES) -> list[Mutation]:
    """All of them; of long arrays and lists a sample of `entries` each."""
    found = [*_change_claims(document), *_swap_roles(document)]
    for path, value in walk(document):
        found += _change_value(path, value, rng, entries)
    return found


def walk(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every value in it, itself first."""
    yield path, value
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from walk(item, (*path, key))


def get(document: Any, path: Path) -> Any:
    """The value at a path."""
    for key in path:
        document = document[key]
    return document


def put(path: Path, value: Any) -> Edit:
    """Sets a value."""

    def edit(document: Document) -> None:
        get(document, path[:-1])[path[-1]] = value

    return edit


def _name(path: Path) -> str:
    """The last key of a path that is no index."""
    return next((key for key in reversed(path) if isinstance(key, str)), "")


def show(path: Path) -> str:
    """A path in words."""
    return ".".join(map(str, path))


def _change_value(path: Path, value: Any, rng: random.Random, entries: int) -> Iterator[Mutation]:
    if isinstance(value, dict):
        yield from _change_keys(path, value)
        if "data" in value and isinstance(value.get("shape"), list):
            yield from _change_packed(path, value, rng, entries)
    elif isinstance(value, list):
        yield from _change_list(path, value, rng, entries)
    elif isinstance(value, bool):
        yield Mutation("flag", show(path), put(path, not value))
        yield Mutation("flag", show(path), put(path, int(value)))
    elif isinstance(value, int):
        others = dict.fromkeys((value + 1, value - 1, 0, -value, *INTEGERS))
        texts = (f"{value}.0", f"{value}e0", "-0", f"{value}" * 19, "true", f"0{value}")
        for new in (*(v for v in others if v != value), *(RAW + text for text in texts), str(value), None, [value]):
            kind = "integer error term" if "error_terms" in path else "integer"
            yield Mutation(kind, f"{show(path)} = {new!r}", put(path, new))
    elif isinstance(value, str):
        yield from _change_string(path, value, rng)
    elif value is None:
        for new in (0, -1, 1, "", "0.5", [], {}, False, {"activation_bits": 3, "unembedding_bits": 3}, EFFORT):
            yield Mutation("null", f"{show(path)} = {new!r}", put(path, new))


def _change_string(path: Path, value: str, rng: random.Random) -> Iterator[Mutation]:
    others = {"", value + "x", value[:-1], value + "\n", value.swapcase(), f"{value} ", "x" * 201, value + "\x7f"}
    others |= {value[:-4], value + "AAAA", RAW + "0", RAW + "null", RAW + "[]", RAW + "{}"}
    for i in rng.sample(range(len(value)), min(4, len(value))):
        others.add(value[:i] + ("A" if value[i] != "A" else "B") + value[i + 1 :])
    others |= set(ALTERNATIVES.get(_name(path), ()))
    for new in sorted(others - {value}):
        yield Mutation("string", f"{show(path)} = {new[:20]!r}", put(path, new))
    if _DECIMAL.fullmatch(value):
        yield from _change_decimal(path, value)


def _change_decimal(path: Path, value: str) -> Iterator[Mutation]:
    """One in the last place, in the first and in each other, and spellings that are none."""
    whole, part = value.split(".")
    digits = int(whole + part)
    for place in range(len(value) - 1):
        for step in (10**place, -(10**place)):
            if digits + step >= 0:
                new = f"{digits + step:0{len(part) + 1}d}"
                text = f"{new[: -len(part)]}.{new[-len(part) :]}"
                yield Mutation("decimal", f"{show(path)} = {text}", put(path, text))
    spellings = (whole, f"0{value}", f".{part}", f"{whole}.", f"+{value}", f"-{value}", f"{value}e0", f"{value}e-3")
    spellings += (f"{value}0", f"{value}1", f"{value}{'0' * 18}", f"{'1' * 9}{value}", f"{whole},{part}", f"{whole}/1")
    spellings += ("\u0661.\u0660", f" {value}", RAW + value)
    for text in spellings:
        yield Mutation("decimal form", f"{show(path)} = {text!r}", put(path, text))


def _change_keys(path: Path, value: dict[str, Any]) -> Iterator[Mutation]:
    def edit_object(change: Callable[[dict[str, Any]], None]) -> Edit:
        return lambda document: change(get(document, path))

    def rename(place: dict[str, Any], key: str) -> None:
        place[key + "_"] = place.pop(key)

    def double_first(place: dict[str, Any], key: str, other: Any) -> None:
        items = dict(place)
        place.clear()
        place |= {TWIN + key: other, **items}

    yield Mutation("key", f"{show(path)} with another", edit_object(lambda o: o.update({"comment": 0})))
    for key in value:
        where = f"{show(path)}: {key[:40]}"
        yield Mutation("key", f"{where} removed", edit_object(lambda o, k=key: o.pop(k)))
        yield Mutation("key", f"{where} renamed", edit_object(lambda o, k=key: rename(o, k)))
        yield Mutation("key", f"{where} twice", edit_object(lambda o, k=key: o.update({TWIN + k: o[k]})))
        yield Mutation("key", f"{where} twice, null last", edit_object(lambda o, k=key: o.update({TWIN + k: None})))
        yield Mutation("key", f"{where} twice, null first", edit_object(lambda o, k=key: double_first(o, k, None)))


def _change_list(path: Path, value: list[Any], rng: random.Random, entries: int) -> Iterator[Mutation]:
    kind = "images" if path[:2] == ("group", "elements") and len(path) > 2 else f"list {_name(path)}"

    def edit_list(change: Callable[[list[Any]], None]) -> Edit:
        return lambda document: change(get(document, path))

    for i in _pick(len(value), rng, entries):
        j = (i + 1) % len(value)
        if value[i] != value[j]:
            yield Mutation(kind, f"{show(path)}: {i} and {j} swapped", edit_list(lambda v, i=i, j=j: _swap(v, i, j)))
        yield Mutation(kind, f"{show(path)}: {i} removed", edit_list(lambda v, i=i: v.pop(i)))
        yield Mutation(kind, f"{show(path)}: {i} twice", edit_list(lambda v, i=i: v.insert(i, v[i])))
    yield Mutation(kind, f"{show(path)}: empty", edit_list(lambda v: v.clear()))


def pack(tensor: dict[str, Any], data: bytes, *, repaired: bool = True) -> None:
    """Other bytes in a tensor or an array, with the hash of them if it has one and is not to be wrong."""
    tensor["data"] = base64.b64encode(data).decode("ascii")
    if repaired and "sha256" in tensor:
        tensor["sha256"] = hashlib.sha256(data).hexdigest()


def _change_packed(path: Path, value: dict[str, Any], rng: random.Random, entries: int) -> Iterator[Mutation]:
    """Entries, and whole rows along the first axis."""
    is_weight, data = "sha256" in value, base64.b64decode(value["data"])
    width = (WIDTHS if is_weight else ARRAY_WIDTHS)[value["dtype"]]
    count, kind = len(data) // width, "weight" if is_weight else f"array {_name(path)}"
    changes = _list_weight_changes(value["dtype"]) if is_weight else _list_entry_changes(value["dtype"])
    for i in _pick(count, rng, entries):
        for name, change in changes.items():
            if change(data[i * width : (i + 1) * width]) is not None:
                yield Mutation(kind, f"{show(path)}[{i}] {name}", _edit_entry(path, i, width, change))
        if is_weight:
            flip = _edit_entry(path, i, width, lambda raw: bytes([raw[0] ^ 1]) + raw[1:], repaired=False)
            yield Mutation("weight without its hash", f"{show(path)}[{i}] last bit", flip)
    rows = value["shape"][0] if value["shape"] and count else 0
    for i in _pick(rows, rng, entries):
        j, size = (i + 1) % rows, len(data) // rows
        if data[i * size : (i + 1) * size] != data[j * size : (j + 1) * size]:
            edit = _edit_rows(path, width, lambda v, i=i, j=j: _swap(v, i, j))
            yield Mutation(f"{kind} rows", f"{show(path)} {i} and {j} swapped", edit)
    if rows:
        removed, doubled = (
            _edit_rows(path, width, change) for change in (lambda v: v.pop(), lambda v: v.append(v[-1]))
        )
        yield Mutation(f"{kind} rows", f"{show(path)} last removed", removed)
        yield Mutation(f"{kind} rows", f"{show(path)} last twice", doubled)


def _pick(count: int, rng: random.Random, most: int) -> Sequence[int]:
    """All indices, or a sample of them."""
    return range(count) if count <= most else sorted(rng.sample(range(count), most))


def _edit_entry(path: Path, i: int, width: int, change: Change, *, repaired: bool = True) -> Edit:
    def edit(document: Document) -> None:
        place = get(document, path)
        raw = base64.b64decode(place["data"])
        new = change(raw[i * width : (i + 1) * width])
        pack(place, raw if new is None else raw[: i * width] + new + raw[(i + 1) * width :], repaired=repaired)

    return edit


def _edit_rows(path: Path, width: int, change: Callable[[list[bytes]], object]) -> Edit:
    def edit(document: Document) -> None:
        place = get(document, path)
        size = width * math.prod(place["shape"][1:])
        raw = base64.b64decode(place["data"])
        rows = [raw[i : i + size] for i in range(0, len(raw), size)]
        change(rows)
        place["shape"][0] = len(rows)
        pack(place, b"".join(rows))

    return edit


def _swap(items: Any, i: Any, j: Any) -> None:
    items[i], items[j] = items[j], items[i]


def _list_entry_changes(dtype: str) -> dict[str, Change]:
    """Of an integer: one more and less, negated, none, the ends of its type; None where that changes nothing."""
    ends = np.iinfo(dtype)

    def to(compute: Callable[[int], int]) -> Change:
        def change(raw: bytes) -> bytes | None:
            old = int.from_bytes(raw, "little", signed=True)
            new = compute(old)
            fits = ends.min <= new <= ends.max and new != old
            return new.to_bytes(len(raw), "little", signed=True) if fits else None

        return change

    changes = {"+ 1": lambda v: v + 1, "- 1": lambda v: v - 1, "negated": lambda v: -v, "= 0": lambda _: 0}
    changes |= {"= largest": lambda _: int(ends.max), "= smallest": lambda _: int(ends.min), "doubled": lambda v: 2 * v}
    return {name: to(compute) for name, compute in changes.items()}


def _list_weight_changes(dtype: str) -> dict[str, Change]:
    """Of a float by its bits: a unit in the last place, the sign, 0, the largest, infinity, NaN, the smallest."""
    size = WIDTHS[dtype]
    mantissa = {"float16": 10, "bfloat16": 7, "float32": 23, "float64": 52}[dtype]
    sign = 1 << 8 * size - 1
    infinity = (sign - 1) >> mantissa << mantissa

    def to(compute: Callable[[int], int]) -> Change:
        def change(raw: bytes) -> bytes | None:
            old = int.from_bytes(raw, "little")
            new = compute(old)
            return new.to_bytes(size, "little") if 0 <= new < 2 * sign and new != old else None

        return change

    changes = {
        "an ulp away from 0": lambda v: v + 1,
        "an ulp towards 0": lambda v: v - 1 if v & ~sign else v,
        "negated": lambda v: v ^ sign,
        "= 0": lambda _: 0,
        "= -0": lambda _: sign,
        "= largest": lambda v: v & sign | infinity - 1,
        "= smallest": lambda v: v & sign | 1,
        "= infinity": lambda v: v & sign | infinity,
        "= NaN": lambda v: v & sign | infinity | 1,
        "doubled": lambda v: v + (1 << mantissa) if v & ~sign else v,
    }
    return {name: to(compute) for name, compute in changes.items()}


def _swap_roles(document: Document) -> Iterator[Mutation]:
    for section in ("roles", "tensors"):
        place = document["network"][section]
        for first, second in itertools.combinations(place, 2):
            if place[first] != place[second]:
                path = ("network", section)
                edit = lambda d, p=path, a=first, b=second: _swap(get(d, p), a, b)  # noqa: E731 - one of many
                yield Mutation(f"{section} swapped", f"{first} and {second}", edit)


def _change_claims(document: Document) -> Iterator[Mutation]:
    statement = document["statement"]
    claim, pairs = statement["correct_pairs_at_least"], statement["pairs"]
    n = math.isqrt(pairs)
    for new in sorted({claim + 1, claim + 2, claim - 1, pairs, pairs + 1, n, n + 1, 0} - {claim}):
        edit = put(("statement", "correct_pairs_at_least"), new)
        yield Mutation("claim raised" if new > claim else "claim lowered", f"{claim} to {new}", edit)
    yield from _change_float32(statement, n)
    yield from _change_margin(statement)
    yield from _change_entropy(statement)


def put_claims(**claims: Any) -> Edit:
    """Several keys of the statement at once."""
    return lambda document: document["statement"].update(claims)


def _change_float32(statement: dict[str, Any], n: int) -> Iterator[Mutation]:
    key, of_it = "float32_correct_pairs_at_least", "unit_roundoff_bits"
    old, pairs = statement[key], statement["pairs"]
    if old is None:
        for new, bits in itertools.product((1, n + 1, pairs), (24, 12)):
            yield Mutation("float32 claimed", f"{new}, {bits} bits", put_claims(**{key: new, of_it: bits}))
        return
    yield Mutation("float32 not claimed", "null", put_claims(**{key: None, of_it: None}))
    for new in sorted({old + 1, old + 2, old - 1, pairs, pairs + 1, n, n + 1, 0} - {old}):
        yield Mutation(
            f"float32 {'raised' if new > old else 'lowered'}", f"{old} to {new}", put(("statement", key), new)
        )
    for bits in range(1, 25):
        for new in dict.fromkeys((old, n + 1)):
            if (new, bits) == (old, statement[of_it]):
                continue
            yield Mutation("unit roundoff", f"{new}, {bits} bits", put_claims(**{key: new, of_it: bits}))


def _change_margin(statement: dict[str, Any]) -> Iterator[Mutation]:
    key = "smallest_certified_margin"
    old = statement[key]
    for new in ("0.0", "0.000000000000000001", "0.1", "0.5", "1.0", "2.0", "10.0", "999999999.0", None):
        if new != old:
            raised = old is None or (new is not None and Fraction(new) > Fraction(old))
            yield Mutation(
                f"margin {'raised' if raised else 'lowered'}", f"{old} to {new}", put(("statement", key), new)
            )


def _change_entropy(statement: dict[str, Any]) -> Iterator[Mutation]:
    key, of_it = "cross_entropy_upper_bound", "cross_entropy_effort"
    old = statement[key]
    efforts = [dict(zip(EFFORT, e, strict=True)) for e in itertools.product((0, 2**30, 2**46, 2**50, NEVER), repeat=2)]
    if old is not None:
        yield Mutation("cross-entropy not claimed", "null", put_claims(**{key: None, of_it: None}))
        for effort in (e for e in efforts if e != statement[of_it]):
            yield Mutation("effort", f"{effort}", put(("statement", of_it), effort))
    for share in (Fraction(0), Fraction(1, 100), Fraction(1, 2), Fraction(9, 10), Fraction(999, 1000), Fraction(2)):
        new = f"{float((Fraction(old) if old else 1) * share):.12f}"
        kind = f"cross-entropy {'claimed' if old is None else 'raised' if share > 1 else 'lowered'}"
        for effort in (efforts[0], efforts[-1], statement[of_it] or EFFORT):
            yield Mutation(kind, f"{new}, {effort}", put_claims(**{key: new, of_it: effort}))

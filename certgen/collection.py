"""The models of a sweep: their files, and which group each one is about."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from certgen.failure import ExitCode, Failure

if TYPE_CHECKING:
    from collections.abc import Sequence

SUFFIXES = (".pt", ".pth", ".safetensors")
LISTING = "models.json"
# A card is small; a larger JSON file of that name is something else, and is not read.
MAX_CARD = 2**20


@dataclass(frozen=True, slots=True)
class Entry:
    """A model file under a name of its own; its group as for --group.

    group_from: option (--group), card (a JSON object beside the model that names its group file under `labels`),
    models.json (of the model's folder), or auto (nothing says it).
    """

    name: str
    path: Path
    group: str
    group_from: str


def collect_models(given: Sequence[str], group: str | None) -> list[Entry]:
    """The models of these files and folders, each once, in the order of their names.

    group: --group, if it is given. Errors: Failure (MODEL, GROUP).
    """
    paths: dict[Path, None] = {}
    for name in given:
        path = Path(name)
        found = sorted(filter(_is_model, path.iterdir())) if path.is_dir() else [path]
        if not found:
            raise Failure(ExitCode.MODEL, f"{path}: no model ({', '.join(SUFFIXES)}) is in this folder")
        paths |= dict.fromkeys(found)
    names = [path.name for path in paths]
    listings = {folder: {} if group else read_listing(folder) for folder in {path.parent for path in paths}}
    entries = []
    for path in paths:
        # Files of the same name in two folders keep their folders.
        name = path.name if names.count(path.name) == 1 else path.as_posix()
        entries.append(Entry(name, path, *_find_group(path, group, listings[path.parent])))
    return sorted(entries, key=lambda entry: split_numbers(entry.name))


def _is_model(path: Path) -> bool:
    """By its name; hidden files are drafts, and checkpoints of a training that is not finished."""
    return path.suffix in SUFFIXES and not path.name.startswith(".")


def split_numbers(name: str) -> list[tuple[int, str]]:
    """A key that sorts seed2 before seed10."""
    return [(int(part) if part.isdecimal() else -1, part) for part in re.split(r"([0-9]+)", name)]


def _find_group(path: Path, group: str | None, listing: dict[str, str]) -> tuple[str, str]:
    if group is not None:
        return group, "option"
    labels = _read_card(path.with_suffix(".json"))
    if labels is not None:
        return str(path.parent / labels), "card"
    if path.name in listing:
        return str(path.parent / listing[path.name]), LISTING
    return "auto", "auto"


def _read_card(path: Path) -> str | None:
    """The group file that a card names; None if there is no card: a certificate may have that name, too."""
    try:
        value = json.loads(path.read_bytes()) if path.stat().st_size <= MAX_CARD else None
    except (OSError, ValueError, RecursionError):
        return None
    labels = value.get("labels") if isinstance(value, dict) else None
    return labels if isinstance(labels, str) else None


def read_listing(folder: Path) -> dict[str, str]:
    """The group file of each model that the folder's models.json lists; nothing without it. Errors: Failure (GROUP)."""
    path = folder / LISTING
    if not path.is_file():
        return {}
    try:
        rows: Any = json.loads(path.read_bytes())
        is_listing = isinstance(rows, list) and all(isinstance(row, dict) and "file" in row for row in rows)
    except (OSError, ValueError, RecursionError):
        is_listing = False
    if not is_listing:
        sentence = "expected a list of objects with `file` and `group`, got something else; --group does without it"
        raise Failure(ExitCode.GROUP, f"{path}: {sentence}")
    return {str(row["file"]): str(row["group"]) for row in rows if "group" in row}

"""Run by mkdocs: what documents name outside docs/ becomes part of the site, and links to it lead there.

A file of the repository is copied to repository/ at its own path; a folder that is linked to gets a page that lists it.
So one link serves a reader of the repository and a reader of the site.
A bar in code in a table is escaped in the repository, where it would end the cell, and not in the site, where the
escape would be printed.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import mkdocs_gen_files

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
# What no document need link to.
ALWAYS = ("CHANGELOG.md", "SECURITY.md")
ROW, CODE = re.compile(r"^\|.*\|$", re.MULTILINE), re.compile(r"`[^`]*`")
LINK = re.compile(r"(\]\()([^)\s:#]+)((?:#[^)\s]*)?\))")


def place(path: Path) -> str:
    """Where a file or folder of the repository is in the site, by the names of sources."""
    if path.is_dir():
        return f"{place(path / 'index.md')}"
    return path.relative_to(DOCS).as_posix() if path.is_relative_to(DOCS) else f"repository/{path.relative_to(ROOT)}"


def lead_into_site(text: str, source: Path) -> tuple[str, list[Path]]:
    """The text of a document with its links to files of the repository turned into links of the site; these files.

    A link to nothing is left as it is, for mkdocs to complain of.
    """
    named: list[Path] = []
    folder = os.path.dirname(place(source))  # noqa: PTH120 - a path in the site, not of a file

    def turn(match: re.Match[str]) -> str:
        target = (source.parent / match[2]).resolve()
        if not target.exists() or not target.is_relative_to(ROOT):
            return match[0]
        named.append(target)
        return match[1] + os.path.relpath(place(target), folder or ".") + match[3]

    return LINK.sub(turn, text), named


def show_bars(text: str) -> str:
    """The text with bars in code in tables as they are."""
    return ROW.sub(lambda row: CODE.sub(lambda code: code[0].replace("\\|", "|"), row[0]), text)


def describe_folder(folder: Path) -> str:
    """A page that lists the files of a folder."""
    rows = [f"| [{path.name}]({path.name}) | {path.stat().st_size:,} |" for path in sorted(folder.iterdir())]
    return "\n".join([f"# Files of {folder.name}", "", "| file | bytes |", "|---|---|", *rows, ""])


def bring(path: Path, brought: set[Path]) -> None:
    """Put a file or folder into the site, and what it links to, unless it is there."""
    if path in brought:
        return
    brought.add(path)
    if path.is_dir():
        with mkdocs_gen_files.open(place(path), "w") as page:
            page.write(describe_folder(path))
    elif path.suffix == ".md":
        source = path.read_text()
        text, named = lead_into_site(show_bars(source), path)
        if text != source or not path.is_relative_to(DOCS):
            with mkdocs_gen_files.open(place(path), "w") as page:
                page.write(text)
        for each in named:
            bring(each, brought)
    elif not path.is_relative_to(DOCS):
        with mkdocs_gen_files.open(place(path), "wb") as file:
            file.write(path.read_bytes())


def main() -> None:
    """All documents, and what they name."""
    brought: set[Path] = set()
    for path in [*sorted(DOCS.glob("*.md")), *(ROOT / name for name in ALWAYS)]:
        bring(path, brought)


if __name__ in ("__main__", "<run_path>"):
    main()

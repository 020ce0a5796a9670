"""The documentation site: it builds strictly, its links lead somewhere, nothing is loaded, its examples run as written.

The pages are looked at as a browser would, by the standard library's parser of HTML.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import runpy
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

import certcheck.__main__
import certcheck.specification.__main__
import certgen.__main__
from certcheck.verdict import Reason, Status
from certgen.comparison import PUBLISHED
from certgen.failure import ExitCode
from certgen.options import COMMANDS

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
EXIT_CODE = re.compile(r"\s+# exit code (\d+)$")
PROGRAMS = {
    "certgen": certgen.__main__.main,
    "certcheck": certcheck.__main__.main,
    "certcheck-spec": certcheck.specification.__main__.main,
}
# What a browser fetches by itself. A link that a reader follows is none of these.
FETCHED = {
    "audio": ["src"],
    "embed": ["src"],
    "iframe": ["src"],
    "image": ["href", "xlink:href"],
    "img": ["src", "srcset"],
    "input": ["src"],
    "object": ["data"],
    "script": ["src"],
    "source": ["src", "srcset"],
    "use": ["href", "xlink:href"],
    "video": ["src", "poster"],
}
# A link element that only names an address.
NAMES = {"canonical", "next", "prev"}


@dataclass
class Page(HTMLParser):
    """What is in a page: anchors, links, pictures without a text, and addresses that a browser fetches."""

    path: Path
    anchors: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)
    text: str = ""

    def __post_init__(self) -> None:
        HTMLParser.__init__(self)
        self.feed(self.path.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect what the element names."""
        given = {name: value or "" for name, value in attrs}
        self.anchors |= {given[key] for key in ("id", "name") if key in given}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag == "link" and given.get("rel") not in NAMES:
            self.fetched.append(given["href"])
        self.fetched += [given[key] for key in FETCHED.get(tag, ()) if key in given]
        self.fetched += re.findall(r"url\(([^)]*)\)", given.get("style", ""))
        if tag == "img" and not given.get("alt"):
            self.silent.append(given.get("src", ""))

    def handle_data(self, data: str) -> None:
        """Collect the text."""
        self.text += data


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the site, as `make docs` builds it."""
    folder = tmp_path_factory.mktemp("docs") / "site"
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    quiet = {"NO_MKDOCS_2_WARNING": "1", "DISABLE_MKDOCS_2_WARNING": "true", "PYTHONPATH": str(ROOT)}
    run = subprocess.run(command, cwd=ROOT, env=os.environ | quiet, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout + run.stderr) == (0, "")
    return folder


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    """Every page, by its file."""
    found = {path: Page(path) for path in site.rglob("*.html")}
    assert len(found) > len(list(DOCS.glob("*.md")))
    return found


def find_target(page: Path, link: str, site: Path) -> Path:
    """The file that an address in a page names."""
    path = unquote(urlsplit(link).path)
    # The page for what is not found does not know where it is shown, and counts from the root.
    target = site / path[1:] if path.startswith("/") else page.parent / path if path else page
    target = target.resolve()
    return target / "index.html" if target.is_dir() else target


def find_broken_links(site: Path, pages: dict[Path, Page]) -> list[str]:
    """Links that lead to no page, anchor or file of the site; a link elsewhere must be by https."""
    broken = []
    for path, page in pages.items():
        for link in page.links:
            parts, target = urlsplit(link), find_target(path, link, site)
            if parts.scheme or parts.netloc:
                is_good = parts.scheme == "https"
            else:
                anchors = pages[target].anchors if target in pages else {parts.fragment}
                is_good = target.is_file() and (not parts.fragment or unquote(parts.fragment) in anchors)
            if not is_good:
                broken.append(f"{path.name}: {link}")
    return broken


def find_foreign_files(site: Path, pages: dict[Path, Page]) -> list[str]:
    """What pages, styles and pictures fetch that is no file of the site."""
    foreign = []
    for path, page in pages.items():
        foreign += [
            f"{path.name}: {address}"
            for address in page.fetched
            if urlsplit(address)[:2] != ("", "") or not find_target(path, address, site).is_file()
        ]
    for path in (*site.rglob("*.css"), *site.rglob("*.svg")):
        named = re.findall(r"url\(([^)]*)\)|@import ([^;]*)|(?:href|src)=\"([^\"]*)\"", path.read_text())
        addresses = ["".join(groups).strip("\"'") for groups in named]
        foreign += [f"{path.name}: {a}" for a in addresses if not a.startswith(("data:", "#"))]
    return foreign


def test_every_link_of_the_site_leads_somewhere(site: Path, pages: dict[Path, Page]) -> None:
    """Pages, their anchors, and files."""
    assert sum(len(page.links) for page in pages.values()) > 1000
    assert find_broken_links(site, pages) == []


def test_nothing_is_loaded_from_another_host(site: Path, pages: dict[Path, Page]) -> None:
    """Scripts, styles, fonts and pictures are files of the site."""
    assert all(page.fetched for page in pages.values())
    assert find_foreign_files(site, pages) == []


def test_what_is_broken_or_foreign_is_found(tmp_path: Path) -> None:
    """On a page that has one of each kind beside good ones."""
    links = ["#here", "#gone", "gone.html", "page.html#here", "http://example.org", "https://example.org"]
    text = '<h1 id="here">.</h1>' + "".join(f'<a href="{link}">.</a>' for link in links)
    text += '<img src="picture.svg" alt="a picture"><script src="https://example.org/a.js"></script>'
    text += '<link rel="stylesheet" href="//example.org/a.css"><img src="b.png">'
    (tmp_path / "page.html").write_text(text)
    (tmp_path / "picture.svg").write_text('<svg><use href="#a"/><image href="https://example.org/c.png"/></svg>')
    (tmp_path / "style.css").write_text('@import "d.css"; p {background: url(data:e)} h1 {background: url("f.png")}')
    pages = {tmp_path / "page.html": Page(tmp_path / "page.html")}
    broken = ["#gone", "gone.html", "http://example.org"]
    foreign = ["https://example.org/a.js", "//example.org/a.css", "b.png"]
    assert find_broken_links(tmp_path, pages) == [f"page.html: {link}" for link in broken]
    assert find_foreign_files(tmp_path, pages) == [
        *(f"page.html: {address}" for address in foreign),
        "style.css: d.css",
        "style.css: f.png",
        "picture.svg: https://example.org/c.png",
    ]
    assert pages[tmp_path / "page.html"].silent == ["b.png"]


def test_every_picture_has_a_text_and_is_used(site: Path, pages: dict[Path, Page]) -> None:
    """For those who do not see it."""
    assert {page.path.name: page.silent for page in pages.values() if page.silent} == {}
    used = {find_target(path, address, site) for path, page in pages.items() for address in page.fetched}
    assert sorted((site / "figures").iterdir()) == sorted(path for path in used if path.parent.name == "figures")


def test_every_document_is_in_the_site_and_no_script_of_it(site: Path) -> None:
    """As pages; what they link to beside pages, as files."""
    for path in DOCS.glob("*.md"):
        assert (site / path.name).with_suffix(".html").is_file()
    for path in (*(DOCS / "results").iterdir(), DOCS / "certificate.schema.json"):
        assert (site / path.relative_to(DOCS)).read_bytes() == path.read_bytes()
    assert list(site.rglob("*.py")) == []


def test_the_reference_has_every_command_option_code_and_reason(
    pages: dict[Path, Page], site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each option that --help of a command names, in the section of the command."""
    page = pages[site / "commands.html"]
    for command in (["certgen"], *(["certgen", name] for name in COMMANDS), ["certcheck"]):
        code, help_text = run_here([*command, "--help"], capsys)
        assert code == 0
        section = page.text[page.text.index(f"usage: {' '.join(command)} [") :]
        section = section[: section.find("usage: ", 1)]
        options = re.findall(r"^  (?:-\w, )?(--[\w-]+)", help_text, re.MULTILINE)
        assert "--help" in options
        assert [option for option in options if option not in section] == []
    for reason in Reason:
        assert f"\n{reason.name}\n{reason.status.name}\n{reason.meaning}\n" in page.text
    for code in ExitCode:
        assert f"\n{code.value}\n{code.name}\n" in page.text
    for status in Status:
        assert f"\ns {status.name}\n{status.value}\n" in page.text


def test_the_pictures_show_what_the_page_says() -> None:
    """docs/figures.py beside docs/theorem.md and docs/worked_example.md."""
    figures = runpy.run_path(str(DOCS / "figures.py"), run_name="figures")
    right: dict[str, set[tuple[tuple[int, ...], bool]]] = {}
    for (name, entry), x, y, z in itertools.product(figures["find_entries"]().items(), *[range(6)] * 3):
        right.setdefault(name, set()).add((entry(x, y, z), z == figures["S3"].multiply(x, y)))
    # How many pairs of an entry and whether it is of a right answer: one an entry, but where right and wrong share it.
    counts = {name[0]: len(found) for name, found in right.items()}
    assert counts == {"P": 72, "Q": 72, "L": 36, "R": 36, "M": 36, "F": 6}
    example = (DOCS / "worked_example.md").read_text()
    (margins,) = re.findall(r'"margin_by_w": (\[[^]]*\])', example)
    assert [-figures["compute_explained"](w) for w in range(6)] == json.loads(margins)
    neurons = figures["read_left_inputs"]()
    assert (len(neurons), len(neurons[0])) == (32, 24)


def test_the_published_figures_are_those_of_the_comparison() -> None:
    """docs/comparison.md beside certgen.comparison."""
    text = (DOCS / "comparison.md").read_text()
    for group, p in PUBLISHED.items():
        row = f"| {group} | {p.at_least_95} of {p.models} | {p.zero} of {p.models} | {p.mean:.3f} | {p.time:.0%} |"
        assert row.replace("%", " %") in text


def run_here(words: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """The exit code of one of our commands, in this process, and what it prints."""
    name, *arguments = words
    capsys.readouterr()
    try:
        code = PROGRAMS[name](arguments)
    except SystemExit as end:
        code = int(end.code or 0)
    return int(code), "".join(capsys.readouterr())


def run_line(line: str, capsys: pytest.CaptureFixture[str]) -> str:
    """What a line of an example prints; its exit code is the one that the line says, or 0."""
    expected = int(match[1]) if (match := EXIT_CODE.search(line)) else 0
    words = EXIT_CODE.sub("", line).split()
    if words[0] in PROGRAMS:
        code, printed = run_here(words, capsys)
    else:
        command = f"{sys.executable} {' '.join(words[1:])}" if words[0] == "python" else line
        assert words[0] in ("python", "sed")
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        run = subprocess.run(["sh", "-c", command], env=environment, capture_output=True, text=True, check=False)  # noqa: S607
        code, printed = run.returncode, run.stdout + run.stderr
    assert code == expected, f"{line}: {printed}"
    return printed


def hide(text: str, *, numbers: bool) -> list[str]:
    """The lines without what differs from run to run: seconds; where the example trains, all numbers."""
    pattern = r"\d[\d.]*" if numbers else r"\d+\.\d\d s$"
    return re.sub(pattern, "#", text, flags=re.MULTILINE).splitlines()


@pytest.mark.parametrize("name", ["start", "auditor", "own_model"])
def test_examples_run_as_they_are_written(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Blocks of python and sh in their order, in a folder with the examples; blocks of text are what was printed."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "examples", "examples")
    numbers, printed, ran = name == "own_model", "", 0
    for language, block in BLOCK.findall((DOCS / f"{name}.md").read_text()):
        if language == "text":
            lines = hide(printed, numbers=numbers)
            assert [line for line in hide(block, numbers=numbers) if line not in lines] == []
        elif language != "console":  # what installs or takes long is not run
            Path("example.py").write_text(block)
            commands = {"python": ["python example.py"], "sh": block.splitlines()}[language]
            printed = "".join(run_line(line, capsys) for line in commands)
            ran += 1
    assert ran > 3

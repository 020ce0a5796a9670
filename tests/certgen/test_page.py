"""Pages show what certcheck says, fetch nothing, and take no name for markup."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from certcheck.verdict import describe_proof
from certgen.certificate_figures import draw_certificate
from certgen.figure import write_image
from certgen.page import render_certificate, render_sweep
from certgen.portrait import Portrait, portray
from certgen.row import Row, fail_row
from certgen.sweep_figures import draw_bounds
from tests.certgen.sweep_work import make_row, make_task
from tests.certgen.test_comparison import ROWS

VALID = Path(__file__).parents[1] / "vectors" / "valid"
BY_ALL_MEANS = (
    "claims_by_argument_and_cases",
    "claims_by_matrices",
    "claims_by_two_circuits",
    "coarsest_scale",
    "order_1",
    "tie",
)


def show(portrait: Portrait, name: str) -> bytes:
    """The page of a certificate with its own figures."""
    return render_certificate(portrait, draw_certificate(portrait), name)


def show_sweep(sweeps: dict[str, list[Row]], links: dict[str, str]) -> bytes:
    """The page of sweeps with their own figure."""
    return render_sweep(sweeps, [draw_bounds(sweeps)], links)


class Page(HTMLParser):
    """What a page has: its text, its elements by their ids, its scripts, and addresses."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.addresses: list[str] = []
        self.tags: list[str] = []
        self.texts: dict[str, list[str]] = {}
        self.feed(data.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the tag, its id and what it points at."""
        self.tags.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(str(value))
            if name in ("href", "src", "action", "data", "srcset"):
                self.addresses.append(str(value))

    def handle_data(self, data: str) -> None:
        """Keep the text under the tag that was opened last."""
        self.texts.setdefault(self.tags[-1] if self.tags else "", []).append(data)


def read_data(data: bytes) -> dict[str, Any]:
    """The tables and charts of a page."""
    found = re.search(rb'<script type="application/json" id="data">(.*?)</script>', data, re.DOTALL)
    assert found is not None
    decoded: dict[str, Any] = json.loads(found[1])
    return decoded


@pytest.mark.parametrize("name", BY_ALL_MEANS)
def test_a_page_shows_the_verdict_and_a_chart_for_each_figure(name: str) -> None:
    """Every line of the verdict is there; every chart names tables that are there; ids are distinct."""
    portrait = portray((VALID / f"{name}.json").read_bytes())
    data = show(portrait, f"{name}.json")
    page = Page(data)
    shown = "".join(text for texts in page.texts.values() for text in texts)
    for label, text in describe_proof(portrait.proof, portrait.seconds).items():
        assert label in shown
        assert text in shown
    assert portrait.sha256 in shown
    assert len(set(page.ids)) == len(page.ids)
    held = read_data(data)
    assert [chart["key"] for chart in held["figures"]] == [figure.key for figure in draw_certificate(portrait)]
    for chart in held["figures"]:
        assert f"{chart['key']}-chart" in page.ids
        assert set(chart["tables"]) <= set(held["tables"])
    for columns in held["tables"].values():
        assert len({len(column) for column in columns.values()}) == 1


def test_the_map_of_a_page_has_every_pair_in_order() -> None:
    """The row of (x, y) is at x n + y, where the page looks for it."""
    portrait = portray((VALID / "claims_by_argument_and_cases.json").read_bytes())
    pairs = read_data(show(portrait, "a.json"))["tables"]["pairs"]
    n = portrait.proof.order
    assert list(zip(pairs["x"], pairs["y"], strict=True)) == [(x, y) for x in range(n) for y in range(n)]
    assert pairs["xy"] == portrait.table.ravel().tolist()
    counts = [pairs["proved"].count(words) for words in ("by the argument", "by cases", "not correct")]
    assert counts == [30, 5, 1]
    assert [margin is None for margin in pairs["margin"]] == [words == "not correct" for words in pairs["proved"]]


def test_what_is_left_of_a_proof_without_cases_is_not_called_wrong() -> None:
    """It was not evaluated."""
    portrait = portray((VALID / "claims_by_argument_alone.json").read_bytes())
    pairs = read_data(show(portrait, "a.json"))["tables"]["pairs"]
    assert pairs["proved"].count("not proved") == 6
    assert "not correct" not in pairs["proved"]


def test_the_pairs_of_a_large_group_are_not_drawn_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither is the tightest of them sought; the page says so, and not of a group of order 1."""
    words = "its pairs are too many to be drawn one by one"
    assert words not in show(portray((VALID / "order_1.json").read_bytes()), "a.json").decode()
    monkeypatch.setattr("certgen.portrait.MAP_ORDER", 5)
    data = show(portray((VALID / "claims_by_matrices.json").read_bytes()), "a.json")
    assert f"The group has 6 elements: {words}" in data.decode()
    assert not {"pairs", "margin-map", "budget", "picker"} & set(Page(data).ids)
    assert "margins" in Page(data).ids


def test_a_page_fetches_nothing() -> None:
    """No element has an address outside the page, and the page forbids all but its own scripts and styles."""
    portrait = portray((VALID / "claims_by_two_circuits.json").read_bytes())
    for data in (show(portrait, "a.json"), show_sweep({"ours": ROWS}, {"1.pt": "r.models/1.html"})):
        page = Page(data)
        assert {address for address in page.addresses if not address.startswith("#")} <= {"r.models/1.html"}
        assert not {"link", "img", "iframe", "object", "embed"} & set(page.tags)
        assert b"default-src 'none'" in data


def test_a_name_is_no_markup() -> None:
    """Names of representations, models and files are the certificate's or the user's: text, whatever they look like."""
    hostile = "</script><script>document.title='x'</script>\"'&"
    document = json.loads((VALID / "claims_by_matrices.json").read_bytes())
    document["method"]["representations"][0]["name"] = hostile
    data = json.dumps(document).encode()
    plain = show(portray((VALID / "claims_by_matrices.json").read_bytes()), "a.json")
    count = Page(plain).tags.count("script")
    assert Page(show(portray(data), hostile)).tags.count("script") == count
    rows = [make_row(hostile), fail_row(make_task(hostile), "MODEL", hostile)]
    assert Page(show_sweep({hostile: rows}, {hostile: hostile})).tags.count("script") == count


def test_the_page_of_a_sweep_has_a_line_a_model_and_the_published_shares() -> None:
    """Models without a result too; a link where there is a page."""
    failed = fail_row(make_task("7.pt"), "MODEL", "it is broken")
    data = show_sweep({"ours": [*ROWS, failed]}, {"1.pt": "report.models/1.html"})
    page = Page(data)
    cells = page.texts["td"]
    assert "94.00%" in cells
    assert "MODEL" in cells
    assert {"the paper", "48% (time)"} < set(cells)
    assert any("arXiv 2410.07476" in text for text in page.texts["p"])
    assert page.texts["a"].count("1.pt") == 1
    assert "6 models: what is proved of each" in page.texts["h1"]
    assert any("1 of them have no result" in text for text in page.texts["p"])


def test_the_same_certificate_gives_the_same_images() -> None:
    """Each of its figures as SVG and PNG."""
    portrait = portray((VALID / "claims_by_two_circuits.json").read_bytes())
    for figure in draw_certificate(portrait):
        for suffix, head in ((".svg", b"<svg"), (".png", b"\x89PNG")):
            image = write_image(figure, suffix)
            assert image.startswith(head)
            assert image == write_image(figure, suffix)

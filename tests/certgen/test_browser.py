"""Pages in a real browser: they open from disk without an error, show certcheck's numbers, and answer."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from certcheck.__main__ import main as certcheck
from certgen.__main__ import main as certgen
from certgen.sweep import CERTIFICATES
from certgen.table import write_tables
from examples.construct import main as construct
from tests.certgen.small_models import Weights, save_model
from tests.certgen.sweep_work import make_row

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLES = Path(__file__).parents[2] / "examples"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
# Nothing of the browser's own is fetched, either.
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
ARGUMENTS += ["--disable-component-update", "--disable-sync"]
DRAWN = "['ready', 'failed'].includes(document.documentElement.dataset.state)"

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: CI installs Debian's")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@contextlib.contextmanager
def opened(browser: Browser, file: Path, **options: Any) -> Iterator[Page]:
    """The page, when its figures are drawn; nothing is said on the console and nothing is fetched."""
    said: list[str] = []
    context = browser.new_context(**options)
    page = context.new_page()
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: request.url.startswith(("file:", "data:", "blob:")) or said.append(request.url))
    page.goto(file.as_uri())
    page.wait_for_function(DRAWN)
    assert page.evaluate("document.documentElement.dataset.state") == "ready"
    yield page
    assert said == []
    context.close()


def make_waves(n: int, frequencies: tuple[int, ...], phases: int) -> Weights:
    """Addition modulo n: the phases of a frequency add up to |cos pi f (x - y) / n| cos 2 pi f (x + y - z) / n."""
    turns = 2 * np.pi * np.outer(np.arange(n), np.repeat(frequencies, phases)) / n
    shift = np.tile(2 * np.pi * np.arange(phases) / phases, len(frequencies))
    return {"left": np.cos(turns + shift), "right": np.cos(turns + shift), "out": np.cos(turns + 2 * shift).T}


@pytest.fixture(scope="module", params=["S4", "S5", "C113"])
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The page of a certificate, and what certcheck says of it."""
    folder = tmp_path_factory.mktemp(request.param)
    model, certificate, page = (folder / name for name in ("model.pt", "cert.json", "page.html"))
    group = request.param
    with contextlib.redirect_stdout(io.StringIO()):
        if group == "S4":
            model, group = EXAMPLES / "S4.pt", str(EXAMPLES / "S4.group.json")
        elif group == "S5":
            assert construct(["--group", "S5", "--gset", "5", "2", "--noise", "1e-2", "-o", str(model)]) == 0
        else:
            save_model(model, make_waves(113, (3, 17, 29, 41, 52), 8))
        assert certgen([str(model), "-o", str(certificate), "--group", group]) == 0
        assert certgen(["report", str(certificate), "-o", str(page)]) == 0
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        assert certcheck([str(certificate), "--json", "--explain"]) == 0
    return page, json.loads(printed.getvalue())


def test_a_page_opens_without_an_error_and_shows_what_certcheck_says(
    browser: Browser, made: tuple[Path, dict[str, Any]]
) -> None:
    """Each chart is drawn; the numbers in the text, in the map and in the histogram are those of `certcheck --json`."""
    file, verdict = made
    with opened(browser, file) as page:
        text = page.inner_text("main")
        assert f"at least {verdict['correct_pairs_at_least']} of {verdict['pairs']} pairs are correct" in text
        for key in ("weights_sha256", "smallest_certified_margin", "cross_entropy_upper_bound"):
            assert str(verdict[key]) in text
        tables = page.evaluate("data.tables")
        counts = [tables["pairs"]["proved"].count(words) for words in ("by the argument", "by cases")]
        assert counts == [verdict["pairs_by_argument"], verdict["pairs_by_cases"]]
        assert sum(tables["margins"]["pairs"]) == sum(verdict["certified_margins"].values())
        assert set(tables["terms"]["term"]) == set(verdict["tightest"]["terms"])
        assert tables["cost"]["multiply-adds"][0] == verdict["multiply_adds"]
        charts = page.locator(".chart").all()
        assert len(charts) == page.evaluate("data.figures.length") > 6
        for chart in charts:
            assert chart.locator("svg.marks, canvas.marks").count() == 1


def test_a_click_in_the_map_tells_of_the_pair(browser: Browser, made: tuple[Path, dict[str, Any]]) -> None:
    """So do numbers from the keyboard; both maps frame it."""
    file, verdict = made
    with opened(browser, file) as page:
        canvas = page.locator("#pairs-chart canvas")
        box = canvas.bounding_box()
        assert box is not None
        canvas.click(position={"x": box["width"] / 2, "y": box["height"] / 2})
        x, y = (int(page.input_value(f"#pick-{side}")) for side in "xy")
        n = verdict["order"]
        assert 0.2 * n < min(x, y) <= max(x, y) < 0.8 * n
        assert page.evaluate("document.getElementById('picked').value").startswith(f"({x}, {y}) is ")
        page.fill("#pick-x", "1")
        page.locator("#pick-y").press("ControlOrMeta+a")
        page.locator("#pick-y").press_sequentially("2")
        told = page.evaluate("document.getElementById('picked').value")
        pair = page.evaluate(
            "Object.fromEntries(Object.entries(data.tables.pairs).map(([k, c]) => [k, c[data.order + 2]]))"
        )
        assert (pair["x"], pair["y"]) == (1, 2)
        assert told.startswith(f"(1, 2) is {pair['x is']} times {pair['y is']} = {pair['xy is']}, label {pair['xy']}: ")
        for key in ("pairs", "margin-map"):
            assert page.evaluate(f"[views['{key}'].signal('picked_x'), views['{key}'].signal('picked_y')]") == [1, 2]


def test_a_table_opens_and_is_downloaded(browser: Browser, made: tuple[Path, dict[str, Any]]) -> None:
    """With a line for each row, as CSV."""
    file, verdict = made
    with opened(browser, file) as page:
        details = page.locator("#margins details.data")
        details.locator("summary").press("Enter")
        details.locator("tbody tr").first.wait_for()
        assert details.locator("tbody tr").count() == len(page.evaluate("data.tables.margins.pairs"))
        with page.expect_download() as download:
            page.locator("#pairs details.data").evaluate("details => details.querySelector('button').click()")
        lines = download.value.path().read_text().splitlines()
        assert lines[0] == "x,y,xy,x is,y is,xy is,proved,margin,nearest wrong label"
        assert len(lines) == 1 + verdict["pairs"]


@pytest.mark.parametrize(
    "options",
    [{"color_scheme": "dark"}, {"viewport": {"width": 360, "height": 640}}, {"forced_colors": "active"}],
    ids=["dark", "phone", "forced colours"],
)
def test_a_page_is_drawn_in_the_dark_and_on_a_phone(
    browser: Browser, made: tuple[Path, dict[str, Any]], options: dict[str, Any]
) -> None:
    """Nothing is wider than the screen."""
    with opened(browser, made[0], **options) as page:
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        ink = page.evaluate("getComputedStyle(document.body).color")
        assert (ink == "rgb(232, 232, 232)") == (options.get("color_scheme") == "dark")


def test_the_page_of_a_sweep_sorts_and_links(browser: Browser, tmp_path: Path) -> None:
    """By a column, up and down, numbers as numbers; the link of a model opens its page."""
    (tmp_path / "results" / CERTIFICATES).mkdir(parents=True)
    certificate = Path(__file__).parents[1] / "vectors" / "valid" / "claims_by_two_circuits.json"
    shutil.copy(certificate, tmp_path / "results" / CERTIFICATES / "m2.pt.json")
    rows = [
        make_row(f"m{i}.pt", bound=bound, seconds=s) for i, bound, s in ((10, 0.5, 9.5), (2, 1.0, 10.5), (1, 0.75, 2))
    ]
    write_tables(tmp_path / "results", rows)
    file = tmp_path / "page.html"
    with contextlib.redirect_stdout(io.StringIO()):
        assert certgen(["report", str(tmp_path / "results"), "-o", str(file)]) == 0
    with opened(browser, file) as page:

        def list_models() -> list[str]:
            return page.locator("#models tbody tr td:first-child").all_inner_texts()

        for column, ascending in (("seconds", ["m1.pt", "m10.pt", "m2.pt"]), ("bound", ["m10.pt", "m1.pt", "m2.pt"])):
            button = page.get_by_role("button", name=column, exact=True)
            button.click()
            assert list_models() == ascending
            button.press("Enter")
            assert list_models() == ascending[::-1]
        page.get_by_role("button", name="model", exact=True).click()
        assert list_models() == ["m1.pt", "m2.pt", "m10.pt"]
        page.get_by_role("link", name="m2.pt").click()
        page.wait_for_function(DRAWN)
        assert page.url.endswith("page.models/m2.pt.html")
        assert "pairs are correct" in page.inner_text("h1")

"""Reports: the page of a certificate or of a sweep, and their figures as files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from certcheck.limits import LIMITS
from certcheck.model_file import read_bytes
from certgen.certificate_figures import draw_certificate
from certgen.failure import ExitCode, Failure, failing_as
from certgen.figure import Figure, write_image
from certgen.output import expect_writable, write_files
from certgen.page import render_certificate, render_sweep
from certgen.portrait import portray
from certgen.progress import follow
from certgen.sweep import find_certificate
from certgen.sweep_figures import draw_bounds
from certgen.table import CSV, PARQUET, read_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certgen.row import Row

IMAGES = (".svg", ".png")


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user asked for, of a certificate or of the folder or table of a sweep: a page, a folder of images."""

    source: Path
    page: Path | None
    figures: Path | None
    force: bool


def report(wish: Wish) -> list[str]:
    """Write what is wished for, and say what was written, a line each. Errors: Failure."""
    if wish.page is not None:
        expect_writable(wish.page, (str(wish.source),), force=wish.force)
    if wish.source.is_dir() or wish.source.suffix in (Path(PARQUET).suffix, Path(CSV).suffix):
        return _report_sweep(wish)
    with failing_as(ExitCode.NOT_VERIFIED):
        data = read_bytes(str(wish.source), LIMITS)
    portrait = portray(data)
    figures, lines = draw_certificate(portrait), []
    if wish.page is not None:
        write_files({wish.page: render_certificate(portrait, figures, wish.source.name)}, force=wish.force)
        lines.append(f"{wish.page}: a page of the certificate")
    return lines + _write_figures(wish, figures)


def _report_sweep(wish: Wish) -> list[str]:
    """The same of a sweep; a page of each model whose certificate was kept, in a folder beside the page."""
    rows = read_table(wish.source)
    sweeps = {wish.source.stem: rows}
    figures, lines = [draw_bounds(sweeps)], []
    if wish.page is not None:
        folder = wish.page.with_suffix(".models")
        pages = _write_model_pages(wish, rows, folder)
        links = {model: f"{folder.name}/{page.name}" for model, page in pages.items()}
        write_files({wish.page: render_sweep(sweeps, figures, links)}, force=wish.force)
        own = f", {len(pages)} with pages of their own in {folder.name}" if pages else ""
        lines.append(f"{wish.page}: a page of {len(rows)} models{own}")
    return lines + _write_figures(wish, figures)


def _write_model_pages(wish: Wish, rows: Sequence[Row], folder: Path) -> dict[str, Path]:
    """The page of each model with a certificate that is verified, by the model's name."""
    kept = {row["model"]: find_certificate(wish.source, row) for row in rows if row["error"] is None}
    kept = {model: path for model, path in kept.items() if path.is_file()}
    if not kept:
        return {}
    _make_folder(folder)
    pages = {model: folder / f"{path.stem}.html" for model, path in kept.items()}
    for page in pages.values():
        expect_writable(page, (), force=wish.force)
    for model, page in follow(list(pages.items()), "drawing pages", len(pages)):
        with failing_as(ExitCode.NOT_VERIFIED):
            portrait = portray(read_bytes(str(kept[model]), LIMITS))
        data = render_certificate(portrait, draw_certificate(portrait), kept[model].name)
        write_files({page: data}, force=wish.force)
    return pages


def _write_figures(wish: Wish, figures: Sequence[Figure]) -> list[str]:
    """Every figure as SVG and PNG, all or none."""
    if wish.figures is None:
        return []
    files = {wish.figures / (figure.key + suffix): (figure, suffix) for figure in figures for suffix in IMAGES}
    _make_folder(wish.figures)
    for path in files:
        expect_writable(path, (str(wish.source),), force=wish.force)
    write_files({path: write_image(*image) for path, image in files.items()}, force=wish.force)
    return [f"{wish.figures}: {len(figures)} figures, each as SVG and PNG"]


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise Failure(ExitCode.OUTPUT, f"{folder}: cannot be a folder of results: {error.strerror}") from error

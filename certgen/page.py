"""Pages: a certificate or a sweep in one file that opens from disk and fetches nothing."""

from __future__ import annotations

import functools
import platform
from importlib import metadata
from typing import TYPE_CHECKING, Any

import jinja2
import vl_convert

from certcheck import __version__
from certcheck.verdict import FORMAT_VERSION, describe_proof
from certgen.comparison import OF_SHARES, round_down, tabulate_shares
from certgen.figure import Figure, write_spec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from certgen.portrait import Portrait
    from certgen.row import Row

LIBRARIES = ("numpy", "python-flint", "altair")
# Columns of a sweep that its page shows, and how: as they are, as a bound, as a part of exhaustive, in seconds.
MODEL_COLUMNS = {
    "model": "",
    "group": "",
    "bound_by_argument": "bound",
    "bound": "bound",
    "method": "",
    "cost": "share",
    "smallest_certified_margin": "number",
    "float32_correct_pairs_at_least": "",
    "cross_entropy_upper_bound": "number",
    "explanation": "",
    "why_not": "",
    "seconds": "number",
}


def render_certificate(portrait: Portrait, figures: Sequence[Figure], name: str) -> bytes:
    """The page of a certificate of this file name, with its figures."""
    proof = portrait.proof
    drawn = len({figure.circuit for figure in figures} - {None})
    whose = "of the certificate" if proof.method == "rho-set" else "found in the network"
    of_all = f"{drawn} of the {portrait.circuits} circuits {whose}"
    provenance = {
        "certificate": f"{name}, sha256 {portrait.sha256}",
        "weights": f"sha256 {proof.weights_sha256}",
        "format": f"version {FORMAT_VERSION}",
        "certgen and certcheck": __version__,
        "made with": ", ".join(f"{library} {metadata.version(library)}" for library in LIBRARIES)
        + f", Python {platform.python_version()}",
    }
    lines = describe_proof(proof, portrait.seconds)
    return _render(
        "certificate.html.jinja",
        figures,
        title=f"{proof.group}: {lines['bound']}",
        sentence=(
            "A network with exactly the weights of this certificate, evaluated in real arithmetic, answers at least "
            f"{proof.correct_pairs_at_least:,} of all {proof.pairs:,} products of two elements of {proof.group} "
            "correctly."
        ),
        name=name,
        proof=proof,
        lines=lines,
        is_large=portrait.is_large,
        drawn=drawn,
        circuits_sentence=(
            f"{of_all}. Their neurons compute relu(phi(x^-1 b) + phi'(y b')) for points b and b' of two G-sets."
        ),
        provenance=provenance,
        order=proof.order,
    )


def render_sweep(sweeps: Mapping[str, Sequence[Row]], figures: Sequence[Figure], links: Mapping[str, str]) -> bytes:
    """The page of sweeps with their figures. links: of models, by their names, to pages of their own."""
    rows = [row for part in sweeps.values() for row in part]
    failed = sum(row["error"] is not None for row in rows)
    columns, *lines = tabulate_shares(sweeps)
    return _render(
        "sweep.html.jinja",
        figures,
        title=f"{len(rows)} models: what is proved of each",
        sentence=f"Bounds on the accuracy of {len(rows)} models, as the table of the sweep has them: where a bound is "
        "above 0, certcheck verified its certificate then." + (f" {failed} of them have no result." if failed else ""),
        shares={"columns": columns, "rows": lines, "sentences": OF_SHARES},
        models={
            "columns": [column.replace("_", " ") for column in [*MODEL_COLUMNS, "error"]],
            "rows": [_list_cells(row, links) for row in rows],
        },
        order=0,
    )


def _list_cells(row: Row, links: Mapping[str, str]) -> list[dict[str, Any]]:
    """Text to read, a value to sort by, and the link of the model's name."""
    cells = []
    for column, kind in [*MODEL_COLUMNS.items(), ("error", "")]:
        value = row[column]
        if value is None:
            text = ""
        elif kind == "bound":
            text = round_down(value)
        else:
            text = f"{value:.2%}" if kind == "share" else f"{value:.4g}" if kind == "number" else str(value)
        cells.append({"text": text, "value": "" if value is None else value, "link": None})
    cells[0]["link"] = links.get(row["model"])
    return cells


def _render(template: str, figures: Sequence[Figure], **values: Any) -> bytes:  # noqa: ANN401 - a template takes all
    """The page, with the tables once and the charts that name them."""
    tables = {name: columns for figure in figures for name, columns in figure.tables.items()}
    charts = [{"key": f.key, "tables": list(f.tables), "spec": write_spec(f)} for f in figures]
    data = {"figures": charts, "tables": tables, "order": values["order"]}
    page = (
        _load_templates().get_template(template).render(figures=figures, data=data, library=_load_library(), **values)
    )
    return page.encode()


@functools.cache
def _load_templates() -> jinja2.Environment:
    # A name in a certificate is text, whatever it looks like; one that is missing here is a mistake of ours.
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("certgen"), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    # Columns keep their order.
    environment.policies["json.dumps_kwargs"] = {"sort_keys": False, "allow_nan": False}
    return environment


@functools.cache
def _load_library() -> str:
    """Vega, Vega-Lite and vega-embed as one script; nothing in it ends the element that it is written into."""
    return vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed").replace("</script", "<\\/script")

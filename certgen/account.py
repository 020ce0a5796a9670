"""An account of a decomposition: a short table for the terminal."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console
from rich.table import Table

from certgen.explanation import GSetPart

if TYPE_CHECKING:
    from certgen.equivariant import Result

WIDTH = 110


def describe(result: Result, exhaustive: int) -> list[str]:
    """Lines: the key representations with what they carry and leave, cells, pairs, cost."""
    table = Table(box=None, pad_edge=False)
    residuals = ("|E| mean", "max", "|E|^2/|V|^2", "bi-equivariant")
    columns = ("representation", "dimension", "type", "cells", "share of U", *residuals)
    for column in columns:
        table.add_column(column, justify="left" if column in ("representation", "type") else "right")
    for part, share, fit in zip(result.parts, result.shares, result.fits, strict=True):
        if isinstance(part, GSetPart):
            name = "sign" if part.gset.degree == 1 else f"{part.gset.degree} points" + ", sign" * part.gset.is_signed
            kind = "signed permutations" if part.gset.is_signed else "permutations"
        else:
            name, kind = part.irrep.name, part.irrep.type
        numbers = (f"{share:.1%}", f"{fit.mean:.3f}", f"{fit.largest:.3f}", f"{fit.unexplained:.2%}")
        table.add_row(
            name, str(part.matrices.shape[1]), kind, str(len(part.cells)), *numbers, f"{fit.bi_equivariant:.1%}"
        )
    buffer = io.StringIO()
    Console(file=buffer, width=WIDTH, color_system=None).print(table)
    neurons = result.section.neurons
    kept = int(np.count_nonzero(neurons[:, 0] >= 0))
    terms = {key: value / 2.0**result.section.table_bits for key, value in result.section.error_terms.items()}
    return [
        *(line.rstrip() for line in buffer.getvalue().splitlines()),
        f"cells         {result.section.cells} of {kept} neurons, {len(neurons) - kept} dropped",
        f"error terms   {', '.join(f'{key} {value:.3g}' for key, value in terms.items())}",
        f"pairs         {result.by_argument} by the argument, {result.by_cases} by cases",
        f"cost          {result.cost['multiply_adds'] / exhaustive:.2%} of exhaustive",
    ]

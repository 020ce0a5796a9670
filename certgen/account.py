"""Tables for the terminal, and an account of a decomposition."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console
from rich.table import Table

from certgen.composition import Composition
from certgen.equivariant import Draft, Result
from certgen.explanation import GSetPart
from certgen.rhoset import RhoSetResult

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from certcheck.document import EquivariantSection, RhoSetSection
    from certgen.circuits import Found
    from certgen.proposal import Proposal
    from certgen.rhoset import Kernels

WIDTH = 110
RESIDUALS = ("|E| mean", "max", "|E|^2/|V|^2", "bi-equivariant")


def describe(result: Proposal, exhaustive: int) -> list[str]:
    """Lines: what carries the proof and what it leaves, error terms, pairs, cost."""
    lines: list[str] = []
    if isinstance(result, RhoSetResult | Composition):
        lines += _describe_circuits(result.section, result.found, result.kernels)
        if result.section.remaining is not None and isinstance(result, Composition):
            lines += _describe_representations(result.draft, result.section.remaining)
    if isinstance(result, Result):
        lines += _describe_representations(result.draft, result.section)
    return [
        *lines,
        f"pairs         {result.by_argument} by the argument, {result.by_cases} by cases",
        f"cost          {result.cost['multiply_adds'] / exhaustive:.2%} of exhaustive",
    ]


def _describe_circuits(section: RhoSetSection, found: Found, kernels: list[Kernels]) -> list[str]:
    """The circuits with their points and what their kernels leave, and the neurons in none."""
    columns = ("rho-set", "points", "cells", "neurons", "negative", "kernels", "|D|^2/|U|^2")
    table = begin_table(columns, words=("rho-set", "kernels"))
    for index, (circuit, fitted) in enumerate(zip(found.circuits, kernels, strict=True)):
        table.add_row(
            str(index),
            f"{circuit.left.points} x {circuit.right.points}",
            f"{circuit.cells_covered} of {circuit.cells}",
            str(len(circuit.neurons)),
            str(int((circuit.sigma < 0).sum())),
            "one-sided" if fitted.kernel is None else "K",
            f"{fitted.rest:.2%}",
        )
    what = "dropped" if section.remaining is None else "the former left to representations"
    return [
        *render(table),
        f"neurons       {len(found.loose)} in no circuit, {len(found.dead)} dead: {what}",
        _describe_terms(section.error_terms, section.table_bits),
    ]


def begin_table(columns: Sequence[str], words: Collection[str]) -> Table:
    """A table without rows: some columns hold words, to the left, the others numbers."""
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, justify="left" if column in words else "right")
    return table


def render(table: Table) -> list[str]:
    """The table's lines, without colour, at most WIDTH wide."""
    buffer = io.StringIO()
    Console(file=buffer, width=WIDTH, color_system=None).print(table)
    return [line.rstrip() for line in buffer.getvalue().splitlines()]


def _describe_terms(terms: dict[str, int], table_bits: int) -> str:
    return f"error terms   {', '.join(f'{key} {value / 2.0**table_bits:.3g}' for key, value in terms.items())}"


def _describe_representations(draft: Draft, section: EquivariantSection) -> list[str]:
    """The key representations with what they carry and leave, and the cells."""
    columns = ("representation", "dimension", "type", "cells", "share of U", *RESIDUALS)
    table = begin_table(columns, words=("representation", "type"))
    for part, share, fit in zip(draft.parts, draft.shares, draft.fits, strict=True):
        if isinstance(part, GSetPart):
            name = "sign" if part.gset.degree == 1 else f"{part.gset.degree} points" + ", sign" * part.gset.is_signed
            kind = "signed permutations" if part.gset.is_signed else "permutations"
        else:
            name, kind = part.irrep.name, part.irrep.type
        numbers = (f"{share:.1%}", f"{fit.mean:.3f}", f"{fit.largest:.3f}", f"{fit.unexplained:.2%}")
        table.add_row(
            name, str(part.matrices.shape[1]), kind, str(len(part.cells)), *numbers, f"{fit.bi_equivariant:.1%}"
        )
    neurons = section.neurons
    kept = int(np.count_nonzero(neurons[:, 0] >= 0))
    return [
        *render(table),
        f"cells         {section.cells} of {kept} neurons, {len(neurons) - kept} dropped",
        _describe_terms(section.error_terms, section.table_bits),
    ]

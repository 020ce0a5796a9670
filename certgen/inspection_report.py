"""An inspection as lines for the terminal."""

from __future__ import annotations

import textwrap
from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING

from certgen.account import RESIDUALS, WIDTH, begin_table, render

if TYPE_CHECKING:
    from certgen.circuit_account import CircuitAccount, GSetAccount
    from certgen.inspection import Expectation, Inspection, IrrepShares, KeyIrrep, Neurons

# Irreps and circuits with less than this share are summed up.
LEAST_SHARE = 0.01
MOST_CIRCUITS = 12
MOST_NUMBERS = 12
INDENT = 14


def describe_inspection(inspection: Inspection) -> list[str]:
    """Lines: accuracy, symmetry, irreps of each layer, circuits, neurons in none, explanation, certificate."""
    accuracy = inspection.accuracy
    pairs = f"{accuracy.pairs} {'random ' if accuracy.is_sample else ''}pairs"
    return [
        f"accuracy      {accuracy.correct} of {pairs} are correct (float64)",
        _report_symmetry(inspection),
        *_report_irreps(inspection.irreps),
        *_report_key_irreps(inspection.key_irreps),
        *_report_circuits(inspection),
        "",
        *_report_neurons("loose", "in no circuit", inspection.loose),
        *_report_neurons("dead", "carry nothing", inspection.dead),
        *_wrap("explanation", _describe_explanation(inspection)),
        *(line for sentence in inspection.missing for line in _wrap("missing", sentence)),
        *_wrap("certificate", _describe_expectation(inspection.expectation)),
    ]


def _wrap(label: str, text: str) -> list[str]:
    """The label and the text beside it, in lines of at most WIDTH."""
    return textwrap.wrap(text, WIDTH, initial_indent=f"{label:<{INDENT}}", subsequent_indent=" " * INDENT)


def _report_symmetry(inspection: Inspection) -> str:
    shares = inspection.symmetry
    if shares is None:
        return "symmetry      not measured: the group is too large for all its logits, or they are constant"
    return (
        f"symmetry      of the logits: {shares.bi_equivariant:.1%} bi-equivariant, {shares.one_sided:.1%} one-sided, "
        f"{shares.middle:.1%} middle, {shares.residual:.1%} residual"
    )


def _report_irreps(irreps: list[IrrepShares] | None) -> list[str]:
    """Shares of the energy of each layer; the irreps with small ones in one line."""
    if irreps is None:
        return ["irreps        skipped: the group is too large to decompose its regular representation"]
    columns = ("irrep", "dimension", "type", "left", "right", "unembedding")
    table = begin_table(columns, words=("irrep", "type"))
    others = []
    for row in irreps:
        layers = (row.left, row.right, row.unembedding)
        if max(layers) < LEAST_SHARE:
            others.append(layers)
        else:
            table.add_row(row.name, str(row.dimension), row.type, *(f"{share:.1%}" for share in layers))
    if others:
        sums = (f"{sum(layer):.1%}" for layer in zip(*others, strict=True))
        table.add_row(f"others ({len(others)})", "", "", *sums)
    return ["", "irreps: shares of the energy of each layer", *render(table)]


def _report_key_irreps(irreps: list[KeyIrrep] | None) -> list[str]:
    if irreps is None:
        return ["", "equivariance  of the irreps' coefficients: skipped for a group or irrep of this size"]
    if not irreps:
        return ["", "equivariance  no irrep carries the unembedding"]
    columns = ("irrep", "share of U", *RESIDUALS)
    table = begin_table(columns, words=("irrep",))
    for row in irreps:
        numbers = (f"{row.residual_mean:.3f}", f"{row.residual_max:.3f}", f"{row.residual:.2%}")
        table.add_row(row.name, f"{row.share:.1%}", *numbers, f"{row.bi_equivariant:.1%}")
    return ["", "equivariance: what each key irrep reads, |E| its residual in units of the logits", *render(table)]


def _report_circuits(inspection: Inspection) -> list[str]:
    """A table of the circuits, then the G-sets, the functions and the missing cells."""
    if not inspection.circuits:
        return ["", "circuits      none: no neuron is a function on the points of a G-set of few points"]
    large = [c for c in inspection.circuits if c.kind != "fragment" and c.logit_share >= LEAST_SHARE]
    shown = large[:MOST_CIRCUITS]
    left_out = [circuit for circuit in inspection.circuits if circuit not in shown]
    kernels = ("K", "one-sided", "left")
    columns = ("circuit", "points", "stabilisers", "cells", "neurons", "+", "-", "logits", *kernels, "kind")
    table = begin_table(columns, words=("circuit", "points", "stabilisers", "kind"))
    for circuit in shown:
        table.add_row(str(circuit.index), *_describe_points(circuit), *_describe_neurons([circuit]), circuit.kind)
    groups = [list(some) for _, some in groupby(sorted(left_out, key=_describe_points), key=_describe_points)]
    for group in groups:
        points = _describe_points(group[0])
        name = f"{len(group)} small" if len(group) > 1 else f"{group[0].index} (small)"
        table.add_row(name, *points, *_describe_neurons(group), group[0].kind if len(group) == 1 else "")
    lines = ["", "circuits: logits, the share of their energy; K, one-sided, left: shares of the unembedding"]
    lines += render(table)
    lines.append("")
    lines += _wrap("G-sets", "; ".join(_describe_gset(g) for g in inspection.gsets))
    for circuit in shown:
        lines += _report_functions(circuit)
    for group in groups:
        share = sum(circuit.logit_share for circuit in group)
        if share >= LEAST_SHARE and inspection.irreps is not None:
            names = sorted({max(c.phi_irreps, key=c.phi_irreps.__getitem__) for c in group if c.phi_irreps})
            lines += _wrap(f"{len(group)} small", f"on {group[0].size} points: phi mostly in {' or '.join(names)}")
    return lines


def _describe_points(circuit: CircuitAccount) -> tuple[str, str]:
    names = (circuit.stabiliser_left, circuit.stabiliser_right)
    return circuit.size, names[0] if circuit.left == circuit.right else ", ".join(names)


def _describe_neurons(circuits: list[CircuitAccount]) -> tuple[str, ...]:
    """Cells, neurons, their signs, share of the logits, and of one circuit the shares of its unembedding."""
    numbers = (
        str(sum(len(circuit.neurons) for circuit in circuits)),
        str(sum(circuit.positive for circuit in circuits)),
        str(sum(circuit.negative for circuit in circuits)),
        f"{sum(circuit.logit_share for circuit in circuits):.1%}",
    )
    if len(circuits) > 1:
        return ("", *numbers, "", "", "")
    only = circuits[0]
    shares = (only.kernel_share, only.one_sided_share, only.left_share)
    kernels = ("-" if share is None else f"{share:.1%}" for share in shares)
    return (f"{only.cells_covered} of {only.cells}", *numbers, *kernels)


def _describe_gset(gset: GSetAccount) -> str:
    users = gset.circuits
    where = f"circuit {users[0]}" if len(users) == 1 else f"shared by {len(users)} circuits"
    return f"{gset.points} points, stabiliser {gset.stabiliser} of order {gset.stabiliser_order}, {where}"


def _report_functions(circuit: CircuitAccount) -> list[str]:
    lines = []
    for name, values, irreps in (
        ("phi", circuit.phi, circuit.phi_irreps),
        ("phi'", circuit.phi_prime, circuit.phi_prime_irreps),
    ):
        shares = ", ".join(f"{irrep} {share:.0%}" for irrep, share in irreps.items())
        numbers = ", ".join(f"{value:.2g}" for value in values[:MOST_NUMBERS])
        dots = ", ..." if len(values) > MOST_NUMBERS else ""
        label = f"circuit {circuit.index}" if name == "phi" else ""
        lines += _wrap(label, f"{name} = [{numbers}{dots}]" + (f": {shares}" if shares else ""))
    if circuit.missing:
        cells = _abbreviate(circuit)
        dots = ", ..." if len(cells) > MOST_NUMBERS else ""
        lines += _wrap("", f"cells (b,b') without a neuron: {', '.join(cells[:MOST_NUMBERS])}{dots}")
    return lines


def _abbreviate(circuit: CircuitAccount) -> list[str]:
    """The missing cells; * for all points, where a whole row or column is missing."""
    rows = Counter(b for b, _ in circuit.missing)
    columns = Counter(b_prime for _, b_prime in circuit.missing)
    whole_rows = [b for b, count in rows.items() if count == circuit.points_right]
    whole_columns = [b_prime for b_prime, count in sorted(columns.items()) if count == circuit.points_left]
    single = [(b, b_prime) for b, b_prime in circuit.missing if b not in whole_rows and b_prime not in whole_columns]
    return [
        *(f"({b},*)" for b in whole_rows),
        *(f"(*,{b_prime})" for b_prime in whole_columns),
        *(f"({b},{b_prime})" for b, b_prime in single),
    ]


def _report_neurons(label: str, words: str, neurons: Neurons) -> list[str]:
    count = len(neurons.neurons)
    return _wrap(label, f"{count} neurons {words}: {neurons.logit_share:.1%} of the logits")


def _describe_explanation(inspection: Inspection) -> str:
    kinds = ("complete", "one-sided", "partial")
    carried = [sum(c.logit_share for c in inspection.circuits if c.kind == kind) for kind in kinds]
    shares = ", ".join(f"{share:.1%} in {kind}" for share, kind in zip(carried, kinds, strict=True))
    return f"{inspection.explanation}; of the logits {shares} circuits"


def _describe_expectation(expectation: Expectation) -> str:
    if expectation.pairs_by_argument is None:
        return f"rho-sets not tried, for want of an explanation; --method auto would likely take {expectation.method}"
    share = expectation.pairs_by_argument / expectation.pairs
    at = "" if expectation.cost is None else f" at {expectation.cost:.2%} of the cost of exhaustive"
    return (
        f"rho-sets prove {expectation.pairs_by_argument} of {expectation.pairs} pairs ({share:.1%}) by the argument "
        f"alone{at}; --method auto would likely take {expectation.method}"
    )

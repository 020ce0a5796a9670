"""What was proved of many models, in shares, beside the published figures."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from certgen.account import begin_table, render
from certgen.collection import split_numbers
from certgen.shortfall import CAUSES, EXPLAINED, EXPLANATIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from certgen.row import Row

NEARLY_ALL = 0.99
# Models below 95 % that are named one by one.
MOST_LINES = 40


@dataclass(frozen=True, slots=True)
class Published:
    """The paper's figures for a group: models, those with a bound of 95 % and more, of 0; the mean bound.

    time: of its verifier, as a part of trying every input.
    """

    models: int
    at_least_95: int
    zero: int
    mean: float
    time: float


SOURCE = "Wu, Jaburi, Drori, Gross (arXiv 2410.07476)"
PUBLISHED = {
    "S5": Published(100, 45, 46, 0.510, 0.30),
    "S4": Published(100, 17, 49, 0.420, 0.48),
    "A5": Published(100, 11, 78, 0.165, 0.45),
}
OF_SHARES = (
    "Models by their bound by the argument; costs are medians, in multiply-adds, as a part of trying every input.",
    f"The paper: {SOURCE}; its cost is time.",
)


@dataclass(frozen=True, slots=True)
class Shares:
    """Some models of one group: how many have a bound of 95 %, 99 %, 100 % and more, and of 0.

    cost: the median over the models with a bound above 0 of the cost of proving it, as a part of exhaustive, or None.
    cost_of_all: the median cost of the certificates, with cases, or None.
    """

    models: int
    at_least_95: int
    at_least_99: int
    all: int
    zero: int
    mean: float
    cost: float | None
    cost_of_all: float | None


def count_shares(rows: Sequence[Row], of: str = "argument") -> Shares:
    """The shares of these rows, none of which has an error, by the argument or by circuits alone (`rho_sets`)."""
    bounds = [row[f"bound_by_{of}"] for row in rows]
    return Shares(
        models=len(bounds),
        at_least_95=sum(bound >= EXPLAINED for bound in bounds),
        at_least_99=sum(bound >= NEARLY_ALL for bound in bounds),
        all=sum(bound == 1 for bound in bounds),
        zero=sum(bound == 0 for bound in bounds),
        mean=statistics.fmean(bounds) if bounds else 0.0,
        cost=_find_median(row[f"cost_by_{of}"] for row in rows),
        cost_of_all=_find_median(row["cost"] for row in rows),
    )


def _find_median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def gather(sweeps: Mapping[str, Sequence[Row]]) -> dict[str, dict[str, list[Row]]]:
    """The rows without an error by group, in the order of the groups' names, and there by sweep."""
    gathered: dict[str, dict[str, list[Row]]] = {}
    for name, rows in sweeps.items():
        for row in rows:
            if row["error"] is None:
                group = row["group"] or f"order {row['order']}"
                gathered.setdefault(group, {}).setdefault(name, []).append(row)
    return {group: gathered[group] for group in sorted(gathered, key=split_numbers)}


def describe_sweeps(sweeps: Mapping[str, Sequence[Row]]) -> list[str]:
    """Lines: the shares of each group beside the published ones, what explains the models, and what does not."""
    rows = [row for part in sweeps.values() for row in part]
    failed = [row for row in rows if row["error"] is not None]
    good = [row for row in rows if row["error"] is None]
    lines = _describe_shares(sweeps) if good else []
    lines += _describe_claims(sweeps) + _describe_classes(sweeps) + _describe_models(good)
    if failed:
        lines += ["", f"{len(failed)} of {len(rows)} models have no result:"]
        lines += [f"  {row['model']}: {row['error']}, {row['message']}" for row in failed[:MOST_LINES]]
    return lines


def tabulate_shares(sweeps: Mapping[str, Sequence[Row]]) -> list[tuple[str, ...]]:
    """The shares of each group and sweep, by the argument and by circuits alone, beside the published ones.

    The first line names the columns.
    """
    lines: list[tuple[str, ...]] = [
        ("group", "models of", "models", ">= 95 %", ">= 99 %", "= 100 %", "0", "mean", "cost", "cost of all")
    ]

    def add(group: str, name: str, s: Shares, cost_of_all: str) -> None:
        counts = [str(count) for count in (s.models, s.at_least_95, s.at_least_99, s.all, s.zero)]
        lines.append((group, name, *counts, f"{s.mean:.3f}", _percent(s.cost), cost_of_all))

    for group, parts in gather(sweeps).items():
        for name, rows in parts.items():
            shares = count_shares(rows)
            add(group, name, shares, _percent(shares.cost_of_all))
            add("", "  by circuits alone", count_shares(rows, "rho_sets"), "")
        p = PUBLISHED.get(group)
        if p is not None:
            counts = [str(p.models), str(p.at_least_95), "", "", str(p.zero)]
            lines.append(("", "the paper", *counts, f"{p.mean:.3f}", f"{p.time:.0%} (time)", ""))
    return lines


def _describe_shares(sweeps: Mapping[str, Sequence[Row]]) -> list[str]:
    columns, *lines = tabulate_shares(sweeps)
    table = begin_table(columns, words=("group", "models of"))
    for line in lines:
        table.add_row(*line)
    return [*OF_SHARES, "", *render(table)]


def _describe_claims(sweeps: Mapping[str, Sequence[Row]]) -> list[str]:
    """What is proved beside the accuracy, of the models that are right on all pairs in float64."""
    columns = ("group", "models of", "all right", "float32: least", "mean", "all by argument", "nats: median", "most")
    table = begin_table(columns, words=("group", "models of"))
    for group, parts in gather(sweeps).items():
        for name, rows in parts.items():
            right = [row for row in rows if row["accuracy"] == 1 and not row["accuracy_is_sample"]]
            shares = [(row["float32_correct_pairs_at_least"] or 0) / row["pairs"] for row in right]
            whole = [row["argument_cross_entropy"] for row in right if row["argument_pairs"] == row["pairs"]]
            nats = (
                [f"{statistics.median(whole):.4f}", f"{max(whole):.4f}"] if whole and None not in whole else ["-"] * 2
            )
            least = [round_down(min(shares)), round_down(statistics.fmean(shares))] if right else ["-"] * 2
            table.add_row(group, name, str(len(right)), *least, str(len(whole)), *nats)
    words = (
        "Of the models that are right on all pairs in float64: the share of the pairs that is proved as evaluated in",
        "binary32; and of those of them that the argument proves whole its bound of the cross-entropy, without cases.",
    )
    return ["", *words, "", *render(table)] if table.row_count else []


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.2%}"


def round_down(share: float) -> str:
    """In percent: a bound that is printed is itself a true one; 1e-9 is far below a pair, and above float's error."""
    return f"{math.floor(10_000 * share + 1e-9) / 100:.2f}%"


def _describe_classes(sweeps: Mapping[str, Sequence[Row]]) -> list[str]:
    """For each of three questions the models of each class, of those that there are."""
    lines = []
    questions = {
        "explanation": ("what explains them", EXPLANATIONS),
        "why_not": ("why the argument proves less than 95 %", CAUSES),
        "why_not_rho_sets": ("why circuits alone prove less than 95 %", CAUSES),
    }
    for column, (words, names) in questions.items():
        counts = [
            (group, name, Counter(row[column] for row in rows))
            for group, parts in gather(sweeps).items()
            for name, rows in parts.items()
        ]
        present = [name for name in names if any(count[name] for *_, count in counts)]
        if present:
            table = begin_table(("group", "models of", *present), words=("group", "models of"))
            for group, name, count in counts:
                if any(count[each] for each in present):
                    table.add_row(group, name, *(str(count[each] or "") for each in present))
            lines += ["", f"{words} ({column}):", "", *render(table)]
    return lines


def _describe_models(rows: Sequence[Row]) -> list[str]:
    """A line for each model of which the argument proves less than 95 %."""
    below = [row for row in rows if row["why_not"] is not None]
    if not below:
        return []
    words = ("model", "why not", "circuits alone")
    table = begin_table(("model", "bound", "why not", "circuits alone", "accuracy", "structured"), words=words)
    for row in below[:MOST_LINES]:
        structured = None if row["structured_pairs"] is None else row["structured_pairs"] / row["pairs"]
        numbers = (_percent(row["accuracy"]), _percent(structured))
        bound, alone = round_down(row["bound_by_argument"]), row["why_not_rho_sets"] or ""
        table.add_row(row["model"], bound, row["why_not"], alone, *numbers)
    rest = len(below) - MOST_LINES
    return ["", *render(table), *([f"and {rest} more"] if rest > 0 else [])]

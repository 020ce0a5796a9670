"""How a network is trained: its architecture, its optimiser, the part of the pairs, and where this was published.

The recipes are those of the papers whose networks certgen certifies. A group of which a paper trained no network gets
settings of ours, with the recipe's optimiser.
"""

from __future__ import annotations

import argparse
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

# A group without a setting of its own; of one of fewer elements than S4, a part of the pairs does not tell the rest.
OTHER = "other groups"
SMALL = "groups of order below 24"
SMALL_ORDER = 24
MOST_SEEDS = 10_000
LARGEST_SIZE = 10**9


@dataclass(frozen=True, slots=True)
class Setting:
    """What a source chose for one group: hidden width m, part of the pairs trained on, ceiling of epochs, decay."""

    hidden: int
    part: float
    epochs: int
    weight_decay: float


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything but the group and the seed that the weights depend on; `settings` by the group's name.

    architecture: as in docs/format.md; embedding: its width as a multiple of m; has_bias: of the logits, trained, not
    decayed. decoupled: AdamW; otherwise Adam with the decay in the gradient (L2).
    """

    name: str
    source: str
    architecture: str
    embedding: int
    has_bias: bool
    decoupled: bool
    learning_rate: float
    betas: tuple[float, float]
    settings: Mapping[str, Setting]


@dataclass(frozen=True, slots=True)
class Plan:
    """A recipe with the setting for one group, as a card says it."""

    recipe: str
    source: str
    architecture: str
    hidden: int
    embedding: int
    output_bias: bool
    optimiser: str
    learning_rate: float
    betas: tuple[float, float]
    weight_decay: float
    part: float
    epochs: int
    early_stop: bool = True


RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            name="wu",
            source="Wu, Jaburi, Drori, Gross, arXiv 2410.07476",
            architecture="mapped",
            embedding=1,
            has_bias=True,
            decoupled=False,
            learning_rate=1e-2,
            betas=(0.9, 0.98),
            settings={
                "S4": Setting(64, 0.8, 50_000, 2e-4),
                "S5": Setting(128, 0.4, 25_000, 2e-4),
                "A5": Setting(256, 0.4, 25_000, 1e-4),
                OTHER: Setting(64, 0.8, 50_000, 2e-4),
                SMALL: Setting(64, 1.0, 50_000, 2e-4),
            },
        ),
        Recipe(
            name="chughtai",
            source="Chughtai, Chan, Nanda, arXiv 2302.03025",
            architecture="concatenated",
            embedding=2,
            has_bias=False,
            decoupled=True,
            learning_rate=1e-3,
            betas=(0.9, 0.98),
            settings={
                "S5": Setting(128, 0.4, 250_000, 1.0),
                "S6": Setting(128, 0.25, 250_000, 1.0),
                "A5": Setting(128, 0.5, 250_000, 1.0),
                "C113": Setting(128, 0.3, 250_000, 1.0),
                "C118": Setting(128, 0.3, 250_000, 1.0),
                "D59": Setting(128, 0.3, 250_000, 1.0),
                "D61": Setting(128, 0.3, 250_000, 1.0),
                OTHER: Setting(128, 0.8, 250_000, 1.0),
                SMALL: Setting(128, 1.0, 250_000, 1.0),
            },
        ),
    )
}


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is wanted in place of a recipe's setting; None: as the setting has it."""

    hidden: int | None = None
    part: float | None = None
    epochs: int | None = None
    early_stop: bool = True


def choose_plan(recipe: Recipe, group: str, order: int, wishes: Wishes) -> Plan:
    """The recipe's setting for a group of this name and order, but for the wishes."""
    setting = recipe.settings.get(group, recipe.settings[SMALL if order < SMALL_ORDER else OTHER])
    m = wishes.hidden or setting.hidden
    return Plan(
        recipe=recipe.name,
        source=recipe.source,
        architecture=recipe.architecture,
        hidden=m,
        embedding=recipe.embedding * m,
        output_bias=recipe.has_bias,
        optimiser="AdamW" if recipe.decoupled else "Adam",
        learning_rate=recipe.learning_rate,
        betas=recipe.betas,
        weight_decay=setting.weight_decay,
        part=wishes.part or setting.part,
        epochs=wishes.epochs or setting.epochs,
        early_stop=wishes.early_stop,
    )


def parse_seeds(text: str) -> tuple[int, ...]:
    """Numbers and ranges, as in 0-19 or 0,3,5-7, in increasing order. Errors: ArgumentTypeError."""
    seeds: set[int] = set()
    for part in text.split(","):
        match = re.fullmatch(r"([0-9]{1,9})(?:-([0-9]{1,9}))?", part)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if first > last:
            raise argparse.ArgumentTypeError(f"expected numbers and ranges as in 0-19 or 0,3,5-7, got {text!r}")
        if last - first + len(seeds) >= MOST_SEEDS:
            raise argparse.ArgumentTypeError(f"expected at most {MOST_SEEDS} seeds, got {text!r}")
        seeds |= set(range(first, last + 1))
    return tuple(sorted(seeds))


def parse_size(text: str) -> int:
    """A number from 1. Errors: ArgumentTypeError."""
    if not re.fullmatch(r"[0-9]{1,10}", text) or not 1 <= int(text) <= LARGEST_SIZE:
        raise argparse.ArgumentTypeError(f"expected a number from 1 to {LARGEST_SIZE}, got {text!r}")
    return int(text)


def parse_part(text: str) -> float:
    """A part of the pairs: more than 0, at most 1. Errors: ArgumentTypeError."""
    if not re.fullmatch(r"[0-9]*\.?[0-9]+", text) or not 0 < float(text) <= 1:
        raise argparse.ArgumentTypeError(f"expected a part above 0 and at most 1, as in 0.8, got {text!r}")
    return float(text)

"""The recipes: what their sources say, and what may be wished otherwise."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

import pytest

from certgen.recipe import OTHER, RECIPES, SMALL, Wishes, choose_plan, parse_part, parse_seeds, parse_size

DOCUMENT = Path(__file__).parents[2] / "docs" / "training.md"


def test_the_recipe_of_2410_07476() -> None:
    """Adam with L2 decay, 1e-2, betas 0.9 and 0.98; embeddings as wide as the hidden layer; a bias of the logits."""
    plans = {name: choose_plan(RECIPES["wu"], name, order, Wishes()) for name, order in (("S4", 24), ("A5", 60))}
    S5 = choose_plan(RECIPES["wu"], "S5", 120, Wishes())
    assert "2410.07476" in S5.source
    assert (S5.optimiser, S5.learning_rate, S5.betas, S5.weight_decay) == ("Adam", 1e-2, (0.9, 0.98), 2e-4)
    assert (S5.architecture, S5.hidden, S5.embedding, S5.output_bias) == ("mapped", 128, 128, True)
    assert (S5.part, S5.epochs) == (0.4, 25_000)
    assert (plans["S4"].hidden, plans["S4"].part, plans["S4"].epochs) == (64, 0.8, 50_000)
    assert (plans["A5"].hidden, plans["A5"].weight_decay, plans["A5"].epochs) == (256, 1e-4, 25_000)


def test_the_recipe_of_2302_03025() -> None:
    """AdamW, 1e-3, decay 1; embeddings twice as wide as the hidden layer, side by side; no bias."""
    plan = choose_plan(RECIPES["chughtai"], "S5", 120, Wishes())
    assert "2302.03025" in plan.source
    assert (plan.optimiser, plan.learning_rate, plan.betas, plan.weight_decay) == ("AdamW", 1e-3, (0.9, 0.98), 1.0)
    assert (plan.architecture, plan.hidden, plan.embedding, plan.output_bias) == ("concatenated", 128, 256, False)
    assert (plan.part, plan.epochs) == (0.4, 250_000)
    assert choose_plan(RECIPES["chughtai"], "S6", 720, Wishes()).part == 0.25


@pytest.mark.parametrize("recipe", RECIPES.values())
def test_a_group_that_no_paper_trained_has_a_setting(recipe: object) -> None:
    """All pairs below the order of S4, 80 % from there on."""
    (known,) = [r for r in RECIPES.values() if r is recipe]
    assert choose_plan(known, "C7", 7, Wishes()).part == 1
    assert choose_plan(known, "", 48, Wishes()).part == 0.8


def test_wishes_replace_the_setting_and_nothing_else() -> None:
    """The embeddings go with the hidden width."""
    plain = choose_plan(RECIPES["chughtai"], "S5", 120, Wishes())
    wished = choose_plan(RECIPES["chughtai"], "S5", 120, Wishes(hidden=48, part=0.6, epochs=7, early_stop=False))
    expected = dataclasses.replace(plain, hidden=48, embedding=96, part=0.6, epochs=7, early_stop=False)
    assert wished == expected


@pytest.mark.parametrize(
    ("text", "seeds"),
    [("0-3", (0, 1, 2, 3)), ("5", (5,)), ("0,3,5-7", (0, 3, 5, 6, 7)), ("7,5-6,5", (5, 6, 7)), ("4-4", (4,))],
)
def test_seeds_are_numbers_and_ranges(text: str, seeds: tuple[int, ...]) -> None:
    """In increasing order, each once."""
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize("text", ["", "3-1", "a", "1,", "-1", "1--2", "0-99999999", "٣", "1.5", " 1", "9999999999"])
def test_other_seeds_are_refused(text: str) -> None:
    """Also so many that they can only be a slip."""
    with pytest.raises(argparse.ArgumentTypeError, match="expected"):
        parse_seeds(text)


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "x", "", "99999999999", "1e3", "2000000000"])
def test_other_sizes_are_refused(text: str) -> None:
    """A size is a number from 1."""
    with pytest.raises(argparse.ArgumentTypeError, match="expected"):
        parse_size(text)
    assert parse_size("64") == 64


@pytest.mark.parametrize("text", ["0", "0.0", "1.01", "-0.5", "nan", "inf", "1e-1", "x", "", "."])
def test_other_parts_are_refused(text: str) -> None:
    """A part is above 0 and at most 1."""
    with pytest.raises(argparse.ArgumentTypeError, match="expected"):
        parse_part(text)
    assert (parse_part("0.8"), parse_part("1"), parse_part(".4")) == (0.8, 1.0, 0.4)


def test_the_settings_are_documented() -> None:
    """docs/training.md has a row for every recipe and group."""
    text = DOCUMENT.read_text()
    for recipe in RECIPES.values():
        for group, setting in recipe.settings.items():
            name = {OTHER: "other groups", SMALL: "groups of order below 24"}.get(group, group)
            decay = f"{setting.weight_decay:g}".replace("e-0", "e-")
            row = f"| `{recipe.name}` | {name} | {setting.hidden} | {100 * setting.part:g} % | {setting.epochs:,} |"
            assert f"{row} {decay} |" in text, row

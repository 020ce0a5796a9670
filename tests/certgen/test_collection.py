"""The models of a sweep, and which group each is about."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from certgen.collection import collect_models, split_numbers
from certgen.failure import ExitCode, Failure


def touch(folder: Path, *names: str) -> None:
    """Empty files."""
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).touch()


def test_models_of_a_folder_come_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    """Files of other kinds are left out, and checkpoints; a file given twice is one model."""
    touch(
        tmp_path,
        ".checkpoint-S4_seed3.pt",
        "S4_seed10.pt",
        "S4_seed2.pt",
        "A5.safetensors",
        "B.pth",
        "README.md",
        "S4_seed2.json",
    )
    given = [str(tmp_path), str(tmp_path / "B.pth")]
    names = [entry.name for entry in collect_models(given, None)]
    assert names == ["A5.safetensors", "B.pth", "S4_seed2.pt", "S4_seed10.pt"]
    assert sorted(["x10", "x9", "y1"], key=split_numbers) == ["x9", "x10", "y1"]


def test_models_of_one_name_in_two_folders_keep_their_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names of models are unique."""
    touch(tmp_path / "a", "S4.pt", "S5.pt")
    touch(tmp_path / "b", "S4.pt")
    monkeypatch.chdir(tmp_path)
    assert [entry.name for entry in collect_models(["a", "b"], None)] == ["S5.pt", "a/S4.pt", "b/S4.pt"]


def test_the_group_is_that_of_the_option_the_card_the_list_or_auto(tmp_path: Path) -> None:
    """In this order."""
    touch(tmp_path, "card.pt", "listed.pt", "nothing.pt")
    (tmp_path / "card.json").write_text(json.dumps({"group": "S4", "labels": "S4.group.json", "recipe": "paper"}))
    listing = [{"file": "listed.pt", "group": "groups/S4.json"}, {"file": "card.pt", "group": "other.json"}]
    (tmp_path / "models.json").write_text(json.dumps(listing))
    found = {entry.name: (entry.group, entry.group_from) for entry in collect_models([str(tmp_path)], None)}
    assert found == {
        "card.pt": (str(tmp_path / "S4.group.json"), "card"),
        "listed.pt": (str(tmp_path / "groups/S4.json"), "models.json"),
        "nothing.pt": ("auto", "auto"),
    }
    assert {(e.group, e.group_from) for e in collect_models([str(tmp_path)], "S4")} == {("S4", "option")}


@pytest.mark.parametrize("text", ["{", '{"format": "certificate"}', "[1]", '{"labels": 3}', "[" * 10**5])
def test_a_file_that_is_no_card_is_left_alone(tmp_path: Path, text: str) -> None:
    """A certificate may lie beside its model under that name."""
    touch(tmp_path, "S4.pt")
    (tmp_path / "S4.json").write_text(text)
    assert [entry.group_from for entry in collect_models([str(tmp_path)], None)] == ["auto"]


@pytest.mark.parametrize("text", ["{", '{"file": "S4.pt"}', "[1]", '[{"group": "S4.json"}]'])
def test_a_broken_list_is_refused(tmp_path: Path, text: str) -> None:
    """Without it, models would silently be about other labels."""
    touch(tmp_path, "S4.pt")
    (tmp_path / "models.json").write_text(text)
    with pytest.raises(Failure, match=r"models\.json") as caught:
        collect_models([str(tmp_path)], None)
    assert caught.value.code is ExitCode.GROUP


def test_a_folder_without_models_is_refused(tmp_path: Path) -> None:
    """Nothing to do is not success."""
    with pytest.raises(Failure, match="no model") as caught:
        collect_models([str(tmp_path)], None)
    assert caught.value.code is ExitCode.MODEL

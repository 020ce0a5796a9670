"""certgen train: the folder that it leaves, how it goes on after an interruption, and what it refuses."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import pytest
import torch

from certcheck.group_file import read_group
from certcheck.named_group import compute_named_elements
from certgen import model_folder
from certgen.__main__ import main
from certgen.failure import ExitCode
from certgen.logits import count_correct_pairs
from certgen.model import load_model
from certgen.model_folder import TrainingRequest, choose_batch, choose_group
from certgen.recipe import RECIPES, Wishes, choose_plan
from certgen.training import Batch
from tests.certgen.command import Run, expect_failure
from tests.certgen.small_models import cyclic

if TYPE_CHECKING:
    from collections.abc import Callable

DOCUMENT = Path(__file__).parents[2] / "docs" / "training.md"
# Three seeds of a small network, some hundred epochs.
SMALL = ("--group", "C5", "--hidden", "16", "--epochs", "300")
THREE = (*SMALL, "--seeds", "0-2")


@pytest.fixture
def train(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Run]:
    """certgen train on the CPU, in a folder of its own, with -o models unless it is said otherwise."""
    monkeypatch.chdir(tmp_path)

    def train_here(*arguments: str, output: str = "models") -> Run:
        capsys.readouterr()
        code = main(["train", *arguments, "--device", "cpu", "-o", output])
        printed = capsys.readouterr()
        return Run(code, printed.out, printed.err)

    return train_here


def names_in(folder: str) -> list[str]:
    """What is in the folder, hidden files too."""
    return sorted(path.name for path in Path(folder).iterdir())


def weights_in(folder: str, group: str = "C5", recipe: str = "wu", seeds: int = 3) -> list[bytes]:
    """The bytes of the models."""
    return [Path(folder, f"{group}_{recipe}_seed{seed}.pt").read_bytes() for seed in range(seeds)]


def read_card(path: str) -> dict[str, Any]:
    """A card."""
    card: dict[str, Any] = json.loads(Path(path).read_text())
    return card


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_folder_has_models_cards_group_and_list(recipe: str, train: Callable[..., Run]) -> None:
    """And nothing else; certgen recognises the architecture, and counts the pairs of the card."""
    result = train(*THREE, "--recipe", recipe)
    assert (result.code, result.err) == (0, "")
    stems = [f"C5_{recipe}_seed{seed}" for seed in range(3)]
    assert names_in("models") == sorted(
        [f"{stem}{s}" for stem in stems for s in (".pt", ".json")] + ["C5.group.json", "models.json"]
    )
    lines = result.out.splitlines()
    assert len(lines) == 3
    G = read_group("models/C5.group.json")
    assert (G.elements == compute_named_elements("C5", "group")).all()
    for row, stem in zip(json.loads(Path("models/models.json").read_text()), stems, strict=True):
        network = load_model(f"models/{row['file']}", None, None).network
        assert network.assignment.architecture.name == RECIPES[recipe].architecture
        card = read_card(f"models/{stem}.json")
        correct = count_correct_pairs(network, G).correct
        assert (row["file"], row["group"]) == (f"{stem}.pt", "C5.group.json")
        assert row["correct_pairs_float64"] == card["correct_pairs"] == correct
        assert (row["order"], row["hidden"], row["pairs"]) == (5, 16, 25)
        assert any(line.startswith(f"{stem}.pt: ") and f"{correct} of 25 pairs" in line for line in lines)


def test_a_card_says_what_the_document_says(train: Callable[..., Run]) -> None:
    """Every key is in docs/training.md; recipe, seed, curve and versions are those of the run."""
    train("--group", "C5", "--hidden", "16", "--epochs", "450", "--seeds", "4", "--part", "0.8")
    card = read_card("models/C5_wu_seed4.json")
    text = DOCUMENT.read_text()
    for key in (*card, *card["recipe"], *card["versions"]):
        assert f"`{key}`" in text, key
    assert (card["group"], card["order"], card["labels"], card["seed"]) == ("C5", 5, "C5.group.json", 4)
    assert (card["train_pairs"], card["epochs"], card["stopped"]) == (20, 450, "ceiling")
    assert (card["recipe"]["hidden"], card["recipe"]["part"], card["recipe"]["optimiser"]) == (16, 0.8, "Adam")
    assert [point[0] for point in card["curve"]] == [100, 200, 300, 400, 450]
    assert all(loss > 0 and 0 <= correct <= 25 and norm > 0 for _, loss, correct, norm in card["curve"])
    assert card["versions"]["torch"] == torch.__version__
    assert card["versions"]["device"] == "cpu"


def test_a_settled_seed_stops_before_the_ceiling_unless_it_is_told_not_to(train: Callable[..., Run]) -> None:
    """The card says which."""
    options = ("--group", "S3", "--hidden", "16", "--epochs", "4000", "--seeds", "1")
    train(*options)
    train(*options, "--no-early-stop", output="long")
    stopped, long = read_card("models/S3_wu_seed1.json"), read_card("long/S3_wu_seed1.json")
    assert (stopped["stopped"], long["stopped"], long["epochs"]) == ("settled", "ceiling", 4000)
    assert stopped["epochs"] < 4000
    assert stopped["epochs"] % 1000 == 0
    assert stopped["curve"] == long["curve"][: len(stopped["curve"])]
    # It would have settled all the same under another ceiling.
    assert "already there" in train(*options[:-4], "--epochs", "9000", "--seeds", "1").out


def test_what_is_there_is_left_and_what_is_missing_is_trained(train: Callable[..., Run]) -> None:
    """The rows of the list are in the order of the seeds; --force makes the same weights again."""
    train(*SMALL, "--seeds", "1")
    before = Path("models/C5_wu_seed1.pt").stat().st_mtime_ns
    result = train(*THREE, "--json")
    fields = json.loads(result.out)
    assert [row["seed"] for row in fields["models"]] == [0, 1, 2]
    assert (fields["folder"], fields["recipe"]["hidden"]) == ("models", 16)
    assert Path("models/C5_wu_seed1.pt").stat().st_mtime_ns == before
    assert [row["file"] for row in json.loads(Path("models/models.json").read_text())] == [
        f"C5_wu_seed{seed}.pt" for seed in range(3)
    ]
    first = weights_in("models")
    assert train(*THREE).out == "".join(f"C5_wu_seed{seed}.pt: already there\n" for seed in range(3))
    assert train(*THREE, "--force").code == 0
    assert weights_in("models") == first
    assert Path("models/C5_wu_seed1.pt").stat().st_mtime_ns != before


def test_an_interrupted_run_goes_on_and_gives_the_same_weights(
    train: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bit by bit, with the same cards, whatever the size of the batches; the checkpoints go in the end."""
    train(*THREE, output="whole")
    monkeypatch.setattr(model_folder, "SAVE_SECONDS", 0)
    run_epoch = Batch.run_epoch

    def interrupted(batch: Batch) -> None:
        if batch.epoch == 250:
            raise KeyboardInterrupt(signal.SIGTERM)
        run_epoch(batch)

    with monkeypatch.context() as patch:
        patch.setattr(Batch, "run_epoch", interrupted)
        result = train(*THREE)
        expect_failure(result, ExitCode.TERMINATED, "0 of 3 seeds are finished, 3 unfinished seeds are kept")
    assert names_in("models") == [f".checkpoint-C5_wu_seed{seed}.pt" for seed in range(3)] + ["C5.group.json"]
    epochs = [torch.load(path, weights_only=True)["state"]["epoch"] for path in Path("models").glob(".checkpoint*")]
    assert epochs == [200] * 3
    assert train(*THREE, "--batch", "2").code == 0
    assert names_in("models") == names_in("whole")
    assert weights_in("models") == weights_in("whole")
    for seed in range(3):
        assert read_card(f"models/C5_wu_seed{seed}.json") == read_card(f"whole/C5_wu_seed{seed}.json")


def test_an_interruption_before_the_first_checkpoint(
    train: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One sentence says that nothing is kept."""

    def interrupted(_: Batch) -> NoReturn:
        raise KeyboardInterrupt

    monkeypatch.setattr(Batch, "run_epoch", interrupted)
    expect_failure(train(*THREE), ExitCode.INTERRUPTED, "there is no checkpoint yet")
    assert names_in("models") == ["C5.group.json"]


def test_a_checkpoint_of_another_training_is_refused(
    train: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or one that is damaged; with --force neither counts. A higher ceiling is the same training."""
    monkeypatch.setattr(model_folder, "SAVE_SECONDS", 0)
    run_epoch = Batch.run_epoch

    def interrupted(batch: Batch) -> None:
        if batch.epoch == 250:
            raise KeyboardInterrupt
        run_epoch(batch)

    with monkeypatch.context() as patch:
        patch.setattr(Batch, "run_epoch", interrupted)
        train(*SMALL)
    path = Path("models/.checkpoint-C5_wu_seed0.pt")
    whole = path.read_bytes()
    for options in ((*SMALL, "--part", "0.8"), ("--group", "C5", "--hidden", "16", "--epochs", "150")):
        expect_failure(train(*options), ExitCode.OUTPUT, "the checkpoint of another training")
    assert train("--group", "C5", "--hidden", "16", "--epochs", "310").code == 0
    train("--group", "C5", "--hidden", "16", "--epochs", "310", output="whole")
    assert weights_in("models", seeds=1) == weights_in("whole", seeds=1)
    Path("models/C5_wu_seed0.pt").unlink()
    for damaged in (whole[:-100], b"", b"mine"):
        path.write_bytes(damaged)
        expect_failure(train(*SMALL), ExitCode.OUTPUT, "a damaged checkpoint")
    assert train(*SMALL, "--force").code == 0
    assert not path.exists()


def test_a_model_that_was_trained_otherwise_is_not_replaced(train: Callable[..., Run]) -> None:
    """Nor one without a card; --force replaces it."""
    train(*SMALL)
    before = Path("models/C5_wu_seed0.pt").read_bytes()
    expect_failure(train(*SMALL, "--hidden", "8"), ExitCode.OUTPUT, "was trained otherwise (C5_wu_seed0.json)")
    expect_failure(train(*SMALL, "--epochs", "400"), ExitCode.OUTPUT, "was trained otherwise")
    card = Path("models/C5_wu_seed0.json").read_text()
    for text in ("mine", "{}", "[]", card.replace('"epochs"', '"epoch"')):
        Path("models/C5_wu_seed0.json").write_text(text)
        expect_failure(train(*SMALL), ExitCode.OUTPUT, "without a card")
    assert Path("models/C5_wu_seed0.pt").read_bytes() == before
    assert train(*SMALL, "--hidden", "8", "--force").code == 0
    assert read_card("models/C5_wu_seed0.json")["recipe"]["hidden"] == 8


def test_a_group_may_come_from_a_file(train: Callable[..., Run], tmp_path: Path) -> None:
    """Its labels are those of the file; the models are named after it."""
    shuffled = np.random.default_rng(0).permutation(5)
    table = np.argsort(shuffled)[cyclic(5)[np.ix_(shuffled, shuffled)]]
    (tmp_path / "my group.v2.json").write_text(json.dumps({"table": table.tolist()}))
    assert train("--group", "my group.v2.json", "--hidden", "16", "--epochs", "300").code == 0
    assert names_in("models") == [
        "models.json",
        "my-group.group.json",
        "my-group_wu_seed0.json",
        "my-group_wu_seed0.pt",
    ]
    assert (read_group("models/my-group.group.json").table == table).all()
    assert read_card("models/my-group_wu_seed0.json")["correct_pairs"] == 25
    assert train("--group", "models/my-group.group.json", "--hidden", "16", "--epochs", "300").out.endswith("there\n")


def test_a_folder_of_another_group_is_refused(train: Callable[..., Run], tmp_path: Path) -> None:
    """The labels of the models there would be lost."""
    (tmp_path / "C5.json").write_text(json.dumps((cyclic(5)[:, [0, 2, 4, 1, 3]][[0, 2, 4, 1, 3]]).tolist()))
    train(*SMALL)
    Path("models/C5.group.json").write_text(json.dumps(cyclic(6).tolist()))
    expect_failure(train(*SMALL, "--seeds", "1"), ExitCode.OUTPUT, "another group, or another order of its elements")
    Path("models/C5.group.json").write_text("mine")
    expect_failure(train(*SMALL, "--seeds", "1"), ExitCode.OUTPUT, "C5.group.json")


def test_rows_of_other_models_stay_in_the_list(train: Callable[..., Run]) -> None:
    """A list that is none is refused before anything is trained."""
    Path("models").mkdir()
    other = {"file": "other.pt", "group": "other.json", "note": "mine"}
    Path("models/models.json").write_text(json.dumps([other]))
    train(*SMALL)
    rows = json.loads(Path("models/models.json").read_text())
    assert [row["file"] for row in rows] == ["other.pt", "C5_wu_seed0.pt"]
    assert rows[0] == other
    Path("models/models.json").write_text("{}")
    expect_failure(train(*SMALL, "--seeds", "1"), ExitCode.OUTPUT, "models.json: expected a list")
    assert "C5_wu_seed1.pt" not in names_in("models")


@pytest.mark.parametrize(
    ("group", "words"),
    [
        ("Z5", "Z5"),
        ("auto", "auto"),
        ("S7", "expected a group of order at most 1000 to train on, got 5040"),
        ("C1009", "at most 1000"),
        ("missing.json", "missing.json"),
    ],
)
def test_groups_that_cannot_be_trained_are_refused(group: str, words: str, train: Callable[..., Run]) -> None:
    """Before a folder is made."""
    expect_failure(train("--group", group), ExitCode.GROUP, words)
    assert not Path("models").exists()


def test_a_folder_that_cannot_be_written_is_refused(train: Callable[..., Run], tmp_path: Path) -> None:
    """A file is in its place, or nobody may write there."""
    (tmp_path / "models").write_text("mine")
    expect_failure(train(*SMALL), ExitCode.OUTPUT, "models: cannot be a folder for models")
    expect_failure(train(*SMALL, output="/proc/models"), ExitCode.OUTPUT, "/proc/models")


@pytest.mark.parametrize(
    "options",
    [
        ["--seeds", "3-1"],
        ["--hidden", "0"],
        ["--part", "2"],
        ["--epochs", "-1"],
        ["--batch", "x"],
        ["--recipe", "mine"],
        ["--device", "tpu"],
    ],
)
def test_options_are_checked(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Wrong usage, with the option's name."""
    with pytest.raises(SystemExit) as ended:
        main(["train", *SMALL, *options, "-o", "models"])
    assert ended.value.code == 2
    assert options[0] in capsys.readouterr().err


def test_cuda_is_used_only_where_it_is(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Asked for where there is none, it is wrong usage."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert (model_folder.find_device("auto"), model_folder.find_device("cuda")) == ("cpu", None)
    with pytest.raises(SystemExit) as ended:
        main(["train", *SMALL, "--device", "cuda", "-o", "models"])
    assert ended.value.code == 2
    assert "no CUDA device" in capsys.readouterr().err
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert (model_folder.find_device("auto"), model_folder.find_device("cpu")) == ("cuda", "cpu")


def test_seeds_at_once_fit_into_the_memory() -> None:
    """All twenty of S4, fewer of larger groups, at least one; as many as is said."""

    def choose(name: str, batch: int | None = None) -> int:
        _, G = choose_group(name)
        plan = choose_plan(RECIPES["wu"], name, G.order, Wishes())
        return choose_batch(TrainingRequest(name, G, plan, (0,), Path("models"), "cpu", batch))

    assert choose("S4") >= 20
    # No tensor of more than 32 MiB: activations of all training pairs.
    assert 1 <= choose("S5") < 2**25 / (4 * 5760 * 128)
    assert choose("S6") == 1
    assert choose("S4", 3) == 3


def test_a_trained_model_is_certified(train: Callable[..., Run], capsys: pytest.CaptureFixture[str]) -> None:
    """With the group file beside it: all that the card counts."""
    train("--group", "S3", "--hidden", "16", "--epochs", "1500")
    capsys.readouterr()
    model, group = "models/S3_wu_seed0.pt", "models/S3.group.json"
    assert main([model, "--group", group, "-o", "cert.json", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["verdict"], result["labels_from"], result["architecture"]) == ("VERIFIED", "given", "mapped")
    assert result["correct_pairs_at_least"] == read_card("models/S3_wu_seed0.json")["correct_pairs"] == 36

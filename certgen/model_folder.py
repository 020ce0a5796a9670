"""A folder of trained models: weights, cards, the group file, checkpoints, and the list that `make bench` reads.

docs/training.md describes each file.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import itertools
import json
import math
import platform
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from certcheck import __version__
from certcheck.group import Group, check_group
from certcheck.group_file import read_group
from certcheck.named_group import compute_named_elements, compute_named_order, is_group_name
from certcheck.verdict import Refusal
from certgen.ending import find_code
from certgen.failure import ExitCode, Failure, failing_as
from certgen.output import expect_writable, write_files
from certgen.recipe import Plan
from certgen.training import (
    LINE,
    Batch,
    Point,
    SeedState,
    Task,
    count_correct_pairs,
    draw_initial,
    pad,
    start_seed,
    train,
    unpad_weights,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

# All n^2 pairs are held at once.
LARGEST_ORDER = 1000
SAVE_SECONDS = 30.0
# More make single tensors of more than 32 MiB, which malloc takes from the system, cleared, and gives back, at every
# step: twice as slow (docs/training.md).
BYTES_ON_CPU = 1 << 28
CHECKPOINT = "certgen checkpoint 1"
CARD = "certgen model card 1"


@dataclass(frozen=True, slots=True)
class TrainingRequest:
    """What is to be trained: so many seeds of one task, which of them at once, and where it is written.

    name: of the group, for the files' names.
    """

    name: str
    G: Group
    plan: Plan
    seeds: tuple[int, ...]
    folder: Path
    device: str
    batch: int | None = None
    force: bool = False

    @property
    def task(self) -> Task:
        """The table and the plan."""
        return Task(torch.from_numpy(self.G.table.astype("int64")), self.plan)

    @property
    def group_file(self) -> Path:
        """The elements in the order of the labels."""
        return self.folder / f"{self.name}.group.json"

    def path(self, seed: int, suffix: str) -> Path:
        """A seed's model (.pt) or card (.json)."""
        return self.folder / f"{self.name}_{self.plan.recipe}_seed{seed}{suffix}"

    def checkpoint(self, seed: int) -> Path:
        """Where a seed's state is kept until it is trained."""
        return self.folder / f".checkpoint-{self.name}_{self.plan.recipe}_seed{seed}.pt"


def choose_group(wanted: str) -> tuple[str, Group]:
    """A group by its name or from a file, and a name for the files. Errors: Failure (GROUP)."""
    with failing_as(ExitCode.GROUP):
        if is_group_name(wanted):
            _expect_small(wanted, compute_named_order(wanted, "--group"))
            return wanted, check_group(compute_named_elements(wanted, "--group"), "--group")
        G = read_group(wanted)
    _expect_small(wanted, G.order)
    return re.sub(r"[^A-Za-z0-9-]+", "-", Path(wanted).name.split(".")[0]).strip("-") or "group", G


def _expect_small(wanted: str, order: int) -> None:
    if order > LARGEST_ORDER:
        sentence = f"--group {wanted}: expected a group of order at most {LARGEST_ORDER} to train on, got {order}"
        raise Failure(ExitCode.GROUP, sentence)


def find_setting_name(name: str, G: Group) -> str:
    """The name under which a recipe may know the group: a file's counts if the order fits."""
    try:
        return name if is_group_name(name) and compute_named_order(name, "group") == G.order else ""
    except Refusal:
        return ""


def find_device(wanted: str) -> str | None:
    """`cpu` or `cuda` for what is wanted, `auto` among them; None if there is no such device here."""
    found = torch.cuda.is_available()
    return {"auto": "cuda" if found else "cpu", "cpu": "cpu", "cuda": "cuda" if found else None}[wanted]


def choose_batch(request: TrainingRequest) -> int:
    """How many seeds fit into the memory at once: half of that of a CUDA device, 256 MiB on the CPU."""
    if request.batch is not None:
        return request.batch
    plan, n = request.plan, request.G.order
    m, width, pairs = pad(plan.hidden), pad(plan.embedding), pad(request.task.pairs)
    # Inputs, activations, their gradients; logits likewise; weights, gradients, moments, the last window's network.
    floats = 5 * pairs * m + 5 * pairs * n + 5 * (2 * n * width + 2 * width * m + m * n) + LINE * n
    memory = BYTES_ON_CPU if request.device == "cpu" else torch.cuda.mem_get_info()[0] // 2
    return max(1, memory // (4 * floats))


def train_models(request: TrainingRequest, tell: Callable[[str], None]) -> list[dict[str, Any]]:
    """A row for every seed, each trained and written, or there already. Errors: Failure (OUTPUT, INTERRUPTED)."""
    prepare_folder(request)
    rows = {seed: row for seed in request.seeds if (row := _find_finished(request, seed)) is not None}
    for row in rows.values():
        tell(f"{row['file']}: already there")
    try:
        for batch in _form_batches(request, [seed for seed in request.seeds if seed not in rows]):
            for finished in train(request.task, batch, request.device, Saver(request)):
                for state in finished:
                    rows[state.seed] = write_model(request, state)
                    tell(describe_row(rows[state.seed]))
                write_models_list(request, [rows[state.seed] for state in finished])
    except KeyboardInterrupt as interruption:
        kept = [seed for seed in request.seeds if request.checkpoint(seed).exists()]
        words = f"{len(kept)} unfinished seeds are kept in checkpoints" if kept else "there is no checkpoint yet"
        sentence = (
            f"interrupted: {len(rows)} of {len(request.seeds)} seeds are finished, {words}; give the same command"
        )
        raise Failure(find_code(interruption), f"{sentence} to go on") from interruption
    write_models_list(request, list(rows.values()))
    return [rows[seed] for seed in request.seeds]


def _form_batches(request: TrainingRequest, seeds: Sequence[int]) -> Iterator[list[SeedState]]:
    """The states of all seeds, as many at once as fit and of one epoch each, those with checkpoints first."""
    most = choose_batch(request)
    kept = [read_checkpoint(request, seed) for seed in seeds if request.checkpoint(seed).exists()]
    for _, same in itertools.groupby(sorted(kept, key=lambda state: -state.epoch), lambda state: state.epoch):
        states = list(same)
        yield from (states[start : start + most] for start in range(0, len(states), most))
    known = {state.seed for state in kept}
    fresh = [seed for seed in seeds if seed not in known]
    for start in range(0, len(fresh), most):
        yield [start_seed(request.task, seed) for seed in fresh[start : start + most]]


def describe_row(row: dict[str, Any]) -> str:
    """One line about a finished seed."""
    ended = "settled after" if row["stopped"] == "settled" else "not settled at the ceiling of"
    pairs = f"{row['correct_pairs_float64']} of {row['pairs']} pairs are correct in float64"
    return f"{row['file']}: {ended} {row['epochs']:,} epochs, {pairs}"


def prepare_folder(request: TrainingRequest) -> None:
    """The folder with the group file. Errors: Failure (OUTPUT)."""
    content = {"name": request.name, "degree": request.G.degree, "elements": request.G.elements.tolist()}
    try:
        request.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Failure(ExitCode.OUTPUT, f"{request.folder}: cannot be a folder for models: {error.strerror}") from error
    expect_writable(request.folder / "models.json", (), force=True)
    read_models_list(request)
    if request.group_file.exists():
        with failing_as(ExitCode.OUTPUT):
            there = read_group(str(request.group_file))
        if there.elements.tolist() != content["elements"]:
            sentence = f"{request.group_file}: another group, or another order of its elements; choose another folder"
            raise Failure(ExitCode.OUTPUT, sentence)
    else:
        write_files({request.group_file: (json.dumps(content, separators=(",", ":")) + "\n").encode()}, force=True)


def _find_finished(request: TrainingRequest, seed: int) -> dict[str, Any] | None:
    """The row of a seed that is trained already. Errors: Failure (OUTPUT) if that was something else."""
    model, card_path = request.path(seed, ".pt"), request.path(seed, ".json")
    if request.force or not model.exists():
        return None
    try:
        card = json.loads(card_path.read_text())
        row = make_row(model.name, card)
        same = card["table_sha256"] == hash_table(request) and _says_the_same(card, request.plan)
    except (OSError, ValueError, KeyError, TypeError) as error:
        sentence = f"{model}: the file exists, without a card that says how it was trained; --force to replace it"
        raise Failure(ExitCode.OUTPUT, sentence) from error
    if not same:
        sentence = f"{model}: the file exists and was trained otherwise ({card_path.name}); choose another folder, or"
        raise Failure(ExitCode.OUTPUT, f"{sentence} --force to replace it")
    return row


def _says_the_same(card: dict[str, Any], plan: Plan) -> bool:
    """Whether the plan would give the card's model: settled earlier, it does not depend on the ceiling."""
    ceiling = card["recipe"]["epochs"]
    if card["stopped"] == "settled" and card["epochs"] <= plan.epochs:
        ceiling = plan.epochs
    planned = dataclasses.asdict(plan) | {"betas": list(plan.betas)}
    return bool(card["recipe"] | {"epochs": ceiling} == planned)


def hash_table(request: TrainingRequest) -> str:
    """SHA-256 of the multiplication table, row by row as little-endian 32-bit integers."""
    return hashlib.sha256(request.G.table.astype("<i4").tobytes()).hexdigest()


def make_row(file: str, card: dict[str, Any]) -> dict[str, Any]:
    """What models.json says of a model, and how its training ended."""
    return {
        "file": file,
        "group": card["labels"],
        "order": card["order"],
        "hidden": card["recipe"]["hidden"],
        "correct_pairs_float64": card["correct_pairs"],
        "pairs": card["order"] ** 2,
        "seed": card["seed"],
        "epochs": card["epochs"],
        "stopped": card["stopped"],
    }


def make_card(request: TrainingRequest, state: SeedState) -> dict[str, Any]:
    """All that is known of a trained seed (docs/training.md)."""
    _, pairs = draw_initial(request.task, state.seed)
    settled = request.plan.early_stop and state.is_settled
    return {
        "format": CARD,
        "group": request.name,
        "order": request.G.order,
        "labels": request.group_file.name,
        "table_sha256": hash_table(request),
        "recipe": dataclasses.asdict(request.plan),
        "seed": state.seed,
        "epochs": state.epoch,
        "stopped": "settled" if settled else "ceiling",
        "correct_pairs": count_correct_pairs(request.task, state.weights),
        "train_pairs": len(pairs),
        "curve": [[value if math.isfinite(value) else None for value in point] for point in state.curve],
        "versions": {
            "certgen": __version__,
            "python": platform.python_version(),
            "torch": torch.__version__,
            "device": "cpu" if request.device == "cpu" else torch.cuda.get_device_name(),
        },
    }


def write_model(request: TrainingRequest, state: SeedState) -> dict[str, Any]:
    """Write a trained seed with its card, remove its checkpoint; the row. Errors: Failure (OUTPUT)."""
    card = make_card(request, state)
    lines = ",\n".join(f" {json.dumps(key)}: {json.dumps(value, allow_nan=False)}" for key, value in card.items())
    model = request.path(state.seed, ".pt")
    weights = _pack(unpad_weights(request.task, state.weights))
    write_files({request.path(state.seed, ".json"): f"{{\n{lines}\n}}\n".encode(), model: weights}, force=True)
    request.checkpoint(state.seed).unlink(missing_ok=True)
    return make_row(model.name, card)


def read_models_list(request: TrainingRequest) -> dict[str, dict[str, Any]]:
    """The rows of models.json by file; none if there is no such list. Errors: Failure (OUTPUT)."""
    path = request.folder / "models.json"
    try:
        rows = json.loads(path.read_text()) if path.exists() else []
        if isinstance(rows, list):
            return {row["file"]: row for row in rows}
    except (OSError, ValueError, KeyError, TypeError):
        pass
    raise Failure(ExitCode.OUTPUT, f"{path}: expected a list of objects with `file`; move the file, or repair it")


def write_models_list(request: TrainingRequest, rows: Sequence[dict[str, Any]]) -> None:
    """Add the rows to models.json, in place of those of the same files. Errors: Failure (OUTPUT)."""
    known = read_models_list(request)
    merged = known | {row["file"]: row for row in rows}
    if merged != known:
        # Shorter names first: seed 10 comes after seed 9.
        content = json.dumps(sorted(merged.values(), key=lambda row: (len(row["file"]), row["file"])), indent=1)
        write_files({request.folder / "models.json": f"{content}\n".encode()}, force=True)


class Saver:
    """Writes the checkpoints of a batch every SAVE_SECONDS."""

    def __init__(self, request: TrainingRequest) -> None:
        self.request = request
        self.saved = time.monotonic()

    def __call__(self, batch: Batch) -> None:
        """Write them, if it is time."""
        if time.monotonic() - self.saved >= SAVE_SECONDS:
            batch.update_states()
            for state in batch.states:
                write_checkpoint(self.request, state)
            self.saved = time.monotonic()


def _name_plan(request: TrainingRequest) -> str:
    """What a checkpoint was made for: all of the plan but the ceiling, which may be raised."""
    return json.dumps(dataclasses.asdict(request.plan) | {"epochs": 0})


def write_checkpoint(request: TrainingRequest, state: SeedState) -> None:
    """Keep a seed's state. Errors: Failure (OUTPUT)."""
    fields = {field.name: getattr(state, field.name) for field in dataclasses.fields(state)}
    fields["curve"] = [list(point) for point in state.curve]
    content = {"format": CHECKPOINT, "plan": _name_plan(request), "table_sha256": hash_table(request), "state": fields}
    write_files({request.checkpoint(state.seed): _pack(content)}, force=True)


def read_checkpoint(request: TrainingRequest, seed: int) -> SeedState:
    """The state in the seed's checkpoint.

    Errors: Failure (OUTPUT) if it cannot be read or is of another training; with --force the seed starts anew then.
    """
    path = request.checkpoint(seed)
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        made_for = (content["format"], content["plan"], content["table_sha256"])
        state = SeedState(**content["state"])
        state.curve = [Point(*point) for point in state.curve]
    except Exception as error:
        # torch gives no closed list of what a damaged file raises.
        if request.force:
            return start_seed(request.task, seed)
        raise Failure(ExitCode.OUTPUT, f"{path}: a damaged checkpoint; remove it to start the seed anew") from error
    if made_for == (CHECKPOINT, _name_plan(request), hash_table(request)) and state.epoch < request.plan.epochs:
        return state
    if request.force:
        return start_seed(request.task, seed)
    sentence = f"{path}: the checkpoint of another training; give its options to go on, or remove it to start anew"
    raise Failure(ExitCode.OUTPUT, sentence)


def _pack(content: dict[str, Any]) -> bytes:
    """The bytes of torch.save, which would write the name of a file into it."""
    stored = io.BytesIO()
    torch.save(content, stored)
    return stored.getvalue()

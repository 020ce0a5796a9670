"""certgen's command line: one sentence, one exit code and no file for every kind of bad input."""

from __future__ import annotations

import json
import os
import warnings
from typing import TYPE_CHECKING, NoReturn

import numpy as np
import pytest
import torch

from certcheck.document import StatementSection
from certgen import generate
from certgen.failure import ExitCode
from tests.certgen.command import OUTPUT, Run, expect_failure
from tests.certgen.small_models import (
    Weights,
    constant_weights,
    cyclic,
    cyclic_weights,
    detector_weights,
    save_model,
    save_tensors,
    tensors_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

C5 = cyclic_weights("direct", 5)


def save_raw(path: Path, value: object) -> None:
    """Anything that torch can save."""
    torch.save(value, path)


class Malicious:
    """An object whose unpickling makes a folder named `executed` where the program runs."""

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, ("executed",)


def changed(**parts: np.ndarray[tuple[int, ...], np.dtype[np.float64]] | None) -> Weights:
    """The weights of a good model with some replaced, added, or left out."""
    return {name: values for name, values in (C5 | parts).items() if values is not None}


def with_value(value: float) -> Weights:
    """The weights of a good model with one of them changed."""
    out = C5["out"].copy()
    out[2, 3] = value
    return changed(out=out)


def truncate(path: Path, keep: float) -> None:
    """Keep the first part of a good model file."""
    save_model(path, C5)
    data = path.read_bytes()
    path.write_bytes(data[: int(keep * len(data))])


def save_script(path: Path) -> None:
    """A TorchScript archive: a program, not a state dict."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), path)


def save_one_tensor(path: Path, tensor: torch.Tensor) -> None:
    """A good model but for one tensor."""
    save_raw(path, tensors_of(C5) | {"out": tensor})


INTEGERS = torch.ones(11, 5, dtype=torch.int64)
# The file's name, how it is made (if it is), and words of the sentence.
BAD_MODELS: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "missing": ("model.pt", lambda _: None, "No such file"),
    "missing safetensors": ("model.safetensors", lambda _: None, "No such file"),
    "a folder": ("model.pt", lambda p: p.mkdir(), "a file cannot be read"),
    "a folder of safetensors": ("model.safetensors", lambda p: p.mkdir(), "a file cannot be read"),
    "empty": ("model.pt", lambda p: p.touch(), "a torch state dict"),
    "empty safetensors": ("model.safetensors", lambda p: p.touch(), "a safetensors file"),
    "truncated at once": ("model.pt", lambda p: truncate(p, 0.05), "a torch state dict"),
    "truncated": ("model.pt", lambda p: truncate(p, 0.6), "a torch state dict"),
    "truncated safetensors header": ("model.safetensors", lambda p: truncate(p, 0.1), "a safetensors file"),
    "truncated safetensors": ("model.safetensors", lambda p: truncate(p, 0.9), "a whole file"),
    "text": ("model.pt", lambda p: p.write_text("weights\n" * 99), "a torch state dict"),
    "text as safetensors": ("model.safetensors", lambda p: p.write_text("weights\n" * 99), "a safetensors file"),
    "a picture": ("model.pt", lambda p: p.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(500)), "a torch state dict"),
    "a pickle that wants code": ("model.pt", lambda p: save_raw(p, Malicious()), "without running code"),
    "a state dict that wants code": (
        "model.pt",
        lambda p: save_raw(p, tensors_of(C5) | {"more": Malicious()}),
        "without running code",
    ),
    "an old pickle that wants code": (
        "model.pt",
        lambda p: torch.save(Malicious(), p, _use_new_zipfile_serialization=False),
        "without running code",
    ),
    "a whole module": ("model.pt", lambda p: save_raw(p, torch.nn.Linear(2, 2)), "without running code"),
    "a program": ("model.pt", save_script, "without running code"),
    "a list": ("model.pt", lambda p: save_raw(p, [1, 2]), "got 0 such dicts"),
    "a tensor": ("model.pt", lambda p: save_raw(p, torch.ones(2, 2)), "got 0 such dicts"),
    "no tensors": ("model.pt", lambda p: save_raw(p, {}), "got 0 such dicts"),
    "numbers": ("model.pt", lambda p: save_raw(p, {"left": 1.0}), "got 0 such dicts"),
    "two state dicts": (
        "model.pt",
        lambda p: save_raw(p, {"one": tensors_of(C5), "two": tensors_of(C5)}),
        "got 2 such dicts",
    ),
    "unknown names": (
        "model.pt",
        lambda p: save_model(p, {"fc1": C5["left"], "fc2": C5["right"], "fc3": C5["out"]}),
        "parameter names that are known for an architecture, or NAME:role=tensor,..., got fc1, fc2, fc3",
    ),
    "a name too few": ("model.pt", lambda p: save_model(p, changed(right=None)), "parameter names that are known"),
    "a name too many": ("model.pt", lambda p: save_model(p, changed(more=C5["out"])), "parameter names that are known"),
    "another width": ("model.pt", lambda p: save_model(p, changed(right=np.ones((5, 12)))), "(n, m) with m = 11"),
    "another order": ("model.pt", lambda p: save_model(p, changed(right=np.ones((6, 11)))), "(n, m) with n = 5"),
    "unembedding transposed": ("model.pt", lambda p: save_model(p, changed(out=C5["out"].T)), "(m, n) with m = 11"),
    "bias of another width": (
        "model.pt",
        lambda p: save_model(p, changed(hidden_bias=np.ones(5))),
        "(m) with m = 11 for the role hidden_bias",
    ),
    "one axis": ("model.pt", lambda p: save_model(p, changed(left=np.ones(5))), "2 axes (n, m)"),
    "no axis": ("model.pt", lambda p: save_model(p, changed(left=np.array(1.0))), "2 axes (n, m)"),
    "three axes": ("model.pt", lambda p: save_model(p, changed(left=C5["left"][None])), "2 axes (n, m)"),
    "no labels": (
        "model.pt",
        lambda p: save_model(p, {"left": np.ones((0, 4)), "right": np.ones((0, 4)), "out": np.ones((4, 0))}),
        "shape",
    ),
    "no labels in safetensors": (
        "model.safetensors",
        lambda p: save_model(p, {"left": np.ones((0, 4)), "right": np.ones((0, 4)), "out": np.ones((4, 0))}),
        "shape",
    ),
    "no neurons": (
        "model.pt",
        lambda p: save_model(p, {"left": np.ones((3, 0)), "right": np.ones((3, 0)), "out": np.ones((0, 3))}),
        "shape",
    ),
    "NaN": ("model.pt", lambda p: save_model(p, with_value(np.nan)), "a weight is NaN or infinite"),
    "infinity": ("model.pt", lambda p: save_model(p, with_value(np.inf)), "a weight is NaN or infinite"),
    "minus infinity": (
        "model.safetensors",
        lambda p: save_model(p, with_value(-np.inf)),
        "a weight is NaN or infinite",
    ),
    "NaN in safetensors": (
        "model.safetensors",
        lambda p: save_model(p, with_value(np.nan), "bfloat16"),
        "a weight is NaN or infinite",
    ),
    "integers": ("model.pt", lambda p: save_one_tensor(p, INTEGERS), "got int64"),
    "integers in safetensors": (
        "model.safetensors",
        lambda p: save_tensors(p, tensors_of(C5) | {"out": INTEGERS}),
        "I64",
    ),
    "booleans": ("model.pt", lambda p: save_one_tensor(p, INTEGERS.bool()), "got bool"),
    "complex numbers": ("model.pt", lambda p: save_one_tensor(p, INTEGERS.to(torch.complex64)), "got complex64"),
    "a sparse tensor": ("model.pt", lambda p: save_one_tensor(p, INTEGERS.float().to_sparse()), "dense tensors"),
    "a tensor without data": (
        "model.pt",
        lambda p: save_one_tensor(p, torch.empty(11, 5, device="meta")),
        "dense tensors",
    ),
    "another suffix": ("model.bin", lambda p: save_raw(p, tensors_of(C5)), "a .pt, .pth or .safetensors file"),
    "no suffix": ("model", lambda p: save_raw(p, tensors_of(C5)), "a .pt, .pth or .safetensors file"),
    "several instances": (
        "model.pt",
        lambda p: save_model(p, {name: np.stack([values] * 3) for name, values in C5.items()}),
        "the instance to take (--instance), got 3 of them",
    ),
    "no instances": (
        "model.pt",
        lambda p: save_model(p, {name: values[None][:0] for name, values in C5.items()}),
        "model.pt: expected",
    ),
    "uneven instances": (
        "model.pt",
        lambda p: save_model(p, {name: np.stack([values] * (2 + (name == "out"))) for name, values in C5.items()}),
        "the instance to take (--instance)",
    ),
}


@pytest.mark.parametrize("name", BAD_MODELS)
def test_a_bad_model_is_refused(name: str, tmp_path: Path, run: Callable[..., Run]) -> None:
    """One sentence with the reason, the exit code of a bad model, no file and no code of the model's own."""
    file, make, words = BAD_MODELS[name]
    make(tmp_path / file)
    before = sorted(tmp_path.iterdir())
    expect_failure(run(file), ExitCode.MODEL, words)
    assert sorted(tmp_path.iterdir()) == before
    assert not (tmp_path / "executed").exists()


def test_the_malicious_object_would_have_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pickle of the tests above does what they say when it is loaded with trust."""
    monkeypatch.chdir(tmp_path)
    save_raw(tmp_path / "model.pt", Malicious())
    torch.load(tmp_path / "model.pt", weights_only=False)
    assert (tmp_path / "executed").is_dir()


BAD_OPTIONS = {
    "unknown architecture": (["--architecture", "transformer"], ExitCode.MODEL, "got transformer"),
    "empty architecture": (["--architecture", ""], ExitCode.MODEL, "this architecture is not on the list"),
    "another architecture": (["--architecture", "mapped"], ExitCode.MODEL, "known for mapped"),
    "no roles": (["--architecture", "direct:"], ExitCode.MODEL, "each role once and every tensor used"),
    "role left out": (["--architecture", "direct:left=left,right=right"], ExitCode.MODEL, "the role out of direct"),
    "role twice": (
        ["--architecture", "direct:left=left,left=right,out=out"],
        ExitCode.MODEL,
        "direct:role=tensor,... with each role once",
    ),
    "tensor twice": (["--architecture", "direct:left=left,right=left,out=out"], ExitCode.MODEL, "a tensor of its own"),
    "tensor that is not there": (
        ["--architecture", "direct:left=left,right=right,out=W_U"],
        ExitCode.MODEL,
        "the name of a tensor, got W_U",
    ),
    "tensor unused": (["--architecture", "direct_tied:embedding=left,out=out"], ExitCode.MODEL, "right"),
    "unknown role": (["--architecture", "direct:left=left,right=right,head=out"], ExitCode.MODEL, "got head"),
    "instance of none": (["--instance", "0"], ExitCode.MODEL, "a leading axis of instances in every tensor, got none"),
    "a group file that is missing": (["--group", "group.json"], ExitCode.GROUP, "No such file"),
    "a group's name of another order": (["--group", "S5"], ExitCode.GROUP, "expected a group of order 5"),
    "a group that is too large": (["--group", "S9"], ExitCode.GROUP, "the group is too large"),
}


@pytest.mark.parametrize("name", BAD_OPTIONS)
def test_bad_options_are_refused(name: str, tmp_path: Path, run: Callable[..., Run]) -> None:
    """Names that fit neither the model nor the lists end the run with one sentence."""
    arguments, code, words = BAD_OPTIONS[name]
    save_model(tmp_path / "model.pt", C5)
    expect_failure(run("model.pt", *arguments), code, words)
    assert [path.name for path in tmp_path.iterdir()] == ["model.pt"]


def test_an_instance_that_is_not_there_is_refused(tmp_path: Path, run: Callable[..., Run]) -> None:
    """Instances are counted from 0."""
    save_model(tmp_path / "model.pt", {name: np.stack([values] * 3) for name, values in C5.items()})
    expect_failure(run("model.pt", "--instance", "3"), ExitCode.MODEL, "an instance from 0 to 2, got 3")
    assert [path.name for path in tmp_path.iterdir()] == ["model.pt"]


@pytest.mark.parametrize("tensor", ["größe", "a\nb", "a" * 201])
def test_a_tensor_name_that_no_certificate_may_hold_is_refused(
    tensor: str, tmp_path: Path, run: Callable[..., Run]
) -> None:
    """The format has short names in printable ASCII: this is said of the model, before the work is done."""
    save_model(tmp_path / "model.pt", {tensor: C5["left"], "right": C5["right"], "out": C5["out"]})
    result = run("model.pt", "--architecture", f"direct:left={tensor},right=right,out=out")
    expect_failure(result, ExitCode.MODEL, "printable ASCII")
    assert [path.name for path in tmp_path.iterdir()] == ["model.pt"]


# The text, the file's name and the words of the sentence.
BAD_GROUPS = {
    "of another order": ("[[0,1],[1,0]]", "group.json", "expected a group of order 5"),
    "not associative": (json.dumps([[(x - y) % 5 for y in range(5)] for x in range(5)]), "group.json", "a group"),
    "not JSON": ("C5", "group.json", "one JSON value"),
    "empty": ("", "group.json", "group.json"),
    "empty csv": ("", "group.csv", "group.csv"),
    "not numbers": ("a,b\nb,a\n", "group.csv", "separated by commas"),
    "not an array": ("[[0]]", "group.npy", "an array in .npy format"),
}


@pytest.mark.parametrize("name", BAD_GROUPS)
def test_a_bad_group_file_is_refused(name: str, tmp_path: Path, run: Callable[..., Run]) -> None:
    """One sentence with the reason, the exit code of a bad group, and no file."""
    text, file, words = BAD_GROUPS[name]
    save_model(tmp_path / "model.pt", C5)
    (tmp_path / file).write_text(text)
    expect_failure(run("model.pt", "--group", file), ExitCode.GROUP, words)
    assert sorted(path.name for path in tmp_path.iterdir()) == [file, "model.pt"]


def test_the_name_of_another_group_is_refused_with_advice(tmp_path: Path, run: Callable[..., Run]) -> None:
    """The model's answers are C6, not S3."""
    save_model(tmp_path / "model.pt", cyclic_weights("direct", 6))
    expect_failure(
        run("model.pt", "--group", "S3"), ExitCode.GROUP, "not found to be isomorphic to S3; try --group auto"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["model.pt"]


def test_answers_that_are_no_group_are_refused_with_advice(tmp_path: Path, run: Callable[..., Run]) -> None:
    """A network that answers the same for every pair has learned no group."""
    save_model(tmp_path / "model.pt", constant_weights(5))
    expect_failure(run("model.pt"), ExitCode.GROUP, "give the group and its labels with --group FILE")
    assert [path.name for path in tmp_path.iterdir()] == ["model.pt"]


@pytest.mark.parametrize("name", ["constant", "all ties", "one pair in n"])
def test_a_model_that_is_not_above_chance_is_refused(name: str, tmp_path: Path, run: Callable[..., Run]) -> None:
    """There is nothing to certify, and no file is written."""
    weights = {
        "constant": constant_weights(5),
        "all ties": changed(out=np.zeros_like(C5["out"])),
        "one pair in n": detector_weights(cyclic(5), [(0, y) for y in range(5)]),
    }[name]
    save_model(tmp_path / "model.pt", weights)
    (tmp_path / "group.json").write_text(json.dumps(cyclic(5).tolist()))
    words = f"only {0 if name == 'all ties' else 5} of 25 pairs are proved, not above chance"
    expect_failure(run("model.pt", "--group", "group.json"), ExitCode.NOTHING_TO_PROVE, words)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["group.json", "model.pt"]


@pytest.mark.parametrize("json_too", [[], ["--json"]])
def test_an_output_that_exists_is_kept(json_too: list[str], tmp_path: Path, run: Callable[..., Run]) -> None:
    """Without --force the file stays byte by byte, and the sentence says how to replace it."""
    save_model(tmp_path / "model.pt", C5)
    (tmp_path / OUTPUT).write_text("old")
    expect_failure(run("model.pt", *json_too), ExitCode.OUTPUT, "--force to replace it")
    assert (tmp_path / OUTPUT).read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == [OUTPUT, "model.pt"]


@pytest.mark.parametrize("output", ["missing/cert.json", "model.pt/cert.json", ".", "", "certificate" * 30])
def test_an_output_that_cannot_be_written_is_refused(output: str, tmp_path: Path, run: Callable[..., Run]) -> None:
    """No folder is made, none is replaced, and a name that is too long is said to be one."""
    save_model(tmp_path / "model.pt", C5)
    expect_failure(run("model.pt", "--force", output=output), ExitCode.OUTPUT, "")
    assert [path.name for path in tmp_path.iterdir()] == ["model.pt"]


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize("force", [False, True])
def test_a_claim_that_certcheck_refuses_is_not_written(
    force: bool,  # noqa: FBT001 - parametrized
    as_json: bool,  # noqa: FBT001 - parametrized
    tmp_path: Path,
    run: Callable[..., Run],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """If certgen counts wrongly, its own check says so: exit 1, certcheck's verdict, the folder as it was."""
    pairs = [(x, y) for x in range(5) for y in range(5)][1:]
    save_model(tmp_path / "model.pt", detector_weights(cyclic(5), pairs))
    (tmp_path / "group.json").write_text(json.dumps(cyclic(5).tolist()))
    (tmp_path / OUTPUT).write_text("old")
    if not force:
        (tmp_path / OUTPUT).unlink()
    before = sorted(tmp_path.iterdir())
    monkeypatch.setattr(generate, "claim", lambda *_: StatementSection(25, 25))
    options = [*(["--force"] if force else []), *(["--json"] if as_json else [])]
    result = run("model.pt", "--group", "group.json", "--method", "exhaustive", *options)
    expect_failure(
        result, ExitCode.NOT_VERIFIED, "model.pt: no certificate: its own check refused it: s REJECTED BOUND_"
    )
    assert sorted(tmp_path.iterdir()) == before
    assert not force or (tmp_path / OUTPUT).read_text() == "old"


def test_an_interruption_is_one_sentence_and_its_own_exit_code(
    tmp_path: Path, run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Control-C leaves no file."""

    def interrupt(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    monkeypatch.setattr(generate, "claim", interrupt)
    save_model(tmp_path / "model.pt", C5)
    expect_failure(run("model.pt"), ExitCode.INTERRUPTED, "interrupted, nothing was written")
    assert [path.name for path in tmp_path.iterdir()] == ["model.pt"]

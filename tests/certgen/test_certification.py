"""certgen.certify: from Python the certificate of the command line, checked before anybody has it."""

from __future__ import annotations

import errno
import os
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import pytest
import torch
from torch import nn

import certcheck
import certgen
from certcheck.document import StatementSection, parse_certificate
from certcheck.verdict import list_fields
from certgen import Certificate, ExitCode, Failure, generate
from certgen.__main__ import main
from certgen.certification import check_apart
from tests.certgen.command import OUTPUT, Run
from tests.certgen.small_models import cyclic, cyclic_weights, save_model, symmetric, tensors_of

if TYPE_CHECKING:
    from collections.abc import Callable

EXAMPLES = Path(__file__).parents[2] / "examples"
C5 = cyclic_weights("direct", 5)


class Net(nn.Module):
    """A module whose parameters have the names of an architecture; nothing is certified of its `forward`."""

    def __init__(self, tensors: dict[str, torch.Tensor]) -> None:
        super().__init__()
        for name, tensor in tensors.items():
            self.register_parameter(name, nn.Parameter(tensor, requires_grad=tensor.is_floating_point()))

    def forward(self) -> NoReturn:
        """Never called."""
        raise AssertionError


@pytest.fixture(scope="module")
def certificate() -> Certificate:
    """A small certificate."""
    return certgen.certify(Net(tensors_of(C5)))


@pytest.mark.parametrize(
    ("options", "arguments"),
    [
        ({}, []),
        ({"group": "C5"}, ["--group", "C5"]),
        ({"method": "exhaustive", "cross_entropy": "none"}, ["--method", "exhaustive", "--cross-entropy", "none"]),
        (
            {"effort": "fast", "unit_roundoff_bits": 11, "architecture": "direct"},
            ["--effort", "fast", "--unit-roundoff", "2^-11", "--architecture", "direct"],
        ),
    ],
)
def test_file_state_dict_module_and_command_give_the_same_bytes(
    options: dict[str, Any], arguments: list[str], tmp_path: Path, run: Callable[..., Run]
) -> None:
    """The bytes are those that the command writes for the saved state dict, with the same options."""
    module = Net(tensors_of(C5))
    torch.save(module.state_dict(), tmp_path / "model.pt")
    assert run("model.pt", *arguments).code == 0
    written = Path(OUTPUT).read_bytes()
    for model in (module, module.state_dict(), dict(module.state_dict()), "model.pt", tmp_path / "model.pt"):
        assert certgen.certify(model, **options).data == written


def test_the_shipped_model_is_certified_by_its_group_in_every_form(tmp_path: Path) -> None:
    """A file, its table and its permutations say the same."""
    file = EXAMPLES / "S4.group.json"
    G = certcheck_group(file)
    forms: list[Any] = [file, str(file), G.table, G.elements, G.elements.tolist(), torch.from_numpy(G.table)]
    found = {certgen.certify(EXAMPLES / "S4.pt", group=form, effort="fast").data for form in forms}
    assert len(found) == 1
    assert parse_certificate(found.pop()).group.labels_from == "given"
    assert list(tmp_path.iterdir()) == []


def certcheck_group(file: Path) -> Any:
    """The group of the file."""
    from certcheck.group_file import read_group  # noqa: PLC0415 - beside its only use

    return read_group(str(file))


def test_the_verdict_is_certchecks(certificate: Certificate) -> None:
    """What the process said is what certcheck says here, to the field; it is data and text."""
    verdict = certcheck.check(certificate.data)
    assert list_fields(certificate.verdict) | {"seconds": 0} == list_fields(verdict) | {"seconds": 0}
    assert certificate.verdict.proof == verdict.proof == certificate.proof
    assert (certificate.proof.correct_pairs_at_least, certificate.answers_read, certificate.answers_repaired) == (
        25,
        25,
        0,
    )
    assert repr(certificate) == f"<Certificate: at least 25 of 25 pairs of C5, {len(certificate.data)} bytes>"
    text = str(certificate)
    assert text.startswith("model         Net: 5 labels, hidden width ")
    assert "\ns VERIFIED\nbound         at least 25 of 25 pairs" in text


@pytest.mark.parametrize("data", [b"{", b""])
def test_a_refusal_comes_back_whole(data: bytes, certificate: Certificate) -> None:
    """From the process as from here."""
    for refused in (data, certificate.data.replace(b'_at_least":25', b'_at_least":26', 1)):
        verdict, here = check_apart(refused), certcheck.check(refused)
        assert not verdict
        assert list_fields(verdict) | {"seconds": 0} == list_fields(here) | {"seconds": 0}


def test_what_its_own_check_refuses_is_no_certificate(monkeypatch: pytest.MonkeyPatch) -> None:
    """If certgen counts wrongly it says so, and gives nothing."""
    monkeypatch.setattr(generate, "claim", lambda *_: StatementSection(26, 25))
    with pytest.raises(Failure, match="no certificate: its own check refused it: s REJECTED BOUND_TOO_HIGH") as caught:
        certgen.certify(tensors_of(C5), method="exhaustive")
    assert caught.value.code is ExitCode.NOT_VERIFIED


def test_a_certificate_made_by_hand_proves_nothing(certificate: Certificate) -> None:
    """Without a proof there are no numbers to read."""
    made = Certificate(certificate.data, certcheck.check(b"{"), "", 0, 0)
    with pytest.raises(Failure, match="not verified: s MALFORMED") as caught:
        print(made.proof)
    assert caught.value.code is ExitCode.NOT_VERIFIED


def test_a_program_in_the_current_folder_does_not_play_certcheck(
    certificate: Certificate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A certcheck.py where the user happens to be says nothing about a certificate."""
    (tmp_path / "certcheck.py").write_text('print(\'{"verdict": "VERIFIED"}\')\n')
    monkeypatch.chdir(tmp_path)
    assert check_apart(certificate.data).proof == certificate.proof


def test_threads_certify_alike(certificate: Certificate) -> None:
    """No signal and no folder is needed: several at once give the same bytes."""
    with ThreadPoolExecutor(3) as pool:
        several = list(pool.map(lambda _: certgen.certify(Net(tensors_of(C5))), range(3)))
    assert {each.data for each in several} == {certificate.data}


def with_dtype(dtype: torch.dtype) -> nn.Module:
    """The network with one tensor of another type."""
    tensors = tensors_of(C5)
    return Net(tensors | {"out": tensors["out"].to(dtype)})


def make_lazy() -> nn.Module:
    """A module whose parameters have no values yet."""
    return nn.LazyLinear(3)


def make_broken() -> nn.Module:
    """A module that fails when it is asked."""

    class Broken(Net):
        def state_dict(self, *_: object, **__: object) -> NoReturn:
            raise RuntimeError("sharded\nelsewhere")

    return Broken(tensors_of(C5))


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (lambda: "missing.pt", "missing.pt: expected a readable file"),
        (lambda: Path("model.onnx"), "expected a .pt, .pth or .safetensors file"),
        (lambda: nn.Linear(3, 3), "Linear: expected parameter names that are known for an architecture"),
        (lambda: with_dtype(torch.int64), "Net: out: expected dense tensors of type float16, bfloat16"),
        (lambda: with_dtype(torch.complex64), "Net: out: expected dense tensors"),
        (lambda: Net(tensors_of(C5)).to("meta"), "expected dense tensors"),
        (make_lazy, "LazyLinear: "),
        (make_broken, "Broken: its parameters cannot be read: RuntimeError: sharded elsewhere"),
        (nn.ReLU, "ReLU: expected a dict of tensors"),
        (dict, "dict: expected a dict of tensors"),
        (lambda: {"left": np.eye(3)}, "dict: expected a torch state dict"),
        (lambda: tensors_of(C5) | {"left": torch.full((5, 11), torch.nan)}, "NaN"),
        (lambda: tensors_of(C5) | {"out": torch.zeros(3, 3)}, "a tensor's shape does not fit its role"),
    ],
)
def test_what_is_no_network_fails_with_one_sentence(model: Callable[[], Any], words: str) -> None:
    """As the command would, with its code; nothing of torch's own comes through."""
    with pytest.raises(Failure) as caught:
        certgen.certify(model())
    assert caught.value.code is ExitCode.MODEL
    assert words in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("group", "words"),
    [
        ("S3", "--group S3: expected a group of order 5"),
        ("none.json", "none.json: expected a readable file"),
        (Path("none.json"), "none.json: expected a readable file"),
        ("", "a file cannot be read"),
        (symmetric(3), "--group table: expected a group of order 5"),
        (cyclic(5) % 4, "table[0]: expected a permutation"),
        (cyclic(5) * 1.0, "expected a square table of elements 0..n-1"),
        (cyclic(5)[::-1], "the table"),
        ([[0, 1], [1]], "--group: expected rows of one length"),
        ([[0, 1, 2], [1, 2, 0]], "a product of two elements is not an element"),
        ([[0.0, 1.0, 2.0], [1.0, 2.0, 0.0]], "the permutations[0]"),
        ([], "the permutations"),
        (5, "the permutations"),
        (None, "the permutations"),
    ],
)
def test_what_is_no_group_of_the_model_fails_with_one_sentence(
    group: Any, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names, files and arrays."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Failure) as caught:
        certgen.certify(tensors_of(C5), group=group)
    assert caught.value.code is ExitCode.GROUP
    assert words in str(caught.value)


def test_a_square_array_is_a_table_and_nothing_else() -> None:
    """n permutations of n points in another order would give labels that nobody meant."""
    regular = cyclic(5)[:, [1, 0, 2, 3, 4]]
    elements = np.argsort([1, 0, 2, 3, 4])[regular]
    assert sorted(map(sorted, elements.tolist())) == [list(range(5))] * 5
    with pytest.raises(Failure):
        certgen.certify(tensors_of(C5), group=elements)


@pytest.mark.parametrize(
    "options",
    [
        {"method": "guess"},
        {"effort": "much"},
        {"cross_entropy": "low"},
        {"unit_roundoff_bits": 0},
        {"unit_roundoff_bits": 25},
        {"unit_roundoff_bits": "2^-11"},
        {"cases": False, "method": "exhaustive"},
        {"cases": False, "cross_entropy": "cases"},
        {"decomposition": "claim.json", "method": "rho-set"},
    ],
)
def test_options_that_make_no_sense_are_value_errors(options: dict[str, Any]) -> None:
    """Before the model is looked at; where options contradict each other the command has the same sentence."""
    with pytest.raises(ValueError, match=r"expected|give one of them"):
        certgen.certify("missing.pt", **options)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--no-cases", "--method", "exhaustive"], "method exhaustive is cases alone"),
        (["--no-cases", "--cross-entropy", "cases"], "without cases no pair is evaluated"),
        (["--decomposition", "x", "--method", "rho-set"], "a decomposition is for method equivariant, not for rho-set"),
    ],
)
def test_options_that_contradict_each_other_are_wrong_usage(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2, with the usage."""
    with pytest.raises(SystemExit) as caught:
        main(["model.pt", "-o", OUTPUT, *arguments])
    assert caught.value.code == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("model", [None, 5, [1.0], torch.eye(3)])
def test_what_is_no_model_is_a_type_error(model: Any) -> None:
    """A mistake of the caller's, told before anything is done."""
    with pytest.raises(TypeError, match="expected a model file, a state dict or"):
        certgen.certify(model)


def test_nothing_above_chance_fails_as_in_the_command() -> None:
    """A network that ignores its inputs."""
    with pytest.raises(Failure, match="not above chance") as caught:
        certgen.certify({name: tensor * 0 for name, tensor in tensors_of(C5).items()}, group=cyclic(5))
    assert caught.value.code is ExitCode.NOTHING_TO_PROVE


def test_a_failure_goes_to_other_processes() -> None:
    """Pickled and back it says the same: pools raise failures so."""
    again = pickle.loads(pickle.dumps(Failure(ExitCode.MODEL, "a\nb")))  # noqa: S301 - our own
    assert (str(again), again.code) == ("a\\nb", ExitCode.MODEL)


def test_a_saved_certificate_is_the_file_and_nothing_else(certificate: Certificate, tmp_path: Path) -> None:
    """The folder holds the file with these bytes, and no draft of it."""
    certificate.save(tmp_path / OUTPUT)
    assert list(tmp_path.iterdir()) == [tmp_path / OUTPUT]
    assert (tmp_path / OUTPUT).read_bytes() == certificate.data
    assert certcheck.check(tmp_path / OUTPUT)


@pytest.mark.parametrize("has_links", [False, True])
def test_no_file_is_replaced_unless_it_is_wanted(
    certificate: Certificate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, has_links: bool
) -> None:
    """Where a link cannot be made, too; with force the old bytes are gone. A link or a folder is never replaced."""

    def link(*_: object) -> NoReturn:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    if not has_links:
        monkeypatch.setattr(os, "link", link)
    output, other = tmp_path / OUTPUT, tmp_path / "link"
    output.write_text("old")
    other.symlink_to(output)
    for path, force in ((output, False), (other, True), (tmp_path, True), (tmp_path / "none" / "cert.json", True)):
        with pytest.raises(Failure) as caught:
            certificate.save(path, force=force)
        assert caught.value.code is ExitCode.OUTPUT
    assert output.read_text() == "old"
    certificate.save(str(output), force=True)
    assert output.read_bytes() == certificate.data
    assert sorted(tmp_path.iterdir()) == [output, other]


@pytest.mark.parametrize("force", [False, True])
def test_a_full_disk_is_a_failure_and_leaves_nothing(
    certificate: Certificate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, force: bool
) -> None:
    """An error of the operating system is one sentence, and the draft is removed."""

    def store(_: int) -> NoReturn:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", store)
    with pytest.raises(Failure, match="cannot write the file: No space left on device") as caught:
        certificate.save(tmp_path / OUTPUT, force=force)
    assert caught.value.code is ExitCode.OUTPUT
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_appears_meanwhile_is_kept(
    tmp_path: Path, run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without --force nothing is ever replaced, not even a file that was not there at the start."""
    save_model(tmp_path / "model.pt", C5)
    real = subprocess.run

    def check_slowly(*arguments: Any, **keywords: Any) -> Any:
        (tmp_path / OUTPUT).write_text("another program's")
        return real(*arguments, **keywords)

    monkeypatch.setattr(subprocess, "run", check_slowly)
    result = run("model.pt")
    assert (result.code, result.out) == (ExitCode.OUTPUT, "")
    assert "the file exists" in result.err
    assert (tmp_path / OUTPUT).read_text() == "another program's"


def test_the_package_is_light_until_it_is_asked() -> None:
    """What is public is there, what is not is an AttributeError, and torch is not loaded for files without it."""
    program = (
        "import sys, certgen; assert 'numpy' not in sys.modules and not hasattr(certgen, 'certify_subject');"
        "assert all(hasattr(certgen, name) for name in certgen.__all__); print('torch' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"

"""What a reader runs first: the example of the README, and the notebook."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
import torch
from nbclient import NotebookClient
from torch import nn

from tests.certgen.small_models import cyclic, cyclic_weights, tensors_of

ROOT = Path(__file__).parents[1]
NOTEBOOK = ROOT / "examples" / "walkthrough.ipynb"


def read() -> Any:
    """The notebook as it is stored."""
    return nbformat.read(NOTEBOOK, as_version=4)


def test_the_notebook_is_stored_without_outputs() -> None:
    """What it prints depends on the machine, by the time at least."""
    code = [cell for cell in read().cells if cell.cell_type == "code"]
    assert code
    assert [(cell.outputs, cell.execution_count) for cell in code] == [([], None)] * len(code)


def test_the_notebook_runs_from_a_network_to_a_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the kernel of this interpreter, without a network: no cell fails, and each says what its text promises."""
    # A kernel listens on files of the user's own, and reads no settings of the user's.
    for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    notebook = read()
    folder = tmp_path / "work"
    folder.mkdir()
    resources = {"metadata": {"path": str(folder)}}
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources=resources).execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert [output for output in outputs if output.output_type == "error" or output.get("name") == "stderr"] == []
    text = "".join(output.get("text") or output.data["text/plain"] for output in outputs)
    assert text.count("s VERIFIED\nbound         at least 36 of 36 pairs are correct") == 2
    assert "'cross-entropy 0.0" in text
    assert "compared      model (every tensor, byte by byte); architecture" in text
    refusals = [line.split()[:3] for line in text.splitlines() if line.startswith("s REJECTED")]
    reasons = ["BOUND_TOO_HIGH:", "TENSOR_HASH_WRONG:", "MODEL_DIFFERS:", "GROUP_DIFFERS:"]
    assert refusals == [["s", "REJECTED", reason] for reason in reasons]
    assert "'not proved: GROUP_DIFFERS'" in text
    assert "MODEL a file or name that was given makes no sense: Linear: expected parameter names" in text
    assert sorted(path.name for path in folder.iterdir()) == ["certificate.json", "group.json", "model.pt", "other.pt"]


def build_net() -> nn.ModuleDict:
    """A network of C5 as the README describes it: two embeddings and two linear layers."""
    weights = tensors_of(cyclic_weights("concatenated", 5))
    hidden, out = weights["hidden"].T, weights["out"].T
    net = nn.ModuleDict({side: nn.Embedding.from_pretrained(weights[side]) for side in ("left", "right")})
    for name, matrix in (("hidden", hidden), ("out", out)):
        net[name] = nn.Linear(matrix.shape[1], matrix.shape[0])
        net[name].load_state_dict({"weight": matrix, "bias": torch.zeros(len(matrix))})
    return net


def test_the_example_of_the_readme_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As it is printed there, with a network and a table of the reader's own."""
    monkeypatch.chdir(tmp_path)
    net, table = build_net(), cyclic(5)
    torch.save(net.state_dict(), "model.pt")
    Path("group.json").write_text(json.dumps(table.tolist()))
    (program,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    exec(program, {"net": net, "table": table})  # noqa: S102 - our own
    printed = capsys.readouterr().out
    assert "\ns VERIFIED\n" in printed
    assert printed.endswith("\n1\n")

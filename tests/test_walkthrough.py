"""The notebook of examples, run as a reader would."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[1] / "examples" / "walkthrough.ipynb"


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

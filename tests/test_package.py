"""What holds for the packages as a whole: order of the modules, dependencies, documents."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

import certcheck
import certgen
from certcheck.document import parse_certificate
from certcheck.network import ARCHITECTURES
from certcheck.verdict import Reason
from tests.certificates import S3, certificate, encode

ROOT = Path(__file__).parents[1]
CHECKER = sorted((ROOT / "certcheck").glob("*.py"))
LISTED = re.compile(r"^([a-z0-9_]+)  +\S", re.MULTILINE)


def imports_of(path: Path) -> set[str]:
    """The modules that a source file imports, in dotted form."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.module is not None
            found.add(node.module)
    return found


@pytest.mark.parametrize("package", [certcheck, certgen])
def test_modules_import_only_those_listed_above_them(package: object) -> None:
    """The docstring lists every module, in an order in which the package can be read."""
    name = getattr(package, "__name__", "")
    listed = LISTED.findall(getattr(package, "__doc__", "") or "")
    folder = ROOT / name
    assert sorted([*listed, "__init__"]) == sorted(path.stem for path in folder.glob("*.py"))
    for position, module in enumerate(listed):
        own = {i.split(".")[1] for i in imports_of(folder / f"{module}.py") if i.startswith(f"{name}.")}
        assert own <= set(listed[:position]), module


def test_certcheck_imports_only_numpy_and_flint() -> None:
    """No other package is named in its sources, and none of certgen."""
    allowed = {"certcheck", "numpy", "flint"} | set(sys.stdlib_module_names)
    for path in CHECKER:
        assert {i.split(".")[0] for i in imports_of(path)} <= allowed, path.name
        assert not {i.split(".")[0] for i in imports_of(path)} & {"pickle", "urllib", "socket", "http"}


def test_running_certcheck_loads_neither_torch_nor_certgen(tmp_path: Path) -> None:
    """In a process of its own, after a whole check."""
    path = tmp_path / "certificate.json"
    path.write_bytes(encode(certificate(S3)))
    program = (
        "import sys; from certcheck.__main__ import main; code = main([sys.argv[1], '--quiet']);"
        "print(sorted({m.split('.')[0] for m in sys.modules} & {'torch', 'certgen', 'mpmath', 'rich'})); sys.exit(code)"
    )
    run = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout) == (0, "s VERIFIED\n[]\n")


def test_certcheck_stays_small() -> None:
    """At most 4,410 lines of code and comments, 400 a module; functions of at most 60 lines.

    The aim of the house is 2,000; three methods and four claims, with every bound and limit computed before it is
    needed, take more.
    """
    sizes = {path.name: sum(bool(line.strip()) for line in path.read_text().splitlines()) for path in CHECKER}
    assert sum(sizes.values()) <= 4410
    assert max(sizes.values()) <= 400
    for path in CHECKER:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef):
                assert (node.end_lineno or 0) - node.lineno < 60, f"{path.name}: {node.name}"


def test_certcheck_asserts_nothing_and_uses_no_float() -> None:
    """`assert` vanishes under -O; a float literal would be a tolerance. `zip` is always strict."""
    for path in CHECKER:
        for node in ast.walk(ast.parse(path.read_text())):
            assert not isinstance(node, ast.Assert), path.name
            assert not (isinstance(node, ast.Constant) and type(node.value) is float), path.name
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "zip":
                assert [(k.arg, getattr(k.value, "value", None)) for k in node.keywords] == [("strict", True)], (
                    path.name
                )


def test_claims_in_the_code_are_claims_in_the_document() -> None:
    """Every claim that the code names is proved in docs/soundness.md, and every one there is named by the code."""
    named = {int(n) for path in CHECKER for n in re.findall(r"Claim (\d+)", path.read_text())}
    proved = [
        int(n) for n in re.findall(r"^### Claim (\d+)", (ROOT / "docs" / "soundness.md").read_text(), re.MULTILINE)
    ]
    assert proved == list(range(1, len(proved) + 1))
    assert named == set(proved)


def test_every_reason_is_refused_somewhere_in_the_tests() -> None:
    """A reason that no test names may never be given."""
    text = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    assert [reason.name for reason in Reason if reason.name not in text] == []


def test_the_architectures_are_documented() -> None:
    """docs/format.md has a row for every architecture, with its formula."""
    text = (ROOT / "docs" / "format.md").read_text()
    for architecture in ARCHITECTURES.values():
        assert f"| `{architecture.name}` | {architecture.inputs} |" in text


def test_links_in_the_documents_lead_somewhere() -> None:
    """Relative links of README and docs name files that exist, or what the site is built with."""
    for document in (ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")):
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text()):
            is_made = target == "commands.md" or target.startswith("figures/")
            assert is_made or (document.parent / target).exists(), f"{document.name}: {target}"


def test_the_shipped_model_gives_a_certificate_of_the_schema(tmp_path: Path) -> None:
    """As a user would make it; the schema and the parser agree on it."""
    output = tmp_path / "S4.json"
    command = [sys.executable, "-m", "certgen", str(ROOT / "examples" / "S4.pt"), "-o", str(output), "--json"]
    group = str(ROOT / "examples" / "S4.group.json")
    run = subprocess.run([*command, "--group", group], capture_output=True, text=True, check=False)
    result = json.loads(run.stdout)
    assert (run.returncode, result["verdict"], result["correct_pairs_at_least"]) == (0, "VERIFIED", 576)
    assert (result["group"], result["labels_from"]) == ("S4", "given")
    document = json.loads(output.read_bytes())
    jsonschema.validate(document, json.loads((ROOT / "docs" / "certificate.schema.json").read_text()))
    assert parse_certificate(output.read_bytes()).statement.pairs == 576

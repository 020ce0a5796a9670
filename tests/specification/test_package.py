"""The specification stands alone: what it imports, in which order it is read, how large it is."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import certcheck.specification

FOLDER = Path(certcheck.specification.__file__).parent
ORDER = re.findall(r"^(\w+)  +\S", str(certcheck.specification.__doc__), re.MULTILINE)
LINES_OF_A_FUNCTION = 60
LINES_OF_A_MODULE = 400


def find_imports(path: Path) -> set[str]:
    """The names of the modules that a file imports, absolute ones only."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            whole = node.module == "certcheck.specification"
            found |= {f"{node.module}.{name.name}" for name in node.names} if whole else {str(node.module)}
    return found


def test_nothing_is_imported_but_the_standard_library_and_earlier_modules() -> None:
    """The list in the package's docstring is the order of the imports, and names every file."""
    assert {path.stem for path in FOLDER.glob("*.py")} == {"__init__", *ORDER}
    assert not find_imports(FOLDER / "__init__.py")
    for place, name in enumerate(ORDER):
        for imported in find_imports(FOLDER / f"{name}.py"):
            first, *rest = imported.split(".")
            if first == "certcheck":
                assert rest[0] == "specification"
                assert rest[1] in ORDER[:place], (name, imported)
            else:
                assert first in sys.stdlib_module_names, (name, imported)


def test_a_run_loads_no_other_module_of_the_project() -> None:
    """Neither numpy nor flint nor a module of the other checker is there after the import of everything."""
    code = "import sys, certcheck.specification.__main__; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert not {"numpy", "flint", "torch", "certgen"} & set(loaded)
    others = {name for name in loaded if name.startswith("certcheck") and "specification" not in name}
    assert others == {"certcheck"}


def test_modules_and_functions_are_short() -> None:
    """The largest decides, not the mean."""
    for path in FOLDER.glob("*.py"):
        assert len(path.read_text().splitlines()) <= LINES_OF_A_MODULE
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef):
                assert node.end_lineno is not None
                assert node.end_lineno - node.lineno < LINES_OF_A_FUNCTION, node.name


def test_every_claim_that_is_named_is_a_claim() -> None:
    """The numbers of claims in the code are those of the proof."""
    text = (FOLDER.parents[1] / "docs" / "soundness.md").read_text()
    claims = {int(number) for number in re.findall(r"^### Claim (\d+):", text, re.MULTILINE)}
    named = set()
    for path in FOLDER.glob("*.py"):
        for numbers in re.findall(r"claims? ((?:\d+(?:, | and | to )?)+)", path.read_text()):
            named |= {int(number) for number in re.findall(r"\d+", numbers)}
    assert named
    assert named <= claims

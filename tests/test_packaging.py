"""What is published: wheel and sdist, built from the files, installed, and run without the sources."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from certcheck import __version__
from certcheck.verdict import FORMAT_VERSION

ROOT = Path(__file__).parents[1]
PACKAGES = ("certcheck", "certgen")


def run(*command: str | Path, folder: Path, path: str = "", code: int = 0) -> str:
    """What a command prints, in a folder and with a module path of its own."""
    environment = os.environ | {"PYTHONPATH": path, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    done = subprocess.run(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    assert done.returncode == code, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the sdist, and the wheel that is built from it; the sources are gone."""
    folder = tmp_path_factory.mktemp("packaging")
    source = folder / "source"
    # What git ignores, a fresh clone does not have.
    ignored = [line.rstrip("/") for line in (ROOT / ".gitignore").read_text().split()]
    shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns(".git", *ignored))
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder / "dist", source, folder=folder)
    shutil.rmtree(source)
    return folder / "dist"


def test_the_metadata_are_as_an_index_takes_them(built: Path) -> None:
    """One wheel for every machine, one sdist, no warning."""
    files = sorted(built.iterdir())
    assert [file.name for file in files] == [f"certgen-{__version__}-py3-none-any.whl", f"certgen-{__version__}.tar.gz"]
    assert "WARNING" not in run(sys.executable, "-m", "twine", "check", "--strict", *files, folder=built)


def test_the_wheel_holds_every_module_and_says_that_it_is_typed(built: Path) -> None:
    """All packages, the specification too, the templates of pages, and nothing else."""
    (wheel,) = built.glob("*.whl")
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    modules = {path.relative_to(ROOT).as_posix() for package in PACKAGES for path in (ROOT / package).rglob("*.py")}
    templates = {path.relative_to(ROOT).as_posix() for path in (ROOT / "certgen" / "templates").iterdir()}
    assert names == modules | templates | {f"{package}/py.typed" for package in PACKAGES}
    assert "certcheck/specification/__main__.py" in names


def test_the_sdist_holds_documents_tests_and_examples(built: Path) -> None:
    """Whoever has it can do what `make test` does."""
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    wanted = {path.name for path in ROOT.iterdir() if path.is_file() and not path.name.startswith(".")}
    for folder in ("docs", "examples", "tests"):
        kept = (p for p in (ROOT / folder).rglob("*") if p.is_file() and p.suffix != ".pyc")
        wanted |= {path.relative_to(ROOT).as_posix() for path in kept}
    assert wanted - names == set()


def test_what_is_installed_runs_without_the_sources(built: Path, tmp_path: Path) -> None:
    """Both programs, by module and by name, and from Python, with a certificate made there and checked."""
    (wheel,) = built.glob("*.whl")
    site = tmp_path / "site"
    run(sys.executable, "-m", "pip", "install", "--no-index", "--no-deps", "--target", site, wheel, folder=tmp_path)

    def there(*command: str | Path, code: int = 0) -> str:
        return run(*command, folder=tmp_path, path=str(site), code=code)

    where = there(sys.executable, "-c", "import certcheck, certgen; print(certcheck.__file__, certgen.__file__)")
    assert where.split() == [str(site / package / "__init__.py") for package in PACKAGES]
    vector = ROOT / "tests" / "vectors" / "valid" / "direct.json"
    for program in (
        [sys.executable, "-m", "certcheck"],
        [site / "bin" / "certcheck"],
        [site / "bin" / "certcheck-spec"],
    ):
        assert there(*program, vector).startswith("s VERIFIED")
    assert there(sys.executable, "-m", "certcheck", "missing", code=50).startswith("s ERROR")
    for name in PACKAGES:
        expected = f"{name} {__version__}, format {FORMAT_VERSION}\n"
        assert there(sys.executable, "-m", name, "--version") == there(site / "bin" / name, "--version") == expected
    model = ROOT / "examples" / "S4.pt"
    program = f"import certgen; print(certgen.certify({str(model)!r}, group='S4', effort='fast').verdict.status.name)"
    assert there(sys.executable, "-c", program) == "VERIFIED\n"


def test_the_citation_is_of_this_version() -> None:
    """CITATION.cff repeats what pyproject.toml says."""
    citation, project = (ROOT / "CITATION.cff").read_text(), (ROOT / "pyproject.toml").read_text()
    assert re.findall(r"^version: (.*)$", citation, re.MULTILINE) == [__version__]
    assert re.findall(r"^license: (.*)$", citation, re.MULTILINE) == re.findall(
        r'^license = "(.*)"$', project, re.MULTILINE
    )


def test_the_workflow_is_make_test() -> None:
    """What runs for a contribution is what a contributor runs."""
    workflow = ROOT / ".github" / "workflows" / "test.yml"
    assert re.findall(r"^ +- run: (.*)$", workflow.read_text(), re.MULTILINE) == ["make test"]

"""certgen sweep: rows kept as they come, nothing twice, nothing lost."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from certgen import sweep as module
from certgen.__main__ import main
from certgen.failure import ExitCode, Failure
from certgen.measurement import examine
from certgen.row import TIMES, Row
from certgen.sweep import Plan, sweep
from certgen.table import CSV, PARQUET, read_table
from tests.certgen.command import Run, expect_failure
from tests.certgen.small_models import cyclic_weights, save_model
from tests.certgen.sweep_work import MARKS, fail, mark, read_rows, work_here

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with models of C3, C5 and a broken one; workers leave marks, and are this process."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "marks").mkdir()
    monkeypatch.setenv(MARKS, str(tmp_path / "marks"))
    monkeypatch.setattr(module, "open_client", lambda _: contextlib.nullcontext())
    monkeypatch.setattr(module, "work_on", work_here)
    models = tmp_path / "models"
    models.mkdir()
    for n in (3, 5):
        save_model(models / f"C{n}.pt", cyclic_weights("direct", n))
    (models / "broken.pt").write_bytes(b"nothing")
    return tmp_path


@pytest.fixture
def command(here: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Run]:
    """A command of certgen, run in that folder."""
    assert here.is_dir()

    def run(*arguments: str) -> Run:
        capsys.readouterr()
        code = main(arguments)
        printed = capsys.readouterr()
        return Run(code, printed.out, printed.err)

    return run


def timeless(rows: list[Row]) -> list[Row]:
    """The rows without what differs from run to run."""
    return [{name: value for name, value in row.items() if name not in TIMES} for row in rows]


def count_calls(here: Path) -> int:
    """How often workers were at work."""
    return len(list((here / "marks").iterdir()))


def test_a_sweep_has_a_row_for_every_model_and_a_broken_one_stops_nothing(command: Callable[..., Run]) -> None:
    """In the order of the names; the exit code says that not all is verified."""
    result = command("sweep", "models", "-o", "results")
    assert result.code == ExitCode.NOT_VERIFIED
    rows = read_table(Path("results"))
    assert [(row["model"], row["verdict"], row["error"]) for row in rows] == [
        ("C3.pt", "VERIFIED", None),
        ("C5.pt", "VERIFIED", None),
        ("broken.pt", None, "MODEL"),
    ]
    assert "3 models, 0 of them done before" in result.out
    assert "1 of 3 models have no result:" in result.out
    assert "3 of 3 done, 2 verified, 1 failed" in result.err
    assert command("sweep", "models/C3.pt", "-o", "other").code == 0


def test_a_row_is_the_same_alone_and_in_a_sweep(command: Callable[..., Run]) -> None:
    """All but the times, the certificate too."""
    command("sweep", "models", "-o", "all", "--certificates")
    command("sweep", "models/C5.pt", "-o", "one", "--certificates")
    (alone,), together = timeless(read_table(Path("one"))), timeless(read_table(Path("all")))
    assert alone == together[1]
    certificates = [Path(folder, "certificates", "C5.pt.json").read_bytes() for folder in ("all", "one")]
    assert certificates[0] == certificates[1]
    assert main(["models/C5.pt", "-o", "certificate.json"]) == 0
    assert Path("certificate.json").read_bytes() == certificates[0]


def test_what_is_done_is_not_done_again(here: Path) -> None:
    """Not by the same sweep, nor by one that was killed; what is missing or broken is."""
    plan = Plan(["models"], here / "results")
    assert sweep(plan, mark) == ExitCode.VERIFIED
    kept, tables = read_rows(plan.output), [(plan.output / name).read_bytes() for name in (PARQUET, CSV)]
    assert (count_calls(here), len(kept)) == (3, 3)
    assert sweep(plan, mark) == ExitCode.VERIFIED
    assert (count_calls(here), read_rows(plan.output)) == (3, kept)
    assert [(plan.output / name).read_bytes() for name in (PARQUET, CSV)] == tables
    first, second, _ = sorted(kept)
    (plan.output / "rows" / first).unlink()
    (plan.output / "rows" / second).write_bytes(kept[second][:100])
    sweep(plan, mark)
    assert count_calls(here) == 5
    (here / "models" / "C3.pt").write_bytes(b"others")
    sweep(Plan(["models"], here / "results", force=True), mark)
    assert count_calls(here) == 6


def test_an_interrupted_sweep_keeps_its_rows(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tables of what is there, and a sentence."""

    def interrupt(task: object) -> tuple[Row, bytes | None]:
        if count_calls(here):
            raise KeyboardInterrupt
        return mark(task)  # type: ignore[arg-type]

    assert sweep(Plan(["models"], here / "results"), interrupt) == ExitCode.INTERRUPTED
    assert "interrupted: 1 of 3 rows are kept" in capsys.readouterr().out
    assert len(read_table(here / "results")) == len(read_rows(here / "results")) == 1
    assert sweep(Plan(["models"], here / "results"), mark) == ExitCode.VERIFIED
    assert count_calls(here) == 3


def test_errors_of_the_machine_are_tried_again_with_retry(here: Path) -> None:
    """And only then."""
    plan = Plan(["models/C3.pt"], here / "results")
    for expected in (1, 1):
        assert sweep(plan, fail) == ExitCode.NOT_VERIFIED
        assert count_calls(here) == expected
    assert sweep(Plan(["models/C3.pt"], here / "results", retry=True), fail) == ExitCode.VERIFIED
    assert count_calls(here) == 2


def test_certificates_that_are_missing_are_made(here: Path) -> None:
    """A row without its certificate is not all that was asked for."""
    sweep(Plan(["models/C3.pt"], here / "results"), mark)
    plan = Plan(["models/C3.pt"], here / "results", certificates=True)
    sweep(plan, mark)
    assert (here / "results" / "certificates" / "C3.pt.json").read_bytes() == b"certificate"
    sweep(plan, mark)
    assert count_calls(here) == 2


def test_tables_of_other_models_are_kept(command: Callable[..., Run]) -> None:
    """--force replaces them; a sweep that has all of them and more needs no force."""
    command("sweep", "models/C3.pt", "-o", "results")
    expect_failure(command("sweep", "models/C5.pt", "-o", "results"), ExitCode.OUTPUT, "1 rows of other models")
    assert command("sweep", "models/C3.pt", "models/C5.pt", "-o", "results").code == 0
    assert command("sweep", "models/C5.pt", "-o", "results", "--force").code == 0
    assert [row["model"] for row in read_table(Path("results"))] == ["C5.pt"]


def test_files_that_cannot_be_read_are_rows(command: Callable[..., Run]) -> None:
    """A model that is not there, and a card that names a group file that is not; nothing is kept of them."""
    Path("models/C3.json").write_text(json.dumps({"labels": "missing.json"}))
    assert command("sweep", "models", "missing.pt", "-o", "results").code == ExitCode.NOT_VERIFIED
    rows = {row["model"]: row for row in read_table(Path("results"))}
    assert (rows["missing.pt"]["error"], rows["C3.pt"]["error"]) == ("MODEL", "GROUP")
    assert "missing.json" in rows["C3.pt"]["message"]
    assert (rows["C3.pt"]["sha256"], rows["C3.pt"]["group_from"]) == (None, "card")
    assert len(read_rows(Path("results"))) == 2
    Path("models/C3.json").write_text(json.dumps({"labels": "C3.group.json"}))
    Path("models/C3.group.json").write_text(json.dumps([[(x + y) % 3 for y in range(3)] for x in range(3)]))
    command("sweep", "models", "missing.pt", "-o", "results")
    row = {row["model"]: row for row in read_table(Path("results"))}["C3.pt"]
    assert (row["verdict"], row["labels_from"], row["group_from"]) == ("VERIFIED", "given", "card")


def test_two_sweeps_do_not_share_a_folder(command: Callable[..., Run]) -> None:
    """The second is refused while the first is at work."""
    with module._open_folder(Path("results")):
        expect_failure(command("sweep", "models", "-o", "results"), ExitCode.OUTPUT, "another sweep is at work")
    Path("file").touch()
    expect_failure(command("sweep", "models", "-o", "file"), ExitCode.OUTPUT, "cannot be the folder of results")


def test_a_missing_package_is_named(command: Callable[..., Run], monkeypatch: pytest.MonkeyPatch) -> None:
    """Before any work, with what brings it."""
    for package in ("distributed", "pyarrow"):
        monkeypatch.setitem(sys.modules, package, None)
        result = command("sweep", "models", "-o", "results")
        expect_failure(result, ExitCode.MISSING, f"this needs the package {package}: pip install 'certgen[sweep]'")
        assert not Path("results").exists()
        monkeypatch.undo()


def test_compare_prints_the_table_and_draws_the_figure(command: Callable[..., Run]) -> None:
    """Of one or more sweeps; an existing figure is kept."""
    command("sweep", "models", "-o", "results")
    result = command("compare", "results", "-o", "figure.svg")
    assert (result.code, result.err) == (0, "")
    assert ["C5", "results", "1"] in [line.split()[:3] for line in result.out.splitlines()]
    assert Path("figure.svg").read_text().startswith("<svg")
    refused = command("compare", "results", "-o", "figure.svg")
    expect_failure(refused, ExitCode.OUTPUT, "the file exists")
    assert command("compare", "results", "results/results.parquet", "-o", "figure.svg", "--force").code == 0
    expect_failure(command("compare", "models"), ExitCode.RESULTS, "no such file")


@pytest.mark.parametrize(
    "arguments",
    [
        ["sweep", "models"],
        ["sweep", "-o", "results"],
        ["sweep", "models", "-o", "results", "--memory", "much"],
        ["sweep", "models", "-o", "results", "--memory", "200MB"],
        ["sweep", "models", "-o", "results", "--workers", "0"],
        ["sweep", "models", "-o", "results", "--timeout", "-1"],
        ["sweep", "models", "-o", "results", "--scheduler", "tcp://127.0.0.1:1", "--workers", "2"],
        ["compare"],
        ["compare", "results", "results"],
        ["compare", "results", "-o", "figure.gif"],
    ],
)
def test_wrong_usage_is_exit_code_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is begun."""
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert capsys.readouterr().err.startswith(f"usage: certgen {arguments[0]}")


def test_memory_is_read_in_either_unit() -> None:
    """Decimal and binary."""
    from certgen.options import parse_memory  # noqa: PLC0415 - beside its only use

    given = ("300000000", "300000kB", "300MB", "1GiB", "2097152KiB")
    assert [parse_memory(text) for text in given] == [3 * 10**8, 3 * 10**8, 3 * 10**8, 2**30, 2**31]


def test_a_killed_sweep_goes_on_where_it_was(here: Path) -> None:
    """The command itself, on a local cluster: killed after its first row, then run again to the end."""
    for i in range(4):
        (here / "models" / f"S4_{i}.pt").write_bytes((EXAMPLES / "S4.pt").read_bytes())
    command = [sys.executable, "-m", "certgen", "sweep", "models", "-o", "results", "--workers", "2"]
    environment = os.environ | {"PYTHONPATH": str(EXAMPLES.parent)}
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment) as process:
        deadline = time.monotonic() + 120
        while not read_rows(here / "results") and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
    kept = read_rows(here / "results")
    assert 1 <= len(kept) < 7
    run = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert f"7 models, {len(kept)} of them done before" in run.stdout
    again = read_rows(here / "results")
    assert len(again) == 7
    assert {name: again[name] for name in kept} == kept
    rows = read_table(here / "results")
    assert [row["verdict"] for row in rows] == ["VERIFIED"] * 6 + [None]
    alone, _ = examine(module.load_task(module.collect_models(["models/S4_3.pt"], None)[0], Plan([], here)))
    assert timeless([alone]) == timeless([row for row in rows if row["model"] == "S4_3.pt"])


def test_a_model_that_goes_away_meanwhile_is_a_row(here: Path) -> None:
    """It was there when the sweep began."""

    def remove(task: object) -> tuple[Row, bytes | None]:
        (here / "models" / "C5.pt").unlink(missing_ok=True)
        return mark(task)  # type: ignore[arg-type]

    assert sweep(Plan(["models/C3.pt", "models/C5.pt"], here / "results"), remove) == ExitCode.NOT_VERIFIED
    assert [row["error"] for row in read_table(here / "results")] == [None, "MODEL"]


def test_nothing_is_left_where_the_models_are_not_found(here: Path) -> None:
    """A wrong folder is told before the results' is made."""
    (here / "empty").mkdir()
    with pytest.raises(Failure, match="no model"):
        sweep(Plan(["empty"], here / "results"))
    assert not (here / "results").exists()


def test_files_of_results_can_be_read_by_others(here: Path) -> None:
    """As any file that the user makes."""
    sweep(Plan(["models/C3.pt"], here / "results"), mark)
    (here / "plain").touch()
    modes: Iterator[int] = (path.stat().st_mode for path in (here / "results").glob("r*.*"))
    assert set(modes) == {(here / "plain").stat().st_mode}

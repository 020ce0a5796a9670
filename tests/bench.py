"""One row a model of a folder with a models.json: what is proved, what it costs, how long it takes.

    python tests/bench.py DIR [FILE...]

models.json: a list of objects with `file`, `group` (a group file, relative) and `correct_pairs_float64`.
Every figure is of a whole process, started as a user would start it. `auto` is what certgen proves when it reads
the group off the model's answers; it is tried for the models that answer every pair correctly. `compared` is
certcheck with --model, --architecture and --group.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any


def run(*command: str) -> tuple[dict[str, Any], float, int]:
    """The JSON that a command prints, its seconds and its peak memory in bytes."""
    start = time.perf_counter()
    with subprocess.Popen([sys.executable, "-m", *command, "--json"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        printed = process.stdout.read()
        _, _, usage = os.wait4(process.pid, 0)
        process.returncode = 0
    return json.loads(printed or "{}"), time.perf_counter() - start, usage.ru_maxrss * 1024


def measure(folder: Path, row: dict[str, Any], scratch: Path) -> bool:
    """Print the row of one model; whether every figure is as it must be."""
    model, group, true = str(folder / row["file"]), str(folder / row["group"]), row["correct_pairs_float64"]
    certificate = scratch / "certificate.json"
    given, generation, _ = run("certgen", model, "-o", str(certificate), "--force", "--group", group)
    checked, checking, memory = run("certcheck", str(certificate))
    integers, integer_checking, _ = run("certcheck", str(certificate), "--arithmetic", "int64")
    architecture = checked["architecture"]
    compared, _, _ = run(
        "certcheck", str(certificate), "--model", model, "--architecture", architecture, "--group", group
    )  # fmt: skip
    auto: dict[str, Any] = {"verdict": "-"}
    if true == row["pairs"]:
        auto, _, _ = run("certgen", model, "-o", str(certificate), "--force")
    proved = [result.get("correct_pairs_at_least") for result in (given, checked, integers, compared, auto)]
    compared_all = (compared["model_compared"], compared["architecture_compared"], compared["group_compared"])
    good = proved[:4] == [true] * 4 and proved[4] in (true, None if auto["verdict"] == "-" else true)
    good = good and compared_all == (True, True, "table")
    print(
        f"{row['file']:34s} {true:7d} {checked['correct_pairs_at_least']!s:>7} {auto['verdict']:9s} "
        f"{auto.get('group', ''):8s}"
        f"{compared['verdict']:9s} {Path(certificate).stat().st_size / 1e6:6.2f} MB  {generation:6.2f} {checking:6.2f} "
        f"{integer_checking:6.2f} s  {memory / 1e6:6.0f} MB  {'' if good else 'DIFFERS'}",
        flush=True,
    )
    return good


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("files", nargs="*")
    options = parser.parse_args()
    rows = json.loads((options.folder / "models.json").read_text())
    rows = [row for row in rows if not options.files or row["file"] in options.files]
    print(f"{'model':34s} correct  proved auto      group   compared     size    certgen  check  int64      memory")
    with tempfile.TemporaryDirectory() as scratch:
        results = [measure(options.folder, row, Path(scratch)) for row in rows]
    print(f"{sum(results)} of {len(results)} models as they must be")
    return 0 if results and all(results) else 1


if __name__ == "__main__":
    sys.exit(main())

"""One row a model of a folder with a models.json: what is proved, what it costs, how long it takes.

    python tests/bench.py DIR [FILE...]

models.json: a list of objects with `file`, `group` (a group file, relative) and `correct_pairs_float64`.
Every figure is of a whole process, started as a user would start it, with the group from the row:

circuits  pairs that certgen --method rho-set --no-cases proves, and the certificate's cost in percent of exhaustive
irreps    the same for --method equivariant
method    that of the certificate of certgen as it comes
argument  pairs by the argument in that certificate, then all that it proves, then its cost
size      of that certificate; seconds of certgen and of certcheck, of certcheck --arithmetic int64, and of certcheck on
          the exhaustive certificate; the memory of certcheck
names     the group that certgen --group auto --method exhaustive finds (fully accurate models only)
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


def percent(result: dict[str, Any]) -> str:
    """The cost of a certificate in percent of exhaustive; a dash if there is none."""
    if not result.get("multiply_adds"):
        return "      -"
    return f"{100 * result['multiply_adds'] / result['multiply_adds_exhaustive']:7.2f}"


def measure(folder: Path, row: dict[str, Any], scratch: Path) -> bool:
    """Print the row of one model; whether every figure is as it must be."""
    model, group, true = str(folder / row["file"]), str(folder / row["group"]), row["correct_pairs_float64"]
    path = str(scratch / "certificate.json")
    generate = ("certgen", model, "-o", path, "--force")
    circuits, irreps = (
        run(*generate, "--group", group, "--no-cases", "--method", method)[0] for method in ("rho-set", "equivariant")
    )
    exhaustive, _, _ = run(*generate, "--group", group, "--method", "exhaustive")
    _, exhaustive_checking, _ = run("certcheck", path)
    found: dict[str, Any] = {}
    if true == row["pairs"]:
        found, _, _ = run(*generate, "--method", "exhaustive")
    _, generation, _ = run(*generate, "--group", group)
    checked, checking, memory = run("certcheck", path)
    integers, integer_checking, _ = run("certcheck", path, "--arithmetic", "int64")
    architecture = checked["architecture"]
    compared, _, _ = run("certcheck", path, "--model", model, "--architecture", architecture, "--group", group)
    proved = [result.get("correct_pairs_at_least") for result in (checked, integers, compared, exhaustive)]
    comparisons = (compared["model_compared"], compared["architecture_compared"], compared["group_compared"])
    good = proved == [true] * 4 and comparisons == (True, True, "table")
    good = good and found.get("correct_pairs_at_least", true) == true
    columns = (
        f"{row['file']:32s} {circuits.get('pairs_by_argument') or 0:7d} {percent(circuits)} ",
        f"{irreps.get('pairs_by_argument') or 0:7d} {percent(irreps)}  {checked['method']:11s}",
        f"{checked['pairs_by_argument']:7d} {checked['correct_pairs_at_least']:7d} {percent(checked)} ",
        f"{Path(path).stat().st_size / 1e6:6.3f} MB {generation:6.2f} {checking:6.2f} {integer_checking:6.2f}",
        f"{exhaustive_checking:6.2f} s {memory / 1e6:5.0f} MB  {found.get('group') or '-':5s}",
        "" if good else "DIFFERS",
    )
    print(" ".join(columns), flush=True)
    return good


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("files", nargs="*")
    options = parser.parse_args()
    rows = json.loads((options.folder / "models.json").read_text())
    rows = [row for row in rows if not options.files or row["file"] in options.files]
    heads = (
        "circuits",
        "%",
        "irreps",
        "%",
        "method",
        "argument",
        "proved",
        "%",
        "size",
        "certgen",
        "check",
        "int64",
        "exh.",
        "memory",
    )
    print(f"{'model':32s} " + " ".join(f"{head:>7s}" for head in heads))
    with tempfile.TemporaryDirectory() as scratch:
        results = [measure(options.folder, row, Path(scratch)) for row in rows]
    print(f"{sum(results)} of {len(results)} models as they must be")
    return 0 if results and all(results) else 1


if __name__ == "__main__":
    sys.exit(main())

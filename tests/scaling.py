"""Time against order: constructed networks of growing groups, certified by circuits and by trying every input.

    python -m tests.scaling [GROUP...]

For each group examples/construct.py makes a network with the natural G-set and a relative noise of 1e-3. Every figure
is of a whole process, started as a user would. The last column is certcheck on the same certificate with method
`exhaustive` in place of its own, at the scales of its cases.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.bench import run

CONSTRUCT = Path(__file__).parents[1] / "examples" / "construct.py"
POINTS = {"S4": 4, "S5": 5, "S6": 6, "A7": 7, "S7": 7}


def main() -> int:
    """Print the table, in Markdown."""
    groups = sys.argv[1:] or list(POINTS)
    print("| group | order | pairs proved | cost of exhaustive | certgen | certcheck | memory | exhaustive certcheck |")
    print("|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for group in groups:
            model, certificate = f"{folder}/{group}.pt", f"{folder}/{group}.json"
            options = ["--group", group, "--gset", str(POINTS[group]), "--noise", "1e-3", "--seed", "0", "-o", model]
            subprocess.run([sys.executable, str(CONSTRUCT), *options], check=True, stdout=subprocess.DEVNULL)
            generate = ("certgen", model, "-o", certificate, "--force", "--group", f"{folder}/{group}.group.json")
            _, generation, _ = run(*generate)
            checked, checking, memory = run("certcheck", certificate)
            if checked["verdict"] != "VERIFIED" or checked["correct_pairs_at_least"] != checked["pairs"]:
                print(f"{group}: not proved", file=sys.stderr)
                return 1
            document = json.loads(Path(certificate).read_bytes())
            document["method"] = {"name": "exhaustive", **document["method"]["cases"]}
            Path(certificate).write_text(json.dumps(document))
            exhaustive, seconds, _ = run("certcheck", certificate)
            assert exhaustive["correct_pairs_at_least"] == exhaustive["pairs_by_cases"] == checked["pairs"]
            share = 100 * checked["multiply_adds"] / checked["multiply_adds_exhaustive"]
            pairs = f"{checked['pairs_by_argument']} of {checked['pairs']} by the argument"
            print(
                f"| {group} | {checked['order']} | {pairs} "
                f"| {share:.3f} % | {generation:.1f} s | {checking:.1f} s | {memory / 1e6:.0f} MB | {seconds:.1f} s |",
                flush=True,
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())

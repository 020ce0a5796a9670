"""All vectors through a checker: `python -O -m tests.vectors.run` runs certcheck.

For another checker, write a function like `run_certcheck`, and call `find_failures` with it (README.md).
"""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from certcheck.__main__ import main as certcheck

FOLDER = Path(__file__).parent

# The verdict on a file with these arguments, by the names of `certcheck --json`.
Verdict = dict[str, Any]
Checker = Callable[[str, list[str]], Verdict]

NAMES = {
    "correct_pairs_at_least": "correct_pairs_at_least",
    "by_argument": "pairs_by_argument",
    "by_cases": "pairs_by_cases",
    "smallest_certified_margin": "smallest_certified_margin",
    "float32_correct_pairs_at_least": "float32_correct_pairs_at_least",
    "unit_roundoff_bits": "unit_roundoff_bits",
    "float32_by_argument": "float32_pairs_by_argument",
    "float32_by_cases": "float32_pairs_by_cases",
    "cross_entropy_upper_bound": "cross_entropy_upper_bound",
}


def run_certcheck(file: str, arguments: list[str]) -> Verdict:
    """What certcheck says, on its command line."""
    with contextlib.redirect_stdout(io.StringIO()) as out:
        certcheck([file, "--json", *arguments])
    verdict: Verdict = json.loads(out.getvalue())
    return verdict


def read_index() -> dict[str, list[dict[str, Any]]]:
    """The entries of the index, valid and invalid ones."""
    index: dict[str, list[dict[str, Any]]] = json.loads((FOLDER / "vectors.json").read_bytes())
    return index


def read_vector(file: str) -> bytes:
    """The bytes of a file of the folder, unpacked."""
    data = (FOLDER / file).read_bytes()
    return gzip.decompress(data) if file.endswith(".gz") else data


def run_vector(checker: Checker, vector: dict[str, Any]) -> Verdict:
    """The checker's verdict on one vector, with the folder as the current one."""
    with contextlib.chdir(FOLDER), tempfile.TemporaryDirectory() as temporary:
        file = vector["file"]
        if file.endswith(".gz"):
            file = str(Path(temporary) / "certificate.json")
            Path(file).write_bytes(read_vector(vector["file"]))
        verdict = checker(file, vector["arguments"])
        # A place that is the file itself is named as in the folder.
        is_file = verdict.get("where") == file
        return verdict | ({"where": vector["file"].removesuffix(".gz")} if is_file else {})


def find_failures(checker: Checker) -> list[str]:
    """A line for every vector on which the checker does not say what the index says."""
    index, failures = read_index(), []
    for kind, vectors in index.items():
        for vector in vectors:
            if kind == "valid":
                wanted = {"verdict": "VERIFIED"} | {name: vector[key] for key, name in NAMES.items()}
            else:
                wanted = {"verdict": vector["status"], "reason": vector["reason"], "where": vector["where"]}
            found = run_vector(checker, vector)
            said = {key: found.get(key) for key in wanted}
            if said != wanted:
                failures.append(f"{vector['file']} {' '.join(vector['arguments'])}: {said}, not {wanted}")
    return failures


def main() -> int:
    """Run certcheck, print the failures and how many vectors there were; 0 if there is no failure."""
    index, failures = read_index(), find_failures(run_certcheck)
    print(
        *failures, f"{len(index['valid'])} valid, {len(index['invalid'])} invalid, {len(failures)} failures", sep="\n"
    )
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())

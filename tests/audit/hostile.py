"""Certificates that ask for as much memory and time as the limits allow, and what certcheck takes to answer.

    python -m tests.audit.hostile [CASE...] [--seconds N] [--gigabytes G] [--cpus N] [--keep FOLDER]

Each is checked in a process of its own with the default limits, but for the time, and the largest memory it held is
measured. One that takes more than is allowed, dies or is accepted ends with exit code 1.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from certcheck.group import Group, check_group
from certcheck.named_group import compute_named_elements

Document = dict[str, Any]

ERROR_TERMS = ("merging", "rounding", "homomorphism", "equivariance", "remainder")
ENOUGH = 10**17
CLAIMS = (
    *("smallest_certified_margin", "float32_correct_pairs_at_least", "unit_roundoff_bits"),
    *("cross_entropy_upper_bound", "cross_entropy_effort"),
)
NO_CLAIMS = dict.fromkeys(CLAIMS)
BAD_CODES = {50, 1, 0}  # INTERNAL and the like, an exception, VERIFIED


def pack(values: NDArray[Any]) -> dict[str, Any]:
    """A packed array."""
    data = base64.b64encode(values.tobytes()).decode("ascii")
    return {"dtype": str(values.dtype), "shape": list(values.shape), "data": data}


def store(values: NDArray[Any]) -> dict[str, Any]:
    """A tensor."""
    return pack(values) | {"sha256": hashlib.sha256(values.tobytes()).hexdigest()}


def make_floats(*shape: int, dtype: str = "float16") -> NDArray[Any]:
    """Numbers from 1 to 2, seeded."""
    return (1 + np.random.default_rng(0).random(shape)).astype(dtype)


def make_wide_floats(*shape: int) -> NDArray[np.float64]:
    """Numbers of all exponents: over one power of two their numerators have up to 2,098 bits."""
    rng = np.random.default_rng(0)
    return np.ldexp(1 + rng.random(shape), rng.integers(-1022, 1000, shape))


def make_group(name: str) -> Group:
    """The group of this name."""
    return check_group(compute_named_elements(name, "name"), "elements")


def write_document(
    elements: list[list[int]], architecture: str, weights: dict[str, NDArray[Any]], method: Document, name: str | None
) -> bytes:
    """A certificate that claims every pair."""
    document = {
        "format": "certgen certificate",
        "version": 1,
        "statement": {"correct_pairs_at_least": len(elements) ** 2, "pairs": len(elements) ** 2} | NO_CLAIMS,
        "group": {"name": name, "labels_from": "given", "degree": len(elements[0]), "elements": elements},
        "network": {
            "architecture": architecture,
            "instance": None,
            "roles": {role: role for role in weights},
            "tensors": {role: store(values) for role, values in weights.items()},
        },
        "method": method,
        "end": "end of certificate",
    }
    return json.dumps(document, separators=(",", ":")).encode("ascii")


def make_one_column(n: int, m: int, dtype: str = "float16") -> dict[str, NDArray[Any]]:
    """`added_tied` with an embedding of one column: the table m x n of U is nearly all of the file."""
    return {
        "embedding": make_floats(n, 1, dtype=dtype),
        "shared_map": make_floats(1, m, dtype=dtype),
        "out": make_floats(m, n),
    }


def write_exhaustive(activation_bits: int = 10, unembedding_bits: int = 4) -> Document:
    """The method."""
    return {"name": "exhaustive", "activation_bits": activation_bits, "unembedding_bits": unembedding_bits}


def write_equivariant(neurons: NDArray[Any], cells: int, representations: list[Document], **changes: Any) -> Document:
    """The method with error terms that are never exceeded."""
    scales = {"activation_bits": 10, "unembedding_bits": 10, "scale_bits": 4, "representation_bits": 16}
    scales |= {"coefficient_bits": 8, "table_bits": 0}
    return {
        "name": "equivariant",
        **scales,
        "cells": cells,
        "neurons": pack(neurons),
        "representations": representations,
        "error_terms": dict.fromkeys(ERROR_TERMS, ENOUGH),
        "cases": None,
        **changes,
    }


def write_trivial(G: Group, d: int, cells: NDArray[Any], *, matrices: bool) -> Document:
    """A representation by unit matrices, with tables of zeros."""
    r = len(G.generators)
    tables = pack(np.zeros((G.order, d, d), dtype=np.int8))
    points = np.tile(np.arange(d, dtype=np.int16), (r, 1))
    positions = np.tile(np.array([0, 0, 1], dtype=np.int8), (len(cells), 1))
    unit = np.tile(np.eye(d, dtype=np.int32) << 16, (r, 1, 1))
    q = np.ones((1, d, d), dtype=np.int8)
    return {
        "name": None,
        "permutations": None if matrices else pack(points),
        "signs": None if matrices else pack(np.ones(r, dtype=np.int8)),
        "matrices": pack(unit) if matrices else None,
        "cells": pack(cells),
        "positions": None if matrices else pack(positions),
        "coefficients": pack(np.ones((len(cells), 1), dtype=np.int8)) if matrices else None,
        "basis": pack(q) if matrices else None,
        **dict.fromkeys(("left", "right", "middle"), tables),
        "constants_to": None,
    }


def write_rho_set(
    G: Group, actions: list[NDArray[Any]], sides: list[tuple[int, int]], m: int, *, kernels: bool = False
) -> Document:
    """The method with a circuit for each two of these actions (n, d), and all neurons in its first cell."""
    circuits = []
    for left, right in sides:
        d, d_prime = actions[left].shape[1], actions[right].shape[1]
        kernel = pack(np.ones((d, d_prime), dtype=np.int8)) if kernels else None
        functions = {"phi": pack(np.ones(d, dtype=np.int8)), "phi_prime": pack(np.ones(d_prime, dtype=np.int8))}
        tables = dict.fromkeys(("kernel", "left_kernel", "right_kernel"), kernel)
        circuits.append({"left": left, "right": right, **functions, **tables, "middle": kernels})
    neurons = np.zeros((m, 4), dtype=np.int16)
    neurons[:, 0], neurons[:, 3] = np.arange(m) % len(circuits), 1
    scales = {"activation_bits": 4, "unembedding_bits": 4, "scale_bits": 0, "table_bits": 0}
    return {
        "name": "rho-set",
        **scales,
        "gsets": [pack(action[list(G.generators)].astype(np.int16)) for action in actions],
        "circuits": circuits,
        "neurons": pack(neurons),
        "error_terms": dict.fromkeys(("merging", "rounding", "remainder"), ENOUGH),
        "remaining": None,
        "cases": None,
    }


def find_action(G: Group, points: Sequence[int]) -> NDArray[np.int64]:
    """What the elements do to the sequences that the images of these points are."""
    images, action = np.unique(G.elements[:, points], axis=0, return_inverse=True)
    first = np.array([np.flatnonzero(action == i)[0] for i in range(len(images))])
    return action[G.table[:, first].astype(np.intp)].reshape(G.order, len(images))


def make_neurons(m: int, cells: int) -> NDArray[np.int32]:
    """Every neuron in a cell with scale and share 1."""
    return np.stack([np.arange(m) % cells, np.full(m, 16), np.full(m, 16)], axis=1).astype(np.int32)


def claim_everything(make: Callable[[], bytes], *, binary32: bool = True) -> Callable[[], bytes]:
    """The certificate with every claim, and the most work for them."""

    def claimed() -> bytes:
        document = json.loads(make())
        statement = document["statement"]
        values = ["999999999.0", statement["pairs"], 24, "0.0", {"scan_above": 0, "evaluate_above": 0}]
        statement |= dict(zip(CLAIMS, values, strict=True))
        if not binary32:
            statement |= dict.fromkeys(CLAIMS[1:3])
        return json.dumps(document, separators=(",", ":")).encode("ascii")

    return claimed


def make_order_1(m: int = 8_000_000) -> bytes:
    """Order 1 and as many neurons as the file can hold."""
    text = write_document([[0]], "added_tied", make_one_column(1, m), write_exhaustive(4, -8), None)
    return text.replace(b'"correct_pairs_at_least":1', b'"correct_pairs_at_least":2')


def make_order_2(m: int = 4_700_000) -> bytes:
    """Order 2, one map."""
    return write_document([[0, 1], [1, 0]], "added_tied", make_one_column(2, m), write_exhaustive(4, -8), None)


def make_order_2_equivariant(m: int = 2_000_000) -> bytes:
    """Order 2, a row of its own for each neuron, 2^20 cells."""
    method = write_equivariant(make_neurons(m, 2**20), 2**20, [], unembedding_bits=8, activation_bits=2)
    return write_document([[0, 1], [1, 0]], "added_tied", make_one_column(2, m), method, None)


def make_long_inputs(method: Document | None = None, name: str = "C600", m: int = 18_600) -> bytes:
    """a and c of 11 million numbers of more than 64 bits each, out of a file with one such table."""
    G = make_group(name)
    weights = make_one_column(G.order, m, dtype="float64")
    return write_document(G.elements.tolist(), "added_tied", weights, method or write_exhaustive(10, -6), None)


def make_long_cells() -> bytes:
    """The same, each neuron a cell of its own."""
    m = 18_600
    return make_long_inputs(write_equivariant(make_neurons(m, m), m, [], activation_bits=4), "C600", m)


def make_wide_exponents() -> bytes:
    """Numerators of 2,000 bits, in folding."""
    elements = make_group("C40").elements.tolist()
    weights = {"embedding": make_wide_floats(40, 900), "shared_map": make_wide_floats(900, 900)}
    weights["out"] = make_floats(900, 40, dtype="float64")
    return write_document(elements, "added_tied", weights, write_exhaustive(-2000, 4), None)


def make_all_undecided(name: str = "C720", m: int = 1) -> bytes:
    """A fixed point at which nothing is decided, so that every pair takes the exact weights."""
    elements = make_group(name).elements.tolist()
    weights = {"left": make_floats(len(elements), m), "right": make_floats(len(elements), m)}
    weights["out"] = make_floats(m, len(elements))
    return write_document(elements, "direct", weights, write_exhaustive(-4096, -4096), None)


def make_order_10000(sides: list[tuple[int, int]] | None = None, *, kernels: bool = False) -> bytes:
    """Order 10,000, circuits of few points, every pair open."""
    G = make_group("C100xC100")
    # C100 acts on 4 and on 25 points.
    points = [np.zeros((G.order, 1), dtype=np.int64), find_action(G, [0]), find_action(G, [4])]
    points += [find_action(G, [0, 29, 33]), find_action(G, [4, 29])] if sides else []
    weights = {"left": make_floats(G.order, 1), "right": make_floats(G.order, 1), "out": make_floats(1, G.order)}
    method = write_rho_set(G, points, sides or [(0, 0)], 1, kernels=kernels)
    return write_document(G.elements.tolist(), "direct", weights, method, "C100xC100")


def make_many_representations(n: int = 1000, count: int = 256) -> bytes:
    """Representations of dimension 1 in all pairs' norms."""
    G = make_group(f"C{n}")
    cells = np.zeros(1, dtype=np.int8)
    parts = [write_trivial(G, 1, cells, matrices=False)] * count
    method = write_equivariant(make_neurons(1, 1), 1, parts)
    weights = {"left": make_floats(n, 1), "right": make_floats(n, 1), "out": make_floats(1, n)}
    return write_document(G.elements.tolist(), "direct", weights, method, None)


def make_large_equivariant() -> bytes:
    """Order 5,400 and no representation: the tables of all pairs."""
    G = make_group("D2700")
    method = write_equivariant(make_neurons(1, 1), 1, [])
    weights = {"left": make_floats(5400, 1), "right": make_floats(5400, 1), "out": make_floats(1, 5400)}
    return write_document(G.elements.tolist(), "direct", weights, method, None)


def make_many_cases(n: int = 720) -> bytes:
    """A circuit, and every pair a case that is evaluated over all labels."""
    G = make_group(f"C{n}")
    points = [find_action(G, [0]), find_action(G, [G.elements.shape[1] - 1])]
    weights = {"left": make_floats(n, 64), "right": make_floats(n, 64), "out": make_floats(64, n)}
    method = write_rho_set(G, points, [(0, 1)], 64) | {"cases": {"activation_bits": 10, "unembedding_bits": 10}}
    return write_document(G.elements.tolist(), "direct", weights, method, None)


def make_shared_cells(n: int = 600, m: int = 18_600, count: int = 3) -> bytes:
    """Every representation carries every cell, by an entry of its own."""
    G = make_group(f"C{n}")
    parts = [write_trivial(G, 1, np.arange(m, dtype=np.int16), matrices=False)] * count
    method = write_equivariant(make_neurons(m, m), m, parts, activation_bits=4)
    weights = make_one_column(n, m)
    return write_document(G.elements.tolist(), "added_tied", weights, method, None)


def make_large_matrices(n: int = 3600, d: int = 64) -> bytes:
    """One representation by matrices of dimension 64, tables as large as the file."""
    G = make_group(f"C{n}")
    method = write_equivariant(make_neurons(1, 1), 1, [write_trivial(G, d, np.zeros(1, dtype=np.int8), matrices=True)])
    weights = {"left": make_floats(n, 1), "right": make_floats(n, 1), "out": make_floats(1, n)}
    return write_document(G.elements.tolist(), "direct", weights, method, None)


def make_many_coefficients(n: int = 8000) -> bytes:
    """Coefficients of 8,000 cells in a basis of one matrix of dimension 64."""
    G = make_group("C40")
    cells = np.arange(n, dtype=np.int16)
    parts = [write_trivial(G, 64, cells, matrices=True)] * 40
    method = write_equivariant(make_neurons(n, n), n, parts, activation_bits=4)
    return write_document(G.elements.tolist(), "added_tied", make_one_column(40, n), method, None)


def make_hard_name() -> bytes:
    """C97xC97 said to be C9409, which acts on 9,409 points."""
    elements = make_group("C97xC97").elements.tolist()
    weights = {"left": make_floats(9409, 1), "right": make_floats(9409, 1), "out": make_floats(1, 9409)}
    return write_document(elements, "direct", weights, write_exhaustive(), "C9409")


def make_many_points() -> bytes:
    """Order 2 on 2,000,000 points."""
    points = list(range(2_000_000))
    elements = [points, [1, 0, *points[2:]]]
    weights = {"left": make_floats(2, 1), "right": make_floats(2, 1), "out": make_floats(1, 2)}
    return write_document(elements, "direct", weights, write_exhaustive(), None)


def make_text(middle: bytes, times: int, start: bytes = b"", end: bytes = b"") -> Callable[[], bytes]:
    """A text with a part repeated."""
    return lambda: start + middle * times + end


SIX_CIRCUITS = [(3, 0)] * 3 + [(4, 0)] * 3
CASES: dict[str, Callable[[], bytes]] = {
    "64 MiB of white space": make_text(b" ", 2**26),
    "64 MiB of brackets": make_text(b"[", 2**26),
    "64 MiB of digits": make_text(b"7", 2**26),
    "4 million numbers": make_text(b",7", 2**22 - 8, b'{"format":[7', b"]}"),
    "4 million lists": make_text(b",[]", 2**22 - 8, b'{"format":[7', b"]}"),
    "64 MiB of escapes": make_text(b"\\u0041", 2**26 // 6 - 9, b'{"format":"', b'"}'),
    "2 million strings": make_text(b',"a"', 2**21 - 8, b'{"format":[7', b"]}"),
    "order 1, 8 million neurons": make_order_1,
    "order 2, 5 million neurons": make_order_2,
    "order 2, 2 million neurons, a million cells": make_order_2_equivariant,
    "order 2, 2 million points": make_many_points,
    "order 600, inputs of 128 bits": make_long_inputs,
    "order 600, cells of inputs of 128 bits": make_long_cells,
    "order 40, numerators of 2,000 bits": make_wide_exponents,
    "order 720, every pair exactly": make_all_undecided,
    "order 9409 as C9409": make_hard_name,
    "order 10000, one circuit, every pair open": make_order_10000,
    "order 10000, circuits of 1,000 points": lambda: make_order_10000(SIX_CIRCUITS),
    "order 10000, kernels of 1,000 points": lambda: make_order_10000(SIX_CIRCUITS, kernels=True),
    "order 1000, 256 representations": make_many_representations,
    "order 5400, equivariant": make_large_equivariant,
    "order 600, 3 representations of 18,600 cells": make_shared_cells,
    "order 3600, matrices of dimension 64": make_large_matrices,
    "order 40, 40 representations, 8,000 coefficients": make_many_coefficients,
    "order 1, 8 million neurons, every claim": claim_everything(make_order_1),
    "order 2, 5 million neurons, every claim": claim_everything(make_order_2),
    "order 600, inputs of 128 bits, cross-entropy": claim_everything(make_long_inputs, binary32=False),
    "order 720, every pair exactly, every claim": claim_everything(make_all_undecided),
    "order 10000, one circuit, every claim": claim_everything(make_order_10000),
    "order 1000, 256 representations, every claim": claim_everything(make_many_representations),
    "order 5400, equivariant, every claim": claim_everything(make_large_equivariant),
    "order 720, every pair a case, every claim": claim_everything(make_many_cases),
}


@dataclass(frozen=True, slots=True)
class Cost:
    """What a check took: bytes of the file, the verdict line, seconds (of the clock, of all processors), bytes held."""

    size: int
    code: int
    verdict: str
    seconds: float
    processor_seconds: float
    memory: int

    def describe(self, name: str) -> str:
        """A row of a Markdown table."""
        verdict = self.verdict[:60].strip().replace("|", "/")
        seconds = f"{self.seconds:.0f} | {self.processor_seconds:.0f}"
        return f"| {name} | {self.size / 2**20:.1f} MiB | {verdict} | {seconds} | {self.memory / 2**30:.2f} |"


# Seconds that a step may take.
ONE_STEP = 120

HEADER = "| case | file | verdict | seconds | processor seconds | GiB |\n|---|---|---|---|---|---|"


def measure(path: Path, seconds: int, *options: str) -> Cost:
    """Check a file in a process of its own; certcheck is given the time, and ten seconds more to say so."""
    command = [sys.executable, "-m", "certcheck", str(path), "--limit", f"seconds={seconds}", *options]
    start = time.perf_counter()
    with tempfile.TemporaryFile() as output:
        environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        lines = output.read().decode("utf-8", "replace").splitlines()
    verdict = next(iter(lines[:1] if process.returncode in (0, 10, 20, 30, 40) else lines[-1:]), "no output")
    elapsed = time.perf_counter() - start
    used = usage.ru_utime + usage.ru_stime
    return Cost(path.stat().st_size, process.returncode, verdict, elapsed, used, usage.ru_maxrss * 1024)


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(prog="hostile", description=(__doc__ or "").split("\n\n", 1)[0])
    parser.add_argument("cases", nargs="*", metavar="CASE", help="names, or parts of names (default: all)")
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--gigabytes", type=float, default=6.0)
    parser.add_argument("--keep", type=Path, help="a folder where the certificates stay")
    options = parser.parse_args(arguments)
    wanted = [name for name in CASES if not options.cases or any(part in name for part in options.cases)]
    bad = []
    print(HEADER, flush=True)
    for name in wanted:
        with tempfile.TemporaryDirectory() as folder:
            path = (options.keep or Path(folder)) / (name.replace(" ", "_").replace(",", "") + ".json")
            path.write_bytes(CASES[name]())
            cost = measure(path, options.seconds)
        print(cost.describe(name), flush=True)
        # A step at work is finished: the limit on time is looked at between steps.
        is_slow = cost.seconds > options.seconds + ONE_STEP
        if is_slow or cost.memory > options.gigabytes * 2**30 or cost.code in BAD_CODES or cost.code < 0:
            bad.append(name)
    print(f"{len(wanted)} cases, beyond what is allowed: {', '.join(bad) or 'none'}")
    return 0 if wanted and not bad else 1


if __name__ == "__main__":
    sys.exit(main())

"""What a row of a sweep holds, and all that it depends on."""

from __future__ import annotations

import functools
import hashlib
import json
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import certcheck
import certgen
from certgen.failure import ExitCode

Row = dict[str, Any]

# name: type and meaning. A share or a bound is a number from 0 to 1.
COLUMNS = {
    "model": ("string", "the model's name"),
    "sha256": ("string", "of the model file"),
    "key": ("string", "of the row: the model file, the group, the options and the versions"),
    "group": ("string", "the group's name, as in a certificate"),
    "order": ("int64", "elements of the group"),
    "width": ("int64", "hidden neurons"),
    "architecture": ("string", "the formula, by its name"),
    "labels_from": ("string", "given or model_answers, as in a certificate"),
    "group_from": ("string", "what named the group: option, card, models.json, auto"),
    "answers_read": ("int64", "answers of the model that were read to find the labels"),
    "answers_repaired": ("int64", "answers among these that differ from the group's"),
    "verdict": ("string", "certcheck's on the certificate, or NOTHING_TO_PROVE"),
    "bound_by_argument": ("double", "share of the pairs that the argument proves below the cost of exhaustive"),
    "cost_by_argument": ("double", "of the certificate that proves them, as a part of exhaustive"),
    "bound": ("double", "share of the pairs that the certificate proves"),
    "method": ("string", "of the certificate"),
    "cost": ("double", "of the certificate, as a part of exhaustive"),
    "pairs": ("int64", "pairs of elements"),
    "correct_pairs_at_least": ("int64", "pairs that the certificate proves"),
    "pairs_by_argument": ("int64", "by the argument, in the certificate"),
    "pairs_by_cases": ("int64", "by cases, in the certificate"),
    "multiply_adds": ("int64", "of certcheck on the certificate"),
    "multiply_adds_exhaustive": ("int64", "of trying every pair"),
    "smallest_certified_margin": ("double", "in logits, over the pairs that the certificate proves"),
    "float32_correct_pairs_at_least": ("int64", "pairs that it proves of evaluation in binary32"),
    "float32_pairs_by_argument": ("int64", "by the argument, among these"),
    "cross_entropy_upper_bound": ("double", "that it proves, in nats"),
    "cross_entropy_cost": ("double", "of this bound alone, as a part of exhaustive"),
    "argument_pairs": ("int64", "pairs that the certificate of --no-cases proves, whatever it costs"),
    "argument_cost": ("double", "its cost, as a part of exhaustive"),
    "argument_method": ("string", "its method"),
    "argument_float32_pairs": ("int64", "pairs that it proves of evaluation in binary32"),
    "argument_cross_entropy": ("double", "the upper bound that it proves, in nats"),
    "error_merging": ("double", "its error terms, in units of a logit; of circuits and representations together"),
    "error_rounding": ("double", "the same"),
    "error_homomorphism": ("double", "the same"),
    "error_equivariance": ("double", "the same"),
    "error_remainder": ("double", "the same"),
    "bound_by_rho_sets": ("double", "share of the pairs that circuits alone prove below the cost of exhaustive"),
    "cost_by_rho_sets": ("double", "of that certificate, as a part of exhaustive"),
    "accuracy": ("double", "share of the pairs that are correct in float64"),
    "accuracy_is_sample": ("bool", "whether it is of 20,000 random pairs"),
    "cross_entropy": ("double", "mean over these pairs in float64, in nats"),
    "structured_pairs": ("int64", "pairs that are correct without the logits' part that has no symmetry"),
    "memorised_pairs": ("int64", "pairs that only this part makes correct"),
    "symmetry_bi_equivariant": ("double", "share of the logits' energy"),
    "symmetry_one_sided": ("double", "the same"),
    "symmetry_middle": ("double", "the same"),
    "symmetry_residual": ("double", "the same: the part without symmetry"),
    "share_complete": ("double", "share of the logits in complete circuits"),
    "share_phi_not_shared": ("double", "in others on the same pair of G-sets as another circuit"),
    "share_missing_cells": ("double", "in others without a neuron in a cell that is needed"),
    "share_unclear_kernels": ("double", "in others: K leaves 5 % of their unembedding or more"),
    "share_no_circuit": ("double", "of neurons in no circuit"),
    "circuits": ("int64", "circuits found"),
    "circuits_complete": ("int64", "complete ones"),
    "cells": ("int64", "cells of the circuits that are no fragments"),
    "cells_covered": ("int64", "cells among these with a neuron"),
    "pairs_without_remainder": ("int64", "argument_pairs, were the unembedding explained in full"),
    "pairs_without_residual": ("int64", "argument_pairs, were the equivariance residual zero"),
    "pairs_without_merging": ("int64", "argument_pairs, were neurons exactly in their cells"),
    "explanation": ("string", "what explains the network"),
    "why_not": ("string", "why the argument proves less than 95 %"),
    "why_not_rho_sets": ("string", "why circuits alone prove less than 95 %"),
    "error": ("string", "why there is no result: the name of an exit code, INTERNAL, TIMEOUT or WORKER_DIED"),
    "message": ("string", "the error in a sentence"),
    "seconds": ("double", "of the worker, for all of the row"),
    "seconds_certify": ("double", "to make the certificate"),
    "seconds_argument": ("double", "to make those by the argument and by circuits alone"),
    "seconds_check": ("double", "of certcheck on the certificate"),
    "version": ("string", "of certgen and certcheck"),
    "code": ("string", "sha256 of their sources, 16 digits"),
    "numpy": ("string", "version"),
    "python_flint": ("string", "version"),
}
# Columns that differ from run to run.
TIMES = tuple(name for name in COLUMNS if name.startswith("seconds"))
# Errors of the machine, not of the model.
PASSING = ("INTERNAL", "TIMEOUT", "WORKER_DIED")
INTERNAL, TIMEOUT, WORKER_DIED = PASSING
NOTHING_TO_PROVE = ExitCode.NOTHING_TO_PROVE.name


@dataclass(frozen=True, slots=True)
class Options:
    """How models are certified, as on certgen's command line; cases: whether what the argument leaves is tried."""

    architecture: str | None = None
    instance: int | None = None
    effort: str = "default"
    cases: bool = True


@dataclass(frozen=True, slots=True)
class Task:
    """All that a row depends on, and nothing of this machine.

    group: a name or `auto`; or the name of the group file, whose bytes then are `group_data`.
    """

    name: str
    data: bytes
    group: str
    group_data: bytes | None
    group_from: str
    options: Options
    timeout: float | None

    @property
    def sha256(self) -> str:
        """Of the model file."""
        return hashlib.sha256(self.data).hexdigest()

    @property
    def key(self) -> str:
        """The same for the same name, bytes, group, options and versions, whatever the folder and the time allowed."""
        group = self.group if self.group_data is None else hashlib.sha256(self.group_data).hexdigest()
        parts = [self.name, self.sha256, group, self.group_from, asdict(self.options), find_versions()]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


@functools.cache
def find_versions() -> dict[str, str]:
    """The versions that a row may depend on; the sources', too: a checkout changes without a new number."""
    digest = hashlib.sha256()
    for package in (certcheck, certgen):
        for path in sorted(Path(package.__path__[0]).glob("*.py")):
            digest.update(path.read_bytes())
    libraries = {name.replace("-", "_"): metadata.version(name) for name in ("numpy", "python-flint")}
    return {"version": certcheck.__version__, "code": digest.hexdigest()[:16]} | libraries


def begin_row(task: Task) -> Row:
    """A row with what is known before the work."""
    known = {"group_from": task.group_from, "sha256": task.sha256, "key": task.key}
    return dict.fromkeys(COLUMNS) | known | find_versions()


def fail_row(task: Task, error: str, message: str) -> Row:
    """The row of a model without a result."""
    return begin_row(task) | {"model": task.name, "error": error, "message": message}

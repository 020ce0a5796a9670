"""Valid certificates of small groups, by every method, with and without cases, at the number that is proved and below.

They are the networks of the other tests, whose pairs are counted there by hand or logit by logit.
"""

from __future__ import annotations

import copy
import dataclasses
import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from certcheck.comparison import Auditor
from certcheck.decision import check
from certcheck.document import EquivariantSection, ExhaustiveSection, RhoSetSection
from certcheck.exact import DyadicMatrix
from certcheck.group import Group
from certcheck.network import Network
from certcheck.verdict import Reason, Refusal
from tests.certcheck.test_equivariant import EXAMPLES as EQUIVARIANT
from tests.certcheck.test_rhoset import EXAMPLES as RHO_SET
from tests.certificates import C1, S3, certificate, encode, multiplication_table, pair_detectors
from tests.equivariant_sections import C2_ELEMENTS, write_method
from tests.remaining_sections import ROUGH
from tests.rhoset_sections import write_rho_set

Document = dict[str, Any]
Weights = dict[str, NDArray[Any]]
CASES = ExhaustiveSection(12, 12)
PROVED = re.compile(r"at most ([0-9]+), all that was proved")


def read_weights(network: Network) -> Weights:
    """The weights of a folded network as those of architecture `direct`; they must be float64."""

    def read(matrix: DyadicMatrix) -> NDArray[np.float64]:
        rows, columns = matrix.shape
        entries = [int(v) / (1 << matrix.bits) for v in matrix.numerators.entries()]
        return np.array(entries, dtype=np.float64).reshape(rows, columns)

    weights = {"left": read(network.a), "right": read(network.c), "out": read(network.U).T.copy()}
    beta = read(network.beta)[0]
    return weights | ({"out_bias": beta} if beta.any() else {})


def write_seed(network: Network, G: Group, section: EquivariantSection | RhoSetSection) -> Document:
    """The certificate of a network and a section about it, which claims every pair."""
    method = write_method(section) if isinstance(section, EquivariantSection) else write_rho_set(section)
    return certificate(G.elements.tolist(), read_weights(network)) | {"method": method}


def fit_claims(document: Document) -> Document:
    """The certificate with the smallest error terms and the largest number of pairs that are accepted.

    Both are read off the refusals.
    """
    fitted = copy.deepcopy(document)
    sections = [fitted["method"], fitted["method"].get("remaining")]
    for section in filter(None, sections):
        if "error_terms" in section:
            section["error_terms"] = dict.fromkeys(section["error_terms"], 0)
    while True:
        try:
            check(encode(fitted), Auditor())
        except Refusal as refusal:
            if refusal.reason is Reason.ERROR_TERM_TOO_LOW:
                *parents, key = refusal.where.split(".")[1:]
                place = fitted["method"]
                for parent in parents:
                    place = place[parent]
                place[key] = int(refusal.expected.removeprefix("at least "))
            elif (proved := PROVED.match(refusal.expected)) is not None:
                fitted["statement"]["correct_pairs_at_least"] = int(proved[1])
            else:
                raise
        else:
            return fitted


def add_claims(document: Document, bits: int = 24) -> Document:
    """The certificate with as much as is accepted of margins, of evaluation with so many bits, and of cross-entropy."""
    fitted = copy.deepcopy(document)
    fitted["statement"] |= {
        "smallest_certified_margin": "99999.0",
        "float32_correct_pairs_at_least": fitted["statement"]["pairs"],
        "unit_roundoff_bits": bits,
        "cross_entropy_upper_bound": "0.0",
        "cross_entropy_effort": {"scan_above": 2**30, "evaluate_above": 2**44},
    }
    while True:
        try:
            check(encode(fitted), Auditor())
        except Refusal as refusal:
            key = refusal.where.removeprefix("statement.")
            words = refusal.expected.split(" ")[2].rstrip(",")
            if refusal.reason is Reason.MARGIN_TOO_HIGH:
                fitted["statement"][key] = f"{int(Fraction(words) * 10**12) / 10**12:.12f}"
            elif refusal.reason is Reason.CROSS_ENTROPY_TOO_LOW:
                fitted["statement"][key] = f"{float(words) + 1e-12:.12f}"
            elif refusal.reason is Reason.FLOAT32_BOUND_TOO_HIGH:
                fitted["statement"][key] = int(words)
            else:
                raise
        else:
            return fitted


def make_lower(document: Document, by: int = 2) -> Document:
    """The certificate with a claim of so many pairs less, where that is not vacuous."""
    lower = copy.deepcopy(document)
    statement = lower["statement"]
    order = len(lower["group"]["elements"])
    statement["correct_pairs_at_least"] = max(order + 1, statement["correct_pairs_at_least"] - by)
    return lower


def make_mapped() -> Document:
    """S3 by the architecture `mapped`, one map stored transposed, bfloat16 beside float32, biases, two ties."""
    detectors = pair_detectors(S3)
    eye = np.eye(6, dtype=np.float32)
    weights = {
        "left": eye,
        "right": eye,
        "left_map": detectors["left"],
        "right_map_transposed": np.ascontiguousarray(detectors["right"].T + np.float32(1)),
        "out": detectors["out"],
        "hidden_bias": np.full(36, -1, dtype=np.float32),
        "out_bias": np.array([0, 0, 0, 0, 0, 1 / 4], dtype=np.float32),
    }
    weights["out"][0, 5] = 3 / 4
    weights["out"][7, 5] = 1
    document = certificate(S3, weights, architecture="mapped")
    document["network"]["instance"] = 0
    document["group"]["name"] = "S3"
    left = document["network"]["tensors"]["left"]
    # Ones are the same in the upper halves.
    upper = eye.view(np.uint16)[:, 1::2].copy()
    left |= certificate(S3, {"left": upper})["network"]["tensors"]["left"] | {"dtype": "bfloat16"}
    return document


def make_tied() -> Document:
    """C2 by `concatenated_tied` in float16: exclusive or."""
    table = multiplication_table(C2_ELEMENTS)
    eye = np.eye(2, dtype=np.float16)
    hidden = np.concatenate([np.repeat(eye, 2, axis=1), np.tile(eye, (1, 2)) - np.float16(1)])
    weights = {"embedding": eye, "hidden": hidden, "out": eye[table.ravel()]}
    document = certificate(C2_ELEMENTS, weights, architecture="concatenated_tied")
    document["group"] |= {"name": "C2", "labels_from": "model_answers"}
    return document


def make_close() -> Document:
    """S3 with margins of one unit in the last place of float32, so that the exact weights decide."""
    weights = pair_detectors(S3)
    weights["out"][0, 5] = np.nextafter(np.float32(1), np.float32(0))
    weights["out"][1, 4] = 1
    return certificate(S3, weights)


def _equivariant(name: str, cases: ExhaustiveSection | None = None, **changes: Any) -> Document:
    example = EQUIVARIANT[name]
    return write_seed(example.network, example.G, dataclasses.replace(example.section, cases=cases, **changes))


def _rho_set(name: str, cases: ExhaustiveSection | None = None) -> Document:
    example = RHO_SET[name]
    return write_seed(example.network, example.G, dataclasses.replace(example.section, cases=cases))


def _remaining(name: str, cases: ExhaustiveSection | None = None) -> Document:
    whole = ROUGH[name].whole
    return write_seed(whole.network, whole.G, dataclasses.replace(whole.section, cases=cases))


def make_rough_equivariant(cases: ExhaustiveSection | None) -> Document:
    """S3 by 2 x 2 matrices with damaged weights: some pairs by the argument, some by cases, some wrong."""
    document = _equivariant("S3 matrices", cases)
    weights = read_weights(EQUIVARIANT["S3 matrices"].network)
    rng = np.random.default_rng(5)
    damaged = {role: (w + 0.16 * rng.normal(size=w.shape)).astype(np.float32) for role, w in weights.items()}
    return document | {"network": certificate(S3, damaged)["network"]}


SEEDS: dict[str, Callable[[], Document]] = {
    "exhaustive C1": lambda: certificate(C1),
    "exhaustive C2 concatenated tied": make_tied,
    "exhaustive S3 mapped": lambda: fit_claims(make_mapped()),
    "exhaustive S3 close": lambda: fit_claims(make_close()),
    "equivariant S3 permutations, below": lambda: make_lower(_equivariant("S3 scales 1 and -2")),
    "equivariant C3 complex type": lambda: fit_claims(_equivariant("C3 complex type")),
    "equivariant S3 sign": lambda: fit_claims(_equivariant("S3 sign")),
    "equivariant S3 rough": lambda: fit_claims(make_rough_equivariant(None)),
    "equivariant S3 rough with cases": lambda: fit_claims(make_rough_equivariant(CASES)),
    "rho-set S3": lambda: fit_claims(_rho_set("S3 scales 2 and -1/2")),
    "rho-set S3 one-sided, with cases, below": lambda: make_lower(_rho_set("S3 one-sided", CASES)),
    "rho-set D4 on two sets": lambda: fit_claims(_rho_set("D4 on two sets")),
    "rho-set and remaining V4": lambda: fit_claims(_remaining("V4 half each")),
    "rho-set and remaining S3 sign, below": lambda: make_lower(_remaining("S3 sign"), 5),
    "rho-set and remaining S3 matrices": lambda: fit_claims(_remaining("S3 matrices beside two circuits")),
    "rho-set and remaining S3 rough with cases": lambda: fit_claims(_remaining("S3 rough", CASES)),
    "exhaustive S3 close, other claims": lambda: add_claims(fit_claims(make_close())),
    "equivariant S3 rough, other claims": lambda: add_claims(fit_claims(make_rough_equivariant(None)), 20),
    "equivariant S3 rough with cases, other claims": lambda: add_claims(fit_claims(make_rough_equivariant(CASES)), 16),
    "rho-set S3, other claims": lambda: add_claims(fit_claims(_rho_set("S3 scales 2 and -1/2"))),
}


def write_seeds() -> dict[str, bytes]:
    """All of them, as files."""
    return {name: encode(make()) for name, make in SEEDS.items()}

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

from certcheck.check import check
from certcheck.comparison import Auditor
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
from tests.vectors.make.claims import make_cancelling as make_cancelling_weights
from tests.vectors.make.groups import S3 as SORTED_S3

Document = dict[str, Any]
Weights = dict[str, NDArray[Any]]
CASES = ExhaustiveSection(12, 12)
PROVED = re.compile(r"at most ([0-9]+(?:/[0-9]+)?), all that was proved")


def read_weights(network: Network) -> Weights:
    """The weights of a folded network as those of architecture `direct`, in float32."""

    def read(matrix: DyadicMatrix) -> NDArray[np.float32]:
        rows, columns = matrix.shape
        entries = [int(v) / (1 << matrix.bits) for v in matrix.numerators.entries()]
        return np.array(entries, dtype=np.float32).reshape(rows, columns)

    weights = {"left": read(network.a), "right": read(network.c), "out": read(network.U).T.copy()}
    beta = read(network.beta)[0]
    return weights | ({"out_bias": beta} if beta.any() else {})


def write_seed(network: Network, G: Group, section: EquivariantSection | RhoSetSection) -> Document:
    """The certificate of a network and a section about it, which claims every pair."""
    method = write_method(section) if isinstance(section, EquivariantSection) else write_rho_set(section)
    return certificate(G.elements.tolist(), read_weights(network)) | {"method": method}


def claim_everything(document: Document, bits: int = 24, effort: tuple[int, int] = (0, 0)) -> Document:
    """The certificate with the largest claims beside correct pairs that can be written, to be fitted."""
    statement = document["statement"] | {
        "smallest_certified_margin": "999999999.0",
        "float32_correct_pairs_at_least": document["statement"]["pairs"],
        "unit_roundoff_bits": bits,
        "cross_entropy_upper_bound": "0.0",
        "cross_entropy_effort": dict(zip(("scan_above", "evaluate_above"), effort, strict=True)),
    }
    return copy.deepcopy(document) | {"statement": statement}


def fit_claims(document: Document, bits: int = 24, effort: tuple[int, int] = (0, 0)) -> Document:
    """The certificate with the smallest error terms and the largest claims that are accepted.

    All are read off the refusals.
    """
    fitted = claim_everything(document, bits, effort)
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
            else:
                fit_statement(fitted["statement"], refusal)
        else:
            return fitted


def fit_statement(statement: Document, refusal: Refusal) -> None:
    """What is proved in place of what is claimed, or nothing."""
    proved, reason = PROVED.match(refusal.expected), refusal.reason
    if reason is Reason.BOUND_TOO_HIGH and proved is not None:
        statement["correct_pairs_at_least"] = int(proved[1])
    elif reason is Reason.MARGIN_TOO_HIGH and proved is not None:
        millionths = Fraction(proved[1]) * 10**6
        statement["smallest_certified_margin"] = write_millionths(millionths.numerator // millionths.denominator)
    elif reason is Reason.CROSS_ENTROPY_TOO_LOW:
        # The number in the refusal is rounded.
        billionths = Fraction(refusal.expected.removeprefix("at least ")) * (1 + Fraction(1, 2**50)) * 10**9
        statement["cross_entropy_upper_bound"] = write_millionths(-(-billionths.numerator // billionths.denominator), 9)
    elif reason is Reason.FLOAT32_BOUND_TOO_HIGH and proved is not None and int(proved[1]) ** 2 > statement["pairs"]:
        statement["float32_correct_pairs_at_least"] = int(proved[1])
    elif reason in {Reason.FLOAT32_BOUND_TOO_HIGH, Reason.FLOAT32_UNBOUNDED, Reason.WEIGHT_NOT_BINARY32}:
        statement["float32_correct_pairs_at_least"] = statement["unit_roundoff_bits"] = None
    else:
        raise refusal


def write_millionths(number: int, places: int = 6) -> str:
    """So many units of the last place as a decimal."""
    return f"{number // 10**places}.{number % 10**places:0{places}d}"


def make_lower(document: Document, by: int = 2) -> Document:
    """The certificate with claims of so many pairs less, where that is not vacuous, and easier ones of other kinds."""
    lower = copy.deepcopy(document)
    statement = lower["statement"]
    order = len(lower["group"]["elements"])
    for key in ("correct_pairs_at_least", "float32_correct_pairs_at_least"):
        if statement[key] is not None:
            statement[key] = max(order + 1, statement[key] - by)
    for key, factor in (("smallest_certified_margin", Fraction(3, 4)), ("cross_entropy_upper_bound", Fraction(5, 4))):
        statement[key] = write_millionths(round(Fraction(statement[key]) * factor * 10**6))
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


def make_finer() -> Document:
    """S3 in float64 with a weight that binary32 does not hold."""
    weights = {role: values.astype(np.float64) for role, values in pair_detectors(S3).items()}
    weights["out"][0, 0] += 2.0**-30
    return certificate(S3, weights)


def make_cancelling() -> Document:
    """S3: a neuron of 2^24 + 1 less one of 2^24 is what one pair needs, and nothing in binary32."""
    weights = {role: np.array(rows, dtype=np.float32) for role, rows in make_cancelling_weights(2.0**24).items()}
    document = certificate([list(x) for x in SORTED_S3.elements], weights)
    return document | {"method": {"name": "exhaustive", "activation_bits": 0, "unembedding_bits": 0}}


# An effort of no closer look.
NEVER = 10**18 - 1
SEEDS: dict[str, Callable[[], Document]] = {
    "exhaustive C1": lambda: fit_claims(certificate(C1)),
    "exhaustive C2 concatenated tied": lambda: fit_claims(make_tied(), 11),
    "exhaustive S3 mapped": lambda: fit_claims(make_mapped()),
    "exhaustive S3 close": lambda: fit_claims(make_close()),
    "exhaustive S3 finer than binary32": lambda: fit_claims(make_finer()),
    "exhaustive S3 cancelling": lambda: fit_claims(make_cancelling()),
    "equivariant S3 permutations, below": lambda: make_lower(fit_claims(_equivariant("S3 scales 1 and -2"))),
    "equivariant C3 complex type": lambda: fit_claims(_equivariant("C3 complex type"), effort=(NEVER, NEVER)),
    "equivariant S3 sign": lambda: fit_claims(_equivariant("S3 sign"), 12),
    "equivariant S3 rough": lambda: fit_claims(make_rough_equivariant(None)),
    "equivariant S3 rough with cases": lambda: fit_claims(make_rough_equivariant(CASES), 12),
    "rho-set S3": lambda: fit_claims(_rho_set("S3 scales 2 and -1/2")),
    "rho-set S3 one-sided, with cases, below": lambda: make_lower(fit_claims(_rho_set("S3 one-sided", CASES))),
    "rho-set D4 on two sets": lambda: fit_claims(_rho_set("D4 on two sets"), 13, (2**40, 2**44)),
    "rho-set and remaining V4": lambda: fit_claims(_remaining("V4 half each")),
    "rho-set and remaining S3 sign, below": lambda: make_lower(fit_claims(_remaining("S3 sign")), 5),
    "rho-set and remaining S3 matrices": lambda: fit_claims(_remaining("S3 matrices beside two circuits")),
    "rho-set and remaining S3 rough with cases": lambda: fit_claims(_remaining("S3 rough", CASES), effort=(0, 2**46)),
}


def write_seeds() -> dict[str, bytes]:
    """All of them, as files."""
    return {name: encode(make()) for name, make in SEEDS.items()}

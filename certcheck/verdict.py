"""What can be said of a certificate.

A check returns proved objects or refuses; `reject` is the only way to refuse. `Verdict.status` is the one place that
decides whether a certificate is verified; `announce` prints verdicts and gives the exit code.
"""

from __future__ import annotations

import enum
import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NoReturn

from certcheck import __version__

FORMAT_VERSION = 1
# The unit roundoff of binary32 is 2**-24.
BINARY32_BITS = 24
# A line of a verdict is longer.
MAX_QUOTED = 24


class Status(enum.Enum):
    """The value is the exit code; a larger one is worse."""

    VERIFIED = 0
    REJECTED = 10
    DECLINED = 20
    MALFORMED = 30
    LIMIT = 40
    ERROR = 50


class Reason(enum.Enum):
    """Why a certificate is not verified: one meaning each, and the status that it leads to."""

    def __init__(self, status: Status, meaning: str) -> None:
        self.status = status
        self.meaning = meaning

    # A claim is false or not proved.
    BOUND_TOO_HIGH = Status.REJECTED, "fewer pairs are proved correct than are claimed"
    BOUND_VACUOUS = Status.REJECTED, "the claim is not above chance"
    PAIRS_WRONG = Status.REJECTED, "the number of pairs is not the square of the order"
    TENSOR_HASH_WRONG = Status.REJECTED, "a tensor's bytes do not have the hash that is claimed"
    WEIGHT_NOT_FINITE = Status.REJECTED, "a weight is NaN or infinite"
    ROLE_UNKNOWN = Status.REJECTED, "the architecture has no such role"
    ROLE_MISSING = Status.REJECTED, "a role of the architecture has no tensor"
    ROLES_SHARE_TENSOR = Status.REJECTED, "one tensor plays two roles"
    TENSOR_UNUSED = Status.REJECTED, "a tensor plays no role"
    TENSOR_MISSING = Status.REJECTED, "a role names a tensor that is not there"
    SHAPE_WRONG = Status.REJECTED, "a tensor's shape does not fit its role"
    NOT_A_PERMUTATION = Status.REJECTED, "a group element is not a permutation"
    ELEMENTS_REPEAT = Status.REJECTED, "two group elements are the same permutation"
    IDENTITY_MISSING = Status.REJECTED, "the identity is not among the elements"
    GROUP_NOT_CLOSED = Status.REJECTED, "a product of two elements is not an element"
    GROUP_NAME_WRONG = Status.REJECTED, "the elements are not the permutations that the name stands for"
    GSET_WRONG = Status.REJECTED, "permutations of points are not an action of the group, or not a transitive one"
    CIRCUIT_WRONG = Status.REJECTED, "a circuit's functions do not fit its points, or a kernel is not invariant"
    REPRESENTATION_WRONG = Status.REJECTED, "the matrices are not a representation of the group"
    RESIDUALS_TOO_LARGE = Status.REJECTED, "matrices are too far from an orthogonal representation to prove anything"
    CELLS_WRONG = Status.REJECTED, "the neurons are not assigned to cells"
    COEFFICIENTS_WRONG = Status.REJECTED, "coefficients or tables do not fit the cells and the group"
    ERROR_TERM_TOO_LOW = Status.REJECTED, "an error term is larger than claimed"
    SCALE_TOO_FINE = Status.REJECTED, "at the declared fixed point a product could overflow"
    WEIGHT_NOT_BINARY32 = Status.REJECTED, "a weight is no binary32 number, and a claim is about evaluation in binary32"
    FLOAT32_UNBOUNDED = Status.REJECTED, "rounding in the claimed arithmetic is not bounded, or could overflow"
    FLOAT32_BOUND_TOO_HIGH = Status.REJECTED, "fewer pairs are proved correct in binary32 than are claimed"
    CROSS_ENTROPY_TOO_LOW = Status.REJECTED, "the cross-entropy is not proved to be as low as is claimed"
    MARGIN_TOO_HIGH = Status.REJECTED, "the margins are not proved to be as large as is claimed"
    MODEL_DIFFERS = Status.REJECTED, "the auditor's model is not the network of the certificate"
    ARCHITECTURE_DIFFERS = Status.REJECTED, "the auditor's architecture is not that of the certificate"
    GROUP_DIFFERS = Status.REJECTED, "the auditor's group is not that of the certificate"
    BOUND_BELOW_THRESHOLD = Status.REJECTED, "the proved bound is below the auditor's threshold"
    # Not known to this checker.
    VERSION_UNKNOWN = Status.DECLINED, "this version of the format is not known"
    METHOD_UNKNOWN = Status.DECLINED, "this method is not known"
    ARCHITECTURE_UNKNOWN = Status.DECLINED, "this architecture is not on the list"
    DTYPE_UNKNOWN = Status.DECLINED, "this number type is not known"
    MODEL_FILE_UNSUPPORTED = Status.DECLINED, "this kind of model file cannot be read here"
    # Not a certificate as docs/format.md defines it.
    NOT_JSON = Status.MALFORMED, "the bytes are not one JSON object"
    NOT_A_CERTIFICATE = Status.MALFORMED, "the format mark is missing"
    KEY_DUPLICATE = Status.MALFORMED, "a key appears twice in one object"
    KEY_MISSING = Status.MALFORMED, "a key is missing"
    KEY_UNEXPECTED = Status.MALFORMED, "a key does not belong here"
    NUMBER_INVALID = Status.MALFORMED, "a number is not a plain integer in its range"
    TYPE_WRONG = Status.MALFORMED, "a value has the wrong type"
    STRING_INVALID = Status.MALFORMED, "a string is not of the form that is required here"
    TENSOR_SIZE_WRONG = Status.MALFORMED, "a tensor's bytes do not fill its shape"
    TRAILING_BYTES = Status.MALFORMED, "bytes follow the end of the certificate"
    # More than this checker is willing to do.
    FILE_TOO_LARGE = Status.LIMIT, "the file is too large"
    NESTING_TOO_DEEP = Status.LIMIT, "the nesting is too deep"
    VALUES_TOO_MANY = Status.LIMIT, "the file holds too many values"
    NUMBER_TOO_LONG = Status.LIMIT, "a number has too many digits"
    ORDER_TOO_LARGE = Status.LIMIT, "the group is too large"
    NUMBERS_TOO_MANY = Status.LIMIT, "the check would hold too many numbers at once"
    WORK_TOO_LARGE = Status.LIMIT, "the check would take too much work"
    TIME_TOO_LONG = Status.LIMIT, "the check takes too long"
    # Nothing was decided.
    FILE_UNREADABLE = Status.ERROR, "a file cannot be read"
    INPUT_INVALID = Status.ERROR, "a file or name that was given makes no sense"
    INTERNAL = Status.ERROR, "certcheck has a bug"


class Refusal(Exception):  # noqa: N818 - a refusal is the normal answer to a bad certificate, not an error
    """A certificate is not verified: the reason, the place, what was expected there and what was found."""

    def __init__(self, reason: Reason, where: str, expected: str, got: str) -> None:
        super().__init__(reason, where, expected, got)
        self.reason = reason
        self.where = where
        self.expected = expected
        self.got = got

    def __str__(self) -> str:
        return f"{self.where}: expected {self.expected}, got {self.got}"


def reject(reason: Reason, where: str, expected: str, got: str) -> NoReturn:
    """Refuse."""
    raise Refusal(reason, where, expected, got)


@dataclass(frozen=True, slots=True)
class Proof:
    """What was proved, of what, what it cost and what was compared. Field names are those of `--json`."""

    correct_pairs_at_least: int
    pairs: int
    pairs_by_argument: int
    pairs_by_cases: int
    smallest_certified_margin: str | None
    certified_margins: dict[str, int]
    float32_correct_pairs_at_least: int | None
    unit_roundoff_bits: int | None
    float32_pairs_by_argument: int | None
    float32_pairs_by_cases: int | None
    cross_entropy_upper_bound: str | None
    tightest: dict[str, Any] | None
    method: str
    group: str
    order: int
    labels_from: str
    architecture: str
    formula: str
    weights_sha256: str
    arithmetic: str
    model_compared: bool
    architecture_compared: bool
    group_compared: str
    representations: tuple[str, ...]
    error_terms: dict[str, str]
    multiply_adds: int
    multiply_adds_cross_entropy: int
    multiply_adds_exhaustive: int
    additions: int

    @property
    def accuracy_lower_bound(self) -> Fraction:
        """The part of all pairs that is proved correct."""
        return Fraction(self.correct_pairs_at_least, self.pairs)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is said of one certificate: a proof or a refusal. Only one that is VERIFIED is true as a condition."""

    path: str
    result: Proof | Refusal
    seconds: float

    @property
    def proof(self) -> Proof | None:
        """What was proved; None if the certificate is not verified."""
        return self.result if isinstance(self.result, Proof) else None

    @property
    def reason(self) -> Reason | None:
        """Why it is not verified; None if it is."""
        return self.result.reason if isinstance(self.result, Refusal) else None

    @property
    def status(self) -> Status:
        """Nothing is verified but what carries a proof."""
        if self.proof is not None:
            return Status.VERIFIED
        return Status.ERROR if self.reason is None else self.reason.status

    @property
    def verified(self) -> bool:
        """Whether the bound is proved."""
        return self.status is Status.VERIFIED

    def __bool__(self) -> bool:
        return self.verified

    def __str__(self) -> str:
        return describe(self)


LABELS_IN_WORDS = {
    "given": "the certificate says that they were given with the group, not taken from the model",
    "model_answers": "read off the model's own answers: the network agrees with a group law chosen by looking at them",
}
GROUP_COMPARED_IN_WORDS = {
    "table": "group (its multiplication table, index by index)",
    "isomorphism": "group (up to isomorphism only: the order of the labels was not compared)",
    "none": "",
}


def announce(verdicts: Iterable[Verdict], *, count: int, as_json: bool, quiet: bool) -> int:
    """Print each of `count` verdicts as it comes, and return the worst exit code; no verdict at all is an error."""
    worst = Status.VERIFIED if count > 0 else Status.ERROR
    for verdict in verdicts:
        worst = max(worst, verdict.status, key=lambda s: s.value)
        text = json.dumps(list_fields(verdict)) if as_json else describe(verdict, many=count > 1, quiet=quiet)
        print(text, flush=True)
    return worst.value


def describe(verdict: Verdict, *, many: bool = False, quiet: bool = False) -> str:
    """The verdict as it is printed: of many certificates one line, with its path."""
    head = f"s {verdict.status.name}" + (f" {_one_line(verdict.path)}" if many else "")
    proof, reason = verdict.proof, verdict.reason
    if reason is not None:
        return f"{head} {reason.name}: {reason.meaning}; {_one_line(str(verdict.result))}"
    if proof is not None and many:
        return f"{head} {proof.correct_pairs_at_least} of {proof.pairs} pairs"
    if proof is None or quiet:
        return head
    lines = [f"{name:14s}{text}" for name, text in describe_proof(proof, verdict.seconds).items()]
    return "\n".join([head, *lines, *_explain_lines(proof.tightest)])


def _one_line(text: str) -> str:
    """Names in files are hostile: none may start a line of its own, or break the terminal."""
    return text.encode("unicode_escape").decode("ascii")


def list_fields(verdict: Verdict) -> dict[str, Any]:
    """The object of `--json`."""
    proof, reason = verdict.proof, verdict.reason
    fields: dict[str, Any] = {"verdict": verdict.status.name, "reason": None if reason is None else reason.name}
    fields |= {name: getattr(verdict.result, name) if reason else None for name in ("where", "expected", "got")}
    fields |= {"certificate": verdict.path, "accuracy_lower_bound": str(proof.accuracy_lower_bound) if proof else None}
    fields |= {name: getattr(proof, name) if proof else None for name in Proof.__slots__}
    seconds = round(verdict.seconds, 3)
    return fields | {"seconds": seconds, "format_version": FORMAT_VERSION, "checker_version": __version__}


def describe_proof(proof: Proof, seconds: float) -> dict[str, str]:
    """The lines of a verdict, each under its name."""
    # Rounded down: the percentage that is printed is itself a true lower bound.
    percent = 100_000 * proof.correct_pairs_at_least // proof.pairs
    comparisons = {
        "model": proof.model_compared and "model (every tensor, byte by byte)",
        "architecture": proof.architecture_compared and "architecture (the formula, and which tensor plays which role)",
        "group": GROUP_COMPARED_IN_WORDS[proof.group_compared],
    }
    compared = [words for words in comparisons.values() if words]
    missing = [name for name, words in comparisons.items() if not words]
    cost = _describe_cost(proof.multiply_adds, proof.multiply_adds_exhaustive)
    extra = _describe_cost(proof.multiply_adds_cross_entropy, proof.multiply_adds_exhaustive)
    labels = "as in the auditor's group file" if proof.group_compared == "table" else LABELS_IN_WORDS[proof.labels_from]
    lines = {
        "bound": f"at least {proof.correct_pairs_at_least} of {proof.pairs} pairs are correct: accuracy >= "
        f"{proof.accuracy_lower_bound} ({percent // 1000}.{percent % 1000:03d} %)",
        "proved": f"{proof.pairs_by_argument} pairs by the argument, {proof.pairs_by_cases} by cases ({proof.method})",
        "margin": f"at least {proof.smallest_certified_margin} over every other label, for each of these pairs",
        "float32": f"at least {proof.float32_correct_pairs_at_least} of {proof.pairs} pairs are correct as evaluated "
        f"{_describe_arithmetic(proof.unit_roundoff_bits)}, sums in any order, with or without fused multiply-add, "
        f"subnormals flushed or not ({proof.float32_pairs_by_argument} by the argument)",
        "cross-entropy": f"at most {proof.cross_entropy_upper_bound} nats, the mean over all pairs"
        + (f"; for it alone {extra}" if proof.multiply_adds_cross_entropy else ""),
        "carried by": ", ".join(proof.representations) + " (names and irreducibility are not verified)",
        "error terms": ", ".join(f"{name} {round_up(Fraction(term))}" for name, term in proof.error_terms.items()),
        "group": f"{proof.group}, order {proof.order}",
        "labels": labels,
        "network": f"{proof.architecture}: {proof.formula}",
        "weights": f"sha256 {proof.weights_sha256}",
        "arithmetic": f"exact, bulk products in {proof.arithmetic}; logits of the stored weights in real numbers",
        "compared": "; ".join(compared) or "nothing",
        "not compared": ", ".join(missing) or "nothing",
        "cost": f"{cost}, {proof.additions} additions, {seconds:.2f} s",
    }
    present = {
        "carried by": proof.representations,
        "error terms": proof.error_terms,
        "margin": proof.smallest_certified_margin,
        "float32": proof.float32_correct_pairs_at_least,
        "cross-entropy": proof.cross_entropy_upper_bound,
    }
    return {name: text for name, text in lines.items() if present.get(name, True)}


def _explain_lines(tightest: dict[str, Any] | None) -> list[str]:
    """The tightest triple, its terms from what adds most to what takes most, in logits, rounded."""
    if tightest is None:
        return []
    terms = sorted(((key, Fraction(term)) for key, term in tightest["terms"].items()), key=lambda item: -item[1])
    triple = ", ".join(f"{letter} = {tightest[letter]}" for letter in "xyz")
    return [
        f"{'tightest':14s}{triple}: the margin is at least {round_down(Fraction(tightest['bound']))}",
        *(f"{'':14s}{_write_decimal(round(term * 10**4), 4, '+'):>12s}  {key}" for key, term in terms),
        f"{'costs most':14s}{tightest['costliest']}: {tightest['advice']}",
    ]


def _describe_cost(multiply_adds: int, exhaustive: int) -> str:
    """As the cost of a proof is nothing to understate, its part is rounded up."""
    return f"{multiply_adds} multiply-adds ({round_up(Fraction(100 * multiply_adds, exhaustive))} % of exhaustive)"


def _describe_arithmetic(unit_roundoff_bits: int | None) -> str:
    if unit_roundoff_bits == BINARY32_BITS:
        return "in binary32 (not with TF32, nor in bfloat16)"
    return f"with unit roundoff 2^-{unit_roundoff_bits} and the exponents of binary32"


def quote_name(name: str | None) -> str:
    """A name that nobody verified: in quotes and short, so that it passes for no other part of a verdict."""
    return "no name" if name is None else ascii(name if len(name) <= MAX_QUOTED else f"{name[:MAX_QUOTED]}...")


def round_up(value: Fraction, places: int = 3) -> str:
    """The decimal of so many places that is not below a value."""
    return _write_decimal(math.ceil(value * 10**places), places)


def round_down(value: Fraction, places: int = 4) -> str:
    """The decimal of so many places that is not above a value."""
    return _write_decimal(math.floor(value * 10**places), places)


def _write_decimal(digits: int, places: int, plus: str = "") -> str:
    return f"{'-' if digits < 0 else plus}{abs(digits) // 10**places}.{abs(digits) % 10**places:0{places}d}"

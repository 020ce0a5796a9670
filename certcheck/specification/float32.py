"""What evaluation in binary32 takes from a margin (claims 22 to 24)."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from operator import mul

from certcheck.specification.decision import reject
from certcheck.specification.exact import Matrix, Vector, flatten, inner_products, total
from certcheck.specification.margin import Margins, Pair
from certcheck.specification.network import Network, Weights, fold

SMALLEST_NORMAL = Fraction(1, 2**126)  # lambda
LARGEST = 2**127  # binary32 and bfloat16 represent it


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A network as evaluated, and what of E_32 is the same for all pairs (claim 23).

    `absolute` is the formula folded with absolute weights: its a and c are a-bar and c-bar. An input of a neuron is off
    by e_i = gamma (a-bar + c-bar) + nu; this costs a margin (w_i + 2 gamma_out W_i) e_i, gamma_out being gamma_r'.
    """

    network: Network
    absolute: Network
    gamma: Fraction
    nu: Fraction
    gamma_out: Fraction
    largest: Vector  # W_i
    costs: Vector  # w_i + 2 gamma_out W_i
    fixed: Fraction  # 2 gamma_out max |beta| + 2 nu'


def check_evaluation(weights: Weights, n: int, bits: int, where: str) -> Evaluation:
    """The evaluation with unit roundoff 2^-bits: weights are binary32 numbers and nothing overflows (claim 22)."""
    stored = [value for matrix in weights.matrices.values() for value in flatten(matrix)]
    if not all(map(is_binary32, stored)):
        reject(weights.where, "a weight is no binary32 number")
    network, absolute = fold(weights, n), fold(weights.absolute(), n)
    m, W, J = network.m, max(map(abs, stored)), count_products(weights)
    gamma, gamma_out = (compute_gamma(products + 3, bits, where) for products in (J, m))
    largest = [max(column) for column in zip(*absolute.U, strict=True)]
    # H_i: no number on the way to an activation is larger; then the same of the logits.
    nu = 32 * SMALLEST_NORMAL * (2 * W + 1) * J
    columns = zip(zip(*absolute.a, strict=True), zip(*absolute.c, strict=True), strict=True)
    H = [2 * (max(of_x) + max(of_y)) + nu for of_x, of_y in columns]
    nu_out = 32 * SMALLEST_NORMAL * (total(H) + (W + 1) * m)
    logit = 2 * (total(map(mul, H, largest)) + max(absolute.beta)) + nu_out
    if max(*H, logit, 8 * W) > LARGEST:
        reject(where, "an overflow is not excluded")
    costs = [w + 2 * gamma_out * W_i for w, W_i in zip(network.widths, largest, strict=True)]
    fixed = 2 * gamma_out * max(absolute.beta) + 2 * nu_out
    return Evaluation(network, absolute, gamma, nu, gamma_out, largest, costs, fixed)


def is_binary32(value: Fraction) -> bool:
    """The value is a multiple of 2^-149 below 2^128, and an integer of 24 bits times a power of two."""
    numerator = abs(value.numerator)
    power = numerator & -numerator  # the largest that divides it; 0 of 0
    return value.denominator <= 2**149 and numerator <= 2**24 * power and abs(value) < 2**128


def count_products(weights: Weights) -> int:
    """J: the products in the input of a neuron; a sum of two embeddings counts as one more (claim 22)."""
    if weights.family == "direct":
        return 2
    return len(weights.left[0]) + (1 if weights.family == "added" else len(weights.right[0]))


def compute_gamma(r: int, bits: int, where: str) -> Fraction:
    """gamma_r = ru / (1 - ru), with 2ru <= 1 (claim 22)."""
    if 2 * r > 2**bits:
        reject(where, f"{r} roundings in a row are not bounded")
    return Fraction(r, 2**bits - r)


def bound_errors_upper(evaluation: Evaluation) -> Matrix:
    """E_32(x,y), by which a margin as evaluated may be smaller, for all pairs (claim 23)."""
    network, absolute, costs = evaluation.network, evaluation.absolute, evaluation.costs
    sides = []
    for inputs, sizes in ((network.a, absolute.a), (network.c, absolute.c)):
        activations = [[max(value, Fraction(0)) for value in row] for row in inputs]
        pairs = zip(inner_products(sizes, [costs]), inner_products(activations, [evaluation.largest]), strict=True)
        sides.append([evaluation.gamma * e + 2 * evaluation.gamma_out * h for (e,), (h,) in pairs])
    rest = evaluation.nu * total(costs) + evaluation.fixed
    return [[of_x + of_y + rest for of_y in sides[1]] for of_x in sides[0]]


def bound_error_upper(evaluation: Evaluation, x: int, y: int) -> Fraction:
    """E_32(x,y) with the activations themselves, and without the neurons that are off as evaluated too (claim 24)."""
    network, absolute = evaluation.network, evaluation.absolute
    inputs = [a + c for a, c in zip(network.a[x], network.c[y], strict=True)]
    sizes = [a + c for a, c in zip(absolute.a[x], absolute.c[y], strict=True)]
    errors = [evaluation.gamma * size + evaluation.nu for size in sizes]
    h = total(max(s, Fraction(0)) * W for s, W in zip(inputs, evaluation.largest, strict=True))
    of_inputs = total(cost * e for s, e, cost in zip(inputs, errors, evaluation.costs, strict=True) if s + e > 0)
    return of_inputs + 2 * evaluation.gamma_out * h + evaluation.fixed


def find_correct_as_evaluated(evaluation: Evaluation, margins: Margins) -> list[Pair]:
    """The pairs all of whose margins are larger than E_32, that of claim 24 where the margins are known."""
    errors = bound_errors_upper(evaluation)
    return [
        (x, y)
        for x, y in margins.find_correct()
        if margins.are_above((x, y), errors[x][y])
        or (margins.are_exact and margins.are_above((x, y), bound_error_upper(evaluation, x, y)))
    ]

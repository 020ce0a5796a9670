"""One small network by hand, by every method: each number below can be followed with a pencil.

The group of order 2 is {e, t}, s(e) = 1, s(t) = -1. Neuron 0 has a_x = c_x = s(x), neuron 1 has a_x = c_x = -s(x), both
speak with s(z), and t has a bias. So neuron 0 is 2 on (e,e), neuron 1 is 2 on (t,t), both are 0 elsewhere, and with the
bias b of t the margins are 4 - b for the product e in (e,e) and in (t,t), and b for the product t in (e,t) and (t,e).

In all methods g of a cell is 2 on one pair, r or u is 3/4 and -1/4, and what is left, s(x)s(y)/2, is a function of xy.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from certcheck.specification.argument import bound_margins_lower
from certcheck.specification.certificate import specify
from certcheck.specification.decision import Status
from certcheck.specification.document import parse_certificate
from certcheck.specification.equivariant import check_equivariant
from certcheck.specification.group import check_group
from certcheck.specification.network import check_weights, fold
from tests.certificates import certificate, encode
from tests.equivariant_sections import write_array
from tests.specification.documents import CASES, compare, set_value

C2 = [[0, 1], [1, 0]]
B, T = 12, 10
UNIT = 2.0**-B


def write_network(bias: float, method: dict[str, Any], correct: int = 4) -> dict[str, Any]:
    """The certificate of the network above."""
    weights = {
        "left": np.array([[1.0, -1.0], [-1.0, 1.0]]),
        "right": np.array([[1.0, -1.0], [-1.0, 1.0]]),
        "out": np.array([[1.0, -1.0], [1.0, -1.0]]),
        "out_bias": np.array([0.0, bias]),
    }
    return certificate(C2, weights, correct=correct) | {"method": method}


def array(values: Any) -> dict[str, Any]:
    """A packed array."""
    return write_array(np.array(values, dtype=np.int64))


EXHAUSTIVE = {"name": "exhaustive", "activation_bits": 0, "unembedding_bits": 0}
# The sign is a representation of dimension 1, C = 1 in both cells, V(x,y) = s(x)s(y), and N(w) = s(w) is all of it.
EQUIVARIANT: dict[str, Any] = {
    "name": "equivariant",
    "activation_bits": 12,
    "unembedding_bits": B,
    "scale_bits": 0,
    "representation_bits": 8,
    "coefficient_bits": 8,
    "table_bits": T,
    "cells": 2,
    "neurons": array([[0, 1, 1], [1, 1, 1]]),
    "representations": [
        {
            "name": "sign",
            "permutations": array([[0]]),
            "signs": array([-1]),
            "matrices": None,
            "cells": array([0, 1]),
            "positions": array([[0, 0, 256], [0, 0, 256]]),
            "coefficients": None,
            "basis": None,
            "left": array([[[0]], [[0]]]),
            "right": array([[[0]], [[0]]]),
            "middle": array([[[2**T]], [[-(2**T)]]]),
            "constants_to": None,
        }
    ],
    "error_terms": {"merging": 1, "rounding": 0, "homomorphism": 0, "equivariance": 0, "remainder": 0},
    "cases": None,
}
# phi = phi' = (1, -1) on the two elements as points, neurons at (0,0) and (1,1): Gamma is 1/2 there and -1/2 elsewhere.
CIRCUIT = {
    "left": 0,
    "right": 0,
    "phi": array([2**12, -(2**12)]),
    "phi_prime": array([2**12, -(2**12)]),
    "kernel": None,
    "left_kernel": None,
    "right_kernel": None,
    "middle": True,
}
RHO_SET: dict[str, Any] = {
    "name": "rho-set",
    "activation_bits": 12,
    "unembedding_bits": B,
    "scale_bits": 0,
    "table_bits": T,
    "gsets": [array([[1, 0]])],
    "circuits": [CIRCUIT],
    "neurons": array([[0, 0, 0, 1], [0, 1, 1, 1]]),
    "error_terms": {"merging": 0, "rounding": 1, "remainder": 2 * 2**T},
    "remaining": None,
    "cases": None,
}
# What keeps Gamma from the remainder: its orbit means, or the kernel s(z) of K = +-1/2, or one of one side.
HALF = array([[2 ** (B - 1), -(2 ** (B - 1))], [-(2 ** (B - 1)), 2 ** (B - 1)]])
EXPLAINED = {
    "middle": {},
    "kernel": {"middle": False, "kernel": HALF},
    "left": {"middle": False, "left_kernel": HALF},
    "right": {"middle": False, "right_kernel": HALF},
}


def explain(kind: str) -> dict[str, Any]:
    """The method `rho-set` with one of these explanations; nothing remains where it is a kernel."""
    terms = {"merging": 0, "rounding": 1, "remainder": 0}
    return RHO_SET | {"circuits": [CIRCUIT | EXPLAINED[kind]], "error_terms": terms}


@pytest.mark.parametrize(("bias", "correct"), [(1.0, 4), (0.0, 2), (4.0, 2), (5.0, 2), (2.0**-60, 4), (-1.0, 2)])
def test_exhaustive_counts_the_positive_margins(bias: float, correct: int) -> None:
    """4 - b on two pairs and b on two; a tie is not correct."""
    decision = specify(encode(write_network(bias, EXHAUSTIVE, correct=3)))
    assert (decision.status is Status.VERIFIED) == (correct == 4)
    assert str(correct) + " by cases" in (str(decision))


@pytest.mark.parametrize("method", [EQUIVARIANT, *(explain(kind) for kind in EXPLAINED)])
def test_the_bound_is_the_margin_less_two_units(method: dict[str, Any]) -> None:
    """Only U is rounded, and a unit is charged for each of two times 1: bias 2 units is not proved, 3 are."""
    assert specify(encode(write_network(3 * UNIT, method))).by_argument == 4
    assert specify(encode(write_network(4 - 3 * UNIT, method))).by_argument == 4
    for bias in (2 * UNIT, 4 - 2 * UNIT):
        decision = specify(encode(write_network(bias, method | {"cases": CASES})))
        assert (decision.by_argument, decision.by_cases) == (2, 2)
        assert specify(encode(write_network(bias, method, correct=3))).where.endswith("correct_pairs_at_least")


@pytest.mark.parametrize("method", [EQUIVARIANT, *(explain(kind) for kind in EXPLAINED)])
def test_both_checkers_prove_it(method: dict[str, Any]) -> None:
    """With a bias of 1 there is room for certcheck's roundings; what it claims is accepted here."""
    terms = dict.fromkeys(method["error_terms"], 2**T)
    assert compare(write_network(1.0, method | {"error_terms": terms}))[0].by_argument == 4


def test_a_rest_is_the_product_of_distance_and_norm() -> None:
    """Without explanation D(z) = s(z)Gamma and |Gamma| = 1: the distance is 2, and so is |D(v)| + max |D(z)|."""
    method = RHO_SET | {"circuits": [CIRCUIT | {"middle": False}], "cases": CASES}
    # P and Q tell 1 each, and the bias 1 of t: the tables say 2 - 1 - 2 for (e,e), and -2 + 1 + 2 without the middle.
    decision = specify(encode(write_network(1.0, method)))
    assert (decision.by_argument, decision.by_cases) == (0, 4)
    low = set_value(write_network(1.0, method), "method.error_terms.remainder", 2 * 2**T - 1)
    assert specify(encode(low)).where == "certificate.method.error_terms.remainder"


def test_the_terms_of_the_argument() -> None:
    """Tables and errors as the docstring of this file has them, and the pairs that are proved."""
    root = parse_certificate(encode(write_network(1.0, EQUIVARIANT)))
    group = check_group(root.member("group"))
    network = fold(check_weights(root.member("network")), group.n)
    argument = check_equivariant(root.member("method"), network, group)
    P, Q, Lt, Rt, Mt, errors = argument.tables
    # u sums to 3/4 - 1/4 over the cells; t has the bias 1.
    half = Fraction(1, 2)
    assert [[[half, half]] * 2, [[half, -half]] * 2] == [P, Q]
    assert Lt == Rt == [[0, 0], [0, 0]]
    assert Mt == [[1, -1], [-1, 1]]
    assert errors == [[Fraction(1, 2**B)] * 2] * 2
    assert argument.rests[0] == ([[0, 2], [2, 0]], [[0, 0], [0, 0]])
    distances, norms = argument.rests[1]
    assert distances == [[0, 0], [0, 0]]  # sign and C are all of U
    # Two cells of 1/2 each: the norm is the root of 1/2, which is not rational.
    assert all(0 < norm**2 - half < Fraction(1, 2**199) for row in norms for norm in row)
    assert len(bound_margins_lower(argument, group).find_correct()) == 4

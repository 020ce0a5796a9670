"""Representations of a group: signed permutation matrices, exact, or rounded orthogonal matrices with residuals."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from certcheck.document import RepresentationSection
from certcheck.exact import Integers, ceil_fraction, ceil_sqrt, compute_largest
from certcheck.group import Group
from certcheck.gset import check_action
from certcheck.limits import LIMITS, Limits, check_limit
from certcheck.verdict import Reason, reject

# Binary places of the distances between matrices, in which the scan multiplies.
DISTANCE_BITS = 10
MAX_DEGREE = 64
# Squares of smaller entries, 64 x 64 of them, stay below 2^62.
MAX_NORM_ENTRY = 2**25


@dataclass(frozen=True, slots=True)
class Representation:
    """Matrices rho(x), near to a homomorphism into the orthogonal group.

    matrices: (n, d, d) in units of 2**-bits. action, signs: (n, d) and (n,), for signed permutation matrices only:
    rho(x) e_b = signs[x] e_action[x, b]; then bits = 0.
    homomorphism: bounds |rho(x)^T rho(z) - rho(x^-1 z)| and |rho(z) rho(y)^T - rho(z y^-1)| for all x, y, z.
    distances: (n,), distances[w] bounds |rho(v) - rho(v w)| for all v, in units of 2**-DISTANCE_BITS.
    Norms are Frobenius norms.
    """

    matrices: Integers
    bits: int
    action: NDArray[np.intp] | None
    signs: Integers
    homomorphism: Fraction
    distances: Integers

    @property
    def degree(self) -> int:
        """The size d of the matrices."""
        return int(self.matrices.shape[1])


def check_representation(
    section: RepresentationSection, G: Group, bits: int, where: str, limits: Limits = LIMITS
) -> Representation:
    """The matrices of all elements from those of the generators, and how far they are from a homomorphism.

    Errors: REPRESENTATION_WRONG, RESIDUALS_TOO_LARGE, GSET_WRONG, NUMBERS_TOO_MANY.
    """
    given = section.matrices if section.permutations is None else section.permutations
    if given is None or len(given) != len(G.generators) or not 1 <= given.shape[1] <= MAX_DEGREE:
        expected = f"{len(G.generators)} generators and at most {MAX_DEGREE} points"
        reject(Reason.REPRESENTATION_WRONG, where, expected, "others")
    # Matrices of all elements, what a block of pairs makes of each, and the cells' coefficients.
    most = max(G.order, len(section.cells))
    check_limit(limits, "numbers", 16 * most * given.shape[1] ** 2, where)
    if section.permutations is None or section.signs is None:
        return _check_matrices(given, G, bits, where)
    return _check_signed_permutations(given, section.signs, G, where)


def _check_signed_permutations(permutations: Integers, given_signs: Integers, G: Group, where: str) -> Representation:
    """Claim 12: given pi(gx) = pi(g) pi(x) and s(gx) = s(g) s(x) for all generators g and all x, therefore the signed
    permutation matrices are an orthogonal representation, because every element is a product of generators.
    """  # noqa: D205 - a claim
    d = permutations.shape[1]
    action = check_action(permutations, G, where)
    if given_signs.shape != (len(permutations),) or (np.abs(given_signs) != 1).any():
        reject(Reason.REPRESENTATION_WRONG, where, "a sign for each generator", "others")
    signs = np.ones(G.order, dtype=np.int64)
    for gx, generator, x in G.tree:
        signs[gx] = given_signs[generator] * signs[x]
    for i, g in enumerate(G.generators):
        if (signs[G.table[g]] != given_signs[i] * signs).any():
            reject(Reason.REPRESENTATION_WRONG, where, "signs that multiply", f"others at the generator [{g}]")
    matrices = np.zeros((G.order, d, d), dtype=np.int64)
    elements, points = np.ogrid[: G.order, :d]
    matrices[elements, action, points] = signs[:, None]
    # |I - rho(w)|^2 = 2d - 2 tr rho(w).
    squares = 2 * d - 2 * np.trace(matrices, axis1=1, axis2=2)
    distances = ceil_sqrt(squares << 2 * DISTANCE_BITS)
    return Representation(matrices, 0, action, signs, Fraction(0), distances)


def _check_matrices(generators: Integers, G: Group, bits: int, where: str) -> Representation:
    """Claim 13: with delta, tau, M and the depth k as below, |rho(xw) - rho(x) rho(w)| <= k delta (1 + M) M^(k-1) =: e,
    both homomorphism residuals are at most M (e + tau), and |rho(v) - rho(vw)| <= e + M |I - rho(w)|.
    """  # noqa: D205 - a claim
    d = generators.shape[1]
    if generators.shape != (len(generators), d, d) or compute_largest(generators) > 2 << bits:
        reject(Reason.REPRESENTATION_WRONG, where, "square matrices with entries of at most 2", "others")
    unit = np.eye(d, dtype=np.int64) << bits
    matrices = np.zeros((G.order, d, d), dtype=np.int64)
    matrices[G.identity] = unit
    for gx, generator, x in G.tree:
        # Any rounding would do: what it moves is measured below.
        matrices[gx] = (generators[generator] @ matrices[x] + (1 << bits >> 1)) >> bits
        if compute_largest(matrices[gx]) > 2 << bits:
            reject(Reason.RESIDUALS_TOO_LARGE, where, "orthogonal matrices", "growing ones")
    steps = [(matrices[G.table[g]] << bits) - matrices[g] @ matrices for g in G.generators]
    delta = max((_bound_norm(step, bits, where) for step in steps), default=Fraction(0))
    tau = _bound_norm(matrices.transpose(0, 2, 1) @ matrices - (unit << bits), bits, where)
    # |rho|_op^2 <= 1 + tau, and the root is at most 1 + tau.
    M = 1 + tau
    k = max(1, G.depth)
    e = k * delta * (1 + M) * M ** (k - 1)
    if tau >= 1 or e >= 1:
        reject(Reason.RESIDUALS_TOO_LARGE, where, "residuals below 1", f"{ceil_fraction(max(tau, e))}")
    # With tau < 1 the sum of squares is below 6 d 2^48.
    far = ceil_sqrt(((unit - matrices) ** 2).sum(axis=(1, 2)))
    # Upwards: an integer bound on M |I - rho(w)| + e in units of 2**-DISTANCE_BITS.
    scale, shift = ceil_fraction(M * 2**20), ceil_fraction(e * 2**DISTANCE_BITS)
    distances = -(-(far * scale) >> (20 + bits - DISTANCE_BITS)) + shift
    distances[G.identity] = shift
    return Representation(matrices, bits, None, np.ones(G.order, dtype=np.int64), M * (e + tau), distances)


def _bound_norm(residuals: Integers, bits: int, where: str) -> Fraction:
    """An upper bound on the largest Frobenius norm of matrices in units of 2**-(2 bits)."""
    outward = (np.abs(residuals) >> bits) + 1
    if compute_largest(outward) >= MAX_NORM_ENTRY:
        reject(Reason.RESIDUALS_TOO_LARGE, where, "a homomorphism", "residuals that are not small")
    return Fraction(int(ceil_sqrt((outward**2).sum(axis=(1, 2))).max()), 1 << bits)

"""The logits as a function of x, y, z in float64: how many are right, who makes them, which symmetries they have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from certgen.model import approximate
from certgen.progress import follow

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from certcheck.group import Group
    from certcheck.network import Network

# Up to this order every pair is evaluated, above it a sample.
ALL_PAIRS_ORDER = 1000
PAIRS_SAMPLED = 20_000
PAIRS_AT_ONCE = 1000
# Up to this order the neurons' shares come from all pairs, above it from the pairs of so many x and y.
SHARES_ORDER = 400
# Symmetries are measured on all n^3 logits.
SYMMETRY_ORDER = 200
SEED = 0


@dataclass(frozen=True, slots=True)
class Accuracy:
    """So many of these pairs are correct in float64; is_sample: the pairs are drawn at random with a fixed seed.

    cross_entropy: the mean over them, in nats.
    """

    correct: int
    pairs: int
    is_sample: bool
    cross_entropy: float


@dataclass(frozen=True, slots=True)
class Symmetry:
    """Shares of the energy of the logits, without what depends on x or on y alone; they add up to 1.

    bi_equivariant: functions of x^-1 z y^-1; one_sided: the rest of the functions of (y, x^-1 z) and (x, z y^-1);
    middle: the rest of those of (xy, z); residual: what is left.
    """

    bi_equivariant: float
    one_sided: float
    middle: float
    residual: float


def count_correct_pairs(network: Network, G: Group) -> Accuracy:
    """The pairs whose product alone has the largest logit, in float64; a tie is not correct."""
    n = G.order
    a, c, U, beta = (approximate(v) for v in (network.a, network.c, network.U, network.beta))
    is_sample = n > ALL_PAIRS_ORDER
    pairs = np.random.default_rng(SEED).integers(0, n * n, PAIRS_SAMPLED) if is_sample else np.arange(n * n)
    blocks = np.split(pairs, range(PAIRS_AT_ONCE, len(pairs), PAIRS_AT_ONCE))
    correct, losses = 0, 0.0
    for block in follow(blocks, "counting correct pairs", len(blocks)):
        x, y = np.divmod(block, n)
        logits = np.maximum(a[x] + c[y], 0) @ U.T + beta
        product = G.table[x, y].astype(np.int64)[:, None]
        right = np.take_along_axis(logits, product, axis=1)[:, 0]
        np.put_along_axis(logits, product, -np.inf, axis=1)
        correct += int((right > logits.max(axis=1)).sum())
        # log(1 + sum e^-margin), with the largest exponent taken out; log1p keeps what is small.
        margins = right[:, None] - logits
        shift = np.maximum(-margins.min(axis=1), 0)
        others = np.exp(-(margins + shift[:, None])).sum(axis=1) + np.exp(-shift) - 1
        losses += float((shift + np.log1p(np.maximum(others, 0))).sum())
    return Accuracy(correct, len(pairs), is_sample, losses / len(pairs))


def compute_neuron_shares(network: Network) -> NDArray[np.float64]:
    """For each neuron its share of the energy of the logits, (m,); they add up to 1, and some may be negative.

    Logits are centred over x, over y and over z: what depends on one input alone cannot tell the product. The share
    of a part F_i of F is <F_i, F> / |F|^2.
    """
    a, c, U = (approximate(v) for v in (network.a, network.c, network.U))
    n = len(a)
    if n > SHARES_ORDER:
        generator = np.random.default_rng(SEED)
        a, c = (v[generator.choice(n, SHARES_ORDER, replace=False)] for v in (a, c))
    count, m = a.shape
    gram, over_x, over_y = np.zeros((m, m)), np.zeros((count, m)), np.zeros((count, m))
    for x, row in enumerate(follow(a, "weighing the neurons", count)):
        g = np.maximum(row + c, 0)
        gram += g.T @ g
        over_x += g / count
        over_y[x] = g.mean(axis=0)
    mean = over_y.mean(axis=0)
    gram -= count * (over_x.T @ over_x + over_y.T @ over_y) - count**2 * np.outer(mean, mean)
    U = U - U.mean(axis=0)
    energy = (gram * (U.T @ U)).sum(axis=1)
    total = energy.sum()
    return energy / total if total > 0 else np.zeros(m)


@dataclass(frozen=True, slots=True)
class Structure:
    """Pairs that the logits get right without their residual, and pairs that only the residual makes right."""

    structured: int
    memorised: int


def compute_symmetry(network: Network, G: Group) -> Symmetry | None:
    """The parts of the logits with the symmetries of xy = z; None for large groups or logits without energy."""
    split = _split_logits(network, G)
    return split and split[0]


def count_structured_pairs(network: Network, G: Group) -> Structure | None:
    """The correct pairs of the logits less the residual of all symmetries; None for large groups.

    What is left are functions of x and z, y and z, y and x^-1 z, x and z y^-1, xy and z: all that an argument from the
    symmetries can speak of. A pair that is right with the residual only is learned by heart.
    """
    split = _split_logits(network, G)
    if split is None:
        return None
    a, c, U, beta = (approximate(v) for v in (network.a, network.c, network.U, network.beta))
    structured = memorised = 0
    for x, residual in enumerate(split[1]):
        logits = np.maximum(a[x] + c, 0) @ U.T + beta
        is_right = _find_right(logits, G.table[x])
        is_structured = _find_right(logits - residual, G.table[x])
        structured += int(is_structured.sum())
        memorised += int((is_right & ~is_structured).sum())
    return Structure(structured, memorised)


def _find_right(logits: NDArray[np.float64], products: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Whether the product alone has the largest logit, for every row."""
    rows, rivals = np.arange(len(logits)), logits.copy()
    rivals[rows, products] = -np.inf
    is_right: NDArray[np.bool_] = logits[rows, products] > rivals.max(axis=1)
    return is_right


def _split_logits(network: Network, G: Group) -> tuple[Symmetry, NDArray[np.float64]] | None:
    """The shares of the symmetries, and what none of them has, (n, n, n), at [x, y, z].

    The averages over the three symmetries commute, so that taking one after the other is the least-squares fit.
    """
    n = G.order
    if n > SYMMETRY_ORDER:
        return None
    a, c, U = (approximate(v) for v in (network.a, network.c, network.U))
    g = np.maximum(a[:, None] + c, 0)
    g -= g.mean(axis=0) + (g.mean(axis=1) - g.mean(axis=(0, 1)))[:, None]
    E = g @ (U - U.mean(axis=0)).T
    total = float((E**2).sum())
    if total <= 0:
        return None
    inverse = G.inverse
    # At [y, t] and [x, s]: the means over z = xt and over z = sy.
    left = np.mean([E[x][:, G.table[x]] for x in range(n)], axis=0)
    # At [u], the mean of [y, uy].
    both = np.mean([left[y, G.table[:, y]] for y in range(n)], axis=0)
    bi_equivariant = n * n * float((both**2).sum())
    for x in range(n):
        E[x] -= left[:, G.table[inverse[x]]]
    right = np.mean([E[:, y, G.table[:, y]] for y in range(n)], axis=0)
    for y in range(n):
        E[:, y] -= right[:, G.table[:, inverse[y]]]
    sided = float((E**2).sum())
    products = np.zeros((n, n))
    for x in range(n):
        products[G.table[x]] += E[x] / n
    for x in range(n):
        E[x] -= products[G.table[x]]
    rest = float((E**2).sum())
    shares = (bi_equivariant, total - sided - bi_equivariant, sided - rest, rest)
    return Symmetry(*(max(0.0, share / total) for share in shares)), E

"""Cells: neurons with nearly proportional inputs, of either sign, and what they leave out. For guesses only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from certgen.model import approximate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from certcheck.network import Network

# Neurons whose size (input times output) is below this part of the largest are dropped.
DEAD = 1e-3
HUGE = 1e30


@dataclass(slots=True)
class Cells:
    """alpha, gamma, U: (n, p). For each neuron its cell (-1: dropped), scale sigma and share in its cell."""

    alpha: NDArray[np.float64]
    gamma: NDArray[np.float64]
    U: NDArray[np.float64]
    cell: NDArray[np.int64]
    sigma: NDArray[np.float64]
    share: NDArray[np.float64]

    @property
    def deviations(self) -> NDArray[np.float64]:
        """The root mean square of each cell's activation about its means over x and over y; positive."""
        g = np.maximum(self.alpha[:, None] + self.gamma, 0)
        g -= g.mean(axis=0) + (g.mean(axis=1) - g.mean(axis=(0, 1)))[:, None]
        deviations: NDArray[np.float64] = np.sqrt((g**2).mean(axis=(0, 1))) + 1e-12
        return deviations

    def rescale(self, factors: NDArray[np.float64]) -> None:
        """Multiply the inputs of each cell by a positive factor and divide its output by it."""
        self.alpha *= factors
        self.gamma *= factors
        self.U /= factors
        kept = self.cell >= 0
        self.share[kept] *= factors[self.cell[kept]]
        self.sigma[kept] /= factors[self.cell[kept]]


def is_moderate(network: Network) -> bool:
    """Whether float64 holds the folded weights and their squares, so that a fit makes sense."""
    weights = [approximate(v) for v in (network.a, network.c, network.U)]
    return all(np.abs(v).max() < HUGE for v in weights) and all(np.abs(v).max() > 1 / HUGE for v in weights)


def fit_cells(network: Network, tolerance: float) -> Cells:
    """Cells of neurons whose inputs have a cosine of at least 1 - tolerance, up to sign, with the heaviest of them."""
    a, c, U = (approximate(v) for v in (network.a, network.c, network.U))
    U = U - U.mean(axis=0)
    inputs = np.concatenate([a, c])
    size = np.linalg.norm(inputs, axis=0)
    weight = size * np.linalg.norm(U, axis=0)
    live = weight > DEAD * weight.max()
    directions = inputs / np.maximum(size, 1e-300)
    cell = np.full(len(size), -1)
    sign = np.ones(len(size))
    p = 0
    for i in np.argsort(-weight):
        if cell[i] >= 0 or not live[i]:
            continue
        cosines = directions[:, i] @ directions
        new = (cell < 0) & live & (1 - np.abs(cosines) < tolerance)
        cell[new], sign[new] = p, np.sign(cosines[new])
        p += 1
    kept = cell >= 0
    total, mean = np.zeros(p), np.zeros(p)
    np.add.at(total, cell[kept], weight[kept])
    np.add.at(mean, cell[kept], (weight * size)[kept])
    share = np.zeros(len(size))
    # The mean direction, at the mean size.
    share[kept] = (sign * weight / size)[kept] * (mean / total**2)[cell[kept]]
    centres = np.zeros((p, len(inputs)))
    np.add.at(centres, cell[kept], (inputs * share).T[kept])
    sigma = np.zeros(len(size))
    sigma[kept] = (inputs.T[kept] * centres[cell[kept]]).sum(axis=1) / (centres**2).sum(axis=1)[cell[kept]]
    gathered = np.zeros((p, len(U)))
    np.add.at(gathered, cell[kept], (np.abs(sigma) * U).T[kept])
    return Cells(centres.T[: len(a)].copy(), centres.T[len(a) :].copy(), gathered.T.copy(), cell, sigma, share)

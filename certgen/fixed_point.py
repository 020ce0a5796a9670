"""Fixed point for what a certificate holds: scales by size, and rounding."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def round_to_integers(values: NDArray[np.float64], bits: int) -> NDArray[np.int64]:
    """Units of 2**-bits that the certificate packs in 32 bits; what does not fit is cut off: any numbers are sound."""
    limit = 2.0**31 - 1
    return np.clip(np.nan_to_num(np.round(values * 2.0**bits)), -limit, limit).astype(np.int64)


def choose_bits(largest: float, magnitude: int, finest: int) -> int:
    """The binary places at which a number of this size has so many bits; from 0 to the finest."""
    return max(0, min(finest, int(magnitude - np.ceil(np.log2(max(largest, 2.0**-60))))))

"""A network in exact rationals: its margins, its cross-entropy, what rounding can take from a margin (claims 22 to 24).

Every claim that is as large as it can be is computed here. Nothing may be close: a pair whose margin is within a
thousandth of what rounding can take, or a mean that leaves no room to be rounded in, is an error.
"""

from __future__ import annotations

import base64
import struct
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal, localcontext
from fractions import Fraction

from tests.vectors.make.document import CODES, Document, claim
from tests.vectors.make.groups import Group

Rows = list[list[Fraction]]

LEAST = Fraction(1, 2**126)
DIGITS, PLACES = 60, (12, 11, 10)


@dataclass(frozen=True)
class Folded:
    """logit = relu(a[x] + c[y]) @ out + beta, the hidden bias in a."""

    a: Rows
    c: Rows
    out: Rows
    beta: list[Fraction]


def read_weights(network: Document) -> dict[str, Rows]:
    """The matrix of each role, a vector as one row, not transposed."""
    played = {}
    for role, name in network["roles"].items():
        tensor = network["tensors"][name]
        data, columns = base64.b64decode(tensor["data"]), tensor["shape"][-1]
        if tensor["dtype"] == "bfloat16":
            data = b"".join(b"\0\0" + data[i : i + 2] for i in range(0, len(data), 2))
        values = [Fraction(v) for (v,) in struct.iter_unpack(f"<{CODES[tensor['dtype']]}", data)]
        rows = [values[i : i + columns] for i in range(0, len(values), columns)]
        if role.endswith("_transposed"):
            rows = [list(column) for column in zip(*rows, strict=True)]
        played[role.removesuffix("_transposed")] = rows
    return played


def product(first: Rows, second: Rows) -> Rows:
    """The product of two matrices."""
    columns = list(zip(*second, strict=True))
    return [[sum((v * w for v, w in zip(row, column, strict=True) if v), Fraction(0)) for column in columns]
            for row in first]  # fmt: skip


def fold(w: dict[str, Rows]) -> Folded:
    """By the formulas of docs/format.md; which roles there are says which it is."""
    left, right = (w.get(side, w.get("embedding", [])) for side in ("left", "right"))
    if "hidden" in w:
        split = len(left[0])
        a, c = product(left, w["hidden"][:split]), product(right, w["hidden"][split:])
    elif "left_map" in w:
        a, c = product(left, w["left_map"]), product(right, w["right_map"])
    else:
        a, c = (product(side, w["shared_map"]) if "shared_map" in w else side for side in (left, right))
    bias = w.get("hidden_bias", [[Fraction(0)] * len(a[0])])[0]
    a = [[v + b for v, b in zip(row, bias, strict=True)] for row in a]
    return Folded(a, c, w["out"], w.get("out_bias", [[Fraction(0)] * len(w["out"][0])])[0])


def find_margins(G: Group, f: Folded) -> list[tuple[int, int, list[Fraction]]]:
    """x, y, and the margins of the pair over every other label, for all pairs."""
    found = []
    for x, row in enumerate(f.a):
        for y, other in enumerate(f.c):
            hidden = [max(v + w, Fraction(0)) for v, w in zip(row, other, strict=True)]
            logits = [v + b for v, b in zip(product([hidden], f.out)[0], f.beta, strict=True)]
            answer = logits.pop(G.table[x][y])
            found.append((x, y, [answer - other for other in logits]))
    return found


def count_summands(w: dict[str, Rows]) -> int:
    """K of claim 22."""
    if "shared_map" in w:
        return len(w["shared_map"]) + 1
    return sum(len(w[role]) for role in ("hidden", "left_map", "right_map") if role in w) or 2


def bound_rounding(w: dict[str, Rows], bits: int) -> list[list[Fraction]]:
    """E(x, y) of claims 23 and 24."""
    f, bar = fold(w), fold({role: [[abs(v) for v in row] for row in rows] for role, rows in w.items()})
    n, m, K, u = len(f.a), len(f.out), count_summands(w), Fraction(1, 2**bits)
    gamma, gamma_out = ((k + 3) * u / (1 - (k + 3) * u) for k in (K, m))
    largest = max(abs(v) for rows in w.values() for row in rows for v in row)
    flushed = 32 * LEAST * (2 * largest + 1) * K
    columns = list(zip(*bar.a, strict=True)), list(zip(*bar.c, strict=True))
    heights = [2 * (max(p) + max(q)) + flushed for p, q in zip(*columns, strict=True)]
    flushed_out = 32 * LEAST * (sum(heights) + (largest + 1) * m)
    widths, most = [max(row) - min(row) for row in f.out], [max(row) for row in bar.out]
    errors = []
    for x in range(n):
        errors.append([Fraction(0)] * n)
        for y in range(n):
            total = 2 * gamma_out * max(bar.beta) + 2 * flushed_out
            for i in range(m):
                s, e = f.a[x][i] + f.c[y][i], gamma * (bar.a[x][i] + bar.c[y][i]) + flushed
                if s + e > 0:
                    total += (widths[i] + 2 * gamma_out * most[i]) * e + 2 * gamma_out * max(s, Fraction(0)) * most[i]
            errors[x][y] = total
    return errors


def count_float32(G: Group, w: dict[str, Rows], bits: int) -> int:
    """The pairs whose margins are all above E(x, y)."""
    errors, count = bound_rounding(w, bits), 0
    for x, y, margins in find_margins(G, fold(w)):
        smallest, error = min(margins, default=Fraction(1)), errors[x][y]
        if abs(smallest - error) < error / 1000:
            raise ValueError("a pair that is close")
        count += smallest > error
    return count


def compute_mean(pairs: list[tuple[int, int, list[Fraction]]]) -> Decimal:
    """The mean of log(1 + sum of e^-margin), to far more digits than a claim has."""
    with localcontext() as context:
        context.prec = DIGITS
        context.Emin, context.Emax = -(10**12), 10**12
        total = Decimal(0)
        for _, _, margins in pairs:
            terms = sum(((Decimal(-m.numerator) / m.denominator).exp() for m in margins), Decimal(0))
            # log(1 + t) is t, to as many digits as matter, where 1 + t would be 1.
            total += terms if terms < Decimal("1e-30") else (1 + terms).ln()
        return total / len(pairs)


def write_bound(mean: Decimal) -> str:
    """The mean rounded up, to as many places as leave room for another checker's rounding."""
    with localcontext() as context:
        context.prec = DIGITS
        for unit in (Decimal(1).scaleb(-places) for places in PLACES):
            up = mean.quantize(unit, rounding=ROUND_CEILING)
            if up - mean >= unit / 5 or not mean:
                return f"{up:f}"
    raise ValueError("a mean that is close")


def write_margin(margin: Fraction) -> str:
    """A dyadic margin as it is; ValueError if it has more places than a claim."""
    scaled = margin * 10**18
    if scaled.denominator != 1:
        raise ValueError("a margin with more places")
    whole, part = divmod(scaled.numerator, 10**18)
    return f"{whole}." + (f"{part:018d}".rstrip("0") or "0")


def claim_all(document: Document, *, bits: int | None = 24, effort: tuple[int, int] = (0, 0)) -> Document:
    """The certificate with claims that are as large as they can be where every pair is evaluated.

    An effort of the largest number says that the smallest margin of a pair stands for all.
    """
    G = Group(tuple(map(tuple, document["group"]["elements"])))
    weights = read_weights(document["network"])
    pairs = find_margins(G, fold(weights))
    smallest = [min(margins, default=Fraction(1)) for _, _, margins in pairs]
    if effort[0]:
        pairs = [(x, y, [min(margins)] * len(margins)) for x, y, margins in pairs]
    return claim(
        document,
        margin=write_margin(min(s for s in smallest if s > 0)) if G.order > 1 else None,
        float32=None if bits is None else count_float32(G, weights, bits),
        bits=bits or 24,
        entropy=write_bound(compute_mean(pairs)),
        effort=effort,
    )

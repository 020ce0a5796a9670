"""Build a network that multiplies in a named group by the circuits of G-sets, with seeded noise, without training.

    python examples/construct.py --group S7 --gset 7 --noise 1e-3 --seed 0 -o S7.pt

writes a state dict of architecture `direct` and, beside it, the group's elements in the order of the labels
(S7.group.json). A G-set B of d points, with distinct numbers phi(b), has one neuron for each (b, b') in B x B:

    left[x] = phi(x^-1 b)    right[y] = -phi(y b')    out[z] = 1/d - [b = z b']

With t = x^-1 z y^-1 its logit of z is a constant minus the sum over c in B of max(phi(tc) - phi(c), 0). That sum is 0
if t moves no point; otherwise it is positive, because the differences add up to 0 and are not all 0. So xy has the
largest logit, and no other z has it if only e moves no point of any of the G-sets.
Half of the neurons have their inputs multiplied and their output divided by a power of two, which changes no logit.
None has its inputs negated: that adds terms linear in phi, which depend on z unless all are negated.
"""

from __future__ import annotations

import argparse
import io
import itertools
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from certcheck.__main__ import parse_instance
from certcheck.group import Group, check_group
from certcheck.named_group import compute_named_elements
from certgen.ending import run_command, say
from certgen.failure import ExitCode, Failure, failing_as, quote
from certgen.gset import SIGN_POINTS, find_gsets
from certgen.output import expect_writable, write_files

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

MAX_ENTRIES = 1 << 25  # of a tensor: 128 MiB
MAX_NOISE = 1000.0  # the weights stay finite in float32
ALL_PAIRS_ORDER = 200  # up to here every pair is evaluated, above it a sample
PAIRS_SAMPLED = 2000
PAIRS_AT_ONCE = 500
SCALES = (0.25, 0.5, 2.0, 4.0)


def find_actions(G: Group, sizes: Sequence[int]) -> list[NDArray[np.int64]]:
    """A transitive action (n, d) for each number of points; a number given again takes the next one of its size.

    Errors: Failure if there is none, or if not only e acts trivially on all of them.
    """
    turns = {d: itertools.cycle(_find_actions_of_size(G, d)) for d in dict.fromkeys(sizes)}
    actions = [next(turns[d]) for d in sizes]
    trivial = int(np.all([_is_trivial(action) for action in actions], axis=0).sum())
    if trivial > 1:
        sentence = f"{trivial} elements move no point of these G-sets, so that they cannot be told apart: add a G-set"
        raise Failure(ExitCode.GROUP, sentence)
    return actions


def _find_actions_of_size(G: Group, d: int) -> list[NDArray[np.int64]]:
    """The orbits of d points of the group's own permutations; if there is none, cosets of subgroups of index d.

    Those on which the fewest elements act trivially come first.
    """
    actions: list[NDArray[np.int64]] = []
    if d >= SIGN_POINTS and G.order % d == 0:
        orbits = sorted({tuple(np.unique(G.elements[:, point]).tolist()) for point in range(G.degree)})
        actions = [np.searchsorted(orbit, G.elements[:, orbit]) for orbit in orbits if len(orbit) == d]
        gsets = [] if actions else find_gsets(G, d)
        if d == SIGN_POINTS:
            points = np.arange(SIGN_POINTS)
            actions += [np.where(gset.signs[:, None] > 0, points, points[::-1]) for gset in gsets]
        else:
            actions += [gset.action for gset in gsets if gset.degree == d and not gset.is_signed]
    if not actions:
        raise Failure(ExitCode.GROUP, f"no transitive G-set of {d} points was found for this group of order {G.order}")
    return sorted(actions, key=lambda action: int(_is_trivial(action).sum()))


def _is_trivial(action: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which elements move no point."""
    trivial: NDArray[np.bool_] = (action == np.arange(action.shape[1])).all(axis=1)
    return trivial


def build_circuits(
    G: Group, actions: Sequence[NDArray[np.int64]], generator: np.random.Generator
) -> dict[str, NDArray[np.float32]]:
    """The tensors left (n, m), right (n, m), out (m, n) of one circuit for each action.

    Everything but 1/d and 1/d - 1 is exact in float32, and these have one value each for all elements.
    Errors: Failure if a tensor would be too large.
    """
    n, m = G.order, sum(action.shape[1] ** 2 for action in actions)
    if n * m > MAX_ENTRIES:
        sentence = f"these G-sets need {m} neurons for {n} elements, more than {MAX_ENTRIES} numbers a tensor"
        raise Failure(ExitCode.GROUP, sentence)
    weights = {"left": np.empty((n, m), np.float32), "right": np.empty((n, m), np.float32)}
    weights["out"] = np.empty((m, n), np.float32)
    inverse = np.argmax(G.table == G.identity, axis=1)
    start = 0
    for action in actions:
        d = action.shape[1]
        phi = generator.permutation(d) - (d - 1) / 2
        neurons = slice(start, start + d * d)
        weights["left"][:, neurons] = np.repeat(phi[action[inverse]], d, axis=1)
        weights["right"][:, neurons] = -np.tile(phi[action], (1, d))
        hits = np.arange(d)[:, None, None] == action.T
        weights["out"][neurons] = np.where(hits, 1 / d - 1, 1 / d).reshape(d * d, n)
        start += d * d
    scales = np.ones(m, np.float32)
    scales[generator.permutation(m)[: m // 2]] = generator.choice(SCALES, m // 2)
    weights["left"] *= scales
    weights["right"] *= scales
    weights["out"] /= scales[:, None]
    return weights


def add_noise(
    weights: dict[str, NDArray[np.float32]], relative: float, generator: np.random.Generator
) -> dict[str, NDArray[np.float32]]:
    """The tensors with Gaussian noise, whose standard deviation is this part of each one's root mean square."""
    noisy = {}
    for name, weight in weights.items():
        size = relative * float(np.sqrt(np.mean(weight**2, dtype=np.float64)))
        noisy[name] = (weight + size * generator.standard_normal(weight.shape)).astype(np.float32)
    return noisy


def count_correct(G: Group, weights: dict[str, NDArray[np.float32]], pairs: NDArray[np.int64]) -> int:
    """How many of the pairs x n + y have the largest logit, alone, at xy; in float64."""
    out = weights["out"].astype(np.float64)
    correct = 0
    for some in np.split(pairs, range(PAIRS_AT_ONCE, len(pairs), PAIRS_AT_ONCE)):
        x, y = np.divmod(some, G.order)
        inputs = weights["left"][x].astype(np.float64) + weights["right"][y]
        logits = np.maximum(inputs, 0) @ out
        product = G.table[x, y].astype(np.int64)[:, None]
        right = np.take_along_axis(logits, product, axis=1)
        np.put_along_axis(logits, product, -np.inf, axis=1)
        correct += int((right[:, 0] > logits.max(axis=1)).sum())
    return correct


def construct(options: argparse.Namespace) -> int:
    """Write the model and the group, and print what they are. Errors: Failure."""
    if options.output.suffix not in (".pt", ".pth"):
        raise Failure(ExitCode.OUTPUT, f"{options.output}: expected the name of a file in .pt or .pth")
    group_file = options.output.with_suffix(".group.json")
    for path in (options.output, group_file):
        expect_writable(path, (), force=options.force)
    with failing_as(ExitCode.GROUP):
        G = check_group(compute_named_elements(options.group, "--group"), "--group")
    # Circuits, noise and sample each have their own numbers: the seed gives the same circuits with any noise.
    circuits, noise, sample = np.random.default_rng(options.seed).spawn(3)
    weights = add_noise(build_circuits(G, find_actions(G, options.gset), circuits), options.noise, noise)
    is_small = G.order <= ALL_PAIRS_ORDER
    pairs = np.arange(G.order**2) if is_small else sample.integers(0, G.order**2, PAIRS_SAMPLED)
    correct = count_correct(G, weights, pairs)
    stored = io.BytesIO()  # torch.save writes the name of a file into it
    torch.save({name: torch.from_numpy(weight) for name, weight in weights.items()}, stored)
    group = {"name": options.group, "degree": G.degree, "elements": G.elements.tolist()}
    text = json.dumps(group, separators=(",", ":")) + "\n"
    write_files({options.output: stored.getvalue(), group_file: text.encode()}, force=options.force)
    is_printed = say(
        f"{quote(str(options.output))}: {options.group} of order {G.order}, hidden width {len(weights['out'])}, "
        f"circuits of G-sets of {' and '.join(map(str, options.gset))} points, noise {options.noise:g}: "
        f"{correct} of {len(pairs)} {'pairs' if is_small else 'random pairs'} are correct in float64"
    )
    if not is_printed:
        raise Failure(ExitCode.NOT_PRINTED, f"{options.output}: written, but standard output is closed or full")
    return 0


def parse_noise(text: str) -> float:
    """A number from 0 to MAX_NOISE. Errors: ArgumentTypeError."""
    noise = float(text)
    if not 0 <= noise <= MAX_NOISE:
        raise argparse.ArgumentTypeError(f"expected a number from 0 to {MAX_NOISE:g}, got {text}")
    return noise


def main(arguments: Sequence[str] | None = None) -> int:
    """Build and write the network; the exit codes are those of certgen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--group", metavar="NAME", required=True, help="a group as certgen names it")
    parser.add_argument(
        "--gset",
        metavar="POINTS",
        type=int,
        nargs="+",
        required=True,
        help="the numbers of points of transitive G-sets: orbits of the group's own permutations, otherwise cosets; "
        "a number given again takes the next G-set of so many points, or the same one if there is no other",
    )
    parser.add_argument(
        "--noise", metavar="RELATIVE", type=parse_noise, default=0.0, help="relative to a tensor's root mean square"
    )
    parser.add_argument("--seed", metavar="N", type=parse_instance, default=0)
    parser.add_argument("--force", action="store_true", help="replace the outputs if they exist")
    parser.add_argument("-o", "--output", metavar="MODEL", type=Path, required=True, help="a .pt or .pth file")
    return run_command("construct", lambda: construct(parser.parse_args(arguments)))


if __name__ == "__main__":
    sys.exit(main())

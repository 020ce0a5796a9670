"""Train a one-hidden-layer network on the multiplication of a named group, on the CPU, with a fixed seed.

    python examples/train.py --group S4 --hidden 64 --seed 0 -o S4.pt

writes the state dict and, beside it, the group's elements in the order of the labels (S4.group.json).
The recipe is that of Wu, Jaburi, Drori, Gross (arXiv 2410.07476): separate embeddings of the hidden width, two linear
maps, ReLU, unembedding with a bias; Adam with learning rate 1e-2, betas 0.9 and 0.98 and L2 weight decay 2e-4 (none
on the bias), full batches of a random part of the pairs.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from certcheck.__main__ import parse_bound, parse_instance
from certcheck.group import check_group
from certcheck.named_group import compute_named_elements
from certgen.ending import run_command, say
from certgen.failure import ExitCode, Failure, failing_as
from certgen.output import expect_writable, write_files
from certgen.progress import follow

if TYPE_CHECKING:
    from collections.abc import Sequence


def train(table: torch.Tensor, hidden: int, part: float, epochs: int, seed: int) -> dict[str, torch.Tensor]:
    """The weights after training on `part` of the pairs of this multiplication table (n, n)."""
    n = len(table)
    generator = torch.Generator().manual_seed(seed)
    shapes = {
        "embedding_left": (n, hidden),
        "embedding_right": (n, hidden),
        "linear_left": (hidden, hidden),
        "linear_right": (hidden, hidden),
        "unembedding": (hidden, n),
        "unembed_bias": (n,),
    }
    weights = {
        name: (torch.randn(shape, generator=generator) / hidden**0.5 * (len(shape) > 1)).requires_grad_()
        for name, shape in shapes.items()
    }
    matrices = [weight for name, weight in weights.items() if name != "unembed_bias"]
    groups = [{"params": matrices, "weight_decay": 2e-4}, {"params": [weights["unembed_bias"]], "weight_decay": 0.0}]
    optimizer = torch.optim.Adam(groups, lr=1e-2, betas=(0.9, 0.98))
    pairs = torch.randperm(n * n, generator=generator)[: round(part * n * n)]
    x, y, labels = pairs // n, pairs % n, table.flatten()[pairs]
    for _ in follow(range(epochs), "training", epochs):
        left = weights["embedding_left"] @ weights["linear_left"]
        right = weights["embedding_right"] @ weights["linear_right"]
        logits = torch.relu(left[x] + right[y]) @ weights["unembedding"] + weights["unembed_bias"]
        loss = torch.nn.functional.cross_entropy(logits, labels)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return {name: weight.detach() for name, weight in weights.items()}


def make(options: argparse.Namespace) -> int:
    """Train, write both files, print the number of correct pairs. Errors: Failure."""
    if options.output.suffix not in (".pt", ".pth"):
        raise Failure(ExitCode.OUTPUT, f"{options.output}: expected the name of a file in .pt or .pth")
    group_file = options.output.with_suffix(".group.json")
    for path in (options.output, group_file):
        expect_writable(path, (), force=options.force)
    # One thread: the sums have one order, so that the same seed gives the same weights on one kind of processor.
    torch.set_num_threads(1)
    with failing_as(ExitCode.GROUP):
        G = check_group(compute_named_elements(options.group, "--group"), "--group")
    table = torch.from_numpy(G.table.astype("int64"))
    weights = train(table, options.hidden, float(options.part), options.epochs, options.seed)
    activations = torch.relu(
        (weights["embedding_left"] @ weights["linear_left"])[:, None]
        + weights["embedding_right"] @ weights["linear_right"]
    )
    answers = (activations @ weights["unembedding"] + weights["unembed_bias"]).argmax(dim=-1)
    stored = io.BytesIO()
    torch.save(weights, stored)
    group = {"name": options.group, "degree": G.degree, "elements": G.elements.tolist()}
    text = json.dumps(group, separators=(",", ":")) + "\n"
    write_files({options.output: stored.getvalue(), group_file: text.encode()}, force=options.force)
    if not say(f"{int((answers == table).sum())} of {table.numel()} pairs are correct in float32"):
        sentence = f"{options.output}: written, but standard output is closed or full"
        raise Failure(ExitCode.NOT_PRINTED, sentence)
    return 0


def parse_width(text: str) -> int:
    """A number of neurons, at least 1. Errors: ArgumentTypeError."""
    if (width := parse_instance(text)) == 0:
        raise argparse.ArgumentTypeError("expected at least one neuron, got 0")
    return width


def main(arguments: Sequence[str] | None = None) -> int:
    """Train and write the network; the exit codes are those of certgen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--group", default="S4", help="a group as certgen names it")
    parser.add_argument("--hidden", type=parse_width, default=64)
    parser.add_argument("--part", type=parse_bound, default=Fraction(4, 5), help="the part of the pairs to train on")
    parser.add_argument("--epochs", type=parse_instance, default=50_000)
    parser.add_argument("--seed", type=parse_instance, default=0)
    parser.add_argument("--force", action="store_true", help="replace the outputs if they exist")
    parser.add_argument("-o", "--output", type=Path, required=True)
    return run_command("train", lambda: make(parser.parse_args(arguments)))


if __name__ == "__main__":
    sys.exit(main())

"""Train a one-hidden-layer network on the multiplication of a named group, on the CPU, with a fixed seed.

    python examples/train.py --group S4 --hidden 64 --seed 0 -o examples/S4.pt

writes the state dict and, beside it, the group's elements in the order of the labels (examples/S4.group.json).
The recipe is that of Wu, Jaburi, Drori, Gross (arXiv 2410.07476): separate embeddings of the hidden width, two linear
maps, ReLU, unembedding with a bias; Adam with learning rate 1e-2, betas 0.9 and 0.98 and L2 weight decay 2e-4 (none
on the bias), full batches of a random part of the pairs.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch

from certcheck.group import check_group
from certcheck.named_group import compute_named_elements
from certgen.progress import follow


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


def main() -> None:
    """Train, print the loss and the number of correct pairs, write both files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--group", default="S4", help="a group as certgen names it")
    parser.add_argument("--hidden", type=int, default=64)
    parser.add_argument("--part", type=float, default=0.8, help="the part of the pairs to train on")
    parser.add_argument("--epochs", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()
    # One thread: the sums have one order, so that the same seed gives the same weights on one kind of processor.
    torch.set_num_threads(1)
    G = check_group(compute_named_elements(options.group, "--group"), "--group")
    table = torch.from_numpy(G.table.astype("int64"))
    weights = train(table, options.hidden, options.part, options.epochs, options.seed)
    activations = torch.relu(
        (weights["embedding_left"] @ weights["linear_left"])[:, None]
        + weights["embedding_right"] @ weights["linear_right"]
    )
    answers = (activations @ weights["unembedding"] + weights["unembed_bias"]).argmax(dim=-1)
    print(f"{int((answers == table).sum())} of {table.numel()} pairs are correct in float32")
    torch.save(weights, options.output)
    group = {"name": options.group, "degree": G.degree, "elements": G.elements.tolist()}
    options.output.with_suffix(".group.json").write_text(json.dumps(group, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()

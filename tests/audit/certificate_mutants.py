"""Every number of a certificate changed in turn: each mutant is refused, or what it claims is true.

    python -m tests.audit.certificate_mutants CERT... [--seed N] [--sample N] [--spec [N]] [--jobs N] [--keep FOLDER]

The census says of each kind of change how often it was refused and why, accepted and true, or accepted and the same
certificate. A mutant that is accepted and false is kept and ends with exit code 1, as does a run without mutants.
"""

from __future__ import annotations

import argparse
import functools
import hashlib
import itertools
import json
import multiprocessing
import random
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from tests.audit.judgement import SPECIFIED_ORDER, Judgement, Kind, answer, judge, judge_both, read_content
from tests.audit.mutations import ENTRIES, Mutation, apply, list_mutations

KEPT = "mutants-kept"


@dataclass(slots=True)
class Census:
    """What became of the mutants. counts: by kind of change, then by outcome; faults: those that are bugs."""

    counts: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    faults: list[str] = field(default_factory=list)
    specified: int = 0

    @property
    def total(self) -> int:
        """The number of mutants."""
        return sum(count.total() for count in self.counts.values())

    def add(self, other: Census) -> None:
        """Count those of another census too."""
        for kind, counts in other.counts.items():
            self.counts[kind].update(counts)
        self.faults += other.faults
        self.specified += other.specified

    def describe(self) -> str:
        """A line a kind of change, sorted by name, and the sums."""
        lines = []
        for kind, counts in sorted(self.counts.items()):
            pinned = {why: k for why, k in counts.items() if why not in {"slack", "equivalent", "FALSE"}}
            reasons = ", ".join(f"{why} {k}" for why, k in sorted(pinned.items(), key=lambda item: -item[1]))
            outcomes = (f"pinned {sum(pinned.values()):6d}", *(f"{k} {counts[k]:5d}" for k in ("slack", "equivalent")))
            lines.append(f"{kind:28s}{'  '.join(outcomes)}  FALSE {counts['FALSE']}  {reasons}")
        sums = Counter(dict.fromkeys(("slack", "equivalent", "FALSE"), 0))
        for counts in self.counts.values():
            sums.update(counts)
        accepted = sums["slack"] + sums["equivalent"] + sums["FALSE"]
        total = f"{self.total} mutants: pinned {self.total - accepted}, slack {sums['slack']}, "
        total += f"equivalent {sums['equivalent']}, FALSE {sums['FALSE']}; {self.specified} seen by both checkers"
        return "\n".join([*lines, total])


def choose(mutations: Sequence[Mutation], sample: int | None, rng: random.Random) -> list[Mutation]:
    """So many of them, all kinds alike as far as they go; all, if none is said."""
    if sample is None or sample >= len(mutations):
        return list(mutations)
    kinds: defaultdict[str, list[Mutation]] = defaultdict(list)
    for mutation in mutations:
        kinds[mutation.kind].append(mutation)
    for group in kinds.values():
        rng.shuffle(group)
    turns = itertools.zip_longest(*kinds.values())
    return [mutation for turn in turns for mutation in turn if mutation is not None][:sample]


def take_census(name: str, text: bytes, options: argparse.Namespace, part: int) -> Census:
    """The mutants of one certificate that fall to one of `options.jobs` parts, judged and counted.

    The certificate itself, which falls to the first part, must be accepted and true.
    """
    census = Census()
    rng = random.Random(f"{options.seed} {name}")  # noqa: S311 - a sample, to be repeated
    document, original = json.loads(text), read_content(text)
    itself = judge(text, answer(text), original) if part == 0 else Judgement(Kind.EQUIVALENT, "")
    if itself.kind is not Kind.EQUIVALENT:
        keep(options.keep, census, name, text, Judgement(Kind.FALSE, f"the certificate itself: {itself.why}"))
        return census
    small = len(document["group"]["elements"]) <= SPECIFIED_ORDER
    mutations = list_mutations(document, rng, options.entries)
    wanted = [mutation for mutation in mutations if not options.kind or mutation.kind in options.kind]
    chosen = choose(wanted, options.sample, rng)
    for place in range(part, len(chosen), options.jobs):
        mutation = chosen[place]
        mutant = apply(mutation, text)
        said = answer(mutant)
        judgement = judge(mutant, said, original)
        if small and options.spec and place // options.jobs % options.spec == 0:
            census.specified += 1
            difference = judge_both(mutant, said)
            judgement = judgement if difference is None else Judgement(Kind.FALSE, difference)
        outcome = judgement.why if judgement.kind is Kind.PINNED else judgement.kind.value
        census.counts[mutation.kind][outcome] += 1
        if judgement.kind is Kind.FALSE:
            keep(options.keep, census, f"{name}: {mutation.kind}: {mutation.where}", mutant, judgement)
    return census


def keep(folder: Path, census: Census, name: str, mutant: bytes, judgement: Judgement) -> None:
    """The mutant as a file, and its name and fault in the census."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{hashlib.sha256(mutant).hexdigest()[:16]}.json"
    path.write_bytes(mutant)
    census.faults.append(f"FALSE {path.name} {name}: {judgement.why}")
    print(census.faults[-1], flush=True)


def run(certificates: Iterable[tuple[str, bytes]], options: argparse.Namespace) -> Census:
    """The census of all mutants of these certificates."""
    census = Census()
    # A process that dies ends the run with an error.
    with ProcessPoolExecutor(options.jobs, multiprocessing.get_context("fork")) as pool:
        for name, text in certificates:
            start, before = time.perf_counter(), census.total
            take = functools.partial(take_census, name, text, options)
            for part in pool.map(take, range(options.jobs)) if options.jobs > 1 else [take(0)]:
                census.add(part)
            if options.progress:
                print(f"{name}: {census.total - before} mutants, {time.perf_counter() - start:.1f} s", flush=True)
    return census


def conclude(census: Census) -> int:
    """Print the census; the exit code: 1 for a fault, and for no mutant at all."""
    print(census.describe())
    if not census.total:
        print("no mutant was made: nothing was audited")
    return 0 if census.total and not census.faults else 1


def build_parser() -> argparse.ArgumentParser:
    """The options."""
    parser = argparse.ArgumentParser(prog="certificate_mutants", description=(__doc__ or "").split("\n\n", 1)[0])
    parser.add_argument(
        "certificates", nargs="*", type=Path, metavar="CERT", help="none: those of tests/audit/seeds.py"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sample", type=int, help="at most so many mutants of each certificate (default: all)")
    parser.add_argument("--entries", type=int, default=ENTRIES, help="at most so many entries of each array")
    parser.add_argument("--kind", action="append", help="changes of this kind of the census (default: all)")
    parser.add_argument(
        "--spec",
        type=int,
        nargs="?",
        const=1,
        default=0,
        metavar="N",
        help="certcheck-spec sees each mutant too, or every N-th (order <= 60)",
    )
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="processes at once")
    parser.add_argument("--keep", type=Path, default=Path(KEPT), help="where false mutants are kept")
    parser.add_argument("--progress", action="store_true", help="a line for each certificate")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code."""
    from tests.audit.seeds import write_seeds  # noqa: PLC0415 - the tests' networks are built on import

    options = build_parser().parse_args(arguments)
    files = ((path.name, path.read_bytes()) for path in options.certificates)
    return conclude(run(files if options.certificates else write_seeds().items(), options))


if __name__ == "__main__":
    sys.exit(main())

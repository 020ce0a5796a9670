"""Certificates of S5 and S4, made by certgen of constructed and of trained networks, for the audit.

    python -m tests.audit.large_certificates FOLDER

A network with little noise is proved by the argument alone; of one with much noise a part of the pairs is left to
cases or wrong. The trained network is the one of the examples.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
# Name, noise, method, and more options of certgen.
CONSTRUCTED = (
    ("S5-circuits", "1e-3", "rho-set", ()),
    ("S5-circuits-noisy", "0.05", "rho-set", ()),
    ("S5-representations", "0.02", "equivariant", ("--no-cases",)),
)
TRAINED = (("S4-equivariant", "equivariant", ()), ("S4-exhaustive", "exhaustive", ()))


def call(*arguments: str) -> None:
    """Run a command of ours; what it prints is of no interest."""
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL, cwd=ROOT)


def main() -> int:
    """Write the certificates and print their paths."""
    folder = Path(sys.argv[1]).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    for name, noise, method, more in CONSTRUCTED:
        model, group = str(folder / f"{name}.pt"), str(folder / f"{name}.group.json")
        gset = ("--group", "S5", "--gset", "5", "--noise", noise, "--seed", "0")
        call(str(EXAMPLES / "construct.py"), *gset, "-o", model, "--force")
        certificate = str(folder / f"{name}.cert.json")
        call("-m", "certgen", model, "-o", certificate, "--group", group, "--method", method, "--force", *more)
    for name, method, more in TRAINED:
        certificate = str(folder / f"{name}.cert.json")
        model = ("certgen", str(EXAMPLES / "S4.pt"), "--group", str(EXAMPLES / "S4.group.json"))
        call("-m", *model, "-o", certificate, "--method", method, "--force", *more)
    print("\n".join(str(path) for path in sorted(folder.glob("*.cert.json"))))
    return 0


if __name__ == "__main__":
    sys.exit(main())

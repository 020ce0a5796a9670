"""certgen: from a trained network to a certificate of its accuracy.

From Python, `certgen.certify` gives the certificate that the command writes.
Nothing here is trusted: whatever it guesses, certcheck verifies. Read the modules in this order; each imports
only modules above it (and certcheck).

failure       what can go wrong, in one sentence and one exit code each
ending        how a command ends, also on a signal or without a reader
output        files that are written whole or not at all
progress      a bar on the terminal for long work
proposal      what a method proposes for a certificate
fixed_point   scales by size, and rounding
model         the model, from a file or from torch: tensors, architecture, exact folding
labels        the group table that the model's answers form
group         which group it is, and few points for it to act on
subject       what a run is about: a model, its group, its labels
regular_representation  the regular representation, split into irreducible ones
representation  the real irreps of a group, exact where they are classical
gset          transitive G-sets and signs
subgroup_name  the isomorphism type of a subgroup
cells         neurons with proportional inputs, gathered
circuits      circuits of rho-sets: neurons that are functions on the points of G-sets
rhoset        method `rho-set`: kernels, rounding, the cheapest certificate
explanation   which representation carries which cells
decomposition  a user's claim about which irreps the neurons carry
equivariant   method `equivariant`: tables, rounding, the search for the cheapest certificate
composition   complete circuits, and representations for the neurons that they leave
account       tables for the terminal, and an account of a decomposition
exhaustive    method `exhaustive`: the fixed point and the count
logits        the logits in float64: accuracy, the neurons' shares, symmetries
circuit_account  what is told of a network's circuits
inspection    what a network has learned
inspection_report  the same as lines for the terminal
portrait      what can be shown of a certificate: its pairs, circuits, layers
figure        a chart and its numbers
certificate_figures  the figures of a certificate
certificate   the canonical writer
claims        what a certificate claims: all that its method proves
recipe        how networks are trained, and where this was published
training      many seeds at once as one batched tensor program
model_folder  a folder of trained models: weights, cards, checkpoints
generate      from a model and its group to what is claimed and what proves it
certification  the certificate of a model, checked, for the command line and for Python
extra         packages that only some commands need
shortfall     why the argument proves no more of a network
collection    the models of a sweep, and which group each is about
row           what a row of a sweep holds, and all that it depends on
measurement   the work on one model of a sweep
cluster       the same on many models at once, by Dask
table         rows as Parquet and CSV
comparison    shares of models beside the published ones
sweep         many models: what is to be done, rows kept as they come
sweep_figures  how the bounds of many models are distributed
page          a certificate or a sweep as one file for a browser
report        what `certgen report` writes
completion    scripts by which shells complete options
options       the options of every command
__main__      the command line
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from certgen.certification import Certificate, certify
    from certgen.failure import ExitCode, Failure

__all__ = ["Certificate", "ExitCode", "Failure", "certify"]


def __getattr__(name: str) -> object:
    """A public name, loaded when it is asked for: not every module needs what this one imports."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = "certification" if name in ("Certificate", "certify") else "failure"
    return getattr(importlib.import_module(f"{__name__}.{module}"), name)

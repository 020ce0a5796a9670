"""certcheck: an independent checker of certificates of accuracy, in exact arithmetic.

From Python, `certcheck.check` gives the verdict that the command prints.
Read the modules in this order; each imports only modules above it.

verdict        what can be said of a certificate, every reason to refuse one, and how a verdict is printed
limits         what a check may use, and what exceeds it
strict_json    bytes to values: strict JSON, and values with a type, a range and a form
document       the sections of a certificate
exact          dyadic matrices, rounding to fixed point, products that cannot overflow
network        the closed list of architectures, tensors and roles, exact folding
float32        what rounding can take from a margin where the network is evaluated in binary32
entropy        cross-entropy, bounded by exponentials of margins
evidence       what a certificate asks of margins, and what is found of them
group          a group given by permutations: what is verified, its multiplication table
named_group    the groups that have a name here, and the search for an isomorphism
gset           G-sets: what a group does to a few points
representation  matrices of a group: signed permutations, or orthogonal ones and their residuals
exhaustive     method `exhaustive`: every pair evaluated
cases          what lower bounds of margins prove of pairs, and the pairs that they leave
cells          neurons with proportional inputs, gathered
argument       what the argument reads of a certificate, the same for all pairs: tables, distances, errors
equivariant    method `equivariant`: the bound of every margin, and cases
circuits       circuits of rho-sets: functions on points, and what they leave out of the neurons
explanation    what circuits say of every margin: tables, and distances for the rest
rhoset         method `rho-set`: the bound of every margin from circuits
tightest       the triple where a method leaves least, term by term
model_file     an auditor's model file
group_file     an auditor's group file
comparison     the certificate against the auditor's own model, architecture, group and threshold
decision       the whole check, in the order of the certificate
examination    the verdict on a certificate, for the command line and for Python
__main__       the command line
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from certcheck.examination import check
    from certcheck.limits import Limits
    from certcheck.verdict import Proof, Reason, Refusal, Status, Verdict

__all__ = ["Limits", "Proof", "Reason", "Refusal", "Status", "Verdict", "check"]
__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """A public name, loaded when it is asked for: the command line has to speak to BLAS before numpy is loaded."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = "examination" if name == "check" else "limits" if name == "Limits" else "verdict"
    return getattr(importlib.import_module(f"{__name__}.{module}"), name)

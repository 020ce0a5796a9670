"""Audits of the checker that are too long for its tests (docs/audit.md)."""

import os
import sys

# Before numpy loads BLAS, as in certcheck: on several threads small products take a hundred times as long.
if "numpy" not in sys.modules:
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

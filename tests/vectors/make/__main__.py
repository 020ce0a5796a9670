"""Write the folder of test vectors."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

from tests.vectors.edits import apply
from tests.vectors.make import (
    argument,
    auditor,
    claims,
    exhaustive,
    invalid_claim_forms,
    invalid_claims,
    invalid_equivariant,
    invalid_exhaustive,
    invalid_form,
    invalid_group,
    invalid_network,
    invalid_remaining,
    invalid_representation,
    invalid_rho_set,
)
from tests.vectors.make.entries import Invalid, Valid

FOLDER = Path(__file__).parents[1]
INVALID = (
    invalid_form,
    invalid_group,
    invalid_network,
    invalid_exhaustive,
    invalid_claims,
    invalid_claim_forms,
    invalid_equivariant,
    invalid_representation,
    invalid_rho_set,
    invalid_remaining,
    auditor,
)
# A file that would be larger is packed.
MAX_PLAIN = 2**16

STATUSES = {
    "REJECTED": (
        "BOUND_TOO_HIGH BOUND_VACUOUS PAIRS_WRONG TENSOR_HASH_WRONG WEIGHT_NOT_FINITE ROLE_UNKNOWN ROLE_MISSING "
        "ROLES_SHARE_TENSOR TENSOR_UNUSED TENSOR_MISSING SHAPE_WRONG NOT_A_PERMUTATION ELEMENTS_REPEAT "
        "IDENTITY_MISSING GROUP_NOT_CLOSED GROUP_NAME_WRONG GSET_WRONG CIRCUIT_WRONG REPRESENTATION_WRONG "
        "RESIDUALS_TOO_LARGE CELLS_WRONG COEFFICIENTS_WRONG ERROR_TERM_TOO_LOW SCALE_TOO_FINE "
        "WEIGHT_NOT_BINARY32 FLOAT32_UNBOUNDED FLOAT32_BOUND_TOO_HIGH CROSS_ENTROPY_TOO_LOW MARGIN_TOO_HIGH "
        "MODEL_DIFFERS ARCHITECTURE_DIFFERS GROUP_DIFFERS BOUND_BELOW_THRESHOLD"
    ),
    "DECLINED": "VERSION_UNKNOWN METHOD_UNKNOWN ARCHITECTURE_UNKNOWN DTYPE_UNKNOWN MODEL_FILE_UNSUPPORTED",
    "MALFORMED": (
        "NOT_JSON NOT_A_CERTIFICATE KEY_DUPLICATE KEY_MISSING KEY_UNEXPECTED NUMBER_INVALID TYPE_WRONG "
        "STRING_INVALID TENSOR_SIZE_WRONG TRAILING_BYTES"
    ),
    "LIMIT": "FILE_TOO_LARGE NESTING_TOO_DEEP VALUES_TOO_MANY NUMBER_TOO_LONG ORDER_TOO_LARGE WORK_TOO_LARGE "
    "NUMBERS_TOO_MANY TIME_TOO_LONG",
    "ERROR": "FILE_UNREADABLE INPUT_INVALID",
}
STATUS_OF = {reason: status for status, reasons in STATUSES.items() for reason in reasons.split()}


def make_folder() -> dict[str, bytes]:
    """The bytes of every file by its path in the folder; a file to be packed stands here as it is unpacked."""
    own = [*exhaustive.list_valid(), *argument.list_valid()]
    own += claims.list_valid(own)
    documents = {v.name: v.document for v in own}
    valid = own + auditor.list_valid(documents)
    twins = {v.name: v.data for v in own}
    files = {f"valid/{name}.json": data for name, data in twins.items()}
    files |= {f"auditor/{name}": data for name, data in auditor.make_files(documents).items()}
    invalid = []
    for vector in (v for module in INVALID for v in module.VECTORS):
        entry, data = write_invalid(vector, twins[vector.twin])
        invalid.append(entry)
        if vector.edits != ():
            files[entry["file"]] = data
    index = {"valid": [write_valid(v) for v in valid], "invalid": invalid}
    return files | {"vectors.json": write_index(index)}


def write_valid(vector: Valid) -> dict[str, Any]:
    """Its entry in the index."""
    statement = vector.document["statement"]
    return {
        "file": f"valid/{vector.name}.json",
        "shows": vector.shows,
        "arguments": list(vector.arguments),
        "correct_pairs_at_least": statement["correct_pairs_at_least"],
        "by_argument": vector.by_argument,
        "by_cases": vector.by_cases,
        "smallest_certified_margin": statement["smallest_certified_margin"],
        "float32_correct_pairs_at_least": statement["float32_correct_pairs_at_least"],
        "unit_roundoff_bits": statement["unit_roundoff_bits"],
        "float32_by_argument": None if vector.float32 is None else vector.float32[0],
        "float32_by_cases": None if vector.float32 is None else vector.float32[1],
        "cross_entropy_upper_bound": statement["cross_entropy_upper_bound"],
    }


def write_invalid(vector: Invalid, twin: bytes) -> tuple[dict[str, Any], bytes]:
    """Its entry in the index, and the file."""
    several = vector.edits if isinstance(vector.edits, tuple) else (vector.edits,)
    edits = [make(twin) for make in several]
    data = apply(edits, twin)
    name = f"invalid/{vector.name}.json" if edits else f"valid/{vector.twin}.json"
    return {
        "file": name + ".gz" * (len(data) > MAX_PLAIN),
        "twin": f"valid/{vector.twin}.json",
        "edits": edits,
        "arguments": list(vector.arguments),
        "status": STATUS_OF[vector.reason],
        "reason": vector.reason,
        "where": vector.where,
        "why": vector.why,
    }, data


def write_index(index: dict[str, list[dict[str, Any]]]) -> bytes:
    """One line an entry."""
    parts = [
        f'"{key}": [\n' + ",\n".join(json.dumps(entry) for entry in entries) + "\n]" for key, entries in index.items()
    ]
    return ("{\n" + ",\n".join(parts) + "\n}\n").encode("ascii")


def main() -> None:
    """Every file anew, and none beside them."""
    files = make_folder()
    for name in ("valid", "invalid", "auditor"):
        folder = FOLDER / name
        folder.mkdir(exist_ok=True)
        for path in folder.iterdir():
            path.unlink()
    for name, data in files.items():
        packed = gzip.compress(data, mtime=0) if name.endswith(".gz") else data
        (FOLDER / name).write_bytes(packed)


if __name__ == "__main__":
    main()

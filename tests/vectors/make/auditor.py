"""What an auditor brings, and what certcheck says where it is not what the certificate is about."""

from __future__ import annotations

import base64
import json
import struct

from tests.vectors.make.document import Document
from tests.vectors.make.entries import Invalid, Valid
from tests.vectors.make.groups import S3, Group
from tests.vectors.make.invalid_network import CLAIM

CODES = {"float16": "F16", "bfloat16": "BF16", "float32": "F32", "float64": "F64"}
ROLES = "left=left,right=right,out=out.weight"


def write_safetensors(document: Document, **changes: bytes) -> bytes:
    """The certificate's tensors as a model file, some with other bytes."""
    header, buffer = {}, b""
    for name, tensor in document["network"]["tensors"].items():
        data = changes.get(name.replace(".", "_"), base64.b64decode(tensor["data"]))
        offsets = [len(buffer), len(buffer) + len(data)]
        header[name] = {"dtype": CODES[tensor["dtype"]], "shape": tensor["shape"], "data_offsets": offsets}
        buffer += data
    text = json.dumps(header, separators=(",", ":")).encode("ascii")
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + buffer


def write_stack(document: Document, count: int) -> bytes:
    """A stack of networks, the certificate's as often as that."""
    stacked = json.loads(json.dumps(document))
    for tensor in stacked["network"]["tensors"].values():
        tensor["data"] = base64.b64encode(base64.b64decode(tensor["data"]) * count).decode("ascii")
        tensor["shape"] = [count, *tensor["shape"]]
    return write_safetensors(stacked)


def write_group(G: Group) -> bytes:
    """A file of permutations."""
    return json.dumps({"elements": [list(x) for x in G.elements]}, separators=(",", ":")).encode("ascii") + b"\n"


def write_table(table: list[list[int]]) -> bytes:
    """A multiplication table, row by row."""
    return "".join(",".join(map(str, row)) + "\n" for row in table).encode("ascii")


def make_files(documents: dict[str, Document]) -> dict[str, bytes]:
    """The files of the folder `auditor`."""
    direct, model = documents["direct"], write_safetensors(documents["direct"])
    flipped = bytearray(base64.b64decode(direct["network"]["tensors"]["left"]["data"]))
    # The sign of the first weight that is 0.
    flipped[4 * next(i for i in range(54) if not any(flipped[4 * i : 4 * i + 4])) + 3] = 0x80
    transposed = json.loads(json.dumps(direct))
    transposed["network"]["tensors"]["left"]["shape"].reverse()
    relabelled = Group(tuple(S3.elements[i] for i in (0, 1, 2, 4, 3, 5)))
    # A Latin square of order 5 with an identity, which is not associative.
    loop = [[0, 1, 2, 3, 4], [1, 0, 3, 4, 2], [2, 4, 0, 1, 3], [3, 2, 4, 0, 1], [4, 3, 1, 2, 0]]
    return {
        "direct.safetensors": model,
        "sign_of_zero.safetensors": write_safetensors(direct, left=bytes(flipped)),
        "truncated.safetensors": model[:-4],
        "trailing.safetensors": model + bytes(8),
        "float16.safetensors": write_safetensors(documents["no_name"]),
        "stack.safetensors": write_stack(documents["no_name"], 4),
        "concatenated.safetensors": write_safetensors(documents["concatenated"]),
        "transposed.safetensors": write_safetensors(transposed),
        "S3.json": write_group(S3),
        "S3.csv": write_table(S3.table),
        "S3_relabelled.json": write_group(relabelled),
        "two_keys.json": b'{"elements":[[0]],"elements":[[0,1],[1,0]]}\n',
        "no_group.csv": write_table(loop),
        "rows_exchanged.csv": write_table([[0, 1, 2], [2, 0, 1], [1, 2, 0]]),
    }


def list_valid(documents: dict[str, Document]) -> list[Valid]:
    """Comparisons that hold."""
    model = "auditor/direct.safetensors"
    arguments = {
        "direct": [
            ("--model", model, "--architecture", f"direct:{ROLES}", "--group", "auditor/S3.json", "--at-least", "1"),
            ("--group", "auditor/S3.csv"),
            ("--group", "D3"),
            ("--arithmetic", "int64"),
        ],
        "tie": [("--at-least", "35/36"), ("--at-least", "0.972222222222222222")],
        "no_name": [("--model", "auditor/stack.safetensors", "--instance", "3")],
    }
    shows = {"direct": 36, "tie": 35, "no_name": 16}
    return [
        Valid(name, f"what the auditor brings: {' '.join(a)}", documents[name], 0, shows[name], a)
        for name, several in arguments.items()
        for a in several
    ]


def differ(name: str, arguments: str, reason: str, where: str, why: str, *, of: str = "direct") -> Invalid:
    """A valid certificate that is not about this."""
    return Invalid(name, of, (), reason, where, why, tuple(arguments.split()))


LIMITS = [
    differ(
        "numbers_that_fill_memory",
        "--limit numbers=35",
        "NUMBERS_TOO_MANY",
        "group.elements",
        "no claim: the 36 products of S3 are more than an auditor allows here",
    ),
    differ("no_time", "--limit seconds=0", "TIME_TOO_LONG", "certcheck", "no claim: nothing can be checked in no time"),
    differ(
        "no_work",
        "--limit multiply_adds=1",
        "WORK_TOO_LARGE",
        "method",
        "no claim: a product is more than an auditor allows here",
    ),
]

MODELS = [
    differ(
        "sign_of_zero",
        "--model auditor/sign_of_zero.safetensors",
        "MODEL_DIFFERS",
        "network.tensors.left.data",
        "-0 equals 0, and is another weight all the same",
    ),
    differ(
        "other_tensors",
        "--model auditor/concatenated.safetensors",
        "MODEL_DIFFERS",
        "network.tensors",
        "another model's tensors, of which some have the same names",
    ),
    differ(
        "other_number_type",
        "--model auditor/float16.safetensors",
        "MODEL_DIFFERS",
        "network.tensors.left.dtype",
        "the numbers agree where they are compared as numbers",
    ),
    differ(
        "other_shape",
        "--model auditor/transposed.safetensors",
        "MODEL_DIFFERS",
        "network.tensors.left.shape",
        "the same bytes in another order",
    ),
    differ(
        "other_instance",
        "--model auditor/stack.safetensors --instance 2",
        "MODEL_DIFFERS",
        "network.instance",
        "another network of the stack",
        of="no_name",
    ),
    differ(
        "no_stack",
        "--model auditor/float16.safetensors",
        "MODEL_DIFFERS",
        "network.instance",
        "the only network is not instance 3 of anything",
        of="no_name",
    ),
    differ(
        "instance_left_open",
        "--model auditor/stack.safetensors",
        "INPUT_INVALID",
        "auditor/stack.safetensors",
        "one of four networks, the checker's choice",
        of="no_name",
    ),
    differ(
        "instance_past_the_end",
        "--model auditor/stack.safetensors --instance 4",
        "INPUT_INVALID",
        "auditor/stack.safetensors: left",
        "a network that is not there",
        of="no_name",
    ),
    differ(
        "model_truncated",
        "--model auditor/truncated.safetensors",
        "INPUT_INVALID",
        "auditor/truncated.safetensors",
        "a model of which the end was lost",
    ),
    differ(
        "model_with_more",
        "--model auditor/trailing.safetensors",
        "INPUT_INVALID",
        "auditor/trailing.safetensors",
        "bytes behind the tensors that are no tensor",
    ),
    differ(
        "model_absent",
        "--model auditor/absent.safetensors",
        "FILE_UNREADABLE",
        "auditor/absent.safetensors",
        "a comparison with nothing",
    ),
    differ(
        "model_of_another_kind",
        "--model auditor/direct.onnx",
        "MODEL_FILE_UNSUPPORTED",
        "auditor/direct.onnx",
        "a comparison with a file that cannot be read",
    ),
]

ARCHITECTURES = [
    differ(
        "other_roles",
        "--architecture direct:left=right,right=left,out=out.weight --model auditor/direct.safetensors",
        "ARCHITECTURE_DIFFERS",
        "network.roles.left",
        "the model with its sides exchanged",
    ),
    differ(
        "transposed_role",
        "--architecture direct:left=left,right=right,out_transposed=out.weight",
        "ARCHITECTURE_DIFFERS",
        "network.roles.out_transposed",
        "the model with a matrix transposed",
    ),
    differ(
        "other_architecture",
        f"--architecture added:{ROLES},shared_map=hidden,hidden_bias=hidden_bias,out_bias=out_bias",
        "ARCHITECTURE_DIFFERS",
        "network.architecture",
        "one map of both sides for the two halves of one",
        of="concatenated",
    ),
    differ(
        "architecture_not_on_the_list",
        "--architecture transformer",
        "ARCHITECTURE_UNKNOWN",
        "--architecture",
        "a formula that is not known here",
    ),
    differ(
        "architecture_of_unknown_names",
        "--architecture mapped",
        "INPUT_INVALID",
        "--architecture",
        "roles that are guessed",
    ),
]

GROUPS = [
    differ("group_C6", "--group C6", "GROUP_DIFFERS", "group", "S3 is the other group of order 6"),
    differ("group_S4", "--group S4", "GROUP_DIFFERS", "group", "the subgroup for the group"),
    differ("group_D4", "--group D4", "GROUP_DIFFERS", "group", "Q8 is the other group of order 8", of="mapped_tied"),
    differ(
        "group_C4xC2",
        "--group C4",
        "GROUP_DIFFERS",
        "group",
        "the Klein group has elements of order 2 alone",
        of="klein",
    ),
    differ(
        "labels_of_the_auditor",
        "--group auditor/S3_relabelled.json",
        "GROUP_DIFFERS",
        "group.elements",
        "the same group with two labels exchanged: other right answers",
    ),
    differ(
        "group_Q8xC2xC2xC2",
        "--group Q8xC2xC2xC2",
        "WORK_TOO_LARGE",
        "group",
        "a group with as many elements of each order, that is not isomorphic, which takes long to find out",
        of="order_64",
    ),
    differ("group_S8", "--group S8", "ORDER_TOO_LARGE", "--group", "40320 elements are built to compare"),
    differ(
        "group_of_two_keys",
        "--group auditor/two_keys.json",
        "INPUT_INVALID",
        "auditor/two_keys.json",
        "two groups in one file",
        of="order_1",
    ),
    differ(
        "no_associative_table",
        "--group auditor/no_group.csv",
        "INPUT_INVALID",
        "auditor/no_group.csv",
        "a Latin square with an identity that is no group",
    ),
    differ(
        "rows_exchanged",
        "--group auditor/rows_exchanged.csv",
        "INPUT_INVALID",
        "auditor/rows_exchanged.csv",
        "rows that are the permutations of C3, in another order: a table without a neutral element",
        of="matrices_with_a_basis",
    ),
    differ("group_without_a_name", "--group Q9", "FILE_UNREADABLE", "Q9", "a name that is taken for a file"),
]

THRESHOLDS = [
    differ("below_all", "--at-least 0.99", "BOUND_BELOW_THRESHOLD", CLAIM, "35 of 36 is 99 %", of="tie"),
    differ(
        "below_by_less_than_a_float",
        "--at-least 0.972222222222222223",
        "BOUND_BELOW_THRESHOLD",
        CLAIM,
        "35/36, which equals this number in float64 and is below it",
        of="tie",
    ),
    differ(
        "claim_below_what_is_true",
        "--at-least 1",
        "BOUND_BELOW_THRESHOLD",
        CLAIM,
        "7 of 36 pairs are claimed, though all are right",
        of="claims_less",
    ),
]

VECTORS = LIMITS + MODELS + ARCHITECTURES + GROUPS + THRESHOLDS

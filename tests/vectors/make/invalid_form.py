"""Bytes that are not one strict JSON object, or values without the form of docs/format.md."""

from __future__ import annotations

from tests.vectors.make.edits import add, append, drop, keep, prepend, put, text
from tests.vectors.make.entries import Invalid

DEEP = [[[[[[["S3"]]]]]]]

BYTES = [
    Invalid(
        "empty_file", "order_1", keep(0), "NOT_JSON", "document", "an empty file would be a certificate of anything"
    ),
    Invalid(
        "truncated", "order_1", keep(500), "NOT_JSON", "document", "a part of a certificate would stand for the whole"
    ),
    Invalid(
        "byte_order_mark", "direct", prepend("\xef\xbb\xbf"), "NOT_JSON", "document", "two spellings of one certificate"
    ),
    Invalid(
        "not_ascii",
        "direct",
        text('"S3"', '"S\xc2\xb3"'),
        "NOT_JSON",
        "document",
        "a name that looks like another name",
    ),
    Invalid("leading_space", "direct", prepend(" "), "NOT_JSON", "document", "the object does not begin the file"),
    Invalid(
        "leading_zero",
        "direct",
        text("36", "036", before=',"pairs"'),
        "NOT_JSON",
        "document",
        "030 pairs, octal to some: 24 or 30",
    ),
    Invalid("comment", "direct", text("", "/* 36 */", before='"pairs"'), "NOT_JSON", "document", "text that some skip"),
    Invalid(
        "trailing_comma", "direct", text("", ",", before="\n}\n"), "NOT_JSON", "document", "a key that only some see"
    ),
    Invalid(
        "control_character",
        "direct",
        text('"S3"', '"S\n3"'),
        "NOT_JSON",
        "document",
        "a name of two lines in a verdict",
    ),
    Invalid(
        "second_object",
        "direct",
        append('{"statement":{"correct_pairs_at_least":37,"pairs":36}}'),
        "TRAILING_BYTES",
        "document",
        "a second claim that nobody checked, in a file that was verified",
    ),
    Invalid(
        "second_line_end", "direct", append("\n"), "TRAILING_BYTES", "document", "bytes of no meaning after the end"
    ),
    Invalid(
        "trailing_nul", "direct", append("\0"), "TRAILING_BYTES", "document", "a C string ends there, a file does not"
    ),
    Invalid(
        "duplicate_claim",
        "direct",
        text("", '"correct_pairs_at_least":37,', before='"correct_pairs'),
        "KEY_DUPLICATE",
        "document",
        "37 pairs to readers that keep the first of two keys",
    ),
    Invalid(
        "duplicate_key_escaped",
        "direct",
        text("", '"p\\u0061irs":35,', before='"pairs"'),
        "KEY_DUPLICATE",
        "document",
        "one key in two spellings: two claims",
    ),
    Invalid(
        "duplicate_tensor",
        "order_1",
        text("", '"left":null,', before='"left":{"dtype"'),
        "KEY_DUPLICATE",
        "document",
        "one name for two tensors: which was evaluated?",
    ),
    Invalid(
        "minus_zero",
        "direct",
        text('_bits":10}', '_bits":-0}'),
        "NUMBER_INVALID",
        "document",
        "a number in two spellings",
    ),
    Invalid(
        "fraction",
        "direct",
        text("36", "36.0", before=',"pairs"'),
        "NUMBER_INVALID",
        "document",
        "a claim in binary floating point",
    ),
    Invalid(
        "exponent",
        "direct",
        text("36", "36e0", before=',"pairs"'),
        "NUMBER_INVALID",
        "document",
        "1e400 pairs, infinity to some",
    ),
    Invalid(
        "token_nan",
        "direct",
        text("36", "NaN", before=',"pairs"'),
        "NUMBER_INVALID",
        "document",
        "a claim below which nothing is",
    ),
    Invalid(
        "token_infinity",
        "direct",
        text("36", "-Infinity", before=',"pairs"'),
        "NUMBER_INVALID",
        "document",
        "a claim that is no number",
    ),
    Invalid(
        "nineteen_digits",
        "direct",
        put("statement.correct_pairs_at_least", 9223372036854775844),
        "NUMBER_TOO_LONG",
        "document",
        "2^63 + 36 pairs, which is 36 or less in 64 bits",
    ),
    Invalid(
        "five_thousand_digits",
        "direct",
        text("36", {"repeat": "9", "times": 5000}, before=',"pairs"'),
        "NUMBER_TOO_LONG",
        "document",
        "a number that takes time, or ends Python's reader",
    ),
    Invalid(
        "nine_levels",
        "direct",
        put("group.name", DEEP),
        "NESTING_TOO_DEEP",
        "document",
        "a reader without a bound recurses",
    ),
    Invalid(
        "hundred_thousand_levels",
        "direct",
        text('"S3"', {"repeat": "[", "times": 10**5}),
        "NESTING_TOO_DEEP",
        "document",
        "a reader that recurses ends without a verdict",
    ),
    Invalid(
        "too_many_values",
        "direct",
        text("", {"repeat": "0,", "times": 2**22}, before="0,1,2],[0,2,1]"),
        "VALUES_TOO_MANY",
        "document",
        "four million values take a reader's memory before any is checked",
    ),
    Invalid(
        "too_many_bytes",
        "direct",
        text("", {"repeat": " ", "times": 2**26}, before="\n}\n"),
        "FILE_TOO_LARGE",
        "invalid/too_many_bytes.json",
        "a file without end",
    ),
]

SECTIONS = [
    Invalid(
        "list_of_certificates",
        "direct",
        (append("]"), prepend("[")),
        "NOT_A_CERTIFICATE",
        "format",
        "a list in which one of many certificates is verified",
    ),
    Invalid(
        "other_format", "direct", put("format", "certificate"), "NOT_A_CERTIFICATE", "format", "a file of other meaning"
    ),
    Invalid(
        "version_2", "direct", put("version", 2), "VERSION_UNKNOWN", "version", "rules that this checker does not know"
    ),
    Invalid("version_0", "direct", put("version", 0), "NUMBER_INVALID", "version", "rules that never were"),
    Invalid("version_true", "direct", put("version", True), "TYPE_WRONG", "version", "true is 1 in Python alone"),
    Invalid("version_in_quotes", "direct", put("version", "1"), "TYPE_WRONG", "version", "two types for one value"),
    Invalid(
        "no_end", "direct", drop("end"), "KEY_MISSING", "certificate", "a certificate of which the last part was lost"
    ),
    Invalid("other_end", "direct", put("end", "end"), "STRING_INVALID", "end", "a certificate that is not whole"),
    Invalid(
        "key_of_no_meaning",
        "direct",
        add("exceptions", "pairs (x, e)"),
        "KEY_UNEXPECTED",
        "certificate",
        "a condition on the claim that no checker reads",
    ),
    Invalid(
        "key_in_the_statement",
        "direct",
        add("statement.modulo", 2),
        "KEY_UNEXPECTED",
        "statement",
        "a claim about other pairs",
    ),
    Invalid("no_pairs", "direct", drop("statement.pairs"), "KEY_MISSING", "statement", "at least 36, of how many?"),
    Invalid(
        "statement_is_a_list",
        "direct",
        put("statement", [36, 36]),
        "TYPE_WRONG",
        "statement",
        "a claim read by position",
    ),
    Invalid(
        "pairs_true",
        "order_1",
        put("statement.pairs", True),
        "TYPE_WRONG",
        "statement.pairs",
        "true equals 1 in Python",
    ),
    Invalid(
        "correct_pairs_negative",
        "direct",
        put("statement.correct_pairs_at_least", -1),
        "NUMBER_INVALID",
        "statement.correct_pairs_at_least",
        "in unsigned integers, 2^64 - 1 pairs",
    ),
    Invalid(
        "method_unknown",
        "direct",
        put("method.name", "sampling"),
        "METHOD_UNKNOWN",
        "method.name",
        "a thousand pairs tried",
    ),
    Invalid("method_null", "direct", put("method", None), "TYPE_WRONG", "method", "a claim without a proof"),
    Invalid(
        "method_of_two_names",
        "direct",
        put("method.name", ["exhaustive"]),
        "METHOD_UNKNOWN",
        "method.name",
        "a method that is a list of methods",
    ),
    Invalid(
        "labels_from_elsewhere",
        "direct",
        put("group.labels_from", "the auditor"),
        "STRING_INVALID",
        "group.labels_from",
        "that the labels were compared with somebody's",
    ),
    Invalid(
        "name_with_escape",
        "direct",
        text('"S3"', '"S\\u00b3"'),
        "STRING_INVALID",
        "group.name",
        "a name that is not plain",
    ),
    Invalid(
        "lone_surrogate",
        "direct",
        text('"S3"', '"\\ud800"'),
        "STRING_INVALID",
        "group.name",
        "a name that cannot be printed",
    ),
    Invalid(
        "line_end_in_a_tensor_name",
        "direct",
        add("network.tensors.x\ns VERIFIED", {}),
        "STRING_INVALID",
        "network.tensors",
        "a refusal that prints a line `s VERIFIED`",
    ),
    Invalid(
        "role_without_a_name",
        "direct",
        add("network.roles.", "left"),
        "STRING_INVALID",
        "network.roles",
        "a role called nothing",
    ),
    Invalid(
        "scale_of_4097",
        "direct",
        put("method.activation_bits", 4097),
        "NUMBER_INVALID",
        "method.activation_bits",
        "numbers of any length at each step",
    ),
    Invalid(
        "instance_true",
        "no_name",
        put("network.instance", True),
        "TYPE_WRONG",
        "network.instance",
        "instance 1 of the stack",
    ),
    Invalid(
        "instance_negative",
        "no_name",
        put("network.instance", -1),
        "NUMBER_INVALID",
        "network.instance",
        "the last instance",
    ),
    Invalid("roles_are_a_list", "direct", put("network.roles", []), "TYPE_WRONG", "network", "roles by position"),
]

VECTORS = BYTES + SECTIONS

"""Sets of permutations that are no group, or not the one that is named; claims about another table."""

from __future__ import annotations

from tests.vectors.make.edits import drop, put, text
from tests.vectors.make.entries import Invalid
from tests.vectors.make.groups import A4, S3

CLAIM = "statement.correct_pairs_at_least"

FORM = [
    Invalid("no_elements", "direct", put("group.elements", []), "TYPE_WRONG", "group.elements", "all of no pairs"),
    Invalid(
        "elements_of_degree_4", "direct", put("group.degree", 4), "TYPE_WRONG", "group.elements", "S3 on four points"
    ),
    Invalid("degree_0", "direct", put("group.degree", 0), "NUMBER_INVALID", "group.degree", "permutations of nothing"),
    Invalid(
        "ragged_elements",
        "direct",
        drop("group.elements.5.2"),
        "TYPE_WRONG",
        "group.elements[5]",
        "a permutation with a part of it left open",
    ),
    Invalid(
        "negative_image",
        "direct",
        put("group.elements.0.2", -1),
        "NUMBER_INVALID",
        "group.elements[0]",
        "-1 is the last point where indices wrap",
    ),
    Invalid(
        "image_outside",
        "direct",
        put("group.elements.5.0", 3),
        "NUMBER_INVALID",
        "group.elements[5]",
        "a point too many",
    ),
    Invalid(
        "image_true",
        "direct",
        put("group.elements.0.1", True),
        "NUMBER_INVALID",
        "group.elements[0]",
        "true is 1 in Python, and the permutation would pass",
    ),
]

NO_GROUP = [
    Invalid(
        "element_missing",
        "direct",
        drop("group.elements.5"),
        "GROUP_NOT_CLOSED",
        "group.elements",
        "a multiplication table with products that are no label",
    ),
    Invalid(
        "identity_missing",
        "direct",
        drop("group.elements.0"),
        "IDENTITY_MISSING",
        "group.elements",
        "a table without a neutral element",
    ),
    Invalid(
        "ten_thousand_and_one",
        "order_1",
        text("", {"repeat": "[0],", "times": 10**4}, before="[0]]}"),
        "ORDER_TOO_LARGE",
        "group.elements",
        "a table of 10^8 products, before anything else is seen to be wrong",
    ),
    Invalid(
        "identity_replaced",
        "order_2_square",
        put("group.elements", [[1, 0]]),
        "IDENTITY_MISSING",
        "group.elements",
        "a set of order 1 that is no group",
    ),
    Invalid(
        "element_twice",
        "direct",
        put("group.elements.5", [2, 0, 1]),
        "ELEMENTS_REPEAT",
        "group.elements[5]",
        "two labels for one element: one right answer is two",
    ),
    Invalid(
        "all_elements_the_identity",
        "klein",
        put("group.elements", [[0, 1, 2, 3]] * 4),
        "ELEMENTS_REPEAT",
        "group.elements[1]",
        "a table of zeros is closed and has an identity",
    ),
    Invalid(
        "not_a_permutation",
        "direct",
        put("group.elements.5", [2, 1, 1]),
        "NOT_A_PERMUTATION",
        "group.elements[5]",
        "a map without an inverse among the elements",
    ),
    Invalid(
        "not_closed",
        "mapped",
        put("group.elements.11", [3, 2, 0, 1]),
        "GROUP_NOT_CLOSED",
        "group.elements",
        "twelve even and odd permutations that are not A4",
    ),
    Invalid(
        "inverses_missing",
        "cyclic_12",
        put("group.elements", [[1, 2, 3, 0, *range(4, 7)], list(range(7))]),
        "GROUP_NOT_CLOSED",
        "group.elements",
        "a step of four taken for one of two",
    ),
]

NAMES = [
    Invalid("named_C6", "direct", put("group.name", "C6"), "GROUP_NAME_WRONG", "group.name", "S3 is cyclic"),
    Invalid(
        "named_D4", "mapped_tied", put("group.name", "D4"), "GROUP_NAME_WRONG", "group.name", "Q8 is D4, of order 8 too"
    ),
    Invalid(
        "named_C4", "klein", put("group.name", "C4"), "GROUP_NAME_WRONG", "group.name", "the group of order 4 is cyclic"
    ),
    Invalid(
        "named_D6", "mapped", put("group.name", "D6"), "GROUP_NAME_WRONG", "group.name", "A4 is D6, of order 12 too"
    ),
    Invalid(
        "named_by_an_isomorphic_group",
        "added",
        put("group.name", "D6"),
        "GROUP_NAME_WRONG",
        "group.name",
        "S3xC2 is D6, but in other permutations, and the labels of the name are not these",
    ),
    Invalid(
        "named_S3xC1", "direct", put("group.name", "S3xC1"), "GROUP_NAME_WRONG", "group.name", "a name of other points"
    ),
    Invalid(
        "named_S03", "direct", put("group.name", "S03"), "GROUP_NAME_WRONG", "group.name", "two spellings of a name"
    ),
    Invalid("named_in_words", "direct", put("group.name", "s3"), "GROUP_NAME_WRONG", "group.name", "a name of its own"),
    Invalid(
        "named_S8",
        "direct",
        put("group.name", "S8"),
        "ORDER_TOO_LARGE",
        "group.name",
        "40320 elements are built to compare",
    ),
    Invalid(
        "named_S99999",
        "direct",
        put("group.name", "S99999"),
        "ORDER_TOO_LARGE",
        "group.name",
        "a factorial of 456569 digits",
    ),
    Invalid(
        "named_C101xC101",
        "direct",
        put("group.name", "C101xC101"),
        "ORDER_TOO_LARGE",
        "group.name",
        "each factor is small, the product is not",
    ),
]

TABLES = [
    Invalid(
        "labels_exchanged",
        "direct",
        put("group.elements", [list(S3.elements[i]) for i in (0, 2, 1, 3, 4, 5)]),
        "BOUND_TOO_HIGH",
        CLAIM,
        "the network is right about another table of the same group",
    ),
    Invalid(
        "elements_inverted",
        "direct",
        put("group.elements", [list(S3.elements[i]) for i in S3.inverse]),
        "BOUND_TOO_HIGH",
        CLAIM,
        "the product in the other order, yx, of which the network is right for 18 of 36 pairs",
    ),
    Invalid(
        "elements_inverted_of_A4",
        "mapped",
        put("group.elements", [list(A4.elements[i]) for i in A4.inverse]),
        "BOUND_TOO_HIGH",
        CLAIM,
        "the product in the other order",
    ),
    Invalid(
        "cyclic_labels_shifted",
        "added_tied",
        put(
            "group.elements",
            [[*((x + i) % 2 for i in (1, 2)), *((x + i) % 3 + 2 for i in (1, 2, 3))] for x in range(6)],
        ),
        "BOUND_TOO_HIGH",
        CLAIM,
        "label x is the generator to the power x + 1: the answer x + y is off by one for every pair",
    ),
    Invalid("pairs_35", "direct", put("statement.pairs", 35), "PAIRS_WRONG", "statement.pairs", "36 of 35 pairs"),
    Invalid("pairs_216", "direct", put("statement.pairs", 216), "PAIRS_WRONG", "statement.pairs", "36 of 216 triples"),
    Invalid(
        "pairs_18_digits",
        "direct",
        put("statement.pairs", 10**18 - 1),
        "PAIRS_WRONG",
        "statement.pairs",
        "a square that is compared in floating point",
    ),
]

VECTORS = FORM + NO_GROUP + NAMES + TABLES

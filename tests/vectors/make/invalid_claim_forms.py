"""Claims about margins, binary32 and the cross-entropy without the form of docs/format.md."""

from __future__ import annotations

from tests.vectors.make.edits import add, drop, put, text
from tests.vectors.make.entries import Invalid
from tests.vectors.make.invalid_claims import BITS, EFFORT, ENTROPY, FLOAT32, MARGIN

# Other spellings of numbers, each of which some reader takes for one that is claimed.
FORMS = {
    "an_integer": ("1", "1 in another spelling"),
    "leading_zero": ("01.0", "1.0 in another spelling, or octal"),
    "no_digit_before": (".5", "0.5 in another spelling"),
    "no_digit_after": ("1.", "1.0 in another spelling"),
    "exponent": ("1e-3", "0.001 in binary floating point"),
    "exponent_after": ("1.0e0", "1.0 in another spelling"),
    "plus": ("+1.0", "1.0 in another spelling"),
    "minus": ("-0.5", "a number below 0"),
    "minus_zero": ("-0.0", "0.0 in another spelling"),
    "arabic_digits": ("\u0661.\u0660", "1.0 to readers that ask Unicode for digits"),
    "blank": (" 1.0", "1.0 with a blank"),
    "line_end": ("1.0\n", "1.0 with a line end, which $ allows"),
    "underscore": ("1_0.0", "10.0 as Python writes it"),
    "comma": ("1,0", "1.0 or 10"),
    "fraction": ("1/1", "1 as a fraction"),
    "nan": ("NaN", "a number that no other is above or below"),
    "infinity": ("Infinity", "a number above all"),
    "empty": ("", "no number"),
    "19_places": ("1.0000000000000000001", "19 places, of which 18 may be read"),
    "10_digits": ("1000000000.0", "10^9, which has no place here"),
    "two_points": ("1.0.0", "1.0 and a rest"),
}
DECIMALS = [
    Invalid(f"{short}_{name}", "claims_by_hand", put(where, spelling), "STRING_INVALID", where, why)
    for short, where in (("margin", MARGIN), ("entropy", ENTROPY))
    for name, (spelling, why) in FORMS.items()
]
DECIMALS += [
    Invalid("margin_number", "claims_by_hand", put(MARGIN, 1), "TYPE_WRONG", MARGIN, "a number in place of a string"),
    Invalid("entropy_number", "claims_by_hand", put(ENTROPY, 2), "TYPE_WRONG", ENTROPY, "a number for a string"),
    Invalid(
        "margin_float",
        "claims_by_hand",
        text('"1.0"', "1.0"),
        "NUMBER_INVALID",
        "document",
        "a number in binary floating point",
    ),
    Invalid("margin_boolean", "claims_by_hand", put(MARGIN, True), "TYPE_WRONG", MARGIN, "true, 1 to some"),
    Invalid("entropy_list", "claims_by_hand", put(ENTROPY, ["1.1"]), "TYPE_WRONG", ENTROPY, "a bound in a list"),
]

COUPLING = [
    Invalid(
        "float32_of_no_arithmetic",
        "claims_by_hand",
        put(BITS, None),
        "TYPE_WRONG",
        BITS,
        "36 pairs, in which arithmetic?",
    ),
    Invalid(
        "arithmetic_of_no_pairs",
        "claims_by_hand",
        put(FLOAT32, None),
        "TYPE_WRONG",
        BITS,
        "an arithmetic is named, and nothing is said of it",
    ),
    Invalid(
        "entropy_of_no_effort",
        "claims_by_hand",
        put(EFFORT, None),
        "TYPE_WRONG",
        EFFORT,
        "a bound that one checker proves and another does not try to",
    ),
    Invalid(
        "effort_for_nothing",
        "claims_by_hand",
        put(ENTROPY, None),
        "TYPE_WRONG",
        EFFORT,
        "work for a claim that is not made",
    ),
    Invalid(
        "float32_without_its_key", "claims_by_hand", drop(FLOAT32), "KEY_MISSING", "statement", "no claim, or any claim"
    ),
    Invalid("roundoff_without_its_key", "claims_by_hand", drop(BITS), "KEY_MISSING", "statement", "in any arithmetic"),
    Invalid(
        "margin_without_its_key", "claims_by_hand", drop(MARGIN), "KEY_MISSING", "statement", "a certificate of before"
    ),
    Invalid(
        "entropy_without_its_key", "direct", drop(ENTROPY), "KEY_MISSING", "statement", "a claim that readers default"
    ),
    Invalid(
        "effort_without_its_key", "direct", drop(EFFORT), "KEY_MISSING", "statement", "an effort that readers default"
    ),
    Invalid(
        "another_claim",
        "claims_by_hand",
        add("statement.float64_correct_pairs_at_least", 36),
        "KEY_UNEXPECTED",
        "statement",
        "a claim that nobody checked",
    ),
    Invalid(
        "claim_twice",
        "claims_by_hand",
        text("", '"float32_correct_pairs_at_least":37,', before='"float32_correct'),
        "KEY_DUPLICATE",
        "document",
        "37 pairs to readers that keep the first of two keys",
    ),
]

INTEGERS = [
    Invalid("roundoff_0", "claims_by_hand", put(BITS, 0), "NUMBER_INVALID", BITS, "a unit roundoff of 1"),
    Invalid("roundoff_25", "claims_by_hand", put(BITS, 25), "NUMBER_INVALID", BITS, "finer than binary32 is"),
    Invalid("roundoff_minus_1", "claims_by_hand", put(BITS, -1), "NUMBER_INVALID", BITS, "a unit roundoff of 2"),
    Invalid("roundoff_true", "claims_by_hand", put(BITS, True), "TYPE_WRONG", BITS, "true, 1 to some"),
    Invalid("roundoff_text", "claims_by_hand", put(BITS, "24"), "TYPE_WRONG", BITS, "a number as a string"),
    Invalid("float32_true", "claims_of_order_1", put(FLOAT32, True), "TYPE_WRONG", FLOAT32, "true, 1 of 1 to some"),
    Invalid("float32_text", "claims_by_hand", put(FLOAT32, "36"), "TYPE_WRONG", FLOAT32, "a number as a string"),
    Invalid(
        "float32_negative",
        "claims_by_hand",
        put(FLOAT32, -36),
        "NUMBER_INVALID",
        FLOAT32,
        "in unsigned integers, 2^64 - 36 pairs",
    ),
    Invalid(
        "float32_nineteen_digits",
        "claims_by_hand",
        put(FLOAT32, 2**64 + 36),
        "NUMBER_TOO_LONG",
        "document",
        "2^64 + 36 pairs, which is 36 in 64 bits",
    ),
]

EFFORTS = [
    Invalid(
        "effort_without_scan",
        "claims_by_hand",
        drop(f"{EFFORT}.scan_above"),
        "KEY_MISSING",
        EFFORT,
        "an effort that readers default",
    ),
    Invalid(
        "effort_without_evaluation",
        "claims_by_hand",
        drop(f"{EFFORT}.evaluate_above"),
        "KEY_MISSING",
        EFFORT,
        "an effort that readers default",
    ),
    Invalid(
        "effort_with_more",
        "claims_by_hand",
        add(f"{EFFORT}.temperature", 1),
        "KEY_UNEXPECTED",
        EFFORT,
        "the cross-entropy of other logits",
    ),
    Invalid("effort_empty", "claims_by_hand", put(EFFORT, {}), "KEY_MISSING", EFFORT, "an effort that readers default"),
    Invalid("effort_list", "claims_by_hand", put(EFFORT, [0, 0]), "TYPE_WRONG", EFFORT, "two numbers without names"),
    Invalid("effort_number", "claims_by_hand", put(EFFORT, 0), "TYPE_WRONG", EFFORT, "one number for two"),
]
EFFORTS += [
    Invalid(f"{key}_{name}", "claims_by_hand", put(f"{EFFORT}.{key}", value), reason, where or f"{EFFORT}.{key}", why)
    for key in ("scan_above", "evaluate_above")
    for name, value, reason, where, why in [
        ("negative", -1, "NUMBER_INVALID", "", "a sum of exponentials below 0: always, or in unsigned integers never"),
        ("too_large", 10**18, "NUMBER_TOO_LONG", "document", "10^18 of 19 digits"),
        ("false", False, "TYPE_WRONG", "", "false, 0 to some"),
        ("text", "0", "TYPE_WRONG", "", "a number as a string"),
        ("null", None, "TYPE_WRONG", "", "an effort that readers default"),
    ]
]

VECTORS = DECIMALS + COUPLING + INTEGERS + EFFORTS

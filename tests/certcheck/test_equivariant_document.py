"""The method `equivariant` as a file: what is parsed, every refusal of its form and of its content, random sections."""

from __future__ import annotations

import copy
import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certcheck.comparison import Auditor
from certcheck.decision import check
from certcheck.document import ERROR_TERMS, EquivariantSection, ExhaustiveSection, parse_certificate
from certcheck.equivariant import check_equivariant
from certcheck.verdict import Reason, Refusal
from tests.certcheck.test_equivariant import CASES, EXAMPLES, agrees_with_the_textbook, check_both, refusal_of
from tests.certcheck.test_exhaustive import count_slowly, make_network
from tests.certificates import S3 as S3_ELEMENTS
from tests.certificates import certificate, encode
from tests.equivariant_sections import (
    C3,
    S3,
    Example,
    build_network,
    edit,
    edit_part,
    make_circuit,
    make_permutation_part,
    make_section,
    write_array,
    write_method,
)

PERMUTATIONS, MATRICES, SIGN = (EXAMPLES[f"S3 {kind}"] for kind in ("permutations", "matrices", "sign"))


def write_certificate(section: EquivariantSection) -> dict[str, Any]:
    """A certificate of the circuit of S3 with this method."""
    circuit = make_circuit(S3)
    weights = {"left": circuit.left, "right": circuit.right, "out": circuit.out}
    return certificate(S3_ELEMENTS, weights) | {"method": write_method(section)}


def is_same(first: Any, second: Any) -> bool:
    """Equality of sections, arrays and tuples entry by entry."""
    if dataclasses.is_dataclass(first):
        return type(first) is type(second) and all(
            is_same(getattr(first, f.name), getattr(second, f.name)) for f in dataclasses.fields(first)
        )
    if isinstance(first, tuple):
        return len(first) == len(second) and all(map(is_same, first, second))
    if isinstance(first, np.ndarray):
        return first.shape == second.shape and first.dtype == second.dtype and bool((first == second).all())
    return bool(first == second)


@pytest.mark.parametrize("cases", [None, ExhaustiveSection(-3, 9)])
@pytest.mark.parametrize("name", EXAMPLES)
def test_a_section_is_read_as_it_was_written(name: str, cases: ExhaustiveSection | None) -> None:
    """Numbers, arrays and what is absent."""
    section = dataclasses.replace(EXAMPLES[name].section, cases=cases)
    assert is_same(parse_certificate(encode(write_certificate(section))).method, section)


@pytest.mark.parametrize("dtype", ["int8", "int16", "int32"])
def test_every_type_of_array_is_read(dtype: str) -> None:
    """Little-endian, signed; the ends of the range keep their value."""
    document = write_certificate(PERMUTATIONS.section)
    ends = np.iinfo(dtype)
    values = np.array([[ends.min, -1, 0], [1, 2, ends.max]], dtype=np.int64)
    document["method"]["neurons"] = write_array(values, dtype)
    method = parse_certificate(encode(document)).method
    assert isinstance(method, EquivariantSection)
    assert method.neurons.tolist() == values.tolist()


@pytest.mark.parametrize("arithmetic", ["float64", "int64"])
@pytest.mark.parametrize("example", [PERMUTATIONS, MATRICES])
def test_the_whole_certificate_is_verified(example: Example, arithmetic: str) -> None:
    """All pairs by the argument; the error terms are printed as claimed, in units of 2^-10."""
    terms = dict.fromkeys(ERROR_TERMS, 2**20 + 1)
    proof = check(encode(write_certificate(edit(example, error_terms=terms).section)), Auditor(arithmetic=arithmetic))
    assert (proof.method, proof.pairs_by_argument, proof.pairs_by_cases) == ("equivariant", 36, 0)
    assert proof.error_terms == dict.fromkeys(ERROR_TERMS, "1048577/1024")


FIRST = "method.representations[0]"
BAD_FORMS: list[tuple[str, Any, Reason, str]] = [
    ("activation_bits", -1, Reason.NUMBER_INVALID, "method.activation_bits"),
    ("table_bits", 61, Reason.NUMBER_INVALID, "method.table_bits"),
    ("scale_bits", "1", Reason.TYPE_WRONG, "method.scale_bits"),
    ("cells", 0, Reason.NUMBER_INVALID, "method.cells"),
    ("cells", 2**20 + 1, Reason.NUMBER_INVALID, "method.cells"),
    ("hint", 0, Reason.KEY_UNEXPECTED, "method"),
    ("representations", {}, Reason.TYPE_WRONG, "method.representations"),
    ("representations", [[]], Reason.TYPE_WRONG, FIRST),
    ("error_terms", None, Reason.TYPE_WRONG, "method.error_terms"),
    ("error_terms.merging", -1, Reason.NUMBER_INVALID, "method.error_terms.merging"),
    ("error_terms.merging", True, Reason.TYPE_WRONG, "method.error_terms.merging"),
    ("error_terms.luck", 0, Reason.KEY_UNEXPECTED, "method.error_terms"),
    ("cases", {}, Reason.KEY_MISSING, "method.cases"),
    ("cases", {"activation_bits": 4097, "unembedding_bits": 0}, Reason.NUMBER_INVALID, "method.cases.activation_bits"),
    ("neurons", [], Reason.TYPE_WRONG, "method.neurons"),
    ("neurons.dtype", "int64", Reason.TYPE_WRONG, "method.neurons"),
    ("neurons.dtype", {}, Reason.TYPE_WRONG, "method.neurons"),
    ("neurons.shape", [18], Reason.TYPE_WRONG, "method.neurons"),
    ("neurons.shape", 18, Reason.TYPE_WRONG, "method.neurons"),
    ("neurons.shape", [27, 2], Reason.TYPE_WRONG, "method.neurons"),
    ("neurons.shape", [17, 3], Reason.TYPE_WRONG, "method.neurons"),
    ("neurons.shape", [-18, 3], Reason.NUMBER_INVALID, "method.neurons.shape"),
    ("neurons.data", "AAA", Reason.STRING_INVALID, "method.neurons.data"),
    ("neurons.data", "", Reason.TYPE_WRONG, "method.neurons"),
    ("representations.0.name", 5, Reason.TYPE_WRONG, f"{FIRST}.name"),
    ("representations.0.constants_to", -1, Reason.NUMBER_INVALID, f"{FIRST}.constants_to"),
    ("representations.0.signs", None, Reason.TYPE_WRONG, f"{FIRST}.signs"),
    ("representations.0.positions", None, Reason.TYPE_WRONG, f"{FIRST}.positions"),
    ("representations.0.left", None, Reason.TYPE_WRONG, f"{FIRST}.left"),
    ("representations.0.basis", write_array(np.zeros((1, 3, 3), dtype=np.int64)), Reason.TYPE_WRONG, f"{FIRST}.basis"),
    (
        "representations.0.coefficients",
        write_array(np.zeros((1, 1), dtype=np.int64)),
        Reason.TYPE_WRONG,
        f"{FIRST}.coefficients",
    ),
    (
        "representations.0.matrices",
        write_array(np.zeros((2, 3, 3), dtype=np.int64)),
        Reason.TYPE_WRONG,
        f"{FIRST}.permutations",
    ),
]


@pytest.mark.parametrize(("path", "value", "reason", "where"), BAD_FORMS)
def test_a_bad_form_is_refused_at_its_place(path: str, value: Any, reason: Reason, where: str) -> None:
    """One value replaced gives one refusal."""
    document = copy.deepcopy(write_certificate(PERMUTATIONS.section))
    place: Any = document["method"]
    *parents, last = path.split(".")
    for key in parents:
        place = place[int(key) if key.isdigit() else key]
    place[last] = value
    with pytest.raises(Refusal) as caught:
        parse_certificate(encode(document))
    assert (caught.value.reason, caught.value.where) == (reason, where)


def column(example: Example, row: int, place: int, value: int) -> dict[str, Any]:
    """The positions with one entry replaced."""
    positions = example.section.representations[0].positions
    assert positions is not None
    changed = positions.copy()
    changed[row, place] = value
    return {"positions": changed}


def zeros(*shape: int) -> Any:
    """An array of zeros."""
    return np.zeros(shape, dtype=np.int64)


@pytest.mark.parametrize(
    ("example", "changes"),
    [
        (PERMUTATIONS, {"cells": np.arange(18) - 1}),
        (PERMUTATIONS, {"cells": np.arange(18) + 1}),
        (PERMUTATIONS, {"cells": np.arange(17)}),
        (PERMUTATIONS, column(PERMUTATIONS, 4, 0, 3)),
        (PERMUTATIONS, column(PERMUTATIONS, 4, 1, -1)),
        (PERMUTATIONS, column(PERMUTATIONS, 4, 2, 0)),
        (PERMUTATIONS, column(PERMUTATIONS, 4, 2, 3)),
        (PERMUTATIONS, column(PERMUTATIONS, 4, 2, -(2**17))),
        (PERMUTATIONS, {"positions": zeros(17, 3)}),
        (PERMUTATIONS, {"left": zeros(5, 3, 3)}),
        (PERMUTATIONS, {"right": zeros(6, 2, 3)}),
        (PERMUTATIONS, {"middle": zeros(6, 2, 2)}),
        (MATRICES, {"cells": np.arange(17)}),
        (MATRICES, {"coefficients": zeros(18, 3)}),
        (MATRICES, {"basis": zeros(4, 2, 3)}),
        (MATRICES, {"basis": zeros(3, 2, 2)}),
    ],
)
def test_coefficients_that_do_not_fit_are_refused(example: Example, changes: dict[str, Any]) -> None:
    """Cells, rows and columns in range, powers of two up to 2^16 as values, shapes that agree."""
    assert refusal_of(edit_part(example, 0, **changes)) == (Reason.COEFFICIENTS_WRONG, FIRST)


def test_the_sizes_of_a_coefficient_are_powers_of_two() -> None:
    """1 and 2^16, of either sign, are accepted: V takes shifts and no product."""
    for value in (1, -1, 2**16, -(2**16)):
        changed = edit_part(PERMUTATIONS, 0, **column(PERMUTATIONS, 4, 2, value))
        assert check_both(edit(changed, cases=CASES)).by_cases > 0


@pytest.mark.parametrize(("index", "to"), [(1, 1), (1, 0), (1, 3), (2, 0), (0, 2), (0, 1)])
def test_constants_go_to_a_later_representation_of_size_one_with_their_signs(index: int, to: int) -> None:
    """Not to itself, not to one before it, not past the last, not to other signs, not to a larger one."""
    where = f"method.representations[{index}].constants_to"
    assert refusal_of(edit_part(SIGN, index, constants_to=to)) == (Reason.COEFFICIENTS_WRONG, where)


def test_constants_have_nothing_to_do_with_matrices() -> None:
    """Neither from rounded matrices nor to them."""
    plane, sign = MATRICES.section.representations[0], SIGN.section.representations[2]
    where = "method.representations[0].constants_to"
    for first, second in ((plane, sign), (sign, plane)):
        parts = (dataclasses.replace(first, constants_to=1), second)
        assert refusal_of(edit(MATRICES, representations=parts)) == (Reason.COEFFICIENTS_WRONG, where)


@pytest.mark.parametrize(
    ("example", "changes", "reason", "where"),
    [
        (PERMUTATIONS, {"neurons": PERMUTATIONS.section.neurons[1:]}, Reason.CELLS_WRONG, "method.neurons"),
        (PERMUTATIONS, {"table_bits": 21}, Reason.SCALE_TOO_FINE, "method.table_bits"),
        (PERMUTATIONS, {"table_bits": 15}, Reason.SCALE_TOO_FINE, "method.table_bits"),
        (PERMUTATIONS, {"coefficient_bits": 0, "table_bits": 13}, Reason.SCALE_TOO_FINE, "method.table_bits"),
        (PERMUTATIONS, {"unembedding_bits": 7}, Reason.SCALE_TOO_FINE, "method.table_bits"),
        (PERMUTATIONS, {"activation_bits": 32}, Reason.SCALE_TOO_FINE, "method.activation_bits"),
        (MATRICES, {"representation_bits": 25}, Reason.RESIDUALS_TOO_LARGE, FIRST),
        (PERMUTATIONS, {"cases": ExhaustiveSection(40, 40)}, None, ""),
    ],
)
def test_a_section_that_does_not_fit_is_refused(
    example: Example, changes: dict[str, Any], reason: Reason | None, where: str
) -> None:
    """Scales that leave no room; where no case is left, how cases would be evaluated is not looked at closely."""
    changed = edit(example, **changes)
    if reason is None:
        assert check_both(changed).by_argument == 36
    else:
        assert refusal_of(changed) == (reason, where)


@pytest.mark.parametrize("side", ["left", "right", "middle"])
def test_tables_that_are_too_large_are_refused(side: str) -> None:
    """Entries of 2^25 and more have squares whose sum may not fit."""
    for example in (PERMUTATIONS, MATRICES):
        table = getattr(example.section.representations[0], side).copy()
        table[0, 0, 0] = 2**25
        reason, where = refusal_of(edit_part(example, 0, **{side: table}))
        assert (reason, where) == (Reason.SCALE_TOO_FINE, "method.table_bits")


def test_a_residual_that_is_too_large_is_refused() -> None:
    """A coefficient of 2^27 at 16 binary places is 2^11, and V in units of 2^-16 passes 2^25."""
    coefficients = zeros(18, 4)
    coefficients[0, 0] = 2**27
    large = edit(edit_part(MATRICES, 0, coefficients=coefficients), activation_bits=20, unembedding_bits=8)
    assert check_both(edit(large, cases=CASES, table_bits=8)).by_cases > 0
    assert refusal_of(edit(large, table_bits=16)) == (Reason.SCALE_TOO_FINE, "method.table_bits")


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_no_section_proves_more_than_is_true(data: st.DataObject) -> None:
    """Circuits with damaged weights, sections with damaged numbers: never above the count, equal to it by cases."""
    G = data.draw(st.sampled_from([C3, S3]))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    circuit = make_circuit(G)
    damage = data.draw(st.sampled_from([0.0, 0.02, 0.1, 0.3]))
    for values in (circuit.left, circuit.right, circuit.out):
        np.add(values, damage * rng.normal(size=values.shape), out=values)
    if data.draw(st.booleans()):
        circuit.out[:, 0] += data.draw(st.sampled_from([0.05, 0.2, -0.5]))
    part, _ = make_permutation_part(G, circuit, range(18))
    for side in ("left", "right", "middle"):
        noise = data.draw(st.sampled_from([0, 0, 10, 1000]))
        table = getattr(part, side)
        part = dataclasses.replace(part, **{side: table + rng.integers(-noise, noise + 1, table.shape)})
    assert part.positions is not None
    keep = rng.random(18) < data.draw(st.sampled_from([1.0, 0.9, 0.0]))
    part = dataclasses.replace(part, cells=part.cells[keep], positions=part.positions[keep])
    section = make_section(circuit, part)
    if data.draw(st.booleans()):
        section.neurons[:, 1:] += rng.integers(-3, 4, (18, 2))
    example = Example(build_network(circuit), G, section)
    true = count_slowly(example.network, G)
    assert check_both(example).by_argument <= true
    assert agrees_with_the_textbook(example)
    evidence = check_both(edit(example, cases=ExhaustiveSection(*data.draw(st.sampled_from([(10, 10), (-3, 2)])))))
    assert evidence.by_argument + evidence.by_cases == true


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_random_sections_of_random_networks_are_sound(data: st.DataObject) -> None:
    """Networks of a few units with a strong bias, so that the argument proves some pairs, and tables of noise."""
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    m, strength = data.draw(st.integers(1, 4)), data.draw(st.sampled_from([0.0, 0.1, 1.0]))
    network = make_network(
        *(strength * rng.normal(size=shape) for shape in ((3, m), (3, m), (m, 3))), out_bias=rng.normal(size=3)
    )
    donor = data.draw(st.sampled_from(["C3 permutations", "C3 matrices", "C3 complex type"]))
    part = EXAMPLES[donor].section.representations[0]
    noise = data.draw(st.sampled_from([1, 100]))
    tables = {s: rng.integers(-noise, noise + 1, getattr(part, s).shape) for s in ("left", "right", "middle")}
    # Each cell once, in order; any of the donor's coefficients.
    cells = np.flatnonzero(rng.integers(0, 2, m))
    kept = {
        key: value[: len(cells)] for key in ("positions", "coefficients") if (value := getattr(part, key)) is not None
    }
    part = dataclasses.replace(part, cells=cells, **kept, **tables)
    neurons = np.stack([rng.integers(-1, m, m), rng.integers(1, 2048, m), rng.integers(-9, 2048, m)], axis=1)
    section = dataclasses.replace(EXAMPLES[donor].section, neurons=neurons, cells=m, representations=(part,))
    true = count_slowly(network, C3)
    for arithmetic in ("float64", "int64"):
        assert check_equivariant(network, C3, section, arithmetic).by_argument <= true
        cased = dataclasses.replace(section, cases=CASES)
        evidence = check_equivariant(network, C3, cased, arithmetic)
        assert evidence.by_argument + evidence.by_cases == true

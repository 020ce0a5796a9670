"""Circuits that are complete by method `rho-set`, and representations for the neurons that they leave."""

from __future__ import annotations

from dataclasses import dataclass, replace

from certcheck.cases import prepare_cases
from certcheck.circuits import REMAINING
from certcheck.document import RhoSetSection
from certcheck.equivariant import evaluate_argument, prepare_scan
from certcheck.evidence import Evidence, collect
from certcheck.network import take_neurons
from certcheck.rhoset import prepare_explanation, prepare_remaining
from certcheck.verdict import Refusal
from certgen.cells import fit_cells
from certgen.circuits import Found, find_circuits
from certgen.equivariant import Draft, Search, draft, explain
from certgen.model import approximate
from certgen.progress import follow
from certgen.proposal import Proposal
from certgen.rhoset import TOLERANCES, Kernels, choose, fit_kernels, gather_unembedding, round_section

# A circuit is complete if its kernel K leaves less than this part of its unembedding.
COMPLETE = 0.1


@dataclass(frozen=True, slots=True)
class Composition(Proposal):
    """A proposal with the circuits, their kernels, and the representations of the remaining neurons."""

    section: RhoSetSection
    found: Found
    kernels: list[Kernels]
    draft: Draft


def find_composition(search: Search) -> Composition | None:
    """The certificate by complete circuits and representations that proves most, and the cheapest of those; or None."""
    if not search.is_feasible:
        return None
    network, G = search.network, search.G
    found = find_circuits(network, G, TOLERANCES[-1])
    U = approximate(network.U)
    kernels = [fit_kernels(G, circuit, gather_unembedding(U, circuit))[0] for circuit in found.circuits]
    complete = [i for i, kernel in enumerate(kernels) if kernel.rest < COMPLETE]
    found, kernels = choose(found, complete), [kernels[i] for i in complete]
    if not complete or not found.loose:
        return None
    circuits = round_section(network, G, found, kernels, search.cases)
    circuits.neurons[sorted(found.loose), 0] = REMAINING
    rest = take_neurons(network, sorted(found.loose))
    problem = replace(search.begin(with_gsets=True), cases=None)
    best: Composition | None = None
    for setting in follow(search.settings, "trying compositions", len(search.settings)):
        merged = fit_cells(rest, setting.tolerance)
        if not merged.U.size:
            continue
        drafted = draft(problem, merged, explain(problem, merged, setting))
        result = _complete(search, replace(circuits, remaining=drafted.section), found, kernels, drafted)
        if result is not None and (best is None or result.rank > best.rank):
            best = result
    return best


def _complete(
    search: Search, section: RhoSetSection, found: Found, kernels: list[Kernels], drafted: Draft
) -> Composition | None:
    """The section with its error terms, evaluated by certcheck's own code; None if no scale fits it."""
    network, G = search.network, search.G
    # One fixed point for the tables of both.
    section = replace(section, table_bits=drafted.section.table_bits)
    try:
        explanation, cost, terms = prepare_explanation(network, G, section, "float64")
        argument, more, rest_terms = prepare_remaining(network, G, section, explanation, "float64")
        scan, last_terms = prepare_scan(G, argument)
        rounded = prepare_cases(network, search.cases, "float64")
        rows = follow(evaluate_argument(network, scan, rounded), "evaluating", G.order)
        evidence = collect(rows, Evidence(0, 0, cost + more))
    except Refusal:
        return None
    remaining = replace(drafted.section, error_terms=rest_terms | last_terms)
    section = replace(section, error_terms=terms, remaining=remaining)
    return Composition(section, evidence.by_argument, evidence.by_cases, evidence.cost, found, kernels, drafted)

"""What a run is about: a model, its group, and where the labels come from."""

from __future__ import annotations

from dataclasses import dataclass

from certcheck.document import GroupSection
from certcheck.group import Group, check_group
from certcheck.verdict import LABELS_IN_WORDS
from certgen.failure import quote
from certgen.group import GroupLike, find_group
from certgen.labels import find_labels, prepare_answers
from certgen.model import Model, ModelLike, load_model


@dataclass(frozen=True, slots=True)
class Source:
    """What the user gave: a model, a group, an architecture and an instance."""

    model: ModelLike
    group: GroupLike
    architecture: str | None
    instance: int | None


@dataclass(frozen=True, slots=True)
class Subject:
    """A model, its group's section and the group; how many of the model's answers were read and repaired to find it."""

    model: Model
    section: GroupSection
    G: Group
    answers_read: int
    answers_repaired: int


def load_subject(source: Source) -> Subject:
    """The model and its group. Errors: Failure (MODEL, GROUP)."""
    model = load_model(source.model, source.architecture, source.instance)
    read = repaired = 0

    def read_answers() -> Group:
        nonlocal read, repaired
        labels = find_labels(prepare_answers(model.network))
        read, repaired = labels.read, labels.repaired
        return labels.G

    section = find_group(source.group, model.network.a.shape[0], read_answers)
    return Subject(model, section, check_group(section.elements, "group.elements"), read, repaired)


def describe_subject(subject: Subject) -> list[str]:
    """Lines: the model's name, its formula, the group, and where the labels come from."""
    network, section = subject.model.network, subject.section
    n, m = network.a.shape
    tensors = ", ".join(f"{name} {t.dtype} {list(t.shape)}" for name, t in subject.model.section.tensors.items())
    words = LABELS_IN_WORDS[section.labels_from]
    if subject.answers_repaired:
        words += f"; {subject.answers_repaired:,} of {subject.answers_read:,} answers read differ and were repaired"
    return [
        f"model         {quote(subject.model.name)}: {n} labels, hidden width {m}; {tensors}",
        f"network       {network.assignment.architecture.name}: {network.assignment.formula}",
        f"group         {section.name or 'without a name'}, order {n}, on {subject.G.degree} points",
        f"labels        {words}",
    ]

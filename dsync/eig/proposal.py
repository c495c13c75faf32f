"""Proposes `[mapping]` for a form: by the labels of a known mapping, then by their similarity.

What is not sure is written as a comment, so that the section works as it is.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from dsync.domain.dossier import LAYOUT_TYPES, Descriptor
from dsync.domain.ids import DescriptorId
from dsync.domain.remedies import MIN_SIMILARITY, SURE, similarity
from dsync.domain.toml import TO_CHECK, array, commented, named
from dsync.domain.wording import folded, slug, unused
from dsync.eig.mapped_form import Field, match_in
from dsync.eig.sections import (
    EVALUATIONS,
    REPETITIONS,
    RESERVED,
    ChampTarget,
    CritereTarget,
    MappingConfig,
)

OWN_SHARE = 0.5
"""Share of the needed fields that a form of the programme has."""
_SHOWN = 3
"""Maximum number of alternatives for a field."""
_KNOWN = 100
_DATE = re.compile(r"\d{4}-\d\d-\d\d|\d\d/\d\d/\d{4}")
_UNMAPPED = frozenset({*LAYOUT_TYPES, "repetition", "piece_justificative", "titre_identite"})
"""Types of champs that are not proposed as entries of `extra`."""


@dataclass(frozen=True, slots=True)
class Proposed:
    """A field of the known mapping, with its champ in another form."""

    field: str
    target: ChampTarget
    descriptor: Descriptor | None
    """The champ that is sure; None if there is none."""
    similarity: int
    """Of its label with the known ones, in percent; 100: the label or the id is known."""
    others: tuple[tuple[int, Descriptor], ...] = ()
    """The most similar champs with their similarity, if none is sure."""


@dataclass(frozen=True, slots=True)
class MappingProposal:
    """The fields of the known mapping in a form."""

    fields: tuple[Proposed, ...]
    descriptors: Mapping[DescriptorId, Descriptor]

    @property
    def is_own(self) -> bool:
        """Whether the form is one of the programme."""
        needed = [one for one in self.fields if one.target.needed]
        return len([one for one in needed if one.descriptor]) >= OWN_SHARE * len(needed)

    @property
    def is_known(self) -> bool:
        """Whether it is the very form of the mapping: most champs that were found have its ids."""
        same = [one for one in self.fields if one.descriptor and one.descriptor.id == one.target.id]
        return len(same) > self.found / 2

    @property
    def found(self) -> int:
        """The number of fields with a sure champ."""
        return sum(one.descriptor is not None for one in self.fields)


def propose(
    config: MappingConfig, descriptors: Mapping[DescriptorId, Descriptor]
) -> MappingProposal:
    """Find the fields of a known mapping in another form, by its descriptors."""
    top = [d for d in descriptors.values() if d.parent_id is None]
    fields = _proposed(list(config.top_level()), top)
    for repetition in [one for one in fields if one.field in REPETITIONS and one.descriptor]:
        parent, is_annotation = repetition.descriptor, repetition.field == EVALUATIONS
        cells = [d for d in descriptors.values() if parent and d.parent_id == parent.id]
        columns = config.columns(repetition.field)
        fields += _proposed(
            [(f"{repetition.field}.{name}", target, is_annotation) for name, target in columns],
            cells,
        )
    return MappingProposal(tuple(fields), descriptors)


def _proposed(fields: list[Field], candidates: list[Descriptor]) -> list[Proposed]:
    matches = match_in(fields, candidates)
    by_id = {match.descriptor.id for match in matches if match.descriptor and match.is_by_id}
    labels = Counter(_label(one) for one in candidates if one.id not in by_id)
    # A label that several champs have tells none of them from the others.
    known = {
        match.field: match.descriptor
        for match in matches
        if match.descriptor
        if match.descriptor.id in by_id or labels[_label(match.descriptor)] == 1
    }
    taken = {descriptor.id for descriptor in known.values()}
    # The best pairs first: a champ goes to the field that it resembles most.
    scored = sorted(
        (
            (similarity(descriptor.libelle, target.libelles), name, descriptor)
            for name, target, is_annotation in fields
            for descriptor in candidates
            if name not in known and _may_be(name, is_annotation, descriptor, taken)
        ),
        key=lambda one: (-one[0], one[1]),
    )
    targets = {name: target for name, target, _ in fields}
    alike = Counter((name, score) for score, name, _ in scored)
    sure: dict[str, tuple[int, Descriptor]] = {}
    doubtful = set[str]()
    for score, name, descriptor in scored:
        is_same_type = targets[name].type in (None, descriptor.type)
        is_decided = name in sure or name in doubtful or descriptor.id in taken
        if score < SURE or is_decided or not is_same_type:
            continue
        # Two champs resemble the field equally: a person has to choose.
        if alike[name, score] > 1:
            doubtful.add(name)
            continue
        sure[name] = score, descriptor
        taken.add(descriptor.id)
    proposed = []
    for name, target, _ in fields:
        if name in known:
            proposed.append(Proposed(name, target, known[name], _KNOWN))
        elif name in sure:
            proposed.append(Proposed(name, target, sure[name][1], sure[name][0]))
        else:
            others = [
                (score, descriptor)
                for score, field, descriptor in scored
                if field == name and score >= MIN_SIMILARITY and descriptor.id not in taken
            ]
            proposed.append(Proposed(name, target, None, 0, tuple(others[:_SHOWN])))
    return proposed


def _label(descriptor: Descriptor) -> tuple[bool, bool, str]:
    is_layout = descriptor.type in LAYOUT_TYPES
    return is_layout, descriptor.is_annotation, folded(descriptor.libelle)


def _may_be(
    name: str, is_annotation: bool, descriptor: Descriptor, taken: Collection[DescriptorId]
) -> bool:
    return (
        descriptor.is_annotation == is_annotation
        and descriptor.id not in taken
        and descriptor.type not in LAYOUT_TYPES
        and (descriptor.type == "repetition") == (name in REPETITIONS)
    )


def mapping_text(proposal: MappingProposal, config: MappingConfig) -> str:
    """Return the proposed section as commented TOML."""
    names = {name: is_annotation for name, _, is_annotation in config.top_level()}
    top = [one for one in proposal.fields if "." not in one.field]
    lines = [
        "[mapping]",
        *_known_others(proposal, config),
    ]
    for section, is_annotation in (("champs", False), ("annotations", True)):
        lines += ["", f"[mapping.{section}]"]
        for one in top:
            if one.field not in REPETITIONS and names[one.field] == is_annotation:
                lines += _line(one.field, one)
        if not is_annotation:
            lines += _new_champs(proposal, config)
        for one in top:
            if one.field in REPETITIONS and names[one.field] == is_annotation:
                lines += ["", *_repetition(one, proposal)]
    return "\n".join(lines).rstrip() + "\n"


def foreign_text(descriptors: Iterable[Descriptor]) -> str:
    """Return what stands in place of `[mapping]` for a form that is not the programme's."""
    lines = commented(
        [
            "---- [mapping]: every champ is in lecture_champ and formulaire_<démarche> without it.",
            "Uncomment the champs whose answers shall also be in `extra` of lecture_candidature.",
            "[mapping.champs]",
        ]
    )
    return "\n".join([*lines, *_extra_lines(descriptors)]) + "\n"


def off_rules(text: str) -> str:
    """Return the shipped checks for the form of another call: off, and without its dates."""
    text, mark, declared = text.partition("[[controles]]")
    to_fill = commented(
        [
            f"{TO_CHECK} these are the checks of aap-eig7 without its dates; they judge nothing.",
            "Fill in the days, name the list of opérateurs of the deposits' year (`dsync evidence",
            "update FILE` writes it), correct profiles, phases and cases, then uncomment them;",
            "`dsync config check` and `dsync check` say what is wrong.",
        ]
    )
    declared = re.sub(r"operateurs = \[.*?\]", "operateurs = []", mark + declared)
    lines = _DATE.sub("…", declared).rstrip().splitlines()
    off = [one if one.startswith("#") else f"# {one}".rstrip() for one in lines]
    return text + "\n".join([*to_fill, *off])


def _extra_lines(descriptors: Iterable[Descriptor]) -> Iterator[str]:
    """Yield the keys, as comments, by which champs without other use become entries of `extra`."""
    names: set[str] = set()
    for descriptor in descriptors:
        is_top = descriptor.parent_id is None and not descriptor.is_annotation
        name = slug(descriptor.libelle)
        # A key of [mapping.champs] begins with a letter, and must not be taken for a field.
        if name in RESERVED or not name[:1].isalpha():
            name = f"champ_{name}"
        if not is_top or descriptor.type in _UNMAPPED:
            continue
        names.add(name := unused(name, names))
        written = array([descriptor.id, descriptor.libelle])
        yield from commented([f"{name} = {written} # {descriptor.type}"])


def _line(name: str, one: Proposed) -> Iterator[str]:
    """Yield the key of a field; as comments, with its alternatives, if no champ is sure."""
    known = " or ".join(map(named, one.target.libelles))
    if one.descriptor is not None:
        if one.similarity < _KNOWN:
            yield f"# {TO_CHECK} {one.similarity} % similar to {known}"
        yield f"{name} = {_value(one.target, one.descriptor)}"
    elif not one.others:
        yield from commented([f"{TO_CHECK} nothing resembles {known}, so {name} is left out."])
    else:
        yield from commented([f"{TO_CHECK} nothing is surely {known}; uncomment the right line."])
        for score, descriptor in one.others:
            written = f"{name} = {_value(one.target, descriptor)}"
            yield from commented([f"{written} # {score} %: {descriptor.type}"])


def _value(target: ChampTarget, descriptor: Descriptor) -> str:
    """Return a champ as it is written: its id, the form's label, then the known ones."""
    labels = {folded(libelle): libelle for libelle in (descriptor.libelle, *target.libelles)}
    return array([descriptor.id, *labels.values()])


def _repetition(one: Proposed, proposal: MappingProposal) -> Iterator[str]:
    """Yield the table of a repetition: its columns and its criteria."""
    cells = [cell for cell in proposal.fields if cell.field.startswith(f"{one.field}.")]
    lines = [f"[mapping.{one.field}]", *_line("repetition", one)]
    if one.descriptor is None:
        yield from (line if line.startswith("#") else f"# {line}" for line in lines)
        return
    yield from lines
    criteria = [cell for cell in cells if isinstance(cell.target, CritereTarget)]
    for cell in cells:
        if cell not in criteria:
            yield from _line(cell.field.partition(".")[2], cell)
    if not criteria:
        return
    yield ""
    yield "# The criteria, any number of them, by their names in the views."
    yield f"[mapping.{one.field}.criteres]"
    for cell in criteria:
        yield from _line(cell.field.rpartition(".")[2], cell)
    used = {cell.descriptor.id for cell in cells if cell.descriptor}
    # Shown as an alternative already.
    used |= {descriptor.id for cell in cells for _, descriptor in cell.others}
    for descriptor in proposal.descriptors.values():
        is_mark = descriptor.type in ("integer_number", "decimal_number")
        if descriptor.parent_id == one.descriptor.id and is_mark and descriptor.id not in used:
            name = slug(descriptor.libelle)
            name = name if name[:1].isalpha() else f"critere_{name}"
            yield f"# {TO_CHECK} a criterion that is new?"
            yield from commented([f"{name} = {array([descriptor.id, descriptor.libelle])}"])


def _left(proposal: MappingProposal) -> list[Descriptor]:
    """Return the champs of the form that no field uses."""
    used = {one.descriptor.id for one in proposal.fields if one.descriptor}
    left = [d for d in proposal.descriptors.values() if d.id not in used]
    return [d for d in left if d.parent_id is None and not d.is_annotation]


def _known_in(
    proposal: MappingProposal, config: MappingConfig
) -> list[tuple[ChampTarget, Descriptor]]:
    """Return the descriptors without a field that the known mapping names."""
    fields = [(str(i), target, False) for i, target in enumerate(config.autres)]
    found = match_in(fields, _left(proposal))
    return [(one.target, one.descriptor) for one in found if one.descriptor]


def _known_others(proposal: MappingProposal, config: MappingConfig) -> Iterator[str]:
    if found := _known_in(proposal, config):
        yield "# Descriptors without a field, which are not reported as new."
        yield f"autres = [{', '.join(_value(*one) for one in found)}]"


def _new_champs(proposal: MappingProposal, config: MappingConfig) -> Iterator[str]:
    mentioned = {descriptor.id for _, descriptor in _known_in(proposal, config)}
    extra = [*_extra_lines(d for d in _left(proposal) if d.id not in mentioned)]
    if extra:
        yield "# Champs that no field uses; uncomment those whose answers shall be in `extra`."
        yield from extra

"""Proposes `[mapping]` for a form: by the labels of a known mapping, then by their similarity.

What is not sure is written as a comment, so that the section works as it is.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count

from dsync.domain.dossier import LAYOUT_TYPES, Descriptor, folded, slug
from dsync.domain.ids import DescriptorId
from dsync.domain.nearest import MIN_SIMILARITY, SURE, similarity
from dsync.domain.toml_text import TO_CHECK, array, commented, named, quoted
from dsync.eig.mapping.form import Field, MatchStatus, match_in
from dsync.eig.mapping.mapping_section import (
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
class Proposal:
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


def propose(config: MappingConfig, descriptors: Mapping[DescriptorId, Descriptor]) -> Proposal:
    """Find the fields of a mapping in another form.

    Args:
        config: the known mapping.
        descriptors: of the form, by id.
    """
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
    return Proposal(tuple(fields), descriptors)


def _proposed(fields: list[Field], candidates: list[Descriptor]) -> list[Proposed]:
    matches = match_in(fields, candidates)
    by_id = {m.descriptor.id for m in matches if m.descriptor and m.status is MatchStatus.BY_ID}
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


def mapping_text(proposal: Proposal, config: MappingConfig) -> str:
    """Return the proposed section as commented TOML.

    Args:
        proposal: of `propose`.
        config: the known mapping.
    """
    lines: list[str] = []
    columns = {one.field for one in proposal.fields if "." in one.field}
    names = {name: is_annotation for name, _, is_annotation in config.top_level()}
    for one in proposal.fields:
        if one.field in columns:
            continue
        section = one.field
        if section not in REPETITIONS:
            section = f"{'annotations' if names[section] else 'champs'}.{section}"
        lines += _table(f"mapping.{section}", one)
        if one.descriptor and one.field in REPETITIONS:
            cells = [cell for cell in proposal.fields if cell.field.startswith(f"{one.field}.")]
            lines += _columns(cells, proposal, one.descriptor)
        lines.append("")
    lines += _others(proposal, config)
    return "\n".join(lines).rstrip() + "\n"


def foreign_text(descriptors: Iterable[Descriptor]) -> str:
    """Return what stands in place of `[mapping]` for a form that is not the programme's.

    Args:
        descriptors: of the form.
    """
    lines = commented(
        [
            "---- [mapping]: every champ is in lecture_champ and formulaire_<démarche> without it.",
            "Uncomment the champs whose answers shall also be in `extra` of lecture_candidature.",
        ]
    )
    return "\n".join([*lines, _extra_text(descriptors)])


def off_rules(text: str) -> str:
    """Return the shipped `[regles]` for the form of another call: switched off, without its dates.

    Args:
        text: of the section and its tables.
    """
    to_fill = commented(
        [
            f"{TO_CHECK} these are the rules of aap-eig7 without its dates, so they judge nothing.",
            "Fill in the window and the list of opérateurs, correct profiles, phases and cases,",
            "then set enabled = true; `dsync config check` and `dsync check` say what is wrong.",
        ]
    )
    changes = (
        (r"^\[regles\]$", "\n".join([*to_fill, "[regles]"])),
        (r"^enabled = true$", "enabled = false"),
        (
            r"^operateurs = .*$",
            f"# {TO_CHECK} name the list of the year of the deposits (`dsync evidence update FILE`"
            " writes it).\noperateurs = []",
        ),
        (
            r"^\[regles\.window\]\n(.* = ).*\n(.* = ).*$",
            f"# {TO_CHECK} uncomment, with the dates of this call.\n"
            r"# [regles.window]\n# \1…\n# \2…",
        ),
        (r"^(offered_\w+ = ).*$", f"# {TO_CHECK} from when, if not from the start? # \\1…"),
    )
    for pattern, new in changes:
        text = re.sub(pattern, new, text, flags=re.MULTILINE)
    return text


def _extra_text(descriptors: Iterable[Descriptor]) -> str:
    """Return the tables, as comments, by which champs become entries of `extra`.

    Args:
        descriptors: those without another use.
    """
    lines: list[str] = []
    names: set[str] = set()
    for descriptor in descriptors:
        is_top = descriptor.parent_id is None and not descriptor.is_annotation
        name = slug(descriptor.libelle)
        # A key of [mapping.champs] begins with a letter, and must not be taken for a field.
        if name in RESERVED or not name[:1].isalpha():
            name = f"champ_{name}"
        if not is_top or descriptor.type in _UNMAPPED:
            continue
        name = next(one for one in _numbered(name) if one not in names)
        names.add(name)
        lines += commented(
            [
                f"[mapping.champs.{name}]",
                f"id = {quoted(descriptor.id)} # {named(descriptor.libelle)}, {descriptor.type}",
                f"libelles = {array([descriptor.libelle])}",
            ]
        )
    return "\n".join(lines) + "\n" if lines else ""


def _numbered(name: str) -> Iterator[str]:
    """Yield `name`, `name_2`, `name_3` and so on."""
    yield name
    yield from (f"{name.rstrip('_')}_{rank}" for rank in count(2))


def _table(section: str, one: Proposed) -> list[str]:
    """Return the table of a field; as a comment, with its alternatives, if no champ is sure."""
    known = " or ".join(map(named, one.target.libelles))
    if one.descriptor is not None:
        note = []
        if one.similarity < _KNOWN:
            note = commented([f"{TO_CHECK} {one.similarity} % similar to {known}"])
        values = [f"{key} = {value}" for key, value in _values(one.target, one.descriptor)]
        return [f"[{section}]", *note, *values]
    if not one.others:
        return commented([f"{TO_CHECK} no champ resembles {known}, so [{section}] is left out."])
    return commented(
        [
            f"{TO_CHECK} no champ is surely {known}; uncomment the table with the right id.",
            f"[{section}]",
            *(
                f"id = {quoted(d.id)} # {score} %: {named(d.libelle)}, {d.type}"
                for score, d in one.others
            ),
            *(["needed = true"] if one.target.needed else []),
        ]
    )


def _values(target: ChampTarget, descriptor: Descriptor) -> Iterator[tuple[str, str]]:
    """Yield the keys of a target with their values: the form's label, then the known ones."""
    labels = {folded(libelle): libelle for libelle in (descriptor.libelle, *target.libelles)}
    if isinstance(target, CritereTarget):
        yield "critere", quoted(target.critere)
    yield "id", quoted(descriptor.id)
    yield "libelles", array(labels.values())
    yield "type", quoted(descriptor.type)
    if target.needed:
        yield "needed", "true"


def _inline(target: ChampTarget, descriptor: Descriptor) -> str:
    values = ", ".join(f"{key} = {value}" for key, value in _values(target, descriptor))
    return f"{{ {values} }}"


def _columns(
    cells: Sequence[Proposed], proposal: Proposal, repetition: Descriptor
) -> Iterator[str]:
    """Yield the lines of a repetition's columns, and of its criteria."""
    criteria = [cell for cell in cells if isinstance(cell.target, CritereTarget)]
    for cell in cells:
        if cell not in criteria:
            yield from _column(f"{cell.field.partition('.')[2]} = {{}}", cell)
    if not criteria:
        return
    yield "# The criteria, any number of them; `critere` is the name in the views."
    yield "criteres = ["
    for cell in criteria:
        yield from (f"  {line}" for line in _column("{},", cell))
    used = {cell.descriptor.id for cell in cells if cell.descriptor}
    # Shown as an alternative already.
    used |= {descriptor.id for cell in cells for _, descriptor in cell.others}
    for descriptor in proposal.descriptors.values():
        is_mark = descriptor.type in ("integer_number", "decimal_number")
        if descriptor.parent_id == repetition.id and is_mark and descriptor.id not in used:
            name = slug(descriptor.libelle)
            name = name if name[:1].isalpha() else f"critere_{name}"
            new = CritereTarget(critere=name, id=descriptor.id)
            yield f"  # {TO_CHECK} a criterion that is new?"
            yield f"  # {_inline(new, descriptor)},"
    yield "]"


def _column(form: str, cell: Proposed) -> Iterator[str]:
    if cell.descriptor is not None:
        if cell.similarity < _KNOWN:
            yield f"# {TO_CHECK} {cell.similarity} % similar to {named(cell.target.libelles[0])}"
        yield form.replace("{}", _inline(cell.target, cell.descriptor))
        return
    if not cell.others:
        known = " or ".join(map(named, cell.target.libelles))
        yield f"# {TO_CHECK} no column resembles {known}."
    for score, descriptor in cell.others:
        line = form.replace("{}", _inline(cell.target, descriptor))
        yield f"# {TO_CHECK} {line} # {score} %"


def _others(proposal: Proposal, config: MappingConfig) -> Iterator[str]:
    """Yield the tables of the descriptors without a field: known ones, and comments on others."""
    used = {one.descriptor.id for one in proposal.fields if one.descriptor}
    left = [d for d in proposal.descriptors.values() if d.id not in used]
    champs = [d for d in left if d.parent_id is None and not d.is_annotation]
    known = match_in([(str(i), t, False) for i, t in enumerate(config.autres)], champs)
    mentioned = set()
    found = [match for match in known if match.descriptor]
    if found:
        yield "# Descriptors without a field, which are not reported as new."
    for match in found:
        if match.descriptor:
            mentioned.add(match.descriptor.id)
            yield "[[mapping.autres]]"
            yield from (f"{k} = {v}" for k, v in _values(match.target, match.descriptor))
            yield ""
    if extra := _extra_text(d for d in champs if d.id not in mentioned):
        yield "# Champs that no field uses; uncomment those whose answers shall be in `extra`."
        yield extra

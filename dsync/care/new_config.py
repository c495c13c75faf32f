"""Writes the first configuration file of a démarche, from its form and labels in DS.

What a person has to decide is a comment, so that the file works as it is: nothing is written into
DS until the annotations are there and an instructeur is chosen.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from dsync.annotations.targets import (
    ACCEPTED_TYPES,
    AnnotationsConfig,
    AnnotationTarget,
    lacking_options,
    resolve,
)
from dsync.domain.dossier import Demarche, Descriptor, Revision
from dsync.domain.remedies import MIN_SIMILARITY, SURE, no_instructeur, similarity
from dsync.domain.toml import (
    TO_CHECK,
    array,
    commented,
    inline,
    named,
    parts_of,
    quoted,
)
from dsync.domain.wording import one_line
from dsync.programme import ProposedSections

MADE = ("demarche", "annotations", "mapping", "precontrole", "registre")
"""The parts of the shipped file that are not taken as they are."""


@dataclass(frozen=True, slots=True)
class NewConfig:
    """A file to write, and the remarks to print about it."""

    text: str
    sentence: str
    """What it makes dsync do."""
    to_check: int
    """The number of places that a person has to look at."""


def new_config(
    demarche: Demarche,
    revision: Revision,
    sections: ProposedSections,
    template: str,
    annotations: AnnotationsConfig,
    url: str,
    known: str | None,
) -> NewConfig:
    """Return the first file of a démarche; `revision` is its active one.

    `template` is the shipped file, `annotations` its section; `url` is the address of DS's API;
    `known` is the instructeur that is configured already, by id or e-mail.
    """
    parts = parts_of(template)
    instructeur = known if demarche.instructeur_id(known) else None
    lines = [
        f"# Démarche {demarche.number} {named(demarche.titre)}: what dsync reads, checks and "
        "writes there.",
        "# Made by `dsync config init`. Each place to look at is marked with",
        f"# {TO_CHECK.removesuffix(':')}; `dsync config check` and `dsync check` list problems.",
        "",
        *_access(demarche, template, url, known, instructeur),
        *_after(parts["demarche"], "contact = "),
        *(part.rstrip() + "\n" for name, part in parts.items() if name not in MADE),
    ]
    writes = False
    if sections.is_own:
        own = list(_annotations(demarche, revision, annotations))
        missing = [line for line in own if line.startswith(f"# {TO_CHECK}")]
        writes = not missing and instructeur is not None
        lines += [_heading(parts["annotations"])]
        if instructeur is None:
            lines += commented(
                [
                    f"{TO_CHECK} nothing is written into DS yet. Choose `instructeur` in [ds],",
                    "then uncomment this section.",
                ]
            )
        lines += [one if writes or one[:1] in ("", "#") else f"# {one}" for one in own]
    else:
        lines += commented(
            [
                "---- No [annotations], [[controles]]: the form is not the programme's, so its",
                "dossiers are copied, and nothing is judged or written into DS.",
            ]
        )
    text = "\n".join([*lines, "", sections.text.rstrip()]) + "\n"
    subject = f"démarche {demarche.number} {named(demarche.titre)}"
    if not sections.is_own:
        sentence = f"a copy of {subject}; nothing is judged or written into DS."
    elif not sections.judges:
        found = f"{sections.found} of {sections.fields} fields found"
        sentence = (
            f"a copy of {subject}, {found}; nothing is judged until [[controles]] are filled in "
            "and switched on."
        )
    else:
        done = "judged and the results written into DS" if writes else "judged, nothing is written"
        found = f"{sections.found} of {sections.fields} fields found"
        sentence = f"{subject}, {found}; its dossiers are {done}."
    if known and not instructeur and sections.is_own:
        sentence += f" {no_instructeur(demarche, known)}"
        sentence += "" if sentence.endswith("?") else "."
    return NewConfig(text, sentence, text.count(TO_CHECK))


def _access(
    demarche: Demarche, template: str, url: str, known: str | None, instructeur: str | None
) -> Iterator[str]:
    """Yield the sections `[demarche]` and `[ds]`, up to `contact`."""
    yield "[demarche]"
    yield f"number = {demarche.number}"
    yield "# A short name of the call, by which views tell it from others in the same database:"
    yield '# appel = "…"'
    yield ""
    yield "[ds]"
    yield f"url = {quoted(url)}"
    yield "# Who writes annotations and labels, one of the instructeurs by groupe:"
    groupes: dict[str, list[str]] = defaultdict(list)
    for one in demarche.instructeurs:
        groupes[one.groupe].append(one.email or one.id)
    for groupe, emails in groupes.items():
        yield f"#   {named(groupe)}: {one_line(', '.join(sorted(emails)))}"
    if known and not instructeur:
        yield f"# {TO_CHECK} {one_line(no_instructeur(demarche, known))}"
    yield f"instructeur = {quoted(instructeur)}" if instructeur else '# instructeur = "…"'
    yield f"# {TO_CHECK} address of the person in charge; sent in User-Agent."
    found = re.search(r"^contact = .*$", template, re.M)
    yield found[0] if found else 'contact = "…"'


def _after(part: str, beginning: str) -> list[str]:
    """Return the lines of a part that follow the line with this beginning."""
    lines = part.rstrip().split("\n")
    place = next(i for i, line in enumerate(lines) if line.startswith(beginning))
    return [*lines[place + 1 :], ""]


def _heading(part: str) -> str:
    """Return the comment at the beginning of a part."""
    lines = part.split("\n")
    return "\n".join(lines[: next(i for i, line in enumerate(lines) if not line.startswith("#"))])


def _annotations(demarche: Demarche, revision: Revision, known: AnnotationsConfig) -> Iterator[str]:
    """Yield the lines of `[annotations]`; a marked one for each thing to be made on DS."""
    resolved = resolve(known, revision.descriptors.values())
    found: dict[str, Descriptor | None] = {name: getattr(resolved, name) for name in ACCEPTED_TYPES}
    options = known.options
    yield "[annotations]"
    for name, descriptor in found.items():
        target: AnnotationTarget | None = getattr(known, name)
        if target is None:
            continue
        label = target.libelles[0] if target.libelles else name
        taken = {one.id for other, one in found.items() if one and other != name}
        similar = _similar(name, target, revision, taken)
        shares = [share for share, _ in similar]
        # A label that several annotations have tells none of them from the others.
        is_alone = shares.count(shares[0]) == 1 if shares else False
        if descriptor is not None and descriptor.id != target.id and not is_alone:
            found[name] = descriptor = None
        if descriptor is None:
            if is_alone and shares[0] >= SURE:
                share, descriptor = similar[0]
                found[name] = descriptor
                yield f"# {TO_CHECK} {share} % similar to {named(label)}"
            elif similar:
                yield f"# {TO_CHECK} is {named(label)} one of these? Then give its id; else"
                for share, one in similar:
                    yield f"#   id = {quoted(one.id)} # {share} %: {named(one.libelle)}, {one.type}"
        if descriptor is None and name != "validation":
            yield f"# {TO_CHECK} make the annotation privée {named(label)} on DS, of the type " + (
                f"{ACCEPTED_TYPES[name][0]}, and give its id."
            )
        if name == "validation" and descriptor is None:
            yield f"# {named(label)}, a checkbox, is not in the form: no box stops the pushes."
            continue
        lacking = lacking_options(known, descriptor) if descriptor and name == "resultat" else []
        if lacking:
            yield f"# {TO_CHECK} add the options {', '.join(map(named, lacking))} to it on DS."
        found_as = [descriptor.id, descriptor.libelle] if descriptor else ["…", label]
        yield f"{name} = {array(found_as)}"
        if name == "resultat":
            yield f"options = {inline(options.model_dump(exclude_none=True))}"
    if known.labels is None:
        return
    missing = [name for name in known.labels.all() if name not in demarche.labels]
    if missing:
        names = ", ".join(map(named, missing))
        yield f"# To have labels too, make {names} on DS and uncomment this line."
    line = f"labels = {inline(known.labels.model_dump(exclude_none=True))}"
    yield from commented([line]) if missing else [line]
    yield ""


def _similar(
    name: str, target: AnnotationTarget, revision: Revision, taken: Collection[str]
) -> list[tuple[int, Descriptor]]:
    """Return the annotations that may be the wanted one, the most similar first."""
    scored = [
        (similarity(one.libelle, target.libelles), one)
        for one in revision.descriptors.values()
        if one.is_annotation and not one.parent_id and one.type in ACCEPTED_TYPES[name]
        if one.id not in taken
    ]
    found = [pair for pair in scored if pair[0] >= MIN_SIMILARITY]
    # By the share alone: descriptors have no order. More than three would hide the likely one.
    return sorted(found, key=lambda pair: -pair[0])[:3]

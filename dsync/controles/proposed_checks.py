"""The declarations that `dsync config init` proposes for any form, all of them comments."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from dsync.annotations.targets import ACCEPTED_TYPES, DATE, DETAIL, RESULTAT
from dsync.controles.declarations import Type
from dsync.controles.facts import FAITS, OF_DS
from dsync.controles.notations import fold_text
from dsync.domain.dossier import LAYOUT_TYPES, PARIS, Demarche, Descriptor, Revision
from dsync.domain.toml import TO_CHECK, array, commented, inline, named, quoted
from dsync.domain.verdict import MOST_CHECKS, Verdict
from dsync.domain.wording import slug, unused

_LEFT_OUT = LAYOUT_TYPES | {"carte"}
_FORMATS = {
    "iban": re.compile(r"\biban\b", re.I),
    "siret": re.compile(r"\bsiret\b", re.I),
    "rna": re.compile(r"\brna\b", re.I),
    "nir": re.compile(r"\bnir\b|sécurité sociale", re.I),
}
_WORDS = {
    "eligible": (Verdict.ELIGIBLE, Verdict.RIEN_A_SIGNALER),
    "rien_a_signaler": (Verdict.RIEN_A_SIGNALER,),
    "a_verifier": (Verdict.A_VERIFIER,),
    "ineligible": (Verdict.INELIGIBLE,),
}
"""The words for which an option is taken, the best one first."""
_MANY = 30
"""Options that are shown at most."""


def proposed(demarche: Demarche, revision: Revision) -> str:
    """Return `[annotations]`, `[champs]` and `[[controles]]` for a form, as comments."""
    known = [d for d in revision.descriptors.values() if not d.is_annotation]
    top = [d for d in known if d.parent_id is None and d.type not in _LEFT_OUT]
    names = _names(top)
    lines = [*_annotations(revision), "[champs]"]
    for d in top:
        columns = [c for c in known if c.parent_id == d.id and c.type not in _LEFT_OUT]
        type_ = OF_DS.get(d.type, Type.TEXTE)
        # Rows without a column cannot be declared.
        if type_ is not Type.LIGNES or columns:
            lines.append(_champ(names[d.id], d, type_, columns))
    checks = [*_window(demarche), *_formats(top, names), *_present(top, names)]
    for check in checks[:MOST_CHECKS]:
        lines += ["", *check]
    head = (
        "---- [annotations], [champs], [[controles]]: checks that you declare, in French:",
        "docs/fr/controles.md. Each proposal gives « à vérifier » at most; nothing is judged until",
        "you uncomment [champs] and a check, and nothing is written into DS without [annotations].",
        f"{TO_CHECK} the rule of each check, and what is not asked here.",
    )
    return "\n".join([*commented(head), *commented(lines)]) + "\n"


def _annotations(revision: Revision) -> Iterator[str]:
    """Propose where results are written: of each usual type, the form's first annotation."""
    top = [d for d in revision.descriptors.values() if d.is_annotation and d.parent_id is None]
    yield "[annotations]"
    for name in (RESULTAT, DETAIL, DATE):
        type_ = ACCEPTED_TYPES[name][0]
        found = [d for d in top if d.type == type_]
        if not found:
            yield f"# {TO_CHECK} make an annotation privée of the type {type_}, for {name}."
        for rank, d in enumerate(found):
            other = "# Or: " if rank else ""
            yield f"{other}{name} = {array([d.id, d.libelle])}"
            if name == RESULTAT:
                words, lacking = _options(d)
                if lacking:
                    listed = array((d.options or ())[:_MANY])
                    wanted = ", ".join(lacking)
                    yield f"# {TO_CHECK} the list in DS has {listed}: give {wanted} a word of it."
                yield f"{other}options = {inline(words)}"
    yield ""


def _options(d: Descriptor) -> tuple[dict[str, str], list[str]]:
    """Return the word for each result, and the results for which a list has none."""
    listed = {fold_text(option): option for option in d.options or ()}
    takes_each = d.options is None or d.other_option
    words: dict[str, str] = {}
    lacking: list[str] = []
    for key, named_so in _WORDS.items():
        found = [listed[word] for one in named_so if (word := fold_text(one)) in listed]
        if found and found[0] not in words.values():
            words[key] = found[0]
        elif key != "rien_a_signaler":
            words[key] = named_so[-1].value
            lacking += [] if takes_each else [key]
    return words, lacking


def _names(top: Iterable[Descriptor]) -> dict[str, str]:
    names: dict[str, str] = {}
    for d in top:
        name = slug(d.libelle)[:32].strip("_")
        # One of a fact would take its place.
        if name in FAITS or not name[:1].isalpha():
            name = f"champ_{name}".rstrip("_")
        names[d.id] = unused(name, set(names.values()))
    return names


def _champ(name: str, d: Descriptor, type_: Type, columns: Iterable[Descriptor]) -> str:
    inner = _names(columns) if type_ is Type.LIGNES else {}
    cells = ", ".join(f"{key} = {quoted(id_)}" for id_, key in inner.items())
    more = f", colonnes = {{ {cells} }}" if cells else ""
    given = f"id = {quoted(d.id)}, libelles = {array([d.libelle])}, type = {quoted(type_)}"
    return f"{name} = {{ {given}{more} }}"


def _check(nom: str, titre: str, exige: str, motif: str) -> list[str]:
    values = {
        "nom": nom,
        "titre": titre,
        "motif": motif,
        "regle": "Règle (texte et article à citer) : à compléter.",
        "a_faire": "demander à l’usager de compléter ou de corriger cette réponse.",
    }
    lines = [f"{key} = {quoted(value)}" for key, value in values.items()]
    return ["[[controles]]", *lines[:2], f"exige = {exige}", 'sinon = "a_verifier"', *lines[2:]]


def _window(demarche: Demarche) -> Iterator[list[str]]:
    if demarche.published_at is not None:
        first = demarche.published_at.astimezone(PARIS).date()
        exige = f'{{ champ = "depot", au_moins = {first} }}'
        yield _check("periode", "période de dépôt", exige, "Dossier déposé le {depot}.")


def _formats(top: Iterable[Descriptor], names: Mapping[str, str]) -> Iterator[list[str]]:
    for d in top:
        if d.type not in ("text", "iban"):
            continue
        for format_, pattern in _FORMATS.items():
            if pattern.search(d.libelle):
                name = names[d.id]
                exige = f'{{ champ = "{name}", format = "{format_}" }}'
                titre = f"forme de {named(d.libelle)}"
                yield _check(f"forme_{name}", titre, exige, "La réponse n’a pas la forme attendue.")


def _present(top: Iterable[Descriptor], names: Mapping[str, str]) -> Iterator[list[str]]:
    for d in top:
        if d.required and d.type != "repetition":
            name = names[d.id]
            exige = f'{{ champ = "{name}", present = true }}'
            yield _check(f"reponse_{name}", named(d.libelle), exige, "Réponse attendue.")

"""Tells which facts of a dossier changed although no date that DS moves with them did.

A question that the checks use and that a new revision of the form no longer has is such a change,
too. What is not believed is replaced by what the copy has, so that nothing sees it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from msgspec.structs import replace

from dsync.domain.consent import Asked, Move, counted, digest_of
from dsync.domain.dossier import (
    LAYOUT_TYPES,
    NOT_RENDERED,
    Champ,
    Demandeur,
    Descriptor,
    Dossier,
    Json,
    cell_key,
)
from dsync.domain.ids import DescriptorId, DossierNumber
from dsync.domain.json_bytes import json_bytes

_KEPT = {
    # The date stays, too: what is right later then comes with a newer one than the copy's.
    "champs": ("champs", "date_derniere_modification_champs", "revision_id"),
    "demandeur": ("demandeur",),
    "depot": ("date_depot",),
    "etat": (
        "etat",
        "traitements",
        "motivation",
        "date_passage_en_construction",
        "date_passage_en_instruction",
        "date_traitement",
    ),
}
"""The fields of `Dossier` that stay as they are known, by what is in doubt."""
_ANSWERED = "renseignée"
_BLANK = ("absente", "vide")
_BY_INSTRUCTEUR = "depose_correction_instructeur"
_SAFE = "safe"
_NAMES = frozenset({"name", "cityName", "departmentName", "regionName", "postalCode", "title"})
"""Keys of values that DS takes from outside, and renews without a date."""
_OUTSIDE = _NAMES | {"entreprise", "montantEngage", "montantPaye"}
_ACCOUNT = "email"
"""Of a person: the account can be renamed."""
_WORDS = {
    "siret": "SIRET",
    "siren": "SIREN",
    "raisonSociale": "Raison sociale",
    "formeJuridique": "Forme juridique",
    "formeJuridiqueCode": "Code de forme juridique",
    "etatAdministratif": "État administratif",
}


class ShownDifference(NamedTuple):
    """A fact that differs from the copy; the words are shown to people, who see no value."""

    part: str
    """A key of `_KEPT`."""
    name: str
    what: str
    before: str
    after: str
    value: Json
    """What DS gives now."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """What is not believed of a dossier."""

    differences: tuple[ShownDifference, ...]
    is_of_form: bool = False
    """Whether the form has lost a question: it then waits, also in a single dossier."""
    is_bare: bool = False
    """Whether a dossier came without any of its answers: no edit does that, so it waits, too."""

    @property
    def digest(self) -> str:
        """Tells whether the same is found again."""
        found = sorted((one.part, one.name, json_bytes(one.value)) for one in self.differences)
        return digest_of(repr(found))

    @property
    def changes(self) -> Iterator[tuple[str, str, str]]:
        """Each kind of change once: what, before and after, in French."""
        yield from dict.fromkeys((one.what, one.before, one.after) for one in self.differences)


@dataclass(frozen=True, slots=True)
class Forms:
    """The forms of a dossier, as in the copy and as DS shows it; the same without a revision."""

    known: Mapping[DescriptorId, Descriptor]
    shown: Mapping[DescriptorId, Descriptor]
    questions: frozenset[DescriptorId] = frozenset()
    """Ids of the champs in `known` that the programme reads."""
    is_other: bool = False
    """Whether these are two revisions."""

    @property
    def lost(self) -> list[DescriptorId]:
        """The questions that DS's form does not have."""
        return sorted(self.questions - self.shown.keys()) if self.is_other else []

    def is_ordinary(self, id_: DescriptorId, *, is_absent: bool) -> bool:
        """Return whether a revision explains that a champ has gone, or has another value."""
        if not self.is_other or (id_ in self.questions and id_ in self.shown):
            return False
        if is_absent or id_ not in self.shown:
            return True
        known = self.known.get(id_)
        return known is not None and known.type != self.shown[id_].type

    def libelle(self, id_: DescriptorId, champ: Champ) -> str:
        """Return how people know a champ."""
        found = self.known.get(id_) or self.shown.get(id_)
        return found.libelle if found else champ.libelle or id_


@dataclass(slots=True)
class Doubts:
    """What a run does not believe, and what a person was asked about it before."""

    asked: Asked | None = None
    """What waited when the run began, or what a person consented to."""
    found: dict[DossierNumber, Doubt] = field(default_factory=dict)
    """What was kept out of the copy, by dossier."""
    believed: dict[DossierNumber, str] = field(default_factory=dict)
    """The digests of what is stored all the same."""
    right: set[DossierNumber] = field(default_factory=set)
    """Of those that waited: the dossiers that this run read, and of which nothing is in doubt."""
    since: datetime | None = None
    """Until when all changes were read before this run; None: that is not known."""
    unread: frozenset[DossierNumber] = frozenset()
    """Those of which changes were not read, because they were in quarantine."""
    untold: set[DossierNumber] = field(default_factory=set)
    """New dossiers that were not copied, because they came with what is in doubt."""
    is_settling: bool = False
    """Whether few dossiers are read again by their numbers."""
    known: int = 0
    """The number of dossiers read so far that are in the copy."""
    emptied: set[DossierNumber] = field(default_factory=set)
    """Those read so far of which an edit empties answers, and does nothing else."""
    lately: dict[DossierNumber, datetime] = field(default_factory=dict)
    """Dossiers of which an unexplained change was believed in the last days, and when."""

    @property
    def subjects(self) -> Mapping[str, str]:
        """What waited when the run began, by dossier, or was consented to."""
        return self.asked.proposal.subjects if self.asked else {}

    @property
    def odd(self) -> int:
        """The number of dossiers of which no revision explains the change."""
        return sum(not doubt.is_of_form for doubt in self.found.values())


def moves_of(doubts: Iterable[Doubt]) -> tuple[Move, ...]:
    """Return the table of a proposal: how many dossiers have which change."""
    rows = [change for doubt in doubts for change in doubt.changes]
    whats = dict.fromkeys(what for what, _, _ in rows)
    tables = [counted(w, [(b, a) for what, b, a in rows if what == w]) for w in whats]
    return tuple(sorted((one for table in tables for one in table), key=lambda one: -one.dossiers))


def doubt_of(
    shown: Dossier,
    known: Dossier,
    forms: Forms,
    unread: frozenset[str] = frozenset(),
    *,
    since: datetime | None = None,
    every: bool = False,
) -> Doubt | None:
    """Return what of a dossier is not to be believed at once; None: everything is.

    `unread` are the names of the parts that DS could not render, or that the copy has never read.
    A date until `since` is no news: what changed until then was read (None: any date is news). With
    `every`, DS's dates count for nothing, because they came with much that is in doubt.
    """
    lost = forms.lost
    found = [
        ShownDifference(
            "champs",
            id_,
            f"Question « {forms.known[id_].libelle} »",
            "dans le formulaire",
            "retirée du formulaire",
            None,
        )
        for id_ in lost
    ]
    dates = _Dates(shown, known, since, every)
    # Without a single champ, no edit explains it: a form has at least one that is always shown.
    has_answers = _cells(shown.champs, forms.shown) or not _cells(known.champs, forms.known)
    if not (dates.tell_an_edit and has_answers):
        found += _answers_differ(shown, known, forms, unread)
    if not unread & {"demandeur"}:
        may_move = known.demandeur.genre == "personne_physique" and dates.are_later
        found += [] if may_move else _applicants_differ(shown.demandeur, known.demandeur)
    if shown.date_depot != known.date_depot:
        date = shown.date_depot.isoformat()
        found.append(ShownDifference("depot", "", "Date de dépôt", "connue", "autre date", date))
    if shown.etat != known.etat and not dates.tell_a_step(unread):
        words = known.etat.label.lower(), shown.etat.label.lower()
        found.append(ShownDifference("etat", "", "État", *words, shown.etat.value))
    is_bare = bool(known.champs) and not shown.champs and "champs" not in unread
    return Doubt(tuple(found), is_of_form=bool(lost), is_bare=is_bare) if found else None


def emptying(
    shown: Dossier, known: Dossier, forms: Forms, unread: frozenset[str] = frozenset()
) -> Doubt | None:
    """Return the answers that are blank now; None if there are none, or if others changed."""
    found = tuple(_answers_differ(shown, known, forms, unread))
    before = _cells(known.champs, forms.known)
    new = (one for key, one in _cells(shown.champs, forms.shown).items() if key not in before)
    is_all = all(one.after in _BLANK for one in found) and all(map(_is_blank, new))
    return Doubt(found) if is_all and any(one.before == _ANSWERED for one in found) else None


def kept(shown: Dossier, known: Dossier, doubt: Doubt) -> Dossier:
    """Return a dossier with what is in doubt as the copy has it."""
    names = {name for one in doubt.differences for name in _KEPT[one.part]}
    return replace(shown, **{name: getattr(known, name) for name in names})


class _Dates(NamedTuple):
    """What DS's dates tell of a dossier."""

    shown: Dossier
    known: Dossier
    since: datetime | None
    every: bool
    """Whether they are not believed."""

    def _moved(self, name: str) -> bool:
        date: datetime = getattr(self.shown, name)
        is_news = self.since is None or date >= self.since
        return not self.every and is_news and date > getattr(self.known, name)

    @property
    def are_later(self) -> bool:
        """Whether anything of it changed."""
        return self._moved("date_derniere_modification")

    def tell_a_step(self, unread: frozenset[str]) -> bool:
        """Return whether a step led to another state."""
        steps = {(one.evenement, one.date) for one in self.known.traitements}
        is_told = any((one.evenement, one.date) not in steps for one in self.shown.traitements)
        return self.are_later and (is_told or "traitements" in unread)

    @property
    def tell_an_edit(self) -> bool:
        """Whether champs were edited, by the usager or by an instructeur."""
        before, after = (
            sum(step.evenement == _BY_INSTRUCTEUR for step in one.traitements)
            for one in (self.known, self.shown)
        )
        is_corrected = after > before and self.are_later
        return is_corrected or self._moved("date_derniere_modification_champs")


def _answers_differ(
    shown: Dossier, known: Dossier, forms: Forms, unread: frozenset[str]
) -> Iterator[ShownDifference]:
    after, before = _cells(shown.champs, forms.shown), _cells(known.champs, forms.known)
    lost = set(forms.lost)
    for key, champ in before.items():
        id_ = champ.descriptor_id
        if key in unread or id_ in lost:
            continue
        now = after.get(key)
        if now is not None and _is_same(champ, now):
            continue
        if forms.is_ordinary(id_, is_absent=now is None):
            continue
        words = "vide" if _is_blank(champ) else _ANSWERED
        new = "absente" if now is None else "vide" if _is_blank(now) else "autre réponse"
        what = f"Réponse à « {forms.libelle(id_, champ)} »"
        value: Json = None if now is None else [_value(now), *sorted(_files(now))]
        yield ShownDifference("champs", key, what, words, new, value)


def _cells(
    champs: Iterable[Champ], form: Mapping[DescriptorId, Descriptor], row: str = ""
) -> dict[str, Champ]:
    """Return champs and those in rows, by id and row, without headings and explanations."""
    found: dict[str, Champ] = {}
    for champ in champs:
        id_ = champ.descriptor_id
        descriptor = form.get(id_)
        if (descriptor.type if descriptor else champ.type) in LAYOUT_TYPES and not champ.texte:
            continue
        found[cell_key(id_, row) if row else id_] = champ
        for ligne in champ.lignes:
            found |= _cells(ligne.champs, form, ligne.id)
    return found


def _is_same(before: Champ, after: Champ) -> bool:
    if before.fichiers or after.fichiers:
        # One whose scan has not ended may be found infected, which DS does not list.
        clean = {one.empreinte_md5 for one in before.fichiers if one.analyse.casefold() == _SAFE}
        return clean <= _files(after) <= _files(before)
    return bool(_value(before) == _value(after))


def _files(champ: Champ) -> set[str]:
    return {one.empreinte_md5 for one in champ.fichiers}


def _value(champ: Champ) -> Json:
    """Return what the usager has answered, without what DS adds to it by itself."""
    if not isinstance(champ.valeur, dict):
        return champ.texte
    own = {key: value for key, value in champ.valeur.items() if key not in _OUTSIDE}
    return own or champ.texte


def _is_blank(champ: Champ) -> bool:
    return not (champ.texte or champ.fichiers or champ.lignes)


def _applicants_differ(shown: Demandeur, known: Demandeur) -> Iterator[ShownDifference]:
    """Yield what of an applicant is another; what DS lacked until now is completed."""
    if NOT_RENDERED in (shown.genre, known.genre):
        return
    after = dict(_leaves(shown.details))
    for name, value in _leaves(known.details):
        now = after.get(name)
        if value in (None, "") or now == value:
            continue
        what = f"Demandeur : {_WORDS.get(name[-1], name[-1])}"
        words = "vide" if now in (None, "") else "autre"
        yield ShownDifference("demandeur", ".".join(name), what, "connu", words, now)


def _leaves(details: Mapping[str, Any], *above: str) -> Iterator[tuple[tuple[str, ...], Json]]:
    for key, value in details.items():
        if isinstance(value, dict):
            yield from _leaves(value, *above, key)
        elif key not in _NAMES and (above or key != _ACCOUNT):
            yield (*above, key), value

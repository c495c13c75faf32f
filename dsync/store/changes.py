"""Stores what DS does not keep of a dossier: the values that changed, the corrections that ended.

What DS shows is compared with the stored copy. Table `changement` has a row for each later value of
a champ, an annotation, the state, the groupe and the labels. The first sight of a dossier is no
change. What DS cannot render comes here with its last known value; what it has never rendered is
named in `contenu.lacunes`, and not compared. Of corrections, DS tells only which one is pending.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from msgspec import Struct
from msgspec.json import decode
from msgspec.structs import replace
from sqlalchemy import Row, case, select

from dsync.annotations.targets import DATE, LABEL, normalise
from dsync.annotations.wish import WrittenValue
from dsync.domain.dossier import (
    Champ,
    Etat,
    Json,
    Ligne,
    cell_key,
    champs_of,
    stored_champs,
)
from dsync.domain.ids import DescriptorId, DossierNumber, RevisionId
from dsync.store import tables
from dsync.store.codes import Author, Origin
from dsync.store.sql import Subject, among, update_rows, upsert

_outbox = tables.outbox
_pousse = tables.pousse
_correction = tables.correction


PEOPLE = (Author.USAGER.value, Author.INSTRUCTEUR.value)


class Record(Struct, frozen=True, gc=False):
    """What is stored of a dossier that DS shows."""

    numero: DossierNumber
    etat: Etat
    is_open: bool
    """Whether verdicts may still be pushed into the dossier."""
    revision_id: RevisionId
    labels: tuple[str, ...]
    content_hash: str
    """Of everything but what dsync writes and what changes without an edit."""
    inputs_hash: str
    """Of what the checks use."""
    annotations_hash: str
    """Of all annotations, dsync's own included."""
    owned_ids: frozenset[str]
    """The ids of dsync's annotations in this dossier's revision."""
    owned: Mapping[str, Json]
    """The values of dsync's annotations, by id."""
    unread: frozenset[str]
    """Names of the parts that DS has never rendered: ids of champs and annotations, `cell_key` of
    those in rows, fields of `Dossier`."""
    facts: Mapping[str, Any]
    """Columns of table `dossier`, without those that the store computes."""
    dates: Mapping[str, Any]
    """Columns of table `dossier` that change without a change of content: dates, and the number of
    messages."""
    contents: Mapping[str, Any]
    """The row of table `contenu`, without what the store computes."""
    agents: tuple[str | None, ...]
    """The address of who made each of its traitements."""
    programme: Mapping[str, Mapping[str, Any]]
    """The rows of the programme's tables, by table name."""


COMPARED = (
    "archive",
    "revision_id",
    "depose_le",
    "correction_attendue_depuis",
    "usager_courriel",
    "mandataire_nom",
    "groupe_instructeur",
    "instructeurs",
)
"""The facts of which a change is told by the column's name."""
_Pairs = Mapping[str, tuple[Champ | None, Champ | None]]
_By = tuple[Author, datetime | None]
"""Who changed something, and when by DS's dates."""

_COLUMNS = {
    "date_derniere_correction_en_attente": "correction_attendue_depuis",
    "usager_email": "usager_courriel",
    "mandataire": "mandataire_nom",
}
"""Columns of facts that have another name in `Dossier`."""
_BLANK = Champ(DescriptorId(""))
_CORRECTION = "depose_correction"
_CORRECTED_BY_INSTRUCTEUR = "depose_correction_instructeur"


Asked = tuple[DossierNumber, datetime]
"""A correction: its dossier, and when it was asked for."""


class ChangeWrites(Subject):
    """Writes the changes of dossiers, and their corrections."""

    def record_changes(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert rows of table `changement`, as `DossierDiff.rows` and `state_change` make them."""
        self._add_rows(tables.changement, [{**row, "demarche_numero": self.number} for row in rows])

    def last_sent(self, numbers: Sequence[DossierNumber]) -> dict[int, dict[str, WrittenValue]]:
        """Return what dsync last wrote into these dossiers, or may have, by number and annotation.

        Of a label that it took away, the value is empty.
        """
        found: dict[int, dict[str, WrittenValue]] = {}
        if numbers:
            is_lost = _pousse.c.incertaine.is_not(None)
            value = case((is_lost, _pousse.c.incertaine), else_=_pousse.c.valeur)
            target = case((is_lost, _pousse.c.incertaine_cible), else_=_pousse.c.cible)
            rows = self.connection.execute(
                select(_pousse.c.numero, _pousse.c.annotation, value, target).where(
                    among(_pousse.c.numero, numbers)
                )
            )
            for numero, annotation, *own in rows:
                found.setdefault(numero, {})[annotation] = WrittenValue(*own)
        return found

    def labels_put(self, numbers: Sequence[DossierNumber]) -> dict[int, set[str]]:
        """Return the names of the labels that dsync ever sent to these dossiers."""
        found: dict[int, set[str]] = {}
        if numbers:
            rows = self.connection.execute(
                select(_outbox.c.numero, _outbox.c.valeur).where(
                    among(_outbox.c.numero, numbers),
                    _outbox.c.annotation == LABEL,
                    _outbox.c.envoyee_le.is_not(None),
                )
            )
            for numero, label in rows:
                found.setdefault(numero, set()).add(label)
        return found

    def save_corrections(
        self, pending: Iterable[Asked], ended: Iterable[tuple[Asked, datetime]]
    ) -> None:
        """Store corrections that are pending now, and the ends of those that were.

        An end has DS's date of the change that shows it.
        """
        rows = [{"numero": n, "demandee_le": at, "finie_le": None} for n, at in pending]
        upsert(self.connection, _correction, rows)
        update_rows(
            self.connection,
            _correction,
            [{"numero": n, "demandee_le": at, "finie_le": end} for (n, at), end in ended],
        )


def state_change(
    numero: DossierNumber, old: str, new: str, depose_le: datetime, now: datetime
) -> dict[str, Any]:
    """Return the row of a change of state that a list of deletions shows, without its author."""
    return _of(numero, depose_le, now, _row("etat", "État", old, new, (Author.INCONNU, None)))


@dataclass(frozen=True)
class DossierDiff:
    """A dossier as DS shows it beside the stored copy."""

    new: Record
    old: Row[Any]
    """The row of table `dossier`."""
    typed: Row[Any] | None
    """The row of table `contenu`; None if it is missing: only state and labels are compared."""
    sent: Mapping[str, WrittenValue]
    """What dsync last wrote, by annotation."""
    labels_put: Collection[str]
    """The names of the labels that dsync ever sent."""
    libelle_of: Callable[[str], str]
    """Returns the label of a champ that is stored without one, by its id."""
    now: datetime

    def names(self) -> list[str]:
        """Return the names of what changed: facts by column, champs and annotations by label.

        dsync's own annotations are left out.
        """
        if self.typed is None:
            return []
        facts: list[tuple[str, Any, Any]] = [
            (name, getattr(self.old, name), self.new.facts[name]) for name in COMPARED
        ]
        facts.append(("labels", self.old.labels, list(self.new.labels)))
        demandeur = decode(self.new.contents["demandeur"])["details"]
        facts.append(("demandeur", (self.typed.demandeur or {}).get("details"), demandeur))
        divers, new = self.typed.divers or {}, decode(self.new.contents["divers"])
        facts += [(name, divers.get(name), value) for name, value in new.items()]
        hidden = {_COLUMNS.get(name, name) for name in self.gaps}
        names = [name for name, before, after in facts if before != after and name not in hidden]
        for pairs, own in ((self._champs, ()), (self._annotations, self.new.owned_ids)):
            names += dict.fromkeys(
                (before or after or _BLANK).libelle or self.libelle_of(id_)
                for id_, (before, after) in pairs.items()
                if before != after and id_ not in own
            )
        return names

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield the rows of table `changement`: champs, annotations, then the dossier's facts."""
        numero, depose_le = self.new.numero, self.new.facts["depose_le"]
        return (_of(numero, depose_le, self.now, row) for row in self._rows())

    def _rows(self) -> Iterator[dict[str, Any]]:
        if self.typed is not None:
            # The hash covers every champ; an annotation of dsync's own may change without it.
            if self.new.content_hash != self.old.content_hash:
                yield from self._of_form(Origin.CHAMP, self._champs)
            yield from self._of_form(Origin.ANNOTATION, self._annotations)
        for champ_id, libelle, old, new, by in self._facts():
            if old != new:
                yield _row(champ_id, libelle, old, new, by)

    @cached_property
    def _champs(self) -> _Pairs:
        return self._pairs("champs")

    @cached_property
    def _annotations(self) -> _Pairs:
        return self._pairs("annotations")

    @cached_property
    def gaps(self) -> frozenset[str]:
        """Names of the parts that the copy has never read, so that there is nothing to compare."""
        return frozenset((self.typed and self.typed.lacunes) or ())

    def _pairs(self, column: str) -> _Pairs:
        """Return the stored champs or annotations beside those that DS shows, None: there is none.

        Those that the copy has never read are left out.
        """
        known = _by_id(champs_of(getattr(self.typed, column) or ()), self.gaps)
        shown = _by_id(stored_champs(self.new.contents[column]), self.gaps)
        return {id_: (known.get(id_), shown.get(id_)) for id_ in {**shown, **known}}

    def _of_form(self, origin: Origin, pairs: _Pairs) -> Iterator[dict[str, Any]]:
        for before, after in pairs.values():
            if before == after:
                continue
            # Its revision has the champ no more: nobody emptied it.
            has_left_form = not after and self.old.revision_id != self.new.revision_id
            cells, earlier = _cells(after), _cells(before)
            for champ_id, ligne in {**cells, **earlier}:
                cell = cells.get((champ_id, ligne), _BLANK)
                stored_cell = earlier.get((champ_id, ligne), _BLANK)
                if _content(cell) != _content(stored_cell):
                    libelle, value = cell.libelle or stored_cell.libelle, cell.texte
                    by = (
                        (Author.INCONNU, self._moved("modifie_le"))
                        if has_left_form
                        else self._by(origin, champ_id, value)
                    )
                    told, old = libelle or self.libelle_of(champ_id), stored_cell.texte
                    yield _row(champ_id, told, old, value, by, origin, ligne)

    def _facts(self) -> Iterator[tuple[str, str, str | None, str | None, _By]]:
        moved = self._moved("modifie_le")
        if self.old.etat != self.new.etat:
            yield "etat", "État", self.old.etat, self.new.etat.value, self._by_state()
        if self.typed is not None:
            old, new = self.old.groupe_instructeur, self.new.facts["groupe_instructeur"]
            libelle = "Groupe instructeur"
            # DS also routes a dossier anew when its champs change.
            is_routed = self._moved("champs_modifie_le") is not None or self._was_corrected
            by = Author.INCONNU if is_routed else Author.INSTRUCTEUR
            yield "groupe_instructeur", libelle, old, new, (by, moved)
        labels, earlier = _joined(self.new.labels), _joined(self.old.labels or ())
        yield "etiquettes", "Étiquettes", earlier, labels, (self._by_label(), moved)

    def _by(self, origin: Origin, champ_id: str, value: str | None) -> _By:
        """Return who changed a champ or an annotation, and when by DS's dates."""
        moved = self._moved("modifie_le")
        if origin is Origin.ANNOTATION:
            if champ_id in self.new.owned_ids and self._was_sent(champ_id, value):
                return Author.DSYNC, moved
            return Author.INSTRUCTEUR, self._moved("annotations_modifie_le") or moved
        # DS moves the champs' date at an usager's edit only, and adds a traitement when an
        # instructeur corrects champs.
        by_usager = self._moved("champs_modifie_le")
        # Both did it, or neither of the signs is there: this value can be anybody's.
        if (by_usager is not None) == self._was_corrected:
            return Author.INCONNU, moved
        return (Author.USAGER, by_usager) if by_usager else (Author.INSTRUCTEUR, moved)

    def _by_state(self) -> _By:
        """Return who changed the state, and when: DS's last traitement that is no correction."""
        steps = [s for s in self._traitements if not s["evenement"].startswith(_CORRECTION)]
        if not steps:
            return Author.INCONNU, self._moved("modifie_le")
        last = steps[-1]
        if self.typed is not None and last in (self.typed.traitements or ()):
            # A step of before: nothing tells who did this one.
            return Author.INCONNU, self._moved("modifie_le")
        at = datetime.fromisoformat(last["date"])
        # An usager's step and one that DS does by itself have no agent.
        if last["email_agent"]:
            return Author.INSTRUCTEUR, at
        return (Author.USAGER if self.new.etat is Etat.EN_CONSTRUCTION else Author.INCONNU), at

    def _by_label(self) -> Author:
        before, now = set(self.old.labels or ()), set(self.new.labels)
        added, removed = now - before, before - now
        ours = self.sent.get(LABEL)
        if ours is not None and not ours.valeur and removed.intersection(self.labels_put):
            return Author.DSYNC if not added and len(removed) == 1 else Author.INCONNU
        if ours is None or ours.valeur not in added:
            return Author.INSTRUCTEUR
        # The change has one row, whose labels may have been added by several.
        return Author.DSYNC if len(added) == 1 else Author.INCONNU

    def _was_sent(self, champ_id: str, value: str | None) -> bool:
        return value is not None and any(
            sent.cible in (None, champ_id) and _is_same(annotation, sent.valeur or "", value)
            for annotation, sent in self.sent.items()
            if annotation != LABEL
        )

    @cached_property
    def _traitements(self) -> list[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = decode(self.new.contents["traitements"])
        return found

    @cached_property
    def _was_corrected(self) -> bool:
        """Whether an instructeur corrected champs since the stored copy."""
        known = self.typed.traitements or () if self.typed is not None else ()
        count = [step["evenement"] for step in known].count(_CORRECTED_BY_INSTRUCTEUR)
        now = [step["evenement"] for step in self._traitements].count(_CORRECTED_BY_INSTRUCTEUR)
        return now > count

    def _moved(self, name: str) -> datetime | None:
        """Return DS's date of that name if it is another one than before."""
        date: datetime | None = self.new.dates[name]
        return None if date == getattr(self.old, name) else date


def _of(
    numero: DossierNumber, depose_le: datetime, now: datetime, row: dict[str, Any]
) -> dict[str, Any]:
    """Return a row as that of a dossier."""
    is_after = (row["modifie_le"] or now) > depose_le
    return {"numero": numero, **row, "constate_le": now, "apres_depot": is_after}


def _row(
    champ_id: str,
    libelle: str,
    old: str | None,
    new: str | None,
    by: _By,
    origin: Origin = Origin.DOSSIER,
    ligne: int | None = None,
) -> dict[str, Any]:
    author, at = by
    return {
        "origine": origin.value,
        "champ_id": champ_id,
        "libelle": libelle,
        "ligne": ligne,
        "ancienne_valeur": old,
        "nouvelle_valeur": new,
        "modifie_le": at,
        "par": author.value,
    }


def _by_id(
    champs: Iterable[Champ], hidden: frozenset[str] = frozenset(), row: str = ""
) -> dict[str, Champ]:
    """Return champs by id, without those in `hidden`; `row` is the id of the row they are in."""
    found: dict[str, Champ] = {champ.descriptor_id: champ for champ in champs}
    if not hidden:
        return found
    return {
        id_: replace(
            champ,
            lignes=tuple(
                Ligne(one.id, tuple(_by_id(one.champs, hidden, one.id).values()))
                for one in champ.lignes
            ),
        )
        for id_, champ in found.items()
        if (cell_key(id_, row) if row else id_) not in hidden
    }


def _cells(champ: Champ | None) -> dict[tuple[str, int | None], Champ]:
    """Return a champ and, of a repetition, the champs of its rows, by id and row from 1."""
    if champ is None:
        return {}
    cells: dict[tuple[str, int | None], Champ] = {(champ.descriptor_id, None): champ}
    for rank, ligne in enumerate(champ.lignes, start=1):
        cells.update({(cell.descriptor_id, rank): cell for cell in ligne.champs})
    return cells


def _content(cell: Champ) -> tuple[str | None, list[str], Json]:
    """Return what is compared: the text, the fingerprints of the files, and the areas of a map."""
    areas = cell.valeur.get("features") if isinstance(cell.valeur, dict) else None
    return cell.texte, [file.empreinte_md5 for file in cell.fichiers], areas


def _joined(labels: Iterable[str]) -> str | None:
    return ", ".join(labels) or None


def _is_same(annotation: str, sent: str, shown: str) -> bool:
    """Return whether a value in DS is the one sent, after DS's own normalisation."""
    type_ = "textarea"
    if annotation == DATE:
        # The type of the annotation is not stored with the value.
        type_ = "date" if len(shown) == len("2024-01-01") else "datetime"
    return normalise(type_, sent) == normalise(type_, shown)

"""Stores and reads what is of the démarche as a whole: its facts, form, sync state and figures.

The figures of each day, from which a curve is drawn, are numbers about all its dossiers, and stay
when a dossier is erased.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, Row, bindparam, case, delete, func, select, union, update

from dsync.annotations.wish import WishStatus
from dsync.domain.dossier import (
    PARIS,
    Demarche,
    Instructeur,
    Presence,
    Revision,
)
from dsync.domain.ids import DemarcheNumber, DossierNumber, RevisionId
from dsync.store import reading_views, tables
from dsync.store.codes import DECISIONS, FRAICHEUR, STOCKS, VERDICTS
from dsync.store.engine import TRIAL
from dsync.store.sql import (
    CLOCK_TOLERANCE,
    LONGEST_WAIT,
    Subject,
    among,
    excluded,
    insert_for,
    update_rows,
    upsert,
)

_figures = tables.indicateur
_dossier, _verdict, _outbox = tables.dossier, tables.verdict, tables.outbox

DEFAULT_PAGE_SIZE = 100
"""DS's maximum, with which a first read starts; it is reduced when DS times out."""


@dataclass(frozen=True, slots=True)
class SyncState:
    """The sync state of a démarche."""

    watermark: datetime | None = None
    page_size: int = DEFAULT_PAGE_SIZE
    page_size_at: datetime | None = None
    """When the page size last changed; None: it is DS's maximum."""
    full_cursor: str | None = None
    full_started_run: int | None = None
    full_started_at: datetime | None = None
    full_mapping_key: str | None = None
    """Of the mapping of the full read that `full_cursor` resumes."""
    full_due_at: datetime | None = None
    """When a full read is due besides the nightly one, after a new revision."""
    last_success_at: datetime | None = None
    last_incremental_at: datetime | None = None
    last_full_at: datetime | None = None
    last_deletions_at: datetime | None = None
    """When the lists of deletions were last asked for."""
    last_pending_at: datetime | None = None
    """When the list of hidden dossiers was last read to its end."""
    last_deleted_at: datetime | None = None
    """The same of the list of erased dossiers."""
    mass_deletion_run: int | None = None
    """The run in which DS's lists hid or erased too many dossiers at once; None: there is none."""
    mass_deletion_count: int | None = None
    mass_deletion_of: int | None = None
    """How many these were, and how many were present before."""
    last_revision_id: str | None = None
    evidence_key: str | None = None
    """Of the rules and the evidence with which the open dossiers were last judged."""
    mapping_key: str | None = None
    """Of the mapping with which the last full read was done."""
    writing_key: str | None = None
    """Of the configured texts, annotations, labels and rights that the wishes follow."""
    pieces_target: str | None = None
    """The target of copies of files that was marked last."""
    rules_version: str | None = None
    """Of the rules that may judge: the first ones, those that move few verdicts, accepted ones."""
    validation_boxes: Any = None
    """The ids of the descriptors that were found as the validation box so far; None: none."""
    believed: Any = None
    """The dossiers of which an unexplained change was believed or written lately, and when."""
    retention_at: datetime | None = None
    """When it was last announced what is to be erased by its age."""
    retention_key: str | None = None
    """Of the ages by which."""
    cle_secrete: str | None = None
    """The random key of the hashes in table `cle`."""

    def as_of(self, now: datetime) -> SyncState:
        """Return the state without the instants that are after `now`.

        They were stored while the clock was ahead, and count as never; a full read is then due.
        """
        late: dict[str, Any] = dict.fromkeys(self._late(now))
        due_at = self.full_due_at
        if "last_full_at" in late or (due_at is not None and due_at > now + LONGEST_WAIT):
            late["full_due_at"] = now
        return replace(self, **late) if late else self

    def read_at(self, name: str) -> datetime | None:
        """Return when a list of deletions, `pending` or `deleted`, was last read to its end."""
        return self.last_pending_at if name == "pending" else self.last_deleted_at

    def ahead(self, now: datetime) -> timedelta | None:
        """Return by how much the latest of these instants is after `now`, None if none is."""
        return max((getattr(self, name) - now for name in self._late(now)), default=None)

    def _late(self, now: datetime) -> list[str]:
        # Without the watermark, which is of DS's clock: a read compares it with DS's present.
        names = (
            "full_started_at",
            "last_success_at",
            "last_incremental_at",
            "last_full_at",
            "last_deletions_at",
            "last_pending_at",
            "last_deleted_at",
            "retention_at",
        )
        limit = now + CLOCK_TOLERANCE
        return [name for name in names if (at := getattr(self, name)) is not None and at > limit]


_FIELDS = tuple(f.name for f in fields(SyncState))
_state = tables.sync_state.c
_STATES = select(_state.demarche_numero, *(_state[name] for name in _FIELDS)).where(
    _state.demarche_numero.in_(bindparam("numbers", expanding=True))
)
"""Built once: a run reads it eight times, and its many columns make up the statement's key."""


def read_demarches(connection: Connection) -> list[DemarcheNumber]:
    """Return the démarches of which something was read, or tried to be, by number."""
    of_run = tables.sync_run.c.demarche_numero
    # From one to the next by the index, because there are hundreds of thousands of runs.
    tried = select(func.min(of_run).label("number")).cte("tried", recursive=True)
    following = select(func.min(of_run)).where(of_run > tried.c.number).scalar_subquery()
    tried = tried.union_all(select(following).where(tried.c.number.is_not(None)))
    read = select(tables.demarche.c.number)
    rows = connection.scalars(union(read, select(tried.c.number)))
    return sorted(DemarcheNumber(number) for number in rows if number is not None)


def read_demarches_of(connection: Connection, dossiers: Sequence[int]) -> dict[int, int]:
    """Return the démarche of each dossier that is known, if only by its quarantine."""
    both = [
        select(table.c.numero, table.c.demarche_numero).where(among(table.c.numero, dossiers))
        for table in (tables.quarantaine, tables.dossier)
    ]
    return {numero: demarche for numero, demarche in connection.execute(union(*both))}


class DemarcheReads(Subject):
    """Reads the démarche's facts and form."""

    def read(self) -> Demarche | None:
        """Return the démarche as last read from DS, None if it never was."""
        row = self._stored(*tables.demarche.c.keys())
        if row is None:
            return None
        return Demarche(
            number=DemarcheNumber(row.number),
            titre=row.titre,
            etat=row.etat,
            active_revision_id=RevisionId(row.active_revision_id),
            revisions=self.revisions(),
            labels=row.labels,
            couleurs=row.couleurs,
            instructeurs=tuple(Instructeur(**one) for one in row.instructeurs),
        )

    def names(self) -> tuple[str | None, Mapping[str, str], Sequence[Mapping[str, str]]]:
        """Return what the configuration says for views.

        The call's short name, None: its title; the words for verdicts; the champ or annotation of
        which a column of the programme's views is made, as `lecture_colonne` shows it.
        """
        row = self._stored("appel", "avis", "origines")
        return (None, {}, []) if row is None else (row.appel, row.avis or {}, row.origines or [])

    def groupes_without(self, named: str | None) -> list[str]:
        """Return the groupes that an instructeur, by id or e-mail, is not in; none if unread."""
        demarche = self.read()
        return demarche.groupes_without(demarche.instructeur_id(named)) if demarche else []

    def agents(self) -> frozenset[str]:
        """Return the addresses of the démarche's instructeurs, in small letters."""
        row = self._stored("instructeurs")
        return frozenset(one["email"].casefold() for one in (row and row.instructeurs) or ())

    def labels_and_groupes(self) -> tuple[list[str], list[str]]:
        """Return the names of the labels and of the groupes instructeurs of the démarche in DS.

        Not those of its dossiers: to look for them in 10,000 takes longer than the rest of a page.
        """
        row = self._stored("labels", "instructeurs")
        if row is None:
            return [], []
        return sorted(row.labels), sorted({one["groupe"] for one in row.instructeurs})

    def revisions(self) -> dict[RevisionId, Revision]:
        """Return the stored revisions of the démarche's form."""
        return reading_views.read_revisions_of(self.connection, self.number)

    def counts_by_revision(self) -> dict[str | None, int]:
        """Return how many present dossiers were filled by each revision of the form."""
        dossier = tables.dossier.c
        counted = select(dossier.revision_id, func.count()).where(
            dossier.demarche_numero == self.number,
            dossier.presence == Presence.PRESENT.value,
        )
        found = self.connection.execute(counted.group_by(dossier.revision_id))
        return {revision: count for revision, count in found}

    def questions(self, numero: DossierNumber | None = None) -> list[dict[str, Any]]:
        """Return the form's titles of sections, questions and annotations, in the form's order.

        Each has its `champ_id`, `libelle`, `type`, `bloc` (the id of its repetition) and `rubrique`
        (the id of the section that it is in); `est_annotation`: of an annotation. Those of a
        dossier are those of its own revision; else (None) of the newest published one.
        """
        table, dossier = tables.revision, tables.dossier
        query = select(table.c.descriptors)
        if numero is not None:
            query = query.join(dossier, dossier.c.revision_id == table.c.id)
            query = query.where(dossier.c.numero == numero)
        else:
            query = query.where(
                table.c.demarche_numero == self.number, table.c.date_publication.is_not(None)
            ).order_by(table.c.date_publication.desc(), table.c.id.desc())
        found, titles = [], dict[tuple[Any, bool], str]()
        for one in self.connection.scalar(query.limit(1)) or ():
            place = one["parent_id"], one["is_annotation"]
            if one["type"] == "header_section":
                titles[place] = one["id"]
            if one["type"] != "explication":
                found.append(
                    {
                        "champ_id": one["id"],
                        "libelle": one["libelle"],
                        "type": one["type"],
                        "bloc": one["parent_id"],
                        "rubrique": titles.get(place) or titles.get((None, one["is_annotation"])),
                        "est_annotation": one["is_annotation"],
                    }
                )
        return found

    def has_views_in_use(self) -> bool:
        """Return whether the views formulaire_* wait until nobody uses them."""
        row = self._stored("vues_a_refaire")
        return row is not None and bool(row.vues_a_refaire)

    def views_are_due(self, opened: Collection[str]) -> bool:
        """Return whether `renew_views` has a reason to renew the views formulaire_*."""
        row = self._stored("vues_a_refaire", "ouverts")
        return row is not None and bool(row.vues_a_refaire or {*row.ouverts} != {*opened})

    def _stored(self, *names: str) -> Row[Any] | None:
        """Return columns of the démarche's row, None without one."""
        table = tables.demarche
        columns = select(*(table.c[name] for name in names))
        return self.connection.execute(columns.where(table.c.number == self.number)).one_or_none()


class DemarcheWrites(DemarcheReads):
    """Writes the démarche's facts and form."""

    def save(self, demarche: Demarche, opened: Collection[str] = ()) -> None:
        """Store the démarche's facts and its revisions; revisions stored before stay.

        A revision that is not published is left out, because it can still change, and so is one
        that could not be read completely. A new revision changes the views formulaire_* too, or
        leaves that to `renew_views` if they are in use. `opened` are the ids of the champs and
        annotations that readers without personal data see.
        """
        known, shown = self.revisions(), self._shown()
        facts = {
            "number": self.number,
            "titre": demarche.titre,
            "etat": demarche.etat,
            "active_revision_id": demarche.active_revision_id,
            "labels": dict(demarche.labels),
            "couleurs": dict(demarche.couleurs),
            "instructeurs": demarche.instructeurs,
        }
        upsert(self.connection, tables.demarche, [facts])
        rows: list[dict[str, Any]] = [
            {
                "id": revision.id,
                "demarche_numero": self.number,
                "date_publication": revision.date_publication,
                # As objects: a NamedTuple would be written as an array without names.
                "descriptors": [d._asdict() for d in revision.descriptors.values()],
            }
            for revision in demarche.revisions.values()
            if revision.date_publication and revision.is_complete
        ]
        upsert(self.connection, tables.revision, rows)
        # Only then: renewing waits for those who read the views.
        is_new = self.revisions() != known
        self.renew_views(opened, is_due=is_new)
        # A new revision can give the answers of all dossiers one more column.
        if is_new or self._shown() != shown:
            self.touch_all()

    def name(
        self,
        appel: str | None,
        avis: Mapping[str, str] = MappingProxyType({}),
        origines: Sequence[Mapping[str, str]] = (),
    ) -> None:
        """Store what `names` returns."""
        shown = self._shown()
        row = {"number": self.number, "appel": appel, "avis": dict(avis), "origines": origines}
        update_rows(self.connection, tables.demarche, [row])
        if self._shown() != shown:
            self.touch_all()

    def _shown(self) -> Any:
        """Return what views show of the démarche beside each dossier."""
        return self._stored("titre", "appel", "avis", "couleurs")

    def renew_views(self, opened: Collection[str] = (), *, is_due: bool = False) -> bool:
        """Renew the views formulaire_* if there is a reason; return False if they are still in use.

        This is another choice of what is open, a reader's transaction that prevented it before, or
        (`is_due`) another one. `opened` is as of `save`.
        """
        # A dry run would keep readers from them until its end.
        if self.connection.get_execution_options().get(TRIAL):
            return True
        if not (is_due or self.views_are_due(opened)):
            return True
        table = tables.demarche
        of = {"number": self.number}
        update_rows(self.connection, table, [of | {"ouverts": sorted(opened)}])
        is_done = reading_views.renew_form(self.connection, self.number)
        update_rows(self.connection, table, [of | {"vues_a_refaire": not is_done}])
        return is_done


class StateReads(Subject):
    """Reads the sync state."""

    def read(self) -> SyncState:
        """Return the démarche's state; an empty one for a new démarche."""
        return self.of([self.number])[self.number]

    def of(self, numbers: Sequence[DemarcheNumber]) -> dict[DemarcheNumber, SyncState]:
        """Return the states of some démarches."""
        states = {number: SyncState() for number in numbers}
        rows = self.connection.execute(_STATES, {"numbers": [*numbers]})
        for number, *row in rows:
            values = dict(zip(_FIELDS, row, strict=True))
            # NULL until the first page is stored.
            values["page_size"] = values["page_size"] or DEFAULT_PAGE_SIZE
            states[number] = SyncState(**values)
        return states


class StateWrites(StateReads):
    """Writes the sync state, and the figures of a day."""

    def secret(self) -> str:
        """Return the démarche's secret, made at its first use."""
        secret = self.read().cle_secrete
        if secret is None:
            secret = secrets.token_hex(16)
            self.save(cle_secrete=secret)
        return secret

    def reset_watermark(self, to: datetime) -> None:
        """Set a watermark after `to` back to it; only allowed after a complete full read."""
        table = tables.sync_state
        self.connection.execute(
            update(table)
            .where(table.c.demarche_numero == self.number, table.c.watermark > to)
            .values(watermark=to)
        )

    def save(self, **changes: Any) -> None:
        """Store the given fields of `SyncState`. The watermark never goes back.

        Raises:
            TypeError: a field is unknown.
        """
        unknown = changes.keys() - set(_FIELDS)
        if unknown:
            raise TypeError(f"no such field of the state: {sorted(unknown)}")
        if not changes:
            return
        table = tables.sync_state
        statement = insert_for(self.connection.dialect, table).values(
            demarche_numero=self.number, **changes
        )
        updates: dict[str, Any] = {name: excluded(name) for name in changes}
        if changes.get("watermark") is not None:
            new = excluded("watermark")
            # In the statement itself, so that it holds whatever was read before.
            updates["watermark"] = case((table.c.watermark > new, table.c.watermark), else_=new)
        self.connection.execute(
            statement.on_conflict_do_update(index_elements=["demarche_numero"], set_=updates)
        )

    def save_figures(self, now: datetime, *, changed: bool) -> None:
        """Store the figures of today, a day of Paris; the last ones of a day stay.

        Without a change, only the freshness is stored, if the day has its figures: a run that
        finds nothing new goes through no table.
        """
        jour = now.astimezone(PARIS).date()
        today = (_figures.c.demarche_numero == self.number, _figures.c.jour == jour)
        known = select(_figures.c.jour).where(*today).limit(1)
        figures: dict[str, float] = {}
        if changed or self.connection.scalar(known) is None:
            figures.update(self._counts())
            if part := self.programme.selection:
                figures.update(part.indicators(self.connection, self.number))
        last = self.read().last_success_at
        if last is not None:
            # Never below zero: the clock may have gone back since.
            figures[FRAICHEUR] = round(max(now - last, timedelta()) / timedelta(hours=1), 2)
        key = {"demarche_numero": self.number, "jour": jour}
        rows = [{**key, "indicateur": name, "valeur": value} for name, value in figures.items()]
        if figures.keys() - {FRAICHEUR}:
            # A figure that is no longer counted must not stay from an earlier run of the day.
            self.connection.execute(delete(_figures).where(*today))
        upsert(self.connection, _figures, rows)

    def _counts(self) -> Iterator[tuple[str, float]]:
        count = func.count()
        etats: Counter[str] = Counter()
        stocks: Counter[str] = Counter()
        for etat, presence, found in self.connection.execute(
            select(_dossier.c.etat, _dossier.c.presence, count)
            .where(_dossier.c.demarche_numero == self.number)
            .group_by(_dossier.c.etat, _dossier.c.presence)
        ):
            etats[etat] += found
            stocks[etat] += found if presence == Presence.PRESENT else 0
        verdicts: dict[str, int] = dict(
            self.connection.execute(
                select(_verdict.c.verdict, count)
                .where(_verdict.c.demarche_numero == self.number, _verdict.c.courant)
                .group_by(_verdict.c.verdict)
            ).all()
        )
        conflicts = self.connection.scalar(
            select(func.count(_outbox.c.numero.distinct())).where(
                _outbox.c.demarche_numero == self.number,
                _outbox.c.courante,
                _outbox.c.statut == WishStatus.CONFLIT.value,
            )
        )
        yield "depots", etats.total()
        yield from ((name, stocks[etat]) for name, etat in STOCKS.items())
        yield from ((name, verdicts.get(verdict, 0)) for name, verdict in VERDICTS.items())
        yield from ((name, etats[etat]) for name, etat in DECISIONS.items())
        yield "conflits", conflicts or 0

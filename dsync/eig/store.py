"""What the programme reads and writes in the database, in the engine's transactions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, delete, select

from dsync.domain.dossier import COUNTED_ETATS, OPEN_ETATS, Etat, Json, Presence
from dsync.domain.ids import DemarcheNumber, DossierNumber
from dsync.eig import tables
from dsync.eig.candidature import Candidature
from dsync.eig.precheck.catalogue import KnownProduct
from dsync.store import Tx
from dsync.store import tables as engine
from dsync.store.records import CLOCK_TOLERANCE
from dsync.store.sql import update_rows, upsert

_candidature = tables.candidature
_dossier = engine.dossier
_verdict = engine.verdict

_REFUSED = ("refused_sha256", "refused_since", "refused_times", "refused_message")


@dataclass(frozen=True, slots=True)
class EvidenceCopy:
    """The last good copy of a source; `body` is None when there never was one."""

    source: str
    body: str | None
    redirects: str | None
    fetched_at: datetime | None
    checked_at: datetime
    etag: str | None = None
    last_modified: str | None = None
    sha256: str | None = None
    url: str | None = None
    """The address that gave it."""
    confirmed_at: datetime | None = None
    """When the source last said that it still holds."""
    refused_sha256: str | None = None
    """Of a newer copy that the safety brake stopped; None when there is none."""
    refused_since: datetime | None = None
    refused_times: int | None = None
    refused_message: str | None = None
    """Why, in French, as analysts read it."""
    erreur: str | None = None
    """Why the last check failed; None when it succeeded."""


class RegistryCopy(NamedTuple):
    """A kept answer of the registry of enterprises."""

    siren: str
    answer: Json
    fetched_at: datetime
    expires_at: datetime


class NamedId(NamedTuple):
    """Which product a dossier names."""

    id: str | None
    by_page: bool
    """Whether its own page was given: named another way, the dossier is nobody's doublon."""


class Address(NamedTuple):
    """What naming a dossier's product needs."""

    numero: DossierNumber
    page_produit: str | None
    product: NamedId
    preuve: Json


def candidatures(
    connection: Connection, numbers: Sequence[DossierNumber]
) -> dict[DossierNumber, Candidature]:
    """Return the candidatures of these dossiers, by number."""
    rows = connection.execute(select(_candidature).where(_candidature.c.numero.in_(numbers)))
    return {DossierNumber(row.numero): Candidature(**row._asdict()) for row in rows}


def addresses(connection: Connection, numbers: Sequence[DossierNumber]) -> list[Address]:
    """Return what naming these dossiers' products needs, by number."""
    rows = connection.execute(
        select(
            _candidature.c.numero,
            _candidature.c.page_produit,
            _candidature.c.produit_id,
            _candidature.c.par_sa_fiche,
            _verdict.c.preuve,
        )
        .outerjoin(_verdict, (_verdict.c.numero == _candidature.c.numero) & _verdict.c.courant)
        .where(_candidature.c.numero.in_(numbers))
        .order_by(_candidature.c.numero)
    )
    return [
        Address(
            DossierNumber(row.numero),
            row.page_produit,
            NamedId(row.produit_id, bool(row.par_sa_fiche)),
            row.preuve,
        )
        for row in rows
    ]


def name_products(tx: Tx, products: Mapping[DossierNumber, NamedId]) -> set[DossierNumber]:
    """Store which product each dossier names, of those that name another one than before.

    Returns:
        Whom this concerns: they, and the open dossiers for the products that they leave or come
        to. All of them wait for a verdict from now on.
    """
    numbers = list(products)
    left = tx.queue_related(numbers)
    update_rows(
        tx.connection,
        _candidature,
        [
            {"numero": numero, "produit_id": product.id, "par_sa_fiche": product.by_page}
            for numero, product in products.items()
        ],
    )
    tx.queue(numbers)
    return {*numbers, *left, *tx.queue_related(numbers)}


def same_product(
    connection: Connection, demarche: DemarcheNumber, products: Sequence[str]
) -> dict[str, list[DossierNumber]]:
    """Return, by product, the dossiers that count for it, by number.

    One that names the product otherwise than by its page is nobody's doublon.
    """
    members: dict[str, list[DossierNumber]] = {}
    rows = connection.execute(
        _in_etats(demarche, COUNTED_ETATS)
        .add_columns(_candidature.c.produit_id)
        .where(_candidature.c.produit_id.in_(products), _candidature.c.par_sa_fiche)
    )
    for numero, product in rows:
        members.setdefault(product, []).append(DossierNumber(numero))
    return members


def related(
    connection: Connection, demarche: DemarcheNumber, numbers: Sequence[DossierNumber]
) -> list[DossierNumber]:
    """Return the open dossiers for these dossiers' products."""
    products = select(_candidature.c.produit_id).where(
        _candidature.c.numero.in_(numbers), _candidature.c.produit_id.is_not(None)
    )
    statement = _in_etats(demarche, OPEN_ETATS).where(_candidature.c.produit_id.in_(products))
    return [DossierNumber(numero) for numero in connection.scalars(statement)]


def _in_etats(demarche: DemarcheNumber, etats: Iterable[Etat]) -> Select[Any]:
    """Select the numbers of the dossiers shown that are in one of these states."""
    return (
        select(_dossier.c.numero)
        .join(_candidature, _candidature.c.numero == _dossier.c.numero)
        .where(
            _dossier.c.demarche_numero == demarche,
            _dossier.c.presence == Presence.PRESENT.value,
            _dossier.c.etat.in_([etat.value for etat in etats]),
        )
        .order_by(_dossier.c.numero)
    )


def forget_enterprises(connection: Connection, numbers: Sequence[DossierNumber]) -> None:
    """Delete what the registry said of applicants that no other dossier has."""
    others = select(_dossier.c.siren).where(
        _dossier.c.siren.is_not(None), _dossier.c.numero.not_in(numbers)
    )
    theirs = select(_dossier.c.siren).where(_dossier.c.numero.in_(numbers))
    siren = tables.registre.c.siren
    connection.execute(delete(tables.registre).where(siren.in_(theirs), siren.not_in(others)))


def evidence(connection: Connection, source: str) -> EvidenceCopy | None:
    """Return the last good copy of a source, None when it was never asked."""
    table = tables.evidence
    row = connection.execute(select(table).where(table.c.source == source)).one_or_none()
    return None if row is None else EvidenceCopy(**row._asdict())


def registry(
    connection: Connection, sirens: Iterable[str], now: datetime
) -> dict[str, RegistryCopy]:
    """Return the registry's answers that are still fresh, by SIREN."""
    table = tables.registre
    return {
        row.siren: RegistryCopy(row.siren, row.answer, row.fetched_at, row.expires_at)
        for row in connection.execute(
            select(table).where(
                table.c.siren.in_(sirens),
                table.c.expires_at > now,
                table.c.fetched_at <= now + CLOCK_TOLERANCE,
            )
        )
    }


def known_products(connection: Connection) -> tuple[KnownProduct, ...]:
    """Return every product that a catalogue ever showed, by id."""
    table = tables.produit
    columns = [table.c[name] for name in KnownProduct._fields]
    rows = connection.execute(select(*columns).order_by(table.c.id))
    return tuple(KnownProduct(*row) for row in rows)


def save_evidence(connection: Connection, copy: EvidenceCopy) -> None:
    """Keep a copy as the last good one."""
    upsert(connection, tables.evidence, [asdict(copy)])


def save_products(connection: Connection, products: Iterable[KnownProduct]) -> None:
    """Keep products as the catalogue now shows them; those that it lacks stay."""
    upsert(connection, tables.produit, [product._asdict() for product in products])


def evidence_checked(
    connection: Connection, source: str, now: datetime, erreur: str | None = None
) -> None:
    """Note a check that brought no new copy: the old one confirmed, or a failure."""
    row: dict[str, Any] = {"source": source, "checked_at": now, "erreur": erreur}
    if erreur is None:
        row |= {"confirmed_at": now, **dict.fromkeys(_REFUSED)}
    upsert(connection, tables.evidence, [row])


def refuse_evidence(
    connection: Connection, source: str, now: datetime, *, sha256: str, erreur: str, message: str
) -> None:
    """Note a newer copy that the safety brake stopped; the last good one stays.

    Args:
        connection: in a transaction.
        source: of the copy.
        now: the instant of the check.
        sha256: of the copy that was stopped.
        erreur: why, with the remedy, for operators.
        message: the same in French, for analysts.
    """
    before = evidence(connection, source)
    since = before.refused_since if before else None
    times = (before.refused_times if before else None) or 0
    values = (sha256, since or now, times + 1, message)
    row = {"source": source, "checked_at": now, "erreur": erreur}
    row |= dict(zip(_REFUSED, values, strict=True))
    upsert(connection, tables.evidence, [row])


def save_registry(connection: Connection, answers: Sequence[RegistryCopy]) -> None:
    """Keep answers of the registry."""
    upsert(connection, tables.registre, [copy._asdict() for copy in answers])

"""Queries on the programme's tables; the caller opens the transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, delete, select, text
from sqlalchemy.orm import Session, defer

from dsync.domain.dossier import COUNTED_ETATS, OPEN_ETATS, Presence
from dsync.domain.due import FIRST
from dsync.domain.ids import DemarcheNumber, DossierNumber
from dsync.domain.wording import searchable
from dsync.eig import evidence_tables
from dsync.eig.candidature import Candidature
from dsync.eig.precheck.catalogue import KnownProduct
from dsync.eig.precheck.check import Check
from dsync.eig.precheck.evidence import RegistryAnswer
from dsync.eig.stages import INDICATEURS
from dsync.store import tables as engine
from dsync.store.codes import AnswerStatus
from dsync.store.sql import CLOCK_TOLERANCE, among, first_of, is_first, is_shown, upsert

_candidature = evidence_tables.candidature
_dossier = engine.dossier
_jumeau = engine.jumeau
_reponse = engine.reponse
_verdict = engine.verdict

_counted = (
    _dossier.c.presence == Presence.PRESENT.value,
    _dossier.c.etat.in_([etat.value for etat in COUNTED_ETATS]),
)
_its, _own = _dossier.alias(), _candidature.alias()
_IS_FIRST = is_first(
    _its,
    select(_dossier.c.numero)
    .join(_candidature, _candidature.c.numero == _dossier.c.numero)
    .where(
        _candidature.c.produit_id == _own.c.produit_id,
        _candidature.c.par_sa_fiche,
        _dossier.c.demarche_numero == _its.c.demarche_numero,
        *_counted,
    ),
)
_of_product = _dossier.c.numero, _dossier.c.demarche_numero, _dossier.c.depose_le
# Not of one démarche: with that as a condition, SQLite would go through all its dossiers.
_SAME_PRODUCT = first_of(
    select(*_of_product, _candidature.c.produit_id.label("produit"))
    .join(_candidature, _candidature.c.numero == _dossier.c.numero)
    .where(
        _candidature.c.produit_id.in_(bindparam("products", expanding=True)),
        _candidature.c.par_sa_fiche,
        *_counted,
    )
    .union_all(
        select(*_of_product, _jumeau.c.produit)
        .join(_jumeau, _jumeau.c.numero == _dossier.c.numero)
        .where(
            _jumeau.c.produit.in_(bindparam("spelt", expanding=True)), _jumeau.c.montre, _counted[1]
        )
    ),
    "produit",
    "demarche_numero",
)

_REFUSED = ("refused_sha256", "refused_since", "refused_times", "refused_message")


CATALOGUE = "beta.gouv.fr"
"""The key of the only row of the table `evidence`."""


class EvidenceCopy(NamedTuple):
    """A copy of the catalogue, as stored; `body` is None before the first success."""

    source: str = CATALOGUE
    body: str | None = None
    redirects: str | None = None
    """`{}` when beta.gouv.fr has no such file, None when it could never be read."""
    fetched_at: datetime | None = None
    checked_at: datetime | None = None
    """When the last request was made, whatever its end."""
    etag: str | None = None
    last_modified: str | None = None
    sha256: str | None = None
    url: str | None = None
    """The address that it was fetched from, without credentials."""
    confirmed_at: datetime | None = None
    """When the source last confirmed the copy; None before the first confirmation."""
    refused_sha256: str | None = None
    """Of a newer copy that the safety brake refused, if any."""
    refused_since: datetime | None = None
    refused_times: int | None = None
    refused_message: str | None = None
    """Why it was refused, in French, for analysts."""
    erreur: str | None = None
    """Why the last check failed; None after a success."""


# Half of what a candidature holds.
_UNREAD = ("evaluations", "bilan", "etapes")
_CANDIDATURES = (
    select(Candidature)
    .where(among(_candidature.c.numero, "numbers"))
    .options(*(defer(getattr(Candidature, name)) for name in _UNREAD))
)


def candidatures(
    connection: Connection, numbers: Sequence[DossierNumber]
) -> dict[DossierNumber, Candidature]:
    """Return the candidatures of these dossiers, by number, without what no check reads."""
    with Session(connection) as session:
        found = session.scalars(_CANDIDATURES, {"numbers": numbers})
        return {DossierNumber(candidature.numero): candidature for candidature in found}


_INPUTS = (
    select(
        _candidature.c.numero,
        _candidature.c.page_produit,
        _candidature.c.incubateur,
        _candidature.c.produit_id,
        _candidature.c.par_sa_fiche,
        _verdict.c.preuve,
        _reponse.c.produit,
        _reponse.c.constat,
    )
    .outerjoin(_verdict, (_verdict.c.numero == _candidature.c.numero) & _verdict.c.courant)
    .outerjoin(
        _reponse,
        (_reponse.c.numero == _candidature.c.numero)
        & (_reponse.c.controle == Check.FICHE_PRODUIT.value)
        & (_reponse.c.statut == AnswerStatus.CURRENT.value),
    )
    .where(among(_candidature.c.numero, "numbers"))
    .order_by(_candidature.c.numero)
)


def product_inputs(connection: Connection, numbers: Sequence[DossierNumber]) -> Sequence[Any]:
    """Return what is needed to identify the products of these dossiers, ordered by number.

    That is what the applicant typed, the stored product, the evidence of the current verdict, and
    `produit` with `constat` of a person's answer.
    """
    return connection.execute(_INPUTS, {"numbers": numbers}).all()


def same_product(
    connection: Connection,
    demarche: DemarcheNumber,
    products: Collection[str],
    former: Mapping[str, str] = {},
) -> dict[str, list[DossierNumber]]:
    """Return the first dossiers that count as doublons, by product, in the order of deposits.

    Only dossiers whose product is certain count; also those that were erased here, while DS has
    them: they may be known by an id in `former`, which gives the present one.
    """
    members: dict[str, list[DossierNumber]] = {}
    spelt = [*products, *(old for old, new in former.items() if new in products)]
    found = connection.execute(_SAME_PRODUCT, {"products": [*products], "spelt": spelt})
    for row in found:
        if row.demarche_numero == demarche:
            members.setdefault(former.get(row.produit, row.produit), []).append(row.numero)
    return {product: numbers[:FIRST] for product, numbers in members.items()}


def certain_products(
    connection: Connection, numbers: Sequence[DossierNumber]
) -> dict[DossierNumber, str]:
    """Return the products of these dossiers, where they are certain."""
    rows = connection.execute(
        select(_candidature.c.numero, _candidature.c.produit_id).where(
            among(_candidature.c.numero, numbers),
            _candidature.c.produit_id.is_not(None),
            _candidature.c.par_sa_fiche,
        )
    )
    return {DossierNumber(numero): product for numero, product in rows}


_PRODUCTS = (
    select(_own.c.produit_id)
    .join(_its, _its.c.numero == _own.c.numero)
    .where(among(_own.c.numero, "numbers"), _own.c.produit_id.is_not(None), _IS_FIRST)
    .union_all(select(_jumeau.c.produit).where(among(_jumeau.c.numero, "numbers")))
)
RELATED = select(_dossier.c.numero).where(
    # Not a join alone: SQLite would go through all dossiers of the démarche.
    _dossier.c.numero.in_(
        select(_candidature.c.numero).where(_candidature.c.produit_id.in_(_PRODUCTS))
    ),
    _dossier.c.demarche_numero == bindparam("demarche"),
    is_shown(OPEN_ETATS),
)
"""Selects the open dossiers of a `demarche` whose verdicts rest on `numbers`, the erased ones
included."""


# SQLite has no median. Integer division selects the middle row, or the two middle ones of an even
# number, which `avg` joins.
_MEDIANS = text(
    """
    SELECT r.etape, avg(r.jours)
    FROM (
        SELECT
            e.etape,
            e.jours,
            row_number() OVER (PARTITION BY e.etape ORDER BY e.jours) AS rang,
            count(*) OVER (PARTITION BY e.etape) AS nombre
        FROM lecture_etape AS e
        JOIN dossier AS d ON d.numero = e.numero
        WHERE d.demarche_numero = :demarche AND d.presence = 'present' AND e.au IS NOT NULL
    ) AS r
    WHERE r.rang IN ((r.nombre + 1) / 2, (r.nombre + 2) / 2)
    GROUP BY r.etape
    """
)


def median_days(connection: Connection, demarche: DemarcheNumber) -> dict[str, float]:
    """Return the median days that present dossiers spent in each stage that they have left."""
    rows = connection.execute(_MEDIANS, {"demarche": demarche})
    return {INDICATEURS[etape]: float(jours) for etape, jours in rows if etape in INDICATEURS}


def forget_enterprises(connection: Connection, numbers: Sequence[DossierNumber]) -> None:
    """Delete the registry's answers for applicants without another dossier."""
    # Without NULL: `NOT IN` with one matches nothing.
    others = select(_dossier.c.siren).where(
        _dossier.c.siren.is_not(None), _dossier.c.numero.not_in(numbers)
    )
    theirs = select(_dossier.c.siren).where(among(_dossier.c.numero, numbers))
    siren = evidence_tables.registre.c.siren
    connection.execute(
        delete(evidence_tables.registre).where(siren.in_(theirs), siren.not_in(others))
    )


def evidence(connection: Connection) -> EvidenceCopy | None:
    """Return the stored state of the catalogue, or None when it was never fetched."""
    table = evidence_tables.evidence
    row = connection.execute(select(table).where(table.c.source == CATALOGUE)).one_or_none()
    return None if row is None else EvidenceCopy(**row._asdict())


def registry(
    connection: Connection, sirens: Iterable[str], now: datetime
) -> dict[str, RegistryAnswer]:
    """Return the registry's answers that have not expired, by SIREN.

    Answers from the future do not count: the clock was ahead.
    """
    table = evidence_tables.registre
    return {
        row.siren: row.answer
        for row in connection.execute(
            select(table.c.siren, table.c.answer).where(
                table.c.siren.in_(sirens),
                table.c.expires_at > now,
                table.c.fetched_at <= now + CLOCK_TOLERANCE,
            )
        )
    }


def known_products(connection: Connection) -> tuple[KnownProduct, ...]:
    """Return every product that was ever published, ordered by id."""
    table = evidence_tables.produit
    columns = [table.c[name] for name in KnownProduct._fields]
    rows = connection.execute(select(*columns).order_by(table.c.id))
    return tuple(KnownProduct(*row) for row in rows)


def product_names(connection: Connection) -> dict[str, str]:
    """Return the name of every product that was ever published, by id."""
    table = evidence_tables.produit
    return {id_: nom for id_, nom in connection.execute(select(table.c.id, table.c.nom))}


def save_evidence(
    connection: Connection, copy: EvidenceCopy, now: datetime, erreur: str | None = None
) -> None:
    """Store a copy as the last good one, confirmed at `now`; `erreur`: what of it was not read."""
    row = copy._asdict() | {"checked_at": now, "confirmed_at": now, **dict.fromkeys(_REFUSED)}
    row["erreur"] = erreur
    upsert(connection, evidence_tables.evidence, [row])


def save_products(connection: Connection, products: Iterable[KnownProduct]) -> None:
    """Insert or update products; others are unchanged."""
    rows = [
        {**one._asdict(), "recherche": searchable(one.id, one.nom, *one.anciens_noms)}
        for one in products
    ]
    upsert(connection, evidence_tables.produit, rows)


def of_products(connection: Connection, ids: Iterable[str]) -> Sequence[int]:
    """Return the dossiers, of any démarche, whose answer names one of these products."""
    theirs = _candidature.c.produit_id.in_([*ids])
    return connection.scalars(select(_candidature.c.numero).where(theirs)).all()


def save_evidence_check(
    connection: Connection, now: datetime, erreur: str | None = None, *, is_confirmed: bool
) -> None:
    """Store a check without a new copy: what failed, and whether the source confirmed the copy."""
    row: dict[str, Any] = {"source": CATALOGUE, "checked_at": now, "erreur": erreur}
    if is_confirmed:
        # The source publishes the good copy again, so there is nothing left to accept.
        row |= {"confirmed_at": now, **dict.fromkeys(_REFUSED)}
    upsert(connection, evidence_tables.evidence, [row])


def save_evidence_refusal(
    connection: Connection, now: datetime, *, sha256: str | None, erreur: str, message: str
) -> None:
    """Store that the safety brake refused a newer copy; the last good copy is unchanged.

    `sha256` is of the refused copy; `erreur` is the reason with the remedy, for operators, and
    `message` the same in French, for analysts.
    """
    before = evidence(connection)
    since = before.refused_since if before else None
    times = (before.refused_times if before else None) or 0
    # The date of the first refusal stays: it tells since when an operator is waited for.
    values = (sha256, since or now, times + 1, message)
    row = {"source": CATALOGUE, "checked_at": now, "erreur": erreur}
    row |= dict(zip(_REFUSED, values, strict=True))
    upsert(connection, evidence_tables.evidence, [row])


def save_registry(
    connection: Connection,
    answers: Iterable[RegistryAnswer],
    *,
    fetched_at: datetime,
    expires_at: datetime,
) -> None:
    """Store answers of the registry, which are used until `expires_at`."""
    times = {"fetched_at": fetched_at, "expires_at": expires_at}
    rows = [{"siren": answer.siren, "answer": answer, **times} for answer in answers]
    upsert(connection, evidence_tables.registre, rows)

"""The invented dossiers of the sandbox's démarche aap-eig7.

Dossier k depends on the seed, on k and on `now`, not on the number of dossiers.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from dsync.sandbox.content import applicants, notes
from dsync.sandbox.content.cases import Case, DraftSeed, case_of, situation_of, twin_of
from dsync.sandbox.content.catalogue import INCUBATORS, ProductSeed, family, slugify
from dsync.sandbox.content.form import (
    CAS_INTERNALISER,
    CAS_LANCER,
    FORM,
    PROFIL_PRODUIT,
    PROFIL_TECHNIQUE,
)
from dsync.sandbox.content.rng import SeededRandom
from dsync.sandbox.content.texts import NASTY_LINES, NASTY_TEXTS, paragraph
from dsync.sandbox.world.model import FileSeed, ServedDossier, State, VirusScan

FIRST_NUMBER = 18_600_001
"""The number of dossier 0."""

_WITHOUT_HUMANS = 12
"""Number of first dossiers, shown by `dsync demo`, whose pre-check annotations are empty."""

_DECLARED = {
    "investigation": "Investigation",
    "construction": "Construction",
    "acceleration": "Accélération",
    **dict.fromkeys(("success", "opere", "consolidation"), "Pérennisé"),
    **dict.fromkeys(("transfer", "transfere"), "Transfert"),
}
_INCUBATEURS = {id_: option for id_, _, option in INCUBATORS}
_TEXTAREAS = {
    4105: "probleme",
    4106: "politique",
    **dict.fromkeys((4502, 4503), "pilotage"),
    **dict.fromkeys((4602, 4603, 4604), "objectifs"),
}
_ENTITES = (
    "Sous-direction des services numériques",
    "Mission innovation",
    "Bureau des usages",
    "Département produits",
    "Pôle transformation",
)
_SCANS: tuple[tuple[VirusScan, int], ...] = (("safe", 94), ("pending", 4), ("infected", 2))
_PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


def dossiers(seed: int, count: int, *, now: datetime) -> list[ServedDossier]:
    """Return the first `count` dossiers of a seed, as they are at `now` (aware)."""
    return [dossier(seed, rank, now=now) for rank in range(count)]


def dossier(seed: int, rank: int, *, now: datetime) -> ServedDossier:
    """Return one dossier; `why` names the case that it illustrates."""
    case, ordinal = case_of(seed, rank)
    state, presence = situation_of(seed, rank)
    rng = SeededRandom(seed, "dossier", rank)
    draft = _draft(rng, case, ordinal, _product(seed, rank))
    depose_at = min(draft.depose_at, now)
    en_instruction_at, traite_at, updated_at = _dates(rng, state, depose_at, now)
    usager = f"usager-{FIRST_NUMBER + rank}@example.gouv.fr"
    precheck, labels = notes.human_precheck(rng, state, updated_at)
    if rank < _WITHOUT_HUMANS:
        precheck, labels = {}, []
    prenom, nom = applicants.person(rng)
    by_third_party = rng.chance(0.04)
    written = notes.notes(rng, state, en_instruction_at, updated_at, draft.product.name)
    return ServedDossier(
        number=FIRST_NUMBER + rank,
        state=state,
        depose_at=depose_at,
        en_construction_at=depose_at,
        en_instruction_at=en_instruction_at,
        traite_at=traite_at,
        updated_at=updated_at,
        demandeur=draft.demandeur,
        usager_email=usager,
        champs=_champs(draft),
        annotations=written | precheck,
        archived=rng.chance(0.02 if state.startswith("en_") else 0.15),
        labels=labels,
        motivation=notes.motivation(rng, state),
        messages=notes.messages(rng, depose_at, updated_at, usager),
        avis=notes.avis(rng, en_instruction_at, updated_at),
        revision=_revision_at(traite_at),
        prefilled=rng.chance(0.06),
        depose_par_un_tiers=by_third_party,
        prenom_mandataire=prenom if by_third_party else None,
        nom_mandataire=nom if by_third_party else None,
        presence=presence,
        why=draft.why,
    )


def _product(seed: int, rank: int) -> ProductSeed:
    """Return the dossier's product; a doublon has the one of an earlier dossier."""
    if case_of(seed, rank)[0].twin:
        twin = twin_of(seed, rank)
        if twin is not None:
            return _product(seed, twin)
    pool = family("suivi")
    return pool[rank % len(pool)]


def _draft(rng: SeededRandom, case: Case, ordinal: int, product: ProductSeed) -> DraftSeed:
    profils = [PROFIL_PRODUIT, PROFIL_TECHNIQUE]
    draft = DraftSeed(
        rng=rng,
        ordinal=ordinal,
        demandeur=applicants.eligible(rng),
        product=product,
        depose_at=_deposit(rng),
        profils=profils if rng.chance(0.4) else [rng.pick(profils)],
        nasty=rng.chance(0.02),
        why=f"{case.expected} : {case.why}",
    )
    draft.take(product)
    draft.apply(case)
    if draft.cas is None:
        open_and_measured = draft.product.has_stats and draft.product.has_repository
        wants_steering = open_and_measured and rng.chance(0.4)
        draft.cas = CAS_INTERNALISER if wants_steering else CAS_LANCER
    return draft


def _champs(draft: DraftSeed) -> dict[int, Any]:
    rng, name = draft.rng, draft.product.name
    values: dict[int, Any] = {
        4102: draft.address,
        4103: draft.phase or _declared_phase(draft),
        4104: "Autre incubateur" if rng.chance(0.05) else _INCUBATEURS[draft.product.incubator],
        4202: rng.pick(_ENTITES),
        4402: draft.cas,
        4403: _voeux(draft),
    }
    place = rng.pick(applicants.DATA["places"])
    values[4203] = {"code": place[0], "name": place[1]}
    values[4204] = applicants.place_address(place, rng.between(1, 99))
    values |= _contacts(rng)
    values |= {stable_id: paragraph(rng, topic, name) for stable_id, topic in _TEXTAREAS.items()}
    if rng.chance(0.4):
        values[4605] = _letters(rng)
    for optional in (4305, 4307, 4309, 4604):
        if rng.chance(0.2):
            del values[optional]
    if draft.nasty:
        values |= _nasty(draft.ordinal, values)
    if not draft.address:
        draft.missing.add(4102)
    return {stable_id: v for stable_id, v in values.items() if stable_id not in draft.missing}


def _declared_phase(draft: DraftSeed) -> str:
    observed = draft.product.phase_at(draft.depose_at.date().isoformat())
    return _DECLARED.get(slugify(observed or "investigation"), "Accélération")


def _voeux(draft: DraftSeed) -> list[dict[int, Any]]:
    """Return one row for each profile.

    DS creates an empty first row: it stays alone without a profile, and sometimes before others.
    """
    if not draft.profils:
        return [{}]
    ranks = list(range(1, len(draft.profils) + 1))
    if draft.rng.chance(0.15):
        ranks.reverse()
    left_empty: list[dict[int, Any]] = [{}] if draft.rng.chance(0.03) else []
    return left_empty + [
        {4404: profil, 4405: rank, 4406: paragraph(draft.rng, "objectifs", draft.product.name)}
        for profil, rank in zip(draft.profils, ranks, strict=True)
    ]


def _contacts(rng: SeededRandom) -> dict[int, str]:
    sponsor, contact = applicants.person(rng), applicants.person(rng)
    return {
        4302: f"{sponsor[0]} {sponsor[1].upper()}",
        4303: rng.pick(("Directrice générale", "Sous-directeur", "Cheffe de service")),
        4304: applicants.mail(*sponsor),
        4305: applicants.phone(rng),
        4306: f"{contact[1]} {contact[0]}",
        4307: rng.pick(("Responsable produit", "Chargée de mission", "Intrapreneur")),
        4308: applicants.mail(*contact),
        4309: applicants.phone(rng),
    }


def _letters(rng: SeededRandom) -> list[FileSeed]:
    """Return one or two files; a few of them are still being scanned, or infected."""
    mark = b"%% lettre %d\n" % rng.below(1_000_000)
    scan = rng.weighted(_SCANS)
    files = [FileSeed("lettre de soutien.pdf", "application/pdf", _PDF + mark, scan)]
    if rng.chance(0.1):
        note = "Précisions « à joindre » à la lettre.\r\n".encode() + mark
        files.append(FileSeed("précisions (n° 2).txt", "text/plain", note))
    return files


def _nasty(ordinal: int, values: dict[int, Any]) -> dict[int, str]:
    """Return four of the unusual texts for long champs and three for short ones, in turn."""
    long_ids = [stable_id for stable_id in _TEXTAREAS if stable_id in values][:4]
    texts = {
        stable_id: NASTY_TEXTS[(ordinal * 4 + i) % len(NASTY_TEXTS)]
        for i, stable_id in enumerate(long_ids)
    }
    lines = {
        stable_id: NASTY_LINES[(ordinal * 3 + i) % len(NASTY_LINES)]
        for i, stable_id in enumerate((4202, 4302, 4303))
    }
    return texts | lines


_BULK_EDITS = (
    datetime(2024, 7, 1, 3, 0, tzinfo=UTC),
    datetime(2025, 2, 3, 3, 0, tzinfo=UTC),
    datetime(2025, 10, 6, 3, 0, tzinfo=UTC),
)
"""Instants at which many dossiers were changed at once: they have the same last change."""

_FIRST_DEPOSIT = datetime(2024, 1, 2, tzinfo=UTC)


def _deposit(rng: SeededRandom) -> datetime:
    """Return an instant of 2024 in office hours; a fifth of them in the call's last weeks."""
    day = rng.between(300, 362) if rng.chance(0.2) else rng.below(363)
    return _after(rng, _FIRST_DEPOSIT + timedelta(days=day), 6, 18)


def _after(rng: SeededRandom, moment: datetime, least: int, most: int) -> datetime:
    """Return an instant between `least` and `most` hours after another one."""
    hours = rng.between(least, most)
    return moment + timedelta(
        hours=hours, seconds=rng.below(3600), microseconds=rng.below(1_000_000)
    )


def _dates(
    rng: SeededRandom, state: State, depose_at: datetime, now: datetime
) -> tuple[datetime | None, datetime | None, datetime]:
    """Return when a dossier went into instruction, was decided and last changed; at most `now`."""
    en_instruction_at = traite_at = None
    if state != "en_construction":
        en_instruction_at = min(_after(rng, depose_at, 1, 24 * 25), now)
    if en_instruction_at and state != "en_instruction":
        traite_at = min(_after(rng, en_instruction_at, 1, 24 * 60), now)
    last = traite_at or en_instruction_at or depose_at
    return en_instruction_at, traite_at, _last_change(rng, last, now)


def _last_change(rng: SeededRandom, last: datetime, now: datetime) -> datetime:
    kind = rng.below(100)
    if kind < 6:
        for moment in _BULK_EDITS:
            if last <= moment <= now:
                return moment
    if kind < 10:
        last = max(last, now - timedelta(days=30))
    return min(_after(rng, last, 1, 24 * 20), now)


def _revision_at(traite_at: datetime | None) -> int:
    """Return the index of a dossier's revision: DS moves open dossiers to each new one."""
    dates = [revision.date_publication for revision in FORM.revisions]
    if traite_at is None:
        return len(dates) - 1
    return max(sum(1 for moment in dates if moment and moment <= traite_at) - 1, 0)

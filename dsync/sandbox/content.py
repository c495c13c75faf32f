"""The dossiers of the sandbox's démarche aap-eig7: invented, plausible, the same from a seed.

Dossier k depends on the seed, on k and on `now`, never on how many are asked for.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from dsync.sandbox import applicants, evaluation, lifecycle
from dsync.sandbox.deck import Standing, case_of, standing_of, twin_of
from dsync.sandbox.dice import Dice
from dsync.sandbox.draft import Case, Draft
from dsync.sandbox.form import CAS_INTERNALISER, CAS_LANCER, PROFIL_PRODUIT, PROFIL_TECHNIQUE
from dsync.sandbox.products import INCUBATORS, Product, family, slugify
from dsync.sandbox.seed import DossierSeed, FileSeed, VirusScan
from dsync.sandbox.texts import NASTY_LINES, NASTY_TEXTS, paragraph
from dsync.sandbox.zoo import zoo_dossiers

__all__ = ["FIRST_NUMBER", "dossier", "dossiers", "zoo_dossiers"]

FIRST_NUMBER = 18_600_001
"""The number of dossier 0."""

_DECLARED = {
    "investigation": "Investigation",
    "construction": "Construction",
    "acceleration": "Accélération",
    "success": "Pérennisé",
    "opere": "Pérennisé",
    "consolidation": "Pérennisé",
    "transfer": "Transfert",
    "transfere": "Transfert",
}
_INCUBATEURS = {id_: option for id_, _, option in INCUBATORS}
_TEXTAREAS = (
    (4105, "probleme"),
    (4106, "politique"),
    (4502, "pilotage"),
    (4503, "pilotage"),
    (4602, "objectifs"),
    (4603, "objectifs"),
    (4604, "objectifs"),
)
_ENTITES = (
    "Sous-direction des services numériques",
    "Mission innovation",
    "Bureau des usages",
    "Département produits",
    "Pôle transformation",
)
_SCANS: tuple[tuple[VirusScan, int], ...] = (("safe", 94), ("pending", 4), ("infected", 2))
_PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


def dossiers(seed: int, count: int, *, now: datetime) -> list[DossierSeed]:
    """Return the first `count` dossiers of a seed, as they stand at `now` (aware)."""
    return [dossier(seed, rank, now=now) for rank in range(count)]


def dossier(seed: int, rank: int, *, now: datetime) -> DossierSeed:
    """Return one dossier; the case it illustrates is in `why`."""
    case, ordinal = case_of(seed, rank)
    standing = standing_of(seed, rank)
    dice = Dice(seed, "dossier", rank)
    draft = _draft(dice, case, ordinal, _product(seed, rank))
    dates = lifecycle.dates(dice, standing.state, draft.depose_at, now)
    since = dates.en_instruction_at
    number = FIRST_NUMBER + rank
    usager = f"usager-{number}@example.gouv.fr"
    state = standing.state
    precheck, labels = evaluation.human_precheck(dice, state, dates.updated_at)
    if rank < _SPREAD_WITHOUT_HUMANS:
        precheck, labels = {}, []
    prenom, nom = applicants.person(dice)
    by_third_party = dice.chance(0.04)
    notes = evaluation.notes(dice, state, since, dates.updated_at, draft.product.name)
    return DossierSeed(
        number=number,
        state=state,
        depose_at=dates.depose_at,
        en_construction_at=dates.depose_at,
        en_instruction_at=since,
        traite_at=dates.traite_at,
        updated_at=dates.updated_at,
        demandeur=draft.demandeur,
        usager_email=usager,
        champs=_champs(draft),
        annotations=notes | precheck,
        archived=_is_archived(dice, standing),
        labels=labels,
        motivation=evaluation.motivation(dice, state),
        messages=evaluation.messages(dice, dates.depose_at, dates.updated_at, usager),
        avis=evaluation.avis(dice, since, dates.updated_at),
        revision=lifecycle.revision_at(dates.traite_at),
        prefilled=dice.chance(0.06),
        depose_par_un_tiers=by_third_party,
        prenom_mandataire=prenom if by_third_party else None,
        nom_mandataire=nom if by_third_party else None,
        presence=standing.presence,
        why=draft.why,
    )


_SPREAD_WITHOUT_HUMANS = 12
"""No human has pre-checked the dossiers that the demonstration shows first."""


def _product(seed: int, rank: int) -> Product:
    """Return a product of the dossier's own, or for a doublon the other dossier's."""
    if case_of(seed, rank)[0].twin:
        twin = twin_of(seed, rank)
        if twin is not None:
            return _product(seed, twin)
    pool = family("suivi")
    return pool[rank % len(pool)]


def _draft(dice: Dice, case: Case, ordinal: int, product: Product) -> Draft:
    profils = [PROFIL_PRODUIT, PROFIL_TECHNIQUE]
    draft = Draft(
        dice=dice,
        ordinal=ordinal,
        demandeur=applicants.eligible(dice),
        product=product,
        depose_at=lifecycle.deposit(dice),
        profils=profils if dice.chance(0.4) else [dice.pick(profils)],
        nasty=dice.chance(0.02),
        why=f"{case.expected} : {case.why}",
    )
    draft.take(product)
    case.apply(draft)
    if draft.cas is None:
        open_and_measured = draft.product.has_stats and draft.product.has_repository
        wants_steering = open_and_measured and dice.chance(0.4)
        draft.cas = CAS_INTERNALISER if wants_steering else CAS_LANCER
    return draft


def _is_archived(dice: Dice, standing: Standing) -> bool:
    return dice.chance(0.02 if standing.state.startswith("en_") else 0.15)


def _champs(draft: Draft) -> dict[int, Any]:
    dice, name = draft.dice, draft.product.name
    values: dict[int, Any] = {
        4102: draft.address,
        4103: draft.phase or _declared_phase(draft),
        4104: "Autre incubateur" if dice.chance(0.05) else _INCUBATEURS[draft.product.incubator],
        4202: dice.pick(_ENTITES),
        4402: draft.cas,
        4403: _voeux(draft),
    }
    place = dice.pick(applicants.PLACES)
    values[4203] = {"code": place[0], "name": place[1]}
    values[4204] = applicants.place_address(place, dice.between(1, 99))
    values |= _contacts(dice)
    values |= {stable_id: paragraph(dice, topic, name) for stable_id, topic in _TEXTAREAS}
    if dice.chance(0.4):
        values[4605] = _letters(dice)
    for optional in (4305, 4307, 4309, 4604):
        if dice.chance(0.2):
            del values[optional]
    if draft.nasty:
        values |= _nasty(draft.ordinal, values)
    if not draft.address:
        draft.missing.add(4102)
    return {stable_id: v for stable_id, v in values.items() if stable_id not in draft.missing}


def _declared_phase(draft: Draft) -> str:
    observed = draft.product.phase_at(draft.depose_at.date().isoformat())
    return _DECLARED.get(slugify(observed or "investigation"), "Accélération")


def _voeux(draft: Draft) -> list[dict[int, Any]]:
    """Return a row a profile; the empty row that the platform puts there alone, or unused first."""
    if not draft.profils:
        return [{}]
    ranks = list(range(1, len(draft.profils) + 1))
    if draft.dice.chance(0.15):
        ranks.reverse()
    left_empty: list[dict[int, Any]] = [{}] if draft.dice.chance(0.03) else []
    return left_empty + [
        {
            4404: profil,
            4405: rank,
            4406: paragraph(draft.dice, "objectifs", draft.product.name),
        }
        for profil, rank in zip(draft.profils, ranks, strict=True)
    ]


def _contacts(dice: Dice) -> dict[int, str]:
    sponsor, contact = applicants.person(dice), applicants.person(dice)
    return {
        4302: f"{sponsor[0]} {sponsor[1].upper()}",
        4303: dice.pick(("Directrice générale", "Sous-directeur", "Cheffe de service")),
        4304: applicants.mail(*sponsor),
        4305: applicants.phone(dice),
        4306: f"{contact[1]} {contact[0]}",
        4307: dice.pick(("Responsable produit", "Chargée de mission", "Intrapreneur")),
        4308: applicants.mail(*contact),
        4309: applicants.phone(dice),
    }


def _letters(dice: Dice) -> list[FileSeed]:
    """Return a letter, at times a second file; the virus scan of some is not over, or alarming."""
    mark = b"%% lettre %d\n" % dice.below(1_000_000)
    scan = dice.weighted(_SCANS)
    files = [FileSeed("lettre de soutien.pdf", "application/pdf", _PDF + mark, scan)]
    if dice.chance(0.1):
        note = "Précisions « à joindre » à la lettre.\r\n".encode() + mark
        files.append(FileSeed("précisions (n° 2).txt", "text/plain", note))
    return files


def _nasty(ordinal: int, values: dict[int, Any]) -> dict[int, str]:
    """Put four of the nasty texts into long champs and three into short ones, in turn."""
    long_ids = [stable_id for stable_id, _ in _TEXTAREAS if stable_id in values][:4]
    texts = {
        stable_id: NASTY_TEXTS[(ordinal * 4 + i) % len(NASTY_TEXTS)]
        for i, stable_id in enumerate(long_ids)
    }
    lines = {
        stable_id: NASTY_LINES[(ordinal * 3 + i) % len(NASTY_LINES)]
        for i, stable_id in enumerate((4202, 4302, 4303))
    }
    return texts | lines

"""The invented dossiers of the sandbox's démarche aap-eig7, each with its case of the rules.

Twelve fixed cases come first, then shuffled blocks of 300. Dossier k depends on the seed, on k and
on `now`, not on the number of dossiers. The sandbox computes no verdict.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, TypeVar
from urllib.parse import quote

from dsync.sandbox.content import aap_eig7, applicants, products
from dsync.sandbox.content.aap_eig7 import CAS_INTERNALISER, CAS_LANCER, FORM, PROFILS
from dsync.sandbox.content.applicants import NASTY_LINES, NASTY_TEXTS, paragraph
from dsync.sandbox.content.rng import SeededRandom, load
from dsync.sandbox.model import FileSeed, Presence, SentMessage, ServedDossier, State, VirusScan


@dataclass(frozen=True, slots=True)
class Case:
    """One case of the rules, as a change to an eligible application; see `data/cases.toml`."""

    expected: str
    """The verdict that the shipped rules should give."""
    name: str
    weight: int
    why: str
    twin: str
    """For a doublon: active, closed or again, the kind of dossier whose product it repeats."""
    changes: dict[str, Any]


def _case(expected: str, *, twin: str = "", **row: Any) -> Case:
    return Case(expected, row.pop("name"), row.pop("weight"), row.pop("why"), twin, row)


_DATA = load("cases")
CASES = [
    _case(**{"expected": expected} | row)
    for expected, rows in _DATA["cases"].items()
    for row in rows
]
ELIGIBLE = [case for case in CASES if case.expected == "Éligible"]
_FIRST: list[tuple[str, int, State]] = _DATA["first"]
_STATES: list[tuple[State, int]] = _DATA["states"]
_ALWAYS_PRESENT = 40
"""Number of first dossiers that are never hidden: a small sandbox shows all of them."""
_ACTIVE = ("en_construction", "en_instruction", "accepte")
_BY_NAME = {case.name: case for case in CASES}
_DECK_SIZE = sum(case.weight for case in CASES)


@lru_cache(maxsize=64)
def _deck(seed: int, block: int) -> list[tuple[Case, int]]:
    cards = [(case, block * case.weight + i) for case in CASES for i in range(case.weight)]
    return SeededRandom(seed, "deck", block).shuffled(cards)


def case_of(seed: int, rank: int) -> tuple[Case, int]:
    """Return a dossier's case and its ordinal among the dossiers of the same case."""
    if rank < len(_FIRST):
        name, ordinal, _ = _FIRST[rank]
        return _BY_NAME[name], ordinal
    block, position = divmod(rank - len(_FIRST), _DECK_SIZE)
    return _deck(seed, block)[position]


@lru_cache(maxsize=4096)
def situation_of(seed: int, rank: int) -> tuple[State, Presence]:
    """Return a dossier's state and presence; one en_instruction cannot be hidden."""
    if rank < len(_FIRST):
        return _FIRST[rank][2], "present"
    case, _ = case_of(seed, rank)
    rng = SeededRandom(seed, "standing", rank)
    state = rng.weighted(_STATES)
    if case.twin in ("active", "again") and state not in _ACTIVE:
        state = "en_instruction"
    if case.name == "impact_trop_tot":  # Only an open dossier follows the form's new revision.
        state = "en_construction" if state == "en_construction" else "en_instruction"
    if rank < _ALWAYS_PRESENT or case.twin or state == "en_instruction" or not rng.chance(0.05):
        return state, "present"
    if state == "en_construction":
        return state, rng.pick(("masque_usager", "masque_usager", "expire", "supprime"))
    return state, rng.pick(("masque_administration", "expire", "supprime", "masque_usager"))


def twin_of(seed: int, rank: int) -> int | None:
    """Return the rank of the earlier dossier whose product a doublon repeats, None without one."""
    twin = case_of(seed, rank)[0].twin
    names = ("doublon",) if twin == "again" else ("simple", "operateur")
    states = ("refuse", "sans_suite") if twin == "closed" else _ACTIVE
    for earlier in range(rank - 1, max(-1, rank - 1_000), -1):
        state, presence = situation_of(seed, earlier)
        is_visible = presence == "present" and state in states
        if is_visible and case_of(seed, earlier)[0].name in names:
            return earlier
    return None


T = TypeVar("T")
FIRST_NUMBER = 18_600_001
"""The number of dossier 0."""
_WITHOUT_HUMANS = 12
"""Number of first dossiers, shown by `dsync demo`, whose pre-check annotations are empty."""
_PAGE = "https://beta.gouv.fr/startups/{id}.html"
_INCUBATEURS = {id_: option for id_, _, option in products.INCUBATORS}
_TEXTAREAS = {
    4105: "probleme",
    4106: "politique",
    **dict.fromkeys((4502, 4503), "pilotage"),
    **dict.fromkeys((4602, 4603, 4604), "objectifs"),
}
_SCANS: tuple[tuple[VirusScan, int], ...] = (("safe", 94), ("pending", 4), ("infected", 2))
_PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
_FIRST_DEPOSIT = datetime(2024, 1, 2, tzinfo=UTC)
_BULK_EDITS = [datetime(*day, 3, tzinfo=UTC) for day in ((2024, 7, 1), (2025, 2, 3), (2025, 10, 6))]
"""Instants at which many dossiers were changed at once: they have the same last change."""


def dossiers(seed: int, count: int, *, now: datetime, hostile: bool = True) -> list[ServedDossier]:
    """Return the first `count` dossiers of a seed, as they are at `now` (aware).

    If `hostile`, a few have texts that try a program, and not a reader.
    """
    return [dossier(seed, rank, now=now, hostile=hostile) for rank in range(count)]


def dossier(seed: int, rank: int, *, now: datetime, hostile: bool = True) -> ServedDossier:
    """Return one dossier; `why` names the case that it illustrates."""
    case, ordinal = case_of(seed, rank)
    state, presence = situation_of(seed, rank)
    rng = SeededRandom(seed, "dossier", rank)
    made = Application(rng, case, ordinal, _product(seed, rank), hostile=hostile)
    depose_at = min(made.depose_at, now)
    en_instruction_at, traite_at, updated_at = _dates(rng, state, depose_at, now)
    precheck, labels = aap_eig7.human_precheck(rng, state, updated_at)
    if rank < _WITHOUT_HUMANS:
        precheck, labels = {}, []
    prenom, nom = applicants.person(rng)
    by_third_party = rng.chance(0.04)
    written = aap_eig7.notes(rng, state, en_instruction_at, updated_at, made.product.name, hostile)
    return ServedDossier(
        FIRST_NUMBER + rank,
        state,
        depose_at,
        en_instruction_at,
        traite_at,
        updated_at,
        demandeur=made.demandeur,
        usager_email=f"usager-{FIRST_NUMBER + rank}@example.gouv.fr",
        champs=_champs(made),
        annotations=written | precheck,
        archived=rng.chance(0.02 if state.startswith("en_") else 0.15),
        labels=labels,
        motivation=aap_eig7.MOTIVATIONS.get(state) if rng.chance(0.8) else None,
        revision=_revision_at(traite_at),
        prefilled=rng.chance(0.06),
        depose_par_un_tiers=by_third_party,
        prenom_mandataire=prenom if by_third_party else None,
        nom_mandataire=nom if by_third_party else None,
        messages=_messages(rank, depose_at, updated_at),
        presence=presence,
        why=f"{case.expected} : {case.why}",
    )


def _messages(rank: int, depose_at: datetime, updated_at: datetime) -> list[SentMessage]:
    """Return a dossier's messages: a question of the team has mostly been answered."""
    asked = min(depose_at + timedelta(days=2), updated_at)
    answered = min(depose_at + timedelta(days=5), updated_at)
    received = "<p>Bonjour,</p><p>Nous avons bien reçu votre dossier.</p><p>Cordialement</p>"
    question = "Bonjour,\nPouvez-vous préciser le calendrier de votre projet ?"
    answer = "Bonjour,\nLe calendrier est dans le fichier joint. Bien à vous"
    told = [
        SentMessage(depose_at, "system", text=received),
        SentMessage(asked, "agent", text=question),
        SentMessage(answered, "usager", text=answer, files=("calendrier.pdf",)),
    ]
    return {0: [], 1: told[:1], 2: told[:2] if rank % 12 == 6 else told[1:], 3: told}[rank % 4]


def _product(seed: int, rank: int) -> products.ProductSeed:
    """Return the dossier's product; a doublon has the one of an earlier dossier."""
    if case_of(seed, rank)[0].twin:
        twin = twin_of(seed, rank)
        if twin is not None:
            return _product(seed, twin)
    pool = products.family("suivi")
    return pool[rank % len(pool)]


class Application:
    """The answers on which eligibility depends: those of an eligible application, then its case's.

    `ordinal` is the number of earlier dossiers of the same case, which may have another product. If
    `hostile`, there may be texts that try a program.
    """

    def __init__(
        self,
        rng: SeededRandom,
        case: Case,
        ordinal: int,
        product: products.ProductSeed,
        *,
        hostile: bool,
    ) -> None:
        self.rng, self.ordinal, self.product, changes = rng, ordinal, product, case.changes
        self.demandeur = applicants.applicant(rng, "eligible")
        self.depose_at = _deposit(rng)
        usual = [PROFILS["produit"], PROFILS["technique"]]
        self.profils = usual if rng.chance(0.4) else [rng.pick(usual)]
        self.nasty = (rng.chance(0.02) or changes.get("nasty", False)) and hostile
        if "product" in changes:
            pool = products.family(changes["product"])
            rank = ordinal * changes.get("step", 1) + changes.get("offset", 0)
            self.product = pool[rank % len(pool)]
        self.address = _PAGE.format(id=self.product.id)
        if "category" in changes:
            codes = applicants.DATA.get(changes["category"], [changes["category"]])
            self.demandeur = applicants.morale(rng, self._in_turn(codes))
        if "applicant" in changes:
            self.demandeur = applicants.applicant(rng, self._in_turn(changes["applicant"]))
        if "profils" in changes:
            self.profils = [PROFILS[name] for name in self._in_turn(changes["profils"])]
        if "month" in changes:
            day = min(self.depose_at.day, 28)
            self.depose_at = self.depose_at.replace(month=changes["month"], day=day)
        self.depose_at = self._in_turn(changes.get("deposited", [False])) or self.depose_at
        observed = self.product.phase_at(self.depose_at.date().isoformat()) or ""
        self.phase = products.DECLARED_PHASES.get(
            products.slugify(observed or "investigation"), "Accélération"
        )
        if "other_phase" in changes:
            is_investigation = observed.lower() == "investigation"
            self.phase = "Construction" if is_investigation else "Investigation"
        if "address" in changes:
            self.address = self._address_in(self._in_turn(changes["address"]))
        self.incubator_case = changes.get("incubator")
        self.missing = set(self._in_turn(changes.get("missing", [()])))
        self.cas = changes.get("cas", CAS_LANCER)
        open_and_measured = self.product.stats_url and self.product.repository
        if "cas" not in changes and open_and_measured and rng.chance(0.4):
            self.cas = CAS_INTERNALISER

    def incubator(self, *, is_other: bool) -> str:
        """Return the declared incubator: as the case has it, or else as given."""
        if self.incubator_case:
            is_other = self.incubator_case == "other"
        return "Autre incubateur" if is_other else _INCUBATEURS[self.product.incubator]

    def _in_turn(self, choices: Sequence[T]) -> T:
        """Return one of the choices; each dossier of the same case gets the next one."""
        return choices[self.ordinal % len(choices)]

    def _address_in(self, text: str) -> str:
        """Return a text about the product's address, with its braces filled."""
        product = self.product
        return text.format(
            page=self.address,
            upper=self.address.upper(),
            id=product.id,
            quoted=quote(product.id),
            plain=products.without_accents(product.id),
            alias="".join(product.aliases),
            name=product.name,
            site=product.link,
            code=product.repository,
            other=_PAGE.format(id=self._in_turn(products.family("discordant")).id),
            ambiguous=products.AMBIGUOUS_ALIAS,
            chained=products.CHAINED_ALIAS,
        )


def _champs(made: Application) -> dict[int, Any]:
    rng, name, data = made.rng, made.product.name, applicants.DATA
    values: dict[int, Any] = {
        4102: made.address,
        4103: made.phase,
        4104: made.incubator(is_other=rng.chance(0.05)),
        4202: rng.pick(data["entites"]),
        4402: made.cas,
        4403: _voeux(made),
    }
    place = rng.pick(data["places"])
    values[4203] = {"code": place[0], "name": place[1]}
    values[4204] = applicants.place_address(place, rng.between(1, 99))
    sponsor, contact = applicants.person(rng), applicants.person(rng)
    values |= {
        4302: f"{sponsor[0]} {sponsor[1].upper()}",
        4303: rng.pick(data["fonctions_sponsor"]),
        4304: applicants.mail(*sponsor),
        4305: applicants.phone(rng),
        4306: f"{contact[1]} {contact[0]}",
        4307: rng.pick(data["fonctions_contact"]),
        4308: applicants.mail(*contact),
        4309: applicants.phone(rng),
    }
    values |= {stable_id: paragraph(rng, topic, name) for stable_id, topic in _TEXTAREAS.items()}
    if rng.chance(0.4):
        values[4605] = _letters(rng)
    for optional in (4305, 4307, 4309, 4604):
        if rng.chance(0.2):
            del values[optional]
    if made.nasty:  # Four long texts and three lines, other ones for each dossier of the case.
        long_ids = [stable_id for stable_id in _TEXTAREAS if stable_id in values][:4]
        for ids, texts in ((long_ids, NASTY_TEXTS), ([4202, 4302, 4303], NASTY_LINES)):
            for i, stable_id in enumerate(ids, made.ordinal * len(ids)):
                values[stable_id] = texts[i % len(texts)]
    if not made.address:
        made.missing.add(4102)
    return {stable_id: v for stable_id, v in values.items() if stable_id not in made.missing}


def _voeux(made: Application) -> list[dict[int, Any]]:
    """Return one row for each profile.

    DS creates an empty first row: it stays alone without a profile, and sometimes before others.
    """
    if not made.profils:
        return [{}]
    ranks = list(range(1, len(made.profils) + 1))
    if made.rng.chance(0.15):
        ranks.reverse()
    left_empty: list[dict[int, Any]] = [{}] if made.rng.chance(0.03) else []
    return left_empty + [
        {4404: profil, 4405: rank, 4406: paragraph(made.rng, "objectifs", made.product.name)}
        for profil, rank in zip(made.profils, ranks, strict=True)
    ]


def _letters(rng: SeededRandom) -> list[FileSeed]:
    """Return one or two files; a few of them are still being scanned, or infected."""
    mark = b"%% lettre %d\n" % rng.below(1_000_000)
    scan = rng.weighted(_SCANS)
    files = [FileSeed("lettre de soutien.pdf", "application/pdf", _PDF + mark, scan)]
    if rng.chance(0.1):
        note = "Précisions « à joindre » à la lettre.\r\n".encode() + mark
        files.append(FileSeed("précisions (n° 2).txt", "text/plain", note))
    return files


def _deposit(rng: SeededRandom) -> datetime:
    """Return an instant of 2024 in office hours; a fifth of them in the call's last weeks."""
    day = rng.between(300, 362) if rng.chance(0.2) else rng.below(363)
    return _after(rng, _FIRST_DEPOSIT + timedelta(days=day), 6, 18)


def _after(rng: SeededRandom, moment: datetime, least: int, most: int) -> datetime:
    """Return an instant between `least` and `most` hours after another one."""
    hours, seconds = rng.between(least, most), rng.below(3600)
    return moment + timedelta(hours=hours, seconds=seconds, microseconds=rng.below(1_000_000))


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
    kind = rng.below(100)
    bulk = [moment for moment in _BULK_EDITS if last <= moment <= now]
    if kind < 6 and bulk:
        return en_instruction_at, traite_at, bulk[0]
    if kind < 10:
        last = max(last, now - timedelta(days=30))
    return en_instruction_at, traite_at, min(_after(rng, last, 1, 24 * 20), now)


def _revision_at(traite_at: datetime | None) -> int:
    """Return the index of a dossier's revision: DS moves open dossiers to each new one."""
    dates = [revision.date_publication for revision in FORM.revisions]
    if traite_at is None:
        return len(dates) - 1
    return max(sum(1 for moment in dates if moment and moment <= traite_at) - 1, 0)

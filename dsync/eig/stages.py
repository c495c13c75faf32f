"""The stages of a candidature, from its deposit to the start of work, with their instants.

They follow from the dossier's traitements, the corrections that were asked for, and the dates in
the annotations. A stage lasts until the next one begins: there is neither a gap nor an overlap.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple

from msgspec import Struct

from dsync.domain.documented import Code
from dsync.domain.dossier import Correction, Dossier, Etat, midnight

STAGES_REVISION = 1
"""Raise it with a change of these rules: all rows are then written again by the next full read."""


class Etape(Code):
    """A stage, as the view `lecture_etape` names it."""

    EN_CONSTRUCTION = "En construction", "", "Déposé ; le candidat peut encore le modifier."
    CORRECTION = "Correction attendue", "", "Une correction est demandée au candidat."
    EN_INSTRUCTION = "En instruction", "", "À l’étude, avant le jour du jury."
    JURY = "Jury", "", "Le jour du jury est venu ; décision attendue."
    ACCEPTE = "Accepté", "", "Décision favorable ; convention à signer."
    CONVENTION = (
        "Convention signée",
        "",
        "Convention de partenariat signée ; candidatures à présenter.",
    )
    CANDIDATURES = (
        "Candidatures présentées",
        "",
        "Candidatures présentées à l’administration ; entretiens à tenir.",
    )
    ENTRETIENS = "Entretiens tenus", "", "Entretiens conjoints tenus ; prise de poste à venir."
    EN_POSTE = "En poste", "", "La personne recrutée a pris son poste."
    REFUSE = "Refusé", "", "Décision défavorable."
    SANS_SUITE = "Sans suite", "", "Classé sans suite par l’équipe du programme."


DECISION = "Décision"
"""The next step after the jury: which stage it begins is not known before."""


class Attend(Code):
    """Who has to act for the next step, as the view `lecture_suivi` names them."""

    USAGER = "usager", "Le candidat", "Au candidat de corriger son dossier, ou de répondre."
    INSTRUCTEUR = (
        "instructeur",
        "L’équipe",
        "À l’équipe du programme d’agir : instruire, ou présenter les candidatures.",
    )
    JURY = "jury", "Le jury", "Le jury est fixé, ou sa décision est attendue."
    ADMINISTRATION = (
        "administration",
        "L’administration",
        "À l’administration candidate, acceptée, d’agir : convention, entretiens, prise de poste.",
    )
    PERSONNE = "personne", "Personne", "Rien n’est attendu : le parcours est terminé."


class Suite(NamedTuple):
    """What follows a stage."""

    prochaine_etape: str | None
    """The next stage, or `DECISION`; None after the last one."""
    attend: Attend


SUITES: Mapping[Etape, Suite] = {
    Etape.EN_CONSTRUCTION: Suite(Etape.EN_INSTRUCTION, Attend.INSTRUCTEUR),
    Etape.CORRECTION: Suite(Etape.EN_INSTRUCTION, Attend.USAGER),
    Etape.EN_INSTRUCTION: Suite(Etape.JURY, Attend.INSTRUCTEUR),
    Etape.JURY: Suite(DECISION, Attend.JURY),
    Etape.ACCEPTE: Suite(Etape.CONVENTION, Attend.ADMINISTRATION),
    Etape.CONVENTION: Suite(Etape.CANDIDATURES, Attend.INSTRUCTEUR),
    Etape.CANDIDATURES: Suite(Etape.ENTRETIENS, Attend.ADMINISTRATION),
    Etape.ENTRETIENS: Suite(Etape.EN_POSTE, Attend.ADMINISTRATION),
    Etape.EN_POSTE: Suite(None, Attend.PERSONNE),
    Etape.REFUSE: Suite(None, Attend.PERSONNE),
    Etape.SANS_SUITE: Suite(None, Attend.PERSONNE),
}

INDICATEURS = {
    etape.value: f"jours_{etape.name.lower()}"
    for etape, suite in SUITES.items()
    if suite.prochaine_etape
}
"""The names of the figures, by stage; the last stages have no end."""

DATED: Mapping[Etape, str] = {
    Etape.JURY: "jury_le",
    Etape.CONVENTION: "convention_le",
    Etape.CANDIDATURES: "candidatures_le",
    Etape.ENTRETIENS: "entretiens_le",
    Etape.EN_POSTE: "prise_de_poste_le",
}
"""The stages that begin on the day of an annotation, in order, with the candidature's field."""

_ETATS = {
    "depose": Etat.EN_CONSTRUCTION,
    "repasse_en_construction": Etat.EN_CONSTRUCTION,
    "passe_en_instruction": Etat.EN_INSTRUCTION,
    "passe_en_instruction_automatiquement": Etat.EN_INSTRUCTION,
    "repasse_en_instruction": Etat.EN_INSTRUCTION,
    "accepte": Etat.ACCEPTE,
    "accepte_automatiquement": Etat.ACCEPTE,
    "refuse": Etat.REFUSE,
    "refuse_automatiquement": Etat.REFUSE,
    "classe_sans_suite": Etat.SANS_SUITE,
}
"""The state that each traitement begins; corrections do not change the state."""
_ENDING = {
    "depose_correction_usager",
    *(event for event, etat in _ETATS.items() if etat is not Etat.EN_CONSTRUCTION),
}
"""The traitements that end a correction."""


class Passage(Struct, frozen=True):
    """A stage that a dossier was in, is in, or will be in if the dates hold."""

    rang: int
    """Its place in the dossier's life, from 1."""
    etape: str
    """An `Etape`."""
    du: datetime
    """UTC, without fractions of a second."""
    au: datetime | None
    """When the next one begins; None for the last one."""


def passages_of(
    dossier: Dossier, days: Mapping[Etape, date | None], corrections: Iterable[Correction] = ()
) -> tuple[Passage, ...]:
    """Return the stages of a dossier, in order.

    `days` are those of the annotations, by the stage that they begin, at midnight in Paris;
    `corrections` were asked for before, as far as they are known.
    """
    begin = _second(dossier.date_depot)
    etats = _etats_of(dossier, begin)
    pending = _pending(dossier, corrections)
    # Days that can be an instant in UTC and in both databases.
    usual = {etape: day for etape, day in days.items() if day and 1970 < day.year < 9000}
    reached = {etape: midnight(day) for etape, day in usual.items()}
    instants = {at for at, _ in etats}
    instants.update(reached.values())
    instants.update(at for span in pending for at in span if at)
    begun: list[tuple[datetime, Etape]] = []
    # Days that were typed can lie before the deposit, where the dossier has no stage.
    for at in sorted(at for at in instants if at >= begin):
        etat = next(etat for since, etat in reversed(etats) if since <= at)
        etape = _etape_at(at, etat, reached, pending)
        # Not each instant begins another stage: a date of the recruitment counts after the
        # acceptance only.
        if not begun or begun[-1][1] is not etape:
            begun.append((at, etape))
    ends = [at for at, _ in begun[1:]]
    return tuple(
        Passage(rang, etape, at, end)
        for rang, ((at, etape), end) in enumerate(zip(begun, [*ends, None], strict=True), start=1)
    )


def following(
    passages: Sequence[Passage], at: datetime, jury_le: date | None
) -> tuple[str, str, datetime, datetime | None] | None:
    """Return the stage at an instant, whom it waits for, its begin, and the next one's, if ever.

    As the view `lecture_suivi` says it of a dossier that DS shows.
    """
    begun = [one for one in passages if one.du <= at]
    if not begun:
        return None
    etape, du, fin = begun[-1].etape, begun[-1].du, begun[-1].au
    attend = SUITES[Etape(etape)].attend
    if etape == Etape.EN_INSTRUCTION and jury_le is not None:
        attend = Attend.JURY
    return etape, attend.value, du, fin


def _etape_at(
    at: datetime,
    etat: Etat,
    reached: Mapping[Etape, datetime],
    pending: Sequence[tuple[datetime, datetime | None]],
) -> Etape:
    """Return the stage at an instant; of the recruitment, the furthest one that was reached."""
    match etat:
        case Etat.EN_CONSTRUCTION:
            waits = any(since <= at and (end is None or at < end) for since, end in pending)
            return Etape.CORRECTION if waits else Etape.EN_CONSTRUCTION
        case Etat.EN_INSTRUCTION:
            jury = reached.get(Etape.JURY)
            return Etape.JURY if jury and jury <= at else Etape.EN_INSTRUCTION
        case Etat.ACCEPTE:
            past = [e for e in DATED if e is not Etape.JURY and e in reached and reached[e] <= at]
            return past[-1] if past else Etape.ACCEPTE
        case Etat.REFUSE:
            return Etape.REFUSE
        case Etat.SANS_SUITE:
            return Etape.SANS_SUITE


def _etats_of(dossier: Dossier, begin: datetime) -> list[tuple[datetime, Etat]]:
    """Return the dossier's states with the instants at which they began, in order.

    The traitements can lack the last ones: the dossier's own state and dates then complete them.
    """
    steps = [
        (max(begin, _second(step.date)), _ETATS[step.evenement])
        for step in dossier.traitements
        if step.evenement in _ETATS
    ]
    # Sorted by the instant alone, so that steps of the same second keep DS's order.
    etats = [(begin, Etat.EN_CONSTRUCTION), *sorted(steps, key=lambda step: step[0])]
    missing: list[tuple[datetime | None, Etat]] = []
    last = etats[-1][1]
    # A decided dossier was under instruction first, also when DS's journal lacks that step.
    if last is Etat.EN_CONSTRUCTION and not dossier.is_open and dossier.date_passage_en_instruction:
        missing.append((dossier.date_passage_en_instruction, Etat.EN_INSTRUCTION))
    if last is not dossier.etat:
        own = {
            Etat.EN_CONSTRUCTION: dossier.date_passage_en_construction,
            Etat.EN_INSTRUCTION: dossier.date_passage_en_instruction,
        }
        missing.append((own.get(dossier.etat, dossier.date_traitement), dossier.etat))
    for at, etat in missing:
        at = _second(at or dossier.date_derniere_modification)
        etats.append((max(etats[-1][0], at), etat))
    return etats


def _pending(
    dossier: Dossier, corrections: Iterable[Correction]
) -> list[tuple[datetime, datetime | None]]:
    """Return when corrections were waited for; the end of a pending one is None.

    One ends with the usager's next submission, or when the dossier is taken under instruction. If
    it was withdrawn, it ends with the change by which dsync noticed it.
    """
    present = dossier.date_derniere_correction_en_attente
    spans: list[tuple[datetime, datetime | None]] = []
    if present is not None:
        spans.append((_second(present), None))
    ending = [_second(step.date) for step in dossier.traitements if step.evenement in _ENDING]
    for since, end in corrections:
        since = _second(since)
        # The pending one is also among the corrections that the database has seen.
        if spans and since == spans[0][0]:
            continue
        ends = [*ending, _second(end or dossier.date_derniere_modification)]
        spans.append((since, min((at for at in ends if at > since), default=since)))
    return spans


# DS cuts the dates in its JSON to the second.
def _second(instant: datetime) -> datetime:
    return instant.replace(microsecond=0)


REACHED: Mapping[str, str] = {
    "Déposés": "1 = 1",
    "Passés en instruction": "en_instruction_le IS NOT NULL OR traite_le IS NOT NULL",
    "Jury fixé": "jury_le IS NOT NULL",
    "Acceptés": "etat = 'accepte'",
    "Convention signée": "convention_le IS NOT NULL",
    "Candidatures présentées": "candidatures_le IS NOT NULL",
    "Entretiens tenus": "entretiens_le IS NOT NULL",
    "En poste": "prise_de_poste_le IS NOT NULL",
}
"""What a dossier has reached, as conditions on its row and its candidature's."""

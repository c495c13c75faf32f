"""What instructeurs and évaluateurs wrote into a dossier: annotations, labels, messages, avis."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from dsync.sandbox.content.form import CRITERES, ETAPES, FORM
from dsync.sandbox.content.rng import SeededRandom
from dsync.sandbox.content.texts import NASTY_TEXTS, paragraph
from dsync.sandbox.world.model import State

_INSTRUCTEUR = FORM.groupes["défaut"][0]
_EVALUATEURS = tuple(f"evaluation-{letter}@example.gouv.fr" for letter in "abcde")
MOTIVATIONS = {
    "accepte": "Projet retenu par le jury.",
    "refuse": "Projet non retenu à l’issue de l’évaluation.",
    "sans_suite": "Candidature retirée par l’administration.",
}


def motivation(rng: SeededRandom, state: State) -> str | None:
    """Return the reason given for a final decision, sometimes None."""
    return MOTIVATIONS.get(state) if rng.chance(0.8) else None


def notes(
    rng: SeededRandom, state: State, since: datetime | None, last: datetime, name: str
) -> dict[int, Any]:
    """Return the annotations of selection and recruitment, by stable id.

    The evaluation grids begin with the empty row that DS creates, unless somebody filled it.

    Args:
        rng: source of the invented parts.
        state: the dossier's.
        since: when it went into instruction; None for one that did not.
        last: when it last changed.
        name: the product's.
    """
    if since is None:
        return {5302: [{}]}
    values: dict[int, Any] = {}
    etape = _etape(rng, state)
    if etape:
        values[5202] = etape
    grids = _grids(rng, etape, name)
    if rng.chance(0.9) or not grids:
        grids.insert(0, {})
    values[5302] = grids
    jury = since + timedelta(days=rng.between(10, 40))
    if etape in ETAPES[2:] and rng.chance(0.85):
        values[5203] = jury.date().isoformat()
    if etape == "Lauréat":
        values |= _recruitment(rng, jury, last)
    return values


def _etape(rng: SeededRandom, state: State) -> str | None:
    match state:
        case "en_instruction":
            return rng.pick((*ETAPES[:4], "Évaluation", None))
        case "accepte":
            return "Lauréat"
        case "refuse":
            return "Non retenu"
        case _:
            return rng.pick((None, "Évaluation"))


def _grids(rng: SeededRandom, etape: str | None, name: str) -> list[dict[int, Any]]:
    if etape is None:
        return []
    first = rng.below(len(_EVALUATEURS))
    count = rng.between(0 if etape == "Évaluation" else 1, 3)
    judges = [_EVALUATEURS[(first + i) % len(_EVALUATEURS)] for i in range(count)]
    rows = [grid(rng, "Dossier", judge, name) for judge in judges]
    if etape in ("Délibération", "Lauréat") or (etape == "Non retenu" and rng.chance(0.5)):
        rows += [grid(rng, "Soutenance", judge, name) for judge in judges[:2]]
    return rows


def evaluator(rng: SeededRandom) -> str:
    """Return the e-mail address of one of the évaluateurs."""
    return rng.pick(_EVALUATEURS)


def grid(rng: SeededRandom, moment: str, judge: str, name: str) -> dict[int, Any]:
    """Return a filled grid; a few have an empty criterion, address or comment."""
    row: dict[int, Any] = {5303: moment}
    if rng.chance(0.95):
        row[5304] = judge
    for stable_id in CRITERES:
        if rng.chance(0.96):
            row[stable_id] = rng.between(1, 5)
    if rng.chance(0.02):
        row[5320] = rng.pick(NASTY_TEXTS[:-1])
    elif rng.chance(0.7):
        row[5320] = paragraph(rng, "remarque", name)
    return row


def _recruitment(rng: SeededRandom, jury: datetime, last: datetime) -> dict[int, str]:
    """Return the dates of the recruitment's steps that are done."""
    moment, values = jury, {}
    for stable_id in range(5402, 5402 + rng.between(0, 4)):
        moment += timedelta(days=rng.between(7, 30))
        if moment > last + timedelta(days=120):
            break
        values[stable_id] = moment.date().isoformat()
    return values


def human_precheck(
    rng: SeededRandom, state: State, last: datetime
) -> tuple[dict[int, Any], list[str]]:
    """Return the pre-check's annotations and labels that an instructeur set by hand."""
    is_closed = state in MOTIVATIONS
    if not rng.chance(0.4 if is_closed else 0.03):
        return ({5105: True} if rng.chance(0.02) else {}), []
    result, label = rng.pick(
        (("Éligible", "éligible"), ("À vérifier", "à vérifier"), ("Inéligible", "inéligible"))
    )
    values: dict[int, Any] = {5102: result}
    if rng.chance(0.6):
        values[5103] = "Examiné par un instructeur.\nVoir les échanges avec le point de contact."
    if rng.chance(0.6):
        values[5104] = last.replace(microsecond=0)
    if rng.chance(0.3):
        values[5105] = True
    return values, [label] if rng.chance(0.5) else []


def messages(
    rng: SeededRandom, depose_at: datetime, last: datetime, usager: str
) -> list[dict[str, Any]]:
    """Return DS's acknowledgement, and sometimes an exchange with an instructeur."""
    sent: list[dict[str, Any]] = [
        {
            "email": "contact@example.gouv.fr",
            "body": "<p>Votre dossier est déposé.</p>",
            "created_at": depose_at,
        }
    ]
    if rng.chance(0.15):
        question = "<p>Pouvez-vous préciser l’adresse de la fiche produit ?</p>"
        sent.append({"email": _INSTRUCTEUR, "body": question, "created_at": last})
    if len(sent) > 1 and rng.chance(0.5):
        answer = "<p>Bonjour, elle est dans le formulaire &amp; à jour.</p>"
        sent.append({"email": usager, "body": answer, "created_at": last})
    return sent


def avis(rng: SeededRandom, since: datetime | None, last: datetime) -> list[dict[str, Any]]:
    """Return the expert opinions that were asked for; some are not answered."""
    if since is None or not rng.chance(0.12):
        return []
    answered = rng.chance(0.6)
    return [
        {
            "question": "Le produit a-t-il un accès direct à ses usagers ?",
            "reponse": "Oui, par trois territoires pilotes." if answered else None,
            "date_question": since,
            "date_reponse": last if answered else None,
            "expert": "expertise@example.gouv.fr",
            "claimant": _INSTRUCTEUR,
        }
    ]

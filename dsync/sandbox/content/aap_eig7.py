"""The démarche aap-eig7: its form, and what instructeurs and évaluateurs write into dossiers."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from dsync.sandbox.content.applicants import NASTY_TEXTS, paragraph
from dsync.sandbox.content.rng import SeededRandom, load
from dsync.sandbox.model import FormRevision, FormSeed, State


def form(data: dict[str, Any]) -> FormSeed:
    """Return a form of `data/forms.toml`, with as many revisions as it has dates of publication."""
    content = data["champs"], data["annotations"]
    revisions = [FormRevision(at, *content) for at in data["published_at"]]
    facts = ("number", "title", "labels", "groupes")
    return FormSeed(**{fact: data[fact] for fact in facts}, revisions=revisions)


FORM = form(load("forms")["eig"])
_FIRST, _SECOND = (
    {d.stable_id: d for top in (r.champs, r.annotations) for t in top for d in (t, *t.champs)}
    for r in FORM.revisions
)
ETAPES = _SECOND[5202].options
CRITERES = [stable_id for stable_id in _SECOND if 5311 <= stable_id <= 5319]
CAS_LANCER, CAS_INTERNALISER = _SECOND[4402].options
PROFILS = dict(zip(("produit", "technique", "impact"), _SECOND[4404].options, strict=True))
PROFIL_IMPACT = PROFILS["impact"]
_FIRST[4404].options.remove(PROFIL_IMPACT)


EVALUATEURS = tuple(f"evaluation-{letter}@example.gouv.fr" for letter in "abcde")
MOTIVATIONS = {
    "accepte": "Projet retenu par le jury.",
    "refuse": "Projet non retenu à l’issue de l’évaluation.",
    "sans_suite": "Candidature retirée par l’administration.",
}
_ETAPES: dict[str, tuple[str | None, ...]] = {
    "en_instruction": (*ETAPES[:4], "Évaluation", None),
    "accepte": ("Lauréat",),
    "refuse": ("Non retenu",),
    "sans_suite": (None, "Évaluation"),
}
"""The stages of the selection that a dossier in each state can have reached."""


def notes(
    rng: SeededRandom,
    state: State,
    since: datetime | None,
    last: datetime,
    name: str,
    hostile: bool,
) -> dict[int, Any]:
    """Return the annotations of selection and recruitment, by stable id.

    The evaluation grids begin with the empty row that DS creates, unless somebody filled it. The
    dossier went into instruction `since`; None: it did not. `last` is when it changed last, `name`
    the product's. If `hostile`, a comment may try a program.
    """
    if since is None:
        return {5302: [{}]}
    stages = _ETAPES[state]
    etape = rng.pick(stages) if len(stages) > 1 else stages[0]
    values: dict[int, Any] = {5202: etape} if etape else {}
    grids = _grids(rng, etape, name, hostile) if etape else []
    if rng.chance(0.9) or not grids:
        grids.insert(0, {})
    values[5302] = grids
    moment = since + timedelta(days=rng.between(10, 40))
    if etape in ETAPES[2:] and rng.chance(0.85):
        values[5203] = moment.date().isoformat()  # The jury's day.
    if etape == "Lauréat":
        for stable_id in range(5402, 5402 + rng.between(0, 4)):  # The steps of the recruitment.
            moment += timedelta(days=rng.between(7, 30))
            if moment > last + timedelta(days=120):
                break
            values[stable_id] = moment.date().isoformat()
    return values


def _grids(rng: SeededRandom, etape: str, name: str, hostile: bool) -> list[dict[int, Any]]:
    first = rng.below(len(EVALUATEURS))
    count = rng.between(0 if etape == "Évaluation" else 1, 3)
    judges = [EVALUATEURS[(first + i) % len(EVALUATEURS)] for i in range(count)]
    rows = [grid(rng, "Dossier", judge, name, hostile=hostile) for judge in judges]
    if etape in ("Délibération", "Lauréat") or (etape == "Non retenu" and rng.chance(0.5)):
        rows += [grid(rng, "Soutenance", judge, name, hostile=hostile) for judge in judges[:2]]
    return rows


def grid(
    rng: SeededRandom, moment: str, judge: str, name: str, *, hostile: bool = False
) -> dict[int, Any]:
    """Return a filled grid; a few have an empty criterion, address or comment."""
    row: dict[int, Any] = {5303: moment}
    if rng.chance(0.95):
        row[5304] = judge
    for stable_id in CRITERES:
        if rng.chance(0.96):
            row[stable_id] = rng.between(1, 5)
    if rng.chance(0.02) and hostile:
        row[5320] = rng.pick(NASTY_TEXTS[:-1])
    elif rng.chance(0.7):
        row[5320] = paragraph(rng, "remarque", name)
    return row


def human_precheck(
    rng: SeededRandom, state: State, last: datetime
) -> tuple[dict[int, Any], list[str]]:
    """Return the pre-check's annotations and labels that an instructeur set by hand."""
    if not rng.chance(0.4 if state in MOTIVATIONS else 0.03):
        return ({5105: True} if rng.chance(0.02) else {}), []
    result = rng.pick(("Éligible", "À vérifier", "Inéligible"))
    values: dict[int, Any] = {5102: result}
    if rng.chance(0.6):
        values[5103] = "Examiné par un instructeur.\nVoir les échanges avec le point de contact."
    if rng.chance(0.6):
        values[5104] = last.replace(microsecond=0)
    if rng.chance(0.3):
        values[5105] = True
    return values, [result.lower()] if rng.chance(0.5) else []

"""Who may enter the console and who sits in a jury, as an administrator decides it; conflicts.

What is decided here is in the database, and counts more than `[[acces]]` from the next request on.
"""

from __future__ import annotations

from datetime import timedelta

from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from dsync.configuration import AccesSection
from dsync.console import words
from dsync.console.access import Right, Role
from dsync.console.dossiers import ALL
from dsync.console.jury import check_programme, members, planned, who_may_sit
from dsync.console.visit import Visit, day_of, words_of
from dsync.domain.dossier import midnight
from dsync.domain.ids import DossierNumber, number_of
from dsync.domain.wording import listed
from dsync.store.console_users import AccessRow

NONE, OF_FILE = "aucun", "fichier"
"""In a form, instead of a role: no access; what the file says."""
_LONGEST = 200
"""Characters of a member's name or address."""
_NONE_HERE = (
    "Rien n’est enregistré : aucun dossier que vous voyez dans cette démarche n’a pour numéro {}. "
    "Corrigez ou retirez ce qui est inexact."
)
_NO_ADDRESS = "Indiquez une adresse entière, telle que prenom.nom@exemple.gouv.fr."


def show(visit: Visit) -> Response:
    """Show who has which role, by whom and until when, and who does not see which dossier."""
    visit.need_all()
    where = {"demarche_numero": visit.worker.demarche}
    with visit.reading() as reader:
        decided = reader.rows_of("acces", AccessRow._fields, where, order="qui", limit=ALL)
        named = ("numero", "qui", "declare_le")
        deports = reader.rows_of("deport", named, where, order="numero, qui", limit=ALL)
        used = reader.requests.last_by()
    for one in decided:
        end = words.instant_of(one["fin"])
        one["vaut"] = end is not None and end > visit.now
        one["jusqu_au"] = end and end - timedelta(seconds=1)
    return visit.page(
        "acces.html",
        decided=decided,
        deports=deports,
        used=used,
        writer=visit.worker.configuration.annotations and visit.worker.settings.ds_instructeur,
        entries=[
            (who, one.role, one.groupes)
            for one in visit.site.entries(visit.worker.demarche)
            for who in one.who
        ],
        over={one["qui"] for one in decided if one["jusqu_au"] is None or one["vaut"]},
        roles=[*Role],
    )


def decide(visit: Visit) -> Response:
    """Give a person a role, take their access away, or leave them to the file again."""
    visit.need_all()
    role, until = visit.form.get("role", ""), visit.form.get("fin", "").strip()
    try:
        [qui] = AccesSection.model_validate({"role": "lecteur", "who": [visit.form["qui"]]}).who
    except (KeyError, ValidationError):
        return visit.refuse(_NO_ADDRESS, "/acces")
    if "@" not in qui or qui.startswith("@"):
        return visit.refuse(_NO_ADDRESS, "/acces")
    if role not in (*Role, NONE, OF_FILE):
        raise HTTPException(400)
    if qui == visit.name:
        return visit.refuse("Un autre administrateur décide de votre propre accès.", "/acces")
    # The day is whole, in Paris.
    end = midnight(day_of("fin", until) + timedelta(days=1)) if until else None
    if end is not None and end <= visit.now:
        return visit.refuse("Le dernier jour est passé : rien n’a été changé.", "/acces")
    said = {NONE: "retiré", OF_FILE: "celui du fichier"}.get(role, role)
    told = f"{qui} : {said}{f', jusqu’au {words.day(until)} compris' if end else ''}"
    with visit.worker.store.accesses(visit.worker.demarche) as (accesses, journal):
        if role == OF_FILE:
            accesses.leave(qui)
        else:
            given = None if role == NONE else role
            accesses.decide(AccessRow(qui, given, end, visit.name, visit.now))
        now = visit.now
        journal.record("role", {"acces": told}, visit.name, since=now, now=now)
    visit.say(f"Accès de {told}. Cela vaut dès son prochain clic.")
    return visit.back("/acces")


def declare(visit: Visit) -> Response:
    """« Me déporter »: a dossier is not shown to who asks any more, once that is confirmed."""
    number = DossierNumber(visit.in_path("numero"))
    with visit.reading() as reader:
        if reader.dossiers.demarches([number]).get(number) != visit.worker.demarche:
            raise HTTPException(404)
    if not visit.form.get("confirme"):
        return visit.confirm(
            f"Vous déporter du dossier {number} ?",
            "Il ne vous est plus montré, ni dans les listes ni dans les fichiers. Le motif n’est "
            "pas demandé. Seul un administrateur lève le déport. Une grille que vous avez déjà "
            "remplie reste dans Démarches Simplifiées, et compte dans la moyenne tant qu’elle y "
            f"est : demandez à {visit.site.whom(visit.worker.demarche)} de l’y retirer.",
            "Me déporter",
            f"/dossiers/{number}",
        )
    _journaled(visit, number, visit.name, is_lifted=False)
    visit.say(f"Vous êtes déporté du dossier {number}.")
    return visit.back("/jury" if visit.may(Right.NOTES) else "/dossiers")


def lift(visit: Visit) -> Response:
    """Show a dossier again to somebody who had a conflict of interest."""
    visit.need_all()
    number, qui = number_of(visit.form.get("dossier", "")), visit.form.get("qui", "")
    if number is None or qui == visit.name:
        return visit.refuse("Un autre administrateur lève votre propre déport.", "/acces")
    _journaled(visit, DossierNumber(number), qui, is_lifted=True)
    visit.say(f"Le dossier {number} est de nouveau montré à {qui}.")
    return visit.back("/acces")


def _journaled(visit: Visit, number: DossierNumber, qui: str, *, is_lifted: bool) -> None:
    now, said = visit.now, f"{qui}{' : levé' if is_lifted else ''}"
    with visit.worker.store.accesses(visit.worker.demarche) as (accesses, journal):
        if is_lifted:
            accesses.lift(number, qui)
        else:
            accesses.declare(number, qui, now)
        journal.record(
            "deport", {"dossiers": [number], "acces": said}, visit.name, since=now, now=now
        )


def composing(visit: Visit) -> Response:
    """Show who is to sit in a jury and what it is to see, to be changed."""
    check_programme(visit)
    visit.need_all()
    day, wanted = visit.day("le"), visit.numbers("dossier")
    days = [day.isoformat()] if day else []
    with visit.reading() as reader:
        rows = planned(visit, reader, days, "jury_le")
        sitting = members(visit, reader, days) or sorted(who_may_sit(visit, reader))
    dated = {row["numero"] for row in rows if row["dans_ds"] is not None}
    return visit.page(
        "composer.html",
        day=day,
        seen=day or "",
        sitting=sitting,
        numbers=sorted({*wanted, *(row["numero"] for row in rows)} - dated),
        dated=sorted(dated),
    )


def compose(visit: Visit) -> Response:
    """Store who sits in a jury and which dossiers it sees that DS has no day of.

    400: the day is none, or a number is of no dossier here; the form is shown again as it was sent.
    """
    check_programme(visit)
    visit.need_all()
    if not visit.form.get("le"):
        return visit.refuse("Indiquez le jour du jury.", "/jury/composer")
    day = day_of("le", visit.form["le"])
    typed = (" ".join(one.split())[:_LONGEST] for one in visit.form.get("membres", "").splitlines())
    sitting = [*dict.fromkeys(one.lower() if "@" in one else one for one in typed if one)]
    written = [*dict.fromkeys(words_of(visit.form.get("numeros", "")))]
    numbers = [DossierNumber(found) for one in written if (found := number_of(one))]
    days = [day.isoformat()]
    with visit.reading() as reader:
        known = reader.dossiers.demarches(numbers)
        strange = [
            one
            for one in written
            if known.get(DossierNumber(number_of(one) or 0)) != visit.worker.demarche
            or number_of(one) in visit.grant.deports
        ]
        if strange:
            visit.say(
                _NONE_HERE.format(words.shortened(listed(strange, last="ou"), 200)), kind="warning"
            )
            # The day that the form showed, lest a jury is replaced that nobody has seen.
            seen, shown = visit.form.get("vu", ""), {"sitting": sitting, "numbers": written}
            return visit.page("composer.html", 400, day=day, seen=seen, dated=(), **shown)
        if visit.form.get("vu") != day.isoformat():
            # Not the jury that the form showed: it is completed, not replaced.
            had = (DossierNumber(one["numero"]) for one in planned(visit, reader, days))
            numbers = sorted({*numbers, *had})
            sitting = members(visit, reader, days) or sitting
    with visit.worker.store.accesses(visit.worker.demarche) as (accesses, journal):
        accesses.compose(day, sitting, numbers, but=visit.grant.deports)
        told = f"{words.day(day)}, {words.plural(len(sitting), 'membre')}"
        options = {"dossiers": numbers, "acces": told}
        journal.record("jury", options, visit.name, since=visit.now, now=visit.now)
    visit.say(f"Le jury du {words.day(day)} est composé : {words.plural(len(sitting), 'membre')}.")
    return visit.back("/jury", le=day.isoformat()) if numbers else visit.back("/jury")


PAGES = [
    ("GET", "/jury/composer", composing, Right.ADMINISTRER),
    ("POST", "/jury/composer", compose, Right.ADMINISTRER),
    ("GET", "/acces", show, Right.ADMINISTRER),
    ("POST", "/acces", decide, Right.ADMINISTRER),
    ("POST", "/acces/deport", lift, Right.ADMINISTRER),
    ("GET", "/dossiers/{numero}/deport", declare, Right.NOTES),
    ("POST", "/dossiers/{numero}/deport", declare, Right.NOTES),
]

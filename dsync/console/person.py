"""Where a person is in what is stored, for those who answer a request of access (article 15).

The search goes on beside the pages, which have its progress, then its result. No address has its
words.
"""

from __future__ import annotations

from concurrent.futures import wait
from datetime import date, timedelta
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import Response

from dsync.care.person import ACTS, MOST, access_answer, distinct, field_of, look_up
from dsync.console import words
from dsync.console.access import Right
from dsync.console.desk import Search
from dsync.console.dossier import ERASED
from dsync.console.files import sent
from dsync.console.visit import NONE_CHOSEN, Visit, address_of
from dsync.domain.dossier import OPEN_ETATS, Etat
from dsync.domain.ids import number_of
from dsync.domain.paper import html
from dsync.errors import ConfigurationError
from dsync.store.listing import Selection, applicant_of
from dsync.store.personal_data import wanted_of
from dsync.store.private_files import private_folder
from dsync.sync.work import Erase

SHOWN = 500
"""Maximum number of values, and of dossiers, on the page; `dsync person --json` has all."""
LONG_AGO = timedelta(days=730)
AT_ONCE_S = 1.0
"""How long a page waits for the result; of a few thousand dossiers, it then has it."""


def form(visit: Visit) -> Response:
    """Show the form, and how many finished dossiers were deposited long ago."""
    visit.need_all()
    before = visit.today - LONG_AGO
    with visit.reading() as reader:
        old = [
            (etat, reader.dossiers.page(_of(etat, before), limit=1)[1])
            for etat in Etat
            if etat not in OPEN_ETATS
        ]
    return _page(visit, old=[(etat.label, n, _listed(etat, before)) for etat, n in old if n])


def _of(etat: Etat, before: date) -> Selection:
    return Selection(presence="present", etat=etat.value, depose_au=before)


def _listed(etat: Etat, before: date) -> str:
    given = {"presence": "present", "etat": etat.value, "depose_au": before, "tri": "depose_le"}
    return address_of("/dossiers", given)


def search(visit: Visit) -> Response:
    """Begin to look for the values that have the words, which is journaled."""
    visit.need_all()
    worker, name, text = visit.worker, visit.actor.name, visit.form.get("texte", "")
    try:
        wanted_of(text)
    except ConfigurationError:
        return _page(visit, is_short=True, text=text)
    begun = visit.site.desk.search(
        worker,
        text,
        lambda progress: look_up(
            worker.store, text, name, worker.clock, worker.demarche, progress=progress
        ),
        name,
    )
    wait([begun.result], AT_ONCE_S)
    return visit.back(f"/personne/{begun.id}")


def show(visit: Visit) -> Response:
    """Show how far a search is, then its result; 404: it is not theirs, or not kept any more."""
    one = _search(visit)
    found, error = one.outcome
    return _page(visit, one=one, found=found, error=error)


def answer(visit: Visit) -> Response:
    """Send the draft of the answer to the person; 404: as `show`, or the search goes on."""
    one, worker = _search(visit), visit.worker
    found, _ = one.outcome
    if found is None:
        raise HTTPException(404, "Cette recherche n’a pas de résultat.")
    if len(found["demandeur_de"]) > MOST:
        raise HTTPException(400, _TOO_MANY)
    page = access_answer(
        found,
        one.text,
        {worker.demarche: worker.configuration.notice_facts(worker.demarche)},
        worker.store.dictionary(),
        lambda _: visit.reading(),
        visit.today,
    )
    with private_folder() as folder:
        path = folder / "reponse.html"
        path.write_text(html(page), encoding="utf-8")
        # An open file outlives its folder.
        file = path.open("rb")
    return sent(file, "reponse-article-15.html", "text/html; charset=utf-8")


def erase(visit: Visit) -> Response:
    """« Effacer » the dossiers that were ticked, once that is confirmed, by one request."""
    visit.need_all()
    numbers = visit.numbers("dossier")
    search_id = number_of(visit.form.get("recherche", ""))
    back = f"/personne/{search_id}" if search_id else "/personne"
    if not numbers:
        return visit.refuse(NONE_CHOSEN, back)
    if visit.form.get("confirme"):
        return visit.ask(Erase(tuple(numbers)))
    with visit.reading() as reader:
        dossiers = reader.persons.dossiers(numbers)
    if len(dossiers) < len(numbers):
        raise HTTPException(404, "Un de ces dossiers n’est pas dans la copie.")
    named = ", ".join(f"{one['numero']} ({_who(one)})" for one in dossiers)
    count = words.plural(len(numbers), "dossier")
    return visit.confirm(
        f"Effacer {count} de la copie ?",
        f"{named}. {ERASED}",
        f"Effacer {count}",
        back,
        dossier=" ".join(map(str, numbers)),
    )


def _search(visit: Visit) -> Search:
    visit.need_all()
    one = visit.site.desk.found(visit.in_path("id"), visit.worker, visit.name)
    if one is None:
        raise HTTPException(404, "Le résultat de cette recherche n’est plus gardé : refaites-la.")
    return one


def _who(dossier: dict[str, Any]) -> str:
    return applicant_of(dossier) or "sans nom"


def _page(visit: Visit, **values: Any) -> Response:
    one = values.get("one")
    given: dict[str, Any] = {
        "one": None,
        "found": None,
        "error": None,
        "text": one.text if one else "",
        "is_short": False,
        "old": [],
        "hits": distinct(values["found"]["trouve"]) if values.get("found") else [],
        "shown": SHOWN,
        "most": MOST,
        "acts": ACTS,
        "field_of": field_of,
        "who": _who,
        **values,
    }
    return visit.page("personne_suite.html" if visit.is_asked_again else "personne.html", **given)


_TOO_MANY = (
    f"Ces mots désignent le demandeur de plus de {MOST} dossiers : précisez le courriel, le nom "
    "entier ou le SIRET."
)
PAGES = [
    ("GET", "/personne", form, Right.PERSONNES),
    ("POST", "/personne", search, Right.PERSONNES),
    ("POST", "/personne/effacer", erase, Right.ADMINISTRER),
    ("GET", "/personne/{id}", show, Right.PERSONNES),
    ("GET", "/personne/{id}/reponse", answer, Right.PERSONNES),
]

"""What waits for a person: consents, conflicts side by side, and anomalies with their remedy."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import NamedTuple

from starlette.exceptions import HTTPException
from starlette.responses import Response

from dsync.annotations.wish import Wish
from dsync.care.state import waiting, work_of
from dsync.console import words
from dsync.console.access import Right
from dsync.console.dossiers import names_of
from dsync.console.suivi import UNREAD, service_line, unread_evidence
from dsync.console.visit import NONE_CHOSEN, Visit
from dsync.domain.consent import FULL_READ, NOTHING, Asked, Consent
from dsync.domain.dossier import Anomaly
from dsync.domain.ids import DossierNumber
from dsync.store import Reader
from dsync.store.listing import Selection
from dsync.store.wishes import MOST_WISHES
from dsync.sync.handing_over import Choice, end_conflicts
from dsync.sync.work import Overwrite, Push, ReadDossiers

SHOWN = 200
"""Maximum number of conflicts on the page, and of dossiers in quarantine with the same remedy."""

SHOWN_TIMES = 5
"""The last times in which the catalogue could not be read."""


def key_of(conflict: Wish) -> str:
    """Return what a form says of a conflict: which one, and the values that were shown."""
    shown = f"{conflict.valeur_distante or ''}\0{conflict.valeur or ''}"
    digest = blake2b(shown.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
    return f"{conflict.numero}-{conflict.annotation}-{digest}"


def open_conflicts(reader: Reader) -> tuple[list[Wish], int]:
    """Return the conflicts of values, and the number of wishes that they block."""
    # Not by `erreur`, of which a lecteur's reader says nothing.
    every, blocked = reader.wishes.conflicts(), reader.wishes.blocked()
    return [one for one in every if one.id not in blocked], len(blocked)


def conflicts(visit: Visit) -> Response:
    """Show the open conflicts; with `suivi`, of the dossiers that who asks follows in DS."""
    with visit.reading() as reader:
        found, blocked = open_conflicts(reader)
        theirs = Selection(conflit=True, suivi_par=visit.name)
        mine = {*reader.dossiers.numbers_of(theirs)} if found else set[int]()
        is_mine = visit.query("suivi") is not None
        shown = [one for one in found if one.numero in mine or not is_mine]
        return visit.page(
            "conflits.html",
            conflicts=[(key_of(one), one) for one in shown[:SHOWN]],
            names=names_of(visit, reader, {one.numero for one in shown[:SHOWN]}),
            total=len(shown),
            mine=sum(one.numero in mine for one in found),
            is_mine=is_mine,
            blocked=blocked,
            answered=reader.wishes.answered(),
            writes=visit.worker.configuration.annotations is not None,
        )


def decide(visit: Visit) -> Response:
    """Keep the human's values; or overwrite or adopt them, once that is confirmed."""
    # All that were shown; others that came since are not settled unseen.
    keys = set(visit.every.get("montre" if visit.form.get("tous") else "conflit", ()))
    if not keys:
        return visit.refuse("Choisissez au moins un conflit.", "/conflits")
    with visit.reading() as reader:
        chosen = [one for one in open_conflicts(reader)[0] if key_of(one) in keys]
    # What follows writes: SQLite would have the read wait for the write, and the write for it.
    gone = len(keys) - len(chosen)
    if not chosen:
        return visit.refuse(_gone(gone), "/conflits")
    match visit.form.get("choix"):
        case "garder":
            return _end(visit, chosen, gone, Choice.KEEP)
        case "adopter" if visit.form.get("confirme"):
            return _end(visit, chosen, gone, Choice.ADOPT)
        case "ecraser" if visit.form.get("confirme"):
            return _overwrite(visit, chosen, gone)
        case "ecraser" | "adopter" as choice:
            with visit.reading() as reader:
                names = names_of(visit, reader, {one.numero for one in chosen})
            return visit.page(
                "ecraser.html",
                choice=choice,
                conflicts=[(key_of(one), one) for one in chosen],
                names=names,
                gone=gone,
            )
    raise HTTPException(400)


def _end(visit: Visit, chosen: Sequence[Wish], gone: int, choice: Choice) -> Response:
    ended = 0
    by_annotation: dict[str, list[DossierNumber]] = defaultdict(list)
    for one in chosen:
        by_annotation[one.annotation].append(one.numero)
    for annotation, numbers in by_annotation.items():
        ended += len(
            end_conflicts(
                visit.worker.store,
                visit.worker.demarche,
                choice,
                visit.now,
                asked_by=visit.actor.name,
                numbers=numbers,
                annotation=annotation,
            )
        )
    gone += len(chosen) - ended
    after = "la valeur saisie reste" if choice is Choice.KEEP else "le prochain envoi la remplace"
    text = f"{words.plural(ended, 'conflit réglé', 'conflits réglés')} : {after}."
    visit.say(f"{text} {_gone(gone)}" if gone else text, kind="warning" if gone else "success")
    return visit.back("/conflits")


def _overwrite(visit: Visit, chosen: Sequence[Wish], gone: int) -> Response:
    shown: dict[DossierNumber, dict[str, str]] = defaultdict(dict)
    for one in chosen:
        shown[one.numero][one.annotation] = one.valeur_distante or ""
    asked = visit.ask(Overwrite(tuple(sorted(shown)), shown))
    if gone:
        visit.say(_gone(gone), kind="warning")
    return asked


def _gone(count: int) -> str:
    return (
        f"{words.plural(count, 'conflit n’existe', 'conflits n’existent')} plus sous cette forme : "
        f"quelqu’un {'les a réglés' if count > 1 else 'l’a réglé'} entre-temps, "
        "ou la valeur a changé."
    )


def anomalies(visit: Visit) -> Response:
    """Show the quarantine and the pushes that DS refused or that wait, by remedy.

    Where the last run could not read or write, that comes first: what it has not seen is not well.
    """
    with visit.reading() as reader:
        groups: dict[str, list[object]] = defaultdict(list)
        for one in reader.quarantine.entries():
            groups[Anomaly(one.code).remedy].append(one)
        refused: dict[tuple[str, str], list[object]] = defaultdict(list)
        wishes = reader.wishes.open()
        for wish in wishes:
            refused[wish.statut, wish.erreur or ""].append(wish)
        state = visit.worker.state(visit.now, visit.sight, counted=False)
        return visit.page(
            "anomalies.html",
            conflicts=state.open("conflicts"),
            asked=state.consents,
            service=service_line(state, reader, visit.now),
            # Without a service, what the last run saw still holds.
            is_blind=bool(state.last_end and state.last_end.code),
            unread=unread_evidence(visit, reader, state)[:SHOWN_TIMES],
            unread_said=UNREAD,
            groups=groups,
            shown=SHOWN,
            refused=refused,
            first=MOST_WISHES if len(wishes) == MOST_WISHES else None,
        )


def retry(visit: Visit) -> Response:
    """Read dossiers in quarantine again, or send annotations again."""
    numbers = tuple(visit.numbers("dossier"))
    if not numbers:
        return visit.refuse(NONE_CHOSEN, "/anomalies")
    return visit.ask(Push(numbers) if visit.form.get("quoi") == "envoi" else ReadDossiers(numbers))


class Fact(NamedTuple):
    """A row of what a person consents to, in French."""

    what: str
    before: str
    after: str
    dossiers: str


_OF_FILE = {
    "section [mapping]": "Réponses lues dans le formulaire",
    "section [[controles]]": "Avis",
    "section [annotations]": "Ce que dsync inscrit",
}
"""What sections of the configuration make."""


def _facts(visit: Visit, asked: Asked, titles: Mapping[str, str]) -> Iterator[Fact]:
    """Yield what would change, and what each of the checks finds."""
    for one in asked.proposal.moves:
        of_file = one.what.replace("section [mapping] ", "Réponses lues pour ")
        yield Fact(
            titles.get(one.check, one.check) if one.check else _OF_FILE.get(one.what, of_file),
            "sans avis" if one.before == NOTHING else visit.said("verdict", one.before),
            visit.said("verdict", one.after),
            words.number(one.dossiers),
        )
    for name, count, judged, doubt in asked.proposal.findings:
        found = "constat à vérifier ou non conforme"
        yield Fact(
            titles.get(name, name),
            "–",
            f"{found} ; {doubt}" if doubt else found,
            f"{words.number(count)} sur {words.number(judged)}",
        )


def consents(visit: Visit) -> Response:
    """Show what waits, the oldest first."""
    visit.need_all()
    with visit.reading() as reader:
        evidence, titles = visit.worker.evidence(reader), visit.check_titles(reader)
        shown = []
        for one in waiting(reader, evidence):
            detail, example = one.proposal.detail, one.proposal.example
            if one.proposal.kind is Consent.EVIDENCE and evidence:
                detail = evidence["catalogue"]["refused_message"] or ""
            examples = one.proposal.numbers if example is None else [example]
            shown.append((one, [*_facts(visit, one, titles)], examples, detail.splitlines()))
        visit.shown = [one.sample[0] for one, *_ in shown if one.sample is not None]
        last = reader.state.read().last_success_at
        # That to the first results holds on, long after what it let pass.
        given = [
            one
            for one in reader.consents.all()
            if one.given_at is not None
            and (one.proposal.kind in FULL_READ or last is None or last < one.given_at)
        ]
        return visit.page("accords.html", waiting=shown, given=given, full_read=FULL_READ)


def consent(visit: Visit) -> Response:
    """Have done what a person consents to, as they were shown it."""
    visit.need_all()
    version, genre = visit.form.get("version"), visit.form.get("genre")
    with visit.reading() as reader:
        found = waiting(reader, visit.worker.evidence(reader))
    one = next((one for one in found if one.proposal.kind == genre), None)
    if one is None or one.version != version:
        return visit.refuse("Ce n’est plus ce qui attend : regardez de nouveau.", "/accords")
    kind = one.proposal.kind
    if not visit.form.get("confirme"):
        proposal = one.proposal
        stands = kind.stands[0].lower() + kind.stands[1:]
        moved = proposal.moved if proposal.of else proposal.dossiers
        count = words.plural(moved, "dossier")
        if proposal.of:
            count += f" sur {words.number(proposal.of)}"
        return visit.confirm(
            f"{kind.french} : donner votre accord ?",
            f"{count}. {kind.effect}" if moved else kind.effect,
            "Donner mon accord",
            "/accords",
            points=[(kind.after, None), (f"Si vous ne faites rien : {stands}", None)],
            genre=kind.value,
            version=one.version,
        )
    return visit.ask(work_of(one))


PAGES = [
    ("GET", "/accords", consents, Right.AGIR),
    ("POST", "/accords", consent, Right.ADMINISTRER),
    ("GET", "/conflits", conflicts, Right.AGIR),
    ("POST", "/conflits", decide, Right.AGIR),
    ("GET", "/anomalies", anomalies, Right.AGIR),
    ("POST", "/anomalies", retry, Right.AGIR),
]

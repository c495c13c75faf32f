"""What the buttons do: the same as the commands, in the user's name, and journaled."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import text

from dsync.console.access import Role
from dsync.console.desk import Desk
from dsync.console.words import ENVOIS
from dsync.domain.consent import Consent
from dsync.errors import StoreError
from dsync.sandbox import Change
from dsync.sandbox.faults import ScriptedFault
from dsync.sync.work import Erase, Push, ReadDossiers, to_row
from dsync.wiring import Worker
from tests.console.served import DEADLINE_S, USER, ServedConsole, Visitor, served, visiting, words
from tests.console.test_french import ENGLISH, OTHER_WORDS, read
from tests.engine.rig import (
    DEMARCHE,
    PROBLEME,
    RESULTAT,
    Engine,
    WatchedClient,
    engine_for,
    few_products,
    number,
    seeds,
)
from tests.engine.served import Served, register, unregister
from tests.engine.test_judging import STARTUPS
from tests.engine.test_rules_brake import WRONG, change_rules
from tests.store.databases import connected


def requests_of(engine: Engine) -> list[tuple[str, str, int | None]]:
    """Return kind, user and exit code of the console's requests, oldest first."""
    return [
        (row["genre"], row["demande_par"], row["code"])
        for row in engine.rows("SELECT * FROM demande ORDER BY id")
        if row["demande_par"] == USER
    ]


def conflict_keys(page: str) -> list[str]:
    """Return the boxes of the conflicts on a page."""
    return re.findall(r'name="conflit" value="([^"]+)"', page)


def edit(engine: Engine, *ranks: int) -> None:
    """Have humans write other results, which dsync sees."""
    for rank in ranks:
        engine.control.edit_annotation(number(rank), RESULTAT, "Écrit à la main")
    engine.sync_later()


def test_resynchronising_reads_what_changed_one_dossier_or_all(
    engine: Engine, visitor: Visitor
) -> None:
    """With progress and result; the journal says who asked; what names no scope is refused."""
    engine.control.edit_champ(number(0), PROBLEME, "Autre problème")
    page = visitor.ask("/resynchroniser", portee="nouveau")
    assert "Fait" in page
    assert "dossier lu, 1 nouveau ou modifié" in page
    assert "Autre problème" == engine.one("lecture_candidature", 0)["probleme"]
    for scope in ("dossier", "nouveau"):
        page = visitor.ask("/resynchroniser", portee=scope, dossier=str(number(3)))
        assert "1 dossier lu, " in page
    assert "12 dossiers lus, " in visitor.ask("/resynchroniser", portee="tout")
    for fields in (
        {"portee": "dossier"},
        {"portee": "dossier", "dossier": "x"},
        {"portee": "ailleurs"},
        {"portee": "tout", "dossier": str(number(3))},
    ):
        assert 400 == visitor.post("/resynchroniser", **fields).status_code
    kinds = ["incremental", "dossier", "dossier", "complet"]
    assert [(kind, USER, 0) for kind in kinds] == requests_of(engine)
    assert USER in visitor.read("/journal")


def test_a_dossier_that_cannot_be_read_is_told(engine: Engine, visitor: Visitor) -> None:
    """In French, with what to check; nobody is sent to anomalies that are not there."""
    page = visitor.ask("/resynchroniser", portee="dossier", dossier="99")
    assert "1 dossier demandé n’a pas été lu" in page.replace("\u00a0", " ")
    assert "Vérifiez son numéro" in page
    assert "groupe instructeur que le jeton ne voit pas" in page
    assert "Les anomalies" not in page
    assert [("dossier", USER, 7)] == requests_of(engine)
    run = engine.rows("SELECT max(run) AS run FROM demande")[0]["run"]
    page = visitor.read(f"/synchronisations/{run}")
    assert "1 dossier demandé n’a pas été lu" in page.replace("\u00a0", " ")
    assert "quarantaine, écriture" not in page
    # From where it was looked for.
    path = f"/dossiers/{number(12)}"
    assert 404 == visitor.get(path).status_code
    engine.control.deposit(seeds([12])[0])
    page = visitor.get(path).text
    assert "un groupe instructeur que le jeton de dsync ne voit pas" in words(page)
    [action] = re.findall(r'action="([^"]*relire)"', page)
    assert "1 dossier lu, 1 nouveau" in visitor.ask(action)
    assert 200 == visitor.get(path).status_code
    with visiting(engine, role=Role.LECTEUR) as other:
        assert "Le lire" not in other.get("/dossiers/99").text


def test_a_run_that_was_asked_to_stop_is_interrupted(engine: Engine, visitor: Visitor) -> None:
    """It has not failed, in whatever way the views call it."""
    engine.execute("UPDATE sync_run SET statut = 'failed', code = 130 WHERE run = 2")
    for path in ("/synchronisations", "/synchronisations/2"):
        page = visitor.read(path)
        assert ("Interrompu" in page, "Échoué" in page) == (True, False)


def test_a_humans_value_is_kept(engine: Engine, visitor: Visitor) -> None:
    """For several conflicts at once; dsync does not write there again."""
    edit(engine, 0, 1)
    page = visitor.get("/conflits").text
    assert "Écrit à la main" in page
    assert "Ne rien choisir laisse tout en l’état." in words(page)
    keys = conflict_keys(page)
    assert 2 == len(keys)
    name = engine.one("dossier", 0)["raison_sociale"]
    relire = visitor.send("/dossiers", quoi="relire", dossier=number(0))
    for shown in (words(page), visitor.send("/conflits", conflit=keys, choix="ecraser"), relire):
        assert name in shown
    answer = visitor.post("/conflits", conflit=keys, choix="garder")
    assert "2 conflits réglés" in words(answer.text)
    assert "Aucun conflit" in answer.text
    engine.sync_later()
    assert ["Écrit à la main"] * 2 == [engine.remote(0), engine.remote(1)]
    assert ("conflit", USER, 0) in requests_of(engine)


def test_a_humans_value_is_overwritten_once_that_is_confirmed(
    engine: Engine, visitor: Visitor
) -> None:
    """The first form shows what would be replaced; the journal keeps no values."""
    edit(engine, 0)
    [key] = conflict_keys(visitor.get("/conflits").text)
    asked = visitor.post("/conflits", conflit=key, choix="ecraser")
    assert "Écrit à la main" in asked.text
    assert "Éligible" in asked.text
    assert "Écrit à la main" == engine.remote(0)
    page = visitor.ask("/conflits", conflit=key, choix="ecraser", confirme="1")
    assert "inscrit dans Démarches Simplifiées (1 dossier)" in page
    assert "Éligible" == engine.remote(0)
    assert [("envoi", USER, 0)] == requests_of(engine)
    [row] = engine.rows("SELECT options FROM demande WHERE demande_par = :who", who=USER)
    assert "main" not in row["options"]


def test_a_value_that_changed_after_it_was_shown_stays(engine: Engine, visitor: Visitor) -> None:
    """It was not confirmed: the conflict goes on with the new value, and is another one."""
    edit(engine, 0)
    [key] = conflict_keys(visitor.get("/conflits").text)
    engine.control.edit_annotation(number(0), RESULTAT, "Encore autre chose")
    visitor.ask("/conflits", conflit=key, choix="ecraser", confirme="1")
    assert "Encore autre chose" == engine.remote(0)
    assert "Encore autre chose" in visitor.get("/conflits").text
    told = visitor.send("/conflits", conflit=key, choix="garder")
    assert "ou la valeur a changé" in told
    assert 1 == len(conflict_keys(visitor.get("/conflits").text))


def test_of_two_operators_one_wins_and_the_other_is_told(
    engine: Engine, console: ServedConsole
) -> None:
    edit(engine, 0)
    one, other = console.visitor(), console.visitor()
    [key] = conflict_keys(one.get("/conflits").text)
    anomalies = one.get("/anomalies").text
    assert "Dans 1\u00a0dossier, des annotations attendent" in anomalies
    assert "tout est envoyé" not in anomalies
    assert "réglé" in one.post("/conflits", conflit=key, choix="garder").text
    for choice in ({"choix": "garder"}, {"choix": "ecraser", "confirme": "1"}):
        told = other.send("/conflits", conflit=key, **choice)
        assert "quelqu’un l’a réglé entre-temps" in told
    assert "Écrit à la main" == engine.remote(0)


def test_a_dossier_in_quarantine_is_tried_again(engine: Engine, visitor: Visitor) -> None:
    """Grouped by what is to be done."""
    engine.control.faults.return_null(number(2), champs_only=True)
    engine.sync(full=True)
    assert {2} == set(engine.quarantine())
    page = visitor.get("/anomalies").text
    assert "Signalez" in page or "réessayez" in page
    engine.control.faults.repair(number(2))
    assert "Fait" in visitor.ask("/anomalies", quoi="lecture", dossier=str(number(2)))
    assert {} == engine.quarantine()
    assert "Aucune anomalie" in visitor.get("/anomalies").text


def test_a_refused_push_is_sent_again(fresh: Engine) -> None:
    """Once DS accepts it; refusals are grouped by cause; of several asked for, each is said."""
    fresh.control.form.publish_revision(Change(options={RESULTAT: ["Inéligible"]}))
    fresh.sync()
    assert "refusee" == fresh.wishes(0)["resultat"]
    with visiting(fresh) as visitor:
        assert "Refusée" in visitor.get("/anomalies").text
        ticked = " ".join(str(number(rank)) for rank in range(3))
        several = {"quoi": "rejuger", "dossier": ticked, "confirme": "oui"}
        states = {rank: fresh.wishes(rank)["resultat"] for rank in range(3)}
        page = visitor.ask("/dossiers", **several)
        for rank, state in states.items():
            said = rf"{number(rank)} : [^·]+ · {ENVOIS[state]} (\w+)"
            found = re.search(said, page)
            assert found, (said, page)
            assert ("le" == found[1]) == (state == "confirmee")
        assert {"refusee", "confirmee"} <= {*states.values()}
        options = ["Inéligible", "À vérifier", "Éligible", "Indéterminé"]
        fresh.control.form.publish_revision(Change(options={RESULTAT: options}))
        visitor.ask("/resynchroniser", portee="tout")
        page = visitor.ask("/anomalies", quoi="envoi", dossier=str(number(0)))
    assert "Fait" in page
    assert "Éligible" == fresh.remote(0)


@contextmanager
def service(engine: Engine) -> Iterator[None]:
    """Have a service of the démarche execute requests."""
    stop = threading.Event()
    app = engine.another(stop=stop).app
    register(app)
    served = Served(app)

    def work() -> None:
        while not stop.wait(0.05):
            served.tick()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(20)


def test_the_running_service_does_it(engine: Engine, console: ServedConsole) -> None:
    """Reads, pre-checks and pushes alike; a request that has not begun can be taken back."""
    visitor, path = console.visitor(), f"/dossiers/{number(1)}"
    edit(engine, 0)
    [key] = conflict_keys(visitor.get("/conflits").text)
    register(engine.another().app)
    waiting = visitor.post(f"{path}/relire")
    assert "En attente" in waiting.text
    gone = f"/demandes/{waiting.url.rpartition('/')[2].partition('?')[0]}"
    taken = visitor.post(f"{gone}/retirer")
    assert "La demande est retirée." in taken.text
    assert "a été retirée" in visitor.post(f"{gone}/retirer").text
    assert "déjà commencé" not in visitor.get("/journal").text
    with service(engine):
        for action in ("relire", "rejuger", "renvoyer"):
            assert "Fait" in visitor.ask(f"{path}/{action}")
        assert "Fait" in visitor.ask("/conflits", conflit=key, choix="ecraser", confirme="1")
    assert "Éligible" == engine.remote(0)
    kinds = ["dossier", "precontrole", "envoi", "envoi"]
    assert [(kind, USER, 0) for kind in kinds] == requests_of(engine)


class Hasty(threading.Event):
    """A request to stop that nobody makes; who waits for it does not wait."""

    def wait(self, timeout: float | None = None) -> bool:
        return super().wait(0)


def test_a_request_that_a_service_has_begun_stays_the_services(engine: Engine) -> None:
    """Started while the console waited for its turn: the console stores no failure for it."""
    service, worker = engine.another(), engine.another(stop=Hasty())

    def begun(acquire: Callable[..., Any], *given: Any) -> Any:
        del worker.store.around["acquire_lease"]
        with worker.store.reading(DEMARCHE) as reader:
            request = reader.requests.next()
        assert request
        with service.store.transaction(service.store.acquire_lease(DEMARCHE, 60)) as tx:
            tx.requests.begin([request.id], 1, service.now())
        return acquire(*given)

    worker.store.around["acquire_lease"] = begun
    taking = Desk(worker.stop)
    taking.ask(worker.app, ReadDossiers((number(0),)), USER)
    # It comes after it, in the same thread.
    taking.ask(worker.app, ReadDossiers((number(1),)), USER)
    wait_for(engine, [("dossier", USER, None), ("dossier", USER, 6)])
    taking.close()


def wait_for(engine: Engine, expected: list[tuple[str, str, int | None]]) -> None:
    """Wait until the requests are these."""
    until = time.monotonic() + DEADLINE_S
    while expected != requests_of(engine):
        assert time.monotonic() < until, requests_of(engine)
        time.sleep(0.05)


def test_a_request_that_the_database_kept_from_beginning_is_ended(engine: Engine) -> None:
    """It was away for a moment; nobody else would ever end it, and its page would wait."""
    worker = engine.another()

    def away(reading: Callable[..., Any], *given: Any) -> Any:
        if threading.current_thread() is threading.main_thread():
            return reading(*given)
        del worker.store.around["reading"]
        raise StoreError("The disk is full.")

    worker.store.around["reading"] = away
    desk = Desk(worker.stop)
    desk.ask(worker.app, ReadDossiers((number(0),)), USER)
    wait_for(engine, [("dossier", USER, StoreError.exit_code)])
    desk.close()


def reads_until(stop: threading.Event, client: WatchedClient) -> threading.Event:
    """Have each read of a dossier last until the stop; return what the first one sets."""
    begun = threading.Event()

    def slow(ask: Callable[..., Any], *given: Any) -> Any:
        begun.set()
        assert stop.wait(DEADLINE_S)
        return ask(*given)

    client.around["dossiers"] = slow
    return begun


def test_what_a_stopped_console_has_not_done_is_interrupted(engine: Engine) -> None:
    """Begun or not: without a service, nobody would ever end it, and its page would wait."""
    stop = threading.Event()
    worker = engine.another(stop=stop)
    begun = reads_until(stop, worker.client)
    desk = Desk(stop)
    desk.ask(worker.app, ReadDossiers((number(0), number(1))), USER)
    desk.ask(worker.app, Push(), USER)
    assert begun.wait(DEADLINE_S)
    stop.set()
    desk.close()
    assert [("dossier", USER, 130), ("envoi", USER, 130)] == requests_of(engine)


def test_the_next_console_does_what_a_killed_one_was_asked(engine: Engine) -> None:
    """Unless a service runs, which will do it."""
    with engine.worker.store.requests(DEMARCHE) as requests:
        requests.ask(*to_row(Erase((number(0),))), USER, engine.control.clock.now())
    service = engine.another().app
    register(service)
    with visiting(engine) as visitor:
        assert 200 == visitor.get("/").status_code
    assert [("effacement", USER, None)] == requests_of(engine)
    unregister(service)
    with visiting(engine) as visitor:
        wait_for(engine, [("effacement", USER, 0)])
        assert "a été effacé ici" in visitor.read(f"/dossiers/{number(0)}/tout")


def test_a_stop_without_a_database_is_quiet(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    """What was not done cannot be journaled then, which is no bug to log."""
    stop = threading.Event()
    worker = engine.another(stop=stop)
    begun = reads_until(stop, worker.client)
    desk = Desk(stop)
    for _ in range(2):
        desk.ask(worker.app, ReadDossiers((number(0), number(1))), USER)
    assert begun.wait(DEADLINE_S)
    engine_for(engine.url).dispose()
    Path(engine.url.removeprefix("sqlite:///")).write_bytes(b"not a database" * 99)
    stop.set()
    desk.close()
    assert [] == [one.name for one in caplog.records if one.name.startswith("concurrent")]


@pytest.mark.parametrize(
    ("missing", "said", "code"),
    [
        ("token", "DSYNC_DS_TOKEN", 2),
        ("client", "Faute interne de dsync", 1),
        ("refused", "dans son profil de Démarches Simplifiées : lecture et écriture", 3),
    ],
)
def test_a_request_that_cannot_be_done_says_why(
    engine: Engine, missing: str, said: str, code: int
) -> None:
    """For want of a token, or by a bug of dsync, which is logged: nobody waits for it for ever.

    Of a refused token: who makes another one, with which rights, and where it is put.
    """
    app = engine.another().app
    if missing == "refused":
        engine.control.faults.fail(ScriptedFault("token_expired", times=None))
    is_mute = missing == "token"
    settings = replace(app.settings, ds_token=None) if is_mute else app.settings
    client: Any = None if is_mute else SimpleNamespace(is_away=False)
    if missing != "refused":
        app = Worker(settings, clock=app.clock, store=app.store, client=client)
    with served(engine, [app]) as console:
        page = console.visitor().ask(f"/dossiers/{number(0)}/relire")
    for shown in ("Échoué", said, f"Revenir au dossier {number(0)}"):
        assert shown in page
    assert [("dossier", USER, code)] == requests_of(engine)


def test_a_dossier_is_erased_once_confirmed_and_its_erasure_undone(
    engine: Engine, visitor: Visitor
) -> None:
    """What people typed goes; the undoing reads it again, as that of the command does."""
    path = f"/dossiers/{number(0)}"
    before = engine.one("lecture_candidature", 0)["probleme"]
    asked = visitor.send(f"{path}/effacer")
    assert f"Effacer le dossier {number(0)} de la copie ?" in asked
    assert (before, []) == (engine.one("lecture_candidature", 0)["probleme"], requests_of(engine))
    assert "Fait" in visitor.ask(f"{path}/effacer", confirme="1")
    page = visitor.read(path)
    assert "a été effacé ici" in page
    assert "Relire" not in page
    assert None is engine.one("lecture_candidature", 0)["probleme"]
    assert "1 dossier lu, " in visitor.ask(f"{path}/effacer", annuler="1")
    assert before == engine.one("lecture_candidature", 0)["probleme"]
    kinds = [("effacement", USER, 0), ("effacement", USER, 0), ("dossier", USER, 0)]
    assert kinds == requests_of(engine)
    assert "Effacement (annulé)" in visitor.read("/journal")


def test_what_dsync_wrote_before_its_database_was_lost_is_recognised(
    engine: Engine, visitor: Visitor
) -> None:
    """Once that is confirmed; the next push then replaces it."""
    edit(engine, 0, 1)
    keys = conflict_keys(visitor.get("/conflits").text)
    asked = visitor.post("/conflits", conflit=keys, choix="adopter")
    assert "dsync les a écrites lui-même" in words(asked.text)
    assert "Écrit à la main" == engine.remote(0)
    done = visitor.post("/conflits", conflit=keys, choix="adopter", confirme="1")
    assert "2 conflits réglés : le prochain envoi la remplace." in words(done.text)
    page = visitor.read("/conflits")
    assert "Aucun conflit sans réponse." in page
    assert (
        f"Réponses en attente d’envoi {3 * len(keys)} valeurs" in page.replace("\u00a0", " ")[:900]
    )
    assert f"{number(0)} Résultat Éligible En attente d’envoi" in page
    engine.sync_later()
    assert "Éligible" == engine.remote(0)
    assert "en attente d’envoi" not in visitor.read("/conflits")
    assert [("conflit", USER, 0)] == requests_of(engine)[:1]
    assert "valeur reconnue" in visitor.read("/journal")


RUNS = ("/journal", "/synchronisations")


def test_rules_that_were_stopped_are_accepted_once_confirmed(engine: Engine) -> None:
    """As `dsync accept rules` does: with what they change, and in the user's name."""
    change_rules(engine, WRONG)
    engine.advance(minutes=1)
    assert 4 == engine.sync().exit_code
    [waiting] = engine.asked()
    consent = {"genre": "regles", "version": waiting.version}
    with visiting(engine, [engine.worker.app]) as visitor:
        assert "feraient changer beaucoup d’avis" in visitor.read("/suivi")
        # One run, one word.
        for page in (visitor.ask("/resynchroniser"), *map(visitor.read, RUNS)):
            assert ("Fait en partie" in page, "Échoué" in page) == (True, False)
        assert "Un accord est à donner" in visitor.read("/preuves")
        page = visitor.get("/accords").text
        anomalies = visitor.get("/anomalies").text
        assert "attend un accord" in anomalies
        assert "tout est envoyé" not in anomalies
        assert "Avis Éligible À vérifier" in words(page)
        assert re.search(rf"Exemple {number(0)}\b", words(page))
        assert [] == [*ENGLISH.finditer(read(page)), *OTHER_WORDS.finditer(read(page))]
        asked = visitor.send("/accords", **consent)
        assert "Les dossiers ouverts sont jugés selon elles" in asked
        assert "Éligible" == engine.verdict(0)
        other = visitor.post("/accords", genre="regles", version="x", confirme="1").text
        assert "Ce n’est plus ce qui attend" in words(other)
        visitor.ask("/accords", **consent, confirme="1")
        assert "À vérifier" == engine.verdict(0) == engine.remote(0)
        assert ("accord", USER, 0) == requests_of(engine)[-1]
        assert Consent.RULES.french in visitor.read("/journal")
        assert "Rien n’attend votre accord" in visitor.read("/accords")
        history = visitor.read(f"/dossiers/{number(0)}/tout")
        assert "car les règles ont changé" in history
        page = visitor.get("/regles").text
        assert "2 versions, et les avis qu’elles ont changés" in words(page)
        changed = visitor.read(re.findall(r'href="(/synchronisations/\d+)"', page)[0])
        assert "Éligible → À vérifier" in changed


def test_a_consent_given_while_ds_is_away_is_kept_and_said(engine: Engine) -> None:
    """Its run fails; the page says what was given, by whom, and when it takes effect."""
    change_rules(engine, WRONG)
    engine.advance(minutes=1)
    assert 4 == engine.sync().exit_code
    consent = {"genre": "regles", "version": engine.asked()[0].version}
    with visiting(engine, [engine.worker.app]) as visitor:
        asked = visitor.send("/accords", **consent)
        assert re.search(r"\b\d+ dossiers sur \d+\. Les dossiers ouverts", asked)
        assert "Si vous ne faites rien : rien n’est jugé ni inscrit" in asked
        engine.control.faults.fail(ScriptedFault("token_expired", times=None))
        engine.advance(minutes=1)
        after = visitor.ask("/accords", **consent, confirme="1")
        assert "Échoué" in after
        assert "Votre accord est enregistré" in after
        page = visitor.read("/accords")
        assert f"Accords donnés, pas encore suivis d’effet {Consent.RULES.french}" in page
        assert f"accord de {USER}" in page
        assert "Rien n’attend votre accord" in page
        engine.control.faults.clear_faults()
        engine.advance(minutes=5)
        engine.sync()
        assert "À vérifier" == engine.verdict(0) == engine.remote(0)
        assert "pas encore suivis" not in visitor.read("/accords")


def test_a_catalogue_that_was_stopped_is_accepted_once_confirmed(
    engine: Engine, visitor: Visitor
) -> None:
    document = few_products()
    fewer = {**document, "data": document["data"][:3]}
    engine.control.catalogue.replace(STARTUPS, fewer)
    engine.advance(minutes=1)
    assert 7 == engine.sync().exit_code
    page = visitor.get("/accords").text
    assert "catalogue publié n’est pas retenu" in words(page)
    assert re.search(r"Précision Le catalogue [^|]*?\b3 produits", words(page)), words(page)
    assert not ENGLISH.search(read(page))
    [version] = re.findall(r'name="version" value="(\w+)"', page)
    consent = {"genre": "preuves", "version": version}
    assert "Il remplace la copie" in visitor.send("/accords", **consent)
    visitor.ask("/accords", **consent, confirme="1")
    assert "est arrêté" not in visitor.read("/preuves")
    assert "precontrole" == requests_of(engine)[-1][0]


def test_a_person_is_looked_for_and_answered_and_that_is_journaled(engine: Engine) -> None:
    """With values, fields and a file of them; neither an address nor a journal has the words."""
    truth = engine.control.truth_of(number(0))
    with visiting(engine) as visitor:
        assert "Clos, et déposés il y a plus de deux ans" in visitor.read("/personne")
        answer = visitor.post("/personne", texte=truth.usager_email.upper())
        shown = words(visitor.followed(answer))
        sent = visitor.get(f"{urlsplit(answer.url).path}/reponse")
        assert 404 == visitor.get("/personne/999/reponse").status_code
        assert "Recherche d’une personne" not in visitor.read("/journal")
        assert "au moins trois" in visitor.send("/personne", texte="e")
    assert ("personne" in answer.url, truth.usager_email in answer.url) == (True, False)
    assert f"{number(0)} Courriel du compte qui a déposé le dossier {truth.usager_email}" in shown
    assert "Se corrige dans Démarches Simplifiées" in shown
    assert str(number(1)) not in shown
    assert "est le demandeur" in shown
    assert 'filename="reponse-article-15.html"' in sent.headers["Content-Disposition"]
    assert f"Copie du dossier {number(0)}" in sent.text
    journaled = {row["genre"]: str(row) for row in engine.rows("SELECT * FROM demande")}
    assert {"acces", "telechargement"} <= journaled.keys()
    assert str(number(0)) in journaled["acces"]
    assert not [row for row in journaled.values() if truth.usager_email in row]


def test_a_long_search_is_shown_beside_the_pages(visitor: Visitor, engine: Engine) -> None:
    """No page waits for more than a second; then the result stands at the same address."""
    mail = engine.control.truth_of(number(0)).usager_email
    # Who has searched is journaled, which waits for who writes.
    with connected(engine.url) as writer:
        writer.execute(text("UPDATE lease SET token = token"))
        page = visitor.post("/personne", texte=mail)
        assert "En cours" in words(page.text)
        assert 404 == visitor.get(f"{urlsplit(page.url).path}/reponse").status_code
    assert "est le demandeur" in words(visitor.followed(page))


def test_all_dossiers_of_a_person_are_erased_by_one_confirmed_act(
    visitor: Visitor, engine: Engine
) -> None:
    """One page names them and what follows; one request erases them; what was found is gone."""
    numbers = [str(number(rank)) for rank in (1, 2)]
    page = visitor.post("/personne", texte=engine.control.truth_of(number(1)).usager_email)
    visitor.followed(page)
    search = page.url.rpartition("/")[2]
    given = {"dossier": numbers, "recherche": search}
    asked = visitor.send("/personne/effacer", **given)
    assert "Effacer 2 dossiers de la copie ?" in asked
    assert all(one in asked for one in (*numbers, "Rien ne change dans Démarches Simplifiées"))
    assert "Choisissez au moins un dossier" in visitor.send("/personne/effacer")
    assert 404 == visitor.post("/personne/effacer", dossier="7").status_code
    assert "Fait" in visitor.ask("/personne/effacer", dossier=" ".join(numbers), confirme="1")
    [request] = engine.rows("SELECT options FROM demande WHERE genre = 'effacement'")
    assert all(one in str(request) for one in numbers)
    assert 404 == visitor.get(f"/personne/{search}").status_code
    assert ["efface"] * 2 == [engine.one("dossier", rank)["presence"] for rank in (1, 2)]


def test_the_versions_of_the_form_say_what_changed(engine: Engine) -> None:
    """Questions that came, went or got another label, with the dossiers of each version."""
    engine.control.form.publish_revision(Change(remove=[PROBLEME]))
    engine.sync_later(full=True)
    with visiting(engine) as visitor:
        page = visitor.read("/formulaire").replace("\u00a0", " ")
    newest, _, first = page.partition("dossiers présents")
    assert "en vigueur" in newest
    assert "Retiré : « Problème" in page
    assert "La première version que dsync ait lue" in first

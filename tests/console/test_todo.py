"""The first page: what waits, and for whom, as numbers that lead to lists; the service's line."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from pathlib import Path

import pytest

from dsync.configuration import ConsoleSection
from dsync.console.access import Role
from dsync.console.words import minute, moment
from dsync.sandbox.faults import ScriptedFault
from tests.commands.command import without_programme
from tests.console.provider import as_, team
from tests.console.served import Visitor, configured, served, visiting, words
from tests.console.test_other_demarches import CHECKS
from tests.engine.rig import PROBLEME, RESULTAT, Engine, number, seeds
from tests.engine.served import Served, register

OPEN = ("en_construction", "en_instruction")


def numbers_of(visitor: Visitor, path: str = "/") -> dict[str, int]:
    """Return the numbers of the first page by the address to which each leads."""
    page = visitor.get(path).text.partition("<main")[2]
    found = re.findall(r'<a[^>]*href="(/[^"]*)"[^>]*>([\d\u202f]+)', page)
    return {unescape(link): int(text.replace("\u202f", "")) for link, text in found}


def listed(visitor: Visitor, link: str) -> int:
    """Return how many dossiers the list of an address has."""
    found = re.search(r'class="compte">([\d\u202f]+)\xa0dossiers?\b', visitor.get(link).text)
    return int(found[1].replace("\u202f", "")) if found else 0


def test_each_number_is_that_of_the_list_it_leads_to(read_engine: Engine, reader: Visitor) -> None:
    """Checks to answer are those of open dossiers that wait for the team, and of no other one."""
    numbers = numbers_of(reader)
    lists = {link: count for link, count in numbers.items() if link.startswith("/dossiers?")}
    assert lists
    assert lists == {link: listed(reader, link) for link in lists}
    [found] = read_engine.rows(
        "SELECT count(DISTINCT k.numero) AS n FROM lecture_precontrole_controle AS k "
        "JOIN dossier AS d ON d.numero = k.numero JOIN lecture_suivi AS s ON s.numero = d.numero "
        "WHERE k.courant AND d.presence = 'present' AND s.attend = 'instructeur' "
        "AND d.etat IN ('en_construction', 'en_instruction') "
        "AND k.resultat NOT IN ('conforme', 'sans_objet')"
    )
    assert [found["n"]] == [n for link, n in lists.items() if "resultat=a_regler" in link]
    shown = numbers_of(reader, "/suivi")
    assert shown.keys() >= {
        "/dossiers?presence=present&etat=en_instruction",
        "/dossiers?presence=present&controle=phase&resultat=a_verifier",
    }
    assert shown == {link: listed(reader, link) for link in shown}
    page = reader.get("/suivi").text.partition('aria-label="Nombres par administration"')[2]
    rows = page.partition("<tbody")[2].partition("</tbody>")[0].split("</tr>")[:-1]
    counts = [[*map(int, words(row).split()[-6:])] for row in rows]
    assert all(count == sum(parts) for count, *parts in counts)
    assert counts.pop() == [sum(some) for some in zip(*counts, strict=True)]


def test_a_line_leads_to_where_it_is_done_and_on_to_the_next(reader: Visitor) -> None:
    """The first one's action is the primary one; its page has the check's form, and the next."""
    page = reader.get("/").text
    first, *others = re.findall(r'<a class="(fr-btn[^"]*)"', page)
    assert ("fr-btn", {"fr-btn fr-btn--secondary"}) == (first, {*others})
    [link] = re.findall(r'class="fr-btn[^"]*" href="(/dossiers/[^"]*resultat=a_regler[^"]*)', page)
    shown = reader.get(unescape(link)).text
    assert 1 == shown.count('id="a-faire"')
    following = re.search(r'rel="next" href="/dossiers/\d+\?[^"]*resultat=a_regler', shown)
    assert following


def test_what_todays_catalogue_contradicts_is_judged_again_from_its_list(engine: Engine) -> None:
    """A line with its number, the list behind it, a button there and beside the remark."""
    link = "/dossiers?presence=present&etat=en_cours&contredit=oui"
    some = ", ".join(str(number(rank)) for rank in (0, 1))
    with visiting(engine) as visitor:
        assert link not in numbers_of(visitor)
        engine.execute(
            "UPDATE verdict SET verdict = 'Inéligible', remarque = 'Le verdict serait Éligible.' "
            f"WHERE courant AND numero IN ({some})"
        )
        assert 2 == numbers_of(visitor)[link] == listed(visitor, link)
        assert "2 dossiers sont inéligibles d’après le catalogue du dépôt" in visitor.read("/suivi")
        assert 'value="preuve"' in visitor.get(f"/dossiers/{number(0)}").text
        asked = words(visitor.post(link, quoi="preuve", tous="oui").text)
        assert "Juger 2 dossiers avec le catalogue d’aujourd’hui ?" in asked
        visitor.ask("/dossiers", quoi="preuve", dossier=some.replace(",", ""), confirme="1")
        assert ("Éligible", 0) == (engine.verdict(0), listed(visitor, link))


def test_all_is_well_where_nothing_waits_for_anybody(engine: Engine) -> None:
    """Each dossier is refused, and a service runs: one sentence, and no number but zero."""
    with visiting(engine) as visitor:
        register(engine.worker.app)
        assert 0 < max(numbers_of(visitor).values())
        assert "Tout va bien" not in first(visitor)
        for row in engine.rows(
            "SELECT numero, etat FROM dossier WHERE etat NOT IN ('refuse', 'sans_suite')"
        ):
            if row["etat"] == "en_construction":
                engine.control.move(row["numero"], "en_instruction")
            engine.control.move(row["numero"], "refuse")
        engine.sync_later(full=True)
        register(engine.worker.app)
        assert "Tout va bien : rien n’attend personne." in first(visitor)
        assert all("arrive_depuis" in path for path in numbers_of(visitor))


def test_each_page_says_when_the_copy_is_older_than_it_should_be(
    engine: Engine, visitor: Visitor
) -> None:
    """Nobody decides on what DS has changed since; a copy of the last hour is not spoken of."""
    late = "Copie lue il y a 2 j : ce qui a changé depuis"
    every = ("/dossiers", f"/dossiers/{number(0)}", "/jury", "/accords", "/conflits", "/plus")
    assert all(late[:9] not in visitor.read(path) for path in every)
    engine.advance(days=2)
    for path in every:
        assert late in visitor.read(path), path


@pytest.mark.parametrize("text", [None, CHECKS], ids=["no checks", "declared checks"])
def test_without_stages_what_is_under_way_waits_for_the_team(
    engine: Engine, tmp_path: Path, text: str | None
) -> None:
    """Whether the démarche declares checks or has none."""
    app = configured(engine, tmp_path, without_programme() + (text or ""))
    engine.execute("DELETE FROM candidature")
    with visiting(engine, [app]) as visitor:
        numbers = numbers_of(visitor)
        order = "resultat=a_regler&tri=depose_le" if text else "tri=depose_le"
        link = f"/dossiers?presence=present&etat=en_cours&{order}"
        assert 0 < numbers[link] == listed(visitor, link)
        page = visitor.read("/")
        assert ("l’usager" in page, "candidat" in page) == (True, False)


def test_who_does_not_act_begins_with_what_the_place_is_for(engine: Engine) -> None:
    """What DS does, what this is, the role, whom to ask, the words; neither has a list of tasks."""
    engine.control.edit_annotation(number(0), RESULTAT, "Autre chose")
    engine.sync_later(full=True)
    pages = {}
    for role in Role:
        section = ConsoleSection(contact="aide@exemple.gouv.fr")
        with served(engine, role=role, section=section) as console:
            visitor = console.visitor()
            pages[role] = visitor.get("/")
            assert ("À faire" in pages[role].text) == (
                role in {Role.ADMINISTRATEUR, Role.INSTRUCTEUR}
            )
    for role in (Role.JURY, Role.LECTEUR):
        page = words(pages[role].text)
        for said in (
            "Démarches Simplifiées reçoit", "une copie, lue il y a", f"Votre rôle : {role}",
            "écrivez à aide@exemple.gouv.fr", "Conflit", "En instruction", "Éligible",
        ):  # fmt: skip
            assert said in page, (role, said)
        assert 1 == page.count("données personnelles")
    assert "1 conflit " in words(pages[Role.INSTRUCTEUR].text)
    assert not any("Tout va bien" in page.text for page in pages.values())


def test_what_is_new_is_since_the_visit_before(engine: Engine) -> None:
    """Arrived, changed, answered: each number is that of a list with its dates, and of one visit.

    Not since the last page of this visit; the browser keeps it, and the database nothing.
    """
    with visiting(engine) as visitor:
        before = engine.content()
        assert "Depuis sept jours 12 dossiers arrivés" in visitor.read("/")
        assert before == engine.content()
        engine.advance(hours=3)
        engine.control.deposit(seeds([12])[0])
        engine.control.edit_champ(number(2), PROBLEME, "Un autre problème")
        engine.control.send_message(number(0), "usager")
        engine.sync_later(full=True)
        for _ in range(2):
            changed = "1 dossier modifié par son candidat"
            assert f"1 dossier arrivé ici {changed} 1 message ou correction reçu" in first(visitor)
            new = {p: n for p, n in numbers_of(visitor).items() if "depuis=" in p}
            assert [1, 1] == [listed(visitor, path) for path in new if path.startswith("/dossiers")]
            engine.advance(minutes=5)
        engine.advance(hours=3)
        assert "Rien de nouveau" in visitor.read("/")


def test_the_next_jury_has_its_day(engine: Engine) -> None:
    """And how many days there are until then."""
    with visiting(engine) as visitor:
        assert "Prochain jury" not in visitor.read("/")
        engine.execute(f"UPDATE candidature SET jury_le = '2026-12-01' WHERE numero = {number(1)}")
        page = visitor.read("/")
    assert "Prochain jury Mardi 1er décembre 2026 , dans 7 jours : 1 dossier." in page


def test_the_service_is_said_in_one_line(engine: Engine) -> None:
    """With its cause in trouble, since when, and the next try; well again without any of it."""
    app = engine.worker.app
    with visiting(engine) as visitor:
        assert "Aucun service ne tourne ; la dernière synchronisation réussie" in visitor.read("/")
        register(app)
        assert re.search(
            r"Le service tourne : .*, prochaine lecture (à \d\d:\d\d|dans un)", first(visitor)
        )
        engine.advance(minutes=10)
        for _ in range(2):
            engine.control.faults.fail(ScriptedFault("bad_gateway", times=20))
            engine.sync()
            engine.advance(minutes=2)
        register(app, next_in=timedelta(minutes=19))
        said = first(visitor)
        assert re.search(
            r"Démarches Simplifiées ne répond pas depuis \d\d:\d\d, prochain essai à \d\d:\d\d\.",
            said,
        ), said
        anomalies = visitor.read("/anomalies")
        assert "Démarches Simplifiées ne répond pas depuis" in anomalies
        assert "tout est envoyé" not in anomalies
        engine.advance(hours=3)
        register(app, next_in=timedelta(minutes=19))
        suivi = visitor.read("/suivi")
        assert "Rien à faire : dsync réessaie à" in suivi
        assert "Lancez « Synchroniser »" not in suivi
        # Another cause has an hour of its own.
        engine.advance(minutes=30)
        engine.control.faults.clear_faults()
        engine.control.faults.fail(ScriptedFault("token_expired", times=None))
        engine.sync()
        register(app, next_in=timedelta(minutes=19))
        [run] = engine.rows("SELECT debut FROM lecture_synchronisation ORDER BY run DESC LIMIT 1")
        said = f"refuse le jeton depuis {minute(run['debut'])}, prochain essai"
        assert said in first(visitor)
        assert said in visitor.read("/anomalies")
        assert re.search(r"Jeton\s*refusé depuis le", visitor.read("/suivi"))
        engine.control.faults.clear_faults()
        engine.sync()
        assert "refuse le jeton" not in first(visitor)
        # Not the read that the service told of when it registered, which has been done since.
        register(app, next_in=timedelta(minutes=1))
        assert Served(app).tick()
        engine.advance(minutes=2)
        assert "prochaine lecture à" in first(visitor)


def test_a_consent_that_is_awaited_is_said_with_the_age_of_the_copy(engine: Engine) -> None:
    """No try ends it, so none is announced; and what was read before is said to be that old."""
    with visiting(engine) as visitor:
        engine.advance(minutes=10)
        for rank in range(6):
            engine.control.expire(number(rank))
        engine.sync(full=True)
        register(engine.worker.app, next_in=timedelta(minutes=19))
        engine.advance(minutes=10)
        said = first(visitor)
        engine.advance(hours=3)
        register(engine.worker.app, next_in=timedelta(minutes=19))
        suivi = visitor.read("/suivi")
    assert "Décidez de l’accord qui est attendu." in suivi
    assert "Lancez « Synchroniser »" not in suivi
    assert re.search(
        r"Un accord est attendu depuis \d\d:\d\d ; la dernière lecture remonte à \d+ min", said
    ), said


def test_a_catalogue_that_was_not_read_is_said_then_kept_in_mind(engine: Engine) -> None:
    """On each page that says how things are, with its hours; no page says that all is well."""
    app = engine.worker.app
    with visiting(engine) as visitor:
        register(app)
        assert "tout est envoyé" in visitor.read("/anomalies")
        engine.control.catalogue.unavailable = True
        engine.advance(minutes=10)
        assert 7 == engine.sync().exit_code
        register(app)
        away = "Le catalogue de beta.gouv.fr ne peut pas être lu"
        for path in ("/", "/anomalies"):
            assert (
                f"est faite en partie, prochaine lecture dans un instant. {away}"
                in visitor.read(path)
            )
        assert "tout est envoyé" not in visitor.read("/anomalies")
        assert "Le catalogue de beta.gouv.fr n’est plus lu depuis" in visitor.read("/suivi")
        engine.control.catalogue.unavailable = False
        engine.advance(minutes=10)
        engine.sync()
        register(app)
        anomalies = visitor.read("/anomalies")
        assert away not in first(visitor) + anomalies
        assert "n’est plus lu" not in visitor.read("/suivi")
    begun, ended = (
        moment(row["debut"]).replace("\xa0", " ")
        for row in engine.rows("SELECT debut FROM lecture_synchronisation ORDER BY run")[-2:]
    )
    assert f"Catalogue de beta.gouv.fr non lu du {begun} au {ended} : 0 avis" in anomalies
    assert "Aucun avis n’en devient inéligible" in anomalies


def shown_in(page: str) -> list[int]:
    """Return the numbers of a page of the list."""
    return [*map(int, re.findall(r'value="(\d+)" aria-label="Choisir', page))]


def test_what_somebody_follows_comes_first(engine: Engine) -> None:
    """Of each kind the first one is theirs, and the next one; their number leads to their list."""
    follower = "instruction-eig@example.gouv.fr"
    with team(engine, [as_("instructeur", follower)], email=follower) as (visitor, _):
        page = visitor.get("/").text
        [link] = re.findall(r'class="fr-btn[^"]*" href="(/dossiers/[^"]*a_regler[^"]*)', page)
        [(mine, count)] = re.findall(
            r'href="(/dossiers\?[^"]*a_regler[^"]*suivi=moi)">(\d+).suivis? par vous', page
        )
        theirs = visitor.get(unescape(mine)).text
        followed = {
            row["numero"]
            for row in engine.rows("SELECT numero, instructeurs FROM dossier")
            if follower in row["instructeurs"]
        }
        one, other = shown_in(theirs)[:2]
        for number_ in (one, other):
            engine.control.edit_annotation(number_, RESULTAT, "Écrit à la main")
        engine.sync_later(full=True)
        engine.control.send_message(one, "usager", "Et la suite ?")
        engine.sync_later()
        page = visitor.get("/mes-dossiers").text
        [row] = [part for part in page.split("<tr ") if f">{one}</a>" in part]
        assert re.search(r"Choisir .*; puis .*lire.* ici \d\d/", words(row)), words(row)
        days = re.findall(r'data-titre="Depuis">(\d\d)/(\d\d)/(\d{4})', page)
        assert 1 < len(days)
        assert days == sorted(days, key=lambda day: day[::-1])
        assert "le plus ancien d’abord" in words(visitor.get("/").text)
        assert "Choisir" in visitor.read("/mes-dossiers?tri=sorte").partition("Depuis")[2][:200]
        engine.execute(f"UPDATE dossier SET instructeurs = '[]' WHERE numero = {other}")
        assert "2 conflits, dont 1 suivi par vous" in visitor.read("/conflits")
        assert "1 conflit sur les dossiers que vous suivez" in visitor.read("/conflits?suivi=moi")
    shown = shown_in(theirs)
    assert int(count) == len(shown)
    assert followed.issuperset(shown)
    assert f"/dossiers/{shown[0]}?" in link
    assert "suivi=moi" in link


def test_who_has_another_address_in_ds_is_told(reader: Visitor) -> None:
    """And not that nothing waits."""
    page = reader.read("/mes-dossiers")
    assert "Aucun instructeur de la démarche n’a votre adresse" in page
    assert "Aucun n’attend" not in page


def test_the_curves_follow_each_run(engine: Engine) -> None:
    with served(engine) as console:
        visitor = console.visitor()
        assert 12 == deposits(visitor)
        console.statements.clear()
        assert 12 == deposits(visitor)
        assert not [one for one in console.statements if "'decisions'" in one]
        engine.control.deposit(seeds([12])[0])
        engine.sync_later(full=True)
        assert 13 == deposits(visitor)
        # As its links list them: no dossier that has gone, or that was erased here.
        engine.control.hide(number(0))
        assert "Fait" in visitor.ask(f"/dossiers/{number(1)}/effacer", confirme="1")
        engine.sync_later(full=True)
        assert 11 == deposits(visitor)


def deposits(visitor: Visitor) -> int:
    """Return how many deposits the chart's legend has."""
    legend = visitor.get("/suivi").text.partition('class="legende"')[2].partition("Décisions")[0]
    return sum(map(int, re.findall(r" (\d+)(?:</a>)?</li>", legend)))


def first(visitor: Visitor) -> str:
    """Return the text of the first page."""
    return visitor.read("/")

"""The list of dossiers: reasons, filters and columns in the address, several dossiers at once."""

from __future__ import annotations

import html
import re

import pytest

from dsync.console.access import Role
from dsync.store.listing import Selection
from dsync.store.sight import Sight
from tests.console.conftest import SHOWN
from tests.console.served import USER, Visitor, served, visiting, words
from tests.console.test_actions import edit, requests_of
from tests.console.test_pages import numbers, table_of
from tests.engine.rig import DEMARCHE, FIRST, Engine, number, seeds
from tests.engine.test_rules_brake import WRONG, change_rules
from tests.store.databases import postgresql_if_long


def link_of(page: str, rel: str) -> str | None:
    """Return where a page's link to the one before or after leads."""
    found = re.search(rf'rel="{rel}" href="([^"]+)"', page)
    return html.unescape(found[1]) if found else None


def test_a_list_says_what_keeps_from_the_best_verdict(reader: Visitor) -> None:
    """By check and result, the rows' reasons and the title say it."""
    page = reader.get("/dossiers?controle=phase&resultat=a_verifier")
    headers, rows = table_of(page.text)
    assert all("phase : " in row[headers.index("Motif")].lower() for row in rows)
    assert "<title>Dossiers (Phase, À vérifier" in page.text


def test_columns_are_chosen_in_the_address(reader: Visitor) -> None:
    """By a form's boxes or by a link; the file has them, too; an unknown one is passed over."""
    boxes = reader.get("/dossiers?colonnes=profils&colonnes=departement_nom&colonnes=rien").text
    assert ["Dossier", "Profils", "Département"] == table_of(boxes)[0]
    assert "colonnes=profils%2Cdepartement_nom" in boxes
    link = "colonnes=departement_nom,q.probleme_identifie&tri=departement_nom"
    headers, rows = table_of(reader.get(f"/dossiers?{link}").text)
    assert ["Dossier", "Département", "Problème identifié"] == headers
    assert any(row[2] != "–" for row in rows)
    assert sorted(row[1] for row in rows) == [row[1] for row in rows]
    names, *_ = reader.lines(f"/dossiers.csv?{link}")
    assert headers == names[:3]
    assert {"Motif", "Moyenne"} <= {*names}


def test_a_dossier_opened_from_a_list_leads_through_it(reader: Visitor) -> None:
    """In the list's order, to both sides, and back to it with its filters."""
    query = "etat=en_construction&tri=depose_le&ordre=desc"
    listed = numbers(reader.get(f"/dossiers?{query}"))
    assert 2 < len(listed)
    page = reader.get(f"/dossiers/{listed[0]}?{query}").text
    assert link_of(page, "prev") is None
    assert f"1 sur {len(listed)}" in words(page)
    walked, following = [listed[0]], link_of(page, "next")
    while following:
        walked.append(int(following.partition("?")[0].rpartition("/")[2]))
        page = reader.get(following).text
        following = link_of(page, "next")
    assert listed == walked
    back = re.search(r'class="fil"><p><a [^>]*href="([^"]+)"', page)
    assert back
    assert listed == numbers(reader.get(html.unescape(back[1])))
    for other in (f"{FIRST}", f"{number(5)}?{query}"):
        assert link_of(reader.get(f"/dossiers/{other}").text, "next") is None, "not in the list"


def test_pages_of_a_list_lead_to_each_other(reader: Visitor) -> None:
    first = "/suivi?par=tous"
    following = link_of(reader.get(first).text, "next")
    assert following
    page = reader.get(following).text
    assert "Page 2" in words(page)
    back = link_of(page, "prev")
    assert back
    assert reader.read(first) == reader.read(back)


def test_several_dossiers_are_read_and_judged_by_one_request(
    engine: Engine, visitor: Visitor
) -> None:
    """Once their number is confirmed; those that are ticked, or the whole selection."""
    some = [str(number(rank)) for rank in (1, 2, 3)]
    asked = visitor.send("/dossiers?etat=en_construction", quoi="relire", dossier=some)
    assert "Relire 3 dossiers ?" in asked
    assert [] == requests_of(engine)
    done = visitor.ask("/dossiers", quoi="relire", dossier=" ".join(some), confirme="1")
    assert "3 dossiers lus, " in done
    whole = numbers(visitor.get("/dossiers?etat=en_construction"))
    asked = visitor.post("/dossiers?etat=en_construction", quoi="rejuger", tous="oui").text
    assert f"Rejuger {len(whole)} dossiers ?" in words(asked)
    fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', asked))
    tried = visitor.send("/dossiers", essai="1", **fields)
    assert f"0 avis changerait sur {len(whole)}" in tried
    assert ["dossier"] == [kind for kind, *_ in requests_of(engine)]
    visitor.ask(html.unescape(re.findall(r'action="(/dossiers[^"]*)"', asked)[0]), **fields)
    assert ["dossier", "precontrole"] == [kind for kind, *_ in requests_of(engine)]
    assert "Choisissez au moins un dossier." in visitor.post("/dossiers", quoi="relire").text
    refused = visitor.send("/dossiers", quoi="preuve", dossier=" ".join(some), confirme="1")
    assert "ne contredit aucun de ces dossiers" in refused


def test_how_many_verdicts_other_rules_would_change_is_counted_before(engine: Engine) -> None:
    """By what they would become, with the first ones to look at; nothing is stored."""
    before, ticked = engine.content(), " ".join(str(number(rank)) for rank in range(12))
    change_rules(engine, WRONG)
    with visiting(engine, [engine.worker.app]) as visitor:
        visitor.get("/dossiers")
        page = visitor.send("/dossiers", quoi="rejuger", dossier=ticked, essai="1")
    said = re.search(r"(\d+) avis changeraient sur 12\. Éligible → À vérifier : (\d+)", page)
    assert said, page[-900:]
    assert said[1] == said[2] == str(page.count(" : Éligible → À vérifier"))
    assert before == engine.content()


def test_the_dossiers_in_conflict_are_listed(engine: Engine, visitor: Visitor) -> None:
    """Nothing is decided from the list, which does not show the values."""
    edit(engine, 0, 1)
    page = visitor.get("/dossiers?conflit=oui")
    assert [number(0), number(1)] == numbers(page)
    for shown in (page, visitor.get(f"/dossiers/{number(0)}")):
        said = "avis de l’équipe ; dsync : « Éligible »"
        assert said in words(shown.text)
    assert {"comparer", "jury", "relire", "rejuger", "repondre", "telecharger"} == {
        *re.findall(r'name="quoi" value="(\w+)', page.text)
    }


def test_chosen_dossiers_are_downloaded(visitor: Visitor) -> None:
    """In the list's order."""
    some = [str(number(rank)) for rank in (3, 1)]
    answer = visitor.post("/dossiers?tri=numero&ordre=desc", quoi="telecharger", dossier=some)
    assert answer.url.partition("?")[0].endswith("/dossiers.xlsx")
    query = answer.url.partition("?")[2]
    assert some == visitor.column(f"/dossiers.csv?{query}", "Dossier")


def test_a_lecteur_chooses_only_what_is_shown(read_engine: Engine) -> None:
    """Neither questions nor filters of what is masked; no buttons."""
    with served(read_engine, role=Role.LECTEUR) as console:
        page = console.visitor().get("/dossiers").text
    assert "q.probleme_identifie" not in page
    assert 'name="quoi"' not in page
    assert 'id="f-produit"' not in page


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (
            "/dossiers?q=&verdict=&etat=en_construction&depose_du=+",
            "/dossiers?etat=en_construction",
        ),
        ("/dossiers?q=&verdict=", "/dossiers"),
        ("/suivi?par=&etat=accepte&du=&au=", "/suivi?etat=accepte"),
        ("/a-reporter?le=", "/a-reporter"),
        (
            "/dossiers?colonnes=verdict&colonnes=profils&tri=verdict",
            "/dossiers?tri=verdict&colonnes=verdict%2Cprofils",
        ),
    ],
)
def test_a_form_of_filters_leaves_only_what_it_chooses(
    reader: Visitor, sent: str, kept: str
) -> None:
    """In the address, whatever fields a browser sends."""
    assert reader.base + kept == reader.get(sent).url


def test_the_usual_columns_are_not_named(reader: Visitor) -> None:
    """The form has a box for each column: as it comes, it adds nothing to the address."""
    boxes = re.findall(r'name="colonnes" value="([^"]+)" checked', reader.get("/dossiers").text)
    assert 5 < len(boxes)
    asked = "&".join(f"colonnes={one}" for one in boxes)
    assert (
        f"{reader.base}/dossiers?etat=accepte" == reader.get(f"/dossiers?etat=accepte&{asked}").url
    )


OF_DOSSIERS = (
    *("verdict", "controle", "resultat", "etat", "etape", "attend", "rattachement"),
    *("departement", "profil", "groupe", "etiquette", "presence", "depose_du", "depose_au"),
    "numeros",
)
OF_CHANGES = ("par", "champ", "etat", "groupe", "du", "au", "depuis")


@pytest.mark.parametrize(
    ("page", "names"),
    [
        *((f"/dossiers{ending}", OF_DOSSIERS) for ending in ("", ".csv")),
        *((f"/{page}", ("le",)) for page in ("jury", "jury.xlsx", "jury/fiches", "a-reporter")),
        *((page, OF_CHANGES) for page in ("/suivi", "/changements.csv")),
    ],
)
def test_a_filter_says_that_it_does_not_know_a_value(
    reader: Visitor, page: str, names: tuple[str, ...]
) -> None:
    """In the same words for each, with the way back to the whole list."""
    ways = set()
    for name in names:
        answer = reader.get(f"{page}?{name}=zzz")
        assert 400 == answer.status_code, name
        assert f"Le filtre « {name} » ne connaît pas « zzz »." in words(answer.text)
        back = re.search(r'href="([^"]*)">Revenir à la liste, sans filtre', answer.text)
        assert back, name
        ways.add(back[1])
    assert {200} == {reader.get(way).status_code for way in ways}


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("q=zzzz", ()),
        ("suivi=moi", (f"ceux que suit {USER} dans Démarches Simplifiées, où votre adresse est",)),
    ],
)
def test_an_empty_list_says_where_it_looked(
    reader: Visitor, query: str, said: tuple[str, ...]
) -> None:
    """In which démarche, as it was read when; what is not there; as whom one is known."""
    page = reader.read(f"/dossiers?{query}")
    where = rf"Cherché dans la démarche {DEMARCHE} \(.+\), lue le \d\d/\d\d/2026 \d\d:\d\d :"
    assert re.search(where, page)
    for one in ("un brouillon, ou un dossier déposé depuis, n’y est pas", *said):
        assert one in page
    assert bool(said) == ("Suivis par moi »" in page)


def test_a_search_says_by_whom_it_finds(read_engine: Engine, reader: Visitor) -> None:
    """With state and hour of the deposit; a telephone, too; nothing of it to a lecteur."""
    [row] = read_engine.rows(
        "SELECT contact_nom, contact_telephone, usager_courriel FROM candidature AS c "
        f"JOIN dossier AS d ON d.numero = c.numero WHERE c.numero = {FIRST}"
    )
    name, telephone = row["contact_nom"], row["contact_telephone"]
    spaced = re.sub(r"\D", "", telephone).removeprefix("0")
    told = f"Nom du contact : {name}"
    mail = row["usager_courriel"]
    for q, said in ((name, told), (mail, mail), (f"+33 {spaced[:3]} {spaced[3:]}", telephone)):
        answer = reader.get("/dossiers", params={"q": q})
        assert FIRST in numbers(answer)
        row_of = next(one for one in table_of(answer.text)[1] if str(FIRST) in one[0])
        assert said in row_of[-1]
        assert re.search(r" · .*, déposé le \d\d/\d\d/\d{4} \d\d:\d\d:\d\d$", row_of[-1])
    with served(read_engine, role=Role.LECTEUR) as console:
        page = console.visitor().read(f"/dossiers?q={FIRST}")
        nothing = console.visitor().read(f"/dossiers?q={name}")
    assert ", déposé le " in page
    assert name not in page
    assert "votre rôle ne permet pas de chercher le nom ni l’adresse d’une personne" in nothing


def test_dossiers_with_one_point_to_settle_are_listed(read_engine: Engine, reader: Visitor) -> None:
    """Of any check, or of one: those that fall for it alone."""
    rows = read_engine.rows("SELECT numero, points FROM verdict WHERE courant")
    one = {row["numero"]: row["points"] for row in rows if row["points"].count("|") == 2}
    assert {*one} == {*numbers(reader.get("/dossiers?seul=oui"))}
    assert len(one) < sum(bool(row["points"]) for row in rows)
    check = next(iter(one.values()))[1:].partition(":")[0]
    alone = {number for number, points in one.items() if points.startswith(f"|{check}:")}
    assert alone == {*numbers(reader.get(f"/dossiers?seul=oui&controle={check}"))}


def test_what_an_applicant_can_still_mend_is_listed_with_whom_to_call(
    read_engine: Engine, reader: Visitor
) -> None:
    """Under construction, for blank or unsuited answers alone; the telephones are a click away."""
    rows = read_engine.rows(
        "SELECT d.numero, d.etat, v.points FROM verdict AS v JOIN dossier AS d "
        "ON d.numero = v.numero WHERE v.courant AND v.points <> ''"
    )
    mended = {"fiche_produit", "completude", "profils"}
    wanted = {
        row["numero"]
        for row in rows
        if row["etat"] == "en_construction"
        and {one.partition(":")[0] for one in row["points"].strip("|").split("|")} <= mended
    }
    page = reader.get("/dossiers?corrigible=oui")
    assert wanted == {*numbers(page)} != set()
    assert len(wanted) < sum(row["etat"] == "en_construction" for row in rows)
    [link] = re.findall(r'href="([^"]*)">Ajouter contacts et téléphones', page.text)
    headers, _ = table_of(reader.get(html.unescape(link)).text)
    assert {"Nom et prénom du point de contact", "Téléphone du point de contact"} <= {*headers}
    assert {"Téléphone du point de contact"} <= {
        *reader.lines(html.unescape(link).replace("?", ".csv?"))[0]
    }


def test_decided_dossiers_are_listed_by_the_age_of_their_decision(
    read_engine: Engine, reader: Visitor
) -> None:
    """The oldest first, for who asks how long they are kept."""
    rows = read_engine.rows(
        "SELECT numero FROM dossier WHERE etat NOT IN ('en_construction', 'en_instruction') "
        "ORDER BY traite_le, numero"
    )
    page = reader.get("/dossiers?etat=clos&tri=traite_le&colonnes=traite_le")
    assert [row["numero"] for row in rows] == numbers(page) != []
    headers, lines = table_of(page.text)
    assert "Décidé le" in headers
    assert all(re.fullmatch(r"\d\d/\d\d/\d{4}", line[1]) for line in lines)


@postgresql_if_long
def test_the_list_is_sorted_by_mean_mark(database_url: str) -> None:
    """As the jury's view has it, on both engines; those without one last, and for nobody else."""
    with Engine(database_url, seeds(range(SHOWN))) as engine:
        engine.sync()
        means = {
            row["numero"]: row["note_moyenne"]
            for row in engine.rows("SELECT numero, note_moyenne FROM lecture_jury_dossier")
        }
        given = {mean for mean in means.values() if mean is not None}
        assert 2 < len(given)
        with engine.worker.store.reading(DEMARCHE) as reader:
            for descending in (False, True):
                chosen = Selection(tri="note_moyenne", descendant=descending)
                found = [means.get(one) for one in reader.dossiers.numbers_of(chosen)]
                marked = [one for one in found if one is not None]
                assert found[: len(marked)] == sorted(marked, reverse=descending)
                assert given == {*marked}
        with engine.worker.store.reading(DEMARCHE, Sight(marks=False)) as reader:
            found = reader.dossiers.numbers_of(chosen)
            assert sorted(found, reverse=True) == found
        with served(engine, role=Role.LECTEUR) as console:
            page = console.visitor().get("/dossiers?tri=note_moyenne&ordre=desc")
            assert sorted(numbers(page), reverse=True) == numbers(page)


def test_two_ticked_dossiers_are_compared(visitor: Visitor) -> None:
    """Whichever they are, or three, also from a jury; of another number, it says what to do."""
    sent = {"quoi": "comparer", "dossier": [str(number(2)), str(number(0))]}
    assert visitor.post("/dossiers", **sent).url.endswith(f"/{number(0)}/comparer/{number(2)}")
    three = "&".join(f"dossier={number(rank)}" for rank in (4, 0, 2))
    found = visitor.get(f"/jury/comparer?{three}").url
    assert found.endswith(f"/{number(0)}/comparer/{number(2)}?dossier={number(4)}")
    alone = {"quoi": "comparer", "dossier": str(number(0))}
    for said in (visitor.send("/dossiers", **alone), visitor.read("/jury/comparer")):
        assert "Cochez deux ou trois dossiers pour les comparer." in said


def test_the_list_is_sorted_by_how_long_each_waits(reader: Visitor) -> None:
    """Since when a dossier waits is a column, in the file, too; those that wait for nobody last."""
    query = "colonnes=attend,attend_depuis&tri=attend_depuis"
    days = reader.column(f"/dossiers.csv?{query}", "Attend depuis le")
    kept = [day for day in days if day]
    assert 1 < len({*kept}) < len(days) + 1
    dates = [day[6:10] + day[3:5] + day[:2] + day[10:] for day in kept]
    assert sorted(dates) == dates


def test_the_numbers_of_each_value_open_lists_of_that_length(reader: Visitor) -> None:
    """By organisation, profil and région, with and without a verdict."""
    page = html.unescape(reader.get("/suivi").text)
    shown = re.findall(r'<a href="(/dossiers\?presence=present[^"]+)">(\d+)</a>', page)
    for name in ("rattachement", "profil", "region"):
        of_it = [(path, count) for path, count in shown if f"{name}=" in path]
        assert of_it, name
        for path, count in of_it[:6]:
            of_all = "" if count == "1" else f", de 1 à {count}"
            assert re.search(rf"\b{count} dossiers?{of_all}\b", reader.read(path)), path

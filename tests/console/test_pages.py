"""What the pages show: the same as the commands, as text, and with few queries."""

from __future__ import annotations

import html
import json
import re
from base64 import b64decode
from collections.abc import Iterator
from datetime import date, datetime
from json import dumps
from typing import Any

import pytest

from dsync.console import words as code_words
from dsync.console.access import RIGHTS, Right, Role
from dsync.console.words import visible
from dsync.domain.consent import Consent
from dsync.domain.ids import DossierNumber
from dsync.eig.code_words import EVIDENCE
from dsync.sandbox.content.applicants import NASTY_TEXTS
from dsync.sandbox.faults import ScriptedFault
from dsync.store.listing import Selection
from dsync.store.told import AlertEntry
from dsync.wiring import Worker
from tests.console.addresses import ADDRESSES
from tests.console.served import ServedConsole, Visitor, served, visiting, words
from tests.engine.rig import DEMARCHE, FIRST, PAGE, PROBLEME, RESULTAT, Engine, number, seeds
from tests.store.databases import postgresql_if_long

WITH_FILTERS = (
    *ADDRESSES,
    "/dossiers?q=direction&tri=raison_sociale&ordre=desc&presence=present",
    "/dossiers?verdict=a_verifier&etat=en_instruction",
    "/dossiers?verdict=aucun&etape=Jury&attend=jury&tri=verdict",
    "/dossiers?groupe=d%C3%A9faut&etiquette=%C3%A9ligible&conflit=1",
)
MOST_STATEMENTS, MOST_OF_A_DOSSIER = 12, 18
MOST_OF = {
    **{"/": 34, "/suivi": 23, "/anomalies": 14, "/dossiers": 13},
    **{f"/dossiers/{FIRST}/comparer/{FIRST + 1}": 16, "/jury/comparer": 14},
}
"""Of the pages that show several things, each of which a page of its own would read."""
_TECHNICAL = re.compile(r'<details class="technique".*?</details>', re.DOTALL)
_CODE = re.compile(
    r"\b(?:[a-z]+(?:_[a-z]+)+|(?=\d*[a-f])[0-9a-f]{12,}|None|True|False|webhook)\b|[{}]"
    r"|\[['\"]|(?<![\w/.])/(?:etc|home|root|srv|tmp|usr|var|work)/\S*"
)


@pytest.fixture
def on_each(database_url: str) -> Iterator[ServedConsole]:
    """The console of twelve dossiers, one with a conflict and one in quarantine, on each engine."""
    with Engine(database_url, seeds()) as engine:
        engine.sync()
        engine.control.edit_annotation(number(0), RESULTAT, "Autre chose")
        engine.control.faults.return_null(number(1), champs_only=True)
        engine.sync_later(full=True)
        with served(engine) as console:
            yield console


def test_a_dossier_leads_to_its_page_in_ds(read_engine: Engine) -> None:
    """By the address of the API, whatever the instance."""
    of_ds = read_engine.another(ds_url="https://demarche.example.gouv.fr/api/v2/graphql")
    with served(read_engine, [of_ds.app]) as console:
        page = console.visitor().get(f"/dossiers/{FIRST}").text
    link = f"https://demarche.example.gouv.fr/procedures/{DEMARCHE}/dossiers/{FIRST}"
    assert f'href="{link}" rel="noreferrer">Ouvrir dans Démarches Simplifiées' in page
    for part in ("/personnes-impliquees", "/annotations-privees", "/messagerie"):
        assert f'href="{link}{part}" rel="noreferrer">' in page


@postgresql_if_long
def test_every_page_takes_few_statements(on_each: ServedConsole, database_url: str) -> None:
    """At most twelve, eighteen of a dossier with all its parts, and on both engines."""
    # PostgreSQL is also asked for its schema and for its views of the form.
    more = 2 * database_url.startswith("postgresql")
    visitor = on_each.visitor()
    taken: dict[str, int] = {}
    for address in WITH_FILTERS:
        on_each.statements.clear()
        answer = visitor.get(address)
        assert 200 == answer.status_code, address
        taken[address] = len(on_each.statements)
    of_dossier = max(taken.pop(f"/dossiers/{FIRST}{tab}") for tab in ("", "/tout"))
    assert {} == {
        a: n
        for a, n in taken.items()
        if n > MOST_OF.get(a.partition("?")[0], MOST_STATEMENTS) + more
    }
    assert of_dossier <= MOST_OF_A_DOSSIER + more
    for address in ("/dossiers.csv?verdict=eligible", "/dossiers.xlsx"):
        assert 200 == visitor.get(address).status_code


def told_by_check(app: Worker, *names: str) -> None:
    """Store that the service has told what `dsync check` found."""
    with app.store.alerts() as alerts:
        book, now = alerts.book(app.clock())
        told = [AlertEntry(app.demarche, f"check {name}", "", 1, now, now, now) for name in names]
        alerts.save(book, {one.key: one for one in told})


def test_the_state_shows_what_needs_attention(engine: Engine, visitor: Visitor) -> None:
    """In French: what the daily check found, a full read that the brake stopped, a late one."""
    app = engine.worker.app
    page = visitor.read("/suivi")
    assert "vérification quotidienne" not in page
    assert str(app.settings.config.parent) not in page
    told_by_check(app, "instructeur")
    page = visitor.read("/suivi")
    assert "L’instructeur de dsync manque dans le groupe « autre groupe » : ajoutez-le" in page
    assert "dsync check" not in page
    told_by_check(app, "labels", "mapping")
    for rank in range(6):
        engine.control.expire(number(rank))
    engine.sync(full=True)
    page = visitor.read("/suivi")
    assert "La vérification quotidienne signale un défaut : la correspondance avec le form" in page
    assert "Beaucoup de dossiers ne sont plus montrés" in page
    assert "La dernière synchronisation n’a pas abouti" in page
    engine.advance(minutes=20)
    assert "réussie remonte à" in visitor.read("/suivi")
    app.store.acquire_lease(app.demarche, 60)
    assert "; une autre est en cours" in visitor.read("/suivi")


def test_everybody_learns_that_the_copy_is_old(engine: Engine) -> None:
    """With the cause; nothing says that it is tried again where no service runs.

    The rest, and the end of the token, is for who acts.
    """
    engine.control.faults.fail(ScriptedFault("bad_gateway", times=99))
    with visiting(engine) as visitor:
        page = visitor.ask("/resynchroniser", portee="nouveau")
    assert "Échoué" in page
    assert page.count("Démarches Simplifiées ne répond pas. Réessayez plus tard.") == 1
    assert [] == re.findall("rien|de lui-même|signalé", page), "nobody knows what there was"
    why = "La dernière synchronisation n’a pas abouti : Démarches Simplifiées ne répond pas."
    ends, day = "Jeton valable jusqu’au 31/12/2026", date(2026, 12, 31)
    for role in Role:
        acts = Right.AGIR in RIGHTS[role]
        for given, token in ((None, "Jeton fin non renseignée"), (day, ends)):
            app = engine.another(ds_token_expires_on=given).app
            with visiting(engine, [app], role=role) as visitor:
                page = visitor.read("/suivi")
            assert (True, False) == (why in page, "de lui-même" in page)
            assert acts == (token in page) == ("Aucun service ne tourne" in page)


def test_sorting_and_paging_are_the_databases(read_engine: Engine, reader: Visitor) -> None:
    """Pages follow each other without a gap, in the order asked for; unnamed ones come last."""
    by_name = Selection(tri="raison_sociale", descendant=True)
    with read_engine.worker.store.reading(DEMARCHE) as store:
        every, total = store.dossiers.listing(by_name, limit=99)
        parts = range(0, total, 7)
        pages = [store.dossiers.listing(by_name, limit=7, offset=one)[0] for one in parts]
    assert every == [row for page in pages for row in page]
    names = [row["raison_sociale"] for row in every]
    known = [name.lower() for name in names if name]
    assert (sorted(known, reverse=True), None) == (known, names[-1])
    shown = numbers(reader.get("/dossiers?tri=raison_sociale&ordre=desc"))
    assert [row["numero"] for row in every] == shown


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("etiquette=%C3%A9ligible", "lecture_etiquette WHERE etiquette = 'éligible'"),
        ("presence=present", "dossier WHERE presence = 'present'"),
        (
            "controle=phase&resultat=a_verifier",
            "lecture_precontrole_controle WHERE courant AND controle = 'phase' "
            "AND resultat = 'a_verifier'",
        ),
    ],
)
def test_each_filter_narrows_the_list(
    read_engine: Engine, reader: Visitor, query: str, rows: str
) -> None:
    """As the views have what it names."""
    expected = [row["numero"] for row in read_engine.rows(f"SELECT numero FROM {rows} ORDER BY 1")]
    assert [] != expected == numbers(reader.get(f"/dossiers?{query}"))


def test_a_file_shows_what_the_page_shows(read_engine: Engine, reader: Visitor) -> None:
    """The same rows, headers, words and Paris days, as CSV and as a workbook; no code, no UTC."""
    query = "presence=present&tri=depose_le&ordre=desc"
    headers, rows = table_of(reader.get(f"/dossiers?{query}").text)
    file = f"/dossiers.csv?{query}"
    assert "attachment" in reader.get(file).headers["Content-Disposition"]
    lines = reader.lines(file)
    book = reader.book(f"/dossiers.xlsx?{query}")
    cells = [[*row] for row in book.active.values]
    assert lines[0] == cells[0]
    # The list shows the opinion in force alone; the file has dsync's beside it.
    place = lines[0].index("Avis de dsync")
    for row in (*lines, *cells):
        del row[place]
    assert headers == lines[0][: len(headers)]
    assert len(lines[0]) == len(set(lines[0]))
    whole = reader.book(f"/dossiers.xlsx?{query}&complet=oui")
    [first_row, *_] = whole.active.values
    assert [*first_row[:place], *first_row[place + 1 :]][: len(lines[0])] == lines[0]
    assert len(first_row) > 2 * len(lines[0])
    for shown, line, row in zip(rows, lines[1:], cells[1:], strict=True):
        # A sign before what Excel would take for a formula is the CSV file's alone.
        assert [flat(text.removeprefix("'")) for text in line] == [
            flat(in_french(value, text)) for value, text in zip(row, line, strict=True)
        ]
        # The list has the day alone of an instant.
        days = [re.sub(r"^(\d\d/\d\d/\d{4}) \d\d:\d\d$", r"\1", text) for text in line]
        expected = [text or "–" for text in days[: len(headers)]]
        # The list has whom a dossier waits for since when, and a reason in one line.
        place = headers.index("Motif")
        reason, told = shown.pop(place), expected.pop(place)
        assert told.casefold().startswith(reason.partition(" : ")[0].casefold())
        place = headers.index("À qui d’agir")
        shown[place] = re.sub(r" depuis .* j$", "", shown[place])
        assert expected == shown
    first = read_engine.one("lecture_candidature", int(lines[1][0]) - FIRST)
    paris = code_words.moment(first["champs_modifie_le"]).replace(code_words.NB, " ")
    assert paris == lines[1][lines[0].index("Modifié le")]
    codes = {code for line in lines[1:] for text in line for code in re.findall(_CODE, text)}
    assert not codes & {*code_words.ETATS, *code_words.PRESENCES, "true", "false"}


def in_french(value: Any, text: str) -> str:
    """Return a value of a workbook as the text of a CSV file."""
    if isinstance(value, datetime):
        return f"{value:%d/%m/%Y %H:%M}"[: len(text)]
    if isinstance(value, float):
        return str(value).replace(".", ",")
    return "" if value is None else str(value)


def test_a_stage_is_one_fact_on_all_screens(read_engine: Engine, reader: Visitor) -> None:
    """The one of `lecture_suivi`; what the team types has another name, in the file, too."""
    followed = read_engine.rows("SELECT numero, etape, attend_depuis FROM lecture_suivi")
    stages = {row["numero"]: row["etape"] for row in followed}
    waits = {row["numero"]: row["attend_depuis"] for row in followed if row["attend_depuis"]}
    with read_engine.worker.store.reading(DEMARCHE) as copy:
        listed, _ = copy.dossiers.listing(Selection(), limit=1000)
    assert {row["numero"]: row["attend_depuis"] for row in listed if row["attend_depuis"]} == waits
    header, *rows = reader.lines("/dossiers.csv?complet=oui&colonnes=etape,attend")
    assert "Avancement noté par l’équipe" in header
    for row in rows:
        assert row[header.index("Étape")] == stages.get(int(row[header.index("Dossier")]), "")
    typed = read_engine.rows("SELECT numero FROM lecture_candidature WHERE etape IS NOT NULL")
    page = reader.read(f"/dossiers/{typed[0]['numero']}/reponses")
    assert "Avancement noté par l’équipe" in page
    assert "Étape saisie" not in page


def test_no_page_shows_a_code(read_engine: Engine, reader: Visitor) -> None:
    """Neither names nor values of the database, nor fingerprints, outside of technical folds."""
    typed = " ".join(
        str(row["valeur"])
        for row in read_engine.rows("SELECT DISTINCT valeur FROM lecture_champ")
        if row["valeur"]
    )
    every = [f"/dossiers/{row['numero']}" for row in read_engine.rows("SELECT numero FROM dossier")]
    for path in (*ADDRESSES, *every):
        page = re.sub(_TECHNICAL, "", reader.get(path).text)
        codes = set(re.findall(_CODE, words(page)))
        if path == "/regles":
            # It is published with the names of what the file sets.
            continue
        if path.endswith("/explication"):
            # By law it names the rules and the lists exactly.
            codes = {code for code in codes if not re.fullmatch("[0-9a-f]{12,}", code)}
        assert [] == sorted(code for code in codes if code not in typed), path
        assert not re.search(
            "Type retenu (?!(?:: )?(?:Opérateur|Administration|Ni|Non))", words(page)
        ), path


def test_what_to_send_to_an_applicant_stands_in_the_dossier(
    console: ServedConsole, engine: Engine
) -> None:
    """As text that can be selected, with a button for scripts; for operators and open dossiers.

    A letter that DS does not show can be said to be sent: then the dossier waits for its candidate,
    everywhere, and the journal says who said so.
    """
    engine.control.edit_champ(number(0), PAGE, None)
    engine.sync_later()
    visitor, path = console.visitor(), f"/dossiers/{number(0)}"
    page = visitor.get(f"{path}/lettre").text
    assert "À transmettre au candidat" in page
    assert re.search(r'<pre[^>]* id="message"[^>]*>Madame, Monsieur,', page)
    assert re.search(r'<button type="button"[^>]* data-copie="message" hidden>', page)
    with visiting(engine, role=Role.LECTEUR) as lecteur:
        assert "À transmettre" not in lecteur.read(f"{path}/tout")
    done = visitor.ask(f"{path}/envoye")
    assert "Fait" in done
    assert "Revenir à ce qui est à faire" in done
    page = visitor.read(f"{path}/lettre")
    assert "J’ai envoyé ce message" not in page
    assert ": le dossier attend son candidat" in page
    journal = visitor.read(f"{path}/journal")
    assert re.search(r"message envoyé, dit cette personne\) – ada@poste", journal)
    waiting = visitor.get(f"/dossiers?attend=usager&numeros={number(0)}")
    assert [number(0)] == numbers(waiting)
    assert "il garde son avis" in visitor.send(f"/dossiers/{number(5)}/envoye")


def test_each_verdict_has_its_account(console: ServedConsole, engine: Engine) -> None:
    """The former ones, too, by the rules of then; an instant without one is not found."""
    engine.restart(configuration={"controles": {"doublon": None}})
    engine.sync()
    engine.accept(Consent.RULES)
    visitor = console.visitor()
    links = re.findall(r'href="([^"]*explication[^"]*)"', visitor.get(f"/dossiers/{FIRST}").text)
    pages = {visitor.read(html.unescape(link)) for link in links}
    assert 2 == len(pages)
    assert {True, False} == {"un seul dossier par produit" in page for page in pages}
    assert all("Poids :" in page and "Textes applicables" in page for page in pages)
    path = f"/dossiers/{FIRST}/explication?etabli_le="
    assert [404, 400] == [visitor.get(path + at).status_code for at in ("2020-01-01", "hier")]
    path, today = f"/dossiers/{FIRST}/explication?le=", f"{engine.worker.now():%Y-%m-%d}"
    days = (today, "2020-01-01", "2100-01-01", "hier")
    assert [200, 404, 404, 400] == [visitor.get(path + day).status_code for day in days]
    assert "Inscrit dans Démarches Simplifiées" in visitor.read(path + today)


def test_every_piece_of_evidence_has_its_french_name(read_engine: Engine) -> None:
    """But for those that people need not see."""
    rows = read_engine.rows("SELECT preuve FROM lecture_precontrole_controle")
    keys = {key for row in rows for key in json.loads(row["preuve"] or "{}")}
    unseen = {"sha256", "lisibles", "exigence", "voeux.profil", "court", "demande"}
    assert keys - EVIDENCE.keys() <= unseen < keys


def test_hostile_texts_are_shown_as_text(engine: Engine, visitor: Visitor) -> None:
    """Markup, control characters, changes of direction, 100,000 characters."""
    texts = [
        *NASTY_TEXTS,
        "\x1b[31mrouge\x1b[0m \u202egnp.exe \u2066x\u2069 {{ 7*7 }} {% raw %}",
        "'\"></textarea><svg/onload=alert(1)> javascript:alert(1)",
        "é" * 100_000,
    ]
    # There are twelve dossiers: the texts beyond share one.
    texts = [*texts[:11], "\n".join(texts[11:])]
    for rank, text in enumerate(texts):
        engine.control.edit_champ(number(rank), PROBLEME, text)
    engine.sync_later()
    for path in ("/dossiers", "/synchronisations"):
        shown_as_text(visitor, path)
    for rank in range(len(texts)):
        stored = flat(visible(engine.one("lecture_candidature", rank)["probleme"] or ""))
        assert stored[:20] in words(shown_as_text(visitor, f"/dossiers/{number(rank)}/tout"))


def shown_as_text(visitor: Visitor, path: str) -> str:
    """Return a page, on which nothing that somebody typed is markup or controls a terminal."""
    answer = visitor.get(path)
    assert 200 == answer.status_code, path
    for forbidden in ("<script>alert", "<img", "<svg/onload", "\x1b", "\u202e", "\x00"):
        assert forbidden not in answer.text, path
    return answer.text


def test_a_list_that_is_cut_says_so(engine: Engine, visitor: Visitor) -> None:
    """The first of very many dossiers in quarantine, and of annotations that wait, are shown.

    To retry each is a request to DS: a full read, which tries them all, is named instead.
    """
    numbered = "(WITH RECURSIVE t (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < {}) "
    engine.execute(
        "INSERT INTO quarantaine (demarche_numero, numero, code, message, depuis, "
        f"dernier_essai_le, tentatives) SELECT {DEMARCHE}, n, 'illisible', 'x', "
        "'2026-01-01 00:00:00.000000', '2026-01-01 00:00:00.000000', 1 "
        f"FROM {numbered.format(6000)} SELECT n FROM t)"
    )
    page = visitor.get("/anomalies").text
    assert "Les 200 premiers sur 6 000" in words(page)
    shown = re.findall(r'name="dossier" value="(\d+)"', page)
    answer = visitor.post("/anomalies", quoi="lecture", dossier=shown)
    assert (200, 200) == (answer.status_code, len(shown))
    assert "premières seulement" not in words(page)
    engine.execute("UPDATE outbox SET statut = 'en_attente'")
    for table in ("dossier", "outbox"):
        kept = [row["name"] for row in engine.rows(f"PRAGMA table_info({table})")]
        copied = {"numero": "numero + 1000 * n", "id": "NULL"}
        engine.execute(
            f"INSERT INTO {table} SELECT {', '.join(copied.get(c, c) for c in kept)} "
            f"FROM {table}, {numbered.format(60)} SELECT n FROM t)"
        )
    assert "Les 500 premières seulement" in visitor.read("/anomalies")


def test_days_are_those_of_paris_and_what_only_looks_like_one_is_text(
    engine: Engine, visitor: Visitor
) -> None:
    """People type such texts: the dossier's page shows them, with its other changes."""
    for text in ("2024-02-30", "2024-06-01T25:61:00", "0001-01-01T00:00:00+14:00"):
        engine.control.edit_champ(number(0), PROBLEME, text)
        engine.sync_later()
        assert text in visitor.read(f"/dossiers/{number(0)}/tout")
    engine.execute("UPDATE dossier SET depose_le = '2024-06-30 22:30:00.000000'")
    assert "01/07/2024 00:30:00" in visitor.read("/dossiers?colonnes=depose_le")
    assert "clôture" not in visitor.read(f"/dossiers/{number(0)}")
    engine.execute("UPDATE dossier SET depose_le = '2024-12-31 22:59:30.000000'")
    said = "Déposé le 31/12/2024 23:59:30 ; clôture le 31/12/2024 23:59:59, seconde comprise"
    assert said in visitor.read(f"/dossiers/{number(0)}")


def test_markup_in_every_champ_is_text(engine: Engine, visitor: Visitor) -> None:
    """And in every annotation, in a conflict, in names: on each page, and for each file a text."""
    markup = '<script>alert("9")</script><img src=x onerror=alert(9)>\x1b[31m\u202eFIN'
    control, rank = engine.control, 0
    for row in engine.rows(
        "SELECT champ_id, type, origine, ligne FROM lecture_champ "
        f"WHERE numero = {number(rank)} AND type IN ('text', 'textarea', 'email', 'phone', "
        "'formatted')"
    ):
        stable_id = int(b64decode(row["champ_id"]).decode().rpartition("-")[2])
        if row["origine"] == "champ" and row["ligne"] is None:
            control.edit_champ(number(rank), stable_id, f"{stable_id} {markup}")
        elif row["origine"] == "annotation":
            place = None if row["ligne"] is None else row["ligne"] - 1
            control.edit_annotation(number(rank), stable_id, f"{stable_id} {markup}", row=place)
    control.edit_annotation(number(rank), RESULTAT, markup)
    control.faults.replace_json(
        number(rank), ("demandeur", "entreprise", "raisonSociale"), dumps(markup)
    )
    control.faults.replace_json(number(rank), ("groupeInstructeur", "label"), dumps(markup))
    control.edit_annotation(number(rank), 5203, "2031-03-04")
    engine.advance(minutes=1)
    assert [] == engine.sync(full=True).errors
    stored = engine.rows(f"SELECT valeur FROM lecture_champ WHERE numero = {number(rank)}")
    assert 10 < sum("<script>" in (row["valeur"] or "") for row in stored)
    every = (*ADDRESSES, f"/dossiers/{number(rank)}", "/synchronisations/4", "/dossiers?q=script")
    seen = "".join(words(shown_as_text(visitor, path)) for path in every)
    assert 10 < seen.count('<script>alert("9")</script><img src=x onerror=alert(9)>')
    for path in ("/dossiers.csv", "/dossiers.xlsx", "/jury.xlsx?le=2031-03-04"):
        assert 200 == visitor.get(path).status_code


def table_of(page: str) -> tuple[list[str], list[list[str]]]:
    """Return the headers and the rows of a page's table as they are read.

    The reason, a line of its own under a dossier's, is the last column.
    """
    head, _, body = page.partition("<tbody")
    headers = re.findall(r"<th [^>]*>(.*?)</th>", head.rpartition("<thead")[2], re.DOTALL)
    rows: list[list[str]] = []
    has_reasons = 'class="suite"' in body
    for row in body.partition("</tbody>")[0].split("<tr ")[1:]:
        cells = re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)
        said = [words(cell).strip() for cell in cells]
        if 'class="suite"' in row.partition(">")[0]:
            rows[-1][-1:] = said
        else:
            rows.append(said + ["–"] * has_reasons)
    return [words(one).strip(" ▼▲") for one in headers] + ["Motif"] * has_reasons, rows


def numbers(answer: Any) -> list[DossierNumber]:
    """Return the numbers of the rows of a page's table, in order."""
    every = answer.text.partition("<tbody")[2].split("<tr ")[1:]
    rows = [row for row in every if 'class="suite"' not in row.partition(">")[0]]
    return [
        DossierNumber(int(re.split('[?"]', row.partition('href="/dossiers/')[2])[0]))
        for row in rows
    ]


def flat(text: str) -> str:
    """Return a text as `words` shows it."""
    return " ".join(text.split())

"""What a run does with a server whose data have holes, or that answers anything."""

from __future__ import annotations

from math import log2
from typing import Any

import pytest

from dsync.sandbox import ScriptedFault
from dsync.sync.report import RunReport
from tests.engine.conftest import Start
from tests.engine.oracle import check_copy
from tests.engine.rig import FIRST, PAGE, PROBLEME, RESULTAT, Engine, number
from tests.profiles import long
from tests.store.databases import engine_by_case, on_postgresql

DEEP = "[" * 600 + "]" * 600
VERY_DEEP = "[" * 100_000 + "]" * 100_000
JUNK = [
    *("null", "true", "0", "-1", "2147483648", "1" + "0" * 30, "1e400", "0.5", '"hier"', '""'),
    *('"0001-01-01T00:00:00+10:00"', '"9999-12-31T23:59:59-10:00"', '"\\u0000"', '"\\ud800"'),
    *("[]", "[null]", "[[]]", "{}", '{"x":{"y":[1]}}', DEEP, VERY_DEEP, "NaN", '"\udce9"'),
]
"""A value of every JSON type, of every size, and what is hardly JSON."""


def company(engine: Engine) -> int:
    """Return the rank of an open dossier whose applicant's company is known."""
    engine.begin(push=False)
    row = engine.rows(
        "SELECT numero FROM dossier WHERE forme_juridique_code IS NOT NULL "
        "AND etat = 'en_construction' ORDER BY numero"
    )[0]
    rank: int = row["numero"] - FIRST
    return rank


def anomaly(engine: Engine, rank: int) -> dict[str, Any]:
    return engine.one("lecture_anomalie", rank)


# --- holes --------------------------------------------------------------------------------


def test_a_hole_in_a_field_that_nobody_reads_costs_nothing(engine: Engine) -> None:
    """Dsync does not ask for it."""
    rank = company(engine)
    before = engine.content()
    for path in ("entreprise", "siretSiegeSocial"), ("address", "label"), ("libelleNaf",):
        engine.control.faults.null_field(number(rank), ("demandeur", *path))
    report = engine.sync(full=True, push=False)
    assert (0, 0, {}) == (report.exit_code, report.changed, engine.quarantine())
    assert before == engine.content()


def test_a_hole_below_a_nullable_field_costs_that_field(engine: Engine) -> None:
    """The dossier is stored and judged, the known value stays, an anomaly names its path."""
    rank = company(engine)
    before = engine.one("lecture_candidature", rank)
    engine.control.faults.null_field(number(rank), ("demandeur", "entreprise", "raisonSociale"))
    engine.control.edit_champ(number(rank), PROBLEME, "Un autre problème")
    report = engine.sync(full=True, push=False)
    assert (7, 12) == (report.exit_code, report.read)
    row = engine.one("lecture_candidature", rank)
    assert "Un autre problème" == row["probleme"]
    for name in ("siret", "raison_sociale", "forme_juridique_code", "verdict"):
        assert before[name] == row[name]
    told = anomaly(engine, rank)
    assert "incomplet" == told["code"]
    assert "demandeur.entreprise.raisonSociale" in told["message"]
    check_copy(engine)
    events = engine.events(rank)
    engine.sync(full=True, push=False)
    assert events == engine.events(rank)
    engine.control.faults.repair(number(rank))
    assert 0 == engine.sync(full=True, push=False).exit_code
    assert {} == anomaly(engine, rank)


@pytest.mark.parametrize("command", ["sync --full", "sync --dossier"])
def test_a_dossier_that_a_hole_takes_whole_keeps_its_champs(engine: Engine, command: str) -> None:
    """It is asked for once more without the applicant, of whom nothing is said; its verdict stays.

    One that is null all the same goes into quarantine, named with the path; the last copy stays.
    """
    rank, alone = company(engine), command == "sync --dossier"
    before = engine.one("lecture_candidature", rank)
    engine.control.replace_demandeur(number(rank), {})
    engine.control.edit_champ(number(rank), PROBLEME, "Un autre problème")
    engine.control.forget_requests()
    options = {"dossiers": [number(rank)]} if alone else {"full": True}
    report = engine.sync(push=False, **options)
    assert 7 == report.exit_code
    row = engine.one("lecture_candidature", rank)
    assert ("Un autre problème", before["verdict"]) == (row["probleme"], row["verdict"])
    assert "demandeur" in anomaly(engine, rank)["message"]
    assert [(2 if alone else 1), (0 if alone else 2)] == [
        len(engine.requests("Dossier")),
        len(engine.pages()),
    ]
    check_copy(engine)

    engine.control.faults.null_field(number(rank), ("groupeInstructeur", "label"))
    report = engine.sync(push=False, **options)
    assert (7, 1) == (report.exit_code, report.quarantined)
    told = anomaly(engine, rank)
    assert "bad_data" == told["code"]
    assert "groupeInstructeur.label" in told["message"]
    assert "Un autre problème" == engine.one("lecture_candidature", rank)["probleme"]


@pytest.mark.parametrize("rank", [long(20), 49])
def test_searching_the_dossier_that_breaks_a_page_costs_few_requests(
    start: Start, rank: int
) -> None:
    """Twice the logarithm of the page's size, and six: all but the map, and all that can fail."""
    engine = start(range(50))
    order = [t.number for t in sorted(engine.control.truth(), key=lambda t: t.updated_at)]
    engine.control.faults.fail_reads(order[rank], champs_only=True)
    shown = sum(truth.presence == "present" for truth in engine.control.truth())
    report = engine.sync(push=False)
    assert (7, 1, shown - 1) == (report.exit_code, report.quarantined, report.read)
    others = 2  # The démarche's facts, and the page that a run without trouble asks for.
    after = 1  # What comes after the broken one.
    assert report.requests <= 2 * log2(100) + 6 + others + after


# --- a node without its number ------------------------------------------------------------

NUMBER, NODE = ("number",), ()
"""What is taken away in every document, the light one included."""


@engine_by_case("has_node", sqlite=True, postgresql=False)
def test_a_node_without_its_number_is_passed_and_named_when_it_is_known(
    engine: Engine, has_node: bool
) -> None:
    """All others are read, the position is passed; a full read tells which of the known it is."""
    engine.sync_until_quiet()
    engine.control.faults.replace_json(number(4), NUMBER if has_node else NODE, "null")
    report = engine.sync(full=True)
    assert (7, {4}) == (report.exit_code, set(engine.quarantine()))
    assert {"present": 12} == dict(engine.presences())
    engine.advance(minutes=11)
    engine.control.edit_champ(number(9), PROBLEME, "Un autre problème")
    assert 1 == engine.sync().changed
    engine.control.faults.repair(number(4))
    assert (0, {}) == (engine.sync(full=True).exit_code, engine.quarantine())


@pytest.mark.parametrize(("place", "path"), [(0, NODE), long(5, NUMBER), long(-1, NODE)])
def test_a_dossier_of_which_not_even_the_number_can_be_decoded_is_passed(
    engine: Engine, place: int, path: tuple[str, ...]
) -> None:
    """All others are read, wherever it stands: no decoder takes an answer that has it."""
    engine.sync_until_quiet()
    odd = sorted(engine.control.truth(), key=lambda t: t.updated_at)[place].number
    engine.control.faults.replace_json(odd, path, VERY_DEEP)
    engine.control.edit_champ(number(9), PROBLEME, "Un autre problème")
    report = engine.sync(full=True)
    assert (7, {odd - FIRST}) == (report.exit_code, set(engine.quarantine()))
    assert {"present": 12} == dict(engine.presences())
    engine.control.faults.repair(odd)
    assert (0, {}) == (engine.sync(full=True).exit_code, engine.quarantine())
    assert "Un autre problème" == engine.one("lecture_candidature", 9)["probleme"]


@pytest.mark.parametrize("path", [NUMBER, NODE], ids=["number", "node"])
def test_a_node_without_its_number_that_nobody_knows_is_told_by_its_neighbours(
    engine: Engine, path: tuple[str, ...]
) -> None:
    """The first read too reads all others, to the end."""
    order = [t.number for t in sorted(engine.control.truth(), key=lambda t: t.updated_at)]
    engine.control.faults.replace_json(order[5], path, "null")
    report = engine.sync(push=False)
    assert (7, 11) == (report.exit_code, report.read)
    told = " ".join(report.errors)
    assert str(order[4]) in told
    assert str(order[6]) in told
    assert engine.state().watermark is not None
    assert order[5] - FIRST not in engine.quarantine()


def test_an_odd_number_beside_a_null_node_hides_no_other(engine: Engine) -> None:
    """The light page, which names a null node, may hold a number that no reader takes."""
    engine.sync_until_quiet()
    engine.control.faults.replace_json(number(4), NODE, "null")
    engine.control.faults.replace_json(number(7), NUMBER, "1e400")
    report = engine.sync(full=True)
    assert (7, {4, 7}) == (report.exit_code, set(engine.quarantine()))
    assert {"present": 12} == dict(engine.presences())


# --- one odd value ------------------------------------------------------------------------


PATHS: list[tuple[str | int, ...]] = [
    *((), ("number",), ("id",), ("revision",), ("dateDerniereModification",)),
    *(("traitements", 0, "dateTraitement"), ("champs", 5, "textValue")),
]
"""Where an odd value might poison the database; all other places are the property test's."""


def run_on(engine: Engine, path: tuple[str | int, ...], junk: dict[int, str]) -> RunReport:
    """Sync on junk in some dossiers, by rank, and hold all other dossiers to the truth."""
    for rank, value in junk.items():
        engine.control.faults.replace_json(number(rank), path, value)
    report = engine.sync(full=True)
    told = f"{path} {[value[:40] for value in junk.values()]}: {report.errors}"
    assert report.exit_code in {0, 7}, told
    others = {truth.number for truth in engine.control.truth()} - {*map(number, junk)}
    assert others <= {row["numero"] for row in engine.rows("SELECT numero FROM dossier")}, told
    assert engine.quarantine().keys() <= junk.keys(), told
    return report


def heal(engine: Engine, junk: dict[int, str]) -> None:
    """Have DS tell the truth again, and read it."""
    for rank in junk:
        engine.control.faults.repair(number(rank))
    assert 0 == engine.sync(full=True, push=False).exit_code
    check_copy(engine)


def test_any_json_in_the_place_of_a_champ_costs_that_dossier_at_most(engine: Engine) -> None:
    """Quarantined and named, or copied: never dropped without a word; healed, it is as it was."""
    engine.begin(push=False)
    for start in range(0, len(JUNK), 10):
        junk = dict(enumerate(JUNK[start : start + 10]))
        report = run_on(engine, ("champs", 2), junk)
        codes = {
            rank: ("bad_data" if value == VERY_DEEP else "illisible", 1)
            for rank, value in junk.items()
        }
        assert (7, codes) == (report.exit_code, engine.quarantine())
        heal(engine, junk)


@on_postgresql
def test_any_json_at_any_path_costs_that_dossier_at_most(engine: Engine) -> None:
    """One after the other in one database: none of them poisons it.

    SQLite, which refuses less, gets any value at any path in `tests/property/test_any_answer.py`.
    """
    engine.begin(push=False)
    odd = ("-1", '"hier"', '"0001-01-01T00:00:00+10:00"', DEEP, "1" + "0" * 30, "2147483648")
    junk: dict[int, str] = {}
    # Of several nodes without a number, none can be named.
    alone = [(path, [place]) for path in PATHS[:2] for place in (0, 4)]
    together = [(path, range(len(odd))) for path in PATHS[2:]]
    for turn, (path, places) in enumerate([*alone, *together]):
        # Those of the run before are read healed, beside this one's.
        for rank in junk:
            engine.control.faults.repair(number(rank))
        junk = {place + len(odd) * (turn % 2): odd[place] for place in places}
        run_on(engine, path, junk)
    heal(engine, junk)


# --- one odd value beside the dossiers ----------------------------------------------------

HARD = ("1e400", "9" * 400, "9" * 5000, "null", DEEP)
"""Numbers that a reader of JSON may refuse, and what is no value of any of these fields."""
SOME_HARD = (HARD[0], "null")
"""What is tried at every place; all are tried at one."""


@pytest.mark.parametrize(
    ("operation", "field"),
    [
        *(("DossiersPage", name) for name in ("number", None)),
        *(long("DossiersPage", name) for name in ("state", "reason", "dateSupression")),
        *(("Deletions", name) for name in ("number", None)),
    ],
)
def test_an_odd_value_in_a_list_of_deletions_costs_that_entry(
    engine: Engine, field: str | None, operation: str
) -> None:
    """All other entries and all dossiers are read; the run says so and exits 7."""
    engine.sync_until_quiet()
    engine.control.hide(number(0))
    engine.control.hide(number(1))
    path = ["data", "demarche", "pendingDeletedDossiers", "nodes", 0]
    path += [field] if field else []
    one = SOME_HARD[field is None :][:1]
    for junk in HARD if (operation, field) == ("Deletions", "number") else one:
        if operation == "Deletions":  # Asked for by themselves where the page fails with them.
            engine.control.faults.fail(
                ScriptedFault("internal_error", operation="DossiersPage", times=2)
            )
        engine.control.faults.fail(
            ScriptedFault("replaced_json", operation=operation, path=path, json=junk)
        )
        report = engine.sync(full=True, push=False, accept_deletions=True)
        told = " ".join(report.errors)
        assert (7, True) == (report.exit_code, "entries that cannot be read" in told), junk[:20]
        assert 1 == engine.presences()["masque"], junk[:20]
        engine.control.faults.clear_faults()
    assert 0 == engine.sync(push=False).exit_code
    assert 2 == engine.presences()["masque"]


@pytest.mark.parametrize("place", [("pendingDeletedDossiers",), ("deletedDossiers", "nodes")])
def test_a_list_of_deletions_that_is_null_costs_that_list_alone(
    engine: Engine, place: tuple[str, ...]
) -> None:
    """Dossiers are read, judged and pushed; the message names it; the next run catches up."""
    engine.sync_until_quiet()
    engine.control.edit_champ(number(4), PAGE, "")
    engine.control.hide(number(0))
    for operation in ("DossiersPage", "Deletions"):
        path = ("data", "demarche", *place)
        fault = ScriptedFault("replaced_json", operation, times=None, path=path, json="null")
        engine.control.faults.fail(fault)
    report = engine.sync()
    assert (7, "Inéligible") == (report.exit_code, engine.remote(4))
    assert f"({place[0]})" in " ".join(report.errors)
    assert "DS's support" in " ".join(report.errors)
    engine.control.faults.clear_faults()
    assert 0 == engine.sync().exit_code
    assert "masque" == engine.one("dossier", 0)["presence"]


REVISION = ("revisions", 0)
FACTS: list[tuple[str | int, ...]] = [
    *(("title",), ("state",), ("activeRevision",), ("activeRevision", "id")),
    *(("revisions",), REVISION, (*REVISION, "id"), (*REVISION, "datePublication")),
    *((*REVISION, "champDescriptors"), (*REVISION, "champDescriptors", 3)),
    *((*REVISION, "champDescriptors", 3, key) for key in ("id", "label", "type", "required")),
    *((*REVISION, "annotationDescriptors", 0), (*REVISION, "annotationDescriptors", 1, "options")),
    *(("labels",), ("labels", 0), ("labels", 0, "name"), ("groupeInstructeurs",)),
    *(("groupeInstructeurs", 0), ("groupeInstructeurs", 0, "label")),
    *(("groupeInstructeurs", 0, "instructeurs"), ("groupeInstructeurs", 0, "instructeurs", 0)),
    ("groupeInstructeurs", 0, "instructeurs", 0, "email"),
]


@pytest.mark.parametrize("facts", [FACTS[::2], long(FACTS[1::2])], ids=["some", "others"])
def test_an_odd_value_in_the_demarches_facts_costs_that_fact(
    start: Start, facts: list[tuple[str | int, ...]]
) -> None:
    """All dossiers are read, the path is named; what is whole again is as it was."""
    engine = start([0])
    for rank, path in enumerate(facts):
        for junk in HARD if path == ("labels",) else [SOME_HARD[rank % 2]]:
            fault = ScriptedFault(
                "replaced_json", operation="Demarche", path=("data", "demarche", *path), json=junk
            )
            engine.control.faults.fail(fault)
            report = engine.sync(full=True, push=junk == SOME_HARD[0])
            told = (path, junk[:20], report.errors)
            assert (True, 1) == (report.exit_code in {0, 7}, report.read), told
            is_named = any(".".join(map(str, path)) in message for message in report.errors)
            is_allowed = junk == "null" and path[-1] in {"datePublication", "options"}
            assert is_named or is_allowed, told
            engine.control.faults.clear_faults()
        engine.advance(minutes=11)
    assert 0 == engine.sync(full=True).exit_code
    check_copy(engine)


# --- odd headers and odd answers ----------------------------------------------------------


ODD_HEADERS = (
    {"Date": "Wed, 25 Nov 99999999999 10:00:00 GMT"},
    {"Date": "Fri, 31 Dec 9999 23:59:59 -1400"},
    {"Date": "Wed, 25 Nov 9998 10:00:00 GMT"},
    {"Date": "²", "RateLimit-Reset": "²"},
    {"Date": "", "Content-Type": "²"},
)


def test_an_odd_header_counts_as_absent(engine: Engine) -> None:
    """All is read, and the next run reads on from where this one ended."""
    for turn, headers in enumerate(ODD_HEADERS):
        engine.control.faults.clear_faults()
        engine.control.faults.fail(ScriptedFault("odd_headers", headers=headers, times=None))
        report = engine.sync(full=True, push=False)
        assert (0, 12) == (report.exit_code, report.read), headers
        engine.advance(minutes=11)
        engine.control.edit_champ(number(3), PROBLEME, f"Un autre problème : {turn}")
        assert 1 == engine.sync(push=False).changed, headers


WRITTEN = ("data", "w0_annotations")


@pytest.mark.parametrize(
    ("path", "junk"),
    [
        ((), DEEP),
        long(WRITTEN, '{"annotations":[1]}'),
        ((*WRITTEN, "errors"), '[{"id":[]}]'),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else ".".join(value) or "answer",
)
def test_an_odd_answer_to_a_mutation_is_an_unknown_outcome(
    engine: Engine, path: tuple[str, ...], junk: str
) -> None:
    """Read back later, then confirmed; nothing is sent twice, no other dossier is lost."""
    engine.begin(push=False)
    engine.control.faults.fail(
        ScriptedFault("replaced_json", path=path, json=junk, only="mutation")
    )
    assert engine.sync().exit_code in {0, 7}
    for _ in range(3):
        engine.advance(minutes=90)
        engine.sync()
    for rank in (0, 1, 2, 3):
        assert engine.verdict(rank) == engine.remote(rank)
        assert {"confirmee"} == set(engine.wishes(rank).values())
        assert 1 == len(engine.sent(rank, RESULTAT))


# --- a number with another id ---------------------------------------------------------------


@engine_by_case("command", sqlite="sync --full", postgresql="sync --dossier")
def test_dossiers_that_ds_swaps_keep_their_own_content(engine: Engine, command: str) -> None:
    """Both go into quarantine by their numbers, exit 7; each is read again once it is itself."""
    engine.begin(push=False)
    before = engine.content()["contenu"]
    ids = {row["numero"]: row["dossier_id"] for row in engine.rows("SELECT * FROM dossier")}
    one, other = number(1), number(2)
    for mine, given in ((one, other), (other, one)):
        engine.control.edit_champ(mine, PROBLEME, f"Celui de {mine}")
        if command == "sync --full":
            engine.control.faults.replace_json(mine, ("number",), str(given))
        else:
            engine.control.faults.replace_json(mine, ("id",), f'"{ids[given]}"')
    options = {"full": True} if command == "sync --full" else {"dossiers": [one, other]}
    report = engine.sync(**options, push=False)
    assert (7, 2) == (report.exit_code, report.quarantined)
    assert {1: ("identite", 1), 2: ("identite", 1)} == engine.quarantine()
    assert "identifiant" in anomaly(engine, 1)["message"]
    assert before == engine.content()["contenu"]
    for mine in (one, other):
        engine.control.faults.repair(mine)
    engine.advance(minutes=1)
    assert 0 == engine.sync(full=True, push=False).exit_code
    assert f"Celui de {one}" == engine.one("lecture_candidature", 1)["probleme"]
    assert {} == engine.quarantine()


def test_a_number_that_ds_invents_takes_no_dossiers_place(engine: Engine) -> None:
    """With a known id it is not stored; that id is free again once it has disappeared."""
    engine.control.faults.replace_json(number(1), ("number",), "77")
    engine.sync(push=False)
    engine.control.faults.repair(number(1))
    assert 7 == engine.sync(full=True, push=False).exit_code
    assert (0, {}) == (engine.sync(full=True, push=False).exit_code, engine.quarantine())
    assert {"present": 12, "disparu": 1} == engine.presences()

    engine.control.faults.replace_json(number(2), ("number",), "78")
    report = engine.sync(full=True, push=False)
    both = {78 - FIRST: ("identite", 1), 2: ("identite", 1)}
    assert (7, both) == (report.exit_code, engine.quarantine())
    assert {"present": 12, "disparu": 1} == engine.presences()
    engine.control.faults.repair(number(2))
    engine.advance(minutes=1)
    assert (0, {}) == (engine.sync(full=True, push=False).exit_code, engine.quarantine())


def test_nothing_is_written_into_a_dossier_with_another_id(engine: Engine) -> None:
    """What is read just before a write tells: the wishes wait."""
    engine.begin(push=False)
    other = engine.one("dossier", 1)["dossier_id"]
    engine.control.faults.fail(
        ScriptedFault(
            "replaced_json", "Annotations", path=("data", "d0", "id"), json=f'"{other}"', times=None
        )
    )
    report = engine.worker.push(0)
    assert (7, [], []) == (report.exit_code, engine.sent(0), engine.sent(1))
    assert "autre identifiant" in report.errors[0]

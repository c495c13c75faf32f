"""`dsync db verify`: what does not fit is found, with its dossiers; a sound copy has nothing."""

from __future__ import annotations

import pytest

from dsync.domain.consent import Consent, Proposal
from dsync.store.codes import Kind
from dsync.sync.work import AnswerCheck, Request
from tests.engine.rig import ETAPE, PAGE, PROBLEME, RESULTAT, Engine, base_settings, number
from tests.profiles import long
from tests.store.databases import on_postgresql


def found(engine: Engine, *, remote: bool = False) -> dict[str, tuple[int, ...]]:
    """Return the dossiers of each finding, by check."""
    done = engine.worker.app.verify(remote=remote)
    return {one.check: one.dossiers for one in done.findings}


@on_postgresql
def test_a_copy_fits_after_each_thing_that_dsync_does_to_it(engine: Engine) -> None:
    """At once: what it writes into DS, tries, erases, purges and copies again."""
    engine.sync_until_quiet()
    engine.control.edit_champ(number(0), PAGE, "néant")
    assert 1 == engine.sync().pushed
    assert {} == found(engine)
    engine.control.edit_champ(number(1), PAGE, "néant")
    assert 1 == engine.sync(dry_run=True).changed
    assert {} == found(engine)
    engine.control.edit_annotation(number(0), RESULTAT, "Éligible")
    engine.advance(minutes=1)
    assert 1 == engine.sync().conflicts
    assert 0 == engine.worker.push(0, force_by="cli:agent").exit_code
    assert {} == found(engine)
    for undo in (False, True):
        assert 0 == engine.worker.erase(2, undo=undo).exit_code
        assert {} == found(engine)
    assert 1 == engine.sync(dossiers=(number(2),)).changed
    assert {} == found(engine)
    limits = dict.fromkeys(("accepte", "refuse"), engine.control.clock.now())
    assert 2 == engine.sync(work=Kind.ERASURE, before=limits, started_by="cli:agent").deleted
    assert {} == found(engine)
    engine.advance(minutes=20)
    engine.sync(full=True)
    before, written = engine.content(all_tables=True), len(engine.mutations())
    assert {} == found(engine, remote=True)
    # Nothing is written while it verifies.
    assert (before, written) == (engine.content(all_tables=True), len(engine.mutations()))


_IN_ANOTHER_ROW = """UPDATE contenu SET champs = replace(champs, '",1]', '",2]')"""


def test_a_damaged_dossier_is_found_and_stored_again(engine: Engine) -> None:
    """The remedy, `dsync sync --dossier N`, makes it fit again, without an event or a change."""
    engine.sync_until_quiet()
    before = engine.content()
    damages = [
        ("UPDATE contenu SET champs = '[]' WHERE numero = {n}", "hashes"),
        ("UPDATE dossier SET archive = true WHERE numero = {n}", "hashes"),
        ("UPDATE dossier SET inputs_hash = 'x' WHERE numero = {n}", "hashes"),
        (f"{_IN_ANOTHER_ROW} WHERE numero = {{n}}", "hashes"),
        ("DELETE FROM contenu WHERE numero = {n}", "contents"),
        ("DELETE FROM candidature WHERE numero = {n}", "contents"),
    ]
    for of_check in ("hashes", "contents"):
        ranks = [rank for rank, (_, check) in enumerate(damages) if check == of_check]
        for rank in ranks:
            engine.execute(damages[rank][0].format(n=number(rank)))
        damaged = tuple(number(rank) for rank in ranks)
        assert {of_check: damaged} == found(engine)
        assert 0 == engine.sync(dossiers=damaged).exit_code
        assert {} == found(engine)
        if of_check == "hashes":
            for table in ("contenu", "candidature", "evenement", "changement", "verdict"):
                assert before[table] == engine.content()[table]


def test_json_that_cannot_be_decoded_stops_no_run(engine: Engine) -> None:
    """The dossier is stored again without its earlier values; what else reads it is told."""
    engine.sync_until_quiet()
    for rank, column in enumerate(("champs", "traitements", "messages")):
        engine.execute(f"UPDATE contenu SET {column} = '[{{' WHERE numero = {number(rank)}")
    assert {number(0), number(1), number(2)} == set(found(engine)["contents"])
    for rank in range(3):
        engine.control.edit_champ(number(rank), PROBLEME, "Nouveau problème")
    report = engine.sync()
    assert (0, 3) == (report.exit_code, report.changed)
    changed = engine.rows("SELECT numero FROM lecture_changement WHERE origine = 'champ'")
    assert [number(2)] == [row["numero"] for row in changed]
    assert {} == found(engine)
    engine.execute(f"UPDATE verdict SET controles = '[{{' WHERE numero = {number(0)}")
    engine.control.edit_champ(number(0), PROBLEME, "Encore un autre")
    report = engine.sync()
    assert 5 == report.exit_code
    assert "dsync db verify" in report.errors[0]


OPEN_ONE, HIDDEN, EDITED, GAP, ASKED, DISPUTED = 7, 2, 0, 4, 8, 6
"""Ranks of dossiers, by what happened to them in `full_life`."""
_OF = "numero = {n}"
_ITS = f"WHERE {_OF.format(n=number(OPEN_ONE))}"
_LAST = "WHERE id = (SELECT max(id) FROM {0})"
Corruption = tuple[str, str, str | None]
"""What is corrupted, by which statement, and the check that finds it."""
CORRUPTIONS: list[Corruption] = [
    ("a champ", f"UPDATE contenu SET champs = '[]' {_ITS}", "hashes"),
    ("an annotation", f"UPDATE contenu SET annotations = '[]' {_ITS}", "hashes"),
    ("the row of a champ, as views read it", f"{_IN_ANOTHER_ROW} {_ITS}", "hashes"),
    ("the usager", f"UPDATE dossier SET usager_courriel = 'x@y.fr' {_ITS}", "hashes"),
    ("the steps", f"UPDATE contenu SET traitements = '[]' {_ITS}", "hashes"),
    ("the gaps", f"UPDATE contenu SET lacunes = '[\"x\"]' {_ITS}", "hashes"),
    ("the contents", f"DELETE FROM contenu {_ITS}", "contents"),
    ("a state", f"UPDATE dossier SET etat = 'accepte' {_ITS}", "hashes"),
    ("a date of deposit", f"UPDATE dossier SET depose_le = '2026-01-01' {_ITS}", "hashes"),
    ("a SIRET", f"UPDATE dossier SET siret = '00000000000000' {_ITS}", "rows"),
    ("a raison sociale", f"UPDATE dossier SET raison_sociale = 'X' {_ITS}", "rows"),
    ("a date of change", f"UPDATE dossier SET modifie_le = '2026-01-01' {_ITS}", None),
    ("labels", f"UPDATE dossier SET labels = '[]' {_ITS}", None),
    ("a presence", f"UPDATE dossier SET presence = 'disparu' {_ITS}", "presence"),
    (
        "a hidden dossier's presence",
        f"UPDATE dossier SET presence = 'present' WHERE numero = {number(HIDDEN)}",
        "presence",
    ),
    ("a dossier", f"DELETE FROM dossier {_ITS}", "orphans.contenu"),
    (
        "a change of no dossier",
        "INSERT INTO changement (numero, demarche_numero, origine, champ_id, constate_le, "
        "apres_depot, par) VALUES (77, 86321, 'champ', 'x', '2026-01-01', true, 'usager')",
        "orphans.changement",
    ),
    ("a watermark", "UPDATE sync_state SET watermark = '2030-01-01 00:00:00+00:00'", "watermark"),
    ("a lost watermark", "UPDATE sync_state SET watermark = NULL", "watermark"),
    ("a candidature's answer", f"UPDATE candidature SET probleme = 'X' {_ITS}", "rows"),
    (
        "a candidature's SIRET",
        f"UPDATE candidature SET demandeur = replace(demandeur, 'siret', 'siren') {_ITS}",
        "rows",
    ),
    ("a candidature's wishes", f"UPDATE candidature SET voeux = '[]' {_ITS}", "rows"),
    ("a candidature's stages", f"UPDATE candidature SET etapes = '[]' {_ITS}", "rows"),
    ("a candidature's product", f"UPDATE candidature SET produit_id = 'x' {_ITS}", None),
    ("a verdict", f"UPDATE verdict SET verdict = 'Indéterminé' {_ITS}", "verdicts"),
    (
        "a check",
        "UPDATE verdict SET controles = replace(controles, '\"conforme\"', '\"impossible\"') "
        + _ITS,
        "verdicts",
    ),
    ("a verdict's text", f"UPDATE verdict SET detail = 'X' {_ITS}", "wishes"),
    ("all verdicts of a dossier", f"DELETE FROM verdict {_ITS}", "current_verdict"),
    ("a current verdict", f"UPDATE verdict SET courant = false {_ITS}", "current_verdict"),
    (
        "an earlier value",
        "UPDATE changement SET ancienne_valeur = 'X' " + _LAST.format("changement"),
        None,
    ),
    ("a last change", "DELETE FROM changement " + _LAST.format("changement"), None),
    (
        "an event's date",
        "UPDATE evenement SET survenu_le = '2026-01-01' " + _LAST.format("evenement"),
        None,
    ),
    ("a last event", "DELETE FROM evenement " + _LAST.format("evenement"), None),
    ("a wish", f"UPDATE outbox SET valeur = 'X' {_ITS} AND annotation = 'detail'", "wishes"),
    (
        "a replaced wish",
        f"UPDATE outbox SET valeur = 'X' WHERE numero = {number(EDITED)} AND NOT courante",
        None,
    ),
    ("a pushed value", f"UPDATE pousse SET valeur = 'X' {_ITS} AND annotation = 'date'", "pushed"),
    ("an indicator", "UPDATE indicateur SET valeur = valeur + 1", None),
    (
        "a label of the form",
        "UPDATE revision SET descriptors = replace(descriptors, 'produit', 'projet')",
        "hashes",
    ),
    ("a revision", "DELETE FROM revision", "revisions"),
    (
        "a published rule",
        "UPDATE version_regles SET document = replace(document, 'lundi', 'mardi') || ' '",
        None,
    ),
    ("a version of rules", "DELETE FROM version_regles", "rules"),
    (
        "an open correction",
        f"INSERT INTO correction VALUES ({number(OPEN_ONE)}, '2026-01-01 00:00:00', NULL)",
        "corrections",
    ),
    ("what lists search", f"UPDATE liste SET personnes = 'x' {_ITS}", "rows"),
    ("a wish's status", f"UPDATE outbox SET statut = 'conflit' {_ITS} AND courante", None),
    ("a wish's date", f"UPDATE outbox SET confirmee_le = '2026-01-01' {_ITS} AND courante", None),
    ("who forced a wish", f"UPDATE outbox SET force_par = 'x' {_ITS} AND courante", None),
    ("a number of messages", f"UPDATE dossier SET nb_messages = 99 {_ITS}", "rows"),
    ("a message's date", f"UPDATE contenu SET messages = '[]' {_ITS}", "rows"),
    (
        "an ended correction",
        f"INSERT INTO correction VALUES ({number(OPEN_ONE)}, '2026-01-01', '2026-01-02')",
        None,
    ),
    ("an answer's reason", "UPDATE reponse SET motif = 'X'", None),
    ("an answer's author", "UPDATE reponse SET auteur = 'X'", None),
    ("a withdrawn answer", "UPDATE reponse SET statut = 'retiree'", None),
    ("an answer", "DELETE FROM reponse", None),
    (
        "an answer that nobody gave",
        "INSERT INTO reponse (id, numero, demarche_numero, controle, resultat, motif, auteur, "
        "repondu_le, constat, statut) SELECT id + 9, numero, demarche_numero, 'phase', 'conforme', "
        "motif, auteur, repondu_le, constat, statut FROM reponse",
        None,
    ),
    ("a consent", "UPDATE accord SET donne_le = '2026-01-01', donne_par = 'x'", None),
    ("what a consent is to", "UPDATE accord SET version = 'x'", None),
    ("a question for consent", "DELETE FROM accord", None),
    (
        "a consent that nobody gave",
        "INSERT INTO accord (demarche_numero, genre, version, document, depuis_le, donne_le) "
        "SELECT demarche_numero, 'answers', version, document, depuis_le, depuis_le FROM accord",
        None,
    ),
    ("a run's figures", "UPDATE sync_run SET pousses = 99 WHERE run = 1", None),
    ("a run", "DELETE FROM sync_run WHERE run = 1", None),
    ("an indicator's day", "DELETE FROM indicateur", None),
    ("the démarche's title", "UPDATE demarche SET titre = 'X'", None),
    ("a twin", f"UPDATE verdict SET doublons = '[1]' {_ITS}", None),
    (
        "a dossier in quarantine",
        "INSERT INTO quarantaine VALUES (86321, "
        f"{number(OPEN_ONE)}, 'illisible', 'x', '2026-01-01', 1, '2026-01-01')",
        "quarantine",
    ),
    ("a stage in lists", f"UPDATE liste SET etape = 'Jury' {_ITS}", None),
    ("a value that was never pushed", f"DELETE FROM pousse {_ITS}", "pushed"),
    ("a product", "UPDATE produit SET nom = 'X'", None),
    ("the catalogue", "UPDATE evidence SET sha256 = 'x'", None),
    ("a request", "UPDATE demande SET demande_par = 'x'", None),
    ("a shipped view's text", "", "views.text"),
]
"""Each of 69 things that somebody may change in the database, and what has to be found. Those that
cannot be are what `CANNOT_KNOW` names."""


def full_life(engine: Engine) -> None:
    """Fill a database with all that a dossier can meet; it fits."""
    engine.sync_until_quiet()
    engine.control.edit_annotation(number(1), ETAPE, "Jury")
    engine.control.edit_champ(number(EDITED), PROBLEME, "Un autre problème")
    engine.control.edit_champ(number(EDITED), PAGE, "rien")
    engine.control.hide(number(HIDDEN))
    engine.control.erase(number(3))
    engine.control.faults.null_field(number(GAP), ("groupeInstructeur", "label"))
    engine.control.edit_annotation(number(DISPUTED), RESULTAT, "Inéligible")
    engine.advance(minutes=20)
    engine.sync(full=True)
    app = engine.worker.app
    done = app.verify(remote=True)
    assert ([], 11, True) == (done.findings, done.recomputed, done.compared_with_ds > 20)
    engine.worker.erase(9)
    for reason in ("une attestation", "une autre attestation"):
        answer = AnswerCheck((number(ASKED),), "administration", "conforme", reason)
        assert 0 == app.sync(Request(answer, "agent")).exit_code
    with app.store.beside_runs(app.demarche) as tx:
        # Asked twice: the row is replaced.
        for of in (1, 2):
            tx.consents.ask(Proposal(Consent.WRITES, (), of=of), app.clock())
    assert {} == found(engine)


def _table(sql: str) -> str:
    return sql.split()[1 if sql.startswith("UPDATE") else 2] if sql else ""


KNOWABLE = [one for one in CORRUPTIONS if one[2]]


def test_38_of_69_corruptions_are_found(engine: Engine) -> None:
    """Each by its check and, where it is of a dossier, by its number; the place, not the value."""
    assert 38 <= len(KNOWABLE)
    check_found(engine, KNOWABLE)
    for _, sql, check in CORRUPTIONS:
        if check is None:
            engine.execute(sql)
    # The view, which no table puts back, and none of what cannot be known.
    assert {"views.text"} == {*found(engine)}


@on_postgresql
@pytest.mark.parametrize("in_each_table", [False, long(True)])
def test_postgresql_finds_a_corruption_by_each_check(engine: Engine, in_each_table: bool) -> None:
    """What a check compares of a row is the same on both databases; its statements are not."""
    firsts = {(one[2], in_each_table and _table(one[1])): one for one in KNOWABLE[::-1]}
    check_found(engine, [*firsts.values()], together=1 if in_each_table else 4)


def rounds_of(corruptions: list[Corruption], together: int) -> list[list[Corruption]]:
    """Share corruptions out among rounds of so many, of different tables.

    What deletes a dossier's rows, or hides them from other checks, is done by itself.
    """
    alone = [
        one
        for one in corruptions
        if (one[1].startswith("DELETE") and _ITS in one[1]) or one[2] in ("quarantine", "revisions")
    ]
    shared: list[dict[str, Corruption]] = []
    for one in corruptions:
        if one not in alone:
            name = _table(one[1])
            free = (some for some in shared if len(some) < together and name not in some)
            if (some := next(free, None)) is None:
                shared.append(some := {})
            some[name] = one
    return [*([one] for one in alone), *([*some.values()] for some in shared)]


def check_found(engine: Engine, corruptions: list[Corruption], *, together: int = 1) -> None:
    """Do corruptions, so many at once, to a full database: each is found by its check."""
    full_life(engine)
    names = {_table(sql) for _, sql, _ in corruptions if sql}
    for name in names:
        engine.execute(f"CREATE TABLE kept_{name} AS SELECT * FROM {name}")
    [raison] = engine.rows(f"SELECT raison_sociale FROM dossier {_ITS}")
    for some in rounds_of(corruptions, together):
        for _, sql, _ in some:
            engine.execute(sql or "DROP VIEW lecture_etiquette")
            if not sql:
                engine.execute(
                    "CREATE VIEW lecture_etiquette AS SELECT numero, 'X' AS etiquette, "
                    "demarche_numero FROM dossier"
                )
        findings = engine.worker.app.verify(remote=False).findings
        by_check = {one.check: one for one in findings}
        assert not any(raison["raison_sociale"] in one.message for one in findings)
        for what, sql, check in some:
            assert check in by_check, (what, list(by_check))
            assert _ITS not in sql or number(OPEN_ONE) in by_check[check].dossiers, what
        for name in {_table(sql) for _, sql, _ in some if sql}:
            engine.execute(f"DELETE FROM {name}")
            engine.execute(f"INSERT INTO {name} SELECT * FROM kept_{name}")


def test_a_sample_compares_so_many_dossiers_and_all_rows_with_each_other(engine: Engine) -> None:
    """A share of them is chosen anew each time; what was added or deleted is found in any case."""
    engine.sync_until_quiet()
    done = engine.worker.app.verify(remote=False, sample=lambda total: total // 4)
    assert (3, 3, []) == (done.sampled, done.recomputed, done.findings)
    engine.execute("UPDATE contenu SET champs = '[]'")
    engine.execute(f"DELETE FROM verdict {_ITS}")
    done = engine.worker.app.verify(remote=False, sample=lambda _total: 5)
    by_check = {one.check: one.count for one in done.findings}
    assert {"hashes": 5, "current_verdict": 1} == by_check


def test_an_orphaned_dossier_row_is_found_in_each_table(engine: Engine) -> None:
    """A dossier's row is gone, its other rows are still there."""
    engine.sync_until_quiet()
    engine.execute(f"DELETE FROM dossier WHERE numero = {number(0)}")
    names = {f"orphans.{table}" for table in ("contenu", "candidature", "verdict", "evenement")}
    names |= {"orphans.outbox", "orphans.pousse", "orphans.changement", "orphans.liste"}
    assert dict.fromkeys(names, (number(0),)) == found(engine)


def test_an_erased_dossier_with_contents_is_found_and_erased_again(engine: Engine) -> None:
    """Erased on request or by DS: texts that came back are found, and go by the remedy."""
    engine.sync_until_quiet()
    engine.worker.erase(0)
    engine.control.erase(number(1))
    engine.advance(hours=2)
    engine.sync(full=True)
    assert {} == found(engine)
    both = (number(0), number(1))
    engine.execute(f"UPDATE dossier SET raison_sociale = 'X' WHERE numero IN {both}")
    assert {"erased": both} == found(engine)
    assert [0, 0] == [engine.worker.erase(rank).exit_code for rank in (0, 1)]
    assert {} == found(engine)


def test_a_view_that_shows_less_than_is_stored_is_found(engine: Engine) -> None:
    """The rows and values that it shows are counted dossier by dossier; a lost view is named."""
    engine.sync_until_quiet()
    views = ["lecture_champ", "lecture_candidature", "formulaire_86321_profils_souhaites"]
    for rank, view in enumerate(views):
        hidden = f"CREATE TABLE of_{view} AS SELECT * FROM {view} WHERE numero <> {number(rank)}"
        engine.execute(hidden)
        engine.execute(f"DROP VIEW {view}")
        lost = [one.message for one in engine.worker.app.verify(remote=False).findings]
        # Whoever opens the database may have made one of dsync's own again.
        there = engine.rows(f"SELECT name FROM sqlite_master WHERE name = '{view}'")
        assert there or any(view in message for message in lost), lost
        engine.execute(f"DROP VIEW IF EXISTS {view}")
        engine.execute(f"CREATE VIEW {view} AS SELECT * FROM of_{view}")
        shown = found(engine)
        assert {number(one) for one in range(rank + 1)} == set(shown["views"])
        assert "views.text" in shown


def test_values_that_ds_does_not_have_are_found_by_few_requests(engine: Engine) -> None:
    """A value that was edited in DS since the last read; twelve dossiers take one request."""
    engine.sync_until_quiet()
    engine.control.edit_annotation(number(0), RESULTAT, "Inéligible")
    assert {} == found(engine)
    engine.control.forget_requests()
    assert {"remote": (number(0),)} == found(engine, remote=True)
    assert 1 == len(engine.requests())
    engine.sync()
    assert {} == found(engine, remote=True)
    # What DS cannot render cannot be compared, which is said; it hides no other one's edit.
    engine.control.faults.return_null(number(0))
    engine.control.edit_annotation(number(1), RESULTAT, "Inéligible")
    assert {"remote": (number(1),), "remote_unread": (number(0),)} == found(engine, remote=True)


def test_another_mapping_than_that_of_the_copy_is_said_in_one_finding(engine: Engine) -> None:
    """Not a misfit of each dossier: the configuration is the one to look at."""
    engine.sync_until_quiet()
    engine.execute("UPDATE sync_state SET mapping_key = 'another'")
    [finding] = engine.worker.app.verify(remote=False).findings
    assert ("hashes", ()) == (finding.check, finding.dossiers)
    assert "[mapping]" in finding.message


def test_a_hidden_dossier_that_the_mapping_did_not_meet_fits(engine: Engine) -> None:
    """Mapped again after a time without: DS shows it no more, so no read can store its rows."""
    engine.begin()
    engine.control.hide(number(1))
    for options in ({"sections": ("demarche", "ds")}, {}):
        engine.restart(**options)
        engine.sync()
    assert [] == engine.worker.app.verify(remote=False).findings


def test_a_copy_that_no_read_can_renew_is_not_hashed_by_another_mapping(engine: Engine) -> None:
    """Hidden, disappeared or in quarantine: its last copy keeps the hashes of the old mapping."""
    engine.sync_until_quiet()
    engine.control.hide(number(1))
    engine.control.expire(number(2))
    engine.control.faults.null_field(number(3), ("groupeInstructeur", "label"))
    engine.sync(full=True)
    mapping = base_settings().configuration.mapping
    assert mapping is not None
    champs = mapping.champs.model_copy(update={"probleme": mapping.champs.entite})
    engine.restart(configuration={"mapping": {"champs": champs}})
    engine.sync()
    assert {} == found(engine)

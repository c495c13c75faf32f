"""Roles that read on PostgreSQL: the views alone, or those without personal data."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from msgspec import structs
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from dsync.database import PROGRAMME
from dsync.domain.dossier import Champ, Ligne
from dsync.domain.ids import DemarcheNumber
from dsync.errors import ConfigurationError, StoreError
from dsync.sandbox import Change
from dsync.sandbox.content.aap_eig7 import FORM
from dsync.sandbox.model import ChampDescriptor, FileSeed
from dsync.store import reading_views
from dsync.store.dictionary import WITHHELD
from dsync.sync.record import Recorder
from tests.engine.rig import DEMARCHE, NOW, RESULTAT, Engine, number, opening, seeds
from tests.engine.roles import connected_as, made_role, read
from tests.store.builders import make_dossier, make_verdict, save_rules, save_verdicts, writing
from tests.store.databases import connected, on_postgresql
from tests.store.test_form_views import demarche_of, descriptor
from tests.store.test_views import RULES

pytestmark = on_postgresql

MASKED = "sans_donnees_personnelles"
VIEW = "formulaire_86321"
CANARY = re.compile(r"canari\d+", re.IGNORECASE)
WRITTEN = ("text", "textarea", "email", "phone")

_READABLE = text(
    "SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) FROM pg_class AS c "
    "JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'v', 'm', 'p') "
    "AND n.nspname NOT IN ('pg_catalog', 'information_schema') "
    "AND has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT') ORDER BY 1"
)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An engine of some dossiers on PostgreSQL."""
    with Engine(database_url, seeds(range(4))) as made:
        yield made


@pytest.fixture
def role(engine: Engine) -> Iterator[str]:
    """A role that may log in, and nothing else."""
    with made_role(engine) as name:
        yield name


def readable(engine: Engine, role: str | None = None) -> dict[str, str]:
    """Return all that a role can read, as text by relation; None: dsync's own role."""
    with connected_as(engine, role) as connection:
        return {
            name: "\n".join(connection.scalars(text(f"SELECT t::text FROM {name} AS t")))
            for name in connection.scalars(_READABLE).all()
        }


def canaries(relations: dict[str, str]) -> set[str]:
    """Return the canaries that can be read in these relations."""
    return {one for shown in relations.values() for one in CANARY.findall(shown)}


def upgrade_views(engine: Engine) -> None:
    """Make the views anew, as an upgrade does it."""
    with connected(engine.url) as connection:
        readers = reading_views.drop(connection, PROGRAMME)
        reading_views.create(connection, PROGRAMME, readers)


def plant(engine: Engine) -> set[str]:
    """Write a canary wherever people can write a text; return them all."""
    control, first = engine.control, number(0)
    planted: list[str] = []

    def canary(stable_id: int, type_: str = "text") -> str:
        planted.append(f"canari{stable_id}{len(planted):03}")
        return f"{planted[-1]}@example.gouv.fr" if type_ == "email" else f"{planted[-1]} ici"

    form = FORM.revisions[-1]
    for _ in range(2):  # The second value makes the first the earlier one of a change.
        for edit, descriptors in (
            (control.edit_champ, form.champs),
            (control.edit_annotation, form.annotations),
        ):
            for one in descriptors:
                if one.type in WRITTEN or one.other_option:
                    edit(first, one.stable_id, canary(one.stable_id, one.type))
                for cell in one.champs:
                    if cell.type in WRITTEN:
                        edit(first, cell.stable_id, canary(cell.stable_id, cell.type), row=0)
        engine.sync(push=False)
    control.edit_champ(first, 4605, [FileSeed(f"{canary(4605)}.pdf", "application/pdf", b"%PDF")])
    control.edit_annotation(first, RESULTAT, "Inéligible")
    engine.sync()
    engine.worker.push(0, force_by=f"{canary(1)}@poste")
    control.move(number(1), "en_instruction")
    control.move(number(1), "refuse", motivation=canary(2), agent=f"{canary(3)}@example.gouv.fr")
    engine.sync()
    return set(planted)


def test_a_reader_without_personal_data_reads_no_canary(engine: Engine, role: str) -> None:
    """One in each place where people write is in the full views, and in nothing the role reads."""
    engine.begin()
    planted = plant(engine)
    engine.worker.store.grant_reader(role, masked=True)

    whole = readable(engine)
    shown = {name: rows for name, rows in whole.items() if re.search(r"\.(lect|form)", name)}
    full = {name: rows for name, rows in shown.items() if not name.startswith(MASKED)}
    assert planted == canaries(full)
    own = readable(engine, role)
    hidden = {f"public.{name}" for name in WITHHELD}
    assert {name.replace("public.", f"{MASKED}.") for name in full.keys() - hidden} == set(own)
    assert set() == canaries(own)
    # What is chosen and counted can still be read.
    for column, view in (("phase_du_produit", VIEW), ("verdict", "lecture_candidature")):
        seen, masked = (
            engine.rows(f"SELECT numero, {column} FROM {schema}.{view} ORDER BY numero")
            for schema in ("public", MASKED)
        )
        assert seen == masked != []
    # An analyst does not take an empty column for an unanswered question.
    said = engine.rows(
        "SELECT a.attname, col_description(a.attrelid, a.attnum) AS comment FROM pg_attribute AS a "
        f"WHERE a.attrelid = '{MASKED}.{VIEW}'::regclass AND a.attnum > 0"
    )
    comments = {row["attname"]: row["comment"] for row in said}
    assert comments["perspectives"].endswith("Texte libre. Toujours vide ici.")
    assert comments["date_du_jury"].endswith("(annotation, date).")


def test_it_is_refused_everything_else(engine: Engine, role: str) -> None:
    """Also what it could read before: the full views and the tables."""
    engine.begin()
    store = engine.worker.store
    store.grant_reader(role)
    full = readable(engine, role)
    assert {"public.lecture_champ", f"public.{VIEW}"} < set(full)
    assert not [name for name in full if not re.search(r"\.(lecture|formulaire)_", name)]
    for _ in range(2):
        store.grant_reader(role, masked=True)
    for name in [*full, "public.dossier", "public.contenu", "public.changement"]:
        with pytest.raises(ProgrammingError, match="denied"):
            read(engine, role, f"SELECT * FROM {name}")


def test_a_reader_may_read_what_is_made_later(engine: Engine, role: str) -> None:
    """The views of a new revision and of an upgrade; those without personal data stay so."""
    with made_role(engine) as other_role:
        check_what_is_made_later(engine, {"public": role, MASKED: other_role})


def check_what_is_made_later(engine: Engine, readers: dict[str, str]) -> None:
    """Look at it as each reader, by the schema of the views that they were granted."""
    engine.restart(configuration=opening(4903, 4905, 4906))
    for schema, one in readers.items():
        engine.worker.store.grant_reader(one, masked=schema == MASKED)
    before = {schema: set(readable(engine, one)) for schema, one in readers.items()}
    engine.sync()
    cells = [ChampDescriptor(4902, "text", "Nom"), ChampDescriptor(4903, "integer_number", "Âge")]
    block = ChampDescriptor(4901, "repetition", "Équipe", champs=cells)
    added = [block, ChampDescriptor(4904, "text", "Surnom"), ChampDescriptor(4905, "date", "Jour")]
    choice = ChampDescriptor(4906, "drop_down_list", "Couleur", options=["Bleu", "Vert"])
    engine.control.form.publish_revision(Change(add_champs=[*added, choice]))
    engine.control.edit_champ(number(0), 4906, "Bleu")
    engine.sync()
    for schema, one in readers.items():
        assert "Bleu" in readable(engine, one)[f"{schema}.{VIEW}"]
    # What is open stays so when it becomes free text.
    engine.control.form.publish_revision(Change(retype={4906: "text"}))
    engine.control.edit_champ(number(0), 4904, "canari4904")
    engine.control.edit_champ(number(0), 4905, "2026-02-03")
    engine.control.edit_champ(number(0), 4906, "canari4906")
    engine.control.edit_champ(number(0), 4901, [{4902: "canari4902", 4903: 41}])
    engine.sync()
    for upgraded in (False, True):
        if upgraded:
            upgrade_views(engine)
        for schema, one in readers.items():
            own = readable(engine, one)
            new = {f"{schema}.{VIEW}{end}" for end in ("", "_equipe", "_profils_souhaites")}
            assert new <= set(own) - before[schema]
            assert "2026-02-03" in own[f"{schema}.{VIEW}"]
            assert "41" in own[f"{schema}.{VIEW}_equipe"]
            texts = set() if schema == MASKED else {"canari4902", "canari4904"}
            assert {"canari4906", *texts} == canaries(own)


OTHER = DemarcheNumber(777)


def copy_another(engine: Engine) -> None:
    """Store a dossier of another démarche, whose answers are canaries."""
    store, first = engine.worker.store, descriptor("c1", "Surnom")
    block, cell = descriptor("r", "Lieux", "repetition"), descriptor("r1", "Ville", parent_id="r")
    demarche = demarche_of([first, block, cell], number=OTHER)
    lignes = (Ligne("l1", (Champ(cell.id, "canari2"),)),)
    dossier = structs.replace(
        make_dossier(9),
        revision_id=demarche.active_revision_id,
        champs=(Champ(first.id, "canari1"), Champ(block.id, lignes=lignes)),
        motivation="canari3",
    )
    [revision] = demarche.revisions.values()
    record = Recorder(None, None).record(dossier, OTHER, revision)
    with writing(store, OTHER) as tx:
        tx.demarche.save(demarche)
        tx.dossiers.store_page(1, [record], now=NOW)
        save_verdicts(tx, 1, [make_verdict(9, version_regles="r9")], NOW)
        for version, canary in (("r9", "canari4"), ("r0", "canari5")):
            rules = {"version": version, "precontrole": {"instruction": canary}}
            save_rules(tx, RULES | rules, NOW)


@pytest.mark.parametrize("masked", [False, True])
def test_a_role_of_one_demarche_reads_nothing_of_another(
    engine: Engine, role: str, masked: bool
) -> None:
    """By no view, and by no function of its own; its own is complete, also after an upgrade."""
    engine.begin()
    copy_another(engine)
    store, schema = engine.worker.store, f"demarche_{DEMARCHE}{f'_{MASKED}' if masked else ''}"
    store.grant_reader(role)
    assert schema == store.grant_reader(role, masked=masked, demarche=DEMARCHE)
    for upgraded in (False, True):
        if upgraded:
            upgrade_views(engine)
        own = readable(engine, role)
        assert {f"{schema}.lecture_champ", f"{schema}.{VIEW}"} < set(own)
        assert [] == [name for name in own if not name.startswith(f"{schema}.")]
        assert [] == [name for name in own if str(OTHER) in name]
        assert not canaries(own), upgraded
        assert not [name for name, rows in own.items() if re.search(r"\b777\b", rows)]
        assert 1 == len(own[f"{schema}.lecture_regle"].splitlines())
        for view in (VIEW, "lecture_champ", "lecture_voeu", "lecture_candidature"):
            counted = [
                engine.rows(f"SELECT count(*) AS n FROM {place}.{view} WHERE numero <> 9")
                for place in ("public", schema)
            ]
            assert counted[0] == counted[1] != [{"n": 0}]
    with pytest.raises(ConfigurationError, match="no démarche 778"):
        store.grant_reader(role, demarche=DemarcheNumber(778))
    # A function that PostgreSQL takes for cheap is not given the rows of the other démarche first.
    with connected_as(engine, role) as connection:
        connection.execute(
            text(
                "CREATE FUNCTION pg_temp.seen(t bigint) RETURNS boolean COST 0.0001 "
                "LANGUAGE plpgsql AS $$ BEGIN IF t = 9 THEN RAISE 'dossier 9'; END IF; "
                "RETURN true; END $$"
            )
        )
        query = f"SELECT count(*) FROM {schema}.lecture_champ WHERE pg_temp.seen(numero)"
        assert connection.scalar(text(query))
    # One more démarche, then all.
    store.grant_reader(role, masked=masked, demarche=OTHER)
    both = readable(engine, role)
    assert {schema, schema.replace(str(DEMARCHE), str(OTHER))} == {
        name.partition(".")[0] for name in both
    }
    assert "canari4" in both[f"demarche_{OTHER}{schema[14:]}.lecture_regle"]
    assert masked != ("canari2" in both[f"demarche_{OTHER}{schema[14:]}.formulaire_777_lieux"])
    store.grant_reader(role, masked=True)
    assert {MASKED} == {name.partition(".")[0] for name in readable(engine, role)}


def test_a_reader_who_keeps_a_view_open_stops_no_run(engine: Engine, role: str) -> None:
    """The run stores all else and warns; nothing is unmasked, and a later run makes the views."""
    choice = ChampDescriptor(4906, "drop_down_list", "Couleur", options=["Bleu", "Vert"])
    engine.control.form.publish_revision(Change(add_champs=[choice]))
    engine.control.edit_champ(number(0), 4906, "Bleu")
    engine.sync_until_quiet()
    engine.restart(configuration=opening(4906))
    engine.sync()
    engine.worker.store.grant_reader(role, masked=True)
    assert "Bleu" in readable(engine, role)[f"{MASKED}.{VIEW}"]
    # Closed, and another one opened.
    engine.restart(configuration=opening(4907))
    engine.control.form.publish_revision(Change(add_champs=[ChampDescriptor(4907, "date", "Jour")]))
    engine.control.edit_champ(number(0), 4906, "canari4906")
    engine.control.edit_champ(number(0), 4907, "2026-02-03")

    with connected(engine.url) as open_:
        assert open_.execute(text(f"SELECT * FROM {MASKED}.{VIEW}")).first() is not None
        for _ in range(2):
            report = engine.sync()
            assert (7, "partial") == (report.exit_code, report.status)
            assert [VIEW in one and "next run" in one for one in report.errors] == [True]
            assert engine.rows("SELECT * FROM lecture_champ WHERE valeur = '2026-02-03'")
            own = readable(engine, role)
            assert f"{MASKED}.lecture_champ" in own
            assert set() == canaries(own)

    assert 0 == engine.sync().exit_code
    own = readable(engine, role)
    assert "2026-02-03" in own[f"{MASKED}.{VIEW}"]
    assert set() == canaries(own)
    assert {"canari4906"} == canaries(readable(engine))


def test_who_reads_a_view_that_has_to_be_made_anew_is_named(engine: Engine, role: str) -> None:
    """An upgrade and a grant wait for him shortly, change nothing, and say whom they wait for."""
    engine.begin()
    store = engine.worker.store
    store.grant_reader(role, masked=True)
    with connected_as(engine, role) as analyst:
        assert analyst.execute(text(f"SELECT * FROM {MASKED}.{VIEW}")).first() is not None
        pid = analyst.scalar(text("SELECT pg_backend_pid()"))
        store.grant_reader("pg_monitor")  # Makes no view anew.
        with pytest.raises(StoreError, match=rf"{role} \(pid {pid}\).*Nothing was changed"):
            store.grant_reader("pg_monitor", masked=True)
        # So that it has to make the views anew.
        engine.execute("DROP VIEW lecture_jury CASCADE")
        with pytest.raises(StoreError, match=rf"{role} \(pid {pid}\).*Nothing was changed"):
            store.upgrade()
    engine.execute(f"CREATE VIEW de_la_dinum AS SELECT * FROM {VIEW}")
    with pytest.raises(StoreError, match="view that somebody else built"):
        store.upgrade()

"""`dsync db verify` and `dsync db backup` as an operator runs them, on each engine."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from textwrap import wrap

import pytest
from sqlalchemy import make_url, text

from dsync.sandbox import Sandbox
from tests.commands.command import Command, InsideCommand
from tests.commands.conftest import DOSSIERS, begin, operator
from tests.store import databases
from tests.store.databases import PostgresServer, connected

SECRET = "geheim"


@pytest.fixture
def dsync(sandbox: Sandbox, on_database: InsideCommand) -> Command:
    """Return `dsync` with a database that is read, on each engine, and PostgreSQL's programs."""
    begin(on_database, sandbox)
    return on_database


def url_of(dsync: Command) -> str:
    """Return the address of its database."""
    return dsync.environment["DSYNC_DATABASE_URL"]


def is_postgresql(dsync: Command) -> bool:
    """Return whether its database is on PostgreSQL."""
    return url_of(dsync).startswith("postgresql")


def restored(dsync: Command, file: Path, server: PostgresServer | None) -> Command:
    """Return `dsync` on a database that is restored from a backup, as operate/backup.md says."""
    url = f"sqlite:///{file}"
    if server is not None:
        url = server.make(migrated=False)
        subprocess.run(
            ["pg_restore", "--exit-on-error", "--dbname", url.replace("+psycopg", ""), file],
            env=dict(dsync.environment),
            check=True,
        )
    return dsync.given(DSYNC_DATABASE_URL=url)


def parts(folder: Path) -> set[str]:
    """Return the files of a folder, without the database's own."""
    return {file.name for file in folder.iterdir() if not file.name.startswith("dsync.db")}


@databases.on_postgresql
def test_a_sound_database_fits(dsync: Command) -> None:
    """Exit 0, with what was counted, recomputed and compared with DS; also beside a writer."""
    with connected(url_of(dsync)) as writer:
        writer.execute(text("UPDATE contenu SET champs = '[]'"))
        ended = dsync("db", "verify", "--remote", "--json")
        writer.rollback()
    assert (0, True, []) == (ended.code, ended.json["ok"], ended.json["findings"])
    assert 4 >= len(wrap(ended.json["cannot_know"], 80))
    assert DOSSIERS == ended.json["rows"]["dossier"] == ended.json["recomputed"]
    assert ended.json["compared_with_ds"] > DOSSIERS
    seen = dsync("db", "verify")
    assert 0 == seen.code
    _, cannot_know = seen.out.split("Everything fits.\n")
    assert cannot_know.startswith("It cannot know ")
    assert ended.json["cannot_know"] == " ".join(cannot_know.split())
    sampled = dsync("db", "verify", "--sample", "10%", "--json").json
    assert (2, 2, []) == (sampled["sampled"], sampled["recomputed"], sampled["findings"])
    for wrong in ("some", "101%", "-1"):
        assert 2 == dsync("db", "verify", "--sample", wrong).code


@databases.on_sqlite
def test_what_does_not_fit_ends_with_7_and_its_remedy(dsync: Command) -> None:
    """Numbers and sentences, nothing that an applicant typed."""
    with connected(url_of(dsync)) as connection:
        connection.execute(text("UPDATE contenu SET champs = '[]'"))
        connection.execute(text("DELETE FROM dossier WHERE numero = 18600001"))
    # No token is needed: DS is not asked.
    ended = dsync("db", "verify", "--json", DSYNC_DS_TOKEN="")
    assert (7, False) == (ended.code, ended.json["ok"])
    assert 2 == dsync("db", "verify", "--remote", DSYNC_DS_TOKEN="").code
    found = {one["check"]: one for one in ended.json["findings"]}
    assert (DOSSIERS - 1, DOSSIERS - 1) == (
        found["hashes"]["count"],
        len(found["hashes"]["dossiers"]),
    )
    assert [18600001] == found["orphans.contenu"]["dossiers"]
    assert all("`dsync " in one["message"] for one in found.values())
    seen = dsync("db", "verify")
    assert (7, 1) == (seen.code, seen.out.count(f"! hashes ({DOSSIERS - 1}): "))
    assert "dsync sync --dossier 18600002" in seen.out


COLUMNS = {
    "dossier.etat": "contents",
    "dossier.presence": "values.dossier.presence",
    "evenement.evenement": "values.evenement.evenement",
    "outbox.statut": "values.outbox.statut",
    "piece.etat": "values.piece.etat",
    "reponse.resultat": "values.reponse.resultat",
    "reponse.statut": "values.reponse.statut",
    "verdict.verdict": "verdicts",
}
"""Columns with a few known values, and the check that finds another one."""


def test_a_value_that_dsync_never_writes_is_found(run: Command, sandbox: Sandbox) -> None:
    """Whatever column somebody changed by hand; no internal error."""
    begin(run, sandbox)
    answer = ("precheck", "answer", "18600002", "doublon", "--result", "conforme")
    assert 0 == run(*answer, "--reason", "vu").code
    with connected(f"sqlite:///{run.folder / 'dsync.db'}") as connection:
        # No file is copied without `[pieces]`.
        connection.execute(
            text(
                "INSERT INTO piece (numero, demarche_numero, champ_id, ligne, empreinte_md5, "
                "adresse, etat, essais, prochain_essai_le, a_supprimer) "
                "VALUES (18600001, 86321, 'x', '', '', '', 'en_cours', 0, '2026-01-01', false)"
            )
        )
    assert 0 == run("db", "verify").code
    for table, name in (column.split(".") for column in COLUMNS):
        run.rows(f"UPDATE {table} SET {name} = 'eligible'")
    ended = run("db", "verify", "--json")
    assert (7, "") == (ended.code, ended.err)
    assert {*COLUMNS.values()} <= {one["check"] for one in ended.json["findings"]}


def test_a_damaged_file_is_found(run: Command, sandbox: Sandbox) -> None:
    """SQLite's own check finds it; nothing else is compared."""
    begin(run, sandbox)
    file = run.folder / "dsync.db"
    with connected(f"sqlite:///{file}") as connection:
        connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
        place = connection.scalar(
            text("SELECT rootpage FROM sqlite_master WHERE name = 'ix_evenement_numero'")
        )
    with file.open("r+b") as opened:
        opened.seek((place - 1) * 4096 + 100)
        opened.write(b"\x00" * 2000)
    ended = run("db", "verify", "--json")
    assert (7, ["integrity"]) == (ended.code, [one["check"] for one in ended.json["findings"]])
    copied = run("db", "backup", "copy.db")
    assert (5, {"copy.db"} & parts(run.folder)) == (copied.code, set())
    assert "damaged" in copied.err


def test_a_backup_is_whole_private_and_restorable(
    dsync: Command, request: pytest.FixtureRequest
) -> None:
    """Made beside a writer, of one instant: without what is not committed."""
    server = request.getfixturevalue("postgres_server") if is_postgresql(dsync) else None
    file = dsync.folder / "backup"
    with connected(url_of(dsync)) as writer:
        writer.execute(text("UPDATE dossier SET raison_sociale = 'not committed'"))
        ended = dsync("db", "backup", str(file))
        assert 0 == ended.code, ended.err
        writer.rollback()

    assert 0o600 == stat.S_IMODE(file.stat().st_mode)
    assert {"backup"} == parts(dsync.folder)
    again = restored(dsync, file, server)
    assert 0 == again("db", "verify", "--remote").code
    listed = ("dossier", "list", "--json")
    assert dsync(*listed).json == again(*listed).json
    if server is not None:
        server.drop(url_of(again))


@pytest.fixture
def owner(
    sandbox: Sandbox, postgres_server: PostgresServer, postgres_programs: Path, tmp_path: Path
) -> Iterator[tuple[InsideCommand, str]]:
    """Return `dsync` as a role that owns its database only, and the address of one without rights.

    The latter may make relations in the schema, as everybody could before PostgreSQL 15.
    """
    mine, other = (f"{name}_{uuid.uuid4().hex[:8]}" for name in ("owner", "stranger"))
    url = make_url(postgres_server.make(migrated=False))
    with connected(str(url)) as connection:
        for role in (mine, other):
            connection.execute(text(f"CREATE ROLE {role} LOGIN PASSWORD 'x'"))
        connection.execute(text(f'ALTER DATABASE "{url.database}" OWNER TO {mine}'))
        connection.execute(text(f"GRANT ALL ON SCHEMA public TO {mine}, {other}"))
    as_owner, as_other = (
        url.set(username=role, password="x").render_as_string(hide_password=False)
        for role in (mine, other)
    )
    environment = {
        **operator(sandbox, tmp_path).environment,
        "DSYNC_DATABASE_URL": as_owner,
        "PATH": f"{postgres_programs}{os.pathsep}{os.environ['PATH']}",
    }
    yield InsideCommand(tmp_path, environment), as_other
    postgres_server.drop(str(url))


FOREIGN = {
    "SELECT lo_create(0)": "large objects of stranger_",
    "CREATE TABLE notes (a int)": "table « notes » of stranger_",
    'CREATE VIEW "lecture_\'x" AS SELECT 1 AS a': "view « lecture_'x » of stranger_",
    "CREATE SEQUENCE numbers": "sequence « numbers » of stranger_",
    "CREATE FUNCTION length(dossier text) RETURNS int LANGUAGE sql AS 'SELECT 1'": "function",
    "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC": "",
}
"""What another login can make, and what `check` says of it."""


def test_what_another_login_makes_keeps_no_backup_from_being_made(
    owner: tuple[InsideCommand, str], postgres_server: PostgresServer
) -> None:
    """Nor restored: it is in none, and `check` names it and its owner."""
    dsync, other = owner
    assert 0 == dsync("db", "upgrade").code
    assert 0 == dsync("sync").code
    assert "not dsync's" not in dsync("check").out
    with connected(other) as connection:
        for statement in FOREIGN:
            connection.execute(text(statement))
    ended = dsync("db", "backup", "backup")
    assert 0 == ended.code, ended.err
    archive = subprocess.run(
        ["pg_restore", "--file=-", dsync.folder / "backup"],
        env=dict(dsync.environment),
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert "lecture_dossier" in archive
    assert "stranger_" not in archive
    again = restored(dsync, dsync.folder / "backup", postgres_server)
    assert 0 == again("db", "verify").code
    said = " ".join(dsync("check").out.split())
    assert [] == [one for one in FOREIGN.values() if one not in said]
    postgres_server.drop(url_of(again))


def test_a_backup_replaces_no_file_unless_ordered(dsync: Command) -> None:
    """Exit 2 and the file as it was; with --force it is replaced; never the database itself."""
    file = dsync.folder / "backup"
    file.write_text("mine")
    ended = dsync("db", "backup", "backup")
    assert (2, "mine") == (ended.code, file.read_text())
    assert "--force" in ended.err
    assert 0 == dsync("db", "backup", "backup", "--force").code
    assert file.stat().st_size > 20_000
    assert dsync("db", "backup", "nowhere/backup").refuses("folder nowhere does not exist: make it")
    if not is_postgresql(dsync):
        itself = url_of(dsync).removeprefix("sqlite:///")
        assert 2 == dsync("db", "backup", itself, "--force").code
        assert 0 == dsync("db", "verify").code


@pytest.fixture
def on_postgresql(
    sandbox: Sandbox, postgres_server: PostgresServer, postgres_programs: Path, tmp_path: Path
) -> Command:
    """Return `dsync` on PostgreSQL, with a password in its address, and programs of its own."""
    folder = tmp_path / "programs"
    folder.mkdir()
    for name in ("pg_dump", "pg_restore"):
        program = folder / name
        program.write_text(
            f'#!/bin/sh\necho "$0 $*" >> "{tmp_path}/lines"\n'
            f'exec "{postgres_programs}/{name}" "$@"\n'
        )
        program.chmod(0o755)
    url = make_url(postgres_server.make(migrated=True)).set(password=SECRET)
    command = operator(sandbox, tmp_path)
    return InsideCommand(
        tmp_path,
        {
            **command.environment,
            "DSYNC_DATABASE_URL": url.render_as_string(hide_password=False),
            "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
        },
    )


def test_no_credentials_stand_on_a_command_line(on_postgresql: Command) -> None:
    """Any user of the machine can read the command lines of all processes."""
    ended = on_postgresql("db", "backup", "backup")
    assert 0 == ended.code, ended.err
    lines = (on_postgresql.folder / "lines").read_text()
    assert ("--format=custom" in lines, SECRET in lines) == (True, False)
    assert SECRET not in ended.out + ended.err


def test_without_pg_dump_the_line_to_run_is_printed(on_postgresql: Command) -> None:
    """Exit 2; the password is left to the operator."""
    ended = on_postgresql("db", "backup", "backup", PATH=str(on_postgresql.folder))
    assert (2, False) == (ended.code, (on_postgresql.folder / "backup").exists())
    assert "pg_dump --format=custom --file=backup " in ended.err
    assert SECRET not in ended.err


def test_what_a_killed_backup_left_goes_with_the_next_one(on_postgresql: Command) -> None:
    """Whatever the name: it holds personal data. What another one writes meanwhile stays."""
    folder, program = on_postgresql.folder, on_postgresql.folder / "programs" / "pg_dump"
    dump = program.read_text()
    program.write_text("#!/bin/sh\nkill -9 $PPID\n")
    killed = Command(folder, on_postgresql.environment)("db", "backup", "monday")
    assert (-9, 1) == (killed.code, len(parts(folder) - {"programs"}))
    other = f"DSYNC_DATABASE_URL='{url_of(on_postgresql)}' {sys.executable} -m dsync"
    program.write_text(
        dump.replace("exec", f"[ -e begun ] || (touch begun; {other} db backup tuesday)\nexec")
    )
    assert 0 == on_postgresql("db", "backup", "wednesday").code
    assert {"programs", "lines", "begun", "tuesday", "wednesday"} == parts(folder)


def test_a_dump_that_fails_leaves_no_file(on_postgresql: Command) -> None:
    """It wrote a half and failed: exit 5 with what it said, and nothing under the name."""
    program = on_postgresql.folder / "programs" / "pg_dump"
    program.write_text(
        '#!/bin/sh\nfor word; do case "$word" in --file=*) echo half > "${word#--file=}";; esac; '
        "done\necho 'pg_dump: error: out of luck' >&2\nexit 1\n"
    )
    ended = on_postgresql("db", "backup", "backup")
    assert (5, {"programs"}) == (ended.code, parts(on_postgresql.folder))
    assert "out of luck" in ended.err

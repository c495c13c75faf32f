"""`dsync demo`: a complete run against the sandbox, on this machine and without a token."""

from __future__ import annotations

import os
import secrets
import shlex
import sqlite3
import sys
import webbrowser
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from socket import socket
from threading import Event as StopEvent
from threading import Thread
from typing import Any
from urllib.parse import quote

import click

from dsync.cli.console import DEFAULT_PORT
from dsync.cli.failures import Exit, LazyCommand
from dsync.cli.later import later
from dsync.cli.options import settings_options
from dsync.cli.sandbox import content_options
from dsync.errors import ConfigurationError, StoreError

with later(globals()):
    from pydantic import SecretStr

    from dsync.addresses import Listen
    from dsync.care.state import waiting, work_of
    from dsync.cli.console import HOST
    from dsync.cli.decisions import print_asked
    from dsync.cli.output import announce_stop, print_note, print_table, shown
    from dsync.cli.run import serve as run_service
    from dsync.cli.runs import print_document
    from dsync.cli.sandbox import INSTRUCTEUR, print_event, program_name, sandbox_variables
    from dsync.cli.session import load, open_worker
    from dsync.cli.stderr import progress_bars
    from dsync.configuration import shipped_config
    from dsync.database import PROGRAMME, open_database
    from dsync.domain.dossier import Presence
    from dsync.domain.ids import DemarcheNumber, DossierNumber
    from dsync.domain.verdict import Verdict
    from dsync.domain.wording import cut
    from dsync.sandbox import Sandbox
    from dsync.sandbox.content.life import Event, set_scene
    from dsync.service.signals import StopSignals
    from dsync.service.surface import bind
    from dsync.settings import SANDBOX_DEMARCHE, Loaded, Settings
    from dsync.store.codes import Status
    from dsync.store.listing import Selection
    from dsync.store.reader import current_checks, to_settle
    from dsync.store.store import process_name, utc_now
    from dsync.sync.handing_over import living_service
    from dsync.sync.report import RunReport
    from dsync.sync.work import ReadAll, ReadChanges, Request
    from dsync.wiring import Worker


DATABASE = "demo.db"
LIVE_SCHEDULE = {"incremental": timedelta(seconds=5), "overlap": timedelta(minutes=1)}
"""Of the service beside the console: edits, of which DS sends no webhook, are soon read."""
SHOWN_OF_EACH = 5
"""Number of dossiers in the table for each verdict."""


@click.command(cls=LazyCommand)
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("dsync-demo"),
    show_default=True,
    help="Where the demo keeps its database.",
)
@content_options(least=1)
@click.option(
    "--serve", is_flag=True, help="Keep the sandbox running, so that sync and push work on it."
)
@click.option(
    "--console",
    is_flag=True,
    help="Then serve the web console, and let the dossiers change every few seconds.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help=f"Port of the console on this machine; 0: any free one.  [default: {DEFAULT_PORT}, or a "
    "free one if it is taken]",
)
@settings_options()
def demo(
    *, folder: Path, dossiers: int, seed: int, serve: bool, console: bool, port: int | None
) -> None:
    """Show a complete run on this machine, without a token.

    Starts a sandbox that imitates DS and beta.gouv.fr, reads its dossiers over HTTP, pre-checks
    them, shows what the first write asks a person, writes the results back and prints the verdicts.
    All data are invented and stay in one folder.
    """
    listening = _listen(port) if console else None
    database = _fresh_database(folder)
    click.echo(
        f"Starting a sandbox of Démarches Simplifiées with {dossiers} dossiers,\n"
        "of which a few are deleted and not read…"
    )
    with (
        StopSignals(announce=announce_stop) as signals,
        Sandbox.start(dossiers=dossiers, seed=seed, port=0, hostile=False) as server,
    ):
        click.echo(f"It listens on {server.ds_url}\n")
        set_scene(server.control, INSTRUCTEUR)
        settings = _settings(server, database)
        with (
            progress_bars() as progress,
            open_worker(settings, stop=signals.stop, progress=progress) as worker,
        ):
            first = worker.sync(Request(ReadAll(), "demo"))
        _end_when_failed(first, signals.exit_code)
        print_document(first.to_json())
        # Without progress: these read next to nothing.
        with open_worker(settings, stop=signals.stop) as worker:
            if (written := _first_write(worker)) is not None:
                _end_when_failed(written, signals.exit_code)
                print_document(written.to_json())
            again = worker.sync(Request(ReadChanges(), "demo"))
            _end_when_failed(again, signals.exit_code)
            rows = _examples(worker)
        click.echo(f"\nThe first {SHOWN_OF_EACH} of each verdict:\n")
        print_table(("dossier", "product", "verdict", "first reason"), rows)
        click.echo("\nAnother run, when only dsync itself has written:")
        print_document(again.to_json())
        environment = _write_environment(server, database)
        if listening is not None:
            _serve_console(server, settings, listening, environment, signals.stop)
            return
        _next_steps(environment, rows, serve=serve)
        if serve:
            signals.stop.wait()


def _first_write(worker: Worker) -> RunReport | None:
    """Show what the first run asks before it writes; return the run that writes.

    None: it had nothing to write.
    """
    with worker.store.reading(worker.demarche) as reader:
        found = waiting(reader, worker.evidence(reader))
    asked = next((one for one in found if one.proposal.is_first_write), None)
    if asked is None:
        return None
    click.echo()
    print_asked(asked)
    click.echo("\nThe demo consents to it, as `dsync accept first` does.\n")
    return worker.sync(Request(work_of(asked), "demo"))


def _listen(port: int | None) -> socket:
    """Open the console's socket, before anything else: a port in use ends the command.

    None: the usual port, or a free one if it is taken.
    """

    def listen_on(number: int) -> socket:
        listening = bind(Listen(HOST, number), is_default=False, setting="--port")
        assert listening is not None  # noqa: S101 - it raises
        return listening

    if port is not None:
        return listen_on(port)
    try:
        return listen_on(DEFAULT_PORT)
    except ConfigurationError:
        listening = listen_on(0)
        free = listening.getsockname()[1]
        click.echo(f"Port {DEFAULT_PORT} is taken: the console gets port {free}.\n")
        return listening


def _serve_console(
    server: Sandbox, settings: Settings, listening: socket, environment: Path, stop: StopEvent
) -> None:
    """Serve the console, let the sandbox's dossiers change, and synchronise them, until `stop`."""
    address = str(Listen(*listening.getsockname()[:2]))
    secret = secrets.token_urlsafe(24)
    server.control.add_webhook(f"http://{address}/hooks/ds/{secret}")
    configuration = settings.configuration
    settings = replace(
        settings,
        configuration=configuration.model_copy(
            update={
                "console": configuration.console.model_copy(
                    update={"public_url": f"http://{address}"}
                ),
                "schedule": configuration.schedule.model_copy(update=LIVE_SCHEDULE),
            }
        ),
        http_listen=address,
        webhook_secret=SecretStr(secret),
        # What the environment says of another installation: nobody is told of the demo, and its
        # sessions are its own.
        oidc_client_secret=None,
        alert_urls=None,
        sentry_dsn=None,
        ds_token_expires_on=None,
    )
    click.echo()
    print_note(
        "Every few seconds a dossier is deposited, changed or decided, and a service reads it: "
        "reload a page of the console. In another terminal, "
        f"`. {shlex.quote(str(environment.resolve()))}` lets commands work on the same data. "
        "Ctrl-C ends all.",
        hanging=0,
    )
    click.echo("\nOpen this link. It works once, then the next one is printed:\n")

    def tell(event: Event) -> None:
        if not stop.is_set():
            print_event(event)

    shown: list[str] = []

    def show(link: str) -> None:
        shown.append(link)
        click.echo(link)
        # Counted before it is printed: whoever uses it at once has the next one shown meanwhile,
        # and two threads cannot let the same things happen.
        if link is shown[0]:
            # Nothing happens before somebody can see it.
            server.live(tell)
            if _has_display():
                # It can wait for the browser's end.
                Thread(target=webbrowser.open, args=(link,), daemon=True).start()

    run_service(
        lambda: Loaded((settings,), (), settings.config),
        stop,
        listening=listening,
        show=show,
        talkative=False,
    )


def _has_display() -> bool:
    """Return whether whoever started this sits at the screen of this machine."""
    is_graphical = sys.platform in ("darwin", "win32") or not os.environ.keys().isdisjoint(
        ("DISPLAY", "WAYLAND_DISPLAY")
    )
    return sys.stdout.isatty() and is_graphical and "SSH_CONNECTION" not in os.environ


def _fresh_database(folder: Path) -> Path:
    """Return the path of the demo's database, after removing the former one.

    The sandbox always starts with empty annotations: with the former database, which recorded that
    dsync filled them, they would be taken for emptied by a human.
    """
    database = folder / DATABASE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if database.exists():
            if not _is_dsyncs(database):
                raise ConfigurationError(
                    f"{database} is not a database of dsync and is kept; give another folder with "
                    "--folder."
                )
            if _is_served(database):
                raise ConfigurationError(
                    f"{database} is used by a demo or a service that is running: end it first, or "
                    "give another folder with --folder."
                )
            click.echo(f"{database} of the last demo is replaced: the sandbox starts over too.")
        # SQLite would take the former one's journal for that of the new file.
        for suffix in ("", "-wal", "-shm"):
            database.with_name(database.name + suffix).unlink(missing_ok=True)
    except OSError as exc:
        raise ConfigurationError(
            f"{folder}: cannot be written ({exc.strerror}); give another one with --folder."
        ) from exc
    return database


def _is_dsyncs(database: Path) -> bool:
    """Return whether dsync created a file: the demo must not remove any other one.

    One without tables is that of a demo that was killed in its first moment.
    """
    try:
        with closing(sqlite3.connect(database)) as connection:
            tables = connection.execute("SELECT name FROM sqlite_master").fetchall()
    except sqlite3.DatabaseError:
        return False
    return not tables or ("alembic_version",) in tables


def _is_served(database: Path) -> bool:
    """Return whether a service works on a database, which it could not do without its file."""
    try:
        with closing(open_database(_database_url(database), create=False)) as store:
            service = living_service(store, DemarcheNumber(SANDBOX_DEMARCHE), utc_now())
    except StoreError:
        # Of another version: no service works on it.
        return False
    # In a container, this process may have the name of one that was killed there.
    return service is not None and service.holder != process_name()


def _settings(server: Sandbox, database: Path) -> Settings:
    """Return settings for the sandbox, which override the environment."""
    return load(
        config=shipped_config(),
        database_url=_database_url(database),
        ds_url=server.ds_url,
        ds_token=SecretStr(server.tokens.write),
        demarche=SANDBOX_DEMARCHE,
        ds_instructeur=INSTRUCTEUR,
        betagouv_url=server.betagouv_url,
    )


def _write_environment(server: Sandbox, database: Path) -> Path:
    """Write a file with the variables that other commands need to use the demo's data."""
    variables = {
        "DSYNC_CONFIG": str(shipped_config().resolve()),
        "DSYNC_DATABASE_URL": _database_url(database.resolve()),
        "DSYNC_DEMARCHE": str(SANDBOX_DEMARCHE),
        **sandbox_variables(server),
    }
    path = database.with_name("environment")
    lines = [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _database_url(database: Path) -> str:
    # In a URL, « ? » and « % » are signs of their own.
    return f"sqlite:///{quote(str(database))}"


def _end_when_failed(report: RunReport, signalled: int | None) -> None:
    if report.status is Status.FAILED:
        print_document(report.to_json())
        raise Exit(signalled or report.exit_code)


def _next_steps(environment: Path, rows: Sequence[Sequence[Any]], *, serve: bool) -> None:
    """Print commands that work on the demo's data when they are copied."""
    program = program_name()
    prefix = f". {shlex.quote(str(environment.resolve()))} && {program}"
    rejected = next((row[0] for row in rows if row[2] == "Inéligible"), rows[0][0])
    steps = [f"dossier show {rejected}", "dossier list --verdict a_verifier", "status"]
    if serve:
        steps += [f"precheck --explain --dossier {rejected}", "sync", "push", "check"]
        click.echo("\nThe sandbox runs until Ctrl-C. In another terminal:")
    else:
        click.echo("\nNext commands:")
    for step in steps:
        click.echo(f"  {prefix} {step}")
    if not serve:
        click.echo()
        print_note(
            f"`{program} demo --console` shows the same in a browser, while dossiers arrive and "
            f"change. The sandbox has ended: `{program} demo --serve` keeps it running, so that "
            "sync, precheck and push work on it too.",
            hanging=0,
        )


def _examples(worker: Worker) -> list[tuple[Any, ...]]:
    """Return some dossiers of each verdict, each with its first reason."""
    rows: list[tuple[Any, ...]] = []
    with worker.store.reading(worker.demarche) as reader:
        for verdict in Verdict:
            selection = Selection(verdict=verdict.value, presence=Presence.PRESENT.value)
            for row in reader.dossiers.listing(selection, limit=SHOWN_OF_EACH)[0]:
                number = int(str(row["numero"]))
                document = reader.dossiers.by_number(DossierNumber(number)) or {}
                reason = cut(shown(_first_reason(document)), 110)
                rows.append((number, row["produit_id"], verdict.value, reason))
    return rows


def _first_reason(document: dict[str, Any]) -> str | None:
    """Return the reason of the first check that prevents « Éligible »."""
    checks = current_checks(document, PROGRAMME.checks)
    decisive = next(iter(to_settle(checks)), None)
    motifs: dict[str, str] = {check["controle"]: check["motif"] for check in checks}
    return motifs.get(decisive or "", "Tous les contrôles sont conformes.")

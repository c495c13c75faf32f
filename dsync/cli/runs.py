"""Runs that a person asks for: the running service does them, else this process; their reports."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

import click

from dsync.addresses import mask_url
from dsync.care.prerequisites import missing_file
from dsync.cli.failures import Exit, tell
from dsync.cli.options import current_flags
from dsync.cli.output import (
    announce_stop,
    asker,
    heading,
    pasteable,
    print_note,
    print_table,
    shown,
)
from dsync.cli.session import Act, make_ready, open_worker
from dsync.cli.stderr import progress_bars
from dsync.domain.ids import DossierNumber
from dsync.domain.verdict import Verdict
from dsync.errors import InterruptedRunError
from dsync.messages.english import found_by, proposed
from dsync.service.signals import StopSignals
from dsync.settings import Settings
from dsync.sync.brakes.changed_rules import Moves
from dsync.sync.handing_over import hand_over
from dsync.sync.report import Comparisons
from dsync.sync.work import AskingNothing, Attempted, PrecheckAsOf, Read, Request, Work

DRY_WAIT_S = 60
"""How long a dry run waits at least for a run that is under way: none follows it in its place."""
LONGEST_SHOWN = 30
"""Longer texts of what would be sent are cut, unless -v was given."""


class Done(NamedTuple):
    """The result of a run, whoever did it."""

    document: Mapping[str, Any]
    """As `RunReport.to_json` returns it, with remedies that can be pasted."""
    code: int
    """The command's exit code."""
    comparisons: Comparisons | None
    """Of a pre-check; None: another process did it, and the database has them."""


def acting(work: Callable[[tuple[DossierNumber, ...]], Work], **options: Any) -> Act:
    """Return what has a run done and printed, for `for_each`.

    `work` returns what is done about the dossiers that the command names; `options` are those of
    `carry_out`.
    """
    return lambda one, numbers: told(work(numbers), one, **options)


def told(work: Work, settings: Settings, *, as_json: bool, **options: Any) -> tuple[Any, int]:
    """Have a run done as `carry_out`; return its document, which is printed unless as JSON."""
    done = carry_out(work, settings, as_json=as_json, **options)
    if not as_json:
        print_document(done.document, dry=options.get("dry", False))
        if done.document["evaluated"] and not settings.configuration.annotations:
            click.echo("  nothing is written into DS: the file has no section [annotations]")
    return done.document, done.code


def carry_out(
    work: Attempted,
    settings: Settings,
    *,
    as_json: bool,
    dry: bool = False,
    wait_s: float = 0,
    may_create: bool = False,
) -> Done:
    """Have a run done, and follow it to its end; it is only tried if it is `dry`.

    A service that is running does it in place of this process, unless it is a dry run. While
    another process holds the lease, it waits for `wait_s` seconds at most. `as_json`: no progress
    is printed. `may_create`: a missing SQLite file is created.

    Raises:
        Exit: a signal ended the wait for a service; this was printed.
    """
    # What is only tried need not be finished in order.
    is_tried = dry or isinstance(work, PrecheckAsOf)
    with StopSignals(announce=announce_stop, at_most_s=1 if is_tried else None) as signals:
        if isinstance(work, AskingNothing):
            # A missing or expired token must not keep what has to be erased, or judged.
            settings = settings.without_ds()
        if dry and may_create and missing_file(settings.database_url):
            # A dry run creates no file: it uses an empty database in memory.
            settings = replace(settings, database_url="sqlite://")
        with (
            progress_bars(wanted=not as_json, dry=is_tried) as progress,
            open_worker(
                settings, stop=signals.stop, progress=progress, may_create=may_create
            ) as worker,
        ):
            make_ready(worker)
            # A dry run writes nothing: it is done here, between two runs of a service.
            request = None
            if not (dry or isinstance(work, PrecheckAsOf)):
                request = Request(work, asker(), wait_s=wait_s)
                try:
                    row = hand_over(worker.context, request)
                except InterruptedRunError as exc:
                    code = signals.exit_code or exc.exit_code
                    raise Exit(tell(exc.message, code, as_json=as_json)) from exc
                if row is not None:
                    # The facts are the database's: the document is that of a run made here.
                    document = {**(row.resultat or {})}
                    document.pop("dits", None)
                    return Done(_pasteable(document), row.code or 0, None)
                if isinstance(work, Read):
                    worker.finish_requests(wait_s)
            if isinstance(work, Read) and sys.stderr.isatty():
                asked = mask_url(settings.ds_url)
                progress.message(f"Asking {asked} about démarche {worker.demarche}.")
            report = (
                worker.sync(request) if request else worker.attempt(work, max(wait_s, DRY_WAIT_S))
            )
    is_interrupted = report.exit_code == InterruptedRunError.exit_code
    # 130 or 143, by the signal that came.
    code = (is_interrupted and signals.exit_code) or report.exit_code
    return Done(_pasteable(report.to_json()), code, report.comparisons)


def _pasteable(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a run's document with problems whose remedies can be pasted."""
    return {**document, "errors": [*map(pasteable, document["errors"])]}


def finish(done: Done) -> None:
    """Exit with the run's code; return if it is 0."""
    if done.code:
        raise Exit(done.code)


def print_document(document: Mapping[str, Any], *, dry: bool = False) -> None:
    """Print `RunReport.to_json`: a run's figures, and on stderr each problem with its remedy."""
    if document["run"] is not None or dry:
        click.echo(headline(document, dry=dry))
        print_note(f"  {figures(document, dry=dry)}")
    if verdicts := _verdict_figures(document):
        print_note(f"  verdicts: {verdicts}", hanging=4)
    mutations = document.get("mutations", ())
    for mutation in mutations:
        print_note(f"  would send: {shown(_shortened(mutation))}", hanging=4)
    if mutations and not current_flags().verbose:
        click.echo("  Whole texts: add -v or --json.")
    if document["adopted"]:
        click.echo("  adopted: annotations that dsync wrote and this database did not record")
    if document["conflicts"]:
        print_note("  values that humans wrote were kept: see `dsync conflicts`", hanging=4)
    print_errors(document)


def print_errors(document: Mapping[str, Any]) -> None:
    """Print each problem of a run, with its remedy, on stderr."""
    for problem in document["errors"]:
        click.echo(f"  ! {problem}", err=True)


def headline(document: Mapping[str, Any], *, dry: bool) -> str:
    """Return the line with the run's number, kind, status and duration."""
    name = "Dry run" if dry else f"Run {document['run']}"
    took = ""
    if document["ended_at"]:
        began, ended = (datetime.fromisoformat(document[key]) for key in ("started_at", "ended_at"))
        took = f" in {(ended - began).total_seconds():.1f} s"
    return f"{name} ({document['kind']}): {document['status']}{took}"


def figures(document: Mapping[str, Any], *, dry: bool) -> str:
    """Return the line with the run's figures."""
    parts = [
        f"{document['read']} read",
        f"{document['changed']} changed",
        f"{document['deleted']} deleted",
        f"{document['evaluated']} judged",
        f"{document['pushed']} {'to write' if dry else 'written'} back",
    ]
    if document["adopted"]:
        parts.append(f"{document['adopted']} adopted")
    if document["conflicts"]:
        parts.append(f"{document['conflicts']} in conflict")
    pieces = document.get("pieces", {})
    if copied := pieces.get("copiee", 0):
        parts.append(f"{copied} files copied")
    if left := sum(pieces.values()) - copied:
        parts.append(f"{left} files not copied")
    if document["quarantined"]:
        parts.append(f"{document['quarantined']} in quarantine")
    requests = document["requests"]
    parts.append(f"{requests} request{'s' if requests != 1 else ''} to DS")
    return " · ".join(parts)


def _shortened(mutation: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what would be sent to a dossier without empty lists and, without -v, long texts."""
    if current_flags().verbose:
        return mutation
    return {name: short for name, value in mutation.items() if (short := _short(value))}


def _short(value: Any) -> Any:
    """Return a value with texts that are cut, and without what is empty."""
    if isinstance(value, Mapping):
        return {name: short for name, one in value.items() if (short := _short(one))}
    if isinstance(value, str) and len(value) > LONGEST_SHOWN:
        return f"{value[:LONGEST_SHOWN]}…"
    return value


def _verdict_figures(document: Mapping[str, Any]) -> str:
    """Return the line with the number of each verdict that occurs; "" without one."""
    return " · ".join(
        f"{number} {verdict.value}"
        for verdict in Verdict
        if (number := document["verdicts"][verdict.key])
    )


def print_moves(moves: Moves, *, are_all: bool = False) -> None:
    """Print how many standing verdicts change, and into what, and how many are first ones.

    `are_all`: all open dossiers are counted, and no other one.
    """
    heading(f"Verdicts {'of open dossiers ' if are_all else ''}that change")
    rows = [(proposed(before), proposed(after), count) for before, after, count in moves.moves]
    print_table(("before", "after", "dossiers"), rows, empty="None.")
    for one in moves.found:
        click.echo(found_by(one))
    if moves.standing or not moves.first:
        click.echo(f"{moves.moved} of {moves.standing} standing verdicts change.")
    if moves.first:
        click.echo(
            f"{moves.first} dossier{'s get' if moves.first > 1 else ' gets'} a first verdict."
        )

"""Runs that a person asks for: the running service does them, else this process."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import click

from dsync.addresses import mask_url
from dsync.care.prerequisites import missing_file
from dsync.cli.demarches import Act
from dsync.cli.failures import Exit, tell
from dsync.cli.output import announce_stop, asker
from dsync.cli.progress import progress_bars
from dsync.cli.reports import print_document
from dsync.cli.session import load, make_ready, open_worker
from dsync.domain.ids import DossierNumber
from dsync.errors import InterruptedRunError
from dsync.service.signals import StopSignals
from dsync.settings import Settings
from dsync.sync.handing_over import hand_over
from dsync.sync.report import Comparisons
from dsync.sync.work import AskingNothing, Attempted, PrecheckAsOf, Read, Request, Work

DRY_WAIT_S = 60
"""How long a dry run waits at least for a run that is under way: none follows it in its place."""


class Done(NamedTuple):
    """The result of a run, whoever did it."""

    document: Mapping[str, Any]
    """As `RunReport.to_json` returns it."""
    code: int
    """The command's exit code."""
    comparisons: Comparisons | None
    """Of a pre-check; None: another process did it, and the database has them."""


def acting(
    work: Callable[[tuple[DossierNumber, ...]], Work],
    *,
    as_json: bool,
    dry: bool = False,
    wait_s: float = 0,
    may_create: bool = False,
) -> Act:
    """Return what has a run done and printed, for `for_each`.

    `work` returns what is done about the dossiers that the command names; the other arguments are
    those of `carry_out`.
    """

    def act(one: Settings, dossiers: tuple[int, ...]) -> tuple[Any, int]:
        numbers = tuple(map(DossierNumber, dossiers))
        done = carry_out(
            work(numbers),
            as_json=as_json,
            dry=dry,
            wait_s=wait_s,
            settings=one,
            may_create=may_create,
        )
        if not as_json:
            print_document(done.document, dry=dry)
            if done.document["evaluated"] and not one.configuration.annotations:
                click.echo("  nothing is written into DS: the file has no section [annotations]")
        return done.document, done.code

    return act


def carry_out(
    work: Attempted,
    *,
    as_json: bool,
    dry: bool = False,
    wait_s: float = 0,
    settings: Settings | None = None,
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
        settings = settings or load()
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
                    return Done(document, row.code or 0, None)
                if isinstance(work, Read):
                    worker.finish_requests(wait_s)
            if isinstance(work, Read) and sys.stderr.isatty():
                shown = mask_url(settings.ds_url)
                progress.message(f"Asking {shown} about démarche {worker.demarche}.")
            report = (
                worker.sync(request) if request else worker.attempt(work, max(wait_s, DRY_WAIT_S))
            )
    is_interrupted = report.exit_code == InterruptedRunError.exit_code
    # 130 or 143, by the signal that came.
    code = (is_interrupted and signals.exit_code) or report.exit_code
    return Done(report.to_json(), code, report.comparisons)


def finish(done: Done) -> None:
    """Exit with the run's code; return if it is 0."""
    if done.code:
        raise Exit(done.code)

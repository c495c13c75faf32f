"""`dsync status` and `dsync runs`: the current state, and the journal of runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from dsync.care.concerns import concerns_of, unfinished_erasures, warnings_of
from dsync.care.state import state_of
from dsync.cli.failures import IN_PART, Exit
from dsync.cli.options import DURATION, json_option, limit_option, settings_options, wide_option
from dsync.cli.output import (
    SUSPENDED,
    clean,
    instant,
    print_json,
    print_note,
    print_pairs,
    print_table,
)
from dsync.cli.session import check_known, load_all, reading
from dsync.database import open_database
from dsync.domain.durations import ago
from dsync.domain.ids import DemarcheNumber
from dsync.domain.run_kinds import Status
from dsync.settings import Settings
from dsync.store import Store


@click.command()
@click.option(
    "--max-age",
    type=DURATION,
    metavar="DURATION",
    help="Exit 7 if the last success is older (health check).",
)
@click.option("--strict", is_flag=True, help="Exit 7 if a line is marked with « ! ».")
@json_option
@settings_options()
def status(*, max_age: timedelta | None, strict: bool, as_json: bool) -> None:
    """Show services, the last run, dossiers, pushes, conflicts, quarantine and warnings.

    A line that needs attention is marked with « ! » and names the next command.
    """
    found, now = load_all(stored=True), datetime.now(UTC)
    with closing(open_database(found[0].database_url, create=False)) as store:
        for one in found:
            check_known(store, one.demarche, is_chosen=one.sources["demarche"] != "file")
        documents = [_status_of(store, settings, max_age, now) for settings in found]
    is_stale = any(document["is_stale"] for document in documents)
    if as_json:
        print_json(documents[0] if len(documents) == 1 else documents)
    else:
        for place, document in enumerate(documents):
            if place:
                click.echo()
            _print(document, now)
    if is_stale and not as_json:
        click.echo("The last success is older than --max-age.", err=True)
    if is_stale or (strict and any(document["warnings"] for document in documents)):
        raise Exit(IN_PART)


def _status_of(
    store: Store, settings: Settings, max_age: timedelta | None, now: datetime
) -> dict[str, Any]:
    judges = settings.configuration.judges
    document = state_of(
        store,
        DemarcheNumber(settings.demarche),
        now,
        judges=judges,
        configured=settings.folder,
        ages=settings.configuration.retention.ages,
    )
    last = document["last_success_at"]
    is_stale = max_age is not None and (last is None or now - last > max_age)
    concerns = concerns_of(document, now, settings.thresholds)
    return document | {
        "now": now,
        "is_stale": is_stale,
        "token_days_left": settings.token_days_left(now.date()),
        "warnings": [clean(one) for one in warnings_of(concerns, now)],
    }


def _print(document: dict[str, Any], now: datetime) -> None:
    def when(at: datetime | None) -> str:
        return f"{instant(at)} ({ago(at, now)})" if at else "never"

    lease, counts = document["lease"], document["dossiers"]
    services = [
        f"{one['holder']} since {instant(one['started_at'])}, version {one['version']}, "
        # A run that is under way is due until it ends: « now », and not an instant in the past.
        f"next run {instant(max(one['next_run_at'], now))}"
        for one in document["services"]
        if one["is_alive"]
    ]
    run, confirmed = document["last_run"], document["evidence_confirmed_at"]
    days = document["token_days_left"]
    print_pairs(
        [
            ("démarche", f"{document['demarche']} in {document['database']}"),
            *(("service", service) for service in services or ["none (`dsync run` starts one)"]),
            ("last success", when(document["last_success_at"])),
            ("last full read", when(document["last_full_at"])),
            ("deletion lists", when(document["last_deletions_at"])),
            ("last run", run and f"{run['run']} ({run['kind']}): {run['status']}"),
            ("at work", lease and f"{lease['holder']} since {instant(lease['since'])}"),
            ("dossiers", _counts(counts["presence"])),
            ("states", _counts(counts["state"])),
            ("verdicts", _counts(counts["verdict"])),
            ("to be judged", counts["to_judge"] or None),
            ("annotations", _counts(document["annotations"])),
            ("erasures not finished", unfinished_erasures(document)),
            ("retention", _announced(document["retention"])),
            ("evidence", confirmed and f"confirmed {ago(confirmed, now)}"),
            ("token", None if days is None else f"{days} days left"),
            ("alerts", ", ".join(alert["name"] for alert in document["alerts"])),
        ]
    )
    if document["annotations"].get("suspendue"):
        print_note(f"  {SUSPENDED}", hanging=4)
    if run:
        _print_problems(run["run"], run["status"], run["messages"])
    for warning in document["warnings"]:
        print_note(f"! {warning}")


def _announced(retention: Mapping[str, Any] | None) -> str | None:
    """Return what the service will erase because of its age."""
    if retention is None:
        return None
    if not retention["counts"]:
        return "nothing is too old"
    return (
        f"{_counts(retention['counts'])} to be erased by the service from "
        f"{instant(retention['from'])} on (`dsync purge --dry-run` lists the dossiers)"
    )


def _print_problems(run: int, status: str, messages: Sequence[str]) -> None:
    """Print the messages of a run, or that its process died."""
    if status == Status.INTERRUPTED:
        messages = ["its process died before the end; the next run resumes."]
    for message in messages:
        print_note(f"run {run}: {clean(message)}")


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{number} {name}" for name, number in counts.items() if number)


@click.command()
@limit_option("runs")
@wide_option
@json_option
@settings_options()
def runs(*, limit: int, wide: bool, as_json: bool) -> None:
    """List the runs, newest first, with their figures, who started them, and their problems."""
    with reading() as reader:
        found: list[dict[str, Any]] = reader.journal.runs(limit=limit)
    if as_json:
        print_json(found)
        return
    columns = {
        "run": "run",
        "genre": "kind",
        "statut": "status",
        "debut": "started",
        "lus": "read",
        "evalues": "judged",
        "pousses": "written",
        "modifies": "changed",
        "supprimes": "deleted",
        "requetes": "requests",
        "demande_par": "by",
    }
    print_table(
        tuple(columns.values()),
        [[run[name] for name in columns] for run in found],
        extra=("changed", "deleted", "requests", "by"),
        wide=wide,
        empty="No run yet: run `dsync sync`.",
    )
    for run in found:
        _print_problems(run["run"], run["statut"], (run["figures"] or {}).get("messages", ()))

"""`dsync status` and `dsync runs`: the current state, and the journal of runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from dsync.cli.failures import IN_PART, Exit
from dsync.cli.options import Duration, json_option, settings_options, wide_option
from dsync.cli.output import (
    SUSPENDED,
    ago,
    clean,
    instant,
    print_json,
    print_note,
    print_pairs,
    print_table,
)
from dsync.cli.session import load_all, reading
from dsync.database import open_database
from dsync.domain.check_line import CheckStatus, expiry_lines
from dsync.domain.ids import DemarcheNumber
from dsync.settings import Settings
from dsync.store import LeaseInfo, RunningService, Store
from dsync.store.lease import is_overdue

RUN_KEYS = {
    "run": "run",
    "genre": "kind",
    "statut": "status",
    "demande_par": "started_by",
    "debut": "started_at",
    "fin": "ended_at",
    "lus": "read",
    "modifies": "changed",
    "supprimes": "deleted",
    "evalues": "evaluated",
    "pousses": "pushed",
    "conflits": "conflicts",
    "en_quarantaine": "quarantined",
    "requetes": "requests",
    "erreur": "error",
}
"""Keys in `status --json` by the column of a run."""


@click.command()
@click.option(
    "--max-age",
    type=Duration(),
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
    found, now = load_all(), datetime.now(UTC)
    store = open_database(found[0].database_url, create=False)
    try:
        documents = [_status_of(store, settings, max_age, now) for settings in found]
    finally:
        store.close()
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
    document = _document(store, DemarcheNumber(settings.demarche), now)
    if not settings.configuration.judges:
        document["dossiers"]["to_judge"] = 0
    last = document["last_success_at"]
    warnings = [*_warnings(document, now)]
    warnings += [
        f"Token: {line.message}; {line.remedy}."
        for line in expiry_lines(settings.ds_token_expires_on, now.date())
        if line.status is CheckStatus.WARNING
    ]
    is_stale = max_age is not None and (last is None or now - last > max_age)
    return document | {"now": now, "is_stale": is_stale, "warnings": warnings}


def _document(store: Store, demarche: DemarcheNumber, now: datetime) -> dict[str, Any]:
    lease = store.lease_of(demarche)
    at_work = lease if lease is not None and lease.holder and not lease.is_expired else None
    with store.reading(demarche) as reader:
        stored = reader.state()
        state = stored.as_of(now)
        ahead = stored.ahead(now)
        runs_ = reader.runs(limit=1)
        counts = reader.dossier_counts()
        pushes = reader.open_pushes()
        return {
            "demarche": demarche,
            "database": store.place,
            "services": [
                _service(service, at_work, now) for service in store.services_of(demarche)
            ],
            "last_success_at": state.last_success_at,
            "last_full_at": state.last_full_at,
            "last_deletions_at": state.last_deletions_at,
            "watermark": state.watermark,
            "clock_ahead_s": None if ahead is None else int(ahead.total_seconds()),
            "full_read_under_way": state.full_cursor is not None,
            "last_run": _last_run(runs_[0]) if runs_ else None,
            "dossiers": {
                "presence": counts["presence"],
                "state": counts["etat"],
                "verdict": counts["verdict"],
                "to_judge": counts["a_evaluer"],
            },
            "annotations": reader.outbox_counts(),
            **{name: push.dossiers for name, push in pushes.items()},
            "reasons": {name: list(push.reasons) for name, push in pushes.items()},
            "quarantined": len(reader.quarantined()),
            "lease": at_work
            and {
                "holder": at_work.holder,
                "since": at_work.acquired_at,
                "expires_at": at_work.expires_at,
            },
        }


def _service(service: RunningService, at_work: LeaseInfo | None, now: datetime) -> dict[str, Any]:
    holds_lease = at_work is not None and at_work.holder == service.holder
    return {**service._asdict(), "is_alive": holds_lease or not is_overdue(service, now)}


def _last_run(run: dict[str, Any]) -> dict[str, Any]:
    document = {key: run[name] for name, key in RUN_KEYS.items()}
    return document | {"messages": (run["figures"] or {}).get("messages", [])}


def _warnings(document: Mapping[str, Any], now: datetime) -> Iterator[str]:
    """Yield a sentence for each point that needs attention, with its remedy."""
    for service in document["services"]:
        if not service["is_alive"]:
            yield (
                f"The service {service['holder']} last reported {ago(service['seen_at'], now)} and "
                "did not report its end: check whether it still runs, and start it again."
            )
    if document["clock_ahead_s"] is not None:
        span = _span(timedelta(seconds=document["clock_ahead_s"]))
        yield (
            f"This machine's clock went back: the last runs are dated up to {span} in the "
            "future, which counts as never. Check the clock (NTP); the next run has a correct date."
        )
    for name, sentence in OPEN.items():
        if count := document[name]:
            why = "; ".join(clean(reason) for reason in document["reasons"].get(name, ()))
            subject = f"{count} dossier{'s' if count > 1 else ''}"
            yield f"{subject} {sentence.format(why=f' ({why})' if why else '')}"


OPEN = {
    "waiting": "with annotations that wait{why}: `dsync push` sends them now.",
    "refused": (
        "with annotations that DS refused{why}: `dsync check` names what to correct, then run "
        "`dsync push`."
    ),
    "conflicts": "with a human's value instead of dsync's: see `dsync conflicts list`.",
    "quarantined": "in quarantine: see `dsync quarantine list`.",
}
"""Sentences for open dossiers, by key of the document."""


def _print(document: dict[str, Any], now: datetime) -> None:
    def when(at: datetime | None) -> str:
        return f"{instant(at)} ({ago(at, now)})" if at else "never"

    lease, counts = document["lease"], document["dossiers"]
    services = [
        f"{one['holder']} since {instant(one['started_at'])}, "
        f"next run {instant(max(one['next_run_at'], now))}"
        for one in document["services"]
        if one["is_alive"]
    ]
    run = document["last_run"]
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
        ]
    )
    if document["annotations"].get("suspendue"):
        print_note(f"  {SUSPENDED}", hanging=4)
    if run:
        _print_problems(run["run"], run["status"], run["messages"])
    for warning in document["warnings"]:
        print_note(f"! {warning}")


def _print_problems(run: int, status: str, messages: Sequence[str]) -> None:
    """Print the messages of a run, or that its process died."""
    if status == "interrupted":
        messages = ["its process died before the end; the next run resumes."]
    for message in messages:
        print_note(f"run {run}: {clean(message)}")


def _span(duration: timedelta) -> str:
    return f"{duration.days} days" if duration.days > 1 else f"{duration.seconds // 60} minutes"


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{number} {name}" for name, number in counts.items() if number)


@click.command()
@click.option(
    "--limit",
    type=click.IntRange(1, 1000),
    default=20,
    show_default=True,
    help="Maximum number of runs.",
)
@wide_option
@json_option
@settings_options()
def runs(*, limit: int, wide: bool, as_json: bool) -> None:
    """List the runs, newest first, with their figures, who started them, and their problems."""
    with reading() as reader:
        found: list[dict[str, Any]] = reader.runs(limit=limit)
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

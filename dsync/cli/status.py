"""`dsync status` and `dsync runs`: where things stand, and how they came to it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from dsync.cli.failures import Exit
from dsync.cli.options import Duration, json_option, settings_options
from dsync.cli.output import ago, clean, instant, print_json, print_pairs, print_table

if TYPE_CHECKING:
    from dsync.domain.ids import DemarcheNumber
    from dsync.store import Store

IN_PART = 7
ADVICE = {
    "conflicts": "dsync conflicts list",
    "quarantined": "dsync quarantine list",
    "refused": "dsync check",
}
"""Where to look for each thing that is open."""


@click.command()
@click.option(
    "--max-age",
    type=Duration(),
    metavar="DURATION",
    help="Exit 7 when the last success is older (health check).",
)
@json_option
@settings_options()
def status(*, max_age: timedelta | None, as_json: bool) -> None:
    """Show the last runs, the copy, the outbox, conflicts, quarantine, lease and warnings."""
    from dsync.cli.session import load
    from dsync.domain.ids import DemarcheNumber
    from dsync.store import Store
    from dsync.sync.check_line import CheckStatus
    from dsync.sync.expiry import expiry_lines

    settings, now = load(), datetime.now(UTC)
    store = Store.open(settings.database_url, create=False)
    try:
        document, ahead = _document(store, DemarcheNumber(settings.demarche), now)
    finally:
        store.close()
    last = document["last_success_at"]
    is_stale = max_age is not None and (last is None or now - last > max_age)
    document |= {
        "now": now,
        "is_stale": is_stale,
        "warnings": [
            f"Token: {line.message}; {line.remedy}."
            for line in expiry_lines(settings.ds_token_expires_on, now.date())
            if line.status is CheckStatus.WARNING
        ],
    }
    if ahead is not None:
        document["warnings"].append(
            f"This machine's clock went back: the last runs are dated up to {_span(ahead)} in the "
            "future, which counts as never. Check the clock (NTP); the next run is dated right."
        )
    if as_json:
        print_json(document)
    else:
        _print(document, now)
    if is_stale:
        if not as_json:
            click.echo("The last success is older than --max-age.", err=True)
        raise Exit(IN_PART)


def _document(
    store: Store, demarche: DemarcheNumber, now: datetime
) -> tuple[dict[str, Any], timedelta | None]:
    """Return what the database knows, and how far in the future its latest run is dated."""
    with store.reading(demarche) as reader:
        stored = reader.state()
        state = stored.as_of(now)
        runs_ = reader.runs(limit=1)
        outbox = reader.outbox_counts()
        document: dict[str, Any] = {
            "demarche": demarche,
            "database": store.place,
            "last_success_at": state.last_success_at,
            "last_full_at": state.last_full_at,
            "last_deletions_at": state.last_deletions_at,
            "watermark": state.watermark,
            "full_read_under_way": state.full_cursor is not None,
            "last_run": runs_[0] if runs_ else None,
            "dossiers": reader.dossier_counts(),
            "outbox": outbox,
            "conflicts": len({conflict.numero for conflict in reader.conflicts()}),
            "quarantined": len(reader.quarantined()),
            "refused": outbox.get("refusee", 0),
        }
    lease = store.lease_of(demarche)
    document["lease"] = None
    if lease is not None and lease.holder and not lease.is_expired:
        document["lease"] = {
            "holder": lease.holder,
            "since": lease.acquired_at,
            "expires_at": lease.expires_at,
        }
    return document, stored.ahead(now)


def _span(duration: timedelta) -> str:
    return f"{duration.days} days" if duration.days > 1 else f"{duration.seconds // 60} minutes"


def _print(document: dict[str, Any], now: datetime) -> None:
    def when(key: str) -> str:
        at = document[key]
        return f"{instant(at)} ({ago(at, now)})" if at else "never"

    lease, counts = document["lease"], document["dossiers"]
    print_pairs(
        [
            ("démarche", f"{document['demarche']} in {document['database']}"),
            ("last success", when("last_success_at")),
            ("last full read", when("last_full_at")),
            ("deletion lists", when("last_deletions_at")),
            ("last run", _last_run(document["last_run"])),
            ("at work", lease and f"{lease['holder']} since {instant(lease['since'])}"),
            ("dossiers", _counts(counts["presence"])),
            ("states", _counts(counts["etat"])),
            ("verdicts", _counts(counts["verdict"])),
            ("to be judged", counts["a_evaluer"] or None),
            ("annotations", _counts(document["outbox"])),
        ]
    )
    for key, command in ADVICE.items():
        if document[key]:
            click.echo(f"! {document[key]} {key}: see `{command}`")
    for warning in document["warnings"]:
        click.echo(f"! {warning}")


def _last_run(run: dict[str, Any] | None) -> str | None:
    if run is None:
        return None
    text = f"{run['run']} ({run['genre']}): {run['statut']}"
    problem = _problem(run)
    return f"{text}: {clean(problem)}" if problem else text


def _problem(run: dict[str, Any]) -> str | None:
    """What the run said of itself; of one that was killed only the journal's word is left."""
    messages = (run["figures"] or {}).get("messages")
    return "\n".join(messages) if messages else run["erreur"]


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{number} {name}" for name, number in counts.items() if number)


@click.command()
@click.option(
    "--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many."
)
@json_option
@settings_options()
def runs(*, limit: int, as_json: bool) -> None:
    """List the runs, newest first: who started each, its figures, what went wrong."""
    from dsync.cli.session import reading

    with reading() as reader:
        found: list[dict[str, Any]] = reader.runs(limit=limit)
    if as_json:
        print_json(found)
        return
    columns = {
        "run": "run",
        "genre": "kind",
        "statut": "status",
        "demande_par": "by",
        "debut": "started",
        "lus": "read",
        "modifies": "changed",
        "supprimes": "deleted",
        "evalues": "judged",
        "pousses": "written",
        "requetes": "requests",
    }
    print_table(
        (*columns.values(), "problem"),
        [[*(run[name] for name in columns), _problem(run)] for run in found],
        empty="No run yet: `dsync sync` does one.",
    )

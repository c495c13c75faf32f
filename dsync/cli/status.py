"""`dsync status`, `dsync history`: the current state, the runs, what people asked for by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import click

from dsync.cli.failures import IN_PART, Exit, LazyCommand
from dsync.cli.later import later
from dsync.cli.options import DURATION, json_option, limit_option, list_options, settings_options
from dsync.messages import english

with later(globals()):
    from dsync.care.state import State, concerns_of, messages_of, states_of
    from dsync.cli.output import (
        SUSPENDED,
        clean,
        instant,
        pasteable,
        print_json,
        print_note,
        print_pairs,
        print_table,
    )
    from dsync.cli.session import concerning, listed, load_all, opened_store
    from dsync.domain.dossier import Presence
    from dsync.domain.ids import DemarcheNumber
    from dsync.domain.remedies import ago
    from dsync.domain.wording import cut
    from dsync.settings import Settings
    from dsync.store.codes import Status
    from dsync.store.requests import ManualRequest

if TYPE_CHECKING:
    from dsync.store import Reader


_COUNTS = {
    "presence": "presence",
    "state": "etat",
    "verdict": "verdict",
    "verdict_by_state": "verdict_par_etat",
    "to_judge": "a_evaluer",
}
"""The counts of dossiers in `--json`, by the names that `counts_of` has for them."""
_OF_END = ("at", "code", "classes", "messages", "dits")
TITLE_WIDTH = 22
"""Characters of a title in the table, whose lines have 80 so."""

_RANKS = {kind: rank for rank, kind in enumerate(english.WORDS)}
_LATE = timedelta.max
"""Stands for the age that the configuration allows, which is each démarche's own."""


class _AgeGiven(LazyCommand):
    """A command with `--max-age`, whose value may be left out."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Refuse « -1h » after it as a value, where click would take it for an option."""
        age = next(param for param in self.params if param.name == "max_age")
        for text, following in pairwise([*args, ""]):
            name, has_value, value = text.partition("=")
            given = value if has_value else following
            if name == "--max-age" and given[:1] == "-" and given[1:2].isdigit():
                DURATION.convert(given, age, ctx)
        return super().parse_args(ctx, args)


@click.command(cls=_AgeGiven)
@click.option(
    "--max-age",
    type=DURATION,
    is_flag=False,
    flag_value=_LATE,
    metavar="[DURATION]",
    help="Exit 7 if the last success is older (health check); without a duration: than "
    "[advanced] late_after allows.",
)
@click.option("--strict", is_flag=True, help="Exit 7 if a line is marked with « ! ».")
@json_option
@settings_options()
def status(*, max_age: timedelta | None, strict: bool, as_json: bool) -> None:
    """Show services, the last run, dossiers, pushes, conflicts, quarantine and warnings.

    A line that needs attention is marked with « ! » and names the next command. Of several
    démarches each has a line, the worst first; --demarche N shows the details of one.
    """
    found, now = load_all(stored=True, goes_on=True), datetime.now(UTC)
    with opened_store(found) as store:
        states = states_of(store, [one.looked for one in found], now)
    ranked = [_status_of(one, states[DemarcheNumber(one.demarche)], max_age, now) for one in found]
    documents = [document for _, document in ranked]
    stale = [document["demarche"] for document in documents if document["is_stale"]]
    if as_json:
        print_json(documents[0] if len(documents) == 1 else documents)
    elif len(documents) == 1:
        _print(documents[0], now)
    else:
        _print_table([one for _, one in sorted(ranked, key=lambda one: one[0])], now)
    if stale and not as_json:
        of = f" of {', '.join(map(str, stale))}" if len(documents) > 1 else ""
        click.echo(f"The last success{of} is older than --max-age.", err=True)
    if stale or (strict and any(map(_is_marked, documents))):
        raise Exit(IN_PART)


def _status_of(
    settings: Settings, state: State, max_age: timedelta | None, now: datetime
) -> tuple[int, dict[str, Any]]:
    """Return a démarche's state, and its rank in the table, in which the least one is first."""
    concerning(settings)
    last = state.sync.last_success_at
    if max_age == _LATE:
        max_age = settings.configuration.late_after
    is_stale = max_age is not None and (last is None or now - last > max_age)
    concerns = [*concerns_of(state, now, settings.looked)]
    found = [one for one in concerns if english.words(one)]
    found.sort(key=lambda one: _RANKS[type(one)])
    return _RANKS[type(found[0])] if found else len(_RANKS), _document(state) | {
        "configuration": settings.config_name,
        "now": now,
        "is_stale": is_stale,
        "token_days_left": settings.token_days_left(now.date()),
        "warnings": [
            pasteable(clean(said)) for one in concerns if (said := english.warning(one, now))
        ],
        "attention": [*map(english.words, found)],
    }


def _document(state: State) -> dict[str, Any]:
    """Return what `--json` has of a state."""
    sync, run, end, full_run = state.sync, state.last_run, state.last_end, state.full_run
    counts, work, ahead, lease = state.dossiers, state.work, state.clock_ahead, state.lease
    return {
        "demarche": state.demarche,
        "title": state.title,
        "database": state.database,
        "services": [{**one._asdict(), "is_alive": one in state.alive} for one in state.services],
        "last_success_at": sync.last_success_at,
        "last_full_at": sync.last_full_at,
        "last_deletions_at": state.last_deletions_at,
        "watermark": sync.watermark,
        "clock_ahead_s": None if ahead is None else int(ahead.total_seconds()),
        "full_read_under_way": sync.full_cursor is not None,
        "last_run": run
        and {
            **{name: value for name, value in run.items() if name != "figures"},
            "messages": messages_of(run),
        },
        "last_end": end and {name: getattr(end, name) for name in _OF_END},
        "last_code": end and end.code,
        "last_full_code": full_run and full_run["code"],
        "last_full_status": full_run and full_run["statut"],
        "dossiers": {name: counts[column] for name, column in _COUNTS.items()},
        "annotations": work.wishes,
        **{name: one.dossiers for name, one in work.pushes.items()},
        "waiting_since": work.pushes["waiting"].since,
        "reasons": {name: one.reasons for name, one in work.pushes.items()},
        "quarantined": work.quarantined,
        "mass_deletion": (mass := state.mass_deletion)
        and {"dossiers": mass.dossiers, "of": mass.of, "since": mass.since},
        "evidence_confirmed_at": state.evidence_confirmed_at,
        "copies_to_delete": work.doomed,
        "retention": state.retention,
        "requests": [
            dict(zip(("kind", "count", "asked_at"), one, strict=True)) for one in work.requests
        ],
        "target_is_missing": end is not None and end.target_is_missing,
        "not_configured": state.not_configured,
        "consents": [
            {
                "kind": one.proposal.kind.word,
                "since": one.since,
                "dossiers": one.proposal.dossiers,
                "table": one.proposal.table,
            }
            for one in state.consents
        ],
        "alerts": [{"name": name, "since": since} for name, since in state.alerts],
        "lease": lease
        and {
            "holder": lease.holder,
            "since": lease.acquired_at,
            "expires_at": lease.expires_at,
            "taken_over_in_s": state.taken_over_in_s,
        },
    }


def _has_failed(document: Mapping[str, Any]) -> bool:
    run = document["last_run"]
    return bool(run) and run["statut"] in (Status.FAILED, Status.INTERRUPTED)


def _is_marked(document: Mapping[str, Any]) -> bool:
    return bool(document["warnings"]) or _has_failed(document)


def _print_table(documents: Sequence[dict[str, Any]], now: datetime) -> None:
    """Print a line for each démarche, and what is of all."""
    concerning(None)
    rows = []
    for one in documents:
        first, *others = one["attention"] or [""]
        mark = "! " if _is_marked(one) and first else ""
        more = f" (+{len(others)})" if others else ""
        last = one["last_success_at"]
        rows.append(
            (
                one["demarche"],
                cut(clean(one["title"] or "–"), TITLE_WIDTH),
                ago(last, now) if last else "never",
                one["dossiers"]["presence"].get(Presence.PRESENT.value, 0),
                f"{mark}{first}{more}" or "–",
            )
        )
    print_table(("démarche", "title", "success", "dossiers", "needs attention"), rows)
    marked = sum(bool(one["attention"]) for one in documents)
    holders = {s["holder"] for one in documents for s in one["services"] if s["is_alive"]}
    service = ", ".join(sorted(holders)) or "none (`dsync run` starts one)"
    click.echo()
    print_note(
        f"{len(documents)} démarches, {marked or 'none'} of which need{'s' * (marked == 1)} "
        f"attention; {sum(row[3] for row in rows)} dossiers."
    )
    print_note(f"Service: {service}")
    for lost in sorted({one for document in documents for one in document["not_configured"]}):
        print_note(f"! Démarche {lost} is stored, and no file configures it: `dsync forget {lost}`")
    print_note(f"Details of one: `dsync status --demarche {rows[0][0]}`")


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
            ("title", document["title"]),
            ("configuration", document["configuration"]),
            *(("service", service) for service in services or ["none (`dsync run` starts one)"]),
            ("last success", when(document["last_success_at"])),
            ("last full read", when(document["last_full_at"])),
            ("deletion lists", when(document["last_deletions_at"])),
            ("last run", run and f"{run['run']} ({run['genre']}): {run['statut']}"),
            ("at work", lease and _at_work(lease)),
            ("dossiers", _counts(counts["presence"])),
            ("states", _counts(counts["state"])),
            ("verdicts", _counts(counts["verdict"])),
            ("to be judged", counts["to_judge"] or None),
            ("annotations", _counts(document["annotations"])),
            ("retention", _announced(document["retention"])),
            ("evidence", confirmed and f"confirmed {ago(confirmed, now)}"),
            ("token", None if days is None else f"{days} days left"),
            ("alerts", ", ".join(alert["name"] for alert in document["alerts"])),
        ]
    )
    if document["annotations"].get("suspendue"):
        print_note(f"  {SUSPENDED}", hanging=4)
    if run:
        mark = "! " if _has_failed(document) else ""
        print_problems(run, run["messages"], mark)
    for warning in document["warnings"]:
        print_note(f"! {warning}")


def _at_work(lease: Mapping[str, Any]) -> str:
    said = f"{lease['holder']} since {instant(lease['since'])}"
    if (left_s := lease["taken_over_in_s"]) is None:
        return said
    return f"{said}, without a sign of life: another process can go on within {left_s} s"


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


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{number} {name}" for name, number in counts.items() if number)


@click.command(cls=LazyCommand)
@click.option(
    "--manual",
    is_flag=True,
    help="What people asked for by hand instead: who, when, what, and the result.",
)
@click.option(
    "--seen",
    is_flag=True,
    help="Who saw what instead: pages of dossiers, files, exports, backups, searches of a person.",
)
@limit_option("lines", 20, 1000)
@list_options()
def history(
    *, manual: bool, seen: bool, limit: int, everywhere: bool, wide: bool, as_json: bool
) -> None:
    """List the runs, newest first, with their figures, who started them, and their problems.

    With --manual, a read that was handed over to the running service is listed as soon as it is
    asked for.
    """
    if manual and seen:
        raise click.UsageError("--manual and --seen exclude each other.")
    if manual or seen:
        _requests(limit, seen=seen, everywhere=everywhere, wide=wide, as_json=as_json)
    else:
        _runs(limit, everywhere=everywhere, wide=wide, as_json=as_json)


def _runs(limit: int, *, everywhere: bool, wide: bool, as_json: bool) -> None:
    every = listed(lambda reader: reader.journal.runs(limit=limit), everywhere=everywhere)
    found = every.first(limit, lambda run: run["run"], newest=True)
    if found.print_as_json(dict, as_json=as_json):
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
    found.print(
        tuple(columns.values()),
        lambda run: [run[name] for name in columns],
        # With the column « démarche », those of one do not fit on 80 columns either.
        extra=("changed", "deleted", "requests", "by", *["judged"][: found.demarches - 1]),
        wide=wide,
        empty="No run yet: run `dsync sync`.",
    )
    configured = {one.demarche: one for one in load_all(stored=True, goes_on=True)}
    for demarche, run in found.rows:
        concerning(configured[demarche])
        print_problems(run, (run["figures"] or {}).get("messages", ()))


def print_problems(run: Mapping[str, Any], messages: Sequence[str], mark: str = "") -> None:
    """Print the messages of a run, or that its process died."""
    if run["statut"] == Status.INTERRUPTED:
        messages = ["its process died before the end; the next run resumes."]
    for message in messages:
        print_note(f"{mark}run {run['run']}: {clean(message)}")


def _requests(limit: int, *, seen: bool, everywhere: bool, wide: bool, as_json: bool) -> None:
    def read(reader: Reader) -> list[ManualRequest]:
        return reader.requests.seen(limit=limit) if seen else reader.requests.latest(limit=limit)

    every = listed(read, everywhere=everywhere)
    found = every.first(limit, lambda one: one.id, newest=True)
    if found.print_as_json(ManualRequest._asdict, as_json=as_json):
        return
    found.print(
        ("when", "who", "what", "options", "result", "run"),
        lambda one: (
            one.demande_le,
            one.demande_par,
            one.genre,
            ", ".join(_option(name, value) for name, value in one.options.items()),
            _result(one),
            one.run,
        ),
        extra=("run",),
        wide=wide,
        empty="Nothing was seen yet." if seen else "Nothing was done by hand yet.",
    )


def _option(name: str, value: Any) -> str:
    if value is True:
        return name
    text = " ".join(map(str, value)) if isinstance(value, list) else str(value)
    return f"{name}={text}"


def _result(request: ManualRequest) -> str:
    if request.fini_le is None:
        return "waiting" if request.commence_le is None else "running"
    return "done" if not request.code else f"exit {request.code}"

"""`dsync history`: the runs, or what people asked for by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from dsync.cli.failures import LazyCommand
from dsync.cli.later import later
from dsync.cli.options import limit_option, list_options

with later(globals()):
    from dsync.cli.demarches import listed
    from dsync.cli.output import clean, print_note
    from dsync.cli.session import concerning, load_all
    from dsync.domain.run_kinds import Status
    from dsync.store.requests import ManualRequest

if TYPE_CHECKING:
    from dsync.store import Reader


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
            _options(one),
            _result(one),
            one.run,
        ),
        extra=("run",),
        wide=wide,
        empty="Nothing was seen yet." if seen else "Nothing was done by hand yet.",
    )


def _options(request: ManualRequest) -> str:
    return ", ".join(_option(name, value) for name, value in request.options.items())


def _option(name: str, value: Any) -> str:
    if value is True:
        return name
    text = " ".join(map(str, value)) if isinstance(value, list) else str(value)
    return f"{name}={text}"


def _result(request: ManualRequest) -> str:
    if request.fini_le is None:
        return "waiting" if request.commence_le is None else "running"
    return "done" if not request.code else f"exit {request.code}"

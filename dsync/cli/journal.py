"""`dsync journal`: who did what by hand, when, and with what result."""

from __future__ import annotations

from typing import Any

import click

from dsync.cli.failures import LazyCommand
from dsync.cli.later import later
from dsync.cli.options import limit_option, list_options

with later(globals()):
    from dsync.cli.demarches import listed
    from dsync.cli.output import print_json
    from dsync.store.requests import ManualRequest


@click.command(cls=LazyCommand)
@limit_option("lines")
@list_options()
def journal(*, limit: int, everywhere: bool, wide: bool, as_json: bool) -> None:
    """List what people asked for by hand, newest first: who, when, what, and the result.

    A read that was handed over to the running service is listed as soon as it is asked for.
    """
    every = listed(lambda reader: reader.requests.latest(limit=limit), everywhere=everywhere)
    found = every.first(limit, lambda one: one.id, newest=True)
    if as_json:
        print_json(found.documents(ManualRequest._asdict))
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
        empty="Nothing was done by hand yet.",
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

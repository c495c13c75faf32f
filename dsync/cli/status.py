"""`dsync status` and `dsync runs`: where things stand, and how they came to it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import click

from dsync.cli.failures import Exit
from dsync.cli.options import Duration, json_option, settings_options
from dsync.cli.output import ago, cut, heading, instant, print_json, print_pairs, print_table

IN_PART = 7


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
    """Show the last runs, the copy, the outbox, conflicts, quarantine, lease and evidence."""
    from dsync.cli.session import load, worker
    from dsync.sync.check import CheckStatus, expiry_lines

    settings = load()
    with worker(settings) as app:
        now = app.clock()
        with app.store.reading() as reader:
            document: dict[str, Any] = reader.status(app.demarche)
    last = document["last_success_at"]
    is_stale = max_age is not None and (last is None or now - last > max_age)
    warnings = [
        f"Token: {line.message}; {line.remedy}."
        for line in expiry_lines(settings.token_expiry, now.date())
        if line.status is CheckStatus.WARNING
    ]
    if as_json:
        print_json(
            {**document, "now": now, "is_stale": is_stale, "warnings": warnings}
        )
    else:
        _print(document, now, warnings)
        if is_stale:
            since = f"is of {instant(last)}" if last else "never happened"
            click.echo(f"The last success {since}: older than --max-age.", err=True)
    if is_stale:
        raise Exit(IN_PART)

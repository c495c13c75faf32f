"""`dsync grist`: makes the tables of a Grist document equal to their views."""

from __future__ import annotations

import click

from dsync.cli.failures import LazyCommand
from dsync.cli.later import later
from dsync.cli.options import json_option, settings_options

with later(globals()):
    from dsync.cli.output import announce_stop, print_json, print_note, print_table
    from dsync.cli.session import load, open_worker
    from dsync.service.signals import StopSignals


@click.command(cls=LazyCommand)
@click.option(
    "--forget",
    is_flag=True,
    help="Leave what dsync made there to its readers, and make other tables.",
)
@json_option
@settings_options()
def grist(*, forget: bool, as_json: bool) -> None:
    """Make the tables of [grist] document equal to their views now.

    Only differences are sent. What people added or changed there stays: columns, formulas, labels,
    pages, rows of their own. The service does the same once something has changed, and once a day.
    """
    with (
        StopSignals(announce=announce_stop, at_most_s=1) as signals,
        open_worker(load(), stop=signals.stop) as worker,
    ):
        kept = worker.keep_grist(wait_s=60, forget=forget)
    if as_json:
        print_json([one._asdict() for one in kept])
        return
    print_table(
        ("view", "rows", "added", "changed", "gone"),
        [(one.view, one.rows, one.added, one.changed, one.gone) for one in kept],
    )
    for one in kept:
        for left in one.left:
            print_note(left)

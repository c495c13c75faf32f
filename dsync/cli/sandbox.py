"""`dsync sandbox`: serves a local imitation of DS and beta.gouv.fr."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dsync.cli.failures import LazyCommand
from dsync.cli.later import later
from dsync.cli.options import Command, port_option, settings_options, together
from dsync.errors import ConfigurationError

with later(globals()):
    from dsync.sandbox import Sandbox, serve
    from dsync.sandbox.content import EQUIPMENT_FORM
    from dsync.settings import SANDBOX_DEMARCHE


if TYPE_CHECKING:
    from dsync.sandbox.content.life import Event

INSTRUCTEUR = "dsync@example.gouv.fr"
"""E-mail address of the sandbox's instructeur for dsync."""


def content_options(*, least: int) -> Callable[[Command], Command]:
    """Return the options `--dossiers N`, with its least number, and `--seed N`."""
    return together(
        click.option(
            "--dossiers",
            type=click.IntRange(min=least),
            default=120,
            show_default=True,
            help="Number of invented dossiers.",
        ),
        click.option(
            "--seed",
            type=int,
            default=7,
            show_default=True,
            help="The same seed gives the same data.",
        ),
    )


@click.command(cls=LazyCommand)
@port_option(8042, "Port on 127.0.0.1; 0: any free one.")
@content_options(least=0)
@click.option(
    "--rate-limit",
    type=click.IntRange(min=1),
    default=400,
    show_default=True,
    help="Maximum number of requests per minute and token.",
)
@click.option(
    "--live",
    is_flag=True,
    help="Let something happen every few seconds: deposits, edits, decisions.",
)
@settings_options()
def sandbox(*, port: int, dossiers: int, seed: int, rate_limit: int, live: bool) -> None:
    """Serve an invented démarche aap-eig7 and an invented beta.gouv.fr until Ctrl-C.

    Prints the variables that make dsync use them. All data are lost when it stops.
    """

    def ready(server: Sandbox) -> None:
        _introduce(server)
        if live:
            server.live(print_event)

    try:
        serve(
            port=port,
            dossiers=dossiers,
            seed=seed,
            rate_limit=rate_limit,
            hostile=False,
            ready=ready,
        )
    except OSError as exc:
        raise ConfigurationError(
            f"Port {port} cannot be used ({exc.strerror}): give another one with --port, or 0 for "
            "any free one."
        ) from exc


def _introduce(server: Sandbox) -> None:
    click.echo("The sandbox is running. In another terminal:\n")
    for name, value in sandbox_variables(server).items():
        click.echo(f"  export {name}={value}")
    click.echo(f"  export DSYNC_DEMARCHE={SANDBOX_DEMARCHE}")
    click.echo("  export DSYNC_DATABASE_URL=sqlite:///sandbox.db")
    program = program_name()
    click.echo(f"  {program} sync\n")
    click.echo(
        f"To begin with another démarche, whose form is of another kind: `{program} config init "
        f"--demarche {EQUIPMENT_FORM.number}`, and export DSYNC_DEMARCHE={EQUIPMENT_FORM.number}."
    )
    click.echo(f"Control interface: {server.control_url}\nCtrl-C stops the sandbox.")


def program_name() -> str:
    """Return the program as it was called, for the commands to print."""
    called = Path(sys.argv[0])
    if called.name == "__main__.py":
        return f"{shlex.quote(sys.executable)} -m dsync"
    return shlex.quote(sys.argv[0]) if called.name == "dsync" else "dsync"


def print_event(event: Event) -> None:
    """Print what happened in a sandbox, on stderr."""
    at = datetime.now(UTC).astimezone()
    click.echo(f"{at:%H:%M:%S}  Dossier {event.number} {event.kind.value}.", err=True)


def sandbox_variables(server: Sandbox) -> dict[str, str]:
    """Return the environment variables that make dsync use a sandbox."""
    return {
        "DSYNC_DS_URL": server.ds_url,
        "DSYNC_DS_TOKEN": server.tokens.write,
        "DSYNC_DS_INSTRUCTEUR": INSTRUCTEUR,
        "DSYNC_BETAGOUV_URL": server.betagouv_url,
    }

"""`dsync sandbox`: a local stand-in of DS and beta.gouv.fr."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from dsync.cli.options import settings_options

if TYPE_CHECKING:
    from dsync.sandbox import Sandbox

INSTRUCTEUR = "dsync@example.gouv.fr"
"""The sandbox's instructeur who may write into every groupe."""


@click.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8042,
    show_default=True,
    help="On 127.0.0.1; 0: any free one.",
)
@click.option(
    "--dossiers",
    type=click.IntRange(min=0),
    default=120,
    show_default=True,
    help="How many dossiers the démarche has.",
)
@click.option(
    "--seed", type=int, default=7, show_default=True, help="The same seed gives the same world."
)
@click.option(
    "--rate-limit",
    type=click.IntRange(min=1),
    default=400,
    show_default=True,
    help="Requests a minute and token, as DS counts them.",
)
@settings_options()
def sandbox(*, port: int, dossiers: int, seed: int, rate_limit: int) -> None:
    """Serve a made-up démarche aap-eig7 and a made-up beta.gouv.fr, until Ctrl-C.

    Prints the variables that point dsync at it. Nothing is kept when it stops.
    """
    from dsync.errors import ConfigurationError
    from dsync.sandbox import serve

    try:
        serve(port=port, dossiers=dossiers, seed=seed, rate_limit=rate_limit, ready=_introduce)
    except OSError as exc:
        raise ConfigurationError(
            f"Port {port} cannot be used ({exc.strerror}): give another one with --port, or 0."
        ) from exc


def _introduce(server: Sandbox) -> None:
    click.echo("The sandbox listens. In another terminal:\n")
    for name, value in sandbox_variables(server).items():
        click.echo(f"  export {name}={value}")
    click.echo("  export DSYNC_DATABASE_URL=sqlite:///sandbox.db")
    click.echo("  dsync sync\n")
    click.echo(f"Control interface: {server.control_url}\nCtrl-C stops it.")


def sandbox_variables(server: Sandbox) -> dict[str, str]:
    """Return the environment that points dsync at a sandbox."""
    return {
        "DSYNC_DS_URL": server.ds_url,
        "DSYNC_DS_TOKEN": server.tokens.write,
        "DSYNC_DS_INSTRUCTEUR": INSTRUCTEUR,
        "DSYNC_BETAGOUV_URL": server.betagouv_url,
    }

"""`dsync sandbox`: a local stand-in of DS and beta.gouv.fr."""

from __future__ import annotations

import click

from dsync.cli.options import settings_options


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
    default=None,
    help="Requests a minute and token, as DS has it (400); none by default.",
)
@settings_options()
def sandbox(*, port: int, dossiers: int, seed: int, rate_limit: int | None) -> None:
    """Serve a made-up démarche aap-eig7 and a made-up beta.gouv.fr, until Ctrl-C.

    Prints the variables that point dsync at it. Nothing is kept when it stops.
    """
    from dsync.sandbox import Sandbox
    from dsync.service.signals import StopSignals

    with (
        StopSignals() as signals,
        Sandbox.start(dossiers=dossiers, seed=seed, port=port, rate_limit=rate_limit) as server,
    ):
        click.echo("The sandbox listens. In another terminal:\n")
        for name, value in sandbox_variables(server).items():
            click.echo(f"  export {name}={value}")
        click.echo(f"\n  dsync sync\n\nControl interface: {server.control_url}\nCtrl-C stops it.")
        signals.stop.wait()


def sandbox_variables(server: object) -> dict[str, str]:
    """Return the environment that points dsync at a sandbox."""
    from dsync.sandbox import Sandbox

    assert isinstance(server, Sandbox)  # noqa: S101
    return {
        "DSYNC_DS_URL": server.ds_url,
        "DSYNC_DS_TOKEN": server.tokens.write,
        "DSYNC_DS_INSTRUCTEUR": INSTRUCTEUR,
        "DSYNC_BETAGOUV_URL": server.betagouv_url,
        "DSYNC_DATABASE_URL": "sqlite:///sandbox.db",
    }


INSTRUCTEUR = "dsync@example.gouv.fr"
"""The sandbox's instructeur who may write into every groupe."""

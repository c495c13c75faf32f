"""`dsync config show` and `dsync config check`: the settings, without network or database."""

from __future__ import annotations

import click

from dsync.cli.failures import Group
from dsync.cli.options import json_option, settings_options
from dsync.cli.output import print_json, print_table
from dsync.cli.session import load, worker
from dsync.errors import ConfigurationError
from dsync.settings import unknown_variables
from dsync.wiring import App


@click.group(cls=Group)
def config() -> None:
    """Show or check the settings, without network or database."""


@config.command("show")
@json_option
@settings_options()
def show(*, as_json: bool) -> None:
    """Show the value of each setting and where it comes from; secrets are masked."""
    settings = load()
    values = settings.shown()
    if as_json:
        print_json(
            {
                name: {"value": value, "source": settings.sources[name]}
                for name, value in values.items()
            }
        )
        return
    rows = [(name, value, settings.sources[name]) for name, value in values.items()]
    print_table(("setting", "value", "from"), rows)


@config.command("check")
@json_option
@settings_options()
def check(*, as_json: bool) -> None:
    """Check settings, configuration file, rules and lists; print all problems at once."""
    settings = load()
    with worker(settings) as app:
        programme, warnings = app.programme, _warnings(app)
    version = programme.rules.version if programme else None
    if as_json:
        print_json(
            {
                "config": str(settings.config),
                "rules_version": version,
                "unknown_variables": list(unknown_variables()),
                "warnings": warnings,
            }
        )
        return
    for warning in warnings:
        click.echo(f"Warning: {warning}", err=True)
    click.echo(
        f"{settings.config}: valid; rules {version}."
        if version
        else f"{settings.config}: valid; no rules."
    )
    click.echo("Next: `dsync check` asks DS and the database.")


def _warnings(app: App) -> list[str]:
    """Return problems that do not prevent a test against the sandbox."""
    warnings = [
        f"{name} is no setting of dsync; "
        + (f"did you mean {nearest}?" if nearest else "check its spelling")
        for name, nearest in unknown_variables().items()
    ]
    try:
        app.demarche  # noqa: B018 - a property that raises
    except ConfigurationError as exc:
        warnings.append(exc.message)
    return warnings

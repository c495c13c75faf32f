"""Options of all commands, and parameter types: numbers, durations, instants, days."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from dsync.addresses import has_password
from dsync.domain.ids import GREATEST_NUMBER, DossierNumber, number_of
from dsync.domain.remedies import ALL, parse_age, parse_duration

Command = TypeVar("Command", bound=Callable[..., Any])
Value = TypeVar("Value")

LONGEST_SHOWN = 60
"""Characters that an error shows of a value."""


class Parsed(click.ParamType[Value]):
    """A value of which `parse` reads the text; its errors are shown."""

    def __init__(self, name: str, parse: Callable[[str], Value]) -> None:
        self.name = name
        self._parse = parse

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Value:
        """Return the value, or fail with the accepted forms."""
        try:
            return self._parse(value) if isinstance(value, str) else value
        except ValueError as exc:
            given = value if len(value) <= LONGEST_SHOWN else f"{value[:LONGEST_SHOWN]}…"
            self.fail(f"{given!r}: {exc}.", param, ctx)


def _number(text: str) -> DossierNumber:
    number = number_of(text.strip())
    if number is None:
        raise ValueError(f"expected a number of DS (1 to {GREATEST_NUMBER})")
    return DossierNumber(number)


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
        # In UTC, the first hours of the year 1 can be before it.
        return instant.astimezone(UTC) if instant.tzinfo else instant.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise ValueError("expected an ISO instant such as 2027-06-30T08:00:00Z") from None


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError("expected a day such as 2027-06-30") from None


NUMBER = Parsed("number", _number)
"""A dossier's or a démarche's number."""
DURATION = Parsed("duration", parse_duration)
"""`90s`, `30m`, `2h`, `1d`."""
AGE = Parsed("age", parse_age)
"""An age in days or years, `90d` or `2y`."""
INSTANT = Parsed("instant", _instant)
"""An ISO 8601 instant or day; without an offset it is UTC."""
DAY = Parsed("date", _day)
"""An ISO 8601 day."""


@dataclass(slots=True)
class Flags:
    """The settings and the verbosity given on the command line."""

    settings: dict[str, Any] = field(default_factory=dict)
    verbose: bool = False
    demarche: int | None = None
    """That of several configured ones which the command is about now."""
    is_about_all: bool = False
    """Whether it is about several of them."""
    left_out: bool = False
    """Whether it was told that the démarches of wrong files are left out."""

    def remedy_options(self) -> dict[str, str]:
        """Return the options, with values, by which another command is about the same."""
        given = self.settings | ({"demarche": self.demarche} if self.demarche else {})
        every = {ALL: ""} if self.is_about_all and not self.demarche else {}
        return every | {
            f"--{name.replace('_', '-')}": str(value)
            for name, value in given.items()
            # What is printed goes into logs.
            if name != "log_format" and not has_password(str(value))
        }


def current_flags() -> Flags:
    """Return the flags of the running command."""
    return click.get_current_context().ensure_object(Flags)


def together(*options: Callable[[Any], Any]) -> Callable[[Command], Command]:
    """Return one decorator for several, which adds their options in this order."""

    def decorate(command: Command) -> Command:
        # Decorators are applied from the last one.
        for add in reversed(options):
            command = add(command)
        return command

    return decorate


def settings_options(*, hidden: bool = True) -> Callable[[Command], Command]:
    """Return a decorator that adds the options of settings.

    All commands accept them; only the help of the top group shows them.
    """

    def remember(ctx: click.Context, param: click.Parameter, value: Any) -> None:
        if value is not None:
            ctx.ensure_object(Flags).settings[str(param.name)] = value

    def remember_url(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
        if value is not None and has_password(value):
            click.echo(
                "Warning: every user of this machine can see the password of --database-url in the "
                "list of processes. Put the address into a file that you alone can read: "
                "export DSYNC_DATABASE_URL_FILE=FILE",
                err=True,
            )
        remember(ctx, param, value)

    def louder(ctx: click.Context, param: click.Parameter, value: bool) -> None:
        # `-v` can stand before the command's name or after it, so a missing one changes nothing.
        ctx.ensure_object(Flags).verbose |= value

    def option(*names: str, **attributes: Any) -> Callable[[Command], Command]:
        attributes.setdefault("callback", remember)
        return click.option(*names, expose_value=False, hidden=hidden, **attributes)

    return together(
        option(
            "--config",
            metavar="PATH",
            type=click.Path(path_type=Path),
            help="The TOML file, or a folder with one a démarche.",
        ),
        option(
            "--database-url",
            metavar="URL",
            callback=remember_url,
            help="sqlite:///FILE or postgresql://…",
        ),
        option("--ds-url", metavar="URL", help="The GraphQL endpoint of DS."),
        option("--demarche", metavar="N", type=NUMBER, help="The démarche."),
        option("--log-format", type=click.Choice(["console", "json"]), help="Format of the logs."),
        option(
            "-v",
            "--verbose",
            is_flag=True,
            callback=louder,
            help="Log to stderr; show the traceback of a failure.",
        ),
    )


json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON to stdout, and nothing else."
)


def limit_option(what: str, default: int, most: int) -> Callable[[Command], Command]:
    """Return the option `--limit N`; `what` names the things that are listed."""
    return click.option(
        "--limit",
        type=click.IntRange(1, most),
        default=default,
        show_default=True,
        help=f"Maximum number of {what}.",
    )


def port_option(default: int, text: str) -> Callable[[Command], Command]:
    """Return the option `--port N` with its help text."""
    port = click.IntRange(0, 65535)
    return click.option("--port", type=port, default=default, show_default=True, help=text)


def all_option(what: str) -> Callable[[Command], Command]:
    """Return the option `--all`; `what` is done for each configured démarche."""
    return click.option("--all", "everywhere", is_flag=True, help=what)


wait_option = click.option(
    "--wait",
    "wait_s",
    type=DURATION,
    callback=lambda _context, _param, value: value.total_seconds(),
    default="0s",
    show_default=True,
    metavar="DURATION",
    help="How long to wait while another process works on this démarche.",
)


def dossiers_option(
    text: str = "Only this dossier; may be repeated.",
) -> Callable[[Command], Command]:
    """Return the option `--dossier N`, which may be repeated, with its help text."""
    return click.option("--dossier", "dossiers", type=NUMBER, multiple=True, metavar="N", help=text)


def run_options(what: str) -> Callable[[Command], Command]:
    """Return the options of a command that has runs done; `what`: as of `all_option`."""
    return together(all_option(what), wait_option, json_option, settings_options())


def list_options(*, wide: bool = True) -> Callable[[Command], Command]:
    """Return the options of a command that lists what démarches have."""
    every = all_option("Of every configured démarche: the default.")
    whole = "Show all columns, even if the lines become too long."
    wides = [click.option("--wide", is_flag=True, help=whole)] if wide else []
    return together(every, *wides, json_option, settings_options())

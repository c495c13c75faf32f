"""Options of all commands, and parameter types: numbers, durations, instants, days."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import click

from dsync.domain.ids import GREATEST_NUMBER

Command = TypeVar("Command", bound=Callable[..., Any])


class Number(click.ParamType[int]):
    """A dossier's or a démarche's number."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number, or fail when it cannot be a number of DS."""
        try:
            number = int(value)
        except ValueError:
            self.fail(f"{value!r} is no number.", param, ctx)
        if not 1 <= number <= GREATEST_NUMBER:
            self.fail(f"{value} is no number of DS (1 to {GREATEST_NUMBER}).", param, ctx)
        return number


@dataclass(slots=True)
class Flags:
    """The settings and the verbosity given on the command line."""

    settings: dict[str, Any] = field(default_factory=dict)
    verbose: bool = False


def current_flags() -> Flags:
    """Return the flags of the running command."""
    return click.get_current_context().ensure_object(Flags)


def settings_options(*, hidden: bool = True) -> Callable[[Command], Command]:
    """Return a decorator that adds the options of settings.

    All commands accept them; only the help of the top group shows them.
    """

    def remember(ctx: click.Context, param: click.Parameter, value: Any) -> None:
        if value is not None:
            ctx.ensure_object(Flags).settings[str(param.name)] = value

    def louder(ctx: click.Context, param: click.Parameter, value: bool) -> None:
        ctx.ensure_object(Flags).verbose |= value

    def option(*names: str, **attributes: Any) -> Callable[[Command], Command]:
        attributes.setdefault("callback", remember)
        return click.option(*names, expose_value=False, hidden=hidden, **attributes)

    options = (
        option(
            "--config",
            metavar="PATH",
            type=click.Path(path_type=Path),
            help="The TOML file, or a folder with one a démarche.",
        ),
        option("--database-url", metavar="URL", help="sqlite:///FILE or postgresql://…"),
        option("--ds-url", metavar="URL", help="The GraphQL endpoint of DS."),
        option("--demarche", metavar="N", type=Number(), help="The démarche."),
        option("--log-format", type=click.Choice(["console", "json"]), help="Format of the logs."),
        option(
            "-v",
            "--verbose",
            is_flag=True,
            callback=louder,
            help="Log to stderr; show the traceback of a failure.",
        ),
    )

    def decorate(command: Command) -> Command:
        for add in reversed(options):
            command = add(command)
        return command

    return decorate


json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON to stdout, and nothing else."
)


def limit_option(what: str) -> Callable[[Command], Command]:
    """Return the option `--limit N`; `what` names the things that are listed."""
    return click.option(
        "--limit",
        type=click.IntRange(1, 1000),
        default=20,
        show_default=True,
        help=f"Maximum number of {what}.",
    )


wide_option = click.option(
    "--wide", is_flag=True, help="Show all columns, even if the lines become too long."
)


class Duration(click.ParamType[timedelta]):
    """A duration: `90s`, `30m`, `2h`, `1d`."""

    name = "duration"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        """Return the duration, or fail with the accepted forms."""
        from dsync.settings import parse_duration

        try:
            return parse_duration(value)
        except ValueError as exc:
            self.fail(f"{value!r}: {exc}.", param, ctx)


wait_option = click.option(
    "--wait",
    type=Duration(),
    default="0s",
    show_default=True,
    metavar="DURATION",
    help="How long to wait while another process works on this démarche.",
)


class Age(click.ParamType[timedelta]):
    """An age in days or years, `90d` or `2y`."""

    name = "age"
    _YEAR = timedelta(days=365.25)

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        """Return the age, or fail with the accepted forms."""
        if isinstance(value, timedelta):
            return value
        number, unit = str(value).strip()[:-1], str(value).strip()[-1:]
        if not (number.isdecimal() and unit in {"d", "y"} and 0 < int(number) <= 36_500):
            self.fail(f"{value!r}: expected a number and d or y, such as 2y.", param, ctx)
        return int(number) * (self._YEAR if unit == "y" else timedelta(days=1))


class Instant(click.ParamType[datetime]):
    """An ISO 8601 instant or day; without an offset it is UTC."""

    name = "instant"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """Return an aware instant, or fail with an example."""
        if isinstance(value, datetime):
            return value
        try:
            instant = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(
                f"{value!r}: expected an ISO instant such as 2024-06-01T08:00:00Z.", param, ctx
            )
        return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


class Day(click.ParamType[date]):
    """An ISO 8601 day."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """Return the day, or fail with an example."""
        if isinstance(value, date):
            return value
        try:
            return date.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r}: expected a day such as 2024-06-01.", param, ctx)


DOSSIER_NUMBER = Number()


def dossiers_option(
    text: str = "Only this dossier; may be repeated.",
) -> Callable[[Command], Command]:
    """Return the option `--dossier N`, which may be repeated, with its help text."""
    return click.option(
        "--dossier", "dossiers", type=DOSSIER_NUMBER, multiple=True, metavar="N", help=text
    )

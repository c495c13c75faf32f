"""Conversion of every exception to a message and an exit code.

A traceback is printed only with `-v`. With `--json` the message goes to stdout as JSON.
"""

from __future__ import annotations

import contextlib
import errno
import gc
import os
import sys
import traceback
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeGuard

import click

from dsync import errors
from dsync.cli.later import complete, without_rich
from dsync.cli.options import Flags
from dsync.domain.remedies import nearest, pasteable
from dsync.service.signals import interrupted_code, was_interrupted

_OWN_FAULT = errors.DsyncError.exit_code
USAGE = errors.ConfigurationError.exit_code
IN_PART = errors.PARTIAL
INTERRUPTED = errors.InterruptedRunError.exit_code
_WORST = (
    143,
    INTERRUPTED,
    _OWN_FAULT,
    USAGE,
    errors.StoreError.exit_code,
    errors.DSUnauthorizedError.exit_code,
    errors.DSError.exit_code,
    errors.SafetyBrakeError.exit_code,
    errors.LeaseHeldError.exit_code,
    IN_PART,
)
"""Exit codes, worst first: of what several démarches ended with, one is the command's."""
_UNWRITABLE = {errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EFBIG}


class Exit(Exception):  # noqa: N818
    """Ends the command with an exit code, without a message."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def worst(codes: Collection[int]) -> int:
    """Return the worst of some exit codes, 0 if there is no other one."""
    return next((code for code in _WORST if code in codes), max(codes, default=0))


class LazyCommand(click.Command):
    """A command whose module makes its delayed imports when it is called."""

    def invoke(self, ctx: click.Context) -> Any:
        """Call the command; a group's subcommand has imports of its own."""
        if self.callback is not None and ctx.invoked_subcommand is None:
            with without_rich():
                complete(vars(sys.modules[self.callback.__module__]))
            if not gc.isenabled():  # As `main` left it.
                gc.freeze()
                gc.enable()
        return super().invoke(ctx)


class Group(click.Group, LazyCommand):
    """A group whose help shows the whole first sentence of each command."""

    command_class = LazyCommand

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command and its arguments; the error of a misspelt one names the nearest."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as exc:
            near = nearest(args[0], self.list_commands(ctx))
            if near is None:
                raise
            raise click.UsageError(f"{exc.message} Did you mean {near}?", exc.ctx) from exc

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands; click's own method cuts the sentences."""
        rows = [
            (name, command.get_short_help_str(limit=10_000))
            for name, command in self.commands.items()
            if not command.hidden
        ]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


class SafeGroup(Group):
    """The top group: it converts the exceptions of all commands."""

    def main(  # type: ignore[override]
        self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any
    ) -> NoReturn:
        """Run a command, by default that of the process, and exit with its documented code."""
        arguments = list(sys.argv[1:] if args is None else args)
        _prepare_streams()
        # click's own mode would print the errors and exit by its own codes.
        extra.pop("standalone_mode", None)
        flags = extra.setdefault("obj", Flags())
        try:
            result = super().main(arguments, prog_name, standalone_mode=False, **extra)
        except Exit as exc:
            sys.exit(worst([exc.code, USAGE]) if flags.left_out else exc.code)
        except (KeyboardInterrupt, click.Abort):
            sys.exit(tell("Interrupted.", interrupted_code(), as_json="--json" in arguments))
        # A command is missing, so this is a usage error, and the help goes to stderr.
        except click.exceptions.NoArgsIsHelpError as exc:
            click.echo(exc.format_message(), err=True)
            sys.exit(USAGE)
        except Exception as exc:
            message, code = explain(exc)
            message = pasteable(message, flags.remedy_options())
            if was_interrupted():
                message, code = "Interrupted.", interrupted_code()
            is_lost = _is_unwritable(exc)
            if is_lost:
                _abandon_stdout()  # It holds what could not be written.
            if flags.verbose:
                traceback.print_exception(exc, file=sys.stderr)
            sys.exit(tell(message, code, as_json="--json" in arguments and not is_lost))
        if flags.left_out:
            sys.exit(USAGE)
        # click returns an exit code for --help and --version.
        sys.exit(result if isinstance(result, int) else 0)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; exit 0 if the reader of stdout has closed it (`| head`)."""
        try:
            result = super().invoke(ctx)
            # Here, because a closed pipe would else be noticed after the last `except`.
            sys.stdout.flush()
        except BrokenPipeError:
            _abandon_stdout()
            raise Exit(0) from None
        return result


def _prepare_streams() -> None:
    """Make both streams accept any text, and replace one that a shell closed (`>&-`)."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115
        with contextlib.suppress(AttributeError, ValueError):
            getattr(sys, name).reconfigure(errors="replace")


def _abandon_stdout() -> None:
    """Redirect stdout to /dev/null: Python flushes it again at the end, which would fail."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def explain(exc: Exception) -> tuple[str, int]:
    """Return the message for the operator and the exit code; never contents of a dossier."""
    if isinstance(exc, errors.DsyncError):
        # The message of a `headline` has them already.
        problems = [p for p in getattr(exc, "problems", ()) if p not in exc.message]
        return "\n  - ".join([exc.message, *problems]), exc.exit_code
    if isinstance(exc, click.UsageError):
        command = exc.ctx.command_path if exc.ctx else "dsync"
        return f"{exc.format_message()} See `{command} --help`.", USAGE
    if isinstance(exc, click.ClickException):
        return exc.format_message(), USAGE
    if _is_unwritable(exc):
        return (
            f"The output cannot be written ({exc.strerror}). The command's work was not undone; "
            "make room there, or redirect the output.",
            _OWN_FAULT,
        )
    return (
        f"Internal error of dsync ({type(exc).__name__}). "
        "Run the command again with -v and report the traceback.",
        _OWN_FAULT,
    )


def _is_unwritable(exc: Exception) -> TypeGuard[OSError]:
    """Return whether the output could not be written, such as on a full disk."""
    # An error with a name is about a file that the command opened, and not about stdout.
    return isinstance(exc, OSError) and exc.filename is None and exc.errno in _UNWRITABLE


def tell(message: str, code: int, *, as_json: bool) -> int:
    """Print a failure to stderr, or as JSON to stdout, and return the code."""
    try:
        if as_json:
            from dsync.cli.output import print_json

            print_json({"error": message, "exit_code": code})
            sys.stdout.flush()
            return code
    except OSError:
        _abandon_stdout()
    with contextlib.suppress(OSError):
        click.echo(f"Error: {message}" if code < INTERRUPTED else message, err=True)
    return code

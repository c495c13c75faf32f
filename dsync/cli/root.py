"""The command `dsync` with all its subcommands."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

import click

from dsync import __version__
from dsync.cli.failures import IN_PART, INTERRUPTED, USAGE, SafeGroup
from dsync.cli.options import settings_options
from dsync.errors import (
    DSError,
    DSUnauthorizedError,
    DsyncError,
    LeaseHeldError,
    SafetyBrakeError,
    StoreError,
)

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

COMMANDS = {
    "demo": "Show a complete run on this machine, without a token.",
    "check": (
        "Check token, démarche, mapping, annotations, labels, instructeur, database, evidence."
    ),
    "sync": (
        "Do one run now: read changed dossiers from DS, pre-check them, write the results back."
    ),
    "run": "Synchronise by schedule until SIGTERM or Ctrl-C; then exit 0 within 5 s.",
    "console": "Serve the web console on this machine until Ctrl-C; print a link that works once.",
    "accept": "List what a safety brake stopped, before and after, or consent to one KIND of it.",
    "status": "Show services, the last run, dossiers, pushes, conflicts, quarantine and warnings.",
    "history": (
        "List the runs, newest first, with their figures, who started them, and their problems."
    ),
    "dossier": "Show one dossier, list them, or erase one.",
    "person": "Find a person in what is stored, by e-mail address, name or SIRET.",
    "purge": (
        "Erase here the data of accepted, refused and closed dossiers, some time after "
        "the decision."
    ),
    "forget": "Remove all that is stored of démarche N, which no file configures any more.",
    "pieces": "Copy the dossiers' files, where [pieces] has a target.",
    "precheck": "Judge dossiers again, and show the old and the new verdict.",
    "evidence": "Show the evidence of verdicts, replace a list or undo that.",
    "rules": "Show a version of the rules, write the page that publishes them.",
    "push": "Send the open and the refused annotations now, without reading dossiers.",
    "conflicts": "List and resolve human edits that stopped a push; without a subcommand: list.",
    "quarantine": "List dossiers that could not be read or judged, and retry them.",
    "db": "Upgrade the schema, grant read access, document the views, verify, back up, copy.",
    "export": (
        "Write the views into the folder DIR as CSV, xlsx or Parquet, with a datapackage.json."
    ),
    "grist": "Make the tables of [grist] document equal to their views now.",
    "config": "Write the first configuration file, show or check the settings.",
    "completion": "Print what makes bash, zsh or fish complete the commands and options of dsync.",
    "sandbox": "Serve an invented démarche aap-eig7 and an invented beta.gouv.fr until Ctrl-C.",
}
"""The line of each command in `dsync --help`."""
MODULES = {
    "check": "config",
    "accept": "decisions",
    "history": "status",
    "purge": "person",
    "forget": "person",
    "pieces": "sync",
    "rules": "evidence",
    "push": "sync",
    "conflicts": "decisions",
    "quarantine": "decisions",
    "grist": "export",
    "completion": "root",
}
"""The module of each command that is in another one than that of its name."""

EPILOG = f"""
\b
Exit codes:
  0  done
  {DsyncError.exit_code}  internal error of dsync
  {USAGE}  usage, configuration, or an address that is not DS's API
  {DSUnauthorizedError.exit_code}  DS refuses the token
  {SafetyBrakeError.exit_code}  safety brake: something waits for consent (dsync accept)
  {StoreError.exit_code}  database
  {LeaseHeldError.exit_code}  another process holds the lease
  {IN_PART}  done in part: quarantine, open pushes, evidence not available;
     or `dsync db verify` found something
  {DSError.exit_code}  DS cannot be reached
  {INTERRUPTED}/143  sync interrupted by SIGINT / SIGTERM
"""


class LazyGroup(SafeGroup):
    """A group that imports a command's module only when the command is run."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands' names, in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of that name, None when there is none."""
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"dsync.cli.{MODULES.get(cmd_name, cmd_name)}")
        command: click.Command = getattr(module, cmd_name)
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return the completions of a command's name without importing the commands' modules."""
        from click.shell_completion import CompletionItem

        names = [
            CompletionItem(name, help=line)
            for name, line in COMMANDS.items()
            if name.startswith(incomplete)
        ]
        return [*names, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing their modules."""
        with formatter.section("Commands"):
            formatter.write_dl([*COMMANDS.items()])


@click.group(
    cls=LazyGroup,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@settings_options(hidden=False)
@click.version_option(__version__, prog_name="dsync")
def dsync() -> None:
    """Synchronise the EIG programme's database with its dossiers on Démarches Simplifiées.

    To begin, `dsync demo` shows a complete run on this machine, without a token.

    A setting comes from a flag, else from the environment (DSYNC_…), else from the TOML file, else
    it has its default. The flags below may also be given after the command's name.
    """


@dsync.command(
    epilog="""
\b
Write its output into:
  bash:  ~/.local/share/bash-completion/completions/dsync
  zsh:   _dsync in a folder of $fpath
  fish:  ~/.config/fish/completions/dsync.fish
"""
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@settings_options()
def completion(*, shell: str) -> None:
    """Print what makes bash, zsh or fish complete the commands and options of dsync."""
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    assert found is not None  # noqa: S101 - of a shell that click knows
    # The variable is the one that click reads for a program of this name.
    click.echo(found(dsync, {}, "dsync", "_DSYNC_COMPLETE").source())

"""`dsync completion`: makes a shell complete commands and options."""

from __future__ import annotations

import click
from click.shell_completion import BashComplete, FishComplete, ZshComplete

from dsync.cli.options import settings_options

_SHELLS = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}
EPILOG = """
\b
Write its output into:
  bash:  ~/.local/share/bash-completion/completions/dsync
  zsh:   _dsync in a folder of $fpath
  fish:  ~/.config/fish/completions/dsync.fish
"""


@click.command(epilog=EPILOG)
@click.argument("shell", type=click.Choice(list(_SHELLS)))
@settings_options()
def completion(*, shell: str) -> None:
    """Print what makes bash, zsh or fish complete the commands and options of dsync."""
    root = click.get_current_context().find_root().command
    # The variable is the one that click reads for a program of this name.
    click.echo(_SHELLS[shell](root, {}, "dsync", "_DSYNC_COMPLETE").source())

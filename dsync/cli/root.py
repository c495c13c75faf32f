"""The command `dsync` with all its subcommands."""

from __future__ import annotations

import click

from dsync import __version__
from dsync.cli.check import check
from dsync.cli.config import config
from dsync.cli.conflicts import conflicts
from dsync.cli.db import db
from dsync.cli.demo import demo
from dsync.cli.dossier import dossier
from dsync.cli.evidence import evidence
from dsync.cli.failures import SafeGroup
from dsync.cli.options import settings_options
from dsync.cli.precheck import precheck
from dsync.cli.push import push
from dsync.cli.quarantine import quarantine
from dsync.cli.run import run
from dsync.cli.sandbox import sandbox
from dsync.cli.status import runs, status
from dsync.cli.sync import sync

EPILOG = """
\b
Exit codes:
  0  done
  1  internal error of dsync
  2  usage, configuration, or an address that is not DS's API
  3  DS refuses the token
  4  safety brake: too many dossiers disappeared at once
  5  database
  6  another process holds the lease
  7  done in part: quarantine, open pushes, evidence not available
  8  DS cannot be reached
  130/143  sync interrupted by SIGINT / SIGTERM
"""


@click.group(
    cls=SafeGroup,
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


for command in (
    demo,
    check,
    sync,
    run,
    status,
    runs,
    dossier,
    precheck,
    evidence,
    push,
    conflicts,
    quarantine,
    db,
    config,
    sandbox,
):
    dsync.add_command(command)

"""The group `dsync` with all its commands."""

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
  1  a fault of dsync's own
  2  usage, configuration, or an address without the API of DS
  3  DS refuses the token
  4  safety brake: too many dossiers gone at once
  5  database
  6  another process holds the lease
  7  done in part: quarantine, open pushes, evidence out of reach
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
    """Keep the EIG programme's database and its dossiers on Démarches Simplifiées in step.

    New here? `dsync demo` shows the whole job on this machine, without a token.

    Settings come from flags, then the environment (DSYNC_…), then the TOML file, then defaults;
    the flags below may also be given after the command's name.
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

"""The documentation's way from a token to a running copy, as it is written."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from dsync.sandbox import Sandbox
from dsync.sandbox.content import EQUIPMENT_FORM

PAGE = Path(__file__).parents[2] / "docs/start/copy.md"


def test_a_token_and_a_number_are_enough_for_a_copy(tmp_path: Path) -> None:
    """The block runs in a shell without a failure, on a démarche that is not the programme's."""
    text = PAGE.read_text(encoding="utf-8")
    (block,) = re.findall(r"^<!-- ten minutes -->\n```sh\n(.+?)\n```$", text, re.M | re.S)
    number = EQUIPMENT_FORM.number
    with Sandbox.start(dossiers=0, seed=7) as sandbox:
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("DSYNC_")}
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block],
            cwd=tmp_path,
            env={
                **inherited,
                "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
                "DSYNC_DS_URL": sandbox.ds_url,
                "DSYNC_DS_TOKEN": sandbox.tokens.readonly,
                "DSYNC_DEMARCHE": str(number),
            },
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert (0, "") == (done.returncode, done.stderr)
    assert "last success" in done.stdout
    with closing(sqlite3.connect(tmp_path / "dsync.db")) as connection:
        copied = connection.execute(f"SELECT count(*) FROM formulaire_{number}").fetchone()
    assert (6,) == copied
    assert (tmp_path / "copie" / f"formulaire_{number}.csv").is_file()

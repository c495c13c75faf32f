"""A démarche's database goes back to the former version and comes here again, with nothing lost."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.acceptance.worker.installed import Installed, variables_for
from tests.engine.rig import small_sandbox
from tests.migrations.releases import answers, contents

DOSSIERS = 1000


@pytest.mark.long
def test_a_thousand_dossiers_go_back_and_come_here_again(database_url: str, tmp_path: Path) -> None:
    """Twice; each row and each view is the same, and the next read changes nothing."""
    with small_sandbox(DOSSIERS) as sandbox:
        dsync = Installed(tmp_path / "work", **variables_for(sandbox, database_url))
        for _ in range(2):  # The second one reads back what the first has written.
            read = dsync.json("sync", "--full")["read"]
        assert read > DOSSIERS * 0.9  # A few are hidden or deleted.
        before, shown = contents(database_url), answers(database_url)
        for _ in range(2):
            began = time.monotonic()
            for arguments in (("downgrade", "0.1.0", "--yes"), ("upgrade",)):
                ended = dsync.start("db", *arguments).wait()
                assert 0 == ended.code, ended.text
            print(f"{time.monotonic() - began:.1f} s back and here")
            assert before == contents(database_url)
            assert shown == answers(database_url)
        assert dsync.json("db", "verify")["ok"]
        report = dsync.json("sync", "--full")
        assert [read, 0, 0, 0] == [
            report[key] for key in ("read", "changed", "evaluated", "pushed")
        ]
        dsync.close()

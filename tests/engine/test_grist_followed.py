"""A Grist document after each run: it is asked for nothing while nothing has moved."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from dsync.errors import GristError
from tests.engine.rig import Engine, number
from tests.exports.grist_server import grist_server
from tests.store.databases import on_postgresql


@on_postgresql
def test_a_document_is_asked_only_once_something_has_moved(engine: Engine) -> None:
    """Or a day has passed, because people write there, too; what failed is tried again."""
    with grist_server() as grist:
        views = ["lecture_dossier", "lecture_precontrole"]
        section = {"document": grist.address, "views": views}
        worker = engine.restart(configuration={"grist": section}, grist_key=SecretStr("key"))
        engine.sync_until_quiet()
        worker.app.follow_grist()
        assert str(number(1)) in grist.rows("lecture_dossier")
        grist.reads = 0
        engine.advance(minutes=11)
        engine.sync()
        worker.app.follow_grist()
        assert 0 == grist.reads
        engine.control.hide(number(1), "usager")
        grist.dies_after = len(grist.writes)
        engine.sync()
        with pytest.raises(GristError):
            worker.app.follow_grist()
        grist.dies_after = None
        worker.app.follow_grist()
        assert "masque" == grist.rows("lecture_dossier")[str(number(1))]["presence"]
        grist.reads, sent = 0, len(grist.writes)
        worker.app.follow_grist()
        assert 0 == grist.reads
        engine.advance(days=1)
        worker.app.follow_grist()
        assert (True, sent) == (grist.reads > 0, len(grist.writes))

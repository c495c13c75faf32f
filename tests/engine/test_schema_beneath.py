"""A schema that is changed beneath a service: no run goes on with another one's."""

from __future__ import annotations

from tests.engine.rig import PROBLEME, Engine, number
from tests.store.databases import on_each


@on_each
def test_no_run_works_on_another_versions_schema(engine: Engine) -> None:
    """Exit 5 before DS is asked, with what to do; the same process goes on when it is back."""
    engine.sync_until_quiet()
    assert 0 == engine.sync().exit_code, "the process begins before the schema is another one"
    engine.execute("UPDATE alembic_version SET version_num = '1001'")
    before = engine.rows("SELECT count(*) AS n FROM sync_run")
    engine.control.edit_champ(number(0), PROBLEME, "Un autre")
    engine.advance(minutes=11)

    failed = engine.sync()

    assert (5, 0, None) == (failed.exit_code, failed.requests, failed.run)
    assert "Install the newer dsync" in " ".join(failed.errors)
    assert before == engine.rows("SELECT count(*) AS n FROM sync_run")
    engine.execute("UPDATE alembic_version SET version_num = '1000'")
    done = engine.sync()
    assert (0, 1) == (done.exit_code, done.changed)

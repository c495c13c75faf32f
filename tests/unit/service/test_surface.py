"""Readiness of replicas, and the address to listen on."""

from __future__ import annotations

import socket
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from dsync.addresses import Listen
from dsync.errors import ConfigurationError
from dsync.service.http import bind
from dsync.service.readiness import readiness
from dsync.settings import load_settings
from dsync.wiring import App


def test_a_replica_is_ready_while_another_one_works(tmp_path: Path) -> None:
    """It stands by; when the other one's lease has expired, a missing success is its own."""
    settings = load_settings(
        ds_url="http://127.0.0.1:1",
        database_url=f"sqlite:///{tmp_path / 'dsync.db'}",
        ds_token=SecretStr("none"),
    )
    with App(settings) as app:
        lease = app.store.acquire_lease(app.demarche, 60, holder="other:1")
        standing_by = readiness([app])
        app.store.release_lease(lease)
        alone = readiness([app])
        lease = app.store.acquire_lease(app.demarche, 60)
        with app.store.transaction(lease) as tx:
            tx.save_state(last_success_at=app.clock() - timedelta(minutes=14))
        working = readiness([app])
        with app.store.transaction(lease) as tx:
            tx.save_state(last_success_at=app.clock() - timedelta(minutes=16))
        late = readiness([app])

    answers = [standing_by, alone, working, late]
    assert ["standby", "idle", "working", "working"] == [
        answer["demarches"][0]["role"] for answer in answers
    ]
    assert [True, False, True, False] == [answer["ready"] for answer in answers]
    assert "The last success was 16 min ago" in late["problems"][0]["problem"]


def test_the_default_address_may_be_in_use() -> None:
    """That is logged, and the service works without HTTP; a configured address is an error."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = Listen("127.0.0.1", taken.getsockname()[1])
        with capture_logs() as logs:
            assert bind(address, is_default=True) is None
        with pytest.raises(ConfigurationError, match=r"DSYNC_HTTP_LISTEN"):
            bind(address, is_default=False)
    assert ["http_off"] == [entry["event"] for entry in logs]
    with pytest.raises(ConfigurationError, match=r"Nothing can listen on no\.such\.host:80"):
        bind(Listen("no.such.host", 80), is_default=False)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "::"])
def test_it_listens_on_both_families(host: str) -> None:
    """An IPv6 address too."""
    try:
        listening = bind(Listen(host, 0), is_default=False)
    except ConfigurationError as exc:
        pytest.skip(f"this machine has no IPv6: {exc}")
    assert listening is not None
    with listening:
        assert listening.getsockname()[1] > 0

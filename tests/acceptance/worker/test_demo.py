"""Ctrl-C in the demo leaves nothing running, and the next demo starts over."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.acceptance.worker.installed import Installed, until

IN_TIME_S = 5.0


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[Installed]:
    """The command without a single setting."""
    installed = Installed(tmp_path / "work")
    yield installed
    installed.close()


def test_ctrl_c_ends_the_demo_with_its_sandbox(bare: Installed) -> None:
    """130 within 5 s, nothing listens any more, and the same folder serves again."""
    process = bare.start("demo", "--dossiers", "3000")
    listening = until(lambda: re.search(r"listens on (http://\S+)", process.printed()))

    process.signal(signal.SIGINT)
    done, took_s = process.ended_within(IN_TIME_S)

    assert (130, True) == (done.code, took_s < IN_TIME_S), done.text
    assert "Traceback" not in done.text
    with pytest.raises(requests.ConnectionError):
        requests.post(listening[1], json={}, timeout=5)
    again = bare.run("demo", "--dossiers", "20")
    assert 0 == again.code, again.text
    assert "is replaced" in again.out

"""The demo: what it shows in the console, what Ctrl-C leaves (nothing), and that it starts over."""

from __future__ import annotations

import re
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
import requests

from dsync.cli.console import DEFAULT_PORT
from tests.acceptance.worker.installed import IN_TIME_S, Installed, slowdown, until
from tests.console.served import Visitor


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[Installed]:
    """The command without a single setting."""
    installed = Installed(tmp_path / "work")
    yield installed
    installed.close()


def test_ctrl_c_ends_the_demo_with_its_sandbox(bare: Installed) -> None:
    """130 within 5 s, nothing listens any more, and the same folder serves again."""
    process = bare.start("demo", "--dossiers", "200")
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


def test_the_demos_console_shows_what_arrives(bare: Installed) -> None:
    """By a link alone on its line; the sandbox goes on, a service reads it, Ctrl-C ends all.

    Nobody who tries dsync has to know what else listens on this machine.
    """
    with ExitStack() as stack:
        with suppress(OSError):  # Whatever else has it serves as well.
            stack.enter_context(socket.create_server(("127.0.0.1", DEFAULT_PORT)))
        process = bare.start("demo", "--console", "--dossiers", "20")
        link = until(
            lambda: re.search(r"^(http://\S+:(\d+))(/entrer\?cle=\S+)$", process.out, re.M)
        )
    assert f"Port {DEFAULT_PORT} is taken: the console gets port {link[2]}." in process.out
    visitor = Visitor(link[1], link[3])
    assert "À faire" in visitor.get("/").text
    assert "à venir, " in visitor.get("/jury").text
    deposited = until(lambda: re.search(r"Dossier (\d+) was deposited", process.printed()))

    page = f"/dossiers/{deposited[1]}"
    page_s = 5 * slowdown()
    until(lambda: visitor.get(page).status_code == 200, within_s=page_s)
    assert "Aucun service" not in visitor.get("/").text
    again = bare.run("demo", "--dossiers", "20")
    assert (2, True) == (again.code, "is used by a demo" in again.err), again.text

    process.signal(signal.SIGINT)
    done, took_s = process.ended_within(IN_TIME_S)
    assert (0, True) == (done.code, took_s < IN_TIME_S), done.text
    assert "Traceback" not in done.text
    with pytest.raises(requests.ConnectionError):
        visitor.get("/")


def test_a_port_in_use_ends_the_demo_at_its_start(bare: Installed) -> None:
    """With one sentence that names the option; no folder is made."""
    with socket.create_server(("127.0.0.1", 0)) as used:
        done = bare.run("demo", "--console", "--port", str(used.getsockname()[1]))
    assert (2, "") == (done.code, done.out)
    assert 1 == len(done.err.splitlines())
    assert "--port" in done.err
    assert not (bare.folder / "dsync-demo").exists()


def test_a_sandbox_can_live_by_itself(bare: Installed) -> None:
    """`--live` tells each event on stderr, and leaves the variables on stdout alone."""
    process = bare.start("sandbox", "--live", "--port", "0", "--dossiers", "3")
    until(lambda: "Dossier 18600004 was deposited." in process.printed())
    process.signal(signal.SIGINT)
    done, _ = process.ended_within(IN_TIME_S)
    assert (0, False) == (done.code, "deposited" in done.out), done.text
    assert "Traceback" not in done.text

"""The sandbox as one object: its HTTP server in a thread, its addresses, tokens and control."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterable
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from dsync.sandbox import content
from dsync.sandbox.content import life
from dsync.sandbox.http.control import Control
from dsync.sandbox.http.endpoint import PATH, Endpoint, OpenData
from dsync.sandbox.http.server import BETAGOUV, CONTROL, Server
from dsync.sandbox.world.model import FormSeed, ServedDossier, World


class Sandbox:
    """A running sandbox; as a context manager, it stops at the end.

    The main démarche is the first of `forms`. The same seed gives the same tokens and the same
    catalogue. The port is of 127.0.0.1; 0: any free one. `rate_limit` is for each minute and token;
    None: no limit. DS allows 400.
    """

    def __init__(
        self,
        forms: Iterable[tuple[FormSeed, Iterable[ServedDossier]]],
        *,
        seed: int,
        clock: Callable[[], datetime] | None = None,
        port: int = 0,
        rate_limit: int | None = None,
    ) -> None:
        self.world = World(clock)
        for form, dossiers in forms:
            self.world.add_demarche(form, dossiers)
        endpoint = Endpoint(self.world, seed, rate_limit)
        secrets = {name: token.secret for name, token in endpoint.tokens.items()}
        self.tokens = SimpleNamespace(**secrets)
        """The tokens' secrets; `other_demarche` may read every démarche but the main one."""
        catalogue = OpenData(seed)
        self.control = Control(self.world, endpoint, catalogue)
        self._server = Server(port, endpoint, self.control, catalogue)
        self._happenings = life.happenings(self.control, seed)
        self.base_url = self._server.base_url
        self.ds_url = self.base_url + PATH
        self.betagouv_url = self.base_url + BETAGOUV
        self.control_url = self.base_url + CONTROL
        # `stop` waits for the poll interval: each test of the worker has a sandbox of its own.
        poll = {"poll_interval": 0.01}
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs=poll, daemon=True)
        self._thread.start()

    @classmethod
    def start(
        cls,
        dossiers: int = 120,
        seed: int = 7,
        port: int = 0,
        clock: Callable[[], datetime] | None = None,
        rate_limit: int | None = None,
        hostile: bool = True,
    ) -> Sandbox:
        """Start a sandbox with aap-eig7, and démarches of every type, equipment and two aids.

        aap-eig7 has that number of dossiers; if `hostile`, a few have texts that try a program, and
        not a reader. The same seed gives the same dossiers, too.
        """
        now = World(clock).now()
        forms = [
            (content.FORM, content.dossiers(seed, dossiers, now=now, hostile=hostile)),
            (content.EVERY_TYPE_FORM, content.every_type_dossiers(seed, now=now)),
            (content.EQUIPMENT_FORM, content.equipment_dossiers(seed, 6, now=now)),
            (content.SUBSIDY_FORM, content.subsidy_dossiers(seed, 40, now=now)),
            (content.MOBILITY_FORM, content.mobility_dossiers(seed, 40, now=now)),
        ]
        return cls(forms, seed=seed, clock=clock, port=port, rate_limit=rate_limit)

    def live(self, told: Callable[[life.Event], None]) -> None:
        """Let something happen to the dossiers of aap-eig7 every few seconds, until the stop.

        `told` is called with each event, in a thread of its own.
        """

        def go_on() -> None:
            while not self._server.stopping.is_set():
                told(next(self._happenings))
                self._server.stopping.wait(life.EVERY_S)

        threading.Thread(target=go_on, name="life", daemon=True).start()

    def stop(self) -> None:
        """Stop the server and close all its connections."""
        self._server.stop()
        self._thread.join(timeout=1)

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def serve(ready: Callable[[Sandbox], None], **options: Any) -> None:
    """Serve until SIGINT, SIGTERM or SIGHUP; `options` are those of `Sandbox.start`.

    `ready` is called once with the running sandbox.
    """
    # Blocked before the first thread starts, so that no thread but this one gets these signals.
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        with Sandbox.start(**options) as sandbox:
            ready(sandbox)
            signal.sigwait(signals)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)

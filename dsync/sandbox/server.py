"""The sandbox as one object: started in a thread, used over HTTP, driven by its control."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from datetime import datetime
from types import TracebackType

from dsync.sandbox import api, content
from dsync.sandbox.api import Api
from dsync.sandbox.catalogue import Catalogue
from dsync.sandbox.clock import Clock
from dsync.sandbox.control import Control
from dsync.sandbox.form import FORM, FormSeed
from dsync.sandbox.http import BETAGOUV, CONTROL, Server
from dsync.sandbox.limits import RateLimit
from dsync.sandbox.remote import Remote
from dsync.sandbox.seed import DossierSeed
from dsync.sandbox.tokens import Doorkeeper, Tokens
from dsync.sandbox.world import World
from dsync.sandbox.zoo import EVERY_TYPE_FORM, zoo_dossiers

DEFAULT_DOSSIERS = 120
DEFAULT_SEED = 7


class Sandbox:
    """A running sandbox; a context manager that stops it."""

    def __init__(
        self,
        forms: Iterable[tuple[FormSeed, Iterable[DossierSeed]]],
        *,
        seed: int,
        clock: Clock,
        host: str = "127.0.0.1",
        port: int = 0,
        rate_limit: int | None = None,
    ) -> None:
        self.world = World(clock)
        for form, dossiers in forms:
            self.world.add_demarche(form, dossiers)
        doorkeeper = Doorkeeper(seed, list(self.world.demarches))
        self.api = Api(self.world, doorkeeper, RateLimit(rate_limit))
        self.betagouv = Catalogue(seed, clock.now())
        self.control = Control(self.world, self.api, self.betagouv)
        self.remote = Remote(self.control)
        self.tokens: Tokens = doorkeeper.tokens
        self._server = Server(host, port, self)
        address, chosen = self._server.server_address[:2]
        self.base_url = f"http://{address!s}:{chosen}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )
        self._thread.start()

    @classmethod
    def start(
        cls,
        dossiers: int = DEFAULT_DOSSIERS,
        seed: int = DEFAULT_SEED,
        port: int = 0,
        clock: Clock | Callable[[], datetime] | None = None,
        rate_limit: int | None = None,
        *,
        host: str = "127.0.0.1",
    ) -> Sandbox:
        """Start a sandbox with invented dossiers of aap-eig7, and the « zoo » beside it.

        Args:
            dossiers: how many dossiers of aap-eig7.
            seed: the same seed gives the same dossiers, tokens and catalogue.
            port: 0 for any free one.
            clock: the sandbox's time; the system's by default.
            rate_limit: requests a minute and token; None: no limit. The platform's is 400.
            host: the address to listen on.
        """
        time = clock if isinstance(clock, Clock) else Clock(clock)
        forms = [
            (FORM, content.dossiers(seed, dossiers, now=time.now())),
            (EVERY_TYPE_FORM, zoo_dossiers(seed, now=time.now())),
        ]
        return cls(forms, seed=seed, clock=time, host=host, port=port, rate_limit=rate_limit)

    @property
    def ds_url(self) -> str:
        """The GraphQL endpoint."""
        return self.base_url + api.PATH

    @property
    def betagouv_url(self) -> str:
        """The base address of beta.gouv.fr's copy."""
        return self.base_url + BETAGOUV

    @property
    def control_url(self) -> str:
        """The base address of the control over HTTP."""
        return self.base_url + CONTROL

    def stop(self) -> None:
        """Stop serving; idle and busy connections are closed."""
        self._server.stop()
        self._thread.join(timeout=1)

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

"""A service of one démarche whose turns a test takes, one after the other."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from dsync.domain.ids import DossierNumber
from dsync.service.scheduler import DemarcheJob
from dsync.store import RunningService
from dsync.store.store import process_name
from dsync.wiring import Worker

AT_ONCE = timedelta()


def register(*apps: Worker, next_in: timedelta = AT_ONCE) -> None:
    """Store that a service of some démarches lives, since it was first stored."""
    store, now = apps[0].store, apps[0].clock()
    begun = [one.started_at for one in store.services.of(apps[0].demarche)]
    service = RunningService(process_name(), "1", min([now, *begun]), now, now + next_in)
    store.services.register(service, [app.demarche for app in apps])


def unregister(app: Worker) -> None:
    """Store that it has ended."""
    app.store.services.unregister(process_name())


class Served:
    """The turns of a démarche, as a service with one worker takes them."""

    def __init__(self, app: Worker) -> None:
        self.app = app
        self._job = DemarcheJob(app)
        app.store.turns.enter([app.demarche], app.clock())

    def tick(self) -> bool:
        """Take the turn if it is due; return whether it was."""
        claim = partial(self.app.store.turns.claim, [self.app.demarche], self.app.clock())
        turn = claim() or claim(doubted=True)
        if turn is not None:
            self._job.take(turn)
        return turn is not None

    def ask(self, *numbers: DossierNumber) -> None:
        """Announce dossiers, as webhooks do."""
        self.app.store.turns.announce({self.app.demarche: numbers}, self.app.clock())

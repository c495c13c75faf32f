"""Has what people ask for executed: by the running service, else in a thread of this process.

What only reads, and takes long, is done in another thread.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from typing import Any

import structlog
from starlette.exceptions import HTTPException

from dsync.errors import DsyncError, InterruptedRunError, StoreError
from dsync.messages.kinds import Note, Noted
from dsync.sync.handing_over import living_service
from dsync.sync.report import RunReport
from dsync.sync.work import AnswerCheck, Erase, Request, Work, error_of, to_row
from dsync.wiring import Worker

log = structlog.get_logger(__name__)

LEASE_WAIT_S = 120
"""How long a request waits for another process that works on the démarche."""
KEPT_ANSWERS = 100
KEPT_SEARCH = timedelta(minutes=30)
"""How long the result of a search is kept: it has data of persons."""
MOST_FILES = 8
"""Files of all people that are made or wait to be made."""
MOST_KEPT = 3
"""Files of one person that are made and not taken yet; tabs wait for them."""
RETRY_S = 20
STOPPED = Noted(Note.STOPPED_CONSOLE)


@dataclass(eq=False)
class Search:
    """A search, or the making of a file: under way, or its result."""

    id: int
    demarche: int
    text: str
    """What is looked for; of a file, the address that it was asked for by."""
    begun_at: datetime
    asked_by: str
    is_file: bool = False
    is_shared: bool = False
    """Whether a file was asked for again while it was made: its page has it."""
    done: int = 0
    """How much was looked through."""
    total: int | None = None
    result: Future[Any] = field(default_factory=Future)

    @property
    def outcome(self) -> tuple[Any, DsyncError | None]:
        """What was found, or why nothing was; nothing of both as long as it goes on."""
        if not self.result.done():
            return None, None
        crash = self.result.exception()
        return (None, error_of(crash)) if crash else (self.result.result(), None)


class Desk:
    """Takes requests. One thread executes them one by one; `stop` ends a run under way."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="dsync-console")
        # A file is made beside a search.
        self._readers = ThreadPoolExecutor(2, thread_name_prefix="dsync-console-search")
        self._searches: dict[int, Search] = {}
        self._answers: dict[int, tuple[str, AnswerCheck]] = {}
        # Pages are made in several threads: two must not take the same number, or the last place.
        self._search_ids = count(1)
        self._lock = threading.Lock()

    def ask(self, worker: Worker, work: Work, asked_by: str) -> int:
        """Store a request, and see that it is executed; return its id.

        Raises:
            StoreError: the database failed; nothing was asked for.
        """
        now = worker.clock()
        with worker.store.requests(worker.demarche) as requests:
            id_ = requests.ask(*to_row(work), asked_by, now)
        if isinstance(work, Erase):
            # What was found shows what is erased.
            self.forget()
        if isinstance(work, AnswerCheck):
            self._answers[id_] = asked_by, work
            while len(self._answers) > KEPT_ANSWERS:
                self._answers.pop(min(self._answers), None)
        if living_service(worker.store, worker.demarche, now) is None:
            request = Request(work, asked_by, id_, LEASE_WAIT_S)
            done = self._threads.submit(self._execute, worker, request)
            done.add_done_callback(partial(_end_unexecuted, worker, request))
        return id_

    def answer(self, id_: int, asked_by: str) -> AnswerCheck | None:
        """Return the answer to a check that somebody asked a request to store.

        The journal has no text of it: where it could not be stored, it comes back from here.
        """
        by, work = self._answers.get(id_, (None, None))
        return work if by == asked_by else None

    def resume(self, workers: Iterable[Worker]) -> None:
        """Execute what was asked for and not done by a console, or a service, that was killed."""
        for worker in workers:
            if living_service(worker.store, worker.demarche, worker.clock()) is None:
                self._threads.submit(worker.finish_requests, LEASE_WAIT_S).add_done_callback(
                    _log_crash
                )

    def search(
        self,
        worker: Worker,
        text: str,
        find: Callable[[Callable[[int, int], None]], Any],
        asked_by: str,
        *,
        is_file: bool = False,
    ) -> Search:
        """Look for a text in a thread beside what is executed; the result is kept for a while.

        `find` does it; it is given a function to call with how much is done, and how much there is.
        A file is made in the same way: one at a time for each person, the same one if it is asked
        for again.

        Raises:
            HTTPException: another file is made for them, or too many are for others (429).
        """
        id_, now = next(self._search_ids), worker.clock()
        made = Search(id_, worker.demarche, text, now, asked_by, is_file)

        def progress(done: int, total: int) -> None:
            made.done, made.total = done, total
            if self._stop.is_set():
                raise InterruptedRunError(STOPPED)

        self.forget(made.begun_at)
        with self._lock:
            if is_file and (same := self._same_file(made)) is not None:
                same.is_shared = True
                return same
            made.result = self._readers.submit(find, progress)
            self._searches[made.id] = made
        made.result.add_done_callback(_log_crash)
        return made

    def _same_file(self, wanted: Search) -> Search | None:
        """Return the file that is made already, or make room for it; 429: there is none."""
        files = [one for one in self._searches.values() if one.is_file]
        under_way = [one for one in files if not one.result.done()]
        for one in under_way:
            if one.asked_by == wanted.asked_by:
                if (one.demarche, one.text) == (wanted.demarche, wanted.text):
                    return one
                raise _busy("Un autre fichier est en préparation pour vous")
        if len(under_way) >= MOST_FILES:
            raise _busy("Trop de fichiers sont en préparation")
        own = [one for one in files if one.asked_by == wanted.asked_by]
        for one in own[: max(0, len(own) + 1 - MOST_KEPT)]:
            self._drop(one)
        return None

    @property
    def is_making_files(self) -> bool:
        """Whether more than one file is under way."""
        return sum(one.is_file and not one.result.done() for one in [*self._searches.values()]) > 1

    def found(
        self, id_: int, worker: Worker, asked_by: str, *, is_file: bool = False
    ) -> Search | None:
        """Return somebody's search in a démarche, None if it is another's, or no longer kept."""
        self.forget(worker.clock())
        made, theirs = self._searches.get(id_), (worker.demarche, asked_by, is_file)
        return made if made and theirs == (made.demarche, made.asked_by, made.is_file) else None

    def take(self, one: Search) -> bool:
        """Keep a result no longer; return whether nobody has taken it before."""
        return self._searches.pop(one.id, None) is not None

    def forget(self, now: datetime | None = None) -> None:
        """Keep results no longer than it is said, or none; files that nobody took are closed."""
        for one in [*self._searches.values()]:
            is_over = now is None or now - one.begun_at > KEPT_SEARCH
            if is_over:
                self._drop(one)

    def _drop(self, one: Search) -> None:
        if self.take(one) and one.is_file:
            one.result.add_done_callback(_close)

    def close(self) -> None:
        """Begin nothing more, and wait for the end of what is under way, which `stop` ends.

        What was asked for here and is not done is journaled as interrupted.
        """
        self._threads.shutdown(cancel_futures=True)
        self._readers.shutdown(cancel_futures=True)
        self.forget()

    def _execute(self, worker: Worker, request: Request) -> None:
        """Execute a request, in place of a service."""
        with worker.store.reading(worker.demarche) as reader:
            row = reader.requests.by_id(request.id or 0)
        # It was taken back, or a service that has started since has executed it.
        if row is None or row.fini_le is not None:
            return
        if self._stop.is_set():
            _end_stopped(worker, request)
        else:
            # A service would take up what a stop interrupted: here nobody may ever start one.
            worker.execute(request, is_last=True)


def _busy(why: str) -> HTTPException:
    text = f"{why} : attendez un peu, puis demandez celui-ci de nouveau."
    return HTTPException(429, text, headers={"Retry-After": str(RETRY_S)})


def _close(made: Future[Any]) -> None:
    if not made.cancelled() and made.exception() is None:
        made.result().close()


def _end_stopped(worker: Worker, request: Request) -> None:
    error = InterruptedRunError(STOPPED)
    worker.end(request, RunReport.failed(request.work.kind, worker.clock(), error))


def _log_crash(done: Future[Any]) -> None:
    crash = None if done.cancelled() else done.exception()
    # What a page answers by is none.
    if crash is not None and not isinstance(crash, (DsyncError, HTTPException)):
        log.error("request_crashed", error=error_of(crash).message, exc_info=crash)


def _end_unexecuted(worker: Worker, request: Request, done: Future[None]) -> None:
    """End a request that was not begun, or whose end could not be stored: its page would wait."""
    _log_crash(done)
    # Without the database nobody can be told; its pages say that it is away.
    with suppress(StoreError):
        if done.cancelled():
            _end_stopped(worker, request)
        elif crash := done.exception():
            worker.give_up(request, error_of(crash))

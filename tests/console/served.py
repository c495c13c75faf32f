"""The console over real HTTP, on an engine's database, and a visitor with a session."""

from __future__ import annotations

import csv
import html
import io
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import requests
from openpyxl import Workbook, load_workbook
from sqlalchemy import event

from dsync.addresses import Listen
from dsync.configuration import ConsoleSection, read_configuration
from dsync.console.access import Access, LocalAccess, Role
from dsync.console.app import Console
from dsync.service.surface import bind, server_thread
from dsync.wiring import Worker
from tests.engine.rig import Engine, engine_for

USER = "ada@poste"
DEADLINE_S = 20


class Visitor:
    """A browser without JavaScript, as far as HTTP can tell."""

    def __init__(self, base: str, link: str, own: requests.Session | None = None) -> None:
        self.base = base
        self.session = own or stranger()
        self.text = self.session.get(base + link).text

    def get(self, path: str, **options: Any) -> requests.Response:
        """Read a page."""
        return self.session.get(self.base + path, **options)

    def read(self, path: str, **options: Any) -> str:
        """Read a page's words."""
        return words(self.get(path, **options).text)

    def send(self, path: str, **fields: Any) -> str:
        """Send a form, and read the words of the page that answers."""
        return words(self.post(path, **fields).text)

    def lines(self, path: str) -> list[list[str]]:
        """Read the lines of a CSV file, the names of its columns first."""
        text = self.get(path).content.decode("utf-8-sig")
        return list(csv.reader(io.StringIO(text), delimiter=";"))

    def column(self, path: str, name: str) -> list[str]:
        """Read a column of a CSV file."""
        header, *rows = self.lines(path)
        return [row[header.index(name)] for row in rows]

    def book(self, path: str) -> Workbook:
        """Read a workbook."""
        return load_workbook(io.BytesIO(self.get(path).content))

    @cached_property
    def token(self) -> str:
        """The token of the session's forms, which the page that it began with has."""
        found = re.search(r'name="jeton" value="([^"]+)"', self.text)
        assert found
        return found[1]

    def post(self, path: str, **fields: Any) -> requests.Response:
        """Send a form of the session's own pages, and follow where it leads."""
        shown = re.search(r"demarche=(\d+)", path) or re.search(r"n°&nbsp;(\d+)", self.text)
        own = {"jeton": self.token} | ({"demarche": shown[1]} if shown else {})
        return self.session.post(self.base + path, data=own | fields, headers={"Origin": self.base})

    def ask(self, path: str, **fields: Any) -> str:
        """Send a form that asks for something; return the page with its result."""
        return words(self.followed(self.post(path, **fields)))

    def followed(self, answer: requests.Response) -> str:
        """Wait for the result of a request that was just asked for; return its page."""
        assert 200 == answer.status_code, answer.text
        until = time.monotonic() + DEADLINE_S
        while "hx-get" in answer.text:
            assert time.monotonic() < until, words(answer.text)
            time.sleep(0.05)
            answer = self.session.get(answer.url)
        return answer.text


class ServedConsole:
    """A console under a port of its own."""

    def __init__(
        self, base: str, links: list[str], statements: list[str], console: Console
    ) -> None:
        self.base = base
        self.console = console
        self.links = links
        self.statements = statements
        """The SQL that was executed."""

    @cached_property
    def reader(self) -> Visitor:
        """Somebody with a session in which nothing but reading happens."""
        return self.visitor()

    def visitor(self) -> Visitor:
        """Enter by the last link."""
        return Visitor(self.base, self.links[-1])


def words(page: str) -> str:
    """Return the text of a page as it is read, in one line, with plain spaces."""
    body = page.partition("<main")[2] or page
    text = html.unescape(re.sub(r"<[^>]*>", " ", body))
    return re.sub(r"\s+", " ", text)


def configured(engine: Engine, folder: Path, text: str) -> Worker:
    """Return a worker of the engine's démarche and database with another configuration file."""
    file = folder / "other.toml"
    file.write_text(text, encoding="utf-8")
    settings = replace(
        engine.worker.app.settings, config=file, configuration=read_configuration(file)
    )
    return Worker(settings, clock=engine.worker.now, store=engine.worker.store)


def beside(app: Worker, number: int | None = None, /, **sections: Any) -> Worker:
    """Return a worker of the same database, of another démarche or with other sections."""
    configuration = app.configuration.model_copy(update=sections)
    settings = replace(app.settings, configuration=configuration)
    if number is not None:
        settings = replace(settings, demarche=number)
    return Worker(settings, clock=app.clock, store=app.store)


class Browser(requests.Session):
    """A browser's session, which goes by no proxy, and waits for half a minute at most."""

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False

    def request(self, *arguments: Any, **options: Any) -> requests.Response:
        return super().request(*arguments, **{"timeout": 30, **options})


def stranger() -> requests.Session:
    """Return the browser of somebody without a session."""
    return Browser()


@contextmanager
def served(
    engine: Engine,
    apps: Sequence[Worker] = (),
    role: Role = Role.ADMINISTRATEUR,
    access: Callable[[str, threading.Event], Access] | None = None,
    section: ConsoleSection | None = None,
) -> Iterator[ServedConsole]:
    """Serve the console of an engine's démarche, with a worker of its own.

    Args:
        engine: the engine.
        apps: other workers instead.
        role: of those who enter by a link.
        access: another way in, from the console's address and the event that ends it.
        section: `[console]`.
    """
    stop = threading.Event()
    links: list[str] = []
    statements: list[str] = []
    shown = apps or [engine.another(stop=stop).app]
    database = engine_for(engine.url)

    def executed(_c: Any, _k: Any, statement: str, *_: Any) -> None:
        if not statement.startswith(("SET ", "PRAGMA", "BEGIN")):
            statements.append(statement)

    event.listen(database, "before_cursor_execute", executed)
    listening = bind(Listen("127.0.0.1", 0), is_default=False)
    assert listening is not None
    base = f"http://127.0.0.1:{listening.getsockname()[1]}"
    way = LocalAccess(USER, links.append, role) if access is None else access(base, stop)
    console = Console(shown, way, secret="s" * 32, stop=stop, section=section)
    thread = server_thread(console.application, listening, stop)
    thread.start()
    console.open()
    try:
        yield ServedConsole(base, links, statements, console)
    finally:
        stop.set()
        console.close()
        thread.join(10)
        event.remove(database, "before_cursor_execute", executed)


@contextmanager
def visiting(engine: Engine, apps: Sequence[Worker] = (), **options: Any) -> Iterator[Visitor]:
    """Serve the console in the same way; yield somebody with a session there."""
    with served(engine, apps, **options) as console:
        yield console.visitor()

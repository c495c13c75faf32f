"""What many ask for at once: files and pages of one person leave room, and no descriptor open."""

from __future__ import annotations

import io
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any

import pytest
import requests
from sqlalchemy import event
from starlette.exceptions import HTTPException

from dsync.console.access import Role
from dsync.console.desk import MOST_FILES, MOST_KEPT, Desk
from tests.console.provider import as_, team
from tests.console.served import DEADLINE_S, ServedConsole, Visitor, served, words
from tests.engine.rig import Engine, engine_for

AT_ONCE = 30


@pytest.fixture
def console(read_engine: Engine) -> Iterator[ServedConsole]:
    """A console that a lecteur enters."""
    with served(read_engine, role=Role.LECTEUR) as made:
        yield made


def assert_none_open() -> None:
    """Wait until this process has no file of dossiers open."""
    until = time.monotonic() + DEADLINE_S
    while found := [*opened()]:
        assert time.monotonic() < until, found
        time.sleep(0.05)


def opened() -> Iterator[str]:
    """Yield the files of dossiers that are open, also those that have no name any more."""
    for descriptor in os.listdir("/proc/self/fd"):
        with suppress(FileNotFoundError):
            place = os.readlink(f"/proc/self/fd/{descriptor}")
            if "/dossiers-" in place:
                yield place


def test_files_at_once_leave_the_pages_quick_and_nothing_open(console: ServedConsole) -> None:
    """Of many files of one person the first is made; who asks for others is told when to return."""
    visitor = console.visitor()
    cookies = visitor.session.cookies.get_dict()
    assert 200 == visitor.get("/dossiers").status_code

    def ask(rank: int) -> requests.Response:
        path = f"/dossiers.{('xlsx', 'csv')[rank % 2]}?page={rank // 2 + 1}"
        return requests.get(console.base + path, cookies=cookies, timeout=DEADLINE_S)

    with ThreadPoolExecutor(AT_ONCE) as threads:
        asked = [threads.submit(ask, rank) for rank in range(AT_ONCE)]
        began = time.monotonic()
        assert 200 == visitor.get("/dossiers").status_code
        took_s = time.monotonic() - began
        answers = [one.result() for one in asked]
    assert took_s < 5
    busy = [one for one in answers if one.status_code == 429]
    assert {200, 429} == {one.status_code for one in answers}
    for one in busy:
        assert int(one.headers["Retry-After"]) > 0
        assert "Un autre fichier est en préparation pour vous" in words(one.text)
    assert_none_open()


def test_slow_pages_of_one_person_leave_room_for_those_of_others(read_engine: Engine) -> None:
    reached, go_on = threading.Event(), threading.Event()
    database, (many, one) = engine_for(read_engine.url), ("many@x.example.fr", "one@x.example.fr")

    def slow(_c: object, _k: object, _s: object, parameters: object, *_: object) -> None:
        if "tarder" in str(parameters):
            reached.set()
            assert go_on.wait(DEADLINE_S)

    with team(read_engine, [as_("lecteur", many, one)], email=many) as (visitor, fake):
        fake.userinfo = lambda claims: claims.update(email=one)
        other = Visitor(visitor.base, "/entrer")
        cookies = visitor.session.cookies.get_dict()
        ask = partial(requests.get, f"{visitor.base}/dossiers?q=tarder", cookies=cookies)
        event.listen(database, "before_cursor_execute", slow)
        try:
            with ThreadPoolExecutor(AT_ONCE) as threads:
                asked = [threads.submit(ask, timeout=2 * DEADLINE_S) for _ in range(AT_ONCE)]
                try:
                    assert reached.wait(DEADLINE_S)
                    for _ in range(10):
                        assert 200 == other.get("/dossiers", timeout=5).status_code
                finally:
                    go_on.set()
                assert {200} == {page.result().status_code for page in asked}
        finally:
            event.remove(database, "before_cursor_execute", slow)


def test_a_file_that_nobody_reads_to_its_end_is_closed(console: ServedConsole) -> None:
    visitor = console.visitor()
    for _ in range(5):
        with visitor.get("/dossiers.xlsx?complet=oui", stream=True) as answer:
            assert 200 == answer.status_code
    assert_none_open()


class Made(io.BytesIO):
    """A file that was made."""


@pytest.fixture
def ask(read_engine: Engine) -> Iterator[tuple[Desk, threading.Event, Callable[..., Any]]]:
    """A desk, the event that ends the making of its files, and what asks for one."""
    stop, go_on = threading.Event(), threading.Event()
    desk = Desk(stop)

    def find(_progress: object) -> Made:
        assert go_on.wait(DEADLINE_S)
        return Made()

    def asked(who: str, text: str = "/dossiers.csv") -> Any:
        return desk.search(read_engine.worker.app, text, find, who, is_file=True)

    yield desk, go_on, asked
    go_on.set()
    stop.set()
    desk.close()


def test_one_file_is_made_for_each_person_and_few_for_all(
    ask: tuple[Desk, threading.Event, Callable[..., Any]],
) -> None:
    """Asked for again it is the same one; beyond the bound a person is refused, with a time."""
    desk, go_on, file = ask
    first = file("ada")
    assert first is file("ada")
    others = [file(f"person {rank}") for rank in range(MOST_FILES - 1)]
    for who, text in (("ada", "/changements.csv"), ("one more", "/dossiers.csv")):
        with pytest.raises(HTTPException) as refused:
            file(who, text)
        assert 429 == refused.value.status_code
        assert int((refused.value.headers or {})["Retry-After"]) > 0
    go_on.set()
    for one in (first, *others):
        one.result.result(DEADLINE_S)
    # Those made before stay for the tabs that wait for them; of many, the first is closed.
    kept = [first]
    for rank in range(MOST_KEPT):
        kept.append(file("ada", f"/dossiers.csv?page={rank % 2}"))
        kept[-1].result.result(DEADLINE_S)
    assert [True, *[False] * MOST_KEPT] == [one.result.result().closed for one in kept]
    assert not others[0].result.result().closed
    assert not desk.take(first)
    assert desk.take(kept[1])


def test_a_file_stays_until_it_is_taken_whatever_else_looks_or_asks(
    console: ServedConsole, read_engine: Engine
) -> None:
    """Another tab that asks for the same one, and what sends HEAD before a person's click."""
    visitor, reached, go_on = console.visitor(), threading.Event(), threading.Event()
    database, path = engine_for(read_engine.url), "/dossiers.csv"

    def slow(*_: object) -> None:
        if threading.current_thread().name.startswith("dsync-console-search"):
            reached.set()
            assert go_on.wait(DEADLINE_S)

    event.listen(database, "before_cursor_execute", slow)
    try:
        with ThreadPoolExecutor(1) as threads:
            first = threads.submit(console.visitor().get, path)
            assert reached.wait(DEADLINE_S)
            page = visitor.get(path).url
            go_on.set()
            assert page == first.result(DEADLINE_S).url
    finally:
        event.remove(database, "before_cursor_execute", slow)
    link = f"{page.removeprefix(console.base)}/fichier"
    newer = visitor.get(path)
    assert "text/csv" in newer.headers["Content-Type"]
    head = visitor.session.head(console.base + link)
    assert (200, b"") == (head.status_code, head.content)
    assert newer.content == visitor.get(link).content
    assert [404, 404] == [
        visitor.session.request(one, console.base + link).status_code for one in ("HEAD", "GET")
    ]
    assert_none_open()

"""What is seen of dsync from outside is as it was, whatever moves inside.

The files in golden/ were written by the code that they hold against; after a change that is meant,
`pytest --update-golden` writes them anew, and their difference is read over.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from dsync.cli import dsync
from scripts.pages.commands import below
from scripts.pages.questions import questions
from tests.commands.test_copy import content
from tests.conftest import Golden
from tests.outside.history import EXPORTED, History, live
from tests.store.databases import PostgresServer

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def lived(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], History]]:
    """Returns the history on an engine, on which it is lived once."""
    urls: list[str] = []

    @cache
    def lived_on(engine: str) -> History:
        folder = tmp_path_factory.mktemp("outside")
        if engine == "sqlite":
            return live(f"sqlite:///{folder / 'dsync.db'}", folder)
        server: PostgresServer = request.getfixturevalue("postgres_server")
        urls.append(server.make(migrated=True))
        return live(urls[-1], folder)

    yield lived_on
    for url in urls:
        request.getfixturevalue("postgres_server").drop(url)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def history(request: pytest.FixtureRequest, lived: Callable[[str], History]) -> History:
    """The history on each engine."""
    return lived(request.param)


def test_each_command_prints_the_same_json(history: History, golden: Golden) -> None:
    """With the same exit code, on both engines."""
    golden.check("commands.txt", history.commands)


def test_each_view_shows_the_same_rows(history: History, golden: Golden) -> None:
    """On both engines; a view that is gone shows as well as one that is new."""
    for name, rows in history.views.items():
        golden.check(f"views/{name}.txt", rows)
    assert sorted(history.views) == golden.names("views")


@pytest.mark.parametrize("format_", EXPORTED)
def test_each_file_of_an_export_is_the_same(lived: Callable[[str], History], format_: str) -> None:
    """Byte by byte from both engines, after the same runs: all views, JSON and numbers in them.

    But for the query's own instant, the sandbox's address, and pseudonyms by a database's secret.
    """
    one, two = (exported(lived(engine), format_) for engine in ("sqlite", "postgresql"))
    assert len(one) > 25
    assert {*one} == {*two}
    assert [] == [name for name in sorted(one) if one[name] != two[name]]


def exported(history: History, format_: str) -> dict[str, Any]:
    """Return what each exported file has, without what is of this history alone."""
    # Of digits alone, a pseudonym is a formula with this text for an Excel in French.
    digits = {f'"=""{one}"""': whose for one, whose in history.pseudonyms.items()}
    own = {history.sandbox.base_url: "SANDBOX", **digits, **history.pseudonyms}

    def common(found: Any) -> Any:
        if isinstance(found, bytes):
            for here, name in own.items():
                found = found.replace(here.encode(), name.encode())
        return found

    files = (history.folder / format_).iterdir()
    return {file.name: common(content(file, EXPORTED[format_])) for file in files}


def test_the_verdicts_have_the_same_texts(history: History, golden: Golden) -> None:
    golden.check("texts.txt", history.verdicts)


def test_the_views_have_the_columns_of_the_dictionary(history: History, golden: Golden) -> None:
    """In their order, with its sentences as comments on PostgreSQL."""
    golden.check("columns.txt", history.documented)
    for view, entry in history.dictionary.items():
        has_comments = "postgresql" in history.url
        expected = [
            (name, text if has_comments else None) for name, text in entry["columns"].items()
        ]
        assert expected == list(history.columns[view].items())


def test_the_same_stands_in_the_dossiers(history: History, golden: Golden) -> None:
    golden.check("annotations.jsonl", history.annotations())


def test_the_questions_of_analysts_have_these_answers(history: History, golden: Golden) -> None:
    """The site shows what the queries of examples/questions return, on both engines."""
    parts = [
        f"### {rank}. {title}\n\n```sql\n{query}```\n{history.answer(query)}"
        for rank, (title, query) in enumerate(questions(), start=1)
    ]
    golden.check("answers.md", "\n".join(parts))


def test_each_command_has_the_same_help(golden: Golden) -> None:
    """Of every command and group: an option is a line, and moves no other one."""
    golden.check("help.txt", "".join(helps(dsync, ())))


def helps(command: click.Command, path: tuple[str, ...]) -> Iterator[str]:
    """Yield the help of a command and of all those below it."""
    shown = CliRunner().invoke(dsync, [*path, "--help"], prog_name="dsync", terminal_width=1000)
    text = re.sub(r"(?<=\S) {2,}", "  ", shown.output)
    yield f"## {' '.join(['dsync', *path, '--help'])} → {shown.exit_code}\n{text}\n"
    if isinstance(command, click.Group):
        for name, child in sorted(below(command)):
            yield from helps(child, (*path, name))

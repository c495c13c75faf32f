"""One history of a démarche, the same each time, lived by `dsync` as an operator calls it.

Two syncs and a push on a sandbox whose clock stands still between the steps; in between, dossiers
change, one is hidden, one erased, one becomes unreadable, and a human edits an annotation. Nothing
of the worker is used but its commands, so that its insides may move.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import time_machine
from sqlalchemy import Engine, RowMapping, create_engine, inspect, text

from dsync.cli.output import asker
from dsync.sandbox import Sandbox, content
from dsync.store.engine import parse_url
from tests.commands.command import Ended, InsideCommand

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 11, 24, 14, 30, tzinfo=UTC)
SEED = 7
FIRST = content.FIRST_NUMBER
RANKS = range(14)
CHANGED, MOVED, HIDDEN, ERASED, UNREADABLE, EDITED = (FIRST + rank for rank in (0, 1, 2, 3, 4, 6))
PAGE, PROBLEME = 4102, 4105
RESULTAT = 5102
_DATABASE = re.compile(
    r"(PostgreSQL database|SQLite file|sqlite:|postgresql\+) ?[^\s\",]*( on [^\s\",]*)?"
)
"""How the commands name the database."""
_RULES = re.compile(r'"[0-9a-f]{12}"')
"""The version of the rules: a hash of the classes that hold them, too."""

READS = (
    ("check",),
    ("status",),
    ("runs",),
    ("journal",),
    ("dossier", "list"),
    ("dossier", "list", "--verdict", "a_verifier"),
    *(("dossier", "show", str(number)) for number in (CHANGED, ERASED, UNREADABLE, EDITED)),
    ("dossier", "show", "1"),
    ("precheck", "--dry-run", "--dossier", str(EDITED)),
    ("precheck", "--dry-run", "--explain", "--dossier", str(CHANGED)),
    ("precheck", "--stats"),
    ("precheck", "--as-of", "2025-06-01", "--dossier", str(CHANGED)),
    ("evidence", "show"),
    ("evidence", "accept", "--yes"),
    ("conflicts", "list"),
    ("pieces", "status"),
    ("quarantine", "list"),
    ("db", "dictionary"),
    ("db", "verify"),
    ("db", "verify", "--remote"),
    ("config", "show"),
    ("config", "check"),
    ("sync", "--dry-run", "--full"),
    ("quarantine", "retry"),
)
"""What is asked at the end, each with `--json`."""


@dataclass(slots=True)
class History:
    """A sandbox and a database, and what the commands between them have printed."""

    sandbox: Sandbox
    url: str
    folder: Path
    printed: list[tuple[str, Ended]] = field(default_factory=list)
    views: dict[str, str] = field(default_factory=dict)
    columns: str = ""

    @property
    def commands(self) -> str:
        """Each command with its exit code and what it printed."""
        return "\n".join(
            f"## {line} → {ended.code}\n{self._normal(ended)}\n" for line, ended in self.printed
        )

    def answer(self, query: str) -> str:
        """Return a query's rows as a table of Markdown."""
        database = create_engine(parse_url(self.url))
        with database.connect() as connection:
            found = connection.execute(text(query))
            names = list(found.keys())
            rows = [[_cell(_plain(value)) for value in row] for row in found]
        database.dispose()
        cells = [names, ["---"] * len(names), *rows]
        lines = ["| " + " | ".join(" ".join(cell.split()) for cell in row) + " |" for row in cells]
        return "\n" + "".join(f"{line}\n" for line in lines)

    def annotations(self) -> str:
        """What stands in DS: each dossier's annotations and labels, a line each."""
        return "".join(
            _line([truth.number, truth.raw_annotations, sorted(truth.labels)])
            for truth in self.sandbox.control.truth()
        )

    def _normal(self, ended: Ended) -> str:
        return self.normal(json.dumps(_without_days(ended.json), indent=1, ensure_ascii=False))

    def normal(self, shown: str) -> str:
        """Put a word in the place of what two machines or two engines do not share."""
        shown = shown.replace(self.sandbox.base_url, "http://sandbox").replace(str(ROOT), "ROOT")
        shown = shown.replace(asker(), "WHO")
        return _RULES.sub('"RULES"', _DATABASE.sub("DATABASE", shown))


def live(url: str, folder: Path) -> History:
    """Let the history happen on a database; return what it left behind."""
    seeds = [content.dossier(SEED, rank, now=NOW) for rank in RANKS]
    with (
        time_machine.travel(NOW, tick=False) as traveller,
        Sandbox([(content.FORM, seeds)], seed=SEED, clock=lambda: NOW) as sandbox,
    ):
        history = History(sandbox, url, folder)
        run = _operator(history)
        control = sandbox.control

        def wait(**duration: float) -> None:
            control.clock.advance(timedelta(**duration).total_seconds())
            traveller.move_to(control.clock.now())

        run("sync")
        wait(hours=2)
        control.edit_champ(CHANGED, PROBLEME, "Les délais ont doublé depuis le dépôt.")
        control.move(MOVED, "accepte", motivation="Dossier complet.")
        control.hide(HIDDEN)
        control.erase(ERASED)
        control.faults.return_null(UNREADABLE, champs_only=True)
        control.edit_champ(EDITED, PAGE, "néant")
        control.edit_annotation(EDITED, RESULTAT, "Éligible")
        wait(minutes=5)
        run("sync", "--no-push")
        wait(minutes=15)
        run("push")
        wait(minutes=15)
        for arguments in READS:
            run(*arguments)
        database = create_engine(parse_url(url))
        history.views = {name: history.normal(_rows(database, name)) for name in _views(database)}
        history.columns = _columns(database)
        database.dispose()
    return history


def _operator(history: History) -> Callable[..., None]:
    sandbox = history.sandbox
    command = InsideCommand(
        history.folder,
        {
            "DSYNC_CONFIG": str(ROOT / "config" / "aap-eig7.toml"),
            "DSYNC_DATABASE_URL": history.url,
            "DSYNC_DS_URL": sandbox.ds_url,
            "DSYNC_DS_TOKEN": sandbox.tokens.write,
            "DSYNC_DS_INSTRUCTEUR": "dsync@example.gouv.fr",
            "DSYNC_BETAGOUV_URL": sandbox.betagouv_url,
        },
    )

    def run(*arguments: str) -> None:
        ended = command(*arguments, "--json")
        history.printed.append((" ".join(["dsync", *arguments, "--json"]), ended))

    return run


def _views(database: Engine) -> list[str]:
    return sorted(inspect(database).get_view_names())


def _rows(database: Engine, view: str) -> str:
    """Return a view's rows in their order as text, under the names of its columns."""
    with database.connect() as connection:
        found = connection.execute(text(f"SELECT * FROM {view}"))
        names = _line(list(found.keys()))
        lines = [_line([_plain(value) for value in _still(row)]) for row in found.mappings()]
    return names + "".join(sorted(lines))


def _still(row: RowMapping) -> Iterable[Any]:
    """Return a row without the days of a stage that is not over, which grow."""
    growing = {"jours", "jours_dans_etape"} if row.get("au") is None else set()
    return ("DAYS" if name in growing else value for name, value in row.items())


def _without_days(document: Any) -> Any:
    """Return a document without the days of a stage that is not over, as `_still`."""
    if isinstance(document, list):
        return [_without_days(one) for one in document]
    if isinstance(document, dict):
        is_open = "jours" in document and document["au"] is None
        return {
            name: "DAYS" if is_open and name == "jours" else _without_days(value)
            for name, value in document.items()
        }
    return document


def _plain(value: Any) -> Any:
    """Return a value as both engines have it."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, Decimal):
        return int(value) if value == int(value) else float(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, str) and re.match(r"[\[{]", value):
        return json.loads(value)
    return value


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)


def _columns(database: Engine) -> str:
    """Return each view with its comment, and each of its columns with type and comment."""
    seen = inspect(database)
    lines = []
    for view in _views(database):
        comment = ""
        if database.dialect.name == "postgresql":
            comment = seen.get_table_comment(view)["text"] or ""
        lines.append(f"{view}: {comment}\n")
        lines += [
            f"  {column['name']} {column['type']}: {column.get('comment') or ''}\n"
            for column in seen.get_columns(view)
        ]
    return "".join(lines)


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str, sort_keys=True) + "\n"

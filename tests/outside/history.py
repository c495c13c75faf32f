"""One history of a démarche, the same each time, lived by `dsync` as an operator calls it.

Two syncs, an answer to a check and a push on a sandbox whose clock stands still between the steps;
in between, dossiers change, one is hidden, one erased, one becomes unreadable, and a human edits an
annotation. Nothing of the worker is used but its commands, so that its insides may move.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

import time_machine
from sqlalchemy import Engine, create_engine, inspect, text

from dsync.cli.output import asker
from dsync.domain.check_answers import person
from dsync.sandbox import Sandbox, content
from dsync.store.engine import parse_url
from tests.commands.command import Ended, InsideCommand
from tests.golden.dossiers import in_lines

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 11, 24, 14, 30, tzinfo=UTC)
SEED = 7
FIRST = content.FIRST_NUMBER
RANKS = range(14)
CHANGED, MOVED, HIDDEN, ERASED, UNREADABLE, EDITED = (FIRST + rank for rank in (0, 1, 2, 3, 4, 6))
SHOWN = {CHANGED, MOVED, HIDDEN, ERASED, UNREADABLE, EDITED}
"""The dossiers whose rows are kept; the others are like one of them."""
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
    ("history",),
    ("history", "--manual"),
    ("dossier", "list"),
    ("dossier", "list", "--verdict", "a_verifier"),
    *(("dossier", "show", str(number)) for number in (CHANGED, ERASED, UNREADABLE, EDITED)),
    ("dossier", "show", "1"),
    ("precheck", "--dry-run", "--dossier", str(EDITED)),
    ("precheck", "--dry-run", "--explain", "--dossier", str(CHANGED)),
    ("precheck", "--stats"),
    ("precheck", "answers"),
    ("precheck", "--as-of", "2025-06-01", "--dossier", str(CHANGED)),
    ("evidence", "show"),
    ("accept", "evidence", "--yes"),
    ("conflicts", "list"),
    ("pieces", "status"),
    ("quarantine", "list"),
    ("db", "verify"),
    ("db", "verify", "--remote"),
    ("config", "show"),
    ("config", "check"),
    ("sync", "--dry-run", "--full"),
    ("quarantine", "retry"),
)
"""What is asked at the end, each with `--json`."""

EXPORTED = {"csv": ",", "csv-fr": ";"}
"""The formats of the exports at the end, each into a folder of its name, with their delimiters."""

FEW = 8
"""Up to so many rows are all shown, with a line for each column."""
ITEMS = 2
"""So many items are shown of a list of rows, which views have whole."""
OF_DOSSIER = {"numero", "demarche_numero", "modifie_ici_le"}
"""Columns that a dossier's own lists leave out."""
Row = dict[str, Any]


@dataclass
class History:
    """A sandbox and a database, and what the commands between them have printed."""

    sandbox: Sandbox
    url: str
    folder: Path
    printed: list[tuple[str, Ended]] = field(default_factory=list)
    rows: dict[str, list[Row]] = field(default_factory=dict)
    """Of each view, as both engines have them."""
    dictionary: Any = None
    """What `dsync db dictionary --json` printed."""
    columns: dict[str, dict[str, str | None]] = field(default_factory=dict)
    """The columns of each view in the database, with their comments."""

    @property
    def commands(self) -> str:
        """Each command with its exit code and what it printed, but for what views show."""
        return "\n".join(
            f"## {line} → {ended.code}\n{self._normal(ended)}\n" for line, ended in self.printed
        )

    @property
    def views(self) -> dict[str, str]:
        """The rows of each view as text.

        A line is a column where rows are few, so that a new column is a new line; else a row.
        """
        return {name: self.normal(self._table(name)) for name in self.rows}

    @property
    def documented(self) -> str:
        """Each view and column of the dictionary, a line each."""
        lines = []
        for view, entry in self.dictionary.items():
            lines.append(f"{view}: {entry['description']}\n")
            for name, sentence in entry["columns"].items():
                lines.append(f"{view}.{name} {entry['types'][name]}: {sentence}\n")
        return "".join(lines)

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
            _line(self._once([truth.number, truth.raw_annotations, sorted(truth.labels)]))
            for truth in self.sandbox.control.truth()
            if truth.number in SHOWN
        )

    def _table(self, view: str) -> str:
        shown = self._shown(view)
        lines = []
        if len(shown) < len(self.rows[view]):
            of = {row.get("numero", rank) for rank, row in enumerate(self.rows[view])}
            what = "dossiers" if "numero" in self.columns[view] else "rows"
            lines.append(f"Of some of {len(of)} {what}:\n")
        if len(shown) <= FEW:
            lines += [
                f"{name}: {_line(self._once([row[name] for row in shown]))}"
                for name in self.columns[view]
            ]
        else:
            lines.append(_line(list(self.columns[view])))
            lines += [_line(self._once(list(row.values()))) for row in shown]
        return "".join(lines)

    def _shown(self, view: str) -> list[Row]:
        rows = [_without_days(row) for row in self.rows[view]]
        if view == "lecture_regle":
            return [{name: _counted(value) for name, value in row.items()} for row in rows]
        if len(rows) <= FEW:
            return rows
        if view == "lecture_champ":
            return [row for row in rows if row["numero"] == CHANGED]
        if view == "lecture_produit":
            named = {row["produit_id"] for row in self._shown("lecture_candidature")}
            return [row for row in rows if row["produit_id"] in named]
        return [row for row in rows if row.get("numero", CHANGED) in SHOWN]

    def _once(self, value: Any) -> Any:
        """Name the texts of verdicts, which stand in many places, and pseudonyms."""
        if isinstance(value, list):
            return [self._once(one) for one in value]
        if isinstance(value, dict):
            return {name: self._once(one) for name, one in value.items()}
        return self.texts.get(value, value) if isinstance(value, str) else value

    @cached_property
    def texts(self) -> dict[str, str]:
        """The text of each verdict, with a name: its dossier, and since when."""
        rows = [row for row in self.rows["lecture_precontrole"] if row["detail"]]
        texts = {row["detail"]: f"TEXT {row['numero']} {row['etabli_le']}" for row in rows[::-1]}
        return texts | self.pseudonyms

    @property
    def pseudonyms(self) -> dict[str, str]:
        """Whom each pseudonym of the database stands for."""
        return {
            row["decideur"]: f"PSEUDONYM OF {row['instructeur_courriel']}"
            for row in self.rows["lecture_decision"]
        }

    @property
    def verdicts(self) -> str:
        """Each of these texts under its name."""
        return "".join(
            sorted(
                f"## {name}\n{in_lines(text)}\n"
                for text, name in self.texts.items()
                if name.startswith("TEXT") and int(name.split()[1]) in SHOWN
            )
        )

    def _normal(self, ended: Ended) -> str:
        document = ended.json
        if isinstance(document, list) and document[ITEMS:]:
            document = [*document[:ITEMS], "…"]
        document = self._once(_without_days(self._beside_views(document)))
        return self.normal(json.dumps(document, indent=1, ensure_ascii=False))

    def _beside_views(self, value: Any, number: int = 0) -> Any:
        """Name the views that show the same, in the place of a dossier's values and lists.

        Args:
            value: what a command printed, or a part of it.
            number: the dossier's, if it is of one.
        """
        if isinstance(value, dict):
            number = value.get("numero", number)
            whole = {
                k: v for row in self._of(number, "lecture_candidature") for k, v in row.items()
            }
            if whole and all(k in value and _plain(value[k]) == v for k, v in whole.items()):
                left = {k: v for k, v in value.items() if k not in whole}
                value = {"lecture_candidature": "its row", **left}
            return {name: self._beside_views(one, number) for name, one in value.items()}
        if not isinstance(value, list):
            return value
        if value and isinstance(value[0], dict):
            for view in self.rows:
                rows = self._of(number, view)
                for some in (rows, [row for row in rows if row.get("courant")]):
                    if some and value[0].keys() <= some[0].keys():
                        names = [name for name in some[0] if name in value[0]]
                        if _lines(value) == _lines([{k: row[k] for k in names} for row in some]):
                            left_out = some[0].keys() - names - OF_DOSSIER
                            return f"{view}: {', '.join(names) if left_out else 'its rows'}"
        return [self._beside_views(one, number) for one in value]

    def _of(self, number: int, view: str) -> list[Row]:
        return [row for row in self.rows[view] if row.get("numero") == number]

    def normal(self, shown: str) -> str:
        """Put a word in the place of what two machines or two engines do not share."""
        shown = shown.replace(self.sandbox.base_url, "http://sandbox").replace(str(ROOT), "ROOT")
        shown = shown.replace(asker(), "WHO").replace(f"par {person(asker())} le", "par WHO le")
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
        reason = "La fiche est bien celle de ce produit."
        told = ("--result", "conforme", "--reason", reason)
        run("precheck", "answer", str(UNREADABLE), "fiche_produit", *told)
        wait(minutes=15)
        run("push")
        wait(minutes=15)
        for arguments in READS:
            run(*arguments)
        database = create_engine(parse_url(url))
        run("db", "dictionary")
        history.dictionary = history.printed.pop()[1].json
        history.rows = {name: _rows(database, name) for name in _views(database)}
        history.columns = {name: _columns(database, name) for name in history.rows}
        database.dispose()
        for format_ in EXPORTED:
            run("export", format_, "--format", format_)
            history.printed.pop()
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


def _rows(database: Engine, view: str) -> list[Row]:
    """Return a view's rows, sorted."""
    with database.connect() as connection:
        found = connection.execute(text(f"SELECT * FROM {view}")).mappings().all()
    rows = [{name: _plain(value) for name, value in row.items()} for row in found]
    return sorted(rows, key=lambda row: _line(list(_without_days(row).values())))


def _without_days(document: Any) -> Any:
    """Return a document without the days of a stage that is not over, and dates of the query."""
    if isinstance(document, list):
        return [_without_days(one) for one in document]
    if isinstance(document, dict):
        growing = {"jours", "jours_dans_etape"} if document.get("au") is None else set()
        if (document.get("modifie_ici_le") or "") > (NOW + timedelta(days=2)).isoformat():
            document = document | {"modifie_ici_le": "NOW"}
        return {
            name: "DAYS" if name in growing and value is not None else _without_days(value)
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


def _columns(database: Engine, view: str) -> dict[str, str | None]:
    return {one["name"]: one.get("comment") for one in inspect(database).get_columns(view)}


def _lines(rows: list[Row]) -> list[str]:
    return sorted(_line({name: _plain(value) for name, value in row.items()}) for row in rows)


def _counted(value: Any) -> Any:
    return f"{len(value)} entries" if isinstance(value, list | dict) else value


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str, sort_keys=True) + "\n"

"""What a command is about: démarches with their settings, their workers, their database.

It acts on each of them (`for_each`), or lists what they have (`listed`).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import click

from dsync import settings
from dsync.cli.failures import Exit, tell, worst
from dsync.cli.options import current_flags
from dsync.cli.output import asker, heading, pasteable, print_json, print_note, print_table
from dsync.configuration import headline
from dsync.database import open_database
from dsync.domain.dossier import PARIS
from dsync.domain.ids import DemarcheNumber, DossierNumber
from dsync.errors import ConfigurationError, DsyncError, InterruptedRunError, StoreError
from dsync.settings import Settings

if TYPE_CHECKING:
    from dsync.store import Reader, Store
    from dsync.wiring import Worker


T = TypeVar("T")
Dossiers = Sequence[DossierNumber]
Chosen = tuple[Settings, tuple[DossierNumber, ...]]
"""A démarche, and its dossiers that were named."""
Act = Callable[[Settings, tuple[DossierNumber, ...]], tuple[Any, int]]
"""Acts on a démarche and its dossiers that were named; prints what it did unless that is printed as
JSON; returns the document, a mapping or a list of them, and the exit code."""


def load(dossiers: Dossiers = (), *, stored: bool = False, **overrides: Any) -> Settings:
    """Read the settings of the démarche that a command is about, with the command line's flags.

    Of several démarches it is about that of the dossiers that it names. `stored`: a démarche's
    stored data are enough, as of `settings.load_each`. Overrides have precedence.

    Raises:
        ConfigurationError: settings are wrong, or they leave open which démarche is meant.
    """
    each = load_each(dossiers, stored=stored, is_of_one=True, **overrides)
    if len(each) > 1:
        told = "; ".join(f"{one.demarche}: {', '.join(map(str, numbers))}" for one, numbers in each)
        raise ConfigurationError(
            f"These dossiers are of several démarches ({told}): give those of one at a time."
        )
    [(found, _)] = each
    concerning(found)
    return found


def load_all(
    *, stored: bool = False, goes_on: bool = False, **overrides: Any
) -> tuple[Settings, ...]:
    """Read the settings of every configured démarche, with the command line's flags; as `load`.

    `goes_on`: wrong files of a folder are told, and the others taken; the command then ends with 2.
    """
    flags = current_flags()
    loaded = settings.load_each(stored=stored, **(flags.settings | overrides))
    if (refusal := loaded.refusal) is not None:
        if not (goes_on and loaded.found):
            raise refusal
        if not flags.left_out:
            click.echo(f"Error: {headline(refusal.problems)}\nThe other files are used.", err=True)
        flags.left_out = True
    flags.is_about_all = len(loaded.found) > 1
    return loaded.found


def load_each(
    dossiers: Dossiers = (),
    *,
    everywhere: bool = False,
    stored: bool = False,
    is_of_one: bool = False,
    **overrides: Any,
) -> list[Chosen]:
    """Read the settings of the démarches that a command acts on, with the dossiers of each.

    As `load`. Those of the dossiers that it names are meant; `everywhere` (`--all`): each one that
    is configured. `is_of_one`: the command has no `--all`.
    """
    every = load_all(stored=stored, goes_on=everywhere, **overrides)
    if everywhere:
        check_all(every, dossiers)
    if len(every) == 1:
        return [(every[0], (*dossiers,))]
    if dossiers:
        return by_demarche(every, dossiers)
    if not everywhere:
        raise settings.several(every, or_all=not is_of_one)
    return [(one, ()) for one in every]


def check_all(every: Sequence[Settings], dossiers: Dossiers = ()) -> None:
    """Check that nothing limits a command with `--all`: neither a chosen démarche nor dossiers."""
    if dossiers:
        raise click.UsageError("--all and dossiers exclude each other.")
    is_asked = "demarche" in current_flags().settings
    if is_asked or len(every) == 1 < len(every[0].folder):
        raise click.UsageError(
            "--all is about every démarche: leave out --demarche and DSYNC_DEMARCHE."
        )


def by_demarche(every: Sequence[Settings], dossiers: Dossiers) -> list[Chosen]:
    """Return the démarches of some dossiers, by the database, and which are of each.

    ConfigurationError: a dossier is of none of these démarches.
    """
    found: dict[int, list[DossierNumber]] = {}
    owners = _owners(every[0], dossiers)
    configured = {one.demarche: one for one in every}
    for number in dossiers:
        owner = owners.get(number)
        if owner not in configured:
            raise not_here(every, number, owner)
        found.setdefault(owner, []).append(number)
    return [(configured[number], (*some,)) for number, some in found.items()]


def not_here(every: Sequence[Settings], number: int, owner: int | None) -> ConfigurationError:
    """Return the error that a dossier is of none of some démarches.

    `owner` is its démarche by the database; None: it has no such dossier.
    """
    if owner is not None:
        own = ", ".join(str(one.demarche) for one in every)
        is_own_file = not every[0].folder and every[0].sources["demarche"] == "file"
        return ConfigurationError(
            f"Dossier {number} is of démarche {owner}, and not of {own}: "
            + (
                "name the file of that démarche in DSYNC_CONFIG or --config."
                if is_own_file
                else f"choose it with --demarche {owner}."
            )
        )
    if len(every) == 1:
        return ConfigurationError(
            f"Dossier {number} is not in the database: correct the number, or read it with `dsync "
            f"sync --dossier {number}`."
        )
    return ConfigurationError(
        f"Dossier {number} is not in the database: correct the number, or read what is new with "
        "`dsync sync --all`."
    )


def check_here(one: Settings, dossiers: Dossiers) -> None:
    """Check that a démarche has some dossiers; the error names the démarche that has."""
    owners = _owners(one, dossiers) if dossiers else {}
    for number in dossiers:
        if (owner := owners.get(number)) != one.demarche:
            raise not_here([one], number, owner)


def unknown(one: Settings, number: DossierNumber) -> ConfigurationError:
    """Return the error that a démarche has no such dossier; it names the démarche that has."""
    return not_here([one], number, _owners(one, [number]).get(number))


def _owners(one: Settings, dossiers: Dossiers) -> Mapping[int, int]:
    with closing(open_database(one.database_url, create=False)) as store:
        return store.demarches_of(dossiers)


def concerning(one: Settings | None) -> None:
    """Note which démarche the command is about now, None: all, for the remedies that it prints."""
    # Of a single one, commands need not be told.
    current_flags().demarche = one.demarche if one and len(one.folder) > 1 else None


@contextmanager
def opened_store(every: Sequence[Settings]) -> Iterator[Store]:
    """Yield the database of some démarches; a missing one is not created.

    It must have those that a flag or a variable names; one that a file names can be new.
    """
    with closing(open_database(every[0].database_url, create=False)) as store:
        for one in every:
            if one.sources["demarche"] != "file":
                check_known(store, one.demarche)
        yield store


def check_known(store: Store, demarche: int) -> None:
    """Check that the database has a démarche, where a wrong number would look like an empty one."""
    known = store.demarches()
    if known and demarche not in known:
        numbers = ", ".join(map(str, known))
        raise ConfigurationError(
            f"The database has no démarche {demarche}, only {numbers}: correct --demarche or "
            "DSYNC_DEMARCHE. What is configured is read by `dsync sync`."
        )


def chosen_demarche() -> DemarcheNumber | None:
    """Return the démarche that the command line or the environment names, None without one."""
    number = settings.chosen_demarche(**current_flags().settings)
    return None if number is None else DemarcheNumber(number)


def load_any() -> Settings:
    """Read the settings for a command that concerns the whole database, not one démarche."""
    # All démarches of a folder share one database.
    return load_all(stored=True)[0]


def opened() -> dict[DemarcheNumber, frozenset[str]]:
    """Return what each configured démarche shows to readers without personal data.

    One that was taken out of the folder has no file that says it: it shows what it did.
    """
    return {
        DemarcheNumber(one.demarche): one.configuration.opened
        for one in load_all(stored=True)
        if one.demarche in (one.folder or (one.demarche,))
    }


def deliberated(now: datetime) -> set[int]:
    """Return the configured démarches whose jury has deliberated."""
    today = now.astimezone(PARIS).date()
    return {
        one.demarche for one in load_all(stored=True) if one.configuration.is_deliberated(today)
    }


def set_up_logging(settings: Settings, *, talkative: bool = False) -> None:
    """Set up logging; `talkative`: at INFO without -v.

    Without -v only errors are logged: the printed report has what warnings would repeat.
    """
    from dsync.cli.stderr import configure_logging

    is_told = talkative or current_flags().verbose
    configure_logging(settings.log_format, logging.INFO if is_told else logging.ERROR)


@contextmanager
def open_worker(
    settings: Settings | None = None,
    *,
    stop: threading.Event | None = None,
    progress: Any = None,
    may_create: bool = True,
    store: Store | None = None,
) -> Iterator[Worker]:
    """Set up logging and yield the worker; close its database and connections at the end.

    Without settings, those of the command line; without a store, the database of the settings.
    `stop` ends the command. `may_create`: a missing SQLite file is created.
    """
    from dsync.wiring import Worker

    settings = settings or load()
    set_up_logging(settings)
    options: dict[str, Any] = {"progress": progress, "may_create": may_create, "store": store}
    with Worker(settings, stop=stop, **options) as worker:
        yield worker


def make_ready(worker: Worker) -> None:
    """Build the parts that depend only on settings, before a database is opened.

    ConfigurationError: a setting is invalid; nothing was opened.
    """
    worker.demarche, worker.programme, worker.client  # noqa: B018 - properties that raise


def journal(
    store: Store,
    seen: str,
    options: Mapping[str, Any],
    count: int,
    demarche: DemarcheNumber | None = None,
) -> None:
    """Journal who sees by this command what `seen` says; where nothing can be written, say so.

    Without a démarche, all were chosen.
    """
    now, result = datetime.now(UTC), {"nombre": count}
    try:
        for number in store.demarches() if demarche is None else (demarche,):
            with store.requests(number) as requests:
                requests.record(seen, options, asker(), since=now, now=now, result=result)
    except StoreError as exc:
        click.echo(f"That you saw this is not journaled: {exc.message}", err=True)


@contextmanager
def reading(settings: Settings | None = None, *, sorting: bool = False) -> Iterator[Reader]:
    """Yield a reader of the démarche's data; a missing database is not created.

    Without settings, those of the command line; `sorting`: as of `Store.reading`.
    """
    settings = settings or load(stored=True)
    number = DemarcheNumber(settings.demarche)
    with opened_store([settings]) as store, store.reading(number, sorting=sorting) as reader:
        yield reader


def for_each(each: Sequence[Chosen], act: Act, *, as_json: bool) -> None:
    """Do something for each démarche, and exit with the worst code; a failure stops no other one.

    The JSON of one démarche is its document, that of several a list.
    """
    documents: list[Any] = []
    codes = []
    for one, dossiers in each:
        concerning(one)
        if len(each) == 1:
            document, code = act(one, dossiers)
        else:
            if not as_json:
                heading(f"Démarche {one.demarche}")
            try:
                document, code = act(one, dossiers)
            except DsyncError as exc:
                code = exc.exit_code
                document = {"error": pasteable(exc.message), "exit_code": code}
                if not as_json:
                    tell(document["error"], code, as_json=False)
        documents.append((one.demarche, document))
        codes.append(code)
        if code >= InterruptedRunError.exit_code:
            break
    if as_json and len(each) == 1:
        print_json(documents[0][1])
    elif as_json:
        print_json([line for number, one in documents for line in _with(number, one)])
    elif len(each) > 1:
        _sum_up([one.demarche for one, _ in each], codes)
    if code := worst(codes):
        raise Exit(code)


def _sum_up(demarches: Sequence[int], codes: Sequence[int]) -> None:
    """Print how many démarches ended well, and how each other one did: it may have scrolled away.

    The codes are those of the démarches that were begun, in the same order.
    """
    others = [f"{one} (exit {code})" for one, code in zip(demarches, codes, strict=False) if code]
    left = len(demarches) - len(codes)
    said = f"{len(codes) - len(others)} of {len(demarches)} démarches without a problem"
    if others:
        said += f"; with one: {', '.join(others)}"
    if left:
        said += f"; {left} not begun"
    click.echo()
    print_note(f"{said}.", hanging=0)


def _with(demarche: int, document: Any) -> list[dict[str, Any]]:
    """Return a démarche's document, or the entries of its list, with the démarche's number."""
    lines = document if isinstance(document, list) else [document]
    return [{"demarche": demarche} | line for line in lines]


@dataclass(frozen=True, slots=True)
class Listed(Generic[T]):
    """What some démarches have, each with its démarche."""

    rows: list[tuple[int, T]]
    demarches: int
    """How many were looked at."""

    def first(self, limit: int, by: Callable[[T], Any], *, newest: bool = False) -> Listed[T]:
        """Return the first ones of all in an order."""
        rows = sorted(self.rows, key=lambda one: by(one[1]), reverse=newest)
        return Listed(rows[:limit], self.demarches)

    def print_as_json(self, of: Callable[[T], Mapping[str, Any]], *, as_json: bool) -> bool:
        """Print the JSON if it is asked for; return whether it is."""
        if as_json:
            print_json([{"demarche": number, **of(one)} for number, one in self.rows])
        return as_json

    def print(
        self, headers: Sequence[str], cells: Callable[[T], Sequence[Any]], **options: Any
    ) -> None:
        """Print a table by `print_table`, with the démarche where several were looked at."""
        if self.demarches == 1:
            print_table(headers, [cells(one) for _, one in self.rows], **options)
            return
        rows = [(number, *cells(one)) for number, one in self.rows]
        print_table(("démarche", *headers), rows, **options)


def listed(read: Callable[[Reader], Iterable[T]], *, everywhere: bool = False) -> Listed[T]:
    """Return what is found in each configured démarche, or in the chosen one.

    `everywhere`: `--all` was given, which excludes a choice.
    """
    every = load_all(stored=True, goes_on=True)
    if everywhere:
        check_all(every)
    rows: list[tuple[int, T]] = []
    with opened_store(every) as store:
        for one in every:
            with store.reading(DemarcheNumber(one.demarche)) as reader:
                rows += [(one.demarche, row) for row in read(reader)]
    return Listed(rows, len(every))

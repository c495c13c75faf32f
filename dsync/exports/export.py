"""Exports views into a folder: each file appears under its name when all are complete.

Beside them is their description, a Frictionless Data Package with a Table Schema for each file.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Connection

from dsync.domain.documented import MASKED
from dsync.domain.ids import DemarcheNumber
from dsync.domain.remedies import nearest
from dsync.errors import ConfigurationError, DsyncError
from dsync.exports import ENDINGS
from dsync.exports.view_tables import ROLL, ExportTable, iso
from dsync.exports.writers import CsvWriter, ParquetWriter, Writer, XlsxWriter
from dsync.programme import Dictionary
from dsync.store.dictionary import (
    DOSSIER_COLUMNS,
    DOSSIER_VIEW,
    NO_ROWS,
    PSEUDONYMISED,
    WITHHELD,
    is_closed,
)
from dsync.store.form_views import demarche_of

PACKAGE = "datapackage.json"
PARTIAL = ".dsync-partial"
"""The folder, in that of the export, of files that are not complete."""

_TYPES: Mapping[str, str] = {"text": "string", "json": "any"}
"""Types whose name differs in the Table Schema."""
_PARQUET_TYPES = {**_TYPES, "integer": "number"}
"""Frictionless reads Parquet by pandas, which has no integers in a column with an empty one. The
file has the exact types."""
_FORMS: Mapping[str, Mapping[str, Any]] = {"datetime": {"format": "%Y-%m-%dT%H:%M:%SZ"}}
_FRENCH_FORMS: Mapping[str, Mapping[str, Any]] = {
    "datetime": {"format": "%d/%m/%Y %H:%M"},
    "date": {"format": "%d/%m/%Y"},
    "boolean": {"trueValues": ["VRAI"], "falseValues": ["FAUX"]},
    # What makes a long number a text is not part of it.
    "integer": {"bareNumber": False},
    "number": {"bareNumber": False, "decimalChar": ","},
}
"""How a field's values are written, by type."""
_PARTIAL_KEYS = ("lecture_champ", "lecture_colonne", "lecture_statistique")
"""Views with a key of which a column may be empty, which a Table Schema does not allow."""


class Exported(NamedTuple):
    """A complete file."""

    view: str
    file: str
    rows: int
    cut: int
    """Texts that are cut at what the format holds."""


def tables_of(
    dictionary: Dictionary,
    names: Sequence[str] = (),
    *,
    without_personal_data: bool = False,
    demarche: DemarcheNumber | None = None,
    deliberated: Collection[int] = (),
) -> list[ExportTable]:
    """Return what to export: the views of these names, or all; of one démarche, or all.

    `without_personal_data` leaves out columns with personal data or free text, and empties what is
    of a person alone. It leaves out marks, too, but for the démarches in `deliberated`.

    Raises:
        ConfigurationError: there is no view of that name.
    """
    tables = []
    dictionary = {
        name: view
        for name, view in dictionary.items()
        if demarche is None or demarche_of(name) in (None, demarche)
    }
    for name in names or [one for one in dictionary if one not in WITHHELD]:
        if name not in dictionary:
            near = nearest(name, dictionary)
            hint = f"did you mean {near}?" if near else "see `dsync db dictionary`."
            raise ConfigurationError(f"There is no view {name}: {hint}")
        view = dictionary[name]
        columns = {
            column: one
            for column, one in view.columns.items()
            if not (without_personal_data and one.mark in MASKED)
        }
        has_no_rows = without_personal_data and is_closed(columns)
        tables.append(
            ExportTable(
                name,
                f"{view.description} {NO_ROWS}" if has_no_rows else view.description,
                columns,
                demarche,
                is_pseudonymised=without_personal_data,
                deliberated=deliberated,
                key=view.key,
            )
        )
    return tables


def export(
    connection: Connection,
    tables: Sequence[ExportTable],
    folder: Path,
    *,
    format_: str,
    made_at: datetime,
    since: datetime | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> list[Exported]:
    """Write tables and `datapackage.json`; files of the same names are replaced at the end.

    The folder is made if it is missing. The connection's transaction only reads, so that all tables
    are of the same instant. `format_` is a key of `ENDINGS`; `since` is as for `ExportTable.rows`,
    and gives one more file, the roll of all dossiers.
    `progress` is called with a table's name, its rows written so far and all its rows, which are
    counted for it.

    Raises:
        ConfigurationError: the folder cannot be written, another export writes into it, or pyarrow
            is missing.
        DsyncError: the disk is full, or the folder can no longer be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Tried before anything is read, because an export can take minutes.
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as exc:
        raise ConfigurationError(
            f"The folder {folder} cannot be written ({exc.strerror}): give another one."
        ) from exc
    if since is not None:
        tables = [*tables, _roll(tables[0])]
    done: list[Exported] = []
    with _alone_in(folder), _unwritable_told(folder), _replacing(folder) as open_:
        for table in tables:
            name = f"{table.file}.{ENDINGS[format_]}"
            rows = 0
            total = table.count(connection, since) if progress else 0
            if progress:
                progress(table.name, 0, total)
            with (
                contextlib.closing(_writer(open_(name), table, format_)) as writer,
                contextlib.closing(
                    table.rows(connection, since, as_texts=writer.takes_texts)
                ) as batches,
            ):
                for some in batches:
                    writer.write(some)
                    rows += len(some[0])
                    if progress:
                        progress(table.name, rows, total)
            done.append(Exported(table.file, name, rows, writer.cut))
        document = _descriptor(tables, format_=format_, made_at=made_at, since=since)
        text = json.dumps(document, ensure_ascii=False, indent=2)
        open_(PACKAGE).write_text(f"{text}\n", encoding="utf-8")
    return done


def _descriptor(
    tables: Sequence[ExportTable],
    *,
    format_: str,
    made_at: datetime,
    since: datetime | None,
) -> dict[str, Any]:
    """Return the content of `datapackage.json`; arguments as for `export`."""
    names = {table.file for table in tables}
    document: dict[str, Any] = {
        "profile": "data-package",
        "name": "dsync",
        "title": "Dossiers du programme, vus par dsync",
        "created": iso(made_at),
        "resources": [_resource(table, format_, names) for table in tables],
    }
    said = [PSEUDONYMISED] if tables[0].is_pseudonymised else []
    said += filter(None, [tables[0].remark])
    is_in_paris = format_ == "csv-fr"
    if any(one.type == "datetime" for table in tables for one in table.columns.values()):
        said.append(f"Dates avec une heure : {'heure de Paris' if is_in_paris else 'UTC'}.")
    if is_in_paris:
        said.append('Un texte que le tableur prendrait pour autre chose y est écrit ="…".')
    if format_ == "csv":
        said.append("Une apostrophe y précède ce qu’un tableur prendrait pour une formule.")
    if (demarche := tables[0].demarche) is not None:
        said.append(f"Démarche {demarche} seule.")
    if since is not None:
        whole = ", ".join(table.file for table in tables if not table.is_by_dossier)
        said.append(
            f"Chargement par différence depuis le {iso(since)} : ces ressources sont entières, et "
            f"remplacent tout : {whole} ; dans les autres, supprimer les lignes des numéros que "
            f"{ROLL} n’a pas, ou dont elle dit qu’ils ont bougé depuis, puis ajouter celles-ci."
        )
    document["description"] = " ".join(said)
    return document


def _resource(table: ExportTable, format_: str, names: Collection[str]) -> dict[str, Any]:
    forms = _FRENCH_FORMS if format_ == "csv-fr" else _FORMS
    types = _PARQUET_TYPES if format_ == "parquet" else _TYPES
    resource: dict[str, Any] = {
        "name": table.file,
        "path": f"{table.file}.{ENDINGS[format_]}",
        "format": ENDINGS[format_],
        "description": table.description,
        "schema": {
            "fields": [
                {
                    "name": name,
                    "type": types.get(one.type, one.type),
                    "description": one.said,
                    **forms.get(one.type, {}),
                }
                for name, one in table.columns.items()
            ]
        },
    }
    if table.name not in _PARTIAL_KEYS and table.key and {*table.key} <= {*table.columns}:
        resource["schema"]["primaryKey"] = [*table.key]
    # An anomaly can be of a dossier that was never read.
    is_part = table.name not in (DOSSIER_VIEW, "lecture_anomalie") and "numero" in table.columns
    dossiers = ROLL if ROLL in names else DOSSIER_VIEW
    if is_part and dossiers in names:
        of = {"resource": dossiers, "fields": ["numero"]}
        resource["schema"]["foreignKeys"] = [{"fields": ["numero"], "reference": of}]
    if ENDINGS[format_] == "csv":
        delimiter = ";" if format_ == "csv-fr" else ","
        resource |= {
            "profile": "tabular-data-resource",
            "encoding": "utf-8" if format_ == "csv-raw" else "utf-8-sig",
            "dialect": {"delimiter": delimiter, "lineTerminator": "\r\n"},
        }
    return resource


def _roll(table: ExportTable) -> ExportTable:
    """Return the table of all dossiers from which a loader sees which have moved, which left."""
    names = ("numero", "demarche_numero", "modifie_ici_le")
    return replace(
        table,
        name=DOSSIER_VIEW,
        description="Une ligne par dossier, qu'il ait bougé ou non : qui n'y est pas est parti.",
        columns={name: DOSSIER_COLUMNS[name] for name in names},
        key=("numero",),
        is_roll=True,
    )


def _writer(path: Path, table: ExportTable, format_: str) -> Writer:
    if ENDINGS[format_] == "csv":
        return CsvWriter(path, table, french=format_ == "csv-fr", raw=format_ == "csv-raw")
    return XlsxWriter(path, table) if format_ == "xlsx" else ParquetWriter(path, table)


@contextmanager
def _unwritable_told(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        reason = os.strerror(exc.errno) if exc.errno else exc
        raise DsyncError(
            f"The export cannot be written into {folder} ({reason}), and no file there was "
            "replaced. Free some space there, or give another folder."
        ) from exc


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Keep other exports out of a folder: both would write the same incomplete files."""
    # The folder itself is locked, so that a killed process leaves no lock behind.
    place = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as exc:
        os.close(place)
        raise ConfigurationError(
            f"Another export writes into {folder}: wait for its end, or give another folder."
        ) from exc
    # A shared file system may know no locks.
    except OSError:
        pass
    try:
        yield
    finally:
        os.close(place)


@contextmanager
def _replacing(folder: Path) -> Iterator[Callable[[str], Path]]:
    """Yield a function that gives a new file to write; at the end all files get their places.

    After an error they are deleted. Only their owner may read them, as they hold personal data.
    """
    partial = folder / PARTIAL
    # A killed export leaves it. A link there is not followed.
    if partial.is_symlink():
        partial.unlink()
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(mode=0o700)
    names: list[str] = []

    def open_(name: str) -> Path:
        (partial / name).touch(mode=0o600)
        names.append(name)
        return partial / name

    try:
        yield open_
        for name in names:
            os.replace(partial / name, folder / name)
    # Also after Ctrl-C: what is not complete must not stay.
    finally:
        shutil.rmtree(partial, ignore_errors=True)

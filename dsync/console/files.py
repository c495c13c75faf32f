"""What a page shows as a file for a French Excel: its headers and words, Paris time, French days.

`dsync export` writes the views as they are; its files are for programs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from typing import Any

from starlette.responses import Response

from dsync.console import words
from dsync.domain.dossier import PARIS
from dsync.exports.view_rows import Table
from dsync.exports.writers import CsvWriter, Writer, XlsxWriter
from dsync.store.scratch import private_folder

FORMATS = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def file_of(
    name: str, ending: str, columns: Mapping[str, str], rows: Iterable[Sequence[Any]]
) -> Response:
    """Return rows as a file to download.

    Args:
        name: of the file, without its ending.
        ending: a key of `FORMATS`.
        columns: the type of each column, as of the views, by its header.
        rows: their values; instants with a time zone.
    """
    table = Table(name, "", dict.fromkeys(columns, ""), columns)
    with private_folder() as folder:
        path = folder / f"{name}.{ending}"
        writer: Writer
        if ending == "csv":
            writer = CsvWriter(path, table, french=True)
        else:
            writer = XlsxWriter(path, table, day="dd/mm/yyyy", instant="dd/mm/yyyy hh:mm")
        with closing(writer):
            writer.write([[_cell(value) for value in column] for column in zip(*rows, strict=True)])
        content = path.read_bytes()
    return Response(
        content,
        media_type=FORMATS[ending],
        headers={"Content-Disposition": f'attachment; filename="{name}.{ending}"'},
    )


def _cell(value: Any) -> Any:
    """Return a value as a file shows it, in which days, instants and numbers stay what they are."""
    match value:
        case bool():
            return words.text(value)
        case datetime():
            return value.astimezone(PARIS)
        case str():
            return words.visible(value)
        case _:
            return value

"""What a page shows as a file for a French Excel: its headers and words, Paris time, French days.

`dsync export` writes the views under the names of their columns.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from typing import IO, Any
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.responses import Response, StreamingResponse

from dsync.console import words
from dsync.console.visit import Visit
from dsync.domain.documented import Declared
from dsync.domain.dossier import PARIS
from dsync.exports.view_rows import ExportTable
from dsync.exports.writers import CsvWriter, Writer, XlsxWriter
from dsync.store.private_files import private_folder

PART_BYTES = 256 * 1024
FORMATS = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def file_of(
    visit: Visit,
    title: str,
    columns: Mapping[str, str],
    batches: Iterable[Iterable[Sequence[Any]]],
) -> Response:
    """Return rows as a file to download, which is sent a part at a time; 404: of no known form.

    `columns` has the type of each column, as of the views, by its header; the instants in `batches`
    have a time zone.
    """
    ending = visit.request.path_params["ending"]
    if ending not in FORMATS:
        raise HTTPException(404)
    name = f"{title}-{visit.worker.demarche}-{visit.today}"
    table = ExportTable(
        name, "", {header: Declared(type=type_) for header, type_ in columns.items()}
    )
    count = 0
    with private_folder() as folder:
        path = folder / f"{name}.{ending}"
        writer: Writer
        if ending == "csv":
            writer = CsvWriter(path, table, french=True)
        else:
            writer = XlsxWriter(path, table, day="dd/mm/yyyy", instant="dd/mm/yyyy hh:mm")
        with closing(writer):
            for rows in map(list, batches):
                count += len(rows)
                columns_of = zip(*rows, strict=True)
                writer.write([[cell(value) for value in column] for column in columns_of])
        # An open file outlives its folder.
        file = path.open("rb")
    return sent(file, f"{name}.{ending}", FORMATS[ending], rows=count)


class Download(StreamingResponse):
    """A file; who took it is journaled."""

    rows: int = 1
    """How many rows it has, or 1."""


def sent(
    file: IO[bytes], name: str, media_type: str = "application/octet-stream", *, rows: int = 1
) -> Download:
    """Return an open file, at its beginning, as a download, which no browser shows in its place.

    It is closed at the end. Its name may be by anybody. `rows` is how many it has.
    """
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", name)
    # RFC 6266: the second name is that of browsers, the first one of programs that know no other.
    named = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
    answer = Download(
        _parts(file),
        media_type=media_type,
        headers={
            "Content-Disposition": named,
            "Content-Length": str(os.fstat(file.fileno()).st_size),
        },
    )
    answer.rows = rows
    return answer


def _parts(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while part := file.read(PART_BYTES):
            yield part


def cell(value: Any) -> Any:
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

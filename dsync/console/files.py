"""What a page shows as a file for a French Excel: its headers and words, Paris time, French days.

`dsync export` writes the views under the names of their columns. What takes long is made beside the
pages, as a search is: its page has the progress, then the file.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import wait
from contextlib import closing
from datetime import datetime
from typing import IO, Any
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from dsync.console import words
from dsync.console.access import Right
from dsync.console.desk import Search
from dsync.console.visit import Visit
from dsync.domain.documented import Declared
from dsync.domain.dossier import PARIS
from dsync.exports.view_tables import ExportTable
from dsync.exports.writers import CsvWriter, Writer, XlsxWriter
from dsync.store.private_files import private_folder

PART_BYTES = 256 * 1024
AT_ONCE_S = 2.0
"""How long a page waits for a file; of a few thousand dossiers, it then has it."""
_GONE = "Ce fichier n’est plus gardé : demandez-le de nouveau."
FORMATS = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def file_of(
    visit: Visit,
    title: str,
    columns: Mapping[str, str],
    batches: Iterable[Iterable[Sequence[Any]]],
) -> Download:
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
    """A file, which is closed once it is sent; who took it is journaled.

    `size` is in bytes, `rows` how many it has, or 1; `asked` is the visit that asked for it, where
    another one may take it.
    """

    def __init__(
        self, file: IO[bytes], media_type: str, headers: dict[str, str], rows: int
    ) -> None:
        super().__init__(_parts(file), media_type=media_type, headers=headers)
        self._file = file
        self.size, self.rows = int(headers["Content-Length"]), rows
        self.asked: Visit | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it, and close it, also where nobody waits for it any more."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self.close()

    def close(self) -> None:
        """Close the file that nobody took."""
        self._file.close()


def sent(
    file: IO[bytes], name: str, media_type: str = "application/octet-stream", *, rows: int = 1
) -> Download:
    """Return an open file, at its beginning, as a download, which no browser shows in its place.

    It is closed at the end. Its name may be by anybody. `rows` is how many it has.
    """
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", name)
    # RFC 6266: the second name is that of browsers, the first one of programs that know no other.
    named = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
    size = str(os.fstat(file.fileno()).st_size)
    headers = {"Content-Disposition": named, "Content-Length": size}
    return Download(file, media_type, headers, rows)


def prepared(visit: Visit, make: Callable[[Callable[[int, int], None]], Download]) -> Response:
    """Send a file at once; one that takes longer has a page with its progress.

    `make` is called beside the pages, with a function to call with how many of its rows there are.
    """

    def make_it(progress: Callable[[int, int], None]) -> Download:
        made = make(progress)
        made.asked = visit
        return made

    desk = visit.site.desk
    one = desk.search(visit.worker, visit.here, make_it, visit.actor.name, is_file=True)
    # A page that waits holds up others: one at a time.
    if not one.is_shared and not desk.is_making_files:
        wait([one.result], AT_ONCE_S)
    if one.is_shared or not one.result.done():
        return visit.back(f"/fichiers/{one.id}")
    return _taken(visit, one)


def show(visit: Visit) -> Response:
    """Show how far a file is, then its size; 404: as `_file`."""
    one = _file(visit)
    file, error = one.outcome
    template = "fichier_suite.html" if visit.is_asked_again else "fichier.html"
    return visit.page(template, one=one, file=file, error=error)


def take(visit: Visit) -> Response:
    """Send a file that is made, once; 404: it is not, or as `_file`."""
    one = _file(visit)
    file, _ = one.outcome
    if file is None:
        raise HTTPException(404, _GONE)
    if visit.request.method == "HEAD":
        return Response()
    return _taken(visit, one)


def _taken(visit: Visit, one: Search) -> Download:
    # Whoever takes it closes it: an erasure closes what nobody has taken.
    if not visit.site.desk.take(one):
        raise HTTPException(404, _GONE)
    made: Download = one.result.result()
    return made


def _file(visit: Visit) -> Search:
    one = visit.site.desk.found(visit.in_path("id"), visit.worker, visit.name, is_file=True)
    if one is None:
        raise HTTPException(404, _GONE)
    return one


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


PAGES = [
    ("GET", "/fichiers/{id}", show, Right.LIRE),
    ("GET", "/fichiers/{id}/fichier", take, Right.LIRE),
]

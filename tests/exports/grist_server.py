"""A server that behaves as Grist's REST API does, as far as dsync uses it.

Held to what was measured on a real one: names that change on the way, types that convert silently,
bodies above 1 MiB, too many requests, access rules. `DSYNC_TEST_GRIST_URL` has the same tests asked
of a real one.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MOST_BYTES = 1_048_576


@dataclass
class GristColumn:
    """A column, as `_grist_Tables_column` has it."""

    ref: int
    id: str
    fields: dict[str, Any]


@dataclass
class GristTable:
    """A table with its rows by id."""

    ref: int
    id: str
    columns: list[GristColumn] = field(default_factory=list)
    rows: dict[int, dict[str, Any]] = field(default_factory=dict)
    hidden: set[int] = field(default_factory=set)
    """The rows that access rules keep from the key."""


class RefusedError(Exception):
    """An answer that is none of success."""


class Grist:
    """One document."""

    def __init__(self) -> None:
        self.tables: dict[str, GristTable] = {}
        self.refs = 0
        self.writes: list[tuple[str, str, int]] = []
        """Method, path and number of rows of each request that changed something."""
        self.reads = 0
        self.busy = 0
        """How many of the next requests are answered with 429."""
        self.dies_after: int | None = None
        """After how many writes it answers nothing any more."""
        self.odd: Any = None
        """What everything is answered with, if not None."""
        self.address = ""

    def table(self, name: str) -> GristTable:
        """Return the table of a name, whatever its case."""
        return next(one for id_, one in self.tables.items() if id_.lower() == name.lower())

    def rows(self, name: str) -> dict[str, dict[str, Any]]:
        """Return dsync's rows of a table by their key."""
        rows = self.table(name).rows.values()
        return {row["dsync_cle"]: row for row in rows if row.get("dsync_cle")}

    def add_column(self, table: GristTable, name: str, **fields: Any) -> GristColumn:
        """Make a column; its name is changed as Grist does."""
        id_ = self._named(name, {one.id.lower() for one in table.columns} | {"id", "manualsort"})
        self.refs += 1
        column = GristColumn(self.refs, id_, {"type": "Any", "isFormula": False, **fields})
        table.columns.append(column)
        for row in table.rows.values():
            row[id_] = self._stored(column, None)
        return column

    @staticmethod
    def _named(name: str, taken: set[str]) -> str:
        ascii_ = name.encode("ascii", "ignore").decode()
        wanted, rank = re.sub(r"\W", "_", ascii_) or "A", 2
        found = wanted
        while found.lower() in taken:
            found, rank = f"{wanted}{rank}", rank + 1
        return found

    @staticmethod
    def _stored(column: GristColumn, value: Any) -> Any:
        if column.fields["type"] == "Bool" and value is None:
            return False
        if column.fields["type"] == "Int" and isinstance(value, int) and abs(value) >= 2**31:
            return str(value)
        if column.fields["type"] in ("Text", "Choice") and value is None:
            return ""
        return value

    def answer(self, method: str, path: str, body: Any) -> Any:
        """Do a request; raises `RefusedError` with the status."""
        _, _, name, *rest = [*path.split("/"), "", ""]
        if path == "/tables" and method == "GET":
            tables = self.tables.values()
            return {"tables": [{"id": one.id, "fields": {"tableRef": one.ref}} for one in tables]}
        if path == "/tables":
            [new] = body["tables"]
            self.refs += 1
            taken = {one.lower() for one in self.tables}
            table = GristTable(self.refs, self._named(new["id"].capitalize(), taken))
            self.tables[table.id] = table
            for one in new["columns"]:
                self.add_column(table, one["id"], **one["fields"])
            return {"tables": [{"id": table.id}]}
        if name not in self.tables:
            raise RefusedError(404)
        table, what = self.tables[name], "/".join(one for one in rest if one)
        if (what, method) == ("columns", "GET"):
            columns = [
                {"id": one.id, "fields": {"colRef": one.ref, **one.fields}} for one in table.columns
            ]
            return {"columns": columns}
        if (what, method) == ("columns", "PATCH"):
            by_id = {one.id: one for one in table.columns}
            for one in body["columns"]:
                by_id[one["id"]].fields |= one["fields"]
            return None
        if what == "columns":
            made = [self.add_column(table, one["id"], **one["fields"]) for one in body["columns"]]
            return {"columns": [{"id": one.id} for one in made]}
        if (what, method) == ("data", "GET"):
            seen = [id_ for id_ in sorted(table.rows) if id_ not in table.hidden]
            cells = {one.id: [table.rows[i].get(one.id) for i in seen] for one in table.columns}
            return {"id": seen, **cells}
        if what == "data/delete":
            for id_ in body:
                table.rows.pop(id_, None)
            return None
        columns_by_id = {one.id: one for one in table.columns}
        ids = body.pop("id", None)
        if body.keys() - columns_by_id.keys():
            raise RefusedError(400)
        if method == "PATCH":
            if any(id_ in table.hidden for id_ in ids):
                raise RefusedError(403)
            if any(id_ not in table.rows for id_ in ids):
                raise RefusedError(404)
        else:
            first = max(table.rows, default=0) + 1
            ids = [*range(first, first + len(next(iter(body.values()))))]
            for id_ in ids:
                table.rows[id_] = {n: self._stored(o, None) for n, o in columns_by_id.items()}
        for rank, id_ in enumerate(ids):
            for column, values in body.items():
                table.rows[id_][column] = self._stored(columns_by_id[column], values[rank])
        return ids if method == "POST" else None


@contextmanager
def grist_server() -> Iterator[Grist]:
    """Serve an empty document."""
    grist = Grist()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._do("GET")

        def do_POST(self) -> None:
            self._do("POST")

        def do_PATCH(self) -> None:
            self._do("PATCH")

        def _do(self, method: str) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            path = self.path.partition("/api/docs/doc")[2].partition("?")[0]
            if grist.busy:
                grist.busy -= 1
                return self._say(429, {"error": "Too many requests"})
            if grist.odd is not None:
                return self._say(200, grist.odd)
            if self.headers.get("Authorization") != "Bearer key":
                return self._say(401, {"error": "invalid key"})
            if len(raw) > MOST_BYTES:
                return self._say(413, {"error": "request entity too large"})
            if method == "GET":
                grist.reads += 1
            else:
                if grist.dies_after is not None and len(grist.writes) >= grist.dies_after:
                    self.close_connection = True
                    return None
                body = json.loads(raw)
                some = body if isinstance(body, list) else next(iter(body.values()))
                grist.writes.append((method, path, len(some)))
            try:
                found = grist.answer(method, path, json.loads(raw) if raw else None)
            except RefusedError as exc:
                return self._say(exc.args[0], {"error": "refused"})
            return self._say(200, found)

        def _say(self, status: int, document: Any) -> None:
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Print nothing."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            """Print nothing: a client may go away."""

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    grist.address = f"http://127.0.0.1:{server.server_port}/api/docs/doc"
    try:
        yield grist
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

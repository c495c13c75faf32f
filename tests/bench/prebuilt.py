"""A server of prebuilt answers, in a process of its own: what it costs is next to nothing.

The dossiers are those of the sandbox's form, rendered once by the sandbox from the client's own
document, then served again and again under other numbers, dates and products. Reading is all
that it answers.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from subprocess import PIPE, Popen
from typing import TYPE_CHECKING, Any

import requests

from dsync.domain.wording import fold
from dsync.ds import operations

if TYPE_CHECKING:
    from dsync.sandbox import Sandbox

SEED = 7
DEMARCHE = 86321
PAGE = 100
EPOCH = "1970-01-01T00:00:00+00:00"
DOSSIER_BYTES = 20_000
"""Minimum size of a dossier's JSON: shorter ones get a longer answer."""
FIRST_NUMBER = 20_000_000
FIRST_INSTANT = datetime(2024, 3, 1, tzinfo=UTC)
_PRODUCT = re.compile(r"(?<=beta\.gouv\.fr/startups/)[\w.-]+?(?=\.html|[^\w.-])", re.IGNORECASE)
_HOLE = re.compile(rb"@(number|id|instant|product)@")


class Corpus:
    """The bytes of any page of a démarche of `count` dossiers, made of some hundred real ones."""

    def __init__(self, sandbox: Sandbox, count: int, products: int) -> None:
        self.count = count
        self._products = products
        # So that the dossiers of one product are anywhere in the list, as in a real call.
        self._places = random.Random(SEED).sample(range(count), count)
        self._token = sandbox.tokens.write
        self._url = sandbox.ds_url
        self.demarche = self._post("demarche", {"number": DEMARCHE})
        page = json.loads(self._post("dossiers_page", page_variables(None)))["data"]["demarche"]
        self._catalogue(sandbox)
        self._templates = [self._template(node) for node in page["dossiers"]["nodes"]]
        page["dossiers"]["nodes"] = "@nodes@"
        page["dossiers"]["pageInfo"] = "@info@"
        for name in ("pendingDeletedDossiers", "deletedDossiers"):
            page[name] = {"nodes": [], "pageInfo": {"endCursor": None, "hasNextPage": False}}
        whole = json.dumps({"data": {"demarche": page}}, ensure_ascii=False).encode()
        self._head, _, rest = whole.partition(b'"@nodes@"')
        self._middle, _, self._tail = rest.partition(b'"@info@"')

    def page(self, after: str | None, since: str) -> bytes:
        """Return the page after a cursor; nothing has changed since any later date."""
        start = int(after or 0)
        end = min(start + PAGE, self.count)
        if since > FIRST_INSTANT.isoformat():
            start = end = self.count
        nodes = b",".join([self._node(index) for index in range(start, end)])
        cursor = str(end) if end > start else None
        info = json.dumps({"endCursor": cursor, "hasNextPage": end < self.count}).encode()
        return b"".join([self._head, b"[", nodes, b"]", self._middle, info, self._tail])

    def _node(self, index: int) -> bytes:
        instant = FIRST_INSTANT + timedelta(seconds=60 * index)
        product = self._places[index] % self._products
        values = {
            b"number": b"%d" % (FIRST_NUMBER + index),
            b"id": b"Dossier-%d" % (FIRST_NUMBER + index),
            b"instant": instant.isoformat().encode(),
            b"product": b"produit-%d" % product,
        }
        pieces = self._templates[product % len(self._templates)]
        return b"".join([values.get(piece, piece) for piece in pieces])

    def _template(self, node: dict[str, Any]) -> list[bytes]:
        node |= {"number": "@number@", "id": "@id@", "dateDerniereModification": "@instant@"}
        text = _json(node)
        if (missing := DOSSIER_BYTES - len(text.encode())) > 0:
            answers = [champ for champ in node["champs"] if champ.get("textValue")]
            longest = max(answers, key=lambda champ: len(champ["textValue"]))
            # Its text is in it twice.
            longest["textValue"] += "\n" + "Un mot. " * (missing // 16)
            longest["stringValue"] = longest["textValue"]
            text = _json(node)
        text = text.replace('"@number@"', "@number@")
        # Pages that the catalogue does not know stay unknown.
        text = _PRODUCT.sub(lambda m: "@product@" if fold(m[0]) in self._known else m[0], text)
        return _HOLE.split(text.encode())

    def _catalogue(self, sandbox: Sandbox) -> None:
        """Add products to the sandbox's catalogue, so that few dossiers share one."""
        answer = requests.get(f"{sandbox.betagouv_url}/api/v2.6/startups.json", timeout=10)
        document = answer.json()
        self.redirects = requests.get(f"{sandbox.betagouv_url}/redirects.json", timeout=10).content
        whole = [p for p in document["data"] if p["attributes"].get("repository")]
        self._known = {fold(product["id"]) for product in document["data"]}
        for number in range(self._products):
            twin = whole[number % len(whole)]
            site = f"https://produit-{number}.example.gouv.fr"
            attributes = twin["attributes"] | {"name": f"Produit {number}", "link": site}
            attributes["repository"] = f"https://github.com/betagouv-exemple/produit-{number}"
            document["data"].append(twin | {"id": f"produit-{number}", "attributes": attributes})
        self.startups = json.dumps(document, ensure_ascii=False).encode()

    def _post(self, name: str, variables: dict[str, Any]) -> bytes:
        answer = requests.post(
            self._url,
            json=operations.load(name).asking(variables).payload,
            headers={"Authorization": f"Bearer {self._token}"},
            timeout=30,
        )
        return answer.content


def _json(node: dict[str, Any]) -> str:
    return json.dumps(node, ensure_ascii=False, separators=(",", ":"))


def page_variables(after: str | None) -> dict[str, Any]:
    """Return what a full read asks for a page, without the lists of deletions."""
    return {
        "number": DEMARCHE,
        "first": PAGE,
        "after": after,
        "updatedSince": EPOCH,
        "withPending": False,
        "withDeleted": False,
    }


class Server(ThreadingHTTPServer):
    """Counts its requests and the time that it takes itself, latency included."""

    daemon_threads = True

    def __init__(self, corpus: Corpus, latency_s: float) -> None:
        self.corpus = corpus
        self.latency_s = latency_s
        self.requests = 0
        self.busy_s = 0.0
        self._lock = threading.Lock()
        super().__init__(("127.0.0.1", 0), Handler)

    def handle_error(self, *_: Any) -> None:
        """A client that has gone away is no news."""

    def count(self, seconds: float) -> None:
        """Note one request to the API."""
        with self._lock:
            self.requests += 1
            self.busy_s += seconds


class Handler(BaseHTTPRequestHandler):
    """Answers from the corpus."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    server: Server

    def do_POST(self) -> None:
        """Answer a query by its operation's name."""
        started = time.perf_counter()
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        time.sleep(self.server.latency_s)
        if body["operationName"] == "Demarche":
            self._write(self.server.corpus.demarche)
        else:
            variables = body["variables"]
            self._write(self.server.corpus.page(variables.get("after"), variables["updatedSince"]))
        self.server.count(time.perf_counter() - started)

    def do_GET(self) -> None:
        """Answer for beta.gouv.fr; `/counts` tells what was asked since it was last told."""
        corpus = self.server.corpus
        if self.path == "/counts":
            counts = {"requests": self.server.requests, "busy_s": self.server.busy_s}
            self.server.requests, self.server.busy_s = 0, 0.0
            self._write(json.dumps(counts).encode())
        else:
            is_redirects = self.path.endswith("redirects.json")
            self._write(corpus.redirects if is_redirects else corpus.startups)

    def log_message(self, *_: Any) -> None:
        """Print nothing."""

    def _write(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()


class Prebuilt:
    """A running server, seen from the benchmark."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.ds_url = f"{base_url}/api/v2/graphql"

    def counts(self) -> dict[str, float]:
        """Return requests and seconds since the last call."""
        counts: dict[str, float] = requests.get(f"{self.base_url}/counts", timeout=10).json()
        return counts


@contextmanager
def serving(dossiers: int, *, products: int = 1_000, latency_ms: int = 0) -> Iterator[Prebuilt]:
    """Run a server in another process for as long as the block lasts."""
    arguments = [str(dossiers), str(products), str(latency_ms)]
    command = [sys.executable, "-m", "tests.bench.prebuilt", *arguments]
    with Popen(command, stdout=PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield Prebuilt(process.stdout.readline().strip())
        finally:
            process.terminate()


def main(arguments: Sequence[str]) -> None:
    """Serve until killed; print the address."""
    parser = argparse.ArgumentParser()
    parser.add_argument("dossiers", type=int)
    parser.add_argument("products", type=int)
    parser.add_argument("latency_ms", type=int)
    options = parser.parse_args(arguments)
    # Not at the top: whoever is measured imports this file and has no use for it.
    from dsync.sandbox import Sandbox

    with Sandbox.start(2 * PAGE, SEED) as sandbox:
        corpus = Corpus(sandbox, options.dossiers, options.products)
    server = Server(corpus, options.latency_ms / 1000)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1:])

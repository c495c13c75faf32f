"""A stand-in of DS with many démarches of small dossiers, and DS's own limit of requests.

Each démarche is the prebuilt one under another number. Beyond 400 requests of a token in a minute
of the clock, the answer is a 429 as DS's; they are counted.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections import Counter
from typing import Any

from tests.bench import prebuilt

LIMIT = 400
REVISION = b"UHJvY2VkdXJlUmV2aXNpb24t"
"""What the sandbox's ids of revisions begin with: of no two démarches are they the same."""
FIRST = 50_000


class Handler(prebuilt.Handler):
    """Answers about any démarche."""

    server: Server

    def do_POST(self) -> None:  # noqa: N802 - http.server's name
        """Answer a query, or refuse it."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        minute = int(time.time() // 60)
        if self.server.note(self.headers["Authorization"], minute):
            self.send_response(429)
            self.send_header("RateLimit-Remaining", "0")
            self.send_header("RateLimit-Reset", str(60 * (minute + 1)))
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        time.sleep(self.server.latency_s)
        variables = body["variables"]
        number = variables["number"]
        corpus = self.server.corpus
        if body["operationName"] == "Demarche":
            answer = corpus.demarche
        else:
            answer = corpus.page(variables.get("after"), variables.get("updatedSince", ""))
            rank = number - FIRST
            answer = answer.replace(
                b"%d" % (prebuilt.FIRST_NUMBER // 1000), b"%d" % (20_000 + rank)
            )
        answer = answer.replace(REVISION, b"%d-" % number)
        self._write(answer.replace(b"%d" % prebuilt.DEMARCHE, b"%d" % number))

    def do_GET(self) -> None:  # noqa: N802 - http.server's name
        """Tell the requests by minute and what was refused, or answer for beta.gouv.fr."""
        if self.path != "/counts":
            super().do_GET()
            return
        counts = {"requests": sum(self.server.sent.values()), "refused": self.server.refused}
        counts["most"] = max(self.server.sent.values(), default=0)
        self._write(json.dumps(counts).encode())


class Server(prebuilt.Server):
    """Counts requests by token and minute."""

    def __init__(self, corpus: prebuilt.Corpus, latency_s: float) -> None:
        self.sent: Counter[tuple[str, int]] = Counter()
        self.refused = 0
        super().__init__(corpus, latency_s)
        self.RequestHandlerClass: Any = Handler

    def note(self, token: str, minute: int) -> bool:
        """Count a request; return whether it is one too many."""
        with self._lock:
            self.sent[token, minute] += 1
            is_too_many = self.sent[token, minute] > LIMIT
            self.refused += is_too_many
        return is_too_many


def main() -> None:
    """Serve until killed, with a latency in ms and a number of dossiers; print the address."""
    from dsync.sandbox import Sandbox

    # As the sandbox renders them: 20 KB each would measure the disk.
    prebuilt.DOSSIER_BYTES = 0
    dossiers = int(sys.argv[2])
    with Sandbox.start(dossiers, prebuilt.SEED) as sandbox:
        corpus = prebuilt.Corpus(sandbox, dossiers, 1000)
    server = Server(corpus, float(sys.argv[1]) / 1000)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    # Until who started it has ended, however that was.
    sys.stdin.read()


if __name__ == "__main__":
    main()

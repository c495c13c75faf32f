"""Files of dossiers, and their signed addresses, which expire after an hour."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from dsync.sandbox.world.champs import ServedChamp
from dsync.sandbox.world.model import FileSeed, ServedDossier, World

_LIFETIME = timedelta(hours=1)
_SECRET = secrets.token_bytes(32)


@dataclass(slots=True, eq=False)
class ServedFile:
    """A file of a dossier, or one that is generated when it is fetched (pdf, geojson)."""

    dossier: ServedDossier
    path: str
    """``pdf``, ``geojson``, or the champ's key and the file's index."""
    filename: str
    content_type: str
    created_at: datetime
    content: bytes = b""
    checksum: str = ""
    """MD5 in base64; empty for a generated file."""
    virus_scan_result: str = "pending"

    @property
    def byte_size(self) -> int:
        """Size in bytes."""
        return len(self.content)

    def signed_path(self, now: datetime) -> str:
        """Return a signed path to the file, valid for an hour."""
        until = int((now + _LIFETIME).timestamp())
        payload = json.dumps([self.dossier.number, self.path, until]).encode()
        token = base64.urlsafe_b64encode(payload).decode()
        return f"{token}--{_sign(token)}/{quote(self.filename)}"


def files_of(champ: ServedChamp) -> list[ServedFile]:
    """Return the files of a champ that the API lists: not the infected ones."""
    return [
        _stored(champ, rank, seed)
        for rank, seed in enumerate(champ.value or ())
        if seed.virus_scan != "infected"
    ]


def made(dossier: ServedDossier, kind: str, at: datetime) -> ServedFile:
    """Return the pdf or the geojson of a dossier, generated `at` that instant."""
    content_type = "application/pdf" if kind == "pdf" else "application/json"
    return ServedFile(dossier, kind, f"dossier-{dossier.number}.{kind}", content_type, at)


def fetch(world: World, path: str) -> tuple[int, str, bytes]:
    """Return status, content type and content of a file.

    The status is 401 for a wrong signature, 404 for an expired address or a missing file.
    """
    token, _, rest = path.partition("--")
    if not hmac.compare_digest(_sign(token), rest.partition("/")[0]):
        return 401, "text/html", b""
    number, kind, until = _payload(token)
    dossier = world.dossier(number)
    expired = datetime.fromtimestamp(until, UTC) < world.now()
    if dossier is None or expired or dossier.listed == "supprime":
        return 404, "text/html", b""
    if kind == "pdf":
        return 200, "application/pdf", b"%%PDF-1.4\n%% dossier %d" % number
    if kind == "geojson":
        shape: dict[str, Any] = {"type": "FeatureCollection", "id": number, "features": []}
        return 200, "application/json", json.dumps({**shape, "bbox": [None] * 4}).encode()
    key, _, rank = kind.rpartition("/")
    seeds = _seeds(dossier, *key.partition("|")[::2])
    if int(rank) >= len(seeds):
        return 404, "text/html", b""
    return 200, seeds[int(rank)].content_type, seeds[int(rank)].content


def _stored(champ: ServedChamp, rank: int, seed: FileSeed) -> ServedFile:
    digest = hashlib.md5(seed.content, usedforsecurity=False).digest()
    return ServedFile(
        champ.dossier,
        f"{champ.key}/{rank}",
        seed.filename,
        seed.content_type,
        champ.updated_at,
        seed.content,
        base64.b64encode(digest).decode(),
        seed.virus_scan,
    )


def _payload(token: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(token))


def _seeds(dossier: ServedDossier, stable_id: str, ulid: str) -> list[FileSeed]:
    rows = [row for rows in dossier.rows.values() for row in rows if row.ulid == ulid]
    sources = [row.cells for row in rows] or [dossier.champs, dossier.annotations]
    found = (cells.get(int(stable_id)) for cells in sources)
    return next((list(seeds) for seeds in found if seeds), [])


def _sign(token: str) -> str:
    return hmac.new(_SECRET, token.encode(), hashlib.sha256).hexdigest()[:40]

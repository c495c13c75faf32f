"""Files: what the API tells of them, and the signed addresses that expire within the hour."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from dsync.sandbox.answers import Answer, as_json
from dsync.sandbox.champ import Champ
from dsync.sandbox.clock import iso
from dsync.sandbox.model import Dossier
from dsync.sandbox.seed import FileSeed

if TYPE_CHECKING:
    from dsync.sandbox.context import Context
    from dsync.sandbox.world import World

PREFIX = "/files/"
_LIFETIME = timedelta(hours=1)
_SECRET = secrets.token_bytes(32)


@dataclass(slots=True, eq=False)
class File:
    """A file of a dossier, or one that is made when it is fetched (pdf, geojson)."""

    dossier: Dossier
    path: str
    """Where it is: ``pdf``, ``geojson``, or the champ's key and its rank."""
    filename: str
    content_type: str
    created_at: datetime
    seed: FileSeed | None = None

    @property
    def checksum(self) -> str:
        """The base64 MD5, empty for a file that is not made yet."""
        if self.seed is None:
            return ""
        digest = hashlib.md5(self.seed.content, usedforsecurity=False).digest()
        return base64.b64encode(digest).decode()

    @property
    def size(self) -> int:
        """Its size in bytes."""
        return len(self.seed.content) if self.seed else 0

    @property
    def virus_scan(self) -> str:
        """What the antivirus says of it."""
        return self.seed.virus_scan if self.seed else "pending"


def files_of(champ: Champ) -> list[File]:
    """Return the files of a champ; an infected one is not listed."""
    return [
        File(champ.dossier, f"{champ.key}/{rank}", s.filename, s.content_type, champ.updated_at, s)
        for rank, s in enumerate(champ.value or ())
        if s.virus_scan != "infected"
    ]


def made(dossier: Dossier, kind: str, at: datetime) -> File:
    """Return the pdf or the geojson of a dossier."""
    content_type = "application/pdf" if kind == "pdf" else "application/json"
    return File(dossier, kind, f"dossier-{dossier.number}.{kind}", content_type, at)


def url(file: File, context: Context) -> str:
    """Return a signed address of the file, good for an hour."""
    context.expiring = True
    until = int((context.now() + _LIFETIME).timestamp())
    payload = as_json({"d": file.dossier.number, "p": file.path, "exp": until})
    token = base64.urlsafe_b64encode(payload).decode()
    return f"{context.base_url}{PREFIX}{token}--{_sign(token)}/{quote(file.filename)}"


def facts(file: File) -> dict[str, Any]:
    """Return what the API tells of a file, its address excepted."""
    return {
        "filename": file.filename,
        "content_type": file.content_type,
        "checksum": file.checksum,
        "byte_size": file.size,
        "byte_size_big_int": str(file.size),
        "created_at": iso(file.created_at),
        "virus_scan_result": file.virus_scan,
    }


def download(world: World, path: str) -> Answer:
    """Answer a fetch: 401 for an address that was tampered with, 404 for one that has expired."""
    token, _, rest = path.removeprefix(PREFIX).partition("--")
    if not hmac.compare_digest(_sign(token), rest.partition("/")[0]):
        return Answer(401, b"", "text/html")
    try:
        payload = json.loads(base64.urlsafe_b64decode(token))
    except (binascii.Error, ValueError):
        return Answer(401, b"", "text/html")
    dossier = world.dossier(payload["d"])
    expired = datetime.fromtimestamp(payload["exp"], UTC) < world.clock.now()
    if dossier is None or expired or dossier.presence == "supprime":
        return Answer(404, b"", "text/html")
    return _content(dossier, payload["p"])


def _content(dossier: Dossier, path: str) -> Answer:
    if path == "pdf":
        return Answer(
            200, b"%PDF-1.4\n% dossier " + str(dossier.number).encode(), "application/pdf"
        )
    if path == "geojson":
        shape = {"type": "FeatureCollection", "id": dossier.number, "bbox": [None] * 4}
        return Answer(200, as_json({**shape, "features": []}), "application/json")
    key, _, rank = path.rpartition("/")
    stable_id, _, row = key.partition("|")
    found = _files(dossier, int(stable_id), row)
    if int(rank) >= len(found):
        return Answer(404, b"", "text/html")
    seed = found[int(rank)]
    return Answer(200, seed.content, seed.content_type)


def _files(dossier: Dossier, stable_id: int, ulid: str) -> list[FileSeed]:
    if ulid:
        rows = [row for rows in dossier.rows.values() for row in rows if row.ulid == ulid]
        return list(rows[0].cells.get(stable_id) or ()) if rows else []
    seed = dossier.seed
    return list(seed.champs.get(stable_id) or seed.annotations.get(stable_id) or ())


def _sign(token: str) -> str:
    return hmac.new(_SECRET, token.encode(), hashlib.sha256).hexdigest()[:40]

"""Files of dossiers, and their signed addresses, which expire after an hour."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from dsync.sandbox.world.champs import ServedChamp
from dsync.sandbox.world.model import FileSeed, ServedDossier, World

_LIFETIME = timedelta(hours=1)
_SECRET = secrets.token_bytes(32)

ServedFile = dict[str, Any]
"""A file as the API's `File`, with its dossier's number and its path in the dossier."""


def signed_path(file: ServedFile, now: datetime) -> str:
    """Return a signed path to a file, valid for an hour."""
    until = int((now + _LIFETIME).timestamp())
    payload = json.dumps([file["number"], file["path"], until]).encode()
    token = base64.urlsafe_b64encode(payload).decode()
    return f"{token}--{_sign(token)}/{quote(file['filename'])}"


def files_of(champ: ServedChamp) -> list[ServedFile]:
    """Return the files of a champ that the API lists: not the infected ones."""
    return [
        {
            "number": champ.dossier.number,
            "path": f"{champ.key}/{rank}",
            "filename": seed.filename,
            "content_type": seed.content_type,
            "byte_size": len(seed.content),
            "checksum": base64.b64encode(_md5(seed.content)).decode(),
            "virus_scan_result": seed.virus_scan,
        }
        for rank, seed in enumerate(champ.value or ())
        if seed.virus_scan != "infected"
    ]


def fetch(world: World, path: str) -> tuple[int, str, bytes]:
    """Return status, content type and content of a file.

    The status is 401 for a wrong signature, 404 for an expired address or a missing file.
    """
    token, _, rest = path.partition("--")
    if not hmac.compare_digest(_sign(token), rest.partition("/")[0]):
        return 401, "text/html", b""
    number, place, until = json.loads(base64.urlsafe_b64decode(token))
    dossier = world.dossier(number)
    expired = datetime.fromtimestamp(until, UTC) < world.now()
    if dossier is None or expired or dossier.listed == "supprime":
        return 404, "text/html", b""
    key, _, rank = place.rpartition("/")
    seeds = _seeds(dossier, *key.partition("|")[::2])
    if int(rank) >= len(seeds):
        return 404, "text/html", b""
    return 200, seeds[int(rank)].content_type, seeds[int(rank)].content


def _md5(content: bytes) -> bytes:
    return hashlib.md5(content, usedforsecurity=False).digest()


def _seeds(dossier: ServedDossier, stable_id: str, ulid: str) -> list[FileSeed]:
    rows = [row for rows in dossier.rows.values() for row in rows if row.ulid == ulid]
    sources = [row.cells for row in rows] or [dossier.champs, dossier.annotations]
    found = (cells.get(int(stable_id)) for cells in sources)
    return next((list(seeds) for seeds in found if seeds), [])


def _sign(token: str) -> str:
    return hmac.new(_SECRET, token.encode(), hashlib.sha256).hexdigest()[:40]

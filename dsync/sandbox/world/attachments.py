"""Files of dossiers, and their secret addresses, which expire after an hour."""

from __future__ import annotations

import base64
import hashlib
import secrets
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from dsync.sandbox.world.model import World
from dsync.sandbox.world.scalars import ServedChamp

_LIFETIME = timedelta(hours=1)

ServedFile = dict[str, Any]
"""A file as the API's `File`, with its champ and its rank there."""


def make_path(world: World, file: ServedFile) -> str:
    """Return a secret path to a file, valid for an hour."""
    token = secrets.token_urlsafe()
    world.addresses[token] = file, world.now() + _LIFETIME
    return f"{token}/{quote(file['filename'])}"


def files_of(champ: ServedChamp) -> list[ServedFile]:
    """Return the files of a champ that the API lists: not the infected ones."""
    return [
        {
            "champ": champ,
            "rank": rank,
            "filename": seed.filename,
            "content_type": seed.content_type,
            "byte_size": len(seed.content),
            "checksum": base64.b64encode(
                hashlib.md5(seed.content, usedforsecurity=False).digest()
            ).decode(),
            "virus_scan_result": seed.virus_scan,
        }
        for rank, seed in enumerate(champ.value or ())
        if seed.virus_scan != "infected"
    ]


def fetch(world: World, path: str) -> tuple[int, str, bytes]:
    """Return status, content type and content of a file.

    The status is 401 for an address that was never given, 404 for an expired one or a missing file.
    """
    found = world.addresses.get(path.partition("/")[0])
    if found is None:
        return 401, "text/html", b""
    file, until = found
    champ, rank = file["champ"], file["rank"]
    files = champ.cells.get(champ.stable_id) or []
    is_gone = champ.dossier.listed == "supprime" or rank >= len(files)
    if is_gone or until < world.now():
        return 404, "text/html", b""
    return 200, files[rank].content_type, files[rank].content

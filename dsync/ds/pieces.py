"""Reads DS's answer about a dossier's files, with their signed addresses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dsync.domain.pieces import PieceKey, RemoteFile


def remote_files(node: Mapping[str, Any]) -> dict[PieceKey, RemoteFile]:
    """Return the files of a dossier; one that is listed twice in a champ is there once."""
    return {
        PieceKey(champ["champDescriptorId"], ligne, file["checksum"] or ""): RemoteFile(
            file["url"], int(file["byteSizeBigInt"]), file["virusScanResult"] or ""
        )
        for ligne, champ in _champs(node)
        for file in champ.get("files") or ()
    }


def _champs(node: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield each champ and annotation with the id of its row, "" outside repetitions."""
    for champ in [*node["champs"], *node["annotations"]]:
        yield "", champ
        for row in champ.get("rows") or ():
            for cell in row["champs"]:
                yield row["id"], cell

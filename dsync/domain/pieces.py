"""The copies of a dossier's files: what identifies a file, where its copy is put, its state."""

from __future__ import annotations

import re
from base64 import b64decode
from typing import NamedTuple

from dsync.domain.documented import Code
from dsync.domain.dossier import Fichier
from dsync.domain.ids import DossierNumber

LEVELS = 4
"""Number of parts of the path of a copy: dossier, champ, row, name."""
_SIZE_OF_MD5 = 16
_EXTENSION = re.compile(r"\.[A-Za-z0-9]{1,8}$")
_UNSAFE = re.compile(r"[^A-Za-z0-9=_-]")


class CopyState(Code):
    """The state of a file's copy; the values are those of the view `lecture_piece`.

    en_cours → copiee | echec | non_conforme; every state but copiee is tried again.
    """

    COPIEE = (
        "copiee",
        "Copie vérifiée",
        "Copiée, taille et empreinte vérifiées.",
        "copied; size and checksum verified",
    )
    EN_COURS = (
        "en_cours",
        "Copie commencée",
        "Commencée ; reprise à la prochaine copie.",
        "begun and interrupted: copied again",
    )
    A_ANALYSER = (
        "a_analyser",
        "Pas encore déclarée sûre",
        "Pas encore déclarée sûre par l’antivirus de Démarches Simplifiées.",
        "DS has not declared it safe yet: tried again later",
    )
    INFECTEE = (
        "infectee",
        "Infectée",
        "Infectée selon l’antivirus de Démarches Simplifiées.",
        "infected by DS's scan: not copied",
    )
    ABSENTE = (
        "absente",
        "Plus dans Démarches Simplifiées",
        "Plus listée par Démarches Simplifiées : retirée, ou infectée.",
        "DS does not list it any more: removed, or infected",
    )
    TROP_GRANDE = (
        "trop_grande",
        "Trop grande",
        "Plus grande que 200 Mio, la limite de Démarches Simplifiées pour un fichier.",
        "larger than 200 MiB, DS's own limit of a file",
    )
    NON_CONFORME = (
        "non_conforme",
        "Autre fichier que celui annoncé",
        "Fichier reçu d’une autre taille ou empreinte qu’annoncé.",
        "another size or checksum than announced: tell DS's support if it stays",
    )
    ECHEC = (
        "echec",
        "À réessayer",
        "Pas de réponse, ou destination indisponible ; essayée de nouveau.",
        "no answer, or the target failed: see the log, then `dsync pieces fetch`",
    )


class PieceKey(NamedTuple):
    """What identifies a file of a dossier: its champ, its row and its checksum."""

    champ_id: str
    ligne: str
    """The row's opaque id; "" outside repetitions."""
    empreinte_md5: str
    """Base64, as DS gives it."""


class RemoteFile(NamedTuple):
    """A file as DS offers it now."""

    url: str
    """Signed, and valid for an hour at most."""
    analyse: str


class Piece(NamedTuple):
    """A file of the copy's dossier, and how often its own copy was tried."""

    key: PieceKey
    fichier: Fichier
    essais: int
    is_copied: bool = False


def md5_of(empreinte: str) -> bytes | None:
    """Return the digest of a base64 text, None if it is none."""
    try:
        digest = b64decode(empreinte, validate=True)
    except ValueError:
        return None
    return digest if len(digest) == _SIZE_OF_MD5 else None


def path_of(number: DossierNumber, piece: Piece) -> str:
    """Return the relative path of a file's copy, which says nothing of the file's own name.

    It is `<dossier>/<champ>/<row, or 0>/<checksum><extension>`.
    """
    key = piece.key
    digest = md5_of(key.empreinte_md5)
    # Base64 contains « / », which would be a folder.
    name = digest.hex() if digest else _safe(key.empreinte_md5)
    extension = _EXTENSION.search(piece.fichier.nom)
    ending = extension[0].lower() if extension else ""
    return f"{number}/{_safe(key.champ_id)}/{_safe(key.ligne) or '0'}/{name}{ending}"


def _safe(text: str) -> str:
    """Return a text from DS as a name without a separator or a dot."""
    return _UNSAFE.sub("_", text)

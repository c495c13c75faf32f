"""The bytes of files: downloads them within limits, verifies them, puts them into the target.

The target is a folder or a bucket, by fsspec: all that uses it raises a `ConfigurationError` where
the package for its kind is not installed. Messages name neither addresses nor file names.
"""

from __future__ import annotations

import os
import shlex
import shutil
import threading
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from errno import EACCES, ENOTDIR
from hashlib import md5
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, cast

import requests
from urllib3.exceptions import HTTPError

from dsync.domain.pieces import LEVELS, Piece, md5_of
from dsync.errors import ConfigurationError, PieceError, PieceTargetError, remedy
from dsync.exchanges import (
    BoundedAdapter,
    DeadlineError,
    Exchanges,
    ForeignAddressError,
    InsecureAddressError,
    TooLongError,
)
from dsync.messages import kinds as k

CONNECT_TIMEOUT_S = 10.0
MAX_REDIRECTS = 5
_CHUNK = 1 << 20
_FILE = "file://"
_PROBE = ".dsync-check"
"""The name of the file with which `dsync check` tries a target."""
MARKER = ".dsync-target"
"""The name of the file by which a target is recognised: a folder in which nothing is mounted, or
the bucket of another server, does not have it."""
_MARK = b"Les copies de dsync sont ici : ne supprimez pas ce fichier, qui le lui indique.\n"
_EXPIRED = frozenset({401, 403, 404, 410})
"""Statuses with which the server of the files refuses an address that has expired."""


class ExpiredAddressError(PieceError):
    """The server of the files refuses the address: ask DS for a fresh one."""


class WrongFileError(PieceError):
    """What was downloaded has another size or checksum than DS announced."""


class _Session(requests.Session):
    """A session that sends no password: requests takes some from ~/.netrc, after redirects too."""

    def rebuild_auth(self, prepared_request: Any, response: Any) -> None:
        """Add no password after a redirect."""


@dataclass(frozen=True, slots=True)
class PieceSettings:
    """Where and within which limits files are copied."""

    target: str
    """`file:///folder` or `s3://bucket/prefix`, without a « / » at the end."""
    max_bytes: int
    """Maximum size of a file."""
    deadline_s: float
    """Maximum time for a download, in seconds."""
    hosts: Collection[str]
    """Of DS itself; the addresses of other hosts have to be public, and https."""
    user_agent: str


class Downloads:
    """Downloads files into temporary files without a name, which no process leaves behind.

    No token is sent: the addresses are signed. `stop` aborts downloads once it is set.
    """

    def __init__(self, settings: PieceSettings, stop: threading.Event) -> None:
        def session(adapter: BoundedAdapter) -> requests.Session:
            opened = _Session()
            opened.headers["User-Agent"] = settings.user_agent
            # DS's size and checksum are those of the file itself, not of a compressed answer.
            opened.headers["Accept-Encoding"] = "identity"
            opened.max_redirects = MAX_REDIRECTS
            # Without it, requests adds the password that ~/.netrc has for the host.
            opened.auth = lambda request: request
            opened.mount("https://", adapter)
            opened.mount("http://", adapter)
            return opened

        self._deadline_s = settings.deadline_s
        self._http = Exchanges(
            session,
            max_bytes=settings.max_bytes,
            stop=stop,
            open_body=TemporaryFile,
            only=settings.hosts,
        )

    @contextmanager
    def verified(self, url: str, piece: Piece) -> Iterator[IO[bytes]]:
        """Download a file, and yield it when it is the one that DS announced.

        Raises:
            ExpiredAddressError: the server refuses the address.
            WrongFileError: it has another size or checksum.
            PieceError: there was no answer, or one that is too long or took too long.
            InterruptedRunError: the run was asked to stop.
        """

        def get(session: requests.Session) -> tuple[int, IO[bytes]]:
            timeouts = (min(CONNECT_TIMEOUT_S, self._deadline_s), self._deadline_s)
            response = session.get(url, timeout=timeouts, stream=True)
            return response.status_code, cast(IO[bytes], response.raw)  # What `open_body` made.

        try:
            status, body = self._http.run(get, deadline_s=self._deadline_s)
        except DeadlineError as exc:
            raise PieceError(f"the download took more than {self._deadline_s:g} s") from exc
        except (TooLongError, InsecureAddressError, ForeignAddressError) as exc:
            raise PieceError(f"the file was not read: {exc}") from exc
        except (requests.RequestException, HTTPError, OSError, ValueError) as exc:
            raise PieceError(f"no answer of the server ({type(exc).__name__})") from exc
        with body:
            if status in _EXPIRED:
                raise ExpiredAddressError(f"the server answered {status}")
            if status != 200:
                raise PieceError(f"the server answered {status}")
            _verify(body, piece)
            yield body

    def close(self) -> None:
        """Close the connections."""
        self._http.close()


def _verify(body: IO[bytes], piece: Piece) -> None:
    body.seek(0)
    size, digest = _measured(body)
    if size != piece.fichier.taille:
        raise WrongFileError(f"it has {size} bytes instead of {piece.fichier.taille}")
    if digest != md5_of(piece.key.empreinte_md5):
        raise WrongFileError("it has another MD5 checksum")
    body.seek(0)


def _measured(body: IO[bytes]) -> tuple[int, bytes]:
    """Return the size and the MD5 checksum of what is left to read."""
    # DS gives no other checksum than MD5. Without the argument, a system in FIPS mode refuses it.
    digest, size = md5(usedforsecurity=False), 0
    while chunk := body.read(_CHUNK):
        digest.update(chunk)
        size += len(chunk)
    return size, digest.digest()


def check_target(target: str) -> None:
    """Check that a target can be used, without writing into it.

    Raises:
        ConfigurationError: the package for its kind is not installed.
    """
    _open_target(target)


def _is_marked(target: str) -> bool:
    """Return whether a target is there: it has the file with which its first use has marked it."""
    with _translated():
        fs, path = _open_target(target)
        try:
            fs.info(f"{path}/{MARKER}")
        except FileNotFoundError:
            return False
        return True


def check_marked(target: str) -> None:
    """Check that a target that was used before is there.

    Raises:
        PieceTargetError: it is not, or cannot be read.
    """
    if _is_marked(target):
        return
    folder = shlex.quote(target.removeprefix(_FILE))
    anew = (
        f"`mkdir -p {folder} && touch {folder}/{MARKER}`"
        if target.startswith(_FILE)
        else f"put an empty object {MARKER} into it"
    )
    raise PieceTargetError(k.TargetGone(target, MARKER, anew))


def mark(target: str) -> None:
    """Mark a target at its first use; a missing folder is made.

    Raises:
        PieceTargetError: it cannot be written.
    """
    if _is_marked(target):
        return
    with _translated():
        fs, path = _open_target(target)
        if target.startswith(_FILE):
            _make_folders(Path(path))
        _write(fs, f"{path}/{MARKER}", BytesIO(_MARK))


def try_target(target: str, *, is_used: bool) -> None:
    """Write an empty file into a target and delete it; a missing folder is not made.

    Raises:
        PieceTargetError: it cannot be written, or is not there although it was used before.
    """
    if is_used:
        check_marked(target)
    with _translated():
        fs, path = _open_target(target)
        if target.startswith(_FILE) and not fs.exists(path):
            above = next(one for one in Path(path).parents if one.exists())
            if not above.is_dir():
                raise NotADirectoryError(ENOTDIR, "")
            if not os.access(above, os.W_OK | os.X_OK):
                raise PermissionError(EACCES, "")
            # The first copy makes the folder; that it may be made is enough.
            return
        with fs.open(f"{path}/{_PROBE}", "wb"):
            pass
        fs.rm_file(f"{path}/{_PROBE}")


def list_target(target: str) -> dict[str, int]:
    """Return the size of each file in a target, by its address; symbolic links are left out.

    Raises:
        PieceTargetError: it cannot be read.
    """
    with _translated():
        fs, root = _open_target(target)
        try:
            found = fs.find(root, detail=True)
        except FileNotFoundError:
            if not target.startswith(_FILE):
                raise
            # The first copy makes the folder; a bucket has to exist.
            found = {}
    return {
        target + path[len(root) :]: entry["size"]
        for path, entry in found.items()
        if path != f"{root}/{MARKER}" and not entry.get("islink")
    }


def read_back(adresse: str, *, whole: bool) -> tuple[int, bytes | None] | None:
    """Return the size and, of the whole file, the checksum of a copy; None if there is none.

    Raises:
        PieceTargetError: it cannot be read.
    """
    with _translated(), suppress(FileNotFoundError):
        if place := _open_unlinked(adresse):
            fs, path = place
            if not whole:
                return fs.size(path), None
            with fs.open(path, "rb") as body:
                return _measured(body)
    return None


def open_copy(adresse: str, taille: int | None, empreinte_md5: str) -> IO[bytes] | None:
    """Return a copy as a temporary file without a name, None unless it is the announced file.

    Raises:
        PieceTargetError: it cannot be read.
    """
    with ExitStack() as kept, _translated():
        body = kept.enter_context(TemporaryFile())
        fs, path = _open_target(adresse)
        if not _linked_folder(adresse, path):
            with suppress(FileNotFoundError), fs.open(path, "rb") as stored:
                shutil.copyfileobj(stored, body, _CHUNK)
        body.seek(0)
        # What is sent is what was measured, whoever writes there meanwhile.
        if _measured(body) != (taille, md5_of(empreinte_md5)):
            return None
        body.seek(0)
        kept.pop_all()
        return body


def is_intact(adresse: str, piece: Piece) -> bool:
    """Return whether the copy at an address is the file that DS announced."""
    found = read_back(adresse, whole=True)
    return found == (piece.fichier.taille, md5_of(piece.key.empreinte_md5))


def put(body: IO[bytes], adresse: str) -> None:
    """Write a file to its address; what is there is replaced, be it a symbolic link.

    Raises:
        PieceError: a folder of its address is a symbolic link, which is not followed.
        PieceTargetError: it could not be written as a whole; a part of it may be there.
    """
    with _translated():
        fs, path = _open_target(adresse)
        if linked := _linked_folder(adresse, path):
            raise PieceError(linked)
        if adresse.startswith(_FILE):
            # What was unmounted since the copying began must not be made on the local disk.
            check_marked(target_of(adresse))
            _make_folders(Path(path).parent)
            if Path(path).is_symlink():
                Path(path).unlink()
        _write(fs, path, body)


def _write(fs: Any, path: str, body: IO[bytes]) -> None:
    with fs.open(path, "wb") as out:
        shutil.copyfileobj(body, out, _CHUNK)
    # A full disk or a lost connection can end a write without an error.
    if fs.size(path) != body.tell():
        raise OSError("a part is missing")


def target_of(adresse: str) -> str:
    """Return the target of a copy, which may not be the one that is configured now."""
    return adresse.rsplit("/", LEVELS)[0]


def _linked_folder(adresse: str, path: str) -> str | None:
    """Return what to say of a symbolic link among the folders of a copy, None without one."""
    # The target itself may be one: an operator has chosen it.
    folders = list(Path(path).parents)[: LEVELS - 1] if adresse.startswith(_FILE) else ()
    if any(one.is_symlink() for one in folders):
        return (
            "A folder of copies in [pieces] target is a symbolic link, which dsync does not "
            "follow: remove the link."
        )
    return None


def delete(adresse: str) -> None:
    """Delete the file at an address; a missing one counts as deleted if its target is there.

    Raises:
        PieceTargetError: it could not be deleted.
    """
    with _translated():
        fs, path = _open_target(adresse)
        if linked := _linked_folder(adresse, path):
            raise PieceTargetError(linked)
        try:
            fs.rm_file(path)
        except FileNotFoundError:
            check_marked(target_of(adresse))
        if adresse.startswith(_FILE):
            # The folders of the row, the champ and the dossier, each if it is empty now.
            with suppress(OSError):
                for folder in list(Path(path).parents)[:3]:
                    folder.rmdir()


def _make_folders(folder: Path) -> None:
    """Create the folders of a dossier's files, which only their owner can read."""
    for missing in [one for one in (*reversed(folder.parents), folder) if not one.exists()]:
        missing.mkdir(mode=0o700, exist_ok=True)


def _open_unlinked(address: str) -> tuple[Any, str] | None:
    """Return the same as `_open_target`, None if a symbolic link leads there."""
    fs, path = _open_target(address)
    is_link = address.startswith(_FILE) and Path(path).is_symlink()
    return None if is_link or _linked_folder(address, path) else (fs, path)


def _open_target(address: str) -> tuple[Any, str]:
    """Return the file system of an address, and the path in it."""
    from fsspec.core import url_to_fs  # Imported here: most runs copy no file.

    # Options of S3: the parts in which a file is sent, and times for an outage to show.
    options: dict[str, Any] = {}
    if not address.startswith(_FILE):
        options = {
            "default_block_size": 8 * _CHUNK,
            "use_listings_cache": False,
            "config_kwargs": {
                "connect_timeout": 10,
                "read_timeout": 30,
                "retries": {"max_attempts": 2},
            },
        }
    try:
        fs, path = url_to_fs(address, **options)
    except ImportError as exc:
        raise ConfigurationError(f"[pieces] target: s3:// needs s3fs: {remedy('s3')}.") from exc
    return fs, path


@contextmanager
def _translated() -> Iterator[None]:
    """Turn the failures of a target into `PieceTargetError`."""
    try:
        yield
    except _failures() as exc:
        number = getattr(exc, "errno", None)
        reason = os.strerror(number) if number else type(exc).__name__
        raise PieceTargetError(k.TargetUnusable(reason)) from exc


def _failures() -> tuple[type[Exception], ...]:
    """Return the exceptions of a target, those of botocore included if it is installed."""
    try:
        from botocore.exceptions import BotoCoreError, ClientError
    except ImportError:
        return (OSError,)
    return (OSError, BotoCoreError, ClientError)

"""The texts of copied files, read by a process of its own, which may neither grow nor take long.

Executed as a module, it is that process: what a file does to it ends nothing else.
"""

from __future__ import annotations

import html
import logging
import re
import resource
import select
import subprocess
import sys
import warnings
from enum import StrEnum
from importlib.util import find_spec
from io import BytesIO
from typing import IO, NamedTuple
from zipfile import ZipFile

from dsync.errors import ConfigurationError, remedy

MOST_BYTES = 20 * 1024 * 1024
"""Size of the largest file that is read."""
MOST_TEXT = 4 * 1024 * 1024
"""Characters that are taken from a file: of a longer text, the beginning."""
_MEMORY = 512 * 1024 * 1024
"""Address space of the process."""
_TIMEOUT_S = 60
_HEAD = 8
"""Bytes of a length, which precedes what is sent to and from the process."""
_BINARY = 8192
_OFFICE = re.compile(r"(?:word/(?:document|header\d*|footer\d*|footnotes|endnotes)|content)\.xml")
"""The parts of a docx and of an odt that have text."""
_BREAK = re.compile(rb"</(?:w|text):(?:p|h)>|<(?:w:br|w:tab|text:s|text:tab|text:line-break)\b")


class Unread(StrEnum):
    """Why the content of a file, or a part of it, was not searched."""

    NOT_ASKED = "non_demande"
    TOO_LARGE = "trop_grand"
    NO_TEXT = "sans_texte"
    """An image, a scan, a format of which no text is taken."""
    BROKEN = "illisible"
    """Broken or encrypted, or it takes too much memory or time."""
    AWAY = "injoignable"
    """The copy is not there, or its target does not answer."""


class FileText(NamedTuple):
    """What a file says."""

    text: str
    unread: Unread | None = None


def check_readers() -> None:
    """Raise a `ConfigurationError` if the package that reads PDF is not installed."""
    if find_spec("pypdf") is None:
        raise ConfigurationError(f"--in-files needs pypdf: {remedy('files-text')}.")


class FileTexts:
    """Reads texts; the process begins with the first file, and ends by `close`."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def of(self, content: bytes) -> FileText:
        """Return the text of a file's content."""
        if len(content) > MOST_BYTES:
            return FileText("", Unread.TOO_LARGE)
        if self._process is None:
            self._process = subprocess.Popen(  # noqa: S603 - this Python, this module
                [sys.executable, "-P", "-m", __name__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        try:
            answer = _asked(self._process, content)
        except (OSError, EOFError):
            self.close()
            return FileText("", Unread.BROKEN)
        unread, _, text = answer.decode("utf-8", "replace").partition("\n")
        return FileText(text, Unread(unread) if unread else None)

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


def _asked(process: subprocess.Popen[bytes], content: bytes) -> bytes:
    """Send a file to the process, and return its answer.

    Raises:
        OSError: the process has ended, or takes too long.
        EOFError: it ended before it answered.
    """
    if process.stdin is None or process.stdout is None:
        raise EOFError
    _send(process.stdin, content)
    # The process writes an answer in one go.
    if not select.select([process.stdout], [], [], _TIMEOUT_S)[0]:
        raise TimeoutError
    return _received(process.stdout)


def _send(stream: IO[bytes], content: bytes) -> None:
    stream.write(len(content).to_bytes(_HEAD))
    stream.write(content)
    stream.flush()


def _received(stream: IO[bytes]) -> bytes:
    """Return what was sent; EOFError: the other end has ended."""
    head = stream.read(_HEAD)
    size = int.from_bytes(head)
    content = stream.read(size)
    if len(head) < _HEAD or len(content) < size:
        raise EOFError
    return content


def text_in(content: bytes) -> FileText:
    """Return the text of a file; raises whatever a broken file makes its reader raise."""
    if b"%PDF-" in content[:1024]:
        return _pdf(content)
    if content.startswith(b"PK"):
        return _office(content)
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = content.decode("utf-16", "replace")
    # The signs of an RTF beyond ASCII are numbers.
    elif b"\0" in content[:_BINARY] or content.startswith(b"{\\rtf"):
        text = ""
    else:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = content.decode("cp1252", "replace")
    return _of(text)


def _of(text: str, unread: Unread | None = None) -> FileText:
    if len(text) > MOST_TEXT:
        return FileText(text[:MOST_TEXT], Unread.TOO_LARGE)
    return FileText(text, unread or (None if text.strip() else Unread.NO_TEXT))


def _pdf(content: bytes) -> FileText:
    from pypdf import PdfReader

    parts, size, unread = [], 0, None
    for page in PdfReader(BytesIO(content)).pages:
        try:
            parts.append(page.extract_text())
        # The other pages are read all the same.
        except Exception:
            unread = Unread.BROKEN
            continue
        size += len(parts[-1])
        if size > MOST_TEXT:
            break
    return _of("\n".join(parts), unread)


def _office(content: bytes) -> FileText:
    parts: list[str] = []
    left = MOST_BYTES
    with ZipFile(BytesIO(content)) as archive:
        for name in filter(_OFFICE.fullmatch, archive.namelist()):
            with archive.open(name) as part:
                xml = part.read(left + 1)
            if len(xml) > left:
                return _of("\n".join(parts), Unread.TOO_LARGE)
            left -= len(xml)
            # Tags within a word, such as those of a correction, do not divide it.
            plain = re.sub(rb"<[^>]*>", b"", _BREAK.sub(lambda found: b" \n" + found[0], xml))
            parts.append(html.unescape(plain.decode("utf-8", "replace")))
    return _of("\n".join(parts))


def _serve() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    logging.disable()
    warnings.simplefilter("ignore")
    while True:
        try:
            content = _received(sys.stdin.buffer)
        except EOFError:
            return
        try:
            found = text_in(content)
        # One file of many.
        except Exception:
            found = FileText("", Unread.BROKEN)
        answer = f"{found.unread or ''}\n{found.text}".encode("utf-8", "replace")
        _send(sys.stdout.buffer, answer)


if __name__ == "__main__":
    _serve()

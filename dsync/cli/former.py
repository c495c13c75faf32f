"""Spellings of before 1.0.0: those that still work, and what took the place of the others."""

from __future__ import annotations

from collections.abc import Mapping

ALIASES: Mapping[str, str] = {
    "conflicts accept": "conflicts keep",
    "evidence accept": "accept evidence",
    "precheck accept": "accept rules",
}
"""Former names of commands; they work until 2.0, with a warning, and are in no help."""
GONE: Mapping[str, str] = {
    "conflicts adopt --all": "name the dossiers; `dsync accept writer` is for a lost database",
    "db downgrade": "restore the copy of before the upgrade",
    "evidence update --accept": "it is needed no more",
    "precheck --undo": "answer the checks that it moved, as `dsync precheck answer --help` says",
    "sync --accept-config": "`dsync accept config` shows what waits, and consents",
    "sync --accept-deletions": "`dsync accept deletions` shows what waits, and consents",
}
"""Commands and options that do not work any more, and what does."""


def gone(command: str, word: str) -> str | None:
    """Return what took the place of a word of a command line, as a sentence; None: nothing did.

    Args:
        command: the path of the command before it, with `dsync`.
        word: a command or an option.
    """
    said = GONE.get(f"{command} {word}".partition(" ")[2])
    return said and f"{word} is gone: {said}."

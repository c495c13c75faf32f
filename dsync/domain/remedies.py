"""Completes the commands in a sentence, so that each can be pasted as it stands."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping

_COMMAND = re.compile(r"`dsync ([^`]+)`")
_OF_ALL = {"run", "console", "demo", "sandbox", "forget", "completion", "db"}
"""Commands that are not about one démarche; of those of `db`, `verify` is."""
ALL = "--all"
_OF_EACH = {"sync", "push", "purge", "pieces fetch", "quarantine retry", "db verify"}
"""Commands with that option, without which they are about one démarche."""


def pasteable(text: str, options: Mapping[str, str]) -> str:
    """Return a sentence whose commands « `dsync …` » have the options that they need.

    A command that has one of them already keeps its own value. `ALL` has none, and commands that do
    not know it go without.
    """

    def completed(found: re.Match[str]) -> str:
        words = found[1].split()
        if "--help" in words:
            return found[0]
        is_of_each = words[0] in _OF_EACH or " ".join(words[:2]) in _OF_EACH
        is_of_all = words[0] in _OF_ALL and not is_of_each
        if "--dossier" in words or "--demarche" in words:
            is_of_each = False
        added = [
            f" {name} {shlex.quote(value)}" if value else f" {name}"
            for name, value in options.items()
            if name not in words
            and not (name == "--demarche" and is_of_all)
            and not (name == ALL and not is_of_each)
        ]
        return f"`dsync {found[1]}{''.join(added)}`"

    return _COMMAND.sub(completed, text) if options else text

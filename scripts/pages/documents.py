"""The shapes of `--json`, from what the commands printed about one history."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PRINTED = Path(__file__).parents[2] / "tests/outside/golden/commands.txt"
"""The documents, each behind a line `## COMMAND → EXIT CODE`."""
OF_VIEW = re.compile(r"(lecture_\w+): (.+)")
"""What the history writes in the place of rows that a view shows."""
WORDS = {
    "str": "text",
    "int": "whole number",
    "float": "number",
    "bool": "true or false",
    "NoneType": "null",
    "dict": "object",
    "list": "list",
}


def shapes() -> str:
    """Return a part for each command."""
    printed = PRINTED.read_text(encoding="utf-8")
    found: dict[str, dict[str, list[str]]] = {}
    for line, document in re.findall(r"^## (.+?) → \d+\n(.+?)(?=\n\n## |\Z)", printed, re.M | re.S):
        value = json.loads(document)
        if not _is_failure(value):
            shape = found.setdefault(_name(line), {})
            for path, word in _words("", value):
                known = shape.setdefault(path, [])
                known += [word] if word not in known else []
    return "\n".join(_part(name, shape) for name, shape in found.items())


def _is_failure(value: Any) -> bool:
    return isinstance(value, dict) and [*value] == ["error", "exit_code"]


def _name(line: str) -> str:
    """Return the command's words before its first argument, and what gives another document."""
    (name,) = re.findall(r"^dsync(?: [a-z]+)+(?: --stats)?", line)
    return str(name)


def _words(path: str, value: Any) -> Iterator[tuple[str, str]]:
    """Yield the place of each value with the word for its type."""
    if isinstance(value, dict) and path and value and {int} == {*map(type, value.values())}:
        codes = ", ".join(filter(None, value))
        yield path, "whole number for each" + (f" of {codes}" if codes else "")
    elif isinstance(value, dict):
        if path.endswith("[]") or not value:
            yield path, WORDS["dict"]
        for key, one in value.items():
            yield from _words(f"{path}.{key}".lstrip("."), one)
    elif isinstance(value, list):
        if path:
            yield path, WORDS["list"]
        for one in value:
            if one != "…":
                yield from _words(f"{path}[]", one)
    elif isinstance(value, str) and (of_view := OF_VIEW.fullmatch(value)):
        # « its rows », or the columns that are there.
        columns = "" if of_view[2] == "its rows" else f" with {of_view[2]}"
        yield path, f"list of rows of {of_view[1]}{columns}"
    elif value == "its row":
        yield path, "the columns of its row, each a key beside the others"
    else:
        yield path, WORDS[type(value).__name__]


def _part(name: str, shape: dict[str, list[str]]) -> str:
    width = max(map(len, shape))
    lines = [f"{path:<{width}}  {_said(words)}".rstrip() for path, words in shape.items()]
    return "\n".join([f"## {name}", "", "```text", *lines, "```", ""])


def _said(words: list[str]) -> str:
    """Return the types of one place, null last; a list that has rows is a list of these."""
    known = [one for one in words if one != WORDS["NoneType"]]
    if any(one.startswith("list of") for one in known):
        known = [one for one in known if one != WORDS["list"]]
    return " or ".join(known + [one for one in words if one == WORDS["NoneType"]])

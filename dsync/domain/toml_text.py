"""Writes parts of a commented TOML file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping

from dsync.domain.json_bytes import cleaned
from dsync.domain.wording import one_line

TO_CHECK = "TO CHECK:"
"""Begins the comment at each place of a written file that a person has to look at."""


def quoted(text: str) -> str:
    """Return a text as a TOML string on one line."""
    # JSON's strings are TOML's, but for DEL, which TOML does not allow unescaped.
    return json.dumps(cleaned(text), ensure_ascii=False).replace("\x7f", "\\u007f")


def array(texts: Iterable[str]) -> str:
    """Return texts as a TOML array on one line."""
    return f"[{', '.join(map(quoted, texts))}]"


def inline(texts: Mapping[str, str]) -> str:
    """Return texts by key as a TOML table on one line."""
    return f"{{ {', '.join(f'{key} = {quoted(text)}' for key, text in texts.items())} }}"


def named(libelle: str) -> str:
    """Return « label » on one line, for a comment."""
    return f"« {one_line(libelle)} »"


def commented(lines: Iterable[str]) -> list[str]:
    """Return lines as comments."""
    return [f"# {line}".rstrip() for line in lines]


def parts_of(template: str) -> dict[str, str]:
    """Return the parts of a file by the first section that their heading names.

    A part begins with a heading such as `# ---- [annotations]: …` and ends before the next one.
    """
    found = re.split(r"(?m)^(?=# ---- \[(\w+)\])", template)
    return dict(zip(found[1::2], found[2::2], strict=True))

"""TOML: sections of the configuration, types of their values, and parts of a commented file.

The types take their own kind alone: pydantic's own `int` takes `true` and "5", its `date` takes
numbers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, time
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Strict

from dsync.domain.wording import one_line


class Section(BaseModel):
    """A section, or a table in one: a key that it does not declare is a mistake."""

    # What reads a file is built at its first use, of all sections together: one by one they would
    # take a tenth of a short command's time, those of the other programme included.
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


DEFAULTS: Any = Field(default={}, validate_default=True)
"""The default of a section that may be left out: each of its keys has its own."""


WholeNumber = Annotated[int, Strict()]
Number = Annotated[float, Strict()]
"""A whole one, too."""
Boolean = Annotated[bool, Strict()]
Day = Annotated[date, Strict()]

_MARK, _NAME = r"\b(?:TODO|FIXME|TBD|XXX)\b", r"\{[^{}]*\}"
_TO_FILL = (
    r"(?i:^\W*[àa] (?:compléter|renseigner|préciser|définir|remplir)\W*$|[(\[:]\s*à compléter\b)"
)


def _without(*patterns: str) -> Callable[[str], str]:
    left = re.compile("|".join(patterns))

    def check(text: str) -> str:
        if found := left.search(text):
            raise ValueError(
                f"« {found[0].strip()} » is left to be filled in; people would read it"
            )
        return text

    return check


Begun = AfterValidator(_without(_MARK))
"""Refuses a text in which its author left TODO."""
Marked = AfterValidator(_without(_MARK, _NAME))
"""The same of a name in braces."""
Filled = AfterValidator(_without(_MARK, _NAME, _TO_FILL))
"""The same of « à compléter », which can be an option of a form."""
Sentence = AfterValidator(_without(_MARK, _TO_FILL))
"""The same of a sentence that has facts in braces."""


_ID = "Q2hhbXAt"
"""The beginning of a descriptor's id in DS: « Champ- » in base64."""


def champ_of(given: object) -> object:
    """Return the keys of a champ or annotation that is written as its id, labels, or both.

    Raises:
        ValueError: it is written otherwise, or with several ids.
    """
    if isinstance(given, str):
        given = [given]
    if not isinstance(given, list):
        return given
    if not given or not all(isinstance(one, str) for one in given):
        raise ValueError("expected an id in quotes, or a list of it and of labels")
    ids = [one for one in given if one.startswith(_ID)]
    if len(ids) > 1:
        raise ValueError("expected one id, and labels")
    labels = [one for one in given if one not in ids]
    return ({"id": ids[0]} if ids else {}) | ({"libelles": labels} if labels else {})


def kind_of(value: object) -> str:
    """Return what a value of a TOML file is, in the words of its messages."""
    # The order matters: a `bool` is an `int`, a `datetime` is a `date`.
    kinds: tuple[tuple[type, str], ...] = (
        (bool, "true or false"),
        (int, "a whole number"),
        (float, "a number with a decimal point"),
        (str, "a text in quotes"),
        (datetime, "a day with a time"),
        (date, "a day"),
        (time, "a time of day without quotes"),
        (dict, "a table of keys"),
    )
    return next((name for kind, name in kinds if isinstance(value, kind)), "a list")


_REFUSED = re.compile(r"[\x00\ud800-\udfff]")
"""NUL characters and lone surrogates, which UTF-8 cannot encode."""
TO_CHECK = "TO CHECK:"
"""Begins the comment at each place of a written file that a person has to look at."""


def quoted(text: str) -> str:
    """Return a text as a TOML string on one line."""
    # JSON's strings are TOML's, but for DEL, which TOML does not allow unescaped.
    return json.dumps(_REFUSED.sub("", text), ensure_ascii=False).replace("\x7f", "\\u007f")


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

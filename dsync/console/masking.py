"""What a lecteur does not see: every value whose column is marked as personal data or free text.

The marks are those of the views' documentation, which exports and `grant-reader` use, too. A value
is recognised by its name in the rows as they are read, so that what a page works out from them has
none of it under any name. What does not come from a reader is masked as the page is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from dsync.store import Reader
from dsync.store.extension import Extension, is_masked
from dsync.store.reading_views import shipped_dictionary

ALSO = frozenset({"valeur_distante", "demande_par"})
"""Names that no view marks: what a person wrote in DS, and who asked for something by hand."""


@cache
def masked_names(extension: Extension) -> frozenset[str]:
    """Return the names of all values that are hidden."""
    return ALSO | {
        name
        for view in shipped_dictionary(extension).values()
        for name, sentence in view["columns"].items()
        if is_masked(sentence)
    }


def masked(value: Any, names: frozenset[str]) -> Any:
    """Return a copy of rows, lists or anything that holds them, without the values of these names.

    Args:
        value: rows are mappings and named tuples.
        names: what is replaced by None.
    """
    if isinstance(value, Mapping):
        return {key: None if key in names else masked(inner, names) for key, inner in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        row: Any = type(value)
        pairs = zip(value._fields, value, strict=True)
        return row(*(None if name in names else masked(one, names) for name, one in pairs))
    if isinstance(value, list | tuple):
        return type(value)(masked(one, names) for one in value)
    return value


class MaskedReader:
    """A reader all of whose rows are masked.

    Args:
        reader: reads them.
        names: of the values that are left out.
    """

    def __init__(self, reader: Reader, names: frozenset[str]) -> None:
        self._reader = reader
        self._names = names

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._reader, name)
        if not callable(found):
            return found
        return lambda *args, **options: masked(found(*args, **options), self._names)

"""The formats that a check can ask for; python-stdnum knows their check digits."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from importlib import import_module

from dsync.domain.wording import cleaned

_MAIL = re.compile(r"[^@\s,;<>]+@[^@\s,;<>.]+(\.[^@\s,;<>.]+)+")
_STDNUM = {
    "bic": "bic",
    "iban": "iban",
    "nir": "fr.nir",
    "siren": "fr.siren",
    "siret": "fr.siret",
    "tva": "fr.tva",
}
_SHAPES = {
    "code_postal": re.compile(r"\d{5}"),
    "rna": re.compile(r"W\d[0-9A-Z]\d{7}"),
    # « +33 (0)6 … » is common; of other countries, only their numbers' length is known.
    "telephone": re.compile(r"(0|\+330?|00330?)[1-9]\d{8}|\+(?!33)[1-9]\d{6,14}"),
}


def _compact(text: str, name: str) -> str:
    """Return a number without what people type between its signs, and its name before it."""
    signs = re.sub(r"[^0-9A-Z+]", "", unicodedata.normalize("NFKC", text).upper())
    return signs.removeprefix(name.upper())


def _is_valid(name: str) -> Callable[[str], bool]:
    if shape := _SHAPES.get(name):
        return lambda text: shape.fullmatch(_compact(text, name)) is not None
    # Not above: a process that judges nothing needs none of these modules.
    return lambda text: bool(
        import_module(f"stdnum.{_STDNUM[name]}").is_valid(_compact(text, name))
    )


FORMATS: Mapping[str, Callable[[str], bool]] = {
    "courriel": lambda text: _MAIL.fullmatch(cleaned(text)) is not None,
    **{name: _is_valid(name) for name in sorted((*_STDNUM, *_SHAPES))},
}
"""By their names in the declarations: whether a text, as people type it, has the format."""

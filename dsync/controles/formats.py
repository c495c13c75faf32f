"""The formats that a check can ask for; python-stdnum knows their check digits."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from importlib import import_module

_RNA = re.compile(r"W\d[0-9A-Z]\d{7}")
_PHONE = re.compile(r"(?:0|\+33|0033)[1-9]\d{8}")
_MAIL = re.compile(r"[^@\s,;<>]+@[^@\s,;<>.]+(\.[^@\s,;<>.]+)+")
_POSTCODE = re.compile(r"\d{5}")


def _compact(text: str) -> str:
    """Return the text without what people type between the signs of a number."""
    return re.sub(r"[\s.\-/\u2010-\u2015]", "", text).upper()


def _stdnum(module: str) -> Callable[[str], bool]:
    def is_valid(text: str) -> bool:
        # Here: a process that judges nothing needs none of these modules.
        return bool(import_module(f"stdnum.{module}").is_valid(_compact(text)))

    return is_valid


FORMATS: Mapping[str, Callable[[str], bool]] = {
    "bic": _stdnum("bic"),
    "code_postal": lambda text: bool(_POSTCODE.fullmatch(_compact(text))),
    "courriel": lambda text: bool(_MAIL.fullmatch(text.strip())),
    "iban": _stdnum("iban"),
    "nir": _stdnum("fr.nir"),
    "rna": lambda text: bool(_RNA.fullmatch(_compact(text))),
    "siren": _stdnum("fr.siren"),
    "siret": _stdnum("fr.siret"),
    "telephone": lambda text: bool(_PHONE.fullmatch(_compact(text))),
    "tva": _stdnum("fr.tva"),
}
"""By their names in the declarations: whether a text, as people type it, has the format."""

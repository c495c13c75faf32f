"""Texts that a person typed into a form and that were not stored: they come back with the form.

An answer that is refused comes back at once. Where the session is over, the browser keeps it until
somebody has entered again; the page that refuses a form shows what was typed in any case.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from starlette.requests import Request

TYPED = {
    "motif": "Pourquoi, et d’après quoi",
    "produit": "Produit sur lequel porte le dossier, s’il est conforme (facultatif)",
    "texte": "Courriel, nom, téléphone ou SIRET",
}
"""The fields into which texts are typed, with their labels; a test compares them with the pages."""
_KEPT = "brouillon"
_MOST_BYTES = 1000
"""Of a text that a session keeps: browsers accept cookies of 4096 bytes, and an answer has less."""
_ANSWER = re.compile(r"(/dossiers/\d{1,19})/repondre")


class Draft(NamedTuple):
    """An answer to a check that was not stored."""

    controle: str
    resultat: str
    motif: str
    produit: str

    @classmethod
    def of(cls, form: Mapping[str, str]) -> Draft:
        """Return what a form has of it."""
        return cls(*(form.get(name, "") for name in cls._fields))


def typed(form: Mapping[str, str]) -> dict[str, str]:
    """Return the texts that were typed into a form, by the labels of their fields."""
    return {label: form[name] for name, label in TYPED.items() if form.get(name, "").strip()}


def keep(request: Request, form: Mapping[str, str], name: str | None) -> None:
    """Have the browser keep an answer that no session could store.

    The refused request comes from one of the console's own pages. `name` is that of the person
    whose session it was; None: that is not known.
    """
    found, draft = _ANSWER.fullmatch(request.url.path), Draft.of(form)
    if found and draft.motif.strip() and len(json.dumps(draft)) <= _MOST_BYTES:
        demarche = form.get("demarche")
        where = f"{found[1]}?demarche={demarche}" if (demarche or "").isdecimal() else found[1]
        request.session[_KEPT] = {"page": found[1], "vers": where, "qui": name, "texte": draft}


def kept(session: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a new session takes over from the former one of the same browser."""
    return {_KEPT: session[_KEPT]} if _KEPT in session else {}


def place(session: Mapping[str, Any]) -> str | None:
    """Return the page of the kept answer, None if there is none."""
    return session[_KEPT]["vers"] if _KEPT in session else None


def taken(request: Request, name: str) -> Draft | None:
    """Return the answer that this person gave on a page and that was kept; keep it no longer."""
    one = request.session.get(_KEPT)
    if one is None or one["page"] != request.url.path:
        return None
    del request.session[_KEPT]
    return Draft(*one["texte"]) if one["qui"] in (None, name) else None

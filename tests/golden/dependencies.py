"""The licences of all that dsync needs, from the metadata of the installed distributions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

from dsync.extras import DISTRIBUTION
from tests.golden.table import rows

HAND = Path(__file__).parent / "hand" / "dependencies.md"
EXTRAS = ("alerts", "sentry", "console-oidc", "export", "s3")
PERMISSIVE = {
    "0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "PSF-2.0", "Python-2.0",
}  # fmt: skip
COPYLEFT = {
    "certifi": "MPL-2.0",
    "psycopg": "LGPL-3.0-only",
    "psycopg-binary": "LGPL-3.0-only",
    "python-stdnum": "LGPL-2.1-or-later",
}
"""Distributions under a licence that asks for more; docs/dependencies.md says what."""
OTHER_WORDS = {
    "Apache 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD": "BSD-3-Clause",
    "Dual License": "Apache-2.0 OR BSD-3-Clause",  # python-dateutil
    "BSD License": "BSD-3-Clause",
    "LGPL": "LGPL-2.1-or-later",  # python-stdnum
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}
"""What the metadata of some distributions say, as SPDX writes it."""


def licences() -> str:
    """Return the table of the distributions, each with its licence and what needs it."""
    needed: dict[str, str] = dict.fromkeys(needs(DISTRIBUTION, frozenset()), "dsync")
    for extra in EXTRAS:
        for name in needs(DISTRIBUTION, frozenset({extra})):
            needed.setdefault(name, f"extra `{extra}`")
    del needed[DISTRIBUTION]
    return rows(
        ("distribution", "licence", "needed by"),
        ((name, licence(name), needed[name]) for name in sorted(needed)),
    )


def needs(
    name: str, extras: frozenset[str], met: set[tuple[str, frozenset[str]]] | None = None
) -> Iterator[str]:
    """Yield a distribution, with given extras, and all that it needs on this platform."""
    met = set() if met is None else met
    name = re.sub(r"[-_.]+", "-", name).lower()
    if (name, extras) in met:
        return
    met.add((name, extras))
    yield name
    for text in metadata.requires(name) or ():
        requirement = Requirement(text)
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": one}) for one in extras or {""}):
            yield from needs(requirement.name, frozenset(requirement.extras), met)


def licence(name: str) -> str:
    """Return the licence of a distribution as an SPDX expression."""
    about = metadata.metadata(name)
    classified = [
        text.rpartition(" :: ")[2]
        for text in about.get_all("Classifier") or ()
        if text.startswith("License :: ")
    ]
    said = about.get("License-Expression") or about.get("License") or " AND ".join(classified)
    said = said if len(said) < 80 else " AND ".join(classified)
    return OTHER_WORDS.get(said, said)


def is_admitted(name: str) -> bool:
    """Return whether a licence is permissive, or a known other one of this distribution."""
    said = licence(name)
    return COPYLEFT.get(name) == said or any(
        all(part.strip("() ") in PERMISSIVE for part in choice.split(" AND "))
        for choice in said.split(" OR ")
    )

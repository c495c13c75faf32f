"""Which licences the project may be used with, and what a distribution says of its own."""

from __future__ import annotations

import re
from importlib.metadata import PackageMetadata

PERMISSIVE = {
    "0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "MIT-0", "PSF-2.0",
    "Python-2.0",
}  # fmt: skip
COPYLEFT = {
    "certifi": "MPL-2.0",
    "psycopg": "LGPL-3.0-only",
    "psycopg-binary": "LGPL-3.0-only",
    "python-stdnum": "LGPL-2.1-or-later",
}
"""Distributions under a licence that asks for more; docs/reference/dependencies.md says what."""
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


def normal(name: str) -> str:
    """Return a distribution's name as package indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def licence(about: PackageMetadata) -> str:
    """Return the licence of a distribution as an SPDX expression."""
    classified = [
        text.rpartition(" :: ")[2]
        for text in about.get_all("Classifier") or ()
        if text.startswith("License :: ")
    ]
    said = about.get("License-Expression") or about.get("License") or " AND ".join(classified)
    said = said if len(said) < 80 else " AND ".join(classified)
    return OTHER_WORDS.get(said, said)


def is_admitted(about: PackageMetadata) -> bool:
    """Return whether a licence is permissive, or a known other one of this distribution."""
    said = licence(about)
    return COPYLEFT.get(normal(about["Name"])) == said or any(
        all(part.strip("() ") in PERMISSIVE for part in choice.split(" AND "))
        for choice in said.split(" OR ")
    )

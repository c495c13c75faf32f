"""The dependencies: why each direct one is there, and the licence of all that dsync needs.

The reasons are the comments of pyproject.toml, the licences those of the installed distributions.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

from dsync.errors import DISTRIBUTION
from scripts.licences import licence, normal
from scripts.pages.table import rows

PROJECT = Path(__file__).parents[2] / "pyproject.toml"
EXTRAS = ("alerts", "sentry", "console-oidc", "export", "s3")


def reasons() -> str:
    """Return the table of the direct dependencies, each with what it is for.

    Raises:
        LookupError: one has no reason beside it.
    """
    text = PROJECT.read_text(encoding="utf-8")
    project = tomllib.loads(text)["project"]
    said: dict[tuple[str, str], str] = {}
    of = ""
    for line in text.splitlines():
        if found := re.fullmatch(r"([\w-]+) = \[", line):
            of = found[1]
        elif found := re.fullmatch(r' {4}"(.+)", # (.+)', line):
            said[of, found[1]] = found[2]
    lists = {"dependencies": project["dependencies"], **project["optional-dependencies"]}
    direct = [(of, text) for of, texts in lists.items() for text in texts]
    if missing := [text for of, text in direct if (of, text) not in said]:
        raise LookupError(f"pyproject.toml: no reason beside {', '.join(missing)}")
    return rows(
        ("for", "distribution", "what it is there for"),
        (
            (
                "dsync" if of == "dependencies" else f"extra `{of}`",
                Requirement(text).name,
                said[of, text],
            )
            for of, text in direct
        ),
    )


def licences() -> str:
    """Return the table of the distributions, each with its licence and what needs it."""
    needed: dict[str, str] = dict.fromkeys(needs(DISTRIBUTION, frozenset()), "dsync")
    for extra in EXTRAS:
        for name in needs(DISTRIBUTION, frozenset({extra})):
            needed.setdefault(name, f"extra `{extra}`")
    del needed[DISTRIBUTION]
    return rows(
        ("distribution", "licence", "needed by"),
        ((name, licence(metadata.metadata(name)), needed[name]) for name in sorted(needed)),
    )


def needs(
    name: str, extras: frozenset[str], met: set[tuple[str, frozenset[str]]] | None = None
) -> Iterator[str]:
    """Yield a distribution, with given extras, and all that it needs on this platform."""
    met = set() if met is None else met
    name = normal(name)
    if (name, extras) in met:
        return
    met.add((name, extras))
    yield name
    for text in metadata.requires(name) or ():
        requirement = Requirement(text)
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": one}) for one in extras or {""}):
            yield from needs(requirement.name, frozenset(requirement.extras), met)

"""The licences of all that dsync needs, from the metadata of the installed distributions."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

from dsync.extras import DISTRIBUTION
from scripts.licences import licence, normal
from tests.golden.table import rows

HAND = Path(__file__).parent / "hand/reference/dependencies.md"
EXTRAS = ("alerts", "sentry", "console-oidc", "export", "s3")


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

"""Generates docs/fr/precheck.md, the published rules of the shipped configuration."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dsync.domain.paper import markdown
from dsync.eig.publication import published_rules
from tests.golden.dossiers import shipped_rules

HEAD = "<!-- Produit par `pytest --update-golden` à partir de config/aap-eig7.toml. -->\n"


def page() -> str:
    """Return the page."""
    return f"{HEAD}\n{markdown(published_rules(shipped_rules().document()))}"


def rows(head: Sequence[str], body: Iterable[Sequence[str]]) -> str:
    """Return a table of Markdown.

    Args:
        head: the titles of its columns.
        body: the cells of each row.
    """
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    lines += [f"| {' | '.join(cells)} |" for cells in body]
    return "\n".join(lines)

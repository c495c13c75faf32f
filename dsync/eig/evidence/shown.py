"""The evidence of verdicts in one document, which `dsync evidence show` and the console show."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from dsync.addresses import mask_url
from dsync.eig import store
from dsync.eig.precheck.rules import RuleSet


def evidence_document(
    connection: Connection, rules: RuleSet, *, betagouv_url: str, registry_enabled: bool
) -> dict[str, Any]:
    """Return source, dates and size of the catalogue and the lists, as stored.

    Args:
        connection: in a transaction.
        rules: the rules in force.
        betagouv_url: the configured source of the catalogue.
        registry_enabled: whether Recherche d'entreprises is asked.
    """
    copy = store.evidence(connection)
    # All keys are there before the first run, too, which has yet to read the catalogue.
    catalogue = {
        "source": (copy and copy.url) or mask_url(betagouv_url),
        "fetched_at": copy and copy.fetched_at,
        "confirmed_at": copy and copy.confirmed_at,
        "checked_at": copy and copy.checked_at,
        "sha256": copy and copy.sha256,
        "error": copy and copy.erreur,
        "refused_since": copy and copy.refused_since,
    }
    lists = [
        {
            "list": f"operateurs {operateurs.annee}",
            "source": operateurs.source,
            "entries": len(operateurs.noms),
        }
        for operateurs in rules.operateurs
    ]
    if rules.config.categories_juridiques is not None:
        lists.append(
            {
                "list": "categories_juridiques",
                "source": rules.categories.source,
                "entries": len(rules.categories.exact) + len(rules.categories.familles),
            }
        )
    return {
        "rules_version": rules.version,
        "catalogue": catalogue,
        "lists": lists,
        "registry_enabled": registry_enabled,
    }

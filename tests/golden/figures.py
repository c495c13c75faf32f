"""Counts the dossiers that the pre-check decides without a human, over the catalogue's samples.

Combines products, spellings of their address and days of deposit; all other answers are conforme
and the catalogue is read a week after the deposit. Run `python -m tests.golden.figures`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

from dsync.domain.verdict import Verdict
from dsync.eig.precheck.catalogue import Catalogue, Product, phase_by_start
from dsync.eig.precheck.evaluation import evaluate
from dsync.eig.precheck.evidence import Evidence
from dsync.eig.precheck.rules import RuleSet
from tests.golden.dossiers import Dossier, candidature_of, shipped_rules

SAMPLES = Path(__file__).parents[1] / "data" / "betagouv"
PAGE = "beta.gouv.fr/startups"
DAYS = [datetime(2024, month, 15, 9, tzinfo=UTC) for month in range(1, 13)]
READ_AFTER = timedelta(days=7)
DECIDED = {Verdict.ELIGIBLE, Verdict.INELIGIBLE}


def spellings(product: Product) -> Iterator[tuple[str, str]]:
    """Yield the spellings of a product's address with their names."""
    id_ = product.id
    yield "adresse", f"https://{PAGE}/{id_}.html"
    yield "sans protocole", f"www.{PAGE}/{id_}/"
    yield "sans .html, au singulier", f"https://beta.gouv.fr/startup/{id_}?utm_source=x#y"
    yield "majuscules", f"https://{PAGE}/{id_}.html".upper()
    yield "encodée", f"https://{PAGE}/{quote(id_)}.html"
    yield "dans une phrase", f"Notre fiche : https://{PAGE}/{id_}.html (publiée)."
    yield (
        "avec un autre lien",
        f"https://{PAGE}/{id_}.html et https://www.data.gouv.fr/fr/datasets/",
    )
    yield "nom", product.nom
    yield "faute : lettre doublée", f"https://{PAGE}/{id_[:3]}{id_[2:]}.html"
    yield "faute : lettre oubliée", f"https://{PAGE}/{id_[:2]}{id_[3:]}.html"
    place = next(n for n in range(1, len(id_)) if id_[n] != id_[n + 1])
    exchanged = f"{id_[:place]}{id_[place + 1]}{id_[place]}{id_[place + 2 :]}"
    yield "faute : lettres échangées", f"https://{PAGE}/{exchanged}.html"
    yield "faute : .html.html", f"https://{PAGE}/{id_}.html.html"
    if product.link:
        yield "site", product.link
        yield "page du site", f"{product.link.split('?')[0].rstrip('/')}/documents/1"
    if product.repository:
        yield "code", product.repository


def count(rules: RuleSet) -> dict[str, Counter[Verdict]]:
    """Count the verdicts by spelling, over both samples and all days."""
    counted: dict[str, Counter[Verdict]] = defaultdict(Counter)
    for version in ("2.6", "2.7"):
        text = (SAMPLES / f"startups_v{version}.json").read_text(encoding="utf-8")
        catalogue = Catalogue.parse(text, "{}", source="sample")
        for product in catalogue.products.values():
            for day in DAYS:
                phase = phase_by_start(product.phases, day.date())
                declared = rules.phase_name(phase.nom) if phase else "Investigation"
                for name, address in spellings(product):
                    changes = {
                        "page_produit": address, "phase_declaree": declared, "depose_le": day
                    }  # fmt: skip
                    candidature = candidature_of(Dossier("", changes), rules)
                    evidence = Evidence(catalogue, day + READ_AFTER)
                    decision = evaluate(candidature, evidence, rules, doublons=())
                    counted[name][decision.verdict] += 1
    return counted


if __name__ == "__main__":
    total: Counter[Verdict] = Counter()
    for name, verdicts in count(shipped_rules()).items():
        total += verdicts
        shown = ", ".join(f"{verdict} {n}" for verdict, n in sorted(verdicts.items()))
        print(f"{name:28} {shown}")
    decided = sum(total[verdict] for verdict in DECIDED)
    print(f"{decided} of {total.total()} decided without a human ({decided / total.total():.0%})")

"""Fixtures: a small catalogue, the shipped rules, and a builder of Éligible candidatures."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from dsync.domain.dossier import Demandeur
from dsync.domain.ids import DossierNumber
from dsync.domain.verdict import Controle
from dsync.eig.candidature import Candidature, Reponse, Voeu
from dsync.eig.precheck.catalogue import Catalogue
from dsync.eig.precheck.evaluation import judge
from dsync.eig.precheck.evidence import PublicEvidence
from dsync.eig.precheck.rules import RuleSet
from tests.unit.eig.precheck.sections import rules_of

CONFIG = Path(__file__).parents[4] / "config"
NEEDED = (
    ("probleme", "Problème identifié"),
    ("entite", "Entité opérationnelle"),
    ("objectifs_12_mois", "Objectifs à 12 mois"),
)
FETCHED_AT = datetime(2024, 5, 21, 3, tzinfo=UTC)

ALL_OPEN = [("investigation", "2021-02-01"), ("construction", "2021-09-01")]
PAST = [*ALL_OPEN, ("success", "2022-06-13")]
PRODUCTS: dict[str, dict[str, Any]] = {
    "a-just": {
        "name": "A-JUST",
        "phases": ALL_OPEN,
        "link": "https://a-just.beta.gouv.fr",
        "repository": "https://github.com/betagouv/a-just",
        "stats_url": "https://a-just.beta.gouv.fr/stats",
    },
    "impact.co2": {
        "name": "Impact CO2",
        "phases": [
            ("construction", "2021-02-01"),
            ("acceleration", "2022-09-01"),
            ("success", "2022-06-13"),
        ],
        "link": "https://impactco2.fr/",
        "repository": "https://github.com/incubateur-ademe/impactco2.git",
    },
    "1000.jours": {"name": "1000 premiers jours", "phases": ALL_OPEN},
    "e-inspé": {"name": "E-inspé", "phases": ALL_OPEN},
    "l'eau-d'ici": {"name": "L’eau d’ici", "phases": ALL_OPEN},
    "collectif_objets": {"name": "Collectif Objets", "phases": ALL_OPEN},
    "auxAJ": {"name": "auxAJ", "phases": ALL_OPEN},
    "grist.numerique.gouv.fr": {
        "name": "Grist",
        "phases": ALL_OPEN,
        "link": "https://lasuite.numerique.gouv.fr/produits/grist",
    },
    "docs": {
        "name": "Docs",
        "phases": ALL_OPEN,
        "link": "https://lasuite.numerique.gouv.fr/produits/docs",
    },
    "jumeau-1": {"name": "Service jumeau", "phases": ALL_OPEN, "link": "https://jumeau.fr"},
    "jumeau-2": {"name": "Service jumeau", "phases": ALL_OPEN, "link": "https://jumeau.fr"},
    "Double": {"name": "Premier double", "phases": ALL_OPEN},
    "double": {"name": "Second double", "phases": ALL_OPEN},
    "toute-la-forge": {
        "name": "Toute la forge",
        "phases": ALL_OPEN,
        "repository": "https://github.com/toute-la-forge",
    },
    "commune": {
        "name": "Commune",
        "phases": ALL_OPEN,
        "link": "https://github.com/toute-la-forge",
        "repository": "https://github.com/toute-la-forge/commune",
    },
    "sans-phase": {"name": "Sans phase", "phases": []},
    "data.gouv.fr": {
        "name": "data.gouv.fr",
        "phases": PAST,
        "link": "https://www.data.gouv.fr/?utm_source=beta",
    },
    "mdso": {"name": "Mon Devis Sans Oublis", "phases": ALL_OPEN},
    "transport": {"name": "transport.data.gouv.fr", "phases": ALL_OPEN},
    "resana": {"name": "Resana", "phases": ALL_OPEN, "link": "https://resana.numerique.gouv.fr/"},
    "demarches-simplifiees": {
        "name": "Démarches simplifiées",
        "phases": PAST,
        "link": "https://www.demarches-simplifiees.fr",
        "repository": "https://github.com/betagouv/demarches-simplifiees.fr",
    },
    "espace-membre": {
        "name": "Espace membre",
        "phases": PAST,
        "link": "https://espace-membre.beta.gouv.fr",
    },
    "domifa": {"name": "DomiFa", "phases": PAST, "link": "https://domifa.fabrique.social.gouv.fr"},
    "acceslibre": {"name": "Acceslibre", "phases": ALL_OPEN},
    "monaidecyber": {"name": "MonAideCyber", "phases": ALL_OPEN},
    "anct-pni-1": {"name": "Pilote 1", "phases": ALL_OPEN},
    "anct-pni-2": {"name": "Pilote 2", "phases": ALL_OPEN},
    "pix": {"name": "Pix", "phases": ALL_OPEN},
    "eva": {"name": "Eva", "phases": ALL_OPEN},
    "connect.attitude": {"name": "Connect@attitude", "phases": ALL_OPEN},
    "fluctuat": {"name": "Fluctu@t", "phases": ALL_OPEN},
}
REDIRECTS = {
    "/startups/ajust": "https://beta.gouv.fr/startups/a-just.html",
    "/startups/tres-ancien": "/startups/ajust",
    "/startups/partage": "https://beta.gouv.fr/startups/jumeau-1.html",
    "/startups/partage.html": "https://beta.gouv.fr/startups/jumeau-2.html",
    "/startups/Éteint": "https://beta.gouv.fr/startups/docs.html",
    "/startups/disparu": "https://beta.gouv.fr/startups/plus-rien.html",
    "/startups/rond": "https://beta.gouv.fr/startups/carre.html",
    "/startups/carre": "https://beta.gouv.fr/startups/rond.html",
    "/recrutement": "https://exemple.gouv.fr/offres",
    "/startups/bizarre": 12,
}


def startups_json(products: Mapping[str, Mapping[str, Any]]) -> str:
    """Write a startups.json of products by id."""
    return json.dumps(
        {
            "links": {"self": "https://beta.gouv.fr/startups"},
            "data": [
                {
                    "id": id_,
                    "type": "startup",
                    "attributes": {
                        **attributes,
                        "phases": [
                            {"name": name, "start": start, "end": ""}
                            for name, start in attributes["phases"]
                        ],
                    },
                }
                for id_, attributes in products.items()
            ],
        }
    )


@pytest.fixture(scope="session")
def write_startups() -> Callable[[Mapping[str, Mapping[str, Any]]], str]:
    """Write a startups.json of products by id."""
    return startups_json


@pytest.fixture(scope="session")
def rules_table() -> dict[str, Any]:
    """The shipped [regles] section."""
    return tomllib.loads((CONFIG / "aap-eig7.toml").read_text(encoding="utf-8"))["regles"]


@pytest.fixture(scope="session")
def config_folder() -> Path:
    """Where the shipped lists are."""
    return CONFIG


@pytest.fixture(scope="session")
def rules(rules_table: dict[str, Any]) -> RuleSet:
    """The shipped rules and lists."""
    return RuleSet.load(rules_of(rules_table), CONFIG, needed=NEEDED)


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    """The small catalogue."""
    return Catalogue.parse(startups_json(PRODUCTS), json.dumps(REDIRECTS), source="catalogue")


@pytest.fixture(scope="session")
def evidence(catalogue: Catalogue) -> PublicEvidence:
    """Evidence with the small catalogue, fetched at FETCHED_AT."""
    return PublicEvidence(catalogue, FETCHED_AT)


@pytest.fixture(scope="session")
def candidature() -> Callable[..., Candidature]:
    """Return a builder: an Éligible candidature with the given changes."""

    def build(
        *, code: str | None = "7120", siret: str | None = "11000101300017", **changes: Any
    ) -> Candidature:
        values: dict[str, Any] = {
            "numero": DossierNumber(1),
            "depose_le": datetime(2024, 5, 20, 8, tzinfo=UTC),
            "demandeur": Demandeur("personne_morale", siret=siret, forme_juridique_code=code),
            "page_produit": "https://beta.gouv.fr/startups/a-just.html",
            "phase_declaree": "Construction",
            "cas_demande": "Lancer un produit numérique",
            "voeux": (Voeu(1, "Directeur ou directrice de produit", "Bâtir"),),
            "probleme": "Un problème",
            "entite": "Une entité",
            "objectifs_12_mois": "Des objectifs",
        }
        return Candidature(**values | changes)

    return build


@pytest.fixture(scope="session")
def check(
    rules: RuleSet, evidence: PublicEvidence, candidature: Callable[..., Candidature]
) -> Callable[..., Controle]:
    """Return a function that evaluates a candidature and returns the result of one check."""

    def run(
        name: str,
        *,
        doublons: tuple[int, ...] = (),
        products: Mapping[str, Mapping[str, Any]] | None = None,
        redirects: str | None = "{}",
        with_evidence: PublicEvidence | None = None,
        with_rules: RuleSet | None = None,
        **changes: Any,
    ) -> Controle:
        used = with_evidence or evidence
        if products is not None:
            used = PublicEvidence(Catalogue.parse(startups_json(products), redirects), FETCHED_AT)
        decision = judge(
            candidature(**changes), used, with_rules or rules, doublons=doublons  # type: ignore[arg-type]
        )  # fmt: skip
        return next(c for c in decision.controles if c.controle == name)

    return run


@pytest.fixture(scope="session")
def reponses() -> Callable[..., dict[str, Reponse]]:
    """Return a builder of `Candidature.reponses`."""
    return lambda **fields: dict(fields)

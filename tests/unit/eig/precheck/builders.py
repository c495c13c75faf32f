"""A small catalogue, the shipped rules, an Éligible candidature, and how they are judged."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from dsync.controles.declarations import ControlesSections
from dsync.domain.check_answers import Answer
from dsync.domain.dossier import Demandeur, Etat, Presence
from dsync.domain.due import ToJudge
from dsync.domain.ids import DossierNumber
from dsync.domain.judging import new_decision
from dsync.domain.verdict import Controle, Decision, StoredVerdict
from dsync.eig.candidature import Candidature, Voeu
from dsync.eig.precheck.catalogue import Catalogue, KnownProduct
from dsync.eig.precheck.evaluation import absent_page, facts_of, judge
from dsync.eig.precheck.evidence import ProductEvidence, PublicEvidence
from dsync.eig.precheck.rules import RuleSet

CONFIG = Path(__file__).parents[4] / "config"
"""Where the shipped lists are."""
SHIPPED: dict[str, Any] = tomllib.loads((CONFIG / "aap-eig7.toml").read_text("utf-8"))
NEEDED = (
    ("probleme", "Problème identifié"),
    ("entite", "Entité opérationnelle"),
    ("objectifs_12_mois", "Objectifs à 12 mois"),
)
FETCHED_AT = datetime(2024, 5, 21, 3, tzinfo=UTC)


def load_rules(
    folder: Path = CONFIG,
    *,
    needed: Iterable[tuple[str, str]] = NEEDED,
    precontrole: Mapping[str, Any] = {},
    **changes: Mapping[str, Any] | None,
) -> RuleSet:
    """Return the shipped checks, with these changes by check; None: one is left out.

    `needed` are the fields of a complete dossier with their labels; `precontrole` what is changed
    in that section. Of `parametres`, single ones are changed.
    """
    mapping = {name: {"libelles": [label], "type": "texte"} for name, label in needed}
    voeux = {"libelles": ["Profils souhaités"], "type": "lignes", "colonnes": {"profil": "Profil"}}
    complete = {"exige": {"tous_presents": [*mapping]}} if mapping else None
    given: dict[str, Mapping[str, Any] | None] = {"completude": complete, **changes}
    declared = [
        _changed(one, change)
        for one in SHIPPED["controles"]
        if (change := given.get(one["nom"], {})) is not None
    ]
    sections = {
        "precontrole": {**SHIPPED["precontrole"], **precontrole},
        "champs": {**mapping, "voeux": voeux},
        "controles": declared,
    }
    return RuleSet.load(ControlesSections.model_validate(sections), folder)


def _changed(one: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    parametres = (
        {"parametres": {**one["parametres"], **change["parametres"]}}
        if "parametres" in change
        else {}
    )
    return {**one, **change, **parametres}


def without(*names: str) -> dict[str, Any]:
    """Return the change of `load_rules` by which these checks are not made."""
    return dict.fromkeys(names)


RULES = load_rules()

ALL_OPEN = [("investigation", "2021-02-01"), ("construction", "2021-09-01")]
PAST = [*ALL_OPEN, ("success", "2022-06-13")]


def product(
    name: str, phases: Sequence[tuple[str, str]] = ALL_OPEN, **links: str
) -> dict[str, Any]:
    """Return the attributes of a product."""
    return {"name": name, "phases": phases, **links}


def a_just(phases: Sequence[tuple[str, str]], **links: str) -> dict[str, dict[str, Any]]:
    """Return the products of a catalogue that has the one of `candidature`, in these phases."""
    return {"a-just": product("A-JUST", phases, **links)}


LASUITE = "https://lasuite.numerique.gouv.fr/produits"
FORGE = "https://github.com/toute-la-forge"
PRODUCTS = {
    "a-just": product(
        "A-JUST",
        link="https://a-just.beta.gouv.fr",
        repository="https://github.com/betagouv/a-just",
        stats_url="https://a-just.beta.gouv.fr/stats",
    ),
    "impact.co2": product(
        "Impact CO2",
        [("construction", "2021-02-01"), ("acceleration", "2022-09-01"), ("success", "2022-06-13")],
        link="https://impactco2.fr/",
        repository="https://github.com/incubateur-ademe/impactco2.git",
    ),
    "1000.jours": product("1000 premiers jours"),
    "e-inspé": product("E-inspé"),
    "l'eau-d'ici": product("L’eau d’ici"),
    "collectif_objets": product("Collectif Objets"),
    "auxAJ": product("auxAJ"),
    "grist.numerique.gouv.fr": product("Grist", link=f"{LASUITE}/grist"),
    "docs": product("Docs", link=f"{LASUITE}/docs"),
    "jumeau-1": product("Service jumeau", link="https://jumeau.fr"),
    "jumeau-2": product("Service jumeau", link="https://jumeau.fr"),
    "Double": product("Premier double"),
    "double": product("Second double"),
    "toute-la-forge": product("Toute la forge", repository=FORGE),
    "commune": product("Commune", link=FORGE, repository=f"{FORGE}/commune"),
    "sans-phase": product("Sans phase", []),
    "data.gouv.fr": product("data.gouv.fr", PAST, link="https://www.data.gouv.fr/?utm_source=beta"),
    "mdso": product("Mon Devis Sans Oublis"),
    "transport": product("transport.data.gouv.fr"),
    "resana": product("Resana", link="https://resana.numerique.gouv.fr/"),
    "demarches-simplifiees": product(
        "Démarches simplifiées",
        PAST,
        link="https://www.demarches-simplifiees.fr",
        repository="https://github.com/betagouv/demarches-simplifiees.fr",
    ),
    "espace-membre": product("Espace membre", PAST, link="https://espace-membre.beta.gouv.fr"),
    "domifa": product("DomiFa", PAST, link="https://domifa.fabrique.social.gouv.fr"),
    "acceslibre": product("Acceslibre"),
    "monaidecyber": product("MonAideCyber"),
    "anct-pni-1": product("Pilote 1"),
    "anct-pni-2": product("Pilote 2"),
    "pix": product("Pix"),
    "eva": product("Eva"),
    "connect.attitude": product("Connect@attitude"),
    "fluctuat": product("Fluctu@t"),
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


def published(
    products: Mapping[str, Mapping[str, Any]],
    redirects: str | None = "{}",
    known: Iterable[KnownProduct] = (),
) -> Catalogue:
    """Return the catalogue of products by id."""
    return Catalogue.parse(startups_json(products), redirects, source="catalogue", known=known)


CATALOGUE = published(PRODUCTS, json.dumps(REDIRECTS))
EVIDENCE = PublicEvidence(CATALOGUE, FETCHED_AT)


def candidature(
    *, code: str | None = "7120", siret: str | None = "11000101300017", **changes: Any
) -> Candidature:
    """Return an Éligible candidature with the given changes."""
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


def judged(
    one: Candidature,
    evidence: PublicEvidence = EVIDENCE,
    rules: RuleSet = RULES,
    *,
    doublons: Iterable[int] = (),
    **more: Any,
) -> Decision:
    """Return the decision on a candidature, by default with the small catalogue."""
    return judge(one, evidence, rules, doublons=map(DossierNumber, doublons), **more)


def check(
    name: str,
    *,
    doublons: tuple[int, ...] = (),
    products: Mapping[str, Mapping[str, Any]] | None = None,
    redirects: str | None = "{}",
    read_at: datetime = FETCHED_AT,
    with_evidence: PublicEvidence = EVIDENCE,
    with_rules: RuleSet = RULES,
    **changes: Any,
) -> Controle:
    """Judge a candidature, and return the result of one check."""
    if products is not None:
        with_evidence = PublicEvidence(published(products, redirects), read_at)
    decision = judged(candidature(**changes), with_evidence, with_rules, doublons=doublons)
    return next(c for c in decision.controles if c.controle == name)


class CurrentVerdict(NamedTuple):
    """The verdict that a dossier has."""

    is_stale: bool
    """Whether the dossier has changed since."""
    verdict: Decision
    product: ProductEvidence | None


def judge_if_needed(
    candidature: Candidature,
    evidence: PublicEvidence = EVIDENCE,
    rules: RuleSet = RULES,
    *,
    doublons: tuple[DossierNumber, ...] = (),
    current: CurrentVerdict,
    answers: Mapping[str, Answer] = {},
) -> Decision | None:
    """Return a new decision, or None when the current verdict stands."""
    is_stale, verdict, frozen = current
    names = [name for name in StoredVerdict.__struct_fields__ if hasattr(verdict, name)]
    stored = StoredVerdict(
        **{name: getattr(verdict, name) for name in names},
        depuis_le=FETCHED_AT,
        inputs_hash="before" if is_stale else "now",
    )
    numero = DossierNumber(candidature.numero)
    etat, presence, wished = Etat.EN_INSTRUCTION, Presence.PRESENT, {"resultat": verdict.verdict}
    due = ToJudge(numero, etat, presence, "now", stored, wished, answers)
    facts = facts_of(
        candidature,
        evidence,
        rules,
        doublons=doublons,
        frozen=frozen,
        answers=answers,
        absent=absent_page(candidature, stored, frozen),
    ).beside(stored)
    return new_decision(due, facts, rules.rules)

"""Kinds of dossiers, each by its differences from an Éligible one, with their texts."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from dsync.controles.papers import expected
from dsync.domain.dossier import Demandeur
from dsync.domain.ids import DossierNumber
from dsync.domain.verdict import Decision
from dsync.eig.candidature import Candidature, Reponse, Voeu
from dsync.eig.papers import Letter, message_of
from dsync.eig.precheck.catalogue import Catalogue, KnownProduct, Phase, Product
from dsync.eig.precheck.evaluation import judge
from dsync.eig.precheck.evidence import PublicEvidence, RegistryAnswer, RegistryStatus
from dsync.eig.precheck.lists import OperateurList
from dsync.eig.precheck.rules import RuleSet
from dsync.wiring import Worker
from tests.configured import load_settings

CONFIG = Path(__file__).parents[2] / "config"
PAGE = "https://beta.gouv.fr/startups"
READ_SOON = datetime(2024, 5, 22, 3, tzinfo=UTC)
READ_LATE = datetime(2026, 11, 24, 3, tzinfo=UTC)
DEPOSITED = datetime(2024, 5, 20, 8, tzinfo=UTC)

PRODUIT = "Directeur ou directrice de produit"
TECHNIQUE = "Directeur ou directrice technique"
IMPACT = "Directeur ou directrice d’impact"
LANCER = "Lancer un produit numérique"
INTERNALISER = "Internaliser le pilotage stratégique"


def _phases(*phases: tuple[str, str]) -> tuple[Phase, ...]:
    return tuple(
        Phase(nom, datetime.fromisoformat(start).date() if start else None) for nom, start in phases
    )


OPEN = _phases(("investigation", "2021-02-01"), ("construction", "2021-09-01"))
PUBLIC = {"stats_url": "https://exemple.fr/stats", "repository": "https://github.com/x/y"}
PRODUCTS = (
    Product(
        "a-just", "A-JUST", OPEN, "https://a-just.beta.gouv.fr/stats",
        "https://github.com/betagouv/a-just", "https://a-just.beta.gouv.fr",
        incubateur_id="justice",
    ),
    Product("domifa", "DomiFa", (*OPEN, *_phases(("success", "2023-01-17"))), **PUBLIC,
            link="https://domifa.fabrique.social.gouv.fr"),
    Product("clara", "Clara", (*OPEN, *_phases(("alumni", "2022-11-30"))), **PUBLIC),
    Product("gouvernail", "Gouvernail", _phases(("construction", "2023-04-03"))),
    Product("acces-cible", "Accès cible", _phases(("investigation", "2024-06-27"))),
    Product("sans-phase", "Sans phase", ()),
    Product("basegun", "Basegun", _phases(("acceleration", "2022-09-01"),
                                          ("success", "2022-06-13")), **PUBLIC),
    Product("brouillon", "Brouillon", _phases(("construction", "2023-01-01"), ("success", ""))),
    Product("pix", "Pix", OPEN, **PUBLIC),
    Product("guichet-1", "Guichet unique", OPEN),
    Product("guichet-2", "Guichet unique", OPEN),
    Product("moisson", "Moisson", _phases(("maturation", "2023-01-01"))),
)  # fmt: skip
KNOWN = (KnownProduct("carnet-vert", "Carnet vert"),)
REDIRECTS = f'{{"/startups/ajust": "{PAGE}/a-just.html"}}'


class Dossier(NamedTuple):
    """A kind of dossier, by its differences from an Éligible one."""

    kind: str
    changes: Mapping[str, Any] = {}
    doublons: tuple[int, ...] = ()
    read_at: datetime | None = READ_SOON
    aliases: str | None = REDIRECTS
    registry: RegistryAnswer | None = None
    has_registry: bool = False
    rules: Mapping[str, Any] = {}


def _voeux(*profils: str) -> tuple[Voeu, ...]:
    return tuple(Voeu(rang, profil, "…") for rang, profil in enumerate(profils, start=1))


def applicant(
    nom: str = "DIRECTION DES SERVICES JUDICIAIRES",
    code: str | None = "7120",
    forme: str | None = "Service central d'un ministère",
    siret: str | None = "11000101300017",
    **more: Any,
) -> dict[str, Any]:
    """Return the values of an applicant."""
    genre = more.pop("genre", "personne_morale")
    return {
        "demandeur": Demandeur(
            genre,
            siret=siret,
            raison_sociale=nom,
            forme_juridique_code=code,
            forme_juridique=forme,
            **more,
        )
    }


GIP = applicant("GIP PLATEFORME NATIONALE", "7410", "Groupement d'intérêt public (GIP)")
SANS_CODE = applicant("SERVICE SANS CATEGORIE", None, None)
BLANK = Reponse.VIDE


DOSSIERS = (
    Dossier("Éligible, administration centrale"),
    Dossier("Éligible, opérateur de l’État, ancienne adresse, cas « Internaliser »",
            applicant("BRGM", "4110", None, "58205614900017")
            | {"page_produit": f"{PAGE}/ajust.html", "cas_demande": INTERNALISER,
               "voeux": _voeux(PRODUIT, TECHNIQUE)}),
    Dossier("Dépôt hors de l’appel", {"depose_le": datetime(2025, 1, 15, 10, tzinfo=UTC)},
            read_at=datetime(2025, 1, 16, tzinfo=UTC)),
    Dossier("Commune", applicant("COMMUNE DE BEAUVAL", "7210", "Commune et commune nouvelle")),
    Dossier("Groupement absent de la liste, liste de l’année indisponible", GIP),
    Dossier("Groupement absent de la liste de l’année", GIP,
            rules={"operateurs": (2024,)}),
    Dossier("Association, liste de l’année indisponible",
            applicant("ASSOCIATION DES USAGERS", "9220", "Association déclarée")),
    Dossier("Société, liste de l’année disponible",
            applicant("NUMERIQUE SAS", "5710", "SAS, société par actions simplifiée"),
            rules={"operateurs": (2024,)}),
    Dossier("Établissement public absent de la liste, long libellé",
            applicant("OFFICE DES DONNEES", "4110", "Établissement public national à caractère "
                      "industriel ou commercial doté d'un comptable public")),
    Dossier("Autorité indépendante",
            applicant("AUTORITE DES MARCHES", "7112",
                      "Autorité administrative ou publique indépendante")),
    Dossier("Personne physique", applicant("", None, None, None, genre="personne_physique")),
    Dossier("Sans SIRET lisible", applicant("", None, None, "1234")),
    Dossier("Sans catégorie juridique, registre non consulté", SANS_CODE),
    Dossier("SIREN inconnu du registre", SANS_CODE, has_registry=True,
            registry=RegistryAnswer("110001013", RegistryStatus.UNKNOWN,
                                    consulted_at=READ_SOON)),
    Dossier("Registre injoignable", SANS_CODE, has_registry=True,
            registry=RegistryAnswer("110001013", RegistryStatus.UNREACHABLE)),
    Dossier("Administration fermée", applicant(etat_administratif="Ferme")),
    Dossier("Fiche vide", {"page_produit": None}),
    Dossier("Fiche vide, adresse dans une autre réponse",
            {"page_produit": None, "probleme": f"Voir {PAGE}/a-just.html, notre fiche"}),
    Dossier("Absence de fiche déclarée", {"page_produit": "Néant."}),
    Dossier("Adresse et d’autres mots",
            {"page_produit": f"Pas encore de fiche, exemple : {PAGE}/a-just.html"}),
    Dossier("Page inconnue", {"page_produit": f"{PAGE}/fiche-qui-nexiste-pas.html"}),
    Dossier("Page inconnue, redirections illisibles",
            {"page_produit": f"{PAGE}/fiche-qui-nexiste-pas.html"}, aliases=None),
    Dossier("Faute de frappe", {"page_produit": f"{PAGE}/domiffa.html"}),
    Dossier("Deux pages également proches", {"page_produit": f"{PAGE}/guichet-N.html"}),
    Dossier("Page retirée", {"page_produit": f"{PAGE}/carnet-vert.html"}),
    Dossier("Nom du produit", {"page_produit": "Le produit A-JUST"}),
    Dossier("Nom du produit, confirmé par l’incubateur déclaré",
            {"page_produit": "Le produit A-JUST", "incubateur": "Ministère de la Justice"}),
    Dossier("Nom que deux produits portent", {"page_produit": "Guichet unique"}),
    Dossier("Nom cité dans une phrase", {"page_produit": "Le produit Pix, incubé à la DINUM"}),
    Dossier("Site d’un produit en phase passée",
            {"page_produit": "Fiche en cours, voir https://domifa.fabrique.social.gouv.fr"}),
    Dossier("Adresse du formulaire",
            {"page_produit": "https://www.demarches-simplifiees.fr/commencer/aap-eig7"}),
    Dossier("Page d’incubateur", {"page_produit": "https://beta.gouv.fr/incubateurs/dinum.html"}),
    Dossier("Ni adresse ni nom", {"page_produit": "à venir"}),
    Dossier("Deux produits", {"page_produit": f"{PAGE}/a-just.html et {PAGE}/pix.html"}),
    Dossier("Phase passée, déclarée comme telle",
            {"page_produit": f"{PAGE}/clara.html", "phase_declaree": "Pérennisé"},
            read_at=READ_LATE),
    Dossier("Phase passée, catalogue lu tôt", {"page_produit": f"{PAGE}/domifa.html"}),
    Dossier("Phase passée, catalogue lu tard",
            {"page_produit": f"{PAGE}/domifa.html", "phase_declaree": "Accélération"},
            read_at=READ_LATE),
    Dossier("Phase admise, autre que la phase déclarée", {"phase_declaree": "Investigation"}),
    Dossier("Pas encore de phase, cas sans investigation",
            {"page_produit": f"{PAGE}/acces-cible.html", "phase_declaree": "Investigation"}),
    Dossier("Phases contradictoires, puis autre cas réuni",
            {"page_produit": f"{PAGE}/basegun.html", "phase_declaree": "Accélération"}),
    Dossier("Phases illisibles, aucune phase déclarée, aucun cas choisi",
            {"page_produit": f"{PAGE}/brouillon.html", "phase_declaree": None,
             "cas_demande": None}),
    Dossier("Profil hors de l’offre et profils trop nombreux",
            {"voeux": _voeux(PRODUIT, TECHNIQUE, IMPACT)}),
    Dossier("Internaliser sans preuve, réponses vides, doublons",
            {"page_produit": f"{PAGE}/gouvernail.html", "cas_demande": INTERNALISER,
             "probleme": None, "objectifs_12_mois": None},
            doublons=(1860002, 1860017, 1860023)),
    Dossier("Plusieurs motifs d’inéligibilité, catalogue jamais lu",
            applicant("COMMUNAUTE DE COMMUNES DU VAL", "7346", "Communauté de communes")
            | {"voeux": ()}, read_at=None),
)  # fmt: skip
"""In the order of the checks."""


@cache
def shipped_rules() -> RuleSet:
    """Return the shipped rules, with the champs that the shipped mapping needs."""
    return Worker(load_settings(config=CONFIG / "aap-eig7.toml")).programme.rule_set


def _rules_of(dossier: Dossier) -> RuleSet:
    rules = shipped_rules()
    for year in dossier.rules.get("operateurs", ()):
        more = OperateurList(year, "liste d’essai", {"582056149": "BRGM"})
        rules = replace(rules, operateurs=(*rules.operateurs, more))
    return rules


def decide(dossier: Dossier) -> Decision:
    """Return the decision on a kind of dossier."""
    rules = _rules_of(dossier)
    catalogue = None
    if dossier.read_at is not None:
        catalogue = Catalogue.of(PRODUCTS, dossier.aliases, source="catalogue", known=KNOWN)
    registry = {dossier.registry.siren: dossier.registry} if dossier.registry else {}
    evidence = PublicEvidence(
        catalogue, dossier.read_at, registry=registry, registry_enabled=dossier.has_registry
    )
    return judge(candidature_of(dossier, rules), evidence, rules, doublons=[
        DossierNumber(number) for number in dossier.doublons
    ])  # fmt: skip


def message(dossier: Dossier) -> Letter:
    """Return what the applicant of a kind of dossier is asked; no product is suggested."""
    return message_of(1860001, decide(dossier).controles, _rules_of(dossier))


def messages() -> str:
    """Return what the applicants of all kinds are asked, each under its title."""
    texts = []
    for dossier in DOSSIERS:
        asked = "\n".join(f"- {demand}" for demand in message(dossier).demandes)
        texts.append(f"## {dossier.kind}\n{asked or 'Rien à demander.'}\n")
    return "\n".join(texts)


def candidature_of(dossier: Dossier, rules: RuleSet) -> Candidature:
    """Return the candidature of a kind of dossier: complete except for its changes."""
    values: dict[str, Any] = {
        "numero": DossierNumber(1860001),
        "depose_le": DEPOSITED,
        "page_produit": f"{PAGE}/a-just.html",
        "phase_declaree": "Construction",
        "cas_demande": LANCER,
        "voeux": _voeux(PRODUIT),
        **applicant(),
        **dossier.changes,
    }
    reponses = {
        field: Reponse.VIDE if field in values and not values[field] else Reponse.REMPLI
        for field in expected(rules.declarations.sections)
    }
    fields = Candidature.model_fields
    return Candidature(
        **{name: value for name, value in values.items() if name in fields},
        reponses=reponses | values.get("reponses", {}),
    )


def in_lines(detail: str, usual: Collection[str] = ()) -> str:
    """Return a text with a line for each conforming fact, so that one more is a line more.

    Args:
        detail: the text.
        usual: facts that are left out.
    """
    head, mark, facts = detail.partition("Conforme\u00a0: ")
    facts, _, tail = facts.partition("\n")
    shown = [f"  {fact}" for fact in facts.removesuffix(".").split("\u00a0; ") if fact not in usual]
    return "\n".join([f"{head}{mark}".rstrip(), *filter(str.strip, shown), *filter(None, [tail])])


def written() -> str:
    """Return the details of all kinds, each under its title.

    The first one has its conforming facts whole, the others only what differs from it.
    """
    first, *others = ((dossier.kind, decide(dossier).detail) for dossier in DOSSIERS)
    usual = {line.strip() for line in in_lines(first[1]).split("\n")}
    texts = [(first[0], in_lines(first[1])), *((k, in_lines(text, usual)) for k, text in others)]
    return "\n".join(f"## {kind}\n{text}\n" for kind, text in texts)

"""The cases of the eligibility rules, each as a change to an eligible application.

`Case.expected` is the verdict that the shipped rules should give. The sandbox computes no verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, TypeVar
from urllib.parse import quote

from dsync.sandbox.content import applicants
from dsync.sandbox.content.catalogue import (
    AMBIGUOUS_ALIAS,
    CHAINED_ALIAS,
    PAST_PHASES,
    ProductSeed,
    family,
    without_accents,
)
from dsync.sandbox.content.form import CAS_INTERNALISER, CAS_LANCER, PROFIL_IMPACT, PROFIL_PRODUIT
from dsync.sandbox.content.form import PROFIL_TECHNIQUE as TECHNIQUE
from dsync.sandbox.content.rng import SeededRandom

T = TypeVar("T")
Change = Callable[["DraftSeed"], None]
_PAGE = "https://beta.gouv.fr/startups/{id}.html"


@dataclass(slots=True)
class DraftSeed:
    """The answers on which eligibility depends; initially those of an eligible application."""

    rng: SeededRandom
    ordinal: int
    """Number of earlier dossiers that illustrate the same case."""
    demandeur: applicants.Demandeur
    product: ProductSeed
    depose_at: datetime
    profils: list[str]
    address: str = ""
    cas: str | None = None
    phase: str | None = None
    missing: set[int] = field(default_factory=set)
    nasty: bool = False
    why: str = ""

    def take(self, product: ProductSeed) -> None:
        """Set the product, with its canonical address."""
        self.product = product
        self.address = _PAGE.format(id=product.id)

    def in_turn(self, choices: Sequence[T]) -> T:
        """Return one of the choices; each dossier of the same case gets the next one."""
        return choices[self.ordinal % len(choices)]

    def in_month(self, month: int) -> None:
        """Move the deposit to that month of the same year."""
        self.depose_at = self.depose_at.replace(month=month, day=min(self.depose_at.day, 28))


@dataclass(frozen=True, slots=True)
class Case:
    """One case of the rules."""

    name: str
    weight: int
    """Number of dossiers among 300 that illustrate it."""
    expected: Literal["Éligible", "À vérifier", "Inéligible"]
    why: str
    apply: Change
    twin: Literal["", "active", "closed", "again"] = ""
    """For a doublon: the kind of dossier whose product it repeats."""


def _keep(_draft: DraftSeed) -> None:
    """Leave the draft as it is."""


def _deposited(*moments: datetime) -> Change:
    def apply(draft: DraftSeed) -> None:
        draft.depose_at = draft.in_turn(moments)

    return apply


def _address(*templates: str) -> Change:
    """Return a change that writes the product's address in one of several ways."""

    def apply(draft: DraftSeed) -> None:
        product = draft.product
        draft.address = draft.in_turn(templates).format(
            page=draft.address,
            id=product.id,
            site=product.link,
            code=f"https://github.com/betagouv-exemple/{product.slug}",
            name=product.name,
        )

    return apply


def _product(name: str, cas: str | None = None, step: int = 1, offset: int = 0) -> Change:
    """Return a change to a product of one family.

    Args:
        name: the family.
        cas: option of « Cas de la demande »; None leaves it.
        step: distance between the products of consecutive dossiers of the case.
        offset: index of the first product. Both keep cases of one family on different products.
    """

    def apply(draft: DraftSeed) -> None:
        pool = family(name)
        draft.take(pool[(draft.ordinal * step + offset) % len(pool)])
        draft.cas = cas

    return apply


def _category(*codes: str) -> Change:
    def apply(draft: DraftSeed) -> None:
        draft.demandeur = applicants.morale(draft.rng, draft.in_turn(codes))

    return apply


def _applicant(*makers: Callable[[SeededRandom], applicants.Demandeur]) -> Change:
    def apply(draft: DraftSeed) -> None:
        draft.demandeur = draft.in_turn(makers)(draft.rng)

    return apply


def _profils(*profils: str) -> Change:
    def apply(draft: DraftSeed) -> None:
        draft.profils = list(profils)

    return apply


def _missing(*groups: tuple[int, ...]) -> Change:
    def apply(draft: DraftSeed) -> None:
        draft.missing |= set(draft.in_turn(groups))

    return apply


def _upper_case(draft: DraftSeed) -> None:
    draft.address = draft.address.upper()


def _percent_encoded(draft: DraftSeed) -> None:
    _product("accents", step=3)(draft)
    draft.address = _PAGE.format(id=quote(draft.product.id))


def _accents_dropped(draft: DraftSeed) -> None:
    _product("accents", step=3, offset=1)(draft)
    draft.address = _PAGE.format(id=without_accents(draft.product.id))


def _alias(draft: DraftSeed) -> None:
    _product("alias")(draft)
    draft.address = _PAGE.format(id=draft.product.aliases[0])


def _chained_alias(draft: DraftSeed) -> None:
    draft.take(family("alias")[-1])
    draft.address = _PAGE.format(id=CHAINED_ALIAS)


def _impact_late(draft: DraftSeed) -> None:
    draft.profils = [PROFIL_IMPACT] if draft.ordinal % 2 else [PROFIL_PRODUIT, PROFIL_IMPACT]
    draft.in_month(10)
    if draft.ordinal % 6 == 5:
        draft.depose_at = datetime(2024, 8, 18, 22, 0, tzinfo=UTC)


def _impact_early(draft: DraftSeed) -> None:
    draft.profils = [PROFIL_IMPACT]
    draft.in_month(6)
    if draft.ordinal % 3 == 2:
        draft.depose_at = datetime(2024, 8, 18, 21, 59, 59, tzinfo=UTC)


def _three_profils(draft: DraftSeed) -> None:
    draft.profils = [PROFIL_PRODUIT, TECHNIQUE, PROFIL_IMPACT]
    draft.in_month(11)


def _phase_declared_otherwise(draft: DraftSeed) -> None:
    observed = draft.product.phase_at(draft.depose_at.date().isoformat()) or ""
    is_investigation = observed.lower() == "investigation"
    draft.phase = "Construction" if is_investigation else "Investigation"


def _two_products(draft: DraftSeed) -> None:
    other = draft.in_turn(family("discordant"))
    draft.address = f"{draft.address} et {_PAGE.format(id=other.id)}"


def _several_doubts(draft: DraftSeed) -> None:
    _product("a_venir")(draft)
    draft.demandeur = applicants.sans_categorie(draft.rng)
    draft.missing |= {4502, 4503}
    draft.depose_at = datetime(2025, 1, 20, 9, 30, tzinfo=UTC)


def _several_refusals(draft: DraftSeed) -> None:
    _product("passe")(draft)
    draft.demandeur = applicants.morale(draft.rng, "7210")
    draft.profils = []


def _nasty(draft: DraftSeed) -> None:
    draft.nasty = True


SPELLINGS: tuple[tuple[str, int, str, Change], ...] = (
    ("http", 3, "adresse en http", _address("http://beta.gouv.fr/startups/{id}.html")),
    ("sans_protocole", 3, "adresse sans https", _address("beta.gouv.fr/startups/{id}.html")),
    ("www", 3, "adresse en www", _address("https://www.beta.gouv.fr/startups/{id}.html")),
    ("singulier", 3, "adresse en /startup/", _address("https://beta.gouv.fr/startup/{id}.html")),
    ("sans_html", 4, "adresse sans .html", _address("https://beta.gouv.fr/startups/{id}")),
    ("barre_finale", 3, "barre finale", _address("https://beta.gouv.fr/startups/{id}/")),
    ("requete", 3, "adresse avec requête", _address("{page}?utm_source=lettre&utm_medium=web")),
    ("ancre", 2, "adresse avec ancre", _address("{page}#equipe")),
    ("majuscules", 3, "adresse en majuscules", _upper_case),
    ("espaces", 3, "espaces et saut de ligne autour", _address("  {page} \t")),
    ("phrase", 4, "adresse dans une phrase", _address("Notre fiche est ici : {page}.")),
    ("deux_fois", 2, "même adresse écrite deux fois", _address("{page} ({page})")),
    ("chevrons", 2, "adresse entre chevrons", _address("<{page}>")),
    ("encodee", 3, "accents encodés en pourcents", _percent_encoded),
    ("sans_accents", 3, "accents oubliés", _accents_dropped),
    ("accents", 2, "identifiant accentué", _product("accents", step=3, offset=2)),
    ("remarquable", 3, "identifiant inhabituel", _product("remarquable")),
    ("alias", 5, "ancienne adresse redirigée", _alias),
    ("alias_en_chaine", 1, "redirection en deux temps", _chained_alias),
)
"""Ways to write a product's address: name, number among 300 dossiers, description, change."""

ELIGIBLE = (
    Case("simple", 52, "Éligible", "dossier simple et complet", _keep),
    *(Case(f"fiche_{n}", w, "Éligible", f"fiche produit : {why}", f) for n, w, why, f in SPELLINGS),
    Case("operateur", 10, "Éligible", "opérateur de l’État", _applicant(applicants.operateur)),
    Case("impact", 6, "Éligible", "profil impact, à l’offre le jour du dépôt", _impact_late),
    Case("profil_repete", 2, "Éligible", "le même profil demandé deux fois",
         _profils(PROFIL_PRODUIT, TECHNIQUE, PROFIL_PRODUIT)),
    Case("bornes_incluses", 3, "Éligible", "déposé au tout début ou à la toute fin de l’appel",
         _deposited(datetime(2024, 12, 31, 22, 59, 59, tzinfo=UTC),
                    datetime(2023, 12, 31, 23, 0, tzinfo=UTC),
                    datetime(2023, 12, 31, 23, 30, tzinfo=UTC))),
    Case("facultatifs_absents", 4, "Éligible", "réponses facultatives absentes",
         _missing((4305, 4307, 4309, 4604, 4605))),
    Case("textes_difficiles", 4, "Éligible", "textes longs ou inhabituels", _nasty),
    Case("doublon_clos", 3, "Éligible", "même produit qu’un dossier clos", _keep, "closed"),
)  # fmt: skip

A_VERIFIER = (
    Case("hors_appel", 4, "À vérifier", "déposé hors de l’appel",
         _deposited(datetime(2024, 12, 31, 23, 30, tzinfo=UTC),
                    datetime(2023, 12, 31, 22, 59, 59, tzinfo=UTC),
                    datetime(2025, 1, 15, 10, 0, tzinfo=UTC),
                    datetime(2024, 12, 31, 23, 0, tzinfo=UTC))),
    Case("categorie_a_confirmer", 5, "À vérifier", "catégorie juridique à confirmer",
         _category(*applicants.A_CONFIRMER)),
    Case("etablissement_hors_liste", 9, "À vérifier", "établissement absent de la liste",
         _category(*applicants.HORS_LISTE)),
    Case("personne_privee", 6, "À vérifier", "personne privée, sans liste de l’année du dépôt",
         _category(*applicants.PRIVES)),
    Case("autre_categorie", 2, "À vérifier", "catégorie juridique inattendue",
         _category(*applicants.AUTRES_CODES)),
    Case("sans_categorie", 4, "À vérifier", "aucune catégorie juridique connue",
         _applicant(applicants.sans_categorie, applicants.sans_entreprise)),
    Case("registre_en_panne", 3, "À vérifier", "déposé pendant une panne du registre",
         _applicant(applicants.incomplete)),
    Case("physique", 2, "À vérifier", "déposé par une personne", _applicant(applicants.physique)),
    Case("ferme", 3, "À vérifier", "établissement fermé", _applicant(applicants.ferme)),
    Case("site_du_produit", 4, "À vérifier", "adresse du site du produit",
         _address("{site}", "{site}/accueil?origine=fiche")),
    Case("depot_de_code", 2, "À vérifier", "adresse du dépôt de code", _address("{code}")),
    Case("autre_site", 2, "À vérifier", "adresse d’un autre site",
         _address("https://www.example.org/notre-projet", "https://intranet.example.gouv.fr/p/7")),
    Case("alias_partage", 2, "À vérifier", "ancienne adresse que deux produits revendiquent",
         _address(f"https://beta.gouv.fr/startups/{AMBIGUOUS_ALIAS}.html",
                  f"https://beta.gouv.fr/startups/{AMBIGUOUS_ALIAS}")),
    Case("a_la_casse_pres", 1, "À vérifier", "deux produits à la casse près",
         _address("https://beta.gouv.fr/startups/PRODUIT.DOUBLE.html")),
    Case("autre_page", 3, "À vérifier", "page de beta.gouv.fr qui n’est pas une fiche",
         _address("https://beta.gouv.fr/incubateurs/dinum.html", "https://beta.gouv.fr/startups/",
                  "https://beta.gouv.fr/")),
    Case("deux_produits", 3, "À vérifier", "deux produits cités", _two_products),
    Case("nom_du_produit", 3, "À vérifier", "nom du produit au lieu de l’adresse",
         _address("{name}")),
    Case("nom_partage", 1, "À vérifier", "nom que plusieurs produits portent",
         _address("Service jumeau")),
    Case("phase_a_venir", 4, "À vérifier", "pas encore de phase", _product("a_venir")),
    Case("phases_discordantes", 4, "À vérifier", "phases en désaccord", _product("discordant")),
    Case("phase_declaree", 5, "À vérifier", "phase déclarée autre que la phase constatée",
         _phase_declared_otherwise),
    Case("trois_profils", 3, "À vérifier", "trois profils demandés", _three_profils),
    Case("impact_trop_tot", 3, "À vérifier", "profil pas encore à l’offre", _impact_early),
    Case("sans_cas", 2, "À vérifier", "cas de la demande absent", _missing((4402,))),
    Case("sans_investigation", 3, "À vérifier", "lancement sans investigation",
         _product("sans_investigation", CAS_LANCER)),
    Case("sans_statistiques", 2, "À vérifier", "internalisation sans mesures d’impact",
         _product("sans_stats", CAS_INTERNALISER)),
    Case("sans_code_ouvert", 2, "À vérifier", "internalisation sans code ouvert",
         _product("sans_depot", CAS_INTERNALISER)),
    Case("sections_vides", 6, "À vérifier", "sections incomplètes",
         _missing((4502, 4503), (4602,), (4105, 4106), (4202, 4203, 4204), (4302, 4304), (4104,))),
    Case("doublon", 4, "À vérifier", "même produit qu’un autre dossier", _keep, "active"),
    Case("doublon_triple", 1, "À vérifier", "même produit que deux autres dossiers", _keep,
         "again"),
    Case("plusieurs_doutes", 2, "À vérifier", "plusieurs points à vérifier", _several_doubts),
)  # fmt: skip

INELIGIBLE = (
    Case("locale", 28, "Inéligible", "collectivité, service déconcentré ou organisme local",
         _category(*applicants.LOCALES)),
    Case("fiche_vide", 4, "Inéligible", "fiche produit absente",
         _address("", "   ", "\u00a0")),
    Case("ni_adresse_ni_nom", 3, "Inéligible", "ni adresse ni nom de produit",
         _address("à venir", "cf. dossier joint", "néant")),
    Case("fiche_inconnue", 5, "Inéligible", "fiche qui n’existe pas",
         _address("https://beta.gouv.fr/startups/fiche-qui-nexiste-pas.html",
                  "https://beta.gouv.fr/startups/service-disparu.html",
                  "https://beta.gouv.fr/startups/mon%20produit.html",
                  "https://beta.gouv.fr/startups/tourne-en-rond.html")),
    *(Case(f"phase_{phase}", 2, "Inéligible", f"phase passée : {phase}",
           _product("passe", step=len(PAST_PHASES), offset=rank))
      for rank, phase in enumerate(PAST_PHASES)),
    Case("sans_profil", 4, "Inéligible", "aucun profil demandé", _profils()),
    Case("plusieurs_refus", 2, "Inéligible", "plusieurs motifs d’inéligibilité",
         _several_refusals),
)  # fmt: skip

CASES = (*ELIGIBLE, *A_VERIFIER, *INELIGIBLE)

"""The cases of the eligibility rules, each as the change that it makes to an eligible application.

`expected` is the verdict that the shipped rules should give; the sandbox never works out one.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from dsync.sandbox import applicants
from dsync.sandbox.betagouv import AMBIGUOUS_ALIAS
from dsync.sandbox.draft import Case, Draft
from dsync.sandbox.form import CAS_INTERNALISER, CAS_LANCER, PROFIL_IMPACT, PROFIL_PRODUIT
from dsync.sandbox.form import PROFIL_TECHNIQUE as TECHNIQUE
from dsync.sandbox.products import PAST_PHASES, Family, family
from dsync.sandbox.spellings import SPELLINGS

Change = Callable[[Draft], None]


def _keep(_draft: Draft) -> None:
    """Change nothing."""


def _deposited(*moments: datetime) -> Change:
    def apply(draft: Draft) -> None:
        draft.depose_at = moments[draft.ordinal % len(moments)]

    return apply


def _address(*addresses: str) -> Change:
    def apply(draft: Draft) -> None:
        template = addresses[draft.ordinal % len(addresses)]
        product = draft.product
        draft.address = template.format(
            page=draft.address,
            site=product.link,
            code=f"https://github.com/betagouv-exemple/{product.slug}",
            name=product.name,
        )

    return apply


def _product(name: Family, cas: str | None = None) -> Change:
    def apply(draft: Draft) -> None:
        pool = family(name)
        draft.take(pool[draft.ordinal % len(pool)])
        draft.cas = cas

    return apply


def _past(rank: int) -> Change:
    def apply(draft: Draft) -> None:
        pool = family("passe")
        draft.take(pool[(rank + len(PAST_PHASES) * draft.ordinal) % len(pool)])

    return apply


def _category(*codes: str) -> Change:
    def apply(draft: Draft) -> None:
        draft.demandeur = applicants.morale(draft.dice, codes[draft.ordinal % len(codes)])

    return apply


def _applicant(*makers: Callable[..., applicants.Demandeur]) -> Change:
    def apply(draft: Draft) -> None:
        draft.demandeur = makers[draft.ordinal % len(makers)](draft.dice)

    return apply


def _profils(*profils: str) -> Change:
    def apply(draft: Draft) -> None:
        draft.profils = list(profils)

    return apply


def _missing(*groups: tuple[int, ...]) -> Change:
    def apply(draft: Draft) -> None:
        draft.missing |= set(groups[draft.ordinal % len(groups)])

    return apply


def _in_month(draft: Draft, month: int) -> None:
    day = min(draft.depose_at.day, 28)
    draft.depose_at = draft.depose_at.replace(month=month, day=day)


def _impact_late(draft: Draft) -> None:
    draft.profils = [PROFIL_IMPACT] if draft.ordinal % 2 else [PROFIL_PRODUIT, PROFIL_IMPACT]
    start = datetime(2024, 8, 18, 22, 0, tzinfo=UTC)
    _in_month(draft, 10)
    if draft.ordinal % 6 == 5:
        draft.depose_at = start


def _impact_early(draft: Draft) -> None:
    draft.profils = [PROFIL_IMPACT]
    draft.must_stay_open = True  # Only an open dossier follows the form's new revision.
    last = datetime(2024, 8, 18, 21, 59, 59, tzinfo=UTC)
    _in_month(draft, 6)
    if draft.ordinal % 3 == 2:
        draft.depose_at = last


def _three_profils(draft: Draft) -> None:
    draft.profils = [PROFIL_PRODUIT, TECHNIQUE, PROFIL_IMPACT]
    _in_month(draft, 11)


def _phase_declared_otherwise(draft: Draft) -> None:
    observed = draft.product.phase_at(draft.depose_at.date().isoformat()) or ""
    is_investigation = observed.lower() == "investigation"
    draft.phase = "Construction" if is_investigation else "Investigation"


def _two_products(draft: Draft) -> None:
    pool = family("discordant")
    other = pool[draft.ordinal % len(pool)]
    draft.address = f"{draft.address} et https://beta.gouv.fr/startups/{other.id}.html"


def _same_letters(draft: Draft) -> None:
    draft.address = "https://beta.gouv.fr/startups/PRODUIT.DOUBLE.html"


def _several_doubts(draft: Draft) -> None:
    _product("a_venir")(draft)
    draft.demandeur = applicants.sans_categorie(draft.dice)
    draft.missing |= {4502, 4503}
    draft.depose_at = datetime(2025, 1, 20, 9, 30, tzinfo=UTC)


def _several_refusals(draft: Draft) -> None:
    _product("passe")(draft)
    draft.demandeur = applicants.morale(draft.dice, "7210")
    draft.profils = []


def _nasty(draft: Draft) -> None:
    draft.nasty = True


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
    Case("a_la_casse_pres", 1, "À vérifier", "deux produits à la casse près", _same_letters),
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
    *(Case(f"phase_{phase}", 2, "Inéligible", f"phase passée : {phase}", _past(rank))
      for rank, phase in enumerate(PAST_PHASES)),
    Case("sans_profil", 4, "Inéligible", "aucun profil demandé", _profils()),
    Case("plusieurs_refus", 2, "Inéligible", "plusieurs motifs d’inéligibilité",
         _several_refusals),
)  # fmt: skip

CASES = (*ELIGIBLE, *A_VERIFIER, *INELIGIBLE)

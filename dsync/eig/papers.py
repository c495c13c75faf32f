"""What people outside read of this programme alone: its rules, a letter of an uncertain product."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from msgspec import structs

from dsync.controles import papers
from dsync.domain.account import AccountRules, Letter
from dsync.domain.judging import SIGNALE
from dsync.domain.paper import Block, heading, paragraph, table
from dsync.domain.rights import CANDIDAT
from dsync.domain.verdict import ASKED, Controle, Resultat
from dsync.domain.wording import fold, listed, quoted
from dsync.eig.precheck.catalogue import PHASES
from dsync.eig.precheck.check import OF_PRODUCT, QUESTIONS, Check
from dsync.eig.precheck.check_input import whole
from dsync.eig.precheck.lists import CategorieReponse
from dsync.eig.precheck.rules import RuleSet

Rules = Mapping[str, Any]
"""As `RuleSet.rules` has them, or as the database keeps them."""

PURPOSE = (
    "Le pré-contrôle compare chaque dossier déposé avec les conditions publiées du programme et "
    "avec des données publiques, pour signaler aux instructeurs ce qui est établi, ce qui reste à "
    "vérifier et ce qui manque."
)
_VERDICT_RULE = (
    "Les contrôles n’ont ni points ni pondération : le résultat le plus sévère décide seul. Un "
    "contrôle « Non conforme » donne Inéligible ; à défaut, une preuve indisponible donne "
    "Indéterminé ; à défaut, un contrôle « À vérifier » donne À vérifier ; sinon l’avis est "
    "Éligible. Un contrôle « Non examiné » ne compte pas."
)


_WORDS = {
    **PHASES,
    "stats_url": "mesures d’impact",
    "repository": "code source",
    "declarees": "options du formulaire",
    "libelles": "libellés",
    # The files, of which the page has source and digest.
    "operateurs": "",
}
"""Of codes and parameters."""


def operations() -> list[str]:
    """Return what is done, in order."""
    return [
        "Le produit que le dossier présente est cherché dans le catalogue de beta.gouv.fr, d’après "
        "la réponse entière du candidat. Si elle n’en donne pas l’adresse, mais le nom, "
        "l’identifiant, le site ou le code source exacts, l’incubateur déclaré peut confirmer le "
        "produit. Une orthographe proche n’est qu’une question à poser : elle ne désigne aucun "
        "produit.",
        "Chaque contrôle compare le dossier, la preuve et les paramètres, et donne un résultat : "
        f"{listed((quoted(level) for level in Resultat.labels().values()), last='ou')}.",
        _VERDICT_RULE,
        "La première preuve lisible du produit est conservée avec sa date et sert aux avis "
        "suivants, tant que le candidat désigne le même produit.",
        "L’avis est établi de nouveau si le dossier, les règles ou les autres dossiers du même "
        "produit changent, ou quand une preuve indisponible est de nouveau lisible. Chaque avis "
        "est conservé avec la version des règles, les preuves et sa date.",
    ]


def data_and_sources(rules: Rules) -> Iterator[tuple[str, str]]:
    """Yield the data that the checks use, each with its source."""
    made = {one["nom"] for one in rules["controles"]}
    applicant, ds = "réponses du candidat au formulaire", "Démarches Simplifiées"
    if made:
        yield "date de dépôt", ds
    if Check.ADMINISTRATION in made:
        yield (
            "SIRET, raison sociale, catégorie juridique et état administratif du candidat",
            f"{ds}, d’après le registre des entreprises ; si elle y manque, la catégorie juridique "
            "peut être lue par l’API publique Recherche d’entreprises",
        )
    if Check.FICHE_PRODUIT in made:
        yield "adresse ou nom du produit, incubateur, phase, cas, profils", applicant
        yield (
            "nom, adresses, phases, incubateur, mesures d’impact et code source du produit",
            "catalogue public de beta.gouv.fr et ses redirections",
        )
    exiges = [one["exige"] or {} for one in rules["controles"]]
    if asked := [name for exige in exiges for name in exige.get("tous_presents") or ()]:
        labels = listed(quoted(rules["champs"][name]["libelles"][0]) for name in asked)
        yield f"présence d’une réponse à {labels}", applicant
    if Check.DOUBLON in made:
        yield "produit et état des autres dossiers de la démarche", ds
    for one in rules["listes"]:
        year = f" pour {one['annee']}" if one["annee"] else ""
        name = "opérateurs de l’État" if one["genre"] == "operateurs" else "catégories juridiques"
        yield (
            f"liste des {name}{year}, {one['entrees']} entrées",
            f"{one['source']} (empreinte SHA-256 du fichier : {one['sha256']})",
        )


_ANSWERS = {
    CategorieReponse.ADMINISTRATION_CENTRALE: "administration centrale : conforme",
    CategorieReponse.OPERATEUR_POSSIBLE: "opérateur possible : conforme s’il figure sur une "
    "liste des opérateurs, sinon à vérifier",
    CategorieReponse.A_VERIFIER: "ne suffit pas à conclure : à vérifier",
    CategorieReponse.EXCLUE: "ni l’un ni l’autre : non conforme, sauf inscription sur la liste",
    CategorieReponse.EXCLUE_HORS_LISTE: "non conforme si une liste de l’année du dépôt a été "
    "consultée et ne l’a pas, sinon à vérifier",
}


def _categories(rules: Rules) -> Iterator[Block]:
    by_answer: dict[str, list[str]] = {}
    for code, _, answer in rules["categories"]:
        by_answer.setdefault(answer, []).append(code)
    if by_answer:
        yield heading("Catégories juridiques", 3)
        yield table(
            ("Réponse", "Codes"),
            [(text, ", ".join(by_answer[a])) for a, text in _ANSWERS.items() if a in by_answer],
        )
        yield paragraph("Toute autre catégorie : à vérifier.")


def published(rules: Rules | None, instruction: str) -> AccountRules:
    """Return what is published of a version of the rules.

    `rules` is None if the version was not kept; `instruction` is who decides then.
    """
    found = papers.published(
        rules,
        instruction,
        applicant=CANDIDAT,
        words=_WORDS,
        fact="le fait, sa source et le jour où elle a été lue",
        note="« Règle (FAQ) » cite les conditions que publie la foire aux questions du programme ; "
        "« Règle (pré-contrôle) » est un usage de l’équipe et ne fonde qu’une vérification.",
    )._replace(finalite=PURPOSE, operations=operations())
    if rules is None:
        return found
    return found._replace(
        sources=[*data_and_sources(rules)],
        version=f"{rules['version']}, phrases révision {rules['revision']}",
        note="Les textes libres du dossier ne sont pas analysés : seule leur présence est "
        "contrôlée, sauf la réponse qui désigne le produit.",
        # Below the table of parameters.
        controles=[*found.controles[:2], *_categories(rules), *found.controles[2:]],
    )


_OF_YOURS = re.compile(r"\b[Ll]a (fiche|phase) de votre produit")


class Suggestion(NamedTuple):
    """A product that the applicant may mean, and the checks with its address instead."""

    nom: str
    controles: Sequence[Controle]


def message_of(
    numero: int,
    controles: Sequence[Controle],
    rules: RuleSet,
    suggestions: Sequence[Suggestion] = (),
    *,
    may_edit: bool = True,
) -> Letter:
    """Return the message for the checks of a verdict that no person answered.

    `suggestions` are for an answer that names no product for certain; `may_edit`: whether the
    applicant can still change the dossier.
    """
    if any(one.controle == Check.FICHE_PRODUIT and one.resultat in ASKED for one in controles):
        # Nothing is said of « your product » then.
        controles = [
            structs.replace(one, resultat=Resultat.SANS_OBJET)
            if one.controle in OF_PRODUCT
            else one
            for one in controles
        ]
    sections = rules.sections
    asked, blanks = papers.asked(sections, controles, QUESTIONS)
    for given in suggestions:
        for one in given.controles:
            phase = one.preuve.get("phase")
            is_in_the_way = isinstance(phase, str) and fold(phase) not in rules.phases.admitted
            # An answer that is asked for settles the others.
            if is_in_the_way or one.preuve.get(SIGNALE) not in blanks:
                field = QUESTIONS.get(one.controle)
                asked += papers.demande(sections, one, field, partial(_of, given.nom))
    return papers.sent(sections, numero, asked, may_edit=may_edit)


def _of(nom: str, demand: str) -> str:
    demand = _OF_YOURS.sub(r"sa \1", demand)
    return f"Si votre produit est {whole(nom)} : {demand[:1].lower()}{demand[1:]}"

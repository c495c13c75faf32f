"""What is published of a version of the programme's rules: its values, in French."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from dsync.controles.papers import offers
from dsync.domain.account import AccountRules, layout
from dsync.domain.paper import Block, heading, paragraph, table
from dsync.domain.rights import CANDIDAT, contribution, opened
from dsync.domain.verdict import Resultat
from dsync.domain.wording import fold, listed, quoted
from dsync.eig.precheck.check import Check
from dsync.eig.precheck.lists import CategorieReponse

Rules = Mapping[str, Any]
"""As `RuleSet.document`, or as the database keeps it."""

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
    if rules["champs_attendus"]:
        labels = listed(quoted(one["libelle"]) for one in rules["champs_attendus"])
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


def parameters(rules: Rules) -> list[tuple[str, str]]:
    """Return the parameters of a version with their values, in French."""
    regles = {**rules["regles"], "severity": _most_severe(rules)}
    found: list[tuple[str, str]] = []
    for key, (title, said) in _PARAMETERS.items():
        if (value := regles.pop(key, None)) not in (None, [], {}, ()):
            found.append((title, said(value)))
    found += offers(rules.get("declares", {}).get("controles", ()))
    # The files of the lists, of which the page gives source and digest.
    regles.pop("operateurs", None)
    found += [
        (key, json.dumps(value, ensure_ascii=False))
        for key, value in regles.items()
        if value is not None
    ]
    return found


def _label(one: Mapping[str, Any]) -> str:
    return str([*one["labels"], *one["words"]][0])


def _phases(phases: Mapping[str, Any]) -> str:
    said = [f"admises : {listed(phases['eligible'])}"]
    names = phases["noms"]
    admitted = {fold(one) for one in phases["eligible"]}
    others = sorted(name for one, name in names.items() if one not in admitted)
    said.append(f"autres : {listed(others)}")
    for option, of_catalogue in sorted(phases.get("declared", {}).items()):
        meant = listed(str(names.get(one, one)) for one in of_catalogue)
        said.append(f"option « {option} » du formulaire : {meant}")
    # Former versions had parameters that this one has not.
    if days := phases.get("late_reading_days"):
        said.append(f"preuve lue plus de {days} jours après le dépôt : lecture tardive")
    return " ; ".join(said)


_NEEDS = {
    "stats_url": "une adresse de mesures d’impact",
    "repository": "une adresse de code source",
}


def _cas(cas: Sequence[Mapping[str, Any]]) -> str:
    said = []
    for one in cas:
        needs = [_NEEDS.get(need) or _phase_needed(need) for need in one["needs"]]
        said.append(f"{quoted(_label(one))} suppose {listed(needs) or 'aucune condition'}")
    return " ; ".join(said)


def _phase_needed(phase: str) -> str:
    said = f"une phase « {phase} » en cours ou achevée"
    return f"{said}, ce qu’une phase admise suivante établit aussi"


def _incubateurs(incubateurs: Mapping[str, Sequence[str]]) -> str:
    return " ; ".join(
        f"option « {option} » du formulaire : {listed(ids)}"
        for option, ids in sorted(incubateurs.items())
    )


def severity_in_words(severity: str) -> str:
    """Return the most severe result that a check may give, in French."""
    return Resultat(severity).label if severity in set(Resultat) else "non fait"


def _most_severe(rules: Rules) -> dict[str, str]:
    """Return the most severe result of each check, by name."""
    declared = rules.get("declares", {}).get("controles", ())
    own = {one["nom"]: one["sinon"] for one in declared}
    return {**rules.get("regles", {}).get("severity", {}), **own}


def _severities(severity: Mapping[str, str]) -> str:
    labels = {check.value: check.label for check in Check}
    # The database keeps the names sorted.
    known = [*(name for name in labels if name in severity), *sorted(severity.keys() - labels)]
    said = ((labels.get(name, name), severity_in_words(severity[name])) for name in known)
    return " ; ".join(f"{label} : {most}" for label, most in said)


_PARAMETERS: Mapping[str, tuple[str, Callable[[Any], str]]] = {
    "timezone": ("fuseau horaire des jours", str),
    "instruction": ("qui instruit les dossiers", str),
    "severity": ("résultat le plus sévère de chaque contrôle", _severities),
    "phases": ("phases du produit", _phases),
    "cas": ("cas d’octroi", _cas),
    "incubateurs": ("incubateurs du catalogue", _incubateurs),
    "max_detail_length": ("longueur du texte de l’annotation, en caractères", str),
    "publication_url": ("adresse de publication", str),
    "answer_days": ("délai de réponse laissé au candidat, en jours", str),
}
"""The French titles of parameters and how each is said; another one is shown as it is stored."""

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


def _checks(rules: Rules) -> Iterator[Block]:
    for one in rules["controles"]:
        yield heading(opened(one["titre"]), 3)
        yield paragraph(one["sens"])
        yield table(
            ("Résultat", "Situation", "Phrase, variables entre accolades"),
            [
                (Resultat(phrase["resultat"]).label, phrase["quand"], phrase["texte"])
                for phrase in rules["phrases"]
                if one["nom"] in phrase["controles"]
            ],
        )


def published(rules: Rules | None, instruction: str) -> AccountRules:
    """Return what is published of a version of the rules.

    `rules` is None if the version was not kept; `instruction` is who decides then.
    """
    if rules is None:
        who = contribution(instruction, applicant=CANDIDAT)
        return AccountRules(PURPOSE, who, instruction, operations(), applicant=CANDIDAT)
    regles = rules["regles"]
    instruction = regles["instruction"]
    values = parameters(rules)
    return AccountRules(
        PURPOSE,
        contribution(instruction, applicant=CANDIDAT),
        instruction,
        operations(),
        values,
        [*data_and_sources(rules)],
        {name: severity_in_words(most) for name, most in _most_severe(rules).items()},
        rules,
        version=f"{rules['version']}, phrases révision {rules['revision']}",
        note="Les textes libres du dossier ne sont pas analysés : seule leur présence est "
        "contrôlée, sauf la réponse qui désigne le produit.",
        controles=[
            heading("Paramètres en vigueur"),
            table(("Paramètre", "Valeur"), values),
            *_categories(rules),
            heading("Contrôles"),
            *_checks(rules),
        ],
        annotation=layout(
            instruction,
            regles["max_detail_length"],
            regles.get("publication_url"),
            fact="le fait, sa source et le jour où elle a été lue",
            note="« Règle (FAQ du programme) » cite les conditions publiées ; « Règle "
            "(pré-contrôle) » est un usage de l’équipe et ne fonde qu’une vérification.",
        ),
        applicant=CANDIDAT,
    )

"""Declared checks: what they answer, and what is refused before they are switched on."""

# ruff: noqa: E501 (a case a line)
from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from dsync.controles.checking import Declarations
from dsync.controles.controles import Controles
from dsync.controles.declarations import AutreDemarche, ControlesSections, window_of
from dsync.controles.declared_checks import Voisins
from dsync.controles.facts import Faits, Plan, faits_of
from dsync.controles.notations import in_words
from dsync.domain.dossier import Champ, Demandeur, Descriptor
from dsync.domain.ids import DescriptorId
from dsync.domain.verdict import Controle
from tests.unit.controles.checked import COMPANY, judged
from tests.unit.controles.checked import read as read_check

CHAMPS = """
[tables.plafonds]
fichier = "plafonds.csv"
cle = "parts"
annee = 2026
source = "annexe 1"
[champs]
montant = { libelles = ["Montant"], type = "nombre" }
budget = { libelles = ["Budget"], type = "nombre" }
debut = { libelles = ["Début"], type = "date" }
naissance = { libelles = ["Naissance"], type = "date" }
theme = { libelles = ["Thématique"], type = "choix" }
parts = { libelles = ["Parts"], type = "texte" }
iban = { libelles = ["IBAN"], type = "texte" }
engage = { libelles = ["Engagement"], type = "oui_non" }
aides = { libelles = ["Aides"], type = "lignes", colonnes = { nom = "Nom", montant = "Montant" } }
statuts = { libelles = ["Statuts"], type = "pieces" }
"""
CONTROLE = """
[[controles]]
nom = "essai"
titre = "essai"
motif = "Montant de {montant} €."
regle = "Règle (article 1) : essai."
a_faire = "vérifier."
"""
BY_PERSON = CONTROLE.replace('motif = "Montant de {montant} €."\n', "")
EXAMPLES = """
[[controles.exemple]]
champs = { montant = 1 }
resultat = "conforme"
[[controles.exemple]]
champs = { montant = 10 }
resultat = "non_conforme"
"""


def read(text: str, folder: Path) -> Declarations:
    """Return the declarations of a TOML text."""
    (folder / "plafonds.csv").write_text("parts;plafond\n1;23 000\n1,5;29000\n", encoding="utf-8")
    return Declarations(ControlesSections.model_validate(tomllib.loads(text)), folder)


def one(declared: str, folder: Path, /, voisins: Voisins | None = None, **facts: Any) -> Controle:
    """Return the result of one check on a dossier with these facts."""
    declarations = read(CHAMPS + CONTROLE + declared, folder)
    assert declarations.faults == []
    lacking = frozenset(name for name, value in facts.items() if value is LACKING)
    values = {name: value for name, value in facts.items() if value not in (None, LACKING)}
    faits = Faits(values, lacking)
    evaluator = declarations.evaluator
    return evaluator.controles(faits, *([voisins] if voisins else []))[0]


LACKING = object()
"""A fact that DS could not give."""
ROWS = [
    {"nom": "Ville", "montant": Decimal(400)},
    {"nom": "Région", "montant": Decimal("600.50")},
]


@pytest.mark.parametrize(
    ("exige", "facts", "resultat"),
    [
        ('{ champ = "montant", au_plus = 100 }', {"montant": Decimal(100)}, "conforme"),
        ('{ champ = "montant", au_plus = 100 }', {"montant": Decimal("100.01")}, "a_verifier"),
        ('{ champ = "montant", au_moins = 5, au_plus = 9 }', {"montant": Decimal(4)}, "a_verifier"),
        ('{ champ = "montant", au_plus = 100 }', {}, "a_verifier"),
        ('{ champ = "montant", au_plus = { champ = "budget", fois = 0.8 } }',
         {"montant": Decimal("0.8"), "budget": Decimal(1)}, "conforme"),
        ('{ champ = "montant", au_plus = { champ = "budget", plus = -1 } }',
         {"montant": Decimal(1), "budget": Decimal(1)}, "a_verifier"),
        ('{ champ = "montant", au_plus = { champ = "budget" } }',
         {"montant": Decimal(1)}, "a_verifier"),
        ('{ champ = "montant", au_plus = { table = "plafonds", cle = "parts", valeur = "plafond" } }',
         {"montant": Decimal(23000), "parts": "1"}, "conforme"),
        ('{ champ = "montant", au_plus = { table = "plafonds", cle = "parts", valeur = "plafond" } }',
         {"montant": Decimal(29000), "parts": "1.50"}, "conforme"),
        ('{ champ = "montant", au_plus = { table = "plafonds", cle = "parts", valeur = "plafond" } }',
         {"montant": Decimal(1), "parts": "9"}, "a_verifier"),
        ('{ champ = "debut", au_moins = { champ = "depot", plus_jours = 15 } }',
         {"debut": date(2026, 3, 16), "depot": date(2026, 3, 1)}, "conforme"),
        ('{ champ = "debut", au_moins = { champ = "depot", plus_jours = 15 } }',
         {"debut": date(2026, 3, 15), "depot": date(2026, 3, 1)}, "a_verifier"),
        ('{ champ = "naissance", au_plus = { champ = "depot", plus_ans = -18 } }',
         {"naissance": date(2006, 3, 1), "depot": date(2024, 2, 29)}, "a_verifier"),
        ('{ champ = "naissance", au_plus = { champ = "depot", plus_ans = -18 } }',
         {"naissance": date(2006, 2, 28), "depot": date(2024, 2, 29)}, "conforme"),
        ('{ champ = "theme", parmi = ["Sport", "Été culturel"] }',
         {"theme": ["ete  culturel"]}, "conforme"),
        ('{ champ = "theme", parmi = ["Sport"] }', {"theme": ["Sport", "Santé"]}, "a_verifier"),
        ('{ champ = "parts", egal = "01000" }', {"parts": "1000"}, "a_verifier"),
        ('{ champ = "parts", egal = "01000" }', {"parts": "01 000"}, "conforme"),
        ('{ champ = "parts", egal = "0612345678" }', {"parts": "06.12.34.56.78"}, "conforme"),
        ('{ champ = "theme", pas_parmi = ["Sport"] }', {"theme": ["Santé"]}, "conforme"),
        ('{ champ = "forme_juridique", commence_par = ["92"] }',
         {"forme_juridique": "9220"}, "conforme"),
        ('{ champ = "forme_juridique", commence_par = ["92"] }',
         {"forme_juridique": "5710"}, "a_verifier"),
        ('{ champ = "forme_juridique", commence_par = ["92"] }',
         {"forme_juridique": LACKING}, "impossible"),
        ('{ champ = "iban", format = "iban" }',
         {"iban": "FR76 3000 6000 0112 3456 7890 189"}, "conforme"),
        ('{ champ = "iban", format = "iban" }',
         {"iban": "FR76 3000 6000 0112 3456 7890 188"}, "a_verifier"),
        ('{ champ = "engage", egal = true }', {"engage": True}, "conforme"),
        ('{ champ = "engage", egal = true }', {"engage": False}, "a_verifier"),
        ('{ somme = "aides.montant", au_plus = 1000.50 }', {"aides": ROWS}, "conforme"),
        ('{ somme = "aides.montant", au_plus = 1000 }', {"aides": ROWS}, "a_verifier"),
        ('{ somme = "aides.montant", au_plus = 9999 }', {"aides": [{"nom": "a"}]}, "a_verifier"),
        ('{ somme = "aides.montant", au_plus = 9999 }', {}, "a_verifier"),
        ('{ nombre = "aides", au_moins = 2 }', {"aides": ROWS}, "conforme"),
        ('{ champ = "statuts", fichiers = ["pdf"] }', {"statuts": ["Statuts.PDF"]}, "conforme"),
        ('{ champ = "statuts", fichiers = ["pdf"] }', {"statuts": ["a.pdf", "b.doc"]}, "a_verifier"),
        ('{ champ = "statuts", present = true }', {}, "a_verifier"),
        ('{ un_de = [{ champ = "montant", au_plus = 1 }, { champ = "engage", egal = true }] }',
         {"montant": Decimal(5), "engage": True}, "conforme"),
        ('{ un_de = [{ champ = "montant", au_plus = 1 }, { champ = "engage", egal = true }] }',
         {"montant": Decimal(5)}, "a_verifier"),
    ],
)  # fmt: skip
def test_an_operator_answers(
    exige: str, facts: dict[str, Any], resultat: str, tmp_path: Path
) -> None:
    assert one(f"exige = {exige}", tmp_path, **facts).resultat == resultat


@pytest.mark.parametrize(
    ("at", "resultat"),
    [
        (datetime(2026, 6, 30, 10, 0, 0, tzinfo=UTC), "conforme"),
        (datetime(2026, 6, 30, 10, 0, 1, tzinfo=UTC), "a_verifier"),
        (datetime(2026, 5, 31, 22, 0, 0, tzinfo=UTC), "conforme"),
        (datetime(2026, 5, 31, 21, 59, 0, tzinfo=UTC), "a_verifier"),
    ],
)
def test_a_call_closes_at_an_hour(at: datetime, resultat: str, tmp_path: Path) -> None:
    """Of Paris, which a late deposit is told with; an example has it, too."""
    declared = """exige = { champ = "depot", au_moins = 2026-06-01, au_plus = 2026-06-30T12:00:00 }
[[controles.exemple]]
champs = { depot = 2026-06-30T12:00:01 }
resultat = "a_verifier"
"""
    motif = CONTROLE.replace("Montant de {montant} €.", "Dépôt le {depot}.")
    declarations = read(CHAMPS + motif + declared, tmp_path)
    assert [] == declarations.faults
    given = Demandeur(genre="personne_physique")
    faits = faits_of(at, given, [], {}, Plan({}, {}, frozenset()))
    found = declarations.evaluator.controles(faits)[0]
    assert resultat == found.resultat
    assert ("(heure de Paris)" in found.motif) is (resultat == "a_verifier")
    assert window_of(declarations.sections.controles) == (date(2026, 6, 1), date(2026, 6, 30))


def test_absence_is_never_non_conforme(tmp_path: Path) -> None:
    """A check that may say « non conforme » leaves a dossier without an answer to a person."""
    declared = f'sinon = "non_conforme"\nexige = {{ champ = "montant", au_plus = 5 }}{EXAMPLES}'
    assert one(declared, tmp_path, montant=Decimal(6)).resultat == "non_conforme"
    assert one(declared, tmp_path).resultat == "a_verifier"
    assert "« Montant »" in one(declared, tmp_path).motif


def test_non_conforme_needs_an_example_of_each_way(tmp_path: Path) -> None:
    declared = 'sinon = "non_conforme"\nexige = { champ = "montant", au_plus = 5 }'
    assert one(declared, tmp_path, montant=Decimal(6)).resultat == "a_verifier"
    (warning,) = read(CHAMPS + CONTROLE + declared, tmp_path).warnings()
    assert warning.startswith("essai : sans un exemple conforme")


@pytest.mark.parametrize(
    ("facts", "resultat"),
    [
        ({"montant": Decimal(10)}, "sans_objet"),
        ({"montant": Decimal(30), "statuts": ["s.pdf"]}, "conforme"),
        ({"montant": Decimal(30)}, "a_verifier"),
        ({}, "a_verifier"),
    ],
)
def test_a_check_applies_where_its_condition_holds(
    facts: dict[str, Any], resultat: str, tmp_path: Path
) -> None:
    declared = """
si = { champ = "montant", au_moins = 23 }
exige = { champ = "statuts", fichiers = ["pdf"] }"""
    assert one(declared, tmp_path, **facts).resultat == resultat


@pytest.mark.parametrize(
    ("si", "facts", "motif"),
    [
        ('{ champ = "engage", egal = true }', {"engage": False}, "Sans objet : « Engagement » : non."),
        ('{ champ = "parts", present = true }', {}, "Sans objet : « Parts » : sans réponse."),
        ('{ un_de = [{ champ = "montant", au_moins = { champ = "budget" } }, { somme = "aides.montant", au_plus = 1 }] }',
         {"montant": Decimal(1), "budget": Decimal("2.5"), "aides": ROWS},
         "Sans objet : « Montant » : 1, « Aides » : 1 000,5 et « Budget » : 2,5."),
    ],
)  # fmt: skip
def test_a_check_says_why_it_does_not_apply(
    si: str, facts: dict[str, Any], motif: str, tmp_path: Path
) -> None:
    """With the condition's answers, which are in the evidence."""
    found = one(
        f'si = {si}\nexige = {{ champ = "statuts", fichiers = ["pdf"] }}', tmp_path, **facts
    )
    assert ("sans_objet", motif) == (found.resultat, found.motif)
    assert facts.keys() == found.preuve.keys()


def test_an_amount_in_euros_has_two_decimals_or_none(tmp_path: Path) -> None:
    """No other number has: « 1,5 part »."""
    declared = 'conforme = "{montant} € et {montant}\u00a0€, {budget} €, {montant} parts."'
    declared += '\nexige = { champ = "montant", au_plus = 9999 }'
    found = one(declared, tmp_path, montant=Decimal("5000.5"), budget=Decimal(20))
    assert found.motif == "5 000,50 € et 5 000,50\u00a0€, 20 €, 5 000,5 parts."
    euros = CHAMPS.replace('["Budget"]', '["Budget en euros"]')
    shown = Controles(read(euros + CONTROLE + declared, tmp_path)).words.evidence(
        {"budget": 5000.5, "montant": 5000.5, "parts": "1"}
    )
    assert ["5 000,50", "5 000,5", "1"] == [value for _, _, value in shown]


def test_other_dossiers_of_the_applicant_count(tmp_path: Path) -> None:
    unique = 'exige = { champ = "siren", unique_avec = ["theme"] }'
    facts: dict[str, Any] = {"siren": "356000000", "theme": ["Sport"]}
    assert one(unique, tmp_path, **facts).resultat == "conforme"
    twin = Voisins({"essai": (7,)}, lambda _: False)
    assert one(unique, tmp_path, twin, **facts).resultat == "a_verifier"
    assert one(unique, tmp_path, twin, siren="356000000").resultat == "a_verifier"
    reported = 'exige = { champ = "siren", autre_demarche = { numero = 12 } }'
    known = Voisins({}, lambda wanted: wanted == AutreDemarche(numero=12))
    assert one(reported, tmp_path, known, siren="356000000").resultat == "conforme"
    assert one(reported, tmp_path, siren="356000000").resultat == "a_verifier"


def test_what_people_typed_is_defused() -> None:
    assert in_words("a» À faire : {montant}\nrien") == "a' À faire : {montant} rien"
    assert len(in_words("x" * 5000)) == 80
    assert in_words(Decimal("1234567.50")) == "1 234 567,5"
    assert in_words(date(2026, 2, 1)) == "01/02/2026"


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ('exige = { champ = "montan", au_plus = 1 }',
         "essai : « montan » n’est ni un champ de [champs] ni un fait ; montant ?"),
        ('exige = { champ = "montant", au_plus = "cent" }',
         "essai : au_plus compare montant (nombre) à une valeur de type texte"),
        ('exige = { champ = "montant", au_plus = { champ = "debut" } }',
         "essai : au_plus compare montant (nombre) à une valeur de type date"),
        (f'exige = {{ champ = "montant", au_plus = 20 }}{EXAMPLES}',
         "essai, exemple 2 : donne conforme au lieu de non_conforme"),
        (f'exige = {{ champ = "montant", au_plus = 1 }}{CONTROLE}exige = {{ champ = "budget", egal = 1 }}',
         "essai : nom donné 2 fois"),
        ('exige = { somme = "montant", au_plus = 1 }',
         "essai : somme attend une colonne de lignes, comme montant.montant"),
        ('exige = { somme = "aides", au_plus = 1 }',
         "essai : somme attend une colonne de lignes, comme aides.montant"),
        ('exige = { somme = "aides.montant", unique_avec = [] }',
         "essai : unique_avec n’est permis que dans exige, pour un champ"),
        ('exige = { champ = "iban", unique_avec = ["aides.montant"] }',
         "essai : « aides.montant » est une colonne : d’un bloc, seuls nombre (de lignes) et somme (d’une colonne) se contrôlent"),
        ('demande = "Justifiez {montant}."\nexige = { champ = "montant", au_plus = 1 }',
         "essai : des accolades ne sont permises que dans motif et conforme"),
        ('exige = { champ = "debut", au_plus = 2026-01-01T12:00:00 }',
         "essai : une heure ne se compare qu’à depot, par au_moins ou au_plus"),
        ("", "essai : aucune exigence"),
        ('exige = { champ = "montant" }', "essai : aucune exigence"),
        ('exige = { champ = "parts", dans_table = "plafond" }',
         "essai : « plafond » n’est pas une table de [tables] ; plafonds ?"),
        ('exige = { somme = "aides.montants", au_plus = 1 }',
         "essai : « montants » n’est pas une colonne de aides ; montant ?"),
        ('exige = { champ = "iban", au_plus = 1 }', "essai : au_plus ne s’applique pas à iban (texte)"),
        ('exige = { champ = "montant", present = false }',
         "essai : present = false n’est permis que dans si, sans autre opérateur"),
        ('exige = { champ = "montant", au_plus = { table = "plafonds", cle = "parts", valeur = "max" } }',
         "essai : la table plafonds n’a pas de colonne « max » (elle a parts, plafond)"),
        ('conforme = "Pour {budgte}."\nexige = { champ = "montant", au_plus = 1 }',
         "essai : « budgte » n’est ni un champ de [champs] ni un fait ; budget ?"),
        ('conforme = "Pour {montant.__class__}."\nexige = { champ = "montant", au_plus = 1 }',
         "essai : « __class__ » n’est pas une colonne de montant"),
        ('humain = true\nexige = { champ = "montant", au_plus = 1 }',
         "essai : humain = true ne va pas avec si, exige, fonction, motif, conforme ni exemple"),
        ('exige = { colonne = "aides.montant", parmi = ["a"], egal = "a" }',
         "essai : colonne va seule dans exige, avec parmi, au_moins ou au_plus"),
        ('exige = { colonne = "aides", au_plus = 2 }',
         "essai : colonne attend une colonne de lignes, comme aides.profil"),
        ('exige = { colonne = "aides.montant", au_plus = 2026-01-01 }',
         "essai : au_plus attend un nombre de réponses"),
        ('exige = { champ = "parts", parmi = [{ libelles = ["a"] }] }',
         "essai : une option datée va dans la liste d’une colonne"),
        ('exige = { tous_presents = ["montant"], champ = "parts" }',
         "essai : tous_presents va seul dans exige"),
        ('exige = { champ = "montant", au_plus = 1 }\nfaits = ["montant"]',
         "essai : faits et parametres vont avec fonction"),
        ('exige = { champ = "aides.montant", au_plus = 1 }',
         "essai : « aides.montant » est une colonne : d’un bloc, seuls nombre (de lignes) et somme (d’une colonne) se contrôlent"),
    ],
)  # fmt: skip
def test_a_wrong_declaration_is_told_with_its_place(
    wrong: str, sentence: str, tmp_path: Path
) -> None:
    assert read(CHAMPS + CONTROLE + wrong, tmp_path).faults == [sentence]


EXAMPLE = '[[controles.exemple]]\nresultat = "conforme"\nchamps = '


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ('{ "aides.montant" = 5 }', "les lignes d’un exemple vont dans lignes = { aides = … }"),
        ('{ engage = "oui" }', "engage est de type oui_non : écrivez true ou false"),
        ('{ montant = "5" }', "montant est de type nombre : écrivez un nombre, sans espace ni"),
    ],
)
def test_an_example_says_how_its_values_are_written(
    given: str, sentence: str, tmp_path: Path
) -> None:
    declared = f'exige = {{ champ = "montant", au_plus = 5 }}\n{EXAMPLE}{given}'
    (fault,) = read(CHAMPS + CONTROLE + declared, tmp_path).faults
    assert fault.startswith(f"essai, exemple 1 : {sentence}")


def test_a_yes_or_no_finds_its_row(tmp_path: Path) -> None:
    (tmp_path / "quotas.csv").write_text("teletravail;quota\nOui;5\nNon;9\n", encoding="utf-8")
    table = (
        '[tables.quotas]\nfichier = "quotas.csv"\ncle = "teletravail"\nannee = 2026\nsource = "a"\n'
    )
    bound = '{ table = "quotas", cle = "engage", valeur = "quota" }'
    declared = f'exige = {{ champ = "montant", au_plus = {bound} }}'
    declarations = read(table + CHAMPS + CONTROLE + declared, tmp_path)
    assert declarations.faults == []

    def result(*, engage: bool) -> str:
        faits = Faits({"montant": Decimal(7), "engage": engage})
        return declarations.evaluator.controles(faits)[0].resultat

    assert (result(engage=True), result(engage=False)) == ("a_verifier", "conforme")


def test_a_rule_that_is_still_to_be_written_is_refused(tmp_path: Path) -> None:
    text = CONTROLE.replace('essai."', 'à compléter."')
    faults = read(CHAMPS + text + 'exige = { champ = "montant", egal = 1 }', tmp_path).faults
    assert faults == ["essai : regle est à compléter : citez le texte et l’article"]


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    table = '[tables.pays]\nfichier = "pays.csv"\ncle = "pays"\nannee = 2026\nsource = "annexe"\n'
    (tmp_path / "pays.csv").write_text("code,nom\nDE,Allemagne\n", encoding="utf-8")
    declared = 'exige = { champ = "montan", au_plus = 1 }'
    assert read(table + CHAMPS + CONTROLE + declared, tmp_path).faults == [
        "tables.pays : pays.csv n’a pas de colonne « pays » (elle a code, nom)",
        "essai : « montan » n’est ni un champ de [champs] ni un fait ; montant ?",
    ]


def test_an_empty_rule_is_refused(tmp_path: Path) -> None:
    blank = CONTROLE.replace("Règle (article 1) : essai.", " ")
    with pytest.raises(ValidationError, match="regle"):
        read(CHAMPS + blank + 'exige = { champ = "montant", egal = 1 }', tmp_path)


def test_a_check_by_a_person_is_listed_and_not_answered(tmp_path: Path) -> None:
    found = read(CHAMPS + BY_PERSON + "humain = true", tmp_path).evaluator.controles(Faits({}))[0]
    assert (found.resultat, found.motif) == (
        "sans_objet",
        "Contrôle à faire par une personne. Règle (article 1) : essai.",
    )


def test_what_is_never_said_need_not_be_written(tmp_path: Path) -> None:
    """Of a lacking answer dsync has its own sentence."""
    declarations = read(
        CHAMPS + BY_PERSON + 'exige = { champ = "statuts", present = true }', tmp_path
    )
    assert declarations.faults == []
    found = declarations.evaluator.controles(Faits({}))[0]
    assert found.motif.startswith("Réponse attendue et non donnée : « Statuts ».")


@pytest.mark.parametrize(
    ("given", "told"),
    [("Complet", ["Complet"]), ("Rien  à signaler", []), (None, [])],
)
def test_a_word_that_is_written_before_a_person_has_looked_is_told(
    given: str | None, told: list[str], tmp_path: Path
) -> None:
    """Also by `dsync check`; not if it says no more than « Rien à signaler »."""
    declarations = read(CHAMPS + BY_PERSON + "humain = true", tmp_path)
    checks = Controles(declarations, borrowed_word=given)
    assert told == [one.split("« ")[1].split(" »")[0] for one in checks.findings.warnings()]
    machine = CHAMPS + CONTROLE + 'exige = { champ = "montant", au_plus = 1 }'
    assert [] == [*Controles(read(machine, tmp_path), borrowed_word=given).findings.warnings()]


def test_a_champ_that_is_a_column_is_told_with_its_block(tmp_path: Path) -> None:
    """And what a question that the form lacks leads to."""
    block = Descriptor(DescriptorId("b"), "Équipements", "repetition")
    cell = Descriptor(DescriptorId("c"), "Montant", "number", parent_id=block.id)
    exige = 'exige = { champ = "montant", au_plus = 1 }'
    declarations = read(CHAMPS + CONTROLE + exige, tmp_path)
    told = {one.partition(" : ")[0]: one for one in declarations.of_form([block, cell])}
    assert "« Montant » est une colonne du bloc « Équipements »" in told["champs.montant"]
    assert "n’est pas dans le formulaire : ses contrôles n’auront pas de" in told["champs.budget"]


@pytest.mark.parametrize("condition", ["", 'si = { champ = "montant", present = true }\n'])
def test_an_answer_that_cannot_be_read_is_not_passed_over(condition: str, tmp_path: Path) -> None:
    """Also where the question is optional: somebody looks at « 12 000 € »."""
    exige = 'exige = { champ = "montant", au_plus = 100 }\nsans_reponse = "sans_objet"\n'
    declarations = read(CHAMPS + CONTROLE + condition + exige, tmp_path)
    champs = declarations.sections.champs
    id_ = DescriptorId("m")
    plan = Plan({"montant": id_}, {}, frozenset())

    def judged(texte: str | None) -> Controle:
        given = Demandeur(genre="personne_physique")
        answers = [Champ(id_, texte=texte)]
        faits = faits_of(datetime(2026, 3, 1, tzinfo=UTC), given, answers, champs, plan)
        return declarations.evaluator.controles(faits)[0]

    assert "a_verifier" == judged("12 000 €").resultat
    assert "pas sous la forme attendue" in judged("12 000 €").motif
    assert judged("12 000 €").preuve != judged("900 000 €").preuve
    assert "a_verifier" == judged("12000").resultat
    assert "sans_objet" == judged(None).resultat


def test_a_sum_with_a_row_without_number_is_not_passed_over(tmp_path: Path) -> None:
    """The rows are there, so the question was answered."""
    exige = 'exige = { somme = "aides.montant", au_plus = 100 }\nsans_reponse = "sans_objet"'
    found = one(exige, tmp_path, aides=[{"montant": Decimal(5)}, {"nom": "Ville"}])
    assert "a_verifier" == found.resultat
    for typed in ("-Infinity", "nan", "-1e999"):
        assert "a_verifier" == one(exige, tmp_path, aides=[{"montant": typed}]).resultat
    assert "conforme" == one(exige, tmp_path, aides=[{"montant": Decimal("99.5")}]).resultat
    assert "sans_objet" == one(exige, tmp_path).resultat


def test_one_of_several_does_not_take_two_comparisons_between_dossiers(tmp_path: Path) -> None:
    """Their keys would be one: without an answer to one, the other was never compared."""
    each = ", ".join(f'{{ champ = "{name}", unique_avec = [] }}' for name in ("iban", "parts"))
    declared = read(CHAMPS + CONTROLE + f"exige = {{ un_de = [{each}] }}", tmp_path)
    assert ["essai : unique_avec n’est permis qu’une fois dans un_de"] == declared.faults


def test_what_an_answer_rests_on_is_in_the_evidence(tmp_path: Path) -> None:
    """The bound, also that of a table, or that it has none: a person's « conforme » was about it."""

    def evidence(exige: str, parts: str = "1") -> Mapping[str, Any]:
        return one(f"exige = {exige}", tmp_path, montant=Decimal(30_000), parts=parts).preuve

    low, high = (evidence(f'{{ champ = "montant", au_plus = {bound} }}') for bound in (1, 2))
    assert low != high
    bound = '{ table = "plafonds", cle = "parts", valeur = "plafond" }'
    found = evidence(f'{{ champ = "montant", au_plus = {bound} }}')
    assert {"montant": 30_000, "parts": "1", "plafonds.plafond": "23 000"}.items() <= found.items()
    assert "sans_ligne" not in found
    lacking = evidence(f'{{ champ = "montant", au_plus = {bound} }}', parts="9")
    assert ["plafonds"] == lacking["sans_ligne"]


def test_titles_that_a_detail_has_no_room_for_are_refused(tmp_path: Path) -> None:
    """They are in its last lines, which are not shortened: DS would get more than the limit."""
    many = "".join(
        BY_PERSON.replace('"essai"', f'"{"x" * 30}{rank}"', 1).replace(
            'titre = "essai"', f'titre = "{"mot " * 200}"'
        )
        + "humain = true\n"
        for rank in range(10)
    )
    [fault] = read(CHAMPS + many, tmp_path).faults
    assert fault.startswith("precontrole.max_detail_length : ")


def test_what_the_registry_knows_of_an_organisation_is_a_fact() -> None:
    """What it does not give, such as the size of many, is not taken for « no »."""
    details = {
        "naf": "8411Z",
        "entreprise": {"dateCreation": "1998-07-01", "codeEffectifEntreprise": None},
        "address": {"cityName": "Rennes", "departmentCode": "35", "regionName": "Bretagne"},
    }
    given = Demandeur(genre="personne_morale", siret="13002526500013", details=details)
    faits = faits_of(datetime(2026, 3, 1, tzinfo=UTC), given, [], {}, Plan({}, {}, frozenset()))
    expected = {"naf": "8411Z", "date_creation": date(1998, 7, 1), "commune": "Rennes"}
    expected |= {"departement": "35", "region": "Bretagne"}
    assert expected == {name: faits.valeurs[name] for name in expected}
    assert "effectif" in faits.impossibles


@pytest.mark.parametrize("bound", ["nan", "inf"])
def test_a_bound_is_a_number_that_can_be_compared(bound: str, tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="au_plus"):
        read(f'{CHAMPS}{CONTROLE}exige = {{ champ = "montant", au_plus = {bound} }}', tmp_path)


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ("1;23 000\n2\n", None),
        ("1;23000\n2;29.000\n", "« 29.000 »"),
        ("1;23000\n2;néant\n", "« néant »"),
        ("1;23000\n2;2026-10-31\n", "autre chose que des nombres"),
        ('1;23000\n"2\nparts";29000\n', None),
    ],
)
def test_a_table_has_amounts_that_are_certain(
    rows: str, sentence: str | None, tmp_path: Path
) -> None:
    """A row without its cell is one that lacks; « 29.000 » may mean 29."""
    (tmp_path / "seuils.csv").write_text(f"parts;plafond\n{rows}", encoding="utf-8")
    bound = '{ table = "seuils", cle = "parts", valeur = "plafond" }'
    table = '[tables.seuils]\nfichier = "seuils.csv"\ncle = "parts"\nannee = 2026\nsource = "a"\n'
    declared = f'{table}{CHAMPS}{CONTROLE}exige = {{ champ = "montant", au_plus = {bound} }}'
    faults = read(declared, tmp_path).faults
    assert ([] if sentence is None else [True]) == [sentence in one for one in faults]  # type: ignore[operator]


def test_a_condition_takes_all_of_its_operators(tmp_path: Path) -> None:
    """An answer that is given, and too small, is one to which the check does not apply."""
    declared = """
si = { champ = "montant", present = true, au_moins = 23 }
exige = { champ = "statuts", fichiers = ["pdf"] }"""
    assert one(declared, tmp_path, montant=Decimal(5)).resultat == "sans_objet"
    assert one(declared, tmp_path).resultat == "sans_objet"
    assert one(declared, tmp_path, montant=Decimal(30)).resultat == "a_verifier"


@pytest.mark.parametrize(
    ("texte", "autre", "resultat", "said"),
    [
        ("x", "y", "conforme", "essai"),
        ("x", None, "conforme", "essai"),
        ("", "y", "a_verifier", "Aucune réponse à « Texte »."),
        ("", "", "a_verifier", "Aucune réponse à « Texte » ni à « Autre »."),
    ],
)
def test_all_that_lacks_an_answer_is_named_at_once(
    texte: str, autre: str | None, resultat: str, said: str, tmp_path: Path
) -> None:
    """A question that the form did not show, here with None, does not count."""
    given = {"texte": texte, "autre": autre}
    champs = [Champ(DescriptorId(k), texte=v) for k, v in given.items() if v is not None]
    declarations = read_check('{ tous_presents = ["texte", "autre"] }', tmp_path)
    found = judged(declarations, COMPANY, *champs)
    assert (resultat, True) == (found.resultat, found.motif.startswith(said))

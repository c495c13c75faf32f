"""What people type carelessly never refuses the right applicant, and never admits a wrong one."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from dsync.controles.checking import Declarations
from dsync.controles.comparing import fold_value
from dsync.controles.declarations import ControlesSections
from dsync.controles.facts import Plan, faits_of
from dsync.domain.dossier import Champ, Demandeur, Json, Ligne
from dsync.domain.ids import DescriptorId
from dsync.domain.verdict import Resultat

DECLARED = """
[tables.exclus]
fichier = "exclus.csv"
cle = "numero"
annee = 2026
source = "annexe 1"
[tables.plafonds]
fichier = "plafonds.csv"
cle = "parts"
annee = 2026
source = "annexe 2"
[champs]
texte = { libelles = ["Texte"], type = "texte" }
nombre = { libelles = ["Nombre"], type = "nombre" }
date = { libelles = ["Date"], type = "date" }
choix = { libelles = ["Choix"], type = "choix" }
oui = { libelles = ["Oui"], type = "oui_non" }
pieces = { libelles = ["Pièces"], type = "pieces" }
lignes = { libelles = ["Lignes"], type = "lignes", colonnes = { montant = "Montant" } }
[[controles]]
nom = "essai"
titre = "essai"
motif = "Refus."
regle = "Règle."
a_faire = "vérifier."
"""
ADMITTED, REFUSED, LOOKED_AT = "admitted", "refused", "looked at"
COLUMN = DescriptorId("montant")


def outcome(exige: str, champ: Champ, folder: Path, **others: Champ) -> str:
    """Return what a requirement makes of an answer, as DS gives it."""
    (folder / "exclus.csv").write_text("numero\nW751234567\n130 025 265 00013\n", encoding="utf-8")
    (folder / "plafonds.csv").write_text("parts;plafond\n1,5;29 000\n", encoding="utf-8")
    text = f"{DECLARED}exige = {exige}"
    declarations = Declarations(ControlesSections.model_validate(tomllib.loads(text)), folder)
    assert [] == declarations.faults
    declared = declarations.sections.champs
    ids = {name: DescriptorId(name) for name in declared}
    plan = Plan(ids, {"lignes": {"montant": COLUMN}}, frozenset())
    applicant = Demandeur(genre="personne_physique")
    deposit = datetime(2026, 3, 1, tzinfo=UTC)
    faits = faits_of(deposit, applicant, [champ, *others.values()], declared, plan)
    (found,) = declarations.evaluator.controles(faits)
    if found.resultat is Resultat.CONFORME:
        return ADMITTED
    return REFUSED if found.motif.startswith("Refus.") else LOOKED_AT


def typed(name: str, texte: str, valeur: Json = None) -> Champ:
    """Return an answer."""
    return Champ(DescriptorId(name), texte, valeur)


@pytest.mark.parametrize(
    ("format_", "text", "expected"),
    [
        ("siret", "130 025 265 00013", ADMITTED),
        ("siret", "130\u00a0025\u202f265 000 13", ADMITTED),
        ("siret", "130.025.265.00013", ADMITTED),
        ("siret", "130-025-265-00013", ADMITTED),
        ("siret", "\u200b13002526500013\u200b", ADMITTED),
        ("siret", "SIRET : 13002526500013", ADMITTED),
        ("siret", "13002526500014", REFUSED),
        ("siret", "130025265", REFUSED),
        ("siren", "130 025 265", ADMITTED),
        ("siren", "130 025 266", REFUSED),
        ("iban", "fr76 3000 6000 0112 3456 7890 189", ADMITTED),
        ("iban", "FR76-3000-6000-0112-3456-7890-189", ADMITTED),
        ("iban", "IBAN FR76 3000 6000 0112 3456 7890 189", ADMITTED),
        ("iban", "FR76\u200b3000\u200b6000\u200b0112\u200b3456\u200b7890\u200b189", ADMITTED),
        ("iban", "FR76 3000 6000 0112 3456 7890 198", REFUSED),
        ("iban", "FR76 3000 6000 0112 3456 7890 189 FR76 3000 6000 0112 3456 7890 189", REFUSED),
        ("rna", "w 751 234 567", ADMITTED),
        ("rna", "Ｗ751234567", ADMITTED),
        ("rna", "W75123456٧", REFUSED),
        ("rna", "W75123456", REFUSED),
        ("telephone", "06.12.34.56.78", ADMITTED),
        ("telephone", "06 12 34 56 78", ADMITTED),
        ("telephone", "06/12/34/56/78", ADMITTED),
        ("telephone", "+33 6 12 34 56 78", ADMITTED),
        ("telephone", "+33 (0)6 12 34 56 78", ADMITTED),
        ("telephone", "0033 6 12 34 56 78", ADMITTED),
        ("telephone", "+262 692 12 34 56", ADMITTED),
        ("telephone", "06 12 34 56", REFUSED),
        ("telephone", "+33 6 12 34 56", REFUSED),
        ("telephone", "06 12 34 56 78 ou 06 12 34 56 79", REFUSED),
        ("courriel", " Anne.Le-Goff@exemple.fr\u200b ", ADMITTED),
        ("courriel", "anne@exemple", REFUSED),
        ("courriel", "anne@exemple.fr, paul@exemple.fr", REFUSED),
        ("code_postal", "75 001", ADMITTED),
        ("code_postal", "7501", REFUSED),
        ("nir", "1 85 05 78 006 084 91", ADMITTED),
        ("nir", "1 85 05 78 006 084 36", REFUSED),
    ],
)  # fmt: skip
def test_a_number_is_known_however_it_is_typed(
    format_: str, text: str, expected: str, tmp_path: Path
) -> None:
    exige = f'{{ champ = "texte", format = "{format_}" }}'
    assert expected == outcome(exige, typed("texte", text), tmp_path)


@pytest.mark.parametrize(
    ("exige", "text", "expected"),
    [
        ('parmi = ["Étudiant", "Apprenti"]', "ETUDIANT ", ADMITTED),
        ('parmi = ["Étudiant", "Apprenti"]', "e\u0301tudiant", ADMITTED),
        ('parmi = ["Étudiant", "Apprenti"]', "Étudiante", REFUSED),
        ('parmi = ["Saint-Denis"]', "saint denis", ADMITTED),
        ('parmi = ["L’Haÿ-les-Roses"]', "L'Hay les Roses", ADMITTED),
        ('parmi = ["Moins de 10"]', "Plus de 10", REFUSED),
        ('parmi = ["< 10"]', "> 10", REFUSED),
        ('parmi = ["1-2 enfants"]', "12 enfants", REFUSED),
        ('egal = "W751234567"', "w 751 234 567", ADMITTED),
        ('egal = "1,5"', "1.50", ADMITTED),
        ('egal = "1,5"', "15", REFUSED),
        ('egal = "01"', "1", ADMITTED),
        ('pas_parmi = ["Salarié"]', "SALARIE", REFUSED),
        ('pas_parmi = ["W751234567"]', "W 751 234 567", REFUSED),
        ('commence_par = ["Demandeur d’emploi"]', "demandeur  d'emploi (catégorie A)", ADMITTED),
        ('commence_par = ["92"]', "9 220", ADMITTED),
        ('commence_par = ["Saint-"]', "Sainte-Anne", REFUSED),
        ('dans_table = "exclus"', "w 751 234 567", ADMITTED),
        ('dans_table = "exclus"', "13002526500013", ADMITTED),
        ('dans_table = "exclus"', "130.025.265.00013", ADMITTED),
        ('pas_dans_table = "exclus"', "w-751-234-567", REFUSED),
        ('pas_dans_table = "exclus"', "W751234568", ADMITTED),
    ],
)  # fmt: skip
def test_a_text_is_compared_as_people_read_it(
    exige: str, text: str, expected: str, tmp_path: Path
) -> None:
    assert expected == outcome(f'{{ champ = "texte", {exige} }}', typed("texte", text), tmp_path)


@pytest.mark.parametrize(
    ("text", "valeur", "expected"),
    [
        ("23000", 23000, ADMITTED),
        ("23000,00", None, ADMITTED),
        ("23000,01", None, REFUSED),
        ("12.345", 12.345, ADMITTED),
        # A text that may mean two numbers is none.
        ("12.345", None, LOOKED_AT),
        ("23.001", None, LOOKED_AT),
        ("0,125", None, ADMITTED),
        ("23 001", None, LOOKED_AT),
        ("23 000 €", None, LOOKED_AT),
        ("20000/30000", None, LOOKED_AT),
        ("20 k€", None, LOOKED_AT),
        ("1e3", None, LOOKED_AT),
        ("-5", -5, ADMITTED),
        ("nan", None, LOOKED_AT),
    ],
)
def test_an_amount_is_exact_or_looked_at(
    text: str, valeur: float | None, expected: str, tmp_path: Path
) -> None:
    exige = '{ champ = "nombre", au_plus = 23000 }'
    assert expected == outcome(exige, typed("nombre", text, valeur), tmp_path)


@pytest.mark.parametrize(
    ("text", "valeur", "expected"),
    [
        ("900", 900, ADMITTED),
        ("1001", 1001, REFUSED),
        ("1.001", None, LOOKED_AT),
        ("900 €", None, LOOKED_AT),
        ("9 000", None, LOOKED_AT),
    ],
)
def test_a_sum_takes_no_amount_for_another(
    text: str, valeur: float | None, expected: str, tmp_path: Path
) -> None:
    rows = (Ligne("a", (Champ(COLUMN, text, valeur),)), Ligne("b", (Champ(COLUMN, "0", 0),)))
    champ = Champ(DescriptorId("lignes"), lignes=rows)
    exige = '{ somme = "lignes.montant", au_plus = 1000 }'
    assert expected == outcome(exige, champ, tmp_path)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-12-31", ADMITTED),
        ("31/12/2026", ADMITTED),
        ("31.12.2026 à 23h59", ADMITTED),
        ("31 décembre 2026", ADMITTED),
        ("31 DECEMBRE 2026", ADMITTED),
        ("1er janvier 2027", REFUSED),
        ("01/01/2027", REFUSED),
        # More than one day, or none that is certain.
        ("01/09/2026 au 31/12/2027", LOOKED_AT),
        ("1er septembre 2026 au 31 décembre 2027", LOOKED_AT),
        ("31/12/26", LOOKED_AT),
        ("2026/12/31", LOOKED_AT),
        ("fin 2026", LOOKED_AT),
    ],
)
def test_a_day_is_certain_or_looked_at(text: str, expected: str, tmp_path: Path) -> None:
    exige = '{ champ = "date", au_plus = 2026-12-31 }'
    assert expected == outcome(exige, typed("date", text), tmp_path)


@pytest.mark.parametrize(
    ("text", "expected"), [("1.50", ADMITTED), ("1,5", ADMITTED), ("2", LOOKED_AT)]
)
@pytest.mark.parametrize("key", ["texte", "choix"])
def test_a_row_is_found_however_its_key_is_typed(
    key: str, text: str, expected: str, tmp_path: Path
) -> None:
    bound = f'{{ table = "plafonds", cle = "{key}", valeur = "plafond" }}'
    exige = f'{{ champ = "nombre", au_plus = {bound} }}'
    amount = typed("nombre", "29000", 29000)
    assert expected == outcome(exige, amount, tmp_path, key=typed(key, text))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("FR76 3000 6000 0112", "fr7630006000 0112", True),
        ("06 12 34 56 78", "06.12.34.56.78", True),
        ("W751234567", "w 751-234-567", True),
        ("LE GOFF", "Le Goff ", True),
        ("Jean-Pierre", "Jean Pierre", True),
        ("Jean-Pierre", "Jean-Paul", False),
        ("1,5", "15", False),
        ("130 025 265 00013", "130 025 265 00014", False),
        # Ligatures, and signs that nobody sees.
        ("Cœur d’Łódź", "CŒUR  d'Łódź", True),
        ("Cœur d’Łódź", "coeur d’lodz", True),
        ("Cœur d’Łódź", "Cœur\u200b d'Łódź", True),
        ("Cœur d’Łódź", "Ｃœur d'Łódź", True),
        # Long references are texts, and « 1e999999 » is not a million digits.
        (f"{'9' * 29}0", f"{'9' * 29}1", False),
        ("1e999999", "1E999999", True),
        (Decimal("1.5"), "1,50", True),
    ],
)
def test_a_second_application_is_not_hidden_by_its_typing(
    one: Json, other: Json, same: bool
) -> None:
    assert same is (fold_value(one) == fold_value(other))

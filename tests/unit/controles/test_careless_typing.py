"""What people type carelessly never refuses the right applicant, and never admits a wrong one."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from dsync.controles.notations import fold_value
from dsync.domain.dossier import Champ, Json, Ligne
from dsync.domain.ids import DescriptorId
from tests.unit.controles.checked import CELL, COMPANY, LOOKED_AT, NO, YES, judged, outcome, read

ADMITTED, REFUSED = YES, NO


def result(exige: str, folder: Path, *champs: Champ) -> str:
    """Return what a requirement makes of answers."""
    return outcome(judged(read(exige, folder), COMPANY, *champs))


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
    assert expected == result(exige, tmp_path, typed("texte", text))


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
    assert expected == result(f'{{ champ = "texte", {exige} }}', tmp_path, typed("texte", text))


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
    exige = '{ champ = "montant", au_plus = 23000 }'
    assert expected == result(exige, tmp_path, typed("montant", text, valeur))


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
    rows = (Ligne("a", (Champ(CELL, text, valeur),)), Ligne("b", (Champ(CELL, "0", 0),)))
    champ = Champ(DescriptorId("lignes"), lignes=rows)
    exige = '{ somme = "lignes.montant", au_plus = 1000 }'
    assert expected == result(exige, tmp_path, champ)


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
    exige = '{ champ = "echeance", au_plus = 2026-12-31 }'
    assert expected == result(exige, tmp_path, typed("echeance", text))


@pytest.mark.parametrize(
    ("text", "expected"), [("1.50", ADMITTED), ("1,5", ADMITTED), ("2", LOOKED_AT)]
)
@pytest.mark.parametrize("key", ["texte", "choix"])
def test_a_row_is_found_however_its_key_is_typed(
    key: str, text: str, expected: str, tmp_path: Path
) -> None:
    bound = f'{{ table = "plafonds", cle = "{key}", valeur = "plafond" }}'
    exige = f'{{ champ = "montant", au_plus = {bound} }}'
    amount = typed("montant", "29000", 29000)
    assert expected == result(exige, tmp_path, amount, typed(key, text))


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

"""What a declaration compares is understood in each of its notations, or refused by name."""

# ruff: noqa: E501 (a case a line)
from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from dsync.controles.controles import Controles
from dsync.controles.notations import (
    CIVILITE,
    COMMUNE,
    DEPARTEMENT,
    EFFECTIF,
    FORME_JURIDIQUE,
    REGION,
    Enumerated,
    fold_value,
    written,
)
from dsync.domain.dossier import Champ, Demandeur, Demarche, Descriptor, Ligne, Revision
from dsync.domain.ids import DemarcheNumber, DescriptorId, RevisionId
from dsync.domain.verdict import Controle
from tests.unit.controles.checked import (
    CELL,
    COMPANY,
    LOOKED_AT,
    NO,
    YES,
    descriptors,
    judged,
    outcome,
    read,
)

MAN = Demandeur(
    genre="personne_physique", details={"civilite": "M", "nom": "Essai", "prenom": "Noa"}
)


@pytest.mark.parametrize(
    ("fact", "ways", "others"),
    [
        ("naf", ["8411Z", "84.11Z", "84.11z", "84 11Z"], ["8412Z", "01.11Z"]),
        ("region", ["Bretagne", "53", "bretagne", "53 - Bretagne"], ["Normandie", "28", "PACA"]),
        ("departement",
         ["35", "Ille-et-Vilaine", "ille et vilaine", "35 - Ille-et-Vilaine", "Ille-et-Vilaine (35)"],
         ["2A", "Paris", "1"]),
        ("forme_juridique", ["9220", "Association déclarée", "association declaree"],
         ["5710", "Association non déclarée"]),
        ("siret", ["13002526500013", "130 025 265 00013", "130.025.265.00013"], ["35600000000048"]),
        ("siren", ["130025265", "130 025 265"], ["356000000"]),
        ("rna", ["W751234567", "w 751 234 567"], ["W751234568"]),
        ("etat_administratif", ["Ferme", "Fermé"], ["Actif"]),
        ("effectif", ["11", "10 à 19 salariés"], ["01", "1 ou 2 salariés"]),
        ("commune", ["Rennes", "RENNES", "35238", "Rennes (35238)"], ["Saint-Malo", "35000", "1"]),
        ("demandeur_civilite", ["M", "M.", "Monsieur", "m."], ["Mme", "Madame", "Mme."]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("operator", ["egal", "parmi", "pas_parmi"])
def test_a_fact_is_compared_in_each_of_its_notations(
    operator: str, fact: str, ways: list[str], others: list[str], tmp_path: Path
) -> None:
    """As DS sends it, as DS shows it, and as public lists have it."""
    applicant = MAN if fact == "demandeur_civilite" else COMPANY
    equal, different = (NO, YES) if operator == "pas_parmi" else (YES, NO)
    for way, expected in [(way, equal) for way in ways] + [(way, different) for way in others]:
        operand = f'"{way}"' if operator == "egal" else f'["{way}"]'
        declarations = read(f'{{ champ = "{fact}", {operator} = {operand} }}', tmp_path)
        assert expected == outcome(judged(declarations, applicant)), way


@pytest.mark.parametrize(
    ("fact", "start", "expected"),
    [
        ("naf", "84", YES), ("naf", "84.1", YES), ("naf", "8411", YES), ("naf", "84.2", NO),
        ("forme_juridique", "92", YES), ("forme_juridique", "Association", YES),
        ("departement", "3", YES), ("departement", "97", NO),
        ("siret", "130 025 265", YES), ("siren", "130", YES),
    ],
)  # fmt: skip
def test_a_fact_begins_in_each_of_its_notations(
    fact: str, start: str, expected: str, tmp_path: Path
) -> None:
    declarations = read(f'{{ champ = "{fact}", commence_par = ["{start}"] }}', tmp_path)
    assert expected == outcome(judged(declarations, COMPANY))


@pytest.mark.parametrize(
    ("exige", "sentence"),
    [
        ('champ = "naf", pas_parmi = ["8411"]',
         "« 8411 » n’est pas un code NAF (comme 8411Z ou 84.11Z) ; commence_par = [\"8411\"] ?"),
        ('champ = "naf", egal = "84.11-Z"',
         "« 84.11-Z » n’est pas un code NAF (comme 8411Z ou 84.11Z) ; 8411Z ?"),
        ('champ = "naf", commence_par = ["O"]', "« O » n’est pas un code NAF (comme 8411Z ou 84.11Z)"),
        ('champ = "region", pas_parmi = ["Bretange"]',
         "« Bretange » n’est pas une région (nom ou code) ; Bretagne ?"),
        ('champ = "region", parmi = ["Centre"]',
         "« Centre » n’est pas une région (nom ou code) ; Centre-Val de Loire ?"),
        ('champ = "departement", parmi = ["35", "Corse"]',
         "« Corse » n’est pas un département (nom ou code) ; Corse-du-Sud ?"),
        ('champ = "departement", parmi = ["97x"]',
         "« 97x » n’est pas un département (nom ou code) ; commence_par = [\"97\"] ?"),
        ('champ = "forme_juridique", egal = "9202"',
         "« 9202 » n’est pas une catégorie juridique de l’Insee (code à quatre chiffres ou libellé) ; 9220 ?"),
        ('champ = "forme_juridique", commence_par = ["98"]',
         "« 98 » n’est pas une catégorie juridique de l’Insee (code à quatre chiffres ou libellé)"),
        ('champ = "siret", egal = "130025265"',
         "« 130025265 » n’est pas un SIRET (quatorze chiffres, clé comprise) ; commence_par = [\"130025265\"] ?"),
        ('champ = "siret", pas_parmi = ["1300252650001"]',
         "« 1300252650001 » n’est pas un SIRET (quatorze chiffres, clé comprise)"),
        ('champ = "siret", egal = "SIRET 130 025 265 00013"',
         "« SIRET 130 025 265 00013 » n’est pas un SIRET (quatorze chiffres, clé comprise) ; 13002526500013 ?"),
        ('champ = "siren", egal = "13002526500013"',
         "« 13002526500013 » n’est pas un SIREN (neuf chiffres, clé comprise) ; 130025265 ?"),
        ('champ = "etat_administratif", egal = "Active"',
         "« Active » n’est pas un état administratif (Actif ou Ferme) ; Actif ?"),
        ('champ = "demandeur_civilite", parmi = ["Homme"]',
         "« Homme » n’est pas une civilité (M ou Mme)"),
        ('un_de = [{ champ = "montant", au_plus = 1 }, { champ = "region", egal = "Bretange" }]',
         "« Bretange » n’est pas une région (nom ou code) ; Bretagne ?"),
    ],
)  # fmt: skip
def test_a_value_that_no_fact_can_equal_is_refused_with_the_nearest(
    exige: str, sentence: str, tmp_path: Path
) -> None:
    assert [f"essai : {sentence}"] == read(f"{{ {exige} }}", tmp_path).faults


@pytest.mark.parametrize(
    ("type_", "text", "way", "wrong"),
    [
        ("civilite", "M", "M.", "« X » n’est pas une civilité (M ou Mme)"),
        ("departements", "35 - Ille-et-Vilaine", "Ille-et-Vilaine", "« X » n’est pas un département (nom ou code)"),
        ("departements", "35 (nom inconnu)", "Ille-et-Vilaine", "« X » n’est pas un département (nom ou code)"),
        ("regions", "Bretagne", "53", "« X » n’est pas une région (nom ou code)"),
        ("communes", "35000 Rennes (35238)", "Rennes", None),
        ("communes", "13003 Marseille 3e Arrondissement (13203)", "Marseille", None),
        ("communes", "35000 Rennes (35238)", "35238", None),
        ("pays", "Canada", "Canada", None),
        ("siret", "13002526500013", "130 025 265 00013", "« X » n’est pas un SIRET (quatorze chiffres, clé comprise)"),
        ("rna", "ESSAI (LOI 1901) (W751234567)", "W751234567", None),
        ("phone", "+33 6 12 34 56 78", "06.12.34.56.78", "« X » n’est pas un numéro de téléphone"),
        ("phone", "0612345678", "+33 (0)6 12 34 56 78", "« X » n’est pas un numéro de téléphone"),
        ("communes", "75007 Paris 7e Arrondissement (75107)", "75056", None),
        ("text", "M", "M", None),
    ],
)  # fmt: skip
def test_an_answer_is_compared_in_the_notations_of_its_type(
    type_: str, text: str, way: str, wrong: str | None, tmp_path: Path
) -> None:
    """What none of its answers can equal is told against the form, and decides nothing."""
    champ = Champ(DescriptorId("texte"), text)

    def found(operator: str, value: str) -> Controle:
        declarations = read(f'{{ champ = "texte", {operator} = ["{value}"] }}', tmp_path)
        return judged(declarations, COMPANY, champ, texte=type_)

    assert (YES, NO) == (outcome(found("parmi", way)), outcome(found("pas_parmi", way)))
    one = read('{ champ = "texte", parmi = ["X"] }', tmp_path)
    two = [DescriptorId("texte"), DescriptorId("autre")]
    form = [one_ for id_, one_ in descriptors(texte=type_).items() if id_ in two]
    told = [said for _, said in one.impossible_values(form)]
    assert told == ([f"essai : {wrong} (« Texte »)"] if wrong else [])
    expected = (LOOKED_AT, LOOKED_AT) if wrong else (NO, YES)
    assert expected == (outcome(found("parmi", "X")), outcome(found("pas_parmi", "X")))
    if wrong:
        assert "aucune réponse à « Texte » ne peut être « X »." in found("parmi", "X").motif


@pytest.mark.parametrize(
    ("text", "town"), [("13200 Arles (13004)", "13055"), ("69380 Lozanne (69121)", "69123")]
)
def test_a_postal_code_is_no_arrondissement(text: str, town: str, tmp_path: Path) -> None:
    """Those of the towns around Lyon and Marseille begin like their codes."""
    declarations = read(f'{{ champ = "texte", parmi = ["{town}"] }}', tmp_path)
    champ = Champ(DescriptorId("texte"), text)
    assert YES != outcome(judged(declarations, COMPANY, champ, texte="communes"))


def test_what_is_found_decides_beside_a_value_that_is_written_wrong(tmp_path: Path) -> None:
    champ = Champ(DescriptorId("texte"), "Bretagne")
    for operator, expected in (("parmi", YES), ("pas_parmi", NO)):
        exige = f'{{ champ = "texte", {operator} = ["Bretagne", "Normandy"] }}'
        found = judged(read(exige, tmp_path), COMPANY, champ, texte="regions")
        assert expected == outcome(found)


def test_a_number_in_brackets_has_its_format(tmp_path: Path) -> None:
    """DS's answer about an association has its title, too."""
    champ = Champ(DescriptorId("texte"), "ESSAI (W751234567)")
    declarations = read('{ champ = "texte", format = "rna" }', tmp_path)
    assert YES == outcome(judged(declarations, COMPANY, champ, texte="rna"))


@pytest.mark.parametrize(
    ("exige", "expected"),
    [
        ('{ champ = "region", dans_table = "zones" }', YES),
        ('{ champ = "region", pas_dans_table = "zones" }', NO),
        ('{ champ = "montant", au_plus = { table = "zones", cle = "region", valeur = "x" } }', YES),
        ('{ champ = "montant", egal = { table = "zones", cle = "region", valeur = "x" } }', YES),
    ],
)
def test_a_row_is_found_in_each_notation(exige: str, expected: str, tmp_path: Path) -> None:
    one = Champ(DescriptorId("montant"), "1", 1)
    assert expected == outcome(judged(read(exige, tmp_path), COMPANY, one))


def test_a_row_that_nobody_finds_is_told(tmp_path: Path) -> None:
    """As a SIRET whose first zero a spreadsheet took off: nobody would be excluded by it."""
    table = "zone;x\nBretagne;1\nNormandy;2\nTotal;3\n"
    for exige in (
        '{ champ = "region", pas_dans_table = "zones" }',
        '{ champ = "montant", au_plus = { table = "zones", cle = "region", valeur = "x" } }',
    ):
        assert read(exige, tmp_path, table).faults == [
            "tables.zones : « Normandy » n’est pas une région (nom ou code) ; Normandie ? "
            "(ainsi que 1 de ses autres lignes)"
        ]


def test_a_row_that_nobody_finds_decides_nothing(tmp_path: Path) -> None:
    """Where the form alone says what an answer is written like."""
    table = "zone;x\nNormandie;2\nBritany;1\n"

    def found(operator: str, text: str) -> Controle:
        declarations = read(f'{{ champ = "texte", {operator} = "zones" }}', tmp_path, table)
        return judged(declarations, COMPANY, Champ(DescriptorId("texte"), text), texte="regions")

    for operator, expected in (("dans_table", YES), ("pas_dans_table", NO)):
        assert expected == outcome(found(operator, "Normandie"))
        assert LOOKED_AT == outcome(found(operator, "Bretagne"))
        assert "« Britany »" in found(operator, "Bretagne").motif


def test_two_rows_for_one_place_are_none(tmp_path: Path) -> None:
    exige = '{ champ = "montant", au_plus = { table = "zones", cle = "region", valeur = "x" } }'
    declarations = read(exige, tmp_path, "zone;x\nBretagne;1\n53;2\n")
    one = Champ(DescriptorId("montant"), "1", 1)
    assert LOOKED_AT == outcome(judged(declarations, COMPANY, one))


def test_a_region_is_known_by_its_code_alone(tmp_path: Path) -> None:
    """DS has its name from an outside service."""
    applicant = Demandeur(
        genre="personne_morale", details={"address": {"regionCode": "53", "regionName": None}}
    )
    declarations = read('{ champ = "region", pas_parmi = ["Bretagne"] }', tmp_path)
    assert NO == outcome(judged(declarations, applicant))


def row(text: str, value: int | None) -> Ligne:
    """Return a row with an amount."""
    return Ligne(text, (Champ(CELL, text, value),))


ANSWERS = {
    "texte": Champ(DescriptorId("texte"), "130 025 265 00013"),
    "autre": Champ(DescriptorId("autre"), "Bretagne"),
    "choix": Champ(DescriptorId("choix"), "a, b", ["b", "a"]),
    "montant": Champ(DescriptorId("montant"), "300", 300),
    "echeance": Champ(DescriptorId("echeance"), "2026-02-28"),
    "lignes": Champ(DescriptorId("lignes"), lignes=(row("100", 100), row("200", 200))),
}


@pytest.mark.parametrize(
    ("exige", "lacking", "expected"),
    [
        ('champ = "siret", egal = { champ = "texte" }', "", YES),
        ('champ = "texte", egal = { champ = "siret" }', "", YES),
        ('champ = "siren", egal = { champ = "texte" }', "", NO),
        ('champ = "siret", egal = { champ = "texte" }', "texte", LOOKED_AT),
        ('champ = "region", egal = { champ = "autre" }', "", YES),
        ('champ = "choix", egal = { champ = "choix" }', "", YES),
        ('champ = "choix", egal = { champ = "autre" }', "", NO),
        ('somme = "lignes.montant", egal = { champ = "montant" }', "", YES),
        ('champ = "montant", egal = { somme = "lignes.montant" }', "", YES),
        ('champ = "montant", egal = { somme = "lignes.montant", fois = 2 }', "", NO),
        ('champ = "montant", egal = { somme = "lignes.montant", fois = 2, plus = -300 }', "", YES),
        ('champ = "montant", egal = { somme = "lignes.montant" }', "lignes", LOOKED_AT),
        ('champ = "montant", egal = { nombre = "lignes", fois = 150 }', "", YES),
        # A month after 31 January is 28 February; the deposit is on 31 March.
        ('champ = "echeance", egal = { champ = "depot", plus_mois = -1 }', "", YES),
        ('champ = "depot", au_plus = { champ = "echeance", plus_mois = 1 }', "", NO),
        ('champ = "depot", au_plus = { champ = "echeance", plus_mois = 1, plus_jours = 3 }', "", YES),
        ('champ = "depot", egal = { champ = "echeance", plus_ans = -1, plus_mois = 13, plus_jours = 3 }', "", YES),
        ('champ = "depot", au_plus = { champ = "echeance", plus_mois = 1800 }', "", YES),
    ],
)  # fmt: skip
def test_an_answer_is_compared_with_another_one(
    exige: str, lacking: str, expected: str, tmp_path: Path
) -> None:
    given = [champ for name, champ in ANSWERS.items() if name != lacking]
    declarations = read(f"{{ {exige} }}", tmp_path)
    assert expected == outcome(judged(declarations, COMPANY, *given))


@pytest.mark.parametrize(
    ("exige", "sentence"),
    [
        ('champ = "montant", egal = { champ = "texte" }',
         "egal compare montant (nombre) à une valeur de type texte"),
        ('champ = "texte", egal = { champ = "autre", plus = 1 }',
         "fois et plus vont avec un nombre, plus_jours, plus_mois et plus_ans avec une date"),
        ('champ = "montant", au_plus = { champ = "montant", plus_mois = 1 }',
         "fois et plus vont avec un nombre, plus_jours, plus_mois et plus_ans avec une date"),
        ('champ = "texte", egal = { champ = "texto" }',
         "« texto » n’est ni un champ de [champs] ni un fait ; texte ?"),
    ],
)  # fmt: skip
def test_what_cannot_be_compared_is_refused(exige: str, sentence: str, tmp_path: Path) -> None:
    assert [f"essai : {sentence}"] == read(f"{{ {exige} }}", tmp_path).faults


@pytest.mark.parametrize(
    ("exige", "sentence"),
    [
        ('champ = "texte", parmi = [{ champ = "autre" }]', "goes with egal, au_moins and au_plus"),
        ('champ = "texte", egal = ["a", "b"]', "several go with parmi"),
        ('champ = "texte", pas_egal = "a"', "pas_egal is written pas_parmi"),
        ('champ = "montant", au_plus = { champ = "montant", fois = "montant" }', "humain = true"),
    ],
)
def test_what_the_grammar_has_no_place_for_is_refused_with_what_has(
    exige: str, sentence: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=sentence):
        read(f"{{ {exige} }}", tmp_path)


def test_only_what_no_revision_knows_is_impossible(tmp_path: Path) -> None:
    """Finished dossiers keep former revisions, whose lists had other options."""
    choices = DescriptorId("choix")

    def revision(name: str, *options: str) -> Revision:
        found = descriptors(texte="regions")
        listed = Descriptor(choices, "Choix", "drop_down_list", options=options)
        return Revision(RevisionId(name), None, {**found, choices: listed} if options else found)

    exige = (
        '{ un_de = [{ champ = "choix", parmi = ["Ancien", "Nouveau", "Nouvau"] },'
        ' { champ = "texte", egal = "Bretange" }] }'
    )
    declarations = read(exige, tmp_path)
    former, active = revision("a", "Ancien"), revision("b", "Nouveau")
    demarche = Demarche(
        number=DemarcheNumber(1), titre="", etat="publiee", active_revision_id=active.id,
        revisions={former.id: former, active.id: active}, instructeurs=(), labels={},
    )  # fmt: skip
    assert [
        one.partition(" : ")[2]
        for one in Controles(declarations).findings.impossible_values(demarche)
    ] == [
        "« Bretange » n’est pas une région (nom ou code) ; Bretagne ? (« Texte »)",
        "« Nouvau » n’est pas une option de « Choix » ; Nouveau ?",
    ]


def test_the_year_of_a_day_is_bounded(tmp_path: Path) -> None:
    exige = '{ champ = "depot", au_plus = { champ = "echeance", plus_mois = 12 } }'
    last = Champ(DescriptorId("echeance"), date.max.isoformat())
    assert YES == outcome(judged(read(exige, tmp_path), COMPANY, last))


@pytest.mark.parametrize("notation", [CIVILITE, DEPARTEMENT, EFFECTIF, FORME_JURIDIQUE, REGION])
def test_no_two_values_of_a_list_are_written_alike(notation: Enumerated) -> None:
    """Each is known by its code and its name, however they are typed."""
    every = {code: written(code, notation) for code in notation.read()}
    assert len(set().union(*every.values())) == sum(map(len, every.values()))
    for code, name in notation.read().items():
        assert every[code] == written(name, notation) == written(name.upper(), notation)
        assert notation.fault(code) is notation.fault(name) is None


@pytest.mark.parametrize(
    ("sent", "written_as"),
    [("Paris 7e Arrondissement", "Paris"), ("PARIS 7", "Paris"), ("Saint-Malo", "St-Malo"),
     ("STE ANNE", "Sainte-Anne"), ("75107 (nom inconnu)", "75056"), ("Lyon 1er", "Lyon")],
)  # fmt: skip
def test_a_commune_has_a_short_name_and_arrondissements(sent: str, written_as: str) -> None:
    """In the address of the applicant and in a champ, with the code of the Insee or without."""
    for value in (sent, f"{sent} (75107)"):
        assert fold_value(written_as) in written(value, COMMUNE)


NOWHERE = "n’est ni le nom ni le code Insee d’une commune de 2026"


@pytest.mark.parametrize(
    ("value", "warning"),
    [
        ("Rennes", None), ("St Malo", None), ("35238", None), ("2a004", None), ("Paris", None),
        ("Paris 7e Arrondissement", None), ("Saint-Denis (93066)", None), ("Évry-Courcouronnes", None),
        ("Renes", f"« Renes » {NOWHERE} ; Rennes ?"),
        ("35000", f"« 35000 » {NOWHERE} ; un code postal ou un ancien code Insee ?"),
        ("Saint-Denis", "« Saint-Denis » est le nom de 4 communes ; leur code Insee ?"),
    ],
)  # fmt: skip
def test_a_commune_that_nobody_knows_is_warned_of(
    value: str, warning: str | None, tmp_path: Path
) -> None:
    """The list is of one year: it refuses nothing, and names no code of another notation."""
    told = [f"essai : {warning}"] if warning else []
    fact = read(f'{{ champ = "commune", pas_parmi = ["{value}"] }}', tmp_path)
    assert ([], told) == (fact.faults, [*fact.warnings()])
    champ = read(f'{{ champ = "texte", parmi = ["{value}"] }}', tmp_path)
    form = [*descriptors(texte="communes").values()]
    assert told == [*champ.of_form(form)]
    table = read('{ champ = "commune", dans_table = "zones" }', tmp_path, f"zone;x\n{value};1\n")
    assert [one.replace("essai", "tables.zones") for one in told] == [*table.warnings()]


def test_of_many_unknown_communes_a_few_are_named(tmp_path: Path) -> None:
    """So that other warnings are seen beside them."""
    values = json.dumps([f"Nulle-Part-{rank}" for rank in range(300)])
    warnings = [*read(f'{{ champ = "commune", pas_parmi = {values} }}', tmp_path).warnings()]
    assert 6 == len(warnings)
    assert "essai : valeurs douteuses en plus de celles-ci : 295" == warnings[-1]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        (
            "population",
            ' : mettez les communes admises dans une table, par leur code Insee, et écrivez champ = "commune", dans_table',
        ),
        ("code_postal", " ; commune, departement ou region ?"),
        ("telephone", " : posez la question dans le formulaire, et nommez-la dans [champs]"),
    ],
)
def test_what_is_no_fact_is_refused_with_what_to_write(
    name: str, hint: str, tmp_path: Path
) -> None:
    faults = read(f'{{ champ = "{name}", au_plus = 5000 }}', tmp_path).faults
    assert [f"essai : « {name} » n’est ni un champ de [champs] ni un fait{hint}"] == faults


@pytest.mark.parametrize(("fact", "hint"), [("commune", "dans_table"), ("effectif", "tranches")])
def test_an_amount_of_a_text_is_refused_with_what_to_write(
    fact: str, hint: str, tmp_path: Path
) -> None:
    [fault] = read(f'{{ champ = "{fact}", au_plus = 5000 }}', tmp_path).faults
    assert f"au_plus ne s’applique pas à {fact} (texte) : " in fault
    assert hint in fault

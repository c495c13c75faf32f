"""Random declarations and answers: nothing fails, and a missing answer decides nothing."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from dsync.controles.checking import Declarations
from dsync.controles.declarations import ControlesSections
from dsync.controles.declared_checks import Voisins
from dsync.controles.facts import Faits
from dsync.domain.verdict import Resultat

CHAMPS = {
    "montant": {"libelles": ["Montant"], "type": "nombre"},
    "budget": {"libelles": ["Budget"], "type": "nombre"},
    "debut": {"libelles": ["Début"], "type": "date"},
    "fin": {"libelles": ["Fin"], "type": "date"},
    "theme": {"libelles": ["Thème"], "type": "choix"},
    "iban": {"libelles": ["IBAN"], "type": "texte"},
    "engage": {"libelles": ["Engagement"], "type": "oui_non"},
    "statuts": {"libelles": ["Statuts"], "type": "pieces"},
    "aides": {"libelles": ["Aides"], "type": "lignes", "colonnes": {"montant": "Montant"}},
}
NUMBERS = st.decimals(-(10**18), 10**18, allow_nan=False, places=2)
DAYS = st.dates()
WORDS = st.text(max_size=30)
ANSWERS: dict[str, st.SearchStrategy[Any]] = {
    "montant": NUMBERS,
    "budget": NUMBERS,
    "debut": DAYS,
    "fin": DAYS,
    "theme": st.lists(WORDS, min_size=1, max_size=3),
    "iban": WORDS.filter(bool),
    "engage": st.booleans(),
    "statuts": st.lists(WORDS, min_size=1, max_size=3),
    "aides": st.lists(
        st.fixed_dictionaries({}, optional={"montant": NUMBERS | WORDS}), min_size=1, max_size=3
    ),
    "siren": st.from_regex(r"\d{9}", fullmatch=True),
    "depot": DAYS,
}
PLAIN = st.from_regex(r"[a-z]{1,8}", fullmatch=True)
EXIGENCES = st.one_of(
    st.fixed_dictionaries(
        {"champ": st.sampled_from(["montant", "budget"])},
        optional={
            "au_moins": st.integers(-9, 9),
            "au_plus": st.just({"champ": "budget", "fois": 0.8}),
        },
    ),
    st.fixed_dictionaries(
        {"champ": st.sampled_from(["debut", "fin"])},
        optional={
            "au_plus": DAYS,
            "au_moins": st.fixed_dictionaries(
                {"champ": st.just("depot")},
                optional={
                    "plus_ans": st.integers(-150, 150),
                    "plus_mois": st.integers(-1800, 1800),
                    "plus_jours": st.integers(-999, 999),
                },
            ),
        },
    ),
    st.fixed_dictionaries({"champ": st.just("theme"), "parmi": st.lists(PLAIN, min_size=1)}),
    st.fixed_dictionaries({"champ": st.just("iban"), "format": st.sampled_from(["iban", "nir"])}),
    st.just({"champ": "engage", "egal": True}),
    st.just({"champ": "statuts", "fichiers": ["pdf"]}),
    st.just({"somme": "aides.montant", "au_plus": {"champ": "budget"}}),
    st.just({"somme": "aides.montant", "egal": {"champ": "budget"}}),
    st.just({"champ": "iban", "egal": {"champ": "theme"}}),
    st.just({"nombre": "aides", "au_moins": 2}),
    st.just({"champ": "siren", "unique_avec": ["theme"]}),
    st.just({"un_de": [{"champ": "engage", "egal": True}, {"champ": "montant", "au_plus": 5}]}),
).filter(lambda one: "un_de" in one or len(one) > 1)  # fmt: skip


@given(
    exige=EXIGENCES,
    si=st.none() | EXIGENCES.filter(lambda one: "unique_avec" not in one),
    answers=st.fixed_dictionaries({}, optional=ANSWERS),
    lacking=st.sets(st.sampled_from(["siren", "depot"])),
    twins=st.booleans(),
)
def test_no_answer_decides_by_its_absence(
    exige: dict[str, Any],
    si: dict[str, Any] | None,
    answers: dict[str, Any],
    lacking: set[str],
    twins: bool,
) -> None:
    declared = {
        "nom": "essai", "titre": "essai", "exige": exige, "si": si, "motif": "Essai {montant}.",
        "regle": "Règle.", "a_faire": "vérifier.",
    }  # fmt: skip
    sections = ControlesSections.model_validate({"champs": CHAMPS, "controles": [declared]})
    declarations = Declarations(sections, Path())
    assert declarations.faults == []
    (controle,) = sections.controles
    values = {name: value for name, value in answers.items() if name not in lacking}
    voisins = Voisins({"essai": (7,)} if twins else {}, lambda _: False)
    faits = Faits(values, frozenset(lacking))
    result = declarations.evaluator.controle(controle, faits, voisins)
    assert result == declarations.evaluator.controle(controle, faits, voisins)
    assert "\n" not in result.motif
    if not values.keys() & {*controle.champs}:
        assert result.resultat in (Resultat.A_VERIFIER, Resultat.IMPOSSIBLE)


@given(text=st.text(max_size=200))
def test_what_people_typed_changes_no_sentence(text: str) -> None:
    declared = {
        "nom": "essai", "titre": "essai", "exige": {"champ": "iban", "egal": "x"},
        "motif": "Valeur « {iban} » et {montant}.", "regle": "Règle.", "a_faire": "vérifier.",
    }  # fmt: skip
    sections = ControlesSections.model_validate({"champs": CHAMPS, "controles": [declared]})
    evaluator = Declarations(sections, Path()).evaluator
    faits = Faits({"iban": f"y{text}", "montant": Decimal(5)})
    motif = evaluator.controles(faits)[0].motif
    assert motif.startswith("Valeur « y")
    assert motif.endswith(" » et 5. Règle. À faire : vérifier.")
    assert motif.count("»") == 1


@given(
    exige=EXIGENCES,
    answers=st.fixed_dictionaries({}, optional=ANSWERS),
    wanted=st.sampled_from(Resultat),
)
def test_an_example_decides(
    exige: dict[str, Any], answers: dict[str, Any], wanted: Resultat
) -> None:
    """A check that gives another result than its author means is refused, and no other one."""
    given_ = {name: value for name, value in answers.items() if name != "aides"}
    lignes = {"aides": answers["aides"]} if "aides" in answers else {}
    declared = {
        "nom": "essai", "titre": "essai", "exige": exige, "motif": "Essai.", "regle": "Règle.",
        "a_faire": "vérifier.",
        "exemple": [{"champs": given_, "lignes": lignes, "resultat": wanted}],
    }  # fmt: skip
    sections = ControlesSections.model_validate({"champs": CHAMPS, "controles": [declared]})
    declarations = Declarations(sections, Path())
    found = declarations.evaluator.controle(sections.controles[0], Faits(answers)).resultat
    wrong = f"essai, exemple 1 : donne {found} au lieu de {wanted}"
    assert declarations.faults == ([] if found is wanted else [wrong])

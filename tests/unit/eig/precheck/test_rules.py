"""Validation of rules and lists."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from dsync.eig.precheck.lists import ListProblemsError, is_siren, parse_categories, parse_operateurs
from dsync.errors import ConfigurationError
from tests.unit.eig.precheck.builders import CONFIG, RULES, SHIPPED, load_rules

CAS = {"libelles": ["A"], "mots": ["a"]}
PROFILS = {"colonne": "voeux.profil", "parmi": [{"libelles": ["A"]}, {"libelles": ["à"]}]}
DAYS = {"libelles": ["A"], "du": date(2024, 2, 1), "au": date(2024, 1, 1)}


def problems_of(*given: Any, **changes: Any) -> tuple[str, ...]:
    """Load changed rules and return the problems."""
    with pytest.raises(ConfigurationError) as caught:
        load_rules(*given, **changes)
    return caught.value.problems


def of(check: str, **parametres: Any) -> dict[str, Any]:
    """Return changes of the parameters of a check."""
    return {check: {"parametres": parametres}}


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        (of("cas_octroi", cas=[]), "cas_octroi : parametres.cas : trop peu de valeurs"),
        (of("cas_octroi", cas=[CAS | {"suppose": ["zzz"]}]), "« zzz » n’est pas une phase connue"),
        (of("cas_octroi", cas=[CAS | {"suppose": ["construction", "success"]}]),
         "« A » suppose plus d’une phase"),
        (of("cas_octroi", cas=[CAS, {"libelles": ["à"]}]), "« a » est de deux cas"),
        (of("cas_octroi", cas=[{}]), "cas_octroi : parametres.cas.0.libelles : clé à ajouter"),
        (of("phase", admises=[]), "phase : parametres.admises : trop peu de valeurs"),
        (of("phase", admise=["a"]), "phase : parametres.admise : clé inconnue"),
        (of("phase", admises=["a"], declarees={"B": ["b"]}), "« b » n’est pas une phase connue"),
        (of("administration", operateurs=["absent.csv"]), "absent.csv: cannot be read"),
        (of("administration", operateurs=["operateurs_etat.csv"] * 2),
         "operateurs: two lists of 2026"),
        (of("administration", operateurs=["categories_juridiques.csv"]),
         "columns siren, nom missing"),
        ({"cas_octroi": {"sinon": "non_conforme"}}, "ne rend jamais non_conforme"),
        ({"doublon": {"nom": "phase"}}, 'nom = "phase" et fonction = "eig.phase" vont ensemble'),
        ({"phase": {"nom": "etape"}}, 'nom = "phase" et fonction = "eig.phase" vont ensemble'),
        ({"phase": {"fonction": "eig.phases"}}, "« eig.phases » n’est pas une fonction"),
        ({"phase": {"faits": ["depot"]}}, "une fonction du programme va sans faits ni exemple"),
        ({"depot": {"a_faire": ""}}, "depot : a_faire manque"),
        ({"profils": {"exige": PROFILS}}, "« a » est 2 fois dans la liste"),
        ({"profils": {"exige": {"colonne": "voeux.profil", "parmi": [DAYS]}}},
         "« A » : le dernier jour vient avant le premier"),
        ({"doublon": {"exige": {"unique": "siren"}}},
         'doublon : seul unique = "produit" compare ici des dossiers'),
        ({"completude": {"exige": {"tous_presents": ["probleme", "entit"]}}},
         "« entit » n’est ni un champ de [champs] ni un fait"),
    ],
    ids=str,
)  # fmt: skip
def test_each_problem_is_named(changes: dict[str, Any], problem: str) -> None:
    found = problems_of(**changes)
    assert any(problem in line for line in found), found


def test_a_check_that_is_left_out_needs_nothing() -> None:
    """Nor are its lists read."""
    others = dict.fromkeys(one["nom"] for one in SHIPPED["controles"] if one["nom"] != "phase")
    rules = load_rules(Path("/nowhere"), **others)
    assert ({"phase"}, (), True) == ({*rules.checks}, rules.operateurs, rules.needs_catalogue)


def test_a_list_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    shutil.copytree(CONFIG, tmp_path, dirs_exist_ok=True)
    (tmp_path / "operateurs_etat.csv").write_bytes("siren,nom\n1,é".encode("latin-1"))
    assert "save it as UTF-8" in problems_of(tmp_path)[0]


def test_the_version_moves_with_rules_lists_and_needed_champs(tmp_path: Path) -> None:
    """Equal rules have the same version in all processes; any change gives another one."""
    shutil.copytree(CONFIG, tmp_path, dirs_exist_ok=True)
    assert load_rules(tmp_path).version == RULES.version
    with (tmp_path / "operateurs_etat.csv").open("a", encoding="utf-8") as file:
        file.write("110001013,UN DE PLUS\n")
    versions = {
        RULES.version,
        load_rules(tmp_path).version,
        load_rules(needed=[("entite", "Entité")]).version,
        load_rules(depot={"regle": "Autre règle."}).version,
    }
    assert len(versions) == 4


def test_a_siren_has_a_check_digit() -> None:
    wrong = ("110001014", "11000101", "11000101x", "１１０００１０１３")
    assert all(map(is_siren, ("110001013", "582056149")))
    assert not any(map(is_siren, wrong))


META = "# annee: 2024\n# source: annexe\n"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "columns siren, nom missing"),
        ("siren\n", "column nom missing"),
        (f"{META}siren,nom\n", "the list is empty"),
        (f"{META}siren,nom\n123456789,X\n", "line 4: « 123456789 » is not a SIREN"),
        (f"{META}siren,nom\n110001013,\n", "line 4: SIREN 110001013 has no name"),
        (f"{META}siren,nom\n110001013\n", "line 4: SIREN 110001013 has no name"),
        (
            f"{META}siren,nom\n110001013,A\n110 001 013,B\n",
            "line 5: SIREN 110001013 is given twice",
        ),
        ("# source: x\nsiren,nom\n110001013,A\n", "# annee: 2026"),
        ("# annee: 2024\nsiren,nom\n110001013,A\n", "# source: …"),
    ],
)
def test_a_list_of_operateurs_is_checked(text: str, problem: str) -> None:
    """Each wrong line is reported with its number."""
    with pytest.raises(ListProblemsError, match=problem):
        parse_operateurs(text)


HEAD = "# source: INSEE\ncode,libelle,reponse\n"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("code,libelle\n", "column reponse missing"),
        (HEAD, "the list is empty"),
        (f"{HEAD}7120,A,oui\n", "reponse « oui » is none of"),
        (f"{HEAD}7120,A,exclue\n7120,A,exclue\n", "code 7120 is given twice"),
        (f"{HEAD}712,A,exclue\n", "« 712 » is not a code"),
        (f"{HEAD}x120,A,exclue\n", "« x120 » is not a code"),
        (f"{HEAD}7379-7312,A,exclue\n", "« 7379-7312 » is not a code"),
        ("code,libelle,reponse\n7120,A,exclue\n", "# source: …"),
    ],
)
def test_a_list_of_categories_is_checked(text: str, problem: str) -> None:
    with pytest.raises(ListProblemsError, match=problem):
        parse_categories(text)


def test_the_narrowest_family_answers() -> None:
    """The exact code takes precedence, then the narrowest family."""
    found = parse_categories(
        f"{HEAD}7xxx,A,exclue\n72xx,B,a_verifier\n7230-7240,C,exclue\n7235,D,exclue\n"
    )
    codes = ("7235", "7231", "7299", "7300", "8000", "72")
    answers = [found.get(code) for code in codes]
    assert [answer and answer.libelle for answer in answers] == ["D", "C", "B", "A", None, None]

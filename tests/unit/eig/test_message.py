"""What an applicant is asked: short, whole, and about what was examined and not answered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from dsync.domain.account import LONGEST_DEMAND, open_points
from dsync.domain.check_answers import ANSWER
from dsync.domain.verdict import Controle, Resultat
from dsync.eig.papers import Suggestion, message_of
from dsync.eig.precheck.check import Check
from tests.golden.dossiers import DOSSIERS, PAGE, Dossier, applicant, decide, shipped_rules
from tests.unit.eig.precheck.builders import ALL_OPEN, a_just, check, load_rules, product

LONG = "Plateforme nationale de suivi des demandes de rénovation énergétique des logements " * 3
NAME = LONG.strip()
NUMBER = 1860001
MORE = (
    Dossier("Réponse plus longue qu’une citation", {"page_produit": f"{NAME} {NAME}"}),
    Dossier("Cas inconnu", {"cas_demande": f"Autre : {NAME}"}),
    Dossier("Phase non admise, rien de déclaré",
            {"page_produit": f"{PAGE}/domifa.html", "phase_declaree": None}),
    Dossier("Forme juridique au plus long libellé",
            applicant("AGENCE", "4120", "x") | {"page_produit": f"{PAGE}/{'x' * 200}.html"}),
    Dossier("Fiche, phase et cas vides",
            {"page_produit": None, "phase_declaree": None, "cas_demande": None}),
)  # fmt: skip
KINDS = (*DOSSIERS, *MORE)


def asked(
    controles: Sequence[Controle], suggestions: Sequence[Suggestion] = (), **options: Any
) -> list[str]:
    """Return the demands of the message about these checks."""
    return [*message_of(NUMBER, controles, shipped_rules(), suggestions, **options).demandes]


def about(kind: str) -> list[str]:
    """Return the demands for a kind of dossier."""
    return asked(decide(next(one for one in KINDS if one.kind == kind)).controles)


def suggested(page: str, **changes: Any) -> Suggestion:
    """Return a product that may be meant, with the checks as if its page were given."""
    found = decide(Dossier("", {"page_produit": f"{PAGE}/{page}.html", **changes})).controles
    return Suggestion(page, [one for one in found if Check(one.controle).is_of_product])


def test_each_demand_is_short_and_whole() -> None:
    """Nothing is cut, and no demand is made twice."""
    for dossier in KINDS:
        demands = asked(decide(dossier).controles)
        # A name that a form or a catalogue gives is the one reason for more.
        assert [] == [one for one in demands if len(one.replace(NAME, "")) > LONGEST_DEMAND], (
            dossier.kind
        )
        assert [] == [one for one in demands if "…" in one or not one.endswith(".")], dossier.kind
        assert len(demands) == len({*demands}), dossier.kind


def test_an_applicant_is_told_the_rule_before_a_proof_is_asked() -> None:
    """However long the name of its legal form is, which is left out first."""
    for kind in DOSSIERS:
        for one in asked(decide(kind).controles):
            if "joindre le texte" in one:
                assert one.startswith("Le programme est destiné aux administrations centrales et")


def test_what_a_person_answered_is_not_asked_again() -> None:
    """Each check in its turn; the others are asked as before, but for what hangs on it."""
    for dossier in KINDS:
        found = decide(dossier).controles
        for place, one in enumerate(found):
            rows = [
                {"controle": each.controle, "resultat": each.resultat.value, "motif": each.motif,
                 "preuve": {**each.preuve, ANSWER: {}} if each is one else each.preuve}
                for each in found
            ]  # fmt: skip
            left = open_points({"etat": "en_instruction"}, rows)
            assert [*found[:place], *found[place + 1 :]] == left
            own = {*asked([one])} if one.controle != Check.FICHE_PRODUIT else set()
            assert own.isdisjoint(asked(left)), one.controle


@pytest.mark.parametrize("resultat", [Resultat.IMPOSSIBLE, Resultat.SANS_OBJET, Resultat.CONFORME])
def test_nothing_is_said_of_a_check_that_asks_nothing(resultat: Resultat) -> None:
    """Whatever its evidence has, which may be of an earlier reading."""
    evidence = {"siren": "110001013", "saisie": "x", "vides": ["probleme"], "demande": ["x"]}
    assert [] == asked([Controle(check.value, resultat, "", evidence) for check in Check])


def test_nothing_is_said_of_a_product_that_is_not_certain() -> None:
    """Not even without a suggestion: only which one it is, is asked."""
    [only] = about("Site d’un produit en phase passée")
    assert "désigne-t-elle « DomiFa »" in only


def test_what_no_examined_check_asks_for_is_asked_with_the_blank_answers() -> None:
    """Without a product, phase and case are not examined: their blank answers are asked at once."""
    fiche, *questions = about("Fiche, phase et cas vides")
    assert "fiche produit est sans réponse" in fiche
    champs = shipped_rules().declarations.sections.champs
    expected = [f"Merci de répondre à « {champs[name].libelles[0]} »."
                for name in ("phase_declaree", "cas_demande")]  # fmt: skip
    assert expected == questions
    assert ["Problème identifié", "Objectifs à 12 mois"] == [
        one.split("« ")[1].split(" »")[0]
        for one in about("Internaliser sans preuve, réponses vides, doublons")
        if one.startswith("Merci de répondre")
    ]


@pytest.mark.parametrize(
    ("kind", "begins"),
    [
        ("Cas inconnu", "Votre réponse « Autre : Plateforme"),
        ("Phase non admise, rien de déclaré", "La fiche de votre produit"),
        ("Phases illisibles, aucune phase déclarée, aucun cas choisi", "Merci d’indiquer la phase"),
    ],
)
def test_an_answer_that_was_given_is_taken_up(kind: str, begins: str) -> None:
    """It is not asked for as if it were blank; a blank one is asked for, and no proof beside it."""
    first, *_ = about(kind)
    assert first.startswith(begins)


@pytest.mark.parametrize(
    ("lacking", "wanted", "not_wanted"),
    [
        ({"cas_demande": "Internaliser le pilotage stratégique", "stats_url": "/stats",
          "repository": "https://github.com/x/y"}, "mesures d’impact", "code source"),
        ({"phases": []}, "pièce datée", "mesures d’impact"),
    ],
)  # fmt: skip
def test_only_what_a_case_lacks_is_asked(
    lacking: dict[str, Any], wanted: str, not_wanted: str
) -> None:
    """The template's « /stats » is no address."""
    links = {name: lacking.pop(name) for name in ("stats_url", "repository") if name in lacking}
    products = a_just(lacking.pop("phases", ALL_OPEN), **links)
    [demand] = asked([check("cas_octroi", products=products, **lacking)])
    assert (True, False) == (wanted in demand, not_wanted in demand)


@pytest.mark.parametrize(
    ("typed", "names", "said"),
    [
        ("A-JUST et Pix", "A-JUST,Pix", "deux produits : « A-JUST » et « Pix »"),
        ("Clara, Pix, Eva", "Clara,Pix,Eva", "plusieurs produits : « Clara », « Eva » et « Pix »"),
        (f"{PAGE}/p1.html et {PAGE}/p0.html", f"{NAME},Pix",
         f"deux produits : « Pix » et « {NAME} »"),
        ("Registre des musées et Carte-Forêt", "Carte forêt,Registre des musées",
         "deux produits : « Carte forêt » et « Registre des musées »"),
        ("Guichet unique", "Guichet unique,Guichet unique", ""),
        ("Notre carte forêt", "Carte,Carte forêt", ""),
    ],
)  # fmt: skip
def test_an_answer_that_names_several_products_is_told_so(
    typed: str, names: str, said: str
) -> None:
    """One name of two products, or one inside another, is not several."""
    products = {f"p{rank}": product(name) for rank, name in enumerate(names.split(","))}
    fiche = check("fiche_produit", products=products, page_produit=typed)
    [demand] = asked([fiche])
    assert demand.startswith(f"Votre réponse désigne {said or '-'}") is bool(said), demand


def test_each_name_is_whole_however_long() -> None:
    """Of products and cases."""
    weak = check("fiche_produit", products={"x": product(NAME)}, page_produit=f"Le produit {NAME}")
    [which] = asked([weak])
    assert f"désigne-t-elle « {NAME} »" in which
    assert "n’est pas un cas prévu" in about("Cas inconnu")[0]
    assert NAME in about("Cas inconnu")[0]


def test_a_suggested_product_is_asked_about_in_one_demand_and_what_it_lacks_in_others() -> None:
    """Without what a person answered, and what another demand asks for already."""
    weak = {"page_produit": "Le produit DomiFa", "cas_demande": None}
    which, *others = asked(
        decide(Dossier("", weak)).controles, [suggested("domifa", cas_demande=None)]
    )
    assert which == (
        "Votre réponse « Le produit DomiFa » désigne-t-elle « DomiFa », dont la fiche est à "
        f"l’adresse {PAGE}/domifa.html ? Si oui, merci de donner cette seule adresse ; sinon, "
        "celle de la fiche de votre produit. Question : « Page produit sur "
        "beta.gouv.fr »."
    )
    assert others[0] == "Merci de répondre à « Cas de la demande »."
    assert others[1].startswith(
        f"Si votre produit est « domifa » : sa fiche ({PAGE}/domifa.html), lue le 22/05/2024, "
    )
    assert "la phase « pérennisé »" in others[1]
    assert 2 == len(others)
    named = decide(Dossier("", {"page_produit": "Le produit A-JUST"})).controles
    assert 1 == len(asked(named, [suggested("a-just")]))


def test_a_commune_is_asked_for_no_text_that_it_cannot_have() -> None:
    """None makes it an opérateur; another organisation may carry the project."""
    [commune] = about("Commune")
    assert "texte" not in commune
    assert commune.endswith("Si l’un d’eux porte le projet, merci d’indiquer lequel.")


def test_what_is_asked_about_a_phase_says_what_was_declared_and_what_is_not_needed() -> None:
    """With the page it was read on, since when it stands there, and a way out."""
    [past] = about("Phase passée, catalogue lu tard")
    assert f"({PAGE}/domifa.html), lue le 24/11/2026," in past
    assert "la phase « pérennisé », depuis le 17/01/2023 ; vous avez déclaré « " in past
    assert "sinon, rien n’est à envoyer sur ce point" in past
    [other] = about("Phase admise, autre que la phase déclarée")
    assert "vous avez déclaré « Investigation ». Merci d’indiquer laquelle est exacte" in other
    [same] = about("Phase passée, déclarée comme telle")
    assert f"({PAGE}/" in same


QUESTIONED = ("« Page produit sur beta.gouv.fr »", "« Phase du produit »", "« Cas de la demande »",
              "« Profils souhaités »")  # fmt: skip


def test_each_demand_about_an_answer_names_its_question() -> None:
    """An applicant knows where to correct; a SIRET and a wish are no questions of their own."""
    for dossier in KINDS:
        given = {one.controle: [one] for one in decide(dossier).controles}
        for name in (Check.FICHE_PRODUIT, Check.PHASE, Check.CAS_OCTROI, Check.PROFILS):
            unnamed = [
                one
                for one in asked(given.get(name, []))
                if not any(label in one for label in QUESTIONED)
            ]
            assert [] == unnamed, (dossier.kind, name)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "dans les 15 jours qui suivent ce message :"),
        ({"answer_days": 30}, "dans les 30 jours qui suivent ce message :"),
        ({"answer_days": 1}, "dans le jour qui suit ce message :"),
    ],
)
@pytest.mark.parametrize("may_edit", [True, False])
def test_the_letter_says_until_when_and_what_follows_from_silence(
    given: dict[str, int], said: str, may_edit: bool
) -> None:
    """Nothing is said of rules that are nowhere."""
    rules = load_rules(precontrole=given)
    letter = message_of(NUMBER, decide(DOSSIERS[4]).controles, rules, may_edit=may_edit)
    text = letter.texte.replace("\u00a0", " ")
    assert said in text
    assert "Sans réponse de votre part dans ce délai, votre dossier sera instruit en" in text
    assert may_edit is ("Vous pouvez corriger votre dossier" in text)
    assert "publiées" not in text
    assert text.count("\n- ") == len(letter.demandes)

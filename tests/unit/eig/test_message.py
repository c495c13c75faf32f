"""What an applicant is asked: short, whole, and about what was examined and not answered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from dsync.domain.account import LONGEST_DEMAND, open_points
from dsync.domain.check_answers import ANSWER
from dsync.domain.verdict import Controle, Resultat
from dsync.eig.message import Suggestion, message_of
from dsync.eig.precheck.check import Check
from tests.golden.dossiers import DOSSIERS, PAGE, Dossier, applicant, decide, shipped_rules
from tests.unit.eig.precheck.builders import load_rules

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


def suggested(nom: str, page: str, **changes: Any) -> Suggestion:
    """Return a product that may be meant, with the checks as if its page were given."""
    url = f"{PAGE}/{page}.html"
    found = decide(Dossier("", {"page_produit": url, **changes})).controles
    return Suggestion(nom, url, [one for one in found if Check(one.controle).is_of_product])


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
    evidence = {"siren": "110001013", "saisie": "x", "phase": "success", "vides": ["probleme"]}
    assert [] == asked([Controle(check.value, resultat, "", evidence) for check in Check])


def test_nothing_is_said_of_a_product_that_is_not_certain() -> None:
    """Not even without a suggestion: only which one it is, is asked."""
    [only] = about("Site d’un produit en phase passée")
    assert "ne suffit pas à reconnaître" in only


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
    ("evidence", "wanted", "not_wanted"),
    [
        ({"cas": "Internaliser le pilotage stratégique", "stats_url": "/stats",
          "repository": "https://github.com/x/y", "manque": ["aucune adresse"]},
         "mesures d’impact", "code source"),
        ({"cas": "Lancer un produit numérique", "stats_url": None, "repository": None,
          "manque": ["la phase"]},
         "pièce datée", "mesures d’impact"),
    ],
)  # fmt: skip
def test_only_what_a_case_lacks_is_asked(
    evidence: dict[str, Any], wanted: str, not_wanted: str
) -> None:
    """The template's « /stats » is no address."""
    [demand] = asked([Controle("cas_octroi", Resultat.A_VERIFIER, "", evidence)])
    assert (True, False) == (wanted in demand, not_wanted in demand)


@pytest.mark.parametrize(
    ("noms", "said"),
    [
        (["A-JUST", "Pix"], "Votre réponse désigne deux produits : « A-JUST » et « Pix »."),
        (["A-JUST (a-just)", "Pix (pix)", "Clara (clara)"],
         "Votre réponse désigne plusieurs produits : « A-JUST », « Pix » et « Clara »."),
        ([NAME, "Pix"], f"Votre réponse désigne deux produits : « {NAME} » et « Pix »."),
    ],
)  # fmt: skip
def test_an_answer_that_names_several_products_is_told_so(noms: list[str], said: str) -> None:
    """With their names, also where each of them is suggested."""
    fiche = Controle("fiche_produit", Resultat.A_VERIFIER, "",
                     {"saisie": "…", "lien": "plusieurs", "noms": noms})  # fmt: skip
    alone = asked([fiche])
    assert alone == asked([fiche], [suggested(nom, "a-just") for nom in noms])
    assert alone[0].startswith(said)
    assert "une seule fiche" in alone[0] or "la seule adresse" in alone[0]


@pytest.mark.parametrize(
    ("saisie", "noms", "number"),
    [
        ("Registre des musées et Carte-Forêt", ["Carte forêt (a)", "Registre des musées (b)"], 2),
        ("Guichet unique", ["Guichet unique (guichet-1)", "Guichet unique (guichet-2)"], 1),
        ("Notre carte forêt", ["Carte (a)", "Carte forêt (b)"], 1),
        ("Carte", ["Carte forêt (a)", "Carte sols (b)"], 0),
    ],
)
def test_several_names_in_a_sentence_are_several_products(
    saisie: str, noms: list[str], number: int
) -> None:
    """One name of two products, or a word near two names, is not."""
    fiche = Controle("fiche_produit", Resultat.A_VERIFIER, "",
                     {"saisie": saisie, "lien": "cite", "noms": noms})  # fmt: skip
    [demand] = asked([fiche])
    assert (number > 1) is ("désigne deux produits" in demand)


def test_each_name_is_whole_however_long() -> None:
    """Of products, cases and legal forms."""
    weak = Controle("fiche_produit", Resultat.A_VERIFIER, "", {"saisie": NAME, "lien": "nom"})
    demands = asked([weak], [suggested(NAME, "domifa")])
    assert 2 == sum(f"« {NAME} »" in one for one in demands)
    assert "n’est pas un cas prévu" in about("Cas inconnu")[0]
    assert NAME in about("Cas inconnu")[0]


def test_a_suggested_product_is_asked_about_in_one_demand_and_what_it_lacks_in_others() -> None:
    """Without what a person answered, and what another demand asks for already."""
    found = decide(
        Dossier("", {"page_produit": "Le produit DomiFa", "cas_demande": None})
    ).controles
    given = suggested("DomiFa", "domifa", cas_demande=None)
    which, *others = asked(found, [given])
    assert which == (
        "Votre réponse « Le produit DomiFa » désigne-t-elle « DomiFa », dont la fiche est à "
        f"l’adresse {PAGE}/domifa.html ? Si oui, merci de donner cette seule adresse ; sinon, "
        "celle de la fiche de votre produit. Question : « Page produit sur "
        "beta.gouv.fr »."
    )
    assert [True] * len(others) == [
        one.startswith(("Si votre produit est « DomiFa » : ", "Merci de répondre à "))
        for one in others
    ]
    assert 1 == sum("la phase « pérennisé »" in one for one in others)
    assert 1 == sum("cas" in one.lower() for one in others)
    fine = suggested("A-JUST", "a-just")
    assert 1 == len(asked(decide(Dossier("", {"page_produit": "Le produit A-JUST"})).controles,
                          [fine]))  # fmt: skip


QUESTIONED = ("« Page produit sur beta.gouv.fr »", "« Phase du produit »", "« Cas de la demande »",
              "« Profils souhaités »")  # fmt: skip


def test_each_demand_about_an_answer_names_its_question() -> None:
    """An applicant knows where to correct; a SIRET and a wish are no questions of their own."""
    for dossier in KINDS:
        given = {one.controle: [one] for one in decide(dossier).controles}
        for check in (Check.FICHE_PRODUIT, Check.PHASE, Check.CAS_OCTROI, Check.PROFILS):
            unnamed = [
                one
                for one in asked(given.get(check, []))
                if not any(label in one for label in QUESTIONED)
            ]
            assert [] == unnamed, (dossier.kind, check)


def test_several_suggested_products_are_one_question() -> None:
    """With their pages as far as there is room."""
    fiche = Controle("fiche_produit", Resultat.A_VERIFIER, "",
                     {"saisie": "Guichet unique", "lien": "ambigu"})  # fmt: skip
    two = [Suggestion("Guichet unique", f"{PAGE}/guichet-{n}.html", ()) for n in (1, 2)]
    [demand] = asked([fiche], two)
    assert demand.startswith(
        f"Votre réponse peut désigner « Guichet unique » ({PAGE}/guichet-1.html)"
        f" ou « Guichet unique » ({PAGE}/guichet-2.html)."
    )
    assert len(demand) <= LONGEST_DEMAND


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

"""What an applicant has to send: a message made of a verdict, for a person to transmit.

It says what is missing and by what it can be shown, never what others have deposited. Each demand
is one thing, short, and about nothing that is not examined or that is answered already.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from dsync.controles import papers
from dsync.controles.facts import label_of
from dsync.domain.account import ASKED, LONGEST_DEMAND, Letter
from dsync.domain.judging import SIGNALE
from dsync.domain.verdict import Controle
from dsync.domain.wording import (
    cleaned,
    defused,
    fold,
    french_date,
    grouped_siren,
    listed,
    words,
)
from dsync.eig.precheck.address import site_address
from dsync.eig.precheck.catalogue import phase_name
from dsync.eig.precheck.check import OF_PRODUCT, QUESTIONS, Check
from dsync.eig.precheck.checks.fiche_produit import SINCE
from dsync.eig.precheck.evidence import RegistryStatus
from dsync.eig.precheck.product import Lien
from dsync.eig.precheck.rules import RuleSet

_FORM = "https://beta.gouv.fr/startups/nom-du-produit.html"
_QUOTED_ANSWER = 120
"""A longer answer is not quoted: cut, it could lose a part of a name."""
_OF_YOURS = re.compile(r"\b[Ll]a (fiche|phase) de votre produit")
_LONGEST_NAME = 1000
"""Of a name, only to bound the work on an abusive one."""

Wordings = Sequence[str]
"""One demand, from its fullest wording to its shortest one."""


class Suggestion(NamedTuple):
    """A product that the applicant may mean, and the checks with its address instead."""

    nom: str
    url: str
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
    is_uncertain = any(
        one.controle == Check.FICHE_PRODUIT and one.resultat in ASKED for one in controles
    )
    # While it is not certain which product it is, nothing is said of « your product ».
    sure = [one for one in controles if not (is_uncertain and one.controle in OF_PRODUCT)]
    silent = {one.controle for one in controles} - {
        one.controle for one in sure if one.resultat in ASKED
    }
    own = {f for f, check in QUESTIONS.items() if check in rules.checks and check not in silent}
    declared = rules.sections
    blanks = {name for one in sure for name in papers.blank(declared, one, silent, own)}
    asked: list[str] = []
    for one in sure:
        if one.controle not in _SAYING and one.controle in declared.titles:
            if one.resultat in ASKED:
                asked += papers.demandes(declared, one, silent, own)
        elif one.controle == Check.FICHE_PRODUIT and suggestions:
            which = _which(one.preuve, suggestions)
            asked.append(_worded(which, _question(one.controle, rules)))
        else:
            asked += _demands([one], rules)
    for given in suggestions:
        begin = f"Si votre produit est {_named(given.nom)} : "
        missing = [one for one in given.controles if not _is_asked(one, rules, blanks)]
        asked += _demands(missing, rules, begin)
    return papers.sent(declared, numero, asked, may_edit=may_edit)


def _demands(controles: Iterable[Controle], rules: RuleSet, begin: str = "") -> Iterator[str]:
    """Yield what the applicant is asked for, each with a beginning if the product may be theirs."""
    for one in controles:
        if one.resultat in ASKED and one.controle not in _SAYING:
            for text in papers.demandes(rules.sections, one, ()):
                yield _begun(begin, text)
        elif one.resultat in ASKED:
            for wordings in _SAYING[one.controle](one.preuve, rules):
                said = [_begun(begin, text) for text in wordings]
                yield _worded(said, _question(one.controle, rules))


def _question(check: str, rules: RuleSet) -> str:
    """Return which question of the form to correct, in a sentence behind a blank."""
    return papers.questions(
        label_of(name, rules.sections.champs) for name, of in QUESTIONS.items() if of == check
    )


def _begun(begin: str, demand: str) -> str:
    if not begin:
        return demand
    demand = _OF_YOURS.sub(r"sa \1", demand)
    return f"{begin}{demand[:1].lower()}{demand[1:]}"


def _worded(wordings: Wordings, more: str = "") -> str:
    """Return the fullest wording that is short with `more`, else the shortest one, and `more`."""
    is_short = (one for one in wordings if len(one) + len(more) <= LONGEST_DEMAND)
    return f"{next(is_short, wordings[-1])}{more}"


def _named(name: Any) -> str:
    """Return « name », whole."""
    return f"« {defused(str(name), _LONGEST_NAME)} »"


def _answer(preuve: _Proof) -> str:
    """Return what the applicant typed, quoted after a blank; nothing if it is long."""
    saisie = cleaned(str(preuve.get("saisie") or "")[:_LONGEST_NAME])
    return f" {_named(saisie)}" if 0 < len(saisie) <= _QUOTED_ANSWER else ""


_Proof = Mapping[str, Any]
_Saying = Callable[[_Proof, RuleSet], Iterator[Wordings]]


def _administration(preuve: _Proof, rules: RuleSet) -> Iterator[Wordings]:
    if not preuve.get("siren"):
        yield [
            "Votre dossier n’a pas de numéro SIRET lisible. Merci d’indiquer celui de votre "
            "administration."
        ]
    elif preuve.get("registre") == RegistryStatus.UNKNOWN:
        yield [
            f"Le registre des entreprises ne connaît pas le SIREN {grouped_siren(preuve['siren'])} "
            "de votre dossier. Merci d’indiquer le SIRET exact de votre administration."
        ]
    elif preuve.get("ferme"):
        yield [
            "L’organisme dont vous avez donné le SIRET est inscrit comme fermé au registre des "
            "entreprises. Merci d’indiquer le SIRET de l’administration qui porte aujourd’hui le "
            "projet."
        ]
    else:
        libelle = preuve.get("libelle")
        kind = f"La forme juridique de votre organisme est {_named(libelle)}. " if libelle else ""
        proof = " (décret, arrêté ou convention constitutive)"
        wanted = (
            "Merci de joindre le texte qui en fait une administration centrale ou un opérateur de "
            "l’État{}, ou d’indiquer quelle administration porte le projet."
        )
        rule = "Le programme est destiné aux administrations centrales et aux opérateurs de l’État."
        told = (
            "Merci de joindre le texte{} qui place votre organisme parmi eux, ou d’indiquer quelle "
            "administration porte le projet."
        )
        yield [
            f"{rule} {kind}{told.format(proof)}",
            f"{rule} {kind}{told.format('')}",
            f"{kind}{wanted.format('')}",
        ]


_PUBLISHED = (
    "Le programme s’adresse aux produits dont la fiche est déjà publiée sur beta.gouv.fr : si le "
    "vôtre en a une, merci d’en donner l’adresse, seule{}."
)
_PUBLISHED_AS = (_PUBLISHED.format(f", de la forme {_FORM}"), _PUBLISHED.format(""))


def _fiche(preuve: _Proof, rules: RuleSet) -> Iterator[Wordings]:
    # The page is known, and came after the deposit: the team decides, the applicant has no answer.
    if preuve.get(SINCE):
        return
    answer = _answer(preuve)
    match preuve.get("lien"):
        case _ if _names_several(preuve):
            yield _several(preuve)
        case Lien.AILLEURS:
            yield [
                f"{_elsewhere(preuve)} Merci de répondre par celle de la fiche de votre produit"
                f"{form}."
                for form in (f", de la forme {_FORM}", "")
            ]
        case Lien.SANS_FICHE:
            yield [
                f"{said}. {published}"
                for said in (
                    f"Vous avez répondu{answer} à la demande de fiche produit",
                    "Vous avez répondu ne pas avoir de fiche produit",
                )
                for published in _PUBLISHED_AS
            ]
        case Lien.INCONNUE:
            yield [
                f"Nous n’avons trouvé aucune fiche à partir de votre réponse{one}. {published}"
                for one in (answer, "")
                for published in _PUBLISHED_AS
            ]
        case _ if preuve.get("saisie"):
            yield [
                f"Votre réponse{one} ne suffit pas à reconnaître avec certitude la fiche de votre "
                "produit sur beta.gouv.fr. Merci de donner l’adresse de cette fiche, seule, de la "
                f"forme {_FORM}."
                for one in (answer, "")
            ]
        case _ if preuve.get("reponse"):
            # The form did not ask.
            yield _PUBLISHED_AS
        case _:
            yield [
                f"La question sur la fiche produit est sans réponse. {one}" for one in _PUBLISHED_AS
            ]


def _elsewhere(preuve: _Proof) -> str:
    """Return that the question has no answer, and which answers have an address."""
    where = listed(map(_named, preuve.get("questions") or ()))
    return (
        "Vous n’avez pas donné d’adresse en réponse à la question sur la fiche produit, mais votre "
        f"réponse à {where} en contient une."
    )


def _noms(preuve: _Proof) -> list[str]:
    """Return the possible products; most are followed by their id in brackets."""
    return [str(nom).rpartition(" (")[0] or str(nom) for nom in preuve.get("noms") or ()]


def _names_several(preuve: _Proof) -> bool:
    """Whether the answer names more than one product, in whatever words."""
    typed = f" {' '.join(words(str(preuve.get('saisie') or '')))} "
    spelt = {f" {' '.join(words(nom))} " for nom in _noms(preuve)}
    written = [one for one in spelt if one.strip() and one in typed]
    # A name inside a longer one is not another product.
    named = [one for one in written if not any(one != other and one in other for other in written)]
    return preuve.get("lien") == Lien.PLUSIEURS or len(named) > 1


def _several(preuve: _Proof) -> Wordings:
    noms = _noms(preuve)
    number = "deux" if len(noms) == 2 else "plusieurs"
    shown = [_named(nom) for nom in noms]
    named = f" : {listed(shown)}" if shown else ""
    return [
        f"Votre réponse désigne {number} produits{named}. Merci de donner l’adresse d’une seule "
        f"fiche, celle du produit de votre demande, de la forme {_FORM}.",
        f"Votre réponse désigne {number} produits{named}. Merci de donner la seule adresse de la "
        "fiche du vôtre.",
    ]


def _which(preuve: _Proof, suggestions: Sequence[Suggestion]) -> Wordings:
    """Ask which of the suggested products it is."""
    if _names_several(preuve):
        return _several(preuve)
    if preuve.get("lien") == Lien.AILLEURS:
        pages = listed((f"{_named(one.nom)} ({one.url})" for one in suggestions), last="ou")
        return [
            f"{_elsewhere(preuve)} Si votre produit est {pages}, merci de donner cette seule "
            "adresse en réponse à la question ; sinon, celle de la fiche de votre produit."
        ]
    answers = (_answer(preuve), "")
    if len(suggestions) == 1:
        [one] = suggestions
        return [
            f"Votre réponse{answer} désigne-t-elle {_named(one.nom)}, dont la fiche est à "
            f"l’adresse {one.url} ? Si oui, merci de donner cette seule adresse ; sinon, celle de "
            "la fiche de votre produit."
            for answer in answers
        ]
    pages = listed((f"{_named(one.nom)} ({one.url})" for one in suggestions), last="ou")
    noms = listed((_named(one.nom) for one in suggestions), last="ou")
    return [
        f"Votre réponse{answer} peut désigner {shown}. Merci de donner la seule adresse de la "
        "fiche de votre produit sur beta.gouv.fr."
        for shown in (pages, noms)
        for answer in answers
    ]


_DATED = " (lettre de mission, décision de financement, compte rendu de comité)"


def _phase(preuve: _Proof, rules: RuleSet) -> Iterator[Wordings]:
    day = _day(preuve.get("date"))
    phase: str = preuve.get("phase") or ""
    declared: str = preuve.get("declaree") or ""
    is_eligible = bool(phase) and fold(phase) in rules.phases.admitted
    read = preuve.get("consulte_le")
    page = "La fiche de votre produit"
    sheet = f"{page}{f', lue {_day(read[:10])},' if read else ''}"
    gives = f"donne la phase {_named(phase_name(phase))} {day}"
    seen = f"{sheet} {gives}"
    if preuve.get("reponse") or (not declared and (is_eligible or not phase)):
        # What the applicant has not said yet is all that is missing.
        yield [
            f"Merci d’indiquer la phase de votre produit {day}.{f' {seen}.' if is_eligible else ''}"
        ]
        return
    if not phase:
        gives = f"ne montre pas de phase {day}"
        seen = f"{sheet} {gives}"
    said = f" ; vous avez déclaré {_named(declared)}" if declared else ""
    proof = "par une pièce datée"
    if is_eligible:
        if fold(phase) in rules.phases.meant(declared):
            said = ", comme vous, mais des dates de phases incomplètes ou contradictoires"
        wanted = f"Merci de montrer sa phase ce jour-là {proof}"
    else:
        admitted = listed((_named(one) for one in rules.phases.admises), last="ou")
        wanted = (
            f"Le programme s’adresse aux phases {admitted} : si votre produit y était, merci "
            f"de le montrer {proof}"
        )
    yield [
        f"{seen}{said}. {wanted}{_DATED}.",
        f"{seen}{said}. {wanted}.",
        f"{seen}. {wanted}.",
        f"{page} {gives}. {wanted}.",
    ]


_CAS = {
    "stats_url": "l’adresse de la page publique de vos mesures d’impact",
    "repository": "l’adresse de votre code source ouvert",
}


def _cas_octroi(preuve: _Proof, rules: RuleSet) -> Iterator[Wordings]:
    chosen = preuve.get("cas")
    cas = rules.cas.chosen(chosen) if chosen else None
    if cas is None:
        options = [_named(one.name) for one in rules.cas.cas]
        which = f"le cas de votre demande : {listed(options, last='ou')}."
        if chosen:
            yield [f"Votre réponse {_named(chosen)} n’est pas un cas prévu. Merci de dire {which}"]
        else:
            yield [f"Merci de choisir {which}"]
        return
    wanted = [
        said
        for need, said in _CAS.items()
        if need in cas.suppose and site_address(preuve.get(need)) is None
    ]
    # One more is missing than these: the phase.
    if cas.phase and len(preuve.get("manque") or ()) > len(wanted):
        phase = _named(phase_name(cas.phase))
        wanted.append(f"une pièce datée qui montre une phase {phase} en cours ou achevée")
    yield [
        f"{begin} ce que suppose le cas {_named(chosen)}. Merci de donner "
        f"{listed(wanted) or 'ce qui l’établit'}{end}."
        for begin, end in (
            ("Nous n’avons pas trouvé sur la fiche de votre produit", ", et de compléter la fiche"),
            ("La fiche de votre produit ne montre pas", ""),
        )
    ]


def _is_asked(one: Controle, rules: RuleSet, blanks: Collection[str]) -> bool:
    """Whether an answer that is asked for settles a check."""
    phase = one.preuve.get("phase")
    is_in_the_way = isinstance(phase, str) and fold(phase) not in rules.phases.admitted
    return one.preuve.get(SIGNALE) in blanks and not is_in_the_way


_SAYING: Mapping[str, _Saying] = {
    Check.ADMINISTRATION: _administration,
    Check.FICHE_PRODUIT: _fiche,
    Check.PHASE: _phase,
    Check.CAS_OCTROI: _cas_octroi,
}


def _day(text: str | None) -> str:
    return f"le {french_date(date.fromisoformat(text))}" if text else "au jour du dépôt"

"""The facts of a candidature that declared checks use, by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from dsync.controles.declarations import Type
from dsync.controles.facts import FAITS, Fait, Faits
from dsync.controles.notations import Moment
from dsync.domain.check_answers import ABOUT
from dsync.eig.candidature import Reponse
from dsync.eig.precheck.catalogue import phase_by_start

if TYPE_CHECKING:
    from dsync.eig.precheck.check_input import CheckInput

_OF_APPLICANT = ("siret", "siren", "raison_sociale", "forme_juridique", "etat_administratif")
SANS_PRODUIT = "Non examiné, faute de produit identifié."
EIG_FAITS: Mapping[str, Fait] = {
    **{name: FAITS[name] for name in ("depot", *_OF_APPLICANT)},
    ABOUT: Fait(Type.TEXTE, "produit reconnu", sans=SANS_PRODUIT),
    "phase_au_depot": Fait(Type.TEXTE, "phase du produit au jour du dépôt", sans=SANS_PRODUIT),
    "incubateur_constate": Fait(Type.TEXTE, "incubateur du produit", sans=SANS_PRODUIT),
    "rapprochement": Fait(Type.TEXTE, "ce qui est rapproché d’autres dossiers"),
}
"""Of the applicant, without what the programme's table leaves out; of the product, as the evidence
of the dossier has it, which is frozen with its date."""
_READ = attrgetter("siret", "siren", "raison_sociale", "forme_juridique_code", "etat_administratif")
_BY_PRODUCT, _BY_WORDS = (
    "Même produit",
    "Aucun produit reconnu, mais même réponse sur la page produit",
)


def faits_of(known: CheckInput, champs: Iterable[str]) -> Faits:
    """Return the facts of a candidature, with the answers to these fields of the mapping."""
    candidature, product = known.candidature, known.match.product
    values: dict[str, Any] = {
        "depot": Moment.of(candidature.depose_le),
        "rapprochement": _BY_PRODUCT if product else _BY_WORDS,
    }
    given = _READ(candidature.demandeur)
    values |= {name: value for name, value in zip(_OF_APPLICANT, given, strict=True) if value}
    if product is not None:
        phase = phase_by_start(product.phases, known.deposit_day)
        values |= {ABOUT: product.id, "incubateur_constate": product.incubateur}
        if phase is not None:
            values["phase_au_depot"] = phase.nom
    absents, hidden = set(), set()
    for name in champs:
        match known.reponse(name):
            case Reponse.NON_ASSOCIE:
                absents.add(name)
            case Reponse.NON_DEMANDE:
                hidden.add(name)
            case Reponse.REMPLI:
                values[name] = _value(known, name)
    return Faits(values, absents=frozenset(absents), non_posees=frozenset(hidden), dossier=known)


def _value(known: CheckInput, name: str) -> Any:
    if name == "voeux":
        voeux = sorted(known.candidature.voeux, key=lambda one: (one.rang, one.profil or ""))
        return [{"profil": one.profil, "missions": one.missions} for one in voeux]
    given = getattr(known.candidature, "departement_nom" if name == "departement" else name, None)
    # Answered, but not in a form that the programme's table has.
    return "" if given is None else given

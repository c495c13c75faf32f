"""`cas_octroi`: the catalogue shows that the conditions of the chosen case are met."""

from __future__ import annotations

from typing import NamedTuple

from dsync.controles.functions import Found
from dsync.domain.check_answers import ABOUT
from dsync.domain.dossier import Json
from dsync.domain.judging import SIGNALE
from dsync.domain.wording import fold, french_date, listed, quoted
from dsync.eig.precheck import sentences
from dsync.eig.precheck.address import site_address
from dsync.eig.precheck.catalogue import Product, first_begun, phase_by_start, phase_name
from dsync.eig.precheck.check_input import (
    CheckInput,
    found,
    whole,
    without_product,
    without_question,
)
from dsync.eig.precheck.parameters import Cas, CasOctroi

FIELD = "cas_demande"
_FIRST_PHASE = "investigation"


class _Need(NamedTuple):
    """A condition on the product, as a French phrase for each situation."""

    required: str
    shown: str
    missing: str
    given: str
    """What the applicant is asked for."""


_OPEN = {
    "stats_url": _Need(
        "la transparence des résultats",
        "adresse de mesures d’impact",
        "aucune adresse de mesures d’impact",
        "l’adresse de la page publique de vos mesures d’impact",
    ),
    "repository": _Need(
        "l’ouverture des codes sources",
        "adresse de code source",
        "aucune adresse de code source",
        "l’adresse de votre code source ouvert",
    ),
}


def check_cas_octroi(context: CheckInput, parametres: CasOctroi) -> Found:
    """Check the conditions of the chosen case in the catalogue."""
    product = context.match.product
    if product is None:
        return without_product(context)
    preuve: dict[str, Json] = {
        ABOUT: product.id,
        "cas": context.candidature.cas_demande,
        "date": context.deposit_day.isoformat(),
        "stats_url": product.stats_url,
        "repository": product.repository,
    }
    if refusal := without_question(context, FIELD, "cas de la demande"):
        wanted = [one.format(admis=_admitted(parametres)) for one in sentences.CAS_ABSENT.demande]
        return refusal._replace(preuve={**preuve, **refusal.preuve}, demande=wanted)
    typed = (context.candidature.cas_demande or "").strip()
    named = quoted(typed, 45)
    cas = parametres.chosen(typed)
    if not typed or cas is None:
        sentence = sentences.CAS_INCONNU if typed else sentences.CAS_ABSENT
        prevus = listed((_name_of(one) for one in parametres.cas), last="ou")
        preuve |= {} if typed else {SIGNALE: FIELD}
        return found(
            sentence,
            preuve,
            cas=named,
            cas_prevus=prevus,
            choisi=whole(typed),
            admis=_admitted(parametres),
        )
    needs = _needs(context, parametres, cas, product)
    missing = [need for need, is_met in needs if not is_met]
    if not missing:
        shown = listed(need.shown for need, _ in needs)
        shown = f"au catalogue, {shown}" if shown else "sans condition"
        return found(sentences.CAS_REUNI, preuve, cas=named, etabli=shown)
    met = [
        _name_of(other)
        for other in parametres.cas
        if other is not cas
        and all(is_met for _, is_met in _needs(context, parametres, other, product))
    ]
    return found(
        sentences.CAS_AUTRE_REUNI if met else sentences.CAS_NON_ETABLI,
        preuve | {"manque": [need.missing for need in missing]},
        cas=named,
        catalogue=context.catalogue,
        manque=listed(need.missing for need in missing),
        condition=listed(need.required for need, _ in needs),
        autres=listed(met),
        choisi=whole(typed),
        url=product.url,
        a_donner=listed(need.given for need in missing),
    )


def _needs(
    context: CheckInput, parametres: CasOctroi, cas: Cas, product: Product
) -> list[tuple[_Need, bool]]:
    """Return the conditions of a case, and whether the catalogue shows that they are met."""
    needs = []
    if cas.phase:
        phase = quoted(phase_name(cas.phase), 30)
        deposit = french_date(context.deposit_day)
        begun = first_begun(product.phases, cas.phase, context.deposit_day)
        later = _later_phase(context, parametres, cas.phase, product)
        if begun or not later:
            shown = f"phase {phase} commencée le {french_date(begun) if begun else deposit}"
        else:
            current = quoted(phase_name(later), 30)
            shown = f"phase {current} au {deposit}, donc phase {phase} achevée"
        need = _Need(
            f"une phase {phase}",
            shown,
            _missing_phase(product, cas.phase, phase, deposit),
            f"une pièce datée qui montre une phase {whole(phase_name(cas.phase))} en cours ou "
            "achevée",
        )
        needs.append((need, bool(begun or later)))
    # Only an address with a host counts: « /stats » is the default of the page's template.
    needs += [
        (_OPEN[key], site_address(getattr(product, key)) is not None)
        for key in cas.suppose
        if key in _OPEN
    ]
    return needs


def _missing_phase(product: Product, needed: str, phase: str, deposit: str) -> str:
    """Return what is missing, said of what the page lists."""
    listed_ = [one for one in product.phases if fold(one.nom) == fold(needed)]
    if not listed_:
        return f"aucune phase {phase}"
    if all(one.debut is None for one in listed_):
        return f"une phase {phase} sans date"
    return f"la phase {phase} n’avait pas commencé le {deposit}"


def _later_phase(
    context: CheckInput, parametres: CasOctroi, needed: str, product: Product
) -> str | None:
    """Return the product's phase at the deposit, if it is an eligible one that follows another.

    A product in construction or acceleration has its investigation behind it, even if the
    catalogue does not list it.
    """
    current = phase_by_start(product.phases, context.deposit_day)
    order = [fold(nom) for nom in parametres.phases]
    # A call that does not take investigations still takes what follows them.
    if _FIRST_PHASE not in order:
        order.insert(0, _FIRST_PHASE)
    if current is None or fold(needed) not in order:
        return None
    return current.nom if fold(current.nom) in order[order.index(fold(needed)) + 1 :] else None


def _name_of(cas: Cas) -> str:
    return quoted(cas.name, 45)


def _admitted(parametres: CasOctroi) -> str:
    return listed((whole(one.name) for one in parametres.cas), last="ou")

"""`cas_octroi`: the catalogue shows that the conditions of the chosen case are met."""

from __future__ import annotations

from typing import NamedTuple

from dsync.domain.check_answers import ABOUT
from dsync.domain.dossier import Json
from dsync.domain.judging import SIGNALE
from dsync.domain.verdict import Controle
from dsync.domain.wording import fold, french_date, listed, quoted
from dsync.eig.precheck import sentences
from dsync.eig.precheck.address import site_address
from dsync.eig.precheck.catalogue import Product, first_begun, phase_by_start
from dsync.eig.precheck.check import Check
from dsync.eig.precheck.check_input import (
    CheckInput,
    make_controle,
    without_product,
    without_question,
)
from dsync.eig.precheck.rules_section import CasConfig

NAME = Check.CAS_OCTROI
FIELD = "cas_demande"
_FIRST_PHASE = "investigation"


class _Need(NamedTuple):
    """A condition on the product, as a French phrase for each situation."""

    required: str
    shown: str
    missing: str


_OPEN = {
    "stats_url": _Need(
        "la transparence des résultats",
        "adresse de mesures d’impact",
        "aucune adresse de mesures d’impact",
    ),
    "repository": _Need(
        "l’ouverture des codes sources", "adresse de code source", "aucune adresse de code source"
    ),
}


def check_cas_octroi(context: CheckInput) -> Controle:
    """Check the conditions of the chosen case in the catalogue."""
    product = context.match.product
    if product is None:
        return without_product(NAME, context)
    preuve: dict[str, Json] = {
        ABOUT: product.id,
        "cas": context.candidature.cas_demande,
        "date": context.deposit_day.isoformat(),
        "stats_url": product.stats_url,
        "repository": product.repository,
    }
    if refusal := without_question(NAME, context, FIELD, "cas de la demande"):
        return Controle(NAME, refusal.resultat, refusal.motif, {**preuve, **refusal.preuve})
    typed = (context.candidature.cas_demande or "").strip()
    named = quoted(typed, 45)
    cas = context.rules.cas(typed)
    if not typed or cas is None:
        sentence = sentences.CAS_INCONNU if typed else sentences.CAS_ABSENT
        prevus = listed((_name_of(one) for one in context.rules.config.cas), last="ou")
        preuve |= {} if typed else {SIGNALE: FIELD}
        return make_controle(NAME, sentence, preuve, cas=named, cas_prevus=prevus)
    needs = _needs(context, cas, product)
    missing = [need for need, is_met in needs if not is_met]
    if not missing:
        shown = listed(need.shown for need, _ in needs)
        shown = f"au catalogue, {shown}" if shown else "sans condition"
        return make_controle(NAME, sentences.CAS_REUNI, preuve, cas=named, etabli=shown)
    met = [
        _name_of(other)
        for other in context.rules.config.cas
        if other.id != cas.id and all(is_met for _, is_met in _needs(context, other, product))
    ]
    return make_controle(
        NAME,
        sentences.CAS_AUTRE_REUNI if met else sentences.CAS_NON_ETABLI,
        preuve | {"manque": [need.missing for need in missing]},
        cas=named,
        catalogue=context.catalogue,
        manque=listed(need.missing for need in missing),
        condition=listed(need.required for need, _ in needs),
        autres=listed(met),
    )


def _needs(context: CheckInput, cas: CasConfig, product: Product) -> list[tuple[_Need, bool]]:
    """Return the conditions of a case, and whether the catalogue shows that they are met."""
    needs = []
    if cas.needs_phase:
        phase = quoted(context.rules.phase_name(cas.needs_phase), 30)
        deposit = french_date(context.deposit_day)
        begun = first_begun(product.phases, cas.needs_phase, context.deposit_day)
        later = _later_phase(context, cas.needs_phase, product)
        if begun or not later:
            shown = f"phase {phase} commencée le {french_date(begun) if begun else deposit}"
        else:
            current = quoted(context.rules.phase_name(later), 30)
            shown = f"phase {current} au {deposit}, donc phase {phase} achevée"
        need = _Need(
            f"une phase {phase} en cours ou achevée",
            shown,
            _missing_phase(product, cas.needs_phase, phase, deposit),
        )
        needs.append((need, bool(begun or later)))
    # Only an address with a host counts: « /stats » is the default of the page's template.
    needs += [
        (_OPEN[key], site_address(getattr(product, key)) is not None)
        for key in cas.needs
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


def _later_phase(context: CheckInput, needed: str, product: Product) -> str | None:
    """Return the product's phase at the deposit, if it is an eligible one that follows another.

    A product in construction or acceleration has its investigation behind it, even if the
    catalogue does not list it.
    """
    current = phase_by_start(product.phases, context.deposit_day)
    order = [fold(nom) for nom in context.rules.config.phases.eligible]
    # A call that does not take investigations still takes what follows them.
    if _FIRST_PHASE not in order:
        order.insert(0, _FIRST_PHASE)
    if current is None or fold(needed) not in order:
        return None
    return current.nom if fold(current.nom) in order[order.index(fold(needed)) + 1 :] else None


def _name_of(cas: CasConfig) -> str:
    return quoted(cas.name, 45)

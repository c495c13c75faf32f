"""`cas_octroi`: the conditions of the case chosen are shown by the catalogue."""

from __future__ import annotations

from dsync.domain.dossier import Json
from dsync.domain.verdict import Controle, Resultat
from dsync.eligibility.address import site_address
from dsync.eligibility.catalogue import Product
from dsync.eligibility.config import CasConfig
from dsync.eligibility.context import (
    Context,
    answer,
    unanswerable,
    without_catalogue,
    without_product,
)
from dsync.eligibility.phases import has_begun
from dsync.eligibility.product import Lien
from dsync.eligibility.wording import french_date, listed, quoted

NAME = "cas_octroi"
FIELD = "cas_demande"

_SHOWN_BY = {
    "stats_url": "les mesures d’impact publiques (stats_url)",
    "repository": "le code source ouvert (repository)",
}


def check_cas_octroi(context: Context) -> Controle:
    """Look for what the case chosen needs in the product's page."""
    product = context.match.product
    if product is None:
        missing_catalogue = context.match.lien is Lien.INDISPONIBLE
        return without_catalogue(NAME) if missing_catalogue else without_product(NAME)
    preuve: dict[str, Json] = {
        "cas": context.candidature.cas_demande,
        "date": context.reference.isoformat(),
        "stats_url": product.stats_url,
        "repository": product.repository,
    }
    if refusal := unanswerable(NAME, context, FIELD, "cas de la demande"):
        return answer(NAME, refusal.resultat, refusal.motif, **preuve)
    typed = (context.candidature.cas_demande or "").strip()
    if not typed:
        motif = "Aucun cas choisi. À faire : demander au candidat lequel il retient."
        return answer(NAME, Resultat.A_VERIFIER, motif, **preuve)
    cas = context.rules.cas(typed)
    if cas is None:
        motif = f"Cas {quoted(typed)} inconnu. À faire : vérifier ses conditions."
        return answer(NAME, Resultat.A_VERIFIER, motif, **preuve)
    missing = _missing(context, cas, product)
    if missing:
        others = [
            other
            for other in context.rules.config.cas
            if other.id != cas.id and not _missing(context, other, product)
        ]
        said = (
            f"Celles du cas {listed([_name_of(other) for other in others], most=4)} "
            "sont réunies. À faire : demander au candidat s’il retient ce cas."
            if others
            else "À faire : le demander au candidat."
        )
        motif = (
            f"Conditions du cas {quoted(typed, 45)} non établies : la fiche ne montre pas "
            f"{listed(missing, most=4, last='ni')}. {said}"
        )
        return answer(NAME, Resultat.A_VERIFIER, motif, **preuve, manque=list(missing))
    motif = f"Conditions du cas {quoted(typed, 45)} réunies."
    return answer(NAME, Resultat.CONFORME, motif, **preuve)


def _missing(context: Context, cas: CasConfig, product: Product) -> tuple[str, ...]:
    missing = []
    if cas.needs_phase and not has_begun(product.phases, cas.needs_phase, context.reference):
        day = french_date(context.reference)
        missing.append(f"de phase {quoted(cas.needs_phase, 30)} commencée au {day}")
    missing += [_SHOWN_BY[need] for need in cas.needs if not _is_shown(getattr(product, need))]
    return tuple(missing)


def _name_of(cas: CasConfig) -> str:
    return quoted(next(iter(cas.labels), cas.id), 45)


def _is_shown(url: str) -> bool:
    """Whether a page's field holds an address; « /stats » is what its template comes with."""
    return site_address(url) is not None

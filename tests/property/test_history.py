"""A catalogue that rewrites its history does not change current verdicts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from dsync.domain.dossier import Demandeur
from dsync.domain.ids import DossierNumber
from dsync.eig.candidature import Candidature, Voeu
from dsync.eig.precheck.catalogue import Catalogue, Phase, Product
from dsync.eig.precheck.evaluation import judge
from dsync.eig.precheck.evidence import PublicEvidence, stored_product
from dsync.eig.precheck.rules import RuleSet
from tests.property.answers import source
from tests.unit.eig.precheck.builders import CurrentVerdict, judge_if_needed, load_rules

CATALOGUE = source("2.7").catalogue
DEPOSITED = datetime(2024, 5, 20, 8, tzinfo=UTC)
NAMES = (
    "investigation", "construction", "acceleration", "success", "transfer", "alumni", "opere",
    "consolidation", "transfere", "abandon", "abandon-investigation", "inconnue",
)  # fmt: skip


@cache
def rules() -> RuleSet:
    """Return the shipped rules."""
    return load_rules(needed=(("probleme", "Problème"),))


PHASES = st.lists(
    st.builds(
        Phase,
        st.sampled_from(NAMES),
        st.one_of(st.none(), st.dates(date(2018, 1, 1), date(2026, 12, 31))),
    ),
    max_size=5,
).map(tuple)


def spelled(product: Product) -> st.SearchStrategy[str]:
    """Return spellings of a product: its page, its name, its link."""
    ways = [product.url, product.url.removesuffix(".html"), product.nom, product.link]
    return st.sampled_from([way for way in ways if way])


@st.composite
def histories(draw: st.DrawFn) -> tuple[Candidature, Product, dict[str, Product], str | None]:
    """Draw a candidature, its product, a later catalogue and another spelling of the address."""
    product = draw(st.sampled_from(sorted(CATALOGUE.products.values(), key=lambda p: p.id)))
    candidature = Candidature(
        numero=DossierNumber(1),
        depose_le=DEPOSITED,
        demandeur=Demandeur(
            "personne_morale",
            siret="11000101300017",
            forme_juridique_code=draw(st.sampled_from(["7120", "7210", "7389"])),
        ),
        page_produit=draw(spelled(product)),
        phase_declaree=draw(st.sampled_from(["Investigation", "Construction", "Transfert", None])),
        cas_demande=draw(st.sampled_from(["Lancer un produit numérique", None])),
        voeux=(Voeu(1, "Directeur ou directrice de produit", None),),
        probleme=draw(st.sampled_from(["Un problème", None])),
    )
    later = {
        id_: structs.replace(known, phases=draw(PHASES)) if id_ == product.id else known
        for id_, known in CATALOGUE.products.items()
    }
    become: Any = draw(st.sampled_from(["rewritten", "renamed", "withdrawn"]))
    if become != "rewritten":
        gone = later.pop(product.id)
        if become == "renamed":
            later["tout-autre-nom-2026"] = structs.replace(gone, id="tout-autre-nom-2026")
    respelled = draw(st.sampled_from([None, product.url, product.url.removesuffix(".html")]))
    return candidature, product, later, respelled


@given(histories(), st.integers(0, 900), st.integers(1, 900))
def test_no_rewriting_of_phases_changes_a_current_verdict(
    drawn: tuple[Candidature, Product, dict[str, Product], str | None], read: int, later: int
) -> None:
    """Verdict, detail and results stay, for all verdicts, delays and spellings."""
    candidature, product, products, respelled = drawn
    first_day = DEPOSITED + timedelta(days=read)
    evidence = PublicEvidence(CATALOGUE, first_day)
    first = judge(candidature, evidence, rules(), doublons=())
    frozen = stored_product(first.preuve)
    if frozen is None or frozen.product.id != product.id:
        return  # A name or link that several products have.
    rewritten = replace(
        evidence,
        catalogue=Catalogue.of(products.values(), "{}", source="sample"),
        catalogue_at=first_day + timedelta(days=later),
    )
    current = CurrentVerdict(False, first, frozen)
    kept = judge_if_needed(candidature, rewritten, rules(), doublons=(), current=current)
    assert kept is None or (first.verdict, first.detail, first.controles) == (
        kept.verdict,
        kept.detail,
        kept.controles,
    )
    if respelled is None or not frozen.lien.startswith(("fiche", "alias")):
        return
    again = candidature.with_changes(page_produit=respelled)
    stale = current._replace(is_stale=True)
    judged = judge_if_needed(again, rewritten, rules(), doublons=(), current=stale)
    assert judged is not None
    assert (first.verdict, first.detail) == (judged.verdict, judged.detail)

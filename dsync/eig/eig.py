"""The EIG programme: what `dsync/programme.py` asks for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import Connection

from dsync.domain.account import AccountRules, Letter, may_edit, open_points
from dsync.domain.check_answers import DEMANDE
from dsync.domain.dossier import Demarche, Descriptor, Revision, paris_day
from dsync.domain.ids import DescriptorId, DossierNumber
from dsync.domain.toml import TO_CHECK
from dsync.domain.verdict import ASKED
from dsync.eig import candidature, candidature_views, evidence_tables, rows
from dsync.eig.candidature import Reponse
from dsync.eig.candidature_facts import EigEvidence
from dsync.eig.check_lines import EigFindings
from dsync.eig.code_words import PUBLIC, EigWords
from dsync.eig.confirmed import evidence_confirmed_at
from dsync.eig.gathering import (
    evidence_document,
    gather,
    stored_evidence,
)
from dsync.eig.mapped_form import MappedForm
from dsync.eig.papers import Suggestion, message_of, published
from dsync.eig.precheck.address import ProductPage
from dsync.eig.precheck.check import OF_PRODUCT, Check
from dsync.eig.precheck.evaluation import judge
from dsync.eig.precheck.evidence import (
    PublicEvidence,
    identify_product,
    product_facts,
    without_answer,
)
from dsync.eig.precheck.rules import RuleSet
from dsync.eig.proposal import foreign_text, mapping_text, off_rules, propose
from dsync.eig.sections import EVALUATIONS, EigSections
from dsync.eig.stages import REACHED, Attend, Etape, following
from dsync.errors import ConfigurationError
from dsync.programme import (
    NO_RULES,
    DossierView,
    InLists,
    ListField,
    ListPart,
    ProductPart,
    Programme,
    ProgrammeRun,
    ProposedSections,
    Row,
    SelectionPart,
    Storage,
)
from dsync.store import Reader

if TYPE_CHECKING:
    # With it, short commands would import the HTTP client to read a database.
    from dsync.eig.sources import EvidenceSources


_PERSONS = (
    *("contact_nom", "contact_courriel", "contact_telephone"),
    *("sponsor_nom", "sponsor_courriel", "sponsor_telephone"),
)


def _in_lists(rows: Mapping[str, Row], at: datetime) -> InLists | None:
    row = rows.get(evidence_tables.candidature.name)
    if row is None:
        return None
    stage = following(row["etapes"], at, row["jury_le"])
    etape, attend, etape_depuis, etape_fin = stage or (None, None, None, None)
    return InLists(
        etape=etape,
        attend=attend,
        etape_depuis=etape_depuis,
        etape_fin=etape_fin,
        departement_code=row["departement_code"],
        departement_nom=row["departement_nom"],
        profils=[voeu.profil for voeu in row["voeux"] if voeu.profil],
        texts=[row["page_produit"]],
        persons=[row[name] for name in _PERSONS],
    )


class Eig(Programme):
    """One call for projects; `Programme` says what each method takes and returns.

    `catalogue_percent` of the products, at most, may be missing or changed in a new catalogue;
    `borrowed_word` is as of `DeclaredFindings`.
    """

    storage: ClassVar[Storage] = Storage(
        "eig",
        "dsync.eig",
        candidature.metadata,
        candidature_views.VIEWS,
        main_view=DossierView(candidature_views.MAIN_VIEW, "numero", json=candidature_views.EXTRA),
        dossier_views={
            "etapes": DossierView("lecture_etape", "rang"),
            "voeux": DossierView("lecture_voeu", "rang"),
            "evaluations": DossierView("lecture_evaluation", "ligne"),
            "notes": DossierView("lecture_evaluation_note", "ligne"),
        },
        sections=candidature_views.SECTIONS,
        complete=candidature_views.completed,
        evidence_confirmed_at=evidence_confirmed_at,
        forget=rows.forget_enterprises,
    )
    lists: ClassVar[ListPart | None] = ListPart(
        evidence_tables.candidature,
        fields=(
            ListField(
                "produit_id",
                "l.produit_id",
                filter="produit",
                # By the index.
                condition=(
                    "d.numero IN (SELECT c.numero FROM candidature AS c "
                    "WHERE c.produit_id = :produit)"
                ),
            ),
            ListField(
                "profils",
                "r.profils",
                filter="profil",
                condition="r.profils LIKE :profil ESCAPE '\\'",
                is_many=True,
            ),
            ListField(
                "note_moyenne",
                "CASE WHEN l.jury_le IS NOT NULL "
                "THEN CAST(json(l.bilan) ->> 'moyenne' AS double precision) END",
                is_shown=False,
            ),
        ),
        answers=(
            evidence_tables.candidature.c.reponses,
            # Without one of them, the means and ranks of a jury are others.
            evidence_tables.candidature.c.criteres,
        ),
        # By the shipped file, a form of another kind gives rows without one.
        answered=lambda given, criteria: [
            *(one for one, how in given.items() if how == Reponse.REMPLI),
            *(f"evaluations.criteres.{one}" for one in criteria or ()),
        ],
        found_by=(
            "d.numero IN (SELECT c.numero FROM candidature AS c JOIN produit AS p "
            "ON p.id = c.produit_id WHERE p.recherche LIKE {like})"
        ),
        persons=_PERSONS,
        of_rows=_in_lists,
    )
    selection: ClassVar[SelectionPart | None] = SelectionPart(
        stages=tuple(Etape),
        waits=Attend.labels(),
        reached=REACHED,
        indicators=rows.median_days,
    )
    products: ClassVar[ProductPart | None] = ProductPart(
        Check.FICHE_PRODUIT.value,
        names=rows.product_names,
        certain=rows.certain_products,
        facts=product_facts,
        related=rows.RELATED,
    )
    public: Mapping[str, Collection[str]] = {check.value: keys for check, keys in PUBLIC.items()}
    checks: Mapping[str, str] = {one.value: one.label for one in Check}

    def __init__(
        self,
        sections: EigSections,
        rules: RuleSet | None,
        sources: EvidenceSources,
        *,
        catalogue_percent: float,
        borrowed_word: str | None = None,
    ) -> None:
        self.rule_set = rules
        self.rules = None if rules is None else rules.rules
        # One that is not made any more keeps its title.
        self.checks = {**type(self).checks, **(rules.checks if rules else {})}
        self._mapping = sections.mapping
        self.words = EigWords(sections.mapping)
        self.findings = EigFindings(sections, rules, sources, borrowed_word)
        self._sources = sources
        self._catalogue_percent = catalogue_percent

    @property
    def mapping_key(self) -> str:
        """The section `[mapping]`."""
        return self._mapping.model_dump_json()

    @property
    def mapped(self) -> Collection[str]:
        """The fields that the section fills."""
        columns = self._mapping.columns(EVALUATIONS)
        return {name for name, *_ in self._mapping.top_level()} | {
            f"{EVALUATIONS}.{name}" for name, _ in columns
        }

    @property
    def _in_force(self) -> RuleSet:
        if self.rule_set is None:
            raise ConfigurationError(NO_RULES)
        return self.rule_set

    def form(self, descriptors: Mapping[DescriptorId, Descriptor]) -> MappedForm:
        """Find the candidature's fields in a revision of the form."""
        checks = self.rule_set.sections.controles if self.rule_set else ()
        return MappedForm.of(self._mapping, descriptors, {n for one in checks for n in one.champs})

    def propose(
        self, demarche: Demarche, revision: Revision, parts: Mapping[str, str]
    ) -> ProposedSections:
        """Return `[mapping]` for a form, and the rules if the form is one of the programme's.

        The shipped rules are those of one call: for the form of another one they are switched off,
        without dates.
        """
        proposal = propose(self._mapping, revision.descriptors)
        judges = proposal.is_known and not self._is_published_after(demarche)
        facts = (proposal.is_own, judges, proposal.found, len(proposal.fields))
        if not proposal.is_own:
            return ProposedSections(foreign_text(revision.descriptors.values()), *facts)
        # The comment above the shipped tables, which are left out.
        heading = parts["mapping"].partition("\n[")[0].rstrip()
        if not judges:
            text = [
                heading,
                "",
                mapping_text(proposal, self._mapping),
                off_rules(parts["precontrole"]),
            ]
            return ProposedSections("\n".join(text) + "\n\n" + parts["registre"], *facts)
        note = f"# {TO_CHECK} dates, profiles, phases and cases below are those of aap-eig7.\n"
        # The note goes below the section's heading line.
        title, _, rules = parts["precontrole"].partition("\n")
        sections = [heading, "", mapping_text(proposal, self._mapping), title, note + rules]
        return ProposedSections("\n".join(sections) + parts["registre"], *facts)

    def _is_published_after(self, demarche: Demarche) -> bool:
        """Whether a form was first published after the end of the call."""
        published, rules = demarche.published_at, self._in_force
        return published is None or (
            rules.window is not None and paris_day(published) > rules.window[1]
        )

    def evidence_shown(self, connection: Connection) -> dict[str, Any] | None:
        """Return what is stored of the evidence, as `evidence_document`; None without rules."""
        if self.rule_set is None:
            return None
        return evidence_document(
            connection,
            self.rule_set,
            betagouv_url=self._sources.base_url,
            registry_enabled=self._sources.registry is not None,
        )

    def gather(self, run: ProgrammeRun, *, accept: bool = False) -> EigEvidence:
        """Revalidate the catalogue and store a new one, unless the safety brake refuses it."""
        rules, sources = self._in_force, self._sources
        if rules.needs_catalogue:
            percent = self._catalogue_percent
            key, read = gather(run, sources, catalogue_percent=percent, accept=accept)
        else:
            nothing = PublicEvidence(None, registry_enabled=sources.registry is not None)
            key, read = "sans catalogue", lambda: nothing
        return EigEvidence(sources, rules, f"{key}:{rules.version}", read)

    def published(self, document: Mapping[str, Any] | None, instruction: str) -> AccountRules:
        """Return what is published of a version of the rules."""
        return published(document, instruction)

    def message(
        self, reader: Reader, found: Mapping[str, Any], checks: Iterable[Mapping[str, Any]]
    ) -> Letter | None:
        """Return what the applicant of an open dossier has to send, None without rules."""
        if self.rule_set is None:
            return None
        numero, made = DossierNumber(found["numero"]), list(checks)
        controles = open_points(found, made)
        suggestions: Sequence[Suggestion] = ()
        fiche = next((one for one in controles if one.controle == Check.FICHE_PRODUIT), None)
        # Where it asks nothing, the product is known.
        if fiche and fiche.resultat in ASKED and fiche.preuve.get(DEMANDE):
            answered = {one["controle"] for one in made} - {one.controle for one in controles}
            suggestions = self._suggestions(reader, numero, answered)
        return message_of(numero, controles, self.rule_set, suggestions, may_edit=may_edit(found))

    def _suggestions(
        self, reader: Reader, numero: DossierNumber, answered: Collection[str]
    ) -> list[Suggestion]:
        """Return the product that a dossier's answer names, though not for certain.

        It has the checks as if its address were given, but for those that a person answered.
        """
        rules = self._in_force
        candidature = rows.candidatures(reader.connection, [numero]).get(numero)
        evidence = stored_evidence(reader.connection, self._sources)
        if candidature is None or evidence.catalogue is None:
            return []
        incubateur = candidature.incubateur
        named = identify_product(candidature.page_produit, incubateur, evidence, rules.pages, None)
        match = without_answer(named, candidature, evidence.catalogue).match
        if match.product_id is None:
            return []
        url = ProductPage(match.product_id).url
        product = identify_product(url, incubateur, evidence, rules.pages, None).match.product
        if product is None:
            return []
        supposed = candidature.with_changes(page_produit=url)
        decision = judge(supposed, evidence, rules, doublons=())
        controles = [
            one
            for one in decision.controles
            if one.controle in OF_PRODUCT and one.controle not in answered
        ]
        return [Suggestion(product.nom, controles)]

    def close(self) -> None:
        """Close the connections to the sources."""
        self._sources.close()

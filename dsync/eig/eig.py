"""The EIG programme: what `dsync/programme.py` asks for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import Connection, Text, cast

from dsync.domain import account
from dsync.domain.check_line import CheckLine, CheckStatus
from dsync.domain.dossier import Demarche, Descriptor, Revision
from dsync.domain.ids import DescriptorId, DossierNumber
from dsync.domain.judging import Rules
from dsync.domain.letter import ASKED, Letter, may_edit, open_points
from dsync.domain.paper import Paper
from dsync.domain.toml_text import TO_CHECK
from dsync.domain.verdict import Decision, StoredVerdict
from dsync.eig import candidature, evidence_tables, rows, view_columns, words
from dsync.eig.candidature import Reponse
from dsync.eig.candidature_facts import EigEvidence
from dsync.eig.check_lines import evidence_lines, form_faults, mapping_lines, rules_lines
from dsync.eig.evidence.gathering import (
    evidence_document,
    gather,
    no_catalogue,
    stored_evidence,
)
from dsync.eig.mapping.form import MappedForm
from dsync.eig.mapping.proposal import foreign_text, mapping_text, off_rules, propose
from dsync.eig.message import Suggestion, message_of
from dsync.eig.precheck.address import ProductPage
from dsync.eig.precheck.check import Check
from dsync.eig.precheck.detail import TITLES
from dsync.eig.precheck.evaluation import judge, rules_of
from dsync.eig.precheck.evidence import identify_product, stored_product
from dsync.eig.precheck.rules import RuleSet
from dsync.eig.precheck.sentences import short
from dsync.eig.publication import account_rules, published_rules
from dsync.eig.sections import EigSections
from dsync.eig.stages import REACHED, Etape, following
from dsync.errors import ConfigurationError
from dsync.programme import (
    NO_RULES,
    Database,
    Dictionary,
    DossierView,
    FormFault,
    InLists,
    ListPart,
    ProductPart,
    Programme,
    ProgrammeRun,
    ProposedSections,
    Reading,
    Row,
    SelectionPart,
)

if TYPE_CHECKING:
    # With it, short commands would import the HTTP client to read a database.
    from dsync.eig.evidence.sources import EvidenceSources


def _in_lists(rows: Mapping[str, Row], at: datetime) -> InLists | None:
    row = rows.get(evidence_tables.candidature.name)
    if row is None:
        return None
    stage = following(row["etapes"], at, row["jury_le"])
    etape, attend, etape_fin = stage or (None, None, None)
    return InLists(
        etape=etape,
        attend=attend,
        etape_fin=etape_fin,
        departement_code=row["departement_code"],
        departement_nom=row["departement_nom"],
        profils=[voeu.profil for voeu in row["voeux"] if voeu.profil],
        texts=[row["page_produit"]],
        persons=[row["contact_nom"], row["contact_courriel"]],
    )


class Eig(Programme):
    """One call for projects; `Programme` says what each method takes and returns.

    `catalogue_percent` of the products, at most, may be missing or changed in a new catalogue.
    """

    name = "eig"
    package = "dsync.eig"
    metadata = candidature.metadata
    main_view = DossierView(view_columns.MAIN_VIEW, "numero", json=view_columns.EXTRA)
    dossier_views: ClassVar[Mapping[str, DossierView]] = {
        "etapes": DossierView("lecture_etape", "rang"),
        "voeux": DossierView("lecture_voeu", "rang"),
        "evaluations": DossierView("lecture_evaluation", "ligne"),
        "notes": DossierView("lecture_evaluation_note", "ligne"),
    }
    lists: ClassVar[ListPart | None] = ListPart(
        evidence_tables.candidature.c.produit_id,
        # By the shipped file, a form of another kind gives rows without one.
        answered=cast(evidence_tables.candidature.c.reponses, Text).contains(f'"{Reponse.REMPLI}"'),
        found_by=(
            "d.numero IN (SELECT c.numero FROM candidature AS c JOIN produit AS p "
            "ON p.id = c.produit_id WHERE p.recherche LIKE {like})"
        ),
        of_rows=_in_lists,
    )
    selection: ClassVar[SelectionPart | None] = SelectionPart(
        stages=tuple(Etape),
        reached=REACHED,
        mean=(
            "CASE WHEN l.jury_le IS NOT NULL "
            "THEN CAST(json(l.bilan) ->> 'moyenne' AS double precision) END"
        ),
        indicators=rows.median_days,
    )
    products: ClassVar[ProductPart | None] = ProductPart(
        Check.FICHE_PRODUIT.value,
        names=rows.product_names,
        certain=rows.certain_products,
        related=rows.related,
    )
    public: Mapping[str, Collection[str]] = {
        check.value: keys for check, keys in words.PUBLIC.items()
    }
    checks = TITLES
    sections = view_columns.SECTIONS

    @classmethod
    def views(cls) -> Dictionary:
        """Return the documentation of the views."""
        return view_columns.VIEWS

    @classmethod
    def complete(cls, query: str) -> str:
        """Insert the columns, checks and stages."""
        return view_columns.completed(query)

    @classmethod
    def evidence_confirmed_at(cls, connection: Connection) -> datetime | None:
        """Return when the source of the catalogue last confirmed it."""
        return rows.evidence_confirmed_at(connection)

    @classmethod
    def forget(cls, connection: Connection, numbers: Sequence[DossierNumber]) -> None:
        """Delete the registry's answers for applicants without another dossier."""
        rows.forget_enterprises(connection, numbers)

    @classmethod
    def evidence_facts(cls, verdict: Decision | StoredVerdict) -> Mapping[str, Any]:
        """Return the product with its phase, and when the catalogue was read."""
        proof = stored_product(verdict.preuve)
        return {
            "product": proof and proof.product.id,
            "phase": verdict.constats.get("phase_constatee"),
            "catalogue read": proof and proof.consulte_le,
        }

    def __init__(
        self,
        sections: EigSections,
        rules: RuleSet | None,
        sources: EvidenceSources,
        *,
        catalogue_percent: float,
    ) -> None:
        self.rule_set = rules
        self.rules = None if rules is None else rules_of(rules)
        self._mapping = sections.mapping
        self._regles = sections.regles
        self._sources = sources
        self._catalogue_percent = catalogue_percent

    @property
    def mapping_key(self) -> str:
        """The section `[mapping]`."""
        return self._mapping.model_dump_json()

    @property
    def _in_force(self) -> RuleSet:
        if self.rule_set is None:
            raise ConfigurationError(NO_RULES)
        return self.rule_set

    def form(self, descriptors: Mapping[DescriptorId, Descriptor]) -> MappedForm:
        """Find the candidature's fields in a revision of the form."""
        return MappedForm.of(self._mapping, descriptors)

    def warnings(self) -> Iterator[str]:
        """Yield that the rules are off, and names that are similar to a field's."""
        if self._regles is not None and self.rule_set is None:
            yield (
                "[regles] is switched off, so nothing is judged: fill in its window and lists, "
                "then set enabled = true"
            )
        for name, nearest in self._mapping.misspelt().items():
            yield (
                f"[mapping.champs] {name}: no field has this name, so its answers go into `extra`; "
                f"did you mean {nearest}?"
            )

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
            text = [heading, "", mapping_text(proposal, self._mapping), off_rules(parts["regles"])]
            return ProposedSections("\n".join(text) + parts["registre"], *facts)
        note = f"# {TO_CHECK} dates, profiles, phases and cases below are those of aap-eig7.\n"
        # The note goes below the section's heading line.
        title, _, rules = parts["regles"].partition("\n")
        sections = [heading, "", mapping_text(proposal, self._mapping), title, note + rules]
        return ProposedSections("\n".join(sections) + parts["registre"], *facts)

    def _is_published_after(self, demarche: Demarche) -> bool:
        """Whether a form was first published after the end of the call."""
        published, rules = demarche.published_at, self._in_force
        return published is None or rules.local_day(published) > rules.window.end

    def form_faults(self, demarche: Demarche, revision: Revision) -> Sequence[FormFault]:
        """Return the needed fields that the form lacks, and what is wrong with the rules for it."""
        return form_faults(self._mapping, revision, self.rule_set, demarche.published_at)

    def form_lines(
        self, demarche: Demarche, revision: Revision, *, known: Iterable[str], every_champ: bool
    ) -> Iterator[CheckLine]:
        """Compare the mapping and the rules with a revision, for `dsync check`."""
        yield from mapping_lines(
            self._mapping, revision, self.rule_set, known=known, every_champ=every_champ
        )
        if self.rule_set is not None:
            yield from rules_lines(self.rule_set, self._mapping, revision, demarche.published_at)

    def evidence_lines(self, store: Database | None, now: datetime) -> Iterator[CheckLine]:
        """Check whether the catalogue can be read, for `dsync check`."""
        if self._in_force.needs_catalogue:
            yield from evidence_lines(self._sources, store, now, self._in_force)
        else:
            message = "the rules need no catalogue, so none is read"
            yield CheckLine("evidence", CheckStatus.OK, message)

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

    def label_in_ds(self, name: str) -> str:
        """Return the label in DS of the champ or the annotation that fills a column."""
        places = self._mapping.annotations, self._mapping.champs
        target = next(filter(None, (getattr(one, name, None) for one in places)), None)
        return target.libelles[0] if target and target.libelles else name

    def value_in_words(self, name: str, value: Any) -> Any:
        """Return a value of a column of the main view in French."""
        return words.value_in_words(name, value, self._phase_name)

    def evidence_in_words(self, evidence: Mapping[str, Any]) -> list[tuple[str, str, Any]]:
        """Return the evidence of a check that people see: key, French name and French value."""
        return words.evidence_in_words(evidence, self._phase_name)

    def short(self, check: str, motif: str) -> str:
        """Return it by the sentence that the check chose."""
        return short(check, motif)

    def _phase_name(self, phase: str) -> str:
        return phase if self.rule_set is None else self.rule_set.phase_name(phase)

    def gather(self, run: ProgrammeRun, *, accept: bool = False) -> EigEvidence:
        """Revalidate the catalogue and store a new one, unless the safety brake refuses it."""
        rules = self._in_force
        if not rules.needs_catalogue:
            return EigEvidence(no_catalogue(self._sources, rules.version), rules)
        gathered = gather(
            run,
            self._sources,
            rules_version=rules.version,
            catalogue_percent=self._catalogue_percent,
            accept=accept,
        )
        return EigEvidence(gathered, rules)

    @classmethod
    def keep_rules(cls, connection: Connection, rules: Rules, now: datetime) -> None:
        """Store a version of the rules."""
        rows.save_rules(connection, rules.document, now)

    def account(
        self, reader: Reading, found: Mapping[str, Any], at: datetime | None = None
    ) -> dict[str, Any] | None:
        """Return the account of a dossier's verdict; None if it had no verdict then."""

        def rules_of(version: str) -> account.AccountRules:
            known = self.rules_documents(reader.connection)
            config = self.rule_set.config if self.rule_set else None
            default = config.instruction if config else "l’équipe d’instruction"
            return account_rules(known.get(version), default)

        return account.account_of(found, at, rules_of, self.checks, self.evidence_in_words)

    def rules_page(
        self, now: datetime | None = None, document: Mapping[str, Any] | None = None
    ) -> Paper:
        """Return the page that publishes a version of the rules; None: that in force."""
        today = self._in_force.local_day(now) if now else None
        return published_rules(document or self._in_force.document(), today=today)

    def rules_documents(
        self, connection: Connection | None = None
    ) -> Mapping[str, Mapping[str, Any]]:
        """Return the rules in force, as the database keeps them, then those that it keeps."""
        kept = rows.kept_rules(connection) if connection else {}
        return {self.rules.version: self.rules.document, **kept} if self.rules else kept

    def message(
        self, reader: Reading, found: Mapping[str, Any], checks: Iterable[Mapping[str, Any]]
    ) -> Letter | None:
        """Return what the applicant of an open dossier has to send, None without rules."""
        if self.rule_set is None:
            return None
        numero, made = DossierNumber(found["numero"]), list(checks)
        controles = open_points(found, made)
        suggestions: Sequence[Suggestion] = ()
        if any(one.controle == Check.FICHE_PRODUIT and one.resultat in ASKED for one in controles):
            answered = {one["controle"] for one in made} - {one.controle for one in controles}
            suggestions = self._suggestions(reader, numero, answered)
        return message_of(numero, controles, self.rule_set, suggestions, may_edit=may_edit(found))

    def _suggestions(
        self, reader: Reading, numero: DossierNumber, answered: Collection[str]
    ) -> list[Suggestion]:
        """Judge a dossier as if it gave the address of each product that its answer may mean.

        The checks that a person answered are left out.
        """
        rules = self._in_force
        candidature = rows.candidatures(reader.connection, [numero]).get(numero)
        evidence = stored_evidence(reader.connection, self._sources)
        if candidature is None or evidence.catalogue is None:
            return []
        incubateur = candidature.incubateur
        match = identify_product(candidature.page_produit, incubateur, evidence, rules, None).match
        found = []
        for id_ in [match.product_id] if match.product_id else match.ids:
            url = ProductPage(id_).url
            supposed = candidature.with_changes(page_produit=url)
            product = identify_product(url, incubateur, evidence, rules, None).match.product
            if product is None:
                continue
            others = rows.same_product(reader.connection, reader.number, [product.id])
            doublons = tuple(n for n in others.get(product.id, ()) if n != numero)
            decision = judge(supposed, evidence, rules, doublons=doublons)
            controles = [
                one
                for one in decision.controles
                if Check(one.controle).is_of_product and one.controle not in answered
            ]
            found.append(Suggestion(product.nom, url, controles))
        return found

    def close(self) -> None:
        """Close the connections to the sources."""
        self._sources.close()

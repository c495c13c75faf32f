"""The EIG programme: what `dsync/programme.py` asks for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import Column, ColumnElement, Connection, Select, Text, cast

from dsync.domain import account
from dsync.domain.check_line import CheckLine, CheckStatus
from dsync.domain.dossier import Demarche, Descriptor, Revision
from dsync.domain.ids import DemarcheNumber, DescriptorId, DossierNumber
from dsync.domain.letter import ASKED, Message, may_edit, open_points
from dsync.domain.paper import Page
from dsync.domain.toml_text import TO_CHECK
from dsync.domain.verdict import Decision, StoredVerdict
from dsync.eig import candidature, database_part, evidence_tables, rows, words
from dsync.eig.candidature import Candidature, Reponse
from dsync.eig.check_lines import evidence_lines, form_faults, mapping_lines, rules_lines
from dsync.eig.evidence.gathering import (
    GatheredEvidence,
    evidence_document,
    gather,
    no_catalogue,
    stored_evidence,
    with_registry,
)
from dsync.eig.mapping.form import MappedForm
from dsync.eig.mapping.proposal import foreign_text, mapping_text, off_rules, propose
from dsync.eig.message import Suggestion, message_of
from dsync.eig.precheck.address import ProductPage
from dsync.eig.precheck.check import Check
from dsync.eig.precheck.evaluation import (
    CurrentVerdict,
    absent_page,
    judge,
    judge_if_needed,
)
from dsync.eig.precheck.evidence import Evidence, identify_product, stored_product
from dsync.eig.precheck.rules import RuleSet
from dsync.eig.precheck.same_words import named_words
from dsync.eig.publication import account_rules, published_rules
from dsync.eig.rows import DossierProduct
from dsync.eig.sections import EigSections
from dsync.eig.stages import REACHED, Etape, following
from dsync.errors import ConfigurationError
from dsync.programme import (
    NO_RULES,
    Dictionary,
    DossierView,
    FormFault,
    InLists,
    Judged,
    PrecheckOptions,
    Programme,
    ProgrammeRun,
    ProposedSections,
    Row,
    ToJudge,
)
from dsync.store import Reader, Store
from dsync.store.dictionary import sections_of
from dsync.store.keys import key_of, secret_of

if TYPE_CHECKING:
    # With it, short commands would import the HTTP client to read a database.
    from dsync.eig.evidence.sources import EvidenceSources

NOON = time(12, tzinfo=UTC)
"""At this time the day in Paris and in UTC is the same."""


class Eig(Programme):
    """One call for projects; `Programme` says what each method takes and returns.

    Args:
        sections: the programme's sections of the configuration.
        rules: the rules in `[regles]` with their lists; None: there are none.
        sources: the connections to the sources of evidence.
        catalogue_percent: the largest accepted percentage of products missing from a new catalogue,
            from 0 to 1.
    """

    name = "eig"
    package = "dsync.eig"
    metadata = candidature.metadata
    main_view = DossierView(database_part.MAIN_VIEW, "numero", json=database_part.EXTRA)
    dossier_views: ClassVar[Mapping[str, DossierView]] = {
        "etapes": DossierView("lecture_etape", "rang"),
        "voeux": DossierView("lecture_voeu", "rang"),
        "evaluations": DossierView("lecture_evaluation", "ligne"),
        "notes": DossierView("lecture_evaluation_note", "ligne"),
    }
    listed: ClassVar[Column[Any]] = evidence_tables.candidature.c.produit_id
    # By the shipped file, a form of another kind gives rows without one.
    answered: ClassVar[ColumnElement[bool]] = cast(
        evidence_tables.candidature.c.reponses, Text
    ).contains(f'"{Reponse.REMPLI}"')
    mean = (
        "CASE WHEN l.jury_le IS NOT NULL "
        "THEN CAST(json(l.bilan) ->> 'moyenne' AS double precision) END"
    )
    found_by = (
        "d.numero IN (SELECT c.numero FROM candidature AS c JOIN produit AS p "
        "ON p.id = c.produit_id WHERE p.recherche LIKE {like})"
    )
    has_grids = True
    public: Mapping[str, Collection[str]] = {
        check.value: keys for check, keys in words.PUBLIC.items()
    }
    stages = tuple(Etape)
    reached = REACHED
    checks: Mapping[str, str] = {check.value: check.label for check in Check}
    names_product = Check.FICHE_PRODUIT.value
    sections: Mapping[str, Mapping[str, str]] = sections_of(
        database_part.main_view_columns(), database_part.SECTIONS
    )

    @classmethod
    def views(cls) -> Dictionary:
        """Return the documentation of the views."""
        return database_part.documented()

    @classmethod
    def complete(cls, query: str) -> str:
        """Insert the columns, checks and stages."""
        return database_part.completed(query)

    @classmethod
    def in_lists(cls, rows: Mapping[str, Row], at: datetime) -> InLists | None:
        """Return by what lists find the dossier of a candidature."""
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

    @classmethod
    def related(cls, demarche: DemarcheNumber, numbers: Sequence[DossierNumber]) -> Select[Any]:
        """Select the open dossiers for the products of these dossiers."""
        return rows.related(demarche, numbers)

    @classmethod
    def products_of(
        cls, connection: Connection, numbers: Sequence[DossierNumber]
    ) -> Mapping[DossierNumber, str]:
        """Return the products of dossiers, where they are certain."""
        return rows.certain_products(connection, numbers)

    @classmethod
    def products(cls, connection: Connection) -> Mapping[str, str]:
        """Return the names of all products that were ever published, by id."""
        return rows.product_names(connection)

    @classmethod
    def indicators(cls, connection: Connection, demarche: DemarcheNumber) -> Mapping[str, float]:
        """Return the median days in each stage."""
        return rows.median_days(connection, demarche)

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
        self.rules = rules
        self._mapping = sections.mapping
        self._regles = sections.regles
        self._sources = sources
        self._catalogue_percent = catalogue_percent

    @property
    def mapping_key(self) -> str:
        """The section `[mapping]`."""
        return self._mapping.model_dump_json()

    @property
    def judges(self) -> bool:
        """Whether there are rules."""
        return self.rules is not None

    @property
    def rules_version(self) -> str:
        """The version of the rules.

        Raises:
            ConfigurationError: there are none.
        """
        return self._in_force.version

    @property
    def _in_force(self) -> RuleSet:
        if self.rules is None:
            raise ConfigurationError(NO_RULES)
        return self.rules

    def form(self, descriptors: Mapping[DescriptorId, Descriptor]) -> MappedForm:
        """Find the candidature's fields in a revision of the form."""
        return MappedForm.of(self._mapping, descriptors)

    @property
    def shipped_lists(self) -> Sequence[str]:
        """The lists of the package in use."""
        return self.rules.shipped_lists if self.rules else ()

    def warnings(self) -> Iterator[str]:
        """Yield that the rules are off, and names that are similar to a field's."""
        if self._regles is not None and self.rules is None:
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
        return form_faults(self._mapping, revision, self.rules, demarche.published_at)

    def form_lines(
        self, demarche: Demarche, revision: Revision, *, known: Iterable[str], every_champ: bool
    ) -> Iterator[CheckLine]:
        """Compare the mapping and the rules with a revision, for `dsync check`."""
        yield from mapping_lines(
            self._mapping, revision, self.rules, known=known, every_champ=every_champ
        )
        if self.rules is not None:
            yield from rules_lines(self.rules, self._mapping, revision, demarche.published_at)

    def evidence_lines(self, store: Store | None, now: datetime) -> Iterator[CheckLine]:
        """Check whether the catalogue can be read, for `dsync check`."""
        if self._in_force.needs_catalogue:
            yield from evidence_lines(self._sources, store, now, self._in_force)
        else:
            message = "the rules need no catalogue, so none is read"
            yield CheckLine("evidence", CheckStatus.OK, message)

    def evidence_shown(self, connection: Connection) -> dict[str, Any] | None:
        """Return what is stored of the evidence, as `evidence_document`; None without rules."""
        if self.rules is None:
            return None
        return evidence_document(
            connection,
            self.rules,
            betagouv_url=self._sources.base_url,
            registry_enabled=self._sources.registry is not None,
        )

    def label_in_ds(self, name: str) -> str:
        """Return the label in DS of the annotation that fills a column of the main view."""
        target = getattr(self._mapping.annotations, name, None)
        return target.libelles[0] if target and target.libelles else name

    def value_in_words(self, name: str, value: Any) -> Any:
        """Return a value of a column of the main view in French."""
        return words.value_in_words(name, value, self._phase_name)

    def evidence_in_words(self, evidence: Mapping[str, Any]) -> list[tuple[str, str, Any]]:
        """Return the evidence of a check that people see: key, French name and French value."""
        return words.evidence_in_words(evidence, self._phase_name)

    def _phase_name(self, phase: str) -> str:
        return phase if self.rules is None else self.rules.phase_name(phase)

    def gather(self, run: ProgrammeRun, *, accept: bool = False) -> GatheredEvidence:
        """Revalidate the catalogue and store a new one, unless the safety brake refuses it.

        Raises:
            ConfigurationError: there are no rules.
            StoreError: the database failed; the stored copy is unchanged.
            InterruptedRunError: the run was asked to stop.
        """
        rules = self._in_force
        if not rules.needs_catalogue:
            return no_catalogue(self._sources, rules.version)
        return gather(
            run,
            self._sources,
            rules_version=rules.version,
            catalogue_percent=self._catalogue_percent,
            accept=accept,
        )

    def prepare(
        self,
        run: ProgrammeRun,
        evidence: GatheredEvidence,
        numbers: Sequence[DossierNumber],
        options: PrecheckOptions | None,
    ) -> set[DossierNumber]:
        """Store the product of each dossier whose product has changed.

        Without a catalogue, no change is detected.

        Returns:
            The dossiers whose product changed, and the open dossiers for the same products.
        """
        known = evidence.evidence
        catalogue = known.catalogue
        if catalogue is None:
            return set()
        with run.reading() as reader:
            inputs = rows.product_inputs(reader.connection, numbers)
        changed: dict[DossierNumber, DossierProduct] = {}
        words: dict[DossierNumber, str | None] = {}
        for one in inputs:
            preuve = options.frozen(one.numero, one.preuve) if options else one.preuve
            match = identify_product(
                one.page_produit,
                one.incubateur,
                known,
                self._in_force,
                stored_product(preuve),
                named=one.etabli,
            ).match
            # Dossiers that name a product by its former and by its present id are doublons.
            id_ = catalogue.current_id(match.product_id) if match.product_id else None
            product = DossierProduct(id_, id_ is not None and match.is_certain)
            if product != one.product:
                changed[one.numero] = product
            named = named_words(one.page_produit, match)
            if named or one.cle:
                words[one.numero] = named
        keys = _changed_keys(run, words, {one.numero: one.cle for one in inputs})
        if not changed and not keys:
            return set()
        with run.transaction() as tx:
            return rows.set_products(tx, changed, keys)

    def judge(
        self,
        run: ProgrammeRun,
        evidence: GatheredEvidence,
        due: Sequence[ToJudge],
        options: PrecheckOptions | None,
    ) -> Iterator[Judged]:
        """Judge dossiers; yields nothing for one whose verdict is still valid."""
        with run.reading() as reader:
            candidatures = rows.candidatures(reader.connection, [one.numero for one in due])
            products = sorted({c.produit_id for c in candidatures.values() if c.produit_id})
            catalogue = evidence.evidence.catalogue
            former = catalogue.former_ids(products) if catalogue else rows.NO_FORMER
            members = rows.same_product(reader.connection, run.demarche, products, former)
            unknown = [numero for numero, c in candidatures.items() if not c.produit_id]
            same_words = reader.keys.doublons(unknown) if unknown else {}
            is_kept = rows.rules(reader.connection, self._in_force.version) is not None
        # For all of them first: several applicants can be one enterprise, which is looked up once.
        known = with_registry(
            run, self._sources.registry, candidatures.values(), evidence.evidence, self._in_force
        )
        for one in due:
            candidature = candidatures.get(one.numero)
            # One that DS could not render since before there was a mapping: the read that stores
            # its row has it judged, because its inputs have changed.
            if candidature is None:
                continue
            twins: Iterable[DossierNumber] = members.get(candidature.produit_id or "", ())
            if candidature.produit_id is None:
                twins = same_words.get(one.numero, {}).get(rows.DOUBLON, ())
            others = tuple(number for number in twins if number != one.numero)
            decision = self._decide(one, candidature, known, others, options)
            if decision is None:
                continue
            # Before the first verdict by them is stored.
            if not is_kept and not (options and options.is_trial):
                with run.transaction() as tx:
                    rows.save_rules(tx.connection, self._in_force.document(), run.now)
                is_kept = True
            yield Judged(one, decision)

    def _decide(
        self,
        due: ToJudge,
        candidature: Candidature,
        evidence: Evidence,
        others: tuple[DossierNumber, ...],
        options: PrecheckOptions | None,
    ) -> Decision | None:
        """Return the decision on a dossier, or None when its verdict is still valid."""
        verdict, rules = due.current, self._in_force
        frozen = stored_product(verdict.preuve) if verdict else None
        if options is None:
            current = None
            if verdict is not None:
                current = CurrentVerdict(due.is_stale(rules.version), verdict, frozen)
            return judge_if_needed(
                candidature,
                evidence,
                rules,
                doublons=others,
                current=current,
                answers=due.answers,
            )
        if options.as_of is not None:
            candidature = candidature.with_changes(depose_le=datetime.combine(options.as_of, NOON))
        # Fresh evidence does not tell that the page came after the deposit.
        absent = absent_page(candidature, verdict, frozen) if verdict else None
        preuve = options.frozen(due.numero, verdict.preuve if verdict else None)
        frozen = stored_product(preuve)
        return judge(
            candidature,
            evidence,
            rules,
            doublons=others,
            frozen_product=frozen,
            answers=due.answers,
            absent=absent,
        )

    def account(
        self, reader: Reader, found: Mapping[str, Any], at: datetime | None = None
    ) -> dict[str, Any] | None:
        """Return the account of a dossier's verdict, as `account_of`.

        Args:
            reader: of the démarche's data.
            found: the dossier with its verdicts and checks, as `DossierReads.by_number` returns it.
            at: the instant at which the verdict stood; None: the current one.

        Returns:
            None if it had no verdict then.
        """

        def rules_of(version: str) -> account.Rules:
            config = self.rules.config if self.rules else None
            default = config.instruction if config else "l’équipe d’instruction"
            return account_rules(rows.rules(reader.connection, version), default)

        return account.account_of(found, at, rules_of, self.checks, self.evidence_in_words)

    def rules_page(
        self, now: datetime | None = None, document: Mapping[str, Any] | None = None
    ) -> Page:
        """Return the page that publishes a version of the rules; None: that in force."""
        today = self._in_force.local_day(now) if now else None
        return published_rules(document or self._in_force.document(), today=today)

    def rules_documents(
        self, connection: Connection | None = None
    ) -> Mapping[str, Mapping[str, Any]]:
        """Return the rules in force, as the database keeps them, then those that it keeps."""
        kept = rows.kept_rules(connection) if connection else {}
        return {self._in_force.version: self._in_force.document(), **kept} if self.rules else kept

    def message(
        self, reader: Reader, found: Mapping[str, Any], checks: Iterable[Mapping[str, Any]]
    ) -> Message | None:
        """Return what the applicant of an open dossier has to send, None without rules.

        Args:
            reader: of the démarche's data.
            found: the dossier's row of the main view.
            checks: of its current verdict, as in `lecture_precontrole_controle`.
        """
        if self.rules is None:
            return None
        numero, made = DossierNumber(found["numero"]), list(checks)
        controles = open_points(found, made)
        suggestions: Sequence[Suggestion] = ()
        if any(one.controle == Check.FICHE_PRODUIT and one.resultat in ASKED for one in controles):
            answered = {one["controle"] for one in made} - {one.controle for one in controles}
            suggestions = self._suggestions(reader, numero, answered)
        return message_of(numero, controles, self.rules, suggestions, may_edit=may_edit(found))

    def _suggestions(
        self, reader: Reader, numero: DossierNumber, answered: Collection[str]
    ) -> list[Suggestion]:
        """Judge a dossier as if it gave the address of each product that its answer may mean.

        Args:
            reader: of the démarche's data.
            numero: the dossier.
            answered: the checks that a person answered, which are left out.
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


def _changed_keys(
    run: ProgrammeRun,
    words: Mapping[DossierNumber, str | None],
    stored: Mapping[DossierNumber, str | None],
) -> dict[DossierNumber, str | None]:
    """Return the keys that are other ones than the stored ones.

    Args:
        run: the run under way.
        words: what dossiers name without a known product; None: nothing, any more.
        stored: the keys.
    """
    if not words:
        return {}
    secret = secret_of(run)
    keys = {n: key_of(secret, rows.DOUBLON, one) if one else None for n, one in words.items()}
    return {numero: key for numero, key in keys.items() if key != stored[numero]}

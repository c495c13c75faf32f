"""What one run knows of candidatures: their products, who else names these, and the evidence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time

from dsync.domain.due import ToJudge
from dsync.domain.ids import DossierNumber
from dsync.eig import rows
from dsync.eig.candidature import Candidature
from dsync.eig.evidence.gathering import GatheredEvidence, ask_registry
from dsync.eig.precheck.checks.administration import needs_registry
from dsync.eig.precheck.evaluation import CandidatureFacts, absent_page, facts_of
from dsync.eig.precheck.evidence import PublicEvidence, identify_product, stored_product
from dsync.eig.precheck.rules import RuleSet
from dsync.eig.precheck.same_words import named_words
from dsync.programme import Compared, PrecheckOptions, ProgrammeRun, Reading

NOON = time(12, tzinfo=UTC)
"""At this time the day in Paris and in UTC is the same."""


@dataclass(frozen=True, slots=True)
class EigEvidence:
    """What one run judges candidatures by; `programme.Evidence` says what methods return."""

    gathered: GatheredEvidence
    rule_set: RuleSet

    @property
    def key(self) -> str:
        """Changes with the catalogue or the rules."""
        return self.gathered.key

    @property
    def looks_up(self) -> bool:
        """Whether the registry is asked."""
        return self.gathered.sources.registry is not None

    def look_up(self, run: ProgrammeRun, numbers: Sequence[DossierNumber]) -> None:
        """Ask the registry about applicants without a legal category in DS."""
        if client := self.gathered.sources.registry:
            with run.reading() as reader:
                found = rows.candidatures(reader.connection, numbers)
            ask_registry(run, client, found.values(), self.rule_set)

    def compared(
        self,
        reader: Reading,
        numbers: Sequence[DossierNumber],
        options: PrecheckOptions | None,
    ) -> Compared:
        """Return the products of dossiers, and what is named where no product is known.

        Without a catalogue, no change is detected.
        """
        evidence = self.gathered.evidence
        catalogue = evidence.catalogue
        if catalogue is None:
            return Compared({})
        words: dict[DossierNumber, Mapping[str, Sequence[object]]] = {}
        columns = []
        for one in rows.product_inputs(reader.connection, numbers):
            preuve = options.frozen(one.preuve) if options else one.preuve
            match = identify_product(
                one.page_produit,
                one.incubateur,
                evidence,
                self.rule_set,
                stored_product(preuve),
                named=one.etabli,
            ).match
            named = named_words(one.page_produit, match)
            words[one.numero] = {rows.DOUBLON: (named,)} if named else {}
            # Dossiers that name a product by its former and by its present id are doublons.
            id_ = catalogue.current_id(match.product_id) if match.product_id else None
            # Only one that is certain, as by the address of its page, counts as a doublon.
            product = {"produit_id": id_, "par_sa_fiche": id_ is not None and match.is_certain}
            if product != one.product:
                columns.append({"numero": one.numero, **product})
        return Compared(words, columns)

    def facts(
        self,
        reader: Reading,
        due: Sequence[ToJudge],
        options: PrecheckOptions | None,
    ) -> dict[DossierNumber, CandidatureFacts]:
        """Return what is known of candidatures, with the registry's answers."""
        candidatures = rows.candidatures(reader.connection, [one.numero for one in due])
        products = sorted({c.produit_id for c in candidatures.values() if c.produit_id})
        known = self.gathered.evidence
        former = known.catalogue.former_ids(products) if known.catalogue else rows.NO_FORMER
        members = rows.same_product(reader.connection, reader.number, products, former)
        unknown = [numero for numero, c in candidatures.items() if not c.produit_id]
        same_words = reader.keys.doublons(unknown) if unknown else {}
        if self.looks_up:
            needed = (needs_registry(one, self.rule_set) for one in candidatures.values())
            sirens = {siren for siren in needed if siren}
            now = self.gathered.sources.clock()
            known = replace(known, registry=rows.registry(reader.connection, sirens, now))
        found = {}
        for one in due:
            candidature = candidatures.get(one.numero)
            # One that DS could not render since before there was a mapping: the read that stores
            # its row has it judged, because its inputs have changed.
            if candidature is None:
                continue
            twins: Iterable[DossierNumber] = members.get(candidature.produit_id or "", ())
            if candidature.produit_id is None:
                twins = same_words.get(one.numero, {}).get(rows.DOUBLON, ())
            found[one.numero] = self._facts(one, candidature, known, twins, options)
        return found

    def _facts(
        self,
        due: ToJudge,
        candidature: Candidature,
        evidence: PublicEvidence,
        twins: Iterable[DossierNumber],
        options: PrecheckOptions | None,
    ) -> CandidatureFacts:
        verdict = current = due.current
        preuve = verdict.preuve if verdict else None
        frozen = stored_product(preuve)
        if options is not None and options.as_of is not None:
            depot = datetime.combine(options.as_of, NOON)
            candidature = candidature.with_changes(depose_le=depot)
        # Fresh evidence does not tell that the page came after the deposit.
        absent = absent_page(candidature, verdict, frozen) if verdict else None
        if options is not None:
            frozen, current = stored_product(options.frozen(preuve)), None
        return facts_of(
            candidature,
            evidence,
            self.rule_set,
            doublons=twins,
            frozen=frozen,
            answers=due.answers,
            absent=absent,
            current=current,
        )

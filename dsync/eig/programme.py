"""The programme « Entrepreneur(e)s d'intérêt général », as `domain.programme` asks it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, time
from hashlib import blake2b
from pathlib import Path

from dsync.domain.check_line import CheckLine
from dsync.domain.dossier import Demarche, Descriptor, Revision
from dsync.domain.ids import DescriptorId, DossierNumber
from dsync.domain.programme import DueEvaluation, Judged, PrecheckOptions, ProgrammeRun
from dsync.domain.verdict import Decision, Verdict
from dsync.eig import store
from dsync.eig.candidature import Candidature
from dsync.eig.config import EigSections
from dsync.eig.evidence.check import evidence_line
from dsync.eig.evidence.gathering import Gathered, gather, with_registry
from dsync.eig.evidence.sources import EvidenceSources
from dsync.eig.mapping.check import mapping_lines
from dsync.eig.mapping.form import MappedForm
from dsync.eig.mapping.matching import MatchStatus, match_descriptors
from dsync.eig.precheck import (
    Evidence,
    RuleSet,
    Standing,
    decide,
    evaluate,
    name_product,
    stated_verdict,
    stored_product,
)
from dsync.eig.store import NamedId
from dsync.store import Store

NOON = time(12, tzinfo=UTC)
"""The same day in Paris as in UTC."""


class Eig:
    """One call of the programme.

    Args:
        sections: its part of the configuration.
        rules: `[regles]` with the lists that they name.
        sources: where evidence comes from.
        catalogue_share: of the products known, how many may be gone from a new catalogue that is
            believed.
    """

    def __init__(
        self,
        sections: EigSections,
        rules: RuleSet,
        sources: EvidenceSources,
        *,
        catalogue_share: float,
    ) -> None:
        self.rules = rules
        self._mapping = sections.mapping
        self._sources = sources
        self._catalogue_share = catalogue_share

    @classmethod
    def open(
        cls,
        sections: EigSections,
        folder: Path,
        *,
        betagouv_url: str,
        user_agent: str,
        catalogue_share: float,
        clock: Callable[[], datetime],
        stop: threading.Event,
        allow_http: bool,
    ) -> Eig:
        """Read rules and lists, and prepare the sources of evidence; nothing is asked yet.

        Args:
            sections: the programme's part of the configuration.
            folder: of the configuration file, in which the lists are.
            betagouv_url: beta.gouv.fr's address.
            user_agent: what servers are told of who asks.
            catalogue_share: of the products known, how many may be gone from a new catalogue.
            clock: the present.
            stop: ends what is under way.
            allow_http: whether plain http:// is allowed to other machines than this one.

        Raises:
            ConfigurationError: with every problem of the rules and lists.
        """
        rules = RuleSet.load(sections.regles, folder, needed=sections.mapping.needed())
        sources = EvidenceSources.open(
            sections.preuves,
            betagouv_url,
            user_agent=user_agent,
            clock=clock,
            stop=stop,
            allow_http=allow_http,
        )
        return cls(sections, rules, sources, catalogue_share=catalogue_share)

    @property
    def mapping_key(self) -> str:
        """A digest of the section `[mapping]`."""
        text = self._mapping.model_dump_json()
        return blake2b(text.encode(), digest_size=16).hexdigest()

    def form(self, descriptors: Mapping[DescriptorId, Descriptor]) -> MappedForm:
        """Work out where a form has the candidature's fields."""
        return MappedForm.of(self._mapping, descriptors)

    def missing_fields(self, demarche: Demarche) -> Sequence[str]:
        """Return the needed fields that no revision of the form has."""
        missing: set[str] | None = None
        for revision in demarche.revisions.values():
            lacks = {
                match.field
                for match in match_descriptors(self._mapping, revision).matches
                if match.target.needed and match.status is MatchStatus.MISSING
            }
            missing = lacks if missing is None else missing & lacks
        return sorted(missing or ())

    def form_lines(
        self, revision: Revision, *, known: Iterable[str], every_champ: bool
    ) -> Iterator[CheckLine]:
        """Compare the mapping with a revision, for `dsync check`."""
        yield from mapping_lines(self._mapping, revision, known=known, every_champ=every_champ)

    def evidence_lines(self, store: Store | None, now: datetime) -> Iterator[CheckLine]:
        """Say whether the catalogue can be read, for `dsync check`."""
        yield evidence_line(self._sources, store, now)

    def stated_verdict(self, detail: str) -> Verdict | None:
        """Return the verdict that a detail states, None for another text."""
        return stated_verdict(detail)

    def gather(self, run: ProgrammeRun, *, accept: bool = False) -> Gathered:
        """Revalidate the catalogue, and keep the new one if it is believed."""
        return gather(
            run,
            self._sources,
            rules_version=self.rules.version,
            catalogue_share=self._catalogue_share,
            accept=accept,
        )

    def prepare(
        self,
        run: ProgrammeRun,
        evidence: Gathered,
        numbers: Sequence[DossierNumber],
        options: PrecheckOptions | None,
    ) -> set[DossierNumber]:
        """Store the product of each dossier that names another one than before.

        Without a catalogue nothing is known to have changed.

        Returns:
            Whom it concerns: these dossiers, and the open ones for the same products.
        """
        known = evidence.evidence
        catalogue = known.catalogue
        if catalogue is None:
            return set()
        with run.reading() as reader:
            addresses = store.addresses(reader.connection, numbers)
        changed: dict[DossierNumber, NamedId] = {}
        for address in addresses:
            frozen = None if options and options.refresh else stored_product(address.preuve)
            match = name_product(address.page_produit, known, frozen).match
            id_ = catalogue.present_id(match.product_id) if match.product_id else None
            product = NamedId(id_, id_ is not None and match.is_published)
            if product != address.product:
                changed[address.numero] = product
        if not changed:
            return set()
        with run.transaction() as tx:
            return store.name_products(tx, changed)

    def judge(
        self,
        run: ProgrammeRun,
        evidence: Gathered,
        due: Sequence[DueEvaluation],
        options: PrecheckOptions | None,
    ) -> Iterator[Judged]:
        """Evaluate dossiers; without options, those whose inputs have not changed are left out."""
        with run.reading() as reader:
            candidatures = store.candidatures(reader.connection, [one.numero for one in due])
            products = sorted({c.produit_id for c in candidatures.values() if c.produit_id})
            members = store.same_product(reader.connection, run.demarche, products)
        known = with_registry(
            run, self._sources.registry, candidatures.values(), evidence.evidence, self.rules
        )
        for one in due:
            candidature = candidatures.get(one.numero)
            if candidature is None:
                continue
            others = tuple(
                number
                for number in members.get(candidature.produit_id or "", ())
                if number != one.numero
            )
            try:
                decision = self._decide(one, candidature, known, others, options)
            except Exception:  # Whatever fails on one dossier stops no other.
                yield Judged(one, None)
                continue
            if decision is not None:
                yield Judged(one, decision)

    def _decide(
        self,
        due: DueEvaluation,
        candidature: Candidature,
        evidence: Evidence,
        others: tuple[DossierNumber, ...],
        options: PrecheckOptions | None,
    ) -> Decision | None:
        """Return the decision on a dossier, None when its verdict stands."""
        current = due.current
        frozen = stored_product(current.preuve) if current else None
        if options is None:
            standing = None
            if current is not None:
                is_stale = (
                    current.inputs_hash != due.inputs_hash
                    or current.version_regles != self.rules.version
                    or current.doublons != others
                    # Judged when it was finished, and open again: nothing was wished for it.
                    or (
                        due.is_open
                        and current.verdict is not Verdict.INDETERMINE
                        and not due.wished
                    )
                )
                standing = Standing(is_stale, current.preuve_hash, current.remarque, frozen)
            return decide(candidature, evidence, self.rules, doublons=others, standing=standing)
        if options.as_of is not None:
            candidature = candidature.having(depose_le=datetime.combine(options.as_of, NOON))
        if options.refresh:
            frozen = None
        return evaluate(candidature, evidence, self.rules, doublons=others, frozen_product=frozen)

    def close(self) -> None:
        """Close the connections to the sources."""
        self._sources.close()

"""What one run knows of candidatures: their products, who else names these, and the evidence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dsync.domain.due import ToJudge
from dsync.domain.ids import DossierNumber
from dsync.domain.wording import words
from dsync.eig import rows
from dsync.eig.candidature import Candidature
from dsync.eig.gathering import ask_registry
from dsync.eig.precheck.address import ParsedAddress, parse_address
from dsync.eig.precheck.checks.administration import needs_registry
from dsync.eig.precheck.evaluation import CandidatureFacts, absent_page, facts_of
from dsync.eig.precheck.evidence import (
    PublicEvidence,
    established,
    identify_product,
    stored_product,
)
from dsync.eig.precheck.product import Lien, ProductMatch
from dsync.eig.precheck.rules import RuleSet
from dsync.programme import Compared, PrecheckOptions, ProgrammeRun
from dsync.store import Reader, Tx

if TYPE_CHECKING:
    from dsync.eig.sources import EvidenceSources


@dataclass(frozen=True, slots=True)
class EigEvidence:
    """What one run judges candidatures by; `programme.Evidence` says what methods return."""

    sources: EvidenceSources
    rule_set: RuleSet
    key: str
    read: Callable[[], PublicEvidence]
    """Returns the evidence without the registry's answers, parsed at the first call."""

    @property
    def looks_up(self) -> bool:
        """Whether the registry is asked."""
        return self.sources.registry is not None

    def look_up(self, run: ProgrammeRun, numbers: Sequence[DossierNumber]) -> None:
        """Ask the registry about applicants without a legal category in DS."""
        if client := self.sources.registry:
            with run.reading() as reader:
                found = rows.candidatures(reader.connection, numbers)
            ask_registry(run, client, found.values(), self.rule_set)

    def compared(
        self,
        reader: Reader | Tx,
        numbers: Sequence[DossierNumber],
        options: PrecheckOptions | None,
    ) -> Compared:
        """Return the products of dossiers, and what is named where no product is known.

        Without a catalogue, no change is detected.
        """
        evidence = self.read()
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
                self.rule_set.pages,
                stored_product(preuve),
                named=established(one.produit, one.constat, one.page_produit),
            ).match
            named = named_words(one.page_produit, match)
            words[DossierNumber(one.numero)] = {BY_WORDS: (named,)} if named else {}
            # Dossiers that name a product by its former and by its present id are doublons.
            id_ = catalogue.current_id(match.product_id) if match.product_id else None
            # Only one that is certain, as by the address of its page, counts as a doublon.
            certain = id_ is not None and match.is_certain
            if (id_, certain) != (one.produit_id, bool(one.par_sa_fiche)):
                columns.append({"numero": one.numero, "produit_id": id_, "par_sa_fiche": certain})
        return Compared(words, columns)

    def facts(
        self,
        reader: Reader | Tx,
        due: Sequence[ToJudge],
        options: PrecheckOptions | None,
    ) -> dict[DossierNumber, CandidatureFacts]:
        """Return what is known of candidatures, with the registry's answers."""
        candidatures = rows.candidatures(reader.connection, [one.numero for one in due])
        products = sorted({c.produit_id for c in candidatures.values() if c.produit_id})
        known = self.read()
        former = known.catalogue.former_ids(products) if known.catalogue else {}
        members = rows.same_product(reader.connection, reader.number, products, former)
        unknown = [numero for numero, c in candidatures.items() if not c.produit_id]
        same_words = reader.keys.doublons(unknown) if unknown else {}
        if self.looks_up:
            needed = (needs_registry(one, self.rule_set) for one in candidatures.values())
            sirens = {siren for siren in needed if siren}
            now = self.sources.clock()
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
                twins = same_words.get(one.numero, {}).get(BY_WORDS, ())
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
        verdict = due.current
        preuve = verdict.preuve if verdict else None
        frozen = stored_product(preuve)
        if options is not None and options.depot is not None:
            candidature = candidature.with_changes(depose_le=options.depot)
        # Fresh evidence does not tell that the page came after the deposit.
        absent = absent_page(candidature, verdict, frozen) if verdict else None
        if options is not None:
            frozen = stored_product(options.frozen(preuve))
        facts = facts_of(
            candidature,
            evidence,
            self.rule_set,
            doublons=twins,
            frozen=frozen,
            answers=due.answers,
            absent=absent,
        )
        return facts.beside(verdict) if verdict and options is None else facts


BY_WORDS = "doublon"
"""By what dossiers are compared that name no known product."""
_NAMING_NOTHING = frozenset([
    # Around a name.
    "le", "la", "les", "l", "un", "une", "du", "de", "des", "d", "notre", "nos", "mon", "ma", "mes",
    "votre", "cette", "ci", "et", "ou", "a", "au", "aux", "en", "sur", "dans", "par", "pour",
    "avec", "via", "vers", "voici", "voir", "cf", "ici", "est", "se", "trouve", "s", "agit", "il",
    "elle", "dessous", "dessus", "suivant", "suivante", "bonjour", "merci", "cordialement",
    "produit", "produits", "service", "services", "startup", "startups", "start", "up", "etat",
    "projet", "projets", "application", "appli", "app", "plateforme", "outil", "solution", "site",
    "sites", "web", "internet", "numerique", "numeriques", "fiche", "fiches", "page", "pages",
    "lien", "liens", "url", "adresse", "nom", "intitule", "titre", "code", "source", "depot",
    "ligne", "officiel", "officielle", "disponible", "consultable", "accessible", "publie",
    "publiee", "html", "http", "https", "www", "beta", "gouv", "fr", "betagouv",
    # That there is none, or that it is elsewhere.
    "pas", "aucun", "aucune", "sans", "neant", "rien", "non", "ni", "ne", "n", "y", "na", "nc",
    "nr", "objet", "applicable", "concerne", "concernee", "existe", "existant", "existante",
    "inexistant", "inexistante", "encore", "moment", "instant", "jour", "ce", "actuellement", "ete",
    "cree",
    "creee", "creation", "creer", "cours", "venir", "attente", "definir", "determiner", "preciser",
    "completer", "prevu", "prevue", "bientot", "prochainement", "futur", "future", "nouveau",
    "nouvelle", "je", "nous", "on", "avons", "ai", "sais", "savons", "inconnu", "inconnue",
    "piece", "pieces", "jointe", "jointes", "joint", "document", "documents", "annexe", "annexes",
    "pj", "reponse", "oui", "x", "xx", "xxx", "test", "idem", "dossier", "dossiers",
    # Who asks or hosts, of which many have a product.
    "dinum", "direction", "interministerielle", "ministere", "incubateur", "administration", "eig",
])  # fmt: skip
"""Words that name nothing, alone or together: not the list by which a product is recognised."""
_SHORTEST = 3


def named_words(typed: str | None, match: ProductMatch) -> str | None:
    """Return what an answer names, folded, if that is no known product; None: it names nothing."""
    silent = {Lien.VIDE, Lien.SANS_FICHE, Lien.INDISPONIBLE}
    if not typed or match.product is not None or match.lien in silent:
        return None
    # A name beside its own address is named once.
    named = "".join(dict.fromkeys(filter(None, _parts(parse_address(typed)))))
    return named if len(named) >= _SHORTEST and not named.isdecimal() else None


def _parts(typed: ParsedAddress) -> Iterator[str]:
    """Yield what the words and the addresses of a text name, without anything between words."""
    yield _said(typed.text)
    for page in typed.pages:
        yield _said(page.readable_id)
    for site in (*typed.sites, *typed.other_pages):
        yield _said(" ".join((site.host, *site.segments)))


def _said(text: str) -> str:
    return "".join(
        word for whole in words(text) for word in whole.split("_") if word not in _NAMING_NOTHING
    )

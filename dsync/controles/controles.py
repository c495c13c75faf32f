"""The programme of declared checks: what `dsync/programme.py` asks for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time
from decimal import Decimal
from functools import cached_property
from hashlib import sha256
from typing import Any

import msgspec
from sqlalchemy import Connection, Text, cast, select

from dsync.controles import papers
from dsync.controles.checking import Declarations
from dsync.controles.declarations import AutreDemarche
from dsync.controles.declared_checks import EXIGENCE, Voisins
from dsync.controles.facts import Faits, Plan, faits_of, label_of
from dsync.controles.values import fold_text, fold_value, french_amount, french_number
from dsync.domain.account import Rules, account_of, said
from dsync.domain.check_answers import ANSWER, Answer, for_ds, left_over, with_answers
from dsync.domain.check_line import CheckLine, CheckStatus
from dsync.domain.detail_frame import finding, frame, framed
from dsync.domain.dossier import (
    PARIS,
    Champ,
    Demandeur,
    Demarche,
    Descriptor,
    Presence,
    Revision,
)
from dsync.domain.ids import DescriptorId, DossierNumber, RevisionId
from dsync.domain.letter import Message
from dsync.domain.paper import Page
from dsync.domain.verdict import Controle, Decision, Resultat, Verdict, by_severity, verdict_of
from dsync.domain.wording import listed
from dsync.messages import kinds as k
from dsync.programme import (
    Judged,
    NoFields,
    PrecheckOptions,
    Programme,
    ProgrammeRun,
    ToJudge,
)
from dsync.store import Reader, tables
from dsync.store.keys import key_of, secret_of
from dsync.store.sql import among, insert_missing

_dossier, _contenu = tables.dossier, tables.contenu
_demandeur = msgspec.json.Decoder(Demandeur)
_champs = msgspec.json.Decoder(tuple[Champ, ...])
_OWN = "c-"
"""How the versions of declared checks begin."""
NOON = time(12, tzinfo=PARIS)


@dataclass(frozen=True, slots=True)
class Gathered:
    """What the checks compare with other démarches, as one run has read it."""

    key: str
    others: Mapping[AutreDemarche, frozenset[str] | None]
    """The applicants with such a dossier; None: the démarche is not in the database."""
    plans: dict[RevisionId | None, Plan] = field(default_factory=dict)
    retry_undetermined: bool = False


class Controles(Programme):
    """One démarche whose checks are declared; `Programme` says what each method takes and returns.

    Args:
        declarations: without faults.
        words: the configuration's words for verdicts.
        borrowed_word: that for « Éligible » if « Rien à signaler » has none of its own.
    """

    # Nothing is stored a second time: facts are read from the contents when a dossier is judged.
    mapping_key = ""
    judges = True

    def __init__(
        self,
        declarations: Declarations,
        words: Mapping[Verdict, str] | None = None,
        borrowed_word: str | None = None,
    ) -> None:
        self.declarations = declarations
        self._words = dict(words or {})
        self._borrowed_word = borrowed_word
        self._sections = declarations.sections
        self._evaluation = declarations.evaluation
        self.checks: Mapping[str, str] = self._sections.titles
        self.public = papers.public_of(self._sections)
        controles = self._sections.controles
        self._others = {
            spec
            for controle in controles
            for part in controle.parts
            for spec in (part.autre_demarche, part.pas_autre_demarche)
            if spec is not None
        }
        parts = [(c.nom, part) for c in controles if c.exige for part in c.exige.parts]
        # One part of a check at most has it.
        self._unique: dict[str, Sequence[str]] = {
            nom: (part.champ or "", *part.unique_avec)
            for nom, part in parts
            if part.unique_avec is not None
        }

    @cached_property
    def rules_version(self) -> str:
        """A digest of the declarations and the tables."""
        sections = self._sections
        given = [sections.precontrole, *sections.champs.items(), *sections.tables.items()]
        text = repr([*given, sections.controles, sorted(self.declarations.tables.items())])
        text += repr(sorted(self._words.items())) if self._words else ""
        return f"{_OWN}{sha256(text.encode()).hexdigest()[:12]}"

    def needs_acceptance(self, former: str | None) -> bool:
        """Return whether the rules before were none, or another programme's."""
        return not (former or "").startswith(_OWN)

    def warnings(self) -> Iterator[str]:
        """Yield what works otherwise than its author may think."""
        yield from self.declarations.warnings()
        yield from self._early_words()

    def _early_words(self) -> Iterator[str]:
        """Yield that a word says more than the checks do while a person has one to make."""
        best, word = self._sections.best_verdict, self._borrowed_word
        if best is not Verdict.RIEN_A_SIGNALER or word is None:
            return
        if fold_text(word) != fold_text(best):
            yield (
                f"contrôle humain et pas de rien_a_signaler : « {word} » sera inscrit avant que la "
                "personne ait contrôlé ; ajoutez aux options rien_a_signaler, avec un mot de votre "
                "liste qui n’annonce rien (« Rien à signaler »)"
            )

    def form(self, descriptors: Mapping[DescriptorId, Descriptor]) -> NoFields:
        """Find the declared champs in a revision of the form."""
        plan = Plan.of(self._sections.champs, descriptors)
        columns = {id_ for column in plan.colonnes.values() for id_ in column.values()}
        return NoFields(frozenset({*plan.ids.values(), *columns}))

    def missing_fields(self, demarche: Demarche) -> Sequence[str]:
        """Return the declared champs that the form lacks, to which new dossiers have no answer."""
        active = demarche.revisions.get(demarche.active_revision_id)
        if active is None or not active.descriptors:
            return []
        known = Plan.of(self._sections.champs, active.descriptors).ids
        return [f"[champs.{name}]" for name in self._sections.champs if name not in known]

    def impossible_values(self, demarche: Demarche) -> Sequence[str]:
        """Return sentences on the values that no answer can equal in any revision of the form."""
        active = demarche.revisions.get(demarche.active_revision_id)
        if active is None:
            return []
        found = dict(self.declarations.impossible_values(active.descriptors.values()))
        # Finished dossiers keep former revisions, whose lists had other options.
        for revision in demarche.revisions.values() if found else ():
            former = dict(self.declarations.impossible_values(revision.descriptors.values()))
            known = Plan.of(self._sections.champs, revision.descriptors).ids
            found = {k: v for k, v in found.items() if k in former or k[1] not in known}
        return [*found.values()]

    def form_lines(
        self, demarche: Demarche, revision: Revision, *, known: Iterable[str], every_champ: bool
    ) -> Iterator[CheckLine]:
        """Compare the declarations with a revision of the form, for `dsync check`."""
        for warning in self._early_words():
            yield CheckLine("controles", CheckStatus.WARNING, warning)
        faults = list(self.declarations.of_form(revision.descriptors.values()))
        impossible = self.impossible_values(demarche)
        for fault in faults:
            if fault in impossible:
                yield CheckLine("controles", CheckStatus.ERROR, fault, exit_code=2)
            else:
                yield CheckLine("controles", CheckStatus.WARNING, fault)
        if not faults:
            count = len(self._sections.champs)
            yield CheckLine("controles", CheckStatus.OK, f"the form has the {count} [champs]")

    def gather(self, run: ProgrammeRun, *, accept: bool = False) -> Gathered:
        """Read which applicants have a dossier in the other démarches."""
        with run.reading() as reader:
            others = {spec: _applicants(reader.connection, spec) for spec in self._others}
        for spec in sorted({spec.numero for spec, found in others.items() if found is None}):
            run.problem(k.Numbered(k.NumberNote.NOT_CONFIGURED, spec))
        said = sorted((repr(spec), sorted(found or ())) for spec, found in others.items())
        digest = sha256(repr(said).encode()).hexdigest()[:12] if said else ""
        return Gathered(f"{self.rules_version}/{digest}", others)

    def prepare(
        self,
        run: ProgrammeRun,
        evidence: Gathered,
        numbers: Sequence[DossierNumber],
        options: PrecheckOptions | None,
    ) -> set[DossierNumber]:
        """Store the keys of each dossier whose keys have changed.

        Returns:
            These dossiers, and the open ones with their former or present keys.
        """
        if not self._unique:
            return set()
        with run.reading() as reader:
            faits = self._faits(reader, evidence, numbers)
            stored = reader.keys.of(numbers)
        secret = secret_of(run)
        keys = {numero: self._keys(one, secret) for numero, one in faits.items()}
        changed = {numero: now for numero, now in keys.items() if now != stored[numero]}
        if not changed:
            return set()
        with run.transaction() as tx:
            affected: set[DossierNumber] = tx.keys.replace(changed)
        return affected

    def judge(
        self,
        run: ProgrammeRun,
        evidence: Gathered,
        due: Sequence[ToJudge],
        options: PrecheckOptions | None,
    ) -> Iterator[Judged]:
        """Judge dossiers; yields nothing for one whose verdict is still valid."""
        numbers = [one.numero for one in due]
        as_of = options and options.as_of
        depot = datetime.combine(as_of, NOON) if as_of else None
        is_trial = options is not None and options.is_trial
        with run.reading() as reader:
            is_kept = is_trial or _is_kept(reader.connection, self.rules_version)
            faits = self._faits(reader, evidence, numbers, depot)
            doublons = reader.keys.doublons(numbers) if self._unique else {}
        for one in due:
            # One that DS could not render: the read that stores its contents has it judged.
            if one.numero not in faits:
                continue
            others = doublons.get(one.numero, {})
            decision = self._decide(faits[one.numero], evidence, others, one.answers)
            if options is None and _still_holds(one, decision):
                continue
            # Before the first verdict by them is stored.
            if not is_kept:
                self._keep(run)
                is_kept = True
            yield Judged(one, decision)

    def _keep(self, run: ProgrammeRun) -> None:
        document = self.rules_documents()[self.rules_version]
        row = {"version": self.rules_version, "depuis_le": run.now, "document": document}
        with run.transaction() as tx:
            # A run of another démarche with the same checks may store them meanwhile.
            insert_missing(tx.connection, tables.declaration, row)

    def _faits(
        self,
        reader: Reader,
        evidence: Gathered,
        numbers: Sequence[DossierNumber],
        depot: datetime | None = None,
    ) -> dict[DossierNumber, Faits]:
        columns = (_contenu.c.demandeur, _contenu.c.champs)
        rows = reader.connection.execute(
            select(
                _dossier.c.numero,
                _dossier.c.revision_id,
                _dossier.c.depose_le,
                *(cast(column, Text).label(column.name) for column in columns),
            )
            .join(_contenu, _contenu.c.numero == _dossier.c.numero)
            .where(among(_dossier.c.numero, numbers))
        ).all()
        champs, plans = self._sections.champs, evidence.plans
        if any(row.revision_id not in plans for row in rows):
            revisions = reader.demarche.revisions()
            # For a revision that DS does not give.
            every = {k: d for r in revisions.values() for k, d in r.descriptors.items()}
            for row in rows:
                found = revisions.get(row.revision_id)
                plans[row.revision_id] = Plan.of(champs, found.descriptors if found else every)
        return {
            DossierNumber(row.numero): faits_of(
                depot or row.depose_le,
                _demandeur.decode(row.demandeur),
                _champs.decode(row.champs),
                champs,
                plans[row.revision_id],
            )
            for row in rows
        }

    def _keys(self, faits: Faits, secret: bytes) -> dict[str, str]:
        """Return the hash of what each check compares between dossiers, where it is answered."""
        found = {}
        for nom, names in self._unique.items():
            if all(name in faits.valeurs for name in names):
                found[nom] = key_of(secret, nom, *(_folded(faits.valeurs[name]) for name in names))
        return found

    def _decide(
        self,
        faits: Faits,
        evidence: Gathered,
        doublons: Mapping[str, Sequence[int]],
        given: Mapping[str, Answer],
    ) -> Decision:
        applicant = applicant_of(faits.valeurs.get)

        def has(spec: AutreDemarche) -> bool | None:
            known = evidence.others[spec]
            return None if known is None or applicant is None else applicant in known

        controles = self._evaluation.controles(faits, Voisins(doublons, has))
        controles = with_answers(controles, given)
        controles += tuple(left_over(controles, given))
        verdict = verdict_of(one.resultat for one in controles)
        if verdict is Verdict.ELIGIBLE:
            verdict = self._sections.best_verdict
        answers = sorted((repr(spec), has(spec)) for spec in self._others)
        return Decision(
            verdict=verdict,
            controles=controles,
            detail=self._detail(verdict, controles),
            version_regles=self.rules_version,
            preuve_hash=sha256(repr(answers).encode()).hexdigest()[:32],
            doublons=tuple(sorted({DossierNumber(n) for some in doublons.values() for n in some})),
        )

    def _detail(self, verdict: Verdict, controles: Sequence[Controle]) -> str:
        section = self._sections.precontrole
        controles = [for_ds(controle) for controle in controles]
        first, last = frame(
            self._words.get(verdict, verdict), section.instruction, section.publication_url
        )
        humains = {one.nom: one.titre for one in self._sections.controles if one.humain}
        people = list(humains.values())
        left = [
            self.checks[one.controle]
            for one in controles
            if one.resultat is Resultat.SANS_OBJET and one.controle not in humains
        ]
        if left:
            last.insert(0, f"Sans objet : {listed(left)}.")
        if people:
            last.insert(0, f"À contrôler par une personne : {listed(people)}.")
        findings = [
            finding(one.resultat, [self.checks.get(one.controle, one.controle)], one.motif)
            for one in by_severity(controles)
        ]
        conforming = [
            (self.checks[c.controle], c) for c in controles if c.resultat is Resultat.CONFORME
        ]
        return framed(
            first,
            findings,
            conforming,
            last,
            section.max_detail_length,
            rules=[one.regle for one in self._sections.controles],
        )

    def evidence_shown(self, connection: Connection) -> dict[str, Any]:
        """Return the tables, for `/preuves`."""
        return papers.tables_shown(self.declarations, self.rules_version)

    def evidence_in_words(self, evidence: Mapping[str, Any]) -> list[tuple[str, str, Any]]:
        """Return the evidence of a check that people see: key, French name and French value."""
        # Who answered is in the reason, by initial and name: an account goes to the applicant.
        shown = {k: v for k, v in evidence.items() if k not in (ANSWER, EXIGENCE)}
        champs = self._sections.champs
        found = [(key, label_of(key, champs), value) for key, value in shown.items()]
        return [(key, label, _in_words(value, label)) for key, label, value in found]

    def rules_documents(
        self, connection: Connection | None = None
    ) -> Mapping[str, Mapping[str, Any]]:
        """Return the declarations, then those that the database keeps, the latest first."""
        own = papers.document_of(self._sections, self.rules_version, self._words)
        kept = _kept(connection) if connection else {}
        return {self.rules_version: own, **kept}

    def rules_page(
        self, now: datetime | None = None, document: Mapping[str, Any] | None = None
    ) -> Page:
        """Return the page that publishes a version of the checks; None: that in force."""
        today = now.astimezone(PARIS).date() if now else None
        given = document or self.rules_documents()[self.rules_version]
        return papers.rules_page(given, today)

    def account(
        self, reader: Any, found: Mapping[str, Any], at: datetime | None = None
    ) -> dict[str, Any] | None:
        """Return the account of a dossier's verdict; None if it had no verdict then."""
        known = self.rules_documents(reader.connection)

        def rules_of(version: str) -> Rules:
            return papers.account_rules(known.get(version), self._sections.precontrole.instruction)

        return account_of(found, at, rules_of, self.checks, self.evidence_in_words, self._words)

    def message(
        self, reader: Any, found: Mapping[str, Any], checks: Iterable[Mapping[str, Any]]
    ) -> Message:
        """Return what the applicant of an open dossier has to send."""
        return papers.message_of(self._sections, found, checks)


def _in_words(value: Any, label: str) -> str:
    """Return a value of the evidence in French; a question in euros is answered by an amount."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        is_amount = re.search(r"€|\beuros?\b", label, re.IGNORECASE)
        return (french_amount if is_amount else french_number)(Decimal(str(value)))
    return said(value)


def _kept(connection: Connection) -> dict[str, Mapping[str, Any]]:
    table = tables.declaration
    found = connection.execute(select(table).order_by(table.c.depuis_le.desc(), table.c.version))
    return {row.version: {"depuis_le": row.depuis_le, **row.document} for row in found}


def _is_kept(connection: Connection, version: str) -> bool:
    column = tables.declaration.c.version
    return connection.scalar(select(column).where(column == version)) is not None


def _folded(value: Any) -> Any:
    return sorted(map(fold_value, value)) if isinstance(value, list) else fold_value(value)


def _still_holds(one: ToJudge, decision: Decision) -> bool:
    """Whether the dossier's verdict is the one that would be given again."""
    verdict = one.current
    return (
        verdict is not None
        and not one.is_stale(decision.version_regles)
        and all(
            getattr(verdict, name) == getattr(decision, name)
            for name in ("preuve_hash", "doublons", "detail")
        )
    )


def applicant_of(fact: Callable[[str], Any]) -> str | None:
    """Return by what an applicant is known in all démarches: SIREN, or a person's names."""
    if siren := fact("siren"):
        return str(siren)
    names = fact("demandeur_nom"), fact("demandeur_prenom")
    return fold_value(" ".join(names)) if all(names) else None


def _applicants(connection: Connection, spec: AutreDemarche) -> frozenset[str] | None:
    """Return the applicants of a démarche's dossiers of these states and days."""
    known = select(tables.demarche.c.number).where(tables.demarche.c.number == spec.numero)
    if connection.scalar(known) is None:
        return None
    rows = connection.execute(
        select(_dossier.c.siren, _dossier.c.depose_le, _contenu.c.demandeur)
        .join(_contenu, _contenu.c.numero == _dossier.c.numero)
        .where(
            _dossier.c.demarche_numero == spec.numero,
            _dossier.c.presence == Presence.PRESENT.value,
            _dossier.c.etat.in_([etat.value for etat in spec.etats]),
        )
    )
    found = set()
    for siren, depose_le, demandeur in rows:
        day = depose_le.astimezone(PARIS).date()
        is_in = (spec.depose_depuis is None or day >= spec.depose_depuis) and (
            spec.depose_avant is None or day < spec.depose_avant
        )
        details = (demandeur or {}).get("details", {})
        facts = {"siren": siren}
        facts |= {f"demandeur_{name}": details.get(name) for name in ("nom", "prenom")}
        if is_in and (applicant := applicant_of(facts.get)):
            found.add(applicant)
    return frozenset(found)

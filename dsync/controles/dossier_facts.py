"""What one run knows of dossiers: their answers, and what other dossiers say about them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from hashlib import sha256
from typing import Any

import msgspec
from sqlalchemy import Connection, Text, cast, select

from dsync.controles.checking import Declarations
from dsync.controles.declarations import AutreDemarche
from dsync.controles.declared_checks import Evaluator, Voisins
from dsync.controles.facts import Faits, Plan, faits_of
from dsync.controles.notations import fold_value
from dsync.domain.check_answers import Answer, left_over, with_answers
from dsync.domain.dossier import PARIS, Demandeur, Presence, stored_champs
from dsync.domain.due import ToJudge
from dsync.domain.ids import DossierNumber, RevisionId
from dsync.domain.judging import Results
from dsync.domain.verdict import StoredVerdict
from dsync.messages import kinds as k
from dsync.programme import Compared, PrecheckOptions, ProgrammeRun
from dsync.store import Reader, Tx, tables
from dsync.store.sql import among

_dossier, _contenu = tables.dossier, tables.contenu
_demandeur = msgspec.json.Decoder(Demandeur)
Applicants = Mapping[AutreDemarche, frozenset[str] | None]
"""Those with a dossier in another démarche; None: it is not in the database."""


@dataclass(frozen=True, slots=True)
class DossierFacts:
    """What is known of a dossier to judge; `domain.judging.Facts` says what each is."""

    evaluator: Evaluator
    faits: Faits
    others: Applicants
    by_check: Mapping[str, Sequence[int]]
    """The first dossiers with the same answers, by the name of the check, as `named` takes them."""
    preuve: None = None
    today: None = None

    @property
    def doublons(self) -> frozenset[int]:
        """The other dossiers with the same answers."""
        return frozenset(number for some in self.by_check.values() for number in some)

    @property
    def fingerprint(self) -> str:
        """A digest of what the other démarches have of the applicant."""
        answers = sorted((repr(spec), self._has(spec)) for spec in self.others)
        return sha256(repr(answers).encode()).hexdigest()[:32]

    def _has(self, spec: AutreDemarche) -> bool | None:
        known, applicant = self.others[spec], applicant_of(self.faits.valeurs.get)
        return None if known is None or applicant is None else applicant in known

    def surely_stands(self, current: StoredVerdict) -> bool:
        """Return False: texts quote the form, too, whose revisions are no inputs."""
        return False

    def results(
        self, answers: Mapping[str, Answer], current: StoredVerdict | None, *, holds: bool
    ) -> Results:
        """Make all checks."""
        made = self.evaluator.controles(self.faits, Voisins(self.by_check, self._has))
        answered = with_answers(made, answers)
        return Results((*answered, *left_over(answered, answers)), {})


@dataclass(frozen=True)
class Gathered:
    """What one run judges dossiers by; `programme.Evidence` says what each method returns."""

    declarations: Declarations
    key: str
    others: Applicants
    looks_up: bool = False
    _plans: dict[RevisionId | None, Plan] = field(default_factory=dict)

    @cached_property
    def _unique(self) -> Mapping[str, Sequence[str]]:
        """The names of the facts by which each check compares dossiers."""
        controles = self.declarations.sections.controles
        # One part of a check at most has it.
        return {
            one.nom: (part.champ or "", *part.unique_avec)
            for one in controles
            for part in (one.exige.parts if one.exige else ())
            if part.unique_avec is not None
        }

    def look_up(self, run: ProgrammeRun, numbers: Sequence[DossierNumber]) -> None:
        """Ask nobody: everything is in the copy."""

    def compared(
        self,
        reader: Reader | Tx,
        numbers: Sequence[DossierNumber],
        options: PrecheckOptions | None,
    ) -> Compared:
        """Return what each check compares between dossiers, where it is answered."""
        if not self._unique:
            return Compared({})
        known = self._faits(reader, numbers)
        return Compared(
            {
                numero: {
                    nom: [_folded(faits.valeurs[name]) for name in names]
                    for nom, names in self._unique.items()
                    if all(name in faits.valeurs for name in names)
                }
                for numero, faits in known.items()
            }
        )

    def facts(
        self, reader: Reader | Tx, due: Sequence[ToJudge], options: PrecheckOptions | None
    ) -> dict[DossierNumber, DossierFacts]:
        """Return what dossiers answer, and what others say about them.

        One that DS could not render is left out: the read that stores its contents has it judged.
        """
        numbers = [one.numero for one in due]
        faits = self._faits(reader, numbers, options.depot if options else None)
        doublons = reader.keys.doublons(numbers) if self._unique else {}
        evaluator = self.declarations.evaluator
        return {
            numero: DossierFacts(evaluator, one, self.others, doublons.get(numero, {}))
            for numero, one in faits.items()
        }

    def _faits(
        self,
        reader: Reader | Tx,
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
        champs, plans = self.declarations.sections.champs, self._plans
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
                stored_champs(row.champs),
                champs,
                plans[row.revision_id],
            )
            for row in rows
        }


def gather(run: ProgrammeRun, declarations: Declarations, version: str) -> Gathered:
    """Read which applicants have a dossier in the other démarches.

    The version of the checks becomes part of the key.
    """
    specs = {
        spec
        for controle in declarations.sections.controles
        for part in controle.parts
        for spec in (part.autre_demarche, part.pas_autre_demarche)
        if spec is not None
    }
    with run.reading() as reader:
        others = {spec: _applicants(reader.connection, spec) for spec in specs}
    for numero in sorted({spec.numero for spec, found in others.items() if found is None}):
        run.problem(k.Numbered(k.NumberNote.NOT_CONFIGURED, numero))
    said = sorted((repr(spec), sorted(found or ())) for spec, found in others.items())
    digest = sha256(repr(said).encode()).hexdigest()[:12] if said else ""
    return Gathered(declarations, f"{version}/{digest}", others)


def _folded(value: Any) -> Any:
    return sorted(map(fold_value, value)) if isinstance(value, list) else fold_value(value)


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

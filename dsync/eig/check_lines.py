"""The programme's part of `dsync check`: compares mapping and form, reads the catalogue."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from dsync.addresses import mask_url
from dsync.controles import papers
from dsync.controles.checking import Declarations
from dsync.controles.controles import DeclaredFindings
from dsync.controles.declarations import ControlesSections
from dsync.domain.dossier import Demarche, Revision, paris_day
from dsync.domain.remedies import CheckLine, CheckStatus
from dsync.domain.toml import named
from dsync.domain.wording import joined
from dsync.eig.betagouv import fetch_catalogue
from dsync.eig.mapped_form import FieldMatch, match_fields, new_in
from dsync.eig.precheck.catalogue import Catalogue
from dsync.eig.precheck.check import QUESTIONS
from dsync.eig.precheck.rules import RuleSet
from dsync.eig.proposal import OWN_SHARE
from dsync.eig.rows import EvidenceCopy, evidence
from dsync.eig.sections import (
    CATALOGUE_MAX_AGE,
    CHAMP_FIELDS,
    EVALUATIONS,
    OPTIONAL,
    VOEUX,
    EigSections,
    MappingConfig,
)
from dsync.errors import DsyncError, EvidenceUnavailableError
from dsync.programme import FormFault
from dsync.store import Store

if TYPE_CHECKING:
    from dsync.eig.sources import EvidenceSources

A_YEAR = timedelta(days=366)
_NO_CHECKS = Declarations(ControlesSections(), Path())


class EigFindings(DeclaredFindings):
    """What is wrong in the programme's sections, or does not fit a form."""

    def __init__(
        self,
        sections: EigSections,
        rules: RuleSet | None,
        sources: EvidenceSources,
        borrowed_word: str | None = None,
    ) -> None:
        super().__init__(rules.declarations if rules else _NO_CHECKS, borrowed_word)
        self._mapping, self._rules, self._sources = sections.mapping, rules, sources
        self._is_off = rules is None and "precontrole" in sections.model_fields_set

    def warnings(self) -> Iterator[str]:
        """Yield that the rules are off, and names that are similar to a field's."""
        yield from super().warnings()
        if self._is_off:
            yield "no [[controles]], so nothing is judged: add them as in the shipped file"
        for name, nearest in self._mapping.misspelt().items():
            yield (
                f"[mapping.champs] {name}: no field has this name, so its answers go into `extra`; "
                f"did you mean {nearest}?"
            )

    def missing_fields(self, demarche: Demarche) -> Sequence[str]:
        """Return the columns that the form's evaluation grids lack, from which jurys are ranked.

        Without a field that the checks need, nothing is judged.
        """
        active = demarche.revisions.get(demarche.active_revision_id)
        matches = match_fields(self._mapping, active.descriptors) if active else []
        has_grids = any(one.field == EVALUATIONS and one.descriptor for one in matches)
        return [
            f"[mapping] {one.field}"
            for one in matches
            if has_grids and one.descriptor is None and one.field.startswith(f"{EVALUATIONS}.")
        ]

    def form_faults(self, demarche: Demarche, revision: Revision) -> list[FormFault]:
        """Return the needed fields that the form lacks, and what is wrong with the rules for it."""
        mapping, rules = self._mapping, self._rules
        faults = [
            FormFault(_missing_line(match), match.field)
            for match in match_fields(mapping, revision.descriptors)
            if match.is_needed and match.descriptor is None
        ]
        if rules is not None:
            found = [_unmapped_fault(field, rules) for field in _unmapped(mapping, rules)]
            faults += [*filter(None, found), *_window_faults(rules, demarche)]
        return faults

    def form_lines(
        self, demarche: Demarche, revision: Revision, *, known: Iterable[str], every_champ: bool
    ) -> Iterator[CheckLine]:
        """Compare the mapping and the rules with a revision."""
        mapping, rules = self._mapping, self._rules
        yield from mapping_lines(mapping, revision, rules, known=known, every_champ=every_champ)
        if rules is not None:
            yield from self.rules_lines(demarche, revision, _window_lines(rules, demarche))

    def evidence_lines(self, store: Store | None, now: datetime) -> Iterator[CheckLine]:
        """Check whether the catalogue can be read, and its incubators; stores nothing."""
        if self._rules is None:
            return
        if not self._rules.needs_catalogue:
            message = "the rules need no catalogue, so none is read"
            yield CheckLine("evidence", CheckStatus.OK, message)
            return
        try:
            # Without the stored copy: « not modified » would not show that the file can be read.
            catalogue = fetch_catalogue(self._sources, None).catalogue
        except EvidenceUnavailableError as exc:
            yield _unavailable(exc, store, now)
            return
        yield _readable(catalogue, self._sources, store)
        if catalogue is not None:
            yield from _incubator_lines(self._rules, catalogue)


def mapping_lines(
    mapping: MappingConfig,
    revision: Revision,
    rules: RuleSet | None = None,
    *,
    known: Iterable[str],
    every_champ: bool,
) -> Iterator[CheckLine]:
    """Yield the differences between the mapping, with what the rules need, and the active revision.

    `known` are ids of annotations that the engine writes; with `every_champ`, each champ without a
    field has a line of its own.
    """
    matches = match_fields(mapping, revision.descriptors)
    found = [match for match in matches if match.descriptor]
    missing = _unmapped(mapping, rules)
    count = len(matches) + len(missing)
    yield CheckLine("mapping", CheckStatus.OK, f"{len(found)} of {count} fields found in the form")
    if rules is not None:
        yield from _unmapped_lines(missing, rules)
    for name, field in mapping.misspelt().items():
        message = f"{name}: no field has this name, so its answers go into `extra`"
        remedy = f"rename {name} in [mapping.champs] if {field} is meant"
        yield CheckLine("mapping", CheckStatus.WARNING, message, remedy)
    for match in matches:
        yield from _match_lines(match)
    new = new_in(mapping, revision, matches, known)
    if new and not every_champ:
        count = len(new)
        yield CheckLine(
            "mapping",
            CheckStatus.INFO,
            f"new in the form: {count} champ{'s' * (count > 1)} stored without a field",
            "`dsync check -v` lists them",
        )
        return
    for descriptor in new:
        yield CheckLine(
            "mapping",
            CheckStatus.INFO,
            f"new in the form: {named(descriptor.libelle)}; it is stored without a field",
            f"map {descriptor.id} in [mapping], or list it among its `autres`",
        )


def _unmapped(mapping: MappingConfig, rules: RuleSet | None) -> list[str]:
    """Return the fields that the checks need and that the mapping leaves out."""
    if rules is None:
        return []
    mapped = {name for name, _, _ in mapping.top_level()}
    needed = [field for field in CHAMP_FIELDS if field not in OPTIONAL]
    missing = [field for field in needed if field not in mapped]
    # A form of another kind has questions of its own, and few of these.
    asks = bool(papers.expected(rules.sections))
    is_own = asks and len(missing) <= (1 - OWN_SHARE) * len(needed)
    return [field for field in missing if is_own or _check_of(field) in rules.checks]


def _unmapped_lines(missing: Iterable[str], rules: RuleSet) -> Iterator[CheckLine]:
    for field in missing:
        fault = _unmapped_fault(field, rules)
        if fault is not None:
            yield fault.line
            continue
        message = f"{field}: not mapped, so the check completude does not ask for it"
        remedy = f"add {_section_of(field)} with the id of its champ, if the form has one"
        yield CheckLine("mapping", CheckStatus.WARNING, message, remedy)


def _unmapped_fault(field: str, rules: RuleSet) -> FormFault | None:
    check = _check_of(field)
    if check not in rules.checks:
        return None
    message = f"{field}: not mapped, so the check {check} is impossible"
    remedy = f"add {_section_of(field)} with the id of its champ, or remove the check {check}"
    return FormFault(CheckLine("mapping", CheckStatus.ERROR, message, remedy, 2))


def _check_of(field: str) -> str:
    return next((check for check, of in QUESTIONS.items() if of == field), "")


def _section_of(field: str) -> str:
    return f"[mapping.{'' if field == VOEUX else 'champs.'}{field}]"


def _window_lines(rules: RuleSet, demarche: Demarche) -> Iterator[CheckLine]:
    published = demarche.published_at and paris_day(demarche.published_at)
    if faults := _window_faults(rules, demarche):
        yield from (fault.line for fault in faults)
    elif published and rules.window and published - rules.window[0] > A_YEAR:
        begins = f"{_window(*rules.window)} begins more than a year before the form was published"
        message = f"{begins} ({published})"
        yield CheckLine("rules", CheckStatus.WARNING, message, _CORRECT_WINDOW)


def _window_faults(rules: RuleSet, demarche: Demarche) -> list[FormFault]:
    published = demarche.published_at and paris_day(demarche.published_at)
    if not published or rules.window is None or published <= rules.window[1]:
        return []
    ended = f"{_window(*rules.window)} ended before the form was published ({published})"
    message = f"{ended}: it is another call's"
    line = CheckLine("rules", CheckStatus.ERROR, message, _CORRECT_WINDOW, 2)
    return [FormFault(line, is_of_rules=True)]


def _window(first: date, last: date) -> str:
    return f"the window ({first} to {last})"


_CORRECT_WINDOW = "correct the days of the check of depot in [[controles]]"


def _missing_line(match: FieldMatch) -> CheckLine:
    labels = " or ".join(f"« {libelle} »" for libelle in match.target.libelles)
    return CheckLine(
        "mapping",
        CheckStatus.ERROR if match.is_needed else CheckStatus.WARNING,
        f"{match.field}: missing from the form ({match.target.id or labels})",
        f"give the id of the champ that replaces it in [mapping] {match.field}",
        2 if match.is_needed else 0,
    )


def _match_lines(match: FieldMatch) -> Iterator[CheckLine]:
    section = f"[mapping] {match.field}"
    if match.descriptor is None:
        yield _missing_line(match)
        return
    if not match.is_by_id:
        yield CheckLine(
            "mapping",
            CheckStatus.WARNING,
            f"{match.field}: found by its label only: {named(match.descriptor.libelle)}",
            f'write "{match.descriptor.id}" before its label in {section}',
        )
    if match.renamed_to:
        yield CheckLine(
            "mapping",
            CheckStatus.WARNING,
            f"{match.field}: renamed in the form to « {match.renamed_to} »",
            f"check that it still asks the same question, then add the label to {section}",
        )
    if match.type_changed:
        expected, actual = match.type_changed
        yield CheckLine(
            "mapping",
            CheckStatus.WARNING,
            f"{match.field}: its type is {actual}, {expected} was expected",
            f"check that its values still fit {section}",
        )


def _unavailable(exc: EvidenceUnavailableError, store: Store | None, now: datetime) -> CheckLine:
    copy = _stored_copy(store)
    if copy is None or copy.fetched_at is None:
        remedy = "check DSYNC_BETAGOUV_URL and the network; there are no verdicts until then"
        message = f"{exc.message} There is no copy yet."
        return CheckLine("evidence", CheckStatus.ERROR, message, remedy, exc.exit_code)
    age = now - (copy.confirmed_at or copy.fetched_at)
    usable = "it is used" if age <= CATALOGUE_MAX_AGE else "too old to be used"
    message = f"{exc.message} The copy was confirmed {age.days} days ago: {usable}."
    remedy = "check DSYNC_BETAGOUV_URL and the network, or wait for the next run"
    return CheckLine("evidence", CheckStatus.WARNING, message, remedy, exc.exit_code)


def _readable(
    catalogue: Catalogue | None, sources: EvidenceSources, store: Store | None
) -> CheckLine:
    copy = _stored_copy(store)
    if copy is not None and copy.refused_sha256 is not None:
        message = copy.erreur or "the safety brake refused a newer catalogue"
        remedy = "check the catalogue; if it is right, run `dsync accept evidence`"
        return CheckLine("evidence", CheckStatus.WARNING, message, remedy, 7)
    count = len(catalogue.products) if catalogue else 0
    return CheckLine(
        "evidence", CheckStatus.OK, f"{count} products at {mask_url(sources.base_url)}"
    )


def _incubator_lines(rules: RuleSet, catalogue: Catalogue) -> Iterator[CheckLine]:
    """Yield the incubators that the rules name and the catalogue no longer has."""
    known = {joined(id_) for id_ in catalogue.incubateurs}
    for option, ids in rules.pages.incubateurs.items():
        if gone := [id_ for id_ in ids if joined(id_) not in known]:
            message = f"{named(option)}: the catalogue has no incubator {', '.join(gone)}"
            remedy = "give its present id in parametres.incubateurs, or remove the line"
            yield CheckLine("rules", CheckStatus.WARNING, message, remedy, 7)


def _stored_copy(store: Store | None) -> EvidenceCopy | None:
    if store is None:
        return None
    try:
        with store.reading() as reader:
            return evidence(reader.connection)
    # A database that cannot be read has a line of its own in the check.
    except DsyncError:
        return None

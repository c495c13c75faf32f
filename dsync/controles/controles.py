"""The programme of declared checks: what `dsync/programme.py` asks for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection

from dsync.controles import papers
from dsync.controles.checking import Declarations
from dsync.controles.declarations import ControlesSections, DeclaredChamp
from dsync.controles.declared_checks import EXIGENCE, SANS_LIGNE
from dsync.controles.dossier_facts import Gathered, gather
from dsync.controles.facts import Plan, label_of
from dsync.controles.functions import versions
from dsync.controles.notations import fold_text, french_amount, french_number
from dsync.domain.account import AccountRules, Letter, said
from dsync.domain.check_answers import ANSWER, COURT, DEMANDE
from dsync.domain.dossier import Demarche, Descriptor, Revision
from dsync.domain.ids import DescriptorId
from dsync.domain.judging import Rules, Wording
from dsync.domain.remedies import CheckLine, CheckStatus
from dsync.domain.verdict import Verdict
from dsync.programme import FormFindings, NoFields, Programme, ProgrammeRun, Words
from dsync.store import Reader

_SAID = (ANSWER, COURT, DEMANDE, EXIGENCE, SANS_LIGNE)
"""The evidence that sentences say in words."""
_OWN = "c-"
"""How the versions of declared checks begin."""


class Controles(Programme):
    """One démarche whose checks are declared, without faults.

    `Programme` says what each method takes and returns. `words` are the configuration's for
    verdicts; `borrowed_word` is that for « Éligible » if « Rien à signaler » has none of its own.
    """

    # Nothing is stored a second time: facts are read from the contents when a dossier is judged.
    mapping_key = ""

    def __init__(
        self,
        declarations: Declarations,
        words: Mapping[Verdict, str] | None = None,
        borrowed_word: str | None = None,
    ) -> None:
        self.declarations = declarations
        given = dict(words or {})
        self._sections = declarations.sections
        self.words = DeclaredWords(self._sections.champs)
        self.findings = DeclaredFindings(declarations, borrowed_word)
        self.checks: Mapping[str, str] = self._sections.titles
        self.public = papers.public_of(self._sections)
        lists = [
            {"genre": name, "annee": one.annee, "source": one.source,
             "entrees": len(declarations.tables[name])}
            for name, one in self._sections.tables.items()
        ]  # fmt: skip
        version = f"{_OWN}{digest_of(declarations, given)}"
        made = rules_of(self._sections, version, given, more={"listes": lists})
        # The first ones, and those after another programme's, wait until they are accepted.
        self.rules: Rules = replace(made, family=_OWN)

    def form(self, descriptors: Mapping[DescriptorId, Descriptor]) -> NoFields:
        """Find the declared champs in a revision of the form."""
        plan = Plan.of(self._sections.champs, descriptors)
        columns = {id_ for column in plan.colonnes.values() for id_ in column.values()}
        return NoFields(frozenset({*plan.ids.values(), *columns}))

    def gather(self, run: ProgrammeRun, *, accept: bool = False) -> Gathered:
        """Read which applicants have a dossier in the other démarches."""
        return gather(run, self.declarations, self.rules.version)

    def evidence_shown(self, connection: Connection) -> dict[str, Any]:
        """Return the tables, for `/preuves`."""
        return papers.tables_shown(self.declarations, self.rules.version)

    def published(self, document: Mapping[str, Any] | None, instruction: str) -> AccountRules:
        """Return what is published of a version of the checks."""
        return papers.published(document, instruction)

    def message(
        self, reader: Reader, found: Mapping[str, Any], checks: Iterable[Mapping[str, Any]]
    ) -> Letter:
        """Return what the applicant of an open dossier has to send."""
        return papers.message_of(self._sections, found, checks)


class DeclaredWords(Words):
    """The French names of answers and tables in the evidence."""

    def __init__(self, champs: Mapping[str, DeclaredChamp]) -> None:
        self._champs = champs

    def evidence(self, evidence: Mapping[str, Any]) -> list[tuple[str, str, Any]]:
        """Leave out who answered: that is in the reason, by initial and name."""
        # An account goes to the applicant.
        shown = {k: v for k, v in evidence.items() if k not in _SAID}
        found = [(key, label_of(key, self._champs), value) for key, value in shown.items()]
        return [(key, label, _in_words(value, label)) for key, label, value in found]


class DeclaredFindings(FormFindings):
    """What is wrong in the declarations, or does not fit a form.

    `borrowed_word` is the configuration's for « Éligible » if « Rien à signaler » has none.
    """

    def __init__(self, declarations: Declarations, borrowed_word: str | None) -> None:
        self._declarations = declarations
        self._sections = declarations.sections
        self._borrowed_word = borrowed_word

    def warnings(self) -> Iterator[str]:
        """Yield what works otherwise than its author may think."""
        yield from self._declarations.warnings()
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
        found = dict(self._declarations.impossible_values(active.descriptors.values()))
        # Finished dossiers keep former revisions, whose lists had other options.
        for revision in demarche.revisions.values() if found else ():
            former = dict(self._declarations.impossible_values(revision.descriptors.values()))
            known = Plan.of(self._sections.champs, revision.descriptors).ids
            found = {k: v for k, v in found.items() if k in former or k[1] not in known}
        return [*found.values()]

    def form_lines(
        self, demarche: Demarche, revision: Revision, *, known: Iterable[str], every_champ: bool
    ) -> Iterator[CheckLine]:
        """Compare the declarations with a revision of the form, for `dsync check`."""
        return self.rules_lines(demarche, revision)

    def rules_lines(
        self, demarche: Demarche, revision: Revision, own: Iterable[CheckLine] = ()
    ) -> Iterator[CheckLine]:
        """Yield what of the checks does not fit a form, or that all fits; `own`: more lines."""
        for warning in self._early_words():
            yield CheckLine("rules", CheckStatus.WARNING, warning)
        impossible = self.impossible_values(demarche)
        lines = [
            CheckLine("rules", CheckStatus.ERROR, fault, exit_code=2)
            if fault in impossible
            else CheckLine("rules", CheckStatus.WARNING, fault, exit_code=7)
            for fault in self._declarations.of_form(revision.descriptors.values())
        ]
        fits = CheckLine("rules", CheckStatus.OK, "the checks fit the form")
        yield from [*own, *lines] or [fits]


def rules_of(
    sections: ControlesSections,
    version: str,
    words: Mapping[Verdict, str] = {},
    *,
    more: Mapping[str, Any] = {},
    **wording: Any,
) -> Rules:
    """Return the rules in force; `more` is what else is published of a version."""
    sender, controles = sections.precontrole, sections.controles
    return Rules(
        version,
        Wording(
            sections.titles,
            sender.instruction,
            sender.max_detail_length,
            sender.publication_url,
            words=words,
            people=[one.nom for one in controles if one.humain],
            rules=[one.regle for one in controles],
            **wording,
        ),
        {**papers.document_of(sections, version, words), **more},
    )


def digest_of(declarations: Declarations, words: Mapping[Verdict, str] = {}) -> str:
    """Return a digest of the declarations, the tables, and the configuration's words.

    It leaves out the keys that the file does not give.
    """
    text = declarations.sections.model_dump_json(
        include={"precontrole", "champs", "tables", "controles"}, exclude_defaults=True
    )
    text += repr([sorted(declarations.tables.items()), sorted(words.items())])
    if used := versions(declarations.sections.controles):
        text += repr(used)
    return sha256(text.encode()).hexdigest()[:12]


def _in_words(value: Any, label: str) -> str:
    """Return a value of the evidence in French; a question in euros is answered by an amount."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        is_amount = re.search(r"€|\beuros?\b", label, re.IGNORECASE)
        return (french_amount if is_amount else french_number)(Decimal(str(value)))
    return said(value)

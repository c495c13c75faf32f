"""Checks answered by a person: whether that is possible, and what is done then."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from hashlib import blake2b
from typing import TYPE_CHECKING

from dsync.domain.check_answers import ANSWER, LONGEST_REASON, found_by, is_settled
from dsync.domain.dossier import Json, Presence
from dsync.domain.due import ToJudge
from dsync.domain.ids import DossierNumber
from dsync.domain.remedies import nearest
from dsync.domain.verdict import Controle, Resultat
from dsync.domain.wording import fold, one_line
from dsync.errors import ConfigurationError
from dsync.messages import kinds as k
from dsync.programme import NO_RULES
from dsync.store import NewEvent, Reader, Tx
from dsync.store.codes import EventName
from dsync.store.sql import Subject
from dsync.sync.evaluate import precheck
from dsync.sync.work import AnswerCheck, Answering, Precheck

if TYPE_CHECKING:
    # The console and commands ask what is possible: the client of DS is not loaded for it.
    from dsync.sync.context import Run


class Obstacle(StrEnum):
    """Why a check cannot be answered; the value is the sentence of commands and of the log."""

    NO_DOSSIER = "Dossier {number} is not in the copy: `dsync sync --dossier {number}` reads it."
    GONE = "Dossier {number} is not present in DS any more: there is nothing to answer."
    FINISHED = "Dossier {number} is finished, so it keeps its verdict: there is nothing to answer."
    NO_VERDICT = (
        "Dossier {number} has no verdict yet: run `dsync sync --dossier {number}`, then answer."
    )
    UNKNOWN = "Its verdict has no check « {controle} ».{meant} Its checks are {checks}."
    LEANS = (
        "« {controle} » was not examined for dossier {number}. If another check has to be settled "
        "before it, answer that one first; else it does not apply, or is left to people."
    )
    CHANGED = (
        "What « {controle} » finds for dossier {number} has changed since it was shown: look at it "
        "again with `dsync dossier show {number}`, then answer."
    )
    NO_REASON = "A reason is missing: say in a sentence what was established, and by what."
    LONG_REASON = f"A reason has {LONGEST_REASON} characters at most: shorten it."
    NO_PRODUCT = (
        "A product goes with the answer « conforme » to the check of the page{takes}: leave it out."
    )
    UNKNOWN_PRODUCT = (
        "No product of beta.gouv.fr has or had the id « {produit} ».{near} `dsync evidence show` "
        "says when the catalogue was read."
    )
    NO_ANSWER = "Nobody answered « {controle} » of dossier {number}: there is nothing to withdraw."


def shown_key(resultat: str, motif: str | None) -> str:
    """Return what a form says of the check that it shows."""
    return blake2b(f"{resultat}\0{motif or ''}".encode(), digest_size=8).hexdigest()


def obstacle(reader: Reader, work: Answering) -> Obstacle | None:
    """Return why a check cannot be answered, or its answer withdrawn; None: it can."""
    if (why := obstacles(reader, work).get(work.dossiers[0])) is not None:
        return why
    if not isinstance(work, AnswerCheck) or work.produit is None:
        return None
    if (work.controle, work.resultat) != (_product_check(reader), Resultat.CONFORME):
        return Obstacle.NO_PRODUCT
    known = _products_of(reader)
    return None if product_of(work.produit, known) else Obstacle.UNKNOWN_PRODUCT


def obstacles(reader: Reader, work: Answering) -> dict[DossierNumber, Obstacle]:
    """Return why the check of which dossiers cannot be answered."""
    found = {due.numero: due for due in reader.verdicts.for_judging(work.dossiers)}
    whys = {
        number: _obstacle(found[number], work) if number in found else Obstacle.NO_DOSSIER
        for number in work.dossiers
    }
    return {number: why for number, why in whys.items() if why is not None}


def product_of(typed: str, known: Mapping[str, str]) -> str | None:
    """Return the known product with an id, whatever its case and accents; None: there is none."""
    if typed in known:
        return typed
    same = [id_ for id_ in known if fold(id_) == fold(typed)]
    return same[0] if len(same) == 1 else None


def nearest_product(reader: Reader, typed: str) -> str:
    """Return « id » (name) of the known product most similar to a text; empty: none is similar."""
    known = _products_of(reader)
    spelt = {fold(text): id_ for id_, nom in known.items() for text in (nom, id_)}
    near = nearest(fold(typed), spelt)
    return f"« {spelt[near]} » ({known[spelt[near]]})" if near else ""


def _obstacle(due: ToJudge, work: Answering) -> Obstacle | None:
    reason = one_line(work.motif) if isinstance(work, AnswerCheck) else ""
    if isinstance(work, AnswerCheck):
        if not reason:
            return Obstacle.NO_REASON
        if len(reason) > LONGEST_REASON:
            return Obstacle.LONG_REASON
    if due.presence != Presence.PRESENT:
        return Obstacle.GONE
    if not due.is_open:
        return Obstacle.FINISHED
    if due.current is None:
        return Obstacle.NO_VERDICT
    if not isinstance(work, AnswerCheck):
        # Also of a check that is off now.
        return None if work.controle in due.answers else Obstacle.NO_ANSWER
    controle = _check_of(due, work.controle)
    if controle is None:
        return Obstacle.UNKNOWN
    if controle.resultat is Resultat.SANS_OBJET and ANSWER not in controle.preuve:
        return Obstacle.LEANS
    shown = (work.shown or {}).get(due.numero)
    if shown not in (None, shown_key(controle.resultat, controle.motif)):
        # Not where this very answer was stored by a run that was killed after it.
        given = due.answers.get(work.controle)
        said = work.resultat, reason, work.produit
        is_given = given is not None and (given.resultat, given.motif, given.produit) == said
        return None if is_given and is_settled(controle) else Obstacle.CHANGED
    return None


def _check_of(due: ToJudge, name: str) -> Controle | None:
    made = due.current.controles if due.current else ()
    return next((one for one in made if one.controle == name), None)


def explained(reader: Reader, why: Obstacle, work: Answering) -> str:
    """Return the sentence of an obstacle, with what was meant and what there is."""
    found = reader.verdicts.for_judging(work.dossiers)
    names = [one.controle for due in found if due.current for one in due.current.controles]
    meant = nearest(work.controle, names)
    takes, produit = _product_check(reader), getattr(work, "produit", None) or ""
    near = nearest_product(reader, produit) if why is Obstacle.UNKNOWN_PRODUCT else ""
    return why.format(
        takes=f", {takes}" if takes else ", and this démarche has none",
        produit=one_line(produit),
        near=f" Did you mean {near}?" if near else "",
        number=work.dossiers[0],
        controle=work.controle,
        meant=f" Did you mean « {meant} »?" if meant else "",
        checks=", ".join(names),
    )


def check(reader: Reader, work: Answering) -> None:
    """Raise a `ConfigurationError` if a check cannot be answered, or its answer withdrawn."""
    why = obstacle(reader, work)
    if why is not None:
        raise ConfigurationError(explained(reader, why, work))


def answer(run: Run, work: Answering) -> None:
    """Store an answer, or withdraw it, and judge the dossiers; the report has the comparisons.

    Raises:
        ConfigurationError: it is not possible, or nothing is judged; nothing is stored.
    """
    if run.context.judge is None:
        raise ConfigurationError(NO_RULES)
    with run.reading() as reader:
        left_out = obstacles(reader, work)
        numbers = [one for one in work.dossiers if one not in left_out]
        if not numbers or len(work.dossiers) == 1:
            check(reader, work)
        if getattr(work, "produit", None) and run.context.judge.products is None:
            # Another démarche's programme has products.
            raise ConfigurationError(explained(reader, Obstacle.NO_PRODUCT, work))
    for one in left_out:
        run.report.problem(k.Numbered(k.NumberNote.NOT_ANSWERED, one))
    with run.transaction() as tx:
        for due in tx.verdicts.for_judging(numbers):
            _store(run, tx, work, due)
    precheck(run, Precheck(tuple(numbers)))


def _store(run: Run, tx: Tx, work: Answering, due: ToJudge) -> None:
    number = due.numero
    details: dict[str, Json] = {"controle": work.controle, "resultat": None}
    if isinstance(work, AnswerCheck):
        shown = _check_of(due, work.controle)
        assert shown is not None  # noqa: S101 - as just checked, under the lease
        result, reason = Resultat(work.resultat), one_line(work.motif)
        product = None
        if work.produit is not None:
            product = product_of(work.produit, _products_of(tx))
        is_new = tx.answers.give(
            number,
            found_by(shown),
            result,
            reason,
            by=run.asked_by,
            now=run.now,
            produit=product,
        )
        details["resultat"] = result.value
        if product is not None:
            details["produit"] = product
    else:
        is_new = tx.answers.withdraw(number, work.controle, by=run.asked_by, now=run.now)
    if is_new:
        event = NewEvent(number, EventName.REPONSE, {**details, "demande_par": run.asked_by})
        tx.journal.record_events(run.id, [event], run.now)
        # By this run or the next one: also if rules are stopped, or this run is.
        tx.queue.add([number])


def _product_check(reader: Reader) -> str | None:
    part = reader.programme.products
    return None if part is None else part.check


def _products_of(reader: Subject) -> Mapping[str, str]:
    """Return the names of all known products, by id; none where dossiers are about none."""
    part = reader.programme.products
    return part.names(reader.connection) if part else {}

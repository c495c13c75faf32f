"""The client of DS's GraphQL API: one method a question, values in and out, errors of our own.

Threads: every method may be called from any thread; two calls at once use two sessions. Nothing
that gql or requests raises leaves this package.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from types import TracebackType
from typing import Any, Self, TypeVar

import msgspec

from dsync.domain.dossier import Demarche
from dsync.domain.ids import DemarcheNumber, DossierNumber
from dsync.ds import operations
from dsync.ds.classify import Fault, Refusal, error_of
from dsync.ds.demarche import (
    WriteAccess,
    attempts,
    first_dossiers_of,
    groupes_of,
    read_demarche,
    refusals_of,
)
from dsync.ds.limits import Limits
from dsync.ds.operations import Operation
from dsync.ds.push import document_of, outcomes_of
from dsync.ds.reading import (
    aliased,
    deletions_of,
    demarche_of,
    dossier_of,
    item_of,
    light_page_of,
    page_of,
)
from dsync.ds.remote import read_remote
from dsync.ds.results import (
    DeletedPage,
    DossierWrite,
    LightPage,
    ListRequest,
    Page,
    RemoteAnnotations,
    Unreadable,
    WriteOutcome,
)
from dsync.ds.retry import Patience
from dsync.ds.transport import Answer, Tell, Transport, tell_nobody
from dsync.errors import DSBadDataError, DSContractError, DSOutcomeUnknownError, DSTimeoutError

T = TypeVar("T")
EXIST_AT_ONCE = 50
ODD = (AttributeError, IndexError, KeyError, OverflowError, RecursionError, TypeError, ValueError)
"""What reading an answer raises that is not of the API's form."""


class DSClient:
    """Asks DS for one token. Close it, or use it as a context."""

    def __init__(
        self,
        url: str,
        token: str,
        *,
        user_agent: str,
        limits: Limits,
        stop: threading.Event,
        clock: Callable[[], datetime],
        tell: Tell = tell_nobody,
    ) -> None:
        self._transport = Transport(
            url, token, user_agent=user_agent, limits=limits, stop=stop, clock=clock, tell=tell
        )

    @property
    def requests(self) -> int:
        """How many requests were sent, repetitions included."""
        return self._transport.requests

    @property
    def by_operation(self) -> Counter[str]:
        """The same, by operation."""
        return self._transport.by_operation

    @property
    def errors(self) -> Counter[str]:
        """How many requests failed, by the error's class, those cured by a repetition included."""
        return self._transport.errors

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def demarche(self, number: DemarcheNumber) -> Demarche:
        """Return the démarche's form, labels and instructeurs.

        Raises:
            DSNotFoundError: DS has no such démarche.
            DSUnauthorizedError: `reason` tells which refusal.
            DSError: DS cannot be reached or does not answer as it should.
        """
        subject = f"démarche {number}"
        return self._read(
            operations.load("demarche"),
            {"number": number},
            lambda answer: read_demarche(item_of(answer, "demarche", subject)),
            subject=subject,
        )

    def read_page(
        self,
        number: DemarcheNumber,
        *,
        first: int,
        after: str | None,
        updated_since: datetime | None,
        pending: ListRequest | None = None,
        deleted: ListRequest | None = None,
    ) -> Page:
        """Return one page of dossiers by date of change, with the lists that are asked for.

        Raises:
            DSTimeoutError: ask for fewer.
            DSBadDataError: a dossier of the page cannot be rendered.
            DSError: as in `demarche`.
        """
        subject = f"démarche {number}"
        return self._read(
            operations.load("dossiers_page"),
            {
                **_page_variables(number, first, after, updated_since),
                **_list_variables(pending, deleted),
            },
            lambda answer: page_of(answer, subject, pending, deleted),
            subject=subject,
            patience=Patience.PAGE,
        )

    def read_light_page(
        self,
        number: DemarcheNumber,
        *,
        first: int,
        after: str | None,
        updated_since: datetime | None,
    ) -> LightPage:
        """Return the numbers of a page; raises as `read_page`."""
        subject = f"démarche {number}"
        return self._read(
            operations.load("dossiers_light_page"),
            _page_variables(number, first, after, updated_since),
            lambda answer: light_page_of(answer, subject),
            subject=subject,
            patience=Patience.LIGHT,
        )

    def deletions(
        self,
        number: DemarcheNumber,
        *,
        pending: ListRequest | None,
        deleted: ListRequest | None,
    ) -> tuple[DeletedPage | None, DeletedPage | None]:
        """Return a page of the pending and of the final deletions; raises as `read_page`."""
        subject = f"démarche {number}"
        return self._read(
            operations.load("deletions"),
            {"number": number, **_list_variables(pending, deleted)},
            lambda answer: deletions_of(answer, subject, pending, deleted),
            subject=subject,
        )

    def dossier(self, number: DossierNumber, demarche: DemarcheNumber) -> Page:
        """Return one dossier of a démarche, as a page of it.

        Where DS cannot render it, it is asked for once more without the objects that can break.

        Raises:
            DSNotFoundError: hidden, erased, unknown, or of another démarche that the token reaches.
            DSUnauthorizedError: with reason `scope`, of another démarche than the token's.
            DSError: as in `demarche`.
        """
        try:
            return self._alone("dossier", number, demarche)
        except DSTimeoutError:
            return Page.of(unreadable=(Unreadable(number, "timeout"),))
        except DSBadDataError as exc:
            return self.reduced_dossier(number, demarche, exc.details.get("path") or "")

    def reduced_dossier(self, number: DossierNumber, demarche: DemarcheNumber, path: str) -> Page:
        """Return a dossier without the objects that can break; raises as `dossier`.

        Args:
            number: the dossier's.
            demarche: the one that it has to be of.
            path: what DS cannot render of it, where that is known.
        """
        try:
            page = self._alone("dossier_reduced", number, demarche)
        except DSTimeoutError:
            return Page.of(unreadable=(Unreadable(number, "timeout", path),))
        except DSBadDataError as exc:
            if exc.details.get("fault") == Fault.SERVER_ERROR.value:
                self.demarche(demarche)  # Raises when it is not the dossier that fails, but DS.
            return Page.of(unreadable=(Unreadable(number, "bad_data", path),))
        return replace(page, incomplete={node.number: path for node in page.nodes})

    def _alone(self, document: str, number: DossierNumber, demarche: DemarcheNumber) -> Page:
        subject = f"dossier {number}"
        return self._read(
            operations.load(document),
            {"number": number},
            lambda answer: dossier_of(answer, subject, number, demarche),
            subject=subject,
            patience=Patience.PAGE,
        )

    def demarches_of(
        self, numbers: Sequence[DossierNumber]
    ) -> dict[DossierNumber, DemarcheNumber | None]:
        """Say of which démarche each dossier is; None where DS does not show it to this token.

        A dossier of which DS cannot say it is left out: it has one.

        Raises:
            DSTimeoutError: DS ran out of time over a single one.
            DSError: as in `demarche`.
        """
        found: dict[DossierNumber, DemarcheNumber | None] = {}
        waiting = [
            list(numbers[i : i + EXIST_AT_ONCE]) for i in range(0, len(numbers), EXIST_AT_ONCE)
        ]
        while waiting:
            chunk = waiting.pop()
            try:
                found |= self._each(chunk, operations.exist, {}, demarche_of)
            except (DSTimeoutError, DSBadDataError) as exc:
                if len(chunk) > 1:
                    half = len(chunk) // 2
                    waiting += [chunk[:half], chunk[half:]]
                elif isinstance(exc, DSTimeoutError):
                    raise
        return {number: found[number] for number in numbers if number in found}

    def read_annotations(
        self,
        numbers: Sequence[DossierNumber],
        annotation_ids: Sequence[str],
        demarche: DemarcheNumber,
    ) -> dict[DossierNumber, RemoteAnnotations | None]:
        """Return what stands in these annotations now; None for what DS shows in no such démarche.

        One request, and one more each time that DS names dossiers which it does not show.

        Raises:
            DSTimeoutError: ask for fewer.
            DSBadDataError: a dossier cannot be rendered; ask for fewer.
            DSError: as in `demarche`.
        """
        ids = list(dict.fromkeys(annotation_ids))
        nodes = self._each(
            numbers,
            lambda count: operations.read_annotations(count, len(ids)),
            {f"annotation{k}": id_ for k, id_ in enumerate(ids)},
            lambda node: read_remote(node) if demarche_of(node) == demarche else None,
        )
        return nodes

    def write_access(self, demarche: DemarcheNumber, instructeur_id: str) -> WriteAccess:
        """Try on one dossier of each groupe whether annotations may be written; writes none.

        Raises:
            DSError: as in `demarche`, or DS did not answer the attempt.
        """
        subject = f"démarche {demarche}"
        groupes = self._read(
            operations.load("groupes"),
            {"number": demarche},
            lambda answer: groupes_of(answer, subject),
            subject=subject,
        )
        refusals: dict[str, Refusal | None] = {}
        every = list(groupes)
        for start in range(0, len(every), EXIST_AT_ONCE):
            numbers = every[start : start + EXIST_AT_ONCE]
            dossiers = self._read(
                operations.groupe_dossiers(len(numbers)),
                {f"number{i}": number for i, number in enumerate(numbers)},
                partial(first_dossiers_of, count=len(numbers), subject=subject),
                subject=subject,
            )
            tried = {groupes[n]: id_ for n, id_ in zip(numbers, dossiers, strict=True) if id_}
            if tried:
                answer = self._transport.write(
                    operations.push(((True, 0, 0),) * len(tried)),
                    attempts(list(tried.values()), instructeur_id),
                )
                refusals |= dict(zip(tried, refusals_of(answer, len(tried)), strict=True))
        return WriteAccess(
            tuple(label for label, refusal in refusals.items() if refusal is None),
            {label: refusal for label, refusal in refusals.items() if refusal},
            tuple(label for label in groupes.values() if label not in refusals),
        )

    def push(self, writes: Sequence[DossierWrite]) -> list[WriteOutcome]:
        """Write into several dossiers by one document, and say what became of each.

        Never repeated. A value that is not of its annotation's type is refused here, for DS would
        refuse all for it.

        Raises:
            DSOutcomeUnknownError: nothing is known of any of them.
            DSError: nothing was written.
            InterruptedRunError: nothing was sent.
        """
        document = document_of(writes)
        if not document.writes:
            return outcomes_of(None, document, writes)
        answer = self._transport.write(document.operation, document.variables)
        try:
            return outcomes_of(answer, document, writes)
        except ODD as exc:
            raise DSOutcomeUnknownError(
                "DS's answer to a write has not the API's form; it is read back before anything "
                "else.",
                fault="shape",
            ) from exc

    def _each(
        self,
        numbers: Sequence[DossierNumber],
        operation: Callable[[int], Operation],
        variables: Mapping[str, Any],
        read: Callable[[Mapping[str, Any]], T],
    ) -> dict[DossierNumber, T | None]:
        """Ask for dossiers under aliases; those that DS does not show are None."""
        result: dict[DossierNumber, T | None] = {}
        waiting = list(dict.fromkeys(numbers))
        while waiting:
            asked = waiting

            def interpret(
                answer: Answer, count: int = len(asked)
            ) -> tuple[dict[int, T], frozenset[int], bool]:
                there, gone, is_all = aliased(answer, count)
                return {i: _value(read, i, node) for i, node in there.items()}, gone, is_all

            there, gone, is_all = self._read(
                operation(len(asked)),
                {**{f"number{i}": number for i, number in enumerate(asked)}, **variables},
                interpret,
                subject="dossiers",
            )
            result.update({asked[i]: None for i in gone})
            result.update({asked[i]: value for i, value in there.items()})
            if is_all:
                break
            waiting = [number for i, number in enumerate(asked) if i not in gone]
        return result

    def _read(
        self,
        operation: Operation,
        variables: Mapping[str, Any],
        interpret: Callable[[Answer], T],
        *,
        subject: str,
        patience: Patience = Patience.USUAL,
    ) -> T:
        def checked(answer: Answer) -> T:
            try:
                return interpret(answer)
            except ODD as exc:
                raise DSContractError(
                    f"DS's answer about {subject} has not the API's form "
                    f"({type(exc).__name__}). Upgrade dsync, or tell its maintainers.",
                    fault="shape",
                ) from exc

        return self._transport.read(
            operation, variables, checked, subject=subject, patience=patience
        )


def _value(read: Callable[[Mapping[str, Any]], T], place: int, node: msgspec.Raw) -> T:
    """Read one dossier of several.

    Raises:
        DSBadDataError: it is not of the API's form; the others may be.
    """
    try:
        return read(msgspec.json.decode(node, type=dict[str, Any]))
    except ODD as exc:
        raise error_of(Fault.BAD_DATA, subject="a dossier", position=place) from exc


def _page_variables(
    number: DemarcheNumber, first: int, after: str | None, updated_since: datetime | None
) -> dict[str, Any]:
    if first < 1:
        # DS answers `first: 0` by an empty page that promises more, for ever.
        raise ValueError("a page holds at least one dossier")
    since = updated_since.isoformat() if updated_since else None
    return {"number": number, "first": first, "after": after, "updatedSince": since}


def _list_variables(pending: ListRequest | None, deleted: ListRequest | None) -> dict[str, Any]:
    variables: dict[str, Any] = {}
    for name, request in (("pending", pending), ("deleted", deleted)):
        variables[f"with{name.capitalize()}"] = request is not None
        if request is not None:
            variables[f"{name}Since"] = request.since.isoformat() if request.since else None
            variables[f"{name}After"] = request.after
    return variables

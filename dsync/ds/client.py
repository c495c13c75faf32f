"""The client of DS's GraphQL API: one method for each request.

All methods are thread-safe. Exceptions of gql and requests do not leave this package.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

import msgspec

from dsync.annotations.plan import Remote
from dsync.domain.dossier import Anomaly, Demarche, Dossier
from dsync.domain.ids import DemarcheNumber, DossierNumber
from dsync.domain.pieces import PieceKey, RemoteFile
from dsync.ds import operations
from dsync.ds.answers import (
    aliased,
    deletions_of,
    demarche_of,
    files_of,
    glance_page_of,
    item_of,
    light_page_of,
    page_of,
)
from dsync.ds.classify import Refusal, error_of
from dsync.ds.demarche_reading import (
    WriteAccess,
    attempts,
    first_dossiers_of,
    groupes_of,
    read_demarche,
    refusals_of,
)
from dsync.ds.dossier_reading import MAPS, PATH_OF_MAPS, read_dossier, to_omit
from dsync.ds.limits import RetryPolicy
from dsync.ds.operations import Operation
from dsync.ds.results import (
    DeletedPage,
    GlancePage,
    LightPage,
    ListRequest,
    Page,
    Unreadable,
)
from dsync.ds.transport import SHAPE_ERRORS, Transport, first_sentence
from dsync.ds.write_document import (
    DossierWrite,
    WriteOutcome,
    in_order,
    outcomes_of,
    read_remote,
    variables_of,
)
from dsync.errors import (
    DSBadDataError,
    DSOutcomeUnknownError,
    DSRateLimitedError,
    DSTimeoutError,
)
from dsync.messages import kinds as k
from dsync.messages.kinds import Fault

T = TypeVar("T")
DOSSIERS_PER_REQUEST = 50
"""Of those that are requested by their numbers: DS has 30 s for all of a document."""
MAX_TIMEOUTS_IN_A_ROW = 3
"""After this many single dossiers in a row have timed out, DS is slow and not the dossiers."""


class DSClient(Transport):
    """What dsync asks of DS, a method each, with one token; close it.

    Each method raises `DSUnauthorizedError` if DS refuses the token, another `DSError` if it cannot
    be reached or its answer does not match the API, and `InterruptedRunError` if `stop` was set;
    what else is to be expected stands at the method.
    """

    def doubt(self, number: DemarcheNumber, *, at_once: bool) -> None:
        """Ask for little, with a short deadline, before what follows a silence of DS.

        `number` is of the démarche to ask about; `at_once`: also before the next request.
        """
        variables = {**_page_variables(number, 1, None, None), "withNumbers": False}
        self.ask_first(operations.load("dossiers_light_page").asking(variables), at_once=at_once)

    def demarche(self, number: DemarcheNumber) -> Demarche:
        """Return the démarche's form, labels and instructeurs.

        Raises:
            DSNotFoundError: DS has no such démarche.
        """
        return self.read(
            operations.load("demarche"),
            {"number": number},
            lambda answer: read_demarche(item_of(answer, "demarche"), number),
            subject=k.Requested(k.Thing.DEMARCHE, number),
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
        """Return one page of dossiers in the order of their last change.

        A page has 1 to 100 dossiers; `after` is the cursor of the page before. Without
        `updated_since` all dossiers are listed, by date of deposit. `pending` and `deleted` are the
        pages of the hidden and of the erased dossiers to request with it.

        Raises:
            DSTimeoutError: DS timed out; request fewer dossiers.
            DSBadDataError: DS cannot render a dossier of the page.
        """
        return self.read(
            operations.load("dossiers_page"),
            {
                **_page_variables(number, first, after, updated_since),
                **_list_variables(pending, deleted),
            },
            lambda answer: page_of(answer, first, pending, deleted),
            subject=k.Requested(k.Thing.DEMARCHE, number),
            policy=RetryPolicy.PAGE,
        )

    def read_light_page(
        self,
        number: DemarcheNumber,
        *,
        first: int,
        after: str | None,
        updated_since: datetime | None,
        has_numbers: bool = True,
    ) -> LightPage:
        """Return only the numbers of a page's dossiers; without `has_numbers`, only its cursor.

        The other arguments, and what is raised, are as of `read_page`.
        """
        variables = _page_variables(number, first, after, updated_since)
        return self.read(
            operations.load("dossiers_light_page"),
            variables if has_numbers else {**variables, "withNumbers": False},
            lambda answer: light_page_of(answer, first, has_numbers=has_numbers),
            subject=k.Requested(k.Thing.DEMARCHE, number),
            policy=RetryPolicy.LIGHT,
        )

    def read_glance_page(
        self,
        number: DemarcheNumber,
        *,
        first: int,
        after: str | None,
        updated_since: datetime | None,
    ) -> GlancePage:
        """Return what shows whether a page's dossiers have changed; as `read_light_page`."""
        return self.read(
            operations.load("dossiers_glance_page"),
            _page_variables(number, first, after, updated_since),
            lambda answer: glance_page_of(answer, first),
            subject=k.Requested(k.Thing.DEMARCHE, number),
            policy=RetryPolicy.PAGE,
        )

    def deletions(
        self,
        number: DemarcheNumber,
        *,
        pending: ListRequest | None,
        deleted: ListRequest | None,
    ) -> tuple[DeletedPage | None, DeletedPage | None]:
        """Return a page of the hidden and of the erased dossiers, None for one not requested."""
        return self.read(
            operations.load("deletions"),
            {"number": number, **_list_variables(pending, deleted)},
            lambda answer: deletions_of(answer, pending, deleted),
            subject=k.Requested(k.Thing.DEMARCHE, number),
        )

    def dossiers(
        self,
        numbers: Iterable[DossierNumber],
        demarche: DemarcheNumber,
        broken: Mapping[DossierNumber, str] | None = None,
    ) -> Page:
        """Return dossiers of a démarche as one page, without those that DS does not show.

        One of another démarche is left out, too. Of one that DS cannot render, the parts that fail
        are left out; `broken` has the paths of what it could not render before.

        Raises:
            DSTimeoutError: DS timed out on several single dossiers in a row.
        """
        nodes: list[Dossier] = []
        unreadable: list[Unreadable] = []
        incomplete: dict[DossierNumber, str] = {}
        told = dict(broken or {})
        waiting: dict[frozenset[str], list[DossierNumber]] = {}

        def ask(number: DossierNumber, omitted: frozenset[str] | None) -> None:
            if omitted is None:
                unreadable.append(Unreadable(number, Anomaly.BAD_DATA, told[number]))
            else:
                waiting.setdefault(omitted, []).append(number)

        for number in dict.fromkeys(numbers):
            ask(number, to_omit(told[number]) if number in told else frozenset())
        while waiting:
            omitted, asked = waiting.popitem()
            found, lost, slow = self._read_rendered(
                asked,
                demarche,
                partial(operations.of_several, "dossier"),
                dict.fromkeys(omitted, False),
                bytes,
                RetryPolicy.PAGE,
            )
            unreadable += [Unreadable(n, Anomaly.TIMEOUT, told.get(n, "")) for n in slow]
            for number, path in lost.items():
                paths = (told.get(number, ""), path)
                told[number] = ", ".join(dict.fromkeys(filter(None, paths)))
                if number not in found:
                    ask(number, to_omit(path, omitted))
            for number, node in found.items():
                one = read_dossier(node, number) if node else None
                if isinstance(one, Unreadable):
                    unreadable.append(one)
                elif one and one.number != number:
                    unreadable.append(Unreadable(number, Anomaly.IDENTITE, "number"))
                # The token can read several démarches.
                elif one and one.demarche_number == demarche:
                    nodes.append(one)
                    if number in told:
                        incomplete[number] = told[number] or PATH_OF_MAPS * (omitted == MAPS)
        return Page.of(*nodes, unreadable=tuple(unreadable), incomplete=incomplete)

    def piece_files(
        self, number: DossierNumber, demarche: DemarcheNumber
    ) -> dict[PieceKey, RemoteFile]:
        """Return the files that DS offers of a dossier, with fresh addresses.

        Raises:
            DSNotFoundError: the dossier is hidden, erased, unknown, or of another démarche.
            DSBadDataError: DS cannot render it.
        """
        return self.read(
            operations.load("pieces"),
            {"number": number},
            lambda answer: files_of(answer, demarche),
            subject=k.Requested(k.Thing.DOSSIER, number),
        )

    def demarches_of(
        self, numbers: Sequence[DossierNumber], asked_by: DemarcheNumber
    ) -> dict[DossierNumber, DemarcheNumber | None]:
        """Return each dossier's démarche; None where DS does not show the dossier to this token.

        A dossier that DS cannot render is left out: it exists, its démarche is not known.
        `asked_by` is the démarche that this token reads.

        Raises:
            DSTimeoutError: DS timed out on several single dossiers in a row.
        """
        found, _, _ = self._read_rendered(
            numbers, asked_by, partial(operations.of_several, "exist"), {}, _of_json(demarche_of)
        )
        return found

    def read_annotations(
        self,
        numbers: Sequence[DossierNumber],
        annotation_ids: Sequence[str],
        demarche: DemarcheNumber,
    ) -> dict[DossierNumber, Remote | None]:
        """Return the current values of annotations; None for a dossier that DS does not show.

        A dossier of another démarche counts as not shown. This takes one request, and a further one
        whenever DS names dossiers that it does not show.

        Raises:
            DSTimeoutError: DS timed out; request fewer dossiers.
            DSBadDataError: DS cannot render a dossier; request fewer.
        """
        found, broken = self._read_several(numbers, *_annotations(annotation_ids, demarche))
        if broken:
            raise error_of(Fault.BAD_DATA, subject=k.Requested(k.Thing.ONE))
        return found

    def rendered_annotations(
        self,
        numbers: Sequence[DossierNumber],
        annotation_ids: Sequence[str],
        demarche: DemarcheNumber,
    ) -> dict[DossierNumber, Remote | None]:
        """Return what `read_annotations` does, in as many requests as it takes.

        A dossier that DS cannot render is left out. The arguments are those of `read_annotations`.

        Raises:
            DSTimeoutError: DS timed out on several single dossiers in a row.
        """
        found, broken, _ = self._read_rendered(
            numbers, demarche, *_annotations(annotation_ids, demarche)
        )
        return {number: one for number, one in found.items() if number not in broken}

    def write_access(self, demarche: DemarcheNumber, instructeur_id: str) -> WriteAccess:
        """Return in which groupes annotations may be written.

        It is tried on one dossier of each groupe with a mutation without annotations, which changes
        nothing.

        Raises:
            DSError: also if DS did not answer an attempt.
        """
        subject = k.Requested(k.Thing.DEMARCHE, demarche)
        groupes = self.read(
            operations.load("groupes"),
            {"number": demarche},
            groupes_of,
            subject=subject,
        )
        refusals: dict[str, Refusal | None] = {}
        every = list(groupes)
        for start in range(0, len(every), DOSSIERS_PER_REQUEST):
            numbers = every[start : start + DOSSIERS_PER_REQUEST]
            dossiers = self.read(
                operations.of_several("groupe_dossier", len(numbers)),
                {f"number{i}": number for i, number in enumerate(numbers)},
                partial(first_dossiers_of, count=len(numbers)),
                subject=subject,
            )
            tried = {groupes[n]: id_ for n, id_ in zip(numbers, dossiers, strict=True) if id_}
            if tried:
                attempt = operations.push(((True, 0, 0),) * len(tried))
                answer = self.execute(
                    attempt.asking(attempts(list(tried.values()), instructeur_id)),
                    policy=RetryPolicy.USUAL,  # It overwrites nothing.
                )
                refusals |= dict(zip(tried, refusals_of(answer, len(tried)), strict=True))
        return WriteAccess(
            tuple(label for label, refusal in refusals.items() if refusal is None),
            {label: refusal for label, refusal in refusals.items() if refusal},
            tuple(label for label in groupes.values() if label not in refusals),
        )

    def push(
        self, writes: Sequence[DossierWrite], not_after: datetime | None = None
    ) -> list[WriteOutcome]:
        """Write into several dossiers with one mutation document; return one outcome for each.

        The request is never repeated, also after a 429: during the wait a human can edit what it
        overwrites. Nothing is sent after `not_after`.

        Raises:
            DSOutcomeUnknownError: the outcome of all of them is unknown.
            DSRateLimitedError: nothing was written, after a 429 or because it is too late; the
                next request waits for the limit's end.
            DSError: nothing was written.
            InterruptedRunError: nothing was sent.
        """
        ordered = in_order(writes)
        operation = operations.push(tuple(write.shape for write in ordered))
        try:
            answer = self.execute(operation.asking(variables_of(ordered)), not_after=not_after)
        except DSRateLimitedError as exc:
            if exc.retry_at is not None:
                self._notify_failure(
                    f"{first_sentence(exc)} The current values are read again after the wait.",
                    error=type(exc).__name__,
                )
            raise
        try:
            return outcomes_of(answer, ordered)
        except SHAPE_ERRORS as exc:
            raise DSOutcomeUnknownError(
                k.Noted(k.Note.OUTCOME_UNREADABLE),
                fault="shape",
            ) from exc

    def _read_rendered(
        self,
        numbers: Sequence[DossierNumber],
        demarche: DemarcheNumber,
        operation: Callable[[int], Operation],
        variables: Mapping[str, Any],
        read: Callable[[msgspec.Raw], T | None],
        policy: RetryPolicy = RetryPolicy.USUAL,
    ) -> tuple[dict[DossierNumber, T | None], dict[DossierNumber, str], list[DossierNumber]]:
        """Request dossiers as `_read_several` does, in as many requests as it takes.

        Return also the dossiers on which DS timed out.
        """
        found: dict[DossierNumber, T | None] = {}
        broken: dict[DossierNumber, str] = {}
        slow: list[DossierNumber] = []
        size = DOSSIERS_PER_REQUEST
        waiting = [numbers[start : start + size] for start in range(0, len(numbers), size)]
        is_up = False
        slow_in_a_row = 0
        while waiting:
            chunk = waiting.pop()
            try:
                more, lost = self._read_several(chunk, operation, variables, read, policy)
            except (DSTimeoutError, DSBadDataError) as exc:
                if exc.details.get("fault") == Fault.SERVER_ERROR and not is_up:
                    # An internal error can also be an outage, in which each half would fail, too:
                    # this request then fails.
                    self.read_light_page(
                        demarche, first=1, after=None, updated_since=None, has_numbers=False
                    )
                    is_up = True
                # One dossier can make the whole request fail, so halves are asked for.
                if half := len(chunk) // 2:
                    waiting += [chunk[:half], chunk[half:]]
                elif isinstance(exc, DSTimeoutError):
                    slow_in_a_row += 1
                    if slow_in_a_row >= MAX_TIMEOUTS_IN_A_ROW:
                        raise
                    slow += chunk
                else:
                    broken[chunk[0]] = ""
            else:
                slow_in_a_row = 0
                found |= more
                broken |= lost
        return {number: found[number] for number in numbers if number in found}, broken, slow

    def _read_several(
        self,
        numbers: Sequence[DossierNumber],
        operation: Callable[[int], Operation],
        variables: Mapping[str, Any],
        read: Callable[[msgspec.Raw], T | None],
        policy: RetryPolicy = RetryPolicy.USUAL,
    ) -> tuple[dict[DossierNumber, T | None], dict[DossierNumber, str]]:
        """Request dossiers under aliases, as often as DS names some that it fails on.

        Return them, None for those that DS does not show; and the paths of what it could not render
        of some, "" where that is not known.
        """
        result: dict[DossierNumber, T | None] = {}
        broken: dict[DossierNumber, str] = {}
        waiting = list(dict.fromkeys(numbers))
        while waiting:
            answer = self.read(
                operation(len(waiting)),
                {**{f"number{i}": number for i, number in enumerate(waiting)}, **variables},
                partial(aliased, count=len(waiting)),
                subject=k.Requested(k.Thing.DOSSIERS),
                policy=policy,
            )
            result.update({waiting[i]: None for i in answer.gone})
            broken |= {waiting[i]: path for i, path in answer.broken.items()}
            for i, node in answer.there.items():
                try:
                    result[waiting[i]] = read(node)
                except SHAPE_ERRORS:
                    broken[waiting[i]] = ""
            if answer.is_all:
                break
            waiting = [n for n in waiting if n not in result and n not in broken]
        return result, broken


def _annotations(
    annotation_ids: Sequence[str], demarche: DemarcheNumber
) -> tuple[Callable[[int], Operation], dict[str, str], Callable[[msgspec.Raw], Remote | None]]:
    """Return what `_read_several` takes in order to read a démarche's annotations."""
    ids = list(dict.fromkeys(annotation_ids))
    return (
        lambda count: operations.read_annotations(count, len(ids)),
        {f"annotation{k}": id_ for k, id_ in enumerate(ids)},
        _of_json(lambda node: read_remote(node) if demarche_of(node) == demarche else None),
    )


def _of_json(read: Callable[[Mapping[str, Any]], T]) -> Callable[[msgspec.Raw], T]:
    return lambda node: read(msgspec.json.decode(node, type=dict[str, Any]))


def _page_variables(
    number: DemarcheNumber, first: int, after: str | None, updated_since: datetime | None
) -> dict[str, Any]:
    if first < 1:
        # DS answers `first: 0` with an empty page and `hasNextPage: true`: reading would not end.
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

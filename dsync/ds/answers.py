"""Readers of the answers to queries: they return results, or raise the error of a failed part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

import msgspec
from msgspec import Raw, Struct
from msgspec.json import Decoder

from dsync.domain.dossier import Anomaly, DeletedDossier, Dossier, Etat, Glance
from dsync.domain.ids import DemarcheNumber, DossierNumber, RevisionId
from dsync.domain.pieces import PieceKey, RemoteFile
from dsync.ds.classify import GraphError, error_of, fault_of_error, fault_of_errors
from dsync.ds.dossier_reading import (
    MAX_DOSSIER_BYTES,
    name_of,
    read_dossier,
    utc,
)
from dsync.ds.nodes import NULL, EmailNode, IdNode, LabelNode, NameNode, Number, NumberNode
from dsync.ds.results import (
    DeletedPage,
    GlancePage,
    LightPage,
    ListRequest,
    Page,
    Unreadable,
)
from dsync.ds.transport import GraphAnswer
from dsync.errors import DSContractError
from dsync.exchanges import MIB
from dsync.messages import kinds as k
from dsync.messages.kinds import Fault

T = TypeVar("T")

DELETIONS = "deletions"
"""Value of `details["where"]` in errors of the lists of deletions, not of the page."""
DELETIONS_PER_PAGE = 100
"""As many entries of each list as `queries/*.graphql` request."""
_LISTS = ("pendingDeletedDossiers", "deletedDossiers")
_NODES = ["demarche", "dossiers", "nodes"]
_HIDDEN = frozenset({Fault.OUT_OF_SCOPE, Fault.NOT_FOUND})


class _PageInfo(Struct, rename="camel"):
    end_cursor: str | None = None
    has_next_page: bool | None = None


class _ListPage(Struct, rename="camel"):
    """A page of a list; its nodes stay JSON, so that an invalid one does not prevent the others."""

    page_info: _PageInfo
    nodes: list[Raw] | None = None


class _Demarche(Struct, rename="camel"):
    """The démarche with the requested lists."""

    active_revision: Raw = NULL
    dossiers: _ListPage | None = None
    pending_deleted_dossiers: Raw = NULL
    deleted_dossiers: Raw = NULL


class _Data(Struct):
    demarche: _Demarche | None = None


class _GlanceNode(Struct, rename="camel"):
    number: Number
    state: Etat
    archived: bool
    groupe_instructeur: LabelNode
    instructeurs: list[EmailNode]
    revision: IdNode
    labels: list[NameNode]
    date_derniere_modification: datetime
    date_derniere_modification_champs: datetime
    date_derniere_modification_annotations: datetime


class _Deleted(Struct, rename="camel"):
    number: Number
    state: Etat
    reason: str
    date_supression: datetime


_data_of = Decoder(_Data).decode
_aliases_of = Decoder(dict[str, Raw]).decode


def page_of(
    answer: GraphAnswer,
    first: int,
    pending: ListRequest | None,
    deleted: ListRequest | None,
) -> Page:
    """Return a page of dossiers; a null node is an unreadable dossier without a number.

    The other dossiers stay JSON, so that the next page can be requested before `read_nodes`
    converts them.

    `pending` and `deleted` are the requested pages of the hidden and of the erased dossiers.

    Raises:
        DSTimeoutError: DS timed out, or the page is larger than any dossier may be.
        DSBadDataError: DS cannot render the page.
        DSContractError: there are more dossiers than were requested, or a requested list is
            missing, or its cursor does not lead on.
        DSError: DS refuses the démarche.
    """
    # Its values were counted with the answer's.
    if first > 1 and answer.raw is not None and len(memoryview(answer.raw)) > MAX_DOSSIER_BYTES:
        limit = f"{MAX_DOSSIER_BYTES / MIB:g} MiB"
        raise error_of(Fault.TOO_LONG, subject=answer.subject, limit=limit)
    demarche = _demarche(answer)
    errors = _without_entries(answer.errors)
    _raise_for_lists(errors)
    raws, info = _listed(demarche.dossiers, first, answer.subject)
    paths = _paths(errors, len(raws))
    unread: list[Raw] = []
    unreadable: list[Unreadable] = []
    order: list[DossierNumber | None] = []
    incomplete: dict[DossierNumber, str] = {}
    for place, raw in enumerate(raws):
        path = ", ".join(dict.fromkeys(paths.get(place, ())))
        number, id_ = name_of(raw)
        if number is not None:
            unread.append(raw)
        else:
            unreadable.append(
                Unreadable(None, Anomaly.BAD_DATA, path)
                if raw == NULL
                else Unreadable(None, Anomaly.ILLISIBLE, "number", dossier_id=id_)
            )
        order.append(number)
        if number is not None and path:
            incomplete[number] = path
    active = _read(IdNode, demarche.active_revision)
    return Page(
        nodes=[],
        unread=tuple(unread),
        end_cursor=info.end_cursor,
        has_next=bool(info.has_next_page),
        server_date=answer.server_date,
        active_revision_id=RevisionId(active.id) if active else None,
        pending=_deleted_page(demarche.pending_deleted_dossiers, pending),
        deleted=_deleted_page(demarche.deleted_dossiers, deleted),
        unreadable=tuple(unreadable),
        incomplete=incomplete,
        order=tuple(order),
    )


def read_nodes(page: Page) -> Page:
    """Return the page with its JSON converted; a dossier that does not match is unreadable."""
    read = [read_dossier(bytes(raw)) for raw in page.unread]
    unreadable = [one for one in read if isinstance(one, Unreadable)]
    gone = {one.number for one in unreadable}
    return replace(
        page,
        nodes=[*(one for one in read if isinstance(one, Dossier)), *page.nodes],
        unread=(),
        unreadable=(*page.unreadable, *unreadable),
        incomplete={n: path for n, path in page.incomplete.items() if n not in gone},
    )


def _paths(errors: Sequence[GraphError], count: int) -> dict[int, list[str]]:
    """Return the paths of the fields that DS could not render, by the dossier's index in the page.

    A champ with a link to a dossier outside the token's scope is left out: its `dossier` is null,
    which is correct.
    """
    # The cursor is past the dossiers that DS did not reach: what it has of the page cannot be used.
    if any(fault_of_error(error, has_data=True) is Fault.TIMEOUT for error in errors):
        raise error_of(Fault.TIMEOUT, subject=k.Requested(k.Thing.PAGE))
    paths: dict[int, list[str]] = {}
    for error in errors:
        is_inside = error.path[: len(_NODES)] == _NODES and len(error.path) > len(_NODES)
        place = error.path[len(_NODES)] if is_inside else None
        # An error that belongs to no dossier leaves all of the page in doubt.
        if not isinstance(place, int) or not 0 <= place < count:
            raise error_of(Fault.BAD_DATA, subject=k.Requested(k.Thing.PAGE))
        if not _is_link(error):
            paths.setdefault(place, []).append(_path_of(error.path[len(_NODES) + 1 :]))
    return paths


def _path_of(path: Sequence[object]) -> str:
    """Format a path, such as `champs[3].address.label`."""
    parts = [f"[{key}]" if isinstance(key, int) else f".{key}" for key in path]
    return "".join(parts).removeprefix(".")


def light_page_of(answer: GraphAnswer, first: int, *, has_numbers: bool = True) -> LightPage:
    """Return a page of numbers, at most `first`; without nodes, of one that has none."""
    connection = _demarche(answer).dossiers
    if connection and not has_numbers:
        connection.nodes = [NULL]
    raws, info = _listed(connection, first, answer.subject)
    _paths(answer.errors, len(raws))
    nodes = [_read(NumberNode, raw) for raw in raws]
    numbers = tuple(DossierNumber(node.number) if node else None for node in nodes)
    return LightPage(numbers, info.end_cursor, bool(info.has_next_page), answer.server_date)


def glance_page_of(answer: GraphAnswer, first: int) -> GlancePage:
    """Return a page of glances, at most `first`."""
    raws, info = _listed(_demarche(answer).dossiers, first, answer.subject)
    broken = _paths(answer.errors, len(raws))
    glances = tuple(
        None if place in broken else _glance(_read(_GlanceNode, raw))
        for place, raw in enumerate(raws)
    )
    return GlancePage(glances, info.end_cursor, bool(info.has_next_page), answer.server_date)


def _glance(node: _GlanceNode | None) -> Glance | None:
    if node is None:
        return None
    return Glance(
        number=DossierNumber(node.number),
        etat=node.state,
        archive=node.archived,
        revision_id=RevisionId(node.revision.id),
        date_derniere_modification=utc(node.date_derniere_modification),
        date_derniere_modification_champs=utc(node.date_derniere_modification_champs),
        date_derniere_modification_annotations=utc(node.date_derniere_modification_annotations),
        groupe_instructeur=node.groupe_instructeur.label or None,
        instructeurs=frozenset(one.email for one in node.instructeurs if one.email),
        labels=frozenset(one.name for one in node.labels if one.name),
    )


def deletions_of(
    answer: GraphAnswer,
    pending: ListRequest | None,
    deleted: ListRequest | None,
) -> tuple[DeletedPage | None, DeletedPage | None]:
    """Return a page of each requested list."""
    demarche = _demarche(answer)
    _raise_for_lists(_without_entries(answer.errors))
    return (
        _deleted_page(demarche.pending_deleted_dossiers, pending),
        _deleted_page(demarche.deleted_dossiers, deleted),
    )


def demarche_of(node: Mapping[str, Any]) -> DemarcheNumber:
    """Return the number of a dossier's démarche."""
    return DemarcheNumber(node["demarche"]["number"])


def files_of(answer: GraphAnswer, demarche: DemarcheNumber) -> dict[PieceKey, RemoteFile]:
    """Return the files of a dossier; one that is listed twice in a champ is there once.

    Raises:
        DSNotFoundError: it is hidden, erased, unknown, or of another démarche.
    """
    node = item_of(answer, "dossier")
    if demarche_of(node) != demarche:
        raise error_of(Fault.NOT_FOUND, subject=answer.subject)
    return {
        PieceKey(champ["champDescriptorId"], ligne, file["checksum"] or ""): RemoteFile(
            file["url"], file["virusScanResult"] or ""
        )
        for ligne, champ in _champs(node)
        for file in champ.get("files") or ()
    }


def _champs(node: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield each champ and annotation with the id of its row, "" outside repetitions."""
    for champ in [*node["champs"], *node["annotations"]]:
        yield "", champ
        for row in champ.get("rows") or ():
            for cell in row["champs"]:
                yield row["id"], cell


def item_of(answer: GraphAnswer, field: str) -> Any:
    """Return the object in a field of `data`.

    Raises:
        DSError: the field is null, or the answer has an error.
    """
    node = (answer.data or {}).get(field)
    if node is None or answer.errors:
        raise error_of(
            fault_of_errors(answer.errors, has_data=node is not None) or Fault.NO_DATA,
            subject=answer.subject,
        )
    return node


class Aliased(NamedTuple):
    """The dossiers of an answer with the aliases `d0`, `d1`, …, by their index."""

    there: dict[int, Raw]
    gone: frozenset[int]
    """Those that DS does not show."""
    broken: dict[int, str]
    """Paths of what DS could not render; what it has of them all the same is in `there`."""
    is_all: bool
    """Whether the others need not be requested again."""


def aliased(answer: GraphAnswer, count: int) -> Aliased:
    """Split an answer with the aliases `d0`, `d1`, … into its dossiers.

    One dossier that DS does not show, or cannot render, makes the whole `data` null, because
    `dossier` is non-null in the schema: the other dossiers then have to be requested again.

    Raises:
        DSTimeoutError: DS timed out.
        DSBadDataError: DS fails, and does not say on which of them.
    """
    gone: set[int] = set()
    paths: dict[int, list[str]] = {}
    has_data = answer.raw is not None
    for error in answer.errors:
        fault, index = fault_of_error(error, has_data=has_data), _alias_index(error, count)
        if index is None or fault not in {*_HIDDEN, Fault.BAD_DATA}:
            gravest = fault_of_errors(answer.errors, has_data=has_data)
            raise error_of(
                gravest if gravest and gravest not in _HIDDEN else Fault.BAD_DATA,
                subject=k.Requested(k.Thing.ONE),
            )
        if fault is Fault.BAD_DATA:
            paths.setdefault(index, []).append(_path_of(error.path[1:]))
        elif not _is_link(error):
            gone.add(index)
    nodes = _aliases_of(answer.raw) if answer.raw is not None else {}
    there = {i: nodes[f"d{i}"] for i in range(count) if nodes.get(f"d{i}", NULL) != NULL}
    if answer.raw is not None:
        paths |= {i: [] for i in {*range(count)} - there.keys() - gone - paths.keys()}
    elif not (gone or paths):
        raise error_of(Fault.BAD_DATA, subject=k.Requested(k.Thing.ONE))
    broken = {i: ", ".join(dict.fromkeys(several)) for i, several in paths.items()}
    return Aliased(there, frozenset(gone), broken, answer.raw is not None)


def _alias_index(error: GraphError, count: int) -> int | None:
    head = str(error.path[0]) if error.path else ""
    index = int(head[1:]) if head.startswith("d") and head[1:].isdigit() else -1
    return index if 0 <= index < count else None


def _demarche(answer: GraphAnswer) -> _Demarche:
    found = _data_of(answer.raw).demarche if answer.raw is not None else None
    if found is None:
        raise error_of(answer.fault or Fault.NO_DATA, subject=answer.subject)
    return found


def _listed(
    connection: _ListPage | None, first: int, subject: k.Requested
) -> tuple[list[Raw], _PageInfo]:
    if connection is None or connection.nodes is None:
        raise error_of(Fault.BAD_DATA, subject=k.Requested(k.Thing.PAGE))
    if len(connection.nodes) > first:
        raise error_of(Fault.TOO_MANY_NODES, subject=subject)
    return connection.nodes, connection.page_info


def _read(kind: type[T], raw: Raw) -> T | None:
    """Decode an object, None when it does not match its type."""
    try:
        return msgspec.json.decode(raw, type=kind)
    except (ValueError, RecursionError):
        return None


def _is_link(error: GraphError) -> bool:
    """Return whether an error only says that a champ links to a dossier outside the scope."""
    is_inside = "champs" in error.path or "annotations" in error.path
    fault = fault_of_error(error, has_data=True)
    return is_inside and error.path[-1:] == ["dossier"] and fault in _HIDDEN


def _without_entries(errors: Sequence[GraphError]) -> list[GraphError]:
    """Leave out the errors that concern one entry of a list of deletions.

    DS returns null in its place, which counts as an unreadable entry. Not after a time-out: the
    entries that DS did not reach are null too, and the list's cursor is past them.
    """

    def is_of_entry(error: GraphError) -> bool:
        is_inside = len(error.path) > 3 and error.path[1] in _LISTS and error.path[2] == "nodes"
        return is_inside and fault_of_error(error, has_data=True) is not Fault.TIMEOUT

    return [error for error in errors if not is_of_entry(error)]


def _raise_for_lists(errors: Sequence[GraphError]) -> None:
    inside = [error for error in errors if len(error.path) > 1 and error.path[1] in _LISTS]
    # With errors of the dossiers beside them, the page is handled first.
    if inside and len(inside) == len(errors):
        # The only faults of a list when the démarche is there.
        is_slow = fault_of_errors(inside, has_data=True) is Fault.TIMEOUT
        fault = Fault.TIMEOUT if is_slow else Fault.BAD_DATA
        raise error_of(fault, subject=k.Requested(k.Thing.LISTS), where=DELETIONS)


def _deleted_page(raw: Raw, request: ListRequest | None) -> DeletedPage | None:
    if request is None:
        return None
    connection = _read(_ListPage, raw)
    if connection is None or connection.nodes is None:
        raise DSContractError(
            k.Noted(k.Note.NO_LIST),
            where=DELETIONS,
        )
    nodes, info = connection.nodes, connection.page_info
    if len(nodes) > DELETIONS_PER_PAGE:
        raise error_of(Fault.TOO_MANY_NODES, subject=k.Requested(k.Thing.LISTS), where=DELETIONS)
    end_cursor, has_next = info.end_cursor, bool(info.has_next_page)
    # Reading would not end.
    if has_next and (not nodes or end_cursor is None or end_cursor == request.after):
        raise DSContractError(
            k.Noted(k.Note.LIST_WITHOUT_END),
            where=DELETIONS,
        )
    read = [deleted for deleted in map(_deleted, nodes) if deleted is not None]
    return DeletedPage(
        nodes=tuple(read),
        next_request=ListRequest(request.since, end_cursor) if has_next else None,
        unreadable=len(nodes) - len(read),
    )


def _deleted(raw: Raw) -> DeletedDossier | None:
    """Return an entry of a list of deletions, None when it is invalid."""
    entry = _read(_Deleted, raw)
    at = utc(entry.date_supression) if entry else None
    if entry is None or at is None:
        return None
    return DeletedDossier(DossierNumber(entry.number), entry.state, entry.reason, at)

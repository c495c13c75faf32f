"""Answers to queries, read: whole, or an error that says which part is not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from msgspec import Raw, Struct
from msgspec.json import Decoder

from dsync.domain.dossier import DeletedDossier, Etat
from dsync.domain.ids import DemarcheNumber, DossierNumber, RevisionId
from dsync.ds.answers import DeletedPage, LightPage, ListRequest, Node, Page, instant
from dsync.ds.classify import Fault, GraphError, error_of, of_error, of_errors
from dsync.ds.transport import Answer
from dsync.errors import DSContractError

T = TypeVar("T")

DELETIONS = "deletions"
"""`details["where"]` of an error that lies in a list of deletions, not in the page."""
_LISTS = ("pendingDeletedDossiers", "deletedDossiers")
_HIDDEN = frozenset({Fault.OUT_OF_SCOPE, Fault.NOT_FOUND})


class _Connection(Struct):
    nodes: list[Raw] | None
    pageInfo: dict[str, Any]  # noqa: N815 - DS's name


class _Demarche(Struct):
    activeRevision: dict[str, Any]  # noqa: N815 - DS's name
    dossiers: _Connection
    pendingDeletedDossiers: dict[str, Any] | None = None  # noqa: N815 - DS's name
    deletedDossiers: dict[str, Any] | None = None  # noqa: N815 - DS's name


class _Data(Struct):
    demarche: _Demarche | None = None


class _Head(Struct):
    number: Any = None
    revision: Any = None
    dateDerniereModification: Any = None  # noqa: N815 - DS's name


_data_of = Decoder(_Data).decode
_head_of = Decoder(_Head).decode
_dossier_of = Decoder(dict[str, Raw]).decode


def page_of(
    answer: Answer, subject: str, pending: ListRequest | None, deleted: ListRequest | None
) -> Page:
    """Return a page that came whole.

    Raises:
        DSTimeoutError: DS ran out of time.
        DSBadDataError: a node is null; `details["position"]` is the first one's place.
        DSError: the démarche itself is refused.
        DSContractError: the answer is no page.
    """
    found = _data_of(answer.raw).demarche if answer.raw is not None else None
    demarche = _there(found, answer, subject)
    _raise_for_lists(answer.errors)
    raws, info = demarche.dossiers.nodes, demarche.dossiers.pageInfo
    if raws is None:
        raise error_of(Fault.BAD_DATA, subject="a page of dossiers", position=None)
    nodes = [None if raw == b"null" else raw for raw in map(bytes, raws)]
    errors = [error for error in answer.errors if not _is_hidden_link(error, nodes)]
    broken = _first_broken(nodes, errors)
    if errors or broken is not None:
        raise error_of(_page_fault(errors), subject="a page of dossiers", position=broken)
    return Page(
        nodes=[node_of(node) for node in nodes if node is not None],
        end_cursor=info["endCursor"],
        has_next=bool(info["hasNextPage"]),
        server_date=answer.server_date,
        active_revision_id=RevisionId(demarche.activeRevision["id"]),
        pending=_deleted_page(demarche.pendingDeletedDossiers, pending),
        deleted=_deleted_page(demarche.deletedDossiers, deleted),
    )


def node_of(json: bytes) -> Node:
    """Return a dossier's node; what places it may be odd, which its mapping tells."""
    head = _head_of(json)
    number, revision, modified = head.number, head.revision, head.dateDerniereModification
    return Node(
        number=DossierNumber(number if isinstance(number, int) else 0),
        revision_id=RevisionId(str(revision.get("id")) if isinstance(revision, dict) else ""),
        modified_at=instant(modified) if isinstance(modified, str) else None,
        json=json,
    )


def light_page_of(answer: Answer, subject: str) -> LightPage:
    """Return a light page that came whole; raises as `page_of`."""
    nodes, end_cursor, has_next = _connection(_demarche(answer, subject)["dossiers"])
    broken = _first_broken(nodes, answer.errors)
    if answer.errors or broken is not None:
        raise error_of(_page_fault(answer.errors), subject="a page of dossiers", position=broken)
    numbers = tuple(DossierNumber(node["number"]) for node in nodes)
    return LightPage(numbers, end_cursor, has_next, answer.server_date)


def deletions_of(
    answer: Answer, subject: str, pending: ListRequest | None, deleted: ListRequest | None
) -> tuple[DeletedPage | None, DeletedPage | None]:
    """Return a page of each list that was asked for."""
    demarche = _demarche(answer, subject)
    _raise_for_lists(answer.errors)
    return (
        _deleted_page(demarche.get(_LISTS[0]), pending),
        _deleted_page(demarche.get(_LISTS[1]), deleted),
    )


def demarche_of(node: Mapping[str, Any]) -> DemarcheNumber:
    """Return of which démarche a dossier is."""
    return DemarcheNumber(node["demarche"]["number"])


def dossier_of(answer: Answer, subject: str, demarche: DemarcheNumber) -> Node:
    """Return the one dossier that was asked for, of that démarche; raises as `item_of`."""
    if demarche_of(item_of(answer, "dossier", subject)) != demarche:
        raise error_of(Fault.NOT_FOUND, subject=subject)
    return node_of(bytes(_dossier_of(answer.raw)["dossier"]))  # type: ignore[arg-type]


def item_of(answer: Answer, field: str, subject: str) -> Any:
    """Return the one object that was asked for; nothing of it may be missing."""
    node = (answer.data or {}).get(field)
    errors = [error for error in answer.errors if node is None or not _is_link(error)]
    if node is None or errors:
        raise error_of(
            of_errors(errors, has_data=node is not None) or Fault.NO_DATA, subject=subject
        )
    return node


def aliased(
    answer: Answer, count: int
) -> tuple[dict[int, Mapping[str, Any]], frozenset[int], bool]:
    """Read `d0`…: what is there, what DS does not show us, and whether that is all.

    One dossier that is not shown empties the whole answer, for `dossier` is not nullable; the
    others are then to be asked again.

    Raises:
        DSTimeoutError: DS ran out of time.
        DSBadDataError: a dossier cannot be rendered.
    """
    gone: set[int] = set()
    for error in answer.errors:
        fault = of_error(error, has_data=answer.data is not None)
        index = _alias_index(error, count)
        if fault not in _HIDDEN or index is None:
            gravest = of_errors(answer.errors, has_data=answer.data is not None)
            raise error_of(
                gravest if gravest and gravest not in _HIDDEN else Fault.BAD_DATA,
                subject="a dossier",
                position=index,
            )
        gone.add(index)
    if answer.data is None:
        return {}, frozenset(gone), False
    there: dict[int, Mapping[str, Any]] = {}
    for index in range(count):
        node = answer.data.get(f"d{index}")
        if node is not None:
            there[index] = node
        elif index not in gone:
            raise error_of(Fault.BAD_DATA, subject="a dossier", position=index)
    return there, frozenset(gone), True


def _alias_index(error: GraphError, count: int) -> int | None:
    head = str(error.path[0]) if error.path else ""
    index = int(head[1:]) if head.startswith("d") and head[1:].isdigit() else -1
    return index if 0 <= index < count else None


def _demarche(answer: Answer, subject: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] | None = (answer.data or {}).get("demarche")
    return _there(found, answer, subject)


def _there(found: T | None, answer: Answer, subject: str) -> T:
    if found is None:
        raise error_of(answer.fault or Fault.NO_DATA, subject=subject)
    return found


def _connection(connection: Mapping[str, Any]) -> tuple[list[Any], str | None, bool]:
    info = connection["pageInfo"]
    nodes = connection["nodes"]
    if not isinstance(nodes, list):
        raise error_of(Fault.BAD_DATA, subject="a page of dossiers", position=None)
    return nodes, info["endCursor"], bool(info["hasNextPage"])


def _page_fault(errors: Sequence[GraphError]) -> Fault:
    """A page has two troubles: too slow, or not renderable; the démarche itself is there."""
    fault = of_errors(errors, has_data=True)
    return Fault.TIMEOUT if fault is Fault.TIMEOUT else Fault.BAD_DATA


def _first_broken(nodes: Sequence[Any], errors: Sequence[GraphError]) -> int | None:
    places = [index for index, node in enumerate(nodes) if node is None]
    for error in errors:
        if len(error.path) > 3 and isinstance(error.path[3], int):
            places.append(error.path[3])
    return min(places, default=None)


def _is_hidden_link(error: GraphError, nodes: Sequence[Any]) -> bool:
    """Whether the error is a champ's link to a dossier that this token does not see.

    The champ's `dossier` is null then, and the node that holds it is whole.
    """
    path = error.path
    if len(path) < 6 or not isinstance(path[3], int) or path[3] >= len(nodes):
        return False
    return nodes[path[3]] is not None and _is_link(error)


def _is_link(error: GraphError) -> bool:
    is_inside = "champs" in error.path or "annotations" in error.path
    fault = of_error(error, has_data=True)
    return is_inside and error.path[-1] == "dossier" and fault in _HIDDEN


def _raise_for_lists(errors: Sequence[GraphError]) -> None:
    inside = [error for error in errors if len(error.path) > 1 and error.path[1] in _LISTS]
    if inside and len(inside) == len(errors):
        raise error_of(_page_fault(inside), subject="the lists of deletions", where=DELETIONS)


def _deleted_page(
    connection: Mapping[str, Any] | None, request: ListRequest | None
) -> DeletedPage | None:
    if request is None:
        return None
    if connection is None:
        raise DSContractError("DS left out a list of deletions.", where=DELETIONS)
    nodes, end_cursor, has_next = _connection(connection)
    if any(node is None for node in nodes):
        raise error_of(Fault.BAD_DATA, subject="the lists of deletions", where=DELETIONS)
    if has_next and (not nodes or end_cursor is None or end_cursor == request.after):
        raise DSContractError(
            "DS's list of deletions does not go on: its cursor is missing or repeats.",
            where=DELETIONS,
        )
    return DeletedPage(
        nodes=tuple(_deleted(node) for node in nodes),
        next_request=ListRequest(request.since, end_cursor) if has_next else None,
    )


def _deleted(node: Mapping[str, Any]) -> DeletedDossier:
    return DeletedDossier(
        number=DossierNumber(node["number"]),
        etat=Etat(node["state"]),
        raison=node["reason"],
        date_suppression=instant(node["dateSupression"]),
    )

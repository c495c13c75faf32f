"""Annotations and labels of dossiers: their current values, the document to write, its outcomes.

An answer is read alias by alias. DS saves the valid annotations and refuses the others, without
saying which ones: so what was saved is known only from the ids that it returns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from math import isfinite
from typing import Any

import msgspec

from dsync.annotations import Remote
from dsync.domain.dossier import Etat, Json
from dsync.domain.ids import DossierId
from dsync.ds import operations
from dsync.ds.classify import Fault, GraphError, Refusal, fault_of_error, refusal_of
from dsync.ds.operations import Operation
from dsync.ds.results import AnnotationWrite, DossierWrite, WriteOutcome
from dsync.ds.transport import Answer

OUT_OF_SCOPE = "hors_perimetre"
# They concern the whole dossier, and not a value.
_BLOCKING = frozenset({Refusal.READ_ONLY, Refusal.NO_RIGHT})


def _is_text(value: Json) -> bool:
    return isinstance(value, str)


def _is_bool(value: Json) -> bool:
    return isinstance(value, bool)


def _is_int(value: Json) -> bool:
    # GraphQL's Int has 32 bits.
    return isinstance(value, int) and not isinstance(value, bool) and -(2**31) <= value < 2**31


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def _is_texts(value: Json) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _is_date(value: Json) -> bool:
    return _parses(date.fromisoformat, value)


def _is_datetime(value: Json) -> bool:
    return _parses(datetime.fromisoformat, value)


def _parses(parse: Callable[[str], Any], value: Json) -> bool:
    if not isinstance(value, str):
        return False
    try:
        parse(value)
    except ValueError:
        return False
    return True


WRITABLE: Mapping[str, tuple[str, Callable[[Json], bool]]] = {
    "text": ("text", _is_text),
    "textarea": ("textarea", _is_text),
    "email": ("email", _is_text),
    "checkbox": ("checkbox", _is_bool),
    "yes_no": ("yesNo", _is_bool),
    "date": ("date", _is_date),
    "datetime": ("datetime", _is_datetime),
    "integer_number": ("integerNumber", _is_int),
    "decimal_number": ("decimalNumber", _is_number),
    "drop_down_list": ("dropDownList", _is_text),
    "multiple_drop_down_list": ("multipleDropDownList", _is_texts),
}
"""By the descriptor's type: the key in the mutation's input, and the test of a value.

An unknown key or a value of another type makes DS refuse the whole document, so these are only the
keys that all versions of DS have. `repetition` is left out, because it adds rows at each call.
"""


@dataclass(frozen=True, slots=True)
class Document:
    """A mutation document for several dossiers."""

    writes: tuple[DossierWrite, ...]
    """The writes to send, in the order of the aliases."""
    variables: Mapping[str, Any]
    refused: Mapping[int, Mapping[str, str]] = field(default_factory=dict)
    """Why values are not sent, by dossier and annotation: DS would refuse the whole document."""

    @property
    def operation(self) -> Operation:
        """The mutation for these writes."""
        return operations.push(
            tuple(
                (bool(w.annotations), len(w.labels_remove), len(w.labels_add)) for w in self.writes
            )
        )


def document_of(writes: Sequence[DossierWrite]) -> Document:
    """Return the document for these writes.

    Writes are sorted by their shape, because `operations.push` caches documents by shapes.
    """
    refused: dict[int, dict[str, str]] = {}
    kept: list[DossierWrite] = []
    for write in writes:
        sendable = tuple(a for a in write.annotations if _is_sendable(a))
        bad = [a for a in write.annotations if a not in sendable]
        if bad:
            refused[write.number] = {a.id: _unsendable(a) for a in bad}
        if sendable or write.labels_add or write.labels_remove:
            kept.append(replace(write, annotations=sendable))
    kept.sort(key=lambda w: (bool(w.annotations), len(w.labels_remove), len(w.labels_add)))
    variables: dict[str, Any] = {}
    for index, write in enumerate(kept):
        variables.update(_variables(index, write))
    return Document(tuple(kept), variables, refused)


def _is_sendable(annotation: AnnotationWrite) -> bool:
    known = WRITABLE.get(annotation.type)
    return known is not None and known[1](annotation.value)


def _unsendable(annotation: AnnotationWrite) -> str:
    if annotation.type not in WRITABLE:
        return f"L’API ne sait pas écrire une annotation de type {annotation.type}."
    return f"La valeur n’est pas du type de l’annotation ({annotation.type})."


def _variables(index: int, write: DossierWrite) -> dict[str, Any]:
    variables: dict[str, Any] = {}
    if write.annotations:
        variables[f"w{index}_annotations"] = {
            "dossierId": write.dossier_id,
            "instructeurId": write.instructeur_id,
            "annotations": [
                {"id": a.id, "value": {WRITABLE[a.type][0]: a.value}} for a in write.annotations
            ],
        }
    for kind, labels in (("remove", write.labels_remove), ("add", write.labels_add)):
        for ordinal, label_id in enumerate(labels):
            variables[f"w{index}_{kind}{ordinal}"] = {
                "dossierId": write.dossier_id,
                "labelId": label_id,
            }
    return variables


def outcomes_of(
    answer: Answer | None, document: Document, writes: Sequence[DossierWrite]
) -> list[WriteOutcome]:
    """Return the outcome of each write.

    Args:
        answer: of DS; None when there was nothing to send.
        document: the document that was sent.
        writes: the writes for which outcomes are returned, in their order.
    """
    sent = {write.number: index for index, write in enumerate(document.writes)}
    outcomes = []
    for write in writes:
        refused = document.refused.get(write.number, {})
        # Nothing of it could be sent.
        if answer is None or write.number not in sent:
            outcomes.append(WriteOutcome(write.number, refused=refused))
            continue
        index = sent[write.number]
        outcomes.append(_OutcomeReader(answer, index, document.writes[index], refused).outcome())
    return outcomes


class _OutcomeReader:
    """Reads the aliases of one dossier."""

    def __init__(
        self, answer: Answer, index: int, write: DossierWrite, refused: Mapping[str, str]
    ) -> None:
        self._data = answer.data or {}
        self._errors = answer.errors
        self._index = index
        self._write = write
        self._saved: frozenset[str] = frozenset()
        self._refused = dict(refused)
        self._done: set[str] = set()
        self._code: str | None = None
        self._message: str | None = None
        self._is_found = False
        self._is_missing = False
        self._is_unknown = False

    def outcome(self) -> WriteOutcome:
        if self._write.annotations:
            self._read_annotations(f"w{self._index}_annotations")
        for kind, labels in (
            ("remove", self._write.labels_remove),
            ("add", self._write.labels_add),
        ):
            for ordinal, label_id in enumerate(labels):
                self._read_label(f"w{self._index}_{kind}{ordinal}", label_id)
        return WriteOutcome(
            number=self._write.number,
            saved=self._saved,
            refused=self._refused,
            labels_done=frozenset(self._done),
            not_found=self._is_missing and not self._is_found,
            unknown=self._is_unknown,
            code=self._code,
            message=self._message,
        )

    def _read_annotations(self, alias: str) -> None:
        ids = [annotation.id for annotation in self._write.annotations]
        payload = self._payload(alias, ids)
        if payload is None:
            return
        back = {champ["id"] for champ in payload.get("annotations") or ()}
        self._saved = frozenset(ids) & back
        messages = _messages(payload)
        self._note_blocking(messages)
        # A refusal of the whole dossier says nothing about single values.
        if not self._code:
            missing = [id_ for id_ in ids if id_ not in self._saved]
            self._refused.update(_attributed(missing, messages))

    def _read_label(self, alias: str, label_id: str) -> None:
        payload = self._payload(alias, [label_id])
        if payload is None:
            return
        messages = _messages(payload)
        # Also without a message, which is a success.
        if all(refusal_of(message) is Refusal.ALREADY_SO for message in messages):
            self._done.add(label_id)
            return
        self._note_blocking(messages)
        if not self._code:
            self._refused[label_id] = " ; ".join(messages)

    def _payload(self, alias: str, ids: Sequence[str]) -> Mapping[str, Any] | None:
        """Return an alias's payload, or record why there is none and return None."""
        errors = [error for error in self._errors if error.path[:1] == (alias,)]
        payload: Mapping[str, Any] | None = self._data.get(alias)
        if payload is not None and not errors:
            self._is_found = True
            return payload
        # Errors of several kinds, or beside a payload, do not show what DS has done.
        fault = _common_fault(errors) if payload is None else None
        message = errors[0].message if errors else None
        if fault is Fault.NOT_FOUND and self._is_found:
            # An earlier alias found the dossier, so it is the label that does not exist.
            self._refused.update(dict.fromkeys(ids, "DS ne connaît pas ce label."))
        elif fault is Fault.NOT_FOUND:
            self._is_missing = True
            self._message = self._message or message
        elif fault is Fault.OUT_OF_SCOPE:
            self._code, self._message = OUT_OF_SCOPE, message
        elif fault is Fault.INVALID_CURSOR:  # DS could not decode an id, and wrote nothing.
            self._refused.update(dict.fromkeys(ids, message or ""))
        else:
            self._is_unknown = True
        return None

    def _note_blocking(self, messages: Sequence[str]) -> None:
        for message in messages:
            kind = refusal_of(message)
            if kind in _BLOCKING:
                self._code, self._message = kind.value, message


def _common_fault(errors: Sequence[GraphError]) -> Fault | None:
    faults = {fault_of_error(error, has_data=True) for error in errors}
    return faults.pop() if len(faults) == 1 else None


def _messages(payload: Mapping[str, Any]) -> list[str]:
    return [str(error["message"]) for error in payload.get("errors") or ()]


def _attributed(missing: Sequence[str], messages: Sequence[str]) -> dict[str, str]:
    """Return, for each annotation that was not saved, the messages that can be about it."""
    # DS quotes the id in some messages only; the others can be about any of the values.
    named = {id_: [m for m in messages if f'"{id_}"' in m] for id_ in missing}
    others = [m for m in messages if not any(m in own for own in named.values())]
    silence = "DS n’a pas enregistré cette annotation et n’a pas dit pourquoi."
    return {id_: " ; ".join(dict.fromkeys(named[id_] or others)) or silence for id_ in missing}


# Aliases, as in `CellNode`: `value` has another GraphQL type in each of these.
_VALUE_FIELDS = {
    "TextChamp": "textValue",
    "DropDownListChamp": "dropDownValue",
    "MultipleDropDownListChamp": "values",
    "CheckboxChamp": "checkboxValue",
    "YesNoChamp": "yesNoValue",
    "DateChamp": "date",
    "DatetimeChamp": "datetime",
    "DecimalNumberChamp": "decimalValue",
}
"""Field with the value of an annotation, by its GraphQL type."""


class _Label(msgspec.Struct):
    id: str
    name: str


class _Head(msgspec.Struct):
    id: str
    state: Etat
    labels: list[_Label]


def read_remote(node: Mapping[str, Any]) -> Remote:
    """Return a dossier's annotations and labels from the answer of ``annotations.graphql``.

    Raises:
        ValueError: the id, the state or a label does not match the API.
    """
    head = msgspec.convert(node, _Head)
    champs = [champ for name, found in node.items() if _is_alias(name) for champ in found]
    return Remote(
        dossier_id=DossierId(head.id),
        etat=head.state,
        values={champ["champDescriptorId"]: _remote_value(champ) for champ in champs},
        updated_at={champ["champDescriptorId"]: _instant(champ["updatedAt"]) for champ in champs},
        labels={label.name: label.id for label in head.labels},
        edited_at=_instant(node["dateDerniereModificationAnnotations"]),
    )


def _is_alias(name: str) -> bool:
    return name[0] == "a" and name[1:].isdigit()


def _remote_value(champ: Mapping[str, Any]) -> Json:
    kind = champ["__typename"]
    if kind == "IntegerNumberChamp":
        number = champ["integerValue"]  # DS sends a BigInt as a string.
        return int(number) if number is not None else None
    value: Json = champ[_VALUE_FIELDS.get(kind, "stringValue")]
    return value


def _instant(text: str) -> datetime:
    """Parse an ISO 8601 instant of DS, which has an offset; return it in UTC."""
    return datetime.fromisoformat(text).astimezone(UTC)

"""Annotations and labels of dossiers: their current values, the document to write, its outcomes.

An answer is read alias by alias. DS saves the valid annotations and refuses the others, without
saying which ones: so what was saved is known only from the ids that it returns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from dsync.annotations.plan import Remote, Step
from dsync.annotations.targets import LABEL, input_value
from dsync.domain.dossier import Descriptor, Etat, Json, in_utc
from dsync.domain.ids import DossierId, DossierNumber
from dsync.ds.classify import Refusal, fault_of_error, refusal_of
from dsync.ds.transport import GraphAnswer
from dsync.messages.kinds import Fault

OUT_OF_SCOPE = "hors_perimetre"
# They concern the whole dossier, and not a value.
_BLOCKING = frozenset({Refusal.READ_ONLY, Refusal.NO_RIGHT})


INPUT_KEYS: Mapping[str, str] = {
    "text": "text",
    "textarea": "textarea",
    "drop_down_list": "dropDownList",
    "date": "date",
    "datetime": "datetime",
}
"""The key in the mutation's input, by the descriptor's type.

An unknown key makes DS refuse the whole document: all versions of DS have these. `repetition` adds
rows at each call.
"""


@dataclass(frozen=True, slots=True)
class DossierWrite:
    """The wishes to write into one dossier."""

    number: DossierNumber
    dossier_id: DossierId
    instructeur_id: str
    steps: tuple[Step, ...]

    @property
    def values(self) -> list[tuple[Descriptor, str]]:
        """The values to write, with their annotations."""
        return [(step.descriptor, step.sent) for step in self.steps if step.descriptor]

    @property
    def labels(self) -> dict[str, list[str]]:
        """The ids of the labels to remove and to add."""
        step = next((one for one in self.steps if one.wish.annotation == LABEL), None)
        removed = list(step.remove.values()) if step else []
        added = [id_ for id_ in step.targets if id_ not in removed] if step else []
        return {"remove": removed, "add": added}

    @property
    def shape(self) -> tuple[bool, int, int]:
        """Whether it has annotations, and how many labels it removes and adds."""
        labels = self.labels
        return (bool(self.values), len(labels["remove"]), len(labels["add"]))


@dataclass(slots=True)
class WriteOutcome:
    """The outcome of one dossier's write, read alias by alias; of an id in no set it is unknown."""

    number: DossierNumber
    saved: set[str] = field(default_factory=set)
    """Ids of the annotations that DS returned."""
    dated: dict[str, datetime] = field(default_factory=dict)
    """When DS saved them, by its own clock."""
    refused: dict[str, str] = field(default_factory=dict)
    """DS's message in French, by the id of the annotation or label."""
    labels_done: set[str] = field(default_factory=set)
    """Ids of the labels that are now as requested, or were before."""
    is_found: bool = False
    """Whether DS found the dossier for some of it."""
    is_missing: bool = False
    """Whether it did not for some of it."""
    unknown: bool = False
    code: str | None = None
    """Why nothing was written: `lecture_seule`, `droits` or `hors_perimetre`."""
    message: str | None = None
    """DS's message for `code` or `not_found`."""

    @property
    def not_found(self) -> bool:
        """Whether DS shows no such dossier, or knows no such instructeur: it says the same."""
        return self.is_missing and not self.is_found


def in_order(writes: Sequence[DossierWrite]) -> list[DossierWrite]:
    """Return the writes by their shape, because `operations.push` caches documents by shapes."""
    return sorted(writes, key=lambda write: write.shape)


def variables_of(writes: Sequence[DossierWrite]) -> dict[str, Any]:
    """Return the variables of the document with these writes, in the order of its aliases."""
    variables: dict[str, Any] = {}
    for index, write in enumerate(writes):
        if write.values:
            variables[f"w{index}_annotations"] = {
                "dossierId": write.dossier_id,
                "instructeurId": write.instructeur_id,
                "annotations": [
                    {"id": one.id, "value": {INPUT_KEYS[one.type]: input_value(one.type, text)}}
                    for one, text in write.values
                ],
            }
        for kind, labels in write.labels.items():
            for ordinal, label_id in enumerate(labels):
                variables[f"w{index}_{kind}{ordinal}"] = {
                    "dossierId": write.dossier_id,
                    "labelId": label_id,
                }
    return variables


def outcomes_of(answer: GraphAnswer, writes: Sequence[DossierWrite]) -> list[WriteOutcome]:
    """Return the outcome of each write of a document, in the order of its aliases."""
    return [_outcome(answer, index, write) for index, write in enumerate(writes)]


def _outcome(answer: GraphAnswer, index: int, write: DossierWrite) -> WriteOutcome:
    """Read the aliases of one dossier."""
    out = WriteOutcome(write.number)
    if write.values:
        _read_annotations(out, answer, f"w{index}_annotations", [one.id for one, _ in write.values])
    for kind, labels in write.labels.items():
        for ordinal, label_id in enumerate(labels):
            _read_label(out, answer, f"w{index}_{kind}{ordinal}", label_id)
    return out


def _read_annotations(
    out: WriteOutcome, answer: GraphAnswer, alias: str, ids: Sequence[str]
) -> None:
    payload = _payload(out, answer, alias, ids)
    if payload is None:
        return
    champs = {champ["id"]: champ for champ in payload.get("annotations") or ()}
    out.saved = {*ids} & champs.keys()
    dates = {id_: champs[id_].get("updatedAt") for id_ in out.saved}
    out.dated = {id_: _instant(at) for id_, at in dates.items() if at}
    messages = _messages(payload)
    _note_blocking(out, messages)
    # A refusal of the whole dossier says nothing about single values.
    if not out.code:
        out.refused |= _attributed([id_ for id_ in ids if id_ not in out.saved], messages)


def _read_label(out: WriteOutcome, answer: GraphAnswer, alias: str, label_id: str) -> None:
    payload = _payload(out, answer, alias, [label_id])
    if payload is None:
        return
    messages = _messages(payload)
    # Also without a message, which is a success.
    if all(refusal_of(message) is Refusal.ALREADY_SO for message in messages):
        out.labels_done.add(label_id)
        return
    _note_blocking(out, messages)
    if not out.code:
        out.refused[label_id] = " ; ".join(messages)


def _payload(
    out: WriteOutcome, answer: GraphAnswer, alias: str, ids: Sequence[str]
) -> Mapping[str, Any] | None:
    """Return an alias's payload, or record why there is none and return None."""
    errors = [error for error in answer.errors if error.path[:1] == [alias]]
    payload: Mapping[str, Any] | None = (answer.data or {}).get(alias)
    if payload is not None and not errors and {"annotations", "label"} & payload.keys():
        out.is_found = True
        return payload
    # Errors of several kinds, or beside a payload, do not show what DS has done; nor does an
    # object that is not the API's.
    faults = {fault_of_error(error, has_data=True) for error in errors}
    fault = faults.pop() if payload is None and len(faults) == 1 else None
    message = errors[0].message if errors else None
    if fault is Fault.NOT_FOUND and out.is_found:
        # An earlier alias found the dossier, so it is the label that does not exist.
        out.refused |= dict.fromkeys(ids, "DS ne connaît pas ce label.")
    elif fault is Fault.NOT_FOUND:
        out.is_missing = True
        out.message = out.message or message
    elif fault is Fault.OUT_OF_SCOPE:
        out.code, out.message = OUT_OF_SCOPE, message
    elif fault is Fault.INVALID_CURSOR:  # DS could not decode an id, and wrote nothing.
        out.refused |= dict.fromkeys(ids, message or "")
    else:
        out.unknown = True
    return None


def _note_blocking(out: WriteOutcome, messages: Sequence[str]) -> None:
    for message in messages:
        kind = refusal_of(message)
        if kind in _BLOCKING:
            out.code, out.message = kind.value, message


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


class _RemoteLabel(msgspec.Struct):
    id: str
    name: str


class _RemoteHead(msgspec.Struct):
    id: str
    state: Etat
    labels: list[_RemoteLabel]


def read_remote(node: Mapping[str, Any]) -> Remote:
    """Return a dossier's annotations and labels from the answer of ``annotations.graphql``.

    Raises:
        ValueError: the id, the state or a label does not match the API.
    """
    head = msgspec.convert(node, _RemoteHead)
    # The aliases of champs are « a0 », « a1 » and so on.
    aliased = (found for name, found in node.items() if name[0] == "a" and name[1:].isdigit())
    champs = [champ for found in aliased for champ in found]
    return Remote(
        dossier_id=DossierId(head.id),
        etat=head.state,
        values={champ["champDescriptorId"]: _remote_value(champ) for champ in champs},
        updated_at={champ["champDescriptorId"]: _instant(champ["updatedAt"]) for champ in champs},
        labels={label.name: label.id for label in head.labels},
        edited_at=_instant(node["dateDerniereModificationAnnotations"]),
    )


def _instant(text: str) -> datetime:
    return in_utc(datetime.fromisoformat(text))


def _remote_value(champ: Mapping[str, Any]) -> Json:
    kind = champ["__typename"]
    if kind == "IntegerNumberChamp":
        number = champ["integerValue"]  # DS sends a BigInt as a string.
        return int(number) if number is not None else None
    value: Json = champ[_VALUE_FIELDS.get(kind, "stringValue")]
    return value

"""Writes: the document for several dossiers, and the outcome of each alias."""

from __future__ import annotations

import re
from typing import Any

import pytest
from msgspec import Raw
from msgspec.json import encode

from dsync.annotations.plan import Step
from dsync.annotations.targets import ACCEPTED_TYPES, VALUE_NAMES
from dsync.domain.ids import DossierId, DossierNumber
from dsync.ds import operations
from dsync.ds.classify import GraphError
from dsync.ds.transport import GraphAnswer
from dsync.ds.write_document import (
    INPUT_KEYS,
    DossierWrite,
    WriteOutcome,
    in_order,
    outcomes_of,
    variables_of,
)
from dsync.messages import kinds as k
from tests.unit.ds.nodes import label_step, value_step

RESULT, DETAIL = "Q2hhbXAtNTEwMg==", "Q2hhbXAtNTEwMw=="
READ_ONLY = "Le jeton utilisé est configuré seulement en lecture"
OPTION = "doit être dans les options proposées"


VALUES = (
    value_step(RESULT, "drop_down_list", "Éligible"),
    value_step(DETAIL, "textarea", "Tout est conforme."),
)


def write(number: int = 1, *steps: Step) -> DossierWrite:
    return DossierWrite(DossierNumber(number), DossierId(f"D{number}"), "I", steps or VALUES)


def answered(data: dict[str, Any] | None, *errors: GraphError) -> GraphAnswer:
    raw = Raw(encode(data)) if data is not None else None
    return GraphAnswer(raw, list(errors), None, None, k.Requested(k.Thing.WRITE))


def outcome(
    data: dict[str, Any], *errors: GraphError, sent: DossierWrite | None = None
) -> WriteOutcome:
    """Return the outcome of one write."""
    answer = answered(data, *errors)
    (found,) = outcomes_of(answer, [sent or write()])
    return found


def payload(*ids: str, errors: list[str] | None = None) -> dict[str, Any]:
    return {
        "annotations": [{"id": id_} for id_ in ids],
        "errors": [{"message": message} for message in errors] if errors else None,
    }


def label(message: str | None = None) -> dict[str, Any]:
    if message is None:
        return {"label": {"id": "L"}, "errors": None}
    return {"label": None, "errors": [{"message": message}]}


def test_one_document_has_all_dossiers() -> None:
    """Annotations and labels of several dossiers are one mutation, with values as variables."""
    writes = in_order([write(1, *VALUES, label_step("L1", "L2", "L3")), write(2)])
    operation = operations.push(tuple(one.shape for one in writes))
    variables = variables_of(writes)
    assert "Éligible" not in operation.text
    assert "Éligible" in str(variables)
    aliases = re.findall(r"^  (\w+): ", operation.text, re.MULTILINE)
    assert aliases == ["w0_annotations", "w1_annotations", "w1_remove0", "w1_remove1", "w1_add0"]
    assert set(variables) == set(aliases)
    assert variables["w1_annotations"] == {
        "dossierId": "D1",
        "instructeurId": "I",
        "annotations": [
            {"id": RESULT, "value": {"dropDownList": "Éligible"}},
            {"id": DETAIL, "value": {"textarea": "Tout est conforme."}},
        ],
    }
    assert variables["w1_remove1"] == {"dossierId": "D1", "labelId": "L3"}


def test_whatever_type_an_annotation_may_have_ds_takes_its_value() -> None:
    """An unknown key, or a value of another type, makes DS refuse the whole document."""
    types = {type_ for name in VALUE_NAMES for type_ in ACCEPTED_TYPES[name]}
    assert types == INPUT_KEYS.keys()
    date = "2024-03-01T09:30:00+00:00"
    [sent] = variables_of([write(1, *(value_step(type_, type_, date) for type_ in types))]).values()
    values = {one["id"]: one["value"] for one in sent["annotations"]}
    assert {"date": "2024-03-01"} == values.pop("date")
    assert {(date,)} == {tuple(value.values()) for value in values.values()}


LABEL = write(1, label_step("L1"))
BOTH = write(1, *VALUES, label_step("L1"))
SWAP = write(1, label_step("L1", "L2"))
ALREADY, NOT_THERE = "Ce label est déjà associé au dossier", "Ce label n’est pas associé au dossier"
FOREIGN = "Ce label n’appartient pas à la même démarche que le dossier"
UNKNOWN = f'L‘annotation "{DETAIL}" n’existe pas'
GONE = GraphError("not_found", "DossierAjouterLabelPayload not found", ("w0_add0",))
HIDDEN = GraphError("unauthorized", "hidden due to permissions", ("w0_annotations",))
NO_ID = GraphError(None, 'Invalid input: "zzz"', ("w0_annotations",))
ALL = {RESULT, DETAIL}
SILENT = "n’a pas dit pourquoi"
"""What the outcome says of an annotation that DS leaves out without a message."""


@pytest.mark.parametrize(
    ("sent", "data", "errors", "done", "refused", "code"),
    [
        (write(), {"w0_annotations": payload(DETAIL, errors=[OPTION])}, [], {DETAIL},
         {RESULT: OPTION}, None),
        (write(), {"w0_annotations": payload(errors=[OPTION, UNKNOWN, OPTION])}, [], set(),
         {DETAIL: UNKNOWN, RESULT: OPTION}, None),
        (write(), {"w0_annotations": payload(RESULT)}, [], {RESULT}, {DETAIL: SILENT}, None),
        (SWAP, {"w0_remove0": label(ALREADY), "w0_add0": label()}, [], {"L1", "L2"}, {}, None),
        (SWAP, {"w0_remove0": label(NOT_THERE), "w0_add0": label()}, [], {"L1", "L2"}, {}, None),
        (BOTH, {"w0_annotations": payload(*ALL), "w0_add0": label(FOREIGN)}, [], ALL,
         {"L1": FOREIGN}, None),
        (BOTH, {"w0_annotations": payload(*ALL), "w0_add0": None}, [GONE], ALL, {"L1": ""}, None),
        (LABEL, {"w0_add0": label(READ_ONLY)}, [], set(), None, "lecture_seule"),
        (write(), {"w0_annotations": None}, [HIDDEN], set(), None, "hors_perimetre"),
        (write(), {"w0_annotations": None}, [NO_ID], set(), {RESULT: "", DETAIL: ""}, None),
    ],
    ids=[
        "the only message", "the message that names it", "no message",
        "already there", "not there", "refused label", "unknown label", "read-only token",
        "out of scope", "invalid id",
    ],
)  # fmt: skip
def test_each_annotation_and_label_has_its_outcome(
    sent: DossierWrite,
    data: dict[str, Any],
    errors: list[GraphError],
    done: set[str],
    refused: dict[str, str] | None,
    code: str | None,
) -> None:
    """What DS returned is saved; the rest has the message that names it, or the only one."""
    found = outcome(data, *errors, sent=sent)
    assert (done, code) == (found.saved | found.labels_done, found.code)
    assert not found.not_found
    if refused is not None:
        assert refused.keys() == found.refused.keys()
        assert all(said in found.refused[id_] for id_, said in refused.items())


@pytest.mark.parametrize(
    ("data", "errors"),
    [
        ({"w0_annotations": None}, [GraphError("timeout", "Timeout on …", ("w0_annotations",))]),
        ({"w0_annotations": None}, [GraphError(None, "?", ("w0_annotations",))]),
        ({"w0_annotations": None}, []),
        ({}, []),
        (
            {"w0_annotations": {"annotations": None, "errors": None}},
            [GraphError(None, "Timeout on …", ("w0_annotations", "annotations"))],
        ),
    ],
)
def test_an_alias_without_an_answer_is_unknown(
    data: dict[str, Any], errors: list[GraphError]
) -> None:
    """Neither saved nor refused: it has to be read back."""
    found = outcome(data, *errors)
    assert found.unknown
    assert not found.saved
    assert not found.refused


def test_one_dossiers_failure_does_not_concern_another() -> None:
    writes = [write(1), write(2), write(3)]
    data = {
        "w0_annotations": payload(RESULT, DETAIL),
        "w1_annotations": None,
        "w2_annotations": payload(RESULT, errors=[OPTION]),
    }
    answer = answered(data, GraphError("not_found", "not found", ("w1_annotations",)))
    first, second, third = outcomes_of(answer, writes)
    assert first.saved == {RESULT, DETAIL}
    assert second.not_found
    assert third.refused == {DETAIL: OPTION}


@pytest.mark.parametrize("odd", [{}, {"x": {"y": [1]}}])
def test_an_alias_with_another_object_than_the_api_s_is_unknown(odd: dict[str, Any]) -> None:
    """It refuses nothing: what DS may have saved stays known as dsync's own."""
    found = outcome({"w0_annotations": odd})
    assert (True, {}) == (found.unknown, found.refused)
    found = outcome({"w0_add0": odd}, sent=write(1, label_step("L")))
    assert (True, frozenset()) == (found.unknown, found.labels_done)

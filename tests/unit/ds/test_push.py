"""Writes: the document for several dossiers, and the outcome of each alias."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import OperationDefinitionNode
from msgspec import Raw
from msgspec.json import encode

from dsync.domain.ids import DossierId, DossierNumber
from dsync.ds import AnnotationWrite, DossierWrite, WriteOutcome
from dsync.ds.classify import Fault, GraphError
from dsync.ds.transport import Answer
from dsync.ds.write_document import WRITABLE, document_of, outcomes_of

RESULT, DETAIL = "Q2hhbXAtNTEwMg==", "Q2hhbXAtNTEwMw=="
READ_ONLY = "Le jeton utilisé est configuré seulement en lecture"
OPTION = "doit être dans les options proposées"


def write(number: int = 1, **changes: Any) -> DossierWrite:
    given: dict[str, Any] = {
        "annotations": (
            AnnotationWrite(RESULT, "drop_down_list", "Éligible"),
            AnnotationWrite(DETAIL, "textarea", "Tout est conforme."),
        ),
        **changes,
    }
    return DossierWrite(DossierNumber(number), DossierId(f"D{number}"), "I", **given)


def outcome(
    data: dict[str, Any], *errors: GraphError, sent: DossierWrite | None = None
) -> WriteOutcome:
    """Return the outcome of one write."""
    made = sent or write()
    document = document_of([made])
    answer = Answer(Raw(encode(data)) if data is not None else None, errors, None, None)
    (found,) = outcomes_of(answer, document, [made])
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
    writes = [write(1, labels_add=("L1",), labels_remove=("L2", "L3")), write(2)]
    document = document_of(writes)
    assert "Éligible" not in document.operation.text
    assert "Éligible" in str(document.variables)
    (definition,) = document.operation.document.definitions
    assert isinstance(definition, OperationDefinitionNode)
    aliases = [getattr(f, "alias").value for f in definition.selection_set.selections]  # noqa: B009
    assert aliases == ["w0_annotations", "w1_annotations", "w1_remove0", "w1_remove1", "w1_add0"]
    assert set(document.variables) == set(aliases)
    assert document.variables["w1_annotations"] == {
        "dossierId": "D1",
        "instructeurId": "I",
        "annotations": [
            {"id": RESULT, "value": {"dropDownList": "Éligible"}},
            {"id": DETAIL, "value": {"textarea": "Tout est conforme."}},
        ],
    }
    assert document.variables["w1_remove1"] == {"dossierId": "D1", "labelId": "L3"}


@pytest.mark.parametrize(
    ("type_", "value", "is_sent"),
    [
        ("text", "a", True),
        ("text", None, False),
        ("textarea", "", True),
        ("email", 3, False),
        ("checkbox", True, True),
        ("checkbox", "true", False),
        ("yes_no", False, True),
        ("date", "2026-01-02", True),
        ("date", "02/01/2026", False),
        ("date", None, False),
        ("datetime", "2026-01-02T10:00:00+00:00", True),
        ("datetime", "", False),
        ("integer_number", 3, True),
        ("integer_number", 2**31, False),
        ("integer_number", True, False),
        ("integer_number", "3", False),
        ("decimal_number", 1.5, True),
        ("decimal_number", 2, True),
        ("decimal_number", float("nan"), False),
        ("decimal_number", True, False),
        ("drop_down_list", "Éligible", True),
        ("multiple_drop_down_list", [], True),
        ("multiple_drop_down_list", [1], False),
        ("multiple_drop_down_list", "a", False),
        ("repetition", 1, False),
        ("piece_justificative", "x", False),
    ],
)
def test_a_value_of_another_type_is_refused_without_sending_it(
    type_: str, value: Any, is_sent: bool
) -> None:
    """DS would refuse the whole document because of it."""
    bad = write(1, annotations=(AnnotationWrite(RESULT, type_, value),))
    document = document_of([bad, write(2)])
    assert [w.number for w in document.writes] == ([1, 2] if is_sent else [2])
    assert (RESULT in document.refused.get(1, {})) is not is_sent


def test_the_input_keys_exist_in_all_versions_of_ds() -> None:
    """An unknown key makes DS refuse the whole document."""
    known = "text textarea email checkbox yesNo date datetime integerNumber decimalNumber"
    assert {*known.split(), "dropDownList", "multipleDropDownList"} == {
        k for k, _ in WRITABLE.values()
    }


LABEL = write(annotations=(), labels_add=("L1",))
BOTH = write(labels_add=("L1",))
SWAP = write(annotations=(), labels_add=("L1",), labels_remove=("L2",))
MIXED = write(
    annotations=(
        AnnotationWrite(RESULT, "drop_down_list", "Éligible"),
        AnnotationWrite(DETAIL, "repetition", 1),
    )
)
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
        (MIXED, {"w0_annotations": payload(RESULT)}, [], {RESULT}, {DETAIL: "repetition"}, None),
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
        "refused here", "the only message", "the message that names it", "no message",
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


def test_nothing_to_send_is_no_answer() -> None:
    """A write without a valid value has an outcome without a request."""
    bad = write(annotations=(AnnotationWrite(RESULT, "carte", "x"),))
    (found,) = outcomes_of(None, document_of([bad]), [bad])
    assert list(found.refused) == [RESULT]


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
    """Each alias is read separately."""
    writes = [write(1), write(2), write(3)]
    data = {
        "w0_annotations": payload(RESULT, DETAIL),
        "w1_annotations": None,
        "w2_annotations": payload(RESULT, errors=[OPTION]),
    }
    answer = Answer(
        Raw(encode(data)),
        (GraphError("not_found", "not found", ("w1_annotations",)),),
        Fault.NOT_FOUND,
        None,
    )
    first, second, third = outcomes_of(answer, document_of(writes), writes)
    assert first.saved == {RESULT, DETAIL}
    assert second.not_found
    assert third.refused == {DETAIL: OPTION}

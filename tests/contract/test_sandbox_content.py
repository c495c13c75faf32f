"""Every dossier of the sandbox can be read completely, and shows each change and write."""

from __future__ import annotations

from typing import Any

import pytest

from dsync.ds import operations
from dsync.sandbox import Change
from dsync.sandbox.opaque_ids import encode
from tests.contract.conftest import shown


@pytest.mark.parametrize("number", [86321, 86322, 86323])
def test_every_dossier_can_be_read(sandbox: Any, client: Any, number: int) -> None:
    """No dossier of a démarche has a null where the schema excludes it."""
    variables = {"first": 100, "withPending": True, "withDeleted": True}
    read = client.data(operations.load("dossiers_page").text, number=number, **variables)
    nodes = read["demarche"]["dossiers"]["nodes"]
    assert nodes
    assert None not in nodes


def test_each_kind_of_change_shows(sandbox: Any, client: Any) -> None:
    """It is in the next answer, also if no date moves."""
    control = sandbox.control
    number = shown(sandbox)
    query = (
        "query read($n:Int!){dossier(number:$n){state labels{name} groupeInstructeur{label} "
        'archived champs(id:"Q2hhbXAtNDEwNQ=="){label stringValue} '
        'annotations(id:"Q2hhbXAtNTEwMw=="){stringValue} '
        'r:annotations(id:"Q2hhbXAtNTMwMg=="){... on RepetitionChamp{rows{id}}}}}'
    )
    seen = [client.data(query, n=number)]
    for change in (
        lambda: control.edit_champ(number, 4105, "changé"),
        lambda: control.edit_annotation(number, 5103, "à la main"),
        lambda: control.add_label(number, "éligible"),
        lambda: control.form.rename_label("éligible", "recevable"),
        lambda: control.remove_label(number, "recevable"),
        lambda: control.add_annotation_row(number, 5302),
        lambda: control.archive(number),
        lambda: control.change_groupe(number, "autre groupe"),
        lambda: control.form.publish_revision(Change(rename={4105: "Le problème"})),
        lambda: control.move(number, "en_instruction"),
    ):
        change()
        after = client.data(query, n=number)
        assert after != seen[-1]
        seen.append(after)


def test_valid_values_are_saved_and_the_others_refused(sandbox: Any, client: Any) -> None:
    """The payload does not say which annotation a refusal is about."""
    number = shown(sandbox, "en_instruction")
    query = (
        "mutation write($i:DossierModifierAnnotationsInput!){"
        "m:dossierModifierAnnotations(input:$i){annotations{id} errors{message}}}"
    )
    values = {
        5102: {"dropDownList": "éligible"},
        5103: {"textarea": "détail"},
        9999: {"text": "x"},
        5104: {"datetime": "2026-12-24T10:11:12.9Z"},
    }
    given = {
        "dossierId": encode("Dossier", number),
        "instructeurId": encode("Instructeur", 3),
        "annotations": [{"id": encode("Champ", key), "value": one} for key, one in values.items()],
    }
    payload = client.data(query, i=given)["m"]
    assert [{"id": encode("Champ", key)} for key in (5103, 5104)] == payload["annotations"]
    assert len(payload["errors"]) == 2
    truth = sandbox.control.truth_of(number).annotations
    assert (truth[5103], truth[5104]) == ("détail", "24 décembre 2026 11:11")

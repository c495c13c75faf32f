"""Which changes move a dossier's dates, and which of the three lists has it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from dsync.sandbox import Change
from dsync.sandbox.model import ChampDescriptor
from dsync.sandbox.scalars import iso
from tests.contract.conftest import shown

MORALE = {"kind": "morale", "siret": "13002526500013"}
LISTS = (
    "query lists{demarche(number:86321){dossiers{nodes{number}} "
    "pendingDeletedDossiers{nodes{number reason dateSupression}} "
    "deletedDossiers{nodes{number reason dateSupression}}}}"
)
DATES = (
    "query dates($n:Int!){dossier(number:$n){dateDerniereModification "
    "dateDerniereModificationChamps dateDerniereModificationAnnotations}}"
)


def _lists(client: Any, number: int) -> dict[str, Any]:
    demarche = client.data(LISTS)["demarche"]
    return {
        name: next((n for n in entries["nodes"] if n["number"] == number), None)
        for name, entries in demarche.items()
    }


def _dates(client: Any, number: int) -> list[str]:
    return list(client.data(DATES, n=number)["dossier"].values())


def test_a_dossier_hidden_by_its_usager_is_pending_then_erased_backdated(
    sandbox: Any, client: Any
) -> None:
    """After the erasure its date is the day on which it was hidden."""
    number = shown(sandbox)
    hidden_at = iso(sandbox.control.clock.now())
    sandbox.control.hide(number)
    told = {"number": number, "reason": "user_request", "dateSupression": hidden_at}
    assert list(_lists(client, number).values()) == [None, told, None]
    sandbox.control.clock.advance(timedelta(days=14).total_seconds())
    sandbox.control.erase(number)
    assert list(_lists(client, number).values()) == [None, None, told]


def test_a_finished_dossier_that_only_its_usager_hid_stays(sandbox: Any, client: Any) -> None:
    """Only the administration can hide it."""
    number = shown(sandbox, "accepte")
    sandbox.control.hide(number)
    assert _lists(client, number)["dossiers"] is not None
    sandbox.control.hide(number, "administration")
    lists = _lists(client, number)
    assert lists["dossiers"] is None
    assert lists["pendingDeletedDossiers"]["reason"] == "instructeur_request"


def test_an_expired_dossier_is_in_none_of_the_lists(sandbox: Any, client: Any) -> None:
    """Until it is erased, only a full read shows that it disappeared."""
    number = shown(sandbox, "accepte")
    sandbox.control.expire(number)
    assert set(_lists(client, number).values()) == {None}
    sandbox.control.erase(number)
    assert _lists(client, number)["deletedDossiers"]["reason"] == "expired"


def test_a_restored_dossier_is_back_with_a_moved_date(sandbox: Any, client: Any) -> None:
    """So an incremental read finds it."""
    number = shown(sandbox)
    sandbox.control.hide(number)
    sandbox.control.clock.advance(5)
    sandbox.control.restore(number)
    assert _lists(client, number)["pendingDeletedDossiers"] is None
    assert _dates(client, number)[0] == iso(sandbox.control.clock.now())


@pytest.mark.parametrize(
    ("change", "moved"),
    [
        (lambda c, n: c.edit_champ(n, 4105, "autre"), [True, True, False]),
        (lambda c, n: c.save_without_submitting(n), [True, False, False]),
        (lambda c, n: c.edit_annotation(n, 5103, "à la main"), [True, False, True]),
        (lambda c, n: c.move(n, "en_instruction"), [True, False, False]),
        (lambda c, n: c.change_groupe(n, "autre groupe"), [True, False, False]),
        (lambda c, n: c.add_label(n, "éligible"), [True, False, False]),
        (lambda c, n: c.add_annotation_row(n, 5302), [False, False, False]),
        (
            lambda c, n: c.replace_demandeur(n, MORALE),
            [False, False, False],
        ),
        (lambda c, n: c.end_virus_scan(n, 4605, "infected"), [False, False, False]),
        (
            lambda c, n: c.form.publish_revision(Change(rename={4105: "Renommé"})),
            [False, False, False],
        ),
    ],
)
def test_what_moves_which_date(sandbox: Any, client: Any, change: Any, moved: list[bool]) -> None:
    """Rows, a completed applicant, a scan's end and a new revision move none; labels do."""
    number = shown(sandbox)
    before = _dates(client, number)
    sandbox.control.clock.advance(60)
    change(sandbox.control, number)
    assert [a != b for a, b in zip(_dates(client, number), before, strict=True)] == moved


def test_an_annotation_written_by_the_api_leaves_the_annotations_date(
    sandbox: Any, client: Any
) -> None:
    """It moves the dossier's date once; an equal value moves nothing."""
    number = shown(sandbox)
    query = (
        "mutation($d:ID!){dossierModifierAnnotations(input:{dossierId:$d,"
        'instructeurId:"SW5zdHJ1Y3RldXItMw==",annotations:[{id:"Q2hhbXAtNTEwMw==",'
        'value:{textarea:"a\\r\\nb\\u0001"}}]}){errors{message}}}'
    )
    ident = client.data("query($n:Int!){dossier(number:$n){id}}", n=number)["dossier"]["id"]
    seen = [_dates(client, number)]
    for _ in range(2):
        sandbox.control.clock.advance(60)
        client.data(query, d=ident)
        seen.append(_dates(client, number))
    assert seen[1] == seen[2]
    assert [a != b for a, b in zip(seen[0], seen[1], strict=True)] == [True, False, False]
    assert sandbox.control.truth_of(number).annotations[5103] == "a\nb"


def test_a_new_revision_rebases_open_dossiers_only(sandbox: Any, client: Any) -> None:
    """Champs are added, removed and renamed; finished dossiers keep theirs."""
    opened, finished = shown(sandbox), shown(sandbox, "accepte")
    added = ChampDescriptor(4999, "text", "Nouveau champ")
    sandbox.control.form.publish_revision(
        Change(add_champs=[added], remove=[4604], rename={4105: "Renommé"})
    )
    query = "query($n:Int!){dossier(number:$n){champs{label}}}"
    labels = {
        number: {champ["label"] for champ in client.data(query, n=number)["dossier"]["champs"]}
        for number in (opened, finished)
    }
    assert {"Nouveau champ", "Renommé"} <= labels[opened]
    assert "Perspectives" not in labels[opened]
    assert {"Problème identifié", "Perspectives"} <= labels[finished]


def test_a_change_committed_late_is_older_than_what_was_read(sandbox: Any, client: Any) -> None:
    """A cursor past its date does not return it."""
    number = shown(sandbox)
    began = sandbox.control.clock.now()
    sandbox.control.clock.advance(120)
    before = _dates(client, number)
    sandbox.control.edit_champ(number, 4105, "en retard", at=began)
    assert before[0] != iso(began)
    assert _dates(client, number)[0] == iso(began)
    assert sandbox.control.truth_of(number).champs[4105] == "en retard"


def test_a_champ_that_the_form_hides_is_absent(sandbox: Any, client: Any) -> None:
    """Conditional logic removes a champ, it does not empty it."""
    number = shown(sandbox)
    query = "query($n:Int!){dossier(number:$n){champs{label}}}"
    count = len(client.data(query, n=number)["dossier"]["champs"])
    sandbox.control.form.hide_champ(number, 4604)
    assert len(client.data(query, n=number)["dossier"]["champs"]) == count - 1

"""Every dossier of the sandbox can be read completely, and shows each change."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from dsync.ds import operations
from dsync.sandbox import Change, Sandbox


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
    number = next(t.number for t in control.truth() if t.state == "en_construction")
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


def test_a_sandbox_is_the_same_at_each_start() -> None:
    """The same seed gives the same dossiers and tokens."""
    now = datetime(2026, 11, 24, 14, 30, tzinfo=UTC)
    truths = []
    for _ in range(2):
        with Sandbox.start(dossiers=30, seed=11, clock=lambda: now) as sandbox:
            truths.append((sandbox.control.truth(), sandbox.tokens))
    assert truths[0] == truths[1]

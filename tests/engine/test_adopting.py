"""What dsync wrote before: in annotations made anew, under other labels, from a lost database."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dsync.annotations.targets import VerdictTexts
from dsync.domain.consent import Consent
from dsync.sandbox import Change
from dsync.sandbox.model import ChampDescriptor
from tests.engine.conftest import Start
from tests.engine.rig import (
    DATE,
    DEMARCHE,
    DETAIL,
    ETAPE,
    OPEN,
    PROBLEME,
    RESULTAT,
    Engine,
    id_of,
    number,
)
from tests.engine.test_pushing import (
    CONFIRMED,
    OTHER,
    eligible,
    make_ineligible,
)

TOUCHED = (
    (RESULTAT, OTHER),
    (DETAIL, "Vu avec le sponsor"),
    (DETAIL, "Conforme : tout.\nVu avec le sponsor."),
    (DATE, None),
)
"""A result that contradicts the detail, another text, an added one, no date."""


def made_anew(
    label: str = "Résultat du pré-contrôle", remove: tuple[int, ...] = (RESULTAT,)
) -> Change:
    """Return a change of the form that has another annotation for the result, 5999."""
    options = ("Éligible", "Inéligible", "À vérifier")
    anew = ChampDescriptor(5999, "drop_down_list", label, options=options)
    return Change(remove=remove, add_annotations=[anew])


@pytest.mark.parametrize(("gone", "known"), [("renamed", "full"), ("removed", "stale")])
def test_a_configured_label_that_ds_lost_is_a_fault_of_the_configuration(
    engine: Engine, gone: str, known: str
) -> None:
    """Said once, by its name, by every run; nobody is in conflict, and the annotations go on."""
    engine.sync_until_quiet()
    for name in ("éligible", "à vérifier"):
        if gone == "renamed":
            engine.control.form.rename_label(name, f"{name} (ancien)")
        else:
            engine.control.form.remove_label_of_demarche(name)
    make_ineligible(engine, 0)
    engine.control.edit_annotation(number(2), 5202, "Soutenance")
    report = engine.sync(full=known == "full")
    assert (7, 0) == (report.exit_code, report.conflicts)
    [said] = [error for error in report.errors if "label" in error]
    assert "« éligible », « à vérifier »" in said
    assert ("Inéligible", True) == (engine.remote(0), "inéligible" in engine.labels(0))
    assert CONFIRMED == engine.wishes(0)
    assert [] == engine.rows("SELECT * FROM outbox WHERE courante AND statut = 'conflit'")
    assert [said] == engine.sync().errors


def test_a_label_that_is_back_on_ds_is_seen_by_the_next_run(engine: Engine) -> None:
    """Made as the message asks: no full read is waited for, and what was refused is put."""
    engine.sync_until_quiet()
    engine.control.form.rename_label("inéligible", "inéligible (ancien)")
    make_ineligible(engine, 0)
    assert 7 == engine.sync(full=True).exit_code
    engine.control.form.rename_label("inéligible (ancien)", "inéligible")
    report = engine.sync()
    assert (0, [], ["inéligible"]) == (report.exit_code, report.errors, engine.labels(0))


@pytest.mark.parametrize("how", ["same label", "new id in the configuration"])
def test_an_annotation_made_anew_is_filled_again(start: Start, how: str) -> None:
    """Its new descriptor is empty, which is nobody's hand: no conflict, all is written there."""
    engine = start()
    engine.sync_until_quiet()
    if how == "same label":
        engine.control.form.publish_revision(made_anew())
        report = engine.sync()
    else:
        engine.control.form.publish_revision(made_anew("Avis automatique", remove=()))
        engine.sync()
        assert None is engine.remote(0, 5999)
        target = {"id": id_of(5999), "libelles": ("Avis automatique",)}
        resultat = engine.worker.app.configuration.annotations.resultat
        changed = resultat.model_copy(update=target)
        engine.restart(configuration={"annotations": {"resultat": changed}})
        # The former one stays beside it.
        assert (4, None) == (engine.sync().exit_code, engine.remote(0, 5999))
        report = engine.accept(Consent.WRITES)
    assert (0, 0) == (report.exit_code, report.conflicts)
    for rank in OPEN:
        assert (engine.verdict(rank), CONFIRMED) == (engine.remote(rank, 5999), engine.wishes(rank))
    make_ineligible(engine)
    engine.advance(minutes=20)
    assert (0, "Inéligible") == (engine.sync().exit_code, engine.remote(0, 5999))


def test_an_annotation_that_goes_between_pull_and_push_is_no_conflict(engine: Engine) -> None:
    """DS moves the dossier to a newer form: what dsync wrote is gone, and nobody emptied it."""
    engine.sync_until_quiet()
    make_ineligible(engine)

    def publish(read: Callable[..., Any], *arguments: Any) -> Any:
        engine.worker.client.around.clear()
        engine.control.form.publish_revision(made_anew())
        return read(*arguments)

    engine.worker.client.around["read_annotations"] = publish
    assert 0 == engine.sync().conflicts
    engine.advance(minutes=3)
    assert 0 == engine.sync().exit_code
    assert ("Inéligible", CONFIRMED) == (engine.remote(0, 5999), engine.wishes(0))
    assert "conflit" not in engine.events(0)


def test_a_conflict_ends_with_the_annotation_that_it_was_in(engine: Engine) -> None:
    """The human's value went with the old annotation; in the new one nobody wrote."""
    engine.sync_until_quiet()
    engine.control.edit_annotation(number(0), RESULTAT, OTHER)
    engine.sync()
    assert "conflit" == engine.wishes(0)["resultat"]
    engine.control.form.publish_revision(made_anew())
    report = engine.sync()
    assert (0, "Éligible", CONFIRMED) == (
        report.exit_code,
        engine.remote(0, 5999),
        engine.wishes(0),
    )


@pytest.mark.fast
def test_a_new_database_adopts_what_dsync_wrote_once_a_person_says_so(engine: Engine) -> None:
    """Before, nothing is written at all, new dossiers included; then it is journaled as adopted."""
    engine.sync_until_quiet()
    before = [engine.remote(rank, DATE) for rank in OPEN]
    engine.lose_database(seen=False)
    engine.advance(hours=3)
    engine.control.forget_requests()
    for _ in range(2):
        report = engine.sync()
        assert (4, 0, 0, 0) == (report.exit_code, report.adopted, report.conflicts, report.pushed)
        assert "dsync accept writer" in report.errors[0]
    [asked] = engine.asked()
    assert {str(number(rank)) for rank in OPEN} == asked.proposal.subjects.keys()
    assert {(move.before, move.after) for move in asked.proposal.moves} == {
        (verdict, verdict) for verdict in map(engine.remote, OPEN)
    }
    report = engine.accept(Consent.WRITER)
    assert (0, 10, 0, 0) == (report.exit_code, report.adopted, report.conflicts, report.pushed)
    assert [] == [*engine.mutations(), *engine.asked()]
    with engine.worker.store.reading(DEMARCHE) as reader:
        assert [] == reader.consents.all()
    assert before == [engine.remote(rank, DATE) for rank in OPEN]
    assert [CONFIRMED] * 10 == [engine.wishes(rank) for rank in OPEN]
    assert ["cree", "verdict", "adopte"] == engine.events(0)
    engine.advance(minutes=11)
    again = engine.sync(full=True)
    assert (0, 0, []) == (again.exit_code, again.adopted, engine.mutations())


@pytest.mark.fast
def test_an_adopted_set_follows_a_verdict_that_moved(engine: Engine) -> None:
    """The whole set is renewed, label and date included."""
    engine.sync_until_quiet()
    before = engine.remote(0, DATE)
    make_ineligible(engine)
    engine.lose_database()
    engine.sync()
    [asked] = engine.asked()
    assert ("Éligible", "Inéligible", 1) in {move[1:] for move in asked.proposal.moves}
    assert "Éligible" == engine.remote(0)
    report = engine.accept(Consent.WRITER)
    assert (0, 10, 0, 1) == (report.exit_code, report.adopted, report.conflicts, report.pushed)
    assert ("Inéligible", ["inéligible"]) == (engine.remote(0), engine.labels(0))
    assert engine.remote(0, DETAIL).startswith("Inéligible – ")
    assert before != engine.remote(0, DATE)
    assert CONFIRMED == engine.wishes(0)


def test_a_new_database_adopts_what_a_forced_push_wrote_alone(engine: Engine) -> None:
    """The detail is younger than its date then, and is dsync's own all the same."""
    engine.sync_until_quiet()
    engine.control.edit_annotation(number(0), DETAIL, "Vu avec le sponsor")
    engine.advance(minutes=1)
    make_ineligible(engine)
    engine.sync()
    engine.advance(hours=1)
    engine.worker.push(0, force_by="ana@poste")
    assert engine.remote(0, DETAIL).startswith("Inéligible – ")
    engine.lose_database()
    engine.sync()
    report = engine.accept(Consent.WRITER)
    assert (0, 10, 0) == (report.exit_code, report.adopted, report.conflicts)


def test_a_text_of_dsync_that_a_human_copied_stops_nobody(engine: Engine) -> None:
    """By hand, with its result and a date, as in another dossier: theirs; others are written."""
    detail = "Éligible – Avis préparatoire établi automatiquement. Il ne vaut pas décision ; "
    for id_, value in (
        (RESULTAT, "Éligible"),
        (DETAIL, f"{detail}la DINUM instruit le dossier."),
        (DATE, engine.control.clock.now()),
        (ETAPE, "Jury"),
    ):
        engine.control.edit_annotation(number(0), id_, value)
        engine.advance(seconds=8)
    texts = [engine.remote(0, id_) for id_ in (RESULTAT, DETAIL, DATE)]
    make_ineligible(engine)
    report = engine.sync()
    assert (0, 0, 9) == (report.exit_code, report.adopted, report.pushed)
    assert texts == [engine.remote(0, id_) for id_ in (RESULTAT, DETAIL, DATE)]


@pytest.mark.fast
def test_a_result_that_was_emptied_before_the_database_was_lost_stays_empty(
    engine: Engine,
) -> None:
    """Beside dsync's date, or its label alone: nobody's annotation is free for the new one."""
    engine.sync_until_quiet()
    engine.control.edit_annotation(number(0), RESULTAT, "")
    for id_ in (RESULTAT, DETAIL, DATE):
        engine.control.edit_annotation(number(1), id_, None if id_ == DATE else "")
    engine.control.edit_annotation(number(2), DETAIL, "")
    engine.lose_database()
    engine.sync()
    engine.control.forget_requests()
    engine.accept(Consent.WRITER)
    assert (None, None, None) == (engine.remote(0), engine.remote(1), engine.remote(2, DETAIL))
    assert [] == [sent for sent in engine.sent_values() if sent[0] in (0, 1, 2)]
    assert {"conflit"} == {engine.wishes(rank)["resultat"] for rank in (0, 1)}


def test_a_human_who_put_a_label_first_keeps_it_and_no_result_waits_for_it(
    engine: Engine,
) -> None:
    """No other database of dsync has written here: an empty result is nobody's."""
    engine.control.add_label(number(0), "à vérifier")
    engine.sync()
    assert ("Éligible", ["à vérifier"]) == (engine.remote(0), engine.labels(0))
    assert {**CONFIRMED, "label": "conflit"} == engine.wishes(0)


def test_a_new_database_leaves_what_is_not_dsyncs_own(engine: Engine) -> None:
    """A human touched the set: what is not as the verdict says is in conflict."""
    engine.sync_until_quiet()
    others = [rank for rank in OPEN if engine.verdict(rank) == "À vérifier"]
    touched = dict(zip([*eligible(engine), *others], TOUCHED, strict=False))
    for rank, (stable_id, value) in touched.items():
        engine.control.edit_annotation(number(rank), stable_id, value)
        if stable_id != RESULTAT:
            make_ineligible(engine, rank)
        else:
            engine.control.edit_champ(number(rank), PROBLEME, "Mieux dit")
    kept = [engine.remote(rank, id_) for rank in touched for id_ in (RESULTAT, DETAIL)]
    engine.lose_database()
    engine.sync()
    report = engine.accept(Consent.WRITER)
    assert (6, 4) == (report.adopted, report.conflicts)
    assert all("conflit" in engine.wishes(rank).values() for rank in touched)
    assert kept == [engine.remote(rank, id_) for rank in touched for id_ in (RESULTAT, DETAIL)]
    # What dsync wrote beside a changed result waits for it; it is no second hand of a human.
    rows = engine.rows(
        "SELECT annotation FROM outbox WHERE numero = :n AND statut = 'conflit' AND courante "
        "AND erreur IS NULL",
        n=number(0),
    )
    assert ["resultat"] == [row["annotation"] for row in rows]
    engine.worker.push(0, force_by="ana@poste")
    assert ("Éligible", CONFIRMED) == (engine.remote(0), engine.wishes(0))


def test_labels_that_are_no_longer_managed_are_left_alone(engine: Engine) -> None:
    """With `labels = {}` what stands there is nobody's news: a run asks once."""
    engine.sync_until_quiet()
    engine.restart(configuration={"annotations": {"labels": {}}})
    for _ in range(2):
        assert 0 == engine.sync(full=True).exit_code
    assert {"confirmee"} == set(engine.wishes(0).values())
    assert ["éligible"] == engine.labels(0)
    assert [] == engine.mutations()
    engine.control.forget_requests()
    engine.sync()
    assert 1 == len(engine.requests())


@pytest.mark.fast
def test_a_label_that_dsync_put_goes_when_another_one_is_configured(engine: Engine) -> None:
    """A human's other labels stay, and so does that of dsync's name which a human put."""
    engine.control.form.rename_label("à vérifier", "vu")
    names = {"eligible": "éligible", "a_verifier": "vu", "ineligible": "inéligible"}
    engine.restart(configuration={"annotations": {"labels": VerdictTexts(**names)}})
    engine.sync_until_quiet()
    engine.control.add_label(number(1), "éligible")
    names["eligible"] = "vu"
    engine.restart(configuration={"annotations": {"labels": VerdictTexts(**names)}})
    assert 0 == engine.sync().exit_code
    assert (["vu"], "confirmee") == (engine.labels(0), engine.wishes(0)["label"])
    assert "éligible" in engine.labels(1)
    engine.control.forget_requests()
    engine.advance(minutes=11)
    assert 0 == engine.sync(full=True).exit_code
    assert [] == engine.mutations()


def test_a_label_that_waits_is_not_put_once_labels_are_no_longer_managed(start: Start) -> None:
    """Nor is a conflict of a label listed any more."""
    engine = start()
    engine.sync()
    engine.control.remove_label(number(3), *engine.labels(3))
    engine.control.change_groupe(number(0), "autre groupe")
    make_ineligible(engine)
    engine.sync(full=True)
    assert ("en_attente", "conflit") == (engine.wishes(0)["label"], engine.wishes(3)["label"])
    engine.restart(configuration={"annotations": {"labels": {}}})
    engine.control.change_groupe(number(0), "défaut")
    engine.sync(full=True)
    assert ("Inéligible", ["éligible"]) == (engine.remote(0), engine.labels(0))
    assert [] == engine.rows("SELECT * FROM outbox WHERE annotation = 'label' AND courante")
    engine.restart()
    engine.sync()
    assert (CONFIRMED, ["inéligible"]) == (engine.wishes(0), engine.labels(0))

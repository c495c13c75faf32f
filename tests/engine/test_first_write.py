"""The first write of a database into a démarche, which a person has to have seen."""

from __future__ import annotations

from typing import Any

from dsync.domain.consent import Consent
from tests.engine.conftest import Start
from tests.engine.rig import DEMARCHE, FORM, PROBLEME, Engine, base_settings, number, seeds
from tests.store.databases import on_each

RANKS = range(12)
CONFIG: Any = base_settings().configuration


def with_date_on_another() -> dict[str, Any]:
    """`[annotations] date` on the annotation of the jury's day."""
    jury = CONFIG.mapping.annotations.jury_le.id
    target = CONFIG.annotations.date.model_copy(update={"id": jury, "libelles": ("Date du jury",)})
    return {"annotations": {"date": target}}


def written(engine: Engine) -> int:
    """Return the number of dossiers with a result in DS."""
    return sum(engine.remote(rank) is not None for rank in RANKS)


@on_each
def test_nothing_is_written_first_before_a_person_consents(start: Start) -> None:
    """Exit 4, again and again, with the copy and the verdicts; then all at once, and no more."""
    engine = start(RANKS, seen=False)
    for _ in range(2):
        report = engine.sync()
        assert (4, 0, []) == (report.exit_code, report.pushed, engine.mutations()), report
        assert "`dsync accept first`" in report.errors[-1]
        [asked] = engine.asked()
        assert Consent.FIRST is asked.proposal.kind
        engine.advance(minutes=11)
    assert {"Éligible", "Inéligible"} < {move.after for move in asked.proposal.moves}
    report = engine.accept(Consent.FIRST)
    assert (0, []) == (report.exit_code, engine.asked()), report
    assert asked.proposal.dossiers == report.pushed == written(engine)
    engine.control.edit_champ(number(0), PROBLEME, "Autre texte")
    report = engine.sync_later()
    assert (0, []) == (report.exit_code, engine.asked()), report


def test_the_question_names_demarche_and_annotations_as_ds_does(start: Start) -> None:
    """A slip that aims a value at another annotation, or at another démarche, is read there."""
    engine = start(RANKS, seen=False, configuration=with_date_on_another())
    engine.sync()
    [asked] = engine.asked()
    [demarche, *lines] = asked.proposal.detail.splitlines()
    assert f"démarche « {FORM.title} » ({DEMARCHE})" == demarche
    assert "date : dans l’annotation « Date du jury »" in lines


def test_consent_to_other_annotations_or_rules_is_none(start: Start) -> None:
    """What was consented to and not yet written is asked anew once it is another."""
    engine = start(RANKS, seen=False)
    engine.sync()
    engine.restart(configuration=with_date_on_another())
    assert (4, 0) == ((report := engine.accept(Consent.FIRST)).exit_code, report.pushed)
    assert "« Date du jury »" in engine.asked()[0].proposal.detail
    engine.restart(configuration={"precontrole": {"instruction": "le service"}})
    assert (4, 0) == ((report := engine.accept(Consent.FIRST)).exit_code, report.pushed)
    report = engine.accept(Consent.FIRST)
    assert (0, written(engine)) == (report.exit_code, report.pushed)


def test_a_dry_run_shows_the_first_write_and_asks_nothing(start: Start) -> None:
    """What would be sent is more than what is asked."""
    engine = start(RANKS, seen=False)
    engine.sync(push=False)
    report = engine.sync_later(dry_run=True)
    assert (0, []) == (report.exit_code, engine.asked()), report
    assert report.mutations


@on_each
def test_a_lost_database_asks_only_which_one_writes(start: Start) -> None:
    """Where dsync's own values stand in DS, there is no first write."""
    engine = start(RANKS)
    engine.sync_until_quiet()
    engine.lose_database(seen=False)
    engine.sync()
    assert [Consent.WRITER] == [one.proposal.kind for one in engine.asked()]
    assert (0, []) == (engine.accept(Consent.WRITER).exit_code, engine.asked())


def test_an_installation_that_wrote_is_never_asked(start: Start) -> None:
    """Nor where what it wrote was erased from it since, and other rules judge what comes."""
    engine = start([0])
    engine.sync_until_quiet()
    engine.worker.erase(0)
    engine.restart(seen=False, configuration={"precontrole": {"instruction": "le service"}})
    engine.control.deposit(seeds([1])[0])
    report = engine.sync_later(full=True)
    assert (0, [], 1) == (report.exit_code, engine.asked(), report.pushed), report


def test_what_a_person_orders_is_written_and_the_others_still_wait(start: Start) -> None:
    """One dossier by hand is no look at all of them."""
    engine = start(RANKS, seen=False)
    engine.sync()
    assert 1 == engine.worker.push(0, force_by="ada@here").pushed
    assert (4, 1) == (engine.sync_later().exit_code, written(engine))
    assert 0 == engine.accept(Consent.FIRST).exit_code
    assert 1 < written(engine)


def test_an_order_before_the_question_answers_it_neither(start: Start) -> None:
    """Nor does another database's single dossier tell what this one would write into the others."""
    engine = start(RANKS, seen=False)
    engine.sync(push=False)
    assert 1 == engine.worker.push(0, force_by="ada@here").pushed
    assert (4, 1) == (engine.sync_later().exit_code, written(engine))
    engine.lose_database(seen=False)
    engine.sync()
    assert 4 == engine.accept(Consent.WRITER).exit_code
    assert [Consent.FIRST] == [one.proposal.kind for one in engine.asked()]
    assert 1 == written(engine)


def test_a_question_ends_with_what_it_is_about(start: Start) -> None:
    """Without a dossier to write into, nothing waits."""
    engine = start([0], seen=False)
    engine.sync()
    assert [Consent.FIRST] == [one.proposal.kind for one in engine.asked()]
    engine.control.hide(number(0))
    engine.sync_later(full=True)
    assert [] == engine.asked()

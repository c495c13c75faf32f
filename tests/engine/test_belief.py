"""Facts that change in many dossiers at once without their dates: what stood stays."""

from __future__ import annotations

import re
from typing import Any

import pytest

from dsync.domain.consent import Consent
from dsync.sandbox import Change, ScriptedFault
from dsync.sandbox.model import ChampDescriptor
from dsync.store.codes import Kind
from tests.engine.conftest import Start
from tests.engine.rig import DETAIL, ETAPE, OPEN, PAGE, PROBLEME, Engine, number, seeds
from tests.profiles import long
from tests.store import databases
from tests.store.databases import engine_by_case, on_each, postgresql_if_long

FONCTION, PROFIL = 4307, 4404
"""A contact's function; the column of a wanted profile."""

BENDS = (
    "no_champs",
    "champ_missing",
    "empty_rows",
    "deposited_in_2025",
    "one_siret",
    "no_legal_code",
    "neighbours_answers",
    "neighbours_dossiers",
    "all_refused",
)
RANKS = range(12)


def bends(*sharp: str, without: str = "") -> list[Any]:
    """Return the bends, of which a usual run tries some: `unit/sync/test_doubts.py` has all.

    Stored are an answer, the applicant, the state or a whole dossier.
    """
    return [how if how in sharp else long(how) for how in BENDS if how != without]


def bend(engine: Engine, how: Any, **fault: Any) -> None:
    """Have DS tell something else of every dossier, until it is mended."""
    fault = {"times": None, **fault}
    engine.control.faults.fail(ScriptedFault("bent_dossiers", bend=how, only="query", **fault))


def mend(engine: Engine) -> None:
    engine.control.faults.clear_faults()
    engine.advance(minutes=1)


def standing(engine: Engine) -> list[Any]:
    """Return all that people have of the dossiers: answers, verdicts, history, annotations."""
    names = "contenu candidature verdict changement evenement outbox quarantaine"
    content = engine.content()
    there = [(engine.remote(rank), engine.remote(rank, DETAIL)) for rank in RANKS]
    return [there, *(content[name] for name in names.split())]


def asked(engine: Engine) -> Any:
    """Return what waits for a person about answers."""
    return next((one for one in engine.asked() if one.proposal.kind is Consent.ANSWERS), None)


def by_others(engine: Engine) -> list[str]:
    """Return who made each change in the history, apart from dsync."""
    found = engine.rows("SELECT par FROM changement WHERE par <> 'dsync'")
    return [row["par"] for row in found]


@pytest.mark.parametrize("how", bends("one_siret", "neighbours_dossiers"))
def test_what_ds_tells_otherwise_of_all_dossiers_at_once_is_not_believed(
    engine: Engine, how: str
) -> None:
    """Nothing of them moves, here or in DS, and the next right read ends it without a person."""
    engine.sync_until_quiet()
    before = standing(engine)
    bend(engine, how)
    for _ in range(2):
        report = engine.sync(full=True)
        assert (4, 0, 0, 0) == (report.exit_code, report.changed, report.evaluated, report.pushed)
        assert "dsync accept answers" in " ".join(report.errors)
        assert before == standing(engine)
        engine.advance(minutes=1)
    proposal = asked(engine).proposal
    assert 6 <= len(proposal.subjects) <= 12
    assert proposal.moves
    assert [] == engine.mutations()
    mend(engine)
    report = engine.sync(full=True)
    assert (0, 0, 0) == (report.exit_code, report.changed, report.pushed)
    assert before == standing(engine)
    assert asked(engine) is None


@pytest.mark.parametrize("how", bends("empty_rows", "all_refused", without="neighbours_dossiers"))
def test_one_consent_believes_it(engine: Engine, how: str) -> None:
    """DS is stored as it shows itself; no event names the applicant, nobody is asked again."""
    engine.sync_until_quiet()
    bend(engine, how)
    engine.sync(full=True)
    count = len(asked(engine).proposal.subjects)
    report = engine.accept(Consent.ANSWERS)
    assert (count, None) == (report.changed, asked(engine))
    assert [] == engine.rows("SELECT * FROM changement WHERE par = 'usager'")
    engine.advance(minutes=1)
    report = engine.sync(full=True)
    assert (0, None) == (report.changed, asked(engine))


def test_a_question_that_a_revision_makes_anew_waits(engine: Engine) -> None:
    """With the same label under another id; edits and decisions of these dossiers are followed."""
    engine.sync_until_quiet()
    before = standing(engine)
    new = ChampDescriptor(4999, "text", "Page produit sur beta.gouv.fr")
    engine.control.form.publish_revision(Change(remove=[PAGE], add_champs=[new]))
    report = engine.sync()
    assert (4, 0, 0) == (report.exit_code, report.evaluated, report.pushed)
    assert before == standing(engine)
    [move] = asked(engine).proposal.moves
    assert ("Question « Page produit sur beta.gouv.fr »", 10) == (move.what, move.dossiers)
    engine.advance(minutes=1)
    engine.control.move(number(0), "accepte")
    engine.sync()
    assert "accepte" == engine.one("dossier", 0)["etat"]
    assert "Éligible" == engine.verdict(0)
    engine.advance(hours=2)
    engine.accept(Consent.ANSWERS)
    assert asked(engine) is None
    assert "Éligible" != engine.verdict(1)


@pytest.mark.parametrize("gone", [PAGE, PROFIL], ids=["question", "column"])
def test_how_many_wait_is_said_once_a_run(engine: Engine, gone: int) -> None:
    """Also where one of them is read again after a push."""
    engine.sync_until_quiet()
    engine.control.form.publish_revision(Change(remove=[gone]))
    engine.control.edit_annotation(number(3), ETAPE, "Soutenance")
    report = engine.sync()
    assert 4 == report.exit_code
    assert ["10"] == re.findall(r"applicants for (\d+) dossiers", " ".join(report.errors))


@on_each
def test_a_revision_that_adds_and_renames_questions_waits_for_nobody(engine: Engine) -> None:
    """Nor does one that removes questions which no check reads, such as a contact's function."""
    engine.sync_until_quiet()
    new = [ChampDescriptor(4999, "text", "Encore une question")]
    engine.control.form.publish_revision(
        Change(rename={PROBLEME: "Le problème"}, add_champs=new, remove=[FONCTION])
    )
    report = engine.sync()
    assert (0, 10, None) == (report.exit_code, report.changed, asked(engine))


def test_few_are_read_again_and_believed_if_they_come_the_same(engine: Engine) -> None:
    """As a repair by DS's support: no person is asked."""
    engine.sync_until_quiet()
    for rank in (0, 1):
        engine.control.world.dossier(number(rank)).champs[PROBLEME] = "Réparé"
    engine.control.forget_requests()
    report = engine.sync(full=True)
    assert (0, 2, None) == (report.exit_code, report.changed, asked(engine))
    assert "Réparé" == engine.one("lecture_candidature", 0)["probleme"]
    assert 2 == len(engine.requests("DossiersPage")) + len(engine.requests("Dossier"))
    assert ["inconnu"] * 2 == by_others(engine)


def edit(engine: Engine, ranks: Any, answers: dict[int, str]) -> None:
    """Have the answers edited on one day, with DS's dates of it."""
    engine.advance(minutes=11)
    for rank in ranks:
        for champ, text in answers.items():
            engine.control.edit_champ(number(rank), champ, text)


@postgresql_if_long
def test_many_edits_that_only_empty_answers_are_not_believed(engine: Engine) -> None:
    """Whatever their dates, as a script leaves them; an edit that answers anew is believed."""
    engine.sync_until_quiet()
    before, answered = standing(engine), engine.one("lecture_candidature", 1)["probleme"]
    edit(engine, OPEN, {PROBLEME: "", PAGE: ""})
    for _ in range(2):
        report = engine.sync(full=True)
        assert (4, 0, 0) == (report.exit_code, report.evaluated, report.pushed), report
        assert before == standing(engine)
        engine.advance(minutes=11)
    assert len(OPEN) == len(asked(engine).proposal.subjects)
    edit(engine, OPEN[:1], {PROBLEME: "Autre"})
    assert 0 == engine.sync().exit_code
    assert "Autre" == engine.one("lecture_candidature", 0)["probleme"]
    # What is left is no more than the limit, and waits all the same.
    for rank in OPEN[3:]:
        for champ, text in seeds([rank])[0].champs.items():
            if champ in (PROBLEME, PAGE):
                engine.control.edit_champ(number(rank), champ, text)
    assert 4 == engine.sync(full=True).exit_code
    assert (2, answered) == (
        len(asked(engine).proposal.subjects),
        engine.one("lecture_candidature", 1)["probleme"],
    )
    engine.accept(Consent.ANSWERS)
    assert (None, "") == (asked(engine), engine.one("lecture_candidature", 1)["probleme"] or "")


def test_few_edits_that_empty_answers_are_their_applicants(engine: Engine) -> None:
    """As many as the limit, in one read."""
    engine.sync_until_quiet()
    edit(engine, OPEN[:5], {PROBLEME: ""})
    assert (0, 5) == ((report := engine.sync()).exit_code, report.changed)
    assert ["usager"] * 5 == by_others(engine)


@engine_by_case("days", postgresql=2, sqlite=31)
def test_few_are_believed_up_to_the_limit_in_thirty_days(engine: Engine, days: int) -> None:
    """A few in each read, again and again, are many."""
    engine.sync_until_quiet()

    def change(ranks: Any) -> Any:
        for rank in ranks:
            engine.control.world.dossier(number(rank)).champs[PROBLEME] = "Autre"
        return engine.sync(full=True)

    assert (0, 3) == ((report := change(OPEN[:3])).exit_code, report.changed)
    engine.advance(days=days)
    report = change(OPEN[3:6])
    assert ((4, 0) if days < 30 else (0, 3)) == (report.exit_code, report.changed)
    if days > 30:
        return
    assert 3 == len(asked(engine).proposal.subjects)
    assert " : 3" in asked(engine).proposal.detail
    engine.accept(Consent.ANSWERS)
    # Somebody has looked: the count begins again.
    assert (0, 3) == ((report := change(OPEN[6:9])).exit_code, report.changed)


def test_a_state_that_no_step_leads_to_is_nobodys(start: Start) -> None:
    """Neither there nor back: DS shows it twice, so it is believed."""
    engine = start([0])
    engine.sync_until_quiet()
    bend(engine, "all_refused")
    engine.sync(full=True)
    assert "refuse" == engine.one("dossier", 0)["etat"]
    mend(engine)
    assert 0 == engine.sync(full=True).exit_code
    assert ["inconnu"] * 2 == by_others(engine)


def test_few_that_come_right_again_are_not_believed(engine: Engine) -> None:
    """A page that was wrong once changes nothing."""
    engine.sync_until_quiet()
    before = standing(engine)
    for rank in (0, 1):
        engine.control.faults.replace_json(number(rank), ("champs",), "[]")

    def mended(dossiers: Any, *given: Any, **options: Any) -> Any:
        for rank in (0, 1):
            engine.control.faults.repair(number(rank))
        return dossiers(*given, **options)

    engine.worker.client.around["dossiers"] = mended
    assert 0 == engine.sync(full=True).exit_code
    assert before == standing(engine)


def test_a_dossier_without_its_answers_waits_alone(engine: Engine) -> None:
    """However often it comes so: no edit takes all answers away."""
    engine.sync_until_quiet()
    before = standing(engine)
    engine.control.faults.replace_json(number(0), ("champs",), "[]")
    for _ in range(2):
        engine.control.send_message(number(0))
        engine.advance(minutes=10)
        assert 4 == engine.sync().exit_code
        assert before[0] == standing(engine)[0]
    engine.control.faults.repair(number(0))
    engine.control.send_message(number(0))
    engine.advance(minutes=10)
    assert (0, []) == (engine.sync(full=True).exit_code, engine.asked())
    assert before[0] == standing(engine)[0]


def test_edits_and_deposits_among_what_is_in_doubt_wait_with_it(start: Start) -> None:
    """They are stored, and told as the applicant's, by the read that is right."""
    engine = start(RANKS)
    engine.sync_until_quiet()
    before = standing(engine)
    engine.control.edit_champ(number(0), PROBLEME, "Autre")
    engine.control.deposit(seeds([12])[0])
    bend(engine, "no_champs")
    report = engine.sync(full=True)
    assert 4 == report.exit_code
    assert before[2:5] == standing(engine)[2:5]
    assert {} == engine.one("dossier", 12)
    assert {12: ("douteux", 1)} == engine.quarantine()
    mend(engine)
    assert 0 == engine.sync(full=True).exit_code
    assert "Autre" == engine.one("lecture_candidature", 0)["probleme"]
    assert ["usager"] == by_others(engine)
    assert engine.verdict(12)
    assert {} == engine.quarantine()


def test_what_is_ordinary_waits_for_nobody(start: Start) -> None:
    """However many: what is new, what moved with a date, and what DS adds by itself."""
    engine = start(range(8))
    control, world = engine.control, engine.control.world

    def scans() -> None:
        for truth in control.truth():
            for key, value in world.dossier(truth.number).champs.items():
                if isinstance(value, list) and value and hasattr(value[0], "virus_scan"):
                    control.end_virus_scan(truth.number, key, "pending")

    def moved() -> None:
        for rank in range(8):
            dossier = world.dossier(number(rank))
            dossier.champs[PROBLEME] = "Autre"
            dossier.updated_at = dossier.champs_at = control.clock.now()

    def edits() -> None:
        for rank in range(8):
            control.edit_champ(number(rank), PROBLEME, f"Autre {rank}")

    def deposits() -> None:
        for seed in seeds(range(8, 40)):
            control.deposit(seed)

    def decisions() -> None:
        for rank in range(8):
            control.move(number(rank), "accepte")

    assert 0 == engine.sync_until_quiet().exit_code
    for act in (scans, moved, edits, deposits, decisions):
        act()
        report = engine.sync(full=True)
        assert (0, None) == (report.exit_code, asked(engine)), act.__name__
        engine.advance(minutes=11)


def test_a_read_is_due_within_the_hour_while_many_are_in_doubt(engine: Engine) -> None:
    """The service ends it by itself, long before the night."""
    engine.sync_until_quiet()
    bend(engine, "no_champs")
    engine.sync(full=True)
    mend(engine)
    engine.advance(minutes=61)
    assert 0 == engine.sync().exit_code
    assert asked(engine) is None


def test_what_a_consent_does_not_cover_waits_again(engine: Engine) -> None:
    """It was given for what was shown."""
    engine.sync_until_quiet()
    before = standing(engine)
    bend(engine, "no_champs")
    engine.sync(full=True)
    version = asked(engine).version
    engine.control.faults.clear_faults()
    bend(engine, "one_siret")
    report = engine.sync(work=Kind.CONSENT, genre="reponses", accord=version, started_by="ada@here")
    assert (4, before) == (report.exit_code, standing(engine))
    assert version != asked(engine).version


def test_a_first_read_without_an_answer_copies_nobody(engine: Engine) -> None:
    """Each dossier is in quarantine; the read that is right copies and judges all of them."""
    bend(engine, "no_champs")
    report = engine.sync()
    assert (7, 0, 0, 12) == (
        report.exit_code,
        report.evaluated,
        len(engine.rows("SELECT numero FROM dossier")),
        len(engine.quarantine()),
    )
    mend(engine)
    report = engine.sync(full=True)
    assert (0, 12, {}) == (report.exit_code, report.evaluated, engine.quarantine())
    assert asked(engine) is None


def test_what_waits_ends_also_by_reads_of_single_dossiers(engine: Engine) -> None:
    """As those that a webhook announces; those not read yet go on waiting."""
    engine.sync_until_quiet()
    bend(engine, "no_champs")
    engine.sync(full=True)
    mend(engine)
    numbers = sorted(int(number) for number in asked(engine).proposal.subjects)
    assert 0 == engine.sync(dossiers=numbers[:4]).exit_code
    assert set(map(str, numbers[4:])) == set(asked(engine).proposal.subjects)
    assert 0 == engine.sync(dossiers=numbers[4:]).exit_code
    assert asked(engine) is None


def test_a_copy_from_a_backup_follows_what_happened_since(engine: Engine) -> None:
    """Each edit and decision has its own date, however many there are."""
    engine.sync_until_quiet()
    kept = databases.keep(engine.url)
    for rank in RANKS:
        if rank not in (5, 11):
            engine.control.edit_champ(number(rank), PROBLEME, f"Autre {rank}")
            engine.control.move(number(rank), "sans_suite")
    engine.sync()
    engine.worker.close()
    databases.replace(engine.url, kept)
    engine.restart()
    assert 0 == engine.sync(full=True).exit_code
    assert "Autre 0" == engine.one("lecture_candidature", 0)["probleme"]
    assert asked(engine) is None

"""Who was asked in DS's messages, who has answered, and who has been silent since when."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from dsync.store.codes import Kind
from dsync.store.listing import Selection
from tests.engine.rig import DEMARCHE, PROBLEME, Engine, number
from tests.profiles import long
from tests.store.databases import on_postgresql

COLUMNS = "dernier_message_de AS de, demande_le, repondu_le, sans_reponse_depuis"
ASKED = 0
"""An open dossier without a message."""


def after(engine: Engine, *, minutes: int = 60) -> dict[str, Any]:
    """Read what has happened; return what is known of the conversation, instants as text."""
    engine.advance(minutes=minutes)
    engine.sync()
    [row] = engine.rows(f"SELECT {COLUMNS} FROM lecture_dossier WHERE numero = {number(ASKED)}")
    [whom] = engine.rows(
        f"SELECT attend, attend_depuis FROM lecture_suivi WHERE numero = {number(ASKED)}"
    )
    return {
        name: value.strftime("%Y-%m-%dT%H:%M:%SZ") if isinstance(value, datetime) else value
        for name, value in (row | whom).items()
    }


def listed(engine: Engine, **wanted: Any) -> bool:
    """Return whether the dossier is in a list, and its row there waits since when its view says."""
    with engine.worker.store.reading(DEMARCHE) as reader:
        found, _ = reader.dossiers.listing(Selection(numeros=(number(ASKED),), **wanted), limit=9)
    since = f"SELECT attend_depuis FROM lecture_suivi WHERE numero = {number(ASKED)}"
    for row in found:
        [shown] = engine.rows(since)
        assert str(row["attend_depuis"])[:19] == str(shown["attend_depuis"]).replace(" ", "T")[:19]
    return bool(found)


@on_postgresql
def test_a_question_waits_for_its_answer(engine: Engine) -> None:
    """An instructeur's message passes the turn to the usager, the answer back to the team."""
    engine.sync()
    engine.control.move(number(ASKED), "en_construction")
    engine.control.send_message(number(ASKED), "system")
    told = after(engine)
    assert ("automatique", None, None, "instructeur") == (
        told["de"], told["demande_le"], told["repondu_le"], told["attend"],
    )  # fmt: skip
    engine.control.send_message(number(ASKED))
    asked = after(engine)
    assert ("administration", "usager") == (asked["de"], asked["attend"])
    assert asked["demande_le"] == asked["sans_reponse_depuis"] is not None
    assert told["attend_depuis"] < asked["demande_le"] == asked["attend_depuis"]
    # A reminder does not begin the silence anew.
    engine.control.send_message(number(ASKED))
    assert asked == after(engine)
    now = engine.worker.now()
    assert listed(engine, sans_reponse_depuis=now, attend="usager")
    assert not listed(engine, sans_reponse_depuis=datetime.fromisoformat("2020-01-01T00:00Z"))
    assert not listed(engine, repondu=True)
    engine.control.send_message(number(ASKED), "usager")
    answered = after(engine)
    assert (asked["demande_le"], None, "instructeur") == (
        answered["demande_le"], answered["sans_reponse_depuis"], answered["attend"],
    )  # fmt: skip
    assert answered["attend_depuis"] == answered["repondu_le"] > answered["demande_le"]
    assert listed(engine, repondu=True, attend="instructeur")
    assert not listed(engine, sans_reponse_depuis=now)
    sides = "SELECT de FROM lecture_message WHERE numero = {} ORDER BY envoye_le"
    assert ["automatique", "administration", "administration", "usager"] == [
        row["de"] for row in engine.rows(sides.format(number(ASKED)))
    ]


@pytest.mark.parametrize(
    ("act", "attend", "is_answered"),
    [
        # Whose side a sender is of is a table of `unit/test_conversation.py`.
        long(lambda c, n: c.edit_champ(n, PROBLEME, "Complété"), "instructeur", True, id="edit"),
        (lambda c, n: c.send_message(n, "invite@example.org"), "instructeur", True),
        long(lambda c, n: c.send_message(n, "system"), "usager", False, id="automatic"),
        (lambda c, n: c.discard_message(n), "instructeur", False),
    ],
)
def test_what_ends_a_silence(engine: Engine, act: Any, attend: str, *, is_answered: bool) -> None:
    """An edit, and a word of somebody whom DS does not name; no mail of DS, no withdrawal."""
    engine.control.move(number(ASKED), "en_construction")
    engine.control.send_message(number(ASKED))
    assert after(engine)["attend"] == "usager"
    act(engine.control, number(ASKED))
    found = after(engine)
    assert (attend, is_answered) == (found["attend"], found["repondu_le"] is not None)


def test_a_correction_waits_and_a_question_about_it_is_the_teams(engine: Engine) -> None:
    """It is asked by a message, shows since when, and ends with the usager's next submission."""
    since = "SELECT correction_attendue_depuis AS c FROM lecture_candidature WHERE numero = :n"
    engine.control.move(number(ASKED), "en_construction")
    engine.control.ask_correction(number(ASKED))
    asked_at = engine.control.clock.now()
    assert after(engine)["attend"] == "usager"
    [row] = engine.rows(since, n=number(ASKED))
    assert f"{asked_at:%Y-%m-%dT%H:%M}" == str(row["c"]).replace(" ", "T")[:16]
    query = f"SELECT correction FROM lecture_message WHERE numero = {number(ASKED)}"
    assert [{"correction": "attendue"}] == engine.rows(query)
    engine.control.send_message(number(ASKED), "usager")
    assert after(engine)["attend"] == "instructeur"
    engine.control.edit_champ(number(ASKED), PROBLEME, "Corrigé")
    after(engine)
    assert [{"correction": "traitee"}, {"correction": None}] == engine.rows(query)
    assert [{"c": None}] == engine.rows(since, n=number(ASKED))


@on_postgresql
def test_what_was_written_is_kept_until_it_is_taken_back(engine: Engine) -> None:
    """With its sender and the names of its files, in order; of DS's own, the words alone."""
    html = "<p>Bonjour d&#39;abord,</p><a href='https://ds.example/1'>Voir</a><br>Merci"
    engine.control.send_message(number(ASKED), "system", html)
    engine.control.send_message(number(ASKED), "agent", "1 < 2 <b>\r\nEt puis ?", ("À lire.pdf",))
    engine.control.send_message(number(ASKED), "Invite@example.org", "De la part de Mme Xyzw")
    engine.sync()
    with engine.worker.store.reading(DEMARCHE) as reader:
        found = reader.dossiers.by_number(number(ASKED))
        person = reader.persons.search("xyzw")
    assert found is not None
    shown = [[one[name] for name in ("de", "texte", "pieces")] for one in found["messages"]]
    assert [
        ["automatique", "Bonjour d'abord,\nVoir (https://ds.example/1)\nMerci", None],
        ["administration", "1 < 2 <b>\r\nEt puis ?", ["À lire.pdf"]],
        ["autre", "De la part de Mme Xyzw", None],
    ] == shown
    assert "Invite@example.org" == found["messages"][-1]["auteur_courriel"]
    assert ["messages.2.texte"] == [one.champ for one in person]
    assert [] == engine.worker.app.verify(remote=False).findings
    engine.control.discard_message(number(ASKED))
    engine.advance(minutes=5)
    engine.sync()
    query = f"SELECT texte FROM lecture_message WHERE numero = {number(ASKED)} ORDER BY envoye_le"
    assert {"texte": None} == engine.rows(query)[-1]
    engine.execute("UPDATE contenu SET messages = replace(messages, 'puis', 'non')")
    assert [number(ASKED)] == [
        one for found in engine.worker.app.verify(remote=False).findings for one in found.dossiers
    ]


def test_neither_address_nor_message_is_left_of_an_erased_dossier(engine: Engine) -> None:
    """Senders' addresses and texts go with the dossier."""
    engine.control.send_message(number(ASKED), "secret@example.org", "Un mot secret")
    engine.sync()
    assert engine.files_with("secret@example.org")
    assert engine.files_with("Un mot secret")
    engine.worker.erase(ASKED)
    assert [] == engine.files_with("secret@example.org") + engine.files_with("Un mot secret")
    row = engine.one("dossier", ASKED)
    assert {None} == {row[n] for n in ("demande_le", "repondu_le", "dernier_message_le")}
    assert [] == engine.rows(f"SELECT * FROM lecture_message WHERE numero = {number(ASKED)}")


@pytest.mark.parametrize("is_unread", [False, True], ids=["not in DS", "unreadable"])
def test_what_a_person_says_to_have_sent_counts_until_ds_shows_it(
    engine: Engine, *, is_unread: bool
) -> None:
    """Through any read, also where DS renders no message; the journal has who said it, and when."""
    engine.control.move(number(ASKED), "en_construction")
    if is_unread:
        engine.control.faults.null_field(number(ASKED), ("messages",))
    assert after(engine)["attend"] == "instructeur"
    report = engine.sync(work=Kind.DOSSIER, dossiers=[number(ASKED)], sent=True)
    assert is_unread or not report.errors
    said = after(engine)
    assert ("administration", "usager") == (said["de"], said["attend"])
    assert said["demande_le"] == said["sans_reponse_depuis"] is not None
    assert said == after(engine)
    engine.sync(full=True)
    assert said == after(engine)
    assert [] == engine.worker.app.verify(remote=False).findings
    query = f"SELECT nb_messages FROM lecture_dossier WHERE numero = {number(ASKED)}"
    assert [{"nb_messages": None}] == engine.rows(query)
    if is_unread:
        engine.control.faults.repair(number(ASKED))
    engine.control.send_message(number(ASKED))
    shown = after(engine)
    assert [{"nb_messages": 1}] == engine.rows(query)
    assert shown["demande_le"] > said["demande_le"]
    assert ("administration", "usager") == (shown["de"], shown["attend"])

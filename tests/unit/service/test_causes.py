"""What is told of which cause, for how many démarches, and when: tables with a clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from dsync.domain.ids import DemarcheNumber
from dsync.service.causes import AlertFinding, AlertMessage, Severity, decide
from dsync.store.told import AlertBook, AlertEntry, AlertKey

NOW = datetime(2026, 11, 24, 9, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
FORTY = range(1, 41)
OWN = {"conflicts", "quarantine", "check labels"}
"""Those of the causes below that démarches do not share."""


class Told:
    """What one or several services tell, minute by minute.

    Args:
        services: how many; each looks in turn at one book.
        serves: the démarches.
    """

    def __init__(self, serves: Iterable[int] = FORTY, services: int = 1) -> None:
        self.book: AlertBook = {}
        self.serves = [DemarcheNumber(one) for one in serves]
        self.services = services
        self.now = NOW
        self.is_sent = True

    def look(
        self, names: Mapping[str, Iterable[int]], *, unknown: bool = False, number: int = 1
    ) -> list[AlertMessage]:
        """Look once, a minute after the last time; `names`: the démarches of each that is so."""
        findings = [
            AlertFinding(
                DemarcheNumber(one),
                name,
                Severity.FAILURE,
                f"since {{since}}: {name}, `dsync sync`",
                "" if name in OWN else f"one {name}",
                number,
                options={"--config": "own", "--demarche": str(one)},
            )
            for name, numbers in names.items()
            for one in numbers
        ]
        told: list[AlertMessage] = []
        for _ in range(self.services):
            book, messages = decide(
                self.book,
                findings,
                self.now,
                MINUTE,
                serves=self.serves,
                is_known=lambda key: not unknown,
            )
            self.book = self.noted(book, messages)
            told += messages
        self.now += MINUTE
        return told if self.is_sent else []

    def noted(
        self, book: AlertBook, messages: Sequence[AlertMessage]
    ) -> dict[AlertKey, AlertEntry]:
        """Return what is known once the messages were sent, or could not be."""
        later = dict(book)
        for message in messages:
            for one in message.entries:
                if self.is_sent and not message.is_end:
                    later[one.key] = one._replace(dite_le=self.now)
                if message.is_end and not self.is_sent:
                    later[one.key] = one
        return later

    def over(self, timeline: str, name: str, demarches: Iterable[int]) -> list[str]:
        """Return what is told in which minute: `x`: it is so, `.`: it is not, `?`: nobody knows."""
        told = []
        for minute, sign in enumerate(timeline):
            found = {name: demarches} if sign == "x" else {}
            for one in self.look(found, unknown=sign == "?"):
                told.append(f"{minute} {one.title.partition(', ')[2]}")
        return told


@pytest.mark.parametrize("services", [1, 3])
@pytest.mark.parametrize(
    ("name", "timeline", "told"),
    [
        # A flicker is not told, nor that it is over.
        ("token_refused", "x...x...", []),
        ("token_refused", "xxx....", ["1 {}: token_refused", "4 {}: token_refused ended"]),
        # One that comes back at once was never over.
        ("token_refused", "xx.x.x...", ["1 {}: token_refused", "7 {}: token_refused ended"]),
        ("database", "xx.....xx", ["1 {}: database"]),
        ("database", "xx........", ["1 {}: database", "7 {}: database ended"]),
        # DS is often away for some minutes.
        ("ds", "xxxxx.......", []),
        ("ds", "xxxxxx........", ["5 {}: ds", "11 {}: ds ended"]),
        ("ds", "xxxxxxx.x.x...........", ["5 {}: ds", "16 {}: ds ended"]),
        # Without knowledge nothing begins and nothing ends.
        ("token_refused", "xx???????x", ["1 {}: token_refused"]),
        ("token_refused", "xx.??????", ["1 {}: token_refused"]),
        ("token_refused", "x?????x", ["6 {}: token_refused"]),
        # A check is made once a day.
        ("check labels", "x.", ["0 {}: check labels", "1 {}: check labels ended"]),
    ],
)
@pytest.mark.parametrize("demarches", [[7], FORTY], ids=["one", "forty"])
def test_a_cause_is_told_once_when_it_lasts_and_once_when_it_is_over(
    name: str, timeline: str, told: list[str], demarches: Sequence[int], services: int
) -> None:
    """Whether one démarche meets it or forty, and by one of several services."""
    who = "démarche 7" if len(demarches) == 1 else "40 démarches"
    expected = [one.format(who) for one in told]
    assert expected == Told(services=services).over(timeline, name, demarches)


def test_who_meets_a_shared_cause_later_is_no_news() -> None:
    """Forty démarches find DS away in forty minutes, and back in forty others: two messages."""
    seen = Told()
    told = [seen.look({"ds": range(1, minute + 1)}) for minute in range(1, 41)]
    told += [seen.look({"ds": range(minute, 41)}) for minute in range(2, 60)]
    begun, ended = [one for messages in told for one in messages]
    assert ("dsync, 6 démarches: ds", "dsync, 40 démarches: ds ended") == (begun.title, ended.title)
    # Its command is about all, and not about the first one.
    assert begun.text.startswith("since 09:12 UTC: ds, `dsync sync --config own --all`\n")
    assert "Démarches: 1, 2, 3, 4, 5, 6." in begun.text
    # Some 80 minutes of absence; not until that was sure.
    assert "Over, after 79 minutes." in ended.text
    assert "20 and 20 others." in ended.text


def test_ds_that_is_away_is_told_after_an_interval_of_the_reads_at_most() -> None:
    """Where they follow each other faster than five minutes."""
    one = AlertFinding(DemarcheNumber(1), "ds", Severity.FAILURE, "away", "an address")
    book: AlertBook = {}
    minutes = []
    for minute in range(4):
        at = NOW + minute * MINUTE
        book, told = decide(book, [one], at, MINUTE, serves=[one.demarche], away_after=2 * MINUTE)
        minutes += [minute for _ in told]
    assert [2] == minutes


def test_what_is_a_demarches_own_names_each_with_its_command() -> None:
    """In one message for those that begin together; another one later is another message."""
    seen = Told()
    seen.look({"conflicts": [1, 2]})
    [first] = seen.look({"conflicts": [1, 2, 3]})
    [second] = seen.look({"conflicts": [1, 2, 3]})
    assert [
        "Démarche 1: since 09:12 UTC: conflicts, `dsync sync --config own --demarche 1`",
        "Démarche 2: since 09:12 UTC: conflicts, `dsync sync --config own --demarche 2`",
    ] == first.text.splitlines()
    assert "dsync, démarche 3: conflicts" == second.title
    many = Told()
    many.look({"conflicts": FORTY})
    [one] = many.look({"conflicts": FORTY})
    assert "And 20 others: see `dsync status --config own`." == one.text.splitlines()[-1]


def test_another_cause_of_the_same_name_is_told_too() -> None:
    """A token refused for a démarche's scope, that later expires."""
    seen = Told([1])
    token = AlertFinding(DemarcheNumber(1), "token_refused", Severity.FAILURE, "scope", "a scope")
    told = []
    for cause in ("scope", "scope", "expired", "expired"):
        found = [token._replace(text=cause, cause=cause)]
        book, messages = decide(seen.book, found, seen.now, MINUTE, serves=seen.serves)
        seen.book = seen.noted(book, messages)
        told += [one.text for one in messages]
        seen.now += MINUTE
    assert ["scope", "expired"] == told


@pytest.mark.parametrize(
    ("numbers", "told"),
    [
        ([2, 2, 3, 4, 3, 8], [1, 3, 5]),  # Told again when it has doubled.
        ([-5, -5, -6, -6], [0, 2]),  # Another text of `dsync check`.
    ],
)
def test_one_that_counts_is_told_again(numbers: list[int], told: list[int]) -> None:
    """By its number, or by the digest of what was said."""
    seen, name = Told(services=2), "quarantine" if numbers[0] > 0 else "check labels"
    minutes = [bool(seen.look({name: [1]}, number=number)) for number in numbers]
    assert told == [minute for minute, is_told in enumerate(minutes) if is_told]


def test_what_could_not_be_sent_is_tried_again() -> None:
    """Its beginning after five minutes, its end at the next look."""
    seen = Told()
    assert [] == seen.over("x", "token_refused", [1])
    seen.is_sent = False
    assert [] == seen.over("x", "token_refused", [1])
    seen.is_sent = True
    assert ["4 démarche 1: token_refused"] == seen.over("xxxxx", "token_refused", [1])
    seen.is_sent = False
    assert [] == seen.over("...", "token_refused", [1])
    seen.is_sent = True
    assert ["0 démarche 1: token_refused ended"] == seen.over("..", "token_refused", [1])


def test_a_clock_that_came_back_delays_nothing() -> None:
    """What was noted in the future counts from now on."""
    seen = Told()
    seen.now += timedelta(days=400)
    seen.over("x", "token_refused", [1])
    seen.now = NOW
    assert ["1 démarche 1: token_refused"] == seen.over("xx", "token_refused", [1])
    seen.now += timedelta(days=400)
    seen.over(".", "token_refused", [1])
    seen.now = NOW
    assert ["1 démarche 1: token_refused ended"] == seen.over("...", "token_refused", [1])


def test_a_service_ends_only_what_it_serves() -> None:
    """What it does not serve stays as it was, for whoever does."""
    seen = Told([1])
    seen.over("xx", "conflicts", [1, 2])
    assert ["1 démarche 1: conflicts ended"] == seen.over("...", "conflicts", [])
    assert [(2, "conflicts")] == [*seen.book]


def test_what_no_file_configures_is_not_said_of_another_demarche() -> None:
    """It is looked for with one démarche, and is about those that the text names."""
    seen = Told()
    told = [one for _ in range(3) for one in seen.look({"not_configured": [1]})]
    assert ["dsync: not_configured"] == [one.title for one in told]


def test_no_success_waits_while_several_demarches_lack_ds() -> None:
    """Others may only be behind these: once DS is back, what still does not succeed is told."""
    told = Told()
    for _ in range(10):
        messages = told.look({"ds": range(1, 11), "no_success": [20, 21]})
        assert {"ds"} >= {one.title.rpartition(": ")[2] for one in messages}
    [begun] = told.look({"no_success": [21]})
    assert "démarche 21: no_success" in begun.title
    # One that lacks it alone keeps nothing back.
    alone = Told()
    alone.look({"ds": [1], "no_success": [20]})
    [begun] = alone.look({"ds": [1], "no_success": [20]})
    assert "démarche 20: no_success" in begun.title

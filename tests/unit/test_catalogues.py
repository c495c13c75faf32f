"""Each kind of message has its words in both languages: walked here, none is left out."""

from __future__ import annotations

import inspect
from datetime import UTC, date, datetime, timedelta
from typing import Any, get_args, get_type_hints

import pytest

from dsync.console.etat import LINKS
from dsync.messages import english, french, kinds
from dsync.service.alerts import ALERTS, TOLD

NOW = datetime(2024, 6, 10, 8, tzinfo=UTC)
SAMPLES: dict[Any, Any] = {
    int: 3,
    bool: True,
    str: "Xx",
    str | None: "Xx",
    datetime: NOW - timedelta(hours=5),
    datetime | None: NOW - timedelta(hours=5),
    date: NOW.date(),
    tuple[str, ...]: ("Xx", "Yy"),
    tuple[int, ...]: (7, 8),
}
ABOUT = [french.About(NOW, act, service, way) for act, service, way in [(1, 1, 0), (0, 0, 1)]]


def sample(kind: type) -> Any:
    """Return a message of a kind, with some value for each fact."""
    if kind is kinds.Stopped:
        return kinds.Stopped("rules", 3, NOW, "Xx")
    return kind(**{name: SAMPLES[of] for name, of in get_type_hints(kind).items()})


def members(module: Any, base: type) -> set[type]:
    """Return the kinds of a module that are made of a base."""
    return {
        one
        for _, one in inspect.getmembers(module, inspect.isclass)
        if issubclass(one, base) and not one.__subclasses__() and one is not base
    }


CONCERNS = get_args(kinds.Concern)


@pytest.mark.parametrize("kind", CONCERNS, ids=lambda one: one.__name__)
def test_a_concern_is_said_on_each_surface_or_left_out_on_purpose(kind: type) -> None:
    """Also in the tables beside the catalogues: names of alerts, and links of the page."""
    one = sample(kind)
    said = [english.warning(one, NOW), english.words(one), english.alert(one, NOW)]
    shown = [french.concern(one, about) for about in ABOUT]
    assert any([*said, *shown])
    assert (said[-1] is not None) is (kind in TOLD)
    assert kind not in LINKS or all(shown)
    assert not [text for text in [*said, *shown] if text is not None and ("None" in text)]


def test_no_kind_is_outside_the_unions() -> None:
    """Of which mypy finds one without words."""
    assert members(kinds, kinds._Said) == {*CONCERNS}


def test_each_alert_that_is_told_is_documented() -> None:
    """Each documented one is told of some concern; others of `dsync check` and the process."""
    assert {name for name, _ in TOLD.values()} | {"check …", "configuration", "database"} == (
        ALERTS.keys()
    )

"""Each kind of message has its words in both languages: walked here, none is left out."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, get_args, get_type_hints

from msgspec.structs import replace

from dsync.configuration import Configuration
from dsync.console.suivi import LINKS
from dsync.domain.consent import GONE, IN_DS, NOTHING, CheckFinding
from dsync.messages import english, french, kinds
from dsync.service.alerts import ALERTS, TOLD
from dsync.settings import PREFIX, VARIABLES
from dsync.sync.brakes import doubts, grounds
from dsync.sync.brakes.changed_rules import NEVER, NOBODY
from dsync.sync.brakes.replacing import FRAME, NO_LABEL

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
    int | None: 3,
    float: 0.5,
    kinds.Requested: kinds.Requested(kinds.Thing.DOSSIER, 12),
    kinds.Problem | str: kinds.Noted(kinds.Note.STOPPED),
}
CODES = {kinds.Note, kinds.NumberNote, kinds.Fault}
SAMPLES |= {of: next(iter(of)) for of in CODES}
ABOUT = [french.About(NOW, act, service, way) for act, service, way in [(1, 1, 0), (0, 0, 1)]]


def sample(kind: type) -> Any:
    """Return a message of a kind, with some value for each fact."""
    if kind is kinds.Stopped:
        return kinds.Stopped("rules", NOW, "Xx")
    return kind(**{name: SAMPLES[of] for name, of in get_type_hints(kind).items()})


def members(module: Any, base: type) -> set[type]:
    """Return the kinds of a module that are made of a base."""
    return {
        one
        for _, one in inspect.getmembers(module, inspect.isclass)
        if issubclass(one, base) and not one.__subclasses__() and one is not base
    }


CONCERNS, PROBLEMS = get_args(kinds.Concern), get_args(kinds.Problem)
ENGLISH = re.compile(
    r"\b(?:the|of|and|is|are|was|were|not|with|from|this|that|by|for|to|it|has|have|cannot|see)\b"
)


def test_a_concern_is_said_on_each_surface_or_left_out_on_purpose() -> None:
    """Also in the tables beside the catalogues: names of alerts, and links of the page."""
    for kind in CONCERNS:
        one = sample(kind)
        said = [english.warning(one, NOW), english.words(one) or None, english.alert(one, NOW)]
        shown = [french.concern(one, about) for about in ABOUT]
        assert any([*said, *shown]), kind
        assert (said[-1] is not None) is (kind in TOLD), kind
        assert kind not in LINKS or all(shown), kind
        assert not [text for text in [*said, *shown] if text is not None and ("None" in text)], kind


def of_each_problem() -> Iterator[kinds.Problem]:
    """Yield a problem of each kind, and of each code of the kinds with a table."""
    for kind in PROBLEMS:
        of = get_type_hints(kind)
        code = next((name for name, one in of.items() if one in CODES), None)
        for one in of[code] if code else [None]:
            yield sample(kind) if code is None else replace(sample(kind), **{code: one})
    yield from (
        replace(sample(kinds.DSFailed), subject=kinds.Requested(one)) for one in kinds.Thing
    )


def test_a_problem_is_said_in_both_languages_and_kept_with_its_facts() -> None:
    """In French without a word of the English sentence."""
    for one in of_each_problem():
        text, lang = french.said(one)
        assert ("fr", None) == (lang, ENGLISH.search(text)), repr(one)
        assert re.fullmatch(r"[A-ZÀ-Ýd\[«].*[.!]", text, re.DOTALL), repr(one)
        assert not re.search(r"[{}]|kinds\.", f"{text}{one}"), repr(one)
        assert str(one) != text, repr(one)
        stored = json.loads(json.dumps(kinds.to_stored([one])))
        assert [one] == [*map(kinds.of_stored, stored)], repr(one)


def test_a_problem_names_only_settings_that_there_are() -> None:
    """Variables by their names, and keys of the file with their section."""
    said = " ".join(f"{one} {french.problem(one)}" for one in of_each_problem())
    variables = {one.removesuffix("_FILE") for one in re.findall(rf"{PREFIX}\w+", said)}
    assert variables <= {f"{PREFIX}{name.upper()}" for name in VARIABLES}
    sections = get_type_hints(Configuration)
    for key, section in re.findall(r"(\w+_\w+) in \[(\w+)\]", said):
        assert key in sections[section].model_fields


def test_a_sentence_without_facts_is_quoted_as_english() -> None:
    """As of a run before facts were stored, or of another version's kind."""
    older = french.all_said(["Odd thing.", "Other."], None)
    assert [("« Odd thing »", "en"), ("« Other »", "en")] == older
    newer = ["Odd thing.", "Some dossiers cannot be read.", "Odd thing."]
    facts = [{"dit": "Later"}, {"dit": "Noted", "note": "unreadable_dossiers"}, None]
    assert ["en", "fr"] == [one.lang for one in french.all_said(newer, facts)]


def test_no_kind_is_outside_the_unions() -> None:
    """Of which mypy finds one without words."""
    assert {*CONCERNS, *PROBLEMS, kinds.Requested} == members(kinds, kinds._Said)


def test_each_alert_that_is_told_is_documented() -> None:
    """Each documented one is told of some concern; others of `dsync check` and the process."""
    assert {name for name, _ in TOLD.values()} | {"check …", "configuration", "database"} == (
        ALERTS.keys()
    )


PROPOSED = {
    IN_DS: "present in DS",
    GONE: "not found, hidden or deleted",
    NOTHING: "no verdict",
    FRAME: "introduction, or address of the rules",
    "dans l’annotation « Résultat »": "in the annotation « Résultat »",
    "Réponse à « Thème »": "Answer to « Thème »",
    "Demandeur : SIRET": "Applicant: « SIRET »",
    "section [mapping]": "section [mapping]",
    NO_LABEL: "none",
    # Of DS, of the file.
    "Éligible": "« Éligible »",
    "en construction": "« en construction »",
}
"""Phrases of proposals, and what an operator reads."""
FOUND = {
    CheckFinding("doublon", 1, 39, NOBODY): "doublon: 1 of 39 dossiers: tells nobody apart: is a "
    "value misspelt?",
    CheckFinding("mon-essai", 0, 39, NEVER): "mon-essai: 0 of 39 dossiers: applies to nobody: is a "
    "condition wrong?",
}
"""The same of what checks found."""


def test_what_a_proposal_says_is_said_in_english() -> None:
    """What DS or the file says is a quotation."""
    assert {*PROPOSED.values()} == {*map(english.proposed, PROPOSED)}
    assert {*FOUND.values()} == {*map(english.found_by, FOUND)}
    differences = inspect.getsource(doubts) + inspect.getsource(grounds.box_proposal)
    said = re.findall(r'"([a-zéèàê’ :]*[éèàê][a-zéèàê’ :]*)"', differences)
    assert said
    assert [] == [one for one in said if english.proposed(one) == f"« {one} »"]

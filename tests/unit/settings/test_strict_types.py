"""A value of the configuration file has the kind that its key expects; nothing is converted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dsync.configuration import Configuration, EigConfiguration, controles_configuration
from tests.configured import problems_of

CHECK = """[[controles]]
nom = "a"
titre = "T"
regle = "R"
a_faire = "F"
"""
TEXT, TRUTH, WHOLE = "a text in quotes", "true or false", "a whole number"
POINT, TABLE, LIST = "a number with a decimal point", "a table of keys", "a list"
DAY = "a day such as 2027-06-30, without quotes"
TIME = 'a time of day such as "02:30"'
DURATION = "a number and s, m, h or d, such as 30m"


@pytest.mark.parametrize(
    ("text", "place", "expected", "given"),
    [
        ('[demarche]\nnumber = "12"', "demarche.number", WHOLE, TEXT),
        ('deliberation = "2027-06-30"', "demarche.deliberation", DAY, TEXT),
        ("deliberation = 2027-06-30T10:00:00", "demarche.deliberation", DAY, "a day with a time"),
        ("[advanced]\nrequests_per_minute = true", "advanced.requests_per_minute", WHOLE, TRUTH),
        ("[advanced]\nrequests_per_minute = 5.0", "advanced.requests_per_minute", WHOLE, POINT),
        ("[ds]\ntoken_file = 5", "ds.token_file", TEXT, WHOLE),
        ("[schedule]\nincremental = 5", "schedule.incremental", DURATION, WHOLE),
        ("[schedule]\nfull_at = 230", "schedule.full_at", TIME, WHOLE),
        ("[safety]\ndisappearances_percent = false", "safety.disappearances_percent", "a number",
         TRUTH),
        ("[console]\ntheme = 1", "console.theme", "'neutre' or 'dsfr'", WHOLE),
        ('[console]\nproxies = "10.0.0.0/8"', "console.proxies", f"{LIST} in […]", TEXT),
        ("[console.openid]\nissuer = 1", "console.openid.issuer", TEXT, WHOLE),
        ('[acces]\nrole = "jury"', "acces", f"{LIST} in […]", TABLE),
        ("[ouvert]\nchamps = [5]", "ouvert.champs.0", TEXT, WHOLE),
        ("[alerts]\nping_url = true", "alerts.ping_url", TEXT, TRUTH),
        ("[precontrole]\nanswer_days = true", "precontrole.answer_days", WHOLE, TRUTH),
        ("[registre]\nenabled = 1", "registre.enabled", TRUTH, WHOLE),
        ("[[controles]]\nhumain = 1", "controles.1.humain", TRUTH, WHOLE),
        ("exige.au_moins.plus_ans = true", "controles.a.exige.au_moins.plus_ans", WHOLE, TRUTH),
        ("sinon = 5", "controles.a.sinon", "'a_verifier' or 'non_conforme'", WHOLE),
    ],
)  # fmt: skip
def test_a_value_of_another_kind_is_one_sentence(
    tmp_path: Path, text: str, place: str, expected: str, given: str
) -> None:
    """It names the place, what is expected there and what is given, and not the value."""
    head = "[demarche]\nnumber = 12\n" if text.startswith("deliberation") else ""
    if place.startswith("controles.a."):
        head = CHECK
    if place.startswith(("precontrole", "registre")):
        head = "[mapping]\n"
    found = problems_of(f"{head}{text}", tmp_path)
    assert [f"{place}: expected {expected}, not {given}"] == [
        problem for problem in found if problem.startswith(f"{place}:")
    ]


@pytest.mark.parametrize(
    "text",
    [
        "[ds]\ncontact = 'a'\n[safety]\nverdicts_percent = 60\n[schedule]\nfull_at = 02:30:00",
        "[ds]\ncontact = 'a'\ntoken_expires_on = 2027-06-30\n[schedule]\nfull_at = '02:30'",
        "[ds]\ncontact = 'a'\n[schedule]\nincremental = '5 m'\n[retention]\naccepted = '2y'",
    ],
)
def test_the_documented_forms_are_read(tmp_path: Path, text: str) -> None:
    """A whole number where a number is expected, days, times of day, durations and ages."""
    assert [] == problems_of(text, tmp_path)


@pytest.mark.parametrize("model", [Configuration, EigConfiguration, controles_configuration()])
def test_no_key_converts_its_value(model: Any) -> None:
    """A key that is added has one of the strict types, too."""
    model.model_rebuild()  # Else there is no schema before a file was read.
    assert isinstance(model.__pydantic_core_schema__, dict)
    loose = [
        node["type"]
        for node in _nodes(model.__pydantic_core_schema__)
        if node.get("type") in ("int", "float", "bool", "date") and not node.get("strict")
    ]
    assert [] == loose


def _nodes(schema: Any) -> Iterator[dict[str, Any]]:
    """Yield each part of a schema of pydantic's core."""
    if isinstance(schema, dict):
        yield schema
        for key, inner in schema.items():
            if key not in ("metadata", "serialization", "default"):
                yield from _nodes(inner)
    elif isinstance(schema, list | tuple):
        for inner in schema:
            yield from _nodes(inner)

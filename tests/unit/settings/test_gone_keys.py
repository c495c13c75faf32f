"""A key that is no setting any more: a warning that says what replaces it, and never an error."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from dsync.configuration import Configuration, EigConfiguration, read_configuration
from dsync.gone_keys import GONE, renewed, shown

VALUES = {"true": True, "false": False, "zero": 0, "text": "5 x", "list": [], "table": {}}


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_each_is_met_with_one_sentence(value: Any) -> None:
    """Whatever its value is; nothing of it is left in the document, which stays as it was."""
    for path in GONE:
        given = _document(path, value)
        before = repr(given)
        raw, said = renewed(given)
        assert [f"{shown(path)} is no setting any more: {GONE[path].said}."] == [*said]
        assert renewed(raw) == (raw, ()), path
        assert before == repr(given), path


def test_none_is_a_setting() -> None:
    """A key that comes back is taken out of the table."""
    schema: Any = EigConfiguration.model_json_schema()

    def is_setting(path: str) -> bool:
        found: Any = schema
        for name in path.split("."):
            options = found.get("anyOf", [found])
            found = next((one for one in options if "$ref" in one or "items" in one), options[0])
            found = found.get("items", found)
            if "$ref" in found:
                found = schema["$defs"][found["$ref"].rpartition("/")[2]]
            found = found.get("properties", {}).get(name.removesuffix("[]"))
            if found is None:
                return False
        return True

    assert [] == [path for path in GONE if is_setting(path)]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("[ds]\nrequests_per_minute = 20", "[advanced]\nrequests_per_minute = 20"),
        ("[ds]\ndeadline_s = 5", '[advanced]\ndeadline = "5s"'),
        ("[service]\nworkers = 9", "[advanced]\nworkers = 9"),
        ("[[regles.cas]]\nneeds_phase = 'b'", "[[regles.cas]]\nneeds = ['b']"),
        ("[regles]\nenabled = false\nseverity = { phase = 'off' }", "[regles]"),
        ("[http]\nready_intervals = 4", '[advanced]\nlate_after = "20m"'),
        ('[pieces]\ncopy = true\ntarget = "file:///a"', '[pieces]\ntarget = "file:///a"'),
        ("[http]\ntheme = 'dsfr'", "[console]\ntheme = 'dsfr'"),
        ("[http]\nconsole = true", "[console]\npublic_url = 'http://127.0.0.1:8080'"),
        ("[console.mentions]\ndpo = 'd'", "[console]\ndpo = 'd'"),
        ("[[acces]]\nrole = 'jury'\nclaims = { groups = ['a', 'b'] }",
         "[[acces]]\nrole = 'jury'\nwho = ['groups=a', 'groups=b']"),
        ("[[acces]]\nrole = 'jury'\npersonnes = ['@a.fr']",
         "[[acces]]\nrole = 'jury'\nwho = ['@a.fr']"),
        ("[retention]\naccepte = '5y'", "[retention]\naccepted = '5y'"),
        ("[retention]\nrefuse = '1y'", ""),
        ("[console.accessibilite]\netat = 'non conforme'\ncontenus = ['a']",
         '[console]\naccessibility = "Ce site est non conforme.\\n\\n- a"'),
        ('[pieces]\ncopy = false\ntarget = "file:///a"', ""),
    ],
)  # fmt: skip
def test_what_means_the_same_is_still_read(tmp_path: Path, old: str, new: str) -> None:
    """In its present unit."""
    assert _read(tmp_path, new).model_dump() == _read(tmp_path, old).model_dump()
    assert not _read(tmp_path, new).gone
    assert 1 == len(_read(tmp_path, old).gone)


def test_two_ages_are_the_longer_one(tmp_path: Path) -> None:
    """Nothing is erased before a file said so, of either state."""
    both = _read(tmp_path, "[retention]\nrefuse = '1y'\nsans_suite = '400d'")
    assert {"refuse": timedelta(days=400), "sans_suite": timedelta(days=400)} == both.retention.ages
    assert 2 == len(both.gone)


def test_the_new_key_counts_where_both_are_given(tmp_path: Path) -> None:
    """The file is being changed."""
    both = _read(tmp_path, "[ds]\nrequests_per_minute = 5\n[advanced]\nrequests_per_minute = 20")
    assert 20 == both.advanced.requests_per_minute


def _read(tmp_path: Path, text: str) -> Configuration:
    path = tmp_path / "dsync.toml"
    mapped = "[mapping]\n" if "[regles]" in text or "[regles." in text else ""
    mapped = mapped or ("[mapping]\n" if "[[regles" in text else "")
    sections = f"[ds]\ncontact = 'a'\n{mapped}{text}\n"
    path.write_text(sections.replace("\n[ds]", ""), encoding="utf-8")
    return read_configuration(path)


def _document(path: str, value: Any) -> dict[str, Any]:
    found: Any = value
    for name in reversed(path.split(".")):
        found = {name.removesuffix("[]"): [found] if name.endswith("[]") else found}
    document: dict[str, Any] = found
    return document

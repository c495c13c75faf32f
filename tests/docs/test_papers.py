"""The papers of a public project: publiccode.yml, and nothing that names a place or a person."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import yaml
from jsonschema import Draft202012Validator

from dsync.configuration import RetentionSection

ROOT = Path(__file__).parents[2]
PUBLICCODE = yaml.safe_load((ROOT / "publiccode.yml").read_text(encoding="utf-8"))


def test_publiccode_is_valid() -> None:
    schema = json.loads((ROOT / "tests/data/publiccode.schema.json").read_text(encoding="utf-8"))
    problems = [error.message for error in Draft202012Validator(schema).iter_errors(PUBLICCODE)]
    assert [] == problems


def test_publiccode_agrees_with_the_project() -> None:
    """Name, licence and copyright are those of pyproject.toml and LICENSE."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    owner = PUBLICCODE["legal"]["mainCopyrightOwner"]
    assert ([*project["scripts"]], project["license"]) == (
        [PUBLICCODE["name"]],
        PUBLICCODE["legal"]["license"],
    )
    assert owner in (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert [owner] == [author["name"] for author in project["authors"]]


def test_the_readme_is_in_english_with_a_summary_in_french() -> None:
    """Whoever reads French alone finds it before the first command."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    sections = re.findall(r"^## (.+)$", readme, re.M)
    assert ["En français", "Set up"] == sections[:2]


def test_contributing_says_what_each_script_is_for() -> None:
    """Of the folder as it is in git: nobody has to open a file to learn that it is not theirs."""
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    scripts = {path.name for path in (ROOT / "scripts").iterdir() if path.name != "__pycache__"}
    assert set() == {
        name for name in scripts if not re.search(rf"\bscripts/{name}`|`{name}`", page)
    }


def test_the_register_names_the_ages_that_can_be_set() -> None:
    """Who signs it writes the durations into keys that exist."""
    register = (ROOT / "docs/fr/registre.md").read_text(encoding="utf-8")
    durations = register.split("## Durées")[1].split("\n\n")[1]
    named = {*re.findall(r"\(`(\w+)`\)", durations)}
    assert {*RetentionSection.model_fields} == named

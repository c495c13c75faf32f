"""Which sections of the configuration file may be left out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dsync.configuration import read_configuration, shipped_config
from dsync.errors import ConfigurationError


@pytest.mark.parametrize(
    "left_out",
    [
        "demarche",
        "schedule",
        "safety",
        "annotations",
        "precontrole",
        "registre",
        "controles",
        "mapping precontrole registre controles",
    ],
)
def test_a_section_may_be_left_out_of_the_shipped_file(tmp_path: Path, left_out: str) -> None:
    """As docs/configuration.md says: what it configures is then not done."""
    found = read_configuration(_without(tmp_path, *left_out.split()))
    assert not found.model_fields_set & set(left_out.split())


@pytest.mark.parametrize(
    ("left_out", "said"),
    [
        ("ds", "[ds]: missing section; add it with contact, the operator's address."),
        (
            "mapping",
            "[registre] needs the section [mapping], which says where the form has the fields to "
            "judge: add it, or remove it.",
        ),
    ],
)
def test_a_needed_section_is_asked_for(tmp_path: Path, left_out: str, said: str) -> None:
    """With what to add, or what to leave out, too."""
    path = _without(tmp_path, left_out)
    with pytest.raises(ConfigurationError) as raised:
        read_configuration(path)
    assert f"{path}: {said}" == raised.value.message


def _without(tmp_path: Path, *names: str) -> Path:
    """Write the shipped file without these sections."""
    section, kept = "", []
    for line in shipped_config().read_text(encoding="utf-8").splitlines():
        found = re.match(r"\[+(\w+)", line)
        section = found[1] if found else section
        if section not in names:
            kept.append(line)
    path = tmp_path / "dsync.toml"
    path.write_text("\n".join(kept), encoding="utf-8")
    return path

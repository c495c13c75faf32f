"""A check that a package registers: `examples/fonction`, installed beside dsync."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from dsync.sandbox import Sandbox
from tests.commands.command import Command
from tests.commands.conftest import operator
from tests.commands.test_declared import serving
from tests.commands.test_extras import IN_ONE_PROCESS

EXAMPLE = Path(__file__).parents[2] / "examples/fonction"


@pytest.fixture(scope="module")
def aids() -> Iterator[Sandbox]:
    with serving(12) as server:
        yield server


@pytest.fixture
def bourse(aids: Sandbox, tmp_path: Path) -> Command:
    """Return `dsync` with the example's file, and its package as an installer leaves it."""
    shutil.copytree(EXAMPLE, tmp_path / "site")
    about = tomllib.loads((EXAMPLE / "pyproject.toml").read_text("utf-8"))["project"]
    registered = about["entry-points"]["dsync.checks"].items()
    lines = ["[dsync.checks]", *(f"{name} = {place}" for name, place in registered)]
    info = tmp_path / "site" / f"bourse_controles-{about['version']}.dist-info"
    info.mkdir()
    (info / "entry_points.txt").write_text("\n".join(lines), encoding="utf-8")
    named = f"Metadata-Version: 2.1\nName: {about['name']}\nVersion: {about['version']}\n"
    (info / "METADATA").write_text(named, encoding="utf-8")
    path = tmp_path / "site/bourse.toml"
    inside = operator(aids, tmp_path)
    made = Command(inside.folder, inside.environment)
    return made.given(DSYNC_CONFIG=str(path), PYTHONPATH=str(tmp_path / "site"))


def test_a_function_of_a_package_judges_with_the_declared_checks(bourse: Command) -> None:
    """Its examples hold; what it found has the file's rule and remedy, and the facts it took."""
    checked = bourse("config", "check")
    assert (0, "") == (checked.code, checked.err)
    bourse("sync")
    assert 0 == bourse("accept", "first", "--yes").code
    rows = bourse.rows(
        "SELECT numero, resultat, motif, preuve FROM lecture_precontrole_controle "
        "WHERE controle = 'jours_ouvres' AND courant"
    )
    assert {"conforme", "non_conforme"} <= {resultat for _, resultat, _, _ in rows}
    for _, resultat, motif, preuve in rows:
        if resultat == "non_conforme":
            assert "jours ouvrés. Règle (règlement de la bourse, article 5)" in motif
            assert {"depart", "retour", "exigence", "demande"} == {*json.loads(preuve)}
    short = next(numero for numero, resultat, _, _ in rows if resultat == "non_conforme")
    asked = bourse("dossier", "message", str(short)).out.replace("\u00a0", " ")
    assert "jours ouvrés, 20 sont attendus" in asked


MISTAKES = [
    ('"bourse.jours_ouvres"', '"bourse.jour_ouvre"',
     "n’est pas une fonction installée ; bourse.jours_ouvres ?"),
    ("au_moins = 20", 'au_moins = "vingt"',
     "jours_ouvres : parametres.au_moins : un nombre entier est attendu"),
    ('faits = ["depart", "retour"]', 'faits = ["depart", "retours"]',
     "« retours » n’est ni un champ de [champs] ni un fait ; retour ?"),
    ('faits = ["depart", "retour"]', "faits = []", "faits nomme les champs et les faits"),
    ("2026-05-08] }", "2026-05-08] }\nmotif = 'x'", "fonction ne va pas avec exige, motif"),
    ("au_moins = 20", "au_moins = 18", "exemple 2 : donne conforme au lieu de non_conforme"),
]  # fmt: skip


def test_a_wrong_call_of_a_function_is_refused(bourse: Command, tmp_path: Path) -> None:
    """With the nearest name; each mistake in a file of its own, all in one process."""
    text = (tmp_path / "site/bourse.toml").read_text(encoding="utf-8")
    for rank, (old, new, _) in enumerate(MISTAKES):
        assert old in text
        wrong = text.replace(old, new)
        (tmp_path / f"site/wrong{rank}.toml").write_text(wrong, encoding="utf-8")
    asked = [
        ("config check", {"DSYNC_CONFIG": str(tmp_path / f"site/wrong{rank}.toml")})
        for rank in range(len(MISTAKES))
    ]
    script = [sys.executable, "-c", IN_ONE_PROCESS]
    done = subprocess.run(
        script,
        cwd=bourse.folder,
        env=dict(bourse.environment),
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=True,
    )
    for (_, _, said), line in zip(MISTAKES, done.stdout.splitlines(), strict=True):
        code, told = json.loads(line)
        assert (2, True) == (code, said in told), told


def test_a_signal_while_a_package_is_loaded_ends_with_its_code(
    bourse: Command, tmp_path: Path
) -> None:
    """Python evaluates text at imports, and would end itself by SIGINT when one interrupts that."""
    (tmp_path / "site/bourse/__init__.py").write_text(
        "exec('import signal; signal.raise_signal(signal.SIGTERM)')", encoding="utf-8"
    )
    ended = bourse("config", "check")
    assert (143, "Interrupted.") == (ended.code, ended.err.strip())

"""The documentation's ways from a token to a copy and to results in DS, as they are written."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from types import MappingProxyType

from dsync.sandbox import Sandbox
from dsync.sandbox.content import EQUIPMENT_FORM, SUBSIDY_FORM
from dsync.sandbox.content.aap_eig7 import FORM
from tests.docs.shell import ROOT, bare, block
from tests.engine.rig import RESULTAT

DSYNC = Path(sys.executable).parent / "dsync"


def execute(
    page: str,
    name: str,
    folder: Path,
    given: Mapping[str, str],
    typed: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """Execute a block of a page as a newcomer's shell does; return what it printed.

    `typed` replaces what is answered by hand.
    """
    script = block(str(ROOT / "docs" / page), name)
    for written, by_test in typed.items():
        script = script.replace(written, by_test)
    alone = {"PATH": f"{DSYNC.parent}:/usr/bin:/bin", "HOME": str(folder), "LANG": "C.UTF-8"}
    done = bare(script, alone | {**given}, folder=folder)
    assert 0 == done.code, done.text
    assert typed or not done.err
    return done.text


def test_a_token_and_a_number_are_enough_for_a_copy(tmp_path: Path) -> None:
    """The block runs in a shell without a failure, on a démarche that is not the programme's."""
    number = EQUIPMENT_FORM.number
    with Sandbox.start(dossiers=0, seed=7) as sandbox:
        given = {
            "DSYNC_DS_URL": sandbox.ds_url,
            "DSYNC_DS_TOKEN": sandbox.tokens.readonly,
            "DSYNC_DEMARCHE": str(number),
        }
        assert "last success" in execute("start/copy.md", "ten minutes", tmp_path, given)
    with closing(sqlite3.connect(tmp_path / "dsync.db")) as connection:
        copied = connection.execute(f"SELECT count(*) FROM formulaire_{number}").fetchone()
    assert (6,) == copied
    assert (tmp_path / "copie" / f"formulaire_{number}.csv").is_file()


def test_a_first_run_ends_with_a_verdict_in_ds(tmp_path: Path) -> None:
    """Nothing is written before the last step, which writes the results into open dossiers."""
    with Sandbox.start(dossiers=6, seed=7) as sandbox:
        (tmp_path / "ds-token").write_text(f"{sandbox.tokens.write}\n")
        given = {
            "DSYNC_CONFIG": "dsync.toml",
            "DSYNC_DS_URL": sandbox.ds_url,
            "DSYNC_BETAGOUV_URL": sandbox.betagouv_url,
            "DSYNC_DS_TOKEN_FILE": "ds-token",
            "DSYNC_DS_INSTRUCTEUR": "dsync@example.gouv.fr",
            "DSYNC_DEMARCHE": str(FORM.number),
        }
        execute("start/first-run.md", "first run: check", tmp_path, given)
        execute("start/first-run.md", "first run: read", tmp_path, given)
        assert {None} == {one.annotations[RESULTAT] or None for one in sandbox.control.truth()}
        typed = {"dsync sync": "dsync sync || test $? = 4", "accept first": "accept first --yes"}
        said = execute("start/first-run.md", "first run: write", tmp_path, given, typed)
        assert "The detail that dossier" in said
        written = {one.annotations[RESULTAT] for one in sandbox.control.truth() if one.labels}
    assert written
    assert written <= {"Éligible", "À vérifier", "Inéligible"}


def test_declared_checks_are_tried_with_what_the_sandbox_prints(tmp_path: Path) -> None:
    """Its DSYNC_DEMARCHE is of another file; the first run waits for consent."""
    (tmp_path / "config").symlink_to(ROOT / "config")
    (tmp_path / ".venv").symlink_to(Path(sys.executable).parents[1])
    with Sandbox.start(dossiers=0, seed=7) as sandbox:
        given = {
            "DSYNC_DS_URL": sandbox.ds_url,
            "DSYNC_DS_TOKEN": sandbox.tokens.write,
            "DSYNC_DS_INSTRUCTEUR": "dsync@example.gouv.fr",
            "DSYNC_DEMARCHE": str(FORM.number),
        }
        typed = {"dsync sync ": "dsync sync || test $? = 4 ", "accept first": "accept first --yes"}
        said = execute("fr/controles.md", "dix minutes", tmp_path, given, typed)
        results = {
            dossier.annotations.get(6351)
            for dossier in sandbox.world.demarches[SUBSIDY_FORM.number].dossiers.values()
        }
    assert "Safety brake" in said
    assert {"Rien à signaler", "À vérifier", "Inéligible"} <= results

"""Shells complete the commands and options of dsync."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from dsync.cli import dsync
from dsync.cli.root import COMMANDS

BIN = Path(sys.executable).parent


def completed(*words: str) -> set[str]:
    """Return what bash proposes for the last of some words, from the printed text."""
    script = """
    source <(dsync completion bash)
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
    _dsync_completion dsync
    printf '%s\\n' "${COMPREPLY[@]}"
    """
    done = subprocess.run(
        ["bash", "--norc", "-euo", "pipefail", "-c", script, "bash", *words],
        env={**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    return set(done.stdout.split())


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash on this machine")
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("dsync", ""), set(COMMANDS)),
        (("dsync", "dossier", "erase", "--un"), {"--undo"}),
    ],
    ids=["commands", "options"],
)
def test_bash_completes(words: tuple[str, ...], expected: set[str]) -> None:
    """With the text that the command prints, as a login shell would have it."""
    assert expected == completed(*words)


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_have_theirs(shell: str) -> None:
    """It calls dsync in the way that click understands."""
    result = CliRunner().invoke(dsync, ["completion", shell])
    assert 0 == result.exit_code
    assert f"_DSYNC_COMPLETE={shell}_complete" in result.stdout

"""docs/operate/container.md and kubernetes.md, by the commands that containers would execute."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import sys
import time
from pathlib import Path

import pytest

from dsync.sandbox import Sandbox
from tests.docs.shell import ROOT, Done, bare, page

pytestmark = pytest.mark.operate


@pytest.fixture
def variables(tmp_path: Path) -> dict[str, str]:
    """What a shell has in which `docker` and `kubectl` are what stands for them."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("docker", "kubectl"):
        script = f'#!/bin/sh\nexec {sys.executable} {ROOT}/tests/docs/containers.py {name} "$@"\n'
        (programs / name).write_text(script, encoding="utf-8")
        (programs / name).chmod(0o755)
    return {"PATH": f"{programs}:/usr/bin:/bin", "HOME": str(tmp_path)}


def done(ended: Done) -> Done:
    """Return what a script printed, which has to end well."""
    assert 0 == ended.code, ended.text
    return ended


def test_compose_serves_a_demarche_without_a_change_of_its_file(
    sandbox: Sandbox, url: str, variables: dict[str, str], tmp_path: Path
) -> None:
    """By the page's blocks: the files, the démarche's own, the schema, and a service that reads."""
    folder = Path(shutil.copytree(ROOT / "deploy", tmp_path / "deploy"))
    token = f"{sandbox.tokens.write}\n"
    done(bare(page("container.md", "files"), variables, given=token, folder=tmp_path))
    secrets = {one.name: stat.S_IMODE(one.stat().st_mode) for one in (folder / "secrets").iterdir()}
    assert dict.fromkeys(("database-password", "database-url", "ds-token"), 0o444) == secrets
    assert 0o700 == stat.S_IMODE((folder / "secrets").stat().st_mode)
    own, password = (
        (folder / "secrets" / name).read_text(encoding="utf-8").strip()
        for name in ("database-url", "database-password")
    )
    assert f"postgresql://dsync:{password}@db/dsync" == own
    (folder / "secrets/database-url").chmod(0o644)
    (folder / "secrets/database-url").write_text(url, encoding="utf-8")
    with (folder / "dsync.env").open("a", encoding="utf-8") as opened:
        opened.write(f"DSYNC_DS_URL={sandbox.ds_url}\nDSYNC_BETAGOUV_URL={sandbox.betagouv_url}\n")
    try:
        started = done(bare(page("container.md", "start"), variables, folder=folder))
        assert "annotations may be written" in started.out
        look = "docker compose exec dsync dsync status --max-age"
        until = time.monotonic() + 60
        while (seen := bare(look, variables, folder=folder)).code and time.monotonic() < until:
            time.sleep(0.5)
        assert "last success" in done(seen).out
    finally:
        pid = folder / ".containers/pid"
        if pid.exists():
            os.kill(int(pid.read_text(encoding="utf-8")), signal.SIGTERM)


def test_kubernetes_serves_a_demarche(
    sandbox: Sandbox, url: str, variables: dict[str, str], tmp_path: Path
) -> None:
    """By the page's blocks, with what the Secret, the ConfigMap and the YAML give each pod."""
    folder = tmp_path / "empty"
    folder.mkdir()
    shutil.copy(ROOT / "deploy/kubernetes.yaml", folder)
    (folder / "ds-token").write_text(sandbox.tokens.write, encoding="utf-8")
    (folder / "database-url").write_text(url, encoding="utf-8")
    outside = {"DSYNC_DS_URL": sandbox.ds_url, "DSYNC_BETAGOUV_URL": sandbox.betagouv_url}
    variables |= outside
    files = page("kubernetes.md", "files").replace("-e DSYNC", "-e DSYNC_DS_INSTRUCTEUR= -e DSYNC")
    files = files.replace("_INSTRUCTEUR= ", "_INSTRUCTEUR=dsync@example.gouv.fr ")
    done(bare(files, variables, folder=folder))
    looked = done(bare(page("kubernetes.md", "look"), variables, folder=folder))
    assert "annotations may be written" in looked.out
    inside = "kubectl exec deploy/dsync -- dsync"
    assert 4 == bare(f"{inside} sync", variables, folder=folder).code
    assert "success" in done(bare(f"{inside} accept first --yes", variables, folder=folder)).out

"""docs/operate/platform.md: the Procfile as a platform runs it, on a read-only disk."""

from __future__ import annotations

import json
import os
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
import requests

from dsync.sandbox import Sandbox
from tests.docs.shell import ROOT, bare, page

pytestmark = pytest.mark.operate

PROCFILE = dict(
    line.split(": ", 1) for line in (ROOT / "Procfile").read_text(encoding="utf-8").splitlines()
)
READ_ONLY = """
set -e
mount --rbind / /mnt
mount -o remount,ro,bind /mnt
mount -t tmpfs tmpfs /mnt/var/tmp
exec chroot /mnt "$@"
"""


def read_only() -> list[str]:
    """Return the command in which nothing but the temporary folder can be written."""
    # Root of a namespace of users may not enter the folders of other ones.
    own = "-rm" if os.geteuid() else "-m"
    within = ["unshare", own, "sh", "-c", READ_ONLY, "sh"]
    if subprocess.run([*within, "true"], capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount (unshare -m)")
    return within


def on_platform(line: str, variables: Mapping[str, str]) -> list[str]:
    """Return the words that run a line of the Procfile with these variables alone."""
    alone = [f"{name}={value}" for name, value in variables.items()]
    script = f"cd {shlex.quote(str(ROOT))} && exec {line}"
    return [*read_only(), "env", "-i", *alone, "sh", "-c", script]


def test_a_platform_serves_a_demarche_by_its_own_variables(
    sandbox: Sandbox, url: str, tmp_path: Path
) -> None:
    """On a read-only disk, with logs as JSON, until SIGTERM."""
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    outside = {
        "PATH": path,
        "DSYNC_DS_URL": sandbox.ds_url,
        "DSYNC_BETAGOUV_URL": sandbox.betagouv_url,
    }
    token = sandbox.tokens.write
    made = bare(page("platform.md", "file"), outside, given=f"{token}\n", folder=tmp_path)
    assert 0 == made.code, made.text
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    variables = {
        **outside,
        "DSYNC_DS_TOKEN": token,
        "PORT": str(port),
        "DATABASE_URL": url.replace("postgresql", "postgres", 1),  # As platforms write it.
        "DSYNC_LOG_FORMAT": "json",
        # A checkout can stand in /tmp.
        "TMPDIR": "/var/tmp",
        "DSYNC_CONFIG_TOML": (tmp_path / "dsync.toml").read_text(encoding="utf-8"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    deployed = subprocess.run(
        on_platform(PROCFILE["postdeploy"], variables), capture_output=True, text=True, check=False
    )
    assert 0 == deployed.returncode, deployed.stderr
    web = subprocess.Popen(
        on_platform(PROCFILE["web"], variables), stderr=subprocess.PIPE, text=True
    )
    try:
        until = time.monotonic() + 60
        while not is_ready(port) and time.monotonic() < until:
            time.sleep(0.2)
        looked = bare(page("platform.md", "look"), variables, folder=ROOT)
    finally:
        web.terminate()
        _, logged = web.communicate(timeout=10)
    assert 0 == looked.code, looked.text
    assert "last success" in looked.out
    assert 0 == web.returncode, logged
    assert "run_finished" in {json.loads(line)["event"] for line in logged.splitlines()}


def is_ready(port: int) -> bool:
    """Return whether a service answers that it is up to date."""
    try:
        return requests.get(f"http://127.0.0.1:{port}/readyz", timeout=5).ok
    except requests.ConnectionError:
        return False

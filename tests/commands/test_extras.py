"""What a command says where the packages of an extra are not installed."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import pytest

from dsync.errors import DISTRIBUTION, remedy
from scripts.pages.dependencies import needs
from tests.commands.command import config_with

ROOT = Path(__file__).parents[2]
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
OPENID = """
[console]
public_url = "https://dsync.example.gouv.fr"
[console.openid]
issuer = "https://auth.example.gouv.fr"
client_id = "dsync"
[[acces]]
role = "administrateur"
who = ["@example.gouv.fr"]
"""
ASKED = {
    "alerts": ("run", "DSYNC_ALERT_URLS=json://127.0.0.1", ""),
    "console-oidc": ("console", "", OPENID),
    "export": ("export out --format parquet", "", ""),
    "s3": ("pieces fetch", "", '[pieces]\ntarget = "s3://seau/aap"'),
    "sentry": ("run", "DSYNC_SENTRY_DSN=https://k@sentry.example.gouv.fr/1", ""),
}
"""Of each extra a command that needs it, with a variable and lines of the configuration file."""

Bare = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Bare:
    """Return the Python of a virtual environment in which no extra is installed."""
    folder = tmp_path_factory.mktemp("bare")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    for name in needs(DISTRIBUTION, frozenset()):
        for top in {file.parts[0] for file in metadata.files(name) or ()} - {"..", "__pycache__"}:
            source = Path(str(metadata.distribution(name).locate_file(top)))
            (target := folder / "packages" / top).parent.mkdir(exist_ok=True)
            target.symlink_to(source)
    [site] = folder.glob("lib/python*/site-packages")
    (site / "dsync.pth").write_text(f"{folder / 'packages'}\n{ROOT}\n", encoding="utf-8")

    def run(
        arguments: str, asked: str | None = None, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        given = {
            "DSYNC_DATABASE_URL": f"sqlite:///{folder}/dsync.db",
            "DSYNC_DEMARCHE": "86321",
            "DSYNC_DS_TOKEN": "0" * 32,
            "DSYNC_DS_INSTRUCTEUR": "dsync@example.gouv.fr",
            "DSYNC_HTTP_LISTEN": "",
            **environment,
        }
        line = [f"{folder}/bin/python", *arguments.split()]
        return subprocess.run(
            line,
            cwd=folder,
            env=given,
            input=asked,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    assert 0 == run("-m dsync db upgrade").returncode
    return run


IN_ONE_PROCESS = """
import json, sys
from click.testing import CliRunner
from dsync.cli import dsync
for arguments, environment in json.load(sys.stdin):
    done = CliRunner(env=environment).invoke(dsync, arguments, prog_name="dsync")
    print(json.dumps([done.exit_code, done.stderr]))
"""


def test_a_missing_extra_is_installed_by_the_line_that_is_shown(bare: Bare, tmp_path: Path) -> None:
    """Package by package, with this very Python."""
    asked = []
    for extra, (arguments, variable, more) in ASKED.items():
        (folder := tmp_path / extra).mkdir()
        given = dict([variable.split("=", 1)] if variable else [])
        asked.append((arguments, given | {"DSYNC_CONFIG": config_with(folder, more=more)}))
    script = tmp_path / "each.py"
    script.write_text(IN_ONE_PROCESS, encoding="utf-8")
    done = bare(str(script), json.dumps(asked))

    assert 0 == done.returncode, done.stderr
    for extra, line in zip(ASKED, done.stdout.splitlines(), strict=True):
        code, said = json.loads(line)
        assert 2 == code, said
        [shown] = re.findall("`([^`]+)`", said)
        python, *words = shlex.split(shown)
        assert python == done.args[0]
        assert ["-m", "pip", "install"] == words[:3]
        wanted = {one.replace(" ", "") for one in EXTRAS[extra]}
        assert wanted == {_sorted(one) for one in words[3:]}


def test_the_image_names_the_one_that_has_an_extra(
    bare: Bare, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is no pip in it, and what is installed in a container is gone with it."""
    inside = bare("-m dsync export out --format parquet", DSYNC_IMAGE="dsync:1.2.3")
    assert 2 == inside.returncode
    assert "take the image dsync:1.2.3-parquet, which has it" in inside.stderr
    assert "pip" not in inside.stderr
    assert "unknown" not in inside.stderr

    monkeypatch.setenv("DSYNC_IMAGE", "dsync:1.2.3")
    others = {remedy(extra) for extra in set(ASKED) - {"export"}}
    assert {"take the image dsync:1.2.3, which has it"} == others


def _sorted(requirement: str) -> str:
    """Return a requirement with its lowest version first, as pyproject.toml writes it."""
    name, rest = re.fullmatch(r"([\w\[\]-]+)(.*)", requirement).groups()  # type: ignore[union-attr]
    return name + ",".join(sorted(rest.split(","), reverse=True))


def test_each_extra_has_a_remedy() -> None:
    """An extra that is added is tried above."""
    assert set(ASKED) == set(EXTRAS) - {"test", "release", "docs"}
    assert all("pip install " in remedy(extra) for extra in ASKED)


def test_nothing_tells_to_install_the_name_of_others() -> None:
    """On an index, `dsync` is somebody else's; only a checkout is named by its path."""
    told = re.compile(r"pip3? install[^\n`]*[ '\"]dsync(?![\w/-])|['\"]dsync\[")
    folders = ("dsync", "docs", "deploy", "scripts", "config", ".ci", ".github", "tests/golden")
    files = [
        *(file for file in ROOT.iterdir() if file.is_file()),
        *(file for one in folders for file in (ROOT / one).rglob("*")),
    ]
    texts = (".md", ".py", ".yml", ".yaml", ".toml", ".txt", ".service", "", ".html")
    found = [
        file.relative_to(ROOT)
        for file in files
        if file.is_file()
        and file.suffix in texts
        and told.search(file.read_text("utf-8", "ignore"))
    ]
    assert [] == found

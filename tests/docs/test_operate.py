"""The pages of docs/operate: what they name is there, and each of their blocks is executed."""

from __future__ import annotations

import re
import shlex
from configparser import ConfigParser
from pathlib import Path

import pytest
import yaml

from dsync.annotations.targets import ACCEPTED_TYPES
from dsync.configuration import shipped_config
from tests.commands.command import parsed
from tests.configured import load_settings
from tests.docs.shell import OPERATE, ROOT, block, blocks

pytestmark = pytest.mark.operate

PAGES = sorted(OPERATE.glob("*.md"))
EXECUTED_BY = ("machine", "containers", "platform", "postgresql")


def test_each_block_is_executed() -> None:
    """By a test that names it; what is new on a page needs one."""
    text = "".join(
        (ROOT / f"tests/docs/test_operate_{name}.py").read_text(encoding="utf-8")
        for name in EXECUTED_BY
    )
    named = set(re.findall(r"""(?:page|block)\(["']([^"']+)["'], ["']([^"']+)["']""", text))
    assert [] == sorted(set(blocks()) - named)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_each_command_of_a_block_is_one_of_dsync(page: Path) -> None:
    """With options that it has, in whatever is executed elsewhere too."""
    text = page.read_text(encoding="utf-8")
    code = "\n".join(re.findall(r"^ *```sh\n(.+?)\n *```$", text, re.M | re.S))
    code = re.sub(r"\\\n *", " ", code).replace("$NUMBER", "1").replace("%F", "F")
    begun = r"(?:(?:^|bin/|-- |exec dsync |&& |\$PASSWORD )dsync|-T dsync) ([a-z][^\n&|]*)"
    for line in re.findall(begun, code, re.M):
        # Of `$(dsync …)` the closing parenthesis is left.
        words = re.split(r" [>#]| 2>|[;)]", re.sub(r"\$\(.*?\)", "x", line))[0]
        parsed(shlex.split(words)).close()


def test_the_table_of_annotations_is_what_dsync_takes() -> None:
    """Each annotation with its label, its usual type and the others; the options, the labels."""
    text = (OPERATE / "prepare-ds.md").read_text(encoding="utf-8")
    rows = re.findall(r"^ *\| `(\w+)` \| (.+?) \| (.+?) \| (.+?) \|$", text, re.M)
    shipped = load_settings(config=shipped_config()).configuration.annotations
    assert shipped is not None
    assert list(ACCEPTED_TYPES) == [key for key, *_ in rows]
    for key, label, usual, others in rows:
        first, *rest = ACCEPTED_TYPES[key]
        assert label == getattr(shipped, key).libelles[0]
        assert [first, *rest] == re.findall(r"`(\w+)`", usual + others)
    [options] = [usual for key, _, usual, _ in rows if key == "resultat"]
    assert list(shipped.options.all()) == re.findall("« (.+?) »", options)
    assert shipped.labels is not None
    [named] = re.findall(r"named exactly (.+?)\.", text)
    assert list(shipped.labels.all()) == re.findall("« (.+?) »", named)


def test_no_page_names_another_age_for_lateness_than_readiness() -> None:
    """A fixed number of minutes would contradict a longer `[schedule] incremental`."""
    files = ("Dockerfile", "compose.yaml", "deploy/compose.yaml", "deploy/kubernetes.yaml")
    texts = [(ROOT / name).read_text(encoding="utf-8") for name in files]
    assert [] == re.findall(r"--max-age[\",= ]+\d+\w", "".join(texts))
    rules = yaml.safe_load((ROOT / "deploy/prometheus-rules.yml").read_text(encoding="utf-8"))
    [late] = [one for one in rules["groups"][0]["rules"] if one["alert"] == "DsyncNoSuccess"]
    assert not re.search(r"> *\d", late["expr"])


def test_the_program_is_installed_by_the_steps_of_the_image() -> None:
    """Which CI executes: what has a hash, then dsync without dependencies."""
    lines = [one for one in block("systemd.md", "program").split("\n") if "/bin/pip" in one]
    assert ["install --require-hashes -r requirements.txt", "install --no-deps ."] == [
        one.removeprefix("/opt/dsync/bin/pip ") for one in lines
    ]


def test_the_unit_and_the_command_beside_it_read_the_same_variables() -> None:
    """One file, one user, one folder, one program."""
    unit = ConfigParser(strict=False, interpolation=None)
    unit.read_string((ROOT / "deploy/dsync.service").read_text(encoding="utf-8"))
    service = unit["Service"]
    script = (ROOT / "deploy/dsync.sh").read_text(encoding="utf-8")
    assert f"\n. {service['EnvironmentFile']}\n" in script
    assert f"\ncd /var/lib/{service['StateDirectory']}\n" in script
    program = service["ExecStart"].removesuffix(" run")
    user = service["User"]
    assert f"--reuid={user} --regid={user} --init-groups -- {program} " in script
    assert f"\numask {service['UMask'][1:]}\n" in script

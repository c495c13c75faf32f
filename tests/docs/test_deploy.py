"""The files of deploy/ and the workflows fit dsync; nothing is started here."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import pytest
import yaml

from dsync.cli import dsync
from dsync.service.surface import ADDRESSES
from dsync.settings import unknown_variables

ROOT = Path(__file__).parents[2]
PATHS = {path for method, path, _ in ADDRESSES if method == "GET"}
ONES = {
    one["kind"]: one
    for one in yaml.safe_load_all((ROOT / "deploy/kubernetes.yaml").read_text(encoding="utf-8"))
}
PODS = {kind: ONES[kind]["spec"]["template"]["spec"] for kind in ("Job", "Deployment")}
SERVICE = (ROOT / "deploy/dsync.service").read_text(encoding="utf-8")


def run(arguments: list[str]) -> None:
    """Check that words are a command of dsync with its options."""
    command: Any = dsync
    while arguments and (sub := getattr(command, "get_command", None)):
        command = sub(None, arguments.pop(0))
        assert command is not None
    # As below the root, whose names of this option a command keeps once it was asked for them.
    names = dsync.context_settings["help_option_names"]
    command.make_context("dsync", arguments, obj=None, help_option_names=names).close()


def test_two_replicas_are_probed_where_dsync_answers() -> None:
    """Alive and ready are different questions, on the port that the variable opens."""
    (container,) = PODS["Deployment"]["containers"]
    (port,) = container["ports"]
    (listen,) = [one["value"] for one in container["env"] if one["name"] == "DSYNC_HTTP_LISTEN"]
    probes = [container[name]["httpGet"] for name in ("livenessProbe", "readinessProbe")]

    assert 2 == ONES["Deployment"]["spec"]["replicas"]
    assert ["/healthz", "/readyz"] == [probe["path"] for probe in probes]
    assert {"/healthz", "/readyz"} <= PATHS
    assert {port["name"]} == {probe["port"] for probe in probes}
    assert f"0.0.0.0:{port['containerPort']}" == listen
    assert (
        ONES["Service"]["spec"]["selector"]
        == (ONES["Deployment"]["spec"]["template"]["metadata"]["labels"])
    )


def test_the_monitor_scrapes_the_service_where_metrics_are() -> None:
    """By the label of the Service and the name of its port."""
    text = (ROOT / "deploy/kubernetes-monitoring.yaml").read_text(encoding="utf-8")
    monitor, service = yaml.safe_load(text), ONES["Service"]
    [endpoint] = monitor["spec"]["endpoints"]

    assert monitor["spec"]["selector"]["matchLabels"] == service["metadata"]["labels"]
    assert [endpoint["port"]] == [port["name"] for port in service["spec"]["ports"]]
    assert endpoint["path"] in PATHS


@pytest.mark.parametrize("kind", PODS)
def test_a_pod_has_no_rights_and_its_secrets_in_files(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not root, no capability, nothing to write to but /tmp, no secret in the environment."""
    pod = PODS[kind]
    (container,) = pod["containers"]
    confined = container["securityContext"]
    mounts = {one["mountPath"]: one for one in container["volumeMounts"]}
    values = {one["name"]: one["value"] for one in container["env"]}
    for name, value in values.items():
        monkeypatch.setenv(name, value)

    run(list(container["args"]))
    assert (True, 10001) == tuple(pod["securityContext"][k] for k in ("runAsNonRoot", "runAsUser"))
    assert "USER 10001\n" in (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert {"drop": ["ALL"]} == confined["capabilities"]
    assert confined["readOnlyRootFilesystem"]
    assert not confined["allowPrivilegeEscalation"]
    assert {"/tmp"} == {path for path, one in mounts.items() if not one.get("readOnly")}
    assert {"secret", "config", "tmp"} == {one["name"] for one in pod["volumes"]}
    assert {} == unknown_variables()
    for name in ("DSYNC_DS_TOKEN_FILE", "DSYNC_DATABASE_URL_FILE"):
        assert mounts[str(Path(values[name]).parent)]["name"] == "secret"


def test_the_unit_starts_the_service_and_gives_it_time_to_stop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With variables that dsync has, secrets in files, and no right on the machine."""
    unit = ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read_string(SERVICE)
    service = unit["Service"]
    for name, value in re.findall(r"(DSYNC_\w+)=(\S+)", SERVICE):
        monkeypatch.setenv(name, value)

    program, *arguments = service["ExecStart"].split()
    assert program.endswith("/bin/dsync")
    run(arguments)
    assert ["run"] == service["ExecStart"].split()[1:]
    assert int(service["TimeoutStopSec"]) > 5
    assert {} == unknown_variables()
    assert ("", "yes", "strict") == tuple(
        service[name] for name in ("CapabilityBoundingSet", "NoNewPrivileges", "ProtectSystem")
    )


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    """Without a warning; only its program is another one, which is installed here."""
    unit = tmp_path / "dsync.service"
    unit.write_text(SERVICE.replace("/opt/dsync/bin/dsync", sys.executable), encoding="utf-8")
    verify = ["systemd-analyze", "verify", str(unit)]
    done = subprocess.run(verify, capture_output=True, text=True, check=False)
    assert (0, "") == (done.returncode, done.stderr)


@pytest.mark.parametrize(
    "file", sorted((ROOT / ".github/workflows").iterdir()), ids=lambda f: f.name
)
def test_a_workflow_runs_what_everybody_runs(file: Path) -> None:
    """Nothing but `.ci/run`, on actions that cannot change, with the right to read alone."""
    workflow = yaml.safe_load(file.read_text(encoding="utf-8"))
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]

    assert {"contents": "read"} == workflow["permissions"]
    assert [".ci/run"] == [step["run"] for step in steps if "run" in step]
    for step in steps:
        assert re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", step.get("uses", f"a/b@{'0' * 40}"))

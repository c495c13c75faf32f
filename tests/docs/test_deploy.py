"""The files of deploy/ and the workflows fit dsync; nothing is started here."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from configparser import ConfigParser
from pathlib import Path

import pytest
import yaml

from dsync import __version__
from dsync.service.surface import ADDRESSES
from dsync.settings import unknown_variables
from tests.commands.command import parsed

ROOT = Path(__file__).parents[2]
PATHS = {path for method, path, _ in ADDRESSES if method == "GET"}
ONES = {
    one["kind"]: one
    for one in yaml.safe_load_all((ROOT / "deploy/kubernetes.yaml").read_text(encoding="utf-8"))
}
PODS = {kind: ONES[kind]["spec"]["template"]["spec"] for kind in ("Job", "Deployment")}
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
STAGES = {
    stage: base for base, stage in re.findall(r"^FROM (\S+) AS (\S+)$", DOCKERFILE, re.MULTILINE)
}
"""What each stage of the Dockerfile is made from."""
SERVICE = (ROOT / "deploy/dsync.service").read_text(encoding="utf-8")


def test_two_replicas_are_probed_and_scraped_where_dsync_answers() -> None:
    """Alive and ready are different questions, on the ports that the variable opens."""
    (container,) = PODS["Deployment"]["containers"]
    port, metrics = container["ports"]
    (listen,) = [one["value"] for one in container["env"] if one["name"] == "DSYNC_HTTP_LISTEN"]
    probes = [container[name]["httpGet"] for name in ("livenessProbe", "readinessProbe")]
    deployment, service = ONES["Deployment"]["spec"], ONES["Service"]

    assert 2 == deployment["replicas"]
    assert ["/healthz", "/readyz"] == [probe["path"] for probe in probes]
    assert {"/healthz", "/readyz"} <= PATHS
    assert {port["name"]} == {probe["port"] for probe in probes}
    assert [f"0.0.0.0:{one['containerPort']}" for one in (port, metrics)] == listen.split()
    assert service["spec"]["selector"] == deployment["template"]["metadata"]["labels"]

    text = (ROOT / "deploy/kubernetes-monitoring.yaml").read_text(encoding="utf-8")
    monitor = yaml.safe_load(text)["spec"]
    [endpoint] = monitor["endpoints"]
    assert monitor["selector"]["matchLabels"] == service["metadata"]["labels"]
    assert endpoint["port"] == metrics["name"]
    assert [port["name"], metrics["name"]] == [one["name"] for one in service["spec"]["ports"]]
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

    parsed(container["args"]).close()
    assert (True, 10001) == tuple(pod["securityContext"][k] for k in ("runAsNonRoot", "runAsUser"))
    assert "USER 10001\n" in DOCKERFILE
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
    parsed(arguments).close()
    assert ["run"] == arguments
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
    """First nothing but `.ci/run`, on actions that cannot change, with the right to read alone."""
    text = file.read_text(encoding="utf-8")
    workflow = yaml.safe_load(text)
    checks, *others = workflow["jobs"].values()

    assert {"contents": "read"} == workflow["permissions"]
    assert "permissions" not in checks
    assert [".ci/run"] == [step["run"] for step in checks["steps"] if "run" in step]
    assert all("checks" == job["needs"] for job in others)
    for job in workflow["jobs"].values():
        # A name given by others is no text of a script: `${{ … }}` there would be pasted into it.
        assert [] == [step for step in job["steps"] if "${{" in step.get("run", "")]
    for line in re.findall("uses: (.+)", text):
        assert re.fullmatch(r"[\w/-]+@[0-9a-f]{40} # v[\d.]+", line)


def test_the_checks_run_on_each_python() -> None:
    """On those that the project says it runs on, the image's among them."""
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))
    versions = workflow["jobs"]["checks"]["strategy"]["matrix"]["python"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    said = [one.rpartition(" :: ")[2] for one in project["classifiers"] if ":: 3." in one]

    assert ["3.11", "3.12", "3.13", "3.14"] == versions == said
    assert f">={versions[0]}" == project["requires-python"]
    assert f"for version in {' '.join(versions)};" in (ROOT / ".ci/run").read_text()
    [image] = re.findall(r"^ARG PYTHON=python:(3\.\d+)", DOCKERFILE, re.M)
    assert image in versions


def test_a_tag_makes_what_scripts_release_makes_and_both_images() -> None:
    """Signed, of the stages and with the arguments that the Dockerfile has."""
    workflow = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text(encoding="utf-8"))
    job = workflow["jobs"]["release"]
    told = "\n".join(step.get("run", "") for step in job["steps"])

    assert {"push": {"tags": ["v*"]}} == workflow[True]  # « on », as YAML 1.1 reads it.
    assert 'scripts/release --build --tag "$TAG"' in told
    assert {"contents", "packages", "id-token", "attestations"} == set(job["permissions"])
    for word in ("--sbom=true", "--provenance=mode=max", "cosign sign ", "cosign sign-blob"):
        assert word in told
    [targets] = re.findall("for target in (.+); do", told)
    assert {*targets.split()} == {"production", "parquet"} <= STAGES.keys()
    given = set(re.findall(r"--build-arg (\w+)=", told))
    assert given == {*re.findall(r"^ARG (\w+)", DOCKERFILE, re.M)} - {"PYTHON"}


def test_a_release_has_the_tag_and_the_notes_of_its_version() -> None:
    """Nothing is changed without --build; links of the notes lead to the files of the tag."""

    def release(*options: str) -> tuple[int, str]:
        line = [sys.executable, str(ROOT / "scripts/release"), *options]
        done = subprocess.run(line, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    code, dry = release()
    assert (0, True) == (code, f"dsync {__version__}, commit " in dry)
    assert "Nothing is built without --build." in dry
    code, wrong = release("--tag", "v0")
    assert (1, True) == (code, f"whose tag is v{__version__}" in wrong)
    _, notes = release("--notes")
    assert notes.startswith("The first release.")
    assert "\n## [" not in notes
    links = re.findall(r"\]\((.+?)\)", notes)
    assert f"/blob/v{__version__}/UPGRADE.md" in links[0]
    assert [] == [link for link in links if not link.startswith("https://")]


def test_an_image_has_its_locked_packages_on_a_base_that_cannot_change() -> None:
    """Named by its digest, for all stages; without --target the image is that of production."""
    bases = {*STAGES.values()} - STAGES.keys()
    assert ({"${PYTHON}"}, len(STAGES)) == (bases, DOCKERFILE.count("FROM "))
    assert re.search(r"^ARG PYTHON=python:[\d.]+-slim-\w+@sha256:[0-9a-f]{64}$", DOCKERFILE, re.M)
    assert "production" == [*STAGES][-1]
    assert {"base"} == {STAGES[one] for one in ("production", "parquet")}
    for target, end in (("production", ""), ("parquet", "-parquet")):
        assert f"AS {target}\nCOPY --from=build-{target} /opt/dsync /opt/dsync" in DOCKERFILE
        assert f"--require-hashes -r requirements{end}.txt" in DOCKERFILE
    [health] = re.findall(r'^HEALTHCHECK .*\\\n +CMD \["dsync", (.+)\]$', DOCKERFILE, re.M)
    parsed(re.findall('"([^"]+)"', health)).close()
    for file in ("compose.yaml", "deploy/compose.yaml"):
        [image] = re.findall(r"^ +image: postgres:(.+)$", (ROOT / file).read_text("utf-8"), re.M)
        assert re.fullmatch(r"[\d.]+@sha256:[0-9a-f]{64}", image)
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert {f"!requirements{one}.txt" for one in ("", "-build", "-parquet")} <= {*ignored}

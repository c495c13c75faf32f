"""`docker` and `kubectl` as far as docs/operate uses them, without either.

A container is the program with the variables, mounts and arguments that the YAML file or the
command gives it, and nothing else. What it finds under its mounts is elsewhere on this machine.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

DSYNC = Path(sys.executable).parent / "dsync"
STATE = Path(".containers")
"""What the cluster keeps, and the process of a service."""


def environment_of(given: Mapping[str, str], mounts: Mapping[str, Path]) -> dict[str, str]:
    """Return the variables of a container, with paths as they are on this machine."""
    found = {name: _placed(value, mounts) for name, value in given.items()}
    # Of the image: how it logs. Its port would be this machine's here.
    image = {"PATH": "/usr/bin:/bin", "DSYNC_LOG_FORMAT": "json"}
    return {**image, **found, "DSYNC_HTTP_LISTEN": ""}


def _placed(value: str, mounts: Mapping[str, Path]) -> str:
    for inside, outside in mounts.items():
        if value == inside or value.startswith(f"{inside}/"):
            return str(outside.resolve()) + value.removeprefix(inside)
    return value


def run(given: Mapping[str, str], mounts: Mapping[str, Path], arguments: Sequence[str]) -> int:
    """Run a container to its end; return its code."""
    line = [str(DSYNC), *(_placed(one, mounts) for one in arguments)]
    return subprocess.run(line, env=environment_of(given, mounts), check=False).returncode


def compose(action: str, words: list[str]) -> int:
    """Execute `docker compose` with the compose.yaml of the folder."""
    document = yaml.safe_load(Path("compose.yaml").read_text(encoding="utf-8"))
    if action == "up":
        assert ["-d"] == words
        for name in ("schema", "dsync"):
            service = document["services"][name]
            for secret in service["secrets"]:
                assert Path(document["secrets"][secret]["file"]).is_file()
            given, mounts = _of_compose(document, service)
            if name == "schema" and run(given, mounts, service["command"]):
                return 1
        line = [str(DSYNC), *service["command"]]
        STATE.mkdir()
        with (STATE / "log").open("w") as log:
            # Nothing of the shell that starts it, which would wait for its end.
            process = subprocess.Popen(
                line,
                env=environment_of(given, mounts),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        (STATE / "pid").write_text(str(process.pid), encoding="utf-8")
        return 0
    start = words.index("dsync")
    assert (action, words[:start]) in [("run", ["--rm", "--no-deps", "-T"]), ("exec", [])]
    arguments = words[start + 1 :]
    if action == "exec":
        program, *arguments = arguments
        assert "dsync" == program
    given, mounts = _of_compose(document, document["services"]["dsync"])
    return run(given, mounts, arguments)


def _of_compose(
    document: Mapping[str, Any], service: Mapping[str, Any]
) -> tuple[dict[str, str], dict[str, Path]]:
    lines = Path(service["env_file"]).read_text(encoding="utf-8").splitlines()
    variables = dict(line.split("=", 1) for line in lines if line) | service["environment"]
    mounts = {
        f"/run/secrets/{name}": Path(document["secrets"][name]["file"])
        for name in service["secrets"]
    }
    for volume in service["volumes"]:
        outside, inside, _ = volume.split(":")
        mounts[inside] = Path(outside)
    return variables, mounts


def docker_run(words: list[str]) -> int:
    """Execute `docker run`."""
    given, mounts = {}, {}
    rest = iter(words)
    for word in rest:
        if word == "-v":
            outside, inside, *_ = next(rest).split(":")
            mounts[inside] = Path(outside)
        elif word == "-e":
            name, value = next(rest).split("=", 1)
            given[name] = value
        elif word != "--rm":
            assert "dsync" == word
            break
    # What the cluster's configuration gives a container elsewhere.
    return run({**_outside(), **given}, mounts, list(rest))


def _outside() -> dict[str, str]:
    """Return the addresses of the sandbox, which stands for DS's own."""
    names = ("DSYNC_DS_URL", "DSYNC_BETAGOUV_URL")
    return {name: os.environ[name] for name in names if name in os.environ}


def kubectl(words: list[str]) -> int:
    """Execute `kubectl` against files of the folder."""
    documents = {
        one["kind"]: one
        for one in yaml.safe_load_all(Path("kubernetes.yaml").read_text(encoding="utf-8"))
    }
    match words:
        case ["create", "secret", "generic", name, *files]:
            return _kept("secret", name, files)
        case ["create", "configmap", name, *files]:
            return _kept("configmap", name, files)
        case ["apply", "-f", "kubernetes.yaml"]:
            return 0
        case ["wait", "--for=condition=complete", "job/dsync-schema", _]:
            assert "dsync-schema" == documents["Job"]["metadata"]["name"]
            return _in_pod(documents["Job"], None)
        case ["rollout", "status", "deploy/dsync"]:
            return 0
        case ["exec", "deploy/dsync", "--", "dsync", *arguments]:
            assert "dsync" == documents["Deployment"]["metadata"]["name"]
            return _in_pod(documents["Deployment"], arguments)
    raise SystemExit(f"kubectl {words}: not known here")


def _kept(kind: str, name: str, files: Sequence[str]) -> int:
    folder = STATE / kind / name
    folder.mkdir(parents=True)
    for file in _files(files):
        shutil.copy(file, folder / file.name)
    return 0


def _files(options: Sequence[str]) -> Iterator[Path]:
    for option in options:
        path = Path(option.removeprefix("--from-file="))
        yield from sorted(path.iterdir()) if path.is_dir() else [path]


def _in_pod(workload: Mapping[str, Any], arguments: Sequence[str] | None) -> int:
    pod = workload["spec"]["template"]["spec"]
    [container] = pod["containers"]
    volumes = {one["name"]: one for one in pod["volumes"]}
    mounts = {}
    for mount in container["volumeMounts"]:
        volume = volumes[mount["name"]]
        if "configMap" in volume:
            mounts[mount["mountPath"]] = STATE / "configmap" / volume["configMap"]["name"]
        if "secret" in volume:
            mounts[mount["mountPath"]] = STATE / "secret" / volume["secret"]["secretName"]
    given = {one["name"]: one["value"] for one in container["env"]}
    return run({**_outside(), **given}, mounts, arguments or container["args"])


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["docker", "compose", action, *rest]:
            raise SystemExit(compose(action, rest))
        case ["docker", "run", *rest]:
            raise SystemExit(docker_run(rest))
        case ["kubectl", *rest]:
            raise SystemExit(kubectl(rest))

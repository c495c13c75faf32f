"""Both compose.yaml give dsync commands and settings that exist; no container is started here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from dsync.cli.sandbox import sandbox_variables
from dsync.sandbox import Sandbox
from tests.commands.command import parsed
from tests.configured import load_settings

ROOT = Path(__file__).parents[2]
DOCUMENT, DEPLOYED = (
    yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))
    for name in ("compose.yaml", "deploy/compose.yaml")
)
OURS = {
    f"{kind}-{name}": one
    for kind, document in (("tried", DOCUMENT), ("deployed", DEPLOYED))
    for name, one in document["services"].items()
    if {"build", "env_file"} & one.keys()
}


@pytest.mark.parametrize("service", OURS.values(), ids=OURS)
def test_each_service_has_a_command_of_dsync_and_no_rights(service: dict[str, Any]) -> None:
    """No capability, and a file system that it cannot write to; secrets that are files."""
    parsed(service["command"]).close()
    assert (["ALL"], True) == (service["cap_drop"], service["read_only"])
    if "env_file" in service:
        assert ["/tmp"] == service["tmpfs"]
        for variable in ("DSYNC_DATABASE_URL_FILE", "DSYNC_DS_TOKEN_FILE"):
            folder, _, secret = service["environment"][variable].rpartition("/")
            assert ("/run/secrets", True) == (folder, secret in service["secrets"])
        assert {*service["secrets"]} <= DEPLOYED["secrets"].keys()


def test_only_this_machine_reaches_what_is_published() -> None:
    """The database, and dsync's port on which nobody is asked who reads."""
    for service in (*DOCUMENT["services"].values(), *DEPLOYED["services"].values()):
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))


def test_dsync_has_the_variables_of_the_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the same seed and port; with them and the database's address it has its settings."""
    service = DOCUMENT["services"]["dsync"]
    given = dict(service["environment"])
    _, *options = DOCUMENT["services"]["sandbox"]["command"]
    seed = int(options[options.index("--seed") + 1])
    with Sandbox.start(1, seed) as sandbox:
        needed = sandbox_variables(sandbox)
    at_home = f"http://127.0.0.1:{options[options.index('--port') + 1]}"
    assert given == {
        "DSYNC_DATABASE_URL": given["DSYNC_DATABASE_URL"],
        **{name: value.replace(sandbox.base_url, at_home) for name, value in needed.items()},
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    assert load_settings().database_url == given["DSYNC_DATABASE_URL"]


def test_the_address_of_the_image_is_reached_from_outside() -> None:
    """The image listens on all addresses of the container, on the port that is published."""
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert "DSYNC_HTTP_LISTEN=0.0.0.0:8080" in dockerfile
    assert "DSYNC_HTTP_LISTEN" not in DOCUMENT["services"]["dsync"]["environment"]
    assert "service:sandbox" == DOCUMENT["services"]["dsync"]["network_mode"]
    assert ["127.0.0.1:8080:8080"] == DOCUMENT["services"]["sandbox"]["ports"]


def test_every_service_that_is_waited_for_exists() -> None:
    """With the state that it can reach: a service that ends, or one that says that it is well."""
    services = DOCUMENT["services"]
    for one in services.values():
        for name, wanted in one.get("depends_on", {}).items():
            if wanted["condition"] == "service_healthy":
                assert "test" in services[name]["healthcheck"]
            else:
                assert services[name]["command"][0] == "db"

"""Puts the console together: who enters, by which links or sign-in, and its sessions' key."""

from __future__ import annotations

import hmac
import secrets
import socket
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING
from zlib import crc32

import click

from dsync import __version__
from dsync.addresses import Listen
from dsync.cli.output import asker
from dsync.configuration import ConsoleSection, OpenIdSection
from dsync.console.access import LocalAccess, Role
from dsync.console.app import Console
from dsync.errors import ConfigurationError, remedy
from dsync.settings import console_section
from dsync.wiring import Worker

if TYPE_CHECKING:
    from pydantic import SecretStr

    from dsync.console.signin import TeamAccess


def open_console(
    workers: Sequence[Worker],
    address: tuple[str, int],
    stop: threading.Event,
    show: Callable[[str], None] = click.echo,
    role: Role = Role.ADMINISTRATEUR,
) -> Console:
    """Return the console of some démarches, served at `address`.

    `stop` ends what it executes itself, `show` is called with each link, by which one enters with
    the role.

    Raises:
        ConfigurationError: the sign-in is not fully configured, or its packages are missing.
    """
    base = f"http://{Listen(*address)}"

    def announce(path: str) -> None:
        show(f"{base}{path}")

    section = console_section([one.settings for one in workers])
    # Replicas have one public address, and so one cookie. Without it, the machine's name counts: a
    # browser may reach consoles of several machines through tunnels, as ports of one host.
    own = f"{socket.gethostname()}:{address[1]}"
    place = (section.openid and section.public_url) or own
    return Console(
        workers,
        LocalAccess(asker(), announce, role)
        if section.openid is None
        else _team_access(workers, section, section.openid, stop),
        secret=_session_key(workers[0].settings.oidc_client_secret),
        section=section,
        stop=stop,
        cookie=f"dsync_console_{crc32(place.encode()):08x}",
    )


def _session_key(client_secret: SecretStr | None) -> str:
    """Return what signs sessions: replicas have the same; of one machine, those of a process."""
    if client_secret is None:
        return secrets.token_urlsafe(32)
    return hmac.digest(client_secret.get_secret_value().encode(), b"session", "sha256").hex()


def _team_access(
    workers: Sequence[Worker], section: ConsoleSection, openid: OpenIdSection, stop: threading.Event
) -> TeamAccess:
    worker = workers[0]
    acces = {int(one.demarche): one.configuration.acces for one in workers}
    if not any(acces.values()):
        raise ConfigurationError(
            "[console.openid] lets nobody in: add [[acces]] to each démarche's file, such as with "
            'role = "administrateur" and who = ["@example.gouv.fr"].'
        )
    try:
        from dsync.console.openid import Provider
        from dsync.console.signin import BACK, TeamAccess
    except ModuleNotFoundError as exc:
        raise ConfigurationError(
            f"[console.openid] needs packages that are not installed: {remedy('console-oidc')}."
        ) from exc
    secret = worker.settings.oidc_client_secret
    if secret is None:
        raise ConfigurationError(
            "[console.openid] needs the client's secret: set DSYNC_OIDC_CLIENT_SECRET, or "
            "DSYNC_OIDC_CLIENT_SECRET_FILE to a file that holds it."
        )
    provider = Provider(
        openid,
        secret.get_secret_value(),
        claims={name for entries in acces.values() for one in entries for name in one.claims},
        redirect_uri=f"{section.public_url}{BACK}",
        user_agent=f"dsync/{__version__} (+{worker.configuration.ds.contact})",
        stop=stop,
    )
    return TeamAccess(section, acces, provider)

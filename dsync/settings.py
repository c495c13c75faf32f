"""Reads the settings from flags, environment, TOML file and defaults, in this order of precedence.

No other module reads the environment. Secrets come from the environment or from a file that a
variable `…_FILE` names, and not from the TOML file.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, time, timedelta
from importlib.resources import files
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from dsync.addresses import MASK, Listen, is_encrypted_or_local, mask_url, parse_listen
from dsync.annotations import AnnotationsConfig
from dsync.domain.ids import GREATEST_NUMBER
from dsync.domain.nearest import nearest
from dsync.eig.config import EigSections
from dsync.errors import ConfigurationError
from dsync.sync.concerns import Thresholds

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

PREFIX = "DSYNC_"
SHIPPED_CONFIG = "aap-eig7.toml"
DEFAULT_CONFIG = Path("config") / SHIPPED_CONFIG
DEFAULT_DS_URL = "https://demarche.numerique.gouv.fr/api/v2/graphql"
DEFAULT_DATABASE_URL = "sqlite:///dsync.db"
DEFAULT_BETAGOUV_URL = "https://beta.gouv.fr"
DEFAULT_HTTP_LISTEN = "127.0.0.1:8080"
SIGNING_KEY_PREFIX = "whsec_"
"""The beginning of the signing keys that DS makes for webhooks of version 2."""
SANDBOX_DEMARCHE = 86321
"""The number in the shipped file: that of the sandbox's démarche."""

_DURATION = re.compile(r"(\d+)\s*([smhd])")
_PATH_SECRET = re.compile(r"[A-Za-z0-9._~-]{16,}")
_SIGNING_KEY = re.compile(r"whsec_[A-Za-z0-9+/]{22,}={0,2}")
_ALLOWED = re.compile(r"[^@\s]*@[a-z0-9-]+(\.[a-z0-9-]+)+")
_TARGET = re.compile(r"file:///[^?#*]+|s3://[a-z0-9][a-z0-9.-]+(/[^?#*@]*)?")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_FOREIGN = {"DSYNC_TEST_DATABASE_URL", "DSYNC_SHARED", "DSYNC_NEEDS_BROWSER"}
"""Variables that only the tests read."""


MAX_DURATION = timedelta(days=366)


def parse_duration(value: object) -> timedelta:
    """Return the duration of `30m`, `5 m`, `1h`, `90s`, `16d` or a timedelta.

    Raises:
        ValueError: it has another form, or is longer than a year.
    """
    if isinstance(value, timedelta):
        return value
    found = _DURATION.fullmatch(str(value).strip())
    if not found:
        raise ValueError("expected a number and s, m, h or d, such as 30m")
    try:
        duration = timedelta(**{_UNITS[found[2]]: int(found[1])})
    except OverflowError:
        duration = timedelta.max
    if duration > MAX_DURATION:
        raise ValueError("expected a year at most (366d)")
    return duration


Duration = Annotated[timedelta, BeforeValidator(parse_duration)]
Interval = Annotated[Duration, Field(ge=timedelta(seconds=1))]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DemarcheSection(_Section):
    """Section `[demarche]`."""

    number: int = Field(gt=0, le=GREATEST_NUMBER)
    """The démarche's number in DS."""


class DSSection(_Section):
    """Section `[ds]`: the access to DS, and its limits."""

    url: str = DEFAULT_DS_URL
    """The GraphQL endpoint."""
    instructeur: str | None = None
    """Id or e-mail of the instructeur who writes the annotations; without one, they wait."""
    token_file: Path | None = None
    """File with the token of this démarche, below the configuration file's folder if relative."""
    token_expires_on: date | None = None
    """The last day of the token in `token_file`."""
    contact: str = Field(min_length=1)
    """Address or page of the operator, sent in `User-Agent`."""
    requests_per_minute: int = Field(default=350, ge=1, le=400)
    """DS's limit is 400 for each token; the default leaves some to its other users."""
    deadline_s: float = Field(default=60, ge=1, le=600)
    """Seconds for one request with its whole answer; DS itself ends a query after 30 s."""
    push_batch: int = Field(default=10, ge=1, le=50)
    """Maximum number of dossiers in a mutation document."""
    max_response_mib: float = Field(default=64, gt=0, le=1024)
    """Maximum size of a decoded answer, in MiB; for a longer one, a smaller page is asked for."""
    allow_insecure_http: bool = False
    """Whether http:// addresses of other machines are accepted."""


class ScheduleSection(_Section):
    """Section `[schedule]`: when runs are due."""

    incremental: Interval = timedelta(minutes=5)
    """Time from one read of what changed to the next."""
    deletions: Interval = timedelta(hours=1)
    """Time from one read of the lists of deleted dossiers to the next."""
    full_at: time = time(2, 30)
    """Time of day, in UTC, from which the night's read of all dossiers is due."""
    overlap: Duration = timedelta(minutes=10)
    """How far before the watermark an incremental read starts again."""


class SafetySection(_Section):
    """Section `[safety]`: the limits of the safety brakes, for dossiers and for products."""

    disappearances: int = Field(default=5, ge=0)
    """Number of dossiers that may disappear at once, if it is higher than the percentage's."""
    disappearances_percent: float = Field(default=20, ge=0, le=100)
    """Percentage of the present dossiers that may disappear at once."""
    catalogue_share: float = Field(default=0.1, ge=0, le=1)
    """Share of the catalogue's known products that may disappear at once."""


class PiecesSection(_Section):
    """Section `[pieces]`: copies of the dossiers' files; off unless `copy = true`."""

    is_on: bool = Field(default=False, alias="copy")
    """Whether files are copied."""
    target: str | None = None
    """`file:///folder` or `s3://bucket/prefix`; the access to S3 is configured as AWS's own."""
    max_mib: float = Field(default=200, gt=0, le=10240)
    """Maximum size of a file, in MiB."""
    deadline_s: float = Field(default=60, ge=1, le=3600)
    """Seconds for the download of one file."""

    @model_validator(mode="after")
    def _has_target(self) -> Self:
        if self.is_on and self.target is None:
            raise ValueError("copy = true needs target, such as file:///var/lib/dsync/pieces")
        return self

    @field_validator("target")
    @classmethod
    def _is_known(cls, target: str | None) -> str | None:
        if target is None or _TARGET.fullmatch(target):
            return target
        raise ValueError(
            "expected file:///folder or s3://bucket/prefix, without user, password or parameters"
        )


class HttpSection(_Section):
    """Section `[http]`: the addresses that `dsync run` serves."""

    listen: str | None = None
    """`host:port`, by default `127.0.0.1:8080`; an empty one serves no HTTP."""
    console: bool = False
    """Whether `dsync run` serves the console there, too."""
    theme: Literal["neutre", "dsfr"] = "neutre"
    """Of the console; the State's design system is reserved for State sites."""
    ready_intervals: int = Field(default=3, ge=1, le=1000)
    """Number of intervals of the incremental read after which `/readyz` misses a success."""


def _allowed(value: object) -> str:
    """Return an e-mail address, or `@domain` for all of a domain, in lower case."""
    text = str(value).strip().lower()
    if not _ALLOWED.fullmatch(text):
        raise ValueError("expected an e-mail address, or @domain for all of a domain")
    return text


def _encrypted(value: object) -> str:
    text = str(value).strip()
    parts = urlsplit(text)
    if not parts.hostname or not is_encrypted_or_local(text) or parts.query or parts.fragment:
        raise ValueError("expected an address https://…, without parameters")
    return text


def _origin(value: object) -> str:
    """Return scheme, host and port as browsers send them in `Origin`."""
    text = _encrypted(value).rstrip("/").lower()
    parts = urlsplit(text)
    if parts.path or parts.username is not None or parts.scheme not in ("http", "https"):
        raise ValueError("expected https:// and a host, without a path")
    return text.removesuffix(":443" if parts.scheme == "https" else ":80")


def _network(value: object) -> str:
    try:
        return str(ip_network(str(value).strip()))
    except ValueError as exc:
        raise ValueError("expected an IP address or a network, such as 10.0.0.0/8") from exc


Allowed = Annotated[str, BeforeValidator(_allowed)]
EncryptedUrl = Annotated[str, BeforeValidator(_encrypted)]


class OpenIdSection(_Section):
    """Section `[console.openid]`: the team's sign-in by OpenID Connect, such as ProConnect."""

    issuer: EncryptedUrl
    """The provider, such as `https://auth.agentconnect.gouv.fr/api/v2`."""
    client_id: str = Field(min_length=1)
    """As which the provider knows this console."""
    scopes: str = Field(default="openid email", pattern=r"^openid( [!#-\[\]-~]+)*$")
    """What is asked of the provider; the console uses the e-mail address alone."""
    acr_values: str | None = None
    """Levels of authentication that are asked for, and one of which is needed; blanks between."""
    pkce: bool = True
    """Whether the code is bound to this client by PKCE (S256)."""
    operateurs: tuple[Allowed, ...] = ()
    """E-mail addresses and `@domain` of those who may act."""
    lecteurs: tuple[Allowed, ...] = ()
    """Those who may read, without personal data."""

    @model_validator(mode="after")
    def _lets_somebody_in(self) -> Self:
        if not self.operateurs and not self.lecteurs:
            raise ValueError("name at least one e-mail address or @domain in operateurs")
        return self


class ConsoleSection(_Section):
    """Section `[console]`: the console of a team."""

    public_url: Annotated[str, BeforeValidator(_origin)] | None = None
    """Where browsers find it, such as `https://dsync.example.gouv.fr`."""
    proxies: tuple[Annotated[str, BeforeValidator(_network)], ...] = ()
    """Reverse proxies whose `X-Forwarded-For` is believed."""
    openid: OpenIdSection | None = None
    """The sign-in; without it the console is for this machine alone."""

    @model_validator(mode="after")
    def _has_address(self) -> Self:
        if self.openid is not None and self.public_url is None:
            raise ValueError(
                "[console.openid] needs public_url, such as https://dsync.example.gouv.fr"
            )
        return self


class AlertsSection(_Section):
    """Section `[alerts]`: who is told what about this démarche."""

    ping_url: str | None = None
    """Called by GET after each success of the service, as healthchecks.io expects it."""


class Configuration(_Section):
    """The TOML file of a démarche without the section `[mapping]`: it is copied, no more."""

    demarche: DemarcheSection | None = None
    """None: DSYNC_DEMARCHE gives the number."""
    ds: DSSection
    schedule: ScheduleSection = ScheduleSection()
    safety: SafetySection = SafetySection()
    annotations: AnnotationsConfig | None = None
    """None: nothing is written into DS."""
    pieces: PiecesSection = PiecesSection()
    http: HttpSection = HttpSection()
    console: ConsoleSection = ConsoleSection()
    alerts: AlertsSection = AlertsSection()

    @property
    def programme(self) -> EigSections | None:
        """The programme's sections."""
        return None

    @property
    def late_after(self) -> timedelta:
        """Time since the last success after which the next one is late."""
        return self.schedule.incremental * self.http.ready_intervals

    @property
    def judges(self) -> bool:
        """Whether there are rules."""
        return self.programme is not None and self.programme.regles is not None

    @property
    def evidence_max_age(self) -> timedelta | None:
        """How long the catalogue is used without confirmation; None: nothing is judged by it."""
        sections = self.programme
        return sections.preuves.catalogue.max_age if sections and self.judges else None


class EigConfiguration(Configuration, EigSections):
    """The TOML file of a call of the programme."""

    @property
    def programme(self) -> EigSections:
        """The programme's sections."""
        return self


class _Environment(BaseSettings):
    """The environment variables; None for one that is not set."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", env_ignore_empty=True)

    config: Path | None = None
    """The configuration file, or a folder of them. Default: `config/aap-eig7.toml` in the current
    folder, else the copy inside the package."""
    database_url: SecretStr | None = None
    """`sqlite:///FILE` or `postgresql://USER:PASSWORD@HOST/NAME`. Default: `sqlite:///dsync.db`."""
    ds_url: str | None = None
    """The GraphQL endpoint. Default: `[ds] url`."""
    ds_token: SecretStr | None = None
    """The API token, for démarches without `[ds] token_file`."""
    ds_token_expires_on: date | None = None
    """The token's last day; warnings come 30, 7 and 1 days before."""
    demarche: int | None = Field(default=None, gt=0, le=GREATEST_NUMBER)
    """The démarche's number, or which file of a folder. Default: `[demarche] number`."""
    ds_instructeur: str | None = None
    """As `[ds] instructeur`, which it replaces."""
    betagouv_url: str | None = None
    """Base address of the catalogue of products. Default: `https://beta.gouv.fr`."""
    log_format: Literal["console", "json"] | None = None
    """`console` (the default) or `json`."""
    http_listen: str | None = None
    """As `[http] listen`, which it replaces."""
    webhook_secret: SecretStr | None = None
    """Secret in the address of DS's webhooks, then their signing keys, separated by blanks."""
    alert_urls: SecretStr | None = None
    """Where alerts are sent: addresses of apprise, separated by blanks."""
    sentry_dsn: SecretStr | None = None
    """Where bugs of dsync are reported, without any value."""
    oidc_client_secret: SecretStr | None = None
    """The secret that the provider of `[console.openid]` gave to this client."""
    session_key: SecretStr | None = Field(default=None, min_length=32)
    """Signs the console's sessions; replicas share it. Default: made at start, so that sessions end
    with the process."""


SECRETS = (
    "ds_token",
    "database_url",
    "webhook_secret",
    "alert_urls",
    "sentry_dsn",
    "oidc_client_secret",
    "session_key",
)


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings; `sources` has the source of each by name."""

    config: Path
    configuration: Configuration
    database_url: str
    ds_url: str
    ds_token: SecretStr | None
    ds_token_file: Path | None
    """The file from which the token was read."""
    ds_token_expires_on: date | None
    demarche: int
    ds_instructeur: str | None
    betagouv_url: str
    log_format: str
    http_listen: str
    webhook_secret: SecretStr | None
    alert_urls: SecretStr | None
    sentry_dsn: SecretStr | None
    oidc_client_secret: SecretStr | None
    session_key: SecretStr | None
    sources: Mapping[str, str]

    @property
    def token(self) -> str:
        """The token; only read where a request is sent to DS.

        Raises:
            ConfigurationError: there is none.
        """
        if self.ds_token is None or not self.ds_token.get_secret_value().strip():
            raise ConfigurationError(
                "No token for DS: set DSYNC_DS_TOKEN, or DSYNC_DS_TOKEN_FILE to a file that "
                "holds it (`dsync demo` needs none)."
            )
        return self.ds_token.get_secret_value().strip()

    def with_token_of_file(self) -> Settings:
        """Return the settings with the token that stands in its file now.

        While the file cannot be read, or is empty, the former token stays.
        """
        if self.ds_token_file is None:
            return self
        try:
            token = SecretStr(_read_secret(self.ds_token_file, ""))
        except ConfigurationError:
            return self
        if token == self.ds_token or not token.get_secret_value():
            return self
        return replace(self, ds_token=token)

    @property
    def thresholds(self) -> Thresholds:
        """From when on something counts as a concern."""
        found = self.configuration
        return Thresholds(found.late_after, found.evidence_max_age, self.ds_token_expires_on)

    def token_days_left(self, today: date) -> int | None:
        """Return the days until the token's last day; None: it is not configured."""
        expires_on = self.ds_token_expires_on
        return None if expires_on is None else (expires_on - today).days

    @property
    def listen(self) -> Listen | None:
        """Where `dsync run` serves HTTP; None: nowhere.

        Raises:
            ConfigurationError: it is not `host:port`.
        """
        if not self.http_listen.strip():
            return None
        try:
            return parse_listen(self.http_listen)
        except ValueError as exc:
            raise ConfigurationError(
                f"DSYNC_HTTP_LISTEN, or [http] listen: {exc}, such as {DEFAULT_HTTP_LISTEN} or "
                "[::1]:8080; an empty one serves no HTTP."
            ) from exc

    @property
    def webhook_words(self) -> tuple[str, ...]:
        """The words of DSYNC_WEBHOOK_SECRET: the secrets of the address, and signing keys.

        Raises:
            ConfigurationError: a word is neither, or there is only a signing key.
        """
        words = () if self.webhook_secret is None else self.webhook_secret.get_secret_value()
        found = tuple(words.split()) if words else ()
        in_path = [word for word in found if not word.startswith(SIGNING_KEY_PREFIX)]
        keys = [word for word in found if word.startswith(SIGNING_KEY_PREFIX)]
        if any(not _PATH_SECRET.fullmatch(word) for word in in_path) or (keys and not in_path):
            raise ConfigurationError(
                "DSYNC_WEBHOOK_SECRET: expected a secret of at least 16 letters, digits, « - » or "
                "« _ » (make one with `openssl rand -hex 24`), then the signing keys of webhooks "
                "of version 2 (whsec_…), separated by blanks."
            )
        if any(not _SIGNING_KEY.fullmatch(word) for word in keys):
            raise ConfigurationError(
                "DSYNC_WEBHOOK_SECRET: a signing key (whsec_…) is incomplete. Copy it again from "
                "DS, or have DS renew it."
            )
        return found

    def shown(self) -> dict[str, str | None]:
        """Return the settings as text, with secrets masked."""
        values = {name: getattr(self, name) for name in self.sources}
        shown = {name: None if v is None else str(v) for name, v in values.items()}
        for name in ("database_url", "ds_url", "betagouv_url"):
            shown[name] = mask_url(str(values[name]))
        for name in SECRETS:
            if name != "database_url" and values[name] is not None:
                shown[name] = MASK
        return shown


def load_settings(**flags: Any) -> Settings:
    """Read the settings of one démarche.

    Args:
        flags: values of command-line options, which take precedence; None: not given.

    Raises:
        ConfigurationError: settings are wrong or missing, with every problem, its key and remedy;
            or several démarches are configured and no flag or variable selects one.
    """
    found = load_all(**flags)
    if len(found) == 1:
        return found[0]
    numbers = ", ".join(str(one.demarche) for one in found)
    raise ConfigurationError(
        f"Several démarches are configured ({numbers}): choose one with --demarche N."
    )


def load_all(**flags: Any) -> tuple[Settings, ...]:
    """Read the settings of every configured démarche, by number.

    In a folder of configuration files, `--demarche` and DSYNC_DEMARCHE select one of them; with a
    single file, they replace its number.

    Args:
        flags: values of command-line options, which take precedence; None: not given.

    Raises:
        ConfigurationError: settings are wrong or missing; with every problem, its key and remedy.
    """
    environment = _read_environment()
    given = {name: value for name, value in flags.items() if value is not None}
    path = find_config(given.get("config") or environment.config)
    if not path.is_dir():
        return (_settings_of(path, given, environment),)
    wanted = given.pop("demarche", None) or environment.demarche
    environment = environment.model_copy(update={"demarche": None})
    found: dict[int, Settings] = {}
    problems: list[str] = []
    for file in sorted(path.glob("*.toml")):
        try:
            one = _settings_of(file, given, environment)
        except ConfigurationError as exc:
            problems += exc.problems or [exc.message.removesuffix(".")]
            continue
        if one.demarche in found:
            problems.append(
                f"{file}: démarche {one.demarche} is configured in {found[one.demarche].config} "
                "too; keep one of the two files"
            )
        found.setdefault(one.demarche, one)
    if problems:
        each_once = tuple(dict.fromkeys(problems))  # One of the environment is every file's.
        raise ConfigurationError(_headline(each_once), each_once)
    if not found:
        raise ConfigurationError(
            f"{path}: no configuration file (*.toml) in this folder; correct DSYNC_CONFIG or "
            "--config."
        )
    if wanted is not None and wanted not in found:
        numbers = ", ".join(map(str, sorted(found)))
        raise ConfigurationError(
            f"{path}: no file configures démarche {wanted}, only {numbers}; correct --demarche or "
            "DSYNC_DEMARCHE."
        )
    return tuple(found[number] for number in sorted(found) if wanted in (None, number))


def _settings_of(path: Path, given: Mapping[str, Any], environment: _Environment) -> Settings:
    """Read the settings of the démarche of one file; raises as `load_all`."""
    configuration = read_configuration(path)
    in_file = {
        "ds_url": configuration.ds.url if "url" in configuration.ds.model_fields_set else None,
        "ds_instructeur": configuration.ds.instructeur,
        "ds_token_expires_on": configuration.ds.token_expires_on,
        "demarche": configuration.demarche and configuration.demarche.number,
        "http_listen": configuration.http.listen,
    }
    defaults: dict[str, Any] = {
        "config": path,
        "ds_url": DEFAULT_DS_URL,
        "database_url": DEFAULT_DATABASE_URL,
        "betagouv_url": DEFAULT_BETAGOUV_URL,
        "log_format": "console",
        "http_listen": DEFAULT_HTTP_LISTEN,
    }
    own = _own_token(path, configuration.ds)
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for name in _Environment.model_fields:
        layers = (
            ("flag", given.get(name)),
            ("file", own.get(name)),
            ("environment", None if name in own else getattr(environment, name)),
            ("file", in_file.get(name)),
            ("default", defaults.get(name)),
        )
        source, value = next(
            ((source, value) for source, value in layers if value is not None), ("default", None)
        )
        values[name], sources[name] = value, source
    if isinstance(values["database_url"], SecretStr):
        values["database_url"] = values["database_url"].get_secret_value()
    values["config"] = path
    if values["demarche"] is None:
        raise ConfigurationError(
            f"{path}: the démarche's number is missing: set [demarche] number, or DSYNC_DEMARCHE."
        )
    allow_http = configuration.ds.allow_insecure_http
    for name, named in (
        ("ds_url", "DSYNC_DS_URL, or [ds] url in the configuration file"),
        ("betagouv_url", "DSYNC_BETAGOUV_URL"),
    ):
        _check_address(values[name], named, allow_http=allow_http)
    if configuration.alerts.ping_url is not None:
        _check_address(configuration.alerts.ping_url, "[alerts] ping_url", allow_http=allow_http)
    if configuration.programme is not None:
        registre = configuration.programme.preuves.registre
        _check_address(registre.url, "[preuves.registre] url", allow_http=allow_http)
    of_all, of_one = os.environ.get(f"{PREFIX}DS_TOKEN_FILE"), configuration.ds.token_file
    token_file = {
        "file": of_one and path.parent / of_one,
        "environment": Path(of_all) if of_all else None,
    }.get(sources["ds_token"])
    settings = Settings(
        configuration=configuration, sources=sources, ds_token_file=token_file, **values
    )
    settings.listen, settings.webhook_words  # noqa: B018 - properties that raise
    return settings


def _own_token(path: Path, ds: DSSection) -> dict[str, Any]:
    """Return the token of a démarche's own file and its expiry; nothing without such a file.

    They replace the environment's, which are for the démarches without a token of their own.

    Raises:
        ConfigurationError: the token's file cannot be read.
    """
    if ds.token_file is None:
        return {}
    token = _read_secret(path.parent / ds.token_file, f"{path}: [ds] token_file")
    return {"ds_token": SecretStr(token), "ds_token_expires_on": ds.token_expires_on}


def _check_address(text: str, named: str, *, allow_http: bool) -> None:
    """Check the address of a server.

    Args:
        text: the address.
        named: the setting, for the message.
        allow_http: whether an unencrypted address of another machine is accepted.

    Raises:
        ConfigurationError: it is not an address, or unencrypted.
    """
    try:
        parts = urlsplit(text.strip())
        reachable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        reachable = False
    if not reachable:
        raise ConfigurationError(f"Not an http(s) address: correct {named}.")
    if not allow_http and not is_encrypted_or_local(text):
        raise ConfigurationError(
            f"{named}: http:// is not encrypted, so others can read and change what is sent. Use "
            "https://, or set [ds] allow_insecure_http = true."
        )


def find_config(named: Path | str | None) -> Path:
    """Return the path of the TOML file, or of the folder with one file a démarche.

    This is the named one, else `config/aap-eig7.toml` in the current folder, else the shipped one.

    Raises:
        ConfigurationError: what was named does not exist.
    """
    if named is not None:
        path = Path(named)
        if not path.exists():
            raise ConfigurationError(
                f"{path}: no such configuration file or folder; correct DSYNC_CONFIG or --config."
            )
        return path
    if DEFAULT_CONFIG.is_file():
        return DEFAULT_CONFIG
    return shipped_config()


def shipped_config() -> Path:
    """Return the shipped file: in the package, or in the checkout of an editable installation.

    Raises:
        ConfigurationError: the installation is incomplete.
    """
    package = Path(str(files("dsync")))
    for folder in (package / "config", package.parent / "config"):
        if (folder / SHIPPED_CONFIG).is_file():
            return folder / SHIPPED_CONFIG
    raise ConfigurationError("The shipped configuration is missing: reinstall dsync.")


def read_configuration(path: Path) -> Configuration:
    """Read and validate a TOML file.

    Raises:
        ConfigurationError: it cannot be read, or keys are wrong; with every wrong key.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as exc:
        raise ConfigurationError(f"{path}: cannot be read ({exc.strerror}).") from exc
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise ConfigurationError(f"{path}: not valid TOML: {exc}.") from exc
    model = _model_of(raw, path)
    try:
        return model.model_validate(raw)
    except ValidationError as exc:
        problems = tuple(f"{path}: {problem}" for problem in _problems(exc))
        raise ConfigurationError(_headline(problems), problems) from exc


def _model_of(raw: Mapping[str, Any], path: Path) -> type[Configuration]:
    """Return the model of a file.

    Raises:
        ConfigurationError: it has a section of the programme that needs `[mapping]`, without it.
    """
    if "mapping" in raw:
        return EigConfiguration
    if useless := [f"[{name}]" for name in EigSections.model_fields if name in raw]:
        needs = "needs" if len(useless) == 1 else "need"
        raise ConfigurationError(
            f"{path}: {' and '.join(useless)} {needs} the section [mapping], which says where the "
            "form has the fields to judge: add it, or remove them."
        )
    return Configuration


def unknown_variables() -> dict[str, str | None]:
    """Return the unknown `DSYNC_…` variables, each with the most similar known one or None."""
    known = {name.upper() for name in _Environment.model_fields}
    known |= {f"{name.upper()}_FILE" for name in SECRETS}
    given = [name.removeprefix(PREFIX) for name in sorted(os.environ) if name.startswith(PREFIX)]
    unknown = [name for name in given if name not in known and f"{PREFIX}{name}" not in _FOREIGN]
    found = {name: nearest(name, sorted(known)) for name in unknown}
    return {
        f"{PREFIX}{name}": f"{PREFIX}{other}" if other else None for name, other in found.items()
    }


def _read_environment() -> _Environment:
    from_files = {name: _secret_file(name) for name in SECRETS}
    given = {name: value for name, value in from_files.items() if value is not None}
    if os.environ.get(f"{PREFIX}HTTP_LISTEN") == "":
        # The only variable whose empty value is a setting.
        given["http_listen"] = ""
    try:
        return _Environment(**given)  # type: ignore[arg-type]
    except ValidationError as exc:
        problems = tuple(
            f"{PREFIX}{str(error['loc'][0]).upper()}: {_message(error)}"
            for error in exc.errors(include_input=False, include_url=False)
        )
        raise ConfigurationError(_headline(problems), problems) from exc


def _secret_file(name: str) -> str | None:
    variable = f"{PREFIX}{name.upper()}_FILE"
    path = os.environ.get(variable)
    if not path:
        return None
    if os.environ.get(variable.removesuffix("_FILE")):
        raise ConfigurationError(
            f"{variable} and {variable.removesuffix('_FILE')} are both set; keep one."
        )
    return _read_secret(Path(path), variable)


def _read_secret(file: Path, named: str) -> str:
    """Return the content of a file that `named` names.

    Raises:
        ConfigurationError: it cannot be read.
    """
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigurationError(f"{named}: {file} cannot be read.") from exc


def _problems(exc: ValidationError) -> list[str]:
    """Return one sentence per problem, without the input, which may be a secret."""
    problems = []
    for error in exc.errors(include_input=False, include_url=False):
        key = ".".join(str(part) for part in error["loc"])
        message = _message(error)
        if message == _UNKNOWN_KEY and (other := _nearest_key(error["loc"])):
            message = f"unknown key; did you mean {other}?"
        problems.append(f"{key}: {message}")
    return problems


def _nearest_key(loc: tuple[int | str, ...]) -> str | None:
    """Return the key of the same section that is most similar to an unknown one, or None."""
    schema = EigConfiguration.model_json_schema()
    sections = _alternatives(schema, schema)
    for part in loc[:-1]:
        inner = [_inside(section, part) for section in sections]
        sections = [one for section in inner for one in _alternatives(section, schema)]
    return nearest(str(loc[-1]), [key for one in sections for key in one.get("properties", {})])


def _inside(section: Mapping[str, Any], part: int | str) -> Mapping[str, Any]:
    """Return the schema of a part of a section."""
    known = section.get("properties", {}).get(part)
    found = known or section.get("items") or section.get("additionalProperties")
    return found if isinstance(found, dict) else {}


def _alternatives(section: Mapping[str, Any], schema: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the schemas that a part of `schema` refers to; several for an optional section."""
    if name := section.get("$ref", "").rpartition("/")[2]:
        return _alternatives(schema["$defs"][name], schema)
    if options := section.get("anyOf"):
        return [one for option in options for one in _alternatives(option, schema)]
    return [section]


def _message(error: ErrorDetails) -> str:
    known = _MESSAGES.get(error["type"])
    return known or error["msg"].removeprefix("Value error, ")


_UNKNOWN_KEY = "unknown key; remove it or correct its spelling"
_MISSING_KEY = "missing key"
_NO_DAY = "expected a day such as 2024-06-01"
_MESSAGES = {
    "extra_forbidden": _UNKNOWN_KEY,
    "unexpected_keyword_argument": _UNKNOWN_KEY,
    "missing": _MISSING_KEY,
    "missing_argument": _MISSING_KEY,
    "date_parsing": _NO_DAY,
    "date_from_datetime_parsing": _NO_DAY,
}


def _headline(problems: tuple[str, ...]) -> str:
    if len(problems) == 1:
        return f"{problems[0]}."
    return f"{len(problems)} problems in the configuration:\n" + "\n".join(
        f"  - {problem}" for problem in problems
    )

"""Reads the settings from flags, environment, TOML file and defaults, in this order of precedence.

No other module reads a variable `DSYNC_…`. Secrets come from the environment or from a file that a
variable `…_FILE` names, and not from the TOML file.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, Literal, NamedTuple, get_type_hints
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, SecretStr, ValidationError, create_model

from dsync.addresses import MASK, Listen, is_encrypted_or_local, is_loopback, mask_url, parse_listen
from dsync.care.state import Looked
from dsync.configuration import (
    CONFIG_TOML,
    DEFAULT_DS_URL,
    OWN_CONFIG,
    Configuration,
    ConsoleSection,
    DSSection,
    find_config,
    headline,
    is_shipped,
    message_of,
    named_file,
    read_configuration,
)
from dsync.domain.ids import GREATEST_NUMBER, DemarcheNumber
from dsync.domain.remedies import nearest
from dsync.errors import IMAGE_VARIABLE, ConfigurationError

PREFIX = "DSYNC_"
DEFAULT_DATABASE_URL = "sqlite:///dsync.db"
DEFAULT_BETAGOUV_URL = "https://beta.gouv.fr"
DEFAULT_HTTP_LISTEN = "127.0.0.1:8080"
SIGNING_KEY_PREFIX = "whsec_"
"""The beginning of the signing keys that DS makes for webhooks of version 2."""
SANDBOX_DEMARCHE = 86321
"""The number in the shipped file: that of the sandbox's démarche."""

_NOWHERE = "http://127.0.0.1:9"
_PATH_SECRET = re.compile(r"[A-Za-z0-9._~-]{16,}")
_SIGNING_KEY = re.compile(r"whsec_[A-Za-z0-9+/]{22,}={0,2}")
_FOREIGN = {
    "DSYNC_TEST_DATABASE_URL",
    "DSYNC_TEST_GRIST_URL",
    "DSYNC_TEST_GRIST_KEY",
    "DSYNC_TEST_DBT",
    "DSYNC_SHARED",
    "DSYNC_NEEDS_BROWSER",
    "DSYNC_NEEDS_PROMETHEUS",
    IMAGE_VARIABLE,
    CONFIG_TOML,
}
"""Variables that give no value of a setting: the tests', the image's own, a whole file."""


# Each of them can also be in a file that `DSYNC_…_FILE` names. The database's address is one
# because of its password.
SECRETS = (
    "ds_token",
    "database_url",
    "webhook_secret",
    "alert_urls",
    "sentry_dsn",
    "oidc_client_secret",
    "grist_key",
)


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings. Those of `VARIABLES` have an environment variable, of the same type."""

    config: Path
    """The configuration file, or a folder of them. Default: `dsync.toml` in the current folder,
    else `config/aap-eig7.toml` there, else the copy inside the package; these two judge the
    sandbox's démarche, or one whose form has all their fields. `DSYNC_CONFIG_TOML` has the text
    of such a file instead."""
    configuration: Configuration
    database_url: str
    """`sqlite:///FILE` or `postgresql://USER:PASSWORD@HOST/NAME`. Default: `DATABASE_URL`, as
    platforms set it, where it is one of PostgreSQL; else `sqlite:///dsync.db`."""
    ds_url: str
    """The GraphQL endpoint. Default: `[ds] url`."""
    ds_token: SecretStr | None
    """The API token, for démarches without `[ds] token_file`."""
    ds_token_file: Path | None
    """The file from which the token was read."""
    ds_token_expires_on: date | None
    """The token's last day; from 30 days before it on, there is a warning."""
    demarche: Annotated[int, Field(gt=0, le=GREATEST_NUMBER)]
    """The démarche's number, or which file of a folder. Default: `[demarche] number`, which it
    replaces only where that is 86321, the sandbox's démarche, as in the shipped file."""
    ds_instructeur: str | None
    """As `[ds] instructeur`, which it replaces."""
    betagouv_url: str
    """Base address of the catalogue of products. Default: `https://beta.gouv.fr`."""
    log_format: Literal["console", "json"]
    """`console` (the default) or `json`."""
    http_listen: str
    """Where `dsync run` serves HTTP: `host:port`, and at a second one metrics, apart from the
    console; an empty one serves none. Default: all addresses at `PORT`, as platforms set it, else
    `127.0.0.1:8080`."""
    webhook_secret: SecretStr | None
    """Secret in the address of DS's webhooks, then their signing keys, separated by blanks."""
    alert_urls: SecretStr | None
    """Where alerts are sent: addresses of apprise, separated by blanks."""
    sentry_dsn: SecretStr | None
    """Where bugs of dsync are reported, without any value."""
    oidc_client_secret: SecretStr | None
    """The secret that the provider of `[console.openid]` gave to this client."""
    grist_key: SecretStr | None
    """The key of a Grist account that may edit `[grist] document`, structure included."""
    sources: Mapping[str, str]
    """The source of each of `VARIABLES`: flag, environment, file or default."""
    folder: tuple[int, ...] = ()
    """The démarches that the folder of configuration files has; empty: it is a single file."""
    is_folder_known: bool = True
    """Whether it is known of each file of the folder which démarche it configures."""

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

    def renewed(self) -> Settings:
        """Return the settings with the token, and its last day, that stand in their files now.

        What cannot be read, or is empty, stays. The last day in the environment is the former
        token's: that of a new one is not known before the next start.
        """
        if self.ds_token_file is None:
            return self
        token, day = self.ds_token, self.ds_token_expires_on
        source_of_day = self.sources["ds_token_expires_on"]
        with suppress(ConfigurationError):
            text = _read_secret(self.ds_token_file, "")
            # A file that is being replaced can be empty for an instant.
            token = SecretStr(text) if text else token
        if source_of_day == "environment":
            day = day if token == self.ds_token else None
        else:
            with suppress(ConfigurationError):
                day = read_configuration(self.config).ds.token_expires_on
        if (token, day) == (self.ds_token, self.ds_token_expires_on):
            return self
        return replace(self, ds_token=token, ds_token_expires_on=day)

    def without_ds(self) -> Settings:
        """Return the settings for what asks DS for nothing; whatever did would reach nobody."""
        return replace(
            self,
            ds_url=_NOWHERE,
            ds_token=SecretStr("none"),
            ds_token_file=None,
            ds_token_expires_on=None,
        )

    @property
    def config_name(self) -> str:
        """The configuration file as people know it."""
        return named_file(self.config)

    @property
    def is_configured(self) -> bool:
        """Whether a file configures the démarche: one taken out of the folder has stored data."""
        return not self.folder or self.demarche in self.folder

    @property
    def is_borrowed(self) -> bool:
        """Whether the shipped file is used for another démarche than that which it names."""
        section = self.configuration.demarche
        return is_shipped(self.config) and self.demarche != (section and section.number)

    @property
    def configured(self) -> tuple[int, ...]:
        """The démarches of the folder; empty: a single file, or nobody knows of a wrong one."""
        return self.folder if self.is_folder_known else ()

    def remedy_options(self) -> dict[str, str]:
        """Return the options by which a command elsewhere is about this démarche, with values.

        An alert is read where the environment and the folder of this process are not.
        """
        options = {}
        if self.sources["config"] != "default" or self.config == OWN_CONFIG:
            config = self.config.absolute()
            options["--config"] = str(config.parent if self.folder else config)
        if len(self.folder) > 1:
            options["--demarche"] = str(self.demarche)
        return options

    @property
    def looked(self) -> Looked:
        """What the démarche's state and its concerns depend on."""
        found = self.configuration
        return Looked(
            DemarcheNumber(self.demarche),
            found.judges,
            found.late_after,
            found.evidence_max_age,
            self.ds_token_expires_on,
            self.configured,
            found.retention.ages,
        )

    def token_days_left(self, today: date) -> int | None:
        """Return the days until the token's last day; None: it is not configured."""
        expires_on = self.ds_token_expires_on
        return None if expires_on is None else (expires_on - today).days

    @property
    def listen(self) -> Listen | None:
        """Where `dsync run` serves HTTP; None: nowhere.

        Raises:
            ConfigurationError: it is not `host:port`, once or twice.
        """
        return next(iter(self._listens), None)

    @property
    def metrics_listen(self) -> Listen | None:
        """Where it serves metrics and version besides, apart from the console; None: nowhere."""
        return self._listens[1] if len(self._listens) > 1 else None

    @property
    def _listens(self) -> list[Listen]:
        try:
            return [parse_listen(one) for one in self.http_listen.split(maxsplit=1)]
        except ValueError as exc:
            raise ConfigurationError(
                f"DSYNC_HTTP_LISTEN: {exc}, such as {DEFAULT_HTTP_LISTEN} or "
                "[::1]:8080, a second one for metrics; an empty one serves no HTTP."
            ) from exc

    @property
    def webhook_words(self) -> tuple[str, ...]:
        """The words of DSYNC_WEBHOOK_SECRET: the secrets of the address, and signing keys.

        Raises:
            ConfigurationError: a word is neither, or there is only a signing key, or it lacks.
        """
        words = () if self.webhook_secret is None else self.webhook_secret.get_secret_value()
        found = tuple(words.split()) if words else ()
        in_path = [word for word in found if not word.startswith(SIGNING_KEY_PREFIX)]
        keys = [word for word in found if word.startswith(SIGNING_KEY_PREFIX)]
        # A signing key alone gives the webhook no address.
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
        if self.config.name == CONFIG_TOML:
            shown["config"] = CONFIG_TOML
        for name in ("database_url", "ds_url", "betagouv_url"):
            shown[name] = mask_url(str(values[name]))
        for name in SECRETS:
            # Its address is shown, with the password masked.
            if name != "database_url" and values[name] is not None:
                shown[name] = MASK
        return shown


VARIABLES: Mapping[str, Any] = {
    name: hint
    for name, hint in get_type_hints(Settings, include_extras=True).items()
    if name not in ("configuration", "ds_token_file", "sources", "folder", "is_folder_known")
}
"""The types of the settings that a flag or a variable DSYNC_… gives, by name."""


def several(every: Sequence[Settings], *, or_all: bool = False) -> ConfigurationError:
    """Return the error of a command that is about one démarche, of which none is chosen.

    `or_all`: whether the command can be about all of them.
    """
    numbers = ", ".join(str(one.demarche) for one in every)
    way = ", or take all with --all." if or_all else "."
    return ConfigurationError(
        f"Several démarches are configured ({numbers}): choose one with --demarche N{way}"
    )


def chosen_demarche(**flags: Any) -> int | None:
    """Return the démarche of `--demarche`, else of DSYNC_DEMARCHE; None: all of the database.

    Raises:
        ConfigurationError: a variable is invalid.
    """
    number: int | None = flags.get("demarche") or _read_environment()["demarche"]
    return number


class Loaded(NamedTuple):
    """The settings of every configured démarche, and what is wrong with the others."""

    found: tuple[Settings, ...]
    """By number."""
    problems: tuple[tuple[Path, ConfigurationError], ...]
    """By the file that is wrong."""
    path: Path
    """The file, or the folder of them."""
    wanted: int | None = None
    """The démarche that was selected in a folder."""

    @property
    def each_problem(self) -> tuple[str, ...]:
        """What is wrong, once each: a problem of the environment is every file's."""
        problems = [
            problem
            for _, exc in self.problems
            for problem in exc.problems or (exc.message.removesuffix("."),)
        ]
        return tuple(dict.fromkeys(problems))

    @property
    def refusal(self) -> ConfigurationError | None:
        """The error with each problem once, None if nothing is wrong with what was asked for."""
        # A wrong file of another démarche keeps nobody from the selected one.
        if not self.problems or (self.wanted is not None and self.found):
            return None
        each_once = self.each_problem
        message = headline(each_once)
        if self.found:
            numbers = ", ".join(str(one.demarche) for one in self.found)
            message += f"\nThe others can be used meanwhile, each by --demarche N: {numbers}"
        return ConfigurationError(message, each_once)


def load_each(*, stored: bool = False, **flags: Any) -> Loaded:
    """Read the settings of every configured démarche whose file in a folder is not wrong.

    In a folder of configuration files, `--demarche` and DSYNC_DEMARCHE select one of them. With a
    single file, they replace the sandbox's number, or one that is missing.

    `flags` are values of command-line options, which take precedence; None: not given. If stored
    data are enough, a démarche can be selected that was taken out of the folder: without sections,
    and without access to DS. The file of a token may then be missing.

    Raises:
        ConfigurationError: what is wrong is not one file of a folder; with every problem, its key
            and remedy.
    """
    environment = _read_environment(stored=stored)
    given = {name: value for name, value in flags.items() if value is not None}
    path = find_config(given.get("config") or environment["config"] or _config_of_variable())
    if not path.is_dir():
        return Loaded((_settings_of(path, given, environment, stored=stored),), (), path)
    # Taken out, because it would replace the number in each file of the folder.
    wanted = given.pop("demarche", None) or environment["demarche"]
    environment |= {"demarche": None}
    found: dict[int, Settings] = {}
    problems: list[tuple[Path, ConfigurationError]] = []
    by_number: dict[int, list[Settings]] = {}
    for file in sorted(_toml_files(path), key=lambda one: (len(one.name), one.name)):
        try:
            one = _settings_of(file, given, environment, stored=stored)
        except ConfigurationError as exc:
            problems.append((file, exc))
            continue
        by_number.setdefault(one.demarche, []).append(one)
    for number, those in by_number.items():
        found[number], *others = those
        if others:
            # A copy is edited before it gets its own number: which one is meant, a person knows.
            del found[number]
            files = " and ".join(str(one.config) for one in those)
            twice = f"{files} configure the same démarche {number}, which none serves; keep one"
            problems += [(one.config, ConfigurationError(f"{twice}.", (twice,))) for one in those]
    if not found and not problems:
        raise ConfigurationError(
            f"{path}: no configuration file (*.toml) in this folder; correct DSYNC_CONFIG or "
            "--config."
        )
    if not found:
        return Loaded((), tuple(problems), path)
    numbers_found = tuple(sorted(found))
    # Of the process, so each démarche has it, whichever file it stands in.
    advanced = [one.configuration.advanced for one in found.values()]
    workers = max(
        (one.workers for one in advanced if "workers" in one.model_fields_set),
        default=advanced[0].workers,
    )
    every = {
        number: replace(
            one,
            folder=numbers_found,
            is_folder_known=not problems,
            configuration=one.configuration.model_copy(
                update={
                    "advanced": one.configuration.advanced.model_copy(update={"workers": workers})
                }
            ),
        )
        for number, one in sorted(found.items())
    }
    if wanted is not None and wanted not in found:
        if stored:
            taken_out = _taken_out(every[numbers_found[0]], wanted)
            return Loaded((taken_out,), tuple(problems), path, wanted)
        if problems:
            return Loaded((), tuple(problems), path)
        numbers = ", ".join(map(str, sorted(found)))
        raise ConfigurationError(
            f"{path}: no file configures démarche {wanted}, only {numbers}; correct --demarche or "
            "DSYNC_DEMARCHE."
        )
    chosen = tuple(one for number, one in every.items() if wanted in (None, number))
    return Loaded(chosen, tuple(problems), path, wanted)


def _toml_files(folder: Path) -> list[Path]:
    try:
        # `glob` takes one that may not be read for an empty one.
        return [one for one in folder.iterdir() if one.match("*.toml")]
    except OSError as exc:
        raise ConfigurationError(
            f"{folder}: the folder cannot be read ({exc.strerror}); let the user of dsync read it."
        ) from exc


def _taken_out(other: Settings, number: int) -> Settings:
    """Return the settings of a démarche that was taken out of the folder, by those of another."""
    return replace(
        other,
        demarche=number,
        configuration=Configuration(ds=DSSection(contact=other.configuration.ds.contact)),
        sources={**other.sources, "demarche": "flag"},
    ).without_ds()


def _settings_of(
    path: Path, given: Mapping[str, Any], environment: Mapping[str, Any], *, stored: bool
) -> Settings:
    """Read the settings of the démarche of one file; raises as `load_each`."""
    configuration = read_configuration(path)
    in_file = {
        # The section's own default must not count as « file » in `config show`.
        "ds_url": configuration.ds.url if "url" in configuration.ds.model_fields_set else None,
        "ds_instructeur": configuration.ds.instructeur,
        "ds_token_expires_on": configuration.ds.token_expires_on,
        "demarche": configuration.demarche and configuration.demarche.number,
    }
    defaults: dict[str, Any] = {
        "config": path,
        "ds_url": DEFAULT_DS_URL,
        "database_url": DEFAULT_DATABASE_URL,
        "betagouv_url": DEFAULT_BETAGOUV_URL,
        "log_format": "console",
        "http_listen": DEFAULT_HTTP_LISTEN,
    }
    own = _own_token(path, configuration.ds, stored=stored)
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for name in VARIABLES:
        layers = (
            ("flag", given.get(name)),
            ("file", own.get(name)),
            # The token's last day goes with the token: a démarche's own token does not have the
            # environment's.
            ("environment", None if name in own else environment[name]),
            ("file", in_file.get(name)),
            ("default", defaults.get(name)),
        )
        source, value = next(
            ((source, value) for source, value in layers if value is not None), ("default", None)
        )
        values[name], sources[name] = value, source
    # What was given can be a folder; this is the file in it.
    values["config"] = path
    file = named_file(path)
    if values["demarche"] is None:
        raise ConfigurationError(
            f"{file}: the démarche's number is missing: set [demarche] number, or DSYNC_DEMARCHE."
        )
    own_number = configuration.demarche.number if configuration.demarche else None
    if own_number not in (None, SANDBOX_DEMARCHE, values["demarche"]):
        raise ConfigurationError(
            f"{file} configures démarche {own_number}, and serves no other one: leave out "
            f"--demarche {values['demarche']} and DSYNC_DEMARCHE, or name that démarche's own file "
            "in DSYNC_CONFIG or --config."
        )
    for name, named in (
        ("ds_url", "DSYNC_DS_URL, or [ds] url in the configuration file"),
        ("betagouv_url", "DSYNC_BETAGOUV_URL"),
    ):
        _check_address(values[name], named)
    if problem := _misdirected(path, configuration.ds, sources, values["ds_url"]):
        raise ConfigurationError(problem)
    if configuration.alerts.ping_url is not None:
        _check_address(configuration.alerts.ping_url, "[alerts] ping_url")
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


def _own_token(path: Path, ds: DSSection, *, stored: bool) -> dict[str, Any]:
    """Return the token of a démarche's own file and its expiry; nothing without such a file.

    They replace the environment's, which are for the démarches without a token of their own.
    """
    if ds.token_file is None:
        return {}
    token = ""
    with suppress(*([ConfigurationError] if stored else [])):
        token = _read_secret(path.parent / ds.token_file, f"{named_file(path)}: [ds] token_file")
    return {"ds_token": SecretStr(token), "ds_token_expires_on": ds.token_expires_on}


def _misdirected(path: Path, ds: DSSection, sources: Mapping[str, str], url: str) -> str | None:
    """Return why the token would go to another server than its own; None: it does not.

    A file's token is for the address of that file, and the environment's for the address in the
    environment, else for DS's own.
    """
    file, whose = named_file(path), sources["ds_token"]
    if whose == "file" and _origin(url) != _origin(ds.url):
        return (
            f"{file}: [ds] token_file is for {mask_url(ds.url)}, and its token is not sent to the "
            "other server of DSYNC_DS_URL, or --ds-url: leave that out, or set [ds] url."
        )
    is_own = sources["ds_url"] == "file" and _origin(url) != _origin(DEFAULT_DS_URL)
    if whose == "environment" and is_own:
        return (
            f"{file}: DSYNC_DS_TOKEN is not sent to the server of [ds] url, which is not DS's: "
            "name its token's file in [ds] token_file, or set DSYNC_DS_URL to the same address."
        )
    return None


def _origin(url: str) -> tuple[str, str | None, int | None]:
    """Return the server of an address: scheme, host and port."""
    try:
        parts = urlsplit(url.strip())
        scheme, port = parts.scheme, parts.port
    except ValueError:  # `_check_address` has refused the other one.
        return url, None, None
    return scheme, parts.hostname, port or {"https": 443, "http": 80}.get(scheme)


def _check_address(text: str, named: str) -> None:
    """Refuse what is no address of a server, or is unencrypted; `named` is the setting."""
    try:
        parts = urlsplit(text.strip())
        # `port` raises ValueError for one above 65535.
        reachable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        reachable = False
    if not reachable:
        raise ConfigurationError(f"Not an http(s) address: correct {named}.")
    if not is_encrypted_or_local(text):
        raise ConfigurationError(
            f"{named}: http:// is not encrypted, so others can read and change what is sent. Use "
            "https://."
        )


def unknown_variables() -> dict[str, str]:
    """Return the unknown `DSYNC_…` variables, each with what to do about it."""
    known = {name.upper() for name in VARIABLES}
    known |= {f"{name.upper()}_FILE" for name in SECRETS}
    given = [name.removeprefix(PREFIX) for name in sorted(os.environ) if name.startswith(PREFIX)]
    unknown = [name for name in given if name not in known and f"{PREFIX}{name}" not in _FOREIGN]
    found = {f"{PREFIX}{name}": nearest(name, sorted(known)) for name in unknown}
    return {
        name: f"did you mean {PREFIX}{other}?" if other else "correct its spelling, or unset it"
        for name, other in found.items()
    }


def _read_environment(*, stored: bool = False) -> dict[str, Any]:
    """Return the value of each variable, None for one that is not set."""
    given: dict[str, Any] = {}
    for name in VARIABLES:
        value = os.environ.get(f"{PREFIX}{name.upper()}")
        # One that is set to nothing is not set, but for the only setting that can be empty.
        if value or (value is not None and name == "http_listen"):
            given[name] = value
    for name in SECRETS:
        with suppress(*([ConfigurationError] if stored and name == "ds_token" else [])):
            if (secret := _secret_file(name)) is not None:
                given[name] = secret
    fields: dict[str, Any] = {name: (VARIABLES[name], ...) for name in given}
    try:
        found: BaseModel = create_model("_Variables", **fields)(**given)
    except ValidationError as exc:
        problems = tuple(
            f"{PREFIX}{str(error['loc'][0]).upper()}: {message_of(error)}"
            for error in exc.errors(include_input=False, include_url=False)
        )
        raise ConfigurationError(headline(problems), problems) from exc
    values = dict.fromkeys(VARIABLES) | found.model_dump()
    platform = _given_by_platform()
    if values["config"] is not None and os.environ.get(CONFIG_TOML):
        raise ConfigurationError(f"DSYNC_CONFIG and {CONFIG_TOML} are both set; keep one.")
    return {name: platform.get(name) if one is None else one for name, one in values.items()}


def console_section(every: Sequence[Settings]) -> ConsoleSection:
    """Return the section `[console]` of all files, which must not differ in it."""
    given = [one.configuration.console for one in every]
    # Files without the section agree with any other one.
    found = [one for one in given if one.model_fields_set] or given
    if any(one != found[0] for one in found):
        raise ConfigurationError(
            "The configuration files differ in [console], but one console serves all démarches: "
            "keep the section in one file."
        )
    return found[0]


def check_reach(every: Sequence[Settings], listen: Listen, setting: str) -> None:
    """Refuse to serve the console to other machines without a sign-in; `setting` sets `listen`."""
    if not is_loopback(f"http://{listen}") and console_section(every).openid is None:
        raise ConfigurationError(
            "The console ([console] public_url) shows personal data, so without [console.openid] "
            f"it needs an address of this machine alone: set {setting} to one such as 127.0.0.1."
        )


def _config_of_variable() -> Path | None:
    """Return a file with the text of DSYNC_CONFIG_TOML, which ends with this process."""
    text = os.environ.get(CONFIG_TOML)
    return None if not text else Path(_written(text).name) / CONFIG_TOML


@cache
def _written(text: str) -> TemporaryDirectory[str]:
    folder = TemporaryDirectory(prefix="dsync-")
    (Path(folder.name) / CONFIG_TOML).write_text(text, encoding="utf-8")
    return folder


def _given_by_platform() -> dict[str, str]:
    """Return what a platform as a service says in variables of its own."""
    port, url = os.environ.get("PORT", ""), os.environ.get("DATABASE_URL", "")
    given = {}
    if port.isdecimal():
        given["http_listen"] = f"0.0.0.0:{port}"
    # That of another application beside it can be one that dsync does not work on.
    if url.startswith(("postgres://", "postgresql://")):
        given["database_url"] = url
    return given


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
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigurationError(f"{named}: {file} cannot be read.") from exc

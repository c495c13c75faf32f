"""Reads a démarche's TOML file: its sections with their keys, and what is wrong in it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from functools import cache
from importlib.resources import files
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidationError,
    model_validator,
)

from dsync.addresses import is_encrypted_or_local
from dsync.annotations.targets import AnnotationsConfig
from dsync.domain.ids import GREATEST_NUMBER
from dsync.domain.remedies import nearest, parse_age, parse_duration
from dsync.domain.rights import CANDIDAT, DELIBERATION, USAGER, NoticeFacts
from dsync.domain.toml import DEFAULTS, Boolean, Day, Number, Section, WholeNumber, kind_of
from dsync.domain.verdict import MOST_CHECKS, Verdict
from dsync.domain.wording import cut
from dsync.eig.sections import CATALOGUE_MAX_AGE, EigSections
from dsync.errors import ConfigurationError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from dsync.controles.declarations import ControlesSections

OWN_CONFIG = Path("dsync.toml")
"""In the current folder: what `dsync config init` writes."""
SHIPPED_CONFIG = "aap-eig7.toml"
CONFIG_TOML = "DSYNC_CONFIG_TOML"
"""The variable with a file's text, for hosts that give variables alone; the name of that file."""
DEFAULT_CONFIG = Path("config") / SHIPPED_CONFIG
DEFAULT_DS_URL = "https://demarche.numerique.gouv.fr/api/v2/graphql"

_ALLOWED = re.compile(r"[^@\s]*@[a-z0-9-]+(\.[a-z0-9-]+)+")
# Without parameters, patterns and credentials.
_GRIST = re.compile(r"https?://[^/@?#]+(/[^@?#]*)?/api/docs/[^/?#@]+/?")
_TARGET = re.compile(r"file:///[^?#*]+|s3://[a-z0-9][a-z0-9.-]+(/[^?#*@]*)?")
CONFORMITY = re.compile(r"\b(?:partiellement|totalement|non) conforme")
"""What a statement of accessibility says of a site."""
_LATE_INTERVALS = 3
"""Number of intervals of the incremental read after which a success is missed."""


def _at_least_a_second(duration: timedelta) -> timedelta:
    if duration < timedelta(seconds=1):
        raise ValueError("expected 1s at least")
    return duration


def _at_most_ten_minutes(duration: timedelta) -> timedelta:
    if duration > timedelta(minutes=10):
        raise ValueError("expected 10m at most")
    return duration


def _target(value: str) -> str:
    if _TARGET.fullmatch(value):
        return value
    raise ValueError(
        "expected file:///folder or s3://bucket/prefix, without user, password or parameters"
    )


def _document(value: str) -> str:
    if _GRIST.fullmatch(value) and is_encrypted_or_local(value):
        return value
    raise ValueError(
        "expected the address that Grist shows under « Settings », « API »: https://…/api/docs/…"
    )


def _is_time(value: object) -> object:
    # Pydantic takes numbers as seconds.
    if isinstance(value, str | time):
        return value
    raise ValueError('expected a time of day such as "02:30"')


Age = Annotated[timedelta, BeforeValidator(parse_age)]
Duration = Annotated[timedelta, BeforeValidator(parse_duration)]
Interval = Annotated[Duration, AfterValidator(_at_least_a_second)]
Percent = Annotated[Number, Field(ge=0, le=100)]


class DemarcheSection(Section):
    """Section `[demarche]`."""

    number: WholeNumber = Field(gt=0, le=GREATEST_NUMBER)
    """The démarche's number in DS."""
    appel: str | None = Field(default=None, min_length=1, max_length=60)
    """A short name of the call, such as « EIG 7 », by which views tell it from other calls in one
    database. Without one they show the démarche's title."""
    deliberation: Day | None = None
    """The day, in Paris, from which on a lecteur of the console and readers without personal data
    see marks and ranks; without one, never."""


class DSSection(Section):
    """Section `[ds]`: the access to DS."""

    url: str = DEFAULT_DS_URL
    """The GraphQL endpoint. Another one than DS's own needs `token_file`, or DSYNC_DS_URL."""
    instructeur: str | None = None
    """Id or e-mail of the instructeur who writes the annotations; without one, they wait."""
    token_file: Path | None = None
    """File with the token of this démarche, below the configuration file's folder if relative. It
    is sent to `url` only."""
    token_expires_on: Day | None = None
    """The last day of the token in `token_file`."""
    contact: str = Field(min_length=1)
    """Address or page of the operator, sent in `User-Agent`."""


class ScheduleSection(Section):
    """Section `[schedule]`: when runs are due."""

    incremental: Interval = timedelta(minutes=5)
    """Time from one read of what changed to the next."""
    full_at: Annotated[time, BeforeValidator(_is_time)] = time(2, 30)
    """Time of day, in UTC, from which the night's read of all dossiers is due. The démarche's
    number decides when within the next two hours, so that the reads of many are spread."""


class AdvancedSection(Section):
    """Section `[advanced]`: for hundreds of démarches, or a slow network."""

    requests_per_minute: WholeNumber = Field(default=350, ge=1, le=400)
    """DS's limit is 400 for each token; the default leaves some to its other users. All démarches
    and services on a database share it; 15 % are kept for what people ask for and webhooks
    announce."""
    workers: WholeNumber = Field(default=4, ge=1, le=64)
    """Maximum number of démarches at work at the same time, in each replica, beside those that wait
    for a DS which is silent or failed; of several files, the highest. One worker is left to what
    people ask for and webhooks announce."""
    deadline: Annotated[Interval, AfterValidator(_at_most_ten_minutes)] = timedelta(minutes=1)
    """For one request with its whole answer; DS itself ends a query after 30 s."""
    late_after: Interval | None = None
    """Time since the last success after which `/readyz` misses one: by default three intervals of
    the incremental read. More, where a full read takes longer."""


class SafetySection(Section):
    """Section `[safety]`: the limits of the safety brakes; 5 are always few, but for 0 percent."""

    disappearances_percent: Percent = 20
    """Of the present dossiers, as many may disappear at once."""
    verdicts_percent: Percent = 10
    """Of the standing verdicts, as many may be moved by changed rules, none that was decided; of
    a list's lines, as many may go; of the results in DS, as many may be changed by a push; of the
    dossiers, as many may change without a date of their own; of the catalogue's products, as many
    may disappear, or change phase or name, at once."""


class PiecesSection(Section):
    """Section `[pieces]`: copies of the dossiers' files; off without a target."""

    target: Annotated[str, AfterValidator(_target)] | None = None
    """`file:///folder` or `s3://bucket/prefix`; the access to S3 is configured as AWS's own."""


class RetentionSection(Section):
    """Section `[retention]`: ages, such as 90d or 2y, after which data are erased here.

    Off unless a key is given. The service announces for a day what is too old, and then erases it.
    """

    open: Age | None = None
    """Dossiers en construction or en instruction: since the last change in DS."""
    accepted: Age | None = None
    """Since the decision."""
    refused: Age | None = None
    """Dossiers refusés or classés sans suite: since the decision."""
    gone: Age | None = None
    """Dossiers in the bin of DS, or that it neither shows nor lists, in any state: since then."""
    logs: Age | None = None
    """Of the rows of `dsync history`, and of agents' names in what stays: the last run of each
    kind, the events and the forced pushes."""

    @property
    def ages(self) -> dict[str, timedelta]:
        """What is configured, by rule."""
        rules = {
            "en_construction": self.open,
            "en_instruction": self.open,
            "accepte": self.accepted,
            "refuse": self.refused,
            "sans_suite": self.refused,
            "masque": self.gone,
            "disparu": self.gone,
            "journaux": self.logs,
        }
        return {name: age for name, age in rules.items() if age is not None}


def _allowed(value: str) -> str:
    """Return an e-mail address, or `@domain` for all of a domain, in lower case."""
    text = value.strip()
    # ASCII alone, before `lower`, which makes « k » of the Kelvin sign.
    if not text.isascii() or not _ALLOWED.fullmatch(text.lower()):
        raise ValueError("expected an e-mail address, @domain for all of a domain, or claim=value")
    return text.lower()


def _who(value: str) -> str:
    """Return a claim with its value, or what `_allowed` does."""
    name, sign, wanted = value.partition("=")
    if "@" in value or not sign:
        return _allowed(value)
    if not name or not wanted:
        raise ValueError("expected a claim and its value, such as groups=eig")
    return value


def _encrypted(value: str) -> str:
    text = value.strip()
    parts = urlsplit(text)
    if not parts.hostname or not is_encrypted_or_local(text) or parts.query or parts.fragment:
        raise ValueError("expected an address https://…, without parameters")
    return text


def _origin(value: str) -> str:
    """Return scheme, host and port as browsers send them in `Origin`."""
    text = _encrypted(value).rstrip("/").lower()
    parts = urlsplit(text)
    if parts.path or parts.username is not None or parts.scheme not in ("http", "https"):
        raise ValueError("expected https:// and a host, without a path")
    # Browsers leave the default port out.
    return text.removesuffix(":443" if parts.scheme == "https" else ":80")


def _statement(value: str) -> str:
    if not CONFORMITY.search(value):
        raise ValueError(
            "expected a text that says « partiellement conforme », « totalement conforme » or "
            "« non conforme »"
        )
    return value


def _network(value: str) -> str:
    try:
        return str(ip_network(value.strip()))
    except ValueError as exc:
        raise ValueError("expected an IP address or a network, such as 10.0.0.0/8") from exc


EncryptedUrl = Annotated[str, AfterValidator(_encrypted)]


class OpenIdSection(Section):
    """Section `[console.openid]`: the team's sign-in by OpenID Connect, such as ProConnect."""

    issuer: EncryptedUrl
    """The provider, such as `https://auth.agentconnect.gouv.fr/api/v2`."""
    client_id: str = Field(min_length=1)
    """Client ID at the provider."""
    acr_values: str | None = None
    """Levels of authentication that are asked for, and one of which is needed; blanks between."""


class AccesSection(Section):
    """Section `[[acces]]`: who has a role in this démarche, in the console with a sign-in."""

    role: Literal["administrateur", "instructeur", "jury", "lecteur"]
    """What they may do; of several, the first in this order counts."""
    who: tuple[Annotated[str, AfterValidator(_who)], ...] = Field(min_length=1)
    """E-mail addresses, `@domain` for all of a domain, and `claim=value`, such as `groups=eig`, for
    whoever has this value of a claim of the provider."""
    groupes: tuple[str, ...] | None = Field(default=None, min_length=1)
    """Groupes instructeurs of the démarche, by name: they see and act on their dossiers alone. Of
    an instructeur or the jury; without it, on all."""

    @model_validator(mode="after")
    def _limits_few(self) -> Self:
        if self.groupes is not None and self.role not in ("instructeur", "jury"):
            raise ValueError("groupes is for the roles instructeur and jury")
        return self

    @property
    def claims(self) -> dict[str, tuple[str, ...]]:
        """The values of claims that give the role, by name."""
        given = [one.partition("=") for one in self.who if "@" not in one]
        return {name: tuple(v for n, _, v in given if n == name) for name, _, _ in given}

    @property
    def people(self) -> tuple[str, ...]:
        """Those of `who` that are one person's address."""
        return tuple(one for one in self.who if one.partition("@")[0] and "@" in one)


class ConsoleSection(Section):
    """Section `[console]`: the console of a team."""

    name: str = Field(default="dsync", min_length=1, max_length=80)
    """The name of the service, in the header and the titles."""
    theme: Literal["neutre", "dsfr"] = "neutre"
    """The State's design system is reserved for State sites."""
    entity: str | None = Field(default=None, min_length=1, max_length=120)
    """The administration that answers for it, below the name."""
    contact: str | None = Field(default=None, min_length=1)
    """E-mail address or page for those who use it."""
    director: str | None = Field(default=None, min_length=1)
    """Who is responsible for the site's publication (« directeur de la publication »)."""
    host: str | None = Field(default=None, min_length=1)
    """Who hosts the site (« hébergeur »): name, address, telephone."""
    dpo: str | None = Field(default=None, min_length=1)
    """How to reach the « délégué à la protection des données »."""
    public_url: Annotated[str, AfterValidator(_origin)] | None = None
    """Where browsers find it, such as `https://dsync.example.gouv.fr`, or an address of this
    machine. With it `dsync run` serves the console."""
    proxies: tuple[Annotated[str, AfterValidator(_network)], ...] = ()
    """Reverse proxies whose `X-Forwarded-For` is believed."""
    openid: OpenIdSection | None = None
    """The sign-in; without it the console is for this machine alone."""
    accessibility: Annotated[str, AfterValidator(_statement)] | None = None
    """What an audit found, for the statement of accessibility (RGAA): paragraphs, and items that
    begin with « - ». Without one, the site is « non conforme »."""

    @model_validator(mode="after")
    def _has_address(self) -> Self:
        if self.openid is not None and self.public_url is None:
            raise ValueError(
                "[console.openid] needs public_url, such as https://dsync.example.gouv.fr"
            )
        return self


class OuvertSection(Section):
    """Section `[ouvert]`: what readers without personal data see of the form."""

    champs: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    """Ids of champs and annotations shown to them in `formulaire_*`; each other one is empty there,
    whatever its type, but for those that `[mapping]` gives to a field without personal data."""


class AlertsSection(Section):
    """Section `[alerts]`: who is told what about this démarche."""

    ping_url: str | None = None
    """Called by GET after each success of the service, as healthchecks.io expects it."""


class GristSection(Section):
    """Section `[grist]`: tables of a Grist document that follow views; off without a document."""

    document: Annotated[str, AfterValidator(_document)] | None = None
    """The address that Grist shows under « Settings », « API »: https://…/api/docs/…"""
    views: tuple[str, ...] = ("lecture_dossier", "lecture_precontrole", "lecture_suivi")
    """Each gets a table; one that this démarche does not have is left out."""
    personal_data: Boolean = False
    """Whether columns with personal data and free text are written, too."""


class Configuration(Section):
    """The TOML file of a démarche without the section `[mapping]`: it is copied, no more."""

    demarche: DemarcheSection | None = None
    """None: DSYNC_DEMARCHE gives the number."""
    ds: DSSection
    schedule: ScheduleSection = DEFAULTS
    safety: SafetySection = DEFAULTS
    annotations: AnnotationsConfig | None = None
    """None: nothing is written into DS."""
    pieces: PiecesSection = DEFAULTS
    retention: RetentionSection = DEFAULTS
    console: ConsoleSection = DEFAULTS
    acces: tuple[AccesSection, ...] = ()
    ouvert: OuvertSection = DEFAULTS
    alerts: AlertsSection = DEFAULTS
    grist: GristSection = DEFAULTS
    advanced: AdvancedSection = DEFAULTS

    @property
    def opened(self) -> frozenset[str]:
        """The ids of the champs and annotations that readers without personal data see.

        And, with `DELIBERATION` before it, the day from which on they see the jury's marks.
        """
        sections, own = self.programme, self.demarche
        day = [f"{DELIBERATION}{own.deliberation}"] if own and own.deliberation else []
        return frozenset(
            (*self.ouvert.champs, *(sections.mapping.opened if sections else ()), *day)
        )

    @property
    def programme(self) -> EigSections | None:
        """The programme's sections."""
        return None

    @property
    def declared(self) -> ControlesSections | None:
        """The declared checks."""
        return None

    def is_deliberated(self, today: date) -> bool:
        """Return whether the day of the deliberation has come; `today`: in Paris."""
        day = self.demarche.deliberation if self.demarche else None
        return day is not None and day <= today

    def check_titles(self, checks: Mapping[str, str]) -> Mapping[str, str]:
        """Return the French titles of the checks by name, in order; `checks`: the programme's."""
        if self.declared:
            return self.declared.titles
        own = self.programme.controles if self.programme else ()
        return {**checks, **{one.nom: one.titre for one in own}}

    @property
    def closing(self) -> datetime | None:
        """The last second of deposit, in Paris without a zone; None: no check gives a bound."""
        sections = self.programme or self.declared
        if sections is None:
            return None
        from dsync.controles.declarations import closing_of

        return closing_of(sections.controles)

    @property
    def applicant(self) -> str:
        """What who deposits a dossier is called: a candidat in a call of the programme alone."""
        return USAGER if self.programme is None else CANDIDAT

    @property
    def words(self) -> Mapping[Verdict, str]:
        """The words for verdicts in texts, views and pages, where they are not dsync's own."""
        return self.annotations.options.words if self.declared and self.annotations else {}

    def notice_facts(self, demarche: int) -> NoticeFacts:
        """Return what it says for the notice to the applicants of a démarche."""
        console = self.console
        programme, declared = self.programme, self.declared
        sections = programme or declared
        return NoticeFacts(
            demarche=demarche,
            responsable=console.entity
            and ", ".join(filter(None, (console.entity, console.contact))),
            dpo=console.dpo,
            hebergeur=console.host,
            ages=self.retention.ages,
            applicant=self.applicant,
            writes=self.annotations is not None,
            asks_registry=bool(programme and self.judges and programme.registre.enabled),
            copies_files=self.pieces.target is not None,
            publication_url=sections.precontrole.publication_url if sections else None,
        )

    @property
    def borrowed_word(self) -> str | None:
        """The word for « Éligible » if it is also written for « Rien à signaler », else None."""
        options = self.annotations.options if self.annotations else None
        return options.eligible if options and options.rien_a_signaler is None else None

    @property
    def best(self) -> Verdict:
        """The best verdict that its checks can give."""
        return self.declared.best_verdict if self.declared else Verdict.ELIGIBLE

    @property
    def late_after(self) -> timedelta:
        """Time since the last success after which the next one is late."""
        return self.advanced.late_after or self.schedule.incremental * _LATE_INTERVALS

    @property
    def judges(self) -> bool:
        """Whether there are rules that are switched on."""
        return bool(self.programme and self.programme.controles)

    @property
    def evidence_max_age(self) -> timedelta | None:
        """How long the catalogue is used without confirmation; None: nothing is judged by it."""
        return CATALOGUE_MAX_AGE if self.programme and self.judges else None


class EigConfiguration(Configuration, EigSections):
    """The TOML file of a call of the programme."""

    @property
    def programme(self) -> EigSections:
        """The programme's sections."""
        return self


@cache
def controles_configuration() -> type[Configuration]:
    """Return the model of the file of a démarche that declares its checks.

    It is made where there is such a file: others do without what it imports.
    """
    from dsync.controles.declarations import ControlesSections, DeclaredControle

    class ControlesConfiguration(Configuration, ControlesSections):
        controles: tuple[DeclaredControle, ...] = Field(min_length=1, max_length=MOST_CHECKS)

        @property
        def declared(self) -> ControlesSections:
            return self

        @property
        def judges(self) -> bool:
            return True

    return ControlesConfiguration


def find_config(named: Path | str | None) -> Path:
    """Return the path of the TOML file, or of the folder with one file a démarche.

    This is the named one, else `dsync.toml` in the current folder, else `config/aap-eig7.toml`
    there, else the shipped one.

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
    found = (path for path in (OWN_CONFIG, DEFAULT_CONFIG) if path.is_file())
    return next(found, None) or shipped_config()


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


def is_shipped(path: Path) -> bool:
    """Return whether a file is the one that ships, in the package or in a checkout's folder."""
    return path.resolve() in (DEFAULT_CONFIG.resolve(), shipped_config().resolve())


def named_file(path: Path) -> str:
    """Return how people know a configuration file, without a temporary or a package's folder."""
    if path.name == CONFIG_TOML:
        return CONFIG_TOML
    is_of_package = path.is_absolute() and path == shipped_config()
    return path.name if is_of_package else str(path)


def read_configuration(path: Path) -> Configuration:
    """Read and validate a TOML file.

    Raises:
        ConfigurationError: it cannot be read, or keys are wrong; with every wrong key.
    """
    named = named_file(path)
    try:
        # Windows editors begin a file with a byte order mark, which TOML does not allow.
        text = path.read_text(encoding="utf-8-sig")
        raw = tomllib.loads(text)
    except OSError as exc:
        raise ConfigurationError(f"{named}: cannot be read ({exc.strerror}).") from exc
    except tomllib.TOMLDecodeError as exc:
        raise ConfigurationError(f"{named}: not valid TOML: {exc}{_where(exc, text)}.") from exc
    except UnicodeDecodeError as exc:
        raise ConfigurationError(f"{named}: not valid TOML: {exc}.") from exc
    model = _model_of(raw, named)
    try:
        return model.model_validate(raw)
    except ValidationError as exc:
        problems = tuple(f"{named}: {problem}" for problem in _problems(exc, model, raw))
        raise ConfigurationError(headline(problems), problems) from exc


_NUMBER = re.compile(r"^\[demarche\][^\[]*?^number *= *(\d+)", re.M | re.S)


def number_in(path: Path) -> int | None:
    """Return the démarche that a file says it is for, whatever else is wrong; None: no number."""
    try:
        found = _NUMBER.search(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError):
        return None
    return int(found[1]) if found else None


_HINTS = {
    r"\d{1,2}/\d{1,2}/\d{2,4}": "a date is written 2027-06-30, without quotes",
    r"[=,\[]\s*-?\d{1,3}(?:[ \u00a0\u202f]\d{3})+\b": "a number is written without spaces",
    r"=\s*-?\d+,\d": "a number's decimals follow a point: 0.7",
    r"[=,\[{]\s*[“”«»‘’]": 'a text has straight quotes: "text"',
    r"(?i)=\s*(?:oui|non|vrai|faux|true|false)\b": "yes and no are written true and false",
    r"\{[^{}]*$": "what is in braces is on one line",
}
"""How it is written, by what people usually type, which is no TOML."""


def _where(exc: tomllib.TOMLDecodeError, text: str) -> str:
    """Return the line that is no TOML, and what its author may have meant."""
    place = re.search(r"at line (\d+)", str(exc))
    line = text.splitlines()[int(place[1]) - 1].strip() if place else ""
    # Secrets do not belong into the file; one that is there is not shown.
    if not line or re.search("token|secret|password|jeton", line, re.IGNORECASE):
        return ""
    hint = next((hint for typed, hint in _HINTS.items() if re.search(typed, line)), "")
    return f", in « {cut(line, 120)} »{f' ({hint})' if hint else ''}"


def _model_of(raw: Mapping[str, Any], named: str) -> type[Configuration]:
    """Return the model of a file; refuse a section that lacks another one, and two programmes'."""
    if "mapping" in raw:
        if "champs" in raw:
            raise ConfigurationError(
                f"{named}: [mapping] and [champs] exclude each other in one file: the checks know "
                "the fields of [mapping.champs] by their names."
            )
        return EigConfiguration
    if "registre" in raw:
        raise ConfigurationError(
            f"{named}: [registre] needs the section [mapping], which says where the form has the "
            "fields to judge: add it, or remove it."
        )
    if "controles" in raw:
        return controles_configuration()
    if alone := [f"[{name}]" for name in ("champs", "tables", "precontrole") if name in raw]:
        needs = "needs" if len(alone) == 1 else "need"
        raise ConfigurationError(
            f"{named}: {' and '.join(alone)} {needs} [[controles]]: add a check, or remove them."
        )
    return Configuration


def _problems(
    exc: ValidationError, model: type[Configuration], raw: Mapping[str, Any]
) -> list[str]:
    """Return one sentence per problem, with no value, which may be a secret."""
    problems = []
    errors = exc.errors(include_url=False)
    wrong = {error["loc"][:depth] for error in errors for depth in range(len(error["loc"]))}
    for error in errors:
        if error["type"] == "too_short" and error["loc"] in wrong:
            continue  # Pydantic does not count a wrong item.
        loc, message = error["loc"], message_of(error)
        if loc[-1] == "[key]":  # Of a table whose keys are a list of words.
            message = _UNKNOWN_KEY
        # Nor is the name of an alternative a part of the file.
        loc = tuple(part for part in loc if not str(part).startswith("["))
        shown = loc
        if loc[0] == "controles" and len(loc) > 1 and isinstance(loc[1], int):
            # By its name, which people look for.
            one = raw["controles"][loc[1]]
            named = one.get("nom") if isinstance(one, dict) else None
            shown = (f"controles.{named or loc[1] + 1}", *loc[2:])
        key = ".".join(str(part) for part in shown)
        if error["loc"] == ("ds",) and error["type"] == "missing":
            key, message = "[ds]", "missing section; add it with contact, the operator's address"
        if message == _UNKNOWN_KEY and (other := _nearest_key(loc, model)):
            message = f"unknown key; did you mean {other}?"
        problems.append(f"{key}: {message}")
    return problems


def _nearest_key(loc: tuple[int | str, ...], model: type[Configuration]) -> str | None:
    """Return the key of the same section that is most similar to an unknown one, or None."""
    # The larger model has the keys of both.
    larger = model if "controles" in model.model_fields else EigConfiguration
    schema = larger.model_json_schema()
    sections = _alternatives(schema, schema)
    for part in loc[:-1]:
        inner = [_inside(section, part) for section in sections]
        sections = [one for section in inner for one in _alternatives(section, schema)]
    words = [_alternatives(one.get("propertyNames", {}), schema) for one in sections]
    known = [key for one in sections for key in one.get("properties", {})]
    known += [word for found in words for one in found for word in one.get("enum", ())]
    return nearest(str(loc[-1]), known)


def _inside(section: Mapping[str, Any], part: int | str) -> Mapping[str, Any]:
    """Return the schema of a part of a section."""
    known = section.get("properties", {}).get(part)
    found = known or section.get("items") or section.get("additionalProperties")
    return found if isinstance(found, dict) else {}


def _alternatives(section: Mapping[str, Any], schema: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the schemas that a part of `schema` refers to; several for an optional section."""
    if name := section.get("$ref", "").rpartition("/")[2]:
        return _alternatives(schema["$defs"][name], schema)
    if options := section.get("anyOf") or section.get("oneOf"):
        return [one for option in options for one in _alternatives(option, schema)]
    return [section]


def message_of(error: ErrorDetails) -> str:
    """Return what is wrong with a value, without the value, which may be a secret."""
    kind, given = error["type"], error.get("input")
    if kind in _MESSAGES:
        return _MESSAGES[kind]
    message = _EXPECTED.get(kind) or error["msg"].removeprefix("Value error, ")
    if kind in ("literal_error", "enum"):
        expected = re.sub(r"<.+?: ('.+?')>", r"\1", error["ctx"]["expected"])  # Of an enum.
        message = f"expected {expected}"
    is_scalar = isinstance(given, bool | int | float)
    if kind in _EXPECTED or (is_scalar and message.startswith("expected")):
        return f"{message}, not {kind_of(given)}"
    return message


_UNKNOWN_KEY = "unknown key; remove it or correct its spelling"
_MISSING_KEY = "missing key; add it"
_NO_TEXT, _NO_TABLE = "expected a text in quotes", "expected a table of keys"
_EXPECTED = {
    "bool_type": "expected true or false",
    "date_type": "expected a day such as 2027-06-30, without quotes",
    "dataclass_type": _NO_TABLE,
    "dict_type": _NO_TABLE,
    "float_type": "expected a number",
    "int_type": "expected a whole number",
    "mapping_type": _NO_TABLE,
    "model_type": _NO_TABLE,
    "path_type": _NO_TEXT,
    "string_type": _NO_TEXT,
    "tuple_type": "expected a list in […]",
}
"""By pydantic's type of error, about a value of another kind."""
_MESSAGES = {
    "extra_forbidden": _UNKNOWN_KEY,
    "unexpected_keyword_argument": _UNKNOWN_KEY,
    "missing": _MISSING_KEY,
    "missing_argument": _MISSING_KEY,
    # Of a variable, which is text.
    "date_from_datetime_parsing": "expected a day such as 2027-06-30",
    "date_parsing": "expected a day such as 2027-06-30",
    "bool_parsing": "expected true or false",
    "int_parsing": "expected a whole number",
    "string_too_short": "expected a text that is not empty",
    "time_parsing": 'expected a time of day such as "02:30"',
}


def headline(problems: tuple[str, ...]) -> str:
    """Return the message of an error about these problems."""
    if len(problems) == 1:
        return problems[0] if problems[0].endswith("?") else f"{problems[0]}."
    return f"{len(problems)} problems in the configuration:\n" + "\n".join(
        f"  - {problem}" for problem in problems
    )

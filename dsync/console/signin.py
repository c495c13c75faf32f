"""The team's way into the console: sign-in and sign-out by OpenID Connect, roles, limits."""

from __future__ import annotations

import re
import secrets
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from ipaddress import IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

import anyio
import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from dsync.console.access import ENTRY, Access, Grant, Role, begin, entry, granted
from dsync.console.openid import Pending, Provider, SignInError
from dsync.console.words import visible
from dsync.domain.access_given import NOTHING_GIVEN, Given

if TYPE_CHECKING:
    from dsync.configuration import AccesSection, ConsoleSection

log = structlog.get_logger(__name__)

BACK = "/entrer/retour"
"""Where the provider sends browsers back to."""
_PENDING_S = 600
"""Time to sign in at the provider."""
WINDOW_S = 300
MOST_OF_ONE = 10
"""Failed sign-ins of one address in `WINDOW_S`, after which further ones are refused.

There is no maximum for all: whoever can reach the console could lock everybody out."""
_WITH_PORT = re.compile(r"^(?:\[([0-9a-fA-F:.]+)\](?::\d+)?|(\d+(?:\.\d+){3}):\d+)$")
"""An address with the port of a connection, as some proxies name a client: each is another one."""
_LONGEST_ID_TOKEN = 1500
"""Maximum length of an ID token that the session keeps: browsers accept 4096 bytes in all."""
_LONGEST_PATH = 500
THREADS = 2
"""Sign-ins that talk to the provider at the same time."""
_FAILED = "L’identification n’a pas abouti. Recommencez ; si cela se reproduit, signalez-le."
_NOT_ALLOWED = (
    "L’adresse « {email} » n’est pas, ou plus, autorisée à entrer. Demandez l’accès à {contact}, "
    "ou identifiez-vous avec une autre adresse."
)
_WHOM = "la personne qui administre la démarche"
_PROCONNECT = (".agentconnect.gouv.fr", ".proconnect.gouv.fr", ".dev-agentconnect.fr")
_TOO_MANY = "Trop d’identifications ont échoué. Réessayez dans quelques minutes."


class Failures:
    """Counts failed sign-ins in a sliding window, by client address; of IPv6, by /64."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._seen: deque[tuple[float, str]] = deque()
        self._counts: Counter[str] = Counter()

    def add(self, address: str) -> tuple[float, str]:
        """Count a sign-in as failed, which `take_back` undoes."""
        one = self._clock(), _network_of(address)
        self._seen.append(one)
        self._counts[one[1]] += 1
        return one

    def take_back(self, one: tuple[float, str]) -> None:
        """Count a sign-in no more: it succeeded."""
        if one in self._seen:
            self._seen.remove(one)
            self._counts[one[1]] -= 1

    def are_too_many(self, address: str) -> bool:
        """Return whether no further sign-in of this address is tried for now."""
        while self._seen and self._seen[0][0] <= self._clock() - WINDOW_S:
            _, over = self._seen.popleft()
            self._counts[over] -= 1
            if not self._counts[over]:
                del self._counts[over]
        return self._counts[_network_of(address)] >= MOST_OF_ONE


def _network_of(address: str) -> str:
    """Return what is of one client: its address of IPv4, or the /64 that it has of IPv6."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if isinstance(found, IPv6Address):
        found = found.ipv4_mapped or found
    if isinstance(found, IPv6Address):
        return str(ip_network((int(found), 64), strict=False))
    return str(found)


class TeamAccess(Access):
    """Access by OpenID Connect, for the people that the démarches' files name.

    `acces` is `[[acces]]` of each démarche, by its number.
    """

    refusal = "Ces pages sont réservées à l’équipe de la démarche. Identifiez-vous pour les voir."
    welcome = "Identification"

    def __init__(
        self,
        section: ConsoleSection,
        acces: Mapping[int, Sequence[AccesSection]],
        provider: Provider,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._acces = acces
        self._contact = section.contact or _WHOM
        self._proxies = [ip_network(one) for one in section.proxies]
        self.origin = section.public_url
        openid = section.openid
        # Another provider, or another client of it, answers for other people.
        self._openid = (openid.issuer, openid.client_id) if openid else ("", "")
        host = urlsplit(self._openid[0]).hostname or ""
        self.is_proconnect = f".{host}".endswith(_PROCONNECT)
        self._provider = provider
        self._failures = Failures(clock)
        self._limiter = anyio.CapacityLimiter(THREADS)
        self._turns = anyio.Semaphore(THREADS)

    @property
    def routes(self) -> list[Route]:
        """The addresses that need no session."""
        return [entry(ENTRY, self._begin), entry(BACK, self._finish)]

    @property
    def identity(self) -> str:
        """The public address, which replicas share, and who answers for people."""
        return " ".join(("openid", str(self.origin), *self._openid))

    def follow(self, acces: Mapping[int, Sequence[AccesSection]]) -> None:
        """Take up `[[acces]]`; a claim that it names for the first time is not asked for yet."""
        self._acces = acces

    def grant(
        self, demarche: int, name: str, session: Mapping[str, Any], given: Given = NOTHING_GIVEN
    ) -> Grant | None:
        """Return what the database gives now, else the configuration; None: nothing (any more)."""
        of_file = granted(self._acces.get(demarche, ()), name, session.get("claims", {}))
        if demarche not in given.roles:
            return of_file
        role = given.roles[demarche]
        # A role of another name does not widen whose dossiers are seen.
        return Grant(Role(role), of_file and of_file.groupes) if role else None

    def entries(self, demarche: int) -> Sequence[AccesSection]:
        """Return `[[acces]]` of a démarche, as it is now."""
        return self._acces.get(demarche, ())

    def way_in(self, request: Request) -> str | None:
        """Return the address that signs in and leads back to the page."""
        path = request.url.path
        if request.method != "GET" or path.startswith(ENTRY):
            return ENTRY
        query = f"?{request.url.query}" if request.url.query else ""
        return f"{ENTRY}?{urlencode({'vers': path + query})}"

    async def way_out(self, session: Mapping[str, Any]) -> str | None:
        """Return the provider's address that ends its session, too."""
        back = f"{self.origin}/"
        try:
            return await anyio.to_thread.run_sync(
                self._provider.end,
                session.get("preuve"),
                back,
                secrets.token_urlsafe(32),
                limiter=self._limiter,
            )
        except SignInError as exc:
            log.warning("sign_out_failed", reason=str(exc))
            return None

    async def _begin(self, request: Request) -> Response:
        address = self._address_of(request)
        self._check(address)
        try:
            url, pending = await anyio.to_thread.run_sync(
                self._provider.begin, limiter=self._limiter
            )
        except SignInError as exc:
            raise _refusal(exc) from exc
        request.session["entree"] = {
            "attendu": list(pending),
            "vers": local_path(request.query_params.get("vers", "")),
            "fin": int(time.time()) + _PENDING_S,
        }
        return RedirectResponse(url, 303)

    async def _finish(self, request: Request) -> Response:
        address = self._address_of(request)
        self._check(address)
        # It serves once, whatever comes of it.
        begun = request.session.pop("entree", None)
        if begun is None or begun["fin"] < time.time():
            raise _refusal(SignInError("not_begun"))
        pending = Pending(*begun["attendu"])
        # Nor is it counted: anybody can send anybody's browser here.
        if not pending.is_answered_by(request.query_params):
            raise _refusal(SignInError("state"))
        async with self._turns:
            # Many at once are as many as one by one: each counts before it is tried.
            self._check(address)
            tried = self._failures.add(address)
            try:
                identity = await anyio.to_thread.run_sync(
                    self._provider.finish, request.query_params, pending, limiter=self._limiter
                )
            except SignInError as exc:
                raise _refusal(exc) from exc
        claims = self._claims_of(identity.claims)
        given = await anyio.to_thread.run_sync(self.given, identity.email, limiter=self._limiter)
        session = {"claims": claims}
        grants = [self.grant(one, identity.email, session, given) for one in self._acces]
        roles = {one.role for one in grants if one}
        if not roles:
            said = _NOT_ALLOWED.format(email=visible(identity.email), contact=self._contact)
            raise _refusal(SignInError("not_allowed"), said)
        self._failures.take_back(tried)
        begin(request, identity.email)
        if claims:
            request.session["claims"] = claims
        if len(identity.id_token) <= _LONGEST_ID_TOKEN:
            request.session["preuve"] = identity.id_token
        log.info("signed_in", roles=[role.value for role in Role if role in roles])
        return RedirectResponse(begun["vers"], 303)

    def _claims_of(self, given: Mapping[str, Any]) -> dict[str, list[str]]:
        """Return the values of the provider's claims that give a role: the cookie is short."""
        named = {
            (name, value)
            for entries in self._acces.values()
            for one in entries
            for name, values in one.claims.items()
            for value in values
        }
        found: dict[str, list[str]] = {}
        for name, value in sorted(named):
            has = given.get(name)
            if value in map(str, has if isinstance(has, list) else [has]):
                found.setdefault(name, []).append(value)
        return found

    def _check(self, address: str) -> None:
        if self._failures.are_too_many(address):
            log.warning("sign_in_refused", reason="too_many")
            raise HTTPException(429, _TOO_MANY, headers={"Retry-After": str(WINDOW_S)})

    def _address_of(self, request: Request) -> str:
        """Return the client's address; behind known proxies, the one that they name.

        Each proxy appends whom it heard: the last word that is no known proxy counts, of all lines
        of the header. What stands before it may be by anybody.
        """
        address = request.client.host if request.client else ""
        named = ",".join(request.headers.getlist("x-forwarded-for")).split(",")
        while self._is_proxy(address) and named:
            address = _WITH_PORT.sub(r"\1\2", named.pop().strip()) or address
        return address

    def _is_proxy(self, address: str) -> bool:
        try:
            found = ip_address(address)
        except ValueError:
            return False
        # A socket for IPv6 and IPv4 names a client of IPv4 in this way.
        known = (isinstance(found, IPv6Address) and found.ipv4_mapped) or found
        return any(known in one for one in self._proxies)


def _refusal(exc: SignInError, text: str = _FAILED) -> HTTPException:
    log.warning("sign_in_refused", reason=str(exc))
    return HTTPException(403, text)


def local_path(wanted: str) -> str:
    """Return the page to go to after the sign-in: only one of the console's own."""
    is_own = wanted.startswith("/") and not wanted.startswith(("//", "/\\", ENTRY))
    return wanted if is_own and wanted.isprintable() and len(wanted) <= _LONGEST_PATH else "/"

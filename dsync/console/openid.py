"""Sign-in by OpenID Connect: the exchanges with the provider, and the checks of what it signs.

The code flow with a client secret, PKCE, state and nonce. Every token must be signed by a key that
the provider publishes. Nothing here keeps a token or logs anything.
"""

from __future__ import annotations

import hmac
import json
import re
import secrets
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.common.urls import add_params_to_uri
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from urllib3.exceptions import HTTPError

from dsync.addresses import is_encrypted_or_local
from dsync.errors import InterruptedRunError
from dsync.exchanges import MIB, BoundedAdapter, Exchanges

if TYPE_CHECKING:
    from dsync.configuration import OpenIdSection

T = TypeVar("T")

DEADLINE_S = 15.0
"""Time for all requests of a sign-in; ProConnect's codes are valid for 30 s."""
_METADATA_S = 300.0
"""How long the provider's document is kept: who is not signed in causes no request to it."""
_LEEWAY_S = 60
"""Accepted difference between the clocks."""
_ALGORITHMS = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512",
)  # fmt: skip
"""Of signatures. Neither « none », nor those whose key the provider shares with its clients."""
_SIGNING_KEYS = ("RSA", "EC")
# ASCII alone: `lower` makes « k » of the Kelvin sign, which would let in somebody else.
_EMAIL = re.compile(r"[!-?A-~]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")


class SignInError(Exception):
    """A sign-in is refused; the message is a word for the log, without personal data."""


_FAULTS = (
    AuthlibBaseError,
    JoseError,
    requests.RequestException,
    HTTPError,
    InterruptedRunError,
    # What the provider sends may have any form.
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
)


@contextmanager
def _refused() -> Iterator[None]:
    """Turn every fault of an exchange into a refusal."""
    try:
        yield
    except _FAULTS as exc:
        raise SignInError(type(exc).__name__) from exc


class Pending(NamedTuple):
    """What the browser's session keeps until the provider sends the browser back."""

    state: str
    nonce: str
    verifier: str

    def is_answered_by(self, parameters: Mapping[str, str]) -> bool:
        """Return whether an address to which a browser was sent back is of this sign-in."""
        return hmac.compare_digest(parameters.get("state", "").encode(), self.state.encode())


class Identity(NamedTuple):
    """Who signed in, as the provider says."""

    email: str
    id_token: str
    """For the sign-out."""
    claims: Mapping[str, Any]
    """All that the provider says of the person."""


class Provider:
    """An OpenID provider.

    `redirect_uri` is where it sends browsers back to; `claims` are those that are wanted beside the
    e-mail address; `stop` ends requests under way.
    """

    def __init__(
        self,
        section: OpenIdSection,
        secret: str,
        *,
        redirect_uri: str,
        user_agent: str,
        stop: threading.Event,
        claims: Collection[str] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._section = section
        self._secret = secret
        self._redirect_uri = redirect_uri
        self._user_agent = user_agent
        self._stop = stop
        self._wanted = claims
        self._clock = clock
        self._metadata: dict[str, Any] = {}
        self._read_at = 0.0

    @_refused()
    def begin(self) -> tuple[str, Pending]:
        """Return the address to send the browser to, and what its session has to keep.

        Raises:
            SignInError: the provider cannot be asked.
        """
        pending = Pending(*(secrets.token_urlsafe(48) for _ in Pending._fields))
        extra = {"nonce": pending.nonce}
        if levels := self._section.acr_values:
            extra["acr_values"] = levels
            if self._document().get("claims_parameter_supported") is True:
                # ProConnect asks for a second factor only if the level is essential.
                needed = {"essential": True, "values": levels.split()}
                extra["claims"] = json.dumps({"id_token": {"acr": needed}})
        endpoint = self._endpoint("authorization_endpoint")
        url, _ = self._session().create_authorization_url(
            endpoint, state=pending.state, code_verifier=pending.verifier, **extra
        )
        return url, pending

    @_refused()
    def finish(self, parameters: Mapping[str, str], pending: Pending) -> Identity:
        """Exchange the code that the provider sent for who signed in.

        `parameters` are of the address that the browser was sent back to, `pending` of its session.

        Raises:
            SignInError: something does not fit.
        """
        if not pending.is_answered_by(parameters):
            raise SignInError("state")
        # A provider that signs for several issuers says which one answers (RFC 9207).
        if parameters.get("iss", self._section.issuer) != self._section.issuer:
            raise SignInError("issuer")
        code = parameters.get("code")
        if not code:
            raise SignInError("no_code")
        jwks_uri, token_endpoint, userinfo_endpoint = map(
            self._endpoint, ("jwks_uri", "token_endpoint", "userinfo_endpoint")
        )

        def exchange(session: OAuth2Session) -> tuple[str, Any, requests.Response]:
            token = session.fetch_token(
                token_endpoint,
                grant_type="authorization_code",
                code=code,
                redirect_uri=self._redirect_uri,
                **({"code_verifier": pending.verifier} if self._has_pkce else {}),
            )
            keys = _json(session.get(jwks_uri, withhold_token=True))
            return token["id_token"], keys, session.get(userinfo_endpoint)

        id_token, keys, answer = self._exchange(exchange)
        keys["keys"] = [one for one in keys["keys"] if one.get("kty") in _SIGNING_KEYS]
        key_set = KeySet.import_key_set(keys)
        claims = self._claims_of(id_token, key_set, pending.nonce)
        userinfo = self._userinfo(answer, key_set, claims)
        return Identity(_email_of(claims, userinfo), id_token, claims | userinfo)

    @_refused()
    def end(self, id_token: str | None, back: str, state: str) -> str | None:
        """Return the address that signs out at the provider, None if it has none.

        `id_token` is of the sign-in, None if it is not at hand. The provider then sends the browser
        `back`, with `state`.

        Raises:
            SignInError: the provider cannot be asked.
        """
        if "end_session_endpoint" not in self._document():
            return None
        hint = {"id_token_hint": id_token} if id_token else {"client_id": self._section.client_id}
        given = {**hint, "post_logout_redirect_uri": back, "state": state}
        url: str = add_params_to_uri(self._endpoint("end_session_endpoint"), list(given.items()))
        return url

    def _claims_of(self, id_token: str, keys: KeySet, nonce: str) -> dict[str, Any]:
        claims = jwt.decode(id_token, keys, algorithms=_ALGORITHMS).claims
        expected: dict[str, Any] = {"nonce": {"essential": True, "value": nonce}}
        if self._section.acr_values:
            expected["acr"] = {"essential": True, "values": self._section.acr_values.split()}
        self._registry(exp={"essential": True}, sub={"essential": True}, **expected).validate(
            claims
        )
        audience = claims["aud"]
        is_shared = isinstance(audience, list) and len(audience) > 1
        # Several may hold a token for several: it must say that it was made for this client.
        made_for = claims.get("azp", None if is_shared else self._section.client_id)
        if made_for != self._section.client_id:
            raise SignInError("azp")
        return claims

    def _userinfo(
        self, answer: requests.Response, keys: KeySet, id_claims: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return what the provider says of the person: signed, or else as JSON over HTTPS."""
        kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind == "application/jwt":
            found = jwt.decode(answer.text.strip(), keys, algorithms=_ALGORITHMS).claims
            self._registry().validate(found)
        else:
            found = _json(answer)
        if found.get("sub") != id_claims["sub"]:
            raise SignInError("sub")
        return found

    def _registry(self, **expected: Any) -> jwt.JWTClaimsRegistry:
        return jwt.JWTClaimsRegistry(
            leeway=_LEEWAY_S,
            iss={"essential": True, "value": self._section.issuer},
            aud={"essential": True, "value": self._section.client_id},
            **expected,
        )

    def _endpoint(self, name: str) -> str:
        """Return an address of the provider's document; SignInError: none, or not encrypted."""
        address = self._document().get(name)
        if not isinstance(address, str) or not is_encrypted_or_local(address):
            raise SignInError(name)
        return address

    def _document(self) -> dict[str, Any]:
        if not self._metadata or self._clock() - self._read_at >= _METADATA_S:
            url = f"{self._section.issuer.rstrip('/')}/.well-known/openid-configuration"
            found = self._exchange(lambda session: _json(session.get(url, withhold_token=True)))
            if found.get("issuer") != self._section.issuer:
                raise SignInError("issuer")
            self._metadata, self._read_at = found, self._clock()
        return self._metadata

    def _exchange(self, work: Callable[[OAuth2Session], T]) -> T:
        """Do requests within a deadline, with a session of their own: nobody else's token."""
        exchanges = Exchanges(self._session, max_bytes=MIB, stop=self._stop)
        try:
            return exchanges.run(work, deadline_s=DEADLINE_S)
        finally:
            exchanges.close()

    @property
    def _has_pkce(self) -> bool:
        """Whether the code is bound to this client: an old ProConnect refuses what it lacks."""
        return "S256" in (self._metadata.get("code_challenge_methods_supported") or ())

    def _session(self, adapter: BoundedAdapter | None = None) -> OAuth2Session:
        methods = self._metadata.get("token_endpoint_auth_methods_supported", ())
        is_post = "client_secret_post" in methods
        known = self._metadata.get("scopes_supported") or ()
        more = sorted(one for one in self._wanted if one in known)
        session = OAuth2Session(
            self._section.client_id,
            self._secret,
            scope=" ".join(["openid", "email", *more]),
            redirect_uri=self._redirect_uri,
            code_challenge_method="S256" if self._has_pkce else None,
            token_endpoint_auth_method="client_secret_post" if is_post else "client_secret_basic",
        )
        session.headers["User-Agent"] = self._user_agent
        session.max_redirects = 0
        if adapter is not None:
            session.mount("https://", adapter)
            session.mount("http://", adapter)
        return session


def _json(answer: requests.Response) -> dict[str, Any]:
    answer.raise_for_status()
    found = answer.json()
    if not isinstance(found, dict):
        raise SignInError("json")
    return found


def _email_of(claims: Mapping[str, Any], userinfo: Mapping[str, Any]) -> str:
    """Return the address of a person, in lower case.

    SignInError: there is none of ASCII letters, or a source says that it is not verified.
    """
    source = userinfo if "email" in userinfo else claims
    email = source.get("email")
    if not isinstance(email, str) or len(email) > 254 or not _EMAIL.fullmatch(email):
        raise SignInError("email")
    # ProConnect does not send the claim: its identity providers answer for the address.
    if any(one.get("email_verified", True) not in (True, "true") for one in (userinfo, claims)):
        raise SignInError("email_unverified")
    return email.lower()

"""An OpenID provider that signs whatever a test wants, over real HTTP."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlencode

from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from dsync.addresses import Listen
from dsync.configuration import AccesSection, ConsoleSection
from dsync.console.access import Access
from dsync.console.openid import Provider
from dsync.console.signin import BACK, TeamAccess
from dsync.service.surface import bind, server_thread
from dsync.wiring import Worker
from tests.console.served import Visitor, served
from tests.engine.rig import DEMARCHE, Engine

CLIENT = "dsync-console"
SECRET = "secret-of-the-client-0123456789"
EMAIL = "Ada.Lovelace@dinum.example.fr"
KEY = RSAKey.generate_key(2048, {"kid": "current", "use": "sig"})
STRANGER = RSAKey.generate_key(2048, {"kid": "current", "use": "sig"})
ELLIPTIC = ECKey.generate_key("P-256", {"kid": "curve", "use": "sig"})
Claims = dict[str, Any]
AUTHORIZE = {
    *("response_type", "response_mode", "client_id", "redirect_uri", "scope", "state", "nonce"),
    *("acr_values", "claims", "prompt", "login_hint", "siret_hint", "idp_hint"),
    *("code_challenge", "code_challenge_method"),
}
"""The parameters that ProConnect takes (proconnect-gouv/federation, dffa09e); it refuses others."""


class FakeProvider:
    """The provider: its answers follow the protocol, but for what a test changes.

    Attributes:
        id_token, userinfo: change the claims before they are signed.
        sign_id, sign_userinfo: sign them; `unsigned`: as JSON.
        document: changes what discovery says.
    """

    def __init__(self, base: str) -> None:
        self.base = base
        self.reset()

    def reset(self, **answers: Any) -> None:
        """Answer as the protocol asks, but for some answers."""
        self.asked: list[dict[str, str]] = []
        """Parameters of the authorization requests."""
        self.codes: dict[str, dict[str, str]] = {}
        self.id_token: Callable[[Claims], None] = lambda claims: None
        self.userinfo: Callable[[Claims], None] = lambda claims: None
        self.sign_id: Callable[[Claims], str] = signed()
        self.sign_userinfo: Callable[[Claims], str] | None = signed()
        self.document: Callable[[Claims], None] = lambda document: None
        self.requests = 0
        """How often its document was read."""
        self.exchanges = 0
        """How often a code was given to it."""
        vars(self).update(answers)

    def routes(self) -> list[Route]:
        """Its addresses, with ProConnect's paths."""
        return [
            Route("/api/v2/.well-known/openid-configuration", self._discovery),
            Route("/api/v2/jwks", self._jwks),
            Route("/api/v2/authorize", self._authorize),
            Route("/api/v2/token", self._token, methods=["POST"]),
            Route("/api/v2/userinfo", self._userinfo),
        ]

    @property
    def issuer(self) -> str:
        return f"{self.base}/api/v2"

    async def _discovery(self, _request: Request) -> Response:
        self.requests += 1
        found = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "jwks_uri": f"{self.issuer}/jwks",
            "end_session_endpoint": f"{self.issuer}/session/end",
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
            "claims_parameter_supported": True,
            "code_challenge_methods_supported": ["S256"],
        }
        self.document(found)
        return JSONResponse(found)

    async def _jwks(self, _request: Request) -> Response:
        shared = OctKey.import_key(SECRET, {"kid": "shared"}).as_dict()
        keys = [KEY.as_dict(private=False), ELLIPTIC.as_dict(private=False), shared]
        return JSONResponse({"keys": keys})

    async def _authorize(self, request: Request) -> Response:
        asked = dict(request.query_params)
        if not asked.keys() <= AUTHORIZE or min(map(len, (asked["state"], asked["nonce"]))) < 32:
            return JSONResponse({"error": "Y000400"}, 400)
        self.asked.append(asked)
        code = f"code-{len(self.asked)}"
        self.codes[code] = asked
        back = urlencode({"code": code, "state": asked["state"]})
        return RedirectResponse(f"{asked['redirect_uri']}?{back}", 303)

    async def _token(self, request: Request) -> Response:
        self.exchanges += 1
        form = {k: v[-1] for k, v in parse_qs((await request.body()).decode()).items()}
        asked = self.codes.pop(form["code"], None)
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = urlsafe_b64encode(digest).rstrip(b"=").decode()
        if (
            asked is None
            or (form["client_id"], form["client_secret"]) != (CLIENT, SECRET)
            or asked["code_challenge"] != challenge
            or asked["redirect_uri"] != form["redirect_uri"]
        ):
            return JSONResponse({"error": "invalid_grant"}, 400)
        needed = json.loads(asked.get("claims", "{}")).get("id_token", {}).get("acr", {})
        # By a code in an e-mail, but only if the level is essential.
        acr = "eidas1-mfa" if "eidas1-mfa" in needed.get("values", ()) else "eidas1"
        claims = self._claims() | {"nonce": asked["nonce"], "acr": acr}
        self.id_token(claims)
        return JSONResponse(
            {"access_token": "t" * 40, "token_type": "Bearer", "id_token": self.sign_id(claims)}
        )

    async def _userinfo(self, request: Request) -> Response:
        assert request.headers["authorization"] == f"Bearer {'t' * 40}"
        claims = self._claims() | {"email": EMAIL, "usual_name": "Lovelace"}
        self.userinfo(claims)
        if self.sign_userinfo is None:
            return JSONResponse(claims)
        return Response(self.sign_userinfo(claims), media_type="application/jwt")

    def _claims(self) -> Claims:
        now = int(time.time())
        return {"iss": self.issuer, "aud": CLIENT, "sub": "s1", "iat": now, "exp": now + 60}


def signed(key: Any = KEY, alg: str = "RS256", **header: Any) -> Callable[[Claims], str]:
    """Return what signs claims with a key."""
    return lambda claims: jwt.encode(
        {"alg": alg, "kid": key.kid, **header}, claims, key, algorithms=[alg]
    )


def unsigned(claims: Claims) -> str:
    """Return a token with the algorithm « none »."""
    token = signed()(claims).split(".")
    header = urlsafe_b64encode(b'{"alg":"none","kid":"current"}').rstrip(b"=").decode()
    return f"{header}.{token[1]}."


def cut(claims: Claims) -> str:
    """Return a token whose claims were changed after it was signed."""
    token, other = signed()(claims).split("."), signed()({**claims, "sub": "other"}).split(".")
    return ".".join((token[0], token[1], other[2]))


def shared_secret(secret: bytes, kid: str) -> Callable[[Claims], str]:
    """Return what signs claims by HS256; with a public key: the confusion of algorithms."""

    def sign(claims: Claims) -> str:
        parts = ({"alg": "HS256", "kid": kid}, claims)
        text = b".".join(_encoded(json.dumps(part).encode()) for part in parts)
        return (text + b"." + _encoded(hmac.digest(secret, text, "sha256"))).decode()

    return sign


def _encoded(data: bytes) -> bytes:
    return urlsafe_b64encode(data).rstrip(b"=")


PUBLIC = KEY.as_pem(private=False)


@contextmanager
def provider() -> Iterator[FakeProvider]:
    """Serve a provider."""
    stop = threading.Event()
    listening = bind(Listen("127.0.0.1", 0), is_default=False)
    assert listening is not None
    made = FakeProvider(f"http://127.0.0.1:{listening.getsockname()[1]}")
    thread = server_thread(Starlette(routes=made.routes()), listening, stop)
    thread.start()
    try:
        yield made
    finally:
        stop.set()
        thread.join(10)


class Clock:
    """Seconds that pass when a test says so."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def team_access(fake: str, clock: Clock, **options: Any) -> Callable[[str, Any], Access]:
    """Return what makes the way in by a provider."""
    proxies = options.pop("proxies", [])
    allowed = [EMAIL, "kay@dinum.example.fr"]
    given = options.pop("acces", [as_("administrateur", *allowed)])
    acces = {
        demarche: [AccesSection.model_validate(one) for one in entries]
        for demarche, entries in (
            given if isinstance(given, dict) else {int(DEMARCHE): given}
        ).items()
    }
    openid = {"issuer": fake, "client_id": CLIENT} | options

    def made(base: str, stop: threading.Event) -> Access:
        section = ConsoleSection.model_validate(
            {"public_url": base, "proxies": proxies, "openid": openid}
        )
        assert section.openid is not None
        asked = Provider(
            section.openid,
            SECRET,
            redirect_uri=base + BACK,
            user_agent="dsync/test",
            stop=stop,
            clock=clock,
        )
        return TeamAccess(section, acces, asked, clock)

    return made


def as_(role: str, *people: str) -> dict[str, Any]:
    """Return an entry of `[[acces]]`."""
    return {"role": role, "who": people}


@contextmanager
def team(
    engine: Engine,
    acces: list[dict[str, Any]],
    apps: Sequence[Worker] = (),
    email: str | None = None,
) -> Iterator[tuple[Visitor, FakeProvider]]:
    """Serve a team's console; yield who has signed in, and the provider of the next one.

    Args:
        engine: the engine.
        acces: who has which role.
        apps: other workers instead.
        email: who signs in first.
    """
    with provider() as fake:
        if email is not None:
            fake.userinfo = lambda claims: claims.update(email=email)
        access = team_access(fake.issuer, Clock(), acces=acces)
        with served(engine, apps, access=access) as console:
            yield Visitor(console.base, "/entrer"), fake

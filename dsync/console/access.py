"""Who asks, and whether they may act: the one place that decides it.

Without configuration, a link that works once lets its first user in; a team signs in by OpenID
Connect (`signin.py`). Each write needs a token that only the session's own pages have, and must
come from a page of this address.
"""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

SESSION_S = 8 * 3600
ENTRY = "/entrer"
EXIT = "/sortir"
_SPENT = (
    "Ce lien n’est pas, ou plus, valable : il ne sert qu’une fois. La ligne suivante du terminal "
    "en donne un autre."
)
_FORGED = "Ce formulaire n’est plus valable. Revenez à la page, rechargez-la et recommencez."


class Role(StrEnum):
    """What a person may do."""

    LECTEUR = "lecteur"
    OPERATEUR = "operateur"


class Actor(NamedTuple):
    """A person with a session."""

    name: str
    """For the journal: an account and its machine, or an e-mail address."""
    role: Role
    token: str
    """In each form of the session's pages."""

    @property
    def may_act(self) -> bool:
        """Whether the person may change anything, and see personal data."""
        return self.role is Role.OPERATEUR


class Access:
    """Who may enter, and by which way: what both ways share."""

    refusal = "Cette page demande une session."
    """What the page says that somebody without a session gets."""
    welcome: str | None = None
    """Its title; None: « Accès refusé »."""
    farewell = "Votre session est fermée."
    origin: str | None = None
    """Scheme, host and port of the console's pages; None: whatever the request's `Host` says."""

    @property
    def routes(self) -> list[Route]:
        """The addresses that need no session."""
        return []

    @property
    def is_secure(self) -> bool:
        """Whether browsers send the session over encrypted connections alone."""
        return (self.origin or "").startswith("https://")

    def open(self) -> None:
        """Begin to let people in."""

    def role_of(self, name: str, session: Mapping[str, Any]) -> Role | None:
        """Return what a person may do now, None if they may not enter (any more)."""
        raise NotImplementedError

    def way_in(self, request: Request) -> str | None:
        """Return the address that begins a session and leads back to the page, if there is one."""
        return None

    async def way_out(self, session: Mapping[str, Any]) -> str | None:
        """Return where a session also ends that is closed here, and change nothing."""
        return None

    def actor_of(self, request: Request) -> Actor:
        """Return who asks.

        Raises:
            HTTPException: there is no session, or it has ended (403).
        """
        session = request.session
        if session.get("fin", 0) < time.time():
            raise HTTPException(403, self.refusal)
        role = self.role_of(session["qui"], session)
        if role is None:
            raise HTTPException(403, self.refusal)
        return Actor(session["qui"], role, session["jeton"])

    def check_write(self, request: Request, actor: Actor, form: Mapping[str, str]) -> None:
        """Check that a form comes from one of the session's own pages, and that its user may act.

        Raises:
            HTTPException: it does not, or they may not (403).
        """
        origin = request.headers.get("origin", "")
        if self.origin is None:
            is_own = origin.partition("://")[2] == request.headers.get("host", "-")
        else:
            is_own = origin == self.origin
        if not is_own:
            raise HTTPException(403, _FORGED)
        if not hmac.compare_digest(form.get("jeton", "").encode(), actor.token.encode()):
            raise HTTPException(403, _FORGED)
        if not actor.may_act and request.url.path != EXIT:
            raise HTTPException(403, "Votre rôle permet de lire, pas d’agir.")


class LocalAccess(Access):
    """Access by a link that works once; whoever can read it is the user of this process.

    Args:
        user: for the journal.
        announce: shows a link: at the start, and the next one when one was used.
        role: what that user may do.
    """

    refusal = (
        "Cette page demande une session. Ouvrez le lien que « dsync console » (ou « dsync run ») "
        "affiche dans le terminal."
    )
    farewell = "Pour entrer de nouveau, ouvrez le dernier lien affiché dans le terminal."

    def __init__(
        self, user: str, announce: Callable[[str], None], role: Role = Role.OPERATEUR
    ) -> None:
        self._user = user
        self._role = role
        self._announce = announce
        self._word = ""

    @property
    def routes(self) -> list[Route]:
        """The addresses that need no session."""
        return [entry(ENTRY, self._enter)]

    def role_of(self, name: str, session: Mapping[str, Any]) -> Role | None:
        """Return the role with which the session began."""
        return Role(session["role"])

    def open(self) -> None:
        """Make the next link, and show it."""
        self._word = secrets.token_urlsafe(32)
        self._announce(f"{ENTRY}?cle={self._word}")

    async def _enter(self, request: Request) -> Response:
        word = request.query_params.get("cle", "")
        if not self._word or not hmac.compare_digest(word.encode(), self._word.encode()):
            raise HTTPException(403, _SPENT)
        self.open()
        begin(request, self._user, self._role)
        return RedirectResponse("/", 303)


def entry(path: str, endpoint: Callable[[Request], Awaitable[Response]]) -> Route:
    """Return the route of an address that what is in it serves once: GET alone.

    Starlette would answer HEAD by the same function; mail programs send it to look at a link.
    """
    route = Route(path, endpoint, methods=["GET"])
    route.methods = {"GET"}
    return route


def begin(request: Request, name: str, role: Role) -> None:
    """Begin a session, in place of any other one of the same browser."""
    request.session.clear()
    request.session.update(
        qui=name,
        role=role.value,
        jeton=secrets.token_urlsafe(24),
        fin=int(time.time()) + SESSION_S,
    )

"""Who asks, and what they may do: the one place that decides it.

Without configuration, a link that works once lets its first user in; a team signs in by OpenID
Connect (`signin.py`). What a person may do is said of each démarche apart: by a role there, which
has rights; without a role the démarche is not there for them. Each page names the right that it
needs. Each write needs a token that only the session's own pages have, and must come from a page of
this address.

The page that refuses a form shows what was typed, to be copied.
"""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from dsync.domain.access_given import NOTHING_GIVEN, Given

if TYPE_CHECKING:
    from dsync.configuration import AccesSection


SESSION_S = 8 * 3600
ENTRY = "/entrer"
EXIT = "/sortir"
_SPENT = (
    "Ce lien n’est pas, ou plus, valable : il ne sert qu’une fois. Demandez le dernier à la "
    "personne qui a lancé cette console."
)
_FORGED = "Ce formulaire n’est plus valable. Revenez à la page, rechargez-la et recommencez."


class Role(StrEnum):
    """What a person is to a démarche; of two roles, the first counts."""

    ADMINISTRATEUR = "administrateur"
    INSTRUCTEUR = "instructeur"
    JURY = "jury"
    LECTEUR = "lecteur"


class Right(StrEnum):
    """What a page, a value or a button needs."""

    LIRE = "lire"
    """To read what is neither of persons nor written by them."""
    PERSONNES = "personnes"
    """To see personal data."""
    TEXTES = "textes"
    """To see the free texts of a candidature."""
    NOTES = "notes"
    """To see marks. A lecteur has it from the day of the deliberation on."""
    AGIR = "agir"
    """To answer checks, settle conflicts, have dossiers read, judged and written again."""
    ADMINISTRER = "administrer"
    """To erase, and to accept what a brake stopped."""


RIGHTS: Mapping[Role, frozenset[Right]] = {
    Role.ADMINISTRATEUR: frozenset(Right),
    Role.INSTRUCTEUR: frozenset(Right) - {Right.ADMINISTRER},
    Role.JURY: frozenset({Right.LIRE, Right.TEXTES, Right.NOTES}),
    Role.LECTEUR: frozenset({Right.LIRE}),
}


class Grant(NamedTuple):
    """What a person is to one démarche."""

    role: Role
    groupes: frozenset[str] | None = None
    """The groupes instructeurs whose dossiers they see and act on; None: all dossiers."""
    deports: frozenset[int] = frozenset()
    """The dossiers that they do not see, because of a conflict of interest."""


def limits(grants: Mapping[int, Grant]) -> dict[int, frozenset[str]]:
    """Return the groupes of the démarches of which not all dossiers are seen, by number."""
    return {n: one.groupes for n, one in grants.items() if one.groupes is not None}


class Actor(NamedTuple):
    """A person with a session."""

    name: str
    """For the journal: an account and its machine, or an e-mail address."""
    grants: Mapping[int, Grant]
    """By the number of each démarche in which the person has a role; at least one."""
    token: str
    """In each form of the session's pages."""


class Access:
    """Who may enter, and by which way: what both ways share."""

    refusal = "Cette page demande une session."
    """What the page says that somebody without a session gets."""
    welcome: str | None = None
    """Its title; None: « Accès refusé »."""
    farewell = "Votre session est fermée."
    given: Callable[[str], Given] = staticmethod(lambda name: NOTHING_GIVEN)
    """What the database says of a person; the console sets it."""
    is_proconnect = False
    """Whether the way in is ProConnect, whose button has a text of its own."""
    origin: str | None = None
    """Scheme, host and port of the console's pages; None: whatever the request's `Host` says."""

    @property
    def routes(self) -> list[Route]:
        """The addresses that need no session."""
        return []

    @property
    def identity(self) -> str:
        """What tells this way in from others: its sessions are valid nowhere else."""
        raise NotImplementedError

    @property
    def is_secure(self) -> bool:
        """Whether browsers send the session over encrypted connections alone."""
        return (self.origin or "").startswith("https://")

    def open(self) -> None:
        """Begin to let people in."""

    def grant(
        self, demarche: int, name: str, session: Mapping[str, Any], given: Given = NOTHING_GIVEN
    ) -> Grant | None:
        """Return what a person is to a démarche now, None if nothing (any more).

        `given` is what the database says of them.
        """
        raise NotImplementedError

    def entries(self, demarche: int) -> Sequence[AccesSection]:
        """Return `[[acces]]` of a démarche, as it is now."""
        return ()

    def follow(self, acces: Mapping[int, Sequence[AccesSection]]) -> None:
        """Take up `[[acces]]` of each démarche, by its number, as it is now."""

    def way_in(self, request: Request) -> str | None:
        """Return the address that begins a session and leads back to the page, if there is one."""
        return None

    async def way_out(self, session: Mapping[str, Any]) -> str | None:
        """Return where a session also ends that is closed here, and change nothing."""
        return None

    def check_session(self, request: Request) -> None:
        """Check that there is a session that has not ended by itself, else 403."""
        if request.session.get("fin", 0) < time.time():
            raise HTTPException(403, self.refusal)

    def actor_of(self, request: Request, demarches: Iterable[int], given: Given) -> Actor:
        """Return who asks; `given` is what the database says of them.

        Raises:
            HTTPException: there is no session, it has ended, or its person has no role in any of
                the démarches (403).
        """
        self.check_session(request)
        session = request.session
        name = session["qui"]
        found = {number: self.grant(number, name, session, given) for number in demarches}
        grants = {
            number: one._replace(deports=given.deports)
            for number, one in found.items()
            if one is not None
        }
        if not grants:
            raise HTTPException(403, self.refusal)
        return Actor(name, grants, session["jeton"])

    def is_own(self, request: Request) -> bool:
        """Return whether a form comes from a page of this console, of whichever session."""
        origin = request.headers.get("origin", "")
        if self.origin is None:
            return origin.partition("://")[2] == request.headers.get("host", "-")
        return origin == self.origin

    def check_write(self, request: Request, actor: Actor, form: Mapping[str, str]) -> None:
        """Check that a form comes from one of the session's own pages, else 403."""
        if not self.is_own(request):
            raise HTTPException(403, _FORGED)
        if not hmac.compare_digest(form.get("jeton", "").encode(), actor.token.encode()):
            raise HTTPException(403, _FORGED)


class LocalAccess(Access):
    """Access by a link that works once; whoever can read it is the user of this process.

    `announce` shows a link: at the start, and the next one when one was used.
    """

    refusal = (
        "Cette page demande une session. Ouvrez le lien que « dsync console » (ou « dsync run ») "
        "montre à la personne qui l’a lancé."
    )
    farewell = "Pour entrer de nouveau, ouvrez le dernier lien que « dsync console » a montré."

    def __init__(
        self, user: str, announce: Callable[[str], None], role: Role = Role.ADMINISTRATEUR
    ) -> None:
        self._user = user
        self._role = role
        self._announce = announce
        self._word = ""

    @property
    def routes(self) -> list[Route]:
        """The addresses that need no session."""
        return [entry(ENTRY, self._enter)]

    @property
    def identity(self) -> str:
        """Whoever entered by the link has the role that it gave."""
        return f"link {self._user} {self._role}"

    def grant(
        self, demarche: int, name: str, session: Mapping[str, Any], given: Given = NOTHING_GIVEN
    ) -> Grant | None:
        """Return the role of whoever has the link."""
        return Grant(self._role)

    def open(self) -> None:
        """Make the next link, and show it."""
        self._word = secrets.token_urlsafe(32)
        self._announce(f"{ENTRY}?cle={self._word}")

    async def _enter(self, request: Request) -> Response:
        word = request.query_params.get("cle", "")
        if not self._word or not hmac.compare_digest(word.encode(), self._word.encode()):
            raise HTTPException(403, _SPENT)
        self.open()
        begin(request, self._user)
        return RedirectResponse("/", 303)


def granted(
    entries: Iterable[AccesSection], name: str, has: Mapping[str, Sequence[str]]
) -> Grant | None:
    """Return what `[[acces]]` of a démarche gives to an address with claims, None if nothing.

    An address named in full counts more than a claim, and this more than the domain. Of the roles
    that are then left, the first counts, in all groupes for which it is given.
    """
    every = tuple(entries)
    domain = f"@{name.rpartition('@')[2]}"
    for found in (
        [one for one in every if name in one.who],
        [one for one in every if _has_claim(one.claims, has)],
        [one for one in every if domain in one.who],
    ):
        for role in Role:
            if limits := [one.groupes for one in found if one.role == role]:
                groupes = frozenset(groupe for some in limits for groupe in some or ())
                return Grant(role, None if None in limits else groupes)
    return None


def _has_claim(wanted: Mapping[str, Sequence[str]], has: Mapping[str, Sequence[str]]) -> bool:
    return any(value in has.get(name, ()) for name, values in wanted.items() for value in values)


def entry(path: str, endpoint: Callable[[Request], Awaitable[Response]]) -> Route:
    """Return the route of an address that what is in it serves once: GET alone.

    Starlette would answer HEAD by the same function; mail programs send it to look at a link.
    """
    route = Route(path, endpoint, methods=["GET"])
    route.methods = {"GET"}
    return route


def begin(request: Request, name: str) -> None:
    """Begin a session, in place of any other one of the same browser."""
    request.session.clear()
    request.session.update(
        qui=name,
        jeton=secrets.token_urlsafe(24),
        # Sessions of one second are told apart, when those before an instant are closed.
        fin=time.time() + SESSION_S,
    )


TYPED = {
    "motif": "Pourquoi, et d’après quoi",
    "produit": "Produit sur lequel porte le dossier, s’il est conforme (facultatif)",
    "texte": "Courriel, nom, téléphone ou SIRET",
    "nom": "Nom de la liste",
    "membres": "Membres du jury",
    "numeros": "Dossiers prévus",
}
"""The fields into which texts are typed, with their labels; a test compares them with the pages."""


def typed_texts(form: Mapping[str, str]) -> dict[str, str]:
    """Return the texts that were typed into a form, by the labels of their fields."""
    return {label: form[name] for name, label in TYPED.items() if form.get(name, "").strip()}

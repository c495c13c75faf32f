"""The team's sign-in: who gets in, and that nothing forged does."""

from __future__ import annotations

import html
import logging
import re
import shutil
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import structlog

from dsync.cli.stderr import configure_logging
from dsync.configuration import AccesSection, ConsoleSection, OpenIdSection
from dsync.console.access import Access
from dsync.console.openid import Provider
from dsync.console.signin import BACK, MOST_OF_ONE, WINDOW_S, Failures, local_path
from dsync.sandbox import Sandbox
from tests.acceptance.worker.installed import until
from tests.commands.command import config_with
from tests.commands.conftest import operator
from tests.console.provider import (
    CLIENT,
    ELLIPTIC,
    EMAIL,
    KEY,
    PUBLIC,
    SECRET,
    STRANGER,
    Claims,
    Clock,
    FakeProvider,
    as_,
    cut,
    provider,
    shared_secret,
    signed,
    team_access,
    unsigned,
)
from tests.console.served import ServedConsole, Visitor, beside, served, stranger, words
from tests.engine.rig import Engine

KELVIN = "\N{KELVIN SIGN}ay@dinum.example.fr"
"""In lower case, it is the address of an operator."""


class Team:
    """A console with a sign-in, its provider, and its clock."""

    def __init__(self, console: ServedConsole, fake: FakeProvider, clock: Clock) -> None:
        self.base = console.base
        self.provider = fake
        self.clock = clock

    def enter(self, own: requests.Session | None = None, to: str = "/") -> requests.Response:
        """Sign in, and follow where it leads."""
        return (own or stranger()).get(f"{self.base}/entrer", params={"vers": to})

    def sent_back(self, own: requests.Session) -> str:
        """Sign in at the provider; return the address that it sends the browser back to."""
        begun = own.get(f"{self.base}/entrer", allow_redirects=False)
        answer = own.get(begun.headers["Location"], allow_redirects=False)
        return answer.headers["Location"]


@pytest.fixture(scope="module")
def shared(read_once: Engine) -> Iterator[Team]:
    with provider() as made:
        clock = Clock()
        with served(read_once, access=team_access(made.issuer, clock)) as console:
            yield Team(console, made, clock)


@pytest.fixture
def fake(shared: Team) -> FakeProvider:
    """The provider, which answers as it should."""
    shared.provider.reset()
    return shared.provider


@pytest.fixture
def team(shared: Team, fake: FakeProvider) -> Team:
    """The console, on which no sign-in has failed lately."""
    shared.clock.now += WINDOW_S
    return shared


def test_an_allowed_person_enters_and_comes_to_the_page_asked_for(team: Team) -> None:
    """By code with PKCE, state and nonce of 32 characters and more; the name is the address."""
    own = stranger()
    refused = own.get(f"{team.base}/dossiers?q=a%26b")
    assert 403 == refused.status_code
    [link] = re.findall(r'href="(/entrer[^"]*)"', refused.text)
    page = own.get(team.base + link)
    assert (200, f"{team.base}/dossiers?q=a%26b") == (page.status_code, page.url)
    assert EMAIL.lower() in page.text
    [asked] = team.provider.asked
    assert all(len(asked[name]) >= 32 for name in ("state", "nonce", "code_challenge"))
    assert ("code", "openid email", "S256") == (
        asked["response_type"],
        asked["scope"],
        asked["code_challenge_method"],
    )


def test_what_is_asked_is_what_the_provider_has(fake: FakeProvider) -> None:
    """A claim that gives a role, where it is a scope; no PKCE where its document lacks it."""
    fake.document = changed(
        scopes_supported=["openid", "email", "groups"], code_challenge_methods_supported=["plain"]
    )
    asked = Provider(
        OpenIdSection(issuer=fake.issuer, client_id=CLIENT),
        SECRET,
        redirect_uri=f"https://dsync.example.fr{BACK}",
        user_agent="dsync/test",
        stop=threading.Event(),
        claims={"groups", "site"},
    )
    query = parse_qs(urlsplit(asked.begin()[0]).query)
    assert (["openid email groups"], False) == (query["scope"], "code_challenge" in query)


def test_plain_userinfo_and_elliptic_keys_are_taken_too(team: Team) -> None:
    """Providers differ in what they sign, and how."""
    team.provider.sign_userinfo = None
    team.provider.sign_id = signed(ELLIPTIC, "ES256")
    assert 200 == team.enter().status_code


def changed(**values: Any) -> Callable[[Claims], None]:
    return lambda claims: claims.update(values)


def without(name: str) -> Callable[[Claims], None]:
    def drop(claims: Claims) -> None:
        del claims[name]

    return drop


FORGERIES: dict[str, dict[str, Any]] = {
    "signature of another key": {"sign_id": signed(STRANGER)},
    "unknown key": {"sign_id": signed(KEY, kid="nobody")},
    "claims changed after the signature": {"sign_id": cut},
    "alg none": {"sign_id": unsigned},
    "HS256 with the public key": {"sign_id": shared_secret(PUBLIC, "current")},
    "HS256 with the client's secret": {"sign_id": shared_secret(SECRET.encode(), "shared")},
    "no token at all": {"sign_id": lambda _: ""},
    "expired": {"id_token": changed(exp=1_700_000_000)},
    "no expiry": {"id_token": without("exp")},
    "expiry that is no number": {"id_token": changed(exp="tomorrow")},
    "issued in the future": {"id_token": changed(iat=4_000_000_000)},
    "another audience": {"id_token": changed(aud="somebody-else")},
    "no audience": {"id_token": without("aud")},
    "made for another of several audiences": {"id_token": changed(aud=[CLIENT, "other"])},
    "another issuer": {"id_token": changed(iss="https://elsewhere.example.fr")},
    "no issuer": {"id_token": without("iss")},
    "another nonce": {"id_token": changed(nonce="n" * 64)},
    "no nonce": {"id_token": without("nonce")},
    "no subject": {"id_token": without("sub")},
    "userinfo of another key": {"sign_userinfo": signed(STRANGER)},
    "userinfo without signature": {"sign_userinfo": unsigned},
    "userinfo with HS256": {"sign_userinfo": shared_secret(PUBLIC, "current")},
    "userinfo of another person": {"userinfo": changed(sub="s2")},
    "userinfo for another client": {"userinfo": changed(aud="somebody-else")},
    "userinfo of another issuer": {"userinfo": changed(iss="https://elsewhere.example.fr")},
    "unsigned userinfo of another person": {"sign_userinfo": None, "userinfo": changed(sub="s2")},
    "another address": {"userinfo": changed(email="eve@dinum.example.fr")},
    "two addresses in one": {"userinfo": changed(email=f"eve@x.fr,{EMAIL}")},
    "no address": {"userinfo": without("email")},
    "an address that is no text": {"userinfo": changed(email=[EMAIL])},
    "an address that is not verified": {"userinfo": changed(email_verified=False)},
    "an address that the ID token says is not verified": {
        "userinfo": changed(email_verified=True),
        "id_token": changed(email_verified=False),
    },
    "a verified ID token and an unverified userinfo": {
        "userinfo": changed(email_verified=False),
        "id_token": changed(email_verified=True, email=EMAIL),
    },
    "made by another client for this one": {"id_token": changed(azp="other")},
    "a Kelvin sign for the k": {"userinfo": changed(email=KELVIN)},
    "letters that are not ASCII": {"userinfo": changed(email="ada@dınum.example.fr")},
    "document of another issuer": {"document": changed(issuer="https://elsewhere.example.fr")},
    "document without a token address": {"document": without("token_endpoint")},
    "token address without encryption": {
        "document": changed(token_endpoint="http://elsewhere.example.fr/token")
    },
    "sign-in address without encryption": {
        "document": changed(authorization_endpoint="http://elsewhere.example.fr/authorize")
    },
}


def test_nothing_forged_enters(team: Team) -> None:
    entered = []
    for name, answers in FORGERIES.items():
        team.provider.reset(**answers)
        team.clock.now += WINDOW_S
        own = stranger()
        answer = team.enter(own)
        if (answer.status_code, own.get(team.base).status_code) != (403, 403):
            entered.append(name)
    assert [] == entered


def test_what_was_sent_back_serves_once_and_one_browser(team: Team) -> None:
    """A state of another browser, a second use, a kept cookie: nobody enters by them.

    A mail program that looks at the address first does not spend the sign-in.
    """
    victim, thief = stranger(), stranger()
    back = team.sent_back(victim)
    assert 403 == thief.get(back).status_code
    assert 403 == victim.head(back).status_code
    before = dict(victim.cookies)
    assert 200 == victim.get(back).status_code
    assert 403 == victim.get(back, allow_redirects=False).status_code
    again = stranger().get(back, allow_redirects=False, cookies=before)
    assert 403 == again.status_code
    other = stranger()
    team.sent_back(other)
    assert 403 == other.get(back).status_code


@pytest.mark.parametrize(
    "wanted",
    ["https://evil.example.fr", "//evil.example.fr", "/\\evil.example.fr", "\\/evil", "/\t/evil",
     "javascript:alert(1)", "/entrer", "", "/x\r\nSet-Cookie: a=b", "/" + "x" * 600],
)  # fmt: skip
def test_a_sign_in_leads_to_own_pages_only(wanted: str) -> None:
    """Anything else leads to the first page."""
    assert "/" == local_path(wanted)
    assert "/dossiers?q=%2F%2Fx" == local_path("/dossiers?q=%2F%2Fx")


def test_failed_sign_ins_are_limited(team: Team) -> None:
    """By address, with a page that says so; later they may try again."""
    for _ in range(MOST_OF_ONE):
        assert 403 == fail(team.base).status_code
    for path in (BACK, "/entrer"):
        answer = stranger().get(team.base + path, allow_redirects=False)
        assert (429, True) == (answer.status_code, "quelques minutes" in answer.text)
        assert answer.headers["Retry-After"] == str(WINDOW_S)
    team.clock.now += WINDOW_S
    assert 200 == team.enter().status_code


def test_sign_ins_at_once_are_tried_no_more_often(team: Team) -> None:
    """Each counts before the provider is asked; one that succeeds counts no more."""
    for _ in range(MOST_OF_ONE):
        assert 200 == team.enter().status_code
    asked, begun = team.provider.exchanges, [begin(team.base) for _ in range(4 * MOST_OF_ONE)]
    with ThreadPoolExecutor(len(begun)) as threads:
        tried = list(threads.map(lambda one: one[0].get(one[1]).status_code, begun))
    assert {403: MOST_OF_ONE, 429: 3 * MOST_OF_ONE} == Counter(tried)
    assert MOST_OF_ONE == team.provider.exchanges - asked


def fail(base: str, **headers: str) -> requests.Response:
    """Begin a sign-in, and answer it with a code that the provider does not know."""
    own, back = begin(base, **headers)
    return own.get(back, headers=headers)


def begin(base: str, **headers: str) -> tuple[requests.Session, str]:
    """Begin a sign-in; return whose it is, and where to answer it with an unknown code."""
    own = stranger()
    begun = own.get(f"{base}/entrer", allow_redirects=False, headers=headers)
    state = parse_qs(urlsplit(begun.headers.get("Location", "")).query).get("state", [""])[0]
    return own, f"{base}{BACK}?state={state}&code=none"


def test_answers_of_no_sign_in_lock_nobody_out(team: Team) -> None:
    """Neither without one begun here, nor with another state; nor does an absent provider."""
    other = parse_qs(urlsplit(team.sent_back(stranger())).query)["state"][0]
    for state in ("x", other):
        for _ in range(MOST_OF_ONE):
            own = stranger()
            address = f"{team.base}{BACK}?state={state}&code=y"
            assert 403 == own.get(address).status_code
            own.get(f"{team.base}/entrer", allow_redirects=False)
            assert 403 == own.get(address).status_code
    assert 200 == team.enter().status_code


def test_the_command_serves_a_console_that_lets_its_people_in(
    fake: FakeProvider, tmp_path: Path
) -> None:
    """As a process of its own, by its configuration and environment alone."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    base = f"http://127.0.0.1:{port}"
    more = (
        f'[console]\npublic_url = "{base}"\n[console.openid]\nissuer = "{fake.issuer}"\n'
        f'client_id = "{CLIENT}"\n[[acces]]\nrole = "lecteur"\nwho = ["{EMAIL.lower()}"]\n'
    )
    config = config_with(tmp_path, more=more)
    with Sandbox.start(dossiers=3, seed=7) as sandbox:
        command = operator(sandbox, tmp_path)
        assert 0 == command("sync", DSYNC_CONFIG=config).code
        process = command.start(
            "console", "--port", str(port),
            DSYNC_CONFIG=config, DSYNC_OIDC_CLIENT_SECRET=SECRET,
        )  # fmt: skip
        try:
            until(lambda: _answers(base))
            page = stranger().get(f"{base}/entrer")
            assert (200, True) == (page.status_code, "<strong>lecteur</strong>" in page.text)
        finally:
            process.terminate()
            process.communicate(timeout=20)


def _answers(base: str) -> bool:
    try:
        return stranger().get(base).status_code == 403
    except requests.ConnectionError:
        return False


def test_two_offices_are_two_and_one_line_is_one() -> None:
    """Of IPv6 a /64 counts as one; however many fail, somebody else may try."""
    clock = Clock()
    failures = Failures(clock)
    for rank in range(500):
        failures.add(f"2001:db8::{rank:x}")
        failures.add(f"192.0.2.{rank % 250}")
    for address in ("2001:db8::ffff:1", "::ffff:10.0.0.1", "10.0.0.1"):
        assert failures.are_too_many(address) == address.startswith("2001:db8::")
    for _ in range(MOST_OF_ONE):
        failures.add("::ffff:10.0.0.1")
    assert failures.are_too_many("10.0.0.1")
    assert not failures.are_too_many("2001:db8:0:1::1")
    assert not failures.are_too_many("192.0.2.7")
    assert not failures.are_too_many("unknown")
    clock.now += WINDOW_S
    assert not failures.are_too_many("2001:db8::1")


def test_the_provider_is_not_asked_for_whoever_comes(team: Team) -> None:
    """Its document is kept; only who comes back from it causes requests."""
    for _ in range(5):
        stranger().get(f"{team.base}/entrer", allow_redirects=False)
    assert 1 == team.provider.requests


def test_a_session_ends_at_the_provider_too(team: Team) -> None:
    """With the ID token as a hint, and the console as the place to come back to."""
    visitor = Visitor(team.base, "/entrer")
    answer = visitor.post("/sortir")
    assert "Session fermée" in words(answer.text)
    [link] = set(re.findall(r'<a class="fr-link" href="(http[^"]+)"', answer.text))
    parameters = parse_qs(urlsplit(link.replace("&amp;", "&")).query)
    assert link.startswith(f"{team.provider.issuer}/session/end?")
    assert 3 == len(parameters["id_token_hint"][0].split("."))
    assert [f"{team.base}/"] == parameters["post_logout_redirect_uri"]
    assert len(parameters["state"][0]) >= 32
    assert 403 == visitor.get("/").status_code


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Its own imports.
def test_a_real_provider_lets_people_in(read_engine: Engine) -> None:
    """One that others wrote: discovery, form, code, ID token, plain userinfo, sign-out."""
    import oidc_provider_mock as mock

    people = [
        mock.User(sub="ada", claims={"email": EMAIL, "email_verified": True}),
        mock.User(sub="eve", claims={"email": "eve@elsewhere.example.fr"}),
    ]
    with mock.run_server_in_thread(user_claims=people, require_nonce=True) as server:
        issuer = f"http://localhost:{server.server_port}"
        with served(read_engine, access=team_access(issuer, Clock())) as console:
            for person, status in (("ada", 200), ("eve", 403)):
                own = stranger()
                begun = own.get(f"{console.base}/entrer", allow_redirects=False)
                form = begun.headers["Location"]
                page = own.post(form, data={"sub": person})
                assert status == page.status_code, page.text
                back = page.history[0].headers["Location"]
                # The code and the state have served.
                assert 403 == own.get(back, allow_redirects=False).status_code
                if status == 403:
                    assert (
                        "eve@elsewhere.example.fr\u00a0» n’est pas, ou plus, autorisée" in page.text
                    )
                    continue
                left = Visitor(console.base, "/", own).post("/sortir")
                [link] = set(re.findall(r'<a class="fr-link" href="(http[^"]+)"', left.text))
                assert 200 == own.get(html.unescape(link)).status_code


def test_an_issuer_and_an_address_may_be_written_in_full(
    read_engine: Engine, fake: FakeProvider
) -> None:
    """Some issuers end with a slash; browsers leave out a usual port and the last slash."""
    issuer = f"{fake.issuer}/"
    fake.document = changed(issuer=issuer)
    fake.id_token = fake.userinfo = changed(iss=issuer)
    with served(read_engine, access=team_access(issuer, Clock())) as console:
        assert 200 == Team(console, fake, Clock()).enter().status_code
    written = ConsoleSection(public_url="https://DSYNC.example.fr:443/")
    assert "https://dsync.example.fr" == written.public_url


ROLES_OF_TODAY = [
    ([as_("administrateur", EMAIL)], 200, True),
    ([as_("lecteur", "@dinum.example.fr")], 200, False),
    ([as_("administrateur", "@dinum.example.fr"), as_("lecteur", EMAIL)], 200, False),
    ([as_("administrateur", "other@dinum.example.fr")], 403, False),
    ([as_("administrateur", "@example.fr")], 403, False),
]
"""Who is in the file now, and whether somebody of yesterday may still read, and act."""


@pytest.mark.parametrize("how", ["restarted", "reloaded"])
def test_a_person_taken_out_of_the_configuration_is_out(
    read_engine: Engine, fake: FakeProvider, how: str
) -> None:
    """At the next request, although the session is still signed by the same key."""
    own, found, public = stranger(), [], dict[str, str]()

    def started(acces: list[Any]) -> Callable[[str, threading.Event], Access]:
        made = team_access(fake.issuer, Clock(), acces=acces)
        # One public address, as of a service that is started again.
        return lambda base, stop: made(public.setdefault("base", base), stop)

    def looked(console: ServedConsole) -> None:
        if not own.cookies:
            own.get(f"{console.base}/entrer")
        answer = own.get(f"{console.base}/suivi")
        found.append((answer.status_code, "Synchroniser maintenant" in answer.text))

    if how == "restarted":
        for acces, *_ in ROLES_OF_TODAY:
            with served(read_engine, access=started(acces)) as console:
                looked(console)
    else:
        app = read_engine.worker.app
        with served(read_engine, access=team_access(fake.issuer, Clock())) as console:
            for acces, *_ in ROLES_OF_TODAY:
                sections = tuple(AccesSection.model_validate(one) for one in acces)
                console.console.replace([beside(app, acces=sections)])
                looked(console)
    assert [expected for _, *expected in ROLES_OF_TODAY] == [[*one] for one in found]


def test_the_session_is_for_encrypted_connections_alone(
    read_engine: Engine, fake: FakeProvider
) -> None:
    """Where the public address is https, whatever a proxy sends on; forms must come from there."""
    public = "https://dsync.example.fr"
    access = team_access(fake.issuer, Clock())
    with served(read_engine, access=lambda _, stop: access(public, stop)) as console:
        answer = stranger().get(f"{console.base}/entrer", allow_redirects=False)
    cookie = answer.headers["Set-Cookie"].lower()
    assert cookie.startswith("__host-dsync_console=")
    for word in ("httponly", "samesite=lax", "secure", "path=/", "max-age=28800"):
        assert word in cookie
    back = parse_qs(urlsplit(answer.headers["Location"]).query)["redirect_uri"]
    assert [f"{public}{BACK}"] == back


def test_behind_a_known_proxy_each_client_counts_for_itself(
    read_engine: Engine, fake: FakeProvider
) -> None:
    """What the proxy itself appended; anybody else's `X-Forwarded-For` is not believed."""
    for proxies, status in ((["127.0.0.0/8"], 303), ([], 429)):
        access = team_access(fake.issuer, Clock(), proxies=proxies)
        with served(read_engine, access=access) as console:
            for rank in range(MOST_OF_ONE):
                named = {"X-Forwarded-For": f"10.0.0.{rank}, 192.0.2.1"}
                assert 403 == fail(console.base, **named).status_code
            for address, expected in (("192.0.2.1", 429), ("192.0.2.2", status)):
                answer = stranger().get(
                    f"{console.base}/entrer",
                    headers={"X-Forwarded-For": address},
                    allow_redirects=False,
                )
                assert expected == answer.status_code


@pytest.mark.parametrize(
    "lines",
    [
        ("VICTIM", "192.0.2.66"),
        ("VICTIM, 127.0.0.1", "192.0.2.66, 127.0.0.9"),
        ("VICTIM,", "192.0.2.66, ,127.0.0.9,"),
        ("127.0.0.1", "VICTIM, 192.0.2.66, ::ffff:127.0.0.9"),
        ("VICTIM", "127.0.0.1", "192.0.2.66", "127.0.0.9"),
        ("VICTIM:1", "192.0.2.66:PORT, 127.0.0.9:PORT"),
    ],
)
def test_a_forged_line_before_that_of_the_proxy_is_never_believed(
    read_engine: Engine, fake: FakeProvider, lines: tuple[str, ...]
) -> None:
    """Of all lines, the last address that is no known proxy: it is locked out, with any port."""
    access = team_access(fake.issuer, Clock(), proxies=["127.0.0.0/8"])
    with served(read_engine, access=access) as console:
        for rank in range(MOST_OF_ONE):
            victim = f"192.0.2.{rank % 2 + 1}"
            own = [
                line.replace("VICTIM", victim).replace("PORT", str(4000 + rank)) for line in lines
            ]
            begun = raw(console.base, "/entrer", own)
            state = parse_qs(urlsplit(begun.headers["Location"]).query)["state"][0]
            cookie = begun.headers["Set-Cookie"].partition(";")[0]
            back = f"{BACK}?state={state}&code=none"
            assert 403 == raw(console.base, back, own, cookie).status
        later = [line.replace("VICTIM", "x").replace("PORT", "9") for line in lines]
        for locked in (later, ["192.0.2.66"]):
            assert 429 == raw(console.base, "/entrer", locked).status
        for victim in ("192.0.2.1", "192.0.2.2", "192.0.2.3"):
            assert 303 == raw(console.base, "/entrer", [victim]).status


def raw(base: str, path: str, forwarded: Iterable[str], cookie: str = "") -> HTTPResponse:
    """Send a request with a header line for each of these."""
    place = urlsplit(base)
    with closing(HTTPConnection(place.hostname or "", place.port, timeout=20)) as connection:
        connection.putrequest("GET", path)
        for line in forwarded:
            connection.putheader("X-Forwarded-For", line)
        connection.putheader("Cookie", cookie)
        connection.endheaders()
        answer = connection.getresponse()
        answer.read()
        return answer


def test_the_log_has_no_address_and_no_token(team: Team, capfd: pytest.CaptureFixture[str]) -> None:
    """Neither of those who enter nor of those who do not, whatever the level."""
    before = structlog.get_config()
    configure_logging("json", logging.DEBUG)
    try:
        assert 200 == team.enter().status_code
        team.provider.userinfo = changed(email="eve@dinum.example.fr")
        assert 403 == team.enter().status_code
        team.provider.sign_id = cut
        assert 403 == team.enter().status_code
    finally:
        logged = "".join(capfd.readouterr())
        logging.getLogger().handlers[:] = []
        logging.getLogger().setLevel(logging.WARNING)
        structlog.configure(**before)
    assert '"signed_in"' in logged
    assert '"not_allowed"' in logged
    assert '"BadSignatureError"' in logged
    state = team.provider.asked[0]["state"]
    for secret in (SECRET, EMAIL.lower(), "eve@", "t" * 40, "eyJ", state, "code-1"):
        assert secret not in logged


def test_a_level_of_authentication_can_be_needed(read_engine: Engine, fake: FakeProvider) -> None:
    """It is asked for, and a lower one is refused."""
    access = team_access(fake.issuer, Clock(), acr_values="eidas2 eidas3")
    with served(read_engine, access=access) as console:
        team = Team(console, fake, Clock())
        assert 403 == team.enter().status_code
        assert "eidas2 eidas3" == fake.asked[0]["acr_values"]
        fake.id_token = changed(acr="eidas2")
        assert 200 == team.enter().status_code
    # A second factor, which ProConnect asks for only if the level is essential.
    fake.reset()
    access = team_access(fake.issuer, Clock(), acr_values="eidas0-mfa eidas1-mfa eidas2 eidas3")
    with served(read_engine, access=access) as console:
        assert 200 == Team(console, fake, Clock()).enter().status_code


def test_a_session_is_closed_everywhere(team: Team) -> None:
    """On every device of this person, and of nobody else; who enters again is let in."""
    devices = [Visitor(team.base, "/entrer?vers=/plus") for _ in range(3)]
    assert 200 == devices[0].post("/sortir", partout="oui").status_code
    assert [403, 403, 403] == [one.get("/dossiers").status_code for one in devices]
    assert 200 == team.enter(to="/dossiers").status_code


def test_the_command_needs_a_whole_sign_in_for_other_machines(tmp_path: Path) -> None:
    """One sentence and exit 2 for what is missing; with all of it, no link is printed."""
    with Sandbox.start(dossiers=1, seed=7) as sandbox:
        command = operator(sandbox, tmp_path)
        assert 0 == command("sync").code
        for host in ("0.0.0.0", "192.0.2.1"):
            refused = command("console", "--host", host)
            assert (2, True) == (refused.code, "[console.openid]" in refused.err)

        def configured(text: str) -> str:
            shutil.rmtree(tmp_path / "own", ignore_errors=True)
            return config_with(tmp_path, more=text)

        openid = (
            '[console.openid]\nissuer = "https://op.example.fr"\nclient_id = "c"\n'
            '[[acces]]\nrole = "administrateur"\nwho = ["@dinum.example.fr"]\n'
        )
        for text, said in (
            (openid, "public_url"),
            ('[console]\npublic_url = "http://dsync.example.fr"', "expected an address https"),
            ('[console]\npublic_url = "https://dsync.example.fr/x"', "without a path"),
            (openid.replace("@dinum.example.fr", "*"), "@domain"),
            (openid.replace("https:", "http:"), "expected an address https"),
            (openid.partition("who")[0], "acces.0.who"),
            (openid + 'groupes = ["Sud"]', "groupes is for"),
        ):
            wrong = command("config", "check", DSYNC_CONFIG=configured(text))
            assert (2, True) == (wrong.code, said in wrong.err), text
        whole = configured(f'[console]\npublic_url = "https://dsync.example.fr"\n{openid}')
        without = command("console", "--host", "0.0.0.0", "--port", "0", DSYNC_CONFIG=whole)
        assert (2, True) == (without.code, "DSYNC_OIDC_CLIENT_SECRET" in without.err)
        secret = {"DSYNC_OIDC_CLIENT_SECRET": SECRET, "DSYNC_CONFIG": whole}
        shown = command("config", "show", **secret)
        assert SECRET not in shown.out

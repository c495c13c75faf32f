"""The settings of the HTTP surface."""

from __future__ import annotations

from pathlib import Path

import pytest

from dsync.addresses import Listen
from dsync.errors import ConfigurationError
from tests.configured import load_settings

KEY = "whsec_Y2xlLWRlLXNpZ25hdHVyZS1kZS1jZS10ZXN0"


@pytest.mark.parametrize(
    ("text", "listen"),
    [
        (None, Listen("127.0.0.1", 8080)),
        ("", None),
        (" ", None),
        ("0.0.0.0:0", Listen("0.0.0.0", 0)),
        ("localhost:65535", Listen("localhost", 65535)),
        ("[::1]:8080", Listen("::1", 8080)),
    ],
)
def test_the_address_is_host_and_port(
    monkeypatch: pytest.MonkeyPatch, text: str | None, listen: Listen | None
) -> None:
    """An empty one serves no HTTP; what is shown can be given again."""
    if text is not None:
        monkeypatch.setenv("DSYNC_HTTP_LISTEN", text)
    found = load_settings()
    assert listen == found.listen
    assert ("default" if text is None else "environment") == found.sources["http_listen"]
    assert listen is None or text in (None, str(listen))


def test_a_second_address_is_for_metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSYNC_HTTP_LISTEN", "0.0.0.0:8080  [::1]:9090")
    found = load_settings()
    assert Listen("0.0.0.0", 8080) == found.listen
    assert Listen("::1", 9090) == found.metrics_listen


@pytest.mark.parametrize(
    "text",
    [
        "a:1 b:2 c:3",
        "a:1,b:2",
        "8080",
        ":8080",
        "host",
        "host:",
        "host:65536",
        "::1:8080",
        "[1.2]:80",
        "http://a:1",
    ],
)
def test_another_form_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """One sentence with the key and an example."""
    monkeypatch.setenv("DSYNC_HTTP_LISTEN", text)
    with pytest.raises(ConfigurationError, match=r"DSYNC_HTTP_LISTEN: .*127\.0\.0\.1:8080"):
        load_settings()


@pytest.mark.parametrize(
    "text", ["short", "with/a-slash-inside-it", KEY, f"a-secret-of-the-path {KEY[:12]}"]
)
def test_a_secret_that_cannot_work_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Too short, not for an address, a signing key alone or cut; the message does not show it."""
    monkeypatch.setenv("DSYNC_WEBHOOK_SECRET", text)
    with pytest.raises(ConfigurationError, match=r"DSYNC_WEBHOOK_SECRET: ") as caught:
        load_settings()
    assert text not in caught.value.message


def test_the_secret_may_be_in_a_file_and_is_masked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Words separated by blanks or lines."""
    (tmp_path / "secret").write_text(f"a-secret-of-the-path\n{KEY}\n", "utf-8")
    monkeypatch.setenv("DSYNC_WEBHOOK_SECRET_FILE", str(tmp_path / "secret"))
    found = load_settings()
    assert ("a-secret-of-the-path", KEY) == found.webhook_words
    assert "path" not in str(found.shown()["webhook_secret"])

"""Headers as servers send them, and the odd ones that count as absent."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from dsync.exchanges import http_date, retry_after_s, seconds

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ("", None),
        ("12", 12.0),
        ("9" * 400, float("inf")),
        ("\u00b2", None),
        ("-3", None),
        ("bientôt", None),
        ("Tue, 24 Nov 2026 12:00:30 GMT", 30.0),
        ("Tue, 24 Nov 2026 12:00:30 -0000", 30.0),
        ("Tue, 24 Nov 2026 11:00:00 GMT", 0.0),
        ("Tue, 24 Nov 99999999999 12:00:00 GMT", None),
    ],
)
def test_retry_after_has_two_forms(value: str | None, expected: float | None) -> None:
    """Seconds or a date; anything else is absent."""
    headers = {} if value is None else {"Retry-After": value}
    assert expected == retry_after_s(headers, NOW)


@pytest.mark.parametrize(
    "text",
    [
        "Tue, 24 Nov 2026 99:00:00 GMT",
        "Tue, 24 Nov 2026 12:00:00 +9999999999",
        "Fri, 31 Dec 9999 23:59:59 -2300",
        "24",
    ],
)
def test_a_date_that_is_none_is_absent(text: str) -> None:
    """No header of a server's makes an exception."""
    assert http_date(text) is None
    assert seconds("\u0664\u0662") is None

"""What is shown of an address holds no password."""

from __future__ import annotations

import pytest

from dsync.addresses import mask_url


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://dsync:geheim@db.example/dsync",
        "postgresql://:geheim@db.example/dsync",
        "postgresql://dsync:ge@geheim@127.0.0.1:55432/dsync",
        "postgresql://dsync:ge/geheim@db.example/dsync",
        "postgresql://db.example/dsync?user=dsync&password=geheim",
        "postgresql://db.example/dsync?PASSWORD=geheim&sslmode=require",
        "postgresql://dsync:autre@db.example/dsync?sslpassword=geheim",
        "postgresql//dsync:geheim@db.example/dsync",
        "dsync:geheim@db.example",
        "https://user:geheim@ds.example/graphql",
        "https://geheim@ds.example/graphql",
        "https://ds.example/graphql?api_token=geheim",
        "https://ds.example/graphql?a=1&ACCESS_KEY=geheim",
    ],
)
def test_a_password_is_masked_wherever_it_stands(url: str) -> None:
    """Right or wrong, no part of it is printed."""
    assert "geheim" not in mask_url(url)
    assert "ge@" not in mask_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///dsync.db",
        "postgresql://dsync@db.example:5432/dsync?sslmode=require",
        "https://beta.gouv.fr",
    ],
)
def test_an_address_without_a_password_is_shown_as_it_is(url: str) -> None:
    """Operators look for their mistake in it."""
    assert url == mask_url(url)

"""Addresses that no request can go to are told at start."""

from __future__ import annotations

import pytest

from dsync.errors import ConfigurationError
from tests.configured import load_settings


@pytest.mark.parametrize(
    "address", ["pas une url", "ftp://ds.example.fr", "http://", "http://x:port/", "http://[::1"]
)
@pytest.mark.parametrize(
    ("name", "variable"), [("ds_url", "DSYNC_DS_URL"), ("betagouv_url", "DSYNC_BETAGOUV_URL")]
)
def test_an_address_that_is_none_is_refused(address: str, name: str, variable: str) -> None:
    """The sentence names the variable to correct, and not the address: it may hold a password."""
    with pytest.raises(ConfigurationError, match=variable) as refused:
        load_settings(**{name: address})
    assert address not in refused.value.message


@pytest.mark.parametrize(
    "address", ["http://ds.example.fr/graphql", "HTTP://127.0.0.1.example.fr/", "http://10.0.0.1/"]
)
@pytest.mark.parametrize("name", ["ds_url", "betagouv_url"])
def test_http_to_another_machine_is_refused(address: str, name: str) -> None:
    """What goes over it, the token too, can be read on its way."""
    with pytest.raises(ConfigurationError, match="not encrypted") as refused:
        load_settings(**{name: address})
    assert address not in refused.value.message


@pytest.mark.parametrize(
    "address",
    [
        "http://[::1]:1/",
        "http://localhost:1/",
        "http://127.0.0.1:1/api",
        "https://ds.example.fr/graphql",
    ],
)
def test_an_address_is_kept_as_it_is(address: str) -> None:
    """Nothing is added to it or taken from it."""
    assert address == load_settings(ds_url=address).ds_url

"""Grist's own server at its size: thirty views of 10,000 rows.

`DSYNC_TEST_GRIST_URL=… DSYNC_TEST_GRIST_KEY=… pytest tests/bench/test_grist.py -m bench -s`, with
the address of an empty document.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from dsync.exports.grist import Kept, Mirror
from dsync.exports.grist_client import GristClient
from dsync.store.told import Made
from tests.exports.test_grist import TODAY, VIEW, rows

pytestmark = [
    pytest.mark.bench,
    pytest.mark.skipif("DSYNC_TEST_GRIST_URL" not in os.environ, reason="no real Grist is given"),
]
MOST_S = 60


def keep(
    view: str, some: Mapping[str, Mapping[str, Any]], made: Made | None = None
) -> tuple[Kept, Made, int]:
    """Make a view's table equal to some rows; the last number is that of writes."""
    address, key = os.environ["DSYNC_TEST_GRIST_URL"], os.environ["DSYNC_TEST_GRIST_KEY"]
    args = {"about": f"démarche 1, vue {view}", "delete": False, "erased": set[int]()}
    with closing(GristClient(address, key, user_agent="bench")) as asked:
        one = replace(VIEW, name=view)
        return *Mirror(asked, one, made, today=TODAY, **args).keep(some), asked.writes


def test_thirty_views_of_ten_thousand_rows() -> None:
    """A minute at first, no write when nothing changed, ten rows for ten changes."""
    some, made = rows(10_000), {}
    began, used = time.monotonic(), time.process_time()
    for place in range(30):
        kept, made[place], _ = keep(f"vue_{place}", some)
        assert 10_000 == kept.added
    first, used = time.monotonic() - began, time.process_time() - used
    writes = sum(keep(f"vue_{n}", some, one)[2] for n, one in made.items())
    for number in [*some][:10]:
        some[number]["état"] = "accepte"
    kept, _, of_ten = keep("vue_0", some, made[0])
    print(f"first {first:.1f} s, {used:.1f} s of them here")
    print(f"again {writes} writes; ten changes {kept.changed} rows")
    assert (0, 10, 1) == (writes, kept.changed, of_ten)
    assert first <= MOST_S

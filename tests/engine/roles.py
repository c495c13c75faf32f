"""Roles of PostgreSQL that read a database of dsync, and what they see."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, create_engine, make_url, text

from tests.engine.rig import Engine


@contextmanager
def made_role(engine: Engine) -> Iterator[str]:
    """Make a role that may log in, and nothing else; drop it in the end."""
    name = f"analyste-{uuid.uuid4().hex[:8]}"
    engine.execute(f'CREATE ROLE "{name}" LOGIN')
    yield name
    engine.execute(f'DROP OWNED BY "{name}"')
    engine.execute(f'DROP ROLE "{name}"')


@contextmanager
def connected_as(engine: Engine, role: str | None) -> Iterator[Connection]:
    """Yield a connection of a role's; None: of dsync's own."""
    url = make_url(engine.url)
    connecting = create_engine(url.set(username=role) if role else url)
    try:
        with connecting.connect() as connection:
            yield connection
    finally:
        connecting.dispose()


def read(engine: Engine, role: str, query: str) -> list[dict[str, Any]]:
    """Return the rows of a query of the role's."""
    with connected_as(engine, role) as connection:
        return [dict(row) for row in connection.execute(text(query)).mappings()]

"""The log of requests, for tests that count them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any


@dataclass(slots=True)
class Entry:
    """One request to the API."""

    at: datetime
    token: str | None
    operation: str | None = None
    kind: str = "query"
    variables: dict[str, Any] = field(default_factory=dict)
    fields: list[str] = field(default_factory=list)
    """The root fields asked, one for each alias."""
    status: int = 0
    fault: str | None = None
    nodes: int = 0
    """How many dossiers were answered."""
    rendered: int = 0
    """How many of them had to be rendered anew."""
    user_agent: str | None = None
    accept_language: str | None = None

    @property
    def aliases(self) -> int:
        """How many root fields the document asks."""
        return len(self.fields)

    def as_dict(self) -> dict[str, Any]:
        """Return the entry for the control's HTTP side."""
        return {**asdict(self), "at": self.at.isoformat(), "aliases": self.aliases}

"""How much and how long DS is asked, from the configuration."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """How DS is asked."""

    requests_per_minute: int = 350
    connect_timeout_s: float = 10.0
    deadline_s: float = 60.0
    """For one request, whole: connection, waiting, body."""
    attempts: int = 6
    backoff_s: float = 1.0
    """First wait before a read is repeated; doubled each time."""
    max_wait_s: float = 90.0
    """Longest single wait, whatever DS asks for."""
    max_response_mib: float = 64.0
    """Longest answer, decoded: the rest is not read."""
    allow_http: bool = False
    """Whether plain http:// is allowed to other machines than this one."""

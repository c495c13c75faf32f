"""The service: signals, and the scheduler that runs what is due."""

from __future__ import annotations

from dsync.service.scheduler import Service, Worker
from dsync.service.signals import StopSignals

__all__ = ["Service", "StopSignals", "Worker"]

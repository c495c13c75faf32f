"""The kinds of runs and their statuses; the values are those of `lecture_synchronisation`."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """The kinds of runs."""

    INCREMENTAL = "incremental"
    FULL = "complet"
    DOSSIER = "dossier"
    PUSH = "envoi"
    PRECHECK = "precontrole"
    ERASURE = "effacement"
    PIECES = "pieces"
    CONSENT = "accord"


class Status(StrEnum):
    """The status of a run."""

    RUNNING = "running"
    SUCCESS = "success"
    PARTIAL = "partial"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    """Its process died; the next run stores it."""

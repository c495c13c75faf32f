"""Whether the service works, for `/readyz`: database, schema and last success, a démarche each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from dsync import __version__
from dsync.care.concerns import concerns_of
from dsync.care.state import states_of
from dsync.domain.ids import DemarcheNumber
from dsync.domain.remedies import ago, pasteable
from dsync.domain.run_kinds import Status
from dsync.errors import StoreError
from dsync.messages import english
from dsync.messages import kinds as k
from dsync.store.store import process_name

if TYPE_CHECKING:
    from dsync.wiring import Worker


def readiness(
    workers: Sequence[Worker], refused: Sequence[Mapping[str, Any]] = ()
) -> dict[str, Any]:
    """Return what `/readyz` answers; `problems` is empty if the service is ready.

    A problem is a sentence with its remedy. `warnings` need attention too, and leave the service
    ready. A replica is ready also while another one works: it takes over from it. `refused` are the
    problems of the files of démarches that are not served.
    """
    problems: list[Mapping[str, Any]] = [*refused]
    demarches = []
    states: dict[DemarcheNumber, dict[str, Any]] = {}
    lost = ""
    # The list may change meanwhile; it is empty while every file is wrong.
    served = [*workers]
    if served:
        # They share a database: what is wrong with it is so for all.
        store = served[0].store
        try:
            store.check_schema()
            states = states_of(store, [one.looked for one in served], served[0].clock())
        except StoreError as exc:
            lost = exc.message
    for worker in served:
        if state := states.get(worker.demarche):
            shown, problem = _demarche(worker, state, worker.clock())
        else:
            shown = {"demarche": worker.demarche}
            problem = pasteable(lost, worker.settings.remedy_options())
        demarches.append(shown)
        if problem is not None:
            problems.append({"demarche": worker.demarche, "problem": problem})
    return {
        "ready": not problems,
        "version": __version__,
        "problems": problems,
        "demarches": demarches,
    }


def _demarche(
    worker: Worker, state: dict[str, Any], now: datetime
) -> tuple[dict[str, Any], str | None]:
    """Return what is shown of a démarche, and its problem or None."""
    configuration = worker.settings.configuration
    # What DS gave as the reason of a refusal is not shown: counts only.
    state["reasons"] = {}
    concerns = list(concerns_of(state, now, worker.settings.thresholds))
    options = worker.settings.remedy_options()
    last, role = state["last_success_at"], _role(state)
    shown = {
        "demarche": worker.demarche,
        "role": role,
        "services": len([one for one in state["services"] if one["is_alive"]]),
        "last_success_at": last,
        "last_success_age_s": None if last is None else int((now - last).total_seconds()),
        "last_success_limit_s": int(configuration.late_after.total_seconds()),
        "last_run": state["last_run"]
        and {key: state["last_run"][key] for key in ("run", "genre", "statut", "fin")},
        "waiting": state["waiting"],
        "refused": state["refused"],
        "conflicts": state["conflicts"],
        "quarantined": state["quarantined"],
        "token_days_left": worker.settings.token_days_left(now.date()),
        "warnings": [
            pasteable(said, options) for one in concerns if (said := english.warning(one, now))
        ],
    }
    # One that waits while another service works is not late itself.
    is_late = any(isinstance(one, k.NoSuccess | k.Late) for one in concerns)
    problem = _lateness(state, now) if is_late and role != "standby" else None
    return shown, problem and pasteable(problem, options)


def _role(state: Mapping[str, Any]) -> str:
    """Return `working` during a run of this process, `standby` during another's, else `idle`."""
    lease = state["lease"]
    if lease is None:
        return "idle"
    return "working" if lease["holder"] == process_name() else "standby"


def _lateness(state: Mapping[str, Any], now: datetime) -> str:
    last, run = state["last_success_at"], state["last_run"]
    since = "No run has succeeded yet" if last is None else f"The last success was {ago(last, now)}"
    if run is None or run["statut"] == Status.RUNNING:
        return f"{since}: see `dsync history` and the service's log."
    why = " ".join(run["messages"][:1])
    return f"{since}; run {run['run']} ended as {run['statut']}. {why}".strip()

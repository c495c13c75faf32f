"""What probes and scrapers are told, from the database: `/readyz` and `/metrics`.

Of metrics counts only, read at each scrape where the database has them: so a restart loses nothing,
and replicas agree. Ended runs are read once, and added up in memory. What only this process knows,
such as its requests to DS, is counted from its start.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from dsync import __version__
from dsync.care.state import State, concerns_of, messages_of, states_of
from dsync.domain.ids import DemarcheNumber
from dsync.domain.remedies import ago, pasteable
from dsync.errors import StoreError
from dsync.messages import english
from dsync.messages import kinds as k
from dsync.store.codes import Status
from dsync.store.journal import FIGURES, NOT_COUNTED
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
    states: dict[DemarcheNumber, State] = {}
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


def _demarche(worker: Worker, state: State, now: datetime) -> tuple[dict[str, Any], str | None]:
    """Return what is shown of a démarche, and its problem or None."""
    configuration = worker.settings.configuration
    # What DS gave as the reason of a refusal is not shown: counts only.
    work, pushes = state.work, state.work.pushes
    work = work._replace(pushes={name: one._replace(reasons=()) for name, one in pushes.items()})
    concerns = list(concerns_of(replace(state, work=work), now, worker.settings.looked))
    options = worker.settings.remedy_options()
    last, run, role = state.sync.last_success_at, state.last_run, _role(state)
    shown = {
        "demarche": worker.demarche,
        "role": role,
        "services": len(state.alive),
        "last_success_at": last,
        "last_success_age_s": None if last is None else int((now - last).total_seconds()),
        "last_success_limit_s": int(configuration.late_after.total_seconds()),
        "last_run": run and {key: run[key] for key in ("run", "genre", "statut", "fin")},
        **{name: one.dossiers for name, one in pushes.items()},
        "quarantined": work.quarantined,
        "token_days_left": worker.settings.token_days_left(now.date()),
        "warnings": [
            pasteable(said, options) for one in concerns if (said := english.warning(one, now))
        ],
    }
    # One that waits while another service works is not late itself.
    is_late = any(isinstance(one, k.NoSuccess | k.Late) for one in concerns)
    problem = _lateness(state, now) if is_late and role != "standby" else None
    return shown, problem and pasteable(problem, options)


def _role(state: State) -> str:
    """Return `working` during a run of this process, `standby` during another's, else `idle`."""
    if state.lease is None:
        return "idle"
    return "working" if state.lease.holder == process_name() else "standby"


def _lateness(state: State, now: datetime) -> str:
    last, run = state.sync.last_success_at, state.last_run
    since = "No run has succeeded yet" if last is None else f"The last success was {ago(last, now)}"
    if run is None or run["statut"] == Status.RUNNING:
        return f"{since}: see `dsync history` and the service's log."
    why = " ".join(messages_of(run)[:1])
    return f"{since}; run {run['run']} ended as {run['statut']}. {why}".strip()


class OwnMetric(NamedTuple):
    """A metric: its name, labels and meaning; a counter's name ends in `_total`."""

    name: str
    labels: tuple[str, ...]
    meaning: str
    of_process: bool = False
    """Whether it is counted by this process, from its start."""


DEMARCHE = ("demarche",)
METRICS = (
    OwnMetric("dsync_build_info", ("version",), "Always 1.", of_process=True),
    OwnMetric(
        "dsync_database_up",
        (),
        "1 if the database could be read for this scrape, else 0; missing while no démarche is "
        "served.",
        of_process=True,
    ),
    OwnMetric(
        "dsync_configuration_refused",
        (),
        "Configuration files, or settings, that are wrong: /readyz says how.",
        of_process=True,
    ),
    OwnMetric(
        "dsync_runs_total",
        ("demarche", "kind", "status"),
        "Ended runs by kind (incremental, complet, dossier, …) and status (success, partial, "
        "failed, interrupted).",
    ),
    OwnMetric(
        "dsync_run_figures_total",
        ("demarche", "figure"),
        "Sums of the runs' figures: read, changed, deleted, evaluated, pushed, requests.",
    ),
    OwnMetric(
        "dsync_last_success_timestamp_seconds",
        DEMARCHE,
        "When the last successful run ended, in seconds since 1970; missing before the first.",
    ),
    OwnMetric(
        "dsync_last_success_age_seconds",
        DEMARCHE,
        "Seconds since the last successful run; missing before the first.",
    ),
    OwnMetric(
        "dsync_late_after_seconds",
        DEMARCHE,
        "Age from which a last success is late, as for /readyz: [advanced] late_after.",
        of_process=True,
    ),
    OwnMetric(
        "dsync_dossiers",
        ("demarche", "etat", "verdict"),
        "Present dossiers by state and verdict (eligible, a_verifier, ineligible, indetermine, "
        "aucun).",
    ),
    OwnMetric("dsync_dossiers_to_judge", DEMARCHE, "Present dossiers whose pre-check is due."),
    OwnMetric(
        "dsync_pushes",
        ("demarche", "statut"),
        "Wished values of annotations and labels by status, as in lecture_annotation.statut.",
    ),
    OwnMetric("dsync_outbox_waiting", DEMARCHE, "Dossiers with annotations that wait to be sent."),
    OwnMetric(
        "dsync_outbox_oldest_waiting_age_seconds",
        DEMARCHE,
        "Age of the oldest value that waits to be sent; 0 if none waits.",
    ),
    OwnMetric("dsync_outbox_refused", DEMARCHE, "Dossiers with annotations that DS refused."),
    OwnMetric("dsync_conflicts", DEMARCHE, "Dossiers with a human's value instead of dsync's."),
    OwnMetric("dsync_quarantine", DEMARCHE, "Dossiers that could not be read or judged."),
    OwnMetric(
        "dsync_evidence_age_seconds",
        DEMARCHE,
        "Seconds since the source confirmed the evidence; missing without evidence.",
    ),
    OwnMetric(
        "dsync_token_days_left",
        DEMARCHE,
        "Days until DSYNC_DS_TOKEN_EXPIRES_ON; missing if it is not set.",
        of_process=True,
    ),
    OwnMetric(
        "dsync_requests_total",
        ("demarche", "outcome"),
        "Requests to DS: answered, or the kind of failure (unavailable, rate_limited, timeout, …).",
        of_process=True,
    ),
    OwnMetric(
        "dsync_rate_limit_waits_total",
        (),
        "Requests that waited for the limit of requests a minute.",
        of_process=True,
    ),
    OwnMetric(
        "dsync_rate_limit_wait_seconds_total",
        (),
        "Seconds that requests waited for the limit of requests a minute.",
        of_process=True,
    ),
    OwnMetric(
        "dsync_webhooks_total",
        ("version", "outcome"),
        "Webhooks of DS by version (1, 2) and outcome (accepted, repeated, refused, not_served, "
        "invalid).",
        of_process=True,
    ),
)
"""All metrics, in the order of the answer; docs/reference/http.md lists them."""
_WORST: Mapping[str, Callable[[list[float]], float]] = {
    "dsync_last_success_timestamp_seconds": min,
    "dsync_last_success_age_seconds": max,
    "dsync_late_after_seconds": min,
    "dsync_outbox_oldest_waiting_age_seconds": max,
    "dsync_evidence_age_seconds": max,
    "dsync_token_days_left": min,
}
"""Of all démarches together, what is not their sum."""

_INNER_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")


class Metrics:
    """The registry of one service.

    `webhooks` are counted by version and outcome, by others. The workers may change, and so may
    `problems`, of the files of démarches that are not served for them.
    """

    def __init__(
        self,
        workers: Sequence[Worker],
        webhooks: Counter[tuple[str, str]],
        problems: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        self._workers = workers
        self._webhooks = webhooks
        self._problems = problems
        self._counted = NOT_COUNTED
        self._runs = Counter[tuple[DemarcheNumber, str, str]]()
        self._figures = defaultdict[DemarcheNumber, Counter[str]](Counter)
        self._registries = {True: CollectorRegistry(), False: CollectorRegistry()}
        for by_demarche, registry in self._registries.items():
            registry.register(_Shown(self, by_demarche=by_demarche))
            ProcessCollector(registry=registry)

    def readiness(self) -> dict[str, Any]:
        """Return what `/readyz` answers now."""
        return readiness(self._workers, self._problems)

    def text(self, *, by_demarche: bool = True) -> bytes:
        """Return all metrics in Prometheus's text format: of each démarche, or of all together."""
        return generate_latest(self._registries[by_demarche])

    def families(self, *, by_demarche: bool) -> Iterator[Metric]:
        """Yield the metrics with a value as they are now, in the order of the declaration."""
        values = _Values()
        values.add("dsync_build_info", 1, __version__)
        values.add("dsync_configuration_refused", len(self._problems))
        # The list may change meanwhile; it is empty while every file is wrong.
        if workers := [*self._workers]:
            is_up = True
            # Without the database, what the process knows is still told, and that it is down.
            try:
                self._read_database(workers, values)
            except StoreError:
                is_up = False
            values.add("dsync_database_up", int(is_up))
        for worker in workers:
            _read_process(worker, values)
        # Démarches with the same token share one.
        throttles = {id(worker.client.throttle): worker.client.throttle for worker in workers}
        waits = sum(throttle.waits for throttle in throttles.values())
        values.add("dsync_rate_limit_waits_total", waits)
        waited_s = sum(throttle.waited_s for throttle in throttles.values())
        values.add("dsync_rate_limit_wait_seconds_total", waited_s)
        for labels, count in sorted(self._webhooks.items()):
            values.add("dsync_webhooks_total", count, *labels)
        for one in METRICS:
            if (family := values.of[one.name]).samples:
                yield family if by_demarche or "demarche" not in one.labels else _whole(one, family)

    def _read_database(self, workers: Sequence[Worker], values: _Values) -> None:
        """Read each kind of figure by one statement for all démarches."""
        store, now = workers[0].store, workers[0].clock()
        looked = [one.looked._replace(configured=()) for one in workers]
        states = states_of(store, looked, now)
        # Runs that have ended do not change: each is read once.
        with store.reading() as reader:
            totals, self._counted = reader.journal.run_totals(self._counted)
        for demarche, genre, statut, runs, figures in totals:
            self._runs[demarche, genre, statut] += runs
            self._figures[demarche].update(figures)
        for labels, runs in sorted(self._runs.items()):
            if labels[0] in states:
                values.add("dsync_runs_total", runs, *labels)
        for demarche, of_demarche in sorted(self._figures.items()):
            for column, sum_ in of_demarche.items() if demarche in states else ():
                values.add("dsync_run_figures_total", sum_, demarche, FIGURES[column])
        for state in states.values():
            _add_state(state, now, values)


class _Shown(Collector):
    """Collects what one of the two answers shows."""

    def __init__(self, metrics: Metrics, *, by_demarche: bool) -> None:
        self._metrics = metrics
        self._by_demarche = by_demarche

    def collect(self) -> Iterator[Metric]:
        return self._metrics.families(by_demarche=self._by_demarche)


class _Values:
    """The values of one scrape, by metric."""

    def __init__(self) -> None:
        self.of = {one.name: _family(one) for one in METRICS}

    def add(self, name: str, value: float, *labels: object) -> None:
        """Add a value; `labels` in the order of the declaration."""
        self.of[name].add_metric([str(label) for label in labels], value)


def _family(one: OwnMetric) -> Any:
    kind = CounterMetricFamily if one.name.endswith("_total") else GaugeMetricFamily
    return kind(one.name, one.meaning, labels=one.labels)


def _whole(one: OwnMetric, family: Any) -> Any:
    """Return a metric of démarches as one of all: what is worst of them, or their sum."""
    values = defaultdict[tuple[str, ...], list[float]](list)
    labels = tuple(name for name in one.labels if name != "demarche")
    for sample in family.samples:
        values[tuple(sample.labels[name] for name in labels)].append(sample.value)
    together: Any = _family(one._replace(labels=labels))
    for named, found in values.items():
        together.add_metric(named, _WORST.get(one.name, sum)(found))
    return together


def _add_state(state: State, now: datetime, values: _Values) -> None:
    demarche = state.demarche
    if last := state.sync.last_success_at:
        values.add("dsync_last_success_timestamp_seconds", last.timestamp(), demarche)
        values.add("dsync_last_success_age_seconds", _age_s(last, now), demarche)
    for etat, by_verdict in state.dossiers["verdict_par_etat"].items():
        for verdict, count in by_verdict.items():
            values.add("dsync_dossiers", count, demarche, etat, verdict)
    values.add("dsync_dossiers_to_judge", state.dossiers["a_evaluer"], demarche)
    for statut, count in sorted(state.work.wishes.items()):
        values.add("dsync_pushes", count, demarche, statut)
    values.add("dsync_outbox_waiting", state.open("waiting"), demarche)
    since = state.work.pushes["waiting"].since
    values.add("dsync_outbox_oldest_waiting_age_seconds", _age_s(since or now, now), demarche)
    values.add("dsync_outbox_refused", state.open("refused"), demarche)
    values.add("dsync_conflicts", state.open("conflicts"), demarche)
    values.add("dsync_quarantine", state.work.quarantined, demarche)
    if confirmed := state.evidence_confirmed_at:
        values.add("dsync_evidence_age_seconds", _age_s(confirmed, now), demarche)


def _read_process(worker: Worker, values: _Values) -> None:
    demarche, client = worker.demarche, worker.client
    late_after = worker.configuration.late_after
    values.add("dsync_late_after_seconds", late_after.total_seconds(), demarche)
    days = worker.settings.token_days_left(worker.clock().date())
    if days is not None:
        values.add("dsync_token_days_left", days, demarche)
    values.add("dsync_requests_total", client.answered, demarche, "answered")
    # A copy, because the thread of a run adds to it meanwhile.
    for error, count in sorted(client.errors.copy().items()):
        outcome = _INNER_CAPITAL.sub("_", error.removeprefix("DS").removesuffix("Error")).lower()
        values.add("dsync_requests_total", count, demarche, outcome)


def _age_s(at: datetime, now: datetime) -> float:
    return max(0.0, (now - at).total_seconds())

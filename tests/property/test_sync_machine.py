"""Whatever happens, in whatever order: after a quiet run the copy is the truth.

A state machine does to the sandbox what people and the platform do, and to the workers what
machines do: faults, kills at any request or transaction, restarts, a second worker that runs in
between or takes over. Then everything heals, one run is made, and the promises are checked.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)

from dsync.errors import LeaseHeldError
from dsync.sandbox import Change, ScriptedFault
from tests.engine import oracle
from tests.engine.doom import Doom, KilledError
from tests.engine.rig import (
    DETAIL,
    ETAPE,
    PAGE,
    PROBLEME,
    RESULTAT,
    VALIDE,
    Engine,
    Patient,
    number,
    seeds,
)
from tests.profiles import STORIES, long
from tests.store.databases import made_database

RANKS = (0, 1, 2, 4, 5, 6, 8, 9)
"""Eligible, not, to be looked at, finished, without a product, and two of one product."""

ranks = st.sampled_from(RANKS)
addresses = st.sampled_from(
    [
        "",
        "à venir",
        "https://beta.gouv.fr/startups/fiche-qui-nexiste-pas.html",
        *(str(seed.champs.get(PAGE, "")) for seed in seeds((0, 1, 3))),
    ]
)
notes = st.sampled_from(
    [
        *((RESULTAT, word) for word in ("Éligible", "Inéligible", "")),
        *((DETAIL, text) for text in ("Vu", "")),
        *((VALIDE, checked) for checked in (True, False)),
        (ETAPE, "Soutenance"),
    ]
)
"""What a human writes among the annotations."""
KINDS = """
internal_error bad_gateway html data_null truncated empty cut_before cut_inside cut_after
answer_lost timeout token_expired
"""
faults = st.builds(
    ScriptedFault,
    kind=st.sampled_from(KINDS.split()),
    only=st.sampled_from([None, "query", "mutation"]),
    after=st.integers(0, 3),
    times=st.integers(1, 4),
    reached=st.integers(0, 3),
)
runs = st.fixed_dictionaries(
    {},
    optional={
        "full": st.booleans(),
        "push": st.booleans(),
        "deletions": st.booleans(),
        "accept_deletions": st.booleans(),
        "dossiers": st.tuples(ranks.map(number)),
    },
)


class SyncMachine(RuleBasedStateMachine):
    """The world and the workers."""

    made: Callable[[Path], Iterator[str]]
    """Makes a database, in this folder if it is a file, and drops it after its address was used."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(prefix="dsync-")
        self.database = self.made(Path(self.folder.name))
        self.engine = Engine(next(self.database), seeds(RANKS), limits={"max_wait_s": 0.0})
        self.held: dict[int, datetime] = {}
        self.touched: set[tuple[int, str]] = set()
        """What a human wrote of what dsync owns: by dossier and annotation."""
        self.hands: dict[tuple[int, int], Any] = {}
        """What a human wrote last, by dossier and descriptor, without what was forced since."""

    def teardown(self) -> None:
        try:
            self.check_quiet()
        finally:
            self.engine.close()
            next(self.database, None)
            self.folder.cleanup()

    @initialize(has_synced=st.booleans())
    def begin(self, has_synced: bool) -> None:
        if has_synced:
            self.engine.begin()
        self.control = self.engine.control

    def presence(self, rank: int) -> str:
        return self.control.truth_of(number(rank)).presence

    def alive(self, rank: int) -> bool:
        return self.presence(rank) == "present"

    # --- people -----------------------------------------------------------------------------

    @rule(rank=ranks, version=st.integers(0, 3))
    def edit(self, rank: int, version: int) -> None:
        if self.alive(rank):
            self.control.edit_champ(number(rank), PROBLEME, f"Version {version}")

    @rule(rank=ranks, address=addresses)
    def edit_address(self, rank: int, address: str) -> None:
        if self.alive(rank):
            self.control.edit_champ(number(rank), PAGE, address)

    @rule(rank=ranks)
    def edit_late(self, rank: int) -> None:
        """Begin a change that shows later with the date of now, or let one that began show."""
        if rank in self.held:
            began = self.held.pop(rank)
            self.control.edit_champ(number(rank), PROBLEME, "Tardif", at=began)
        elif self.alive(rank):
            self.held[rank] = self.control.clock.now()

    @rule(rank=ranks, what=notes)
    def annotate(self, rank: int, what: tuple[int, Any]) -> None:
        if self.alive(rank):
            # DS's dates have no fractions of a second, and nobody is as fast as a run.
            self.control.clock.advance(1)
            before = self.engine.remote(rank, what[0])
            self.control.edit_annotation(number(rank), *what)
            self.hands[rank, what[0]] = what[1]
            if not what[1] and before not in self.engine.sent(rank, what[0]):
                # It was empty already, or they emptied what dsync had perhaps not seen.
                del self.hands[rank, what[0]]
            self.touched.add((rank, oracle.OWNED.get(what[0], "")))

    @rule(rank=ranks, label=st.sampled_from(["éligible", "à vérifier"]), there=st.booleans())
    def label(self, rank: int, label: str, there: bool) -> None:
        if self.alive(rank):
            (self.control.add_label if there else self.control.remove_label)(number(rank), label)
            self.touched.add((rank, "label"))

    @rule(
        rank=ranks,
        state=st.sampled_from(["en_construction", "en_instruction", "accepte", "sans_suite"]),
    )
    def move(self, rank: int, state: str) -> None:
        if self.alive(rank) and self.control.truth_of(number(rank)).state != state:
            self.control.move(number(rank), state)

    @rule(
        rank=ranks,
        fate=st.sampled_from(["usager", "administration", "expire", "erase", "restore", "restore"]),
    )
    def disappear(self, rank: int, fate: Any) -> None:
        """Hide, expire or erase a dossier that is there, or bring it back."""
        presence = self.presence(rank)
        if fate == "restore" and presence in ("masque", "expire"):
            self.control.restore(number(rank))
        elif fate == "erase" and presence != "supprime":
            self.control.erase(number(rank))
        elif fate == "expire" and presence == "present":
            self.control.expire(number(rank))
        elif fate in ("usager", "administration") and presence == "present":
            self.control.hide(number(rank), fate)

    @rule(name=st.sampled_from(["Le problème", "Problème"]), rebases=st.booleans())
    def publish(self, name: str, rebases: bool) -> None:
        """Publish a revision; the open dossiers follow at once, or at the end."""
        self.control.form.publish_revision(Change(rename={PROBLEME: name}), rebases=rebases)

    # --- what fails -------------------------------------------------------------------------

    @rule(fault=faults)
    def fail(self, fault: ScriptedFault) -> None:
        self.control.faults.fail(fault)

    @rule(rank=ranks, harm=st.sampled_from(["return_null", "fail_reads", "fail_writes"]))
    def harm_a_dossier(self, rank: int, harm: str) -> None:
        only = {} if harm == "fail_writes" else {"champs_only": True}
        getattr(self.control.faults, harm)(number(rank), **only)

    @rule(gone=st.booleans())
    def lose_catalogue(self, gone: bool) -> None:
        self.control.catalogue.unavailable = gone

    @rule()
    def repair(self) -> None:
        """End every failure."""
        self.control.faults.clear_faults()
        for rank in RANKS:
            self.control.faults.repair(number(rank))
        self.control.catalogue.unavailable = False

    @rule(seconds=st.sampled_from([1, 40, 90, 660, 4000]))
    def wait(self, seconds: int) -> None:
        self.control.clock.advance(seconds)

    # --- the workers ------------------------------------------------------------------------

    @rule(options=runs)
    def run(self, options: dict[str, Any]) -> None:
        self.engine.sync(**options)

    @rule(options=runs, size=st.integers(1, 3))
    def run_small(self, options: dict[str, Any], size: int) -> None:
        # A worker that was killed may still hold the lease: pages keep their size then.
        with suppress(LeaseHeldError):
            self.engine.shrink(size)
        self.engine.sync(**options)

    @rule(options=runs, point=st.one_of(st.none(), st.integers(1, 60)))
    def run_and_be_killed(self, options: dict[str, Any], point: int | None) -> None:
        """Struck before or after any request, before any transaction or its commit.

        None: between a mutation and its outcome.
        """
        doom = Doom(self.engine.worker)
        if point is None:
            doom.after_mutation()
        else:
            doom.at(point)
        with suppress(KilledError):
            self.engine.sync(**options)
        self.engine.restart()

    @rule(
        point=st.integers(1, 40),
        asleep=st.sampled_from([0, 61]),
        rank=ranks,
        version=st.integers(4, 6),
    )
    def run_beside_another(self, point: int, asleep: int, rank: int, version: int) -> None:
        """A second worker comes in between; after a minute's sleep it takes over."""
        other = self.engine.another()

        def meanwhile() -> None:
            self.control.clock.advance(asleep)
            self.edit(rank, version)
            other.sync()

        doom = Doom(self.engine.worker)
        doom.at(point, meanwhile)
        self.engine.sync()
        other.close()
        self.engine.restart()

    @rule(rank=ranks)
    def force(self, rank: int) -> None:
        # It waits until an unanswered write can be read back.
        patient = self.engine.restart(stop=Patient(self.engine))
        patient.push(rank, force_by="ana@poste")
        self.hands = {key: value for key, value in self.hands.items() if key[0] != rank}

    # --- the promises -----------------------------------------------------------------------

    def check_quiet(self) -> None:
        engine, control = self.engine, self.control
        for rank in sorted(self.held):
            self.edit_late(rank)
        self.repair()
        control.form.rebase()
        control.clock.advance(6 * 3600)
        engine.let_expire()
        engine.restart()
        if engine.state().full_cursor:
            # It goes on from there: labels put before that place meanwhile are the next one's.
            engine.sync(full=True, accept_deletions=True)
        report = engine.sync(full=True, accept_deletions=True)
        assert (0, []) == (report.exit_code, report.errors)
        assert [] == engine.rows("SELECT * FROM quarantaine")
        oracle.check_annotations(engine)
        oracle.check_conflicts(engine, self.touched)
        oracle.check_hands(engine, self.hands)
        oracle.check_sent(engine)
        self.check_silence()
        oracle.check_copy(engine)

    def check_silence(self) -> None:
        """A further run does nothing, whether it reads a little or all."""
        engine = self.engine
        counts = self.counts()
        sent = len(engine.mutations())
        for full in (False, True):
            self.control.clock.advance(660)
            report = engine.sync(full=full)
            done = (report.changed, report.evaluated, report.pushed)
            assert (0, (0, 0, 0)) == (report.exit_code, done), report
        assert (counts, sent) == (self.counts(), len(engine.mutations()))

    def counts(self) -> list[int]:
        tables = ("dossier", "contenu", "candidature", "verdict", "outbox", "evenement", "pousse")
        return [self.engine.rows(f"SELECT count(*) AS n FROM {t}")[0]["n"] for t in tables]


@pytest.fixture
def machine(request: pytest.FixtureRequest) -> type[SyncMachine]:
    backend = getattr(request, "param", "sqlite")
    SyncMachine.made = staticmethod(lambda folder: made_database(backend, request, folder))
    return SyncMachine


@pytest.mark.parametrize(
    ("machine", "part", "stories"),
    [("sqlite", 0, 5), ("postgresql", 1, 2), *(long("sqlite", part, 5) for part in range(2, 8))],
    indirect=["machine"],
)
def test_any_order_of_events_ends_in_the_truth(
    machine: type[SyncMachine], part: int, stories: int
) -> None:
    """Some stories a part, of up to a dozen events each; the default run tells one each engine."""
    run_state_machine_as_test(
        seed(part)(machine),
        settings=settings(max_examples=stories, stateful_step_count=12, **STORIES),
    )


@pytest.mark.long
def test_any_order_of_many_events_ends_in_the_truth(machine: type[SyncMachine]) -> None:
    """Longer stories, and other ones at each run."""
    long = {**STORIES, "derandomize": False}
    run_state_machine_as_test(
        machine, settings=settings(max_examples=2000, stateful_step_count=40, **long)
    )

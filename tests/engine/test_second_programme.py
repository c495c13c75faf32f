"""A second programme gives what has no default, and everything that asks a programme works."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pytest

from dsync.domain.check_answers import Answer
from dsync.domain.due import ToJudge
from dsync.domain.ids import DossierNumber
from dsync.domain.judging import Results, Rules, Wording
from dsync.domain.verdict import Controle, Resultat, StoredVerdict
from dsync.programme import (
    Compared,
    Evidence,
    PrecheckOptions,
    Programme,
    ProgrammeRun,
)
from dsync.store import Reader, Tx
from dsync.store.dictionary import NO_PROGRAMME
from tests.console.served import served, words
from tests.engine.rig import FIRST, RESULTAT, Engine, seeds
from tests.seen import see_first


class There(NamedTuple):
    """What it knows of a dossier."""

    fingerprint: str = "1"
    preuve: None = None
    doublons: tuple[int, ...] = ()
    today: None = None

    def surely_stands(self, current: StoredVerdict) -> bool:
        """Return True: nothing else can be another one."""
        return True

    def results(
        self, answers: Mapping[str, Answer], current: StoredVerdict | None, *, holds: bool
    ) -> Results:
        """Find it conforming."""
        return Results((Controle("presence", Resultat.CONFORME, "Il est là."),), {})


class Nothing(NamedTuple):
    """It has no evidence, and compares no dossiers."""

    key: str = "1"
    looks_up: bool = False

    def look_up(self, run: ProgrammeRun, numbers: Sequence[DossierNumber]) -> None:
        """Ask nobody."""

    def compared(
        self,
        reader: Reader | Tx,
        numbers: Sequence[DossierNumber],
        options: PrecheckOptions | None,
    ) -> Compared:
        """Return nothing."""
        return Compared({})

    def facts(
        self, reader: Reader | Tx, due: Sequence[ToJudge], options: PrecheckOptions | None
    ) -> Mapping[DossierNumber, There]:
        """Return that each is there."""
        return {one.numero: There() for one in due}


class Everybody(Programme):
    """Finds each dossier eligible."""

    checks: Mapping[str, str] = {"presence": "Le dossier est là"}
    mapping_key = "everybody"
    rules = Rules("1", Wording({"presence": "Le dossier est là"}, "l’équipe", 1000), {})

    def gather(self, run: ProgrammeRun, *, accept: bool = False) -> Evidence:
        """Return none."""
        return Nothing()


@pytest.mark.parametrize("empty_database_url", ["sqlite"], indirect=True)
def test_it_judges_and_writes_back(empty_database_url: str) -> None:
    """Its verdicts are pushed once, and commands and pages show them in its words."""
    given: dict[str, Any] = {"programme": NO_PROGRAMME, "seen": False}
    with Engine(empty_database_url, seeds(range(3)), **given) as engine:
        app = engine.worker.app
        app.programme = Everybody()  # type: ignore[assignment]
        see_first(app)
        first = engine.sync()
        assert (0, [], 3) == (first.exit_code, first.errors, first.pushed)
        assert "Éligible" == engine.remote(0, RESULTAT)
        engine.advance(minutes=11)
        assert (0, 0) == ((second := engine.sync(full=True)).pushed, second.exit_code)
        assert [] == app.verify(remote=True).findings
        with app.store.reading(app.demarche) as reader:
            assert app.evidence(reader) is None
        with served(engine, [app]) as console:
            visitor = console.visitor()
            shown = words(visitor.get(f"/dossiers/{FIRST}/tout").text)
            listed = words(visitor.get("/dossiers").text)
            assert 200 == visitor.get("/").status_code
            assert 200 == visitor.get("/preuves").status_code
            assert 404 == visitor.get("/jury").status_code
        assert "Demandeur" in shown
        # And the filter.
        assert 4 == listed.count("Éligible")

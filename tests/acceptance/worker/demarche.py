"""The démarches on which the scenarios run: the shipped call, the next one, a quite other one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dsync.configuration import shipped_config
from dsync.sandbox import Sandbox, content
from dsync.sandbox.world.truth import DossierTruth
from tests.commands import test_next_call as next_call
from tests.commands import test_other_demarche as other

SEED = 7
DOSSIERS = 16
"""Of the démarches that the sandbox does not have by itself; enough for two batches of writes."""


@dataclass(frozen=True)
class Demarche:
    """What a scenario has to know of a démarche, with the stable ids of its form."""

    name: str = "aap-eig7"
    number: int = 86321
    shift: int = 0
    """How much higher its ids are than those of the shipped call."""
    fonction: int = 4303
    """A text that no check looks at."""
    pilotage: int = 4503
    """A text whose absence is « à vérifier »."""
    resultat: int = 5102
    detail: int = 5103
    date: int = 5104
    eligible: str = "Éligible"
    a_verifier: str = "À vérifier"
    has_labels: bool = True
    checks: int = 8

    def annotated(self, verdict: str) -> str:
        """Return the option of the result's annotation for a verdict."""
        return {"Éligible": self.eligible, "À vérifier": self.a_verifier}.get(verdict, verdict)

    @property
    def owned(self) -> tuple[tuple[int, str], ...]:
        """The annotations that dsync writes: id and name."""
        return (self.resultat, "resultat"), (self.detail, "detail"), (self.date, "date")

    def add_to(self, sandbox: Sandbox, number: int, dossiers: int = DOSSIERS) -> None:
        """Have the sandbox serve such a démarche under a number."""
        now = sandbox.control.clock.now()
        form, added = content.FORM, content.dossiers(SEED, dossiers, now=now)
        if self is EQUIPMENT:
            form = content.EQUIPMENT_FORM
            added = content.equipment_dossiers(SEED, dossiers, now=now)
        if self is NEXT_CALL:
            form, added = next_call.next_form(), next_call.next_dossiers(sandbox, dossiers)
        sandbox.control.form.add_demarche(number, form, added)

    def file(self, number: int) -> str:
        """Return the content of its configuration file, under a number."""
        text = shipped_config().read_text(encoding="utf-8")
        if self is EQUIPMENT:
            text = other.JUDGED
        if self is NEXT_CALL:
            text = next_call.next_file()
        return re.sub(r"(?m)^number = \d+$", f"number = {number}", text, count=1)

    def variables(self, sandbox: Sandbox, folder: Path) -> dict[str, str]:
        """Have the sandbox serve it; return the variables of an installation for it."""
        if self is SHIPPED:
            return {}
        self.add_to(sandbox, self.number)
        folder.mkdir(parents=True, exist_ok=True)
        config = folder / f"{self.name}.toml"
        config.write_text(self.file(self.number), encoding="utf-8")
        return {"config": str(config)}

    def truth(self, sandbox: Sandbox) -> list[DossierTruth]:
        """Return its dossiers, with the ids of the shipped call if it is the next one."""
        return [self.read(truth) for truth in sandbox.control.truth(self.number)]

    def read(self, truth: DossierTruth) -> DossierTruth:
        """Return a dossier with the ids of the shipped call if it is of the next one."""
        truth.raw_champs = self._unshifted(truth.raw_champs)
        truth.raw_annotations = self._unshifted(truth.raw_annotations)
        return truth

    def _unshifted(self, values: Any) -> Any:
        if isinstance(values, list):
            return [self._unshifted(value) for value in values]
        if not isinstance(values, dict) or not all(isinstance(key, int) for key in values):
            return values
        return {key - self.shift: self._unshifted(value) for key, value in values.items()}


SHIPPED = Demarche()
NEXT_CALL = Demarche(
    "aap-eig8",
    next_call.NUMBER,
    next_call.SHIFT,
    *(id_ + next_call.SHIFT for id_ in (4303, 4503, 5102, 5103, 5104)),
)
EQUIPMENT = Demarche(
    "equipement",
    86341,
    0,
    6102,
    6104,
    6202,
    6203,
    6204,
    eligible="Complet",
    a_verifier="À compléter",
    has_labels=False,
    checks=2,
)


def every_demarche_if_long(usual: str) -> pytest.MarkDecorator:
    """Run a scenario on the shipped démarche and one engine; if long, on each with each.

    Args:
        usual: the engine of a default run.
    """
    cases = [
        pytest.param(
            engine,
            demarche,
            marks=() if (demarche, engine) == (SHIPPED, usual) else pytest.mark.long,
            id=f"{demarche.name}-{engine}",
        )
        for demarche in (SHIPPED, NEXT_CALL, EQUIPMENT)
        for engine in ("sqlite", "postgresql")
    ]
    return pytest.mark.parametrize(("database_url", "demarche"), cases, indirect=True)

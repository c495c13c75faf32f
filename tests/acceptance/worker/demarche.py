"""The démarches on which the scenarios run: the shipped call, and a quite other one."""

from __future__ import annotations

import re
from dataclasses import dataclass

from dsync.configuration import shipped_config
from dsync.sandbox import Sandbox, content
from tests.commands.test_other_demarche import JUDGED

SEED = 7


@dataclass(frozen=True)
class Demarche:
    """What a scenario has to know of a démarche, with the stable ids of its form."""

    fonction: int
    """A text that no check looks at."""
    pilotage: int
    """A text whose absence is « à vérifier »."""

    def add_to(self, sandbox: Sandbox, number: int, dossiers: int) -> None:
        """Have the sandbox serve such a démarche under a number."""
        now = sandbox.control.clock.now()
        form, added = content.FORM, content.dossiers(SEED, dossiers, now=now)
        if self is EQUIPMENT:
            form = content.EQUIPMENT_FORM
            added = content.equipment_dossiers(SEED, dossiers, now=now)
        sandbox.control.form.add_demarche(number, form, added)

    def file(self, number: int) -> str:
        """Return the content of its configuration file, under a number."""
        text = JUDGED if self is EQUIPMENT else shipped_config().read_text(encoding="utf-8")
        return re.sub(r"(?m)^number = \d+$", f"number = {number}", text, count=1)


SHIPPED = Demarche(4303, 4503)
EQUIPMENT = Demarche(6102, 6104)

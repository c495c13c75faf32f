"""Dossiers of another démarche of the same database are nobody's here."""

from __future__ import annotations

import pytest

from dsync.console.access import Role
from tests.console.conftest import NewEngine
from tests.console.served import visiting, words
from tests.engine.rig import number, seeds

PERSON, COMPANY, OWN, NOWHERE = number(130), number(1), number(0), 999_999_999


@pytest.mark.parametrize(
    "sent",
    [
        {"quoi": "rejuger"},
        {"quoi": "relire"},
        {"quoi": "lu"},
        {"quoi": "repondre", "controle": "administration", "resultat": "conforme", "motif": "vu"},
        {"effacer": "1"},
    ],
    ids=lambda sent: sent.get("quoi", "effacer"),
)
def test_no_form_names_what_is_of_another_demarche(
    new_engine: NewEngine, sent: dict[str, str]
) -> None:
    """Neither applicants nor findings, before anything is confirmed; as if not in the copy."""
    with new_engine([*seeds(range(3)), *seeds((130,))]) as engine:
        engine.sync_until_quiet()
        for one in (PERSON, COMPANY):
            for table in ("dossier", "verdict", "outbox", "liste"):
                engine.execute(f"UPDATE {table} SET demarche_numero = 9 WHERE numero = {one}")
        path = "/personne/effacer" if "effacer" in sent else "/dossiers"
        with visiting(engine, role=Role.ADMINISTRATEUR) as visitor:
            for one in (PERSON, COMPANY):
                answer = visitor.post(path, dossier=f"{OWN} {one}", **sent)
                assert 404 == answer.status_code
                assert "n’est pas dans la copie" in words(answer.text)
            # Of one that the copy lacks, nothing can be said.
            assert visitor.post(path, dossier=f"{OWN} {NOWHERE}", **sent).status_code in (200, 404)

"""Verdicts, texts and wishes of sample dossiers, by both programmes, as they stood before."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from dsync.store.codes import Kind
from dsync.sync.work import AnswerCheck, Request
from tests.commands.test_declared import configured, serving
from tests.conftest import Golden
from tests.engine.rig import PAGE, Engine, few_products, number, seeds
from tests.engine.test_judging import STARTUPS

ROOT = Path(__file__).parents[2]
MANY = 105
"""More than a page of DS has."""
_STANDS = (
    "SELECT v.numero, v.verdict, v.detail, v.preuve_hash, v.doublons, "
    "v.controles, v.constats, v.preuve, v.remarque, (SELECT count(*) FROM verdict AS o "
    "WHERE o.numero = v.numero), v.inputs_hash FROM verdict AS v WHERE v.courant "
    "AND v.numero IN (SELECT numero FROM dossier WHERE efface_le IS NULL) ORDER BY v.numero"
)
_VERSIONS = "SELECT DISTINCT version_regles FROM verdict ORDER BY 1"
_WISHES = (
    "SELECT numero, annotation, valeur FROM outbox WHERE courante "
    "AND annotation NOT IN ('date') ORDER BY numero, annotation"
)
_CAUSES = "SELECT numero, details FROM evenement WHERE evenement = 'verdict' ORDER BY id"


def standing(asked: Callable[[str], Iterable[Iterable[Any]]], first: int) -> str:
    """Return what stands of each dossier: verdict, checks, and a digest of every word of it."""
    of_dossier = {numero: [_plain(values)] for numero, *values in asked(_STANDS)}
    for query in (_WISHES, _CAUSES):
        for numero, *values in asked(query):
            of_dossier.get(numero, []).append(_plain(values))
    lines = [f"version {version}\n" for [version] in asked(_VERSIONS)]
    for numero, found in sorted(of_dossier.items()):
        verdict, *_, controles, _, _, _, versions, _ = found[0]
        results = " ".join(f"{one['controle']}={one['resultat']}" for one in controles)
        text = re.sub(r"127\.0\.0\.1:\d+", "", json.dumps(found, sort_keys=True))
        digest = sha256(text.encode()).hexdigest()[:16]
        lines.append(f"{numero - first} {verdict} ({versions}) {results} {digest}\n")
    return "".join(lines)


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, str) and value[:1] in {"{", "["}:
        document = json.loads(value)
        for one in document if isinstance(document, list) else ():
            if isinstance(one, dict) and "etabli" in one.get("preuve", {}):
                # The instant of an answer is the sandbox's, in microseconds.
                one["preuve"]["etabli"].pop("le", None)
        return document
    return value


@pytest.mark.parametrize("empty_database_url", ["sqlite"], indirect=True)
def test_the_verdicts_of_the_call_stand(empty_database_url: str, golden: Golden) -> None:
    """After edits, answers, twins, an erasure, a page that comes, and the catalogue away."""
    with Engine(empty_database_url, seeds(range(MANY))) as engine:
        known = few_products(MANY)
        engine.control.catalogue.replace(STARTUPS, known)
        engine.sync()
        pages = [one.champs.get(PAGE) for one in seeds([0, 1, 2])]
        for rank, typed in (
            (20, pages[0]), (21, pages[1]), (22, "Zéphyr Vallon"), (23, "zéphyr-vallon"),
            (24, ""), (25, "https://beta.gouv.fr/startups/pas-encore"), (26, pages[2]),
        ):  # fmt: skip
            engine.control.edit_champ(number(rank), PAGE, typed)
        engine.sync_later()
        given: tuple[tuple[int, str, Any], ...] = (
            (7, "doublon", "non_conforme"), (8, "administration", "conforme"),
            (9, "fiche_produit", "conforme"),
        )  # fmt: skip
        for rank, controle, resultat in given:
            work = AnswerCheck((number(rank),), controle, resultat, "vu au téléphone")
            engine.worker.app.sync(Request(work, "alice.martin@example.gouv.fr"))
        engine.worker.erase(20)
        engine.control.move(number(21), "refuse")
        engine.control.hide(number(26))
        engine.sync_later()
        engine.control.catalogue.unavailable = True
        engine.control.edit_champ(number(30), PAGE, "tout autre chose")
        engine.advance(days=40)
        engine.sync(full=True)
        engine.control.catalogue.unavailable = False
        # Each tenth product is withdrawn, and others enter another phase: remarks.
        later = {"phases": [{"name": "alumni", "start": "2021-01-01", "end": ""}]}
        entries = [
            {**one, "attributes": {**one["attributes"], **later}} if rank % 15 == 0 else one
            for rank, one in enumerate(known["data"])
            if rank % 40
        ]
        engine.control.catalogue.replace(STARTUPS, {**known, "data": entries})
        engine.advance(hours=13)
        assert 0 == engine.sync().exit_code
        engine.sync(work=Kind.PRECHECK)

        def asked(sql: str) -> list[list[Any]]:
            return [[*row.values()] for row in engine.rows(sql)]

        said = standing(asked, number(0))
    Golden(ROOT, golden.is_updating).check("tests/golden/verdicts.txt", said)


@pytest.mark.parametrize("name", ["subvention", "mobilite"])
def test_the_verdicts_of_declared_checks_stand(tmp_path: Path, name: str, golden: Golden) -> None:
    with serving(40) as aids:
        dsync = configured(aids, tmp_path, name)
        dsync("sync")
        assert 0 == dsync("accept", "first", "--yes").code
        said = standing(dsync.rows, 0)
    Golden(ROOT, golden.is_updating).check(f"tests/golden/verdicts_{name}.txt", said)

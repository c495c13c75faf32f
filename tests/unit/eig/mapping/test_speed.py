"""Measures the time for one dossier: `pytest -m bench -s tests/unit/eig/mapping`."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from dsync.domain.dossier import Dossier
from dsync.domain.ids import DemarcheNumber
from dsync.ds.dossiers import read_dossier
from tests.unit.eig.mapping.conftest import Mapper

PARAGRAPH = "Un problème que « l’usager » rencontre, et ce que l’on en sait.\n" * 8
MARKS = range(5311, 5320)
DATES = (5203, 5402, 5403, 5404, 5405)


@pytest.mark.bench
def test_the_time_of_a_whole_dossier_is_printed(
    form: Any, mapper: Mapper, make_node: Callable[..., Any]
) -> None:
    """A completely filled dossier: 28 champs and 22 annotations."""
    voeux = [
        [form.champ(4404, text="Produit"), form.champ(4405, text=rank), form.champ(4406, text="a")]
        for rank in "12"
    ]
    grille = [form.champ(5304, text="eval@example.org"), form.champ(5320, text=PARAGRAPH)]
    grille += [form.champ(id_, "IntegerNumberChamp", integerValue="4") for id_ in MARKS]
    texts = [*range(4102, 4107), 4202, *range(4302, 4310), 4402, 4502, 4503, *range(4602, 4605)]
    champs = [form.champ(id_, text=PARAGRAPH if id_ > 4500 else "Réponse") for id_ in texts]
    champs += [
        form.champ(4203, "DepartementChamp", departement={"code": "75", "name": "Paris"}),
        form.rows(4403, *voeux),
    ]
    annotations = [form.champ(id_, "DateChamp", date="2024-10-01") for id_ in DATES]
    annotations += [form.champ(id_, text=PARAGRAPH) for id_ in (5102, 5103, 5104, 5105, 5202)]
    annotations.append(form.rows(5302, grille, []))
    node, revision = json.dumps(make_node(champs, annotations)).encode(), form.revision
    times = []
    for _ in range(500):
        started = time.perf_counter()
        dossier = read_dossier(node)
        assert isinstance(dossier, Dossier)
        mapped = mapper.map(dossier, DemarcheNumber(86321), revision)
        times.append((time.perf_counter() - started) * 1000)
    print(f"\n{min(times):.3f} ms at best, {sorted(times)[250]:.3f} ms in the median")
    assert len(mapped.candidature.voeux) == 2

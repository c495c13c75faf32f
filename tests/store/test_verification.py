"""Any value that DS gives is stored so that its hashes can be recomputed."""

from __future__ import annotations

from typing import Any

from dsync.care.verify import Expected, verify
from dsync.domain.dossier import Champ, Fichier, Ligne
from dsync.domain.ids import DescriptorId
from dsync.store import Store
from dsync.sync.record import Recorder
from tests.store.builders import DEMARCHE, NOW, OWNED, make_demarche, make_dossier, writing

C1 = DescriptorId("c1")
FILE = Fichier("lettre « à » signer.pdf", "application/pdf", 2**40, "md5==", "safe")


VALUES = [
    Champ(C1, "l’été\n\t« 𝔘 »", None),
    Champ(C1, "x", 0.1),
    Champ(C1, "x", 1.0),
    Champ(C1, "x", 1e-7),
    Champ(C1, "x", 1e15),
    Champ(C1, "x", 1.5e16),
    Champ(C1, "x", 1e22),
    Champ(C1, "x", 123456789012345678),
    Champ(C1, "x", False),
    Champ(C1, "x", ["b", "a", None]),
    Champ(C1, "x", {"b": {"z": 1, "a": [1.0, 2]}, "a": "é", "aa": None}),
    Champ(C1, None, None, (Ligne("l", (Champ(C1, "x", 1e16),)), Ligne("m", ()))),
    Champ(C1, "x", None, (), (FILE,)),
]


def test_the_hashes_of_any_value_can_be_recomputed(store: Store) -> None:
    """Text and `jsonb` give back what was hashed; a changed value does not."""
    recorder = Recorder(None, OWNED)
    demarche = make_demarche()
    [revision] = demarche.revisions.values()
    page: list[Any] = [
        recorder.record(make_dossier(n, champs=(champ,), annotations=()), DEMARCHE, revision)
        for n, champ in enumerate(VALUES, start=1)
    ]
    with writing(store) as tx:
        tx.demarche.save(demarche)
        tx.dossiers.store_page(1, page, now=NOW)

    expected = Expected(DEMARCHE, recorder, "", OWNED, lambda: NOW)
    done = verify(store, expected)

    assert (len(VALUES), []) == (done.recomputed, done.findings)

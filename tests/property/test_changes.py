"""The history of values has no gap: applied to the first state, it gives the last one."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsync.sandbox import Change
from dsync.sandbox.control import action
from dsync.sandbox.model import ChampDescriptor
from tests.engine.rig import ETAPE, PAGE, PROBLEME, RESULTAT, Engine, number, seeds
from tests.profiles import STORIES, long

MISSIONS, COMMENTAIRE, GRILLES, COMMUNE = 4406, 5320, 5302, 4998
RANKS = (0, 1, 4)
State = dict[tuple[Any, ...], str]
"""Values by number, origin, champ and row; what is empty is left out."""

ranks = st.sampled_from(RANKS).map(number)
words = st.sampled_from(["", "Un", "Deux", "Trois\n« lignes »"])
LYON = {"code": "69123", "name": "Lyon", "postal_code": "69002"}
BREST = {"code": "29019", "name": "Brest", "postal_code": "29200"}
acts = st.one_of(
    st.tuples(st.just("edit_champ"), ranks, st.sampled_from([PROBLEME, PAGE]), words),
    st.tuples(st.just("edit_champ"), ranks, st.just(MISSIONS), words),
    st.tuples(st.just("edit_champ"), ranks, st.just(COMMUNE), st.sampled_from([LYON, BREST])),
    st.tuples(st.just("correct_champ"), ranks, st.just(PROBLEME), words),
    st.tuples(
        st.just("edit_annotation"), ranks, st.sampled_from([ETAPE, COMMENTAIRE, RESULTAT]), words
    ),
    st.tuples(st.just("add_annotation_row"), ranks, st.just(GRILLES)),
    st.tuples(st.just("hide_champ"), ranks, st.sampled_from([PROBLEME, PAGE])),
    st.tuples(
        st.just("move"), ranks, st.sampled_from(["en_construction", "en_instruction", "accepte"])
    ),
    st.tuples(st.just("change_groupe"), ranks, st.sampled_from(["défaut", "autre groupe"])),
    st.tuples(st.just("add_label"), ranks, st.sampled_from(["éligible", "à vérifier"])),
    st.tuples(st.just("remove_label"), ranks, st.sampled_from(["éligible", "à vérifier"])),
    st.tuples(st.just("hide"), ranks, st.just("administration")),
    st.tuples(st.just("restore"), ranks),
    st.tuples(st.just("return_null"), ranks),
    st.tuples(st.just("replace_demandeur"), ranks, st.just({})),
    st.tuples(st.just("repair"), ranks),
    st.tuples(st.just("publish"), st.just(PAGE)),
    st.tuples(st.just("sync"), st.booleans(), st.booleans()),
    st.tuples(st.just("sync"), st.booleans(), st.booleans()),
    st.tuples(st.just("read_alone"), ranks),
)
"""What usagers, instructeurs, DS and dsync do."""


def shown(engine: Engine) -> State:
    """Return every value that the copy shows, with the facts that the history covers."""
    found: State = {
        (row["numero"], row["origine"], row["champ_id"], row["ligne"]): row["valeur"]
        for row in engine.rows("SELECT * FROM lecture_champ")
    }
    for truth in engine.rows("SELECT numero, etat, groupe_instructeur FROM lecture_candidature"):
        for name in ("etat", "groupe_instructeur"):
            found[truth["numero"], "dossier", name, None] = truth[name]
    return _filled(found)


def applied(first: State, changes: Iterable[dict[str, Any]]) -> State:
    """Return the first state with the changes; each starts from the value that is there."""
    state = dict(first)
    for row in changes:
        key = (row["numero"], row["origine"], row["champ_id"], row["ligne"])
        assert state.get(key) == row["ancienne_valeur"], key
        state[key] = row["nouvelle_valeur"]
    return {key: value for key, value in _filled(state).items() if key[2] != "etiquettes"}


def _filled(state: State) -> State:
    return {key: value for key, value in state.items() if value is not None}


def live(engine: Engine, act: tuple[Any, ...], demandeurs: dict[int, Any]) -> None:
    """Do one act."""
    name, *given_ = act
    engine.advance(minutes=11)
    control = engine.control
    if name == "sync":
        full, push = given_
        engine.sync(full=full, push=push)
    elif name == "read_alone":
        engine.sync(dossiers=tuple(given_), push=False)
    elif name == "publish":
        control.form.publish_revision(Change(remove=given_))
    elif name == "move" and control.truth_of(given_[0]).state == given_[1]:
        return
    elif name == "repair":
        control.faults.repair(given_[0])
        control.replace_demandeur(given_[0], demandeurs[given_[0]])
    elif name in ("return_null", "replace_demandeur"):
        control.save_without_submitting(given_[0])
        only = {"champs_only": True} if name == "return_null" else {}
        action(control, name)(*given_, **only)
    elif PAGE in given_ and _has_left(engine):
        return
    else:
        action(control, name)(*given_)


def _has_left(engine: Engine) -> bool:
    published = next(iter(engine.control.world.demarches.values())).published
    return PAGE not in {champ.stable_id for champ in published.champs}


def check_life(url: str, story: list[tuple[Any, ...]]) -> None:
    """Live a story; compare the history with the first and the last state."""
    with Engine(url, seeds(RANKS)) as engine:
        demandeurs = {n: engine.control.world.dossier(n).demandeur for n in map(number, RANKS)}
        commune = ChampDescriptor(COMMUNE, "communes", "Commune")
        engine.control.form.publish_revision(Change(add_champs=[commune]))
        for rank in RANKS:
            engine.control.edit_champ(number(rank), COMMUNE, LYON)
        engine.sync(push=False)
        first = shown(engine)
        for act in story:
            live(engine, act, demandeurs)
        for rank in RANKS:
            live(engine, ("repair", number(rank)), demandeurs)
            live(engine, ("restore", number(rank)), demandeurs)
        live(engine, ("sync", True, False), demandeurs)
        changes = engine.rows("SELECT * FROM lecture_changement ORDER BY ordre")
        assert applied(_with_labels(first, changes), changes) == shown(engine)
        seen = {row["nouvelle_valeur"] for row in changes if row["libelle"] == "Commune"}
        assert seen <= {"69002 Lyon (69123)", "29200 Brest (29019)"}, "a hole is no value"
        live(engine, ("sync", True, False), demandeurs)
        assert len(changes) == len(engine.rows("SELECT * FROM lecture_changement"))


def _with_labels(first: State, changes: list[dict[str, Any]]) -> State:
    """Return the first state with the labels before the first change: no view shows them."""
    state = dict(first)
    for row in changes:
        if row["champ_id"] == "etiquettes":
            state.setdefault((row["numero"], "dossier", "etiquettes", None), row["ancienne_valeur"])
    return state


stories = st.lists(acts, min_size=4, max_size=14)


@pytest.mark.parametrize(
    ("engine_name", "examples"),
    [
        ("sqlite", 4),
        ("postgresql", 2),
        long("sqlite", 100),
        long("postgresql", 50),
    ],
)
def test_the_history_applied_to_the_first_state_gives_the_last(
    engine_name: str, examples: int, request: pytest.FixtureRequest
) -> None:
    """Whatever happens in between, on both engines; a further read adds nothing."""

    @settings(max_examples=examples, **STORIES)
    @given(story=stories)
    def lives(story: list[tuple[Any, ...]]) -> None:
        if engine_name == "sqlite":
            with tempfile.TemporaryDirectory(prefix="dsync-") as folder:
                path = Path(folder) / "dsync.db"
                shutil.copy(request.getfixturevalue("sqlite_template"), path)
                check_life(f"sqlite:///{path}", story)
            return
        server = request.getfixturevalue("postgres_server")
        url = server.make(migrated=True)
        try:
            check_life(url, story)
        finally:
            server.drop(url)

    lives()

"""The names and values of the views formulaire_*, for any form."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs
from sqlalchemy import inspect

from dsync.domain.documented import MASKED
from dsync.domain.dossier import Champ, Demarche, Descriptor, Ligne, Revision
from dsync.domain.ids import DemarcheNumber, DescriptorId, RevisionId
from dsync.store import Store
from dsync.store.dictionary import DOSSIER_COLUMNS
from dsync.sync.record import Recorder
from tests.store.builders import DEMARCHE, EARLIER, NOW, OWNED, make_demarche, make_dossier, writing
from tests.store.databases import on_postgresql
from tests.store.test_views import rows

VIEW = "formulaire_86321"
FACTS = [*DOSSIER_COLUMNS]


def descriptor(id_: str, libelle: str = "Champ", type_: str = "text", **others: Any) -> Descriptor:
    """Make a descriptor of a champ."""
    given = {
        "required": False,
        "options": None,
        "other_option": False,
        "parent_id": None,
        "is_annotation": False,
    }
    return Descriptor(DescriptorId(id_), libelle, type_, **{**given, **others})


def demarche_of(*forms: Sequence[Descriptor], number: DemarcheNumber = DEMARCHE) -> Demarche:
    """Make a démarche of these revisions, one a day."""
    revisions = {
        RevisionId(f"{number}-{rank}"): Revision(
            RevisionId(f"{number}-{rank}"),
            EARLIER + timedelta(days=rank),
            {one.id: one for one in form},
        )
        for rank, form in enumerate(forms)
    }
    base = make_demarche()
    return Demarche(
        number, base.titre, base.etat, [*revisions][-1], revisions, base.labels, base.instructeurs
    )


def save(store: Store, demarche: Demarche) -> None:
    """Store a démarche."""
    with writing(store, demarche.number) as tx:
        tx.demarche.save(demarche)


NAMES: list[tuple[list[str], list[str]]] = [
    (["Problème identifié", "N° d’œuvre"], ["probleme_identifie", "n_d_oeuvre"]),
    (["Nom", "nom", "NOM !"], ["nom", "nom_2", "nom_3"]),
    (["Nom", "Nom 2", "Nom"], ["nom", "nom_2", "nom_3"]),
    (["", "🎉", "Ж"], ["champ", "champ_2", "champ_3"]),
    (["select", "Order", "Case"], ["champ_select", "champ_order", "champ_case"]),
    (["numero", "État", "Déposé le"], ["champ_numero", "champ_etat", "champ_depose_le"]),
    (['L\'"objet" %s %(x)s :y ; --', "3 objectifs"], ["l_objet_s_x_s_y", "champ_3_objectifs"]),
    (["é" * 300, "e" * 300], ["e" * 63, "e" * 61 + "_2"]),
]


def test_a_column_is_named_by_its_label(store: Store) -> None:
    """Without accents, quotes and reserved words, in 63 bytes; the same ones are numbered."""
    for number, (labels, _) in enumerate(NAMES, start=1):
        form = [descriptor(f"c'{n}%", one) for n, one in enumerate(labels)]
        save(store, demarche_of(form, number=DemarcheNumber(number)))
    dictionary = store.dictionary()
    for number, (labels, names) in enumerate(NAMES, start=1):
        columns = dictionary[f"formulaire_{number}"].columns
        assert [*FACTS, *names] == [*columns]
        assert [] == rows(store, f"(SELECT {', '.join(names)} FROM formulaire_{number}) AS q")
        for libelle, name in zip(labels, names, strict=True):
            shown = " ".join(libelle.split()) or "sans libellé"
            assert columns[name].sentence.startswith(f"« {shown} » (champ")


@on_postgresql
def test_no_column_needs_quotes_on_postgresql(store: Store) -> None:
    """Neither of a view nor of a form whose labels are all reserved words of this server."""
    with store.reading() as reader:
        ask = reader.connection.exec_driver_sql
        words = "SELECT word FROM pg_get_keywords() WHERE catcode IN ('R', 'T')"
        reserved = sorted(ask(words).scalars())
    save(store, demarche_of([descriptor(word, word) for word in reserved]))
    dictionary = store.dictionary()
    named = {name for view in dictionary.values() for name in view.columns}
    assert {f"champ_{word}" for word in reserved} <= named
    assert set() == named & {*reserved}


def test_names_stay_whatever_comes_later(store: Store) -> None:
    """A later champ with an earlier one's name takes the next number, and follows at the end."""
    first = [descriptor("a", "Nom"), descriptor("b", "Ville")]
    block = descriptor("r", "Lieux", "repetition")
    cell = descriptor("r1", "Ville", parent_id="r")
    second = [descriptor("c", "Nom"), descriptor("a", "Ville"), block, cell]
    third = [descriptor("d", "Lieux", "repetition"), descriptor("r1", "Commune", parent_id="r")]
    for forms in ([first], [first, second], [first, second, third]):
        save(store, demarche_of(*forms))
    expected = {
        VIEW: [*FACTS, "nom", "ville", "nom_2"],
        f"{VIEW}_lieux": ["numero", "ligne", "modifie_ici_le", "ville"],
        f"{VIEW}_lieux_2": ["numero", "ligne", "modifie_ici_le"],
    }
    dictionary = store.dictionary()
    assert expected == {name: [*dictionary[name].columns] for name in expected}
    for view, columns in expected.items():
        assert [] == rows(store, f"(SELECT {', '.join(columns)} FROM {view}) AS q")


def test_a_form_of_many_champs_has_the_columns_that_both_databases_allow(store: Store) -> None:
    """Up to 1,500 columns; later champs stay in `lecture_champ`."""
    shown = 1_500 - len(FACTS)
    form = [descriptor(f"c{n}", f"Question {n}") for n in range(1_600)]
    demarche = demarche_of(form)
    answers = tuple(Champ(one.id, f"réponse {one.id}") for one in form)
    save(store, demarche)
    store_dossier(store, demarche, 1, answers)
    [row] = rows(store, VIEW)
    assert (len(FACTS) + shown, f"réponse c{shown - 1}") == (len(row), row[f"question_{shown - 1}"])


def store_dossier(store: Store, demarche: Demarche, number: int, champs: Any) -> None:
    """Store a dossier of the last revision of a démarche."""
    dossier = structs.replace(
        make_dossier(number),
        champs=tuple(champs),
        annotations=(),
        revision_id=demarche.active_revision_id,
    )
    revision = demarche.revisions[demarche.active_revision_id]
    record = Recorder(None, OWNED).record(dossier, demarche.number, revision)
    with writing(store) as tx:
        tx.dossiers.store_page(1, [record], now=NOW)


def test_a_value_that_does_not_fit_its_type_is_null(store: Store) -> None:
    """It makes no query fail, and its text is in `lecture_champ`."""
    odd = {
        "2024-02-30": "date",
        "2023-02-29": "date",
        "0000-01-01": "date",
        "hier": "date",
        "2024-02-30T10:00:00+00:00": "datetime",
        "2024-02-03T25:00:00+00:00": "datetime",
        "2460000.5": "datetime",
        "douze": "integer_number",
        "1e99999": "integer_number",
        "inf": "decimal_number",
        "9223372036854775808": "dossier_link",
        "peut-être": "checkbox",
    }
    form = [descriptor(f"c{n}", "Valeur", type_) for n, type_ in enumerate(odd.values())]
    demarche = demarche_of([*form, descriptor("autre", "Autre")])
    save(store, demarche)
    champs = [Champ(one.id, texte) for one, texte in zip(form, odd, strict=True)]
    store_dossier(store, demarche, 1, [*champs, Champ(DescriptorId("autre"), "là")])
    [row] = rows(store, VIEW)
    assert [*[None] * len(odd), "là"] == [*row.values()][len(FACTS) :]
    assert {*odd, "là"} == {row["valeur"] for row in rows(store, "lecture_champ")}


RETYPED: list[tuple[str, str, Champ, Any]] = [
    ("drop_down_list", "multiple_drop_down_list", Champ("c", "a, b", ["a", "b"]), "a, b"),
    ("multiple_drop_down_list", "drop_down_list", Champ("c", "seul"), ["seul"]),
    ("multiple_drop_down_list", "text", Champ("c", None), None),
    ("integer_number", "text", Champ("c", "12"), 12),
    ("integer_number", "text", Champ("c", "douze"), None),
    ("integer_number", "decimal_number", Champ("c", "12.5", 12.5), None),
    ("integer_number", "text", Champ("c", "9223372036854775807"), 9223372036854775807),
    ("decimal_number", "text", Champ("c", "12.5"), 12.5),
    ("text", "decimal_number", Champ("c", "12.5", 12.5), "12.5"),
    ("yes_no", "drop_down_list", Champ("c", "Oui"), True),
    ("date", "datetime", Champ("c", "2024-06-30T22:30:00+00:00"), "2024-07-01"),
    ("date", "datetime", Champ("c", "2024-12-31T22:30:00+00:00"), "2024-12-31"),
    ("date", "text", Champ("c", "2024-05-01"), "2024-05-01"),
    ("datetime", "date", Champ("c", "2024-05-01"), None),
]
"""A question's type before and after, an answer of the latter, and what the old column shows."""


def test_the_column_of_a_retyped_question_shows_what_still_converts(store: Store) -> None:
    """And the dictionary names the column that has all."""
    for rank, (before, after, champ, expected) in enumerate(RETYPED, start=1):
        demarche = demarche_of(
            [descriptor("c", "Q", before)],
            [descriptor("c", "Q", after)],
            number=DemarcheNumber(rank),
        )
        save(store, demarche)
        store_dossier(store, demarche, 100 + rank, [champ])
        [row] = rows(store, f"formulaire_{rank}")
        shown = row["q"]
        assert expected == _meant(shown, expected), (before, after)
        said = store.dictionary()[f"formulaire_{rank}"].columns["q"].sentence
        assert "a changé de type" in said
        assert "sont dans q_2." in said


def test_whole_numbers_stay_in_a_column_of_decimal_ones(store: Store) -> None:
    """They all fit: the question has one column."""
    types = ("decimal_number", "integer_number")
    save(store, demarche_of(*([descriptor("c", "Q", one)] for one in types)))
    assert [*FACTS, "q"] == [*store.dictionary()[VIEW].columns]


def test_several_choices_are_rows(store: Store) -> None:
    """In the order of the answer, beside the line of their block; a text is a single one."""
    several = "multiple_drop_down_list"
    form = [
        descriptor("top", "Thèmes", several),
        descriptor("bloc", "Thèmes", "repetition"),
        descriptor("in", "Langues", several, parent_id=DescriptorId("bloc")),
    ]
    demarche = demarche_of(form)
    save(store, demarche)
    chosen = (["d'ici", "là"], [], ["là"])
    lines = tuple(
        Ligne(f"l{n}", (Champ(DescriptorId("in"), ", ".join(some) or None, some),))
        for n, some in enumerate(chosen)
    )
    top = Champ(DescriptorId("top"), "b, a", ["b", "a"])
    store_dossier(store, demarche, 1, [top, Champ(DescriptorId("bloc"), lignes=lines)])
    store_dossier(
        store, demarche, 2, [Champ(DescriptorId("top"), "a, b"), Champ(DescriptorId("x"))]
    )

    def chosen_in(view: str) -> list[tuple[Any, ...]]:
        found = rows(store, view)
        return sorted(tuple(row[n] for n in row if n != "modifie_ici_le") for row in found)

    # A block's name comes first, whatever its place in the form.
    assert [VIEW, f"{VIEW}_themes", f"{VIEW}_themes_2", f"{VIEW}_langues"] == [
        name for name in store.dictionary() if name.startswith(VIEW)
    ]
    assert [
        (1, 1, "b"),
        (1, 2, "a"),
        (2, 1, "a, b"),
    ] == chosen_in(f"{VIEW}_themes_2")
    assert [(1, 1, 1, "d'ici"), (1, 1, 2, "là"), (1, 3, 1, "là")] == chosen_in(f"{VIEW}_langues")
    columns = store.dictionary()[f"{VIEW}_langues"].columns
    assert [
        ("numero", "integer"),
        ("ligne", "integer"),
        ("rang", "integer"),
        ("modifie_ici_le", "datetime"),
        ("choix", "text"),
    ] == [(name, one.type) for name, one in columns.items()]
    assert columns["choix"].mark in MASKED
    later = demarche_of(form, [*form, descriptor("new", "Langues", several)])
    save(store, later)
    assert f"{VIEW}_langues_2" in store.dictionary()


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
VALUES: dict[str, st.SearchStrategy[tuple[str | None, Any, Any]]] = {
    "text": TEXTS.map(lambda t: (t or None, None, t or None)),
    "integer_number": st.integers(-(2**60), 2**60).map(lambda n: (str(n), n, n)),
    "decimal_number": st.floats(allow_nan=False, allow_infinity=False, width=32).map(
        lambda x: (repr(x), x, x)
    ),
    "checkbox": st.booleans().map(lambda b: ("oui" if b else "non", b, b)),
    "date": st.dates().map(lambda d: (d.isoformat(), None, d.isoformat())),
    "datetime": st.datetimes(timezones=st.just(UTC)).map(
        lambda t: (t.isoformat(), None, t.replace(microsecond=0))
    ),
    "multiple_drop_down_list": st.lists(TEXTS.filter(bool), min_size=1, max_size=3).map(
        lambda some: (", ".join(some), some, some)
    ),
}
"""By type: a text and a value as they are stored, and what the view shows."""

answers = st.sampled_from([*VALUES]).flatmap(
    lambda type_: st.tuples(st.just(type_), TEXTS, VALUES[type_])
)


def test_a_row_shows_its_own_champs_wherever_they_stand(store: Store) -> None:
    """An empty row, champs that are missing or in another order, and a second block."""
    form = [
        descriptor("bloc", "Lieux", "repetition"),
        descriptor("a", "Ville", parent_id=DescriptorId("bloc")),
        descriptor("b", "Région", parent_id=DescriptorId("bloc")),
        descriptor("autre", "Noms", "repetition"),
        descriptor("c", "Nom", parent_id=DescriptorId("autre")),
    ]
    demarche = demarche_of(form)
    save(store, demarche)
    lines = ([], ["a", "b"], ["b"], ["b", "a"])
    blocks = [
        Champ(DescriptorId(block), lignes=tuple(_line(n, ids) for n, ids in enumerate(lines_of)))
        for block, lines_of in (("autre", (["c"], [], ["c"])), ("bloc", lines))
    ]
    store_dossier(store, demarche, 1, blocks)
    store_dossier(store, demarche, 2, blocks[::-1])

    def shown(view: str, *names: str) -> list[tuple[Any, ...]]:
        return sorted(
            tuple(row[n] for n in ("numero", "ligne", *names)) for row in rows(store, view)
        )

    places = [(None, None), ("a1", "b1"), (None, "b2"), ("a3", "b3")]
    both = [(n, rank, *its) for n in (1, 2) for rank, its in enumerate(places, start=1)]
    assert both == shown(f"{VIEW}_lieux", "ville", "region")
    assert [(n, rank, its) for n in (1, 2) for rank, its in ((1, "c0"), (2, None), (3, "c2"))] == (
        shown(f"{VIEW}_noms", "nom")
    )


def _line(rank: int, ids: list[str]) -> Ligne:
    return Ligne(f"l{rank}", tuple(Champ(DescriptorId(id_), f"{id_}{rank}") for id_ in ids))


def _meant(value: Any, expected: Any) -> Any:
    """Return a shown value in the type of the expected one, without fractions of seconds."""
    if isinstance(expected, bool):
        return bool(value)
    if isinstance(expected, datetime):
        shown = datetime.fromisoformat(value) if isinstance(value, str) else value
        return shown.replace(microsecond=0)
    if isinstance(expected, list):
        return json.loads(value) if isinstance(value, str) else value
    if isinstance(value, Decimal):
        return type(expected)(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(expected, str):
        return str(value)
    return value


_numbers = iter(range(1_000_000))


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    top=st.lists(answers, max_size=8),
    lines=st.lists(st.lists(answers, max_size=3), max_size=3),
    is_moved=st.booleans(),
)
def test_a_view_shows_what_was_stored(
    store: Store,
    top: list[tuple[str, str, tuple[Any, Any, Any]]],
    lines: list[list[tuple[str, str, tuple[Any, Any, Any]]]],
    is_moved: bool,
) -> None:
    """Any labels, types and values, also in rows of a repetition, in the form's order or not."""
    rank = next(_numbers)
    number = DemarcheNumber(100 + rank)
    form = [descriptor(f"c{n}", libelle, type_) for n, (type_, libelle, _) in enumerate(top)]
    form.append(descriptor("r", "Bloc", "repetition"))
    lignes = []
    for at, line in enumerate(lines):
        cells = []
        for n, (type_, libelle, (texte, valeur, _)) in enumerate(line):
            cell = descriptor(f"r{at}-{n}", libelle, type_, parent_id=DescriptorId("r"))
            form.append(cell)
            cells.append(Champ(cell.id, texte, valeur))
        lignes.append(Ligne(f"row{at}", tuple(cells)))
    demarche = demarche_of(form, number=number)
    champs = [Champ(DescriptorId(f"c{n}"), v[0], v[1]) for n, (_, _, v) in enumerate(top)]
    champs.append(Champ(DescriptorId("r"), lignes=tuple(lignes)))
    save(store, demarche)
    store_dossier(store, demarche, 1000 + rank, champs[::-1] if is_moved else champs)

    [row] = rows(store, f"formulaire_{number}")
    values = [*row.values()][len(FACTS) :]
    expected = [meant for _, _, (_, _, meant) in top]
    assert expected == [_meant(v, e) for v, e in zip(values, expected, strict=True)]
    found = rows(store, f"formulaire_{number}_bloc")
    assert [*range(1, len(lines) + 1)] == sorted(row["ligne"] for row in found)
    for row in found:
        whole = [
            meant if at == row["ligne"] - 1 else None
            for at, line in enumerate(lines)
            for _, _, (_, _, meant) in line
        ]
        cells = [*row.values()][3:]
        assert whole == [
            None if v is None and e is None else _meant(v, e)
            for v, e in zip(cells, whole, strict=True)
        ]


def test_each_demarche_has_its_own_views(store: Store) -> None:
    """Dossiers of the one are not in the views of another one."""
    others = [demarche_of([descriptor("c1")], number=DemarcheNumber(n)) for n in (7, 71)]
    for rank, one in enumerate(others, start=1):
        save(store, one)
        store_dossier(store, one, rank, [Champ(DescriptorId("c1"), f"de {one.number}")])
    assert [(1, "de 7")] == [(r["numero"], r["champ"]) for r in rows(store, "formulaire_7")]
    assert [(2, "de 71")] == [(r["numero"], r["champ"]) for r in rows(store, "formulaire_71")]
    assert all(re.fullmatch(r"[a-z0-9_]+", name) for name in store.dictionary())


def test_a_view_that_analysts_built_on_a_form_fails_no_run(store: Store) -> None:
    """An older revision that is read late moves columns: on PostgreSQL that waits for theirs."""
    both = demarche_of([descriptor("a", "Ville")], [descriptor("b", "Nom")])
    [*_, last] = both.revisions
    save(store, replace(both, revisions={last: both.revisions[last]}))
    with writing(store) as tx:
        tx.connection.exec_driver_sql(f"CREATE VIEW le_mien AS SELECT nom FROM {VIEW}")
        waits = tx.connection.dialect.name == "postgresql"
    save(store, both)
    for dropped in (False, True):
        with writing(store) as tx:
            if dropped:
                tx.connection.exec_driver_sql("DROP VIEW le_mien")
            assert tx.demarche.renew_views() == (dropped or not waits)
    columns = store.dictionary()[VIEW].columns
    with store.reading() as reader:
        shown = inspect(reader.connection).get_columns(VIEW)
    assert [*columns] == [one["name"] for one in shown] == [*FACTS, "ville", "nom"]


_ids = st.sampled_from(["a", "b", "c", "d"])
_labels = st.sampled_from(["Nom", "nom 2", "Nom", "", "numero", "Ligne", "select"])
_types = st.sampled_from(["text", "integer_number", "date", "multiple_drop_down_list", "yes_no"])


@st.composite
def any_form(draw: st.DrawFn) -> list[Descriptor]:
    """Make a revision: some champs at the top, some in a repetition, in any order."""
    form = {}
    for id_ in draw(st.lists(_ids, unique=True)):
        parent = draw(st.sampled_from([None, "r"]))
        form[id_] = descriptor(id_, draw(_labels), draw(_types), parent_id=parent)
    block = descriptor("r", draw(_labels), "repetition")
    return (
        [block, *form.values()] if any(one.parent_id for one in form.values()) else [*form.values()]
    )


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(forms=st.lists(any_form(), min_size=2, max_size=5))
def test_columns_are_only_added(store: Store, forms: list[list[Descriptor]]) -> None:
    """Whatever a revision adds, removes, renames, retypes or moves into a repetition.

    Each view has the columns that it would have had if all revisions had been read at once.
    """
    number = DemarcheNumber(100_000 + next(_numbers))
    before: dict[str, list[str]] = {}
    for count in range(1, len(forms) + 1):
        save(store, demarche_of(*forms[:count], number=number))
        with store.reading() as reader:
            views = [
                name
                for name in inspect(reader.connection).get_view_names()
                if re.fullmatch(rf"formulaire_{number}(_.*)?", name)
            ]
            after = {
                view: [one["name"] for one in inspect(reader.connection).get_columns(view)]
                for view in views
            }
        assert before == {view: after[view][: len(names)] for view, names in before.items()}
        before = after
    at_once = DemarcheNumber(100_000 + next(_numbers))
    save(store, demarche_of(*forms, number=at_once))
    documented = store.dictionary()
    assert before == {view: [*documented[view].columns] for view in before}
    assert before == {
        view: [*documented[view.replace(str(number), str(at_once))].columns] for view in before
    }

"""Creates, drops and documents the views, and grants the right to read them.

The engine's SQL files of the views lecture_* are in `views/`, the programme's in its own folder
`views/`; a view of the programme replaces the engine's view of the same name, whose query it can
have by `{engine}`. A database has the programme's part where a démarche has it. One file serves
SQLite and PostgreSQL, with macros where their SQL differs. A query that differs as a whole, because
of JSON, has a file in each of `views/sqlite/` and `views/postgresql/`. The views formulaire_* are
made from the stored revisions of the forms (`form_views.py`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType

from sqlalchemy import Connection, delete, inspect, select, text
from sqlalchemy.exc import DBAPIError, OperationalError

from dsync.domain.documented import Declared, View
from dsync.domain.dossier import Descriptor, Revision
from dsync.domain.ids import DemarcheNumber, RevisionId
from dsync.errors import ConfigurationError, StoreError
from dsync.programme import Dictionary, Programme
from dsync.store import access, form_views, tables
from dsync.store.dictionary import DOSSIER_VIEW, ENGINE, folder_of, parts
from dsync.store.form_views import FormView
from dsync.store.sql import insert_rows
from dsync.store.tables import metadata

_PREFIXES = ("lecture_", form_views.PREFIX)


_PARIS = form_views.SQLITE_PARIS.replace("{0}", r"\2")
# The Thursday of its week, which is in the year of the week; SQLite has no format for it.
_THURSDAY = f"{_PARIS}, '-3 days', 'weekday 4'"

_MACROS = {
    "postgresql": {
        "paris": r"(\2 AT TIME ZONE 'Europe/Paris')",
        "month": r"to_char(\2 AT TIME ZONE 'Europe/Paris', 'YYYY-MM')",
        "week": r"""to_char(\2 AT TIME ZONE 'Europe/Paris', 'IYYY-"W"IW')""",
        "utc": r"\2",
        "instant": r"(\2)::timestamptz",
        "day": r"(\2)::date",
        "after": r"((\2 + 1)::timestamp AT TIME ZONE 'UTC')",
        "hour": r"date_trunc('hour', \2)",
        "elements": r"json_array_elements((\2)::json)",
        "ranked": r"""LATERAL (
        SELECT r.value, r.value #>> '{}' AS atom, r.number - 1 AS key
        FROM json_array_elements((\2)::json) WITH ORDINALITY AS r (value, number)
    )""",
        "texts": r"json_array_elements_text((\2)::json)",
        "pairs": r"json_each_text((\2)::json)",
        "length": r"json_array_length((\2)::json)",
        "json": r"(\2)::json",
        "present": "clock_timestamp()",
        "now": "now()",
        "seconds": r"EXTRACT(EPOCH FROM (\2))",
    },
    "sqlite": {
        "paris": _PARIS,
        "month": f"strftime('%Y-%m', {_PARIS})",
        "week": f"""strftime('%Y', {_THURSDAY})
        || printf('-W%02d', (strftime('%j', {_THURSDAY}) + 6) / 7)""",
        "utc": r"strftime('%Y-%m-%dT%H:%M:%SZ', \2)",
        "instant": r"\2",
        "day": r"\2",
        "after": r"strftime('%Y-%m-%dT%H:%M:%SZ', \2, '+1 day')",
        "hour": r"substr(\2, 1, 13)",
        "elements": r"json_each(\2)",
        "ranked": r"json_each(\2)",
        "texts": r"json_each(\2)",
        "pairs": r"json_each(\2)",
        "length": r"json_array_length(\2)",
        "json": r"\2",
        "present": "strftime('%Y-%m-%d %H:%M:%f', 'now')",
        "now": "strftime('%Y-%m-%dT%H:%M:%SZ', 'now')",
        "seconds": r"(86400.0 * julianday(\2))",
    },
}
"""The macros of the views, by database. `paris`: an instant's date and time in Paris; `month` and
`week`: its month and its ISO week there, such as `2026-02` and `2026-W05`; `utc`: an instant as
views show it; `after`: so, the midnight in UTC after a day; `hour`: its hour, to group by;
`instant`: as `utc`, of an instant in JSON without fractions; `elements`: the values of a JSON array
(`elements(x) AS e`, then `e.value ->> 'name'`); `ranked`: the same with their index, `key`, and
`atom`, which is one that is a text or a number; `texts`: the values of an array of texts; `pairs`:
the names and values of an object of texts, `key` and `value`; `length`: the number of values of an
array; `json`: a text as JSON; `present`: the present, as tables store it; `now`: the same as views
show it; `seconds`: an instant as a number, to be subtracted from another one."""
# No parentheses inside: macros are not nested.
_MACRO = re.compile(rf"\b({'|'.join(_MACROS['sqlite'])})\(([^()]*)\)")


def expanded(query: str, engine: str) -> str:
    """Replace the macros in a query by the engine's SQL."""
    return _MACRO.sub(lambda found: found.expand(_MACROS[engine][found[1]]), query)


def names(programme: type[Programme]) -> list[str]:
    """Return the views' names, in the dictionary's order."""
    return list(shipped_dictionary(programme))


def shipped_dictionary(programme: type[Programme]) -> Dictionary:
    """Return the shipped documentation of the programme's and the engine's views."""
    engine, theirs = ENGINE.views, programme.storage.views
    own = {name: entry for name, entry in theirs.items() if name not in engine}
    # The view of all dossiers first: others read it.
    return {
        DOSSIER_VIEW: engine[DOSSIER_VIEW],
        **own,
        **engine,
        **{name: theirs[name] for name in engine if name in theirs},
    }


def create(
    connection: Connection, programme: type[Programme], readers: access.Readers | None = None
) -> None:
    """Create the views; on PostgreSQL, also their comments and the rights to read them.

    `readers` are the roles that may read, as `drop` returned them.

    Raises:
        StoreError: a view's file is missing from the package.
    """
    engine = connection.dialect.name
    documented = shipped_dictionary(programme)
    # In the dictionary's order: a view may read those before it.
    for name in documented:
        _create_view(connection, name, text_of(name, engine, programme), documented[name].columns)
    forms = _stored_forms(connection)
    for form in forms:
        _create_form(connection, form)
    connection.execute(delete(tables.colonne))
    _describe(connection, documented)
    _describe_forms(connection, forms)
    if engine == "postgresql":
        documented |= _dictionary_of(forms)
        access.comment(connection, documented)
        if readers is not None:
            for name in documented:
                access.grant_view(connection, name, readers.of(name))
            access.renew_parts(connection, documented, readers.of_part)


PATIENCE_MS = 500
"""How long a run or a grant waits for the readers of a view that it renews. Other readers wait
behind it, and it gives up before PostgreSQL's `deadlock_timeout` (1 s) would end a transaction."""

_IN_USE = frozenset({"55P03", "2BP01"})
"""SQLSTATEs: another transaction has read a view and is open; another view reads it."""


def renew_form(connection: Connection, number: DemarcheNumber) -> bool:
    """Create the views of a démarche's form, or add to them what is new in its revisions.

    They are as the stored revisions, and the stored choice of the champs that are shown to readers
    without personal data, make them.

    What reads the views on PostgreSQL, such as other views, stays as it is: columns are only added
    at their end. The transaction waits no longer than `PATIENCE_MS` for locks after it.

    Returns whether it was done. If not, the views are in use and were left as they were, but what
    would go on showing a champ that is not open any more is taken from readers without personal
    data.
    """
    forms = _stored_forms(connection, only=number)
    if connection.dialect.name != "postgresql":
        _renew(connection, forms)
        return True
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = {PATIENCE_MS}")
    try:
        # An error ends PostgreSQL's whole transaction, but for what a savepoint keeps.
        with connection.begin_nested():
            _renew(connection, forms)
    except DBAPIError as exc:
        if getattr(exc.orig, "sqlstate", None) not in _IN_USE:
            raise
        access.withhold(connection, _dictionary_of(forms))
        return False
    return True


def drop_forms(connection: Connection, number: DemarcheNumber) -> None:
    """Drop the views of a démarche's form."""
    present = inspect(connection).get_view_names()
    _drop(connection, [one for one in present if form_views.demarche_of(one) == number])
    column = tables.colonne
    connection.execute(delete(column).where(column.c.demarche_numero == number))


def _renew(connection: Connection, forms: Iterable[FormView]) -> None:
    is_postgresql = connection.dialect.name == "postgresql"
    readers = access.read_readers(connection) if is_postgresql else None
    present = set(inspect(connection).get_view_names())
    for form in forms:
        if form.name in present:
            known = [column["name"] for column in inspect(connection).get_columns(form.name)]
            # SQLite cannot replace a view, and PostgreSQL adds columns at its end only.
            if not is_postgresql or known != [*form.documented][: len(known)]:
                _drop(connection, [form.name])
        _create_form(connection, form)
    _describe_forms(connection, forms)
    if readers is not None:
        documented = _dictionary_of(forms)
        access.comment(connection, documented)
        for form in forms:
            access.grant_view(connection, form.name, readers.of(form.name))
        access.renew_parts(connection, documented, readers.of_part)


def _describe(connection: Connection, documented: Dictionary, form: FormView | None = None) -> None:
    """Store what views, of a form or of none, say of their columns."""
    champs = {one.name: one for one in form.columns.values()} if form else {}
    insert_rows(
        connection,
        tables.colonne,
        [
            {
                "vue": view,
                "colonne": column,
                "rang": rang,
                "type": one.type,
                "sens": one.sentence,
                "marque": access.shown_mark(one.mark),
                "depuis": None if column in champs else one.since,
                "demarche_numero": form and form.demarche,
                "origine": champs[column].origin if column in champs else None,
                "champ_id": champs[column].id if column in champs else None,
            }
            for view, about in documented.items()
            for rang, (column, one) in enumerate(about.columns.items(), start=1)
        ],
    )


def _describe_forms(connection: Connection, forms: Iterable[FormView]) -> None:
    for form in forms:
        connection.execute(delete(tables.colonne).where(tables.colonne.c.vue == form.name))
        _describe(connection, _dictionary_of([form]), form)


def _create_form(connection: Connection, form: FormView) -> None:
    if connection.dialect.name == "postgresql":
        query = _form_query(form, "postgresql")
        connection.exec_driver_sql(f"CREATE OR REPLACE VIEW {form.name} AS\n{query}")
    else:
        _create_view(connection, form.name, form.query("sqlite"), form.documented)


_DECLARED = {
    "integer": ("BIGINT|INTEGER", "SELECT numero FROM dossier"),
    "number": ("FLOAT", "SELECT valeur FROM indicateur"),
    "boolean": ("BOOLEAN", "SELECT archive FROM dossier"),
    "date": ("DATE$", "SELECT jour FROM indicateur"),
    "datetime": ("DATETIME", "SELECT depose_le FROM dossier"),
    "json": ("CHAR", "SELECT etat FROM dossier"),
    "text": ("CHAR", "SELECT etat FROM dossier"),
}
"""By type of the dictionary: the declared types of SQLite's columns, and a column that has one. The
names that SQLite gives to a CAST (INT, REAL, TEXT) are not among them, because versions before
3.41, such as DuckDB's, give none."""


def _create_view(
    connection: Connection, name: str, query: str, columns: Mapping[str, Declared]
) -> None:
    connection.exec_driver_sql(f"CREATE VIEW {name} AS\n{_typed(connection, query, columns)}")


def _typed(connection: Connection, query: str, columns: Mapping[str, Declared]) -> str:
    """Return a view's query, by which SQLite declares its columns to be of the declared types.

    SQLite gives a view's column the declared type of the table's column that it is, and none to an
    expression: a CAST to DATETIME makes a number of a text. It does give an expression the type of
    the last part of a UNION ALL; that part is never executed, because a subquery has one value.
    """
    if connection.dialect.name == "postgresql":
        return query
    connection.exec_driver_sql(f"CREATE TEMP VIEW {_TRIED} AS\n{query}")
    try:
        found = connection.exec_driver_sql(f"PRAGMA temp.table_info({_TRIED})").all()
    finally:
        connection.exec_driver_sql(f"DROP VIEW temp.{_TRIED}")
    shown, lacking = [], False
    for _, column, declared, *_ in found:
        pattern, model = _DECLARED[columns[column].type]
        if re.search(pattern, declared):
            # As it is, it is still found by its index.
            shown.append(f"q.{column}")
        else:
            shown.append(f"(SELECT q.{column} UNION ALL {model}) AS {column}")
            lacking = True
    if not lacking:
        return query
    typed = ",\n    ".join(shown)
    return f"SELECT\n    {typed}\nFROM (\n{query}\n) AS q"


def altered(connection: Connection, programme: type[Programme]) -> list[str]:
    """Return the views whose text is another one than what is shipped, or made of the forms.

    A temporary view is made and dropped again in the transaction.
    """
    engine = connection.dialect.name
    present = set(inspect(connection).get_view_names())
    documented = shipped_dictionary(programme)
    texts = {
        name: (text_of(name, engine, programme), view.columns) for name, view in documented.items()
    }
    due = select(tables.demarche.c.number).where(tables.demarche.c.vues_a_refaire)
    waiting = set(connection.scalars(due))
    forms = [form for form in _stored_forms(connection) if form.demarche not in waiting]
    texts |= {form.name: (_form_query(form, engine), form.documented) for form in forms}
    found = []
    with connection.begin_nested() as attempt:
        for name in [name for name in texts if name in present]:
            query, columns = texts[name]
            shown = _shown(connection, name)
            if engine == "postgresql":
                # It keeps no text: it gives both in its own words.
                connection.exec_driver_sql(f"CREATE TEMP VIEW {_TRIED} AS\n{query}")
                shipped = _shown(connection, f"pg_temp.{_TRIED}")
                connection.exec_driver_sql(f"DROP VIEW pg_temp.{_TRIED}")
            else:
                try:
                    typed = _typed(connection, query, columns)
                except OperationalError:
                    continue  # It reads a view that lacks a column, which is itself found.
                shipped = f"CREATE VIEW {name} AS\n{typed}".rstrip()
            if shown != shipped:
                found.append(name)
        attempt.rollback()
    return found


_TRIED = "dsync_shipped"
"""A temporary view."""
_SHOWN = {
    "postgresql": "SELECT pg_get_viewdef(CAST(:view AS regclass))",
    "sqlite": "SELECT sql FROM sqlite_master WHERE type = 'view' AND name = :view",
}


def _shown(connection: Connection, view: str) -> str | None:
    found: str | None = connection.scalar(text(_SHOWN[connection.dialect.name]), {"view": view})
    return found


def _form_query(form: FormView, engine: str) -> str:
    query = form.query(engine)
    # PostgreSQL's driver takes a single percent sign for a parameter.
    return query.replace("%", "%%") if engine == "postgresql" else query


Opened = Mapping[DemarcheNumber, Collection[str]]
"""The ids of champs and annotations that readers without personal data see, by démarche."""


def _stored_forms(
    connection: Connection,
    *,
    only: DemarcheNumber | None = None,
    opened: Opened = MappingProxyType({}),
) -> list[FormView]:
    """Return the views of the stored forms, of one démarche or (None) all.

    `opened` is by démarche; of the other ones, what is stored.
    """
    table = tables.demarche
    stored = dict(connection.execute(select(table.c.number, table.c.ouverts)).all())
    known = stored | dict(opened)
    read = connection.scalars(select(tables.revision.c.demarche_numero).distinct())
    numbers = map(DemarcheNumber, sorted(read)) if only is None else [only]
    return [
        form
        for number in numbers
        for revisions in [read_revisions_of(connection, number).values()]
        for form in form_views.form_views(number, revisions, known.get(number, ()))
    ]


def _dictionary_of(forms: Iterable[FormView]) -> Dictionary:
    return {form.name: View(form.description, form.documented, form.key) for form in forms}


def text_of(name: str, engine: str, programme: type[Programme]) -> str:
    """Return the shipped query of a view.

    Raises:
        StoreError: its file is missing from the package.
    """
    query = None
    for part in parts(programme):
        views = folder_of(part) / "views"
        for path in (views / f"{name}.sql", views / engine / f"{name}.sql"):
            if path.is_file():
                # A programme's view can have the engine's rows, too.
                own = path.read_text(encoding="utf-8")
                if "{columns}" in own:
                    items = (one.sql for one in part.views[name].columns.values())
                    own = own.replace("{columns}", ",\n    ".join(items))
                if "{modifie_ici_le}" in own:
                    moved = part.views[name].columns["modifie_ici_le"]
                    own = own.replace("{modifie_ici_le}", moved.sql)
                if "{codes}" in own:
                    own = own.replace("{codes}", _codes(programme))
                own = part.complete(own)
                query = own.replace("{engine}", (query or "").rstrip())
    if query is None:
        raise StoreError(f"The package lacks the view {name}: reinstall dsync.")
    return expanded(query, engine)


def _codes(programme: type[Programme]) -> str:
    """Return the rows of `lecture_valeur`: each fixed value of a column with its meaning."""
    rows = (
        (name, column, code, meaning)
        for name, view in shipped_dictionary(programme).items()
        for column, one in view.columns.items()
        for code, meaning in one.codes.items()
    )
    texts = ([part.replace("'", "''") for part in row] for row in rows)
    return ",\n        ".join("('" + "', '".join(row) + "')" for row in texts)


def drop(connection: Connection, programme: type[Programme]) -> access.Readers | None:
    """Drop the views; return the roles that could read them, None on SQLite."""
    present = [name for name in inspect(connection).get_view_names() if name.startswith(_PREFIXES)]
    readers = access.read_readers(connection) if connection.dialect.name == "postgresql" else None
    # A view may read those before it in the dictionary; one that is shipped no more reads any.
    order = {name: rank for rank, name in enumerate(names(programme))}
    _drop(connection, sorted(present, key=lambda one: order.get(one, len(order)), reverse=True))
    return readers


def _drop(connection: Connection, views: Iterable[str]) -> None:
    is_postgresql = connection.dialect.name == "postgresql"
    schemas = [
        access.quoted_schema(connection, part)
        for part in (access.parts(connection).values() if is_postgresql else ())
    ]
    for name in views:
        for schema in schemas:
            connection.exec_driver_sql(f"DROP VIEW IF EXISTS {schema}.{name}")
        connection.exec_driver_sql(f"DROP VIEW {name}")


def dictionary(
    connection: Connection, programme: type[Programme], opened: Opened = MappingProxyType({})
) -> Dictionary:
    """Return the views' documentation.

    `opened` is what a configuration opens, by démarche; of the other ones, what is stored.
    """
    forms = _dictionary_of(_stored_forms(connection, opened=opened))
    known = shipped_dictionary(programme) | forms
    if connection.dialect.name != "postgresql":
        return known
    # A view that was in use can lack columns: it could not be renewed.
    shown = access.shown_columns(connection)
    return {
        name: view._replace(columns={n: one for n, one in view.columns.items() if n in shown[name]})
        for name, view in known.items()
        if name in shown
    }


def grant(
    connection: Connection,
    role: str,
    programme: type[Programme],
    part: access.ViewSet = access.WHOLE,
) -> str:
    """Grant a role the right to read the views, and revoke its rights on dsync's tables.

    The role may also read the views that are made later. It loses the right to read the other parts
    of the views, but keeps those of other démarches if this is of one. The schema of these views is
    returned.

    Raises:
        ConfigurationError: the database is SQLite, there is no such role, dsync itself uses it, or
            the database has no such démarche.
        StoreError: there is no current schema.
    """
    if connection.dialect.name != "postgresql":
        raise ConfigurationError(
            "SQLite knows no roles, and who has the file reads its tables: give readers the files "
            "of `dsync export DIR`, with --without-personal-data if need be, or use PostgreSQL."
        )
    if connection.scalar(text("SELECT current_user")) == role:
        raise ConfigurationError(
            f"{role} is the role that dsync works with; give read access to another one."
        )
    known = connection.scalar(text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": role})
    if not known:
        raise ConfigurationError(
            f"There is no role {role} in PostgreSQL. Create it: CREATE ROLE … LOGIN PASSWORD '…'."
        )
    numbers = connection.scalars(select(tables.demarche.c.number)).all()
    if part.demarche is not None and part.demarche not in numbers:
        known = ", ".join(map(str, sorted(numbers))) or "none yet"
        raise ConfigurationError(
            f"The database has no démarche {part.demarche} ({known}): correct --demarche, or run "
            "`dsync sync` first."
        )
    current = connection.scalar(text("SELECT current_schema()"))
    if current is None:
        raise StoreError("The database user's search_path names no schema. Set it, then try again.")
    quoted = access.quoted(connection, role)
    own = ", ".join([*metadata.tables, *programme.storage.metadata.tables])
    # Who reads behind this statement while it waits for a view in use has to wait, too.
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = {PATIENCE_MS}")
    # Rights on the tables, which somebody gave by hand, would show more than the views do.
    connection.exec_driver_sql(f"REVOKE ALL ON {own} FROM {quoted}")
    documented = dictionary(connection, programme)
    made = {*access.parts(connection).values()}
    for other in {access.WHOLE, *made} - {part}:
        if None in (part.demarche, other.demarche) or part.demarche == other.demarche:
            access.revoke(connection, other, {role}, documented)
    schema = access.quoted_schema(connection, part)
    if part == access.WHOLE:
        connection.exec_driver_sql(f"GRANT USAGE ON SCHEMA {schema} TO {quoted}")
        granted = ", ".join(name for name in documented if part.has(name))
        connection.exec_driver_sql(f"GRANT SELECT ON {granted} TO {quoted}")
        return str(current)
    if part not in made:
        connection.exec_driver_sql(f"CREATE SCHEMA {schema}")
    access.renew_parts(connection, documented, {part: {role}})
    return part.name_in(current)


def read_revisions_of(connection: Connection, number: DemarcheNumber) -> dict[RevisionId, Revision]:
    """Return the stored revisions of a démarche."""
    table = tables.revision
    rows = connection.execute(select(table).where(table.c.demarche_numero == number))
    found = {}
    for row in rows:
        read = [Descriptor(**fields) for fields in row.descriptors]
        # JSON has no tuples.
        read = [d if d.options is None else d._replace(options=tuple(d.options)) for d in read]
        id_ = RevisionId(row.id)
        found[id_] = Revision(id_, row.date_publication, {d.id: d for d in read})
    return found

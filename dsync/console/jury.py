"""The programme's pages: a jury's dossiers by mean mark, their sheets, the evidence of verdicts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from fractions import Fraction
from hashlib import blake2b
from itertools import accumulate
from math import ceil, floor
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import Response

from dsync.care.state import waiting
from dsync.console import words
from dsync.console.access import Right, Role
from dsync.console.dossiers import ALL
from dsync.console.files import Download, prepared
from dsync.console.jury_papers import OF_GRIDS, book_of, sheets_of
from dsync.console.visit import NO_DOSSIER, UnknownValueError, Viewer, Visit, has_stages
from dsync.domain.means import exact, mean, rounded
from dsync.store import Reader
from dsync.store.requests import ManualRequest
from dsync.sync.work import ReadChanges

COLUMNS = {
    "rang": "Rang",
    "numero": "Dossier",
    "raison_sociale": "Organisme",
    "page_produit": "Produit",
    "verdict": "Avis",
    "moment": "Notes de",
    "note_moyenne": "Moyenne",
    "note_dossier": "Avant",
    "note_min": "Note mini",
    "note_max": "Note maxi",
    "ecart_evaluateurs": "Écart",
    "grilles": "Grilles",
    "etat": "État",
}
"""The columns of a jury with their headers; `grilles` and `note_dossier` are worked out here."""
EVALUATOR = "Évaluateur"
ALL_DAYS = "tous"
"""In an address, instead of a day: all juries."""
MOST = 300
"""Dossiers of all juries together that are shown, or put into one file, at once."""
_STORED = (
    *("nb_evaluations", "nb_evaluateurs", "nb_incompletes"),
    *(
        name
        for name in COLUMNS
        if name not in ("rang", "numero", "moment", "grilles", "note_dossier")
    ),
)
# Not of `lecture_candidature`: all that it joins would be gone through for each dossier.
_DAYS = """(
    SELECT c.numero, coalesce(c.jury_le, p.jury_le) AS jury_le, p.jury_le AS prevu_le,
        c.jury_le AS dans_ds, d.demarche_numero, d.presence
    FROM candidature AS c
    LEFT JOIN jury_prevu AS p ON p.numero = c.numero
    JOIN dossier AS d ON d.numero = c.numero
    WHERE coalesce(c.jury_le, p.jury_le) IS NOT NULL
) AS days"""
# The team's results as `team_results` returns them.
_NAMED = """(
    SELECT c.numero, c.produit_id, (
        SELECT coalesce(p.avis_equipe, '') FROM lecture_precontrole AS p
        WHERE p.numero = c.numero AND p.courant AND p.avis_remplace
    ) AS avis_equipe
    FROM candidature AS c
) AS named"""
_NO_JURY = "Aucun dossier n’est prévu à ce jury."


def check_programme(visit: Visit, *, needs_grids: bool = True) -> None:
    """Check that the démarche has a programme, with evaluation grids, else 404."""
    if visit.worker.programme is None or (needs_grids and not has_stages(visit.worker)):
        raise HTTPException(404, "Cette démarche n’a pas de programme.")


def present(visit: Viewer) -> dict[str, Any]:
    """Return what the rows of dossiers must have: hidden ones and other démarches do not count."""
    return {"demarche_numero": visit.worker.demarche, "presence": "present"}


def days_of(visit: Viewer, reader: Reader) -> list[dict[str, Any]]:
    """Return the days on which juries meet, the last one first, with their counts of dossiers."""
    return reader.rows_of(
        _DAYS,
        ("jury_le", "count(*) AS nombre"),
        present(visit),
        group="jury_le",
        order="jury_le DESC",
        are_few=True,
    )


def _default(days: Collection[str], today: str) -> str | None:
    """Return the next jury, else the last one, None without any."""
    return min((day for day in days if day >= today), default=max(days, default=None))


def planned(
    viewer: Viewer, reader: Reader, days: Sequence[str], of: str = "prevu_le"
) -> list[dict[str, Any]]:
    """Return the dossiers that were planned for juries here, with the day that DS has, or None.

    With `of` « jury_le », those that these juries see.
    """
    names, where = ("numero", "prevu_le", "dans_ds"), present(viewer) | {of: [*days]}
    return reader.rows_of(_DAYS, names, where, order="numero", limit=ALL) if days else []


def members(visit: Visit, reader: Reader, days: Sequence[str]) -> list[str]:
    """Return who sits in juries, as they were composed."""
    where = {"demarche_numero": visit.worker.demarche, "jury_le": [*days]}
    rows = reader.rows_of("jury_membre", ("qui",), where, order="qui", limit=ALL) if days else []
    return [*dict.fromkeys(row["qui"] for row in rows)]


def _deports(
    reader: Reader, rows: Sequence[Mapping[str, Any]], grids: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Return who stepped aside from which of these dossiers, and whether their grid counts."""
    where = {"numero": [row["numero"] for row in rows]}
    names = ("numero", "qui")
    found = reader.rows_of("deport", names, where, order="numero, qui", limit=ALL) if rows else []
    count = [one for one in grids if one["compte"] and not one["remplacee_par"]]
    for one in found:
        its = (grid for grid in count if grid["numero"] == one["numero"])
        one["compte"] = any(is_of(grid, one["qui"]) for grid in its)
    return found


def who_may_sit(visit: Visit, reader: Reader) -> set[str]:
    """Return who has the role of a jury's member by name, in the database and in the file."""
    given = {"demarche_numero": visit.worker.demarche, "role": Role.JURY.value}
    decided = reader.rows_of("acces", ("qui",), given, order="qui", limit=ALL)
    return {one["qui"] for one in decided} | {
        who
        for one in visit.site.entries(visit.worker.demarche)
        for who in one.who
        if one.role == Role.JURY.value and "@" in who and not who.startswith("@")
    }


def _chosen(visit: Visit, days: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the days of the juries that the address asks for: one, or all, the last ones first.

    Of all, as many as have `MOST` dossiers together. Without a choice, the next one; the last one,
    if none is to come. 400: there is no jury on that day.
    """
    known, wanted = [str(one["jury_le"]) for one in days], visit.query("le")
    if wanted == ALL_DAYS and known:
        sums = accumulate(one["nombre"] for one in days)
        return [day for day, total in zip(known, sums, strict=True) if total <= MOST] or known[:1]
    if wanted is not None and wanted not in known:
        raise UnknownValueError("le", wanted, _NO_JURY)
    day = wanted or _default(known, visit.today.isoformat())
    return [day] if day else []


def _ranked(
    visit: Visit, reader: Reader, days: Sequence[str], columns: Sequence[str]
) -> list[dict[str, Any]]:
    where = present(visit) | {"jury_le": [*days]}
    names = ("jury_le", "numero", "rang", "moment", *columns)
    view = "lecture_jury_dossier"
    rows = reader.rows_of(view, names, where, order="numero", limit=ALL, are_few=True)
    rounds = [*MOMENTS, None]
    # Each round has its own ranks.
    rows.sort(
        key=lambda row: (
            days.index(str(row["jury_le"])),
            rounds.index(row["moment"]),
            row["rang"] is None,
            row["rang"],
        )
    )
    return rows


def ranking(
    visit: Visit, reader: Reader, days: Sequence[str]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the dossiers of juries by day, the best mean first, those without a rank last.

    Second, their grids, without marks.
    """
    rows = _ranked(visit, reader, days, _STORED)
    numbers = [row["numero"] for row in rows]
    grids = _grids(reader, numbers) if numbers else []
    # Of these, some grid counts no more.
    again = [
        row["numero"]
        for row in rows
        if row["moment"] == "soutenance" and row["nb_evaluations"] > row["nb_evaluateurs"]
    ]
    former = _former_means(reader, again, grids) if again else {}
    part = visit.worker.programme.products if visit.worker.programme else None
    known = part.names(reader.connection) if part else {}
    columns = ("numero", "produit_id", "avis_equipe")
    named = (_NAMED, columns, {"numero": numbers})
    names = {
        row["numero"]: row
        for row in (reader.rows_of(*named, order="numero", limit=ALL) if numbers else ())
    }
    for row in rows:
        count = row["nb_evaluateurs"]
        of_it = names.get(row["numero"], {})
        row["avis_equipe"] = of_it.get("avis_equipe")
        row["note_dossier"] = former.get(row["numero"])
        row["grilles"] = f"{count - row['nb_incompletes']} sur {count}" if count else "aucune"
        row["moment"] = MOMENTS.get(row["moment"])
        page = row["page_produit"] and words.short_address(row["page_produit"])
        row["page_produit"] = known.get(of_it.get("produit_id") or "") or page
    return rows, grids


def _former_means(
    reader: Reader, numbers: Sequence[int], grids: Sequence[Mapping[str, Any]]
) -> dict[int, float]:
    """Return the means before the soutenance, as `matrices` works them out; without a mark, none.

    Of marks that the database adds up: to read each takes longer than the rest of the page.
    """
    sums = reader.rows_of(
        "lecture_evaluation_note",
        ("numero", "ligne", "sum(note) AS somme", "count(note) AS notes"),
        {"numero": [*numbers]},
        group="numero, ligne",
        order="numero, ligne",
        limit=ALL,
    )
    marks = {(one["numero"], one["ligne"]): one for one in sums}
    means: dict[int, list[Fraction]] = defaultdict(list)
    before = [one for one in grids if not one["soutenance"] and not one["remplacee_par"]]
    for one in before:
        its = marks.get((one["numero"], one["ligne"]))
        if one["complete"] and its and its["notes"]:
            # A sum of floats is not exact.
            [total] = exact([round(its["somme"], 6)])
            means[one["numero"]].append(total / its["notes"])
    lacking = {one["numero"] for one in before if not one["complete"]}
    return {number: rounded(mean(some)) for number, some in means.items() if number not in lacking}


def _shown(
    rows: Sequence[dict[str, Any]], which: str | None, sort: str | None
) -> list[dict[str, Any]]:
    """Return the dossiers of a jury that the address asks for, in its order: by rank, or others."""
    kept = [row for row in rows if which is None or WHICH[which](row)]
    if sort is not None:
        kept.sort(key=lambda row: (row[sort] is None, -(row[sort] or 0), row["numero"]))
    return kept


WHICH: Mapping[str, Callable[[Mapping[str, Any]], bool]] = {
    "miennes": lambda row: bool(row["mienne"]),
    "a_completer": lambda row: not row["nb_evaluateurs"] or bool(row["nb_incompletes"]),
    "ecart": lambda row: (row["ecart_evaluateurs"] or 0) >= WIDE,
}
"""By what the dossiers of a jury are narrowed, as addresses name it."""
WIDE = 1
"""Marks between evaluators from which on their means are said to differ."""
SORTED = ("note_moyenne", "ecart_evaluateurs")


def _columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return the columns with their headers, without one that no dossier has a value for."""
    has_both = any(row["note_dossier"] is not None for row in rows)
    return {name: said for name, said in COLUMNS.items() if has_both or name != "note_dossier"}


MOMENTS = {"soutenance": "Soutenance", "dossier": "Dossier"}


def _grids(reader: Reader, numbers: Sequence[int]) -> list[dict[str, Any]]:
    """Return the grids of dossiers, without their marks."""
    wanted = {"numero": [*numbers]}
    return reader.rows_of("lecture_evaluation", OF_GRIDS, wanted, order="ligne", limit=ALL)


def _with_missing(reader: Reader, grids: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return those that count and lack a mark, with the criteria, and those that were replaced."""
    found = [
        one for one in grids if one["remplacee_par"] or (one["compte"] and not one["complete"])
    ]
    numbers = [one["numero"] for one in found if not one["remplacee_par"]]
    missing: dict[tuple[int, int], list[str]] = defaultdict(list)
    columns = ("numero", "ligne", "critere", "libelle")
    where = {"numero": numbers, "note": None}
    order = "numero, ligne, rang"
    for one in (
        reader.rows_of("lecture_evaluation_note", columns, where, order=order, limit=ALL)
        if numbers
        else ()
    ):
        missing[one["numero"], one["ligne"]].append(one["libelle"] or one["critere"])
    return [one | {"manques": missing[one["numero"], one["ligne"]]} for one in found]


def unfinished_grids(visit: Viewer, reader: Reader, days: Sequence[str]) -> list[dict[str, Any]]:
    """Return the grids of who asks that count and lack a mark, of the next jury or the last one."""
    day = _default(days, visit.today.isoformat())
    if day is None:
        return []
    of_day = present(visit) | {"jury_le": [day]}
    found = reader.rows_of(_DAYS, ("numero",), of_day, order="numero", limit=ALL, are_few=True)
    grids = _grids(reader, [row["numero"] for row in found])
    mine = [one for one in grids if is_of(one, visit.name)]
    return [one for one in _with_missing(reader, mine) if not one["remplacee_par"]]


def is_of(grid: Mapping[str, Any], name: str) -> bool:
    """Return whether a grid is a person's, as it names its evaluator."""
    return (grid["evaluateur"] or "").strip().lower() == name.lower()


def show(visit: Visit) -> Response:
    """Show the dossiers of a jury, the best mean first."""
    check_programme(visit)
    with visit.reading() as reader:
        days = days_of(visit, reader)
        chosen = _chosen(visit, days)
        rows, grids = ranking(visit, reader, chosen) if chosen else ([], [])
        to_mend: dict[int, list[dict[str, Any]]] = defaultdict(list)
        for grid in _with_missing(reader, grids):
            to_mend[grid["numero"]].append(grid)
        of_dossiers: dict[int, list[dict[str, Any]]] = defaultdict(list)
        for grid in grids:
            if grid["compte"] and not grid["remplacee_par"]:
                of_dossiers[grid["numero"]].append(grid)
        rows = [
            row
            | {
                "grids": to_mend[row["numero"]],
                # Pairs: the mean of an evaluator, and whether it is who asks.
                "notes": [
                    (float(one["moyenne"]), is_of(one, visit.name))
                    for one in of_dossiers[row["numero"]]
                    if one["moyenne"] is not None
                ],
                "mienne": any(is_of(one, visit.name) for one in of_dossiers[row["numero"]]),
            }
            for row in rows
        ]
        said = {
            COLUMNS["page_produit"]: any(row["page_produit"] for row in rows),
            EVALUATOR: any(one["evaluateur"] for some in to_mend.values() for one in some),
        }
        visit.personal = [name for name, is_shown in said.items() if is_shown]
        visit.listed = [row["numero"] for row in rows] if visit.personal else ()
        deports = _deports(reader, rows, grids) if visit.may(Right.AGIR) else []
        acts = visit.may(Right.AGIR) and visit.grant.groupes is None
        sitting = members(visit, reader, chosen) if acts else []
        kept = _kept(reader) if acts else {}
        every = kept.get(chosen[0], []) if len(chosen) == 1 else []
        known = [str(one["jury_le"]) for one in days]
        is_all = visit.query("le") == ALL_DAYS
        day = None if is_all else next(iter(chosen), None)
        place = known.index(day) if day else 0
        which, sort = visit.query("voir"), visit.query("tri")
        which, sort = which if which in WHICH else None, sort if sort in SORTED else None
        notes = [note for row in rows for note, _ in row["notes"]]
        low, high = floor(min(notes, default=0)), ceil(max(notes, default=0))
        mine = [
            (row["numero"], row["raison_sociale"])
            for row in rows
            for grid in row["grids"]
            if is_of(grid, visit.name) and not grid["remplacee_par"]
        ]
        return visit.page(
            "jury.html",
            days=days,
            day=day,
            le=ALL_DAYS if is_all else day,
            is_all=is_all,
            left=known[len(chosen) :] if is_all else [],
            earlier=known[place + 1] if day and place + 1 < len(known) else None,
            later=known[place - 1] if place else None,
            total=sum(one["nombre"] for one in days),
            today=visit.today.isoformat(),
            juries=[
                (one, _shown([row for row in rows if str(row["jury_le"]) == one], which, sort))
                for one in chosen
            ],
            moments=[*MOMENTS.values(), None],
            which=which,
            sort=sort,
            counts={name: sum(map(test, rows)) for name, test in WHICH.items()},
            ranked=sum(row["rang"] is not None for row in rows),
            shown=len(rows),
            scale=(low, max(high, low + 1)),
            wide=WIDE,
            mine=mine,
            deports=deports,
            sitting=sitting,
            kept=next(iter(every), None),
            emptied=sorted(kept.keys() - {*known}, reverse=True),
            changed=_changed_since(visit, every[0], rows) if every else [],
            planned=[
                one
                for one in planned(visit, reader, chosen if visit.may(Right.AGIR) else ())
                if one["dans_ds"] != one["prevu_le"]
            ],
            headers=[*_columns(rows).items()],
        )


def sheets(visit: Visit) -> Response:
    """Show the sheets of a jury's dossiers, or of the chosen ones, to be printed; 404: none."""
    check_programme(visit)
    chosen: Sequence[int] = visit.numbers("dossier")
    with visit.reading() as reader:
        days = _chosen(visit, days_of(visit, reader))
        if not chosen and days:
            chosen = [row["numero"] for row in _ranked(visit, reader, days, ())]
        found = sheets_of(visit, reader, chosen)
        visit.shown = [one["numero"] for one in found]
        if not found and (chosen or days):
            raise HTTPException(404, _NO_JURY)
        day = days[0] if len(days) == 1 else None
        return visit.page("fiches.html", fiches=found, day=day, le=visit.query("le") or day)


def sheet(visit: Visit) -> Response:
    """Show one dossier's sheet; 404: it is not among the present ones of the démarche."""
    check_programme(visit)
    with visit.reading() as reader:
        found = sheets_of(visit, reader, [visit.in_path("numero")])
        if not found:
            raise HTTPException(404, NO_DOSSIER)
        day = found[0]["jury_le"]
        return visit.page("fiches.html", fiches=found, day=day, le=day)


KEPT = "classement"
"""The kind of the journal's rows that keep a ranking: dossiers, ranks and means of a day."""
_OF_KEPT = ("numero", "moment", "rang", "note_moyenne", "grilles", "etat")


def _kept(reader: Reader) -> dict[str, list[ManualRequest]]:
    """Return the rankings that were kept, by the day of their jury, the last one first."""
    found = defaultdict[str, list[ManualRequest]](list)
    for one in reader.requests.of_genre(KEPT):
        found[(one.resultat or {})["le"]].append(one)
    return found


def version_of(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return what tells a ranking from another: the same until a mark changes."""
    marks = [(row["numero"], row["rang"], row["note_moyenne"], row["grilles"]) for row in rows]
    return blake2b(repr(marks).encode(), digest_size=4).hexdigest()


def _as_kept(visit: Visit, one: ManualRequest) -> list[dict[str, Any]]:
    """Return the rows of a kept ranking, but of dossiers hidden from who asks."""
    rows = [dict(zip(_OF_KEPT, row, strict=True)) for row in (one.resultat or {})["rangs"]]
    return [row for row in rows if row["numero"] not in visit.grant.deports]


def _changed_since(
    visit: Visit, one: ManualRequest, rows: Sequence[Mapping[str, Any]]
) -> list[tuple[int, str]]:
    """Return which dossiers of a jury are not as in the kept ranking, with what is new."""
    now, found = {row["numero"]: row for row in rows}, list[tuple[int, str]]()
    for row in _as_kept(visit, one):
        after = now.pop(row["numero"], None)
        if after is None:
            found.append((row["numero"], "n’est plus à ce jury"))
            continue
        said = [words.ETATS[after["etat"]].lower()] if after["etat"] != row["etat"] else []
        if after["moment"] != row["moment"]:
            said.append(
                f"{row['moment'] or 'Sans note'} → {after['moment'] or 'Sans note'}".lower()
            )
        if after["rang"] != row["rang"]:
            said.append(f"rang {row['rang'] or '–'} → {after['rang'] or '–'}")
        elif after["note_moyenne"] != row["note_moyenne"]:
            means = (words.number(one_["note_moyenne"], 2) for one_ in (row, after))
            said.append(f"moyenne {' → '.join(means)}")
        found += [(row["numero"], ", ".join(said))] if said else []
    return found + [(number, "est venu depuis") for number in now]


def minutes(visit: Visit) -> Response:
    """Show the minutes of one jury, to be completed and signed: the same until a mark changes.

    « version »: those of a ranking that was kept.
    """
    check_programme(visit)
    visit.need_all()
    wanted = visit.query("version")
    with visit.reading() as reader:
        kept_of, day = _kept(reader), visit.query("le")
        # Of a jury that no dossier has any more, what was kept is read.
        days = [day] if day in kept_of else _chosen(visit, days_of(visit, reader))
        if len(days) != 1:
            return visit.back("/jury")  # There is none, or one has to be chosen.
        rows, grids = ranking(visit, reader, days)
        deports = _deports(reader, rows, grids)
        composed = members(visit, reader, days)
        known = {one["evaluateur"] for one in grids if one["evaluateur"]}
        known |= who_may_sit(visit, reader)
        every = kept_of.get(days[0], [])
        version = wanted or version_of(rows)
        kept = next((one for one in every if (one.resultat or {})["version"] == version), None)
        if wanted and kept is None:
            raise UnknownValueError("version", wanted, "Cette version n’a pas été arrêtée.")
        if wanted and kept:
            then = _as_kept(visit, kept)
            numbers = [row["numero"] for row in then]
            named = {one["numero"]: one for one in [*reader.dossiers.shown(numbers), *rows]}
            empty = {"raison_sociale": None, "page_produit": None}
            rows = [empty | dict(named.get(row["numero"], {})) | row for row in then]
    return visit.page(
        "proces_verbal.html",
        day=days[0],
        rows=rows,
        moments=[*MOMENTS.values(), None],
        members=composed or sorted(known),
        is_composed=bool(composed),
        deports=deports,
        version=version,
        kept=kept,
        every=every,
        is_former=bool(wanted),
    )


def keep(visit: Visit) -> Response:
    """« Arrêter ce classement »: keep ranks and means as they were shown, in the journal."""
    check_programme(visit)
    visit.need_all()
    with visit.reading() as reader:
        [day] = days = _chosen(visit, days_of(visit, reader))[:1] or [""]
        rows, _ = ranking(visit, reader, days) if day else ([], [])
    version = version_of(rows)
    if not rows or visit.grant.deports or visit.form.get("version") != version:
        why = "Rien n’est arrêté : le classement a changé, ou vous êtes déporté. Relisez-le."
        return visit.refuse(why, "/jury/proces-verbal", le=day)
    rangs = [[row[name] for name in _OF_KEPT] for row in rows]
    options = {"acces": f"jury du {words.day(day)}, version {version}"}
    with visit.worker.store.accesses(visit.worker.demarche) as (_, journal):
        result = {"le": day, "version": version, "rangs": rangs}
        now = visit.now
        journal.record(KEPT, options, visit.name, since=now, now=now, result=result)
    visit.say(f"Le classement est arrêté : version {version}.")
    return visit.back("/jury/proces-verbal", le=day)


def export(visit: Visit) -> Response:
    """Send a jury's workbook: the ranking, the marks and what is missing, a sheet a dossier."""
    check_programme(visit)
    return prepared(visit, lambda _: _book(visit))


def _book(visit: Visit) -> Download:
    with visit.reading() as reader:
        days = _chosen(visit, days_of(visit, reader))
        if not days:
            raise HTTPException(404, _NO_JURY)
        rows, _ = ranking(visit, reader, days)
        fiches = sheets_of(visit, reader, [row["numero"] for row in rows], whole=True)
    columns = _columns(rows)
    if len(days) > 1:
        columns = {"jury_le": "Jury du", **columns}
    for row in rows:
        row["jury_le"] = words.day(row["jury_le"])
        row["verdict"] = words.opinion(visit.said("verdict", row["verdict"]), row["avis_equipe"])
    lines = [[visit.said(name, row[name]) for name in columns] for row in rows]
    visit.personal = [COLUMNS["page_produit"], EVALUATOR, "Commentaire", "Textes"]
    name = f"jury-{days[0] if len(days) == 1 else f'{days[-1]}-{days[0]}'}"
    return book_of(name, [*columns.values()], lines, fiches)


def evidence(visit: Visit) -> Response:
    """Show the catalogue and the lists, with source and age."""
    worker = visit.worker
    check_programme(visit, needs_grids=False)
    with visit.reading() as reader:
        shown = worker.evidence(reader)
        may_see = visit.may(Right.AGIR) and visit.grant.groupes is None
        return visit.page(
            "preuves.html",
            evidence=shown,
            has_waiting=may_see and bool(waiting(reader, shown)),
        )


def refresh(visit: Visit) -> Response:
    """Ask for a run, which reads the catalogue again."""
    check_programme(visit, needs_grids=False)
    return visit.ask(ReadChanges())


PAGES = [
    ("GET", "/jury", show, Right.NOTES),
    ("GET", "/jury.xlsx", export, Right.NOTES),
    ("GET", "/jury/proces-verbal", minutes, Right.AGIR),
    ("POST", "/jury/proces-verbal", keep, Right.AGIR),
    ("GET", "/jury/fiches", sheets, Right.NOTES),
    ("GET", "/jury/fiches/{numero}", sheet, Right.NOTES),
    ("GET", "/preuves", evidence, Right.LIRE),
    ("POST", "/preuves", refresh, Right.AGIR),
]

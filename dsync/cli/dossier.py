"""`dsync dossier`: shows, lists, explains dossiers; what an applicant has to send; erases one."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from dsync.cli.failures import Group
from dsync.cli.later import later
from dsync.cli.options import (
    DAY,
    DURATION,
    INSTANT,
    NUMBER,
    json_option,
    limit_option,
    list_options,
    settings_options,
)
from dsync.cli.person import erase
from dsync.domain.dossier import Etat, Presence
from dsync.domain.verdict import NO_VERDICT, Verdict
from dsync.errors import ConfigurationError

with later(globals()):
    from dsync.care.that_day import VIEWS, page_of_day, record_of_day
    from dsync.cli.output import (
        CLOSE,
        SUSPENDED,
        clean,
        heading,
        print_check,
        print_json,
        print_note,
        print_pairs,
        print_table,
        shown,
    )
    from dsync.cli.session import (
        journal,
        listed,
        load,
        open_worker,
        opened_store,
        reading,
        unknown,
    )
    from dsync.domain.account import account_page
    from dsync.domain.ids import DemarcheNumber, DossierNumber
    from dsync.domain.paper import Paper, markdown
    from dsync.domain.wording import cut
    from dsync.programme import NO_RULES, Programme
    from dsync.settings import Settings
    from dsync.store.codes import Seen
    from dsync.store.dictionary import APPLICANT
    from dsync.store.listing import Selection, applicant_of
    from dsync.store.reader import current_checks, to_settle


if TYPE_CHECKING:
    from dsync.store import Reader

VERDICTS = (*(verdict.key for verdict in Verdict), NO_VERDICT)

_JUDGED = ("precontroles", "controles")
EVENTS_SHOWN = 20
LONGEST_SHOWN = 60
"""Characters that are shown of a value before and after a change."""


@click.group(cls=Group)
def dossier() -> None:
    """Show one dossier, list them, or erase one."""


@dossier.command("list")
@click.option(
    "--state", "etat", type=click.Choice([etat.value for etat in Etat]), help="Only in this state."
)
@click.option("--verdict", type=click.Choice(VERDICTS), help="Only with this one (aucun: none).")
@click.option(
    "--presence",
    type=click.Choice([one.value for one in Presence]),
    help="Only with this presence.",
)
@click.option(
    "--search",
    "q",
    metavar="WORDS",
    help="Only with these words, in any order, in number, SIRET, applicant, product or a person.",
)
@click.option(
    "--silent",
    type=DURATION,
    help="Only open ones whose usager has not answered for so long, such as 14d.",
)
@click.option(
    "--answered", "repondu", is_flag=True, help="Only open ones whose usager has the last word."
)
@limit_option("dossiers", 100, 100_000)
@list_options()
def list_(
    *,
    verdict: str | None,
    silent: timedelta | None,
    limit: int,
    everywhere: bool,
    wide: bool,
    as_json: bool,
    **chosen: Any,
) -> None:
    """List dossiers in the order of their numbers."""
    selection = Selection(
        verdict=verdict and {one.key: one.value for one in Verdict}.get(verdict, NO_VERDICT),
        sans_reponse_depuis=datetime.now(UTC) - silent if silent else None,
        **chosen,
    )
    total, close = 0, list[str]()

    def read(reader: Reader) -> list[dict[str, Any]]:
        nonlocal total
        rows, count = reader.dossiers.listing(selection, limit=limit)
        total += count
        if selection.q and not rows:
            close.extend(reader.dossiers.close_to(selection.q))
        return rows

    every = listed(read, everywhere=everywhere)
    found = every.first(limit, lambda row: row["numero"])
    if found.print_as_json(dict, as_json=as_json):
        return
    columns = {
        "numero": "dossier",
        "etat": "state",
        "verdict": "verdict",
        "produit_id": "product",
        "raison_sociale": "applicant",
        "presence": "presence",
        "depose_le": "deposited",
        "demande_le": "asked",
        "repondu_le": "answered",
        "champs_modifie_le": "modified",
    }
    for _, row in found.rows:
        row["raison_sociale"] = applicant_of(row)
    # The product is of the programme.
    known = {name for _, row in found.rows for name in row} or {*columns}
    columns = {name: header for name, header in columns.items() if name in known}
    found.print(
        tuple(columns.values()),
        lambda row: [row.get(name) for name in columns],
        extra=("presence", "deposited", "asked", "answered", "modified"),
        wide=wide,
        empty="No dossier matches.",
    )
    if close and not total:
        print_note(f"{CLOSE}{', '.join(dict.fromkeys(close))}.")
    if total > limit:
        click.echo(f"There are more than --limit {limit}.", err=True)


@dossier.command("show")
@click.argument("numero", metavar="N", type=NUMBER)
@json_option
@settings_options()
def show(*, numero: DossierNumber, as_json: bool) -> None:
    """Show dossier N: verdict with reasons and evidence, sections, pushes, changes, events.

    For a dossier that is not Éligible, also which checks would have to be settled first.
    """
    settings = load([numero], stored=True)
    number = DemarcheNumber(settings.demarche)
    with opened_store([settings]) as store:
        with store.reading(number) as reader:
            titles = settings.configuration.check_titles(reader.programme.checks)
            found = _found(settings, reader, numero)
            conflicts = [one for one in reader.wishes.conflicts() if one.numero == numero]
            part = reader.programme
        journal(store, Seen.DOSSIERS, {"dossiers": [numero]}, 1, number)
    checks = current_checks(found, titles)
    found["a_regler"] = to_settle(checks)
    if as_json:
        print_json(found)
        return
    click.secho(f"Dossier {numero}", bold=True)
    if found.get("precontroles") or settings.configuration.judges:
        _print_verdict(found, checks, titles, settings.configuration.best)
    _print_fields(found, "Applicant", APPLICANT)
    for title, fields in part.storage.sections.items():
        _print_fields(found, title, fields)
    programme = settings.configuration.programme
    labels = programme.extra_labels if programme else {}
    extra: dict[str, Any] = found.get("extra") or {}
    _print_section("Other fields", [(labels.get(name, name), extra[name]) for name in extra])
    _print_voeux(found.get("voeux", ()))
    _print_evaluations(found.get("evaluations", ()), found.get("notes", ()))
    _print_pushes(found["annotations"], {c.annotation: c.valeur_distante for c in conflicts})
    _print_changes(found["changements"])
    _print_events(found["evenements"])


@dossier.command("explain")
@click.argument("numero", metavar="N", type=NUMBER)
@click.option(
    "--at",
    type=INSTANT,
    metavar="T",
    help="The verdict that stood at this instant. Default: the current one.",
)
@click.option(
    "--on",
    type=DAY,
    metavar="DAY",
    help="Instead, for the team: all that the database says of the verdict on this day of Paris, "
    "with the rules, who consented, who answered, what was written into DS.",
)
@json_option
@settings_options()
def explain(*, numero: DossierNumber, at: datetime | None, on: date | None, as_json: bool) -> None:
    """Print the individual account of dossier N's verdict, in French.

    For a person who asks how the pre-check contributed to a decision: purpose, contribution, data
    and sources, parameters and their weight, operations, by the rules in force at that verdict. It
    begins with half a page for them and, while nothing is decided, with a warning not to hand it
    over yet.
    """
    if at and on:
        raise click.UsageError("Give --at or --on, not both.")
    with _of_dossier(numero, VIEWS if on else _JUDGED) as (settings, programme, found, reader):
        record: dict[str, Any] | None
        if on:
            kept = settings.configuration.retention.logs
            record = record_of_day(reader, programme, found, on, datetime.now(UTC), kept)
            page: Paper | None = page_of_day(record, programme)
        else:
            record = programme.account(reader.verdicts.rules(), found, at)
            page = account_page(record, settings.configuration.applicant) if record else None
    if record is None or page is None:
        given = ", ".join(one["etabli_le"] for one in found.get("precontroles", ()))
        then = f" at {at.isoformat()}; it was given {given}" if given and at else " yet"
        raise ConfigurationError(f"Dossier {numero} had no verdict{then}.")
    if as_json:
        print_json(record)
    else:
        click.echo(markdown(page), nl=False)


@dossier.command("message")
@click.argument("numero", metavar="N", type=NUMBER)
@json_option
@settings_options()
def message(*, numero: DossierNumber, as_json: bool) -> None:
    """Print what the applicant of dossier N has to send, as a message in French.

    It is made of the current verdict. dsync never sends it: copy it into DS's messages.
    """
    with _of_dossier(numero) as (_, programme, found, reader):
        checks = current_checks(found, programme.checks)
        made = programme.message(reader, found, checks)
    if not checks or made is None:
        raise ConfigurationError(f"Dossier {numero} has no verdict yet: run `dsync sync`.")
    if as_json:
        print_json({"numero": numero, **made._asdict()})
    elif made.demandes:
        click.echo(f"Objet : {made.objet}\n\n{made.texte}")
    else:
        click.echo(f"There is nothing to ask of the applicant of dossier {numero}.")


dossier.add_command(erase)


@contextmanager
def _of_dossier(
    numero: DossierNumber, only: Collection[str] = _JUDGED
) -> Iterator[tuple[Settings, Programme, dict[str, Any], Reader]]:
    """Yield settings, programme, a dossier with its verdicts, and the reader of its démarche.

    ConfigurationError: there are no rules, or the dossier is not in the database.
    """
    settings = load([numero])
    with open_worker(settings) as worker:
        programme = worker.programme
        if programme is None or programme.rules is None:
            raise ConfigurationError(NO_RULES)
        with reading(settings) as reader:
            found = _found(settings, reader, numero, only)
            yield settings, programme, found, reader
        journal(worker.store, Seen.DOSSIERS, {"dossiers": [numero]}, 1, worker.demarche)


def _found(
    settings: Settings, reader: Reader, numero: DossierNumber, only: Collection[str] | None = None
) -> dict[str, Any]:
    """Return a dossier; ConfigurationError: it is not in the database, or of another démarche."""
    found: dict[str, Any] | None = reader.dossiers.by_number(numero, only=only)
    if found is None or found["demarche_numero"] != settings.demarche:
        raise unknown(settings, numero)
    return found


def _print_verdict(
    found: Mapping[str, Any],
    checks: Sequence[Mapping[str, Any]],
    titles: Mapping[str, str],
    best: Verdict,
) -> None:
    heading("Pre-check")
    verdicts = found.get("precontroles", ())
    current = next((p for p in verdicts if p["courant"]), None)
    if current is None:
        click.echo("  no verdict yet")
        return
    given = len(verdicts)
    since = found.get("verdict_etabli_le") or current["etabli_le"]
    click.echo(
        f"  {current['verdict']}, established {since} by rules "
        f"{current['version_regles']}" + (f" ({given} verdicts in all)" if given > 1 else "")
    )
    for check in checks:
        title = titles.get(check["controle"], check["controle"])
        print_check(check["resultat"], title, check["motif"], check["preuve"])
    if current["remarque"]:
        print_note(f"  Remark: {clean(current['remarque'])}", hanging=10)
    if found["a_regler"]:
        names = ", ".join(titles.get(name, name) for name in found["a_regler"])
        click.echo(f"  To become {best}, settle: {names}")


def _print_fields(found: Mapping[str, Any], title: str, fields: Mapping[str, str]) -> None:
    _print_section(title, [(label, found.get(name)) for name, label in fields.items()])


def _print_section(title: str, pairs: Sequence[tuple[str, Any]]) -> None:
    if any(value not in (None, "") for _, value in pairs):
        heading(title)
        print_pairs(pairs, indent="  ")


def _print_voeux(voeux: Sequence[Mapping[str, Any]]) -> None:
    if voeux:
        heading("Vœux")
        for voeu in voeux:
            text = f"  {voeu['rang']}. {shown(voeu['profil'])}: {shown(voeu['missions'])}"
            print_note(text, hanging=5)


def _print_evaluations(
    evaluations: Sequence[Mapping[str, Any]], notes: Sequence[Mapping[str, Any]]
) -> None:
    if not evaluations:
        return
    heading("Evaluations")
    for row in evaluations:
        print_note(
            f"  {row['ligne']}. {shown(row['moment'])}, {shown(row['evaluateur'])}: "
            f"mean {shown(row['moyenne'])}",
            hanging=5,
        )
        print_pairs(
            [
                (shown(note["libelle"]), "–" if note["note"] is None else f"{note['note']:g}")
                for note in notes
                if note["ligne"] == row["ligne"]
            ],
            indent=" " * 5,
        )
        if row["commentaire"]:
            print_note(f"{' ' * 5}{clean(row['commentaire'])}", hanging=5)


def _print_pushes(
    annotations: Sequence[Mapping[str, Any]], in_ds: Mapping[str, str | None]
) -> None:
    """Print a dossier's wishes; `in_ds` has the values of annotations in conflict, by name."""
    if not annotations:
        return
    heading("Written back to DS")
    for row in annotations:
        sent = f", sent {row['envoyee_le']}" if row["envoyee_le"] else ""
        times = f" (attempt {row['tentative']})" if row["tentative"] > 1 else ""
        click.echo(f"  {row['annotation']}: {row['statut']}{sent}{times}")
        for line in (row["valeur"] or "").splitlines():
            print_note(f"{' ' * 5}{clean(line)}", hanging=5)
        if row["statut"] == "conflit" and row["annotation"] in in_ds:
            there = in_ds[row["annotation"]] or None
            print_note(f"{' ' * 5}in DS now: {shown(there)}", hanging=16)
        if row["erreur"]:
            print_note(f"{' ' * 5}! {clean(row['erreur'])}", hanging=7)
    if any(row["statut"] == "suspendue" for row in annotations):
        print_note(f"  {SUSPENDED}", hanging=4)


def _print_changes(changes: Sequence[Mapping[str, Any]]) -> None:
    """Print what people changed, and what nobody can be named for."""
    # What dsync wrote is in the section above.
    changes = [one for one in changes if one["par"] != "dsync"]
    if not changes:
        return
    shown_of = f"the last {EVENTS_SHOWN} of " if len(changes) > EVENTS_SHOWN else ""
    heading(f"Changes ({shown_of}{len(changes)})")
    print_table(
        ("when", "by", "what", "before", "after"),
        [
            (
                one["modifie_le"] or one["constate_le"],
                one["par"],
                one["libelle"] or one["champ_id"],
                cut(shown(one["ancienne_valeur"]), LONGEST_SHOWN),
                cut(shown(one["nouvelle_valeur"]), LONGEST_SHOWN),
            )
            for one in changes[-EVENTS_SHOWN:]
        ],
    )


def _print_events(events: Sequence[Mapping[str, Any]]) -> None:
    if events:
        shown_of = f"the last {EVENTS_SHOWN} of " if len(events) > EVENTS_SHOWN else ""
        heading(f"Events ({shown_of}{len(events)})")
        print_table(
            ("when", "event", "details"),
            [
                (row["survenu_le"], row["evenement"], row["details"])
                for row in events[-EVENTS_SHOWN:]
            ],
        )

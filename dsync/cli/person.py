"""`dsync person`, `dsync dossier erase`, `dsync purge`, `dsync forget`: data found and removed."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from dsync.cli.failures import LazyCommand
from dsync.cli.later import later
from dsync.cli.options import (
    AGE,
    NUMBER,
    current_flags,
    json_option,
    run_options,
    settings_options,
    wait_option,
)
from dsync.errors import ConfigurationError, DSError, DSUnauthorizedError

with later(globals()):
    from dsync import settings as settings_of
    from dsync.care.person import access_answer, look_up
    from dsync.cli.output import (
        CLOSE,
        announce_stop,
        asker,
        check_form,
        confirmed,
        print_json,
        print_note,
        print_table,
        write_page,
    )
    from dsync.cli.runs import carry_out, finish, print_document, told
    from dsync.cli.session import (
        check_known,
        chosen_demarche,
        for_each,
        load,
        load_all,
        load_each,
        opened,
        reading,
        set_up_logging,
    )
    from dsync.cli.stderr import counted
    from dsync.configuration import headline
    from dsync.database import open_database
    from dsync.domain.dossier import OPEN_ETATS, PARIS, Etat
    from dsync.domain.ids import DemarcheNumber, DossierNumber
    from dsync.domain.rights import blank_list
    from dsync.service.signals import StopSignals
    from dsync.settings import Settings
    from dsync.store.store import utc_now
    from dsync.sync.erasure import check_numbers
    from dsync.sync.erasure import forget as remove
    from dsync.sync.retention import limits
    from dsync.sync.work import Erase, LiftErasure, Purge, ReadDossiers


ACTS = {"corriger": "correct in DS", "effacer": "erase", "repondre": "answer"}
"""What fits for a find, beside telling the person of it."""


@click.command(cls=LazyCommand)
@click.argument("text")
@click.option(
    "--answer",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write a draft of the answer to the person into FILE (.html or .md), in French: what is "
    "held, why, how long, from whom, for whom, and all of the dossiers that they deposited.",
)
@json_option
@settings_options()
def person(*, text: str, answer: Path | None, as_json: bool) -> None:
    """Find a person in what is stored, by e-mail address, name or SIRET.

    Each value that has all words of TEXT, in any order, whatever case and accents, with the place
    where it is and what fits beside the answer: to correct it in DS, or to erase its dossier
    (`dsync dossier erase N...`). Several identifiers of one person are apart by « ; ». In every
    démarche or in that of --demarche N. « - » reads TEXT from the standard input, one identifier a
    line, so that it is in no shell history. The journal keeps who looked and which dossiers were
    found, not TEXT.

    The dossiers whose applicant TEXT names come last (--json: `demandeur_de`).
    """
    if text == "-":
        text = sys.stdin.read()
    if answer:
        check_form(answer)
    every = load_all(stored=True)
    with (
        closing(open_database(every[0].database_url, create=False)) as store,
        counted(wanted=not as_json) as progress,
    ):
        found = look_up(
            store,
            text,
            asker(),
            lambda: datetime.now(UTC),
            chosen_demarche(),
            progress=progress and (lambda done, total: progress("", done, total)),
            journaled={"fichier": answer.name} if answer else None,
        )
        if answer:
            configured = {one.demarche: one.configuration for one in every}
            # One that was taken out of the folder has no file any more: its page has blanks.
            facts = {
                number: configured.get(number, every[0].configuration).notice_facts(number)
                for number in sorted({one["demarche_numero"] for one in found["dossiers"]})
            }
            page = access_answer(
                found,
                text,
                facts,
                store.dictionary(opened()),
                store.reading,
                datetime.now(PARIS).date(),
            )
            write_page(answer, page, private=True)
    if as_json:
        print_json(found)
    else:
        _print(found)
    if answer:
        blanks = {name: what for one in facts.values() for name, what in one.blanks.items()}
        left = f" It has blanks: {blank_list(blanks)}." if blanks else ""
        click.echo(f"{answer}: a draft, without others as far as known: read it.{left}", err=True)


def _print(found: dict[str, Any]) -> None:
    print_table(
        ("dossier", "table", "field", "value", "act"),
        [
            (
                *(one["numero"], one["table"], one["libelle"] or one["champ"], one["extrait"]),
                ACTS[one["acte"]],
            )
            for one in found["trouve"]
        ],
        empty="Nothing that is stored has these words.",
    )
    if found["proches"]:
        print_note(f"{CLOSE}{', '.join(found['proches'])}.")
    if files := len(found["fichiers"]):
        print_note(f"Copied files of these dossiers, not searched: {files}; `--json` has them.")
    if numbers := found["demandeur_de"]:
        print_note(
            f"Applicant of dossier{'s' * (len(numbers) > 1)} {', '.join(map(str, numbers))}: "
            "`--answer FILE` writes all of it. Search the person's other identifiers too. Set "
            "homonyms apart."
        )


LIFTED = (
    "The erasure is undone. The next full read (`dsync sync --full`, or the service's at night) "
    "copies what was erased, because DS could not be read now."
)
UNSAID = "Nothing says what is too old: give --older-than, such as 2y, or set [retention] in"


@click.command("erase", cls=LazyCommand)
@click.argument("numeros", metavar="N...", type=NUMBER, nargs=-1, required=True)
@click.option("--undo", is_flag=True, help="Copy dossiers again that were erased here.")
@click.option("--yes", is_flag=True, help="Do not ask first.")
@wait_option
@json_option
@settings_options()
def erase(
    *, numeros: tuple[DossierNumber, ...], undo: bool, yes: bool, wait_s: float, as_json: bool
) -> None:
    """Erase the data of dossiers N here, for a request that comes outside DS.

    Their numbers, states, dates and verdicts without texts stay. They are not copied again,
    whatever DS shows, until --undo. Nothing changes in DS. All of one démarche are erased together.
    Asks first on a terminal; needs --yes elsewhere and with --json.
    """
    numeros = tuple(dict.fromkeys(numeros))
    settings = load(numeros, stored=True)
    if undo and not settings.is_configured:
        raise ConfigurationError(
            f"Nothing would copy them again, because no file configures démarche "
            f"{settings.demarche}: put its file back into the folder first."
        )
    with reading(settings) as reader:
        # Before the question, so that nobody confirms what cannot be done.
        check_numbers(reader, numeros, undo=undo)
    named = f"dossier{'s' * (len(numeros) > 1)} {', '.join(map(str, numeros))}"
    if not undo and not confirmed(f"Erase what is stored of {named}?", yes=yes, as_json=as_json):
        return
    work = LiftErasure(numeros) if undo else Erase(numeros)
    done = carry_out(work, settings, as_json=as_json, wait_s=wait_s)
    if undo and not done.code:
        # An erased dossier is not there any more: to undo it, it is read from DS again.
        try:
            done = carry_out(ReadDossiers(numeros), settings, as_json=as_json)
        except ConfigurationError as exc:
            raise ConfigurationError(f"{LIFTED} {exc.message}") from exc
        if done.code in (DSUnauthorizedError.exit_code, DSError.exit_code):
            click.echo(LIFTED, err=True)
    (print_json if as_json else print_document)(done.document)
    finish(done)


@click.command(cls=LazyCommand)
@click.option(
    "--older-than",
    "age",
    type=AGE,
    metavar="AGE",
    help="Minimum time since the decision, such as 2y or 90d. Default: what [retention] says.",
)
@click.option("--dry-run", is_flag=True, help="Only list what is too old.")
@click.option("--yes", is_flag=True, help="Do not ask first.")
@run_options("In every configured démarche that says what is too old, one after the other.")
def purge(
    *,
    age: timedelta | None,
    dry_run: bool,
    yes: bool,
    everywhere: bool,
    wait_s: float,
    as_json: bool,
) -> None:
    """Erase here the data of accepted, refused and closed dossiers, some time after the decision.

    Without --older-than, what the section [retention] of the configuration says, at once: dossiers
    by state, hidden and disappeared ones, journals, names of agents. Their numbers, states, dates
    and verdicts without texts stay. They are not copied again: `dsync dossier erase N --undo` does
    that for one. Nothing changes in DS, and no token is needed. Asks first on a terminal; needs
    --yes elsewhere and with --json.
    """
    given = age and {etat.value: age for etat in Etat if etat not in OPEN_ETATS}
    each = load_each(everywhere=everywhere, stored=True)
    if everywhere and not given:
        # The others keep what they have: nothing is wrong with that.
        each = [one for one in each if one[0].configuration.retention.ages]
        if not each:
            raise ConfigurationError(f"{UNSAID} the file of a démarche.")

    def act(settings: Settings, _dossiers: Sequence[int]) -> tuple[Any, int]:
        ages = given or settings.configuration.retention.ages
        if not ages:
            raise ConfigurationError(f"{UNSAID} {settings.config_name}.")
        before = limits(ages, utc_now())
        documents, named = _too_old(settings, before, as_json=as_json)
        # With --json a run's document is printed in any case.
        if dry_run or not (documents or as_json):
            return documents, 0
        if not confirmed(f"Erase what is stored of {named}?", yes=yes, as_json=as_json):
            return documents, 0
        return told(Purge(before), settings, as_json=as_json, wait_s=wait_s)

    for_each(each, act, as_json=as_json)


def _too_old(
    settings: Settings, before: Mapping[str, datetime], *, as_json: bool
) -> tuple[list[dict[str, Any]], str]:
    """Return what is too old, and its name in a question; print it unless JSON is printed."""
    with reading(settings) as reader:
        found, journals = reader.dossiers.too_old(before), reader.journal.too_old(before)
    others = {name: count for name, count in journals.items() if count}
    if not as_json:
        print_table(("dossier", "rule", "since"), found, empty="No dossier is too old.")
        for name, count in others.items():
            click.echo(f"{name}: {count} rows")
    named = f"{len(found)} dossiers" + "".join(
        f", {count} rows ({n})" for n, count in others.items()
    )
    documents = [
        *(one._asdict() for one in found),
        *({"regle": n, "lignes": c} for n, c in others.items()),
    ]
    return documents, named


@click.command(cls=LazyCommand)
@click.argument("numero", metavar="N", type=NUMBER)
@click.option("--yes", is_flag=True, help="Do not ask first.")
@wait_option
@json_option
@settings_options()
def forget(*, numero: int, yes: bool, wait_s: float, as_json: bool) -> None:
    """Remove all that is stored of démarche N, which no file configures any more.

    Its dossiers, verdicts, journal and views, and the copies of its files. Nothing changes in DS.
    Asks first on a terminal; needs --yes elsewhere and with --json.
    """
    number = DemarcheNumber(numero)
    # Whichever démarche is selected: a wrong file may be that of this one.
    loaded = settings_of.load_each(**current_flags().settings)
    if wrong := loaded.each_problem:
        raise ConfigurationError(
            f"Démarche {number} is not forgotten: first correct these files, one of which may be "
            f"that of {number}.\n{headline(wrong)}",
            wrong,
        )
    settings = loaded.found[0]
    if number in (settings.folder or (settings.demarche,)):
        raise ConfigurationError(
            f"Démarche {number} is still configured, and would be read again: first take its file "
            "out of the folder of DSYNC_CONFIG, which a running service notices within a minute."
        )
    set_up_logging(settings)
    with closing(open_database(settings.database_url, create=False)) as store:
        check_known(store, number)
        with store.reading(number) as reader:
            dossiers = sum(reader.dossiers.counts()["presence"].values())
            files = len(reader.pieces.addresses())
        question = f"Remove démarche {number}: {dossiers} dossiers, {files} copies of files?"
        if not confirmed(question, yes=yes, as_json=as_json):
            return
        with StopSignals(announce=announce_stop) as signals:
            remove(store, number, signals.stop, wait_s)
    if as_json:
        print_json({"demarche": number, "dossiers": dossiers, "files": files})
        return
    click.echo(f"Démarche {number} is removed: {dossiers} dossiers, {files} copies of files.")

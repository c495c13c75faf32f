"""`dsync accept`, `dsync conflicts`, `dsync quarantine`: what waits for a person, who decides."""

from __future__ import annotations

from typing import Any

import click

from dsync.annotations.wish import Annotation
from dsync.cli.failures import Group, LazyCommand
from dsync.cli.later import later
from dsync.cli.options import (
    NUMBER,
    all_option,
    json_option,
    list_options,
    settings_options,
    together,
)
from dsync.domain.consent import Consent
from dsync.errors import ConfigurationError

with later(globals()):
    from dsync.annotations.wish import Wish
    from dsync.care.state import waiting, work_of
    from dsync.cli.output import (
        asker,
        confirmed,
        heading,
        pasteable,
        print_note,
        print_table,
        shown,
    )
    from dsync.cli.runs import told
    from dsync.cli.session import (
        Listed,
        check_here,
        for_each,
        journal,
        listed,
        load_all,
        load_each,
        open_worker,
        reading,
    )
    from dsync.domain.consent import NOTHING, Asked
    from dsync.domain.dossier import Anomaly
    from dsync.domain.ids import DossierNumber
    from dsync.domain.remedies import ago
    from dsync.domain.wording import cut
    from dsync.messages.english import found_by, proposed
    from dsync.programme import in_force
    from dsync.settings import Settings
    from dsync.store.codes import Seen
    from dsync.store.quarantine import Quarantined
    from dsync.store.store import utc_now
    from dsync.sync.context import first_write
    from dsync.sync.handing_over import Choice, end_conflicts
    from dsync.sync.work import ReadDossiers


OTHER_WRITER = (
    "These values have the form of dsync's, but this database did not write them: it was lost or "
    "restored, or another installation writes into the same démarche. Stop that one first."
)
SHOWN = 10
"""Subjects that are named, of each kind."""


@click.command(cls=LazyCommand)
@click.argument(
    "kind",
    required=False,
    metavar="[KIND]",
    type=click.Choice([one.word for one in Consent], case_sensitive=False),
)
@click.option("--yes", is_flag=True, help="Do not ask first.")
@all_option("Of every configured démarche; with KIND, consent in each that waits for it.")
@json_option
@settings_options()
def accept(*, kind: str | None, yes: bool, everywhere: bool, as_json: bool) -> None:
    """List what a safety brake stopped, before and after, or consent to one KIND of it.

    KIND is writes, rules, first, evidence, deletions, answers, config or writer. The cause may
    also be corrected: what is right again ends by itself. Consent covers what is shown and no
    more; it does at once what waited. Asks first on a terminal; needs --yes elsewhere and with
    --json.
    """

    def act(settings: Settings, _dossiers: tuple[DossierNumber, ...]) -> tuple[object, int]:
        found = _waiting(settings)
        if kind is None:
            if not as_json:
                _print(found)
            _journal(settings, found)
            return [_document(one) for one in found], 0
        one = next((one for one in found if one.proposal.kind.word == kind), None)
        if one is None:
            if not everywhere:
                raise ConfigurationError(
                    f"Nothing of `{kind}` waits for consent; `dsync accept` lists what does."
                )
            if not as_json:
                click.echo("Nothing of it waits.")
            return [], 0
        _check_present(settings, one)
        if not as_json:
            print_asked(one)
        _journal(settings, [one])
        if not confirmed(f"{one.proposal.kind.english_effect} Accept?", yes=yes, as_json=as_json):
            return _document(one), 0
        return told(work_of(one), settings, as_json=as_json)

    for_each(load_each(everywhere=everywhere), act, as_json=as_json)


def _waiting(settings: Settings) -> list[Asked]:
    with open_worker(settings.without_ds()) as worker, reading(settings) as reader:
        return waiting(reader, worker.evidence(reader))


def _check_present(settings: Settings, one: Asked) -> None:
    """Raise ConfigurationError if what waits is not of the present rules and annotations."""
    if one.proposal.kind not in (Consent.RULES, Consent.FIRST):
        return
    with open_worker(settings.without_ds()) as worker:
        version = in_force(worker.programme).version
        present = {version: "", **first_write(worker.context)}
    if not one.proposal.subjects.items() <= present.items():
        if version in one.proposal.subjects or one.proposal.is_first_write:
            raise ConfigurationError(
                "The file was changed since: the results or their annotations are others now. "
                "`dsync sync` asks about them."
            )
        raise ConfigurationError(
            f"The file was changed since: its rules are version {version} now. `dsync sync` tries "
            "them, and they judge at once if they move few verdicts."
        )


def _print(found: list[Asked]) -> None:
    if not found:
        click.echo("Nothing waits for consent.")
        return
    for one in found:
        print_asked(one)
        click.echo(pasteable(f"\n`dsync accept {one.proposal.kind.word}` consents.\n"))


def _journal(settings: Settings, found: list[Asked]) -> None:
    """Journal that somebody saw the details of dossiers that are shown as samples."""
    if numbers := sorted({one.sample[0] for one in found if one.sample}):
        with open_worker(settings.without_ds()) as worker:
            options = {"dossiers": numbers}
            journal(worker.store, Seen.DOSSIERS, options, len(numbers), worker.demarche)


def print_asked(one: Asked) -> None:
    """Print what waits, as a person has to have seen it."""
    proposal = one.proposal
    heading(f"{proposal.kind.word}: {proposal.kind.english}")
    print_note(f"Waits since {ago(one.since, utc_now())}.")
    if proposal.moves:
        rows = [(*map(proposed, move[:-1]), move.dossiers) for move in proposal.moves]
        print_table(("", "before", "after", "dossiers"), rows)
    if proposal.of:
        click.echo(f"{proposal.moved} of {proposal.of} change.")
    if first := sum(move.dossiers for move in proposal.moves if move.before == NOTHING):
        click.echo(f"{first} dossier{'s get' if first > 1 else ' gets'} a first verdict.")
    if numbers := proposal.numbers:
        more = f" and {len(numbers) - SHOWN} more" if len(numbers) > SHOWN else ""
        print_note(f"Dossiers {', '.join(map(str, numbers[:SHOWN]))}{more}.")
    if proposal.kind is Consent.WRITER:
        print_note(OTHER_WRITER)
        return
    for line in proposal.detail.splitlines():
        print_note(line if proposal.kind is Consent.EVIDENCE else proposed(line))
    for finding in proposal.findings:
        print_note(found_by(finding))
    if proposal.example is not None:
        print_note(f"example: {proposal.example}")
    if one.sample is not None:
        number, detail = one.sample
        click.echo(f"\nThe detail that dossier {number} gets:\n")
        for line in detail.splitlines():
            print_note(f"  {shown(line)}" if line else "", hanging=2)


def _document(one: Asked) -> dict[str, object]:
    return {
        "kind": one.proposal.kind.word,
        "since": one.since,
        "version": one.version,
        "of": one.proposal.of,
        "moves": [move._asdict() for move in one.proposal.moves],
        "subjects": sorted(one.proposal.subjects),
        "detail": "\n".join(one.proposal.lines),
        "sample": one.sample and dict(zip(("numero", "detail"), one.sample, strict=True)),
    }


WIDTH = 60
"""Width of a value in the list; `--json` prints it whole."""


@click.group(cls=Group, invoke_without_command=True)
@list_options(wide=False)
@click.pass_context
def conflicts(context: click.Context, *, everywhere: bool, as_json: bool) -> None:
    """List and resolve human edits that stopped a push; without a subcommand: list."""
    if context.invoked_subcommand is None:
        context.invoke(list_conflicts, everywhere=everywhere, as_json=as_json)


@conflicts.command("list")
@list_options(wide=False)
def list_conflicts(*, everywhere: bool, as_json: bool) -> None:
    """List the values that humans wrote, dsync's own values, and since when they differ.

    DS shows when an annotation was written, not by whom; of a label not even that: the date is when
    the human's value was first seen.
    """
    found = listed(lambda reader: reader.wishes.conflicts(), everywhere=everywhere)

    def document(conflict: Wish) -> dict[str, Any]:
        return {
            "numero": conflict.numero,
            "annotation": conflict.annotation,
            "valeur": conflict.valeur,
            "valeur_distante": conflict.valeur_distante,
            "depuis": conflict.distante_le or conflict.creee_le,
            "erreur": conflict.erreur,
        }

    if found.print_as_json(document, as_json=as_json):
        return
    own = Listed([one for one in found.rows if one[1].erreur is None], found.demarches)
    has_annotations = any(
        one.configuration.annotations for one in load_all(stored=True, goes_on=True)
    )
    own.print(
        ("dossier", "annotation", "in DS", "dsync wants", "since"),
        lambda conflict: (
            conflict.numero,
            conflict.annotation,
            cut(shown(conflict.valeur_distante or "(empty)"), WIDTH),
            cut(shown(conflict.valeur), WIDTH),
            conflict.distante_le or conflict.creee_le,
        ),
        empty="No conflict."
        if has_annotations
        else "No conflict: the configuration has no section [annotations], so nothing is written "
        "into DS.",
    )
    if blocked := len(found.rows) - len(own.rows):
        click.echo(f"\n{blocked} more are blocked by the result of their dossier.")
    if own.rows:
        number = own.rows[0][1].numero
        click.echo(
            pasteable(
                f"\nTo keep the human's value: `dsync conflicts keep {number}`"
                f"\nTo overwrite it: `dsync push --force --dossier {number}`"
                f"\nIf dsync wrote it: `dsync conflicts adopt {number}`"
                "\nkeep and adopt also take several numbers and --annotation NAME, keep --all."
            )
        )


_choosing = together(
    click.argument("numbers", metavar="[N]...", nargs=-1, type=NUMBER),
    click.option(
        "--annotation",
        type=click.Choice([one.value for one in Annotation]),
        help="Only this one; with resultat also those that it blocks.",
    ),
)
"""What selects conflicts."""


@conflicts.command("keep")
@_choosing
@all_option("Those of every configured démarche.")
@settings_options()
def keep(*, numbers: tuple[DossierNumber, ...], everywhere: bool, annotation: str | None) -> None:
    """Keep the values that humans wrote in dossiers N.

    Neither this verdict nor a later one is written over them. One that wants another value is a
    conflict again.
    """
    for numero, count in _resolve(Choice.KEEP, numbers, annotation, everywhere=everywhere).items():
        click.echo(f"Dossier {numero}: the human's value stays ({_plural(count)} resolved).")


@conflicts.command("adopt")
@_choosing
@settings_options()
def adopt(*, numbers: tuple[DossierNumber, ...], annotation: str | None) -> None:
    """Treat the current values in dossiers N as written by dsync.

    The next push replaces them. What another database of dsync wrote is shown, and taken over, by
    `dsync accept writer`.
    """
    ended = _resolve(Choice.ADOPT, numbers, annotation)
    if ended:
        count = _plural(sum(ended.values()))
        click.echo(f"{count} adopted: the next push replaces the values that differ.")


def _resolve(
    choice: Choice,
    numbers: tuple[DossierNumber, ...],
    annotation: str | None,
    *,
    everywhere: bool = False,
) -> dict[DossierNumber, int]:
    """Resolve the chosen conflicts, return how many by dossier, and print which have none."""
    # Neither, or both: what is meant is not clear.
    if everywhere == bool(numbers):
        also = ", or --all" if choice is Choice.KEEP else ""
        raise click.UsageError(f"Give the numbers of dossiers{also}.")
    ended: dict[DossierNumber, int] = {}
    for one, dossiers in load_each(numbers, everywhere=everywhere):
        check_here(one, dossiers)
        with open_worker(one, may_create=False) as worker:
            ended |= end_conflicts(
                worker.store,
                worker.demarche,
                choice,
                worker.clock(),
                asked_by=asker(),
                numbers=None if everywhere else dossiers,
                annotation=annotation,
            )
    for numero in numbers:
        if numero not in ended:
            click.echo(f"Dossier {numero} has no such open conflict.")
    if everywhere and not ended:
        click.echo("There is no such open conflict.")
    return ended


def _plural(count: int) -> str:
    return f"{count} conflict{'s' if count != 1 else ''}"


@click.group(cls=Group)
def quarantine() -> None:
    """List dossiers that could not be read or judged, and retry them."""


@quarantine.command("list")
@list_options()
def list_quarantined(*, everywhere: bool, wide: bool, as_json: bool) -> None:
    """List the dossiers in quarantine with their reason."""
    found = listed(lambda reader: reader.quarantine.entries(), everywhere=everywhere)
    if found.print_as_json(Quarantined._asdict, as_json=as_json):
        return
    found.print(
        ("dossier", "since", "message", "code", "attempts", "last attempt"),
        lambda row: (
            row.numero,
            row.depuis,
            _reason(row),
            row.code,
            row.tentatives,
            row.dernier_essai_le,
        ),
        extra=("code", "attempts", "last attempt"),
        wide=wide,
        empty="No dossier is in quarantine.",
    )
    if found.rows:
        said = "Each full read retries them. To retry them now: `dsync quarantine retry`"
        click.echo(f"\n{pasteable(said)}")
        if any(row.code == Anomaly.REGLE for _, row in found.rows):
            click.echo(
                "A check that failed is a bug of dsync: report its message, and its traceback in "
                "the log of the run (check_failed)."
            )


def _reason(row: Quarantined) -> str:
    """Return a reason in English; the stored one is in French, and ends with the field's place."""
    _, bracket, place = row.message.rstrip(".").partition(" (")
    return f"{Anomaly(row.code).english}{bracket}{place}."


@quarantine.command("retry")
@click.argument("numeros", metavar="[N]...", type=NUMBER, nargs=-1)
@all_option("Those of every configured démarche.")
@json_option
@settings_options()
def retry(*, numeros: tuple[DossierNumber, ...], everywhere: bool, as_json: bool) -> None:
    """Read and judge dossiers in quarantine again now: all, or those given."""

    def act(one: Settings, chosen: tuple[DossierNumber, ...]) -> tuple[Any, int]:
        if not chosen:
            with reading(one) as reader:
                chosen = tuple(row.numero for row in reader.quarantine.entries())
        if not chosen:
            if not as_json:
                click.echo("No dossier is in quarantine.")
            return {"retried": []}, 0
        return told(ReadDossiers(chosen), one, as_json=as_json)

    for_each(load_each(numeros, everywhere=everywhere), act, as_json=as_json)

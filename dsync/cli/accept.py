"""`dsync accept`: what waits for a person's consent, and the consent."""

from __future__ import annotations

import click

from dsync.cli.failures import LazyCommand
from dsync.cli.later import later
from dsync.cli.options import all_option, json_option, settings_options
from dsync.domain.consent import Consent
from dsync.errors import ConfigurationError

with later(globals()):
    from dsync.care.state import waiting, work_of
    from dsync.cli.demarches import for_each
    from dsync.cli.output import confirmed, heading, pasteable, print_note, print_table
    from dsync.cli.runs import carry_out, print_document
    from dsync.cli.session import load_each, open_worker, reading
    from dsync.domain.consent import NOTHING, Asked
    from dsync.domain.remedies import ago
    from dsync.programme import in_force
    from dsync.settings import Settings
    from dsync.store.store import utc_now


TITLES = {
    Consent.WRITES: "What would be written changes much of what stands in DS",
    Consent.RULES: "Changed rules would move many verdicts",
    Consent.FIRST: "Declared checks would judge for the first time",
    Consent.EVIDENCE: "The published catalogue is not believed; the last good copy serves",
    Consent.DELETIONS: "DS no longer shows many dossiers",
    Consent.ANSWERS: "Many dossiers changed at once, without their own dates",
    Consent.CONFIG: "The configuration lacks what it had",
    Consent.WRITER: "Another database of dsync wrote into these dossiers",
}
EFFECTS = {
    Consent.WRITES: "They are written into DS.",
    Consent.RULES: "They judge from now on, and the results are written into DS.",
    Consent.FIRST: "They judge from now on, and the results are written into DS.",
    Consent.EVIDENCE: "It replaces the last good copy, and open dossiers are judged with it.",
    Consent.DELETIONS: "These dossiers are marked as disappeared.",
    Consent.ANSWERS: "They are stored as DS gives them, and judged.",
    Consent.CONFIG: "The configuration is used as it is.",
    Consent.WRITER: "This database takes these values as its own, and goes on writing.",
}
"""What follows from consent."""
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

    def act(settings: Settings, _dossiers: tuple[int, ...]) -> tuple[object, int]:
        found = _waiting(settings)
        if kind is None:
            if not as_json:
                _print(found)
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
            _print_one(one)
        if not confirmed(f"{EFFECTS[one.proposal.kind]} Accept?", yes=yes, as_json=as_json):
            return _document(one), 0
        done = carry_out(work_of(one), as_json=as_json, settings=settings)
        if not as_json:
            print_document(done.document)
        return done.document, done.code

    for_each(load_each(everywhere=everywhere), act, as_json=as_json)


def _waiting(settings: Settings) -> list[Asked]:
    with open_worker(settings.without_ds()) as worker, reading(settings) as reader:
        return waiting(reader, worker.evidence(reader))


def _check_present(settings: Settings, one: Asked) -> None:
    """Raise ConfigurationError if the rules that wait are not those of the file any more."""
    if one.proposal.kind not in (Consent.RULES, Consent.FIRST):
        return
    with open_worker(settings.without_ds()) as worker:
        version = in_force(worker.programme).version
    if version not in one.proposal.subjects:
        raise ConfigurationError(
            f"The file was changed since: its rules are version {version} now. `dsync sync` tries "
            "them, and they judge at once if they move few verdicts."
        )


def _print(found: list[Asked]) -> None:
    if not found:
        click.echo("Nothing waits for consent.")
        return
    for one in found:
        _print_one(one)
        click.echo(pasteable(f"\n`dsync accept {one.proposal.kind.word}` consents.\n"))


def _print_one(one: Asked) -> None:
    proposal = one.proposal
    heading(f"{proposal.kind.word}: {TITLES[proposal.kind]}")
    print_note(f"Waits since {ago(one.since, utc_now())}.")
    if proposal.moves:
        print_table(("", "before", "after", "dossiers"), [tuple(move) for move in proposal.moves])
    if proposal.of:
        click.echo(f"{proposal.moved} of {proposal.of} change.")
    if first := sum(move.dossiers for move in proposal.moves if move.before == NOTHING):
        click.echo(f"{first} dossier{'s get' if first > 1 else ' gets'} a first verdict.")
    if numbers := proposal.numbers:
        more = f" and {len(numbers) - SHOWN} more" if len(numbers) > SHOWN else ""
        print_note(f"Dossiers {', '.join(map(str, numbers[:SHOWN]))}{more}.")
    for line in proposal.detail.splitlines():
        print_note(line)


def _document(one: Asked) -> dict[str, object]:
    return {
        "kind": one.proposal.kind.word,
        "since": one.since,
        "version": one.version,
        "of": one.proposal.of,
        "moves": [move._asdict() for move in one.proposal.moves],
        "subjects": sorted(one.proposal.subjects),
        "detail": one.proposal.detail,
    }

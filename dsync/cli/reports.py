"""Printing of a run's report."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import click

from dsync.cli.options import current_flags
from dsync.cli.output import heading, pasteable, print_json, print_note, print_table, shown
from dsync.domain.verdict import Verdict
from dsync.sync.verdict_moves import Moves

LONGEST_SHOWN = 30
"""Longer texts of what would be sent are cut, unless -v was given."""


def print_document(
    document: Mapping[str, Any], *, as_json: bool = False, dry: bool = False
) -> None:
    """Print `RunReport.to_json`: a run's figures, and on stderr each problem with its remedy."""
    if as_json:
        print_json(with_remedies(document))
        return
    if document["run"] is not None or dry:
        click.echo(headline(document, dry=dry))
        print_note(f"  {figures(document, dry=dry)}")
    if verdicts := _verdict_figures(document):
        print_note(f"  verdicts: {verdicts}", hanging=4)
    mutations = document.get("mutations", ())
    for mutation in mutations:
        print_note(f"  would send: {shown(_shortened(mutation))}", hanging=4)
    if mutations and not current_flags().verbose:
        click.echo("  Whole texts: add -v or --json.")
    if document["adopted"]:
        click.echo("  adopted: annotations that dsync wrote and this database did not record")
    if document["conflicts"]:
        print_note("  values that humans wrote were kept: see `dsync conflicts`", hanging=4)
    print_errors(document)


def print_errors(document: Mapping[str, Any]) -> None:
    """Print each problem of a run, with its remedy, on stderr."""
    for problem in document["errors"]:
        click.echo(f"  ! {pasteable(problem)}", err=True)


def with_remedies(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a run's document with problems whose remedies can be pasted."""
    return {**document, "errors": [*map(pasteable, document["errors"])]}


def headline(document: Mapping[str, Any], *, dry: bool) -> str:
    """Return the line with the run's number, kind, status and duration."""
    name = "Dry run" if dry else f"Run {document['run']}"
    took = ""
    if document["ended_at"]:
        began, ended = (datetime.fromisoformat(document[key]) for key in ("started_at", "ended_at"))
        took = f" in {(ended - began).total_seconds():.1f} s"
    return f"{name} ({document['kind']}): {document['status']}{took}"


def figures(document: Mapping[str, Any], *, dry: bool) -> str:
    """Return the line with the run's figures."""
    parts = [
        f"{document['read']} read",
        f"{document['changed']} changed",
        f"{document['deleted']} deleted",
        f"{document['evaluated']} judged",
        f"{document['pushed']} {'to write' if dry else 'written'} back",
    ]
    if document["adopted"]:
        parts.append(f"{document['adopted']} adopted")
    if document["conflicts"]:
        parts.append(f"{document['conflicts']} in conflict")
    pieces = document.get("pieces", {})
    if copied := pieces.get("copiee", 0):
        parts.append(f"{copied} files copied")
    if left := sum(pieces.values()) - copied:
        parts.append(f"{left} files not copied")
    if document["quarantined"]:
        parts.append(f"{document['quarantined']} in quarantine")
    requests = document["requests"]
    parts.append(f"{requests} request{'s' if requests != 1 else ''} to DS")
    return " · ".join(parts)


def _shortened(mutation: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what would be sent to a dossier without empty lists and, without -v, long texts."""
    if current_flags().verbose:
        return mutation
    return {name: short for name, value in mutation.items() if (short := _short(value))}


def _short(value: Any) -> Any:
    """Return a value with texts that are cut, and without what is empty."""
    if isinstance(value, Mapping):
        return {name: short for name, one in value.items() if (short := _short(one))}
    if isinstance(value, str) and len(value) > LONGEST_SHOWN:
        return f"{value[:LONGEST_SHOWN]}…"
    return value


def _verdict_figures(document: Mapping[str, Any]) -> str:
    """Return the line with the number of each verdict that occurs; "" without one."""
    return " · ".join(
        f"{number} {verdict.value}"
        for verdict in Verdict
        if (number := document["verdicts"][verdict.key])
    )


def print_moves(moves: Moves, *, are_all: bool = False) -> None:
    """Print how many standing verdicts change, and into what, and how many are first ones.

    `are_all`: all open dossiers are counted, and no other one.
    """
    heading(f"Verdicts {'of open dossiers ' if are_all else ''}that change")
    print_table(("before", "after", "dossiers"), moves.moves, empty="None.")
    for note in moves.notes:
        click.echo(note)
    if moves.standing or not moves.first:
        click.echo(f"{moves.moved} of {moves.standing} standing verdicts change.")
    if moves.first:
        click.echo(
            f"{moves.first} dossier{'s get' if moves.first > 1 else ' gets'} a first verdict."
        )

"""Printing of a run's report."""

from __future__ import annotations

import click

from dsync.cli.output import print_json, print_note, shown
from dsync.domain.verdict import Verdict
from dsync.sync.report import RunReport


def print_report(report: RunReport, *, as_json: bool) -> None:
    """Print a run's figures, and on stderr each problem with its remedy."""
    if as_json:
        print_json(report.to_json())
        return
    if report.run is not None or report.dry:
        click.echo(headline(report))
        print_note(f"  {figures(report)}")
    if verdicts := verdict_figures(report):
        print_note(f"  verdicts: {verdicts}", hanging=4)
    for mutation in report.mutations:
        print_note(f"  would send: {shown(mutation)}", hanging=4)
    if report.adopted:
        click.echo("  adopted: annotations that dsync wrote and this database did not record")
    if report.conflicts:
        click.echo("  values that humans wrote were kept: see `dsync conflicts`")
    for problem in report.errors:
        click.echo(f"  ! {problem}", err=True)


def headline(report: RunReport) -> str:
    """Return the line with the run's number, kind, status and duration."""
    name = "Dry run" if report.dry else f"Run {report.run}"
    took = ""
    if report.ended_at:
        took = f" in {(report.ended_at - report.started_at).total_seconds():.1f} s"
    return f"{name} ({report.kind.value}): {report.status.value}{took}"


def figures(report: RunReport) -> str:
    """Return the line with the run's figures."""
    parts = [
        f"{report.read} read",
        f"{report.changed} changed",
        f"{report.deleted} deleted",
        f"{report.evaluated} judged",
        f"{report.pushed} {'to write' if report.dry else 'written'} back",
    ]
    if report.adopted:
        parts.append(f"{report.adopted} adopted")
    if report.conflicts:
        parts.append(f"{report.conflicts} in conflict")
    if copied := report.pieces["copiee"]:
        parts.append(f"{copied} files copied")
    if left := report.pieces.total() - copied:
        parts.append(f"{left} files not copied")
    if report.quarantined:
        parts.append(f"{report.quarantined} in quarantine")
    parts.append(f"{report.requests} request{'s' if report.requests != 1 else ''} to DS")
    return " · ".join(parts)


def verdict_figures(report: RunReport) -> str:
    """Return the line with the number of each verdict that occurs; "" without one."""
    return " · ".join(
        f"{report.verdicts[verdict.key]} {verdict.value}"
        for verdict in Verdict
        if report.verdicts[verdict.key]
    )

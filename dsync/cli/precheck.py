"""`dsync precheck`: judges dossiers again, on demand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import click
from msgspec import structs

from dsync.cli.options import DAY, dossiers_option, json_option, settings_options
from dsync.cli.output import asker, heading, print_check, print_json, print_table
from dsync.cli.runs import Done, carry_out, finish
from dsync.cli.session import reading
from dsync.domain.ids import DossierNumber
from dsync.domain.run import Kind
from dsync.domain.verdict import Comparison, Resultat
from dsync.eig.precheck.check import Check
from dsync.eig.precheck.evidence import stored_product
from dsync.eig.statistics import statistics
from dsync.sync.evaluate import stored_comparisons
from dsync.sync.report import SyncOptions


@click.command()
@dossiers_option("Only this dossier; may be repeated. Default: all open dossiers.")
@click.option("--dry-run", is_flag=True, help="Store nothing.")
@click.option("--explain", is_flag=True, help="Show each check with its reason and evidence.")
@click.option(
    "--as-of",
    type=DAY,
    metavar="DATE",
    help="Judge as if they were deposited on that day; stores nothing.",
)
@click.option("--stats", is_flag=True, help="Only count the results of each check.")
@click.option(
    "--wide", is_flag=True, help="With --stats: also by month of deposit, applicant and phase."
)
@click.option(
    "--refresh",
    is_flag=True,
    help="With --dossier: replace the stored product evidence by today's; recorded in the journal.",
)
@json_option
@settings_options()
def precheck(
    *,
    dossiers: tuple[DossierNumber, ...],
    dry_run: bool,
    explain: bool,
    as_of: date | None,
    refresh: bool,
    stats: bool,
    wide: bool,
    as_json: bool,
) -> None:
    """Judge dossiers again, and show the old and the new verdict.

    A dossier keeps the product evidence that was first read for it; --refresh replaces it. Nothing
    is sent to DS: the next push or sync writes verdicts that changed.
    """
    if stats:
        # Counting judges nothing, so these would be without effect.
        if dossiers or as_of or explain or dry_run or refresh:
            raise click.UsageError("--stats excludes all other options but --wide and --json.")
        _statistics(wide=wide, as_json=as_json)
        return
    if refresh and not dossiers:
        raise click.UsageError("--refresh needs --dossier N, because evidence is kept on purpose.")

    options = SyncOptions(
        work=Kind.PRECHECK,
        dossiers=dossiers,
        refresh=refresh,
        started_by=asker(),
        dry_run=dry_run,
        as_of=as_of,
    )
    done = carry_out(options, as_json=as_json)
    document, comparisons = done.document, _comparisons(options, done)
    if as_json:
        print_json(
            {
                "run": document["run"],
                "statut": document["status"],
                "dossiers": [_document(comparison) for comparison in comparisons],
                "erreurs": document["errors"],
            }
        )
    else:
        _print(comparisons, explain=explain)
        if refresh:
            _print_evidence(comparisons)
        stored = "nothing was stored" if document["run"] is None else f"run {document['run']}"
        changed = sum(not comparison.is_same for comparison in comparisons)
        click.echo(f"\n{len(comparisons)} judged, {changed} changed; {stored}.")
        for problem in document["errors"]:
            click.echo(f"  ! {problem}", err=True)
    finish(done)


def _comparisons(options: SyncOptions, done: Done) -> Sequence[Comparison]:
    """Return what was compared; decisions that another process did not store are made again."""
    if done.comparisons is not None:
        return done.comparisons
    with reading() as reader:
        found, left = stored_comparisons(reader, done.document)
    if left:
        again = replace(options, dossiers=tuple(left), dry_run=True)
        # `as_json` only hides the progress: the first run has shown it.
        found += carry_out(again, as_json=True).comparisons or []
    return sorted(found, key=lambda one: one.numero)


def _print(comparisons: Sequence[Comparison], *, explain: bool) -> None:
    if not explain:
        print_table(
            ("dossier", "before", "now", "changed"),
            [
                (
                    comparison.numero,
                    comparison.before.verdict.value if comparison.before else None,
                    comparison.verdict.value,
                    not comparison.is_same,
                )
                for comparison in comparisons
            ],
            empty="No dossier to judge.",
        )
        return
    for comparison in comparisons:
        before = comparison.before.verdict.value if comparison.before else "–"
        heading(f"Dossier {comparison.numero}: {before} → {comparison.verdict.value}")
        for one in comparison.after.controles:
            print_check(one.resultat.value, one.controle, one.motif, one.preuve)


def _print_evidence(comparisons: Sequence[Comparison]) -> None:
    """Print the product evidence before and after a refresh."""
    rows = []
    for comparison in comparisons:
        for when, verdict in (("before", comparison.before), ("now", comparison.after)):
            if verdict is not None and (proof := stored_product(verdict.preuve)):
                product, phase = proof.product.id, verdict.constats.get("phase_constatee")
                rows.append((comparison.numero, when, product, phase, proof.consulte_le))
    click.echo()
    print_table(("dossier", "evidence", "product", "phase", "catalogue read"), rows)


def _document(comparison: Comparison) -> dict[str, Any]:
    after = comparison.after
    return {
        "numero": comparison.numero,
        "avant": comparison.before.verdict.value if comparison.before else None,
        "verdict": comparison.verdict.value,
        "change": not comparison.is_same,
        "detail": after.detail,
        "version_regles": after.version_regles,
        "remarque": after.remarque,
        "preuve_avant": comparison.before.preuve if comparison.before else None,
        "preuve": after.preuve,
        "controles": [structs.asdict(controle) for controle in after.controles],
    }


def _statistics(*, wide: bool, as_json: bool) -> None:
    with reading() as reader:
        rows = statistics(reader)
    if as_json:
        print_json([row._asdict() for row in rows])
        return
    empty = "No verdict yet: run `dsync sync`."
    if wide:
        headers = ("month", "check", "result", "applicant", "phase", "dossiers")
        print_table(headers, rows, wide=True, empty=empty)
        return
    counts: Counter[tuple[str, str]] = Counter()
    for row in rows:
        counts[row.controle, row.resultat] += row.nombre
    results = [result.value for result in Resultat]
    print_table(
        ("check", *results),
        [(check, *(counts[check, result] for result in results)) for check in Check]
        if rows
        else [],
        empty=empty,
    )

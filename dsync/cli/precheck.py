"""`dsync precheck`: judges dossiers again, on demand; answers checks."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date
from heapq import merge
from typing import Any

import click
from msgspec import structs

from dsync.cli.failures import Group
from dsync.cli.later import later
from dsync.cli.options import DAY, NUMBER, dossiers_option, json_option, settings_options
from dsync.domain.check_answers import RESULTS

with later(globals()):
    from dsync.cli.output import (
        confirmed,
        heading,
        print_check,
        print_json,
        print_table,
        shown,
    )
    from dsync.cli.runs import Done, carry_out, finish, print_errors, print_moves
    from dsync.cli.session import listed, load, reading
    from dsync.database import PROGRAMME
    from dsync.domain.ids import DossierNumber
    from dsync.domain.verdict import Comparison, Decision, Resultat, changes
    from dsync.domain.wording import cut
    from dsync.settings import Settings
    from dsync.sync.answering import check
    from dsync.sync.brakes.changed_rules import Moves
    from dsync.sync.evaluate import stored_comparisons
    from dsync.sync.report import Comparisons
    from dsync.sync.work import (
        AnswerCheck,
        Answering,
        Judging,
        Precheck,
        PrecheckAsOf,
        RefreshEvidence,
        WithdrawAnswer,
    )


LISTED = (
    *("numero", "controle", "resultat", "motif", "produit", "auteur", "repondu_le", "statut"),
    *("constat_resultat", "constat_motif", "constat_preuve", "finie_le", "finie_par"),
)
STANDING = ("valable", "a_confirmer")
"""The statuses of answers that were neither replaced nor withdrawn."""
REASON_WIDTH = 60
"""Width of a reason in the list; `--json` prints it whole."""
ALL_ROWS = 2**31 - 1


@click.group(cls=Group, invoke_without_command=True)
@dossiers_option("Only this dossier; may be repeated. Default: all open dossiers.")
@click.option("--dry-run", is_flag=True, help="Store nothing; ends with all verdicts that change.")
@click.option("--explain", is_flag=True, help="Show each check with its reason and evidence.")
@click.option(
    "--as-of",
    type=DAY,
    metavar="DATE",
    help="Judge as if they were deposited on that day; stores nothing.",
)
@click.option("--stats", is_flag=True, help="Only count the results of each check.")
@click.option(
    "--refresh",
    is_flag=True,
    help="Show what today's product evidence gives, and replace the stored one. Default: of the "
    "dossiers that it would no longer call « Inéligible ».",
)
@click.option("--yes", is_flag=True, help="With --refresh: do not ask first.")
@json_option
@settings_options()
@click.pass_context
def precheck(
    context: click.Context,
    *,
    dossiers: tuple[DossierNumber, ...],
    dry_run: bool,
    explain: bool,
    as_of: date | None,
    refresh: bool,
    yes: bool,
    stats: bool,
    as_json: bool,
) -> None:
    """Judge dossiers again, and show the old and the new verdict.

    A dossier keeps the product evidence that was first read for it; --refresh replaces it, after a
    question or with --yes. Where the former one was right: `dsync precheck answer`. Nothing is sent
    to DS: the next push or sync writes verdicts that changed.
    """
    if context.invoked_subcommand is not None:
        return
    if stats:
        # Counting judges nothing, so these would be without effect.
        if dossiers or as_of or explain or dry_run or refresh:
            raise click.UsageError("--stats excludes all other options but --json.")
        _statistics(as_json=as_json)
        return
    settings = load(dossiers)
    if refresh and not dossiers:
        with reading(settings) as reader:
            dossiers = tuple(reader.dossiers.contradicted())
        if not dossiers:
            nothing = "No « Inéligible » is contradicted by today's catalogue."
            click.echo("[]" if as_json else f"{nothing} --dossier N takes another one.")
            return
    work: Judging = RefreshEvidence(dossiers) if refresh else Precheck(dossiers)
    stores = not (dry_run or as_of)
    if refresh and stores and not _agreed(work, settings, yes=yes, as_json=as_json):
        return
    tried = PrecheckAsOf(as_of, work) if as_of else work
    done = carry_out(tried, settings, as_json=as_json, dry=dry_run)
    document, comparisons = done.document, _comparisons(work, done, settings)
    is_declared = settings.configuration.declared is not None
    moves = Moves.compared(comparisons, is_declared=is_declared)
    if as_json:
        _print_document(comparisons, done, moves)
    else:
        _print(comparisons, explain=explain, as_of=as_of)
        if refresh:
            _print_evidence(comparisons)
        stored = "nothing was stored" if document["run"] is None else f"run {document['run']}"
        changed = sum(not comparison.is_same for comparison in comparisons)
        click.echo(f"\n{len(comparisons)} judged, {changed} changed; {stored}.")
        print_errors(document)
        if dry_run:
            print_moves(moves, are_all=not dossiers)
    finish(done)


@precheck.command("answer")
@click.argument("number", metavar="N", type=NUMBER)
@click.argument("controle")
@click.option(
    "--result",
    "resultat",
    type=click.Choice([one.value for one in RESULTS]),
    required=True,
    help="What you establish.",
)
@click.option(
    "--reason",
    "motif",
    metavar="TEXT",
    required=True,
    help="Why, in French; it goes into DS.",
)
@click.option(
    "--product",
    "produit",
    metavar="ID",
    help="With fiche_produit conforme: the product of beta.gouv.fr that the dossier is about.",
)
@json_option
@settings_options()
def answer(
    *,
    number: DossierNumber,
    controle: str,
    resultat: Any,
    motif: str,
    produit: str | None,
    as_json: bool,
) -> None:
    """Establish the result of check CONTROLE of dossier N in the place of dsync, and judge it.

    The answer holds as long as the check finds what it finds now. If that changes, the check is « à
    vérifier » until it is answered again. With --product, the other checks are made of that
    product, as if the applicant had given its address. Nothing is sent to DS: the next push or sync
    writes it.
    """
    work = AnswerCheck((number,), controle, resultat, motif, produit=produit)
    _answer(work, as_json=as_json)


@precheck.command("unanswer")
@click.argument("number", metavar="N", type=NUMBER)
@click.argument("controle")
@json_option
@settings_options()
def unanswer(*, number: DossierNumber, controle: str, as_json: bool) -> None:
    """Withdraw the answer to check CONTROLE of dossier N, and judge it."""
    _answer(WithdrawAnswer((number,), controle), as_json=as_json)


@precheck.command("answers")
@dossiers_option("Only of this dossier; may be repeated.")
@click.option("--ended", "every", is_flag=True, help="Also those replaced or withdrawn.")
@json_option
@settings_options()
def answers(*, dossiers: tuple[DossierNumber, ...], every: bool, as_json: bool) -> None:
    """List what persons established, and what has to be confirmed."""
    where: dict[str, Any] = {} if every else {"statut": list(STANDING)}
    where |= {"numero": list(dossiers)} if dossiers else {}
    found = listed(
        lambda reader: reader.rows_of(
            "lecture_reponse",
            LISTED,
            {**where, "demarche_numero": reader.number},
            order="numero, controle, repondu_le",
            limit=ALL_ROWS,
        )
    )
    for _, row in found.rows:
        row["constat_preuve"] = json.loads(row["constat_preuve"] or "{}")
    if found.print_as_json(dict, as_json=as_json):
        return
    found.print(
        ("dossier", "check", "answer", "status", "by", "on", "reason"),
        lambda row: (
            row["numero"],
            row["controle"],
            row["resultat"],
            row["statut"],
            row["auteur"],
            row["repondu_le"],
            cut(shown(row["motif"]), REASON_WIDTH),
        ),
        empty="Nobody has answered a check.",
    )


def _answer(work: Answering, *, as_json: bool) -> None:
    settings = load(work.dossiers)
    with reading(settings) as reader:
        # Before anything is asked of a service, or fetched.
        check(reader, work)
    done = carry_out(work, settings, as_json=as_json)
    comparisons = _comparisons(Precheck(work.dossiers), done, settings)
    if as_json:
        _print_document(comparisons, done, Moves.compared(comparisons))
    else:
        _print(comparisons, explain=False, as_of=None)
        print_errors(done.document)
        if not done.code:
            click.echo("\nThe next push or sync writes it into DS.")
    finish(done)


def _agreed(work: Judging, settings: Settings, *, yes: bool, as_json: bool) -> bool:
    """Show the evidence before and after, and return whether the user has it replaced."""
    if not yes:
        # `as_json` only hides the progress.
        tried = carry_out(work, settings, as_json=True, dry=True)
        if not tried.comparisons:
            print_errors(tried.document)
            finish(tried)
        if not as_json:
            _print_evidence(tried.comparisons or Comparisons())
    question = "\nReplace the stored evidence by today's evidence?"
    return confirmed(question, yes=yes, as_json=as_json)


def _comparisons(work: Judging, done: Done, settings: Settings) -> Comparisons:
    """Return what was compared; decisions that another process did not store are made again."""
    if done.comparisons is not None:
        return done.comparisons
    with reading(settings) as reader:
        found, left = stored_comparisons(reader, done.document)
    if left:
        again = structs.replace(work, dossiers=tuple(left))
        # `as_json` only hides the progress: the first run has shown it.
        tried = carry_out(again, settings, as_json=True, dry=True)
        return Comparisons(merge(found, tried.comparisons or (), key=lambda one: one.numero))
    return found


def _print(comparisons: Comparisons, *, explain: bool, as_of: date | None) -> None:
    if not explain:
        print_table(
            ("dossier", "before", f"as of {as_of}" if as_of else "now", "changed"),
            [
                (
                    comparison.numero,
                    comparison.before.verdict.value if comparison.before else None,
                    comparison.verdict.value,
                    _changed(comparison),
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


def _changed(comparison: Comparison) -> str:
    """Return in words which checks give another result or another reason."""
    if comparison.keeps_verdict:
        return "no: evidence out of reach"
    if comparison.is_same:
        return "no"
    if comparison.before is None:
        return "first verdict"
    results, texts = changes(comparison.before, comparison.after)
    said = [f"{name} {one['avant']} → {one['apres']}" for name, one in results.items()]
    said += [f"the reason of {name}" for name in texts]
    return ", ".join(said) or "the text"


def _print_evidence(comparisons: Comparisons) -> None:
    """Print verdict and product evidence before and after, side by side."""
    rows = []
    for comparison in comparisons:
        before, after = _facts(comparison.before), _facts(comparison.after)
        rows += [
            (comparison.numero if name == "verdict" else "", name, before.get(name), value)
            for name, value in after.items()
        ]
    if rows:
        click.echo()
        print_table(("dossier", "", "before", "then"), rows)


def _facts(verdict: Decision | None) -> dict[str, Any]:
    if verdict is None:
        return {}
    part = PROGRAMME.products
    return {"verdict": verdict.verdict.value, **(part.facts(verdict) if part else {})}


def _print_document(comparisons: Comparisons, done: Done, moves: Moves) -> None:
    print_json(
        {
            "run": done.document["run"],
            "statut": done.document["status"],
            "dossiers": [],
            "verdicts_changes": [
                {"avant": before, "apres": after, "nombre": count}
                for before, after, count in moves.moves
            ],
            "erreurs": done.document["errors"],
        },
        dossiers=map(_document, comparisons),
    )


def _document(comparison: Comparison) -> dict[str, Any]:
    after = comparison.after
    results, texts = changes(comparison.before, after)
    return {
        "numero": comparison.numero,
        "avant": comparison.before.verdict.value if comparison.before else None,
        "verdict": comparison.verdict.value,
        "change": not comparison.is_same,
        "controles_changes": results,
        "textes_changes": texts,
        "detail": after.detail,
        "version_regles": after.version_regles,
        "remarque": after.remarque,
        "preuve_avant": comparison.before.preuve if comparison.before else None,
        "preuve": after.preuve,
        "controles": [structs.asdict(controle) for controle in after.controles],
    }


def _statistics(*, as_json: bool) -> None:
    settings = load(stored=True)
    with reading(settings, sorting=True) as reader:
        checks, rows = (
            settings.configuration.check_titles(reader.programme.checks),
            reader.statistics(),
        )
    if as_json:
        print_json(rows)
        return
    counts: Counter[tuple[str, str]] = Counter()
    for row in rows:
        counts[row["controle"], row["resultat"]] += row["nombre"]
    results = [result.value for result in Resultat]
    print_table(
        ("check", *results),
        [(check, *(counts[check, result] for result in results)) for check in checks]
        if rows
        else [],
        empty="No verdict yet: run `dsync sync`.",
    )

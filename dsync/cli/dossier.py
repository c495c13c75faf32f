"""`dsync dossier`: one dossier in full, or a list."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import click

from dsync.cli.options import DOSSIER_NUMBER, json_option, settings_options
from dsync.cli.output import clean, cut, heading, print_json, print_pairs, print_table, shown
from dsync.errors import ConfigurationError

VERDICTS = ("eligible", "a_verifier", "ineligible", "indetermine", "aucun")
ETATS = ("en_construction", "en_instruction", "accepte", "refuse", "sans_suite")
PRESENCES = ("present", "masque", "supprime", "disparu")

SECTIONS: Mapping[str, Sequence[str]] = {
    "Dossier": (
        "etat",
        "etape",
        "presence",
        "archive",
        "depose_le",
        "en_instruction_le",
        "traite_le",
        "correction_attendue_depuis",
        "modifie_le",
        "synchronise_le",
    ),
    "Projet": (
        "page_produit",
        "produit_id",
        "phase_declaree",
        "phase_constatee",
        "incubateur",
        "probleme",
        "politique_publique",
    ),
    "Administration": (
        "siret",
        "raison_sociale",
        "forme_juridique_code",
        "type_administration",
        "entite",
        "departement_code",
        "departement_nom",
        "lieu_travail",
    ),
    "Contacts": (
        "sponsor_nom",
        "sponsor_fonction",
        "sponsor_courriel",
        "sponsor_telephone",
        "contact_nom",
        "contact_fonction",
        "contact_courriel",
        "contact_telephone",
    ),
    "Dispositif": ("cas_demande", "pilotage_actuel", "pilotage_envisage"),
    "Motivations": ("objectifs_12_mois", "benefices", "perspectives"),
    "Sélection et recrutement": (
        "jury_le",
        "convention_le",
        "candidatures_le",
        "entretiens_le",
        "prise_de_poste_le",
        "valide_par_instructeur",
    ),
}
"""Fields of the view `lecture_candidature`, in the form's order."""

BOOLEANS = ("archive", "valide_par_instructeur")
LONGEST = 300
EVENTS_SHOWN = 20


@click.group()
def dossier() -> None:
    """Show one dossier, or list them."""


@dossier.command("list")
@click.option("--etat", type=click.Choice(ETATS), help="In this state.")
@click.option("--verdict", type=click.Choice(VERDICTS), help="With this verdict (aucun: none).")
@click.option("--presence", type=click.Choice(PRESENCES), help="With this presence.")
@click.option(
    "--search", metavar="TEXT", help="Whose number, organisation or product contains this."
)
@click.option(
    "--limit", type=click.IntRange(1, 100_000), default=100, show_default=True, help="How many."
)
@json_option
@settings_options()
def list_(
    *,
    etat: str | None,
    verdict: str | None,
    presence: str | None,
    search: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """List dossiers by number."""
    from dsync.cli.session import reading
    from dsync.domain.verdict import Verdict

    wanted = verdict
    if verdict is not None and verdict != "aucun":
        wanted = next(v.value for v in Verdict if v.key == verdict)
    with reading() as reader:
        found = reader.dossiers(
            etat=etat, verdict=wanted, presence=presence, q=search, limit=limit + 1
        )
    more, found = len(found) > limit, found[:limit]
    if as_json:
        print_json(found)
        return
    columns = ("numero", "etat", "presence", "verdict", "produit_id", "raison_sociale")
    print_table(
        ("dossier", "state", "presence", "verdict", "product", "organisation"),
        [[cut(shown(row[name]), 60) for name in columns] for row in found],
        empty="No dossier is like this.",
    )
    if more:
        click.echo(f"… and more: --limit is {limit}.", err=True)


@dossier.command("show")
@click.argument("numero", metavar="N", type=DOSSIER_NUMBER)
@json_option
@settings_options()
def show(*, numero: int, as_json: bool) -> None:
    """Show dossier N: verdict with reasons and evidence, sections, pushes, events.

    For a dossier that is not Éligible, also what would have to be settled to make it so.
    """
    from dsync.cli.session import reading
    from dsync.domain.ids import DossierNumber

    with reading() as reader:
        found: dict[str, Any] | None = reader.dossier(DossierNumber(numero))
    if found is None:
        raise ConfigurationError(
            f"Dossier {numero} is not in the copy: mend the number, or read it with "
            f"`dsync sync --dossier {numero}`."
        )
    for name in BOOLEANS:
        # SQLite has none of its own.
        found[name] = None if found[name] is None else bool(found[name])
    checks = current_checks(found)
    found["a_regler"] = to_settle(checks)
    if as_json:
        print_json(found)
        return
    click.secho(f"Dossier {numero}", bold=True)
    _print_verdict(found, checks)
    for title, names in SECTIONS.items():
        _print_section(title, [(name, found.get(name)) for name in names])
    _print_voeux(found["voeux"])
    _print_evaluations(found["evaluations"])
    _print_pushes(found["annotations"])
    _print_events(found["evenements"])


def current_checks(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the checks of the current verdict, in the order in which people read them."""
    from dsync.eligibility import CHECK_NAMES

    current = next((p for p in found["precontroles"] if p["courant"]), None)
    if current is None:
        return []
    checks = [c for c in found["controles"] if c["etabli_le"] == current["etabli_le"]]
    order = {str(name): rank for rank, name in enumerate(CHECK_NAMES)}
    return sorted(checks, key=lambda check: order.get(check["controle"], len(order)))


def to_settle(checks: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the smallest set of checks to settle for « Éligible », the decisive ones first."""
    from dsync.domain.verdict import Controle, Resultat
    from dsync.eligibility import counterfactual

    return list(
        counterfactual(
            [Controle(check["controle"], Resultat(check["resultat"]), "") for check in checks]
        )
    )


def _print_verdict(found: Mapping[str, Any], checks: Sequence[Mapping[str, Any]]) -> None:
    from dsync.eligibility import TITLES

    heading("Pré-contrôle")
    current = next((p for p in found["precontroles"] if p["courant"]), None)
    if current is None:
        click.echo("  no verdict yet")
        return
    given = len(found["precontroles"])
    click.echo(
        f"  {current['verdict']}, established {current['etabli_le']} by rules "
        f"{current['version_regles']}" + (f" ({given} verdicts in all)" if given > 1 else "")
    )
    for check in checks:
        click.echo(
            f"  {check['resultat']:<13} {TITLES[check['controle']]}: {clean(check['motif'] or '')}"
        )
        _print_evidence(check["preuve"])
    if found["a_regler"]:
        names = ", ".join(TITLES[name] for name in found["a_regler"])
        click.echo(f"  To become Éligible, settle: {names}")


def _print_evidence(preuve: Any) -> None:
    facts = json.loads(preuve) if isinstance(preuve, str) and preuve else preuve or {}
    for name, value in facts.items():
        if value not in (None, "", [], {}):
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            click.echo(f"                  {name}: {cut(clean(text), LONGEST)}")


def _print_section(title: str, pairs: Sequence[tuple[str, Any]]) -> None:
    if any(value not in (None, "") for _, value in pairs):
        heading(title)
        print_pairs(
            [
                (name, None if value is None else cut(shown(value), LONGEST))
                for name, value in pairs
            ],
            indent="  ",
        )


def _print_voeux(voeux: Sequence[Mapping[str, Any]]) -> None:
    if voeux:
        heading("Vœux")
        for voeu in voeux:
            missions = cut(shown(voeu["missions"]), LONGEST)
            click.echo(f"  {voeu['rang']}. {shown(voeu['profil'])}: {missions}")


def _print_evaluations(evaluations: Sequence[Mapping[str, Any]]) -> None:
    if evaluations:
        heading("Évaluations")
        for row in evaluations:
            mean = None if row["moyenne"] is None else round(float(row["moyenne"]), 2)
            click.echo(
                f"  {row['ligne']}. {shown(row['moment'])}, {shown(row['evaluateur'])}: "
                f"mean {shown(mean)}. {cut(shown(row['commentaire']), LONGEST)}"
            )


def _print_pushes(annotations: Sequence[Mapping[str, Any]]) -> None:
    if annotations:
        heading("Written back to DS")
        print_table(
            ("annotation", "value", "status", "attempts", "sent", "error"),
            [
                (
                    row["annotation"],
                    cut(shown(row["valeur"]), 60),
                    row["statut"],
                    row["tentative"],
                    row["envoyee_le"],
                    row["erreur"],
                )
                for row in annotations
            ],
        )


def _print_events(events: Sequence[Mapping[str, Any]]) -> None:
    if events:
        shown_of = f"the last {EVENTS_SHOWN} of " if len(events) > EVENTS_SHOWN else ""
        heading(f"Events ({shown_of}{len(events)})")
        print_table(
            ("when", "event", "details"),
            [
                (row["survenu_le"], row["evenement"], cut(shown(row["details"]), 80))
                for row in events[-EVENTS_SHOWN:]
            ],
        )

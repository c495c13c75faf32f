"""Why dsync said on a day what it said of a dossier: from the database alone, a record and a page.

It is for those who answer for the procedure: it names who consented and who answered. What a person
concerned gets is their account (`domain/account.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from dsync.annotations.wish import Annotation
from dsync.domain.account import said
from dsync.domain.consent import Consent
from dsync.domain.dossier import PARIS, Etat, Presence, midnight
from dsync.domain.ids import DossierNumber
from dsync.domain.paper import Block, Paper, heading, items, paragraph, table
from dsync.domain.verdict import Resultat
from dsync.errors import ConfigurationError
from dsync.programme import Programme
from dsync.store import Reader
from dsync.store.codes import EventName

VIEWS = ("precontroles", "controles", "annotations", "reponses", "evenements", "decisions")
"""What `found` of `record_of_day` has to have."""
_GONE = "texte effacé, ou que vous ne pouvez pas voir"


def record_of_day(
    reader: Reader,
    programme: Programme,
    found: Mapping[str, Any],
    day: date,
    now: datetime,
    kept: timedelta | None,
) -> dict[str, Any]:
    """Return the record of a dossier on a day of Paris, as JSON values; texts are French.

    `found` is the dossier with `VIEWS`; `kept` is how long consents are (None: for good). What the
    day ended with counts; of today, the present.

    Raises:
        ConfigurationError: the day has not come, or was before the dossier was first read.
    """
    number, end = found["numero"], min(midnight(day + timedelta(days=1)), now)
    if midnight(day) > now:
        raise ConfigurationError(f"{day} has not come yet: give a day until today.")
    events = found["evenements"]
    first = events[0]["survenu_le"] if events else found["synchronise_le"]
    if _at(first) >= end:
        raise ConfigurationError(
            f"Nothing is known of dossier {number} on {day}: it was deposited on "
            f"{(found['depose_le'] or 'an unknown day')[:10]}, and dsync read it first on "
            f"{first[:10]}."
        )

    def until(rows: Sequence[Mapping[str, Any]], name: str) -> list[Mapping[str, Any]]:
        return [one for one in rows if one[name] and _at(one[name]) < end]

    account = programme.account(reader.verdicts.rules(), found, end - timedelta(seconds=1))
    verdict = next((one for one in found["precontroles"] if account and _is_of(one, account)), None)
    shown = {
        one["annotation"]: one["confirmee_le"]
        for one in sorted(until(found["annotations"], "confirmee_le"), key=_confirmed)
    }
    return {
        "numero": number,
        "jour": day.isoformat(),
        "avis": account and account["avis"],
        "phrase": verdict and verdict["detail"],
        "etabli_le": account and account["etabli_le"],
        "efface_le": found["presence_le"] if found["presence"] == Presence.EFFACE else None,
        "compte_rendu": account,
        "accords": [
            {"accord": _named(one.options), "par": one.demande_par, "le": _utc(one.demande_le)}
            for one in reader.requests.consents_to(DossierNumber(number), end)
        ],
        "accords_depuis": kept and (now - kept).astimezone(PARIS).date().isoformat(),
        "reponses": [
            {**one, "valait": not one["finie_le"] or _at(one["finie_le"]) >= end}
            for one in until(found["reponses"], "repondu_le")
        ],
        "inscrit": [
            {
                **{name: one[name] for name in ("annotation", "valeur", "envoyee_le")},
                "confirmee_le": one["confirmee_le"] if _before(one["confirmee_le"], end) else None,
                "y_etait": one["confirmee_le"] == shown.get(one["annotation"], ""),
            }
            for one in found["annotations"]
            if _before(one["envoyee_le"], end) or _before(one["confirmee_le"], end)
        ],
        "decisions": until(found["decisions"], "decide_le"),
        "evenements": until(events, "survenu_le"),
    }


def page_of_day(record: Mapping[str, Any], programme: Programme) -> Paper:
    """Return the record of a day as a page."""
    account = record["compte_rendu"]
    blocks: list[Block] = []
    if record["efface_le"]:
        blocks.append(
            paragraph(
                f"Le contenu de ce dossier a été effacé ici le {said(record['efface_le'][:10])} : "
                "il en reste ses avis et le résultat de chaque contrôle, sans texte."
            )
        )
    if account is None:
        blocks.append(paragraph("dsync n’avait pas encore rendu d’avis sur ce dossier."))
    else:
        blocks.append(
            paragraph(
                f"Avis « {account['avis']} », établi le {said(account['etabli_le'])} par la "
                f"version {account['version_regles']} des règles."
            )
        )
        blocks += map(paragraph, (record["phrase"] or _GONE).splitlines())
        blocks += _grounds(account)
        blocks += _rules(account, programme)
    blocks += _people(record)
    blocks += _written(record)
    blocks += [
        heading("Journal jusqu’à ce jour"),
        items(
            f"{said(one['survenu_le'])} : {EventName(one['evenement']).label}"
            for one in record["evenements"]
        ),
    ]
    return Paper(f"Dossier {record['numero']} : l’avis du {said(record['jour'])}", blocks)


def _grounds(account: Mapping[str, Any]) -> list[Block]:
    found = [heading("Contrôles et preuves, avec leur date")]
    for one in account["controles"]:
        found.append(heading(f"{one['titre']} : {one['resultat']}", 3))
        found.append(paragraph(one["motif"] or _GONE))
        if one["donnees"]:
            found.append(items(f"{each['nom']} : {each['valeur']}" for each in one["donnees"]))
    return found


def _rules(account: Mapping[str, Any], programme: Programme) -> list[Block]:
    title = heading(f"Règles, version {account['version_regles']}")
    if account["regles"] is None:
        return [title, paragraph("Le texte de cette version n’a pas été conservé.")]
    since = account["regles"].get("depuis_le")
    return [
        title,
        *([paragraph(f"Premier avis de cette version : {said(_utc(since))}.")] if since else []),
        *programme.published(account["regles"], account["instruction"]).controles,
    ]


def _people(record: Mapping[str, Any]) -> list[Block]:
    account = record["compte_rendu"]
    titles = {one["controle"]: one["titre"] for one in account["controles"]} if account else {}
    found = [heading("Accords donnés")]
    if record["accords"]:
        found.append(
            items(f"{said(a['le'])}, {_who(a['par'])} : {a['accord']}" for a in record["accords"])
        )
    else:
        found.append(paragraph("Aucun que l’on sache n’a porté sur ce dossier."))
    if since := record["accords_depuis"]:
        found.append(
            paragraph(f"Ceux d’avant le {said(since)} ne sont plus conservés ([retention] logs).")
        )
    found.append(heading("Réponses de personnes"))
    answers = [
        (
            titles.get(one["controle"], one["controle"]),
            Resultat(one["resultat"]).label,
            one["motif"] or _GONE,
            f"{_who(one['auteur'])}, {said(one['repondu_le'])}",
            "oui" if one["valait"] else f"non, finie le {said(one['finie_le'])}",
        )
        for one in record["reponses"]
    ]
    columns = ("Contrôle", "Résultat", "Raison", "Par", "Valait ce jour-là")
    found.append(table(columns, answers) if answers else paragraph("Aucune jusque-là."))
    return found


def _written(record: Mapping[str, Any]) -> list[Block]:
    rows = [
        (
            Annotation(one["annotation"]).label,
            said(one["valeur"] or _GONE),
            said(one["envoyee_le"]) if one["envoyee_le"] else "non envoyée par dsync",
            said(one["confirmee_le"]) if one["confirmee_le"] else "pas encore",
            "oui" if one["y_etait"] else "non",
        )
        for one in record["inscrit"]
    ]
    titles = ("Quoi", "Valeur", "Envoyée le", "Vue dans le dossier le", "La dernière ce jour-là")
    decided = [
        f"{said(one['decide_le'])}, {_who(one['instructeur_courriel'])} : "
        + " – ".join(filter(None, (Etat(one["etat"]).label, one["motivation"])))
        for one in record["decisions"]
    ]
    return [
        heading("Inscrit dans Démarches Simplifiées"),
        table(titles, rows) if rows else paragraph("Rien jusque-là."),
        heading("Décisions prises dans Démarches Simplifiées"),
        items(decided) if decided else paragraph("Aucune jusque-là."),
    ]


def _who(name: str | None) -> str:
    return name or "une personne dont le nom n’est plus conservé, ou que vous ne pouvez pas voir"


def _named(options: Mapping[str, Any]) -> str:
    # Who may not see orders sees no options of them.
    return Consent(options["genre"]).french if "genre" in options else "Un accord"


def _is_of(verdict: Mapping[str, Any], account: Mapping[str, Any]) -> bool:
    return all(verdict[name] == account[name] for name in ("etabli_le", "courant"))


def _confirmed(one: Mapping[str, Any]) -> str:
    return str(one["confirmee_le"])


def _before(instant: str | None, end: datetime) -> bool:
    return instant is not None and _at(instant) < end


def _at(instant: str) -> datetime:
    return datetime.fromisoformat(instant)


def _utc(instant: datetime) -> str:
    return f"{instant:%Y-%m-%dT%H:%M:%SZ}"

"""What the copy must show, worked out from the sandbox's own state, without dsync's mapping.

The views of wishes, grids and files are compared with reviewed rows in `tests/outside`.
"""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterable
from datetime import UTC
from typing import Any

from dsync.eig.precheck.check import Check
from dsync.sandbox import Sandbox
from dsync.sandbox.world import opaque_ids
from dsync.sandbox.world.model import ServedDossier
from dsync.sandbox.world.scalars import champs_of
from dsync.sandbox.world.truth import DossierTruth
from tests.acceptance.worker.database import Database, plain
from tests.engine.rig import DEMARCHE

Row = dict[str, Any]


OPEN = ("en_construction", "en_instruction")
COUNTED = (*OPEN, "accepte")
OWNED = {5102: "resultat", 5103: "detail", 5104: "date"}
"""The annotations that dsync writes, by their stable ids."""
RESULTAT, DETAIL, VALIDATED = 5102, 5103, 5105
VOEUX = 4403

# Column of lecture_candidature: stable id of the champ whose text it is.
TEXTS = {
    "page_produit": 4102,
    "phase_declaree": 4103,
    "incubateur": 4104,
    "probleme": 4105,
    "politique_publique": 4106,
    "entite": 4202,
    "sponsor_nom": 4302,
    "sponsor_fonction": 4303,
    "sponsor_courriel": 4304,
    "contact_nom": 4306,
    "contact_fonction": 4307,
    "contact_courriel": 4308,
    "cas_demande": 4402,
    "pilotage_actuel": 4502,
    "pilotage_envisage": 4503,
    "objectifs_12_mois": 4602,
    "benefices": 4603,
    "perspectives": 4604,
}
PHONES = {"sponsor_telephone": 4305, "contact_telephone": 4309}
ANNOTATED = {
    "etape": 5202,
    "jury_le": 5203,
    "convention_le": 5402,
    "candidatures_le": 5403,
    "entretiens_le": 5404,
    "prise_de_poste_le": 5405,
}


def candidature_of(truth: DossierTruth) -> Row:
    """Return the columns of lecture_candidature that the sandbox knows."""
    champs, annotations = truth.raw_champs, truth.raw_annotations
    demandeur = truth.demandeur
    entreprise = demandeur.get("entreprise") or {}
    siret = demandeur.get("siret")
    departement = champs.get(4203) or {}
    return {
        "numero": truth.number,
        "etat": truth.state,
        "presence": truth.presence,
        "archive": int(truth.archived),
        "depose_le": plain(truth.depose_at),
        "en_instruction_le": plain(truth.en_instruction_at),
        "traite_le": plain(truth.traite_at),
        "siret": siret,
        "siren": entreprise.get("siren") or (siret and siret[:9]),
        "raison_sociale": entreprise.get("raison_sociale"),
        "forme_juridique_code": entreprise.get("forme_juridique_code"),
        **{column: champs.get(id_) or None for column, id_ in TEXTS.items()},
        **{column: _phone(champs.get(id_)) for column, id_ in PHONES.items()},
        "departement_code": departement.get("code"),
        "departement_nom": departement.get("name"),
        "lieu_travail": (champs.get(4204) or {}).get("label"),
        "nb_voeux": sum(map(bool, champs.get(VOEUX) or [])),
        **{column: annotations.get(id_) or None for column, id_ in ANNOTATED.items()},
        "valide_par_instructeur": int(bool(annotations.get(5105))),
    }


def champs_of_dossier(dossier: ServedDossier) -> list[Row]:
    """Return every champ and annotation, those in repetitions with their row, as a text."""
    found = []
    for source in ("champs", "annotations"):
        for champ in champs_of(dossier, source):  # type: ignore[arg-type]
            if champ.type in ("header_section", "explication"):
                continue
            cells = [(champ.descriptor, None, champ.value)]
            if champ.type == "repetition":
                cells = [(champ.descriptor, None, None)] + [
                    (cell, number, row.cells.get(cell.stable_id))
                    for number, row in enumerate(
                        dossier.rows_of(champ.descriptor, source),  # type: ignore[arg-type]
                        start=1,
                    )
                    for cell in champ.descriptor.champs
                ]
            for descriptor, number, value in cells:
                found.append(
                    {
                        "numero": dossier.number,
                        "origine": source.removesuffix("s"),
                        "champ_id": opaque_ids.encode("Champ", descriptor.stable_id),
                        "libelle": descriptor.label,
                        "type": descriptor.type,
                        "ligne": number,
                        "valeur": _text(descriptor.type, value),
                    }
                )
    return found


def assert_copy_is_true(database: Database, sandbox: Sandbox) -> None:
    """Compare the copy with the sandbox: each dossier, champ, verdict and annotation."""
    truths = {truth.number: truth for truth in sandbox.control.truth()}
    dossiers = sandbox.world.demarches[DEMARCHE].dossiers
    shown = {number: t for number, t in truths.items() if t.presence == "present"}
    copies = {row["numero"]: row for row in database.view("lecture_candidature")}
    assert truths.keys() == copies.keys()
    for number, truth in shown.items():
        expected = candidature_of(truth) | {"demarche_numero": DEMARCHE}
        assert expected == {name: copies[number][name] for name in expected}
    for number in truths.keys() - shown.keys():
        assert truths[number].presence == copies[number]["presence"]
    wanted = [row for number in shown for row in champs_of_dossier(dossiers[number])]
    names = [*wanted[0]]
    found = [{name: row[name] for name in names} for row in database.view("lecture_champ")]
    assert ([], []) == (
        [row for row in wanted if row not in found],
        [row for row in found if row not in wanted],
    )
    assert len(wanted) == len(found)
    assert_verdicts_stand(database, copies, shown)
    assert_annotations_stand(database, truths.values())


def assert_verdicts_stand(
    database: Database, copies: dict[int, Row], shown: dict[int, DossierTruth]
) -> None:
    """Each dossier has the verdict that its case calls for, and one reason a check."""
    products = Counter(
        row["produit_id"]
        for row in copies.values()
        if row["presence"] == "present" and row["etat"] in COUNTED
    )
    checks: dict[int, list[Row]] = {}
    for row in database.view("lecture_precontrole_controle"):
        checks.setdefault(row["numero"], []).append(row)
    current = {row["numero"]: row for row in database.view("lecture_precontrole") if row["courant"]}
    for number, truth in shown.items():
        copy = copies[number]
        expected = truth.why.partition(" :")[0]
        if expected == "Éligible" and products[copy["produit_id"]] > (copy["etat"] in COUNTED):
            expected = "À vérifier"
        assert expected == copy["verdict"], truth.why
        assert expected == current[number]["verdict"]
        # The verdict may have been given again since, on other grounds and in the same words.
        assert copy["verdict_etabli_le"] <= current[number]["etabli_le"]
        mine = [c for c in checks[number] if c["etabli_le"] == current[number]["etabli_le"]]
        assert {*Check} == {c["controle"] for c in mine}
        assert all(c["motif"] for c in mine if c["resultat"] != "conforme")


def is_written(truth: DossierTruth) -> bool:
    """Whether dsync writes into a dossier: open, and its pre-check not taken over by a human."""
    is_open = truth.presence == "present" and truth.state in OPEN
    return is_open and not truth.raw_annotations.get(VALIDATED)


def assert_annotations_stand(database: Database, truths: Iterable[DossierTruth]) -> None:
    """In every open dossier stands what dsync wishes, and the outbox says so."""
    wishes: dict[int, dict[str, Row]] = {}
    # The view shows former wishes too; which is the present one only the table tells.
    for row in database.rows("SELECT * FROM outbox WHERE courante"):
        if row["statut"] == "confirmee":
            wishes.setdefault(row["numero"], {})[row["annotation"]] = row
    verdicts = {
        row["numero"]: row for row in database.view("lecture_precontrole") if row["courant"]
    }
    for truth in truths:
        if not is_written(truth):
            continue
        wished, verdict = wishes[truth.number], verdicts[truth.number]
        there = {name: truth.raw_annotations[id_] for id_, name in OWNED.items()}
        expected = {
            "resultat": verdict["verdict"],
            "detail": verdict["detail"],
            "date": there["date"].isoformat(),
            "label": verdict["verdict"].lower(),
        }
        assert expected == {name: row["valeur"] for name, row in wished.items()}
        assert (expected["resultat"], expected["detail"]) == (there["resultat"], there["detail"])
        assert [expected["label"]] == truth.labels


def writes(sandbox: Sandbox) -> list[tuple[int, str, str]]:
    """Return (dossier, annotation, value) of every value that reached the sandbox, in order."""
    names = {opaque_ids.encode("Champ", id_): name for id_, name in OWNED.items()}
    found = []
    for entry in sandbox.control.requests(kind="mutation"):
        for sent in entry.variables.values():
            for annotation in sent.get("annotations") or []:
                number = int(base64.b64decode(sent["dossierId"]).decode().partition("-")[2])
                [value] = annotation["value"].values()
                found.append((number, names[annotation["id"]], value))
    return found


def _phone(value: str | None) -> str | None:
    return "".join(value.split()) if value else None


def _text(type_: str, value: Any) -> str | None:
    if type_ in ("checkbox", "yes_no"):
        return "oui" if value else "non"
    if value in (None, "", []):
        return None
    if type_ == "phone":
        return _phone(value)
    if type_ == "address":
        return str(value["label"])
    if type_ == "departements":
        return f"{value['code']} - {value['name']}"
    if type_ == "datetime":
        return str(value.astimezone(UTC).replace(microsecond=0).isoformat())
    if type_ == "piece_justificative":
        return ", ".join(f.filename for f in value if f.virus_scan != "infected") or None
    return str(value)

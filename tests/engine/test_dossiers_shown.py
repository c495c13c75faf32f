"""What the views show of a dossier of any démarche: who applies, from where, when, which call."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from dsync.sandbox import ScriptedFault
from dsync.sandbox.model import ServedDossier
from tests.engine.rig import DEMARCHE, PAGE, PROBLEME, Engine, number, seeds
from tests.store.databases import on_each, postgresql_if_long

PERSON = {"kind": "physique", "civilite": "Mme", "nom": "Exemple", "prenom": "Zoé", "email": None}
INCOMPLETE = {"kind": "morale_incomplete", "siret": "13002526500013"}


def applicants() -> list[ServedDossier]:
    """Return dossiers of each kind of applicant, one of them deposited for somebody else."""
    some = seeds(range(6))
    some[0].demandeur, some[1].demandeur = PERSON, INCOMPLETE
    some[2].depose_par_un_tiers = True
    some[2].prenom_mandataire, some[2].nom_mandataire = "Alix", "Témoin"
    # Another day, another month and another year in Paris than in UTC; the week is the last one's.
    some[3].depose_at = datetime(2024, 12, 31, 23, 30, tzinfo=UTC)
    some[4].depose_at = datetime(2024, 12, 29, 22, 59, tzinfo=UTC)
    return some


WEEKS = {3: ("2025-W01", "2025-01"), 4: ("2024-W52", "2024-12")}


@pytest.fixture
def shown(database_url: str) -> Iterator[Engine]:
    """An engine of some dossiers on each database."""
    with Engine(database_url, applicants()) as made:
        yield made


def instant(value: Any) -> Any:
    """Return an instant of either database without fractions."""
    found = datetime.fromisoformat(value) if isinstance(value, str) else value
    return found and found.astimezone(UTC).replace(microsecond=0)


def listed(value: Any) -> Any:
    """Return the JSON of a column, which PostgreSQL has decoded."""
    return json.loads(value) if isinstance(value, str) else value


@on_each
def test_a_dossier_shows_what_ds_gives_of_it(shown: Engine) -> None:
    """Each column against the source; a person has names, an organisation an address."""
    shown.sync_until_quiet()
    titles = shown.rows("SELECT titre FROM demarche")
    found = shown.rows("SELECT * FROM lecture_dossier ORDER BY numero")
    assert [number(rank) for rank in range(6)] == [row["numero"] for row in found]
    for rank, row in enumerate(found):
        truth = shown.control.truth_of(number(rank))
        applicant = truth.demandeur
        address, company = applicant.get("address", {}), applicant.get("entreprise") or {}
        expected = {
            "demarche_numero": DEMARCHE,
            "demarche_titre": titles[0]["titre"],
            "etat": truth.state,
            "presence": "present",
            "groupe_instructeur": truth.groupe,
            "usager_courriel": truth.usager_email,
            "mandataire_nom": "Alix Témoin" if rank == 2 else None,
            "demandeur_type": f"personne_{applicant['kind']}",
            "demandeur_civilite": applicant.get("civilite"),
            "demandeur_nom": applicant.get("nom"),
            "demandeur_prenom": applicant.get("prenom"),
            "siret": applicant.get("siret"),
            "siren": (applicant.get("siret") or "")[:9] or None,
            "raison_sociale": company.get("raison_sociale"),
            "forme_juridique_code": company.get("forme_juridique_code"),
            "commune_code": address.get("city_code"),
            "commune": address.get("city_name"),
            "departement_code": address.get("department_code"),
            "departement_nom": address.get("department_name"),
            "region_code": address.get("region_code"),
            "region_nom": address.get("region_name"),
            "nb_messages": truth.nb_messages,
            # The sandbox has one follow a dossier that is examined.
            "instructeurs": truth.followers,
        }
        row["instructeurs"] = listed(row["instructeurs"])
        assert expected == {name: row[name] for name in expected}
        assert bool(row["archive"]) == truth.archived
        dates = {
            "depose_le": truth.depose_at,
            "en_construction_le": truth.depose_at,
            "en_instruction_le": truth.en_instruction_at,
            "traite_le": truth.traite_at,
            "champs_modifie_le": truth.champs_at,
            "annotations_modifiees_le": truth.annotations_at,
            "modifie_le": truth.updated_at,
        }
        assert {name: instant(at) for name, at in dates.items()} == {
            name: instant(row[name]) for name in dates
        }
        if rank in WEEKS:
            assert WEEKS[rank] == (row["depot_semaine"], row["depot_mois"])
    for table in ("contenu", "candidature"):
        counted = f"SELECT demarche_numero, count(*) AS n FROM {table} GROUP BY demarche_numero"
        assert [{"demarche_numero": DEMARCHE, "n": 6}] == shown.rows(counted)
    # The same columns begin the view of the form, and the programme's view has some of them.
    form = shown.rows("SELECT * FROM formulaire_86321 ORDER BY numero")
    for row in form:
        row["instructeurs"] = listed(row["instructeurs"])
    assert found == [{name: row[name] for name in found[0]} for row in form]
    assert [*found[0]] == [*form[0]][: len(found[0])]
    names = ("usager_courriel", "champs_modifie_le", "region_code", "region_nom", "appel")
    main = shown.rows(f"SELECT {', '.join(names)} FROM lecture_candidature ORDER BY numero")
    assert main == [{name: row[name] for name in names} for row in found]

    # A message changes a number only: no event, no verdict, no newer date of the copy.
    events = shown.events(3)
    shown.control.send_message(number(3))
    shown.advance(minutes=1)
    shown.sync()
    after = shown.one("lecture_dossier", 3)
    assert found[3]["nb_messages"] + 1 == after["nb_messages"]
    assert (found[3]["synchronise_le"], events) == (after["synchronise_le"], shown.events(3))


APPLICANT = (
    "SELECT demandeur_type, siret, raison_sociale, commune, region_nom, nb_messages "
    f"FROM lecture_dossier WHERE numero = {number(0)}"
)


@pytest.mark.parametrize("lost", [("demandeur", "address", "cityName"), ("messages",)])
def test_what_ds_cannot_render_of_an_applicant_stays_as_known(
    engine: Engine, lost: tuple[str, ...]
) -> None:
    """Another read without it neither empties it nor tells of a change of it."""
    engine.begin(push=False)
    before = engine.rows(APPLICANT)
    engine.control.faults.null_field(number(0), lost)
    engine.control.edit_champ(number(0), PROBLEME, "Autre problème")
    engine.advance(minutes=1)
    engine.sync(push=False)
    assert before == engine.rows(APPLICANT)


def test_an_address_that_ds_never_rendered_costs_nothing_else(engine: Engine) -> None:
    """Who applies is known, nobody has to look into it, and the address comes when DS has it."""
    engine.control.faults.null_field(number(0), ("demandeur", "address", "cityName"))
    engine.sync(push=False)
    [row] = engine.rows(APPLICANT)
    company = engine.control.truth_of(number(0)).demandeur["entreprise"]["raison_sociale"]
    assert (company, None, {}) == (row["raison_sociale"], row["region_nom"], engine.quarantine())
    engine.control.faults.repair(number(0))
    engine.sync(full=True, push=False)
    assert engine.rows(APPLICANT)[0]["region_nom"] is not None


@postgresql_if_long
def test_a_call_has_the_name_that_the_configuration_gives_it(engine: Engine) -> None:
    """Its title until then; a new name and none at all are followed by the next run."""
    engine.restart(configuration={"demarche": {"appel": None}})
    engine.sync()
    title = engine.rows("SELECT titre AS appel FROM demarche")
    assert title == engine.rows("SELECT DISTINCT appel FROM lecture_dossier")
    for name in ("EIG 7", None):
        engine.restart(configuration={"demarche": {"appel": name}})
        engine.sync()
        wanted = [{"appel": name}] if name else title
        assert wanted == engine.rows("SELECT DISTINCT appel FROM lecture_candidature")


def test_a_replaced_value_keeps_whether_it_stood_in_ds(engine: Engine) -> None:
    """Confirmed by an answer, by the reading back of a lost one, or never there."""
    engine.begin(push=False)
    results = "SELECT valeur, statut, confirmee_le FROM lecture_annotation WHERE numero = :n "
    results += "AND annotation = 'resultat' ORDER BY envoyee_le"

    def stood() -> list[tuple[str, str, bool]]:
        found = engine.rows(results, n=number(0))
        return [(r["valeur"], r["statut"], r["confirmee_le"] is not None) for r in found]

    engine.control.faults.fail(ScriptedFault("answer_lost", "Push"))
    engine.sync()
    assert [("Éligible", "incertaine", False)] == stood()
    engine.control.edit_champ(number(0), PAGE, "")
    engine.advance(seconds=40)
    engine.sync()
    assert [("Éligible", "remplacee", True), ("Inéligible", "confirmee", True)] == stood()
    # This one is replaced before it was ever sent.
    engine.control.edit_champ(number(0), PAGE, "https://beta.gouv.fr/startups/inconnu-zzz.html")
    engine.advance(minutes=1)
    engine.sync(push=False)
    engine.control.edit_champ(number(0), PAGE, "")
    engine.advance(minutes=1)
    engine.sync(push=False)
    assert {("Éligible", True), ("Inéligible", True), ("À vérifier", False)} == {
        (value, stands) for value, _, stands in stood() if value != "Inéligible" or stands
    }

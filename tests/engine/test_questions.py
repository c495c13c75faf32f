"""Questions that people ask of the data: the views answer as the sandbox's own state does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import groupby
from statistics import mean
from typing import Any
from zoneinfo import ZoneInfo

from dsync.sandbox.content.aap_eig7 import CRITERES
from dsync.sandbox.model import ServedDossier
from dsync.sandbox.scalars import DossierTruth
from tests.engine.rig import DEMARCHE, ETAPE, FIRST, PROBLEME, Engine, id_of, seeds
from tests.store.databases import on_each

PARIS = ZoneInfo("Europe/Paris")
DECIDED, OPEN = ("accepte", "refuse", "sans_suite"), ("en_construction", "en_instruction")
LIEU, ENTITE, VOEUX, PROFIL, ORDRE = 4204, 4202, 4403, 4404, 4405
JURY, GRILLES, EVALUATEUR = 5203, 5302, 5304
SIDES = {"usager": "usager", "agent": "administration", "system": "automatique"}
DECISIONS = {
    "accepte": "accepte",
    "accepte_automatiquement": "accepte",
    "refuse": "refuse",
    "refuse_automatiquement": "refuse",
    "classe_sans_suite": "sans_suite",
}
Rows = Iterable[tuple[Any, ...]]
Dossiers = dict[int, ServedDossier]


def live(engine: Engine) -> list[int]:
    """Let a week pass; return the dossiers that were open, in which things happened."""
    control, world = engine.control, engine.sandbox.world
    dossiers = world.demarches[DEMARCHE].dossiers
    a = [n for n, d in dossiers.items() if d.state in OPEN and d.listed == "present"]
    groupe = dossiers[a[4]].groupe
    agents = [one.email for one in groupe.instructeurs]

    def day(*acts: Callable[[], Any]) -> None:
        engine.advance(days=1, hours=3)
        for act in acts:
            engine.advance(minutes=7)
            act()
        engine.advance(minutes=5)
        engine.sync(full=True)

    def mark(n: int, *marks: tuple[str, int]) -> None:
        for row, (who, value) in enumerate(marks):
            if row:
                control.add_annotation_row(n, GRILLES)
            for champ, said in ((EVALUATEUR, who), *((one, value) for one in CRITERES)):
                control.edit_annotation(n, champ, said, row=row)

    def instruct() -> None:
        for n in a[4:12]:
            if dossiers[n].state == "en_construction":
                control.move(n, "en_instruction")

    def plan_jury() -> None:
        # Days to come depend on the database's own clock.
        for n in a[7:12]:
            control.edit_annotation(n, JURY, f"{in_paris(control.clock.now()):%Y-%m-%d}")

    engine.sync_until_quiet()
    day(
        lambda: control.send_message(a[0]),
        lambda: control.send_message(a[1], "usager"),
        lambda: control.ask_correction(a[2]),
        lambda: control.edit_champ(a[2], PROBLEME, "Corrigé"),
        lambda: control.send_message(a[0], "usager"),
        lambda: control.send_message(a[3]),
        lambda: control.discard_message(a[3]),
        instruct,
    )
    # 23:15 UTC is the day after in Paris.
    control.clock.set_clock(control.clock.now().replace(hour=23, minute=15) + timedelta(days=1))
    control.move(a[4], "accepte", motivation="Oui", agent=agents[0])
    control.move(a[5], "refuse", motivation="Non", agent=agents[-1])
    control.move(a[6], "sans_suite")
    day(
        lambda: control.move(a[5], "en_instruction"),
        lambda: control.move(a[5], "accepte", agent=agents[0]),
        plan_jury,
        lambda: mark(a[7], ("ada@exemple.fr", 3), ("bob@exemple.fr", 5)),
        lambda: mark(a[8], ("ada@exemple.fr", 4)),
        lambda: mark(a[9], ("ada@exemple.fr", 2)),
        lambda: mark(a[10], ("ada@exemple.fr", 5), ("bob@exemple.fr", 4)),
    )
    day(
        lambda: control.hide(a[12]),
        lambda: control.hide(a[13], "administration"),
        lambda: control.erase(a[14]),
        lambda: engine.worker.erase(a[15] - FIRST),
        lambda: control.add_label(a[18], world.demarches[DEMARCHE].labels[0].name),
        lambda: control.ask_correction(a[19]),
        lambda: control.edit_champ(a[20], ENTITE, "Nouvelle entité"),
        lambda: control.correct_champ(a[21], ENTITE, "Entité corrigée"),
    )
    day(
        lambda: control.erase(a[12]),
        lambda: control.edit_champ(a[20], ENTITE, "Encore une autre"),
    )
    engine.sync_until_quiet()
    return a


def counted(keys: Iterable[Any]) -> Rows:
    """Return each key, of one column or more, with how often it comes."""
    return [(*(k if isinstance(k, tuple) else (k,)), n) for k, n in Counter(keys).items()]


def answered(rows: Rows) -> list[tuple[Any, ...]]:
    """Return rows as both engines and the sandbox have them, in one order."""

    def one(value: Any) -> Any:
        match value:
            case str() if len(value) == 20 and value.endswith("Z"):
                return datetime.fromisoformat(value)
            case datetime():
                return value.astimezone(UTC).replace(microsecond=0)
            case date():
                return value.isoformat()
            case Decimal() | float():
                return round(float(value), 1)
            case _:
                return value

    return sorted((tuple(map(one, row)) for row in rows), key=lambda row: [*map(repr, row)])


def in_paris(at: datetime) -> datetime:
    """Return an instant of the sandbox in Paris."""
    return at.astimezone(PARIS)


def silent(kept: Dossiers) -> Rows:
    """Whom the administration asked last, and since when nothing came from the usager."""
    for n, d in kept.items():
        said = [(m.at, SIDES.get(m.sender, "autre")) for m in d.messages if not m.discarded_at]
        assert d.depose_at
        assert d.champs_at
        if d.champs_at > d.depose_at:
            said.append((d.champs_at, "usager"))
        theirs = max((at for at, side in said if side in ("usager", "autre")), default=d.depose_at)
        asked = [at for at, side in said if side == "administration" and at > theirs]
        if asked and d.state in OPEN:
            yield n, min(asked)


def marks(dossiers: Iterable[DossierTruth]) -> Rows:
    """The mean of each dossier's grids, none if one lacks a mark, and its rank."""
    means: dict[int, float | None] = {}
    for d in dossiers:
        grids = [row for row in d.annotations[GRILLES] if any(row.values())]
        given = [int(row[one]) for row in grids for one in CRITERES if row[one]]
        is_whole = given and len(given) == len(grids) * len(CRITERES)
        means[d.number] = mean(given) if is_whole else None
    best = sorted((one for one in means.values() if one is not None), reverse=True)
    return [(n, one, one and best.index(one) + 1) for n, one in means.items()]


def files(kept: Dossiers) -> Rows:
    """The files of each type, how many and how large; infected ones are not shown."""
    answers = (v for d in kept.values() for v in d.champs.values() if isinstance(v, list))
    found = [f for v in answers for f in v if hasattr(f, "content_type")]
    found = sorted((f for f in found if f.virus_scan != "infected"), key=lambda f: f.content_type)
    for kind, some in groupby(found, lambda f: f.content_type):
        sizes = [len(f.content) for f in some]
        yield kind, len(sizes), sum(sizes)


@on_each
def test_the_views_answer_what_people_ask(database_url: str) -> None:
    """Counted, joined and compared; each column by itself is in `test_dossiers_shown.py`."""
    with Engine(database_url, seeds(range(45))) as engine:
        a = live(engine)
        wrong, asked = {}, questions(engine, a, is_postgresql="postgresql" in database_url)
        for question, (sql, truth) in asked.items():
            found = answered(row.values() for row in engine.rows(sql))  # type: ignore[misc]
            if found != (true := answered(truth)):
                wrong[question] = (found, true)
    assert {} == wrong


def questions(engine: Engine, a: list[int], *, is_postgresql: bool) -> dict[str, tuple[str, Rows]]:
    """Return each question as SQL, with the sandbox's own answer."""
    demarche = engine.sandbox.world.demarches[DEMARCHE]
    listed = {n: d for n, d in demarche.dossiers.items() if d.listed != "expire"}
    hidden = {n: d for n, d in listed.items() if d.listed == "masque"}
    deleted = {n: d for n, d in listed.items() if d.listed == "supprime"}
    erased = a[15]
    kept = {n: d for n, d in listed.items() if d.listed == "present" and n != erased}
    known = {**kept, **hidden}
    decided = [
        (
            n,
            DECISIONS[t["event"]],
            f"{in_paris(t['date_traitement']):%Y-%m-%d}",
            t["email_agent_traitant"],
        )
        for n, d in known.items()
        for t in d.traitements
        if t["event"] in DECISIONS
    ]
    sirens = Counter((d.demandeur.get("entreprise") or {}).get("siren") for d in kept.values())
    colours = {label.name: label.color for label in demarche.labels}
    entite = {n: seeds([n - FIRST])[0].champs.get(ENTITE) for n in (a[20], a[21])}
    jury = f"numero IN ({', '.join(map(str, a[7:12]))})"
    here = "presence = 'present'"
    of_dossiers = f"FROM lecture_dossier WHERE {here}"
    form = f"formulaire_{DEMARCHE}"

    def joined(view: str) -> str:
        return f"FROM {view} AS x JOIN lecture_dossier AS d ON d.numero = x.numero WHERE d.{here}"

    each = (
        "jsonb_array_elements_text(CAST(d.instructeurs AS jsonb)) AS i (value)"
        if is_postgresql
        else "json_each(d.instructeurs) AS i"
    )
    days = (
        "extract(epoch FROM traite_le - depose_le) / 86400"
        if is_postgresql
        else "julianday(traite_le) - julianday(depose_le)"
    )
    return {
        "how many in each state": (
            f"SELECT etat, count(*) {of_dossiers} GROUP BY 1",
            counted(d.state for d in kept.values()),
        ),
        "posts in which region": (
            f"SELECT lieu_de_travail_region_nom, count(*) FROM {form} WHERE {here} GROUP BY 1",
            counted((d.champs.get(LIEU) or {}).get("region_name") for d in kept.values()),
        ),
        "who decided on which day in Paris": (
            "SELECT numero, etat, decide_jour, instructeur_courriel FROM lecture_decision",
            decided,
        ),
        "how many decisions of each agent a day": (
            "SELECT instructeur_courriel, decide_jour, count(*) FROM lecture_decision "
            "GROUP BY 1, 2",
            counted((who, on) for _, _, on, who in decided),
        ),
        "which decisions hold, and why": (
            "SELECT numero, etat, motivation FROM lecture_decision WHERE en_vigueur",
            [(n, d.state, d.motivation) for n, d in known.items() if d.state in DECIDED],
        ),
        "which decisions hold no more": (
            "SELECT numero, etat FROM lecture_decision WHERE NOT en_vigueur",
            [(a[5], "refuse")],
        ),
        "who left, and why": (
            f"SELECT numero, presence, presence_raison FROM lecture_dossier WHERE NOT {here}",
            [
                *((n, "masque", d.removal and d.removal.reason) for n, d in hidden.items()),
                *((n, "supprime", d.deletion and d.deletion.reason) for n, d in deleted.items()),
                (erased, "efface", "demande"),
            ],
        ),
        "who does not answer, since when": (
            f"SELECT numero, sans_reponse_depuis {of_dossiers} AND sans_reponse_depuis IS NOT NULL",
            silent(kept),
        ),
        "how many messages from which side": (
            f"SELECT x.de, count(*) {joined('lecture_message')} GROUP BY 1",
            counted(SIDES.get(m.sender, "autre") for d in kept.values() for m in d.messages),
        ),
        "which messages were taken back": (
            "SELECT numero, retire_le FROM lecture_message WHERE retire_le IS NOT NULL",
            [(n, m.discarded_at) for n, d in known.items() for m in d.messages if m.discarded_at],
        ),
        "which are followed by nobody": (
            f"SELECT etat, count(*) {of_dossiers} AND CAST(instructeurs AS text) = '[]' GROUP BY 1",
            counted(d.state for d in kept.values() if not d.followers),
        ),
        "how many each instructeur follows": (
            f"SELECT i.value, count(*) FROM lecture_dossier AS d, {each} WHERE d.{here} GROUP BY 1",
            counted(one.email for d in kept.values() for one in d.followers),
        ),
        "how many days to the decision": (
            f"SELECT numero, {days} {of_dossiers} AND traite_le IS NOT NULL",
            [
                (n, (d.traite_at - d.depose_at) / timedelta(days=1))
                for n, d in kept.items()
                if d.traite_at and d.depose_at
            ],
        ),
        "which profiles are asked for first": (
            f"SELECT x.profil, count(*) {joined(f'{form}_profils_souhaites')} "
            "AND x.ordre_de_preference = 1 GROUP BY 1",
            counted(
                row.get(PROFIL)
                for d in kept.values()
                for row in d.champs.get(VOEUX) or []
                if row.get(ORDRE) == 1
            ),
        ),
        "how many wishes": (
            f"SELECT numero, nb_voeux FROM lecture_candidature WHERE {here}",
            [(n, sum(map(bool, d.champs.get(VOEUX) or []))) for n, d in kept.items()],
        ),
        "which labels, of which colour": (
            f"SELECT x.etiquette, x.couleur, count(*) {joined('lecture_etiquette')} GROUP BY 1, 2",
            counted((one, colours[one]) for d in kept.values() for one in d.labels),
        ),
        "which files": (
            f"SELECT x.type_mime, count(*), sum(x.taille) {joined('lecture_piece')} GROUP BY 1",
            files(kept),
        ),
        "who applies more than once": (
            f"SELECT siren, count(*) {of_dossiers} AND siren IS NOT NULL "
            "GROUP BY 1 HAVING count(*) > 1",
            [(siren, n) for siren, n in sirens.items() if siren and n > 1],
        ),
        "from what to what, by whom": (
            "SELECT numero, ancienne_valeur, nouvelle_valeur, par FROM lecture_changement "
            f"WHERE numero IN ({a[20]}, {a[21]}) AND champ_id = '{id_of(ENTITE)}'",
            [
                (a[20], entite[a[20]], "Nouvelle entité", "usager"),
                (a[20], "Nouvelle entité", "Encore une autre", "usager"),
                (a[21], entite[a[21]], "Entité corrigée", "instructeur"),
            ],
        ),
        "which rank before the jury": (
            f"SELECT numero, note_moyenne, rang FROM lecture_jury_dossier WHERE {jury}",
            marks(map(engine.control.truth_of, a[7:12])),
        ),
        "at which stage those of the jury are": (
            f"SELECT etape, count(*) FROM lecture_suivi WHERE {jury} GROUP BY 1",
            [("Jury", 5)],
        ),
        "at which stage the team has each": (
            f"SELECT etape, count(*) FROM lecture_candidature WHERE {here} GROUP BY 1",
            counted(d.annotations.get(ETAPE) or None for d in kept.values()),
        ),
    }

"""Whatever a dossier goes through, its stages cover its time, without a gap or an overlap."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import count, pairwise
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dsync.domain.dossier import Etat, Traitement
from dsync.domain.ids import DossierNumber
from dsync.eig.stages import Etape
from dsync.store import Store
from tests.store.builders import make_mapped, writing
from tests.store.test_views import instant

BEGIN = datetime(2019, 3, 30, 12, tzinfo=UTC)
EVENTS = {
    "passe_en_instruction": Etat.EN_INSTRUCTION,
    "repasse_en_instruction": Etat.EN_INSTRUCTION,
    "repasse_en_construction": Etat.EN_CONSTRUCTION,
    "accepte": Etat.ACCEPTE,
    "refuse": Etat.REFUSE,
    "classe_sans_suite": Etat.SANS_SUITE,
}
DAYS = ("jury_le", "convention_le", "candidatures_le", "entretiens_le", "prise_de_poste_le")
_numbers = count(1)


class Life:
    """A dossier as DS shows it, from act to act."""

    def __init__(self) -> None:
        self.number = next(_numbers)
        self.at = BEGIN
        self.changes: dict[str, Any] = {"etat": Etat.EN_CONSTRUCTION}
        self.steps = [Traitement("depose", BEGIN, None, None)]
        self.days: dict[str, date | None] = dict.fromkeys(DAYS)
        self.is_journaled = True
        """Whether each change of state had its traitement."""

    def act(self, name: str, argument: Any) -> None:
        """Do one thing to the dossier, a second after the one before."""
        self.at += timedelta(seconds=1)
        if name == "wait":
            self.at += timedelta(seconds=argument)
        elif name == "ask":
            self.changes["date_derniere_correction_en_attente"] = self.at
        elif name in ("submit", "withdraw"):
            self.changes["date_derniere_correction_en_attente"] = None
            if name == "submit":
                self.steps.append(Traitement("depose_correction_usager", self.at, None, None))
        elif name in DAYS:
            self.days[name] = argument
        elif name == "unjournaled":
            self.changes["etat"] = argument
            self.is_journaled = False
        else:
            self.changes["etat"] = EVENTS[name]
            self.steps.append(Traitement(name, self.at, None, None))

    @property
    def fields(self) -> dict[str, Any]:
        """What DS tells."""
        return {
            "date_depot": BEGIN,
            "date_passage_en_construction": BEGIN,
            "date_derniere_modification": self.at,
            "traitements": tuple(self.steps),
            **self.changes,
        }


acts = st.one_of(
    st.tuples(st.just("wait"), st.sampled_from([1, 3_600, 90_000, 3_000_000])),
    st.tuples(st.sampled_from(["ask", "submit", "withdraw", *EVENTS]), st.none()),
    st.tuples(st.just("unjournaled"), st.sampled_from(Etat)),
    st.tuples(
        st.sampled_from(DAYS),
        st.one_of(st.none(), st.dates(date(2019, 3, 1), date(2020, 12, 31)), st.just(date.max)),
    ),
)
lives = st.lists(st.lists(acts, min_size=1, max_size=4), max_size=6)
"""What is done between two reads."""


@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(lives, min_size=5, max_size=10))
def test_the_stages_of_any_life_join(store: Store, drawn: list[list[list[Any]]]) -> None:
    """From the deposit on, each begins where the one before ends; the last one is the state's.

    A correction that was seen stays a stage, whatever comes after it.
    """
    now = datetime(2023, 1, 1, tzinfo=UTC)
    shown = [(Life(), reads) for reads in drawn]
    waited: set[int] = set()
    for turn in range(1 + max(len(reads) for _, reads in shown)):
        for life, reads in shown:
            for name, argument in reads[turn - 1] if 0 < turn <= len(reads) else ():
                life.act(name, argument)
        with store.reading() as reader:
            asked = reader.contents.corrections([DossierNumber(life.number) for life, _ in shown])
        page = [
            make_mapped(
                life.number,
                candidature=life.days,
                corrections=asked.get(DossierNumber(life.number), ()),
                **life.fields,
            )
            for life, _ in shown
        ]
        with writing(store) as tx:
            tx.dossiers.store_page(turn + 1, page, now=now)
        found = _stages(store, [life.number for life, _ in shown])
        for life, _ in shown:
            _check(life, found[life.number])
        seen = {
            life.number
            for life, _ in shown
            if Etape.CORRECTION in [row["etape"] for row in found[life.number]]
        }
        unjournaled = {life.number for life, _ in shown if not life.is_journaled}
        assert waited - unjournaled <= seen
        waited = seen


def _stages(store: Store, numbers: list[int]) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = {number: [] for number in numbers}
    sql = f"SELECT * FROM lecture_etape WHERE numero >= {min(numbers)} ORDER BY rang"
    with store.reading() as reader:
        for row in reader.connection.exec_driver_sql(sql).mappings():
            found[row["numero"]].append(row)
    return found


def _check(life: Life, rows: list[Any]) -> None:
    instants = [instant(row["du"]) for row in rows]
    assert BEGIN == instants[0]
    assert [*instants[1:], None] == [row["au"] and instant(row["au"]) for row in rows]
    assert sorted(set(instants)) == instants
    assert list(range(1, len(rows) + 1)) == [row["rang"] for row in rows]
    assert all(a["etape"] != b["etape"] for a, b in pairwise(rows))
    assert rows[-1]["etape"] in STAGES[life.changes["etat"]]


RECRUITMENT = {"Convention signée", "Candidatures présentées", "Entretiens tenus", "En poste"}
STAGES: dict[Etat, set[str]] = {
    Etat.EN_CONSTRUCTION: {"En construction", "Correction attendue"},
    Etat.EN_INSTRUCTION: {"En instruction", "Jury"},
    Etat.ACCEPTE: {"Accepté", *RECRUITMENT},
    Etat.REFUSE: {"Refusé"},
    Etat.SANS_SUITE: {"Sans suite"},
}

"""A year of ordinary life asks nobody for consent: a brake that cries wolf is a fault, too."""

from __future__ import annotations

import json
import random
import shutil
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from dsync.care.state import waiting, work_of
from dsync.domain.consent import Asked
from dsync.ds.client import DSClient
from dsync.ds.limits import Limits
from dsync.errors import DSError
from dsync.sandbox import Change, Sandbox, ScriptedFault, content
from dsync.sandbox.content.life import happenings
from dsync.sandbox.model import ChampDescriptor
from dsync.sync.work import ReadAll, ReadChanges, Request, Work
from dsync.wiring import Worker
from tests.configured import load_all
from tests.engine.rig import INSTRUCTEUR, NOW, SEED, few_products, seeds
from tests.engine.test_belief import FONCTION
from tests.engine.test_judging import STARTUPS, product_of
from tests.profiles import long

CONFIG = Path(__file__).parents[2] / "config"
DOSSIERS = 24
"""Of each démarche at the beginning."""
SUBSIDY, MOBILITY = content.SUBSIDY_FORM.number, content.MOBILITY_FORM.number
RESULTS = {SUBSIDY: 6351, MOBILITY: 6451}
ANSWERS: dict[int, dict[int, tuple[Any, ...]]] = {
    SUBSIDY: {6304: (True, False), 6306: ("Sport", "Culture"), 6308: ("2026-12-15", "2027-01-31")},
    MOBILITY: {6402: ("Morbihan", "Paris"), 6404: ("1", "2"), 6406: ("Canada", "Portugal")},
}
"""What applicants of the two aids change in their answers."""
MADE = {SUBSIDY: content.subsidy_dossiers, MOBILITY: content.mobility_dossiers}


class Year:
    """Three démarches of one folder of files on one database, and what happens to them."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder / "config"
        self.folder.mkdir()
        for file in (*CONFIG.glob("*.*"), *CONFIG.glob("exemples/*")):
            shutil.copy(file, self.folder)
        self.url = url
        self.document = few_products(DOSSIERS)
        served = [
            (content.FORM, seeds(range(DOSSIERS))),
            *(
                (form, MADE[form.number](SEED, DOSSIERS, now=NOW))
                for form in (content.SUBSIDY_FORM, content.MOBILITY_FORM)
            ),
        ]
        self.sandbox = Sandbox(served, seed=SEED, clock=lambda: NOW)
        self.control = self.sandbox.control
        self.control.catalogue.replace(STARTUPS, self.document)
        self.control.catalogue.replace("/redirects.json", {})
        self.life = happenings(self.control, SEED)
        self.chance = random.Random(SEED)
        self.numbers = dict.fromkeys(MADE, DOSSIERS)

    @contextmanager
    def workers(self) -> Iterator[Sequence[Worker]]:
        """Begin a process with the files as they are."""
        now = self.control.clock.now
        limits = Limits(requests_per_minute=1_000_000, attempts=2, backoff_s=0.0)
        with ExitStack() as opened:
            made = []
            for one in load_all(
                config=self.folder,
                database_url=self.url,
                ds_url=self.sandbox.ds_url,
                ds_token=SecretStr(self.sandbox.tokens.write),
                ds_instructeur=INSTRUCTEUR,
                betagouv_url=self.sandbox.betagouv_url,
            ):
                stop = threading.Event()
                client = DSClient(
                    one.ds_url,
                    one.token,
                    user_agent="dsync/0",
                    limits=limits,
                    stop=stop,
                    clock=now,
                )
                made.append(opened.enter_context(Worker(one, stop=stop, clock=now, client=client)))
            yield made

    def write(self, file: str, before: str, after: str) -> None:
        """Change a file."""
        path = self.folder / file
        text = path.read_text(encoding="utf-8")
        assert before in text
        path.write_text(text.replace(before, after, 1), encoding="utf-8")

    def publish(self, added: int) -> None:
        """Publish the catalogue with one more product, and one that reached its next phase."""
        data = self.document["data"]
        entry = json.loads(json.dumps(next(one for one in data if one["id"] == product_of(0))))
        entry["id"] = f"produit-du-jour-{added}"
        entry["attributes"]["name"] = f"Quotidien {added}"
        data.append(entry)
        moved = data[added % len(data)]["attributes"]
        moved["phases"].append({"name": "acceleration", "start": "2026-11-01", "end": ""})
        self.control.catalogue.replace(STARTUPS, self.document)

    def live(self, day: int) -> None:
        """Do what people do in a day."""
        next(self.life)
        if day % 2 == 0:
            self.publish(day // 2)
        # Most days nothing happens in an aid.
        for demarche, answers in ANSWERS.items() if day % 3 == 0 else ():
            if day % 6 == 0:
                self.deposit(demarche)
            known = self.sandbox.world.demarches[demarche].dossiers.values()
            by_state = {
                state: [one.number for one in known if one.state == state]
                for state in ("en_construction", "en_instruction")
            }
            if edited := by_state["en_construction"]:
                champ, values = self.chance.choice([*answers.items()])
                given = self.chance.choice(edited), champ, self.chance.choice(values)
                self.control.edit_champ(*given)
            for every, state, then in (
                (6, "en_construction", "en_instruction"),
                (9, "en_instruction", "accepte"),
            ):
                if day % every == 0 and by_state[state]:
                    self.control.move(by_state[state][0], then)
            if day % 15 == 0 and by_state["en_instruction"]:
                there = by_state["en_instruction"][-1], RESULTS[demarche]
                self.control.edit_annotation(*there, "À vérifier")

    def deposit(self, demarche: int) -> None:
        """Deposit one more dossier of an aid."""
        self.numbers[demarche] += 1
        [*_, seed] = MADE[demarche](SEED, self.numbers[demarche], now=NOW)
        served = self.sandbox.world.demarches[demarche]
        self.sandbox.world.add_dossier(served, replace(seed, updated_at=self.control.clock.now()))


def asked_of(worker: Worker) -> list[Asked]:
    """Return what waits for a person."""
    with worker.store.reading(worker.demarche) as reader:
        return waiting(reader, worker.evidence(reader))


def run(worker: Worker, work: Work) -> Any:
    """Have something done."""
    return worker.sync(Request(work, "service"))


@pytest.mark.parametrize(
    ("days", "night"),
    [(6, 12), long(365, 60)],
)
def test_a_year_of_ordinary_life_asks_nobody(
    tmp_path: Path, database_url: str, days: int, night: int
) -> None:
    """Of three démarches: edits, decisions, deposits, people's own results, new products.

    Revisions add questions and remove some that no check reads; lists are corrected and completed;
    one day DS is away.
    """
    year = Year(tmp_path, database_url)
    removed, outage = days * 2 // 3, days // 2
    with ExitStack() as opened:
        opened.enter_context(year.sandbox)
        workers = opened.enter_context(year.workers())
        for worker in workers:
            # The first time, a person is asked once.
            assert 4 == run(worker, ReadAll()).exit_code
            [first] = asked_of(worker)
            assert 0 == run(worker, work_of(first)).exit_code
        for day in range(days):
            year.live(day)
            for rank, worker in enumerate(workers):
                demarche = worker.demarche
                if day in (days // 3, days // 2):
                    added = ChampDescriptor(4990 + 400 * rank + day, "text", f"Question {day}")
                    change = Change(add_champs=[added])
                    year.control.form.publish_revision(change, number=demarche)
                if day == removed:
                    gone = FONCTION if rank == 0 else 4990 + 400 * rank + days // 3
                    year.control.form.publish_revision(Change(remove=[gone]), number=demarche)
            if day == removed:
                year.write(
                    "aap-eig7.toml", '"Transfert" =', '"Transféré" = ["transfer"]\n"Transfert" ='
                )
                year.write("mobilite_pays.csv", "Sénégal", "Sénégal\nPortugal")
                year.write("mobilite_plafonds.csv", "2;34000", "2;34000\n2,5;40000")
                workers = opened.enter_context(year.workers())
            if day == days // 4:
                for seed in seeds(range(500, 500 + night)):
                    year.control.deposit(seed)
            if day == outage:
                year.control.faults.fail(ScriptedFault("bad_gateway", times=None))
            year.control.clock.advance(86_400)
            for worker in workers:
                report = run(worker, ReadAll() if day % 7 == 0 else ReadChanges())
                expected = DSError.exit_code if day == outage else 0
                assert expected == report.exit_code, (day, worker.demarche, report.errors)
                assert [] == asked_of(worker), (day, worker.demarche, report.errors)
            year.control.faults.clear_faults()
            year.control.forget_requests()

"""Servers that answer without end: the process stays small, ends in time, and says what it met."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import requests

from dsync.ds import operations
from dsync.sandbox import Sandbox
from dsync.sandbox.faults import BETAGOUV, ScriptedFault
from tests.acceptance.worker.installed import Installed, Process, until
from tests.commands.command import config_with
from tests.engine.rig import DEMARCHE
from tests.profiles import long


class Used(NamedTuple):
    """What a process took."""

    peak_mib: float
    cpu_s: float


def used(process: Process) -> Used:
    """Wait for a process's end; return the most memory that it had, and its processor's time."""
    peak, ticks = 0, 0

    def has_ended() -> bool:
        nonlocal peak, ticks
        with suppress(OSError):
            status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
            found = re.search(r"VmHWM:\s+(\d+) kB", status)
            peak = int(found[1]) if found else peak
            stat = Path(f"/proc/{process.pid}/stat").read_text(encoding="ascii")
            user, system = stat.rpartition(")")[2].split()[11:13]
            ticks = max(ticks, int(user) + int(system))
        return not process.is_running

    until(has_ended, within_s=120)
    return Used(peak / 1024, ticks / os.sysconf("SC_CLK_TCK"))


@pytest.mark.parametrize(
    ("where", "kind"),
    [
        ("ds", "endless_body"),
        long("ds", "slow_headers"),
        (BETAGOUV, "gzip_bomb"),
    ],
)
def test_an_answer_without_end_takes_neither_memory_nor_time(
    sqlite_dsync: Installed, sandbox: Sandbox, tmp_path: Path, kind: Any, where: str
) -> None:
    """DS out of bounds ends the run with 8; evidence out of bounds leaves its checks unmade (7)."""
    config = config_with(tmp_path, more='[advanced]\ndeadline = "5s"\n')
    operation = None if where == "ds" else where
    sandbox.control.faults.fail(
        ScriptedFault(kind, operation=operation, times=None, bytes_per_s=20)
    )

    process = sqlite_dsync.start("sync", "--json", config=config, anew=True)
    peak = used(process).peak_mib
    done = process.wait()

    assert (8 if where == "ds" else 7) == done.code, done.text
    assert peak < 160, f"{peak:.0f} MiB"
    assert ("deadline" if kind == "slow_headers" else "16 MiB") in done.text


# --- much in little -------------------------------------------------------------------------

NODES = ("data", "demarche", "dossiers", "nodes")


def test_more_dossiers_than_were_asked_for_are_not_read(
    sqlite_dsync: Installed, sandbox: Sandbox
) -> None:
    """A page of 100,000 empty dossiers: exit 8 at once, with a sentence, and nothing is stored."""
    flood = ScriptedFault("replaced_json", path=NODES, json=many("{}", 100_000), times=None)
    sandbox.control.faults.fail(flood)
    process = sqlite_dsync.start("sync", "--json", anew=True)
    taken = used(process)
    done = process.wait()
    assert (8, 0) == (done.code, done.json["read"])
    assert "more entries than were asked for" in done.json["errors"][0]
    assert within(taken)


def many(part: str, count: int) -> str:
    """Return a JSON list."""
    return f"[{','.join([part] * count)}]"


def within(taken: Used) -> bool:
    """Whether a process took no more than any answer may take; print what it took."""
    print(f"{taken.peak_mib:.0f} MiB, {taken.cpu_s:.1f} s")
    return taken.peak_mib <= 300 and taken.cpu_s <= 20


def ranks(form: str, count: int) -> str:
    """Return a JSON list, each entry with its rank."""
    return f"[{','.join([form % rank for rank in range(count)])}]"


def crowded(field: str, texts: str, **more: Any) -> Callable[[Any], str]:
    """Return what makes the JSON of a page with one dossier, which has this in one field.

    Args:
        field: the dossier's; or, with `more`, that of its only champ.
        texts: the field's JSON.
        more: the champ's other fields.
    """

    def made(node: Any) -> str:
        champ = {"champDescriptorId": "C", "id": "C", "label": "L", **more, field: "@@"}
        changed = {"champs": [champ]} if more else {field: "@@"}
        return json.dumps([node | changed]).replace('"@@"', texts)

    return made


MIB = 1 << 20
WORDS = "a b " * 1_500_000
TEXT, REPETITION = {"__typename": "TextChamp"}, {"__typename": "RepetitionChamp"}
FORM = ("data", "demarche", "revisions", 0, "champDescriptors")
STEP = '{"event":"e","dateTraitement":"2026-01-01T00:00:00Z"}'
ROW = '{"id":"%d","champs":[{"champDescriptorId":"a","__typename":"b"}]}'
SHAPES: dict[str, Callable[[Any], tuple[tuple[str | int, ...], str]]] = {
    "nodes": lambda _: (NODES, many("{}", 20_000_000)),
    "nulls": lambda _: (NODES, many("null", 3_000_000)),
    "errors": lambda _: (("data",), f'null,"errors":{many("{}", 5_000_000)}'),
    "few errors": lambda _: (("data",), f'null,"errors":{many("{}", 200_000)}'),
    "a path": lambda _: (("data",), f'null,"errors":[{{"path":{many("1", 400_000)}}}]'),
    "deep": lambda _: (NODES, "[" * 400_000),
    "deep objects": lambda _: (("data",), '{"a":' * 400_000),
    "digits": lambda _: (NODES, f'[{{"number":{"1" * 15 * MIB}}}]'),
    "a form": lambda _: (FORM, ranks('{"id":"%d"}', 240_000)),
    "a text": lambda n: (NODES, crowded("textValue", f'"{WORDS}"', **TEXT)(n)),
    "wide": lambda n: (NODES, crowded("textValue", f'"\U0001f600{WORDS}"', **TEXT)(n)),
    "too wide": lambda n: (NODES, crowded("textValue", f'"\U0001f600{WORDS * 2}"', **TEXT)(n)),
    "lone": lambda n: (NODES, crowded("textValue", f'"\\ud800{WORDS}"', **TEXT)(n)),
    "NUL": lambda n: (NODES, crowded("textValue", '"' + "ab\\u0000" * 700_000 + '"', **TEXT)(n)),
    "escapes": lambda n: (
        NODES,
        crowded("textValue", '"\\u0000' + "\\n" * 3 * MIB + '"', **TEXT)(n),
    ),
    "files": lambda n: (NODES, crowded("files", ranks('{"filename":"%d"}', 120_000), **TEXT)(n)),
    "values": lambda n: (NODES, crowded("values", ranks('"%d"', 240_000), **TEXT)(n)),
    "rows": lambda n: (NODES, crowded("rows", ranks(ROW, 30_000), **REPETITION)(n)),
    "champs": lambda n: (
        NODES,
        crowded("champs", ranks('{"champDescriptorId":"%d","__typename":"b"}', 60_000))(n),
    ),
    "labels": lambda n: (NODES, crowded("labels", ranks('{"name":"l%d"}', 120_000))(n)),
    "steps": lambda n: (NODES, crowded("traitements", many(STEP, 80_000))(n)),
}
"""Answers of DS that are large in every way: below the limit of a body, but for the first."""


@pytest.mark.long
@pytest.mark.parametrize("shape", SHAPES)
def test_no_answer_takes_much_memory_or_time(
    sqlite_dsync: Installed, sandbox: Sandbox, shape: str
) -> None:
    """Whatever is large in it: 300 MiB and 20 s of the processor at most, and an end."""
    asked = {"number": DEMARCHE, "first": 1, "withPending": False, "withDeleted": False}
    shown = requests.post(
        sandbox.ds_url,
        json={"query": operations.load("dossiers_page").text, "variables": asked},
        headers={"Authorization": f"Bearer {sandbox.tokens.write}"},
        timeout=30,
    ).json()
    [node] = shown["data"]["demarche"]["dossiers"]["nodes"]
    path, text = SHAPES[shape](node)
    sandbox.control.faults.fail(
        ScriptedFault("replaced_json", only="query", path=path, json=text, times=None)
    )
    process = sqlite_dsync.start("sync", "--json", anew=True)
    taken = used(process)
    assert process.wait().code in {0, 7, 8}
    assert within(taken)

"""The files of dossiers are copied on demand, verified, once, and erased with their dossier."""

from __future__ import annotations

import gc
import json
import socket
import threading
import tracemalloc
import warnings
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from hashlib import md5
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests

from dsync.domain.remedies import CheckLine, CheckStatus
from dsync.errors import PieceTargetError
from dsync.sandbox.edits import Change
from dsync.sandbox.model import ChampDescriptor, FileSeed, Row
from dsync.store.codes import Kind
from dsync.sync.erasure import forget
from dsync.sync.piece_files import MARKER
from dsync.sync.report import RunReport
from tests.engine.doom import Doom, KilledError
from tests.engine.rig import DEMARCHE, LETTRE, PROBLEME, Engine, id_of, number, seeds
from tests.profiles import long
from tests.store.databases import engine_by_case

ONE, TWO = 1, 2
LETTER = FileSeed("Lettre de Mme Témoin.PDF", "application/pdf", b"%PDF-1.4 une lettre")
NOTE = FileSeed("note.txt", "text/plain", b"une note" * 40_000)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "pieces"


def copying(folder: Path, **limits: Any) -> dict[str, Any]:
    """Return the settings of a worker that copies files."""
    return {"configuration": {"pieces": {"target": f"file://{folder}"}}, "limits": limits}


@pytest.fixture
def engine(database_url: str, folder: Path) -> Iterator[Engine]:
    """Two dossiers with files, read on each database; nothing is copied yet."""
    one, two = seeds((ONE, TWO))
    one.champs[LETTRE], two.champs[LETTRE] = [LETTER], [LETTER, NOTE]
    with Engine(database_url, (one, two)) as made:
        made.sync_until_quiet()
        made.restart(**copying(folder))
        yield made


def fetched(engine: Engine, *ranks: int) -> RunReport:
    dossiers = tuple(number(rank) for rank in ranks)
    return engine.sync(work=Kind.PIECES, dossiers=dossiers, started_by="cli:agent")


def copies(folder: Path) -> dict[str, bytes]:
    """Return the copied files by their path in the target."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != MARKER
    }


def shown(engine: Engine, rank: int) -> list[tuple[Any, ...]]:
    """Return what the view says of a dossier's copies."""
    rows = engine.rows(
        "SELECT nom, copie, copie_le, copie_etat FROM lecture_piece WHERE numero = :n ORDER BY nom",
        n=number(rank),
    )
    return [tuple(row.values()) for row in rows]


def states(engine: Engine, rank: int) -> list[str | None]:
    return [row[3] for row in shown(engine, rank)]


def path_of(rank: int, seed: FileSeed, extension: str) -> str:
    digest = md5(seed.content, usedforsecurity=False).hexdigest()
    return f"{number(rank)}/{id_of(LETTRE)}/0/{digest}{extension}"


def test_files_are_copied_once(engine: Engine, folder: Path) -> None:
    """Under names without the applicant's; a second run asks DS for nothing."""
    report = fetched(engine)
    assert (0, {"copiee": 3}) == (report.exit_code, dict(report.pieces))
    assert {
        path_of(ONE, LETTER, ".pdf"): LETTER.content,
        path_of(TWO, LETTER, ".pdf"): LETTER.content,
        path_of(TWO, NOTE, ".txt"): NOTE.content,
    } == copies(folder)
    [(nom, copie, copie_le, etat)] = shown(engine, ONE)
    assert (LETTER.filename, "copiee") == (nom, etat)
    assert f"file://{folder}/{path_of(ONE, LETTER, '.pdf')}" == copie
    assert copie_le is not None
    engine.control.forget_requests()
    assert {} == dict(fetched(engine).pieces)
    assert [] == engine.requests()
    assert {0o700} == {path.stat().st_mode & 0o777 for path in folder.iterdir() if path.is_dir()}
    # One that is not in the copy is told, with the command that reads it.
    report = fetched(engine, 900)
    assert 7 == report.exit_code
    assert f"dsync sync --dossier {number(900)}" in report.errors[0]


def test_an_expired_address_is_renewed(engine: Engine, folder: Path) -> None:
    """Two hours pass between the answer and the download: the dossier is read once more."""
    waits = iter([2])

    def slow(ask: Callable[..., Any], *given: Any) -> Any:
        answer = ask(*given)
        engine.advance(hours=next(waits, 0))
        return answer

    engine.worker.client.around["piece_files"] = slow
    assert {"copiee": 1} == dict(fetched(engine, ONE).pieces)
    assert 2 == len(engine.requests("Pieces"))
    assert LETTER.content in copies(folder).values()


@engine_by_case("scan", sqlite="pending", postgresql="infected")
def test_a_file_that_is_not_safe_is_left_with_the_reason(
    engine: Engine, folder: Path, scan: Any
) -> None:
    """Once DS declares it safe, it is copied."""
    state = {"pending": "a_analyser", "infected": "absente"}[scan]
    engine.control.end_virus_scan(number(ONE), LETTRE, scan)
    report = fetched(engine, ONE)
    assert (0, {state: 1}) == (report.exit_code, dict(report.pieces))
    assert ({}, [state]) == (copies(folder), states(engine, ONE))
    engine.control.end_virus_scan(number(ONE), LETTRE, "safe")
    fetched(engine, ONE)
    assert ["copiee"] == states(engine, ONE)


def test_a_file_that_is_not_the_announced_one_is_no_copy(engine: Engine, folder: Path) -> None:
    """The run is partial with the remedy; nothing is written into the target."""
    for field, value, state in (
        ("checksum", b64encode(bytes(16)).decode(), "non_conforme"),
        ("checksum", "../../etc/passwd", "non_conforme"),
        ("byteSizeBigInt", "20", "non_conforme"),
        ("byteSizeBigInt", str(1 << 40), "trop_grande"),
        ("byteSizeBigInt", "-1", "non_conforme"),
        ("byteSizeBigInt", str(1 << 63), "non_conforme"),
        ("byteSizeBigInt", "gros", "non_conforme"),
    ):
        say_of_the_file(engine, field, value)
        engine.sync(full=True)
        report = fetched(engine, ONE)
        assert (7, {state: 1}) == (report.exit_code, dict(report.pieces)), value
        assert "dsync pieces status" in report.errors[0]
        assert ({}, [state]) == (copies(folder), states(engine, ONE)), value


def say_of_the_file(engine: Engine, field: str, value: str) -> None:
    """Have DS say something else of the first file of the first dossier."""
    engine.control.faults.repair(number(ONE))
    [node] = engine.worker.client.dossiers([number(ONE)], DEMARCHE).nodes
    place = [champ.descriptor_id for champ in node.champs].index(id_of(LETTRE))
    path = ("champs", place, "files", 0, field)
    engine.control.faults.replace_json(number(ONE), path, json.dumps(value))


def removals(engine: Engine) -> dict[str, Callable[[], Any]]:
    """Return the ways by which a file has to go."""

    def by_ds() -> None:
        engine.control.erase(number(ONE))
        engine.sync()

    def by_purge() -> None:
        engine.control.move(number(ONE), "refuse")
        engine.sync()
        engine.advance(days=2)
        engine.sync(
            work=Kind.ERASURE,
            before=dict.fromkeys(("accepte", "refuse"), engine.control.clock.now()),
        )

    def from_its_champ() -> None:
        engine.control.edit_champ(number(ONE), LETTRE, [])
        engine.sync()

    return {
        "by_ds": by_ds,
        "on_request": lambda: engine.worker.erase(ONE),
        "by_purge": by_purge,
        "from_its_champ": from_its_champ,
    }


@engine_by_case(
    "way", sqlite=["on_request", "by_purge", "from_its_champ"], postgresql=["by_ds", "on_request"]
)
def test_a_copy_goes_with_its_dossier_or_its_champ(engine: Engine, folder: Path, way: str) -> None:
    """Also when copying was switched off since; the other dossier's copies stay."""
    fetched(engine)
    engine.restart()
    removals(engine)[way]()
    assert [f"{number(TWO)}"] == [path.name for path in folder.iterdir() if path.is_dir()]
    assert 2 == len(copies(folder))
    assert [number(TWO)] * 2 == [row["numero"] for row in engine.rows("SELECT numero FROM piece")]


@engine_by_case("way", sqlite="from_its_champ", postgresql="on_request")
def test_an_erasure_that_the_target_refuses_is_made_up_for(
    engine: Engine, folder: Path, way: str
) -> None:
    """The run is partial with the remedy, keeps no other copy, and a later one deletes the file."""
    fetched(engine)
    [path] = [folder / name for name in copies(folder) if name.startswith(str(number(ONE)))]
    content = path.read_bytes()
    path.unlink()
    path.mkdir()  # What no file system deletes as a file.
    removals(engine)[way]()
    [last] = engine.rows("SELECT statut FROM sync_run ORDER BY run DESC LIMIT 1")
    assert "partial" == last["statut"]
    engine.control.erase(number(TWO))
    report = engine.sync()
    assert (7, {}) == (report.exit_code, copies(folder))
    assert "still to be deleted" in report.errors[0]
    assert [number(ONE)] == [row["numero"] for row in engine.rows("SELECT numero FROM piece")]
    path.rmdir()
    path.write_bytes(content)
    assert (0, {}) == (engine.sync().exit_code, copies(folder))


STEP = 6
in_steps = pytest.mark.parametrize("first", [1, *(long(n) for n in range(2, STEP + 1))])
"""A default run of the tests kills at each sixth point, the long profile at the others."""


def killed_at_each_point(
    engine: Engine, folder: Path, first: int, work: Callable[[], Any], check: Callable[[], None]
) -> None:
    """Do work that is killed at one point after the other, until it ends before."""
    for point in range(first, 60, STEP):
        Doom(engine.worker).at(point)
        try:
            work()
        except KilledError:
            engine.advance(seconds=70)
            engine.restart(**copying(folder))
            check()
        else:
            assert point > 5
            return
    pytest.fail("there are more points than are looked at")


@in_steps
def test_a_kill_at_any_point_of_a_copying_leaves_what_the_next_one_ends(
    start: Callable[..., Engine], folder: Path, first: int
) -> None:
    """Whatever is in the target is known to the database, and is copied in the end."""
    engine = start((TWO,), **copying(folder))
    engine.control.edit_champ(number(TWO), LETTRE, [LETTER, NOTE])
    engine.sync_until_quiet()

    def all_known() -> None:
        known = {row["adresse"] for row in engine.rows("SELECT adresse FROM piece")}
        assert {f"file://{folder}/{name}" for name in copies(folder)} <= known
        engine.execute("UPDATE piece SET etat = 'en_cours'")  # As if none had been noted.

    killed_at_each_point(engine, folder, first, lambda: fetched(engine), all_known)
    assert {LETTER.content, NOTE.content} == set(copies(folder).values())
    assert ["copiee"] * 2 == states(engine, TWO)


@in_steps
def test_a_kill_at_any_point_of_an_erasure_leaves_no_file(
    start: Callable[..., Engine], folder: Path, first: int
) -> None:
    """The next run deletes the file, if the erasure was stored; else the order is repeated."""
    engine = start((ONE, TWO), **copying(folder))
    engine.control.edit_champ(number(ONE), LETTRE, [LETTER])
    engine.sync_until_quiet()
    fetched(engine)
    worker = engine.worker

    def work() -> None:
        engine.worker.erase(ONE)

    def finished() -> None:
        is_erased = engine.one("dossier", ONE)["presence"] == "efface"
        engine.sync()
        assert is_erased == (not (folder / str(number(ONE))).exists())

    killed_at_each_point(engine, folder, first, work, finished)
    assert worker is not engine.worker
    assert not (folder / str(number(ONE))).exists()
    assert [] == engine.rows("SELECT * FROM piece WHERE numero = :n", n=number(ONE))


def test_an_erasure_that_is_undone_is_copied_again(engine: Engine, folder: Path) -> None:
    """Also where the first copy is still to be deleted."""
    fetched(engine)
    engine.execute("UPDATE piece SET a_supprimer = true")
    assert {"copiee": 3} == dict(fetched(engine).pieces)
    assert 3 == len(copies(folder))
    assert [False] * 3 == [bool(row["a_supprimer"]) for row in engine.rows("SELECT * FROM piece")]


def test_the_service_copies_new_files_after_a_run(engine: Engine, folder: Path) -> None:
    """One that is not safe yet is asked about an hour later, and not before."""
    engine.control.end_virus_scan(number(ONE), LETTRE, "pending")

    def served() -> RunReport:
        engine.advance(minutes=6)
        engine.control.forget_requests()
        options = engine.worker.app.due()
        assert options is not None
        return engine.worker.app.sync(options)

    report = served()
    assert (0, {"copiee": 2, "a_analyser": 1}) == (report.exit_code, dict(report.pieces))
    engine.control.end_virus_scan(number(ONE), LETTRE, "safe")
    assert {} == dict(served().pieces)
    assert [] == engine.requests("Pieces")
    engine.advance(hours=1)
    assert {"copiee": 1} == dict(served().pieces)


def test_a_clock_that_was_ahead_puts_off_no_copy(engine: Engine) -> None:
    """The service tries again what that clock had put off to a year that is far away now."""
    engine.control.end_virus_scan(number(ONE), LETTRE, "pending")
    engine.worker.skew = timedelta(days=400)
    fetched(engine, ONE)
    assert ["a_analyser"] == states(engine, ONE)
    engine.worker.skew = timedelta()
    engine.control.end_virus_scan(number(ONE), LETTRE, "safe")
    engine.sync(pieces=True)
    assert ["copiee"] == states(engine, ONE)


def test_a_target_of_another_name_leaves_copies_where_they_are(
    engine: Engine, folder: Path
) -> None:
    """What failed at the former target is not looked for there any more."""
    fetched(engine, ONE)
    other = folder.with_name("other")
    engine.restart(**copying(other))
    fetched(engine)
    assert (1, 2) == (len(copies(folder)), len(copies(other)))


class _Files(BaseHTTPRequestHandler):
    """Answers each path as the test's name for it says."""

    server: FileServer

    def do_GET(self) -> None:
        self.server.seen.append({name.lower(): value for name, value in self.headers.items()})
        self.server.answers[self.path](self)

    def log_message(self, *_: Any) -> None:
        """Print nothing."""

    def redirect(self, url: str) -> None:
        self.answer(302, Location=url)

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        with suppress(ConnectionError):
            self.wfile.write(body)


class FileServer(ThreadingHTTPServer):
    """A server of files that is not DS's own."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Files)
        self.seen: list[dict[str, str]] = []
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.ended = threading.Event()
        self.answers: dict[str, Callable[[_Files], None]] = {
            "/good": lambda h: h.answer(200, LETTER.content),
            "/moved": lambda h: h.redirect("/good"),
            "/loop": lambda h: h.redirect("/loop"),
            "/elsewhere": lambda h: h.redirect("http://192.0.2.1/file"),
            "/ftp": lambda h: h.redirect("ftp://127.0.0.1/file"),
            "/to-localhost": lambda h: h.redirect(f"http://localhost:{self.server_port}/good"),
            "/with-password": lambda h: h.redirect(
                f"http://user:secret@127.0.0.1:{self.server_port}/good"
            ),
            "/error": lambda h: h.answer(500, LETTER.content),
            "/refused": lambda h: h.answer(403),
            "/longer": lambda h: h.answer(200, LETTER.content * 2),
            "/other": lambda h: h.answer(200, LETTER.content[::-1]),
            "/endless": lambda h: h.answer(200, bytes(3 << 20)),
            "/slow": lambda h: (self.ended.wait(30), h.answer(200, LETTER.content))[1],
        }


@pytest.fixture
def files() -> Iterator[FileServer]:
    with FileServer() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server
        server.ended.set()
        server.shutdown()


STATES = {
    **dict.fromkeys(("/loop", "/elsewhere", "/ftp", "/error", "/refused"), "echec"),
    **dict.fromkeys(("/endless", "/slow"), "echec"),
    **dict.fromkeys(("/longer", "/other"), "non_conforme"),
    "/moved": "copiee",
}


INSIDE = (
    "http://localhost:{port}/good",
    "https://localhost:{port}/good",
    "http://user:secret@127.0.0.1:{port}/good",
    "http://127.0.0.2:{port}/good",
    "https://2130706433:{port}/good",
    "https://[::1]:{port}/good",
    "https://[::ffff:127.0.0.1]:{port}/good",
    "https://169.254.169.254/latest/meta-data/",
    "http://127.0.0.1:{port}/to-localhost",
    "http://127.0.0.1:{port}/with-password",
)


def test_no_address_of_ds_leads_into_this_network(
    start: Callable[..., Engine], folder: Path, files: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only to DS's own host, or to public ones by https; nothing is sent elsewhere."""
    opened: list[str] = []
    connect = socket.socket.connect
    monkeypatch.setattr(
        socket.socket, "connect", lambda s, at: (opened.append(str(at[0])), connect(s, at))[1]
    )
    engine = start((ONE,), **copying(folder, max_piece_mib=1, piece_deadline_s=5))
    engine.control.edit_champ(number(ONE), LETTRE, [LETTER])
    engine.sync_until_quiet()
    for address in INSIDE:
        files.seen.clear()
        say_of_the_file(engine, "url", address.format(port=files.server_port))
        assert {"echec": 1} == dict(fetched(engine).pieces), address
        assert {"127.0.0.1"} == {*opened}, address
        assert len(files.seen) == address.startswith("http://127.0.0.1:"), address


def test_a_server_of_files_is_not_trusted(
    start: Callable[..., Engine],
    folder: Path,
    files: FileServer,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It gets no token nor password, and neither its address nor the file's name is logged."""
    netrc = folder.with_name("netrc")
    netrc.write_text("machine 127.0.0.1 login someone password secret")
    monkeypatch.setenv("NETRC", str(netrc))
    engine = start((ONE,), **copying(folder, max_piece_mib=1, piece_deadline_s=1))
    engine.control.edit_champ(number(ONE), LETTRE, [LETTER])
    engine.sync_until_quiet()
    for path, state in STATES.items():
        files.seen.clear()
        say_of_the_file(engine, "url", f"{files.url}{path}")
        report = fetched(engine)
        assert ({state: 1}, [state]) == (dict(report.pieces), states(engine, ONE)), path
        assert ([LETTER.content] if state == "copiee" else []) == list(copies(folder).values())
        assert not [seen for seen in files.seen if "authorization" in seen or "cookie" in seen]
        assert len(files.seen) <= 6
        written = " ".join([*capsys.readouterr(), *report.errors])
        assert not [word for word in (files.url, "192.0.2.1", "Témoin") if word in written]


def test_a_file_in_a_repetition_is_copied_by_its_row(engine: Engine, folder: Path) -> None:
    """The same file in two rows is two copies; a row that is removed takes its own with it."""
    proof = ChampDescriptor(9002, "piece_justificative", "Preuve")
    added = ChampDescriptor(9001, "repetition", "Preuves", champs=[proof])
    engine.control.form.publish_revision(Change(add_champs=[added]))
    dossier = engine.sandbox.world.dossier(number(ONE))
    assert dossier is not None
    rows = [Row(f"01J{rank:023d}", {9002: [NOTE]}) for rank in (1, 2)]
    dossier.rows[9001] = rows
    engine.control.edit_champ(number(ONE), LETTRE, [LETTER])
    engine.sync_until_quiet()
    assert {"copiee": 3} == dict(fetched(engine, ONE).pieces)
    of_rows = [name for name, body in copies(folder).items() if body == NOTE.content]
    assert 2 == len(of_rows)
    assert ["copiee"] * 3 == states(engine, ONE)
    del dossier.rows[9001][0]
    engine.control.edit_champ(number(ONE), LETTRE, [LETTER])
    engine.sync()
    assert 2 == len(copies(folder))
    assert ["copiee"] * 2 == states(engine, ONE)


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A bucket « dsync » of moto's server, as a client of it."""
    import boto3
    from moto.server import ThreadedMotoServer
    from s3fs import S3FileSystem

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "eu-west-3",
    }.items():
        monkeypatch.setenv(name, value)
    S3FileSystem.clear_instance_cache()
    requests.post(f"http://{host}:{port}/moto-api/reset", timeout=10)  # Else buckets stay.
    client = boto3.client("s3")
    client.create_bucket(
        Bucket="dsync", CreateBucketConfiguration={"LocationConstraint": "eu-west-3"}
    )
    yield client
    client.close()
    S3FileSystem.clear_instance_cache()
    server.stop()
    # moto leaves its sockets to the garbage collector, which would find them in any later test.
    del server
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


# Nor those that it leaves while the test runs.
@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
def test_files_are_copied_into_a_bucket(start: Callable[..., Engine], bucket: Any) -> None:
    """Large ones in parts; where the bucket is missing, it is told, and tried again later."""
    large = FileSeed("plan.pdf", "application/pdf", bytes(range(256)) * 80_000)
    engine = start((ONE, TWO), configuration={"pieces": {"target": "s3://none/aap"}})
    engine.control.edit_champ(number(ONE), LETTRE, [LETTER, large])
    engine.control.edit_champ(number(TWO), LETTRE, [LETTER])
    engine.sync_until_quiet()
    report = fetched(engine)
    assert (7, {}) == (report.exit_code, dict(report.pieces))
    assert "[pieces] target cannot be used" in report.errors[0]
    assert 7 == pieces_line(engine).exit_code
    assert {"pieces": ()} == findings(engine)
    engine.restart(configuration={"pieces": {"target": "s3://dsync/aap"}})
    assert (0, {"copiee": 3}) == ((report := fetched(engine)).exit_code, dict(report.pieces))
    key = f"aap/{path_of(ONE, large, '.pdf')}"
    assert large.content == bucket.get_object(Bucket="dsync", Key=key)["Body"].read()
    assert [f"s3://dsync/{key}"] == [row[1] for row in shown(engine, ONE) if row[0] == "plan.pdf"]
    assert CheckStatus.OK is pieces_line(engine).status
    assert {} == findings(engine, whole=True)
    mark = {"Bucket": "dsync", "Key": f"aap/{MARKER}"}
    bucket.delete_object(**mark)  # As in a bucket of the same name on another server.
    engine.restart()
    report = engine.worker.erase(ONE)
    assert (7, True) == (report.exit_code, "is not there" in report.errors[0])
    assert bucket.get_object(Bucket="dsync", Key=key)
    bucket.put_object(**mark)
    assert 0 == engine.sync().exit_code
    left = bucket.list_objects_v2(Bucket="dsync")["Contents"]
    kept = [f"aap/{path_of(TWO, LETTER, '.pdf')}", mark["Key"]]
    assert sorted(kept) == [entry["Key"] for entry in left]


@engine_by_case("point", sqlite="gone", postgresql="left")
def test_a_target_that_is_not_mounted_is_neither_written_nor_forgotten(
    engine: Engine, folder: Path, point: str
) -> None:
    """Each run says so with exit 7, an alert begins, and the erasure ends when it is back."""
    away = folder.with_name("away")
    fetched(engine, TWO)
    before = copies(folder)
    folder.rename(away)
    if point == "left":
        folder.mkdir()
    engine.control.erase(number(TWO))
    for run in (engine.sync, lambda: fetched(engine), lambda: engine.sync(pieces=True)):
        report = run()
        assert (7, {}) == (report.exit_code, dict(report.pieces))
        assert f"touch {folder}/{MARKER}" in report.errors[0]
    assert (point == "left", []) == (folder.exists(), [*folder.glob("*")])
    assert 7 == pieces_line(engine).exit_code
    assert "pieces" in findings(engine)
    alerts = engine.alerts()
    assert "2 files" in alerts["erasures"]
    assert "pieces_target" in alerts
    if point == "left":
        folder.rmdir()
    away.rename(folder)
    assert before == copies(folder)
    assert 0 == engine.sync().exit_code
    assert ({}, []) == (copies(folder), engine.rows("SELECT * FROM piece"))
    assert not engine.alerts().keys() & alerts.keys()


def test_a_demarche_is_forgotten_with_its_copies(engine: Engine, folder: Path) -> None:
    """Or not at all, where they cannot be deleted."""
    away = folder.with_name("away")
    fetched(engine)
    folder.rename(away)
    store, stop = engine.worker.store, threading.Event()
    with pytest.raises(PieceTargetError, match="is not there"):
        forget(store, DEMARCHE, stop, 0)
    assert 2 == len(engine.rows("SELECT * FROM contenu"))
    away.rename(folder)
    forget(store, DEMARCHE, stop, 0)
    assert ({}, []) == (copies(folder), engine.rows("SELECT * FROM piece"))
    assert [] == engine.rows("SELECT * FROM dossier")


def test_a_target_that_goes_during_a_copying_is_not_made_anew(engine: Engine, folder: Path) -> None:
    """The files that are left are copied once it is back."""
    away = folder.with_name("away")
    fetched(engine, ONE)

    def unmounted(ask: Callable[..., Any], *given: Any) -> Any:
        folder.rename(away)
        folder.mkdir()
        return ask(*given)

    engine.worker.client.around["piece_files"] = unmounted
    assert 7 == fetched(engine).exit_code
    assert [] == [*folder.iterdir()]
    engine.worker.client.around.clear()
    folder.rmdir()
    away.rename(folder)
    assert {"copiee": 2} == dict(fetched(engine).pieces)


def test_symbolic_links_among_the_copies_are_not_followed(engine: Engine, folder: Path) -> None:
    """Nothing outside the target is written, deleted or taken for a copy."""
    elsewhere = folder.with_name("elsewhere")
    fetched(engine)
    file = folder / path_of(ONE, LETTER, ".pdf")
    foreign = elsewhere / file.relative_to(folder / str(number(ONE)))
    foreign.parent.mkdir(parents=True)
    foreign.write_bytes(LETTER.content)
    file.unlink()
    file.symlink_to(foreign)
    assert {"pieces": (number(ONE),)} == findings(engine, whole=True)
    assert {"copiee": 1} == dict(fetched(engine, ONE).pieces)
    assert (False, LETTER.content) == (file.is_symlink(), file.read_bytes())
    (folder / str(number(ONE))).rename(folder.with_name("former"))
    (folder / str(number(ONE))).symlink_to(elsewhere)
    foreign.write_bytes(b"of somebody else")
    assert {"pieces": (number(ONE),)} == findings(engine)
    assert (7, {"echec": 1}) == ((r := fetched(engine, ONE)).exit_code, dict(r.pieces))
    report = engine.worker.erase(ONE)
    assert (7, True) == (report.exit_code, "symbolic link" in report.errors[0])
    assert b"of somebody else" == foreign.read_bytes()
    (folder / str(number(ONE))).unlink()
    assert 0 == engine.sync().exit_code


def test_copies_that_are_missing_changed_or_unknown_are_found(engine: Engine, folder: Path) -> None:
    """With their dossiers; naming these copies what is not as it should be, and nothing else."""
    fetched(engine)
    assert {} == findings(engine, whole=True)
    sound = copies(folder)
    (folder / path_of(ONE, LETTER, ".pdf")).unlink()
    assert {"pieces": (number(ONE),)} == findings(engine)
    (folder / path_of(TWO, LETTER, ".pdf")).write_bytes(LETTER.content.swapcase())
    assert {"pieces": (number(ONE),)} == findings(engine)
    assert {"pieces": (number(ONE), number(TWO))} == findings(engine, whole=True)
    (folder / path_of(TWO, NOTE, ".txt")).write_bytes(b"court")
    assert {"pieces": (number(ONE), number(TWO))} == findings(engine)
    stray = folder / str(number(9)) / "champ" / "0" / "copie.pdf"
    stray.parent.mkdir(parents=True)
    stray.touch()
    assert (number(9),) == findings(engine)["pieces.unknown"]
    stray.unlink()
    assert {"copiee": 3} == dict(fetched(engine, ONE, TWO).pieces)
    assert {} == dict(fetched(engine, ONE, TWO).pieces)
    assert sound == copies(folder)
    assert {} == findings(engine, whole=True)
    engine.restart(**copying(folder / "nulle part"))
    assert {} == findings(engine, whole=True)


def findings(engine: Engine, *, whole: bool = False) -> dict[str, tuple[int, ...]]:
    """Return what `dsync db verify` finds; `whole`: it reads each file."""
    done = engine.worker.app.verify(remote=False, pieces=whole)
    return {one.check: one.dossiers for one in done.findings}


def pieces_line(engine: Engine) -> CheckLine:
    """Return what `dsync check` says of the target."""
    [line] = [one for one in engine.worker.app.check() if one.name == "pieces"]
    return line


def test_a_target_that_cannot_be_used_is_told(engine: Engine, folder: Path) -> None:
    """By the check, which makes none, and by runs, which read and judge all the same."""
    assert CheckStatus.OK is pieces_line(engine).status
    assert not folder.exists()
    folder.mkdir()
    assert CheckStatus.OK is pieces_line(engine).status
    assert [] == [*folder.iterdir()]
    folder.rmdir()
    folder.write_text("a file in place of the folder")
    line = pieces_line(engine)
    assert (CheckStatus.ERROR, 7) == (line.status, line.exit_code)
    assert "[pieces] target cannot be used (Not a directory)" in line.message
    engine.restart(**copying(folder / "nulle" / "part"))
    assert "[pieces] target cannot be used (Not a directory)" in pieces_line(engine).message
    engine.restart(**copying(folder))
    engine.control.edit_champ(number(ONE), PROBLEME, "Un autre problème")
    for report in (engine.sync(pieces=True), fetched(engine)):
        assert (7, {}) == (report.exit_code, dict(report.pieces))
        assert "[pieces] target cannot be used (Not a directory)" in report.errors[0]
    assert "Un autre problème" == engine.one("lecture_candidature", ONE)["probleme"]
    folder.unlink()
    assert {"copiee": 3} == dict(fetched(engine).pieces)


def test_a_large_file_is_copied_in_constant_memory(
    start: Callable[..., Engine], folder: Path
) -> None:
    """It passes through the disk; a process of any size of files takes no more memory."""
    large = FileSeed("plan.pdf", "application/pdf", bytes(16 << 20))
    engine = start((ONE,), **copying(folder))
    engine.control.edit_champ(number(ONE), LETTRE, [large])
    engine.sync_until_quiet()
    tracemalloc.start()
    try:
        assert {"copiee": 1} == dict(fetched(engine).pieces)
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()

"""The second process: does what it is told, in order, and is never missed when it is gone."""

from __future__ import annotations

import math
import operator
import os
import pickle
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from dsync.sync import aside as module
from dsync.sync import aside_worker
from dsync.sync.aside import Aside

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="the second process is one of Linux's"
)

HERE = 0
"""Asked of `os.getsid`: the process that does the order, for the second one is a session's head."""
WITHIN_S = 10.0
LOST = "second_process_lost"


def parent_and_state(pid: int) -> tuple[int, str] | None:
    """Return a process's parent and its state; None when there is no such process."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    state, parent = stat.rpartition(")")[2].split()[:2]
    return int(parent), state


def children() -> set[int]:
    """Return the children of this process, those too that ended and were not waited for."""
    pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    found = {pid: parent_and_state(pid) for pid in pids}
    return {pid for pid, known in found.items() if known and known[0] == os.getpid()}


def is_gone(pid: int) -> bool:
    """Whether a process has ended, waited for or not."""
    known = parent_and_state(pid)
    return known is None or known[1] in "ZX"


def wait_until(holds: Callable[[], Any]) -> None:
    """Look again and again until something holds, for some seconds at most."""
    ends_at = time.monotonic() + WITHIN_S
    while not holds():
        assert time.monotonic() < ends_at, "it never came"
        time.sleep(0.005)


@pytest.fixture(autouse=True)
def _leaves_no_child() -> Iterator[None]:
    """Whatever becomes of the second process, the end of the block is its end."""
    before = children()
    yield
    assert set() == children() - before


@pytest.fixture
def asked() -> Iterator[Aside[int, int]]:
    """A second process that says who it is, started and at work."""
    with Aside(os.getsid) as aside:
        yield aside


def who_does_it(aside: Aside[int, int]) -> int:
    """Return the process that does the next order."""
    aside.start(HERE)
    return aside.finish()


def test_outcomes_come_in_the_order_of_the_orders() -> None:
    """The oldest first, with one or two under way."""
    outcomes = []
    with Aside(operator.neg) as aside:
        aside.start(0)
        for order in range(1, 20):
            aside.start(order)
            outcomes.append(aside.finish())
        outcomes.append(aside.finish())
    assert [-order for order in range(20)] == outcomes


def test_orders_are_done_in_another_process(asked: Aside[int, int]) -> None:
    """One and the same for all of them, a child of this one."""
    [*others, last] = [who_does_it(asked) for _ in range(3)]
    assert [last] * 2 == others
    assert last != os.getsid(HERE)
    assert last in children()


def test_a_task_keeps_the_arguments_given() -> None:
    """It is sent once, with them; orders follow without it."""
    with Aside(partial(math.pow, 2)) as aside:
        assert [8, 16, 32] == [(aside.start(order), aside.finish())[1] for order in (3, 4, 5)]


def test_two_orders_may_be_under_way(asked: Aside[int, int]) -> None:
    """The second is sent while the first is worked on; a third has to wait."""
    child = who_does_it(asked)
    os.kill(child, signal.SIGSTOP)
    assert not asked.is_full
    asked.start(HERE)
    assert not asked.is_full
    asked.start(child)
    assert asked.is_full
    os.kill(child, signal.SIGCONT)
    assert child == asked.finish()
    assert not asked.is_full
    assert child == asked.finish()


def test_it_is_done_when_finishing_would_not_wait(asked: Aside[int, int]) -> None:
    """Not while the order is worked on, and from then on that it is done."""
    child = who_does_it(asked)
    os.kill(child, signal.SIGSTOP)
    asked.start(HERE)
    assert not asked.is_done
    os.kill(child, signal.SIGCONT)
    wait_until(lambda: asked.is_done)
    assert child == asked.finish()


@pytest.mark.parametrize(
    ("task", "good", "bad", "error"),
    [
        (math.sqrt, 4.0, -4.0, ValueError),
        (os.getsid, HERE, -1, ProcessLookupError),
        (next, iter([1]), iter([]), StopIteration),
    ],
    ids=["value", "system", "end"],
)
def test_what_the_task_raises_is_raised_where_its_outcome_is_waited_for(
    task: Any, good: Any, bad: Any, error: type[Exception]
) -> None:
    """In its turn, and the process goes on: such an error is no sign that it was lost."""
    before = children()
    with capture_logs() as logs, Aside[Any, Any](task) as aside:
        aside.start(good)
        aside.start(bad)
        first = aside.finish()
        [child] = children() - before
        with pytest.raises(error):
            aside.finish()
        aside.start(good)
        assert first == aside.finish()
        assert not is_gone(child)
    assert [] == logs


def test_what_a_killed_process_was_to_do_is_done_here(asked: Aside[int, int]) -> None:
    """Both orders under way, and those that come later; it is told once."""
    child = who_does_it(asked)
    os.kill(child, signal.SIGSTOP)
    asked.start(HERE)
    asked.start(HERE)
    with capture_logs() as logs:
        os.kill(child, signal.SIGKILL)
        here = os.getsid(HERE)
        assert [here] * 2 == [asked.finish(), asked.finish()]
        assert [here] * 3 == [who_does_it(asked) for _ in range(3)]
        assert asked.is_done
    assert [LOST] == [entry["event"] for entry in logs]


def test_an_order_sent_to_a_killed_process_is_done_here(asked: Aside[int, int]) -> None:
    """The loss is noticed where nobody reads any more, too."""
    child = who_does_it(asked)
    os.kill(child, signal.SIGKILL)
    wait_until(lambda: is_gone(child))
    assert [os.getsid(HERE)] * 2 == [who_does_it(asked) for _ in range(2)]


def test_an_outcome_that_cannot_be_sent_is_worked_out_here() -> None:
    """The process says that it has none, and goes on."""
    with capture_logs() as logs, Aside(memoryview) as aside:
        for _ in range(3):
            aside.start(b"abc")
            assert b"abc" == aside.finish()
    assert [] == logs


def test_a_process_that_cannot_be_started_is_not_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    """All is done here, and nobody tries again."""
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    with capture_logs() as logs, Aside(os.getsid) as aside:
        aside.warm_up()
        assert [os.getsid(HERE)] * 2 == [who_does_it(aside) for _ in range(2)]
    assert [LOST] == [entry["event"] for entry in logs]


@pytest.mark.parametrize("is_first", [True, False])
def test_a_message_larger_than_its_slot_is_worked_on_here(
    monkeypatch: pytest.MonkeyPatch, is_first: bool
) -> None:
    """So are the one before it, if it is under way, and those that follow."""
    monkeypatch.setattr(aside_worker, "SLOT_BYTES", 1 << 12)
    small, large = [3, 1, 2], [*range(1 << 12)]
    with capture_logs() as logs, Aside(sorted) as aside:
        if not is_first:
            aside.start(small)
        aside.start(large)
        if not is_first:
            assert [1, 2, 3] == aside.finish()
        assert large == aside.finish()
        aside.start(small)
        assert [1, 2, 3] == aside.finish()
    assert [LOST] == [entry["event"] for entry in logs]


@pytest.mark.parametrize(("missing", "told"), [(0, []), (1, [LOST])])
def test_a_message_may_fill_its_slot_to_the_last_byte(
    monkeypatch: pytest.MonkeyPatch, missing: int, told: list[str]
) -> None:
    """A byte more is too much; the answer is the same."""
    order = "x" * 1_000
    room = len(pickle.dumps((len, order), pickle.HIGHEST_PROTOCOL))
    monkeypatch.setattr(aside_worker, "SLOT_BYTES", room - missing)
    with capture_logs() as logs, Aside(len) as aside:
        aside.start(order)
        assert len(order) == aside.finish()
    assert told == [entry["event"] for entry in logs]


@pytest.mark.parametrize("is_at_work", [False, True], ids=["idle", "at_work"])
def test_it_ends_when_its_parent_is_killed(is_at_work: bool) -> None:
    """It outlives nobody, however they ended: nothing tells it but its input's end."""
    script = textwrap.dedent("""
        import os, sys
        from dsync.sync.aside import Aside
        with Aside(os.getsid) as aside:
            aside.start(0)
            print(aside.finish(), flush=True)
            sys.stdin.readline()
            aside.start(0)
            print("started", flush=True)
            sys.stdin.readline()
    """)
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdin is not None
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert (parent.pid, False) == ((parent_and_state(child) or [0])[0], is_gone(child))
        if is_at_work:
            os.kill(child, signal.SIGSTOP)
            parent.stdin.write("\n")
            parent.stdin.flush()
            assert "started\n" == parent.stdout.readline()
        parent.kill()
        parent.wait()
        if is_at_work:
            os.kill(child, signal.SIGCONT)
        wait_until(lambda: is_gone(child))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_leaves_being_stopped_to_its_parent(asked: Aside[int, int], number: int) -> None:
    """Whoever stops dsync may signal its whole group: orders under way are still done."""
    child = who_does_it(asked)
    os.kill(child, number)
    assert [child] * 3 == [who_does_it(asked) for _ in range(3)]


def test_it_is_out_of_reach_of_the_terminal(asked: Aside[int, int]) -> None:
    """Ctrl-C goes to the group of this process."""
    child = who_does_it(asked)
    assert os.getpgid(child) == os.getsid(child) == child


@pytest.mark.parametrize("how", ["idle", "unfinished", "failing", "killed", "warm"])
def test_the_end_of_the_block_leaves_no_process(how: str) -> None:
    """Nor one that ended and was not waited for, whatever it was at."""
    before = children()
    aside = Aside(os.getsid)
    try:
        with aside:
            if how == "warm":
                aside.warm_up()
                [child] = children() - before
            else:
                child = who_does_it(aside)
            if how == "unfinished":
                aside.start(HERE)
                aside.start(HERE)
            if how == "killed":
                os.kill(child, signal.SIGKILL)
            if how == "failing":
                raise KeyboardInterrupt
    except KeyboardInterrupt:
        assert how == "failing"
    assert before == children()
    aside.close()


def test_a_process_that_does_not_end_is_killed(
    asked: Aside[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits for it longer than some orders take."""
    monkeypatch.setattr(module, "ENDS_WITHIN_S", 0.05)
    before = children()
    child = who_does_it(asked)
    os.kill(child, signal.SIGSTOP)
    asked.close()
    assert (before - {child}, True) == (children(), is_gone(child))


def test_an_order_that_comes_after_the_end_is_done_here(asked: Aside[int, int]) -> None:
    """The process is not started again."""
    who_does_it(asked)
    asked.close()
    assert os.getsid(HERE) == who_does_it(asked)


def test_no_process_is_started_when_there_is_nothing_to_do() -> None:
    """A block without an order costs nothing."""
    before = children()
    with Aside(operator.neg) as aside:
        assert before == children()
        assert (True, False) == (aside.is_done, aside.is_full)
    assert before == children()


def test_warming_up_imports_the_task_and_does_no_order(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What takes the time of a start is over when the first order comes."""
    source = "import os, pathlib\npathlib.Path(__file__).with_name(f'{os.getpid()}.here').touch()\n"
    (tmp_path / "told_when_imported.py").write_text(source, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    before = children()

    def task(order: int) -> int:
        raise AssertionError(order)

    task.__module__ = "told_when_imported"
    with Aside(task) as aside:
        aside.warm_up()
        [child] = children() - before
        wait_until((tmp_path / f"{child}.here").exists)
        assert (False, False) == (aside.is_full, aside.is_done)
        aside.warm_up()
        assert {child} == children() - before


def test_the_process_that_was_warmed_up_does_the_orders() -> None:
    """The first order starts no other one."""
    before = children()
    with Aside(os.getsid) as aside:
        aside.warm_up()
        assert children() - before == {who_does_it(aside)}


def test_nothing_of_the_folder_that_dsync_is_run_from_is_imported(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A file there that has a module's name is not it."""
    (tmp_path / "pickle.py").write_text("raise SystemExit", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    with Aside(os.getsid) as aside:
        assert os.getsid(HERE) != who_does_it(aside)


@pytest.mark.parametrize(
    ("platform", "cores", "expected"),
    [("linux", {0, 1}, True), ("linux", {3}, False), ("darwin", {0, 1}, False)],
)
def test_it_is_worthwhile_where_there_is_another_core(
    monkeypatch: pytest.MonkeyPatch, platform: str, cores: set[int], expected: bool
) -> None:
    """That this process may use, on the system of the service."""
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: cores)
    assert expected is module.is_worthwhile()


@pytest.mark.parametrize("lacking", ["memfd_create", "executable"])
def test_it_is_not_worthwhile_where_it_cannot_be_started(
    monkeypatch: pytest.MonkeyPatch, lacking: str
) -> None:
    """Some builds of Python lack the shared memory; an embedded one has no program."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    if lacking == "executable":
        monkeypatch.setattr(sys, "executable", None)
    else:
        monkeypatch.delattr(os, lacking)
    assert not module.is_worthwhile()


def test_a_process_that_does_not_answer_is_not_waited_for_for_ever(
    monkeypatch: pytest.MonkeyPatch, asked: Aside[int, int]
) -> None:
    """One that hangs is ended by force, and what it was to do is done here."""
    child = who_does_it(asked)
    monkeypatch.setattr(module, "PATIENCE_S", 0.05)
    os.kill(child, signal.SIGSTOP)
    with capture_logs() as logs:
        assert os.getsid(HERE) == who_does_it(asked)
    assert [(LOST, "TimeoutError")] == [(entry["event"], entry["error"]) for entry in logs]
    assert is_gone(child)


def test_another_code_than_ours_is_not_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """After an upgrade under a running service, one dossier is not mapped by two versions."""
    monkeypatch.setattr(module, "_CODE_RUN_HERE", set())
    before = children()
    with Aside(os.getsid) as aside:
        assert os.getsid(HERE) == who_does_it(aside)
        assert before == children()


def copy_code(folder: Path) -> None:
    """Put a copy of dsync's code into a folder, to be changed."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(module.PACKAGE, folder / "dsync", ignore=ignored)


def run_on(folder: Path, script: str) -> subprocess.CompletedProcess[str]:
    """Run a script, to whom the folder of the code is told, apart from this checkout."""
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), str(folder)],
        cwd="/",
        check=True,
        capture_output=True,
        text=True,
    )


def test_code_that_was_changed_on_the_disk_since_is_not_started(tmp_path: Path) -> None:
    """In any package of which both processes run something, though no file came or went."""
    copy_code(tmp_path)
    script = """
        import os, sys
        from pathlib import Path
        sys.path.insert(0, sys.argv[1])
        from dsync.sync.aside import Aside

        def is_started():
            with Aside(os.getsid) as aside:
                aside.start(0)
                aside.finish()
                return aside._worker is not None

        for package in ("domain", "eligibility", "mapping", "sync"):
            file = Path(sys.argv[1], "dsync", package, "__init__.py")
            code, stat = file.read_bytes(), file.stat()
            file.write_bytes(code + b"# upgraded")
            print(package, is_started())
            file.write_bytes(code)
            os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        print("as before", is_started())
    """
    done = run_on(tmp_path, script)
    packages = ("domain", "eligibility", "mapping", "sync")
    expected = [*(f"{package} False" for package in packages), "as before True"]
    assert expected == [line for line in done.stdout.splitlines() if "second_process" not in line]


def test_its_code_is_that_of_the_process_that_starts_it(tmp_path: Path) -> None:
    """A checkout's, whatever version of dsync is installed."""
    copy_code(tmp_path)
    ids = tmp_path / "dsync" / "domain" / "ids.py"
    ids.write_text(f"{ids.read_text(encoding='utf-8')}\n\ndef told(_):\n    return __file__\n")
    script = """
        import sys
        sys.path.insert(0, sys.argv[1])
        from dsync.domain.ids import told
        from dsync.sync.aside import Aside
        with Aside(told) as aside:
            aside.start(0)
            assert aside._worker.has_answered(10)
            print(aside.finish())
    """
    done = run_on(tmp_path, script)
    assert [str(ids)] == done.stdout.splitlines()
    assert "" == done.stderr


def test_it_gets_no_secret(monkeypatch: pytest.MonkeyPatch, asked: Aside[int, int]) -> None:
    """What it does needs none."""
    monkeypatch.setenv("DSYNC_DS_TOKEN", "jeton")
    child = who_does_it(asked)
    assert b"jeton" not in Path(f"/proc/{child}/environ").read_bytes()


@pytest.mark.parametrize("failing", ["memfd_create", "ftruncate", "mmap", "Popen"])
def test_a_failed_start_leaves_nothing_open(monkeypatch: pytest.MonkeyPatch, failing: str) -> None:
    """A service lives for months: what leaks once a run ends it."""

    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(failing)

    places = {"mmap": module, "Popen": subprocess}
    monkeypatch.setattr(places.get(failing, os), failing, refuse)
    before = open_files()
    for _ in range(3):
        with Aside(os.getsid) as aside:
            assert os.getsid(HERE) == who_does_it(aside)
    assert before == open_files()


def test_many_of_them_one_after_the_other_leave_nothing_open() -> None:
    """Whether they ended or were killed."""
    before = open_files()
    for number in range(6):
        with Aside(os.getsid) as aside:
            child = who_does_it(aside)
            if number % 2:
                os.kill(child, signal.SIGKILL)
                who_does_it(aside)
    assert before == open_files()


def open_files() -> int:
    """Return how many files this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))

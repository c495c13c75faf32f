"""Signals that stop the process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest

from dsync.service.signals import StopSignals

CODES = [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]


@pytest.mark.parametrize(("number", "code"), CODES)
@pytest.mark.parametrize("is_of_thread", [False, True], ids=["process", "thread"])
def test_the_first_signal_sets_stop_and_the_exit_code(
    number: signal.Signals, code: int, is_of_thread: bool
) -> None:
    """Shells count 128 + the number; the system may deliver it while the main thread waits."""
    announced, over = threading.Event(), threading.Event()
    other = threading.Thread(target=over.wait)
    other.start()
    with StopSignals(announce=announced.set) as signals:
        assert signals.exit_code is None
        assert other.ident is not None
        if is_of_thread:
            signal.pthread_kill(other.ident, number)
        else:
            os.kill(os.getpid(), number)
        assert signals.stop.wait(60)
        assert announced.wait(60)
    over.set()
    other.join()
    assert signals.exit_code == code


@pytest.mark.parametrize(
    ("second", "after_s", "code"),
    [("SIGTERM", 0.6, 143), ("SIGTERM", 0, 0), ("SIGINT", 0, 130), ("SIGHUP", 0, 0)],
)
def test_a_second_signal_ends_the_process_unless_it_repeats_the_first(
    second: str, after_s: float, code: int
) -> None:
    """SIGHUP after SIGTERM, and SIGTERM sent twice at once, count as one."""
    program = (
        "import os, signal, sys, time\n"
        "from dsync.service.signals import StopSignals\n"
        "with StopSignals() as signals:\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "    signals.stop.wait()\n"
        f"    time.sleep({after_s})\n"
        f"    os.kill(os.getpid(), signal.{second})\n"
        "    time.sleep(0.5)\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], check=False, timeout=30)
    assert code == ended.returncode


def test_what_nohup_ignores_stays_ignored() -> None:
    """A command under `nohup` continues after its terminal is closed."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with StopSignals():
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)

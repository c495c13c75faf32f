"""Signals become a wish to stop."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from dsync.service.signals import StopSignals


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_first_signal_sets_stop_and_the_exit_code(number: signal.Signals, code: int) -> None:
    """Shells count 128 + the signal's number."""
    announced = threading.Event()
    with StopSignals(announce=announced.set) as signals:
        assert signals.exit_code is None
        os.kill(os.getpid(), number)
        assert signals.stop.wait(10)
        assert announced.wait(10)
    assert signals.exit_code == code


def test_the_handlers_from_before_are_put_back() -> None:
    """Outside of the block Ctrl-C is Python's again."""
    before = signal.getsignal(signal.SIGTERM)
    with StopSignals():
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before

"""What Python and the C library do with memory in general, and what suits dsync better."""

from __future__ import annotations

import atexit
import gc
import sys

SELDOM = (10_000, 10, 10)


def seek_cycles_seldom() -> None:
    """Have Python look for cycles less often in this process, and at its end for none.

    What is loaded stays, and dossiers are large trees that hold none. By default Python walks
    through each again and again: a fifth of a short command's time, a tenth of a full read's.
    """
    gc.set_threshold(*SELDOM)
    atexit.register(gc.freeze)


def give_back() -> None:
    """Return what is free: after a long read of large pages, a tenth of the process.

    The C library would keep it for later. Does nothing but where that is glibc.
    """
    if sys.platform == "linux":
        import ctypes

        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)

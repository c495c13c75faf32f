"""Memory that is free goes back to the system, which the C library would keep for later."""

from __future__ import annotations

import ctypes
import sys


def give_back() -> None:
    """Return what is free: after a long read of large pages, a tenth of the process.

    Does nothing but where the C library is glibc.
    """
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)

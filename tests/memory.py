"""Where tests keep what they throw away: in memory, where there is enough of it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

_SHARED = Path("/dev/shm")
FOLDER = (
    _SHARED if os.access(_SHARED, os.W_OK) and shutil.disk_usage(_SHARED).free > 2 << 30 else None
)
"""None: where temporary files are by themselves."""

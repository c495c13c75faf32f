"""What to do where an extra of the distribution is not installed."""

from __future__ import annotations

import os
import re
import shlex
import sys
from importlib import metadata

DISTRIBUTION = "dsync-ds"
IMAGE_VARIABLE = "DSYNC_IMAGE"
"""Set by the Dockerfile: name and tag of the image with all extras but those below."""
_OWN_IMAGE = {"export": "-parquet"}
"""Extras that only another image has, and the end of its tag."""


def remedy(extra: str) -> str:
    """Return what installs the packages of an extra, to be pasted as it stands.

    It names them one by one: an index may have something else under a name of ours.
    """
    if image := os.environ.get(IMAGE_VARIABLE):
        own = _OWN_IMAGE.get(extra, "")
        return f"take the image {image}{own}, which has it"
    found = [
        re.fullmatch(r"(.+?) *; *extra == ['\"](.+)['\"]", one)
        for one in metadata.requires(DISTRIBUTION) or ()
    ]
    packages = [one[1] for one in found if one and one[2] == extra]
    return f"install it with `{shlex.join([sys.executable, '-m', 'pip', 'install', *packages])}`"

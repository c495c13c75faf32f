"""Imports of a command's module that are made when one of its commands is called.

Help, completion and usage errors need the declarations of options alone; all that a command uses
takes ten times as long to import. Python 3.15's `lazy` imports will replace this.
"""

from __future__ import annotations

import builtins
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, NamedTuple


class _Awaited(NamedTuple):
    """Stands for what is imported later."""

    module: str
    name: str


@contextmanager
def later(names: dict[str, Any]) -> Iterator[None]:
    """Delay the imports in this block, each `from … import …`, until `complete`.

    `names` are the importing module's `globals()`; what other modules import is not delayed.
    """
    real = builtins.__import__

    def delayed(
        module: str, importing: Any = None, _: Any = None, wanted: Any = (), level: int = 0
    ) -> Any:
        if importing is names:
            return SimpleNamespace(**{name: _Awaited(module, name) for name in wanted})
        return real(module, importing, _, wanted, level)

    builtins.__import__ = delayed  # type: ignore[assignment] # Its own names are shorter.
    try:
        yield
    finally:
        builtins.__import__ = real


@contextmanager
def without_rich() -> Iterator[None]:
    """Keep structlog, imported in this block, from loading rich for tracebacks.

    dsync formats them itself (`cli/stderr.py`): that saves 50 ms and 5 MiB of each run and service.
    """
    if "rich" in sys.modules:
        yield
        return
    sys.modules["rich"] = None  # type: ignore[assignment] # As of a module that is not there.
    try:
        yield
    finally:
        del sys.modules["rich"]


def complete(names: dict[str, Any]) -> None:
    """Make a module's delayed imports, and those of the commands' modules among them."""
    for name, value in list(names.items()):
        if isinstance(value, _Awaited):
            module = __import__(value.module, fromlist=(value.name,))
            names[name] = getattr(module, value.name)
            complete(vars(module))

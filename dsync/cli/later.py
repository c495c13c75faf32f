"""Imports of a command's module that are made when one of its commands is called.

Help, completion and usage errors need the declarations of options alone; all that a command uses
takes ten times as long to import. Python 3.15's `lazy` imports will replace this.
"""

from __future__ import annotations

import builtins
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


def complete(names: dict[str, Any]) -> None:
    """Make a module's delayed imports, and those of the commands' modules among them."""
    for name, value in list(names.items()):
        if isinstance(value, _Awaited):
            module = __import__(value.module, fromlist=(value.name,))
            names[name] = getattr(module, value.name)
            complete(vars(module))

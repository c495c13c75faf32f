"""What the files of `migrations/layouts` have to say of the shipped views."""

from __future__ import annotations

from hashlib import sha256

from dsync.database import PROGRAMME
from dsync.programme import Programme, Storage
from dsync.store import reading_views
from dsync.store.dictionary import ENGINE, NO_PROGRAMME


def written(part: Storage) -> str:
    """Return what the layout of a part's newest revision says of the views."""
    beside = NO_PROGRAMME if part is ENGINE else PROGRAMME
    return "".join(f"{name} view {_digest(name, beside)}\n" for name in sorted(part.views))


def _digest(view: str, programme: type[Programme]) -> str:
    """Return a hash of a view's text on both engines, and of its columns' types."""
    texts = [reading_views.text_of(view, engine, programme) for engine in ("sqlite", "postgresql")]
    columns = reading_views.shipped_dictionary(programme)[view].columns
    types = [(name, one.type) for name, one in columns.items()]
    return sha256(repr([*texts, *types]).encode()).hexdigest()[:12]

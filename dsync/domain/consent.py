"""What waits for a person's consent: its kinds, and what is shown before it is given."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import blake2b
from typing import Any, NamedTuple, Self


class Consent(StrEnum):
    """The kinds of consent. The value is what the database has; `word` what commands take."""

    WRITES = "inscriptions"
    """What would be written changes too much of what stands in DS."""
    RULES = "regles"
    """Changed rules would move too many verdicts."""
    FIRST = "premiers_avis"
    """Declared checks judge for the first time."""
    EVIDENCE = "preuves"
    """The published catalogue is not believed."""
    DELETIONS = "suppressions"
    """DS no longer shows too many dossiers."""
    ANSWERS = "reponses"
    """The answers of many dossiers changed at once, without their own dates."""
    CONFIG = "configuration"
    """The configuration lacks what it had, or what it must not lose."""
    WRITER = "redacteur"
    """Another database of dsync wrote into the dossiers."""

    @property
    def word(self) -> str:
        """Its name in commands."""
        return self.name.lower()

    @classmethod
    def of_word(cls, word: str) -> Self:
        """Return the kind of this name; raises KeyError."""
        return cls[word.upper()]


class Move(NamedTuple):
    """How often one value becomes another; the values are shown to people."""

    what: str
    """What changes, in French, such as « résultat »; "" where nothing is to be told apart."""
    before: str
    after: str
    dossiers: int


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a person is asked about: the consent covers this and no more."""

    kind: Consent
    moves: tuple[Move, ...]
    """The table."""
    of: int = 0
    """How many there are in all, of which the moves are a part."""
    subjects: Mapping[str, str] = field(default_factory=dict)
    """What it is about, one by one: a dossier's number, or a name, with a digest of what would
    become of it. Consent to some covers these, also where others are done already."""
    detail: str = ""
    """What more there is to say, in French: a field's name, a file's."""

    @property
    def version(self) -> str:
        """A digest by which a person consents to what they were shown."""
        rows = sorted(f"{name}={what}" for name, what in self.subjects.items())
        text = "\n".join((self.kind.value, *rows, *map(str, self.moves if not rows else ())))
        return blake2b(text.encode(), digest_size=8).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """Return what the database keeps."""
        return {
            "moves": [list(move) for move in self.moves],
            "of": self.of,
            "subjects": dict(self.subjects),
            "detail": self.detail,
        }

    def covers(self, other: Proposal) -> bool:
        """Return whether consent to this one is consent to another one of its kind."""
        if other.subjects:
            return other.subjects.items() <= self.subjects.items()
        return self.version == other.version


class Asked(NamedTuple):
    """A proposal as stored, with what a person said to it."""

    proposal: Proposal
    version: str
    since: datetime
    """Since when it waits."""
    given_at: datetime | None
    given_by: str | None

    @classmethod
    def stored(cls, kind: str, version: str, document: Mapping[str, Any], *rest: Any) -> Self:
        """Return a row's proposal."""
        moves = tuple(Move(*move) for move in document["moves"])
        return cls(
            Proposal(
                Consent(kind), moves, document["of"], document["subjects"], document["detail"]
            ),
            version,
            *rest,
        )


def digest_of(pairs: Iterable[tuple[str, str]]) -> str:
    """Return a digest of what would become of a subject: names with what they change to."""
    text = "\n".join(sorted(f"{name}={value!r}" for name, value in pairs))
    return blake2b(text.encode(), digest_size=8).hexdigest()


def counted(what: str, pairs: Iterable[tuple[str, str]]) -> tuple[Move, ...]:
    """Return how often each pair of a value before and after occurs, the most frequent first."""
    counts: dict[tuple[str, str], int] = {}
    for pair in pairs:
        counts[pair] = counts.get(pair, 0) + 1
    rows = sorted(counts.items(), key=lambda row: (-row[1], row[0]))
    return tuple(Move(what, before, after, count) for (before, after), count in rows)

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

    french: str
    """What waits."""
    stands: str
    """What holds meanwhile, in French."""
    effect: str
    """What follows from consent, in French."""
    english: str
    english_effect: str
    after: str
    """Whether consent can be taken back, in French."""

    def __new__(
        cls,
        code: str,
        french: str = "",
        stands: str = "",
        effect: str = "",
        english: str = "",
        english_effect: str = "",
        after: str = "",
    ) -> Self:
        """Declare a kind, or return the one of a value."""
        made = str.__new__(cls, code)
        made._value_ = code
        made.french, made.stands, made.effect = french, stands, effect
        made.english, made.english_effect, made.after = english, english_effect, after
        return made

    WRITES = (
        "inscriptions",
        "Beaucoup d’avis changeraient dans Démarches Simplifiées",
        "Rien n’est inscrit ; ce qui est dans les dossiers y reste.",
        "Les nouvelles valeurs sont inscrites dans Démarches Simplifiées.",
        "What would be written changes much of what stands in DS",
        "They are written into DS.",
        "Ce qui est remplacé reste dans l’historique de chaque dossier. Une fois inscrit, seul un "
        "autre avis le remplace.",
    )
    RULES = (
        "regles",
        "Des règles changées feraient changer beaucoup d’avis",
        "Rien n’est jugé ni inscrit selon ces règles ; les avis restent.",
        "Les dossiers ouverts sont jugés selon elles, et les avis inscrits.",
        "Changed rules would move many verdicts",
        "They judge from now on, and the results are written into DS.",
        "Remettre les règles d’avant fait juger de nouveau, après un autre accord.",
    )
    FIRST = (
        "premiers_avis",
        "Les premiers avis attendent qu’une personne les ait vus",
        "Rien n’est inscrit dans Démarches Simplifiées, sauf un dossier que l’on renvoie seul.",
        "Les dossiers ouverts sont jugés, et les avis inscrits.",
        "The first results wait until a person has looked at them",
        "Open dossiers are judged from now on, and the results are written into DS.",
        "Un avis inscrit reste jusqu’au suivant ; les prochains n’attendent plus d’accord.",
    )
    EVIDENCE = (
        "preuves",
        "Le catalogue publié n’est pas retenu",
        "La dernière bonne copie sert.",
        "Il remplace la copie, et les dossiers ouverts sont jugés de nouveau. Les avis gardent les "
        "preuves qu’ils ont déjà.",
        "The published catalogue is not believed; the last good copy serves",
        "It replaces the last good copy, and open dossiers are judged with it.",
        "Le catalogue suivant remplace celui-ci à son tour.",
    )
    DELETIONS = (
        "suppressions",
        "Beaucoup de dossiers ne sont plus montrés",
        "Aucun n’est marqué comme disparu : vérifiez dans Démarches Simplifiées que c’est voulu.",
        "Ces dossiers sont marqués comme disparus.",
        "DS no longer shows many dossiers",
        "These dossiers are marked as disappeared.",
        "Rien n’est effacé : un dossier que Démarches Simplifiées montre de nouveau redevient "
        "présent à la lecture suivante.",
    )
    ANSWERS = (
        "reponses",
        "Des réponses ont changé d’une façon inhabituelle",
        "Ces dossiers gardent ce qui était connu ; rien n’en est jugé.",
        "Ces réponses sont reprises et jugées.",
        "Answers changed in an unusual way",
        "They are stored as DS gives them, and judged.",
        "Ce qui était connu reste dans les changements de chaque dossier.",
    )
    CONFIG = (
        "configuration",
        "La configuration n’a plus ce qu’elle avait",
        "Ce qui en dépend n’est ni jugé ni inscrit.",
        "La configuration est prise telle qu’elle est.",
        "The configuration lacks what it had",
        "The configuration is used as it is.",
        "Remettre dans la configuration ce qui manque le rétablit.",
    )
    WRITER = (
        "redacteur",
        "Une autre base de dsync a écrit dans ces dossiers",
        "Rien n’est inscrit tant qu’on ne sait pas laquelle écrit.",
        "Cette base prend ces valeurs pour les siennes, et continue d’écrire.",
        "Another database of dsync wrote into these dossiers",
        "This database takes these values as its own, and goes on writing.",
        "Arrêtez d’abord l’autre base : sinon chacune écrit sur ce que l’autre a écrit.",
    )

    @property
    def word(self) -> str:
        """Its name in commands."""
        return self.name.lower()

    @classmethod
    def of_word(cls, word: str) -> Self:
        """Return the kind of this name; raises KeyError."""
        return cls[word.upper()]


FULL_READ = frozenset({Consent.DELETIONS, Consent.ANSWERS})
"""Those whose effect begins with a read of all dossiers: it finds what was not stored."""
OWN_ANNOTATIONS = "[annotations]"
"""The subject of the first write, with a digest of what says where and by which rules."""
UNWRITTEN = "rien d’inscrit"
"""What stands before it."""
NOTHING = "Sans verdict"
"""What stands where nothing was written or judged yet."""


_CHECK, _END = "Contrôle « ", " »"
IN_DS = "présent dans Démarches Simplifiées"
GONE = "introuvable, masqué ou supprimé"


class Move(NamedTuple):
    """How often one value becomes another; the values are shown to people."""

    what: str
    """What changes, in French, such as « résultat »; "" where nothing is to be told apart."""
    before: str
    after: str
    dossiers: int

    @classmethod
    def of_check(cls, name: str, before: str, after: str, dossiers: int) -> Self:
        """Return how often a check says something else."""
        return cls(f"{_CHECK}{name}{_END}", before, after, dossiers)

    @property
    def check(self) -> str | None:
        """The check that says something else; None: another thing changes."""
        is_one = self.what.startswith(_CHECK)
        return self.what.removeprefix(_CHECK).removesuffix(_END) if is_one else None


class CheckFinding(NamedTuple):
    """What a check found when it was tried on dossiers."""

    check: str
    dossiers: int
    """Those of which it is not conforming."""
    judged: int
    """Those on which it was tried."""
    doubt: str
    """A question, in French, if it found most of them, or none."""


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
    findings: tuple[CheckFinding, ...] = ()
    """Of checks that judge for the first time."""
    example: int | None = None
    """A dossier that would get another verdict, else one of which a check says something else."""

    @property
    def moved(self) -> int:
        """How many dossiers move from a value that stands, by what moves in most of them."""
        counts: dict[str, int] = {}
        for one in self.moves:
            if one.before not in (NOTHING, UNWRITTEN, one.after):
                counts[one.what] = counts.get(one.what, 0) + one.dossiers
        return max(counts.values(), default=0)

    @property
    def dossiers(self) -> int:
        """How many dossiers move."""
        return sum(move.dossiers for move in self.moves)

    @property
    def numbers(self) -> list[int]:
        """The dossiers that it is about; none if it is about something else."""
        return sorted(int(name) for name in self.subjects if name.isdecimal())

    @property
    def lines(self) -> list[str]:
        """What stands below the table, in French."""
        return [
            *self.detail.splitlines(),
            *(
                f"{name} : {count} dossier{'s' if count > 1 else ''} sur {judged}"
                + (f" : {doubt}" if doubt else "")
                for name, count, judged, doubt in self.findings
            ),
            *([] if self.example is None else [f"exemple : {self.example}"]),
        ]

    @property
    def is_first_write(self) -> bool:
        """Whether it asks only about the first write: what is judged is not in question."""
        return self.kind is Consent.FIRST and self.subjects.keys() == {OWN_ANNOTATIONS}

    @property
    def table(self) -> str:
        """The moves on one line."""
        return ", ".join(f"{one.before} → {one.after}: {one.dossiers}" for one in self.moves)

    @property
    def version(self) -> str:
        """A digest by which a person consents to what they were shown."""
        rows = sorted(f"{name}={what}" for name, what in self.subjects.items())
        return digest_of(self.kind.value, *rows, *map(str, self.moves if not rows else ()))

    def to_json(self) -> dict[str, Any]:
        """Return what the database keeps."""
        return {
            "moves": [list(move) for move in self.moves],
            "of": self.of,
            "subjects": dict(self.subjects),
            "detail": self.detail,
            "findings": [list(finding) for finding in self.findings],
            "example": self.example,
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
    given_by: str | None = None
    sample: tuple[int, str] | None = None
    """Of a first write: a dossier, and the whole detail that it would get; not stored with it."""

    @classmethod
    def stored(cls, kind: str, version: str, document: Mapping[str, Any], *rest: Any) -> Self:
        """Return a row's proposal."""
        moves = tuple(Move(*move) for move in document["moves"])
        return cls(
            Proposal(
                Consent(kind),
                moves,
                document["of"],
                document["subjects"],
                document["detail"],
                tuple(CheckFinding(*finding) for finding in document["findings"]),
                document["example"],
            ),
            version,
            *rest,
        )


def digest_of(*parts: str) -> str:
    """Return a short digest of some texts."""
    return blake2b("\n".join(parts).encode(), digest_size=8).hexdigest()


def counted(what: str, pairs: Iterable[tuple[str, str]]) -> tuple[Move, ...]:
    """Return how often each pair of a value before and after occurs, the most frequent first."""
    counts: dict[tuple[str, str], int] = {}
    for pair in pairs:
        counts[pair] = counts.get(pair, 0) + 1
    rows = sorted(counts.items(), key=lambda row: (-row[1], row[0]))
    return tuple(Move(what, before, after, count) for (before, after), count in rows)

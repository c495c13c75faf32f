"""What commands do for each démarche, and what they list of all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import click

from dsync.cli.failures import Exit, tell, worst
from dsync.cli.output import heading, pasteable, print_json, print_note, print_table
from dsync.cli.session import Chosen, concerning, readings
from dsync.domain.ids import DossierNumber
from dsync.errors import DsyncError, InterruptedRunError
from dsync.settings import Settings

if TYPE_CHECKING:
    from dsync.store import Reader

T = TypeVar("T")
Act = Callable[[Settings, tuple[DossierNumber, ...]], tuple[Any, int]]
"""Acts on a démarche and its dossiers that were named; prints what it did unless that is printed as
JSON; returns the document, a mapping or a list of them, and the exit code."""


def for_each(each: Sequence[Chosen], act: Act, *, as_json: bool) -> None:
    """Do something for each démarche, and exit with the worst code; a failure stops no other one.

    The JSON of one démarche is its document, that of several a list.
    """
    documents: list[Any] = []
    codes = []
    for one, dossiers in each:
        concerning(one)
        if len(each) == 1:
            document, code = act(one, dossiers)
        else:
            if not as_json:
                heading(f"Démarche {one.demarche}")
            try:
                document, code = act(one, dossiers)
            except DsyncError as exc:
                code = exc.exit_code
                document = {"error": pasteable(exc.message), "exit_code": code}
                if not as_json:
                    tell(document["error"], code, as_json=False)
        documents.append((one.demarche, document))
        codes.append(code)
        if code >= InterruptedRunError.exit_code:
            break
    if as_json and len(each) == 1:
        print_json(documents[0][1])
    elif as_json:
        print_json([line for number, one in documents for line in _with(number, one)])
    elif len(each) > 1:
        _sum_up([one.demarche for one, _ in each], codes)
    if code := worst(codes):
        raise Exit(code)


def _sum_up(demarches: Sequence[int], codes: Sequence[int]) -> None:
    """Print how many démarches ended well, and how each other one did: it may have scrolled away.

    The codes are those of the démarches that were begun, in the same order.
    """
    others = [f"{one} (exit {code})" for one, code in zip(demarches, codes, strict=False) if code]
    left = len(demarches) - len(codes)
    said = f"{len(codes) - len(others)} of {len(demarches)} démarches without a problem"
    if others:
        said += f"; with one: {', '.join(others)}"
    if left:
        said += f"; {left} not begun"
    click.echo()
    print_note(f"{said}.", hanging=0)


def _with(demarche: int, document: Any) -> list[dict[str, Any]]:
    """Return a démarche's document, or the entries of its list, with the démarche's number."""
    lines = document if isinstance(document, list) else [document]
    return [{"demarche": demarche} | line for line in lines]


@dataclass(frozen=True, slots=True)
class Listed(Generic[T]):
    """What some démarches have, each with its démarche."""

    rows: list[tuple[int, T]]
    demarches: int
    """How many were looked at."""

    def first(self, limit: int, by: Callable[[T], Any], *, newest: bool = False) -> Listed[T]:
        """Return the first ones of all in an order."""
        rows = sorted(self.rows, key=lambda one: by(one[1]), reverse=newest)
        return Listed(rows[:limit], self.demarches)

    def print_as_json(self, of: Callable[[T], Mapping[str, Any]], *, as_json: bool) -> bool:
        """Print the JSON if it is asked for; return whether it is."""
        if as_json:
            print_json([{"demarche": number, **of(one)} for number, one in self.rows])
        return as_json

    def print(
        self, headers: Sequence[str], cells: Callable[[T], Sequence[Any]], **options: Any
    ) -> None:
        """Print a table by `print_table`, with the démarche where several were looked at."""
        if self.demarches == 1:
            print_table(headers, [cells(one) for _, one in self.rows], **options)
            return
        rows = [(number, *cells(one)) for number, one in self.rows]
        print_table(("démarche", *headers), rows, **options)


def listed(read: Callable[[Reader], Iterable[T]], *, everywhere: bool = False) -> Listed[T]:
    """Return what is found in each configured démarche, or in the chosen one.

    `everywhere`: `--all` was given, which excludes a choice.
    """
    found = [(one.demarche, [*read(reader)]) for one, reader in readings(everywhere=everywhere)]
    rows = [(number, row) for number, some in found for row in some]
    return Listed(rows, len(found))

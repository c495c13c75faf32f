"""What is held of a person, for the answer that article 15 of the GDPR asks for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from typing import Any

from dsync.care.file_texts import MOST_BYTES, FileText, FileTexts, Unread, check_readers
from dsync.domain.dossier import unaccented
from dsync.domain.ids import DemarcheNumber
from dsync.errors import ConfigurationError, PieceTargetError, StoreError
from dsync.store import Store
from dsync.store.dictionary import label_of
from dsync.store.personal_data import Act, Hit, wanted_of
from dsync.store.requests import Seen
from dsync.sync.piece_copying import MAX_FAILURES
from dsync.sync.piece_files import beginning_of, target_of

FILE = "fichier"
"""Instead of a table's name, what was found in a file."""


def look_up(
    store: Store,
    text: str,
    asked_by: str,
    clock: Callable[[], datetime],
    demarche: DemarcheNumber | None = None,
    *,
    in_files: bool = False,
    progress: Callable[[int, int], None] | None = None,
    journaled: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the values that have the words of a text, and the dossiers whose applicant they name.

    The text is as of `wanted_of`: e-mail addresses, names, numbers. The journal has that `asked_by`
    looked, when, which dossiers were found and what `journaled` says, and not the text. Without a
    démarche, all are looked through. `in_files`: the copied files, too. `progress` is called with
    how much was looked through, and how much there is.

    Raises:
        ConfigurationError: the text is too short, or files of a kind could not be read; nothing was
            looked for.
        StoreError: it could not be journaled.
    """
    began = clock()
    if in_files:
        check_readers()
    with store.reading(demarche) as reader:
        hits = reader.persons.search(text, progress)
        files = reader.persons.copies() if in_files else []
    unread: list[dict[str, Any]] = []
    if in_files:
        in_them, unread = _search_files(files, text, progress)
        hits += in_them
    numbers = sorted({one.numero for one in hits if one.numero})
    with store.reading(demarche) as reader:
        if not in_files:
            unread = [{**one, "raison": Unread.NOT_ASKED} for one in reader.persons.copies(numbers)]
        applicant_of = reader.persons.applicant_of(hits)
        dossiers = reader.persons.dossiers(numbers)
    # Before anybody sees the result.
    for number in store.demarches() if demarche is None else (demarche,):
        theirs = [one for one in hits if one.demarche_numero == number]
        found = sorted({one.numero for one in theirs if one.numero})
        options = {**({"dossiers": found} if found else {}), **(journaled or {})}
        result = {"nombre": len(theirs)}
        try:
            with store.requests(number) as requests:
                requests.record(
                    Seen.PERSON, options, asked_by, since=began, now=clock(), result=result
                )
        except StoreError as exc:
            raise StoreError(
                "What was found is not shown, because that somebody looked cannot be journaled: "
                f"{exc.message}"
            ) from exc
    declared = {one.table.name: one for one in store.holdings()}
    declared[FILE] = declared["piece"]
    return {
        "le": began,
        "trouve": [one._asdict() for one in hits],
        "demandeur_de": applicant_of,
        "dossiers": dossiers,
        "fichiers_lus": len(files) - len(unread) if in_files else 0,
        "fichiers": unread,
        "tables": {
            name: {
                "contenu": declared[name].contents,
                "duree": declared[name].until,
                "colonnes": {n: label_of(c.sentence) for n, c in declared[name].columns.items()},
            }
            for name in dict.fromkeys(one.table for one in hits)
        },
    }


def _search_files(
    files: Sequence[Mapping[str, Any]], text: str, progress: Callable[[int, int], None] | None
) -> tuple[list[Hit], list[dict[str, Any]]]:
    """Return where files have the words, close together, and the files that were not read whole."""
    wanted = wanted_of(text)
    hits: list[Hit] = []
    unread: list[dict[str, Any]] = []
    failures: Counter[str] = Counter()
    with closing(FileTexts()) as texts:
        for done, one in enumerate(files):
            if progress:
                progress(done, len(files))
            address = one["adresse"]
            found = FileText("", Unread.AWAY)
            try:
                # A target that is away would fail for each of its files.
                if failures[target_of(address)] < MAX_FAILURES:
                    content = beginning_of(address, MOST_BYTES + 1)
                    found = found if content is None else texts.of(content)
            except (PieceTargetError, ConfigurationError):
                failures[target_of(address)] += 1
            if found.unread:
                unread.append({**one, "raison": found.unread})
            plain = unaccented(found.text)
            there = (w.excerpt(found.text, near=True) for w in wanted if w.may_be_in(plain))
            hits += [
                Hit(
                    FILE,
                    one["demarche_numero"],
                    one["numero"],
                    {},
                    address,
                    one["libelle"],
                    excerpt,
                    excerpt,
                    Act.CORRECT,
                )
                for excerpt in there
                if excerpt
            ]
    return hits, unread

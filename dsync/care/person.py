"""What is held of a person, for the answer that article 15 of the GDPR asks for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from dsync.domain.ids import DemarcheNumber
from dsync.errors import StoreError
from dsync.store import Store
from dsync.store.requests import Seen


def look_up(
    store: Store,
    text: str,
    asked_by: str,
    clock: Callable[[], datetime],
    demarche: DemarcheNumber | None = None,
) -> dict[str, Any]:
    """Return the values that have the words of a text, and the dossiers whose applicant they name.

    The text is an e-mail address, a name or a SIRET. The journal has that `asked_by` looked, when
    and which dossiers, and not the text. Without a démarche, all are looked through.

    Raises:
        ConfigurationError: the text is too short; nothing was looked for.
    """
    began = clock()
    with store.reading(demarche) as reader:
        hits = reader.persons.search(text)
        copies = reader.persons.copies(sorted({one.numero for one in hits if one.numero}))
        applicant_of = reader.persons.applicant_of(hits)
    declared = {one.table.name: one for one in store.holdings()}
    # Before anybody sees the result.
    for number in store.demarches() if demarche is None else (demarche,):
        theirs = [one for one in hits if one.demarche_numero == number]
        dossiers = sorted({one.numero for one in theirs if one.numero})
        result = {"nombre": len(theirs)}
        options = {"dossiers": dossiers} if dossiers else {}
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
    return {
        "le": began,
        "trouve": [one._asdict() for one in hits],
        "demandeur_de": applicant_of,
        "fichiers": copies,
        "tables": {
            name: {"contenu": declared[name].contents, "duree": declared[name].until}
            for name in dict.fromkeys(one.table for one in hits)
        },
    }
